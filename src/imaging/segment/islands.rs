//! Parts of a set that hang together, and holes in it. Works on runs of columns, not on voxels.

use super::bits::{Bits, Combine};
use std::ops::Range;

/// Which voxels hang together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Neighbours {
    /// Over faces: 6 neighbours, 4 in a slice.
    #[default]
    Faces,
    /// Over faces and edges: 18 neighbours.
    Edges,
    /// Over faces, edges and corners: 26 neighbours, 8 in a slice.
    Corners,
}

/// A part of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Island {
    /// How many voxels it has.
    pub voxels: u64,
    /// Lowest index of each axis.
    pub low: [usize; 3],
    /// Highest index of each axis, included.
    pub high: [usize; 3],
}

/// All parts of a set.
#[derive(Clone, Debug)]
pub struct Islands {
    size: [usize; 3],
    /// Row, slice, columns, and the number of the part.
    runs: Vec<(usize, usize, Range<usize>, usize)>,
    /// The parts, in the order of their first voxels.
    pub parts: Vec<Island>,
}

/// Root of a run in the forest, with the way there made shorter.
fn root(parents: &mut [u32], mut at: u32) -> u32 {
    while let Some(&parent) = parents.get(at as usize)
        && parent != at
    {
        let grand = parents.get(parent as usize).copied().unwrap_or(parent);
        if let Some(slot) = parents.get_mut(at as usize) {
            *slot = grand;
        }
        at = grand;
    }
    at
}

impl Islands {
    /// The parts of a set.
    pub fn of(bits: &Bits, neighbours: Neighbours) -> Self {
        let size = bits.size();
        let rows = size[1] * size[2];
        let mut runs: Vec<(usize, usize, Range<usize>, usize)> = Vec::new();
        // Where the runs of a row begin.
        let mut starts = Vec::with_capacity(rows + 1);
        let mut parents: Vec<u32> = Vec::new();
        for row in 0..rows {
            let (y, z) = (row % size[1], row / size[1]);
            starts.push(runs.len());
            let first = runs.len();
            for run in bits.runs_of(y, z) {
                parents.push(parents.len() as u32);
                runs.push((y, z, run, 0));
            }
            if runs.len() == first {
                continue;
            }
            // Rows before this one that may touch it, and how far beyond a run's ends they may.
            let diagonal = usize::from(neighbours != Neighbours::Faces);
            let corner = usize::from(neighbours == Neighbours::Corners);
            let mut beside: [Option<(usize, usize)>; 4] = [None; 4];
            if y > 0 {
                beside[0] = Some((row - 1, diagonal));
            }
            if z > 0 {
                beside[1] = Some((row - size[1], diagonal));
                if neighbours != Neighbours::Faces {
                    beside[2] = (y > 0).then(|| (row - size[1] - 1, corner));
                    beside[3] = (y + 1 < size[1]).then(|| (row - size[1] + 1, corner));
                }
            }
            for (other, reach) in beside.into_iter().flatten() {
                let begin = starts.get(other).copied().unwrap_or(first);
                let end = starts.get(other + 1).copied().unwrap_or(first);
                let mut a = begin;
                let mut b = first;
                while a < end && b < runs.len() {
                    let (Some(left), Some(right)) = (runs.get(a), runs.get(b)) else {
                        break;
                    };
                    let (left, right) = (&left.2, &right.2);
                    if left.start < right.end + reach && right.start < left.end + reach {
                        let (a, b) = (root(&mut parents, a as u32), root(&mut parents, b as u32));
                        // The lower number stays, so that parts keep the order of their first voxels.
                        if let Some(slot) = parents.get_mut(a.max(b) as usize) {
                            *slot = a.min(b);
                        }
                    }
                    // The run that ends first meets nothing more.
                    match left.end < right.end {
                        true => a += 1,
                        false => b += 1,
                    }
                }
            }
        }
        let mut parts: Vec<Island> = Vec::new();
        let mut numbers = vec![usize::MAX; parents.len()];
        for index in 0..runs.len() {
            let top = root(&mut parents, index as u32) as usize;
            let Some((y, z, run, part)) = runs.get_mut(index) else {
                continue;
            };
            let Some(number) = numbers.get_mut(top) else {
                continue;
            };
            if *number == usize::MAX {
                *number = parts.len();
                parts.push(Island {
                    voxels: 0,
                    low: [run.start, *y, *z],
                    high: [run.start, *y, *z],
                });
            }
            *part = *number;
            if let Some(island) = parts.get_mut(*number) {
                island.voxels += run.len() as u64;
                let (first, last) = ([run.start, *y, *z], [run.end - 1, *y, *z]);
                for axis in 0..3 {
                    island.low[axis] = island.low[axis].min(first[axis]);
                    island.high[axis] = island.high[axis].max(last[axis]);
                }
            }
        }
        Self { size, runs, parts }
    }

    /// The voxels of the parts that `keep` says yes to (number, part).
    pub fn kept(&self, keep: impl Fn(usize, &Island) -> bool) -> Bits {
        let wanted: Vec<bool> = self
            .parts
            .iter()
            .enumerate()
            .map(|(number, part)| keep(number, part))
            .collect();
        let mut out = Bits::new(self.size);
        for (y, z, run, part) in &self.runs {
            if wanted.get(*part) == Some(&true) {
                out.set_run(*y, *z, run.clone());
            }
        }
        out
    }

    /// Numbers of the parts, largest first; of equal ones the one that comes first.
    pub fn by_size(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.parts.len()).collect();
        order.sort_by_key(|&n| std::cmp::Reverse(self.parts.get(n).map_or(0, |p| p.voxels)));
        order
    }

    /// The number of each voxel's part from 1, 0 outside; the largest part first. Parts beyond `most` are left out.
    pub fn labels(&self, most: u16) -> Vec<u16> {
        let mut numbers = vec![0u16; self.parts.len()];
        for (rank, part) in self.by_size().into_iter().enumerate() {
            let number = u16::try_from(rank + 1).unwrap_or(u16::MAX);
            if number <= most
                && rank < usize::from(u16::MAX)
                && let Some(slot) = numbers.get_mut(part)
            {
                *slot = number;
            }
        }
        let mut out = vec![0; self.size.iter().product()];
        for (y, z, run, part) in &self.runs {
            let start = (z * self.size[1] + y) * self.size[0];
            let number = numbers.get(*part).copied().unwrap_or(0);
            if let Some(voxels) = out.get_mut(start + run.start..start + run.end) {
                voxels.fill(number);
            }
        }
        out
    }
}

/// The largest part; of equal ones the one that comes first.
pub fn largest(bits: &Bits, neighbours: Neighbours) -> Bits {
    let islands = Islands::of(bits, neighbours);
    let first = islands.by_size().first().copied();
    islands.kept(|number, _| Some(number) == first)
}

/// Without the parts of less than so many millilitres. `spacing` is the voxel's sides in millimetres.
pub fn without_small(
    bits: &Bits,
    least_ml: f64,
    spacing: [f64; 3],
    neighbours: Neighbours,
) -> Bits {
    let voxel_ml = spacing.iter().product::<f64>() / 1000.0;
    // What rounding takes from a part of exactly this size does not remove it.
    let enough = |part: &Island| part.voxels as f64 * voxel_ml >= least_ml * (1.0 - 1e-9);
    Islands::of(bits, neighbours).kept(|_, part| enough(part))
}

/// Each part as a set of its own, largest first, at most so many; what is left over is in none.
pub fn split(bits: &Bits, neighbours: Neighbours, most: usize) -> Vec<Bits> {
    let islands = Islands::of(bits, neighbours);
    let order = islands.by_size();
    order
        .into_iter()
        .take(most)
        .map(|wanted| islands.kept(|number, _| number == wanted))
        .collect()
}

/// With everything that the set shuts in: what is not in it and does not hang together, over faces, with the edge of the
/// volume.
pub fn filled(bits: &Bits) -> Bits {
    let mut rest = bits.clone();
    rest.invert();
    let size = bits.size();
    let holes = Islands::of(&rest, Neighbours::Faces)
        .kept(|_, part| (0..3).all(|axis| part.low[axis] > 0 && part.high[axis] + 1 < size[axis]));
    let mut out = bits.clone();
    out.combine(Combine::Add, &holes);
    out
}

/// The same in each slice across an axis (2: rows and columns) by itself.
pub fn filled_in_slices(bits: &Bits, axis: usize) -> Bits {
    let size = bits.size();
    if axis > 2 {
        return bits.clone();
    }
    let mut out = bits.clone();
    for index in 0..size[axis] {
        let (mut low, mut high) = ([0; 3], size.map(|side| side.saturating_sub(1)));
        (low[axis], high[axis]) = (index, index);
        let mut rest = bits.cropped(low, high);
        rest.invert();
        let cut = rest.size();
        let shut = |part: &Island| {
            (0..3)
                .filter(|&a| a != axis)
                .all(|a| part.low[a] > 0 && part.high[a] + 1 < cut[a])
        };
        let holes = Islands::of(&rest, Neighbours::Faces).kept(|_, part| shut(part));
        for (y, z, run) in holes.runs() {
            out.set_run(y + low[1], z + low[2], run.start + low[0]..run.end + low[0]);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{super::noise::Noise, *};
    use crate::imaging::components::components;

    fn random(size: [usize; 3], share: f64, seed: u64) -> (Vec<bool>, Bits) {
        let mut noise = Noise::new(seed);
        let count: usize = size.iter().product();
        let mask: Vec<bool> = (0..count).map(|_| noise.unit() < share).collect();
        let bits = Bits::from_bools(&mask, size).unwrap();
        (mask, bits)
    }

    /// Labels by a search over voxels whose neighbours differ in at most so many axes.
    fn plainly(mask: &[bool], size: [usize; 3], axes: usize) -> Vec<u32> {
        let mut labels = vec![0u32; mask.len()];
        let mut count = 0;
        for start in 0..mask.len() {
            if !mask[start] || labels[start] != 0 {
                continue;
            }
            count += 1;
            labels[start] = count;
            let mut open = vec![start];
            while let Some(at) = open.pop() {
                let place = [
                    at % size[0],
                    at / size[0] % size[1],
                    at / (size[0] * size[1]),
                ];
                for step in 0..27usize {
                    let d = [step % 3, step / 3 % 3, step / 9].map(|v| v as isize - 1);
                    if d.iter().filter(|v| **v != 0).count() > axes {
                        continue;
                    }
                    let next = [0, 1, 2].map(|i| place[i].wrapping_add_signed(d[i]));
                    if (0..3).any(|i| next[i] >= size[i]) {
                        continue;
                    }
                    let index = (next[2] * size[1] + next[1]) * size[0] + next[0];
                    if mask[index] && labels[index] == 0 {
                        labels[index] = count;
                        open.push(index);
                    }
                }
            }
        }
        labels
    }

    #[test]
    fn parts_are_those_of_a_plain_search() {
        for (seed, share) in [(1, 0.08), (2, 0.2), (3, 0.4)] {
            let size = [67, 13, 8];
            let (mask, bits) = random(size, share, seed);
            for (axes, neighbours) in [
                (1, Neighbours::Faces),
                (2, Neighbours::Edges),
                (3, Neighbours::Corners),
            ] {
                let islands = Islands::of(&bits, neighbours);
                let expected = plainly(&mask, size, axes);
                let count = expected.iter().max().copied().unwrap() as usize;
                assert_eq!(islands.parts.len(), count, "{neighbours:?}");
                for (number, part) in islands.parts.iter().enumerate() {
                    let label = number as u32 + 1;
                    let same: Vec<bool> = expected.iter().map(|&l| l == label).collect();
                    assert_eq!(islands.kept(|n, _| n == number).to_bools(), same);
                    assert_eq!(part.voxels, same.iter().filter(|&&s| s).count() as u64);
                }
            }
            let (_, parts) = components(&mask, size);
            let islands = Islands::of(&bits, Neighbours::Corners);
            for (a, b) in parts.iter().zip(&islands.parts) {
                assert_eq!((a.low, a.high, a.voxels as u64), (b.low, b.high, b.voxels));
            }
            let labels = islands.labels(3);
            let order = islands.by_size();
            for rank in 0..order.len().min(3) as u16 {
                let part = islands
                    .kept(|n, _| n == order[usize::from(rank)])
                    .to_bools();
                let same: Vec<bool> = labels.iter().map(|&l| l == rank + 1).collect();
                assert_eq!(part, same);
            }
        }
    }

    #[test]
    fn small_parts_go_and_the_largest_stays() {
        let size = [40, 40, 10];
        let mut bits = Bits::new(size);
        for (x, y, side) in [(2, 2, 3), (20, 20, 8), (33, 5, 1)] {
            for z in 2..2 + side {
                for row in y..y + side {
                    bits.set_run(row, z, x..x + side);
                }
            }
        }
        let spacing = [1.0, 1.0, 2.0];
        let big = largest(&bits, Neighbours::Faces);
        assert_eq!(big.count(), 512);
        // 27 voxels are 0.054 ml.
        assert_eq!(
            without_small(&bits, 0.054, spacing, Neighbours::Faces).count(),
            539
        );
        assert_eq!(
            without_small(&bits, 0.055, spacing, Neighbours::Faces).count(),
            512
        );
        let parts = split(&bits, Neighbours::Faces, 2);
        assert_eq!(parts.len(), 2);
        assert_eq!((parts[0].count(), parts[1].count()), (512, 27));
        assert!(largest(&Bits::new(size), Neighbours::Faces).is_empty());
    }

    #[test]
    fn holes_are_what_cannot_reach_the_edge() {
        let size = [70, 14, 9];
        let (mask, bits) = random(size, 0.62, 4);
        let whole = filled(&bits).to_bools();
        let outside: Vec<bool> = mask.iter().map(|m| !m).collect();
        let labels = plainly(&outside, size, 1);
        let at = |i: usize| [i % 70, i / 70 % 14, i / 980];
        let edge = |i: usize| (0..3).any(|a| at(i)[a] == 0 || at(i)[a] + 1 == size[a]);
        let mut open = std::collections::BTreeSet::new();
        (0..mask.len()).filter(|&i| edge(i)).for_each(|i| {
            open.insert(labels[i]);
        });
        for i in 0..mask.len() {
            assert_eq!(whole[i], mask[i] || !open.contains(&labels[i]));
        }
        assert!(whole.iter().filter(|&&m| m).count() > mask.iter().filter(|&&m| m).count());
        // Slice by slice: each as a volume of one slice that is closed above and below.
        for axis in 0..3 {
            let flat = filled_in_slices(&bits, axis);
            for index in 0..size[axis] {
                let (mut low, mut high) = ([0; 3], size.map(|s| s - 1));
                (low[axis], high[axis]) = (index, index);
                let cut = bits.cropped(low, high);
                let mut side = cut.size();
                let mask: Vec<bool> = cut.to_bools().iter().map(|m| !m).collect();
                let labels = plainly(&mask, side, 1);
                side[axis] = usize::MAX;
                let n = cut.size();
                let at = |i: usize| [i % n[0], i / n[0] % n[1], i / (n[0] * n[1])];
                let edge = |i: usize| {
                    (0..3).any(|a| a != axis && (at(i)[a] == 0 || at(i)[a] + 1 == side[a]))
                };
                let open: std::collections::BTreeSet<u32> = (0..mask.len())
                    .filter(|&i| edge(i))
                    .map(|i| labels[i])
                    .collect();
                let found = flat.cropped(low, high).to_bools();
                for i in 0..mask.len() {
                    assert_eq!(found[i], !mask[i] || !open.contains(&labels[i]));
                }
            }
        }
    }
}
