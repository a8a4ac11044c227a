//! `negatoscope segment`.

mod points;
mod volume;

use super::{
    Common, Exit, Output,
    common::DeviceChoice,
    inspect::{self, in_pool, limits},
    lesions, masks,
    models::registry_of,
    series,
    train::exit_of,
};
use crate::{
    ai::{
        AiError, BurnDevice, device,
        infer::Segmenter,
        preprocess::FrameInput,
        readback::{ProbabilityMap, read_back},
        registry::{self, Model},
        scope::{self, Scope},
        thorax,
        volume_import::ForVolumes,
    },
    dicom::{frames::FrameSource as _, scan::read_instance, segmentation::grid_of},
    formats::png::write_picture,
    imaging::{
        resample,
        thorax::{ThoraxError, ThoraxWidths},
    },
    model::{
        finding::Finding,
        geometry::Spacing,
        inference::{AI_NOTICE, InferenceProvenance, ModelIdentity},
        layout::{FrameRef, SeriesLayout},
        lut::{ModalityLut, PaddingRange},
        pixels::Frame,
        segmentation::{
            Painter, Segment, SegmentOrigin, SegmentState, Segmentation, SegmentationId,
        },
    },
    task::CancelToken,
};
use clap::Args;
use std::{
    path::{Path, PathBuf},
    time::Instant,
};

/// Arguments of `segment`.
#[derive(Debug, Args)]
pub struct SegmentArgs {
    /// The picture: DICOM, PNG or JPEG; for a model that looks through volumes the file or folder of a series
    pub(super) path: PathBuf,
    /// Id of a model, or a model file
    #[arg(long, value_name = "ID|FILE", default_value = registry::LUNG_FIELDS)]
    model: String,
    /// The mask to write: a PNG of the picture's size, 0 and 255; for a volume the numbers of its segments or lesions as
    /// .nii, .nii.gz, .nrrd or .mha
    #[arg(long, value_name = "FILE")]
    pub(super) out: PathBuf,
    /// Frame, counted from 1
    #[arg(long, default_value_t = 1, value_name = "N")]
    frame: usize,
    /// Also show the mirror images that the card of an imported model allows: up to eight times as long, a little better
    #[arg(long)]
    pub(super) mirror: bool,
    /// For a network by points: a voxel that belongs, column, row and slice from 0; may be given again
    #[arg(long, value_name = "X,Y,Z", value_parser = points::parse)]
    pub(super) point: Vec<[usize; 3]>,
    /// For a network by points: a voxel that does not belong
    #[arg(long, value_name = "X,Y,Z", value_parser = points::parse)]
    pub(super) not: Vec<[usize; 3]>,
    /// Run although the picture is out of the model's scope; the reason stays a finding
    #[arg(long)]
    pub(super) ignore_scope: bool,
}

/// Why a command ended: exit code and sentence.
pub(super) type Refusal = (Exit, String);

/// Runs `segment`.
pub fn run(args: &SegmentArgs, common: &Common, out: &mut Output) -> Exit {
    let done = in_pool(common, || segment(args, common, out));
    ended(done, &args.path, common, out)
}

/// The end of a command about one picture: what it refused is told on both streams.
pub(super) fn ended(
    done: Result<(), Refusal>,
    path: &Path,
    common: &Common,
    out: &mut Output,
) -> Exit {
    let Err((exit, sentence)) = done else {
        return Exit::Done;
    };
    if common.json {
        out.json(&serde_json::json!({
            "path": path.display().to_string(),
            "outcome": if exit == Exit::Unsupported { "unsupported" } else { "rejected" },
            "detail": sentence,
        }));
    }
    out.error(sentence);
    exit
}

pub(super) fn refusal(error: AiError) -> Refusal {
    (exit_of(&error), error.to_string())
}

/// One frame with what its header says.
pub(super) struct Input {
    pub(super) frame: Frame,
    pub(super) modality_lut: ModalityLut,
    pub(super) padding: Option<PaddingRange>,
    pub(super) inverted: bool,
    pub(super) spacing: Spacing,
    pub(super) uid: String,
    pub(super) findings: Vec<Finding>,
}

impl Input {
    /// As networks are given it.
    pub(super) const fn frame_input(&self) -> FrameInput<'_> {
        FrameInput {
            frame: &self.frame,
            modality_lut: &self.modality_lut,
            padding: self.padding,
            inverted: self.inverted,
        }
    }
}

fn segment(args: &SegmentArgs, common: &Common, out: &mut Output) -> Result<(), Refusal> {
    if let Some(found) = ForVolumes::find(&registry_of(common), &args.model) {
        let model = found.map_err(refusal)?;
        return volume::segment(args, &model, &device_of(common)?, common, out);
    }
    let model = find_model(&args.model, common)?;
    if !args.point.is_empty() || !args.not.is_empty() {
        let text = "only imported networks by points take points";
        return Err((Exit::Usage, text.into()));
    }
    if args.mirror {
        let text = "only imported models for volumes are shown mirror images";
        return Err((Exit::Usage, text.into()));
    }
    if model.card.input.volume.is_some() {
        return lesions::run(args, common, &model, &device_of(common)?, out);
    }
    if model.card.volume.is_some() {
        let model = ForVolumes::Own(Box::new(model));
        return volume::segment(args, &model, &device_of(common)?, common, out);
    }
    check_output(&args.out)?;
    let mut input = read_input(
        &args.path,
        args.frame,
        args.ignore_scope,
        &model.card.scope(),
        common,
    )?;
    let layout = match masks::is_dicom(&args.out) {
        true => {
            let refused = |r: series::Refusal| (r.exit, r.message);
            let layout = series::choose(&args.path, None, None, common).map_err(refused)?;
            masks::named(&layout).map_err(refused)?;
            Some(layout)
        }
        false => None,
    };
    let device = device_of(common)?;
    let segmenter = Segmenter::new(&model, &device).map_err(refusal)?;
    let start = Instant::now();
    let segmented = segmenter
        .run(input.frame_input(), &CancelToken::default())
        .map_err(refusal)?;
    let seconds = start.elapsed().as_secs_f64();
    let map = read_back(&segmented.probability).map_err(refusal)?;
    let threshold = model.card.input.threshold;
    let size = [input.frame.rows, input.frame.columns];
    let mask = full_mask(&map, size, threshold)?;
    match &layout {
        Some(on) => write_object(args, on, &mask, &model, &segmenter.identity(), common)?,
        None => write_mask(&args.out, &mask, size)?,
    }
    input.findings.extend(segmented.findings);
    input.findings.extend(scope::plausibility(&map, threshold));
    let provenance = InferenceProvenance {
        model: segmenter.identity(),
        device: device.name().to_owned(),
        seconds,
        finished: common.now(),
        input_uid: input.uid.clone(),
        mean_probability: map.mean_inside(threshold),
    };
    let widths = thorax::frame_widths(&map, size, threshold);
    report(
        args,
        common,
        &model,
        &input,
        &mask,
        &provenance,
        &widths,
        out,
    );
    Ok(())
}

pub(super) fn device_of(common: &Common) -> Result<BurnDevice, Refusal> {
    let on_gpu = match common.device {
        DeviceChoice::Auto => None,
        DeviceChoice::Gpu => Some(true),
        DeviceChoice::Cpu => Some(false),
    };
    device::headless(on_gpu).map_err(refusal)
}

fn check_output(path: &Path) -> Result<(), Refusal> {
    let name = path
        .file_name()
        .and_then(|n| n.to_str())
        .unwrap_or_default()
        .to_ascii_lowercase();
    if name.ends_with(".png") || name.ends_with(".dcm") {
        return Ok(());
    }
    let sentence = if name.ends_with(".nii") || name.ends_with(".nii.gz") {
        "NIfTI is for masks of volumes; that of a single picture is written as a .png file"
    } else {
        "the mask is written as .png or .dcm"
    };
    Err((Exit::Unsupported, sentence.into()))
}

pub(super) fn find_model(name: &str, common: &Common) -> Result<Model, Refusal> {
    let path = Path::new(name);
    let is_file = path.extension().is_some() && path.is_file();
    let model = if is_file {
        registry::load_file(path)
    } else {
        registry_of(common).load(name)
    };
    model.map_err(refusal)
}

/// Reads the picture whatever its kind, and decides whether the model is for it.
pub(super) fn read_input(
    path: &Path,
    frame: usize,
    ignore_scope: bool,
    scope: &Scope,
    common: &Common,
) -> Result<Input, Refusal> {
    let limits = limits(common);
    let instance = read_instance(path, &common.scan_options(limits)).map_err(|rejection| {
        let (code, detail) = (rejection.code, &rejection.detail);
        (
            inspect::exit_of(rejection.outcome),
            format!("[{code}] {detail}: {}", path.display()),
        )
    })?;
    let Some(index) = frame.checked_sub(1) else {
        return Err((Exit::Usage, "frames count from 1".into()));
    };
    let findings = scope.check(&instance).or_else(|refused| {
        // A reason that is about pixels is met again when they are prepared.
        if ignore_scope {
            Ok(vec![refused])
        } else {
            Err((Exit::Rejected, refused.sentence))
        }
    })?;
    let Some(image) = &instance.image else {
        return Err((Exit::Rejected, "the object holds no picture".into()));
    };
    let frame = common
        .frame_source(limits)
        .read_frame(&instance, index)
        .map_err(|error| {
            let sentence = format!("[{}] {error}: {}", error.code(), path.display());
            (inspect::exit_of(error.kind()), sentence)
        })?;
    let description = image.frame(index);
    Ok(Input {
        frame,
        modality_lut: description.modality_lut.clone(),
        padding: image.padding,
        inverted: image.lowest_is_white(),
        spacing: description.spacing,
        uid: instance.sop_instance_uid.clone(),
        findings,
    })
}

/// The mask at the size of the picture: probability, linear between pixels, at or above the threshold.
fn full_mask(map: &ProbabilityMap, size: [usize; 2], threshold: f32) -> Result<Vec<bool>, Refusal> {
    resample::bilinear(&map.values, [map.rows, map.columns], size)
        .map(|full| full.iter().map(|&p| p >= threshold).collect())
        .map_err(|error| (Exit::Internal, error.to_string()))
}

fn write_mask(path: &Path, mask: &[bool], [rows, columns]: [usize; 2]) -> Result<(), Refusal> {
    let bytes: Vec<u8> = mask.iter().map(|&m| if m { 255 } else { 0 }).collect();
    let sides = u32::try_from(columns).ok().zip(u32::try_from(rows).ok());
    let (columns, rows) = sides.ok_or((Exit::Internal, "the mask is too large".to_owned()))?;
    let grey = image::ExtendedColorType::L8;
    write_picture(path, &bytes, [columns, rows], grey).map_err(|error| {
        let text = format!("cannot write: {error}: {}", path.display());
        (Exit::Io, text)
    })
}

/// A segment that a model found and nobody has looked at.
fn proposed(segment: &mut Segment, model: &ModelIdentity, common: &Common) {
    segment.origin = SegmentOrigin::Automatic {
        algorithm: model.id.clone(),
        version: model.version.clone(),
        sha256: model.sha256.clone(),
    };
    segment.state = SegmentState::Proposed;
    let now = common.now().parse::<jiff::Timestamp>();
    segment.changed_ms = now.map_or(0, |now| now.as_millisecond());
}

/// The mask as a segmentation object on its picture.
fn write_object(
    args: &SegmentArgs,
    layout: &SeriesLayout,
    mask: &[bool],
    model: &Model,
    identity: &ModelIdentity,
    common: &Common,
) -> Result<(), Refusal> {
    let refused = |r: series::Refusal| (r.exit, r.message);
    let grid = grid_of(layout).ok_or_else(|| {
        let text = "the pictures form no regular grid; use a .png file";
        (Exit::Unsupported, text.to_owned())
    })?;
    let frame = |f: &FrameRef| f.frame + 1 == args.frame;
    let slice = layout.frames.iter().position(frame).unwrap_or(0);
    let id = SegmentationId(format!("2.25.{}", uuid::Uuid::new_v4().as_u128()));
    let mut seg = Segmentation::new(id, grid);
    seg.title = format!("{}, not for diagnostic use", identity.id);
    let mut segment = Segment::new(1, model.card.about.finds.clone());
    proposed(&mut segment, identity, common);
    seg.put_segment(segment);
    if let Some(layer) = seg.layer_mut(0) {
        let mut painter = Painter::new(layer);
        for (row, line) in mask.chunks_exact(grid.size[0].max(1)).enumerate() {
            let inside = |x: usize| line.get(x).copied().unwrap_or(false);
            painter.map_row([row, slice], 0..line.len(), |x, _| u16::from(inside(x)));
        }
    }
    let making = masks::making("", None, common);
    let on = Some(layout);
    masks::write(&args.out, None, &seg, None, on, &making, common).map_err(refused)?;
    Ok(())
}

/// Heart by thorax as the lung fields show it; points are (column, row) of the picture.
fn widths_json(widths: &Result<ThoraxWidths, ThoraxError>) -> serde_json::Value {
    match widths {
        Ok(found) => serde_json::json!({
            "ratio": found.ratio(),
            "heart": found.heart,
            "thorax": found.thorax,
            "derived_from": "lung fields",
        }),
        Err(error) => serde_json::json!({"refused": error.to_string()}),
    }
}

fn report(
    args: &SegmentArgs,
    common: &Common,
    model: &Model,
    input: &Input,
    mask: &[bool],
    provenance: &InferenceProvenance,
    widths: &Result<ThoraxWidths, ThoraxError>,
    out: &mut Output,
) {
    let pixels = mask.iter().filter(|&&m| m).count();
    let area_mm2 = match input.spacing {
        Spacing::Millimetres {
            row_mm, column_mm, ..
        } => Some(pixels as f64 * row_mm * column_mm),
        Spacing::Unknown { .. } => None,
    };
    let label = &model.card.about.finds;
    if common.json {
        let findings: Vec<_> = input
            .findings
            .iter()
            .map(|f| serde_json::json!({"code": f.code, "severity": f.severity.word(), "sentence": f.sentence}))
            .collect();
        out.json(&serde_json::json!({
            "path": args.path.display().to_string(),
            "outcome": "ok",
            "mask": args.out.display().to_string(),
            "rows": input.frame.rows,
            "columns": input.frame.columns,
            "model": provenance.model.id,
            "version": provenance.model.version,
            "sha256": provenance.model.sha256,
            "trained": provenance.model.trained,
            "device": provenance.device,
            "seconds": provenance.seconds,
            "finished": provenance.finished,
            "input_uid": provenance.input_uid,
            "threshold": model.card.input.threshold,
            "segments": [{
                "number": 1,
                "label": label,
                "area_px": pixels,
                "area_mm2": area_mm2,
                "area_unit_source": input.spacing.unit_label(),
                "share": pixels as f64 / mask.len().max(1) as f64,
                "mean_probability": provenance.mean_probability,
                "confidence_note": "confidence not calibrated",
            }],
            "cardiothoracic": widths_json(widths),
            "findings": findings,
            "notice": AI_NOTICE,
        }));
        return;
    }
    let area = area_mm2.map_or(String::new(), |mm2| {
        format!(" ({:.1} cm², {})", mm2 / 100.0, input.spacing.unit_label())
    });
    let confidence = provenance
        .mean_probability
        .map_or("none".into(), |p| format!("{:.1} %", p * 100.0));
    out.line(format!(
        "{label}: {pixels} px{area}, mean probability {confidence} (confidence not calibrated)"
    ));
    if let Ok(found) = widths {
        let ratio = found.ratio();
        out.line(format!(
            "cardiothoracic ratio {ratio:.2}, from the lung fields alone"
        ));
    }
    out.line(format!(
        "{} {} on {} in {:.2} s",
        provenance.model.id, provenance.model.version, provenance.device, provenance.seconds
    ));
    for finding in &input.findings {
        out.line(format!("{}: {}", finding.severity.word(), finding.sentence));
    }
    out.line(AI_NOTICE);
}
