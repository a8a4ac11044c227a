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
        .sequence(4, 0x1220, &records);
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
fn a_directory_without_files_says_so() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(
        opened(&directory(folder.path(), &[])),
        ["DICOMDIR DICOMDIR"]
    );
}
