//! `negatoscope pixels`: one frame's pixels as a NumPy array.

use super::{
    Common, Exit, Output, filtering,
    inspect::{exit_of, limits},
    series::Refusal,
};
use crate::{
    dicom::{frames::FrameSource as _, scan::read_instance, window_default::window_default},
    files::put_whole,
    imaging::{
        statistics::is_image,
        window::{display_u8, modality_value, palette_rgb},
    },
    model::{
        lut::{Voi, WindowLevel},
        pixels::Frame,
        study::ImageDescription,
        view::GreyPipeline,
    },
};
use clap::{Args, ValueEnum};
use std::{
    borrow::Cow,
    io::{self, Write as _},
    path::PathBuf,
};

/// How far along the grey chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Stage {
    /// As stored, integer type and sign kept.
    Stored,
    /// After the modality LUT, float32.
    Modality,
    /// After the filters, float32; NaN where there is no image.
    Filtered,
    /// After VOI and presentation, uint8.
    Display,
}

/// Arguments of `pixels`.
#[derive(Debug, Args)]
pub struct PixelsArgs {
    /// The file
    pub file: PathBuf,
    /// Frame, counted from 1
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub frame: usize,
    /// How far along the grey chain
    #[arg(long, value_enum, default_value_t = Stage::Stored)]
    pub stage: Stage,
    /// Centre and width instead of the file's own window
    #[arg(long, value_name = "C,W", value_parser = parse_window, allow_hyphen_values = true)]
    pub window: Option<WindowLevel>,
    /// The file's own window or VOI LUT, by number counted from 1 or by name
    #[arg(long, value_name = "N|NAME", conflicts_with = "window")]
    pub voi: Option<String>,
    /// A filter such as `gaussian sigma=1.5`, for the stage `filtered`; several act in their order (docs/filters.md)
    #[arg(long = "filter", value_name = "FILTER")]
    pub filters: Vec<String>,
    /// The array to write
    #[arg(long, value_name = "FILE.npy")]
    pub out: PathBuf,
}

fn parse_window(text: &str) -> Result<WindowLevel, String> {
    let (center, width) = text.split_once(',').ok_or("expected centre,width")?;
    let number = |t: &str| t.trim().parse::<f64>().ok().filter(|v| v.is_finite());
    match (number(center), number(width)) {
        (Some(center), Some(width)) if width >= 1.0 => Ok(WindowLevel { center, width }),
        _ => Err("expected two numbers, the width at least 1".to_owned()),
    }
}

/// Runs `pixels`.
pub fn run(args: &PixelsArgs, common: &Common, out: &mut Output) -> Exit {
    let limits = limits(common);
    let instance = match read_instance(&args.file, &common.scan_options(limits)) {
        Ok(instance) => instance,
        Err(rejection) => {
            let (code, detail) = (rejection.code, &rejection.detail);
            out.error(format!("[{code}] {detail}: {}", args.file.display()));
            return exit_of(rejection.outcome);
        }
    };
    let Some(image) = &instance.image else {
        out.error(format!(
            "the object has no picture: {}",
            args.file.display()
        ));
        return Exit::Rejected;
    };
    let Some(index) = args.frame.checked_sub(1).filter(|i| *i < image.frames) else {
        let (frame, frames) = (args.frame, image.frames);
        out.error(format!(
            "frame {frame} does not exist, the object has {frames}"
        ));
        return Exit::Usage;
    };
    let frame = match common.frame_source(limits).read_frame(&instance, index) {
        Ok(frame) => frame,
        Err(error) => {
            out.error(format!(
                "[{}] {error}: {}",
                error.code(),
                args.file.display()
            ));
            return exit_of(error.kind());
        }
    };
    if let Some(words) = &args.voi
        && image.frame(index).voi_chosen(words).is_none()
    {
        out.error(format!("the file has no window `{words}`"));
        return Exit::Usage;
    }
    let made = match args.stage {
        Stage::Filtered => filtered(args, image, index, &frame),
        _ => Ok(stage(args, image, index, &frame)),
    };
    let (kind, samples, bytes) = match made {
        Ok(made) => made,
        Err(refusal) => {
            out.error(refusal.message);
            return refusal.exit;
        }
    };
    let header = npy_header(kind, frame.rows, frame.columns, samples);
    // One after the other: a large frame is not held twice.
    let written: io::Result<()> = put_whole(&args.out, |file| {
        file.write_all(&header)?;
        file.write_all(&bytes)
    });
    if let Err(error) = written {
        out.error(format!("cannot write: {error}: {}", args.out.display()));
        return Exit::Io;
    }
    if common.json {
        out.json(&serde_json::json!({
            "out": args.out.to_string_lossy(),
            "dtype": kind,
            "rows": frame.rows,
            "columns": frame.columns,
            "samples": samples,
            "frame": args.frame,
            "sop_instance_uid": instance.sop_instance_uid,
        }));
    }
    Exit::Done
}

/// NumPy type, samples and bytes.
type Array<'a> = (&'static str, usize, Cow<'a, [u8]>);

/// The modality values after the filters.
fn filtered<'a>(
    args: &PixelsArgs,
    image: &ImageDescription,
    index: usize,
    frame: &Frame,
) -> Result<Array<'a>, Refusal> {
    if frame.samples != 1 || image.palette.is_some() {
        let text = "filters act on grey pictures only";
        return Err(Refusal::new(Exit::Unsupported, text));
    }
    let description = image.frame(index);
    let voi = window_default(description, frame, image.padding, image.bits_stored);
    let stack = filtering::stack_of(&args.filters, &voi)?;
    let values =
        frame.values().map(
            |stored| match is_image(stored, frame.stored_type, image.padding) {
                true => modality_value(stored, &description.modality_lut),
                false => f64::NAN,
            },
        );
    let plane = filtering::filtered(&stack, frame.columns, frame.rows, values.collect())?;
    let values = plane.values().iter();
    let bytes = values.flat_map(|v| (*v as f32).to_le_bytes()).collect();
    Ok(("<f4", 1, Cow::Owned(bytes)))
}

/// What the wanted stage is, where no filters are asked for.
fn stage<'a>(
    args: &PixelsArgs,
    image: &ImageDescription,
    index: usize,
    frame: &'a Frame,
) -> Array<'a> {
    let description = image.frame(index);
    match args.stage {
        Stage::Stored => (
            frame.stored_type.numpy(),
            frame.samples,
            Cow::Borrowed(frame.pixels.as_slice()),
        ),
        Stage::Modality | Stage::Filtered => {
            let lut = &description.modality_lut;
            let grey = frame.samples == 1 && image.palette.is_none();
            let value = |v: f64| if grey { modality_value(v, lut) } else { v };
            let bytes = frame.values().flat_map(|v| (value(v) as f32).to_le_bytes());
            ("<f4", frame.samples, Cow::Owned(bytes.collect()))
        }
        Stage::Display => {
            let chosen = args.voi.as_deref().and_then(|w| description.voi_chosen(w));
            let voi = match (args.window, chosen) {
                (Some(w), _) => Some(Voi::window(w.center, w.width)),
                (None, Some(voi)) => Some(voi.clone()),
                (None, None) => None,
            };
            let (samples, codes) = display_codes(image, index, frame, voi);
            ("|u1", samples, Cow::Owned(codes))
        }
    }
}

/// A frame as it is shown, one byte a sample: how many samples a pixel has, and the bytes row by row. Without a window that
/// of the file counts, else the usual one.
pub(super) fn display_codes(
    image: &ImageDescription,
    index: usize,
    frame: &Frame,
    voi: Option<Voi>,
) -> (usize, Vec<u8>) {
    if let Some(rgb) = image.palette.as_ref().and_then(|p| palette_rgb(frame, p)) {
        return (3, rgb.pixels.as_slice().to_vec());
    }
    let description = image.frame(index);
    let voi =
        voi.unwrap_or_else(|| window_default(description, frame, image.padding, image.bits_stored));
    let grey = GreyPipeline {
        stored_type: frame.stored_type,
        modality_lut: description.modality_lut.clone(),
        voi,
        inverted: frame.samples == 1 && image.lowest_is_white(),
        padding: image.padding,
        presentation: image.display.presentation_lut.clone(),
    };
    (frame.samples, display_u8(frame, &grey))
}

/// What a version 1.0 `.npy` file begins with, C order.
fn npy_header(kind: &str, rows: usize, columns: usize, samples: usize) -> Vec<u8> {
    let shape = if samples == 1 {
        format!("({rows}, {columns})")
    } else {
        format!("({rows}, {columns}, {samples})")
    };
    let mut header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}");
    // Magic, version and length take 10 bytes; the data begin at a multiple of 64.
    let padded = (header.len() + 11).next_multiple_of(64) - 11;
    header.extend(std::iter::repeat_n(' ', padded - header.len()));
    header.push('\n');
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_begin_on_a_boundary() {
        let header = npy_header("<i2", 2, 3, 1);
        assert_eq!(header.len() % 64, 0);
        assert_eq!(header[header.len() - 1], b'\n');
    }

    #[test]
    fn windows_are_parsed() {
        assert_eq!(
            parse_window("-600,1500"),
            Ok(WindowLevel {
                center: -600.0,
                width: 1500.0
            })
        );
        assert!(parse_window("40").is_err());
        assert!(parse_window("40,0").is_err());
    }
}
