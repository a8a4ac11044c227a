//! Numbers that describe the values of frames: extremes, mean, histogram, percentiles. Padding never counts.

use crate::model::{
    lut::PaddingRange,
    pixels::{Frame, StoredType},
};

/// Extremes, mean and deviation of stored values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// How many values counted.
    pub count: u64,
    /// Smallest value.
    pub min: f64,
    /// Largest value.
    pub max: f64,
    /// Arithmetic mean.
    pub mean: f64,
    /// Standard deviation of the whole population (divided by `count`).
    pub deviation: f64,
}

/// Whether a stored value is an image value: finite and not padding.
pub fn is_image(stored: f64, stored_type: StoredType, padding: Option<PaddingRange>) -> bool {
    stored.is_finite()
        && !padding.is_some_and(|range| {
            // Padding of float images is compared in f32, as the shader does it.
            let bound = |limit: i32| match stored_type {
                StoredType::F32 | StoredType::F64 => f64::from(limit as f32),
                _ => f64::from(limit),
            };
            stored >= bound(range.low) && stored <= bound(range.high)
        })
}

/// All image values of a frame in memory order.
fn image_values(frame: &Frame, padding: Option<PaddingRange>) -> impl Iterator<Item = f64> + '_ {
    let kind = frame.stored_type;
    frame
        .values()
        .filter(move |&value| is_image(value, kind, padding))
}

/// Extremes, mean and deviation of a frame's stored values; `None` when it holds nothing but padding.
pub fn summary(frame: &Frame, padding: Option<PaddingRange>) -> Option<Summary> {
    let (mut count, mut mean, mut squares) = (0u64, 0.0, 0.0);
    let (mut min, mut max) = (f64::INFINITY, f64::NEG_INFINITY);
    // Welford's recurrence: no cancellation for values far from zero.
    for value in image_values(frame, padding) {
        count += 1;
        let step = value - mean;
        mean += step / count as f64;
        squares += step * (value - mean);
        min = min.min(value);
        max = max.max(value);
    }
    (count > 0).then(|| Summary {
        count,
        min,
        max,
        mean,
        deviation: (squares / count as f64).sqrt(),
    })
}

/// Counts of equally wide bins from `low` to `high`; values outside are left out, `high` itself is in the last bin.
/// Empty when there are no bins or the range is not a range.
pub fn histogram(
    frame: &Frame,
    padding: Option<PaddingRange>,
    low: f64,
    high: f64,
    bins: usize,
) -> Vec<u64> {
    let width = (high - low) / bins as f64;
    if bins == 0 || !width.is_finite() || width <= 0.0 {
        return vec![];
    }
    let mut counts = vec![0; bins];
    for value in image_values(frame, padding) {
        if value >= low && value <= high {
            let bin = (((value - low) / width) as usize).min(bins - 1);
            if let Some(count) = counts.get_mut(bin) {
                *count += 1;
            }
        }
    }
    counts
}

/// Stored values at the given shares (0 to 1) of the sorted image values, by nearest rank; `None` when the frames
/// hold nothing but padding.
pub fn percentiles<const N: usize>(
    frames: &[&Frame],
    padding: Option<PaddingRange>,
    shares: [f64; N],
) -> Option<[f64; N]> {
    let narrow = frames.iter().all(|frame| frame.stored_type.bytes() <= 2);
    if narrow {
        // Counting is exact and cheap where a value has at most 16 bits.
        let mut counts = vec![0u64; 1 << 17];
        let mut total = 0u64;
        for value in frames.iter().flat_map(|f| image_values(f, padding)) {
            if let Some(count) = counts.get_mut((value + 65536.0) as usize) {
                *count += 1;
                total += 1;
            }
        }
        (total > 0).then_some(())?;
        return Some(shares.map(|share| {
            let wanted = rank(share, total);
            let mut seen = 0;
            for (value, count) in counts.iter().enumerate() {
                seen += count;
                if seen > wanted {
                    return value as f64 - 65536.0;
                }
            }
            0.0
        }));
    }
    let mut values: Vec<f64> = frames
        .iter()
        .flat_map(|f| image_values(f, padding))
        .collect();
    values.sort_unstable_by(f64::total_cmp);
    let total = values.len() as u64;
    (total > 0).then(|| {
        shares.map(|share| {
            values
                .get(rank(share, total) as usize)
                .copied()
                .unwrap_or_default()
        })
    })
}

/// Index of the value at a share among `total` sorted ones.
fn rank(share: f64, total: u64) -> u64 {
    ((share.clamp(0.0, 1.0) * (total - 1) as f64).round() as u64).min(total - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::pixels::PixelBytes;

    fn frame(values: &[i16]) -> Frame {
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let bytes = PixelBytes::from_vec(bytes);
        Frame::new(1, values.len(), 1, StoredType::I16, bytes).unwrap()
    }

    const PADDING: Option<PaddingRange> = Some(PaddingRange {
        low: -2000,
        high: -2000,
    });

    #[test]
    fn padding_does_not_count() {
        let s = summary(&frame(&[-2000, 1, 2, 3, 6, -2000]), PADDING).unwrap();
        assert_eq!((s.count, s.min, s.max, s.mean), (4, 1.0, 6.0, 3.0));
        // Squares of the distances from 3: 4 + 1 + 0 + 9 = 14, over 4.
        assert!((s.deviation - 3.5f64.sqrt()).abs() < 1e-12);
        assert!(summary(&frame(&[-2000, -2000]), PADDING).is_none());
        assert!(percentiles(&[&frame(&[-2000])], PADDING, [0.5]).is_none());
    }

    #[test]
    fn bins_hold_their_borders() {
        let f = frame(&[-2000, 0, 1, 2, 3, 4, 5]);
        assert_eq!(histogram(&f, PADDING, 0.0, 4.0, 2), [2, 3]);
        assert!(histogram(&f, PADDING, 1.0, 1.0, 4).is_empty());
        assert!(histogram(&f, PADDING, 0.0, 1.0, 0).is_empty());
    }

    #[test]
    fn both_ways_of_finding_a_percentile_agree() {
        let values: Vec<i16> = (0..1001)
            .map(|i| ((i * 7919) % 1001) as i16 - 500)
            .collect();
        let narrow = frame(&values);
        let bytes = values.iter().flat_map(|&v| f32::from(v).to_le_bytes());
        let bytes = PixelBytes::from_vec(bytes.collect());
        let wide = Frame::new(1, 1001, 1, StoredType::F32, bytes).unwrap();
        let shares = [0.0, 0.01, 0.5, 0.99, 1.0];
        // 0..=1000 shifted by -500, each once: the value at a share is the share.
        let expected = Some([-500.0, -490.0, 0.0, 490.0, 500.0]);
        assert_eq!(percentiles(&[&narrow], None, shares), expected);
        assert_eq!(percentiles(&[&wide], None, shares), expected);
    }
}
