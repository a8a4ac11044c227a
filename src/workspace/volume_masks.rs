//! Masks over whole volumes: where they lie on the GPU, what their numbers are, how far they are.

use super::{display::SeriesDisplay, jobs::JobId};
use crate::{
    gpu::MaskVolume,
    imaging::labels::LabelPlane,
    model::{
        finding::Finding,
        geometry::GridGeometry,
        inference::InferenceProvenance,
        labels::{Label, MaskLook, Meaning},
        slab::SlabSteps,
        view::{OverlayStyle, SliceView},
    },
};
use std::{collections::HashMap, sync::Arc};

/// A model that takes volumes, as it is offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeModelEntry {
    /// Registry id.
    pub id: String,
    /// One line.
    pub title: String,
    /// Trained on generated pictures alone.
    pub synthetic_only: bool,
    /// As how many images it may see a window, turned over in every way that its card allows; 1 where it allows none.
    pub mirror_images: usize,
}

/// A mask over a series, made or in the making.
#[derive(Clone, Debug)]
pub struct VolumeMaskDisplay {
    /// The packed mask, on the device that draws.
    pub mask: MaskVolume,
    /// Where it lies.
    pub grid: GridGeometry,
    /// What its numbers are.
    pub meaning: Meaning,
    /// The labels.
    pub labels: Arc<[Label]>,
    /// Model, version, hash, device, time.
    pub provenance: InferenceProvenance,
    /// What was noticed about input or result.
    pub findings: Vec<Finding>,
    /// Computed on another device and brought here.
    pub uploaded: bool,
    /// Windows done, of windows in all; equal when it is made.
    pub windows: [usize; 2],
}

impl VolumeMaskDisplay {
    /// How it is drawn: threshold, opacity and outline are those of all masks.
    pub fn look(&self, style: OverlayStyle) -> MaskLook {
        MaskLook {
            meaning: self.meaning,
            style,
            labels: Arc::clone(&self.labels),
        }
    }

    /// Where a view of a series lies in it; `None` where the series is no volume.
    pub fn plane(&self, display: &SeriesDisplay, view: &SliceView) -> Option<LabelPlane> {
        let volume = display.layout.volume.filter(|_| display.is_volume())?;
        let mask_from_voxel = self.grid.voxel_from_patient()? * volume.patient_from_voxel;
        Some(LabelPlane {
            mask_from_viewport: mask_from_voxel * view.voxel_from_viewport,
            slab: view.slab.map(|slab| SlabSteps {
                step: mask_from_voxel.matrix3 * slab.step,
                ..slab
            }),
        })
    }

    /// Whether windows are still to come.
    pub const fn in_progress(&self) -> bool {
        self.windows[0] < self.windows[1]
    }
}

/// News of a mask over a series.
#[derive(Debug)]
pub struct VolumeMaskNews {
    /// The job.
    pub job: JobId,
    /// The series ([`SeriesDisplay::key`]).
    pub series: String,
    /// The mask as far as it is, or why there is none: (message key, identity-free detail).
    pub result: Result<VolumeMaskDisplay, (&'static str, String)>,
    /// Nothing more comes.
    pub ended: bool,
}

/// The masks over series, and what makes them.
#[derive(Debug, Default)]
pub struct VolumeMasks {
    masks: HashMap<String, VolumeMaskDisplay>,
    /// Models that are offered.
    pub models: Vec<VolumeModelEntry>,
    /// The model that finds lesions.
    pub lesions: Option<VolumeModelEntry>,
    /// The id of the one that is chosen.
    pub chosen: Option<String>,
    /// Models that may are also shown mirror images.
    pub mirrors: bool,
}

impl VolumeMasks {
    /// The mask over a series.
    pub fn get(&self, series: &str) -> Option<&VolumeMaskDisplay> {
        self.masks.get(series)
    }

    /// Takes the mask of a series away.
    pub fn remove(&mut self, series: &str) {
        self.masks.remove(series);
    }

    /// Takes the masks of a network away.
    pub fn remove_of(&mut self, model: &str) {
        self.masks
            .retain(|_, mask| mask.provenance.model.id != model);
    }

    /// Takes all masks away; the models stay.
    pub fn clear(&mut self) {
        self.masks.clear();
    }

    /// Whether a model was trained on generated pictures alone.
    pub fn is_synthetic_only(&self, model: &str) -> bool {
        let mut all = self.models.iter().chain(&self.lesions);
        all.any(|entry| entry.id == model && entry.synthetic_only)
    }

    /// The model that runs next.
    pub fn model(&self) -> Option<&VolumeModelEntry> {
        let chosen = |m: &&VolumeModelEntry| Some(&m.id) == self.chosen.as_ref();
        self.models.iter().find(chosen).or(self.models.first())
    }

    /// Whether the model that runs next is also shown mirror images: it is wanted, and its card allows it.
    pub fn runs_mirrored(&self) -> bool {
        self.mirrors && self.model().is_some_and(|model| model.mirror_images > 1)
    }
}

impl super::Workspace {
    /// Takes in how far a mask over a series is.
    pub(super) fn take_volume_mask(&mut self, news: VolumeMaskNews) {
        // What still comes of a job that was cancelled is not shown.
        let wanted = self.jobs.running().iter().any(|job| job.id == news.job);
        if news.ended {
            self.jobs.finish(news.job);
        }
        match news.result {
            Ok(mask) if wanted => {
                let first = !self.volume_masks.masks.contains_key(&news.series);
                self.volume_masks.masks.insert(news.series, mask);
                if first {
                    self.masks.visible = true;
                    self.settings.side_tab = super::settings::SideTab::Ai;
                }
            }
            Ok(_) => {}
            Err((key, detail)) => {
                // A mask that was not finished would look like one that is.
                self.volume_masks.masks.remove(&news.series);
                if !detail.is_empty() {
                    self.notify(key, detail);
                }
            }
        }
    }

    /// The mask over the series of the active cell, and the key of that series.
    pub fn active_volume_mask(&self) -> Option<(&str, &VolumeMaskDisplay)> {
        let display = self.active_viewport()?.display.as_ref()?;
        let mask = self.volume_masks.get(&display.key)?;
        Some((&display.key, mask))
    }
}
