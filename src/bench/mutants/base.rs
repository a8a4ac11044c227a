//! Files that mutants are made from, taken apart into elements.

use crate::dicom::{
    bytes::ByteSource,
    guard::{Limits, PixelPlace, Structure},
    syntax::Encoding,
};
use crate::{
    dicom::write::{SeriesIdentity, write_ct_series},
    model::{
        geometry::GridGeometry,
        lut::{ModalityLut, ModalityUnit},
        pixels::{Frame, PixelBytes, StoredType},
        volume::Volume,
    },
    phantom::{demo, identifier::uid},
};
use std::{fs, io, path::PathBuf, sync::Arc};

/// What a part of a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Preamble and meta header.
    Start,
    /// An element, with the bytes of its header.
    Element(usize),
    /// Pixel Data, with the bytes of its header; fragments when it is encapsulated.
    Pixels { header: usize, encapsulated: bool },
    /// What no element holds.
    Rest,
}

/// A run of bytes.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) kind: Kind,
    pub(super) bytes: Vec<u8>,
}

/// A file.
#[derive(Clone, Debug)]
pub(super) struct Base {
    pub(super) bytes: Vec<u8>,
    /// Its parts in order; of a deflated file those of the inflated data set behind the start. Empty when it is no DICOM.
    pub(super) parts: Vec<Part>,
    pub(super) encoding: Encoding,
    pub(super) deflated: bool,
}

impl Base {
    /// Takes a file apart.
    pub(super) fn of(bytes: Vec<u8>) -> Self {
        let source = ByteSource::Memory(Arc::new(bytes.clone()));
        let mut base = Self {
            bytes,
            parts: Vec::new(),
            encoding: Encoding::EXPLICIT,
            deflated: false,
        };
        let Ok(structure) = Structure::of_source(source, &Limits::default()) else {
            return base;
        };
        base.encoding = structure.encoding;
        base.deflated = structure.syntax.deflated;
        base.parts = parts(&structure, &base.bytes).unwrap_or_default();
        base
    }
}

/// The bytes of `source` from one offset to another.
fn run(source: &ByteSource, from: u64, to: u64) -> Option<Vec<u8>> {
    source.read_vec(from, to.checked_sub(from)?).ok()
}

fn parts(structure: &Structure, file: &[u8]) -> Option<Vec<Part>> {
    let source = &structure.source;
    let pixels = structure.pixels.as_ref().map(|p| match &p.place {
        PixelPlace::Native { offset, length } => (*offset, offset + length, false),
        PixelPlace::Encapsulated(fragments) => {
            let end = fragments.list.last();
            let end = end.map_or(fragments.base, |f| f.offset + u64::from(f.length));
            let end = end + if fragments.delimited { 8 } else { 0 };
            // The item of the offset table begins behind the header.
            let table = 8 + 4 * fragments.basic_table.len() as u64;
            (fragments.base.saturating_sub(table), end, true)
        }
    });
    let mut places: Vec<(u64, u64, Kind)> = structure
        .elements
        .iter()
        .map(|e| (e.start, e.end, Kind::Element((e.value - e.start) as usize)))
        .collect();
    if let Some((value, end, encapsulated)) = pixels {
        let header = if structure.encoding.implicit { 8 } else { 12 };
        let kind = Kind::Pixels {
            header,
            encapsulated,
        };
        places.push((value.checked_sub(header as u64)?, end, kind));
    }
    places.sort_by_key(|p| p.0);
    let mut found = Vec::new();
    let mut at = 0;
    if structure.syntax.deflated {
        let packed = data_set_start(file)?;
        found.push(Part {
            kind: Kind::Start,
            bytes: file.get(..packed)?.to_vec(),
        });
    }
    for (start, end, kind) in places {
        if start > at {
            let kind = if found.is_empty() {
                Kind::Start
            } else {
                Kind::Rest
            };
            let bytes = run(source, at, start)?;
            found.push(Part { kind, bytes });
        }
        let bytes = run(source, start.max(at), end.max(at))?;
        found.push(Part { kind, bytes });
        at = end.max(at);
    }
    if source.len() > at {
        let bytes = run(source, at, source.len())?;
        let kind = Kind::Rest;
        found.push(Part { kind, bytes });
    }
    Some(found)
}

/// Where the data set begins, by the length of the meta header.
fn data_set_start(file: &[u8]) -> Option<usize> {
    let length = u32::from_le_bytes(file.get(140..144)?.try_into().ok()?);
    144usize.checked_add(usize::try_from(length).ok()?)
}

/// The files under the paths that have at most `most` bytes, in the order of their paths; without a path, files of
/// the program's own making.
pub(super) fn all(paths: &[PathBuf], most: u64) -> io::Result<Vec<Base>> {
    if paths.is_empty() {
        return made();
    }
    let mut files = Vec::new();
    let mut waiting = paths.to_vec();
    while let Some(path) = waiting.pop() {
        let about = fs::symlink_metadata(&path)?;
        if about.is_dir() {
            for entry in fs::read_dir(&path)? {
                waiting.push(entry?.path());
            }
        } else if about.is_file() && about.len() <= most {
            files.push(path);
        }
    }
    files.sort();
    files
        .iter()
        .map(|path| Ok(Base::of(fs::read(path)?)))
        .collect()
}

/// Two CT slices of our own writer, and what other transfer syntaxes make of them.
fn made() -> io::Result<Vec<Base>> {
    let folder = tempfile::tempdir()?;
    let files = write_ct_series(folder.path(), &volume()?, &identity())?;
    let mut bases = Vec::new();
    for path in &files {
        let plain = fs::read(path)?;
        bases.extend(packed(&plain));
        bases.push(Base::of(plain));
    }
    Ok(bases)
}

fn identity() -> SeriesIdentity {
    let mut identity = SeriesIdentity {
        patient: demo::identity(1),
        ..SeriesIdentity::default()
    };
    identity.study.uid = uid(1, "mutants study");
    identity.series.uid = uid(1, "mutants series");
    identity
}

/// 24 × 16 × 2 voxels, a slope with some noise.
fn volume() -> io::Result<Volume> {
    let size = [24usize, 16, 2];
    let frame = |slice: usize| {
        let values = (0..size[0] * size[1]).flat_map(|i| {
            let value = (i * 7 + slice * 100 + (i * i) % 13) as i16 - 1000;
            value.to_le_bytes()
        });
        let bytes = PixelBytes::from_vec(values.collect());
        Frame::new(size[1], size[0], 1, StoredType::I16, bytes)
    };
    let frames: Option<Vec<Frame>> = (0..size[2]).map(frame).collect();
    let frames = frames.ok_or(io::ErrorKind::InvalidData)?;
    Ok(Volume {
        grid: GridGeometry {
            size,
            patient_from_voxel: glam::DAffine3::from_scale(glam::DVec3::new(0.5, 0.5, 2.0)),
        },
        frames,
        modality_lut: ModalityLut::Rescale {
            slope: 1.0,
            intercept: -24.0,
        },
        unit: ModalityUnit::Hounsfield,
        padding: None,
    })
}

/// A native explicit file as deflated data set, RLE, deflated frame and encapsulated native frame.
fn packed(plain: &[u8]) -> Vec<Base> {
    let base = Base::of(plain.to_vec());
    let Some((start, rest)) = base.parts.split_first() else {
        return Vec::new();
    };
    let native = rest.iter().find_map(|p| match p.kind {
        Kind::Pixels { header, .. } => p.bytes.get(header..),
        _ => None,
    });
    let Some(native) = native else {
        return Vec::new();
    };
    let elements = || {
        rest.iter()
            .filter(|p| matches!(p.kind, Kind::Element(_)))
            .flat_map(|p| p.bytes.iter().copied())
    };
    let with = |uid: &str, body: Vec<u8>| {
        let start = super::operations::with_syntax(&start.bytes, uid)?;
        Some(Base::of([start, body].concat()))
    };
    let encapsulated = |frame: Vec<u8>| -> Vec<u8> {
        let head = [0xE0, 0x7F, 0x10, 0, b'O', b'B', 0, 0, 255, 255, 255, 255];
        let table = [0xFE, 0xFF, 0, 0xE0, 0, 0, 0, 0];
        let mut item = vec![0xFE, 0xFF, 0, 0xE0];
        item.extend((frame.len() as u32).to_le_bytes());
        let end = [0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0];
        elements()
            .chain(head)
            .chain(table)
            .chain(item)
            .chain(frame)
            .chain(end)
            .collect()
    };
    let whole: Vec<u8> = rest.iter().flat_map(|p| p.bytes.iter().copied()).collect();
    [
        with("1.2.840.10008.1.2.1.99", deflated(&whole)),
        with("1.2.840.10008.1.2.5", encapsulated(rle(native))),
        with(
            "1.2.840.10008.1.2.8.1",
            encapsulated(even(deflated(native))),
        ),
        with("1.2.840.10008.1.2.1.98", encapsulated(native.to_vec())),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn even(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.len() % 2 == 1 {
        bytes.push(0);
    }
    bytes
}

/// A deflate stream of stored blocks (RFC 1951, 3.2.4).
pub(super) fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 16);
    let blocks = bytes.chunks(0xFFFF);
    let last = blocks.len().saturating_sub(1);
    for (number, block) in blocks.enumerate() {
        out.push(u8::from(number == last));
        let length = block.len() as u16;
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(block);
    }
    out
}

/// 16-bit values as RLE of literal runs: high bytes, then low bytes (PS3.5 annex G).
fn rle(native: &[u8]) -> Vec<u8> {
    let segment = |first: usize| {
        let plane: Vec<u8> = native.iter().skip(first).step_by(2).copied().collect();
        let runs = plane.chunks(128).flat_map(|run| {
            let count = run.len().saturating_sub(1) as u8;
            std::iter::once(count).chain(run.iter().copied())
        });
        even(runs.collect())
    };
    let (high, low) = (segment(1), segment(0));
    let mut out: Vec<u8> = [2u32, 64, 64 + high.len() as u32]
        .iter()
        .flat_map(|n| n.to_le_bytes())
        .collect();
    out.resize(64, 0);
    out.extend(high);
    out.extend(low);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_the_file_and_every_made_file_opens() {
        let bases = made().unwrap();
        assert_eq!(bases.len(), 10);
        for base in &bases {
            let joined: Vec<u8> = base.parts.iter().flat_map(|p| p.bytes.clone()).collect();
            assert_eq!(base.parts.first().unwrap().kind, Kind::Start);
            assert!(
                base.parts
                    .iter()
                    .any(|p| matches!(p.kind, Kind::Pixels { .. }))
            );
            if !base.deflated {
                assert!(joined == base.bytes);
            }
        }
        assert_eq!(bases.iter().filter(|b| b.deflated).count(), 2);
    }
}
