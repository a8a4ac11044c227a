//! Volumes: the voxels of a threshold or a label inside a box or a sphere, their volume and their values.
//!
//! A voxel belongs to a shape when its centre lies inside or on it. Its volume is the determinant of the grid, so
//! sheared grids (gantry tilt) are right; the lengths of the three steps would say too much.

use super::{
    Ask, Counts, MAX_LINES, MeasureError, Measurement, Quantity, Ruler,
    outline::check_radius,
    roi::clip,
    source::{VolumePixels, add_counts, add_statistics, lut_source},
    spans::{self, Run, whole},
    values::Collector,
};
use crate::model::{annotation::PointSpace, geometry::GridGeometry, pixels::Frame};
use glam::{DMat3, DVec3};
use std::f64::consts::PI;

/// Where voxels are looked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Region {
    /// The whole grid.
    Whole,
    /// Centre and three half-edges, millimetres; edges need not be along the axes of the body.
    Box {
        /// Centre.
        centre: DVec3,
        /// From the centre to the middles of three neighbouring faces.
        half: [DVec3; 3],
    },
    /// Centre and radius.
    Sphere {
        /// Centre.
        centre: DVec3,
        /// Radius.
        radius_mm: f64,
    },
}

/// Which voxels of it count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Selection<'a> {
    /// All.
    All,
    /// Those with a modality value from `low` to `high`, both included.
    Threshold {
        /// Lowest value.
        low: f64,
        /// Highest value.
        high: f64,
    },
    /// Those of a label map with this label; `labels` are as many as voxels, columns first, then rows.
    Label {
        /// Labels of all voxels.
        labels: &'a [u16],
        /// The label that counts.
        label: u16,
    },
}

impl Region {
    /// The box along the axes of the body between two opposite corners.
    pub fn between(a: DVec3, b: DVec3) -> Self {
        let half = (b - a).abs() * 0.5;
        Self::Box {
            centre: (a + b) * 0.5,
            half: [DVec3::X * half.x, DVec3::Y * half.y, DVec3::Z * half.z],
        }
    }

    /// The shape with sane numbers that holds something.
    fn check(&self, ruler: &Ruler) -> Result<(), MeasureError> {
        match self {
            Self::Whole => Ok(()),
            Self::Sphere { centre, radius_mm } => {
                ruler.metric(*centre)?;
                check_radius(*radius_mm).map(|_| ())
            }
            Self::Box { centre, half } => {
                ruler.metric(*centre)?;
                for edge in half {
                    ruler.metric(*edge)?;
                    Ruler::distance(*edge, DVec3::ZERO)?;
                }
                let [a, b, c] = half;
                let full = a.length() * b.length() * c.length();
                if a.cross(*b).dot(*c).abs() <= 1e-9 * full {
                    return Err(MeasureError::Degenerate);
                }
                Ok(())
            }
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Whole => "volume",
            Self::Box { .. } => "box",
            Self::Sphere { .. } => "sphere",
        }
    }

    /// Volume by its formula; `None` for the whole grid.
    fn shape_mm3(&self) -> Option<f64> {
        match self {
            Self::Whole => None,
            Self::Box {
                half: [a, b, c], ..
            } => Some(8.0 * a.cross(*b).dot(*c).abs()),
            Self::Sphere { radius_mm, .. } => Some(4.0 / 3.0 * PI * radius_mm.powi(3)),
        }
    }

    /// Lowest and highest voxel indices of the shape.
    pub(super) fn voxel_bounds(&self, grid: &GridGeometry) -> Result<[DVec3; 2], MeasureError> {
        let map = grid.voxel_from_patient().ok_or(MeasureError::NoVolume)?;
        let [columns, rows, slices] = grid.size.map(|n| n as f64 - 1.0);
        let (centre, reach) = match self {
            Self::Whole => return Ok([DVec3::ZERO, DVec3::new(columns, rows, slices)]),
            Self::Box { centre, half } => {
                let reach = half.map(|h| map.transform_vector3(h).abs());
                (centre, reach[0] + reach[1] + reach[2])
            }
            Self::Sphere { centre, radius_mm } => {
                let rows = map.matrix3.transpose();
                let lengths = [rows.x_axis, rows.y_axis, rows.z_axis].map(DVec3::length);
                (centre, DVec3::from_array(lengths) * *radius_mm)
            }
        };
        let centre = map.transform_point3(*centre);
        Ok([centre - reach, centre + reach])
    }

    /// The columns inside the shape on a line of voxels: `start` is that of column 0, `step` leads to the next.
    fn run(&self, start: DVec3, step: DVec3, columns: usize) -> Option<Run> {
        match self {
            Self::Whole => Some([0, columns as i64 - 1]),
            Self::Sphere { centre, radius_mm } => {
                let p = start - centre;
                let square = step.length_squared();
                let middle = -p.dot(step) / square;
                let away = (p + step * middle).length_squared();
                let rest = radius_mm * radius_mm - away;
                // A line that only touches the sphere holds one place of it.
                let touches = rest > -1e-9 * radius_mm * radius_mm;
                let half = (rest.max(0.0) / square).sqrt();
                touches.then(|| whole(middle - half, middle + half))?
            }
            Self::Box { centre, half } => {
                let inverse = DMat3::from_cols(half[0], half[1], half[2]).inverse();
                let (p, s) = (inverse * (start - centre), inverse * step);
                let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
                for (p, s) in p.to_array().into_iter().zip(s.to_array()) {
                    if s.abs() < 1e-12 {
                        if p.abs() > 1.0 + 1e-9 {
                            return None;
                        }
                    } else {
                        let (a, b) = ((-1.0 - p) / s, (1.0 - p) / s);
                        low = low.max(a.min(b));
                        high = high.min(a.max(b));
                    }
                }
                whole(low, high)
            }
        }
    }
}

/// Volume and values of the voxels that are selected inside a shape.
///
/// # Errors
/// A shape that holds nothing or reaches too far, labels that do not fit, slices that are not there.
pub fn region(
    ruler: &Ruler,
    volume: &VolumePixels<'_>,
    shape: &Region,
    selection: Selection<'_>,
    ask: &Ask,
) -> Result<Measurement, MeasureError> {
    ask.check()?;
    if ruler.space() != PointSpace::Patient {
        return Err(MeasureError::NoPatientSpace);
    }
    shape.check(ruler)?;
    let [columns, rows, slices] = volume.grid.size;
    match selection {
        Selection::Threshold { low, high } if low.is_nan() || high.is_nan() || low > high => {
            return Err(MeasureError::BadOption { name: "low, high" });
        }
        Selection::Label { labels, .. } if labels.len() != columns * rows * slices => {
            return Err(MeasureError::BadOption { name: "labels" });
        }
        _ => {}
    }
    let first = volume.first()?;
    let mut collector = Collector::stored(volume.modality_lut, first.stored_type, volume.padding);
    let within = walk(volume, shape, &mut collector, selection)?;
    let n = collector.counts.n;
    let mut measurement = Measurement::new(shape.kind());
    let voxel_mm3 = volume.grid.patient_from_voxel.matrix3.determinant().abs();
    let volume_mm3 = n as f64 * voxel_mm3;
    let cubic = ruler.quantity("volume", volume_mm3, 3);
    measurement.quantities.extend([
        Quantity {
            name: "volume_ml".into(),
            value: Some(volume_mm3 / 1000.0),
            unit: "ml".into(),
            source: cubic.source.clone(),
            label: cubic.label.replace("mm³", "ml"),
        },
        ruler.quantity("voxel_volume", voxel_mm3, 3),
    ]);
    measurement.quantities.insert(0, cubic);
    if let Some(value) = shape.shape_mm3() {
        let quantity = ruler.quantity("shape_volume", value, 3);
        measurement.quantities.push(quantity);
    }
    let counts = Counts {
        inside: within.inside,
        outside: within.outside,
        unselected: within.unselected,
        ..collector.counts
    };
    if let Some(statistics) = collector.finish(ask) {
        let (unit, source) = (volume.unit.label(), lut_source(volume.modality_lut));
        add_statistics(&mut measurement, "", statistics, unit, source);
    }
    add_counts(&mut measurement, counts, "voxels");
    Ok(measurement)
}

/// Goes along all lines of voxels that the shape may meet, beside the grid too, to count what lies outside.
fn walk(
    volume: &VolumePixels<'_>,
    shape: &Region,
    collector: &mut Collector<'_>,
    selection: Selection<'_>,
) -> Result<Counts, MeasureError> {
    let [low, high] = shape.voxel_bounds(volume.grid)?;
    let side = |low: f64, high: f64| whole(low, high).unwrap_or([0, -1]);
    let (rows, slices) = (side(low.y, high.y), side(low.z, high.z));
    let length = |[low, high]: Run| high.saturating_sub(low).saturating_add(1).max(0);
    if length(rows).saturating_mul(length(slices)) > MAX_LINES {
        return Err(MeasureError::RegionTooLarge);
    }
    let affine = volume.grid.patient_from_voxel;
    let [columns, row_count, _] = volume.grid.size;
    let mut counts = Counts::default();
    for slice in slices[0]..=slices[1] {
        let there = usize::try_from(slice).ok();
        let frame = there.and_then(|k| Some((k, volume.frames.get(k)?)));
        for row in rows[0]..=rows[1] {
            let start = affine.transform_point3(DVec3::new(0.0, row as f64, slice as f64));
            let Some(run) = shape.run(start, affine.matrix3.x_axis, columns) else {
                continue;
            };
            let inside = spans::count(run);
            counts.inside += inside;
            let row = usize::try_from(row).ok().filter(|r| *r < row_count);
            let (Some((slice, frame)), Some(row), Some(columns)) = (frame, row, clip(run, columns))
            else {
                counts.outside += inside;
                continue;
            };
            counts.outside += inside - columns.len() as u64;
            let frame = frame.as_ref().ok_or(MeasureError::SliceMissing)?;
            for column in columns {
                take(
                    frame,
                    [column, row, slice],
                    collector,
                    selection,
                    &mut counts,
                )?;
            }
        }
    }
    Ok(counts)
}

/// Takes in one voxel, when it is selected.
fn take(
    frame: &Frame,
    [column, row, slice]: [usize; 3],
    collector: &mut Collector<'_>,
    selection: Selection<'_>,
    counts: &mut Counts,
) -> Result<(), MeasureError> {
    let Some(stored) = frame.value(column, row, 0) else {
        return Ok(());
    };
    let Some(value) = collector.modality(stored) else {
        return Ok(());
    };
    let selected = match selection {
        Selection::All => true,
        Selection::Threshold { low, high } => (low..=high).contains(&value),
        Selection::Label { labels, label } => {
            let index = (slice * frame.rows + row) * frame.columns + column;
            labels.get(index) == Some(&label)
        }
    };
    if selected {
        collector.count(stored)
    } else {
        counts.unselected += 1;
        Ok(())
    }
}

#[cfg(test)]
#[path = "region_tests.rs"]
mod tests;
