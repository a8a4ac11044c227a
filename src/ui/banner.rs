//! The identity banner across the top: who, from the very object in the active cell; allergies from the record.

use super::study_list::table;
use super::{bands, context::UiContext, overlay_text, record_insight, theme, widgets};
use crate::{
    clinical::advice::safety::AlertKind,
    workspace::{Command, record_link::RecordState, view::Viewport},
};
use egui::{RichText, Ui};

/// The commands that say how far reading is, in the order of the work.
const STATUSES: [Command; 5] = [
    Command::MarkNew,
    Command::MarkInProgress,
    Command::MarkFlagged,
    Command::MarkPreliminary,
    Command::MarkFinal,
];

/// Draws the banner.
pub fn banner_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    let workspace = context.workspace;
    let words = context.language();
    ui.horizontal_centered(|ui| {
        let active = workspace.active_viewport();
        let shown = active.filter(|v| v.patient().is_some() && v.study().is_some());
        let Some(viewport) = shown else {
            ui.label(RichText::new(words.word("patient-none")).color(theme::TEXT_FAINT));
            return;
        };
        who_ui(context, ui, viewport);
        allergies(context, ui);
        status(context, ui);
    });
}

/// Whose picture a view shows: name, number, birth, sex, or that they are hidden.
pub(super) fn who_ui(context: &UiContext<'_>, ui: &mut Ui, viewport: &Viewport) {
    let workspace = context.workspace;
    let words = context.language();
    if let Some((patient, study)) = viewport.patient().zip(viewport.study()) {
        let identity = patient.as_ref();
        bands::band_ui(context, ui, identity, 18.0);
        if workspace.settings.hide_identity {
            ui.label(
                RichText::new(words.word("badge-identity-hidden"))
                    .strong()
                    .color(theme::WARN),
            );
        } else {
            let name = overlay_text::name_text(words, identity);
            ui.label(RichText::new(name).size(15.0).strong().color(theme::TEXT));
            let id = identity.id.reveal();
            if !id.is_empty() {
                ui.label(
                    RichText::new(words.tr("patient-id", &[("id", id.as_str().into())]))
                        .color(theme::TEXT_DIM),
                );
            }
            let born = overlay_text::birth_text(words, identity, study.date);
            if !born.is_empty() {
                ui.label(RichText::new(born).color(theme::TEXT_DIM));
            }
        }
        if identity.synthetic {
            widgets::tag(ui, words.word("badge-synthetic"), theme::ACCENT);
        }
        if workspace.several_patients() {
            widgets::tag(ui, words.word("banner-different-patients"), theme::WARN)
                .on_hover_text(words.word("banner-different-patients-detail"));
        }
    }
}

/// How far the reading of the shown study is; a menu to say so.
fn status(context: &mut UiContext<'_>, ui: &mut Ui) {
    let Some(study) = context.workspace.active_viewport().and_then(|v| v.study()) else {
        return;
    };
    let now = context.workspace.marks.read_status(&study.uid);
    ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
        let word = context.word(table::status_word(now));
        let text = RichText::new(word)
            .size(theme::SMALL_PT)
            .color(table::status_color(now));
        let menu = ui.menu_button(text, |ui| {
            for command in STATUSES {
                let on = command.read_status() == Some(now);
                if ui
                    .radio(on, context.word(command.row().message_key))
                    .clicked()
                {
                    context.run(command);
                    ui.close();
                }
            }
        });
        menu.response
            .on_hover_text(context.word("list-column-status"));
        let (rect, _) = ui.allocate_exact_size(egui::vec2(12.0, 18.0), egui::Sense::hover());
        table::sign(ui, rect, now);
    });
}

fn allergies(context: &UiContext<'_>, ui: &mut Ui) {
    let words = context.language();
    match context.workspace.record.state().0 {
        RecordState::Found {
            record,
            insight,
            sure: true,
        } => {
            record_insight::banner_alerts(context, ui, insight);
            // What the alerts say of contrast media is not said twice.
            let contrast = |name: &str| {
                insight
                    .alerts
                    .iter()
                    .any(|a| a.kind == AlertKind::ContrastAllergy && a.subject.english == name)
            };
            let active: Vec<&str> = record
                .allergies
                .iter()
                .filter(|a| a.status != "resolved" && a.status != "inactive")
                .map(|a| a.code.display.as_str())
                .filter(|name| !contrast(name))
                .collect();
            if active.is_empty() {
                return;
            }
            let named = |count: usize| {
                let mut text = format!(
                    "{}: {}",
                    words.word("panel-allergies"),
                    active.get(..count).unwrap_or_default().join(", ")
                );
                if active.len() > count {
                    text.push_str(&format!(" +{}", active.len() - count));
                }
                text
            };
            // As many names as there is room for, one at least.
            let count = (1..=active.len().min(3))
                .rev()
                .find(|n| record_insight::fits(ui, &named(*n)))
                .unwrap_or(1);
            widgets::tag(ui, &named(count), theme::WARN).on_hover_text(active.join("\n"));
        }
        RecordState::Mismatch => {
            widgets::tag(ui, words.word("panel-mismatch"), theme::ERROR);
        }
        _ => {}
    }
}
