//! The question before two patients stand side by side (safety S3).

use super::{bands, context::UiContext, overlay_text, theme, widgets};
use crate::{model::identity::PatientIdentity, workspace::Action};
use egui::{Button, Key, RichText, Ui, vec2};

/// Draws the question when there is one.
pub fn mixing_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    let Some((_, _, new, there)) = context.workspace.mixing.asking.clone() else {
        return;
    };
    let (mut yes, mut no) = (false, false);
    let frame = egui::Frame::popup(ui.style()).inner_margin(16.0);
    let modal = egui::Modal::new(egui::Id::unique("mixing")).frame(frame);
    let response = modal.show(ui.ctx(), |ui| {
        ui.set_width(420.0_f32.min(ui.ctx().content_rect().width() - 40.0));
        ui.heading(context.word("mixing-title"));
        ui.add_space(6.0);
        ui.label(RichText::new(context.word("mixing-text")).color(theme::TEXT));
        ui.add_space(8.0);
        widgets::dim(ui, context.word("mixing-there"));
        person(context, ui, &there);
        ui.add_space(6.0);
        widgets::dim(ui, context.word("mixing-new"));
        person(context, ui, &new);
        ui.add_space(14.0);
        ui.horizontal(|ui| {
            // What is safe stands first and has the focus's look.
            let word = RichText::new(context.word("mixing-leave"))
                .color(theme::APP)
                .strong();
            let leave = Button::new(word)
                .fill(theme::ACCENT)
                .min_size(vec2(120.0, 30.0));
            no = ui.add(leave).clicked() || ui.input(|i| i.key_pressed(Key::Escape));
            let show = Button::new(context.word("mixing-show")).min_size(vec2(120.0, 30.0));
            yes = ui.add(show).clicked();
        });
    });
    if yes {
        context.actions.push(Action::AnswerMixing(true));
    } else if no || response.should_close() {
        context.actions.push(Action::AnswerMixing(false));
    }
}

/// A patient in the colour that frames the cells: name, number, day of birth, or that they are hidden.
fn person(context: &UiContext<'_>, ui: &mut Ui, patient: &PatientIdentity) {
    let words = context.language();
    ui.horizontal(|ui| {
        bands::band_ui(context, ui, patient, 18.0);
        if context.workspace.settings.hide_identity {
            ui.label(RichText::new(words.word("badge-identity-hidden")).color(theme::WARN));
            return;
        }
        let name = overlay_text::name_text(words, patient);
        ui.label(RichText::new(name).strong().color(theme::TEXT));
        let id = patient.id.reveal();
        if !id.is_empty() {
            let text = words.tr("patient-id", &[("id", id.as_str().into())]);
            ui.label(RichText::new(text).color(theme::TEXT_DIM));
        }
        let born = overlay_text::birth_text(words, patient, None);
        if !born.is_empty() {
            ui.label(RichText::new(born).color(theme::TEXT_DIM));
        }
    });
}
