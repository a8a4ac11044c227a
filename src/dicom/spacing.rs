//! Which millimetre is it: pixel spacing and where it comes from (PS3.3 10.7, C.8.5.5, C.7.6.3.1.7).
//!
//! A wrong millimetre is worse than none, so whatever is not a sane pair of positive numbers gives pixels.

use super::{
    elements::{DataSet, Numbers, items, numbers},
    functional::Groups,
    guard::Fault,
};
use crate::model::{
    finding::{Finding, Severity},
    geometry::{Spacing, SpacingSource},
};
use dicom_dictionary_std::tags;

/// Distances that can be real, millimetres: whole-slide scanners to portal images.
const PLAUSIBLE_MM: std::ops::RangeInclusive<f64> = 1e-5..=1e3;

/// What an attribute of two distances says.
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
    let known = |(row_mm, column_mm), source| Spacing::Millimetres {
        row_mm,
        column_mm,
        source,
    };
    let unknown = Spacing::Unknown {
        aspect: aspect(data_set, findings)?,
    };
    let measured = groups
        .get(tags::PIXEL_MEASURES_SEQUENCE, tags::PIXEL_SPACING)
        .map_or(Numbers::Absent, super::elements::numbers_of);
    let pixel = pair(measured);
    let imager = pair(numbers(data_set, tags::IMAGER_PIXEL_SPACING));
    if matches!(pixel, Pair::Invalid) || matches!(imager, Pair::Invalid) {
        let text = "the pixel spacing is not two positive numbers; lengths are in pixels";
        note(findings, "SPACING_INVALID", Severity::Warning, text);
    }
    if let Some(regions) = ultrasound(data_set, findings) {
        return Ok(regions.unwrap_or(unknown));
    }
    Ok(match (pixel, imager) {
        (Pair::Invalid, _) => unknown,
        (Pair::Given(row, column), Pair::Given(imager_row, imager_column)) => {
            let same = |a: f64, b: f64| (a - b).abs() <= 1e-6 * a.abs().max(b.abs());
            if same(row, imager_row) && same(column, imager_column) {
                at_detector(data_set, (imager_row, imager_column))
            } else {
                known((row, column), SpacingSource::PixelSpacing)
            }
        }
        (Pair::Given(row, column), _) => {
            if is_projection(modality) {
                let text = "Pixel Spacing without Imager Pixel Spacing: calibrated or at the detector, \
                            the file does not say";
                note(findings, "CALIBRATION_UNKNOWN", Severity::Warning, text);
            }
            known((row, column), SpacingSource::PixelSpacing)
        }
        (Pair::Absent, Pair::Given(row, column)) => at_detector(data_set, (row, column)),
        (Pair::Absent, Pair::Absent | Pair::Invalid) => {
            match pair(numbers(data_set, tags::NOMINAL_SCANNED_PIXEL_SPACING)) {
                Pair::Given(row, column) => known((row, column), SpacingSource::NominalScanned),
                _ => unknown,
            }
        }
    })
}

/// Imager Pixel Spacing, divided by the magnification factor where one is given (PS3.3 C.8.11.7).
fn at_detector(data_set: &DataSet, (row, column): (f64, f64)) -> Spacing {
    let factor = numbers(data_set, tags::ESTIMATED_RADIOGRAPHIC_MAGNIFICATION_FACTOR).first();
    match factor.filter(|f| (0.1..=100.0).contains(f)) {
        Some(factor) => Spacing::Millimetres {
            row_mm: row / factor,
            column_mm: column / factor,
            source: SpacingSource::ImagerMagnified(factor),
        },
        None => Spacing::Millimetres {
            row_mm: row,
            column_mm: column,
            source: SpacingSource::ImagerPixelSpacing,
        },
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

/// Calibration of ultrasound regions (PS3.3 C.8.5.5): outer `None` when there are no regions; inner `None` when
/// they do not agree on one tissue scale. Only two-dimensional regions in centimetres count.
fn ultrasound(data_set: &DataSet, findings: &mut Vec<Finding>) -> Option<Option<Spacing>> {
    let regions = items(data_set, tags::SEQUENCE_OF_ULTRASOUND_REGIONS);
    if regions.is_empty() {
        return None;
    }
    let mut scale: Option<(f64, f64)> = None;
    for region in regions {
        let code = |tag| numbers(region, tag).first();
        let tissue = code(tags::REGION_SPATIAL_FORMAT) == Some(1.0)
            && code(tags::PHYSICAL_UNITS_X_DIRECTION) == Some(3.0)
            && code(tags::PHYSICAL_UNITS_Y_DIRECTION) == Some(3.0);
        let delta = |tag| code(tag).map(|cm| cm.abs() * 10.0);
        let (Some(column), Some(row)) =
            (delta(tags::PHYSICAL_DELTA_X), delta(tags::PHYSICAL_DELTA_Y))
        else {
            continue;
        };
        if !tissue || !PLAUSIBLE_MM.contains(&row) || !PLAUSIBLE_MM.contains(&column) {
            continue;
        }
        let close = |a: f64, b: f64| (a - b).abs() <= 1e-6 * a;
        match scale {
            None => scale = Some((row, column)),
            Some((r, c)) if close(r, row) && close(c, column) => {}
            Some(_) => {
                let text = "ultrasound regions of different scale; lengths are in pixels";
                note(findings, "SEVERAL_REGIONS", Severity::Warning, text);
                return Some(None);
            }
        }
    }
    Some(scale.map(|(row_mm, column_mm)| Spacing::Millimetres {
        row_mm,
        column_mm,
        source: SpacingSource::UltrasoundRegion,
    }))
}
