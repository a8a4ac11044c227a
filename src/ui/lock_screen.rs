//! The locked window: nothing of what is open, and the way back. And the question why more is to be allowed.

use super::{
    context::{UiContext, UiState},
    icons::{self, Icon},
    theme, unlock, widgets,
};
use crate::{
    model::passphrase::Passphrase,
    workspace::{Action, Workspace, access::StaysLocked},
};
use egui::{
    Align, Button, CentralPanel, Frame, Key, Layout, RichText, Sense, TextEdit, Ui, Vec2, vec2,
};
use std::{fmt, time::Duration};
use zeroize::Zeroizing;

/// Width of the field, points.
const WIDTH: f32 = 360.0;

/// What is typed on the locked window, and since when nobody did anything.
#[derive(Default)]
pub struct LockField {
    typed: Zeroizing<String>,
    /// The reason that is typed for more rights.
    reason: String,
    /// On the clock of the toolkit, seconds.
    last_hand: Option<f64>,
    open: bool,
}

impl fmt::Debug for LockField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

const FIELD: &str = "the passphrase of the locked window";

/// Draws the locked window in the place of everything.
pub fn lock_screen_ui(workspace: &Workspace, state: &mut UiState, ui: &mut Ui) -> Vec<Action> {
    let mut context = UiContext {
        workspace,
        state,
        actions: Vec::new(),
    };
    // What was open over the window would still be there behind it.
    context.state.palette = None;
    context.state.help = false;
    context.state.deid_dialog = None;
    let mut field = std::mem::take(&mut context.state.lock_field);
    let first = !std::mem::replace(&mut field.open, true);
    let access = &workspace.access;
    let mut unlock = false;
    CentralPanel::default()
        .frame(Frame::new().fill(theme::APP))
        .show(ui, |ui| {
            let height = ui.available_height();
            ui.add_space((height * 0.5 - 130.0).max(10.0));
            ui.with_layout(Layout::top_down(Align::Center), |ui| {
                let (rect, _) = ui.allocate_exact_size(Vec2::splat(40.0), Sense::hover());
                icons::paint(ui.painter(), rect, Icon::Lock, theme::ACCENT);
                ui.add_space(8.0);
                ui.heading(context.word("lock-title"));
                let who = access.who.as_ref().map_or("", |(name, _)| name.as_str());
                let text = context.tr("lock-text", &[("name", who.into())]);
                ui.label(RichText::new(text).color(theme::TEXT_DIM));
                ui.add_space(14.0);
                ui.set_max_width(WIDTH);
                let label =
                    ui.label(RichText::new(context.word("unlock-field")).color(theme::TEXT_DIM));
                let edit = TextEdit::singleline(&mut *field.typed)
                    .id(egui::Id::unique(FIELD))
                    .password(true)
                    .align(egui::Align2::CENTER_CENTER)
                    .desired_width(WIDTH);
                let response = ui.add_sized(vec2(WIDTH, 30.0), edit).labelled_by(label.id);
                if first {
                    response.request_focus();
                }
                let entered = response.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
                let (text, color) = match (access.trying, access.failed) {
                    (true, _) => (context.word("unlock-trying").to_owned(), theme::TEXT_DIM),
                    (_, Some(StaysLocked::WrongPassphrase)) => {
                        (context.word("lock-wrong").to_owned(), theme::ERROR)
                    }
                    (_, Some(StaysLocked::Wait(_))) => {
                        (context.word("lock-wait").to_owned(), theme::ERROR)
                    }
                    (_, Some(StaysLocked::Refused)) => {
                        (context.word("save-store-refused").to_owned(), theme::ERROR)
                    }
                    _ => (context.word("lock-kept").to_owned(), theme::TEXT_DIM),
                };
                ui.label(RichText::new(text).size(theme::SMALL_PT).color(color));
                ui.add_space(10.0);
                let ready = !access.trying && !field.typed.is_empty();
                let word = context.word("lock-unlock");
                unlock = widgets::main_button(ui, word, ready).clicked() || (ready && entered);
            });
        });
    field.last_hand = Some(ui.input(|i| i.time));
    if unlock {
        let passphrase = Passphrase::new(field.typed.as_bytes());
        context.actions.push(Action::TryUnlock(passphrase));
        field.typed = Zeroizing::default();
        unlock::forget_typed(ui, egui::Id::unique(FIELD));
        field.open = false;
    }
    context.state.lock_field = field;
    context.actions
}

/// Locks the window when nobody did anything for long. Looks again when that may be.
pub fn watch_idle(context: &mut UiContext<'_>, ctx: &egui::Context) {
    let workspace = context.workspace;
    let minutes = workspace.settings.lock_after_minutes;
    let (now, hands) = ctx.input(|i| (i.time, !i.events.is_empty() || i.pointer.is_moving()));
    let last = *context.state.lock_field.last_hand.get_or_insert(now);
    // A hand that comes back to a window that was to be locked finds it locked, also where no frame was drawn meanwhile.
    let patience = f64::from(minutes) * 60.0;
    if minutes > 0 && workspace.can_lock() {
        if now - last >= patience {
            context.actions.push(Action::Lock);
        }
        let since = if hands { now } else { last };
        let left = Duration::try_from_secs_f64(since + patience - now).unwrap_or_default();
        ctx.request_repaint_after(left);
    }
    if hands {
        context.state.lock_field.last_hand = Some(now);
    }
}

/// The question for the reason why more is to be allowed.
pub fn reason_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    if !context.workspace.access.asking_reason {
        return;
    }
    let mut reason = std::mem::take(&mut context.state.lock_field.reason);
    let (mut go, mut close) = (false, false);
    let frame = egui::Frame::popup(ui.style()).inner_margin(16.0);
    let modal = egui::Modal::new(egui::Id::unique("break glass")).frame(frame);
    let modal = modal.show(ui.ctx(), |ui| {
        ui.set_width((WIDTH + 60.0).min(ui.ctx().content_rect().width() - 40.0));
        ui.heading(context.word("glass-title"));
        ui.add_space(6.0);
        ui.label(RichText::new(context.word("glass-text")).color(theme::TEXT));
        ui.add_space(8.0);
        let label = ui.label(RichText::new(context.word("glass-reason")).color(theme::TEXT_DIM));
        let edit = TextEdit::singleline(&mut reason)
            .id(egui::Id::unique("glass reason"))
            .desired_width(f32::INFINITY);
        ui.add(edit).labelled_by(label.id).request_focus();
        ui.add_space(10.0);
        ui.horizontal(|ui| {
            let ready = reason.trim().chars().count() >= 3;
            let word = RichText::new(context.word("glass-break")).color(theme::ERROR);
            let button = Button::new(word).min_size(vec2(96.0, 30.0));
            go = ui.add_enabled(ready, button).clicked();
            let button = Button::new(context.word("button-cancel")).min_size(vec2(96.0, 30.0));
            close = ui.add(button).clicked();
        });
    });
    if go {
        let said = std::mem::take(&mut reason);
        context.actions.push(Action::BreakGlass(Some(said)));
    } else if close || modal.should_close() {
        reason.clear();
        context.actions.push(Action::BreakGlass(None));
    }
    context.state.lock_field.reason = reason;
}
