//! How the frames of a series lie: a clean volume, or a stack with the reason why it is none.

use super::{facts::Axis, finding::Finding, geometry::GridGeometry, study::Instance};
use std::sync::Arc;

/// One frame of a series, in reading order.
#[derive(Clone, Debug)]
pub struct FrameRef {
    /// The instance it belongs to.
    pub instance: Arc<Instance>,
    /// Frame index in the instance, from 0.
    pub frame: usize,
}

/// Frames nearer than this lie at one place, millimetres.
const SAME_PLACE_MM: f64 = 0.01;

impl FrameRef {
    /// How long after the beat of the heart it was made, ms: Trigger Time (0018,1060) or Nominal Cardiac Trigger Delay Time
    /// (0020,9153).
    pub fn trigger_time_ms(&self) -> Option<f64> {
        let image = self.instance.image.as_ref()?;
        image.facts(self.frame)?.get(Axis::TriggerTime)?.number()
    }

    /// Whether it lies where another frame lies.
    pub fn lies_with(&self, other: &Self) -> bool {
        let origin = |frame: &Self| {
            let image = frame.instance.image.as_ref()?;
            Some(image.frame(frame.frame).plane.as_ref()?.origin)
        };
        let places = origin(self).zip(origin(other));
        places.is_some_and(|(a, b)| a.distance(b) < SAME_PLACE_MM)
    }
}

/// A displayable series: its frames in order, and the grid when they form one.
#[derive(Clone, Debug)]
pub struct SeriesLayout {
    /// Frames in reading order: by position along the normal where there is one, else as numbered.
    pub frames: Vec<FrameRef>,
    /// The grid, only for a clean volume: regular, one orientation, no gap, no duplicate.
    /// Slice index of the grid = index into `frames`.
    pub volume: Option<GridGeometry>,
    /// The slices of the volume differ in how stored values become modality values, as in PET. Whoever works across
    /// slices takes modality values (`imaging::window::modality_frame`), never stored ones.
    pub mixed_rescale: bool,
    /// What was noticed: reasons for a stack, lossy data, missing spacing…
    pub findings: Vec<Finding>,
    /// Frames left out because another with the same position was kept; counted in a finding.
    pub duplicates: Vec<FrameRef>,
    /// Which part of its series this is.
    pub part: Part,
}

/// Which part of a series a layout is. A series that holds several stacks (phases, b-values, planes…) has several.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Part {
    /// Counted from 1 in the order of the layouts of one series; 0 before they are counted.
    pub number: usize,
    /// How many there are.
    pub count: usize,
    /// What tells it from the others; empty where nothing does, or where it is the only one.
    pub terms: Vec<PartTerm>,
}

impl Part {
    /// The terms in English, empty where there are none.
    pub fn label(&self) -> String {
        let texts: Vec<&str> = self.terms.iter().map(|t| t.text.as_str()).collect();
        texts.join(", ")
    }
}

/// One thing that tells a part from others, for example `b=1000`.
#[derive(Clone, Debug, PartialEq)]
pub struct PartTerm {
    /// Key of the message catalogue, for example `part-b-value`.
    pub key: &'static str,
    /// Named numbers, in the order of the text.
    pub numbers: Vec<(&'static str, f64)>,
    /// A word of the file, where the text has one.
    pub word: String,
    /// The whole text in English.
    pub text: String,
}

impl SeriesLayout {
    /// The instance of the first frame; a layout is never empty.
    pub fn first_instance(&self) -> Option<&Arc<Instance>> {
        self.frames.first().map(|f| &f.instance)
    }
}
