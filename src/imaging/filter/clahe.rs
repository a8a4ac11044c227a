//! Contrast-limited adaptive histogram equalisation.

use super::{FilterPlane, mirrored};
use crate::task::CancelToken;
use rayon::prelude::*;

/// Grey levels that are told apart, and the bins they fall into.
const LEVELS: f64 = 16384.0;

/// Bins of a tile's histogram.
pub const CLAHE_BINS: usize = 256;

/// Levels of a bin.
const BIN_LEVELS: usize = 1 + LEVELS as usize / CLAHE_BINS;

/// No image.
const NONE: u16 = u16::MAX;

/// Side of a tile where `tiles` of them lie along an axis of `size` pixels.
pub fn clahe_tile(size: usize, tiles: usize) -> usize {
    (size / tiles.max(1)).max(1)
}

/// `skimage.exposure.equalize_adapthist(x, kernel_size, clip_limit=clip, nbins=256)` of the values brought to 0 to 1,
/// lowest to highest, and back; `kernel_size` along an axis is its length divided by `tiles`, rounded down, at least 1
/// (8 tiles are its default). Beyond the border the tiles hold the picture mirrored (`reflect` of numpy).
pub(super) fn clahe(
    plane: &FilterPlane,
    tiles: usize,
    clip: f64,
    cancel: &CancelToken,
) -> Option<FilterPlane> {
    let Some((low, high)) = plane.extremes().filter(|(low, high)| low < high) else {
        return plane.mapped(cancel, |_, _, value| value);
    };
    let bins: Vec<u16> = plane
        .values
        .par_iter()
        .map(|&value| bin_of(value, low, high))
        .collect();
    let grid = Grid {
        size: plane.size(),
        tile: plane.size().map(|n| clahe_tile(n, tiles)),
    };
    let [across, down] = grid.count();
    let maps: Vec<[f32; CLAHE_BINS]> = (0..across * down)
        .into_par_iter()
        .map(|tile| {
            if cancel.is_cancelled() {
                return [0.0; CLAHE_BINS];
            }
            grid.map(&bins, [tile % across, tile / across], clip)
        })
        .collect();
    let equalised = plane.mapped(cancel, |column, row, _| {
        let bin = bins
            .get(row * plane.columns + column)
            .copied()
            .unwrap_or(NONE);
        grid.level(&maps, column, row, bin)
    })?;
    let (darkest, brightest) = equalised.extremes()?;
    equalised.mapped(cancel, |_, _, level| {
        if darkest < brightest {
            low + (high - low) * ((level - darkest) / (brightest - darkest))
        } else {
            // As scikit-image: an even picture has the lowest value.
            low
        }
    })
}

/// The bin of a value: rounded to 16 bits first, then to the levels.
fn bin_of(value: f64, low: f64, high: f64) -> u16 {
    if value.is_nan() {
        return NONE;
    }
    let code = ((value - low) / (high - low) * 65535.0).round_ties_even();
    let level = (code / 65535.0 * (LEVELS - 1.0)).round_ties_even();
    (level as usize / BIN_LEVELS) as u16
}

/// How the tiles lie.
struct Grid {
    size: [usize; 2],
    tile: [usize; 2],
}

impl Grid {
    /// Tiles along both axes.
    fn count(&self) -> [usize; 2] {
        let [[columns, rows], [wide, high]] = [self.size, self.tile];
        [columns.div_ceil(wide), rows.div_ceil(high)]
    }

    /// The level that each bin becomes in a tile.
    fn map(&self, bins: &[u16], [x, y]: [usize; 2], clip: f64) -> [f32; CLAHE_BINS] {
        let [wide, high] = self.tile;
        let mut counts = [0u32; CLAHE_BINS];
        let mut pixels = 0u32;
        for row in y * high..(y + 1) * high {
            let row = mirrored(row as isize, self.size[1]);
            for column in x * wide..(x + 1) * wide {
                let column = mirrored(column as isize, self.size[0]);
                let bin = bins.get(row * self.size[0] + column).copied();
                if let Some(count) = bin.and_then(|bin| counts.get_mut(usize::from(bin))) {
                    *count += 1;
                    pixels += 1;
                }
            }
        }
        if pixels == 0 {
            // Nothing but padding: values pass unchanged.
            return std::array::from_fn(|bin| ((bin * BIN_LEVELS) as f32).min(LEVELS as f32 - 1.0));
        }
        let limit = ((clip * f64::from(pixels)) as u32).max(1);
        clipped(&mut counts, limit);
        let scale = (LEVELS - 1.0) / f64::from(pixels);
        let mut sum = 0u32;
        counts.map(|count| {
            sum += count;
            (f64::from(sum) * scale).min(LEVELS - 1.0).trunc() as f32
        })
    }

    /// The level of a pixel: that of the four tiles around it, by distance of their middles.
    fn level(&self, maps: &[[f32; CLAHE_BINS]], column: usize, row: usize, bin: u16) -> f64 {
        let count = self.count();
        let axis = |at: usize, axis: usize| {
            let tile = self.tile[axis];
            let place = at + tile / 2;
            let upper = place / tile;
            let share = (place % tile) as f64 / tile as f64;
            let last = count[axis].saturating_sub(1);
            (upper.saturating_sub(1).min(last), upper.min(last), share)
        };
        let (left, right, across) = axis(column, 0);
        let (top, bottom, down) = axis(row, 1);
        let of = |x: usize, y: usize| {
            let map = maps.get(y * count[0] + x);
            map.and_then(|map| map.get(usize::from(bin)))
                .map_or(0.0, |&level| f64::from(level))
        };
        // Added up in 32 bits and in this order, and cut to whole levels, as scikit-image does it.
        let mut sum = 0f32;
        for (y, share_down) in [(top, 1.0 - down), (bottom, down)] {
            for (x, share_across) in [(left, 1.0 - across), (right, across)] {
                sum += (of(x, y) * (share_across * share_down)) as f32;
            }
        }
        f64::from(sum.floor())
    }
}

/// Cuts what stands above the limit and spreads it over the bins, in the order of scikit-image.
fn clipped(counts: &mut [u32; CLAHE_BINS], limit: u32) {
    let mut excess: i64 = 0;
    for count in counts.iter_mut() {
        excess += i64::from(count.saturating_sub(limit));
        *count = (*count).min(limit);
    }
    // Within the pixels of a tile, so all of this fits.
    let each = (excess / CLAHE_BINS as i64) as u32;
    let upper = limit.saturating_sub(each);
    for count in counts.iter_mut() {
        if *count < upper {
            *count += each;
            excess -= i64::from(each);
        }
    }
    // Those that came up to it among them.
    for count in counts.iter_mut() {
        if (upper..limit).contains(count) {
            excess -= i64::from(limit - *count);
            *count = limit;
        }
    }
    while excess > 0 {
        let before = excess;
        for first in 0..CLAHE_BINS {
            let under = counts.iter().filter(|c| **c < limit).count() as i64;
            let step = (under / excess).max(1) as usize;
            for count in counts
                .iter_mut()
                .skip(first)
                .step_by(step)
                .filter(|c| **c < limit)
            {
                *count += 1;
                excess -= 1;
            }
            if excess <= 0 {
                break;
            }
        }
        if excess == before {
            break;
        }
    }
}
