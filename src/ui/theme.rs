//! Colours, sizes and text styles: a reading room at night, or an office by day.
//!
//! A [`Token`] is a meaning with a colour in each theme. Which theme is on is known by the thread that draws, since
//! only one does; whatever lies over a picture is drawn inside [`over_picture`], where the night's colours hold,
//! because the image area is black in both themes.

use crate::workspace::settings::Theme;
use egui::{
    Color32, CornerRadius, FontFamily, FontId, Margin, Stroke, TextStyle, Vec2,
    style::WidgetVisuals,
};
use std::cell::Cell;

thread_local! {
    static DRAWN_IN: Cell<Theme> = const { Cell::new(Theme::Dark) };
}

/// A colour by its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    dark: Color32,
    light: Color32,
}

impl Token {
    const fn new(dark: u32, light: u32) -> Self {
        const fn rgb(code: u32) -> Color32 {
            let [_, r, g, b] = code.to_be_bytes();
            Color32::from_rgb(r, g, b)
        }
        Self {
            dark: rgb(dark),
            light: rgb(light),
        }
    }

    /// The colour in the theme that is on.
    pub fn color(self) -> Color32 {
        self.color_in(DRAWN_IN.get())
    }

    /// The colour in a theme.
    pub const fn color_in(self, theme: Theme) -> Color32 {
        match theme {
            Theme::Dark => self.dark,
            Theme::Light => self.light,
        }
    }

    /// The colour, fainter.
    pub fn gamma_multiply(self, factor: f32) -> Color32 {
        self.color().gamma_multiply(factor)
    }
}

impl From<Token> for Color32 {
    fn from(token: Token) -> Self {
        token.color()
    }
}

/// Draws what lies over a picture: in the colours of the night.
pub fn over_picture<R>(draw: impl FnOnce() -> R) -> R {
    let before = DRAWN_IN.replace(Theme::Dark);
    let result = draw();
    DRAWN_IN.set(before);
    result
}

/// Behind pictures.
pub const IMAGE: Token = Token::new(0x000000, 0x000000);
/// Between panels.
pub const APP: Token = Token::new(0x0E1013, 0xD5D9E0);
/// Panels.
pub const PANEL: Token = Token::new(0x15181D, 0xF4F5F7);
/// Fields and hovered rows.
pub const RAISED: Token = Token::new(0x1E2229, 0xE4E7EC);
/// Separators.
pub const LINE: Token = Token::new(0x2A2F38, 0xC3C9D2);
/// Text.
pub const TEXT: Token = Token::new(0xE6E9EE, 0x14181F);
/// Secondary text.
pub const TEXT_DIM: Token = Token::new(0xA3ABB8, 0x4A5361);
/// Decoration only.
pub const TEXT_FAINT: Token = Token::new(0x6B7482, 0x7C8594);
/// Focus, selection, primary action.
pub const ACCENT: Token = Token::new(0x4DA3FF, 0x0A5DB8);
/// Warnings.
pub const WARN: Token = Token::new(0xF2B84B, 0x8A5A00);
/// Errors.
pub const ERROR: Token = Token::new(0xFF5A4F, 0xB3261E);
/// Good.
pub const OK: Token = Token::new(0x57C78A, 0x1E7A45);
/// Every AI mark.
pub const AI: Token = Token::new(0xB58CFF, 0x6B3FC4);
/// Axial plane.
pub const AXIAL: Token = Token::new(0xD64545, 0xB32F2F);
/// Coronal plane.
pub const CORONAL: Token = Token::new(0x46B45A, 0x23803A);
/// Sagittal plane.
pub const SAGITTAL: Token = Token::new(0xD9C24A, 0x8A7400);

/// Text of panels, points.
pub const BODY_PT: f32 = 13.5;
/// Small text of panels; the floor for hanzi.
pub const SMALL_PT: f32 = 12.0;
/// Text over pictures.
pub const OVERLAY_PT: f32 = 13.0;

/// The colour of a body plane.
pub const fn plane_color(plane: crate::model::geometry::BodyPlane) -> Token {
    use crate::model::geometry::BodyPlane;
    match plane {
        BodyPlane::Axial => AXIAL,
        BodyPlane::Coronal => CORONAL,
        BodyPlane::Sagittal => SAGITTAL,
    }
}

/// Sets the theme and the size, where they are not set already. The system's preference does not count: a reading
/// room is dark until its reader says otherwise.
pub fn follow(ctx: &egui::Context, theme: Theme, scale_percent: u16) {
    let id = egui::Id::unique("theme");
    let now = (theme, scale_percent);
    DRAWN_IN.set(theme);
    if ctx.data(|d| d.get_temp(id)) == Some(now) {
        return;
    }
    ctx.data_mut(|d| d.insert_temp(id, now));
    ctx.options_mut(|options| options.zoom_with_keyboard = false);
    ctx.set_zoom_factor(f32::from(scale_percent) / 100.0);
    apply(ctx, theme);
}

/// Colours of this theme again, after something was drawn in another.
pub fn follow_again(theme: Theme) {
    DRAWN_IN.set(theme);
}

fn apply(ctx: &egui::Context, theme: Theme) {
    let night = theme == Theme::Dark;
    ctx.set_theme(if night {
        egui::Theme::Dark
    } else {
        egui::Theme::Light
    });
    ctx.all_styles_mut(|style| {
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
        // Nothing moves while somebody reads.
        style.animation_time = 0.08;
        let visuals = &mut style.visuals;
        visuals.dark_mode = night;
        visuals.override_text_color = None;
        visuals.panel_fill = PANEL.color();
        visuals.window_fill = PANEL.color();
        visuals.window_stroke = Stroke::new(1.0, LINE);
        visuals.window_corner_radius = CornerRadius::same(6);
        visuals.menu_corner_radius = CornerRadius::same(6);
        visuals.extreme_bg_color = APP.color();
        visuals.faint_bg_color = RAISED.color();
        visuals.hyperlink_color = ACCENT.color();
        visuals.warn_fg_color = WARN.color();
        visuals.error_fg_color = ERROR.color();
        visuals.selection.bg_fill = ACCENT.gamma_multiply(0.35);
        visuals.selection.stroke = Stroke::new(1.0, ACCENT);
        let widget = |fill: Token, stroke: Option<Token>, text: Token| WidgetVisuals {
            bg_fill: fill.color(),
            weak_bg_fill: fill.color(),
            bg_stroke: Stroke::new(1.0, stroke.map_or(Color32::TRANSPARENT, Token::color)),
            corner_radius: CornerRadius::same(4),
            fg_stroke: Stroke::new(1.0, text),
            expansion: 0.0,
        };
        visuals.widgets.noninteractive = widget(PANEL, Some(LINE), TEXT);
        visuals.widgets.inactive = widget(RAISED, None, TEXT);
        visuals.widgets.hovered = widget(LINE, None, TEXT);
        visuals.widgets.active = widget(LINE, Some(ACCENT), TEXT);
        visuals.widgets.open = widget(RAISED, Some(LINE), TEXT);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance and contrast as in WCAG 2.1.
    fn contrast(a: Color32, b: Color32) -> f64 {
        let luminance = |c: Color32| {
            let linear = |v: u8| {
                let v = f64::from(v) / 255.0;
                if v <= 0.04045 {
                    v / 12.92
                } else {
                    ((v + 0.055) / 1.055).powf(2.4)
                }
            };
            0.2126 * linear(c.r()) + 0.7152 * linear(c.g()) + 0.0722 * linear(c.b())
        };
        let (a, b) = (luminance(a) + 0.05, luminance(b) + 0.05);
        a.max(b) / a.min(b)
    }

    #[test]
    fn text_can_be_read_in_both_themes() {
        for theme in [Theme::Dark, Theme::Light] {
            let check = |token: Token, at_least: f64| {
                for ground in [PANEL, APP, RAISED] {
                    let found = contrast(token.color_in(theme), ground.color_in(theme));
                    assert!(
                        found >= at_least,
                        "{token:?} on {ground:?} in {theme:?}: {found:.2}"
                    );
                }
            };
            check(TEXT, 7.0);
            check(TEXT_DIM, 4.5);
            for meaning in [ACCENT, WARN, ERROR, OK, AI] {
                check(meaning, 3.0);
            }
        }
        assert_eq!(IMAGE.color_in(Theme::Light), Color32::BLACK);
    }

    #[test]
    fn pictures_keep_the_night() {
        DRAWN_IN.set(Theme::Light);
        assert_eq!(TEXT.color(), TEXT.color_in(Theme::Light));
        over_picture(|| assert_eq!(TEXT.color(), TEXT.color_in(Theme::Dark)));
        assert_eq!(TEXT.color(), TEXT.color_in(Theme::Light));
        DRAWN_IN.set(Theme::Dark);
    }
}
