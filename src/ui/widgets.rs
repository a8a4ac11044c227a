//! Small widgets that several panels use.

use super::{
    context::UiContext,
    icons::{self, Icon},
    theme,
};
use crate::workspace::Command;
use egui::{Button, Color32, Response, RichText, Role, Sense, Stroke, Ui, Vec2, WidgetInfo, vec2};

/// Side of a tool button, points.
pub const BUTTON: f32 = 28.0;

/// A square icon button for a command; `selected` marks the state it switches on.
pub fn command_button(
    context: &mut UiContext<'_>,
    ui: &mut Ui,
    icon: Icon,
    command: Command,
    selected: bool,
) -> Response {
    let enabled = context.workspace.is_enabled(command);
    let name = context.word(command.row().message_key);
    let response = icon_button(ui, icon, name, enabled, selected, theme::TEXT);
    let response = hover_text(response, || context.tooltip(command));
    if response.clicked() && enabled {
        context.run(command);
    }
    response
}

/// Text on hover that is made only when somebody may see it or have it read out: rows and buttons have many.
pub fn hover_text(response: Response, text: impl FnOnce() -> String) -> Response {
    let wanted = response.contains_pointer()
        || response.has_focus()
        || response.is_tooltip_open()
        || response.ctx.has_accesskit_node(response.id);
    match wanted {
        true => response.on_hover_text(text()),
        false => response,
    }
}

/// A square icon button with an accessible name.
pub fn icon_button(
    ui: &mut Ui,
    icon: Icon,
    name: &str,
    enabled: bool,
    selected: bool,
    color: Color32,
) -> Response {
    let sense = if enabled {
        Sense::click()
    } else {
        Sense::hover()
    };
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(BUTTON), sense);
    response.widget_info(|| WidgetInfo::selected(Role::Button, enabled, selected, name));
    if ui.is_rect_visible(rect) {
        let color = match (enabled, selected) {
            (false, _) => theme::TEXT_FAINT.gamma_multiply(0.6),
            (true, true) => theme::ACCENT,
            (true, false) => color,
        };
        if selected {
            ui.painter()
                .rect_filled(rect, 4.0, theme::ACCENT.gamma_multiply(0.16));
        } else if enabled && response.hovered() {
            ui.painter().rect_filled(rect, 4.0, theme::RAISED);
        }
        if response.has_focus() {
            ui.painter().rect_stroke(
                rect,
                4.0,
                Stroke::new(1.0, theme::ACCENT),
                egui::StrokeKind::Inside,
            );
        }
        icons::paint(ui.painter(), rect.shrink(6.0), icon, color);
    }
    response
}

/// A thin upright line between groups of buttons.
pub fn group_gap(ui: &mut Ui) {
    ui.add_space(2.0);
    let (rect, _) = ui.allocate_exact_size(Vec2::new(5.0, BUTTON), Sense::hover());
    ui.painter().vline(
        rect.center().x,
        rect.shrink2(Vec2::new(0.0, 6.0)).y_range(),
        Stroke::new(1.0, theme::LINE),
    );
    ui.add_space(2.0);
}

/// A section title of a panel, with a count in a lighter shade.
pub fn section(ui: &mut Ui, title: &str, count: Option<usize>) {
    ui.add_space(10.0);
    ui.horizontal(|ui| {
        ui.label(
            RichText::new(title)
                .size(theme::BODY_PT)
                .strong()
                .color(theme::TEXT),
        );
        if let Some(count) = count {
            ui.label(
                RichText::new(count.to_string())
                    .size(theme::SMALL_PT)
                    .color(theme::TEXT_DIM),
            );
        }
    });
    let rect = ui.available_rect_before_wrap();
    ui.painter()
        .hline(rect.x_range(), rect.top(), Stroke::new(1.0, theme::LINE));
    ui.add_space(5.0);
}

/// A small tag: coloured text in a thin frame.
pub fn tag(ui: &mut Ui, text: &str, color: Color32) -> Response {
    let frame = egui::Frame::new()
        .stroke(Stroke::new(1.0, color.gamma_multiply(0.7)))
        .corner_radius(3.0)
        .inner_margin(egui::Margin::symmetric(5, 1));
    frame
        .show(ui, |ui| {
            ui.add(
                egui::Label::new(RichText::new(text).size(theme::SMALL_PT).color(color))
                    .wrap_mode(egui::TextWrapMode::Extend),
            )
        })
        .response
}

/// Text in the secondary colour.
pub fn dim(ui: &mut Ui, text: impl Into<String>) -> Response {
    ui.label(
        RichText::new(text)
            .size(theme::SMALL_PT)
            .color(theme::TEXT_DIM),
    )
}

/// A line of text cut at the panel's edge, whole on hover.
pub fn line(ui: &mut Ui, text: RichText) -> Response {
    ui.add(egui::Label::new(text).truncate())
}

/// The button of what a question is for, larger and in the colour that says so once it can be pressed.
pub fn main_button(ui: &mut Ui, word: &str, ready: bool) -> Response {
    let size = vec2(120.0, 30.0);
    let button = match ready {
        true => Button::new(RichText::new(word).color(theme::APP).strong()).fill(theme::ACCENT),
        false => Button::new(word),
    };
    ui.add_enabled(ready, button.min_size(size))
}
