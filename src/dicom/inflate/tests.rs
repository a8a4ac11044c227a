//! Streams of another library, whole, cut and flipped.

use super::inflate;
use std::io::{Read as _, Write as _};

/// `zlib.compressobj(9, zlib.DEFLATED, -15)` of `b"negatoscope " * 20`, made with Python.
const TEXT: &[u8] = &[
    203, 75, 77, 79, 44, 201, 47, 78, 206, 47, 72, 85, 200, 27, 1, 108, 0,
];

#[test]
fn inflates_what_zlib_deflated() {
    let text = inflate(TEXT, 1 << 20, "test").unwrap();
    assert_eq!(text, b"negatoscope ".repeat(20));
    // A stored block.
    let stored = [1, 3, 0, 252, 255, 7, 8, 9];
    assert_eq!(inflate(&stored, 10, "test").unwrap(), [7, 8, 9]);
}

#[test]
fn every_cut_is_noticed_and_the_limit_holds() {
    for end in 0..TEXT.len() {
        assert!(inflate(&TEXT[..end], 1 << 20, "test").is_err(), "{end}");
    }
    assert_eq!(
        inflate(TEXT, 239, "test").unwrap_err().code,
        "INFLATE_LIMIT"
    );
    assert!(inflate(TEXT, 240, "test").is_ok());
    assert_eq!(
        inflate(&[7, 0, 0], 10, "test").unwrap_err().code,
        "INFLATE_CORRUPT"
    );
}

/// What `flate2` makes of bytes at a level; 0 stores.
fn deflate(bytes: &[u8], level: u32) -> Vec<u8> {
    let level = flate2::Compression::new(level);
    let mut packer = flate2::write::DeflateEncoder::new(Vec::new(), level);
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

/// Bytes of many kinds: patterns of every short distance, long runs, words like pixels, noise.
fn inputs() -> Vec<Vec<u8>> {
    let mut state = 1u32;
    let mut random = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 16
    };
    let mut all = vec![Vec::new(), vec![7], vec![0; 300_000]];
    for distance in 1..=40usize {
        let pattern: Vec<u8> = (0..distance).map(|_| random() as u8).collect();
        let lengths = [3, 7, 8, 9, 15, 16, 17, 31, 33, 257, 258, 259, 600];
        let runs = lengths.map(|length| pattern.iter().copied().cycle().take(length));
        all.push(runs.into_iter().flatten().collect());
    }
    let mut level = 1000u32;
    let pixel = |_| {
        level = (level + random() % 9 - 4).clamp(100, 4000);
        (level as u16).to_le_bytes()
    };
    all.push((0..60_000).flat_map(pixel).collect());
    // Few literals of short codes and many of long ones.
    let skewed = |_| (random() as u16).leading_zeros() as u8 * 13 + (random() % 3) as u8;
    all.push((0..100_000).map(skewed).collect());
    all.push((0..50_000).map(|_| random() as u8).collect());
    all
}

#[test]
fn inflates_what_another_library_deflated() {
    for (number, bytes) in inputs().iter().enumerate() {
        for level in [0, 1, 6, 9] {
            let packed = deflate(bytes, level);
            let what = format!("input {number}, level {level}");
            let found = inflate(&packed, bytes.len(), &what).unwrap();
            assert!(found == *bytes, "{what}");
            if !bytes.is_empty() {
                let fault = inflate(&packed, bytes.len() - 1, "test").unwrap_err();
                assert_eq!(fault.code, "INFLATE_LIMIT", "{what}");
            }
            for cut in [1, 2, 7, 8, 9, packed.len() / 2] {
                if let Some(kept) = packed.len().checked_sub(cut) {
                    let fault = inflate(&packed[..kept], bytes.len(), "test").unwrap_err();
                    assert_eq!(fault.code, "INFLATE_CUT", "{what}, {cut} bytes less");
                }
            }
            // What follows the stream is not looked at.
            let longer = [packed.as_slice(), &[0xA5; 20]].concat();
            assert!(inflate(&longer, bytes.len(), "test").unwrap() == *bytes);
        }
    }
}

#[test]
fn flipped_bits_give_an_error_or_what_another_library_makes_of_them() {
    let bytes = &inputs()[43];
    let packed = deflate(bytes, 6);
    for number in 0..2000usize {
        let mut wrong = packed.clone();
        let place = number * 7919 % wrong.len();
        wrong[place] ^= 1 << (number % 8);
        let mut theirs = Vec::new();
        let read = flate2::read::DeflateDecoder::new(wrong.as_slice())
            .take(1 << 22)
            .read_to_end(&mut theirs);
        match inflate(&wrong, 1 << 22, "test") {
            // They refuse codes that leave room even where nothing uses it.
            Ok(ours) => assert!(read.is_err() || ours == theirs, "bit {number}"),
            // They take what lies before the beginning as zeros.
            Err(fault) if fault.detail.contains("before the beginning") => {}
            Err(fault) => {
                let all = theirs.len() == 1 << 22;
                assert!(read.is_err() || all, "bit {number}: {fault}");
            }
        }
    }
}
