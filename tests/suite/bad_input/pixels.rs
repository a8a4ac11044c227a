//! Pixel descriptions that do not fit, and numbers that would lie.

use super::{
    Bench,
    build::{Bytes, EXPLICIT, RLE, Slice, fragments, write},
};
use negatoscope::{
    dicom::scan::{ScanOptions, read_instance},
    model::geometry::Spacing,
};

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
