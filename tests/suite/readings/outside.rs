//! The store as it lies on the disk, asked by commands of the program in processes of their own: nothing of it comes from
//! the window that has it open. A copy is asked, since a store has one owner at a time.

use serde_json::Value;
use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

pub const PASSPHRASE: &str = "观片 reading";

/// Runs a command of the program with the passphrase of a store, and more lines behind it; it must end well.
pub fn run(store: &Path, arguments: &[&str], lines: &str) -> String {
    let (code, out, said) = ran(store, arguments, lines);
    assert_eq!(code, Some(0), "{arguments:?}: {said}");
    out
}

/// The same, with its exit code and what it said.
pub fn ran(store: &Path, arguments: &[&str], lines: &str) -> (Option<i32>, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_negatoscope"))
        .args(arguments)
        .args(["--passphrase-fd", "0", "--store"])
        .arg(store)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    write!(input, "{PASSPHRASE}\n{lines}").unwrap();
    drop(input);
    let out = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    let text = String::from_utf8(out.stdout).unwrap();
    (out.status.code(), text, said)
}

/// A copy of a folder of plain files; folders in it, the copies that a store makes of itself, stay behind.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            continue;
        }
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// Makes a store that knows the studies of some paths, of which some are read already.
pub fn make(store: &Path, images: &[PathBuf], read: &[&str]) {
    let cheap = ["--kdf-memory-kib", "8", "--kdf-passes", "1"];
    run(store, &[&["store", "init"], &cheap[..]].concat(), "");
    let paths: Vec<&str> = images.iter().map(|p| p.to_str().unwrap()).collect();
    // Beside pictures lie notes of where they are from: 1 says that something is no picture.
    let (code, _, said) = ran(store, &[&["import"], &paths[..]].concat(), "");
    assert!(matches!(code, Some(0 | 1)), "{said}");
    let lines: String = read
        .iter()
        .map(|uid| format!("{{\"op\":\"read-status\",\"study\":\"{uid}\",\"status\":\"final\"}}\n"))
        .collect();
    run(store, &["edit", "--stdin"], &lines);
}

/// The store of a window, seen from outside.
pub struct Outside<'a> {
    store: &'a Path,
}

impl<'a> Outside<'a> {
    pub fn of(store: &'a Path) -> Self {
        Self { store }
    }

    fn asked<T>(&self, ask: impl FnOnce(&Path, &Path) -> T) -> T {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("store");
        copy(self.store, &store);
        ask(&store, folder.path())
    }

    /// The studies that a query finds, in their order.
    pub fn list(&self, query: &str) -> Vec<Value> {
        let out = self.asked(|store, _| run(store, &["list", "--json", "--query", query], ""));
        let value: Value = serde_json::from_str(&out).unwrap();
        value["studies"].as_array().unwrap().clone()
    }

    /// All that is kept, as operations of one kind.
    pub fn operations(&self, kind: &str) -> Vec<Value> {
        let out = self.asked(|store, _| run(store, &["edit", "--list"], ""));
        let lines = out.lines().map(|l| serde_json::from_str(l).unwrap());
        lines.filter(|op: &Value| op["op"] == kind).collect()
    }

    /// How far the reading of a study is.
    pub fn status(&self, study: &str) -> String {
        let rows = self.list("");
        let row = rows.iter().find(|r| r["study_instance_uid"] == study);
        row.unwrap()["status"].as_str().unwrap().to_owned()
    }

    /// The marks with their numbers, as they leave.
    pub fn marks(&self) -> Vec<Value> {
        let text = self.asked(|store, folder| {
            let out = folder.join("out");
            let to = out.to_str().unwrap();
            run(
                store,
                &["annotations", "export", "--format", "json", "--out", to],
                "",
            );
            fs::read_to_string(out.join("marks.json")).unwrap()
        });
        let value: Value = serde_json::from_str(&text).unwrap();
        value["marks"].as_array().unwrap().clone()
    }

    /// The key images that leave as a Key Object Selection, read back from the file.
    pub fn key_objects(&self) -> Vec<Value> {
        let text = self.asked(|store, folder| {
            let out = folder.join("out");
            let to = out.to_str().unwrap();
            run(
                store,
                &["annotations", "export", "--format", "ko", "--out", to],
                "",
            );
            let file = out.join("ko-1.dcm");
            let read = ["annotations", "import", "--dry-run", "--json"];
            crate::support::program(&[&read[..], &[file.to_str().unwrap()]].concat())
        });
        let value: Value = serde_json::from_str(&text).unwrap();
        let operations = value["operations"].as_array().unwrap().clone();
        let key = |op: &Value| op["op"] == "key-image";
        operations.into_iter().filter(key).collect()
    }

    /// The store is sound, every page and record of it.
    pub fn verify(&self) {
        let out = self.asked(|store, _| run(store, &["store", "verify", "--json"], ""));
        let value: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(value["sound"], true, "{value}");
    }
}
