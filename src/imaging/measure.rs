//! Measurements for people: lengths, angles, areas, values inside an outline, volumes. All in f64, from stored pixels.
//!
//! Must stay true: points lie in patient space (LPS, millimetres) or in the pixels of one frame (column, row; a pixel's
//! centre at whole numbers), so no result depends on zoom, turn or mirroring of a view. Every number carries its unit
//! and where its millimetres come from, in the words of [`crate::model::geometry::Spacing::unit_label`]; what has no
//! spacing is in pixels, never in millimetres. What cannot be measured honestly is refused with a stable code. Time
//! and memory are bounded by the limits below, whatever the points are.
//!
//! A pixel belongs to an outline when its centre lies inside or on it; there are no partial pixels. "On it" is within
//! 1e-6 of a pixel, so that a flip or a quarter turn of the pixels gives the same pixels.
//!
//! Deliberately not here: files, JSON, drawing, and any guess of a calibration.

mod angle;
mod crossing;
mod cuboid;
mod error;
mod line;
mod mark;
mod outline;
mod plane;
mod probe;
mod ratio;
mod region;
mod roi;
mod ruler;
mod source;
mod spans;
mod spline;
mod uptake;
mod values;

pub use angle::{angle, cobb};
pub use cuboid::cuboid;
pub use error::MeasureError;
pub use line::{bidirectional, length, perpendicular, polyline};
pub use mark::{
    MarkMeasure, ShapeMeasure, ValuesState, mark_ruler, measure_mark, measure_shape, target_frame,
};
pub use outline::{Ground, Outline, OutlineForm, Placed, place};
pub use plane::Plane;
pub use probe::{probe_frame, probe_volume};
pub use ratio::cardiothoracic;
pub use region::{Region, Selection, region};
pub use roi::{roi_in_volume, roi_on_frame, sampling_mm, slices_of_plane, slices_of_region};
pub use ruler::{Anchor, Ruler};
pub use source::{FramePixels, VolumePixels};
pub use spline::spline_path;
pub use values::{Ask, Bins, Histogram, Statistics, percentile};

use crate::model::finding::{Finding, Severity};
use glam::DVec3;

/// Most points of one measurement.
pub const MAX_POINTS: usize = 100_000;
/// Largest coordinate that is taken for one, millimetres or pixels; also what an image position may be.
pub const MAX_COORDINATE: f64 = 1e7;
/// Most steps of the searches whose cost depends on how tangled an outline is: below a second.
pub const MAX_WORK: u64 = 100_000_000;
/// Most rows of pixels that an outline may reach over, on the image and beside it.
pub const MAX_ROWS: i64 = 1 << 20;
/// Most lines of voxels that a region may reach over.
pub const MAX_LINES: i64 = 1 << 24;
/// Most values that are kept one by one: 256 MiB. Values of at most 16 bits are counted instead, without a limit.
pub const MAX_VALUES: usize = 1 << 25;

/// Shorter than this is no length; millimetres or pixels.
const ZERO: f64 = 1e-9;

/// One number of a measurement.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantity {
    /// What it is, for example `length` or `mean`.
    pub name: String,
    /// The number; `None` where there is none, as the sample deviation of one pixel.
    pub value: Option<f64>,
    /// `mm`, `mm²`, `mm³`, `ml`, `px`, `px²`, `°`, the unit of the pixels' values, or empty.
    pub unit: String,
    /// Where the number's scale comes from: exactly [`crate::model::geometry::Spacing::unit_label`] for what is
    /// measured in space, the attribute of the modality LUT for values.
    pub source: String,
    /// Unit and source as drawn behind the number, with the aspect of pixels that are not square.
    pub label: String,
}

/// What became of the pixels (samples, voxels) under a shape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Centres inside the shape, whether there is an image or not.
    pub inside: u64,
    /// Values that counted.
    pub n: u64,
    /// Left out: padding.
    pub padding: u64,
    /// Left out: no finite number.
    pub not_finite: u64,
    /// Inside the shape, but outside the image.
    pub outside: u64,
    /// Left out by the threshold or the label.
    pub unselected: u64,
}

/// A finished measurement.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measurement {
    /// What was measured: `length`, `ellipse`, `sphere`, …
    pub kind: &'static str,
    /// The numbers.
    pub quantities: Vec<Quantity>,
    /// How many pixels there were, for what looks at pixels.
    pub counts: Option<Counts>,
    /// Points that the measurement found, in the space of its own points.
    pub places: Vec<(&'static str, DVec3)>,
    /// Histograms, where asked for; for colour one a channel, in the order of the samples.
    pub histograms: Vec<Histogram>,
    /// What needs care.
    pub warnings: Vec<Finding>,
}

impl Measurement {
    /// A measurement without numbers yet.
    pub(crate) fn new(kind: &'static str) -> Self {
        Self {
            kind,
            ..Self::default()
        }
    }

    /// The value of a quantity by its name.
    pub fn value(&self, name: &str) -> Option<f64> {
        self.quantities.iter().find(|q| q.name == name)?.value
    }

    /// Whether there is a warning of this code.
    pub fn warns(&self, code: &str) -> bool {
        self.warnings.iter().any(|w| w.code == code)
    }

    /// Takes in what was found under an outline.
    pub fn append(&mut self, other: Self) {
        self.quantities.extend(other.quantities);
        self.counts = other.counts.or(self.counts);
        self.places.extend(other.places);
        self.histograms.extend(other.histograms);
        self.warnings.extend(other.warnings);
    }
}

/// A warning with one number.
fn warning(code: &'static str, name: &'static str, value: f64, sentence: String) -> Finding {
    Finding::new(code, Severity::Warning, sentence).with(name, value)
}

/// Sum that loses no small part beside large ones (Neumaier's form of Kahan's).
fn exact_sum(values: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut rest) = (0.0f64, 0.0f64);
    for value in values {
        let next = sum + value;
        rest += if sum.abs() >= value.abs() {
            (sum - next) + value
        } else {
            (value - next) + sum
        };
        sum = next;
    }
    sum + rest
}

/// Takes `cost` from the work that is left.
fn spend(work: &mut u64, cost: u64) -> Result<(), MeasureError> {
    *work = work.checked_sub(cost).ok_or(MeasureError::TooComplex)?;
    Ok(())
}
