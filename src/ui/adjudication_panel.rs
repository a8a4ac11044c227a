//! Adjudication: two readers side by side, where they differ, and what is taken over.

use super::{context::UiContext, theme, widgets};
use crate::{
    model::labelling::Answer,
    workspace::{Action, adjudicating::AdjudicateAction},
};
use egui::{RichText, Ui};

fn act(context: &mut UiContext<'_>, action: AdjudicateAction) {
    context.actions.push(Action::Adjudicate(action));
}

fn name(context: &UiContext<'_>, reader: &str) -> String {
    match reader.is_empty() {
        true => context.word("reader-owner").to_owned(),
        false => reader.to_owned(),
    }
}

fn answer(context: &UiContext<'_>, answer: Option<Answer>) -> String {
    match answer {
        None => "–".to_owned(),
        Some(Answer::Tag) => context.word("answer-yes").to_owned(),
        Some(Answer::Grade(grade)) => grade.to_string(),
    }
}

/// Draws the section; nothing where there are no two readers to compare.
pub(super) fn adjudication_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    let workspace = context.workspace;
    let compared = workspace.adjudicating.readers.clone();
    if compared.is_none() && !workspace.may_adjudicate() {
        return;
    }
    let others = workspace.other_readers();
    if compared.is_none() && others.len() < 2 {
        return;
    }
    widgets::section(ui, context.word("adjudication"), None);
    let mut chosen = compared
        .clone()
        .or_else(|| Some([others.first()?.clone(), others.get(1)?.clone()]))
        .unwrap_or_default();
    let before = chosen.clone();
    ui.horizontal_wrapped(|ui| {
        for (at, reader) in chosen.iter_mut().enumerate() {
            let side = match at {
                0 => "adjudication-left",
                _ => "adjudication-right",
            };
            egui::ComboBox::from_id_salt(("reader", at))
                .width(96.0)
                .selected_text(name(context, reader))
                .show_ui(ui, |ui| {
                    for other in &others {
                        ui.selectable_value(reader, other.clone(), name(context, other));
                    }
                })
                .response
                .on_hover_text(context.word(side));
        }
        if compared.is_none() {
            if ui.button(context.word("adjudication-begin")).clicked() {
                act(context, AdjudicateAction::Compare(chosen.clone()));
            }
        } else {
            if chosen != before {
                act(context, AdjudicateAction::Compare(chosen.clone()));
            }
            if ui.button(context.word("adjudication-end")).clicked() {
                act(context, AdjudicateAction::End);
            }
        }
    });
    if compared.is_none() {
        return;
    }
    let rows = workspace.compared();
    if !rows.is_empty() {
        egui::Grid::new("adjudication")
            .num_columns(4)
            .striped(true)
            .show(ui, |ui| {
                widgets::dim(ui, "");
                for reader in &before {
                    widgets::dim(ui, name(context, reader));
                }
                widgets::dim(ui, context.word("adjudication-taken"));
                ui.end_row();
                for row in &rows {
                    let [left, right] = row.said;
                    let color = match left == right {
                        true => theme::TEXT,
                        false => theme::WARN,
                    };
                    widgets::line(ui, RichText::new(&row.name).color(color));
                    for said in row.said {
                        ui.label(RichText::new(answer(context, said)).color(color));
                    }
                    ui.label(RichText::new(answer(context, row.taken)).color(theme::TEXT));
                    ui.end_row();
                }
            });
    }
    super::segments::judging_ui(context, ui);
    ui.add_space(4.0);
    ui.horizontal_wrapped(|ui| {
        for (at, reader) in before.iter().enumerate() {
            let text = context.tr(
                "adjudication-take",
                &[("reader", name(context, reader).as_str().into())],
            );
            if ui.button(text).clicked() {
                act(context, AdjudicateAction::Take(at));
            }
        }
        let merge = ui.button(context.word("adjudication-merge"));
        if merge
            .on_hover_text(context.word("adjudication-merge-tip"))
            .clicked()
        {
            act(context, AdjudicateAction::Merge);
        }
    });
}
