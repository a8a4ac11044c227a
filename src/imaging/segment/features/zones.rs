//! How large parts of one level are: the grey-level size-zone matrix (Thibault et al. 2009). Zones hang together over faces,
//! edges and corners.

use super::{
    levels::{Levels, moved, neighbours},
    runs::{Names, Sizes},
};

const NAMES: Names = [
    "SmallAreaEmphasis",
    "LargeAreaEmphasis",
    "GrayLevelNonUniformity",
    "GrayLevelNonUniformityNormalized",
    "SizeZoneNonUniformity",
    "SizeZoneNonUniformityNormalized",
    "GrayLevelVariance",
    "ZoneVariance",
    "ZoneEntropy",
    "LowGrayLevelZoneEmphasis",
    "HighGrayLevelZoneEmphasis",
    "SmallAreaLowGrayLevelEmphasis",
    "SmallAreaHighGrayLevelEmphasis",
    "LargeAreaLowGrayLevelEmphasis",
    "LargeAreaHighGrayLevelEmphasis",
];

pub(super) fn features(levels: &Levels) -> Vec<(&'static str, f64)> {
    let [columns, rows, _] = levels.size;
    let mut seen = vec![false; levels.levels.len()];
    let mut zones = Sizes::default();
    let index = |at: [usize; 3]| (at[2] * rows + at[1]) * columns + at[0];
    let mut open = Vec::new();
    for (start, level) in levels.voxels() {
        if std::mem::replace(&mut seen[index(start)], true) {
            continue;
        }
        open.push(start);
        let mut size = 0;
        while let Some(at) = open.pop() {
            size += 1;
            for next in neighbours().filter_map(|step| moved(at, step)) {
                if levels.at(next) == level && !std::mem::replace(&mut seen[index(next)], true) {
                    open.push(next);
                }
            }
        }
        zones.add(level, size);
    }
    let mut features = zones.features(NAMES);
    features.push(("ZonePercentage", zones.total() / levels.count()));
    features
}
