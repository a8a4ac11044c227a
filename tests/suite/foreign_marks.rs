//! Marks of other programs: reports and presentation states that nobody here wrote, as they are found in archives.

use crate::{
    bad_input::build::{Bytes, EXPLICIT, file},
    content::{header, item, reference, report},
};
use glam::DVec3;
use negatoscope::{
    dicom::{
        bytes::ByteSource,
        content::marks::marks,
        guard::{Limits, Structure},
    },
    model::{
        annotation::{Author, MarkKind, PointSpace},
        exchange::MarksRead,
    },
};
use std::sync::Arc;

const CT: &str = "1.2.840.10008.5.1.4.1.1.2";

fn code(value: &str, scheme: &str, meaning: &str) -> Bytes {
    crate::content::code(value, scheme, meaning)
}

fn named(relationship: &str, kind: &str, concept: Bytes) -> Bytes {
    item(relationship, kind, "").sequence(0x40, 0xA043, &[concept])
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

fn image() -> Bytes {
    item("SELECTED FROM", "IMAGE", "").sequence(8, 0x1199, &[reference(CT, "1.2.3.4.1")])
}

/// Coordinates on the image, or in space.
fn coordinates(relationship: &str, kind: &str, values: &[f32], flat: bool) -> Bytes {
    let bytes = item(relationship, if flat { "SCOORD" } else { "SCOORD3D" }, "")
        .put(0x70, 0x22, b"FL", &floats(values))
        .text(0x70, 0x23, b"CS", kind);
    match flat {
        true => bytes.sequence(0x40, 0xA730, &[image()]),
        false => bytes.text(0x3006, 0x24, b"UI", "1.2.3.9"),
    }
}

fn number(concept: Bytes, value: &str, unit: &str, below: &[Bytes]) -> Bytes {
    let measured = Bytes::default()
        .sequence(0x40, 0x8EA, &[code(unit, "UCUM", unit)])
        .text(0x40, 0xA30A, b"DS", value);
    named("CONTAINS", "NUM", concept)
        .sequence(0x40, 0xA300, &[measured])
        .sequence(0x40, 0xA730, below)
}

fn group(tracking: &str, items: &[Bytes]) -> Bytes {
    let identifier = named(
        "HAS OBS CONTEXT",
        "TEXT",
        code("112039", "DCM", "Tracking Identifier"),
    )
    .text(0x40, 0xA160, b"UT", tracking);
    let all = [&[identifier], items].concat();
    named(
        "CONTAINS",
        "CONTAINER",
        code("125007", "DCM", "Measurement Group"),
    )
    .sequence(0x40, 0xA730, &all)
}

fn read(data_set: &[u8]) -> MarksRead {
    let source = ByteSource::Memory(Arc::new(file(EXPLICIT, data_set)));
    let structure = Structure::of_source(source, &Limits::default()).unwrap();
    marks(&structure).unwrap()
}

fn kinds(read: &MarksRead) -> Vec<(MarkKind, &str)> {
    let marks = read.marks.iter();
    marks.map(|m| (m.shape.kind, m.label.as_str())).collect()
}

#[test]
fn groups_of_others_become_the_nearest_marks() {
    let line = |values: &[f32]| coordinates("INFERRED FROM", "POLYLINE", values, true);
    let found = read(&report(&[
        group(
            "lesion",
            &[
                number(
                    code("G-A186", "SRT", "Short Axis"),
                    "4",
                    "mm",
                    &[line(&[5.5, 5.5, 5.5, 9.5])],
                ),
                number(
                    code("G-A185", "SRT", "Long Axis"),
                    "9",
                    "mm",
                    &[line(&[1.5, 7.5, 10.5, 7.5])],
                ),
            ],
        ),
        group(
            "angle",
            &[number(
                code("1483009", "SCT", "Angle"),
                "90",
                "deg",
                &[line(&[0.5, 0.5, 0.5, 5.5, 5.5, 5.5])],
            )],
        ),
        group(
            "area",
            &[coordinates(
                "CONTAINS",
                "POLYLINE",
                &[0.5, 0.5, 4.5, 0.5, 4.5, 4.5, 0.5, 0.5],
                true,
            )],
        ),
        group(
            "in space",
            &[
                coordinates(
                    "CONTAINS",
                    "POLYGON",
                    &[0.0, 0.0, 7.0, 4.0, 0.0, 7.0, 4.0, 4.0, 7.0, 0.0, 0.0, 7.0],
                    false,
                ),
                coordinates("CONTAINS", "ELLIPSOID", &[0.0; 18], false),
            ],
        ),
        group("segment only", &[]),
        coordinates("CONTAINS", "MULTIPOINT", &[1.5, 1.5, 2.5, 2.5], true),
    ]));
    assert!(!found.ours);
    assert_eq!(
        kinds(&found),
        [
            (MarkKind::Bidirectional, "lesion"),
            (MarkKind::Angle, "angle"),
            (MarkKind::Polygon, "area"),
            (MarkKind::Polygon, "in space"),
            (MarkKind::Point, ""),
            (MarkKind::Point, ""),
        ]
    );
    let lesion = &found.marks[0];
    // The long axis first, whatever the order in the file; a pixel's centre is a whole number here.
    assert_eq!(
        lesion.shape.points[..2],
        [DVec3::new(1.0, 7.0, 0.0), DVec3::new(10.0, 7.0, 0.0)]
    );
    assert_eq!(
        (lesion.space, lesion.target.instance_uid.as_str()),
        (PointSpace::Pixel, "1.2.3.4.1")
    );
    assert!(matches!(lesion.author, Author::Foreign(_)));
    assert_eq!(found.said[&lesion.id][1].value, 9.0);
    let space = &found.marks[3];
    assert_eq!(space.space, PointSpace::Patient);
    assert_eq!(space.target.frame_of_reference_uid, "1.2.3.9");
    assert_eq!(space.shape.points.len(), 3);
    let rest: Vec<(&str, u64)> = found
        .rest
        .iter()
        .map(|r| (r.what.as_str(), r.count))
        .collect();
    assert_eq!(rest, [("SCOORD3D ELLIPSOID", 1), ("GROUP", 1)]);
    // The same file gives the same ids.
    let ids = |read: &MarksRead| read.marks.iter().map(|m| m.id.clone()).collect::<Vec<_>>();
    let unique: std::collections::BTreeSet<_> = ids(&found).into_iter().collect();
    assert_eq!(unique.len(), 6);
}

#[test]
fn coordinates_that_lie_are_counted_and_left() {
    let found = read(&report(&[
        coordinates("CONTAINS", "POLYLINE", &[1.0, 2.0, 3.0], true),
        coordinates("CONTAINS", "POLYLINE", &[f32::NAN, 2.0], true),
        coordinates("CONTAINS", "SPIRAL", &[1.0, 2.0], true),
        coordinates("CONTAINS", "CIRCLE", &[1.0, 2.0], true),
        item("CONTAINS", "SCOORD", "").text(0x70, 0x23, b"CS", "POINT"),
    ]));
    assert!(found.marks.is_empty());
    let count: u64 = found.rest.iter().map(|r| r.count).sum();
    assert_eq!(count, 5, "{:?}", found.rest);
}

#[test]
fn graphics_of_presentation_states_lie_in_pixels_or_in_the_displayed_area() {
    let graphic = |units: &str, kind: &str, values: &[f32]| {
        Bytes::default()
            .text(0x70, 0x05, b"CS", units)
            .us(0x70, 0x20, 2)
            .us(0x70, 0x21, (values.len() / 2) as u16)
            .put(0x70, 0x22, b"FL", &floats(values))
            .text(0x70, 0x23, b"CS", kind)
    };
    let text = Bytes::default()
        .text(0x70, 0x04, b"CS", "PIXEL")
        .text(0x70, 0x06, b"ST", "Here")
        .put(0x70, 0x14, b"FL", &floats(&[8.5, 9.5]));
    let long = |values: [i32; 2]| {
        values
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect::<Vec<u8>>()
    };
    let area = Bytes::default()
        .put(0x70, 0x52, b"SL", &long([11, 21]))
        .put(0x70, 0x53, b"SL", &long([30, 40]));
    let series = Bytes::default()
        .text(0x20, 0x0E, b"UI", "1.2.3.4")
        .sequence(8, 0x1140, &[reference(CT, "1.2.3.4.1")]);
    let annotation = |graphics: &[Bytes], texts: &[Bytes]| {
        Bytes::default()
            .text(0x70, 0x02, b"CS", "LAYER")
            .sequence(0x70, 0x08, texts)
            .sequence(0x70, 0x09, graphics)
    };
    let state = header("1.2.840.10008.5.1.4.1.1.11.1", "PR")
        .sequence(8, 0x1115, &[series])
        .sequence(
            0x70,
            0x01,
            &[
                annotation(
                    &[graphic("PIXEL", "POLYLINE", &[5.5, 5.5, 25.5, 30.5])],
                    std::slice::from_ref(&text),
                ),
                annotation(&[graphic("DISPLAY", "POINT", &[0.5, 0.25])], &[]),
                annotation(&[], &[text]),
                annotation(&[graphic("MATRIX", "POINT", &[5.0, 5.0])], &[]),
            ],
        )
        .sequence(0x70, 0x5A, &[area]);
    let found = read(&state.0);
    assert_eq!(
        kinds(&found),
        [
            (MarkKind::Length, "Here"),
            (MarkKind::Point, ""),
            (MarkKind::Text, "Here")
        ]
    );
    // Twenty columns from the edge before the eleventh, twenty rows from that before the twenty-first.
    assert_eq!(
        found.marks[1].shape.points,
        [DVec3::new(10.0 + 10.0 - 0.5, 20.0 + 5.0 - 0.5, 0.0)]
    );
    assert_eq!(found.marks[2].shape.points, [DVec3::new(8.0, 9.0, 0.0)]);
    let series: Vec<&str> = found
        .marks
        .iter()
        .map(|m| m.target.series_uid.as_str())
        .collect();
    assert_eq!(series, ["1.2.3.4"; 3]);
    assert_eq!(found.rest.len(), 1);
}
