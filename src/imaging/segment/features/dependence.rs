//! How many neighbours have a voxel's level: the grey-level dependence matrix (Sun and Wee 1983). The voxel counts itself.

use super::{
    levels::{Levels, neighbours},
    runs::{Names, Sizes},
};

const NAMES: Names = [
    "SmallDependenceEmphasis",
    "LargeDependenceEmphasis",
    "GrayLevelNonUniformity",
    // The share of it is that of first-order uniformity, so it is left out.
    "",
    "DependenceNonUniformity",
    "DependenceNonUniformityNormalized",
    "GrayLevelVariance",
    "DependenceVariance",
    "DependenceEntropy",
    "LowGrayLevelEmphasis",
    "HighGrayLevelEmphasis",
    "SmallDependenceLowGrayLevelEmphasis",
    "SmallDependenceHighGrayLevelEmphasis",
    "LargeDependenceLowGrayLevelEmphasis",
    "LargeDependenceHighGrayLevelEmphasis",
];

pub(super) fn features(levels: &Levels) -> Vec<(&'static str, f64)> {
    let mut found = Sizes::default();
    for (at, level) in levels.voxels() {
        let same = neighbours().filter(|step| levels.beside(at, *step) == level);
        found.add(level, same.count() as u32 + 1);
    }
    let mut features = found.features(NAMES);
    features.retain(|(name, _)| !name.is_empty());
    features
}
