//! Smoothing of a set's surface, by the majority around each voxel or by a Gaussian; distances in millimetres.
//! Opening and closing are in `margin`.

use super::bits::Bits;
use crate::task::CancelToken;
use rayon::prelude::*;

/// Each voxel becomes what most voxels of a box around it are: the median. The box reaches `radius` voxels to each side of
/// each axis; the edge of the picture goes on as it is there. `None` once cancelled.
pub fn median(bits: &Bits, radius: [usize; 3], cancel: &CancelToken) -> Option<Bits> {
    let size = bits.size();
    let Some([low, high]) = part_of(bits, radius) else {
        return Some(bits.clone());
    };
    let part = bits.cropped(low, high);
    let sums = summed(&part, radius, cancel)?;
    let all: usize = radius.iter().map(|r| 2 * r + 1).product();
    let half = all / 2;
    let smooth = Bits::where_is(&sums, part.size(), |&sum| sum as usize > half)?;
    Some(smooth.placed(low, size))
}

/// Box radius that reaches no further than so many millimetres.
pub fn box_radius(mm: f64, spacing: [f64; 3]) -> [usize; 3] {
    spacing.map(|step| match mm > 0.0 && step > 0.0 {
        true => (mm / step + 1e-9) as usize,
        false => 0,
    })
}

/// What is around the set as far as a filter reaches, both ends included.
fn part_of(bits: &Bits, reach: [usize; 3]) -> Option<[[usize; 3]; 2]> {
    let size = bits.size();
    let [low, high] = bits.bounds()?;
    Some([
        [0, 1, 2].map(|a| low[a].saturating_sub(reach[a])),
        [0, 1, 2].map(|a| high[a].saturating_add(reach[a]).min(size[a] - 1)),
    ])
}

/// How many voxels of the box around each voxel are in the set.
fn summed(bits: &Bits, radius: [usize; 3], cancel: &CancelToken) -> Option<Vec<u32>> {
    let size = bits.size();
    let mut values = vec![0u32; size.iter().product()];
    bits.stamp(1, &mut values);
    for (axis, &reach) in radius.iter().enumerate() {
        if cancel.is_cancelled() {
            return None;
        }
        each_line(&mut values, size, axis, 0, |line, out| {
            let last = line.len() - 1;
            let at = |i: isize| line[i.clamp(0, last as isize) as usize];
            let reach = reach as isize;
            let mut sum: u32 = (-reach..=reach).map(at).sum();
            for (i, out) in out.iter_mut().enumerate() {
                *out = sum;
                sum = sum + at(i as isize + reach + 1) - at(i as isize - reach);
            }
        });
    }
    Some(values)
}

/// Works on all lines along an axis, in parallel: from a line's values to its new ones.
fn each_line<T: Copy + Send + Sync>(
    values: &mut [T],
    size: [usize; 3],
    axis: usize,
    zero: T,
    work: impl Fn(&[T], &mut [T]) + Sync,
) {
    let [columns, rows, slices] = size;
    if values.is_empty() {
        return;
    }
    let slice = columns * rows;
    match axis {
        0 => values.par_chunks_mut(slice).for_each(|part| {
            let mut line = vec![zero; columns];
            for row in part.chunks_exact_mut(columns) {
                line.copy_from_slice(row);
                work(&line, row);
            }
        }),
        1 => values.par_chunks_mut(slice).for_each(|part| {
            let (mut line, mut out) = (vec![zero; rows], vec![zero; rows]);
            for x in 0..columns {
                let from = part.iter().skip(x).step_by(columns);
                line.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
                work(&line, &mut out);
                let to = part.iter_mut().skip(x).step_by(columns);
                to.zip(&out).for_each(|(to, from)| *to = *from);
            }
        }),
        _ => {
            let mut planes: Vec<Vec<&mut [T]>> = (0..rows).map(|_| Vec::new()).collect();
            for (index, row) in values.chunks_exact_mut(columns).enumerate() {
                if let Some(plane) = planes.get_mut(index % rows) {
                    plane.push(row);
                }
            }
            planes.par_iter_mut().for_each(|plane| {
                let (mut line, mut out) = (vec![zero; slices], vec![zero; slices]);
                for x in 0..columns {
                    for (to, row) in line.iter_mut().zip(plane.iter()) {
                        *to = row.get(x).copied().unwrap_or(zero);
                    }
                    work(&line, &mut out);
                    for (from, row) in out.iter().zip(plane.iter_mut()) {
                        if let Some(to) = row.get_mut(x) {
                            *to = *from;
                        }
                    }
                }
            });
        }
    }
}

/// Where the set, blurred with a Gaussian of so many millimetres (standard deviation), is more than one half. The edge of the
/// picture goes on as it is there. `None` once cancelled.
pub fn gaussian(
    bits: &Bits,
    sigma_mm: f64,
    spacing: [f64; 3],
    cancel: &CancelToken,
) -> Option<Bits> {
    let usable = spacing.iter().all(|s| s.is_finite() && *s > 0.0);
    if !usable || sigma_mm.is_nan() || sigma_mm <= 0.0 {
        return Some(bits.clone());
    }
    let size = bits.size();
    let kernels = [0, 1, 2].map(|axis| {
        let widest = size[axis].max(1) as f64;
        kernel((sigma_mm / spacing[axis]).min(widest))
    });
    let reach = [0, 1, 2].map(|axis| kernels[axis].len() - 1);
    let Some([low, high]) = part_of(bits, reach) else {
        return Some(bits.clone());
    };
    let part = bits.cropped(low, high);
    let mut values = vec![0.0f32; part.size().iter().product()];
    part.stamp(1.0, &mut values);
    for (axis, kernel) in kernels.iter().enumerate() {
        if cancel.is_cancelled() {
            return None;
        }
        blur_axis(&mut values, part.size(), axis, kernel);
    }
    // Rounding must not decide for what lies exactly on the surface.
    let smooth = Bits::where_is(&values, part.size(), |&v| v > 0.5 + 1e-5)?;
    Some(smooth.placed(low, size))
}

/// Half of a Gaussian from its middle on, four deviations long, that adds up to 1 with its mirror image.
fn kernel(sigma: f64) -> Vec<f32> {
    let reach = (4.0 * sigma + 0.5) as usize;
    let weight = |i: usize| (-0.5 * (i as f64 / sigma).powi(2)).exp();
    let sum: f64 = weight(0) + 2.0 * (1..=reach).map(weight).sum::<f64>();
    (0..=reach).map(|i| (weight(i) / sum) as f32).collect()
}

fn blur_axis(values: &mut [f32], size: [usize; 3], axis: usize, kernel: &[f32]) {
    if kernel.len() < 2 {
        return;
    }
    each_line(values, size, axis, 0.0, |line, out| {
        let last = line.len() - 1;
        for (i, out) in out.iter_mut().enumerate() {
            let mut sum = line[i] * kernel[0];
            for (k, weight) in kernel.iter().enumerate().skip(1) {
                sum += weight * (line[i.saturating_sub(k)] + line[(i + k).min(last)]);
            }
            *out = sum;
        }
    });
}

#[cfg(test)]
mod tests {
    use super::{super::noise::Noise, *};

    fn ball(size: [usize; 3], noise: f64) -> Bits {
        let mut random = Noise::new(11);
        let flips: Vec<bool> = (0..size.iter().product::<usize>())
            .map(|_| random.unit() < noise)
            .collect();
        Bits::from_fn(size, |[x, y, z]| {
            let d = |v: usize, c: f64| (v as f64 - c).powi(2);
            let inside = (d(x, 20.0) + d(y, 14.0) + d(z, 9.0)).sqrt() < 8.5;
            inside != flips[(z * size[1] + y) * size[0] + x]
        })
    }

    #[test]
    fn the_median_is_the_majority() {
        let size = [41, 28, 18];
        let bits = ball(size, 0.08);
        for radius in [[1, 1, 1], [2, 1, 0], [3, 2, 1]] {
            let found = median(&bits, radius, &CancelToken::default()).unwrap();
            for at @ [x, y, z] in Bits::full(size).ones() {
                let mut inside = 0;
                let mut all = 0;
                let reach = radius.map(|r| r as isize);
                for dz in -reach[2]..=reach[2] {
                    for dy in -reach[1]..=reach[1] {
                        for dx in -reach[0]..=reach[0] {
                            let near = |v: usize, d: isize, n: usize| {
                                (v as isize + d).clamp(0, n as isize - 1) as usize
                            };
                            let near = [near(x, dx, 41), near(y, dy, 28), near(z, dz, 18)];
                            inside += usize::from(bits.get(near));
                            all += 1;
                        }
                    }
                }
                assert_eq!(found.get(at), inside > all / 2, "{at:?} {radius:?}");
            }
        }
        assert_eq!(box_radius(1.6, [0.8, 0.9, 2.0]), [2, 1, 0]);
    }

    #[test]
    fn a_gaussian_takes_what_is_thin_and_keeps_what_is_large() {
        let size = [41, 28, 18];
        let token = CancelToken::default();
        let clean = ball(size, 0.0);
        let rough = ball(size, 0.05);
        let smooth = gaussian(&rough, 1.2, [1.0; 3], &token).unwrap();
        let union = {
            let mut all = smooth.clone();
            all.combine(crate::imaging::segment::Combine::Add, &clean);
            all.count()
        };
        let overlap = smooth.shared(&clean) as f64 / union as f64;
        assert!(overlap > 0.9, "{overlap}");
        // A straight surface stays where it is, at the edge of the picture, too.
        let half = Bits::from_fn(size, |[x, ..]| x < 20);
        assert_eq!(gaussian(&half, 2.0, [0.5, 1.0, 3.0], &token).unwrap(), half);
        let full = Bits::full(size);
        assert_eq!(gaussian(&full, 3.0, [1.0; 3], &token).unwrap(), full);
        assert_eq!(median(&full, [2; 3], &token).unwrap(), full);
    }
}
