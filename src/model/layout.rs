//! How the frames of a series lie: a clean volume, or a stack with the reason why it is none.

use super::{finding::Finding, geometry::GridGeometry, study::Instance};
use std::sync::Arc;

/// One frame of a series, in reading order.
#[derive(Clone, Debug)]
pub struct FrameRef {
    /// The instance it belongs to.
    pub instance: Arc<Instance>,
    /// Frame index in the instance, from 0.
    pub frame: usize,
}

/// A displayable series: its frames in order, and the grid when they form one.
#[derive(Clone, Debug)]
pub struct SeriesLayout {
    /// Frames in reading order: by position along the normal where there is one, else as numbered.
    pub frames: Vec<FrameRef>,
    /// The grid, only for a clean volume: regular, one orientation, one rescale, no gap, no duplicate.
    /// Slice index of the grid = index into `frames`.
    pub volume: Option<GridGeometry>,
    /// The same grid where frames only differ in how stored values become modality values, as in PET: a volume once
    /// its values are brought to one scale. Equal to `volume` where there is one.
    pub grid: Option<GridGeometry>,
    /// What was noticed: reasons for a stack, lossy data, missing spacing…
    pub findings: Vec<Finding>,
    /// Frames left out because another with the same position was kept; counted in a finding.
    pub duplicates: Vec<FrameRef>,
}

impl SeriesLayout {
    /// The instance of the first frame; a layout is never empty.
    pub fn first_instance(&self) -> Option<&Arc<Instance>> {
        self.frames.first().map(|f| &f.instance)
    }
}
