//! Segmentations on their way into files of others and back: in which form, on which pictures, and why not.

use super::Segmentation;
use crate::model::{exchange::SourceObject, finding::Finding, layout::SeriesLayout};
use std::collections::BTreeMap;

/// Segmentation Type (0062,0001).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Form {
    /// BINARY: a bit for each voxel and segment.
    #[default]
    Binary,
    /// FRACTIONAL: a share or a probability for each voxel and segment.
    Fractional,
    /// LABELMAP: a number for each voxel; segments exclude each other.
    LabelMap,
}

impl Form {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Binary, Self::Fractional, Self::LabelMap];

    /// Stable name, as on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Binary => "binary",
            Self::Fractional => "fractional",
            Self::LabelMap => "labelmap",
        }
    }
}

/// Segmentation Fractional Type (0062,0010).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FractionKind {
    /// PROBABILITY: that the voxel belongs to the segment.
    #[default]
    Probability,
    /// OCCUPANCY: which share of the voxel does.
    Occupancy,
}

/// Values of voxels between "not" and "wholly", by segment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fractions {
    /// What they are.
    pub kind: FractionKind,
    /// The value of "wholly": Maximum Fractional Value (0062,000E), at least 1.
    pub maximum: u8,
    /// A value for each voxel of the grid, columns fastest, by the number of the segment.
    pub maps: BTreeMap<u16, Vec<u8>>,
}

/// The pictures that a segmentation lies on.
#[derive(Clone, Copy, Debug)]
pub struct Pictures<'a> {
    /// The series.
    pub layout: &'a SeriesLayout,
    /// What objects of its study take over from it.
    pub source: &'a SourceObject,
}

/// A segmentation that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct SegmentationRead {
    /// The segments and their voxels; on the grid of the pictures where its planes are theirs.
    pub segmentation: Segmentation,
    /// The form of the file.
    pub form: Form,
    /// What a FRACTIONAL file says, where it was asked for.
    pub fractions: Option<Fractions>,
    /// SOP Instance UID of the object; empty for files of other formats.
    pub instance_uid: String,
    /// Maker and model of the program that wrote it.
    pub maker: String,
    /// What was noticed and does not forbid reading.
    pub findings: Vec<Finding>,
}

/// Why a segmentation is not written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotWritten {
    /// It has no segment, and objects need one.
    #[error("there is no segment")]
    NoSegment,
    /// The pictures are no DICOM objects, whose patient and study it would take over.
    #[error("the pictures are no DICOM objects, and a segmentation in DICOM has to name such")]
    NotDicom,
    /// The pictures say nothing of the patient's space, and it has another size than they.
    #[error("the pictures do not say where they lie, and the mask has another size")]
    OtherSize,
    /// Rows and columns of its grid do not stand at right angles, or the grid is flat.
    #[error("rows and columns of its grid do not stand at right angles")]
    Oblique,
    /// The pictures name no frame of reference, and its grid is not theirs.
    #[error("the pictures name no frame of reference, and the mask does not lie on their planes")]
    NoFrameOfReference,
    /// Segments overlap and the form has one number for each voxel.
    #[error("segments overlap, and this form has one number for each voxel")]
    Overlap,
    /// A segment has no values between "not" and "wholly", or not for each voxel.
    #[error("segment {0} has no value for each voxel")]
    NoFractions(u16),
    /// More than an element may hold.
    #[error("it takes more bytes than one element may hold")]
    TooLarge,
    /// Segments would have no outline that can be written.
    #[error("{0}")]
    Unsuited(String),
}

impl NotWritten {
    /// Stable upper-case code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoSegment => "NO_SEGMENT",
            Self::NotDicom => "NOT_DICOM",
            Self::OtherSize => "OTHER_SIZE",
            Self::Oblique => "OBLIQUE_GRID",
            Self::NoFrameOfReference => "NO_FRAME_OF_REFERENCE",
            Self::Overlap => "OVERLAP",
            Self::NoFractions(_) => "NO_FRACTIONS",
            Self::TooLarge => "TOO_LARGE",
            Self::Unsuited(_) => "UNSUITED",
        }
    }
}
