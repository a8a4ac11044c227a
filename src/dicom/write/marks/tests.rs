//! Every kind of mark through every exporter and back.

use super::*;
use crate::{
    dicom::{
        bytes::ByteSource,
        content::marks::{marks, settle, source},
        guard::{Limits, Structure},
        header::read_dicom,
        write::{SeriesIdentity, write_ct_series},
    },
    model::{
        annotation::{
            Annotation, AnnotationId, AnnotationTarget, Author, Code, MarkKind, PointSpace, Shape,
        },
        exchange::{MarkNumber, MarkToSend, MarksRead, NotSentReason, Sent, Sources},
        geometry::GridGeometry,
        identity::{PatientIdentity, PersonName},
        lut::{ModalityLut, WindowLevel},
        pixels::{Frame, PixelBytes, StoredType},
        volume::Volume,
    },
};
use glam::{DAffine3, DMat3, DVec3};
use std::{collections::BTreeMap, path::Path, sync::Arc};

/// Two slices of a tilted CT with oblong pixels, as files, and read again.
fn sources(folder: &Path, oblong: bool) -> Sources {
    let (row, column) = if oblong { (1.5, 0.75) } else { (0.8, 0.8) };
    let turn = DMat3::from_rotation_x(0.3);
    let matrix = DMat3::from_cols(
        turn * DVec3::X * column,
        turn * DVec3::Y * row,
        turn * DVec3::Z * 3.0,
    );
    let frame = || {
        let bytes = vec![0; 64 * 48 * 2];
        let pixels = PixelBytes::from_vec(bytes);
        Frame::new(48, 64, 1, StoredType::I16, pixels).unwrap()
    };
    let volume = Volume {
        grid: GridGeometry {
            patient_from_voxel: DAffine3::from_mat3_translation(
                matrix,
                DVec3::new(-31.5, -120.25, 88.0),
            ),
            size: [64, 48, 2],
        },
        frames: vec![frame(), frame()],
        modality_lut: ModalityLut::Rescale {
            slope: 1.0,
            intercept: -1024.0,
        },
        padding: None,
        unit: Default::default(),
    };
    let mut identity = SeriesIdentity {
        patient: PatientIdentity {
            name: PersonName::parse("Wang^XiaoDong=王^小东").into(),
            id: "P-1".to_owned().into(),
            ..PatientIdentity::default()
        },
        windows: vec![WindowLevel {
            center: 40.0,
            width: 400.0,
        }],
        study_id: "7".into(),
        ..SeriesIdentity::default()
    };
    identity.study.uid = "1.2.3".into();
    identity.study.description = "Étude".into();
    identity.series.uid = "1.2.3.4".into();
    identity.series.frame_of_reference_uid = "1.2.3.9".into();
    let paths = write_ct_series(folder, &volume, &identity).unwrap();
    let limits = Limits::default();
    let read = paths.into_iter().map(|path| {
        let path: Arc<Path> = Arc::from(path);
        let instance = Arc::new(read_dicom(&path, &limits).unwrap());
        let structure = Structure::of_file(&path, &limits).unwrap();
        let source = source(&structure, &instance).unwrap();
        (instance.sop_instance_uid.clone(), source)
    });
    read.collect()
}

fn making() -> Making {
    Making {
        date: "20240229".into(),
        time: "142301".into(),
        uid_seed: "test".into(),
        author: "Reader".into(),
    }
}

/// Numbers from 0 to 1 that repeat (a step of Knuth's MMIX generator).
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Points of a kind on a frame, in its pixels. Figures with right angles have them in millimetres.
fn pixel_points(kind: MarkKind, aspect: f64, random: &mut Random) -> Vec<DVec3> {
    let mut point = || DVec3::new(8.0 + 40.0 * random.next(), 8.0 + 30.0 * random.next(), 0.0);
    match kind {
        MarkKind::Ellipse | MarkKind::Rectangle => {
            let (a, b) = (point(), point());
            let step = (b - a) * DVec3::new(1.0, aspect, 1.0);
            let across = DVec3::new(-step.y, step.x / aspect, 0.0) * 0.6;
            match kind {
                MarkKind::Ellipse => vec![a, b, a + across],
                _ => vec![a, b, b + across],
            }
        }
        MarkKind::Polyline | MarkKind::Polygon | MarkKind::Freehand | MarkKind::Spline => {
            (0..7).map(|_| point()).collect()
        }
        kind => (0..*kind.point_count().start().max(&1))
            .map(|_| point())
            .collect(),
    }
}

fn mark(
    kind: MarkKind,
    space: PointSpace,
    source: &SourceObject,
    random: &mut Random,
) -> Annotation {
    let frame = &source.instance.image.as_ref().unwrap().shared;
    let (row, column) = frame.spacing.row_column();
    let points = pixel_points(kind, row / column, random);
    let target = AnnotationTarget {
        study_uid: source.instance.study.uid.clone(),
        series_uid: source.instance.series.uid.clone(),
        instance_uid: source.instance.sop_instance_uid.clone(),
        frame: 1,
        frame_of_reference_uid: source.frame_of_reference_uid.clone(),
    };
    let id = AnnotationId(format!("{}-{}", kind.name(), random.next()));
    let mut mark = Annotation::new(id, target, PointSpace::Pixel, Shape::new(kind, points));
    mark.label = format!("结节 {}", kind.name());
    mark.group = "Baseline".into();
    mark.code = Some(Code {
        value: "27925004".into(),
        scheme: "SCT".into(),
        meaning: "Nodule".into(),
    });
    mark.locked = random.next() > 0.5;
    mark.hidden = random.next() > 0.5;
    mark.created_ms = 1_709_212_981_250;
    mark.author = match (random.next() * 4.0) as u8 {
        0 => Author::Person("Reader".into()),
        1 => Author::Person(String::new()),
        2 => Author::Model {
            id: "lung-fields".into(),
            version: "1.0".into(),
        },
        _ => Author::Foreign("ACME Viewer".into()),
    };
    match space {
        PointSpace::Pixel => mark,
        PointSpace::Patient => lift(&mark, source).unwrap(),
    }
}

/// A mark of a frame's pixels in patient space, by that frame's plane; `None` where the frame has none.
fn lift(mark: &Annotation, source: &SourceObject) -> Option<Annotation> {
    let image = source.instance.image.as_ref()?;
    let frame = usize::try_from(mark.target.frame).ok()?.checked_sub(1)?;
    let frame = image.frame(frame);
    let plane = frame.plane?;
    let (row, column) = frame.spacing.row_column();
    let mut lifted = mark.clone();
    lifted.space = PointSpace::Patient;
    for point in &mut lifted.shape.points {
        *point = plane.origin
            + plane.along_row * (point.x * column)
            + plane.along_column * (point.y * row);
    }
    Some(lifted)
}

fn numbers() -> Vec<MarkNumber> {
    let number = |name: &str, value: f64, unit: &str, source: &str| MarkNumber {
        name: name.into(),
        value,
        unit: unit.into(),
        source: source.into(),
    };
    vec![
        number("length", 12.345_678_901_234, "mm", "mm (Pixel Spacing)"),
        number("long_axis", 9.5, "mm", "mm (Pixel Spacing)"),
        number("short_axis", 4.5, "mm", "mm (Pixel Spacing)"),
        number("mean", -3.25, "HU", "Rescale Slope"),
    ]
}

fn read(sent: &Sent, sources: &Sources) -> MarksRead {
    assert!(sent.left.is_empty(), "{:?}", sent.left);
    let mut all = MarksRead::default();
    for object in &sent.objects {
        let source = ByteSource::Memory(Arc::new(object.bytes.clone()));
        let structure = Structure::of_source(source, &Limits::default()).unwrap();
        assert!(structure.findings.is_empty(), "{:?}", structure.findings);
        let mut found = marks(&structure).unwrap();
        assert!(found.ours);
        assert_eq!(found.rest, []);
        settle(&mut found, sources);
        all.marks.extend(found.marks);
        all.key_images.extend(found.key_images);
        all.said.extend(found.said);
    }
    all
}

/// Half a step of a 32-bit float at the largest coordinate, doubled for a mean of two and for the shift by half a pixel.
fn close(a: DVec3, b: DVec3) -> bool {
    let largest = a.abs().max_element().max(1.0);
    a.distance(b) <= 4.0 * largest * f64::from(f32::EPSILON)
}

fn check_same(before: &Annotation, after: &Annotation) {
    let kind = before.shape.kind.name();
    assert_eq!(
        before.shape.points.len(),
        after.shape.points.len(),
        "{kind}"
    );
    for (a, b) in before.shape.points.iter().zip(&after.shape.points) {
        assert!(close(*a, *b), "{kind}: {a} came back as {b}");
    }
    let mut after = after.clone();
    after.shape.points.clone_from(&before.shape.points);
    assert_eq!(&after, before, "{kind}");
}

#[test]
fn every_mark_comes_back_from_a_report() {
    let folder = tempfile::tempdir().unwrap();
    for oblong in [false, true] {
        let sources = sources(folder.path(), oblong);
        let mut random = Random(7);
        for kind in MarkKind::ALL {
            for space in [PointSpace::Pixel, PointSpace::Patient] {
                for round in 0..8 {
                    let source = sources.values().nth(round % 2).unwrap();
                    let mark = mark(kind, space, source, &mut random);
                    let sent = MarkToSend {
                        mark: mark.clone(),
                        numbers: if round < 4 { numbers() } else { Vec::new() },
                    };
                    let made = write_report(&[sent], &sources, &making());
                    let found = read(&made, &sources);
                    assert_eq!(found.marks.len(), 1);
                    check_same(&mark, &found.marks[0]);
                }
            }
        }
    }
}

#[test]
fn every_mark_comes_back_from_a_presentation_state() {
    let folder = tempfile::tempdir().unwrap();
    for oblong in [false, true] {
        let sources = sources(folder.path(), oblong);
        let mut random = Random(11);
        for kind in MarkKind::ALL {
            for space in [PointSpace::Pixel, PointSpace::Patient] {
                for round in 0..8 {
                    let source = sources.values().nth(round % 2).unwrap();
                    let mark = mark(kind, space, source, &mut random);
                    let sent = MarkToSend {
                        mark: mark.clone(),
                        numbers: numbers(),
                    };
                    let made = write_presentation(&[sent], &sources, &BTreeMap::new(), &making());
                    let mut found = read(&made, &sources);
                    assert_eq!(found.marks.len(), 1);
                    if space == PointSpace::Patient {
                        found.marks[0] = lift(&found.marks[0], source).unwrap();
                    }
                    check_same(&mark, &found.marks[0]);
                }
            }
        }
    }
}

#[test]
fn key_images_come_back_with_their_frames() {
    let folder = tempfile::tempdir().unwrap();
    let sources = sources(folder.path(), false);
    let mut random = Random(3);
    let keys: Vec<AnnotationTarget> = sources
        .values()
        .map(|s| mark(MarkKind::Point, PointSpace::Pixel, s, &mut random).target)
        .collect();
    let mut more = keys.clone();
    more.push(AnnotationTarget {
        instance_uid: "9.9".into(),
        ..keys[0].clone()
    });
    let made = write_key_objects(&more, &sources, &making());
    assert_eq!(made.left.len(), 1);
    assert_eq!(made.left[0].reason, NotSentReason::NoImage);
    let made = write_key_objects(&keys, &sources, &making());
    assert_eq!(read(&made, &sources).key_images, keys);
}

#[test]
fn key_images_of_a_long_film_all_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut sources = sources(folder.path(), false);
    let source = sources.values_mut().next().unwrap();
    let mut instance = (*source.instance).clone();
    instance.image.as_mut().unwrap().frames = 2500;
    source.instance = Arc::new(instance);
    let first = mark(MarkKind::Point, PointSpace::Pixel, source, &mut Random(3)).target;
    let keys: Vec<AnnotationTarget> = (1..=2500)
        .map(|frame| AnnotationTarget {
            frame,
            ..first.clone()
        })
        .collect();
    let made = write_key_objects(&keys, &sources, &making());
    assert_eq!(made.objects[0].count, 2500);
    assert_eq!(read(&made, &sources).key_images, keys);
}

/// A state of others: two lines of 8000 points on each of 200 images.
fn crowded_state() -> Vec<u8> {
    let values: Vec<f64> = (0..8000u32)
        .flat_map(|n| [f64::from(n % 500), f64::from(n / 500)])
        .collect();
    let annotation = || {
        let mut line = Elements::default();
        line.text(0x0070, 0x0005, b"CS", "PIXEL");
        line.number(0x0070, 0x0020, b"US", 2);
        line.number(0x0070, 0x0021, b"US", 8000);
        assert!(line.floats(0x0070, 0x0022, &values));
        line.text(0x0070, 0x0023, b"CS", "POLYLINE");
        let mut annotation = Elements::default();
        annotation.text(0x0070, 0x0002, b"CS", "LINES");
        annotation.items(0x0070, 0x0009, &[line]);
        annotation
    };
    let image = |number: u32| {
        let mut image = Elements::default();
        image.text(0x0008, 0x1150, b"UI", "1.2.840.10008.5.1.4.1.1.2");
        image.text(0x0008, 0x1155, b"UI", &format!("1.2.3.4.{number}"));
        image
    };
    let images: Vec<Elements> = (1..=200).map(image).collect();
    let mut series = Elements::default();
    series.items(0x0008, 0x1140, &images);
    series.text(0x0020, 0x000E, b"UI", "1.2.3.4");
    let (class, uid) = ("1.2.840.10008.5.1.4.1.1.11.1", "1.2.3.5");
    let mut state = Elements::default();
    state.text(0x0008, 0x0016, b"UI", class);
    state.text(0x0008, 0x0018, b"UI", uid);
    state.items(0x0008, 0x1115, &[series]);
    state.text(0x0020, 0x000D, b"UI", "1.2.3");
    state.items(0x0070, 0x0001, &[annotation(), annotation()]);
    state.file(class, uid, "1.2.3.6")
}

#[test]
fn marks_of_others_are_bounded_in_points() {
    let source = ByteSource::Memory(Arc::new(crowded_state()));
    let structure = Structure::of_source(source, &Limits::default()).unwrap();
    let found = marks(&structure).unwrap();
    let points: usize = found.marks.iter().map(|m| m.shape.points.len()).sum();
    assert_eq!((found.marks.len(), points), (250, 2_000_000));
    assert_eq!(found.rest.len(), 1, "{:?}", found.rest);
    assert_eq!(
        (found.rest[0].what.as_str(), found.rest[0].count),
        ("MARK", 150)
    );
}

#[test]
fn the_same_marks_give_the_same_bytes_and_carry_the_patient_on() {
    let folder = tempfile::tempdir().unwrap();
    let sources = sources(folder.path(), false);
    let source = sources.values().next().unwrap();
    let sent = MarkToSend {
        mark: mark(
            MarkKind::Length,
            PointSpace::Patient,
            source,
            &mut Random(1),
        ),
        numbers: numbers(),
    };
    let once = write_report(std::slice::from_ref(&sent), &sources, &making());
    let again = write_report(std::slice::from_ref(&sent), &sources, &making());
    assert_eq!(once.objects[0].bytes, again.objects[0].bytes);
    let bytes = &once.objects[0].bytes;
    let holds = |text: &str| bytes.windows(text.len()).any(|w| w == text.as_bytes());
    for text in [
        "Wang^XiaoDong=王^小东",
        "P-1",
        "Étude",
        "1.2.3.9",
        "mm (Pixel Spacing)",
        "Not for diagnostic use.",
    ] {
        assert!(holds(text), "{text}");
    }
    let found = read(&once, &sources);
    let said = found.said.values().next().unwrap();
    assert_eq!(said[0].value, 12.345_678_901_234);
    assert_eq!(
        (said[0].unit.as_str(), said[0].source.as_str()),
        ("mm", "mm (Pixel Spacing)")
    );
    assert_eq!(said[3].name, "Attenuation Coefficient, mean");
}

#[test]
fn what_a_format_cannot_say_is_left_out_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let sources = sources(folder.path(), false);
    let source = sources.values().next().unwrap();
    let mut random = Random(5);
    let mut make = |change: &dyn Fn(&mut Annotation)| {
        let mut mark = mark(MarkKind::Polygon, PointSpace::Patient, source, &mut random);
        change(&mut mark);
        vec![MarkToSend {
            mark,
            numbers: Vec::new(),
        }]
    };
    let reasons = |sent: Sent| sent.left.iter().map(|l| l.reason).collect::<Vec<_>>();
    let none = BTreeMap::new();
    let beside = make(&|m| m.shape.points[0].z += 5.0);
    assert_eq!(
        reasons(write_presentation(&beside, &sources, &none, &making())),
        [NotSentReason::OffFrame]
    );
    assert_eq!(reasons(write_report(&beside, &sources, &making())), []);
    let long = make(&|m| m.shape.points = vec![m.shape.points[0]; 20_000]);
    for sent in [
        write_presentation(&long, &sources, &none, &making()),
        write_report(&long, &sources, &making()),
    ] {
        assert_eq!(reasons(sent), [NotSentReason::TooLong]);
    }
    let elsewhere = make(&|m| m.target.instance_uid = "9.9".into());
    assert_eq!(
        reasons(write_report(&elsewhere, &sources, &making())),
        [NotSentReason::NoImage]
    );
}
