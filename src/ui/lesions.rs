//! The course of marked lesions: sums, growth, RECIST 1.1 response; and what a mark counts as.

use super::{context::UiContext, theme, widgets};
use crate::{
    clinical::advice::{
        course::{Course, Fault, Lesion, Role},
        response::SOURCE,
    },
    i18n::Value,
};
use egui::{Color32, Label, RichText, Ui};

const fn role_key(role: Role) -> &'static str {
    match role {
        Role::Target => "mark-role-target",
        Role::Node => "mark-role-node",
        Role::NonTarget => "mark-role-non-target",
        Role::New => "mark-role-new",
    }
}

/// A menu of what a mark's lesion counts as; the group of the chosen one.
pub(super) fn role_menu(context: &UiContext<'_>, ui: &mut Ui, group: &str) -> Option<&'static str> {
    let now = Role::of_group(group);
    let shown = now.map_or("mark-role", role_key);
    let mut chosen = None;
    let text = RichText::new(context.word(shown)).size(theme::SMALL_PT);
    let menu = ui.menu_button(text, |ui| {
        for role in Role::ALL {
            if ui
                .radio(now == Some(role), context.word(role_key(role)))
                .clicked()
            {
                chosen = Some(role.group());
                ui.close();
            }
        }
        if now.is_some() && ui.radio(false, context.word("mark-role-none")).clicked() {
            chosen = Some("");
            ui.close();
        }
    });
    menu.response.on_hover_text(context.word("mark-role"));
    chosen
}

/// Draws the course of the lesions of the patient on the screen, where there are some.
pub(super) fn course_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    let mut rows = std::mem::take(&mut context.state.marks.rows);
    let some = rows.has_lesions(context);
    context.state.marks.rows = rows;
    if !some {
        return;
    }
    let course = context.workspace.lesion_course();
    if course.lesions.is_empty() && course.faults.is_empty() {
        return;
    }
    widgets::section(ui, context.word("panel-course"), Some(course.lesions.len()));
    ui.label(
        RichText::new(context.word("panel-research"))
            .size(theme::SMALL_PT)
            .color(theme::WARN),
    );
    egui::ScrollArea::horizontal()
        .id_salt("course")
        .show(ui, |ui| {
            egui::Grid::new("course")
                .spacing([12.0, 3.0])
                .striped(true)
                .show(ui, |ui| table(context, ui, &course));
        });
    for fault in &course.faults {
        let text = RichText::new(fault_text(context, fault)).size(theme::SMALL_PT);
        ui.add(Label::new(text.color(theme::WARN)).wrap());
    }
    let source = [("source", SOURCE.into())];
    for text in [
        context.word("panel-course-note").to_owned(),
        context.tr("panel-source", &source),
    ] {
        let text = RichText::new(text).size(theme::SMALL_PT);
        ui.add(Label::new(text.color(theme::TEXT_DIM)).wrap());
    }
}

fn small(ui: &mut Ui, text: impl Into<String>, color: Color32) -> egui::Response {
    let text = RichText::new(text).size(theme::SMALL_PT).color(color);
    ui.add(Label::new(text).extend())
}

fn table(context: &UiContext<'_>, ui: &mut Ui, course: &Course) {
    small(ui, "", theme::TEXT_DIM);
    for date in &course.dates {
        small(ui, date.to_string(), theme::TEXT_DIM);
    }
    ui.end_row();
    for lesion in &course.lesions {
        lesion_row(context, ui, lesion);
    }
    if course.baseline_mm <= 0.0 {
        return;
    }
    small(ui, context.word("panel-course-sum"), theme::TEXT_DIM);
    small(ui, format!("{:.1}", course.baseline_mm), theme::TEXT);
    for assessment in &course.assessments {
        small(ui, format!("{:.1}", assessment.sum_mm), theme::TEXT);
    }
    ui.end_row();
    if course.assessments.is_empty() {
        return;
    }
    for (key, pick) in [("panel-course-baseline", 0usize), ("panel-course-nadir", 1)] {
        small(ui, context.word(key), theme::TEXT_DIM);
        small(ui, "", theme::TEXT);
        for a in &course.assessments {
            let change = if pick == 0 {
                a.from_baseline
            } else {
                a.from_nadir
            };
            small(ui, format!("{change:+.0} %"), theme::TEXT);
        }
        ui.end_row();
    }
    small(ui, context.word("panel-course-answer"), theme::TEXT_DIM);
    small(
        ui,
        context.word("panel-course-is-baseline"),
        theme::TEXT_DIM,
    );
    for a in &course.assessments {
        let color = match a.overall.code() {
            "PD" => theme::ERROR,
            "CR" | "PR" => theme::OK,
            _ => theme::TEXT,
        };
        ui.label(RichText::new(a.overall.code()).strong().color(color));
    }
    ui.end_row();
}

fn lesion_row(context: &UiContext<'_>, ui: &mut Ui, lesion: &Lesion) {
    small(ui, &lesion.name, theme::TEXT).on_hover_text(context.word(role_key(lesion.role)));
    for size in &lesion.sizes_mm {
        let text = match size {
            Some(mm) if *mm > 0.0 => format!("{mm:.1}"),
            Some(_) => context.word("panel-course-gone").to_owned(),
            None => "–".to_owned(),
        };
        small(ui, text, theme::TEXT);
    }
    ui.end_row();
    if lesion.doubling_days.iter().all(Option::is_none) {
        return;
    }
    small(ui, "", theme::TEXT_DIM);
    for days in &lesion.doubling_days {
        let text = days.map_or_else(String::new, |days| {
            let key = if days > 0.0 {
                "panel-course-doubles"
            } else {
                "panel-course-halves"
            };
            context.tr(key, &[("days", Value::Fixed(days.abs(), 0))])
        });
        small(ui, text, theme::TEXT_DIM);
    }
    ui.end_row();
}

fn fault_text(context: &UiContext<'_>, fault: &Fault) -> String {
    match fault {
        Fault::NoDate(count) => context.tr("panel-course-no-date", &[("count", (*count).into())]),
        Fault::NoName(count) => context.tr("panel-course-no-name", &[("count", (*count).into())]),
        Fault::NotMeasured(name, date) => {
            let date = date.to_string();
            context.tr(
                "panel-course-not-measured",
                &[
                    ("name", name.as_str().into()),
                    ("date", date.as_str().into()),
                ],
            )
        }
        Fault::TooManyTargets(count) => {
            context.tr("panel-course-too-many", &[("count", (*count).into())])
        }
        Fault::NotAtBaseline(name) => context.tr(
            "panel-course-not-at-baseline",
            &[("name", name.as_str().into())],
        ),
    }
}
