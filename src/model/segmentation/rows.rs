//! Many rows of voxels at once, into bricks and out of them: how files hold masks.
//!
//! Must stay true: what is filled equals what [`Voxels::map_row`] would make of the same rows, and no brick of zeros is
//! kept. Bricks that are full of one number are held once and shared.

use super::voxels::{BRICK, Brick, EDGE, Voxels};
use rayon::prelude::*;
use std::sync::Arc;

/// Voxels of a row, from a column to before another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowRun {
    /// Row of the grid.
    pub row: u32,
    /// Slice of the grid.
    pub slice: u32,
    /// First column.
    pub from: u32,
    /// One past the last column.
    pub to: u32,
}

/// Sets bits of a row of words, from one to before another.
fn set_bits(words: &mut [u64], from: usize, to: usize) {
    let mut at = from;
    while at < to {
        let end = ((at / 64 + 1) * 64).min(to);
        let ones = u64::MAX >> (64 - (end - at));
        if let Some(word) = words.get_mut(at / 64) {
            *word |= ones << (at % 64);
        }
        at = end;
    }
}

/// A number where a row of a brick has a bit.
fn spread(row: &mut [u16; EDGE], bits: u16, number: u16) {
    for (bit, voxel) in row.iter_mut().enumerate() {
        if bits >> bit & 1 == 1 {
            *voxel = number;
        }
    }
}

/// The rows of a brick.
fn rows_mut(brick: &mut Brick) -> &mut [[u16; EDGE]] {
    brick.as_chunks_mut::<EDGE>().0
}

impl Voxels {
    /// Whether all voxels of some rows are 0; what lies outside the grid is.
    pub fn rows_are_clear(&self, runs: &[RowRun]) -> bool {
        self.holds_nothing()
            || runs.iter().all(|run| {
                let columns = run.from as usize..run.to as usize;
                self.row_is_clear([run.row as usize, run.slice as usize], columns)
            })
    }

    /// Gives all voxels of some rows one number, which is not 0; with 0 nothing happens. What lies outside the grid is
    /// left out.
    pub fn fill_rows(&mut self, runs: &[RowRun], number: u16) {
        let [columns, rows, slices] = self.size();
        if number == 0 || columns == 0 {
            return;
        }
        let across = self.across();
        let band = |run: &RowRun| {
            let (row, slice) = (run.row as usize, run.slice as usize);
            let inside = row < rows && slice < slices && run.from < run.to;
            inside.then(|| slice / EDGE * across[1] + row / EDGE)
        };
        // By bands, which are rows of bricks, in one pass: how many each has, and then where.
        let mut ends = vec![0_usize; across[1] * across[2] + 1];
        for run in runs {
            if let Some(count) = band(run).and_then(|band| ends.get_mut(band + 1)) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for end in &mut ends {
            sum += *end;
            *end = sum;
        }
        let mut next = ends.clone();
        let mut sorted = vec![RowRun::default(); sum];
        for run in runs {
            let place = band(run).and_then(|band| next.get_mut(band));
            if let Some(place) = place {
                if let Some(slot) = sorted.get_mut(*place) {
                    *slot = *run;
                }
                *place += 1;
            }
        }
        let full = Arc::new([number; BRICK]);
        let words = columns.div_ceil(64);
        self.bands_mut()
            .zip(ends.par_windows(2))
            .for_each(|(bricks, ends)| {
                let own = match ends {
                    [from, to] => sorted.get(*from..*to).unwrap_or_default(),
                    _ => &[],
                };
                if own.is_empty() {
                    return;
                }
                let mut bits = vec![0_u64; words * EDGE * EDGE];
                for run in own {
                    let inside = run.slice as usize % EDGE * EDGE + run.row as usize % EDGE;
                    let line = bits.get_mut(inside * words..(inside + 1) * words);
                    let to = columns.min(run.to as usize);
                    set_bits(line.unwrap_or_default(), run.from as usize, to);
                }
                for (index, slot) in bricks.iter_mut().enumerate() {
                    // Four bricks lie along a word.
                    let (word, shift) = (index / 4, index % 4 * EDGE);
                    let mut masks = [0_u16; EDGE * EDGE];
                    let (mut any, mut all) = (0, u16::MAX);
                    for (mask, line) in masks.iter_mut().zip(bits.chunks_exact(words)) {
                        let word = line.get(word).copied().unwrap_or(0);
                        *mask = (word >> shift) as u16;
                        any |= *mask;
                        all &= *mask;
                    }
                    if any == 0 {
                        continue;
                    }
                    if all == u16::MAX {
                        *slot = Some(Arc::clone(&full));
                        continue;
                    }
                    let fill = |brick: &mut Brick| {
                        for (row, mask) in rows_mut(brick).iter_mut().zip(masks) {
                            match mask {
                                0 => {}
                                u16::MAX => *row = [number; EDGE],
                                _ => spread(row, mask, number),
                            }
                        }
                    };
                    match slot {
                        Some(brick) => fill(Arc::make_mut(brick)),
                        None => {
                            let mut brick = [0; BRICK];
                            fill(&mut brick);
                            *slot = Some(Arc::new(brick));
                        }
                    }
                }
            });
    }

    /// How many times 16 slices there are.
    pub const fn slabs(&self) -> usize {
        self.across()[2]
    }

    /// The rows of 16 voxels of the bricks of a slab, each with its first voxel. Rows of bricks that hold nothing are
    /// left out; those at the ends of the grid go on beyond it with zeros.
    pub fn rows_of_slab(&self, slab: usize) -> impl Iterator<Item = ([usize; 3], &[u16; EDGE])> {
        let [across, down, _] = self.across();
        let bricks = slab * across * down..(slab + 1) * across * down;
        bricks.flat_map(move |index| {
            let corner = self.corner(index);
            let rows = self
                .brick(index)
                .map_or(&[][..], |b| b.as_chunks::<EDGE>().0);
            rows.iter().enumerate().map(move |(row, numbers)| {
                let at = [corner[0], corner[1] + row % EDGE, corner[2] + row / EDGE];
                (at, numbers)
            })
        })
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

    #[test]
    fn many_rows_are_filled_as_one_by_one() {
        let mut next = noise(11);
        for size in [
            [37, 50, 21],
            [64, 16, 16],
            [130, 33, 17],
            [1, 1, 1],
            [515, 20, 3],
        ] {
            let (mut fast, mut slow) = (Voxels::new(size), Voxels::new(size));
            for number in [3_u16, 65_535, 9] {
                // Some lie outside, some are empty, some meet.
                let mut runs: Vec<RowRun> = (0..400)
                    .map(|_| {
                        let from = next(size[0] + 5);
                        RowRun {
                            row: next(size[1] + 2) as u32,
                            slice: next(size[2] + 2) as u32,
                            from: from as u32,
                            to: (from + next(70)) as u32,
                        }
                    })
                    .collect();
                if number == 9 {
                    // A brick that is full.
                    runs.extend((0..256).map(|n| RowRun {
                        row: n % 16,
                        slice: n / 16,
                        from: 0,
                        to: 16,
                    }));
                }
                fast.fill_rows(&runs, number);
                let mut clear = true;
                for run in &runs {
                    let at = [run.row as usize, run.slice as usize];
                    slow.map_row(at, run.from as usize..run.to as usize, |_, _| number);
                    clear &= fast.row_is_clear(at, run.from as usize..run.to as usize);
                }
                assert_eq!(fast, slow);
                assert_eq!(fast.rows_are_clear(&runs), clear);
            }
            let before = fast.clone();
            fast.fill_rows(
                &[RowRun {
                    row: 0,
                    slice: 0,
                    from: 0,
                    to: 1,
                }],
                0,
            );
            assert_eq!(fast, before);
        }
    }

    #[test]
    fn full_bricks_are_shared_and_come_apart_when_one_changes() {
        let mut voxels = Voxels::new([64, 64, 32]);
        let runs: Vec<RowRun> = (0..64 * 32)
            .map(|n| RowRun {
                row: n % 64,
                slice: n / 64,
                from: 0,
                to: 64,
            })
            .collect();
        voxels.fill_rows(&runs, 4);
        let whole = voxels.clone();
        voxels.map_row([5, 6], 7..8, |_, _| 9);
        let different = |a: &Voxels| a.to_dense().iter().filter(|n| **n != 4).count();
        assert_eq!((different(&voxels), different(&whole)), (1, 0));
    }

    #[test]
    fn rows_of_slabs_are_the_voxels() {
        let mut next = noise(5);
        let size = [37, 50, 21];
        let mut voxels = Voxels::new(size);
        for _ in 0..60 {
            let (y, z, x) = (next(50), next(21), next(37));
            let number = next(4) as u16;
            voxels.map_row([y, z], x..x + next(20), |_, _| number);
        }
        let mut again = Voxels::new(size);
        for slab in 0..voxels.slabs() {
            for ([x, y, z], row) in voxels.rows_of_slab(slab) {
                again.map_row([y, z], x..x + 16, |column, _| row[column - x]);
            }
        }
        voxels.tidy(&voxels.whole());
        assert_eq!(again, voxels);
    }
}
