//! Keys and gestures, from the command table.

use super::{context::UiContext, keys, theme, widgets};
use crate::workspace::command::{Group, TABLE};
use egui::{RichText, Ui};

/// Draws the help when it is open.
pub fn help_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    if !context.state.help {
        return;
    }
    let height = (ui.ctx().content_rect().height() - 190.0).max(200.0);
    let frame = egui::Frame::popup(ui.style()).inner_margin(16.0);
    let modal = egui::Modal::new(egui::Id::unique("help")).frame(frame);
    let modal = modal.show(ui.ctx(), |ui| {
        ui.set_width(760.0_f32.min(ui.ctx().content_rect().width() - 40.0));
        ui.heading(context.word("help-title"));
        ui.label(RichText::new(context.word("app-notice")).color(theme::TEXT_DIM));
        egui::ScrollArea::vertical()
            .max_height(height)
            .min_scrolled_height(height)
            .show(ui, |ui| {
                ui.columns(2, |columns| {
                    for (index, column) in columns.iter_mut().enumerate() {
                        for (_, group) in Group::ALL
                            .iter()
                            .enumerate()
                            .filter(|(g, _)| (*g >= 4) == (index == 1))
                        {
                            keys_of(context, column, *group);
                        }
                        if index == 1 {
                            mouse(context, column);
                        }
                    }
                });
            });
        ui.add_space(6.0);
        ui.button(context.word("button-close")).clicked()
    });
    if modal.inner || modal.should_close() {
        context.state.help = false;
    }
}

fn keys_of(context: &UiContext<'_>, ui: &mut Ui, group: Group) {
    widgets::section(ui, context.word(group.message_key()), None);
    egui::Grid::new(("keys", group))
        .num_columns(2)
        .spacing([16.0, 3.0])
        .show(ui, |ui| {
            for row in TABLE.iter().filter(|r| r.group == group) {
                let chords = context.workspace.settings.keys.chords(row.command);
                if chords.is_empty() {
                    continue;
                }
                let text = chords
                    .iter()
                    .map(|chord| keys::display(&chord.to_string()))
                    .collect::<Vec<_>>()
                    .join("  ");
                ui.label(
                    RichText::new(text)
                        .monospace()
                        .size(theme::SMALL_PT)
                        .color(theme::ACCENT),
                );
                ui.label(context.word(row.message_key));
                ui.end_row();
            }
        });
}

fn mouse(context: &UiContext<'_>, ui: &mut Ui) {
    widgets::section(ui, context.word("help-mouse"), None);
    for key in [
        "help-mouse-left",
        "help-mouse-fine",
        "help-mouse-region",
        "help-mouse-middle",
        "help-mouse-right",
        "help-mouse-wheel",
        "help-mouse-ctrl-wheel",
        "help-mouse-shift-move",
        "help-mouse-double-click",
    ] {
        ui.label(context.word(key));
    }
}
