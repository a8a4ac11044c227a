//! Outlines of a structure set as voxels of the pictures.
//!
//! The rule: an outline belongs to the slice that its points lie on, within a tenth of the distance of slices; a voxel
//! belongs to a region when its centre lies inside an odd number of the region's outlines on its slice (keyholes and
//! outlines within outlines both make holes so); a centre on an edge belongs to what is to its right, or below.

use super::place::{belongs, grid_of, is_placed};
use crate::{
    dicom::{
        content::structures::Region,
        frames::{FrameError, FrameSource},
        guard::Fault,
    },
    imaging::contours::{Outline, filled},
    model::{
        finding::{Finding, Severity},
        geometry::GridGeometry,
        layout::SeriesLayout,
        segmentation::{
            Painter, Segmentation, SegmentationId, Voxels,
            exchange::{Form, SegmentationRead},
        },
        study::{Instance, RejectionKind},
    },
    task::CancelToken,
};
use glam::DAffine3;
use std::{collections::BTreeMap, ops::Range};

/// How far beside a slice an outline may lie, of the distance of slices.
const BESIDE: f64 = 0.1;

/// Most memory of all voxels.
const MOST_BYTES: usize = 1 << 30;

/// Reads a structure set onto pictures.
///
/// # Errors
/// [`FrameError`] with `OTHER_STUDY`, `OTHER_FRAME_OF_REFERENCE`, `OTHER_PICTURES`, `IRREGULAR`, `NO_OUTLINE`, those of
/// the object, `CANCELLED`.
pub fn read_structures(
    instance: &Instance,
    frames: &dyn FrameSource,
    on: &SeriesLayout,
    cancel: &CancelToken,
) -> Result<SegmentationRead, FrameError> {
    let set = frames.read_structures(instance)?;
    let mut findings = Vec::new();
    let names = on
        .frames
        .iter()
        .any(|f| set.pictures.contains(&f.instance.sop_instance_uid));
    let frame_of_reference = on
        .first_instance()
        .map(|i| i.series.frame_of_reference_uid.clone())
        .unwrap_or_default();
    // The regions say where they lie, and not the object.
    let mut of_regions = instance.clone();
    let mut series = (*instance.series).clone();
    let elsewhere = |region: &&Region| {
        let own = &region.frame_of_reference_uid;
        !own.is_empty() && !frame_of_reference.is_empty() && *own != frame_of_reference
    };
    let (away, here): (Vec<&Region>, Vec<&Region>) = set.regions.iter().partition(elsewhere);
    series.frame_of_reference_uid = match (here.first(), away.first()) {
        (Some(region), _) | (None, Some(region)) => region.frame_of_reference_uid.clone(),
        (None, None) => String::new(),
    };
    of_regions.series = series.into();
    belongs(&of_regions, on, names)?;
    note(
        &mut findings,
        "OTHER_FRAME_OF_REFERENCE",
        away.len(),
        "regions lie in another frame of reference and are left out",
    );
    let grid = grid_of(on).filter(|_| is_placed(on));
    let inverse = grid.and_then(|g| g.voxel_from_patient());
    let Some((grid, voxel_from_patient)) = grid.zip(inverse) else {
        let text = "the pictures form no regular grid in the patient, and outlines need one";
        return Err(Fault::rejected("IRREGULAR", text).into());
    };
    let mut seg = Segmentation::new(SegmentationId(set.instance_uid.clone()), grid);
    seg.title.clone_from(&set.title);
    if let Some(picture) = on.first_instance() {
        seg.study_uid.clone_from(&picture.study.uid);
        seg.series_uid.clone_from(&picture.series.uid);
    }
    seg.frame_of_reference_uid = frame_of_reference;
    let mut layers = vec![Voxels::new(grid.size)];
    let (mut beside, mut others, mut inside) = (0, 0, 0);
    let mut segments = Vec::new();
    for region in here {
        if cancel.is_cancelled() {
            return Err(Fault::rejected("CANCELLED", "cancelled").into());
        }
        others += region.others;
        let mut slices: BTreeMap<usize, Vec<Outline>> = BTreeMap::new();
        for outline in &region.outlines {
            match on_slice(outline, &grid, &voxel_from_patient) {
                Some((slice, outline)) => slices.entry(slice).or_default().push(outline),
                None => beside += 1,
            }
        }
        inside += slices.values().map(Vec::len).sum::<usize>();
        let rows: Vec<([usize; 2], Range<usize>)> = slices
            .iter()
            .flat_map(|(slice, outlines)| {
                let runs = filled(outlines, grid.size[0], grid.size[1]);
                runs.into_iter().map(|(row, run)| ([row, *slice], run))
            })
            .collect();
        let mut segment = region.segment.clone();
        segment.layer = into_layer(&mut layers, grid.size, segment.number, &rows);
        segments.push(segment);
        if layers.iter().map(Voxels::held_bytes).sum::<usize>() > MOST_BYTES {
            let text = "the voxels of the regions take more memory than is given to them";
            return Err(Fault::new(RejectionKind::Limit, "SEGMENTATION_TOO_LARGE", text).into());
        }
    }
    if inside == 0 {
        let text = match beside {
            0 => "no region has a closed outline in the frame of reference of the pictures"
                .to_owned(),
            _ => format!("none of {beside} outlines lies on a slice of the pictures"),
        };
        return Err(Fault::rejected("NO_OUTLINE", text).into());
    }
    note(
        &mut findings,
        "OUTLINES_BESIDE",
        beside,
        "outlines lie on no slice of the pictures and are left out",
    );
    note(
        &mut findings,
        "NO_AREA",
        others,
        "points and open lines are no area and are left out",
    );
    for (number, voxels) in layers.into_iter().enumerate() {
        seg.set_layer(number, voxels);
    }
    for segment in segments {
        seg.put_segment(segment);
    }
    Ok(SegmentationRead {
        segmentation: seg,
        form: Form::Binary,
        fractions: None,
        instance_uid: set.instance_uid,
        maker: set.maker,
        findings,
    })
}

fn note(findings: &mut Vec<Finding>, code: &'static str, count: usize, text: &str) {
    if count > 0 {
        let finding = Finding::new(code, Severity::Warning, format!("{count} {text}"));
        findings.push(finding.with("count", count as f64));
    }
}

/// The slice that an outline lies on, and its corners there.
fn on_slice(
    outline: &[glam::DVec3],
    grid: &GridGeometry,
    voxel_from_patient: &DAffine3,
) -> Option<(usize, Outline)> {
    let points: Vec<_> = outline
        .iter()
        .map(|p| voxel_from_patient.transform_point3(*p))
        .collect();
    let slice = points.first()?.z.round();
    let flat = points.iter().all(|p| (p.z - slice).abs() < BESIDE);
    let known = (0.0..grid.size[2] as f64).contains(&slice);
    (flat && known).then(|| (slice as usize, points.iter().map(|p| [p.x, p.y]).collect()))
}

/// Paints rows into the first layer where nothing is in their way, and says which that is.
fn into_layer(
    layers: &mut Vec<Voxels>,
    size: [usize; 3],
    number: u16,
    rows: &[([usize; 2], Range<usize>)],
) -> usize {
    let clear = |layer: &Voxels| {
        let mut rows = rows.iter();
        rows.all(|(row, columns)| layer.row_is_clear(*row, columns.clone()))
    };
    let place = layers.iter().position(clear).unwrap_or(layers.len());
    if place == layers.len() {
        layers.push(Voxels::new(size));
    }
    if let Some(layer) = layers.get_mut(place) {
        let mut painter = Painter::new(layer);
        for (row, columns) in rows {
            painter.map_row(*row, columns.clone(), |_, _| number);
        }
    }
    place
}
