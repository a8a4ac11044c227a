//! Marks on images, in patient space where there is one, else in pixels of one frame.

use glam::DVec3;

/// Identity of a mark, unique within a store.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AnnotationId(pub String);

/// The frame that a mark was drawn on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AnnotationTarget {
    /// Study Instance UID.
    pub study_uid: String,
    /// Series Instance UID.
    pub series_uid: String,
    /// SOP Instance UID.
    pub instance_uid: String,
    /// Frame, from 1.
    pub frame: u32,
}

/// Geometry of a mark.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// One point.
    Point(DVec3),
    /// Two ends of a length.
    Line([DVec3; 2]),
    /// A closed outline of at least three points.
    Polygon(Vec<DVec3>),
}

/// What the points are measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PointSpace {
    /// Patient LPS, millimetres.
    Patient,
    /// Column and row of the frame, from 0; z is 0.
    Pixel,
}

/// A mark.
#[derive(Clone, Debug, PartialEq)]
pub struct Annotation {
    /// Identity.
    pub id: AnnotationId,
    /// Where it was drawn.
    pub target: AnnotationTarget,
    /// Space of the points.
    pub space: PointSpace,
    /// Geometry.
    pub shape: Shape,
    /// Label text of the user.
    pub label: String,
}
