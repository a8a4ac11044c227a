//! Where things lie, seen through the commands: three markers in an enhanced object whose frames are shuffled, in every
//! axis order, oblique and tilted. `probe` finds them, and each of the three planes of the body shows them where they are.

use crate::{
    bad_input::build::{Bytes, EXPLICIT, Slice, write},
    support::{npy_floats, program},
};
use glam::{DQuat, DVec3};
use rayon::prelude::*;
use serde_json::Value;
use std::path::Path;

const COLUMNS: usize = 14;
const ROWS: usize = 12;
const SLICES: usize = 10;
/// Row and column distance, and the length of the step.
const SPACING: [f64; 2] = [1.5, 1.0];
const STEP: f64 = 2.0;
const ORIGIN: DVec3 = DVec3::new(-21.5, 8.25, 57.0);
/// Column, row, slice and value.
const MARKERS: [([usize; 3], i16); 3] = [([11, 2, 7], 1000), ([3, 9, 2], 2000), ([6, 4, 5], 3000)];

/// How a series lies.
#[derive(Clone, Copy, Debug)]
struct Pose {
    row: DVec3,
    column: DVec3,
    step: DVec3,
}

impl Pose {
    fn place(&self, [i, j, k]: [usize; 3]) -> DVec3 {
        ORIGIN
            + self.row * (SPACING[1] * i as f64)
            + self.column * (SPACING[0] * j as f64)
            + self.step * k as f64
    }
}

fn sequence(group: u16, element: u16, content: Bytes) -> Bytes {
    Bytes::default().sequence(group, element, &[content])
}

fn joined(values: &[f64]) -> String {
    let texts: Vec<String> = values.iter().map(|v| format!("{v:.9}")).collect();
    texts.join("\\")
}

/// One object with all slices, in an order that has nothing to do with where they lie.
fn object(pose: &Pose) -> Vec<u8> {
    let order: Vec<usize> = (0..SLICES).map(|n| (n * 7 + 3) % SLICES).collect();
    let orientation = [pose.row.to_array(), pose.column.to_array()].concat();
    let shared = [
        sequence(
            0x20,
            0x9116,
            Bytes::default().text(0x20, 0x37, b"DS", &joined(&orientation)),
        )
        .0,
        sequence(
            0x28,
            0x9110,
            Bytes::default().text(0x18, 0x50, b"DS", "2").text(
                0x28,
                0x30,
                b"DS",
                &joined(&SPACING),
            ),
        )
        .0,
    ];
    let frames: Vec<Bytes> = order
        .iter()
        .map(|k| {
            let place = joined(&pose.place([0, 0, *k]).to_array());
            sequence(
                0x20,
                0x9113,
                Bytes::default().text(0x20, 0x32, b"DS", &place),
            )
        })
        .collect();
    let mut values = vec![0u8; 2 * COLUMNS * ROWS * SLICES];
    for ([i, j, k], value) in MARKERS {
        let frame = order.iter().position(|n| *n == k).unwrap();
        let at = 2 * ((frame * ROWS + j) * COLUMNS + i);
        values[at..at + 2].copy_from_slice(&value.to_le_bytes());
    }
    let mut slice = Slice {
        rows: ROWS as u16,
        columns: COLUMNS as u16,
        position: None,
        spacing: None,
        rescale: None,
        ..Slice::default()
    }
    .native(&values)
    .text(0x28, 8, b"IS", &SLICES.to_string());
    let groups = Bytes::default()
        .sequence(0x5200, 0x9229, &[Bytes(shared.concat())])
        .sequence(0x5200, 0x9230, &frames);
    slice.more.push((0x5200, 0x9229, groups.0));
    slice.file(EXPLICIT)
}

fn poses() -> Vec<Pose> {
    let axes = [DVec3::X, DVec3::Y, DVec3::Z];
    let mut poses = Vec::new();
    for a in 0..3 {
        for b in (0..3).filter(|b| *b != a) {
            for signs in 0..8u32 {
                let sign = |bit: u32| if signs >> bit & 1 == 0 { 1.0 } else { -1.0 };
                let (row, column) = (axes[a] * sign(0), axes[b] * sign(1));
                poses.push(Pose {
                    row,
                    column,
                    step: row.cross(column) * (STEP * sign(2)),
                });
            }
        }
    }
    assert_eq!(poses.len(), 48);
    let mut state = 23u64;
    let mut random = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as f64 / (1u64 << 30) as f64 - 1.0
    };
    while poses.len() < 48 + 24 {
        let q = DQuat::from_xyzw(random(), random(), random(), random());
        if q.length() > 0.2 {
            let turn = q.normalize();
            let (row, column) = (turn * DVec3::X, turn * DVec3::Y);
            let step = row.cross(column) * STEP;
            poses.push(Pose { row, column, step });
        }
    }
    for degrees in [-30.0, -15.0, -5.0, 5.0, 15.0, 30.0f64] {
        let turn = DQuat::from_rotation_x(degrees.to_radians());
        poses.push(Pose {
            row: turn * DVec3::X,
            column: turn * DVec3::Y,
            step: DVec3::Z * STEP,
        });
    }
    poses
}

/// Name, direction to the right, direction down, letters at left, right, top and bottom.
const PLANES: [(&str, DVec3, DVec3, [&str; 4]); 3] = [
    ("axial", DVec3::X, DVec3::Y, ["R", "L", "A", "P"]),
    ("coronal", DVec3::X, DVec3::NEG_Z, ["R", "L", "H", "F"]),
    ("sagittal", DVec3::Y, DVec3::NEG_Z, ["A", "P", "H", "F"]),
];

fn point(p: DVec3) -> String {
    format!("{},{},{}", p.x, p.y, p.z)
}

fn check(pose: &Pose, folder: &Path, number: usize) {
    let path = write(folder, &format!("{number}.dcm"), &object(pose));
    let file = path.to_str().unwrap();
    let out = folder.join(format!("{number}.npy"));
    for (voxel, value) in MARKERS {
        let truth = pose.place(voxel);
        // A tenth of a millimetre beside its centre it is still this voxel.
        for beside in [
            DVec3::ZERO,
            DVec3::splat(0.05),
            DVec3::new(-0.05, 0.08, -0.03),
        ] {
            let text = program(&["probe", "--json", file, "--lps", &point(truth + beside)]);
            let found: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(found["value"], f64::from(value), "{pose:?}: {text}");
            assert_eq!(found["kind"], "volume", "{pose:?}: {text}");
        }
        for (view, right, down, names) in PLANES {
            let text = program(&[
                "render",
                "--json",
                "--backend",
                "cpu",
                "--view",
                view,
                "--interpolation",
                "nearest",
                "--size",
                "320x320",
                "--lps",
                &point(truth),
                "--raw16",
                out.to_str().unwrap(),
                file,
            ]);
            let report: Value = serde_json::from_str(&text).unwrap();
            let letters = ["left", "right", "top", "bottom"].map(|side| &report["letters"][side]);
            assert_eq!(letters, names, "{pose:?} {view}");
            let centre: Vec<f64> = serde_json::from_value(report["centre"].clone()).unwrap();
            let centre = DVec3::from_slice(&centre);
            let scale = report["mm_per_pixel"].as_f64().unwrap();
            let (mut sum, mut count) = (DVec3::ZERO, 0.0);
            for (at, found) in npy_floats(&out).iter().enumerate() {
                if *found == f32::from(value) {
                    let (x, y) = ((at % 320) as f64 - 159.5, (at / 320) as f64 - 159.5);
                    sum += centre + right * (x * scale) + down * (y * scale);
                    count += 1.0;
                }
            }
            assert!(count > 0.0, "{pose:?} {view} does not show {value}");
            // A plane through the middle of a voxel cuts it in a shape that is symmetric about that middle.
            let off = (sum / count).distance(truth);
            assert!(off <= 0.1, "{pose:?} {view}: {off} mm");
        }
    }
}

#[test]
fn markers_are_found_and_shown_where_they_lie_in_every_pose() {
    let folder = tempfile::tempdir().unwrap();
    let poses = poses();
    poses
        .par_iter()
        .enumerate()
        .for_each(|(number, pose)| check(pose, folder.path(), number));
    assert_eq!(poses.len(), 78);
}
