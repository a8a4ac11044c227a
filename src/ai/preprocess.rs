//! From the pixels of a picture to the numbers a network sees.
//!
//! The whole frame is resized to a square by area, without bars (none of the training pictures from Shenzhen has
//! bars, so they were squeezed, too), clipped to its 1st and 99th percentile, and brought to mean 0 and standard
//! deviation 1. So neither the manufacturer's scale of stored values nor a window matters, and `inverted` turns
//! MONOCHROME1 into the same picture.

use super::AiError;
use crate::{
    imaging::{resample, window::modality_value},
    model::{
        finding::{Finding, Severity},
        lut::{ModalityLut, PaddingRange},
        pixels::Frame,
    },
};

/// Share of the darkest and of the brightest pixels that are clipped.
const CLIPPED_SHARE: f64 = 0.01;

/// Resizes by area to `side` × `side` and scales the 1st to 99th percentile to 0 to 1, clipped.
/// A picture without contrast becomes all zero.
pub(crate) fn unit_square(
    values: &[f32],
    from: [usize; 2],
    side: usize,
) -> Result<Vec<f32>, AiError> {
    let mut square = resample::area(values, from, [side, side])
        .map_err(|error| AiError::Compute(error.to_string()))?;
    let mut sorted: Vec<f32> = square.iter().copied().filter(|v| v.is_finite()).collect();
    sorted.sort_unstable_by(f32::total_cmp);
    let cut = (sorted.len() as f64 * CLIPPED_SHARE) as usize;
    let low = sorted.get(cut).copied().unwrap_or(0.0);
    let high = sorted
        .get(sorted.len().saturating_sub(cut + 1))
        .copied()
        .unwrap_or(0.0);
    let scale = if high > low { 1.0 / (high - low) } else { 0.0 };
    for value in &mut square {
        let unit = (*value - low) * scale;
        *value = if unit.is_finite() {
            unit.clamp(0.0, 1.0)
        } else {
            0.0
        };
    }
    Ok(square)
}

/// Shifts and scales to mean 0 and standard deviation 1; all zero without contrast. Sums are f64 in order, so the
/// result is the same everywhere.
pub(crate) fn standardise(values: &mut [f32]) {
    let n = values.len().max(1) as f64;
    let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
    let variance = values
        .iter()
        .map(|&v| (f64::from(v) - mean).powi(2))
        .sum::<f64>()
        / n;
    let scale = if variance > 1e-12 {
        variance.sqrt().recip()
    } else {
        0.0
    };
    for value in values {
        *value = ((f64::from(*value) - mean) * scale) as f32;
    }
}

/// One frame and what is needed to read its values the right way round.
#[derive(Clone, Copy, Debug)]
pub struct FrameInput<'a> {
    /// The decoded frame.
    pub frame: &'a Frame,
    /// Stored to modality value.
    pub modality_lut: &'a ModalityLut,
    /// Stored values that carry no image; taken as the darkest of the others.
    pub padding: Option<PaddingRange>,
    /// The lowest value is white: MONOCHROME1 or Presentation LUT Shape INVERSE, not the user's inversion.
    pub inverted: bool,
}

/// Ratio of the sides up to which a radiograph has a usual shape; a 35 × 43 cm film has 1.23.
const MOST_OBLONG: f64 = 1.5;

/// Differences between red, green and blue up to this share of their range still count as grey (JPEG rounding).
const GREY_TOLERANCE: f64 = 0.02;

/// The network's input, `side * side` values row by row, and what was noticed.
///
/// Colour pictures are refused; RGB pictures whose channels agree are grey.
pub fn prepare(input: FrameInput<'_>, side: usize) -> Result<(Vec<f32>, Vec<Finding>), AiError> {
    let (values, mut findings) = grey(input)?;
    let mut square = unit_square(&values, [input.frame.rows, input.frame.columns], side)?;
    let flat = square.iter().all(|&v| v == 0.0);
    standardise(&mut square);
    if flat {
        findings.push(Finding::new(
            "NO_CONTRAST",
            Severity::Warning,
            "The picture has no contrast, so the network has nothing to go by",
        ));
    }
    Ok((square, findings))
}

/// The picture as grey values, bright where more X-rays were stopped, and what its shape says. Values that carry no image
/// are the darkest of the others.
pub(crate) fn grey(input: FrameInput<'_>) -> Result<(Vec<f32>, Vec<Finding>), AiError> {
    let mut values = grey_values(input)?;
    if input.inverted {
        values.iter_mut().for_each(|v| *v = -*v);
    }
    let darkest = values
        .iter()
        .copied()
        .filter(|v| v.is_finite())
        .reduce(f32::min);
    for value in &mut values {
        if !value.is_finite() {
            *value = darkest.unwrap_or(0.0);
        }
    }
    let mut findings = Vec::new();
    let aspect = input.frame.rows as f64 / input.frame.columns.max(1) as f64;
    if !(MOST_OBLONG.recip()..=MOST_OBLONG).contains(&aspect) {
        findings.push(Finding::new(
            "UNUSUAL_SHAPE",
            Severity::Warning,
            "The picture is much longer on one side; the network sees it squeezed to a square",
        ));
    }
    Ok((values, findings))
}

/// Modality values; padding and values that are not numbers are NaN.
fn grey_values(input: FrameInput<'_>) -> Result<Vec<f32>, AiError> {
    let frame = input.frame;
    let padding = |v: f64| {
        input
            .padding
            .is_some_and(|p| v >= f64::from(p.low) && v <= f64::from(p.high))
    };
    match frame.samples {
        1 => Ok(frame
            .values()
            .map(|stored| match padding(stored) {
                true => f32::NAN,
                false => modality_value(stored, input.modality_lut) as f32,
            })
            .collect()),
        3 => {
            let values: Vec<f64> = frame.values().collect();
            let top = values.iter().copied().fold(0.0, f64::max);
            let pixels = values.as_chunks::<3>().0;
            let coloured = pixels.iter().any(|&[r, g, b]| {
                r.max(g).max(b) - r.min(g).min(b) > GREY_TOLERANCE * top.max(1.0)
            });
            if coloured {
                return Err(AiError::Input(Finding::new(
                    "COLOUR_PICTURE",
                    Severity::Error,
                    "This is a colour picture; the model was made for grey radiographs",
                )));
            }
            Ok(pixels.iter().map(|&[_, g, _]| g as f32).collect())
        }
        _ => Err(AiError::Compute("a frame has 1 or 3 samples".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::pixels::{PixelBytes, StoredType};

    fn frame(samples: usize, bytes: Vec<u8>) -> Frame {
        let side = ((bytes.len() / samples) as f64).sqrt() as usize;
        Frame::new(
            side,
            side,
            samples,
            StoredType::U8,
            PixelBytes::from_vec(bytes),
        )
        .unwrap()
    }

    fn run(
        frame: &Frame,
        lut: &ModalityLut,
        inverted: bool,
        padding: Option<PaddingRange>,
    ) -> Vec<f32> {
        let input = FrameInput {
            frame,
            modality_lut: lut,
            padding,
            inverted,
        };
        prepare(input, 8).unwrap().0
    }

    fn ramp() -> Vec<u8> {
        (0..256u32).map(|i| (i % 251) as u8).collect()
    }

    #[test]
    fn scale_and_polarity_do_not_matter() {
        let plain = run(&frame(1, ramp()), &ModalityLut::IDENTITY, false, None);
        let mean = plain.iter().sum::<f32>() / 64.0;
        let square = plain.iter().map(|v| v * v).sum::<f32>() / 64.0;
        assert!(mean.abs() < 1e-6 && (square - 1.0).abs() < 1e-5);
        let rescaled = ModalityLut::Rescale {
            slope: 3.5,
            intercept: -1024.0,
        };
        let inverse: Vec<u8> = ramp().iter().map(|v| 255 - v).collect();
        for other in [
            run(&frame(1, ramp()), &rescaled, false, None),
            run(&frame(1, inverse), &ModalityLut::IDENTITY, true, None),
            run(
                &frame(3, ramp().iter().flat_map(|&v| [v; 3]).collect()),
                &ModalityLut::IDENTITY,
                false,
                None,
            ),
        ] {
            for (a, b) in plain.iter().zip(&other) {
                assert!((a - b).abs() < 1e-4, "{a} {b}");
            }
        }
    }

    #[test]
    fn padding_is_dark_either_way_round() {
        let mut bytes = ramp();
        bytes[..64].fill(255);
        let padding = Some(PaddingRange {
            low: 255,
            high: 255,
        });
        for inverted in [false, true] {
            let values = run(
                &frame(1, bytes.clone()),
                &ModalityLut::IDENTITY,
                inverted,
                padding,
            );
            let darkest = values.iter().copied().fold(f32::MAX, f32::min);
            // The upper quarter of the picture is padding.
            assert!(values[..16].iter().all(|&v| v == darkest), "{values:?}");
        }
    }

    #[test]
    fn colour_is_refused_and_flat_is_noticed() {
        let identity = ModalityLut::IDENTITY;
        let input = |frame| FrameInput {
            frame,
            modality_lut: &identity,
            padding: None,
            inverted: false,
        };
        let colour = frame(3, [200, 10, 10].repeat(256));
        let refused = prepare(input(&colour), 8).unwrap_err();
        assert!(matches!(refused, AiError::Input(f) if f.code == "COLOUR_PICTURE"));
        let flat = frame(1, vec![7; 256]);
        let (values, findings) = prepare(input(&flat), 8).unwrap();
        assert!(values.iter().all(|&v| v == 0.0));
        assert_eq!(findings[0].code, "NO_CONTRAST");
        let strip = Frame::new(4, 64, 1, StoredType::U8, PixelBytes::from_vec(ramp())).unwrap();
        assert_eq!(
            prepare(input(&strip), 8).unwrap().1[0].code,
            "UNUSUAL_SHAPE"
        );
    }
}
