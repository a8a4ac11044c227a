//! What calibrations by people make of the frames of a series: window, command line and exports come here.
//!
//! Must stay true: a calibration counts on the frames of its series whose rows, columns and header spacing are those of
//! the frame that was drawn on, and on no others. It never moves what lies in the patient: a frame with a place there
//! keeps its geometry. A scale that the header gives as true, or several of them, is replaced only where that was
//! confirmed. Of several calibrations of one geometry the newest counts.

use crate::model::{
    calibration::{Calibration, CalibrationError},
    finding::{Finding, Severity},
    geometry::{Spacing, SpacingSource},
    layout::{FrameRef, SeriesLayout},
    study::{FrameDescription, ImageDescription, Instance},
};
use glam::DVec2;
use std::{collections::HashMap, sync::Arc};

/// Distances of pixels that can be real, millimetres; those that a header may give, too.
const PLAUSIBLE_MM: std::ops::RangeInclusive<f64> = 1e-5..=1e3;

/// Findings of a series about its millimetres; they are made anew when those change.
const CODES: [&str; 3] = ["UNCALIBRATED", "SPACING_AT_DETECTOR", "SPACING_MAGNIFIED"];

/// Whether a person may say what a pixel of a frame (from 0) is worth.
///
/// # Errors
/// Never ([`CalibrationError::Placed`]), or only when it is confirmed ([`CalibrationError::asks`]).
pub fn may_calibrate(instance: &Instance, frame: usize) -> Result<(), CalibrationError> {
    let image = instance.image.as_ref().filter(|i| frame < i.frames);
    let described = image.ok_or(CalibrationError::Placed)?.frame(frame);
    if described.plane.is_some() {
        return Err(CalibrationError::Placed);
    }
    let source = match described.spacing.source() {
        None
        | Some(
            SpacingSource::ImagerPixelSpacing
            | SpacingSource::CalibrationUnknown
            | SpacingSource::NominalScanned
            | SpacingSource::User(_),
        ) => {
            let several = instance
                .findings
                .iter()
                .any(|f| f.code == "SEVERAL_REGIONS");
            return match several {
                true => Err(CalibrationError::SeveralScales),
                false => Ok(()),
            };
        }
        Some(SpacingSource::PixelSpacing) => "Pixel Spacing",
        Some(SpacingSource::Calibrated) => "calibrated",
        Some(SpacingSource::GeometryCorrected) => "corrected for magnification",
        Some(SpacingSource::Fiducial) => "fiducial calibrated",
        Some(SpacingSource::ImagerMagnified(_)) => "estimated magnification",
        Some(SpacingSource::UltrasoundRegion(_)) => "ultrasound region",
        Some(SpacingSource::VolumeHeader) => "volume header",
    };
    Err(CalibrationError::Unconfirmed(source))
}

/// Length of a line on a frame by the spacing of its header: millimetres, or column distances.
pub fn drawn_length(spacing: Spacing, [a, b]: [DVec2; 2]) -> f64 {
    let (row, column) = spacing.row_column();
    ((b - a) * DVec2::new(column, row)).length()
}

/// The spacing that a line of known length gives a frame (from 0) of an instance; the aspect stays the header's.
///
/// # Errors
/// What keeps it from counting.
pub fn spacing_by(
    calibration: &Calibration,
    instance: &Instance,
    frame: usize,
) -> Result<Spacing, CalibrationError> {
    calibration.check()?;
    match may_calibrate(instance, frame) {
        Err(error) if !(error.asks() && calibration.confirmed) => return Err(error),
        _ => {}
    }
    let image = instance.image.as_ref().ok_or(CalibrationError::Placed)?;
    let header = image.frame(frame).spacing;
    let factor = calibration.true_mm / drawn_length(header, calibration.ends);
    let (row, column) = header.row_column();
    let (row_mm, column_mm) = (row * factor, column * factor);
    if !(PLAUSIBLE_MM.contains(&row_mm) && PLAUSIBLE_MM.contains(&column_mm)) {
        return Err(CalibrationError::PixelSize);
    }
    Ok(Spacing::Millimetres {
        row_mm,
        column_mm,
        source: SpacingSource::User(calibration.signed()?),
    })
}

/// A calibration that counts, and on which frames.
#[derive(Clone, Debug, PartialEq)]
pub struct Holds {
    /// What was drawn and said.
    pub calibration: Calibration,
    /// Rows and columns of its frames.
    size: [usize; 2],
    /// What their header gives.
    pub header: Spacing,
    /// What they get.
    pub spacing: Spacing,
}

impl Holds {
    /// Whether it holds for a frame, as the header describes it.
    fn of(&self, instance: &Instance, image: &ImageDescription, frame: &FrameDescription) -> bool {
        instance.series.uid == self.calibration.target.series_uid
            && [image.rows, image.columns] == self.size
            && frame.spacing == self.header
            && frame.plane.is_none()
    }
}

/// The calibrations that count on some series as they were read, the newest last.
pub fn that_hold<'a>(
    layouts: impl IntoIterator<Item = &'a SeriesLayout>,
    calibrations: impl IntoIterator<Item = &'a Calibration>,
) -> Vec<Holds> {
    let mut wanted: Vec<&Calibration> = calibrations.into_iter().collect();
    if wanted.is_empty() {
        return Vec::new();
    }
    wanted.sort_by_key(|c| c.at_ms);
    let mut instances: HashMap<&str, &Arc<Instance>> = HashMap::new();
    for frame in layouts.into_iter().flat_map(|layout| &layout.frames) {
        let uid = frame.instance.sop_instance_uid.as_str();
        instances.entry(uid).or_insert(&frame.instance);
    }
    let holds = |calibration: &Calibration| {
        let target = &calibration.target;
        let instance = instances.get(target.instance_uid.as_str())?;
        let frame = usize::try_from(target.frame).ok()?.checked_sub(1)?;
        let spacing = spacing_by(calibration, instance, frame).ok()?;
        let image = instance.image.as_ref()?;
        let same_series = instance.series.uid == target.series_uid;
        same_series.then(|| Holds {
            calibration: calibration.clone(),
            size: [image.rows, image.columns],
            header: image.frame(frame).spacing,
            spacing,
        })
    };
    wanted.into_iter().filter_map(holds).collect()
}

/// The calibration that counts on a frame (from 0) of an instance, as the header describes it.
pub fn on_frame<'a>(instance: &Instance, frame: usize, holds: &'a [Holds]) -> Option<&'a Holds> {
    let image = instance.image.as_ref()?;
    let described = image.frame(frame);
    holds
        .iter()
        .rev()
        .find(|h| h.of(instance, image, described))
}

/// A series with the spacings that calibrations give it; `None` when none of them is about it.
pub fn calibrated(layout: &SeriesLayout, holds: &[Holds]) -> Option<SeriesLayout> {
    // One header may stand behind many frames: each is changed once, and stays one.
    let mut changed: HashMap<*const Instance, Option<Arc<Instance>>> = HashMap::new();
    let mut with = |frames: &[FrameRef]| -> Vec<FrameRef> {
        let one = |frame: &FrameRef| {
            let instance = changed
                .entry(Arc::as_ptr(&frame.instance))
                .or_insert_with(|| calibrated_instance(&frame.instance, holds).map(Arc::new));
            FrameRef {
                instance: instance.as_ref().unwrap_or(&frame.instance).clone(),
                frame: frame.frame,
            }
        };
        frames.iter().map(one).collect()
    };
    let frames = with(&layout.frames);
    let duplicates = with(&layout.duplicates);
    if changed.values().all(Option::is_none) {
        return None;
    }
    let mut findings = layout.findings.clone();
    findings.retain(|f| !CODES.contains(&f.code) && f.code != "CALIBRATION_UNKNOWN");
    spacing_findings(&frames, &mut findings);
    let unknown = frames.iter().any(|f| {
        let image = f.instance.image.as_ref();
        let source = image.and_then(|i| i.frame(f.frame).spacing.source());
        source == Some(SpacingSource::CalibrationUnknown)
    });
    let said = layout
        .findings
        .iter()
        .find(|f| f.code == "CALIBRATION_UNKNOWN");
    findings.extend(said.filter(|_| unknown).cloned());
    Some(SeriesLayout {
        frames,
        volume: layout.volume,
        mixed_rescale: layout.mixed_rescale,
        findings,
        duplicates,
        part: layout.part.clone(),
    })
}

fn calibrated_instance(instance: &Instance, holds: &[Holds]) -> Option<Instance> {
    let image = instance.image.as_ref()?;
    let newest = |frame: &FrameDescription| {
        let mut held = holds.iter().rev();
        held.find(|h| h.of(instance, image, frame))
            .map(|h| h.spacing)
    };
    let each = std::iter::once(&image.shared).chain(&image.per_frame);
    if !each.clone().any(|frame| newest(frame).is_some()) {
        return None;
    }
    let mut described = each.map(|frame| FrameDescription {
        spacing: newest(frame).unwrap_or(frame.spacing),
        ..frame.clone()
    });
    let shared = described.next()?;
    let per_frame = described.collect();
    let mut calibrated = instance.clone();
    calibrated
        .findings
        .retain(|f| f.code != "CALIBRATION_UNKNOWN");
    calibrated.image = Some(ImageDescription {
        shared,
        per_frame,
        ..image.clone()
    });
    Some(calibrated)
}

/// What the millimetres of a series are worth.
pub fn spacing_findings(frames: &[FrameRef], findings: &mut Vec<Finding>) {
    let spacings = || {
        frames.iter().filter_map(|f| {
            let image = f.instance.image.as_ref()?;
            Some(image.frame(f.frame).spacing)
        })
    };
    let unknown = spacings()
        .filter(|s| matches!(s, Spacing::Unknown { .. }))
        .count();
    if unknown > 0 {
        let finding = Finding::new(
            "UNCALIBRATED",
            Severity::Warning,
            "the pixel spacing is not known; lengths are in pixels",
        );
        findings.push(finding.with("frames", unknown as f64));
    }
    let detector = |s: &Spacing| s.source() == Some(SpacingSource::ImagerPixelSpacing);
    if spacings().any(|s| detector(&s)) {
        findings.push(Finding::new(
            "SPACING_AT_DETECTOR",
            Severity::Warning,
            "millimetres are those at the detector; the patient is magnified by an unknown factor",
        ));
    }
    let factor = spacings().find_map(|s| match s.source() {
        Some(SpacingSource::ImagerMagnified(factor)) => Some(factor),
        _ => None,
    });
    if let Some(factor) = factor {
        let text =
            format!("millimetres are corrected by an estimated magnification of {factor:.2}");
        findings
            .push(Finding::new("SPACING_MAGNIFIED", Severity::Info, text).with("factor", factor));
    }
}

#[cfg(test)]
#[path = "calibrate_tests.rs"]
mod tests;
