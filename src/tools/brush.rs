//! The brush: which voxels a stamp covers, exactly and in millimetres, whatever the grid and the plane that is shown.
//!
//! Must stay true: a voxel is covered when its centre is. A sphere is a sphere in the patient, also where slices are
//! thick; a disc covers the voxels that the shown plane goes through. Cost grows with the stamp, never with the grid.

use crate::model::{
    geometry::GridGeometry,
    segmentation::{VoxelBox, Voxels},
};
use glam::{DAffine3, DMat3, DVec3};
use std::ops::Range;

/// Smallest and largest radius, millimetres (pixels where nobody knows their size).
pub const RADIUS_RANGE: (f64, f64) = (0.25, 200.0);

/// What a stamp covers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum BrushShape {
    /// A disc in the plane that is shown.
    #[default]
    Disc,
    /// A sphere through the slices.
    Sphere,
}

/// A stamp at a place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stamp {
    /// Its middle, in the space of the grid.
    pub centre: DVec3,
    /// Unit normal of the plane that is shown.
    pub normal: DVec3,
    /// Its radius.
    pub radius: f64,
    /// What it covers.
    pub shape: BrushShape,
}

/// Another radius after notches of the wheel or presses of a key: a step is a tenth, and never less than is seen.
pub fn radius_stepped(radius: f64, steps: f64) -> f64 {
    let stepped = radius * 1.1_f64.powf(steps);
    // Tidy numbers, so that the way back is the way there.
    let tidy = (stepped * 100.0).round() / 100.0;
    tidy.clamp(RADIUS_RANGE.0, RADIUS_RANGE.1)
}

/// Another tolerance after the pointer went up so many points (down: less): twice as much every 60. A hand that hardly moves
/// changes nothing.
pub fn tolerance_dragged(tolerance: f64, up: f64) -> f64 {
    const STILL: f64 = 4.0;
    if up.abs() < STILL {
        return tolerance;
    }
    let dragged = tolerance.max(1.0) * 2.0_f64.powf((up - STILL.copysign(up)) / 60.0);
    ((dragged * 10.0).round() / 10.0).clamp(0.0, 10_000.0)
}

/// The places of stamps from one place to another, the first one left out: close enough that no gap is seen.
pub fn along(from: DVec3, to: DVec3, radius: f64, finest: f64) -> Vec<DVec3> {
    let length = (to - from).length();
    let step = (radius * 0.3).max(finest * 0.5).max(1e-6);
    // A hand that moves faster than a screen is wide is no hand.
    let count = (length / step).ceil().clamp(1.0, 4096.0);
    (1..=count as usize)
        .map(|k| from.lerp(to, k as f64 / count))
        .collect()
}

/// A stamp seen from a grid.
struct Covered {
    /// Offset of a voxel from the middle, in the space of the grid, from its index.
    offset: DAffine3,
    stamp: Stamp,
    /// Half of the thickness of a disc.
    half: f64,
    bounds: VoxelBox,
}

impl Covered {
    fn of(grid: &GridGeometry, stamp: &Stamp) -> Option<Self> {
        let voxel_from_space = grid.voxel_from_patient()?;
        let steps = grid.patient_from_voxel.matrix3;
        // A plane goes through a voxel when it is not farther away than half of what the voxel spans along its normal.
        let half = [steps.x_axis, steps.y_axis, steps.z_axis]
            .map(|step| step.dot(stamp.normal).abs())
            .iter()
            .sum::<f64>()
            / 2.0;
        let reach = match stamp.shape {
            BrushShape::Sphere => stamp.radius,
            BrushShape::Disc => stamp.radius.hypot(half),
        };
        let middle = voxel_from_space.transform_point3(stamp.centre);
        let rows = DMat3::transpose(&voxel_from_space.matrix3);
        let span = [rows.x_axis, rows.y_axis, rows.z_axis].map(|row| row.length() * reach);
        let bounds = bounds_of(middle, span, grid.size)?;
        let mut offset = grid.patient_from_voxel;
        offset.translation -= stamp.centre;
        // A plane between two slices is in the one that is drawn there: that with the larger index
        // (`imaging::reslice::nearest`), whichever way the plane is looked at.
        let along = [steps.x_axis, steps.y_axis, steps.z_axis]
            .map(|step| step.dot(stamp.normal))
            .into_iter()
            .max_by(|a, b| a.abs().total_cmp(&b.abs()));
        let normal = match along {
            Some(along) if along < 0.0 => -stamp.normal,
            _ => stamp.normal,
        };
        Some(Self {
            offset,
            stamp: Stamp { normal, ..*stamp },
            half,
            bounds,
        })
    }

    fn contains(&self, index: DVec3) -> bool {
        let away = self.offset.transform_point3(index);
        let square = self.stamp.radius * self.stamp.radius;
        match self.stamp.shape {
            BrushShape::Sphere => away.length_squared() <= square,
            BrushShape::Disc => {
                let depth = away.dot(self.stamp.normal);
                let flat = away - self.stamp.normal * depth;
                self.goes_through(depth) && flat.length_squared() <= square
            }
        }
    }

    /// Whether the plane goes through a voxel at this distance. Half open, so that a plane between two slices is in one
    /// of them, with what rounding does left out of account.
    fn goes_through(&self, depth: f64) -> bool {
        let rounding = self.half * 1e-9;
        -self.half + rounding < depth && depth <= self.half + rounding
    }

    /// Columns of a row that are covered: both tests are convex, so they are one range.
    fn columns(&self, y: usize, z: usize) -> Range<usize> {
        let start = self
            .offset
            .transform_point3(DVec3::new(0.0, y as f64, z as f64));
        let step = self.offset.matrix3.x_axis;
        let normal = self.stamp.normal;
        let (start, step, depth) = match self.stamp.shape {
            BrushShape::Sphere => (start, step, None),
            BrushShape::Disc => (
                start - normal * start.dot(normal),
                step - normal * step.dot(normal),
                Some((start.dot(normal), step.dot(normal))),
            ),
        };
        let mut range = [self.bounds.first[0] as f64, self.bounds.end[0] as f64 - 1.0];
        // |start + x step|^2 <= r^2
        let (a, b) = (step.length_squared(), start.dot(step));
        let c = start.length_squared() - self.stamp.radius * self.stamp.radius;
        if a > 1e-18 {
            let under = b * b - a * c;
            if under < 0.0 {
                return 0..0;
            }
            let root = under.sqrt();
            range = meet(range, [(-b - root) / a, (-b + root) / a]);
        } else if c > 0.0 {
            return 0..0;
        }
        if let Some((first, by)) = depth {
            let ends = [-self.half - first, self.half - first];
            if by.abs() > 1e-12 {
                let [low, high] = ends.map(|end| end / by);
                range = meet(range, [low.min(high), low.max(high)]);
            } else if !self.goes_through(first) {
                return 0..0;
            }
        }
        if range[0] > range[1] + 1.0 {
            return 0..0;
        }
        // The ends are found by the very test: rounding decides nothing.
        let (least, last) = (self.bounds.first[0], self.bounds.end[0]);
        let at = |x: usize| self.contains(DVec3::new(x as f64, y as f64, z as f64));
        let mut from = (range[0].floor().max(least as f64) as usize).max(least);
        let to = (range[1].ceil().max(0.0) as usize + 1).min(last);
        while from < to && !at(from) {
            from += 1;
        }
        let mut end = to;
        while end > from && !at(end - 1) {
            end -= 1;
        }
        from..end
    }
}

fn meet(a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
    [a[0].max(b[0]), a[1].min(b[1])]
}

fn bounds_of(middle: DVec3, span: [f64; 3], size: [usize; 3]) -> Option<VoxelBox> {
    if !middle.is_finite() || span.iter().any(|s| !s.is_finite()) {
        return None;
    }
    let middle = middle.to_array();
    let first = std::array::from_fn(|axis| {
        let low = (middle[axis] - span[axis]).floor().max(0.0);
        // The cast saturates.
        (low as usize).min(size[axis])
    });
    let end = std::array::from_fn(|axis| {
        let high = (middle[axis] + span[axis]).floor() + 1.0;
        (high.max(0.0) as usize).min(size[axis])
    });
    let bounds = VoxelBox { first, end };
    (!bounds.is_empty()).then_some(bounds)
}

/// Gives the voxels under a stamp a number each, by where they are and what they are; the box that changed.
pub fn stamp(
    voxels: &mut Voxels,
    grid: &GridGeometry,
    stamp: &Stamp,
    mut number: impl FnMut([usize; 3], u16) -> u16,
) -> Option<VoxelBox> {
    let covered = Covered::of(grid, stamp)?;
    let mut changed: Option<VoxelBox> = None;
    for z in covered.bounds.range(2) {
        for y in covered.bounds.range(1) {
            let columns = covered.columns(y, z);
            if columns.is_empty() {
                continue;
            }
            let row = VoxelBox {
                first: [columns.start, y, z],
                end: [columns.end, y + 1, z + 1],
            };
            if voxels.map_row([y, z], columns, |x, now| number([x, y, z], now)) {
                changed = Some(changed.map_or(row, |all| all.union(&row)));
            }
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::reslice::nearest;

    fn grid(steps: DMat3, size: [usize; 3]) -> GridGeometry {
        GridGeometry {
            size,
            patient_from_voxel: DAffine3 {
                matrix3: steps,
                translation: DVec3::new(-3.0, 7.5, 1.0),
            },
        }
    }

    /// Every voxel of the grid asked one by one.
    fn plainly(grid: &GridGeometry, stamp: &Stamp) -> Voxels {
        let half = [0, 1, 2]
            .map(|axis| {
                grid.patient_from_voxel
                    .matrix3
                    .col(axis)
                    .dot(stamp.normal)
                    .abs()
            })
            .iter()
            .sum::<f64>()
            / 2.0;
        let mut numbers = Vec::new();
        for z in 0..grid.size[2] {
            for y in 0..grid.size[1] {
                for x in 0..grid.size[0] {
                    let index = DVec3::new(x as f64, y as f64, z as f64);
                    let away = grid.patient_from_voxel.transform_point3(index) - stamp.centre;
                    let depth = away.dot(stamp.normal);
                    let inside = match stamp.shape {
                        BrushShape::Sphere => away.length() <= stamp.radius,
                        BrushShape::Disc => {
                            let flat = away - stamp.normal * depth;
                            depth.abs() < half && flat.length() <= stamp.radius
                        }
                    };
                    numbers.push(u16::from(inside) * 5);
                }
            }
        }
        Voxels::from_dense(grid.size, numbers)
    }

    #[test]
    fn stamps_cover_what_lies_within_their_radius_and_nothing_else() {
        let turned = DMat3::from_axis_angle(DVec3::new(0.3, 1.0, -0.2).normalize(), 0.5);
        let steps = [
            DMat3::from_diagonal(DVec3::new(0.7, 0.9, 2.5)),
            turned * DMat3::from_diagonal(DVec3::new(0.7, 0.8, 1.9)),
            // Rows that run backwards.
            DMat3::from_diagonal(DVec3::new(-0.7, 0.9, -3.1)),
        ];
        let normals = [DVec3::Z, DVec3::X, DVec3::new(0.4, 0.5, 0.76).normalize()];
        for steps in steps {
            let grid = grid(steps, [33, 29, 17]);
            for normal in normals {
                for (k, shape) in [BrushShape::Disc, BrushShape::Sphere]
                    .into_iter()
                    .enumerate()
                {
                    for radius in [0.4, 3.3, 6.05] {
                        let middle = DVec3::new(14.2, 12.7, 6.4 + k as f64);
                        let stamp = Stamp {
                            centre: grid.patient_from_voxel.transform_point3(middle),
                            normal,
                            radius,
                            shape,
                        };
                        let mut voxels = Voxels::new(grid.size);
                        let changed = super::stamp(&mut voxels, &grid, &stamp, |_, _| 5);
                        let wanted = plainly(&grid, &stamp);
                        assert_eq!(voxels, wanted, "{shape:?} {radius} {normal}");
                        let bounds = wanted.bounds(None);
                        assert_eq!(changed, bounds);
                    }
                }
            }
        }
    }

    #[test]
    fn a_plane_between_two_slices_paints_the_one_that_is_drawn_there() {
        for thickness in [2.0, -2.0, 0.7] {
            let grid = grid(
                DMat3::from_diagonal(DVec3::new(1.0, 1.0, thickness)),
                [9, 9, 5],
            );
            for normal in [DVec3::Z, -DVec3::Z] {
                let stamp = Stamp {
                    centre: grid
                        .patient_from_voxel
                        .transform_point3(DVec3::new(4.0, 4.0, 1.5)),
                    normal,
                    radius: 2.0,
                    shape: BrushShape::Disc,
                };
                let mut voxels = Voxels::new(grid.size);
                let changed = super::stamp(&mut voxels, &grid, &stamp, |_, _| 1).unwrap();
                let position = (1.5 + 0.5) * f64::from(1 << 16) * f64::from(1 << 16);
                let drawn = nearest(position as i64, 5).unwrap();
                assert_eq!(changed.range(2), drawn..drawn + 1, "{thickness} {normal}");
            }
        }
    }

    #[test]
    fn beside_the_grid_nothing_is_painted() {
        let grid = grid(DMat3::IDENTITY, [9, 9, 5]);
        for centre in [DVec3::splat(900.0), DVec3::splat(f64::NAN)] {
            let stamp = Stamp {
                centre,
                normal: DVec3::Z,
                radius: 2.0,
                shape: BrushShape::Sphere,
            };
            let mut voxels = Voxels::new(grid.size);
            assert_eq!(super::stamp(&mut voxels, &grid, &stamp, |_, _| 1), None);
        }
    }

    #[test]
    fn a_stroke_has_no_gaps_and_radii_have_ends() {
        let path = along(DVec3::ZERO, DVec3::new(10.0, 0.0, 0.0), 2.0, 0.5);
        assert_eq!(path.last(), Some(&DVec3::new(10.0, 0.0, 0.0)));
        assert!(path.windows(2).all(|p| (p[1] - p[0]).length() <= 0.61));
        assert_eq!(tolerance_dragged(80.0, 3.0), 80.0);
        assert_eq!(tolerance_dragged(80.0, 64.0), 160.0);
        assert_eq!(tolerance_dragged(80.0, -64.0), 40.0);
        assert_eq!(tolerance_dragged(0.0, 64.0), 2.0);
        assert_eq!(radius_stepped(10.0, 1.0), 11.0);
        assert_eq!(radius_stepped(1e9, 1.0), RADIUS_RANGE.1);
        assert_eq!(radius_stepped(1e-9, -1.0), RADIUS_RANGE.0);
    }
}
