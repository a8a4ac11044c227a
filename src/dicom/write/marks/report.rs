//! Marks as a measurement report: Comprehensive 3D SR with TID 1500, a measurement group for each mark.
//!
//! Areas are planar regions (TID 1410), all else measurements with the coordinates that they are inferred from (TID 1501
//! with TID 300, and TID 1419 for values under a region). Points of the patient's space are SCOORD3D in their frame of
//! reference, points of a frame SCOORD on its image.

use super::{
    Head, Making, codes, evidence, moment, notice, reference,
    shapes::{Drawn, Ground, graphics},
    tree::{self, CONTAINS, CONTEXT, INFERRED, MODIFIER, Owned, PROPERTIES, Place},
};
use crate::{
    dicom::{raster::uid_from, write::elements::Elements},
    model::{
        annotation::{Annotation, Author, MarkKind, PointSpace},
        exchange::{
            MadeObject, MarkNumber, MarkToSend, NotSent, NotSentReason, Sent, SourceObject, Sources,
        },
    },
};
use std::collections::BTreeMap;

/// Comprehensive 3D SR Storage.
const CLASS: &str = "1.2.840.10008.5.1.4.1.1.88.34";

/// Makes a report for each study that marks lie on.
pub fn write_report(marks: &[MarkToSend], sources: &Sources, making: &Making) -> Sent {
    let mut sent = Sent::default();
    let mut studies: BTreeMap<&str, Vec<(&MarkToSend, &SourceObject)>> = BTreeMap::new();
    for mark in marks {
        match sources.get(&mark.mark.target.instance_uid) {
            Some(source) => {
                let study = source.instance.study.uid.as_str();
                studies.entry(study).or_default().push((mark, source));
            }
            None => sent.left.push(not_sent(&mark.mark, NotSentReason::NoImage)),
        }
    }
    for (study, marks) in studies {
        let mut groups = Vec::new();
        let mut used: BTreeMap<&str, &SourceObject> = BTreeMap::new();
        for (mark, source) in marks {
            match group(mark, source, making) {
                Ok(item) => {
                    groups.push(item);
                    used.insert(&source.instance.sop_instance_uid, source);
                }
                Err(reason) => sent.left.push(not_sent(&mark.mark, reason)),
            }
        }
        if let Some(source) = used.values().next().copied() {
            let used: Vec<&SourceObject> = used.into_values().collect();
            sent.objects
                .push(document(study, &groups, source, &used, making));
        }
    }
    sent
}

fn not_sent(mark: &Annotation, reason: NotSentReason) -> NotSent {
    NotSent {
        id: mark.id.0.clone(),
        reason,
    }
}

/// The whole object.
pub(super) fn document(
    study: &str,
    groups: &[Elements],
    source: &SourceObject,
    used: &[&SourceObject],
    making: &Making,
) -> MadeObject {
    let head = Head {
        class: CLASS,
        modality: "SR",
        series_number: 9101,
        description: "Marks, not for diagnostic use",
        instance_uid: making.uid(&["report", study]),
        series_uid: making.uid(&["report series", study]),
    };
    let mut e = head.elements(source, making);
    e.text(0x0008, 0x0023, b"DA", &making.date);
    e.text(0x0008, 0x0033, b"TM", &making.time);
    // Type 2: no procedure step is known here, and no procedure beside the one that is reported.
    e.items(0x0008, 0x1111, &[]);
    e.items(0x0040, 0xA372, &[]);
    e.text(0x0040, 0xA491, b"CS", "COMPLETE");
    e.text(0x0040, 0xA493, b"CS", "UNVERIFIED");
    e.items(0x0040, 0xA375, &evidence(used.iter().copied()));
    e.text(0x0040, 0xA040, b"CS", "CONTAINER");
    let name = tree::owned(codes::MEASUREMENT_REPORT);
    e.items(0x0040, 0xA043, &[tree::code_item(&name)]);
    tree::contain(&mut e, "1500");
    let mut items = vec![tree::code(
        MODIFIER,
        codes::LANGUAGE,
        &tree::owned(codes::ENGLISH),
    )];
    items.extend(observers(making));
    items.push(tree::code(
        MODIFIER,
        codes::PROCEDURE_REPORTED,
        &tree::owned(codes::IMAGING_PROCEDURE),
    ));
    let images: Vec<Elements> = used
        .iter()
        .map(|source| tree::image(CONTAINS, None, &reference(source, &[])))
        .collect();
    let library = tree::container(CONTAINS, codes::IMAGE_LIBRARY_GROUP, "", &images);
    items.push(tree::container(
        CONTAINS,
        codes::IMAGE_LIBRARY,
        "1600",
        &[library],
    ));
    items.push(tree::container(CONTAINS, codes::MEASUREMENTS, "", groups));
    items.push(tree::text(
        CONTAINS,
        codes::COMMENT,
        &notice("Marks and measurements of a viewer"),
    ));
    e.items(0x0040, 0xA730, &items);
    MadeObject {
        kind: "sr",
        instance_uid: head.instance_uid.clone(),
        study_uid: study.to_owned(),
        count: groups.len(),
        bytes: head.file(&e),
    }
}

/// Who sends it (TID 1001, 1002): the person, when one is named, and this program.
pub(super) fn observers(making: &Making) -> Vec<Elements> {
    let mut items = Vec::new();
    if !making.author.is_empty() {
        items.extend(person_observer(&making.author));
    }
    items.extend(device_observer(codes::MODEL));
    items
}

fn person_observer(name: &str) -> Vec<Elements> {
    let kind = tree::owned(codes::PERSON);
    vec![
        tree::code(CONTEXT, codes::OBSERVER_TYPE, &kind),
        tree::person(CONTEXT, codes::PERSON_NAME, name),
    ]
}

fn device_observer(name: &str) -> Vec<Elements> {
    let kind = tree::owned(codes::DEVICE);
    let uid = uid_from(&[b"device", name.as_bytes()]);
    vec![
        tree::code(CONTEXT, codes::OBSERVER_TYPE, &kind),
        tree::uid(CONTEXT, codes::DEVICE_UID, &uid),
        tree::text(CONTEXT, codes::DEVICE_NAME, name),
    ]
}

/// The UID that follows a mark through objects: that of its id where this is a UUID (PS3.5 annex B.2), else made from it.
pub(super) fn tracking_uid(mark: &Annotation) -> String {
    match uuid::Uuid::parse_str(&mark.id.0) {
        Ok(id) => format!("2.25.{}", id.as_u128()),
        Err(_) => uid_from(&[b"mark", mark.id.0.as_bytes()]),
    }
}

/// Whether a kind is an area or a place, which is shown as a region of the image.
const fn is_region(kind: MarkKind) -> bool {
    matches!(
        kind,
        MarkKind::Point
            | MarkKind::Ellipse
            | MarkKind::Rectangle
            | MarkKind::Circle
            | MarkKind::Polygon
            | MarkKind::Freehand
            | MarkKind::Spline
            | MarkKind::Arrow
            | MarkKind::Text
    )
}

/// One mark as a measurement group.
fn group(
    sent: &MarkToSend,
    source: &SourceObject,
    making: &Making,
) -> Result<Elements, NotSentReason> {
    let mark = &sent.mark;
    let image = reference(source, &[mark.target.frame]);
    let frame_of_reference = [
        mark.target.frame_of_reference_uid.as_str(),
        source.frame_of_reference_uid.as_str(),
    ];
    let frame_of_reference = frame_of_reference.into_iter().find(|uid| !uid.is_empty());
    let place = match (mark.space, frame_of_reference) {
        (PointSpace::Pixel, _) => Place::Image(&image),
        (PointSpace::Patient, Some(uid)) => Place::Patient(uid),
        (PointSpace::Patient, None) => return Err(NotSentReason::NoFrameOfReference),
    };
    let Drawn { graphics, knots } = graphics(&mark.shape, ground(mark, source)?)?;
    let region = is_region(mark.shape.kind) || sent.numbers.is_empty();
    let (relationship, concept) = match region {
        true => (CONTAINS, codes::REGION),
        false => (INFERRED, codes::PATH),
    };
    let mut paths = Vec::with_capacity(graphics.len());
    for graphic in &graphics {
        let item = tree::coordinates(relationship, concept, graphic, place);
        paths.push(item.ok_or(NotSentReason::TooLong)?);
    }
    let mut items = context(mark, making);
    let state = state(mark);
    if let Some(code) = &mark.code {
        let code = (
            code.value.clone(),
            code.scheme.clone(),
            code.meaning.clone(),
        );
        items.push(tree::code(CONTAINS, codes::FINDING, &code));
    }
    let kind = (
        mark.shape.kind.name().chars().take(16).collect(),
        codes::SCHEME.to_owned(),
        codes::kind_meaning(mark.shape.kind).to_owned(),
    );
    items.push(tree::code(CONTAINS, codes::KIND, &kind));
    for (concept, value) in [
        (codes::COMMENT, mark.label.as_str()),
        (codes::MARK_GROUP, mark.group.as_str()),
        (codes::STATE, state.as_str()),
    ] {
        if !value.is_empty() {
            items.push(tree::text(CONTAINS, concept, value));
        }
    }
    // The frame itself, also where the points lie in space.
    items.push(tree::image(CONTAINS, Some(codes::SOURCE), &image));
    let mut below = numbers(&sent.numbers, mark.shape.kind);
    if region {
        items.extend(paths);
    } else {
        share_out(mark.shape.kind, &mut below, paths);
    }
    if knots {
        let points = tree::knots(&mark.shape.points);
        let item = tree::coordinates(CONTAINS, codes::KNOTS, &points, place);
        items.push(item.ok_or(NotSentReason::TooLong)?);
    }
    items.extend(below.into_iter().map(|number| number.item()));
    let template = if region { "1410" } else { "1501" };
    let mut item = tree::container(CONTAINS, codes::GROUP, template, &items);
    if let Some(moment) = moment(mark.created_ms) {
        item.text(0x0040, 0xA032, b"DT", &moment);
    }
    Ok(item)
}

/// What the points of a mark are measured in.
pub(super) fn ground(mark: &Annotation, source: &SourceObject) -> Result<Ground, NotSentReason> {
    let image = source
        .instance
        .image
        .as_ref()
        .ok_or(NotSentReason::NoImage)?;
    let frame = usize::try_from(mark.target.frame)
        .ok()
        .and_then(|n| n.checked_sub(1));
    let frame = image.frame(frame.ok_or(NotSentReason::NoImage)?);
    Ok(match mark.space {
        PointSpace::Pixel => {
            let (row, column) = frame.spacing.row_column();
            Ground::Pixel {
                aspect: row / column,
            }
        }
        PointSpace::Patient => Ground::Patient {
            normal: frame.plane.map(|p| p.normal()),
        },
    })
}

/// Tracking, and who made it where that is somebody else than the sender: a network by its name and version (TID 4019).
fn context(mark: &Annotation, making: &Making) -> Vec<Elements> {
    let mut items = vec![
        tree::text(CONTEXT, codes::TRACKING_ID, &mark.id.0),
        tree::uid(CONTEXT, codes::TRACKING_UID, &tracking_uid(mark)),
    ];
    match &mark.author {
        Author::Person(name) if name.is_empty() || *name == making.author => {}
        Author::Person(name) => items.extend(person_observer(name)),
        Author::Foreign(maker) => items.extend(device_observer(maker)),
        Author::Model { id, version } => {
            items.push(tree::text(MODIFIER, codes::ALGORITHM_NAME, id));
            items.push(tree::text(MODIFIER, codes::ALGORITHM_VERSION, version));
        }
    }
    items
}

/// What is said of a mark beside its place, for reading it back; empty for most.
pub(super) fn state(mark: &Annotation) -> String {
    let mut words = Vec::new();
    if mark.locked {
        words.push("locked");
    }
    if mark.hidden {
        words.push("hidden");
    }
    match &mark.author {
        // Told from a mark whose author is the sender.
        Author::Person(name) if name.is_empty() => words.push("unsigned"),
        Author::Foreign(_) => words.push("foreign"),
        _ => {}
    }
    words.join(" ")
}

/// A number on its way.
struct Number {
    name: String,
    concept: Owned,
    value: f64,
    unit: Owned,
    below: Vec<Elements>,
    paths: Vec<Elements>,
}

impl Number {
    fn item(mut self) -> Elements {
        self.below.extend(self.paths);
        tree::number(&self.concept, self.value, &self.unit, &self.below)
    }
}

fn numbers(numbers: &[MarkNumber], kind: MarkKind) -> Vec<Number> {
    let finite = numbers.iter().filter(|n| n.value.is_finite());
    let numbers = finite.map(|number| {
        let code = codes::number_code(&number.name, &number.unit, kind);
        let (value, scheme, meaning) = codes::number_unit(&number.name, &number.unit);
        let mut below = Vec::new();
        if let Some(derivation) = &code.derivation {
            below.push(tree::code(MODIFIER, codes::DERIVATION, derivation));
        }
        if !number.source.is_empty() {
            below.push(tree::text(PROPERTIES, codes::CALIBRATION, &number.source));
        }
        Number {
            name: number.name.clone(),
            concept: code.concept,
            value: number.value,
            unit: (value, scheme.to_owned(), meaning),
            below,
            paths: Vec::new(),
        }
    });
    numbers.collect()
}

/// Gives each number the line that it is the length of; a number of several lines has them all.
fn share_out(kind: MarkKind, numbers: &mut [Number], paths: Vec<Elements>) {
    let own: &[&str] = match kind {
        MarkKind::Bidirectional => &["long_axis", "short_axis"],
        MarkKind::CardiothoracicRatio => &["heart_width", "thorax_width"],
        MarkKind::Box => &["width", "height", "depth"],
        _ => &[],
    };
    let place = |name: &str| numbers.iter().position(|n| n.name == name);
    let places: Vec<usize> = own.iter().filter_map(|name| place(name)).collect();
    let each = places.len() == paths.len();
    for (i, path) in paths.into_iter().enumerate() {
        let at = if each { places.get(i).copied() } else { None };
        if let Some(number) = numbers.get_mut(at.unwrap_or(0)) {
            number.paths.push(path);
        }
    }
}
