//! Chapter "meta and parsing", 15 to 36: lengths, value representations, nesting, counts, order.

use super::{Table, base};
use crate::bad_input::build::{Bytes, CT, EXPLICIT, IMPLICIT, Slice, file};

const BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";

/// The data set of a slice, written implicitly or in big endian.
fn rewritten(slice: &Slice, big_endian: bool) -> Vec<u8> {
    let explicit = slice.data_set();
    let (mut at, mut out) = (0, Vec::new());
    let swap = |bytes: &[u8], width: usize| -> Vec<u8> {
        bytes
            .chunks(width)
            .flat_map(|v| v.iter().rev().copied())
            .collect()
    };
    while at < explicit.len() {
        let head = &explicit[at..];
        let vr = [head[4], head[5]];
        let long = matches!(&vr, b"OB" | b"OW" | b"OF" | b"SQ" | b"UN" | b"UT");
        let (header, length) = if long {
            (12, u32::from_le_bytes(head[8..12].try_into().unwrap()))
        } else {
            (
                8,
                u32::from(u16::from_le_bytes(head[6..8].try_into().unwrap())),
            )
        };
        let value = &head[header..header + length as usize];
        if big_endian {
            out.extend([head[1], head[0], head[3], head[2], vr[0], vr[1]]);
            if long {
                out.extend([0, 0]);
                out.extend(length.to_be_bytes());
            } else {
                out.extend((length as u16).to_be_bytes());
            }
            out.extend(match &vr {
                b"US" | b"SS" | b"OW" => swap(value, 2),
                b"UL" => swap(value, 4),
                _ => value.to_vec(),
            });
        } else {
            out.extend(&head[..4]);
            out.extend(length.to_le_bytes());
            out.extend(value);
        }
        at += header + length as usize;
    }
    out
}

#[test]
fn meta_headers() {
    let mut table = Table::default();
    let with_length = |length: u32| {
        let mut bytes = base().file(EXPLICIT);
        bytes[140..144].copy_from_slice(&length.to_le_bytes());
        bytes
    };
    let right = u32::from_le_bytes(base().file(EXPLICIT)[140..144].try_into().unwrap());
    for length in [
        0,
        1,
        right - 2,
        right - 1,
        right + 1,
        right + 2,
        0x7FFF_FFFF,
        0xFFFF_FFF0,
    ] {
        let name = format!("group length {length}");
        table.file(name, with_length(length), "warn META_LENGTH");
    }
    let meta = |elements: Bytes| {
        let mut bytes = vec![0; 128];
        bytes.extend(b"DICM");
        bytes.extend(elements.0);
        bytes.extend(base().data_set());
        bytes
    };
    let class = || Bytes::default().text(2, 2, b"UI", CT);
    table.file(
        "no group length",
        meta(class().text(2, 0x10, b"UI", EXPLICIT)),
        "ok",
    );
    table.file("no syntax", meta(class()), "rejected NO_TRANSFER_SYNTAX");
    table.file(
        "empty syntax",
        meta(class().text(2, 0x10, b"UI", "")),
        "rejected NO_TRANSFER_SYNTAX",
    );
    table.file(
        "unknown syntax",
        file("1.2.3.4.5", &base().data_set()),
        "unsupported UNKNOWN_SYNTAX",
    );
    for uid in [
        "1.2.840.10008.1.2.x",
        "../../etc/passwd",
        "1.2.840.10008.1.2.1\0evil",
        "one.two",
        "1.2.840.10008.1.2.1;rm",
        &"1.2".repeat(30),
        &"9".repeat(65),
    ] {
        table.file(
            format!("syntax {uid:.20}"),
            file(uid, &base().data_set()),
            "rejected BAD_UID",
        );
    }
    for vr in [b"ZZ", b"\0\0", b"??", b"ui"] {
        let lie = class().raw(&[2, 0, 0x10, 0]).raw(vr).raw(&[2, 0, b'1', 0]);
        table.file("syntax of an unknown VR", meta(lie), "rejected BAD_VR");
    }
    for (name, length) in [
        ("4 GiB", 0xFFFF_FFF0u32),
        ("2 GiB", 0x7FFF_FFF0),
        ("1 MiB", 1 << 20),
    ] {
        table.file(
            format!("meta element of {name}"),
            meta(Bytes::default().lie(2, 1, b"OB", length)),
            "rejected LEN_PAST_END",
        );
    }
    table.file(
        "meta element of undefined length",
        meta(Bytes::default().lie(2, 1, b"OB", u32::MAX)),
        "rejected LEN_UNDEFINED",
    );
    let many = (0..300).fold(class(), |all, i| all.text(2, 0x1000 + i, b"SH", "x"));
    table.file("300 meta elements", meta(many), "limit ELEMENTS");
    table.check("meta headers");
}

#[test]
fn encodings_that_are_mislabelled() {
    let mut table = Table::default();
    let (implicit, big) = (rewritten(&base(), false), rewritten(&base(), true));
    table.file("implicit", file(IMPLICIT, &implicit), "ok");
    table.file(
        "big endian",
        file(BIG_ENDIAN, &rewritten(&base(), true)),
        "ok",
    );
    for (name, label, data) in [
        ("explicit as implicit", IMPLICIT, base().data_set()),
        ("explicit as big endian", BIG_ENDIAN, base().data_set()),
        ("implicit as explicit", EXPLICIT, rewritten(&base(), false)),
        ("implicit as big endian", BIG_ENDIAN, implicit.clone()),
        ("big endian as explicit", EXPLICIT, rewritten(&base(), true)),
        ("big endian as implicit", IMPLICIT, big.clone()),
    ] {
        table.file(name, file(label, &data), "warn SYNTAX_MISMATCH");
    }
    table.file(
        "bare implicit",
        rewritten(&base(), false),
        "warn NO_META_HEADER",
    );
    table.file(
        "bare big endian",
        rewritten(&base(), true),
        "warn NO_META_HEADER",
    );
    for video in [
        "100", "101", "102", "103", "104", "105", "106", "107", "108",
    ] {
        let uid = format!("1.2.840.10008.1.2.4.{video}");
        table.file(
            format!("native video {video}"),
            file(&uid, &base().data_set()),
            "rejected COMPRESSED_NATIVE",
        );
    }
    table.check("encodings");
}

fn start() -> Bytes {
    Bytes::default().text(8, 0x16, b"UI", CT)
}

#[test]
fn lengths() {
    let mut table = Table::default();
    for (name, length) in [
        ("2 GiB", 0x7FFF_FFFE),
        ("4 GiB", 0xFFFF_FFFE),
        ("by two", 2),
        ("by one", 1),
    ] {
        for vr in [b"OW", b"OB", b"UN", b"UT", b"SQ"] {
            if length < 4 && vr == b"SQ" {
                continue;
            }
            let bytes = file(EXPLICIT, &start().lie(9, 0x10, vr, length).0);
            table.file(format!("{name} of {vr:?}"), bytes, "rejected LEN_PAST_END");
        }
    }
    for vr in [b"LO", b"US", b"DS", b"UI"] {
        let bytes = file(EXPLICIT, &start().lie(9, 0x10, vr, 0xFFFE).0);
        table.file(format!("short {vr:?}"), bytes, "rejected LEN_PAST_END");
    }
    let rest = base().data_set();
    for length in [1, 3, 5] {
        let odd = start()
            .lie(8, 0x20, b"DA", length)
            .raw(&vec![b'1'; length as usize])
            .raw(&rest);
        table.file(
            format!("odd {length}"),
            file(EXPLICIT, &odd.0),
            "rejected LEN_ODD",
        );
    }
    for (vr, length) in [(b"US", 2), (b"UL", 4), (b"FL", 4), (b"FD", 8), (b"AT", 4)] {
        let short = start().lie(8, 0x9000, vr, length - 2 + if length == 2 { 1 } else { 0 });
        let bytes = short
            .raw(&[0; 8][..length as usize - 2 + usize::from(length == 2)])
            .raw(&rest);
        let expected = if length == 2 {
            "rejected LEN_ODD"
        } else {
            "rejected LEN_VALUE"
        };
        table.file(format!("half a {vr:?}"), file(EXPLICIT, &bytes.0), expected);
    }
    for vr in [b"OB", b"OW", b"UT", b"UC", b"OF", b"OD"] {
        let undefined = start()
            .raw(&[0x10, 0, 0, 0x40])
            .raw(vr)
            .raw(&[0, 0, 255, 255, 255, 255])
            .raw(&rest);
        table.file(
            format!("undefined {vr:?}"),
            file(EXPLICIT, &undefined.0),
            "rejected LEN_UNDEFINED",
        );
    }
    let unknown = start()
        .raw(&[9, 0, 0x10, 0, b'?', b'?', 2, 0, 1, 1])
        .raw(&rest);
    table.file("unknown VR", file(EXPLICIT, &unknown.0), "rejected BAD_VR");
    table.check("lengths");
}

/// An element in front of the rest of a good slice, in its place by its tag.
fn before_the_rest(element: &[u8]) -> Vec<u8> {
    let slice = base();
    let whole = slice.data_set();
    // Behind Image Type (0008,0008), the first element of the slice.
    let first = 8 + usize::from(u16::from_le_bytes([whole[6], whole[7]]));
    let tag = |bytes: &[u8]| {
        (
            u16::from_le_bytes([bytes[0], bytes[1]]),
            u16::from_le_bytes([bytes[2], bytes[3]]),
        )
    };
    assert!(tag(element) > tag(&whole));
    let mut out = whole[..first].to_vec();
    let mut rest = whole[first..].to_vec();
    let mut at = 0;
    // Goes behind what comes before it.
    while at < rest.len() && tag(&rest[at..]) < tag(element) {
        at += 8 + usize::from(u16::from_le_bytes([rest[at + 6], rest[at + 7]]));
    }
    let tail = rest.split_off(at);
    out.extend(rest);
    out.extend(element);
    out.extend(tail);
    file(EXPLICIT, &out)
}

#[test]
fn sequences_items_and_delimiters() {
    let mut table = Table::default();
    const ITEM: [u8; 4] = [0xFE, 0xFF, 0x00, 0xE0];
    const ITEM_END: [u8; 4] = [0xFE, 0xFF, 0x0D, 0xE0];
    const END: [u8; 4] = [0xFE, 0xFF, 0xDD, 0xE0];
    let open = |body: &[&[u8]]| {
        Bytes::default()
            .lie(8, 0x1140, b"SQ", u32::MAX)
            .raw(&body.concat())
            .0
    };
    let uid = Bytes::default().text(8, 0x1150, b"UI", "1.2.3").0;
    let long = [255; 4];
    let none = [0; 4];
    table.file(
        "whole",
        before_the_rest(&open(&[&ITEM, &long, &uid, &ITEM_END, &none, &END, &none])),
        "ok",
    );
    table.file("empty", before_the_rest(&open(&[&END, &none])), "ok");
    for length in [[1, 0, 0, 0], [8, 0, 0, 0], long] {
        table.file(
            "item delimiter with a length",
            before_the_rest(&open(&[
                &ITEM, &long, &uid, &ITEM_END, &length, &END, &none,
            ])),
            "warn DELIMITER_LENGTH",
        );
        table.file(
            "sequence delimiter with a length",
            before_the_rest(&open(&[
                &ITEM, &long, &uid, &ITEM_END, &none, &END, &length,
            ])),
            "warn DELIMITER_LENGTH",
        );
    }
    let fixed = (uid.len() as u32).to_le_bytes();
    table.file(
        "mixed",
        before_the_rest(&open(&[&ITEM, &fixed, &uid, &END, &none])),
        "ok",
    );
    table.file(
        "no item",
        before_the_rest(&open(&[&uid, &END, &none])),
        "rejected BAD_ITEM",
    );
    table.file(
        "item delimiter where a sequence ends",
        before_the_rest(&open(&[&ITEM, &fixed, &uid, &ITEM_END, &none])),
        "rejected STRAY_ITEM",
    );
    table.file(
        "sequence delimiter within an item",
        before_the_rest(&open(&[&ITEM, &long, &uid, &END, &none])),
        "rejected STRAY_ITEM",
    );
    for (name, length) in [("by two", uid.len() as u32 + 2), ("4 GiB", u32::MAX - 1)] {
        let lie = Bytes::default().put(
            8,
            0x1140,
            b"SQ",
            &[&ITEM, length.to_le_bytes().as_slice(), &uid].concat(),
        );
        table.file(
            format!("item too long {name}"),
            before_the_rest(&lie.0),
            "rejected LEN_PAST_END",
        );
    }
    for bytes in [1usize, 4, 7] {
        let size = (bytes as u32).to_le_bytes();
        let item = [&ITEM, size.as_slice(), &vec![8; bytes]].concat();
        let lie = Bytes::default().put(8, 0x1140, b"SQ", &item);
        table.file(
            format!("item of {bytes}"),
            before_the_rest(&lie.0),
            "rejected ELEMENT_CUT",
        );
    }
    for (name, tag) in [("item", ITEM_END), ("sequence", END)] {
        let stray = start().raw(&tag).raw(&none).raw(&base().data_set());
        table.file(
            format!("stray {name} delimiter"),
            file(EXPLICIT, &stray.0),
            "rejected STRAY_DELIMITER",
        );
    }
    let stray = before_the_rest(
        &[
            Bytes::default().lie(8, 0x1140, b"SQ", 0).0,
            ITEM.to_vec(),
            none.to_vec(),
        ]
        .concat(),
    );
    table.file("item behind an empty sequence", stray, "warn STRAY_ITEM");
    let stray = start()
        .raw(&ITEM)
        .raw(&[0xF0, 255, 255, 255])
        .raw(&base().data_set());
    table.file(
        "stray item of 4 GiB",
        file(EXPLICIT, &stray.0),
        "rejected STRAY_ITEM",
    );
    // A UN of undefined length holds implicit elements.
    let implicit = [[8, 0, 0x50, 0x11, 4, 0, 0, 0].as_slice(), b"1.2\0"].concat();
    let unknown = Bytes::default().lie(9, 0x1010, b"UN", u32::MAX).raw(
        &[
            &ITEM,
            long.as_slice(),
            &implicit,
            &ITEM_END,
            &none,
            &END,
            &none,
        ]
        .concat(),
    );
    table.file("UN of undefined length", before_the_rest(&unknown.0), "ok");
    table.check("sequences");
}

/// `depth` sequences within each other, of undefined or of defined length.
fn nested(depth: usize, undefined: bool) -> Vec<u8> {
    if undefined {
        let open = Bytes::default()
            .lie(8, 0x1140, b"SQ", u32::MAX)
            .raw(&[0xFE, 0xFF, 0, 0xE0, 255, 255, 255, 255]);
        let close = [
            0xFE, 0xFF, 0x0D, 0xE0, 0, 0, 0, 0, 0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0,
        ];
        return [open.0.repeat(depth), close.repeat(depth)].concat();
    }
    let headers = (0..depth as u32).rev().flat_map(|level| {
        let inner = 20 * level;
        let mut header = Bytes::default().lie(8, 0x1140, b"SQ", inner + 8).0;
        header.extend([0xFE, 0xFF, 0, 0xE0]);
        header.extend(inner.to_le_bytes());
        header
    });
    headers.collect()
}

#[test]
fn nesting_and_counts() {
    let mut table = Table::default();
    for undefined in [true, false] {
        for (depth, expected) in [
            (1, "ok"),
            (16, "ok"),
            (64, "ok"),
            (65, "limit NESTING"),
            (249, "limit NESTING"),
            (1_200, "limit NESTING"),
            (10_000, "limit NESTING"),
            (100_000, "limit NESTING"),
        ] {
            let bytes = before_the_rest(&nested(depth, undefined));
            table.file(
                format!("{depth} deep, undefined {undefined}"),
                bytes,
                expected,
            );
        }
    }
    let items = [0xFE, 0xFF, 0, 0xE0, 0, 0, 0, 0];
    let sequence = |count: usize| {
        Bytes::default()
            .put(8, 0x1140, b"SQ", &items.repeat(count))
            .0
    };
    table.file("10,000 items", before_the_rest(&sequence(10_000)), "ok");
    table.file(
        "1,000,000 items",
        before_the_rest(&sequence(1_000_000)),
        "limit ITEMS",
    );
    let private = |count: u32| {
        let mut bytes = Bytes::default();
        for i in 0..count {
            bytes = bytes.text(
                9 + 2 * (i / 60_000) as u16,
                0x10 + (i % 60_000) as u16,
                b"SH",
                "X",
            );
        }
        bytes.0
    };
    table.file(
        "5,000 private elements",
        before_the_rest(&private(5_000)),
        "ok",
    );
    table.file(
        "200,000 private elements",
        before_the_rest(&private(200_000)),
        "limit ELEMENTS",
    );
    let backslashes = Bytes::default()
        .put(0x18, 0x9998, b"UT", &vec![b'\\'; 1_000_000])
        .0;
    table.file(
        "1,000,000 backslashes that nobody asks for",
        before_the_rest(&backslashes),
        "ok",
    );
    let numbers = Bytes::default().put(0x20, 0x32, b"DS", &[b'\\'; 65_000]).0;
    let mut slice = base();
    slice.more.push((0x20, 0x32, numbers));
    table.slice("65,000 backslashes in a position", slice, "ok");
    let mut slice = base();
    slice.more.push((
        0x10,
        0x4000,
        Bytes::default()
            .put(0x10, 0x4000, b"UT", &vec![b'x'; 10 << 20])
            .0,
    ));
    table.slice("a comment of 10 MB", slice, "limit VALUE_TOO_LONG");
    table.slice(
        "a name of 65,000",
        base().with(0x10, 0x10, b"PN", &[b'A'; 65_000]),
        "ok",
    );
    table.check("nesting and counts");
}

#[test]
fn order_and_groups() {
    let mut table = Table::default();
    let class = Bytes::default().text(8, 0x16, b"UI", CT).0;
    let doubled = [class.clone(), base().data_set()].concat();
    table.file("doubled", file(EXPLICIT, &doubled), "warn TAG_ORDER");
    let rows = Bytes::default().us(0x28, 0x10, 8).0;
    let early = [rows.clone(), base().data_set()].concat();
    table.file("early", file(EXPLICIT, &early), "warn TAG_ORDER");
    // The first one counts: a second, smaller number of rows changes nothing.
    let late = Bytes::default().us(0x28, 0x10, 4).0;
    let mut slice = base();
    slice.pixels = [Bytes::default().us(0x28, 0x10, 4).0, slice.pixels].concat();
    table.slice("rows twice", slice, "warn TAG_ORDER");
    let mut slice = base();
    slice.pixels = [late, slice.pixels].concat();
    table.slice("rows twice again", slice, "warn TAG_ORDER");
    for (name, element) in [
        ("group 0000", Bytes::default().us(0, 0x0002, 1).0),
        ("group 0001", Bytes::default().us(1, 0x0010, 1).0),
    ] {
        let data = [element, base().data_set()].concat();
        table.file(name, file(EXPLICIT, &data), "warn ODD_GROUP");
    }
    let mut slice = base();
    slice.pixels = [Bytes::default().us(0xFFFF, 0x0010, 1).0, slice.pixels].concat();
    table.slice("group FFFF before the pixels", slice, "warn ODD_GROUP");
    let group_lengths = [
        Bytes::default().put(8, 0, b"UL", &[9, 9, 9, 9]).0,
        base().data_set(),
    ]
    .concat();
    table.file(
        "group length that lies",
        file(EXPLICIT, &group_lengths),
        "ok",
    );
    for tag in [(0x20, 0x0D), (0x20, 0x0E), (8, 0x18)] {
        for uid in [
            "../../../etc/passwd",
            "1.2.\u{1}3",
            &"7".repeat(66),
            "UID<script>",
        ] {
            let name = format!("UID {tag:x?} {uid:.12}");
            table.slice(name, base().text(tag.0, tag.1, b"UI", uid), "warn BAD_UID");
        }
    }
    table.check("order and groups");
}
