//! A bright voxel is found at its point in the patient, however the stack lies.

use super::{codes, lay_out_folder, load};
use crate::{bad_input::build::Slice, support::Dice};
use glam::{DMat3, DVec3};

const SIZE: [usize; 3] = [6, 5, 4];

const STEP: [f64; 3] = [0.5, 2.0, 3.0];

const MARKER: [usize; 3] = [4, 1, 2];

/// Writes a stack along three directions with one bright voxel, names and file order shuffled, and expects the voxel
/// at its patient point.
fn check_marker(directions: [DVec3; 3], origin: DVec3, numbers: impl Fn(usize) -> i32) {
    let folder = tempfile::tempdir().unwrap();
    let [row, column, stack] = directions;
    for k in 0..SIZE[2] {
        let mut values = [0i16; 30];
        if k == MARKER[2] {
            values[MARKER[1] * SIZE[0] + MARKER[0]] = 1234;
        }
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let position = origin + stack * (k as f64 * STEP[2]);
        let [a, b] = [row.to_array(), column.to_array()];
        Slice {
            uid: format!("1.2.3.{k}"),
            number: numbers(k),
            rows: SIZE[1] as u16,
            columns: SIZE[0] as u16,
            position: Some(position.to_array()),
            orientation: [a[0], a[1], a[2], b[0], b[1], b[2]],
            spacing: Some(format!("{}\\{}", STEP[1], STEP[0])),
            ..Slice::default()
        }
        .native(&bytes)
        .write(folder.path(), &format!("{}", (k * 7 + 3) % 11));
    }
    let layouts = lay_out_folder(folder.path());
    assert_eq!(layouts.len(), 1);
    assert_eq!(codes(&layouts[0]), Vec::<&str>::new());
    let grid = layouts[0].volume.expect("a volume");
    let volume = load(&layouts[0]);
    let mut found = Vec::new();
    for k in 0..SIZE[2] {
        for j in 0..SIZE[1] {
            for i in 0..SIZE[0] {
                if volume.stored(i, j, k) == Some(1234.0) {
                    found.push(DVec3::new(i as f64, j as f64, k as f64));
                }
            }
        }
    }
    assert_eq!(found.len(), 1);
    let expected = origin
        + row * (MARKER[0] as f64 * STEP[0])
        + column * (MARKER[1] as f64 * STEP[1])
        + stack * (MARKER[2] as f64 * STEP[2]);
    // Positions are written with nine decimals.
    let point = grid.patient_from_voxel.transform_point3(found[0]);
    assert!(point.distance(expected) < 1e-7, "{point} {expected}");
    let spacing = DVec3::from_array(grid.spacing_mm());
    assert!(
        spacing.distance(DVec3::from_array(STEP)) < 1e-7,
        "{spacing}"
    );
    let ascending = numbers(1) > numbers(0);
    let slice = if ascending {
        MARKER[2]
    } else {
        SIZE[2] - 1 - MARKER[2]
    };
    assert_eq!(found[0].z, slice as f64, "order runs as the numbers do");
}

#[test]
fn a_marker_is_found_in_all_forty_eight_orders() {
    let axes = [DVec3::X, DVec3::Y, DVec3::Z];
    let mut cases = 0;
    for a in 0..3 {
        for b in (0..3).filter(|b| *b != a) {
            let c = 3 - a - b;
            for signs in 0..8u8 {
                let sign = |bit: u8| if signs & bit == 0 { 1.0 } else { -1.0 };
                let directions = [axes[a] * sign(1), axes[b] * sign(2), axes[c] * sign(4)];
                check_marker(directions, DVec3::new(-12.5, 7.0, 100.25), |k| k as i32 + 1);
                cases += 1;
            }
        }
    }
    assert_eq!(cases, 48);
}

#[test]
fn a_marker_is_found_in_oblique_stacks() {
    let mut dice = Dice(7);
    for _ in 0..20 {
        let mut number = || dice.roll(2000) as f64 / 1000.0 - 1.0;
        let axis = DVec3::new(number(), number(), number() + 1.5).normalize();
        let turn = DMat3::from_axis_angle(axis, 3.0 * number());
        let origin = DVec3::new(100.0 * number(), 100.0 * number(), 100.0 * number());
        let directions = [turn.x_axis, turn.y_axis, turn.z_axis];
        check_marker(directions, origin, |k| 50 - 10 * k as i32);
    }
}
