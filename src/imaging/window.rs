//! The f64 reference of stored → modality → display value (PS3.3 C.11.1, C.11.2; PS3.4 N.2).
//!
//! `shaders/lib/voi.wgsl` does the same in f32; `tests/suite/gpu_vs_cpu.rs` compares the two.

use super::{
    palette,
    statistics::{is_image, percentiles},
};
use crate::model::{
    lut::{LookupTable, ModalityLut, PaddingRange, Voi, VoiLutFunction, WindowLevel},
    pixels::{Frame, PixelBytes, StoredType},
    view::GreyPipeline,
};

/// Windows that readers reach for, in Hounsfield units: word of the command line, centre, width.
pub const CT_PRESETS: [(&str, f64, f64); 7] = [
    ("abdomen", 40.0, 400.0),
    ("lung", -600.0, 1500.0),
    ("bone", 400.0, 1800.0),
    ("brain", 40.0, 80.0),
    ("mediastinum", 50.0, 350.0),
    ("liver", 60.0, 160.0),
    ("stroke", 35.0, 35.0),
];

/// Where between two entries of a table a value counts as the upper one: a half, less what rounding of `slope *
/// stored + intercept` may take away. Without it, f32 and f64 would disagree about halves.
pub const TABLE_HALF: f64 = 0.5 + 1.0 / 1024.0;

/// The entry of a table for an input: the nearest one, the first below and the last above the table's range
/// (PS3.3 C.11.1.1.1).
pub fn table_entry(table: &LookupTable, input: f64) -> f64 {
    let last = table.entries.len().saturating_sub(1);
    let index = (input - f64::from(table.first_mapped) + TABLE_HALF).floor();
    // The cast saturates: everything below the table gives 0.
    let index = (index as usize).min(last);
    table.entries.get(index).copied().map_or(0.0, f64::from)
}

/// Stored value to modality value.
pub fn modality_value(stored: f64, lut: &ModalityLut) -> f64 {
    match lut {
        ModalityLut::Rescale { slope, intercept } => slope * stored + intercept,
        ModalityLut::Table(table) => table_entry(table, stored),
    }
}

/// A grey frame as modality values of 32-bit floats, padding as no number: for slices whose stored values mean
/// different things. `None` for colour.
pub fn modality_frame(
    frame: &Frame,
    lut: &ModalityLut,
    padding: Option<PaddingRange>,
) -> Option<Frame> {
    if frame.samples != 1 {
        return None;
    }
    let values = frame.values().map(|stored| {
        if is_image(stored, frame.stored_type, padding) {
            modality_value(stored, lut) as f32
        } else {
            f32::NAN
        }
    });
    let bytes: Vec<u8> = values.flat_map(f32::to_le_bytes).collect();
    let pixels = PixelBytes::from_vec(bytes);
    Frame::new(frame.rows, frame.columns, 1, StoredType::F32, pixels)
}

/// A window as the shader and the reference evaluate it: a straight line cut at 0 and 1, a step, or an S.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mapping {
    /// `value * scale + offset`, kept within 0 and 1.
    Line {
        /// Display value per modality unit.
        scale: f64,
        /// The modality value that becomes 0.5.
        middle: f64,
    },
    /// 0 up to and including the edge, 1 above it: a window of no width.
    Step {
        /// Last modality value that is black.
        edge: f64,
    },
    /// `1 / (1 + exp(-4 (value - center) / width))`, PS3.3 C.11.2.1.3.1.
    Sigmoid {
        /// Centre.
        center: f64,
        /// Width, above 0.
        width: f64,
    },
}

impl Mapping {
    /// What a window function makes of a level. Widths that the standard forbids act as the smallest allowed one.
    pub fn of(level: WindowLevel, function: VoiLutFunction) -> Self {
        let WindowLevel { center, width } = level;
        match function {
            // C.11.2.1.2.1: from c - 0.5 - (w - 1) / 2 to c - 0.5 + (w - 1) / 2.
            VoiLutFunction::Linear if width > 1.0 => Self::Line {
                scale: 1.0 / (width - 1.0),
                middle: center - 0.5,
            },
            VoiLutFunction::Linear => Self::Step { edge: center - 0.5 },
            // C.11.2.1.3.2: from c - w / 2 to c + w / 2.
            VoiLutFunction::LinearExact if width > 0.0 => Self::Line {
                scale: 1.0 / width,
                middle: center,
            },
            VoiLutFunction::Sigmoid if width > 0.0 => Self::Sigmoid { center, width },
            _ => Self::Step { edge: center },
        }
    }

    /// Modality value to display value, 0 to 1.
    pub fn apply(self, value: f64) -> f64 {
        match self {
            Self::Line { scale, middle } => ((value - middle) * scale + 0.5).clamp(0.0, 1.0),
            Self::Step { edge } => f64::from(u8::from(value > edge)),
            Self::Sigmoid { center, width } => {
                1.0 / (1.0 + (-4.0 * (value - center) / width).exp())
            }
        }
    }
}

/// Largest entry that a table may hold by its number of bits.
pub fn table_white(table: &LookupTable) -> f64 {
    ((1u64 << table.bits.clamp(1, 16)) - 1) as f64
}

/// Modality value to display value, 0 (black) to 1 (white).
pub fn display_value(modality: f64, voi: &Voi, inverted: bool) -> f64 {
    let value = match voi {
        Voi::Window {
            level, function, ..
        } => Mapping::of(*level, *function).apply(modality),
        Voi::Table(table) => (table_entry(table, modality) / table_white(table)).clamp(0.0, 1.0),
    };
    if inverted { 1.0 - value } else { value }
}

/// VOI output to P-value, both 0 to 1 (PS3.3 C.11.6.1.1): the table's first entry belongs to the lowest output of the VOI
/// stage, the last one to the highest. VOI output is continuous here, so between two entries lies a straight line.
pub fn presentation_value(voi: f64, table: &LookupTable) -> f64 {
    let last = table.entries.len().saturating_sub(1);
    let place = voi.clamp(0.0, 1.0) * last as f64;
    let low = (place.floor() as usize).min(last);
    let entry = |i: usize| table.entries.get(i).copied().map_or(0.0, f64::from);
    let (from, to) = (entry(low), entry((low + 1).min(last)));
    (from + (to - from) * (place - low as f64)) / table_white(table)
}

/// Modality value to what the screen shows, 0 (black) to 1 (white): VOI, presentation LUT, inversion.
pub fn shown_value(modality: f64, grey: &GreyPipeline) -> f64 {
    let voi = display_value(modality, &grey.voi, false);
    let value = match &grey.presentation {
        Some(table) => presentation_value(voi, table),
        None => voi,
    };
    if grey.inverted { 1.0 - value } else { value }
}

/// Display value to code value of 8 bits, half rounded up.
pub fn code_value(display: f64) -> u8 {
    // The cast saturates.
    (display * 255.0 + 0.5).floor() as u8
}

/// Stored value to code value; padding and values that are no number are black, whatever is inverted.
pub fn grey_code(stored: f64, grey: &GreyPipeline) -> u8 {
    if !is_image(stored, grey.stored_type, grey.padding) {
        return 0;
    }
    let modality = modality_value(stored, &grey.modality_lut);
    code_value(shown_value(modality, grey))
}

/// Largest value of a colour sample.
pub const fn color_white(stored_type: StoredType) -> f64 {
    match stored_type {
        StoredType::U8 => 255.0,
        _ => 65535.0,
    }
}

/// The frame's pixels as code values, one byte a sample. RGB passes through, inverted where asked.
pub fn display_u8(frame: &Frame, grey: &GreyPipeline) -> Vec<u8> {
    if frame.samples == 3 {
        let white = color_white(frame.stored_type);
        return frame
            .values()
            .map(|v| if grey.inverted { white - v } else { v })
            .map(|v| code_value(v / white))
            .collect();
    }
    if frame.stored_type.bytes() <= 2 {
        // 65536 possible values at most: each is computed once.
        let signed = frame.stored_type.signed();
        let start = if signed { -32768.0 } else { 0.0 };
        let codes: Vec<u8> = (0..=u16::MAX)
            .map(|i| grey_code(f64::from(i) + start, grey))
            .collect();
        return frame
            .values()
            .map(|v| codes.get((v - start) as usize).copied().unwrap_or_default())
            .collect();
    }
    frame.values().map(|v| grey_code(v, grey)).collect()
}

/// The window that spans the image values from one percentile to another (shares from 0 to 1), for images that
/// bring none. A flat image gets a window of width 1 around its value. Exactly: the lower value becomes black, the
/// upper one white.
pub fn full_dynamic(
    frames: &[&Frame],
    grey: &GreyPipeline,
    (low, high): (f64, f64),
) -> Option<Voi> {
    let [a, b] = percentiles(frames, grey.padding, [low, high])?
        .map(|stored| modality_value(stored, &grey.modality_lut));
    spanning(a, b)
}

/// The window that makes the lower of two modality values black and the higher one white.
fn spanning(a: f64, b: f64) -> Option<Voi> {
    let (low, high) = (a.min(b), a.max(b));
    let span = high - low;
    if !span.is_finite() {
        return None;
    }
    if span > 0.0 && span < 1.0 {
        // LINEAR needs a width of 1; a scale this fine is served by LINEAR_EXACT.
        return Some(Voi::Window {
            level: WindowLevel {
                center: (low + high) * 0.5,
                width: span,
            },
            function: VoiLutFunction::LinearExact,
            explanation: String::new(),
        });
    }
    Some(Voi::window((low + high + 1.0) * 0.5, span + 1.0))
}

/// An indexed picture in colour, 8 bits a sample; `None` when the frame does not hold integer indices.
pub fn palette_rgb(frame: &Frame, tables: &[LookupTable; 3]) -> Option<Frame> {
    match frame.stored_type {
        StoredType::F32 | StoredType::F64 => None,
        _ => palette::expand(frame, tables),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn table(first_mapped: i32, bits: u8, entries: impl Into<Arc<[u16]>>) -> LookupTable {
        LookupTable {
            first_mapped,
            entries: entries.into(),
            bits,
            explanation: String::new(),
        }
    }

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-12, "{a} {b}");
    }

    #[test]
    fn the_examples_of_the_standard_hold() {
        // PS3.3 C.11.2.1.2.1: window centre 2048, width 4096 (and 2048, 1; 0, 100; 0, 1) with y from 0 to 255.
        let y = |c, w, x| display_value(x, &Voi::window(c, w), false) * 255.0;
        close(y(2048.0, 4096.0, 0.0), 0.0);
        close(y(2048.0, 4096.0, 4095.0), 255.0);
        close(
            y(2048.0, 4096.0, 1000.0),
            ((1000.0 - 2047.5) / 4095.0 + 0.5) * 255.0,
        );
        close(y(2048.0, 1.0, 2047.0), 0.0);
        close(y(2048.0, 1.0, 2047.5), 0.0);
        close(y(2048.0, 1.0, 2048.0), 255.0);
        close(y(0.0, 100.0, -50.0), 0.0);
        close(y(0.0, 100.0, 49.0), 255.0);
        close(y(0.0, 100.0, 0.0), ((0.0 + 0.5) / 99.0 + 0.5) * 255.0);
        close(y(0.0, 1.0, -1.0), 0.0);
        close(y(0.0, 1.0, 0.0), 255.0);
    }

    #[test]
    fn other_functions_follow_their_formula() {
        let voi = |function| Voi::Window {
            level: WindowLevel {
                center: 10.0,
                width: 4.0,
            },
            function,
            explanation: String::new(),
        };
        let exact = |x| display_value(x, &voi(VoiLutFunction::LinearExact), false);
        close(exact(8.0), 0.0);
        close(exact(11.0), 0.75);
        close(exact(12.0), 1.0);
        let sigmoid = |x| display_value(x, &voi(VoiLutFunction::Sigmoid), false);
        close(sigmoid(10.0), 0.5);
        close(sigmoid(12.0), 1.0 / (1.0 + (-2.0f64).exp()));
        close(
            display_value(12.0, &voi(VoiLutFunction::Sigmoid), true),
            1.0 - sigmoid(12.0),
        );
    }

    #[test]
    fn tables_end_where_they_end() {
        let lut = table(-2, 8, [10u16, 20, 30, 255]);
        let entry = |x| table_entry(&lut, x);
        assert_eq!(
            [-1e9, -2.0, -1.0, 0.0, 1.0, 1e9].map(entry),
            [10.0, 10.0, 20.0, 30.0, 255.0, 255.0]
        );
        assert_eq!([-1.6, -1.5, -0.6].map(entry), [10.0, 20.0, 20.0]);
        close(display_value(1.0, &Voi::Table(lut.clone()), false), 1.0);
        close(modality_value(-1.0, &ModalityLut::Table(lut)), 20.0);
    }

    #[test]
    fn a_presentation_lut_comes_after_the_window() {
        let mut grey = grey(StoredType::U8);
        // Ten bits of P-values: black, a quarter, white.
        grey.presentation = Some(table(0, 10, [0u16, 256, 1023]));
        let shown = |v| shown_value(v, &grey);
        close(shown(0.0), 0.0);
        close(shown(127.5), 256.0 / 1023.0);
        close(shown(255.0), 1.0);
        close(shown(63.75), 128.0 / 1023.0);
        close(shown(1e9), 1.0);
        let one = table(0, 8, [7u16]);
        close(presentation_value(0.3, &one), 7.0 / 255.0);
        grey.inverted = true;
        close(shown_value(255.0, &grey), 0.0);
        assert_eq!(grey_code(0.0, &grey), 255);
    }

    fn grey(stored_type: StoredType) -> GreyPipeline {
        GreyPipeline {
            stored_type,
            modality_lut: ModalityLut::IDENTITY,
            voi: Voi::window(128.0, 256.0),
            inverted: false,
            padding: None,
            presentation: None,
        }
    }

    #[test]
    fn bytes_pass_through_the_full_window_and_padding_stays_black() {
        let all: Vec<u8> = (0..=255).collect();
        let frame =
            Frame::new(16, 16, 1, StoredType::U8, PixelBytes::from_vec(all.clone())).unwrap();
        let mut grey = grey(StoredType::U8);
        assert_eq!(display_u8(&frame, &grey), all);
        grey.inverted = true;
        grey.padding = Some(PaddingRange { low: 0, high: 3 });
        let shown = display_u8(&frame, &grey);
        assert_eq!(shown[..5], [0, 0, 0, 0, 251]);
        let rgb = Frame::new(1, 1, 3, StoredType::U8, PixelBytes::from_vec(vec![1, 2, 3])).unwrap();
        assert_eq!(display_u8(&rgb, &grey), [254, 253, 252]);
    }

    #[test]
    fn the_full_window_is_black_and_white_at_its_ends() {
        let bytes: Vec<u8> = [5i16, 100, 205]
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect();
        let frame = Frame::new(1, 3, 1, StoredType::I16, PixelBytes::from_vec(bytes)).unwrap();
        let mut grey = grey(StoredType::I16);
        grey.modality_lut = ModalityLut::Rescale {
            slope: -2.0,
            intercept: 7.0,
        };
        grey.voi = full_dynamic(&[&frame], &grey, (0.0, 1.0)).unwrap();
        assert_eq!(
            display_u8(&frame, &grey),
            [255, code_value(105.0 / 200.0), 0]
        );
    }

    #[test]
    fn fine_scales_get_an_exact_window() {
        let bytes: Vec<u8> = [0.25f32, 0.5, 0.75]
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect();
        let frame = Frame::new(1, 3, 1, StoredType::F32, PixelBytes::from_vec(bytes)).unwrap();
        let mut grey = grey(StoredType::F32);
        grey.voi = full_dynamic(&[&frame], &grey, (0.0, 1.0)).unwrap();
        assert_eq!(display_u8(&frame, &grey), [0, 128, 255]);
        let flat = Frame::new(1, 1, 1, StoredType::U8, PixelBytes::from_vec(vec![9])).unwrap();
        let voi = full_dynamic(&[&flat], &grey, (0.0, 1.0)).unwrap();
        assert_eq!(voi, Voi::window(9.5, 1.0));
    }

    #[test]
    fn palettes_become_colour() {
        let ramp = |low: u16| table(0, 16, (0..4).map(|i| (i << 14) + low).collect::<Vec<_>>());
        let palette = [ramp(0), ramp(255), table(0, 8, [0u16, 1, 2, 255])];
        let frame = Frame::new(1, 2, 1, StoredType::U8, PixelBytes::from_vec(vec![0, 3])).unwrap();
        let rgb = palette_rgb(&frame, &palette).unwrap();
        // The high byte of an entry of 16 bits is the colour.
        assert_eq!(rgb.pixels.as_slice(), [0, 0, 0, 192, 192, 255]);
    }
}
