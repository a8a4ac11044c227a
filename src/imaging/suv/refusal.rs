//! Why there is no SUV. The sentences name attributes and never what they hold.

use super::attribute::Attribute;
use crate::model::finding::{Finding, Severity};
use std::fmt;

/// Class of a refusal; the code is its stable name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SuvRefusalKind {
    /// An attribute is not there, cannot be read, or is not the same in all images of the series.
    Missing,
    /// A number that no examination has.
    Implausible,
    /// Attributes that cannot all be true.
    Contradiction,
    /// The pixels are not corrected for attenuation or decay.
    NotCorrected,
    /// The pixels are no activity concentration and no SUV, or in no way that is known.
    Unsupported,
    /// The order of injection and scan is impossible.
    Times,
    /// Times of different zones, or of a zone that is not known.
    TimeZone,
    /// Frames differ in their factor, and the values are of none of them.
    Differs,
}

impl SuvRefusalKind {
    /// Stable upper-case code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Missing => "SUV_MISSING",
            Self::Implausible => "SUV_IMPLAUSIBLE",
            Self::Contradiction => "SUV_CONTRADICTION",
            Self::NotCorrected => "SUV_NOT_CORRECTED",
            Self::Unsupported => "SUV_UNSUPPORTED",
            Self::Times => "SUV_TIMES",
            Self::TimeZone => "SUV_TIME_ZONE",
            Self::Differs => "SUV_DIFFERS",
        }
    }
}

/// A refusal: what is missing or contradictory.
#[derive(Clone, PartialEq)]
pub struct SuvRefusal {
    /// Class.
    pub kind: SuvRefusalKind,
    /// The attributes behind it, the first to look at first.
    pub attributes: Vec<Attribute>,
    /// The number that was refused, for the screen only: it may be of the patient.
    pub value: Option<f64>,
    /// English, free of patient data, no full stop.
    pub sentence: String,
}

impl SuvRefusal {
    pub(super) fn new(kind: SuvRefusalKind, attributes: &[Attribute], why: &str) -> Self {
        let names: Vec<String> = attributes.iter().map(ToString::to_string).collect();
        Self {
            kind,
            attributes: attributes.to_vec(),
            value: None,
            sentence: format!("SUV unavailable: {}: {why}", names.join(", ")),
        }
    }

    pub(super) fn missing(attributes: &[Attribute]) -> Self {
        let why = "missing, unreadable or not the same in all images";
        Self::new(SuvRefusalKind::Missing, attributes, why)
    }

    pub(super) fn implausible(attribute: Attribute, value: f64, why: &str) -> Self {
        let mut refusal = Self::new(SuvRefusalKind::Implausible, &[attribute], why);
        refusal.value = Some(value);
        refusal
    }

    pub(super) fn contradiction(attributes: &[Attribute], why: &str) -> Self {
        Self::new(SuvRefusalKind::Contradiction, attributes, why)
    }

    /// Values between frames that have factors of their own.
    pub fn differs() -> Self {
        let why = "every slice has a factor of its own; measure on one of them";
        Self {
            kind: SuvRefusalKind::Differs,
            attributes: vec![Attribute::DecayCorrection],
            value: None,
            sentence: format!("SUV unavailable: {why}"),
        }
    }

    /// The same as something noticed about a series.
    pub fn finding(&self) -> Finding {
        let names: Vec<&str> = self.attributes.iter().map(|a| a.name()).collect();
        let finding = Finding::new(self.code(), Severity::Info, self.sentence.clone());
        finding.with_term("attributes", names.join(", "))
    }

    /// Stable upper-case code of the class.
    pub const fn code(&self) -> &'static str {
        self.kind.code()
    }
}

/// Without the number, which may be the patient's weight.
impl fmt::Debug for SuvRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code(), self.sentence)
    }
}
