//! Cubic convolution: Keys' kernel with a = -1/2, which is the spline of Catmull and Rom.

use super::{Sample, axis_neighbours, color_of, image_value, point};
use crate::model::{
    pixels::Frame,
    view::{Interpolation, SliceView},
};

/// Voxels along one axis and their weights; weights of 0 are those of voxels that are not needed.
type Taps = [(usize, f64); 4];

/// The weights of the four voxels around a place between the second and the third, `t` from 0 to below 1.
pub fn weights(t: f64) -> [f64; 4] {
    let u = 1.0 - t;
    [
        -0.5 * t * u * u,
        1.0 + t * t * (1.5 * t - 2.5),
        1.0 + u * u * (1.5 * u - 2.5),
        -0.5 * u * t * t,
    ]
}

/// The voxels along one axis; at the borders the outer voxel stands for those beyond. `None` outside the grid.
fn taps(position: i64, size: usize) -> Option<Taps> {
    let found = axis_neighbours(position, size)?;
    let last = size as i64 - 1;
    let clamped = |index: i64| index.clamp(0, last) as usize;
    let weights = match found.weight == 0.0 {
        // On a voxel the others have no weight, and need not be there.
        true => [0.0, 1.0, 0.0, 0.0],
        false => weights(found.weight),
    };
    Some(std::array::from_fn(|i| {
        (clamped(found.low + i as i64 - 1), weights[i])
    }))
}

/// Samples at a position. Linear where a voxel that is needed is padding, or its slice is not there.
pub(super) fn sample(view: &SliceView, frames: &[Option<Frame>], position: [i64; 3]) -> Sample {
    let Some(first) = frames.iter().flatten().next() else {
        return Sample::Missing;
    };
    let size = [first.columns, first.rows, frames.len()];
    let [Some(columns), Some(rows), Some(slices)] =
        std::array::from_fn(|i| taps(position[i], size[i]))
    else {
        return Sample::Outside;
    };
    cubic(view, frames, &columns, &rows, &slices)
        .unwrap_or_else(|| point(view, frames, position, Interpolation::Linear))
}

fn cubic(
    view: &SliceView,
    frames: &[Option<Frame>],
    columns: &Taps,
    rows: &Taps,
    slices: &Taps,
) -> Option<Sample> {
    let used = |taps: &Taps| {
        taps.iter()
            .copied()
            .filter(|(_, weight)| *weight != 0.0)
            .collect::<Vec<_>>()
    };
    let (columns, rows) = (used(columns), used(rows));
    let mut sums = [0.0; 3];
    for (k, wk) in used(slices) {
        let frame = frames.get(k)?.as_ref()?;
        for &(j, wj) in &rows {
            for &(i, wi) in &columns {
                let weight = wi * wj * wk;
                if view.samples == 3 {
                    let color = color_of(frame, i, j);
                    for (sum, value) in sums.iter_mut().zip(color) {
                        *sum += weight * value;
                    }
                } else {
                    sums[0] += weight * image_value(frame, &view.grey, i, j)?;
                }
            }
        }
    }
    Some(match view.samples {
        3 => Sample::Color(sums),
        _ => Sample::Value(sums[0]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_meets_voxels_and_keeps_straight_lines_and_parabolas() {
        for t in [0.0, 0.1, 0.25, 0.5, 0.75, 0.999] {
            let w = weights(t);
            let moment = |n: i32| {
                let places = [-1.0, 0.0, 1.0, 2.0f64];
                let terms = places.iter().zip(w).map(|(x, w)| x.powi(n) * w);
                terms.sum::<f64>()
            };
            assert!((moment(0) - 1.0).abs() < 1e-15, "{t}");
            assert!((moment(1) - t).abs() < 1e-15, "{t}");
            assert!((moment(2) - t * t).abs() < 1e-15, "{t}");
        }
        assert_eq!(weights(0.0), [0.0, 1.0, 0.0, 0.0]);
        // Keys 1981, a = -1/2, at a half: -1/16, 9/16, 9/16, -1/16.
        assert_eq!(weights(0.5), [-0.0625, 0.5625, 0.5625, -0.0625]);
    }
}
