//! Which cells there are and which of them are on the screen.

use super::{Viewport, Workspace};
use crate::model::arrangement::MAX_CELLS;

/// So many cells are there at least, so that a small layout keeps what stood beside it.
pub(super) const KEPT: usize = 4;

/// Some of the cells of a layout, in their order. Goes through them when it is iterated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CellSet(u64);

impl CellSet {
    /// The first cells.
    pub const fn first(count: usize) -> Self {
        if count >= MAX_CELLS {
            Self(u64::MAX)
        } else {
            Self((1 << count) - 1)
        }
    }

    /// Only this one.
    pub const fn one(cell: usize) -> Self {
        if cell >= MAX_CELLS {
            Self(0)
        } else {
            Self(1 << cell)
        }
    }

    /// Whether a cell is among them.
    pub const fn contains(self, cell: usize) -> bool {
        cell < MAX_CELLS && self.0 & (1 << cell) != 0
    }

    /// How many there are.
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those of either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those of this that are not of the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl FromIterator<usize> for CellSet {
    fn from_iter<I: IntoIterator<Item = usize>>(cells: I) -> Self {
        let cells = cells.into_iter().map(Self::one);
        cells.fold(Self::default(), Self::union)
    }
}

impl Iterator for CellSet {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        if self.0 == 0 {
            return None;
        }
        let first = self.0.trailing_zeros();
        self.0 &= self.0 - 1;
        Some(first as usize)
    }
}

impl Workspace {
    /// The cells that are on a screen: all of the layout, or the maximised one, and those in windows of their own.
    pub fn visible_cells(&self) -> CellSet {
        let main = if self.maximised {
            CellSet::one(self.active)
        } else {
            CellSet::first(self.layout.cells())
        };
        main.union(self.detached_cells())
    }

    /// As many viewports as the layout has cells; what stands in cells that are no more is let go, but for the first few.
    pub(super) fn fit_viewports(&mut self) {
        let cells = self.layout.cells().clamp(KEPT, MAX_CELLS);
        self.viewports.resize_with(cells, Viewport::default);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_cells_are_walked_in_order() {
        let check = |set: CellSet, cells: &[usize]| {
            assert_eq!(set.collect::<Vec<_>>(), cells);
            assert_eq!(set.len(), cells.len());
            assert_eq!(set.is_empty(), cells.is_empty());
        };
        check(CellSet::first(0), &[]);
        check(CellSet::first(3), &[0, 1, 2]);
        check(CellSet::one(63), &[63]);
        check(CellSet::one(64), &[]);
        check(CellSet::first(4).without(CellSet::one(1)), &[0, 2, 3]);
        check(CellSet::one(5).union(CellSet::one(2)), &[2, 5]);
        assert_eq!(CellSet::first(64).len(), 64);
        assert_eq!(CellSet::first(99), CellSet::first(64));
        assert!(CellSet::one(7).contains(7) && !CellSet::one(7).contains(71));
    }
}
