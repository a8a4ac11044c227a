//! Lesions of a CT from the window: the volume that is looked through, and what was found on its way to be proposed
//! segments.

use super::{networks::Networks, volume_networks::volume_of};
use crate::{
    ai::{
        registry::Registry,
        worker::{FoundLesions, LesionAnswer, LesionRequest},
    },
    model::layout::SeriesLayout,
    workspace::{
        Workspace,
        event::Event,
        segmenting::proposals::{FoundLesion, Proposed, of_lesions},
        volume_masks::VolumeModelEntry,
    },
};
use std::sync::Arc;

/// The model that finds lesions, where there is one.
pub(super) fn lesion_model(registry: &Registry) -> Option<VolumeModelEntry> {
    let entries = registry.list().0.into_iter();
    let mut found = entries.filter(|entry| entry.card.input.volume.is_some());
    found.next().map(|entry| VolumeModelEntry {
        title: entry.card.about.title.clone(),
        synthetic_only: entry.card.about.synthetic_only,
        id: entry.card.id,
        mirror_images: 1,
    })
}

impl Networks {
    /// Looks through the volume of the active cell.
    pub fn find_lesions(&mut self, workspace: &mut Workspace) {
        let Some(model) = workspace.volume_masks.lesions.clone() else {
            return workspace.notify("ai-no-volume-model", String::new());
        };
        let cell = workspace.active;
        let display = workspace
            .viewports
            .get(cell)
            .and_then(|v| v.display.clone());
        let display = display.filter(|d| d.is_volume());
        let Some((display, place)) = display.zip(workspace.segment_place(cell)) else {
            return;
        };
        let progress = display.progress();
        if progress.loaded < progress.total {
            return workspace.notify("ai-volume-not-loaded", String::new());
        }
        if let Err(error) = self.start(workspace) {
            return workspace.notify("badge-ai-failed", error);
        }
        let job = workspace.jobs.start("job-finding-lesions");
        let ending = workspace.ending(job.id);
        let (events, waker) = (workspace.sender(), workspace.waker.clone());
        let language = workspace.settings.language;
        let layout: Arc<SeriesLayout> = display.layout.clone();
        let id = job.id;
        let tell = move |answer: LesionAnswer| {
            let event = match answer {
                LesionAnswer::Found(found) => {
                    let FoundLesions {
                        lesions, identity, ..
                    } = *found;
                    let list: Vec<FoundLesion> = lesions
                        .list
                        .iter()
                        .map(|lesion| FoundLesion {
                            number: lesion.part.label,
                            diameter_mm: lesion.diameter_mm,
                            confidence: lesion.mean_probability,
                        })
                        .collect();
                    let whole = of_lesions(&place, &lesions.labels, &list, &identity, language);
                    Event::Proposed(Box::new(Proposed::of_lesions(id, whole, identity)))
                }
                LesionAnswer::Refused(finding) => Event::Notice {
                    key: "badge-ai-refused",
                    detail: finding.sentence,
                },
                LesionAnswer::Failed(error) => Event::Notice {
                    key: "badge-ai-failed",
                    detail: error.to_string(),
                },
            };
            let _ = events.send(event);
            waker.wake("lesions");
            drop(ending);
        };
        let request = LesionRequest {
            view: self.next_view(),
            model: model.id,
            layout,
            volume: Box::new(move || volume_of(&display)),
            progress: job.progress.clone(),
            cancel: job.cancel.clone(),
            tell: Box::new(tell),
        };
        if let Some(worker) = &self.worker {
            worker.request_lesions(request);
        }
    }
}
