//! A slab around a plane: which points along the normal are looked at, and what is made of their values.
//!
//! Must stay true: a slab looks at whole steps from its plane, the plane itself being one, so that a thin slab is the
//! plane, and a slab that follows the slices of a volume looks at these slices and at nothing between them.

use super::geometry::GridGeometry;
use glam::{DMat3, DVec3};

/// What becomes of the values along the normal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Projection {
    /// The largest modality value.
    #[default]
    Mip,
    /// The smallest.
    MinIp,
    /// The arithmetic mean.
    Mean,
}

impl Projection {
    /// All, in the order in which they are offered.
    pub const ALL: [Self; 3] = [Self::Mip, Self::MinIp, Self::Mean];

    /// Stable lower-case word for the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Mip => "mip",
            Self::MinIp => "minip",
            Self::Mean => "mean",
        }
    }
}

/// A slab as people ask for it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slab {
    /// What becomes of the values.
    pub projection: Projection,
    /// Thickness, millimetres: half of it before the plane, half behind.
    pub thickness_mm: f64,
}

/// Points before and behind the plane that a slab has at most on each side: 2048 slices of one voxel.
const MOST_ASIDE: u32 = 2048;

/// Thicknesses that the wheel passes, millimetres.
const THICKNESSES_MM: [f64; 25] = [
    1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0, 15.0, 20.0, 25.0, 30.0, 35.0, 40.0, 50.0, 60.0,
    70.0, 80.0, 100.0, 120.0, 150.0, 200.0, 300.0, 500.0,
];

/// The thickness with which a slab begins, millimetres.
pub const FIRST_THICKNESS_MM: f64 = 10.0;

impl Slab {
    /// The same slab, thicker (or thinner, when negative) by notches of the wheel.
    #[must_use]
    pub fn thickened(self, notches: i64) -> Self {
        let mut thickness_mm = self.thickness_mm;
        for _ in 0..notches.unsigned_abs().min(THICKNESSES_MM.len() as u64) {
            let next = match notches > 0 {
                true => THICKNESSES_MM.iter().find(|t| **t > thickness_mm + 1e-6),
                false => THICKNESSES_MM.iter().rfind(|t| **t < thickness_mm - 1e-6),
            };
            thickness_mm = next.copied().unwrap_or(thickness_mm);
        }
        Self {
            thickness_mm,
            ..self
        }
    }

    /// The points that it looks at in a grid, along a unit direction of the patient: see [`step_along_mm`].
    /// `None` when the grid is flat.
    pub fn steps(&self, grid: &GridGeometry, normal: DVec3) -> Option<SlabSteps> {
        let voxel_from_patient = grid.voxel_from_patient()?.matrix3;
        let step_mm = step_along_mm(&voxel_from_patient, normal);
        let half = self.thickness_mm * 0.5;
        // A thickness of 2 mm at steps of 1 mm reaches the points at 1 mm, whatever rounding made of it.
        let aside = (half / step_mm + 1e-6).floor();
        let aside = if aside.is_finite() {
            aside.max(0.0)
        } else {
            0.0
        };
        // The cast saturates.
        let aside = (aside as u32).min(MOST_ASIDE);
        Some(SlabSteps {
            projection: self.projection,
            count: 2 * aside + 1,
            step: voxel_from_patient * (normal * step_mm),
        })
    }
}

/// The distance of neighbouring points of a slab, and of neighbouring positions when scrolling: the way along a unit
/// direction of the patient that is one voxel long in the grid. Along an axis of the grid that is the distance of its
/// voxels; it changes without a jump between the axes.
pub fn step_along_mm(voxel_from_patient: &DMat3, direction: DVec3) -> f64 {
    let step = 1.0 / (*voxel_from_patient * direction).length();
    if step.is_finite() { step } else { 1.0 }
}

/// The points of a slab as the renderer takes them: `count` points, an odd number, `step` apart in voxels, the middle
/// one on the plane.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SlabSteps {
    /// What becomes of the values.
    pub projection: Projection,
    /// How many points, at least 1.
    pub count: u32,
    /// From one point to the next behind it, in voxels (column, row, slice).
    pub step: DVec3,
}

#[cfg(test)]
mod tests {
    use super::*;
    use glam::DAffine3;

    fn grid(spacing: DVec3) -> GridGeometry {
        GridGeometry {
            size: [8, 6, 4],
            patient_from_voxel: DAffine3 {
                matrix3: DMat3::from_diagonal(spacing),
                translation: DVec3::new(10.0, 20.0, 30.0),
            },
        }
    }

    #[test]
    fn a_slab_looks_at_whole_steps_from_its_plane() {
        let check = |thickness_mm: f64, normal: DVec3, count: u32, step: DVec3| {
            let slab = Slab {
                projection: Projection::Mip,
                thickness_mm,
            };
            let steps = slab
                .steps(&grid(DVec3::new(0.5, 0.5, 2.0)), normal)
                .unwrap();
            assert_eq!(steps.count, count, "{thickness_mm} mm along {normal}");
            assert!((steps.step - step).length() < 1e-12, "{}", steps.step);
        };
        check(0.0, DVec3::Z, 1, DVec3::Z);
        check(3.9, DVec3::Z, 1, DVec3::Z);
        check(4.0, DVec3::Z, 3, DVec3::Z);
        check(4.0, DVec3::X, 9, DVec3::X);
        check(10.0, DVec3::NEG_Y, 21, DVec3::NEG_Y);
        check(1e300, DVec3::Z, 4097, DVec3::Z);
        check(f64::NAN, DVec3::Z, 1, DVec3::Z);
        // Askew: one voxel long, whatever the directions.
        let askew = DVec3::new(0.6, 0.0, 0.8);
        let way = DVec3::new(1.2, 0.0, 0.4);
        check(2.0, askew, 3, way / way.length());
    }

    #[test]
    fn the_wheel_passes_round_thicknesses_both_ways() {
        let check = |from: f64, notches: i64, to: f64| {
            let slab = Slab {
                projection: Projection::Mean,
                thickness_mm: from,
            };
            assert_eq!(slab.thickened(notches).thickness_mm, to);
        };
        check(10.0, 1, 12.0);
        check(10.0, -1, 8.0);
        check(7.3, 1, 8.0);
        check(7.3, -1, 6.0);
        check(1.0, -5, 1.0);
        check(10.0, i64::MAX, 500.0);
        check(700.0, 1, 700.0);
        check(10.0, 0, 10.0);
    }
}
