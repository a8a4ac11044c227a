//! Hostile files, as a table: how each is made, and what the program says of it. The program itself runs, over a folder
//! of them at a time, as somebody at the command line would run it.
//!
//! Every row names the outcome (`ok`, `warn CODE`, `rejected CODE`, `limit CODE`, `unsupported CODE`). Of every run it is
//! asked besides that the process ends by itself and without a panic, that as many files come out as went in, that no
//! process takes more than 512 MiB, and that it takes no more than three seconds a file where files are costly.

mod bombs;
mod cuts;
mod encapsulated;
mod framing;
mod image;
mod media;
mod meta;
mod mutants;
mod run;
mod series;
mod text;

use crate::bad_input::build::{EXPLICIT, Slice};
use run::Ran;
use std::{
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
};

/// What the program must say of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    /// Outcome and code.
    Is(&'static str),
    /// Refused, for whatever reason.
    Refused,
    /// Refused, or shown with a warning.
    NotOk,
}

/// Rows of one chapter.
#[derive(Default)]
struct Table {
    rows: Vec<(String, Vec<u8>, Expected)>,
}

impl Table {
    /// A file with the outcome that it must have.
    fn file(&mut self, name: impl Into<String>, bytes: Vec<u8>, expected: &'static str) {
        self.rows.push((name.into(), bytes, Expected::Is(expected)));
    }

    /// An object in Explicit VR Little Endian.
    fn slice(&mut self, name: impl Into<String>, slice: Slice, expected: &'static str) {
        self.file(name, slice.file(EXPLICIT), expected);
    }

    /// Writes the rows, runs the program, compares.
    fn check(self, chapter: &str) {
        let folder = tempfile::tempdir().unwrap();
        let names: Vec<String> = (0..self.rows.len()).map(|i| format!("{i:05}")).collect();
        for (name, (_, bytes, _)) in names.iter().zip(&self.rows) {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        let ran = Ran::inspect(&[folder.path()], &["--decode"]);
        ran.is_sound(self.rows.len());
        let mut wrong = Vec::new();
        for (file, (name, _, expected)) in names.iter().zip(&self.rows) {
            let found = ran.outcome(file);
            if !fits(&ran, file, *expected) {
                wrong.push(format!("{name}: {found}, expected {expected:?}"));
            }
        }
        let count = self.rows.len();
        assert!(
            wrong.is_empty(),
            "{chapter}: {} of {count} rows:\n{}",
            wrong.len(),
            wrong.join("\n")
        );
    }
}

fn fits(ran: &Ran, file: &str, expected: Expected) -> bool {
    let found = ran.outcome(file);
    match expected {
        Expected::Is(wanted) => match wanted.strip_prefix("warn ") {
            Some(code) => found.starts_with("warn ") && ran.warns(file, code),
            None => found == wanted,
        },
        Expected::Refused => ["rejected", "limit", "unsupported"]
            .iter()
            .any(|word| found.starts_with(word)),
        Expected::NotOk => found != "ok",
    }
}

/// A good slice with an identifier of its own, so that no row is the copy of another.
fn base() -> Slice {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    Slice {
        uid: format!("1.2.3.4.{number}"),
        ..Slice::default()
    }
}

/// [`base`] with a change.
fn with(change: impl FnOnce(&mut Slice)) -> Slice {
    let mut slice = base();
    change(&mut slice);
    slice
}

/// Eight bits of grey, unsigned, without rescale: what codecs of pictures know.
fn eight_bits() -> Slice {
    let slice = with(|s| {
        (s.allocated, s.stored, s.high, s.signed) = (8, 8, 7, 0);
        s.rescale = None;
    });
    slice.native(&[9; 64])
}

/// Writes files into a new folder below another one.
fn folder_of(root: &Path, name: &str, files: &[(&str, Vec<u8>)]) -> std::path::PathBuf {
    let folder = root.join(name);
    std::fs::create_dir_all(&folder).unwrap();
    for (file, bytes) in files {
        let path = folder.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    folder
}

#[test]
fn the_good_ones_are_good() {
    let mut table = Table::default();
    table.slice("CT", base(), "ok");
    table.slice("eight bits", eight_bits(), "ok");
    table.check("good");
}
