//! Volume and values of segments, counted by a thread of its own while they are painted.
//!
//! Must stay true: a number that is shown belongs to a state that was on the screen, and says which one; the window's
//! thread counts nothing. The volume is that of the voxels: how many, times what one takes.

use crate::{
    diary,
    imaging::{statistics, window},
    model::{
        labels::voxel_ml,
        segmentation::{Segmentation, SegmentationId, VoxelBox},
    },
    task::spawn_named,
    workspace::{
        Workspace,
        display::{FrameState, SeriesDisplay},
        event::Event,
    },
};
use std::{collections::BTreeMap, panic::AssertUnwindSafe};

/// What is known of a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SegmentNumbers {
    /// How many voxels it has.
    pub voxels: u64,
    /// Their volume, millilitres; `None` where nobody knows how large a voxel is.
    pub ml: Option<f64>,
    /// Modality values of voxels whose frames are here; `None` where there are none.
    pub values: Option<Values>,
}

/// Modality values under a segment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Values {
    /// Of how many voxels.
    pub count: u64,
    /// The mean.
    pub mean: f64,
    /// Standard deviation of the population.
    pub deviation: f64,
    /// The least.
    pub min: f64,
    /// The largest.
    pub max: f64,
}

/// An answer on its way.
#[derive(Debug)]
pub struct Counted {
    of: SegmentationId,
    revision: u64,
    loaded: usize,
    numbers: BTreeMap<u16, SegmentNumbers>,
}

/// What is known of the segmentation that is worked on.
#[derive(Debug, Default)]
pub struct Numbers {
    found: Option<Counted>,
    running: bool,
}

impl Numbers {
    /// The numbers of a segment as they were counted last.
    pub fn of(&self, whole: &SegmentationId, number: u16) -> Option<&SegmentNumbers> {
        let found = self.found.as_ref().filter(|found| found.of == *whole)?;
        found.numbers.get(&number)
    }

    /// Whether a count is on its way.
    pub const fn is_busy(&self) -> bool {
        self.running
    }
}

#[derive(Default)]
struct Sums {
    count: u64,
    mean: f64,
    squares: f64,
    min: f64,
    max: f64,
}

impl Sums {
    /// Welford's way: no difference of large numbers.
    fn add(&mut self, value: f64) {
        self.count += 1;
        let away = value - self.mean;
        self.mean += away / self.count as f64;
        self.squares += away * (value - self.mean);
        if self.count == 1 {
            (self.min, self.max) = (value, value);
        }
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }

    fn values(&self) -> Option<Values> {
        (self.count > 0).then(|| Values {
            count: self.count,
            mean: self.mean,
            deviation: (self.squares / self.count as f64).max(0.0).sqrt(),
            min: self.min,
            max: self.max,
        })
    }
}

/// Counts all segments; values where the display has the frames of this very grid.
pub fn count(
    whole: &Segmentation,
    display: Option<&SeriesDisplay>,
) -> BTreeMap<u16, SegmentNumbers> {
    let known = display.is_some_and(has_millimetres);
    let ml = known.then(|| voxel_ml(&whole.grid));
    let mut numbers: BTreeMap<u16, SegmentNumbers> = whole
        .segments()
        .map(|s| (s.number, SegmentNumbers::default()))
        .collect();
    for layer in whole.layers() {
        for (number, voxels) in layer.counts() {
            if let Some(found) = numbers.get_mut(&number) {
                found.voxels = voxels;
            }
        }
        let Some(display) = display else { continue };
        let Some(bounds) = layer.bounds(None) else {
            continue;
        };
        let mut sums: BTreeMap<u16, Sums> = BTreeMap::new();
        for z in bounds.range(2) {
            let index = match &whole.frame {
                None => Some(z),
                Some((uid, number)) => frame_of(display, uid, *number),
            };
            let Some(index) = index else { continue };
            slice(
                display,
                index,
                &whole.grid.size,
                |at| {
                    layer.read(&VoxelBox {
                        first: [bounds.first[0], at, z],
                        end: [bounds.end[0], at + 1, z + 1],
                    })
                },
                &bounds,
                &mut sums,
            );
        }
        for (number, sums) in sums {
            if let Some(found) = numbers.get_mut(&number) {
                found.values = sums.values();
            }
        }
    }
    for found in numbers.values_mut() {
        found.ml = ml.map(|ml| ml * found.voxels as f64);
    }
    numbers
}

fn has_millimetres(display: &SeriesDisplay) -> bool {
    let first = display.layout.frames.first();
    let description = first.and_then(|f| Some(f.instance.image.as_ref()?.frame(f.frame)));
    // The depth of a pixel of a projection is nobody's.
    display.layout.volume.is_some() && description.is_some_and(|d| d.spacing.source().is_some())
}

fn frame_of(display: &SeriesDisplay, uid: &str, number: u32) -> Option<usize> {
    display.layout.frames.iter().position(|f| {
        f.instance.sop_instance_uid == uid && u32::try_from(f.frame + 1) == Ok(number)
    })
}

fn slice(
    display: &SeriesDisplay,
    index: usize,
    size: &[usize; 3],
    row: impl Fn(usize) -> Vec<u16>,
    bounds: &VoxelBox,
    sums: &mut BTreeMap<u16, Sums>,
) {
    let FrameState::Loaded(frame) = display.frame(index) else {
        return;
    };
    let Some(reference) = display.layout.frames.get(index) else {
        return;
    };
    let Some(image) = reference.instance.image.as_ref() else {
        return;
    };
    if frame.samples != 1 || image.palette.is_some() || [frame.columns, frame.rows] != size[..2] {
        return;
    }
    let lut = &image.frame(reference.frame).modality_lut;
    for y in bounds.range(1) {
        for (x, number) in bounds.range(0).zip(row(y)) {
            if number == 0 {
                continue;
            }
            let Some(stored) = frame.value(x, y, 0) else {
                continue;
            };
            if statistics::is_image(stored, frame.stored_type, image.padding) {
                let value = window::modality_value(stored, lut);
                sums.entry(number).or_default().add(value);
            }
        }
    }
}

impl Workspace {
    /// Asks for the numbers of the segmentation that is worked on, when they are not those of now.
    pub(in crate::workspace) fn refresh_segment_numbers(&mut self) {
        if self.segmenting.numbers.running {
            return;
        }
        let Some(whole) = self.active_segmentation() else {
            return;
        };
        let revision = self.marks.segmented();
        let display = self.active_viewport().and_then(|v| v.display.clone());
        let display = display.filter(|d| match d.layout.volume {
            Some(grid) => grid == whole.grid,
            None => whole.frame.is_some(),
        });
        let loaded = display.as_ref().map_or(0, |d| d.progress().loaded);
        let found = self.segmenting.numbers.found.as_ref();
        // While a series loads its values are counted when all is there.
        let whole_is_loaded = display.as_ref().is_none_or(|d| {
            let progress = d.progress();
            progress.loaded + progress.failed >= progress.total
        });
        let same = found.is_some_and(|f| {
            f.of == whole.id && f.revision == revision && (f.loaded == loaded || !whole_is_loaded)
        });
        if same {
            return;
        }
        // Bricks are shared: a copy costs a table.
        let whole = whole.clone();
        let (events, waker) = (self.sender(), self.waker.clone());
        let body = move || {
            let counted = || count(&whole, display.as_deref());
            let numbers = diary::contain(AssertUnwindSafe(counted)).unwrap_or_default();
            let _ = events.send(Event::SegmentsCounted(Box::new(Counted {
                of: whole.id.clone(),
                revision,
                loaded,
                numbers,
            })));
            waker.wake("segments counted");
        };
        self.segmenting.numbers.running = spawn_named("count segments", body).is_ok();
    }

    pub(in crate::workspace) fn take_segment_numbers(&mut self, counted: Counted) {
        self.segmenting.numbers.running = false;
        self.segmenting.numbers.found = Some(counted);
    }
}
