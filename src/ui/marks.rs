//! Marks on the pictures: drawing them, taking them by the hand, and their numbers.
//!
//! Must stay true: lines are drawn from the very points that are measured, through the lens of the view; a number
//! stands beside a mark only when it belongs to the shape that is drawn. What only lies near the plane is dashed and
//! has no number there. Marks of a network are dashed in its colour.

mod details;
mod hand;
pub mod list;
pub mod menu;
mod naming;
mod writing;

pub(super) use details::hover_ui;
pub(super) use hand::{hand, keys};
pub use naming::Naming;
pub(super) use naming::naming_ui;
pub(super) use writing::writing_ui;

use super::{context::UiContext, mark_text, overlay_text::haloed, theme};
use crate::{
    model::annotation::{Annotation, AnnotationId, Author, MarkKind, Shape},
    tools::mark::{Draft, Grip, Lens, Lies, handles, strokes},
    workspace::{
        measuring::{Found, site::Site},
        view::{Picture, Viewport},
    },
};
use egui::{Align2, Color32, Painter, Pos2, Rect, Stroke, Ui, pos2, vec2};
use glam::DVec2;

/// Marks of people.
const MARK: Color32 = Color32::from_rgb(0x8A, 0xE6, 0xC9);
/// The selected mark.
const SELECTED: Color32 = Color32::from_rgb(0xFF, 0xF2, 0xB0);
/// Width of a line, and of the dark edge behind it.
const LINE_PT: f32 = 1.5;
const EDGE_PT: f32 = 3.6;
/// Size of the text beside marks.
const TEXT_PT: f32 = 13.0;

/// What the hand does to marks. Nothing of it is worth keeping.
#[derive(Default)]
pub struct MarksState {
    /// The mark that is being drawn.
    pub(super) draft: Option<Drawing>,
    /// The mark that is in the hand.
    pub(super) held: Option<Held>,
    /// The mark under the pointer, and the cell.
    pub(super) hover: Option<(usize, AnnotationId)>,
    /// The text that is being typed.
    pub(super) writing: Option<writing::Writing>,
    /// The name that is being typed.
    pub(super) naming: Option<Naming>,
    /// The fields of the list.
    pub(super) fields: list::Fields,
}

impl MarksState {
    /// Whether a mark is being drawn, changed or written.
    pub fn is_busy(&self) -> bool {
        self.draft.is_some()
            || self.held.is_some()
            || self.writing.is_some()
            || self.naming.is_some()
    }

    /// The name of a mark in a cell, please.
    pub fn name(&mut self, naming: Naming) {
        self.naming = Some(naming);
    }
}

/// A mark that is being drawn.
pub(super) struct Drawing {
    /// Cell.
    pub cell: usize,
    /// What the hand did so far.
    pub draft: Draft,
    /// The mark as it would be kept, with its numbers.
    pub live: Option<Live>,
}

/// A mark in the hand.
pub(super) struct Held {
    /// Cell.
    pub cell: usize,
    /// Which.
    pub id: AnnotationId,
    /// What is held.
    pub grip: Grip,
    /// Where the button went down.
    pub from: DVec2,
    /// Whether it was moved, and not only pressed.
    pub moved: bool,
    /// The mark as it would be kept, with its numbers.
    pub live: Option<Live>,
}

/// A mark that changes under the hand.
pub(super) struct Live {
    /// As it would be kept.
    pub mark: Annotation,
    /// Its numbers, as far as they are known at once.
    pub found: Found,
}

/// The colour of a mark.
fn color_of(mark: &Annotation, selected: bool) -> Color32 {
    match (&mark.author, selected) {
        (Author::Model { .. }, _) => theme::AI,
        (_, true) => SELECTED,
        (Author::Person(_) | Author::Foreign(_), _) => MARK,
    }
}

/// Viewport pixels to points of the window.
fn to_window(rect: Rect, scale: f32, at: DVec2) -> Pos2 {
    rect.min + vec2(at.x as f32, at.y as f32) / scale
}

/// Draws the marks of a cell; their texts go to the accessibility tree.
pub(super) fn paint(
    context: &UiContext<'_>,
    ui: &Ui,
    painter: &Painter,
    cell: usize,
    rect: Rect,
    viewport: &Viewport,
    picture: &Picture,
    texts: &mut Vec<String>,
) {
    let workspace = context.workspace;
    let Some(site) = viewport.mark_site(picture) else {
        return;
    };
    let state = &context.state.marks;
    let mut canvas = Canvas {
        painter,
        rect,
        scale: ui.ctx().pixels_per_point(),
        taken: Vec::new(),
    };
    if workspace.measuring.shown {
        for mark in workspace.open_marks() {
            let held = state.held.as_ref().filter(|h| h.id == mark.id && h.moved);
            if mark.hidden && held.is_none() {
                continue;
            }
            let live = held.and_then(|h| h.live.as_ref());
            let seen = live.map_or(mark, |l| &l.mark);
            let Some((lens, lies)) = site.sees(seen) else {
                continue;
            };
            let selected = workspace.marks.selected.as_ref() == Some(&mark.id);
            let hovered = state.hover.as_ref().is_some_and(|(_, id)| *id == mark.id);
            canvas.mark(seen, lens, lies, selected, hovered);
            if lies == Lies::In {
                let found = match live {
                    Some(live) => Some(better(context, live)),
                    None => workspace.measuring.of(mark),
                };
                let lines = lines_of(context, seen, found);
                if !lines.is_empty() {
                    texts.push(lines.join("  "));
                }
                canvas.text(seen, lens, &lines, color_of(seen, selected));
            }
        }
    }
    if let Some(drawing) = state.draft.as_ref().filter(|d| d.cell == cell) {
        draft(context, ui, &mut canvas, drawing, &site);
    }
}

/// The numbers of a mark under the hand: those of its thread when they are of this very shape.
fn better<'a>(context: &'a UiContext<'_>, live: &'a Live) -> &'a Found {
    match context.workspace.measuring.draft() {
        Some((shape, found)) if *shape == live.mark.shape => found,
        _ => &live.found,
    }
}

/// What stands beside a mark.
fn lines_of(context: &UiContext<'_>, mark: &Annotation, found: Option<&Found>) -> Vec<String> {
    let words = context.language();
    let mut lines = Vec::new();
    if let Author::Model { id, version } = &mark.author {
        lines.push(words.tr(
            "mark-ai",
            &[
                ("model", id.as_str().into()),
                ("version", version.as_str().into()),
            ],
        ));
    }
    if !mark.label.is_empty() {
        lines.push(mark.label.clone());
    }
    lines.extend(mark_text::short(words, mark.shape.kind, found));
    lines
}

fn draft(
    context: &UiContext<'_>,
    ui: &Ui,
    canvas: &mut Canvas<'_>,
    drawing: &Drawing,
    site: &Site,
) {
    let Some((_, lens)) = site.drawing() else {
        return;
    };
    let Some(shape) = drawing.draft.shape(lens) else {
        return;
    };
    canvas.shape(&shape, lens, SELECTED, Look::Drawn);
    if let (Some(live), Some(pointer)) = (&drawing.live, ui.ctx().pointer_latest_pos()) {
        let found = better(context, live);
        let words = context.language();
        for (i, line) in mark_text::short(words, live.mark.shape.kind, Some(found))
            .iter()
            .enumerate()
        {
            let at = pointer + vec2(18.0, 14.0 + i as f32 * (TEXT_PT + 3.0));
            haloed(
                canvas.painter,
                at,
                Align2::LEFT_TOP,
                line,
                TEXT_PT,
                theme::ACCENT,
            );
        }
    }
}

/// How lines are drawn.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    Drawn,
    Hovered,
    /// Near the plane.
    Near,
    /// By a network.
    Model,
}

/// Where a cell's marks are drawn.
struct Canvas<'a> {
    painter: &'a Painter,
    rect: Rect,
    scale: f32,
    /// Where text stands already.
    taken: Vec<Rect>,
}

impl Canvas<'_> {
    fn at(&self, place: DVec2) -> Pos2 {
        to_window(self.rect, self.scale, place)
    }

    fn mark(&self, mark: &Annotation, lens: &Lens, lies: Lies, selected: bool, hovered: bool) {
        let color = color_of(mark, selected);
        let look = match (lies, &mark.author) {
            (Lies::Near | Lies::Off, _) => Look::Near,
            (Lies::In, Author::Model { .. }) => Look::Model,
            (Lies::In, _) if hovered => Look::Hovered,
            (Lies::In, _) => Look::Drawn,
        };
        self.shape(&mark.shape, lens, color, look);
        if selected && lies == Lies::In {
            for place in handles(&mark.shape, lens) {
                let knob = Rect::from_center_size(self.at(place), vec2(7.0, 7.0));
                self.painter
                    .rect_filled(knob.expand(1.0), 1.5, Color32::from_black_alpha(170));
                match mark.locked {
                    true => {
                        let edge = Stroke::new(1.0, color);
                        self.painter
                            .rect_stroke(knob, 1.0, edge, egui::StrokeKind::Inside);
                    }
                    false => {
                        self.painter.rect_filled(knob, 1.0, color);
                    }
                }
            }
        }
    }

    fn shape(&self, shape: &Shape, lens: &Lens, color: Color32, look: Look) {
        let lines = strokes(shape, lens, f64::from(self.scale));
        let edge = Stroke::new(EDGE_PT, Color32::from_black_alpha(150));
        let near = look == Look::Near;
        for pass in [true, false] {
            for line in &lines {
                let mut points: Vec<Pos2> = line.points.iter().map(|p| self.at(*p)).collect();
                if let &[only] = points.as_slice() {
                    if pass {
                        self.painter
                            .circle_filled(only, 2.4, Color32::from_black_alpha(150));
                    } else {
                        self.painter.circle_filled(only, 1.4, color);
                    }
                    continue;
                }
                if line.closed {
                    points.extend(points.first().copied());
                }
                if pass {
                    if !near {
                        self.painter.add(egui::Shape::line(points, edge));
                    }
                    continue;
                }
                let width = match (line.aid, look) {
                    (true, _) | (_, Look::Near) => 1.0,
                    (_, Look::Hovered) => 2.2,
                    _ => LINE_PT,
                };
                let stroke = Stroke::new(
                    width,
                    if near {
                        color.gamma_multiply(0.75)
                    } else {
                        color
                    },
                );
                if near || look == Look::Model || line.aid {
                    let dash = if look == Look::Model { 6.0 } else { 4.0 };
                    self.painter
                        .extend(egui::Shape::dashed_line(&points, stroke, dash, 3.5));
                } else {
                    self.painter.add(egui::Shape::line(points, stroke));
                }
            }
        }
        if shape.kind == MarkKind::Text
            && let Some(place) = shape.points.first()
        {
            let at = self.at(lens.screen(*place));
            self.painter
                .circle_filled(at, 2.6, Color32::from_black_alpha(150));
            self.painter.circle_filled(at, 1.6, color);
        }
    }

    /// Text at the right of a mark, or at its left where there is no room, below other text.
    fn text(&mut self, mark: &Annotation, lens: &Lens, lines: &[String], color: Color32) {
        if lines.is_empty() {
            return;
        }
        let places = mark.shape.points.iter().map(|p| self.at(lens.screen(*p)));
        let mut bounds = Rect::NOTHING;
        let mut anchor = pos2(f32::NEG_INFINITY, 0.0);
        for line in strokes(&mark.shape, lens, f64::from(self.scale)) {
            for p in line.points.iter().map(|p| self.at(*p)) {
                bounds.extend_with(p);
                if p.x > anchor.x {
                    anchor = p;
                }
            }
        }
        for p in places {
            bounds.extend_with(p);
            if p.x > anchor.x {
                anchor = p;
            }
        }
        if !self.rect.intersects(bounds) {
            return;
        }
        let step = TEXT_PT + 3.0;
        let font = egui::FontId::proportional(TEXT_PT);
        let width = lines
            .iter()
            .map(|l| {
                let galley = self.painter.layout_no_wrap(l.clone(), font.clone(), color);
                galley.size().x
            })
            .fold(0.0, f32::max);
        let size = vec2(width, step * lines.len() as f32);
        let mut at = anchor + vec2(9.0, -step * 0.5);
        if at.x + width > self.rect.right() - 8.0 {
            at.x = bounds.left() - 9.0 - width;
        }
        let room = self.rect.shrink(6.0);
        at.x =
            at.x.clamp(room.left(), (room.right() - width).max(room.left()));
        at.y =
            at.y.clamp(room.top(), (room.bottom() - size.y).max(room.top()));
        // Each text is moved below those that it would cover, as often as there are texts.
        for _ in 0..self.taken.len() {
            let place = Rect::from_min_size(at, size);
            match self.taken.iter().find(|t| t.intersects(place)) {
                Some(other) => at.y = other.bottom() + 1.0,
                None => break,
            }
        }
        self.taken.push(Rect::from_min_size(at, size));
        for (i, line) in lines.iter().enumerate() {
            let at = at + vec2(0.0, i as f32 * step);
            haloed(self.painter, at, Align2::LEFT_TOP, line, TEXT_PT, color);
        }
    }
}
