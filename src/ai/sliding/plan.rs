//! How a grid is covered with windows that overlap, and which of them comes next.
//!
//! Indices are `[slice, row, column]`. A grid that is smaller than the window is laid into its middle; the voxels
//! around it belong to nobody ("padded" positions count from the first of them).

use crate::ai::AiError;
use std::{collections::BTreeSet, ops::Range};

/// Most of a window that its neighbour may share: three windows lie over a voxel along an axis then, 27 in all, which
/// the sums of `blend` have room for.
pub const MOST_OVERLAP: f64 = 0.5;

/// How a grid is covered.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    size: [usize; 3],
    window: [usize; 3],
    lead: [usize; 3],
    starts: [Vec<usize>; 3],
    cuts: [Vec<usize>; 3],
}

/// A box of padded positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// First position.
    pub start: [usize; 3],
    /// How many there are.
    pub size: [usize; 3],
}

impl Part {
    /// How many positions.
    pub const fn count(&self) -> usize {
        self.size[0] * self.size[1] * self.size[2]
    }
}

impl Plan {
    /// Windows of a size over a grid, neighbours sharing at least `overlap` of it (0 to [`MOST_OVERLAP`]). The distances
    /// between windows are as equal as whole voxels allow, and the outer windows end with the grid.
    pub fn new(size: [usize; 3], window: [usize; 3], overlap: f64) -> Result<Self, AiError> {
        let refuse = |what: &str| Err(AiError::Compute(what.into()));
        if size.contains(&0) || window.contains(&0) {
            return refuse("there is nothing to compute");
        }
        if !(0.0..=MOST_OVERLAP).contains(&overlap) {
            return refuse("windows overlap by half at most");
        }
        let mut starts = [const { Vec::new() }; 3];
        let mut cuts = [const { Vec::new() }; 3];
        let mut lead = [0; 3];
        for axis in 0..3 {
            let padded = size[axis].max(window[axis]);
            lead[axis] = (padded - size[axis]) / 2;
            starts[axis] = starts_along(padded, window[axis], overlap);
            let mut both: BTreeSet<usize> = starts[axis].iter().copied().collect();
            both.extend(starts[axis].iter().map(|s| s + window[axis]));
            cuts[axis] = both.into_iter().collect();
        }
        Ok(Self {
            size,
            window,
            lead,
            starts,
            cuts,
        })
    }

    /// The grid's size.
    pub const fn size(&self) -> [usize; 3] {
        self.size
    }

    /// The window's size.
    pub const fn window(&self) -> [usize; 3] {
        self.window
    }

    /// Padded positions before the first voxel of the grid.
    pub const fn lead(&self) -> [usize; 3] {
        self.lead
    }

    /// How many windows.
    pub fn count(&self) -> usize {
        self.starts.iter().map(Vec::len).product()
    }

    /// The first position of a window; windows are numbered slice by slice, row by row.
    pub fn start(&self, index: usize) -> Option<[usize; 3]> {
        let [_, rows, columns] = self.starts.each_ref().map(Vec::len);
        let at = [
            index / (rows * columns),
            index / columns % rows,
            index % columns,
        ];
        let mut start = [0; 3];
        for axis in 0..3 {
            start[axis] = *self.starts[axis].get(at[axis])?;
        }
        Some(start)
    }

    /// Of some windows the one whose middle is nearest to a place of the grid; the first of equal ones.
    pub fn nearest(&self, among: &BTreeSet<usize>, place: [f64; 3]) -> Option<usize> {
        let distance = |index: usize| {
            let start = self.start(index).unwrap_or_default();
            (0..3)
                .map(|axis| {
                    let middle = (start[axis] as f64 - self.lead[axis] as f64)
                        + 0.5 * (self.window[axis] as f64 - 1.0);
                    (middle - place[axis]).powi(2)
                })
                .sum::<f64>()
        };
        among
            .iter()
            .copied()
            .min_by(|&a, &b| distance(a).total_cmp(&distance(b)).then(a.cmp(&b)))
    }

    /// The cells that a window covers, each with its index. A cell lies between neighbouring borders of windows, so each
    /// window covers it as a whole or not at all.
    pub fn cells(&self, start: [usize; 3]) -> Vec<([usize; 3], Part)> {
        let ranges: [Range<usize>; 3] = std::array::from_fn(|axis| {
            let cuts = &self.cuts[axis];
            let first = cuts.partition_point(|c| *c < start[axis]);
            let end = cuts.partition_point(|c| *c < start[axis] + self.window[axis]);
            first..end
        });
        let mut found = Vec::new();
        for slice in ranges[0].clone() {
            for row in ranges[1].clone() {
                for column in ranges[2].clone() {
                    let index = [slice, row, column];
                    if let Some(part) = self.cell(index) {
                        found.push((index, part));
                    }
                }
            }
        }
        found
    }

    fn cell(&self, index: [usize; 3]) -> Option<Part> {
        let mut part = Part {
            start: [0; 3],
            size: [0; 3],
        };
        for (axis, at) in index.into_iter().enumerate() {
            part.start[axis] = *self.cuts[axis].get(at)?;
            part.size[axis] = self.cuts[axis].get(at + 1)? - part.start[axis];
        }
        Some(part)
    }

    /// How many windows cover a cell.
    pub fn covering(&self, part: &Part) -> usize {
        (0..3)
            .map(|axis| {
                let end = part.start[axis] + part.size[axis];
                let covers = |s: &&usize| **s <= part.start[axis] && **s + self.window[axis] >= end;
                self.starts[axis].iter().filter(covers).count()
            })
            .product()
    }

    /// The voxels of the grid in a box of padded positions; `None` when there are none.
    pub fn inside(&self, part: &Part) -> Option<Part> {
        let mut inside = *part;
        for axis in 0..3 {
            let low = part.start[axis].max(self.lead[axis]);
            let high = (part.start[axis] + part.size[axis]).min(self.lead[axis] + self.size[axis]);
            inside.start[axis] = low;
            inside.size[axis] = high.checked_sub(low).filter(|n| *n > 0)?;
        }
        Some(inside)
    }

    /// Positions whose sums are open at once when windows come in their order: those of one layer of windows.
    pub fn open_in_order(&self) -> u64 {
        let padded = |axis: usize| self.size[axis].max(self.window[axis]) as u64;
        self.window[0] as u64 * padded(1) * padded(2)
    }

    /// All padded positions.
    pub fn positions(&self) -> u64 {
        (0..3)
            .map(|axis| self.size[axis].max(self.window[axis]) as u64)
            .product()
    }
}

fn starts_along(size: usize, window: usize, overlap: f64) -> Vec<usize> {
    let step = ((window as f64 * (1.0 - overlap)).floor() as usize).max(1);
    let gaps = (size - window).div_ceil(step);
    (0..=gaps)
        .map(|k| match gaps {
            0 => 0,
            _ => (k * (size - window) + gaps / 2) / gaps,
        })
        .collect()
}

/// Weight of each voxel of a window: a Gaussian around its middle whose standard deviation is an eighth of the side
/// along each axis, as whole numbers from 1 to [`MOST_WEIGHT`].
pub fn weights(window: [usize; 3]) -> Vec<u32> {
    let along = window.map(|side| {
        let middle = 0.5 * (side as f64 - 1.0);
        let deviation = side as f64 / 8.0;
        (0..side)
            .map(|i| (-0.5 * ((i as f64 - middle) / deviation).powi(2)).exp())
            .collect::<Vec<f64>>()
    });
    let mut weights = Vec::with_capacity(window.iter().product());
    for z in &along[0] {
        for y in &along[1] {
            for x in &along[2] {
                let weight = (z * y * x * f64::from(MOST_WEIGHT)).round();
                weights.push((weight as u32).max(1));
            }
        }
    }
    weights
}

/// The weight in the middle of a window.
pub const MOST_WEIGHT: u32 = 511;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_cover_everything_and_no_voxel_more_than_27_times() {
        for (size, window) in [
            ([40, 50, 33], [16, 16, 16]),
            ([5, 70, 64], [1, 32, 32]),
            ([10, 100, 16], [16, 32, 16]),
            ([7, 9, 11], [7, 9, 11]),
            ([300, 20, 20], [96, 96, 96]),
        ] {
            let plan = Plan::new(size, window, 0.5).unwrap();
            let mut seen = std::collections::HashMap::new();
            for index in 0..plan.count() {
                let start = plan.start(index).unwrap();
                for axis in 0..3 {
                    assert!(start[axis] + window[axis] <= size[axis].max(window[axis]));
                }
                for (cell, part) in plan.cells(start) {
                    *seen
                        .entry((cell, part.count(), plan.covering(&part)))
                        .or_insert(0) += 1;
                }
            }
            let mut positions = 0;
            for ((cell, count, covering), times) in seen {
                assert_eq!(covering, times, "{cell:?}");
                assert!(covering <= 27);
                positions += count as u64;
            }
            assert_eq!(positions, plan.positions(), "{size:?} {window:?}");
            assert!(plan.start(plan.count()).is_none());
        }
    }

    #[test]
    fn a_small_grid_lies_in_the_middle() {
        let plan = Plan::new([10, 100, 16], [16, 32, 16], 0.5).unwrap();
        assert_eq!(plan.lead(), [3, 0, 0]);
        let whole = Part {
            start: [0; 3],
            size: [16, 100, 16],
        };
        let inside = plan.inside(&whole).unwrap();
        assert_eq!((inside.start, inside.size), ([3, 0, 0], [10, 100, 16]));
        let before = Part {
            start: [0; 3],
            size: [3, 5, 5],
        };
        assert_eq!(plan.inside(&before), None);
    }

    #[test]
    fn the_nearest_window_comes_first() {
        let plan = Plan::new([64, 64, 64], [16, 16, 16], 0.5).unwrap();
        let all: BTreeSet<usize> = (0..plan.count()).collect();
        let at = |place| plan.start(plan.nearest(&all, place).unwrap()).unwrap();
        assert_eq!(at([-9.0, -9.0, -9.0]), [0, 0, 0]);
        assert_eq!(at([99.0, 7.5, 31.5]), [48, 0, 24]);
        assert_eq!(plan.nearest(&BTreeSet::new(), [0.0; 3]), None);
    }

    #[test]
    fn weights_are_symmetric_and_never_zero() {
        let weights = weights([4, 6, 8]);
        assert_eq!(weights.len(), 192);
        assert!(weights.iter().all(|w| (1..=MOST_WEIGHT).contains(w)));
        let reversed: Vec<u32> = weights.iter().rev().copied().collect();
        assert_eq!(weights, reversed);
        // A single voxel has all the weight.
        assert_eq!(super::weights([1, 1, 1]), [MOST_WEIGHT]);
    }
}
