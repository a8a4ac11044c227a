//! The cells once more, outside of the window: for a picture of any size, with or without identity.
//!
//! Must stay true: what is drawn is what the window draws, by the same functions, from voxels at the asked size and
//! not from the screen's pixels; the notice of [`crate::workspace::picture_out`] is in every picture (safety S1); no
//! gesture runs and no wish leaves; the window's own pictures stay as they are.

use super::{
    context::{UiContext, UiState},
    fonts, halo, layout, theme, viewport,
};
use crate::workspace::{Workspace, picture_out::PictureWish};
use egui::{Align2, Context, FullOutput, Pos2, RawInput, Rect, vec2};

/// Makes the toolkit's context in which pictures are drawn.
pub fn context() -> Context {
    let ctx = Context::default();
    fonts::install(&ctx);
    ctx
}

/// Draws as asked; `size` are the pixels of the picture. What comes back is for a renderer of the window's format.
pub fn draw(
    ctx: &Context,
    workspace: &Workspace,
    state: &mut UiState,
    wish: &PictureWish,
    size: [u32; 2],
) -> FullOutput {
    // Text is as large on a large picture as on the screen, seen as a whole.
    let scale = (size[1] as f32 / wish.height_points.max(1) as f32).clamp(0.25, 16.0);
    let points = vec2(size[0] as f32, size[1] as f32) / scale;
    let pictures = std::mem::take(&mut state.pictures);
    let (drag, hover, drawn) = (state.drag.take(), state.hover.take(), state.drawn);
    // For whichever screen it will be looked at on.
    state.windows.screen = crate::render::blit::UNCORRECTED;
    state.leaving = true;
    let input = RawInput {
        screen_rect: Some(Rect::from_min_size(Pos2::ZERO, points)),
        viewports: std::iter::once((
            egui::ViewportId::ROOT,
            egui::ViewportInfo {
                native_pixels_per_point: Some(scale),
                ..Default::default()
            },
        ))
        .collect(),
        ..RawInput::default()
    };
    theme::follow(ctx, crate::workspace::settings::Theme::Dark, 100);
    let output = ctx.run_ui(input, |ui| {
        let mut context = UiContext {
            workspace,
            state,
            actions: Vec::new(),
        };
        let rect = Rect::from_min_size(Pos2::ZERO, points);
        ui.painter().rect_filled(rect, 0.0, theme::IMAGE);
        layout::make_room(&mut context);
        if wish.all {
            layout::plain_cells_ui(&mut context, ui, rect);
        } else {
            viewport::viewport_ui(&mut context, ui, workspace.active, rect);
        }
        let notice = context.word("app-notice");
        halo::haloed(
            ui.painter(),
            rect.center_bottom() - vec2(0.0, 4.0),
            Align2::CENTER_BOTTOM,
            notice,
            theme::SMALL_PT,
            theme::TEXT_DIM,
        );
    });
    state.pictures = pictures;
    state.drag = drag;
    state.hover = hover;
    state.drawn = drawn;
    state.leaving = false;
    output
}
