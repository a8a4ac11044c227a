//! An evaluation as a page: figures with their intervals, decisions at a threshold that moves, curves, and the cases,
//! each of which opens.
//!
//! Must stay true: only the rows in sight are drawn, curves are thinned to what a screen can show, and nothing is drawn
//! while nothing changes.

mod cases;
mod charts;

use super::{
    context::UiContext,
    icons::Icon,
    theme,
    widgets::{self, icon_button},
};
use crate::{
    i18n::Value,
    imaging::evaluation::{Evaluation, Kind, Summary},
    workspace::{Action, evaluation::EvaluationAction},
};
use egui::{
    Align, Align2, Button, FontId, Grid, Key, Layout, Modifiers, Rect, RichText, Role, ScrollArea,
    Sense, Slider, Stroke, Ui, WidgetInfo, vec2,
};

/// Height of the row above, points.
const HEAD: f32 = 44.0;

/// Width of the figures at the left, points.
const LEFT: f32 = 372.0;

/// What the page remembers from frame to frame.
#[derive(Debug, Default)]
pub struct EvaluationView {
    /// Rows that were in sight.
    seen: std::ops::Range<usize>,
    /// A row to bring into sight.
    reveal: Option<usize>,
}

fn act(context: &mut UiContext<'_>, action: EvaluationAction) {
    context.actions.push(Action::Evaluation(action));
}

/// Key of the message catalogue for a figure.
pub(super) const fn figure_key(figure: &str) -> &'static str {
    match figure.as_bytes() {
        b"dice" => "figure-dice",
        b"iou" => "figure-iou",
        b"hd95" => "figure-hd95",
        b"assd" => "figure-assd",
        b"auroc" => "figure-auroc",
        b"average_precision" => "figure-average-precision",
        b"precision" => "figure-precision",
        b"recall" => "figure-recall",
        b"specificity" => "figure-specificity",
        b"f1" => "figure-f1",
        b"accuracy" => "figure-accuracy",
        b"brier" => "figure-brier",
        b"ece" => "figure-ece",
        _ => "figure-mse",
    }
}

/// Name of a figure, with the unit of distances.
fn figure_name(context: &UiContext<'_>, figure: &str, e: &Evaluation) -> String {
    let name = context.word(figure_key(figure));
    match (&e.length_unit, figure) {
        (Some(unit), "hd95" | "assd") => format!("{name} ({unit})"),
        _ => name.to_owned(),
    }
}

fn number(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 => format!("{value:.1}"),
        v if v >= 10.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// Takes the keys of the page before commands do: arrows walk through the cases, Enter opens the chosen one.
pub fn take_keys(context: &mut UiContext<'_>, ui: &Ui) {
    let page = &context.workspace.evaluation;
    if !page.shown || page.rows.is_empty() {
        return;
    }
    let held = ui.memory(|m| m.focused().is_some());
    let step = ui.input_mut(|i| {
        let mut took = |key| i.consume_key(Modifiers::NONE, key);
        [
            (Key::ArrowDown, 1isize),
            (Key::ArrowUp, -1),
            (Key::PageDown, 10),
            (Key::PageUp, -10),
            (Key::Home, isize::MIN / 2),
            (Key::End, isize::MAX / 2),
        ]
        .into_iter()
        .find_map(|(key, by)| took(key).then_some(by))
    });
    if let Some(by) = step {
        let at = page
            .selected
            .and_then(|case| page.rows.iter().position(|row| *row == case));
        let last = page.rows.len().saturating_sub(1);
        let to = match at {
            Some(at) => at.saturating_add_signed(by).min(last),
            None if by < 0 => last,
            None => 0,
        };
        if let Some(case) = page.rows.get(to).copied() {
            context.state.evaluation.reveal = Some(to);
            act(context, EvaluationAction::Select(case));
        }
        return;
    }
    if let Some(case) = page.selected
        && !held
        && ui.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Enter))
    {
        act(context, EvaluationAction::Open(case));
    }
}

/// Draws the page.
pub fn evaluation_ui(context: &mut UiContext<'_>, ui: &mut Ui, rect: Rect) {
    let inner = rect.shrink2(vec2(14.0, 6.0));
    let head = Rect::from_min_size(inner.min, vec2(inner.width(), HEAD));
    ui.scope_builder(egui::UiBuilder::new().max_rect(head), |ui| {
        head_row(context, ui);
    });
    let line = Stroke::new(1.0, theme::LINE);
    ui.painter().hline(inner.x_range(), head.bottom(), line);
    let body = Rect::from_min_max(head.left_bottom() + vec2(0.0, 8.0), inner.max);
    let read = context.workspace.evaluation.read.clone();
    let Some(read) = read else {
        return nothing(context, ui, body);
    };
    let e = &read.evaluation;
    let left = Rect::from_min_size(body.min, vec2(LEFT.min(body.width() * 0.4), body.height()));
    let right = Rect::from_min_max(left.right_top() + vec2(18.0, 0.0), body.max);
    ui.scope_builder(egui::UiBuilder::new().max_rect(left), |ui| {
        ScrollArea::vertical()
            .id_salt("figures")
            .auto_shrink([false, false])
            .show(ui, |ui| {
                figures(context, ui, e);
            });
    });
    let height = (right.height() * 0.42).clamp(150.0, 320.0);
    let curves = Rect::from_min_size(right.min, vec2(right.width(), height));
    let table = Rect::from_min_max(curves.left_bottom() + vec2(0.0, 10.0), right.max);
    charts::charts_ui(context, ui, e, curves);
    ui.scope_builder(egui::UiBuilder::new().max_rect(table), |ui| {
        cases::cases_ui(context, ui, e);
    });
}

fn head_row(context: &mut UiContext<'_>, ui: &mut Ui) {
    ui.horizontal_centered(|ui| {
        let page = &context.workspace.evaluation;
        let title = match page.evaluation().map(|e| e.kind) {
            Some(Kind::Segmentation) => "evaluation-title-masks",
            Some(Kind::Classification) => "evaluation-title-scores",
            None => "evaluation-title",
        };
        ui.label(RichText::new(context.word(title)).size(16.0).strong());
        if let Some(read) = &page.read {
            let file = read.file.file_name().unwrap_or_default().to_string_lossy();
            ui.label(RichText::new(file).color(theme::TEXT_DIM));
            let e = &read.evaluation;
            let count = context.tr("evaluation-cases", &[("count", e.cases.len().into())]);
            ui.label(RichText::new(count).color(theme::TEXT_DIM));
            if !e.failed.is_empty() {
                let args = [("count", e.failed.len().into())];
                let text = context.tr("evaluation-failed", &args);
                let reasons: Vec<String> = e
                    .failed
                    .iter()
                    .take(12)
                    .map(|f| format!("{}: {}", f.name, f.reason))
                    .collect();
                ui.label(RichText::new(text).color(theme::WARN))
                    .on_hover_text(reasons.join("\n"));
            }
        }
        if page.reading {
            ui.label(RichText::new(context.word("evaluation-reading")).color(theme::TEXT_DIM));
        }
        if let Some(reason) = page.refused.clone().filter(|_| page.read.is_some()) {
            let text = context.tr("evaluation-refused", &[("reason", reason.as_str().into())]);
            ui.label(RichText::new(text).color(theme::ERROR));
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let name = context.word("evaluation-close");
            let close = icon_button(ui, Icon::Close, name, true, false, theme::TEXT);
            if close.on_hover_text(format!("{name}\nEsc")).clicked() {
                act(context, EvaluationAction::Show(false));
            }
            if ui.button(context.word("evaluation-open")).clicked() {
                act(context, EvaluationAction::Choose);
            }
            if context.workspace.evaluation.read.is_some() {
                let images = Button::new(context.word("evaluation-images"));
                let tip = context.word("evaluation-images-tip");
                if ui.add(images).on_hover_text(tip).clicked() {
                    act(context, EvaluationAction::ChooseImages);
                }
            }
            let notice = RichText::new(context.word("evaluation-notice"));
            ui.label(notice.size(theme::SMALL_PT).color(theme::WARN));
        });
    });
}

/// Nothing was read yet: what to do, or why not.
fn nothing(context: &mut UiContext<'_>, ui: &mut Ui, rect: Rect) {
    let page = &context.workspace.evaluation;
    let (text, color) = match &page.refused {
        Some(reason) => (
            context.tr("evaluation-refused", &[("reason", reason.as_str().into())]),
            theme::ERROR,
        ),
        None if page.reading => (
            context.word("evaluation-reading").to_owned(),
            theme::TEXT_DIM,
        ),
        None => (context.word("evaluation-empty").to_owned(), theme::TEXT_DIM),
    };
    let at = rect.center() - vec2(0.0, 30.0);
    let font = FontId::proportional(15.0);
    let galley = ui
        .painter()
        .layout(text.clone(), font, color, (rect.width() - 40.0).min(640.0));
    let place = Align2::CENTER_CENTER.anchor_size(at, galley.size());
    let said = ui.interact(place, ui.scope_id().with("nothing"), Sense::hover());
    said.widget_info(|| WidgetInfo::labeled(Role::Label, true, &text));
    ui.painter().galley(place.min, galley, color);
    let button = Rect::from_center_size(rect.center() + vec2(0.0, 24.0), vec2(180.0, 30.0));
    if ui
        .put(button, Button::new(context.word("evaluation-open")))
        .clicked()
    {
        act(context, EvaluationAction::Choose);
    }
}

fn figures(context: &mut UiContext<'_>, ui: &mut Ui, e: &Evaluation) {
    widgets::section(ui, context.word("evaluation-figures"), None);
    if let Some(i) = &e.intervals {
        let by = match i.by.as_str() {
            "patient" => "evaluation-by-patient",
            _ => "evaluation-by-case",
        };
        let by = context.tr(by, &[("count", i.groups.into())]);
        let text = context.tr(
            "evaluation-intervals",
            &[
                ("percent", Value::Number(i.level * 100.0)),
                ("draws", i.draws.into()),
                ("by", by.as_str().into()),
            ],
        );
        ui.add(
            egui::Label::new(
                RichText::new(text)
                    .size(theme::SMALL_PT)
                    .color(theme::TEXT_DIM),
            )
            .wrap(),
        );
        ui.add_space(4.0);
    }
    let moved = !context.workspace.evaluation.at_threshold_of_file();
    let live = context.workspace.evaluation.decided().filter(|_| moved);
    Grid::new("figures of an evaluation")
        .num_columns(4)
        .spacing([14.0, 5.0])
        .show(ui, |ui| {
            // Of probabilities the mean squared error is the Brier score.
            let twice = e.summary_of("brier").is_some();
            let shown = e.summary.iter().filter(|s| !twice || s.figure != "mse");
            for summary in shown {
                let other = live
                    .into_iter()
                    .flatten()
                    .find(|(name, _)| *name == summary.figure);
                figure_row(context, ui, e, summary, other.map(|(_, value)| value));
                ui.end_row();
            }
        });
    if e.kind == Kind::Classification {
        decisions(context, ui, e);
    }
}

/// Name, value, a bar of the interval, and its ends. `live` is the value at another threshold than that of the file.
fn figure_row(
    context: &UiContext<'_>,
    ui: &mut Ui,
    e: &Evaluation,
    summary: &Summary,
    live: Option<Option<f64>>,
) {
    let name = figure_name(context, &summary.figure, e);
    let label = ui.label(RichText::new(&name).color(theme::TEXT_DIM));
    if let Some(tip) = context
        .language()
        .find(&format!("{}-tip", figure_key(&summary.figure)), &[])
    {
        label.on_hover_text(tip);
    }
    let value = live.map_or(Some(summary.value), |v| v);
    let text = value.map_or_else(|| "–".to_owned(), number);
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        ui.label(RichText::new(text).strong());
    });
    let ends = summary.low.zip(summary.high).filter(|_| live.is_none());
    let (rect, _) = ui.allocate_exact_size(vec2(72.0, 14.0), Sense::hover());
    let Some((low, high)) = ends else {
        let of_file = live.is_some();
        let text = if of_file {
            context.word("evaluation-no-interval")
        } else {
            ""
        };
        widgets::dim(ui, text);
        return;
    };
    // Distances have no upper end; theirs is that of the interval.
    let most = high.max(1.0);
    let x = |v: f64| rect.left() + (v / most).clamp(0.0, 1.0) as f32 * rect.width();
    let rail = Stroke::new(2.0, theme::LINE);
    ui.painter().hline(rect.x_range(), rect.center().y, rail);
    let bar = Stroke::new(4.0, theme::ACCENT.gamma_multiply(0.55));
    ui.painter().hline(x(low)..=x(high), rect.center().y, bar);
    ui.painter().circle_filled(
        egui::pos2(x(summary.value), rect.center().y),
        3.0,
        theme::TEXT,
    );
    let text = context.tr(
        "evaluation-from-to",
        &[
            ("low", number(low).as_str().into()),
            ("high", number(high).as_str().into()),
        ],
    );
    let label = widgets::dim(ui, text);
    if let (Some(median), Some(worst)) = (summary.median, summary.worst_twentieth) {
        let text = context.tr(
            "evaluation-spread",
            &[
                ("median", number(median).as_str().into()),
                ("worst", number(worst).as_str().into()),
                ("count", summary.cases.into()),
            ],
        );
        label.on_hover_text(text);
    }
}

/// The threshold, and how decisions at it fall.
fn decisions(context: &mut UiContext<'_>, ui: &mut Ui, e: &Evaluation) {
    widgets::section(ui, context.word("evaluation-decisions"), None);
    let page = &context.workspace.evaluation;
    let [low, high] = page.thresholds();
    let mut threshold = page.threshold;
    let of_file = e.threshold.filter(|_| !page.at_threshold_of_file());
    let counts = page.counts;
    ui.horizontal(|ui| {
        let label =
            ui.label(RichText::new(context.word("evaluation-threshold")).color(theme::TEXT_DIM));
        let slider = Slider::new(&mut threshold, low..=high)
            .step_by((high - low) / 100.0)
            .fixed_decimals(2);
        ui.spacing_mut().slider_width = 150.0;
        if ui.add(slider).labelled_by(label.id).changed() {
            act(context, EvaluationAction::Threshold(threshold));
        }
        if let Some(back) = of_file {
            let text = context.tr(
                "evaluation-threshold-back",
                &[("threshold", Value::Number(back))],
            );
            if ui.button(text).clicked() {
                act(context, EvaluationAction::Threshold(back));
            }
        }
    });
    ui.add_space(6.0);
    let Some(c) = counts else { return };
    let most = [
        c.true_positive,
        c.false_positive,
        c.false_negative,
        c.true_negative,
    ]
    .into_iter()
    .max()
    .unwrap_or(1)
    .max(1);
    Grid::new("matrix of decisions")
        .num_columns(3)
        .spacing([6.0, 6.0])
        .show(ui, |ui| {
            ui.label("");
            for key in ["evaluation-called-positive", "evaluation-called-negative"] {
                widgets::dim(ui, context.word(key));
            }
            ui.end_row();
            let rows = [
                (
                    "evaluation-is-positive",
                    c.true_positive,
                    c.false_negative,
                    true,
                ),
                (
                    "evaluation-is-negative",
                    c.false_positive,
                    c.true_negative,
                    false,
                ),
            ];
            for (key, called, not, positive) in rows {
                widgets::dim(ui, context.word(key));
                field(context, ui, called, most, positive, key, true);
                field(context, ui, not, most, !positive, key, false);
                ui.end_row();
            }
        });
}

/// A field of the confusion matrix: the more cases, the stronger its colour; wrong decisions are amber.
fn field(
    context: &UiContext<'_>,
    ui: &mut Ui,
    count: u64,
    most: u64,
    right: bool,
    truth: &'static str,
    called: bool,
) {
    let (rect, response) = ui.allocate_exact_size(vec2(118.0, 46.0), Sense::hover());
    let called = match called {
        true => "evaluation-called-positive",
        false => "evaluation-called-negative",
    };
    let name = format!("{}, {}: {count}", context.word(truth), context.word(called));
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &name));
    let color = if right { theme::ACCENT } else { theme::WARN };
    let share = 0.10 + 0.40 * (count as f32 / most as f32);
    let painter = ui.painter();
    painter.rect_filled(rect, 4.0, color.gamma_multiply(share));
    painter.text(
        rect.center() - vec2(0.0, 7.0),
        Align2::CENTER_CENTER,
        count.to_string(),
        FontId::proportional(17.0),
        theme::TEXT,
    );
    let word = if right {
        "evaluation-right"
    } else {
        "evaluation-wrong"
    };
    painter.text(
        rect.center() + vec2(0.0, 12.0),
        Align2::CENTER_CENTER,
        context.word(word),
        FontId::proportional(theme::SMALL_PT),
        theme::TEXT,
    );
}
