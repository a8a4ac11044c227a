//! `negatoscope volume`: an assembled series as a research volume, modality values with their geometry.

use super::{
    Common, Exit, Output,
    inspect::{self, exit_of, findings, limits},
    render::parse_window,
    series::{self, Refusal},
};
use crate::{
    dicom::load::{LoadError, load_volume},
    formats::{self, FormatError, VolumeOut, png},
    imaging::window::{display_u8, palette_rgb},
    model::{
        layout::SeriesLayout,
        lut::{ModalityLut, ModalityUnit, Voi},
        pixels::{Frame, PixelBytes, StoredType},
        study::SourceKind,
        view::GreyPipeline,
        volume::Volume,
    },
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
    /// File to write; its name ends in .nii, .nii.gz, .nrrd or .mha; or in .png for one picture a slice: NAME.png becomes
    /// NAME-0001.png and so on, 16 bits of exact values with slope and intercept in each (8 where 8 are stored)
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// For .png: window centre and width, modality values; the pictures then have 8 bits, as on a screen
    #[arg(long, value_name = "C,W", value_parser = parse_window, allow_hyphen_values = true)]
    pub window: Option<(f64, f64)>,
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
    let pictures = png::is_png(&args.out);
    if formats::kind_to_write(&args.out).is_none() && !pictures {
        let text = "the name of the output ends in none of .nii, .nii.gz, .nrrd, .mha, .png";
        return Err(Refusal::new(Exit::Usage, text));
    }
    if args.window.is_some() && !pictures {
        let text = "a window is for .png; the other formats keep all values";
        return Err(Refusal::new(Exit::Usage, text));
    }
    let layout = series::choose(&args.path, args.series.as_deref(), args.part, common)?;
    let volume = load(&layout, &args.path, common)?;
    let dicom = layout
        .first_instance()
        .is_some_and(|i| i.source.kind == SourceKind::Dicom);
    let volume = if dicom { along_normal(volume) } else { volume };
    let (noticed, pictures) = match pictures {
        true => {
            let coloured = in_colour(&volume, &layout)?;
            let shown = match args.window {
                Some((center, width)) => windowed(&coloured, &layout, &Voi::window(center, width))?,
                None => coloured,
            };
            let written = png::write_pictures(&args.out, &VolumeOut::new(&shown))?;
            (Vec::new(), Some(written))
        }
        false => {
            let noticed = formats::write(&args.out, &VolumeOut::new(&volume))?;
            (noticed, None)
        }
    };
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
            "pictures": pictures.map(|p| json!({
                "files": p.paths.iter().map(|f| f.display().to_string()).collect::<Vec<_>>(),
                "bits": p.meaning.map(|m| m.bits),
                "slope": p.meaning.map(|m| m.slope),
                "intercept": p.meaning.map(|m| m.intercept),
            })),
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

/// The volume with the colours that palette indices stand for; as it is where there is no palette.
fn in_colour(volume: &Volume, layout: &SeriesLayout) -> Result<Volume, Refusal> {
    let image = layout.first_instance().and_then(|i| i.image.as_ref());
    let Some(palette) = image.and_then(|image| image.palette.as_deref()) else {
        return Ok(volume.clone());
    };
    let frames = volume.frames.iter().map(|f| palette_rgb(f, palette));
    let frames: Option<Vec<Frame>> = frames.collect();
    let broken = || Refusal::new(Exit::Rejected, "the palette of this series is broken");
    Ok(Volume {
        grid: volume.grid,
        frames: frames.ok_or_else(broken)?,
        modality_lut: ModalityLut::IDENTITY,
        unit: ModalityUnit::Unspecified,
        padding: None,
    })
}

/// The volume as 8-bit display values.
pub(super) fn windowed(
    volume: &Volume,
    layout: &SeriesLayout,
    voi: &Voi,
) -> Result<Volume, Refusal> {
    let inverted = layout
        .first_instance()
        .and_then(|i| i.image.as_ref())
        .is_some_and(|image| image.lowest_is_white());
    let frames = volume.frames.iter().map(|frame| {
        if frame.samples != 1 {
            let text = "a window is for grey values; this volume has colours";
            return Err(Refusal::new(Exit::Usage, text));
        }
        let grey = GreyPipeline {
            stored_type: frame.stored_type,
            modality_lut: volume.modality_lut.clone(),
            voi: voi.clone(),
            inverted,
            padding: volume.padding,
            presentation: None,
        };
        let codes = display_u8(frame, &grey);
        let made = Frame::new(
            frame.rows,
            frame.columns,
            1,
            StoredType::U8,
            PixelBytes::from_vec(codes),
        );
        made.ok_or_else(|| Refusal::new(Exit::Internal, "a slice of the wrong size"))
    });
    Ok(Volume {
        grid: volume.grid,
        frames: frames.collect::<Result<_, _>>()?,
        modality_lut: ModalityLut::IDENTITY,
        unit: ModalityUnit::Unspecified,
        padding: None,
    })
}

/// All slices of a layout that is a volume.
pub(super) fn load(layout: &SeriesLayout, path: &Path, common: &Common) -> Result<Volume, Refusal> {
    series::fits(layout, common)?;
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
