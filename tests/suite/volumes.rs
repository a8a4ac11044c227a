//! Series as research volumes and back: voxels, scale and place stay what they were.

use crate::bad_input::build::Slice;
use glam::DVec3;
use negatoscope::{
    dicom::{
        assemble::lay_out,
        frames::FileFrames,
        load::load_volume,
        scan::{ScanEvent, ScanOptions, scan},
    },
    formats,
    model::{layout::SeriesLayout, volume::Volume},
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
