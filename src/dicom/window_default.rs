//! The window that a picture opens with.

use crate::{
    imaging::{statistics::percentiles, window::modality_value},
    model::{
        lut::{PaddingRange, Voi, VoiLutFunction, WindowLevel},
        pixels::{Frame, StoredType},
        study::FrameDescription,
    },
};

/// The file's first VOI LUT or window. Without one the whole range of what is stored in 8 bits, which are display values
/// already (or a mask, when one bit of them is used);
/// else from the 0.1 % to the 99.9 % percentile of the modality values without padding, so that a few hot pixels do
/// not decide.
pub fn window_default(
    description: &FrameDescription,
    frame: &Frame,
    padding: Option<PaddingRange>,
    bits_stored: u16,
) -> Voi {
    if let Some(first) = description.voi.first() {
        return first.clone();
    }
    let unused = 8u16.saturating_sub(bits_stored).min(7);
    let stored = match frame.stored_type {
        StoredType::U8 => [0.0, f64::from(u8::MAX >> unused)],
        StoredType::I8 => [i8::MIN >> unused, i8::MAX >> unused].map(f64::from),
        _ => percentiles(&[frame], padding, [0.001, 0.999]).unwrap_or([0.0, 1.0]),
    };
    let [a, b] = stored.map(|v| modality_value(v, &description.modality_lut));
    let (low, high) = (a.min(b), a.max(b));
    let fine = matches!(frame.stored_type, StoredType::F32 | StoredType::F64) || high - low < 1.0;
    // PS3.3 C.11.2.1.2.1: LINEAR maps `low` to black and `high` to white with this centre and width;
    // it needs a width of 1, so fine scales use LINEAR_EXACT.
    let (center, width, function) = if fine {
        let width = (high - low).max(f64::EPSILON * high.abs().max(1.0));
        ((low + high) / 2.0, width, VoiLutFunction::LinearExact)
    } else {
        let (center, width) = ((low + high + 1.0) / 2.0, high - low + 1.0);
        (center, width, VoiLutFunction::Linear)
    };
    Voi::Window {
        level: WindowLevel { center, width },
        function,
        explanation: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        geometry::Spacing,
        lut::{ModalityLut, ModalityUnit},
        pixels::PixelBytes,
    };

    fn description(voi: Vec<Voi>) -> FrameDescription {
        FrameDescription {
            plane: None,
            spacing: Spacing::Unknown { aspect: 1.0 },
            slice_thickness_mm: None,
            modality_lut: ModalityLut::Rescale {
                slope: 2.0,
                intercept: -10.0,
            },
            unit: ModalityUnit::Unspecified,
            voi,
        }
    }

    fn frame(values: &[i16]) -> Frame {
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let bytes = PixelBytes::from_vec(bytes);
        Frame::new(1, values.len(), 1, StoredType::I16, bytes).unwrap()
    }

    #[test]
    fn the_files_own_window_comes_first() {
        let own = Voi::window(40.0, 400.0);
        let given = window_default(&description(vec![own.clone()]), &frame(&[1, 2]), None, 16);
        assert_eq!(given, own);
    }

    #[test]
    fn full_dynamic_leaves_padding_out() {
        let padding = PaddingRange {
            low: -2000,
            high: -2000,
        };
        let values = [-2000, -2000, 0, 50, 100];
        let voi = window_default(&description(Vec::new()), &frame(&values), Some(padding), 16);
        // Modality values run from -10 to 190.
        let level = voi.level().unwrap();
        assert_eq!((level.center, level.width), (90.5, 201.0));
    }

    #[test]
    fn hot_pixels_do_not_decide() {
        let mut values = vec![10; 10_000];
        values.extend([20; 10_000]);
        values.extend([30_000; 5]);
        let level = window_default(&description(Vec::new()), &frame(&values), None, 16)
            .level()
            .unwrap();
        assert_eq!(level.width, 21.0);
    }

    #[test]
    fn a_flat_frame_has_a_window_too() {
        let voi = window_default(&description(Vec::new()), &frame(&[7; 9]), None, 16);
        let level = voi.level().unwrap();
        assert!(level.width > 0.0 && level.center == 4.0);
    }

    #[test]
    fn few_bits_fill_the_range() {
        let mask = |stored_type, bits| {
            let frame = Frame::new(1, 2, 1, stored_type, PixelBytes::from_vec(vec![0, 1]));
            let mut description = description(Vec::new());
            description.modality_lut = ModalityLut::IDENTITY;
            window_default(&description, &frame.unwrap(), None, bits)
                .level()
                .unwrap()
        };
        let check = |stored_type, bits, center, width| {
            assert_eq!(
                mask(stored_type, bits),
                WindowLevel { center, width },
                "{bits}"
            );
        };
        check(StoredType::U8, 1, 1.0, 2.0);
        check(StoredType::U8, 6, 32.0, 64.0);
        check(StoredType::U8, 8, 128.0, 256.0);
        check(StoredType::I8, 6, 0.0, 64.0);
        check(StoredType::I8, 8, 0.0, 256.0);
    }
}
