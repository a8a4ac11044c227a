//! Networks by points: what is asked of them, and their answer, which is shown and becomes a proposed segment.
//!
//! Must stay true: such a segment says which network made it, of which version, with the SHA-256 of its weights, and how sure it
//! was; nobody stands behind it before somebody accepts or edits it. What is taken is what was shown: an answer that lies in the
//! memory of the device is read from there once, beside the window's thread, and then.

use super::{SegmentPlace, apply::SegmentTool, new_uid, now_ms, preview::There, put_segment};
use crate::{
    diary,
    gpu::{GpuError, MaskVolume},
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
    task::{CancelToken, spawn_named},
    workspace::{Workspace, display::SeriesDisplay, event::Event, jobs::JobId},
};
use glam::{DAffine3, DVec3};
use std::{panic::AssertUnwindSafe, sync::Arc};

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
    /// The voxels of that part which belong, where the network ran on the processor. Where it ran on the device that draws they are
    /// in its memory alone.
    pub inside: Option<Bits>,
    /// How many they are.
    pub voxels: u64,
    /// Mean probability of them; not calibrated.
    pub confidence: f64,
    /// They in the memory of the device that draws.
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

/// An answer that somebody takes, on its way out of the memory of the device.
#[derive(Debug)]
pub struct PointsTaken {
    job: JobId,
    taking: Taking,
    /// Its voxels; `None` once stopped.
    inside: Option<Result<Bits, GpuError>>,
}

/// What is taken.
#[derive(Debug)]
struct Taking {
    place: SegmentPlace,
    answer: Arc<PointsFound>,
    /// What was drawn, as voxels remember it.
    prompt: String,
}

impl PointsFound {
    /// Its voxels as they are drawn over a grid.
    pub(super) fn there(&self, grid: &GridGeometry) -> There {
        let first = DVec3::from_array(self.low.map(|n| n as f64));
        There {
            mask: self.mask.clone(),
            grid: GridGeometry {
                size: self.mask.size(),
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
        if answer.voxels == 0 {
            return self.notify("notice-points-nothing", String::new());
        }
        let prompt = match tool {
            SegmentTool::Prompts(prompts) => prompts.prompt(),
            _ => String::new(),
        };
        let taking = Taking {
            place,
            answer: Arc::clone(&answer),
            prompt,
        };
        match &answer.inside {
            Some(inside) => self.propose_taken(&taking, inside),
            None => self.fetch_taken(taking),
        }
    }

    /// Has the voxels of an answer brought out of the memory of the device, which waits for it.
    fn fetch_taken(&mut self, taking: Taking) {
        let job = self.jobs.start("job-segment-tool");
        let ending = self.ending(job.id);
        let (events, waker) = (self.sender(), self.waker.clone());
        let gpu = self.gpu.clone();
        let body = move || {
            let mask = &taking.answer.mask;
            let read = || {
                let bytes = mask.read_back(&gpu)?;
                let bits = Bits::where_is(&bytes, mask.size(), |byte| *byte != 0);
                bits.ok_or(GpuError::Mismatch("the mask has another size"))
            };
            let defect = |_| Err(GpuError::Mismatch("reading it stopped with a defect"));
            let read = diary::contain(AssertUnwindSafe(read)).unwrap_or_else(defect);
            let inside = (!job.cancel.is_cancelled()).then_some(read);
            let taken = PointsTaken {
                job: job.id,
                taking,
                inside,
            };
            let _ = events.send(Event::SegmentPointsTaken(Box::new(taken)));
            waker.wake("points taken");
            drop(ending);
        };
        if spawn_named("points taken", body).is_err() {
            self.notify("notice-segment-tool-failed", String::new());
        }
    }

    /// The voxels are here.
    pub(in crate::workspace) fn take_points(&mut self, taken: PointsTaken) {
        self.jobs.finish(taken.job);
        match taken.inside {
            None => {}
            Some(Ok(inside)) => self.propose_taken(&taken.taking, &inside),
            Some(Err(error)) => self.notify("badge-ai-failed", error.to_string()),
        }
    }

    /// The voxels of an answer become a proposed segment.
    fn propose_taken(&mut self, taking: &Taking, inside: &Bits) {
        let Taking {
            place,
            answer,
            prompt,
        } = taking;
        let whole = self.segmentation_at(place);
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
        for (row, slice, run) in inside.runs() {
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
