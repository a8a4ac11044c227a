//! Where millimetres come from, in words: whole in a corner and in lists, short beside a mark, and what each is worth
//! (safety S16).

use crate::{
    i18n::{Language, Value},
    model::{
        calibration::CalibratedBy,
        geometry::{Spacing, SpacingSource},
    },
};

/// Where millimetres come from (safety S16).
pub fn whole(words: Language, spacing: Spacing) -> String {
    match spacing.source() {
        Some(SpacingSource::PixelSpacing) => words.word("badge-length-pixel-spacing").to_owned(),
        Some(SpacingSource::Calibrated) => words.word("badge-length-calibrated").to_owned(),
        Some(SpacingSource::GeometryCorrected) => words.word("badge-length-geometry").to_owned(),
        Some(SpacingSource::Fiducial) => words.word("badge-length-fiducial").to_owned(),
        Some(SpacingSource::CalibrationUnknown) => words.word("badge-length-unknown").to_owned(),
        Some(SpacingSource::ImagerPixelSpacing) => words.word("badge-length-detector").to_owned(),
        Some(SpacingSource::ImagerMagnified(factor)) => words.tr(
            "badge-length-magnification",
            &[("factor", Value::Fixed(factor, 2))],
        ),
        Some(SpacingSource::UltrasoundRegion(_)) => {
            words.word("badge-length-ultrasound").to_owned()
        }
        Some(SpacingSource::NominalScanned) => words.word("badge-length-nominal").to_owned(),
        Some(SpacingSource::VolumeHeader) => words.word("badge-length-volume").to_owned(),
        Some(SpacingSource::User(who)) => words.tr("badge-length-user", &by_and_date(&who)),
        None => words.word("badge-length-pixels").to_owned(),
    }
}

/// The short source of millimetres that are not simply those of the patient by Pixel Spacing: for what is told in them
/// beside the lengths (the ruler, life size).
pub fn unless_plain(words: Language, spacing: Spacing) -> Option<String> {
    let plain = matches!(spacing.source(), None | Some(SpacingSource::PixelSpacing));
    (!plain).then(|| short(words, spacing))
}

/// Where millimetres come from, in as few letters as can be.
pub fn short(words: Language, spacing: Spacing) -> String {
    match spacing.source() {
        Some(SpacingSource::ImagerMagnified(factor)) => words.tr(
            "mark-by-magnification",
            &[("factor", Value::Fixed(factor, 2))],
        ),
        Some(SpacingSource::User(who)) => words.tr("mark-by-user", &by_and_date(&who)),
        source => words
            .word(match source {
                Some(SpacingSource::PixelSpacing) => "mark-by-pixel-spacing",
                Some(SpacingSource::Calibrated) => "mark-by-calibrated",
                Some(SpacingSource::GeometryCorrected) => "mark-by-geometry",
                Some(SpacingSource::Fiducial) => "mark-by-fiducial",
                Some(SpacingSource::CalibrationUnknown) => "mark-by-unknown",
                Some(SpacingSource::ImagerPixelSpacing) => "mark-by-detector",
                Some(SpacingSource::NominalScanned) => "mark-by-nominal",
                Some(SpacingSource::UltrasoundRegion(_)) => "mark-by-ultrasound",
                Some(SpacingSource::VolumeHeader) => "mark-by-header",
                Some(SpacingSource::ImagerMagnified(_) | SpacingSource::User(_)) | None => {
                    "mark-by-none"
                }
            })
            .to_owned(),
    }
}

/// What a source of millimetres is worth.
pub const fn why(spacing: Spacing) -> &'static str {
    match spacing.source() {
        Some(SpacingSource::PixelSpacing) => "why-length-pixel-spacing",
        Some(SpacingSource::Calibrated) => "why-length-calibrated",
        Some(SpacingSource::GeometryCorrected) => "why-length-geometry",
        Some(SpacingSource::Fiducial) => "why-length-fiducial",
        Some(SpacingSource::CalibrationUnknown) => "why-length-unknown",
        Some(SpacingSource::ImagerPixelSpacing) => "why-length-detector",
        Some(SpacingSource::ImagerMagnified(_)) => "why-length-magnification",
        Some(SpacingSource::UltrasoundRegion(_)) => "why-length-ultrasound",
        Some(SpacingSource::NominalScanned) => "why-length-nominal",
        Some(SpacingSource::VolumeHeader) => "why-length-volume",
        Some(SpacingSource::User(_)) => "why-length-user",
        None => "why-length-pixels",
    }
}

/// Who calibrated and when, for a sentence.
fn by_and_date(who: &CalibratedBy) -> [(&'static str, Value<'static>); 2] {
    let by = who.by.text().to_owned();
    [("by", by.into()), ("date", who.on.to_string().into())]
}
