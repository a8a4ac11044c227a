//! The case queue at the top of the labels: how far it is, what is shown, and the cases.

use super::{context::UiContext, theme, widgets};
use crate::{
    model::queue::{Case, CaseState},
    workspace::{Action, Command, cases::CaseAction},
};
use egui::{Align, Color32, Layout, RichText, Sense, Ui, Vec2};

/// Height of a case in the list, points.
const ROW: f32 = 24.0;
/// Height of the list.
const LIST: f32 = 150.0;

fn act(context: &mut UiContext<'_>, action: CaseAction) {
    context.actions.push(Action::Case(action));
}

/// `2:05`, with hours where there are any.
pub(super) fn clock(ms: u64) -> String {
    let seconds = ms / 1000;
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{rest:02}"),
        hours => format!("{hours}:{minutes:02}:{rest:02}"),
    }
}

const fn state_key(state: CaseState) -> &'static str {
    match state {
        CaseState::Waiting => "case-waiting",
        CaseState::InProgress => "case-in-progress",
        CaseState::Flagged => "case-flagged",
        CaseState::Done => "case-done",
    }
}

const fn state_color(state: CaseState) -> Color32 {
    match state {
        CaseState::Waiting => theme::TEXT_DIM,
        CaseState::InProgress => theme::ACCENT,
        CaseState::Flagged => theme::WARN,
        CaseState::Done => theme::OK,
    }
}

/// Draws the queue.
pub(super) fn cases_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    let workspace = context.workspace;
    let queue = workspace.cases.queue();
    widgets::section(ui, context.word("cases"), Some(queue.cases.len()));
    if !workspace.cases.is_on() {
        let found = workspace.list.rows().len();
        widgets::dim(ui, context.word("cases-none"));
        if found > 0 {
            add_button(context, ui, found);
        }
        return;
    }
    let progress = queue.progress(Some(workspace.reader()));
    let share = progress.done() as f32 / progress.all.max(1) as f32;
    let said = context.tr(
        "cases-progress",
        &[
            ("done", progress.done().into()),
            ("all", progress.all.into()),
            ("percent", progress.percent().into()),
            ("flagged", progress.flagged().into()),
        ],
    );
    ui.label(RichText::new(said).color(theme::TEXT));
    bar(ui, share);
    if let Some(case) = workspace.case_of_shown() {
        let case = case.clone();
        let mean = progress.mean_ms().map_or_else(String::new, |ms| {
            context.tr("cases-mean", &[("time", clock(ms).as_str().into())])
        });
        ui.horizontal(|ui| {
            widgets::tag(
                ui,
                context.word(state_key(case.state)),
                state_color(case.state),
            );
            ui.label(RichText::new(clock(case.active_ms)).color(theme::TEXT))
                .on_hover_text(context.word("cases-time"));
            widgets::dim(ui, mean);
        });
        ui.horizontal_wrapped(|ui| {
            if button(context, ui, "cases-done", Some(Command::Finalise)) {
                context.run(Command::Finalise);
            }
            if button(context, ui, "cases-flag", None) {
                act(context, CaseAction::State(CaseState::Flagged));
            }
            if case.state != CaseState::InProgress && button(context, ui, "cases-again", None) {
                act(context, CaseAction::State(CaseState::InProgress));
            }
        });
    } else {
        widgets::dim(ui, context.word("cases-other"));
    }
    ui.horizontal_wrapped(|ui| {
        if button(context, ui, "cases-next", Some(Command::NextUnread)) {
            context.run(Command::NextUnread);
        }
        let mut revisit = context.workspace.cases.revisit;
        if ui
            .checkbox(&mut revisit, context.word("cases-revisit"))
            .changed()
        {
            act(context, CaseAction::Revisit(revisit));
        }
    });
    let shown = workspace.case_shown();
    egui::CollapsingHeader::new(RichText::new(context.word("cases-list")).size(theme::SMALL_PT))
        .id_salt("cases")
        .show(ui, |ui| {
            let rows = workspace.cases.queue().cases.len();
            egui::ScrollArea::vertical()
                .id_salt("case list")
                .max_height(LIST)
                .auto_shrink([false, true])
                .show_rows(ui, ROW, rows, |ui, range| {
                    for at in range {
                        if let Some(case) = workspace.cases.queue().cases.get(at) {
                            case_row(context, ui, at, case, shown == Some(at));
                        }
                    }
                });
            ui.add_space(4.0);
            ui.horizontal_wrapped(|ui| {
                let found = workspace.list.rows().len();
                if found > 0 {
                    add_button(context, ui, found);
                }
                if button(context, ui, "cases-clear", None) {
                    act(context, CaseAction::Clear);
                }
                let mut blind = workspace.cases.queue().blind;
                if ui
                    .checkbox(&mut blind, context.word("cases-blind"))
                    .changed()
                {
                    act(context, CaseAction::Blind(blind));
                }
            });
        });
}

fn add_button(context: &mut UiContext<'_>, ui: &mut Ui, found: usize) {
    let text = context.tr("cases-add", &[("count", found.into())]);
    if ui
        .button(RichText::new(text).size(theme::SMALL_PT))
        .clicked()
    {
        act(context, CaseAction::AddFound);
    }
}

fn button(
    context: &UiContext<'_>,
    ui: &mut Ui,
    key: &'static str,
    command: Option<Command>,
) -> bool {
    let button = egui::Button::new(RichText::new(context.word(key)).size(theme::SMALL_PT));
    let response = ui.add(button.min_size(Vec2::new(0.0, ROW)));
    let response = match command {
        Some(command) => response.on_hover_text(context.shortcut(command)),
        None => response,
    };
    response.clicked()
}

fn bar(ui: &mut Ui, share: f32) {
    let size = Vec2::new(ui.available_width(), 5.0);
    let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
    ui.painter().rect_filled(rect, 2.0, theme::RAISED);
    let mut done = rect;
    done.set_width(rect.width() * share.clamp(0.0, 1.0));
    ui.painter().rect_filled(done, 2.0, theme::OK);
    ui.add_space(4.0);
}

/// A case: its study, whose it is, how far and how long. Patients have no name here.
fn case_row(context: &mut UiContext<'_>, ui: &mut Ui, at: usize, case: &Case, shown: bool) {
    let size = Vec2::new(ui.available_width(), ROW);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let number = at + 1;
    let state = context.word(state_key(case.state));
    let described = context.workspace.describe_case(case);
    let said = format!("{number} {described} {state}");
    response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, shown, &said));
    if shown {
        ui.painter()
            .rect_filled(rect, 4.0, theme::ACCENT.gamma_multiply(0.16));
    } else if response.hovered() {
        ui.painter().rect_filled(rect, 4.0, theme::RAISED);
    }
    let mut line = ui.new_child(
        egui::UiBuilder::new()
            .max_rect(rect.shrink2(Vec2::new(4.0, 0.0)))
            .layout(Layout::right_to_left(Align::Center)),
    );
    let state = RichText::new(state).size(theme::SMALL_PT);
    line.label(state.color(state_color(case.state)));
    if case.active_ms > 0 {
        widgets::dim(&mut line, clock(case.active_ms));
    }
    line.with_layout(Layout::left_to_right(Align::Center), |ui| {
        widgets::dim(ui, number.to_string());
        widgets::line(ui, RichText::new(described).color(theme::TEXT));
        if !case.reader.is_empty() {
            widgets::dim(ui, case.reader.clone());
        }
    });
    if response.clicked() {
        act(context, CaseAction::Open(at));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_on_a_clock() {
        for (ms, text) in [
            (0, "0:00"),
            (59_999, "0:59"),
            (125_000, "2:05"),
            (3_725_000, "1:02:05"),
        ] {
            assert_eq!(clock(ms), text);
        }
    }
}
