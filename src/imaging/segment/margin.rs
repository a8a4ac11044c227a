//! Margins in millimetres, exact on grids whose steps differ: growing, shrinking, opening, closing, shells.
//!
//! A voxel belongs to the grown set when the centre of a voxel of the set lies no further away than the margin; it stays in the
//! shrunk set when every voxel outside of the set lies further away. Beyond the grid there is nothing: a set is not shrunk
//! from the edge of the picture. These are the level sets of the exact Euclidean distance, found without the distance: rows
//! are put together 64 voxels at a time.

use super::bits::{Bits, Combine, WORD};
use crate::task::CancelToken;

/// Rounding of the sums of squares that still counts as on the rim, relative to the square of the margin.
const RIM: f64 = 1e-9;

/// Offsets of rows within a margin that go equally far along the row.
struct Reach {
    /// Voxels to each side.
    half: usize,
    /// Steps across rows and slices.
    steps: Vec<[isize; 2]>,
}

/// Rows within a margin, the furthest-reaching first.
fn reaches(radius_mm: f64, spacing: [f64; 3], size: [usize; 3]) -> Vec<Reach> {
    let within = radius_mm * radius_mm * (1.0 + RIM);
    // No further than the grid is wide, which also bounds the work of absurd margins.
    let most = |axis: usize| (radius_mm / spacing[axis] + 1.0).min(size[axis] as f64) as isize;
    let mut found: Vec<Reach> = Vec::new();
    for z in -most(2)..=most(2) {
        for y in -most(1)..=most(1) {
            let square = |steps: isize, axis: usize| (steps as f64 * spacing[axis]).powi(2);
            let left = square(y, 1) + square(z, 2);
            if left > within {
                continue;
            }
            let mut half = (((within - left).sqrt() / spacing[0]) as isize).min(most(0));
            // What the square root rounded away.
            while square(half + 1, 0) + left <= within && half < most(0) {
                half += 1;
            }
            while half > 0 && square(half, 0) + left > within {
                half -= 1;
            }
            let half = half as usize;
            match found.iter_mut().find(|r| r.half == half) {
                Some(reach) => reach.steps.push([y, z]),
                None => found.push(Reach {
                    half,
                    steps: vec![[y, z]],
                }),
            }
        }
    }
    found.sort_by_key(|reach| std::cmp::Reverse(reach.half));
    found
}

/// The voxels no further than so many millimetres from the set. `None` once cancelled; the set itself for a margin that is
/// not above 0, and where the spacing is none.
pub fn grown(bits: &Bits, radius_mm: f64, spacing: [f64; 3], cancel: &CancelToken) -> Option<Bits> {
    let usable = spacing.iter().all(|s| s.is_finite() && *s > 0.0);
    if !usable || radius_mm.is_nan() || radius_mm <= 0.0 {
        return Some(bits.clone());
    }
    let Some([low, high]) = bits.bounds() else {
        return Some(bits.clone());
    };
    let size = bits.size();
    let reaches = reaches(radius_mm, spacing, size);
    // Only what is not wholly surrounded can reach further than its neighbours.
    let rim = rim_of(bits);
    let any: Vec<bool> = rim
        .words()
        .chunks_exact(rim.stride().max(1))
        .map(|row| row.iter().any(|&word| word != 0))
        .collect();
    let far = |axis: usize| (radius_mm / spacing[axis] + 1.0).min(size[axis] as f64) as usize;
    let near = |axis: usize, at: usize| {
        at + far(axis) >= low[axis] && at <= high[axis].saturating_add(far(axis))
    };
    let mut out = Bits::new(size);
    out.each_row_mut(|y, z, row| {
        if !near(1, y) || !near(2, z) || cancel.is_cancelled() {
            return;
        }
        let mut spare = vec![0u64; row.len()];
        for (index, reach) in reaches.iter().enumerate() {
            for [dy, dz] in &reach.steps {
                let at = y.checked_add_signed(*dy).zip(z.checked_add_signed(*dz));
                let Some((y, z)) = at else { continue };
                let Some(number) = rim.row_index(y, z) else {
                    continue;
                };
                if any.get(number) == Some(&true) {
                    let from = rim.row(y, z);
                    row.iter_mut().zip(from).for_each(|(word, f)| *word |= f);
                }
            }
            // Widened as far as these rows reach beyond the next ones, which join then.
            let next = reaches.get(index + 1).map_or(0, |r| r.half);
            widen(row, reach.half - next, &mut spare);
        }
        let own = bits.row(y, z);
        row.iter_mut().zip(own).for_each(|(word, own)| *word |= own);
    });
    (!cancel.is_cancelled()).then_some(out)
}

/// The voxels of the set that lie further than so many millimetres from everything that is not in it. `None` once cancelled.
pub fn shrunk(
    bits: &Bits,
    radius_mm: f64,
    spacing: [f64; 3],
    cancel: &CancelToken,
) -> Option<Bits> {
    let mut rest = bits.clone();
    rest.invert();
    let Some([low, high]) = bits.bounds() else {
        return Some(rest_of(rest));
    };
    // Only what lies about the set can eat into it.
    let size = bits.size();
    let low = low.map(|at| at.saturating_sub(1));
    let high = [0, 1, 2].map(|axis| (high[axis] + 1).min(size[axis] - 1));
    let mut part = grown(&rest.cropped(low, high), radius_mm, spacing, cancel)?;
    part.invert();
    Some(part.placed(low, size))
}

fn rest_of(mut rest: Bits) -> Bits {
    rest.invert();
    rest
}

/// The set with a margin: grown for millimetres above 0, shrunk for those below.
pub fn margin(bits: &Bits, mm: f64, spacing: [f64; 3], cancel: &CancelToken) -> Option<Bits> {
    match mm < 0.0 {
        true => shrunk(bits, -mm, spacing, cancel),
        false => grown(bits, mm, spacing, cancel),
    }
}

/// Shrunk and grown again: what is thinner than twice the radius is lost.
pub fn opened(bits: &Bits, mm: f64, spacing: [f64; 3], cancel: &CancelToken) -> Option<Bits> {
    grown(&shrunk(bits, mm, spacing, cancel)?, mm, spacing, cancel)
}

/// Grown and shrunk again: gaps narrower than twice the radius are closed, also at the edge of the picture.
pub fn closed(bits: &Bits, mm: f64, spacing: [f64; 3], cancel: &CancelToken) -> Option<Bits> {
    let mut out = shrunk(&grown(bits, mm, spacing, cancel)?, mm, spacing, cancel)?;
    out.combine(Combine::Add, bits);
    Some(out)
}

/// Where a shell lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shell {
    /// Within the set: its rim stays, its middle is taken out.
    Inside,
    /// Around the set, which is taken out.
    Outside,
    /// Half to each side of the surface.
    Middle,
}

/// A shell of so many millimetres in place of the set.
pub fn hollow(
    bits: &Bits,
    mm: f64,
    shell: Shell,
    spacing: [f64; 3],
    cancel: &CancelToken,
) -> Option<Bits> {
    let (outer, inner) = match shell {
        Shell::Inside => (bits.clone(), shrunk(bits, mm, spacing, cancel)?),
        Shell::Outside => (grown(bits, mm, spacing, cancel)?, bits.clone()),
        Shell::Middle => (
            grown(bits, mm / 2.0, spacing, cancel)?,
            shrunk(bits, mm / 2.0, spacing, cancel)?,
        ),
    };
    let mut out = outer;
    out.combine(Combine::Subtract, &inner);
    Some(out)
}

/// The voxels of a set that have a face at something that is not in it (the edge of the grid does not count).
pub fn rim_of(bits: &Bits) -> Bits {
    let mut rim = Bits::new(bits.size());
    let last = bits.last_mask();
    rim.each_row_mut(|y, z, row| {
        let own = bits.row(y, z);
        if own.iter().all(|&word| word == 0) {
            return;
        }
        let beside = |dy: isize, dz: isize| {
            let at = y.checked_add_signed(dy).zip(z.checked_add_signed(dz));
            at.map(|(y, z)| bits.row(y, z)).filter(|r| !r.is_empty())
        };
        let around = [beside(-1, 0), beside(1, 0), beside(0, -1), beside(0, 1)];
        let end = row.len() - 1;
        for (index, word) in row.iter_mut().enumerate() {
            let at = |i: usize| own.get(i).copied().unwrap_or(0);
            let this = at(index);
            // Beyond the first and last column as in it, so that the edge is no rim.
            let left = this << 1
                | if index == 0 {
                    this & 1
                } else {
                    at(index - 1) >> 63
                };
            let edge = if index == end {
                last ^ (last >> 1)
            } else {
                1 << 63
            };
            let after = if index == end {
                this & edge
            } else {
                (at(index + 1) & 1) << 63
            };
            let right = (this >> 1) | after;
            let mut inner = left & right;
            for row in around.into_iter().flatten() {
                inner &= row.get(index).copied().unwrap_or(0);
            }
            *word = this & !inner;
        }
    });
    rim
}

/// Ones spread so many places to each side.
fn widen(row: &mut [u64], mut steps: usize, spare: &mut [u64]) {
    if row.iter().all(|&word| word == 0) {
        return;
    }
    // After widening by n, another n needs one shift by n: the gap between the shifted ones is filled.
    let mut reached = 0usize;
    while steps > 0 {
        let shift = steps.min(2 * reached + 1).min(WORD - 1);
        spare.copy_from_slice(row);
        let count = row.len();
        for (index, word) in row.iter_mut().enumerate() {
            let at = |i: usize| spare.get(i).copied().unwrap_or(0);
            let before = if index == 0 { 0 } else { at(index - 1) };
            let after = if index + 1 == count { 0 } else { at(index + 1) };
            *word |= at(index) << shift | before >> (WORD - shift);
            *word |= at(index) >> shift | after << (WORD - shift);
        }
        reached += shift;
        steps -= shift;
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{distance::squared, noise::Noise},
        *,
    };

    fn random(size: [usize; 3], share: f64, seed: u64) -> Bits {
        let mut noise = Noise::new(seed);
        let count: usize = size.iter().product();
        let mask: Vec<bool> = (0..count).map(|_| noise.unit() < share).collect();
        Bits::from_bools(&mask, size).unwrap()
    }

    #[test]
    fn margins_are_levels_of_the_exact_distance() {
        let token = CancelToken::default();
        for (size, share) in [
            ([150, 12, 9], 0.004),
            ([70, 20, 7], 0.9),
            ([40, 9, 1], 0.02),
        ] {
            let bits = random(size, share, 77);
            for spacing in [[0.78125, 0.78125, 1.0], [0.7, 0.9, 2.5], [1.0; 3]] {
                let outside = squared(&bits, spacing);
                let mut rest = bits.clone();
                rest.invert();
                let inside = squared(&rest, spacing);
                // Radii on the lattice among them: 5 is 3, 4 of ones and 0.78125 × 3.
                for mm in [0.1, 1.0, 2.34375, 2.5, 5.0, 7.3, 400.0] {
                    let rim = mm * mm * (1.0 + 1e-9);
                    let grew = Bits::where_is(&outside, size, |d| *d <= rim).unwrap();
                    assert_eq!(grown(&bits, mm, spacing, &token).unwrap(), grew, "{mm}");
                    let shrank = Bits::where_is(&inside, size, |d| *d > rim).unwrap();
                    assert_eq!(margin(&bits, -mm, spacing, &token).unwrap(), shrank, "{mm}");
                }
                assert_eq!(margin(&bits, 0.0, spacing, &token).unwrap(), bits);
            }
        }
    }

    #[test]
    fn opening_and_closing_are_what_they_are_called() {
        let token = CancelToken::default();
        let spacing = [0.8, 0.8, 1.6];
        let bits = random([70, 40, 12], 0.2, 5);
        let open = opened(&bits, 0.9, spacing, &token).unwrap();
        let close = closed(&bits, 0.9, spacing, &token).unwrap();
        // Within, around, and doing it again changes nothing.
        assert_eq!(open.shared(&bits), open.count());
        assert_eq!(close.shared(&bits), bits.count());
        assert_eq!(opened(&open, 0.9, spacing, &token).unwrap(), open);
        assert_eq!(closed(&close, 0.9, spacing, &token).unwrap(), close);
    }

    #[test]
    fn shells_lie_about_the_surface() {
        let token = CancelToken::default();
        let size = [60, 60, 30];
        let spacing = [1.0, 1.0, 2.0];
        let radius = |[x, y, z]: [usize; 3]| {
            let d = |v: usize, c: f64, s: f64| ((v as f64 - c) * s).powi(2);
            (d(x, 30.0, 1.0) + d(y, 30.0, 1.0) + d(z, 15.0, 2.0)).sqrt()
        };
        let ball = Bits::from_fn(size, |at| radius(at) <= 18.0);
        let shell = |kind| hollow(&ball, 4.0, kind, spacing, &token).unwrap();
        let inside = shell(Shell::Inside);
        assert_eq!(inside.shared(&ball), inside.count());
        assert!(!inside.get([30, 30, 15]) && inside.get([12, 30, 15]));
        let outside = shell(Shell::Outside);
        assert_eq!(outside.shared(&ball), 0);
        assert!(outside.get([52, 30, 15]) && !outside.get([53, 30, 15]));
        let middle = shell(Shell::Middle);
        assert!(middle.get([50, 30, 15]) && !middle.get([51, 30, 15]));
        assert!(middle.get([47, 30, 15]) && !middle.get([45, 30, 15]));
    }

    #[test]
    fn rims_have_a_face_outside() {
        let bits = random([129, 8, 5], 0.8, 3);
        let rim = rim_of(&bits);
        let size = bits.size();
        for at in Bits::full(size).ones() {
            let exposed = (0..3).any(|axis| {
                [-1isize, 1].iter().any(|step| {
                    let mut next = at;
                    next[axis] = at[axis].wrapping_add_signed(*step);
                    next[axis] < size[axis] && !bits.get(next)
                })
            });
            assert_eq!(rim.get(at), bits.get(at) && exposed, "{at:?}");
        }
    }
}
