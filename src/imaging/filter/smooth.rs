//! Averages with fixed weights, along rows and columns one after the other.

use super::{FilterPlane, reflected};
use crate::task::CancelToken;
use rayon::prelude::*;

/// Weights of a Gaussian from `-n` to `n`, their sum 1, cut off at four deviations as scipy does: `n` is
/// `int(4 sigma + 0.5)`.
pub fn gaussian_kernel(sigma: f64) -> Vec<f64> {
    let reach = (4.0 * sigma + 0.5).clamp(0.0, 1000.0) as i32;
    let weight = |at: i32| (-0.5 * f64::from(at).powi(2) / (sigma * sigma)).exp();
    let sum: f64 = (-reach..=reach).map(weight).sum();
    (-reach..=reach).map(|at| weight(at) / sum).collect()
}

/// `scipy.ndimage.gaussian_filter(image, sigma, mode="reflect", truncate=4)`, which
/// `skimage.filters.gaussian(…, mode="reflect", preserve_range=True)` calls.
pub(super) fn gaussian(
    plane: &FilterPlane,
    sigma: f64,
    cancel: &CancelToken,
) -> Option<FilterPlane> {
    separable(plane, &gaussian_kernel(sigma), cancel)
}

/// `scipy.ndimage.uniform_filter(image, 2 radius + 1, mode="reflect")`.
pub(super) fn mean(
    plane: &FilterPlane,
    radius: usize,
    cancel: &CancelToken,
) -> Option<FilterPlane> {
    let size = 2 * radius + 1;
    separable(plane, &vec![1.0 / size as f64; size], cancel)
}

/// `skimage.filters.unsharp_mask(image, radius, amount, preserve_range=True)`.
pub(super) fn unsharp(
    plane: &FilterPlane,
    radius: f64,
    amount: f64,
    cancel: &CancelToken,
) -> Option<FilterPlane> {
    let blurred = gaussian(plane, radius, cancel)?;
    plane.mapped(cancel, |column, row, value| {
        value + (value - blurred.at(column, row)) * amount
    })
}

/// A value times its weight, and the weight.
type Weighted = (f64, f64);

/// Weighted sums over a square window whose weights are products, with what has no value left out.
fn separable(plane: &FilterPlane, kernel: &[f64], cancel: &CancelToken) -> Option<FilterPlane> {
    let reach = (kernel.len() / 2) as isize;
    let columns = plane.columns;
    let mut along: Vec<Weighted> = vec![(0.0, 0.0); plane.values.len()];
    let lines = along.par_chunks_mut(columns);
    lines
        .zip(plane.values.par_chunks(columns))
        .for_each(|(out, line)| {
            if cancel.is_cancelled() {
                return;
            }
            for (column, out) in out.iter_mut().enumerate() {
                for (place, weight) in kernel.iter().enumerate() {
                    let at = reflected(column as isize + place as isize - reach, columns);
                    if let Some(value) = line.get(at).filter(|v| !v.is_nan()) {
                        out.0 += weight * value;
                        out.1 += weight;
                    }
                }
            }
        });
    let mut done = plane.clone();
    done.values
        .par_chunks_mut(columns)
        .enumerate()
        .for_each(|(row, line)| {
            if cancel.is_cancelled() {
                return;
            }
            let mut sums: Vec<Weighted> = vec![(0.0, 0.0); columns];
            for (place, weight) in kernel.iter().enumerate() {
                let at = reflected(row as isize + place as isize - reach, plane.rows);
                let source = along.iter().skip(at * columns);
                for (sum, part) in sums.iter_mut().zip(source) {
                    sum.0 += weight * part.0;
                    sum.1 += weight * part.1;
                }
            }
            for (value, sum) in line.iter_mut().zip(sums) {
                if !value.is_nan() {
                    *value = sum.0 / sum.1;
                }
            }
        });
    (!cancel.is_cancelled()).then_some(done)
}
