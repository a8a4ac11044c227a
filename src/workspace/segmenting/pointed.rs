//! Networks by points: what is asked of them, and their answer, which is shown and becomes a proposed segment.
//!
//! Must stay true: such a segment says which network made it, of which version, with the SHA-256 of its weights, and how sure it
//! was; nobody stands behind it before somebody accepts or edits it.

use super::{apply::SegmentTool, new_uid, now_ms, preview::There, put_segment};
use crate::{
    gpu::MaskVolume,
    i18n::Value,
    imaging::segment::Bits,
    model::{
        annotation::Author,
        edit::Edit,
        geometry::GridGeometry,
        inference::ModelIdentity,
        segmentation::{
            Delta, Segment, SegmentOrigin, SegmentState, SegmentationEdit, SegmentationId,
            VoxelChange, VoxelSource, Voxels,
        },
    },
    task::CancelToken,
    workspace::{Workspace, display::SeriesDisplay},
};
use glam::{DAffine3, DVec3};
use std::sync::Arc;

/// What a network by points is asked.
#[derive(Clone, Debug)]
pub struct PointsQuestion {
    /// Comes back with the answer.
    pub ticket: u64,
    /// Registry id of the network.
    pub model: String,
    /// The series.
    pub display: Arc<SeriesDisplay>,
    /// What belongs, in the patient.
    pub plus: Vec<DVec3>,
    /// What does not.
    pub minus: Vec<DVec3>,
    /// Stops it.
    pub cancel: CancelToken,
}

/// What it says.
#[derive(Clone, Debug)]
pub struct PointsFound {
    /// First voxel of the part of the volume that it looked at.
    pub low: [usize; 3],
    /// The voxels of that part which belong.
    pub inside: Bits,
    /// Mean probability of them; not calibrated.
    pub confidence: f64,
    /// The same voxels in the memory of the device that draws.
    pub mask: MaskVolume,
    /// Which network says it.
    pub model: ModelIdentity,
}

/// An answer.
#[derive(Debug)]
pub struct PointedNews {
    /// Of which question.
    pub ticket: u64,
    /// What was found, or why nothing: message key, identity-free detail.
    pub result: Result<PointsFound, (&'static str, String)>,
}

impl PointsFound {
    /// Its voxels as they are drawn over a grid.
    pub(super) fn there(&self, grid: &GridGeometry) -> There {
        let first = DVec3::from_array(self.low.map(|n| n as f64));
        There {
            mask: self.mask.clone(),
            grid: GridGeometry {
                size: self.inside.size(),
                patient_from_voxel: grid.patient_from_voxel * DAffine3::from_translation(first),
            },
        }
    }
}

impl Workspace {
    /// The networks by points that are offered, after the tools that need none.
    pub(in crate::workspace) fn take_point_models(
        &mut self,
        models: Vec<crate::workspace::volume_masks::VolumeModelEntry>,
    ) {
        let segmenting = &mut self.segmenting;
        segmenting.point_models = models;
        let known = |id: &String| segmenting.point_models.iter().any(|m| m.id == *id);
        segmenting.by_network = segmenting.by_network.take().filter(known);
    }

    /// What a network said of points becomes a proposed segment of its own, among the free voxels of the layer.
    pub(super) fn propose_pointed(&mut self, tool: &SegmentTool) {
        let found = self.segmenting.preview.found();
        let found = found.filter(|found| found.wish.tool == *tool);
        let Some((place, answer)) =
            found.and_then(|found| Some((found.wish.place.clone(), found.network.clone()?)))
        else {
            return self.notify("notice-points-not-answered", String::new());
        };
        if answer.inside.is_empty() {
            return self.notify("notice-points-nothing", String::new());
        }
        let whole = self.segmentation_at(&place);
        if whole.is_some_and(|whole| whole.grid != place.grid) {
            return self.notify("segment-range-other-grid", String::new());
        }
        let mut edits = Vec::new();
        let (id, number, layer, before) = match whole {
            Some(whole) => {
                let Some(number) = whole.free_number() else {
                    return;
                };
                let layer = self.segment_of(whole).map_or(0, |s| s.layer);
                let blank = || Voxels::new(whole.grid.size);
                let before = whole.layers().get(layer).cloned().unwrap_or_else(blank);
                (whole.id.clone(), number, layer, before)
            }
            None => {
                let id = SegmentationId(new_uid());
                let bare = place.bare(id.clone());
                let before = Voxels::new(bare.grid.size);
                edits.push(Edit::Segmentation(SegmentationEdit::Put(Arc::new(bare))));
                (id, 1, 0, before)
            }
        };
        let args = [
            ("model", answer.model.id.as_str().into()),
            ("confidence", Value::Fixed(answer.confidence, 2)),
        ];
        let name = self.settings.language.tr("segment-by-points", &args);
        let mut segment = Segment::new(number, name);
        segment.layer = layer;
        segment.state = SegmentState::Proposed;
        segment.changed_ms = now_ms();
        segment.origin = SegmentOrigin::Automatic {
            algorithm: answer.model.id.clone(),
            version: answer.model.version.clone(),
            sha256: answer.model.sha256.clone(),
        };
        edits.push(put_segment(&id, segment));
        let mut after = before.clone();
        let [x, y, z] = answer.low;
        for (row, slice, run) in answer.inside.runs() {
            let run = run.start + x..run.end + x;
            after.map_row([row + y, slice + z], run, |_, now| match now {
                0 => number,
                taken => taken,
            });
        }
        let delta = Delta::between(&before, &after).filter(|delta| !delta.is_empty());
        let Some(delta) = delta else {
            return self.notify("notice-segment-nothing", String::new());
        };
        let prompt = match tool {
            SegmentTool::Prompts(prompts) => prompts.prompt(),
            _ => String::new(),
        };
        let source = VoxelSource {
            tool: "model".to_owned(),
            prompt: format!("{prompt} p {:.2}", answer.confidence),
            by: Author::Model {
                id: answer.model.id.clone(),
                version: answer.model.version.clone(),
            },
            at_ms: now_ms(),
        };
        edits.push(Edit::Segmentation(SegmentationEdit::Voxels(Arc::new(
            VoxelChange {
                of: id.clone(),
                layer,
                delta,
                source: Arc::new(source),
            },
        ))));
        if self.commit(edits) {
            self.segmenting.active = Some(id);
            self.segmenting.segment = number;
            self.show_segments();
        }
    }
}
