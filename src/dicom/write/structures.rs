//! Segmentations as RT structure sets (PS3.3 A.19, C.8.8.5, C.8.8.6): outlines of each segment, slice by slice.
//!
//! Must stay true: outlines run on the edges of voxels, so that whoever takes the voxels whose centres lie inside gets the
//! same mask; a hole is joined to the outline around it by a keyhole, since many readers know no other way. The file is
//! Implicit VR Little Endian: one outline may take more bytes than a value of an explicit VR can have.

use super::{
    elements::{Elements, decimal},
    marks::{Head, Making, instance_reference, person, tree},
    segmentation::{MODEL, clean_label, ground, is_dicom},
};
use crate::{
    imaging::contours::outlines,
    model::{
        exchange::{MadeObject, NOTICE},
        layout::FrameRef,
        segmentation::{
            SegmentOrigin, Segmentation,
            exchange::{NotWritten, Pictures},
        },
    },
};
use glam::DVec3;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// RT Structure Set Storage, and the retired class of a study that references still name.
const CLASS: &str = "1.2.840.10008.5.1.4.1.1.481.3";
const STUDY_CLASS: &str = "1.2.840.10008.3.1.2.3.1";

/// Makes the object.
///
/// # Errors
/// [`NotWritten`].
pub fn write_structures(
    seg: &Segmentation,
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
    let uid = super::segmentation::frame_of_reference(seg, pictures);
    let uid = uid
        .filter(|_| ground.placed)
        .ok_or(NotWritten::NoFrameOfReference)?;
    let head = Head {
        class: CLASS,
        modality: "RTSTRUCT",
        series_number: 9202,
        description: match seg.title.as_str() {
            "" => "Outlines, not for diagnostic use",
            title => title,
        },
        instance_uid: making.uid(&["structures", &seg.id.0]),
        series_uid: making.uid(&["structures series", &seg.id.0]),
    };
    let mut e = head.plain(pictures.source, making, MODEL);
    e.text(0x0008, 0x1070, b"PN", &person(&making.author));
    e.text(0x0020, 0x0052, b"UI", &uid);
    e.text(0x0020, 0x1040, b"LO", "");
    e.text(0x3006, 0x0002, b"SH", "Segmentation");
    e.text(0x3006, 0x0006, b"ST", NOTICE);
    e.text(0x3006, 0x0008, b"DA", &making.date);
    e.text(0x3006, 0x0009, b"TM", &making.time);
    e.text(0x300E, 0x0002, b"CS", "UNAPPROVED");
    e.items(0x3006, 0x0010, &[referenced(pictures, &uid)]);
    let mut regions = Vec::new();
    let mut contours = Vec::new();
    let mut observations = Vec::new();
    let mut found = contours_of(seg, &ground.sources);
    for (count, segment) in seg.segments().enumerate() {
        let number = segment.number.to_string();
        let mut region = Elements::default();
        region.text(0x3006, 0x0022, b"IS", &number);
        region.text(0x3006, 0x0024, b"UI", &uid);
        region.text(0x3006, 0x0026, b"LO", &clean_label(&segment.label));
        let (algorithm, how) = match &segment.origin {
            SegmentOrigin::Manual => ("MANUAL", String::new()),
            SegmentOrigin::SemiAutomatic { algorithm, version } => {
                ("SEMIAUTOMATIC", format!("{algorithm} {version}"))
            }
            SegmentOrigin::Automatic {
                algorithm, version, ..
            } => ("AUTOMATIC", format!("{algorithm} {version}")),
        };
        region.text(0x3006, 0x0036, b"CS", algorithm);
        if !how.is_empty() {
            region.text(0x3006, 0x0038, b"LO", &clean_label(&how));
        }
        regions.push(region);
        let mut outline = Elements::default();
        outline.text(0x3006, 0x0084, b"IS", &number);
        let color = segment.color.map(|c| c.to_string()).join("\\");
        outline.text(0x3006, 0x002A, b"IS", &color);
        if let Some(items) = found.remove(&segment.number) {
            outline.items(0x3006, 0x0040, &items);
        }
        contours.push(outline);
        let mut observation = Elements::default();
        observation.text(0x3006, 0x0082, b"IS", &(count + 1).to_string());
        observation.text(0x3006, 0x0084, b"IS", &number);
        if let Some(code) = &segment.property_type {
            let code = (
                code.value.clone(),
                code.scheme.clone(),
                code.meaning.clone(),
            );
            observation.items(0x3006, 0x0086, &[tree::code_item(&code)]);
        }
        observation.text(0x3006, 0x00A4, b"CS", "");
        observation.text(0x3006, 0x00A6, b"PN", "");
        observations.push(observation);
    }
    e.items(0x3006, 0x0020, &regions);
    e.items(0x3006, 0x0039, &contours);
    e.items(0x3006, 0x0080, &observations);
    Ok(MadeObject {
        kind: "rtstruct",
        instance_uid: head.instance_uid.clone(),
        study_uid: pictures.source.instance.study.uid.clone(),
        count: seg.len(),
        bytes: head.file_implicit(&e),
    })
}

/// Frame of reference, study, series and pictures (PS3.3 table C.8-41).
fn referenced(pictures: &Pictures<'_>, frame_of_reference: &str) -> Elements {
    let mut seen = BTreeSet::new();
    let instances: Vec<Elements> = pictures
        .layout
        .frames
        .iter()
        .filter(|frame| seen.insert(frame.instance.sop_instance_uid.as_str()))
        .map(|frame| instance_reference(&frame.instance, &[]))
        .collect();
    let series_uid = pictures
        .layout
        .first_instance()
        .map(|i| i.series.uid.as_str());
    let mut series = Elements::default();
    series.text(0x0020, 0x000E, b"UI", series_uid.unwrap_or_default());
    series.items(0x3006, 0x0016, &instances);
    let mut study = Elements::default();
    study.text(0x0008, 0x1150, b"UI", STUDY_CLASS);
    study.text(0x0008, 0x1155, b"UI", &pictures.source.instance.study.uid);
    study.items(0x3006, 0x0014, &[series]);
    let mut item = Elements::default();
    item.text(0x0020, 0x0052, b"UI", frame_of_reference);
    item.items(0x3006, 0x0012, &[study]);
    item
}

/// Items of the Contour Sequence by the numbers of the segments.
fn contours_of(seg: &Segmentation, sources: &[Vec<&FrameRef>]) -> BTreeMap<u16, Vec<Elements>> {
    let [columns, ..] = seg.grid.size;
    let planned = super::segmentation::frames::binary(seg);
    let drawn: Vec<(u16, Vec<Elements>)> = planned
        .par_iter()
        .filter_map(|frame| {
            let pictures = sources.get(frame.slice).map(Vec::as_slice);
            let items = slice_contours(
                seg,
                &frame.pixels,
                columns,
                frame.slice,
                pictures.unwrap_or_default(),
            );
            Some((frame.segment?, items))
        })
        .collect();
    let mut found: BTreeMap<u16, Vec<Elements>> = BTreeMap::new();
    for (number, items) in drawn {
        let list = found.entry(number).or_default();
        for mut item in items {
            item.text(0x3006, 0x0048, b"IS", &(list.len() + 1).to_string());
            list.push(item);
        }
    }
    found
}

/// The outlines of one segment on one slice; `bits` are those of the whole slice.
fn slice_contours(
    seg: &Segmentation,
    bits: &[u8],
    columns: usize,
    slice: usize,
    pictures: &[&FrameRef],
) -> Vec<Elements> {
    // Only the box around what is set is looked at.
    let set = bits.iter().enumerate().filter(|(_, byte)| **byte != 0);
    let places = set.flat_map(|(at, byte)| {
        (0..8)
            .filter(move |b| byte >> b & 1 == 1)
            .map(move |b| at * 8 + b)
    });
    let places: Vec<usize> = places.collect();
    let columns_of = || places.iter().map(|at| at % columns);
    let (Some(left), Some(right)) = (columns_of().min(), columns_of().max()) else {
        return Vec::new();
    };
    let (Some(first), Some(last)) = (places.first(), places.last()) else {
        return Vec::new();
    };
    let (top, bottom) = (first / columns, last / columns);
    let width = right - left + 1;
    let mut mask = vec![false; width * (bottom - top + 1)];
    for at in places {
        if let Some(slot) = mask.get_mut((at / columns - top) * width + at % columns - left) {
            *slot = true;
        }
    }
    let corner = DVec3::new(left as f64, top as f64, slice as f64);
    let affine = seg.grid.patient_from_voxel;
    outlines(&mask, width)
        .into_iter()
        .map(|outline| {
            let mut text = String::with_capacity(outline.len() * 30);
            for [x, y] in &outline {
                let point = affine.transform_point3(corner + DVec3::new(*x, *y, 0.0));
                for value in point.to_array() {
                    if !text.is_empty() {
                        text.push('\\');
                    }
                    // A nanometre is finer than any voxel, and short.
                    text.push_str(&decimal((value * 1e6).round() / 1e6));
                }
            }
            let mut item = Elements::default();
            let images: Vec<Elements> = pictures
                .iter()
                .map(|frame| instance_reference(&frame.instance, &[frame.frame as u32 + 1]))
                .collect();
            if !images.is_empty() {
                item.items(0x3006, 0x0016, &images);
            }
            item.text(0x3006, 0x0042, b"CS", "CLOSED_PLANAR");
            item.text(0x3006, 0x0046, b"IS", &outline.len().to_string());
            item.long_decimals(0x3006, 0x0050, &text);
            item
        })
        .collect()
}
