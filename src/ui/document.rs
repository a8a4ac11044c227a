//! A cell that shows what an object says: a strip that says whose it is, and the tree as a document to read.
//!
//! Must stay true: identity comes from the very object whose content is shown (safety S2); only rows that are on the
//! screen are laid out, so ten thousand cost no more than forty; codes and identifiers show on hover; nothing here reads
//! the disk.

use super::{context::UiContext, document_row, icons, overlay_text, theme};
use crate::{
    i18n::Language,
    model::{
        content::{Content, Value},
        study::Instance,
    },
    workspace::{
        Action, content_words,
        document::{DocumentState, DocumentView, Wish},
    },
};
use document_row::{More, Row, Style};
use egui::{
    Align, Align2, FontId, Rect, Role, ScrollArea, Sense, Stroke, Ui, UiBuilder, WidgetInfo, pos2,
    style::ScrollAnimation, vec2,
};

/// Widest text column, points: longer lines are hard to read.
const COLUMN: f32 = 852.0;
/// Free room beside the column.
const MARGIN: f32 = 24.0;
/// Height of the strip that says whose object it is.
const STRIP: f32 = 48.0;
/// One line of the keyboard.
const LINE: f32 = 24.0;

/// What is known of the rows of a document from earlier frames.
#[derive(Default)]
pub struct DocumentLayout {
    key: String,
    width: f32,
    language: Option<Language>,
    hidden: bool,
    /// Height of each node's row: measured where it was drawn, else guessed.
    heights: Vec<f32>,
    /// Height of what stands above the rows.
    head: f32,
    /// Number of the last wish that was fulfilled.
    wish: u64,
}

impl DocumentLayout {
    /// Guesses heights anew when anything changed that they depend on.
    fn renew(&mut self, style: &Style, key: &str, content: &Content) {
        let same = self.key == key
            && (self.width - style.width).abs() < 0.5
            && self.language == Some(style.words)
            && self.hidden == style.hide
            && self.heights.len() == content.nodes.len();
        if same {
            return;
        }
        if self.key != key {
            self.wish = 0;
            self.head = 160.0;
        }
        key.clone_into(&mut self.key);
        self.width = style.width;
        self.language = Some(style.words);
        self.hidden = style.hide;
        self.heights.clear();
        let guesses = content.nodes.iter().enumerate();
        self.heights.extend(
            guesses.map(|(at, node)| document_row::guess(node, style.width, node.end > at + 1)),
        );
    }
}

/// Draws a document into a cell. Returns its texts, for the accessibility tree.
pub fn document_ui(
    context: &mut UiContext<'_>,
    ui: &mut Ui,
    cell: usize,
    rect: Rect,
    view: &DocumentView,
) -> Vec<String> {
    ui.painter().rect_filled(rect, 0.0, theme::PANEL);
    let strip = Rect::from_min_size(rect.min, vec2(rect.width(), STRIP.min(rect.height())));
    let body = Rect::from_min_max(pos2(rect.left(), strip.bottom()), rect.max);
    let mut texts = identity(context, ui, strip, &view.object.instance);
    let state = context.workspace.document(cell).cloned();
    match state {
        Some(DocumentState::Ready(content)) => {
            tools(context, ui, cell, strip, &content);
            texts.extend(pages(context, ui, cell, body, view, &content));
        }
        Some(DocumentState::Failed(reason)) => {
            let title = context.word("content-failed");
            notice(ui, body, title, theme::ERROR, -12.0);
            notice(ui, body, &reason, theme::TEXT_DIM, 12.0);
            texts.push(title.to_owned());
            texts.push(reason);
        }
        Some(DocumentState::Loading) | None => {
            let text = context.word("content-loading");
            notice(ui, body, text, theme::TEXT_DIM, 0.0);
            texts.push(text.to_owned());
        }
    }
    texts
}

fn notice(ui: &Ui, rect: Rect, text: &str, color: egui::Color32, down: f32) {
    ui.painter().with_clip_rect(rect).text(
        rect.center() + vec2(0.0, down),
        Align2::CENTER_CENTER,
        text,
        FontId::proportional(theme::BODY_PT),
        color,
    );
}

/// Whose object this is, and of which study: from the object itself.
fn identity(context: &UiContext<'_>, ui: &Ui, rect: Rect, instance: &Instance) -> Vec<String> {
    let words = context.language();
    let hide = context.workspace.settings.hide_identity;
    let patient = instance.patient.as_ref();
    let (mut left, mut right) = (Vec::new(), Vec::new());
    if hide {
        left.push((words.word("badge-identity-hidden").to_owned(), theme::WARN));
    } else {
        left.push((overlay_text::name_text(words, patient), theme::TEXT));
        let mut parts = Vec::new();
        let id = patient.id.reveal();
        if !id.is_empty() {
            parts.push(words.tr("patient-id", &[("id", id.as_str().into())]));
        }
        let born = overlay_text::birth_text(words, patient, instance.study.date);
        if !born.is_empty() {
            parts.push(born);
        }
        left.push((parts.join("  "), theme::TEXT_DIM));
    }
    if patient.synthetic {
        let mark = words.word("badge-synthetic").to_owned();
        left.push((mark, theme::ACCENT));
    }
    let study = instance.study.as_ref();
    right.push((study.description.clone(), theme::TEXT));
    if !hide {
        let date = study.date.map(|d| d.to_string()).unwrap_or_default();
        let when = format!("{date} {}", study.time);
        right.push((when.trim().to_owned(), theme::TEXT_DIM));
    }
    let painter = ui.painter().with_clip_rect(rect);
    let inner = rect.shrink2(vec2(12.0, 6.0));
    let half = inner.width() * 0.5;
    let mut texts = Vec::new();
    for (lines, anchor, x) in [
        (left, Align2::LEFT_TOP, inner.left()),
        (right, Align2::RIGHT_TOP, inner.right()),
    ] {
        let room = if anchor == Align2::LEFT_TOP {
            Rect::from_min_size(inner.min, vec2(half + 40.0, inner.height()))
        } else {
            Rect::from_min_max(pos2(inner.left() + half + 44.0, inner.top()), inner.max)
        };
        let painter = painter.with_clip_rect(room.intersect(painter.clip_rect()));
        let filled = lines.into_iter().filter(|(text, _)| !text.is_empty());
        for ((text, color), row) in filled.zip(0u8..2) {
            let at = pos2(x, inner.top() + f32::from(row) * 18.0);
            let font = FontId::proportional(theme::OVERLAY_PT);
            painter.text(at, anchor, &text, font, color);
            texts.push(text);
        }
    }
    painter.hline(
        rect.x_range(),
        rect.bottom() - 0.5,
        Stroke::new(1.0, theme::LINE),
    );
    texts
}

/// Two small buttons: open all, close all.
fn tools(context: &mut UiContext<'_>, ui: &mut Ui, cell: usize, strip: Rect, content: &Content) {
    let nested = content.nodes.iter().any(|n| n.depth > 1);
    if !nested || strip.width() < 520.0 {
        return;
    }
    let centre = strip.center();
    let rows = [
        (icons::Icon::Unfold, "content-expand", false, -16.0),
        (icons::Icon::Fold, "content-collapse", true, 16.0),
    ];
    for (icon, key, closed, offset) in rows {
        let name = context.word(key);
        let rect = Rect::from_center_size(centre + vec2(offset, 0.0), vec2(28.0, 28.0));
        let builder = UiBuilder::new().max_rect(rect);
        let response = ui
            .scope_builder(builder, |ui| {
                super::widgets::icon_button(ui, icon, name, true, false, theme::TEXT_DIM)
            })
            .inner
            .on_hover_text(name);
        if response.clicked() {
            context.actions.push(Action::CloseNodes { cell, closed });
        }
    }
}

/// The document itself, scrolled.
fn pages(
    context: &mut UiContext<'_>,
    ui: &mut Ui,
    cell: usize,
    body: Rect,
    view: &DocumentView,
    content: &Content,
) -> Vec<String> {
    let width = (body.width() - 2.0 * MARGIN).clamp(80.0, COLUMN);
    let style = Style {
        words: context.language(),
        hide: context.workspace.settings.hide_identity,
        width,
    };
    let key = view.object.key.as_str();
    let rows = view.rows(content);
    let mut texts = Vec::new();
    let builder = UiBuilder::new().max_rect(body).id_salt(("document", cell));
    ui.scope_builder(builder, |ui| {
        ui.set_clip_rect(body.intersect(ui.clip_rect()));
        // The bar is no brighter than the text beside it.
        ui.spacing_mut().scroll.foreground_color = false;
        let area = ScrollArea::vertical()
            .id_salt(key)
            .auto_shrink([false, false]);
        area.show_viewport(ui, |ui, visible| {
            let Some(layout) = context.state.documents.get_mut(cell) else {
                return;
            };
            let mut layout = std::mem::take(layout);
            layout.renew(&style, key, content);
            let page = Page {
                cell,
                view,
                content,
                style: &style,
                rows: &rows,
            };
            texts = page.draw(context, ui, visible, &mut layout);
            if let Some(slot) = context.state.documents.get_mut(cell) {
                *slot = layout;
            }
        });
    });
    texts
}

/// One document in one frame.
struct Page<'a> {
    cell: usize,
    view: &'a DocumentView,
    content: &'a Content,
    style: &'a Style,
    rows: &'a [usize],
}

impl Page<'_> {
    fn draw(
        &self,
        context: &mut UiContext<'_>,
        ui: &mut Ui,
        visible: Rect,
        layout: &mut DocumentLayout,
    ) -> Vec<String> {
        let outer = ui.max_rect();
        let left = outer.left() + ((outer.width() - self.style.width) / 2.0).max(MARGIN);
        let top = ui.min_rect().top();
        let below: f32 = self
            .rows
            .iter()
            .filter_map(|at| layout.heights.get(*at))
            .sum();
        let total = layout.head + below + 2.0 * MARGIN;
        ui.set_height(total);
        let mut texts = Vec::new();
        let head = pos2(left, top + MARGIN);
        let height = self.head(context, ui, head, &mut texts);
        let grown = (height - layout.head).abs() > 0.5;
        layout.head = height;
        self.fulfil(ui, layout, top);
        let mut y = MARGIN + layout.head;
        let mut changed = grown;
        for at in self.rows {
            let Some(height) = layout.heights.get(*at).copied() else {
                continue;
            };
            if y + height >= visible.min.y && y <= visible.max.y {
                let measured = self.row(context, ui, *at, pos2(left, top + y), &mut texts);
                changed |= (measured - height).abs() > 0.5;
                if let Some(slot) = layout.heights.get_mut(*at) {
                    *slot = measured;
                }
                y += measured;
            } else {
                y += height;
            }
            if y > visible.max.y + 400.0 {
                break;
            }
        }
        if changed {
            // What lies below moved.
            ui.ctx().request_repaint();
        }
        texts
    }

    /// Goes where the keyboard or a link wished.
    fn fulfil(&self, ui: &Ui, layout: &mut DocumentLayout, top: f32) {
        let Some((wish, number)) = self.view.wish else {
            return;
        };
        if number == layout.wish {
            return;
        }
        layout.wish = number;
        let line = |y: f32, height: f32| {
            Rect::from_min_size(pos2(ui.max_rect().left(), top + y), vec2(1.0, height))
        };
        match wish {
            Wish::Node(node) => {
                let before: f32 = self
                    .rows
                    .iter()
                    .take_while(|at| **at != node)
                    .filter_map(|at| layout.heights.get(*at))
                    .sum();
                let rect = line(MARGIN + layout.head + before, LINE);
                ui.scroll_to_rect_animation(rect, Some(Align::Center), ScrollAnimation::none());
            }
            Wish::Lines(lines) if lines.abs() > 1_000_000 => {
                let (y, align) = if lines < 0 {
                    (0.0, Align::Min)
                } else {
                    let all: f32 = self
                        .rows
                        .iter()
                        .filter_map(|at| layout.heights.get(*at))
                        .sum();
                    (layout.head + all + 2.0 * MARGIN, Align::Max)
                };
                ui.scroll_to_rect_animation(line(y, 0.0), Some(align), ScrollAnimation::none());
            }
            Wish::Lines(lines) => {
                let delta = vec2(0.0, -(lines as f32) * LINE);
                ui.scroll_with_delta_animation(delta, ScrollAnimation::none());
            }
        }
    }

    /// Kind, title, and the facts about the object as a whole. Returns the height.
    fn head(
        &self,
        context: &UiContext<'_>,
        ui: &mut Ui,
        at: egui::Pos2,
        texts: &mut Vec<String>,
    ) -> f32 {
        let words = self.style.words;
        let mut y = 0.0;
        let kind = words.word(self.content.kind.message_key());
        let icon = Rect::from_min_size(at, vec2(16.0, 16.0));
        icons::paint(
            ui.painter(),
            icon,
            icons::of_object(self.content.kind),
            theme::TEXT_DIM,
        );
        let size = self.paint(
            ui,
            at + vec2(24.0, 0.0),
            kind,
            theme::SMALL_PT,
            theme::TEXT_DIM,
        );
        y += size.max(16.0) + 8.0;
        texts.push(kind.to_owned());
        let title = content_words::title_of(words, self.content, self.style.hide);
        if title != kind {
            y += self.paint(ui, at + vec2(0.0, y), &title, 20.0, theme::TEXT) + 8.0;
            texts.push(title);
        }
        let number = ("count", self.content.nodes.len().into());
        let mut line = words.tr("content-items", &[number]);
        if !self.content.class_name.is_empty() {
            line = format!("{}  {line}", self.content.class_name);
        }
        y += self.paint(
            ui,
            at + vec2(0.0, y),
            &line,
            theme::SMALL_PT,
            theme::TEXT_DIM,
        ) + 8.0;
        texts.push(line);
        for finding in &self.content.findings {
            use crate::model::finding::Severity;
            if finding.severity >= Severity::Warning {
                let text = overlay_text::finding_text(words, finding);
                let icon = Rect::from_min_size(at + vec2(0.0, y + 1.0), vec2(14.0, 14.0));
                icons::paint(ui.painter(), icon, icons::Icon::Warning, theme::WARN);
                let place = at + vec2(24.0, y);
                y += self.paint(ui, place, &text, theme::SMALL_PT, theme::WARN) + 4.0;
                texts.push(text);
            }
        }
        y += 4.0;
        for node in &self.content.head {
            let row = Row::new(node, self.style, More::default());
            let indent = f32::from(node.depth) * 16.0;
            let height = row.paint_fact(ui, at + vec2(indent, y), at.x);
            y += height;
            texts.push(row.text().to_owned());
        }
        y += 8.0;
        ui.painter().hline(
            at.x..=at.x + self.style.width,
            at.y + y,
            Stroke::new(1.0, theme::LINE),
        );
        let _ = context;
        y + 12.0
    }

    fn paint(&self, ui: &Ui, at: egui::Pos2, text: &str, size: f32, color: egui::Color32) -> f32 {
        let font = FontId::proportional(size);
        let galley = ui
            .painter()
            .layout(text.to_owned(), font, color, self.style.width - 24.0);
        let height = galley.size().y;
        ui.painter().galley(at, galley, color);
        height
    }

    /// Where a reference or a link leads, in words.
    fn target(&self, context: &UiContext<'_>, value: &Value) -> Option<String> {
        let words = self.style.words;
        match value {
            Value::Reference(to) => {
                let library = &context.workspace.library;
                let (series, at) = library.place_of(&to.instance_uid)?;
                let number = ("number", (at + 1).into());
                let count = ("count", series.layout.frames.len().into());
                let image = words.tr("overlay-image-of", &[number, count]);
                let text = format!("{}  {image}", series.description.description);
                Some(text.trim().to_owned())
            }
            Value::Link {
                node: Some(node),
                path,
            } => {
                let name = content_words::name_text(words, &self.content.nodes.get(*node)?.name);
                let place = format!("{name} ({path})");
                Some(words.tr("content-value-link", &[("place", place.trim().into())]))
            }
            _ => None,
        }
    }

    /// The colour of a node, or of the first one below it.
    fn swatch(&self, at: usize) -> Option<[u8; 3]> {
        let color = |at: usize| match self.content.nodes.get(at)?.value {
            Value::Color(rgb) => Some(rgb),
            _ => None,
        };
        let own = self.content.nodes.get(at)?;
        let below = || {
            let next = self.content.nodes.get(at + 1)?;
            (next.depth > own.depth).then(|| color(at + 1)).flatten()
        };
        color(at).or_else(below)
    }

    /// One row. Returns its height.
    fn row(
        &self,
        context: &mut UiContext<'_>,
        ui: &mut Ui,
        at: usize,
        place: egui::Pos2,
        texts: &mut Vec<String>,
    ) -> f32 {
        let Some(node) = self.content.nodes.get(at) else {
            return 0.0;
        };
        let open_series = match &node.value {
            Value::Reference(to) => context.workspace.can_show(&to.instance_uid),
            Value::Link { node, .. } => node.is_some(),
            _ => false,
        };
        let holds = node.end > at + 1;
        let more = More {
            link: open_series,
            holds,
            target: self.target(context, &node.value),
            swatch: self.swatch(at),
        };
        let row = Row::new(node, self.style, more);
        let closed = self.view.closed.contains(&at);
        let height = row.height(ui);
        let rect = Rect::from_min_size(place, vec2(self.style.width, height));
        let clickable = open_series || holds;
        let sense = if clickable {
            Sense::click()
        } else {
            Sense::hover()
        };
        let id = ui.scope_id().with(("node", at));
        let response = ui.interact(rect, id, sense);
        let role = if open_series {
            Role::Link
        } else {
            Role::TreeItem
        };
        response.widget_info(|| WidgetInfo::labeled(role, true, row.text()));
        if clickable && response.hovered() {
            ui.painter().rect_filled(rect, 4.0, theme::RAISED);
        }
        if response.has_focus() {
            ui.painter().rect_stroke(
                rect,
                4.0,
                Stroke::new(1.0, theme::ACCENT),
                egui::StrokeKind::Inside,
            );
        }
        row.paint(ui, place, holds.then_some(closed));
        texts.push(row.text().to_owned());
        if response.clicked() {
            let cell = self.cell;
            context.actions.push(Action::Activate(cell));
            context.actions.push(match &node.value {
                Value::Reference(to) if open_series => Action::ShowReference {
                    cell,
                    instance: to.instance_uid.clone(),
                    frame: to.frames.first().copied(),
                },
                Value::Link {
                    node: Some(node), ..
                } => Action::SeeNode { cell, node: *node },
                _ => Action::ToggleNode { cell, node: at },
            });
        }
        if response.hovered() {
            let details = row.details(open_series);
            if !details.is_empty() {
                response.on_hover_text(details);
            }
        }
        height
    }
}
