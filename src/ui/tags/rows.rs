//! One row of the tag browser: tag, VR, name, value, or two values beside each other.

use crate::{
    model::elements::{Change, ElementRow, Held},
    ui::{context::UiContext, theme},
};
use egui::{
    Align2, Color32, FontId, Pos2, Rect, Response, Role, Sense, Ui, WidgetInfo, pos2, vec2,
};

/// Most characters of a value in a row: what is behind them shows on hover.
const MOST: usize = 300;
/// Most characters on hover.
const MOST_HOVER: usize = 2000;

/// Where the columns begin, from the left of a row.
pub(super) struct Columns {
    vr: f32,
    name: f32,
    first: f32,
    second: Option<f32>,
    width: f32,
}

impl Columns {
    pub(super) fn of(width: f32, two: bool) -> Self {
        let name = 168.0;
        let first = name + (width * 0.3).clamp(120.0, 270.0);
        Self {
            vr: 132.0,
            name,
            first,
            second: two.then_some(first + (width - first) / 2.0),
            width,
        }
    }

    /// The names of the columns.
    pub(super) fn head(&self, context: &UiContext<'_>, ui: &mut Ui) {
        let (rect, _) = ui.allocate_exact_size(vec2(self.width, 20.0), Sense::hover());
        let values = match self.second {
            None => [Some((self.first, "tags-value")), None],
            Some(second) => [
                Some((self.first, "tags-value-this")),
                Some((second, "tags-value-other")),
            ],
        };
        let names = [
            Some((20.0, "tags-tag")),
            Some((self.vr, "tags-vr")),
            Some((self.name, "tags-name")),
        ];
        for (x, key) in names.into_iter().chain(values).flatten() {
            let at = pos2(rect.left() + x, rect.center().y);
            let font = FontId::proportional(theme::SMALL_PT);
            let painter = ui.painter();
            painter.text(
                at,
                Align2::LEFT_CENTER,
                context.word(key),
                font,
                theme::TEXT_DIM,
            );
        }
        let stroke = egui::Stroke::new(1.0, theme::LINE);
        ui.painter().hline(rect.x_range(), rect.bottom(), stroke);
    }
}

/// A row.
pub(super) struct Line<'a> {
    pub(super) at: u32,
    pub(super) depth: u16,
    /// Whether it is open, when it holds others.
    pub(super) open: Option<bool>,
    pub(super) first: Option<&'a ElementRow>,
    pub(super) second: Option<&'a ElementRow>,
    pub(super) change: Change,
    pub(super) found: bool,
}

impl Line<'_> {
    pub(super) fn draw(
        &self,
        context: &UiContext<'_>,
        ui: &mut Ui,
        columns: &Columns,
        height: f32,
        selected: bool,
        hide: bool,
    ) -> Response {
        let (rect, response) = ui.allocate_exact_size(vec2(columns.width, height), Sense::click());
        let Some(row) = self.first.or(self.second) else {
            return response;
        };
        let name = name(context, row);
        let value =
            |row: Option<&ElementRow>| row.map_or(String::new(), |r| value(context, r, hide));
        let (first, second) = (value(self.first), value(self.second));
        response.widget_info(|| {
            let text = format!("{} {name} {first} {second}", row.tag_text());
            WidgetInfo::labeled(Role::TreeItem, true, text.trim())
        });
        if !ui.is_rect_visible(rect) {
            return response;
        }
        let painter = ui.painter();
        if selected {
            painter.rect_filled(rect, 3.0, theme::ACCENT.gamma_multiply(0.16));
        } else if response.hovered() {
            painter.rect_filled(rect, 3.0, theme::RAISED);
        }
        if response.has_focus() {
            let stroke = egui::Stroke::new(1.0, theme::ACCENT);
            painter.rect_stroke(rect, 3.0, stroke, egui::StrokeKind::Inside);
        }
        let indent = f32::from(self.depth.min(12)) * 12.0;
        if let Some(open) = self.open {
            arrow(
                painter,
                pos2(rect.left() + 8.0 + indent, rect.center().y),
                open,
            );
        }
        let color = if self.found {
            theme::ACCENT
        } else {
            theme::TEXT
        };
        let cut = |from: f32, to: f32, text: &str, color: Color32, mono: bool| {
            let cell = Rect::from_min_max(
                pos2(rect.left() + from, rect.top()),
                pos2(rect.left() + to - 8.0, rect.bottom()),
            );
            let font = match mono {
                true => FontId::monospace(theme::SMALL_PT),
                false => FontId::proportional(theme::OVERLAY_PT),
            };
            let painter = painter.with_clip_rect(cell.intersect(painter.clip_rect()));
            let at = pos2(cell.left(), cell.center().y);
            painter.text(at, Align2::LEFT_CENTER, text, font, color);
        };
        if row.is_item() {
            cut(20.0 + indent, columns.first, &name, theme::TEXT_DIM, false);
        } else {
            let shift = 20.0 + indent;
            cut(
                shift,
                columns.vr.max(shift + 100.0),
                &row.tag_text(),
                theme::TEXT_DIM,
                true,
            );
            let vr = columns.vr.max(shift + 96.0);
            cut(vr, vr + 40.0, row.vr_text(), theme::TEXT_FAINT, true);
            let from = columns.name.max(vr + 34.0);
            cut(from, columns.first.max(from + 40.0), &name, color, false);
        }
        let values = match columns.second {
            None => vec![(columns.first, columns.width, &first, self.first)],
            Some(middle) => vec![
                (columns.first, middle, &first, self.first),
                (middle, columns.width, &second, self.second),
            ],
        };
        for (from, to, text, row) in values {
            let hidden = row.is_some_and(|r| hide && r.personal && r.held != Held::Nothing);
            let color = match (self.change, columns.second) {
                _ if hidden => theme::TEXT_FAINT,
                (Change::Same, Some(_)) => theme::TEXT_DIM,
                (Change::Changed, Some(_)) if self.open.is_none() => theme::WARN,
                (Change::First | Change::Second, Some(_)) => theme::WARN,
                _ => theme::TEXT,
            };
            match row {
                Some(_) => cut(from, to, text, color, false),
                None => cut(from, to, "–", theme::TEXT_FAINT, false),
            }
        }
        if response.hovered() && !row.is_item() {
            let mut text = format!("{} {} {name}", row.tag_text(), row.vr_text());
            for (whole, value) in [(self.first, &first), (self.second, &second)] {
                if let Some(row) = whole
                    && !value.is_empty()
                {
                    let hidden = hide && row.personal;
                    let full = row.text().filter(|_| !hidden).unwrap_or(value);
                    let full: String = full.chars().take(MOST_HOVER).collect();
                    text.push_str(&format!("\n{full}"));
                }
            }
            return response.on_hover_text(text);
        }
        response
    }
}

/// A small triangle: to the right when closed, down when open.
fn arrow(painter: &egui::Painter, at: Pos2, open: bool) {
    let points = match open {
        true => vec![
            at + vec2(-4.0, -2.0),
            at + vec2(4.0, -2.0),
            at + vec2(0.0, 3.0),
        ],
        false => vec![
            at + vec2(-2.0, -4.0),
            at + vec2(3.0, 0.0),
            at + vec2(-2.0, 4.0),
        ],
    };
    let none = egui::Stroke::NONE;
    painter.add(egui::Shape::convex_polygon(points, theme::TEXT_DIM, none));
}

fn name(context: &UiContext<'_>, row: &ElementRow) -> String {
    if row.is_item() {
        return context.tr("tags-item", &[("number", row.item.into())]);
    }
    match row.keyword {
        "" => context.word("tags-private").to_owned(),
        keyword => keyword.to_owned(),
    }
}

fn value(context: &UiContext<'_>, row: &ElementRow, hide: bool) -> String {
    if hide && row.personal && row.held != Held::Nothing {
        return context.word("content-hidden").to_owned();
    }
    match &row.held {
        Held::Nothing => String::new(),
        Held::Text(text) | Held::Cut(text) => {
            let mut short: String = text.chars().take(MOST).collect();
            if short.len() < text.len() {
                short.push('…');
            }
            short.replace(['\r', '\n'], " ")
        }
        Held::Bytes(bytes) => {
            let pairs: Vec<String> = bytes.iter().map(|b| format!("{b:02X}")).collect();
            pairs.join(" ")
        }
        Held::Away => context.tr("content-value-bytes", &[("count", row.length.into())]),
    }
}
