//! The f64 twin of the label pass: a mask of a volume over a plane or a slab through it.

use super::{
    overlay::{DASH_LENGTH, DASH_PERIOD},
    reslice::{PixelGrid, nearest, slab::fixed_steps},
    window::code_value,
};
use crate::model::{
    labels::{MaskLook, Meaning},
    slab::SlabSteps,
};
use glam::DAffine3;

/// Widest outline, pixels.
pub const MOST_OUTLINE: u32 = 8;

/// A mask in memory: one byte a voxel, columns fastest.
#[derive(Clone, Copy, Debug)]
pub struct LabelMap<'a> {
    /// Columns, rows, slices.
    pub size: [usize; 3],
    /// The bytes.
    pub bytes: &'a [u8],
}

/// Where a plane and its slab lie in a mask.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LabelPlane {
    /// Voxel of the mask (column, row, slice) from viewport point.
    pub mask_from_viewport: DAffine3,
    /// The points of a slab, in voxels of the mask.
    pub slab: Option<SlabSteps>,
}

/// Width of the outline in pixels: it lies inside its region.
pub fn outline(look: &MaskLook) -> u32 {
    // The cast saturates, and what is no number becomes 0.
    (look.style.outline_px.ceil().max(0.0) as u32).min(MOST_OUTLINE)
}

impl LabelMap<'_> {
    fn byte(&self, position: [i64; 3]) -> u8 {
        let [columns, rows, _] = self.size;
        let at = |axis: usize| nearest(position[axis], self.size[axis]);
        match (at(0), at(1), at(2)) {
            (Some(x), Some(y), Some(z)) => {
                let index = (z * rows + y) * columns + x;
                self.bytes.get(index).copied().unwrap_or(0)
            }
            _ => 0,
        }
    }
}

/// What is seen at a pixel, which may lie beside the viewport.
fn seen(
    map: &LabelMap<'_>,
    look: &MaskLook,
    grid: &PixelGrid,
    slab: Option<&SlabSteps>,
    [x, y]: [i64; 2],
) -> u8 {
    let plane: [i64; 3] =
        std::array::from_fn(|i| grid.start[i] + grid.step_x[i] * x + grid.step_y[i] * y);
    let (step, first, count) = match slab {
        Some(slab) => {
            let (step, first) = fixed_steps(slab);
            (step, first, i64::from(slab.count))
        }
        None => ([0; 3], [0; 3], 1),
    };
    let bytes =
        (0..count).map(|k| map.byte(std::array::from_fn(|i| plane[i] + first[i] + step[i] * k)));
    match look.meaning {
        Meaning::Probability => bytes.max().unwrap_or(0),
        Meaning::Labels => {
            let mut bytes = bytes;
            bytes.find(|byte| look.is_drawn(*byte)).unwrap_or(0)
        }
    }
}

/// Lays a mask over an RGBA picture of the given width and height.
pub fn draw_cpu(
    picture: &mut [u8],
    size: [u32; 2],
    map: &LabelMap<'_>,
    look: &MaskLook,
    plane: &LabelPlane,
) {
    let grid = PixelGrid::of(&plane.mask_from_viewport);
    let class = |byte: u8| match look.meaning {
        _ if byte < look.least() => 0,
        Meaning::Labels => byte,
        Meaning::Probability => 1,
    };
    let width = i64::from(size[0].max(1));
    for (i, pixel) in picture.as_chunks_mut::<4>().0.iter_mut().enumerate() {
        let (x, y) = (i as i64 % width, i as i64 / width);
        let at = |dx: i64, dy: i64| seen(map, look, &grid, plane.slab.as_ref(), [x + dx, y + dy]);
        let byte = at(0, 0);
        let here = class(byte);
        if here == 0 {
            continue;
        }
        let (mut border, mut along) = (false, x);
        for k in 1..=i64::from(outline(look)) {
            let other = |dx, dy| class(at(dx, dy)) != here;
            let across = other(-k, 0) || other(k, 0);
            if !border && across {
                along = y;
            }
            border |= across || other(0, -k) || other(0, k);
        }
        let dash = !look.is_dashed(byte) || along % i64::from(DASH_PERIOD) < i64::from(DASH_LENGTH);
        let opacity = match border && dash {
            true => 1.0,
            false => f64::from(look.style.opacity),
        };
        for (code, color) in pixel.iter_mut().zip(look.color(byte)) {
            let mixed = f64::from(color) * opacity + f64::from(*code) / 255.0 * (1.0 - opacity);
            *code = code_value(mixed);
        }
    }
}
