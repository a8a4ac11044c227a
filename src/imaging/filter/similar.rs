//! Averages whose weights depend on how alike values are.

use super::{FilterPlane, mirrored, reflected};
use crate::task::CancelToken;
use rayon::prelude::*;

/// `skimage.restoration.denoise_bilateral(image, win_size=2 n + 1, sigma_color=range, sigma_spatial=sigma,
/// mode="symmetric")` with `n = max(2, ceil(3 sigma))`, with weights computed instead of looked up in `bins`, and with
/// the spatial weights where they belong: version 0.26 lays its table out one column too wide for odd windows.
pub(super) fn bilateral(
    plane: &FilterPlane,
    sigma: f64,
    range: f64,
    cancel: &CancelToken,
) -> Option<FilterPlane> {
    let reach = ((3.0 * sigma).ceil() as isize).max(2);
    let spatial = |at: isize| (-0.5 * (at * at) as f64 / (sigma * sigma)).exp();
    let weights: Vec<f64> = (-reach..=reach).map(spatial).collect();
    let alike = -0.5 / (range * range);
    plane.mapped(cancel, |column, row, middle| {
        let (mut sum, mut weight) = (0.0, 0.0);
        for (j, down) in weights.iter().enumerate() {
            let row = reflected(row as isize + j as isize - reach, plane.rows);
            for (i, across) in weights.iter().enumerate() {
                let column = reflected(column as isize + i as isize - reach, plane.columns);
                let value = plane.at(column, row);
                if !value.is_nan() {
                    let difference = value - middle;
                    let part = down * across * (alike * difference * difference).exp();
                    sum += part * value;
                    weight += part;
                }
            }
        }
        sum / weight
    })
}

/// Patches further apart than this have no weight.
const FURTHEST: f64 = 5.0;

/// Rows that are computed together.
const BAND: usize = 16;

/// `skimage.restoration.denoise_nl_means(image, patch_size=patch, patch_distance=distance, h=strength,
/// fast_mode=False, sigma=0, preserve_range=True)`, the classic algorithm: patches with Gaussian weights, mirrored at
/// the borders (`mirror`), compared with those whose middle lies in the image; the comparison of two ends after the
/// row in which their distance passes 5. A patch's pixel that has no value counts as equal.
pub(super) fn non_local_means(
    plane: &FilterPlane,
    strength: f64,
    patch: usize,
    distance: usize,
    cancel: &CancelToken,
) -> Option<FilterPlane> {
    let half = patch / 2;
    let columns = plane.columns;
    // A Gaussian of a quarter of the patch, all weights together 1 / strength².
    let deviation = (2 * half) as f64 / 4.0;
    let gauss: Vec<f64> = (0..=2 * half)
        .map(|i| (-(i as f64 - half as f64).powi(2) / (2.0 * deviation * deviation)).exp())
        .collect();
    let total: f64 = gauss.iter().sum();
    let gauss: Vec<f64> = gauss.iter().map(|w| w / (total * strength)).collect();
    let padded = Padded::new(plane, half);
    let mut done = plane.clone();
    let bands = done.values.par_chunks_mut(columns * BAND).enumerate();
    bands.for_each(|(band, out)| {
        let mut work = Work::new(&padded, &gauss, band * BAND, out.len() / columns.max(1));
        let reach = distance as isize;
        for down in -reach..=reach {
            if cancel.is_cancelled() {
                return;
            }
            for across in -reach..=reach {
                work.compare(across, down);
            }
        }
        for (value, (sum, weight)) in out.iter_mut().zip(work.sums) {
            if !value.is_nan() {
                *value = sum / weight;
            }
        }
    });
    (!cancel.is_cancelled()).then_some(done)
}

/// A plane with half a patch around it.
struct Padded {
    columns: usize,
    rows: usize,
    half: usize,
    width: usize,
    values: Vec<f64>,
}

impl Padded {
    fn new(plane: &FilterPlane, half: usize) -> Self {
        let [columns, rows] = plane.size();
        let (width, height) = (columns + 2 * half, rows + 2 * half);
        let back = |index: usize, size| mirrored(index as isize - half as isize, size);
        let values = (0..height)
            .flat_map(|y| (0..width).map(move |x| (x, y)))
            .map(|(x, y)| plane.at(back(x, columns), back(y, rows)))
            .collect();
        Self {
            columns,
            rows,
            half,
            width,
            values,
        }
    }

    /// A row of the padded plane, counted from its top.
    fn row(&self, row: usize) -> &[f64] {
        let start = row * self.width;
        self.values
            .get(start..start + self.width)
            .unwrap_or_default()
    }
}

/// What a band of rows gathers.
struct Work<'a> {
    padded: &'a Padded,
    gauss: &'a [f64],
    first: usize,
    rows: usize,
    /// Weighted squares of differences, summed along the rows of the padded band.
    along: Vec<f64>,
    squares: Vec<f64>,
    sums: Vec<(f64, f64)>,
}

impl<'a> Work<'a> {
    fn new(padded: &'a Padded, gauss: &'a [f64], first: usize, rows: usize) -> Self {
        Self {
            padded,
            gauss,
            first,
            rows,
            along: vec![0.0; (rows + 2 * padded.half) * padded.columns],
            squares: vec![0.0; padded.width],
            sums: vec![(0.0, 0.0); rows * padded.columns],
        }
    }

    /// Adds the pixels at an offset from each of the band, weighted by how alike the patches are.
    fn compare(&mut self, across: isize, down: isize) {
        let padded = self.padded;
        let (columns, half) = (padded.columns, padded.half);
        // Rows of the band whose partner is in the image; columns likewise.
        let inside = |size: usize, by: isize| {
            let from = (-by).max(0) as usize;
            let to = (size as isize - by.max(0)).max(0) as usize;
            (from.min(size), to)
        };
        let (left, right) = inside(columns, across);
        let (top, bottom) = inside(padded.rows, down);
        let from = top.max(self.first) - self.first;
        let to = bottom
            .min(self.first + self.rows)
            .saturating_sub(self.first);
        if left >= right || from >= to {
            return;
        }
        // Rows of the padded band that patches reach: `from` to `to + 2 half`.
        for row in from..to + 2 * half {
            let own = padded.row(self.first + row);
            let other = padded.row((self.first as isize + row as isize + down).max(0) as usize);
            let other = other.iter().skip((left as isize + across) as usize);
            let squares = self
                .squares
                .iter_mut()
                .skip(left)
                .take(right - left + 2 * half);
            for ((square, a), b) in squares.zip(own.iter().skip(left)).zip(other) {
                let difference = a - b;
                *square = if difference.is_nan() {
                    0.0
                } else {
                    difference * difference
                };
            }
            let sums = self.along.iter_mut().skip(row * columns);
            for (column, sum) in sums.enumerate().take(right).skip(left) {
                let squares = self.squares.iter().skip(column);
                *sum = self.gauss.iter().zip(squares).map(|(w, s)| w * s).sum();
            }
        }
        for row in from..to {
            let partner = padded.row((self.first as isize + row as isize + down) as usize + half);
            for column in left..right {
                let lines = self
                    .along
                    .iter()
                    .skip(row * columns + column)
                    .step_by(columns);
                let (mut sum, mut before) = (0.0, 0.0);
                for (weight, part) in self.gauss.iter().zip(lines) {
                    before = sum;
                    sum += weight * part;
                }
                let at = (column + half) as isize + across;
                let value = partner.get(at as usize).copied().unwrap_or(f64::NAN);
                if before <= FURTHEST
                    && !value.is_nan()
                    && let Some((values, weights)) = self.sums.get_mut(row * columns + column)
                {
                    let weight = (-sum).exp();
                    *values += weight * value;
                    *weights += weight;
                }
            }
        }
    }
}
