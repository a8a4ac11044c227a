//! Whether probabilities mean what they say, and how far numbers are off.
//!
//! Probabilities must lie within 0 and 1: what does not, or is no number, is refused (`None`), as are empty lists and
//! lists of different lengths.

/// Cases whose probability lies in one part of 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bin {
    /// Probabilities above this belong to it; the first bin takes 0 as well.
    pub low: f64,
    /// Probabilities up to this.
    pub high: f64,
    /// Cases in it.
    pub count: u64,
    /// Mean probability of these cases; 0 without any.
    pub probability: f64,
    /// Share of positive cases among them; 0 without any.
    pub share: f64,
}

fn are_probabilities(positive: &[bool], probabilities: &[f64]) -> bool {
    !positive.is_empty()
        && positive.len() == probabilities.len()
        && probabilities.iter().all(|p| (0.0..=1.0).contains(p))
}

/// The reliability diagram: `bins` parts of equal width, those without a case included. `None` without bins, and for
/// what is no list of probabilities.
pub fn reliability(positive: &[bool], probabilities: &[f64], bins: usize) -> Option<Vec<Bin>> {
    if bins == 0 || !are_probabilities(positive, probabilities) {
        return None;
    }
    let width = 1.0 / bins as f64;
    // The last edge is 1 whatever the rounding of the product.
    let edge = |i: usize| if i == bins { 1.0 } else { i as f64 * width };
    let mut sums = vec![(0u64, 0.0f64, 0.0f64); bins];
    for (&p, &positive) in probabilities.iter().zip(positive) {
        let place = (1..bins).take_while(|&i| edge(i) < p).count();
        if let Some((count, probability, hits)) = sums.get_mut(place) {
            *count += 1;
            *probability += p;
            *hits += f64::from(u8::from(positive));
        }
    }
    let bin = |(i, (count, probability, hits)): (usize, (u64, f64, f64))| {
        let mean = |sum: f64| if count > 0 { sum / count as f64 } else { 0.0 };
        Bin {
            low: edge(i),
            high: edge(i + 1),
            count,
            probability: mean(probability),
            share: mean(hits),
        }
    };
    Some(sums.into_iter().enumerate().map(bin).collect())
}

/// Expected calibration error: the distance of mean probability and share of positives, averaged over the cases of
/// all bins (Naeini, Cooper, Hauskrecht 2015). `None` as for [`reliability`].
pub fn expected_calibration_error(
    positive: &[bool],
    probabilities: &[f64],
    bins: usize,
) -> Option<f64> {
    let bins = reliability(positive, probabilities, bins)?;
    let sum: f64 = bins
        .iter()
        .map(|b| b.count as f64 * (b.probability - b.share).abs())
        .sum();
    Some(sum / positive.len() as f64)
}

/// Brier score: the mean of squared differences of probability and truth. `None` for what is no list of
/// probabilities.
pub fn brier(positive: &[bool], probabilities: &[f64]) -> Option<f64> {
    if !are_probabilities(positive, probabilities) {
        return None;
    }
    let truth: Vec<f64> = positive.iter().map(|&t| f64::from(u8::from(t))).collect();
    mean_squared_error(&truth, probabilities)
}

/// Mean of squared differences; `None` for no values, different lengths, or a value that is not finite.
pub fn mean_squared_error(truth: &[f64], predicted: &[f64]) -> Option<f64> {
    let finite = |values: &[f64]| values.iter().all(|v| v.is_finite());
    if truth.is_empty() || truth.len() != predicted.len() || !finite(truth) || !finite(predicted) {
        return None;
    }
    let sum: f64 = truth
        .iter()
        .zip(predicted)
        .map(|(t, p)| (t - p) * (t - p))
        .sum();
    Some(sum / truth.len() as f64)
}
