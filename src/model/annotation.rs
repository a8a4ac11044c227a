//! Marks on images, in patient space where there is one, else in pixels of one frame.
//!
//! A mark is what was drawn and what was said about it; its numbers are never kept but measured again from the
//! points (`imaging::measure`), so no stored number can disagree with the picture.

use glam::DVec3;
use std::ops::RangeInclusive;

/// Most points of an outline.
pub const MAX_POINTS: usize = 1_000_000;

/// Identity of a mark, unique within a store.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AnnotationId(pub String);

/// The frame that a mark was drawn on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct AnnotationTarget {
    /// Study Instance UID.
    pub study_uid: String,
    /// Series Instance UID.
    pub series_uid: String,
    /// SOP Instance UID.
    pub instance_uid: String,
    /// Frame, from 1.
    pub frame: u32,
    /// Frame of Reference UID of points in patient space; empty when the object names none.
    pub frame_of_reference_uid: String,
}

/// What a mark is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MarkKind {
    /// The value at a point.
    Point,
    /// A length.
    Length,
    /// A line of several pieces.
    Polyline,
    /// An angle, the vertex in the middle.
    Angle,
    /// The angle of two lines.
    Cobb,
    /// The long and the short diameter.
    Bidirectional,
    /// The distance of a point from a line.
    Perpendicular,
    /// Centre and the ends of two semi-axes.
    Ellipse,
    /// Three corners in order; in pixels also two opposite ones.
    Rectangle,
    /// Centre and a point of the rim.
    Circle,
    /// A closed outline.
    Polygon,
    /// A closed outline drawn by hand.
    Freehand,
    /// A closed curve through its points.
    Spline,
    /// Tip, tail.
    Arrow,
    /// The place of a text; the label is the text.
    Text,
    /// Heart right and left, thorax right and left.
    CardiothoracicRatio,
    /// A box in the patient: three corners of a face in order, and the corner beside the first one that is not of that face.
    Box,
}

impl MarkKind {
    /// All kinds, in the order of the menus.
    pub const ALL: [Self; 17] = [
        Self::Point,
        Self::Length,
        Self::Polyline,
        Self::Angle,
        Self::Cobb,
        Self::Bidirectional,
        Self::Perpendicular,
        Self::Ellipse,
        Self::Rectangle,
        Self::Circle,
        Self::Polygon,
        Self::Freehand,
        Self::Spline,
        Self::Arrow,
        Self::Text,
        Self::CardiothoracicRatio,
        Self::Box,
    ];

    /// Stable name, as in files and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Point => "point",
            Self::Length => "length",
            Self::Polyline => "polyline",
            Self::Angle => "angle",
            Self::Cobb => "cobb",
            Self::Bidirectional => "bidirectional",
            Self::Perpendicular => "perpendicular",
            Self::Ellipse => "ellipse",
            Self::Rectangle => "rectangle",
            Self::Circle => "circle",
            Self::Polygon => "polygon",
            Self::Freehand => "freehand",
            Self::Spline => "spline",
            Self::Arrow => "arrow",
            Self::Text => "text",
            Self::CardiothoracicRatio => "cardiothoracic-ratio",
            Self::Box => "box",
        }
    }

    /// The kind with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// How many points it may have.
    pub const fn point_count(self) -> RangeInclusive<usize> {
        match self {
            Self::Point | Self::Text => 1..=1,
            Self::Length | Self::Circle | Self::Arrow => 2..=2,
            Self::Angle | Self::Perpendicular | Self::Ellipse => 3..=3,
            Self::Cobb | Self::Bidirectional | Self::CardiothoracicRatio | Self::Box => 4..=4,
            Self::Rectangle => 2..=3,
            Self::Polyline => 2..=MAX_POINTS,
            Self::Polygon | Self::Freehand | Self::Spline => 3..=MAX_POINTS,
        }
    }
}

/// Geometry of a mark: its points in the order that docs/measure.md gives for the kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// What it is.
    pub kind: MarkKind,
    /// Its points.
    pub points: Vec<DVec3>,
}

/// Why points make no shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// Too few or too many points for the kind.
    #[error("the number of points does not fit the kind of mark")]
    Count,
    /// A coordinate is infinite or no number.
    #[error("a coordinate is not a finite number")]
    NotFinite,
}

impl AnnotationTarget {
    /// Memory that it owns, bytes.
    pub const fn held_bytes(&self) -> usize {
        self.study_uid.capacity()
            + self.series_uid.capacity()
            + self.instance_uid.capacity()
            + self.frame_of_reference_uid.capacity()
    }
}

impl Shape {
    /// Memory that it owns, bytes.
    pub const fn held_bytes(&self) -> usize {
        self.points.capacity() * size_of::<DVec3>()
    }

    /// A shape, unchecked; see [`Shape::check`].
    pub fn new(kind: MarkKind, points: impl Into<Vec<DVec3>>) -> Self {
        Self {
            kind,
            points: points.into(),
        }
    }

    /// Whether the points are as many as the kind takes, and finite. Whether something can be measured of them is
    /// for the measuring to say.
    ///
    /// # Errors
    /// What does not fit.
    pub fn check(&self) -> Result<(), ShapeError> {
        if !self.kind.point_count().contains(&self.points.len()) {
            return Err(ShapeError::Count);
        }
        if self.points.iter().all(|point| point.is_finite()) {
            Ok(())
        } else {
            Err(ShapeError::NotFinite)
        }
    }
}

/// What the points are measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PointSpace {
    /// Patient LPS, millimetres.
    Patient,
    /// Column and row of the frame, from 0; z is 0.
    Pixel,
}

/// A coded concept (PS3.3 section 8.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Code {
    /// Code Value.
    pub value: String,
    /// Coding Scheme Designator.
    pub scheme: String,
    /// Code Meaning.
    pub meaning: String,
}

/// Who made a mark.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Author {
    /// A person; the name is empty when nobody gave one.
    Person(String),
    /// A network.
    Model {
        /// Which.
        id: String,
        /// Of which version.
        version: String,
    },
    /// It came in a file that this program did not write; what that file names as its maker.
    Foreign(String),
}

impl Default for Author {
    fn default() -> Self {
        Self::Person(String::new())
    }
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
    /// What the label means, when it was chosen from a list.
    pub code: Option<Code>,
    /// Name of the group that it belongs to; empty for none.
    pub group: String,
    /// Guarded against every change but being unlocked, hidden or shown: see [`super::edit::Kept::guarded`].
    pub locked: bool,
    /// Kept but not drawn.
    pub hidden: bool,
    /// Who made it.
    pub author: Author,
    /// When, milliseconds since 1970 UTC; 0 when unknown.
    pub created_ms: i64,
}

impl Annotation {
    /// The longest extent of a mark whose points are in millimetres: a length, the longer of two diameters, a diameter, the
    /// longest edge of a box.
    /// `None` where that is not what it measures.
    pub fn extent_mm(&self) -> Option<f64> {
        if self.space != PointSpace::Patient {
            return None;
        }
        let points = &self.shape.points;
        let apart = |a: usize, b: usize| Some(points.get(a)?.distance(*points.get(b)?));
        match self.shape.kind {
            MarkKind::Length => apart(0, 1),
            MarkKind::Bidirectional => Some(apart(0, 1)?.max(apart(2, 3)?)),
            MarkKind::Circle => Some(2.0 * apart(0, 1)?),
            MarkKind::Ellipse => Some(2.0 * apart(0, 1)?.max(apart(0, 2)?)),
            MarkKind::Box => Some(apart(0, 1)?.max(apart(1, 2)?).max(apart(0, 3)?)),
            _ => None,
        }
    }

    /// A mark without label or group, unlocked and shown, by a person without a name, at an unknown time.
    pub fn new(
        id: AnnotationId,
        target: AnnotationTarget,
        space: PointSpace,
        shape: Shape,
    ) -> Self {
        Self {
            id,
            target,
            space,
            shape,
            label: String::new(),
            code: None,
            group: String::new(),
            locked: false,
            hidden: false,
            author: Author::default(),
            created_ms: 0,
        }
    }

    /// Memory that it takes, bytes: itself and all that it owns.
    pub fn held_bytes(&self) -> usize {
        let code = |c: &Code| c.value.capacity() + c.scheme.capacity() + c.meaning.capacity();
        let author = match &self.author {
            Author::Person(name) | Author::Foreign(name) => name.capacity(),
            Author::Model { id, version } => id.capacity() + version.capacity(),
        };
        size_of::<Self>()
            + self.id.0.capacity()
            + self.target.held_bytes()
            + self.shape.held_bytes()
            + self.label.capacity()
            + self.code.as_ref().map_or(0, code)
            + self.group.capacity()
            + author
    }

    /// Whether nothing differs but whether it is locked or hidden.
    pub fn same_but_for_flags(&self, other: &Self) -> bool {
        // Named one by one, so that a field that comes later is not forgotten here.
        let Self {
            id,
            target,
            space,
            shape,
            label,
            code,
            group,
            locked: _,
            hidden: _,
            author,
            created_ms,
        } = self;
        (id, target, space, shape) == (&other.id, &other.target, &other.space, &other.shape)
            && (label, code, group) == (&other.label, &other.code, &other.group)
            && (author, created_ms) == (&other.author, &other.created_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_names_of_their_own_and_find_them_again() {
        for kind in MarkKind::ALL {
            assert_eq!(MarkKind::named(kind.name()), Some(kind));
        }
        assert_eq!(MarkKind::named("line"), None);
    }

    #[test]
    fn a_shape_has_the_points_of_its_kind() {
        for kind in MarkKind::ALL {
            let (least, most) = kind.point_count().into_inner();
            let check = |n: usize| Shape::new(kind, vec![DVec3::ONE; n]).check();
            assert_eq!(check(least), Ok(()));
            assert_eq!(check(least - 1), Err(ShapeError::Count));
            assert_eq!(check(most + 1), Err(ShapeError::Count));
            let mut bad = Shape::new(kind, vec![DVec3::ONE; least]);
            bad.points[least - 1].y = f64::NAN;
            assert_eq!(bad.check(), Err(ShapeError::NotFinite));
        }
    }
}
