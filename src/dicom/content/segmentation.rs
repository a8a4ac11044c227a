//! Segmentations: which segments there are, who found them, on how many frames they lie (PS3.3 sections A.51, C.8.20);
//! surfaces and tracts likewise (C.27.1, C.8.33).

use super::{
    presentation::referenced_images,
    tree::{Item, Tree},
    writer::Writer,
};
use crate::{
    dicom::colour::rgb_from_lab,
    model::{
        content::Value,
        finding::{Finding, Severity},
    },
};
use dicom_dictionary_std::tags;
use std::collections::BTreeMap;

/// The facts above the tree.
pub(super) fn head(writer: &mut Writer<'_, '_>) {
    let root = writer.tree.root();
    writer.fields(
        0,
        root,
        &[
            tags::SEGMENTATION_TYPE,
            tags::SEGMENTATION_FRACTIONAL_TYPE,
            tags::MAXIMUM_FRACTIONAL_VALUE,
            tags::SEGMENTS_OVERLAP,
            tags::CONTENT_LABEL,
            tags::CONTENT_DESCRIPTION,
            tags::CONTENT_CREATOR_NAME,
            tags::CONTENT_DATE,
            tags::CONTENT_TIME,
            tags::NUMBER_OF_FRAMES,
            tags::NUMBER_OF_SURFACES,
            tags::SERIES_DESCRIPTION,
            tags::MANUFACTURER,
            tags::MANUFACTURER_MODEL_NAME,
            tags::SOFTWARE_VERSIONS,
        ],
    );
}

/// The tree.
pub(super) fn content(writer: &mut Writer<'_, '_>, findings: &mut Vec<Finding>) {
    let tree = writer.tree;
    let root = tree.root();
    let frames = frames_by_segment(tree, root);
    let segments: Vec<Item> = tree.items(root, tags::SEGMENT_SEQUENCE).collect();
    let mut described = Vec::with_capacity(segments.len());
    for segment in segments {
        let number = tree.whole(segment, tags::SEGMENT_NUMBER);
        described.extend(number);
        let label = Value::Text(tree.text(segment, tags::SEGMENT_LABEL));
        writer.heading(0, ("content-segment", "Segment"), number, label, true);
        writer.fields(
            1,
            segment,
            &[
                tags::SEGMENT_DESCRIPTION,
                tags::SEGMENTED_PROPERTY_CATEGORY_CODE_SEQUENCE,
                tags::SEGMENTED_PROPERTY_TYPE_CODE_SEQUENCE,
                tags::SEGMENTED_PROPERTY_TYPE_MODIFIER_CODE_SEQUENCE,
                tags::ANATOMIC_REGION_SEQUENCE,
                tags::SEGMENT_ALGORITHM_TYPE,
                tags::SEGMENT_ALGORITHM_NAME,
                tags::SEGMENTATION_ALGORITHM_IDENTIFICATION_SEQUENCE,
                tags::TRACKING_ID,
                tags::TRACKING_UID,
                tags::SURFACE_COUNT,
            ],
        );
        color(writer, 1, segment, tags::RECOMMENDED_DISPLAY_CIE_LAB_VALUE);
        if !frames.is_empty() {
            let on = number.and_then(|n| frames.get(&n)).copied().unwrap_or(0);
            writer.count(1, ("content-frames", "Frames"), on);
        }
    }
    let unknown = frames.keys().filter(|n| !described.contains(n)).count();
    if unknown > 0 {
        let text = format!("frames belong to {unknown} segments that are not described");
        let finding = Finding::new("SEGMENT_UNDESCRIBED", Severity::Warning, text);
        findings.push(finding.with("count", unknown as f64));
    }
    surfaces(writer, root);
    tracts(writer, root);
    referenced_images(writer, 0, root);
}

/// On how many frames each segment lies.
fn frames_by_segment(tree: &Tree<'_>, root: Item) -> BTreeMap<i64, u64> {
    let mut frames = BTreeMap::new();
    for group in tree.items(root, tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE) {
        let segment = tree
            .first(group, tags::SEGMENT_IDENTIFICATION_SEQUENCE)
            .and_then(|item| tree.whole(item, tags::REFERENCED_SEGMENT_NUMBER));
        if let Some(segment) = segment {
            *frames.entry(segment).or_default() += 1;
        }
    }
    frames
}

/// A recommended colour, which is CIELab in 16 bits.
pub(super) fn color(writer: &mut Writer<'_, '_>, depth: usize, item: Item, tag: dicom_object::Tag) {
    let lab = writer.tree.numbers(item, tag, 3);
    let word = |v: &f64| (0.0..=65535.0).contains(v);
    if let Ok(lab) = <[f64; 3]>::try_from(lab)
        && lab.iter().all(word)
    {
        let rgb = rgb_from_lab(lab.map(|v| v as u16));
        let rgb = rgb.map(|v| (v * 255.0).round().clamp(0.0, 255.0) as u8);
        writer.attribute(depth, tag, Value::Color(rgb));
    }
}

fn surfaces(writer: &mut Writer<'_, '_>, root: Item) {
    let tree = writer.tree;
    let all: Vec<Item> = tree.items(root, tags::SURFACE_SEQUENCE).collect();
    for surface in all {
        let number = tree.whole(surface, tags::SURFACE_NUMBER);
        let name = ("content-surface", "Surface");
        writer.heading(0, name, number, Value::None, false);
        writer.fields(
            1,
            surface,
            &[
                tags::SURFACE_COMMENTS,
                tags::SURFACE_PROCESSING,
                tags::RECOMMENDED_PRESENTATION_TYPE,
                tags::RECOMMENDED_PRESENTATION_OPACITY,
                tags::FINITE_VOLUME,
                tags::MANIFOLD,
            ],
        );
        color(writer, 1, surface, tags::RECOMMENDED_DISPLAY_CIE_LAB_VALUE);
        let points = tree.first(surface, tags::SURFACE_POINTS_SEQUENCE);
        if let Some(points) = points {
            writer.field(1, points, tags::NUMBER_OF_SURFACE_POINTS);
        }
    }
}

fn tracts(writer: &mut Writer<'_, '_>, root: Item) {
    let tree = writer.tree;
    let sets: Vec<Item> = tree.items(root, tags::TRACK_SET_SEQUENCE).collect();
    for set in sets {
        let number = tree.whole(set, tags::TRACK_SET_NUMBER);
        let label = Value::Text(tree.text(set, tags::TRACK_SET_LABEL));
        writer.heading(0, ("content-track-set", "Track set"), number, label, true);
        writer.fields(
            1,
            set,
            &[
                tags::TRACK_SET_DESCRIPTION,
                tags::TRACK_SET_ANATOMICAL_TYPE_CODE_SEQUENCE,
                tags::DIFFUSION_ACQUISITION_CODE_SEQUENCE,
                tags::DIFFUSION_MODEL_CODE_SEQUENCE,
                tags::TRACKING_ALGORITHM_IDENTIFICATION_SEQUENCE,
            ],
        );
        let tracks = tree.items(set, tags::TRACK_SEQUENCE).count();
        writer.count(1, ("content-tracks", "Tracks"), tracks as u64);
    }
}
