//! Hostile and broken files: each is refused for the right reason or opens with a warning; none panics, none costs
//! more memory than its budget, none gives a picture that is not whole.

pub mod build;
mod fragments;
mod framing;
mod memory;
mod mutants;
mod pixels;
mod scans;

use build::{Bytes, EXPLICIT, Slice, write};
use negatoscope::{
    dicom::{
        frames::{FileFrames, FrameSource as _},
        scan::{ScanOptions, read_instance},
    },
    model::{finding::Severity, study::RejectionKind},
};
use std::path::Path;

/// What became of a file: `ok`, `warn CODE…`, or class and code of its refusal, at the header or at a frame.
fn outcome(path: &Path) -> String {
    let word = |kind| match kind {
        RejectionKind::Rejected => "rejected",
        RejectionKind::Limit => "limit",
        RejectionKind::Unsupported => "unsupported",
        RejectionKind::Locked => "locked",
        RejectionKind::Io => "io",
    };
    let instance = match read_instance(path, &ScanOptions::default()) {
        Ok(instance) => instance,
        Err(rejection) => return format!("{} {}", word(rejection.outcome), rejection.code),
    };
    let source = FileFrames::default();
    let frames = instance.image.as_ref().map_or(0, |i| i.frames);
    for k in 0..frames {
        if let Err(error) = source.read_frame(&instance, k) {
            return format!("{} {}", word(error.kind()), error.code());
        }
    }
    let warnings: Vec<&str> = instance
        .findings
        .iter()
        .filter(|f| f.severity >= Severity::Warning)
        .map(|f| f.code)
        .collect();
    if warnings.is_empty() {
        "ok".to_owned()
    } else {
        format!("warn {}", warnings.join(" "))
    }
}

struct Bench {
    folder: tempfile::TempDir,
    wrong: Vec<String>,
    count: usize,
}

impl Bench {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            wrong: Vec::new(),
            count: 0,
        }
    }

    fn check(&mut self, name: &str, bytes: &[u8], expected: &str) {
        let path = write(self.folder.path(), "case", bytes);
        let found = outcome(&path);
        self.count += 1;
        if found != expected {
            self.wrong
                .push(format!("{name}: {found}, expected {expected}"));
        }
    }

    fn slice(&mut self, name: &str, slice: Slice, expected: &str) {
        self.check(name, &slice.file(EXPLICIT), expected);
    }

    fn done(self) {
        assert!(self.wrong.is_empty(), "{}", self.wrong.join("\n"));
    }
}

#[test]
fn the_good_file_is_good() {
    let mut bench = Bench::new();
    bench.slice("good", Slice::default(), "ok");
    bench.done();
}

/// `depth` sequences within each other, all of undefined or of defined length.
fn nested(depth: usize, undefined: bool) -> Vec<u8> {
    if undefined {
        let open = Bytes::default()
            .lie(8, 0x1140, b"SQ", 0xFFFF_FFFF)
            .raw(&[0xFE, 0xFF, 0, 0xE0, 255, 255, 255, 255]);
        let close = [
            0xFE, 0xFF, 0x0D, 0xE0, 0, 0, 0, 0, 0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0,
        ];
        return [open.0.repeat(depth), close.repeat(depth)].concat();
    }
    let mut inner = Vec::new();
    // Written from the inside out: 20 bytes around each level.
    let mut headers = Vec::new();
    for level in 0..depth {
        let length = 20 * level as u32;
        let mut header = Bytes::default().lie(8, 0x1140, b"SQ", length + 8).0;
        header.extend([0xFE, 0xFF, 0, 0xE0]);
        header.extend(length.to_le_bytes());
        headers.push(header);
    }
    headers.reverse();
    headers.into_iter().for_each(|h| inner.extend(h));
    inner
}
