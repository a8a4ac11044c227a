//! One volume stored in every order of its axes looks the same in the patient frame.
//!
//! The values were read once with nibabel and SimpleITK, which agree at every point of every file; no file is named.

use crate::support::{data, npy_floats, program};
use glam::{DMat3, DQuat, DVec3};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
};

/// Patient points in millimetres (LPS), none of them within half a millimetre of a border between voxels, and the value
/// there.
const POINTS: [([f64; 3], f64); 24] = [
    ([-46.44, 96.27, -44.11], 0.000),
    ([40.02, 49.26, -2.70], 75.858),
    ([16.26, -56.68, 9.14], 85.295),
    ([-39.00, -68.83, 50.91], 0.000),
    ([29.72, 84.32, -22.12], 44.644),
    ([46.76, -34.78, 0.85], 77.310),
    ([72.58, -3.41, 32.60], 0.000),
    ([39.58, 56.32, 4.57], 92.554),
    ([-36.68, -47.55, 32.23], 47.910),
    ([-69.00, -30.88, -22.26], 0.000),
    ([18.90, 83.79, -39.05], 71.139),
    ([-29.00, 12.57, 15.24], 72.954),
    ([-46.35, 77.18, -66.25], 0.000),
    ([-36.99, 22.95, -40.14], 92.554),
    ([-15.40, 17.03, 81.24], 92.554),
    ([-4.77, 41.99, -64.00], 74.769),
    ([64.21, 17.58, -52.19], 92.554),
    ([32.66, -16.21, 27.94], 64.969),
    ([20.80, 99.37, 11.06], 69.688),
    ([3.70, -70.66, 10.18], 39.925),
    ([-17.71, 12.99, -48.32], 69.325),
    ([44.95, 53.69, 69.95], 92.554),
    ([63.06, 55.68, 13.88], 92.554),
    ([-48.24, -17.99, -31.97], 54.806),
];

fn files() -> Vec<PathBuf> {
    let folder = std::fs::read_dir(data("nifti/orientation")).unwrap();
    let mut files: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert_eq!(files.len(), 11);
    files
}

/// A NIfTI-1 header placed by its sform, placed by its qform instead: the same place said in the other way.
fn by_qform(file: &Path, folder: &Path) -> PathBuf {
    let mut bytes = Vec::new();
    let packed = std::fs::File::open(file).unwrap();
    flate2::read::GzDecoder::new(packed)
        .read_to_end(&mut bytes)
        .unwrap();
    let get = |at: usize| f64::from(f32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()));
    let column = |i: usize| DVec3::new(get(280 + 4 * i), get(296 + 4 * i), get(312 + 4 * i));
    let steps = [column(0), column(1), column(2)];
    let mut turn = DMat3::from_cols(
        steps[0].normalize(),
        steps[1].normalize(),
        steps[2].normalize(),
    );
    let hand = turn.determinant().signum();
    turn.z_axis *= hand;
    let q = DQuat::from_mat3(&turn);
    // The header keeps three of four numbers; the fourth is not negative.
    let q = if q.w < 0.0 { -q } else { q };
    let origin = column(3);
    let mut put = |at: usize, value: f64| {
        bytes[at..at + 4].copy_from_slice(&(value as f32).to_le_bytes());
    };
    put(76, hand);
    for (i, step) in steps.iter().enumerate() {
        put(80 + 4 * i, step.length());
    }
    for (i, value) in [q.x, q.y, q.z, origin.x, origin.y, origin.z]
        .into_iter()
        .enumerate()
    {
        put(256 + 4 * i, value);
    }
    bytes[280..328].fill(0);
    bytes[252..256].copy_from_slice(&[1, 0, 0, 0]);
    let path = folder.join(file.file_stem().unwrap());
    let mut out = std::fs::File::create(&path).unwrap();
    out.write_all(&bytes).unwrap();
    path
}

fn probed(file: &Path, point: [f64; 3]) -> (f64, Value) {
    let place = point.map(|v| v.to_string()).join(",");
    let text = program(&["probe", "--json", file.to_str().unwrap(), "--lps", &place]);
    let found: Value = serde_json::from_str(&text).unwrap();
    (found["value"].as_f64().unwrap(), found)
}

/// Values and letters of a plane through a point, drawn by `backend`.
fn drawn(file: &Path, view: &str, backend: &str, out: &Path) -> (Vec<f32>, Value) {
    let text = program(&[
        "render",
        "--json",
        "--backend",
        backend,
        "--view",
        view,
        "--lps",
        "12.5,-8.25,3.75",
        "--size",
        "160x140",
        "--raw16",
        out.to_str().unwrap(),
        file.to_str().unwrap(),
    ]);
    let report: Value = serde_json::from_str(&text).unwrap();
    (npy_floats(out), report["letters"].clone())
}

#[test]
#[cfg_attr(not(has_data), ignore = "needs NEGATOSCOPE_DATA")]
fn one_volume_looks_the_same_from_every_storage_order() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("plane.npy");
    let mut first: Option<Vec<(Vec<f32>, Value)>> = None;
    let mut voxels = BTreeSet::new();
    for original in files() {
        for file in [original.clone(), by_qform(&original, folder.path())] {
            for (point, value) in POINTS {
                let (found, report) = probed(&file, point);
                assert!((found - value).abs() < 1e-3, "{file:?} {point:?}: {found}");
                assert_eq!(report["kind"], "volume");
                voxels.insert(report["voxel"].to_string());
            }
            let planes: Vec<_> = ["axial", "coronal", "sagittal"]
                .iter()
                .map(|view| drawn(&file, view, "cpu", &out))
                .collect();
            let first = first.get_or_insert_with(|| planes.clone());
            for ((values, letters), (expected, names)) in planes.iter().zip(first.iter()) {
                assert_eq!(letters, names, "{file:?}");
                let inside = values.iter().filter(|v| !v.is_nan()).count();
                assert!(inside * 2 > values.len(), "{file:?}: {inside}");
                let border = values
                    .iter()
                    .zip(expected)
                    .filter(|(a, b)| a.is_nan() != b.is_nan())
                    .count();
                // Rounding of the header's 32-bit numbers may move the border of the picture by a pixel's row.
                assert!(border <= 160, "{file:?}: {border}");
                for (a, b) in values.iter().zip(expected) {
                    // A millionth of a voxel is what the numbers of the header leave open.
                    assert!(
                        a.is_nan() || b.is_nan() || (a - b).abs() < 2e-3,
                        "{file:?}: {a} {b}"
                    );
                }
            }
        }
    }
    // Were the orders the same, this would prove nothing.
    assert!(voxels.len() > POINTS.len() * 5, "{}", voxels.len());
    let letters: Vec<String> = first.unwrap().iter().map(|(_, l)| l.to_string()).collect();
    assert_eq!(
        letters,
        [
            r#"{"left":"R","right":"L","top":"A","bottom":"P"}"#,
            r#"{"left":"R","right":"L","top":"H","bottom":"F"}"#,
            r#"{"left":"A","right":"P","top":"H","bottom":"F"}"#,
        ]
    );
}

#[test]
#[cfg_attr(not(has_data), ignore = "needs NEGATOSCOPE_DATA")]
fn the_renderer_shows_it_as_its_twin_does() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("plane.npy");
    let chosen: Vec<_> = files().into_iter().step_by(4).collect();
    for view in ["axial", "coronal", "sagittal"] {
        let (expected, _) = drawn(&chosen[0], view, "cpu", &out);
        for file in &chosen {
            let (values, _) = drawn(file, view, "gpu", &out);
            let apart = values
                .iter()
                .zip(&expected)
                .filter(|(a, b)| a.is_nan() != b.is_nan() || (**a - **b).abs() > 0.02)
                .count();
            assert!(apart <= 160, "{file:?} {view}: {apart}");
        }
    }
}
