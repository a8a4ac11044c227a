//! Folders with links, pipes and what else a scan may meet.

use super::build::Slice;
use negatoscope::{
    dicom::scan::{ScanEvent, ScanOptions, scan},
    task::{CancelToken, Progress},
};
use std::sync::Mutex;

#[test]
#[cfg(unix)]
fn links_pipes_and_folders_do_not_stop_a_scan() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    Slice::default().write(path, "a-good");
    std::fs::create_dir(path.join("b-folder.dcm")).unwrap();
    symlink(path, path.join("b-folder.dcm").join("loop")).unwrap();
    symlink(path.join("nowhere"), path.join("c-dangling")).unwrap();
    symlink(path.join("d-self"), path.join("d-self")).unwrap();
    symlink(path.join("a-good"), path.join("e-link")).unwrap();
    let made = std::process::Command::new("mkfifo")
        .arg(path.join("f-pipe"))
        .status();
    assert!(made.unwrap().success());
    let seen = Mutex::new(Vec::new());
    scan(
        &[path.to_path_buf(), path.join("absent")],
        &ScanOptions::default(),
        &CancelToken::default(),
        &Progress::default(),
        &|event| {
            let row = match event {
                ScanEvent::Instance(i) => (i.source.path.file_name().unwrap().to_owned(), "ok"),
                ScanEvent::Rejected(r) => (r.path.file_name().unwrap().to_owned(), r.code),
            };
            seen.lock().unwrap().push(row);
        },
    );
    let mut seen = seen.into_inner().unwrap();
    seen.sort();
    let seen: Vec<(String, &str)> = seen
        .into_iter()
        .map(|(name, code)| (name.to_string_lossy().into_owned(), code))
        .collect();
    let expected = [
        ("a-good", "ok"),
        ("absent", "IO"),
        ("c-dangling", "BROKEN_LINK"),
        ("d-self", "BROKEN_LINK"),
        ("e-link", "ok"),
        ("f-pipe", "NOT_A_FILE"),
        ("loop", "LINKED_FOLDER"),
    ];
    let expected: Vec<(String, &str)> = expected
        .iter()
        .map(|(n, c)| ((*n).to_owned(), *c))
        .collect();
    assert_eq!(seen, expected);
}

#[test]
fn a_cancelled_scan_ends() {
    let folder = tempfile::tempdir().unwrap();
    for i in 0..40 {
        Slice::default().write(folder.path(), &format!("{i}"));
    }
    let cancel = CancelToken::default();
    let count = Mutex::new(0);
    scan(
        &[folder.path().to_path_buf()],
        &ScanOptions::default(),
        &cancel,
        &Progress::default(),
        &|_| {
            *count.lock().unwrap() += 1;
            cancel.cancel();
        },
    );
    assert!(*count.lock().unwrap() <= 16);
}
