//! Series as research volumes and back: voxels, scale and place stay what they were.

use crate::bad_input::build::Slice;
use glam::{DQuat, DVec3};
use negatoscope::{
    dicom::{
        assemble::lay_out,
        frames::FileFrames,
        load::load_volume,
        scan::{ScanEvent, ScanOptions, scan},
    },
    formats,
    model::{geometry::orientation_letters, layout::SeriesLayout, volume::Volume},
    task::{CancelToken, Progress},
};
use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Mutex,
};

/// Six slices 3 mm apart that lean by `lean` millimetres a slice; every value names its place.
fn series(folder: &Path, lean: f64, change: impl Fn(usize, &mut Slice)) {
    for k in 0..6 {
        let values: Vec<u8> = (0..64i16)
            .flat_map(|i| (i + 100 * k as i16).to_le_bytes())
            .collect();
        let mut slice = Slice {
            uid: format!("1.2.3.{k}"),
            // Numbered from the head, as many are.
            number: 6 - k as i32,
            position: Some([10.0, lean * k as f64, 3.0 * k as f64]),
            ..Slice::default()
        }
        .native(&values);
        change(k, &mut slice);
        slice.write(folder, &format!("{k}.dcm"));
    }
}

fn layouts(path: &Path) -> Vec<SeriesLayout> {
    let found = Mutex::new(Vec::new());
    scan(
        &[path.to_owned()],
        &ScanOptions::default(),
        &CancelToken::default(),
        &Progress::default(),
        &|event| {
            if let ScanEvent::Instance(instance) = event {
                found.lock().unwrap().push(instance);
            }
        },
    );
    lay_out(&found.into_inner().unwrap())
}

fn written(folder: &Path, name: &str) -> PathBuf {
    let out = folder.join(name);
    let run = Command::new(env!("CARGO_BIN_EXE_negatoscope"))
        .args(["volume", "--quiet", "--out"])
        .args([&out, folder])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(run.status.success(), "{said}");
    out
}

fn loaded(path: &Path) -> Volume {
    let layouts = layouts(path);
    assert_eq!(layouts.len(), 1);
    load_volume(
        &layouts[0],
        &FileFrames::default(),
        &CancelToken::default(),
        &Progress::default(),
    )
    .unwrap()
}

/// Modality value at a patient point that is a voxel's centre.
fn value_at(volume: &Volume, point: DVec3) -> f64 {
    let voxel = volume
        .grid
        .voxel_from_patient()
        .unwrap()
        .transform_point3(point);
    let [i, j, k] = voxel.round().to_array().map(|v| v as usize);
    assert!(voxel.distance(voxel.round()) < 1e-3, "{voxel}");
    let stored = volume.stored(i, j, k).unwrap();
    negatoscope::imaging::window::modality_value(stored, &volume.modality_lut)
}

#[test]
fn every_format_keeps_voxels_and_places() {
    for lean in [0.0, 0.8] {
        let folder = tempfile::tempdir().unwrap();
        series(folder.path(), lean, |_, _| {});
        let outs = ["a.nii", "b.nii.gz", "c.nrrd", "d.mha"].map(|n| written(folder.path(), n));
        for out in outs {
            let name = out.file_name().unwrap().to_owned();
            // Opened like any other file.
            let volume = loaded(&out);
            assert_eq!(volume.grid.size, [8, 8, 6], "{name:?}");
            for k in 0..6 {
                for (i, j) in [(0, 0), (7, 0), (3, 5)] {
                    let point = DVec3::new(
                        10.0 + 0.5 * f64::from(i),
                        lean * f64::from(k) + 0.5 * f64::from(j),
                        3.0 * f64::from(k),
                    );
                    let expected = f64::from(i + 8 * j + 100 * k - 1024);
                    assert_eq!(value_at(&volume, point), expected, "{name:?} {point}");
                }
            }
            // Slices run along the normal, whatever the numbers do.
            assert!(volume.grid.patient_from_voxel.matrix3.determinant() > 0.0);
        }
    }
}

#[test]
fn slices_with_scales_of_their_own_come_out_as_values() {
    let folder = tempfile::tempdir().unwrap();
    let slopes = ["1", "2", "0.5", "0.25", "3", "1.5"];
    series(folder.path(), 0.0, |k, slice| {
        slice.rescale = Some(("0", slopes[k]));
    });
    let read = formats::read(
        &written(folder.path(), "pet.nrrd"),
        &formats::Limits::default(),
    )
    .unwrap();
    for (k, slope) in slopes.iter().enumerate() {
        let expected = slope.parse::<f64>().unwrap() * (9 + 100 * k) as f64;
        let point = DVec3::new(10.5, 0.5, 3.0 * k as f64);
        assert_eq!(value_at(&read.volumes[0], point), expected, "slice {k}");
    }
}

#[test]
fn a_stack_that_is_no_volume_is_refused_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    series(folder.path(), 0.0, |k, slice| {
        if k == 5 {
            slice.position = Some([10.0, 0.0, 40.0]);
        }
    });
    let run = Command::new(env!("CARGO_BIN_EXE_negatoscope"))
        .args(["volume", "--out"])
        .args([folder.path().join("x.nii").as_path(), folder.path()])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    assert_eq!(run.status.code(), Some(3), "{said}");
    assert!(said.contains("steps between slices vary"), "{said}");
    assert!(!folder.path().join("x.nii").exists());
}

/// Deterministic numbers from 0 to 1.
fn random(seed: &mut u64) -> f64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
    (*seed >> 33) as f64 / (1u64 << 31) as f64
}

/// A series with one bright voxel, written in shuffled files and numbers that mean nothing, comes back as a volume whose
/// bright voxel lies where it was put.
fn marker_is_found(row: DVec3, column: DVec3, step: DVec3, seed: &mut u64) {
    let folder = tempfile::tempdir().unwrap();
    let origin = DVec3::new(-31.5, 12.25, 107.0);
    let (i, j, k) = (5usize, 2usize, 4usize);
    for slice in 0..6usize {
        let mut values = [0i16; 64];
        if slice == k {
            values[j * 8 + i] = 1000;
        }
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let position = origin + step * slice as f64;
        Slice {
            uid: format!("1.2.3.{slice}"),
            number: 1,
            position: Some(position.to_array()),
            orientation: [row.x, row.y, row.z, column.x, column.y, column.z],
            spacing: Some("0.75\\0.5".into()),
            ..Slice::default()
        }
        .native(&bytes)
        .write(folder.path(), &format!("{}.dcm", random(seed)));
    }
    let layouts = layouts(folder.path());
    assert_eq!(layouts.len(), 1);
    assert!(layouts[0].volume.is_some(), "{:?}", layouts[0].findings);
    let volume = load_volume(
        &layouts[0],
        &FileFrames::default(),
        &CancelToken::default(),
        &Progress::default(),
    )
    .unwrap();
    let truth = origin + row * (0.5 * i as f64) + column * (0.75 * j as f64) + step * k as f64;
    let mut found = Vec::new();
    for z in 0..6 {
        for y in 0..8 {
            for x in 0..8 {
                if volume.stored(x, y, z) == Some(1000.0) {
                    found.push(DVec3::new(x as f64, y as f64, z as f64));
                }
            }
        }
    }
    assert_eq!(found.len(), 1);
    let place = volume.grid.patient_from_voxel.transform_point3(found[0]);
    assert!(place.distance(truth) < 1e-4, "{place} is not {truth}");
    // The letters come from the matrix that samples, so they cannot contradict it.
    let along = volume.grid.patient_from_voxel.matrix3.x_axis;
    let letters = orientation_letters(along);
    assert_eq!(letters, orientation_letters(row));
    let main = row.abs().to_array();
    let axis = (0..3).max_by(|a, b| main[*a].total_cmp(&main[*b])).unwrap();
    let names = [['L', 'R'], ['P', 'A'], ['H', 'F']];
    let name = names[axis][usize::from(row.to_array()[axis] < 0.0)];
    assert!(letters.starts_with(name), "{letters} for {row}");
}

#[test]
fn a_marker_is_found_in_every_orientation() {
    let seed = &mut 7u64;
    let axes = [DVec3::X, DVec3::Y, DVec3::Z];
    let mut orders = 0;
    for a in 0..3 {
        for b in 0..3 {
            if a == b {
                continue;
            }
            for signs in 0..8u32 {
                let sign = |bit: u32| if signs >> bit & 1 == 0 { 1.0 } else { -1.0 };
                let (row, column) = (axes[a] * sign(0), axes[b] * sign(1));
                marker_is_found(row, column, row.cross(column) * (2.0 * sign(2)), seed);
                orders += 1;
            }
        }
    }
    assert_eq!(orders, 48);
}

#[test]
fn a_marker_is_found_in_oblique_and_tilted_series() {
    let seed = &mut 11u64;
    let mut random = || random(seed) * 2.0 - 1.0;
    let mut turns = Vec::new();
    while turns.len() < 200 {
        let q = DQuat::from_xyzw(random(), random(), random(), random());
        if q.length() > 0.1 {
            turns.push(q.normalize());
        }
    }
    let seed = &mut 13u64;
    for turn in turns {
        let (row, column) = (turn * DVec3::X, turn * DVec3::Y);
        marker_is_found(row, column, row.cross(column) * 2.0, seed);
    }
    for degrees in [-30.0, -20.0, -10.0, -5.0, 5.0, 10.0, 20.0, 30.0f64] {
        // The gantry leans about the patient's left-right axis; the table moves along the body.
        let turn = DQuat::from_rotation_x(degrees.to_radians());
        marker_is_found(turn * DVec3::X, turn * DVec3::Y, DVec3::Z * 2.0, seed);
    }
}
