//! Files that are small and would become large.

use super::{
    Bench,
    build::{
        Bytes, DEFLATED, DEFLATED_FRAME, EXPLICIT, RLE, Slice, deflate_stored, deflate_zeros, file,
        fragments, rle_frame, write,
    },
    nested,
};
use negatoscope::dicom::{
    bytes::ByteSource,
    guard::{Limits, Structure},
};
use std::sync::Arc;

#[test]
fn deflated_bombs_are_bounded() {
    let mut bench = Bench::new();
    let bomb = deflate_zeros(600 << 20);
    bench.check(
        "600 MiB of zeros",
        &file(DEFLATED, &bomb),
        "limit INFLATE_RATIO",
    );
    bench.check(
        "garbage",
        &file(DEFLATED, &[7; 200]),
        "rejected INFLATE_CORRUPT",
    );
    let packed = deflate_stored(&Slice::default().data_set());
    let mut trailing = packed.clone();
    trailing.extend([0; 64]);
    bench.check(
        "trailing",
        &file(DEFLATED, &trailing),
        "warn TRAILING_BYTES",
    );
    let mut zlib = vec![0x78, 0x9C];
    zlib.extend(&packed);
    bench.check(
        "zlib header",
        &file(DEFLATED, &zlib),
        "rejected INFLATE_CORRUPT",
    );
    let framed = |stream: &[u8]| {
        let mut slice = Slice {
            rows: 4,
            columns: 4,
            ..Slice::default()
        };
        slice.pixels = fragments(&[], &[stream]);
        slice.file(DEFLATED_FRAME)
    };
    bench.check(
        "frame bomb",
        &framed(&deflate_zeros(1 << 30)),
        "limit INFLATE_LIMIT",
    );
    bench.check("frame", &framed(&deflate_stored(&[1; 32])), "ok");
    bench.check(
        "short frame",
        &framed(&deflate_stored(&[1; 31])),
        "rejected DECODED_SIZE",
    );
    bench.check(
        "long frame",
        &framed(&deflate_stored(&[1; 34])),
        "rejected DECODED_SIZE",
    );
    bench.done();
}

#[test]
fn memory_never_grows_beyond_the_bytes_that_are_there() {
    // The guard itself keeps an element of 40 bytes for each of at least 8, and nothing for values.
    let lies = file(
        EXPLICIT,
        &Bytes::default()
            .text(8, 0x16, b"UI", "1.2")
            .lie(9, 0x10, b"OW", 0xFFFF_FFFE)
            .0,
    );
    let header = lies.len() - 12;
    let source = ByteSource::Memory(Arc::new(lies));
    let fault = Structure::of_source(source, &Limits::default()).unwrap_err();
    assert_eq!(fault.code, "LEN_PAST_END");
    assert!(fault.detail.contains("(0009,0010)"), "{}", fault.detail);
    let place = format!("byte {header}");
    assert!(fault.detail.ends_with(&place), "{}", fault.detail);
}

/// The worst cases in a process that may not have more than 1 GiB of address space.
#[test]
#[cfg(target_os = "linux")]
fn the_program_survives_the_worst_in_one_gibibyte() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    write(path, "bomb.dcm", &file(DEFLATED, &deflate_zeros(600 << 20)));
    let mut frame = Slice {
        rows: 4,
        columns: 4,
        ..Slice::default()
    };
    frame.pixels = fragments(&[], &[&deflate_zeros(1 << 30)]);
    write(path, "frame.dcm", &frame.file(DEFLATED_FRAME));
    let head = Bytes::default().text(8, 0x16, b"UI", "1.2");
    write(
        path,
        "deep.dcm",
        &file(EXPLICIT, &head.clone().raw(&nested(100_000, true)).0),
    );
    write(
        path,
        "lie.dcm",
        &file(EXPLICIT, &head.lie(9, 0x10, b"UN", 0xFFFF_FFFE).0),
    );
    let mut rle = rle_frame(&[&[0; 64], &[0; 64]]);
    rle[..4].fill(0xFF);
    let mut slice = Slice::default();
    slice.pixels = fragments(&[], &[&rle]);
    write(path, "rle.dcm", &slice.file(RLE));
    let sparse = std::fs::File::create(path.join("sparse.dcm")).unwrap();
    sparse.set_len(4 << 30).unwrap();
    let program = env!("CARGO_BIN_EXE_negatoscope");
    let output = std::process::Command::new("sh")
        .args([
            "-c",
            "ulimit -v 1048576; exec \"$0\" inspect --json --decode --jobs 2 \"$1\"",
            program,
        ])
        .arg(path)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    let found: Vec<(&str, &str)> = lines
        .iter()
        .filter_map(|l| Some((l["outcome"].as_str()?, l["code"].as_str()?)))
        .collect();
    let expected = [
        ("limit", "INFLATE_RATIO"),
        ("limit", "NESTING"),
        ("limit", "INFLATE_LIMIT"),
        ("rejected", "LEN_PAST_END"),
        ("rejected", "RLE_HEADER"),
        ("rejected", "NOT_DICOM"),
    ];
    assert_eq!(found, expected);
    assert_eq!(lines.last().unwrap()["summary"]["received"], 6);
    assert_eq!(lines.last().unwrap()["summary"]["shown"], 0);
}
