//! Explanations over frames: where their maps lie on the GPU, how they look, where they come from.

use super::{jobs::JobId, masks::FrameKey};
use crate::{
    gpu::SharedBuffer,
    model::{
        explanation::ExplanationFacts, finding::Finding, inference::InferenceProvenance,
        view::OverlayStyle,
    },
};
use glam::DAffine2;
use std::collections::HashMap;

/// An explanation on display.
#[derive(Clone, Debug)]
pub struct ExplanationDisplay {
    /// Values from 0 to 1, on the device that draws.
    pub buffer: SharedBuffer,
    /// Map pixel (x, y) from frame pixel (column, row); pixel centres at whole numbers on both sides.
    pub map_from_pixel: DAffine2,
    /// What it says of itself.
    pub facts: ExplanationFacts,
    /// Model, version, hash, device, time.
    pub provenance: InferenceProvenance,
    /// What was noticed about the picture.
    pub findings: Vec<Finding>,
    /// Whether the map was computed on another device and uploaded for drawing.
    pub uploaded: bool,
}

/// How an explanation ended.
#[derive(Debug)]
pub struct ExplanationOutcome {
    /// The job.
    pub job: JobId,
    /// The frame.
    pub frame: FrameKey,
    /// The map, or why there is none: (message key, identity-free detail).
    pub result: Result<ExplanationDisplay, (&'static str, String)>,
}

/// All explanations of the session, one a frame.
#[derive(Debug)]
pub struct Explanations {
    maps: HashMap<FrameKey, ExplanationDisplay>,
    /// Opacity of the strongest colour.
    pub opacity: f32,
    /// Whether they are drawn.
    pub visible: bool,
}

impl Default for Explanations {
    fn default() -> Self {
        Self {
            maps: HashMap::new(),
            opacity: 0.6,
            visible: true,
        }
    }
}

impl Explanations {
    /// That of a frame.
    pub fn get(&self, frame: &FrameKey) -> Option<&ExplanationDisplay> {
        self.maps.get(frame)
    }

    /// That of a frame with its look, when it is to be drawn.
    pub fn shown(&self, frame: &FrameKey) -> Option<(&ExplanationDisplay, OverlayStyle)> {
        let map = self.maps.get(frame).filter(|_| self.visible)?;
        let palette = map.facts.method.palette();
        Some((map, OverlayStyle::explaining(palette, self.opacity)))
    }

    /// Puts one over a frame, in place of an older one.
    pub fn insert(&mut self, frame: FrameKey, map: ExplanationDisplay) {
        self.maps.insert(frame, map);
    }

    /// Takes that of a frame away.
    pub fn remove(&mut self, frame: &FrameKey) {
        self.maps.remove(frame);
    }

    /// Takes all away.
    pub fn clear(&mut self) {
        self.maps.clear();
    }
}
