//! Asking for the passphrase of an encrypted archive. What is typed is wiped when the question goes.

use super::{
    context::UiContext,
    icons::{self, Icon},
    theme, widgets,
};
use crate::{model::passphrase::Passphrase, workspace::Action};
use egui::{Button, Key, RichText, Sense, Stroke, TextEdit, Ui, Vec2, vec2};
use std::fmt;
use zeroize::Zeroizing;

/// Width of the question, points.
const WIDTH: f32 = 420.0;

/// The field and what is typed in it; never printed.
#[derive(Default)]
pub struct PassphraseField {
    typed: Zeroizing<String>,
    /// It is shown in clear.
    shown: bool,
    /// The question was there in the last frame.
    open: bool,
}

impl fmt::Debug for PassphraseField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Draws the question when there is one.
pub fn unlock_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    let id = egui::Id::unique("passphrase");
    let Some(asking) = context.workspace.passphrases.asking.clone() else {
        if context.state.passphrase.open {
            context.state.passphrase = PassphraseField::default();
            // The toolkit remembers what was typed, to undo it.
            egui::text_edit::TextEditState::default().store(ui.ctx(), id);
        }
        return;
    };
    let mut field = std::mem::take(&mut context.state.passphrase);
    let first = !std::mem::replace(&mut field.open, true);
    let trying = asking.is_trying();
    let (mut unlock, mut leave) = (false, false);
    let frame = egui::Frame::popup(ui.style()).inner_margin(16.0);
    let modal = egui::Modal::new(egui::Id::unique("unlock")).frame(frame);
    modal.show(ui.ctx(), |ui| {
        ui.set_width(WIDTH.min(ui.ctx().content_rect().width() - 40.0));
        ui.horizontal(|ui| {
            let (rect, _) = ui.allocate_exact_size(Vec2::splat(22.0), Sense::hover());
            icons::paint(ui.painter(), rect, Icon::Lock, theme::ACCENT);
            ui.heading(context.word("unlock-title"));
        });
        ui.add_space(6.0);
        if !context.workspace.settings.hide_identity {
            let name = asking.locked.path.file_name().unwrap_or_default();
            widgets::line(
                ui,
                RichText::new(name.to_string_lossy())
                    .strong()
                    .color(theme::TEXT),
            );
        }
        let count = [("count", asking.locked.members.into())];
        ui.label(RichText::new(context.tr("unlock-text", &count)).color(theme::TEXT));
        ui.add_space(10.0);
        let label = ui.label(RichText::new(context.word("unlock-field")).color(theme::TEXT_DIM));
        let edit = TextEdit::singleline(&mut *field.typed)
            .id(id)
            .password(!field.shown)
            .align(egui::Align2::LEFT_CENTER)
            .desired_width(f32::INFINITY);
        let response = ui
            .add_sized(vec2(ui.available_width(), 30.0), edit)
            .labelled_by(label.id);
        if first {
            response.request_focus();
        }
        let entered = response.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
        ui.scope(|ui| {
            // The box stands on the panel itself and needs an edge to be seen.
            ui.visuals_mut().widgets.inactive.bg_stroke = Stroke::new(1.0, theme::TEXT_FAINT);
            ui.checkbox(&mut field.shown, context.word("unlock-show"));
        });
        let (text, color) = match (trying, asking.wrong) {
            (true, _) => (context.word("unlock-trying"), theme::TEXT_DIM),
            (false, true) => (context.word("unlock-wrong"), theme::ERROR),
            (false, false) => (context.word("unlock-privacy"), theme::TEXT_DIM),
        };
        ui.add_space(2.0);
        ui.label(RichText::new(text).size(theme::SMALL_PT).color(color));
        ui.add_space(12.0);
        ui.horizontal(|ui| {
            let ready = !trying && !field.typed.is_empty();
            let word = RichText::new(context.word("unlock-open"))
                .color(theme::APP)
                .strong();
            let button = Button::new(word)
                .fill(theme::ACCENT)
                .min_size(vec2(96.0, 30.0));
            unlock = ui.add_enabled(ready, button).clicked() || (ready && entered);
            let button = Button::new(context.word("unlock-leave")).min_size(vec2(96.0, 30.0));
            leave = ui.add(button).clicked() || ui.input(|i| i.key_pressed(Key::Escape));
        });
        if entered && !unlock {
            response.request_focus();
        }
    });
    if leave {
        field.typed = Zeroizing::default();
        context.actions.push(Action::LeaveLocked);
    } else if unlock {
        let passphrase = Passphrase::new(field.typed.as_bytes());
        // The next attempt begins with an empty field that has the focus.
        field = PassphraseField {
            shown: field.shown,
            ..PassphraseField::default()
        };
        egui::text_edit::TextEditState::default().store(ui.ctx(), id);
        context.actions.push(Action::TryPassphrase(passphrase));
    }
    context.state.passphrase = field;
}

/// Makes the toolkit forget what was typed into a field, which it remembers to undo it.
pub fn forget_typed(ui: &Ui, id: egui::Id) {
    egui::text_edit::TextEditState::default().store(ui.ctx(), id);
}

/// The button that asks again for what was left locked; whether it was pressed.
pub fn again_ui(context: &UiContext<'_>, ui: &mut Ui) -> bool {
    let word = RichText::new(context.word("unlock-again")).size(theme::SMALL_PT);
    let button = Button::new(word).min_size(vec2(ui.available_width(), 26.0));
    ui.add(button).clicked()
}
