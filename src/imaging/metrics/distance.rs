//! Distances between the surfaces of two masks.
//!
//! They are 0 when both masks are empty and do not exist (`None`) when exactly one is.

use std::ops::Range;

/// Distances between the surfaces of two masks, in the unit of the spacing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SurfaceDistances {
    /// 95th percentile (linear between ranks) of all distances from either surface to the other.
    pub hd95: f64,
    /// Largest of these distances: the Hausdorff distance.
    pub hausdorff: f64,
    /// Average symmetric surface distance: the mean of the same distances (Heimann et al. 2009).
    pub assd: f64,
}

/// Surface distances of two masks on a grid of one to three axes.
///
/// `shape` and `spacing` are outermost first (slices, rows, columns). The surface of a mask is its pixels that
/// have a direct neighbour outside the mask; beyond the edge of the grid is outside. These are the definitions
/// of MedPy's `hd95` and `assd`. `None` when exactly one mask is empty, or the arguments do not fit.
pub fn surface_distances(
    truth: &[bool],
    predicted: &[bool],
    shape: &[usize],
    spacing: &[f64],
) -> Option<SurfaceDistances> {
    let count = shape
        .iter()
        .try_fold(1usize, |n, &side| n.checked_mul(side))?;
    let fits = (1..=3).contains(&shape.len())
        && shape.len() == spacing.len()
        && truth.len() == count
        && predicted.len() == count
        && spacing.iter().all(|s| s.is_finite() && *s > 0.0);
    if !fits {
        return None;
    }
    let full = shape;
    match (truth.iter().any(|&v| v), predicted.iter().any(|&v| v)) {
        (false, false) => {
            return Some(SurfaceDistances {
                hd95: 0.0,
                hausdorff: 0.0,
                assd: 0.0,
            });
        }
        (true, true) => {}
        _ => return None,
    }
    // Distances lie between marked pixels, so what is around all of them is not needed.
    let part = bounds(truth, predicted, shape);
    let shape: &[usize] = &part.iter().map(|p| p.len()).collect::<Vec<_>>();
    let (truth, predicted) = (cropped(truth, full, &part), cropped(predicted, full, &part));
    let (a, b) = (surface(&truth, shape), surface(&predicted, shape));
    let from = |surface: &[bool], other: &[bool]| -> Vec<f64> {
        let squared = squared_distances(other, shape, spacing);
        surface
            .iter()
            .zip(&squared)
            .filter(|(on, _)| **on)
            .map(|(_, d)| d.sqrt())
            .collect()
    };
    let mut all = from(&a, &b);
    all.extend(from(&b, &a));
    all.sort_unstable_by(f64::total_cmp);
    Some(SurfaceDistances {
        hd95: percentile(&all, 0.95)?,
        hausdorff: all.last().copied()?,
        assd: all.iter().sum::<f64>() / all.len() as f64,
    })
}

/// Linear between ranks of sorted values, as NumPy's default.
pub(in crate::imaging) fn percentile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = share * (sorted.len().checked_sub(1)?) as f64;
    let low = place.floor();
    let a = *sorted.get(low as usize)?;
    let b = sorted.get(low as usize + 1).copied().unwrap_or(a);
    Some(a + (b - a) * (place - low))
}

fn strides(shape: &[usize]) -> Vec<usize> {
    let mut step = 1;
    let mut out: Vec<usize> = shape
        .iter()
        .rev()
        .map(|&side| {
            let this = step;
            step *= side;
            this
        })
        .collect();
    out.reverse();
    out
}

/// The smallest box that holds all marked pixels of two masks, of which one is not empty.
fn bounds(a: &[bool], b: &[bool], shape: &[usize]) -> Vec<Range<usize>> {
    let axes: Vec<(usize, usize)> = shape.iter().copied().zip(strides(shape)).collect();
    let mut found: Vec<Range<usize>> = shape.iter().map(|&side| side..0).collect();
    for (index, _) in a.iter().zip(b).enumerate().filter(|(_, (a, b))| **a || **b) {
        for (&(side, step), range) in axes.iter().zip(&mut found) {
            let place = index / step % side;
            *range = range.start.min(place)..range.end.max(place + 1);
        }
    }
    found
}

fn cropped(mask: &[bool], shape: &[usize], part: &[Range<usize>]) -> Vec<bool> {
    let Some((along, outer)) = part.split_last() else {
        return mask.to_vec();
    };
    let mut starts = vec![0];
    for (range, step) in outer.iter().zip(strides(shape)) {
        let places = |at: usize| range.clone().map(move |place| at + place * step);
        starts = starts.into_iter().flat_map(places).collect();
    }
    let row = |at: usize| mask.get(at + along.start..at + along.end).unwrap_or(&[]);
    starts.into_iter().flat_map(row).copied().collect()
}

fn surface(mask: &[bool], shape: &[usize]) -> Vec<bool> {
    let inside = |index: usize| mask.get(index).copied().unwrap_or(false);
    let axes: Vec<(usize, usize)> = shape.iter().copied().zip(strides(shape)).collect();
    (0..mask.len())
        .map(|index| {
            inside(index)
                && axes.iter().any(|&(side, step)| {
                    let place = index / step % side;
                    place == 0
                        || place + 1 == side
                        || !inside(index - step)
                        || !inside(index + step)
                })
        })
        .collect()
}

/// Squared Euclidean distance of every pixel to the nearest marked one: one pass of lower envelopes of parabolas
/// an axis (Felzenszwalb and Huttenlocher 2012). Some pixel must be marked.
fn squared_distances(marked: &[bool], shape: &[usize], spacing: &[f64]) -> Vec<f64> {
    let mut distance: Vec<f64> = marked
        .iter()
        .map(|&m| if m { 0.0 } else { f64::INFINITY })
        .collect();
    for ((&side, step), &spacing) in shape.iter().zip(strides(shape)).zip(spacing) {
        let mut line = vec![0.0; side];
        for start in 0..distance.len() {
            if start / step % side != 0 {
                continue;
            }
            let places = || (0..side).map(|i| start + i * step);
            for (value, place) in line.iter_mut().zip(places()) {
                *value = distance.get(place).copied().unwrap_or(f64::INFINITY);
            }
            for (value, place) in envelope(&line, spacing).into_iter().zip(places()) {
                if let Some(slot) = distance.get_mut(place) {
                    *slot = value;
                }
            }
        }
    }
    distance
}

/// `min over q of (spacing (p - q))² + f(q)` for each `p`.
fn envelope(f: &[f64], spacing: f64) -> Vec<f64> {
    let square = spacing * spacing;
    // Parabolas of the envelope: apex, height, and where each begins to be the lowest.
    let mut hull: Vec<(f64, f64, f64)> = Vec::with_capacity(f.len());
    for (q, &height) in f.iter().enumerate() {
        if height.is_infinite() {
            continue;
        }
        let q = q as f64;
        let mut begin = f64::NEG_INFINITY;
        while let Some(&(apex, low, from)) = hull.last() {
            begin = ((height + square * q * q) - (low + square * apex * apex))
                / (2.0 * square * (q - apex));
            if begin > from {
                break;
            }
            hull.pop();
            begin = f64::NEG_INFINITY;
        }
        hull.push((q, height, begin));
    }
    let mut current = 0;
    (0..f.len())
        .map(|p| {
            let p = p as f64;
            while hull.get(current + 1).is_some_and(|next| next.2 <= p) {
                current += 1;
            }
            hull.get(current)
                .map_or(f64::INFINITY, |&(apex, height, _)| {
                    square * (p - apex).powi(2) + height
                })
        })
        .collect()
}
