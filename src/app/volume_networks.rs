//! Segmentation of volumes from the window: the models that are there, the volume that is asked about, and its mask on
//! the way to the screen while it is made.

use super::{lesion_networks::lesion_model, networks::Networks, point_networks::point_models};
use crate::{
    ai::{
        AiError,
        registry::Registry,
        sliding::{Conduct, Focus, MaskSoFar, News, VolumeMask, VolumeModel},
        volume_import::{ForVolumes, is_for_volumes, mirror_images},
        worker::{VolumeProposal, VolumeRequest},
    },
    gpu::{GpuContext, MaskBits, MaskVolume},
    imaging::window::modality_frame,
    model::{
        finding::Finding, inference::InferenceProvenance, layout::SeriesLayout, lut::ModalityLut,
        pixels::Frame, volume::Volume,
    },
    task::spawn_named,
    workspace::{
        Waker, Workspace,
        display::{FrameState, SeriesDisplay},
        event::Event,
        jobs::JobId,
        volume_masks::{VolumeMaskDisplay, VolumeMaskNews, VolumeModelEntry},
    },
};
use crossbeam_channel::Sender;
use glam::DVec3;
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// News of a mask in the making come no faster than this.
const PAUSE: Duration = Duration::from_millis(60);

/// A volume that is being segmented.
pub(super) struct Running {
    job: JobId,
    series: String,
    focus: Focus,
    conduct: Conduct,
    uploaded: Uploaded,
}

/// The mask on the device that draws, where it is computed elsewhere.
type Uploaded = Arc<Mutex<Option<MaskVolume>>>;

/// Looks for models that take volumes; they come as an event.
pub(super) fn look_for_models(folder: Option<PathBuf>, events: Sender<Event>, waker: Waker) {
    let look = move || {
        let registry = Registry::new(folder);
        let imported = registry.imported().0.into_iter();
        let imported = imported
            .filter(|entry| is_for_volumes(&entry.card))
            .map(|entry| VolumeModelEntry {
                title: match entry.card.about.title.is_empty() {
                    true => entry.card.id.clone(),
                    false => entry.card.about.title.clone(),
                },
                synthetic_only: entry.card.about.synthetic_only,
                mirror_images: mirror_images(&entry.card),
                id: entry.card.id,
            });
        let models: Vec<VolumeModelEntry> = registry
            .list()
            .0
            .into_iter()
            .filter(|entry| entry.card.volume.is_some())
            .map(|entry| VolumeModelEntry {
                title: entry.card.about.title.clone(),
                synthetic_only: entry.card.about.synthetic_only,
                id: entry.card.id,
                mirror_images: 1,
            })
            .chain(imported)
            .collect();
        if let Some(model) = lesion_model(&registry) {
            let _ = events.send(Event::LesionModel(model));
            waker.wake("models");
        }
        let by_points = point_models(&registry);
        if !by_points.is_empty() {
            let _ = events.send(Event::PointModels(by_points));
            waker.wake("models");
        }
        if !models.is_empty() {
            let _ = events.send(Event::VolumeModels(models));
            waker.wake("models");
        }
    };
    // Without a thread there are none, and the panel says so.
    let _ = spawn_named("models", look);
}

impl Networks {
    /// Segments the volume of the active cell with the chosen model.
    pub fn segment_volume(&mut self, workspace: &mut Workspace) {
        let Some(model) = workspace.volume_masks.model().map(|m| m.id.clone()) else {
            workspace.notify("ai-no-volume-model", String::new());
            return;
        };
        let Some(display) = workspace
            .active_viewport()
            .and_then(|v| v.display.clone())
            .filter(|d| d.is_volume())
        else {
            return;
        };
        let progress = display.progress();
        if progress.loaded < progress.total {
            workspace.notify("ai-volume-not-loaded", String::new());
            return;
        }
        if let Err(error) = self.start(workspace) {
            workspace.notify("badge-ai-failed", error);
            return;
        }
        // A second request for the same series takes the place of the first.
        let before: Vec<u64> = {
            let running = self.volumes();
            let same = running.iter().filter(|(_, r)| r.series == display.key);
            same.map(|(view, _)| *view).collect()
        };
        if let Some(worker) = &self.worker {
            before.into_iter().for_each(|view| worker.cancel(view));
        }
        let job = workspace.jobs.start("job-segmenting-volume");
        let focus = Focus::default();
        focus.set(place_of(workspace, &display.key));
        let conduct = Conduct {
            progress: job.progress.clone(),
            focus: focus.clone(),
            limit: None,
            ..Conduct::default()
        };
        let view = self.next_view();
        let series = display.key.clone();
        let uploaded = Uploaded::default();
        self.volumes().insert(
            view,
            Running {
                job: job.id,
                series: series.clone(),
                focus,
                conduct: conduct.clone(),
                uploaded: uploaded.clone(),
            },
        );
        let registry = Registry::new(self.models_folder.clone());
        let name = model.clone();
        let mirror = workspace.volume_masks.runs_mirrored();
        let load = move |device: &crate::ai::BurnDevice| {
            let found = ForVolumes::find(&registry, &name);
            found
                .ok_or_else(|| AiError::UnknownModel(name.clone()))??
                .load(device, mirror)
        };
        let input_uid = display
            .layout
            .first_instance()
            .map(|i| i.sop_instance_uid.clone())
            .unwrap_or_default();
        let mut telling = Telling {
            gpu: workspace.gpu.clone(),
            events: workspace.sender(),
            waker: workspace.waker.clone(),
            job: job.id,
            series,
            uploaded,
            last: None,
        };
        let request = VolumeRequest {
            view,
            model,
            load: Box::new(load),
            volume: Box::new(move || volume_of(&display)),
            input_uid,
            conduct,
            tell: Box::new(move |news, model| telling.tell(&news, model)),
        };
        if let Some(worker) = &self.worker {
            worker.request_volume(request);
        }
    }

    /// Follows the reader and passes on what the user cancelled.
    pub(super) fn obey_volumes(&self, workspace: &Workspace) {
        let mut cancelled = Vec::new();
        {
            let running = self.volumes();
            if running.is_empty() {
                return;
            }
            for (view, volume) in running.iter() {
                let job = workspace.jobs.running().iter().find(|j| j.id == volume.job);
                if job.is_none_or(|job| job.cancel.is_cancelled()) {
                    volume.conduct.cancel.cancel();
                    cancelled.push(*view);
                } else if let Some(place) = place_of(workspace, &volume.series) {
                    volume.focus.set(Some(place));
                }
            }
        }
        if let Some(worker) = &self.worker {
            cancelled.into_iter().for_each(|view| worker.cancel(view));
        }
    }
}

/// Where the reader looks in a series: the active cell, else the first that shows it.
fn place_of(workspace: &Workspace, series: &str) -> Option<DVec3> {
    let shows = |cell: &usize| {
        let viewport = workspace.viewports.get(*cell)?;
        let display = viewport.display.as_ref().filter(|d| d.key == series)?;
        let grid = display.layout.volume?;
        let middle = || {
            let [columns, rows, _] = grid.size;
            let slice = match viewport.is_cut() {
                true => return grid.centre(),
                false => viewport.frame_shown(),
            };
            let index = DVec3::new(columns as f64, rows as f64, 0.0) * 0.5 - 0.5;
            grid.patient_from_voxel
                .transform_point3(DVec3::new(index.x, index.y, slice as f64))
        };
        Some(viewport.crosshair.unwrap_or_else(middle))
    };
    std::iter::once(workspace.active)
        .chain(0..workspace.viewports.len())
        .find_map(|cell| shows(&cell))
}

/// The frames of a series as a volume; they are shared, not copied, where they have one scale.
pub(super) fn volume_of(display: &SeriesDisplay) -> Result<Volume, AiError> {
    let layout: &SeriesLayout = &display.layout;
    let gone = || AiError::Compute("the volume is no longer in memory".into());
    let grid = layout.volume.ok_or_else(gone)?;
    let first = layout.frames.first().ok_or_else(gone)?;
    let image = first.instance.image.as_ref().ok_or_else(gone)?;
    let frames: Option<Vec<Frame>> = layout
        .frames
        .iter()
        .enumerate()
        .map(|(index, reference)| {
            let FrameState::Loaded(frame) = display.frame(index) else {
                return None;
            };
            if !layout.mixed_rescale {
                return Some(frame);
            }
            let image = reference.instance.image.as_ref()?;
            let lut = &image.frame(reference.frame).modality_lut;
            modality_frame(&frame, lut, image.padding)
        })
        .collect();
    let description = image.frame(first.frame);
    let mixed = layout.mixed_rescale;
    Ok(Volume {
        grid,
        frames: frames.ok_or_else(gone)?,
        modality_lut: match mixed {
            true => ModalityLut::IDENTITY,
            false => description.modality_lut.clone(),
        },
        unit: description.unit.clone(),
        padding: image.padding.filter(|_| !mixed),
    })
}

fn held(uploaded: &Uploaded) -> MutexGuard<'_, Option<MaskVolume>> {
    uploaded.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Brings a mask in the making to the screen.
struct Telling {
    gpu: GpuContext,
    events: Sender<Event>,
    waker: Waker,
    job: JobId,
    series: String,
    uploaded: Uploaded,
    last: Option<Instant>,
}

impl Telling {
    fn tell(&mut self, news: &News<'_>, model: &VolumeModel) -> Result<(), AiError> {
        let mask = match news.mask {
            MaskSoFar::Gpu(mask) => mask.clone(),
            MaskSoFar::Cpu(bytes) => {
                let size = news.grid.size;
                let mut uploaded = held(&self.uploaded);
                let mask = match &*uploaded {
                    Some(mask) => mask.clone(),
                    None => MaskVolume::new(&self.gpu, size, MaskBits::Eight)?,
                };
                let [columns, rows, _] = size;
                let part = news.changed;
                for slice in part.start[0]..part.start[0] + part.size[0] {
                    let first = slice * rows + part.start[1];
                    let end = first + part.size[1];
                    if let Some(bytes) = bytes.get(first * columns..end * columns) {
                        mask.upload_rows(&self.gpu, first, bytes)?;
                    }
                }
                // The window may draw it right away.
                self.gpu.door.flush();
                *uploaded = Some(mask.clone());
                mask
            }
        };
        // Of the last window the end tells.
        let due = self.last.is_none_or(|last| last.elapsed() >= PAUSE);
        if !due || news.done == news.total {
            return Ok(());
        }
        self.last = Some(Instant::now());
        let shown = VolumeMaskDisplay {
            mask,
            grid: *news.grid,
            meaning: news.meaning,
            labels: model.labels.clone().into(),
            provenance: InferenceProvenance {
                model: model.identity.clone(),
                device: String::new(),
                seconds: 0.0,
                finished: String::new(),
                input_uid: String::new(),
                mean_probability: None,
            },
            findings: Vec::new(),
            uploaded: held(&self.uploaded).is_some(),
            windows: [news.done, news.total],
        };
        let news = VolumeMaskNews {
            job: self.job,
            series: self.series.clone(),
            result: Ok(shown),
            ended: false,
        };
        let _ = self.events.send(Event::VolumeMask(Box::new(news)));
        self.waker.wake("mask");
        Ok(())
    }
}

/// What the end of a job tells the workspace.
pub(super) fn ended(running: &Running, outcome: Result<Box<VolumeProposal>, AiError>) -> Event {
    let result = match outcome {
        Err(AiError::Cancelled) => Err(("badge-ai-failed", String::new())),
        Err(error) if error.is_of_device() => Err(("badge-ai-try-cpu", error.to_string())),
        Err(error) => Err(("badge-ai-failed", error.to_string())),
        Ok(proposal) => finished(*proposal, held(&running.uploaded).as_ref()),
    };
    Event::VolumeMask(Box::new(VolumeMaskNews {
        job: running.job,
        series: running.series.clone(),
        result,
        ended: true,
    }))
}

fn finished(
    proposal: VolumeProposal,
    uploaded: Option<&MaskVolume>,
) -> Result<VolumeMaskDisplay, (&'static str, String)> {
    let VolumeProposal {
        segmented,
        labels,
        provenance,
        ..
    } = proposal;
    let mask = match segmented.mask {
        VolumeMask::Gpu(mask) => Some(mask),
        // It was brought to the screen window by window.
        VolumeMask::Cpu(_) => uploaded.cloned(),
    };
    let findings: Vec<Finding> = segmented.findings;
    let Some(mask) = mask else {
        return Err((
            "badge-ai-failed",
            "nothing of the mask was shown".to_owned(),
        ));
    };
    Ok(VolumeMaskDisplay {
        mask,
        grid: segmented.grid,
        meaning: segmented.meaning,
        labels,
        provenance,
        findings,
        uploaded: uploaded.is_some(),
        windows: [segmented.windows; 2],
    })
}
