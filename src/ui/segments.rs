//! Segmentations in the window: painting them, their layers over the pictures, their panel.
//!
//! Must stay true: what a stamp changed goes up to the device and nothing else, and is drawn in the same frame in every
//! view; nothing becomes an edit before the button is up.

mod hand;
mod judging;
mod lasso;
mod layers;
mod origins;
mod panel;
mod pointing;
mod wire;

pub(super) use hand::{hand, keys, ring, wheel};
pub(super) use judging::judging_ui;
pub use layers::LayerShown;
pub(super) use layers::layers;
pub(super) use origins::texts_at;
pub(super) use panel::panel_ui;

use super::context::UiContext;
use crate::workspace::segmenting::proposals::networks_of;
use hand::Painting;
use layers::HeldLayers;

/// What the corner of a view says of the networks whose segments are drawn in it; empty where there are none.
pub(super) fn network_lines(context: &UiContext<'_>, cell: usize) -> Vec<String> {
    let workspace = context.workspace;
    let viewport = workspace.viewports.get(cell);
    let place = viewport.and_then(|v| Some((v, v.segment_place()?)));
    let Some((viewport, place)) = place.filter(|_| workspace.masks.visible) else {
        return Vec::new();
    };
    let mut networks = networks_of(workspace.segmentations_in(viewport, &place).into_iter());
    // What a network says of points, before it is taken.
    let found = workspace.segmenting.preview.found();
    if let Some(found) = found.filter(|found| found.wish.place == place)
        && let Some(answer) = &found.network
    {
        let network = (answer.model.id.clone(), answer.model.version.clone());
        if !networks.contains(&network) {
            networks.push(network);
        }
    }
    if networks.is_empty() {
        return Vec::new();
    }
    let lines = networks.iter().map(|(model, version)| {
        let args = [
            ("model", model.as_str().into()),
            ("version", version.as_str().into()),
        ];
        context.tr("badge-ai-model", &args)
    });
    let known = &workspace.volume_masks;
    let by_points = &workspace.segmenting.point_models;
    let synthetic = networks.iter().any(|n| {
        let made_up = by_points.iter().any(|m| m.id == n.0 && m.synthetic_only);
        made_up || known.is_synthetic_only(&n.0)
    });
    let synthetic = synthetic.then(|| context.word("badge-ai-synthetic").to_owned());
    std::iter::once(context.word("ai-notice").to_owned())
        .chain(synthetic)
        .chain(lines)
        .collect()
}

/// What the hand does to segments, and what of them lies on the device.
#[derive(Default)]
pub struct SegmentsState {
    /// The stroke that is being painted.
    painting: Option<Painting>,
    /// The outline that is being drawn with scissors.
    lasso: Option<lasso::Lasso>,
    /// What is pointed at with a tool that is told a voxel.
    pointing: pointing::Pointing,
    /// Where the pointer was told to be, for livewire.
    wired: Option<[usize; 2]>,
    held: HeldLayers,
    fields: panel::Fields,
    /// Rest of the wheel.
    wheel: f64,
}

impl SegmentsState {
    /// Whether a stroke is being painted, or an outline drawn.
    pub const fn is_busy(&self) -> bool {
        self.painting.is_some() || self.lasso.is_some() || self.pointing.is_busy()
    }
}
