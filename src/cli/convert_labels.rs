//! `negatoscope convert-labels`: masks from one format into another, voxel for voxel.

mod report;

use super::{
    Common, Exit, Output,
    inspect::findings,
    masks::{self, OutForm},
    series::{self, Refusal},
};
use crate::{
    dicom::segmentation::Wanted,
    formats::labels::counts,
    model::{labels::voxel_ml, segmentation::SegmentOrigin},
    workspace::exchange::{mask_file::MaskForm, mask_report::Written},
};
use clap::Args;
use serde_json::json;
use std::path::PathBuf;

/// Arguments of `convert-labels`.
#[derive(Debug, Args)]
pub struct ConvertLabelsArgs {
    /// The mask: DICOM SEG, RT Structure Set, .nii, .nii.gz, .nrrd, .mha, or a PNG of one picture
    path: PathBuf,
    /// The pictures that it lies on: a file, or the folder of a series. Outlines and DICOM need them; without them a mask
    /// keeps its own grid
    #[arg(long, value_name = "PATH")]
    image: Option<PathBuf>,
    /// Series Instance UID, when --image holds several
    #[arg(long, value_name = "UID", requires = "image")]
    series: Option<String>,
    /// Part of the series, where it holds several stacks
    #[arg(long, value_name = "N", requires = "image")]
    part: Option<usize>,
    /// File to write: .dcm, .nii, .nii.gz, .nrrd, .mha or .png (one picture a slice)
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// What a .dcm becomes (default: what its name says, NAME.labelmap.dcm or NAME.rtstruct.dcm; else binary)
    #[arg(long, value_enum)]
    form: Option<OutForm>,
    /// Only this segment; may be given several times
    #[arg(long, value_name = "N")]
    segment: Vec<u16>,
    /// Name of a segment, where the mask has none; may be given several times
    #[arg(long, value_name = "N=NAME", value_parser = parse_name)]
    name: Vec<(u16, String)>,
    /// Title of the whole
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// Also write volume and mean value of each segment as a measurement report (SR, TID 1500) that names the segmentation
    /// object written as --out
    #[arg(long, value_name = "FILE.dcm", requires = "image")]
    report: Option<PathBuf>,
    /// Name of who sends it, for DICOM
    #[arg(long, value_name = "NAME", default_value = "")]
    author: String,
    /// Make all UIDs from this text, so that the same mask gives the same file (with --clock)
    #[arg(long, value_name = "TEXT")]
    uid_seed: Option<String>,
}

fn parse_name(text: &str) -> Result<(u16, String), String> {
    let parts = text.split_once('=');
    let parsed = parts.and_then(|(number, name)| Some((number.parse().ok()?, name.to_owned())));
    parsed.ok_or_else(|| format!("`{text}` is not NUMBER=NAME"))
}

/// Runs `convert-labels`.
pub fn run(args: &ConvertLabelsArgs, common: &Common, out: &mut Output) -> Exit {
    match convert(args, common, out) {
        Ok(()) => Exit::Done,
        Err(refusal) => {
            if common.json {
                out.json(&json!({
                    "path": args.path.display().to_string(),
                    "outcome": "refused",
                    "detail": refusal.message,
                }));
            }
            out.error(refusal.message);
            refusal.exit
        }
    }
}

fn convert(args: &ConvertLabelsArgs, common: &Common, out: &mut Output) -> Result<(), Refusal> {
    // Before anything is read: a name that cannot be written.
    if !masks::is_writable(&args.out) {
        let text = "the name of the output ends in none of .dcm, .nii, .nii.gz, .nrrd, .mha, .png";
        return Err(Refusal::new(Exit::Usage, text));
    }
    let form = masks::form_of(&args.out, args.form);
    let object = masks::is_dicom(&args.out) && form != MaskForm::Structures;
    if args.report.is_some() && !object {
        let text = "--report names a segmentation object: write one with --out FILE.dcm";
        return Err(Refusal::new(Exit::Usage, text));
    }
    let layout = match &args.image {
        Some(image) => Some(series::choose(
            image,
            args.series.as_deref(),
            args.part,
            common,
        )?),
        None => None,
    };
    let wanted = Wanted {
        fractions: args.form == Some(OutForm::Fractional),
    };
    let mut read = masks::read(&args.path, layout.as_ref(), wanted, common)?;
    let seg = &mut read.segmentation;
    if let Some(missing) = args.segment.iter().find(|n| seg.segment(**n).is_none()) {
        let text = format!("the mask has no segment {missing}");
        return Err(Refusal::new(Exit::Usage, text));
    }
    let all: Vec<u16> = seg.segments().map(|s| s.number).collect();
    for number in all {
        if !args.segment.is_empty() && !args.segment.contains(&number) {
            seg.remove_segment(number);
        }
    }
    for (number, name) in &args.name {
        let Some(mut segment) = seg.segment(*number).cloned() else {
            let text = format!("the mask has no segment {number}");
            return Err(Refusal::new(Exit::Usage, text));
        };
        segment.label.clone_from(name);
        seg.put_segment(segment);
    }
    if let Some(title) = &args.title {
        seg.title.clone_from(title);
    }
    let making = masks::making(&args.author, args.uid_seed.as_deref(), common);
    let (seg, fractions) = (&read.segmentation, read.fractions.as_ref());
    let paths = masks::write(
        &args.out,
        args.form,
        seg,
        fractions,
        layout.as_ref(),
        &making,
        common,
    )?;
    if let Some(report) = &args.report {
        let Some(on) = &layout else {
            return Err(Refusal::new(Exit::Usage, "--report needs --image"));
        };
        let written = Written {
            object: &args.out,
            seg,
            on,
        };
        report::write(report, &written, &making, common)?;
    }
    let (counts, ml) = (counts(seg), voxel_ml(&seg.grid));
    let voxels = |number: u16| counts.get(&number).copied().unwrap_or(0);
    if common.json {
        let m = seg.grid.patient_from_voxel;
        let segments: Vec<_> = seg
            .segments()
            .map(|segment| {
                let origin = match &segment.origin {
                    SegmentOrigin::Manual => "manual",
                    SegmentOrigin::SemiAutomatic { .. } => "semiautomatic",
                    SegmentOrigin::Automatic { .. } => "automatic",
                };
                json!({
                    "number": segment.number,
                    "label": segment.label,
                    "layer": segment.layer,
                    "color": segment.color,
                    "origin": origin,
                    "state": segment.state.name(),
                    "voxels": voxels(segment.number),
                    "volume_ml": voxels(segment.number) as f64 * ml,
                })
            })
            .collect();
        out.json(&json!({
            "path": args.path.display().to_string(),
            "outcome": "ok",
            "form": read.form.name(),
            "files": paths.iter().map(|p| p.display().to_string()).collect::<Vec<_>>(),
            "size": seg.grid.size,
            "spacing_mm": seg.grid.spacing_mm(),
            "origin_lps": m.translation.to_array(),
            "directions_lps": m.matrix3.to_cols_array_2d(),
            "segments": segments,
            "findings": findings(&read.findings),
        }));
        return Ok(());
    }
    for segment in seg.segments() {
        let count = voxels(segment.number);
        let volume = count as f64 * ml;
        out.line(format!(
            "{} {}: {count} voxels ({volume:.2} ml)",
            segment.number, segment.label
        ));
    }
    for finding in &read.findings {
        out.note(&finding.sentence);
    }
    Ok(())
}
