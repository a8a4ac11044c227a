//! `negatoscope volume`: an assembled series as a research volume, modality values with their geometry.

use super::{
    Common, Exit, Output,
    inspect::{self, exit_of, findings, limits},
    series::{self, Refusal},
};
use crate::{
    dicom::load::{LoadError, load_volume},
    formats::{self, FormatError, VolumeOut},
    model::{layout::SeriesLayout, study::SourceKind, volume::Volume},
    task::{CancelToken, Progress},
};
use clap::Args;
use glam::{DAffine3, DMat3, DVec3};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Arguments of `volume`.
#[derive(Debug, Args)]
pub struct VolumeArgs {
    /// A file, or the folder of a series
    pub path: PathBuf,
    /// Series Instance UID, when the path holds several (default: the one with most frames)
    #[arg(long, value_name = "UID")]
    pub series: Option<String>,
    /// Part of the series, where it holds several stacks (as `inspect --check` counts them)
    #[arg(long, value_name = "N")]
    pub part: Option<usize>,
    /// File to write; its name ends in .nii, .nii.gz, .nrrd or .mha
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

impl From<FormatError> for Refusal {
    fn from(error: FormatError) -> Self {
        let exit = match error.code() {
            "NAME" => Exit::Usage,
            _ => exit_of(error.kind()),
        };
        Self::new(exit, format!("[{}] {error}", error.code()))
    }
}

/// Runs `volume`.
pub fn run(args: &VolumeArgs, common: &Common, out: &mut Output) -> Exit {
    match export(args, common, out) {
        Ok(()) => Exit::Done,
        Err(refusal) => {
            out.error(refusal.message);
            refusal.exit
        }
    }
}

fn export(args: &VolumeArgs, common: &Common, out: &mut Output) -> Result<(), Refusal> {
    // Before anything is read: a name that cannot be written.
    if formats::kind_to_write(&args.out).is_none() {
        let text = "the name of the output ends in none of .nii, .nii.gz, .nrrd, .mha";
        return Err(Refusal::new(Exit::Usage, text));
    }
    let layout = series::choose(&args.path, args.series.as_deref(), args.part, common)?;
    let volume = load(&layout, &args.path, common)?;
    let dicom = layout
        .first_instance()
        .is_some_and(|i| i.source.kind == SourceKind::Dicom);
    let volume = if dicom { along_normal(volume) } else { volume };
    let noticed = formats::write(&args.out, &VolumeOut::new(&volume))?;
    for finding in &noticed {
        out.note(&finding.sentence);
    }
    if common.json {
        let grid = &volume.grid;
        let m = grid.patient_from_voxel;
        out.json(&json!({
            "out": args.out.display().to_string(),
            "size": grid.size,
            "spacing_mm": grid.spacing_mm(),
            "origin_lps": m.translation.to_array(),
            "directions_lps": m.matrix3.to_cols_array_2d(),
            "unit": volume.unit.label(),
            "series": layout.first_instance().map(|i| i.series.uid.clone()),
            "part": inspect::part(&layout),
            "findings": findings(&layout.findings),
            "written": findings(&noticed),
        }));
    }
    Ok(())
}

/// The volume with its slices running along the normal of rows and columns, as other programs write DICOM series: the
/// reading order follows the instance numbers, which may run either way. No voxel moves.
fn along_normal(mut volume: Volume) -> Volume {
    let affine = volume.grid.patient_from_voxel;
    if affine.matrix3.determinant() >= 0.0 || volume.frames.is_empty() {
        return volume;
    }
    volume.frames.reverse();
    let last = DVec3::new(0.0, 0.0, (volume.frames.len() - 1) as f64);
    let m = affine.matrix3;
    volume.grid.patient_from_voxel = DAffine3 {
        matrix3: DMat3::from_cols(m.x_axis, m.y_axis, -m.z_axis),
        translation: affine.transform_point3(last),
    };
    volume
}

/// All slices of a layout that is a volume.
pub(super) fn load(layout: &SeriesLayout, path: &Path, common: &Common) -> Result<Volume, Refusal> {
    let source = common.frame_source(limits(common));
    load_volume(
        layout,
        &source,
        &CancelToken::default(),
        &Progress::default(),
    )
    .map_err(|error| match &error {
        LoadError::NotAVolume => {
            let reasons: Vec<&str> = layout
                .findings
                .iter()
                .map(|f| f.sentence.as_str())
                .collect();
            let text = format!("{error}: {}: {}", reasons.join("; "), path.display());
            Refusal::new(Exit::Rejected, text)
        }
        LoadError::Frame { source, .. } => {
            let text = format!("[{}] {error}: {}", source.code(), path.display());
            Refusal::new(exit_of(source.kind()), text)
        }
        LoadError::Memory { .. } => Refusal::new(Exit::Limit, error.to_string()),
        LoadError::Cancelled => Refusal::new(Exit::Internal, error.to_string()),
    })
}
