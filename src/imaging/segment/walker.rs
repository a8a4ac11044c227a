//! Random walks to strokes (Grady 2006): each voxel gets the label that a walk from it, which prefers steps between like
//! values, most probably meets first.
//!
//! Weights of steps are exp(-β g²), with g the difference of values per millimetre (per voxel where steps are 1) of values
//! that were divided by their range, and β divided by ten deviations of them, as scikit-image has it. One linear system a
//! label is solved by conjugate gradients. `render::walker` solves the same [`System`] on the device that draws.

use super::bits::Bits;
use crate::task::CancelToken;
use rayon::prelude::*;

/// How the walk is made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Walk {
    /// How much the walk shuns steps between unlike values; 130 is usual.
    pub beta: f64,
    /// Residual at which solving ends, relative to the right-hand side.
    pub tolerance: f64,
    /// Most rounds of solving.
    pub rounds: usize,
}

impl Default for Walk {
    fn default() -> Self {
        Self {
            beta: 130.0,
            tolerance: 1e-4,
            rounds: 2000,
        }
    }
}

/// Keeps every step possible.
const LEAST: f64 = 1e-10;

/// Labels of all voxels from labelled strokes (0 for none) over values, columns fastest. What no stroke reaches (beyond voxels
/// without value) is 0. `None` where sizes do not fit, or once cancelled.
pub fn random_walker(
    values: &[f32],
    size: [usize; 3],
    spacing: [f64; 3],
    seeds: &[u16],
    walk: Walk,
    cancel: &CancelToken,
) -> Option<Vec<u16>> {
    let count = values.len();
    let system = System::new(values, size, spacing, seeds, walk.beta)?;
    let names = system.names();
    let mut best = vec![f64::NEG_INFINITY; count];
    let mut labels = seeds.to_vec();
    // The probabilities of all labels add up to 1, so the last one needs no solving.
    let mut left = vec![1.0f64; count];
    for (index, &name) in names.iter().enumerate() {
        let chance = match index + 1 < names.len() {
            true => system.solve(name, walk, cancel)?,
            false => left.clone(),
        };
        labels
            .par_iter_mut()
            .zip(&mut best)
            .zip(&mut left)
            .zip(&chance)
            .zip(&system.free)
            .for_each(|((((label, best), left), &chance), &free)| {
                *left -= chance;
                if free && chance > *best {
                    *best = chance;
                    *label = name;
                }
            });
    }
    Some(labels)
}

/// The same for one segment: strokes that say yes and strokes that say no.
pub fn from_strokes(
    values: &[f32],
    size: [usize; 3],
    spacing: [f64; 3],
    [plus, minus]: [&Bits; 2],
    walk: Walk,
    cancel: &CancelToken,
) -> Option<Bits> {
    let mut seeds = vec![0u16; values.len()];
    plus.stamp(1, &mut seeds);
    minus.stamp(2, &mut seeds);
    let labels = random_walker(values, size, spacing, &seeds, walk, cancel)?;
    Bits::from_label(&labels, size, &1)
}

/// The Laplacian of the grid over the voxels that are to be labelled.
pub struct System<'a> {
    size: [usize; 3],
    seeds: &'a [u16],
    /// Voxels that are no seeds, have a value and can be reached.
    free: Vec<bool>,
    /// Weight of the step to the next voxel along each axis; 0 at the end of it and at voxels without a value.
    weights: [Vec<f64>; 3],
    /// Sum of the weights of a voxel's steps.
    degree: Vec<f64>,
}

impl std::fmt::Debug for System<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("System").field("size", &self.size).finish()
    }
}

impl<'a> System<'a> {
    /// The system of labelled strokes (0 for none) over values, columns fastest; spacing in any unit. `None` where sizes do not
    /// fit.
    pub fn new(
        values: &[f32],
        size: [usize; 3],
        spacing: [f64; 3],
        seeds: &'a [u16],
        beta: f64,
    ) -> Option<Self> {
        let count = size[0].checked_mul(size[1])?.checked_mul(size[2])?;
        if values.len() != count || seeds.len() != count || count == 0 {
            return None;
        }
        let finite = || {
            values
                .iter()
                .filter(|v| v.is_finite())
                .map(|&v| f64::from(v))
        };
        let n = finite().count().max(1) as f64;
        let (low, high) = finite().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
            (low.min(v), high.max(v))
        });
        let range = if high > low { high - low } else { 1.0 };
        let mean = finite().sum::<f64>() / n;
        let deviation = (finite().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt() / range;
        let scale = match deviation > 0.0 {
            true => beta / (10.0 * deviation),
            false => 0.0,
        };
        let narrow = spacing.iter().copied().fold(f64::INFINITY, f64::min);
        let strides = [1, size[0], size[0] * size[1]];
        let weights = [0, 1, 2].map(|axis| {
            let (stride, side) = (strides[axis], size[axis]);
            let step = spacing[axis] / narrow;
            (0..values.len())
                .into_par_iter()
                .map(|at| {
                    if at / stride % side + 1 >= side {
                        return 0.0;
                    }
                    let apart = f64::from(values[at + stride]) - f64::from(values[at]);
                    let slope = apart / range / step;
                    match slope.is_finite() {
                        true => (-scale * slope * slope).exp() + LEAST,
                        false => 0.0,
                    }
                })
                .collect::<Vec<f64>>()
        });
        let mut system = Self {
            size,
            seeds,
            free: Vec::new(),
            weights,
            degree: Vec::new(),
        };
        system.degree = (0..values.len())
            .into_par_iter()
            .map(|at| {
                let mut sum = 0.0;
                system.around(at, |_, weight| sum += weight);
                sum
            })
            .collect();
        system.free = system.reachable();
        Some(system)
    }

    /// Columns, rows and slices.
    pub const fn size(&self) -> [usize; 3] {
        self.size
    }

    /// The strokes.
    pub const fn seeds(&self) -> &'a [u16] {
        self.seeds
    }

    /// The labels of the strokes, in their order.
    pub fn names(&self) -> Vec<u16> {
        let mut names: Vec<u16> = self.seeds.iter().copied().filter(|&s| s != 0).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Of each voxel the weights of the steps to the next one along each axis, and the sum of the weights of all its steps: 0
    /// where it is a seed or none can be reached.
    pub fn rows(&self) -> Vec<[f32; 4]> {
        (0..self.seeds.len())
            .into_par_iter()
            .map(|at| {
                let [x, y, z] = self.weights.each_ref().map(|of| of[at] as f32);
                let degree = if self.free[at] { self.degree[at] } else { 0.0 };
                [x, y, z, degree as f32]
            })
            .collect()
    }

    /// Calls with each neighbour and the weight of the step to it.
    fn around(&self, at: usize, mut call: impl FnMut(usize, f64)) {
        let mut stride = 1;
        for (axis, weights) in self.weights.iter().enumerate() {
            let forth = weights[at];
            if forth > 0.0 {
                call(at + stride, forth);
            }
            if at >= stride && !(at / stride).is_multiple_of(self.size[axis]) {
                let back = weights[at - stride];
                if back > 0.0 {
                    call(at - stride, back);
                }
            }
            stride *= self.size[axis];
        }
    }

    /// Voxels that are no seeds and from which a walk meets one.
    fn reachable(&self) -> Vec<bool> {
        let mut seen = vec![false; self.seeds.len()];
        let mut open: Vec<usize> = (0..seen.len()).filter(|&i| self.seeds[i] != 0).collect();
        while let Some(at) = open.pop() {
            self.around(at, |next, _| {
                if !seen[next] && self.seeds[next] == 0 {
                    seen[next] = true;
                    open.push(next);
                }
            });
        }
        seen
    }

    /// The Laplacian times a vector that is 0 outside of the free voxels.
    fn times(&self, vector: &[f64], out: &mut [f64]) {
        let row = self.size[0];
        out.par_chunks_mut(row)
            .enumerate()
            .for_each(|(index, out)| {
                for (x, out) in out.iter_mut().enumerate() {
                    let at = index * row + x;
                    *out = 0.0;
                    if self.free[at] {
                        let mut sum = self.degree[at] * vector[at];
                        self.around(at, |next, weight| sum -= weight * vector[next]);
                        *out = sum;
                    }
                }
            });
    }

    /// The probability of a label at each voxel: 1 at its seeds, 0 at others.
    fn solve(&self, name: u16, walk: Walk, cancel: &CancelToken) -> Option<Vec<f64>> {
        let count = self.seeds.len();
        // What the seeds of this label give their neighbours.
        let mut rest: Vec<f64> = (0..count)
            .into_par_iter()
            .map(|at| {
                let mut sum = 0.0;
                if self.free[at] {
                    self.around(at, |next, weight| {
                        if self.seeds[next] == name {
                            sum += weight;
                        }
                    });
                }
                sum
            })
            .collect();
        let dot = |a: &[f64], b: &[f64]| -> f64 { a.par_iter().zip(b).map(|(a, b)| a * b).sum() };
        let scaled = |rest: &[f64]| -> Vec<f64> {
            let pairs = rest.par_iter().zip(&self.degree);
            pairs
                .map(|(r, d)| if *d > 0.0 { r / d } else { 0.0 })
                .collect()
        };
        let mut found: Vec<f64> = vec![0.0; count];
        let target = walk.tolerance * dot(&rest, &rest).sqrt();
        let mut better = scaled(&rest);
        let mut direction = better.clone();
        let mut energy = dot(&rest, &better);
        let mut image = vec![0.0; count];
        for _ in 0..walk.rounds {
            if cancel.is_cancelled() {
                return None;
            }
            if energy <= 0.0 || dot(&rest, &rest).sqrt() <= target {
                break;
            }
            self.times(&direction, &mut image);
            let length = energy / dot(&direction, &image);
            if !length.is_finite() {
                break;
            }
            found
                .par_iter_mut()
                .zip(&direction)
                .for_each(|(f, d)| *f += length * d);
            rest.par_iter_mut()
                .zip(&image)
                .for_each(|(r, i)| *r -= length * i);
            better = scaled(&rest);
            let next = dot(&rest, &better);
            let turn = next / energy;
            energy = next;
            direction
                .par_iter_mut()
                .zip(&better)
                .for_each(|(d, b)| *d = b + turn * *d);
        }
        found
            .iter_mut()
            .zip(self.seeds)
            .filter(|(_, seed)| **seed != 0)
            .for_each(|(f, &seed)| *f = f64::from(u8::from(seed == name)));
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_along_a_line_is_a_ladder() {
        // Without differences the probability falls evenly from one seed to the other: the middle parts the labels.
        let size = [11, 1, 1];
        let mut seeds = vec![0u16; 11];
        (seeds[0], seeds[10]) = (1, 2);
        let exact = Walk {
            tolerance: 1e-12,
            ..Walk::default()
        };
        let token = CancelToken::default();
        let system = System::new(&[3.0; 11], size, [1.0; 3], &seeds, 130.0).unwrap();
        let chance = system.solve(1, exact, &token).unwrap();
        for (i, chance) in chance.iter().enumerate() {
            assert!((chance - (10 - i) as f64 / 10.0).abs() < 1e-9);
        }
        // An edge between the fourth and fifth voxel parts them there.
        let values: Vec<f32> = (0..11).map(|i| if i < 4 { 0.0 } else { 1.0 }).collect();
        let found = random_walker(&values, size, [1.0; 3], &seeds, exact, &token).unwrap();
        assert_eq!(found, [1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2]);
    }

    #[test]
    fn what_no_stroke_reaches_stays_empty() {
        let size = [7, 3, 2];
        let mut values = vec![1.0f32; 42];
        for row in 0..6 {
            values[row * 7 + 3] = f32::NAN;
        }
        let mut seeds = vec![0u16; 42];
        (seeds[0], seeds[2 * 7]) = (5, 9);
        let token = CancelToken::default();
        let found = random_walker(&values, size, [1.0; 3], &seeds, Walk::default(), &token);
        let found = found.unwrap();
        for (i, label) in found.iter().enumerate() {
            assert_eq!(i % 7 < 3, *label != 0, "{i}");
        }
        assert!(
            random_walker(
                &values,
                [7, 3, 1],
                [1.0; 3],
                &seeds,
                Walk::default(),
                &token
            )
            .is_none()
        );
        token.cancel();
        assert!(random_walker(&values, size, [1.0; 3], &seeds, Walk::default(), &token).is_none());
    }
}
