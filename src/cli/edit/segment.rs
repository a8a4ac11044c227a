//! Operations of `negatoscope edit` about segmentations. docs/edit.md.

use super::{
    Exit, Output, Refusal,
    operation::{CodeFields, Ledger, Maker},
    store_cli,
};
use crate::{
    model::{
        annotation::Code,
        edit::Edit,
        geometry::GridGeometry,
        segmentation::{
            Delta, NotMoved, Segment, SegmentOrigin, SegmentState, Segmentation, SegmentationEdit,
            SegmentationId, VoxelBox, VoxelChange, VoxelSource, Voxels, change::is_possible,
        },
    },
    store::{Store, codec::fingerprint},
    tools::brush::{self, BrushShape, Stamp},
};
use glam::{DAffine3, DVec3};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{fmt::Write as _, sync::Arc};

/// A segmentation to be made.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewSegmentation {
    id: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    study: String,
    series: String,
    #[serde(default)]
    frame_of_reference: String,
    /// The one frame that it lies on.
    instance: Option<String>,
    frame: Option<u32>,
    /// Columns, rows, slices.
    size: [usize; 3],
    /// Column by column: a step along a row, along a column, to the next slice, and the first voxel.
    patient_from_voxel: [[f64; 3]; 4],
}

/// A segment, new or changed.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SegmentFields {
    of: String,
    number: u16,
    #[serde(default)]
    label: Option<String>,
    color: Option<[u8; 3]>,
    layer: Option<usize>,
    locked: Option<bool>,
    hidden: Option<bool>,
    state: Option<String>,
    category: Option<CodeFields>,
    #[serde(rename = "type")]
    kind: Option<CodeFields>,
    region: Option<CodeFields>,
    origin: Option<Origin>,
    by: Option<String>,
    changed_ms: Option<i64>,
    tracking: Option<String>,
    probability: Option<f64>,
}

/// How a segment was made.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum Origin {
    Manual {},
    Semiautomatic {
        algorithm: String,
        version: String,
    },
    Automatic {
        algorithm: String,
        version: String,
        #[serde(default)]
        sha256: String,
    },
}

/// Voxels that get a number: runs of rows, or a ball.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VoxelFields {
    of: String,
    number: u16,
    /// They are taken from the segment instead.
    #[serde(default)]
    erase: bool,
    /// Column, row, slice, and how many columns.
    #[serde(default)]
    runs: Vec<[usize; 4]>,
    /// Middle of a ball in the patient, and its radius, millimetres.
    ball: Option<[f64; 4]>,
    #[serde(default)]
    tool: Option<String>,
    #[serde(default)]
    prompt: String,
    #[serde(default)]
    author: Maker,
    created_ms: Option<i64>,
}

/// What a line asks of segmentations.
pub enum SegmentOperation {
    New(NewSegmentation),
    Segment(SegmentFields),
    Voxels(VoxelFields),
    RemoveSegment {
        of: String,
        number: u16,
    },
    Move {
        of: String,
        number: u16,
        layer: usize,
    },
    Rename {
        id: String,
        title: String,
    },
    Remove {
        id: String,
    },
}

fn invalid(sentence: &'static str) -> Refusal {
    Refusal::new("INVALID", sentence)
}

fn missing() -> Refusal {
    Refusal::new("MISSING", "there is no such segmentation or segment")
}

fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// Commits an operation, as one gesture.
pub fn carry_out(store: &mut impl Ledger, operation: SegmentOperation) -> Result<(), Refusal> {
    let edits = edits(store, operation)?;
    if edits.is_empty() {
        return Err(Refusal::new("NOTHING", "nothing changes"));
    }
    if store.kept().guarded_segment(&edits).is_some() {
        return Err(Refusal::new("LOCKED", "the segment is locked"));
    }
    store.commit(&edits)?;
    Ok(())
}

fn found<'a>(store: &'a impl Ledger, id: &str) -> Result<&'a Segmentation, Refusal> {
    let id = SegmentationId(id.to_owned());
    store.kept().segmentations.get(&id).ok_or_else(missing)
}

fn edits(store: &impl Ledger, operation: SegmentOperation) -> Result<Vec<Edit>, Refusal> {
    let source = Arc::new(VoxelSource {
        tool: "edit".into(),
        at_ms: now_ms(),
        ..VoxelSource::default()
    });
    let edits = match operation {
        SegmentOperation::New(new) => vec![SegmentationEdit::Put(Arc::new(bare(new)?))],
        SegmentOperation::Segment(fields) => {
            let whole = found(store, &fields.of)?;
            let from = whole.segment(fields.number);
            let to = segment(from, fields)?;
            if from == Some(&to) {
                return Ok(Vec::new());
            }
            vec![SegmentationEdit::Segment {
                of: whole.id.clone(),
                from: from.cloned().map(Box::new),
                to: Some(Box::new(to)),
            }]
        }
        SegmentOperation::Voxels(fields) => {
            let whole = found(store, &fields.of)?;
            voxels(whole, fields)?.into_iter().collect()
        }
        SegmentOperation::RemoveSegment { of, number } => {
            let whole = found(store, &of)?;
            let segment = whole.segment(number).ok_or_else(missing)?;
            let mut edits = Vec::new();
            if let Some((layer, delta)) = whole.cleared(number) {
                edits.push(SegmentationEdit::Voxels(Arc::new(VoxelChange {
                    of: whole.id.clone(),
                    layer,
                    delta,
                    source,
                })));
            }
            edits.push(SegmentationEdit::Segment {
                of: whole.id.clone(),
                from: Some(Box::new(segment.clone())),
                to: None,
            });
            edits
        }
        SegmentOperation::Move { of, number, layer } => {
            let whole = found(store, &of)?;
            whole
                .edits_to_layer(number, layer, &source)
                .map_err(|why| match why {
                    NotMoved::Missing => missing(),
                    NotMoved::Layer => Refusal::new("INVALID", why.to_string()),
                    NotMoved::Overlaps(_) => Refusal::new("OVERLAPS", why.to_string()),
                })?
        }
        SegmentOperation::Rename { id, title } => {
            let whole = found(store, &id)?;
            if whole.title == title {
                return Ok(Vec::new());
            }
            vec![SegmentationEdit::Title {
                of: whole.id.clone(),
                from: whole.title.clone(),
                to: title,
            }]
        }
        SegmentOperation::Remove { id } => found(store, &id)?.edits_away(&source),
    };
    Ok(edits.into_iter().map(Edit::Segmentation).collect())
}

fn bare(new: NewSegmentation) -> Result<Segmentation, Refusal> {
    if !is_possible(new.size) {
        return Err(invalid("the grid has no voxels, or too many"));
    }
    let [x, y, z, origin] = new.patient_from_voxel.map(DVec3::from_array);
    let patient_from_voxel = DAffine3::from_cols(x, y, z, origin);
    let grid = GridGeometry {
        size: new.size,
        patient_from_voxel,
    };
    if grid.voxel_from_patient().is_none() {
        return Err(invalid("the steps between voxels span no space"));
    }
    let mut whole = Segmentation::new(SegmentationId(new.id), grid);
    whole.title = new.title;
    whole.study_uid = new.study;
    whole.series_uid = new.series;
    whole.frame_of_reference_uid = new.frame_of_reference;
    whole.frame = new.instance.map(|uid| (uid, new.frame.unwrap_or(1)));
    Ok(whole)
}

fn segment(from: Option<&Segment>, fields: SegmentFields) -> Result<Segment, Refusal> {
    let mut to = match from {
        Some(from) => from.clone(),
        None => Segment::new(fields.number, ""),
    };
    if let Some(label) = fields.label {
        to.label = label;
    }
    to.color = fields.color.unwrap_or(to.color);
    to.layer = fields.layer.unwrap_or(to.layer);
    to.locked = fields.locked.unwrap_or(to.locked);
    to.hidden = fields.hidden.unwrap_or(to.hidden);
    let stated = fields.state.is_some();
    if let Some(state) = fields.state {
        to.state = SegmentState::named(&state)
            .ok_or_else(|| invalid("`state` is proposed, accepted, edited or rejected"))?;
    }
    for (slot, code) in [
        (&mut to.category, fields.category),
        (&mut to.property_type, fields.kind),
        (&mut to.anatomic_region, fields.region),
    ] {
        if let Some(code) = code {
            *slot = Some(code.into());
        }
    }
    match fields.origin {
        None => {}
        Some(Origin::Manual {}) => to.origin = SegmentOrigin::Manual,
        Some(Origin::Semiautomatic { algorithm, version }) => {
            to.origin = SegmentOrigin::SemiAutomatic { algorithm, version };
        }
        Some(Origin::Automatic {
            algorithm,
            version,
            sha256,
        }) => {
            to.origin = SegmentOrigin::Automatic {
                algorithm,
                version,
                sha256,
            };
        }
    }
    if let Some(by) = fields.by {
        to.by = by;
    }
    match fields.changed_ms {
        Some(at) => to.changed_ms = at,
        None if stated || from.is_none() => to.changed_ms = now_ms(),
        None => {}
    }
    if fields.probability.is_some() {
        to.probability = fields.probability;
    }
    if let Some(uid) = fields.tracking {
        to.tracking_uid = uid;
    }
    Ok(to)
}

fn voxels(whole: &Segmentation, fields: VoxelFields) -> Result<Option<SegmentationEdit>, Refusal> {
    let segment = whole.segment(fields.number).ok_or_else(missing)?;
    let before = whole.layers().get(segment.layer).ok_or_else(missing)?;
    let mut after = before.clone();
    let number = fields.number;
    let change = |now: u16| match fields.erase {
        true if now == number => 0,
        true => now,
        false => number,
    };
    let size = before.size();
    for [x, y, z, length] in &fields.runs {
        let end = x.checked_add(*length).filter(|end| *end <= size[0]);
        let end = end.filter(|_| *y < size[1] && *z < size[2]);
        let end = end.ok_or_else(|| invalid("a run leaves the grid"))?;
        after.map_row([*y, *z], *x..end, |_, now| change(now));
    }
    if let Some([x, y, z, radius]) = fields.ball {
        let (low, high) = brush::RADIUS_RANGE;
        if !(low..=high).contains(&radius) {
            return Err(invalid("a ball has a radius of 0.25 to 200 mm"));
        }
        let stamp = Stamp {
            centre: DVec3::new(x, y, z),
            normal: DVec3::Z,
            radius,
            shape: BrushShape::Sphere,
        };
        brush::stamp(&mut after, &whole.grid, &stamp, |_, now| change(now));
    }
    after.tidy(&after.whole());
    let delta = Delta::between(before, &after).filter(|delta| !delta.is_empty());
    Ok(delta.map(|delta| {
        SegmentationEdit::Voxels(Arc::new(VoxelChange {
            of: whole.id.clone(),
            layer: segment.layer,
            delta,
            source: Arc::new(VoxelSource {
                tool: fields.tool.unwrap_or_else(|| "edit".into()),
                prompt: fields.prompt,
                by: fields.author.into(),
                at_ms: fields.created_ms.unwrap_or_else(now_ms),
            }),
        }))
    }))
}

/// Most runs of a line of the list.
const RUNS_A_LINE: usize = 10_000;

/// A segmentation as operations that would bring it back.
pub fn list(whole: &Segmentation) -> Vec<Value> {
    let matrix = whole.grid.patient_from_voxel;
    let columns = [
        matrix.matrix3.x_axis,
        matrix.matrix3.y_axis,
        matrix.matrix3.z_axis,
        matrix.translation,
    ];
    let mut head = json!({
        "op": "segmentation",
        "id": whole.id.0,
        "title": whole.title,
        "study": whole.study_uid,
        "series": whole.series_uid,
        "frame_of_reference": whole.frame_of_reference_uid,
        "size": whole.grid.size,
        "patient_from_voxel": columns.map(|c| c.to_array()),
    });
    if let (Some((uid, frame)), Some(head)) = (&whole.frame, head.as_object_mut()) {
        head.insert("instance".into(), json!(uid));
        head.insert("frame".into(), json!(frame));
    }
    let mut lines = vec![head];
    let mut segments: Vec<&Segment> = whole.segments().collect();
    // A layer is made by its first segment.
    segments.sort_by_key(|s| s.layer);
    for segment in &segments {
        lines.push(segment_json(whole, segment));
    }
    for segment in segments {
        let Some(layer) = whole.layers().get(segment.layer) else {
            continue;
        };
        let runs = runs_of(layer, segment.number);
        for part in runs.chunks(RUNS_A_LINE) {
            lines.push(json!({
                "op": "voxels", "of": whole.id.0, "number": segment.number, "runs": part,
                "tool": "restore",
            }));
        }
    }
    lines
}

fn runs_of(layer: &Voxels, number: u16) -> Vec<[usize; 4]> {
    let mut runs = Vec::new();
    let Some(bounds) = layer.bounds(Some(number)) else {
        return runs;
    };
    for z in bounds.range(2) {
        for y in bounds.range(1) {
            let row = layer.read(&VoxelBox {
                first: [bounds.first[0], y, z],
                end: [bounds.end[0], y + 1, z + 1],
            });
            let mut x = bounds.first[0];
            for run in row.chunk_by(|a, b| a == b) {
                if run.first() == Some(&number) {
                    runs.push([x, y, z, run.len()]);
                }
                x += run.len();
            }
        }
    }
    runs
}

fn segment_json(whole: &Segmentation, segment: &Segment) -> Value {
    let code = |code: &Option<Code>| {
        code.as_ref().map(|code| CodeFields {
            value: code.value.clone(),
            scheme: code.scheme.clone(),
            meaning: code.meaning.clone(),
        })
    };
    let origin = match segment.origin.clone() {
        SegmentOrigin::Manual => Origin::Manual {},
        SegmentOrigin::SemiAutomatic { algorithm, version } => {
            Origin::Semiautomatic { algorithm, version }
        }
        SegmentOrigin::Automatic {
            algorithm,
            version,
            sha256,
        } => Origin::Automatic {
            algorithm,
            version,
            sha256,
        },
    };
    let fields = SegmentFields {
        of: whole.id.0.clone(),
        number: segment.number,
        label: Some(segment.label.clone()),
        color: Some(segment.color),
        layer: Some(segment.layer),
        locked: Some(false),
        hidden: Some(segment.hidden),
        state: Some(segment.state.name().to_owned()),
        category: code(&segment.category),
        kind: code(&segment.property_type),
        region: code(&segment.anatomic_region),
        origin: Some(origin),
        by: Some(segment.by.clone()),
        changed_ms: Some(segment.changed_ms),
        tracking: Some(segment.tracking_uid.clone()),
        probability: segment.probability,
    };
    let mut value = json!(fields);
    if let Some(object) = value.as_object_mut() {
        object.insert("op".into(), json!("segment"));
        object.retain(|_, value| !value.is_null());
    }
    value
}

/// What a segmentation is, in a line: the SHA-256 is the same wherever the same edits were made.
pub fn digest(whole: &Segmentation) -> Value {
    let hex = fingerprint(whole)
        .iter()
        .fold(String::new(), |mut text, byte| {
            // Writing to a text cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        });
    let voxels: u64 = whole
        .layers()
        .iter()
        .flat_map(|l| l.counts().into_values())
        .sum();
    json!({
        "id": whole.id.0,
        "sha256": hex,
        "segments": whole.len(),
        "layers": whole.layers().len(),
        "voxels": voxels,
    })
}

/// Says where a voxel comes from.
pub fn origin(store: &Store, voxel: &str, out: &mut Output) -> Exit {
    let place = voxel.rsplit_once(':').and_then(|(id, at)| {
        let mut numbers = at.split(',').map(|n| n.trim().parse::<usize>().ok());
        let at = [numbers.next()??, numbers.next()??, numbers.next()??];
        numbers
            .next()
            .is_none()
            .then(|| (SegmentationId(id.to_owned()), at))
    });
    let Some((id, at)) = place else {
        out.error("a voxel is ID:COLUMN,ROW,SLICE, counted from 0");
        return Exit::Usage;
    };
    let changes = match store.voxel_origins(&id, at) {
        Ok(changes) => changes,
        Err(error) => {
            out.error(error.to_string());
            return store_cli::exit_of(&error);
        }
    };
    for change in changes.iter().rev() {
        let source = &change.source;
        let by = Maker::from(source.by.clone());
        out.json(&json!({
            "commit": change.commit,
            "layer": change.layer,
            "from": change.from,
            "to": change.to,
            "tool": source.tool,
            "prompt": source.prompt,
            "author": by,
            "created_ms": source.at_ms,
        }));
    }
    match changes.is_empty() {
        true => Exit::Finding,
        false => Exit::Done,
    }
}
