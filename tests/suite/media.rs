//! Media with a DICOMDIR: what it names opens, what it should not name does not, what is missing is named.

use crate::bad_input::build::{Bytes, EXPLICIT, Slice, file, write};
use negatoscope::{
    dicom::scan::{ScanEvent, ScanOptions, scan},
    task::{CancelToken, Progress},
};
use std::{path::Path, sync::Mutex};

fn directory(folder: &Path, names: &[&str]) -> std::path::PathBuf {
    let records: Vec<Bytes> = names
        .iter()
        .map(|name| {
            Bytes::default()
                .text(4, 0x1430, b"CS", "IMAGE")
                .text(4, 0x1500, b"CS", name)
        })
        .collect();
    let data_set = Bytes::default()
        .text(4, 0x1130, b"CS", "TEST")
        .sequence(4, 0x1220, &records)
        .text(8, 0x16, b"UI", "1.2.840.10008.1.3.10");
    write(folder, "DICOMDIR", &file(EXPLICIT, &data_set.0))
}

/// `ok NAME` or `CODE NAME` for everything that came, in order of path.
fn opened(path: &Path) -> Vec<String> {
    let found = Mutex::new(Vec::new());
    let name = |p: &Path| p.file_name().unwrap().to_string_lossy().into_owned();
    scan(
        &[path.to_owned()],
        &ScanOptions::default(),
        &CancelToken::default(),
        &Progress::default(),
        &|event| {
            found.lock().unwrap().push(match event {
                ScanEvent::Instance(i) => format!("ok {}", name(&i.source.path)),
                ScanEvent::Rejected(r) => format!("{} {}", r.code, name(&r.path)),
            });
        },
    );
    let mut found = found.into_inner().unwrap();
    found.sort();
    found
}

#[test]
fn a_directory_opens_what_it_names_below_itself() {
    let outside = tempfile::tempdir().unwrap();
    Slice::default().write(outside.path(), "SECRET");
    let folder = outside.path().join("disc");
    std::fs::create_dir_all(folder.join("images")).unwrap();
    Slice::default().write(&folder.join("images"), "im1");
    Slice::default().write(&folder.join("images"), "NOTNAMED");
    #[cfg(unix)]
    std::os::unix::fs::symlink(outside.path().join("SECRET"), folder.join("LINK")).unwrap();
    let path = directory(
        &folder,
        &[
            r"IMAGES\IM1",
            r"IMAGES\IM1",
            r"IMAGES\GONE",
            r"..\SECRET",
            r"/etc/passwd",
            r"C:\X",
            r"IMAGES",
            "CON",
            #[cfg(unix)]
            "LINK",
        ],
    );
    let mut expected = vec![
        "ok im1".to_owned(),
        "DICOMDIR_MISSING GONE".to_owned(),
        "DICOMDIR_MISSING IMAGES".to_owned(),
    ];
    expected.extend(vec!["DICOMDIR_NAME DICOMDIR".to_owned(); 4]);
    #[cfg(unix)]
    expected.push("DICOMDIR_LINK LINK".to_owned());
    expected.sort();
    assert_eq!(opened(&path), expected);
}

#[test]
fn a_sound_directory_among_its_files_is_no_refusal() {
    let folder = tempfile::tempdir().unwrap();
    Slice::default().write(folder.path(), "IM1");
    directory(folder.path(), &["IM1"]);
    let whole = folder.path().to_owned();
    assert_eq!(opened(&whole), ["DICOMDIR DICOMDIR", "ok IM1"]);
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_negatoscope"))
        .args(["inspect", "--json"])
        .arg(&whole)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let row = &lines[0];
    assert_eq!(row["outcome"], "ok", "{text}");
    assert_eq!(row["object"], "directory");
    assert_eq!(row["code"], serde_json::Value::Null);
    let summary = &lines[2]["summary"];
    assert_eq!(
        (&summary["received"], &summary["rejected"]),
        (&2.into(), &0.into()),
        "{text}"
    );
}

#[test]
fn a_directory_without_files_says_so() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(
        opened(&directory(folder.path(), &[])),
        ["DICOMDIR_EMPTY DICOMDIR"]
    );
}
