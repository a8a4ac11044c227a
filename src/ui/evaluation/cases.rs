//! The cases of an evaluation: a head to sort by, then one line a case; a click opens its picture.

use super::{EvaluationAction, act, figure_name, number};
use crate::{
    imaging::evaluation::{Case, Evaluation, FIGURES, Kind},
    ui::{context::UiContext, study_list::table::arrow, theme},
    workspace::evaluation::SortBy,
};
use egui::{
    Align2, Color32, FontId, Rect, Role, ScrollArea, Sense, Stroke, Ui, WidgetInfo, pos2,
    text::{LayoutJob, TextWrapping},
    vec2,
};

/// Height of a row and of the head, points.
const ROW: f32 = 26.0;
const HEAD: f32 = 24.0;

/// Columns of figures that have room.
const MOST_FIGURES: usize = 8;

struct Column {
    by: SortBy,
    title: String,
    left: f32,
    width: f32,
    /// Numbers stand at the right.
    right: bool,
}

fn columns(context: &UiContext<'_>, e: &Evaluation, width: f32) -> Vec<Column> {
    let mut parts: Vec<(SortBy, String, f32, bool)> = vec![(
        SortBy::Name,
        context.word("evaluation-column-case").into(),
        2.6,
        false,
    )];
    if e.cases.iter().any(|c| c.patient.is_some()) {
        parts.push((
            SortBy::Patient,
            context.word("list-column-patient").into(),
            1.0,
            false,
        ));
    }
    if e.kind == Kind::Classification {
        parts.push((
            SortBy::Class,
            context.word("evaluation-column-class").into(),
            1.0,
            false,
        ));
        parts.push((
            SortBy::Score,
            context.word("evaluation-column-score").into(),
            0.9,
            true,
        ));
        parts.push((
            SortBy::Error,
            context.word("evaluation-column-decision").into(),
            1.2,
            false,
        ));
    }
    let having = |name: &str| e.cases.iter().any(|c| c.figures.contains_key(name));
    for (name, _) in FIGURES
        .into_iter()
        .filter(|(n, _)| having(n))
        .take(MOST_FIGURES)
    {
        parts.push((
            SortBy::Figure(name),
            figure_name(context, name, e),
            1.0,
            true,
        ));
    }
    let all: f32 = parts.iter().map(|p| p.2).sum();
    let mut left = 8.0;
    parts
        .into_iter()
        .map(|(by, title, share, right)| {
            let width = (width - 16.0) * share / all;
            let column = Column {
                by,
                title,
                left,
                width: width - 14.0,
                right,
            };
            left += width;
            column
        })
        .collect()
}

/// Draws head and rows.
pub(super) fn cases_ui(context: &mut UiContext<'_>, ui: &mut Ui, e: &Evaluation) {
    let width = ui.available_width() - 10.0;
    let columns = columns(context, e, width);
    head(context, ui, &columns, width);
    let rows = context.workspace.evaluation.rows.clone();
    let mut area = ScrollArea::vertical()
        .id_salt("cases")
        .auto_shrink([false, false]);
    if let Some(row) = context.state.evaluation.reveal.take() {
        let seen = context.state.evaluation.seen.clone();
        let end = seen.end.saturating_sub(1).max(seen.start + 1);
        if row < seen.start || row >= end {
            let shown = ui.available_height() / ROW;
            let first = match row < seen.start {
                true => row as f32,
                false => row as f32 - shown.floor() + 2.0,
            };
            area = area.vertical_scroll_offset((first * ROW).max(0.0));
        }
    }
    ui.spacing_mut().item_spacing.y = 0.0;
    area.show_rows(ui, ROW, rows.len(), |ui, range| {
        context.state.evaluation.seen = range.clone();
        for place in rows.get(range).unwrap_or_default() {
            if let Some(case) = e.cases.get(*place) {
                case_row(context, ui, (*place, case), &columns, width);
            }
        }
    });
}

fn head(context: &mut UiContext<'_>, ui: &mut Ui, columns: &[Column], width: f32) {
    let (rect, _) = ui.allocate_exact_size(vec2(width, HEAD), Sense::hover());
    let (sort, descending) = {
        let page = &context.workspace.evaluation;
        (page.sort, page.descending)
    };
    for column in columns {
        let cell = Rect::from_min_size(rect.min + vec2(column.left, 0.0), vec2(column.width, HEAD));
        let id = ui.scope_id().with(&column.title);
        let response = ui.interact(cell, id, Sense::click());
        let sorted = sort == column.by;
        let name = column.title.as_str();
        response.widget_info(|| WidgetInfo::selected(Role::ColumnHeader, true, sorted, name));
        let color = match (sorted, response.hovered() || response.has_focus()) {
            (true, _) => theme::ACCENT,
            (false, true) => theme::TEXT,
            (false, false) => theme::TEXT_DIM,
        };
        let written = text(ui, cell, name, color, column.right);
        if sorted {
            let x = match column.right {
                true => written.left() - 8.0,
                false => written.right() + 8.0,
            };
            arrow(ui, pos2(x, cell.center().y), !descending, color);
        }
        if response.clicked() {
            act(context, EvaluationAction::Sort(column.by));
        }
    }
    let line = Stroke::new(1.0, theme::LINE);
    ui.painter().hline(rect.x_range(), rect.bottom(), line);
}

fn text(ui: &Ui, cell: Rect, text: &str, color: Color32, right: bool) -> Rect {
    let font = FontId::proportional(theme::BODY_PT);
    let mut job = LayoutJob::simple_singleline(text.to_owned(), font, color);
    job.wrap = TextWrapping::truncate_at_width(cell.width());
    let galley = ui.fonts_mut(|f| f.layout_job(job));
    let anchor = match right {
        true => Align2::RIGHT_CENTER.anchor_size(cell.right_center(), galley.size()),
        false => Align2::LEFT_CENTER.anchor_size(cell.left_center(), galley.size()),
    };
    ui.painter().galley(anchor.min, galley, color);
    anchor
}

/// What a column says of a case, and in which colour.
fn says(context: &UiContext<'_>, case: &Case, by: SortBy) -> (String, Color32) {
    let hide = context.workspace.settings.hide_identity;
    match by {
        SortBy::Name | SortBy::File => {
            let segment = case.segment.map_or(String::new(), |s| format!(" · {s}"));
            (format!("{}{segment}", case.name), theme::TEXT)
        }
        SortBy::Patient if hide => ("•••".into(), theme::TEXT_DIM),
        SortBy::Patient => (case.patient.clone().unwrap_or_default(), theme::TEXT_DIM),
        SortBy::Class => {
            let key = match case.positive {
                Some(true) => "evaluation-positive",
                Some(false) => "evaluation-negative",
                None => return (String::new(), theme::TEXT_DIM),
            };
            (context.word(key).to_owned(), theme::TEXT)
        }
        SortBy::Score => (case.score.map(number).unwrap_or_default(), theme::TEXT),
        SortBy::Error => {
            let error = context.workspace.evaluation.error(case);
            let wrong = error.is_some_and(|e| e > 0.0 || e == 0.0 && case.positive == Some(false));
            match (error, wrong) {
                (None, _) => (String::new(), theme::TEXT_DIM),
                (_, true) => (context.word("evaluation-wrong").to_owned(), theme::WARN),
                (_, false) => (context.word("evaluation-right").to_owned(), theme::TEXT_DIM),
            }
        }
        SortBy::Figure(name) => {
            let value = case.figures.get(name);
            (
                value.map_or_else(|| "–".into(), |v| number(*v)),
                theme::TEXT,
            )
        }
    }
}

fn case_row(
    context: &mut UiContext<'_>,
    ui: &mut Ui,
    (place, case): (usize, &Case),
    columns: &[Column],
    width: f32,
) {
    let (rect, response) = ui.allocate_exact_size(vec2(width, ROW), Sense::click());
    let selected = context.workspace.evaluation.selected == Some(place);
    let texts: Vec<(String, Color32)> = columns
        .iter()
        .map(|column| says(context, case, column.by))
        .collect();
    let name = || {
        let said = columns
            .iter()
            .zip(&texts)
            .filter(|(_, (t, _))| !t.is_empty());
        let said = said.map(|(column, (text, _))| format!("{} {text}", column.title));
        said.collect::<Vec<_>>().join(", ")
    };
    response.widget_info(|| WidgetInfo::selected(Role::Row, true, selected, name()));
    if ui.is_rect_visible(rect) {
        if selected || response.hovered() {
            ui.painter().rect_filled(rect, 3.0, theme::RAISED);
        }
        if selected || response.has_focus() {
            let frame = Stroke::new(1.0, theme::ACCENT);
            ui.painter()
                .rect_stroke(rect, 3.0, frame, egui::StrokeKind::Inside);
        }
        for (column, (says, color)) in columns.iter().zip(&texts) {
            let size = vec2(column.width, ROW);
            let cell = Rect::from_min_size(rect.min + vec2(column.left, 0.0), size);
            text(ui, cell, says, *color, column.right);
        }
    }
    if response.clicked() {
        act(context, EvaluationAction::Open(place));
    }
    response.on_hover_text(context.word("evaluation-open-case"));
}
