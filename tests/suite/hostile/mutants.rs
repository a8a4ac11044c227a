//! A sample of the mutation bench (`bench mutants`), which runs over fifty thousand by hand.

use crate::support;
use serde_json::Value;
use std::{path::Path, process::Command};

fn bench(paths: &[&Path], count: u32, seed: u32, jobs: u32) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_negatoscope"))
        .args(["bench", "mutants", "--json", "--quiet"])
        .args(["--count", &count.to_string()])
        .args(["--seed", &seed.to_string()])
        .args(["--jobs", &jobs.to_string()])
        .args(paths)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{errors}{text}");
    serde_json::from_str(&text).unwrap()
}

fn is_sound(case: &Value, count: u32) {
    for name in ["panics", "died", "stopped", "slower_than_2_s"] {
        assert_eq!(case[name], 0, "{name}: {case}");
    }
    for name in ["peak_rss", "peak_rss_worker"] {
        // A base that needs no other process has none.
        let peak = case[name].as_u64().unwrap_or(0);
        assert!(peak < 512 << 20, "{name}: {} MiB", peak >> 20);
    }
    let outcomes = case["outcomes"].as_object().unwrap();
    let sum: u64 = outcomes.values().map(|n| n.as_u64().unwrap()).sum();
    assert_eq!(sum, u64::from(count));
}

#[test]
fn mutants_of_made_files_end_well_and_repeat() {
    let first = bench(&[], 1500, 7, 2);
    is_sound(&first, 1500);
    // Some still open, some do not: the changes are neither idle nor hopeless.
    for word in ["ok", "warn", "rejected"] {
        assert!(first["outcomes"][word].as_u64().unwrap() > 20, "{first}");
    }
    let again = bench(&[], 1500, 7, 1);
    assert_eq!(first["digest"], again["digest"]);
    let other = bench(&[], 1500, 8, 2);
    assert_ne!(first["digest"], other["digest"]);
}

#[test]
#[cfg_attr(not(has_data), ignore = "needs NEGATOSCOPE_DATA")]
fn mutants_of_real_files_end_well() {
    let folder = support::data("dicom-pydicom/test_files");
    let names = [
        "MR_small_RLE.dcm",
        "MR_small_bigendian.dcm",
        "MR_small_implicit.dcm",
        "SC_rgb_jpeg_gdcm.dcm",
        "SC_rgb_rle_2frame.dcm",
        "image_dfl.dcm",
        "rtdose.dcm",
    ];
    let paths: Vec<_> = names
        .iter()
        .map(|n| folder.join(n))
        .filter(|p| p.is_file())
        .collect();
    assert!(paths.len() > 4);
    let paths: Vec<&Path> = paths.iter().map(|p| p.as_path()).collect();
    is_sound(&bench(&paths, 400, 11, 2), 400);
}
