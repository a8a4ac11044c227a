//! Fragments, offset tables, and codestreams.

use super::{
    Bench,
    build::{Bytes, EXPLICIT, RLE, Slice, fragments, jpeg_of, rle_frame},
};

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
