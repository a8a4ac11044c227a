//! From an entry of the spec to what is measured: points counted, and no field ignored.

use super::spec::{Entry, Kind, Point, Space, SpecError};
use crate::imaging::measure::{MAX_POINTS, MeasureError, OutlineForm, Region};
use glam::DVec3;

/// What an entry asks for, its points counted and its fields in place.
#[derive(Clone, Debug, PartialEq)]
pub enum Task {
    /// The value at a point.
    Probe(DVec3),
    /// The distance of two points.
    Length([DVec3; 2]),
    /// A path.
    Polyline(Vec<DVec3>, bool),
    /// An angle at a vertex.
    Angle([DVec3; 3]),
    /// An angle of two lines.
    Cobb([[DVec3; 2]; 2]),
    /// Two diameters.
    Bidirectional([[DVec3; 2]; 2]),
    /// A point and a line.
    Perpendicular(DVec3, [DVec3; 2]),
    /// A closed outline.
    Outline(OutlineForm),
    /// A region of a volume.
    Region(Region),
}

impl Entry {
    /// What is asked for.
    ///
    /// # Errors
    /// Fields that mean nothing here, or points that are too few or too many.
    pub fn task(&self) -> Result<Task, SpecError> {
        self.check_fields()?;
        let wanted = |wanted| MeasureError::PointCount {
            given: self.points.len(),
            wanted,
        };
        if self.points.len() > MAX_POINTS {
            return Err(MeasureError::TooManyPoints {
                given: self.points.len(),
            }
            .into());
        }
        let points = self.coordinates()?;
        let list = points.as_slice();
        Ok(match (self.kind, list) {
            (Kind::Point, &[p]) => Task::Probe(p),
            (Kind::Point, _) => return Err(wanted("1").into()),
            (Kind::Length, &[a, b]) => Task::Length([a, b]),
            (Kind::Length, _) => return Err(wanted("2").into()),
            (Kind::Polyline, _) => Task::Polyline(points, self.closed.unwrap_or(false)),
            (Kind::Angle, &[a, b, c]) => Task::Angle([a, b, c]),
            (Kind::Cobb, &[a, b, c, d]) => Task::Cobb([[a, b], [c, d]]),
            (Kind::Bidirectional, &[a, b, c, d]) => Task::Bidirectional([[a, b], [c, d]]),
            (Kind::Cobb | Kind::Bidirectional, _) => return Err(wanted("4").into()),
            (Kind::Perpendicular, &[p, a, b]) => Task::Perpendicular(p, [a, b]),
            (Kind::Angle | Kind::Perpendicular, _) => return Err(wanted("3").into()),
            (Kind::Box | Kind::Sphere | Kind::Volume, _) => Task::Region(self.region(list)?),
            _ => Task::Outline(self.outline(points)?),
        })
    }

    fn outline(&self, points: Vec<DVec3>) -> Result<OutlineForm, SpecError> {
        let centred = self.centred.unwrap_or(false);
        let given = points.len();
        let wanted = |wanted| SpecError::from(MeasureError::PointCount { given, wanted });
        Ok(match (self.kind, points.as_slice(), self.radius_mm) {
            (Kind::Rectangle, &[a, c], _) if !centred && self.space == Space::Pixel => {
                OutlineForm::RectangleAlongPixels([a, c])
            }
            (Kind::Rectangle, &[a, b, c], _) if centred => OutlineForm::RectangleAxes([a, b, c]),
            (Kind::Rectangle, &[a, b, c], _) => OutlineForm::RectangleCorners([a, b, c]),
            (Kind::Ellipse, &[a, b, c], _) => OutlineForm::Ellipse([a, b, c]),
            (Kind::Rectangle | Kind::Ellipse, ..) => return Err(wanted("3")),
            (Kind::Circle, &[centre, rim], None) => OutlineForm::Circle([centre, rim]),
            (Kind::Circle, &[centre], Some(radius_mm)) => {
                OutlineForm::CircleRadius { centre, radius_mm }
            }
            (Kind::Circle, ..) => return Err(wanted("2, or 1 and `radius_mm`,")),
            (Kind::Spline, ..) => OutlineForm::Spline(points),
            _ => OutlineForm::Polygon(points),
        })
    }

    fn region(&self, points: &[DVec3]) -> Result<Region, SpecError> {
        if self.space == Space::Pixel {
            return Err(MeasureError::NoPatientSpace.into());
        }
        let given = points.len();
        let wanted = |wanted| SpecError::from(MeasureError::PointCount { given, wanted });
        Ok(match (self.kind, points, self.radius_mm) {
            (Kind::Box, &[a, b], _) => Region::between(a, b),
            (Kind::Box, &[centre, a, b, c], _) => Region::Box {
                centre,
                half: [a - centre, b - centre, c - centre],
            },
            (Kind::Box, ..) => return Err(wanted("2 or 4")),
            (Kind::Sphere, &[centre, p], None) => Region::Sphere {
                centre,
                radius_mm: p.distance(centre),
            },
            (Kind::Sphere, &[centre], Some(radius_mm)) => Region::Sphere { centre, radius_mm },
            (Kind::Sphere, ..) => return Err(wanted("2, or 1 and `radius_mm`,")),
            (_, [], _) => Region::Whole,
            _ => return Err(wanted("none")),
        })
    }

    fn coordinates(&self) -> Result<Vec<DVec3>, SpecError> {
        self.points
            .iter()
            .map(|p| match (self.space, p.at.as_slice()) {
                (Space::Patient, &[x, y, z]) => Ok(DVec3::new(x, y, z)),
                (Space::Patient, _) => Err(SpecError::Coordinates("patient space has 3 numbers")),
                (Space::Pixel, &[column, row]) => Ok(DVec3::new(column, row, 0.0)),
                (Space::Pixel, _) => Err(SpecError::Coordinates("pixel space has 2 numbers")),
            })
            .collect()
    }

    /// Refuses fields that would be ignored.
    fn check_fields(&self) -> Result<(), SpecError> {
        let kind = self.kind;
        let (outline, region) = (kind.is_outline(), kind.is_region());
        let flat_circle = kind == Kind::Circle && self.space == Space::Patient;
        let round = matches!(kind, Kind::Circle | Kind::Sphere);
        let values = region || (outline && self.statistics != Some(false));
        let through = outline && self.space == Space::Patient && !self.place().names_frame();
        let rules = [
            ("closed", self.closed.is_some(), kind == Kind::Polyline),
            ("centred", self.centred.is_some(), kind == Kind::Rectangle),
            ("radius_mm", self.radius_mm.is_some(), round),
            ("normal", self.normal.is_some(), flat_circle),
            ("statistics", self.statistics.is_some(), outline),
            ("sampling_mm", self.sampling_mm.is_some(), through && values),
            ("low", self.low.is_some(), region),
            ("high", self.high.is_some(), region),
            ("percentiles", self.percentiles.is_some(), values),
            ("histogram", self.histogram.is_some(), values),
            (
                "image",
                self.image.is_some(),
                !region && self.instance.is_none(),
            ),
            ("instance", self.instance.is_some(), !region),
            ("frame", self.frame.is_some(), !region),
        ];
        for (field, given, allowed) in rules {
            if given && !allowed {
                let kind = kind.word();
                return Err(SpecError::Field { field, kind });
            }
        }
        let double = |p: &Point| {
            let place = p.place.as_ref();
            place.is_some_and(|p| p.instance.is_some() && p.image.is_some())
        };
        if self.points.iter().any(double) {
            return Err(SpecError::Conflict(
                "a point names its frame by `instance` or by `image`, not by both",
            ));
        }
        Ok(())
    }
}
