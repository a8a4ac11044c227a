//! The filtered plane of a cell: made when something changed, kept otherwise.

use crate::{
    gpu::{FrameTexture, GpuContext},
    imaging::filter::FilterView,
    model::{filter::FilterStack, lut::WindowLevel, view::SliceView},
    render::{
        filter::{FilterRenderer, cost},
        slice::{SliceRenderer, SliceScene},
        target::{Target, TargetKind},
    },
    workspace::{
        display::SeriesDisplay,
        filtering::{FilterWorker, Request},
    },
};
use std::sync::Arc;

/// Fetches that a device does within a frame: a software device, a real one, both in some milliseconds. What takes more
/// goes to the worker, whose twin is several times faster than the passes of a software device.
const WITHIN_A_FRAME: (u64, u64) = (500_000, 8_000_000_000);

/// What is wanted of a cell.
pub struct FilterScene<'a> {
    /// The cell.
    pub cell: usize,
    /// The series.
    pub display: &'a Arc<SeriesDisplay>,
    /// The frame of a stack; `None` for a cut.
    pub frame: Option<usize>,
    /// The plane.
    pub view: FilterView,
    /// The filters, some of them on.
    pub stack: &'a FilterStack,
    /// Computes what takes long.
    pub worker: &'a FilterWorker,
    /// Percentiles between which the window of the result is wanted.
    pub percent: Option<[u8; 2]>,
}

/// What a cell shows of its filters.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FilterShown {
    /// The filters that made the picture; `None` for the original.
    pub applied: Option<FilterStack>,
    /// Newer ones are being computed.
    pub awaited: bool,
    /// The window of the result, as far as it is known: that of a neighbour until then.
    pub window: Option<WindowLevel>,
    /// What went wrong.
    pub failed: Option<String>,
}

/// What a plane is made of.
#[derive(Clone, PartialEq)]
struct Recipe {
    series: String,
    frame: Option<usize>,
    view: FilterView,
    stack: FilterStack,
}

impl Recipe {
    /// Whether both take the same values.
    fn same_values(&self, other: &Self) -> bool {
        self.series == other.series
            && self.frame == other.frame
            && self.view.same_plane(&other.view)
    }

    fn same(&self, other: &Self) -> bool {
        self.same_values(other) && self.stack == other.stack
    }
}

/// What the worker was asked.
struct Asked {
    recipe: Recipe,
    texture: bool,
    percent: Option<[u8; 2]>,
    id: u64,
}

/// A cell's filtered plane and what it was made of.
#[derive(Default)]
pub struct FilteredCache {
    made: Option<(Recipe, Arc<FrameTexture>)>,
    asked: Option<Asked>,
    window: Option<(Recipe, [u8; 2], Option<WindowLevel>)>,
    source: Option<Target>,
    failed: Option<(Recipe, String)>,
    requests: u64,
    /// How often the plane changed: part of what a picture depends on.
    pub generation: u64,
}

impl FilteredCache {
    /// The plane to draw in the place of the frames, with its view; `None` while the original is to be drawn.
    pub fn plane(
        &mut self,
        gpu: &GpuContext,
        slices: &SliceRenderer,
        filters: &mut Option<FilterRenderer>,
        frames: &FrameTexture,
        scene: &FilterScene<'_>,
    ) -> (Option<(Arc<FrameTexture>, SliceView)>, FilterShown) {
        let recipe = Recipe {
            series: scene.display.key.clone(),
            frame: scene.frame,
            view: scene.view.clone(),
            stack: scene.stack.clone(),
        };
        let up_to_date = self
            .made
            .as_ref()
            .is_some_and(|(made, _)| made.same(&recipe));
        let failed = self.failed.as_ref().is_some_and(|(f, _)| f.same(&recipe));
        let mut slow = false;
        if !up_to_date && !failed {
            let size = scene.view.plane.size;
            let pixels = u64::from(size[0]) * u64::from(size[1]);
            let limit = match gpu.is_software() {
                true => WITHIN_A_FRAME.0,
                false => WITHIN_A_FRAME.1,
            };
            if cost(scene.stack, pixels) <= limit && FilterRenderer::holds(gpu, size) {
                let made = self.compute(gpu, slices, filters, frames, scene);
                self.keep(recipe.clone(), made.map_err(|e| e.to_string()));
            } else {
                slow = true;
            }
        }
        let known = |percent: [u8; 2]| {
            let window = self.window.as_ref();
            window.is_some_and(|(of, at, _)| of.same(&recipe) && *at == percent)
        };
        let percent = scene.percent.filter(|percent| !known(*percent));
        if slow || percent.is_some() {
            self.ask(&recipe, scene, slow, percent);
        }
        let shown = self
            .made
            .as_ref()
            .filter(|(made, _)| made.same_values(&recipe));
        let plane = shown.map(|(_, texture)| (texture.clone(), scene.view.result.clone()));
        let shown = FilterShown {
            applied: shown.map(|(made, _)| made.stack.clone()),
            awaited: self.asked.as_ref().is_some_and(|asked| asked.texture),
            window: self.window.as_ref().and_then(|(_, _, level)| *level),
            failed: self
                .failed
                .as_ref()
                .filter(|(f, _)| f.same(&recipe))
                .map(|(_, reason)| reason.clone()),
        };
        (plane, shown)
    }

    fn keep(&mut self, recipe: Recipe, made: Result<Arc<FrameTexture>, String>) {
        self.asked = self.asked.take().filter(|asked| !asked.texture);
        match made {
            Ok(texture) => {
                self.made = Some((recipe, texture));
                self.failed = None;
                self.generation += 1;
            }
            Err(reason) => self.failed = Some((recipe, reason)),
        }
    }

    /// Filters on the device, within this frame.
    fn compute(
        &mut self,
        gpu: &GpuContext,
        slices: &SliceRenderer,
        filters: &mut Option<FilterRenderer>,
        frames: &FrameTexture,
        scene: &FilterScene<'_>,
    ) -> Result<Arc<FrameTexture>, crate::gpu::GpuError> {
        let size = scene.view.plane.size;
        let filters = match filters {
            Some(filters) => filters,
            none => none.insert(FilterRenderer::new(gpu)?),
        };
        let source = match self.source.take().filter(|t| t.size() == size) {
            Some(source) => source,
            None => Target::new(gpu, size, TargetKind::Values)?,
        };
        let source = self.source.insert(source);
        let slice = SliceScene {
            view: &scene.view.plane,
            texture: frames,
            cover: None,
            overlay: None,
            labels: None,
        };
        slices.draw(gpu, source, &slice)?;
        // The texture is used again: commands are carried out in their order.
        let [columns, rows] = size.map(|n| n as usize);
        let kept = self.made.take().map(|(_, texture)| texture);
        let texture = match kept.filter(|t| t.size() == [columns, rows, 1]) {
            Some(texture) => texture,
            None => Arc::new(FrameTexture::computed(gpu, columns, rows)?),
        };
        filters.run(gpu, scene.stack, source, &texture)?;
        Ok(texture)
    }

    /// Asks the worker, or takes its answer.
    fn ask(
        &mut self,
        recipe: &Recipe,
        scene: &FilterScene<'_>,
        texture: bool,
        percent: Option<[u8; 2]>,
    ) {
        let covers = |asked: &&Asked| {
            asked.recipe.same(recipe)
                && (asked.texture || !texture)
                && (asked.percent == percent || percent.is_none())
        };
        if let Some(asked) = self.asked.as_ref().filter(covers) {
            let (id, percent) = (asked.id, asked.percent);
            if let Some(answer) = scene.worker.answer(scene.cell)
                && answer.id == id
            {
                self.asked = None;
                if let Some(percent) = percent {
                    self.window = Some((recipe.clone(), percent, answer.window));
                }
                if let Some(texture) = answer.texture {
                    self.keep(recipe.clone(), texture);
                }
            }
            return;
        }
        self.requests += 1;
        scene.worker.ask(
            scene.cell,
            Request {
                id: self.requests,
                display: scene.display.clone(),
                frame: scene.frame,
                view: scene.view.clone(),
                stack: scene.stack.clone(),
                texture,
                percent,
            },
        );
        self.asked = Some(Asked {
            recipe: recipe.clone(),
            texture,
            percent,
            id: self.requests,
        });
    }

    /// Forgets the plane; what was asked for is no longer wanted.
    pub fn clear(&mut self, cell: usize, worker: &FilterWorker) {
        if self.asked.take().is_some() {
            worker.forget(cell);
        }
        if self.made.take().is_some() {
            self.generation += 1;
        }
        self.source = None;
        self.failed = None;
        self.window = None;
    }
}
