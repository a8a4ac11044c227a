//! Which slices a plane through a volume has, and where they lie.

use crate::model::{
    geometry::{BodyPlane, GridGeometry},
    slab::step_along_mm,
};
use glam::DVec3;

/// Slices of a volume along the normal of a body plane.
pub(super) struct PlaneSteps {
    origin: DVec3,
    pub along: DVec3,
    /// From one to the next, millimetres.
    pub step_mm: f64,
    /// How many there are.
    pub count: usize,
}

impl PlaneSteps {
    /// Of a body plane.
    pub fn new(grid: &GridGeometry, plane: BodyPlane) -> Self {
        let (right, down) = plane.screen_axes();
        // Axial runs from head to foot, coronal from front to back, sagittal from left to right.
        let along = match plane {
            BodyPlane::Axial => DVec3::NEG_Z,
            BodyPlane::Coronal | BodyPlane::Sagittal => right.cross(down),
        };
        let m = grid.patient_from_voxel.matrix3;
        let axes = [m.x_axis, m.y_axis, m.z_axis];
        // The index axis that follows the normal most closely gives the step.
        let steps = axes.map(|a| a.dot(along).abs() / a.length());
        let main = (0..3).max_by(|&a, &b| {
            let share = |i: usize| steps.get(i).copied().unwrap_or(0.0);
            share(a).total_cmp(&share(b))
        });
        let step_mm = main
            .and_then(|i| axes.get(i))
            .map_or(1.0, |a| a.dot(along).abs())
            .max(1e-6);
        Self::along(grid, along, step_mm)
    }

    /// Of a plane that was turned away from a body plane, with its unit normal away from the viewer: one voxel further
    /// with each step.
    pub fn oblique(grid: &GridGeometry, plane: BodyPlane, normal: DVec3) -> Self {
        let along = match plane {
            BodyPlane::Axial => -normal,
            BodyPlane::Coronal | BodyPlane::Sagittal => normal,
        };
        let step_mm = grid
            .voxel_from_patient()
            .map_or(1.0, |m| step_along_mm(&m.matrix3, along));
        Self::along(grid, along, step_mm.max(1e-6))
    }

    fn along(grid: &GridGeometry, along: DVec3, step_mm: f64) -> Self {
        let corners = (0..8u8).map(|corner| {
            let at = |bit: u8, n: usize| {
                if corner & bit == 0 {
                    0.0
                } else {
                    n.saturating_sub(1) as f64
                }
            };
            let voxel = DVec3::new(
                at(1, grid.size[0]),
                at(2, grid.size[1]),
                at(4, grid.size[2]),
            );
            grid.patient_from_voxel.transform_point3(voxel).dot(along)
        });
        let (low, high) = corners.fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(v), h.max(v)));
        Self {
            origin: along * low,
            along,
            step_mm,
            count: ((high - low) / step_mm).round().max(0.0) as usize + 1,
        }
    }

    /// The slice nearest to a point.
    pub fn index_of(&self, point: DVec3) -> usize {
        let index = ((point - self.origin).dot(self.along) / self.step_mm).round();
        (index.max(0.0) as usize).min(self.count.saturating_sub(1))
    }

    /// A point brought onto a slice, along the normal.
    pub fn moved_to(&self, point: DVec3, index: usize) -> DVec3 {
        let target = self.origin.dot(self.along) + index as f64 * self.step_mm;
        point + self.along * (target - point.dot(self.along))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use glam::{DAffine3, DMat3};

    #[test]
    fn oblique_steps_are_one_voxel_long_and_reach_from_corner_to_corner() {
        let grid = GridGeometry {
            size: [10, 12, 5],
            patient_from_voxel: DAffine3 {
                matrix3: DMat3::from_diagonal(DVec3::new(1.0, 1.0, 2.5)),
                translation: DVec3::new(-5.0, -9.0, 100.0),
            },
        };
        // Along the head-foot axis they are those of the axial plane.
        let straight = PlaneSteps::oblique(&grid, BodyPlane::Axial, DVec3::Z);
        let axial = PlaneSteps::new(&grid, BodyPlane::Axial);
        assert_eq!(straight.count, axial.count);
        assert!((straight.step_mm - 2.5).abs() < 1e-12);
        let normal = DVec3::new(0.6, 0.0, 0.8);
        let askew = PlaneSteps::oblique(&grid, BodyPlane::Coronal, normal);
        let step_mm = 1.0 / (0.6f64.powi(2) + 0.32f64.powi(2)).sqrt();
        assert!((askew.step_mm - step_mm).abs() < 1e-12);
        // 9 mm along x and 10 mm along z, seen along the normal.
        let way = 9.0 * 0.6 + 10.0 * 0.8;
        assert_eq!(askew.count, (way / step_mm).round() as usize + 1);
        let start = DVec3::new(1.0, 2.0, 105.0);
        let moved = askew.moved_to(start, askew.index_of(start) + 1);
        assert_eq!(askew.index_of(moved), askew.index_of(start) + 1);
        assert!((moved - start).cross(normal).length() < 1e-9);
    }

    #[test]
    fn plane_steps_walk_the_slices() {
        let grid = GridGeometry {
            size: [10, 12, 5],
            patient_from_voxel: DAffine3 {
                matrix3: DMat3::from_diagonal(DVec3::new(1.0, 1.5, 2.5)),
                translation: DVec3::new(-5.0, -9.0, 100.0),
            },
        };
        let axial = PlaneSteps::new(&grid, BodyPlane::Axial);
        assert_eq!(axial.count, 5);
        // Head first: index 0 is the highest z.
        assert_eq!(axial.index_of(DVec3::new(0.0, 0.0, 110.0)), 0);
        assert_eq!(axial.index_of(DVec3::new(0.0, 0.0, 100.0)), 4);
        assert_eq!(
            axial.moved_to(DVec3::new(3.0, 4.0, 101.0), 1),
            DVec3::new(3.0, 4.0, 107.5)
        );
        let coronal = PlaneSteps::new(&grid, BodyPlane::Coronal);
        assert_eq!(
            (coronal.count, coronal.index_of(DVec3::new(0.0, -9.0, 0.0))),
            (12, 0)
        );
        let sagittal = PlaneSteps::new(&grid, BodyPlane::Sagittal);
        assert_eq!(
            (
                sagittal.count,
                sagittal.index_of(DVec3::new(-5.0, 0.0, 0.0))
            ),
            (10, 9)
        );
    }
}
