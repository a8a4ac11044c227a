//! Items of a report's content tree (PS3.3 section C.17.3), each a data set.

use super::{
    codes::Concept,
    shapes::{Graphic, GraphicKind},
};
use crate::dicom::write::elements::{Elements, decimal};
use glam::DVec3;

/// A code of any origin.
pub(super) type Owned = (String, String, String);

pub(super) const CONTAINS: &str = "CONTAINS";
pub(super) const CONTEXT: &str = "HAS OBS CONTEXT";
pub(super) const MODIFIER: &str = "HAS CONCEPT MOD";
pub(super) const PROPERTIES: &str = "HAS PROPERTIES";
pub(super) const INFERRED: &str = "INFERRED FROM";
pub(super) const SELECTED: &str = "SELECTED FROM";

pub(in crate::dicom::write) fn owned(concept: Concept) -> Owned {
    let (value, scheme, meaning) = concept;
    (value.to_owned(), scheme.to_owned(), meaning.to_owned())
}

/// An item of a code sequence (PS3.3 table 8.8-1); a value that is too long for Code Value is a long one.
pub(in crate::dicom::write) fn code_item((value, scheme, meaning): &Owned) -> Elements {
    let mut item = Elements::default();
    if value.len() <= 16 {
        item.text(0x0008, 0x0100, b"SH", value);
    } else {
        item.long_code(value);
    }
    item.text(0x0008, 0x0102, b"SH", scheme);
    item.text(0x0008, 0x0104, b"LO", meaning);
    item
}

/// An item up to its value. An empty relationship is that of the root, which has none.
pub(super) fn item(relationship: &str, kind: &str, concept: Option<&Owned>) -> Elements {
    let mut item = Elements::default();
    if !relationship.is_empty() {
        item.text(0x0040, 0xA010, b"CS", relationship);
    }
    item.text(0x0040, 0xA040, b"CS", kind);
    if let Some(concept) = concept {
        item.items(0x0040, 0xA043, &[code_item(concept)]);
    }
    item
}

/// Puts items below one.
pub(super) fn with(mut item: Elements, below: &[Elements]) -> Elements {
    if !below.is_empty() {
        item.items(0x0040, 0xA730, below);
    }
    item
}

pub(super) fn container(
    relationship: &str,
    concept: Concept,
    template: &str,
    below: &[Elements],
) -> Elements {
    let mut item = item(relationship, "CONTAINER", Some(&owned(concept)));
    contain(&mut item, template);
    with(item, below)
}

/// What makes an item a container: its continuity and its template.
pub(super) fn contain(item: &mut Elements, template: &str) {
    item.text(0x0040, 0xA050, b"CS", "SEPARATE");
    if !template.is_empty() {
        let mut identification = Elements::default();
        identification.text(0x0008, 0x0105, b"CS", "DCMR");
        identification.text(0x0040, 0xDB00, b"CS", template);
        item.items(0x0040, 0xA504, &[identification]);
    }
}

pub(super) fn text(relationship: &str, concept: Concept, value: &str) -> Elements {
    let mut item = item(relationship, "TEXT", Some(&owned(concept)));
    item.long_text(0x0040, 0xA160, value);
    item
}

pub(super) fn code(relationship: &str, concept: Concept, value: &Owned) -> Elements {
    let mut item = item(relationship, "CODE", Some(&owned(concept)));
    item.items(0x0040, 0xA168, &[code_item(value)]);
    item
}

pub(super) fn uid(relationship: &str, concept: Concept, value: &str) -> Elements {
    let mut item = item(relationship, "UIDREF", Some(&owned(concept)));
    item.text(0x0040, 0xA124, b"UI", value);
    item
}

pub(super) fn person(relationship: &str, concept: Concept, name: &str) -> Elements {
    let mut item = item(relationship, "PNAME", Some(&owned(concept)));
    item.text(0x0040, 0xA123, b"PN", &super::person(name));
    item
}

pub(super) fn image(
    relationship: &str,
    concept: Option<Concept>,
    reference: &Elements,
) -> Elements {
    let concept = concept.map(owned);
    let mut item = item(relationship, "IMAGE", concept.as_ref());
    item.items(0x0008, 0x1199, std::slice::from_ref(reference));
    item
}

/// A measured value with its unit (Numeric Measurement Macro, PS3.3 table C.18.1-1), as text and as a double.
pub(super) fn number(concept: &Owned, value: f64, unit: &Owned, below: &[Elements]) -> Elements {
    let mut item = item(CONTAINS, "NUM", Some(concept));
    let mut measured = Elements::default();
    measured.text(0x0040, 0xA30A, b"DS", &decimal(value));
    measured.double(0x0040, 0xA161, value);
    measured.items(0x0040, 0x08EA, &[code_item(unit)]);
    item.items(0x0040, 0xA300, &[measured]);
    with(item, below)
}

/// Where a graphic lies: on an image, or in a frame of reference.
#[derive(Clone, Copy)]
pub(super) enum Place<'a> {
    /// Reference to the image.
    Image(&'a Elements),
    /// Frame of Reference UID.
    Patient(&'a str),
}

/// Coordinates; `None` when they are too many for the element.
pub(super) fn coordinates(
    relationship: &str,
    concept: Concept,
    graphic: &Graphic,
    place: Place<'_>,
) -> Option<Elements> {
    let concept = owned(concept);
    let kind = match place {
        Place::Image(_) => "SCOORD",
        Place::Patient(_) => "SCOORD3D",
    };
    let mut item = item(relationship, kind, Some(&concept));
    let values = match place {
        Place::Image(_) => flat(&graphic.points),
        Place::Patient(_) => graphic.points.iter().flat_map(DVec3::to_array).collect(),
    };
    if !item.floats(0x0070, 0x0022, &values) {
        return None;
    }
    item.text(0x0070, 0x0023, b"CS", graphic.kind.term());
    Some(match place {
        Place::Image(reference) => with(item, &[image(SELECTED, None, reference)]),
        Place::Patient(frame_of_reference) => {
            item.text(0x3006, 0x0024, b"UI", frame_of_reference);
            item
        }
    })
}

/// Column and row as the standard counts them: the corner of the first pixel is 0, its centre a half (PS3.3 sections
/// C.18.6.1.1 and C.10.5.1.2).
pub(super) fn flat(points: &[DVec3]) -> Vec<f64> {
    points.iter().flat_map(|p| [p.x + 0.5, p.y + 0.5]).collect()
}

/// A list of points that only this program reads.
pub(super) fn knots(points: &[DVec3]) -> Graphic {
    Graphic {
        kind: GraphicKind::Multipoint,
        points: points.to_vec(),
    }
}
