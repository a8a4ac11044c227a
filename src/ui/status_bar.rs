//! The line at the bottom: what this is not for, what runs, what draws.

use super::{context::UiContext, hanging_words, keeping, theme};
use crate::{model::access::Role, store::accounts::OWNER, workspace::Action};
use egui::{Align, Layout, RichText, Ui};
use std::time::Duration;

/// A job shows its bar after this long.
const BAR_AFTER: Duration = Duration::from_millis(500);

/// Below these widths the version, and what draws, are left out: what is safe and what is saved need the room.
const WITH_VERSION: f32 = 1360.0;
const WITH_ADAPTER: f32 = 1120.0;

/// Draws the line.
pub fn status_bar_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    let width = ui.available_width();
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        right(context, ui, width);
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            ui.label(
                RichText::new(context.word("app-notice"))
                    .size(theme::SMALL_PT)
                    .color(theme::TEXT),
            );
            hangs(context, ui);
            jobs(context, ui);
            notices(context, ui);
        });
    });
}

/// Version, screen, what draws, what is saved.
fn right(context: &mut UiContext<'_>, ui: &mut Ui, width: f32) {
    let faint = |text: String| {
        RichText::new(text)
            .size(theme::SMALL_PT)
            .color(theme::TEXT_FAINT)
    };
    if width >= WITH_VERSION {
        let version = env!("CARGO_PKG_VERSION").into();
        ui.label(faint(context.tr("app-version", &[("version", version)])));
    }
    super::screen_check::note_ui(context, ui);
    if width >= WITH_ADAPTER {
        let gpu = &context.workspace.gpu;
        let name = gpu.info.name.as_str();
        // Versions of drivers stand behind the name in brackets.
        let short = name.split(" (").next().unwrap_or(name);
        let text = match gpu.is_software() {
            true => format!("{}: {short}", context.word("badge-cpu-drawing")),
            false => short.to_owned(),
        };
        let name = name.to_owned();
        ui.label(faint(text)).on_hover_text(name);
    }
    keeping::save_state_ui(context, ui);
    who(context, ui);
}

/// Which account works here, where it is not the owner of the store, and whether it does more than it may.
fn who(context: &UiContext<'_>, ui: &mut Ui) {
    let access = &context.workspace.access;
    let Some((name, role)) = access.who.as_ref().filter(|(name, _)| name != OWNER) else {
        return;
    };
    let (key, color) = match access.broken {
        true => ("status-role-broken", theme::WARN),
        false => (role_word(*role), theme::TEXT_DIM),
    };
    let text = format!("{name}: {}", context.word(key));
    ui.label(RichText::new(text).size(theme::SMALL_PT).color(color));
}

const fn role_word(role: Role) -> &'static str {
    match role {
        Role::Viewer => "status-role-viewer",
        Role::Annotator => "status-role-annotator",
        Role::Reader => "status-role-reader",
        Role::Admin => "status-role-admin",
    }
}

/// Which stage of which protocol hangs.
fn hangs(context: &UiContext<'_>, ui: &mut Ui) {
    let hanging = &context.workspace.hanging;
    if let Some(hangs) = hanging.now.as_ref().filter(|_| !hanging.changed) {
        let text = hanging_words::hangs(context.language(), hangs);
        let response = ui.label(
            RichText::new(text)
                .size(theme::SMALL_PT)
                .color(theme::TEXT_DIM),
        );
        response.on_hover_text(context.word("hanging-keys"));
    }
}

fn jobs(context: &mut UiContext<'_>, ui: &mut Ui) {
    let jobs = context.workspace.jobs.running().to_vec();
    for job in jobs {
        let age = job.started.elapsed();
        if age < BAR_AFTER {
            ui.ctx().request_repaint_after(BAR_AFTER - age);
            continue;
        }
        ui.label(
            RichText::new(context.word(job.label))
                .size(theme::SMALL_PT)
                .color(theme::TEXT_DIM),
        );
        let (done, total) = job.progress.get();
        let text = if total > 0 {
            format!("{done} / {total}")
        } else {
            String::new()
        };
        ui.add(
            egui::ProgressBar::new(job.progress.fraction().unwrap_or(0.0))
                .desired_width(140.0)
                .desired_height(14.0)
                .text(RichText::new(text).size(11.0)),
        );
        if ui.small_button(context.word("button-cancel")).clicked() {
            context.actions.push(Action::CancelJob(job.id));
        }
        // At most ten repaints a second while a job runs.
        ui.ctx().request_repaint_after(Duration::from_millis(100));
    }
}

fn notices(context: &mut UiContext<'_>, ui: &mut Ui) {
    let notices = context.workspace.notices.clone();
    let Some((index, notice)) = notices.iter().enumerate().next_back() else {
        return;
    };
    let text = context.tr(
        notice.key,
        &[
            ("count", notice.count.into()),
            ("detail", notice.detail.as_str().into()),
            ("reason", notice.detail.as_str().into()),
        ],
    );
    let color = if notice.is_warning() {
        theme::WARN
    } else {
        theme::OK
    };
    if let Some(left) = notice.left() {
        if left.is_zero() {
            context.actions.push(Action::DismissNotice(index));
            return;
        }
        ui.ctx().request_repaint_after(left);
    }
    ui.separator();
    // The way to close it is never pushed out.
    let room = (ui.available_width() - 84.0).max(40.0);
    ui.scope(|ui| {
        ui.set_max_width(room);
        let words = RichText::new(&text).size(theme::SMALL_PT).color(color);
        let response = ui.add(egui::Label::new(words).truncate());
        response.on_hover_text(text);
    });
    if ui.small_button(context.word("button-close")).clicked() {
        context.actions.push(Action::DismissNotice(index));
    }
}
