//! The report of the open study: sections to write in, templates to begin with, findings put in with numbers that
//! follow their marks, and the ways out of it.

use super::{context::UiContext, mark_text, theme, widgets};
use crate::{
    model::{
        annotation::{Annotation, AnnotationId},
        report::{Piece, Report, chip, pieces},
    },
    workspace::{
        Action,
        measuring::MarkAction,
        report::{ReportFormat, Template},
    },
};
use egui::{Label, RichText, Sense, TextEdit, Ui};

/// Draws the panel.
pub fn report_panel_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    let workspace = context.workspace;
    let Some(study) = workspace.report_study().map(str::to_owned) else {
        ui.add_space(8.0);
        let (key, color) = match workspace.is_report_ambiguous() {
            true => ("notice-study-of-several", theme::WARN),
            false => ("report-no-study", theme::TEXT_DIM),
        };
        ui.label(RichText::new(context.word(key)).color(color));
        return;
    };
    let report = workspace.report_of(&study);
    ui.add_space(6.0);
    ui.label(RichText::new(context.word("app-notice")).color(theme::TEXT_DIM));
    if report.sections.is_empty() {
        begin(context, ui, &study);
        return;
    }
    ways_out(context, ui, &study);
    let mut edited = report.clone();
    for (at, section) in edited.sections.iter_mut().enumerate() {
        let title = section.title.clone();
        widgets::section(ui, &title, None);
        let field = TextEdit::multiline(&mut section.text)
            .id(ui.scope_id().with(("report", &study, at)))
            .desired_rows(2)
            .desired_width(f32::INFINITY);
        let response = ui.add(field);
        response.widget_info(|| {
            let mut info = egui::WidgetInfo::labeled(egui::Role::TextInput, true, &title);
            info.current_text_value = Some(section.text.clone());
            info
        });
        if response.has_focus() {
            context.state.report_section = at;
        }
        as_it_reads(context, ui, &section.text);
    }
    findings(context, ui, &study, &mut edited);
    if edited != report {
        context.actions.push(Action::ReportText {
            study,
            report: edited,
        });
    }
}

/// Nothing is written yet: what to begin with.
fn begin(context: &mut UiContext<'_>, ui: &mut Ui, study: &str) {
    ui.add_space(8.0);
    ui.label(context.word("report-begin"));
    ui.add_space(4.0);
    let (modality, part) = context.workspace.report_subject();
    let fitting = Template::fitting(modality, part).map(|t| t.name.as_str());
    let language = context.language();
    let mut templates: Vec<&'static Template> = Template::all().iter().collect();
    templates.sort_by_key(|t| Some(t.name.as_str()) != fitting);
    for template in templates {
        let button = egui::Button::new(template.title(language))
            .min_size(egui::vec2(ui.available_width(), 28.0));
        if ui.add(button).clicked() {
            context.actions.push(Action::ReportText {
                study: study.to_owned(),
                report: template.report(language),
            });
        }
    }
}

fn ways_out(context: &mut UiContext<'_>, ui: &mut Ui, study: &str) {
    ui.horizontal_wrapped(|ui| {
        for (key, format) in [
            ("report-copy", ReportFormat::Copied),
            ("report-markdown", ReportFormat::Markdown),
            ("report-pdf", ReportFormat::Pdf),
        ] {
            if ui.button(context.word(key)).clicked() {
                context.actions.push(Action::ReportOut(format));
            }
        }
    });
    let open = context.workspace.is_report_open(study);
    let key = if open {
        "report-typing"
    } else {
        "report-taken"
    };
    let text = RichText::new(context.word(key)).size(theme::SMALL_PT);
    ui.label(text.color(theme::TEXT_DIM));
}

/// A section with its live numbers put in; nothing where it has none. A click on a number shows its mark.
fn as_it_reads(context: &mut UiContext<'_>, ui: &mut Ui, text: &str) {
    let parts = pieces(text);
    if !parts.iter().any(|p| matches!(p, Piece::Mark(_))) {
        return;
    }
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 0.0;
        for part in parts {
            match part {
                Piece::Text(text) => {
                    ui.label(RichText::new(text).color(theme::TEXT_DIM));
                }
                Piece::Mark(id) => number(context, ui, &id),
            }
        }
    });
}

/// What a mark measures, in one line.
pub fn mark_line(context: &UiContext<'_>, mark: &Annotation) -> String {
    let found = context.workspace.measuring.of(mark);
    mark_text::short(context.language(), mark.shape.kind, found).join(", ")
}

fn number(context: &mut UiContext<'_>, ui: &mut Ui, name: &AnnotationId) {
    let Some(mark) = context.workspace.mark_named(name) else {
        let text = context.word("report-mark-gone");
        ui.label(RichText::new(text).color(theme::WARN));
        return;
    };
    let id = mark.id.clone();
    let label = Label::new(RichText::new(mark_line(context, mark)).color(theme::ACCENT));
    let response = ui
        .add(label.sense(Sense::click()))
        .on_hover_text(context.word("report-mark-show"));
    if response.clicked() {
        context.actions.push(Action::Mark(MarkAction::GoTo(id)));
    }
}

/// The marks of the study, to be put into the section that is written in.
fn findings(context: &mut UiContext<'_>, ui: &mut Ui, study: &str, report: &mut Report) {
    let workspace = context.workspace;
    let of_study = |mark: &&Annotation| mark.target.study_uid == study;
    let marks = workspace.open_marks().filter(of_study);
    let marks: Vec<&Annotation> = marks.collect();
    if marks.is_empty() {
        return;
    }
    widgets::section(ui, context.word("report-insert"), Some(marks.len()));
    let last = report.sections.len().saturating_sub(1);
    let at = context.state.report_section.min(last);
    for mark in marks {
        let numbers = mark_line(context, mark);
        let line = format!("{}  {numbers}", mark.label);
        let button = egui::Button::new(line.trim().to_owned()).truncate();
        let response = ui
            .add(button)
            .on_hover_text(context.word("report-insert-tip"));
        if response.clicked()
            && let Some(section) = report.sections.get_mut(at)
        {
            let text = &mut section.text;
            if !text.is_empty() && !text.ends_with([' ', '\n']) {
                text.push(' ');
            }
            if !mark.label.is_empty() {
                text.push_str(&mark.label);
                text.push(' ');
            }
            if !numbers.is_empty() {
                text.push_str(&chip(&workspace.short_mark_name(&mark.id)));
            }
        }
    }
}
