//! What needs the lowest and the highest value first: power law and Otsu's threshold.

use super::FilterPlane;
use crate::task::CancelToken;

/// `skimage.exposure.adjust_gamma` of the values brought to 0 to 1, lowest to highest, and back.
pub(super) fn gamma(plane: &FilterPlane, gamma: f64, cancel: &CancelToken) -> Option<FilterPlane> {
    let (low, high) = plane.extremes().unwrap_or_default();
    let range = high - low;
    plane.mapped(cancel, |_, _, value| {
        if range > 0.0 {
            low + range * ((value - low) / range).powf(gamma)
        } else {
            value
        }
    })
}

/// Bins of the histogram.
const BINS: usize = 256;

/// `image > skimage.filters.threshold_otsu(image, nbins=256)` for float images: the highest value of the plane above
/// the threshold, the lowest elsewhere.
pub(super) fn otsu(plane: &FilterPlane, cancel: &CancelToken) -> Option<FilterPlane> {
    let (low, high) = plane.extremes().unwrap_or_default();
    let threshold = threshold_otsu(plane, low, high);
    plane.mapped(
        cancel,
        |_, _, value| if value > threshold { high } else { low },
    )
}

/// The middle of the bin of 256 after which the variance between the classes is largest.
fn threshold_otsu(plane: &FilterPlane, low: f64, high: f64) -> f64 {
    if low >= high {
        return low;
    }
    let width = (high - low) / BINS as f64;
    let mut counts = [0u64; BINS];
    for value in plane.values.iter().filter(|v| !v.is_nan()) {
        // The last bin holds the highest value too.
        let bin = (((value - low) / (high - low) * BINS as f64) as usize).min(BINS - 1);
        if let Some(count) = counts.get_mut(bin) {
            *count += 1;
        }
    }
    let all: f64 = counts.iter().map(|&c| c as f64).sum();
    let all_moment: f64 = counts
        .iter()
        .enumerate()
        .map(|(i, &c)| i as f64 * c as f64)
        .sum();
    let (mut below, mut moment) = (0.0, 0.0);
    let (mut best, mut found) = (-1.0, 0);
    for (bin, &count) in counts.iter().enumerate().take(BINS - 1) {
        below += count as f64;
        moment += bin as f64 * count as f64;
        let above = all - below;
        // The lowest value is in the first bin and the highest in the last, so neither class is ever empty.
        let apart = moment / below - (all_moment - moment) / above;
        let variance = below * above * apart * apart;
        if variance > best {
            (best, found) = (variance, bin);
        }
    }
    low + (found as f64 + 0.5) * width
}
