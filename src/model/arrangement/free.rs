//! Cells of any size that fill the square.

use super::{CellRect, LEAST, LayoutRefusal, MAX_CELLS, Parting, SIDE};

/// Cells of any size; together they fill the square exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FreeCells(Vec<CellRect>);

/// A straight line between cells that moves as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Divider {
    /// Which way it runs.
    pub way: Parting,
    /// Where it is, across its way.
    pub at: u16,
    /// Where it begins, along its way.
    pub from: u16,
    /// Where it ends.
    pub to: u16,
}

impl CellRect {
    /// Extent across a parting (along x for an upright one), and along it.
    const fn across_along(self, way: Parting) -> ([u16; 2], [u16; 2]) {
        let (x, y) = ([self.left, self.right], [self.top, self.bottom]);
        match way {
            Parting::Upright => (x, y),
            Parting::Level => (y, x),
        }
    }

    const fn of_across_along(way: Parting, across: [u16; 2], along: [u16; 2]) -> Self {
        let (x, y) = match way {
            Parting::Upright => (across, along),
            Parting::Level => (along, across),
        };
        Self {
            left: x[0],
            top: y[0],
            right: x[1],
            bottom: y[1],
        }
    }

    /// Both as one, when they have a whole side in common.
    fn united(self, other: Self) -> Option<Self> {
        [Parting::Upright, Parting::Level]
            .into_iter()
            .find_map(|way| {
                let (a, along) = self.across_along(way);
                let (b, along_too) = other.across_along(way);
                let touch = a[1] == b[0] || b[1] == a[0];
                (along == along_too && touch)
                    .then(|| Self::of_across_along(way, [a[0].min(b[0]), a[1].max(b[1])], along))
            })
    }
}

impl FreeCells {
    /// Cells that are known to fill the square.
    pub(super) const fn of(cells: Vec<CellRect>) -> Self {
        Self(cells)
    }

    /// Checks that the cells fill the square without overlap: for layouts that come from a file.
    pub fn new(cells: Vec<CellRect>) -> Option<Self> {
        let whole = |r: &CellRect| {
            r.left < r.right && r.top < r.bottom && r.right <= SIDE && r.bottom <= SIDE
        };
        let few = (1..=MAX_CELLS).contains(&cells.len());
        if !few || !cells.iter().all(whole) {
            return None;
        }
        let apart = cells.iter().enumerate().all(|(n, a)| {
            let mut later = cells.iter().skip(n + 1);
            !later.any(|b| a.overlaps(*b))
        });
        let area: u64 = cells.iter().map(|r| r.area()).sum();
        (apart && area == CellRect::ALL.area()).then_some(Self(cells))
    }

    /// How many cells there are, at least one.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Never: there is always a cell.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Where a cell lies.
    pub fn rect(&self, cell: usize) -> Option<CellRect> {
        self.0.get(cell).copied()
    }

    /// All cells in their order.
    pub fn rects(&self) -> &[CellRect] {
        &self.0
    }

    pub(super) fn split(
        mut self,
        cell: usize,
        way: Parting,
        at: f64,
    ) -> Result<Self, LayoutRefusal> {
        let rect = self.rect(cell).ok_or(LayoutRefusal::NoCell)?;
        if self.0.len() >= MAX_CELLS {
            return Err(LayoutRefusal::TooMany);
        }
        let ([low, high], along) = rect.across_along(way);
        let parts = (f64::from(high - low) * at.clamp(0.0, 1.0)).round() as u16;
        let middle = low.saturating_add(parts);
        if middle < low.saturating_add(LEAST) || middle.saturating_add(LEAST) > high {
            return Err(LayoutRefusal::TooSmall);
        }
        if let Some(slot) = self.0.get_mut(cell) {
            *slot = CellRect::of_across_along(way, [low, middle], along);
        }
        let new = CellRect::of_across_along(way, [middle, high], along);
        self.0.push(new);
        Ok(self)
    }

    pub(super) fn join(mut self, keep: usize, gone: usize) -> Result<Self, LayoutRefusal> {
        let (a, b) = self
            .rect(keep)
            .zip(self.rect(gone))
            .ok_or(LayoutRefusal::NoCell)?;
        let united = a.united(b).ok_or(LayoutRefusal::NotBeside)?;
        if let Some(slot) = self.0.get_mut(keep) {
            *slot = united;
        }
        self.0.remove(gone);
        Ok(self)
    }

    pub(super) fn partner(&self, cell: usize) -> Option<usize> {
        let own = self.rect(cell)?;
        let rank = |r: &CellRect| {
            if r.left == own.right {
                0
            } else if r.top == own.bottom {
                1
            } else if r.right == own.left {
                2
            } else {
                3
            }
        };
        let others = self.0.iter().enumerate().filter(|(n, _)| *n != cell);
        others
            .filter(|(_, r)| own.united(**r).is_some())
            .min_by_key(|(_, r)| rank(r))
            .map(|(n, _)| n)
    }

    /// Edges at the same place that touch are one line.
    pub(super) fn dividers(&self) -> Vec<Divider> {
        let mut found = Vec::new();
        for way in [Parting::Upright, Parting::Level] {
            // Every inner edge is the far edge of some cell.
            let mut edges: Vec<(u16, [u16; 2])> = self
                .0
                .iter()
                .map(|r| r.across_along(way))
                .filter(|([_, high], _)| *high < SIDE)
                .map(|([_, high], along)| (high, along))
                .collect();
            edges.sort_unstable();
            for (at, [from, to]) in edges {
                match found.last_mut() {
                    Some(Divider {
                        way: last_way,
                        at: last,
                        to: end,
                        ..
                    }) if *last_way == way && *last == at && *end == from => *end = to,
                    _ => found.push(Divider { way, at, from, to }),
                }
            }
        }
        found
    }

    pub(super) fn with_moved(mut self, divider: Divider, to: u16) -> Self {
        if !self.dividers().contains(&divider) {
            return self;
        }
        let touches = |along: [u16; 2]| along[0] >= divider.from && along[1] <= divider.to;
        let (mut lowest, mut highest) = (0u16, SIDE);
        for rect in &self.0 {
            let ([low, high], along) = rect.across_along(divider.way);
            if high == divider.at && touches(along) {
                lowest = lowest.max(low.saturating_add(LEAST));
            }
            if low == divider.at && touches(along) {
                highest = highest.min(high.saturating_sub(LEAST));
            }
        }
        if lowest > highest {
            return self;
        }
        let at = to.clamp(lowest, highest);
        for rect in &mut self.0 {
            let ([mut low, mut high], along) = rect.across_along(divider.way);
            if !touches(along) {
                continue;
            }
            if high == divider.at {
                high = at;
            } else if low == divider.at {
                low = at;
            }
            *rect = CellRect::of_across_along(divider.way, [low, high], along);
        }
        self
    }

    pub(super) fn rects_without(self, away: impl Fn(usize) -> bool) -> Vec<Option<CellRect>> {
        let mut places: Vec<Option<CellRect>> = self.0.iter().copied().map(Some).collect();
        if (0..places.len()).all(&away) {
            // Nobody is left to fill the room.
            return places;
        }
        // Filling one room may make another fillable.
        let mut waiting: Vec<usize> = (0..places.len()).filter(|n| away(*n)).collect();
        loop {
            let before = waiting.len();
            waiting.retain(|cell| !fill(&mut places, *cell));
            if waiting.is_empty() || waiting.len() == before {
                return places;
            }
        }
    }
}

/// Gives the room of a cell to those along one whole side of it. Returns whether somebody could take it.
fn fill(places: &mut [Option<CellRect>], cell: usize) -> bool {
    let Some(room) = places.get(cell).copied().flatten() else {
        return true;
    };
    for (way, far) in [
        (Parting::Upright, false),
        (Parting::Upright, true),
        (Parting::Level, false),
        (Parting::Level, true),
    ] {
        let ([low, high], [from, to]) = room.across_along(way);
        let beside = |rect: &CellRect| {
            let ([l, h], along) = rect.across_along(way);
            let touch = if far { l == high } else { h == low };
            touch && along[0] < to && from < along[1]
        };
        let takers: Vec<usize> = places
            .iter()
            .enumerate()
            .filter(|(n, rect)| *n != cell && rect.as_ref().is_some_and(beside))
            .map(|(n, _)| n)
            .collect();
        let inside = |n: &usize| {
            let rect = places.get(*n).copied().flatten();
            rect.is_some_and(|rect| {
                let (_, along) = rect.across_along(way);
                along[0] >= from && along[1] <= to
            })
        };
        if takers.is_empty() || !takers.iter().all(inside) {
            continue;
        }
        for taker in takers {
            if let Some(Some(rect)) = places.get_mut(taker) {
                let ([l, h], along) = rect.across_along(way);
                *rect = CellRect::of_across_along(way, [l.min(low), h.max(high)], along);
            }
        }
        if let Some(slot) = places.get_mut(cell) {
            *slot = None;
        }
        return true;
    }
    false
}
