//! `labels` and `radiomics` on the command line, against answers of scikit-image and SimpleITK that were recorded by
//! `benches/peers/labels --fixture tests/data/labels`.

use super::support::{PROGRAM, program};
use negatoscope::formats::{self, Limits};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

fn recorded(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/labels")
        .join(format!("{name}.nrrd"))
}

fn numbers(path: &Path) -> Vec<u16> {
    let read = formats::read(path, &Limits::default()).unwrap();
    let frames = &read.volumes[0].frames;
    frames
        .iter()
        .flat_map(|f| f.values().map(|v| v as u16).collect::<Vec<_>>())
        .collect()
}

/// What an operation makes of recorded files: words with a `@` in front are their names.
fn made(folder: &Path, words: &[&str]) -> Vec<u16> {
    let out = folder.join("out.nrrd");
    let mut arguments: Vec<String> = vec!["labels".into()];
    for word in words {
        arguments.push(match word.strip_prefix('@') {
            Some(name) => recorded(name).display().to_string(),
            None => (*word).to_owned(),
        });
    }
    arguments.extend(["--out".into(), out.display().to_string()]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    program(&arguments);
    numbers(&out)
}

/// Voxels that both answers share of those that either has, for a label.
fn overlap(a: &[u16], b: &[u16], label: u16) -> f64 {
    let (mut both, mut either) = (0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        both += f64::from(u8::from(*a == label && *b == label));
        either += f64::from(u8::from(*a == label || *b == label));
    }
    both / either
}

#[test]
fn exact_tools_are_those_of_others() {
    let folder = tempfile::tempdir().unwrap();
    for (words, answer) in [
        // SimpleITK's signed Maurer distance, up to 6 mm.
        (&["margin", "@one", "--mm", "6"][..], "margin"),
        // skimage.filters.threshold_otsu.
        (&["threshold", "@values", "--otsu", "2"][..], "otsu"),
        // SimpleITK's ConnectedThreshold.
        (
            &["grow", "@values", "--at", "8,13,6", "--range", "20,110"][..],
            "grown",
        ),
        // Gradients of SciPy, cheapest paths and insides of polygons of scikit-image.
        (
            &[
                "livewire", "@quiet", "--slice", "6", "--anchor", "1,12", "--anchor", "8,4",
                "--anchor", "15,12", "--anchor", "8,20",
            ][..],
            "livewire",
        ),
    ] {
        let found = made(folder.path(), words);
        assert!(found == numbers(&recorded(answer)), "{words:?}");
    }
}

#[test]
fn tools_with_seeds_agree_with_others() {
    let folder = tempfile::tempdir().unwrap();
    let with = |tool| [tool, "@seeds", "--image", "@quiet"];
    for (tool, answer) in [
        ("watershed", "watershed"),
        ("random-walker", "walker"),
        // The automaton of Vezhnevets and Konouchine, run to its end.
        ("grow-cut", "growcut"),
    ] {
        let found = made(folder.path(), &with(tool));
        let expected = numbers(&recorded(answer));
        let same = found.iter().zip(&expected).filter(|(a, b)| a == b).count();
        let share = same as f64 / found.len() as f64;
        let overlaps: Vec<f64> = (1..=4).map(|l| overlap(&found, &expected, l)).collect();
        #[cfg(not(no_gpu))]
        {
            let given = with(tool);
            let there = made(folder.path(), &[&given[..], &["--device", "gpu"]].concat());
            let apart = found.iter().zip(&there).filter(|(a, b)| a != b).count();
            // Walks are reckoned with fewer digits there: two labels that are as probable as each other may change places.
            let most = match tool {
                "random-walker" => found.len() / 10_000,
                _ => 0,
            };
            assert!(apart <= most, "{tool} on the device: {apart}");
            let overlaps: Vec<f64> = (1..=4).map(|l| overlap(&there, &expected, l)).collect();
            assert!(overlaps.iter().all(|o| *o > 0.95), "{tool}: {overlaps:?}");
        }
        assert!(share > 0.998, "{tool}: {share}, {overlaps:?}");
        // A voxel of the smallest part is 2 % of it.
        assert!(overlaps.iter().all(|o| *o > 0.95), "{tool}: {overlaps:?}");
    }
}

#[test]
fn labels_change_one_by_one_and_tell_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let seeds = recorded("seeds").display().to_string();
    let (grown, back) = (path("grown.nii.gz"), path("back.mha"));
    let told = program(&[
        "labels", "margin", &seeds, "--mm", "5", "--label", "2", "--out", &grown, "--json",
    ]);
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    let rows = told["labels"].as_array().unwrap();
    assert_eq!(rows.len(), 4);
    for row in rows {
        let bigger = row["voxels"].as_u64() > row["voxels_before"].as_u64();
        assert_eq!(bigger, row["label"] == 2, "{row}");
        let ml = row["voxels"].as_f64().unwrap() * 3.1 * 2.7 * 5.0 / 1000.0;
        assert!((row["ml"].as_f64().unwrap() - ml).abs() < 1e-6);
    }
    // What grew and the original: the difference is what is left of the one without the other.
    program(&[
        "labels",
        "boolean",
        &grown,
        "--with",
        &seeds,
        "--how",
        "intersect",
        "--out",
        &back,
    ]);
    assert!(numbers(Path::new(&back)) == numbers(&recorded("seeds")));
    let values = recorded("values").display().to_string();
    let told = program(&["labels", "statistics", &seeds, "--image", &values, "--json"]);
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["labels"][0]["voxels"], 90);
    assert_eq!(told["labels"][0]["values"]["n"], 90);
    let one = recorded("one").display().to_string();
    let told = program(&["radiomics", &values, &one, "--bin-width", "10", "--json"]);
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["features"].as_object().unwrap().len(), 108);
}

#[test]
fn what_does_not_fit_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.nrrd").display().to_string();
    let [seeds, values, one] =
        ["seeds", "values", "one"].map(|n| recorded(n).display().to_string());
    // Half of the volume is no picture of the labels.
    let other = folder.path().join("other.nrrd").display().to_string();
    program(&[
        "labels",
        "threshold",
        &values,
        "--range",
        "0,1",
        "--out",
        &other,
    ]);
    let picture = folder.path().join("flat.txt");
    std::fs::write(&picture, "no volume").unwrap();
    let picture = picture.display().to_string();
    for (arguments, reason) in [
        (
            vec!["margin", &seeds, "--mm", "3", "--label", "9", "--out", &out],
            "no voxel has label 9",
        ),
        (
            vec!["margin", &values, "--mm", "3", "--out", &out],
            "whole numbers from 0 to 65535",
        ),
        (
            vec!["margin", &one, "--mm", "3", "--out", "out.png"],
            "ends in none of",
        ),
        (
            vec!["grow-cut", &other, "--image", &picture, "--out", &out],
            "no seed",
        ),
        (
            vec!["grow-cut", &seeds, "--image", &picture, "--out", &out],
            "",
        ),
        (
            vec!["islands", &one, "--out", &out],
            "--largest, --least-ml or --split",
        ),
        (
            vec![
                "grow", &values, "--at", "99,0,0", "--range", "0,1", "--out", &out,
            ],
            "lies outside",
        ),
        (
            vec![
                "livewire", &values, "--slice", "3", "--anchor", "1,1", "--anchor", "5,5", "--out",
                &out,
            ],
            "three anchors or more",
        ),
        (
            vec!["smooth", &one, "--mm=-1", "--out", &out],
            "is not above 0",
        ),
    ] {
        let run = Command::new(PROGRAM)
            .arg("labels")
            .args(&arguments)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&run.stderr);
        assert!(!run.status.success(), "{arguments:?}");
        assert!(said.contains(reason), "{arguments:?}: {said}");
        assert!(!Path::new(&out).exists(), "{arguments:?}");
    }
}
