//! The f64 twin of the slice pass: which voxels a viewport pixel shows, and what becomes of them.
//!
//! Positions are fixed-point numbers with 32 fractional bits on both sides, so that twin and shader choose the very
//! same voxels, without a tie that rounding could decide either way. Rounding the mapping to 2^-32 voxel per pixel
//! shifts the far corner of a picture of 16384 pixels by less than 10^-5 voxel.

use super::{
    statistics::is_image,
    window::{code_value, color_white, modality_value, shown_value},
};
use crate::model::{
    pixels::Frame,
    view::{GreyPipeline, Interpolation, SliceView},
};
use glam::DAffine3;
use rayon::prelude::*;

pub mod area;
pub mod cubic;
pub mod slab;

/// Fractional bits of a position.
pub const FRACTION_BITS: u32 = 32;

/// One, as a position.
const ONE: i64 = 1 << FRACTION_BITS;

/// A neighbour with less weight than this along an axis does not count: rounding of geometry attributes must not
/// make a slice wait for the next one.
const SNAP: i64 = ONE >> 16;

/// Largest step per pixel, and largest start, in voxels: their sums over 2^15 pixels stay within 64 bits.
const STEP_LIMIT: f64 = 16384.0;
const START_LIMIT: f64 = 536_870_912.0;

/// Maps pixels to positions: `start + x * step_x + y * step_y`, each an integer count of 2^-32 voxel.
/// Positions are voxel indices plus one half, so that their whole part is the index of the nearest voxel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PixelGrid {
    /// Position of pixel (0, 0).
    pub start: [i64; 3],
    /// Step from one pixel to the next on its right.
    pub step_x: [i64; 3],
    /// Step from one pixel to the one below.
    pub step_y: [i64; 3],
}

impl PixelGrid {
    /// The grid of a mapping from viewport points (pixel centres at half-integers) to voxel indices.
    pub fn of(voxel_from_viewport: &DAffine3) -> Self {
        let matrix = voxel_from_viewport.matrix3;
        let first = voxel_from_viewport.transform_point3(glam::DVec3::new(0.5, 0.5, 0.0)) + 0.5;
        // The casts saturate, and what is no number becomes 0.
        let fixed = |v: f64, limit: f64| (v.clamp(-limit, limit) * ONE as f64).round() as i64;
        Self {
            start: first.to_array().map(|v| fixed(v, START_LIMIT)),
            step_x: matrix.x_axis.to_array().map(|v| fixed(v, STEP_LIMIT)),
            step_y: matrix.y_axis.to_array().map(|v| fixed(v, STEP_LIMIT)),
        }
    }

    /// Position of a pixel.
    pub fn at(&self, x: u32, y: u32) -> [i64; 3] {
        let (x, y) = (i64::from(x), i64::from(y));
        std::array::from_fn(|i| self.start[i] + self.step_x[i] * x + self.step_y[i] * y)
    }
}

/// The two voxels around a position along one axis, and the weight of the upper one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbours {
    /// Index of the lower voxel.
    pub low: usize,
    /// Index of the upper voxel; the same as `low` at the borders and on a voxel.
    pub high: usize,
    /// Weight of `high`, 0 to below 1, an exact multiple of 2^-32.
    pub weight: f64,
}

/// The nearest voxel of a position; `None` outside the grid.
pub fn nearest(position: i64, size: usize) -> Option<usize> {
    let index = usize::try_from(position >> FRACTION_BITS).ok()?;
    (index < size).then_some(index)
}

/// The voxel below a position along one axis, -1 before the first, and the weight of the one above it.
struct AxisNeighbours {
    low: i64,
    weight: f64,
}

/// The neighbours of a position along one axis, before they are kept inside the grid; `None` outside of it.
fn axis_neighbours(position: i64, size: usize) -> Option<AxisNeighbours> {
    nearest(position, size)?;
    let between = position - ONE / 2;
    let mut low = between >> FRACTION_BITS;
    let mut fraction = between & (ONE - 1);
    if fraction < SNAP {
        fraction = 0;
    } else if fraction > ONE - SNAP {
        fraction = 0;
        low += 1;
    }
    Some(AxisNeighbours {
        low,
        weight: fraction as f64 / ONE as f64,
    })
}

/// Whether a position along an axis lies on a voxel's centre, so that no other one has any weight.
pub fn on_voxel(position: i64) -> bool {
    let fraction = (position - ONE / 2) & (ONE - 1);
    !(SNAP..=ONE - SNAP).contains(&fraction)
}

/// The neighbours of a position; `None` outside the grid.
pub fn neighbours(position: i64, size: usize) -> Option<Neighbours> {
    let AxisNeighbours { low, weight } = axis_neighbours(position, size)?;
    let last = size as i64 - 1;
    let high = if weight == 0.0 { low } else { low + 1 };
    let (low, high) = (low.clamp(0, last) as usize, high.clamp(0, last) as usize);
    Some(Neighbours {
        low,
        high,
        weight: if low == high { 0.0 } else { weight },
    })
}

/// What lies at a viewport pixel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sample {
    /// No voxel: beside the image.
    Outside,
    /// A slice that is needed is not there.
    Missing,
    /// Nothing but padding.
    Padding,
    /// A modality value.
    Value(f64),
    /// Colour samples, in stored values.
    Color([f64; 3]),
}

/// Samples the frames at a pixel of a view; `None` in `frames` is a slice that is not loaded.
pub fn sample(
    view: &SliceView,
    frames: &[Option<Frame>],
    grid: &PixelGrid,
    x: u32,
    y: u32,
) -> Sample {
    let position = grid.at(x, y);
    if let Some(steps) = &view.slab {
        return slab::sample(view, frames, position, steps);
    }
    if let Some(half) = area::half_widths(view, grid) {
        return area::sample(view, frames, position, half);
    }
    match view.interpolation {
        Interpolation::Cubic => cubic::sample(view, frames, position),
        between => point(view, frames, position, between),
    }
}

/// Samples one point, nearest or linear.
fn point(
    view: &SliceView,
    frames: &[Option<Frame>],
    position: [i64; 3],
    between: Interpolation,
) -> Sample {
    let Some(first) = frames.iter().flatten().next() else {
        // Without any frame the size is unknown, but it is certain that everything is missing.
        return Sample::Missing;
    };
    let size = [first.columns, first.rows, frames.len()];
    let axes = match between {
        Interpolation::Nearest => std::array::from_fn(|i| {
            nearest(position[i], size[i]).map(|index| Neighbours {
                low: index,
                high: index,
                weight: 0.0,
            })
        }),
        Interpolation::Linear | Interpolation::Cubic => {
            std::array::from_fn(|i| neighbours(position[i], size[i]))
        }
    };
    let [Some(column), Some(row), Some(slice)] = axes else {
        return Sample::Outside;
    };
    let mut weights = 0.0;
    let mut sums = [0.0; 3];
    for (k, wk) in corners(slice) {
        let Some(Some(frame)) = frames.get(k) else {
            return Sample::Missing;
        };
        for (j, wj) in corners(row) {
            for (i, wi) in corners(column) {
                let weight = wi * wj * wk;
                if view.samples == 3 {
                    for (sum, value) in sums.iter_mut().zip(color_of(frame, i, j)) {
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
    if weights == 0.0 {
        Sample::Padding
    } else if view.samples == 3 {
        Sample::Color(sums.map(|sum| sum / weights))
    } else {
        Sample::Value(sums[0] / weights)
    }
}

fn corners(n: Neighbours) -> impl Iterator<Item = (usize, f64)> {
    [(n.low, 1.0 - n.weight), (n.high, n.weight)]
        .into_iter()
        .filter(|(_, weight)| *weight > 0.0)
}

/// Modality value of a voxel; `None` for padding.
fn image_value(frame: &Frame, grey: &GreyPipeline, column: usize, row: usize) -> Option<f64> {
    let stored = frame.value(column, row, 0)?;
    is_image(stored, grey.stored_type, grey.padding)
        .then(|| modality_value(stored, &grey.modality_lut))
}

/// Colour of a pixel, stored values.
fn color_of(frame: &Frame, column: usize, row: usize) -> [f64; 3] {
    std::array::from_fn(|c| frame.value(column, row, c).unwrap_or_default())
}

/// Code value of the hatch that stands for a slice that is not there, at a viewport pixel. Slices that failed are
/// hatched the other way round and reddish, so that colour does not stand alone.
pub const fn hatch(x: u32, y: u32, failed: bool) -> [u8; 3] {
    let line = if failed {
        (x.wrapping_sub(y)) & 7 < 2
    } else {
        (x.wrapping_add(y)) & 7 < 2
    };
    match (failed, line) {
        (false, true) => [64, 64, 64],
        (false, false) => [20, 20, 20],
        (true, true) => [112, 44, 36],
        (true, false) => [32, 16, 14],
    }
}

/// The picture as RGBA code values, rows top to bottom.
pub fn draw_cpu(view: &SliceView, frames: &[Option<Frame>]) -> Vec<u8> {
    let grid = PixelGrid::of(&view.voxel_from_viewport);
    let white = color_white(view.grey.stored_type);
    let color = |x, y| match sample(view, frames, &grid, x, y) {
        Sample::Outside | Sample::Padding => [0; 3],
        Sample::Missing => hatch(x, y, false),
        Sample::Value(value) => [code_value(shown_value(value, &view.grey)); 3],
        Sample::Color(rgb) => rgb.map(|v| {
            let display = (v / white).clamp(0.0, 1.0);
            code_value(if view.grey.inverted {
                1.0 - display
            } else {
                display
            })
        }),
    };
    let [width, height] = view.size;
    let mut picture = vec![0; width as usize * height as usize * 4];
    picture
        .par_chunks_exact_mut(width.max(1) as usize * 4)
        .enumerate()
        .for_each(|(y, line)| {
            for (x, pixel) in line.as_chunks_mut::<4>().0.iter_mut().enumerate() {
                let [r, g, b] = color(x as u32, y as u32);
                *pixel = [r, g, b, 255];
            }
        });
    picture
}

/// The modality values behind the picture, rows top to bottom; no number where there is no image.
/// For colour, the mean of the three samples in stored values.
pub fn values_cpu(view: &SliceView, frames: &[Option<Frame>]) -> Vec<f32> {
    let grid = PixelGrid::of(&view.voxel_from_viewport);
    let [width, height] = view.size;
    (0..height)
        .into_par_iter()
        .flat_map_iter(|y| (0..width).map(move |x| (x, y)))
        .map(|(x, y)| match sample(view, frames, &grid, x, y) {
            Sample::Value(value) => value as f32,
            Sample::Color(rgb) => (rgb.iter().sum::<f64>() / 3.0) as f32,
            _ => f32::NAN,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        lut::{ModalityLut, PaddingRange, Voi},
        pixels::{PixelBytes, StoredType},
    };
    use glam::{DMat3, DVec3};

    fn frame(values: &[u8], columns: usize) -> Frame {
        let bytes = PixelBytes::from_vec(values.to_vec());
        Frame::new(values.len() / columns, columns, 1, StoredType::U8, bytes).unwrap()
    }

    fn view(size: [u32; 2], scale: f64, z: f64) -> SliceView {
        SliceView {
            size,
            // Viewport pixel centres at half-integers, voxel centres at integers.
            voxel_from_viewport: DAffine3 {
                matrix3: DMat3::from_diagonal(DVec3::splat(scale)),
                translation: DVec3::new(-0.5, -0.5, z),
            },
            interpolation: Interpolation::Nearest,
            grey: GreyPipeline {
                stored_type: StoredType::U8,
                modality_lut: ModalityLut::IDENTITY,
                voi: Voi::window(128.0, 256.0),
                inverted: false,
                padding: None,
                presentation: None,
            },
            samples: 1,
            area: false,
            slab: None,
        }
    }

    fn red(picture: &[u8]) -> Vec<u8> {
        picture.chunks_exact(4).map(|p| p[0]).collect()
    }

    #[test]
    fn one_pixel_a_voxel_gives_the_frame_back() {
        let frames = [Some(frame(&[1, 2, 3, 4, 5, 6], 3))];
        for interpolation in [Interpolation::Nearest, Interpolation::Linear] {
            let mut view = view([4, 3], 1.0, 0.0);
            view.interpolation = interpolation;
            let shown = red(&draw_cpu(&view, &frames));
            assert_eq!(shown, [1, 2, 3, 0, 4, 5, 6, 0, 0, 0, 0, 0]);
            let values = values_cpu(&view, &frames);
            assert_eq!(values[..3], [1.0, 2.0, 3.0]);
            assert!(values[3].is_nan());
        }
    }

    #[test]
    fn linear_meets_the_values_between_voxels() {
        let frames = [Some(frame(&[0, 100], 2))];
        let mut view = view([4, 1], 0.5, 0.0);
        view.interpolation = Interpolation::Linear;
        // Pixel centres at -0.25, 0.25, 0.75, 1.25 voxel: the border voxels reach to the border of the image.
        view.voxel_from_viewport.translation.y = -0.25;
        assert_eq!(red(&draw_cpu(&view, &frames)), [0, 25, 75, 100]);
    }

    #[test]
    fn padding_is_left_out_and_the_rest_renormalised() {
        let frames = [Some(frame(&[80, 0, 0, 40], 4))];
        let mut view = view([8, 1], 0.5, 0.0);
        view.interpolation = Interpolation::Linear;
        view.voxel_from_viewport.translation.y = -0.25;
        view.grey.padding = Some(PaddingRange { low: 0, high: 0 });
        view.grey.inverted = true;
        let shown = red(&draw_cpu(&view, &frames));
        assert_eq!(shown, [175, 175, 175, 0, 0, 215, 215, 215]);
    }

    #[test]
    fn no_picture_is_made_over_a_slice_that_is_not_there() {
        let frames = [Some(frame(&[50], 1)), None, Some(frame(&[70], 1))];
        let shown = |z: f64, interpolation| {
            let mut view = view([1, 1], 1.0, z);
            view.interpolation = interpolation;
            draw_cpu(&view, &frames)[0]
        };
        let missing = hatch(0, 0, false)[0];
        assert_eq!(shown(0.0, Interpolation::Linear), 50);
        assert_eq!(shown(1e-6, Interpolation::Linear), 50);
        assert_eq!(shown(0.1, Interpolation::Linear), missing);
        assert_eq!(shown(0.4, Interpolation::Nearest), 50);
        assert_eq!(shown(1.0, Interpolation::Nearest), missing);
        assert_eq!(shown(2.0 - 1e-6, Interpolation::Linear), 70);
        assert_eq!(shown(2.4, Interpolation::Linear), 70);
        assert_eq!(shown(2.6, Interpolation::Linear), 0);
    }

    #[test]
    fn absurd_mappings_are_outside_and_do_not_overflow() {
        let frames = [Some(frame(&[50], 1))];
        for value in [1e300, -1e300, f64::INFINITY, f64::NAN] {
            let mut view = view([40, 40], 1.0, 0.0);
            view.voxel_from_viewport.matrix3 *= value;
            view.voxel_from_viewport.translation *= value;
            assert_eq!(draw_cpu(&view, &frames).len(), 6400);
        }
        let grid = PixelGrid::of(&DAffine3::from_scale(DVec3::splat(1e9)));
        // The step is cut to 16384 voxels a pixel, the start is half a pixel of 1e9 voxels and half a voxel.
        let whole = 500_000_000 + 16383 * 16384;
        assert_eq!(grid.at(16383, 0)[0], whole * ONE + ONE / 2);
    }
}
