//! A volume as PNG pictures (ISO/IEC 15948), one a slice.
//!
//! Must stay true: every pixel says exactly one value, `slope * pixel + intercept`, and the file says slope, intercept,
//! unit and place by the names that DICOM has for them; values that do not fit into 16 bits are refused, not rounded.
//! Nothing that identifies anybody is written.

use super::{FormatError, Placement, VolumeOut, pack::zlib, values};
use crate::{
    files::{put_whole, write_whole},
    model::{
        lut::ModalityLut,
        pixels::{Frame, StoredType},
        volume::Volume,
    },
};
use flate2::Crc;
use image::ExtendedColorType;
use std::{
    io,
    path::{Path, PathBuf},
};

/// What a pixel of the pictures means: `slope * pixel + intercept`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PixelMeaning {
    /// 8 or 16.
    pub bits: u8,
    /// Modality units of one step.
    pub slope: f64,
    /// Modality value of pixel 0.
    pub intercept: f64,
}

/// Pictures that were written.
#[derive(Clone, Debug)]
pub struct Pictures {
    /// One a slice, in the order of the volume.
    pub paths: Vec<PathBuf>,
    /// What their pixels mean; `None` for colour.
    pub meaning: Option<PixelMeaning>,
}

/// Writes a picture without anything beside it, whole or not at all: `bytes` are its pixels, row by row.
///
/// # Errors
/// Those of the disk, and a number of bytes that is not that of the pixels.
pub fn write_picture(
    path: &Path,
    bytes: &[u8],
    [width, height]: [u32; 2],
    color: ExtendedColorType,
) -> io::Result<()> {
    put_whole(path, |file| {
        let encoder = image::codecs::png::PngEncoder::new(file);
        // What does not fit together is an error and no panic: the encoder asserts it.
        let pixels = u64::from(width).saturating_mul(u64::from(height));
        let bits = pixels.saturating_mul(u64::from(color.bits_per_pixel()));
        if bits.div_ceil(8) != bytes.len() as u64 {
            return Err(io::Error::other("the picture has another size"));
        }
        image::ImageEncoder::write_image(encoder, bytes, width, height, color)
            .map_err(io::Error::other)
    })
}

/// As [`write_picture`], with texts that the file carries: keyword (PNG 11.3.3.2, Latin letters) and text.
///
/// # Errors
/// Those of the disk, and a size that does not fit the pixels.
pub fn write_noted_picture(
    path: &Path,
    bytes: &[u8],
    [width, height]: [u32; 2],
    color: ExtendedColorType,
    notes: &[(&str, String)],
) -> io::Result<()> {
    let pixels = u64::from(width).saturating_mul(u64::from(height));
    let bits = pixels.saturating_mul(u64::from(color.bits_per_pixel()));
    if bits.div_ceil(8) != bytes.len() as u64 {
        return Err(io::Error::other("the picture has another size"));
    }
    let mut plain = Vec::new();
    let encoder = image::codecs::png::PngEncoder::new(&mut plain);
    image::ImageEncoder::write_image(encoder, bytes, width, height, color)
        .map_err(io::Error::other)?;
    // Signature and IHDR have a fixed length; texts may stand anywhere behind them.
    let (head, rest) = plain
        .split_at_checked(HEAD_BYTES)
        .ok_or_else(|| io::Error::other("the encoder wrote no header"))?;
    let mut file = head.to_vec();
    for (keyword, text) in notes {
        let text: String = text
            .chars()
            .map(|c| if c.is_ascii() { c } else { '?' })
            .collect();
        let body = [keyword.as_bytes(), &[0], text.as_bytes()].concat();
        chunk(&mut file, b"tEXt", &body);
    }
    file.extend(rest);
    write_whole(path, &file)
}

/// Bytes of the signature and of IHDR.
const HEAD_BYTES: usize = 8 + 25;

/// Whether a name asks for pictures.
pub fn is_png(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.len() > 4 && name.to_ascii_lowercase().ends_with(".png")
}

/// `a/b.png` to `a/b-0012.png`; four digits, or as many as the last slice has.
fn name_of(path: &Path, slice: usize, slices: usize) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let width = slices.to_string().len().max(4);
    path.with_file_name(format!("{stem}-{:0width$}.png", slice + 1))
}

/// How values become pixels.
#[derive(Clone, Copy)]
struct Coding {
    /// Samples are written as they are stored.
    colour: bool,
    bits: u8,
    /// The modality table is applied, since no slope can say it.
    tabled: bool,
    /// Value of pixel 0.
    low: f64,
}

/// Writes `NAME-0001.png` and so on for a `path` of `NAME.png`. Grey values are shifted so that none is negative: by
/// half the range of a signed type, or by the lowest value of wider types.
///
/// # Errors
/// `PNG_RANGE` where values do not fit into 16 bits, `SAMPLES`, `VOLUME_INCONSISTENT`, and those of the disk. Pictures
/// that were written before stay.
pub fn write_pictures(path: &Path, out: &VolumeOut<'_>) -> Result<Pictures, FormatError> {
    let volume = out.volume;
    values::check(volume)?;
    let coding = coding(volume)?;
    let meaning = (!coding.colour).then(|| meaning(volume, coding));
    let mut paths = Vec::with_capacity(volume.frames.len());
    for (slice, frame) in volume.frames.iter().enumerate() {
        let bytes = picture(frame, volume, coding, &texts(out, meaning, slice))?;
        let path = name_of(path, slice, volume.frames.len());
        write_whole(&path, &bytes)?;
        paths.push(path);
    }
    Ok(Pictures { paths, meaning })
}

fn coding(volume: &Volume) -> Result<Coding, FormatError> {
    let first = volume.frames.first();
    let (kind, samples) = first.map_or((StoredType::U8, 1), |f| (f.stored_type, f.samples));
    let tabled = matches!(volume.modality_lut, ModalityLut::Table(_)) && samples == 1;
    let grey = |bits, low| Coding {
        colour: false,
        bits,
        tabled,
        low,
    };
    match (samples, kind) {
        (3, StoredType::U8) => Ok(Coding {
            colour: true,
            ..grey(8, 0.0)
        }),
        (3, _) => {
            let text = "only single values and 8-bit RGB can be written";
            Err(FormatError::unsupported("SAMPLES", text))
        }
        // Entries of a modality table are unsigned and have 16 bits at most (PS3.3 C.11.1.1).
        _ if tabled => Ok(grey(16, 0.0)),
        (_, StoredType::U8) => Ok(grey(8, 0.0)),
        (_, StoredType::I8) => Ok(grey(8, -128.0)),
        (_, StoredType::U16) => Ok(grey(16, 0.0)),
        (_, StoredType::I16) => Ok(grey(16, -32_768.0)),
        _ => {
            let (mut low, mut high, mut whole) = (f64::INFINITY, f64::NEG_INFINITY, true);
            for value in volume.frames.iter().flat_map(Frame::values) {
                // What is no number is not whole either.
                whole &= value.fract() == 0.0;
                (low, high) = (low.min(value), high.max(value));
            }
            if whole && high - low <= 65_535.0 {
                return Ok(grey(16, low));
            }
            let text = "the values do not fit into the 16 bits of a PNG picture; a window makes them fit, the other formats keep them";
            Err(FormatError::unsupported("PNG_RANGE", text))
        }
    }
}

fn meaning(volume: &Volume, coding: Coding) -> PixelMeaning {
    let (slope, intercept) = match &volume.modality_lut {
        ModalityLut::Rescale { slope, intercept } => (*slope, *intercept),
        ModalityLut::Table(_) => (1.0, 0.0),
    };
    PixelMeaning {
        bits: coding.bits,
        slope,
        intercept: slope * coding.low + intercept,
    }
}

/// Key words and texts of a slice, by the names of DICOM.
fn texts(
    out: &VolumeOut<'_>,
    meaning: Option<PixelMeaning>,
    slice: usize,
) -> Vec<(&'static str, String)> {
    let mut texts = Vec::new();
    if let Some(meaning) = meaning {
        texts.push(("Rescale Slope", meaning.slope.to_string()));
        texts.push(("Rescale Intercept", meaning.intercept.to_string()));
        let unit = out.volume.unit.label();
        if !unit.is_empty() && unit.is_ascii() {
            texts.push(("Rescale Type", unit.to_owned()));
        }
    }
    let [x, y, _] = out.volume.grid.spacing_mm();
    if out.placement != Placement::Uncalibrated {
        texts.push(("Pixel Spacing", format!("{y}\\{x}")));
    }
    if out.placement == Placement::Patient {
        let affine = out.volume.grid.patient_from_voxel;
        let place = affine.translation + affine.matrix3.z_axis * slice as f64;
        let joined = |numbers: &[f64]| {
            let texts: Vec<String> = numbers.iter().map(f64::to_string).collect();
            texts.join("\\")
        };
        texts.push(("Image Position (Patient)", joined(&place.to_array())));
        let [row, column] = [affine.matrix3.x_axis, affine.matrix3.y_axis];
        let along = [row.normalize_or_zero(), column.normalize_or_zero()];
        let along = along.map(|v| v.to_array()).concat();
        texts.push(("Image Orientation (Patient)", joined(&along)));
    }
    texts
}

/// One slice as a file.
fn picture(
    frame: &Frame,
    volume: &Volume,
    coding: Coding,
    texts: &[(&'static str, String)],
) -> Result<Vec<u8>, FormatError> {
    let side = |n: usize| {
        let text = "a side of the picture is too long";
        u32::try_from(n).map_err(|_| FormatError::unsupported("DIMENSIONS", text))
    };
    let mut file = b"\x89PNG\r\n\x1A\n".to_vec();
    let (columns, rows) = (side(frame.columns)?, side(frame.rows)?);
    let mut header = [columns.to_be_bytes(), rows.to_be_bytes()].concat();
    // Colour type 0 is grey, 2 is RGB; no interlacing.
    header.extend([coding.bits, if coding.colour { 2 } else { 0 }, 0, 0, 0]);
    chunk(&mut file, b"IHDR", &header);
    for (key, text) in texts {
        let mut body = key.as_bytes().to_vec();
        body.push(0);
        body.extend(text.as_bytes());
        chunk(&mut file, b"tEXt", &body);
    }
    // A chunk holds at most 2^31 - 1 bytes.
    for part in zlib(&filtered(frame, volume, coding))?.chunks(16 << 20) {
        chunk(&mut file, b"IDAT", part);
    }
    chunk(&mut file, b"IEND", &[]);
    Ok(file)
}

/// Rows of big-endian pixels, each as its difference from the row above (filter 2, which costs little and packs well).
fn filtered(frame: &Frame, volume: &Volume, coding: Coding) -> Vec<u8> {
    let pixels: Vec<u8> = if coding.colour {
        frame.pixels.as_slice().to_vec()
    } else {
        let pixel = |stored: f64| match coding.tabled {
            true => values::modality(&volume.modality_lut, stored),
            false => stored - coding.low,
        };
        match coding.bits {
            8 => frame.values().map(|v| pixel(v) as u8).collect(),
            _ => {
                let words = frame.values().map(|v| (pixel(v) as u16).to_be_bytes());
                words.flatten().collect()
            }
        }
    };
    let row_bytes = pixels.len() / frame.rows.max(1);
    let mut out = Vec::with_capacity(pixels.len() + frame.rows);
    let mut above = vec![0; row_bytes];
    for row in pixels.chunks_exact(row_bytes.max(1)) {
        out.push(2);
        out.extend(row.iter().zip(&above).map(|(a, b)| a.wrapping_sub(*b)));
        above.copy_from_slice(row);
    }
    out
}

fn chunk(file: &mut Vec<u8>, kind: &[u8; 4], body: &[u8]) {
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
    file.extend(length.to_be_bytes());
    let mut sum = Crc::new();
    sum.update(kind);
    sum.update(body);
    file.extend(kind);
    file.extend(body);
    file.extend(sum.sum().to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_are_numbered_with_as_many_digits_as_are_needed() {
        let name = |slice, slices| name_of(Path::new("a/b.png"), slice, slices);
        assert_eq!(name(0, 5), Path::new("a/b-0001.png"));
        assert_eq!(name(11_999, 12_000), Path::new("a/b-12000.png"));
        assert_eq!(name(0, 12_000), Path::new("a/b-00001.png"));
        assert!(is_png(Path::new("x.PNG")) && !is_png(Path::new(".png")));
    }
}
