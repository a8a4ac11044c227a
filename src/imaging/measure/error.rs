//! Why something is not measured. The sentences name no person, no file and no identifier.

use super::{MAX_COORDINATE, MAX_POINTS, MAX_VALUES};

/// A refusal.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum MeasureError {
    /// A coordinate or an option is no number.
    #[error("a coordinate is not a finite number")]
    NotFinite,
    /// A coordinate is absurd.
    #[error("a coordinate lies beyond {MAX_COORDINATE}")]
    OutOfRange,
    /// Too few or too many points for the kind.
    #[error("{given} points, but {wanted} are needed")]
    PointCount {
        /// How many were given.
        given: usize,
        /// How many it takes, in words.
        wanted: &'static str,
    },
    /// More points than are measured.
    #[error("{given} points, but at most {MAX_POINTS} are measured")]
    TooManyPoints {
        /// How many were given.
        given: usize,
    },
    /// The outline crosses itself so often that measuring it would take too long.
    #[error("the outline is too tangled to be measured in time")]
    TooComplex,
    /// Two points that must differ do not.
    #[error("two points coincide: there is no length between them")]
    ZeroLength,
    /// A radius below zero.
    #[error("the radius is negative")]
    NegativeRadius,
    /// The shape holds no area or no volume.
    #[error("the points lie on one line or in one place: the shape holds nothing")]
    Degenerate,
    /// The points of an outline do not lie in one plane.
    #[error("the points lie up to {deviation_mm:.3} mm off one plane")]
    NotPlanar {
        /// Largest distance from the plane.
        deviation_mm: f64,
    },
    /// A circle needs to know its plane.
    #[error("the plane of the circle is not known: it takes an image or a normal")]
    PlaneUnknown,
    /// Pixel points of more than one frame.
    #[error("the points lie on different frames: pixels of two frames have no distance")]
    DifferentFrames,
    /// Patient points that do not share a frame of reference.
    #[error("the points lie in different frames of reference")]
    DifferentFramesOfReference,
    /// Frames whose millimetres mean different things.
    #[error("the images are calibrated differently: {first} and {second}")]
    MixedSources {
        /// One unit with its source.
        first: String,
        /// The other.
        second: String,
    },
    /// Patient points on an image that does not say where it lies.
    #[error("the image does not say where it lies in the patient")]
    NoPatientSpace,
    /// Patient points on an image that knows a place, but no spacing.
    #[error("the image has no pixel spacing: there are no patient millimetres on it")]
    PatientUncalibrated,
    /// No image to take the scale from.
    #[error("no image says what the points are measured in")]
    NoImage,
    /// Pixels that no scale is given for.
    #[error("a point lies outside of the ultrasound region that the scale is of")]
    OutsideRegion,
    /// The outline is not on the frame.
    #[error("the outline lies up to {distance_mm:.3} mm off the frame's plane")]
    NotOnFrame {
        /// Largest distance from the plane.
        distance_mm: f64,
    },
    /// Something needs a volume.
    #[error("the series is no clean volume")]
    NoVolume,
    /// Indices into a palette are no quantity.
    #[error("the pixels are indices into a palette: their mean is no colour and no quantity")]
    PaletteIndices,
    /// Colour where only grey is measured.
    #[error("volumes of colour are not measured")]
    ColorVolume,
    /// A slice that is needed is not there.
    #[error("a slice under the shape is not there")]
    SliceMissing,
    /// The shape reaches over more pixels than are looked at.
    #[error("the shape reaches over too many pixels")]
    RegionTooLarge,
    /// More values than are kept.
    #[error("more than {MAX_VALUES} values, of more than 16 bits")]
    TooManyValues,
    /// Neither number nor meaning.
    #[error("`{name}` is out of its range")]
    BadOption {
        /// Which option.
        name: &'static str,
    },
    /// The radius is in millimetres, the image is not.
    #[error("a radius in millimetres on an image without spacing: give a point of the rim")]
    RadiusUncalibrated,
}

impl MeasureError {
    /// Stable upper-case code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotFinite => "NOT_FINITE",
            Self::OutOfRange => "OUT_OF_RANGE",
            Self::PointCount { .. } => "POINT_COUNT",
            Self::TooManyPoints { .. } => "TOO_MANY_POINTS",
            Self::TooComplex => "TOO_COMPLEX",
            Self::ZeroLength => "ZERO_LENGTH",
            Self::NegativeRadius => "NEGATIVE_RADIUS",
            Self::Degenerate => "DEGENERATE",
            Self::NotPlanar { .. } => "NOT_PLANAR",
            Self::PlaneUnknown => "PLANE_UNKNOWN",
            Self::DifferentFrames => "DIFFERENT_FRAMES",
            Self::DifferentFramesOfReference => "DIFFERENT_FRAMES_OF_REFERENCE",
            Self::MixedSources { .. } => "MIXED_SOURCES",
            Self::NoPatientSpace => "NO_PATIENT_SPACE",
            Self::PatientUncalibrated => "PATIENT_UNCALIBRATED",
            Self::NoImage => "NO_IMAGE",
            Self::OutsideRegion => "OUTSIDE_REGION",
            Self::NotOnFrame { .. } => "NOT_ON_FRAME",
            Self::NoVolume => "NO_VOLUME",
            Self::PaletteIndices => "PALETTE_INDICES",
            Self::ColorVolume => "COLOR_VOLUME",
            Self::SliceMissing => "SLICE_MISSING",
            Self::RegionTooLarge => "REGION_TOO_LARGE",
            Self::TooManyValues => "TOO_MANY_VALUES",
            Self::BadOption { .. } => "BAD_OPTION",
            Self::RadiusUncalibrated => "RADIUS_UNCALIBRATED",
        }
    }

    /// Whether a limit was met, rather than something that cannot be.
    pub const fn is_limit(&self) -> bool {
        matches!(
            self,
            Self::TooManyPoints { .. }
                | Self::TooComplex
                | Self::RegionTooLarge
                | Self::TooManyValues
        )
    }
}
