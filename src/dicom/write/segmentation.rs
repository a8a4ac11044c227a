//! Segmentations as DICOM objects (PS3.3 A.51 Segmentation, A.51 and Supplement 243 Label Map Segmentation).
//!
//! Must stay true: frames without a voxel are left out; every frame says where it lies and names the pictures in its
//! plane; patient and study are those of the pictures; what a network or a tool made says so with its name and version.
//! Numbers of segments run from 1 without a gap where the standard asks for it; the number that a segment has here is
//! then kept beside it, for reading back.
//! Not here: contours (`structures`), the disk.

pub(super) mod frames;

use super::{
    elements::{Elements, decimal, decimals},
    marks::{Head, Making, codes, instance_reference, person, tree},
};
use crate::{
    dicom::{colour::lab_from_rgb, segmentation::is_placed},
    model::{
        annotation::Code,
        exchange::{MadeObject, NOTICE},
        layout::FrameRef,
        segmentation::{
            Segment, SegmentOrigin, Segmentation,
            exchange::{Form, FractionKind, Fractions, NotWritten, Pictures},
        },
        study::SourceKind,
    },
};
use frames::Packed;
use glam::DVec3;
use std::collections::{BTreeMap, BTreeSet};

/// Segmentation Storage, Label Map Segmentation Storage.
const SEGMENTATION: &str = "1.2.840.10008.5.1.4.1.1.66.4";
const LABEL_MAP: &str = "1.2.840.10008.5.1.4.1.1.66.7";

/// Manufacturer's Model Name (0008,1090) of these objects.
pub(in crate::dicom) const MODEL: &str = "Negatoscope segmentations";
/// Private Creator of elements in segments.
pub(in crate::dicom) const CREATOR: &str = "NEGATOSCOPE SEGMENT 1";

/// What a segment is called where nobody said what it is (PS3.16 CID 7150, 7151).
const TISSUE: codes::Concept = ("85756007", "SCT", "Tissue");

/// Where and by what planes the mask lies.
pub(super) struct Ground<'a> {
    /// The pictures say where they lie, and so does the mask.
    pub(super) placed: bool,
    /// Pictures in the plane of each slice.
    pub(super) sources: Vec<Vec<&'a FrameRef>>,
}

/// Makes the object. For [`Form::Fractional`] every segment needs its values.
///
/// # Errors
/// [`NotWritten`].
pub fn write_segmentation(
    seg: &Segmentation,
    form: Form,
    fractions: Option<&Fractions>,
    pictures: &Pictures<'_>,
    making: &Making,
) -> Result<MadeObject, NotWritten> {
    if seg.is_empty() {
        return Err(NotWritten::NoSegment);
    }
    if !is_dicom(pictures) {
        return Err(NotWritten::NotDicom);
    }
    let ground = ground(seg, pictures)?;
    let planned = match form {
        Form::Binary => frames::binary(seg),
        Form::Fractional => frames::fractional(seg, fractions)?,
        Form::LabelMap => frames::label_map(seg)?,
    };
    let packed = frames::pack(seg, form, planned)?;
    let class = match form {
        Form::LabelMap => LABEL_MAP,
        Form::Binary | Form::Fractional => SEGMENTATION,
    };
    let head = Head {
        class,
        modality: "SEG",
        series_number: 9201,
        description: match seg.title.as_str() {
            "" => "Segmentation, not for diagnostic use",
            title => title,
        },
        instance_uid: making.uid(&["segmentation", &seg.id.0, form.name()]),
        series_uid: making.uid(&["segmentation series", &seg.id.0, form.name()]),
    };
    let mut e = head.plain(pictures.source, making, MODEL);
    image(&mut e, seg, form, fractions, &packed, making);
    let numbers = numbers(seg, form);
    let items: Vec<Elements> = seg
        .segments()
        .map(|segment| {
            let number = numbers.get(&segment.number).copied();
            segment_item(segment, number.unwrap_or(segment.number), form)
        })
        .collect();
    e.items(0x0062, 0x0002, &items);
    if ground.placed {
        let uid = frame_of_reference(seg, pictures).ok_or(NotWritten::NoFrameOfReference)?;
        e.text(0x0020, 0x0052, b"UI", &uid);
        e.text(0x0020, 0x1040, b"LO", "");
    }
    dimensions(&mut e, form, &ground, making, seg);
    groups(&mut e, seg, form, &ground, &packed, &numbers);
    let used: BTreeSet<usize> = packed.frames.iter().map(|f| f.slice).collect();
    references(&mut e, &ground, &used);
    e.packed_pixels(packed.vr, &packed.bytes);
    Ok(MadeObject {
        kind: "seg",
        instance_uid: head.instance_uid.clone(),
        study_uid: pictures.source.instance.study.uid.clone(),
        count: seg.len(),
        bytes: head.file(&e),
    })
}

/// Whether the pictures are DICOM objects.
pub(super) fn is_dicom(pictures: &Pictures<'_>) -> bool {
    let instance = pictures.layout.first_instance();
    instance.is_some_and(|i| i.source.kind == SourceKind::Dicom && !i.sop_class_uid.is_empty())
}

/// Frame of Reference UID of the pictures, or of the mask where they name none.
pub(super) fn frame_of_reference(seg: &Segmentation, pictures: &Pictures<'_>) -> Option<String> {
    let of_series = pictures
        .layout
        .first_instance()
        .map(|i| i.series.frame_of_reference_uid.as_str())
        .unwrap_or_default();
    [
        pictures.source.frame_of_reference_uid.as_str(),
        of_series,
        seg.frame_of_reference_uid.as_str(),
    ]
    .into_iter()
    .find(|uid| !uid.is_empty())
    .map(str::to_owned)
}

/// Numbers in the file by the numbers here: BINARY and FRACTIONAL count from 1 without a gap (PS3.3 C.8.20.4), a label
/// map has the numbers of its pixels.
fn numbers(seg: &Segmentation, form: Form) -> BTreeMap<u16, u16> {
    let counted = seg.segments().zip(1_u32..);
    counted
        .map(|(segment, count)| match form {
            Form::LabelMap => (segment.number, segment.number),
            Form::Binary | Form::Fractional => {
                (segment.number, u16::try_from(count).unwrap_or(u16::MAX))
            }
        })
        .collect()
}

pub(super) fn ground<'a>(
    seg: &Segmentation,
    pictures: &Pictures<'a>,
) -> Result<Ground<'a>, NotWritten> {
    let layout = pictures.layout;
    let slices = seg.grid.size[2];
    let mut sources = vec![Vec::new(); slices];
    if !is_placed(layout) {
        let image = layout.first_instance().and_then(|i| i.image.as_ref());
        let size = image.map(|i| [i.columns, i.rows, layout.frames.len()]);
        if size != Some(seg.grid.size) {
            return Err(NotWritten::OtherSize);
        }
        for (slot, frame) in sources.iter_mut().zip(&layout.frames) {
            slot.push(frame);
        }
        return Ok(Ground {
            placed: false,
            sources,
        });
    }
    let m = seg.grid.patient_from_voxel;
    let (row, column) = (m.matrix3.x_axis, m.matrix3.y_axis);
    let normal = row.cross(column).normalize_or_zero();
    let step = normal.dot(m.matrix3.z_axis);
    let square = (row.dot(column) / (row.length() * column.length())).abs() < 1e-4;
    if !square || !m.is_finite() || step.abs() < 1e-6 {
        return Err(NotWritten::Oblique);
    }
    for frame in &layout.frames {
        let image = frame.instance.image.as_ref();
        let Some(plane) = image.and_then(|i| i.frame(frame.frame).plane) else {
            continue;
        };
        let at = normal.dot(plane.origin - m.translation) / step;
        let slice = at.round();
        let parallel = plane.normal().dot(normal).abs() > 1.0 - 1e-6;
        if parallel
            && (at - slice).abs() < 0.01
            && slice >= 0.0
            && let Some(slot) = sources.get_mut(slice as usize)
        {
            slot.push(frame);
        }
    }
    Ok(Ground {
        placed: true,
        sources,
    })
}

/// Image Pixel, Segmentation Image, Multi-frame Functional Groups without the groups (PS3.3 C.7.6.3, C.8.20.2).
fn image(
    e: &mut Elements,
    seg: &Segmentation,
    form: Form,
    fractions: Option<&Fractions>,
    packed: &Packed,
    making: &Making,
) {
    let [columns, rows, _] = seg.grid.size;
    e.text(0x0008, 0x0008, b"CS", r"DERIVED\PRIMARY");
    e.text(0x0008, 0x0023, b"DA", &making.date);
    e.text(0x0008, 0x0033, b"TM", &making.time);
    e.number(0x0028, 0x0002, b"US", 1);
    e.text(0x0028, 0x0004, b"CS", "MONOCHROME2");
    e.text(0x0028, 0x0008, b"IS", &packed.frames.len().to_string());
    e.number(0x0028, 0x0010, b"US", rows as u16);
    e.number(0x0028, 0x0011, b"US", columns as u16);
    e.number(0x0028, 0x0100, b"US", packed.bits);
    e.number(0x0028, 0x0101, b"US", packed.bits);
    e.number(0x0028, 0x0102, b"US", packed.bits - 1);
    e.number(0x0028, 0x0103, b"US", 0);
    e.text(0x0028, 0x2110, b"CS", "00");
    let name = form.name().to_ascii_uppercase();
    e.text(0x0062, 0x0001, b"CS", &name);
    match form {
        Form::Fractional => {
            let kind = match fractions.map(|f| f.kind).unwrap_or_default() {
                FractionKind::Probability => "PROBABILITY",
                FractionKind::Occupancy => "OCCUPANCY",
            };
            e.text(0x0062, 0x0010, b"CS", kind);
            let maximum = fractions.map_or(255, |f| f.maximum);
            e.number(0x0062, 0x000E, b"US", u16::from(maximum));
        }
        // What is no segment (PS3.3 C.8.20.2: the value of the background).
        Form::LabelMap => e.number(0x0028, 0x0120, b"US", 0),
        Form::Binary => {}
    }
    // Values between "not" and "wholly" of neighbours may meet in a voxel.
    let overlap = match (form, packed.overlap) {
        (Form::Fractional, _) => "UNDEFINED",
        (_, true) => "YES",
        (_, false) => "NO",
    };
    e.text(0x0062, 0x0013, b"CS", overlap);
    e.text(0x0070, 0x0080, b"CS", "SEGMENTATION");
    e.text(0x0070, 0x0081, b"LO", NOTICE);
    e.text(0x0070, 0x0084, b"PN", &person(&making.author));
}

fn code_items(code: Option<&Code>) -> Vec<Elements> {
    let owned = match code {
        Some(code) => (
            code.value.clone(),
            code.scheme.clone(),
            code.meaning.clone(),
        ),
        None => tree::owned(TISSUE),
    };
    vec![tree::code_item(&owned)]
}

/// A name as LO: no separators, never empty.
pub(super) fn clean_label(text: &str) -> String {
    let clean: String = text
        .chars()
        .map(|c| match c {
            '\\' => '/',
            c if c.is_control() => ' ',
            c => c,
        })
        .take(64)
        .collect();
    match clean.trim() {
        "" => "Segment".to_owned(),
        name => name.to_owned(),
    }
}

/// An item of the Segment Sequence (PS3.3 tables C.8.20-4, 10-19).
fn segment_item(segment: &Segment, number: u16, form: Form) -> Elements {
    let mut item = Elements::default();
    item.number(0x0062, 0x0004, b"US", number);
    let name = clean_label(&segment.label);
    item.text(0x0062, 0x0005, b"LO", &name);
    item.items(0x0062, 0x0003, &code_items(segment.category.as_ref()));
    item.items(0x0062, 0x000F, &code_items(segment.property_type.as_ref()));
    if segment.anatomic_region.is_some() {
        item.items(
            0x0008,
            0x2218,
            &code_items(segment.anatomic_region.as_ref()),
        );
    }
    let made_by = match &segment.origin {
        SegmentOrigin::Manual => None,
        SegmentOrigin::SemiAutomatic { algorithm, version } => Some((algorithm, version, None)),
        SegmentOrigin::Automatic {
            algorithm,
            version,
            sha256,
        } => Some((algorithm, version, Some(sha256))),
    };
    let kind = match &segment.origin {
        SegmentOrigin::Manual => "MANUAL",
        SegmentOrigin::SemiAutomatic { .. } => "SEMIAUTOMATIC",
        SegmentOrigin::Automatic { .. } => "AUTOMATIC",
    };
    item.text(0x0062, 0x0008, b"CS", kind);
    if let Some((algorithm, version, sha256)) = made_by {
        let algorithm = clean_label(algorithm);
        item.text(0x0062, 0x0009, b"LO", &algorithm);
        let mut identity = Elements::default();
        // PS3.16 CID 7162.
        let family = match sha256 {
            Some(_) => ("123110", "DCM", "Artificial Intelligence"),
            None => ("123101", "DCM", "Neighborhood Analysis"),
        };
        identity.items(0x0066, 0x002F, &[tree::code_item(&tree::owned(family))]);
        identity.text(0x0066, 0x0036, b"LO", &algorithm);
        let version = if version.is_empty() { "0" } else { version };
        identity.text(0x0066, 0x0031, b"LO", &clean_label(version));
        if let Some(hash) = sha256.filter(|hash| !hash.is_empty()) {
            identity.text(0x0066, 0x0032, b"LT", &format!("sha256={hash}"));
        }
        item.items(0x0062, 0x0007, &[identity]);
    }
    let lab = lab_from_rgb(segment.color);
    item.words(0x0062, 0x000D, &lab);
    if !segment.tracking_uid.is_empty() {
        item.long_text(0x0062, 0x0020, &name);
        item.text(0x0062, 0x0021, b"UI", &segment.tracking_uid);
    }
    item.text(0x0063, 0x0010, b"LO", CREATOR);
    item.text(
        0x0063,
        0x1001,
        b"CS",
        &segment.state.name().to_ascii_uppercase(),
    );
    if let Some(probability) = segment.probability {
        // No attribute of a segment says how sure the algorithm was: the Segment Description (C.8.20-4) does in words.
        let text = format!("Mean probability {probability:.3}, not calibrated");
        item.text(0x0062, 0x0006, b"ST", &text);
        item.double(0x0063, 0x1004, probability);
    }
    if number != segment.number || form != Form::LabelMap {
        item.number(0x0063, 0x1002, b"US", segment.number);
    }
    if segment.category.is_none() || segment.property_type.is_none() {
        let open = match (&segment.category, &segment.property_type) {
            (None, None) => "BOTH",
            (None, _) => "CATEGORY",
            _ => "TYPE",
        };
        item.text(0x0063, 0x1003, b"CS", open);
    }
    item
}

/// Multi-frame Dimension (PS3.3 C.7.6.17): segment, then place.
fn dimensions(
    e: &mut Elements,
    form: Form,
    ground: &Ground<'_>,
    making: &Making,
    seg: &Segmentation,
) {
    let uid = making.uid(&["segmentation dimensions", &seg.id.0]);
    let mut organization = Elements::default();
    organization.text(0x0020, 0x9164, b"UI", &uid);
    e.items(0x0020, 0x9221, &[organization]);
    let index = |tag: (u16, u16), group: (u16, u16), name: &str| {
        let mut item = Elements::default();
        item.text(0x0020, 0x9164, b"UI", &uid);
        item.tag(0x0020, 0x9165, tag);
        item.tag(0x0020, 0x9167, group);
        item.text(0x0020, 0x9421, b"LO", name);
        item
    };
    let mut items = Vec::new();
    if form != Form::LabelMap {
        items.push(index(
            (0x0062, 0x000B),
            (0x0062, 0x000A),
            "Referenced Segment Number",
        ));
    }
    items.push(match ground.placed {
        true => index(
            (0x0020, 0x0032),
            (0x0020, 0x9113),
            "Image Position (Patient)",
        ),
        false => index(
            (0x0020, 0x9057),
            (0x0020, 0x9111),
            "In-Stack Position Number",
        ),
    });
    e.items(0x0020, 0x9222, &items);
}

/// Shared and per-frame functional groups (PS3.3 table A.51-2).
fn groups(
    e: &mut Elements,
    seg: &Segmentation,
    form: Form,
    ground: &Ground<'_>,
    packed: &Packed,
    numbers: &BTreeMap<u16, u16>,
) {
    let m = seg.grid.patient_from_voxel;
    let (row, column, step) = (m.matrix3.x_axis, m.matrix3.y_axis, m.matrix3.z_axis);
    let mut shared = Elements::default();
    if ground.placed {
        let normal = row.cross(column).normalize_or_zero();
        let thickness = decimal(normal.dot(step).abs());
        let mut measures = Elements::default();
        measures.text(0x0018, 0x0050, b"DS", &thickness);
        measures.text(0x0018, 0x0088, b"DS", &thickness);
        // Rows first (PS3.3 10.7.1.3).
        let spacing = [column.length(), row.length()];
        measures.text(0x0028, 0x0030, b"DS", &decimals(&spacing));
        shared.items(0x0028, 0x9110, &[measures]);
        let mut orientation = Elements::default();
        let axes = [
            row.normalize_or_zero().to_array(),
            column.normalize_or_zero().to_array(),
        ]
        .concat();
        orientation.text(0x0020, 0x0037, b"DS", &decimals(&axes));
        shared.items(0x0020, 0x9116, &[orientation]);
    }
    e.items(0x5200, 0x9229, &[shared]);
    // Values of an index run from 1 without a gap: the place among the slices that are there.
    let slices: BTreeSet<usize> = packed.frames.iter().map(|f| f.slice).collect();
    let ranks: BTreeMap<usize, u32> = slices.into_iter().zip(1..).collect();
    let derivations: BTreeMap<usize, Vec<Elements>> = ranks
        .keys()
        .map(|slice| (*slice, derivation(ground, *slice)))
        .collect();
    let per_frame: Vec<Elements> = packed
        .frames
        .iter()
        .map(|frame| {
            let mut item = Elements::default();
            if let Some(derivation) = derivations.get(&frame.slice) {
                item.items(0x0008, 0x9124, derivation);
            }
            let rank = ranks.get(&frame.slice).copied().unwrap_or(1);
            let mut content = Elements::default();
            if !ground.placed {
                content.text(0x0020, 0x9056, b"SH", "1");
                content.unsigned_longs(0x0020, 0x9057, &[frame.slice as u32 + 1]);
            }
            match frame.segment.filter(|_| form != Form::LabelMap) {
                Some(segment) => {
                    let number = numbers.get(&segment).copied().unwrap_or(segment);
                    content.unsigned_longs(0x0020, 0x9157, &[u32::from(number), rank]);
                    let mut identification = Elements::default();
                    identification.number(0x0062, 0x000B, b"US", number);
                    item.items(0x0062, 0x000A, &[identification]);
                }
                None => content.unsigned_longs(0x0020, 0x9157, &[rank]),
            }
            item.items(0x0020, 0x9111, &[content]);
            if ground.placed {
                let at = m.transform_point3(DVec3::new(0.0, 0.0, frame.slice as f64));
                let mut position = Elements::default();
                position.text(0x0020, 0x0032, b"DS", &decimals(&at.to_array()));
                item.items(0x0020, 0x9113, &[position]);
            }
            item
        })
        .collect();
    e.items(0x5200, 0x9230, &per_frame);
}

/// Derivation Image (PS3.3 C.7.6.16.2.6): the pictures in the plane of a slice.
fn derivation(ground: &Ground<'_>, slice: usize) -> Vec<Elements> {
    let Some(sources) = ground.sources.get(slice).filter(|s| !s.is_empty()) else {
        return Vec::new();
    };
    let images: Vec<Elements> = sources
        .iter()
        .map(|frame| {
            let number = frame.frame as u32 + 1;
            let mut item = instance_reference(&frame.instance, &[number]);
            let purpose = (
                "121322",
                "DCM",
                "Source Image for Image Processing Operation",
            );
            item.items(0x0040, 0xA170, &[tree::code_item(&tree::owned(purpose))]);
            item.text(0x0028, 0x135A, b"CS", "YES");
            item
        })
        .collect();
    let mut item = Elements::default();
    let how = ("113076", "DCM", "Segmentation");
    item.items(0x0008, 0x9215, &[tree::code_item(&tree::owned(how))]);
    item.items(0x0008, 0x2112, &images);
    vec![item]
}

/// Common Instance Reference (PS3.3 C.12.2): every picture that a frame names.
fn references(e: &mut Elements, ground: &Ground<'_>, slices: &BTreeSet<usize>) {
    let named = slices
        .iter()
        .filter_map(|slice| ground.sources.get(*slice))
        .flatten();
    let mut series: BTreeMap<&str, BTreeMap<&str, &FrameRef>> = BTreeMap::new();
    for frame in named {
        let of_series = series.entry(&frame.instance.series.uid).or_default();
        of_series.insert(&frame.instance.sop_instance_uid, frame);
    }
    let items: Vec<Elements> = series
        .into_iter()
        .map(|(uid, instances)| {
            let references: Vec<Elements> = instances
                .into_values()
                .map(|frame| instance_reference(&frame.instance, &[]))
                .collect();
            let mut item = Elements::default();
            item.text(0x0020, 0x000E, b"UI", uid);
            item.items(0x0008, 0x114A, &references);
            item
        })
        .collect();
    if !items.is_empty() {
        e.items(0x0008, 0x1115, &items);
    }
}

#[cfg(test)]
mod tests;
