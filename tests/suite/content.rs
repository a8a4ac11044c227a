//! What objects without a picture say: reports of every value type, structure sets, waveforms, documents, and files that lie.

use crate::{
    bad_input::build::{Bytes, EXPLICIT, IMPLICIT, Slice, file},
    support,
};
use negatoscope::{
    dicom::{
        bytes::ByteSource,
        content::{self, kind_of},
        guard::{Fault, Limits, Structure},
    },
    model::content::{Content, ContentNode, MOST_NODES, ObjectKind, Relationship, Value},
};
use std::{path::Path, process::Command, sync::Arc};

const SR: &str = "1.2.840.10008.5.1.4.1.1.88.33";

pub fn code(value: &str, scheme: &str, meaning: &str) -> Bytes {
    Bytes::default()
        .text(8, 0x100, b"SH", value)
        .text(8, 0x102, b"SH", scheme)
        .text(8, 0x104, b"LO", meaning)
}

/// A content item up to its own values: relationship, type, concept.
pub fn item(relationship: &str, kind: &str, concept: &str) -> Bytes {
    let bytes = Bytes::default()
        .text(0x40, 0xA010, b"CS", relationship)
        .text(0x40, 0xA040, b"CS", kind);
    match concept {
        "" => bytes,
        concept => bytes.sequence(0x40, 0xA043, &[code("1", "99TEST", concept)]),
    }
}

pub fn reference(class: &str, instance: &str) -> Bytes {
    Bytes::default()
        .text(8, 0x1150, b"UI", class)
        .text(8, 0x1155, b"UI", instance)
}

/// Identity of an object: class, instance, patient, study, series.
pub fn header(class: &str, modality: &str) -> Bytes {
    Bytes::default()
        .text(8, 5, b"CS", "ISO_IR 192")
        .text(8, 0x16, b"UI", class)
        .text(8, 0x18, b"UI", "1.2.3.77")
        .text(8, 0x20, b"DA", "20240229")
        .text(8, 0x23, b"DA", "20240229")
        .text(8, 0x33, b"TM", "142301")
        .text(8, 0x60, b"CS", modality)
        .text(0x10, 0x10, b"PN", "DOE^JANE")
        .text(0x10, 0x20, b"LO", "P1")
        .text(0x20, 0x0D, b"UI", "1.2.3.1")
        .text(0x20, 0x0E, b"UI", "1.2.3.9")
}

/// A report with these items below its root.
pub fn report(items: &[Bytes]) -> Vec<u8> {
    header(SR, "SR")
        .text(0x40, 0xA040, b"CS", "CONTAINER")
        .sequence(0x40, 0xA043, &[code("18747-6", "LN", "CT Report")])
        .text(0x40, 0xA491, b"CS", "COMPLETE")
        .text(0x40, 0xA493, b"CS", "VERIFIED")
        .sequence(0x40, 0xA730, items)
        .0
}

fn read_with(syntax: &str, data_set: &[u8]) -> Result<Content, Fault> {
    let source = ByteSource::Memory(Arc::new(file(syntax, data_set)));
    let structure = Structure::of_source(source, &Limits::default())?;
    content::read(&structure)
}

fn read(data_set: &[u8]) -> Content {
    read_with(EXPLICIT, data_set).unwrap()
}

fn named<'a>(content: &'a Content, name: &str) -> &'a ContentNode {
    let found = content.nodes.iter().find(|n| n.name.text == name);
    found.unwrap_or_else(|| panic!("no node `{name}`"))
}

fn codes(content: &Content) -> Vec<&str> {
    content.findings.iter().map(|f| f.code).collect()
}

#[test]
fn every_value_type_is_read() {
    let number = Bytes::default()
        .sequence(0x40, 0x8EA, &[code("mm", "UCUM", "millimeter")])
        .text(0x40, 0xA30A, b"DS", "12.50");
    let floats: Vec<u8> = [1.5f32, 2.5, 3.5, 4.5]
        .iter()
        .flat_map(|v| v.to_le_bytes())
        .collect();
    let image = reference("1.2.840.10008.5.1.4.1.1.2", "1.2.3.4").text(8, 0x1160, b"IS", "2\\5");
    let channels: Vec<u8> = [1u16, 2, 1, 3]
        .iter()
        .flat_map(|v| v.to_le_bytes())
        .collect();
    let wave =
        reference("1.2.840.10008.5.1.4.1.1.9.1.1", "1.2.3.5").put(0x40, 0xA0B0, b"US", &channels);
    let path: Vec<u8> = [1u32, 2].iter().flat_map(|v| v.to_le_bytes()).collect();
    let items = [
        item("CONTAINS", "TEXT", "Finding").text(0x40, 0xA160, b"UT", "右肺上叶 nodule"),
        item("CONTAINS", "NUM", "Width").sequence(0x40, 0xA300, &[number]),
        item("CONTAINS", "CODE", "Site").sequence(0x40, 0xA168, &[code("9", "SCT", "Lung")]),
        item("CONTAINS", "DATETIME", "When").text(0x40, 0xA120, b"DT", "20240229142301"),
        item("CONTAINS", "DATE", "Day").text(0x40, 0xA121, b"DA", "20240229"),
        item("CONTAINS", "TIME", "Hour").text(0x40, 0xA122, b"TM", "142301.50"),
        item("HAS OBS CONTEXT", "PNAME", "Who").text(0x40, 0xA123, b"PN", "Li^Ming=李^明"),
        item("HAS OBS CONTEXT", "UIDREF", "Device").text(0x40, 0xA124, b"UI", "1.2.3.6"),
        item("CONTAINS", "IMAGE", "").sequence(8, 0x1199, &[image]),
        item("CONTAINS", "WAVEFORM", "").sequence(8, 0x1199, &[wave]),
        item("CONTAINS", "COMPOSITE", "Prior").sequence(8, 0x1199, &[reference(SR, "1.2.3.8")]),
        item("INFERRED FROM", "SCOORD", "")
            .put(0x70, 0x22, b"FL", &floats)
            .text(0x70, 0x23, b"CS", "POLYLINE"),
        item("INFERRED FROM", "SCOORD3D", "")
            .put(0x70, 0x22, b"FL", &floats[..12])
            .text(0x70, 0x23, b"CS", "POINT")
            .text(0x3006, 0x24, b"UI", "1.2.3.7"),
        item("CONTAINS", "TCOORD", "Beat")
            .text(0x40, 0xA130, b"CS", "POINT")
            .text(0x40, 0xA138, b"DS", "1.5"),
        item("CONTAINS", "CONTAINER", "Group")
            .sequence(
                0x40,
                0xA504,
                &[Bytes::default()
                    .text(8, 0x105, b"CS", "DCMR")
                    .text(0x40, 0xDB00, b"CS", "1411")],
            )
            .sequence(
                0x40,
                0xA730,
                &[Bytes::default()
                    .text(0x40, 0xA010, b"CS", "SELECTED FROM")
                    .put(0x40, 0xDB73, b"UL", &path)],
            ),
    ];
    let content = read(&report(&items));
    assert_eq!(codes(&content), Vec::<&str>::new());
    assert_eq!(
        (content.kind, content.title.as_str()),
        (ObjectKind::Report, "CT Report")
    );
    assert_eq!(content.class_name, "Comprehensive SR Storage");
    assert_eq!(content.nodes.len(), items.len() + 2);
    let text = |name: &str| match &named(&content, name).value {
        Value::Text(text) | Value::Moment(text) => text.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(text("Finding"), "右肺上叶 nodule");
    assert_eq!(text("When"), "2024-02-29 14:23:01");
    assert_eq!(text("Day"), "2024-02-29");
    assert_eq!(text("Hour"), "14:23:01.5");
    match &named(&content, "Width").value {
        Value::Number {
            text, value, unit, ..
        } => {
            assert_eq!((text.as_str(), *value), ("12.50", Some(12.5)));
            assert_eq!(unit.as_ref().unwrap().notation(), "(mm, UCUM)");
        }
        other => panic!("{other:?}"),
    }
    match &named(&content, "Site").value {
        Value::Code(code) => assert_eq!(code.meaning, "Lung"),
        other => panic!("{other:?}"),
    }
    match &named(&content, "Who").value {
        Value::Person(name) => assert_eq!(name.reveal().display(), "Li, Ming (李明)"),
        other => panic!("{other:?}"),
    }
    let references: Vec<_> = content
        .nodes
        .iter()
        .filter_map(|n| match &n.value {
            Value::Reference(to) => Some((to.instance_uid.as_str(), &to.frames, &to.parts)),
            _ => None,
        })
        .collect();
    assert_eq!(references.len(), 3);
    assert_eq!(references[0].0, "1.2.3.4");
    assert_eq!(references[0].1, &[2, 5]);
    assert_eq!(references[1].2, &["1.2", "1.3"]);
    let points: Vec<_> = content
        .nodes
        .iter()
        .filter_map(|n| match &n.value {
            Value::Points(p) => Some((p.kind.as_str(), p.count, p.dimensions, p.first.len())),
            _ => None,
        })
        .collect();
    assert_eq!(points, [("POLYLINE", 2, 2, 4), ("POINT", 1, 3, 3)]);
    let group = named(&content, "Group");
    assert_eq!(group.template, "TID 1411 (DCMR)");
    // The link leads to the second item, the number.
    let link = content.nodes.last().unwrap();
    assert_eq!(link.relationship, Some(Relationship::SelectedFrom));
    match link.value {
        Value::Link { node: Some(at), .. } => assert_eq!(content.nodes[at].name.text, "Width"),
        ref other => panic!("{other:?}"),
    }
    // Whoever may be named by it is marked.
    for (name, personal) in [
        ("Finding", true),
        ("Who", true),
        ("Day", true),
        ("Width", false),
        ("Site", false),
    ] {
        assert_eq!(named(&content, name).personal, personal, "{name}");
    }
    assert_eq!(content.head[0].name.text, "Completion Flag");
    assert_eq!(content.head[0].value, Value::Term("COMPLETE".into()));
}

#[test]
fn odd_reports_are_read_and_named() {
    let check = |items: &[Bytes], expected: &[&str]| {
        let content = read(&report(items));
        assert_eq!(codes(&content), expected);
    };
    check(
        &[item("CONTAINS", "POEM", "Ode")],
        &["CONTENT_TYPE_UNKNOWN"],
    );
    check(
        &[item("CONTAINS", "NUM", "Width")],
        &["CONTENT_VALUE_MISSING"],
    );
    let no_number = Bytes::default().text(0x40, 0xA30A, b"DS", "wide");
    check(
        &[item("CONTAINS", "NUM", "Width").sequence(0x40, 0xA300, &[no_number])],
        &["CONTENT_VALUE_MISSING"],
    );
    check(
        &[item("RHYMES WITH", "TEXT", "A").text(0x40, 0xA160, b"UT", "b")],
        &["CONTENT_RELATIONSHIP_UNKNOWN"],
    );
    check(
        &[item("CONTAINS", "TEXT", "").text(0x40, 0xA160, b"UT", "b")],
        &["CONTENT_NAME_MISSING"],
    );
    check(&[item("CONTAINS", "IMAGE", "")], &["CONTENT_VALUE_MISSING"]);
    check(
        &[item("CONTAINS", "SCOORD", "")],
        &["CONTENT_VALUE_MISSING"],
    );
    let nowhere: Vec<u8> = [1u32, 99].iter().flat_map(|v| v.to_le_bytes()).collect();
    check(
        &[Bytes::default()
            .text(0x40, 0xA010, b"CS", "SELECTED FROM")
            .put(0x40, 0xDB73, b"UL", &nowhere)],
        &["CONTENT_LINK_LOST"],
    );
    let empty = header(SR, "SR").text(0x40, 0xA040, b"CS", "CONTAINER");
    let content = read(&empty.0);
    assert_eq!(codes(&content), ["CONTENT_MISSING", "CONTENT_NAME_MISSING"]);
    assert_eq!(content.nodes.len(), 1);
}

#[test]
fn items_that_refer_to_each_other_in_a_circle_end() {
    let to = refers;
    let text = |name: &str, below: Bytes| {
        item("CONTAINS", "TEXT", name)
            .text(0x40, 0xA160, b"UT", name)
            .sequence(0x40, 0xA730, &[below])
    };
    // The first from the second, the second from the first, and the root from itself.
    let content = read(&report(&[
        text("A", to(&[1, 2])),
        text("B", to(&[1, 1])),
        to(&[1]),
    ]));
    let links: Vec<Option<usize>> = content
        .nodes
        .iter()
        .filter_map(|n| match n.value {
            Value::Link { node, .. } => Some(node),
            _ => None,
        })
        .collect();
    assert_eq!(links, [Some(3), Some(1), Some(0)]);
    // Which is said, and nothing is taken from it: what belongs to what cannot be told.
    assert!(codes(&content).contains(&"CONTENT_CIRCLE"));
}

/// An item that refers to another one by its path.
pub fn refers(path: &[u32]) -> Bytes {
    let bytes: Vec<u8> = path.iter().flat_map(|v| v.to_le_bytes()).collect();
    Bytes::default()
        .text(0x40, 0xA010, b"CS", "INFERRED FROM")
        .put(0x40, 0xDB73, b"UL", &bytes)
}

/// A heading with items below it.
pub fn heading(below: &[Bytes]) -> Bytes {
    item("CONTAINS", "CONTAINER", "part").sequence(0x40, 0xA730, below)
}

#[test]
fn marks_are_taken_from_no_report_that_runs_in_a_circle() {
    let taken = |items: &[Bytes]| {
        let source = ByteSource::Memory(Arc::new(file(EXPLICIT, &report(items))));
        let structure = Structure::of_source(source, &Limits::default()).unwrap();
        let said = codes(&content::read(&structure).unwrap()).contains(&"CONTENT_CIRCLE");
        let marks = content::marks::marks(&structure);
        assert_eq!(said, marks.is_err(), "both say the same");
        marks.map(|_| ()).map_err(|fault| fault.code)
    };
    let circle = Err("CONTENT_CIRCLE");
    // Sideways, forward, to what is not there, and two that lead to one: no circles.
    let two = [heading(&[refers(&[1, 2])]), heading(&[]), refers(&[1, 1])];
    assert_eq!(taken(&two), Ok(()));
    assert_eq!(
        taken(&[refers(&[1, 9]), refers(&[2]), refers(&[0])]),
        Ok(())
    );
    assert_eq!(
        taken(&[refers(&[1, 3]), refers(&[1, 3]), heading(&[])]),
        Ok(())
    );
    // To itself, to the root, to what is around it.
    assert_eq!(taken(&[refers(&[1, 1])]), circle);
    assert_eq!(taken(&[refers(&[1])]), circle);
    let around = heading(&[heading(&[refers(&[1, 1])])]);
    assert_eq!(taken(&[around]), circle);
    // Around three corners.
    let ring = [
        heading(&[refers(&[1, 2])]),
        heading(&[heading(&[]), refers(&[1, 3, 1])]),
        heading(&[heading(&[refers(&[1, 1])])]),
    ];
    assert_eq!(taken(&ring), circle);
    // A hundred thousand references, each to the next; then the last to the first.
    let mut chain: Vec<Bytes> = (0..100_000_u32).map(|n| refers(&[1, n + 2])).collect();
    chain.push(heading(&[]));
    let begun = std::time::Instant::now();
    assert_eq!(taken(&chain), Ok(()));
    chain.push(refers(&[1, 1]));
    chain[99_999] = refers(&[1, 100_002]);
    assert_eq!(taken(&chain), circle);
    assert!(begun.elapsed().as_secs() < 60, "each is looked at once");
}

/// Items nested `depth` deep, written from the inside out.
fn nested(depth: usize) -> Vec<u8> {
    let opened = |inner: Vec<u8>| {
        // Undefined lengths, so that nothing has to be added up.
        let mut bytes = vec![0x40, 0, 0x30, 0xA7, b'S', b'Q', 0, 0, 255, 255, 255, 255];
        bytes.extend([0xFE, 0xFF, 0, 0xE0, 255, 255, 255, 255]);
        bytes.extend(inner);
        bytes
    };
    let start: Vec<u8> = opened(item("CONTAINS", "CONTAINER", "").0);
    let end = [
        0xFE, 0xFF, 0x0D, 0xE0, 0, 0, 0, 0, 0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0,
    ];
    let mut bytes = header(SR, "SR").text(0x40, 0xA040, b"CS", "CONTAINER").0;
    for _ in 0..depth {
        bytes.extend(&start);
    }
    for _ in 0..depth {
        bytes.extend(end);
    }
    bytes
}

#[test]
fn depth_and_number_are_bounded() {
    // As deep as files may be.
    let limit = Limits::default().nesting;
    let content = read(&nested(limit));
    assert_eq!(content.nodes.len(), limit + 1);
    assert_eq!(usize::from(content.nodes.last().unwrap().depth), limit);
    for depth in [limit + 1, 10_000] {
        let fault = read_with(EXPLICIT, &nested(depth)).unwrap_err();
        assert_eq!(fault.code, "NESTING", "{depth}");
    }
    let small = item("CONTAINS", "NUM", "");
    let many = |count: usize| report(&vec![small.clone(); count]);
    let content = read(&many(MOST_NODES + 5000));
    assert_eq!(content.nodes.len(), MOST_NODES);
    assert!(content.left_out >= 5000, "{}", content.left_out);
    assert!(codes(&content).contains(&"CONTENT_TOO_LONG"));
    let fault = read_with(EXPLICIT, &many(1_000_000)).unwrap_err();
    assert!(
        ["ITEMS", "ELEMENTS"].contains(&fault.code),
        "{}",
        fault.code
    );
}

#[test]
fn an_item_follows_its_own_character_set() {
    let own = Bytes::default()
        .text(8, 5, b"CS", "GB18030")
        .text(0x40, 0xA010, b"CS", "CONTAINS")
        .text(0x40, 0xA040, b"CS", "TEXT")
        .sequence(0x40, 0xA043, &[code("1", "99TEST", "Own")])
        .put(0x40, 0xA160, b"UT", &[0xD3, 0xD2, 0xB7, 0xCE]);
    let around = item("CONTAINS", "TEXT", "Around").text(0x40, 0xA160, b"UT", "右肺");
    let content = read(&report(&[own, around]));
    for name in ["Own", "Around"] {
        assert_eq!(
            named(&content, name).value,
            Value::Text("右肺".into()),
            "{name}"
        );
    }
}

fn contour(points: &str, said: &str) -> Bytes {
    Bytes::default()
        .text(0x3006, 0x42, b"CS", "CLOSED_PLANAR")
        .text(0x3006, 0x46, b"IS", said)
        .text(0x3006, 0x50, b"DS", points)
}

fn structure_set(contours: &[Bytes], numbers: (&str, &str)) -> Vec<u8> {
    let region = Bytes::default()
        .text(0x3006, 0x22, b"IS", numbers.0)
        .text(0x3006, 0x26, b"LO", "Lung_L")
        .text(0x3006, 0x36, b"CS", "MANUAL");
    let outline = Bytes::default()
        .text(0x3006, 0x2A, b"IS", "255\\0\\128")
        .sequence(0x3006, 0x40, contours)
        .text(0x3006, 0x84, b"IS", numbers.1);
    let meaning = Bytes::default()
        .text(0x3006, 0x84, b"IS", numbers.0)
        .text(0x3006, 0xA4, b"CS", "ORGAN");
    header("1.2.840.10008.5.1.4.1.1.481.3", "RTSTRUCT")
        .text(0x3006, 2, b"SH", "Thorax")
        .sequence(0x3006, 0x20, &[region])
        .sequence(0x3006, 0x39, &[outline])
        .sequence(0x3006, 0x80, &[meaning])
        .0
}

fn term(content: &Content, name: &str) -> String {
    match &named(content, name).value {
        Value::Term(text) => text.clone(),
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn outlines_are_counted_and_not_listed() {
    let contours = [contour("1\\2\\3\\4\\5\\6", "2"), contour("1\\2\\3", "1")];
    let content = read(&structure_set(&contours, ("7", "7")));
    assert_eq!(
        (content.kind, content.title.as_str()),
        (ObjectKind::StructureSet, "Thorax")
    );
    assert_eq!(codes(&content), Vec::<&str>::new());
    let region = &content.nodes[0];
    assert_eq!(region.name.number, Some(7));
    assert_eq!(region.value, Value::Text("Lung_L".into()));
    assert_eq!(
        named(&content, "ROI Display Color").value,
        Value::Color([255, 0, 128])
    );
    assert_eq!(term(&content, "Contours"), "2");
    assert_eq!(term(&content, "Points"), "3");
    assert_eq!(term(&content, "RT ROI Interpreted Type"), "ORGAN");
    let ragged = read(&structure_set(&[contour("1\\2\\3\\4", "1")], ("7", "7")));
    assert_eq!(codes(&ragged), ["CONTOUR_DATA_RAGGED"]);
    let lying = read(&structure_set(&[contour("1\\2\\3", "5")], ("7", "7")));
    assert_eq!(codes(&lying), ["CONTOUR_POINTS_DIFFER"]);
    let lost = read(&structure_set(&[contour("1\\2\\3", "1")], ("7", "8")));
    assert_eq!(codes(&lost), ["CONTOUR_WITHOUT_ROI"]);
}

/// A data set in implicit VR, where a text may have any length.
fn implicit(elements: &[(u16, u16, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (group, element, value) in elements {
        bytes.extend(group.to_le_bytes());
        bytes.extend(element.to_le_bytes());
        bytes.extend((value.len() as u32).to_le_bytes());
        bytes.extend(value);
    }
    bytes
}

fn implicit_item(content: Vec<u8>) -> Vec<u8> {
    let mut bytes = vec![0xFE, 0xFF, 0, 0xE0];
    bytes.extend((content.len() as u32).to_le_bytes());
    bytes.extend(content);
    bytes
}

#[test]
fn a_contour_of_two_million_points_is_only_counted() {
    let points = 2_000_000;
    let mut coordinates = "0\\".repeat(3 * points - 1).into_bytes();
    coordinates.push(b'0');
    if coordinates.len() % 2 == 1 {
        coordinates.push(b' ');
    }
    let contour = implicit(&[
        (0x3006, 0x42, b"POINT ".to_vec()),
        (0x3006, 0x50, coordinates),
    ]);
    let outline = implicit(&[
        (0x3006, 0x40, implicit_item(contour)),
        (0x3006, 0x84, b"1 ".to_vec()),
    ]);
    let region = implicit(&[
        (0x3006, 0x22, b"1 ".to_vec()),
        (0x3006, 0x26, b"Body".to_vec()),
    ]);
    let class = b"1.2.840.10008.5.1.4.1.1.481.3\0".to_vec();
    let data_set = implicit(&[
        (8, 0x16, class),
        (8, 0x18, b"1.2.3.77".to_vec()),
        (0x3006, 0x20, implicit_item(region)),
        (0x3006, 0x39, implicit_item(outline)),
    ]);
    let content = read_with(IMPLICIT, &data_set).unwrap();
    assert_eq!(term(&content, "Points"), points.to_string());
    assert_eq!(content.nodes[0].value, Value::Text("Body".into()));
    assert!(content.nodes.len() < 10);
}

#[test]
fn waveforms_say_how_long_they_are() {
    let us = |v: u16| v.to_le_bytes();
    let channel = Bytes::default()
        .sequence(0x3A, 0x208, &[code("2:1", "MDC", "Lead I")])
        .text(0x3A, 0x210, b"DS", "1.25")
        .sequence(0x3A, 0x211, &[code("uV", "UCUM", "microvolt")]);
    let group = |channels: u16, bytes: usize| {
        Bytes::default()
            .text(0x3A, 4, b"CS", "ORIGINAL")
            .put(0x3A, 5, b"US", &us(channels))
            .put(0x3A, 0x10, b"UL", &1000u32.to_le_bytes())
            .text(0x3A, 0x1A, b"DS", "500")
            .text(0x3A, 0x20, b"SH", "RHYTHM")
            .sequence(0x3A, 0x200, &[channel.clone(), channel.clone()])
            .put(0x5400, 0x1004, b"US", &us(16))
            .text(0x5400, 0x1006, b"CS", "SS")
            .put(0x5400, 0x1010, b"OW", &vec![0; bytes])
    };
    let ecg = |group: Bytes| {
        header("1.2.840.10008.5.1.4.1.1.9.1.1", "ECG")
            .sequence(0x5400, 0x100, &[group])
            .0
    };
    let content = read(&ecg(group(2, 4000)));
    assert_eq!(content.kind, ObjectKind::Waveform);
    assert_eq!(codes(&content), Vec::<&str>::new());
    assert_eq!(named(&content, "Duration").value, Value::Quantity(2.0, "s"));
    assert_eq!(
        named(&content, "Sampling Frequency").value,
        Value::Quantity(500.0, "Hz")
    );
    let channels = content.nodes.iter().filter(|n| n.name.text == "Channel");
    assert_eq!(channels.count(), 2);
    assert_eq!(codes(&read(&ecg(group(2, 3998)))), ["WAVEFORM_DATA_LENGTH"]);
    let differing = read(&ecg(group(3, 6000)));
    assert_eq!(codes(&differing), ["WAVEFORM_CHANNELS_DIFFER"]);
}

#[test]
fn segments_are_described_and_their_frames_counted() {
    let segment = |number: u16, label: &str| {
        Bytes::default()
            .sequence(
                0x62,
                3,
                &[code(
                    "49755003",
                    "SCT",
                    "Morphologically Abnormal Structure",
                )],
            )
            .put(0x62, 4, b"US", &number.to_le_bytes())
            .text(0x62, 5, b"LO", label)
            .text(0x62, 8, b"CS", "MANUAL")
            .sequence(0x62, 0xF, &[code("4147007", "SCT", "Mass")])
    };
    let frame = |number: u16| {
        let of = Bytes::default().put(0x62, 0xB, b"US", &number.to_le_bytes());
        Bytes::default().sequence(0x62, 0xA, &[of])
    };
    let object = header("1.2.840.10008.5.1.4.1.1.66.4", "SEG")
        .text(0x62, 1, b"CS", "BINARY")
        .sequence(0x62, 2, &[segment(1, "Mass"), segment(2, "Node")])
        .text(0x70, 0x80, b"CS", "LESIONS")
        .sequence(0x5200, 0x9230, &[frame(1), frame(2), frame(1), frame(9)])
        .0;
    let content = read(&object);
    assert_eq!(
        (content.kind, content.title.as_str()),
        (ObjectKind::Segmentation, "LESIONS")
    );
    assert_eq!(codes(&content), ["SEGMENT_UNDESCRIBED"]);
    let frames: Vec<_> = content
        .nodes
        .iter()
        .filter(|n| n.name.text == "Frames")
        .map(|n| n.value.clone())
        .collect();
    assert_eq!(frames, [Value::Term("2".into()), Value::Term("1".into())]);
}

#[test]
fn a_key_object_and_a_presentation_state_name_their_images() {
    let images = [item("CONTAINS", "IMAGE", "").sequence(
        8,
        0x1199,
        &[reference("1.2.840.10008.5.1.4.1.1.2", "1.2.3.4")],
    )];
    let notes = header("1.2.840.10008.5.1.4.1.1.88.59", "KO")
        .text(0x40, 0xA040, b"CS", "CONTAINER")
        .sequence(0x40, 0xA043, &[code("113004", "DCM", "For Teaching")])
        .sequence(0x40, 0xA730, &images);
    let content = read(&notes.0);
    assert_eq!(
        (content.kind, content.title.as_str()),
        (ObjectKind::KeyObjects, "For Teaching")
    );
    assert_eq!(content.nodes.len(), 2);

    let floats: Vec<u8> = [1f32, 2.0, 3.0, 4.0]
        .iter()
        .flat_map(|v| v.to_le_bytes())
        .collect();
    let graphic = Bytes::default()
        .put(0x70, 0x22, b"FL", &floats)
        .text(0x70, 0x23, b"CS", "POLYLINE");
    let text = Bytes::default().text(0x70, 6, b"ST", "nodule");
    let annotation = Bytes::default()
        .text(0x70, 2, b"CS", "MARKS")
        .sequence(0x70, 8, &[text])
        .sequence(0x70, 9, &[graphic]);
    let series = Bytes::default()
        .sequence(
            8,
            0x1140,
            &[reference("1.2.840.10008.5.1.4.1.1.2", "1.2.3.4")],
        )
        .text(0x20, 0xE, b"UI", "1.2.3.2");
    let state = header("1.2.840.10008.5.1.4.1.1.11.1", "PR")
        .sequence(8, 0x1115, &[series])
        .text(0x18, 0x1600, b"CS", "RECTANGULAR")
        .sequence(0x70, 1, &[annotation])
        .text(0x70, 0x81, b"LO", "Nodule")
        .text(0x2050, 0x20, b"CS", "INVERSE");
    let content = read(&state.0);
    assert_eq!(
        (content.kind, content.title.as_str()),
        (ObjectKind::PresentationState, "Nodule")
    );
    assert_eq!(named(&content, "Text").value, Value::Text("nodule".into()));
    assert_eq!(term(&content, "Shutter Shape"), "RECTANGULAR");
    assert_eq!(term(&content, "Presentation LUT Shape"), "INVERSE");
    let drawn = named(&content, "Graphic");
    match &drawn.value {
        Value::Points(points) => assert_eq!((points.kind.as_str(), points.count), ("POLYLINE", 2)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_unknown_class_is_never_blank() {
    let bytes = header("1.2.3.4.5.6.7", "OT")
        .text(0x29, 0x10, b"LO", "SOMEBODY")
        .put(0x29, 0x1001, b"OB", &[1, 2, 3, 4])
        .sequence(
            0x40,
            0x555,
            &[Bytes::default().text(0x40, 0xA160, b"UT", "deep")],
        );
    let content = read(&bytes.0);
    assert_eq!(content.kind, ObjectKind::Other);
    assert_eq!(named(&content, "(0029,1001)").value, Value::Bytes(4));
    let deep = named(&content, "Text Value");
    assert_eq!((deep.depth, &deep.value), (1, &Value::Text("deep".into())));
    assert!(named(&content, "Patient ID").personal);
    assert!(!named(&content, "Modality").personal);
}

/// Any byte of a report may be anything: the answer is a tree or a refusal.
#[test]
fn mutated_objects_end_in_a_tree_or_a_refusal() {
    let good = file(
        EXPLICIT,
        &structure_set(&[contour("1\\2\\3\\4\\5\\6", "2")], ("7", "7")),
    );
    let number = Bytes::default()
        .sequence(0x40, 0x8EA, &[code("mm", "UCUM", "millimeter")])
        .text(0x40, 0xA30A, b"DS", "12.50");
    let other = file(
        EXPLICIT,
        &report(&[
            item("CONTAINS", "NUM", "Width").sequence(0x40, 0xA300, &[number]),
            item("CONTAINS", "TEXT", "Finding").text(0x40, 0xA160, b"UT", "右肺上叶"),
        ]),
    );
    let mut seed = 1u64;
    let mut random = move |below: usize| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    let (mut trees, mut refusals) = (0, 0);
    for round in 0..4000 {
        let mut bytes = if round % 2 == 0 {
            good.clone()
        } else {
            other.clone()
        };
        for _ in 0..=random(3) {
            let at = 132 + random(bytes.len() - 132);
            bytes[at] = random(256) as u8;
        }
        let source = ByteSource::Memory(Arc::new(bytes));
        let read = Structure::of_source(source, &Limits::default()).and_then(|s| content::read(&s));
        match read {
            Ok(content) => {
                assert!(!content.nodes.is_empty());
                trees += 1;
            }
            Err(fault) => {
                assert_ne!(
                    fault.code, "FILE_CHANGED",
                    "the guard and the reader disagree"
                );
                refusals += 1;
            }
        }
    }
    assert!(
        trees > 500 && refusals > 500,
        "{trees} trees, {refusals} refusals"
    );
}

fn write(folder: &Path, name: &str, data_set: &[u8]) -> std::path::PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, file(EXPLICIT, data_set)).unwrap();
    path
}

fn run(args: &[&std::ffi::OsStr]) -> (Option<i32>, String) {
    let run = Command::new(env!("CARGO_BIN_EXE_negatoscope"))
        .args(args)
        .output()
        .unwrap();
    (run.status.code(), String::from_utf8(run.stdout).unwrap())
}

#[test]
fn the_command_refuses_marks_of_a_circle_and_shows_the_report() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(
        folder.path(),
        "circle.dcm",
        &report(&[heading(&[refers(&[1, 1])])]),
    );
    let (code, shown) = run(&["content".as_ref(), path.as_os_str(), "--json".as_ref()]);
    assert!(
        shown.contains("CONTENT_CIRCLE") && shown.contains("CT Report"),
        "{code:?} {shown}"
    );
    let import = ["annotations", "import", "--dry-run"].map(std::ffi::OsStr::new);
    let done = Command::new(env!("CARGO_BIN_EXE_negatoscope"))
        .args(import)
        .arg(&path)
        .output()
        .unwrap();
    let said = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(3), "{said}");
    assert!(
        said.contains("[CONTENT_CIRCLE]") && said.contains("in a circle"),
        "{said}"
    );
}

#[test]
fn reports_that_refer_to_each_other_are_read_one_by_one() {
    let folder = tempfile::tempdir().unwrap();
    // Itself, and another that refers back.
    let to = |instance: &str| {
        let below = reference(SR, instance);
        item("CONTAINS", "COMPOSITE", "Before").sequence(8, 0x1199, &[below])
    };
    for (name, instance, other) in [("a", "1.2.3.77", "1.2.3.78"), ("b", "1.2.3.78", "1.2.3.77")] {
        let mut data_set = report(&[to(instance), to(other)]);
        let at = data_set.windows(8).position(|w| w == b"1.2.3.77").unwrap();
        data_set[at..at + 8].copy_from_slice(instance.as_bytes());
        let path = write(folder.path(), name, &data_set);
        let (code, shown) = run(&["content".as_ref(), path.as_os_str(), "--json".as_ref()]);
        assert_eq!(code, Some(0), "{shown}");
        assert_eq!(shown.matches("Before").count(), 2, "{shown}");
    }
}

#[test]
fn the_command_prints_identity_only_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let items = [
        item("HAS OBS CONTEXT", "PNAME", "Observer").text(0x40, 0xA123, b"PN", "Roe^Richard"),
        item("CONTAINS", "TEXT", "Finding").text(0x40, 0xA160, b"UT", "Jane has a nodule"),
        item("CONTAINS", "CODE", "Site").sequence(0x40, 0xA168, &[code("9", "SCT", "Lung")]),
    ];
    let path = write(folder.path(), "sr.dcm", &report(&items));
    let content = |more: &[&str]| {
        let mut args = vec!["content".as_ref(), path.as_os_str()];
        args.extend(more.iter().map(|a| std::ffi::OsStr::new(*a)));
        run(&args)
    };
    for json in [false, true] {
        let flags: &[&str] = if json { &["--json"] } else { &[] };
        let (exit, hidden) = content(flags);
        assert_eq!(exit, Some(0));
        for secret in ["Roe", "Richard", "Jane", "nodule", "2024"] {
            assert!(!hidden.contains(secret), "{secret} in {hidden}");
        }
        assert!(
            hidden.contains("[redacted]") && hidden.contains("Lung"),
            "{hidden}"
        );
        let mut flags = flags.to_vec();
        flags.push("--show-phi");
        let (_, shown) = content(&flags);
        assert!(
            shown.contains("Roe, Richard") && shown.contains("Jane has a nodule"),
            "{shown}"
        );
    }
    let (_, json) = content(&["--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["kind"], "report");
    assert_eq!(json["title"], "CT Report");
    assert_eq!(json["nodes"][3]["value"]["code"]["meaning"], "Lung");
    assert_eq!(json["nodes"][3]["place"], "1.3");
    let (exit, line) = run(&["inspect".as_ref(), path.as_os_str()]);
    assert_eq!(exit, Some(0));
    assert!(
        line.contains("structured report: CT Report, 4 items"),
        "{line}"
    );
}

#[test]
fn a_document_comes_out_as_it_went_in() {
    let folder = tempfile::tempdir().unwrap();
    let pdf = b"%PDF-1.4 odd";
    let object = |bytes: &[u8], length: u32| {
        header("1.2.840.10008.5.1.4.1.1.104.1", "DOC")
            .text(0x42, 0x10, b"ST", "Lung function")
            .put(0x42, 0x11, b"OB", bytes)
            .text(0x42, 0x12, b"LO", "application/pdf")
            .put(0x42, 0x15, b"UL", &length.to_le_bytes())
            .0
    };
    let path = write(folder.path(), "pdf.dcm", &object(pdf, 11));
    let out = folder.path().join("out.pdf");
    let args = [
        "content".as_ref(),
        path.as_os_str(),
        "--out".as_ref(),
        out.as_os_str(),
    ];
    let (exit, text) = run(&args);
    assert_eq!(exit, Some(0));
    assert!(
        text.contains("application/pdf") && text.contains("11 bytes"),
        "{text}"
    );
    assert!(!text.contains("Lung function"), "{text}");
    assert_eq!(std::fs::read(&out).unwrap(), b"%PDF-1.4 od");
    // Never over the object itself.
    let before = std::fs::read(&path).unwrap();
    let args = [
        "content".as_ref(),
        path.as_os_str(),
        "--out".as_ref(),
        path.as_os_str(),
    ];
    assert_eq!(run(&args).0, Some(2));
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(codes(&read(&object(pdf, 99))), ["DOCUMENT_LENGTH"]);
    let none = header("1.2.840.10008.5.1.4.1.1.104.1", "DOC").text(0x42, 0x10, b"ST", "x");
    assert_eq!(codes(&read(&none.0)), ["DOCUMENT_MISSING"]);
    // A report holds none.
    let report = write(folder.path(), "sr.dcm", &report(&[]));
    let args = [
        "content".as_ref(),
        report.as_os_str(),
        "--out".as_ref(),
        out.as_os_str(),
    ];
    assert_eq!(run(&args).0, Some(5));
}

#[test]
fn a_picture_has_a_content_as_well() {
    let source = ByteSource::Memory(Arc::new(Slice::default().file(EXPLICIT)));
    let structure = Structure::of_source(source, &Limits::default()).unwrap();
    let content = content::read(&structure).unwrap();
    assert_eq!(content.kind, ObjectKind::Picture);
    assert_eq!(term(&content, "Rows"), "8");
    assert_eq!(kind_of("1.2.840.10008.5.1.4.1.1.2"), ObjectKind::Picture);
}

/// What pydicom 3.0 counts in the same files: nodes of the content tree, root included, or parts.
#[test]
#[cfg_attr(not(has_data), ignore = "needs NEGATOSCOPE_DATA")]
fn real_objects_are_read_whole() {
    let content = |path: &str| {
        let structure = Structure::of_file(&support::data(path), &Limits::default()).unwrap();
        content::read(&structure).unwrap()
    };
    for (path, nodes) in [
        ("dicom-pydicom/test_files/test-SR.dcm", 29),
        ("dicom-pydicom/test_files/reportsi.dcm", 9),
        ("dicom-seg-sr/sr-example/sr.dcm", 256),
    ] {
        let content = content(path);
        assert_eq!(content.kind, ObjectKind::Report, "{path}");
        assert_eq!(content.nodes.len(), nodes, "{path}");
        assert_eq!(content.left_out, 0, "{path}");
    }
    let count = |content: &Content, name: &str| {
        let found = content.nodes.iter().filter(|n| n.name.text == name);
        found.count()
    };
    let ecg = content("dicom-pydicom/test_files/waveform_ecg.dcm");
    assert_eq!(
        (count(&ecg, "Multiplex group"), count(&ecg, "Channel")),
        (2, 24)
    );
    let liver = content("dicom-seg-sr/segmentations/partial_overlaps.dcm");
    assert_eq!(count(&liver, "Segment"), 5);
    let plan = content("dicom-pydicom/test_files/rtplan.dcm");
    assert_eq!(count(&plan, "Fraction group"), 1);
    let map = content("dicom-seg-sr/sr-example/rwvm.dcm");
    assert_eq!(map.kind, ObjectKind::ValueMapping);
    let palette = content("dicom-pydicom/palettes/hotiron.dcm");
    assert_eq!(palette.kind, ObjectKind::ColorPalette);
    assert!(palette.nodes.len() > 10);
}
