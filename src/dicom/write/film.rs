//! Ultrasound films: frames in time, with the scale of the region that shows the body.

use super::{
    IMPLEMENTATION_CLASS, SeriesIdentity, common,
    elements::{Elements, decimal},
    image_pixel, instance_uid, windows,
};
use crate::model::pixels::{Frame, StoredType};
use std::{fs, io, path::Path};

const US_FILM: &str = "1.2.840.10008.5.1.4.1.1.3.1";

/// What a film says beside its pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FilmDescription {
    /// Distance of pixel centres within the region, both ways, millimetres.
    pub pixel_mm: f64,
    /// First column, first row, last column, last row of the region.
    pub region: [u32; 4],
    /// From one frame to the next, milliseconds.
    pub frame_ms: f64,
    /// Instance Number (0020,0013).
    pub instance_number: u32,
}

/// Writes a film as Ultrasound Multi-frame Image Storage, MONOCHROME2.
///
/// # Errors
/// `InvalidInput` when there is no frame, or frames are not grey, of 8 bits and of one size; and those of the disk.
pub fn write_film(
    path: &Path,
    frames: &[Frame],
    description: &FilmDescription,
    identity: &SeriesIdentity,
) -> io::Result<()> {
    let invalid = |what: &str| io::Error::new(io::ErrorKind::InvalidInput, what.to_owned());
    let Some(first) = frames.first() else {
        return Err(invalid("a film has frames"));
    };
    let alike = |f: &Frame| {
        f.samples == 1
            && f.stored_type == StoredType::U8
            && (f.rows, f.columns) == (first.rows, first.columns)
    };
    if !frames.iter().all(alike) {
        return Err(invalid(
            "frames of a film are grey, of 8 bits and of one size",
        ));
    }
    let number = description.instance_number.to_string();
    let mut e = common(identity, US_FILM, "US", &number);
    e.text(0x0008, 0x0008, b"CS", r"ORIGINAL\PRIMARY");
    e.text(0x0018, 0x1063, b"DS", &decimal(description.frame_ms));
    e.items(0x0018, 0x6011, &[region(description)]);
    e.text(0x0020, 0x0020, b"CS", "");
    image_pixel(&mut e, first, false);
    e.text(0x0028, 0x0008, b"IS", &frames.len().to_string());
    // Frames are apart by Frame Time.
    e.tag(0x0028, 0x0009, (0x0018, 0x1063));
    windows(&mut e, &identity.windows);
    e.text(0x0028, 0x2110, b"CS", "00");
    e.film(frames);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let uid = instance_uid(identity, &number);
    fs::write(path, e.file(US_FILM, &uid, IMPLEMENTATION_CLASS))
}

/// An item of Sequence of Ultrasound Regions (PS3.3 C.8.5.5): tissue in two dimensions, in centimetres.
fn region(description: &FilmDescription) -> Elements {
    const CENTIMETRES: u16 = 3;
    let mut item = Elements::default();
    item.number(0x0018, 0x6012, b"US", 1);
    item.number(0x0018, 0x6014, b"US", 1);
    item.long(0x0018, 0x6016, 0);
    for (element, value) in [0x6018, 0x601A, 0x601C, 0x601E]
        .into_iter()
        .zip(description.region)
    {
        item.long(0x0018, element, value);
    }
    item.number(0x0018, 0x6024, b"US", CENTIMETRES);
    item.number(0x0018, 0x6026, b"US", CENTIMETRES);
    item.double(0x0018, 0x602C, description.pixel_mm / 10.0);
    item.double(0x0018, 0x602E, description.pixel_mm / 10.0);
    item
}
