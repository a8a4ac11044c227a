//! Masks of networks as proposed segments: to be accepted, corrected or rejected, one by one.
//!
//! Must stay true: a proposal says which network made it, of which version, with the SHA-256 of its weights; it has the
//! very voxels that the mask showed. The mask comes back from the device on a thread of its own.

use super::{SegmentPlace, new_uid, now_ms};
use crate::{
    diary,
    gpu::{Cargo, GpuContext},
    i18n::{Language, Value},
    imaging::{
        overlay::{ProbabilityMap, lifted, opacity_at},
        reslice::PixelGrid,
    },
    model::{
        annotation::{Author, Code},
        inference::ModelIdentity,
        labels::{Label, Meaning},
        segmentation::{
            Segment, SegmentOrigin, SegmentState, Segmentation, SegmentationId, Voxels,
        },
        view::OverlayStyle,
    },
    task::spawn_named,
    workspace::{
        Workspace, event::Event, jobs::JobId, masks::MaskDisplay, volume_masks::VolumeMaskDisplay,
    },
};
use std::{collections::BTreeMap, panic::AssertUnwindSafe};

/// A mask on its way to be a segmentation.
enum Mask {
    Volume(Box<VolumeMaskDisplay>, OverlayStyle),
    Frame(Box<MaskDisplay>, OverlayStyle),
}

/// What became of a mask.
#[derive(Debug)]
pub struct Proposed {
    job: JobId,
    /// The segmentation, or why there is none.
    result: Result<Box<Segmentation>, &'static str>,
    model: ModelIdentity,
    /// The segments are lesions, to be gone through one by one.
    lesions: bool,
}

impl Proposed {
    /// What a search for lesions found.
    pub fn of_lesions(
        job: JobId,
        result: Result<Segmentation, &'static str>,
        model: ModelIdentity,
    ) -> Self {
        Self {
            job,
            result: result.map(Box::new),
            model,
            lesions: true,
        }
    }
}

/// A lesion that a network found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FoundLesion {
    /// Its number in the labels, from 1.
    pub number: u32,
    /// Diameter of the ball of its volume, millimetres.
    pub diameter_mm: f64,
    /// Mean probability inside, as the network says it.
    pub confidence: f64,
}

impl Workspace {
    /// Whether the active cell shows a mask that can become segments.
    pub fn can_propose(&self) -> bool {
        let volume = self
            .active_volume_mask()
            .is_some_and(|(_, mask)| !mask.in_progress());
        let frame = self.frame_key(self.active);
        volume || frame.is_some_and(|frame| self.masks.get(&frame).is_some())
    }

    /// The mask over the active cell becomes proposed segments.
    pub(in crate::workspace) fn propose(&mut self) {
        let Some(place) = self.segment_place(self.active) else {
            return;
        };
        let style = self.masks.style;
        let volume = self.active_volume_mask().map(|(_, mask)| mask.clone());
        let frame = self.frame_key(self.active);
        let frame = frame.and_then(|frame| self.masks.get(&frame).cloned());
        let mask = match (volume, frame) {
            (Some(mask), _) if !mask.in_progress() => Mask::Volume(Box::new(mask), style),
            (_, Some(mask)) => Mask::Frame(Box::new(mask), style),
            _ => return,
        };
        let model = match &mask {
            Mask::Volume(mask, _) => mask.provenance.model.clone(),
            Mask::Frame(mask, _) => mask.provenance.model.clone(),
        };
        let job = self.jobs.start("job-propose");
        let ending = self.ending(job.id);
        let (gpu, events, waker) = (self.gpu.clone(), self.sender(), self.waker.clone());
        let body = move || {
            let made = || made(&gpu, &place, &mask);
            let result = diary::contain(AssertUnwindSafe(made));
            let result = result.unwrap_or(Err("notice-propose-failed")).map(Box::new);
            let news = Proposed {
                job: job.id,
                result,
                model,
                lesions: false,
            };
            let _ = events.send(Event::Proposed(Box::new(news)));
            waker.wake("proposed");
            drop(ending);
        };
        if spawn_named("propose", body).is_err() {
            self.notify("notice-propose-failed", String::new());
        }
    }

    pub(in crate::workspace) fn take_proposed(&mut self, news: Proposed) {
        self.jobs.finish(news.job);
        match news.result {
            Ok(whole) => {
                let by = Author::Model {
                    id: news.model.id.clone(),
                    version: news.model.version,
                };
                if self.add_segmentation(&whole, "model", by) {
                    // What it showed is shown by the segments now.
                    self.volume_masks.remove_of(&news.model.id);
                    let frame = self.frame_key(self.active).filter(|_| !news.lesions);
                    if let Some(frame) = frame {
                        self.masks.remove(&frame);
                    }
                    if news.lesions {
                        self.notify_count("notice-lesions-found", whole.len(), String::new());
                        self.show_first_segment();
                    }
                }
            }
            Err(key) => self.notify(key, String::new()),
        }
    }
}

/// Each lesion as a proposed segment of its own. `labels` has the number of the lesion of each voxel of the grid, columns
/// fastest, 0 for none.
///
/// # Errors
/// The message of what is wrong: nothing was found, or more than there are numbers.
pub fn of_lesions(
    place: &SegmentPlace,
    labels: &[u32],
    lesions: &[FoundLesion],
    model: &ModelIdentity,
    language: Language,
) -> Result<Segmentation, &'static str> {
    if lesions.is_empty() {
        return Err("notice-lesions-none");
    }
    let mut whole = place.bare(SegmentationId(new_uid()));
    let size = whole.grid.size;
    if labels.len() != size.iter().product::<usize>() || whole.frame.is_some() {
        return Err("notice-propose-failed");
    }
    whole.title.clone_from(&model.id);
    let code = |value: &str, meaning: &str| {
        Some(Code {
            value: value.to_owned(),
            scheme: "SCT".to_owned(),
            meaning: meaning.to_owned(),
        })
    };
    for lesion in lesions {
        let number = u16::try_from(lesion.number).map_err(|_| "notice-propose-failed")?;
        let args = [
            ("number", usize::from(number).into()),
            ("mm", Value::Fixed(lesion.diameter_mm, 1)),
        ];
        let mut segment = Segment::new(number, language.tr("segment-nodule", &args));
        // PS3.16 CID 7150, CID 6054.
        segment.category = code("49755003", "Morphologically Abnormal Structure");
        segment.property_type = code("27925004", "Nodule");
        segment.probability = sure(lesion.confidence);
        segment.state = SegmentState::Proposed;
        segment.changed_ms = now_ms();
        segment.origin = SegmentOrigin::Automatic {
            algorithm: model.id.clone(),
            version: model.version.clone(),
            sha256: model.sha256.clone(),
        };
        whole.put_segment(segment);
    }
    let number = |label: &u32| u16::try_from(*label).unwrap_or(0);
    whole.set_layer(0, Voxels::from_dense(size, labels.iter().map(number)));
    Ok(whole)
}

/// A probability that may be kept.
fn sure(probability: f64) -> Option<f64> {
    (0.0..=1.0).contains(&probability).then_some(probability)
}

fn made(gpu: &GpuContext, place: &SegmentPlace, mask: &Mask) -> Result<Segmentation, &'static str> {
    let id = SegmentationId(new_uid());
    match mask {
        Mask::Volume(mask, style) => {
            let bytes = mask
                .mask
                .read_back(gpu)
                .map_err(|_| "notice-propose-failed")?;
            let mut whole = place.bare(id);
            whole.frame = None;
            whole.grid = mask.grid;
            let least = mask.look(*style).least();
            let known = |byte: u8| match mask.meaning {
                Meaning::Probability => u16::from(byte >= least),
                Meaning::Labels => u16::from(byte),
            };
            let title = &mask.provenance.model.id;
            let labels = match mask.meaning {
                Meaning::Labels => mask.labels.to_vec(),
                Meaning::Probability => {
                    let color = style.color.map(|c| (c * 255.0).round() as u8);
                    vec![Label {
                        color,
                        ..Label::new(1, title.clone())
                    }]
                }
            };
            let voxels = Voxels::from_dense(whole.grid.size, bytes.into_iter().map(known));
            filled(whole, voxels, &labels, &mask.provenance.model)
        }
        Mask::Frame(mask, style) => {
            let whole = place.bare(id);
            if whole.frame.is_none() && whole.grid.size[2] != 1 {
                return Err("notice-propose-failed");
            }
            let buffer = &mask.buffer;
            let bytes = gpu
                .door
                .read_buffer(Cargo::Mask, &buffer.buffer, buffer.offset, buffer.size)
                .map_err(|_| "notice-propose-failed")?;
            let values: Vec<f32> = bytes
                .as_chunks::<4>()
                .0
                .iter()
                .map(|v| f32::from_le_bytes(*v))
                .collect();
            let map = ProbabilityMap {
                shape: buffer.shape,
                values: &values,
            };
            let plain = OverlayStyle {
                opacity: 1.0,
                outline_px: 0.0,
                ..*style
            };
            let grid = PixelGrid::of(&lifted(&mask.map_from_pixel));
            let [columns, rows, _] = whole.grid.size;
            let inside = (0..rows).flat_map(|y| (0..columns).map(move |x| (x as u32, y as u32)));
            let numbers =
                inside.map(|(x, y)| u16::from(opacity_at(&map, &plain, &grid, x, y) >= 0.5));
            let voxels = Voxels::from_dense(whole.grid.size, numbers);
            let color = style.color.map(|c| (c * 255.0).round() as u8);
            let label = Label {
                color,
                ..Label::new(1, mask.provenance.model.id.clone())
            };
            let mut whole = filled(whole, voxels, &[label], &mask.provenance.model)?;
            let probability = mask.provenance.mean_probability.map(f64::from);
            if let Some(mut segment) = whole.segment(1).cloned() {
                segment.probability = probability.and_then(sure);
                whole.put_segment(segment);
            }
            Ok(whole)
        }
    }
}

/// Voxels with a segment for every number that they have.
fn filled(
    mut whole: Segmentation,
    voxels: Voxels,
    labels: &[Label],
    model: &ModelIdentity,
) -> Result<Segmentation, &'static str> {
    let counts = voxels.counts();
    if counts.is_empty() {
        return Err("notice-propose-nothing");
    }
    let named: BTreeMap<u16, &Label> = labels.iter().map(|l| (u16::from(l.value), l)).collect();
    whole.title.clone_from(&model.id);
    for number in counts.keys() {
        let label = named.get(number);
        let mut segment = Segment::new(*number, label.map_or("", |l| l.name.as_str()));
        if segment.label.is_empty() {
            segment.label = format!("{} {number}", model.id);
        }
        segment.color = label.map_or(segment.color, |l| l.color);
        segment.state = SegmentState::Proposed;
        segment.changed_ms = now_ms();
        segment.origin = SegmentOrigin::Automatic {
            algorithm: model.id.clone(),
            version: model.version.clone(),
            sha256: model.sha256.clone(),
        };
        whole.put_segment(segment);
    }
    whole.set_layer(0, voxels);
    Ok(whole)
}

/// What the corner of a view says of drawn segments that networks made (safety S20): model and version.
pub fn networks_of<'a>(shown: impl Iterator<Item = &'a Segmentation>) -> Vec<(String, String)> {
    let mut networks = Vec::new();
    for segment in shown
        .flat_map(Segmentation::segments)
        .filter(|s| s.is_drawn())
    {
        if let SegmentOrigin::Automatic {
            algorithm, version, ..
        } = &segment.origin
        {
            let network = (algorithm.clone(), version.clone());
            if !networks.contains(&network) {
                networks.push(network);
            }
        }
    }
    networks
}
