//! Segmentations in the real window: painted with the mouse, the same in every view, taken back, kept, found again.

mod kept;
mod layers;
mod origins;
mod painting;
mod pointing;
mod proposals;
mod tools;

use egui::{Modifiers, PointerButton};
use negatoscope::{
    app::stage::Stage,
    model::segmentation::Segmentation,
    workspace::{Action, segmenting::SegmentAction, state::Workspace},
};

pub(crate) fn workspace(stage: &mut Stage) -> &mut Workspace {
    &mut stage.program_mut().workspace
}

pub(crate) fn all(stage: &Stage) -> Vec<Segmentation> {
    stage
        .program()
        .workspace
        .marks
        .segmentations()
        .cloned()
        .collect()
}

pub(crate) fn only(stage: &Stage) -> Segmentation {
    let mut all = all(stage);
    assert_eq!(all.len(), 1);
    all.remove(0)
}

pub(crate) fn drag(stage: &mut Stage, from: [f32; 2], to: [f32; 2], held: Modifiers) {
    stage.drag(from, to, PointerButton::Primary, held);
    stage.settle().unwrap();
}

pub(crate) fn voxels(whole: &Segmentation, number: u16) -> u64 {
    let layers = whole.layers().iter();
    layers
        .map(|l| l.counts().get(&number).copied().unwrap_or(0))
        .sum()
}

pub(crate) fn act(stage: &mut Stage, action: SegmentAction) {
    workspace(stage).act(Action::Segment(action));
    stage.settle().unwrap();
}
