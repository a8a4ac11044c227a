//! Patient space: the one place where the axes of a file's world are turned into DICOM LPS, and back.
//!
//! Must stay true: a flip changes signs and nothing else, so it is exact. An affine is kept as the file gives it,
//! sheared and left-handed ones too, because [`GridGeometry`] holds any invertible one; what cannot be inverted
//! is refused. What a file does not say is not made up: it becomes a [`Placement`] other than `Patient`.
//! Not here: reordering of voxels, and spaces that no rule ties to the patient.

use super::FormatError;
use crate::model::{
    finding::{Finding, Severity},
    geometry::GridGeometry,
};
use glam::{DAffine3, DMat3, DQuat, DVec3};

/// What a grid's affine means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// `patient_from_voxel` leads into DICOM LPS, millimetres.
    Patient,
    /// Lengths are millimetres, but how the grid lies in the patient is not known: no letters, no position.
    Unoriented,
    /// Neither is known: a step is one voxel.
    Uncalibrated,
}

/// A world whose axes are those of the patient, named by where they point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Space {
    /// Left, posterior, superior: DICOM, MetaImage, most NRRD.
    Lps,
    /// Right, anterior, superior: NIfTI.
    Ras,
    /// Left, anterior, superior.
    Las,
}

impl Space {
    /// Turns an affine into this world to one into LPS; and back, since it is its own inverse.
    pub(super) fn flip(self, affine: DAffine3) -> DAffine3 {
        let signs = match self {
            Self::Lps => return affine,
            Self::Ras => DVec3::new(-1.0, -1.0, 1.0),
            Self::Las => DVec3::new(1.0, -1.0, 1.0),
        };
        // Adding zero turns a negative zero into a plain one and changes nothing else.
        let turn = |v: DVec3| v * signs + DVec3::ZERO;
        let m = affine.matrix3;
        DAffine3 {
            matrix3: DMat3::from_cols(turn(m.x_axis), turn(m.y_axis), turn(m.z_axis)),
            translation: turn(affine.translation),
        }
    }
}

/// Where a file's grid lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed {
    pub grid: GridGeometry,
    pub placement: Placement,
}

/// A grid whose affine leads into a world with patient axes.
///
/// A step along an axis of one voxel may be missing (zero); it becomes one millimetre along the normal, as for a
/// single frame of DICOM.
pub(super) fn placed(
    size: [usize; 3],
    affine: DAffine3,
    space: Space,
) -> Result<Placed, FormatError> {
    let affine = complete(size, affine);
    check(affine)?;
    Ok(Placed {
        grid: GridGeometry {
            size,
            patient_from_voxel: space.flip(affine),
        },
        placement: Placement::Patient,
    })
}

/// A grid whose affine leads into a world that says nothing of the patient: lengths and angles hold, and the
/// finding says that nothing else does.
pub(super) fn adrift(
    size: [usize; 3],
    affine: DAffine3,
    findings: &mut Vec<Finding>,
) -> Result<Placed, FormatError> {
    let mut placed = placed(size, affine, Space::Lps)?;
    placed.placement = Placement::Unoriented;
    let text =
        "the file does not say how the volume lies in the patient; left and right are not known";
    findings.push(Finding::new("ORIENTATION_UNKNOWN", Severity::Warning, text));
    Ok(placed)
}

/// A grid of which only the steps along its axes are known (millimetres), or not even they.
pub(super) fn unplaced(
    size: [usize; 3],
    spacing: Option<[f64; 3]>,
    findings: &mut Vec<Finding>,
) -> Result<Placed, FormatError> {
    let steps = DVec3::from_array(spacing.unwrap_or([1.0; 3]));
    let mut placed = adrift(size, DAffine3::from_scale(steps), findings)?;
    if spacing.is_none() {
        placed.placement = Placement::Uncalibrated;
        let text = "the file does not say how far apart its voxels are; lengths are in voxels";
        findings.push(Finding::new("SPACING_UNKNOWN", Severity::Warning, text));
    }
    Ok(placed)
}

fn complete(size: [usize; 3], mut affine: DAffine3) -> DAffine3 {
    let m = &mut affine.matrix3;
    let normal = |a: DVec3, b: DVec3| a.cross(b).normalize_or_zero();
    if size[2] == 1 && m.z_axis == DVec3::ZERO {
        m.z_axis = normal(m.x_axis, m.y_axis);
    } else if size[1] == 1 && m.y_axis == DVec3::ZERO {
        m.y_axis = normal(m.z_axis, m.x_axis);
    } else if size[0] == 1 && m.x_axis == DVec3::ZERO {
        m.x_axis = normal(m.y_axis, m.z_axis);
    }
    affine
}

/// Finite, of a size a patient can have, and a volume: each voxel has an inside.
fn check(affine: DAffine3) -> Result<(), FormatError> {
    let m = affine.matrix3;
    let columns = [m.x_axis, m.y_axis, m.z_axis];
    let sane = affine.is_finite()
        && affine.translation.abs().max_element() <= 1e7
        && columns.iter().all(|c| c.abs().max_element() <= 1e5);
    if !sane {
        let text = "the position or the axes of the grid are not numbers of millimetres";
        return Err(FormatError::rejected("AFFINE_INVALID", text));
    }
    // The determinant of unit columns is the sine of how flat they are; the plain one is what the model inverts by.
    let lengths: f64 = columns.iter().map(|c| c.length()).product();
    let volume = m.determinant().abs();
    if !(volume > 1e-12 && volume > 1e-6 * lengths) {
        let text = "the axes of the grid lie in one plane or have no length";
        return Err(FormatError::rejected("AFFINE_FLAT", text));
    }
    Ok(())
}

/// Largest distance between where two affines put a corner of the grid.
pub(super) fn corner_distance(size: [usize; 3], a: DAffine3, b: DAffine3) -> f64 {
    let last = size.map(|n| n.saturating_sub(1) as f64);
    (0..8u8)
        .map(|corner| {
            let at = |axis: u8, last: f64| f64::from(corner >> axis & 1) * last;
            let voxel = DVec3::new(at(0, last[0]), at(1, last[1]), at(2, last[2]));
            a.transform_point3(voxel)
                .distance(b.transform_point3(voxel))
        })
        .fold(0.0, f64::max)
}

/// NIfTI method 2: the unit quaternion's vector part, steps and the sign of the third axis.
pub(super) fn matrix_of_quaternion(bcd: DVec3, steps: DVec3, third_sign: f64) -> DMat3 {
    let rest = 1.0 - bcd.length_squared();
    // Rounding to 32 bits can leave a little more or less than nothing for a half turn; the reference
    // implementation calls that a half turn too.
    let quaternion = if rest < 1e-7 {
        let v = bcd.normalize_or_zero();
        DQuat::from_xyzw(v.x, v.y, v.z, 0.0)
    } else {
        DQuat::from_xyzw(bcd.x, bcd.y, bcd.z, rest.sqrt())
    };
    let m = DMat3::from_quat(quaternion);
    DMat3::from_cols(
        m.x_axis * steps.x,
        m.y_axis * steps.y,
        m.z_axis * (steps.z * third_sign),
    )
}

/// The way back: vector part with a scalar part not below zero, and the sign of the third axis; `None` when the
/// axes are not perpendicular, which a quaternion cannot say.
pub(super) fn quaternion_of_matrix(m: DMat3) -> Option<(DVec3, f64)> {
    let (x, y, z) = (
        m.x_axis.normalize(),
        m.y_axis.normalize(),
        m.z_axis.normalize(),
    );
    let perpendicular = |a: DVec3, b: DVec3| a.dot(b).abs() < 1e-6;
    if !(perpendicular(x, y) && perpendicular(y, z) && perpendicular(z, x)) {
        return None;
    }
    let sign = DMat3::from_cols(x, y, z).determinant().signum();
    let q = DQuat::from_mat3(&DMat3::from_cols(x, y, z * sign)).normalize();
    let q = if q.w < 0.0 { -q } else { q };
    Some((DVec3::new(q.x, q.y, q.z), sign))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::model::geometry::orientation_letters;

    /// All 48 ways to lay the axes of a grid along the axes of the world.
    pub(in crate::formats) fn axis_orders() -> Vec<DMat3> {
        let axes = [DVec3::X, DVec3::Y, DVec3::Z];
        let orders = [
            [0, 1, 2],
            [0, 2, 1],
            [1, 0, 2],
            [1, 2, 0],
            [2, 0, 1],
            [2, 1, 0],
        ];
        let mut all = Vec::new();
        for order in orders {
            for flips in 0..8 {
                let sign = |i: usize| if flips >> i & 1 == 1 { -1.0 } else { 1.0 };
                let column = |i: usize| axes[order[i]] * sign(i);
                all.push(DMat3::from_cols(column(0), column(1), column(2)));
            }
        }
        all
    }

    #[test]
    fn a_flip_is_exact_and_its_own_inverse() {
        let affine = DAffine3 {
            matrix3: DMat3::from_cols_array(&[0.1, 0.7, -0.3, 1e-17, 2.3, 0.9, 0.0, 1.0, 3.3]),
            translation: DVec3::new(-101.1, 33.3, 1e-9),
        };
        for space in [Space::Lps, Space::Ras, Space::Las] {
            assert_eq!(space.flip(space.flip(affine)), affine);
        }
        let lps = Space::Ras.flip(affine);
        assert_eq!(lps.translation, DVec3::new(101.1, -33.3, 1e-9));
        assert_eq!(lps.matrix3.x_axis, DVec3::new(-0.1, -0.7, -0.3));
    }

    #[test]
    fn letters_of_a_world_are_those_of_its_name() {
        let letters = |space: Space| {
            let m = space.flip(DAffine3::IDENTITY).matrix3;
            [m.x_axis, m.y_axis, m.z_axis]
                .map(orientation_letters)
                .concat()
        };
        assert_eq!(letters(Space::Lps), "LPH");
        assert_eq!(letters(Space::Ras), "RAH");
        assert_eq!(letters(Space::Las), "LAH");
    }

    #[test]
    fn quaternions_say_all_axis_orders() {
        for order in axis_orders() {
            let steps = DVec3::new(0.5, 0.75, 3.0);
            let m = DMat3::from_cols(order.x_axis * 0.5, order.y_axis * 0.75, order.z_axis * 3.0);
            let (bcd, sign) = quaternion_of_matrix(m).unwrap();
            let short = bcd.as_vec3().as_dvec3();
            let back = matrix_of_quaternion(short, steps, sign);
            assert!(back.abs_diff_eq(m, 1e-6), "{order:?} {back:?}");
        }
    }

    #[test]
    fn a_shear_has_no_quaternion_but_a_place() {
        let shear = DMat3::from_cols(DVec3::X, DVec3::new(0.2, 1.0, 0.0), DVec3::Z);
        assert!(quaternion_of_matrix(shear).is_none());
        let grid = placed([4; 3], DAffine3::from_mat3(shear), Space::Lps)
            .unwrap()
            .grid;
        assert_eq!(grid.patient_from_voxel.matrix3, shear);
    }

    #[test]
    fn what_cannot_be_inverted_is_refused() {
        let code = |m: DMat3, t: DVec3, size| {
            let affine = DAffine3 {
                matrix3: m,
                translation: t,
            };
            placed(size, affine, Space::Ras).err().map(|e| e.code())
        };
        let flat = DMat3::from_cols(DVec3::X, DVec3::Y, DVec3::X + DVec3::Y);
        let missing = DMat3::from_cols(DVec3::X, DVec3::Y, DVec3::ZERO);
        assert_eq!(code(flat, DVec3::ZERO, [2; 3]), Some("AFFINE_FLAT"));
        assert_eq!(code(missing, DVec3::ZERO, [2; 3]), Some("AFFINE_FLAT"));
        assert_eq!(code(missing, DVec3::ZERO, [2, 2, 1]), None);
        assert_eq!(code(DMat3::ZERO, DVec3::ZERO, [1; 3]), Some("AFFINE_FLAT"));
        for bad in [f64::NAN, f64::INFINITY, 1e8] {
            let t = DVec3::new(0.0, bad, 0.0);
            assert_eq!(code(DMat3::IDENTITY, t, [2; 3]), Some("AFFINE_INVALID"));
            let m = DMat3::from_diagonal(DVec3::new(1.0, bad, 1.0));
            assert_eq!(code(m, DVec3::ZERO, [2; 3]), Some("AFFINE_INVALID"));
        }
    }
}
