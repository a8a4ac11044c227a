//! Features against the values that pyradiomics keeps for two public cases, read where `NEGATOSCOPE_DATA` is.

use super::support::data;
use negatoscope::{
    formats,
    imaging::segment::{
        Modality,
        features::{Bins, Settings, Shape, features},
        threshold::threshold,
    },
    model::geometry::GridGeometry,
    task::CancelToken,
};
use std::{collections::BTreeMap, fs, path::PathBuf};

fn folder() -> PathBuf {
    data("brain-mr-mask")
}

/// The column of a case in a table of baselines, by feature.
fn baseline(text: &str, column: &str) -> BTreeMap<String, f64> {
    // Fields with commas are quoted; none of those is needed.
    let fields = |line: &str| -> Vec<String> {
        let (mut out, mut quoted) = (vec![String::new()], false);
        for c in line.chars() {
            match c {
                '"' => quoted = !quoted,
                ',' if !quoted => out.push(String::new()),
                c => out.last_mut().unwrap().push(c),
            }
        }
        out
    };
    let mut lines = text.lines();
    let head = fields(lines.next().unwrap());
    let place = head.iter().position(|h| h == column).unwrap();
    lines
        .map(fields)
        .filter(|f| f[0].starts_with("original_"))
        .map(|f| {
            let name = f[0].rsplit('_').next().unwrap().to_owned();
            (name, f[place].parse().unwrap())
        })
        .collect()
}

fn compared(case: &str, column: &str, settings: &Settings, shape: bool) -> usize {
    let folder = folder();
    let open = |kind: &str| {
        let path = folder.join(format!("{case}_{kind}.nrrd"));
        let read = formats::read(&path, &formats::Limits::default()).unwrap();
        read.volumes.into_iter().next().unwrap()
    };
    let (image, mask) = (open("image"), open("label"));
    let segment = threshold(&Modality::new(&mask).unwrap(), [1.0; 2]);
    let spacing = GridGeometry::spacing_mm(&image.grid);
    let values = Modality::new(&image).unwrap();
    let found = features(
        &values,
        &segment,
        spacing,
        settings,
        &CancelToken::default(),
    )
    .unwrap();
    let mut compared = 0;
    for group in found {
        if !shape && (group.name == "shape" || group.name == "firstorder") {
            continue;
        }
        let path = folder.join(format!("baseline/baseline_{}.csv", group.name));
        let expected = baseline(&fs::read_to_string(path).unwrap(), column);
        let ours: BTreeMap<&str, f64> = group.features.iter().copied().collect();
        for (name, expected) in &expected {
            let value = ours.get(name.as_str()).copied();
            let value = value.unwrap_or_else(|| panic!("{} has no {name}", group.name));
            // The baselines of the surface were made by an earlier table of triangles, and are kept with a tolerance of 3 %.
            let mesh = [
                "MeshVolume",
                "SurfaceArea",
                "SurfaceVolumeRatio",
                "Sphericity",
            ];
            let tolerance = if mesh.contains(&name.as_str()) {
                1.5e-3
            } else {
                1e-6
            };
            let off = (value - expected).abs() / expected.abs().max(1e-12);
            assert!(
                off < tolerance,
                "{case} {} {name}: {value}, not {expected}",
                group.name
            );
            compared += 1;
        }
    }
    compared
}

#[test]
#[cfg_attr(not(has_data), ignore = "needs NEGATOSCOPE_DATA")]
fn features_are_those_of_pyradiomics() {
    let settings = Settings {
        shift: 2000.0,
        ..Settings::default()
    };
    for case in ["brain1", "breast1"] {
        let count = compared(case, case, &settings, true);
        assert!(count > 95, "{count}");
    }
}

#[test]
#[cfg_attr(not(has_data), ignore = "needs NEGATOSCOPE_DATA")]
fn a_number_of_bins_will_do_too() {
    let settings = Settings {
        bins: Bins::Count(64),
        shift: 0.0,
    };
    for case in ["brain1", "breast1"] {
        compared(case, &format!("{case}_FBN"), &settings, false);
    }
}

/// The surface of the tumour as the current table of pyradiomics has it (version 3 gives 6438.821603779402 mm² and
/// 16147.511800131784 mm³).
#[test]
#[cfg_attr(not(has_data), ignore = "needs NEGATOSCOPE_DATA")]
fn the_surface_is_that_of_the_current_table() {
    let path = folder().join("brain1_label.nrrd");
    let read = formats::read(&path, &formats::Limits::default()).unwrap();
    let mask = &read.volumes[0];
    let segment = threshold(&Modality::new(mask).unwrap(), [1.0; 2]);
    let shape = Shape::of(&segment, mask.grid.spacing_mm()).unwrap();
    assert!((shape.surface / 6_438.821_603_779 - 1.0).abs() < 1e-9);
    assert!((shape.mesh_volume / 16_147.511_800_13 - 1.0).abs() < 1e-9);
}
