//! `negatoscope segment` on a volume: a series or a research volume, a mask of its size.

use super::{Refusal, SegmentArgs, points, proposed, refusal};
use crate::{
    ai::{
        AiError, BurnDevice, scope,
        sliding::{
            Conduct, News, SegmentedVolume, VolumeMask, VolumeModel, input::labels_on,
            segment_volume,
        },
        volume_import::ForVolumes,
    },
    cli::{Common, Exit, Output, masks, series, volume::load},
    formats::{self, VolumeOut, png},
    model::{
        finding::Finding,
        inference::AI_NOTICE,
        labels::{Label, MaskLook, Meaning, counts, voxel_ml},
        lut::{ModalityLut, ModalityUnit},
        pixels::{Frame, PixelBytes, StoredType},
        segmentation::{Segment, Segmentation, SegmentationId, Voxels},
        study::SourceKind,
        view::OverlayStyle,
        volume::Volume,
    },
};
use serde_json::json;
use std::{
    path::Path,
    time::{Duration, Instant},
};

/// How often a long run says how far it is.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// Refuses names that cannot be written, before anything is read.
pub fn check_output(path: &Path) -> Result<(), Refusal> {
    if !masks::is_writable(path) {
        let text = "the mask of a volume is written as .dcm, .nii, .nii.gz, .nrrd, .mha or .png";
        return Err((Exit::Unsupported, text.into()));
    }
    Ok(())
}

/// Runs a model for volumes.
pub fn segment(
    args: &SegmentArgs,
    model: &ForVolumes,
    device: &BurnDevice,
    common: &Common,
    out: &mut Output,
) -> Result<(), Refusal> {
    check_output(&args.out)?;
    let refused = |r: series::Refusal| (r.exit, r.message);
    let layout = series::choose(&args.path, None, None, common).map_err(refused)?;
    if masks::is_dicom(&args.out) {
        masks::named(&layout).map_err(refused)?;
    }
    let own = match model {
        ForVolumes::Own(model) => model.card.scope.as_ref(),
        ForVolumes::Imported(_) => None,
    };
    let mut findings = match scope::volume_scope(&layout, model.about(), own) {
        Ok(findings) => findings,
        Err(reason) if args.ignore_scope => vec![reason],
        Err(reason) => return Err((Exit::Rejected, reason.sentence)),
    };
    let volume = load(&layout, &args.path, common).map_err(refused)?;
    let loaded = model.load(device, args.mirror).map_err(refusal)?;
    let pointed = !args.point.is_empty() || !args.not.is_empty();
    if loaded.guidance.is_some() {
        let (by, on) = ((&loaded, device), (&layout, &volume));
        return points::segment(args, by, on, &findings, common, out);
    }
    if pointed {
        let text = "this model takes no points";
        return Err((Exit::Usage, text.into()));
    }
    let start = Instant::now();
    let conduct = Conduct {
        limit: common.max_memory,
        ..Conduct::default()
    };
    let mut told = start;
    let mut tell = |news: News<'_>| {
        if told.elapsed() >= TELL_EVERY {
            told = Instant::now();
            out.note(format!("{} of {} windows", news.done, news.total));
        }
        Ok(())
    };
    let result = segment_volume(&loaded, &volume, device, &conduct, &mut tell).map_err(refusal)?;
    let labels = labels_of(&loaded, &result, &volume, device).map_err(refusal)?;
    let seconds = start.elapsed().as_secs_f64();
    match masks::is_dicom(&args.out) {
        true => {
            let seg = segmentation(&loaded, &labels, &volume, common);
            let making = masks::making("", None, common);
            let (out, on) = (&args.out, Some(&layout));
            masks::write(out, None, &seg, None, on, &making, common).map_err(refused)?;
        }
        false => write(&args.out, &labels, &volume)?,
    }
    findings.extend(result.findings.iter().cloned());
    let uid = layout
        .first_instance()
        .filter(|i| i.source.kind == SourceKind::Dicom)
        .map(|i| i.series.uid.clone());
    let about = Report {
        args,
        common,
        model: &loaded,
        volume: &volume,
        labels: &labels,
        result: &result,
        device: device.name(),
        seconds,
        uid,
        findings: &findings,
    };
    about.print(out);
    Ok(())
}

/// The labels on the volume's own grid.
fn labels_of(
    model: &VolumeModel,
    result: &SegmentedVolume,
    volume: &Volume,
    device: &BurnDevice,
) -> Result<Vec<u8>, AiError> {
    let mut bytes = match (&result.mask, device.context()) {
        (VolumeMask::Cpu(bytes), _) => bytes.to_vec(),
        (VolumeMask::Gpu(mask), Some(gpu)) => mask.read_back(gpu)?,
        (VolumeMask::Gpu(_), None) => {
            return Err(AiError::Device("nothing draws with it".into()));
        }
    };
    if result.meaning == Meaning::Probability {
        let look = MaskLook {
            meaning: result.meaning,
            style: OverlayStyle {
                threshold: model.threshold,
                ..OverlayStyle::AI
            },
            labels: model.labels.clone().into(),
        };
        let (least, value) = (look.least(), model.labels.first().map_or(1, |l| l.value));
        for byte in &mut bytes {
            *byte = if *byte >= least { value } else { 0 };
        }
    }
    labels_on(&bytes, &result.grid, &volume.grid)
}

/// The labels as segments that the model found.
pub(super) fn segmentation(
    model: &VolumeModel,
    labels: &[u8],
    like: &Volume,
    common: &Common,
) -> Segmentation {
    let id = SegmentationId(format!("2.25.{}", uuid::Uuid::new_v4().as_u128()));
    let mut seg = Segmentation::new(id, like.grid);
    seg.title = format!("{}, not for diagnostic use", model.identity.id);
    let numbers = labels.iter().map(|label| u16::from(*label));
    seg.set_layer(0, Voxels::from_dense(like.grid.size, numbers));
    for label in model.labels.iter().filter(|label| label.value != 0) {
        let mut segment = Segment::new(u16::from(label.value), label.name.clone());
        segment.color = label.color;
        proposed(&mut segment, &model.identity, common);
        seg.put_segment(segment);
    }
    seg
}

pub(super) fn write(path: &Path, labels: &[u8], like: &Volume) -> Result<(), Refusal> {
    let [columns, rows, _] = like.grid.size;
    let odd = || (Exit::Internal, "a slice of the wrong size".to_owned());
    let frames: Option<Vec<Frame>> = labels
        .chunks_exact((columns * rows).max(1))
        .map(|slice| {
            let pixels = PixelBytes::from_vec(slice.to_vec());
            Frame::new(rows, columns, 1, StoredType::U8, pixels)
        })
        .collect();
    let volume = Volume {
        grid: like.grid,
        frames: frames.ok_or_else(odd)?,
        modality_lut: ModalityLut::IDENTITY,
        unit: ModalityUnit::Unspecified,
        padding: None,
    };
    let mut whole = VolumeOut::new(&volume);
    whole.labels = true;
    let written = match png::is_png(path) {
        true => png::write_pictures(path, &whole).map(|_| ()),
        false => formats::write(path, &whole).map(|_| ()),
    };
    written.map_err(|error| {
        let refusal = series::Refusal::from(error);
        (refusal.exit, refusal.message)
    })
}

/// What is told of a run.
struct Report<'a> {
    args: &'a SegmentArgs,
    common: &'a Common,
    model: &'a VolumeModel,
    volume: &'a Volume,
    labels: &'a [u8],
    result: &'a SegmentedVolume,
    device: &'a str,
    seconds: f64,
    uid: Option<String>,
    findings: &'a [Finding],
}

impl Report<'_> {
    fn print(&self, out: &mut Output) {
        let counts = counts(self.labels);
        let ml = voxel_ml(&self.volume.grid);
        let segments: Vec<(&Label, u64)> = self
            .model
            .labels
            .iter()
            .filter(|label| label.value != 0)
            .map(|label| (label, counts[usize::from(label.value)]))
            .collect();
        let identity = &self.model.identity;
        let budget = &self.result.budget;
        if self.common.json {
            let segments: Vec<_> = segments
                .iter()
                .map(|(label, voxels)| {
                    json!({
                        "number": label.value,
                        "label": label.name,
                        "voxels": voxels,
                        "volume_ml": *voxels as f64 * ml,
                    })
                })
                .collect();
            let findings: Vec<_> = self
                .findings
                .iter()
                .map(|f| json!({"code": f.code, "severity": f.severity.word(), "sentence": f.sentence}))
                .collect();
            out.json(&json!({
                "path": self.args.path.display().to_string(),
                "outcome": "ok",
                "mask": self.args.out.display().to_string(),
                "size": self.volume.grid.size,
                "spacing_mm": self.volume.grid.spacing_mm(),
                "network_size": self.result.grid.size,
                "network_spacing_mm": self.result.grid.spacing_mm(),
                "windows": self.result.windows,
                "window": budget.window,
                "memory_bytes": budget.need,
                "model": identity.id,
                "version": identity.version,
                "sha256": identity.sha256,
                "trained": identity.trained,
                "device": self.device,
                "seconds": self.seconds,
                "finished": self.common.now(),
                "series_uid": self.uid,
                "threshold": (self.result.meaning == Meaning::Probability).then_some(self.model.threshold),
                "segments": segments,
                "findings": findings,
                "notice": AI_NOTICE,
            }));
            return;
        }
        for (label, voxels) in segments {
            let volume = voxels as f64 * ml;
            out.line(format!("{}: {voxels} voxels ({volume:.2} ml)", label.name));
        }
        out.line(format!(
            "{} {} on {} in {:.2} s, {} windows",
            identity.id, identity.version, self.device, self.seconds, self.result.windows
        ));
        for finding in self.findings {
            out.line(format!("{}: {}", finding.severity.word(), finding.sentence));
        }
        out.line(AI_NOTICE);
    }
}
