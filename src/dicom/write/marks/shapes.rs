//! Marks as graphics of the standard and back (PS3.3 sections C.18.6.1.2, C.18.9.1.2, C.10.5.1.2).
//!
//! What a graphic shows is the mark to the last float. Where a graphic has no place for a mark's own points (a curve, a
//! circle in space) they go beside it as knots, which only this program reads.

use crate::model::{
    annotation::{MarkKind, Shape},
    exchange::NotSentReason,
};
use glam::DVec3;
use std::f64::consts::TAU;

/// Graphic types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GraphicKind {
    Point,
    Multipoint,
    Polyline,
    /// Closed and flat; in space only.
    Polygon,
    /// Centre and a point of the rim; on images only.
    Circle,
    /// Ends of the major axis, ends of the minor axis.
    Ellipse,
}

impl GraphicKind {
    /// As the standard writes it.
    pub const fn term(self) -> &'static str {
        match self {
            Self::Point => "POINT",
            Self::Multipoint => "MULTIPOINT",
            Self::Polyline => "POLYLINE",
            Self::Polygon => "POLYGON",
            Self::Circle => "CIRCLE",
            Self::Ellipse => "ELLIPSE",
        }
    }

    /// Reads the standard's term. A curve through points of no certain form is taken for a line through them.
    pub fn parse(term: &str) -> Option<Self> {
        Some(match term {
            "POINT" => Self::Point,
            "MULTIPOINT" => Self::Multipoint,
            "POLYLINE" | "INTERPOLATED" => Self::Polyline,
            "POLYGON" => Self::Polygon,
            "CIRCLE" => Self::Circle,
            "ELLIPSE" => Self::Ellipse,
            _ => return None,
        })
    }
}

/// One graphic. Points are those of a mark: pixels from 0 at a centre, or millimetres.
#[derive(Clone, Debug, PartialEq)]
pub struct Graphic {
    pub kind: GraphicKind,
    pub points: Vec<DVec3>,
}

impl Graphic {
    fn new(kind: GraphicKind, points: impl Into<Vec<DVec3>>) -> Self {
        Self {
            kind,
            points: points.into(),
        }
    }
}

/// What points lie in.
#[derive(Clone, Copy, Debug)]
pub enum Ground {
    /// Pixels; a row's distance in columns.
    Pixel { aspect: f64 },
    /// Patient space; the direction across the frame, where it is known.
    Patient { normal: Option<DVec3> },
}

/// A mark as graphics.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawn {
    /// What is drawn, in an order from which the points come back.
    pub graphics: Vec<Graphic>,
    /// The mark's points have to go along, since the graphics do not hold them.
    pub knots: bool,
}

/// Straight steps of a whole ellipse, and of a piece of a curve.
const STEPS: usize = 96;
const PIECE_STEPS: usize = 16;

/// Draws a mark.
///
/// # Errors
/// Points that are not those of the kind, or a circle in space whose plane nothing tells.
pub fn graphics(shape: &Shape, ground: Ground) -> Result<Drawn, NotSentReason> {
    use GraphicKind::{Circle, Ellipse, Point, Polyline};
    shape.check().map_err(|_| NotSentReason::BadShape)?;
    let plain = |graphics: Vec<Graphic>| Drawn {
        graphics,
        knots: false,
    };
    let line = |a: DVec3, b: DVec3| Graphic::new(Polyline, [a, b]);
    let area = |points: Vec<DVec3>| closed(points, ground);
    Ok(match (shape.kind, shape.points.as_slice()) {
        (MarkKind::Point | MarkKind::Text, &[p]) => plain(vec![Graphic::new(Point, [p])]),
        (MarkKind::Length | MarkKind::Arrow, &[a, b]) => plain(vec![line(a, b)]),
        (MarkKind::Polyline | MarkKind::Angle, all) => plain(vec![Graphic::new(Polyline, all)]),
        (
            MarkKind::Cobb | MarkKind::Bidirectional | MarkKind::CardiothoracicRatio,
            &[a, b, c, d],
        ) => plain(vec![line(a, b), line(c, d)]),
        // Its three edges; what it is and how deep, others read as three lines.
        (MarkKind::Box, &[a, b, c, d]) => plain(vec![line(a, b), line(b, c), line(a, d)]),
        (MarkKind::Perpendicular, &[p, a, b]) => {
            plain(vec![line(a, b), line(p, foot(p, a, b, ground))])
        }
        (MarkKind::Ellipse, &[c, a, b]) => ellipse(c, a - c, b - c, ground),
        (MarkKind::Rectangle, &[a, c]) => {
            let (b, d) = (DVec3::new(c.x, a.y, a.z), DVec3::new(a.x, c.y, a.z));
            Drawn {
                graphics: vec![area(vec![a, b, c, d])],
                knots: true,
            }
        }
        (MarkKind::Rectangle, &[a, b, c]) => plain(vec![area(vec![a, b, c, a + (c - b)])]),
        (MarkKind::Circle, &[c, rim]) => match ground {
            Ground::Pixel { aspect } if (aspect - 1.0).abs() < 1e-6 => {
                plain(vec![Graphic::new(Circle, [c, rim])])
            }
            Ground::Pixel { aspect } => {
                let step = rim - c;
                let radius = step.x.hypot(step.y * aspect);
                let axes = (DVec3::X * radius, DVec3::Y * (radius / aspect));
                Drawn {
                    knots: true,
                    ..ellipse(c, axes.0, axes.1, ground)
                }
            }
            Ground::Patient { normal } => {
                let radius = rim - c;
                let across = normal
                    .and_then(|n| n.cross(radius).try_normalize())
                    .ok_or(NotSentReason::BadShape)?
                    * radius.length();
                let ends = [c - radius, c + radius, c - across, c + across];
                Drawn {
                    graphics: vec![Graphic::new(Ellipse, ends)],
                    knots: true,
                }
            }
        },
        (MarkKind::Polygon | MarkKind::Freehand, all) => plain(vec![area(all.to_vec())]),
        (MarkKind::Spline, all) => Drawn {
            graphics: vec![area(curve(all, ground))],
            knots: true,
        },
        _ => return Err(NotSentReason::BadShape),
    })
}

/// A closed outline: the first point is the last again (PS3.3 section C.18.6.1.2, C.18.9.1.2).
fn closed(mut points: Vec<DVec3>, ground: Ground) -> Graphic {
    points.extend(points.first().copied());
    let kind = match ground {
        Ground::Pixel { .. } => GraphicKind::Polyline,
        Ground::Patient { .. } => GraphicKind::Polygon,
    };
    Graphic::new(kind, points)
}

/// The nearest point of a line, where rows may be farther apart than columns.
fn foot(p: DVec3, a: DVec3, b: DVec3, ground: Ground) -> DVec3 {
    let scale = metric(ground);
    let (along, step) = ((b - a) * scale, (p - a) * scale);
    let length = along.length_squared();
    let at = if length > 0.0 {
        step.dot(along) / length
    } else {
        0.0
    };
    a + (b - a) * at
}

fn metric(ground: Ground) -> DVec3 {
    match ground {
        Ground::Pixel { aspect } => DVec3::new(1.0, aspect, 1.0),
        Ground::Patient { .. } => DVec3::ONE,
    }
}

/// An ellipse by its semi-axes. The longer one stands first; where the axes are not at right angles in the space that is
/// written, the outline itself is.
fn ellipse(centre: DVec3, a: DVec3, b: DVec3, ground: Ground) -> Drawn {
    let (first, second) = (a.length(), b.length());
    if a.dot(b).abs() > 1e-4 * first * second {
        let points = (0..STEPS).map(|i| {
            let (sin, cos) = (TAU * i as f64 / STEPS as f64).sin_cos();
            centre + a * cos + b * sin
        });
        return Drawn {
            graphics: vec![closed(points.collect(), ground)],
            knots: true,
        };
    }
    let swapped = second > first;
    let (major, minor) = if swapped { (b, a) } else { (a, b) };
    let ends = [
        centre - major,
        centre + major,
        centre - minor,
        centre + minor,
    ];
    Drawn {
        graphics: vec![Graphic::new(GraphicKind::Ellipse, ends)],
        knots: swapped,
    }
}

/// A closed centripetal Catmull-Rom curve in straight steps, as the measuring has it.
fn curve(points: &[DVec3], ground: Ground) -> Vec<DVec3> {
    let scale = metric(ground);
    let mut knots: Vec<DVec3> = points.iter().map(|p| *p * scale).collect();
    knots.dedup();
    if knots.len() > 1 && knots.first() == knots.last() {
        knots.pop();
    }
    let count = knots.len();
    if count < 3 {
        return points.to_vec();
    }
    let at = |i: usize| knots.get(i % count).copied().unwrap_or_default();
    let mut path = Vec::with_capacity(count * PIECE_STEPS);
    for i in 0..count {
        let [a, b, c, d] = [at(i + count - 1), at(i), at(i + 1), at(i + 2)];
        let knot = |p: DVec3, q: DVec3| p.distance(q).sqrt();
        let (before, here, after) = (knot(a, b), knot(b, c), knot(c, d));
        let tangent = |p: DVec3, q: DVec3, r: DVec3, s: f64, t: f64| {
            ((q - p) / s - (r - p) / (s + t) + (r - q) / t) * here
        };
        let (m, n) = (
            tangent(a, b, c, before, here),
            tangent(b, c, d, here, after),
        );
        for step in 0..PIECE_STEPS {
            let t = step as f64 / PIECE_STEPS as f64;
            let s = 1.0 - t;
            let point =
                (b * (1.0 + 2.0 * t) + m * t) * (s * s) + (c * (3.0 - 2.0 * t) - n * s) * (t * t);
            path.push(point / scale);
        }
    }
    path
}

/// The points of a mark of ours from what was drawn.
pub fn points_of(kind: MarkKind, graphics: &[Graphic]) -> Option<Vec<DVec3>> {
    let list = |at: usize| graphics.get(at).map(|g| g.points.as_slice());
    let first = list(0)?;
    let points = match kind {
        MarkKind::Cobb | MarkKind::Bidirectional | MarkKind::CardiothoracicRatio => {
            [first.get(..2)?, list(1)?.get(..2)?].concat()
        }
        MarkKind::Box => {
            let end = |at: usize| list(at)?.get(1).copied();
            vec![*first.first()?, end(0)?, end(1)?, end(2)?]
        }
        MarkKind::Perpendicular => {
            let from = list(1)?.first().copied()?;
            [&[from], first.get(..2)?].concat()
        }
        MarkKind::Ellipse => {
            let &[low, high, _, end] = first else {
                return None;
            };
            vec![(low + high) / 2.0, high, end]
        }
        MarkKind::Rectangle => first.get(..3)?.to_vec(),
        MarkKind::Polygon | MarkKind::Freehand | MarkKind::Spline => {
            let (_, all) = first.split_last()?;
            all.to_vec()
        }
        _ => first.to_vec(),
    };
    let shape = Shape::new(kind, points);
    shape.check().is_ok().then_some(shape.points)
}

/// What a graphic of others is taken for.
pub fn shape_of(graphic: &Graphic) -> Option<Shape> {
    let points = graphic.points.as_slice();
    let shape = match (graphic.kind, points) {
        (GraphicKind::Point, &[p]) => Shape::new(MarkKind::Point, [p]),
        (GraphicKind::Circle, &[c, rim]) => Shape::new(MarkKind::Circle, [c, rim]),
        (GraphicKind::Ellipse, &[low, high, _, end]) => {
            Shape::new(MarkKind::Ellipse, [(low + high) / 2.0, high, end])
        }
        (GraphicKind::Polyline, &[a, b]) => Shape::new(MarkKind::Length, [a, b]),
        (GraphicKind::Polyline | GraphicKind::Polygon, all) => {
            let (last, rest) = all.split_last()?;
            if rest.first() == Some(last) && rest.len() >= 3 {
                Shape::new(MarkKind::Polygon, rest)
            } else if graphic.kind == GraphicKind::Polygon {
                Shape::new(MarkKind::Polygon, all)
            } else {
                Shape::new(MarkKind::Polyline, all)
            }
        }
        _ => return None,
    };
    shape.check().is_ok().then_some(shape)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn circle_points(count: usize) -> Vec<DVec3> {
        let at = |i: usize| TAU * i as f64 / count as f64;
        (0..count)
            .map(|i| DVec3::new(20.0 + 5.0 * at(i).cos(), 10.0 + 5.0 * at(i).sin(), 0.0))
            .collect()
    }

    #[test]
    fn foreign_graphics_become_the_nearest_kind() {
        let p = |x: f64, y: f64| DVec3::new(x, y, 0.0);
        let check = |kind: GraphicKind, points: &[DVec3], found: Option<(MarkKind, usize)>| {
            let shape = shape_of(&Graphic::new(kind, points));
            assert_eq!(shape.map(|s| (s.kind, s.points.len())), found);
        };
        check(
            GraphicKind::Point,
            &[p(1.0, 2.0)],
            Some((MarkKind::Point, 1)),
        );
        let square = [
            p(0.0, 0.0),
            p(1.0, 0.0),
            p(1.0, 1.0),
            p(0.0, 1.0),
            p(0.0, 0.0),
        ];
        check(GraphicKind::Polyline, &square, Some((MarkKind::Polygon, 4)));
        check(
            GraphicKind::Polyline,
            &square[..4],
            Some((MarkKind::Polyline, 4)),
        );
        check(
            GraphicKind::Polyline,
            &square[..2],
            Some((MarkKind::Length, 2)),
        );
        check(
            GraphicKind::Polygon,
            &square[..4],
            Some((MarkKind::Polygon, 4)),
        );
        check(
            GraphicKind::Circle,
            &square[..2],
            Some((MarkKind::Circle, 2)),
        );
        check(
            GraphicKind::Ellipse,
            &square[..4],
            Some((MarkKind::Ellipse, 3)),
        );
        check(GraphicKind::Ellipse, &square[..3], None);
        check(GraphicKind::Multipoint, &square, None);
        check(GraphicKind::Polyline, &[], None);
        check(GraphicKind::Point, &[p(f64::NAN, 0.0)], None);
    }

    #[test]
    fn a_curve_goes_through_its_points_and_stays_near_a_circle() {
        let points = circle_points(12);
        let path = curve(&points, Ground::Patient { normal: None });
        for (i, point) in points.iter().enumerate() {
            assert!(path[i * PIECE_STEPS].distance(*point) < 1e-12);
        }
        for point in path {
            // The sagitta of such a curve through twelve points of a circle is far below a hundredth of its radius.
            assert!((point.distance(DVec3::new(20.0, 10.0, 0.0)) - 5.0).abs() < 0.05);
        }
    }

    #[test]
    fn a_circle_of_oblong_pixels_is_an_ellipse_of_pixels() {
        let shape = Shape::new(MarkKind::Circle, [DVec3::ZERO, DVec3::new(0.0, 2.0, 0.0)]);
        let drawn = graphics(&shape, Ground::Pixel { aspect: 2.0 }).unwrap();
        assert!(drawn.knots);
        // Two rows are four columns wide: the radius is 4 along columns and 2 along rows.
        let [a, b, c, d] = drawn.graphics[0].points[..] else {
            panic!("four ends")
        };
        assert_eq!((b - a, d - c), (DVec3::X * 8.0, DVec3::Y * 4.0));
    }
}
