//! What an RT structure set says of its regions, for making voxels of them (PS3.3 C.8.8.5, C.8.8.6).

use super::{
    tree::{Item, Tree},
    writer::code_in,
};
use crate::{
    dicom::{
        elements::parse_decimal,
        guard::{Fault, Structure},
        header::safe_uid,
    },
    model::{
        annotation::Code,
        segmentation::{Segment, SegmentOrigin, SegmentState},
        study::RejectionKind,
    },
};
use dicom_dictionary_std::tags;
use glam::DVec3;
use std::collections::{BTreeMap, BTreeSet};

/// Most points of all outlines together, and most bytes of one outline's coordinates.
const MOST_POINTS: usize = 8_000_000;
const MOST_BYTES: u64 = 32 << 20;

/// A region.
#[derive(Clone, Debug)]
pub struct Region {
    /// Number, name, colour and origin; its number is that of the file where it is one from 1 to 65,535.
    pub segment: Segment,
    /// Frame of reference that its points lie in; empty when absent.
    pub frame_of_reference_uid: String,
    /// Closed outlines, patient millimetres.
    pub outlines: Vec<Vec<DVec3>>,
    /// Points, open lines and other things that are no area.
    pub others: usize,
}

/// The object.
#[derive(Clone, Debug, Default)]
pub struct StructureSet {
    /// SOP Instance UID.
    pub instance_uid: String,
    /// Series Description, else Structure Set Label.
    pub title: String,
    /// Maker and model of the program.
    pub maker: String,
    /// The regions, in the order of the file.
    pub regions: Vec<Region>,
    /// Pictures that it names, by SOP Instance UID.
    pub pictures: BTreeSet<String>,
}

/// Reads the regions of a structure set.
///
/// # Errors
/// `NOT_STRUCTURES`, `ROI_NUMBER`, `CONTOUR_DATA`, `TOO_MANY_POINTS`.
pub fn structures(structure: &Structure) -> Result<StructureSet, Fault> {
    let tree = Tree::read(structure, |_| true)?;
    let root = tree.root();
    if !tree.has(root, tags::STRUCTURE_SET_ROI_SEQUENCE) {
        let text = "the object describes no regions (3006,0020)";
        return Err(Fault::rejected("NOT_STRUCTURES", text));
    }
    let mut set = StructureSet {
        instance_uid: safe_uid(&tree.text(root, tags::SOP_INSTANCE_UID)),
        maker: format!(
            "{} {}",
            tree.text(root, tags::MANUFACTURER),
            tree.text(root, tags::MANUFACTURER_MODEL_NAME)
        )
        .trim()
        .to_owned(),
        ..StructureSet::default()
    };
    let titles = [tags::SERIES_DESCRIPTION, tags::STRUCTURE_SET_LABEL];
    let titles = titles.into_iter().map(|tag| tree.text(root, tag));
    set.title = titles
        .into_iter()
        .find(|t| !t.is_empty())
        .unwrap_or_default();
    let meanings: BTreeMap<i64, Item> = tree
        .items(root, tags::RTROI_OBSERVATIONS_SEQUENCE)
        .filter_map(|item| Some((tree.whole(item, tags::REFERENCED_ROI_NUMBER)?, item)))
        .collect();
    let mut places: BTreeMap<i64, usize> = BTreeMap::new();
    for item in tree.items(root, tags::STRUCTURE_SET_ROI_SEQUENCE) {
        let Some(number) = tree.whole(item, tags::ROI_NUMBER) else {
            let text = "a region has no number (3006,0022)";
            return Err(Fault::rejected("ROI_NUMBER", text));
        };
        if places.insert(number, set.regions.len()).is_some() {
            let text = format!("two regions have the number {number}");
            return Err(Fault::rejected("ROI_NUMBER", text));
        }
        set.regions
            .push(region(&tree, item, number, meanings.get(&number).copied()));
    }
    numbered(&mut set.regions)?;
    references(&tree, root, &mut set.pictures);
    let mut points = 0;
    for item in tree.items(root, tags::ROI_CONTOUR_SEQUENCE) {
        let number = tree.whole(item, tags::REFERENCED_ROI_NUMBER);
        let place = number.and_then(|n| places.get(&n).copied());
        // Outlines of no region mean nothing.
        let Some(region) = place.and_then(|place| set.regions.get_mut(place)) else {
            continue;
        };
        if let Ok(rgb) = <[f64; 3]>::try_from(tree.numbers(item, tags::ROI_DISPLAY_COLOR, 3)) {
            region.segment.color = rgb.map(|v| v.clamp(0.0, 255.0) as u8);
        }
        for contour in tree.items(item, tags::CONTOUR_SEQUENCE) {
            match tree.text(contour, tags::CONTOUR_GEOMETRIC_TYPE).as_str() {
                "CLOSED_PLANAR" | "CLOSEDPLANAR_XOR" => {
                    let outline = coordinates(&tree, contour)?;
                    points += outline.len();
                    if points > MOST_POINTS {
                        let text = "the outlines have more points than are read";
                        return Err(Fault::new(RejectionKind::Limit, "TOO_MANY_POINTS", text));
                    }
                    region.outlines.push(outline);
                }
                _ => region.others += 1,
            }
        }
    }
    Ok(set)
}

fn region(tree: &Tree<'_>, item: Item, number: i64, meaning: Option<Item>) -> Region {
    let number = u16::try_from(number).unwrap_or(0);
    let mut segment = Segment::new(number, tree.text(item, tags::ROI_NAME));
    let how = tree.text(item, tags::ROI_GENERATION_DESCRIPTION);
    (segment.origin, segment.state) = match tree.text(item, tags::ROI_GENERATION_ALGORITHM).as_str()
    {
        "AUTOMATIC" => (
            SegmentOrigin::Automatic {
                algorithm: how,
                version: String::new(),
                sha256: String::new(),
            },
            SegmentState::Proposed,
        ),
        "SEMIAUTOMATIC" => (
            SegmentOrigin::SemiAutomatic {
                algorithm: how,
                version: String::new(),
            },
            SegmentState::Edited,
        ),
        _ => (SegmentOrigin::Manual, SegmentState::Edited),
    };
    let code = meaning.and_then(|of| code_in(tree, of, tags::RTROI_IDENTIFICATION_CODE_SEQUENCE));
    segment.property_type = code.map(|code| Code {
        value: code.value,
        scheme: code.scheme,
        meaning: code.meaning,
    });
    Region {
        segment,
        frame_of_reference_uid: safe_uid(&tree.text(item, tags::REFERENCED_FRAME_OF_REFERENCE_UID)),
        outlines: Vec::new(),
        others: 0,
    }
}

/// Numbers that are none of a segment's are replaced by free ones.
fn numbered(regions: &mut [Region]) -> Result<(), Fault> {
    let mut taken: BTreeSet<u16> = regions.iter().map(|r| r.segment.number).collect();
    let mut next = 1_u16;
    for region in regions.iter_mut().filter(|r| r.segment.number == 0) {
        while taken.contains(&next) {
            next = next.checked_add(1).ok_or_else(|| {
                Fault::new(
                    RejectionKind::Limit,
                    "ROI_NUMBER",
                    "more regions than are read",
                )
            })?;
        }
        region.segment.number = next;
        taken.insert(next);
    }
    Ok(())
}

/// Pictures below the Referenced Frame of Reference Sequence.
fn references(tree: &Tree<'_>, root: Item, pictures: &mut BTreeSet<String>) {
    for frame in tree.items(root, tags::REFERENCED_FRAME_OF_REFERENCE_SEQUENCE) {
        for study in tree.items(frame, tags::RT_REFERENCED_STUDY_SEQUENCE) {
            for series in tree.items(study, tags::RT_REFERENCED_SERIES_SEQUENCE) {
                for image in tree.items(series, tags::CONTOUR_IMAGE_SEQUENCE) {
                    pictures.insert(safe_uid(
                        &tree.text(image, tags::REFERENCED_SOP_INSTANCE_UID),
                    ));
                }
            }
        }
    }
}

/// The points of an outline.
fn coordinates(tree: &Tree<'_>, contour: Item) -> Result<Vec<DVec3>, Fault> {
    let broken = || {
        let text = "the coordinates of an outline (3006,0050) are no points of three numbers";
        Fault::rejected("CONTOUR_DATA", text)
    };
    let Some((_, entry)) = tree.find(contour, tags::CONTOUR_DATA) else {
        return Ok(Vec::new());
    };
    let text = tree.plain_of(entry, MOST_BYTES).ok_or_else(|| {
        let text = "an outline has more points than are read";
        Fault::new(RejectionKind::Limit, "TOO_MANY_POINTS", text)
    })?;
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let values: Option<Vec<f64>> = text
        .split('\\')
        .map(|part| parse_decimal(part.trim()))
        .collect();
    let values = values.ok_or_else(broken)?;
    let (points, rest) = values.as_chunks::<3>();
    let finite = values.iter().all(|v| v.is_finite() && v.abs() < 1e7);
    if !rest.is_empty() || !finite {
        return Err(broken());
    }
    Ok(points.iter().map(|p| DVec3::from_array(*p)).collect())
}
