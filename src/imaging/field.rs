//! Filters over whole volumes of numbers: Gaussian, dilation and erosion by a ball, resampling. Columns fastest.
//!
//! Each is linear in the number of voxels, works slice by slice on all threads, and gives nothing once it is cancelled. Borders go
//! on as the outermost voxel is.

use super::segment::image::Sample;
use crate::task::CancelToken;
use rayon::prelude::*;

/// Number of voxels of a size, when it is that of the values and not 0.
fn fits<T>(values: &[T], size: [usize; 3]) -> Option<usize> {
    let count = size[0].checked_mul(size[1])?.checked_mul(size[2])?;
    (count == values.len() && count > 0).then_some(count)
}

/// Half of a Gaussian from its middle on, four deviations long, that adds up to 1 with its mirror image.
fn kernel(sigma: f64) -> Vec<f32> {
    if sigma <= 0.0 {
        return vec![1.0];
    }
    let reach = (4.0 * sigma + 0.5) as usize;
    let weight = |i: usize| (-0.5 * (i as f64 / sigma).powi(2)).exp();
    let sum: f64 = weight(0) + 2.0 * (1..=reach).map(weight).sum::<f64>();
    (0..=reach).map(|i| (weight(i) / sum) as f32).collect()
}

/// Values of a line that are summed at once: as many as stay in registers.
const BLOCK: usize = 32;

/// Two lines that have one weight.
type Pair<'a> = (f32, &'a [f32], &'a [f32]);

/// The sum of a line times its weight and of pairs of lines times theirs, value by value.
fn weighed(out: &mut [f32], (weight, middle): (f32, &[f32]), pairs: &[Pair<'_>]) {
    fn block(line: &[f32], at: usize) -> Option<&[f32; BLOCK]> {
        line.get(at..)?.first_chunk()
    }
    let (blocks, rest) = out.as_chunks_mut::<BLOCK>();
    let done = blocks.len() * BLOCK;
    for (out, at) in blocks.iter_mut().zip((0..).step_by(BLOCK)) {
        let mut sum = block(middle, at).copied().unwrap_or([0.0; BLOCK]);
        for value in &mut sum {
            *value *= weight;
        }
        for (weight, a, b) in pairs {
            if let (Some(a), Some(b)) = (block(a, at), block(b, at)) {
                for ((sum, a), b) in sum.iter_mut().zip(a).zip(b) {
                    *sum += weight * (a + b);
                }
            }
        }
        *out = sum;
    }
    for (out, at) in rest.iter_mut().zip(done..) {
        let value = |line: &[f32]| line.get(at).copied().unwrap_or(0.0);
        *out = weight * value(middle);
        for (weight, a, b) in pairs {
            *out += weight * (value(a) + value(b));
        }
    }
}

/// Blurred by a Gaussian of so many voxels along each axis (standard deviation), cut off at four deviations:
/// `scipy.ndimage.gaussian_filter(mode="nearest")`. `None` where size and values do not fit, or once cancelled.
pub fn gaussian<T: Sample>(
    values: &[T],
    size: [usize; 3],
    sigma: [f64; 3],
    cancel: &CancelToken,
) -> Option<Vec<f32>> {
    let count = fits(values, size)?;
    let [columns, rows, slices] = size;
    let slice = columns * rows;
    let kernels = sigma.map(|s| kernel(s.clamp(0.0, 1e4)));
    let mut flat = vec![0.0f32; count];
    flat.par_chunks_mut(slice)
        .zip(values.par_chunks(slice))
        .for_each_init(
            || vec![0.0f32; slice],
            |across, (out, source)| {
                if cancel.is_cancelled() {
                    return;
                }
                along_rows(source, columns, &kernels[0], across);
                let row = |y: isize| {
                    let y = y.clamp(0, rows as isize - 1) as usize * columns;
                    across.get(y..y + columns).unwrap_or_default()
                };
                for (y, out) in out.chunks_exact_mut(columns).enumerate() {
                    weigh(out, &kernels[1], y, row);
                }
            },
        );
    if kernels[2].len() < 2 || slices < 2 {
        return (!cancel.is_cancelled()).then_some(flat);
    }
    // In place, a row of all slices at a time: nothing else of this size is held, and the row of all slices is small.
    let mut lines: Vec<Vec<&mut [f32]>> = (0..rows).map(|_| Vec::with_capacity(slices)).collect();
    for slice in flat.chunks_exact_mut(slice) {
        for (row, line) in lines.iter_mut().zip(slice.chunks_exact_mut(columns)) {
            row.push(line);
        }
    }
    lines
        .into_par_iter()
        .for_each_init(Vec::<f32>::new, |before, mut lines| {
            if cancel.is_cancelled() {
                return;
            }
            before.clear();
            for line in &lines {
                before.extend_from_slice(line);
            }
            for (z, out) in lines.iter_mut().enumerate() {
                weigh(out, &kernels[2], z, |z| {
                    let at = z.clamp(0, slices as isize - 1) as usize * columns;
                    before.get(at..at + columns).unwrap_or_default()
                });
            }
        });
    (!cancel.is_cancelled()).then_some(flat)
}

/// A line of the result from the lines around it.
fn weigh<'a>(out: &mut [f32], kernel: &[f32], at: usize, line: impl Fn(isize) -> &'a [f32]) {
    let at = at as isize;
    let pairs = kernel.iter().zip(0_isize..).skip(1);
    let pairs: Vec<Pair<'_>> = pairs
        .map(|(weight, k)| (*weight, line(at - k), line(at + k)))
        .collect();
    weighed(
        out,
        (kernel.first().copied().unwrap_or(1.0), line(at)),
        &pairs,
    );
}

/// All rows of a slice blurred along themselves.
fn along_rows<T: Sample>(source: &[T], columns: usize, kernel: &[f32], out: &mut [f32]) {
    let reach = kernel.len() - 1;
    let mut padded = vec![0.0f32; columns + 2 * reach];
    for (row, out) in source
        .chunks_exact(columns)
        .zip(out.chunks_exact_mut(columns))
    {
        let number = |value: Option<&T>| value.map_or(0.0, |v| v.number() as f32);
        let (first, last) = (number(row.first()), number(row.last()));
        let (head, rest) = padded.split_at_mut(reach);
        let (middle, tail) = rest.split_at_mut(columns);
        head.fill(first);
        tail.fill(last);
        middle
            .iter_mut()
            .zip(row)
            .for_each(|(to, from)| *to = from.number() as f32);
        let from = |start: usize| padded.get(start..start + columns).unwrap_or_default();
        let pairs = kernel.iter().enumerate().skip(1);
        let pairs: Vec<Pair<'_>> = pairs
            .map(|(k, weight)| (*weight, from(reach - k), from(reach + k)))
            .collect();
        let middle = (kernel.first().copied().unwrap_or(1.0), from(reach));
        weighed(out, middle, &pairs);
    }
}

/// What a rank filter takes of a ball.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extreme {
    /// The highest value: dilation.
    Highest,
    /// The lowest value: erosion.
    Lowest,
}

/// The highest or lowest value of a ball of so many voxels around each voxel: the voxels with (x/r)² + (y/r)² + (z/r)² ≤ 1
/// for the radius of each axis and half a voxel, as ITK has its ball. Beyond the border is nothing. `None` where size and values
/// do not fit, or once cancelled.
pub fn extreme<T: Copy + Ord + Send + Sync>(
    values: &[T],
    size: [usize; 3],
    radius: [usize; 3],
    which: Extreme,
    cancel: &CancelToken,
) -> Option<Vec<T>> {
    match which {
        Extreme::Highest => ranked(values, size, radius, T::max, cancel),
        Extreme::Lowest => ranked(values, size, radius, T::min, cancel),
    }
}

/// Half-widths of the ball's rows: for each step across rows and slices, how far it reaches along columns; `None` beyond it.
fn ball_rows(radius: [usize; 3]) -> Vec<([isize; 2], usize)> {
    let wide = radius.map(|r| r as f64 + 0.5);
    let mut found = Vec::new();
    for z in -(radius[2] as isize)..=radius[2] as isize {
        for y in -(radius[1] as isize)..=radius[1] as isize {
            let left = 1.0 - (y as f64 / wide[1]).powi(2) - (z as f64 / wide[2]).powi(2);
            if left >= 0.0 {
                let half = (left.sqrt() * wide[0] + 1e-9) as usize;
                found.push(([y, z], half.min(radius[0])));
            }
        }
    }
    found
}

fn ranked<T: Copy + Ord + Send + Sync>(
    values: &[T],
    size: [usize; 3],
    radius: [usize; 3],
    pick: impl Fn(T, T) -> T + Copy + Sync,
    cancel: &CancelToken,
) -> Option<Vec<T>> {
    fits(values, size)?;
    let [columns, rows, slices] = size;
    let slice = columns * rows;
    let ball = ball_rows(radius);
    let widths: Vec<usize> = {
        let mut widths: Vec<usize> = ball.iter().map(|(_, half)| *half).collect();
        widths.sort_unstable();
        widths.dedup();
        widths
    };
    let mut out = values.to_vec();
    // A thread takes some slices in a row, so that what it has widened serves several of them.
    let run = slices
        .div_ceil(rayon::current_num_threads().max(1) * 4)
        .max(1);
    out.par_chunks_mut(slice * run)
        .enumerate()
        .for_each(|(index, out)| {
            // Widened slices by number and width.
            let mut kept: Vec<(usize, Vec<Vec<T>>)> = Vec::new();
            for (z, out) in (index * run..).zip(out.chunks_exact_mut(slice)) {
                if cancel.is_cancelled() {
                    return;
                }
                let low = z.saturating_sub(radius[2]);
                let high = (z + radius[2]).min(slices - 1);
                kept.retain(|(number, _)| *number >= low);
                let next = kept.last().map_or(low, |(number, _)| number + 1);
                for number in next..=high {
                    let source = values.get(number * slice..(number + 1) * slice);
                    let made = widened(source.unwrap_or_default(), columns, &widths, &pick);
                    kept.push((number, made));
                }
                for (y, out) in out.chunks_exact_mut(columns).enumerate() {
                    for ([dy, dz], half) in &ball {
                        let at = y.checked_add_signed(*dy).zip(z.checked_add_signed(*dz));
                        let Some((y, z)) = at.filter(|(y, z)| *y < rows && *z < slices) else {
                            continue;
                        };
                        let width = widths.iter().position(|w| w == half).unwrap_or(0);
                        let from = z
                            .checked_sub(low)
                            .and_then(|i| kept.get(i))
                            .and_then(|(_, widths)| widths.get(width))
                            .and_then(|slice| slice.get(y * columns..(y + 1) * columns));
                        for (out, from) in out.iter_mut().zip(from.unwrap_or_default()) {
                            *out = pick(*out, *from);
                        }
                    }
                }
            }
        });
    (!cancel.is_cancelled()).then_some(out)
}

/// A slice whose rows are ranked over so many voxels to each side, for each width (rising).
fn widened<T: Copy>(
    source: &[T],
    columns: usize,
    widths: &[usize],
    pick: &impl Fn(T, T) -> T,
) -> Vec<Vec<T>> {
    let mut found: Vec<Vec<T>> = Vec::new();
    let mut now = source.to_vec();
    let mut reached = 0;
    for &width in widths {
        for step in reached + 1..=width {
            for (row, from) in now
                .chunks_exact_mut(columns)
                .zip(source.chunks_exact(columns))
            {
                let shifted = from.get(step..).unwrap_or_default();
                for (out, from) in row.iter_mut().zip(shifted) {
                    *out = pick(*out, *from);
                }
                let later = row.get_mut(step..).unwrap_or_default();
                for (out, from) in later.iter_mut().zip(from) {
                    *out = pick(*out, *from);
                }
            }
        }
        reached = width.max(reached);
        found.push(now.clone());
    }
    found
}

/// Values on a grid of another size over the same space (outer edges on outer edges), linear between the centres of voxels;
/// beyond the outermost centres their value. `None` where size and values do not fit, or once cancelled.
pub fn resampled<T: Sample>(
    values: &[T],
    from: [usize; 3],
    to: [usize; 3],
    cancel: &CancelToken,
) -> Option<Vec<f32>> {
    fits(values, from)?;
    let count = to[0].checked_mul(to[1])?.checked_mul(to[2])?;
    if count == 0 {
        return None;
    }
    let taps = [0, 1, 2].map(|axis| taps(from[axis], to[axis]));
    let row = |y: usize, z: usize| {
        let start = (z * from[1] + y) * from[0];
        values.get(start..start + from[0]).unwrap_or_default()
    };
    let mut out = vec![0.0f32; count];
    out.par_chunks_mut(to[0] * to[1])
        .zip(&taps[2])
        .for_each(|(out, deep)| {
            if cancel.is_cancelled() {
                return;
            }
            let mut line = vec![0.0f32; from[0]];
            for (out, down) in out.chunks_exact_mut(to[0]).zip(&taps[1]) {
                // Four rows become one, then the columns of it.
                let [a, b, c, d] = [
                    row(down.first, deep.first),
                    row(down.second, deep.first),
                    row(down.first, deep.second),
                    row(down.second, deep.second),
                ];
                let (wy, wz) = (down.share, deep.share);
                let weights = [
                    (1.0 - wy) * (1.0 - wz),
                    wy * (1.0 - wz),
                    (1.0 - wy) * wz,
                    wy * wz,
                ];
                let number = |v: &T| v.number() as f32;
                for ((((line, a), b), c), d) in line.iter_mut().zip(a).zip(b).zip(c).zip(d) {
                    *line = weights[0] * number(a)
                        + weights[1] * number(b)
                        + weights[2] * number(c)
                        + weights[3] * number(d);
                }
                for (out, tap) in out.iter_mut().zip(&taps[0]) {
                    let at = |i: usize| line.get(i).copied().unwrap_or(0.0);
                    *out = at(tap.first) + tap.share * (at(tap.second) - at(tap.first));
                }
            }
        });
    (!cancel.is_cancelled()).then_some(out)
}

/// The two places between which a place of the other grid lies.
struct Tap {
    first: usize,
    second: usize,
    share: f32,
}

fn taps(from: usize, to: usize) -> Vec<Tap> {
    let scale = from as f64 / to as f64;
    (0..to)
        .map(|o| {
            let at = ((o as f64 + 0.5) * scale - 0.5).clamp(0.0, (from - 1) as f64);
            let first = (at as usize).min(from - 1);
            Tap {
                first,
                second: (first + 1).min(from - 1),
                share: (at - first as f64) as f32,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(size: [usize; 3]) -> Vec<i16> {
        (0..size.iter().product::<usize>())
            .map(|i| ((i * 7919 + i / 13 * 31) % 4001) as i16 - 1000)
            .collect()
    }

    fn at(size: [usize; 3], values: &[i16], place: [isize; 3]) -> f64 {
        let p = [0, 1, 2].map(|i| place[i].clamp(0, size[i] as isize - 1) as usize);
        f64::from(values[(p[2] * size[1] + p[1]) * size[0] + p[0]])
    }

    fn places(size: [usize; 3]) -> impl Iterator<Item = [isize; 3]> {
        (0..size.iter().product::<usize>()).map(move |i| {
            [i % size[0], i / size[0] % size[1], i / (size[0] * size[1])].map(|v| v as isize)
        })
    }

    #[test]
    fn a_gaussian_is_its_sum() {
        let size = [19, 11, 7];
        let values = numbers(size);
        let token = CancelToken::default();
        let sigma = [1.3, 0.7, 0.9];
        let found = gaussian(&values, size, sigma, &token).unwrap();
        let weights = sigma.map(|s| {
            let reach = (4.0 * s + 0.5) as isize;
            let raw: Vec<f64> = (-reach..=reach)
                .map(|i| (-0.5 * (i as f64 / s).powi(2)).exp())
                .collect();
            let sum: f64 = raw.iter().sum();
            (
                reach,
                raw.into_iter().map(|w| w / sum).collect::<Vec<f64>>(),
            )
        });
        for (index, place) in places(size).enumerate().step_by(7) {
            let mut sum = 0.0;
            for (i, wx) in weights[0].1.iter().enumerate() {
                for (j, wy) in weights[1].1.iter().enumerate() {
                    for (k, wz) in weights[2].1.iter().enumerate() {
                        let d = [
                            i as isize - weights[0].0,
                            j as isize - weights[1].0,
                            k as isize - weights[2].0,
                        ];
                        sum += wx * wy * wz * at(size, &values, [0, 1, 2].map(|a| place[a] + d[a]));
                    }
                }
            }
            assert!((f64::from(found[index]) - sum).abs() < 1e-2, "{place:?}");
        }
        let flat = gaussian(&values, size, [0.0; 3], &token).unwrap();
        assert!(flat.iter().zip(&values).all(|(f, v)| *f == f32::from(*v)));
        assert!(gaussian(&values, [19, 11, 6], sigma, &token).is_none());
        token.cancel();
        assert!(gaussian(&values, size, sigma, &token).is_none());
    }

    #[test]
    fn extremes_are_those_of_the_ball() {
        let size = [17, 12, 9];
        let values = numbers(size);
        let token = CancelToken::default();
        for radius in [[2, 2, 2], [3, 1, 2], [0, 2, 0]] {
            let most = extreme(&values, size, radius, Extreme::Highest, &token).unwrap();
            let least = extreme(&values, size, radius, Extreme::Lowest, &token).unwrap();
            let wide = radius.map(|r| r as f64 + 0.5);
            for (index, place) in places(size).enumerate() {
                let (mut high, mut low) = (i16::MIN, i16::MAX);
                for other in places(size) {
                    let d = [0, 1, 2].map(|i| (other[i] - place[i]) as f64 / wide[i]);
                    if d.iter().map(|v| v * v).sum::<f64>() <= 1.0 {
                        let value = at(size, &values, other) as i16;
                        high = high.max(value);
                        low = low.min(value);
                    }
                }
                assert_eq!(
                    (most[index], least[index]),
                    (high, low),
                    "{place:?} {radius:?}"
                );
            }
        }
    }

    #[test]
    fn resampling_is_linear_between_centres() {
        // 2 x + 3 y - 5 z in voxels of the first grid: exact inside.
        let from = [12, 10, 8];
        let values: Vec<f32> = places(from)
            .map(|[x, y, z]| (2 * x + 3 * y - 5 * z) as f32)
            .collect();
        let token = CancelToken::default();
        let to = [18, 7, 16];
        let found = resampled(&values, from, to, &token).unwrap();
        for (value, place) in found.iter().zip(places(to)) {
            let at = [0, 1, 2].map(|i| {
                let at = (place[i] as f64 + 0.5) * from[i] as f64 / to[i] as f64 - 0.5;
                at.clamp(0.0, from[i] as f64 - 1.0)
            });
            let expected = 2.0 * at[0] + 3.0 * at[1] - 5.0 * at[2];
            assert!((f64::from(*value) - expected).abs() < 1e-4);
        }
        assert_eq!(resampled(&values, from, from, &token).unwrap(), values);
        assert!(resampled(&values, from, [0, 1, 1], &token).is_none());
    }
}
