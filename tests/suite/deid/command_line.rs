//! `negatoscope anonymize`, and media with their DICOMDIR.

use super::*;
use crate::support::{PROGRAM, data};
use serde_json::Value;
use std::{path::PathBuf, process::Command};

fn run(arguments: &[&str]) -> (i32, String, String) {
    let run = Command::new(PROGRAM)
        .arg("anonymize")
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        run.status.code().unwrap(),
        text(&run.stdout),
        text(&run.stderr),
    )
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => found.push(path),
            }
        }
    }
    found.sort();
    found
}

#[test]
fn a_folder_is_written_anew_with_a_report_and_the_right_exit_codes() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let (input, out, key, report) = (at("KANARI in"), at("out"), at("key"), at("report.json"));
    fs::create_dir(&input).unwrap();
    for number in 0..3 {
        let bytes = object(CT, number).file(Way::Explicit, b"", "");
        fs::write(Path::new(&input).join(format!("KANARI{number}.dcm")), bytes).unwrap();
    }
    let (code, said, _) = run(&[&input, &out, "--key", &key, "--report", &report, "--json"]);
    assert_eq!(code, 0, "{said}");
    let last: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    assert_eq!(last["summary"]["written"], 3);
    search(said.as_bytes(), "what it prints");
    let report_text = fs::read_to_string(&report).unwrap();
    search(report_text.as_bytes(), "the report");
    let report: Value = serde_json::from_str(&report_text).unwrap();
    assert_eq!(report["files"].as_array().unwrap().len(), 3);
    let changes = report["files"][0]["changes"].as_array().unwrap();
    assert!(
        changes
            .iter()
            .any(|c| c["name"] == "PatientName" && c["action"] == "D")
    );
    let first = files(Path::new(&out));
    assert_eq!(first.len(), 3);
    for path in &first {
        search(
            path.to_string_lossy()
                .replace(folder.path().to_str().unwrap(), "")
                .as_bytes(),
            "a name",
        );
        search(&fs::read(path).unwrap(), "a file");
    }
    // Again with the key: the same files. Without: others.
    let (code, said, _) = run(&[&input, &out, "--key", &key, "--json"]);
    assert!(code == 0 && said.contains("\"again\":3"), "{said}");
    let (code, ..) = run(&[&input, &at("other")]);
    assert_eq!(code, 0);
    assert!(
        files(&folder.path().join("other"))
            .iter()
            .all(|p| !first.contains(p))
    );

    // With values, when asked.
    let (code, ..) = run(&[
        &input,
        &at("values"),
        "--report",
        &at("v.json"),
        "--report-values",
    ]);
    assert_eq!(code, 0);
    assert!(
        fs::read_to_string(at("v.json"))
            .unwrap()
            .contains("KANARINAME")
    );

    // One of several is no object; the others are written.
    fs::write(Path::new(&input).join("x.txt"), "KANARI").unwrap();
    let (code, said, _) = run(&[&input, &at("mixed"), "--json"]);
    assert_eq!(code, 1, "{said}");
    assert_eq!(files(&folder.path().join("mixed")).len(), 3);

    for (arguments, expected) in [
        (vec![at("missing"), at("o1")], 9),
        (vec![input.clone() + "/x.txt", at("o2")], 3),
        (vec![input.clone(), input.clone() + "/inner"], 2),
        (
            vec![
                input.clone(),
                at("o3"),
                "--options".into(),
                "retain-everything".into(),
            ],
            2,
        ),
        (
            vec![
                input.clone(),
                at("o4"),
                "--options".into(),
                "retain-full-dates,retain-modified-dates".into(),
            ],
            2,
        ),
        (
            vec![input.clone(), at("o5"), "--mask".into(), "1,2,3,4".into()],
            2,
        ),
        (
            vec![
                input.clone(),
                at("o6"),
                "--key".into(),
                input.clone() + "/x.txt",
            ],
            3,
        ),
    ] {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let (code, said, error) = run(&arguments);
        assert_eq!(code, expected, "{arguments:?}: {said} {error}");
    }
    // One file to one file, and nothing on a trial.
    let one = input.clone() + "/KANARI0.dcm";
    assert_eq!(run(&[&one, &at("one.dcm"), "--dry-run"]).0, 0);
    assert!(!Path::new(&at("one.dcm")).exists());
    assert_eq!(run(&[&one, &at("one.dcm")]).0, 0);
    assert!(Path::new(&at("one.dcm")).is_file());
}

#[test]
#[cfg_attr(not(has_data), ignore = "needs NEGATOSCOPE_DATA")]
fn media_come_out_with_a_directory_of_their_own() {
    let directory = files(&data("dicom-pydicom"))
        .into_iter()
        .find(|p| p.file_name().is_some_and(|n| n == "DICOMDIR"))
        .expect("a DICOMDIR");
    let input = directory.parent().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let (code, said, error) = run(&[input.to_str().unwrap(), out.to_str().unwrap(), "--json"]);
    assert!(code == 0 || code == 1, "{said} {error}");
    let written = files(&out);
    let bytes = fs::read(out.join("DICOMDIR")).expect("a new DICOMDIR");
    let old = fs::read(&directory).unwrap();
    for name in [
        "Doe^Archibald",
        "Doe^Peter",
        "77654033",
        "98890234",
        "Archibald",
    ] {
        let has = |bytes: &[u8]| bytes.windows(name.len()).any(|w| w == name.as_bytes());
        assert!(!has(&bytes), "{name}");
        assert!(
            written.iter().all(|p| !has(&fs::read(p).unwrap())),
            "{name}"
        );
    }
    assert!(
        old.windows(9).any(|w| w == b"Archibald"),
        "the source names somebody"
    );
    // The new one leads to all that was written. Some never had pixels: those are found, and refused for that.
    let again = Command::new(PROGRAM)
        .args(["inspect", out.join("DICOMDIR").to_str().unwrap(), "--json"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&again.stdout).into_owned();
    let shown = said.lines().filter(|l| {
        [
            "\"outcome\":\"ok\"",
            "\"outcome\":\"warn\"",
            "NO_PIXEL_DATA",
        ]
        .iter()
        .any(|words| l.contains(words))
    });
    assert_eq!(shown.count(), written.len() - 1, "{said}");
}
