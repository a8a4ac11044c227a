//! Framing: what is no file of ours, files that end early, meta headers, lengths, nesting.

use super::{
    Bench,
    build::{
        Bytes, CT, DEFLATED, EXPLICIT, IMPLICIT, RLE, Slice, deflate_stored, file, fragments,
        rle_frame, write,
    },
    nested, outcome,
};

#[test]
fn framing() {
    let mut bench = Bench::new();
    let good = Slice::default().file(EXPLICIT);
    bench.check("empty", &[], "rejected EMPTY_FILE");
    for length in [1, 127, 128, 131] {
        bench.check("short", &vec![0; length], "rejected NOT_DICOM");
    }
    bench.check("preamble only", &good[..132], "rejected NO_DATA_SET");
    let bare = Slice::default().data_set();
    bench.check("no mark", &bare, "warn NO_META_HEADER");
    bench.check(
        "text",
        b"To whom it may concern, this is a letter.\n",
        "rejected NOT_DICOM",
    );
    bench.check(
        "pdf",
        b"%PDF-1.7\n1 0 obj <<>> endobj\n",
        "rejected NOT_DICOM",
    );
    bench.check(
        "zip",
        b"PK\x03\x04aaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "rejected ARCHIVE_CUT",
    );
    bench.check(
        "broken png",
        b"\x89PNG\x0D\x0A\x1A\x0A and nothing more",
        "rejected PICTURE_CORRUPT",
    );
    bench.check("zeros", &vec![0; 100_000], "rejected NOT_DICOM");
    for (name, head) in [
        ("PE", b"MZ\x90\0".as_slice()),
        ("ELF", b"\x7FELF"),
        ("script", b"#!/bin/sh\n"),
    ] {
        let mut polyglot = good.clone();
        polyglot[..head.len()].copy_from_slice(head);
        bench.check(name, &polyglot, "warn PREAMBLE_CONTENT");
    }
    let mut tiff = good.clone();
    tiff[..4].copy_from_slice(b"II*\0");
    bench.check("TIFF", &tiff, "ok");
    let twice = [good.clone(), good].concat();
    bench.check("two files", &twice, "warn TRAILING_BYTES");
    bench.done();
}

#[test]
fn a_cut_file_is_never_a_whole_picture() {
    let folder = tempfile::tempdir().unwrap();
    let rle = {
        let low: Vec<u8> = (0..64).collect();
        let frame = rle_frame(&[&[0; 64], &low]);
        let mut slice = Slice {
            signed: 0,
            ..Slice::default()
        };
        slice.pixels = fragments(&[], &[&frame]);
        slice.file(RLE)
    };
    let deflated = file(DEFLATED, &deflate_stored(&Slice::default().data_set()));
    let long = Slice::default()
        .text(0x0008, 0x103E, b"LO", &"description ".repeat(5))
        .with(0x0009, 0x0010, b"UN", &[7; 900])
        .file(EXPLICIT);
    for (name, whole) in [("native", long), ("RLE", rle), ("deflated", deflated)] {
        assert_eq!(
            outcome(&write(folder.path(), "whole", &whole)),
            "ok",
            "{name}"
        );
        for end in 0..whole.len().min(2000) {
            // The delimiter of fragments alone may be missing; the frame is whole then.
            let delimiter = name == "RLE" && end + 8 >= whole.len();
            let found = outcome(&write(folder.path(), "cut", &whole[..end]));
            let refused = found.starts_with("rejected");
            assert!(
                refused || (delimiter && found == "warn NO_DELIMITER"),
                "{name} {end}: {found}"
            );
        }
    }
}

#[test]
fn meta_header_and_lengths() {
    let mut bench = Bench::new();
    let good = Slice::default();
    let with_group_length = |length: u32| {
        let mut bytes = good.file(EXPLICIT);
        bytes[140..144].copy_from_slice(&length.to_le_bytes());
        bytes
    };
    for length in [0, 0xFFFF_FFF0, 77] {
        bench.check(
            "group length",
            &with_group_length(length),
            "warn META_LENGTH",
        );
    }
    let data = good.data_set();
    let meta = |elements: Bytes| {
        let mut bytes = vec![0; 128];
        bytes.extend(b"DICM");
        bytes.extend(elements.0);
        bytes.extend(&data);
        bytes
    };
    bench.check(
        "no syntax",
        &meta(Bytes::default().text(2, 2, b"UI", "1.2")),
        "rejected NO_TRANSFER_SYNTAX",
    );
    bench.check(
        "unknown syntax",
        &file("1.2.3.4.5", &data),
        "unsupported UNKNOWN_SYNTAX",
    );
    for uid in ["1.2.840.10008.1.2.x", "../../etc", &"1.2".repeat(30)] {
        bench.check("bad syntax", &file(uid, &data), "rejected BAD_UID");
    }
    bench.check(
        "meta of unknown VR",
        &meta(
            Bytes::default()
                .text(2, 2, b"UI", "1.2")
                .raw(&[2, 0, 0x10, 0, b'Z', b'Z', 4, 0, 49, 46, 50, 0]),
        ),
        "rejected BAD_VR",
    );
    bench.check(
        "meta length past end",
        &meta(Bytes::default().lie(2, 1, b"OB", 0xFFFF_FFF0)),
        "rejected LEN_PAST_END",
    );
    bench.check(
        "declared implicit",
        &good.file(IMPLICIT),
        "warn SYNTAX_MISMATCH",
    );
    bench.check(
        "declared big endian",
        &good.file("1.2.840.10008.1.2.2"),
        "warn SYNTAX_MISMATCH",
    );
    bench.check(
        "video",
        &good.file("1.2.840.10008.1.2.4.102"),
        "rejected COMPRESSED_NATIVE",
    );
    let start = Bytes::default().text(8, 0x16, b"UI", CT);
    for (name, length) in [
        ("2 GiB", 0x7FFF_FFFE),
        ("4 GiB", 0xFFFF_FFFE),
        ("by one", 2),
    ] {
        for vr in [b"OW", b"UN"] {
            let bytes = file(EXPLICIT, &start.clone().lie(9, 0x10, vr, length).0);
            bench.check(name, &bytes, "rejected LEN_PAST_END");
        }
    }
    let odd = start
        .clone()
        .lie(0x10, 0x10, b"PN", 3)
        .raw(b"A^B")
        .raw(&data);
    bench.check("odd", &file(EXPLICIT, &odd.0), "rejected LEN_ODD");
    let undefined = start
        .clone()
        .lie(0x10, 0x4000, b"UT", 0xFFFF_FFFF)
        .raw(&data);
    bench.check(
        "undefined",
        &file(EXPLICIT, &undefined.0),
        "rejected LEN_UNDEFINED",
    );
    let delimiter = start
        .clone()
        .raw(&[0xFE, 0xFF, 0x0D, 0xE0, 0, 0, 0, 0])
        .raw(&data);
    bench.check(
        "stray",
        &file(EXPLICIT, &delimiter.0),
        "rejected STRAY_DELIMITER",
    );
    bench.check(
        "one byte item",
        &file(
            EXPLICIT,
            &start
                .clone()
                .put(8, 0x1140, b"SQ", &[0xFE, 0xFF, 0, 0xE0, 1, 0, 0, 0, 7])
                .0,
        ),
        "rejected ELEMENT_CUT",
    );
    let unknown = start
        .raw(&[9, 0, 0x10, 0, b'?', b'?', 2, 0, 1, 1])
        .raw(&data);
    bench.check("unknown VR", &file(EXPLICIT, &unknown.0), "rejected BAD_VR");
    bench.slice(
        "doubled",
        good.clone().with(0x28, 0x10, b"US", &[8, 0]),
        "ok",
    );
    let doubled = Bytes::default()
        .text(8, 0x18, b"UI", "1.2.3.4")
        .raw(&good.data_set())
        .0;
    bench.check("doubled", &file(EXPLICIT, &doubled), "warn TAG_ORDER");
    bench.done();
}

#[test]
fn nesting_and_counts_have_limits() {
    let mut bench = Bench::new();
    let slice = Slice::default().data_set();
    let head = Bytes::default()
        .text(8, 0x16, b"UI", CT)
        .text(8, 0x18, b"UI", "1.2");
    let rest: Vec<u8> = slice.clone();
    for undefined in [true, false] {
        for (depth, expected) in [
            (64, "warn TAG_ORDER"),
            (65, "limit NESTING"),
            (1_200, "limit NESTING"),
            (10_000, "limit NESTING"),
            (100_000, "limit NESTING"),
        ] {
            let data = head.clone().raw(&nested(depth, undefined)).raw(&rest);
            let name = format!("{depth} deep, undefined {undefined}");
            bench.check(&name, &file(EXPLICIT, &data.0), expected);
        }
    }
    let items = [0xFE, 0xFF, 0, 0xE0, 0, 0, 0, 0].repeat(1_000_000);
    let data = head.clone().put(8, 0x1140, b"SQ", &items).raw(&rest);
    bench.check("a million items", &file(EXPLICIT, &data.0), "limit ITEMS");
    let mut private = Vec::new();
    for i in 0..200_000u32 {
        let (group, element) = (9 + 2 * (i / 60_000) as u16, (i % 60_000) as u16 + 0x10);
        private.extend(Bytes::default().put(group, element, b"SH", b"X ").0);
    }
    let data = head.raw(&private).raw(&rest);
    bench.check(
        "200,000 private",
        &file(EXPLICIT, &data.0),
        "limit ELEMENTS",
    );
    let long_name = "A".repeat(65_000);
    bench.slice(
        "long name",
        Slice::default().with(0x10, 0x10, b"PN", long_name.as_bytes()),
        "ok",
    );
    let huge = Bytes::default()
        .put(0x10, 0x4000, b"UT", &vec![b'x'; 10 << 20])
        .0;
    let mut slice = Slice::default();
    slice.more.push((0x10, 0x4000, huge));
    bench.slice("10 MB comment", slice, "limit VALUE_TOO_LONG");
    bench.done();
}
