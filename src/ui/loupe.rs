//! The magnifier: a square at the pointer, drawn by the renderer from voxels and not from the pixels of the screen.
//!
//! Must stay true: what lies in its middle lies under the pointer, and it is drawn only while the pointer is over a
//! picture; off, it costs nothing.

use super::{
    context::UiContext,
    gestures::window_of_region,
    halo::over_picture,
    picture::{PictureCache, PictureCallback, Scene, WantedFilters},
    segments, theme,
};
use crate::{
    model::{layout::FrameRef, lut::Voi, view::SliceView},
    workspace::{
        masks,
        view::{Picture, Viewport},
    },
};
use egui::{Align2, Key, Rect, Stroke, StrokeKind, Ui, pos2, vec2};
use glam::{DAffine3, DMat3, DVec3};

/// Side, points.
const SIDE_PT: f32 = 220.0;
/// A key that is held longer than this is let go to put it away, seconds.
const HOLD_SECS: f64 = 0.25;
/// How much it enlarges.
const FACTORS: std::ops::RangeInclusive<f64> = 2.0..=8.0;

/// State of the magnifier.
pub struct Loupe {
    /// It is out.
    pub on: bool,
    /// How much it enlarges.
    pub factor: f64,
    /// It has a window of its own: that of what it covers.
    pub own_window: bool,
    since_secs: Option<f64>,
    picture: PictureCache,
}

impl Default for Loupe {
    fn default() -> Self {
        Self {
            on: false,
            factor: 3.0,
            own_window: false,
            since_secs: None,
            picture: PictureCache::default(),
        }
    }
}

impl Loupe {
    /// Takes it out, or puts it away. `held`: its key is down; while it stays down, repeats of the key mean nothing.
    pub fn toggle(&mut self, now_secs: f64, held: bool) {
        if self.on && held && self.since_secs.is_some() {
            return;
        }
        self.on = !self.on;
        self.since_secs = (self.on && held).then_some(now_secs);
        if !self.on {
            self.picture.clear();
        }
    }

    /// Enlarges more or less.
    pub fn scale(&mut self, factor: f64) {
        self.factor = (self.factor * factor).clamp(*FACTORS.start(), *FACTORS.end());
    }

    /// Puts it away when the key that was held for it is let go.
    pub fn release(&mut self, ctx: &egui::Context) {
        let Some(since) = self.since_secs else { return };
        let (released, now) = ctx.input(|i| (i.key_released(Key::Z), i.time));
        if released {
            self.since_secs = None;
            if now - since > HOLD_SECS {
                self.toggle(now, false);
            }
        }
    }
}

/// The view of a square of `side` pixels whose middle shows what the picture shows at `at` (viewport pixels).
pub fn magnified(view: &SliceView, at: [f64; 2], side: u32, factor: f64) -> SliceView {
    SliceView {
        size: [side, side],
        voxel_from_viewport: view.voxel_from_viewport * viewport_from_loupe(at, side, factor),
        ..view.clone()
    }
}

fn viewport_from_loupe(at: [f64; 2], side: u32, factor: f64) -> DAffine3 {
    let half = f64::from(side) / 2.0 / factor;
    DAffine3 {
        matrix3: DMat3::from_diagonal(DVec3::new(1.0 / factor, 1.0 / factor, 1.0)),
        translation: DVec3::new(at[0] - half, at[1] - half, 0.0),
    }
}

/// Draws it over a cell.
pub(super) fn paint(
    context: &mut UiContext<'_>,
    ui: &Ui,
    rect: Rect,
    viewport: &Viewport,
    picture: &Picture,
    reference: &FrameRef,
) {
    let pointer = ui.ctx().pointer_latest_pos();
    let Some(pointer) = pointer.filter(|p| rect.contains(*p)) else {
        return;
    };
    let Some(display) = &viewport.display else {
        return;
    };
    let scale = ui.ctx().pixels_per_point();
    let side = (SIDE_PT * scale).round().max(2.0) as u32;
    // The corner lies on a whole pixel, so that the picture is copied and not resampled.
    let half = side as f32 / 2.0 / scale;
    let corner = (pointer - vec2(half, half)) * scale;
    let corner = pos2(corner.x.round(), corner.y.round());
    let middle = [corner.x - rect.min.x * scale, corner.y - rect.min.y * scale]
        .map(|v| f64::from(v) + f64::from(side) / 2.0);
    let factor = context.state.loupe.factor;
    let mut view = magnified(&picture.view, middle, side, factor);
    let mut layers = segments::layers(context, viewport, picture);
    for layer in &mut layers {
        let plane = &mut layer.plane.mask_from_viewport;
        *plane *= viewport_from_loupe(middle, side, factor);
    }
    let reach = f64::from(side) / 2.0 / factor;
    if context.state.loupe.own_window && view.samples == 1 {
        let low = middle.map(|v| v - reach);
        let high = middle.map(|v| v + reach);
        if let Some(level) = window_of_region(viewport, picture, low, high) {
            view.grey.voi = Voi::window(level.center, level.width);
        }
    }
    let workspace = context.workspace;
    let frame_key = masks::key_of(reference);
    let map = match viewport.is_cut() {
        true => None,
        false => context.map_over(&frame_key),
    };
    let scene = Scene {
        display,
        view: &view,
        cover: picture
            .cover
            .as_ref()
            .map(|c| (c, workspace.settings.cover)),
        map,
        segments: layers,
        volume: workspace
            .volume_masks
            .get(&display.key)
            .zip(context.mask_style()),
        // It shows voxels, and says so where the picture shows something else.
        filters: WantedFilters::none(&workspace.filtering),
    };
    let state = &mut *context.state;
    let cache = &mut state.loupe.picture;
    if cache
        .update(
            &workspace.gpu,
            &state.renderer,
            &mut state.filter_renderer,
            &state.blit,
            &scene,
        )
        .is_err()
    {
        return;
    }
    let square = Rect::from_min_size(corner / scale, vec2(side as f32, side as f32) / scale);
    let painter = ui.painter().with_clip_rect(rect);
    let origin = [corner.x, corner.y].map(|v| v as i32);
    if let Some(source) = cache.place(&workspace.gpu, origin, state.windows.screen) {
        let callback = PictureCallback {
            blit: state.blit.clone(),
            source,
        };
        painter.add(egui_wgpu::Callback::new_paint_callback(square, callback));
    }
    let edge = Stroke::new(3.0, theme::IMAGE);
    painter.rect_stroke(square, 0.0, edge, StrokeKind::Outside);
    let edge = Stroke::new(1.0, theme::ACCENT);
    painter.rect_stroke(square, 0.0, edge, StrokeKind::Outside);
    let mut text = format!("{factor:.1}×");
    if context.state.loupe.own_window {
        text = format!("{text}  {}", context.word("overlay-own-window"));
    }
    if viewport.view.filters.is_active() && !workspace.show_original {
        text = format!("{text}  {}", context.word("badge-original"));
    }
    // On a strip of its own: what is enlarged may be white.
    let strip = Rect::from_min_max(pos2(square.min.x, square.max.y - 20.0), square.max);
    painter.rect_filled(strip, 0.0, egui::Color32::from_black_alpha(170));
    over_picture(
        &painter,
        square.left_bottom() + vec2(6.0, -4.0),
        Align2::LEFT_BOTTOM,
        &text,
        theme::SMALL_PT,
        theme::ACCENT,
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        lut::ModalityLut,
        pixels::StoredType,
        view::{GreyPipeline, Interpolation},
    };

    #[test]
    fn the_middle_stays_and_steps_become_smaller() {
        let view = SliceView {
            size: [640, 480],
            voxel_from_viewport: DAffine3 {
                matrix3: DMat3::from_cols(
                    DVec3::new(0.5, 0.1, 0.0),
                    DVec3::new(-0.1, 0.5, 0.2),
                    DVec3::Z,
                ),
                translation: DVec3::new(3.0, 4.0, 5.0),
            },
            interpolation: Interpolation::Linear,
            grey: GreyPipeline {
                stored_type: StoredType::U8,
                modality_lut: ModalityLut::IDENTITY,
                voi: Voi::window(128.0, 256.0),
                inverted: false,
                padding: None,
                presentation: None,
            },
            samples: 1,
            area: false,
            slab: None,
        };
        let at = |view: &SliceView, x: f64, y: f64| {
            view.voxel_from_viewport
                .transform_point3(DVec3::new(x, y, 0.0))
        };
        let loupe = magnified(&view, [100.0, 70.0], 200, 4.0);
        // Sums of a few numbers below 1000.
        let near = |a: DVec3, b: DVec3| assert!((a - b).length() < 1e-9, "{a} {b}");
        near(at(&loupe, 100.0, 100.0), at(&view, 100.0, 70.0));
        near(at(&loupe, 104.0, 92.0), at(&view, 101.0, 68.0));
        assert_eq!(loupe.size, [200, 200]);
        let mut state = Loupe::default();
        // A key that is held comes again and again.
        for now in [0.0, 0.5, 0.6] {
            state.toggle(now, true);
            assert!(state.on);
        }
        state.since_secs = None;
        state.toggle(1.0, true);
        assert!(!state.on);
        state.scale(100.0);
        assert_eq!(state.factor, 8.0);
        state.scale(0.001);
        assert_eq!(state.factor, 2.0);
    }
}
