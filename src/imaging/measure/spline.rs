//! Closed centripetal Catmull-Rom splines: a smooth outline through all given points.
//!
//! Each piece is a cubic between two points, with tangents from the neighbours; knots lie apart by the square root of
//! the points' distance (Barry and Goldman's form with α = 1/2), which makes no loop or cusp inside a piece.
//! Its area is exact: the integrand is a polynomial of degree 5, which Gauss-Legendre with 3 places integrates without
//! error. Its length is integrated with 5 places in 64 parts of each piece.

use super::exact_sum;
use glam::DVec2;

/// Straight steps of a piece, where pixels are looked up.
const CHORDS: usize = 32;
/// Parts of a piece, where its length is summed.
const PARTS: usize = 64;

/// Places and weights of Gauss-Legendre on 0 to 1.
const GAUSS_3: [(f64, f64); 3] = [
    (0.112_701_665_379_258_3, 5.0 / 18.0),
    (0.5, 8.0 / 18.0),
    (0.887_298_334_620_741_7, 5.0 / 18.0),
];
const GAUSS_5: [(f64, f64); 5] = [
    (0.046_910_077_030_668, 0.118_463_442_528_094_5),
    (0.230_765_344_947_158_46, 0.239_314_335_249_683_23),
    (0.5, 0.284_444_444_444_444_4),
    (0.769_234_655_052_841_6, 0.239_314_335_249_683_23),
    (0.953_089_922_969_332, 0.118_463_442_528_094_5),
];

/// A cubic: value and slope at both ends, over 0 to 1.
struct Piece {
    ends: [DVec2; 2],
    slopes: [DVec2; 2],
}

impl Piece {
    fn at(&self, t: f64) -> DVec2 {
        let ([p, q], [m, n]) = (self.ends, self.slopes);
        let s = 1.0 - t;
        (p * (1.0 + 2.0 * t) + m * t) * (s * s) + (q * (3.0 - 2.0 * t) - n * s) * (t * t)
    }

    fn slope(&self, t: f64) -> DVec2 {
        let ([p, q], [m, n]) = (self.ends, self.slopes);
        let s = 1.0 - t;
        (q - p) * (6.0 * t * s) + m * (s * (1.0 - 3.0 * t)) - n * (t * (2.0 - 3.0 * t))
    }
}

/// The pieces through all points, which differ from their neighbours.
fn pieces(points: &[DVec2]) -> Vec<Piece> {
    let count = points.len();
    let at = |i: usize| points.get(i % count).copied().unwrap_or_default();
    (0..count)
        .map(|i| {
            let [a, b, c, d] = [at(i + count - 1), at(i), at(i + 1), at(i + 2)];
            let knot = |p: DVec2, q: DVec2| p.distance(q).sqrt();
            let (before, here, after) = (knot(a, b), knot(b, c), knot(c, d));
            let tangent = |p: DVec2, q: DVec2, r: DVec2, s: f64, t: f64| {
                ((q - p) / s - (r - p) / (s + t) + (r - q) / t) * here
            };
            Piece {
                ends: [b, c],
                slopes: [
                    tangent(a, b, c, before, here),
                    tangent(b, c, d, here, after),
                ],
            }
        })
        .collect()
}

/// What a spline comes to.
pub(super) struct Spline {
    /// Straight steps, for looking up pixels.
    pub path: Vec<DVec2>,
    /// Area of an outline that does not cross itself.
    pub area: f64,
    /// Length of the curve.
    pub perimeter: f64,
}

/// The spline through at least three points, neighbours differing.
pub(super) fn spline(points: &[DVec2]) -> Spline {
    let first = points.first().copied().unwrap_or_default();
    let pieces = pieces(points);
    let area = exact_sum(pieces.iter().flat_map(|piece| {
        GAUSS_3.map(|(t, weight)| 0.5 * weight * (piece.at(t) - first).perp_dot(piece.slope(t)))
    }));
    let perimeter = exact_sum(pieces.iter().flat_map(|piece| {
        (0..PARTS).flat_map(move |part| {
            GAUSS_5.map(|(t, weight)| {
                let t = (part as f64 + t) / PARTS as f64;
                weight / PARTS as f64 * piece.slope(t).length()
            })
        })
    }));
    Spline {
        path: chords(&pieces, CHORDS),
        area: area.abs(),
        perimeter,
    }
}

fn chords(pieces: &[Piece], steps: usize) -> Vec<DVec2> {
    pieces
        .iter()
        .flat_map(|piece| (0..steps).map(move |k| piece.at(k as f64 / steps as f64)))
        .collect()
}

/// The curve in straight steps, for drawing it. Points that coincide with their neighbours are left out.
pub fn spline_path(points: &[DVec2]) -> Vec<DVec2> {
    let mut knots: Vec<DVec2> = points.to_vec();
    knots.dedup();
    if knots.len() > 1 && knots.first() == knots.last() {
        knots.pop();
    }
    match knots.len() {
        0..=2 => knots,
        _ => chords(&pieces(&knots), CHORDS / 2),
    }
}

/// Most points of a spline, so that its straight steps stay within what an outline may have.
pub(super) const MAX_KNOTS: usize = super::MAX_POINTS / CHORDS;

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::{PI, TAU};

    #[test]
    fn a_spline_through_a_circle_is_nearly_one() {
        let circle = |n: u32| -> Vec<DVec2> {
            (0..n)
                .map(|i| DVec2::from_angle(f64::from(i) * TAU / f64::from(n)) * 10.0)
                .collect()
        };
        for (n, tolerance) in [(16, 2e-3), (64, 1e-5)] {
            let found = spline(&circle(n));
            assert!((found.area / (100.0 * PI) - 1.0).abs() < tolerance);
            assert!((found.perimeter / (20.0 * PI) - 1.0).abs() < tolerance);
        }
    }

    #[test]
    fn area_and_length_are_those_of_many_small_steps() {
        let points =
            [(0., 0.), (10., 1.), (11., 7.), (6., 5.), (1., 9.)].map(|(x, y)| DVec2::new(x, y));
        let found = spline(&points);
        let fine: Vec<DVec2> = pieces(&points)
            .iter()
            .flat_map(|piece| (0..20_000).map(|k| piece.at(f64::from(k) / 20_000.0)))
            .collect();
        let steps = crate::imaging::measure::crossing::edges(&fine);
        let (mut area, mut length) = (0.0, 0.0);
        for [a, b] in steps {
            area += 0.5 * a.perp_dot(b);
            length += a.distance(b);
        }
        assert!((found.area / area - 1.0).abs() < 1e-8);
        assert!((found.perimeter / length - 1.0).abs() < 1e-8);
        // It goes through its points.
        for (i, p) in points.iter().enumerate() {
            assert!(found.path[i * CHORDS].distance(*p) < 1e-12);
        }
    }
}
