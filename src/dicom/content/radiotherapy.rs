//! Radiotherapy: outlines, plans, dose and treatment records (PS3.3 sections A.18 to A.20, A.29 and C.8.8).
//!
//! Contours and control points are counted, never listed: there are millions of them, and nobody reads them.

use super::{
    presentation::referenced_images,
    tree::{Item, Tree},
    writer::{Writer, reference},
};
use crate::model::{
    content::Value,
    finding::{Finding, Severity},
};
use dicom_dictionary_std::tags;
use dicom_object::Tag;
use std::collections::BTreeMap;

// Retired, and still written.
const TREATMENT_SITES: Tag = Tag(0x300A, 0x000B);
const ROI_OBSERVATION_LABEL: Tag = Tag(0x3006, 0x0085);
const ROI_OBSERVATION_DESCRIPTION: Tag = Tag(0x3006, 0x0088);

/// The facts above any of these trees.
pub(super) fn head(writer: &mut Writer<'_, '_>) {
    let root = writer.tree.root();
    writer.fields(
        0,
        root,
        &[
            tags::APPROVAL_STATUS,
            tags::REVIEWER_NAME,
            tags::REVIEW_DATE,
            tags::STRUCTURE_SET_LABEL,
            tags::STRUCTURE_SET_NAME,
            tags::STRUCTURE_SET_DESCRIPTION,
            tags::STRUCTURE_SET_DATE,
            tags::STRUCTURE_SET_TIME,
            tags::RT_PLAN_LABEL,
            tags::RT_PLAN_NAME,
            tags::RT_PLAN_DESCRIPTION,
            tags::RT_PLAN_DATE,
            tags::RT_PLAN_TIME,
            tags::PLAN_INTENT,
            tags::RT_PLAN_GEOMETRY,
            TREATMENT_SITES,
            tags::PRESCRIPTION_DESCRIPTION,
            tags::TREATMENT_DATE,
            tags::TREATMENT_TIME,
            tags::CURRENT_FRACTION_NUMBER,
            tags::PRIMARY_DOSIMETER_UNIT,
            tags::DOSE_TYPE,
            tags::DOSE_UNITS,
            tags::DOSE_SUMMATION_TYPE,
            tags::DOSE_COMMENT,
            tags::OPERATORS_NAME,
            tags::SERIES_DESCRIPTION,
            tags::MANUFACTURER,
            tags::MANUFACTURER_MODEL_NAME,
        ],
    );
}

/// A structure set: regions, their outlines and what they mean.
pub(super) fn structure_set(writer: &mut Writer<'_, '_>, findings: &mut Vec<Finding>) {
    let tree = writer.tree;
    let root = tree.root();
    let outlines = by_number(tree, root, tags::ROI_CONTOUR_SEQUENCE);
    let meanings = by_number(tree, root, tags::RTROI_OBSERVATIONS_SEQUENCE);
    let regions: Vec<Item> = tree.items(root, tags::STRUCTURE_SET_ROI_SEQUENCE).collect();
    let (mut differ, mut ragged) = (0u64, 0u64);
    for region in &regions {
        let number = tree.whole(*region, tags::ROI_NUMBER);
        let label = Value::Text(tree.text(*region, tags::ROI_NAME));
        writer.heading(0, ("content-roi", "ROI"), number, label, true);
        let found = |map: &BTreeMap<i64, Vec<Item>>| {
            number
                .and_then(|n| map.get(&n))
                .cloned()
                .unwrap_or_default()
        };
        for outline in found(&outlines) {
            contours(writer, outline, &mut differ, &mut ragged);
        }
        writer.fields(
            1,
            *region,
            &[
                tags::ROI_DESCRIPTION,
                tags::ROI_GENERATION_ALGORITHM,
                tags::ROI_GENERATION_DESCRIPTION,
                tags::ROI_DERIVATION_ALGORITHM_IDENTIFICATION_SEQUENCE,
            ],
        );
        writer.quantity(1, *region, tags::ROI_VOLUME, "cm³");
        for meaning in found(&meanings) {
            writer.fields(
                1,
                meaning,
                &[
                    tags::RTROI_INTERPRETED_TYPE,
                    ROI_OBSERVATION_LABEL,
                    ROI_OBSERVATION_DESCRIPTION,
                    tags::RTROI_IDENTIFICATION_CODE_SEQUENCE,
                    tags::ROI_INTERPRETER,
                    tags::ROI_PHYSICAL_PROPERTIES_SEQUENCE,
                ],
            );
        }
    }
    let known: Vec<i64> = regions
        .iter()
        .filter_map(|r| tree.whole(*r, tags::ROI_NUMBER))
        .collect();
    let lost = outlines.keys().filter(|n| !known.contains(n)).count() as u64;
    note(
        findings,
        "CONTOUR_POINTS_DIFFER",
        differ,
        "contours hold another number of points than they say",
    );
    note(
        findings,
        "CONTOUR_DATA_RAGGED",
        ragged,
        "contours hold coordinates that are no whole points",
    );
    note(
        findings,
        "CONTOUR_WITHOUT_ROI",
        lost,
        "regions have outlines and are not described",
    );
    frames_of_reference(writer, root);
}

fn note(findings: &mut Vec<Finding>, code: &'static str, count: u64, text: &str) {
    if count > 0 {
        let finding = Finding::new(code, Severity::Warning, format!("{count} {text}"));
        findings.push(finding.with("count", count as f64));
    }
}

/// Items by Referenced ROI Number.
fn by_number(tree: &Tree<'_>, root: Item, tag: Tag) -> BTreeMap<i64, Vec<Item>> {
    let mut map: BTreeMap<i64, Vec<Item>> = BTreeMap::new();
    for item in tree.items(root, tag) {
        if let Some(number) = tree.whole(item, tags::REFERENCED_ROI_NUMBER) {
            map.entry(number).or_default().push(item);
        }
    }
    map
}

/// Colour, number of contours and of points of a region.
fn contours(writer: &mut Writer<'_, '_>, outline: Item, differ: &mut u64, ragged: &mut u64) {
    let tree = writer.tree;
    let rgb = tree.numbers(outline, tags::ROI_DISPLAY_COLOR, 3);
    if let Ok(rgb) = <[f64; 3]>::try_from(rgb) {
        let rgb = rgb.map(|v| v.clamp(0.0, 255.0) as u8);
        writer.attribute(1, tags::ROI_DISPLAY_COLOR, Value::Color(rgb));
    }
    let (mut count, mut points) = (0u64, 0u64);
    let mut kinds: BTreeMap<String, u64> = BTreeMap::new();
    for contour in tree.items(outline, tags::CONTOUR_SEQUENCE) {
        count += 1;
        let values = tree
            .find(contour, tags::CONTOUR_DATA)
            .map_or(0, |(_, entry)| tree.count_of(entry));
        points += values / 3;
        *ragged += u64::from(!values.is_multiple_of(3));
        let said = tree.whole(contour, tags::NUMBER_OF_CONTOUR_POINTS);
        *differ += u64::from(said.is_some_and(|n| u64::try_from(n).ok() != Some(values / 3)));
        *kinds
            .entry(tree.text(contour, tags::CONTOUR_GEOMETRIC_TYPE))
            .or_default() += 1;
    }
    writer.count(1, ("content-contours", "Contours"), count);
    writer.count(1, ("content-points", "Points"), points);
    let kinds: Vec<String> = kinds
        .into_iter()
        .filter(|(kind, _)| !kind.is_empty())
        .map(|(kind, n)| format!("{kind} × {n}"))
        .collect();
    if !kinds.is_empty() {
        let value = Value::Term(kinds.join(", "));
        writer.attribute(1, tags::CONTOUR_GEOMETRIC_TYPE, value);
    }
}

/// The series on which outlines were drawn.
fn frames_of_reference(writer: &mut Writer<'_, '_>, root: Item) {
    let tree = writer.tree;
    let all: Vec<Item> = tree
        .items(root, tags::REFERENCED_FRAME_OF_REFERENCE_SEQUENCE)
        .collect();
    for frame in all {
        writer.attribute(
            0,
            tags::REFERENCED_FRAME_OF_REFERENCE_UID,
            Value::Uid(tree.text(frame, tags::FRAME_OF_REFERENCE_UID), ""),
        );
        let studies = tree.items(frame, tags::RT_REFERENCED_STUDY_SEQUENCE);
        let series: Vec<Item> = studies
            .flat_map(|study| tree.items(study, tags::RT_REFERENCED_SERIES_SEQUENCE))
            .collect();
        for series in series {
            let uid = Value::Uid(tree.text(series, tags::SERIES_INSTANCE_UID), "");
            writer.fact(1, ("content-referenced-series", "Referenced series"), uid);
            let images: Vec<Item> = tree.items(series, tags::CONTOUR_IMAGE_SEQUENCE).collect();
            writer.count(2, ("content-instances", "Instances"), images.len() as u64);
            if let Some(first) = images.first() {
                let value = Value::Reference(Box::new(reference(tree, *first)));
                writer.attribute(2, tags::CONTOUR_IMAGE_SEQUENCE, value);
            }
        }
    }
}

/// A plan for photons, electrons, ions or sources.
pub(super) fn plan(writer: &mut Writer<'_, '_>) {
    let tree = writer.tree;
    let root = tree.root();
    let doses: Vec<Item> = tree.items(root, tags::DOSE_REFERENCE_SEQUENCE).collect();
    for dose in doses {
        let number = tree.whole(dose, tags::DOSE_REFERENCE_NUMBER);
        let text = Value::Text(tree.text(dose, tags::DOSE_REFERENCE_DESCRIPTION));
        let name = ("content-dose-reference", "Dose reference");
        writer.heading(0, name, number, text, true);
        writer.fields(
            1,
            dose,
            &[
                tags::DOSE_REFERENCE_TYPE,
                tags::DOSE_REFERENCE_STRUCTURE_TYPE,
            ],
        );
        writer.field(1, dose, tags::REFERENCED_ROI_NUMBER);
        for tag in [
            tags::TARGET_PRESCRIPTION_DOSE,
            tags::TARGET_MINIMUM_DOSE,
            tags::TARGET_MAXIMUM_DOSE,
            tags::DELIVERY_MAXIMUM_DOSE,
            tags::ORGAN_AT_RISK_MAXIMUM_DOSE,
        ] {
            writer.quantity(1, dose, tag, "Gy");
        }
    }
    let groups: Vec<Item> = tree.items(root, tags::FRACTION_GROUP_SEQUENCE).collect();
    for group in groups {
        let number = tree.whole(group, tags::FRACTION_GROUP_NUMBER);
        let name = ("content-fraction-group", "Fraction group");
        writer.heading(0, name, number, Value::None, false);
        writer.fields(
            1,
            group,
            &[
                tags::FRACTION_GROUP_DESCRIPTION,
                tags::NUMBER_OF_FRACTIONS_PLANNED,
                tags::NUMBER_OF_BEAMS,
                tags::NUMBER_OF_BRACHY_APPLICATION_SETUPS,
            ],
        );
        let beams: Vec<Item> = tree.items(group, tags::REFERENCED_BEAM_SEQUENCE).collect();
        for beam in beams {
            let number = tree.whole(beam, tags::REFERENCED_BEAM_NUMBER);
            writer.heading(1, ("content-beam", "Beam"), number, Value::None, false);
            writer.quantity(2, beam, tags::BEAM_DOSE, "Gy");
            writer.field(2, beam, tags::BEAM_METERSET);
        }
    }
    for list in [tags::BEAM_SEQUENCE, tags::ION_BEAM_SEQUENCE] {
        let beams: Vec<Item> = tree.items(root, list).collect();
        for beam in beams {
            self::beam(writer, beam);
        }
    }
    writer.fields(
        0,
        root,
        &[
            tags::BRACHY_TREATMENT_TECHNIQUE,
            tags::BRACHY_TREATMENT_TYPE,
            tags::SOURCE_SEQUENCE,
        ],
    );
    writer.items(0, root, tags::APPLICATION_SETUP_SEQUENCE);
    writer.fields(
        0,
        root,
        &[
            tags::PATIENT_SETUP_SEQUENCE,
            tags::REFERENCED_STRUCTURE_SET_SEQUENCE,
            tags::REFERENCED_DOSE_SEQUENCE,
            tags::REFERENCED_RT_PLAN_SEQUENCE,
        ],
    );
}

fn beam(writer: &mut Writer<'_, '_>, beam: Item) {
    let tree = writer.tree;
    let number = tree.whole(beam, tags::BEAM_NUMBER);
    let name = Value::Text(tree.text(beam, tags::BEAM_NAME));
    writer.heading(0, ("content-beam", "Beam"), number, name, true);
    writer.fields(
        1,
        beam,
        &[
            tags::BEAM_DESCRIPTION,
            tags::BEAM_TYPE,
            tags::RADIATION_TYPE,
            tags::TREATMENT_DELIVERY_TYPE,
            tags::TREATMENT_MACHINE_NAME,
            tags::FINAL_CUMULATIVE_METERSET_WEIGHT,
            tags::NUMBER_OF_WEDGES,
            tags::NUMBER_OF_COMPENSATORS,
            tags::NUMBER_OF_BOLI,
            tags::NUMBER_OF_BLOCKS,
        ],
    );
    writer.quantity(1, beam, tags::SOURCE_AXIS_DISTANCE, "mm");
    let points = [
        tags::CONTROL_POINT_SEQUENCE,
        tags::ION_CONTROL_POINT_SEQUENCE,
    ];
    for list in points {
        if !tree.has(beam, list) {
            continue;
        }
        let count = tree.items(beam, list).count();
        writer.count(
            1,
            ("content-control-points", "Control points"),
            count as u64,
        );
        // The first control point says where the beam begins.
        if let Some(first) = tree.first(beam, list) {
            writer.quantity(1, first, tags::NOMINAL_BEAM_ENERGY, "MeV");
            for tag in [
                tags::GANTRY_ANGLE,
                tags::BEAM_LIMITING_DEVICE_ANGLE,
                tags::PATIENT_SUPPORT_ANGLE,
            ] {
                writer.quantity(1, first, tag, "°");
            }
            writer.field(1, first, tags::ISOCENTER_POSITION);
        }
    }
}

/// A dose distribution.
pub(super) fn dose(writer: &mut Writer<'_, '_>) {
    let root = writer.tree.root();
    writer.fields(
        0,
        root,
        &[
            tags::NUMBER_OF_FRAMES,
            tags::ROWS,
            tags::COLUMNS,
            tags::PIXEL_SPACING,
            tags::DOSE_GRID_SCALING,
            tags::GRID_FRAME_OFFSET_VECTOR,
            tags::TISSUE_HETEROGENEITY_CORRECTION,
            tags::NORMALIZATION_POINT,
            tags::REFERENCED_RT_PLAN_SEQUENCE,
            tags::REFERENCED_STRUCTURE_SET_SEQUENCE,
        ],
    );
    let tree = writer.tree;
    let all: Vec<Item> = tree.items(root, tags::DVH_SEQUENCE).collect();
    for (histogram, number) in all.into_iter().zip(1..) {
        let name = ("content-dvh", "Dose-volume histogram");
        writer.heading(0, name, Some(number), Value::None, false);
        writer.fields(
            1,
            histogram,
            &[
                tags::DVH_TYPE,
                tags::DOSE_UNITS,
                tags::DOSE_TYPE,
                tags::DVH_VOLUME_UNITS,
                tags::DVH_NUMBER_OF_BINS,
                tags::DVH_MINIMUM_DOSE,
                tags::DVH_MAXIMUM_DOSE,
                tags::DVH_MEAN_DOSE,
            ],
        );
        let regions: Vec<Item> = tree
            .items(histogram, tags::DVH_REFERENCED_ROI_SEQUENCE)
            .collect();
        for region in regions {
            let number = tree.whole(region, tags::REFERENCED_ROI_NUMBER);
            let kind = Value::Term(tree.text(region, tags::DVHROI_CONTRIBUTION_TYPE));
            writer.heading(1, ("content-roi", "ROI"), number, kind, false);
        }
    }
}

/// What was given: of beams, sources, or the sum.
pub(super) fn record(writer: &mut Writer<'_, '_>) {
    let tree = writer.tree;
    let root = tree.root();
    writer.fields(
        0,
        root,
        &[
            tags::CURRENT_TREATMENT_STATUS,
            tags::TREATMENT_STATUS_COMMENT,
            tags::FIRST_TREATMENT_DATE,
            tags::MOST_RECENT_TREATMENT_DATE,
            tags::NUMBER_OF_FRACTIONS_PLANNED,
            tags::NUMBER_OF_FRACTIONS_DELIVERED,
        ],
    );
    for list in [
        tags::TREATMENT_SESSION_BEAM_SEQUENCE,
        tags::TREATMENT_SESSION_ION_BEAM_SEQUENCE,
    ] {
        let beams: Vec<Item> = tree.items(root, list).collect();
        for beam in beams {
            let number = tree.whole(beam, tags::REFERENCED_BEAM_NUMBER);
            let name = Value::Text(tree.text(beam, tags::BEAM_NAME));
            writer.heading(0, ("content-beam", "Beam"), number, name, true);
            writer.fields(
                1,
                beam,
                &[
                    tags::BEAM_TYPE,
                    tags::RADIATION_TYPE,
                    tags::CURRENT_FRACTION_NUMBER,
                    tags::TREATMENT_DELIVERY_TYPE,
                    tags::TREATMENT_TERMINATION_STATUS,
                    tags::TREATMENT_VERIFICATION_STATUS,
                    tags::SPECIFIED_PRIMARY_METERSET,
                    tags::DELIVERED_PRIMARY_METERSET,
                ],
            );
            for points in [
                tags::CONTROL_POINT_DELIVERY_SEQUENCE,
                tags::ION_CONTROL_POINT_DELIVERY_SEQUENCE,
            ] {
                writer.items(1, beam, points);
            }
        }
    }
    writer.fields(
        0,
        root,
        &[
            tags::TREATMENT_SESSION_APPLICATION_SETUP_SEQUENCE,
            tags::FRACTION_GROUP_SUMMARY_SEQUENCE,
            tags::TREATMENT_SUMMARY_CALCULATED_DOSE_REFERENCE_SEQUENCE,
            tags::TREATMENT_SUMMARY_MEASURED_DOSE_REFERENCE_SEQUENCE,
            tags::CALCULATED_DOSE_REFERENCE_SEQUENCE,
            tags::MEASURED_DOSE_REFERENCE_SEQUENCE,
            tags::REFERENCED_RT_PLAN_SEQUENCE,
            tags::TREATMENT_MACHINE_SEQUENCE,
        ],
    );
    referenced_images(writer, 0, root);
}
