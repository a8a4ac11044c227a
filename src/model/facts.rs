//! What tells frames apart that lie at one place of the patient: diffusion, echo, time, kind of picture…
//!
//! Facts are read from the header, one list a frame. Splitting a series by them is the assembly's work.

use std::cmp::Ordering;

/// In which respect frames at one place differ. The order is that in which a split is tried: what says directly what a
/// frame is comes before times, which may merely run along with the slices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Axis {
    /// Image Type (0008,0008) or Frame Type (0008,9007), with Complex Image Component (0008,9208).
    ImageType,
    /// Energy Window Vector (0054,0010), counted from 1.
    EnergyWindow,
    /// Detector Vector (0054,0020), counted from 1.
    Detector,
    /// KVP (0018,0060).
    Kvp,
    /// Convolution Kernel (0018,1210).
    Kernel,
    /// Diffusion b-value (0018,9087), s/mm², or that of a private group.
    DiffusionBValue,
    /// Diffusion Gradient Orientation (0018,9089), or that of a private group.
    DiffusionDirection,
    /// Echo Time (0018,0081) or Effective Echo Time (0018,9082), ms.
    EchoTime,
    /// Echo Number(s) (0018,0086).
    EchoNumber,
    /// Inversion Time (0018,0082) or Inversion Times (0018,9079), ms.
    InversionTime,
    /// Flip Angle (0018,1314), degrees.
    FlipAngle,
    /// Temporal Position Identifier (0020,0100) or Index (0020,9128).
    TemporalPosition,
    /// Nominal Percentage of Cardiac Phase (0020,9241).
    CardiacPhase,
    /// Trigger Time (0018,1060) or Nominal Cardiac Trigger Delay Time (0020,9153), ms.
    TriggerTime,
    /// Phase Vector (0054,0030), R-R Interval Vector (0054,0060) and Time Slot Vector (0054,0070) as one number.
    GatedPhase,
    /// Frame Reference Time (0054,1300) of PET, ms.
    FrameReferenceTime,
    /// Dimension Index Values (0020,9157) of the dimensions that are no place, one text.
    Dimensions,
    /// Acquisition Number (0020,0012).
    AcquisitionNumber,
    /// Acquisition Time (0008,0032), seconds of the day.
    AcquisitionTime,
    /// Content Time (0008,0033), seconds of the day.
    ContentTime,
}

impl Axis {
    /// All, in the order in which they are tried.
    pub const ALL: [Self; 20] = [
        Self::ImageType,
        Self::EnergyWindow,
        Self::Detector,
        Self::Kvp,
        Self::Kernel,
        Self::DiffusionBValue,
        Self::DiffusionDirection,
        Self::EchoTime,
        Self::EchoNumber,
        Self::InversionTime,
        Self::FlipAngle,
        Self::TemporalPosition,
        Self::CardiacPhase,
        Self::TriggerTime,
        Self::GatedPhase,
        Self::FrameReferenceTime,
        Self::Dimensions,
        Self::AcquisitionNumber,
        Self::AcquisitionTime,
        Self::ContentTime,
    ];

    /// Those whose order at each place tells the phase, although the values differ from place to place.
    pub const RANKED: [Self; 6] = [
        Self::CardiacPhase,
        Self::TriggerTime,
        Self::FrameReferenceTime,
        Self::AcquisitionTime,
        Self::ContentTime,
        Self::AcquisitionNumber,
    ];

    /// Whether it may run along with the slices, so that it splits only what it explains entirely.
    pub const fn weak(self) -> bool {
        matches!(
            self,
            Self::AcquisitionNumber | Self::AcquisitionTime | Self::ContentTime
        )
    }

    /// English words for a sentence.
    pub const fn words(self) -> &'static str {
        match self {
            Self::ImageType => "image type",
            Self::EnergyWindow => "energy window",
            Self::Detector => "detector",
            Self::Kvp => "tube voltage",
            Self::Kernel => "convolution kernel",
            Self::DiffusionBValue => "b-value",
            Self::DiffusionDirection => "diffusion direction",
            Self::EchoTime => "echo time",
            Self::EchoNumber => "echo number",
            Self::InversionTime => "inversion time",
            Self::FlipAngle => "flip angle",
            Self::TemporalPosition => "temporal position",
            Self::CardiacPhase => "cardiac phase",
            Self::TriggerTime => "trigger time",
            Self::GatedPhase => "gated phase",
            Self::FrameReferenceTime => "frame reference time",
            Self::Dimensions => "dimension index",
            Self::AcquisitionNumber => "acquisition number",
            Self::AcquisitionTime => "acquisition time",
            Self::ContentTime => "content time",
        }
    }
}

/// What a frame says in one respect.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// A finite number.
    Number(f64),
    /// A direction, as three finite numbers.
    Direction([f64; 3]),
    /// A word.
    Word(String),
}

/// A fact that can be compared: numbers are one when they differ by less than 10⁻⁴.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FactKey {
    /// Nothing is said.
    Absent,
    /// A number in ten thousandths.
    Number(i64),
    /// A direction in thousandths.
    Direction([i64; 3]),
    /// A word.
    Word(String),
}

impl Fact {
    /// For comparing.
    pub fn key(&self) -> FactKey {
        // The casts saturate.
        match self {
            Self::Number(value) => FactKey::Number((value * 1e4).round() as i64),
            Self::Direction(v) => FactKey::Direction(v.map(|c| (c * 1e3).round() as i64)),
            Self::Word(word) => FactKey::Word(word.clone()),
        }
    }

    /// The number, when it is one.
    pub const fn number(&self) -> Option<f64> {
        match self {
            Self::Number(value) => Some(*value),
            _ => None,
        }
    }
}

/// The facts of one frame.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FrameFacts(Vec<(Axis, Fact)>);

impl FrameFacts {
    /// Adds a number when there is one and it is finite; what was said first counts.
    pub fn add_number(&mut self, axis: Axis, value: Option<f64>) {
        if let Some(value) = value.filter(|v| v.is_finite()) {
            self.add(axis, Fact::Number(value));
        }
    }

    /// Adds a word that is not empty; what was said first counts.
    pub fn add_word(&mut self, axis: Axis, word: String) {
        if !word.is_empty() {
            self.add(axis, Fact::Word(word));
        }
    }

    /// Adds a direction; what was said first counts.
    pub fn add_direction(&mut self, axis: Axis, direction: Option<[f64; 3]>) {
        if let Some(direction) = direction.filter(|d| d.iter().all(|v| v.is_finite())) {
            self.add(axis, Fact::Direction(direction));
        }
    }

    fn add(&mut self, axis: Axis, fact: Fact) {
        if self.get(axis).is_none() {
            self.0.push((axis, fact));
        }
    }

    /// What is said in a respect.
    pub fn get(&self, axis: Axis) -> Option<&Fact> {
        self.0.iter().find(|(a, _)| *a == axis).map(|(_, f)| f)
    }

    /// The same, for comparing.
    pub fn key(&self, axis: Axis) -> FactKey {
        self.get(axis).map_or(FactKey::Absent, Fact::key)
    }

    /// Whether nothing is said at all.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Orders numbers that may be missing, those that are there first.
pub fn numbers_first(a: Option<f64>, b: Option<f64>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        (a, b) => a.is_none().cmp(&b.is_none()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_axis_is_tried_once_and_in_order() {
        assert!(Axis::ALL.is_sorted());
        assert!(Axis::ALL.windows(2).all(|w| w[0] != w[1]));
    }

    #[test]
    fn the_first_fact_counts_and_rounding_is_no_difference() {
        let mut facts = FrameFacts::default();
        facts.add_number(Axis::EchoTime, Some(f64::NAN));
        assert!(facts.is_empty());
        facts.add_number(Axis::EchoTime, Some(2.46));
        facts.add_number(Axis::EchoTime, Some(9.0));
        assert_eq!(facts.key(Axis::EchoTime), Fact::Number(2.460_000_1).key());
        assert_eq!(facts.key(Axis::Kernel), FactKey::Absent);
    }
}
