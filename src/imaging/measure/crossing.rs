//! Outlines that cross or touch themselves, and the area that the even-odd rule gives them.
//!
//! The sum of cross products gives an eight no area at all, since its loops run opposite ways. The area here is that
//! of the pixels that count: a place is inside when a ray from it meets the outline an odd number of times.

use super::{MeasureError, exact_sum, spend};
use glam::DVec2;

/// Most crossings that are kept.
const MAX_CROSSINGS: usize = 1_000_000;

/// What became of an outline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Examined {
    /// Area by the even-odd rule.
    pub area: f64,
    /// Pairs of edges that meet beside their common corner.
    pub meetings: usize,
}

/// Area of a closed outline and how often it meets itself.
pub(super) fn examine(points: &[DVec2], work: &mut u64) -> Result<Examined, MeasureError> {
    let (meetings, heights) = meetings(points, work)?;
    let area = if meetings == 0 {
        signed_area(points).abs()
    } else {
        even_odd_area(points, heights, work)?
    };
    Ok(Examined { area, meetings })
}

/// Edges of a closed outline.
pub(super) fn edges(points: &[DVec2]) -> impl Iterator<Item = [DVec2; 2]> + '_ {
    points
        .iter()
        .zip(points.iter().cycle().skip(1))
        .map(|(a, b)| [*a, *b])
}

/// Half the sum of cross products, about the first point so that far-away outlines lose nothing.
fn signed_area(points: &[DVec2]) -> f64 {
    let first = points.first().copied().unwrap_or_default();
    0.5 * exact_sum(edges(points).map(|[a, b]| (a - first).perp_dot(b - first)))
}

/// Indices of the edges, by their lowest y.
fn by_height(all: &[[DVec2; 2]]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..all.len()).collect();
    let low = |i: &usize| all.get(*i).map_or(0.0, |[a, b]| a.y.min(b.y));
    order.sort_by(|i, j| low(i).total_cmp(&low(j)));
    order
}

/// How many pairs of edges meet, and the y of each place.
fn meetings(points: &[DVec2], work: &mut u64) -> Result<(usize, Vec<f64>), MeasureError> {
    let all: Vec<[DVec2; 2]> = edges(points).collect();
    let count = all.len();
    let mut active: Vec<(usize, [DVec2; 2])> = Vec::new();
    let (mut found, mut heights) = (0, Vec::new());
    for i in by_height(&all) {
        let Some(&edge) = all.get(i) else { continue };
        let low = edge[0].y.min(edge[1].y);
        active.retain(|(_, [a, b])| a.y.max(b.y) >= low);
        spend(work, active.len() as u64 + 1)?;
        for (j, other) in &active {
            let apart = i.abs_diff(*j);
            let met = if apart == 1 || apart + 1 == count {
                folds_back(edge, *other)
            } else {
                meet(edge, *other)
            };
            if let Some(y) = met {
                found += 1;
                heights.push(y);
                if found > MAX_CROSSINGS {
                    return Err(MeasureError::TooComplex);
                }
            }
        }
        active.push((i, edge));
    }
    Ok((found, heights))
}

/// Neighbours share a corner; they meet elsewhere only when one runs back along the other.
fn folds_back([a, b]: [DVec2; 2], [c, d]: [DVec2; 2]) -> Option<f64> {
    let (corner, u, v) = if b == c {
        (b, a - b, d - b)
    } else {
        (a, b - a, c - a)
    };
    let flat = u.perp_dot(v).abs() <= 1e-12 * u.length() * v.length();
    (flat && u.dot(v) > 0.0).then_some(corner.y)
}

/// Where two edges without a common corner cross or touch.
fn meet([a, b]: [DVec2; 2], [c, d]: [DVec2; 2]) -> Option<f64> {
    let overlap = |p: f64, q: f64, r: f64, s: f64| p.min(q) <= r.max(s) && r.min(s) <= p.max(q);
    if !overlap(a.x, b.x, c.x, d.x) || !overlap(a.y, b.y, c.y, d.y) {
        return None;
    }
    let (u, v) = (b - a, d - c);
    let (sc, sd) = (u.perp_dot(c - a), u.perp_dot(d - a));
    let (sa, sb) = (v.perp_dot(a - c), v.perp_dot(b - c));
    let apart = |s: f64, t: f64| (s > 0.0 && t > 0.0) || (s < 0.0 && t < 0.0);
    if apart(sc, sd) || apart(sa, sb) {
        return None;
    }
    // On one line the corners are where they meet; those are known already.
    let slope = sa - sb;
    Some(if slope == 0.0 {
        a.y
    } else {
        a.y + u.y * (sa / slope)
    })
}

/// Even-odd area: between two neighbouring heights of corners and crossings no edges cross, so the outline is made of
/// trapezia there.
fn even_odd_area(
    points: &[DVec2],
    mut heights: Vec<f64>,
    work: &mut u64,
) -> Result<f64, MeasureError> {
    let all: Vec<[DVec2; 2]> = edges(points).collect();
    heights.extend(points.iter().map(|p| p.y));
    heights.sort_by(f64::total_cmp);
    heights.dedup();
    let mut waiting = by_height(&all).into_iter().peekable();
    let mut active: Vec<[DVec2; 2]> = Vec::new();
    let mut areas = Vec::with_capacity(heights.len());
    let mut crossed: Vec<f64> = Vec::new();
    for [low, high] in heights.array_windows() {
        while let Some(edge) = waiting
            .peek()
            .and_then(|i| all.get(*i))
            .filter(|[a, b]| a.y.min(b.y) <= *low)
        {
            active.push(*edge);
            waiting.next();
        }
        active.retain(|[a, b]| a.y.max(b.y) >= *high);
        spend(work, active.len() as u64 + 1)?;
        let middle = 0.5 * (low + high);
        crossed.clear();
        crossed.extend(
            active
                .iter()
                .map(|[a, b]| a.x + (b.x - a.x) * ((middle - a.y) / (b.y - a.y))),
        );
        crossed.sort_by(f64::total_cmp);
        let width: f64 = crossed.as_chunks::<2>().0.iter().map(|[l, r]| r - l).sum();
        areas.push(width * (high - low));
    }
    Ok(exact_sum(areas.into_iter()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::measure::MAX_WORK;

    fn check(points: &[(f64, f64)], area: f64, meets: bool) {
        for (dx, dy) in [(0.0, 0.0), (12345.678, -987.125)] {
            let moved: Vec<DVec2> = points
                .iter()
                .map(|(x, y)| DVec2::new(x + dx, y + dy))
                .collect();
            let found = examine(&moved, &mut MAX_WORK.clone()).unwrap();
            assert!((found.area - area).abs() < 1e-7, "{found:?} {area}");
            assert_eq!(found.meetings > 0, meets, "{points:?}");
            let turned: Vec<DVec2> = moved.iter().rev().map(|p| DVec2::new(p.y, p.x)).collect();
            let found = examine(&turned, &mut MAX_WORK.clone()).unwrap();
            assert!((found.area - area).abs() < 1e-7, "{found:?} {area}");
        }
    }

    #[test]
    fn areas_count_by_the_even_odd_rule() {
        check(&[(0., 0.), (4., 0.), (4., 3.)], 6.0, false);
        check(
            &[(0., 0.), (1., 0.), (2., 0.), (2., 2.), (0., 2.)],
            4.0,
            false,
        );
        // An eight: two triangles.
        check(&[(0., 0.), (4., 4.), (4., 0.), (0., 4.)], 8.0, true);
        // A square run round twice, the second time smaller: a frame.
        let twice = [
            (0., 0.),
            (6., 0.),
            (6., 6.),
            (0., 6.),
            (0., 0.),
            (2., 2.),
            (4., 2.),
            (4., 4.),
            (2., 4.),
            (2., 2.),
        ];
        check(&twice, 32.0, true);
        // A pentagram: the even-odd rule leaves its middle out.
        let star: Vec<(f64, f64)> = (0..5)
            .map(|i| (f64::from(i) * 0.8 * std::f64::consts::PI).sin_cos())
            .collect();
        let tau = std::f64::consts::TAU;
        // Regular pentagram of circumradius 1: five tips, each a triangle on a side of the inner pentagon.
        let r = (tau / 5.0).cos() / (tau / 10.0).cos();
        let side = 2.0 * r * (tau / 10.0).sin();
        let height = 1.0 - r * (tau / 10.0).cos();
        check(&star, 5.0 * 0.5 * side * height, true);
        // A spike out and back has no area, but is not simple.
        check(
            &[(0., 0.), (2., 0.), (5., 0.), (2., 0.), (2., 2.), (0., 2.)],
            4.0,
            true,
        );
        // Touching at a corner.
        check(
            &[(0., 0.), (4., 0.), (2., 2.), (4., 4.), (0., 4.), (2., 2.)],
            8.0,
            true,
        );
    }

    #[test]
    fn a_tangle_ends_in_time() {
        let comb: Vec<DVec2> = (0..100_000)
            .map(|i| DVec2::new(f64::from(i), f64::from(i % 2) * 1000.0))
            .collect();
        let found = examine(&comb, &mut MAX_WORK.clone());
        assert_eq!(found, Err(MeasureError::TooComplex));
        let hand: Vec<DVec2> = (0..100_000)
            .map(|i| DVec2::from_angle(f64::from(i) * std::f64::consts::TAU / 1e5) * 80.0)
            .collect();
        let found = examine(&hand, &mut MAX_WORK.clone()).unwrap();
        assert_eq!(found.meetings, 0);
        assert!((found.area / (std::f64::consts::PI * 6400.0) - 1.0).abs() < 1e-8);
    }
}
