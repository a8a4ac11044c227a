//! The operations of a plan on pictures (`[batch, channels, rows, columns]`) and on volumes
//! (`[batch, channels, slices, rows, columns]`).
//!
//! burn has some of them for pictures only: windows over volumes are taken direction by direction, and pixels
//! between others are made up by sums of neighbours, which is exact on every device and can be differentiated.

use super::plan::{Between, Sides};
use burn::tensor::{
    Device, Tensor, TensorData,
    module::{avg_pool2d, conv_transpose2d, conv_transpose3d, conv2d, conv3d, max_pool2d},
    ops::{AvgPoolOptions, ConvOptions, ConvTransposeOptions, MaxPoolOptions},
};

/// What differs between pictures and volumes.
pub trait Grid: Sized + Clone {
    /// Directions.
    const DIMENSIONS: usize;

    /// The kernel of this rank.
    fn one_of(two: Option<Tensor<4>>, three: Option<Tensor<5>>) -> Option<Self>;
    /// A convolution.
    fn convolve(self, weight: Self, bias: Option<Tensor<1>>, how: ConvolveBy) -> Self;
    /// A transposed convolution.
    fn transposed(self, weight: Self, bias: Option<Tensor<1>>, how: TransposeBy) -> Self;
    /// The largest of each window.
    fn max_pool(self, kernel: Sides, stride: Sides, padding: Sides) -> Self;
    /// The mean of each window.
    fn mean_pool(self, kernel: Sides, stride: Sides) -> Self;
}

/// Strides and the like of a convolution.
#[derive(Clone, Copy, Debug)]
pub struct ConvolveBy {
    /// Steps between results.
    pub stride: Sides,
    /// Zeros on either side.
    pub padding: Sides,
    /// Distance between the places that the kernel reads.
    pub dilation: Sides,
    /// Groups of channels that do not see each other.
    pub groups: usize,
}

/// Strides and the like of a transposed convolution.
#[derive(Clone, Copy, Debug)]
pub struct TransposeBy {
    /// Pixels between patches.
    pub stride: Sides,
    /// Pixels cut from either side.
    pub padding: Sides,
    /// Pixels kept at the far side although cut.
    pub extra: Sides,
}

const fn flat([_, rows, columns]: Sides) -> [usize; 2] {
    [rows, columns]
}

impl Grid for Tensor<4> {
    const DIMENSIONS: usize = 2;

    fn one_of(two: Option<Self>, _: Option<Tensor<5>>) -> Option<Self> {
        two
    }

    fn convolve(self, weight: Self, bias: Option<Tensor<1>>, how: ConvolveBy) -> Self {
        let options = ConvOptions::new(
            flat(how.stride),
            flat(how.padding),
            flat(how.dilation),
            how.groups,
        );
        conv2d(self, weight, bias, options)
    }

    fn transposed(self, weight: Self, bias: Option<Tensor<1>>, how: TransposeBy) -> Self {
        let options = ConvTransposeOptions::new(
            flat(how.stride),
            flat(how.padding),
            flat(how.extra),
            [1, 1],
            1,
        );
        conv_transpose2d(self, weight, bias, options)
    }

    fn max_pool(self, kernel: Sides, stride: Sides, padding: Sides) -> Self {
        max_pool2d(self, max_options(flat(kernel), flat(stride), flat(padding)))
    }

    fn mean_pool(self, kernel: Sides, stride: Sides) -> Self {
        avg_pool2d(self, mean_options(flat(kernel), flat(stride)))
    }
}

impl Grid for Tensor<5> {
    const DIMENSIONS: usize = 3;

    fn one_of(_: Option<Tensor<4>>, three: Option<Self>) -> Option<Self> {
        three
    }

    fn convolve(self, weight: Self, bias: Option<Tensor<1>>, how: ConvolveBy) -> Self {
        let options = ConvOptions::new(how.stride, how.padding, how.dilation, how.groups);
        conv3d(self, weight, bias, options)
    }

    fn transposed(self, weight: Self, bias: Option<Tensor<1>>, how: TransposeBy) -> Self {
        let options = ConvTransposeOptions::new(how.stride, how.padding, how.extra, [1; 3], 1);
        conv_transpose3d(self, weight, bias, options)
    }

    fn max_pool(self, kernel: Sides, stride: Sides, padding: Sides) -> Self {
        let (in_plane, through) = (
            max_options(flat(kernel), flat(stride), flat(padding)),
            max_options([kernel[0], 1], [stride[0], 1], [padding[0], 0]),
        );
        by_direction(
            self,
            |x| max_pool2d(x, in_plane),
            |x| max_pool2d(x, through),
        )
    }

    fn mean_pool(self, kernel: Sides, stride: Sides) -> Self {
        let (in_plane, through) = (
            mean_options(flat(kernel), flat(stride)),
            mean_options([kernel[0], 1], [stride[0], 1]),
        );
        by_direction(
            self,
            |x| avg_pool2d(x, in_plane),
            |x| avg_pool2d(x, through),
        )
    }
}

fn max_options(kernel: [usize; 2], stride: [usize; 2], padding: [usize; 2]) -> MaxPoolOptions<2> {
    MaxPoolOptions::new(kernel)
        .with_stride(stride)
        .with_padding(padding)
}

fn mean_options(kernel: [usize; 2], stride: [usize; 2]) -> AvgPoolOptions<2> {
    AvgPoolOptions::new(kernel).with_stride(stride)
}

/// Windows over volumes: first within slices, then through them.
fn by_direction(
    x: Tensor<5>,
    in_plane: impl FnOnce(Tensor<4>) -> Tensor<4>,
    through: impl FnOnce(Tensor<4>) -> Tensor<4>,
) -> Tensor<5> {
    let [n, c, d, h, w] = x.dims();
    let x = in_plane(x.reshape([n, c * d, h, w]));
    let [_, _, h, w] = x.dims();
    let x = through(x.reshape([n, c, d, h * w]));
    let [_, _, d, _] = x.dims();
    x.reshape([n, c, d, h, w])
}

/// A whole number of times as many pixels in each direction.
pub(super) fn enlarge<const D: usize>(
    mut x: Tensor<D>,
    factor: Sides,
    between: Between,
) -> Tensor<D> {
    for (axis, times) in (2..D).zip(factor.into_iter().skip(5 - D)) {
        if times > 1 {
            x = enlarge_along(x, axis, times, between);
        }
    }
    x
}

fn enlarge_along<const D: usize>(
    x: Tensor<D>,
    axis: usize,
    times: usize,
    between: Between,
) -> Tensor<D> {
    let mut dims = x.dims();
    let before: usize = dims.iter().take(axis).product();
    let after: usize = dims.iter().skip(axis + 1).product();
    let length = dims.get(axis).copied().unwrap_or(1);
    if let Some(side) = dims.get_mut(axis) {
        *side = length * times;
    }
    if between == Between::LinearCorners {
        return corner_to_corner(x, [before, length, after], times).reshape(dims);
    }
    let line = x.reshape([before, length, 1, after]);
    let wide = match between {
        Between::Nearest => line.repeat_dim(2, times),
        _ => linear(line, length, times),
    };
    wide.reshape(dims)
}

/// `times` values for each along the second side, put along the third. Value `p` of pixel `i` lies at
/// `i + (p + ½) / times - ½`; outside of the outermost centres the outermost pixel counts.
fn linear(x: Tensor<4>, length: usize, times: usize) -> Tensor<4> {
    let first = x.clone().narrow(1, 0, 1);
    let last = x.clone().narrow(1, length - 1, 1);
    let (before, after) = if length == 1 {
        (first, last)
    } else {
        (
            Tensor::cat(vec![first, x.clone().narrow(1, 0, length - 1)], 1),
            Tensor::cat(vec![x.clone().narrow(1, 1, length - 1), last], 1),
        )
    };
    let phases = (0..times)
        .map(|phase| {
            let at = (phase as f64 + 0.5) / times as f64 - 0.5;
            let neighbour = if at < 0.0 { &before } else { &after };
            x.clone() * (1.0 - at.abs()) + neighbour.clone() * at.abs()
        })
        .collect();
    Tensor::cat(phases, 2)
}

/// The outermost centres stay where they are: value `j` lies at `j · (n - 1) / (times · n - 1)`.
/// Sides are what comes before the direction, the direction, and what comes after.
fn corner_to_corner<const D: usize>(
    x: Tensor<D>,
    [before, length, after]: [usize; 3],
    times: usize,
) -> Tensor<3> {
    let wide = length * times;
    let table = corner_table(length, wide, &x.device());
    if after == 1 {
        let lines = x.reshape([1, before, length]);
        return lines.matmul(table.swap_dims(1, 2));
    }
    table
        .expand([before, wide, length])
        .matmul(x.reshape([before, length, after]))
}

/// What each new value takes of each old one: `[1, wide, length]`.
fn corner_table(length: usize, wide: usize, device: &Device) -> Tensor<3> {
    let mut table = vec![0.0f32; wide * length];
    let step = (length - 1) as f64 / (wide - 1).max(1) as f64;
    for (j, row) in table.chunks_exact_mut(length).enumerate() {
        let at = j as f64 * step;
        let low = (at.floor() as usize).min(length - 1);
        let share = (at - low as f64) as f32;
        if let Some(value) = row.get_mut(low) {
            *value += 1.0 - share;
        }
        if let Some(value) = row.get_mut((low + 1).min(length - 1)) {
            *value += share;
        }
    }
    Tensor::from_data(TensorData::new(table, [1, wide, length]), device)
}
