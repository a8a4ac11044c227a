//! From stored value to display value: modality LUT, VOI LUT, presentation (PS3.3 C.11, PS3.4 N.2).
//!
//! These are descriptions. The f64 reference that evaluates them is `imaging::window`, the fast one is
//! `shaders/lib/voi.wgsl`; a test compares the two.

use std::sync::Arc;

/// A look-up table of the standard: descriptor and data (PS3.3 C.11.1.1 and C.11.2.1.1).
#[derive(Clone, Debug, PartialEq)]
pub struct LookupTable {
    /// First stored value mapped; lower inputs take the first entry, higher ones the last.
    pub first_mapped: i32,
    /// Entries, already unpacked to one number each. Never empty.
    pub entries: Arc<[u16]>,
    /// Bits of an entry (8 to 16).
    pub bits: u8,
    /// LUT Explanation, empty when absent.
    pub explanation: String,
}

/// Stored value to modality value, per frame.
#[derive(Clone, Debug, PartialEq)]
pub enum ModalityLut {
    /// `slope * stored + intercept`; both finite, slope not zero. Identity when the attributes are absent.
    Rescale {
        /// Rescale Slope (0028,1053).
        slope: f64,
        /// Rescale Intercept (0028,1052).
        intercept: f64,
    },
    /// Modality LUT Sequence (0028,3000).
    Table(LookupTable),
}

impl ModalityLut {
    /// Stored values are modality values.
    pub const IDENTITY: Self = Self::Rescale {
        slope: 1.0,
        intercept: 0.0,
    };
}

/// What a modality value is measured in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ModalityUnit {
    /// Hounsfield units: Rescale Type HU, or a CT image whose rules imply it (PS3.3 C.8.2.1.1.2).
    Hounsfield,
    /// A named unit (Rescale Type, PET Units).
    Named(String),
    /// Not said.
    #[default]
    Unspecified,
}

impl ModalityUnit {
    /// As drawn behind a value, empty when not said.
    pub fn label(&self) -> &str {
        match self {
            Self::Hounsfield => "HU",
            Self::Named(name) => name,
            Self::Unspecified => "",
        }
    }
}

/// VOI LUT Function (0028,1056).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VoiLutFunction {
    /// C.11.2.1.2.1, the default.
    #[default]
    Linear,
    /// C.11.2.1.3.2.
    LinearExact,
    /// C.11.2.1.3.1.
    Sigmoid,
}

/// Window centre and width in modality values; the width is finite and above zero
/// (at least 1 for [`VoiLutFunction::Linear`]).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WindowLevel {
    /// Window Center (0028,1050).
    pub center: f64,
    /// Window Width (0028,1051).
    pub width: f64,
}

/// Modality value to display value.
#[derive(Clone, Debug, PartialEq)]
pub enum Voi {
    /// Window with its function and its name (Window Center & Width Explanation), empty when absent.
    Window {
        /// Centre and width.
        level: WindowLevel,
        /// How the window maps.
        function: VoiLutFunction,
        /// Its name.
        explanation: String,
    },
    /// VOI LUT Sequence item.
    Table(LookupTable),
}

impl Voi {
    /// A plain linear window.
    pub const fn window(center: f64, width: f64) -> Self {
        Self::Window {
            level: WindowLevel { center, width },
            function: VoiLutFunction::Linear,
            explanation: String::new(),
        }
    }

    /// Window Center & Width Explanation or LUT Explanation; empty when absent.
    pub fn name(&self) -> &str {
        match self {
            Self::Window { explanation, .. } => explanation,
            Self::Table(table) => &table.explanation,
        }
    }

    /// Centre and width, when this is a window.
    pub const fn level(&self) -> Option<WindowLevel> {
        match self {
            Self::Window { level, .. } => Some(*level),
            Self::Table(_) => None,
        }
    }
}

/// Photometric Interpretation (0028,0004), of the pixels as decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Photometric {
    /// Lowest value is white.
    Monochrome1,
    /// Lowest value is black.
    Monochrome2,
    /// Index into palettes.
    PaletteColor,
    /// Red, green, blue.
    Rgb,
    /// Luma and chroma, not subsampled, full range (also YBR_RCT and YBR_ICT before conversion).
    YbrFull,
    /// Luma and chroma, chroma halved along rows.
    YbrFull422,
}

/// Stored values that carry no image (PS3.3 C.7.5.1.1.2): Pixel Padding Value (0028,0120) to its
/// Range Limit (0028,0121), both included, in stored values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaddingRange {
    /// Lowest stored value that is padding.
    pub low: i32,
    /// Highest stored value that is padding.
    pub high: i32,
}
