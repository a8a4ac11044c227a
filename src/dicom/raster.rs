//! PNG and JPEG pictures as instances: radiographs that were exported from DICOM, without identity or scale.

use super::{
    bytes::ByteSource,
    guard::{Fault, Limits},
};
use crate::model::{
    finding::{Finding, Severity},
    geometry::Spacing,
    identity::PatientIdentity,
    lut::{ModalityLut, ModalityUnit, Photometric},
    pixels::StoredType,
    study::{
        FrameDescription, ImageDescription, Instance, LossyCompression, ObjectParts, RejectionKind,
        SeriesDescription, Source, SourceKind, StudyDescription, Technique,
    },
};
use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, metadata::Orientation};
use sha2::{Digest as _, Sha256};
use std::{
    io::Cursor,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::Arc,
};

/// Bytes of a picture file that are read at most.
const MOST_BYTES: u64 = 256 << 20;

/// The kind of picture that a file begins like, by its first bytes.
pub fn sniff(source: &ByteSource) -> Option<SourceKind> {
    let mut head = [0u8; 8];
    source.read_exact_at(0, &mut head).ok()?;
    match head {
        [0x89, b'P', b'N', b'G', 0x0D, 0x0A, 0x1A, 0x0A] => Some(SourceKind::Png),
        [0xFF, 0xD8, 0xFF, ..] => Some(SourceKind::Jpeg),
        _ => None,
    }
}

fn corrupt() -> Fault {
    Fault::rejected("PICTURE_CORRUPT", "the picture cannot be decoded")
}

fn read_all(source: &ByteSource) -> Result<Vec<u8>, Fault> {
    if source.len() > MOST_BYTES {
        return Err(Fault::new(
            RejectionKind::Limit,
            "FILE_TOO_LARGE",
            format!("a picture file of {} bytes", source.len()),
        ));
    }
    Ok(source.read_vec(0, source.len())?)
}

fn reader(bytes: &[u8], kind: SourceKind) -> ImageReader<Cursor<&[u8]>> {
    let format = match kind {
        SourceKind::Jpeg => ImageFormat::Jpeg,
        SourceKind::Png | SourceKind::Dicom | SourceKind::Volume => ImageFormat::Png,
    };
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = image::Limits::default();
    limits.max_image_width = Some(65_535);
    limits.max_image_height = Some(65_535);
    limits.max_alloc = Some(1 << 30);
    reader.limits(limits);
    reader
}

/// Samples and type that a colour type becomes; transparency is dropped.
fn stored(color: image::ColorType) -> Option<(usize, StoredType)> {
    use image::ColorType::{L8, L16, La8, La16, Rgb8, Rgb16, Rgba8, Rgba16};
    Some(match color {
        L8 | La8 => (1, StoredType::U8),
        L16 | La16 => (1, StoredType::U16),
        Rgb8 | Rgba8 => (3, StoredType::U8),
        Rgb16 | Rgba16 => (3, StoredType::U16),
        _ => return None,
    })
}

/// Describes a picture file. Its UIDs are made from the content's hash, so the same picture is the same object.
///
/// # Errors
/// `PICTURE_CORRUPT` (rejected), `FILE_TOO_LARGE`, `FRAME_TOO_LARGE` (limit), `PICTURE_KIND` (unsupported).
pub fn read_picture(
    path: &Arc<Path>,
    source: &ByteSource,
    kind: SourceKind,
    limits: &Limits,
) -> Result<Instance, Fault> {
    let bytes = read_all(source)?;
    let header = || {
        let mut decoder = reader(&bytes, kind).into_decoder().ok()?;
        let turned = decoder.orientation().ok()? != Orientation::NoTransforms;
        Some((decoder.dimensions(), decoder.color_type(), turned))
    };
    let header = catch_unwind(AssertUnwindSafe(header)).ok().flatten();
    let ((columns, rows), color, turned) = header.ok_or_else(corrupt)?;
    let Some((samples, stored_type)) = stored(color) else {
        return Err(Fault::unsupported(
            "PICTURE_KIND",
            "a picture of this colour type is not supported",
        ));
    };
    if columns == 0 || rows == 0 {
        return Err(corrupt());
    }
    let bits = stored_type.bytes() as u16 * 8;
    let image = ImageDescription {
        rows: rows as usize,
        columns: columns as usize,
        frames: 1,
        samples,
        bits_allocated: bits,
        bits_stored: bits,
        high_bit: bits - 1,
        signed: false,
        stored_type,
        photometric: if samples == 3 {
            Photometric::Rgb
        } else {
            Photometric::Monochrome2
        },
        palette: None,
        padding: None,
        presentation_inverse: false,
        lossy: (kind == SourceKind::Jpeg).then(|| LossyCompression {
            ratios: Vec::new(),
            methods: vec!["JPEG".to_owned()],
            undeclared: false,
        }),
        shared: FrameDescription {
            plane: None,
            spacing: Spacing::Unknown { aspect: 1.0 },
            slice_thickness_mm: None,
            modality_lut: ModalityLut::IDENTITY,
            unit: ModalityUnit::Unspecified,
            voi: Vec::new(),
        },
        per_frame: Vec::new(),
        parts: ObjectParts::default(),
    };
    if image.frame_bytes() > limits.frame_bytes {
        return Err(Fault::new(
            RejectionKind::Limit,
            "FRAME_TOO_LARGE",
            "the picture is larger than is decoded",
        ));
    }
    let mut findings = Vec::new();
    if kind == SourceKind::Jpeg {
        let text = "irreversibly compressed, ratio unknown";
        findings.push(Finding::new("LOSSY", Severity::Warning, text));
    }
    if turned {
        let text = "the picture says it must be turned; it is shown as stored";
        findings.push(Finding::new("TURNED_PICTURE", Severity::Warning, text));
    }
    let hash = Sha256::digest(&bytes);
    let series = SeriesDescription {
        uid: uid_from(&[b"series", hash.as_slice()]),
        ..SeriesDescription::default()
    };
    let study = StudyDescription {
        uid: uid_from(&[b"study", hash.as_slice()]),
        ..StudyDescription::default()
    };
    Ok(Instance {
        source: Source {
            path: Arc::clone(path),
            kind,
            bytes: source.len(),
        },
        sop_class_uid: String::new(),
        sop_instance_uid: uid_from(&[hash.as_slice()]),
        transfer_syntax_uid: String::new(),
        patient: Arc::new(PatientIdentity::default()),
        study: Arc::new(study),
        series: Arc::new(series),
        instance_number: None,
        technique: Technique::default(),
        image: Some(image),
        findings,
    })
}

/// A UID under 2.25 (PS3.5 annex B.2) from the SHA-256 of the parts: 128 bits of it, marked as a version 8 UUID.
pub fn uid_from(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let mut number = [0u8; 16];
    for (to, from) in number.iter_mut().zip(hash.finalize()) {
        *to = from;
    }
    number[6] = (number[6] & 0x0F) | 0x80;
    number[8] = (number[8] & 0x3F) | 0x80;
    format!("2.25.{}", u128::from_be_bytes(number))
}

/// Decodes a picture that was described by [`read_picture`].
pub(super) fn decode_into(
    instance: &Instance,
    image: &ImageDescription,
    destination: &mut [u8],
) -> Result<(), Fault> {
    let source = ByteSource::open(&instance.source.path)?;
    if source.len() != instance.source.bytes {
        return Err(Fault::new(
            RejectionKind::Io,
            "FILE_CHANGED",
            "the file changed since it was scanned",
        ));
    }
    let bytes = read_all(&source)?;
    let kind = instance.source.kind;
    let decode = || reader(&bytes, kind).decode().ok();
    let decoded = catch_unwind(AssertUnwindSafe(decode)).ok().flatten();
    let decoded = decoded.ok_or_else(corrupt)?;
    let size = (decoded.height() as usize, decoded.width() as usize);
    if size != (image.rows, image.columns) {
        return Err(corrupt());
    }
    let wide = image.stored_type == StoredType::U16;
    let values: Vec<u8> = match (wide, image.samples) {
        (false, 1) => decoded.to_luma8().into_raw(),
        (false, _) => decoded.to_rgb8().into_raw(),
        (true, 1) => little_endian(&match decoded {
            DynamicImage::ImageLuma16(grey) => grey.into_raw(),
            other => other.to_luma16().into_raw(),
        }),
        (true, _) => little_endian(&decoded.to_rgb16().into_raw()),
    };
    if values.len() != destination.len() {
        return Err(corrupt());
    }
    destination.copy_from_slice(&values);
    Ok(())
}

fn little_endian(values: &[u16]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_names_the_object() {
        let uid = uid_from(&[b"a", b"bc"]);
        assert_eq!(uid, uid_from(&[b"a", b"bc"]));
        assert_ne!(uid, uid_from(&[b"ab", b"c"]));
        assert!(uid.starts_with("2.25.") && uid.len() <= 64);
        assert!(uid[5..].chars().all(|c| c.is_ascii_digit()));
    }
}
