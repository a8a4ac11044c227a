//! The first screen: what to do, in one sentence and three buttons.

use super::{context::UiContext, study_list::table, theme};
use crate::workspace::Command;
use egui::{Align2, Button, FontId, Rect, RichText, Stroke, Ui, Vec2, vec2};

/// Draws the first screen into the centre.
pub fn start_screen_ui(context: &mut UiContext<'_>, ui: &mut Ui, rect: Rect) {
    let size = vec2(
        rect.width().min(560.0) - 24.0,
        300.0_f32.min(rect.height() - 24.0),
    );
    let known = !context.workspace.list.rows().is_empty();
    let area = match known {
        true => Rect::from_center_size(rect.center_top() + vec2(0.0, size.y / 2.0 + 36.0), size),
        false => Rect::from_center_size(rect.center() - vec2(0.0, 20.0), size),
    };
    if known {
        recent(
            context,
            ui,
            Rect::from_min_max(area.left_bottom(), rect.max),
        );
    }
    let hovering = ui.input(|i| !i.raw.hovered_files.is_empty());
    let color = if hovering { theme::ACCENT } else { theme::LINE };
    let corners = [
        area.left_top(),
        area.right_top(),
        area.right_bottom(),
        area.left_bottom(),
        area.left_top(),
    ];
    ui.painter().extend(egui::Shape::dashed_line(
        &corners,
        Stroke::new(1.5, color),
        7.0,
        6.0,
    ));
    light_box(ui, area.center_top() + vec2(0.0, 66.0));
    let text = context.word(if hovering {
        "first-drop-active"
    } else {
        "first-drop"
    });
    ui.painter().text(
        area.center_top() + vec2(0.0, 134.0),
        Align2::CENTER_CENTER,
        text,
        FontId::proportional(18.0),
        theme::TEXT,
    );
    let buttons = Rect::from_center_size(
        area.center_top() + vec2(0.0, 192.0),
        vec2(area.width() - 24.0, 36.0),
    );
    ui.scope_builder(egui::UiBuilder::new().max_rect(buttons), |ui| {
        ui.spacing_mut().item_spacing.x = 10.0;
        let width = ((buttons.width() - 20.0) / 3.0).min(160.0);
        let rest = (buttons.width() - width * 3.0 - 20.0) / 2.0;
        ui.horizontal(|ui| {
            ui.add_space(rest.max(0.0));
            let choices = [
                ("first-open-demo", Command::OpenDemo, true),
                ("first-open-folder", Command::OpenFolder, false),
                ("first-open-files", Command::OpenFiles, false),
            ];
            for (key, command, primary) in choices {
                let word = RichText::new(context.word(key)).size(14.0);
                let button = if primary {
                    Button::new(word.color(theme::APP).strong()).fill(theme::ACCENT)
                } else {
                    Button::new(word)
                };
                let response = ui
                    .add_sized(Vec2::new(width, 34.0), button)
                    .on_hover_text(context.tooltip(command));
                if response.clicked() {
                    context.run(command);
                }
            }
        });
    });
    let hint = context.word("first-hint");
    ui.painter().text(
        area.center_top() + vec2(0.0, 252.0),
        Align2::CENTER_CENTER,
        hint,
        FontId::proportional(theme::SMALL_PT),
        theme::TEXT_DIM,
    );
}

/// The newest studies that the store knows, below the drop area.
fn recent(context: &mut UiContext<'_>, ui: &mut Ui, below: Rect) {
    let width = ui.available_width().min(1080.0) - 48.0;
    let top = egui::pos2(ui.max_rect().center().x - width / 2.0, below.top() + 28.0);
    let place = Rect::from_min_max(top, egui::pos2(top.x + width, below.bottom() - 8.0));
    let most = ((place.height() - 40.0) / (table::ROW + 1.0)).clamp(0.0, 8.0) as usize;
    if most == 0 {
        return;
    }
    ui.scope_builder(egui::UiBuilder::new().max_rect(place), |ui| {
        ui.horizontal(|ui| {
            let word = RichText::new(context.word("first-recent")).strong();
            ui.label(word.color(theme::TEXT));
            let all = Button::new(context.word(Command::ShowList.row().message_key));
            let tip = context.tooltip(Command::ShowList);
            if ui.add(all).on_hover_text(tip).clicked() {
                context.run(Command::ShowList);
            }
        });
        ui.add_space(6.0);
        table::recent_ui(context, ui, most);
    });
}

/// The light box: a bright pane with a film on it.
fn light_box(ui: &Ui, centre: egui::Pos2) {
    let painter = ui.painter();
    let pane = Rect::from_center_size(centre, vec2(64.0, 76.0));
    painter.rect_filled(pane, 5.0, egui::Color32::from_rgb(0xC9, 0xD6, 0xE4));
    let film = pane.shrink2(vec2(8.0, 9.0));
    painter.rect_filled(film, 2.0, egui::Color32::from_rgb(0x12, 0x18, 0x20));
    let icon = Rect::from_center_size(film.center(), Vec2::splat(42.0));
    super::icons::paint(
        painter,
        icon,
        super::icons::Icon::Lungs,
        egui::Color32::from_rgb(0xC9, 0xD6, 0xE4),
    );
}
