//! `negatoscope segment` with a network by points: voxels of a volume that belong, and that do not.

use super::{
    Refusal, SegmentArgs, refusal,
    volume::{segmentation, write},
};
use crate::{
    ai::{
        AiError, BurnDevice,
        sliding::{
            VolumeModel,
            prompted::{Points, Prompted, answer},
        },
    },
    cli::{Common, Exit, Output, masks, series},
    model::{
        finding::Finding, geometry::GridGeometry, inference::AI_NOTICE, labels::voxel_ml,
        layout::SeriesLayout, volume::Volume,
    },
    task::CancelToken,
};
use glam::DVec3;
use serde_json::json;
use std::time::Instant;

/// A voxel from text: column, row, slice from 0.
pub fn parse(text: &str) -> Result<[usize; 3], String> {
    let parts: Option<Vec<usize>> = text.split(',').map(|p| p.trim().parse().ok()).collect();
    match parts.as_deref() {
        Some(&[x, y, z]) => Ok([x, y, z]),
        _ => Err(format!(
            "`{text}` is no place: column, row and slice from 0"
        )),
    }
}

fn placed(grid: &GridGeometry, voxels: &[[usize; 3]]) -> Result<Vec<DVec3>, Refusal> {
    let inside = |at: &[usize; 3]| (0..3).all(|axis| at[axis] < grid.size[axis]);
    if let Some([x, y, z]) = voxels.iter().find(|at| !inside(at)) {
        return Err((Exit::Usage, format!("the point {x},{y},{z} lies outside")));
    }
    let middle = |at: &[usize; 3]| DVec3::from_array(at.map(|v| v as f64));
    let places = voxels.iter().map(middle);
    let to_patient = |p: DVec3| grid.patient_from_voxel.transform_point3(p);
    Ok(places.map(to_patient).collect())
}

/// Asks the network, writes what it says and tells of it.
pub fn segment(
    args: &SegmentArgs,
    (model, device): (&VolumeModel, &BurnDevice),
    (layout, volume): (&SeriesLayout, &Volume),
    findings: &[Finding],
    common: &Common,
    out: &mut Output,
) -> Result<(), Refusal> {
    let points = Points {
        plus: placed(&volume.grid, &args.point)?,
        minus: placed(&volume.grid, &args.not)?,
    };
    let start = Instant::now();
    let found = answer(model, volume, &points, device, &CancelToken::default()).map_err(refusal)?;
    let seconds = start.elapsed().as_secs_f64();
    let Prompted {
        low,
        inside,
        voxels,
        confidence,
        window,
        ..
    } = found;
    // A file takes them out of the device's memory.
    let inside = inside.bits(device.context());
    let inside = inside.map_err(|error| refusal(AiError::from(error)))?;
    let label = model.labels.iter().find(|label| label.value != 0);
    let (value, name) = label.map_or((1, ""), |label| (label.value, label.name.as_str()));
    let mut labels = vec![0u8; volume.grid.size.iter().product()];
    inside
        .placed(low, volume.grid.size)
        .stamp(value, &mut labels);
    match masks::is_dicom(&args.out) {
        true => {
            let seg = segmentation(model, &labels, volume, common);
            let making = masks::making("", None, common);
            let refused = |r: series::Refusal| (r.exit, r.message);
            masks::write(&args.out, None, &seg, None, Some(layout), &making, common)
                .map_err(refused)?;
        }
        false => write(&args.out, &labels, volume)?,
    }
    let identity = &model.identity;
    let ml = voxels as f64 * voxel_ml(&volume.grid);
    if common.json {
        let findings: Vec<_> = findings
            .iter()
            .map(|f| json!({"code": f.code, "severity": f.severity.word(), "sentence": f.sentence}))
            .collect();
        out.json(&json!({
            "path": args.path.display().to_string(),
            "outcome": "ok",
            "mask": args.out.display().to_string(),
            "size": volume.grid.size,
            "window": window,
            "points": args.point,
            "not": args.not,
            "model": identity.id,
            "version": identity.version,
            "sha256": identity.sha256,
            "device": device.name(),
            "seconds": seconds,
            "finished": common.now(),
            "segments": [{"number": value, "label": name, "voxels": voxels, "volume_ml": ml, "mean_probability": confidence}],
            "findings": findings,
            "notice": AI_NOTICE,
        }));
        return Ok(());
    }
    out.line(format!(
        "{name}: {voxels} voxels ({ml:.2} ml), mean probability {confidence:.2}"
    ));
    let (id, version, on) = (&identity.id, &identity.version, device.name());
    out.line(format!("{id} {version} on {on} in {seconds:.2} s"));
    for finding in findings {
        out.line(format!("{}: {}", finding.severity.word(), finding.sentence));
    }
    out.line(AI_NOTICE);
    Ok(())
}
