//! The pixels of a picture file. Nothing here opens one, so that it runs as well in another process.

use super::tiff_pages;
use crate::{
    dicom::{guard::Fault, syntax::Picture, unpack::Coding},
    model::{pixels::StoredType, study::RejectionKind},
};
use image::{DynamicImage, ImageFormat, ImageReader};
use std::{
    io::Cursor,
    panic::{AssertUnwindSafe, catch_unwind},
};

pub(super) fn corrupt() -> Fault {
    Fault::rejected("PICTURE_CORRUPT", "the picture cannot be decoded")
}

/// A reader of PNG or JPEG with bounds on what it takes.
pub(super) fn reader(bytes: &[u8], format: ImageFormat) -> ImageReader<Cursor<&[u8]>> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = image::Limits::default();
    limits.max_image_width = Some(65_535);
    limits.max_image_height = Some(65_535);
    limits.max_alloc = Some(1 << 30);
    reader.limits(limits);
    reader
}

/// Decodes the page that `coding` names; `destination` has the bytes of its values, little-endian and interleaved.
///
/// # Errors
/// `PICTURE_CORRUPT` (rejected), also when the file is another one than was described; `FRAME_TOO_LARGE` (limit).
pub(in crate::dicom) fn decode(
    coding: &Coding,
    kind: Picture,
    file: &[u8],
    limit: usize,
    destination: &mut [u8],
) -> Result<(), Fault> {
    if destination.len() > limit {
        let text = "the picture is larger than is decoded";
        return Err(Fault::new(RejectionKind::Limit, "FRAME_TOO_LARGE", text));
    }
    let decoded = match kind {
        Picture::Png => one(coding, file, ImageFormat::Png),
        Picture::Jpeg => one(coding, file, ImageFormat::Jpeg),
        Picture::Tiff => tiff_pages::decode(coding, file, limit),
    };
    let values = decoded.filter(|v| v.len() == destination.len());
    destination.copy_from_slice(&values.ok_or_else(corrupt)?);
    Ok(())
}

/// The values of a file that holds one picture.
fn one(coding: &Coding, file: &[u8], format: ImageFormat) -> Option<Vec<u8>> {
    let decode = || reader(file, format).decode().ok();
    let decoded = catch_unwind(AssertUnwindSafe(decode)).ok().flatten()?;
    let size = (decoded.height() as usize, decoded.width() as usize);
    if size != (coding.rows, coding.columns) || coding.page > 0 {
        return None;
    }
    let wide = coding.stored_type == StoredType::U16;
    Some(match (wide, coding.samples) {
        (false, 1) => decoded.to_luma8().into_raw(),
        (false, _) => decoded.to_rgb8().into_raw(),
        (true, 1) => little_endian(&match decoded {
            DynamicImage::ImageLuma16(grey) => grey.into_raw(),
            other => other.to_luma16().into_raw(),
        }),
        (true, _) => little_endian(&decoded.to_rgb16().into_raw()),
    })
}

fn little_endian(values: &[u16]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}
