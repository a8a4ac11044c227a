//! How far the same level goes on along a line: the grey-level run-length matrix (Galloway 1975), for each direction.

use super::{
    DIRECTIONS, averaged,
    levels::{Levels, moved},
};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// A matrix of levels and sizes: how often each pair occurs.
#[derive(Default)]
pub(super) struct Sizes(BTreeMap<(u16, u32), f64>);

/// Names of the features that runs, zones and dependences share, in the order of [`Sizes::features`].
pub(super) type Names = [&'static str; 15];

impl Sizes {
    pub fn add(&mut self, level: u16, size: u32) {
        *self.0.entry((level, size)).or_default() += 1.0;
    }

    /// How many there are.
    pub fn total(&self) -> f64 {
        self.0.values().sum()
    }

    /// Short and long, non-uniformities of levels (with its share) and of sizes (with its share), variances of levels and sizes,
    /// entropy, low and high levels, and the four that weigh both.
    pub fn features(&self, names: Names) -> Vec<(&'static str, f64)> {
        let total = self.total();
        let weighed = |weight: &dyn Fn(f64, f64) -> f64| {
            let each = self.0.iter();
            each.map(|((level, size), count)| count * weight(f64::from(*level), f64::from(*size)))
                .sum::<f64>()
                / total
        };
        let uneven = |key: &dyn Fn(&(u16, u32)) -> u32| {
            let mut sums: BTreeMap<u32, f64> = BTreeMap::new();
            for (pair, count) in &self.0 {
                *sums.entry(key(pair)).or_default() += count;
            }
            sums.values().map(|s| s * s).sum::<f64>() / total
        };
        let (level_mean, size_mean) = (weighed(&|i, _| i), weighed(&|_, j| j));
        let by_level = uneven(&|(level, _)| u32::from(*level));
        let by_size = uneven(&|(_, size)| *size);
        let entropy = -self
            .0
            .values()
            .map(|count| count / total)
            .map(|p| p * (p + super::EPSILON).log2())
            .sum::<f64>();
        let values = [
            weighed(&|_, j| 1.0 / (j * j)),
            weighed(&|_, j| j * j),
            by_level,
            by_level / total,
            by_size,
            by_size / total,
            weighed(&|i, _| (i - level_mean).powi(2)),
            weighed(&|_, j| (j - size_mean).powi(2)),
            entropy,
            weighed(&|i, _| 1.0 / (i * i)),
            weighed(&|i, _| i * i),
            weighed(&|i, j| 1.0 / (i * i * j * j)),
            weighed(&|i, j| i * i / (j * j)),
            weighed(&|i, j| j * j / (i * i)),
            weighed(&|i, j| i * i * j * j),
        ];
        names.into_iter().zip(values).collect()
    }
}

const NAMES: Names = [
    "ShortRunEmphasis",
    "LongRunEmphasis",
    "GrayLevelNonUniformity",
    "GrayLevelNonUniformityNormalized",
    "RunLengthNonUniformity",
    "RunLengthNonUniformityNormalized",
    "GrayLevelVariance",
    "RunVariance",
    "RunEntropy",
    "LowGrayLevelRunEmphasis",
    "HighGrayLevelRunEmphasis",
    "ShortRunLowGrayLevelEmphasis",
    "ShortRunHighGrayLevelEmphasis",
    "LongRunLowGrayLevelEmphasis",
    "LongRunHighGrayLevelEmphasis",
];

pub(super) fn features(levels: &Levels) -> Vec<(&'static str, f64)> {
    let found: Vec<Vec<(&'static str, f64)>> = DIRECTIONS
        .par_iter()
        .filter_map(|step| {
            let runs = along(levels, *step)?;
            let mut features = runs.features(NAMES);
            features.push(("RunPercentage", runs.total() / levels.count()));
            Some(features)
        })
        .collect();
    match found.is_empty() {
        true => {
            let names = NAMES.into_iter().chain(["RunPercentage"]);
            names.map(|name| (name, f64::NAN)).collect()
        }
        false => averaged(&found),
    }
}

/// Runs of one direction; `None` where no line of it holds two voxels of the segment, as across a segment of one slice.
fn along(levels: &Levels, step: [isize; 3]) -> Option<Sizes> {
    let back = step.map(|s| -s);
    let inside = |at: [usize; 3]| (0..3).all(|axis| at[axis] < levels.size[axis]);
    let mut runs = Sizes::default();
    let mut several = false;
    for (at, level) in levels.voxels() {
        if levels.beside(at, back) == level {
            continue;
        }
        let mut length = 1;
        let mut end = at;
        while let Some(next) = moved(end, step)
            && levels.at(next) == level
        {
            end = next;
            length += 1;
        }
        runs.add(level, length);
        // Whether the line holds more of the segment further on.
        while !several && let Some(next) = moved(end, step).filter(|next| inside(*next)) {
            several = levels.at(next) > 0;
            end = next;
        }
        several |= length > 1;
    }
    several.then_some(runs)
}
