//! A segmentation as a file, in the form that its name asks for. Window and command line both come here.
//!
//! Must stay true: a file is written whole or not at all; voxels are moved and never made up.

use crate::{
    dicom::{
        frames::{FrameError, FrameSource},
        write::{marks::Making, segmentation::write_segmentation, structures::write_structures},
    },
    files::write_whole,
    formats::{self, FormatError, VolumeOut, labels, png},
    model::{
        layout::SeriesLayout,
        segmentation::{
            Segmentation,
            exchange::{Form, Fractions, NotWritten, Pictures},
        },
        study::SourceKind,
    },
};
use std::{
    io,
    path::{Path, PathBuf},
};

/// What a mask becomes in DICOM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaskForm {
    /// Segmentation of this type.
    Segmentation(Form),
    /// RT Structure Set.
    Structures,
}

impl MaskForm {
    /// The form that a name asks for: `.labelmap.dcm`, `.rtstruct.dcm`; single bits for every other `.dcm`.
    pub fn of_name(path: &Path) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.to_ascii_lowercase();
        if name.ends_with(".rtstruct.dcm") {
            Self::Structures
        } else if name.ends_with(".labelmap.dcm") {
            Self::Segmentation(Form::LabelMap)
        } else {
            Self::Segmentation(Form::Binary)
        }
    }
}

/// Why a mask was not written.
#[derive(Debug, thiserror::Error)]
pub enum MaskFileError {
    /// The form does not take it.
    #[error("{0}")]
    Form(#[from] NotWritten),
    /// The format does not take it.
    #[error("{0}")]
    Format(#[from] FormatError),
    /// The pictures cannot be read.
    #[error("{0}")]
    Pictures(#[from] FrameError),
    /// A mask in DICOM, and no pictures.
    #[error("a mask in DICOM names the pictures that it lies on, and there are none")]
    NoPictures,
    /// The disk.
    #[error("cannot write: {0}")]
    Io(io::Error),
}

/// Whether a mask can be written under a name at all.
pub fn is_writable(path: &Path) -> bool {
    is_dicom(path) || formats::kind_to_write(path).is_some() || png::is_png(path)
}

/// Whether a name is that of a DICOM file.
pub fn is_dicom(path: &Path) -> bool {
    path.extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("dcm"))
}

/// Whether pictures can be named by a mask in DICOM: they are DICOM objects themselves.
///
/// # Errors
/// [`NotWritten::NotDicom`].
pub fn named(layout: &SeriesLayout) -> Result<(), NotWritten> {
    let first = layout.first_instance();
    match first.is_some_and(|i| i.source.kind == SourceKind::Dicom) {
        true => Ok(()),
        false => Err(NotWritten::NotDicom),
    }
}

/// Writes a mask in the form that its name asks for; `form` counts for DICOM alone. Gives the files.
///
/// # Errors
/// The reason why it cannot be written so.
pub fn write_mask(
    path: &Path,
    form: MaskForm,
    seg: &Segmentation,
    fractions: Option<&Fractions>,
    on: Option<&SeriesLayout>,
    making: &Making,
    source: &dyn FrameSource,
) -> Result<Vec<PathBuf>, MaskFileError> {
    if !is_dicom(path) {
        let volume = labels::to_volume(seg)?;
        let mut whole = VolumeOut::new(&volume);
        whole.labels = true;
        if png::is_png(path) {
            return Ok(write_png(path, &whole)?);
        }
        formats::write(path, &whole)?;
        return Ok(vec![path.to_path_buf()]);
    }
    let layout = on.ok_or(MaskFileError::NoPictures)?;
    let first = layout.first_instance().ok_or(MaskFileError::NoPictures)?;
    named(layout)?;
    let source = source.read_source(first)?;
    let pictures = Pictures {
        layout,
        source: &source,
    };
    let made = match form {
        MaskForm::Segmentation(form) => {
            let fractions = fractions.filter(|_| form == Form::Fractional);
            write_segmentation(seg, form, fractions, &pictures, making)?
        }
        MaskForm::Structures => write_structures(seg, &pictures, making)?,
    };
    write_whole(path, &made.bytes).map_err(MaskFileError::Io)?;
    Ok(vec![path.to_path_buf()])
}

/// Writes a picture a slice, `NAME-0001.png` and so on; a single one under the name itself.
///
/// # Errors
/// Those of the format and of the disk.
pub fn write_png(path: &Path, out: &VolumeOut<'_>) -> Result<Vec<PathBuf>, FormatError> {
    let written = png::write_pictures(path, out)?.paths;
    let [one] = written.as_slice() else {
        return Ok(written);
    };
    std::fs::rename(one, path)?;
    Ok(vec![path.to_path_buf()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_the_form() {
        let of = |name: &str| MaskForm::of_name(Path::new(name));
        assert_eq!(of("a.RTSTRUCT.dcm"), MaskForm::Structures);
        let map = MaskForm::Segmentation(Form::LabelMap);
        assert_eq!(of("liver.labelmap.dcm"), map);
        assert_eq!(of("labelmap.dcm"), MaskForm::Segmentation(Form::Binary));
        assert!(is_writable(Path::new("a.nii.gz")) && !is_writable(Path::new("a.txt")));
    }
}
