//! How well a mask, a distance or a score agrees with the truth. All sums are `f64` and in order.
//!
//! Empty masks have fixed answers, so that a mean over cases is always defined where it can be:
//! * Dice, IoU, F1, precision and recall are 1 when both masks are empty.
//! * When exactly one is empty, Dice, IoU and F1 are 0. Precision is 0 when only the prediction is empty
//!   (nothing found, something there), recall is 0 when only the truth is empty.
//! * Surface distances are 0 when both masks are empty and do not exist (`None`) when exactly one is.

/// Counts of a binary comparison.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Confusion {
    /// In both masks.
    pub true_positive: u64,
    /// In the prediction alone.
    pub false_positive: u64,
    /// In the truth alone.
    pub false_negative: u64,
    /// In neither.
    pub true_negative: u64,
}

impl Confusion {
    /// Compares two masks; `None` when they differ in length.
    pub fn of(truth: &[bool], predicted: &[bool]) -> Option<Self> {
        if truth.len() != predicted.len() {
            return None;
        }
        let mut counts = [0u64; 4];
        for (&t, &p) in truth.iter().zip(predicted) {
            if let Some(count) = counts.get_mut(usize::from(t) * 2 + usize::from(p)) {
                *count += 1;
            }
        }
        let [true_negative, false_positive, false_negative, true_positive] = counts;
        Some(Self {
            true_positive,
            false_positive,
            false_negative,
            true_negative,
        })
    }

    fn ratio(self, over: u64, under: u64) -> f64 {
        if under > 0 {
            over as f64 / under as f64
        } else if self.true_positive + self.false_positive + self.false_negative == 0 {
            1.0
        } else {
            0.0
        }
    }

    /// `2 TP / (2 TP + FP + FN)`.
    pub fn dice(self) -> f64 {
        let twice = 2 * self.true_positive;
        self.ratio(twice, twice + self.false_positive + self.false_negative)
    }

    /// `TP / (TP + FP + FN)`, the Jaccard index.
    pub fn iou(self) -> f64 {
        let union = self.true_positive + self.false_positive + self.false_negative;
        self.ratio(self.true_positive, union)
    }

    /// `TP / (TP + FP)`.
    pub fn precision(self) -> f64 {
        self.ratio(self.true_positive, self.true_positive + self.false_positive)
    }

    /// `TP / (TP + FN)`, sensitivity.
    pub fn recall(self) -> f64 {
        self.ratio(self.true_positive, self.true_positive + self.false_negative)
    }

    /// Harmonic mean of precision and recall; for binary masks the same number as [`Self::dice`].
    pub fn f1(self) -> f64 {
        self.dice()
    }

    /// `(TP + TN) / all`; `None` without any pixel.
    pub fn accuracy(self) -> Option<f64> {
        let right = self.true_positive + self.true_negative;
        let all = right + self.false_positive + self.false_negative;
        (all > 0).then(|| right as f64 / all as f64)
    }
}

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
    let (a, b) = (surface(truth, shape), surface(predicted, shape));
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
fn percentile(sorted: &[f64], share: f64) -> Option<f64> {
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

/// Area under the ROC curve: the probability that a positive case scores above a negative one, ties counting
/// half. `None` when a class is missing, the lengths differ, or a score is not a number.
pub fn auroc(positive: &[bool], scores: &[f64]) -> Option<f64> {
    if positive.len() != scores.len() || scores.iter().any(|s| s.is_nan()) {
        return None;
    }
    let mut order: Vec<(f64, bool)> = scores
        .iter()
        .copied()
        .zip(positive.iter().copied())
        .collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut below, mut wins) = (0.0f64, 0.0f64);
    let mut rest = order.as_slice();
    while let Some(first) = rest.first() {
        // -0.0 and 0.0 tie although their total order differs.
        let ties = rest.iter().take_while(|c| c.0 == first.0).count();
        let (group, after) = rest.split_at(ties);
        let positives = group.iter().filter(|c| c.1).count() as f64;
        let negatives = ties as f64 - positives;
        wins += positives * (below + negatives / 2.0);
        below += negatives;
        rest = after;
    }
    let positives = positive.len() as f64 - below;
    (positives > 0.0 && below > 0.0).then(|| wins / (positives * below))
}

/// Mean of squared differences; `None` for no values or different lengths.
pub fn mean_squared_error(truth: &[f64], predicted: &[f64]) -> Option<f64> {
    if truth.is_empty() || truth.len() != predicted.len() {
        return None;
    }
    let sum: f64 = truth
        .iter()
        .zip(predicted)
        .map(|(t, p)| (t - p) * (t - p))
        .sum();
    Some(sum / truth.len() as f64)
}
