//! The line in which one slice crosses the plane of another.

use super::SlicePlane;
use glam::DVec3;

/// Planes closer to parallel than this have no line worth drawing: sine of 3°.
const PARALLEL: f64 = 0.052_336;

/// Where the rectangle of a slice meets a plane (a point of it and its unit normal): the two ends, patient millimetres.
/// `None` when it does not reach the plane, or lies almost in parallel to it.
pub fn crossing(slice: &SlicePlane, through: DVec3, normal: DVec3) -> Option<[DVec3; 2]> {
    let steepness = slice.normal().cross(normal).length();
    if !steepness.is_finite() || steepness < PARALLEL {
        return None;
    }
    // Points of the rectangle are centre + s·half_row + t·half_column with s and t from -1 to 1; in the plane lie those
    // with above + s·by_s + t·by_t = 0.
    let above = (slice.centre - through).dot(normal);
    let by_s = slice.half_row.dot(normal);
    let by_t = slice.half_column.dot(normal);
    let square = by_s * by_s + by_t * by_t;
    if square <= 0.0 {
        return None;
    }
    let foot = [-above * by_s / square, -above * by_t / square];
    let along = [-by_t, by_s].map(|v| v / square.sqrt());
    let (mut from, mut to) = (f64::NEG_INFINITY, f64::INFINITY);
    for (foot, along) in foot.into_iter().zip(along) {
        if along.abs() < 1e-12 {
            if foot.abs() > 1.0 {
                return None;
            }
            continue;
        }
        let ends = [(-1.0 - foot) / along, (1.0 - foot) / along];
        from = from.max(ends[0].min(ends[1]));
        to = to.min(ends[0].max(ends[1]));
    }
    if !(from < to && from.is_finite() && to.is_finite()) {
        return None;
    }
    let at = |w: f64| {
        let [s, t] = [foot[0] + along[0] * w, foot[1] + along[1] * w];
        slice.centre + slice.half_row * s + slice.half_column * t
    };
    Some([at(from), at(to)])
}
