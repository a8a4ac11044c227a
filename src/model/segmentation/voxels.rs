//! The numbers of voxels, in bricks: what nobody touched takes no memory, and a copy shares what it does not change.

use super::delta::{Delta, DeltaError};
use rayon::prelude::*;
use std::{collections::BTreeMap, ops::Range, sync::Arc};

/// Voxels along an edge of a brick.
pub const EDGE: usize = 16;

/// Voxels of a brick.
pub const BRICK: usize = EDGE * EDGE * EDGE;

pub(super) type Brick = [u16; BRICK];

/// A box of voxels: first and one past the last, for columns, rows and slices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VoxelBox {
    /// The first column, row and slice.
    pub first: [usize; 3],
    /// One past the last.
    pub end: [usize; 3],
}

impl VoxelBox {
    /// Columns, rows and slices.
    pub fn size(&self) -> [usize; 3] {
        std::array::from_fn(|axis| self.end[axis].saturating_sub(self.first[axis]))
    }

    /// Whether it has no voxel.
    pub fn is_empty(&self) -> bool {
        self.size().contains(&0)
    }

    /// How many voxels it has.
    pub fn voxels(&self) -> usize {
        self.size().iter().product()
    }

    /// What lies in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self {
            first: std::array::from_fn(|axis| self.first[axis].max(other.first[axis])),
            end: std::array::from_fn(|axis| self.end[axis].min(other.end[axis])),
        }
    }

    /// The least box around both; an empty one adds nothing.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        match (self.is_empty(), other.is_empty()) {
            (_, true) => *self,
            (true, false) => *other,
            (false, false) => Self {
                first: std::array::from_fn(|axis| self.first[axis].min(other.first[axis])),
                end: std::array::from_fn(|axis| self.end[axis].max(other.end[axis])),
            },
        }
    }

    /// A range of an axis: 0 for columns, 1 for rows, 2 for slices.
    pub const fn range(&self, axis: usize) -> Range<usize> {
        self.first[axis]..self.end[axis]
    }
}

/// A brick that differs from what it was.
#[derive(Clone, Copy, Debug)]
pub struct ChangedBrick<'a> {
    /// Its place among the bricks, columns fastest.
    pub index: usize,
    /// Its numbers; `None` for zeros.
    pub numbers: Option<&'a [u16; BRICK]>,
    /// The least box around what differs, in voxels of the brick.
    pub part: VoxelBox,
}

/// The least box around what differs between two states of a brick, in voxels of the brick; `None` where nothing does.
fn differing(is: Option<&Brick>, was: Option<&Brick>) -> Option<VoxelBox> {
    const ZEROS: Brick = [0; BRICK];
    let (is, was) = (is.unwrap_or(&ZEROS), was.unwrap_or(&ZEROS));
    let mut bounds: Option<VoxelBox> = None;
    for (row, (is, was)) in is.chunks(EDGE).zip(was.chunks(EDGE)).enumerate() {
        if is == was {
            continue;
        }
        let differs = |(a, b): (&u16, &u16)| a != b;
        let first = is.iter().zip(was).position(differs).unwrap_or(0);
        let last = is.iter().zip(was).rposition(differs).unwrap_or(EDGE - 1);
        let (y, z) = (row % EDGE, row / EDGE);
        let part = VoxelBox {
            first: [first, y, z],
            end: [last + 1, y + 1, z + 1],
        };
        bounds = Some(bounds.map_or(part, |all| all.union(&part)));
    }
    bounds
}

/// A number for each voxel of a grid, 0 for none. Columns vary fastest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voxels {
    size: [usize; 3],
    across: [usize; 3],
    // A brick of zeros is never kept, so equal numbers are equal values.
    bricks: Arc<Vec<Option<Arc<Brick>>>>,
}

impl Voxels {
    /// A grid of zeros.
    pub fn new(size: [usize; 3]) -> Self {
        let across = size.map(|n| n.div_ceil(EDGE));
        Self {
            size,
            across,
            bricks: Arc::new(vec![None; across.iter().product()]),
        }
    }

    /// From numbers, columns fastest; what lacks at the end is 0.
    pub fn from_dense(size: [usize; 3], numbers: impl IntoIterator<Item = u16>) -> Self {
        let mut voxels = Self::new(size);
        let mut numbers = numbers.into_iter();
        for z in 0..size[2] {
            for y in 0..size[1] {
                for x in 0..size[0] {
                    match numbers.next() {
                        Some(0) => {}
                        Some(number) => voxels.put([x, y, z], number),
                        None => return voxels,
                    }
                }
            }
        }
        voxels
    }

    /// Columns, rows, slices.
    pub const fn size(&self) -> [usize; 3] {
        self.size
    }

    /// The box of all voxels.
    pub const fn whole(&self) -> VoxelBox {
        VoxelBox {
            first: [0; 3],
            end: self.size,
        }
    }

    /// The brick of a voxel and its place there; `None` outside the grid.
    pub(super) fn place(&self, at: [usize; 3]) -> Option<(usize, usize)> {
        let inside = (0..3).all(|axis| at[axis] < self.size[axis]);
        let [bx, by, bz] = at.map(|n| n / EDGE);
        let [x, y, z] = at.map(|n| n % EDGE);
        let brick = (bz * self.across[1] + by) * self.across[0] + bx;
        inside.then_some((brick, (z * EDGE + y) * EDGE + x))
    }

    /// The first voxel of a brick.
    pub(super) const fn corner(&self, brick: usize) -> [usize; 3] {
        let [columns, rows, _] = self.across;
        [
            brick % columns * EDGE,
            brick / columns % rows * EDGE,
            brick / (columns * rows) * EDGE,
        ]
    }

    /// The bricks, to be changed: copies of the grid share the table until one of them is.
    fn slots(&mut self) -> &mut Vec<Option<Arc<Brick>>> {
        Arc::make_mut(&mut self.bricks)
    }

    /// Whether it is a copy that nobody changed since: costs a comparison of addresses. Others may be equal all the same.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.bricks, &other.bricks)
    }

    /// The bricks whose numbers are not those of another state of the grid, by their places (columns fastest). Bricks that
    /// both share cost a comparison of addresses.
    pub fn changed_bricks<'a>(
        &'a self,
        before: &'a Self,
    ) -> impl Iterator<Item = ChangedBrick<'a>> {
        let both = self.bricks.iter().zip(before.bricks.iter()).enumerate();
        both.filter_map(|(index, (is, was))| {
            let same = match (is, was) {
                (Some(is), Some(was)) => Arc::ptr_eq(is, was),
                (None, None) => true,
                _ => false,
            };
            if same {
                return None;
            }
            let part = differing(is.as_deref(), was.as_deref())?;
            // One that was left with zeros alone is one of zeros.
            let numbers = is.as_deref().filter(|is| is.iter().any(|n| *n != 0));
            Some(ChangedBrick {
                index,
                numbers,
                part,
            })
        })
    }

    pub(super) fn brick(&self, index: usize) -> Option<&Arc<Brick>> {
        self.bricks.get(index)?.as_ref()
    }

    /// Bricks along columns, rows and slices.
    pub(super) const fn across(&self) -> [usize; 3] {
        self.across
    }

    /// Whether no brick is held.
    pub(super) fn holds_nothing(&self) -> bool {
        self.bricks.iter().all(Option::is_none)
    }

    /// The bricks along columns, for all rows and slices of bricks, each lot apart.
    pub(super) fn bands_mut(
        &mut self,
    ) -> impl IndexedParallelIterator<Item = &mut [Option<Arc<Brick>>]> {
        let across = self.across[0].max(1);
        self.slots().par_chunks_mut(across)
    }

    pub(super) fn brick_count(&self) -> usize {
        self.bricks.len()
    }

    /// Puts a brick in place; one of zeros is not kept.
    pub(super) fn set_brick(&mut self, index: usize, brick: Arc<Brick>) {
        if let Some(slot) = self.slots().get_mut(index) {
            *slot = brick.iter().any(|number| *number != 0).then_some(brick);
        }
    }

    /// A brick to change; it may be left with zeros alone until [`Voxels::drop_zeros`].
    pub(super) fn brick_mut(&mut self, index: usize) -> Option<&mut Brick> {
        let slot = self.slots().get_mut(index)?;
        Some(Arc::make_mut(
            slot.get_or_insert_with(|| Arc::new([0; BRICK])),
        ))
    }

    /// Lets go of a brick of zeros.
    pub(super) fn drop_zeros(&mut self, index: usize) {
        let held = self.brick(index);
        if held.is_some_and(|brick| brick.iter().all(|n| *n == 0))
            && let Some(slot) = self.slots().get_mut(index)
        {
            *slot = None;
        }
    }

    /// The number of a voxel; 0 outside the grid.
    pub fn get(&self, at: [usize; 3]) -> u16 {
        let Some((brick, inside)) = self.place(at) else {
            return 0;
        };
        self.brick(brick)
            .and_then(|brick| brick.get(inside))
            .copied()
            .unwrap_or(0)
    }

    /// Gives the voxels of a row from a column to before another a number each, by what it is now; whether one
    /// changed. What lies outside the grid is left out. Bricks of zeros may be left until [`Voxels::tidy`].
    ///
    /// [`super::Painter`] does the same and remembers what was; this is for a copy that is compared afterwards
    /// ([`Delta::between`]).
    pub fn map_row(
        &mut self,
        [y, z]: [usize; 2],
        columns: Range<usize>,
        mut number: impl FnMut(usize, u16) -> u16,
    ) -> bool {
        let end = columns.end.min(self.size[0]);
        let (mut x, mut changed) = (columns.start, false);
        while x < end {
            let piece = ((x / EDGE + 1) * EDGE).min(end);
            let Some((index, inside)) = self.place([x, y, z]) else {
                return changed;
            };
            let old = self.brick(index);
            let now = |k: usize| old.and_then(|b| b.get(inside + k)).copied().unwrap_or(0);
            let mut row = [0; EDGE];
            let mut differs = false;
            for (k, slot) in row.iter_mut().take(piece - x).enumerate() {
                let was = now(k);
                *slot = number(x + k, was);
                differs |= *slot != was;
            }
            if differs {
                changed = true;
                let brick = self.brick_mut(index);
                let to = brick.and_then(|brick| brick.get_mut(inside..inside + (piece - x)));
                if let Some((to, from)) = to.zip(row.get(..piece - x)) {
                    to.copy_from_slice(from);
                }
            }
            x = piece;
        }
        changed
    }

    /// Gives the voxels of a row from a column to before another a number, which is not 0. What lies outside the grid
    /// is left out.
    pub fn fill_row(&mut self, [y, z]: [usize; 2], columns: Range<usize>, number: u16) {
        let end = columns.end.min(self.size[0]);
        let mut x = columns.start;
        while x < end && number != 0 {
            let piece = ((x / EDGE + 1) * EDGE).min(end);
            let Some((index, inside)) = self.place([x, y, z]) else {
                return;
            };
            let brick = self.brick_mut(index);
            if let Some(to) = brick.and_then(|b| b.get_mut(inside..inside + (piece - x))) {
                to.fill(number);
            }
            x = piece;
        }
    }

    /// Lets go of bricks that were left with zeros alone, in a box and around it as far as its bricks go.
    pub fn tidy(&mut self, part: &VoxelBox) {
        let part = part.intersection(&self.whole());
        if part.is_empty() {
            return;
        }
        let bricks = |axis: usize| part.first[axis] / EDGE..part.end[axis].div_ceil(EDGE);
        for z in bricks(2) {
            for y in bricks(1) {
                for x in bricks(0) {
                    self.drop_zeros((z * self.across[1] + y) * self.across[0] + x);
                }
            }
        }
    }

    /// Whether every number is 0.
    pub fn is_blank(&self) -> bool {
        let held = self.bricks.iter().flatten();
        held.flat_map(|brick| brick.iter())
            .all(|number| *number == 0)
    }

    /// Whether any voxel has a number.
    pub fn has(&self, number: u16) -> bool {
        let held = self.bricks.iter().flatten();
        held.flat_map(|brick| brick.iter()).any(|n| *n == number)
    }

    /// This grid without a number, and another one of its size with that number in the same voxels. Bricks without it are
    /// shared.
    ///
    /// # Errors
    /// The number that has one of those voxels in the other grid; 0 when the sizes differ.
    pub fn handed_over(&self, number: u16, other: &Self) -> Result<(Self, Self), u16> {
        if self.size != other.size {
            return Err(0);
        }
        let (mut left, mut joined) = (self.clone(), other.clone());
        for (index, brick) in self.bricks.iter().enumerate() {
            let Some(brick) = brick.as_ref().filter(|brick| brick.contains(&number)) else {
                continue;
            };
            let there = other.brick(index);
            if let Some(there) = there {
                let mut both = brick.iter().zip(there.iter());
                let taken = both.find(|(n, there)| **n == number && **there != 0);
                if let Some((_, there)) = taken {
                    return Err(*there);
                }
            }
            let (mut without, mut with) = (**brick, there.map_or([0; BRICK], |there| **there));
            for (from, to) in without.iter_mut().zip(&mut with) {
                if *from == number {
                    (*from, *to) = (0, number);
                }
            }
            left.set_brick(index, Arc::new(without));
            joined.set_brick(index, Arc::new(with));
        }
        Ok((left, joined))
    }

    /// Only while a grid is filled for the first time: nothing records it, and zeros are not put.
    fn put(&mut self, at: [usize; 3], number: u16) {
        let Some((brick, inside)) = self.place(at) else {
            return;
        };
        if let Some(slot) = self.slots().get_mut(brick) {
            let brick = Arc::make_mut(slot.get_or_insert_with(|| Arc::new([0; BRICK])));
            if let Some(voxel) = brick.get_mut(inside) {
                *voxel = number;
            }
        }
    }

    /// The numbers of a box, columns fastest; what lies outside the grid is 0.
    pub fn read(&self, part: &VoxelBox) -> Vec<u16> {
        let mut numbers = Vec::with_capacity(part.voxels());
        for z in part.range(2) {
            for y in part.range(1) {
                let mut x = part.first[0];
                while x < part.end[0] {
                    // As far as the brick goes.
                    let end = ((x / EDGE + 1) * EDGE).min(part.end[0]);
                    let run = self.place([x, y, z]).and_then(|(brick, inside)| {
                        self.brick(brick)?.get(inside..inside + (end - x))
                    });
                    match run {
                        Some(run) => numbers.extend_from_slice(run),
                        None => numbers.resize(numbers.len() + (end - x), 0),
                    }
                    x = end;
                }
            }
        }
        numbers
    }

    /// The boxes of the bricks that hold anything, clipped to the grid, in order of their places.
    pub fn occupied(&self) -> impl Iterator<Item = VoxelBox> {
        let held = self.bricks.iter().enumerate().filter(|(_, b)| b.is_some());
        held.map(|(index, _)| {
            let first = self.corner(index);
            let end = std::array::from_fn(|axis| (first[axis] + EDGE).min(self.size[axis]));
            VoxelBox { first, end }
        })
    }

    /// Whether all voxels of a row from a column to before another are 0; what lies outside the grid is.
    pub fn row_is_clear(&self, [y, z]: [usize; 2], columns: Range<usize>) -> bool {
        let (mut x, last) = (columns.start, columns.end.min(self.size[0]));
        while x < last {
            let end = ((x / EDGE + 1) * EDGE).min(last);
            let run = self
                .place([x, y, z])
                .and_then(|(brick, inside)| self.brick(brick)?.get(inside..inside + (end - x)));
            if run.is_some_and(|run| run.iter().any(|number| *number != 0)) {
                return false;
            }
            x = end;
        }
        true
    }

    /// All numbers, columns fastest.
    pub fn to_dense(&self) -> Vec<u16> {
        self.read(&self.whole())
    }

    /// How many voxels have each number but 0.
    pub fn counts(&self) -> BTreeMap<u16, u64> {
        let mut counts = BTreeMap::new();
        for brick in self.bricks.iter().flatten() {
            // Runs are long: one look-up each.
            for run in brick.chunk_by(|a, b| a == b) {
                if let Some(number) = run.first().filter(|number| **number != 0) {
                    *counts.entry(*number).or_insert(0) += run.len() as u64;
                }
            }
        }
        counts
    }

    /// The least box around the voxels of a number; around all that are not 0 when none is given. `None` when there
    /// are none.
    pub fn bounds(&self, number: Option<u16>) -> Option<VoxelBox> {
        let wanted = |n: u16| number.map_or(n != 0, |number| n == number);
        let mut bounds: Option<VoxelBox> = None;
        for (index, brick) in self.bricks.iter().enumerate() {
            let Some(brick) = brick else { continue };
            let corner = self.corner(index);
            for (inside, _) in brick.iter().enumerate().filter(|(_, n)| wanted(**n)) {
                let at = [
                    corner[0] + inside % EDGE,
                    corner[1] + inside / EDGE % EDGE,
                    corner[2] + inside / (EDGE * EDGE),
                ];
                let one = VoxelBox {
                    first: at,
                    end: at.map(|n| n + 1),
                };
                bounds = Some(bounds.map_or(one, |bounds| bounds.union(&one)));
            }
        }
        bounds
    }

    /// Boxes around what differs from another state of the grid: few, and none much larger than what is in it. Bricks
    /// that both share cost a comparison of addresses.
    pub fn changed_boxes(&self, before: &Self) -> Vec<VoxelBox> {
        let mut layers: BTreeMap<usize, Vec<VoxelBox>> = BTreeMap::new();
        for changed in self.changed_bricks(before) {
            let corner = self.corner(changed.index);
            let moved = |at: [usize; 3]| std::array::from_fn(|axis| corner[axis] + at[axis]);
            layers.entry(corner[2]).or_default().push(VoxelBox {
                first: moved(changed.part.first),
                end: moved(changed.part.end),
            });
        }
        let union = |boxes: &[VoxelBox]| {
            let mut boxes = boxes.iter().copied();
            let first = boxes.next()?;
            Some(boxes.fold(first, |all, part| all.union(&part)))
        };
        // As one where that takes little more.
        let all: Vec<VoxelBox> = layers.values().flatten().copied().collect();
        let inside: usize = all.iter().map(VoxelBox::voxels).sum();
        match union(&all) {
            None => Vec::new(),
            Some(whole) if whole.voxels() <= 2 * inside => vec![whole],
            Some(_) => layers
                .into_values()
                .flat_map(|boxes| {
                    let inside: usize = boxes.iter().map(VoxelBox::voxels).sum();
                    match union(&boxes) {
                        Some(one) if boxes.len() > 24 || one.voxels() <= 2 * inside => vec![one],
                        _ => boxes,
                    }
                })
                .collect(),
        }
    }

    /// Memory that it takes, bytes; bricks that copies share are counted in each.
    pub fn held_bytes(&self) -> usize {
        let held = self.bricks.iter().flatten().count();
        self.bricks.capacity() * size_of::<Option<Arc<Brick>>>() + held * size_of::<Brick>()
    }

    /// Carries a change out, or says why it does not fit; then nothing changed.
    ///
    /// # Errors
    /// [`DeltaError`].
    pub fn apply(&mut self, delta: &Delta) -> Result<(), DeltaError> {
        delta.apply(self)
    }
}
