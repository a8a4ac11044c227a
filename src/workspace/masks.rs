//! Probability masks over frames: where they lie on the GPU, how they look, where they come from.

use super::jobs::JobId;
use crate::{
    gpu::SharedBuffer,
    model::{
        finding::Finding, inference::InferenceProvenance, layout::FrameRef, view::OverlayStyle,
    },
};
use glam::DAffine2;
use std::{collections::HashMap, path::Path, sync::Arc};

/// Which frame a mask belongs to: the file and the frame's index from 0. Files of two people may carry one UID.
pub type FrameKey = (Arc<Path>, usize);

/// The key of a frame.
pub fn key_of(reference: &FrameRef) -> FrameKey {
    let path = Arc::clone(&reference.instance.source.path);
    (path, reference.frame)
}

/// A mask on display.
#[derive(Clone, Debug)]
pub struct MaskDisplay {
    /// The probability, on the device that draws; never copied to be drawn.
    pub buffer: SharedBuffer,
    /// Probability-map pixel (x, y) from frame pixel (column, row); pixel centres at whole numbers on both sides.
    pub map_from_pixel: DAffine2,
    /// Model, version, hash, device, time, confidence.
    pub provenance: InferenceProvenance,
    /// What was noticed about input or result.
    pub findings: Vec<Finding>,
    /// Whether the probability was computed on another device and uploaded for drawing.
    pub uploaded: bool,
}

/// How a segmentation ended.
#[derive(Debug)]
pub struct MaskOutcome {
    /// The job.
    pub job: JobId,
    /// The frame.
    pub frame: FrameKey,
    /// The mask, or why there is none: (message key, identity-free detail).
    pub result: Result<MaskDisplay, (&'static str, String)>,
}

/// All masks of the session.
#[derive(Debug)]
pub struct Masks {
    masks: HashMap<FrameKey, MaskDisplay>,
    /// How masks are drawn; live while a slider is dragged.
    pub style: OverlayStyle,
    /// Whether they are drawn (one key hides all AI).
    pub visible: bool,
}

impl Default for Masks {
    fn default() -> Self {
        Self {
            masks: HashMap::new(),
            style: OverlayStyle::AI,
            visible: true,
        }
    }
}

impl Masks {
    /// The mask of a frame.
    pub fn get(&self, frame: &FrameKey) -> Option<&MaskDisplay> {
        self.masks.get(frame)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.masks.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.masks.is_empty()
    }

    /// Puts a mask over a frame, in place of an older one.
    pub fn insert(&mut self, frame: FrameKey, mask: MaskDisplay) {
        self.masks.insert(frame, mask);
    }

    /// Takes the mask of a frame away.
    pub fn remove(&mut self, frame: &FrameKey) {
        self.masks.remove(frame);
    }

    /// Takes all masks away.
    pub fn clear(&mut self) {
        self.masks.clear();
    }
}
