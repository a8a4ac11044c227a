//! The command palette: find any command by its name.

use super::{
    context::{PaletteState, UiContext},
    theme,
};
use crate::workspace::{
    Command,
    command::{Row, TABLE},
};
use egui::{Key, RichText, Ui, vec2};

/// Height of a row, points.
const ROW: f32 = 26.0;

/// Draws the palette when it is open.
pub fn palette_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    let Some(mut palette) = context.state.palette.take() else {
        return;
    };
    let mut chosen = None;
    let frame = egui::Frame::popup(ui.style()).inner_margin(10.0);
    let modal = egui::Modal::new(egui::Id::unique("palette")).frame(frame);
    let modal = modal.show(ui.ctx(), |ui| {
        ui.set_width(460.0);
        let field = egui::TextEdit::singleline(&mut palette.query)
            .hint_text(context.word("palette-hint"))
            .desired_width(f32::INFINITY);
        let response = ui.add_sized(vec2(ui.available_width(), 28.0), field);
        response.widget_info(|| {
            let name = context.word("palette-hint");
            let mut info = egui::WidgetInfo::labeled(egui::Role::TextInput, true, name);
            info.current_text_value = Some(palette.query.clone());
            info
        });
        response.request_focus();
        if response.changed() {
            palette.selected = 0;
        }
        let rows = matching(context, &palette.query);
        let (down, up, enter) = ui.input_mut(|i| {
            (
                i.consume_key(egui::Modifiers::NONE, Key::ArrowDown),
                i.consume_key(egui::Modifiers::NONE, Key::ArrowUp),
                i.consume_key(egui::Modifiers::NONE, Key::Enter),
            )
        });
        let last = rows.len().saturating_sub(1);
        palette.selected = match (down, up) {
            (true, _) => (palette.selected + 1).min(last),
            (_, true) => palette.selected.saturating_sub(1),
            _ => palette.selected.min(last),
        };
        if enter {
            chosen = rows.get(palette.selected).map(|r| r.command);
        }
        ui.add_space(4.0);
        if rows.is_empty() {
            ui.label(RichText::new(context.word("palette-nothing")).color(theme::TEXT_DIM));
        }
        egui::ScrollArea::vertical()
            .max_height(360.0)
            .min_scrolled_height(360.0)
            .show(ui, |ui| {
                // Somebody who has it read out gets all of it, others what is in sight.
                let whole = ui.ctx().has_accesskit_node(ui.unique_id());
                for (index, row) in rows.iter().enumerate() {
                    let size = vec2(ui.available_width(), ROW);
                    let place = egui::Rect::from_min_size(ui.cursor().min, size);
                    if !whole && index != palette.selected && !ui.is_rect_visible(place) {
                        ui.allocate_space(size);
                        continue;
                    }
                    let shortcut = context.shortcut(row.command);
                    let button = egui::Button::new(context.word(row.message_key))
                        .shortcut_text(RichText::new(shortcut))
                        .selected(index == palette.selected)
                        .min_size(size);
                    let response =
                        ui.add_enabled(context.workspace.is_enabled(row.command), button);
                    if response.clicked() {
                        chosen = Some(row.command);
                    }
                    if index == palette.selected && (down || up) {
                        response.scroll_to_me(None);
                    }
                }
            });
    });
    if let Some(command) = chosen {
        context.run(command);
    } else if !modal.should_close() {
        context.state.palette = Some(palette);
    }
}

/// Commands whose name, shortcut or explanation holds every word that was typed: names that begin with it first, those
/// that only their explanation tells of last.
fn matching(context: &UiContext<'_>, query: &str) -> Vec<&'static Row> {
    let query = query.trim().to_lowercase();
    let mut rows: Vec<(u8, &'static Row)> = TABLE
        .iter()
        .filter(|row| row.command != Command::Palette && row.command != Command::Language)
        .filter_map(|row| {
            let name = context.word(row.message_key).to_lowercase();
            if name.starts_with(&query) {
                return Some((0, row));
            }
            let all_in = |text: &str| query.split_whitespace().all(|word| text.contains(word));
            let text = format!("{name} {}", context.shortcut(row.command).to_lowercase());
            if all_in(&text) {
                return Some((1, row));
            }
            let tip = format!("{}-tip", row.message_key);
            let tip = context.language().find(&tip, &[])?.to_lowercase();
            all_in(&format!("{text} {tip}")).then_some((2, row))
        })
        .collect();
    // What can be done now comes first: the first row is what Enter does.
    rows.sort_by_key(|(later, row)| (!context.workspace.is_enabled(row.command), *later));
    rows.into_iter().map(|(_, row)| row).collect()
}

/// Opens an empty palette, or closes it.
pub fn toggle(palette: &mut Option<PaletteState>) {
    *palette = match palette {
        Some(_) => None,
        None => Some(PaletteState::default()),
    };
}
