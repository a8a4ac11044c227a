//! Curves of an evaluation: ROC, precision over recall, reliability; of masks the cases in order of their figure.

use super::{EvaluationAction, act, figure_name, number};
use crate::{
    imaging::evaluation::{Evaluation, Kind, Point},
    ui::{context::UiContext, theme},
};
use egui::{
    Align2, Color32, FontId, Pos2, Rect, Response, Role, Sense, Shape, Stroke, Ui, WidgetInfo,
    pos2, vec2,
};

/// Room for numbers and titles around the field of a chart, points.
const LEFT: f32 = 34.0;
const BELOW: f32 = 34.0;
const ABOVE: f32 = 22.0;

/// A point of a curve is left out when it lies so close to the last one that is drawn.
const THIN: f32 = 0.75;

/// Draws the charts beside each other.
pub(super) fn charts_ui(context: &mut UiContext<'_>, ui: &mut Ui, e: &Evaluation, rect: Rect) {
    match e.kind {
        Kind::Classification => scores(context, ui, e, rect),
        Kind::Segmentation => masks(context, ui, e, rect),
    }
}

/// A part of a row of charts.
fn part(rect: Rect, place: usize, count: usize) -> Rect {
    let gap = 16.0;
    let width = (rect.width() - gap * (count - 1) as f32) / count as f32;
    let left = rect.left() + (width + gap) * place as f32;
    Rect::from_min_size(pos2(left, rect.top()), vec2(width, rect.height()))
}

/// The field of a chart, and what its ends stand for.
struct Chart {
    field: Rect,
    x: [f64; 2],
    y: [f64; 2],
    response: Response,
}

impl Chart {
    /// Frame, title and numbers. `said` is what a screen reader reads.
    fn new(
        context: &UiContext<'_>,
        ui: &Ui,
        rect: Rect,
        (title, x_title, y_title): (&str, &str, &str),
        (x, y): ([f64; 2], [f64; 2]),
        said: &str,
    ) -> Self {
        let field = Rect::from_min_max(rect.min + vec2(LEFT, ABOVE), rect.max - vec2(6.0, BELOW));
        let response = ui.interact(rect, ui.scope_id().with(title), Sense::click());
        let name = format!("{title}: {said}");
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &name));
        let chart = Self {
            field,
            x,
            y,
            response,
        };
        let painter = ui.painter();
        let small = FontId::proportional(theme::SMALL_PT);
        painter.rect_filled(field, 2.0, theme::PANEL);
        let line = Stroke::new(1.0, theme::LINE);
        let ends = |[low, high]: [f64; 2]| [low, (low + high) / 2.0, high];
        for (place, value) in ends(y).into_iter().enumerate() {
            let at = chart.at(x[0], value);
            painter.hline(field.x_range(), at.y, line);
            let anchor = [
                Align2::RIGHT_BOTTOM,
                Align2::RIGHT_CENTER,
                Align2::RIGHT_TOP,
            ];
            let anchor = anchor.get(place).copied().unwrap_or(Align2::RIGHT_CENTER);
            let text = short(value);
            painter.text(
                at - vec2(5.0, 0.0),
                anchor,
                text,
                small.clone(),
                theme::TEXT_DIM,
            );
        }
        for (place, value) in ends(x).into_iter().enumerate() {
            let at = chart.at(value, y[0]);
            painter.vline(at.x, field.y_range(), line);
            let anchor = [Align2::LEFT_TOP, Align2::CENTER_TOP, Align2::RIGHT_TOP];
            let anchor = anchor.get(place).copied().unwrap_or(Align2::CENTER_TOP);
            let text = short(value);
            painter.text(
                at + vec2(0.0, 2.0),
                anchor,
                text,
                small.clone(),
                theme::TEXT_DIM,
            );
        }
        let font = FontId::proportional(theme::BODY_PT);
        let at = pos2(field.left(), rect.top());
        let written = painter.text(at, Align2::LEFT_TOP, title, font, theme::TEXT);
        // The name of the figure goes first where both have no room: the title and the list beside say it.
        let mut beside = said;
        let fits = |text: &str| {
            let galley = painter.layout_no_wrap(text.to_owned(), small.clone(), theme::TEXT_DIM);
            written.right() + 10.0 + galley.size().x <= field.right()
        };
        if !fits(beside) {
            let digit = beside.find(" 0.").or_else(|| beside.find(" 1."));
            beside = digit.map_or("", |at| beside.split_at(at + 1).1);
        }
        if fits(beside) {
            let at = pos2(field.right(), rect.top() + 1.0);
            painter.text(
                at,
                Align2::RIGHT_TOP,
                beside,
                small.clone(),
                theme::TEXT_DIM,
            );
        }
        let text = match y_title.is_empty() {
            true => x_title.to_owned(),
            false => context.tr(
                "evaluation-axes",
                &[("y", y_title.into()), ("x", x_title.into())],
            ),
        };
        painter.text(
            pos2(field.center().x, rect.bottom() - 1.0),
            Align2::CENTER_BOTTOM,
            text,
            small,
            theme::TEXT_DIM,
        );
        chart
    }

    fn at(&self, x: f64, y: f64) -> Pos2 {
        let share = |v: f64, [low, high]: [f64; 2]| ((v - low) / (high - low).max(1e-12)) as f32;
        pos2(
            self.field.left() + share(x, self.x) * self.field.width(),
            self.field.bottom() - share(y, self.y) * self.field.height(),
        )
    }

    /// A line through points, thinned to what can be seen.
    fn line(&self, ui: &Ui, points: impl Iterator<Item = (f64, f64)>, color: Color32) {
        let mut line: Vec<Pos2> = Vec::new();
        let mut left_out = None;
        for (x, y) in points {
            let at = self.at(x, y);
            match line.last() {
                Some(last) if (at - *last).length() < THIN => left_out = Some(at),
                _ => {
                    line.push(at);
                    left_out = None;
                }
            }
        }
        line.extend(left_out);
        ui.painter().add(Shape::line(line, Stroke::new(2.0, color)));
    }

    /// The point of a curve that the pointer is nearest to, within reach.
    fn nearest<'a>(&self, points: &'a [Point]) -> Option<&'a Point> {
        let pointer = self.response.hover_pos()?;
        let far = |p: &Point| (self.at(p.x, p.y) - pointer).length();
        points
            .iter()
            .min_by(|a, b| far(a).total_cmp(&far(b)))
            .filter(|p| far(p) < 40.0)
    }
}

fn short(value: f64) -> String {
    let text = match value.abs() {
        v if v >= 10.0 => format!("{value:.0}"),
        v if v >= 2.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    };
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// What a figure comes to, with its interval.
fn said(context: &UiContext<'_>, e: &Evaluation, figure: &str) -> String {
    let Some(s) = e.summary_of(figure) else {
        return String::new();
    };
    let name = figure_name(context, figure, e);
    let value = number(s.value);
    match s.low.zip(s.high) {
        Some((low, high)) => {
            let ends = context.tr(
                "evaluation-from-to",
                &[
                    ("low", number(low).as_str().into()),
                    ("high", number(high).as_str().into()),
                ],
            );
            format!("{name} {value} ({ends})")
        }
        None => format!("{name} {value}"),
    }
}

/// The last point of a curve whose scores are all at or above a threshold: where decisions at it lie.
fn at_threshold(points: &[Point], threshold: f64) -> Option<&Point> {
    points
        .iter()
        .take_while(|p| p.threshold.is_none_or(|t| t >= threshold))
        .last()
}

fn scores(context: &mut UiContext<'_>, ui: &mut Ui, e: &Evaluation, rect: Rect) {
    let threshold = context.workspace.evaluation.threshold;
    let unit = ([0.0, 1.0], [0.0, 1.0]);
    let curves = [
        (
            "evaluation-roc",
            "evaluation-false-positive-rate",
            "figure-recall",
            "auroc",
            &e.roc,
        ),
        (
            "evaluation-pr",
            "figure-recall",
            "figure-precision",
            "average_precision",
            &e.precision_recall,
        ),
    ];
    for (place, (title, x, y, figure, points)) in curves.into_iter().enumerate() {
        let words = (context.word(title), context.word(x), context.word(y));
        let said = said(context, e, figure);
        let chart = Chart::new(context, ui, part(rect, place, 3), words, unit, &said);
        if points.is_empty() {
            none(context, ui, &chart);
            continue;
        }
        if figure == "auroc" {
            let chance = [chart.at(0.0, 0.0), chart.at(1.0, 1.0)];
            let stroke = Stroke::new(1.0, theme::TEXT_FAINT);
            ui.painter()
                .extend(Shape::dashed_line(&chance, stroke, 4.0, 4.0));
        }
        chart.line(ui, points.iter().map(|p| (p.x, p.y)), theme::ACCENT);
        if let Some(now) = at_threshold(points, threshold) {
            let at = chart.at(now.x, now.y);
            ui.painter().circle_filled(at, 5.0, theme::TEXT);
            ui.painter()
                .circle_stroke(at, 5.0, Stroke::new(1.5, theme::APP));
        }
        pick(context, ui, &chart, points, (words.1, words.2));
    }
    let words = (
        context.word("evaluation-reliability"),
        context.word("evaluation-mean-probability"),
        context.word("evaluation-share-positive"),
    );
    let said = said(context, e, "ece");
    let chart = Chart::new(context, ui, part(rect, 2, 3), words, unit, &said);
    if e.reliability.is_empty() {
        return none(context, ui, &chart);
    }
    reliability(context, ui, &chart, e);
}

/// A pointer over a curve reads the nearest point; a click takes its threshold.
fn pick(
    context: &mut UiContext<'_>,
    ui: &Ui,
    chart: &Chart,
    points: &[Point],
    (x, y): (&str, &str),
) {
    let Some(near) = chart.nearest(points) else {
        return;
    };
    let at = chart.at(near.x, near.y);
    ui.painter()
        .circle_stroke(at, 4.0, Stroke::new(1.5, theme::WARN));
    let threshold = near.threshold.map_or_else(|| "∞".to_owned(), number);
    let name = context.word("evaluation-threshold");
    let text = format!(
        "{name} {threshold}\n{x} {}\n{y} {}",
        number(near.x),
        number(near.y)
    );
    chart.response.clone().on_hover_text_at_pointer(text);
    if chart.response.clicked()
        && let Some(threshold) = near.threshold
    {
        act(context, EvaluationAction::Threshold(threshold));
    }
}

fn none(context: &UiContext<'_>, ui: &Ui, chart: &Chart) {
    let text = context.word("evaluation-no-curve");
    let galley = ui.painter().layout(
        text.to_owned(),
        FontId::proportional(theme::SMALL_PT),
        theme::TEXT_DIM,
        chart.field.width() - 16.0,
    );
    let at = Align2::CENTER_CENTER.anchor_size(chart.field.center(), galley.size());
    ui.painter().galley(at.min, galley, theme::TEXT_DIM);
}

/// Bars from the diagonal, which is where they should end, to the share of positives; below how many cases each has.
fn reliability(context: &UiContext<'_>, ui: &Ui, chart: &Chart, e: &Evaluation) {
    let ideal = [chart.at(0.0, 0.0), chart.at(1.0, 1.0)];
    let stroke = Stroke::new(1.0, theme::TEXT_FAINT);
    ui.painter()
        .extend(Shape::dashed_line(&ideal, stroke, 4.0, 4.0));
    let most = e
        .reliability
        .iter()
        .map(|b| b.count)
        .max()
        .unwrap_or(1)
        .max(1);
    let pointer = chart.response.hover_pos();
    for bin in e.reliability.iter().filter(|b| b.count > 0) {
        let bar = Rect::from_two_pos(
            chart.at(bin.low, bin.share) + vec2(1.5, 0.0),
            chart.at(bin.high, 0.0) - vec2(1.5, 0.0),
        );
        // Bars of few cases are faint: they say little.
        let weight = 0.25 + 0.5 * (bin.count as f32 / most as f32);
        let painter = ui.painter();
        painter.rect_filled(bar, 1.0, theme::ACCENT.gamma_multiply(weight));
        let at = chart.at(bin.probability, bin.share);
        painter.circle_filled(at, 3.0, theme::TEXT);
        let tall = Rect::from_x_y_ranges(bar.x_range(), chart.field.y_range());
        if pointer.is_some_and(|p| tall.contains(p)) {
            let text = context.tr(
                "evaluation-bin",
                &[
                    ("low", number(bin.low).as_str().into()),
                    ("high", number(bin.high).as_str().into()),
                    ("count", (bin.count as usize).into()),
                    ("probability", number(bin.probability).as_str().into()),
                    ("share", number(bin.share).as_str().into()),
                ],
            );
            chart.response.clone().on_hover_text_at_pointer(text);
        }
    }
}

/// Every case as a point in order of its figure: how many are bad, and how bad.
fn masks(context: &mut UiContext<'_>, ui: &mut Ui, e: &Evaluation, rect: Rect) {
    let shown: Vec<&str> = ["dice", "hd95", "assd"]
        .into_iter()
        .filter(|f| e.summary_of(f).is_some())
        .collect();
    let shown = if shown.is_empty() {
        e.summary
            .iter()
            .take(3)
            .map(|s| s.figure.as_str())
            .collect()
    } else {
        shown
    };
    for (place, figure) in shown.iter().enumerate() {
        let mut values: Vec<(f64, usize)> = e
            .cases
            .iter()
            .enumerate()
            .filter_map(|(case, c)| Some((c.figures.get(*figure).copied()?, case)))
            .collect();
        values.sort_by(|a, b| a.0.total_cmp(&b.0));
        let last = values.len().saturating_sub(1).max(1) as f64;
        let high = values.last().map_or(1.0, |v| v.0);
        let y = match *figure {
            "hd95" | "assd" => [0.0, high.max(1e-6)],
            _ => [values.first().map_or(0.0, |v| v.0).min(0.5), 1.0],
        };
        let name = figure_name(context, figure, e);
        let words = (name.as_str(), context.word("evaluation-cases-in-order"), "");
        let said = said(context, e, figure);
        let said = said.strip_prefix(&name).unwrap_or(&said).trim().to_owned();
        let area = part(rect, place, shown.len());
        let chart = Chart::new(context, ui, area, words, ([1.0, last + 1.0], y), &said);
        let at = |i: usize, value: f64| chart.at(i as f64 + 1.0, value);
        let pointer = chart.response.hover_pos();
        let near = |(i, v): &(usize, &(f64, usize))| pointer.map(|p| (at(*i, v.0) - p).length());
        let nearest = values
            .iter()
            .enumerate()
            .filter_map(|v| Some((near(&v)?, v.0, *v.1)))
            .min_by(|a, b| a.0.total_cmp(&b.0))
            .filter(|n| n.0 < 24.0);
        let selected = context.workspace.evaluation.selected;
        let mut last_drawn: Option<Pos2> = None;
        for (i, (value, case)) in values.iter().enumerate() {
            let point = at(i, *value);
            let chosen = selected == Some(*case);
            if !chosen && last_drawn.is_some_and(|l| (l - point).length() < THIN) {
                continue;
            }
            last_drawn = Some(point);
            let (radius, color) = if chosen {
                (5.0, theme::WARN)
            } else {
                (2.5, theme::ACCENT)
            };
            ui.painter().circle_filled(point, radius, color);
        }
        if let Some((_, i, (value, case))) = nearest {
            ui.painter()
                .circle_stroke(at(i, value), 5.0, Stroke::new(1.5, theme::WARN));
            if let Some(c) = e.cases.get(case) {
                let text = format!("{}\n{name} {}", c.name, number(value));
                chart.response.clone().on_hover_text_at_pointer(text);
            }
            if chart.response.clicked() {
                let row = context.workspace.evaluation.rows.iter();
                context.state.evaluation.reveal = row.clone().position(|r| *r == case);
                act(context, EvaluationAction::Select(case));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decisions_lie_where_the_curve_has_their_threshold() {
        let point = |x, threshold| Point { x, y: x, threshold };
        let curve = [
            point(0.0, None),
            point(0.2, Some(0.9)),
            point(1.0, Some(0.4)),
        ];
        let x = |t| at_threshold(&curve, t).map(|p| p.x);
        assert_eq!(x(1.0), Some(0.0));
        assert_eq!(x(0.9), Some(0.2));
        assert_eq!(x(0.5), Some(0.2));
        assert_eq!(x(0.0), Some(1.0));
    }

    #[test]
    fn numbers_of_axes_are_short() {
        let texts = [0.0, 0.5, 1.0, 12.34, 2.5, 0.125].map(short);
        assert_eq!(texts, ["0", "0.5", "1", "12", "2.5", "0.12"]);
    }
}
