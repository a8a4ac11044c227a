//! Layers of segmentations over the cells: those that are kept, and the one that is being painted.

use super::hand::Painting;
use crate::{
    gpu::{BoxWriter, GpuContext, GpuError, MaskVolume},
    imaging::labels::LabelPlane,
    model::{
        labels::{Label, MaskLook, Meaning},
        segmentation::{SegmentState, Segmentation, SegmentationId, Voxels},
    },
    render::segments::DeviceLayer,
    ui::context::UiContext,
    workspace::{
        Workspace,
        segmenting::{judging, place},
        view::{Picture, Viewport},
    },
};
use std::{collections::HashMap, sync::Arc};

/// How many layers stay on the device that are not drawn.
const KEPT: usize = 4;

/// A layer as a cell draws it.
#[derive(Clone)]
pub struct LayerShown {
    /// Its numbers.
    pub mask: MaskVolume,
    /// Grows with every change of them.
    pub generation: u64,
    /// Colours of its segments.
    pub look: MaskLook,
    /// Where the view lies in it.
    pub plane: LabelPlane,
}

/// A layer on the device.
struct Held {
    layer: DeviceLayer,
    generation: u64,
    used: u64,
}

/// All layers on the device.
#[derive(Default)]
pub(super) struct HeldLayers {
    writer: Option<BoxWriter>,
    layers: HashMap<(SegmentationId, usize), Held>,
    /// Layers that the device has no room for.
    refused: HashMap<(SegmentationId, usize), String>,
    clock: u64,
    generation: u64,
}

impl HeldLayers {
    /// Why a segmentation cannot be drawn.
    pub(super) fn refusal(&self, id: &SegmentationId) -> Option<&str> {
        let mut refused = self.refused.iter();
        let found = refused.find(|((of, _), _)| of == id);
        found.map(|(_, why)| why.as_str())
    }

    /// Brings a layer to the state of now.
    fn follow(
        &mut self,
        gpu: &GpuContext,
        key: (&SegmentationId, usize),
        voxels: &Voxels,
    ) -> Result<Option<&mut Held>, GpuError> {
        let key = (key.0.clone(), key.1);
        let first = (SegmentationId(String::new()), 0);
        if !self.layers.contains_key(&key)
            && let Some(held) = self.layers.remove(&first)
            && held.layer.mask().size() == voxels.size()
        {
            // What the first stroke showed is that of the segmentation that it made.
            self.layers.insert(key.clone(), held);
        }
        if !self.layers.contains_key(&key) {
            // What has nothing in it takes no memory.
            if voxels.is_blank() {
                return Ok(None);
            }
            let held = Held {
                layer: DeviceLayer::new(gpu, voxels.size())?,
                generation: 0,
                used: 0,
            };
            self.layers.insert(key.clone(), held);
        }
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => none.insert(BoxWriter::new(gpu)?),
        };
        let Some(held) = self.layers.get_mut(&key) else {
            return Ok(None);
        };
        held.used = self.clock;
        if held.layer.follow(gpu, writer, voxels)? {
            self.generation += 1;
            held.generation = self.generation;
        }
        Ok(Some(held))
    }

    fn forget_old(&mut self) {
        while self.layers.len() > KEPT {
            let oldest = self.layers.iter().min_by_key(|(_, held)| held.used);
            let Some(key) = oldest
                .filter(|(_, h)| h.used + 60 < self.clock)
                .map(|(k, _)| k.clone())
            else {
                return;
            };
            self.layers.remove(&key);
        }
    }
}

/// The layers over what a cell shows, brought to the state of now.
pub(in crate::ui) fn layers(
    context: &mut UiContext<'_>,
    viewport: &Viewport,
    picture: &Picture,
) -> Vec<LayerShown> {
    let workspace = context.workspace;
    let state = &mut context.state.segments;
    state.held.clock += 1;
    let found = workspace.segmenting.preview.found();
    let there = found.and_then(|f| f.there.as_ref().map(|there| (&f.wish.place, there)));
    let kept = workspace.marks.kept();
    let none = kept.segmentations.is_empty() && state.painting.is_none() && there.is_none();
    if !workspace.masks.visible || none {
        return Vec::new();
    }
    let Some(place) = viewport.segment_place() else {
        return Vec::new();
    };
    let mut shown = Vec::new();
    let gpu = &workspace.gpu;
    for whole in workspace.segmentations_in(viewport, &place) {
        let Some(plane) = place::plane(&whole.grid, viewport, picture) else {
            continue;
        };
        for (number, kept) in whole.layers().iter().enumerate() {
            // What the device had no room for is not asked for again in every frame.
            if state.held.refused.contains_key(&(whole.id.clone(), number)) {
                continue;
            }
            let painted = state
                .painting
                .as_ref()
                .and_then(|p| p.layer(&whole.id, number));
            let key = (&whole.id, number);
            match state.held.follow(gpu, key, painted.unwrap_or(kept)) {
                Ok(None) => {}
                Ok(Some(held)) => {
                    let look = look(workspace, whole, number, &mut held.layer);
                    shown.push(LayerShown {
                        mask: held.layer.mask().clone(),
                        generation: held.generation,
                        look,
                        plane,
                    });
                }
                Err(error) => {
                    let key = (whole.id.clone(), number);
                    state.held.layers.remove(&key);
                    state.held.refused.insert(key, error.to_string());
                }
            }
        }
    }
    difference(workspace, &mut state.held, viewport, picture, &mut shown);
    // The first stroke of a segmentation that is none yet.
    if let Some(new) = state.painting.as_ref().and_then(Painting::new_layer)
        && *new.0 == place
        && let Some(plane) = place::plane(&new.0.grid, viewport, picture)
    {
        let id = SegmentationId(String::new());
        if let Ok(Some(held)) = state.held.follow(gpu, (&id, 0), new.1) {
            let color = crate::model::labels::color_of(1);
            let view = held.layer.view(1);
            let label = Label {
                color,
                ..Label::new(view, "")
            };
            shown.push(LayerShown {
                mask: held.layer.mask().clone(),
                generation: held.generation,
                look: MaskLook {
                    meaning: Meaning::Labels,
                    style: workspace.segmenting.style,
                    labels: Arc::from([label]),
                },
                plane,
            });
        }
    }
    // What would be taken, from the memory of the device in which it was made.
    if let Some((at, there)) = there
        && *at == place
        && let Some(plane) = place::plane(&there.grid, viewport, picture)
    {
        let whole = workspace.segmentation_at(&place);
        let segment = whole.and_then(|whole| workspace.segment_of(whole));
        let color = segment.map_or_else(|| crate::model::labels::color_of(1), |s| s.color);
        let label = Label {
            color,
            dashed: true,
            ..Label::new(1, "")
        };
        shown.push(LayerShown {
            mask: there.mask.clone(),
            // Another answer is another mask.
            generation: 0,
            look: MaskLook {
                meaning: Meaning::Labels,
                style: workspace.segmenting.style,
                labels: Arc::from([label]),
            },
            plane,
        });
    }
    state.held.forget_old();
    shown
}

/// What the left and the right reader of two who are compared have alone.
pub(super) const ALONE: [[u8; 3]; 2] = [[255, 176, 32], [64, 196, 255]];

/// Where two readers who are compared differ.
fn difference(
    workspace: &Workspace,
    held: &mut HeldLayers,
    viewport: &Viewport,
    picture: &Picture,
    shown: &mut Vec<LayerShown>,
) {
    let judging = &workspace.segmenting.judging;
    let found = judging.found().and_then(|found| found.difference.as_ref());
    let Some((voxels, grid)) = found.filter(|_| judging.shows_difference) else {
        return;
    };
    let key = SegmentationId("difference".into());
    if viewport.reader_only.is_none() || held.refused.contains_key(&(key.clone(), 0)) {
        return;
    }
    let Some(plane) = place::plane(grid, viewport, picture) else {
        return;
    };
    match held.follow(&workspace.gpu, (&key, 0), voxels) {
        Ok(Some(layer)) => {
            let labels = judging::ALONE
                .iter()
                .zip(ALONE)
                .map(|(number, color)| Label {
                    color,
                    ..Label::new(layer.layer.view(*number), "")
                });
            let labels = labels.collect();
            shown.push(LayerShown {
                mask: layer.layer.mask().clone(),
                generation: layer.generation,
                look: MaskLook {
                    meaning: Meaning::Labels,
                    style: workspace.segmenting.style,
                    labels,
                },
                plane,
            });
        }
        Ok(None) => {}
        Err(error) => {
            held.layers.remove(&(key.clone(), 0));
            held.refused.insert((key, 0), error.to_string());
        }
    }
}

/// Colours of the segments of a layer.
fn look(
    workspace: &Workspace,
    whole: &Segmentation,
    layer: usize,
    held: &mut DeviceLayer,
) -> MaskLook {
    let segmenting = &workspace.segmenting;
    let chosen = workspace.segment_of(whole).map(|s| s.number);
    let labels = whole
        .segments()
        .filter(|s| s.layer == layer)
        .map(|segment| Label {
            value: held.view(segment.number),
            name: String::new(),
            color: segment.color,
            hidden: !segment.is_drawn() || segmenting.solo && chosen != Some(segment.number),
            dashed: segment.state == SegmentState::Proposed,
        });
    MaskLook {
        meaning: Meaning::Labels,
        style: segmenting.style,
        labels: labels.collect(),
    }
}
