//! The rows of the list: a head to sort by, then one line a study with its patient's colour at the left.

use super::{act, nothing};
use crate::{
    model::{reading::ReadStatus, worklist::Priority},
    ui::{bands, context::UiContext, overlay_text, theme},
    workspace::study_list::{Column, ListAction, StudyEntry},
};
use egui::{
    Align2, Color32, FontId, Rect, Response, Role, ScrollArea, Sense, Stroke, Ui, WidgetInfo, pos2,
    text::{LayoutJob, TextWrapping},
    vec2,
};

/// Height of a row and of the head, points.
pub const ROW: f32 = 30.0;
const HEAD: f32 = 26.0;

/// Width of the colour at the left, with its gap.
const BAND: f32 = 12.0;

/// Shares of the width that columns take, and the least they need, points.
const WIDTHS: [(f32, f32); Column::ALL.len()] = [
    (0.24, 120.0),
    (0.13, 80.0),
    (0.12, 92.0),
    (0.08, 56.0),
    (0.28, 100.0),
    (0.03, 70.0),
    (0.06, 110.0),
    (0.04, 56.0),
];

/// Key of the message catalogue for a status.
pub const fn status_word(status: ReadStatus) -> &'static str {
    match status {
        ReadStatus::New => "list-status-new",
        ReadStatus::InProgress => "list-status-in-progress",
        ReadStatus::Flagged => "list-status-flagged",
        ReadStatus::Preliminary => "list-status-preliminary",
        ReadStatus::Final => "list-status-final",
    }
}

const fn priority_word(priority: Priority) -> Option<&'static str> {
    match priority {
        Priority::Unknown => None,
        Priority::Low => Some("list-priority-low"),
        Priority::Routine => Some("list-priority-routine"),
        Priority::High => Some("list-priority-high"),
        Priority::Stat => Some("list-priority-stat"),
    }
}

/// The colour of a status; its sign and word stand beside it.
pub const fn status_color(status: ReadStatus) -> Color32 {
    match status {
        ReadStatus::New => theme::ACCENT,
        ReadStatus::InProgress => theme::TEXT,
        ReadStatus::Flagged => theme::WARN,
        ReadStatus::Preliminary => theme::TEXT_DIM,
        ReadStatus::Final => theme::OK,
    }
}

/// Room behind a column; numbers stand at the right of theirs.
const fn gap(column: Column) -> f32 {
    match column {
        Column::Images => 28.0,
        _ => 8.0,
    }
}

/// Left edge and width of each column within a width.
fn columns(width: f32) -> [(f32, f32); Column::ALL.len()] {
    let least: f32 = WIDTHS.iter().map(|(_, least)| least).sum();
    let rest = (width - BAND - least).max(0.0);
    let shares: f32 = WIDTHS.iter().map(|(share, _)| share).sum();
    let mut left = BAND;
    WIDTHS.map(|(share, least)| {
        let width = least + rest * share / shares;
        let at = left;
        left += width;
        (at, width)
    })
}

/// Draws head and rows.
pub fn table_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    let width = ui.available_width() - 10.0;
    let columns = columns(width);
    head(context, ui, &columns, width);
    let workspace = context.workspace;
    let (index, rows) = (
        workspace.list.index().clone(),
        workspace.list.rows().clone(),
    );
    if rows.is_empty() {
        let key = match (index.is_empty(), workspace.list.is_busy()) {
            (_, true) => return,
            (true, false) => "list-nothing-known",
            (false, false) => "list-nothing-found",
        };
        nothing(ui, ui.available_rect_before_wrap(), context.word(key));
        return;
    }
    let mut area = ScrollArea::vertical()
        .id_salt("studies")
        .auto_shrink([false, false]);
    let line = ROW + 1.0;
    if let Some(row) = context.state.list.reveal.take() {
        let seen = context.state.list.seen.clone();
        // A row that is cut off at the lower edge is not in sight.
        let end = seen.end.saturating_sub(1).max(seen.start + 1);
        if row < seen.start || row >= end {
            let shown = ui.available_height() / line;
            let first = match row < seen.start {
                true => row as f32,
                false => row as f32 - shown.floor() + 2.0,
            };
            area = area.vertical_scroll_offset((first * line).max(0.0));
        }
    }
    ui.spacing_mut().item_spacing.y = line - ROW;
    area.show_rows(ui, ROW, rows.len(), |ui, range| {
        context.state.list.seen = range.clone();
        for row in rows.get(range).unwrap_or_default() {
            if let Some(entry) = index.get(*row) {
                study_row(context, ui, entry, &columns, width);
            }
        }
    });
}

fn head(context: &mut UiContext<'_>, ui: &mut Ui, columns: &[(f32, f32)], width: f32) {
    let (rect, _) = ui.allocate_exact_size(vec2(width, HEAD), Sense::hover());
    let sort = context.workspace.list.sort;
    for (column, (left, width)) in Column::ALL.into_iter().zip(columns) {
        let cell = Rect::from_min_size(
            rect.min + vec2(*left, 0.0),
            vec2(*width - gap(column), HEAD),
        );
        let name = context.word(column.message_key());
        let response = ui.interact(cell, ui.scope_id().with(name), Sense::click());
        let sorted = sort.column == column;
        response.widget_info(|| WidgetInfo::selected(Role::ColumnHeader, true, sorted, name));
        let color = match (sorted, response.hovered()) {
            (true, _) => theme::ACCENT,
            (false, true) => theme::TEXT,
            (false, false) => theme::TEXT_DIM,
        };
        let (anchor, at) = match column {
            Column::Images => (Align2::RIGHT_CENTER, cell.right_center()),
            _ => (Align2::LEFT_CENTER, cell.left_center()),
        };
        let font = FontId::proportional(theme::SMALL_PT);
        let written = ui.painter().text(at, anchor, name, font, color);
        if sorted {
            let x = match column {
                Column::Images => written.left() - 8.0,
                _ => written.right() + 8.0,
            };
            arrow(ui, pos2(x, cell.center().y), sort.ascending, color);
        }
        if response.clicked() {
            act(context, ListAction::Sort(column));
        }
    }
    let line = Stroke::new(1.0, theme::LINE);
    ui.painter().hline(rect.x_range(), rect.bottom(), line);
}

/// A small triangle: no font is sure to have one.
pub(in crate::ui) fn arrow(ui: &Ui, at: egui::Pos2, upwards: bool, color: Color32) {
    // Clockwise both ways, as the toolkit fills.
    let down = if upwards { -1.0 } else { 1.0 };
    let corners = [(0.0, 2.5), (-3.5, -2.5), (3.5, -2.5)];
    let points = corners.map(|(x, y)| at + vec2(x, y) * down).to_vec();
    ui.painter()
        .add(egui::Shape::convex_polygon(points, color, Stroke::NONE));
}

/// What a row says, column by column; empty where it is not known or hidden.
fn texts(context: &UiContext<'_>, entry: &StudyEntry) -> [String; Column::ALL.len()] {
    let words = context.language();
    let hide = context.workspace.settings.hide_identity;
    let unless_hidden = |text: String| if hide { "•••".to_owned() } else { text };
    let status = context.workspace.marks.read_status(&entry.uid);
    let priority = priority_word(entry.priority).map_or("", |key| words.word(key));
    let date = match entry.date {
        Some(date) => {
            let minutes = entry.time.get(..5).unwrap_or_default();
            format!("{date} {minutes}").trim_end().to_owned()
        }
        None => words.word("list-undated").to_owned(),
    };
    [
        unless_hidden(overlay_text::name_text(words, &entry.patient)),
        unless_hidden(entry.patient.id.reveal().clone()),
        unless_hidden(date),
        entry.modalities.join("/"),
        entry.description.clone(),
        entry.images.to_string(),
        words.word(status_word(status)).to_owned(),
        priority.to_owned(),
    ]
}

/// One study. Shared with the first screen, which shows a few of them.
pub fn study_row(
    context: &mut UiContext<'_>,
    ui: &mut Ui,
    entry: &StudyEntry,
    columns: &[(f32, f32)],
    width: f32,
) {
    let (rect, response) = ui.allocate_exact_size(vec2(width, ROW), Sense::click());
    let workspace = context.workspace;
    let selected = workspace.list.selected == Some(entry.key);
    let texts = texts(context, entry);
    let name = || {
        let said = texts.iter().filter(|t| !t.is_empty() && *t != "•••");
        said.cloned().collect::<Vec<_>>().join(", ")
    };
    response.widget_info(|| WidgetInfo::selected(Role::Row, true, selected, name()));
    if ui.is_rect_visible(rect) {
        if selected || response.hovered() {
            ui.painter().rect_filled(rect, 4.0, theme::RAISED);
        }
        if selected {
            let frame = Stroke::new(1.0, theme::ACCENT);
            ui.painter()
                .rect_stroke(rect, 4.0, frame, egui::StrokeKind::Inside);
        }
        let band = Rect::from_min_size(rect.min + vec2(3.0, 6.0), vec2(4.0, ROW - 12.0));
        let mark = workspace.bands.of(&entry.patient).filter(|_| entry.open);
        bands::paint(ui.painter(), band, mark);
        let status = workspace.marks.read_status(&entry.uid);
        let unread = status == ReadStatus::New;
        let open = workspace.study_shown() == Some(entry.key);
        for ((column, text), (left, width)) in Column::ALL.into_iter().zip(&texts).zip(columns) {
            let size = vec2(*width - gap(column), ROW);
            let mut cell = Rect::from_min_size(rect.min + vec2(*left, 0.0), size);
            let color = match column {
                Column::Patient if open => theme::ACCENT,
                Column::Patient => theme::TEXT,
                Column::Status => status_color(status),
                Column::Priority if entry.priority == Priority::Stat => theme::ERROR,
                Column::Priority if entry.priority == Priority::High => theme::WARN,
                _ if unread => theme::TEXT,
                _ => theme::TEXT_DIM,
            };
            if column == Column::Status {
                sign(ui, cell, status);
                cell.min.x += 16.0;
            }
            cell_text(ui, cell, text, color, column == Column::Images);
        }
    }
    if response.clicked() {
        act(context, ListAction::Select(entry.key));
    }
    if response.double_clicked() {
        act(context, ListAction::Open(entry.key));
    }
    menu(context, &response, entry);
    response.on_hover_ui(|ui| tooltip(context, ui, entry, &texts));
}

fn menu(context: &mut UiContext<'_>, response: &Response, entry: &StudyEntry) {
    let now = context.workspace.marks.read_status(&entry.uid);
    response.context_menu(|ui| {
        if ui.button(context.word("list-open")).clicked() {
            act(context, ListAction::Open(entry.key));
            ui.close();
        }
        ui.separator();
        for status in ReadStatus::ALL {
            if ui
                .radio(status == now, context.word(status_word(status)))
                .clicked()
            {
                act(context, ListAction::Status(entry.key, status));
                ui.close();
            }
        }
    });
}

/// All of a row, untruncated.
fn tooltip(context: &UiContext<'_>, ui: &mut Ui, entry: &StudyEntry, texts: &[String]) {
    let words = context.language();
    for (column, text) in Column::ALL.into_iter().zip(texts) {
        if !text.is_empty() && text != "•••" {
            ui.label(format!("{}  {text}", words.word(column.message_key())));
        }
    }
    if let Some(key) = entry.held.message_key() {
        ui.label(format!("{}  {}", words.word("list-files"), words.word(key)));
    }
    if context.workspace.settings.hide_identity {
        ui.label(words.word("badge-identity-hidden"));
        return;
    }
    let born = overlay_text::birth_text(words, &entry.patient, entry.date);
    let accession = entry.accession.reveal().clone();
    for (key, text) in [("list-born", born), ("list-accession", accession)] {
        if !text.is_empty() {
            ui.label(format!("{}  {text}", words.word(key)));
        }
    }
}

fn cell_text(ui: &Ui, cell: Rect, text: &str, color: Color32, right: bool) {
    let font = FontId::proportional(theme::BODY_PT);
    let mut job = LayoutJob::simple_singleline(text.to_owned(), font, color);
    job.wrap = TextWrapping::truncate_at_width(cell.width());
    let galley = ui.fonts_mut(|f| f.layout_job(job));
    let x = match right {
        true => cell.right() - galley.size().x,
        false => cell.left(),
    };
    let y = cell.center().y - galley.size().y / 2.0;
    ui.painter().galley(pos2(x, y), galley, color);
}

/// A small sign: each status has a shape of its own.
pub fn sign(ui: &Ui, cell: Rect, status: ReadStatus) {
    let at = pos2(cell.left() + 5.0, cell.center().y);
    let color = status_color(status);
    let stroke = Stroke::new(1.5, color);
    let painter = ui.painter();
    match status {
        ReadStatus::New => {
            painter.circle_filled(at, 4.0, color);
        }
        ReadStatus::InProgress => {
            painter.circle_stroke(at, 4.0, stroke);
            painter.circle_filled(at, 1.8, color);
        }
        ReadStatus::Flagged => {
            painter.line_segment([at + vec2(-3.0, -5.0), at + vec2(-3.0, 5.0)], stroke);
            let flag = vec![
                at + vec2(-3.0, -5.0),
                at + vec2(5.0, -2.5),
                at + vec2(-3.0, 0.5),
            ];
            painter.add(egui::Shape::convex_polygon(flag, color, Stroke::NONE));
        }
        ReadStatus::Preliminary => {
            painter.circle_stroke(at, 4.0, stroke);
        }
        ReadStatus::Final => {
            let tick = vec![
                at + vec2(-4.0, 0.0),
                at + vec2(-1.0, 3.0),
                at + vec2(4.5, -4.0),
            ];
            painter.add(egui::Shape::line(tick, stroke));
        }
    }
}

/// The newest studies in a frame of their own, for the first screen.
pub fn recent_ui(context: &mut UiContext<'_>, ui: &mut Ui, most: usize) {
    let width = ui.available_width();
    let columns = columns(width);
    let (index, rows) = (
        context.workspace.list.index().clone(),
        context.workspace.list.rows().clone(),
    );
    ui.spacing_mut().item_spacing.y = 1.0;
    for row in rows.iter().take(most) {
        if let Some(entry) = index.get(*row) {
            study_row(context, ui, entry, &columns, width);
        }
    }
}
