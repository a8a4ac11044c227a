//! Livewire: the cheapest path along edges from an anchor to where the pointer is (Mortensen and Barrett 1998).
//!
//! Pixels on strong edges are cheap. The search from an anchor goes on only as far as a target asks for, and is kept, so that a
//! path to the next place of the pointer is there at once.

use std::{cmp::Ordering, collections::BinaryHeap};

/// Costs of pixels from the strength of edges in a picture (columns fastest): `least` on the strongest edge, 1 where there is
/// none. Edges are gradients of the picture smoothed with 1 2 1 across (Sobel), against the 98th percentile of them. Where there
/// is no value, the cost is 1.
pub fn costs(values: &[f32], [columns, rows]: [usize; 2], least: f64) -> Vec<f64> {
    if columns == 0 || values.len() != columns * rows {
        return Vec::new();
    }
    let at = |x: isize, y: isize| {
        let x = x.clamp(0, columns as isize - 1) as usize;
        let y = y.clamp(0, rows as isize - 1) as usize;
        f64::from(values[y * columns + x])
    };
    let slopes: Vec<f64> = (0..values.len())
        .map(|i| {
            let (x, y) = ((i % columns) as isize, (i / columns) as isize);
            let across = |d: isize| at(x + d, y - 1) + 2.0 * at(x + d, y) + at(x + d, y + 1);
            let down = |d: isize| at(x - 1, y + d) + 2.0 * at(x, y + d) + at(x + 1, y + d);
            (across(1) - across(-1)).hypot(down(1) - down(-1))
        })
        .collect();
    let mut sorted: Vec<f64> = slopes.iter().copied().filter(|s| s.is_finite()).collect();
    let top = match sorted.len() {
        0 => 0.0,
        n => {
            let rank = ((n - 1) as f64 * 0.98).round() as usize;
            let (_, value, _) = sorted.select_nth_unstable_by(rank, f64::total_cmp);
            // A picture with less edges than that has them all the same.
            match *value > 0.0 {
                true => *value,
                false => sorted.iter().copied().fold(0.0, f64::max),
            }
        }
    };
    slopes
        .into_iter()
        .map(|slope| match slope.is_finite() && top > 0.0 {
            true => 1.0 - (1.0 - least) * (slope / top).min(1.0),
            false => 1.0,
        })
        .collect()
}

/// What the strongest edge costs in the tools; 1 is what no edge costs.
pub const LEAST: f64 = 0.02;

/// A closed outline from anchor to anchor along edges, each pixel named once; `None` where there are fewer than three anchors, one
/// lies outside, or values and size do not fit. Spacing is that of columns and of rows, as [`Livewire::new`] has it.
pub fn closed(
    values: &[f32],
    size: [usize; 2],
    spacing: [f64; 2],
    anchors: &[[usize; 2]],
) -> Option<Vec<[usize; 2]>> {
    let (&first, rest) = anchors.split_first().filter(|_| anchors.len() > 2)?;
    let mut wire = Livewire::new(costs(values, size, LEAST), size, spacing, first)?;
    let mut outline = Vec::new();
    for &to in rest.iter().chain(std::iter::once(&first)) {
        let path = wire.path(to);
        // The end of a leg is the begin of the next one.
        outline.extend_from_slice(path.split_last()?.1);
        wire = wire.anchored(to)?;
    }
    Some(outline)
}

/// A search from one anchor.
#[derive(Clone, Debug)]
pub struct Livewire {
    size: [usize; 2],
    /// Lengths of a step across, down, and to a corner.
    steps: [f64; 3],
    costs: Vec<f64>,
    /// Cost of the cheapest path known to each pixel, whether it is final, and where it comes from.
    best: Vec<f64>,
    done: Vec<bool>,
    from: Vec<u32>,
    heap: BinaryHeap<Open>,
}

/// A pixel that may be reached at a cost.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Open {
    cost: f64,
    at: u32,
}

impl Eq for Open {}

impl Ord for Open {
    fn cmp(&self, other: &Self) -> Ordering {
        // The heap gives the largest: the cheapest, and of those the first pixel.
        other
            .cost
            .total_cmp(&self.cost)
            .then(other.at.cmp(&self.at))
    }
}

impl PartialOrd for Open {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Livewire {
    /// Begins at a pixel of a picture of costs (columns fastest, none below 0). A step is as long as the spacing of columns and of
    /// rows says, in units of the lesser one: pixels need not be square. `None` where the anchor lies outside, sizes do not fit or a
    /// spacing is not above 0.
    pub fn new(
        costs: Vec<f64>,
        size: [usize; 2],
        spacing: [f64; 2],
        anchor: [usize; 2],
    ) -> Option<Self> {
        let [columns, rows] = size;
        let [across, down] = spacing.map(|mm| mm / spacing[0].min(spacing[1]));
        let steps = [across, down, across.hypot(down)];
        if !steps.iter().all(|step| step.is_finite() && *step > 0.0) {
            return None;
        }
        let count = columns.checked_mul(rows)?;
        let fits = costs.len() == count && count <= u32::MAX as usize;
        if !fits || anchor[0] >= columns || anchor[1] >= rows {
            return None;
        }
        let at = anchor[1] * columns + anchor[0];
        let mut wire = Self {
            size,
            steps,
            costs,
            best: vec![f64::INFINITY; count],
            done: vec![false; count],
            from: vec![u32::MAX; count],
            heap: BinaryHeap::new(),
        };
        wire.best[at] = 0.0;
        wire.heap.push(Open {
            cost: 0.0,
            at: at as u32,
        });
        Some(wire)
    }

    /// The same costs from another anchor.
    pub fn anchored(&self, anchor: [usize; 2]) -> Option<Self> {
        let [across, down, _] = self.steps;
        Self::new(self.costs.clone(), self.size, [across, down], anchor)
    }

    /// The cheapest path from the anchor to a pixel, both ends included; a step costs its length times the mean of both pixels.
    /// Empty outside.
    pub fn path(&mut self, to: [usize; 2]) -> Vec<[usize; 2]> {
        let [columns, rows] = self.size;
        if to[0] >= columns || to[1] >= rows {
            return Vec::new();
        }
        let target = to[1] * columns + to[0];
        while !self.done[target] {
            if !self.step() {
                return Vec::new();
            }
        }
        let mut path = Vec::new();
        let mut at = target;
        loop {
            path.push([at % columns, at / columns]);
            match self.from[at] {
                u32::MAX => break,
                before => at = before as usize,
            }
        }
        path.reverse();
        path
    }

    /// What the path to a pixel costs, once it was asked for.
    pub fn cost(&self, [x, y]: [usize; 2]) -> Option<f64> {
        let at = (x < self.size[0]).then_some(y * self.size[0] + x)?;
        (self.done.get(at) == Some(&true)).then(|| self.best[at])
    }

    /// Makes the next pixel final; `false` when all are.
    fn step(&mut self) -> bool {
        let [columns, rows] = self.size;
        while let Some(Open { cost, at }) = self.heap.pop() {
            let at = at as usize;
            if self.done[at] {
                continue;
            }
            self.done[at] = true;
            let (x, y) = (at % columns, at / columns);
            for down in -1isize..=1 {
                for right in -1isize..=1 {
                    let next = x.checked_add_signed(right).zip(y.checked_add_signed(down));
                    let Some((nx, ny)) = next.filter(|n| n.0 < columns && n.1 < rows) else {
                        continue;
                    };
                    let next = ny * columns + nx;
                    if self.done[next] {
                        continue;
                    }
                    let length = match (right != 0, down != 0) {
                        (true, false) => self.steps[0],
                        (false, _) => self.steps[1],
                        (true, true) => self.steps[2],
                    };
                    let total = cost + length * (self.costs[at] + self.costs[next]) / 2.0;
                    if total < self.best[next] {
                        self.best[next] = total;
                        self.from[next] = at as u32;
                        self.heap.push(Open {
                            cost: total,
                            at: next as u32,
                        });
                    }
                }
            }
            return true;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::{super::noise::Noise, *};

    #[test]
    fn paths_cost_the_least() {
        let size = [23usize, 17];
        let mut noise = Noise::new(4);
        let picture: Vec<f64> = (0..23 * 17).map(|_| 0.05 + noise.unit()).collect();
        // Square pixels, and others, in any unit.
        for spacing in [[0.7, 0.7], [1.2, 0.6], [1.0, 5.0]] {
            check_least(&picture, size, spacing);
        }
    }

    fn check_least(picture: &[f64], size: [usize; 2], spacing: [f64; 2]) {
        let narrow = spacing[0].min(spacing[1]);
        let long = |dx: usize, dy: usize| {
            (dx as f64 * spacing[0] / narrow).hypot(dy as f64 * spacing[1] / narrow)
        };
        // The least cost by relaxing until nothing changes.
        let mut least = vec![f64::INFINITY; picture.len()];
        least[5 * 23 + 3] = 0.0;
        loop {
            let mut changed = false;
            for i in 0..picture.len() {
                let (x, y) = ((i % 23) as isize, (i / 23) as isize);
                for (dx, dy) in [
                    (1, 0),
                    (0, 1),
                    (1, 1),
                    (-1, 1),
                    (-1, 0),
                    (0, -1),
                    (-1, -1),
                    (1, -1),
                ] {
                    let (u, v) = (x + dx, y + dy);
                    if u < 0 || v < 0 || u >= 23 || v >= 17 {
                        continue;
                    }
                    let j = (v * 23 + u) as usize;
                    let length = long(dx.unsigned_abs(), dy.unsigned_abs());
                    let total = least[i] + length * (picture[i] + picture[j]) / 2.0;
                    if total < least[j] - 1e-12 {
                        least[j] = total;
                        changed = true;
                    }
                }
            }
            if !changed {
                break;
            }
        }
        let mut wire = Livewire::new(picture.to_vec(), size, spacing, [3, 5]).unwrap();
        for to in [[22, 16], [0, 0], [3, 5], [20, 1], [10, 9]] {
            let path = wire.path(to);
            assert_eq!((path[0], path[path.len() - 1]), ([3, 5], to));
            let cost = wire.cost(to).unwrap();
            assert!((cost - least[to[1] * 23 + to[0]]).abs() < 1e-9);
            let mut sum = 0.0;
            for pair in path.windows(2) {
                let d = [0, 1].map(|i| pair[0][i].abs_diff(pair[1][i]));
                assert!(d[0] <= 1 && d[1] <= 1 && d != [0, 0]);
                let of = |p: [usize; 2]| picture[p[1] * 23 + p[0]];
                sum += long(d[0], d[1]) * (of(pair[0]) + of(pair[1])) / 2.0;
            }
            assert!((sum - cost).abs() < 1e-9);
        }
        assert!(wire.path([23, 0]).is_empty());
        assert!(Livewire::new(picture.to_vec(), size, spacing, [0, 17]).is_none());
        assert!(Livewire::new(picture.to_vec(), size, [1.0, 0.0], [3, 5]).is_none());
    }

    /// Two ways around a block that costs: one long in millimetres, the other in pixels.
    #[test]
    fn ways_are_measured_in_millimetres() {
        let size = [21usize, 21];
        let picture: Vec<f64> = (0..21 * 21)
            .map(|i| match (i % 21, i / 21) {
                (4..17, 8..13) => 50.0,
                _ => 1.0,
            })
            .collect();
        // From left to right of the block, above or below it; and from above to below, left or right of it.
        let way = |spacing, from: [usize; 2], to| {
            let mut wire = Livewire::new(picture.clone(), size, spacing, from).unwrap();
            wire.path(to);
            wire.cost(to).unwrap()
        };
        let square = way([1.0, 1.0], [10, 7], [10, 13]);
        // Columns twice as wide make the way around the sides longer, rows twice as high hardly.
        let wide = way([2.0, 1.0], [10, 7], [10, 13]);
        let high = way([1.0, 2.0], [10, 7], [10, 13]);
        // Seven steps aside, one of them down as well, and as many back, with four straight ones between.
        let sides = |x: f64, y: f64| 2.0 * (6.0 * x + x.hypot(y)) + 4.0 * y;
        for (found, wanted) in [
            (square, sides(1.0, 1.0)),
            (wide, sides(2.0, 1.0)),
            (high, sides(1.0, 2.0)),
        ] {
            assert!((found - wanted).abs() < 1e-9, "{found} {wanted}");
        }
    }

    #[test]
    fn a_wire_follows_the_edge() {
        // A bright disc: from its left to its right end, the path runs along its border.
        let size = [61usize, 61];
        let values: Vec<f32> = (0..61 * 61)
            .map(|i| {
                let d = ((i % 61) as f64 - 30.0).hypot((i / 61) as f64 - 30.0);
                if d < 20.0 { 100.0 } else { 0.0 }
            })
            .collect();
        let picture = costs(&values, size, 0.02);
        let mut wire = Livewire::new(picture, size, [1.0; 2], [10, 30]).unwrap();
        let path = wire.path([50, 30]);
        assert!(path.len() > 40);
        for [x, y] in path {
            let d = (x as f64 - 30.0).hypot(y as f64 - 30.0);
            assert!((d - 19.8).abs() < 1.6, "{x} {y} {d}");
        }
        let around = closed(
            &values,
            size,
            [0.5; 2],
            &[[10, 30], [30, 10], [50, 30], [30, 50]],
        )
        .unwrap();
        assert!((100..180).contains(&around.len()), "{}", around.len());
        for pair in around.windows(2) {
            assert!(pair[0] != pair[1] && (0..2).all(|i| pair[0][i].abs_diff(pair[1][i]) <= 1));
        }
        assert!(closed(&values, size, [0.5; 2], &[[10, 30], [30, 10]]).is_none());
        assert!(closed(&values, size, [0.5; 2], &[[10, 30], [30, 10], [61, 0]]).is_none());
        assert!(costs(&values, [61, 60], 0.1).is_empty());
        let flat = costs(&[1.0; 9], [3, 3], 0.1);
        assert_eq!(flat, [1.0; 9]);
    }
}
