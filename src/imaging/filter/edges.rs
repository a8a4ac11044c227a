//! Differences of neighbours. One that has no value is taken as equal to the middle.

use super::{FilterPlane, reflected};
use crate::task::CancelToken;

/// The three by three values around a place, rows top to bottom.
fn around(plane: &FilterPlane, column: usize, row: usize, middle: f64) -> [[f64; 3]; 3] {
    std::array::from_fn(|y| {
        std::array::from_fn(|x| {
            let column = reflected(column as isize + x as isize - 1, plane.columns);
            let row = reflected(row as isize + y as isize - 1, plane.rows);
            let value = plane.at(column, row);
            if value.is_nan() { middle } else { value }
        })
    })
}

/// `skimage.filters.laplace(image, ksize=3)`: four times the middle less its four neighbours.
pub(super) fn laplacian(plane: &FilterPlane, cancel: &CancelToken) -> Option<FilterPlane> {
    plane.mapped(cancel, |column, row, value| {
        let [[_, top, _], [left, _, right], [_, bottom, _]] = around(plane, column, row, value);
        4.0 * value - top - left - right - bottom
    })
}

/// `skimage.filters.sobel(image, mode="reflect")`: the root of the mean of the squared differences
/// along both axes, each over two pixels and averaged with the weights 1, 2, 1.
pub(super) fn sobel(plane: &FilterPlane, cancel: &CancelToken) -> Option<FilterPlane> {
    plane.mapped(cancel, |column, row, value| {
        let [[a, b, c], [d, _, e], [f, g, h]] = around(plane, column, row, value);
        let across = (c + 2.0 * e + h - a - 2.0 * d - f) / 4.0;
        let down = (f + 2.0 * g + h - a - 2.0 * b - c) / 4.0;
        ((across * across + down * down) / 2.0).sqrt()
    })
}
