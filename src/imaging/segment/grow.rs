//! Growing from seeds over neighbours whose values lie in a range: in a volume, or in one slice of it (flood fill).
//!
//! Rows are flooded 64 voxels at a time. A row of the image is looked at when the region first touches it, so the time is
//! that of the region and not of the volume.

use super::{
    bits::{Bits, fill},
    image::Image,
};
use crate::task::CancelToken;
use std::{collections::VecDeque, ops::Range};

/// Where a region may grow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    /// Lowest index of each axis.
    pub low: [usize; 3],
    /// Highest index of each axis, included.
    pub high: [usize; 3],
    /// Only so near to a place.
    pub ball: Option<Ball>,
}

/// Voxels whose centres lie so near to a place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ball {
    /// Column, row and slice, not necessarily whole.
    pub centre: [f64; 3],
    /// Radius in millimetres, the rim included.
    pub radius_mm: f64,
    /// Millimetres from column to column, row to row, slice to slice.
    pub spacing: [f64; 3],
}

impl Limit {
    /// The whole grid.
    pub fn whole(size: [usize; 3]) -> Self {
        Self {
            low: [0; 3],
            high: size.map(|side| side.saturating_sub(1)),
            ball: None,
        }
    }

    /// One slice of a grid, across an axis (2: rows and columns). Growing there is a flood fill.
    pub fn slice(size: [usize; 3], axis: usize, index: usize) -> Self {
        let mut limit = Self::whole(size);
        if let (Some(low), Some(high)) = (limit.low.get_mut(axis), limit.high.get_mut(axis)) {
            (*low, *high) = (index, index);
        }
        limit
    }

    /// What lies so near to a place.
    pub fn ball(size: [usize; 3], ball: Ball) -> Self {
        Self {
            ball: Some(ball),
            ..Self::whole(size)
        }
    }

    /// Columns of a row where a region may be.
    fn columns(&self, y: usize, z: usize) -> Range<usize> {
        let inside = |axis: usize, at: usize| at >= self.low[axis] && at <= self.high[axis];
        if !inside(1, y) || !inside(2, z) {
            return 0..0;
        }
        let (mut first, mut last) = (self.low[0] as f64, self.high[0] as f64);
        if let Some(ball) = &self.ball {
            let away = |axis: usize, at: usize| {
                ((at as f64 - ball.centre[axis]) * ball.spacing[axis]).powi(2)
            };
            let left = ball.radius_mm * ball.radius_mm - away(1, y) - away(2, z);
            // The rim is in, whatever the square root rounds to.
            if left < -1e-9 {
                return 0..0;
            }
            let half = left.max(0.0).sqrt() / ball.spacing[0] + 1e-9;
            first = first.max((ball.centre[0] - half).ceil());
            last = last.min((ball.centre[0] + half).floor());
        }
        if first > last || last < 0.0 {
            return 0..0;
        }
        first as usize..last as usize + 1
    }
}

/// The voxels that hang together with a seed over faces, and whose values lie in a range (both ends included). Seeds whose
/// own value does not are left out.
///
/// `allowed` holds the voxels that may be taken at all (of the image's size, else it counts as none); `None` is everywhere.
/// `None` once cancelled.
pub fn grow(
    image: &dyn Image,
    seeds: &[[usize; 3]],
    range: [f64; 2],
    limit: &Limit,
    allowed: Option<&Bits>,
    cancel: &CancelToken,
) -> Option<Bits> {
    let size = image.size();
    let accept = |y: usize, z: usize, out: &mut [u64]| {
        let columns = limit.columns(y, z);
        if columns.is_empty() {
            out.fill(0);
            return;
        }
        image.in_range(y, z, range, out);
        clip(out, &columns);
        if let Some(allowed) = allowed {
            let row = allowed.row(y, z).iter().chain(std::iter::repeat(&0));
            out.iter_mut().zip(row).for_each(|(word, a)| *word &= a);
        }
    };
    flood(size, seeds, &accept, cancel)
}

/// The parts of a set that hold a seed, over faces. `None` once cancelled.
pub fn connected(bits: &Bits, seeds: &[[usize; 3]], cancel: &CancelToken) -> Option<Bits> {
    let accept = |y: usize, z: usize, out: &mut [u64]| out.copy_from_slice(bits.row(y, z));
    flood(bits.size(), seeds, &accept, cancel)
}

/// Leaves only the bits of these columns.
fn clip(row: &mut [u64], columns: &Range<usize>) {
    let words = row.len() * super::bits::WORD;
    fill(row, &(0..columns.start.min(words)), |word, mask| {
        word & !mask
    });
    fill(row, &(columns.end.min(words)..words), |word, mask| {
        word & !mask
    });
}

/// Rows that are looked at between two looks at the token.
const PATIENCE: usize = 4096;

fn flood(
    size: [usize; 3],
    seeds: &[[usize; 3]],
    accept: &dyn Fn(usize, usize, &mut [u64]),
    cancel: &CancelToken,
) -> Option<Bits> {
    let mut found = Bits::new(size);
    let stride = found.stride();
    let (mut open, mut waiting) = (Bits::new(size), Bits::new(size));
    let rows = size[1] * size[2];
    if stride == 0 || found.size() != size {
        return Some(found);
    }
    // 1: the row of the image was looked at; 2: the row is in the queue.
    let mut state = vec![0u8; rows];
    let mut queue = VecDeque::new();
    let look = |row: usize, open: &mut Bits, state: &mut [u8]| {
        if state[row] & 1 == 0 {
            state[row] |= 1;
            let words = open.row_mut(row % size[1], row / size[1]);
            accept(row % size[1], row / size[1], words);
        }
    };
    for &[x, y, z] in seeds {
        if let Some(row) = found.row_index(y, z).filter(|_| x < size[0]) {
            look(row, &mut open, &mut state);
            if open.get([x, y, z]) {
                waiting.set([x, y, z], true);
                if state[row] & 2 == 0 {
                    state[row] |= 2;
                    queue.push_back(row);
                }
            }
        }
    }
    let mut flooded = vec![0u64; stride];
    let mut visits = 0usize;
    while let Some(row) = queue.pop_front() {
        visits += 1;
        if visits.is_multiple_of(PATIENCE) && cancel.is_cancelled() {
            return None;
        }
        state[row] &= !2;
        let words = row * stride..(row + 1) * stride;
        let pending = &mut waiting.words_mut()[words.clone()];
        spread(pending, &open.words()[words.clone()], &mut flooded);
        pending.fill(0);
        let mut news = 0;
        for (new, old) in flooded.iter_mut().zip(&mut found.words_mut()[words]) {
            *new &= !*old;
            *old |= *new;
            news |= *new;
        }
        if news == 0 {
            continue;
        }
        let (y, z) = (row % size[1], row / size[1]);
        let neighbours = [
            (y > 0).then(|| row - 1),
            (y + 1 < size[1]).then(|| row + 1),
            (z > 0).then(|| row - size[1]),
            (z + 1 < size[2]).then(|| row + size[1]),
        ];
        for next in neighbours.into_iter().flatten() {
            look(next, &mut open, &mut state);
            let words = next * stride..(next + 1) * stride;
            let (open, found) = (&open.words()[words.clone()], &found.words()[words.clone()]);
            let pending = &mut waiting.words_mut()[words];
            let mut news = 0;
            for (((wait, new), open), found) in
                pending.iter_mut().zip(&flooded).zip(open).zip(found)
            {
                let more = new & open & !found & !*wait;
                *wait |= more;
                news |= more;
            }
            if news != 0 && state[next] & 2 == 0 {
                state[next] |= 2;
                queue.push_back(next);
            }
        }
    }
    Some(found)
}

/// The runs of `open` that hold a bit of `seeds`. Adding a seed to a run of ones carries to its end, so the bits that become
/// 0 are those from the seed on; the same mirrored gives those before it.
fn spread(seeds: &[u64], open: &[u64], out: &mut [u64]) {
    let mut carry = false;
    for ((out, &seed), &open) in out.iter_mut().zip(seeds).zip(open) {
        let seed = seed & open;
        let (sum, a) = open.overflowing_add(seed);
        let (sum, b) = sum.overflowing_add(u64::from(carry));
        carry = a || b;
        *out = (open & !sum) | seed;
    }
    let mut carry = false;
    for ((out, &seed), &open) in out.iter_mut().zip(seeds).zip(open).rev() {
        if !carry && seed == 0 {
            continue;
        }
        let (seed, open) = ((seed & open).reverse_bits(), open.reverse_bits());
        let (sum, a) = open.overflowing_add(seed);
        let (sum, b) = sum.overflowing_add(u64::from(carry));
        carry = a || b;
        *out |= (open & !sum).reverse_bits();
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{image::Values, noise::Noise},
        *,
    };

    /// The same by a plain search, voxel by voxel.
    fn plainly(
        accept: &dyn Fn([usize; 3]) -> bool,
        size: [usize; 3],
        seeds: &[[usize; 3]],
    ) -> Bits {
        let mut found = Bits::new(size);
        let mut open: Vec<[usize; 3]> = seeds.to_vec();
        while let Some(at) = open.pop() {
            if (0..3).any(|i| at[i] >= size[i]) || found.get(at) || !accept(at) {
                continue;
            }
            found.set(at, true);
            for axis in 0..3 {
                for step in [-1isize, 1] {
                    let mut next = at;
                    next[axis] = at[axis].wrapping_add_signed(step);
                    open.push(next);
                }
            }
        }
        found
    }

    #[test]
    fn a_region_is_that_of_a_plain_search() {
        for (seed, share) in [(1, 0.35), (2, 0.5), (3, 0.65), (4, 0.95), (5, 1.0)] {
            let size = [131, 17, 9];
            let mut noise = Noise::new(seed);
            let values: Vec<i16> = (0..131 * 17 * 9)
                .map(|_| if noise.unit() < share { 100 } else { 300 })
                .collect();
            let image = Values::new(&values, size).unwrap();
            let seeds = [[65, 8, 4], [3, 3, 3], [130, 16, 8], [131, 0, 0]];
            let accept = |[x, y, z]: [usize; 3]| values[(z * 17 + y) * 131 + x] == 100;
            let token = CancelToken::default();
            let found = grow(
                &image,
                &seeds,
                [50.0, 100.0],
                &Limit::whole(size),
                None,
                &token,
            );
            assert_eq!(found.unwrap(), plainly(&accept, size, &seeds));
            let all = Bits::from_fn(size, accept);
            assert_eq!(
                connected(&all, &seeds, &token).unwrap(),
                plainly(&accept, size, &seeds)
            );
            // A box, a ball off the voxel centres, a slice, and voxels that may not be taken.
            let spacing = [0.7, 1.1, 2.5];
            let ball = Ball {
                centre: [64.3, 8.2, 4.4],
                radius_mm: 9.3,
                spacing,
            };
            let near = |at: [usize; 3]| {
                let d = |i: usize| (at[i] as f64 - ball.centre[i]) * spacing[i];
                (d(0).powi(2) + d(1).powi(2) + d(2).powi(2)).sqrt() <= ball.radius_mm
            };
            let wall = |at: [usize; 3]| at[0] != 70;
            let walls = Bits::from_fn(size, wall);
            let limited = Limit::ball(size, ball);
            let found = grow(&image, &seeds, [100.0; 2], &limited, Some(&walls), &token);
            let expected = plainly(&|at| accept(at) && near(at) && wall(at), size, &seeds);
            assert_eq!(found.unwrap(), expected);
            for axis in 0..3 {
                let slice = Limit::slice(size, axis, seeds[0][axis]);
                let found = grow(&image, &seeds[..1], [100.0; 2], &slice, None, &token).unwrap();
                let expected = plainly(
                    &|at| accept(at) && at[axis] == seeds[0][axis],
                    size,
                    &seeds[..1],
                );
                assert_eq!(found, expected);
            }
        }
    }

    #[test]
    fn a_region_does_not_leak() {
        // A ball behind a shell one voxel thick: nothing outside is taken.
        let size = [64, 64, 64];
        let radius = |[x, y, z]: [usize; 3]| {
            let d = |v: usize| (v as f64 - 31.5).powi(2);
            (d(x) + d(y) + d(z)).sqrt()
        };
        let shell = Bits::from_fn(size, |at| radius(at) >= 20.0 && radius(at) < 21.8);
        let values: Vec<u8> = shell.to_bools().iter().map(|&s| u8::from(s)).collect();
        let image = Values::new(&values, size).unwrap();
        let limit = Limit::whole(size);
        let found = grow(
            &image,
            &[[31, 31, 31]],
            [0.0; 2],
            &limit,
            None,
            &CancelToken::default(),
        );
        assert_eq!(found.unwrap(), Bits::from_fn(size, |at| radius(at) < 20.0));
    }

    #[test]
    fn cancelled_growing_gives_nothing() {
        let size = [64, 100, 100];
        let values = vec![0u8; 640_000];
        let image = Values::new(&values, size).unwrap();
        let token = CancelToken::default();
        token.cancel();
        let limit = Limit::whole(size);
        assert!(grow(&image, &[[0; 3]], [0.0; 2], &limit, None, &token).is_none());
    }
}
