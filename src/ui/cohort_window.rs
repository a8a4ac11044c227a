//! Many patients at once: a line that says who is meant, counts over them, bars, and the way out as tables.

use super::{context::UiContext, record_panel::short, theme, widgets};
use crate::{
    clinical::cohort::{
        Kind,
        statistics::{AGE_BAR, Common, Spread, Summary},
    },
    i18n::Value,
    workspace::{
        Action,
        cohort_view::{CohortAction, CohortAnswer, CohortRefusal},
    },
};
use egui::{
    Align2, Color32, FontId, Key, Rect, RichText, ScrollArea, Sense, TextEdit, Ui, pos2, vec2,
};
use std::sync::Arc;

/// Height of a plot, points.
const PLOT: f32 = 92.0;
/// Kinds whose commonest are listed.
const LISTED: [Kind; 8] = [
    Kind::Condition,
    Kind::Drug,
    Kind::Value,
    Kind::Finding,
    Kind::Picture,
    Kind::Study,
    Kind::Procedure,
    Kind::Allergy,
];

/// Draws the view when it is open.
pub fn cohort_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    if !context.workspace.cohort.open {
        return;
    }
    let mut open = true;
    let area = ui.ctx().content_rect();
    let size = vec2(
        880.0_f32.min(area.width() - 60.0),
        620.0_f32.min(area.height() - 110.0),
    );
    egui::Window::new(context.word("cohort-title"))
        .id(egui::Id::unique("cohort"))
        .open(&mut open)
        .collapsible(false)
        .default_size(size)
        .default_pos(area.center() - size / 2.0)
        .show(ui.ctx(), |ui| {
            ask_ui(context, ui);
            ui.separator();
            let answer = context.workspace.cohort.answer.clone();
            match (&context.workspace.cohort.refusal, answer) {
                (Some(refusal), _) => {
                    let text = match refusal {
                        CohortRefusal::NotUnderstood(word) => {
                            context.tr("cohort-not-understood", &[("word", word.as_str().into())])
                        }
                        CohortRefusal::Failed(reason) => reason.clone(),
                    };
                    ui.label(RichText::new(text).color(theme::WARN));
                    widgets::dim(ui, context.word("cohort-help"));
                }
                (None, None) => {
                    widgets::dim(ui, context.word("panel-loading"));
                }
                (None, Some(answer)) => {
                    ScrollArea::vertical()
                        .auto_shrink([false, false])
                        .show(ui, |ui| answer_ui(context, ui, &answer));
                }
            }
        });
    if !open {
        context.actions.push(Action::Cohort(CohortAction::Close));
    }
}

/// The two fields. What is typed is asked for with Enter or the button.
fn ask_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    let id = egui::Id::unique("cohort fields");
    let asked = (
        context.workspace.cohort.query.clone(),
        context.workspace.cohort.code.clone(),
    );
    let (mut query, mut code): (String, String) =
        ui.data(|d| d.get_temp(id)).unwrap_or_else(|| asked.clone());
    let mut ask = false;
    ui.horizontal(|ui| {
        let width = (ui.available_width() - 380.0).max(160.0);
        let field = TextEdit::singleline(&mut query)
            .hint_text(context.word("cohort-query"))
            .desired_width(width);
        let field = ui.add(field).on_hover_text(context.word("cohort-help"));
        ask |= field.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
        let field = TextEdit::singleline(&mut code)
            .hint_text(context.word("cohort-code"))
            .desired_width(120.0);
        let field = ui.add(field).on_hover_text(context.word("cohort-code-tip"));
        ask |= field.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
        ask |= ui.button(context.word("cohort-ask")).clicked();
        let ready = context.workspace.cohort.answer.is_some();
        let export = egui::Button::new(context.word("cohort-export"));
        let export = ui.add_enabled(ready, export);
        if export
            .on_hover_text(context.word("cohort-export-tip"))
            .clicked()
        {
            context.actions.push(Action::ExportCohort);
        }
    });
    if ask {
        context.actions.push(Action::Cohort(CohortAction::Ask {
            query: query.clone(),
            code: code.clone(),
        }));
    }
    ui.data_mut(|d| d.insert_temp(id, (query, code)));
}

fn answer_ui(context: &UiContext<'_>, ui: &mut Ui, answer: &Arc<CohortAnswer>) {
    let sum = &answer.summary;
    let told = context.tr(
        "cohort-found",
        &[
            ("patients", Value::from(sum.patients)),
            ("of", Value::from(answer.of)),
            ("facts", Value::from(sum.facts)),
        ],
    );
    ui.label(RichText::new(told).size(18.0).strong());
    let [women, men, others, unknown] = sum.sexes;
    let told = context.tr(
        "cohort-people",
        &[
            ("women", Value::from(women)),
            ("men", Value::from(men)),
            ("others", Value::from(others + unknown)),
            ("dead", Value::from(sum.dead)),
        ],
    );
    widgets::dim(ui, told);
    if answer.unread > 0 {
        let count = [("count", Value::from(answer.unread))];
        let text = context.tr("cohort-unread", &count);
        ui.label(RichText::new(text).color(theme::WARN));
    }
    if sum.patients == 0 {
        return;
    }
    ui.add_space(8.0);
    ui.columns(2, |columns| {
        if let [left, right] = columns {
            ages_ui(context, left, sum);
            years_ui(context, right, sum);
        }
    });
    if !context.workspace.cohort.code.trim().is_empty() {
        spread_ui(context, ui, answer.spread.as_ref());
    }
    ui.columns(2, |columns| {
        for (number, kind) in LISTED.iter().enumerate() {
            if let (Some(list), Some(ui)) = (sum.common.get(kind), columns.get_mut(number % 2)) {
                common_ui(context, ui, *kind, list, sum.patients);
            }
        }
    });
}

fn ages_ui(context: &UiContext<'_>, ui: &mut Ui, sum: &Summary) {
    widgets::section(ui, context.word("cohort-ages"), None);
    let bars: Vec<(String, usize)> = sum
        .ages
        .iter()
        .enumerate()
        .map(|(bar, count)| ((bar * usize::from(AGE_BAR)).to_string(), *count))
        .collect();
    bars_ui(ui, context.word("cohort-ages"), &bars, theme::ACCENT);
}

fn years_ui(context: &UiContext<'_>, ui: &mut Ui, sum: &Summary) {
    widgets::section(ui, context.word("cohort-years"), None);
    let (Some((first, _)), Some((last, _))) =
        (sum.years.first_key_value(), sum.years.last_key_value())
    else {
        widgets::dim(ui, "–");
        return;
    };
    // Years without a study are years too; more than fifty would be lines.
    let first = (*first).max(last.saturating_sub(49));
    let bars: Vec<(String, usize)> = (first..=*last)
        .map(|year| (year.to_string(), sum.years.get(&year).copied().unwrap_or(0)))
        .collect();
    bars_ui(ui, context.word("cohort-years"), &bars, theme::PRIOR);
}

fn spread_ui(context: &UiContext<'_>, ui: &mut Ui, spread: Option<&Spread>) {
    let code = &context.workspace.cohort.code;
    widgets::section(ui, code, spread.map(|s| s.patients));
    let Some(spread) = spread else {
        widgets::dim(ui, context.word("cohort-no-values"));
        return;
    };
    let [least, _, median, _, greatest] = spread.quartiles;
    let step = (greatest - least) / spread.bars.len().max(1) as f64;
    let bars: Vec<(String, usize)> = spread
        .bars
        .iter()
        .enumerate()
        .map(|(bar, count)| (short(least + step * bar as f64), *count))
        .collect();
    bars_ui(ui, code, &bars, theme::OK);
    let unit = super::record_panel::unit_text(&spread.unit);
    let text = context.tr(
        "cohort-spread",
        &[
            ("mean", short(spread.mean).as_str().into()),
            ("deviation", short(spread.deviation).as_str().into()),
            ("median", short(median).as_str().into()),
            ("low", short(spread.quartiles[1]).as_str().into()),
            ("high", short(spread.quartiles[3]).as_str().into()),
            ("unit", unit.as_str().into()),
        ],
    );
    widgets::dim(ui, text);
    if spread.left_out > 0 {
        let count = [("count", Value::from(spread.left_out))];
        widgets::dim(ui, context.tr("cohort-other-units", &count));
    }
}

/// Bars with names below, as many names as there is room for.
fn bars_ui(ui: &mut Ui, name: &str, bars: &[(String, usize)], color: Color32) {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), PLOT), Sense::hover());
    let most = bars
        .iter()
        .map(|(_, count)| *count)
        .max()
        .unwrap_or(0)
        .max(1);
    let label = format!("{name}: {} bars, at most {most}", bars.len());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, &label));
    let area = Rect::from_min_max(rect.min, pos2(rect.right(), rect.bottom() - 18.0));
    let painter = ui.painter_at(rect);
    painter.rect_filled(area, 3.0, theme::APP);
    let width = area.width() / bars.len().max(1) as f32;
    let every = (34.0 / width.max(1.0)).ceil().max(1.0) as usize;
    let mut under = None;
    for (number, (text, count)) in bars.iter().enumerate() {
        let left = area.left() + width * number as f32;
        let height = (area.height() - 14.0) * *count as f32 / most as f32;
        let bar = Rect::from_min_max(
            pos2(left + 1.0, area.bottom() - height),
            pos2((left + width - 1.0).max(left + 1.5), area.bottom()),
        );
        painter.rect_filled(bar, 1.0, color.gamma_multiply(0.8));
        if number % every == 0 {
            let font = FontId::proportional(11.0);
            let name = painter.layout_no_wrap(text.clone(), font, theme::TEXT_DIM);
            // A name that the edge would cut says something else.
            if left + name.size().x <= area.right() {
                let at = pos2(left, area.bottom() + 2.0);
                painter.galley(at, name, theme::TEXT_DIM);
            }
        }
        if response
            .hover_pos()
            .is_some_and(|at| (left..left + width).contains(&at.x))
        {
            under = Some(format!("{text}: {count}"));
        }
    }
    painter.text(
        area.left_top() + vec2(4.0, 2.0),
        Align2::LEFT_TOP,
        most.to_string(),
        FontId::proportional(11.0),
        theme::TEXT_FAINT,
    );
    if let Some(text) = under {
        response.on_hover_text(text);
    }
}

fn common_ui(context: &UiContext<'_>, ui: &mut Ui, kind: Kind, list: &[Common], patients: usize) {
    widgets::section(ui, context.word(kind_key(kind)), None);
    for common in list.iter().take(8) {
        ui.horizontal(|ui| {
            let (bar, _) = ui.allocate_exact_size(vec2(46.0, 6.0), Sense::hover());
            ui.painter().rect_filled(bar, 2.0, theme::RAISED);
            let mut full = bar;
            full.set_width(bar.width() * common.patients as f32 / patients.max(1) as f32);
            ui.painter().rect_filled(full, 2.0, theme::ACCENT);
            ui.add_sized(
                vec2(34.0, 18.0),
                egui::Label::new(
                    RichText::new(common.patients.to_string())
                        .size(theme::SMALL_PT)
                        .color(theme::TEXT_DIM),
                ),
            );
            let words = match (kind, common.words.is_empty()) {
                // What a picture shows is its modality; its description is another matter.
                (Kind::Picture | Kind::Study, _) | (_, true) => &common.code,
                _ => &common.words,
            };
            widgets::line(ui, RichText::new(words).color(theme::TEXT)).on_hover_text(&common.code);
        });
    }
}

const fn kind_key(kind: Kind) -> &'static str {
    match kind {
        Kind::Condition => "cohort-conditions",
        Kind::Drug => "cohort-drugs",
        Kind::Allergy => "cohort-allergies",
        Kind::Value => "cohort-values",
        Kind::Procedure => "cohort-procedures",
        Kind::Vaccine => "cohort-vaccines",
        Kind::Encounter => "cohort-encounters",
        Kind::Study => "cohort-studies",
        Kind::Report => "cohort-reports",
        Kind::Finding => "cohort-findings",
        Kind::Gene => "cohort-genes",
        Kind::Picture => "cohort-pictures",
        Kind::Mark => "cohort-marks",
        Kind::Network => "cohort-networks",
    }
}
