//! Measurements of segments as a report: Comprehensive 3D SR with TID 1500, a volumetric group (TID 1411) for each segment,
//! which names the segment of the segmentation object.

use super::{
    Making, codes, instance_reference, report,
    tree::{self, CONTAINS, CONTEXT, MODIFIER, PROPERTIES},
};
use crate::{
    dicom::write::elements::Elements,
    model::{
        annotation::MarkKind,
        exchange::{MadeObject, MarkNumber, SourceObject},
        segmentation::{Segment, SegmentOrigin},
    },
};

const REFERENCED_SEGMENT: codes::Concept = ("121191", "DCM", "Referenced Segment");
const SOURCE_SERIES: codes::Concept = ("121232", "DCM", "Source series for segmentation");
/// PS3.16 annex D: how sure whoever found it was.
const CERTAINTY: codes::Concept = ("111012", "DCM", "Certainty of Finding");
const VOLUME: codes::Concept = ("118565006", "SCT", "Volume");

/// A segment of an object, and what was measured of it.
#[derive(Clone, Debug)]
pub struct MeasuredSegment<'a> {
    /// What it is.
    pub segment: &'a Segment,
    /// Its number in the object.
    pub number: u16,
    /// `volume` and statistics of values, as marks have them.
    pub numbers: Vec<MarkNumber>,
}

/// Makes the report. `object` is the segmentation, `pictures` are what it lies on; `series_uid` is theirs.
pub fn write_segment_report(
    segments: &[MeasuredSegment<'_>],
    object: &SourceObject,
    pictures: &[SourceObject],
    series_uid: &str,
    making: &Making,
) -> MadeObject {
    let groups: Vec<Elements> = segments
        .iter()
        .map(|measured| group(measured, object, series_uid, making))
        .collect();
    let mut used: Vec<&SourceObject> = pictures.iter().collect();
    used.push(object);
    let study = &object.instance.study.uid;
    report::document(study, &groups, object, &used, making)
}

fn group(
    measured: &MeasuredSegment<'_>,
    object: &SourceObject,
    series_uid: &str,
    making: &Making,
) -> Elements {
    let segment = measured.segment;
    let number = measured.number.to_string();
    let tracking = match segment.tracking_uid.as_str() {
        "" => making.uid(&["segment", &object.instance.sop_instance_uid, &number]),
        uid => uid.to_owned(),
    };
    let name = match segment.label.as_str() {
        "" => number.as_str(),
        label => label,
    };
    let mut items = vec![
        tree::text(CONTEXT, codes::TRACKING_ID, name),
        tree::uid(CONTEXT, codes::TRACKING_UID, &tracking),
    ];
    if let SegmentOrigin::Automatic {
        algorithm, version, ..
    }
    | SegmentOrigin::SemiAutomatic { algorithm, version } = &segment.origin
        && !algorithm.is_empty()
    {
        items.push(tree::text(MODIFIER, codes::ALGORITHM_NAME, algorithm));
        let version = if version.is_empty() { "0" } else { version };
        items.push(tree::text(MODIFIER, codes::ALGORITHM_VERSION, version));
    }
    if let Some(code) = &segment.property_type {
        let code = (
            code.value.clone(),
            code.scheme.clone(),
            code.meaning.clone(),
        );
        items.push(tree::code(CONTAINS, codes::FINDING, &code));
    }
    let mut reference = instance_reference(&object.instance, &[]);
    reference.words(0x0062, 0x000B, &[measured.number]);
    items.push(tree::image(CONTAINS, Some(REFERENCED_SEGMENT), &reference));
    items.push(tree::uid(CONTAINS, SOURCE_SERIES, series_uid));
    if let Some(probability) = segment.probability {
        let percent = tree::owned(("%", "UCUM", "Percent"));
        let concept = tree::owned(CERTAINTY);
        let below = tree::text(PROPERTIES, codes::COMMENT, "not calibrated");
        items.push(tree::number(
            &concept,
            100.0 * probability,
            &percent,
            &[below],
        ));
    }
    for number in measured.numbers.iter().filter(|n| n.value.is_finite()) {
        let code = codes::number_code(&number.name, &number.unit, MarkKind::Freehand);
        let (concept, derivation) = match number.name.as_str() {
            "volume" => (tree::owned(VOLUME), None),
            _ => (code.concept, code.derivation),
        };
        let (value, scheme, meaning) = codes::number_unit(&number.name, &number.unit);
        let mut below = Vec::new();
        if let Some(derivation) = &derivation {
            below.push(tree::code(MODIFIER, codes::DERIVATION, derivation));
        }
        if !number.source.is_empty() {
            below.push(tree::text(PROPERTIES, codes::CALIBRATION, &number.source));
        }
        let unit = (value, scheme.to_owned(), meaning);
        items.push(tree::number(&concept, number.value, &unit, &below));
    }
    tree::container(CONTAINS, codes::GROUP, "1411", &items)
}
