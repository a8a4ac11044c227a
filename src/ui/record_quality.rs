//! How good the data of a record are: a score, its six parts, and what is wrong with a button where it can be mended.

use super::{context::UiContext, theme, widgets};
use crate::{
    clinical::quality::{Class, Defect, Rule, Tally},
    i18n::Value,
    workspace::{Action, insight::Insight},
};
use egui::{Color32, RichText, Sense, Ui, vec2};

/// Most defects of one rule that are listed at once.
const MOST: usize = 12;

/// The part of the record panel.
pub(super) fn quality_ui(context: &mut UiContext<'_>, ui: &mut Ui, insight: &Insight) {
    let quality = &insight.quality;
    ui.add_space(8.0);
    if let Some(score) = quality.score() {
        ui.horizontal(|ui| {
            let text = RichText::new(percent(score)).size(24.0).strong();
            ui.label(text.color(color(score)));
            let looked = [("count", Value::from(quality.resources))];
            widgets::dim(ui, context.tr("quality-looked", &looked));
        });
    }
    for (class, tally) in Class::ALL.iter().zip(&quality.tallies) {
        class_row(context, ui, *class, *tally);
    }
    if insight.amended > 0 {
        ui.add_space(6.0);
        let count = [("count", Value::from(insight.amended))];
        widgets::dim(ui, context.tr("quality-amended", &count));
    }
    if quality.defects.is_empty() {
        ui.add_space(8.0);
        widgets::dim(ui, context.word("quality-none"));
        return;
    }
    for rule in Rule::ALL {
        let all = quality.defects.iter().enumerate();
        let found: Vec<(usize, &Defect)> = all.filter(|(_, d)| d.rule == *rule).collect();
        if !found.is_empty() {
            rule_ui(context, ui, *rule, &found);
        }
    }
}

pub(super) fn percent(score: f64) -> String {
    // A single defect among thousands is not a hundred percent.
    let shown = (score * 10.0).floor() / 10.0;
    format!("{shown:.1} %")
}

pub(super) fn color(score: f64) -> Color32 {
    match score {
        s if s >= 99.0 => theme::OK,
        s if s >= 95.0 => theme::WARN,
        _ => theme::ERROR,
    }
}

fn class_row(context: &UiContext<'_>, ui: &mut Ui, class: Class, tally: Tally) {
    let name = context.word(class.key());
    let score = tally.score();
    let count = context.tr(
        "quality-tally",
        &[
            ("wrong", Value::from(tally.wrong)),
            ("looked", Value::from(tally.looked)),
        ],
    );
    let row = ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 8.0;
        let (place, response) = ui.allocate_exact_size(vec2(92.0, 18.0), Sense::hover());
        ui.painter().text(
            place.left_center(),
            egui::Align2::LEFT_CENTER,
            name,
            egui::FontId::proportional(theme::BODY_PT),
            theme::TEXT,
        );
        let said = score.map_or_else(|| "–".to_owned(), percent);
        let label = format!("{name} {said}, {count}");
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, &label));
        let width = (ui.available_width() - 130.0).clamp(30.0, 120.0);
        let (bar, _) = ui.allocate_exact_size(vec2(width, 6.0), Sense::hover());
        ui.painter().rect_filled(bar, 3.0, theme::RAISED);
        if let Some(score) = score {
            let mut full = bar;
            full.set_width(bar.width() * (score / 100.0) as f32);
            ui.painter().rect_filled(full, 3.0, color(score));
        }
        let (place, _) = ui.allocate_exact_size(vec2(54.0, 18.0), Sense::hover());
        ui.painter().text(
            place.right_center(),
            egui::Align2::RIGHT_CENTER,
            said,
            egui::FontId::proportional(theme::SMALL_PT),
            theme::TEXT_DIM,
        );
        if tally.wrong > 0 {
            let text = RichText::new(tally.wrong.to_string()).size(theme::SMALL_PT);
            ui.label(text.color(theme::WARN));
        }
    });
    row.response.on_hover_text(count);
}

fn rule_ui(context: &mut UiContext<'_>, ui: &mut Ui, rule: Rule, found: &[(usize, &Defect)]) {
    ui.add_space(10.0);
    let fixable: Vec<usize> = found
        .iter()
        .filter(|(_, d)| d.fix.is_some())
        .map(|(number, _)| *number)
        .collect();
    ui.horizontal(|ui| {
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if fixable.len() > 1 {
                let count = [("count", Value::from(fixable.len()))];
                let text = RichText::new(context.tr("quality-mend-all", &count));
                if ui.button(text.size(theme::SMALL_PT)).clicked() {
                    context.actions.push(Action::Mend(fixable.clone()));
                }
            }
            ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                let text = RichText::new(context.word(rule.key())).strong();
                widgets::line(ui, text.color(theme::TEXT)).on_hover_text(format!(
                    "{}\n{}",
                    context.word(rule.key()),
                    rule.code()
                ));
                let text = RichText::new(found.len().to_string()).size(theme::SMALL_PT);
                ui.label(text.color(theme::TEXT_DIM));
            });
        });
    });
    for (number, defect) in found.iter().take(MOST) {
        row(context, ui, *number, defect);
    }
    if found.len() > MOST {
        let count = [("count", Value::from(found.len() - MOST))];
        widgets::dim(ui, context.tr("panel-more", &count));
    }
}

fn row(context: &mut UiContext<'_>, ui: &mut Ui, number: usize, defect: &Defect) {
    ui.horizontal(|ui| {
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if defect.fix.is_some() {
                let text = RichText::new(context.word("quality-mend")).size(theme::SMALL_PT);
                if ui.button(text).clicked() {
                    context.actions.push(Action::Mend(vec![number]));
                }
            }
            ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                let day = defect.day.map(|d| d.to_string()).unwrap_or_default();
                let what = match defect.words.is_empty() {
                    true => defect.kind.as_str(),
                    false => defect.words.as_str(),
                };
                // Of a pair the other one says nothing to a reader.
                let detail = match defect.rule {
                    Rule::DuplicateFact => "",
                    _ => defect.detail.as_str(),
                };
                let mut job = egui::text::LayoutJob::default();
                let format =
                    |color, size| egui::TextFormat::simple(egui::FontId::proportional(size), color);
                job.append(&day, 0.0, format(theme::TEXT_DIM, theme::SMALL_PT));
                let gap = if day.is_empty() { 0.0 } else { 8.0 };
                job.append(what, gap, format(theme::TEXT, theme::BODY_PT));
                job.append(detail, 8.0, format(theme::WARN, theme::SMALL_PT));
                ui.add(egui::Label::new(job).truncate()).on_hover_text(
                    [what, detail, &format!("{}/{}", defect.kind, defect.id)].join("\n"),
                );
            });
        });
    });
}
