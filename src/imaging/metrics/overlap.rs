//! Two masks, or decisions and truth, counted against each other.
//!
//! Empty masks have fixed answers, so that a mean over cases is always defined where it can be:
//! * Dice, IoU, F1, precision and recall are 1 when both masks are empty.
//! * When exactly one is empty, Dice, IoU and F1 are 0. Precision is 0 when only the prediction is empty
//!   (nothing found, something there), recall is 0 when only the truth is empty.
//! * Specificity and accuracy do not exist (`None`) where there is nothing to be counted.

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

    /// Decisions at a threshold: a score at or above it is positive. `None` when the lengths differ, or a score or
    /// the threshold is not a number.
    pub fn at(positive: &[bool], scores: &[f64], threshold: f64) -> Option<Self> {
        if threshold.is_nan() || scores.iter().any(|s| s.is_nan()) {
            return None;
        }
        let decided: Vec<bool> = scores.iter().map(|&s| s >= threshold).collect();
        Self::of(positive, &decided)
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

    /// `TN / (TN + FP)`; `None` where nothing is negative.
    pub fn specificity(self) -> Option<f64> {
        let negative = self.true_negative + self.false_positive;
        (negative > 0).then(|| self.true_negative as f64 / negative as f64)
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
