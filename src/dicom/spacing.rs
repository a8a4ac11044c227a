//! Which millimetre is it: pixel spacing and where it comes from (PS3.3 10.7, C.8.5.5, C.7.6.3.1.7).
//!
//! A wrong millimetre is worse than none, so whatever is not a sane pair of positive numbers gives pixels.
//! Deliberately not here: distances of source, patient and detector (0018,1110/1111) correct nothing, since the depth
//! of what is measured is not known; Imager Pixel Spacing then stays one at the detector and says so. Ultrasound with
//! several scales is in pixels, since a frame has one spacing.

use super::{
    elements::{DataSet, Numbers, items, numbers, numbers_of, text},
    functional::Groups,
    guard::Fault,
};
use crate::model::{
    finding::{Finding, Severity},
    geometry::{PixelBounds, Spacing, SpacingSource},
};
use dicom_dictionary_std::tags;
use dicom_object::Tag;

/// Distances that can be real, millimetres: whole-slide scanners to portal images.
const PLAUSIBLE_MM: std::ops::RangeInclusive<f64> = 1e-5..=1e3;

/// Ratios of source-detector to source-object distance that can be: the object is between the two. A little under 1
/// is rounding.
const MAGNIFICATIONS: std::ops::RangeInclusive<f64> = 0.99..=20.0;

/// What an attribute of two distances says.
#[derive(Clone, Copy, PartialEq)]
enum Pair {
    Absent,
    Invalid,
    Given(f64, f64),
}

fn pair(values: Numbers) -> Pair {
    match values {
        Numbers::Absent => Pair::Absent,
        Numbers::Bad => Pair::Invalid,
        Numbers::Values(values) => match values.as_slice() {
            &[row, column] if PLAUSIBLE_MM.contains(&row) && PLAUSIBLE_MM.contains(&column) => {
                Pair::Given(row, column)
            }
            _ => Pair::Invalid,
        },
    }
}

/// Whether two pairs are the same but for rounding.
fn same(a: (f64, f64), b: (f64, f64)) -> bool {
    let close = |a: f64, b: f64| (a - b).abs() <= 1e-6 * a.abs().max(b.abs());
    close(a.0, b.0) && close(a.1, b.1)
}

/// Images made by projection, whose Pixel Spacing needs Imager Pixel Spacing to be understood.
fn is_projection(modality: &str) -> bool {
    matches!(
        modality,
        "CR" | "DX" | "MG" | "RF" | "XA" | "RG" | "IO" | "PX" | "RTIMAGE"
    )
}

fn note(findings: &mut Vec<Finding>, code: &'static str, severity: Severity, text: &str) {
    if !findings.iter().any(|f| f.code == code) {
        findings.push(Finding::new(code, severity, text));
    }
}

const fn known((row_mm, column_mm): (f64, f64), source: SpacingSource) -> Spacing {
    Spacing::Millimetres {
        row_mm,
        column_mm,
        source,
    }
}

/// The attributes of two distances, but for ultrasound.
struct Given {
    /// Pixel Spacing (0028,0030).
    pixel: Pair,
    /// Whether it is that of a functional group, which projections do not have: a tomogram.
    measured: bool,
    /// Imager Pixel Spacing (0018,1164), or Image Plane Pixel Spacing (3002,0011) of a portal image.
    imager: Pair,
    /// Nominal Scanned Pixel Spacing (0018,2010).
    nominal: Pair,
}

impl Given {
    fn of(data_set: &DataSet, groups: &Groups<'_>) -> Self {
        let pair_of = |sequence, tag| {
            pair(
                groups
                    .get(sequence, tag)
                    .map_or(Numbers::Absent, numbers_of),
            )
        };
        let at_top = |tag| pair(numbers(data_set, tag));
        let properties = tags::FRAME_PIXEL_DATA_PROPERTIES_SEQUENCE;
        Self {
            pixel: pair_of(tags::PIXEL_MEASURES_SEQUENCE, tags::PIXEL_SPACING),
            measured: at_top(tags::PIXEL_SPACING) == Pair::Absent,
            imager: match pair_of(properties, tags::IMAGER_PIXEL_SPACING) {
                Pair::Absent => at_top(tags::IMAGE_PLANE_PIXEL_SPACING),
                given => given,
            },
            nominal: at_top(tags::NOMINAL_SCANNED_PIXEL_SPACING),
        }
    }
}

/// The spacing of a frame with its source.
///
/// # Errors
/// `BAD_ASPECT` when Pixel Aspect Ratio is given and impossible.
pub(super) fn resolve(
    data_set: &DataSet,
    groups: &Groups<'_>,
    modality: &str,
    findings: &mut Vec<Finding>,
) -> Result<Spacing, Fault> {
    let unknown = Spacing::Unknown {
        aspect: aspect(data_set, findings)?,
    };
    let given = Given::of(data_set, groups);
    if [given.pixel, given.imager, given.nominal].contains(&Pair::Invalid) {
        let text = "the pixel spacing is not two positive numbers; lengths are in pixels";
        note(findings, "SPACING_INVALID", Severity::Warning, text);
    }
    if let Some(regions) = ultrasound(data_set, findings) {
        return Ok(regions.unwrap_or(unknown));
    }
    Ok(match (given.pixel, given.imager, given.nominal) {
        (Pair::Invalid, ..) => unknown,
        (Pair::Given(row, column), ..) => {
            in_patient((row, column), &given, data_set, modality, findings)
        }
        (Pair::Absent, Pair::Given(row, column), _) => {
            at_detector(data_set, (row, column), findings)
        }
        (Pair::Absent, _, Pair::Given(row, column)) => {
            known((row, column), SpacingSource::NominalScanned)
        }
        (Pair::Absent, ..) => unknown,
    })
}

/// What Pixel Spacing means, by the three attributes that tell (PS3.3 10.7.1.1 and 10.7.1.2): the same as at the
/// detector or on the film means that nothing was corrected, another that something was, and Pixel Spacing
/// Calibration Type (0028,0A02) how.
fn in_patient(
    pixel: (f64, f64),
    given: &Given,
    data_set: &DataSet,
    modality: &str,
    findings: &mut Vec<Finding>,
) -> Spacing {
    let like = |other| matches!(other, Pair::Given(row, column) if same(pixel, (row, column)));
    match text(data_set, tags::PIXEL_SPACING_CALIBRATION_TYPE).as_str() {
        "FIDUCIAL" => return known(pixel, SpacingSource::Fiducial),
        "GEOMETRY" => {
            // To divide by the factor would correct twice, to believe in the correction would not correct at all.
            let factor = magnification(data_set, findings).unwrap_or(1.0);
            if like(given.imager) && factor > 1.01 {
                let text = "Pixel Spacing is said to be corrected for magnification, but is that of the detector; \
                            it is taken as at the detector";
                note(findings, "CALIBRATION_CONTRADICTS", Severity::Warning, text);
                return known(pixel, SpacingSource::ImagerPixelSpacing);
            }
            return known(pixel, SpacingSource::GeometryCorrected);
        }
        _ => {}
    }
    if like(given.imager) {
        return at_detector(data_set, pixel, findings);
    }
    let placed = data_set.get(tags::IMAGE_ORIENTATION_PATIENT).is_some();
    match (given.imager, given.nominal) {
        (Pair::Given(..), _) => known(pixel, SpacingSource::Calibrated),
        // An image with a place in the patient is no film any more: Pixel Spacing is of its plane (A.8.1.3).
        (_, Pair::Given(..)) if like(given.nominal) && !placed => {
            known(pixel, SpacingSource::NominalScanned)
        }
        (_, Pair::Given(..)) if !placed => known(pixel, SpacingSource::Calibrated),
        _ if is_projection(modality) && !given.measured => {
            let text = "Pixel Spacing without Imager Pixel Spacing: calibrated or at the detector, \
                        the file does not say";
            note(findings, "CALIBRATION_UNKNOWN", Severity::Warning, text);
            known(pixel, SpacingSource::CalibrationUnknown)
        }
        _ => known(pixel, SpacingSource::PixelSpacing),
    }
}

/// Estimated Radiographic Magnification Factor (0018,1114), when it can be one.
fn magnification(data_set: &DataSet, findings: &mut Vec<Finding>) -> Option<f64> {
    let factor = match numbers(data_set, tags::ESTIMATED_RADIOGRAPHIC_MAGNIFICATION_FACTOR) {
        Numbers::Absent => return None,
        given => given.first().filter(|f| MAGNIFICATIONS.contains(f)),
    };
    if factor.is_none() {
        let text = "the estimated radiographic magnification factor cannot be; it is not applied";
        note(findings, "MAGNIFICATION_INVALID", Severity::Warning, text);
    }
    factor
}

/// Imager Pixel Spacing, divided by the magnification factor where one is given (PS3.3 C.8.11.7).
fn at_detector(
    data_set: &DataSet,
    (row, column): (f64, f64),
    findings: &mut Vec<Finding>,
) -> Spacing {
    match magnification(data_set, findings) {
        Some(factor) => known(
            (row / factor, column / factor),
            SpacingSource::ImagerMagnified(factor),
        ),
        None => known((row, column), SpacingSource::ImagerPixelSpacing),
    }
}

/// Pixel Aspect Ratio (0028,0034): vertical and horizontal size of a pixel, 1:1 when absent. A ratio that is
/// there and impossible is refused, since the picture would be drawn in a wrong shape; what is no ratio at all is
/// named and ignored.
fn aspect(data_set: &DataSet, findings: &mut Vec<Finding>) -> Result<f64, Fault> {
    let values = match numbers(data_set, tags::PIXEL_ASPECT_RATIO) {
        Numbers::Absent => return Ok(1.0),
        Numbers::Bad => Vec::new(),
        Numbers::Values(values) => values,
    };
    let &[row, column] = values.as_slice() else {
        let text = "the pixel aspect ratio is not two numbers; pixels are taken as square";
        note(findings, "ASPECT_INVALID", Severity::Warning, text);
        return Ok(1.0);
    };
    if row > 0.0 && column > 0.0 && (1e-3..=1e3).contains(&(row / column)) {
        return Ok(row / column);
    }
    Err(Fault::rejected(
        "BAD_ASPECT",
        "the pixel aspect ratio (0028,0034) is impossible",
    ))
}

/// One ultrasound region.
struct Region {
    /// Row and column distance, when it is a picture of tissue in centimetres.
    scale: Option<(f64, f64)>,
    /// Where it lies, when it says so.
    bounds: Option<PixelBounds>,
}

impl Region {
    fn of(item: &DataSet) -> Self {
        let code = |tag| numbers(item, tag).first();
        let tissue = code(tags::REGION_SPATIAL_FORMAT) == Some(1.0)
            && code(tags::PHYSICAL_UNITS_X_DIRECTION) == Some(3.0)
            && code(tags::PHYSICAL_UNITS_Y_DIRECTION) == Some(3.0);
        let delta = |tag| code(tag).map(|cm| cm.abs() * 10.0);
        let plausible = |mm: &f64| PLAUSIBLE_MM.contains(mm);
        let row = delta(tags::PHYSICAL_DELTA_Y).filter(plausible);
        let column = delta(tags::PHYSICAL_DELTA_X).filter(plausible);
        let border = |tag: Tag| {
            let place = code(tag)?;
            (place.fract() == 0.0 && (0.0..=65_535.0).contains(&place)).then_some(place as u32)
        };
        let bounds = || {
            let low = [
                border(tags::REGION_LOCATION_MIN_X0)?,
                border(tags::REGION_LOCATION_MIN_Y0)?,
            ];
            let high = [
                border(tags::REGION_LOCATION_MAX_X1)?,
                border(tags::REGION_LOCATION_MAX_Y1)?,
            ];
            (low[0] < high[0] && low[1] < high[1]).then_some(PixelBounds { low, high })
        };
        Self {
            scale: row.zip(column).filter(|_| tissue),
            bounds: bounds(),
        }
    }
}

/// Whether two rectangles share more than a border.
fn overlap(a: PixelBounds, b: PixelBounds) -> bool {
    let [columns, rows] =
        [0, 1].map(|axis: usize| a.low[axis] < b.high[axis] && b.low[axis] < a.high[axis]);
    columns && rows
}

/// Calibration of ultrasound regions (PS3.3 C.8.5.5): outer `None` when there are no regions; inner `None` when
/// they do not agree on one tissue scale. Only two-dimensional regions in centimetres count, and only for their own
/// pixels: beside them there may be a spectrum or a time axis.
fn ultrasound(data_set: &DataSet, findings: &mut Vec<Finding>) -> Option<Option<Spacing>> {
    let regions = items(data_set, tags::SEQUENCE_OF_ULTRASOUND_REGIONS);
    if regions.is_empty() {
        return None;
    }
    let regions: Vec<Region> = regions.iter().map(Region::of).collect();
    let tissue = || regions.iter().filter(|r| r.scale.is_some());
    let others = || regions.iter().filter(|r| r.scale.is_none());
    let Some(first) = tissue().next() else {
        return Some(None);
    };
    let scale = first.scale?;
    if tissue().any(|r| r.scale.is_some_and(|s| !same(s, scale))) {
        let text = "ultrasound regions of different scale; lengths are in pixels";
        note(findings, "SEVERAL_REGIONS", Severity::Warning, text);
        return Some(None);
    }
    let all: Option<Vec<PixelBounds>> = tissue().map(|r| r.bounds).collect();
    let Some(all) = all else {
        if others().next().is_some() {
            return Some(None);
        }
        let text = "an ultrasound region does not say where it lies; its scale is used everywhere";
        note(findings, "REGION_PLACE_UNKNOWN", Severity::Warning, text);
        return Some(Some(known(scale, SpacingSource::UltrasoundRegion(None))));
    };
    let around = all.iter().copied().reduce(|a, b| PixelBounds {
        low: [a.low[0].min(b.low[0]), a.low[1].min(b.low[1])],
        high: [a.high[0].max(b.high[0]), a.high[1].max(b.high[1])],
    });
    // Two halves of one picture are measured across; not where something of another kind lies between.
    let clear = around
        .filter(|around| !others().any(|r| r.bounds.is_none_or(|other| overlap(*around, other))));
    let bounds = if all.len() == 1 {
        around
    } else {
        clear.or(first.bounds)
    };
    Some(Some(known(scale, SpacingSource::UltrasoundRegion(bounds))))
}
