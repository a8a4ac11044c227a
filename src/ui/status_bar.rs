//! The line at the bottom: what this is not for, what runs, what draws.

use super::{context::UiContext, hanging_words, keeping, theme};
use crate::workspace::Action;
use egui::{Align, Layout, RichText, Ui};
use std::time::Duration;

/// A job shows its bar after this long.
const BAR_AFTER: Duration = Duration::from_millis(500);

/// Draws the line.
pub fn status_bar_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    ui.horizontal_centered(|ui| {
        ui.label(
            RichText::new(context.word("app-notice"))
                .size(theme::SMALL_PT)
                .color(theme::TEXT),
        );
        hangs(context, ui);
        jobs(context, ui);
        notices(context, ui);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let version = context.tr(
                "app-version",
                &[("version", env!("CARGO_PKG_VERSION").into())],
            );
            ui.label(
                RichText::new(version)
                    .size(theme::SMALL_PT)
                    .color(theme::TEXT_FAINT),
            );
            super::screen_check::note_ui(context, ui);
            let gpu = &context.workspace.gpu;
            let mut adapter = gpu.info.name.clone();
            if gpu.is_software() {
                adapter = format!("{}: {adapter}", context.word("badge-cpu-drawing"));
            }
            ui.label(
                RichText::new(adapter)
                    .size(theme::SMALL_PT)
                    .color(theme::TEXT_FAINT),
            );
            keeping::save_state_ui(context, ui);
        });
    });
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
    ui.separator();
    let response = ui
        .add(egui::Label::new(RichText::new(&text).size(theme::SMALL_PT).color(color)).truncate());
    response.on_hover_text(text);
    if ui.small_button(context.word("button-close")).clicked() {
        context.actions.push(Action::DismissNotice(index));
    }
}
