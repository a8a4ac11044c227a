//! The list of marks: going to one, its label, group, lock and numbers, and all of them as a file.

use super::details;
use crate::{
    model::annotation::{Annotation, AnnotationId, Author, MarkKind},
    ui::{
        context::UiContext,
        icons::{self, Icon},
        mark_text, theme, widgets,
    },
    workspace::{
        Action, Command,
        measuring::{
            MarkAction, MarkChange,
            labels::{MarkLabel, exact, labels},
        },
    },
};
use egui::{Align, Layout, RichText, Sense, TextEdit, Ui, Vec2};

/// Height of a row, points.
const ROW: f32 = 26.0;

/// Lists with up to so many rows are laid out whole; of longer ones what is in sight.
const WHOLE: usize = 40;

/// What is being typed into the fields of a row.
#[derive(Default)]
pub struct Fields {
    /// Of which mark, and as it was when typing began.
    of: Option<(AnnotationId, String, String)>,
    label: String,
    group: String,
}

fn act(context: &mut UiContext<'_>, action: MarkAction) {
    context.actions.push(Action::Mark(action));
}

/// Draws the list.
pub(in crate::ui) fn marks_list_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    let workspace = context.workspace;
    let marks = workspace.marks_in_order();
    widgets::section(ui, context.word("panel-marks"), Some(marks.len()));
    if marks.is_empty() {
        widgets::dim(ui, context.word("panel-no-marks"));
        return;
    }
    // Somebody who has it read out gets all of it.
    let whole = marks.len() <= WHOLE || ui.ctx().has_accesskit_node(ui.unique_id());
    let mut group = None;
    for mark in &marks {
        if group != Some(mark.group.as_str()) {
            if !mark.group.is_empty() {
                ui.add_space(4.0);
                let name = RichText::new(&mark.group).size(theme::SMALL_PT);
                widgets::line(ui, name.color(theme::TEXT_DIM).strong());
            }
            group = Some(&mark.group);
        }
        let size = Vec2::new(ui.available_width(), ROW);
        let place = egui::Rect::from_min_size(ui.cursor().min, size);
        let selected = workspace.marks.selected.as_ref() == Some(&mark.id);
        if whole || selected || ui.is_rect_visible(place) {
            row(context, ui, mark);
        } else {
            ui.allocate_space(size);
        }
    }
    ui.add_space(6.0);
    ui.horizontal_wrapped(|ui| {
        for command in [Command::ExportMarksCsv, Command::ExportMarksJson] {
            let word = RichText::new(context.word(command.row().message_key)).size(theme::SMALL_PT);
            if ui.button(word).clicked() {
                context.run(command);
            }
        }
    });
}

/// A mark as a line: what it is, what it is called, its number.
fn row(context: &mut UiContext<'_>, ui: &mut Ui, mark: &Annotation) {
    let words = context.language();
    let workspace = context.workspace;
    let selected = workspace.marks.selected.as_ref() == Some(&mark.id);
    let found = workspace.measuring.of(mark);
    let kind = mark_text::kind_word(words, mark.shape.kind);
    let name = match mark.label.is_empty() {
        true => kind.to_owned(),
        false => mark.label.clone(),
    };
    let number = mark_text::short(words, mark.shape.kind, found)
        .into_iter()
        .next()
        .unwrap_or_default();
    let size = Vec2::new(ui.available_width(), ROW);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let said = format!("{name} {number}");
    response.widget_info(|| {
        egui::WidgetInfo::selected(egui::Role::Button, true, selected, said.trim())
    });
    if selected {
        ui.painter()
            .rect_filled(rect, 4.0, theme::ACCENT.gamma_multiply(0.16));
    } else if response.hovered() {
        ui.painter().rect_filled(rect, 4.0, theme::RAISED);
    }
    let inner = rect.shrink2(Vec2::new(4.0, 0.0));
    let mut line = ui.new_child(
        egui::UiBuilder::new()
            .max_rect(inner)
            .layout(Layout::right_to_left(Align::Center)),
    );
    let ai = matches!(mark.author, Author::Model { .. });
    let color = match (mark.hidden, ai) {
        (true, _) => theme::TEXT_FAINT,
        (false, true) => theme::AI,
        (false, false) => theme::TEXT,
    };
    if mark.locked {
        small_icon(&mut line, Icon::Lock);
    }
    if mark.hidden {
        small_icon(&mut line, Icon::EyeShut);
    }
    if !matches!(mark.shape.kind, MarkKind::Text | MarkKind::Arrow) {
        line.label(
            RichText::new(number)
                .size(theme::SMALL_PT)
                .color(theme::TEXT_DIM),
        );
    }
    line.with_layout(Layout::left_to_right(Align::Center), |ui| {
        widgets::line(ui, RichText::new(name).color(color));
    });
    if response.clicked() {
        act(context, MarkAction::GoTo(mark.id.clone()));
    }
    if selected {
        ui.indent(("mark", &mark.id.0), |ui| opened(context, ui, mark, kind));
    }
}

fn small_icon(ui: &mut Ui, icon: Icon) {
    let (rect, _) = ui.allocate_exact_size(Vec2::splat(13.0), Sense::hover());
    icons::paint(ui.painter(), rect, icon, theme::TEXT_FAINT);
}

/// What the selected mark is called, and all of its numbers.
fn opened(context: &mut UiContext<'_>, ui: &mut Ui, mark: &Annotation, kind: &str) {
    let words = context.language();
    let mut fields = std::mem::take(&mut context.state.marks.fields);
    let now = (mark.id.clone(), mark.label.clone(), mark.group.clone());
    if fields.of.as_ref() != Some(&now) {
        fields.label.clone_from(&mark.label);
        fields.group.clone_from(&mark.group);
        fields.of = Some(now);
    }
    ui.add_space(2.0);
    let mut change = None;
    ui.horizontal(|ui| {
        let field = TextEdit::singleline(&mut fields.label)
            .hint_text(context.word("mark-label"))
            .char_limit(super::writing::MAX_TEXT)
            .desired_width((ui.available_width() - 92.0).max(60.0));
        let response = ui.add_enabled(!mark.locked, field);
        if response.lost_focus() && fields.label.trim() != mark.label {
            // A text that was typed has the code of the list only where it is a word of it.
            let text = fields.label.trim();
            let code = exact(words, text).map(MarkLabel::code);
            change = Some(MarkChange::Label(text.to_owned(), code));
        }
        if mark.locked {
            return;
        }
        ui.menu_button(context.word("mark-labels"), |ui| {
            egui::ScrollArea::vertical()
                .max_height(360.0)
                .show(ui, |ui| {
                    for label in labels() {
                        let word = label.word(words);
                        let code = label.code();
                        let chosen = mark.code.as_ref() == Some(&code);
                        let response = ui.selectable_label(chosen, &word);
                        let response =
                            response.on_hover_text(format!("{} {}", code.scheme, code.value));
                        if response.clicked() {
                            change = Some(MarkChange::Label(word, Some(code)));
                            ui.close();
                        }
                    }
                });
        });
    });
    if let Some(code) = &mark.code {
        widgets::dim(
            ui,
            format!("{} {}  {}", code.scheme, code.value, code.meaning),
        );
    }
    let field = TextEdit::singleline(&mut fields.group)
        .hint_text(context.word("mark-group"))
        .char_limit(64)
        .desired_width(f32::INFINITY);
    if ui.add_enabled(!mark.locked, field).lost_focus() && fields.group.trim() != mark.group {
        change = Some(MarkChange::Group(fields.group.trim().to_owned()));
    }
    if !mark.locked
        && let Some(group) = crate::ui::lesions::role_menu(context, ui, &mark.group)
    {
        change = Some(MarkChange::Group(group.to_owned()));
    }
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 2.0;
        widgets::dim(ui, kind.to_owned());
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let buttons = [
                (Icon::Bin, "mark-delete", false, !mark.locked),
                (
                    if mark.hidden {
                        Icon::EyeShut
                    } else {
                        Icon::Eye
                    },
                    "mark-hide",
                    mark.hidden,
                    true,
                ),
                (Icon::Lock, "mark-lock", mark.locked, true),
            ];
            for (icon, key, on, enabled) in buttons {
                let name = words.word(key);
                let response = widgets::icon_button(ui, icon, name, enabled, on, theme::TEXT_DIM);
                if !response.on_hover_text(name).clicked() {
                    continue;
                }
                match icon {
                    Icon::Lock => change = Some(MarkChange::Lock(!mark.locked)),
                    Icon::Bin => act(context, MarkAction::Remove(mark.id.clone())),
                    _ => change = Some(MarkChange::Hide(!mark.hidden)),
                }
            }
        });
    });
    if let Some(found) = context.workspace.measuring.of(mark) {
        details::numbers_ui(context, ui, mark, found);
    }
    ui.add_space(6.0);
    context.state.marks.fields = fields;
    if let Some(change) = change {
        act(context, MarkAction::Change(mark.id.clone(), change));
    }
}
