//! Statistics of the values alone.

use super::{EPSILON, levels::Levels};
use crate::imaging::metrics::distance::percentile;

pub(super) fn features(levels: &Levels, spacing: [f64; 3], shift: f64) -> Vec<(&'static str, f64)> {
    let values = &levels.values;
    let n = values.len() as f64;
    let mut sorted = values.clone();
    sorted.sort_unstable_by(f64::total_cmp);
    let share = |s: f64| percentile(&sorted, s).unwrap_or(f64::NAN);
    let mean = values.iter().sum::<f64>() / n;
    let moment = |power: i32| values.iter().map(|v| (v - mean).powi(power)).sum::<f64>() / n;
    let variance = moment(2);
    let (skewness, kurtosis) = match variance > 0.0 {
        true => (
            moment(3) / variance.powf(1.5),
            moment(4) / (variance * variance),
        ),
        false => (0.0, 0.0),
    };
    let energy: f64 = values.iter().map(|v| (v + shift).powi(2)).sum();
    let absolute = |part: &[f64]| {
        let count = part.len() as f64;
        let middle = part.iter().sum::<f64>() / count;
        part.iter().map(|v| (v - middle).abs()).sum::<f64>() / count
    };
    let (p10, p90) = (share(0.1), share(0.9));
    let inner: Vec<f64> = sorted
        .iter()
        .copied()
        .filter(|v| *v >= p10 && *v <= p90)
        .collect();
    let mut counts = vec![0.0f64; levels.highest + 1];
    for (_, level) in levels.voxels() {
        if let Some(count) = counts.get_mut(usize::from(level)) {
            *count += 1.0;
        }
    }
    let chances: Vec<f64> = counts.iter().map(|c| c / n).filter(|p| *p > 0.0).collect();
    let least = sorted.first().copied().unwrap_or(f64::NAN);
    let most = sorted.last().copied().unwrap_or(f64::NAN);
    vec![
        ("10Percentile", p10),
        ("90Percentile", p90),
        ("Energy", energy),
        (
            "Entropy",
            -chances
                .iter()
                .map(|p| p * (p + EPSILON).log2())
                .sum::<f64>(),
        ),
        ("InterquartileRange", share(0.75) - share(0.25)),
        ("Kurtosis", kurtosis),
        ("Maximum", most),
        ("MeanAbsoluteDeviation", absolute(values)),
        ("Mean", mean),
        ("Median", share(0.5)),
        ("Minimum", least),
        ("Range", most - least),
        ("RobustMeanAbsoluteDeviation", absolute(&inner)),
        ("RootMeanSquared", (energy / n).sqrt()),
        ("Skewness", skewness),
        ("StandardDeviation", variance.sqrt()),
        ("TotalEnergy", energy * spacing.iter().product::<f64>()),
        ("Uniformity", chances.iter().map(|p| p * p).sum()),
        ("Variance", variance),
    ]
}
