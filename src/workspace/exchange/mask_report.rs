//! Volume and mean value of segments as a report (SR, TID 1500) that names the segmentation object. Window and command line both
//! come here.
//!
//! Must stay true: what is named lies in its file already, and is read from there; a volume says where its millimetres come from
//! (safety S16), and there is none where a pixel has no depth; values are those of the pictures, without padding.

use super::write_under;
use crate::{
    dicom::{
        frames::{FrameError, FrameSource},
        scan::{ScanOptions, read_instance},
        write::marks::{Making, MeasuredSegment, write_segment_report},
    },
    files::write_whole,
    formats::labels::counts,
    imaging::{statistics::is_image, window::modality_value},
    model::{
        exchange::{MadeObject, MarkNumber, SourceObject},
        labels::voxel_ml,
        layout::SeriesLayout,
        pixels::Frame,
        segmentation::{Segment, Segmentation, VoxelBox},
        study::{FrameDescription, Rejection},
    },
    task::CancelToken,
};
use rayon::prelude::*;
use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// A segmentation whose object was written.
#[derive(Clone, Copy, Debug)]
pub struct Written<'a> {
    /// Where the object lies.
    pub object: &'a Path,
    /// What was written.
    pub seg: &'a Segmentation,
    /// The pictures that it lies on.
    pub on: &'a SeriesLayout,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// What was written does not read back.
    #[error("[{}] {}", .0.code, .0.detail)]
    Object(Box<Rejection>),
    /// The object or a picture cannot be read.
    #[error("[{}] {}", .0.code(), .0)]
    Frame(#[from] FrameError),
    /// The disk.
    #[error("cannot write: {0}")]
    Io(#[from] io::Error),
    /// It was stopped.
    #[error("stopped")]
    Cancelled,
}

/// Makes the report.
///
/// # Errors
/// [`ReportError`].
pub fn make(
    written: &Written<'_>,
    making: &Making,
    source: &dyn FrameSource,
    scan: &ScanOptions,
    cancel: &CancelToken,
) -> Result<MadeObject, ReportError> {
    let Written { object, seg, on } = *written;
    let instance =
        read_instance(object, scan).map_err(|rejection| ReportError::Object(rejection.into()))?;
    let header = source.read_segments(&instance)?;
    let object = source.read_source(&Arc::new(instance))?;
    let means = means(seg, on, source, cancel)?;
    let measures = Measures {
        counts: counts(seg),
        cubic: cubic(seg, on),
        means,
        unit: described(on).map_or_else(String::new, |d| d.unit.label().to_owned()),
    };
    // The object may count its segments anew, so their numbers there are read and not guessed.
    let measured: Vec<MeasuredSegment<'_>> = header
        .segments
        .iter()
        .filter_map(|(number, segment)| {
            let own = seg.segment(segment.number)?;
            Some(MeasuredSegment {
                segment: own,
                number: *number,
                numbers: measures.of(own),
            })
        })
        .collect();
    let pictures: Vec<SourceObject> = on
        .frames
        .iter()
        .map(|frame| SourceObject {
            instance: Arc::clone(&frame.instance),
            modules: Vec::new(),
            frame_of_reference_uid: String::new(),
        })
        .collect();
    let series = on.first_instance().map(|i| i.series.uid.clone());
    let series = series.unwrap_or_default();
    Ok(write_segment_report(
        &measured, &object, &pictures, &series, making,
    ))
}

/// Writes the report under a name.
///
/// # Errors
/// [`ReportError`].
pub fn write(
    path: &Path,
    written: &Written<'_>,
    making: &Making,
    source: &dyn FrameSource,
    scan: &ScanOptions,
) -> Result<(), ReportError> {
    let made = make(written, making, source, scan, &CancelToken::default())?;
    Ok(write_whole(path, &made.bytes)?)
}

/// Writes the report beside the object, `NAME.sr.dcm` for `NAME.dcm`; where such a file is there already, under a name with a
/// number. Gives the name.
///
/// # Errors
/// [`ReportError`].
pub fn write_beside(
    written: &Written<'_>,
    making: &Making,
    source: &dyn FrameSource,
    cancel: &CancelToken,
) -> Result<PathBuf, ReportError> {
    let made = make(written, making, source, &ScanOptions::default(), cancel)?;
    if cancel.is_cancelled() {
        return Err(ReportError::Cancelled);
    }
    let name = |number: u32| match number {
        1 => written.object.with_extension("sr.dcm"),
        _ => written.object.with_extension(format!("sr-{number}.dcm")),
    };
    Ok(write_under((1..).map(name), &made.bytes)?)
}

/// What is said of the first picture.
fn described(on: &SeriesLayout) -> Option<&FrameDescription> {
    let first = on.frames.first()?;
    Some(first.instance.image.as_ref()?.frame(first.frame))
}

/// Cubic millimetres of a voxel, and where the millimetres come from. The depth of a pixel of a projection is nobody's.
fn cubic(seg: &Segmentation, on: &SeriesLayout) -> Option<(f64, String)> {
    on.volume?;
    let spacing = &described(on)?.spacing;
    spacing.source()?;
    Some((voxel_ml(&seg.grid) * 1000.0, spacing.unit_label()))
}

/// What is known of all segments.
struct Measures {
    counts: BTreeMap<u16, u64>,
    cubic: Option<(f64, String)>,
    means: BTreeMap<u16, f64>,
    unit: String,
}

impl Measures {
    fn of(&self, segment: &Segment) -> Vec<MarkNumber> {
        let mut numbers = Vec::new();
        let voxels = self.counts.get(&segment.number).copied().unwrap_or(0);
        if let Some((mm3, source)) = &self.cubic {
            numbers.push(MarkNumber {
                name: "volume".to_owned(),
                value: voxels as f64 * mm3,
                unit: "mm³".to_owned(),
                source: source.clone(),
            });
        }
        if let Some(mean) = self.means.get(&segment.number) {
            numbers.push(MarkNumber {
                name: "mean".to_owned(),
                value: *mean,
                unit: self.unit.clone(),
                source: String::new(),
            });
        }
        numbers
    }
}

/// Means over the voxels of the pictures; none where the mask has a grid of its own.
fn means(
    seg: &Segmentation,
    on: &SeriesLayout,
    source: &dyn FrameSource,
    cancel: &CancelToken,
) -> Result<BTreeMap<u16, f64>, ReportError> {
    let same = match &seg.frame {
        None => on.volume == Some(seg.grid),
        Some(_) => on.frames.len() == 1,
    };
    if !same || on.frames.len() != seg.grid.size[2] {
        return Ok(BTreeMap::new());
    }
    // Slice by slice in parallel, put together in their order: the same file gives the same numbers.
    let slices: Vec<BTreeMap<u16, (f64, u64)>> = (0..seg.grid.size[2])
        .into_par_iter()
        .map(|slice| match cancel.is_cancelled() {
            true => Err(ReportError::Cancelled),
            false => Ok(sums(seg, on, slice, source)?),
        })
        .collect::<Result<_, ReportError>>()?;
    let mut all: BTreeMap<u16, (f64, u64)> = BTreeMap::new();
    for (label, (sum, count)) in slices.into_iter().flatten() {
        let of_all = all.entry(label).or_default();
        of_all.0 += sum;
        of_all.1 += count;
    }
    let mean = |(label, (sum, count)): (u16, (f64, u64))| (label, sum / count as f64);
    Ok(all.into_iter().map(mean).collect())
}

/// Sums of modality values of a slice and how many, by segment. A slice without a segment is not decoded.
fn sums(
    seg: &Segmentation,
    on: &SeriesLayout,
    slice: usize,
    source: &dyn FrameSource,
) -> Result<BTreeMap<u16, (f64, u64)>, FrameError> {
    let mut sums: BTreeMap<u16, (f64, u64)> = BTreeMap::new();
    let [columns, rows, _] = seg.grid.size;
    let Some(reference) = on.frames.get(slice) else {
        return Ok(sums);
    };
    let Some(image) = reference.instance.image.as_ref() else {
        return Ok(sums);
    };
    let lut = &image.frame(reference.frame).modality_lut;
    let mut frame: Option<Frame> = None;
    for (layer, voxels) in seg.layers().iter().enumerate() {
        let labels = voxels.read(&VoxelBox {
            first: [0, 0, slice],
            end: [columns, rows, slice + 1],
        });
        if labels.iter().all(|label| *label == 0) {
            continue;
        }
        let frame = match &mut frame {
            Some(frame) => frame,
            none => none.insert(source.read_frame(&reference.instance, reference.frame)?),
        };
        // Colours have no value, and neither has what was left out of a picture.
        let grey = frame.samples == 1 && image.palette.is_none();
        if !grey || [frame.columns, frame.rows] != [columns, rows] {
            return Ok(sums);
        }
        for (label, stored) in labels.into_iter().zip(frame.values()) {
            let own = label != 0 && seg.segment(label).is_some_and(|s| s.layer == layer);
            if own && is_image(stored, frame.stored_type, image.padding) {
                let sum = sums.entry(label).or_default();
                sum.0 += modality_value(stored, lut);
                sum.1 += 1;
            }
        }
    }
    Ok(sums)
}
