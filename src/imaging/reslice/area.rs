//! Pictures with fewer pixels than voxels: each pixel is the mean of the voxels under it, weighted by area.
//!
//! Must stay true: where a pixel is not larger than a voxel along an axis, the weights along it are those of linear
//! interpolation, so that nothing jumps when a picture is enlarged.

use super::{ONE, PixelGrid, SNAP, Sample, color_of, image_value, nearest};
use crate::model::{
    pixels::Frame,
    view::{Interpolation, SliceView},
};

/// Voxels along an axis that one pixel covers at most.
const WIDEST: i64 = 256 * ONE;

/// How far a plane may lean from the axes of the grid, as a part of its main direction: about half a degree.
const LEANING: i64 = 128;

/// Half of the width of a pixel in voxels along each axis, when the picture is reduced and its plane follows the axes
/// of the grid; fixed-point numbers. A pixel is nowhere less wide than a voxel.
pub fn half_widths(view: &SliceView, grid: &PixelGrid) -> Option<[i64; 3]> {
    if !view.area || view.slab.is_some() || view.interpolation == Interpolation::Nearest {
        return None;
    }
    let [x, y] = [main_axis(&grid.step_x)?, main_axis(&grid.step_y)?];
    let widths = [
        grid.step_x[x].saturating_abs(),
        grid.step_y[y].saturating_abs(),
    ];
    if x == y || widths.iter().all(|w| *w <= ONE + SNAP) {
        return None;
    }
    let mut half = [ONE / 2; 3];
    half[x] = widths[0].clamp(ONE, WIDEST) / 2;
    half[y] = widths[1].clamp(ONE, WIDEST) / 2;
    Some(half)
}

/// The axis that a step follows, when it follows one.
fn main_axis(step: &[i64; 3]) -> Option<usize> {
    let main = (0..3).max_by_key(|&i| step[i].saturating_abs())?;
    let length = step[main].saturating_abs();
    let others = (0..3).filter(|&i| i != main);
    let straight = others
        .into_iter()
        .all(|i| step[i].saturating_abs() <= length / LEANING);
    (length > 0 && straight).then_some(main)
}

/// The voxels that a pixel covers along one axis, with the length of each that is covered.
fn covered(
    position: i64,
    half: i64,
    size: usize,
) -> Option<impl Iterator<Item = (usize, f64)> + Clone> {
    nearest(position, size)?;
    let end = size as i64 * ONE;
    let mut low = (position - half).max(0);
    let mut high = (position + half).min(end);
    // Less than 2^-16 of a voxel is none, as everywhere (see `SNAP`).
    if ONE - (low & (ONE - 1)) < SNAP {
        low = (low | (ONE - 1)) + 1;
    }
    if high & (ONE - 1) < SNAP {
        high &= !(ONE - 1);
    }
    let voxels = low / ONE..(high + ONE - 1) / ONE;
    Some(voxels.map(move |i| {
        let length = high.min((i + 1) * ONE) - low.max(i * ONE);
        (i as usize, length as f64 / ONE as f64)
    }))
}

/// The mean over a pixel. Padding is left out, and so is what lies beside the image.
pub(super) fn sample(
    view: &SliceView,
    frames: &[Option<Frame>],
    position: [i64; 3],
    half: [i64; 3],
) -> Sample {
    let Some(first) = frames.iter().flatten().next() else {
        return Sample::Missing;
    };
    let size = [first.columns, first.rows, frames.len()];
    let [Some(columns), Some(rows), Some(slices)] =
        std::array::from_fn(|i| covered(position[i], half[i], size[i]))
    else {
        return Sample::Outside;
    };
    let mut weights = 0.0;
    let mut sums = [0.0; 3];
    for (k, wk) in slices {
        let Some(Some(frame)) = frames.get(k) else {
            return Sample::Missing;
        };
        for (j, wj) in rows.clone() {
            for (i, wi) in columns.clone() {
                let weight = wi * wj * wk;
                if view.samples == 3 {
                    let color = color_of(frame, i, j);
                    for (sum, value) in sums.iter_mut().zip(color) {
                        *sum += weight * value;
                    }
                    weights += weight;
                } else if let Some(value) = image_value(frame, &view.grey, i, j) {
                    sums[0] += weight * value;
                    weights += weight;
                }
            }
        }
    }
    match (weights > 0.0, view.samples) {
        (false, _) => Sample::Padding,
        (true, 3) => Sample::Color(sums.map(|sum| sum / weights)),
        (true, _) => Sample::Value(sums[0] / weights),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(position: f64, half: f64, size: usize) -> Vec<(usize, f64)> {
        let fixed = |v: f64| (v * ONE as f64).round() as i64;
        covered(fixed(position), fixed(half), size).map_or(vec![], Iterator::collect)
    }

    #[test]
    fn a_pixel_covers_the_voxels_under_it() {
        // Positions are indices plus a half: voxel i lies from i to i + 1.
        assert_eq!(lengths(1.0, 1.0, 4), [(0, 1.0), (1, 1.0)]);
        assert_eq!(lengths(1.25, 1.0, 4), [(0, 0.75), (1, 1.0), (2, 0.25)]);
        // Cut at the border.
        assert_eq!(lengths(0.5, 1.5, 4), [(0, 1.0), (1, 1.0)]);
        assert_eq!(lengths(3.75, 1.0, 4), [(2, 0.25), (3, 1.0)]);
        // One voxel wide: the weights of linear interpolation, and at the border the outer voxel alone.
        assert_eq!(lengths(1.75, 0.5, 4), [(1, 0.75), (2, 0.25)]);
        assert_eq!(lengths(0.25, 0.5, 4), [(0, 0.75)]);
        assert_eq!(
            lengths(1.5 + 1e-6, 0.5, 4),
            [(1, 1.0 - 1e-6)]
                .map(|(i, w): (usize, f64)| (i, (w * ONE as f64).round() / ONE as f64))
        );
        assert_eq!(lengths(-0.1, 2.0, 4), []);
        assert_eq!(lengths(4.1, 2.0, 4), []);
    }

    #[test]
    fn only_planes_along_the_axes_have_pixels_with_an_area() {
        let check = |x: [f64; 3], y: [f64; 3], expected: Option<[f64; 3]>| {
            let fixed = |v: f64| (v * ONE as f64).round() as i64;
            let (x, y) = (x.map(fixed), y.map(fixed));
            let found = [main_axis(&x), main_axis(&y)];
            let widths = match found {
                [Some(a), Some(b)] if a != b => {
                    let mut half = [0.5; 3];
                    half[a] = (x[a].abs().max(ONE) / 2) as f64 / ONE as f64;
                    half[b] = (y[b].abs().max(ONE) / 2) as f64 / ONE as f64;
                    Some(half)
                }
                _ => None,
            };
            assert_eq!(widths, expected);
        };
        check([3.0, 0.0, 0.0], [0.0, 2.0, 0.0], Some([1.5, 1.0, 0.5]));
        check([0.0, -3.0, 0.0], [0.0, 0.0, 0.5], Some([0.5, 1.5, 0.5]));
        check([3.0, 0.01, 0.0], [0.0, 2.0, 0.0], Some([1.5, 1.0, 0.5]));
        check([3.0, 0.3, 0.0], [0.0, 2.0, 0.0], None);
        check([3.0, 0.0, 0.0], [2.0, 0.0, 0.0], None);
        check([0.0; 3], [0.0, 2.0, 0.0], None);
    }
}
