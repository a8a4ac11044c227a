//! What the window says about saving: the state in the status line, the red line when the disk refuses, the
//! question for the passphrase of the store, and the question before closing with something unsaved.
//!
//! Must stay true: "Saved" is shown only in the state that the store's thread reported (safety S26).

use super::{context::UiContext, theme, unlock, widgets};
use crate::workspace::{
    Action,
    keeper::{OpenFailure, Problem, Unkept},
    marks::{SaveState, clock_seconds},
};
use egui::{Button, Color32, Key, RichText, Sense, TextEdit, Ui, vec2};
use zeroize::Zeroizing;

/// Width of the questions, points.
const WIDTH: f32 = 440.0;

/// What is typed into the question for the passphrase; never printed.
#[derive(Default)]
pub struct StoreField {
    typed: Zeroizing<String>,
    again: Zeroizing<String>,
    shown: bool,
    open: bool,
    /// This computer is to remember the key.
    remember: bool,
}

impl std::fmt::Debug for StoreField {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

/// The state of saving as words and colour.
fn state_words(context: &UiContext<'_>) -> (String, Color32) {
    let marks = &context.workspace.marks;
    match marks.state() {
        SaveState::Saved { at_ms: Some(at_ms) } => {
            let time = clock_seconds(at_ms);
            let text = context.tr("status-saved", &[("time", time.as_str().into())]);
            (text, theme::TEXT_DIM)
        }
        SaveState::Saved { at_ms: None } => (context.word("save-ready").into(), theme::TEXT_DIM),
        SaveState::Saving => (context.word("save-saving").into(), theme::TEXT_DIM),
        SaveState::Opening => (context.word("save-opening").into(), theme::TEXT_DIM),
        SaveState::NotSaved { reason } => (context.word(problem_key(reason)).into(), theme::ERROR),
        SaveState::NothingKept(unkept) => {
            let key = match unkept {
                Unkept::NoStore => "save-nothing-kept",
                Unkept::InUse => "save-in-use",
                Unkept::Damaged => "save-damaged",
            };
            let color = match (unkept, marks.unsaved()) {
                (Unkept::NoStore, 0) => theme::TEXT_FAINT,
                _ => theme::WARN,
            };
            (context.word(key).into(), color)
        }
    }
}

const fn problem_key(problem: Problem) -> &'static str {
    match problem {
        Problem::DiskFull => "save-disk-full",
        Problem::Denied => "save-denied",
        Problem::Disk => "save-disk",
        Problem::Invalid => "save-invalid",
        Problem::NotAllowed => "save-not-allowed",
        Problem::Stopped => "save-stopped",
    }
}

const fn advice_key(problem: Problem) -> &'static str {
    match problem {
        Problem::DiskFull => "save-disk-full-advice",
        Problem::Denied => "save-denied-advice",
        Problem::Disk => "save-disk-advice",
        Problem::Invalid => "save-invalid-advice",
        Problem::NotAllowed => "save-not-allowed-advice",
        Problem::Stopped => "save-stopped-advice",
    }
}

/// The state in the status line; a click asks for the store where nothing is kept.
pub fn save_state_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    if let Some(due) = context.workspace.note_due() {
        ui.ctx().request_repaint_after(due);
    }
    let (text, color) = state_words(context);
    let words = RichText::new(text).size(theme::SMALL_PT).color(color);
    let marks = &context.workspace.marks;
    let can_ask = !marks.is_kept() && !marks.is_opening() && marks.place.is_some();
    let response = ui.add(egui::Label::new(words).sense(if can_ask {
        Sense::click()
    } else {
        Sense::hover()
    }));
    let tip = match marks.state() {
        SaveState::NotSaved { reason } => context.word(advice_key(reason)),
        SaveState::NothingKept(Unkept::NoStore) => context.word("save-nothing-kept-tip"),
        SaveState::NothingKept(Unkept::InUse) => context.word("save-in-use-tip"),
        SaveState::NothingKept(Unkept::Damaged) => context.word("save-damaged-tip"),
        _ => context.word("save-saved-tip"),
    };
    if response.on_hover_text(tip).clicked() {
        context.actions.push(Action::AskStore);
    }
}

/// Whether the red line is to be drawn.
pub fn has_alarm(context: &UiContext<'_>) -> bool {
    matches!(context.workspace.marks.state(), SaveState::NotSaved { .. })
}

/// The red line: what is not saved, why, and what to do.
pub fn alarm_ui(context: &UiContext<'_>, ui: &mut Ui) {
    let SaveState::NotSaved { reason } = context.workspace.marks.state() else {
        return;
    };
    ui.horizontal_centered(|ui| {
        let word = RichText::new(context.word(problem_key(reason)));
        ui.label(word.strong().color(theme::ERROR));
        ui.add_space(6.0);
        let word = RichText::new(context.word(advice_key(reason))).color(theme::TEXT);
        widgets::line(ui, word);
    });
}

/// The question for the passphrase of the store.
pub fn store_question_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    let marks = &context.workspace.marks;
    let (Some(asking), Some(place)) = (marks.asking.clone(), marks.place.clone()) else {
        if context.state.store_field.open {
            context.state.store_field = StoreField::default();
            for name in [
                "the passphrase of the store",
                "again the passphrase of the store",
            ] {
                unlock::forget_typed(ui, egui::Id::unique(name));
            }
        }
        return;
    };
    let trying = marks.is_opening();
    let mut field = std::mem::take(&mut context.state.store_field);
    let first = !std::mem::replace(&mut field.open, true);
    let (mut open, mut leave) = (false, false);
    let frame = egui::Frame::popup(ui.style()).inner_margin(16.0);
    let modal = egui::Modal::new(egui::Id::unique("question for the store")).frame(frame);
    modal.show(ui.ctx(), |ui| {
        ui.set_width(WIDTH.min(ui.ctx().content_rect().width() - 40.0));
        ui.heading(context.word("save-store-title"));
        ui.add_space(6.0);
        let key = if place.exists {
            "save-store-text"
        } else {
            "save-store-text-new"
        };
        ui.label(RichText::new(context.word(key)).color(theme::TEXT));
        ui.add_space(10.0);
        let entered = passphrase_field(
            context,
            ui,
            ("the passphrase of the store", "unlock-field"),
            (&mut *field.typed, field.shown),
            first,
        );
        let mut entered_again = false;
        if !place.exists {
            ui.add_space(4.0);
            entered_again = passphrase_field(
                context,
                ui,
                ("again the passphrase of the store", "save-store-again"),
                (&mut *field.again, field.shown),
                false,
            );
        }
        ui.scope(|ui| {
            ui.visuals_mut().widgets.inactive.bg_stroke = egui::Stroke::new(1.0, theme::TEXT_FAINT);
            ui.checkbox(&mut field.shown, context.word("unlock-show"));
            ui.checkbox(&mut field.remember, context.word("save-store-remember"))
                .on_hover_text(context.word("save-store-remember-tip"));
        });
        let same = place.exists || field.typed == field.again;
        let (key, color) = match (trying, asking.failed, same) {
            (true, ..) => ("unlock-trying", theme::TEXT_DIM),
            (_, _, false) if !field.again.is_empty() => ("save-store-differ", theme::WARN),
            (_, Some(OpenFailure::WrongPassphrase), _) => ("save-store-wrong", theme::ERROR),
            (_, Some(OpenFailure::Wait(_)), _) => ("lock-wait", theme::ERROR),
            (_, Some(OpenFailure::Newer), _) => ("save-store-newer", theme::ERROR),
            (_, Some(OpenFailure::Damaged), _) => ("save-store-broken", theme::ERROR),
            (_, Some(_), _) => ("save-store-refused", theme::ERROR),
            _ => ("save-store-privacy", theme::TEXT_DIM),
        };
        ui.add_space(2.0);
        let word = RichText::new(context.word(key));
        ui.label(word.size(theme::SMALL_PT).color(color));
        ui.add_space(12.0);
        ui.horizontal(|ui| {
            let ready = !trying && !field.typed.is_empty() && same;
            let word = RichText::new(context.word("save-store-open"));
            let button = Button::new(word.color(theme::APP).strong())
                .fill(theme::ACCENT)
                .min_size(vec2(96.0, 30.0));
            open = ui.add_enabled(ready, button).clicked() || (ready && (entered || entered_again));
            let button = Button::new(context.word("save-store-leave")).min_size(vec2(96.0, 30.0));
            leave = ui.add(button).clicked() || ui.input(|i| i.key_pressed(Key::Escape));
        });
    });
    if leave {
        field = StoreField::default();
        context.actions.push(Action::KeepNothing);
    } else if open {
        let passphrase = crate::model::passphrase::Passphrase::new(field.typed.as_bytes());
        context.actions.push(Action::RememberKey(field.remember));
        context.actions.push(Action::OpenStore(passphrase));
    }
    context.state.store_field = field;
}

/// A field with its label; whether Enter was pressed in it.
fn passphrase_field(
    context: &UiContext<'_>,
    ui: &mut Ui,
    (id, label): (&str, &'static str),
    (typed, shown): (&mut String, bool),
    focus: bool,
) -> bool {
    let label = ui.label(RichText::new(context.word(label)).color(theme::TEXT_DIM));
    let edit = TextEdit::singleline(typed)
        .id(egui::Id::unique(id))
        .password(!shown)
        .align(egui::Align2::LEFT_CENTER)
        .desired_width(f32::INFINITY);
    let response = ui
        .add_sized(vec2(ui.available_width(), 30.0), edit)
        .labelled_by(label.id);
    if focus {
        response.request_focus();
    }
    response.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter))
}

/// The question before the window closes with something that is on no disk.
pub fn closing_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    let marks = &context.workspace.marks;
    if !marks.closing || marks.asking.is_some() {
        return;
    }
    let (count, can_ask) = (marks.unsaved(), !marks.is_kept() && marks.place.is_some());
    let frame = egui::Frame::popup(ui.style()).inner_margin(16.0);
    let modal = egui::Modal::new(egui::Id::unique("closing")).frame(frame);
    modal.show(ui.ctx(), |ui| {
        ui.set_width(WIDTH.min(ui.ctx().content_rect().width() - 40.0));
        ui.heading(context.word("save-closing-title"));
        ui.add_space(6.0);
        let text = context.tr("save-closing-text", &[("count", count.into())]);
        ui.label(RichText::new(text).color(theme::TEXT));
        if let SaveState::NotSaved { reason } = marks.state() {
            let word = RichText::new(context.word(advice_key(reason)));
            ui.label(word.color(theme::ERROR));
        }
        ui.add_space(12.0);
        ui.horizontal(|ui| {
            let stay = RichText::new(context.word("save-closing-stay"));
            let button = Button::new(stay.color(theme::APP).strong())
                .fill(theme::ACCENT)
                .min_size(vec2(96.0, 30.0));
            if ui.add(button).clicked() || ui.input(|i| i.key_pressed(Key::Escape)) {
                context.actions.push(Action::StayOpen);
            }
            if can_ask {
                let button = Button::new(context.word("save-closing-keep"));
                if ui.add(button.min_size(vec2(96.0, 30.0))).clicked() {
                    context.actions.push(Action::AskStore);
                }
            }
            let lose = RichText::new(context.word("save-closing-lose")).color(theme::ERROR);
            if ui
                .add(Button::new(lose).min_size(vec2(96.0, 30.0)))
                .clicked()
            {
                context.actions.push(Action::CloseAnyway);
            }
        });
    });
}
