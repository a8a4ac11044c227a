//! Which levels lie side by side: the grey-level co-occurrence matrix (Haralick 1973), for each direction made symmetric.

use super::{DIRECTIONS, EPSILON, averaged, eigen, levels::Levels};
use rayon::prelude::*;

pub(super) fn features(levels: &Levels) -> Vec<(&'static str, f64)> {
    let found: Vec<Vec<(&'static str, f64)>> = DIRECTIONS
        .par_iter()
        .filter_map(|step| Matrix::along(levels, *step).map(|m| m.features()))
        .collect();
    match found.is_empty() {
        // A single voxel has no neighbours: names without values.
        true => {
            let names = Matrix {
                side: 1,
                chances: vec![1.0],
            };
            names
                .features()
                .into_iter()
                .map(|(name, _)| (name, f64::NAN))
                .collect()
        }
        false => averaged(&found),
    }
}

/// Chances of pairs of levels.
struct Matrix {
    side: usize,
    chances: Vec<f64>,
}

fn entropy(chances: impl Iterator<Item = f64>) -> f64 {
    -chances.map(|p| p * (p + EPSILON).log2()).sum::<f64>()
}

impl Matrix {
    /// Pairs one step apart; `None` where there are none.
    fn along(levels: &Levels, step: [isize; 3]) -> Option<Self> {
        let side = levels.highest;
        let mut counts = vec![0.0f64; side * side];
        let mut total = 0.0;
        for (at, a) in levels.voxels() {
            let b = levels.beside(at, step);
            if b > 0 {
                let (a, b) = (usize::from(a) - 1, usize::from(b) - 1);
                for index in [a * side + b, b * side + a] {
                    if let Some(count) = counts.get_mut(index) {
                        *count += 1.0;
                    }
                }
                total += 2.0;
            }
        }
        counts.iter_mut().for_each(|c| *c /= total);
        (total > 0.0).then_some(Self {
            side,
            chances: counts,
        })
    }

    /// First and second level (from 1) and chance of each pair.
    fn pairs(&self) -> impl Iterator<Item = (f64, f64, f64)> + '_ {
        self.chances.iter().enumerate().map(|(index, &p)| {
            let (i, j) = (index / self.side, index % self.side);
            (i as f64 + 1.0, j as f64 + 1.0, p)
        })
    }

    /// The second largest eigenvalue of the chances over the roots of both margins, which are equal: the largest correlation.
    fn largest_correlation(&self, margin: &[f64]) -> f64 {
        let used: Vec<usize> = (0..self.side).filter(|&i| margin[i] > 0.0).collect();
        let n = used.len();
        if n < 2 {
            return 1.0;
        }
        let mut matrix = vec![0.0; n * n];
        for (a, &i) in used.iter().enumerate() {
            for (b, &j) in used.iter().enumerate() {
                let over = (margin[i] * margin[j]).sqrt();
                matrix[a * n + b] = self.chances[i * self.side + j] / over;
            }
        }
        // Q of the definition is the square of this matrix, up to a change of base.
        let mut squares: Vec<f64> = eigen::symmetric(matrix, n).iter().map(|v| v * v).collect();
        squares.sort_unstable_by(|a, b| b.total_cmp(a));
        squares.get(1).map_or(1.0, |v| v.sqrt())
    }

    fn features(&self) -> Vec<(&'static str, f64)> {
        let side = self.side;
        let mut margin = vec![0.0f64; side];
        let mut apart = vec![0.0f64; side];
        let mut sums = vec![0.0f64; 2 * side + 1];
        for (i, j, p) in self.pairs() {
            margin[i as usize - 1] += p;
            apart[(i - j).abs() as usize] += p;
            sums[(i + j) as usize] += p;
        }
        let sum =
            |f: &dyn Fn(f64, f64) -> f64| self.pairs().map(|(i, j, p)| p * f(i, j)).sum::<f64>();
        let over = |f: &dyn Fn(f64) -> f64| {
            let terms = apart.iter().enumerate();
            terms.map(|(k, p)| p * f(k as f64)).sum::<f64>()
        };
        let mean = sum(&|i, _| i);
        let variance = sum(&|i, _| (i - mean).powi(2));
        let auto = sum(&|i, j| i * j);
        let cluster = |power: i32| sum(&|i, j| (i + j - 2.0 * mean).powi(power));
        let wide = side as f64;
        let difference = over(&|k| k);
        let joint = entropy(self.chances.iter().copied());
        let own = entropy(margin.iter().copied());
        let (mut first, mut second) = (0.0, 0.0);
        for (i, j, p) in self.pairs() {
            let both = margin[i as usize - 1] * margin[j as usize - 1];
            let log = (both + EPSILON).log2();
            first -= p * log;
            second -= both * log;
        }
        let sum_levels = || sums.iter().enumerate().map(|(k, p)| (k as f64, *p));
        vec![
            ("Autocorrelation", auto),
            ("ClusterProminence", cluster(4)),
            ("ClusterShade", cluster(3)),
            ("ClusterTendency", cluster(2)),
            ("Contrast", over(&|k| k * k)),
            (
                "Correlation",
                match variance > 0.0 {
                    true => (auto - mean * mean) / variance,
                    false => 1.0,
                },
            ),
            ("DifferenceAverage", difference),
            ("DifferenceEntropy", entropy(apart.iter().copied())),
            ("DifferenceVariance", over(&|k| (k - difference).powi(2))),
            ("Id", over(&|k| 1.0 / (1.0 + k))),
            ("Idm", over(&|k| 1.0 / (1.0 + k * k))),
            ("Idmn", over(&|k| 1.0 / (1.0 + k * k / (wide * wide)))),
            ("Idn", over(&|k| 1.0 / (1.0 + k / wide))),
            (
                "Imc1",
                match own > 0.0 {
                    true => (joint - first) / own,
                    false => 0.0,
                },
            ),
            (
                "Imc2",
                (1.0 - (-2.0 * (second - joint)).exp()).max(0.0).sqrt(),
            ),
            (
                "InverseVariance",
                over(&|k| if k > 0.0 { 1.0 / (k * k) } else { 0.0 }),
            ),
            ("JointAverage", mean),
            ("JointEnergy", self.chances.iter().map(|p| p * p).sum()),
            ("JointEntropy", joint),
            ("MCC", self.largest_correlation(&margin)),
            (
                "MaximumProbability",
                self.chances.iter().copied().fold(0.0, f64::max),
            ),
            ("SumAverage", sum_levels().map(|(k, p)| k * p).sum()),
            ("SumEntropy", entropy(sums.iter().copied())),
            ("SumSquares", variance),
        ]
    }
}
