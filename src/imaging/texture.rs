//! Numbers that describe the look of a part of a picture: histograms of oriented gradients, first-order statistics, and
//! the grey-level co-occurrence matrix.

use rayon::prelude::*;

/// Bins of orientation, 180° in all.
const ORIENTATIONS: usize = 9;
/// Values above this are cut before a block is brought to length 1 again (Lowe 2004).
const CLIP: f64 = 0.2;
/// Keeps empty blocks finite.
const TINY: f64 = 1e-5;
/// Grey levels of the co-occurrence matrix.
pub const LEVELS: usize = 32;

/// Histograms of oriented gradients (Dalal and Triggs 2005) of a square picture: cells of `cell` × `cell` pixels, blocks of
/// 2 × 2 cells brought to length 1, clipped and brought to length 1 again. Gradients are central differences, 0 on the
/// border; angles count without their sign.
///
/// Row by row of blocks, within a block row by row of cells, nine numbers each; empty where the picture has no block.
pub fn oriented_gradients(picture: &[f32], side: usize, cell: usize) -> Vec<f64> {
    if cell == 0 || side < 2 * cell || picture.len() != side * side {
        return Vec::new();
    }
    let cells = side / cell;
    let at = |row: usize, column: usize| {
        f64::from(picture.get(row * side + column).copied().unwrap_or(0.0))
    };
    // Where a bin ends: the direction has the next one when it lies on the left of this one.
    let borders: [(f64, f64); ORIENTATIONS - 1] = std::array::from_fn(|border| {
        let angle = (border + 1) as f64 * std::f64::consts::PI / ORIENTATIONS as f64;
        angle.sin_cos()
    });
    let mut histogram = vec![0.0f64; cells * cells * ORIENTATIONS];
    let add = |(row, line): (usize, &mut [f64])| {
        for down in row * cell..(row + 1) * cell {
            for (column, bins) in line.chunks_exact_mut(ORIENTATIONS).enumerate() {
                for right in column * cell..(column + 1) * cell {
                    let inner = |i: usize| i > 0 && i + 1 < side;
                    let dy = match inner(down) {
                        true => at(down + 1, right) - at(down - 1, right),
                        false => 0.0,
                    };
                    let dx = match inner(right) {
                        true => at(down, right + 1) - at(down, right - 1),
                        false => 0.0,
                    };
                    // A direction and its opposite are one: the one that points down, or to the right.
                    let turned = dy < 0.0 || (dy == 0.0 && dx < 0.0);
                    let (x, y) = if turned { (-dx, -dy) } else { (dx, dy) };
                    let beyond = borders
                        .iter()
                        .map(|(sin, cos)| usize::from(y * cos >= x * sin));
                    let bin = beyond.sum::<usize>();
                    if let Some(value) = bins.get_mut(bin) {
                        *value += (dx * dx + dy * dy).sqrt() / (cell * cell) as f64;
                    }
                }
            }
        }
    };
    let lines = histogram.par_chunks_mut(cells * ORIENTATIONS);
    lines.enumerate().for_each(add);
    let mut out = Vec::with_capacity((cells - 1) * (cells - 1) * 4 * ORIENTATIONS);
    for top in 0..cells - 1 {
        for left in 0..cells - 1 {
            let mut block = [0.0; 4 * ORIENTATIONS];
            let corners = [(0, 0), (0, 1), (1, 0), (1, 1)];
            for (bins, (down, right)) in block.chunks_exact_mut(ORIENTATIONS).zip(corners) {
                let start = ((top + down) * cells + left + right) * ORIENTATIONS;
                bins.copy_from_slice(
                    histogram
                        .get(start..start + ORIENTATIONS)
                        .unwrap_or(&[0.0; ORIENTATIONS]),
                );
            }
            for clip in [f64::MAX, CLIP] {
                let cut = |v: &f64| v.min(clip);
                let length = block.iter().map(|v| cut(v).powi(2)).sum::<f64>();
                let length = (length + TINY * TINY).sqrt();
                block.iter_mut().for_each(|v| *v = v.min(clip) / length);
            }
            out.extend(block);
        }
    }
    out
}

/// Names of [`first_order`].
pub const FIRST_ORDER: [&str; 12] = [
    "mean",
    "deviation",
    "skewness",
    "kurtosis",
    "entropy",
    "uniformity",
    "p10",
    "p25",
    "median",
    "p75",
    "p90",
    "mean-absolute-deviation",
];

/// First-order statistics of values between 0 and 1: moments, entropy (bits) and uniformity over [`LEVELS`] bins,
/// percentiles linear between values. All zero without values.
pub fn first_order(values: &[f32]) -> [f64; 12] {
    let n = values.len() as f64;
    if values.is_empty() {
        return [0.0; 12];
    }
    let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
    let moment = |power: i32| {
        values
            .iter()
            .map(|&v| (f64::from(v) - mean).powi(power))
            .sum::<f64>()
            / n
    };
    let variance = moment(2);
    let deviation = variance.sqrt();
    let (skewness, kurtosis) = match deviation > 1e-9 {
        true => (
            moment(3) / deviation.powi(3),
            moment(4) / (variance * variance),
        ),
        false => (0.0, 0.0),
    };
    let mut bins = [0.0f64; LEVELS];
    for &value in values {
        if let Some(bin) = bins.get_mut(level(value)) {
            *bin += 1.0 / n;
        }
    }
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f32::total_cmp);
    let percentile = |share: f64| {
        let place = share * (n - 1.0);
        let (low, part) = (place.floor() as usize, place.fract());
        let value = |i: usize| f64::from(sorted.get(i).or(sorted.last()).copied().unwrap_or(0.0));
        value(low) + (value(low + 1) - value(low)) * part
    };
    let absolute = values
        .iter()
        .map(|&v| (f64::from(v) - mean).abs())
        .sum::<f64>()
        / n;
    [
        mean,
        deviation,
        skewness,
        kurtosis,
        -bins.iter().map(|&p| plogp(p)).sum::<f64>(),
        bins.iter().map(|p| p * p).sum(),
        percentile(0.10),
        percentile(0.25),
        percentile(0.50),
        percentile(0.75),
        percentile(0.90),
        absolute,
    ]
}

/// Names of [`co_occurrence`].
pub const CO_OCCURRENCE: [&str; 6] = [
    "contrast",
    "dissimilarity",
    "homogeneity",
    "energy",
    "correlation",
    "joint-entropy",
];

/// Properties of the grey-level co-occurrence matrix (Haralick 1973) of the pixels of a mask, values 0 to 1 in [`LEVELS`]
/// levels, `distance` pixels apart, symmetric, each the mean over four directions.
pub fn co_occurrence(
    picture: &[f32],
    mask: &[bool],
    [rows, columns]: [usize; 2],
    distance: usize,
) -> [f64; 6] {
    let mut out = [0.0f64; 6];
    let step = distance as isize;
    let directions = [(0, step), (step, step), (step, 0), (step, -step)];
    for (down, right) in directions {
        let mut matrix = vec![0.0f64; LEVELS * LEVELS];
        let mut pairs = 0.0;
        for row in 0..rows {
            for column in 0..columns {
                let place = |r: isize, c: isize| {
                    let inside = r >= 0 && c >= 0 && r < rows as isize && c < columns as isize;
                    let index = inside.then(|| r as usize * columns + c as usize)?;
                    let known = mask.get(index).copied().unwrap_or(false);
                    known
                        .then(|| picture.get(index).map(|&v| level(v)))
                        .flatten()
                };
                let (r, c) = (row as isize, column as isize);
                if let (Some(a), Some(b)) = (place(r, c), place(r + down, c + right)) {
                    for (i, j) in [(a, b), (b, a)] {
                        if let Some(value) = matrix.get_mut(i * LEVELS + j) {
                            *value += 1.0;
                        }
                        pairs += 1.0;
                    }
                }
            }
        }
        if pairs > 0.0 {
            matrix.iter_mut().for_each(|v| *v /= pairs);
        }
        for (sum, value) in out.iter_mut().zip(properties(&matrix)) {
            *sum += value / directions.len() as f64;
        }
    }
    out
}

/// Properties of a symmetric matrix of probabilities, [`LEVELS`] × [`LEVELS`].
fn properties(matrix: &[f64]) -> [f64; 6] {
    let each = || {
        matrix
            .iter()
            .enumerate()
            .map(|(index, &p)| ((index / LEVELS) as f64, (index % LEVELS) as f64, p))
    };
    let mean = each().map(|(i, _, p)| i * p).sum::<f64>();
    let variance = each().map(|(i, _, p)| (i - mean).powi(2) * p).sum::<f64>();
    let covariance = each()
        .map(|(i, j, p)| (i - mean) * (j - mean) * p)
        .sum::<f64>();
    [
        each().map(|(i, j, p)| (i - j).powi(2) * p).sum(),
        each().map(|(i, j, p)| (i - j).abs() * p).sum(),
        each().map(|(i, j, p)| p / (1.0 + (i - j).powi(2))).sum(),
        each().map(|(_, _, p)| p * p).sum::<f64>().sqrt(),
        if variance > 1e-12 {
            covariance / variance
        } else {
            1.0
        },
        -each().map(|(_, _, p)| plogp(p)).sum::<f64>(),
    ]
}

fn plogp(p: f64) -> f64 {
    if p > 0.0 { p * p.log2() } else { 0.0 }
}

fn level(value: f32) -> usize {
    ((value.clamp(0.0, 1.0) * LEVELS as f32) as usize).min(LEVELS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_points_in_its_direction() {
        // Brighter from left to right: all gradients lie at 0°, so only the first bin of each cell is filled.
        let picture: Vec<f32> = (0..16 * 16).map(|i| (i % 16) as f32 / 15.0).collect();
        let found = oriented_gradients(&picture, 16, 4);
        assert_eq!(found.len(), 3 * 3 * 4 * 9);
        for (index, value) in found.iter().enumerate() {
            assert_eq!(*value > 1e-3, index % 9 == 0, "{index} {value}");
        }
        // Blocks have length 1.
        let length: f64 = found.iter().take(36).map(|v| v * v).sum();
        assert!((length - 1.0).abs() < 1e-3, "{length}");
        assert!(oriented_gradients(&picture, 16, 9).is_empty());
    }

    #[test]
    fn first_order_statistics_of_a_few_numbers() {
        let found = first_order(&[0.1, 0.2, 0.3, 0.4, 1.0]);
        let near = |at: usize, expected: f64| {
            assert!(
                (found[at] - expected).abs() < 1e-6,
                "{at}: {} {expected}",
                found[at]
            );
        };
        near(0, 0.4);
        near(1, 0.1f64.sqrt());
        // Third central moment 0.036, fourth 0.02788 over n.
        near(2, 0.036 / 0.1f64.powf(1.5));
        near(3, 0.02788 / 0.01);
        near(4, 5.0f64.log2());
        near(5, 0.2);
        near(8, 0.3);
        near(7, 0.2);
        near(11, 0.24);
    }

    #[test]
    fn co_occurrence_of_a_chequerboard() {
        // Neighbours in a row or column differ by 31 levels, on the diagonals they are equal: 25 and 24 pairs of each.
        let picture: Vec<f32> = (0..64)
            .map(|i| if (i % 8 + i / 8) % 2 == 0 { 0.0 } else { 1.0 })
            .collect();
        let found = co_occurrence(&picture, &[true; 64], [8, 8], 1);
        let near = |at: usize, expected: f64| {
            assert!(
                (found[at] - expected).abs() < 1e-9,
                "{at}: {} {expected}",
                found[at]
            );
        };
        near(0, 961.0 / 2.0);
        near(1, 31.0 / 2.0);
        near(2, 0.5 * (1.0 + 1.0 / 962.0));
        near(4, 0.0);
        let diagonal = -(plogp(25.0 / 49.0) + plogp(24.0 / 49.0));
        near(5, 0.5 * (1.0 + diagonal));
        // Nothing outside of the mask counts.
        let left: Vec<bool> = (0..64).map(|i| i % 8 == 0).collect();
        let found = co_occurrence(&picture, &left, [8, 8], 1);
        assert!((found[0] - 961.0 / 4.0).abs() < 1e-9, "{found:?}");
    }

    /// A wave that turns: all directions and all levels.
    fn wave(side: usize) -> Vec<f32> {
        (0..side * side)
            .map(|i| {
                let (x, y) = ((i % side) as f64, (i / side) as f64);
                (0.5 + 0.5 * (0.3 * x + 0.011 * x * y + 0.2 * y).sin()) as f32
            })
            .collect()
    }

    #[test]
    fn numbers_are_those_of_scikit_image() {
        // skimage.feature.hog with 9 orientations, 6 × 6 pixels a cell, 2 × 2 cells a block, L2-Hys; version 0.26.
        let picture = wave(24);
        let found = oriented_gradients(&picture, 24, 6);
        assert_eq!(found.len(), 324);
        for (at, expected) in [
            (0, 0.11201),
            (1, 0.437315),
            (10, 0.414406),
            (40, 0.0),
            (200, 0.296969),
        ] {
            assert!((found[at] - expected).abs() < 1e-5, "{at}: {}", found[at]);
        }
        let sum: f64 = found.iter().sum();
        assert!((sum - 23.25403).abs() < 1e-3, "{sum}");
        // graycomatrix, symmetric, 32 levels, mean of graycoprops over four angles.
        let found = co_occurrence(&picture, &[true; 576], [24, 24], 1);
        let expected = [27.285523, 3.972078, 0.268784, 0.115667, 0.892785];
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-4, "{found} {expected}");
        }
    }
}
