//! Chapter "image description", 40 to 57: numbers that do not fit each other, the data, or the world.

use super::{Table, base, eight_bits, with};
use crate::bad_input::build::{Bytes, RLE, Slice, fragments};

#[test]
fn sizes_and_samples() {
    let mut table = Table::default();
    table.slice("rows 0", with(|s| s.rows = 0), "rejected OUT_OF_RANGE");
    table.slice(
        "columns 0",
        with(|s| s.columns = 0),
        "rejected OUT_OF_RANGE",
    );
    table.slice("rows 1", with(|s| s.rows = 1), "warn PIXEL_DATA_LONG");
    table.slice("rows 9", with(|s| s.rows = 9), "rejected PIXEL_DATA_SHORT");
    table.slice(
        "65,535 rows",
        with(|s| s.rows = 65_535),
        "rejected PIXEL_DATA_SHORT",
    );
    let huge = || with(|s| (s.rows, s.columns) = (65_535, 65_535));
    table.slice("65,535 squared", huge(), "rejected PIXEL_DATA_SHORT");
    let mut coded = huge();
    coded.pixels = fragments(&[], &[&[0; 64]]);
    table.file(
        "65,535 squared, packed",
        coded.file(RLE),
        "limit FRAME_TOO_LARGE",
    );
    for value in [0x8000_0000u32, 0x7FFF_FFFF, 0xFFFF_FFFF, 0x0001_0000] {
        for (element, name) in [(0x10, "rows"), (0x11, "columns")] {
            let slice = base().with(0x28, element, b"UL", &value.to_le_bytes());
            table.slice(
                format!("{name} {value:#x} as UL"),
                slice,
                "rejected OUT_OF_RANGE",
            );
        }
    }
    for element in [0x10, 0x11, 0x100] {
        table.slice(
            "missing",
            base().without(0x28, element),
            "rejected MISSING_ATTRIBUTE",
        );
        table.slice(
            "empty",
            base().with(0x28, element, b"US", &[]),
            "rejected MISSING_ATTRIBUTE",
        );
    }
    table.slice(
        "rows as text",
        base().text(0x28, 0x10, b"LO", "eight"),
        "rejected BAD_NUMBER",
    );
    table.slice(
        "rows as float",
        base().text(0x28, 0x10, b"DS", "8.5"),
        "rejected BAD_NUMBER",
    );
    for (samples, expected) in [
        (0, "rejected OUT_OF_RANGE"),
        (2, "rejected OUT_OF_RANGE"),
        (3, "rejected BAD_PHOTOMETRIC"),
        (4, "unsupported SAMPLES"),
        (65_535, "rejected OUT_OF_RANGE"),
    ] {
        table.slice(
            format!("{samples} samples"),
            with(|s| s.samples = samples),
            expected,
        );
    }
    table.check("sizes");
}

#[test]
fn bits() {
    let mut table = Table::default();
    for (allocated, stored, high) in [
        (0, 0, 0),
        (2, 2, 1),
        (4, 4, 3),
        (7, 7, 6),
        (12, 12, 11),
        (24, 24, 23),
        (64, 64, 63),
        (65_535, 16, 15),
        (16, 0, 0),
        (16, 17, 16),
        (16, 32, 31),
        (16, 65_535, 15),
        (16, 12, 10),
        (16, 12, 16),
        (16, 16, 65_535),
        (8, 16, 15),
    ] {
        let slice = with(|s| (s.allocated, s.stored, s.high) = (allocated, stored, high));
        table.slice(
            format!("bits {allocated} {stored} {high}"),
            slice,
            "rejected BITS_INCONSISTENT",
        );
    }
    table.slice("12 of 16", with(|s| (s.stored, s.high) = (12, 11)), "ok");
    table.slice("high bits", with(|s| (s.stored, s.high) = (12, 15)), "ok");
    table.slice(
        "32 of 16",
        with(|s| (s.allocated, s.stored, s.high) = (32, 32, 31)),
        "rejected PIXEL_DATA_SHORT",
    );
    table.slice(
        "8 of 16",
        with(|s| (s.allocated, s.stored, s.high) = (8, 8, 7)),
        "warn PIXEL_DATA_LONG",
    );
    for value in [2, 3, 65_535] {
        table.slice(
            "representation",
            with(|s| s.signed = value),
            "rejected OUT_OF_RANGE",
        );
    }
    // Taken to be what they most likely are, and said.
    for (element, name) in [
        (2, "Samples per Pixel"),
        (4, "Photometric Interpretation"),
        (0x101, "Bits Stored"),
        (0x102, "High Bit"),
        (0x103, "Pixel Representation"),
    ] {
        table.slice(
            format!("without {name}"),
            base().without(0x28, element),
            "warn MISSING_TYPE_1",
        );
        table.slice(
            format!("empty {name}"),
            base().with(0x28, element, b"US", &[]),
            "warn MISSING_TYPE_1",
        );
    }
    for (group, element) in [(8, 0x16), (8, 0x18), (8, 0x60), (0x20, 0x0D), (0x20, 0x0E)] {
        let name = format!("without ({group:04x},{element:04x})");
        table.slice(name, base().without(group, element), "warn MISSING_TYPE_1");
    }
    table.check("bits");
}

#[test]
fn colour() {
    let mut table = Table::default();
    let rgb = || {
        let slice = with(|s| {
            (s.samples, s.photometric) = (3, "RGB");
            (s.allocated, s.stored, s.high, s.signed) = (8, 8, 7, 0);
            s.rescale = None;
        });
        slice.native(&[9; 192])
    };
    for planar in [0, 1] {
        table.slice("RGB", rgb().with(0x28, 6, b"US", &[planar, 0]), "ok");
    }
    table.slice("without planar configuration", rgb(), "warn NO_PLANAR");
    for planar in [2, 7, 255] {
        table.slice(
            "planar",
            rgb().with(0x28, 6, b"US", &[planar, 0]),
            "rejected OUT_OF_RANGE",
        );
    }
    let named = |name: &'static str| {
        let mut slice = rgb().with(0x28, 6, b"US", &[0, 0]);
        slice.photometric = name;
        slice
    };
    for name in ["YBR_FULL", "YBR_RCT", "YBR_ICT"] {
        table.slice(name, named(name), "ok");
    }
    for name in [
        "CMYK",
        "HSV",
        "ARGB",
        "YBR_PARTIAL_422",
        "YBR_PARTIAL_420",
        "XYB",
    ] {
        table.slice(name, named(name), "unsupported PHOTOMETRIC");
    }
    for name in ["PINK", "", "rgb", "MONOCHROME2", "PALETTE COLOR"] {
        table.slice(
            format!("3 samples of {name}"),
            named(name),
            "rejected BAD_PHOTOMETRIC",
        );
    }
    for name in ["RGB", "YBR_FULL", "YBR_FULL_422"] {
        table.slice(
            format!("1 sample of {name}"),
            with(|s| s.photometric = name),
            "rejected BAD_PHOTOMETRIC",
        );
    }
    table.slice(
        "unknown",
        with(|s| s.photometric = "PINK"),
        "rejected BAD_PHOTOMETRIC",
    );
    table.slice(
        "rgb of 1 plane",
        rgb().with(0x28, 6, b"US", &[0, 0]).native(&[9; 64]),
        "rejected PIXEL_DATA_SHORT",
    );
    let palette = |descriptor: [u16; 3], entries: usize| {
        let words: Vec<u8> = descriptor.iter().flat_map(|w| w.to_le_bytes()).collect();
        let mut slice = eight_bits();
        slice.photometric = "PALETTE COLOR";
        slice = slice.native(&[1; 64]);
        for i in 0..3 {
            slice = slice.with(0x28, 0x1101 + i, b"US", &words).with(
                0x28,
                0x1201 + i,
                b"OW",
                &vec![7; entries * 2],
            );
        }
        slice
    };
    table.slice("palette", palette([256, 0, 16], 256), "ok");
    table.slice("palette of 65,536", palette([0, 0, 16], 65_536), "ok");
    for (name, slice) in [
        ("no palette", with(|s| s.photometric = "PALETTE COLOR")),
        ("palette of 1", palette([1, 0, 16], 1)),
        ("palette too short", palette([256, 0, 16], 100)),
        ("palette of 65,536 too short", palette([0, 0, 16], 256)),
        ("palette of 0 bits", palette([256, 0, 0], 0)),
        ("palette empty", palette([256, 0, 16], 0)),
    ] {
        table.slice(name, slice, "rejected BAD_PALETTE");
    }
    table.slice(
        "palette that begins high",
        palette([256, 65_000, 16], 256),
        "ok",
    );
    let mut segmented = palette([256, 0, 16], 0);
    for i in 0..3u16 {
        segmented.more.retain(|e| e.1 != 0x1201 + i);
        // A segment that repeats itself for ever.
        let words: Vec<u8> = [2u16, 65_535, 0, 0]
            .iter()
            .flat_map(|w| w.to_le_bytes())
            .collect();
        segmented = segmented.with(0x28, 0x1221 + i, b"OW", &words);
    }
    table.slice("segments in a circle", segmented, "rejected BAD_PALETTE");
    table.check("colour");
}

#[test]
fn frames_and_pixel_data() {
    let mut table = Table::default();
    for (frames, expected) in [
        ("0", "rejected OUT_OF_RANGE"),
        ("-1", "rejected OUT_OF_RANGE"),
        ("2147483647", "rejected OUT_OF_RANGE"),
        ("1e9", "rejected OUT_OF_RANGE"),
        ("99999999999999999999", "rejected BAD_NUMBER"),
        ("1.5", "rejected BAD_NUMBER"),
        ("many", "rejected BAD_NUMBER"),
        ("2", "rejected PIXEL_DATA_SHORT"),
        ("1000000", "rejected PIXEL_DATA_SHORT"),
        ("1", "ok"),
    ] {
        table.slice(
            format!("{frames} frames"),
            with(|s| s.frames = Some(frames)),
            expected,
        );
    }
    table.slice(
        "one frame of two",
        base().native(&[0; 256]),
        "warn PIXEL_DATA_LONG",
    );
    table.slice(
        "no pixels",
        with(|s| s.pixels.clear()),
        "rejected NO_PIXEL_DATA",
    );
    table.slice(
        "empty pixels",
        base().native(&[]),
        "rejected PIXEL_DATA_SHORT",
    );
    table.slice(
        "short by two",
        base().native(&[0; 126]),
        "rejected PIXEL_DATA_SHORT",
    );
    table.slice(
        "long by two",
        base().native(&[0; 130]),
        "warn PIXEL_DATA_LONG",
    );
    table.slice(
        "long by a megabyte",
        base().native(&vec![0; 1 << 20]),
        "warn PIXEL_DATA_LONG",
    );
    // An odd picture is padded to an even length, by one byte and no more.
    let odd = || {
        let mut slice = eight_bits();
        (slice.rows, slice.columns) = (3, 3);
        slice
    };
    let raw = |slice: Slice, length: usize| {
        let mut slice = slice;
        slice.pixels = Bytes::default()
            .put(0x7FE0, 0x10, b"OB", &vec![5; length])
            .0;
        slice
    };
    table.slice("odd, padded", raw(odd(), 9), "ok");
    table.slice(
        "odd, padded by three",
        raw(odd(), 12),
        "warn PIXEL_DATA_LONG",
    );
    table.slice("odd, short", raw(odd(), 8), "rejected PIXEL_DATA_SHORT");
    let kinds = |first: Bytes, second: Vec<u8>| with(|s| s.pixels = [first.0, second].concat());
    let float = || Bytes::default().put(0x7FE0, 8, b"OF", &[0; 256]);
    table.slice(
        "float and whole numbers",
        kinds(float(), base().pixels),
        "rejected TWO_PIXEL_DATA",
    );
    let double = Bytes::default().put(0x7FE0, 9, b"OD", &[0; 512]).0;
    table.slice(
        "float and double",
        kinds(float(), double),
        "rejected TWO_PIXEL_DATA",
    );
    let of_bits = |bits: u16, pixels: Vec<u8>| {
        with(|s| {
            s.pixels = pixels;
            (s.allocated, s.rescale) = (bits, None);
        })
    };
    table.slice("float", of_bits(32, float().0), "ok");
    table.slice(
        "float of 16 bits",
        of_bits(16, float().0),
        "rejected BITS_INCONSISTENT",
    );
    table.slice(
        "float that is short",
        of_bits(32, Bytes::default().put(0x7FE0, 8, b"OF", &[0; 252]).0),
        "rejected PIXEL_DATA_SHORT",
    );
    let bit = |bytes: &[u8]| {
        with(|s| {
            (s.allocated, s.stored, s.high, s.signed) = (1, 1, 0, 0);
            s.rescale = None;
            s.pixels = Bytes::default().put(0x7FE0, 0x10, b"OB", bytes).0;
        })
    };
    table.slice("single bits", bit(&[0xAA; 8]), "ok");
    table.slice(
        "single bits that are short",
        bit(&[0xAA; 6]),
        "rejected PIXEL_DATA_SHORT",
    );
    table.check("frames");
}

#[test]
fn overlays() {
    let mut table = Table::default();
    let overlay = |rows: u16, columns: u16, origin: [i16; 2], bytes: usize| {
        let origin: Vec<u8> = origin.iter().flat_map(|v| v.to_le_bytes()).collect();
        base()
            .with(0x6000, 0x10, b"US", &rows.to_le_bytes())
            .with(0x6000, 0x11, b"US", &columns.to_le_bytes())
            .text(0x6000, 0x40, b"CS", "G")
            .with(0x6000, 0x50, b"SS", &origin)
            .with(0x6000, 0x100, b"US", &[1, 0])
            .with(0x6000, 0x102, b"US", &[0, 0])
            .with(0x6000, 0x3000, b"OW", &vec![0x55; bytes])
    };
    table.slice("overlay", overlay(8, 8, [1, 1], 8), "ok");
    table.slice(
        "larger than the picture",
        overlay(64, 64, [1, 1], 512),
        "warn OVERLAY_CLIPPED",
    );
    table.slice(
        "outside",
        overlay(8, 8, [-4, -4], 8),
        "warn OVERLAY_CLIPPED",
    );
    table.slice("short", overlay(8, 8, [1, 1], 6), "warn OVERLAY_NOT_DRAWN");
    table.slice("empty", overlay(0, 0, [1, 1], 8), "warn OVERLAY_NOT_DRAWN");
    table.slice(
        "65,535 squared",
        overlay(65_535, 65_535, [1, 1], 8),
        "warn OVERLAY_NOT_DRAWN",
    );
    let embedded = |position: u8| {
        with(|s| (s.stored, s.high) = (12, 11))
            .with(0x6000, 0x10, b"US", &[8, 0])
            .with(0x6000, 0x11, b"US", &[8, 0])
            .text(0x6000, 0x40, b"CS", "G")
            .with(0x6000, 0x50, b"SS", &[1, 0, 1, 0])
            .with(0x6000, 0x100, b"US", &[16, 0])
            .with(0x6000, 0x102, b"US", &[position, 0])
    };
    table.slice("in a high bit", embedded(12), "ok");
    table.slice(
        "in a bit of the values",
        embedded(3),
        "warn OVERLAY_NOT_DRAWN",
    );
    table.slice(
        "in a bit that is not there",
        embedded(16),
        "warn OVERLAY_NOT_DRAWN",
    );
    table.check("overlays");
}

#[test]
fn numbers_of_values() {
    let mut table = Table::default();
    let rescale = |intercept, slope| with(|s| s.rescale = Some((intercept, slope)));
    for bad in ["abc", "NaN", "1e400", "inf", "1\\2", "--1", "1,5", "0x10"] {
        table.slice(
            format!("slope {bad}"),
            rescale("-1024", bad),
            "rejected BAD_RESCALE",
        );
        table.slice(
            format!("intercept {bad}"),
            rescale(bad, "1"),
            "rejected BAD_RESCALE",
        );
    }
    table.slice("slope 0", rescale("-1024", "0"), "rejected BAD_RESCALE");
    table.slice(
        "slope -0.0",
        rescale("-1024", "-0.0"),
        "rejected BAD_RESCALE",
    );
    table.slice("negative slope", rescale("-1024", "-2"), "ok");
    table.slice(
        "empty slope",
        rescale("-1024", ""),
        "warn RESCALE_INCOMPLETE",
    );
    table.slice(
        "empty intercept",
        rescale("", "1"),
        "warn RESCALE_INCOMPLETE",
    );
    table.slice("both empty", rescale("", ""), "ok");
    table.slice(
        "no slope",
        base().without(0x28, 0x1053),
        "warn RESCALE_INCOMPLETE",
    );
    table.slice(
        "no intercept",
        base().without(0x28, 0x1052),
        "warn RESCALE_INCOMPLETE",
    );
    let window = |center: &str, width: &str| {
        base()
            .text(0x28, 0x1050, b"DS", center)
            .text(0x28, 0x1051, b"DS", width)
    };
    table.slice("window", window("40", "400"), "ok");
    for width in ["0", "-5", "1e30", "wide", "NaN"] {
        table.slice(
            format!("width {width}"),
            window("40", width),
            "warn WINDOW_INVALID",
        );
    }
    table.slice(
        "centre 1e400",
        window("1e400", "400"),
        "warn WINDOW_INVALID",
    );
    table.slice(
        "3 centres, 2 widths",
        window("1\\2\\3", "10\\20"),
        "warn WINDOW_COUNT",
    );
    table.slice(
        "SIGMOID",
        window("40", "400").text(0x28, 0x1056, b"CS", "SIGMOID"),
        "ok",
    );
    table.slice(
        "LINEAR_EXACT",
        window("40", "400").text(0x28, 0x1056, b"CS", "LINEAR_EXACT"),
        "ok",
    );
    table.slice(
        "CURVED",
        window("40", "400").text(0x28, 0x1056, b"CS", "CURVED"),
        "warn VOI_FUNCTION",
    );
    let table_of = |tag: u16, descriptor: [u16; 3], entries: usize| {
        let words: Vec<u8> = descriptor.iter().flat_map(|w| w.to_le_bytes()).collect();
        let item = Bytes::default().put(0x28, 0x3002, b"US", &words).put(
            0x28,
            0x3006,
            b"OW",
            &vec![3; entries * 2],
        );
        let sequence = Bytes::default().sequence(0x28, tag, &[item]).0;
        let mut slice = base();
        slice.rescale = None;
        slice.more.push((0x28, tag, sequence));
        slice
    };
    table.slice("VOI LUT", table_of(0x3010, [256, 0, 16], 256), "ok");
    for (count, entries) in [(0u16, 0), (1, 1), (256, 0), (256, 100), (0, 256)] {
        let slice = table_of(0x3010, [count, 0, 16], entries);
        table.slice(
            format!("VOI LUT of {count} with {entries}"),
            slice,
            "warn VOI_LUT_INVALID",
        );
        let slice = table_of(0x3000, [count, 0, 16], entries);
        table.slice(
            format!("modality LUT of {count} with {entries}"),
            slice,
            "rejected BAD_MODALITY_LUT",
        );
    }
    let padding = |value: i32, limit: Option<i32>| {
        let slice = with(|s| (s.stored, s.high) = (12, 11)).with(
            0x28,
            0x120,
            b"SS",
            &(value as i16).to_le_bytes(),
        );
        match limit {
            Some(limit) => slice.with(0x28, 0x121, b"SS", &(limit as i16).to_le_bytes()),
            None => slice,
        }
    };
    table.slice("padding", padding(-2000, None), "ok");
    table.slice(
        "padding that cannot be",
        padding(30_000, None),
        "warn PADDING_RANGE",
    );
    table.slice("padding range", padding(-2048, Some(-2000)), "ok");
    table.slice(
        "padding range the other way",
        padding(-2000, Some(-2048)),
        "ok",
    );
    table.slice(
        "padding range that cannot be",
        padding(20_000, Some(30_000)),
        "warn PADDING_RANGE",
    );
    table.check("values");
}

#[test]
fn numbers_of_places() {
    let mut table = Table::default();
    for text in [
        "0\\0",
        "-1\\1",
        "NaN\\1",
        "0.2\\0\\0.2",
        "1",
        "1e-9\\1e-9",
        "1e6\\1e6",
        "a\\b",
        "1e400\\1",
        "\\",
    ] {
        let slice = with(|s| s.spacing = Some(text.to_owned()));
        let expected = if text == "\\" {
            "ok"
        } else {
            "warn SPACING_INVALID"
        };
        table.slice(format!("spacing {text}"), slice, expected);
    }
    let aspect = |text: &str| with(|s| s.spacing = None).text(0x28, 0x34, b"IS", text);
    table.slice("aspect 0:1", aspect("0\\1"), "rejected BAD_ASPECT");
    table.slice("aspect 1:0", aspect("1\\0"), "rejected BAD_ASPECT");
    table.slice("aspect -1:1", aspect("-1\\1"), "rejected BAD_ASPECT");
    table.slice("aspect 2:1", aspect("2\\1"), "ok");
    table.slice("aspect 1", aspect("1"), "warn ASPECT_INVALID");
    for text in [
        "1\\0\\0\\1\\0\\0",
        "0\\0\\0\\0\\0\\0",
        "2\\0\\0\\0\\1\\0",
        "1\\0\\0\\0\\1",
        "1\\0\\0\\0.5\\0.5\\0",
        "NaN\\0\\0\\0\\1\\0",
        "1e200\\0\\0\\0\\1\\0",
    ] {
        table.slice(
            format!("orientation {text}"),
            base().text(0x20, 0x37, b"DS", text),
            "warn ORIENTATION_INVALID",
        );
    }
    for text in ["1e20\\0\\0", "0\\0", "a\\b\\c", "NaN\\0\\0"] {
        table.slice(
            format!("position {text}"),
            base().text(0x20, 0x32, b"DS", text),
            "warn ORIENTATION_INVALID",
        );
    }
    let side = |series: &str, image: &str, text: &str| {
        base()
            .text(0x20, 0x60, b"CS", series)
            .text(0x20, 0x62, b"CS", image)
            .text(8, 0x103E, b"LO", text)
    };
    table.slice("L and R", side("L", "R", ""), "warn LATERALITY_CONFLICT");
    table.slice(
        "R, left knee",
        side("", "R", "LEFT KNEE"),
        "warn LATERALITY_TEXT",
    );
    table.slice(
        "L, RT HAND",
        side("L", "", "RT HAND"),
        "warn LATERALITY_TEXT",
    );
    table.slice("R, left lateral", side("", "R", "CHEST LEFT LATERAL"), "ok");
    table.slice("L, left knee", side("", "L", "LEFT KNEE"), "ok");
    let hanzi =
        side("", "R", "")
            .text(8, 5, b"CS", "ISO_IR 192")
            .text(8, 0x103E, b"LO", "左膝正侧位");
    table.slice("R, 左膝", hanzi, "warn LATERALITY_TEXT");
    table.slice(
        "lossy, ratio known",
        base()
            .text(0x28, 0x2110, b"CS", "01")
            .text(0x28, 0x2112, b"DS", "10\\20"),
        "warn LOSSY",
    );
    table.slice(
        "lossy, ratio missing",
        base().text(0x28, 0x2110, b"CS", "01"),
        "warn LOSSY",
    );
    table.check("places");
}
