//! From the entries of a spec to their answers: which frame, which slices, which measurement, as JSON.
//!
//! Must stay true: every entry has one answer, in order; what cannot be measured is refused with a code and the rest
//! goes on. Only frames that a measurement looks at are decoded, and no more of them are held than was allowed.

use super::{
    answer::describe,
    series::Series,
    spec::{Entry, Space, Spec, SpecError},
    task::Task,
};
use crate::{
    cli::suv,
    dicom::load::one_scale,
    imaging::measure::{
        self, Anchor, FramePixels, MeasureError, Measurement, Placed, Region, Ruler, Selection,
        VolumePixels,
    },
    model::{
        calibration::CalibrationError,
        geometry::GridGeometry,
        layout::{FrameRef, SeriesLayout},
        lut::ModalityLut,
        pixels::Frame,
        study::ImageDescription,
    },
};
use glam::DVec3;
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, ops::Range};

/// An outline this near to a frame's plane is on it, in a series that could be sampled between its frames.
const ON_FRAME_MM: f64 = 0.01;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The entry cannot be.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// The measurement cannot be.
    #[error(transparent)]
    Measure(#[from] MeasureError),
    /// The line calibrates nothing.
    #[error(transparent)]
    Calibration(#[from] CalibrationError),
    /// No such series.
    #[error("there is no such series")]
    NoSeries,
    /// No such image or frame.
    #[error("there is no such image or frame in the series")]
    NoFrame,
    /// Pixels of which frame?
    #[error("the series has several frames: name one by `image` or `instance`")]
    FrameNotNamed,
    /// The slices do not fit into what may be held.
    #[error("the slices take {needed} bytes, {allowed} may be held")]
    Memory {
        /// Bytes of the slices.
        needed: u64,
        /// Bytes allowed.
        allowed: u64,
    },
    /// A frame did not decode.
    #[error("{sentence}")]
    Read {
        /// Code of the refusal.
        code: String,
        /// One sentence, free of identity.
        sentence: String,
    },
}

impl RunError {
    /// Stable upper-case code.
    pub fn code(&self) -> &str {
        match self {
            Self::Spec(error) => error.code(),
            Self::Measure(error) => error.code(),
            Self::Calibration(error) => error.code(),
            Self::NoSeries => "NO_SERIES",
            Self::NoFrame => "NO_FRAME",
            Self::FrameNotNamed => "FRAME_NOT_NAMED",
            Self::Memory { .. } => "MEMORY_LIMIT",
            Self::Read { code, .. } => code,
        }
    }
}

/// Decodes frames; several at once, so that it may use all cores.
pub trait FrameReader {
    /// The frames in the order given.
    ///
    /// # Errors
    /// [`RunError::Read`] for the first that does not decode.
    fn read(&self, frames: &[&FrameRef]) -> Result<Vec<Frame>, RunError>;
}

/// All answers.
#[derive(Clone, Debug)]
pub struct Report {
    /// What `--json` prints.
    pub json: Value,
    /// How many entries were refused, whole or in part.
    pub refused: usize,
}

/// Answers a spec about the series that were found.
pub fn run(
    spec: &Spec,
    layouts: &[SeriesLayout],
    reader: &dyn FrameReader,
    max_bytes: u64,
) -> Report {
    let mut runner = Runner {
        series: layouts.iter().map(Series::of).collect(),
        reader,
        held: BTreeMap::new(),
        max_bytes,
    };
    let mut refused = 0;
    let answers: Vec<Value> = spec
        .measurements
        .iter()
        .map(|entry| {
            let mut answer = Map::new();
            if let Some(id) = &entry.id {
                answer.insert("id".into(), json!(id));
            }
            answer.insert("type".into(), json!(entry.kind.word()));
            let space = match entry.space {
                Space::Patient => "patient",
                Space::Pixel => "pixel",
            };
            answer.insert("space".into(), json!(space));
            match runner.answer(entry, &mut answer) {
                Ok(None) => {}
                Ok(Some(error)) => {
                    refused += 1;
                    answer.insert("statistics_refused".into(), refusal(&error));
                }
                Err(error) => {
                    refused += 1;
                    answer.insert("refused".into(), refusal(&error));
                }
            }
            Value::Object(answer)
        })
        .collect();
    let summary = json!({"measurements": answers.len(), "refused": refused});
    Report {
        json: json!({"measurements": answers, "summary": summary}),
        refused,
    }
}

pub(super) fn refusal(error: &RunError) -> Value {
    json!({"code": error.code(), "sentence": error.to_string()})
}

/// Index of a series, and of a frame in it.
pub(super) type At = (usize, usize);

/// What answers look at.
pub(super) struct Runner<'a> {
    /// The series that were found.
    pub(super) series: Vec<Series<'a>>,
    reader: &'a dyn FrameReader,
    /// Frames that were decoded.
    held: BTreeMap<At, Frame>,
    /// Most bytes of them.
    max_bytes: u64,
}

impl<'a> Runner<'a> {
    fn answer(
        &mut self,
        entry: &Entry,
        answer: &mut Map<String, Value>,
    ) -> Result<Option<RunError>, RunError> {
        let task = entry.task()?;
        let place = entry.place();
        let series = self.find(&place)?;
        let named = self.named(entry, &task, &place, series)?;
        let ruler = self.ruler(entry, series, named)?;
        let (measurement, at, problem) = match task {
            Task::Outline(form) => {
                let anchor = match named {
                    Some(at) => self.anchor(at),
                    None => self
                        .series
                        .get(series)
                        .and_then(|s| s.anchors.iter().flatten().next()),
                };
                let normal = entry
                    .normal
                    .map(DVec3::from_array)
                    .or_else(|| Some(anchor?.plane?.normal()));
                let placed = measure::place(&form, &ruler, normal)?;
                let mut measurement = placed.measurement.clone();
                let mut at = named;
                let mut problem = None;
                if entry.statistics != Some(false) {
                    match self.values(entry, &placed, series, named) {
                        Ok((values, on)) => {
                            at = on;
                            measurement.append(values);
                        }
                        Err(error) => problem = Some(error),
                    }
                }
                (measurement, at, problem)
            }
            Task::Region(region) => (self.region(entry, &ruler, series, &region)?, None, None),
            Task::Probe(point) => {
                let (measurement, at) = self.probe(&ruler, series, named, point)?;
                (measurement, at, None)
            }
            line => (lines(&ruler, line)?, named, None),
        };
        self.say_where(series, at, answer);
        describe(&measurement, answer);
        let values = suv::of_values(&measurement.quantities);
        if !values.is_empty()
            && let Some(found) = self.series.get(series)
            && let Some(uptake) = suv::describe(found.layout, at.map(|(_, frame)| frame), &values)
        {
            answer.insert("suv".into(), uptake);
        }
        Ok(problem)
    }

    /// The values under an outline: on the frame that is named, on the one it lies on, or sampled.
    fn values(
        &mut self,
        entry: &Entry,
        placed: &Placed,
        series: usize,
        named: Option<At>,
    ) -> Result<(Measurement, Option<At>), RunError> {
        let found = self.series.get(series).ok_or(RunError::NoSeries)?;
        let grid = found.layout.volume;
        let on = named.or_else(|| {
            let near = found.anchors.iter().enumerate().filter_map(|(i, anchor)| {
                let distance = placed.distance_mm(anchor.as_ref()?).ok()?;
                (grid.is_none() || distance <= ON_FRAME_MM).then_some((i, distance))
            });
            let nearest = near.min_by(|a, b| a.1.total_cmp(&b.1))?;
            Some((series, nearest.0))
        });
        let ask = entry.ask();
        if let (Some(at), None) = (on, entry.sampling_mm) {
            let (frame, image, index) = self.pixels(at)?;
            let anchor = self.anchor(at).ok_or(RunError::NoFrame)?;
            let pixels = FramePixels::of(image, index, &frame);
            let values = measure::roi_on_frame(placed, anchor, &pixels, &ask)?;
            return Ok((values, Some(at)));
        }
        let grid = grid.ok_or(MeasureError::NoVolume)?;
        let step = entry.sampling_mm.unwrap_or(measure::sampling_mm(&grid));
        let slices = measure::slices_of_plane(&grid, placed);
        let frames = self.slices(series, &grid, slices)?;
        let volume = self.volume(series, &grid, &frames)?;
        let values = measure::roi_in_volume(placed, &volume, step, &ask)?;
        Ok((values, None))
    }

    fn region(
        &mut self,
        entry: &Entry,
        ruler: &Ruler,
        series: usize,
        region: &Region,
    ) -> Result<Measurement, RunError> {
        let found = self.series.get(series).ok_or(RunError::NoSeries)?;
        let grid = found.layout.volume.ok_or(MeasureError::NoVolume)?;
        let slices = measure::slices_of_region(&grid, region);
        let frames = self.slices(series, &grid, slices)?;
        let volume = self.volume(series, &grid, &frames)?;
        let selection = match (entry.low, entry.high) {
            (None, None) => Selection::All,
            (low, high) => Selection::Threshold {
                low: low.unwrap_or(f64::NEG_INFINITY),
                high: high.unwrap_or(f64::INFINITY),
            },
        };
        Ok(measure::region(
            ruler,
            &volume,
            region,
            selection,
            &entry.ask(),
        )?)
    }

    fn probe(
        &mut self,
        ruler: &Ruler,
        series: usize,
        named: Option<At>,
        point: DVec3,
    ) -> Result<(Measurement, Option<At>), RunError> {
        let found = self.series.get(series).ok_or(RunError::NoSeries)?;
        if let (None, Some(grid)) = (named, found.layout.volume) {
            let at = Region::Sphere {
                centre: ruler.metric(point)?,
                radius_mm: 0.0,
            };
            let slices = measure::slices_of_region(&grid, &at);
            let frames = self.slices(series, &grid, slices)?;
            let volume = self.volume(series, &grid, &frames)?;
            return Ok((measure::probe_volume(ruler, &volume, point)?, None));
        }
        let at = match named {
            Some(at) => at,
            None => {
                let depth = |a: &Option<Anchor>| {
                    let plane = a.as_ref()?.plane?;
                    Some((point - plane.origin).dot(plane.normal()).abs())
                };
                let depths = found.anchors.iter().enumerate();
                let nearest = depths
                    .filter_map(|(i, a)| Some((i, depth(a)?)))
                    .min_by(|a, b| a.1.total_cmp(&b.1));
                (series, nearest.ok_or(MeasureError::NoPatientSpace)?.0)
            }
        };
        let (frame, image, index) = self.pixels(at)?;
        let anchor = self.anchor(at).ok_or(RunError::NoFrame)?;
        let pixels = FramePixels::of(image, index, &frame);
        let measurement = measure::probe_frame(ruler, anchor, &pixels, point)?;
        Ok((measurement, Some(at)))
    }

    /// A decoded frame with its description.
    fn pixels(&mut self, at: At) -> Result<(Frame, &'a ImageDescription, usize), RunError> {
        self.hold(at.0, at.1..at.1 + 1)?;
        let layout = self.series.get(at.0).ok_or(RunError::NoSeries)?.layout;
        let frame = layout.frames.get(at.1).ok_or(RunError::NoFrame)?;
        let image = frame.instance.image.as_ref().ok_or(RunError::NoFrame)?;
        let pixels = self.held.get(&at).cloned().ok_or(RunError::NoFrame)?;
        Ok((pixels, image, frame.frame))
    }

    /// The slices of a volume, those in the range decoded.
    fn slices(
        &mut self,
        series: usize,
        grid: &GridGeometry,
        range: Range<usize>,
    ) -> Result<Vec<Option<Frame>>, RunError> {
        // A shape beside the volume needs no slice, but something that says how large they are.
        let range = if range.is_empty() { 0..1 } else { range };
        self.hold(series, range.clone())?;
        let layout = self.series.get(series).ok_or(RunError::NoSeries)?.layout;
        let slice = |k| {
            let held = range
                .contains(&k)
                .then(|| self.held.get(&(series, k)).cloned())??;
            // Slices with scales of their own meet as modality values.
            match layout.frames.get(k).filter(|_| layout.mixed_rescale) {
                Some(reference) => one_scale(&held, reference),
                None => Some(held),
            }
        };
        Ok((0..grid.size[2]).map(slice).collect())
    }

    fn volume<'v>(
        &'v self,
        series: usize,
        grid: &'v GridGeometry,
        frames: &'v [Option<Frame>],
    ) -> Result<VolumePixels<'v>, RunError> {
        let layout = self.series.get(series).ok_or(RunError::NoSeries)?.layout;
        let first = layout.frames.first().ok_or(RunError::NoFrame)?;
        let image = first.instance.image.as_ref().ok_or(RunError::NoFrame)?;
        let description = image.frame(first.frame);
        let mixed = layout.mixed_rescale;
        Ok(VolumePixels {
            grid,
            frames,
            modality_lut: if mixed {
                &ModalityLut::IDENTITY
            } else {
                &description.modality_lut
            },
            unit: &description.unit,
            padding: image.padding.filter(|_| !mixed),
        })
    }

    /// Decodes what of a range is not held; forgets all else when that would be too much.
    fn hold(&mut self, series: usize, range: Range<usize>) -> Result<(), RunError> {
        let layout = self.series.get(series).ok_or(RunError::NoSeries)?.layout;
        let bytes = |f: &FrameRef| {
            f.instance
                .image
                .as_ref()
                .map_or(0, |i| i.frame_bytes() as u64)
        };
        let wanted = layout.frames.get(range.clone()).ok_or(RunError::NoFrame)?;
        let needed = wanted.iter().map(bytes).sum();
        if needed > self.max_bytes {
            let allowed = self.max_bytes;
            return Err(RunError::Memory { needed, allowed });
        }
        let held: u64 = self
            .held
            .values()
            .map(|f| f.pixels.as_slice().len() as u64)
            .sum();
        if held + needed > self.max_bytes {
            self.held
                .retain(|at, _| at.0 == series && range.contains(&at.1));
        }
        let missing: Vec<usize> = range
            .filter(|k| !self.held.contains_key(&(series, *k)))
            .collect();
        let frames: Vec<&FrameRef> = missing
            .iter()
            .filter_map(|k| layout.frames.get(*k))
            .collect();
        if frames.is_empty() {
            return Ok(());
        }
        let read = self.reader.read(&frames)?;
        self.held
            .extend(missing.into_iter().map(|k| (series, k)).zip(read));
        Ok(())
    }

    fn say_where(&self, series: usize, at: Option<At>, answer: &mut Map<String, Value>) {
        let series = at.map_or(series, |at| at.0);
        let Some(found) = self.series.get(series) else {
            return;
        };
        answer.insert("series_instance_uid".into(), json!(found.uid()));
        let frame = at.and_then(|at| found.layout.frames.get(at.1));
        let uid = frame.map(|f| &f.instance.sop_instance_uid);
        answer.insert("sop_instance_uid".into(), json!(uid));
        answer.insert("frame".into(), json!(frame.map(|f| f.frame + 1)));
    }
}

/// Measurements that look at no pixels.
fn lines(ruler: &Ruler, task: Task) -> Result<Measurement, MeasureError> {
    match task {
        Task::Length(points) => measure::length(ruler, points),
        Task::Polyline(points, closed) => measure::polyline(ruler, &points, closed),
        Task::Angle(points) => measure::angle(ruler, points),
        Task::Cobb(lines) => measure::cobb(ruler, lines),
        Task::Bidirectional(lines) => measure::bidirectional(ruler, lines),
        Task::Perpendicular(point, line) => measure::perpendicular(ruler, point, line),
        Task::Probe(_) | Task::Outline(_) | Task::Region(_) => Err(MeasureError::NoImage),
    }
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
