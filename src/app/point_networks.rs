//! Networks by points from the window: which there are, and their answers on the way to be shown and proposed.

use super::{networks::Networks, volume_networks::volume_of};
use crate::{
    ai::{
        AiError,
        registry::Registry,
        sliding::prompted::{Inside, Points},
        volume_import::{ForVolumes, is_for_points},
        worker::{PointsAnswer, PointsRequest},
    },
    gpu::{GpuContext, MaskBits, MaskVolume},
    imaging::segment::Bits,
    workspace::{
        Workspace,
        event::Event,
        segmenting::pointed::{PointedNews, PointsFound},
        volume_masks::VolumeModelEntry,
    },
};

/// The imported models that answer to points.
pub(super) fn point_models(registry: &Registry) -> Vec<VolumeModelEntry> {
    let imported = registry.imported().0.into_iter();
    imported
        .filter(|entry| is_for_points(&entry.card))
        .map(|entry| VolumeModelEntry {
            title: match entry.card.about.title.is_empty() {
                true => entry.card.id.clone(),
                false => entry.card.about.title.clone(),
            },
            synthetic_only: entry.card.about.synthetic_only,
            id: entry.card.id,
            // One window is asked as it is.
            mirror_images: 1,
        })
        .collect()
}

impl Networks {
    /// Asks the network for which points wait, if any do.
    pub fn ask_by_points(&mut self, workspace: &mut Workspace) {
        let Some(question) = workspace.segmenting.preview.take_question() else {
            return;
        };
        let ticket = question.ticket;
        let (events, waker) = (workspace.sender(), workspace.waker.clone());
        let answered = move |result| {
            let news = Box::new(PointedNews { ticket, result });
            let _ = events.send(Event::SegmentPointed(news));
            waker.wake("points");
        };
        let progress = question.display.progress();
        if progress.loaded < progress.total {
            return answered(Err(("ai-volume-not-loaded", String::new())));
        }
        if let Err(error) = self.start(workspace) {
            return answered(Err(("badge-ai-failed", error)));
        }
        let registry = Registry::new(self.models_folder.clone());
        let name = question.model.clone();
        let load = move |device: &crate::ai::BurnDevice| {
            let found = ForVolumes::find(&registry, &name);
            found
                .ok_or_else(|| AiError::UnknownModel(name.clone()))??
                .load(device, false)
        };
        let gpu = workspace.gpu.clone();
        let tell = move |answer: Result<PointsAnswer, AiError>| {
            answered(match answer {
                Ok(answer) => shown(&gpu, answer),
                Err(error) => Err(("badge-ai-failed", error.to_string())),
            });
        };
        let display = question.display;
        let request = PointsRequest {
            // One hand points at a time: what it asked before is stopped.
            view: u64::MAX,
            model: question.model,
            load: Box::new(load),
            volume: Box::new(move || volume_of(&display)),
            points: Points {
                plus: question.plus,
                minus: question.minus,
            },
            cancel: question.cancel,
            tell: Box::new(tell),
        };
        if let Some(worker) = &self.worker {
            worker.request_points(request);
        }
    }
}

/// An answer with its voxels in the memory of the device that draws: where the network ran there they are there, else they are
/// brought up.
fn shown(gpu: &GpuContext, answer: PointsAnswer) -> Result<PointsFound, (&'static str, String)> {
    let PointsAnswer { found, identity } = answer;
    let (mask, inside) = match found.inside {
        Inside::There(mask) => (mask, None),
        Inside::Here(bits) => {
            let mask = uploaded(gpu, &bits).map_err(|e| ("badge-ai-failed", e.to_string()))?;
            (mask, Some(bits))
        }
    };
    Ok(PointsFound {
        low: found.low,
        inside,
        voxels: found.voxels,
        confidence: found.confidence,
        mask,
        model: identity,
    })
}

fn uploaded(gpu: &GpuContext, inside: &Bits) -> Result<MaskVolume, crate::gpu::GpuError> {
    let size = inside.size();
    let mask = MaskVolume::new(gpu, size, MaskBits::Eight)?;
    let mut bytes = vec![0u8; size.iter().product()];
    inside.stamp(1, &mut bytes);
    mask.upload_rows(gpu, 0, &bytes)?;
    // The window may draw it right away.
    gpu.door.flush();
    Ok(mask)
}
