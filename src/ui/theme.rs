//! Colours, sizes and text styles: a reading room at night.

use super::daylight;
use crate::workspace::settings::Theme;
use egui::{
    Color32, CornerRadius, FontFamily, FontId, Margin, Stroke, TextStyle, Vec2,
    style::WidgetVisuals,
};

/// Behind pictures.
pub const IMAGE: Color32 = Color32::BLACK;
/// Between panels.
pub const APP: Color32 = Color32::from_rgb(0x0E, 0x10, 0x13);
/// Panels.
pub const PANEL: Color32 = Color32::from_rgb(0x15, 0x18, 0x1D);
/// Fields and hovered rows.
pub const RAISED: Color32 = Color32::from_rgb(0x1E, 0x22, 0x29);
/// Boxes, rings and rails of controls, which must be seen on panels.
pub const CONTROL: Color32 = Color32::from_rgb(0x3C, 0x44, 0x51);
/// Separators.
pub const LINE: Color32 = Color32::from_rgb(0x2A, 0x2F, 0x38);
/// Text.
pub const TEXT: Color32 = Color32::from_rgb(0xE6, 0xE9, 0xEE);
/// Secondary text.
pub const TEXT_DIM: Color32 = Color32::from_rgb(0xA3, 0xAB, 0xB8);
/// Decoration only.
pub const TEXT_FAINT: Color32 = Color32::from_rgb(0x6B, 0x74, 0x82);
/// Focus, selection, primary action.
pub const ACCENT: Color32 = Color32::from_rgb(0x4D, 0xA3, 0xFF);
/// Warnings.
pub const WARN: Color32 = Color32::from_rgb(0xF2, 0xB8, 0x4B);
/// Errors.
pub const ERROR: Color32 = Color32::from_rgb(0xFF, 0x5A, 0x4F);
/// Good.
pub const OK: Color32 = Color32::from_rgb(0x57, 0xC7, 0x8A);
/// Every AI mark.
pub const AI: Color32 = Color32::from_rgb(0xB5, 0x8C, 0xFF);
/// What belongs to an earlier study.
pub const PRIOR: Color32 = Color32::from_rgb(0x6F, 0xD0, 0xC8);
/// Axial plane.
pub const AXIAL: Color32 = Color32::from_rgb(0xD6, 0x45, 0x45);
/// Coronal plane.
pub const CORONAL: Color32 = Color32::from_rgb(0x46, 0xB4, 0x5A);
/// Sagittal plane.
pub const SAGITTAL: Color32 = Color32::from_rgb(0xD9, 0xC2, 0x4A);

/// Text of panels, points.
pub const BODY_PT: f32 = 13.5;
/// Small text of panels; the floor for hanzi.
pub const SMALL_PT: f32 = 12.0;
/// Text over pictures.
pub const OVERLAY_PT: f32 = 13.0;

/// The colour of a body plane.
pub const fn plane_color(plane: crate::model::geometry::BodyPlane) -> Color32 {
    use crate::model::geometry::BodyPlane;
    match plane {
        BodyPlane::Axial => AXIAL,
        BodyPlane::Coronal => CORONAL,
        BodyPlane::Sagittal => SAGITTAL,
    }
}

/// Sets colours and size where they are not set already. The system's preference does not count: a reading room is
/// dark until its reader says otherwise. The colours here are those of the night; [`super::daylight`] turns them.
pub fn follow(ctx: &egui::Context, theme: Theme, scale_percent: u16) {
    let id = egui::Id::unique("theme");
    let now = (theme, scale_percent);
    if ctx.data(|d| d.get_temp(id)) == Some(now) {
        return;
    }
    ctx.data_mut(|d| d.insert_temp(id, now));
    ctx.options_mut(|options| options.zoom_with_keyboard = false);
    ctx.set_zoom_factor(f32::from(scale_percent) / 100.0);
    daylight::set(ctx, theme == Theme::Light);
    apply(ctx);
}

fn apply(ctx: &egui::Context) {
    ctx.set_theme(egui::Theme::Dark);
    ctx.all_styles_mut(|style| {
        // A cursor that blinks draws the whole window twice a second, for ever: the list's search has the focus.
        style.visuals.text_cursor.blink = false;
        let proportional = |size| FontId::new(size, FontFamily::Proportional);
        style.text_styles = [
            (TextStyle::Heading, proportional(18.0)),
            (TextStyle::Body, proportional(BODY_PT)),
            (TextStyle::Button, proportional(BODY_PT)),
            (TextStyle::Small, proportional(SMALL_PT)),
            (
                TextStyle::Monospace,
                FontId::new(BODY_PT, FontFamily::Monospace),
            ),
        ]
        .into();
        style.spacing.item_spacing = Vec2::new(8.0, 4.0);
        style.spacing.button_padding = Vec2::new(8.0, 4.0);
        style.spacing.interact_size.y = 24.0;
        style.spacing.window_margin = Margin::same(12);
        style.spacing.menu_margin = Margin::same(6);
        style.interaction.tooltip_delay = 0.35;
        // Nothing moves while somebody reads, and what is opened is there in the next frame: a panel that fades in is
        // not seen in its first.
        style.animation_time = 0.0;
        let visuals = &mut style.visuals;
        visuals.dark_mode = true;
        visuals.override_text_color = None;
        visuals.panel_fill = PANEL;
        visuals.window_fill = PANEL;
        visuals.window_stroke = Stroke::new(1.0, LINE);
        visuals.window_corner_radius = CornerRadius::same(6);
        visuals.menu_corner_radius = CornerRadius::same(6);
        visuals.extreme_bg_color = APP;
        visuals.faint_bg_color = RAISED;
        visuals.hyperlink_color = ACCENT;
        visuals.warn_fg_color = WARN;
        visuals.error_fg_color = ERROR;
        visuals.selection.bg_fill = ACCENT.gamma_multiply(0.35);
        visuals.selection.stroke = Stroke::new(1.0, ACCENT);
        let widget = |fill: Color32, stroke: Color32, text: Color32| WidgetVisuals {
            bg_fill: fill,
            weak_bg_fill: fill,
            bg_stroke: Stroke::new(1.0, stroke),
            corner_radius: CornerRadius::same(4),
            fg_stroke: Stroke::new(1.0, text),
            expansion: 0.0,
        };
        visuals.widgets.noninteractive = widget(PANEL, LINE, TEXT);
        visuals.widgets.inactive = widget(RAISED, Color32::TRANSPARENT, TEXT);
        visuals.widgets.inactive.bg_fill = CONTROL;
        visuals.widgets.hovered = widget(LINE, Color32::TRANSPARENT, TEXT);
        visuals.widgets.hovered.bg_fill = CONTROL;
        visuals.widgets.active = widget(LINE, ACCENT, TEXT);
        visuals.widgets.open = widget(RAISED, LINE, TEXT);
    });
}
