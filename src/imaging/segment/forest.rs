//! Labels spread from seeds along the cheapest paths: grow-cut, geodesic growing, watershed.
//!
//! Each voxel takes the label of the seed that reaches it most cheaply over faces. Of the neighbours from which that is as cheap,
//! the one that is reached most cheaply itself counts, and of those the one with the lowest label; so there is one answer, whatever
//! the order of work, and `render::forest` comes to the same one on the device, bit for bit. All costs are whole numbers for that
//! reason.
//!
//! Sources: grow-cut (Vezhnevets and Konouchine 2005) as shortest paths (Zhu et al. 2014): strength is the product of
//! 1 - |difference| / range along the path, so its logarithm is a sum. Geodesic distance (Criminisi et al. 2008). Watershed as
//! an image forest (Falcão et al. 2004): a path costs the highest value on it, then the steps it takes on that level.

use super::bits::Bits;
use crate::task::CancelToken;
use rayon::prelude::*;

/// Steps of values that costs are made from.
pub const LEVELS: usize = 4096;
/// The level of a voxel that no path goes through.
pub const WALL: u16 = u16::MAX;
/// Cost of what makes a seed e times weaker; a sixty-fourth of it is that of a millimetre of geodesic distance.
const UNIT: f64 = 16384.0;
/// Cost of a step over the narrowest side of a voxel where values do not differ.
const STEP: f64 = 1.0;
/// Voxels between two looks at the token.
const PATIENCE: usize = 1 << 16;

/// What a path costs.
#[derive(Clone, Debug, PartialEq)]
pub enum Costs {
    /// Sums over its steps: for each axis, the cost by the difference of [`LEVELS`] levels; at least 1.
    Sum(Box<[Vec<u32>; 3]>),
    /// The highest level on it, then its steps there.
    Highest,
}

impl Costs {
    /// Those of grow-cut. Steps cost a little, too, so that flat parts go to the nearer seed.
    pub fn grow_cut(spacing: [f64; 3]) -> Self {
        let narrow = spacing.iter().copied().fold(f64::INFINITY, f64::min);
        Self::Sum(Box::new(spacing.map(|step| {
            let step = (STEP * step / narrow).round().clamp(1.0, UNIT) as u32;
            (0..LEVELS)
                .map(|apart| {
                    let strength = 1.0 - apart as f64 / LEVELS as f64;
                    (-strength.ln() * UNIT).round() as u32 + step
                })
                .collect()
        })))
    }

    /// Those of geodesic distance: the root of (1 - contrast) × mm² + contrast × difference², where the whole range of values
    /// counts as 100 mm. `contrast` is 0 (only the way counts) to 1.
    pub fn geodesic(spacing: [f64; 3], contrast: f64) -> Self {
        let contrast = contrast.clamp(0.0, 1.0);
        Self::Sum(Box::new(spacing.map(|step| {
            (0..LEVELS)
                .map(|apart| {
                    let apart = apart as f64 / LEVELS as f64 * 100.0;
                    let square = (1.0 - contrast) * step * step + contrast * apart * apart;
                    (square.sqrt() * UNIT / 64.0).round().clamp(1.0, 1e7) as u32
                })
                .collect()
        })))
    }
}

/// The ground that paths go over: a level a voxel, [`WALL`] where none goes.
#[derive(Clone, Debug, PartialEq)]
pub struct Ground {
    size: [usize; 3],
    levels: Vec<u16>,
}

impl Ground {
    /// Values in so many equal levels from the lowest to the highest; what is not a number, or not allowed, is a wall. `None` where
    /// values and size do not fit.
    fn new(values: &[f32], size: [usize; 3], count: f64, allowed: Option<&Bits>) -> Option<Self> {
        let voxels = size[0].checked_mul(size[1])?.checked_mul(size[2])?;
        // Places are kept in 32 bits.
        if values.len() != voxels || voxels == 0 || voxels > u32::MAX as usize {
            return None;
        }
        let finite = values.par_iter().filter(|v| v.is_finite());
        let (low, high) = finite
            .fold(
                || (f32::INFINITY, f32::NEG_INFINITY),
                |(low, high), &v| (low.min(v), high.max(v)),
            )
            .reduce(
                || (f32::INFINITY, f32::NEG_INFINITY),
                |a, b| (a.0.min(b.0), a.1.max(b.1)),
            );
        let (low, high) = (f64::from(low), f64::from(high));
        let whole = |v: f64| v.fract() == 0.0;
        // Whole numbers that fit are kept as they are: nothing is put together that differs.
        let exact = high - low < count
            && values
                .par_iter()
                .all(|v| !v.is_finite() || whole(f64::from(*v)));
        let scale = match (exact, high > low) {
            (true, _) => 1.0,
            (false, true) => (count - 1.0) / (high - low),
            (false, false) => 0.0,
        };
        let mut levels: Vec<u16> = values
            .par_iter()
            .map(|&v| match v.is_finite() {
                true => ((f64::from(v) - low) * scale).round() as u16,
                false => WALL,
            })
            .collect();
        if let Some(allowed) = allowed {
            let mut rest = allowed.clone();
            rest.invert();
            if rest.size() == size {
                rest.stamp(WALL, &mut levels);
            }
        }
        Some(Self { size, levels })
    }

    /// For [`Costs::Sum`]: [`LEVELS`] levels from the lowest to the highest value. `None` where values and size do not fit.
    pub fn of_differences(
        values: &[f32],
        size: [usize; 3],
        allowed: Option<&Bits>,
    ) -> Option<Self> {
        let mut ground = Self::new(values, size, LEVELS as f64, allowed)?;
        // Whole numbers of a narrow range are spread over all levels: differences count by their share of the range.
        let open = || ground.levels.iter().copied().filter(|&l| l != WALL);
        let highest = open().max().unwrap_or(0);
        if highest > 0 && usize::from(highest) < LEVELS - 1 {
            let scale = (LEVELS - 1) as f64 / f64::from(highest);
            for level in ground.levels.iter_mut().filter(|l| **l != WALL) {
                *level = (f64::from(*level) * scale).round() as u16;
            }
        }
        Some(ground)
    }

    /// For [`Costs::Highest`]: up to 65535 levels; whole numbers are kept apart.
    pub fn of_heights(values: &[f32], size: [usize; 3], allowed: Option<&Bits>) -> Option<Self> {
        Self::new(values, size, f64::from(u16::MAX), allowed)
    }

    /// Columns, rows, slices.
    pub const fn size(&self) -> [usize; 3] {
        self.size
    }

    /// The level of each voxel.
    pub fn levels(&self) -> &[u16] {
        &self.levels
    }
}

/// Steps to the six neighbours of a voxel of a grid: how far in memory, and along which axis.
struct Around {
    size: [usize; 3],
}

impl Around {
    fn each(&self, at: usize, mut call: impl FnMut(usize, usize)) {
        let [columns, rows, slices] = self.size;
        let (x, row) = (at % columns, at / columns);
        let (y, z) = (row % rows, row / rows);
        let slice = columns * rows;
        if x > 0 {
            call(at - 1, 0);
        }
        if x + 1 < columns {
            call(at + 1, 0);
        }
        if y > 0 {
            call(at - columns, 1);
        }
        if y + 1 < rows {
            call(at + columns, 1);
        }
        if z > 0 {
            call(at - slice, 2);
        }
        if z + 1 < slices {
            call(at + slice, 2);
        }
    }
}

/// Labels spread from seeds (0 for none) over the ground. What no seed reaches keeps 0; seeds stay. `None` once cancelled, or
/// where there are not as many seeds as voxels.
pub fn spread(
    ground: &Ground,
    seeds: &[u16],
    costs: &Costs,
    cancel: &CancelToken,
) -> Option<Vec<u16>> {
    if seeds.len() != ground.levels.len() {
        return None;
    }
    match costs {
        Costs::Sum(tables) => by_sum(ground, seeds, tables, cancel),
        Costs::Highest => by_height(ground, seeds, cancel),
    }
}

/// Dijkstra's search with a circle of buckets, one for each cost (Dial 1969).
fn by_sum(
    ground: &Ground,
    seeds: &[u16],
    tables: &[Vec<u32>; 3],
    cancel: &CancelToken,
) -> Option<Vec<u16>> {
    let most = tables.iter().flatten().copied().max().unwrap_or(1) as usize;
    let around = Around { size: ground.size };
    let mut labels = seeds.to_vec();
    let mut costs = vec![u32::MAX; labels.len()];
    let mut circle: Vec<Vec<u32>> = vec![Vec::new(); most + 1];
    let mut waiting = 0usize;
    for (at, &label) in seeds.iter().enumerate() {
        if label != 0 {
            // A seed on a wall stays, and leads nowhere.
            costs[at] = 0;
            if ground.levels[at] != WALL {
                circle[0].push(at as u32);
                waiting += 1;
            }
        }
    }
    let (mut now, mut visits) = (0u32, 0usize);
    let mut bucket = Vec::new();
    while waiting > 0 {
        let slot = now as usize % circle.len();
        std::mem::swap(&mut bucket, &mut circle[slot]);
        waiting -= bucket.len();
        for at in bucket.drain(..) {
            let at = at as usize;
            // Reached more cheaply since.
            if costs[at] != now {
                continue;
            }
            visits += 1;
            if visits.is_multiple_of(PATIENCE) && cancel.is_cancelled() {
                return None;
            }
            let (level, label) = (ground.levels[at], labels[at]);
            around.each(at, |next, axis| {
                let other = ground.levels[next];
                if other == WALL {
                    return;
                }
                let apart = usize::from(level.abs_diff(other));
                let step = tables[axis].get(apart).copied().unwrap_or(u32::MAX).max(1);
                let cost = now.saturating_add(step);
                let known = costs[next];
                if cost < known {
                    costs[next] = cost;
                    labels[next] = label;
                    if cost < u32::MAX {
                        let slot = cost as usize % circle.len();
                        circle[slot].push(next as u32);
                        waiting += 1;
                    }
                } else if cost == known && seeds[next] == 0 && label < labels[next] {
                    labels[next] = label;
                }
            });
        }
        now = now.saturating_add(1);
    }
    Some(labels)
}

/// Flooding level by level, and on each level step by step.
fn by_height(ground: &Ground, seeds: &[u16], cancel: &CancelToken) -> Option<Vec<u16>> {
    let around = Around { size: ground.size };
    let mut labels = seeds.to_vec();
    // Level and steps at which a voxel was reached.
    let mut reached = vec![(u16::MAX, u32::MAX); labels.len()];
    // The same of the neighbour that its label comes from.
    let mut parents = reached.clone();
    let highest = ground.levels.iter().copied().filter(|&l| l != WALL).max();
    let mut waiting: Vec<Vec<u32>> = vec![Vec::new(); highest.map_or(0, usize::from) + 1];
    for (at, &label) in seeds.iter().enumerate() {
        if label != 0 {
            reached[at] = (ground.levels[at], 0);
            if ground.levels[at] != WALL {
                waiting[usize::from(ground.levels[at])].push(at as u32);
            }
        }
    }
    let mut visits = 0usize;
    for flood in 0..waiting.len() {
        let height = flood as u16;
        let mut queue = std::mem::take(&mut waiting[flood]);
        let mut first = 0;
        while let Some(&at) = queue.get(first) {
            first += 1;
            visits += 1;
            if visits.is_multiple_of(PATIENCE) && cancel.is_cancelled() {
                return None;
            }
            let at = at as usize;
            let (label, (level, steps)) = (labels[at], reached[at]);
            if level != height {
                continue;
            }
            around.each(at, |next, _| {
                let other = ground.levels[next];
                if other == WALL || seeds[next] != 0 {
                    return;
                }
                let arrival = match other > height {
                    // One more than a seed of that level has.
                    true => (other, 1),
                    false => (height, steps.saturating_add(1)),
                };
                if arrival < reached[next] {
                    reached[next] = arrival;
                    parents[next] = (level, steps);
                    labels[next] = label;
                    match arrival.0 == height {
                        true => queue.push(next as u32),
                        false => waiting[usize::from(other)].push(next as u32),
                    }
                } else if arrival == reached[next]
                    && parents[next] == (level, steps)
                    && label < labels[next]
                {
                    labels[next] = label;
                }
            });
        }
    }
    Some(labels)
}

/// Grow-cut from labelled seeds over values (columns fastest, `f32`): each voxel gets the label of the seed that holds it most
/// strongly. `None` where sizes do not fit, or once cancelled.
pub fn grow_cut(
    values: &[f32],
    size: [usize; 3],
    spacing: [f64; 3],
    seeds: &[u16],
    cancel: &CancelToken,
) -> Option<Vec<u16>> {
    let ground = Ground::of_differences(values, size, None)?;
    spread(&ground, seeds, &Costs::grow_cut(spacing), cancel)
}

/// The voxels that are nearer to a stroke than to the strokes that say where it is not, by geodesic distance. Without a stroke
/// that says no, everything that can be reached.
pub fn geodesic(
    values: &[f32],
    size: [usize; 3],
    spacing: [f64; 3],
    [plus, minus]: [&Bits; 2],
    contrast: f64,
    cancel: &CancelToken,
) -> Option<Bits> {
    let ground = Ground::of_differences(values, size, None)?;
    let mut seeds = vec![0u16; ground.levels.len()];
    plus.stamp(1, &mut seeds);
    minus.stamp(2, &mut seeds);
    let labels = spread(&ground, &seeds, &Costs::geodesic(spacing, contrast), cancel)?;
    Bits::from_label(&labels, size, &1)
}

/// Watershed from labelled markers over a relief, for example [`slope`]. No voxel is left for lines between basins.
pub fn watershed(
    relief: &[f32],
    size: [usize; 3],
    markers: &[u16],
    allowed: Option<&Bits>,
    cancel: &CancelToken,
) -> Option<Vec<u16>> {
    let ground = Ground::of_heights(relief, size, allowed)?;
    spread(&ground, markers, &Costs::Highest, cancel)
}

/// Length of the gradient per millimetre by central differences, one-sided at the edge. Empty where values and size do not
/// fit.
pub fn slope(values: &[f32], size: [usize; 3], spacing: [f64; 3]) -> Vec<f32> {
    let [columns, rows, slices] = size;
    if values.len() != columns * rows * slices || values.is_empty() {
        return Vec::new();
    }
    let strides = [1, columns, columns * rows];
    let mut out = vec![0.0f32; values.len()];
    out.par_chunks_mut(columns)
        .enumerate()
        .for_each(|(row, line)| {
            let (y, z) = (row % rows, row / rows);
            for (x, out) in line.iter_mut().enumerate() {
                let (at, place) = (row * columns + x, [x, y, z]);
                let mut square = 0.0;
                for axis in 0..3 {
                    let down = if place[axis] > 0 { strides[axis] } else { 0 };
                    let up = if place[axis] + 1 < size[axis] {
                        strides[axis]
                    } else {
                        0
                    };
                    let steps = usize::from(down > 0) + usize::from(up > 0);
                    if steps > 0 {
                        let rise = f64::from(values[at + up]) - f64::from(values[at - down]);
                        square += (rise / (steps as f64 * spacing[axis])).powi(2);
                    }
                }
                *out = square.sqrt() as f32;
            }
        });
    out
}

#[cfg(test)]
mod tests {
    use super::{super::noise::Noise, *};

    fn blobs(size: [usize; 3], seed: u64) -> Vec<f32> {
        let mut noise = Noise::new(seed);
        (0..size.iter().product::<usize>())
            .map(|i| {
                let (x, y, z) = (i % size[0], i / size[0] % size[1], i / (size[0] * size[1]));
                let d = |a: usize, c: f64| (a as f64 - c).powi(2);
                let one = (d(x, 9.0) + d(y, 10.0) + d(z, 5.0)).sqrt() < 6.0;
                let two = (d(x, 22.0) + d(y, 11.0) + d(z, 6.0)).sqrt() < 6.5;
                let base = if one {
                    200.0
                } else if two {
                    300.0
                } else {
                    50.0
                };
                (base + 20.0 * noise.unit()).round() as f32
            })
            .collect()
    }

    /// The answer by relaxing until nothing changes, costs first and labels after them: the definition itself.
    fn relaxed(ground: &Ground, seeds: &[u16], costs: &Costs) -> Vec<u16> {
        const NONE: (u32, u32) = (u32::MAX, u32::MAX);
        let around = Around { size: ground.size };
        let open = |at: usize| ground.levels[at] != WALL;
        // What a voxel's key becomes one step further.
        let step = |key: (u32, u32), from: usize, to: usize, axis: usize| match costs {
            Costs::Sum(tables) => {
                let apart = ground.levels[to].abs_diff(ground.levels[from]);
                (0, key.1 + tables[axis][usize::from(apart)])
            }
            Costs::Highest if u32::from(ground.levels[to]) > key.0 => {
                (u32::from(ground.levels[to]), 1)
            }
            Costs::Highest => (key.0, key.1 + 1),
        };
        let mut keys: Vec<(u32, u32)> = (0..seeds.len())
            .map(|at| match (seeds[at], costs) {
                (0, _) => NONE,
                (_, Costs::Sum(_)) => (0, 0),
                (_, Costs::Highest) => (u32::from(ground.levels[at]), 0),
            })
            .collect();
        let mut labels = seeds.to_vec();
        loop {
            let mut changed = false;
            for at in (0..keys.len()).filter(|&at| open(at) && seeds[at] == 0) {
                let mut best = keys[at];
                around.each(at, |from, axis| {
                    if keys[from] != NONE && open(from) {
                        best = best.min(step(keys[from], from, at, axis));
                    }
                });
                changed |= best != keys[at];
                keys[at] = best;
            }
            if !changed {
                break;
            }
        }
        loop {
            let mut changed = false;
            for at in (0..keys.len()).filter(|&at| open(at) && seeds[at] == 0) {
                let mut best = (NONE, u16::MAX);
                around.each(at, |from, axis| {
                    let reached = keys[from] != NONE && open(from);
                    if reached && step(keys[from], from, at, axis) == keys[at] {
                        let label = if labels[from] == 0 {
                            u16::MAX
                        } else {
                            labels[from]
                        };
                        let first = match costs {
                            // Sums settle labels with costs: the lowest of all that are as cheap.
                            Costs::Sum(_) => (0, 0),
                            Costs::Highest => keys[from],
                        };
                        best = best.min((first, label));
                    }
                });
                if best.1 != u16::MAX && best.1 != labels[at] {
                    labels[at] = best.1;
                    changed = true;
                }
            }
            if !changed {
                return labels;
            }
        }
    }

    #[test]
    fn paths_are_the_cheapest_ones() {
        let size = [31, 21, 12];
        let values = blobs(size, 2);
        let at = |x: usize, y: usize, z: usize| (z * 21 + y) * 31 + x;
        let mut seeds = vec![0u16; values.len()];
        for (index, label) in [(at(9, 10, 5), 3), (at(22, 11, 6), 1), (at(0, 0, 0), 2)] {
            seeds[index] = label;
        }
        let mut allowed = Bits::full(size);
        (0..12).for_each(|z| allowed.set([15, 3, z], false));
        let token = CancelToken::default();
        let spacing = [0.8, 0.8, 2.0];
        let ground = Ground::of_differences(&values, size, Some(&allowed)).unwrap();
        for costs in [Costs::grow_cut(spacing), Costs::geodesic(spacing, 0.7)] {
            let found = spread(&ground, &seeds, &costs, &token).unwrap();
            assert!(found == relaxed(&ground, &seeds, &costs));
            assert_eq!(found[at(15, 3, 5)], 0);
            // Each blob goes to the seed in it.
            let right = |x: usize, label: u16| (8..13).all(|y| found[at(x, y, 6)] == label);
            assert!(right(9, 3) && right(22, 1) && found[at(30, 20, 11)] == 2);
        }
        let heights = Ground::of_heights(&slope(&values, size, spacing), size, Some(&allowed));
        let heights = heights.unwrap();
        let found = spread(&heights, &seeds, &Costs::Highest, &token).unwrap();
        assert!(found == relaxed(&heights, &seeds, &Costs::Highest));
        // Levels that many voxels share: steps decide, and then labels.
        let flat: Vec<f32> = values.iter().map(|v| (v / 40.0).round()).collect();
        let ground = Ground::of_heights(&flat, size, None).unwrap();
        let found = spread(&ground, &seeds, &Costs::Highest, &token).unwrap();
        assert!(found == relaxed(&ground, &seeds, &Costs::Highest));
        assert!(
            spread(
                &ground,
                &seeds[1..],
                &Costs::Highest,
                &CancelToken::default()
            )
            .is_none()
        );
    }

    #[test]
    fn strokes_part_what_they_lie_on() {
        let size = [31, 21, 12];
        let values = blobs(size, 3);
        let dot = |at| {
            let mut bits = Bits::new(size);
            bits.set(at, true);
            bits
        };
        let (plus, minus) = (dot([22, 11, 6]), dot([2, 2, 2]));
        let token = CancelToken::default();
        let found = geodesic(&values, size, [1.0; 3], [&plus, &minus], 0.9, &token).unwrap();
        let truth = Bits::where_is(&values, size, |&v| v >= 300.0).unwrap();
        let shared = found.shared(&truth) as f64;
        let union = (found.count() + truth.count()) as f64 - shared;
        assert!(shared / union > 0.95, "{}", shared / union);
        let all = geodesic(
            &values,
            size,
            [1.0; 3],
            [&plus, &Bits::new(size)],
            0.9,
            &token,
        );
        assert_eq!(all.unwrap().count(), values.len() as u64);
    }

    #[test]
    fn slopes_are_differences_by_millimetres() {
        let size = [5, 4, 3];
        let values: Vec<f32> = (0..60)
            .map(|i| (3 * (i % 5) + 4 * (i / 5 % 4) + 2 * (i / 20)) as f32)
            .collect();
        let found = slope(&values, size, [1.0, 2.0, 0.5]);
        let expected = (9.0f64 + 4.0 + 16.0).sqrt();
        assert!(
            found
                .iter()
                .all(|v| (f64::from(*v) - expected).abs() < 1e-6)
        );
        assert!(slope(&values, [5, 4, 2], [1.0; 3]).is_empty());
    }
}
