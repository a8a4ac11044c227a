//! Asking before views of different patients are linked (safety S3).

use super::{
    context::UiContext,
    icons::{self, Icon},
    overlay_text::name_text,
    theme,
};
use crate::workspace::Action;
use egui::{Button, Key, RichText, Sense, Ui, Vec2, vec2};

/// Draws the question when there is one.
pub fn link_question_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    let workspace = context.workspace;
    if !workspace.linking.asking {
        return;
    }
    let mut answer = None;
    let frame = egui::Frame::popup(ui.style()).inner_margin(16.0);
    let modal = egui::Modal::new(egui::Id::unique("link question")).frame(frame);
    let shown = modal.show(ui.ctx(), |ui| {
        ui.set_width(420.0_f32.min(ui.ctx().content_rect().width() - 40.0));
        ui.horizontal(|ui| {
            let (rect, _) = ui.allocate_exact_size(Vec2::splat(22.0), Sense::hover());
            icons::paint(ui.painter(), rect, Icon::Warning, theme::WARN);
            ui.heading(context.word("link-question-title"));
        });
        ui.add_space(6.0);
        ui.label(RichText::new(context.word("link-question-text")).color(theme::TEXT));
        ui.add_space(8.0);
        for cell in workspace.visible_cells() {
            let Some(patient) = workspace.viewports.get(cell).and_then(|v| v.patient()) else {
                continue;
            };
            let number = [("number", (cell + 1).into())];
            let view = context.tr("viewport-name", &number);
            let who = if workspace.settings.hide_identity {
                context.word("badge-identity-hidden").to_owned()
            } else {
                let id = patient.id.reveal();
                format!("{}  {id}", name_text(context.language(), patient))
            };
            ui.horizontal(|ui| {
                super::bands::band_ui(context, ui, patient, 16.0);
                ui.label(RichText::new(format!("{view}  {who}")).color(theme::TEXT));
            });
        }
        ui.add_space(12.0);
        ui.horizontal(|ui| {
            let word = RichText::new(context.word("link-question-yes"))
                .color(theme::APP)
                .strong();
            let button = Button::new(word)
                .fill(theme::WARN)
                .min_size(vec2(96.0, 30.0));
            if ui.add(button).clicked() {
                answer = Some(true);
            }
            let button = Button::new(context.word("link-question-no")).min_size(vec2(96.0, 30.0));
            if ui.add(button).clicked() || ui.input(|i| i.key_pressed(Key::Escape)) {
                answer = Some(false);
            }
        });
    });
    if answer.is_none() && shown.should_close() {
        answer = Some(false);
    }
    if let Some(yes) = answer {
        context.actions.push(Action::AnswerLink(yes));
    }
}
