//! `record calc course`: marks and the days of their studies, from files to sums, response and doubling times.

use crate::{bad_input::build::Slice, support::PROGRAM};
use serde_json::{Value, json};
use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

/// A study of somebody on a day.
fn study(folder: &Path, number: usize, day: &str, patient: &'static str) {
    let uid = format!("1.2.{number}");
    let slice = Slice {
        patient: ("CANARY^ANNA", patient),
        uid: format!("{uid}.1.1"),
        series: format!("{uid}.1"),
        study: uid,
        ..Slice::default()
    };
    let slice = match day.is_empty() {
        true => slice,
        false => slice.text(8, 0x20, b"DA", day),
    };
    slice.write(folder, &format!("{number}.dcm"));
}

fn mark(study: usize, label: &str, group: &str, mm: f64) -> Value {
    json!({"study_instance_uid": format!("1.2.{study}"), "type": "length", "label": label, "group": group,
        "quantities": {"length": {"value": mm, "unit": "mm"}}})
}

fn run(folder: &Path, marks: &Value, more: &[&str]) -> Output {
    let file = folder.join("marks.json");
    fs::write(&file, marks.to_string()).unwrap();
    Command::new(PROGRAM)
        .args(["record", "calc", "course"])
        .arg(file)
        .arg(folder.join("studies"))
        .args(more)
        .output()
        .unwrap()
}

#[test]
fn marks_on_three_days_make_a_course() {
    let folder = tempfile::tempdir().unwrap();
    let studies = folder.path().join("studies");
    fs::create_dir(&studies).unwrap();
    for (number, day) in [(1, "20240101"), (2, "20240301"), (3, "20240601")] {
        study(&studies, number, day, "7");
    }
    let mut marks = vec![];
    for (study, sizes) in [(1, [40.0, 20.0]), (2, [24.0, 16.0]), (3, [30.0, 20.0])] {
        marks.push(mark(study, "T1", "RECIST target", sizes[0]));
        marks.push(mark(study, "T2", "RECIST target", sizes[1]));
        // What is in no group of a course is for others.
        marks.push(mark(study, "elsewhere", "", 99.0));
    }
    let output = run(folder.path(), &json!({"marks": marks}), &["--json"]);
    assert_eq!(output.status.code(), Some(0));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(!said.contains("CANARY"));
    let value: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(
        value["dates"],
        json!(["2024-01-01", "2024-03-01", "2024-06-01"])
    );
    assert_eq!(value["baseline_mm"], 60.0);
    let assessments = value["assessments"].as_array().unwrap();
    // 60 → 40 mm is −33 %; 40 → 50 mm is +25 % and +10 mm from the nadir: RECIST 1.1.
    let responses: Vec<_> = assessments.iter().map(|a| &a["overall"]).collect();
    assert_eq!(responses, ["PR", "PD"]);
    assert_eq!(assessments[1]["sum_mm"], 50.0);
    assert!((assessments[1]["from_nadir_percent"].as_f64().unwrap() - 25.0).abs() < 1e-9);
    // Schwartz: 24 → 30 mm in 92 days, days · ln 2 / (3 · ln(30/24)).
    let lesion = &value["lesions"][0];
    assert_eq!(
        (&lesion["name"], &lesion["sizes_mm"]),
        (&json!("T1"), &json!([40.0, 24.0, 30.0]))
    );
    let days = lesion["doubling_days"]
        .as_array()
        .unwrap()
        .last()
        .unwrap()
        .as_f64()
        .unwrap();
    let expected = 92.0 * 2f64.ln() / (3.0 * (30f64 / 24.0).ln());
    assert!((days - expected).abs() < 1e-6, "{days} {expected}");
    // For people.
    let output = run(folder.path(), &json!({"marks": marks}), &[]);
    let said = String::from_utf8(output.stdout).unwrap();
    for words in ["T1", "60.0", "PR", "PD", "2024-06-01"] {
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[test]
fn what_does_not_count_is_said_and_people_are_not_mixed() {
    let folder = tempfile::tempdir().unwrap();
    let studies = folder.path().join("studies");
    fs::create_dir(&studies).unwrap();
    study(&studies, 1, "20240101", "7");
    study(&studies, 2, "", "7");
    let mut pixels = mark(1, "T2", "RECIST target", 20.0);
    pixels["quantities"]["length"]["unit"] = json!("px");
    let marks = json!({"marks": [
        mark(1, "T1", "RECIST target", 40.0), pixels, mark(1, "", "RECIST target", 9.0),
        mark(2, "T1", "RECIST target", 30.0),
    ]});
    let output = run(folder.path(), &marks, &["--json"]);
    assert_eq!(output.status.code(), Some(1));
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    let codes: Vec<&str> = value["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["code"].as_str().unwrap())
        .collect();
    for code in ["NO_DATE", "NO_NAME", "NOT_MEASURED"] {
        assert!(codes.contains(&code), "{code}: {codes:?}");
    }
    study(&studies, 3, "20240201", "8");
    let marks = json!({"marks": [mark(1, "T1", "RECIST target", 40.0), mark(3, "T1", "RECIST target", 20.0)]});
    let output = run(folder.path(), &marks, &[]);
    assert_eq!(output.status.code(), Some(3));
    fs::write(folder.path().join("marks.json"), "[1").unwrap();
    let bad = Command::new(PROGRAM)
        .args(["record", "calc", "course"])
        .arg(folder.path().join("marks.json"))
        .arg(&studies)
        .output()
        .unwrap();
    assert_eq!(bad.status.code(), Some(3));
}
