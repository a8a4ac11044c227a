//! Closed outlines: rectangle, ellipse, circle, polygon (freehand), spline. Area and perimeter from their formulas.
//!
//! Must stay true: nothing here is counted in pixels. Areas of a polygon are those of the even-odd rule, also when it
//! crosses itself, which is said.

use super::{
    MAX_POINTS, MAX_WORK, MeasureError, Measurement, Ruler, ZERO,
    crossing::{edges, examine},
    exact_sum,
    plane::Plane,
    spline::{MAX_KNOTS, spline},
    warning,
};
use crate::model::annotation::PointSpace;
use glam::{DAffine2, DVec2, DVec3};
use std::f64::consts::PI;

/// Corners and axes further from a right angle than this are said to be.
const SKEW_DEGREES: f64 = 0.1;

/// How an outline is given, in the space of the points.
#[derive(Clone, Debug, PartialEq)]
pub enum OutlineForm {
    /// Two opposite corners of a rectangle along rows and columns; pixel space only.
    RectangleAlongPixels([DVec3; 2]),
    /// Three corners in their order; the fourth follows.
    RectangleCorners([DVec3; 3]),
    /// Centre, and the middles of two neighbouring sides.
    RectangleAxes([DVec3; 3]),
    /// Centre, and the ends of two semi-axes.
    Ellipse([DVec3; 3]),
    /// Centre, and a point of the rim.
    Circle([DVec3; 2]),
    /// Centre and radius in millimetres.
    CircleRadius {
        /// Centre.
        centre: DVec3,
        /// Radius.
        radius_mm: f64,
    },
    /// Corners in their order; the last is joined to the first.
    Polygon(Vec<DVec3>),
    /// Points of a closed centripetal Catmull-Rom spline.
    Spline(Vec<DVec3>),
}

/// An outline on flat axes in the unit of the results.
#[derive(Clone, Debug, PartialEq)]
pub enum Outline {
    /// `centre + axes[0] * cos t + axes[1] * sin t`.
    Ellipse {
        /// Centre.
        centre: DVec2,
        /// Two half-diameters, each parallel to the tangent at the end of the other; at right angles for what is
        /// given so, and any such pair after a mapping.
        axes: [DVec2; 2],
    },
    /// Corners.
    Polygon(Vec<DVec2>),
}

impl Outline {
    /// The outline on other axes.
    #[must_use]
    pub fn mapped(&self, map: &DAffine2) -> Self {
        match self {
            Self::Ellipse { centre, axes } => Self::Ellipse {
                centre: map.transform_point2(*centre),
                axes: axes.map(|a| map.transform_vector2(a)),
            },
            Self::Polygon(points) => {
                Self::Polygon(points.iter().map(|p| map.transform_point2(*p)).collect())
            }
        }
    }

    /// Lowest and highest coordinates.
    pub fn bounds(&self) -> [DVec2; 2] {
        match self {
            Self::Ellipse {
                centre,
                axes: [a, b],
            } => {
                let reach = DVec2::new(a.x.hypot(b.x), a.y.hypot(b.y));
                [*centre - reach, *centre + reach]
            }
            Self::Polygon(points) => points
                .iter()
                .fold([DVec2::INFINITY, DVec2::NEG_INFINITY], |[low, high], p| {
                    [low.min(*p), high.max(*p)]
                }),
        }
    }
}

/// What the axes of an outline are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ground {
    /// Columns and rows times their distances.
    Pixel,
    /// A plane in the patient.
    Patient(Plane),
}

/// A measured outline, ready for looking at pixels.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// Area, perimeter, and what is peculiar to the kind.
    pub measurement: Measurement,
    /// The outline.
    pub outline: Outline,
    /// Its axes.
    pub ground: Ground,
}

/// Measures an outline. `normal` is that of a circle in patient space: the frame's, or one that was given.
///
/// # Errors
/// Points that are no points or too many, that hold no area, that lie in no plane, or an outline too tangled.
pub fn place(
    form: &OutlineForm,
    ruler: &Ruler,
    normal: Option<DVec3>,
) -> Result<Placed, MeasureError> {
    match form {
        OutlineForm::RectangleAlongPixels([a, c]) => {
            if ruler.space() == PointSpace::Patient {
                return Err(MeasureError::PointCount {
                    given: 2,
                    wanted: "3",
                });
            }
            let corners = [*a, DVec3::new(c.x, a.y, a.z), *c];
            rectangle(ruler, corners, false)
        }
        OutlineForm::RectangleCorners(points) => rectangle(ruler, *points, false),
        OutlineForm::RectangleAxes(points) => rectangle(ruler, *points, true),
        OutlineForm::Ellipse(points) => ellipse(ruler, *points),
        OutlineForm::Circle([centre, rim]) => {
            let [c, r] = [ruler.metric(*centre)?, ruler.metric(*rim)?];
            circle(ruler, *centre, Ruler::distance(c, r)?, normal)
        }
        OutlineForm::CircleRadius { centre, radius_mm } => {
            if !ruler.in_millimetres() {
                return Err(MeasureError::RadiusUncalibrated);
            }
            circle(ruler, *centre, check_radius(*radius_mm)?, normal)
        }
        OutlineForm::Polygon(points) => polygon(ruler, points, false),
        OutlineForm::Spline(points) => polygon(ruler, points, true),
    }
}

/// A radius that can be one.
pub(super) fn check_radius(radius: f64) -> Result<f64, MeasureError> {
    if !radius.is_finite() {
        Err(MeasureError::NotFinite)
    } else if radius < 0.0 {
        Err(MeasureError::NegativeRadius)
    } else if radius < ZERO {
        Err(MeasureError::ZeroLength)
    } else if radius > super::MAX_COORDINATE {
        Err(MeasureError::OutOfRange)
    } else {
        Ok(radius)
    }
}

/// The axes for points, and the points on them.
fn flatten(ruler: &Ruler, metric: &[DVec3]) -> Result<(Ground, Vec<DVec2>), MeasureError> {
    Ok(match ruler.space() {
        PointSpace::Pixel => (Ground::Pixel, metric.iter().map(|p| p.truncate()).collect()),
        PointSpace::Patient => {
            let plane = Plane::through(metric)?;
            let flat = metric.iter().map(|p| plane.flat(*p)).collect();
            (Ground::Patient(plane), flat)
        }
    })
}

/// Three points as a centre and two half-axes: on a plane whose first axis follows the first of them.
fn half_axes(
    ruler: &Ruler,
    points: [DVec3; 3],
    centred: bool,
) -> Result<(Ground, DVec2, [DVec2; 2]), MeasureError> {
    let [p, q, r] = [
        ruler.metric(points[0])?,
        ruler.metric(points[1])?,
        ruler.metric(points[2])?,
    ];
    let (centre, a, b) = if centred {
        (p, q - p, r - p)
    } else {
        ((p + r) * 0.5, (q - p) * 0.5, (r - q) * 0.5)
    };
    Ruler::distance(a, DVec3::ZERO)?;
    Ruler::distance(b, DVec3::ZERO)?;
    let plane = Plane::spanned(centre, a, b).ok_or(MeasureError::Degenerate)?;
    Ok(match ruler.space() {
        PointSpace::Pixel => (
            Ground::Pixel,
            centre.truncate(),
            [a.truncate(), b.truncate()],
        ),
        PointSpace::Patient => {
            let flat = |v: DVec3| DVec2::new(v.dot(plane.right), v.dot(plane.down));
            (Ground::Patient(plane), DVec2::ZERO, [flat(a), flat(b)])
        }
    })
}

fn say_skew(measurement: &mut Measurement, [a, b]: [DVec2; 2], what: &str) {
    let off = a.dot(b).abs().atan2(a.perp_dot(b).abs()).to_degrees();
    if off > SKEW_DEGREES {
        measurement.warnings.push(warning(
            "NOT_PERPENDICULAR",
            "degrees",
            off,
            format!("{what} are {off:.1}° off a right angle; the area is that of the skew shape"),
        ));
    }
}

fn rectangle(ruler: &Ruler, points: [DVec3; 3], centred: bool) -> Result<Placed, MeasureError> {
    let (ground, centre, [a, b]) = half_axes(ruler, points, centred)?;
    let mut measurement = ruler.begin("rectangle", &points);
    say_skew(&mut measurement, [a, b], "the sides");
    let (width, height) = (2.0 * a.length(), 2.0 * b.length());
    measurement.quantities.extend([
        ruler.quantity("area", 4.0 * a.perp_dot(b).abs(), 2),
        ruler.quantity("perimeter", 2.0 * (width + height), 1),
        ruler.quantity("width", width, 1),
        ruler.quantity("height", height, 1),
    ]);
    let corners = vec![
        centre - a - b,
        centre + a - b,
        centre + a + b,
        centre - a + b,
    ];
    Ok(Placed {
        measurement,
        outline: Outline::Polygon(corners),
        ground,
    })
}

/// Perimeter of an ellipse from its semi-axes, by the arithmetic-geometric mean (Gauss; DLMF 19.8.6 for the complete
/// integral of the second kind). Quadratic convergence: exact to some 1e-14 for every shape.
fn ellipse_perimeter(major: f64, minor: f64) -> f64 {
    let (mut a, mut g) = (major, minor);
    let mut rest = 0.5 * (major - minor) * (major + minor);
    let mut power = 0.5;
    for _ in 0..40 {
        let c = 0.5 * (a - g);
        (a, g) = (0.5 * (a + g), (a * g).sqrt());
        power *= 2.0;
        rest += power * c * c;
        if c.abs() <= 1e-16 * a {
            break;
        }
    }
    2.0 * PI * (major * major - rest) / a
}

fn ellipse(ruler: &Ruler, points: [DVec3; 3]) -> Result<Placed, MeasureError> {
    let (ground, centre, [a, b]) = half_axes(ruler, points, true)?;
    let mut measurement = ruler.begin("ellipse", &points);
    say_skew(&mut measurement, [a, b], "the axes");
    // Half-diameters at any angle: sum and difference of the true semi-axes are known from lengths and area.
    let (squares, double) = (
        a.length_squared() + b.length_squared(),
        2.0 * a.perp_dot(b).abs(),
    );
    let (sum, difference) = (
        (squares + double).sqrt(),
        (squares - double).max(0.0).sqrt(),
    );
    let (major, minor) = (0.5 * (sum + difference), double / (sum + difference));
    measurement.quantities.extend([
        ruler.quantity("area", PI * 0.5 * double, 2),
        ruler.quantity("perimeter", ellipse_perimeter(major, minor), 1),
        ruler.quantity("major_axis", 2.0 * major, 1),
        ruler.quantity("minor_axis", 2.0 * minor, 1),
    ]);
    Ok(Placed {
        measurement,
        outline: Outline::Ellipse {
            centre,
            axes: [a, b],
        },
        ground,
    })
}

fn circle(
    ruler: &Ruler,
    centre: DVec3,
    radius: f64,
    normal: Option<DVec3>,
) -> Result<Placed, MeasureError> {
    let metric = ruler.metric(centre)?;
    let (ground, flat) = match ruler.space() {
        PointSpace::Pixel => (Ground::Pixel, metric.truncate()),
        PointSpace::Patient => {
            let normal = normal.ok_or(MeasureError::PlaneUnknown)?;
            let plane = Plane::across(metric, normal).ok_or(MeasureError::PlaneUnknown)?;
            (Ground::Patient(plane), DVec2::ZERO)
        }
    };
    let mut measurement = ruler.begin("circle", &[centre]);
    measurement.quantities.extend([
        ruler.quantity("area", PI * radius * radius, 2),
        ruler.quantity("perimeter", 2.0 * PI * radius, 1),
        ruler.quantity("radius", radius, 1),
    ]);
    Ok(Placed {
        measurement,
        outline: Outline::Ellipse {
            centre: flat,
            axes: [DVec2::X * radius, DVec2::Y * radius],
        },
        ground,
    })
}

fn polygon(ruler: &Ruler, points: &[DVec3], smooth: bool) -> Result<Placed, MeasureError> {
    let kind = if smooth { "spline" } else { "polygon" };
    if smooth && points.len() > MAX_KNOTS.min(MAX_POINTS) {
        return Err(MeasureError::TooManyPoints {
            given: points.len(),
        });
    }
    if points.len() < 3 {
        return Err(MeasureError::PointCount {
            given: points.len(),
            wanted: "3 or more",
        });
    }
    let mut metric = ruler.metrics(points)?;
    // A hand that rests, and an outline that ends where it began, say one point twice.
    metric.dedup_by(|b, a| a.distance(*b) < ZERO);
    while metric.len() > 1
        && matches!((metric.first(), metric.last()), (Some(a), Some(b)) if a.distance(*b) < ZERO)
    {
        metric.pop();
    }
    if metric.len() < 3 {
        return Err(MeasureError::Degenerate);
    }
    let (ground, flat) = flatten(ruler, &metric)?;
    let curve = smooth.then(|| spline(&flat));
    let path = curve
        .as_ref()
        .map_or_else(|| flat.clone(), |c| c.path.clone());
    let examined = examine(&path, &mut MAX_WORK.clone())?;
    let outline = Outline::Polygon(path);
    let [low, high] = outline.bounds();
    if examined.area <= 1e-12 * (high - low).length_squared() {
        return Err(MeasureError::Degenerate);
    }
    let mut measurement = ruler.begin(kind, points);
    if examined.meetings > 0 {
        measurement.warnings.push(warning(
            "SELF_CROSSING",
            "meetings",
            examined.meetings as f64,
            format!(
                "the outline crosses or touches itself ({} pairs of edges meet); area and pixels follow the even-odd rule",
                examined.meetings
            ),
        ));
    }
    let area = match &curve {
        Some(c) if examined.meetings == 0 => c.area,
        _ => examined.area,
    };
    let perimeter = curve.as_ref().map_or_else(
        || exact_sum(edges(&flat).map(|[a, b]| a.distance(b))),
        |c| c.perimeter,
    );
    measurement.quantities.extend([
        ruler.quantity("area", area, 2),
        ruler.quantity("perimeter", perimeter, 1),
    ]);
    Ok(Placed {
        measurement,
        outline,
        ground,
    })
}

#[cfg(test)]
#[path = "outline_tests.rs"]
mod tests;
