//! Chapter "encapsulated", 58 to 69: fragments, offset tables, and codestreams that lie about themselves.

use super::{Table, base, eight_bits, with};
use crate::bad_input::build::{
    Bytes, DEFLATED_FRAME, EXPLICIT, RLE, Slice, deflate_stored, fragments, jpeg_of, rle_frame,
};

pub const JPEG: &str = "1.2.840.10008.1.2.4.50";
const JPEG_12: &str = "1.2.840.10008.1.2.4.51";
const JPEG_LOSSLESS: &str = "1.2.840.10008.1.2.4.70";
const JPEG_LS: &str = "1.2.840.10008.1.2.4.80";
const J2K: &str = "1.2.840.10008.1.2.4.90";
const J2K_LOSSY: &str = "1.2.840.10008.1.2.4.91";
const HTJ2K: &str = "1.2.840.10008.1.2.4.201";
const JPEG_XL: &str = "1.2.840.10008.1.2.4.110";

/// A good RLE frame of a slice: high bytes zero, low bytes counting.
fn rle() -> Vec<u8> {
    rle_frame(&[&[0; 64], &(0..64).collect::<Vec<u8>>()])
}

fn coded(syntax: &str, mut slice: Slice, pixels: Vec<u8>) -> Vec<u8> {
    slice.pixels = pixels;
    slice.file(syntax)
}

fn unsigned(frames: Option<&'static str>) -> Slice {
    with(|s| (s.frames, s.signed) = (frames, 0))
}

#[test]
fn fragments_and_offset_tables() {
    let mut table = Table::default();
    let good = rle();
    let step = good.len() as u32 + 8;
    let file = |offsets: &[u32], list: &[&[u8]], frames| {
        coded(RLE, unsigned(frames), fragments(offsets, list))
    };
    table.file("one frame", file(&[], &[&good], None), "ok");
    table.file("one frame, table", file(&[0], &[&good], None), "ok");
    table.file("two frames", file(&[], &[&good, &good], Some("2")), "ok");
    table.file(
        "two frames, table",
        file(&[0, step], &[&good, &good], Some("2")),
        "ok",
    );
    for (name, offsets) in [
        ("past the end", [0, 90_000]),
        ("at the end", [0, 2 * step]),
        ("backwards", [step, 0]),
        ("overlapping", [0, 0]),
        ("off by one", [0, step + 1]),
        ("off by eight", [0, step - 8]),
        ("the first not at the beginning", [step, 2 * step]),
        ("4 GiB", [0, u32::MAX]),
    ] {
        let bytes = file(&offsets, &[&good, &good], Some("2"));
        table.file(format!("table {name}"), bytes, "rejected OFFSET_TABLE");
    }
    table.file(
        "table too short",
        file(&[0], &[&good, &good], Some("2")),
        "rejected OFFSET_TABLE",
    );
    table.file(
        "table too long",
        file(&[0, step, 2 * step], &[&good, &good], Some("2")),
        "rejected OFFSET_TABLE",
    );
    table.file(
        "too few",
        file(&[], &[&good], Some("2")),
        "rejected FRAMES_EXCEED_DATA",
    );
    table.file(
        "too many",
        file(&[], &[&good, &good, &good], Some("2")),
        "rejected FRAMES_UNKNOWN",
    );
    table.file(
        "no fragment",
        file(&[], &[], None),
        "rejected FRAMES_EXCEED_DATA",
    );
    table.file(
        "an empty fragment",
        file(&[], &[&[]], None),
        "rejected FRAMES_EXCEED_DATA",
    );
    table.file(
        "an empty fragment between",
        file(&[], &[&good, &[], &good], Some("2")),
        "ok",
    );
    // One fragment a frame, says PS3.5 section A.4.2.
    let halves = good.split_at(66);
    table.file(
        "RLE in two fragments",
        file(&[], &[halves.0, halves.1], None),
        "warn FRAME_DIVIDED",
    );
    table.file(
        "two RLE frames and one declared",
        file(&[], &[&good, &good], None),
        "warn FRAME_DIVIDED",
    );
    table.file(
        "RLE in two fragments each, table",
        file(
            &[0, step + 8],
            &[halves.0, halves.1, halves.0, halves.1],
            Some("2"),
        ),
        "warn FRAME_DIVIDED",
    );
    let mut odd = fragments(&[], &[&good]);
    odd[24..28].copy_from_slice(&(good.len() as u32 - 1).to_le_bytes());
    table.file(
        "a fragment of odd length",
        coded(RLE, unsigned(None), odd),
        "rejected BAD_ITEM",
    );
    for length in [0xFFFF_FFFEu32, 0x7FFF_FFFE, good.len() as u32 + 9] {
        let mut long = fragments(&[], &[&good]);
        long[24..28].copy_from_slice(&length.to_le_bytes());
        table.file(
            format!("a fragment of {length}"),
            coded(RLE, unsigned(None), long),
            "rejected LEN_PAST_END",
        );
    }
    let mut undefined = fragments(&[], &[&good]);
    undefined[24..28].fill(0xFF);
    table.file(
        "a fragment of undefined length",
        coded(RLE, unsigned(None), undefined),
        "rejected LEN_UNDEFINED",
    );
    for length in [1u32, 2, 3, 0xFFFF_FFF0] {
        let mut lie = fragments(&[], &[&good]);
        lie[16..20].copy_from_slice(&length.to_le_bytes());
        let expected = if length > 3 {
            "rejected LEN_PAST_END"
        } else {
            "rejected OFFSET_TABLE"
        };
        table.file(
            format!("a table of {length} bytes"),
            coded(RLE, unsigned(None), lie),
            expected,
        );
    }
    let mut open = fragments(&[], &[&good]);
    open.truncate(open.len() - 8);
    table.file(
        "no delimiter",
        coded(RLE, unsigned(None), open),
        "warn NO_DELIMITER",
    );
    table.file(
        "native, encapsulated",
        coded(EXPLICIT, unsigned(None), fragments(&[], &[&good])),
        "rejected NATIVE_ENCAPSULATED",
    );
    for syntax in [
        RLE,
        JPEG,
        JPEG_LS,
        J2K,
        HTJ2K,
        JPEG_XL,
        DEFLATED_FRAME,
        "1.2.840.10008.1.2.1.98",
    ] {
        table.file(
            format!("{syntax} native"),
            base().file(syntax),
            "rejected COMPRESSED_NATIVE",
        );
    }
    let many = vec![good.as_slice(); 65_000];
    table.file(
        "65,000 fragments of one frame",
        file(&[], &many, None),
        "warn FRAME_DIVIDED",
    );
    let tiny: &[u8] = &[1, 2];
    let million = vec![tiny; 1_000_001];
    table.file(
        "1,000,001 fragments",
        file(&[], &million, None),
        "limit FRAGMENTS",
    );
    let picture = jpeg_of(8, 8);
    let jpeg = |offsets: &[u32], list: &[&[u8]], frames| {
        let slice = Slice {
            frames,
            ..eight_bits()
        };
        coded(
            JPEG,
            slice.text(0x28, 0x2110, b"CS", "01"),
            fragments(offsets, list),
        )
    };
    let (first, second) = picture.split_at(200);
    table.file(
        "JPEG in two fragments",
        jpeg(&[], &[first, second], None),
        "warn LOSSY",
    );
    table.file(
        "two JPEG and one declared",
        jpeg(&[], &[&picture, &picture], None),
        "warn FRAMES_UNDECLARED",
    );
    table.file(
        "two JPEG, one in the table",
        jpeg(&[0], &[&picture, &picture], None),
        "warn FRAMES_UNDECLARED",
    );
    table.file(
        "two JPEG in two fragments each",
        jpeg(&[], &[first, second, first, second], Some("2")),
        "warn LOSSY",
    );
    table.check("fragments");
}

#[test]
fn extended_offset_tables() {
    let mut table = Table::default();
    let frame = rle();
    let (step, length) = (frame.len() as u64 + 8, frame.len() as u64);
    let file = |offsets: &[u64], lengths: &[u64], basic: &[u32]| {
        let bytes = |v: &[u64]| v.iter().flat_map(|o| o.to_le_bytes()).collect::<Vec<u8>>();
        let pixels = Bytes::default()
            .put(0x7FE0, 1, b"OV", &bytes(offsets))
            .put(0x7FE0, 2, b"OV", &bytes(lengths))
            .raw(&fragments(basic, &[&frame, &frame]));
        coded(RLE, unsigned(Some("2")), pixels.0)
    };
    table.file("good", file(&[0, step], &[length, length], &[]), "ok");
    table.file(
        "agreeing",
        file(&[0, step], &[length, length], &[0, step as u32]),
        "ok",
    );
    table.file(
        "contradicting",
        file(&[0, step], &[length, length], &[0, 4]),
        "rejected OFFSET_TABLES_DIFFER",
    );
    for (name, offsets, lengths) in [
        ("past the end", vec![0, u64::MAX], vec![length; 2]),
        ("overflowing", vec![0, u64::MAX - 7], vec![length; 2]),
        ("backwards", vec![step, 0], vec![length; 2]),
        ("too few", vec![0], vec![length]),
        ("too many", vec![0, step, 2 * step], vec![length; 3]),
        ("lengths too long", vec![0, step], vec![length, 1 << 40]),
        ("lengths too few", vec![0, step], vec![length]),
        ("lengths that overflow", vec![0, step], vec![u64::MAX; 2]),
    ] {
        table.file(name, file(&offsets, &lengths, &[]), "rejected OFFSET_TABLE");
    }
    table.file(
        "lengths too short",
        file(&[0, step], &[length, 70], &[]),
        "rejected RLE_HEADER",
    );
    table.file(
        "lengths of zero",
        file(&[0, step], &[length, 0], &[]),
        "rejected RLE_HEADER",
    );
    table.check("extended tables");
}

#[test]
fn rle_frames() {
    let mut table = Table::default();
    let good = rle();
    let file = |frame: &[u8]| coded(RLE, unsigned(None), fragments(&[], &[frame]));
    for length in [2usize, 4, 32, 62, 64] {
        table.file(
            format!("{length} bytes"),
            file(&good[..length]),
            "rejected RLE_HEADER",
        );
    }
    let changed = |at: usize, bytes: &[u8]| {
        let mut frame = good.clone();
        frame[at..at + bytes.len()].copy_from_slice(bytes);
        file(&frame)
    };
    for count in [0u32, 1, 3, 15, 16, 0x7FFF_FFFF, u32::MAX] {
        table.file(
            format!("{count} segments"),
            changed(0, &count.to_le_bytes()),
            "rejected RLE_HEADER",
        );
    }
    for offset in [0u32, 4, 63, 65, 90_000, 0xFFFF_FF00, u32::MAX] {
        table.file(
            format!("first at {offset}"),
            changed(4, &offset.to_le_bytes()),
            "rejected RLE_HEADER",
        );
    }
    for offset in [0u32, 63, 90_000, u32::MAX] {
        table.file(
            format!("second at {offset}"),
            changed(8, &offset.to_le_bytes()),
            "rejected RLE_HEADER",
        );
    }
    table.file(
        "second where the first is",
        changed(8, &64u32.to_le_bytes()),
        "rejected RLE_SHORT",
    );
    table.file(
        "a literal past its segment",
        changed(64, &[127]),
        "rejected RLE_SHORT",
    );
    table.file(
        "a repeat past its plane",
        changed(64, &[129]),
        "rejected RLE_OVERRUN",
    );
    table.file(
        "nothing but no-ops",
        file(&{
            let mut frame = good[..64].to_vec();
            frame[8..12].copy_from_slice(&66u32.to_le_bytes());
            frame.extend([128; 8]);
            frame
        }),
        "rejected RLE_SHORT",
    );
    let bytes = rle_frame(&[&[0; 64], &[1; 64], &[2; 64]]);
    table.file(
        "three segments for two",
        file(&bytes),
        "rejected RLE_HEADER",
    );
    table.check("RLE");
}

#[test]
fn jpeg_frames() {
    let mut table = Table::default();
    let picture = jpeg_of(8, 8);
    let file = |syntax: &str, stream: &[u8]| coded(syntax, eight_bits(), fragments(&[], &[stream]));
    table.file("JPEG", file(JPEG, &picture), "warn LOSSY_UNDECLARED");
    for (columns, rows) in [(8, 9), (9, 8), (16, 16), (1, 1)] {
        table.file(
            format!("{columns} x {rows}"),
            file(JPEG, &jpeg_of(columns, rows)),
            "rejected JPEG_SIZE",
        );
    }
    let end = picture.len();
    table.file(
        "no end",
        file(JPEG, &picture[..end - 2]),
        "rejected JPEG_NO_END",
    );
    table.file(
        "no data",
        file(JPEG, &[&picture[..end - 10], &[0xFF, 0xD9]].concat()),
        "rejected JPEG_SHORT",
    );
    table.file("noise", file(JPEG, &[1; 100]), "rejected JPEG_CORRUPT");
    table.file(
        "start alone",
        file(JPEG, &[0xFF, 0xD8]),
        "rejected JPEG_CORRUPT",
    );
    table.file(
        "start and end",
        file(JPEG, &[0xFF, 0xD8, 0xFF, 0xD9]),
        "rejected JPEG_CORRUPT",
    );
    table.file(
        "a thousand fill bytes",
        file(JPEG, &[[0xFF, 0xD8].as_slice(), &[0xFF; 1000]].concat()),
        "rejected JPEG_CORRUPT",
    );
    let find = |marker: u8| {
        picture
            .windows(2)
            .position(|w| w == [0xFF, marker])
            .unwrap()
    };
    let changed = |at: usize, bytes: &[u8]| {
        let mut stream = picture.clone();
        stream[at..at + bytes.len()].copy_from_slice(bytes);
        stream
    };
    let sof = find(0xC0);
    table.file(
        "65,535 squared",
        file(JPEG, &changed(sof + 5, &[0xFF; 4])),
        "rejected JPEG_SIZE",
    );
    table.file(
        "no rows",
        file(JPEG, &changed(sof + 5, &[0, 0])),
        "rejected JPEG_SIZE",
    );
    table.file(
        "12 bits in baseline",
        file(JPEG, &changed(sof + 4, &[12])),
        "rejected JPEG_CORRUPT",
    );
    table.file(
        "0 bits",
        file(JPEG, &changed(sof + 4, &[0])),
        "rejected JPEG_CORRUPT",
    );
    let mut twelve = changed(sof + 4, &[12]);
    twelve[sof + 1] = 0xC1;
    table.file("12 bits in 8", file(JPEG_12, &twelve), "rejected JPEG_SIZE");
    for (process, expected) in [
        (0xC5, "unsupported JPEG_HIERARCHICAL"),
        (0xC7, "unsupported JPEG_HIERARCHICAL"),
        (0xC9, "unsupported JPEG_ARITHMETIC"),
        (0xCA, "unsupported JPEG_ARITHMETIC"),
        (0xCB, "unsupported JPEG_ARITHMETIC"),
    ] {
        table.file(
            format!("process {process:x}"),
            file(JPEG, &changed(sof + 1, &[process])),
            expected,
        );
    }
    table.file(
        "components 0",
        file(JPEG, &changed(sof + 9, &[0])),
        "rejected JPEG_CORRUPT",
    );
    table.file(
        "components 255",
        file(JPEG, &changed(sof + 9, &[255])),
        "rejected JPEG_CORRUPT",
    );
    table.file(
        "sampling 0",
        file(JPEG, &changed(sof + 11, &[0])),
        "rejected JPEG_CORRUPT",
    );
    table.file(
        "sampling 15",
        file(JPEG, &changed(sof + 11, &[0xFF])),
        "rejected JPEG_CORRUPT",
    );
    table.file(
        "no Huffman table",
        file(JPEG, &changed(find(0xC4) + 1, &[0xFE])),
        "rejected JPEG_CORRUPT",
    );
    table.file(
        "no quantization",
        file(JPEG, &changed(find(0xDB) + 1, &[0xFE])),
        "rejected JPEG_CORRUPT",
    );
    table.file(
        "two frame headers",
        file(JPEG, &{
            let mut stream = picture[..sof + 13].to_vec();
            stream.extend(&picture[sof..]);
            stream
        }),
        "rejected JPEG_CORRUPT",
    );
    let sos = find(0xDA);
    let scan = picture[sos..end - 2].to_vec();
    let mut scans = picture[..sos].to_vec();
    for _ in 0..10_000 {
        scans.extend(&scan);
    }
    scans.extend([0xFF, 0xD9]);
    table.file("10,000 scans", file(JPEG, &scans), "limit JPEG_SCANS");
    let mut profile = picture[..2].to_vec();
    for _ in 0..160 {
        profile.extend([0xFF, 0xE2, 0xFF, 0xFF]);
        profile.extend(vec![7; 65_533]);
    }
    profile.extend(&picture[2..]);
    table.file(
        "a colour profile of 10 MB",
        file(JPEG, &profile),
        "warn LOSSY_UNDECLARED",
    );
    table.file(
        "baseline as lossless",
        file(JPEG_LOSSLESS, &picture),
        "warn LOSSY_UNDECLARED",
    );
    table.check("JPEG");
}

/// A JPEG 2000 codestream of one tile whose packets are nothing.
fn codestream(
    size: [u32; 2],
    tile: [u32; 2],
    components: u16,
    precision: u8,
    levels: u8,
) -> Vec<u8> {
    let mut bytes = vec![0xFF, 0x4F, 0xFF, 0x51];
    bytes.extend((38 + 3 * components).to_be_bytes());
    bytes.extend([0, 0]);
    for word in [size[0], size[1], 0, 0, tile[0], tile[1], 0, 0] {
        bytes.extend(word.to_be_bytes());
    }
    bytes.extend(components.to_be_bytes());
    for _ in 0..components {
        bytes.extend([precision - 1, 1, 1]);
    }
    bytes.extend([0xFF, 0x52, 0, 12, 0, 0, 0, 1, 0, levels, 4, 4, 0, 1]);
    // No quantisation: an exponent a sub-band.
    let bands = 3 * levels + 1;
    bytes.extend([0xFF, 0x5C, 0, 3 + bands, 0x40]);
    bytes.extend(vec![8 << 3; usize::from(bands)]);
    bytes.extend([0xFF, 0x90, 0, 10, 0, 0, 0, 0, 0, 16, 0, 1, 0xFF, 0x93, 7, 7]);
    bytes.extend([0xFF, 0xD9]);
    bytes
}

#[test]
fn jpeg_2000_frames() {
    let mut table = Table::default();
    let file = |syntax: &str, stream: &[u8]| coded(syntax, eight_bits(), fragments(&[], &[stream]));
    let good = || codestream([8, 8], [8, 8], 1, 8, 1);
    for syntax in [J2K, J2K_LOSSY, HTJ2K] {
        table.file("noise", file(syntax, &[1; 100]), "rejected J2K_CORRUPT");
        table.file(
            "a start alone",
            file(syntax, &good()[..4]),
            "rejected J2K_CORRUPT",
        );
        table.file(
            "no end",
            file(syntax, &good()[..good().len() - 2]),
            "rejected J2K_NO_END",
        );
        table.file(
            "33 levels",
            file(syntax, &codestream([8, 8], [8, 8], 1, 8, 33)),
            "rejected J2K_CORRUPT",
        );
        table.file(
            "another size",
            file(syntax, &codestream([9, 8], [9, 8], 1, 8, 1)),
            "rejected J2K_SIZE",
        );
        table.file(
            "65,535 squared",
            file(syntax, &codestream([65_535; 2], [65_535; 2], 1, 8, 1)),
            "rejected J2K_SIZE",
        );
        table.file(
            "4 GiB squared",
            file(syntax, &codestream([u32::MAX; 2], [u32::MAX; 2], 1, 8, 1)),
            "rejected J2K_SIZE",
        );
        table.file(
            "tiles of 0",
            file(syntax, &codestream([8, 8], [0, 0], 1, 8, 1)),
            "rejected J2K_CORRUPT",
        );
        table.file(
            "three components",
            file(syntax, &codestream([8, 8], [8, 8], 3, 8, 1)),
            "rejected J2K_SIZE",
        );
        table.file(
            "4,000 components",
            file(syntax, &codestream([8, 8], [8, 8], 4000, 8, 1)),
            "rejected J2K_SIZE",
        );
        table.file(
            "16 bits in 8",
            file(syntax, &codestream([8, 8], [8, 8], 1, 16, 1)),
            "rejected J2K_SIZE",
        );
    }
    table.file(
        "4,294,836,225 tiles",
        file(J2K, &codestream([65_535; 2], [1, 1], 1, 8, 1)),
        "limit J2K_TILES",
    );
    table.file(
        "38 bits",
        file(J2K, &codestream([8, 8], [8, 8], 1, 38, 1)),
        "unsupported J2K_PRECISION",
    );
    table.check("JPEG 2000");
}

#[test]
fn other_codestreams() {
    let mut table = Table::default();
    let file = |syntax: &str, stream: &[u8]| coded(syntax, eight_bits(), fragments(&[], &[stream]));
    for syntax in [JPEG_LS, "1.2.840.10008.1.2.4.81"] {
        table.file("noise", file(syntax, &[1; 100]), "rejected JPEG_LS_CORRUPT");
        table.file(
            "start alone",
            file(syntax, &[0xFF, 0xD8]),
            "rejected JPEG_LS_SHORT",
        );
    }
    // SOF55 of 8 x 8, one component of 8 bits; a scan with NEAR; no data.
    let jpeg_ls = |near: u8, rows: u16| {
        let mut bytes = vec![0xFF, 0xD8, 0xFF, 0xF7, 0, 11, 8];
        bytes.extend(rows.to_be_bytes());
        bytes.extend([0, 8, 1, 1, 0x11, 0]);
        bytes.extend([0xFF, 0xDA, 0, 8, 1, 1, 0, near, 0, 0]);
        bytes.extend([0xFF, 0xD9]);
        bytes
    };
    table.file(
        "JPEG-LS without data",
        file(JPEG_LS, &jpeg_ls(0, 8)),
        "rejected JPEG_LS_SHORT",
    );
    table.file(
        "JPEG-LS of another size",
        file(JPEG_LS, &jpeg_ls(0, 9)),
        "rejected JPEG_LS_SIZE",
    );
    table.file(
        "JPEG-LS of 65,535 rows",
        file(JPEG_LS, &jpeg_ls(0, 65_535)),
        "rejected JPEG_LS_SIZE",
    );
    // Ones are runs: 6 bits for the first line, and less for each of the others as runs grow longer, 17 in all.
    let flat = |near: u8| {
        let mut bytes = jpeg_ls(near, 8);
        bytes.truncate(bytes.len() - 2);
        bytes.extend([0xFF, 0x7F, 0xC0, 0xFF, 0xD9]);
        bytes
    };
    table.file("a flat JPEG-LS picture", file(JPEG_LS, &flat(0)), "ok");
    table.file(
        "loss under the lossless name",
        file(JPEG_LS, &flat(2)),
        "warn LOSSY_UNDECLARED",
    );
    table.file(
        "noise as JPEG XL",
        file(JPEG_XL, &[1; 100]),
        "rejected JXL_CORRUPT",
    );
    table.file(
        "start of JPEG XL",
        file(JPEG_XL, &[0xFF, 0x0A]),
        "rejected JXL_CORRUPT",
    );
    let frame = |bytes: &[u8]| {
        coded(
            DEFLATED_FRAME,
            eight_bits(),
            fragments(&[], &[&deflate_stored(bytes)]),
        )
    };
    table.file("deflated frame", frame(&[1; 64]), "ok");
    table.file(
        "deflated frame, short",
        frame(&[1; 63]),
        "rejected DECODED_SIZE",
    );
    table.file(
        "deflated frame, long",
        frame(&[1; 66]),
        "rejected DECODED_SIZE",
    );
    table.file(
        "deflated frame, much too long",
        frame(&[1; 6600]),
        "limit INFLATE_LIMIT",
    );
    table.file(
        "deflated frame of noise",
        file(DEFLATED_FRAME, &[7; 100]),
        "rejected INFLATE_CORRUPT",
    );
    let plain = "1.2.840.10008.1.2.1.98";
    table.file("encapsulated", file(plain, &[1; 64]), "ok");
    table.file(
        "encapsulated, short",
        file(plain, &[1; 62]),
        "rejected DECODED_SIZE",
    );
    table.file(
        "encapsulated, long",
        file(plain, &[1; 66]),
        "rejected DECODED_SIZE",
    );
    for video in 100..=108 {
        let uid = format!("1.2.840.10008.1.2.4.{video}");
        table.file(
            format!("video {video}"),
            file(&uid, &[1; 100]),
            "unsupported UNSUPPORTED_SYNTAX",
        );
    }
    table.check("other codecs");
}
