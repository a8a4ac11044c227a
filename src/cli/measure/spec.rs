//! The file of `negatoscope measure`: what is to be measured, as JSON.
//!
//! ```json
//! {"measurements": [
//!   {"id": "a", "type": "length", "space": "patient", "points": [[10, -20, 105.5], [13, -16, 105.5]]},
//!   {"type": "cobb", "space": "pixel", "image": 1, "points": [[100, 80], [180, 95], [98, 300], [182, 270]]},
//!   {"type": "ellipse", "space": "pixel", "instance": "1.2.3.4", "frame": 2,
//!    "points": [[64, 64], [94, 64], [64, 80]], "percentiles": [10, 90], "histogram": {"bins": 64}},
//!   {"type": "polygon", "points": [[0, 0, 0], [30, 0, 10], [30, 40, 10], [0, 40, 0]], "sampling_mm": 0.5},
//!   {"type": "sphere", "points": [[0, 0, 100]], "radius_mm": 15, "low": -50, "high": 200}
//! ]}
//! ```
//!
//! Must stay true: unknown fields, and fields that mean nothing for the type, are refused; so a misspelt option is
//! never a measurement without it. Reading opens no file and is bounded by [`MAX_BYTES`].

use crate::{
    imaging::measure::{Ask, Bins, MeasureError},
    model::annotation::PointSpace,
};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};
use std::fmt;

/// Largest file, bytes.
pub const MAX_BYTES: usize = 16 << 20;
/// Most measurements of a file.
pub const MAX_MEASUREMENTS: usize = 10_000;
/// Longest id, bytes.
const MAX_ID: usize = 256;

/// Why a file or an entry is refused.
#[derive(Debug, thiserror::Error)]
pub enum SpecError {
    /// The file is too long.
    #[error("{0} bytes, {MAX_BYTES} at most")]
    TooLong(usize),
    /// No JSON, or not of this form; the text says where.
    #[error("{0}")]
    Form(String),
    /// Too many measurements.
    #[error("{0} measurements, {MAX_MEASUREMENTS} at most")]
    TooMany(usize),
    /// An id is empty or too long.
    #[error("an id is empty or longer than {MAX_ID} bytes")]
    Id,
    /// A name that is none.
    #[error("`by` is no name of 1 to 64 bytes")]
    Name,
    /// A day that is none.
    #[error("`on` is no day, as 2026-11-30")]
    Day,
    /// A field that means nothing for this type.
    #[error("`{field}` means nothing for `{kind}`")]
    Field {
        /// The field.
        field: &'static str,
        /// The type.
        kind: &'static str,
    },
    /// Fields that say two things.
    #[error("{0}")]
    Conflict(&'static str),
    /// Points of the wrong number of coordinates.
    #[error("a point in {0}")]
    Coordinates(&'static str),
    /// The points or options cannot be measured.
    #[error(transparent)]
    Measure(#[from] MeasureError),
}

impl SpecError {
    /// Stable upper-case code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLong(_) => "TOO_LONG",
            Self::Form(_) => "NOT_A_SPEC",
            Self::TooMany(_) => "TOO_MANY_MEASUREMENTS",
            Self::Id => "BAD_ID",
            Self::Name => "BAD_NAME",
            Self::Day => "BAD_DAY",
            Self::Field { .. } => "FIELD_NOT_FOR_TYPE",
            Self::Conflict(_) => "FIELD_CONFLICT",
            Self::Coordinates(_) => "COORDINATES",
            Self::Measure(error) => error.code(),
        }
    }
}

/// The file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// Lines of known length, before anything is measured.
    #[serde(default)]
    pub calibrations: Vec<KnownLength>,
    /// What is measured, in the order of the answers.
    pub measurements: Vec<Entry>,
}

impl Spec {
    /// Reads a file's bytes.
    ///
    /// # Errors
    /// What is too long, no JSON, or not of this form.
    pub fn parse(bytes: &[u8]) -> Result<Self, SpecError> {
        if bytes.len() > MAX_BYTES {
            return Err(SpecError::TooLong(bytes.len()));
        }
        let spec: Self =
            serde_json::from_slice(bytes).map_err(|error| SpecError::Form(error.to_string()))?;
        let count = spec.measurements.len().max(spec.calibrations.len());
        if count > MAX_MEASUREMENTS {
            return Err(SpecError::TooMany(count));
        }
        let bad = |id: &String| id.is_empty() || id.len() > MAX_ID;
        if spec.measurements.iter().flat_map(|m| &m.id).any(bad) {
            return Err(SpecError::Id);
        }
        Ok(spec)
    }
}

/// A line of known length on a frame.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownLength {
    /// Series Instance UID.
    pub series: Option<String>,
    /// SOP Instance UID.
    pub instance: Option<String>,
    /// Object of the series in reading order, from 1.
    pub image: Option<usize>,
    /// Frame of that object, from 1.
    pub frame: Option<usize>,
    /// Column and row of its ends.
    pub points: [[f64; 2]; 2],
    /// Its true length, millimetres.
    pub true_mm: f64,
    /// Who says so.
    pub by: String,
    /// On which day, as 2026-11-30 (default: today).
    pub on: Option<String>,
    /// Also instead of a scale that the header gives as true.
    #[serde(default)]
    pub confirmed: bool,
}

/// Type of a measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// One point: the value there.
    Point,
    /// Two points.
    Length,
    /// Two or more points; `closed`.
    Polyline,
    /// Three points, the vertex in the middle.
    Angle,
    /// Two lines.
    Cobb,
    /// Two diameters.
    Bidirectional,
    /// A point, then two of a line.
    Perpendicular,
    /// Three corners; with `centred` the centre and the middles of two sides; in pixels also two opposite corners.
    Rectangle,
    /// Centre and the ends of two semi-axes.
    Ellipse,
    /// Centre and a point of the rim, or centre and `radius_mm`.
    Circle,
    /// Three or more corners.
    Polygon,
    /// The same, drawn by hand.
    Freehand,
    /// Three or more points of a closed curve.
    Spline,
    /// Two opposite corners along the axes of the body, or the centre and the middles of three faces.
    Box,
    /// Centre and a point of the surface, or centre and `radius_mm`.
    Sphere,
    /// The whole volume.
    Volume,
}

impl Kind {
    /// The word of the file.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Point => "point",
            Self::Length => "length",
            Self::Polyline => "polyline",
            Self::Angle => "angle",
            Self::Cobb => "cobb",
            Self::Bidirectional => "bidirectional",
            Self::Perpendicular => "perpendicular",
            Self::Rectangle => "rectangle",
            Self::Ellipse => "ellipse",
            Self::Circle => "circle",
            Self::Polygon => "polygon",
            Self::Freehand => "freehand",
            Self::Spline => "spline",
            Self::Box => "box",
            Self::Sphere => "sphere",
            Self::Volume => "volume",
        }
    }

    pub(super) const fn is_outline(self) -> bool {
        matches!(
            self,
            Self::Rectangle
                | Self::Ellipse
                | Self::Circle
                | Self::Polygon
                | Self::Freehand
                | Self::Spline
        )
    }

    pub(super) const fn is_region(self) -> bool {
        matches!(self, Self::Box | Self::Sphere | Self::Volume)
    }
}

/// Space of the points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Space {
    /// Patient LPS, millimetres: three numbers a point.
    #[default]
    Patient,
    /// Column and row of a frame, from 0, centres at whole numbers: two numbers a point.
    Pixel,
}

impl From<Space> for PointSpace {
    fn from(space: Space) -> Self {
        match space {
            Space::Patient => Self::Patient,
            Space::Pixel => Self::Pixel,
        }
    }
}

/// Which frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Series Instance UID.
    pub series: Option<String>,
    /// SOP Instance UID.
    pub instance: Option<String>,
    /// Object of the series in reading order, from 1.
    pub image: Option<usize>,
    /// Frame of that object, from 1 (default: 1).
    pub frame: Option<usize>,
}

impl Place {
    /// Whether a frame is named, and not only a series.
    pub const fn names_frame(&self) -> bool {
        self.instance.is_some() || self.image.is_some() || self.frame.is_some()
    }
}

/// A point: its coordinates, or `{"at": coordinates, …}` with a frame of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Coordinates.
    pub at: Vec<f64>,
    /// Its own frame, where named.
    pub place: Option<Place>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlacedPoint {
    at: Vec<f64>,
    series: Option<String>,
    instance: Option<String>,
    image: Option<usize>,
    frame: Option<usize>,
}

impl<'de> Deserialize<'de> for Point {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Point;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("two or three numbers, or an object with `at`")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Point, A::Error> {
                let mut at = Vec::with_capacity(3);
                while let Some(number) = list.next_element()? {
                    at.push(number);
                }
                Ok(Point { at, place: None })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Point, A::Error> {
                let placed = PlacedPoint::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Point {
                    at: placed.at,
                    place: Some(Place {
                        series: placed.series,
                        instance: placed.instance,
                        image: placed.image,
                        frame: placed.frame,
                    }),
                })
            }
        }
        deserializer.deserialize_any(Read)
    }
}

/// Bins of a histogram.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistogramSpec {
    /// How many.
    pub bins: usize,
    /// Lower border of the first (default: the lowest value).
    pub low: Option<f64>,
    /// Upper border of the last (default: the highest value).
    pub high: Option<f64>,
}

/// One measurement.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Comes back with the answer.
    pub id: Option<String>,
    /// What.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Space of the points.
    #[serde(default)]
    pub space: Space,
    /// Series Instance UID (default: the series with most frames).
    pub series: Option<String>,
    /// SOP Instance UID.
    pub instance: Option<String>,
    /// Object of the series in reading order, from 1.
    pub image: Option<usize>,
    /// Frame of that object, from 1.
    pub frame: Option<usize>,
    /// The points, in the order of the type.
    #[serde(default)]
    pub points: Vec<Point>,
    /// A polyline goes back to its beginning.
    pub closed: Option<bool>,
    /// A rectangle is given by its centre.
    pub centred: Option<bool>,
    /// Radius of a circle or sphere.
    pub radius_mm: Option<f64>,
    /// Normal of a circle in patient space (default: that of the images).
    pub normal: Option<[f64; 3]>,
    /// Look at the values under an outline (default: yes).
    pub statistics: Option<bool>,
    /// Sample an outline through the volume at this distance, even where it lies on a frame.
    pub sampling_mm: Option<f64>,
    /// Lowest value of the voxels that count.
    pub low: Option<f64>,
    /// Highest value of the voxels that count.
    pub high: Option<f64>,
    /// Percentiles, 0 to 100 (default: 5, 25, 75, 95).
    pub percentiles: Option<Vec<f64>>,
    /// A histogram.
    pub histogram: Option<HistogramSpec>,
}

impl Entry {
    /// The frame of the entry.
    pub fn place(&self) -> Place {
        Place {
            series: self.series.clone(),
            instance: self.instance.clone(),
            image: self.image,
            frame: self.frame,
        }
    }

    /// What is asked of the values.
    pub fn ask(&self) -> Ask {
        let plain = Ask::default();
        Ask {
            percentiles: self.percentiles.clone().unwrap_or(plain.percentiles),
            histogram: self.histogram.map(|h| Bins {
                count: h.bins,
                low: h.low,
                high: h.high,
            }),
        }
    }
}

#[cfg(test)]
#[path = "spec_tests.rs"]
mod tests;
