//! What headers lay over pixels: overlay planes, display shutters, presentation LUTs, windows by name, padding.
//!
//! Files are made here, one wrong thing at a time; real ones are compared with what other programs draw.

use crate::{
    bad_input::build::{Bytes, EXPLICIT, IMPLICIT, RLE, Slice, fragments, rle_frame, write},
    support,
};
use negatoscope::{
    dicom::{
        frames::{FileFrames, FrameSource as _},
        scan::{ScanOptions, read_instance},
        window_default::window_default,
    },
    imaging::{statistics, window},
    model::{
        cover::{FrameCover, OverlayKind},
        lut::{PaddingRange, Voi, VoiLutFunction},
        study::Instance,
        view::GreyPipeline,
    },
};
use std::path::Path;

fn read(path: &Path) -> Instance {
    read_instance(path, &ScanOptions::default())
        .unwrap_or_else(|r| panic!("{}: {}", r.code, r.detail))
}

fn codes(instance: &Instance) -> Vec<&'static str> {
    instance.findings.iter().map(|f| f.code).collect()
}

fn cover_of(instance: &Instance, frame: usize) -> FrameCover {
    FileFrames::default().read_cover(instance, frame).unwrap()
}

/// A layer as text: `#` for a set bit.
fn lines(cover: &FrameCover, layer: usize) -> Vec<String> {
    let bits = &cover.layers[layer].bits;
    let [columns, rows] = bits.size();
    let sign = |column, row| if bits.get(column, row) { '#' } else { '.' };
    (0..rows)
        .map(|row| (0..columns).map(|column| sign(column, row)).collect())
        .collect()
}

/// Bits one after the other, lowest first, with even length.
fn packed(rows: &[&str]) -> Vec<u8> {
    let bits: Vec<bool> = rows
        .iter()
        .flat_map(|r| r.chars())
        .map(|c| c == '#')
        .collect();
    let mut bytes = vec![0u8; bits.len().div_ceil(8).next_multiple_of(2)];
    for (i, bit) in bits.into_iter().enumerate() {
        bytes[i / 8] |= u8::from(bit) << (i % 8);
    }
    bytes
}

/// An overlay plane in a small CT slice of 8 x 8 pixels.
struct Plane<'a> {
    group: u16,
    size: [u16; 2],
    origin: [i16; 2],
    rows: &'a [&'a str],
}

impl Plane<'_> {
    fn onto(&self, slice: Slice) -> Slice {
        let Self {
            group,
            size,
            origin,
            ..
        } = *self;
        let origin: Vec<u8> = origin.iter().flat_map(|v| v.to_le_bytes()).collect();
        slice
            .with(group, 0x10, b"US", &size[0].to_le_bytes())
            .with(group, 0x11, b"US", &size[1].to_le_bytes())
            .text(group, 0x40, b"CS", "G")
            .with(group, 0x50, b"SS", &origin)
            .with(group, 0x100, b"US", &1u16.to_le_bytes())
            .with(group, 0x102, b"US", &0u16.to_le_bytes())
            .with(group, 0x3000, b"OW", &packed(self.rows))
    }
}

const SIGN: [&str; 3] = ["#.#.#", ".###.", "....#"];

fn sign_at(row: i16, column: i16) -> Plane<'static> {
    Plane {
        group: 0x6000,
        size: [3, 5],
        origin: [row, column],
        rows: &SIGN,
    }
}

#[test]
fn planes_lie_where_their_origin_says() {
    let folder = tempfile::tempdir().unwrap();
    let shown = |name: &str, plane: Plane<'_>| {
        let path = plane.onto(Slice::default()).write(folder.path(), name);
        let instance = read(&path);
        (lines(&cover_of(&instance, 0), 0), codes(&instance))
    };
    let (inside, findings) = shown("a", sign_at(2, 3));
    let expected = [
        "........", "..#.#.#.", "...###..", "......#.", "........", "........", "........",
        "........",
    ];
    assert_eq!(inside, expected);
    assert!(
        !findings.iter().any(|c| c.starts_with("OVERLAY")),
        "{findings:?}"
    );
    // Zero is one above and left of the image, and what is beyond its border is cut.
    let (above, findings) = shown("b", sign_at(0, 0));
    assert_eq!(above[..3], ["###.....", "...#....", "........"]);
    assert!(findings.contains(&"OVERLAY_CLIPPED"));
    let (below, _) = shown("c", sign_at(8, 6));
    assert_eq!(below[7], ".....#.#");
    assert_eq!(below[6], "........");
    // Larger than the image on all sides.
    let large: Vec<String> = (0..20)
        .map(|row| {
            (0..40)
                .map(|column| {
                    if (row * 7 + column) % 5 == 0 {
                        '#'
                    } else {
                        '.'
                    }
                })
                .collect()
        })
        .collect();
    let rows: Vec<&str> = large.iter().map(String::as_str).collect();
    let plane = Plane {
        group: 0x601E,
        size: [20, 40],
        origin: [-5, -12],
        rows: &rows,
    };
    let (seen, _) = shown("d", plane);
    for (row, line) in seen.iter().enumerate() {
        assert_eq!(line, &large[row + 6][13..21]);
    }
}

#[test]
fn frames_of_overlays_follow_each_other_without_padding() {
    let folder = tempfile::tempdir().unwrap();
    // Five frames of pixels; three of the overlay, 15 bits each, that lie on frames 3 to 5.
    let all: Vec<&str> = SIGN
        .into_iter()
        .chain(["#####", ".....", "#...#"])
        .chain(["..#..", "..#..", "#####"])
        .collect();
    let mut slice = Slice::default().native(&[1; 8 * 8 * 2 * 5]);
    slice.frames = Some("5");
    let plane = Plane {
        group: 0x6002,
        size: [3, 5],
        origin: [1, 1],
        rows: &all,
    };
    let slice = plane.onto(slice).text(0x6002, 0x15, b"IS", "3").with(
        0x6002,
        0x51,
        b"US",
        &3u16.to_le_bytes(),
    );
    for (name, syntax) in [("explicit", EXPLICIT), ("implicit", IMPLICIT)] {
        let bytes = if syntax == EXPLICIT {
            slice.file(syntax)
        } else {
            implicit(&slice)
        };
        let instance = read(&write(folder.path(), name, &bytes));
        let tops = |frame| -> Vec<String> {
            let cover = cover_of(&instance, frame);
            match cover.layers.len() {
                0 => vec![],
                _ => lines(&cover, 0)[..3]
                    .iter()
                    .map(|l| l[..5].to_owned())
                    .collect(),
            }
        };
        assert!(tops(0).is_empty() && tops(1).is_empty(), "{name}");
        for frame in 0..3 {
            assert_eq!(tops(frame + 2), all[frame * 3..frame * 3 + 3], "{name}");
        }
    }
    // One plane and nothing said of frames lies on all of them.
    let mut slice = Slice::default().native(&[1; 8 * 8 * 2 * 5]);
    slice.frames = Some("5");
    let instance = read(&sign_at(1, 1).onto(slice).write(folder.path(), "all"));
    let first = cover_of(&instance, 0);
    assert_eq!(first.layers.len(), 1);
    assert_eq!(first, cover_of(&instance, 4));
}

/// A slice in implicit VR, element by element.
fn implicit(slice: &Slice) -> Vec<u8> {
    let explicit = slice.data_set();
    let (mut at, mut out) = (0, Vec::new());
    while at < explicit.len() {
        let vr = &explicit[at + 4..at + 6];
        let long = matches!(vr, b"OB" | b"OW" | b"SQ" | b"UN");
        let (length, value) = if long {
            let bytes = explicit[at + 8..at + 12].try_into().unwrap();
            (u32::from_le_bytes(bytes), at + 12)
        } else {
            let bytes = explicit[at + 6..at + 8].try_into().unwrap();
            (u32::from(u16::from_le_bytes(bytes)), at + 8)
        };
        out.extend(&explicit[at..at + 4]);
        out.extend(length.to_le_bytes());
        out.extend(&explicit[value..value + length as usize]);
        at = value + length as usize;
    }
    crate::bad_input::build::file(IMPLICIT, &out)
}

/// Rows, columns, bits allocated and bit position of a plane without data of its own.
fn without_data(slice: Slice, group: u16, rows: u16, bit: u16) -> Slice {
    slice
        .with(group, 0x10, b"US", &rows.to_le_bytes())
        .with(group, 0x11, b"US", &8u16.to_le_bytes())
        .text(group, 0x40, b"CS", "R")
        .with(group, 0x50, b"SS", &[1, 0, 1, 0])
        .with(group, 0x100, b"US", &16u16.to_le_bytes())
        .with(group, 0x102, b"US", &bit.to_le_bytes())
}

/// Two frames of twelve stored bits with a pattern in bits 12 and 15.
fn with_high_bits() -> Slice {
    let value = |i: u16| {
        ((i * 31) & 0xFFF) | (u16::from(i.is_multiple_of(5)) << 12) | (u16::from(i % 7 == 3) << 15)
    };
    let bytes: Vec<u8> = (0..128).flat_map(|i| value(i).to_le_bytes()).collect();
    let mut slice = Slice::default().native(&bytes);
    (slice.stored, slice.high, slice.signed) = (12, 11, 0);
    slice.frames = Some("2");
    slice
}

#[test]
fn planes_in_unused_bits_are_read_and_do_not_disturb_values() {
    let folder = tempfile::tempdir().unwrap();
    let slice = without_data(without_data(with_high_bits(), 0x6000, 8, 12), 0x6002, 8, 15);
    let instance = read(&slice.write(folder.path(), "high"));
    assert!(!codes(&instance).iter().any(|c| c.starts_with("OVERLAY")));
    let planes = &instance.image.as_ref().unwrap().display.planes;
    assert_eq!(planes[1].kind, OverlayKind::Region);
    let source = FileFrames::default();
    for frame in 0..2 {
        let cover = cover_of(&instance, frame);
        for i in 0..64usize {
            let n = frame * 64 + i;
            let set = |layer: usize| cover.layers[layer].bits.get(i % 8, i / 8);
            assert_eq!((set(0), set(1)), (n.is_multiple_of(5), n % 7 == 3), "{n}");
        }
        let values: Vec<f64> = source
            .read_frame(&instance, frame)
            .unwrap()
            .values()
            .collect();
        let expected: Vec<f64> = (0..64)
            .map(|i| f64::from(((frame as u32 * 64 + i) * 31) & 0xFFF))
            .collect();
        assert_eq!(values, expected);
    }
    let refused = |name: &str, slice: Slice| {
        let instance = read(&slice.write(folder.path(), name));
        assert!(codes(&instance).contains(&"OVERLAY_NOT_DRAWN"), "{name}");
        assert!(cover_of(&instance, 0).layers.is_empty(), "{name}");
        source.read_frame(&instance, 0).unwrap();
    };
    refused(
        "inside the stored bits",
        without_data(with_high_bits(), 0x6000, 8, 11),
    );
    refused(
        "beyond the allocated bits",
        without_data(with_high_bits(), 0x6000, 8, 16),
    );
    refused(
        "of another size",
        without_data(with_high_bits(), 0x6000, 7, 12),
    );
    let mut coded = without_data(with_high_bits(), 0x6000, 8, 12);
    coded.frames = None;
    coded.pixels = fragments(&[], &[&rle_frame(&[&[0; 64], &[1; 64]])]);
    let path = write(folder.path(), "compressed", &coded.file(RLE));
    assert!(codes(&read(&path)).contains(&"OVERLAY_NOT_DRAWN"));
}

#[test]
fn damaged_planes_are_counted_and_the_picture_stays() {
    let folder = tempfile::tempdir().unwrap();
    let base = || sign_at(1, 1).onto(Slice::default());
    let cases = [
        ("no rows", base().with(0x6000, 0x10, b"US", &[0, 0])),
        ("no columns", base().without(0x6000, 0x11)),
        ("short data", base().with(0x6000, 0x10, b"US", &[4, 0])),
        ("empty data", base().with(0x6000, 0x3000, b"OW", &[])),
        (
            "huge",
            base()
                .with(0x6000, 0x10, b"US", &[255, 255])
                .with(0x6000, 0x11, b"US", &[255, 255]),
        ),
        (
            "a million frames",
            base().text(0x6000, 0x15, b"IS", "1000000"),
        ),
        ("no frames", base().text(0x6000, 0x15, b"IS", "0")),
        (
            "behind the last frame",
            base().with(0x6000, 0x51, b"US", &[2, 0]),
        ),
        ("frame zero", base().with(0x6000, 0x51, b"US", &[0, 0])),
        ("beside the image", sign_at(9, 1).onto(Slice::default())),
        (
            "far beside",
            sign_at(i16::MIN, i16::MAX).onto(Slice::default()),
        ),
        ("one coordinate", base().with(0x6000, 0x50, b"SS", &[1, 0])),
        (
            "a group that is none",
            Plane {
                group: 0x6020,
                ..sign_at(1, 1)
            }
            .onto(Slice::default()),
        ),
    ];
    for (name, slice) in cases {
        let instance = read(&slice.write(folder.path(), "damaged"));
        let found = instance
            .findings
            .iter()
            .find(|f| f.code == "OVERLAY_NOT_DRAWN");
        assert_eq!(found.expect(name).numbers, [("planes", 1.0)], "{name}");
        assert!(cover_of(&instance, 0).layers.is_empty(), "{name}");
        FileFrames::default().read_frame(&instance, 0).expect(name);
    }
    // A good one beside it is drawn; one without any bit is none.
    let good = Plane {
        group: 0x6004,
        ..sign_at(1, 1)
    };
    let slice = good.onto(base().with(0x6000, 0x10, b"US", &[4, 0]));
    let instance = read(&slice.write(folder.path(), "beside"));
    let cover = cover_of(&instance, 0);
    assert_eq!(cover.layers.len(), 1);
    assert_eq!(cover.layers[0].name, "6004");
    let empty = Plane {
        rows: &["....."; 3],
        ..sign_at(1, 1)
    };
    let instance = read(&empty.onto(Slice::default()).write(folder.path(), "empty"));
    assert!(cover_of(&instance, 0).layers.is_empty());
}

fn shutter(shape: &str, more: &[(u16, &str)]) -> Slice {
    let mut slice = Slice::default().text(0x18, 0x1600, b"CS", shape);
    for (element, text) in more {
        slice = slice.text(0x18, *element, b"IS", text);
    }
    slice
}

const RECTANGLE: [(u16, &str); 4] = [(0x1602, "3"), (0x1604, "6"), (0x1606, "2"), (0x1608, "7")];

#[test]
fn shutters_hide_what_lies_outside() {
    let folder = tempfile::tempdir().unwrap();
    let layer = |slice: Slice| {
        let instance = read(&slice.write(folder.path(), "shutter"));
        (cover_of(&instance, 0), codes(&instance))
    };
    let (cover, findings) =
        layer(shutter("RECTANGULAR", &RECTANGLE).with(0x18, 0x1622, b"US", &[0xFF, 0x7F]));
    let hidden = lines(&cover, 0);
    assert_eq!(
        (hidden[0].as_str(), hidden[1].as_str()),
        ("########", "##....##")
    );
    assert_eq!(
        (hidden[6].as_str(), hidden[7].as_str()),
        ("##....##", "########")
    );
    assert!(cover.layers[0].color.iter().all(|v| (v - 0.5).abs() < 1e-4));
    assert!(!findings.contains(&"SHUTTER_NOT_APPLIED"));
    // All shapes at once: the least remains.
    let mut more = RECTANGLE.to_vec();
    more.extend([
        (0x1610, "4\\4"),
        (0x1612, "2"),
        (0x1620, "1\\1\\1\\8\\8\\8"),
    ]);
    let (cover, _) = layer(shutter("RECTANGULAR\\CIRCULAR\\POLYGONAL", &more));
    let mut expected = vec![];
    for row in 1..=8i32 {
        let seen = |column: i32| {
            let within = (3..=6).contains(&column) && (2..=7).contains(&row);
            within && (row - 4).pow(2) + (column - 4).pow(2) <= 4 && column >= row
        };
        expected.push(
            (1..=8)
                .map(|c| if seen(c) { '.' } else { '#' })
                .collect::<String>(),
        );
    }
    assert_eq!(lines(&cover, 0), expected);
    // A bitmap: set bits hide, and its plane is no graphics.
    let plane = Plane {
        group: 0x6006,
        size: [8, 8],
        origin: [1, 1],
        rows: &["#......#"; 8],
    };
    let bitmap = plane
        .onto(Slice::default().text(0x18, 0x1600, b"CS", "BITMAP"))
        .with(0x18, 0x1623, b"US", &0x6006u16.to_le_bytes());
    let (cover, findings) = layer(bitmap);
    assert_eq!(cover.layers.len(), 1);
    assert_eq!(
        (cover.layers[0].group, lines(&cover, 0)[3].as_str()),
        (None, "#......#")
    );
    assert!(!findings.contains(&"SHUTTER_NOT_APPLIED"));
}

#[test]
fn frames_of_enhanced_objects_have_shutters_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let edges = |left: &str| {
        Bytes::default()
            .text(0x18, 0x1600, b"CS", "RECTANGULAR")
            .text(0x18, 0x1602, b"IS", left)
            .text(0x18, 0x1604, b"IS", "8")
            .text(0x18, 0x1606, b"IS", "1")
            .text(0x18, 0x1608, b"IS", "8")
    };
    let group = |left: &str| Bytes::default().sequence(0x18, 0x9472, &[edges(left)]);
    let mut slice = Slice::default().native(&[1; 8 * 8 * 2 * 3]);
    slice.frames = Some("3");
    let common = sequence(0x5200, 0x9229, &[group("2")]);
    slice.more.push((0x5200, 0x9229, common));
    let left_of = |slice: &Slice, frame| {
        let instance = read(&slice.write(folder.path(), "enhanced"));
        lines(&cover_of(&instance, frame), 0)[0].clone()
    };
    assert_eq!(left_of(&slice, 2), "#.......");
    let own = [group("3"), Bytes::default(), group("5")];
    slice
        .more
        .push((0x5200, 0x9230, sequence(0x5200, 0x9230, &own)));
    let seen: Vec<String> = (0..3).map(|frame| left_of(&slice, frame)).collect();
    assert_eq!(seen, ["##......", "#.......", "####...."]);
}

#[test]
fn damaged_shutters_hide_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let cases = [
        ("unknown", shutter("OVAL", &RECTANGLE)),
        ("no edges", shutter("RECTANGULAR", &RECTANGLE[..3])),
        (
            "the wrong way round",
            shutter(
                "RECTANGULAR",
                &[(0x1602, "6"), (0x1604, "3"), (0x1606, "2"), (0x1608, "7")],
            ),
        ),
        (
            "beside the image",
            shutter(
                "RECTANGULAR",
                &[(0x1602, "9"), (0x1604, "12"), (0x1606, "2"), (0x1608, "7")],
            ),
        ),
        (
            "no radius",
            shutter("CIRCULAR", &[(0x1610, "4\\4"), (0x1612, "0")]),
        ),
        (
            "half a centre",
            shutter("CIRCULAR", &[(0x1610, "4"), (0x1612, "3")]),
        ),
        (
            "two vertices",
            shutter("POLYGONAL", &[(0x1620, "1\\1\\8\\8")]),
        ),
        (
            "half a vertex",
            shutter("POLYGONAL", &[(0x1620, "1\\1\\8\\8\\3")]),
        ),
        (
            "absurd",
            shutter("POLYGONAL", &[(0x1620, "1\\1\\8\\2147483647\\3\\4")]),
        ),
        ("no plane", shutter("BITMAP", &[])),
    ];
    for (name, slice) in cases {
        let instance = read(&slice.write(folder.path(), "damaged"));
        assert!(codes(&instance).contains(&"SHUTTER_NOT_APPLIED"), "{name}");
        assert!(cover_of(&instance, 0).layers.is_empty(), "{name}");
    }
    // One that would leave nothing to see is not applied either.
    let beside = shutter("CIRCULAR", &[(0x1610, "400\\400"), (0x1612, "3")]);
    let instance = read(&beside.write(folder.path(), "damaged"));
    assert!(cover_of(&instance, 0).layers.is_empty());
}

/// Code values of a grey chain at some stored values.
fn shown(instance: &Instance, values: &[f64]) -> Vec<u8> {
    let image = instance.image.as_ref().unwrap();
    let frame = FileFrames::default().read_frame(instance, 0).unwrap();
    let description = image.frame(0);
    let grey = GreyPipeline {
        stored_type: frame.stored_type,
        modality_lut: description.modality_lut.clone(),
        voi: window_default(description, &frame, image.padding, image.bits_stored),
        inverted: image.lowest_is_white(),
        padding: image.padding,
        presentation: image.display.presentation_lut.clone(),
    };
    values
        .iter()
        .map(|v| window::grey_code(*v, &grey))
        .collect()
}

fn lut(count: u16, bits: u16, entries: &[u16], name: &str) -> Bytes {
    let descriptor: Vec<u8> = [count, 0, bits]
        .iter()
        .flat_map(|v| v.to_le_bytes())
        .collect();
    let data: Vec<u8> = entries.iter().flat_map(|v| v.to_le_bytes()).collect();
    Bytes::default()
        .put(0x28, 0x3002, b"US", &descriptor)
        .text(0x28, 0x3003, b"LO", name)
        .put(0x28, 0x3006, b"OW", &data)
}

fn sequence(group: u16, element: u16, items: &[Bytes]) -> Vec<u8> {
    Bytes::default().sequence(group, element, items).0
}

fn plain() -> Slice {
    Slice::default()
        .without(0x28, 0x1052)
        .without(0x28, 0x1053)
        .text(0x28, 0x1050, b"DS", "128")
        .text(0x28, 0x1051, b"DS", "256")
}

#[test]
fn presentation_luts_come_last_and_know_no_other_inversion() {
    let folder = tempfile::tempdir().unwrap();
    let falling = lut(3, 12, &[4095, 1024, 0], "");
    for photometric in ["MONOCHROME2", "MONOCHROME1"] {
        let mut slice = plain();
        slice.photometric = photometric;
        slice.more.push((
            0x2050,
            0x10,
            sequence(0x2050, 0x10, std::slice::from_ref(&falling)),
        ));
        let instance = read(&slice.write(folder.path(), "plut"));
        let codes = shown(&instance, &[0.0, 127.5, 255.0, 63.75]);
        let middle = (4095.0 + 1024.0) / 2.0 / 4095.0 * 255.0 + 0.5;
        assert_eq!(codes, [255, 64, 0, middle as u8], "{photometric}");
    }
    let mut slice = plain();
    slice.more.push((
        0x2050,
        0x10,
        sequence(0x2050, 0x10, &[lut(9, 12, &[1, 2], "")]),
    ));
    let instance = read(&slice.write(folder.path(), "bad"));
    assert!(codes(&instance).contains(&"PRESENTATION_LUT_INVALID"));
    assert_eq!(shown(&instance, &[0.0, 255.0]), [0, 255]);
}

#[test]
fn windows_and_tables_of_a_file_are_chosen_by_name_and_number() {
    let folder = tempfile::tempdir().unwrap();
    let mut slice = plain()
        .text(0x28, 0x1050, b"DS", "40\\-600\\10")
        .text(0x28, 0x1051, b"DS", "400\\1500\\4")
        .text(0x28, 0x1055, b"LO", "ABDOMEN\\LUNG\\2")
        .text(0x28, 0x1056, b"CS", "SIGMOID");
    let tables = [lut(2, 8, &[0, 255], "SOFT"), lut(2, 8, &[255, 0], "HARD")];
    slice
        .more
        .push((0x28, 0x3010, sequence(0x28, 0x3010, &tables)));
    let instance = read(&slice.write(folder.path(), "windows"));
    let description = instance.image.as_ref().unwrap().frame(0);
    let names: Vec<&str> = description.voi.iter().map(Voi::name).collect();
    assert_eq!(names, ["SOFT", "HARD", "ABDOMEN", "LUNG", "2"]);
    let chosen = |words: &str| description.voi_chosen(words).map(Voi::name);
    assert_eq!(chosen("lung"), Some("LUNG"));
    assert_eq!(chosen("4"), Some("LUNG"));
    // A name counts before a number.
    assert_eq!(chosen("2"), Some("2"));
    assert_eq!(
        (chosen("0"), chosen("6"), chosen(""), chosen("bone")),
        (None, None, None, None)
    );
    let is_sigmoid = |voi: &Voi| {
        matches!(
            voi,
            Voi::Window {
                function: VoiLutFunction::Sigmoid,
                ..
            }
        )
    };
    assert!(description.voi[2..].iter().all(is_sigmoid));
}

#[test]
fn padding_is_read_with_the_sign_and_width_of_the_pixels() {
    let folder = tempfile::tempdir().unwrap();
    let padding = |signed: u16, allocated: u16, value: i32, limit: Option<i32>| {
        let bytes = vec![0u8; 64 * usize::from(allocated) / 8];
        let mut slice = Slice::default().native(&bytes);
        (slice.signed, slice.allocated, slice.stored, slice.high) =
            (signed, allocated, allocated, allocated - 1);
        // Both may be written as US or SS, whatever the pixels are.
        slice = slice.with(0x28, 0x120, b"US", &(value as u16).to_le_bytes());
        if let Some(limit) = limit {
            slice = slice.with(0x28, 0x121, b"SS", &(limit as u16).to_le_bytes());
        }
        let instance = read(&slice.write(folder.path(), "padding"));
        instance.image.as_ref().unwrap().padding
    };
    let range = |low, high| Some(PaddingRange { low, high });
    assert_eq!(padding(1, 16, -2000, None), range(-2000, -2000));
    assert_eq!(padding(1, 16, -2000, Some(-1024)), range(-2000, -1024));
    assert_eq!(padding(1, 16, -1024, Some(-2000)), range(-2000, -1024));
    assert_eq!(padding(0, 16, 65_535, Some(65_000)), range(65_000, 65_535));
    assert_eq!(padding(0, 16, 0, None), range(0, 0));
    assert_eq!(padding(1, 8, -128, Some(-100)), range(-128, -100));
    assert_eq!(padding(0, 8, 255, None), range(255, 255));
}

#[test]
fn padding_is_background_and_counts_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let values: Vec<i16> = (0..64)
        .map(|i| if i < 20 { -2000 } else { i * 10 })
        .collect();
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    for photometric in ["MONOCHROME1", "MONOCHROME2"] {
        let mut slice =
            Slice::default()
                .native(&bytes)
                .with(0x28, 0x120, b"SS", &(-2000i16).to_le_bytes());
        slice.photometric = photometric;
        let instance = read(&slice.write(folder.path(), "padded"));
        let image = instance.image.as_ref().unwrap();
        let frame = FileFrames::default().read_frame(&instance, 0).unwrap();
        // The window spans 200 to 630 less 1024.
        let level = window_default(image.frame(0), &frame, image.padding, image.bits_stored)
            .level()
            .unwrap();
        assert_eq!((level.center, level.width), (-608.5, 431.0));
        let summary = statistics::summary(&frame, image.padding).unwrap();
        assert_eq!(
            (summary.count, summary.min, summary.max),
            (44, 200.0, 630.0)
        );
        let ends = if photometric == "MONOCHROME1" {
            [255, 0]
        } else {
            [0, 255]
        };
        let codes = shown(&instance, &[-2000.0, 200.0, 630.0]);
        assert_eq!(codes, [0, ends[0], ends[1]], "{photometric}");
    }
}

#[test]
fn colour_profiles_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut slice = Slice::default()
        .native(&[9; 192])
        .with(0x28, 6, b"US", &[0, 0]);
    (slice.samples, slice.photometric) = (3, "RGB");
    (slice.allocated, slice.stored, slice.high, slice.signed) = (8, 8, 7, 0);
    let slice = slice.with(0x28, 0x2000, b"OB", &[0; 128]);
    let of = |slice: &Slice| codes(&read(&slice.write(folder.path(), "icc")));
    assert!(of(&slice).contains(&"ICC_PROFILE"));
    let srgb = slice.text(0x28, 0x2002, b"CS", "SRGB");
    assert!(of(&srgb).contains(&"ICC_PROFILE_SRGB"));
    // Grey values have no colour to convert.
    let grey = Slice::default().with(0x28, 0x2000, b"OB", &[0; 128]);
    assert!(!of(&grey).iter().any(|c| c.starts_with("ICC")));
}

/// Sums over the set bits of `overlay_array` of another program: count, sum of columns, sum of rows, sum of
/// column times row.
const REAL: [(&str, [u64; 4]); 2] = [
    (
        "dicom-pydicom/pydicom-data/MR-SIEMENS-DICOM-WithOverlays.dcm",
        [323, 88163, 101948, 30388640],
    ),
    (
        "dicom-pydicom/test_files/examples_overlay.dcm",
        [222, 47145, 38007, 8721690],
    ),
];

#[test]
#[cfg_attr(not(has_data), ignore = "needs NEGATOSCOPE_DATA")]
fn real_overlays_have_the_bits_that_others_find() {
    for (path, expected) in REAL {
        let instance = read(&support::data(path));
        let cover = cover_of(&instance, 0);
        let bits = &cover.layers[0].bits;
        let [columns, rows] = bits.size();
        let mut sums = [0u64; 4];
        for row in 0..rows {
            for column in (0..columns).filter(|c| bits.get(*c, row)) {
                let (x, y) = (column as u64, row as u64);
                for (sum, term) in sums.iter_mut().zip([1, x, y, x * y]) {
                    *sum += term;
                }
            }
        }
        assert_eq!(sums, expected, "{path}");
    }
}
