//! Masks from files and into files, for every command that takes or gives one.

use super::{
    Common, Exit,
    inspect::{exit_of, limits},
    series::Refusal,
};
pub use crate::workspace::exchange::mask_file::{is_dicom, is_writable};
use crate::{
    dicom::{
        frames::FrameSource as _,
        scan::read_instance,
        segmentation::{Wanted, read_mask},
        write::marks::Making,
    },
    formats::VolumeOut,
    model::{
        geometry::GridGeometry,
        layout::SeriesLayout,
        segmentation::{
            Segmentation,
            exchange::{Form, Fractions, NotWritten, SegmentationRead},
        },
        volume::Volume,
    },
    task::CancelToken,
    workspace::exchange::mask_file::{self, MaskFileError, MaskForm},
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// What a mask becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum OutForm {
    /// DICOM SEG, a bit for each voxel and segment
    Binary,
    /// DICOM SEG, shares or probabilities
    Fractional,
    /// DICOM Label Map Segmentation, a number for each voxel
    Labelmap,
    /// RT Structure Set, outlines slice by slice
    Rtstruct,
}

impl From<NotWritten> for Refusal {
    fn from(error: NotWritten) -> Self {
        let exit = match error {
            NotWritten::TooLarge => Exit::Limit,
            NotWritten::NotDicom | NotWritten::Overlap => Exit::Unsupported,
            _ => Exit::Rejected,
        };
        Self::new(exit, format!("[{}] {error}", error.code()))
    }
}

/// Whether pictures can be named by a mask in DICOM: they are DICOM objects themselves.
///
/// # Errors
/// [`NotWritten::NotDicom`].
pub fn named(layout: &SeriesLayout) -> Result<(), Refusal> {
    Ok(mask_file::named(layout)?)
}

/// What a mask becomes: as it was asked for, else as the name says.
pub fn form_of(path: &Path, form: Option<OutForm>) -> MaskForm {
    match form {
        Some(OutForm::Binary) => MaskForm::Segmentation(Form::Binary),
        Some(OutForm::Fractional) => MaskForm::Segmentation(Form::Fractional),
        Some(OutForm::Labelmap) => MaskForm::Segmentation(Form::LabelMap),
        Some(OutForm::Rtstruct) => MaskForm::Structures,
        None => MaskForm::of_name(path),
    }
}

/// Reads the mask of a file, onto pictures where they are given.
///
/// # Errors
/// The code and sentence of what does not fit.
pub fn read(
    path: &Path,
    on: Option<&SeriesLayout>,
    wanted: Wanted,
    common: &Common,
) -> Result<SegmentationRead, Refusal> {
    let limits = limits(common);
    let instance = read_instance(path, &common.scan_options(limits)).map_err(|rejection| {
        let (code, detail) = (rejection.code, &rejection.detail);
        let text = format!("[{code}] {detail}: {}", path.display());
        Refusal::new(exit_of(rejection.outcome), text)
    })?;
    let frames = common.frame_source(limits);
    let cancel = CancelToken::default();
    read_mask(&Arc::new(instance), &frames, on, wanted, &cancel).map_err(|error| {
        let text = format!("[{}] {error}: {}", error.code(), path.display());
        Refusal::new(exit_of(error.kind()), text)
    })
}

/// Writes a mask in the form that its name asks for; `form` counts for DICOM alone. Gives the files.
///
/// # Errors
/// The reason why it cannot be written so.
pub fn write(
    path: &Path,
    form: Option<OutForm>,
    seg: &Segmentation,
    fractions: Option<&Fractions>,
    on: Option<&SeriesLayout>,
    making: &Making,
    common: &Common,
) -> Result<Vec<PathBuf>, Refusal> {
    let frames = common.frame_source(limits(common));
    let form = form_of(path, form);
    let written = mask_file::write_mask(path, form, seg, fractions, on, making, &frames);
    written.map_err(|error| match error {
        MaskFileError::Form(error) => error.into(),
        MaskFileError::Format(error) => error.into(),
        MaskFileError::Pictures(error) => {
            Refusal::new(exit_of(error.kind()), format!("[{}] {error}", error.code()))
        }
        MaskFileError::NoPictures => {
            let text = "a mask in DICOM names the pictures that it lies on: give them with --image";
            Refusal::new(Exit::Usage, text)
        }
        MaskFileError::Io(error) => Refusal::new(
            Exit::Io,
            format!("cannot write: {error}: {}", path.display()),
        ),
    })
}

/// Writes a picture a slice, `NAME-0001.png` and so on; a single one under the name itself.
///
/// # Errors
/// Those of the format and of the disk.
pub fn write_png(path: &Path, out: &VolumeOut<'_>) -> Result<Vec<PathBuf>, Refusal> {
    Ok(mask_file::write_png(path, out)?)
}

/// Pictures that are no volume in the patient, as one: frame after frame on the grid of their mask.
///
/// # Errors
/// Those of the frames.
pub fn stack(
    layout: &SeriesLayout,
    grid: GridGeometry,
    common: &Common,
) -> Result<Volume, Refusal> {
    let source = common.frame_source(limits(common));
    let read = layout.frames.iter().map(|frame| {
        source
            .read_frame(&frame.instance, frame.frame)
            .map_err(|error| {
                Refusal::new(exit_of(error.kind()), format!("[{}] {error}", error.code()))
            })
    });
    let frames = read.collect::<Result<Vec<_>, _>>()?;
    let first = layout.frames.first();
    let said = first.and_then(|f| Some(f.instance.image.as_ref()?.frame(f.frame)));
    let said = said.ok_or_else(|| Refusal::new(Exit::Rejected, "there is no picture"))?;
    Ok(Volume {
        grid,
        frames,
        modality_lut: said.modality_lut.clone(),
        unit: said.unit.clone(),
        padding: None,
    })
}

/// How objects are made by a command: now, or at the moment of `--clock`; UIDs from a text where one is given.
pub fn making(author: &str, uid_seed: Option<&str>, common: &Common) -> Making {
    let mut making = Making::now(author);
    if let Some(seed) = uid_seed {
        seed.clone_into(&mut making.uid_seed);
    }
    // `2024-02-29T14:23:01Z`: its digits.
    if let Some(clock) = &common.clock {
        let digits: String = clock.chars().filter(char::is_ascii_digit).collect();
        if let (Some(date), Some(time)) = (digits.get(..8), digits.get(8..14)) {
            date.clone_into(&mut making.date);
            time.clone_into(&mut making.time);
        }
    }
    making
}
