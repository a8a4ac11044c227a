//! What of a mark is to be seen: lines in viewport pixels, for the painter and for the hand that looks for them.

use super::lens::Lens;
use crate::{
    imaging::measure::spline_path,
    model::annotation::{MarkKind, Shape},
};
use glam::{DVec2, DVec3};

/// Half of the bar across the end of a length, points of the user interface.
const TICK: f64 = 4.0;
/// Length of the two strokes of an arrow's head.
const HEAD: f64 = 11.0;
/// Arms of the cross of a probe, and the gap in its middle.
const CROSS: [f64; 2] = [2.5, 8.0];
/// Longest leg of the arc in an angle.
const ARC: f64 = 26.0;
/// How far the straight pieces of a round line may lie from it, pixels.
const ROUND_PX: f64 = 0.1;
/// How many pieces that takes at least and at most.
const ROUND: std::ops::RangeInclusive<usize> = 16..=256;

/// A line to draw.
#[derive(Clone, Debug, PartialEq)]
pub struct Stroke {
    /// Its points.
    pub points: Vec<DVec2>,
    /// The last is joined to the first.
    pub closed: bool,
    /// It only helps to read the mark; drawn thinner, and not for the hand.
    pub aid: bool,
    /// The place that it belongs to, where it is as long in every view: the bar across an end, a head of an arrow.
    pub at: Option<DVec2>,
}

impl Stroke {
    fn line(points: impl Into<Vec<DVec2>>) -> Self {
        Self {
            points: points.into(),
            closed: false,
            aid: false,
            at: None,
        }
    }

    /// As long in every view, however large the mark is there.
    fn beside(self, at: DVec2) -> Self {
        Self {
            at: Some(at),
            ..self
        }
    }

    fn round(points: Vec<DVec2>) -> Self {
        Self {
            closed: true,
            ..Self::line(points)
        }
    }

    fn aid(points: impl Into<Vec<DVec2>>) -> Self {
        Self {
            aid: true,
            ..Self::line(points)
        }
    }

    /// Distance of a place from the line.
    pub fn distance(&self, at: DVec2) -> f64 {
        let joined = self.closed.then(|| self.points.last().copied()).flatten();
        let mut last = joined;
        let mut nearest = f64::INFINITY;
        for point in &self.points {
            let from = last.unwrap_or(*point);
            let step = *point - from;
            let length = step.length_squared();
            let t = match length > 0.0 {
                true => ((at - from).dot(step) / length).clamp(0.0, 1.0),
                false => 0.0,
            };
            nearest = nearest.min((from + step * t).distance(at));
            last = Some(*point);
        }
        nearest
    }
}

/// The lines of a mark. `scale` is how many viewport pixels make a point of the user interface.
pub fn strokes(shape: &Shape, lens: &Lens, scale: f64) -> Vec<Stroke> {
    let seen = |p: DVec3| lens.screen(p);
    let at: Vec<DVec2> = shape.points.iter().map(|p| seen(*p)).collect();
    match (shape.kind, at.as_slice()) {
        (MarkKind::Point, &[p]) => cross(p, scale),
        (MarkKind::Length, &[a, b]) => bar(a, b, scale),
        (MarkKind::Bidirectional, &[a, b]) => bar(a, b, scale),
        (MarkKind::Bidirectional, &[a, b, c, d]) => {
            vec![Stroke::line([a, b]), Stroke::line([c, d])]
        }
        (MarkKind::CardiothoracicRatio, ends) => {
            let mut lines = Vec::new();
            for pair in ends.chunks_exact(2) {
                if let &[a, b] = pair {
                    lines.extend(bar(a, b, scale));
                }
            }
            lines
        }
        (MarkKind::Angle, &[a, v, b]) => {
            let mut lines = vec![Stroke::line([a, v, b])];
            lines.extend(arc(a, v, b, scale));
            lines
        }
        (MarkKind::Cobb, &[a, b, c, d]) => vec![
            Stroke::line([a, b]),
            Stroke::line([c, d]),
            Stroke::aid([(a + b) * 0.5, (c + d) * 0.5]),
        ],
        (MarkKind::Cobb, &[a, b, c]) => vec![Stroke::line([a, b]), Stroke::line([c])],
        (MarkKind::Perpendicular, &[p, a, b]) => {
            let step = b - a;
            let length = step.length_squared().max(1e-12);
            let t = (p - a).dot(step) / length;
            let foot = a + step * t;
            let mut lines = vec![Stroke::line([a, b]), Stroke::line([p, foot])];
            if !(0.0..=1.0).contains(&t) {
                let end = if t < 0.0 { a } else { b };
                lines.push(Stroke::aid([end, foot]));
            }
            lines
        }
        (MarkKind::Arrow, &[tip, tail]) => arrow(tip, tail, scale),
        (MarkKind::Box, _) => vec![Stroke::round(super::cuboid::outline(&shape.points, lens))],
        (MarkKind::Rectangle, &[a, b, c]) => vec![Stroke::round(vec![a, b, c, a + c - b])],
        (MarkKind::Rectangle, &[a, c]) => {
            let corner = |x: &DVec3, y: &DVec3| seen(DVec3::new(x.x, y.y, x.z));
            match shape.points.as_slice() {
                [p, q] => vec![Stroke::round(vec![a, corner(q, p), c, corner(p, q)])],
                _ => Vec::new(),
            }
        }
        (MarkKind::Ellipse, &[centre, a, b]) => {
            vec![Stroke::round(ellipse(centre, a - centre, b - centre))]
        }
        (MarkKind::Circle, &[centre, rim]) => {
            let arm = rim - centre;
            vec![
                Stroke::round(ellipse(centre, arm, arm.perp())),
                Stroke::aid([centre]),
            ]
        }
        (MarkKind::Polygon | MarkKind::Freehand, all) if all.len() >= 3 => {
            vec![Stroke::round(at)]
        }
        (MarkKind::Spline, all) if all.len() >= 3 => vec![Stroke::round(spline_path(all))],
        (MarkKind::Text, _) => Vec::new(),
        _ => vec![Stroke::line(at)],
    }
}

/// Points of an ellipse.
fn ellipse(centre: DVec2, a: DVec2, b: DVec2) -> Vec<DVec2> {
    let radius = a.length().max(b.length());
    // A chord lies r (1 - cos(pi / n)) from its arc.
    let wanted = std::f64::consts::PI * (radius / (2.0 * ROUND_PX)).sqrt();
    // Both axes end on a point. The cast saturates.
    let count = ((wanted / 4.0).ceil() as usize * 4).clamp(*ROUND.start(), *ROUND.end());
    (0..count)
        .map(|i| {
            let (sin, cos) = (i as f64 / count as f64 * std::f64::consts::TAU).sin_cos();
            centre + a * cos + b * sin
        })
        .collect()
}

fn cross(p: DVec2, scale: f64) -> Vec<Stroke> {
    [DVec2::X, DVec2::NEG_X, DVec2::Y, DVec2::NEG_Y]
        .map(|d| Stroke::line(CROSS.map(|r| p + d * (r * scale))).beside(p))
        .into()
}

/// A line with a bar across each end: where it ends can be seen.
fn bar(a: DVec2, b: DVec2, scale: f64) -> Vec<Stroke> {
    let across = (b - a).normalize_or_zero().perp() * (TICK * scale);
    vec![
        Stroke::line([a, b]),
        Stroke::line([a - across, a + across]).beside(a),
        Stroke::line([b - across, b + across]).beside(b),
    ]
}

fn arrow(tip: DVec2, tail: DVec2, scale: f64) -> Vec<Stroke> {
    let back = (tail - tip).normalize_or_zero();
    let length = (HEAD * scale).min(tip.distance(tail) * 0.5);
    let barb = |angle: f64| tip + DVec2::from_angle(angle).rotate(back) * length;
    vec![
        Stroke::line([tail, tip]),
        Stroke::line([barb(0.45), tip, barb(-0.45)]).beside(tip),
    ]
}

/// The arc between the legs, the shorter way.
fn arc(a: DVec2, v: DVec2, b: DVec2, scale: f64) -> Option<Stroke> {
    let radius = (ARC * scale).min((a - v).length().min((b - v).length()) * 0.6);
    if radius < 4.0 * scale {
        return None;
    }
    let from = (a - v).to_angle();
    let turn = (a - v).angle_to(b - v);
    let steps = 16;
    let points: Vec<DVec2> = (0..=steps)
        .map(|i| v + DVec2::from_angle(from + turn * f64::from(i) / f64::from(steps)) * radius)
        .collect();
    Some(Stroke::aid(points).beside(v))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::mark::lens::tests::axial;

    fn shape(kind: MarkKind, at: &[(f64, f64)]) -> Shape {
        let points = at.iter().map(|(x, y)| axial().point(DVec2::new(*x, *y)));
        let points = points.collect();
        Shape { kind, points }
    }

    #[test]
    fn the_hand_finds_what_is_drawn() {
        let check = |kind, at: &[(f64, f64)], place: (f64, f64), expected: f64| {
            let lines = strokes(&shape(kind, at), &axial(), 1.0);
            let place = DVec2::new(place.0, place.1);
            let found = lines
                .iter()
                .filter(|s| !s.aid)
                .map(|s| s.distance(place))
                .fold(f64::INFINITY, f64::min);
            assert!((found - expected).abs() < 1e-6, "{kind:?}: {found}");
        };
        let l = [(10.0, 10.0), (50.0, 10.0)];
        check(MarkKind::Length, &l, (30.0, 13.0), 3.0);
        // The bar at the end belongs to it.
        check(MarkKind::Length, &l, (10.0, 16.0), 2.0);
        let r = [(10.0, 10.0), (50.0, 10.0), (50.0, 40.0)];
        // The side that closes a rectangle.
        check(MarkKind::Rectangle, &r, (12.0, 30.0), 2.0);
        check(MarkKind::Angle, &r, (30.0, 25.0), 15.0);
        // The end of the axis of an ellipse is one of its points.
        check(
            MarkKind::Ellipse,
            &[(30.0, 30.0), (50.0, 30.0), (30.0, 40.0)],
            (10.0, 30.0),
            0.0,
        );
        check(
            MarkKind::Circle,
            &[(30.0, 30.0), (50.0, 30.0)],
            (30.0, 52.0),
            2.0,
        );
        check(
            MarkKind::Perpendicular,
            &[(30.0, 40.0), (10.0, 10.0), (50.0, 10.0)],
            (30.0, 20.0),
            0.0,
        );
        let p = [(10.0, 10.0), (50.0, 10.0), (30.0, 50.0)];
        check(MarkKind::Polygon, &p, (20.0, 30.0), 0.0);
        check(
            MarkKind::Polyline,
            &p,
            (20.0, 30.0),
            500f64.sqrt().min(10.0 * 5f64.sqrt() * 0.8),
        );
    }

    #[test]
    fn two_corners_of_pixels_follow_the_rows_when_the_view_is_turned() {
        let turned = Lens::new(glam::DAffine3 {
            matrix3: glam::DMat3::from_cols(DVec3::Y, DVec3::NEG_X, DVec3::Z),
            translation: DVec3::ZERO,
        })
        .unwrap();
        let points = vec![DVec3::new(2.0, 3.0, 0.0), DVec3::new(7.0, 9.0, 0.0)];
        let shape = Shape {
            kind: MarkKind::Rectangle,
            points,
        };
        let lines = strokes(&shape, &turned, 1.0);
        let corners: Vec<DVec3> = lines[0].points.iter().map(|p| turned.point(*p)).collect();
        let expected = [(2.0, 3.0), (7.0, 3.0), (7.0, 9.0), (2.0, 9.0)];
        for (found, (x, y)) in corners.iter().zip(expected) {
            assert!(found.distance(DVec3::new(x, y, 0.0)) < 1e-12);
        }
    }

    #[test]
    fn round_lines_have_as_many_pieces_as_can_be_seen() {
        for (radius, pieces) in [(0.5, 16), (10.0, 24), (40.0, 48), (400.0, 144), (1e6, 256)] {
            let points = ellipse(DVec2::ZERO, DVec2::X * radius, DVec2::Y * radius);
            assert_eq!(points.len(), pieces, "{radius}");
            let middle = (points[0] + points[1]) * 0.5;
            let off = radius - middle.length();
            assert!(off <= ROUND_PX || pieces == *ROUND.end(), "{radius}: {off}");
            assert!(points.contains(&(DVec2::X * radius)));
        }
    }
}
