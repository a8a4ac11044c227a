//! The numbers that the slice pass needs, composed in f64: uniforms, and the constants of its pipelines.

use super::{GridHalves, halves};
use crate::{
    gpu::{FrameTexture, bricks::rank_offset},
    imaging::{
        reslice::{
            FRACTION_BITS, PixelGrid, area::half_widths, neighbours, on_voxel, slab::fixed_steps,
        },
        window::{Mapping, TABLE_HALF, color_white, table_white},
    },
    model::{
        lut::{LookupTable, ModalityLut, PaddingRange, Voi},
        pixels::StoredType,
        slab::{Projection, SlabSteps},
        view::{GreyPipeline, Interpolation, SliceView},
    },
};
use gpu_data::SliceDraw;

/// Uniforms of the pass; the names are those of `shaders/slice.wgsl`.
pub mod gpu_data {
    use bytemuck::{Pod, Zeroable};

    /// `SliceDraw` of the shader.
    #[repr(C)]
    #[derive(Clone, Copy, Debug, Pod, Zeroable)]
    pub struct SliceDraw {
        /// Position of the first pixel, whole part.
        pub start_hi: [i32; 4],
        /// Its fraction.
        pub start_lo: [u32; 4],
        /// Step to the right, whole part.
        pub step_x_hi: [i32; 4],
        /// Its fraction.
        pub step_x_lo: [u32; 4],
        /// Step down, whole part.
        pub step_y_hi: [i32; 4],
        /// Its fraction.
        pub step_y_lo: [u32; 4],
        /// Columns, rows, slices; how many slices lie below each other in a layer.
        pub size: [u32; 4],
        /// From one point of a slab to the next, whole part.
        pub depth_hi: [i32; 4],
        /// Its fraction.
        pub depth_lo: [u32; 4],
        /// Half of the width of a pixel in voxels, whole part.
        pub half_hi: [i32; 4],
        /// Its fraction.
        pub half_lo: [u32; 4],
        /// Bricks along columns, rows and slices; points of a slab.
        pub bricks: [u32; 4],
        /// Position of the first pixel less one half, in multiples of 2^-12.
        pub base: [f32; 4],
        /// Its rest.
        pub rest: [f32; 4],
        /// Step to the right, in multiples of 2^-12.
        pub base_x: [f32; 4],
        /// Its rest.
        pub rest_x: [f32; 4],
        /// Step down, in multiples of 2^-12.
        pub base_y: [f32; 4],
        /// Its rest.
        pub rest_y: [f32; 4],
        /// Bits by which a stored value is shifted up and down again to extend its sign.
        pub sign_shift: u32,
        /// The sign bit, turned over to order signed values as unsigned ones.
        pub sign_flip: u32,
        /// 1 when the lowest value is white.
        pub inverted: u32,
        /// Reference value, in the order of stored integers.
        pub zero: u32,
        /// Reference value of floats and tables.
        pub zero_value: f32,
        /// Modality value per unit of difference.
        pub value_scale: f32,
        /// Modality value of the reference value.
        pub value_offset: f32,
        /// Lowest padding, in the order of stored integers.
        pub padding_low: u32,
        /// Highest padding.
        pub padding_high: u32,
        /// Lowest padding of floats.
        pub padding_low_value: f32,
        /// Highest padding of floats.
        pub padding_high_value: f32,
        /// Display value per unit of a colour sample.
        pub color_scale: f32,
        /// Display value (or exponent, or table index) per unit of difference.
        pub display_scale: f32,
        /// The same at the reference value.
        pub display_offset: f32,
        /// First entry of the modality LUT.
        pub modality_start: u32,
        /// Its entries, at least 1.
        pub modality_length: u32,
        /// First value it maps.
        pub modality_first: i32,
        /// First entry of the VOI LUT.
        pub voi_start: u32,
        /// Its entries, at least 1.
        pub voi_length: u32,
        /// Display value per unit of an entry.
        pub voi_scale: f32,
        /// Bits of a quiet NaN.
        pub no_value: u32,
        /// First entry of the presentation LUT.
        pub presentation_start: u32,
        /// Its entries, at least 1.
        pub presentation_length: u32,
        /// Display value per unit of an entry.
        pub presentation_scale: f32,
        /// Differences at and below which a projection shows what it shows there.
        pub black: f32,
        /// Differences above which it shows what it shows there.
        pub white: f32,
        /// The rank of the reference value among those of the bricks.
        pub brick_zero: i32,
        /// Nothing.
        pub unused: u32,
    }
}

/// Voxels along an axis up to which f32 adds up positions exactly (see `shaders/lib/quick.wgsl`).
const QUICK_SIDE: usize = 2048;

/// Which pipeline draws a view: the constants of `shaders/slice.wgsl`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Variant {
    /// 0 nearest, 1 linear within slices, 2 linear, 3 cubic within slices, 4 cubic.
    pub linear: u8,
    /// The mean of what is under a pixel.
    pub area: bool,
    /// 0 none, 1 largest, 2 smallest difference, 3 mean.
    pub projection: u8,
    /// The bricks say what a slab need not look at.
    pub skip: bool,
    /// Linear, of integers of at most 16 bits, no modality table, no large grid.
    pub quick: bool,
    /// Four voxels are looked up at once.
    pub four: bool,
    /// Stored values are floats.
    pub float: bool,
    /// Three samples a pixel.
    pub color: bool,
    /// The modality LUT is a table.
    pub modality_table: bool,
    /// Line, step, sigmoid, table.
    pub voi_mode: u8,
    /// Some stored values are padding.
    pub padding: bool,
    /// VOI output goes through a presentation LUT.
    pub presentation: bool,
    /// Some slices are not there.
    pub check_states: bool,
    /// A layer of the texture holds several slices.
    pub stacked: bool,
}

impl Variant {
    /// What is drawn in the first minutes of almost every session.
    pub(super) fn common() -> impl Iterator<Item = Self> {
        [(0, false), (1, false), (2, false), (1, true)]
            .into_iter()
            .flat_map(|(linear, color)| {
                [false, true].map(|check_states| Self {
                    linear,
                    area: false,
                    projection: 0,
                    skip: false,
                    quick: !color && linear != 0,
                    four: true,
                    float: false,
                    color,
                    modality_table: false,
                    voi_mode: 0,
                    padding: false,
                    presentation: false,
                    check_states,
                    stacked: false,
                })
            })
    }

    /// The one that a view of a texture needs.
    pub(super) fn of(view: &SliceView, texture: &FrameTexture) -> Self {
        let color = view.samples == 3;
        let grey = &view.grey;
        let grid = PixelGrid::of(&view.voxel_from_viewport);
        let [_, _, slices] = texture.size();
        let slab = slab_of(view);
        // The plane and all points of its slab follow slices, and no other ones have any weight.
        let flat = grid.step_x[2] == 0
            && grid.step_y[2] == 0
            && match slab {
                // The plane itself may lie outside of the grid.
                Some(slab) => fixed_steps(slab).0[2] as u32 == 0 && on_voxel(grid.start[2]),
                None => neighbours(grid.start[2], slices).is_none_or(|n| n.weight == 0.0),
            };
        let linear = match (view.interpolation, flat) {
            (Interpolation::Nearest, _) => 0,
            (Interpolation::Cubic, flat) if slab.is_none() => 4 - u8::from(flat),
            (_, flat) => 2 - u8::from(flat),
        };
        let area = half_widths(view, &grid).is_some();
        let check_states = texture.loaded_layers() < slices;
        let projection = slab.map_or(0, |slab| match slab.projection {
            Projection::Mean => 3,
            Projection::Mip if rises(grey, color) => 1,
            Projection::MinIp if !rises(grey, color) => 1,
            Projection::Mip | Projection::MinIp => 2,
        });
        let quick = !color
            && linear != 0
            && modality_table(grey).is_none()
            && rank_offset(grey.stored_type).is_some()
            && texture.stacked() == 1
            && texture.size().into_iter().all(|n| n <= QUICK_SIDE);
        Self {
            // An area has weights of its own.
            linear: if area { 2 } else { linear },
            area,
            projection,
            skip: matches!(projection, 1 | 2)
                && quick
                && !check_states
                && texture.bricks().is_some_and(|b| b.buffer().is_some()),
            quick,
            four: true,
            float: !color && integer_range(grey.stored_type).is_none(),
            color,
            modality_table: !color && modality_table(grey).is_some(),
            voi_mode: if color { 0 } else { window_of(grey).mode },
            padding: !color && padding_of(grey).is_some(),
            presentation: !color && grey.presentation.is_some(),
            check_states,
            stacked: texture.stacked() > 1,
        }
    }

    /// Names and values for the compiler.
    pub(super) fn constants(self) -> [(&'static str, f64); 14] {
        let flag = |value: bool| f64::from(u8::from(value));
        [
            ("LINEAR", f64::from(self.linear)),
            ("AREA", flag(self.area)),
            ("PROJECTION", f64::from(self.projection)),
            ("SKIP", flag(self.skip)),
            ("QUICK", flag(self.quick && !self.check_states)),
            ("FOUR", flag(self.four)),
            ("STORED_FLOAT", flag(self.float)),
            ("COLOR", flag(self.color)),
            ("MODALITY_TABLE", flag(self.modality_table)),
            ("VOI_MODE", f64::from(self.voi_mode)),
            ("HAS_PADDING", flag(self.padding)),
            ("PRESENTATION_TABLE", flag(self.presentation)),
            ("CHECK_STATES", flag(self.check_states)),
            ("STACKED", flag(self.stacked)),
        ]
    }
}

/// The slab of a view, when it is more than its plane.
pub(super) fn slab_of(view: &SliceView) -> Option<&SlabSteps> {
    view.slab.as_ref().filter(|slab| slab.count > 1)
}

/// Whether a larger modality value is a larger difference in the shader.
fn rises(grey: &GreyPipeline, color: bool) -> bool {
    match grey.modality_lut {
        ModalityLut::Rescale { slope, .. } if !color => slope >= 0.0,
        _ => true,
    }
}

/// The modality LUT, when it is a table.
pub(super) fn modality_table(grey: &GreyPipeline) -> Option<&LookupTable> {
    match &grey.modality_lut {
        ModalityLut::Table(table) => Some(table),
        ModalityLut::Rescale { .. } => None,
    }
}

/// The VOI LUT, when it is a table.
pub(super) fn voi_table(grey: &GreyPipeline) -> Option<&LookupTable> {
    match &grey.voi {
        Voi::Table(table) => Some(table),
        Voi::Window { .. } => None,
    }
}

/// Lowest and highest value of a stored integer type; `None` for floats.
const fn integer_range(stored_type: StoredType) -> Option<(f64, f64)> {
    Some(match stored_type {
        StoredType::U8 => (0.0, 255.0),
        StoredType::I8 => (-128.0, 127.0),
        StoredType::U16 => (0.0, 65535.0),
        StoredType::I16 => (-32768.0, 32767.0),
        StoredType::U32 => (0.0, 4_294_967_295.0),
        StoredType::I32 => (-2_147_483_648.0, 2_147_483_647.0),
        StoredType::F32 | StoredType::F64 => return None,
    })
}

/// The padding, where values of the type can be padding at all.
fn padding_of(grey: &GreyPipeline) -> Option<PaddingRange> {
    grey.padding.filter(|range| {
        let (low, high) = (f64::from(range.low), f64::from(range.high));
        low <= high
            && integer_range(grey.stored_type).is_none_or(|(min, max)| high >= min && low <= max)
    })
}

/// The sign bit of signed integers, as it is turned over.
const fn sign_flip(stored_type: StoredType) -> u32 {
    match stored_type {
        StoredType::I8 | StoredType::I16 | StoredType::I32 => 0x8000_0000,
        _ => 0,
    }
}

/// The place of a stored integer in the order of its type, as `ordered` of the shader gives it.
fn ordered(stored: f64, stored_type: StoredType) -> u32 {
    // The casts saturate.
    match sign_flip(stored_type) {
        0 => stored as u32,
        flip => (stored as i32).cast_unsigned() ^ flip,
    }
}

/// A factor for the shader: never infinite, so that it times zero is zero.
fn finite(value: f64) -> f32 {
    value.clamp(-1e30, 1e30) as f32
}

/// A VOI as `scale * (modality - middle) + at_middle`, and what is done with the result.
struct Straight {
    mode: u8,
    scale: f64,
    middle: f64,
    at_middle: f64,
}

fn window_of(grey: &GreyPipeline) -> Straight {
    let straight = |mode, scale, middle, at_middle| Straight {
        mode,
        scale,
        middle,
        at_middle,
    };
    match &grey.voi {
        Voi::Window {
            level, function, ..
        } => match Mapping::of(*level, *function) {
            Mapping::Line { scale, middle } => straight(0, scale, middle, 0.5),
            Mapping::Step { edge } => straight(1, 1.0, edge, 0.0),
            Mapping::Sigmoid { center, width } => straight(2, 4.0 / width, center, 0.0),
        },
        Voi::Table(table) => {
            let half = table.entries.len() as f64 * 0.5;
            let first = f64::from(table.first_mapped);
            straight(3, 1.0, first + half, half + TABLE_HALF)
        }
    }
}

/// The texture that a view is drawn from, as far as the uniforms say it.
pub(super) struct Source {
    /// Columns, rows and slices that are bound.
    pub size: [usize; 3],
    /// How many slices lie below each other in a layer.
    pub stacked: usize,
    /// Bricks along columns, rows and slices.
    pub bricks: [usize; 3],
    /// Values are wanted, not a picture: nothing may be cut at black and white.
    pub values: bool,
}

/// The uniforms of a view of a texture.
///
/// Everything is composed in f64 around a reference value near the middle of the window, so that the shader works
/// with small differences (see `shaders/lib/voi.wgsl`).
pub(super) fn slice_draw(view: &SliceView, source: &Source) -> SliceDraw {
    let grey = &view.grey;
    let kind = grey.stored_type;
    let mut grid = PixelGrid::of(&view.voxel_from_viewport);
    let half = half_widths(view, &grid).unwrap_or_default();
    let (mut depth, mut points) = ([0; 3], 1);
    if let Some(slab) = slab_of(view) {
        let (step, first) = fixed_steps(slab);
        // The shader goes from the first point to the last.
        for (start, more) in grid.start.iter_mut().zip(first) {
            *start += more;
        }
        (depth, points) = (step, slab.count);
    }
    let (depth, half) = (halves(depth), halves(half));
    let (base, rest) = coarse(grid.start, 0.5);
    let (base_x, rest_x) = coarse(grid.step_x, 0.0);
    let (base_y, rest_y) = coarse(grid.step_y, 0.0);
    let grid = GridHalves::from(grid);
    let modality = modality_table(grey);
    // What the differences are multiplied with to give modality values.
    let (slope, intercept) = match grey.modality_lut {
        ModalityLut::Rescale { slope, intercept } => (slope, intercept),
        ModalityLut::Table(_) => (1.0, 0.0),
    };
    let window = window_of(grey);
    let wanted = (window.middle - intercept) / slope;
    let wanted = if wanted.is_finite() { wanted } else { 0.0 };
    // The reference value as the shader holds it, exactly.
    let zero = match (modality, integer_range(kind)) {
        (Some(_), _) => wanted.clamp(0.0, 65535.0).round(),
        (None, Some((low, high))) => wanted.clamp(low, high).round(),
        (None, None) => f64::from(wanted.clamp(-1e30, 1e30) as f32),
    };
    let zero_modality = slope * zero + intercept;
    let padding = padding_of(grey);
    let padding_at = |value: i32| ordered(f64::from(value), kind);
    let modality_length = modality.map_or(0, |table| table.entries.len() as u32);
    let voi = voi_table(grey);
    let voi_length = voi.map_or(0, |table| table.entries.len() as u32);
    let presentation = grey.presentation.as_ref();
    let [columns, rows, layers] = source.size.map(|n| n as u32);
    let [across, down, deep] = source.bricks.map(|n| n as u32);
    let display_scale = slope * window.scale;
    let display_offset = (zero_modality - window.middle) * window.scale + window.at_middle;
    let (black, white) = if source.values || view.samples == 3 {
        (-1e30, 1e30)
    } else {
        ends(grey, window.mode, display_scale, display_offset)
    };
    SliceDraw {
        start_hi: grid.start.0,
        start_lo: grid.start.1,
        step_x_hi: grid.step_x.0,
        step_x_lo: grid.step_x.1,
        step_y_hi: grid.step_y.0,
        step_y_lo: grid.step_y.1,
        size: [columns, rows, layers, source.stacked as u32],
        depth_hi: depth.0,
        depth_lo: depth.1,
        half_hi: half.0,
        half_lo: half.1,
        bricks: [across, down, deep, points],
        base,
        rest,
        base_x,
        rest_x,
        base_y,
        rest_y,
        sign_shift: match kind {
            StoredType::I8 => 24,
            StoredType::I16 => 16,
            _ => 0,
        },
        sign_flip: sign_flip(kind),
        inverted: u32::from(grey.inverted),
        zero: ordered(zero, kind),
        zero_value: zero as f32,
        value_scale: finite(slope),
        value_offset: finite(zero_modality),
        padding_low: padding.map_or(0, |range| padding_at(range.low)),
        padding_high: padding.map_or(0, |range| padding_at(range.high)),
        padding_low_value: padding.map_or(0.0, |range| range.low as f32),
        padding_high_value: padding.map_or(0.0, |range| range.high as f32),
        color_scale: (1.0 / color_white(kind)) as f32,
        display_scale: finite(display_scale),
        display_offset: finite(display_offset),
        modality_start: 0,
        modality_length: modality_length.max(1),
        modality_first: modality.map_or(0, |table| table.first_mapped),
        voi_start: modality_length,
        voi_length: voi_length.max(1),
        voi_scale: voi.map_or(1.0, |table| (1.0 / table_white(table)) as f32),
        no_value: f32::NAN.to_bits(),
        presentation_start: modality_length + voi_length,
        presentation_length: presentation
            .map_or(1, |table| table.entries.len() as u32)
            .max(1),
        presentation_scale: presentation.map_or(1.0, |table| (1.0 / table_white(table)) as f32),
        black,
        white,
        // The cast saturates; there are bricks only where it need not.
        brick_zero: rank_offset(kind).map_or(0, |offset| zero as i32 + offset),
        unused: 0,
    }
}

/// A position or a step less a number, as two triples of floats: multiples of 2^-12, and the rest.
fn coarse(fixed: [i64; 3], less: f64) -> ([f32; 4], [f32; 4]) {
    let [x, y, z] = fixed;
    let unit = (1i64 << FRACTION_BITS) as f64;
    let fine = FRACTION_BITS - 12;
    (
        [x, y, z, 0].map(|v| (((v >> fine) << fine) as f64 / unit - less) as f32),
        [x, y, z, 0].map(|v| ((v & ((1 << fine) - 1)) as f64 / unit) as f32),
    )
}

/// The differences at and below which the picture has one shade, and above which it has another: a projection need not
/// look for more. A window's line is cut at both ends; other functions have none.
fn ends(grey: &GreyPipeline, mode: u8, scale: f64, offset: f64) -> (f32, f32) {
    if mode > 1 || grey.presentation.is_some() || scale == 0.0 || !scale.is_finite() {
        return (-1e30, 1e30);
    }
    // A step has both ends at its edge.
    let at = |display: f64| (display - offset) / scale;
    let ends = if mode == 1 {
        [at(0.0); 2]
    } else {
        [at(0.0), at(1.0)]
    };
    let (low, high) = (ends[0].min(ends[1]), ends[0].max(ends[1]));
    // Beyond what rounding to f32 may move.
    let margin = 1e-5 * (low.abs() + high.abs() + 1.0);
    (finite(low - margin), finite(high + margin))
}
