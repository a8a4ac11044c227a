//! Short streams; long ones of another library are in the suite (`inflating.rs`).

use super::inflate;

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
