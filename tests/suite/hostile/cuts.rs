//! Files that end early, 37 and 38: cut at every offset they are never a picture that is whole.

use super::{Expected, Table, base, eight_bits, encapsulated::JPEG, with};
use crate::bad_input::build::{
    DEFLATED, EXPLICIT, RLE, Slice, deflate_stored, file, fragments, jpeg_of, rle_frame,
};

/// Every beginning of a file, each with an identifier of its own: those that are read are no copies of each other.
fn beginnings(
    table: &mut Table,
    name: &str,
    make: &dyn Fn(&str) -> Vec<u8>,
    most: usize,
    delimiter: bool,
) {
    let whole = make("1.2.3.4.000000").len();
    for end in 0..whole.min(most) {
        let bytes = make(&format!("1.2.3.4.{end:06}"));
        assert_eq!(bytes.len(), whole);
        // The last delimiter alone may be missing: the frame is whole then, and the lack is said.
        let expected = if delimiter && end + 8 >= whole {
            Expected::NotOk
        } else {
            Expected::Refused
        };
        table.rows.push((
            format!("{name}, {end} of {whole}"),
            bytes[..end].to_vec(),
            expected,
        ));
    }
}

fn of(slice: Slice, uid: &str) -> Slice {
    Slice {
        uid: uid.to_owned(),
        ..slice
    }
}

#[test]
fn native_files_cut_at_every_offset() {
    let mut table = Table::default();
    let native = |uid: &str| {
        let slice = of(base(), uid)
            .text(8, 0x103E, b"LO", &"description ".repeat(5))
            .with(9, 0x1010, b"UN", &[7; 1200]);
        slice.file(EXPLICIT)
    };
    beginnings(&mut table, "native", &native, 2000, false);
    table.check("native cuts");
}

#[test]
fn encapsulated_files_cut_at_every_offset() {
    let mut table = Table::default();
    let low: Vec<u8> = (0..64).collect();
    let rle = |uid: &str| {
        let frame = rle_frame(&[&[0; 64], &low]);
        let mut slice = of(with(|s| (s.signed, s.frames) = (0, Some("2"))), uid);
        slice.pixels = fragments(&[0, frame.len() as u32 + 8], &[&frame, &frame]);
        slice.file(RLE)
    };
    beginnings(&mut table, "RLE", &rle, 4000, true);
    let picture = jpeg_of(8, 8);
    let jpeg = |uid: &str| {
        let mut slice = of(eight_bits(), uid);
        slice.pixels = fragments(&[], &[&picture]);
        slice.file(JPEG)
    };
    beginnings(&mut table, "JPEG", &jpeg, 4000, true);
    table.check("encapsulated cuts");
}

#[test]
fn codestreams_cut_at_every_offset() {
    let mut table = Table::default();
    let picture = jpeg_of(8, 8);
    for end in 0..picture.len() {
        let mut slice = eight_bits();
        slice.pixels = fragments(&[], &[&picture[..end]]);
        let odd = end % 2 == 1;
        let name = format!("JPEG stream, {end} of {}", picture.len());
        table.rows.push((
            name,
            slice.file(JPEG),
            if odd {
                Expected::NotOk
            } else {
                Expected::Refused
            },
        ));
    }
    let frame = rle_frame(&[&[0; 64], &(0..64).collect::<Vec<u8>>()]);
    // What follows the last value of the last plane is padding.
    for end in 0..frame.len() - 1 {
        let mut slice = with(|s| s.signed = 0);
        slice.pixels = fragments(&[], &[&frame[..end]]);
        table.rows.push((
            format!("RLE stream, {end}"),
            slice.file(RLE),
            Expected::Refused,
        ));
    }
    table.check("codestream cuts");
}

#[test]
fn deflated_files_cut_at_every_offset() {
    let mut table = Table::default();
    let deflated = |uid: &str| file(DEFLATED, &deflate_stored(&of(base(), uid).data_set()));
    beginnings(&mut table, "deflated", &deflated, 4000, false);
    let packed = || deflate_stored(&base().data_set());
    let with_head = |head: &[u8]| file(DEFLATED, &[head.to_vec(), packed()].concat());
    let with_tail = |tail: &[u8]| file(DEFLATED, &[packed(), tail.to_vec()].concat());
    table.file(
        "garbage",
        file(DEFLATED, &[7; 200]),
        "rejected INFLATE_CORRUPT",
    );
    table.file(
        "zlib header",
        with_head(&[0x78, 0x9C]),
        "rejected INFLATE_CORRUPT",
    );
    table.file("one zero behind", with_tail(&[0]), "ok");
    table.file("zeros behind", with_tail(&[0; 64]), "warn TRAILING_BYTES");
    table.file(
        "checksum behind",
        with_tail(&[1, 2, 3, 4]),
        "warn TRAILING_BYTES",
    );
    table.file(
        "a second stream behind",
        with_tail(&packed()),
        "warn TRAILING_BYTES",
    );
    table.check("deflated");
}
