//! A mask of a volume with one bit a voxel, and what sets are made for: and, or, not, runs.

use rayon::prelude::*;
use std::ops::Range;

/// Voxels of a word.
pub(super) const WORD: usize = 64;

/// A set of voxels of a grid of columns, rows and slices. Rows begin at whole words; bits beyond the last column are 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bits {
    size: [usize; 3],
    /// Words of a row.
    stride: usize,
    words: Vec<u64>,
}

/// How two sets are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Combine {
    /// In either.
    Add,
    /// In the first and not in the second.
    Subtract,
    /// In both.
    Intersect,
    /// In exactly one.
    Differ,
    /// In the second, whatever the first is.
    Copy,
}

impl Bits {
    /// No voxel of a grid. A size that cannot be addressed is taken as none.
    pub fn new(size: [usize; 3]) -> Self {
        let stride = size[0].div_ceil(WORD);
        let words = stride
            .checked_mul(size[1])
            .and_then(|n| n.checked_mul(size[2]))
            .filter(|n| {
                n.checked_mul(WORD)
                    .is_some_and(|b| b <= isize::MAX as usize)
            });
        match words {
            Some(count) => Self {
                size,
                stride,
                words: vec![0; count],
            },
            None => Self {
                size: [0; 3],
                stride: 0,
                words: Vec::new(),
            },
        }
    }

    /// All voxels of a grid.
    pub fn full(size: [usize; 3]) -> Self {
        let mut all = Self::new(size);
        all.invert();
        all
    }

    /// The voxels of which `inside` says so (column, row, slice).
    pub fn from_fn(size: [usize; 3], inside: impl Fn([usize; 3]) -> bool + Sync) -> Self {
        let mut bits = Self::new(size);
        bits.each_row_mut(|y, z, row| {
            for (index, word) in row.iter_mut().enumerate() {
                let first = index * WORD;
                for x in first..(first + WORD).min(size[0]) {
                    *word |= u64::from(inside([x, y, z])) << (x - first);
                }
            }
        });
        bits
    }

    /// The voxels that are true, columns fastest; `None` when their number is not that of the grid.
    pub fn from_bools(mask: &[bool], size: [usize; 3]) -> Option<Self> {
        Self::where_is(mask, size, |&inside| inside)
    }

    /// The voxels whose value is `label`, columns fastest; `None` when their number is not that of the grid.
    pub fn from_label<T: PartialEq + Sync>(
        values: &[T],
        size: [usize; 3],
        label: &T,
    ) -> Option<Self> {
        Self::where_is(values, size, |value| value == label)
    }

    /// The voxels whose values fit, columns fastest; `None` when their number is not that of the grid.
    pub fn where_is<T: Sync>(
        values: &[T],
        size: [usize; 3],
        fits: impl Fn(&T) -> bool + Sync,
    ) -> Option<Self> {
        let count = size[0].checked_mul(size[1])?.checked_mul(size[2])?;
        if count != values.len() {
            return None;
        }
        let mut bits = Self::new(size);
        bits.each_row_mut(|y, z, row| {
            let start = (z * size[1] + y) * size[0];
            let line = values.get(start..start + size[0]).unwrap_or_default();
            for (word, part) in row.iter_mut().zip(line.chunks(WORD)) {
                *word = pack(part, &fits);
            }
        });
        Some(bits)
    }

    /// The set as one `bool` a voxel, columns fastest.
    pub fn to_bools(&self) -> Vec<bool> {
        let mut mask = vec![false; self.size.iter().product()];
        for (y, z, run) in self.runs() {
            let start = (z * self.size[1] + y) * self.size[0];
            if let Some(part) = mask.get_mut(start + run.start..start + run.end) {
                part.fill(true);
            }
        }
        mask
    }

    /// Writes a value into all voxels of the set, columns fastest.
    pub fn stamp<T: Copy>(&self, label: T, values: &mut [T]) {
        for (y, z, run) in self.runs() {
            let start = (z * self.size[1] + y) * self.size[0];
            if let Some(part) = values.get_mut(start + run.start..start + run.end) {
                part.fill(label);
            }
        }
    }

    /// Columns, rows and slices.
    pub const fn size(&self) -> [usize; 3] {
        self.size
    }

    /// Words of a row.
    pub(super) const fn stride(&self) -> usize {
        self.stride
    }

    /// All words, row by row.
    pub(super) fn words(&self) -> &[u64] {
        &self.words
    }

    /// All words, row by row. Bits beyond the last column must stay 0.
    pub(super) fn words_mut(&mut self) -> &mut [u64] {
        &mut self.words
    }

    /// The last word's bits that are columns.
    pub(super) fn last_mask(&self) -> u64 {
        match self.size[0] % WORD {
            0 => u64::MAX,
            rest => (1 << rest) - 1,
        }
    }

    /// Number of a row among the rows of all slices; `None` outside.
    pub(super) fn row_index(&self, y: usize, z: usize) -> Option<usize> {
        (y < self.size[1] && z < self.size[2]).then_some(z * self.size[1] + y)
    }

    /// Words of a row; empty outside.
    pub(super) fn row(&self, y: usize, z: usize) -> &[u64] {
        let start = self.row_index(y, z).map(|row| row * self.stride);
        start
            .and_then(|start| self.words.get(start..start + self.stride))
            .unwrap_or_default()
    }

    /// Words of a row; empty outside.
    pub(super) fn row_mut(&mut self, y: usize, z: usize) -> &mut [u64] {
        let start = self.row_index(y, z).map(|row| row * self.stride);
        match start {
            Some(start) => self
                .words
                .get_mut(start..start + self.stride)
                .unwrap_or_default(),
            None => &mut [],
        }
    }

    /// Calls with each row, in parallel: its number, slice and words.
    pub(super) fn each_row_mut(&mut self, work: impl Fn(usize, usize, &mut [u64]) + Sync) {
        let (rows, last) = (self.size[1].max(1), self.last_mask());
        let slice = (self.stride * rows).max(1);
        self.words
            .par_chunks_mut(slice)
            .enumerate()
            .for_each(|(z, words)| {
                for (y, row) in words.chunks_exact_mut(slice / rows).enumerate() {
                    work(y, z, row);
                    if let Some(word) = row.last_mut() {
                        *word &= last;
                    }
                }
            });
    }

    /// Whether a voxel is in the set; outside of the grid none is.
    pub fn get(&self, [x, y, z]: [usize; 3]) -> bool {
        x < self.size[0]
            && self
                .row(y, z)
                .get(x / WORD)
                .is_some_and(|word| word >> (x % WORD) & 1 == 1)
    }

    /// Puts a voxel into the set or takes it out; outside of the grid nothing happens.
    pub fn set(&mut self, [x, y, z]: [usize; 3], inside: bool) {
        if x >= self.size[0] {
            return;
        }
        if let Some(word) = self.row_mut(y, z).get_mut(x / WORD) {
            let bit = 1 << (x % WORD);
            *word = if inside { *word | bit } else { *word & !bit };
        }
    }

    /// Puts a run of columns into the set.
    pub fn set_run(&mut self, y: usize, z: usize, run: Range<usize>) {
        let run = run.start..run.end.min(self.size[0]);
        fill(self.row_mut(y, z), &run, |word, mask| word | mask);
    }

    /// Changes each voxel of a run of columns.
    pub fn flip_run(&mut self, y: usize, z: usize, run: Range<usize>) {
        let run = run.start..run.end.min(self.size[0]);
        fill(self.row_mut(y, z), &run, |word, mask| word ^ mask);
    }

    /// How many voxels are in the set.
    pub fn count(&self) -> u64 {
        self.words.iter().map(|w| u64::from(w.count_ones())).sum()
    }

    /// Whether no voxel is.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|&word| word == 0)
    }

    /// Lowest and highest index of each axis, both included; `None` for the empty set.
    pub fn bounds(&self) -> Option<[[usize; 3]; 2]> {
        let mut found: Option<[[usize; 3]; 2]> = None;
        for (index, row) in self.words.chunks_exact(self.stride.max(1)).enumerate() {
            let Some(first) = row.iter().position(|&word| word != 0) else {
                continue;
            };
            let last = row.iter().rposition(|&word| word != 0).unwrap_or(first);
            let bit = |at: usize| row.get(at).copied().unwrap_or(0);
            let left = first * WORD + bit(first).trailing_zeros() as usize;
            let right = last * WORD + WORD - 1 - bit(last).leading_zeros() as usize;
            let (y, z) = (index % self.size[1], index / self.size[1]);
            let [low, high] = found.get_or_insert([[left, y, z], [right, y, z]]);
            *low = [low[0].min(left), low[1].min(y), low[2].min(z)];
            *high = [high[0].max(right), high[1].max(y), high[2].max(z)];
        }
        found
    }

    /// Runs of neighbouring columns: row, slice and columns, in the order of the voxels.
    pub fn runs(&self) -> impl Iterator<Item = (usize, usize, Range<usize>)> + '_ {
        let rows = self.size[1].max(1);
        self.words
            .chunks_exact(self.stride.max(1))
            .enumerate()
            .flat_map(move |(index, row)| {
                RunsOf { row, at: 0 }.map(move |run| (index % rows, index / rows, run))
            })
    }

    /// Runs of a row.
    pub(super) fn runs_of(&self, y: usize, z: usize) -> impl Iterator<Item = Range<usize>> + '_ {
        RunsOf {
            row: self.row(y, z),
            at: 0,
        }
    }

    /// The voxels, in their order: column, row, slice.
    pub fn ones(&self) -> impl Iterator<Item = [usize; 3]> + '_ {
        self.runs()
            .flat_map(|(y, z, run)| run.map(move |x| [x, y, z]))
    }

    /// Everything else.
    pub fn invert(&mut self) {
        self.each_row_mut(|_, _, row| row.iter_mut().for_each(|word| *word = !*word));
    }

    /// Puts another set of the same grid to this one; one of another grid changes nothing, and gives `false`.
    pub fn combine(&mut self, how: Combine, other: &Self) -> bool {
        if self.size != other.size {
            return false;
        }
        for (word, &with) in self.words.iter_mut().zip(&other.words) {
            *word = match how {
                Combine::Add => *word | with,
                Combine::Subtract => *word & !with,
                Combine::Intersect => *word & with,
                Combine::Differ => *word ^ with,
                Combine::Copy => with,
            };
        }
        true
    }

    /// How many voxels two sets of the same grid share.
    pub fn shared(&self, other: &Self) -> u64 {
        let pairs = self.words.iter().zip(&other.words);
        pairs.map(|(a, b)| u64::from((a & b).count_ones())).sum()
    }

    /// A box of the set, both ends included and within the grid, as a set of its own.
    pub fn cropped(&self, low: [usize; 3], high: [usize; 3]) -> Self {
        let size = [0, 1, 2].map(|axis| (high[axis] + 1).saturating_sub(low[axis]));
        let mut part = Self::new(size);
        part.each_row_mut(|y, z, out| {
            shifted_into(self.row(y + low[1], z + low[2]), low[0], out);
        });
        part
    }

    /// A set of a larger grid that holds this one from `low` on.
    pub fn placed(&self, low: [usize; 3], size: [usize; 3]) -> Self {
        let mut whole = Self::new(size);
        for (y, z, run) in self.runs() {
            whole.set_run(y + low[1], z + low[2], run.start + low[0]..run.end + low[0]);
        }
        whole
    }
}

/// The words of a row from a column on.
fn shifted_into(row: &[u64], first: usize, out: &mut [u64]) {
    let (skip, shift) = (first / WORD, first % WORD);
    for (index, word) in out.iter_mut().enumerate() {
        let at = |i: usize| row.get(skip + i).copied().unwrap_or(0);
        *word = at(index) >> shift;
        if shift > 0 {
            *word |= at(index + 1) << (WORD - shift);
        }
    }
}

/// Brings the lowest bits of eight bytes together in the highest byte, the first of them lowest.
const GATHER: u64 = 0x0102_0408_1020_4080;

/// Up to 64 values as bits.
pub(super) fn pack<T>(values: &[T], fits: &impl Fn(&T) -> bool) -> u64 {
    // A byte a value first: that is what processors compare many of at once.
    let mut flags = [0u8; WORD];
    for (flag, value) in flags.iter_mut().zip(values) {
        *flag = u8::from(fits(value));
    }
    let eights = flags.as_chunks::<8>().0;
    eights.iter().enumerate().fold(0, |word, (index, eight)| {
        let bits = u64::from_le_bytes(*eight).wrapping_mul(GATHER) >> 56;
        word | bits << (8 * index)
    })
}

/// Changes the words of a run, each with the bits that belong to it.
pub(super) fn fill(row: &mut [u64], run: &Range<usize>, change: impl Fn(u64, u64) -> u64) {
    if run.start >= run.end {
        return;
    }
    let (first, last) = (run.start / WORD, (run.end - 1) / WORD);
    for (index, word) in row.iter_mut().enumerate().take(last + 1).skip(first) {
        let mut mask = u64::MAX;
        if index == first {
            mask &= u64::MAX << (run.start % WORD);
        }
        if index == last {
            mask &= u64::MAX >> (WORD - 1 - (run.end - 1) % WORD);
        }
        *word = change(*word, mask);
    }
}

/// Runs of ones of a row.
struct RunsOf<'a> {
    row: &'a [u64],
    at: usize,
}

impl RunsOf<'_> {
    /// The first bit from `at` on that is one (or zero), or the end of the words.
    fn next_bit(&self, mut at: usize, one: bool) -> usize {
        while let Some(&word) = self.row.get(at / WORD) {
            let word = if one { word } else { !word } & (u64::MAX << (at % WORD));
            if word != 0 {
                return at / WORD * WORD + word.trailing_zeros() as usize;
            }
            at = (at / WORD + 1) * WORD;
        }
        self.row.len() * WORD
    }
}

impl Iterator for RunsOf<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let start = self.next_bit(self.at, true);
        if start >= self.row.len() * WORD {
            return None;
        }
        let end = self.next_bit(start, false);
        self.at = end;
        Some(start..end)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::noise::Noise, *};

    fn random(size: [usize; 3], share: f64, seed: u64) -> (Vec<bool>, Bits) {
        let mut noise = Noise::new(seed);
        let count = size.iter().product();
        let mask: Vec<bool> = (0..count).map(|_| noise.unit() < share).collect();
        let bits = Bits::from_bools(&mask, size).unwrap();
        (mask, bits)
    }

    #[test]
    fn bits_are_the_bools() {
        for columns in [1, 5, 63, 64, 65, 130] {
            let size = [columns, 4, 3];
            let (mask, bits) = random(size, 0.4, columns as u64);
            assert_eq!(bits.to_bools(), mask);
            assert_eq!(bits.count(), mask.iter().filter(|&&m| m).count() as u64);
            let ones: Vec<usize> = bits
                .ones()
                .map(|[x, y, z]| (z * 4 + y) * columns + x)
                .collect();
            let expected: Vec<usize> = (0..mask.len()).filter(|&i| mask[i]).collect();
            assert_eq!(ones, expected);
            assert_eq!(
                bits,
                Bits::from_fn(size, |[x, y, z]| mask[(z * 4 + y) * columns + x])
            );
            let mut other = bits.clone();
            other.invert();
            assert_eq!(other.count() + bits.count(), mask.len() as u64);
            assert_eq!(other.shared(&bits), 0);
            assert!(Bits::from_bools(&mask, [columns, 4, 2]).is_none());
        }
    }

    #[test]
    fn sets_follow_their_algebra() {
        let size = [70, 9, 5];
        let (_, a) = random(size, 0.5, 1);
        let (_, b) = random(size, 0.5, 2);
        let with = |how| {
            let mut out = a.clone();
            assert!(out.combine(how, &b));
            out
        };
        // |A ∪ B| = |A| + |B| - |A ∩ B|, A Δ B = (A ∪ B) \ (A ∩ B), A \ B = A ∩ ¬B.
        assert_eq!(
            with(Combine::Add).count() + with(Combine::Intersect).count(),
            a.count() + b.count()
        );
        let mut differ = with(Combine::Add);
        differ.combine(Combine::Subtract, &with(Combine::Intersect));
        assert_eq!(differ, with(Combine::Differ));
        let (mut not_b, mut minus) = (b.clone(), a.clone());
        not_b.invert();
        minus.combine(Combine::Intersect, &not_b);
        assert_eq!(minus, with(Combine::Subtract));
        assert_eq!(with(Combine::Copy), b);
        assert!(!a.clone().combine(Combine::Add, &Bits::new([70, 9, 4])));
    }

    #[test]
    fn parts_are_cut_out_and_put_back() {
        let size = [150, 6, 4];
        let (mask, bits) = random(size, 0.3, 9);
        let (low, high) = ([61, 1, 1], [140, 4, 3]);
        let part = bits.cropped(low, high);
        assert_eq!(part.size(), [80, 4, 3]);
        let inside = |at: [usize; 3]| (0..3).all(|i| at[i] >= low[i] && at[i] <= high[i]);
        let expected = Bits::from_fn(size, |at @ [x, y, z]| {
            inside(at) && mask[(z * 6 + y) * 150 + x]
        });
        assert_eq!(part.placed(low, size), expected);
        let [a, b] = part.bounds().unwrap();
        assert!(
            part.ones()
                .all(|v| (0..3).all(|i| v[i] >= a[i] && v[i] <= b[i]))
        );
        for axis in 0..3 {
            assert!(part.ones().any(|v| v[axis] == a[axis]));
            assert!(part.ones().any(|v| v[axis] == b[axis]));
        }
        assert!(Bits::new(size).bounds().is_none());
        assert_eq!(Bits::full(size).count(), 150 * 6 * 4);
        // A size beyond memory is no size, and no voxel of it can be set.
        let mut none = Bits::new([usize::MAX; 3]);
        none.set([0; 3], true);
        assert!(none.is_empty());
    }
}
