//! The picture of a cell: drawn by the renderer into a texture of its own when something changed, brought to the
//! screen pixel by pixel otherwise. This is the one seam between the toolkit and our renderer.

use super::{
    corner_draw::KeptCorners,
    filter_panel::CellFilters,
    filtered::{FilterScene, FilteredCache},
    segments::LayerShown,
};
use crate::{
    gpu::{GpuContext, MaskVolume, SharedBuffer},
    model::{
        cover::{CoverShown, FrameCover},
        labels::MaskLook,
        view::{OverlayStyle, SliceView},
    },
    render::{
        blit::{Blit, BlitBinding},
        cover::CoverScene,
        filter::FilterRenderer,
        labels::LabelScene,
        overlay::OverlayScene,
        slice::{SliceRenderer, SliceScene},
        target::{Target, TargetKind},
    },
    workspace::{display::SeriesDisplay, filtering::FilterWorker, volume_masks::VolumeMaskDisplay},
};
use glam::DAffine2;
use std::sync::Arc;

/// Everything that a picture depends on. Equal keys, equal pictures.
#[derive(Clone, PartialEq)]
struct Key {
    series: String,
    view: SliceView,
    arrived: usize,
    cover: Option<(CoverKey, CoverShown)>,
    map: Option<(MapKey, OverlayStyle)>,
    labels: Option<(MaskVolume, usize, MaskLook)>,
    segments: Vec<(MaskVolume, u64, MaskLook)>,
    filtered: Option<u64>,
}

/// Which cover: the very same, not one that looks like it.
#[derive(Clone)]
struct CoverKey(Arc<FrameCover>);

impl PartialEq for CoverKey {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// Which map: its buffer and when it was made.
#[derive(Clone, PartialEq)]
struct MapKey {
    buffer: wgpu::Buffer,
    finished: String,
}

/// A cell's picture and what it was drawn from.
#[derive(Default)]
pub struct PictureCache {
    target: Option<(Target, Arc<BlitBinding>)>,
    key: Option<Key>,
    filtered: FilteredCache,
    /// What the filters did to the picture.
    pub filters: CellFilters,
    /// It covers its cell in this frame.
    pub covers: bool,
    /// The text of its corners.
    pub corners: Option<KeptCorners>,
}

/// What to draw in a cell.
pub struct Scene<'a> {
    /// The series.
    pub display: &'a SeriesDisplay,
    /// The view of it.
    pub view: &'a SliceView,
    /// Its overlay planes and shutter, and what of them is drawn.
    pub cover: Option<(&'a Arc<FrameCover>, CoverShown)>,
    /// A mask or an explanation over it.
    pub map: Option<SceneMap<'a>>,
    /// A mask over the series, with the look of masks.
    pub volume: Option<(&'a VolumeMaskDisplay, OverlayStyle)>,
    /// Layers of segmentations over it.
    pub segments: Vec<LayerShown>,
    /// The filters.
    pub filters: WantedFilters<'a>,
}

/// A map over a picture.
#[derive(Clone, Copy)]
pub struct SceneMap<'a> {
    /// Its values.
    pub buffer: &'a SharedBuffer,
    /// Map pixel from frame pixel.
    pub map_from_pixel: DAffine2,
    /// When it was made.
    pub finished: &'a str,
    /// Its look.
    pub style: OverlayStyle,
}

/// The filters of a cell as they are wanted.
pub struct WantedFilters<'a> {
    /// The cell.
    pub cell: usize,
    /// Who computes what takes long.
    pub worker: &'a FilterWorker,
    /// What is to be filtered, or the key of the reason why nothing is; `None` where no filter is on.
    pub scene: Option<Result<FilterScene<'a>, &'static str>>,
    /// The original is wanted.
    pub original: bool,
    /// The plane is a cut.
    pub cut: bool,
}

impl<'a> WantedFilters<'a> {
    /// No filters, whatever the view has.
    pub const fn none(worker: &'a FilterWorker) -> Self {
        Self {
            cell: usize::MAX,
            worker,
            scene: None,
            original: false,
            cut: false,
        }
    }
}

impl PictureCache {
    /// Draws when something changed. Returns whether it did, or why it could not.
    pub fn update(
        &mut self,
        gpu: &GpuContext,
        renderer: &SliceRenderer,
        filters: &mut Option<FilterRenderer>,
        blit: &Blit,
        scene: &Scene<'_>,
    ) -> Result<bool, String> {
        let Some(texture) = scene.display.texture() else {
            return Ok(false);
        };
        let texture = texture.as_ref().map_err(Clone::clone)?;
        let progress = scene.display.progress();
        let wanted = &scene.filters;
        let mut shown = CellFilters {
            original: wanted.original,
            cut: wanted.cut,
            ..CellFilters::default()
        };
        let plane = match &wanted.scene {
            Some(Ok(wanted)) => {
                let (plane, done) = self.filtered.plane(gpu, renderer, filters, texture, wanted);
                shown.shown = done;
                plane
            }
            other => {
                // The original is a key away from the filtered picture, which is kept.
                if !wanted.original || other.is_none() {
                    self.filtered.clear(wanted.cell, wanted.worker);
                }
                shown.refused = other.as_ref().and_then(|o| o.as_ref().err().copied());
                None
            }
        };
        self.filters = shown;
        let labels = scene.volume.and_then(|(mask, style)| {
            let plane = mask.plane(scene.display, scene.view)?;
            Some((mask, mask.look(style), plane))
        });
        let key = Key {
            series: scene.display.key.clone(),
            view: scene.view.clone(),
            // A cut crosses many slices, so each arrival may change it.
            arrived: progress.loaded + progress.failed,
            cover: scene
                .cover
                .map(|(cover, shown)| (CoverKey(cover.clone()), shown)),
            filtered: plane.as_ref().map(|_| self.filtered.generation),
            labels: labels
                .as_ref()
                .map(|(mask, look, _)| (mask.mask.clone(), mask.windows[0], look.clone())),
            segments: scene
                .segments
                .iter()
                .map(|l| (l.mask.clone(), l.generation, l.look.clone()))
                .collect(),
            map: scene.map.map(|map| {
                let key = MapKey {
                    buffer: map.buffer.buffer.clone(),
                    finished: map.finished.to_owned(),
                };
                (key, map.style)
            }),
        };
        if self.key.as_ref() == Some(&key) {
            return Ok(false);
        }
        if self
            .target
            .as_ref()
            .is_none_or(|(t, _)| t.size() != scene.view.size)
        {
            let target = Target::new(gpu, scene.view.size, TargetKind::Picture)
                .map_err(|e| e.to_string())?;
            let source = Arc::new(blit.bind(gpu, &target));
            self.target = Some((target, source));
        }
        let Some((target, _)) = &self.target else {
            return Ok(false);
        };
        let overlay = scene.map.map(|map| OverlayScene {
            buffer: map.buffer,
            style: map.style,
            map_from_viewport: map.map_from_pixel * pixel_from_viewport(scene.view),
        });
        let (view, texture) = match &plane {
            Some((texture, view)) => (view, texture.as_ref()),
            None => (scene.view, texture.as_ref()),
        };
        let slice = SliceScene {
            view,
            texture,
            cover: scene
                .cover
                .map(|(cover, shown)| CoverScene { cover, shown }),
            overlay,
            labels: labels.as_ref().map(|(mask, look, plane)| LabelScene {
                mask: &mask.mask,
                look,
                plane: *plane,
            }),
        };
        renderer
            .draw(gpu, target, &slice)
            .map_err(|e| e.to_string())?;
        for layer in &scene.segments {
            let scene = LabelScene {
                mask: &layer.mask,
                look: &layer.look,
                plane: layer.plane,
            };
            renderer
                .lay(gpu, target, &scene)
                .map_err(|e| e.to_string())?;
        }
        self.key = Some(key);
        Ok(true)
    }

    /// The finished picture, with its first pixel at `origin` of a window on this screen.
    pub fn place(
        &self,
        gpu: &GpuContext,
        origin: [i32; 2],
        screen: usize,
    ) -> Option<Arc<BlitBinding>> {
        self.key.as_ref()?;
        let (_, source) = self.target.as_ref()?;
        source.place(gpu, origin, screen).ok()?;
        Some(source.clone())
    }

    /// Forgets the picture.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

/// Frame pixel (column, row) from viewport pixel, for a view of one frame.
fn pixel_from_viewport(view: &SliceView) -> DAffine2 {
    let m = view.voxel_from_viewport;
    DAffine2::from_cols(
        m.matrix3.x_axis.truncate(),
        m.matrix3.y_axis.truncate(),
        m.translation.truncate(),
    )
}

/// Brings a finished picture to the screen. Runs inside egui's render pass; only binds and draws.
pub struct PictureCallback {
    /// The pipeline.
    pub blit: Arc<Blit>,
    /// The picture.
    pub source: Arc<BlitBinding>,
}

impl egui_wgpu::CallbackTrait for PictureCallback {
    fn paint(
        &self,
        _info: egui::PaintCallbackInfo,
        pass: &mut wgpu::RenderPass<'static>,
        _resources: &egui_wgpu::CallbackResources,
    ) {
        self.blit.paint(pass, &self.source);
    }
}
