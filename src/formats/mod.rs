//! Research volumes to model and back: NIfTI-1 and -2, NRRD, MetaImage; and out as pictures, one PNG a slice.
//!
//! Each reader looks at a bounded header, holds what it declares against the bytes that are there and against a
//! budget, and hands out stored values untouched, in the file's voxel order, with an affine that says where they
//! lie. Rescaling becomes the modality LUT, further dimensions become further volumes.
//!
//! Must stay true: nothing is taken from a file that is not whole; no memory before a check; what a file does not
//! say (orientation, spacing, unit) stays unknown and is told as a finding or a [`Placement`]; no text of the file
//! (description, file names, key and value pairs) is kept, because it may name a patient. What is written depends
//! on the volume alone, byte for byte.
//! Not here: Analyze 7.5 (its left and right are a matter of belief), CIFTI, complex and vector values, files in
//! many parts, resampling. Windows are chosen elsewhere.

pub mod coco;
mod error;
pub mod labels;
pub mod metaimage;
pub mod nifti;
pub mod nrrd;
pub mod orientation;
mod pack;
pub mod parquet;
pub mod png;
mod source;
mod text;
mod values;

pub use error::FormatError;
pub use orientation::Placement;
pub use pack::{packed, unpacked};

use crate::model::{finding::Finding, volume::Volume};
use source::{Folder, Opened};
use std::path::Path;

/// Bytes of the beginning of a file that [`sniff`] wants; fewer may do.
pub const SNIFF_BYTES: usize = 4096;

/// Kind of a file, decided by content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FormatKind {
    /// NIfTI-1 or NIfTI-2 in one file.
    Nifti,
    /// The same in a gzip stream.
    NiftiGzip,
    /// A NIfTI header whose voxels are in the `.img` beside it.
    NiftiPair,
    /// NRRD, with its data or with a data file.
    Nrrd,
    /// MetaImage, with its data or with a data file.
    MetaImage,
}

/// What a file may cost. The defaults are far above real files and far below what hurts.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of a file that is read, packed or not.
    pub file_bytes: u64,
    /// Bytes of a text header, and before the voxels of a NIfTI file.
    pub header_bytes: usize,
    /// Bytes of the voxels that are kept, unpacked.
    pub pixel_bytes: usize,
    /// Frames of all volumes together.
    pub frames: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes: 2 << 30,
            header_bytes: 16 << 20,
            pixel_bytes: 2 << 30,
            frames: 1 << 20,
        }
    }
}

/// What a file holds.
#[derive(Clone, Debug)]
pub struct Read {
    /// Its kind.
    pub kind: FormatKind,
    /// At least one; further ones are further times, directions or components. All share grid and type.
    pub volumes: Vec<Volume>,
    /// What the affine of the grid means.
    pub placement: Placement,
    /// The file says that its values are labels (NIfTI intent 1002). `false` says nothing.
    pub labels: bool,
    /// What was noticed and does not forbid reading.
    pub findings: Vec<Finding>,
}

/// A volume to be written.
#[derive(Clone, Copy, Debug)]
pub struct VolumeOut<'a> {
    /// The voxels and where they lie.
    pub volume: &'a Volume,
    /// What its affine means. What is not known is not written.
    pub placement: Placement,
    /// The values are labels (kept by NIfTI only).
    pub labels: bool,
    /// NIfTI-2, which keeps the affine in 64 bits; fewer programs read it.
    pub nifti2: bool,
    /// Pack a MetaImage; `.nii.gz` and NRRD always are, `.nii` never is.
    pub packed: bool,
}

impl<'a> VolumeOut<'a> {
    /// A volume that lies in the patient, NIfTI-1, packed.
    pub const fn new(volume: &'a Volume) -> Self {
        Self {
            volume,
            placement: Placement::Patient,
            labels: false,
            nifti2: false,
            packed: true,
        }
    }
}

/// The kind of a file, from its first bytes (up to [`SNIFF_BYTES`]); its name decides only where they do not.
pub fn sniff(first: &[u8], name: &str) -> Option<FormatKind> {
    let ends = |end: &str| {
        let at = name.len().checked_sub(end.len());
        at.and_then(|at| name.get(at..))
            .is_some_and(|e| e.eq_ignore_ascii_case(end))
    };
    if pack::is_gzip(first) {
        let inside = pack::peek(first, nifti::MAGIC_END);
        let short = inside.len() < nifti::MAGIC_END;
        return match nifti::recognise(&inside) {
            Some(true) => Some(FormatKind::NiftiGzip),
            Some(false) => None,
            None => (short && ends(".nii.gz")).then_some(FormatKind::NiftiGzip),
        };
    }
    match nifti::recognise(first) {
        Some(true) => return Some(FormatKind::Nifti),
        Some(false) => return Some(FormatKind::NiftiPair),
        None => {}
    }
    if nrrd::recognise(first) {
        return Some(FormatKind::Nrrd);
    }
    metaimage::recognise(first).then_some(FormatKind::MetaImage)
}

/// Reads a file, and the data file it names where that lies beside it.
///
/// # Errors
/// `NOT_VOLUME` when it is none of these formats, and those of the format.
pub fn read(path: &Path, limits: &Limits) -> Result<Read, FormatError> {
    let opened = Opened::start(path, SNIFF_BYTES as u64)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let Some(kind) = sniff(&opened.bytes, &name) else {
        let text = "the file is neither NIfTI nor NRRD nor MetaImage";
        return Err(FormatError::rejected("NOT_VOLUME", text));
    };
    parse(kind, opened.finish(limits)?, Folder::Beside(path), limits)
}

/// Reads a file from memory; one that keeps its voxels elsewhere is refused.
///
/// # Errors
/// `DETACHED_DATA`, and those of the format.
pub fn read_bytes(kind: FormatKind, bytes: Vec<u8>, limits: &Limits) -> Result<Read, FormatError> {
    parse(kind, bytes, Folder::None, limits)
}

fn parse(
    kind: FormatKind,
    bytes: Vec<u8>,
    folder: Folder<'_>,
    limits: &Limits,
) -> Result<Read, FormatError> {
    match kind {
        FormatKind::Nifti | FormatKind::NiftiGzip | FormatKind::NiftiPair => {
            nifti::parse(kind, bytes, folder, limits)
        }
        FormatKind::Nrrd => nrrd::parse(bytes, folder, limits),
        FormatKind::MetaImage => metaimage::parse(bytes, folder, limits),
    }
}

/// The kind that a name asks for when writing: `.nii`, `.nii.gz`, `.nrrd` or `.mha`.
pub fn kind_to_write(path: &Path) -> Option<FormatKind> {
    let name = path.file_name()?.to_string_lossy().to_ascii_lowercase();
    [
        (".nii.gz", FormatKind::NiftiGzip),
        (".nii", FormatKind::Nifti),
        (".nrrd", FormatKind::Nrrd),
        (".mha", FormatKind::MetaImage),
    ]
    .iter()
    .find_map(|(end, kind)| name.ends_with(end).then_some(*kind))
}

/// Writes a volume in the format its name asks for, whole or not at all; what could not be kept comes back as
/// findings.
///
/// Stored integers are written as they are when they are modality values already, else modality values as
/// `int16` where that is exact for all, else as `float32`.
///
/// # Errors
/// `NAME`, `VOLUME_INCONSISTENT`, `SAMPLES`, `AFFINE_FLAT`, `AFFINE_INVALID`, `DIMENSIONS`, and those of the disk.
pub fn write(path: &Path, out: &VolumeOut<'_>) -> Result<Vec<Finding>, FormatError> {
    let Some(kind) = kind_to_write(path) else {
        let text = "the name ends in none of .nii, .nii.gz, .nrrd, .mha";
        return Err(FormatError::unsupported("NAME", text));
    };
    let (bytes, findings) = write_bytes(kind, out)?;
    crate::files::write_whole(path, &bytes)?;
    Ok(findings)
}

/// The same, into memory.
///
/// # Errors
/// As for [`write()`]; `PAIR` for [`FormatKind::NiftiPair`].
pub fn write_bytes(
    kind: FormatKind,
    out: &VolumeOut<'_>,
) -> Result<(Vec<u8>, Vec<Finding>), FormatError> {
    let mut findings = Vec::new();
    let grid = &out.volume.grid;
    // The same check as on the way in: what is written can be read.
    orientation::placed(grid.size, grid.patient_from_voxel, orientation::Space::Lps)?;
    let payload = values::payload(out.volume, &mut findings)?;
    if out.volume.padding.is_some() {
        let text = "the format cannot say which values are padding";
        let severity = crate::model::finding::Severity::Info;
        findings.push(Finding::new("PADDING_NOT_KEPT", severity, text));
    }
    let bytes = match kind {
        FormatKind::Nifti | FormatKind::NiftiGzip => {
            let header = nifti::header(out, &payload, &mut findings)?;
            match kind {
                FormatKind::Nifti => [header, payload.bytes].concat(),
                _ => pack::gzip(&[&header, &payload.bytes])?,
            }
        }
        FormatKind::NiftiPair => {
            let text = "a pair of header and image is read but not written";
            return Err(FormatError::unsupported("PAIR", text));
        }
        FormatKind::Nrrd => nrrd::bytes(out, &payload)?,
        FormatKind::MetaImage => metaimage::bytes(out, &payload)?,
    };
    Ok((bytes, findings))
}

#[cfg(test)]
mod tests;
