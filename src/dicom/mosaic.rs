//! Siemens mosaics: the slices of a volume as tiles of one picture. Taken apart only when the private header says how many
//! there are and which way they run; a guess could turn the patient over.
//!
//! What is known of the private header ("CSA"): `SV10`, four bytes, or neither; the number of tags and a word of 4 bytes;
//! then for each tag a name of 64 bytes, multiplicity, VR, a type, the number of items, and a word; then for each item four
//! words of which one is its length, and its text, padded to four bytes. All of it is hostile until checked.
//!
//! Image Position (Patient) of such a file is where the corner of the whole matrix would lie if it were one slice
//! around the centre of the first tile.

use super::{
    elements::parse_decimal,
    frames::FrameError,
    guard::{Element, Fault, Structure},
};
use crate::model::{
    finding::{Finding, Severity},
    geometry::ImagePlane,
    study::{ImageDescription, Instance, Mosaic},
};
use dicom_dictionary_std::tags;
use glam::DVec3;
use std::{
    collections::VecDeque,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

/// Longest private header that is read, bytes.
const MOST_BYTES: u64 = 4 << 20;
/// Most tags of a private header; real ones have about a hundred.
const MOST_TAGS: u32 = 1024;
/// Most items of a tag.
const MOST_ITEMS: u32 = 4096;
/// Most tiles of a mosaic.
const MOST_TILES: usize = 4096;
/// The normal of the private header and that of the rows and columns are one line within this (cosine).
const SAME_LINE: f64 = 0.9998;

/// Takes a mosaic apart: the description becomes that of its tiles. What does not fit leaves the picture as it is,
/// with the reason.
pub(super) fn take_apart(
    structure: &Structure,
    image_type: &[String],
    image: &mut ImageDescription,
    findings: &mut Vec<Finding>,
) {
    if !image_type.iter().any(|t| t == "MOSAIC") || image.frames != 1 || image.samples != 1 {
        return;
    }
    let made = Tiling::read(structure).and_then(|tiling| tiling.apply(structure, image));
    match made {
        Ok(count) => {
            let text = format!("a mosaic of {count} slices, taken apart");
            let finding = Finding::new("MOSAIC_SPLIT", Severity::Info, text);
            findings.push(finding.with("count", count as f64));
        }
        Err(why) => {
            let text = format!("a mosaic that is shown as one picture: {why}");
            findings.push(Finding::new("MOSAIC_NOT_SPLIT", Severity::Warning, text));
        }
    }
}

/// How many tiles, and which way their slices run.
struct Tiling {
    count: usize,
    normal: DVec3,
}

impl Tiling {
    fn read(structure: &Structure) -> Result<Self, &'static str> {
        let missing = "its private header is missing";
        let element = structure
            .private(0x0029, "SIEMENS CSA HEADER", 0x10)
            .ok_or(missing)?;
        let bytes = value(structure, element).ok_or("its private header is too long")?;
        let header = Csa::parse(&bytes).ok_or("its private header cannot be read")?;
        let named = header.numbers("NumberOfImagesInMosaic");
        let beside = structure
            .private(0x0019, "SIEMENS MR HEADER", 0x0A)
            .and_then(|e| count_beside(structure, e));
        let count = match (named.first().copied(), beside) {
            (Some(a), Some(b)) if a != b => {
                return Err("two numbers of tiles contradict each other");
            }
            (Some(count), _) | (None, Some(count)) => count,
            (None, None) => return Err("the number of its tiles is missing"),
        };
        if count.fract() != 0.0 || !(1.0..=MOST_TILES as f64).contains(&count) {
            return Err("the number of its tiles is impossible");
        }
        let normal = <[f64; 3]>::try_from(header.numbers("SliceNormalVector"))
            .ok()
            .and_then(|v| DVec3::from_array(v).try_normalize())
            .ok_or("the direction of its slices is missing")?;
        Ok(Self {
            count: count as usize,
            normal,
        })
    }

    fn apply(
        &self,
        structure: &Structure,
        image: &mut ImageDescription,
    ) -> Result<usize, &'static str> {
        let across = (1..=MOST_TILES)
            .find(|n| n * n >= self.count)
            .ok_or("the number of its tiles is impossible")?;
        if !image.rows.is_multiple_of(across) || !image.columns.is_multiple_of(across) {
            return Err("its tiles do not fit its rows and columns");
        }
        let plane = image.shared.plane.ok_or("it says nowhere where it lies")?;
        if image.shared.spacing.source().is_none() {
            return Err("the spacing of its pixels is missing");
        }
        let along = plane.normal().dot(self.normal);
        if along.abs() < SAME_LINE {
            return Err("the direction of its slices contradicts that of its rows and columns");
        }
        let between = structure.ascii(tags::SPACING_BETWEEN_SLICES);
        let step = parse_decimal(between.split('\\').next().unwrap_or_default())
            .or(image.shared.slice_thickness_mm)
            .filter(|s| (1e-3..=1e3).contains(s))
            .ok_or("the distance of its slices is missing")?;
        let (rows, columns) = (image.rows / across, image.columns / across);
        let corner = plane.patient_from_pixel(
            image.shared.spacing,
            (image.columns - columns) as f64 / 2.0,
            (image.rows - rows) as f64 / 2.0,
        );
        let way = plane.normal() * step * along.signum();
        let of_tile = |k: usize| {
            let mut described = image.shared.clone();
            described.plane = Some(ImagePlane {
                origin: corner + way * k as f64,
                ..plane
            });
            described
        };
        image.per_frame = (0..self.count).map(of_tile).collect();
        if let Some(first) = image.per_frame.first() {
            image.shared = first.clone();
        }
        (image.rows, image.columns, image.frames) = (rows, columns, self.count);
        image.parts.mosaic = Some(Mosaic { across });
        Ok(self.count)
    }
}

fn value(structure: &Structure, element: &Element) -> Option<Vec<u8>> {
    let length = element.end - element.value;
    if length > MOST_BYTES {
        return None;
    }
    structure.source.read_vec(element.value, length).ok()
}

/// The number of tiles as it is written beside the private header: 16 bits, or text.
fn count_beside(structure: &Structure, element: &Element) -> Option<f64> {
    let bytes = value(structure, element)?;
    if let Ok(pair) = <[u8; 2]>::try_from(bytes.as_slice())
        && !bytes.iter().all(u8::is_ascii_digit)
    {
        let big = structure.encoding.big_endian && &element.vr != b"UN";
        let number = if big {
            u16::from_be_bytes(pair)
        } else {
            u16::from_le_bytes(pair)
        };
        return Some(f64::from(number));
    }
    parse_decimal(&structure.ascii(element.tag))
}

/// The numbers of a private header that a mosaic needs.
#[derive(Debug, Default, PartialEq)]
struct Csa(Vec<(String, Vec<f64>)>);

impl Csa {
    /// Walks the header once; `None` when a length does not fit.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut at = Cursor { bytes, at: 0 };
        let newer = bytes.starts_with(b"SV10");
        if newer {
            at.skip(8)?;
        }
        let tags = at.word()?;
        at.skip(4)?;
        if !(1..=MOST_TAGS).contains(&tags) {
            return None;
        }
        let mut first_items = None;
        let mut found = Self::default();
        for _ in 0..tags {
            let name = at.take(64)?;
            let end = name.iter().position(|b| *b == 0).unwrap_or(name.len());
            let name = String::from_utf8_lossy(name.get(..end)?).into_owned();
            let multiplicity = at.word()?;
            at.skip(8)?;
            let items = at.word()?;
            at.skip(4)?;
            if items > MOST_ITEMS {
                return None;
            }
            if items > 0 {
                first_items.get_or_insert(items);
            }
            let offset = first_items.unwrap_or(0);
            let mut numbers = Vec::new();
            for item in 0..items {
                let words = [at.word()?, at.word()?, at.word()?, at.word()?];
                let length = if newer {
                    words[1]
                } else {
                    // The older kind adds the number of items of the first tag that has some.
                    words[0].checked_sub(offset)?
                };
                let text = at.take(length as usize)?;
                at.skip((4 - length as usize % 4) % 4)?;
                let used = multiplicity == 0 || item < multiplicity;
                let number = std::str::from_utf8(text)
                    .ok()
                    .and_then(|t| parse_decimal(t.split('\0').next().unwrap_or_default()));
                if let Some(number) = number.filter(|_| used && numbers.len() < 16) {
                    numbers.push(number);
                }
            }
            if matches!(
                name.as_str(),
                "NumberOfImagesInMosaic" | "SliceNormalVector"
            ) {
                found.0.push((name, numbers));
            }
        }
        Some(found)
    }

    fn numbers(&self, name: &str) -> Vec<f64> {
        let found = self.0.iter().find(|(n, _)| n == name);
        found.map_or_else(Vec::new, |(_, numbers)| numbers.clone())
    }
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(length)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    fn skip(&mut self, length: usize) -> Option<()> {
        // Padding behind the very last item may be missing.
        self.at = self.at.checked_add(length)?;
        (self.at <= self.bytes.len().saturating_add(3)).then_some(())
    }

    fn word(&mut self) -> Option<u32> {
        let bytes = self.take(4)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    }
}

/// Bytes of decoded matrices that are kept.
const KEPT_BYTES: usize = 64 << 20;

/// The matrices that tiles were last cut from.
#[derive(Debug, Default)]
pub(super) struct MosaicCache(Mutex<VecDeque<(Arc<Path>, Arc<Vec<u8>>)>>);

impl MosaicCache {
    /// The decoded matrix of an instance; `decode` gives the bytes of the instance that describes it whole.
    fn matrix(
        &self,
        instance: &Instance,
        image: &ImageDescription,
        mosaic: Mosaic,
        decode: impl FnOnce(&Instance, &mut [u8]) -> Result<(), FrameError>,
    ) -> Result<Arc<Vec<u8>>, FrameError> {
        let path = &instance.source.path;
        {
            let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((_, matrix)) = kept.iter().find(|(p, _)| p == path) {
                return Ok(Arc::clone(matrix));
            }
        }
        let mut picture = image.clone();
        picture.rows = image.rows.saturating_mul(mosaic.across);
        picture.columns = image.columns.saturating_mul(mosaic.across);
        picture.frames = 1;
        picture.per_frame = Vec::new();
        picture.parts.mosaic = None;
        let size = picture.frame_bytes();
        let whole = Instance {
            image: Some(picture),
            ..instance.clone()
        };
        let mut bytes = vec![0; size];
        decode(&whole, &mut bytes)?;
        let matrix = Arc::new(bytes);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_back((Arc::clone(path), Arc::clone(&matrix)));
        let held = |k: &VecDeque<(Arc<Path>, Arc<Vec<u8>>)>| -> usize {
            k.iter().map(|(_, m)| m.len()).sum()
        };
        while kept.len() > 1 && held(&kept) > KEPT_BYTES {
            kept.pop_front();
        }
        Ok(matrix)
    }

    /// Cuts a tile out. `destination` has the size of one, `limit` is that of a decoded picture.
    ///
    /// # Errors
    /// What decoding the matrix says; `FRAME_TOO_LARGE`.
    pub(super) fn read_into(
        &self,
        instance: &Instance,
        image: &ImageDescription,
        frame: usize,
        limit: usize,
        destination: &mut [u8],
        decode: impl FnOnce(&Instance, &mut [u8]) -> Result<(), FrameError>,
    ) -> Result<(), FrameError> {
        let mosaic = image.parts.mosaic.ok_or(FrameError::NoPicture)?;
        let row_bytes = image.columns.saturating_mul(image.stored_type.bytes());
        let stride = row_bytes.saturating_mul(mosaic.across);
        let total = stride
            .saturating_mul(image.rows)
            .saturating_mul(mosaic.across);
        if total > limit {
            let text = "the decoded frame would be larger than is decoded";
            let kind = crate::model::study::RejectionKind::Limit;
            return Err(Fault::new(kind, "FRAME_TOO_LARGE", text).into());
        }
        let matrix = self.matrix(instance, image, mosaic, decode)?;
        let (down, right) = (frame / mosaic.across.max(1), frame % mosaic.across.max(1));
        let rows = destination.chunks_exact_mut(row_bytes.max(1));
        for (row, out) in rows.enumerate() {
            let start = (down * image.rows + row) * stride + right * row_bytes;
            let part = matrix.get(start..start + row_bytes);
            out.copy_from_slice(part.ok_or(FrameError::NoSuchFrame(frame + 1))?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header of the newer or older kind with the given tags.
    fn header(newer: bool, tags: &[(&str, &[&str])]) -> Vec<u8> {
        let mut out = Vec::new();
        if newer {
            out.extend(b"SV10\x04\x03\x02\x01");
        }
        out.extend((tags.len() as u32).to_le_bytes());
        out.extend(77u32.to_le_bytes());
        let first = tags[0].1.len() as u32;
        for (name, items) in tags {
            let mut field = name.as_bytes().to_vec();
            field.resize(64, 0);
            out.extend(field);
            out.extend((items.len() as u32).to_le_bytes());
            out.extend(b"FD\0\0\x04\0\0\0");
            out.extend((items.len() as u32).to_le_bytes());
            out.extend(77u32.to_le_bytes());
            for item in *items {
                let length = item.len() as u32;
                let words = if newer {
                    [length, length, 77, length]
                } else {
                    [length + first, 0, 0, 0]
                };
                out.extend(words.iter().flat_map(|w| w.to_le_bytes()));
                out.extend(item.as_bytes());
                out.resize(out.len().next_multiple_of(4), 0);
            }
        }
        out
    }

    #[test]
    fn numbers_come_out_of_both_kinds() {
        let tags: [(&str, &[&str]); 3] = [
            ("EchoLinePosition", &["64"]),
            ("NumberOfImagesInMosaic", &["36  \0"]),
            ("SliceNormalVector", &["-0.1", "0.2", "0.97"]),
        ];
        for newer in [true, false] {
            let found = Csa::parse(&header(newer, &tags)).unwrap();
            assert_eq!(found.numbers("NumberOfImagesInMosaic"), [36.0], "{newer}");
            assert_eq!(found.numbers("SliceNormalVector"), [-0.1, 0.2, 0.97]);
            assert!(found.numbers("EchoLinePosition").is_empty());
        }
    }

    #[test]
    fn lies_in_the_header_are_refused_without_cost() {
        let good = header(true, &[("NumberOfImagesInMosaic", &["36"])]);
        assert!(Csa::parse(&good).is_some());
        // Every cut but that of the last padding, and every count and length at its largest.
        for end in 0..good.len() - 2 {
            assert!(Csa::parse(&good[..end]).is_none(), "{end}");
        }
        for at in [8, 16 + 64 + 12, 16 + 84 + 4] {
            let mut bad = good.clone();
            bad[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
            assert!(Csa::parse(&bad).is_none(), "{at}");
        }
        assert!(Csa::parse(&[]).is_none());
        assert!(Csa::parse(&[0; 200]).is_none());
    }
}
