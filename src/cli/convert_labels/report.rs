//! Volume and mean value of segments as a report that names the segmentation object.

use crate::{
    cli::{
        Common, Exit,
        inspect::{exit_of, limits},
        series::Refusal,
        volume::load,
    },
    dicom::{
        frames::{FrameError, FrameSource as _},
        scan::read_instance,
        write::marks::{Making, MeasuredSegment, write_segment_report},
    },
    files::write_whole,
    formats::labels::counts,
    imaging::window::modality_value,
    model::{
        exchange::{MarkNumber, SourceObject},
        labels::voxel_ml,
        layout::SeriesLayout,
        segmentation::{Segment, Segmentation, VoxelBox},
        volume::Volume,
    },
};
use std::{collections::BTreeMap, path::Path, sync::Arc};

fn refused(error: &FrameError) -> Refusal {
    Refusal::new(exit_of(error.kind()), format!("[{}] {error}", error.code()))
}

/// Writes the report of a segmentation that lies at `object` already.
///
/// # Errors
/// Those of reading the object and the pictures, and of the disk.
pub fn write(
    path: &Path,
    object: &Path,
    seg: &Segmentation,
    on: &SeriesLayout,
    making: &Making,
    common: &Common,
) -> Result<(), Refusal> {
    let limits = limits(common);
    let instance = read_instance(object, &common.scan_options(limits)).map_err(|rejection| {
        let (code, detail) = (rejection.code, &rejection.detail);
        Refusal::new(exit_of(rejection.outcome), format!("[{code}] {detail}"))
    })?;
    let frames = common.frame_source(limits);
    let header = frames.read_segments(&instance).map_err(|e| refused(&e))?;
    let source = frames
        .read_source(&Arc::new(instance))
        .map_err(|e| refused(&e))?;
    let means = means(seg, on, common)?;
    let counts = counts(seg);
    let mm3 = voxel_ml(&seg.grid) * 1000.0;
    let measured: Vec<MeasuredSegment<'_>> = header
        .segments
        .iter()
        .filter_map(|(number, segment)| {
            let own = seg.segment(segment.number)?;
            Some(MeasuredSegment {
                segment: own,
                number: *number,
                numbers: numbers(own, &counts, mm3, &means),
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
    let made = write_segment_report(&measured, &source, &pictures, &series, making);
    write_whole(path, &made.bytes).map_err(|error| {
        Refusal::new(
            Exit::Io,
            format!("cannot write: {error}: {}", path.display()),
        )
    })
}

/// The mean values of segments, and their unit.
struct Means {
    by_segment: BTreeMap<u16, f64>,
    unit: String,
}

fn numbers(
    segment: &Segment,
    counts: &BTreeMap<u16, u64>,
    mm3: f64,
    means: &Means,
) -> Vec<MarkNumber> {
    let voxels = counts.get(&segment.number).copied().unwrap_or(0);
    let mut numbers = vec![MarkNumber {
        name: "volume".to_owned(),
        value: voxels as f64 * mm3,
        unit: "mm³".to_owned(),
        source: String::new(),
    }];
    if let Some(mean) = means.by_segment.get(&segment.number) {
        numbers.push(MarkNumber {
            name: "mean".to_owned(),
            value: *mean,
            unit: means.unit.clone(),
            source: String::new(),
        });
    }
    numbers
}

/// Means over the voxels of the pictures; none where the mask has a grid of its own.
fn means(seg: &Segmentation, on: &SeriesLayout, common: &Common) -> Result<Means, Refusal> {
    let mut means = Means {
        by_segment: BTreeMap::new(),
        unit: String::new(),
    };
    if on.volume != Some(seg.grid) {
        return Ok(means);
    }
    let volume: Volume = load(on, Path::new("the pictures"), common)?;
    means.unit = volume.unit.label().to_owned();
    let mut sums: BTreeMap<u16, (f64, u64)> = BTreeMap::new();
    let [columns, rows, _] = seg.grid.size;
    for (slice, frame) in volume.frames.iter().enumerate() {
        let value = |stored| modality_value(stored, &volume.modality_lut);
        let values: Vec<f64> = frame.values().map(value).collect();
        let part = VoxelBox {
            first: [0, 0, slice],
            end: [columns, rows, slice + 1],
        };
        for (number, layer) in seg.layers().iter().enumerate() {
            for (label, value) in layer.read(&part).into_iter().zip(&values) {
                if label != 0 && seg.segment(label).is_some_and(|s| s.layer == number) {
                    let sum = sums.entry(label).or_default();
                    sum.0 += value;
                    sum.1 += 1;
                }
            }
        }
    }
    let mean = |(number, (sum, count)): (u16, (f64, u64))| (number, sum / count as f64);
    means.by_segment = sums.into_iter().map(mean).collect();
    Ok(means)
}
