//! PNG, JPEG and TIFF pictures as instances: radiographs that were exported from DICOM, without identity or scale.
//!
//! Resolutions of such files are those of a printer or a scanner, not of a patient: nothing here is taken for a spacing.

use super::{
    archive::Archives,
    bytes::ByteSource,
    guard::{Fault, Limits},
};
use crate::model::{
    finding::{Finding, Severity},
    geometry::Spacing,
    identity::PatientIdentity,
    lut::{LookupTable, ModalityLut, ModalityUnit, Photometric},
    pixels::StoredType,
    study::{
        FrameDescription, ImageDescription, Instance, LossyCompression, ObjectParts, RejectionKind,
        SeriesDescription, Source, SourceKind, StudyDescription, Technique,
    },
};
use decode::{corrupt, reader};
use image::{ImageDecoder as _, ImageFormat, metadata::Orientation};
use sha2::{Digest as _, Sha256};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::Arc,
};

pub(super) mod decode;
mod tiff_pages;

/// Bytes of a picture file that are read at most.
const MOST_BYTES: u64 = 256 << 20;

/// The kind of picture that a file begins like, by its first bytes.
pub fn sniff(source: &ByteSource) -> Option<SourceKind> {
    let mut head = [0u8; 8];
    source.read_exact_at(0, &mut head).ok()?;
    match head {
        [0x89, b'P', b'N', b'G', 0x0D, 0x0A, 0x1A, 0x0A] => Some(SourceKind::Png),
        [0xFF, 0xD8, 0xFF, ..] => Some(SourceKind::Jpeg),
        // Classic and BigTIFF, either byte order.
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Some(SourceKind::Tiff),
        _ => None,
    }
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

/// The bytes of a picture file that was described by [`read_picture`].
///
/// # Errors
/// `FILE_CHANGED` and what the disk says.
pub(super) fn read_again(
    instance: &Instance,
    limits: &Limits,
    archives: &Archives,
) -> Result<Vec<u8>, Fault> {
    let several = instance.image.as_ref().is_some_and(|i| i.frames > 1);
    let source = match &instance.source.member {
        Some(member) => archives.open(member, limits, several)?,
        None => ByteSource::open(&instance.source.path)?,
    };
    if source.len() != instance.source.bytes {
        return Err(Fault::new(
            RejectionKind::Io,
            "FILE_CHANGED",
            "the file changed since it was scanned",
        ));
    }
    read_all(&source)
}

/// What the header of a picture file says.
struct Described {
    rows: usize,
    columns: usize,
    samples: usize,
    stored_type: StoredType,
    palette: Option<[LookupTable; 3]>,
    frames: usize,
    lossy: bool,
    findings: Vec<Finding>,
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

fn other_kind() -> Fault {
    Fault::unsupported(
        "PICTURE_KIND",
        "a picture of this colour type is not supported",
    )
}

fn describe_one(bytes: &[u8], format: ImageFormat) -> Result<Described, Fault> {
    let header = || {
        let mut decoder = reader(bytes, format).into_decoder().ok()?;
        let turned = decoder.orientation().ok()? != Orientation::NoTransforms;
        Some((decoder.dimensions(), decoder.color_type(), turned))
    };
    let header = catch_unwind(AssertUnwindSafe(header)).ok().flatten();
    let ((columns, rows), color, turned) = header.ok_or_else(corrupt)?;
    let (samples, stored_type) = stored(color).ok_or_else(other_kind)?;
    let mut findings = Vec::new();
    if turned {
        let text = "the picture says it must be turned; it is shown as stored";
        findings.push(Finding::new("TURNED_PICTURE", Severity::Warning, text));
    }
    Ok(Described {
        rows: rows as usize,
        columns: columns as usize,
        samples,
        stored_type,
        palette: None,
        frames: 1,
        lossy: format == ImageFormat::Jpeg,
        findings,
    })
}

fn describe_tiff(bytes: &[u8], limits: &Limits) -> Result<Described, Fault> {
    let pages = tiff_pages::describe(bytes, limits.frame_bytes);
    let pages = pages.map_err(|refusal| match refusal {
        tiff_pages::Refusal::Corrupt => corrupt(),
        tiff_pages::Refusal::Kind => other_kind(),
    })?;
    let mut findings = Vec::new();
    if pages.others > 0 {
        let text = format!(
            "{} pages of another size or type than the first are not shown",
            pages.others
        );
        let finding = Finding::new("PAGES_NOT_SHOWN", Severity::Warning, text);
        findings.push(finding.with("count", pages.others as f64));
    }
    if pages.turned_over {
        let text = "low values are white in the file; its values are turned over";
        findings.push(Finding::new("VALUES_TURNED_OVER", Severity::Info, text));
    }
    Ok(Described {
        rows: pages.rows,
        columns: pages.columns,
        samples: pages.samples,
        stored_type: pages.stored_type,
        palette: pages.palette,
        frames: pages.frames,
        lossy: pages.lossy,
        findings,
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
    let Described {
        rows,
        columns,
        samples,
        stored_type,
        palette,
        frames,
        lossy,
        mut findings,
    } = match kind {
        SourceKind::Tiff => describe_tiff(&bytes, limits)?,
        SourceKind::Jpeg => describe_one(&bytes, ImageFormat::Jpeg)?,
        SourceKind::Png | SourceKind::Dicom | SourceKind::Volume => {
            describe_one(&bytes, ImageFormat::Png)?
        }
    };
    if columns == 0 || rows == 0 || columns > 65_535 || rows > 65_535 {
        return Err(corrupt());
    }
    let bits = stored_type.bytes() as u16 * 8;
    let image = ImageDescription {
        rows,
        columns,
        frames,
        samples,
        bits_allocated: bits,
        bits_stored: bits,
        high_bit: bits - 1,
        signed: !matches!(
            stored_type,
            StoredType::U8 | StoredType::U16 | StoredType::U32
        ),
        stored_type,
        photometric: match (samples, &palette) {
            (3, _) => Photometric::Rgb,
            (_, Some(_)) => Photometric::PaletteColor,
            _ => Photometric::Monochrome2,
        },
        palette: palette.map(Arc::new),
        padding: None,
        presentation_inverse: false,
        lossy: lossy.then(|| LossyCompression {
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
        display: Arc::default(),
        parts: ObjectParts::default(),
    };
    if image.frame_bytes() > limits.frame_bytes {
        return Err(Fault::new(
            RejectionKind::Limit,
            "FRAME_TOO_LARGE",
            "the picture is larger than is decoded",
        ));
    }
    if lossy {
        let text = "irreversibly compressed, ratio unknown";
        findings.insert(0, Finding::new("LOSSY", Severity::Warning, text));
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
            member: None,
        },
        sop_class_uid: String::new(),
        sop_instance_uid: uid_from(&[hash.as_slice()]),
        transfer_syntax_uid: String::new(),
        patient: Arc::new(PatientIdentity::default()),
        study: Arc::new(study),
        series: Arc::new(series),
        instance_number: None,
        technique: Technique::default(),
        pet: None,
        object: None,
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
