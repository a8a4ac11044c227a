//! `negatoscope segment` with a model that looks through a CT: lesions as a list, and as labels in a research volume.

use super::{
    Common, Exit, Output,
    segment::{Refusal, SegmentArgs, refusal},
    series,
};
use crate::{
    ai::{
        BurnDevice,
        lesions::{HounsfieldGrid, LesionFinder, Lesions},
        registry::Model,
        scope,
    },
    formats::{self, VolumeOut},
    model::{
        finding::Finding,
        inference::AI_NOTICE,
        layout::SeriesLayout,
        lut::{ModalityLut, ModalityUnit},
        pixels::{Frame, PixelBytes, StoredType},
        volume::Volume,
    },
    task::{CancelToken, Progress},
};
use glam::DVec3;
use std::time::Instant;

/// Runs the model on the series at a path.
pub(super) fn run(
    args: &SegmentArgs,
    common: &Common,
    model: &Model,
    device: &BurnDevice,
    out: &mut Output,
) -> Result<(), Refusal> {
    if formats::kind_to_write(&args.out).is_none() {
        let text = "labels of a volume are written as .nii, .nii.gz, .nrrd or .mha";
        return Err((Exit::Unsupported, text.into()));
    }
    let refused = |r: series::Refusal| (r.exit, r.message);
    let layout = series::choose(&args.path, None, None, common).map_err(refused)?;
    let findings = match scope::volume_scope(&layout, &model.card.about, model.card.scope.as_ref())
    {
        Ok(findings) => findings,
        Err(reason) if args.ignore_scope => vec![reason],
        Err(reason) => return Err((Exit::Rejected, reason.sentence)),
    };
    let volume = super::volume::load(&layout, &args.path, common).map_err(refused)?;
    let grid = HounsfieldGrid::of(&volume).map_err(refusal)?;
    let finder = LesionFinder::new(model, device).map_err(refusal)?;
    let start = Instant::now();
    let lesions = finder
        .find(&grid, &CancelToken::default(), &Progress::default())
        .map_err(refusal)?;
    let seconds = start.elapsed().as_secs_f64();
    let labels = label_volume(&volume, &lesions).ok_or((
        Exit::Internal,
        "the labels do not fit the volume".to_owned(),
    ))?;
    let labelled = VolumeOut {
        labels: true,
        ..VolumeOut::new(&labels)
    };
    formats::write(&args.out, &labelled)
        .map_err(|error| (super::inspect::exit_of(error.kind()), error.to_string()))?;
    report(
        args,
        common,
        (model, device),
        (&layout, &volume),
        &lesions,
        seconds,
        &findings,
        out,
    );
    Ok(())
}

/// Numbers of the lesions on the grid of the volume.
fn label_volume(volume: &Volume, lesions: &Lesions) -> Option<Volume> {
    let [columns, rows, slices] = volume.grid.size;
    let frames: Option<Vec<Frame>> = (0..slices)
        .map(|slice| {
            let plane = columns * rows;
            let labels = lesions.labels.get(slice * plane..(slice + 1) * plane)?;
            let bytes = labels
                .iter()
                .flat_map(|&label| u16::try_from(label).unwrap_or(u16::MAX).to_le_bytes())
                .collect();
            Frame::new(
                rows,
                columns,
                1,
                StoredType::U16,
                PixelBytes::from_vec(bytes),
            )
        })
        .collect();
    Some(Volume {
        grid: volume.grid,
        frames: frames?,
        modality_lut: ModalityLut::IDENTITY,
        unit: ModalityUnit::Unspecified,
        padding: None,
    })
}

fn report(
    args: &SegmentArgs,
    common: &Common,
    (model, device): (&Model, &BurnDevice),
    (layout, volume): (&SeriesLayout, &Volume),
    lesions: &Lesions,
    seconds: f64,
    findings: &[Finding],
    out: &mut Output,
) {
    let card = &model.card;
    let patient = volume.grid.patient_from_voxel;
    let centre = |at: [f64; 3]| patient.transform_point3(DVec3::from_array(at)).to_array();
    let round = |v: f64, digits: f64| (v * digits).round() / digits;
    if common.json {
        let segments: Vec<_> = lesions
            .list
            .iter()
            .map(|lesion| {
                serde_json::json!({
                    "number": lesion.part.label,
                    "label": card.about.finds,
                    "voxels": lesion.part.voxels,
                    "volume_mm3": round(lesion.volume_mm3, 10.0),
                    "diameter_mm": round(lesion.diameter_mm, 100.0),
                    "centroid_voxel": lesion.part.centroid.map(|v| round(v, 100.0)),
                    "centroid_lps_mm": centre(lesion.part.centroid).map(|v| round(v, 100.0)),
                    "box_voxel": [lesion.part.low, lesion.part.high],
                    "mean_probability": round(lesion.mean_probability, 1e4),
                    "confidence_note": "confidence not calibrated",
                })
            })
            .collect();
        let noticed: Vec<_> = findings
            .iter()
            .map(|f| serde_json::json!({"code": f.code, "severity": f.severity.word(), "sentence": f.sentence}))
            .collect();
        out.json(&serde_json::json!({
            "path": args.path.display().to_string(),
            "outcome": "ok",
            "mask": args.out.display().to_string(),
            "size": volume.grid.size,
            "series": layout.first_instance().map(|i| i.series.uid.clone()),
            "model": card.id,
            "version": card.version,
            "sha256": card.weights.sha256,
            "trained": card.trained,
            "synthetic_only": card.about.synthetic_only,
            "device": device.name(),
            "seconds": seconds,
            "finished": common.now(),
            "threshold": card.input.threshold,
            "segments": segments,
            "findings": noticed,
            "notice": AI_NOTICE,
        }));
        return;
    }
    out.line(format!("{}: {}", card.about.finds, lesions.list.len()));
    for lesion in &lesions.list {
        let [x, y, z] = centre(lesion.part.centroid);
        out.line(format!(
            "{:>3}  {:>5.1} mm  {:>8.0} mm³  at {x:.0} {y:.0} {z:.0}  mean probability {:.1} %",
            lesion.part.label,
            lesion.diameter_mm,
            lesion.volume_mm3,
            100.0 * lesion.mean_probability
        ));
    }
    out.line(format!(
        "{} {} on {} in {seconds:.1} s; confidence not calibrated",
        card.id,
        card.version,
        device.name()
    ));
    for finding in findings {
        out.line(format!("{}: {}", finding.severity.word(), finding.sentence));
    }
    out.line(AI_NOTICE);
}
