//! Hostile and broken files: each is refused for the right reason or opens with a warning; none panics, none costs
//! more memory than its budget, none gives a picture that is not whole.

pub mod build;

use crate::support;
use build::{
    Bytes, DEFLATED, DEFLATED_FRAME, EXPLICIT, IMPLICIT, RLE, Slice, deflate_stored, deflate_zeros,
    file, fragments, rle_frame, write,
};
use negatoscope::{
    dicom::{
        bytes::ByteSource,
        frames::{FileFrames, FrameSource as _},
        guard::{Limits, Structure},
        scan::{ScanEvent, ScanOptions, read_instance, scan},
    },
    model::{finding::Severity, geometry::Spacing, study::RejectionKind},
    task::{CancelToken, Progress},
};
use std::{path::Path, sync::Arc, sync::Mutex};

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
    let start = Bytes::default().text(8, 0x16, b"UI", build::CT);
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

#[test]
fn nesting_and_counts_have_limits() {
    let mut bench = Bench::new();
    let slice = Slice::default().data_set();
    let head = Bytes::default()
        .text(8, 0x16, b"UI", build::CT)
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
fn pixel_descriptions_that_do_not_fit() {
    let mut bench = Bench::new();
    let s = Slice::default;
    let with = |change: &dyn Fn(&mut Slice)| {
        let mut slice = s();
        change(&mut slice);
        slice
    };
    bench.slice("rows 0", with(&|s| s.rows = 0), "rejected OUT_OF_RANGE");
    bench.slice(
        "columns 0",
        with(&|s| s.columns = 0),
        "rejected OUT_OF_RANGE",
    );
    bench.slice("rows 1", with(&|s| s.rows = 1), "warn PIXEL_DATA_LONG");
    let huge = with(&|s| (s.rows, s.columns) = (65_535, 65_535));
    bench.slice("65,535 squared", huge.clone(), "rejected PIXEL_DATA_SHORT");
    let mut coded = huge;
    coded.pixels = fragments(&[], &[&[0; 64]]);
    bench.check(
        "65,535 squared, RLE",
        &coded.file(RLE),
        "limit FRAME_TOO_LARGE",
    );
    let rows_ul = s().with(0x28, 0x10, b"UL", &0x8000_0000u32.to_le_bytes());
    bench.slice("rows as UL", rows_ul, "rejected OUT_OF_RANGE");
    bench.slice(
        "no rows",
        s().without(0x28, 0x10),
        "rejected MISSING_ATTRIBUTE",
    );
    for (samples, expected) in [
        (0, "rejected OUT_OF_RANGE"),
        (2, "rejected OUT_OF_RANGE"),
        (3, "rejected BAD_PHOTOMETRIC"),
        (4, "unsupported SAMPLES"),
        (65_535, "rejected OUT_OF_RANGE"),
    ] {
        bench.slice("samples", with(&|s| s.samples = samples), expected);
    }
    for (allocated, stored, high) in [
        (0, 0, 0),
        (7, 7, 6),
        (12, 12, 11),
        (24, 24, 23),
        (64, 64, 63),
        (16, 0, 0),
        (16, 17, 16),
        (16, 32, 31),
        (16, 12, 16),
        (16, 12, 10),
        (16, 65_535, 15),
    ] {
        let slice = with(&|s| (s.allocated, s.stored, s.high) = (allocated, stored, high));
        bench.slice(
            &format!("bits {allocated} {stored} {high}"),
            slice,
            "rejected BITS_INCONSISTENT",
        );
    }
    bench.slice("high bits", with(&|s| (s.stored, s.high) = (12, 15)), "ok");
    bench.slice(
        "32 bits of 16",
        with(&|s| (s.allocated, s.stored, s.high) = (32, 32, 31)),
        "rejected PIXEL_DATA_SHORT",
    );
    bench.slice(
        "representation 2",
        with(&|s| s.signed = 2),
        "rejected OUT_OF_RANGE",
    );
    bench.slice(
        "photometric",
        with(&|s| s.photometric = "PINK"),
        "rejected BAD_PHOTOMETRIC",
    );
    bench.slice(
        "CMYK",
        with(&|s| s.photometric = "CMYK"),
        "unsupported PHOTOMETRIC",
    );
    bench.slice(
        "palette without LUT",
        with(&|s| s.photometric = "PALETTE COLOR"),
        "rejected BAD_PALETTE",
    );
    let rgb = with(&|s| {
        (
            s.samples,
            s.photometric,
            s.allocated,
            s.stored,
            s.high,
            s.signed,
        ) = (3, "RGB", 8, 8, 7, 0);
    })
    .native(&[9; 192]);
    bench.slice("RGB without planar", rgb.clone(), "warn NO_PLANAR");
    bench.slice(
        "planar 7",
        rgb.clone().with(0x28, 6, b"US", &[7, 0]),
        "rejected OUT_OF_RANGE",
    );
    bench.slice("RGB", rgb.with(0x28, 6, b"US", &[1, 0]), "ok");
    for (frames, expected) in [
        ("0", "rejected OUT_OF_RANGE"),
        ("-1", "rejected OUT_OF_RANGE"),
        ("2147483647", "rejected OUT_OF_RANGE"),
        ("1e9", "rejected OUT_OF_RANGE"),
        ("many", "rejected BAD_NUMBER"),
        ("2", "rejected PIXEL_DATA_SHORT"),
        ("1", "ok"),
    ] {
        bench.slice(
            &format!("frames {frames}"),
            with(&|s| s.frames = Some(frames)),
            expected,
        );
    }
    bench.slice(
        "no pixels",
        with(&|s| s.pixels.clear()),
        "rejected NO_PIXEL_DATA",
    );
    bench.slice("empty pixels", s().native(&[]), "rejected PIXEL_DATA_SHORT");
    bench.slice(
        "short by two",
        s().native(&[0; 126]),
        "rejected PIXEL_DATA_SHORT",
    );
    bench.slice("long by two", s().native(&[0; 130]), "warn PIXEL_DATA_LONG");
    let two_kinds = [
        Bytes::default().put(0x7FE0, 8, b"OF", &[0; 256]).0,
        s().pixels,
    ]
    .concat();
    bench.slice(
        "two kinds",
        with(&|s| s.pixels.clone_from(&two_kinds)),
        "rejected TWO_PIXEL_DATA",
    );
    let float = with(&|s| {
        s.pixels = Bytes::default().put(0x7FE0, 8, b"OF", &[0; 256]).0;
        (s.allocated, s.rescale) = (16, None);
    });
    bench.slice("float of 16 bits", float, "rejected BITS_INCONSISTENT");
    bench.done();
}

#[test]
fn numbers_that_would_lie() {
    let mut bench = Bench::new();
    let rescale = |intercept, slope| Slice {
        rescale: Some((intercept, slope)),
        ..Slice::default()
    };
    for slope in ["abc", "NaN", "1e400", "inf", "0", "1\\2", "--1"] {
        bench.slice(slope, rescale("-1024", slope), "rejected BAD_RESCALE");
        if slope != "0" {
            bench.slice(slope, rescale(slope, "1"), "rejected BAD_RESCALE");
        }
    }
    bench.slice("negative", rescale("-1024", "-2"), "ok");
    bench.slice(
        "empty slope",
        rescale("-1024", ""),
        "warn RESCALE_INCOMPLETE",
    );
    bench.slice("both empty", rescale("", ""), "ok");
    let spacing = |text: &str| Slice {
        spacing: Some(text.to_owned()),
        ..Slice::default()
    };
    for text in [
        "0\\0",
        "-1\\1",
        "NaN\\1",
        "0.2\\0\\0.2",
        "1",
        "1e-9\\1e-9",
        "1e6\\1e6",
        "a\\b",
    ] {
        bench.slice(text, spacing(text), "warn SPACING_INVALID");
        let path = write(
            bench.folder.path(),
            "spacing",
            &spacing(text).file(EXPLICIT),
        );
        let instance = read_instance(&path, &ScanOptions::default()).unwrap();
        let found = instance.image.unwrap().shared.spacing;
        assert_eq!(found, Spacing::Unknown { aspect: 1.0 }, "{text}");
    }
    let aspect = |text: &str| {
        Slice {
            spacing: None,
            ..Slice::default()
        }
        .text(0x28, 0x34, b"IS", text)
    };
    bench.slice("aspect 0:1", aspect("0\\1"), "rejected BAD_ASPECT");
    bench.slice("aspect 2:1", aspect("2\\1"), "ok");
    bench.slice("aspect 1", aspect("1"), "warn ASPECT_INVALID");
    let window = |center: &str, width: &str| {
        Slice::default()
            .text(0x28, 0x1050, b"DS", center)
            .text(0x28, 0x1051, b"DS", width)
    };
    bench.slice("window", window("40", "400"), "ok");
    for width in ["0", "-5", "1e30", "wide"] {
        bench.slice(width, window("40", width), "warn WINDOW_INVALID");
    }
    bench.slice(
        "3 centres",
        window("1\\2\\3", "10\\20"),
        "warn WINDOW_COUNT",
    );
    let padding = Slice::default().with(0x28, 0x120, b"SS", &(-2000i16).to_le_bytes());
    bench.slice("padding", padding, "ok");
    let plane = |text: &str| Slice::default().text(0x20, 0x37, b"DS", text);
    for text in [
        "1\\0\\0\\1\\0\\0",
        "0\\0\\0\\0\\0\\0",
        "2\\0\\0\\0\\1\\0",
        "1\\0\\0\\0\\1",
    ] {
        bench.slice(text, plane(text), "warn ORIENTATION_INVALID");
    }
    let place = Slice::default().text(0x20, 0x32, b"DS", "1e20\\0\\0");
    bench.slice("far away", place, "warn ORIENTATION_INVALID");
    let sides = Slice::default()
        .text(0x20, 0x60, b"CS", "L")
        .text(0x20, 0x62, b"CS", "R");
    bench.slice("sides", sides, "warn LATERALITY_CONFLICT");
    bench.done();
}

#[test]
fn fragments_and_codestreams() {
    let mut bench = Bench::new();
    let plane: Vec<u8> = (0..64).collect();
    let good = rle_frame(&[&[0; 64], &plane]);
    let with = |table: &[u32], list: &[&[u8]], frames: Option<&'static str>| {
        let mut slice = Slice {
            frames,
            signed: 0,
            ..Slice::default()
        };
        slice.pixels = fragments(table, list);
        slice.file(RLE)
    };
    bench.check("good", &with(&[], &[&good], None), "ok");
    bench.check("good table", &with(&[0], &[&good], None), "ok");
    let step = good.len() as u32 + 8;
    bench.check(
        "two frames",
        &with(&[0, step], &[&good, &good], Some("2")),
        "ok",
    );
    bench.check(
        "past end",
        &with(&[0, 90_000], &[&good, &good], Some("2")),
        "rejected OFFSET_TABLE",
    );
    bench.check(
        "backwards",
        &with(&[step, 0], &[&good, &good], Some("2")),
        "rejected OFFSET_TABLE",
    );
    bench.check(
        "too few",
        &with(&[], &[&good], Some("2")),
        "rejected FRAMES_EXCEED_DATA",
    );
    bench.check(
        "too many",
        &with(&[], &[&good, &good, &good], Some("2")),
        "rejected FRAMES_UNKNOWN",
    );
    bench.check(
        "no fragment",
        &with(&[], &[], None),
        "rejected FRAMES_EXCEED_DATA",
    );
    bench.check(
        "4 bytes",
        &with(&[], &[&[2, 0, 0, 0]], None),
        "rejected RLE_HEADER",
    );
    let mut many = good.clone();
    for count in [0u32, 1, 16, u32::MAX] {
        many[..4].copy_from_slice(&count.to_le_bytes());
        bench.check(
            "segments",
            &with(&[], &[&many], None),
            "rejected RLE_HEADER",
        );
    }
    let mut offset = good.clone();
    offset[8..12].copy_from_slice(&0xFFFF_FF00u32.to_le_bytes());
    bench.check(
        "offset",
        &with(&[], &[&offset], None),
        "rejected RLE_HEADER",
    );
    let mut literal = good.clone();
    literal[64] = 127;
    bench.check(
        "literal past end",
        &with(&[], &[&literal], None),
        "rejected RLE_SHORT",
    );
    let mut repeat = good.clone();
    repeat[64] = 129;
    bench.check(
        "repeat past end",
        &with(&[], &[&repeat], None),
        "rejected RLE_OVERRUN",
    );
    let mut empty_table = Slice::default();
    empty_table.pixels = fragments(&[], &[&good]);
    bench.check(
        "native encapsulated",
        &empty_table.file(EXPLICIT),
        "rejected NATIVE_ENCAPSULATED",
    );
    bench.check(
        "coded native",
        &Slice::default().file(RLE),
        "rejected COMPRESSED_NATIVE",
    );
    let jpeg = "1.2.840.10008.1.2.4.50";
    let coded = |syntax: &str, stream: &[u8]| {
        let mut slice = Slice {
            allocated: 8,
            stored: 8,
            high: 7,
            signed: 0,
            ..Slice::default()
        };
        slice.pixels = fragments(&[], &[stream]);
        slice.file(syntax)
    };
    let picture = jpeg_of(8, 8);
    bench.check(
        "JPEG",
        &coded(jpeg, &picture),
        "warn LOSSY_UNDECLARED LOSSY",
    );
    bench.check(
        "JPEG of other size",
        &coded(jpeg, &jpeg_of(8, 9)),
        "rejected JPEG_SIZE",
    );
    let end = picture.len();
    bench.check(
        "no end",
        &coded(jpeg, &picture[..end - 2]),
        "rejected JPEG_NO_END",
    );
    bench.check("not JPEG", &coded(jpeg, &[1; 100]), "rejected JPEG_CORRUPT");
    let jpeg_ls = "1.2.840.10008.1.2.4.80";
    bench.check(
        "not JPEG-LS",
        &coded(jpeg_ls, &[1; 100]),
        "rejected JPEG_LS_CORRUPT",
    );
    let sof = picture.windows(2).position(|w| w == [0xFF, 0xC0]).unwrap();
    let mut twelve = picture.clone();
    (twelve[sof + 1], twelve[sof + 4]) = (0xC1, 12);
    bench.check(
        "12 bit",
        &coded("1.2.840.10008.1.2.4.51", &twelve),
        "rejected JPEG_SIZE",
    );
    let mut large = picture.clone();
    large[sof + 5..sof + 9].fill(0xFF);
    bench.check("65,535 squared", &coded(jpeg, &large), "rejected JPEG_SIZE");
    let mut arithmetic = picture.clone();
    arithmetic[sof + 1] = 0xC9;
    bench.check(
        "arithmetic",
        &coded(jpeg, &arithmetic),
        "unsupported JPEG_ARITHMETIC",
    );
    let dht = picture.windows(2).position(|w| w == [0xFF, 0xC4]).unwrap();
    let mut no_table = picture;
    no_table[dht + 1] = 0xFE;
    bench.check(
        "no Huffman table",
        &coded(jpeg, &no_table),
        "rejected JPEG_CORRUPT",
    );
    bench.check(
        "not J2K",
        &coded("1.2.840.10008.1.2.4.90", &[1; 100]),
        "rejected J2K_CORRUPT",
    );
    bench.check(
        "not JPEG XL",
        &coded("1.2.840.10008.1.2.4.110", &[1; 100]),
        "rejected JXL_CORRUPT",
    );
    let video = "1.2.840.10008.1.2.4.102";
    bench.check(
        video,
        &coded(video, &[1; 100]),
        "unsupported UNSUPPORTED_SYNTAX",
    );
    bench.done();
}

/// A grey baseline JPEG of the `image` crate.
pub fn jpeg_of(columns: u32, rows: u32) -> Vec<u8> {
    let picture =
        image::GrayImage::from_fn(columns, rows, |x, y| image::Luma([(x * 20 + y * 5) as u8]));
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, image::ImageFormat::Jpeg)
        .unwrap();
    bytes.into_inner()
}

#[test]
fn an_extended_offset_table_may_not_contradict() {
    let mut bench = Bench::new();
    let frame = rle_frame(&[&[0; 64], &[1; 64]]);
    let step = frame.len() as u64 + 8;
    let with = |offsets: &[u64], lengths: &[u64], basic: &[u32]| {
        let bytes = |v: &[u64]| v.iter().flat_map(|o| o.to_le_bytes()).collect::<Vec<u8>>();
        let mut slice = Slice {
            frames: Some("2"),
            signed: 0,
            ..Slice::default()
        };
        slice.pixels = Bytes::default()
            .put(0x7FE0, 1, b"OV", &bytes(offsets))
            .put(0x7FE0, 2, b"OV", &bytes(lengths))
            .raw(&fragments(basic, &[&frame, &frame]))
            .0;
        slice.file(RLE)
    };
    let length = frame.len() as u64;
    bench.check("good", &with(&[0, step], &[length, length], &[]), "ok");
    bench.check(
        "agreeing",
        &with(&[0, step], &[length, length], &[0, step as u32]),
        "ok",
    );
    bench.check(
        "other",
        &with(&[0, step], &[length, length], &[0, 4]),
        "rejected OFFSET_TABLES_DIFFER",
    );
    bench.check(
        "past end",
        &with(&[0, u64::MAX], &[length, length], &[]),
        "rejected OFFSET_TABLE",
    );
    bench.check(
        "too long",
        &with(&[0, step], &[length, 1 << 40], &[]),
        "rejected OFFSET_TABLE",
    );
    bench.check(
        "too few",
        &with(&[0], &[length], &[]),
        "rejected OFFSET_TABLE",
    );
    bench.done();
}

/// A generator of numbers that repeats (xorshift64*).
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % below.max(1)
    }
}

/// Changes one to eight places: bits, bytes, interesting numbers, cut, doubled or removed runs.
fn mutate(bytes: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for _ in 0..=dice.roll(8) {
        if out.is_empty() {
            break;
        }
        // The preamble is no place where much happens.
        let from = 128.min(out.len() - 1);
        let at = from + dice.roll(out.len() - from);
        match dice.roll(6) {
            0 => out[at] ^= 1 << dice.roll(8),
            1 => out[at] = dice.roll(256) as u8,
            2 => {
                let number = [0u32, 1, 0x7FFF, 0xFFFF, 0x7FFF_FFFE, 0xFFFF_FFFF][dice.roll(6)];
                for (byte, value) in out[at..].iter_mut().zip(number.to_le_bytes()) {
                    *byte = value;
                }
            }
            3 if dice.roll(4) == 0 => out.truncate(at),
            4 => {
                let end = (at + dice.roll(32)).min(out.len());
                let run = out[at..end].to_vec();
                out.splice(at..at, run);
            }
            _ => {
                let end = (at + dice.roll(16)).min(out.len());
                out.drain(at..end);
            }
        }
    }
    out
}

fn try_mutants(name: &str, seed: &[u8], count: usize, folder: &Path) {
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15 ^ seed.len() as u64);
    for i in 0..count {
        let mutant = mutate(seed, &mut dice);
        let found = outcome(&write(folder, name, &mutant));
        assert!(!found.contains("PANIC"), "{name} {i}: {found}");
    }
}

#[test]
fn mutants_of_made_up_files_never_panic() {
    let folder = tempfile::tempdir().unwrap();
    let frame = rle_frame(&[&[0; 64], &(0..64).collect::<Vec<u8>>()]);
    let mut rle = Slice {
        frames: Some("2"),
        signed: 0,
        ..Slice::default()
    };
    rle.pixels = fragments(&[0, frame.len() as u32 + 8], &[&frame, &frame]);
    let mut jpeg = Slice {
        allocated: 8,
        stored: 8,
        high: 7,
        signed: 0,
        ..Slice::default()
    };
    jpeg.pixels = fragments(&[], &[&jpeg_of(8, 8)]);
    let rich = crate::dicom_reading::enhanced(&[2, 0, 1]);
    for (name, seed) in [
        ("native", Slice::default().file(EXPLICIT)),
        ("rle", rle.file(RLE)),
        ("jpeg", jpeg.file("1.2.840.10008.1.2.4.50")),
        (
            "deflated",
            file(DEFLATED, &deflate_stored(&Slice::default().data_set())),
        ),
        ("enhanced", rich),
        ("bare", Slice::default().data_set()),
    ] {
        try_mutants(name, &seed, 600, folder.path());
    }
}

#[test]
#[cfg_attr(not(has_data), ignore = "needs NEGATOSCOPE_DATA")]
fn mutants_of_real_files_never_panic() {
    let folder = tempfile::tempdir().unwrap();
    for path in [
        "dicom-pydicom/test_files/MR_small_jp2klossless.dcm",
        "dicom-pydicom/test_files/SC_rgb_jpeg_gdcm.dcm",
        "dicom-pydicom/test_files/SC_rgb_jpeg_dcmtk.dcm",
        "dicom-pydicom/test_files/MR_small_RLE.dcm",
        "dicom-pydicom/test_files/MR_small_bigendian.dcm",
        "dicom-pydicom/test_files/rtdose.dcm",
        "dicom-pydicom/test_files/SC_rgb_gdcm_KY.dcm",
        "dicom-mr-misc/enh.dcm",
    ] {
        let seed = std::fs::read(support::data(path)).unwrap();
        try_mutants("real", &seed, 150, folder.path());
    }
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
