//! Order within a window: median, lowest, highest, and what is built of them.

use super::{FilterPlane, reflected};
use crate::task::CancelToken;

/// Offsets (column, row) of `skimage.morphology.disk(radius)`: all within the radius.
pub fn disk(radius: usize) -> Vec<[isize; 2]> {
    let reach = radius as isize;
    let within = |x: isize, y: isize| x * x + y * y <= reach * reach;
    (-reach..=reach)
        .flat_map(|y| (-reach..=reach).map(move |x| [x, y]))
        .filter(|&[x, y]| within(x, y))
        .collect()
}

fn neighbours<'a>(
    plane: &'a FilterPlane,
    offsets: &'a [[isize; 2]],
    column: usize,
    row: usize,
) -> impl Iterator<Item = f64> + 'a {
    offsets
        .iter()
        .map(move |[x, y]| {
            let column = reflected(column as isize + x, plane.columns);
            plane.at(column, reflected(row as isize + y, plane.rows))
        })
        .filter(|v| !v.is_nan())
}

/// `skimage.filters.median(image, footprint=ones((2 radius + 1, 2 radius + 1)), mode="reflect")`. Of an even number
/// of values (beside padding) the upper of the two middle ones.
pub(super) fn median(
    plane: &FilterPlane,
    radius: usize,
    cancel: &CancelToken,
) -> Option<FilterPlane> {
    let reach = radius as isize;
    let square: Vec<_> = (-reach..=reach)
        .flat_map(|y| (-reach..=reach).map(move |x| [x, y]))
        .collect();
    plane.mapped(cancel, |column, row, value| {
        let mut found: Vec<f64> = neighbours(plane, &square, column, row).collect();
        let middle = found.len() / 2;
        if middle >= found.len() {
            return value;
        }
        *found.select_nth_unstable_by(middle, f64::total_cmp).1
    })
}

/// `skimage.morphology.erosion(image, disk(radius), mode="reflect")`.
pub(super) fn erode(
    plane: &FilterPlane,
    radius: usize,
    cancel: &CancelToken,
) -> Option<FilterPlane> {
    let offsets = disk(radius);
    plane.mapped(cancel, |column, row, value| {
        neighbours(plane, &offsets, column, row).fold(value, f64::min)
    })
}

/// `skimage.morphology.dilation(image, disk(radius), mode="reflect")`.
pub(super) fn dilate(
    plane: &FilterPlane,
    radius: usize,
    cancel: &CancelToken,
) -> Option<FilterPlane> {
    let offsets = disk(radius);
    plane.mapped(cancel, |column, row, value| {
        neighbours(plane, &offsets, column, row).fold(value, f64::max)
    })
}

/// `skimage.morphology.opening(image, disk(radius), mode="reflect")`.
pub(super) fn open(
    plane: &FilterPlane,
    radius: usize,
    cancel: &CancelToken,
) -> Option<FilterPlane> {
    dilate(&erode(plane, radius, cancel)?, radius, cancel)
}

/// `skimage.morphology.closing(image, disk(radius), mode="reflect")`.
pub(super) fn close(
    plane: &FilterPlane,
    radius: usize,
    cancel: &CancelToken,
) -> Option<FilterPlane> {
    erode(&dilate(plane, radius, cancel)?, radius, cancel)
}

/// `skimage.morphology.white_tophat(image, disk(radius), mode="reflect")`.
pub(super) fn top_hat(
    plane: &FilterPlane,
    radius: usize,
    cancel: &CancelToken,
) -> Option<FilterPlane> {
    let opened = open(plane, radius, cancel)?;
    plane.mapped(cancel, |column, row, value| value - opened.at(column, row))
}
