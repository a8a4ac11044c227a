//! What somebody has to say of a record: whose files are, and which facts came twice.

use super::{context::UiContext, overlay_text, theme, widgets};
use crate::{
    clinical::duplicates::{Candidate, Review},
    workspace::{Action, record_link::RecordState},
};
use egui::{RichText, Ui};

/// Most pairs that are listed at once.
const MOST: usize = 30;

/// Asks whose files are that do not say it.
pub(super) fn whose_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    let count = context.workspace.record.whose();
    if count == 0 {
        return;
    }
    let hidden = context.workspace.settings.hide_identity;
    let name = match context.workspace.record.state().0 {
        RecordState::Found {
            record, sure: true, ..
        } if !hidden => Some(overlay_text::name_text(
            context.language(),
            &record.identity,
        )),
        _ => None,
    };
    let frame = egui::Frame::new()
        .stroke(egui::Stroke::new(1.0, theme::WARN))
        .corner_radius(4.0)
        .inner_margin(10.0);
    ui.add_space(8.0);
    frame.show(ui, |ui| {
        ui.label(
            RichText::new(context.tr("panel-whose", &[("count", count.into())])).color(theme::TEXT),
        );
        if name.is_none() {
            widgets::dim(ui, context.word("panel-whose-nobody"));
        }
        ui.horizontal_wrapped(|ui| {
            if let Some(name) = &name {
                let text = context.tr("panel-whose-take", &[("name", name.as_str().into())]);
                if ui.button(text).clicked() {
                    context.actions.push(Action::AnswerWhose(true));
                }
            }
            if ui.button(context.word("panel-whose-leave")).clicked() {
                context.actions.push(Action::AnswerWhose(false));
            }
        });
    });
}

/// Pairs that look like one fact, and those that were merged.
pub(super) fn duplicates_ui(context: &mut UiContext<'_>, ui: &mut Ui, review: &Review) {
    for (title, pairs, join) in [
        ("panel-duplicates", &review.pairs, true),
        ("panel-merged", &review.merged, false),
    ] {
        if pairs.is_empty() {
            continue;
        }
        widgets::section(ui, context.word(title), Some(pairs.len()));
        for candidate in pairs.iter().take(MOST) {
            row(context, ui, candidate, join);
        }
        if pairs.len() > MOST {
            let count = [("count", (pairs.len() - MOST).into())];
            widgets::dim(ui, context.tr("panel-more", &count));
        }
    }
}

fn row(context: &mut UiContext<'_>, ui: &mut Ui, candidate: &Candidate, join: bool) {
    ui.horizontal(|ui| {
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let key = if join {
                "panel-duplicates-merge"
            } else {
                "panel-merged-part"
            };
            let word = RichText::new(context.word(key)).size(theme::SMALL_PT);
            if ui.button(word).clicked() {
                context.actions.push(Action::MergeFacts {
                    pair: candidate.pair.clone(),
                    join,
                });
            }
            ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                let text = format!("{}  {}", candidate.day, candidate.words);
                let response = widgets::line(ui, RichText::new(text.trim()).color(theme::TEXT));
                let how = match (join, candidate.pair.exact) {
                    (false, _) => return,
                    (true, true) => "panel-duplicates-equal",
                    (true, false) => "panel-duplicates-alike",
                };
                response.on_hover_text(format!("{}\n{}", candidate.words, context.word(how)));
            });
        });
    });
}
