//! Calibration of a picture by a person: a line of known length, and what a pixel is worth after it.
//!
//! Must stay true: what is kept is what was drawn and said (the line, its true length, who and when), never a spacing;
//! the spacing follows from it and from the frame's own header, so it cannot disagree with the picture.

use super::{annotation::AnnotationTarget, date::Date};
use glam::DVec2;
use std::fmt;

/// Longest name of who calibrated, bytes.
pub const MAX_NAME: usize = 64;
/// Shortest line, column distances: the ends are drawn to about one pixel, a tenth of this.
pub const SHORTEST_PX: f64 = 10.0;
/// True lengths that somebody may state, millimetres: calibration beads to a body.
pub const TRUE_MM: std::ops::RangeInclusive<f64> = 0.1..=5_000.0;

/// The name of who calibrated, held in place, so that a spacing can carry it wherever it goes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Signature {
    bytes: [u8; MAX_NAME],
    length: u8,
}

impl Signature {
    /// A name without blanks at its ends; `None` when it is empty, longer than [`MAX_NAME`] bytes, or holds control
    /// characters.
    pub fn new(name: &str) -> Option<Self> {
        let name = name.trim();
        if name.is_empty() || name.chars().any(char::is_control) {
            return None;
        }
        let mut bytes = [0; MAX_NAME];
        bytes
            .get_mut(..name.len())?
            .copy_from_slice(name.as_bytes());
        Some(Self {
            bytes,
            length: u8::try_from(name.len()).ok()?,
        })
    }

    /// The name.
    pub fn text(&self) -> &str {
        let held = self.bytes.get(..usize::from(self.length));
        std::str::from_utf8(held.unwrap_or_default()).unwrap_or_default()
    }
}

/// A name is never printed by accident.
impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[name]")
    }
}

/// By whom and when a spacing was set, as it stands beside every length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CalibratedBy {
    /// Who.
    pub by: Signature,
    /// The day, UTC.
    pub on: Date,
}

/// A line of known length on a frame. It holds for all frames of the series with the same rows, columns and spacing
/// in the header.
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    /// The frame that the line is on.
    pub target: AnnotationTarget,
    /// Its ends: column and row, from 0, a pixel's centre at whole numbers.
    pub ends: [DVec2; 2],
    /// What it is in truth, millimetres.
    pub true_mm: f64,
    /// Who says so.
    pub by: Signature,
    /// When, milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// It is to count also where the header gives a scale that is held for true.
    pub confirmed: bool,
}

/// Why a calibration cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CalibrationError {
    /// An end is no place.
    #[error("an end of the line is not a finite number")]
    NotFinite,
    /// The line says nothing.
    #[error("the line is shorter than {SHORTEST_PX} pixels")]
    TooShort,
    /// No length that something has.
    #[error("the true length is not between 0.1 and 5000 mm")]
    TrueLength,
    /// The clock says nothing sensible.
    #[error("the time is not one of this calendar")]
    Time,
    /// A pixel of this size does not exist.
    #[error(
        "a pixel would be smaller than a hundred thousandth of a millimetre or larger than a metre"
    )]
    PixelSize,
    /// The frame lies in the patient, in millimetres.
    #[error("the frame lies in the patient's space by its own geometry, which no line replaces")]
    Placed,
    /// The header has a scale that is held for true.
    #[error("the header gives a scale ({0}); it is replaced only when that is confirmed")]
    Unconfirmed(&'static str),
    /// Ultrasound regions of different scale.
    #[error(
        "the picture has regions of different scale; one for all of it is set only when that is confirmed"
    )]
    SeveralScales,
}

impl CalibrationError {
    /// Stable upper-case code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotFinite => "NOT_FINITE",
            Self::TooShort => "TOO_SHORT",
            Self::TrueLength => "TRUE_LENGTH",
            Self::Time => "TIME",
            Self::PixelSize => "PIXEL_SIZE",
            Self::Placed => "PLACED",
            Self::Unconfirmed(_) => "UNCONFIRMED",
            Self::SeveralScales => "SEVERAL_SCALES",
        }
    }

    /// Whether confirming would let it count.
    pub const fn asks(self) -> bool {
        matches!(self, Self::Unconfirmed(_) | Self::SeveralScales)
    }
}

impl Calibration {
    /// Whether it can be one, whatever the frame is.
    ///
    /// # Errors
    /// What cannot be.
    pub fn check(&self) -> Result<(), CalibrationError> {
        let [a, b] = self.ends;
        if !(a.is_finite() && b.is_finite()) {
            return Err(CalibrationError::NotFinite);
        }
        if a.distance(b) < SHORTEST_PX {
            return Err(CalibrationError::TooShort);
        }
        if !TRUE_MM.contains(&self.true_mm) {
            return Err(CalibrationError::TrueLength);
        }
        self.signed().map(|_| ())
    }

    /// Who and when.
    ///
    /// # Errors
    /// A time beyond the calendar.
    pub fn signed(&self) -> Result<CalibratedBy, CalibrationError> {
        let on = Date::of_ms(self.at_ms).ok_or(CalibrationError::Time)?;
        Ok(CalibratedBy { by: self.by, on })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_held_whole_or_not_at_all() {
        let check = |name: &str, expected: Option<&str>| {
            let held = Signature::new(name);
            assert_eq!(held.as_ref().map(Signature::text), expected, "{name}");
        };
        check("  Dr. A. Weiß ", Some("Dr. A. Weiß"));
        check("王医生", Some("王医生"));
        check(&"x".repeat(MAX_NAME), Some(&"x".repeat(MAX_NAME)));
        check(&"x".repeat(MAX_NAME + 1), None);
        check(&"王".repeat(22), None);
        check("", None);
        check("a\nb", None);
        assert_eq!(format!("{:?}", Signature::new("Weiß").unwrap()), "[name]");
    }

    #[test]
    fn lines_that_say_nothing_are_refused() {
        let good = Calibration {
            target: AnnotationTarget::default(),
            ends: [DVec2::new(10.0, 10.0), DVec2::new(10.0, 110.0)],
            true_mm: 25.0,
            by: Signature::new("A").unwrap(),
            at_ms: 1_796_000_000_000,
            confirmed: false,
        };
        let check = |change: &dyn Fn(&mut Calibration), expected: Result<(), CalibrationError>| {
            let mut changed = good.clone();
            change(&mut changed);
            assert_eq!(changed.check(), expected);
        };
        check(&|_| {}, Ok(()));
        check(
            &|c| c.ends[1] = DVec2::new(19.0, 13.0),
            Err(CalibrationError::TooShort),
        );
        check(
            &|c| c.ends[0].x = f64::NAN,
            Err(CalibrationError::NotFinite),
        );
        for length in [0.0, -5.0, 1e4, f64::NAN, f64::INFINITY] {
            check(
                &move |c| c.true_mm = length,
                Err(CalibrationError::TrueLength),
            );
        }
        check(&|c| c.at_ms = i64::MAX, Err(CalibrationError::Time));
        assert_eq!(good.signed().unwrap().on.to_string(), "2026-11-30");
    }
}
