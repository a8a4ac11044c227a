//! Tools that change a whole segment, cut it with an outline, or grow it from a click: each a job that can be cancelled,
//! and one step of undo.
//!
//! Must stay true: a tool works on the layer as it was when it began; when somebody changed that meanwhile its result is
//! thrown away and said. Locked segments neither get nor lose voxels.

use super::{cut::keep_values, edits_of, now_ms};
use crate::{
    diary,
    gpu::GpuContext,
    imaging::{
        segment::{
            Bits, Combine, Image,
            between::filled_between,
            forest::{Costs, Ground, slope, spread as spread_here},
            grow::{Ball, Limit, grow},
            image::plane,
            islands::{self, Neighbours},
            margin, smooth,
            trace::{self, Side},
        },
        statistics, window,
    },
    model::{
        annotation::Author,
        edit::Edit,
        geometry::GridGeometry,
        lut::{ModalityLut, PaddingRange},
        pixels::Frame,
        segmentation::{
            Delta, SegmentState, Segmentation, SegmentationEdit, SegmentationId, VoxelBox,
            VoxelChange, VoxelSource, Voxels, change::is_possible,
        },
    },
    render::forest,
    task::{CancelToken, spawn_named},
    workspace::{
        Workspace,
        display::{FrameState, SeriesDisplay},
        event::Event,
        jobs::JobId,
    },
};
use std::{collections::BTreeSet, panic::AssertUnwindSafe, sync::Arc};

/// How far a region grows from where it was begun, millimetres.
const GROW_MM: f64 = 80.0;
/// Voxels around all seeds of a layer that spreading tools look at.
const AROUND: usize = 12;

/// What a tool does.
#[derive(Clone, Debug, PartialEq)]
pub enum SegmentTool {
    /// Larger by so many millimetres, or smaller.
    Margin(f64),
    /// Blurred by so many millimetres, and cut at one half.
    Smooth(f64),
    /// Without what is thinner than twice so many millimetres.
    Open(f64),
    /// With gaps closed that are narrower than twice so many millimetres.
    Close(f64),
    /// With what it shuts in.
    FillHoles,
    /// The largest part alone.
    Largest,
    /// Without parts of less than so many millilitres.
    WithoutSmall(f64),
    /// With what lies between the slices in which it was drawn.
    FillBetween,
    /// Put together with another segment.
    Combine(Joining, u16),
    /// What hangs together with a voxel and has values of a range: in one slice across an axis, or in space.
    Grow {
        /// The voxel.
        seed: [usize; 3],
        /// The values.
        range: [f64; 2],
        /// The axis that the slice lies across.
        slice: Option<usize>,
    },
    /// What the line at the level of a voxel shuts in, in the slice across an axis.
    Trace {
        /// The voxel.
        at: [usize; 3],
        /// The axis.
        axis: usize,
        /// What is at most as bright, and not at least.
        dark: bool,
        /// It is taken from the segment, and not given to it.
        takes: bool,
        /// Only values from here to there.
        range: Option<[f64; 2]>,
    },
    /// What follows from points and scribbles.
    Prompts(Box<super::prompts::Prompts>),
    /// What lies inside of a drawn outline.
    Scissors(Box<super::cut::Cut>),
    /// What lies inside of an outline along edges.
    Wire(Box<super::wire::Wired>),
    /// All segments of the layer grow from what is drawn of them until they meet.
    GrowCut,
    /// The same by the steepness of the picture.
    Watershed,
}

/// How a segment is put together with another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joining {
    /// What is in either.
    Add,
    /// What is not in the other.
    Subtract,
    /// What is in both.
    Intersect,
}

impl SegmentTool {
    /// Stable name, as voxels remember it.
    const fn name(&self) -> &'static str {
        match self {
            Self::Margin(_) => "margin",
            Self::Smooth(_) => "smooth",
            Self::Open(_) => "open",
            Self::Close(_) => "close",
            Self::FillHoles => "fill-holes",
            Self::Largest => "largest-part",
            Self::WithoutSmall(_) => "without-small",
            Self::FillBetween => "fill-between",
            Self::Combine(Joining::Add, _) => "add",
            Self::Combine(Joining::Subtract, _) => "subtract",
            Self::Combine(Joining::Intersect, _) => "intersect",
            Self::Grow { .. } => "grow",
            Self::Trace { .. } => "level-trace",
            Self::Prompts(_) => "prompts",
            Self::Scissors(_) => "scissors",
            Self::Wire(_) => "livewire",
            Self::GrowCut => "grow-cut",
            Self::Watershed => "watershed",
        }
    }

    /// What it was told, as voxels remember it.
    fn prompt(&self) -> String {
        match self {
            Self::Margin(mm) | Self::Smooth(mm) | Self::Open(mm) | Self::Close(mm) => {
                format!("{mm} mm")
            }
            Self::WithoutSmall(ml) => format!("{ml} ml"),
            Self::Combine(_, other) => format!("segment {other}"),
            Self::Grow { seed, range, slice } => {
                let [x, y, z] = seed;
                let place = if slice.is_some() { "slice" } else { "space" };
                format!("{place} {x} {y} {z} range {} {}", range[0], range[1])
            }
            Self::Trace {
                at: [x, y, z],
                axis,
                dark,
                takes,
                range,
            } => {
                let side = if *dark { "below" } else { "above" };
                let how = if *takes { "take" } else { "add" };
                let mut prompt = format!("{how} {side} {x} {y} {z} across {axis}");
                if let Some([low, high]) = range {
                    prompt.push_str(&format!(" range {low} {high}"));
                }
                prompt
            }
            Self::Prompts(prompts) => prompts.prompt(),
            Self::Scissors(cut) => cut.prompt(),
            Self::Wire(wired) => wired.prompt(),
            _ => String::new(),
        }
    }

    fn needs_values(&self) -> bool {
        match self {
            Self::Scissors(cut) => cut.range.is_some(),
            Self::Wire(wired) => wired.range.is_some(),
            Self::Grow { .. } | Self::Trace { .. } | Self::Prompts(_) => true,
            Self::GrowCut | Self::Watershed => true,
            _ => false,
        }
    }

    /// Whether it makes a segmentation where there is none yet.
    fn begins(&self) -> bool {
        match self {
            Self::Scissors(cut) => !cut.takes,
            Self::Wire(wired) => !wired.takes,
            Self::Trace { takes, .. } => !takes,
            Self::Grow { .. } | Self::Prompts(_) => true,
            _ => false,
        }
    }
}

/// Values of the frames that a layer lies on; what is not here has none.
pub(super) struct Frames {
    size: [usize; 3],
    slices: Vec<Option<(Frame, Option<PaddingRange>, ModalityLut)>>,
}

impl Frames {
    pub(super) fn of(display: &SeriesDisplay, size: [usize; 3], only: Option<usize>) -> Self {
        let slice = |index: usize| {
            let reference = display.layout.frames.get(index)?;
            let image = reference.instance.image.as_ref()?;
            let FrameState::Loaded(frame) = display.frame(index) else {
                return None;
            };
            let fits = frame.samples == 1 && [frame.columns, frame.rows] == size[..2];
            let lut = image.frame(reference.frame).modality_lut.clone();
            (fits && image.palette.is_none()).then_some((frame, image.padding, lut))
        };
        let slices = (0..size[2]).map(|z| slice(only.unwrap_or(z))).collect();
        Self { size, slices }
    }

    /// The values of a box, columns fastest; what has none is 0 (air, water: as far away as anything).
    fn dense(&self, part: &VoxelBox) -> Vec<f32> {
        let mut values = Vec::with_capacity(part.voxels());
        for z in part.range(2) {
            for y in part.range(1) {
                values.extend(part.range(0).map(|x| {
                    let value = self.value([x, y, z]);
                    if value.is_finite() { value as f32 } else { 0.0 }
                }));
            }
        }
        values
    }
}

impl Image for Frames {
    fn size(&self) -> [usize; 3] {
        self.size
    }

    fn row(&self, y: usize, z: usize, out: &mut [f64]) {
        for (x, out) in out.iter_mut().enumerate() {
            *out = self.value([x, y, z]);
        }
    }

    fn value(&self, [x, y, z]: [usize; 3]) -> f64 {
        let Some(Some((frame, padding, lut))) = self.slices.get(z) else {
            return f64::NAN;
        };
        match frame.value(x, y, 0) {
            Some(stored) if statistics::is_image(stored, frame.stored_type, *padding) => {
                window::modality_value(stored, lut)
            }
            _ => f64::NAN,
        }
    }
}

/// What a tool works on.
struct Work {
    tool: SegmentTool,
    before: Voxels,
    /// The layer of another segment.
    other: Option<Voxels>,
    number: u16,
    grid: GridGeometry,
    frames: Option<Frames>,
    locked: BTreeSet<u16>,
    over: bool,
    /// The device that draws: what it does well is done there.
    gpu: Option<GpuContext>,
}

/// What became of it.
#[derive(Debug)]
pub struct Applied {
    job: JobId,
    of: SegmentationId,
    layer: usize,
    before: Voxels,
    source: Arc<VoxelSource>,
    /// The segmentation that it makes, where there was none.
    begun: Option<Box<Segmentation>>,
    /// The layer afterwards; `None` when it was cancelled or there was nothing to work with.
    after: Option<Voxels>,
}

impl Workspace {
    /// Changes the chosen segment with a tool.
    pub(in crate::workspace) fn apply_tool(&mut self, tool: SegmentTool) {
        if matches!(tool, SegmentTool::Prompts(_)) && self.segmenting.by_network.is_some() {
            return self.propose_pointed(&tool);
        }
        let place = self.segment_place(self.active);
        // Where there is none, it is there with what the tool does: both are one step.
        let begun = match (&place, self.active_segmentation()) {
            (Some(place), None) if tool.begins() => {
                if !is_possible(place.grid.size) {
                    return self.notify("notice-segmentation-too-large", String::new());
                }
                Some(Box::new(self.begun(place)))
            }
            _ => None,
        };
        let found = match &begun {
            Some(whole) => whole.segments().next().map(|segment| (&**whole, segment)),
            None => self.active_segment(),
        };
        let Some((whole, segment)) = found else {
            return;
        };
        if segment.locked {
            return self.notify("notice-segment-locked", String::new());
        }
        let Some(before) = whole.layers().get(segment.layer).cloned() else {
            return;
        };
        let viewport = self.active_viewport();
        let display = viewport.and_then(|v| v.display.as_ref());
        let same = place.is_some_and(|p| p.is_grid(&whole.grid));
        let frames = match display.filter(|_| tool.needs_values() && same) {
            Some(display) => {
                let only = whole.frame.is_some();
                let shown = viewport.map(|v| v.frame_shown()).filter(|_| only);
                Some(Frames::of(display, whole.grid.size, shown))
            }
            None => None,
        };
        if tool.needs_values() && frames.is_none() {
            return self.notify("segment-range-other-grid", String::new());
        }
        let locked = whole.segments().filter(|s| s.locked).map(|s| s.number);
        let other = match &tool {
            SegmentTool::Combine(_, other) => whole
                .segment(*other)
                .and_then(|s| whole.layers().get(s.layer))
                .cloned(),
            _ => None,
        };
        let work = Work {
            before: before.clone(),
            other,
            number: segment.number,
            grid: whole.grid,
            frames,
            locked: locked.collect(),
            over: self.segmenting.brush.over,
            gpu: Some(self.gpu.clone()),
            tool: tool.clone(),
        };
        let (of, layer) = (whole.id.clone(), segment.layer);
        let source = Arc::new(VoxelSource {
            tool: tool.name().to_owned(),
            prompt: tool.prompt(),
            by: Author::Person(self.segmenter()),
            at_ms: now_ms(),
        });
        let job = self.jobs.start("job-segment-tool");
        let ending = self.ending(job.id);
        let (events, waker) = (self.sender(), self.waker.clone());
        let body = move || {
            let done = || changed(&work, &job.cancel);
            let after = diary::contain(AssertUnwindSafe(done)).unwrap_or_default();
            let after = after.filter(|_| !job.cancel.is_cancelled());
            let _ = events.send(Event::SegmentTool(Box::new(Applied {
                job: job.id,
                of,
                layer,
                before,
                source,
                begun,
                after,
            })));
            waker.wake("segment tool");
            drop(ending);
        };
        if spawn_named("segment tool", body).is_err() {
            self.notify("notice-segment-tool-failed", String::new());
        }
    }

    pub(in crate::workspace) fn take_tool(&mut self, applied: Applied) {
        self.jobs.finish(applied.job);
        let Some(after) = applied.after else { return };
        let same = match &applied.begun {
            // Another one may have been begun meanwhile.
            Some(begun) => !self
                .seen_segmentations()
                .any(|s| (&s.series_uid, &s.frame) == (&begun.series_uid, &begun.frame)),
            None => {
                let kept = self.marks.segmentation(&applied.of);
                kept.and_then(|s| s.layers().get(applied.layer)) == Some(&applied.before)
            }
        };
        if !same {
            return self.notify("notice-segment-changed", String::new());
        }
        let delta = Delta::between(&applied.before, &after).filter(|delta| !delta.is_empty());
        let Some(delta) = delta else {
            return self.notify("notice-segment-nothing", String::new());
        };
        let change = Arc::new(VoxelChange {
            of: applied.of,
            layer: applied.layer,
            delta,
            source: applied.source,
        });
        let mut edits = match &applied.begun {
            Some(begun) => edits_of(begun),
            None => self.stand_behind(&change),
        };
        let id = change.of.clone();
        edits.push(Edit::Segmentation(SegmentationEdit::Voxels(change)));
        if self.change(&id, edits)
            && let Some(begun) = &applied.begun
        {
            self.take_up(begun);
        }
    }

    /// The edits of segments that a change of voxels makes ones that somebody edited.
    pub(super) fn stand_behind(&self, change: &VoxelChange) -> Vec<Edit> {
        use crate::model::segmentation::SegmentOrigin as Origin;
        let whole = self.marks.segmentation(&change.of);
        let touched = change.numbers().into_iter();
        let segments = touched.filter_map(|number| whole?.segment(number));
        let changed = segments.filter_map(|from| {
            let mut to = from.clone();
            to.state = SegmentState::Edited;
            if let Origin::Automatic {
                algorithm, version, ..
            } = &from.origin
            {
                let (algorithm, version) = (algorithm.clone(), version.clone());
                to.origin = Origin::SemiAutomatic { algorithm, version };
            }
            (to != *from).then(|| {
                self.sign(&mut to);
                Edit::Segmentation(SegmentationEdit::Segment {
                    of: change.of.clone(),
                    from: Some(Box::new(from.clone())),
                    to: Some(Box::new(to)),
                })
            })
        });
        changed.collect()
    }
}

/// The voxels of a number in a box.
fn bits_of(layer: &Voxels, number: u16, part: &VoxelBox) -> Bits {
    let mut bits = Bits::new(part.size());
    let Some(bounds) = layer.bounds(Some(number)) else {
        return bits;
    };
    let bounds = bounds.intersection(part);
    let low = part.first;
    for z in bounds.range(2) {
        for y in bounds.range(1) {
            let row = layer.read(&VoxelBox {
                first: [bounds.first[0], y, z],
                end: [bounds.end[0], y + 1, z + 1],
            });
            let mut x = bounds.first[0] - low[0];
            for run in row.chunk_by(|a, b| a == b) {
                if run.first() == Some(&number) {
                    bits.set_run(y - low[1], z - low[2], x..x + run.len());
                }
                x += run.len();
            }
        }
    }
    bits
}

/// The box of the layer that a tool looks at: for one on a whole segment what it has, as far as the tool reaches beyond, and a rim
/// of empty voxels where the grid goes on. Nothing of the segment lies outside, so that tools see in it what they would see in the
/// whole grid: a set of bits of a large grid is tens of megabytes, and there are several of them. `None` where there is nothing.
fn looked_at(work: &Work, spacing: [f64; 3]) -> Option<VoxelBox> {
    let mut other = None;
    let reach_mm = match &work.tool {
        SegmentTool::Margin(mm) | SegmentTool::Open(mm) | SegmentTool::Close(mm) => mm.max(0.0),
        // As far as the bell reaches.
        SegmentTool::Smooth(mm) => 4.0 * mm.max(0.0),
        SegmentTool::FillHoles
        | SegmentTool::Largest
        | SegmentTool::WithoutSmall(_)
        | SegmentTool::FillBetween => 0.0,
        SegmentTool::Combine(_, number) => {
            other = work.other.as_ref().and_then(|o| o.bounds(Some(*number)));
            0.0
        }
        _ => return Some(work.before.whole()),
    };
    let own = work.before.bounds(Some(work.number));
    let bounds = match (own, other) {
        (Some(own), Some(other)) => own.union(&other),
        (own, other) => own.or(other)?,
    };
    let size = work.before.size();
    let around = |axis: usize| -> usize {
        // Where the spacing is none it is the whole grid.
        let voxels = (reach_mm / spacing[axis]).ceil();
        match voxels.is_finite() && voxels < size[axis] as f64 {
            true => voxels as usize + 2,
            false => size[axis],
        }
    };
    Some(VoxelBox {
        first: std::array::from_fn(|axis| bounds.first[axis].saturating_sub(around(axis))),
        end: std::array::from_fn(|axis| (bounds.end[axis] + around(axis)).min(size[axis])),
    })
}

/// The layer after the tool; `None` once cancelled.
fn changed(work: &Work, cancel: &CancelToken) -> Option<Voxels> {
    let spacing = work.grid.spacing_mm();
    if matches!(work.tool, SegmentTool::GrowCut | SegmentTool::Watershed) {
        return spread(work, spacing, cancel);
    }
    let Some(part) = looked_at(work, spacing) else {
        return Some(work.before.clone());
    };
    changed_in(work, &part, spacing, cancel)
}

/// The same, looking at a box of the layer.
fn changed_in(
    work: &Work,
    part: &VoxelBox,
    spacing: [f64; 3],
    cancel: &CancelToken,
) -> Option<Voxels> {
    let own = bits_of(&work.before, work.number, part);
    let mut adds = false;
    let bits = match &work.tool {
        SegmentTool::Margin(mm) => margin::margin(&own, *mm, spacing, cancel)?,
        SegmentTool::Smooth(mm) => smooth::gaussian(&own, *mm, spacing, cancel)?,
        SegmentTool::Open(mm) => margin::opened(&own, *mm, spacing, cancel)?,
        SegmentTool::Close(mm) => margin::closed(&own, *mm, spacing, cancel)?,
        SegmentTool::FillHoles => islands::filled(&own),
        SegmentTool::Largest => islands::largest(&own, Neighbours::Faces),
        SegmentTool::WithoutSmall(ml) => {
            islands::without_small(&own, *ml, spacing, Neighbours::Faces)
        }
        SegmentTool::FillBetween => filled_between(&own, 2, spacing, cancel)?,
        SegmentTool::Combine(how, other) => {
            let other = bits_of(work.other.as_ref()?, *other, part);
            let how = match how {
                Joining::Add => Combine::Add,
                Joining::Subtract => Combine::Subtract,
                Joining::Intersect => Combine::Intersect,
            };
            let mut out = own.clone();
            out.combine(how, &other);
            out
        }
        SegmentTool::Grow { .. } | SegmentTool::Prompts(_) => {
            adds = true;
            let gpu = work.gpu.as_ref();
            pointed(&work.tool, work.frames.as_ref()?, spacing, gpu, cancel)?
        }
        SegmentTool::Trace { takes, .. } => {
            let inside = pointed(&work.tool, work.frames.as_ref()?, spacing, None, cancel)?;
            adds = !takes;
            if *takes {
                let mut out = own.clone();
                out.combine(Combine::Subtract, &inside);
                out
            } else {
                inside
            }
        }
        SegmentTool::Scissors(_) | SegmentTool::Wire(_) => {
            let values = work.frames.as_ref().map(|f| f as &dyn Image);
            let (inside, takes) = match &work.tool {
                SegmentTool::Scissors(cut) => (cut.voxels(&work.grid, values)?, cut.takes),
                SegmentTool::Wire(wired) => (wired.voxels(work.grid.size, values)?, wired.takes),
                _ => return None,
            };
            adds = !takes;
            if takes {
                let mut out = own.clone();
                out.combine(Combine::Subtract, &inside);
                out
            } else {
                inside
            }
        }
        SegmentTool::GrowCut | SegmentTool::Watershed => return None,
    };
    let number = work.number;
    let low = part.first;
    let mut after = work.before.clone();
    let stays = |now: u16| now == number || now != 0 && (!work.over || work.locked.contains(&now));
    for (y, z, run) in bits.runs() {
        let run = run.start + low[0]..run.end + low[0];
        after.map_row([y + low[1], z + low[2]], run, |_, now| {
            if stays(now) { now } else { number }
        });
    }
    if !adds && let Some(bounds) = work.before.bounds(Some(number)) {
        for z in bounds.range(2) {
            for y in bounds.range(1) {
                after.map_row([y, z], bounds.range(0), |x, now| {
                    match now == number && !bits.get([x - low[0], y - low[1], z - low[2]]) {
                        true => 0,
                        false => now,
                    }
                });
            }
        }
    }
    after.tidy(&after.whole());
    (!cancel.is_cancelled()).then_some(after)
}

/// What a tool takes that is told a voxel; `None` for other tools, where there is nothing to take, and once cancelled.
pub(super) fn pointed(
    tool: &SegmentTool,
    values: &dyn Image,
    spacing: [f64; 3],
    gpu: Option<&GpuContext>,
    cancel: &CancelToken,
) -> Option<Bits> {
    let size = values.size();
    match tool {
        SegmentTool::Grow { seed, range, slice } => {
            let limit = match slice {
                Some(axis) => Limit::slice(size, *axis, *seed.get(*axis)?),
                None => {
                    let ball = Ball {
                        centre: seed.map(|n| n as f64),
                        radius_mm: GROW_MM,
                        spacing,
                    };
                    Limit::ball(size, ball)
                }
            };
            grow(values, &[*seed], *range, &limit, None, cancel)
        }
        SegmentTool::Trace {
            at,
            axis,
            dark,
            range,
            ..
        } => {
            let index = *at.get(*axis)?;
            let (picture, flat) = plane(values, *axis, index);
            let side = if *dark { Side::Below } else { Side::Above };
            let place = flat_of(*axis, *at);
            let region = trace::region(&picture, flat, place, side, cancel)?;
            let mut bits = Bits::new(size);
            for (row, _, run) in region.runs() {
                match axis {
                    0 => run.for_each(|y| bits.set([index, y, row], true)),
                    1 => bits.set_run(index, row, run),
                    _ => bits.set_run(row, index, run),
                }
            }
            if let Some(range) = range {
                keep_values(&mut bits, *range, values);
            }
            Some(bits)
        }
        SegmentTool::Prompts(prompts) => prompts.voxels(values, spacing, gpu, cancel),
        _ => None,
    }
}

/// Column and row of a voxel in the slice across an axis ([`plane`]).
pub const fn flat_of(axis: usize, [x, y, z]: [usize; 3]) -> [usize; 2] {
    match axis {
        0 => [y, z],
        1 => [x, z],
        _ => [x, y],
    }
}

/// All segments of the layer spread from what is drawn of them, in a box around all of it.
fn spread(work: &Work, spacing: [f64; 3], cancel: &CancelToken) -> Option<Voxels> {
    let frames = work.frames.as_ref()?;
    let bounds = work.before.bounds(None)?;
    let size = work.before.size();
    let part = VoxelBox {
        first: bounds.first.map(|n| n.saturating_sub(AROUND)),
        end: std::array::from_fn(|axis| (bounds.end[axis] + AROUND).min(size[axis])),
    };
    let seeds = work.before.read(&part);
    let values = frames.dense(&part);
    let (ground, costs) = match work.tool {
        SegmentTool::Watershed => {
            let relief = slope(&values, part.size(), spacing);
            let ground = Ground::of_heights(&relief, part.size(), None)?;
            (ground, Costs::Highest)
        }
        _ => {
            let ground = Ground::of_differences(&values, part.size(), None)?;
            (ground, Costs::grow_cut(spacing))
        }
    };
    let device = work.gpu.as_ref();
    let there = device.filter(|gpu| forest::suits(gpu, seeds.len()));
    let there = there.map(|gpu| forest::spread(gpu, &ground, &seeds, &costs, cancel));
    let labels = match there {
        Some(Ok(labels)) => labels?,
        // What the device cannot do the twin does, to the same labels.
        Some(Err(_)) | None => spread_here(&ground, &seeds, &costs, cancel)?,
    };
    let mut after = work.before.clone();
    let [columns, rows, _] = part.size();
    for z in part.range(2) {
        for y in part.range(1) {
            let start = ((z - part.first[2]) * rows + y - part.first[1]) * columns;
            let Some(row) = labels.get(start..start + columns) else {
                continue;
            };
            after.map_row([y, z], part.range(0), |x, now| {
                let label = row.get(x - part.first[0]).copied().unwrap_or(0);
                match now == 0 && !work.locked.contains(&label) {
                    true => label,
                    false => now,
                }
            });
        }
    }
    after.tidy(&after.whole());
    (!cancel.is_cancelled()).then_some(after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use glam::{DAffine3, DVec3};
    use std::collections::BTreeMap;

    fn work(tool: SegmentTool) -> Work {
        let size = [40, 40, 12];
        let mut before = Voxels::new(size);
        for z in [3, 9] {
            for y in 10..20 {
                before.map_row([y, z], 10..20, |_, _| 1);
            }
        }
        // A hole, a crumb, a neighbour and one that is locked.
        before.map_row([15, 3], 15..16, |_, _| 0);
        before.map_row([30, 3], 30..31, |_, _| 1);
        before.map_row([12, 3], 20..24, |_, _| 2);
        before.map_row([18, 3], 20..24, |_, _| 3);
        Work {
            tool,
            other: Some(before.clone()),
            before,
            number: 1,
            grid: GridGeometry {
                size,
                patient_from_voxel: DAffine3::from_scale(DVec3::new(1.0, 1.0, 2.0)),
            },
            frames: None,
            locked: BTreeSet::from([3]),
            over: true,
            gpu: None,
        }
    }

    fn after(tool: SegmentTool) -> (Voxels, BTreeMap<u16, u64>) {
        let work = work(tool);
        let after = changed(&work, &CancelToken::default()).unwrap();
        let counts = after.counts();
        (after, counts)
    }

    #[test]
    fn tools_change_the_segment_and_never_a_locked_one() {
        let before = work(SegmentTool::Largest).before.counts();
        assert_eq!((before[&1], before[&2], before[&3]), (200, 4, 4));
        let (largest, counts) = after(SegmentTool::Largest);
        assert_eq!(counts[&1], 100);
        assert_eq!(largest.get([30, 30, 3]), 0);
        let (_, counts) = after(SegmentTool::WithoutSmall(0.01));
        assert_eq!(counts[&1], 199);
        let (grown, counts) = after(SegmentTool::Margin(1.0));
        assert!(counts[&1] > 200);
        assert_eq!((grown.get([20, 12, 3]), grown.get([20, 18, 3])), (1, 3));
        assert_eq!(counts[&3], 4, "locked");
        let (filled, _) = after(SegmentTool::FillBetween);
        assert_eq!(filled.get([15, 12, 6]), 1);
        assert_eq!(filled.get([15, 12, 1]), 0);
        let (_, counts) = after(SegmentTool::Combine(Joining::Add, 2));
        assert_eq!((counts[&1], counts.get(&2)), (204, None));
        let (_, counts) = after(SegmentTool::Combine(Joining::Subtract, 2));
        assert_eq!((counts[&1], counts[&2]), (200, 4));
        let (_, counts) = after(SegmentTool::Combine(Joining::Add, 3));
        assert_eq!((counts[&1], counts[&3]), (200, 4));
        let cancel = CancelToken::default();
        cancel.cancel();
        assert!(changed(&work(SegmentTool::Margin(3.0)), &cancel).is_none());
    }

    /// Tools look at a box around the segment; what they do is what they would do looking at everything.
    #[test]
    fn tools_do_in_their_box_what_they_do_in_the_whole_grid() {
        let mut state = 7_u64;
        let mut noise = move |below: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        let size = [70, 64, 20];
        for round in 0..12 {
            let mut before = Voxels::new(size);
            // In a corner, at an edge, in the middle, through everything; with crumbs and holes, and a neighbour.
            let home = match round % 4 {
                0 => [0, 0, 0],
                1 => [size[0] - 18, 20, 6],
                2 => [24, 22, 6],
                _ => [0, 24, 4],
            };
            let wide = if round % 4 == 3 { size[0] } else { 18 };
            for _ in 0..40 {
                let at = [
                    home[0] + noise(wide - 7),
                    home[1] + noise(11),
                    home[2] + noise(9),
                ];
                let label = [1, 1, 1, 0, 2][noise(5)];
                for z in at[2]..at[2] + 1 + noise(3) {
                    for y in at[1]..at[1] + 1 + noise(7) {
                        before.map_row([y, z], at[0]..at[0] + 7, |_, _| label);
                    }
                }
            }
            before.tidy(&before.whole());
            for tool in [
                SegmentTool::Margin(3.2),
                SegmentTool::Margin(-1.1),
                SegmentTool::Margin(500.0),
                SegmentTool::Smooth(1.7),
                SegmentTool::Smooth(60.0),
                SegmentTool::Open(1.3),
                SegmentTool::Close(4.1),
                SegmentTool::FillHoles,
                SegmentTool::Largest,
                SegmentTool::WithoutSmall(0.2),
                SegmentTool::FillBetween,
                SegmentTool::Combine(Joining::Add, 2),
                SegmentTool::Combine(Joining::Subtract, 2),
                SegmentTool::Combine(Joining::Intersect, 2),
            ] {
                let mut work = work(tool.clone());
                work.other = Some(before.clone());
                work.before = before.clone();
                work.grid = GridGeometry {
                    size,
                    patient_from_voxel: DAffine3::from_scale(DVec3::new(0.8, 0.9, 2.5)),
                };
                let token = CancelToken::default();
                let spacing = work.grid.spacing_mm();
                let part = looked_at(&work, spacing).unwrap();
                if round % 4 != 3 && !matches!(tool, SegmentTool::Margin(m) if m > 100.0) {
                    let all = work.before.whole().voxels();
                    let small = matches!(tool, SegmentTool::Smooth(mm) if mm > 50.0);
                    assert!(small || part.voxels() * 2 < all, "{tool:?} {part:?}");
                }
                let whole = work.before.whole();
                let wanted = changed_in(&work, &whole, spacing, &token).unwrap();
                let found = changed(&work, &token).unwrap();
                assert_eq!(found, wanted, "{tool:?}, round {round}");
            }
        }
        let mut empty = work(SegmentTool::Margin(2.0));
        empty.before = Voxels::new(size);
        let found = changed(&empty, &CancelToken::default()).unwrap();
        assert!(found.is_blank());
    }
}
