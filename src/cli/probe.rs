//! `negatoscope probe`: value, unit, voxel and patient point at a place.

use super::{
    Common, Exit, Output,
    inspect::{exit_of, limits},
    series::choose,
    suv,
};
use crate::{
    dicom::frames::{FileFrames, FrameSource as _},
    imaging::window::modality_value,
    model::{
        geometry::GridGeometry,
        layout::{FrameRef, SeriesLayout},
    },
};
use clap::Args;
use glam::DVec3;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Arguments of `probe`.
#[derive(Debug, Args)]
pub struct ProbeArgs {
    /// A file, or the folder of a series
    pub path: PathBuf,
    /// Patient point in millimetres: to the left, to the back, to the head
    #[arg(long, value_name = "X,Y,Z", value_parser = parse_triple, allow_hyphen_values = true,
          required_unless_present = "ijk", conflicts_with = "ijk")]
    pub lps: Option<[f64; 3]>,
    /// Voxel: column, row and slice in reading order, each from 0
    #[arg(long, value_name = "I,J,K", value_parser = parse_triple)]
    pub ijk: Option<[f64; 3]>,
    /// Series Instance UID, when the path holds several (default: the one with most frames)
    #[arg(long, value_name = "UID")]
    pub series: Option<String>,
    /// Part of the series, where it holds several stacks (as `inspect --check` counts them)
    #[arg(long, value_name = "N")]
    pub part: Option<usize>,
}

fn parse_triple(text: &str) -> Result<[f64; 3], String> {
    let values: Vec<f64> = text
        .split(',')
        .map(|t| t.trim().parse::<f64>().ok().filter(|v| v.is_finite()))
        .collect::<Option<_>>()
        .ok_or("expected three numbers, separated by commas")?;
    <[f64; 3]>::try_from(values).map_err(|_| "expected three numbers".to_owned())
}

/// Where a point meets a series.
struct Hit {
    frame: usize,
    column: f64,
    row: f64,
    slice: f64,
    /// `None` when the frame does not say where it lies.
    patient: Option<DVec3>,
}

/// Runs `probe`.
pub fn run(args: &ProbeArgs, common: &Common, out: &mut Output) -> Exit {
    let layout = match choose(&args.path, args.series.as_deref(), args.part, common) {
        Ok(layout) => layout,
        Err(refusal) => {
            out.error(refusal.message);
            return refusal.exit;
        }
    };
    let layout = &layout;
    let hit = match (args.ijk, args.lps) {
        (Some(voxel), _) => at_voxel(layout, voxel),
        (None, Some(point)) => at_point(layout, DVec3::from_array(point)),
        (None, None) => None,
    };
    let Some((hit, frame)) = hit.and_then(|h| layout.frames.get(h.frame).map(|f| (h, f))) else {
        if common.json {
            out.json(&json!({"inside": false}));
        }
        out.note("the place lies outside the series, or its frames do not say where they lie");
        return Exit::Finding;
    };
    match sample(&hit, frame, layout, &common.frame_source(limits(common))) {
        Ok(found) => {
            print(&found, common, out);
            Exit::Done
        }
        Err((exit, text)) => {
            out.error(format!("{text}: {}", frame.instance.source.path.display()));
            exit
        }
    }
}

fn grid_of(layout: &SeriesLayout, frame: usize) -> Option<GridGeometry> {
    let frame = layout.frames.get(frame)?;
    let image = frame.instance.image.as_ref()?;
    let description = image.frame(frame.frame);
    let plane = description.plane?;
    // Without millimetres a frame has a plane and no places on it.
    description.spacing.source()?;
    Some(GridGeometry::of_plane(
        &plane,
        description.spacing,
        image.columns,
        image.rows,
    ))
}

fn at_voxel(layout: &SeriesLayout, voxel: [f64; 3]) -> Option<Hit> {
    let [column, row, slice] = voxel;
    if column < 0.0 || row < 0.0 || slice < 0.0 {
        return None;
    }
    let frame = slice.round() as usize;
    let patient = match &layout.volume {
        Some(grid) => Some(
            grid.patient_from_voxel
                .transform_point3(DVec3::from_array(voxel)),
        ),
        None => grid_of(layout, frame).map(|g| {
            g.patient_from_voxel
                .transform_point3(DVec3::new(column, row, 0.0))
        }),
    };
    Some(Hit {
        frame,
        column,
        row,
        slice,
        patient,
    })
}

/// In a volume by its grid; in a stack on the nearest plane, if the point lies within half a slice of it.
fn at_point(layout: &SeriesLayout, point: DVec3) -> Option<Hit> {
    if let Some(grid) = &layout.volume {
        let voxel = grid.voxel_from_patient()?.transform_point3(point);
        if voxel.z < -0.5 {
            return None;
        }
        return Some(Hit {
            frame: voxel.z.round().max(0.0) as usize,
            column: voxel.x,
            row: voxel.y,
            slice: voxel.z,
            patient: Some(point),
        });
    }
    let nearest = (0..layout.frames.len())
        .filter_map(|k| {
            let local = grid_of(layout, k)?
                .voxel_from_patient()?
                .transform_point3(point);
            Some((k, local))
        })
        .min_by(|a, b| a.1.z.abs().total_cmp(&b.1.z.abs()))?;
    let (frame, local) = nearest;
    let of = layout.frames.get(frame)?;
    let thickness = of
        .instance
        .image
        .as_ref()?
        .frame(of.frame)
        .slice_thickness_mm;
    (local.z.abs() <= thickness.unwrap_or(1.0) / 2.0).then_some(Hit {
        frame,
        column: local.x,
        row: local.y,
        slice: frame as f64,
        patient: Some(point),
    })
}

/// What is found at a place.
struct Found {
    json: Value,
    text: String,
}

fn sample(
    hit: &Hit,
    frame: &FrameRef,
    layout: &SeriesLayout,
    source: &FileFrames,
) -> Result<Found, (Exit, String)> {
    let none = || (Exit::Rejected, "the object has no picture".to_owned());
    let image = frame.instance.image.as_ref().ok_or_else(none)?;
    let (column, row) = (hit.column.round(), hit.row.round());
    let inside =
        (0.0..image.columns as f64).contains(&column) && (0.0..image.rows as f64).contains(&row);
    if !inside {
        let text = "the place lies outside the series".to_owned();
        return Err((Exit::Finding, text));
    }
    let decoded = source
        .read_frame(&frame.instance, frame.frame)
        .map_err(|e| (exit_of(e.kind()), format!("[{}] {e}", e.code())))?;
    let stored: Vec<f64> = (0..decoded.samples)
        .filter_map(|s| decoded.value(column as usize, row as usize, s))
        .collect();
    let description = image.frame(frame.frame);
    let first = stored.first().copied().unwrap_or_default();
    let padding = decoded.samples == 1
        && image
            .padding
            .is_some_and(|p| first >= f64::from(p.low) && first <= f64::from(p.high));
    let value = if padding {
        Value::Null
    } else if decoded.samples == 1 {
        json!(modality_value(first, &description.modality_lut))
    } else {
        json!(stored)
    };
    let unit = description.unit.label();
    let values: Vec<(&str, f64)> = value.as_f64().map(|v| ("value", v)).into_iter().collect();
    let uptake = suv::describe(layout, Some(hit.frame), &values);
    let patient = hit.patient.map(|p| p.to_array());
    let voxel = [column as usize, row as usize, hit.frame];
    let text = format!(
        "{value} {unit} at voxel {},{},{}{}",
        voxel[0],
        voxel[1],
        voxel[2],
        patient.map_or(String::new(), |[x, y, z]| format!(
            ", patient {x:.3},{y:.3},{z:.3} mm"
        ))
    );
    Ok(Found {
        json: json!({
            "inside": true,
            "value": value,
            "unit": unit,
            "suv": uptake,
            "stored": if decoded.samples == 1 { json!(first) } else { json!(stored) },
            "padding": padding,
            "voxel": voxel,
            "voxel_exact": [hit.column, hit.row, hit.slice],
            "lps": patient,
            "spacing": description.spacing.unit_label(),
            "kind": if layout.volume.is_some() { "volume" } else { "stack" },
            "frame": frame.frame + 1,
            "sop_instance_uid": frame.instance.sop_instance_uid,
            "series_instance_uid": frame.instance.series.uid,
            "findings": super::inspect::findings(&layout.findings),
        }),
        text,
    })
}

fn print(found: &Found, common: &Common, out: &mut Output) {
    if common.json {
        out.json(&found.json);
    } else {
        out.line(&found.text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn triples_are_parsed() {
        assert_eq!(parse_triple("1,-2.5, 3"), Ok([1.0, -2.5, 3.0]));
        assert!(parse_triple("1,2").is_err());
        assert!(parse_triple("1,2,nan").is_err());
    }
}
