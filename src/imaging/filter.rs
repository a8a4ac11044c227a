//! Filters over a plane of modality values, in f64: the reference of the passes of `render::filter`.
//!
//! Each equals a function of scikit-image or scipy (docs/filters.md, tests/suite/filters.rs): the function, how it goes
//! on beyond the border and how far it reaches stand in the doc of each. Must stay true: the result has no value
//! exactly where the plane has none (padding, beside the image), and what has no value takes no part: averages leave
//! it out and share its weight among the others, ranks leave it out, differences take it as equal to the middle, and
//! histograms do not count it.
//!
//! Deliberately absent: colour, and depth. A filter acts on the one plane that is shown.

mod clahe;
mod edges;
mod range;
mod rank;
mod similar;
mod smooth;
mod view;

pub use clahe::{CLAHE_BINS, clahe_tile};
pub use rank::disk;
pub use smooth::gaussian_kernel;
pub use view::FilterView;

use crate::{
    model::{
        filter::{FilterKind, FilterStack, FilterStep},
        lut::WindowLevel,
    },
    task::CancelToken,
};
use rayon::prelude::*;

/// Modality values of a plane, rows top to bottom; no number where there is no image.
#[derive(Clone, Debug, PartialEq)]
pub struct FilterPlane {
    columns: usize,
    rows: usize,
    values: Vec<f64>,
}

impl FilterPlane {
    /// A plane, when there is at least one value and as many as columns times rows. What is not finite counts as no
    /// value.
    pub fn new(columns: usize, rows: usize, mut values: Vec<f64>) -> Option<Self> {
        if values.is_empty() || columns.checked_mul(rows) != Some(values.len()) {
            return None;
        }
        for value in values.iter_mut().filter(|v| !v.is_finite()) {
            *value = f64::NAN;
        }
        Some(Self {
            columns,
            rows,
            values,
        })
    }

    /// Columns and rows.
    pub const fn size(&self) -> [usize; 2] {
        [self.columns, self.rows]
    }

    /// The values, rows top to bottom.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The values.
    pub fn into_values(self) -> Vec<f64> {
        self.values
    }

    /// A value; no number outside.
    fn at(&self, column: usize, row: usize) -> f64 {
        let index = row * self.columns + column;
        self.values.get(index).copied().unwrap_or(f64::NAN)
    }

    /// Lowest and highest value; `None` where there is none.
    fn extremes(&self) -> Option<(f64, f64)> {
        let mut found = None;
        for &value in self.values.iter().filter(|v| !v.is_nan()) {
            let (low, high) = found.unwrap_or((value, value));
            found = Some((value.min(low), value.max(high)));
        }
        found
    }

    /// The values below which these shares of all values lie, 0 to 1; `None` where there is none.
    pub fn percentiles<const N: usize>(&self, shares: [f64; N]) -> Option<[f64; N]> {
        let mut values: Vec<f64> = self
            .values
            .iter()
            .copied()
            .filter(|v| !v.is_nan())
            .collect();
        let last = values.len().checked_sub(1)?;
        Some(shares.map(|share| {
            let at = (share.clamp(0.0, 1.0) * last as f64).round() as usize;
            let (_, value, _) = values.select_nth_unstable_by(at.min(last), f64::total_cmp);
            *value
        }))
    }

    /// A window over the middle of the values, from one share of them to another, in percent; over all of them where those
    /// two are one value.
    pub fn window(&self, percent: [u8; 2]) -> Option<WindowLevel> {
        let shares = percent.map(|p| f64::from(p.min(100)) / 100.0);
        let [low, high] = self.percentiles(shares)?;
        let (low, high) = match high > low {
            true => (low, high),
            false => self.extremes()?,
        };
        (high > low).then_some(WindowLevel {
            center: (low + high) / 2.0,
            width: high - low,
        })
    }

    /// A plane of what `pixel` gives for each place that has a value (column, row, value); `None` once cancelled.
    fn mapped(
        &self,
        cancel: &CancelToken,
        pixel: impl Fn(usize, usize, f64) -> f64 + Sync,
    ) -> Option<Self> {
        let mut values = vec![f64::NAN; self.values.len()];
        let columns = self.columns.max(1);
        values
            .par_chunks_mut(columns)
            .zip(self.values.par_chunks(columns))
            .enumerate()
            .for_each(|(row, (line, source))| {
                if cancel.is_cancelled() {
                    return;
                }
                for (column, (out, &value)) in line.iter_mut().zip(source).enumerate() {
                    if !value.is_nan() {
                        *out = pixel(column, row, value);
                    }
                }
            });
        (!cancel.is_cancelled()).then_some(Self { values, ..*self })
    }
}

/// Index within 0 to `size`, mirrored at the borders with the outermost value twice: d c b a | a b c d | d c b a.
/// `reflect` of scipy, `symmetric` of numpy.
pub fn reflected(index: isize, size: usize) -> usize {
    let size = size.max(1) as isize;
    let turn = index.rem_euclid(2 * size);
    (if turn < size {
        turn
    } else {
        2 * size - 1 - turn
    }) as usize
}

/// The same with the outermost value once: d c b | a b c d | c b a. `mirror` of scipy, `reflect` of numpy.
pub fn mirrored(index: isize, size: usize) -> usize {
    if size < 2 {
        return 0;
    }
    let last = size as isize - 1;
    let turn = index.rem_euclid(2 * last);
    (if turn <= last { turn } else { 2 * last - turn }) as usize
}

/// What a stack makes of a plane: every filter that is on, first to last. `None` once cancelled.
pub fn apply(stack: &FilterStack, plane: FilterPlane, cancel: &CancelToken) -> Option<FilterPlane> {
    stack
        .active()
        .try_fold(plane, |plane, step| apply_one(step, &plane, cancel))
}

/// What one filter makes of a plane, on or off. `None` once cancelled.
pub fn apply_one(
    step: &FilterStep,
    plane: &FilterPlane,
    cancel: &CancelToken,
) -> Option<FilterPlane> {
    let number = |index| step.value(index);
    // Within the limits of the parameters, which are small.
    let whole = |index| number(index).max(0.0) as usize;
    match step.kind {
        FilterKind::Gaussian => smooth::gaussian(plane, number(0), cancel),
        FilterKind::Mean => smooth::mean(plane, whole(0), cancel),
        FilterKind::Unsharp => smooth::unsharp(plane, number(0), number(1), cancel),
        FilterKind::Median => rank::median(plane, whole(0), cancel),
        FilterKind::Erode => rank::erode(plane, whole(0), cancel),
        FilterKind::Dilate => rank::dilate(plane, whole(0), cancel),
        FilterKind::Open => rank::open(plane, whole(0), cancel),
        FilterKind::Close => rank::close(plane, whole(0), cancel),
        FilterKind::TopHat => rank::top_hat(plane, whole(0), cancel),
        FilterKind::Bilateral => similar::bilateral(plane, number(0), number(1), cancel),
        FilterKind::NonLocalMeans => {
            similar::non_local_means(plane, number(0), whole(1), whole(2), cancel)
        }
        FilterKind::Laplacian => edges::laplacian(plane, cancel),
        FilterKind::Sobel => edges::sobel(plane, cancel),
        FilterKind::Clahe => clahe::clahe(plane, whole(0), number(1), cancel),
        FilterKind::Gamma => range::gamma(plane, number(0), cancel),
        FilterKind::Otsu => range::otsu(plane, cancel),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plane(columns: usize, values: &[f64]) -> FilterPlane {
        FilterPlane::new(columns, values.len() / columns, values.to_vec()).unwrap()
    }

    fn step(text: &str) -> FilterStep {
        FilterStep::parse(text, 100.0).unwrap()
    }

    fn one(text: &str, plane: &FilterPlane) -> Vec<f64> {
        apply_one(&step(text), plane, &CancelToken::default())
            .unwrap()
            .into_values()
    }

    #[test]
    fn borders_are_mirrored_however_far() {
        let of = |f: fn(isize, usize) -> usize| (-5..8).map(|i| f(i, 3)).collect::<Vec<_>>();
        assert_eq!(of(reflected), [1, 2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0, 1]);
        assert_eq!(of(mirrored), [1, 0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2, 1]);
        assert_eq!((reflected(-9, 1), mirrored(-9, 1)), (0, 0));
    }

    #[test]
    fn planes_have_values() {
        assert!(FilterPlane::new(0, 0, vec![]).is_none());
        assert!(FilterPlane::new(2, 2, vec![0.0; 3]).is_none());
        assert!(FilterPlane::new(usize::MAX, 2, vec![0.0; 2]).is_none());
        let odd = FilterPlane::new(1, 2, vec![f64::INFINITY, 1.0]).unwrap();
        assert!(odd.values()[0].is_nan());
    }

    /// What has no value has none afterwards, and does not change what it stands beside: the same plane cut off there.
    #[test]
    fn padding_takes_no_part() {
        let nan = f64::NAN;
        let flat: Vec<f64> = [7.0, 7.0, 7.0, nan, nan].repeat(5);
        for kind in FilterKind::ALL {
            let filter = FilterStep::for_window(kind, 100.0);
            let done = apply_one(&filter, &plane(5, &flat), &CancelToken::default()).unwrap();
            let flat_stays = match kind {
                FilterKind::Laplacian | FilterKind::Sobel | FilterKind::TopHat => 0.0,
                _ => 7.0,
            };
            for (out, value) in done.values().iter().zip(&flat) {
                if value.is_nan() {
                    assert!(out.is_nan(), "{kind:?}");
                } else {
                    assert!((out - flat_stays).abs() < 1e-12, "{kind:?} {out}");
                }
            }
            let nothing = plane(2, &[nan; 4]);
            let done = apply_one(&filter, &nothing, &CancelToken::default()).unwrap();
            assert!(done.values().iter().all(|v| v.is_nan()), "{kind:?}");
        }
        let row = plane(4, &[1.0, 5.0, nan, 9.0]);
        // Mean of three with the border repeated; the neighbour that is none is left out.
        let mean = one("mean radius=1", &row);
        for (found, expected) in [(mean[0], 7.0 / 3.0), (mean[1], 3.0), (mean[3], 9.0)] {
            assert!((found - expected).abs() < 1e-14);
        }
        let lowest = one("erode radius=1", &row);
        assert_eq!((lowest[0], lowest[1], lowest[3]), (1.0, 1.0, 9.0));
        let median = one("median radius=1", &row);
        // Of 1 1 5 and of 1 5, each three times: the middle one, the upper of two.
        assert_eq!((median[0], median[1], median[3]), (1.0, 5.0, 9.0));
        let slope = one("sobel", &row);
        // One-sided at the padding: 5 - 1 over the root of two axes.
        assert!((slope[1] - 8f64.sqrt()).abs() < 1e-14);
    }

    #[test]
    fn a_stack_is_applied_in_order_and_can_be_cancelled() {
        let image = plane(3, &[0.0, 0.0, 9.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        let mut stack = FilterStack::default();
        stack.push(step("mean radius=1")).unwrap();
        stack.push(step("dilate radius=1")).unwrap();
        let cancel = CancelToken::default();
        let both = apply(&stack, image.clone(), &cancel).unwrap();
        let by_hand = one("dilate radius=1", &plane(3, &one("mean radius=1", &image)));
        assert_eq!(both.values(), by_hand);
        stack.raise(1);
        assert_ne!(apply(&stack, image.clone(), &cancel).unwrap(), both);
        for index in 0..2 {
            stack.step_mut(index).unwrap().on = false;
        }
        assert_eq!(apply(&stack, image.clone(), &cancel).unwrap(), image);
        cancel.cancel();
        for kind in FilterKind::ALL {
            let step = FilterStep::for_window(kind, 10.0);
            assert_eq!(apply_one(&step, &image, &cancel), None, "{kind:?}");
        }
    }
}
