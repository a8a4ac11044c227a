//! Six cubes of different size at known points, in a volume of any orientation: every mirror, turn or shift of
//! a picture moves one of them to where another belongs.

use super::PhantomError;
use crate::model::{
    geometry::{GridGeometry, ImagePlane},
    lut::{ModalityLut, ModalityUnit},
    pixels::{Frame, PixelBytes, StoredType},
    volume::Volume,
};
use glam::{DAffine3, DMat3, DVec3};

/// What to make.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MarkerSpec {
    /// Columns, rows, slices.
    pub size: [usize; 3],
    /// Distance of columns, of rows, of slices; millimetres.
    pub spacing_mm: [f64; 3],
    /// Image Orientation (Patient): direction along a row, direction along a column. Slices follow their
    /// cross product.
    pub orientation: [f64; 6],
    /// Where the middle of the grid lies, patient LPS, millimetres; the cubes are placed about it.
    pub centre_lps: [f64; 3],
}

impl Default for MarkerSpec {
    /// 64 × 56 × 48 voxels of 1.5 × 1.75 × 2 mm, axial.
    fn default() -> Self {
        Self {
            size: [64, 56, 48],
            spacing_mm: [1.5, 1.75, 2.0],
            orientation: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
            centre_lps: [12.0, -34.0, 250.0],
        }
    }
}

/// One cube; its faces are parallel to the patient's axes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MarkerCube {
    /// Direction from the middle, as a letter: `L`, `R`, `P`, `A`, `H`, `F`.
    pub letter: char,
    /// Centre, patient LPS, millimetres.
    pub centre_lps: [f64; 3],
    /// Length of an edge, millimetres.
    pub edge_mm: f64,
    /// Value within, Hounsfield units.
    pub hounsfield: f64,
}

/// The volume and its truth.
#[derive(Clone, Debug)]
pub struct MarkerPhantom {
    /// The voxels: `I16`, Hounsfield units = stored - 1024.
    pub volume: Volume,
    /// The cubes.
    pub cubes: [MarkerCube; 6],
}

/// Value around the cubes, Hounsfield units.
pub const MARKER_BACKGROUND: f64 = -100.0;

/// Makes the volume.
///
/// # Errors
/// [`PhantomError::Size`] when the grid is empty or huge, or the orientation is not two orthogonal unit vectors.
pub fn marker(spec: &MarkerSpec) -> Result<MarkerPhantom, PhantomError> {
    let [columns, rows, slices] = spec.size;
    let sane = spec.size.iter().all(|s| (1..=512).contains(s))
        && spec.spacing_mm.iter().all(|s| (0.05..=50.0).contains(s));
    let plane = ImagePlane::new([0.0; 3], spec.orientation).filter(|_| sane);
    let plane = plane.ok_or(PhantomError::Size)?;
    let [dx, dy, dz] = spec.spacing_mm;
    let matrix = DMat3::from_cols(
        plane.along_row * dx,
        plane.along_column * dy,
        plane.normal() * dz,
    );
    let centre = DVec3::from_array(spec.centre_lps);
    let middle = DVec3::new(columns as f64 - 1.0, rows as f64 - 1.0, slices as f64 - 1.0) * 0.5;
    let grid = GridGeometry {
        size: spec.size,
        patient_from_voxel: DAffine3 {
            matrix3: matrix,
            translation: centre - matrix * middle,
        },
    };
    let cube = |letter, x, y, z, edge_mm, hounsfield| MarkerCube {
        letter,
        centre_lps: (centre + DVec3::new(x, y, z)).to_array(),
        edge_mm,
        hounsfield,
    };
    let cubes = [
        cube('L', 26.0, 0.0, 0.0, 16.0, 300.0),
        cube('R', -26.0, 0.0, 0.0, 10.0, 500.0),
        cube('P', 0.0, 25.0, 0.0, 14.0, 700.0),
        cube('A', 0.0, -25.0, 0.0, 8.0, 900.0),
        cube('H', 0.0, 0.0, 24.0, 18.0, 1100.0),
        cube('F', 0.0, 0.0, -24.0, 12.0, 1300.0),
    ];
    // Coverage of a voxel by a cube, from its distance: soft over one voxel.
    let soft = dx.min(dy).min(dz);
    let value = |point: DVec3| {
        cubes.iter().fold(MARKER_BACKGROUND, |value, cube| {
            let q = (point - DVec3::from_array(cube.centre_lps)).abs() - cube.edge_mm * 0.5;
            let distance = q.max(DVec3::ZERO).length() + q.max_element().min(0.0);
            value + (cube.hounsfield - value) * (0.5 - distance / soft).clamp(0.0, 1.0)
        })
    };
    let mut frames = Vec::with_capacity(slices);
    for k in 0..slices {
        let mut bytes = Vec::with_capacity(columns * rows * 2);
        for j in 0..rows {
            for i in 0..columns {
                let voxel = DVec3::new(i as f64, j as f64, k as f64);
                let stored = value(grid.patient_from_voxel.transform_point3(voxel)) + 1024.0;
                bytes.extend_from_slice(&(stored.round() as i16).to_le_bytes());
            }
        }
        let pixels = PixelBytes::from_vec(bytes);
        let frame = Frame::new(rows, columns, 1, StoredType::I16, pixels);
        frames.push(frame.ok_or(PhantomError::Size)?);
    }
    Ok(MarkerPhantom {
        volume: Volume {
            grid,
            frames,
            modality_lut: ModalityLut::Rescale {
                slope: 1.0,
                intercept: -1024.0,
            },
            unit: ModalityUnit::Hounsfield,
            padding: None,
        },
        cubes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cube_is_where_it_should_be_in_any_orientation() {
        let oblique = {
            let turn = DMat3::from_axis_angle(DVec3::new(0.3, -0.5, 0.8).normalize(), 0.7);
            let (a, b) = (turn * DVec3::X, turn * DVec3::Y);
            [a.x, a.y, a.z, b.x, b.y, b.z]
        };
        for orientation in [
            [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
            [0.0, 1.0, 0.0, 0.0, 0.0, -1.0],
            [-1.0, 0.0, 0.0, 0.0, 0.0, 1.0],
            oblique,
        ] {
            let spec = MarkerSpec {
                size: [72, 72, 72],
                spacing_mm: [1.1, 1.2, 1.3],
                orientation,
                ..MarkerSpec::default()
            };
            let phantom = marker(&spec).unwrap();
            let volume = &phantom.volume;
            for cube in phantom.cubes {
                // Weighted centre and volume of what differs from the background about the cube.
                let (mut sum, mut weight) = (DVec3::ZERO, 0.0);
                let centre = DVec3::from_array(cube.centre_lps);
                for k in 0..72 {
                    for j in 0..72 {
                        for i in 0..72 {
                            let p = volume
                                .grid
                                .patient_from_voxel
                                .transform_point3(DVec3::new(i as f64, j as f64, k as f64));
                            if (p - centre).abs().max_element() < cube.edge_mm * 0.5 + 2.0 {
                                let v = volume.stored(i, j, k).unwrap() - 1024.0;
                                let part =
                                    (v - MARKER_BACKGROUND) / (cube.hounsfield - MARKER_BACKGROUND);
                                sum += p * part;
                                weight += part;
                            }
                        }
                    }
                }
                let off = (sum / weight - centre).abs().max_element();
                assert!(off < 0.1, "{} off by {off} mm", cube.letter);
                let volume_mm3 = weight * 1.1 * 1.2 * 1.3;
                let ratio = volume_mm3 / cube.edge_mm.powi(3);
                assert!((0.9..1.12).contains(&ratio), "{} {ratio}", cube.letter);
            }
        }
    }

    #[test]
    fn a_slanted_orientation_is_refused() {
        let spec = MarkerSpec {
            orientation: [1.0, 0.0, 0.0, 0.6, 0.8, 0.0],
            ..MarkerSpec::default()
        };
        assert_eq!(marker(&spec).unwrap_err(), PhantomError::Size);
    }
}
