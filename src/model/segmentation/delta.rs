//! Changes of voxels as invertible values: what a stroke, a tool or an accepted proposal did, and nothing else.
//!
//! A change is a list of bricks, each with runs: how many voxels are left out, how many follow, what they were and
//! what they are. Every number is a LEB128 varint; a run whose two numbers are those of the run before says so with
//! one bit and leaves them out. Cost and size grow with what changed, never with the grid.

use super::voxels::{BRICK, Brick, EDGE, VoxelBox, Voxels};
use std::{collections::BTreeMap, sync::Arc};

/// Why a change does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeltaError {
    /// The grid has another size.
    #[error("the change belongs to a grid of another size")]
    Size,
    /// A voxel is not what it was when the change was made.
    #[error("the voxels are not those that the change starts from")]
    Stale,
    /// The bytes are no list of runs inside the grid.
    #[error("the bytes of the change are damaged")]
    Malformed,
}

/// A change of the voxels of one layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delta {
    size: [usize; 3],
    runs: Arc<[u8]>,
    /// The two numbers of each run change places.
    inverted: bool,
}

/// Voxels that follow each other in a brick and changed alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Number of the brick, columns fastest.
    pub brick: usize,
    /// The first voxel in it.
    pub first: usize,
    /// How many.
    pub length: usize,
    /// What they were.
    pub from: u16,
    /// What they are.
    pub to: u16,
}

impl Delta {
    /// From what [`Delta::parts`] gave; whether it fits is seen when it is applied.
    pub fn from_parts(size: [usize; 3], runs: Vec<u8>, inverted: bool) -> Self {
        Self {
            size,
            runs: runs.into(),
            inverted,
        }
    }

    /// The change that makes one grid of the other. Bricks that both share cost nothing. `None` when the sizes differ.
    pub fn between(before: &Voxels, after: &Voxels) -> Option<Self> {
        Self::between_bricks(before, after, 0..after.brick_count())
    }

    /// The same of some bricks alone: several of them in turn make the whole change, however large it is.
    pub fn between_bricks(
        before: &Voxels,
        after: &Voxels,
        bricks: std::ops::Range<usize>,
    ) -> Option<Self> {
        if before.size() != after.size() {
            return None;
        }
        let mut runs = Writer::default();
        let zeros = [0; BRICK];
        for index in bricks {
            let (was, is) = (before.brick(index), after.brick(index));
            let same = match (was, is) {
                (Some(was), Some(is)) => Arc::ptr_eq(was, is),
                (None, None) => true,
                _ => false,
            };
            if !same {
                let was = was.map_or(&zeros, |brick| &**brick);
                let is = is.map_or(&zeros, |brick| &**brick);
                runs.brick(index, was, is);
            }
        }
        Some(Self {
            size: after.size(),
            runs: runs.bytes.into(),
            inverted: false,
        })
    }

    /// Size of the grid, the encoded runs, and whether they are read backwards.
    pub fn parts(&self) -> ([usize; 3], &[u8], bool) {
        (self.size, &self.runs, self.inverted)
    }

    /// The change that takes this one back; the runs are shared.
    #[must_use]
    pub fn inverse(&self) -> Self {
        Self {
            inverted: !self.inverted,
            ..self.clone()
        }
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Memory that it owns, bytes.
    pub fn held_bytes(&self) -> usize {
        self.runs.len()
    }

    /// The runs, as far as the bytes are sound.
    pub fn runs(&self) -> impl Iterator<Item = Result<Run, DeltaError>> + '_ {
        Reader {
            bytes: &self.runs,
            inverted: self.inverted,
            brick: 0,
            left: 0,
            next: 0,
            pair: (0, 0),
        }
    }

    /// The least box of whole rows of bricks around what changed, clipped to the grid: what has to be drawn again.
    pub fn bounds(&self) -> Option<VoxelBox> {
        let across = self.size.map(|n| n.div_ceil(EDGE));
        let mut bounds: Option<VoxelBox> = None;
        for run in self.runs().map_while(Result::ok) {
            let corner = corner(across, run.brick);
            let last = run.first + run.length.saturating_sub(1);
            let (row, slice) = (EDGE, EDGE * EDGE);
            // A run within a row is exact; one over several rows takes their whole width.
            let (x, x_end) = match run.first / row == last / row {
                true => (run.first % row, last % row + 1),
                false => (0, EDGE),
            };
            let (y, y_end) = match run.first / slice == last / slice {
                true => (run.first / row % EDGE, last / row % EDGE + 1),
                false => (0, EDGE),
            };
            let part = VoxelBox {
                first: [corner[0] + x, corner[1] + y, corner[2] + run.first / slice],
                end: [
                    (corner[0] + x_end).min(self.size[0]),
                    (corner[1] + y_end).min(self.size[1]),
                    (corner[2] + last / slice + 1).min(self.size[2]),
                ],
            };
            bounds = Some(bounds.map_or(part, |bounds| bounds.union(&part)));
        }
        bounds
    }

    /// How many voxels changed.
    pub fn changed(&self) -> u64 {
        let lengths = self.runs().map_while(Result::ok).map(|r| r.length as u64);
        lengths.sum()
    }

    /// Whether its bytes are runs inside the grid.
    ///
    /// # Errors
    /// [`DeltaError::Malformed`].
    pub fn check(&self) -> Result<(), DeltaError> {
        let across = self.size.map(|n| n.div_ceil(EDGE));
        let bricks: usize = across.iter().product();
        for run in self.runs() {
            let run = run?;
            if run.brick >= bricks || !self.is_inside(corner(across, run.brick), &run) {
                return Err(DeltaError::Malformed);
            }
        }
        Ok(())
    }

    /// Whether a run stays in the grid: the last bricks of a row, a column and the slices reach beyond it.
    fn is_inside(&self, corner: [usize; 3], run: &Run) -> bool {
        let whole = (0..3).all(|axis| corner[axis] + EDGE <= self.size[axis]);
        let inside = |at: usize| {
            let place = [at % EDGE, at / EDGE % EDGE, at / (EDGE * EDGE)];
            (0..3).all(|axis| corner[axis] + place[axis] < self.size[axis])
        };
        whole || (run.first..run.first + run.length).all(inside)
    }

    /// Carries it out in full or not at all.
    pub(super) fn apply(&self, voxels: &mut Voxels) -> Result<(), DeltaError> {
        if voxels.size() != self.size {
            return Err(DeltaError::Size);
        }
        let mut done: Vec<(usize, Arc<Brick>)> = Vec::new();
        for run in self.runs() {
            let run = run?;
            if done.last().is_none_or(|(index, _)| *index != run.brick) {
                if run.brick >= voxels.brick_count() {
                    return Err(DeltaError::Malformed);
                }
                let before = voxels.brick(run.brick);
                let brick = before.cloned().unwrap_or_else(|| Arc::new([0; BRICK]));
                done.push((run.brick, brick));
            }
            let Some((_, brick)) = done.last_mut() else {
                return Err(DeltaError::Malformed);
            };
            let part = Arc::make_mut(brick).get_mut(run.first..run.first + run.length);
            let part = part.ok_or(DeltaError::Malformed)?;
            if !self.is_inside(voxels.corner(run.brick), &run) {
                return Err(DeltaError::Malformed);
            }
            if part.iter().any(|number| *number != run.from) {
                return Err(DeltaError::Stale);
            }
            part.fill(run.to);
        }
        for (index, brick) in done {
            voxels.set_brick(index, brick);
        }
        Ok(())
    }
}

/// What a change makes of a voxel: the number before and after; `None` where it leaves it as it is.
pub fn change_at(delta: &Delta, at: [usize; 3]) -> Option<(u16, u16)> {
    let brick = index_of(delta.size, at)?;
    let place = place_of(at);
    let runs = delta.runs().map_while(Result::ok);
    let mut here = runs.filter(|run| run.brick == brick);
    let run = here.find(|run| (run.first..run.first + run.length).contains(&place))?;
    Some((run.from, run.to))
}

/// The number of the brick of a voxel, as in [`Run::brick`]; `None` outside the grid.
pub fn index_of(size: [usize; 3], at: [usize; 3]) -> Option<usize> {
    let across = size.map(|n| n.div_ceil(EDGE));
    let [x, y, z] = at.map(|n| n / EDGE);
    let inside = (0..3).all(|axis| at[axis] < size[axis]);
    inside.then_some((z * across[1] + y) * across[0] + x)
}

/// The place of a voxel in its brick, as in [`Run::first`].
pub const fn place_of([x, y, z]: [usize; 3]) -> usize {
    (z % EDGE * EDGE + y % EDGE) * EDGE + x % EDGE
}

const fn corner(across: [usize; 3], brick: usize) -> [usize; 3] {
    let [columns, rows, _] = across;
    match (columns, rows) {
        (0, _) | (_, 0) => [0; 3],
        _ => [
            brick % columns * EDGE,
            brick / columns % rows * EDGE,
            brick / (columns * rows) * EDGE,
        ],
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    inverted: bool,
    /// One past the brick that is read.
    brick: usize,
    /// Runs of it that are still to come.
    left: u64,
    next: usize,
    pair: (u16, u16),
}

impl Reader<'_> {
    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..63).step_by(7) {
            let (byte, rest) = self.bytes.split_first()?;
            self.bytes = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn run(&mut self) -> Option<Run> {
        if self.left == 0 {
            let gap = usize::try_from(self.varint()?).ok()?;
            self.brick = self.brick.checked_add(gap)?.checked_add(1)?;
            self.left = self.varint()?;
            if self.left == 0 || self.left > BRICK as u64 {
                return None;
            }
            self.next = 0;
        }
        self.left -= 1;
        let word = self.varint()?;
        let first = self.next.checked_add(usize::try_from(word >> 1).ok()?)?;
        let length = usize::try_from(self.varint()?).ok()?;
        if word & 1 == 0 {
            let from = u16::try_from(self.varint()?).ok()?;
            let to = u16::try_from(self.varint()?).ok()?;
            self.pair = (from, to);
        }
        let end = first.checked_add(length)?;
        if length == 0 || end > BRICK {
            return None;
        }
        self.next = end;
        let (from, to) = match self.inverted {
            false => self.pair,
            true => (self.pair.1, self.pair.0),
        };
        Some(Run {
            brick: self.brick - 1,
            first,
            length,
            from,
            to,
        })
    }
}

impl Iterator for Reader<'_> {
    type Item = Result<Run, DeltaError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.bytes.is_empty() && self.left == 0 {
            return None;
        }
        let run = self.run().ok_or(DeltaError::Malformed);
        if run.is_err() {
            self.bytes = &[];
            self.left = 0;
        }
        Some(run)
    }
}

/// Writes into voxels and remembers what they were, until [`Painter::finish`] gives the change.
///
/// A stroke may paint a voxel many times: only the first and the last number of it count.
#[derive(Debug)]
pub struct Painter<'a> {
    voxels: &'a mut Voxels,
    before: BTreeMap<usize, Option<Arc<Brick>>>,
}

impl<'a> Painter<'a> {
    /// Begins a change.
    pub const fn new(voxels: &'a mut Voxels) -> Self {
        Self {
            voxels,
            before: BTreeMap::new(),
        }
    }

    /// The voxels as they are now.
    pub const fn voxels(&self) -> &Voxels {
        self.voxels
    }

    /// Gives the voxels of a row from a column to before another a number each, by what it is now. What lies outside
    /// the grid is left out.
    pub fn map_row(
        &mut self,
        [y, z]: [usize; 2],
        columns: std::ops::Range<usize>,
        mut number: impl FnMut(usize, u16) -> u16,
    ) {
        let end = columns.end.min(self.voxels.size()[0]);
        let mut x = columns.start;
        while x < end {
            let piece = ((x / EDGE + 1) * EDGE).min(end);
            let Some((index, inside)) = self.voxels.place([x, y, z]) else {
                return;
            };
            let old = self.voxels.brick(index);
            let now = |k: usize| old.and_then(|b| b.get(inside + k)).copied().unwrap_or(0);
            let mut row = [0; EDGE];
            let mut differs = false;
            for (k, slot) in row.iter_mut().take(piece - x).enumerate() {
                let was = now(k);
                *slot = number(x + k, was);
                differs |= *slot != was;
            }
            if differs {
                // The brick is copied at its first change alone: what it was is held here, the copy by the grid.
                self.before.entry(index).or_insert_with(|| old.cloned());
                let brick = self.voxels.brick_mut(index);
                let to = brick.and_then(|brick| brick.get_mut(inside..inside + (piece - x)));
                if let Some((to, from)) = to.zip(row.get(..piece - x)) {
                    to.copy_from_slice(from);
                }
            }
            x = piece;
        }
    }

    /// Gives a voxel a number.
    pub fn set(&mut self, [x, y, z]: [usize; 3], number: u16) {
        self.map_row([y, z], x..x + 1, |_, _| number);
    }

    /// The change from the beginning to now.
    pub fn finish(mut self) -> Delta {
        let mut runs = Writer::default();
        for (index, before) in std::mem::take(&mut self.before) {
            let zeros = [0; BRICK];
            let now = self.voxels.brick(index).map_or(&zeros, |brick| &**brick);
            let before = before.as_deref().unwrap_or(&zeros);
            runs.brick(index, before, now);
            self.voxels.drop_zeros(index);
        }
        Delta {
            size: self.voxels.size(),
            runs: runs.bytes.into(),
            inverted: false,
        }
    }
}

impl Drop for Painter<'_> {
    /// What was painted stays, as equal numbers are equal values, also when nobody asks for the change.
    fn drop(&mut self) {
        for index in self.before.keys() {
            self.voxels.drop_zeros(*index);
        }
    }
}

#[derive(Default)]
struct Writer {
    bytes: Vec<u8>,
    brick: usize,
    pair: Option<(u16, u16)>,
}

impl Writer {
    fn varint(&mut self, mut value: usize) {
        while value >= 0x80 {
            self.bytes.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    fn brick(&mut self, index: usize, before: &Brick, now: &Brick) {
        let mut runs: Vec<(usize, usize, (u16, u16))> = Vec::new();
        for (place, pair) in before.iter().copied().zip(now.iter().copied()).enumerate() {
            if pair.0 == pair.1 {
                continue;
            }
            match runs.last_mut() {
                Some((first, length, same)) if *first + *length == place && *same == pair => {
                    *length += 1;
                }
                _ => runs.push((place, 1, pair)),
            }
        }
        if runs.is_empty() {
            return;
        }
        self.varint(index - self.brick);
        self.varint(runs.len());
        self.brick = index + 1;
        let mut next = 0;
        for (first, length, pair) in runs {
            let same = self.pair == Some(pair);
            self.varint((first - next) << 1 | usize::from(same));
            self.varint(length);
            if !same {
                self.varint(usize::from(pair.0));
                self.varint(usize::from(pair.1));
            }
            self.pair = Some(pair);
            next = first + length;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look like nothing, the same every time.
    fn noise(seed: u64) -> impl FnMut(usize) -> usize {
        let mut state = seed;
        move |below| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        }
    }

    fn painted(voxels: &mut Voxels, at: [usize; 3], radius: usize, number: u16) -> Delta {
        let mut painter = Painter::new(voxels);
        for z in at[2].saturating_sub(radius)..=at[2] + radius {
            for y in at[1].saturating_sub(radius)..=at[1] + radius {
                let from = at[0].saturating_sub(radius);
                painter.map_row([y, z], from..at[0] + radius + 1, |_, _| number);
            }
        }
        painter.finish()
    }

    #[test]
    fn changes_go_back_and_forth_to_the_bit() {
        let mut next = noise(7);
        let size = [37, 50, 21];
        let mut voxels = Voxels::new(size);
        let mut states = vec![voxels.clone()];
        let mut deltas = Vec::new();
        for _ in 0..60 {
            let at = [next(40), next(52), next(21)];
            let number = [0, 1, 2, 300, 65_535][next(5)];
            deltas.push(painted(&mut voxels, at, next(9), number));
            states.push(voxels.clone());
        }
        for (delta, state) in deltas.iter().zip(&states).rev() {
            voxels.apply(&delta.inverse()).unwrap();
            assert_eq!(&voxels, state);
        }
        assert_eq!(voxels, Voxels::new(size));
        for (delta, state) in deltas.iter().zip(states.iter().skip(1)) {
            let ([..], bytes, inverted) = delta.parts();
            let again = Delta::from_parts(size, bytes.to_vec(), inverted);
            voxels.apply(&again).unwrap();
            assert_eq!(&voxels, state);
        }
    }

    #[test]
    fn two_grids_make_the_change_between_them() {
        let mut next = noise(3);
        let before = {
            let mut voxels = Voxels::new([70, 40, 20]);
            painted(&mut voxels, [30, 20, 8], 7, 4);
            voxels
        };
        let mut after = before.clone();
        for _ in 0..20 {
            let (y, z, x) = (next(40), next(20), next(60));
            let number = [0, 4, 9][next(3)];
            after.map_row([y, z], x..x + next(30), |_, _| number);
        }
        after.map_row([20, 8], 0..70, |_, _| 0);
        after.tidy(&after.whole());
        let delta = Delta::between(&before, &after).unwrap();
        let mut again = before.clone();
        again.apply(&delta).unwrap();
        assert_eq!(again, after);
        let mut pieces = before.clone();
        for first in 0..after.brick_count() {
            let piece = Delta::between_bricks(&before, &after, first..first + 1).unwrap();
            pieces.apply(&piece).unwrap();
        }
        assert_eq!(pieces, after);
        again.apply(&delta.inverse()).unwrap();
        assert_eq!(again, before);
        assert!(Delta::between(&after, &after).unwrap().is_empty());
        assert_eq!(Delta::between(&before, &Voxels::new([1; 3])), None);
    }

    #[test]
    fn a_change_says_where_it_is_and_how_much() {
        let mut voxels = Voxels::new([64, 64, 64]);
        let delta = painted(&mut voxels, [20, 30, 40], 3, 9);
        assert_eq!(delta.changed(), 343);
        let bounds = delta.bounds().unwrap();
        let wanted = voxels.bounds(Some(9)).unwrap();
        assert_eq!(wanted.first, [17, 27, 37]);
        assert_eq!(wanted.end, [24, 34, 44]);
        assert_eq!(bounds.union(&wanted), bounds);
        assert_eq!(voxels.counts().get(&9), Some(&343));
        let dense = voxels.to_dense();
        assert_eq!(Voxels::from_dense([64; 3], dense), voxels);
    }

    #[test]
    fn what_was_painted_twice_and_back_is_no_change() {
        let mut voxels = Voxels::new([20, 20, 20]);
        let mut painter = Painter::new(&mut voxels);
        painter.set([3, 4, 5], 7);
        painter.set([3, 4, 5], 0);
        painter.set([30, 4, 5], 1);
        assert!(painter.finish().is_empty());
        assert_eq!(voxels, Voxels::new([20, 20, 20]));
    }

    #[test]
    fn what_does_not_fit_changes_nothing() {
        let mut voxels = Voxels::new([40, 40, 4]);
        let delta = painted(&mut voxels, [20, 20, 2], 2, 5);
        let kept = voxels.clone();
        assert_eq!(voxels.apply(&delta), Err(DeltaError::Stale));
        let other = Delta::from_parts([40, 40, 5], delta.parts().1.to_vec(), true);
        assert_eq!(voxels.apply(&other), Err(DeltaError::Size));
        // Every cut and many flips of the bytes: an error, or a change that fits; never a panic.
        let bytes = delta.parts().1;
        for cut in 1..bytes.len() {
            let damaged = Delta::from_parts([40, 40, 4], bytes[..cut].to_vec(), true);
            let mut copy = kept.clone();
            if copy.apply(&damaged).is_err() {
                assert_eq!(copy, kept);
            }
        }
        for place in 0..bytes.len() {
            for bit in 0..8 {
                let mut damaged = bytes.to_vec();
                damaged[place] ^= 1 << bit;
                let damaged = Delta::from_parts([40, 40, 4], damaged, true);
                let mut copy = kept.clone();
                if copy.apply(&damaged).is_err() {
                    assert_eq!(copy, kept);
                }
                let _ = damaged.bounds();
            }
        }
        assert_eq!(voxels, kept);
    }
}
