//! Volumes as PNG pictures: every pixel is a value that the picture itself explains.

use crate::{bad_input::build::Slice, support::program};
use image::{DynamicImage, ImageReader};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

const SIDE: usize = 8;

fn stored(i: usize, j: usize, k: usize) -> i64 {
    (i * 7 + j * 100 + k * 1000) as i64 - 2000
}

/// Five slices whose values name their places.
fn series(folder: &Path, change: impl Fn(usize, Slice) -> Slice) {
    std::fs::create_dir_all(folder).unwrap();
    for k in 0..5 {
        let values: Vec<u8> = (0..SIDE * SIDE)
            .flat_map(|at| (stored(at % SIDE, at / SIDE, k) as i16).to_le_bytes())
            .collect();
        let slice = Slice {
            uid: format!("1.2.3.{k}"),
            number: 5 - k as i32,
            position: Some([-4.0, 2.5, 3.0 * k as f64]),
            spacing: Some("0.5\\0.25".into()),
            ..Slice::default()
        }
        .native(&values);
        change(k, slice).write(folder, &format!("{k}.dcm"));
    }
}

fn pictures(from: &Path, out: &Path, more: &[&str]) -> (Vec<PathBuf>, Value) {
    let mut arguments = vec!["volume", "--json"];
    arguments.extend(more);
    arguments.extend([from.to_str().unwrap(), "--out", out.to_str().unwrap()]);
    let report: Value = serde_json::from_str(&program(&arguments)).unwrap();
    let files = report["pictures"]["files"].as_array().unwrap();
    let files = files.iter().map(|f| PathBuf::from(f.as_str().unwrap()));
    (files.collect(), report)
}

/// Key words and texts of a picture.
fn texts(path: &Path) -> BTreeMap<String, String> {
    let bytes = std::fs::read(path).unwrap();
    let mut at = 8;
    let mut found = BTreeMap::new();
    while at < bytes.len() {
        let length = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        let body = &bytes[at + 8..at + 8 + length];
        if &bytes[at + 4..at + 8] == b"tEXt" {
            let text = String::from_utf8(body.to_vec()).unwrap();
            let (key, value) = text.split_once('\0').unwrap();
            found.insert(key.to_owned(), value.to_owned());
        }
        at += 12 + length;
    }
    found
}

fn opened(path: &Path) -> DynamicImage {
    ImageReader::open(path).unwrap().decode().unwrap()
}

#[test]
fn pixels_are_values_by_the_slope_and_intercept_they_bring() {
    for (slope, intercept) in [(1.0, -1024.0), (2.5, 10.0)] {
        let folder = tempfile::tempdir().unwrap();
        let images = folder.path().join("images");
        series(&images, |_, mut slice| {
            let plain = slope == 1.0;
            slice.rescale = Some(if plain { ("-1024", "1") } else { ("10", "2.5") });
            slice
        });
        let (files, report) = pictures(&images, &folder.path().join("ct.png"), &[]);
        let names: Vec<_> = files
            .iter()
            .map(|f| f.file_name().unwrap().to_str().unwrap().to_owned())
            .collect();
        assert_eq!(names[0], "ct-0001.png");
        assert_eq!(names[4], "ct-0005.png");
        for (k, file) in files.iter().enumerate() {
            let said = texts(file);
            let number = |key: &str| said[key].parse::<f64>().unwrap();
            assert_eq!(number("Rescale Slope"), slope);
            assert_eq!(report["pictures"]["slope"], slope);
            assert_eq!(said["Rescale Type"], "HU");
            assert_eq!(said["Pixel Spacing"], "0.5\\0.25");
            assert_eq!(
                said["Image Position (Patient)"],
                format!("-4\\2.5\\{}", 3 * k)
            );
            assert_eq!(said["Image Orientation (Patient)"], "1\\0\\0\\0\\1\\0");
            let DynamicImage::ImageLuma16(picture) = opened(file) else {
                panic!("not 16 bits of grey");
            };
            for (x, y, pixel) in picture.enumerate_pixels() {
                let value =
                    number("Rescale Slope") * f64::from(pixel.0[0]) + number("Rescale Intercept");
                let expected = slope * stored(x as usize, y as usize, k) as f64 + intercept;
                assert_eq!(value, expected, "{x} {y} {k}");
            }
        }
        // Nothing of the person.
        for file in &files {
            let bytes = std::fs::read(file).unwrap();
            assert!(!bytes.windows(3).any(|w| w == b"DOE" || w == b"P1\0"));
        }
    }
}

#[test]
fn windowed_pictures_are_those_of_the_display() {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    series(&images, |_, slice| slice);
    let (files, _) = pictures(
        &images,
        &folder.path().join("w.png"),
        &["--window", "-1500,2000"],
    );
    for (k, file) in files.iter().enumerate() {
        let DynamicImage::ImageLuma8(picture) = opened(file) else {
            panic!("not 8 bits of grey");
        };
        let out = folder.path().join("display.npy");
        program(&[
            "pixels",
            images.join(format!("{k}.dcm")).to_str().unwrap(),
            "--stage",
            "display",
            "--window",
            "-1500,2000",
            "--out",
            out.to_str().unwrap(),
        ]);
        assert_eq!(picture.as_raw(), &crate::support::npy(&out).1);
    }
}

#[test]
fn what_does_not_fit_into_sixteen_bits_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    // Slices with scales of their own become floats.
    series(&images, |k, mut slice| {
        slice.rescale = Some(("0", ["1.25", "0.5", "3.1", "1", "2"][k]));
        slice
    });
    let run = |arguments: &[&str]| {
        let run = Command::new(env!("CARGO_BIN_EXE_negatoscope"))
            .args(arguments)
            .output()
            .unwrap();
        (
            run.status.code(),
            String::from_utf8_lossy(&run.stderr).into_owned(),
        )
    };
    let out = folder.path().join("a.png");
    let (from, to) = (images.to_str().unwrap(), out.to_str().unwrap());
    let (code, said) = run(&["volume", from, "--out", to]);
    assert_eq!(code, Some(5), "{said}");
    assert!(said.contains("PNG_RANGE"), "{said}");
    assert_eq!(
        run(&["volume", from, "--out", to, "--window", "0,3000"]).0,
        Some(0)
    );
    let nifti = folder.path().join("a.nii");
    let (code, said) = run(&[
        "volume",
        from,
        "--out",
        nifti.to_str().unwrap(),
        "--window",
        "0,3000",
    ]);
    assert_eq!(code, Some(2), "{said}");
    // A bound of memory is a bound.
    let (code, said) = run(&["volume", from, "--out", to, "--max-memory", "512"]);
    assert_eq!(code, Some(4), "{said}");
}
