//! Filling between slices that were drawn: shapes are interpolated by their signed distances (Raya and Udupa 1990).
//!
//! Between two neighbouring slices that are drawn, distances change linearly; a pixel is in where the distance is not above
//! 0. Shapes that share no pixel are moved onto each other first, centre on centre, and back by as much as lies between;
//! otherwise nothing would be left half-way.

use super::{bits::Bits, distance};
use crate::task::CancelToken;
use rayon::prelude::*;

/// The set with what lies between its slices across an axis (2: rows and columns). Slices that hold voxels of it stay as they
/// are; empty ones between two of them are filled. `None` once cancelled.
pub fn filled_between(
    bits: &Bits,
    axis: usize,
    spacing: [f64; 3],
    cancel: &CancelToken,
) -> Option<Bits> {
    if axis > 2 {
        return Some(bits.clone());
    }
    let keys = drawn(bits, axis);
    let mut out = bits.clone();
    for pair in keys.windows(2) {
        let &[first, last] = pair else { continue };
        if last - first < 2 {
            continue;
        }
        if cancel.is_cancelled() {
            return None;
        }
        let (a, b) = (Shape::of(bits, axis, first), Shape::of(bits, axis, last));
        let made = blended(&a, &b, last - first, axis, spacing, cancel)?;
        for (index, flat) in (first + 1..last).zip(made) {
            let mut at = [0; 3];
            at[axis] = index;
            for (y, z, run) in flat.runs() {
                out.set_run(y + at[1], z + at[2], run.start + at[0]..run.end + at[0]);
            }
        }
    }
    Some(out)
}

/// Slices across an axis that hold voxels, in their order.
pub fn drawn(bits: &Bits, axis: usize) -> Vec<usize> {
    let size = bits.size();
    let mut any = vec![false; size.get(axis).copied().unwrap_or(0)];
    for (y, z, run) in bits.runs() {
        match axis {
            0 => any
                .get_mut(run)
                .unwrap_or_default()
                .iter_mut()
                .for_each(|slot| *slot = true),
            _ => {
                let at = if axis == 1 { y } else { z };
                if let Some(slot) = any.get_mut(at) {
                    *slot = true;
                }
            }
        }
    }
    (0..any.len()).filter(|&i| any[i]).collect()
}

/// A slice of a set, one voxel thick.
struct Shape {
    flat: Bits,
    /// Mean of the voxels' indices.
    centre: [f64; 3],
}

impl Shape {
    fn of(bits: &Bits, axis: usize, index: usize) -> Self {
        let (mut low, mut high) = ([0; 3], bits.size().map(|side| side.saturating_sub(1)));
        (low[axis], high[axis]) = (index, index);
        let flat = bits.cropped(low, high);
        let count = flat.count().max(1) as f64;
        let mut centre = [0.0; 3];
        for at in flat.ones() {
            for axis in 0..3 {
                centre[axis] += at[axis] as f64 / count;
            }
        }
        Self { flat, centre }
    }

    /// Moved by whole voxels; what leaves the slice is lost.
    fn moved(&self, by: [isize; 3]) -> Bits {
        let size = self.flat.size();
        let mut out = Bits::new(size);
        for (y, z, run) in self.flat.runs() {
            let to = |at: usize, axis: usize| at.checked_add_signed(by[axis]);
            let start = run.start.saturating_add_signed(by[0]);
            let end = run.end.saturating_add_signed(by[0]);
            if let (Some(y), Some(z)) = (to(y, 1), to(z, 2)) {
                out.set_run(y, z, start..end);
            }
        }
        out
    }
}

/// The slices strictly between two shapes that lie `steps` apart.
fn blended(
    a: &Shape,
    b: &Shape,
    steps: usize,
    axis: usize,
    spacing: [f64; 3],
    cancel: &CancelToken,
) -> Option<Vec<Bits>> {
    let size = a.flat.size();
    let apart = [0, 1, 2].map(|i| b.centre[i] - a.centre[i]);
    let moving = a.flat.shared(&b.flat) == 0;
    if !moving {
        let (from, to) = (field(&a.flat, spacing), field(&b.flat, spacing));
        return parts(steps, cancel, |share| {
            let mixed = from.iter().zip(&to).map(|(f, t)| f + (t - f) * share);
            let inside: Vec<bool> = mixed.map(|d| d <= 1e-9).collect();
            Bits::from_bools(&inside, size)
        });
    }
    parts(steps, cancel, |share| {
        // Each is moved to where the centre is at this share of the way.
        let steps = |part: f64| {
            let mut by = apart.map(|whole| (whole * part).round() as isize);
            by[axis] = 0;
            by
        };
        let from = field(&a.moved(steps(share)), spacing);
        let to = field(&b.moved(steps(share - 1.0)), spacing);
        let mixed = from.iter().zip(&to).map(|(f, t)| f + (t - f) * share);
        let inside: Vec<bool> = mixed.map(|d| d <= 1e-9).collect();
        Bits::from_bools(&inside, size)
    })
}

fn parts(
    steps: usize,
    cancel: &CancelToken,
    make: impl Fn(f64) -> Option<Bits> + Sync,
) -> Option<Vec<Bits>> {
    (1..steps)
        .into_par_iter()
        .map(|step| match cancel.is_cancelled() {
            true => None,
            false => make(step as f64 / steps as f64),
        })
        .collect()
}

/// Signed distance of a slice; finite also where the shape fills it.
fn field(flat: &Bits, spacing: [f64; 3]) -> Vec<f64> {
    let mut field = distance::signed(flat, spacing);
    let size = flat.size();
    let far: f64 = (0..3).map(|i| size[i] as f64 * spacing[i]).sum();
    field.iter_mut().for_each(|d| *d = d.clamp(-far, far));
    field
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disc(size: [usize; 3], z: usize, centre: [f64; 2], radius: f64) -> Bits {
        Bits::from_fn(size, |at| {
            let d = (at[0] as f64 - centre[0]).hypot(at[1] as f64 - centre[1]);
            at[2] == z && d <= radius
        })
    }

    fn joined(parts: &[Bits]) -> Bits {
        let mut all = parts[0].clone();
        for part in &parts[1..] {
            all.combine(crate::imaging::segment::Combine::Add, part);
        }
        all
    }

    #[test]
    fn discs_become_a_cone() {
        let size = [64, 64, 21];
        let token = CancelToken::default();
        let drawn_slices = [
            disc(size, 0, [32.0, 32.0], 20.0),
            disc(size, 10, [32.0, 32.0], 10.0),
            disc(size, 20, [32.0, 32.0], 25.0),
        ];
        let keys = joined(&drawn_slices);
        let found = filled_between(&keys, 2, [1.0, 1.0, 3.0], &token).unwrap();
        assert_eq!(drawn(&found, 2), (0..21).collect::<Vec<_>>());
        for z in 0..21 {
            let radius = match z {
                0..=10 => 20.0 - z as f64,
                _ => 10.0 + 1.5 * (z - 10) as f64,
            };
            let expected = disc(size, z, [32.0, 32.0], radius);
            let layer = found.cropped([0, 0, z], [63, 63, z]);
            let wanted = expected.cropped([0, 0, z], [63, 63, z]);
            let shared = layer.shared(&wanted) as f64;
            let union = layer.count() as f64 + wanted.count() as f64 - shared;
            assert!(shared / union > 0.93, "{z}: {}", shared / union);
        }
        for part in &drawn_slices {
            assert_eq!(found.shared(part), part.count());
        }
        // Slices that are drawn stay as they are.
        for z in [0, 10, 20] {
            let (a, b) = ([0, 0, z], [63, 63, z]);
            assert_eq!(found.cropped(a, b), keys.cropped(a, b));
        }
    }

    #[test]
    fn shapes_that_lie_apart_are_carried_over() {
        let size = [90, 40, 9];
        let token = CancelToken::default();
        let keys = joined(&[
            disc(size, 0, [15.0, 20.0], 8.0),
            disc(size, 8, [71.0, 20.0], 8.0),
        ]);
        let found = filled_between(&keys, 2, [1.0; 3], &token).unwrap();
        for z in 1..8 {
            let expected = disc(size, z, [15.0 + 7.0 * z as f64, 20.0], 8.0);
            let (a, b) = ([0, 0, z], [89, 39, z]);
            assert_eq!(found.cropped(a, b), expected.cropped(a, b), "{z}");
        }
    }

    #[test]
    fn any_axis_will_do() {
        let size = [11, 30, 30];
        let token = CancelToken::default();
        let at = |x: usize| {
            Bits::from_fn(size, |[i, y, z]| {
                i == x && (10..20).contains(&y) && (5..25).contains(&z)
            })
        };
        let keys = joined(&[at(2), at(9)]);
        let found = filled_between(&keys, 0, [1.0; 3], &token).unwrap();
        assert_eq!(found, joined(&(2..=9).map(at).collect::<Vec<_>>()));
        // Along the other axes all slices that lie between are drawn already.
        assert_eq!(filled_between(&keys, 2, [1.0; 3], &token).unwrap(), keys);
    }
}
