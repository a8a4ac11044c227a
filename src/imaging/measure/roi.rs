//! The values under an outline: on one frame pixel by pixel, on any other plane sampled through the volume.
//!
//! Padding (PS3.3 C.7.5.1.1.2) never counts and is counted, and so is what lies outside the image. Between pixels values
//! are those of [`crate::imaging::reslice`], the twin of what the screen shows.

use super::{
    Ask, Counts, MAX_VALUES, MeasureError, Measurement,
    outline::{Ground, Outline, Placed},
    plane::{FLAT_MM, Plane},
    region::Region,
    ruler::Anchor,
    source::{FramePixels, VolumePixels, add_counts, add_statistics, lut_source},
    spans::{self, Run},
    values::Collector,
};
use crate::{
    imaging::reslice::{PixelGrid, Sample, sample},
    model::{
        finding::{Finding, Severity},
        geometry::GridGeometry,
    },
};
use glam::{DAffine2, DAffine3, DMat3, DVec2, DVec3};
use std::ops::Range;

/// Most samples along one side of an oblique plane: what the fixed-point positions of reslicing are made for.
const MAX_SIDE: f64 = 32768.0;
/// Cosine of the angle that an outline so small that its plane is uncertain may be tilted by.
const ALONG: f64 = 0.9;
/// Most voxels from one sample to the next.
const MAX_STEP: f64 = 10_000.0;

/// How an outline lies to a frame: pixels from its axes, and how far it is off the frame's plane.
pub(super) fn pixel_from_outline(
    placed: &Placed,
    anchor: &Anchor,
) -> Result<(DAffine2, f64), MeasureError> {
    let plane = match &placed.ground {
        Ground::Pixel => {
            let (row, column) = anchor.spacing.row_column();
            let scale = DAffine2::from_scale(DVec2::new(column, row).recip());
            return Ok((scale, 0.0));
        }
        Ground::Patient(plane) => plane,
    };
    let frame = anchor.plane.ok_or(MeasureError::NoPatientSpace)?;
    let corners: &[DVec2] = match &placed.outline {
        Outline::Polygon(points) => points,
        Outline::Ellipse {
            centre,
            axes: [a, b],
        } => &[*centre + a, *centre - a, *centre + b, *centre - b],
    };
    // Within the slice, and along it: a plane that cuts through the frame would be seen foreshortened.
    let half = (anchor.slice_thickness_mm.unwrap_or(1.0) / 2.0).max(FLAT_MM);
    let along = plane.normal().dot(frame.normal()).abs() > ALONG;
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for corner in corners {
        let depth = (plane.patient(*corner) - frame.origin).dot(frame.normal());
        (low, high) = (low.min(depth), high.max(depth));
        let distance_mm = low.abs().max(high.abs());
        // The first corner that is off decides: outlines are compared with many frames.
        if distance_mm > half || high - low > 2.0 * FLAT_MM || !along {
            return Err(MeasureError::NotOnFrame { distance_mm });
        }
    }
    let distance_mm = low.abs().max(high.abs());
    Ok((plane.pixel_from_flat(&frame, anchor.spacing), distance_mm))
}

impl Placed {
    /// How far the outline lies off a frame's plane; 0 for pixel outlines.
    ///
    /// # Errors
    /// An outline that is not on that frame, or a frame that lies nowhere.
    pub fn distance_mm(&self, anchor: &Anchor) -> Result<f64, MeasureError> {
        pixel_from_outline(self, anchor).map(|(_, off_mm)| off_mm)
    }
}

/// The values of the pixels of a frame whose centres lie inside the outline.
///
/// # Errors
/// An outline that is not on the frame, or reaches too far; palette indices.
pub fn roi_on_frame(
    placed: &Placed,
    anchor: &Anchor,
    pixels: &FramePixels<'_>,
    ask: &Ask,
) -> Result<Measurement, MeasureError> {
    ask.check()?;
    let channels = pixels.channels()?;
    let (map, off_mm) = pixel_from_outline(placed, anchor)?;
    let (lut, unit, source, padding) = pixels.meaning();
    let frame = pixels.frame;
    let mut collectors: Vec<Collector<'_>> = channels
        .iter()
        .map(|_| Collector::stored(lut, frame.stored_type, padding))
        .collect();
    let (mut inside, mut within) = (0, 0);
    spans::rows(&placed.outline.mapped(&map), |row, runs| {
        inside += runs.iter().map(|run| spans::count(*run)).sum::<u64>();
        let Some(row) = usize::try_from(row).ok().filter(|r| *r < frame.rows) else {
            return Ok(());
        };
        for columns in runs.iter().filter_map(|run| clip(*run, frame.columns)) {
            within += columns.len() as u64;
            for column in columns {
                for (channel, collector) in collectors.iter_mut().enumerate() {
                    if let Some(stored) = frame.value(column, row, channel) {
                        collector.add(stored)?;
                    }
                }
            }
        }
        Ok(())
    })?;
    let mut found = Measurement::default();
    let mut counts = Counts::default();
    for (channel, collector) in channels.iter().zip(collectors) {
        counts = Counts {
            inside,
            outside: inside - within,
            ..collector.counts
        };
        if let Some(statistics) = collector.finish(ask) {
            add_statistics(&mut found, channel, statistics, &unit, source);
        }
    }
    add_counts(&mut found, counts, "pixels");
    if off_mm > FLAT_MM {
        found.warnings.push(
            Finding::new(
                "OFF_PLANE",
                Severity::Info,
                format!("the outline lies {off_mm:.2} mm off the middle of the slice"),
            )
            .with("mm", off_mm),
        );
    }
    Ok(found)
}

/// The part of a run that is in an image of so many columns.
pub(super) fn clip([low, high]: Run, columns: usize) -> Option<Range<usize>> {
    let start = usize::try_from(low.max(0)).ok()?;
    let end = usize::try_from(high).ok()?.saturating_add(1).min(columns);
    (start < end).then_some(start..end)
}

/// The sampling distance when none is given: the smallest step of the grid.
pub fn sampling_mm(grid: &GridGeometry) -> f64 {
    grid.spacing_mm().into_iter().fold(f64::INFINITY, f64::min)
}

/// The slices of a grid that sampling on an outline's plane reads.
pub fn slices_of_plane(grid: &GridGeometry, placed: &Placed) -> Range<usize> {
    let (Some(map), Ground::Patient(plane)) = (grid.voxel_from_patient(), &placed.ground) else {
        return 0..0;
    };
    let [low, high] = placed.outline.bounds();
    let corners = [
        low,
        high,
        DVec2::new(low.x, high.y),
        DVec2::new(high.x, low.y),
    ]
    .map(|p| map.transform_point3(plane.patient(p)).z);
    slice_range(corners, grid.size[2])
}

/// The slices of a grid that a region may hold voxels of.
pub fn slices_of_region(grid: &GridGeometry, shape: &Region) -> Range<usize> {
    match (shape.voxel_bounds(grid), grid.size[2]) {
        (Ok([low, high]), slices) => slice_range([low.z, high.z], slices),
        (Err(_), slices) => 0..slices,
    }
}

/// Slices around depths, with the neighbours that interpolation takes.
fn slice_range<const N: usize>(depths: [f64; N], slices: usize) -> Range<usize> {
    let low = depths.into_iter().fold(f64::INFINITY, f64::min).floor() - 1.0;
    let high = depths.into_iter().fold(f64::NEG_INFINITY, f64::max).ceil() + 2.0;
    // The casts saturate.
    let (start, end) = ((low.max(0.0)) as usize, (high.max(0.0)) as usize);
    start.min(slices)..end.min(slices)
}

/// The values on the plane of an outline, sampled on a square grid through the middle of its bounds, along the
/// outline's own axes: so the samples do not depend on how the volume or the view is turned.
///
/// # Errors
/// Pixel outlines, distances that are none, too many samples, slices that are not there.
pub fn roi_in_volume(
    placed: &Placed,
    volume: &VolumePixels<'_>,
    step_mm: f64,
    ask: &Ask,
) -> Result<Measurement, MeasureError> {
    ask.check()?;
    let Ground::Patient(plane) = &placed.ground else {
        return Err(MeasureError::NoPatientSpace);
    };
    if !(step_mm.is_finite() && step_mm > 0.0) {
        return Err(MeasureError::BadOption {
            name: "sampling_mm",
        });
    }
    let [low, high] = placed.outline.bounds();
    let middle = 0.5 * (low + high);
    let half = (0.5 * (high - low) / step_mm).ceil() + 1.0;
    // Compared before it becomes a whole number: it may be infinite.
    if half.max_element() >= MAX_SIDE / 2.0 || half.element_product() > MAX_VALUES as f64 / 4.0 {
        return Err(MeasureError::RegionTooLarge);
    }
    let sides = half.to_array().map(|h| 2 * h as u32 + 1);
    let first = plane.patient(middle - half * step_mm);
    let view = volume.view(sides, viewport(plane, first, step_mm))?;
    let steps = view.voxel_from_viewport.matrix3;
    if steps.x_axis.abs().max(steps.y_axis.abs()).max_element() > MAX_STEP {
        return Err(MeasureError::BadOption {
            name: "sampling_mm",
        });
    }
    let grid = PixelGrid::of(&view.voxel_from_viewport);
    // Samples at whole numbers, the first at (0, 0).
    let map = DAffine2 {
        translation: half - middle / step_mm,
        ..DAffine2::from_scale(DVec2::splat(step_mm.recip()))
    };
    let mut collector = Collector::interpolated();
    let mut counts = Counts::default();
    spans::rows(&placed.outline.mapped(&map), |row, runs| {
        for [start, end] in runs {
            for column in *start..=*end {
                counts.inside += 1;
                match sample(&view, volume.frames, &grid, column as u32, row as u32) {
                    Sample::Value(value) => collector.add(value)?,
                    Sample::Padding => counts.padding += 1,
                    Sample::Missing => return Err(MeasureError::SliceMissing),
                    Sample::Outside | Sample::Color(_) => counts.outside += 1,
                }
            }
        }
        Ok(())
    })?;
    counts.n = collector.counts.n;
    counts.not_finite = collector.counts.not_finite;
    let mut found = Measurement::default();
    if let Some(statistics) = collector.finish(ask) {
        let source = lut_source(volume.modality_lut);
        add_statistics(&mut found, "", statistics, volume.unit.label(), source);
    }
    add_counts(&mut found, counts, "samples");
    found.warnings.push(
        Finding::new(
            "INTERPOLATED",
            Severity::Info,
            format!("values between voxels, sampled every {step_mm:.3} mm; extremes and deviation are those of samples"),
        )
        .with("mm", step_mm),
    );
    Ok(found)
}

/// Viewport points (pixel centres at half-integers) to patient, for samples on a plane from a first one on.
pub(super) fn viewport(plane: &Plane, first: DVec3, step_mm: f64) -> DAffine3 {
    let matrix3 = DMat3::from_cols(plane.right, plane.down, plane.normal()) * step_mm;
    DAffine3 {
        matrix3,
        translation: first - matrix3 * DVec3::new(0.5, 0.5, 0.0),
    }
}

#[cfg(test)]
#[path = "roi_tests.rs"]
mod tests;
