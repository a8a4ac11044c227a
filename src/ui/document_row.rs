//! One row of a document: name, value, unit; what stands behind it on hover.

use super::theme;
use crate::{
    i18n::Language,
    model::content::{ContentNode, Value},
    workspace::content_words,
};
use egui::{
    Color32, FontId, Galley, Pos2, Rect, Shape, Stroke, Ui, pos2,
    text::{LayoutJob, TextFormat},
    vec2,
};
use std::sync::Arc;

/// One level.
const INDENT: f32 = 16.0;
/// Levels beyond this are not moved in any more, so that text keeps its room.
const DEEPEST: u16 = 16;
/// Room for the mark of a node that holds others.
const GUTTER: f32 = 20.0;
/// Room between rows.
const GAP: f32 = 6.0;
/// Width of the names of facts.
const NAMES: f32 = 200.0;
/// More room above a heading.
const ABOVE: f32 = 8.0;

/// How rows are drawn.
pub(super) struct Style {
    pub(super) words: Language,
    /// What people wrote is hidden.
    pub(super) hide: bool,
    /// Width of the column, points.
    pub(super) width: f32,
}

/// What a row does not know from its node.
#[derive(Default)]
pub(super) struct More {
    /// It leads somewhere.
    pub(super) link: bool,
    /// It holds others.
    pub(super) holds: bool,
    /// Where it leads, in words.
    pub(super) target: Option<String>,
    /// A colour to be drawn behind it.
    pub(super) swatch: Option<[u8; 3]>,
}

/// A row in the making.
pub(super) struct Row<'a> {
    node: &'a ContentNode,
    style: &'a Style,
    name: String,
    value: String,
    unit: String,
    text: String,
    link: bool,
    /// How the row belongs to the one above, where it has no name of its own.
    lead: String,
    heading: bool,
    swatch: Option<[u8; 3]>,
}

/// How high a row will about be, without laying its text out.
pub(super) fn guess(node: &ContentNode, width: f32, holds: bool) -> f32 {
    let (length, breaks) = match &node.value {
        Value::Text(text) => (text.len(), text.bytes().filter(|b| *b == b'\n').count()),
        Value::None => (0, 0),
        _ => (24, 0),
    };
    let room = (width - indent(node)).max(80.0);
    let needed = (node.name.text.len() + length) as f32 * 6.2;
    let lines = (needed / room).ceil().max(1.0) + breaks as f32;
    lines * 17.0 + GAP + if is_heading(node, holds) { ABOVE } else { 0.0 }
}

fn indent(node: &ContentNode) -> f32 {
    f32::from(node.depth.min(DEEPEST)) * INDENT + GUTTER
}

/// Whether a node is a heading: one of a report, or one of ours that holds others.
fn is_heading(node: &ContentNode, holds: bool) -> bool {
    let one_of_many = matches!(node.name.key, Some("content-annotation"));
    let ours = node.name.key.is_some() && !one_of_many;
    node.kind == "CONTAINER" || (holds && node.depth == 0 && ours)
}

impl<'a> Row<'a> {
    pub(super) fn new(node: &'a ContentNode, style: &'a Style, more: More) -> Self {
        let words = style.words;
        let mut name = content_words::name_text(words, &node.name);
        let hidden = style.hide && node.personal && node.value != Value::None;
        let (mut value, mut unit) = if hidden {
            (words.word("content-hidden").to_owned(), String::new())
        } else {
            content_words::value_text(words, &node.value)
        };
        // Identifiers are on hover only.
        if matches!(node.value, Value::Reference(_) | Value::Uid(..)) {
            unit.clear();
        }
        if let Some(target) = more.target.filter(|_| !hidden) {
            match node.value {
                Value::Link { .. } => value = target,
                _ => unit = target,
            }
        }
        let lead = match node.relationship {
            Some(relationship) if name.is_empty() => {
                content_words::relationship_text(words, relationship)
            }
            _ => String::new(),
        };
        if name.is_empty() && value.is_empty() {
            name = words.word("content-no-name").to_owned();
        }
        let mut text = name.clone();
        for part in [&lead, &value, &unit] {
            if !part.is_empty() {
                if !text.is_empty() {
                    text.push(' ');
                }
                text.push_str(part);
            }
        }
        Self {
            node,
            style,
            name,
            value,
            unit,
            text,
            link: more.link,
            lead,
            heading: is_heading(node, more.holds),
            swatch: more.swatch,
        }
    }

    /// All of it in words.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    fn size(&self) -> f32 {
        match (self.node.kind.as_str(), self.node.depth) {
            ("CONTAINER", 0) => 17.0,
            ("CONTAINER", _) => 15.0,
            _ if self.heading => 15.0,
            _ => theme::BODY_PT,
        }
    }

    /// The text; with `bold` only the name, which is drawn once more beside itself.
    fn galley(&self, ui: &Ui, width: f32, bold: bool) -> Arc<Galley> {
        let format = |size: f32, color: Color32| TextFormat {
            font_id: FontId::proportional(size),
            color: if bold { Color32::TRANSPARENT } else { color },
            ..TextFormat::default()
        };
        let size = self.size();
        let mut job = LayoutJob::default();
        job.wrap.max_width = width;
        let named = TextFormat {
            color: theme::TEXT,
            ..format(size, theme::TEXT)
        };
        job.append(&self.name, 0.0, named);
        if !self.lead.is_empty() {
            job.append(&self.lead, 0.0, format(size, theme::TEXT_DIM));
        }
        let first = self.name.is_empty() && self.lead.is_empty();
        let gap = if first { 0.0 } else { 12.0 };
        let hidden = self.style.hide && self.node.personal;
        let color = match &self.node.value {
            _ if hidden => theme::TEXT_FAINT,
            Value::Reference(_) | Value::Link { .. } if self.link => theme::ACCENT,
            Value::Reference(_) | Value::Uid(..) | Value::Bytes(_) => theme::TEXT_DIM,
            _ => theme::TEXT,
        };
        if !self.value.is_empty() {
            job.append(&self.value, gap, format(size, color));
        }
        if !self.unit.is_empty() {
            let gap = match self.node.value {
                Value::Reference(_) | Value::Points(_) => 12.0,
                _ => 6.0,
            };
            job.append(&self.unit, gap, format(size, theme::TEXT_DIM));
        }
        ui.fonts_mut(|fonts| fonts.layout_job(job))
    }

    fn above(&self) -> f32 {
        if self.heading { ABOVE } else { 0.0 }
    }

    /// Height with the room around it.
    pub(super) fn height(&self, ui: &Ui) -> f32 {
        let galley = self.galley(ui, self.style.width - indent(self.node), false);
        galley.size().y + GAP + self.above()
    }

    /// Draws the row; `closed` is the state of a node that holds others.
    pub(super) fn paint(&self, ui: &Ui, at: Pos2, closed: Option<bool>) {
        let indent = indent(self.node);
        let place = at + vec2(indent, GAP / 2.0 + self.above());
        let galley = self.galley(ui, self.style.width - indent, false);
        let bold = self.galley(ui, self.style.width - indent, true);
        let line = galley
            .rows
            .first()
            .map_or(theme::BODY_PT, |row| row.height());
        if let Some(closed) = closed {
            let centre = place + vec2(-10.0, line / 2.0);
            let points = if closed {
                vec![
                    centre + vec2(-2.5, -4.0),
                    centre + vec2(3.0, 0.0),
                    centre + vec2(-2.5, 4.0),
                ]
            } else {
                vec![
                    centre + vec2(-4.0, -2.5),
                    centre + vec2(4.0, -2.5),
                    centre + vec2(0.0, 3.0),
                ]
            };
            ui.painter()
                .add(Shape::convex_polygon(points, theme::TEXT_DIM, Stroke::NONE));
        }
        if let Some([r, g, b]) = self.swatch {
            let end = galley.rect.right() + 8.0;
            let swatch =
                Rect::from_min_size(place + vec2(end, (line - 12.0) / 2.0), vec2(24.0, 12.0));
            ui.painter()
                .rect_filled(swatch, 2.0, Color32::from_rgb(r, g, b));
        }
        ui.painter().galley(place, galley, theme::TEXT);
        // No bold face is shipped: a name is drawn twice, half a point apart.
        ui.painter()
            .galley(place + vec2(0.5, 0.0), bold, theme::TEXT);
    }

    /// Draws a fact of the head: small, its name in the lighter shade. Returns the height.
    pub(super) fn paint_fact(&self, ui: &Ui, at: Pos2, left: f32) -> f32 {
        let font = || FontId::proportional(theme::SMALL_PT);
        let column = if self.style.width > 2.0 * NAMES {
            NAMES
        } else {
            self.style.width / 2.0
        };
        let painter = ui.painter();
        let name = painter.layout(self.name.clone(), font(), theme::TEXT_DIM, column - 12.0);
        let value = format!("{} {}", self.value, self.unit);
        let value = value.trim().to_owned();
        let room = self.style.width - column;
        let value = painter.layout(value, font(), theme::TEXT, room);
        let height = name.size().y.max(value.size().y);
        painter.galley(at, name, theme::TEXT_DIM);
        // Values stand below each other, however far their names are moved in.
        painter.galley(pos2(left + column, at.y), value, theme::TEXT);
        height + 4.0
    }

    /// What stands behind the row: codes, relationship, template, identifiers.
    pub(super) fn details(&self, link: bool) -> String {
        let words = self.style.words;
        let node = self.node;
        let mut lines = Vec::new();
        if let Some(code) = &node.name.code {
            lines.push(format!("{} {}", code.meaning, code.notation()));
        }
        if let Some((group, element)) = node.name.tag {
            lines.push(format!("({group:04X},{element:04X}) {}", node.kind));
        }
        match &node.value {
            Value::Code(code) => lines.push(format!("{} {}", code.meaning, code.notation())),
            Value::Number {
                unit: Some(unit), ..
            } => lines.push(format!("{} {}", unit.meaning, unit.notation())),
            Value::Reference(to) => {
                lines.push(to.instance_uid.clone());
                let key = if link {
                    "content-go-to"
                } else {
                    "content-not-open"
                };
                lines.push(words.word(key).to_owned());
            }
            Value::Uid(uid, _) => lines.push(uid.clone()),
            Value::Points(points) => {
                let width = usize::from(points.dimensions.max(1));
                let first = points.first.chunks(width).map(|point| {
                    let parts: Vec<String> = point.iter().map(|v| format!("{v:.1}")).collect();
                    format!("({})", parts.join(", "))
                });
                lines.push(first.collect::<Vec<_>>().join(" "));
            }
            _ => {}
        }
        if !node.template.is_empty() {
            lines.push(node.template.clone());
        }
        if let Some(relationship) = node.relationship {
            lines.push(format!("{} {}", relationship.term(), node.kind));
        }
        if !node.observed.is_empty() && !self.style.hide {
            lines.push(words.tr("content-observed", &[("at", node.observed.as_str().into())]));
        }
        lines.retain(|line| !line.trim().is_empty());
        lines.join("\n")
    }
}
