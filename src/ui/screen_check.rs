//! The screen itself: its correction to the standard grey-scale function (PS3.14), and test pictures for looking at it.
//!
//! A test picture fills the window pixel for pixel, through the same table as every other picture.

use super::{context::UiContext, theme, widgets};
use crate::{
    imaging::{gsdf::LEVELS, pattern::Pattern},
    workspace::{Action, Command, screen_setting::ScreenSetting},
};
use egui::{
    Align2, Color32, ColorImage, DragValue, FontId, Key, Rect, RichText, TextureHandle,
    TextureOptions, Ui, pos2, vec2,
};
use std::sync::Arc;

/// Width of the panel, points.
const WIDTH: f32 = 320.0;

/// What is open.
#[derive(Default)]
pub struct ScreenCheck {
    /// The panel.
    pub panel: bool,
    /// The test picture on the screen.
    pub pattern: Option<Pattern>,
    /// The monitor that is chosen in the panel; that of the main window when absent.
    pub monitor: Option<String>,
    drawn: Option<Drawn>,
}

impl ScreenCheck {
    /// Keys of a test picture, before anything else sees them: the arrows leaf, Escape closes.
    pub fn take_keys(&mut self, ctx: &egui::Context) {
        let Some(pattern) = self.pattern else {
            return;
        };
        self.pattern = ctx.input_mut(|i| {
            let mut pressed = |key| i.consume_key(egui::Modifiers::NONE, key);
            let close = pressed(Key::Escape);
            let on = pressed(Key::ArrowRight) | pressed(Key::Space) | pressed(Key::PageDown);
            let back = pressed(Key::ArrowLeft) | pressed(Key::PageUp);
            (!close).then(|| pattern.step(isize::from(on) - isize::from(back)))
        });
    }
}

/// A test picture as it was drawn.
struct Drawn {
    pattern: Pattern,
    size: [u32; 2],
    table: Option<Arc<[u8; LEVELS]>>,
    texture: TextureHandle,
}

/// Whether the screen follows the standard grey-scale function (safety S31); a click shows a test picture.
pub fn note_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    let screen = context.state.windows.screen;
    let text = match context.workspace.correction_on(screen) {
        None => context.word("screen-not-calibrated").to_owned(),
        Some(correction) => {
            let (low, high) = correction.extremes;
            let fixed = crate::i18n::Value::Fixed;
            let numbers = [("darkest", fixed(low, 1)), ("brightest", fixed(high, 0))];
            context.tr("screen-calibrated", &numbers)
        }
    };
    let text = RichText::new(text)
        .size(theme::SMALL_PT)
        .color(theme::TEXT_DIM);
    let button = egui::Button::new(text).frame(false);
    let response = ui
        .add(button)
        .on_hover_text(context.word("screen-note-tip"));
    if response.clicked() {
        context.run(Command::TestPicture);
    } else if response.secondary_clicked() {
        context.run(Command::ScreenSetting);
    }
}

/// Draws the panel and the test picture, when they are open.
pub fn screen_check_ui(context: &mut UiContext<'_>, ui: &Ui) {
    let mut check = std::mem::take(&mut context.state.screen_check);
    if check.panel {
        panel_ui(context, ui, &mut check);
    }
    if let Some(pattern) = check.pattern {
        check.pattern = pattern_ui(context, ui, &mut check, pattern);
    }
    if check.pattern.is_none() {
        check.drawn = None;
    }
    context.state.screen_check = check;
}

fn panel_ui(context: &mut UiContext<'_>, ui: &Ui, check: &mut ScreenCheck) {
    let mut open = true;
    egui::Window::new(context.word("screen-title"))
        .id(egui::Id::unique("display panel"))
        .open(&mut open)
        .resizable(false)
        .collapsible(false)
        .default_pos(ui.ctx().content_rect().center() - vec2(WIDTH / 2.0, 180.0))
        .show(ui.ctx(), |ui| {
            ui.set_width(WIDTH);
            let monitor = check.monitor.clone();
            check.monitor = screen_setting_ui(context, ui, monitor);
            widgets::section(ui, context.word("screen-patterns"), None);
            ui.horizontal_wrapped(|ui| {
                for pattern in Pattern::ALL {
                    let tip = context
                        .language()
                        .find(&format!("{}-tip", pattern.message_key()), &[]);
                    let button = ui.button(context.word(pattern.message_key()));
                    let button = match tip {
                        Some(tip) => button.on_hover_text(tip),
                        None => button,
                    };
                    if button.clicked() {
                        check.pattern = Some(pattern);
                    }
                }
            });
            ui.add_space(4.0);
        });
    check.panel = open;
}

/// Which monitor, and how it was measured: part of the panel and of the preferences. `None` is the monitor of the main
/// window.
pub(super) fn screen_setting_ui(
    context: &mut UiContext<'_>,
    ui: &mut Ui,
    chosen: Option<String>,
) -> Option<String> {
    let workspace = context.workspace;
    let here = workspace.screen_key(context.state.windows.screen);
    let mut monitor = chosen.unwrap_or_else(|| here.clone());
    let list = workspace.windows.monitors.list();
    if !list.is_empty() {
        let label = |key: &str| match key == here {
            _ if key.is_empty() => context.word("screen-monitor-unknown").to_owned(),
            true => context.tr("screen-monitor-here", &[("monitor", key.into())]),
            false => key.to_owned(),
        };
        ui.horizontal(|ui| {
            let name = ui.label(context.word("screen-monitor"));
            egui::ComboBox::from_id_salt("monitor")
                .selected_text(label(&monitor))
                .show_ui(ui, |ui| {
                    for one in list {
                        let key = one.key();
                        let text = label(&key);
                        ui.selectable_value(&mut monitor, key, text);
                    }
                })
                .response
                .labelled_by(name.id);
        });
    }
    let before = workspace.settings.screens.get(&monitor);
    let mut setting = before.cloned().unwrap_or_default();
    setting_ui(context, ui, &mut setting, &monitor);
    if before.cloned().unwrap_or_default() != setting {
        let monitor = monitor.clone();
        let wish = Action::Screen { monitor, setting };
        context.actions.push(wish);
    }
    (monitor != here).then_some(monitor)
}

fn setting_ui(
    context: &mut UiContext<'_>,
    ui: &mut Ui,
    setting: &mut ScreenSetting,
    monitor: &str,
) {
    ui.checkbox(&mut setting.on, context.word("screen-correct"));
    ui.add_space(4.0);
    if setting.measured.is_some() {
        ui.horizontal(|ui| {
            ui.label(context.word("screen-measured"));
            if ui.button(context.word("screen-forget")).clicked() {
                setting.measured = None;
            }
        });
    } else {
        egui::Grid::new("luminances").num_columns(3).show(ui, |ui| {
            let unit = "cd/m²";
            for (key, value, range, unit) in [
                ("screen-darkest", &mut setting.darkest, 0.01..=50.0, unit),
                (
                    "screen-brightest",
                    &mut setting.brightest,
                    10.0..=4000.0,
                    unit,
                ),
                ("screen-ambient", &mut setting.ambient, 0.0..=50.0, unit),
                ("screen-gamma", &mut setting.gamma, 1.0..=4.0, ""),
            ] {
                let label = context.word(key);
                let text = ui.label(label);
                let speed = (range.end() - range.start()) / 500.0;
                ui.add(
                    DragValue::new(value)
                        .range(range)
                        .speed(speed)
                        .max_decimals(2),
                )
                .labelled_by(text.id);
                widgets::dim(ui, unit);
                ui.end_row();
            }
        });
    }
    let file = ui
        .button(context.word("screen-choose-curve"))
        .on_hover_text(context.word("screen-choose-curve-tip"));
    if file.clicked() {
        context
            .actions
            .push(Action::ChooseCurve(monitor.to_owned()));
    }
    ui.add_space(4.0);
    let text = match setting.correction() {
        Ok(correction) => context.tr(
            "screen-deviation",
            &[
                (
                    "before",
                    crate::i18n::Value::Fixed(100.0 * correction.before, 0),
                ),
                (
                    "after",
                    crate::i18n::Value::Fixed(100.0 * correction.after, 0),
                ),
            ],
        ),
        Err(_) => context.word("screen-impossible").to_owned(),
    };
    ui.label(
        RichText::new(text)
            .size(theme::SMALL_PT)
            .color(theme::TEXT_DIM),
    );
    let note = context.word("screen-note");
    ui.label(
        RichText::new(note)
            .size(theme::SMALL_PT)
            .color(theme::TEXT_DIM),
    );
}

/// The test picture over the whole window. Returns which one is on the screen next.
fn pattern_ui(
    context: &UiContext<'_>,
    ui: &Ui,
    check: &mut ScreenCheck,
    pattern: Pattern,
) -> Option<Pattern> {
    let ctx = ui.ctx();
    let area = ctx.content_rect();
    let scale = ctx.pixels_per_point();
    let size = [area.width(), area.height()].map(|s| (s * scale).round().max(1.0) as u32);
    let screen = context.state.windows.screen;
    let correction = context.workspace.correction_on(screen);
    let table = correction.map(|c| c.table.clone());
    let same = check
        .drawn
        .as_ref()
        .is_some_and(|d| d.pattern == pattern && d.size == size && d.table == table);
    if !same {
        let picture = pattern.draw(size);
        let level = |l: u8| {
            let corrected = table.as_ref().and_then(|t| t.get(usize::from(l)));
            corrected.copied().unwrap_or(l)
        };
        let pixels = picture.levels.iter().map(|l| Color32::from_gray(level(*l)));
        let image = ColorImage::new(size.map(|n| n as usize), pixels.collect());
        let texture = ctx.load_texture("test picture", image, TextureOptions::NEAREST);
        check.drawn = Some(Drawn {
            pattern,
            size,
            table,
            texture,
        });
    }
    let mut next = pattern;
    let name = context.word(pattern.message_key());
    let shown = egui::Area::new(egui::Id::unique("test-picture"))
        .order(egui::Order::Foreground)
        .fixed_pos(area.min)
        .show(ctx, |ui| {
            let (rect, response) = ui.allocate_exact_size(area.size(), egui::Sense::click());
            response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, name));
            if let Some(drawn) = &check.drawn {
                // To whole pixels, so that the picture is copied and not resampled.
                let exact = vec2(size[0] as f32 / scale, size[1] as f32 / scale);
                let place = Rect::from_min_size(rect.min, exact);
                let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
                ui.painter()
                    .image(drawn.texture.id(), place, whole, Color32::WHITE);
            }
            caption(context, ui, rect, pattern);
            response
        });
    if shown.inner.clicked() {
        next = next.step(1);
    }
    (!shown.inner.secondary_clicked()).then_some(next)
}

/// What is seen and what to look for, at the lower edge.
fn caption(context: &UiContext<'_>, ui: &Ui, rect: Rect, pattern: Pattern) {
    let tip = context
        .language()
        .find(&format!("{}-tip", pattern.message_key()), &[])
        .unwrap_or_default();
    let keys = context.word("pattern-keys");
    let text = format!("{}  {tip}  {keys}", context.word(pattern.message_key()));
    let font = FontId::proportional(theme::SMALL_PT);
    let galley = ui
        .painter()
        .layout(text, font, theme::TEXT, rect.width() - 60.0);
    let at =
        Align2::CENTER_BOTTOM.anchor_size(rect.center_bottom() - vec2(0.0, 10.0), galley.size());
    ui.painter().rect_filled(
        at.expand2(vec2(8.0, 4.0)),
        4.0,
        Color32::from_black_alpha(220),
    );
    ui.painter().galley(at.min, galley, theme::TEXT);
}
