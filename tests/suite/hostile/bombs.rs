//! Files that are small and would become large, 38, 64 to 68: each is bounded, alone and with others of its kind.

use super::{encapsulated::JPEG, folder_of, run::Ran, with};
use crate::bad_input::build::{
    Bytes, DEFLATED, DEFLATED_FRAME, EXPLICIT, Slice, deflate_stored, deflate_zeros, file,
    fragments,
};
use std::time::Duration;

/// What a file may take; measured where other tests run beside, so the three seconds of the safety table are doubled.
const PATIENCE: Duration = Duration::from_secs(6);

fn one(name: &str, bytes: Vec<u8>, expected: &str) {
    let root = tempfile::tempdir().unwrap();
    let folder = folder_of(root.path(), name, &[("bomb.dcm", bytes)]);
    let ran = Ran::inspect(&[&folder], &["--decode"]);
    ran.is_sound(1);
    assert_eq!(ran.outcome("bomb.dcm"), expected, "{name}");
    assert!(ran.took < PATIENCE, "{name} took {:?}", ran.took);
}

#[test]
fn deflated_bombs() {
    one(
        "zeros",
        file(DEFLATED, &deflate_zeros(600 << 20)),
        "limit INFLATE_RATIO",
    );
    let framed = |stream: &[u8]| {
        let mut slice = with(|s| (s.rows, s.columns) = (4, 4));
        slice.pixels = fragments(&[], &[stream]);
        slice.file(DEFLATED_FRAME)
    };
    one(
        "frame",
        framed(&deflate_zeros(1 << 30)),
        "limit INFLATE_LIMIT",
    );
}

/// A stream just below the ratio that is suspicious: stored bytes make it long, zeros behind them large.
fn patient_bomb(size: usize) -> Vec<u8> {
    let head = Bytes::default()
        .text(8, 0x16, b"UI", "1.2.840.10008.5.1.4.1.1.2")
        .lie(9, 0x10, b"OB", (size + (size / 190)) as u32 & !1)
        .0;
    // Not the last block: the final bit of each stored block is taken back.
    let padded: Vec<u8> = [head, vec![0xA5; size / 190]].concat();
    let mut stream = Vec::new();
    for chunk in padded.chunks(65_535) {
        let mut block = deflate_stored(chunk);
        block[0] = 0;
        stream.extend(block);
    }
    stream.extend(deflate_zeros(size));
    stream
}

/// Six at once must not take six times as much.
#[test]
fn many_bombs_at_once() {
    let root = tempfile::tempdir().unwrap();
    let bomb = file(DEFLATED, &patient_bomb(300 << 20));
    assert!(bomb.len() < 3 << 20);
    let names: Vec<String> = (0..6).map(|i| format!("{i}.dcm")).collect();
    let files: Vec<(&str, Vec<u8>)> = names.iter().map(|n| (n.as_str(), bomb.clone())).collect();
    let folder = folder_of(root.path(), "six", &files);
    let ran = Ran::inspect(&[&folder], &["--decode"]);
    ran.is_sound(6);
    for name in &names {
        assert!(
            ran.outcome(name).starts_with("rejected"),
            "{}",
            ran.outcome(name)
        );
    }
    assert!(ran.took < 6 * PATIENCE, "{:?}", ran.took);
}

/// A flat grey JPEG picture. `wide` Huffman codes make it longer than it needs to be.
fn flat_jpeg(rows: u16, columns: u16, wide: bool) -> Vec<u8> {
    let mut bytes = vec![0xFF, 0xD8, 0xFF, 0xDB, 0, 67, 0];
    bytes.extend([1; 64]);
    bytes.extend([0xFF, 0xC0, 0, 11, 8]);
    bytes.extend(rows.to_be_bytes());
    bytes.extend(columns.to_be_bytes());
    bytes.extend([1, 1, 0x11, 0]);
    // One code of one bit, or of eight: no difference (DC), end of block (AC).
    for class in [0x00, 0x10] {
        let mut lengths = [0u8; 16];
        lengths[if wide { 7 } else { 0 }] = 1;
        bytes.extend([0xFF, 0xC4, 0, 20, class]);
        bytes.extend(lengths);
        bytes.push(0);
    }
    bytes.extend([0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0]);
    let blocks = usize::from(rows).div_ceil(8) * usize::from(columns).div_ceil(8);
    let bits = if wide { 16 } else { 2 };
    bytes.extend(vec![0; (blocks * bits).div_ceil(8)]);
    bytes.extend([0xFF, 0xD9]);
    if bytes.len() % 2 == 1 {
        bytes.push(0);
    }
    bytes
}

fn radiograph(side: u16, stream: &[u8]) -> Vec<u8> {
    radiograph_of(JPEG, side, stream)
}

fn radiograph_of(syntax: &str, side: u16, stream: &[u8]) -> Vec<u8> {
    let mut slice = with(|s| {
        (s.rows, s.columns) = (side, side);
        (s.allocated, s.stored, s.high, s.signed) = (8, 8, 7, 0);
        s.rescale = None;
    });
    slice.pixels = fragments(&[], &[stream]);
    slice.file(syntax)
}

#[test]
fn huge_pictures_of_few_bytes() {
    one(
        "flat",
        radiograph(22_000, &flat_jpeg(22_000, 22_000, false)),
        "limit FRAME_RATIO",
    );
    for syntax in ["70", "80", "90", "201", "110"] {
        let uid = format!("1.2.840.10008.1.2.4.{syntax}");
        one(
            &uid,
            radiograph_of(&uid, 8_000, &[0; 300]),
            "limit FRAME_RATIO",
        );
    }
    one(
        "65,535 squared",
        radiograph(65_535, &[0xFF, 0xD8, 0xFF, 0xD9]),
        "limit FRAME_TOO_LARGE",
    );
}

/// A picture that is valid and large opens, in bounded memory.
#[test]
fn a_large_picture_is_in_memory_once_in_each_process() {
    let root = tempfile::tempdir().unwrap();
    let bytes = radiograph(20_000, &flat_jpeg(20_000, 20_000, true));
    let files = [("a.dcm", bytes.clone()), ("b.dcm", bytes)];
    let folder = folder_of(root.path(), "large", &files);
    let ran = Ran::inspect(&[&folder], &["--decode"]);
    ran.is_sound(2);
    assert_eq!(ran.outcome("a.dcm"), "warn LOSSY_UNDECLARED");
    assert!(ran.took < 4 * PATIENCE, "{:?}", ran.took);
}

#[test]
fn lengths_that_would_take_memory() {
    let lie = |vr| {
        file(
            EXPLICIT,
            &Bytes::default()
                .text(8, 0x16, b"UI", "1.2")
                .lie(9, 0x10, vr, 0xFFFF_FFFE)
                .0,
        )
    };
    one("OW of 4 GiB", lie(b"OW"), "rejected LEN_PAST_END");
    one("UN of 4 GiB", lie(b"UN"), "rejected LEN_PAST_END");
    let frames: Slice = with(|s| s.frames = Some("1000000"));
    one(
        "a million frames",
        frames.file(EXPLICIT),
        "rejected PIXEL_DATA_SHORT",
    );
}
