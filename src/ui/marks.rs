//! Marks on the pictures: drawing them, taking them by the hand, and their numbers.
//!
//! Must stay true: lines are drawn from the very points that are measured, through the lens of the view; a number
//! stands beside a mark only when it belongs to the shape that is drawn. What only lies near the plane is dashed and
//! has no number there. Marks of a network are dashed in its colour.

pub mod buffer;
mod details;
mod hand;
mod kept;
mod labels;
pub mod list;
pub mod menu;
mod naming;
mod pen;
mod writing;

pub(super) use details::hover_ui;
pub(super) use hand::{hand, keys};
pub use naming::Naming;
pub(super) use naming::naming_ui;
pub(super) use writing::writing_ui;

use super::{context::UiContext, halo, mark_text, theme};
use crate::{
    model::annotation::{Annotation, AnnotationId, Author, MarkKind, Shape},
    tools::mark::{Draft, Grip, Lens, Lies, handles, strokes},
    workspace::{
        label_schema::LabelSchema,
        measuring::{Found, site::Site},
        view::{Picture, Viewport},
    },
};
use egui::{Color32, Galley, Painter, Pos2, Rect, Stroke, Ui, Vec2, vec2};
use glam::DVec2;
use labels::{Ends, Place, Taken, into_room, nearest, tie};
use pen::{Anchor, Pen};
use std::{collections::HashMap, sync::Arc};

/// Marks of people.
const MARK: Color32 = Color32::from_rgb(0x8A, 0xE6, 0xC9);
/// The selected mark.
const SELECTED: Color32 = Color32::from_rgb(0xFF, 0xF2, 0xB0);
/// Width of a line, and of the dark edge behind it.
const LINE_PT: f32 = 1.5;
const EDGE_PT: f32 = 3.6;
/// Size of the text beside marks.
const TEXT_PT: f32 = 13.0;
/// From one line of it to the next.
const STEP_PT: f32 = TEXT_PT + 3.0;
/// How far texts stay away from the border of a cell.
const ROOM_PT: f32 = 6.0;
/// In cells smaller than this a mark has one line of text.
const SMALL_CELL: Vec2 = vec2(330.0, 250.0);
/// Also where the lines of all marks would cover more than this of a cell.
const CROWDED: f32 = 0.15;
/// About how long such a line is.
const LINE_WIDTH_PT: f32 = 95.0;

/// What the hand does to marks. Nothing of it is worth keeping.
#[derive(Default)]
pub struct MarksState {
    /// The mark that is being drawn.
    pub(super) draft: Option<Drawing>,
    /// The mark that is in the hand.
    pub(super) held: Option<Held>,
    /// The mark under the pointer, and the cell.
    pub(super) hover: Option<(usize, AnnotationId)>,
    /// The marks of each cell as they were drawn last, and where their texts stand: one that has a place keeps it.
    kept: HashMap<usize, kept::Kept>,
    /// Draws marks that go with their picture; made with the first of them.
    drifting: Option<Arc<crate::render::Drifting>>,
    /// How often the marks of a cell were drawn anew, for the bench.
    pub drawn: u64,
    /// The text that is being typed.
    pub(super) writing: Option<writing::Writing>,
    /// The name that is being typed.
    pub(super) naming: Option<Naming>,
    /// The fields of the list.
    pub(super) fields: list::Fields,
    /// Its rows.
    pub(super) rows: list::Rows,
}

impl MarksState {
    /// Whether a mark is being drawn, changed or written.
    pub fn is_busy(&self) -> bool {
        self.draft.is_some()
            || self.held.is_some()
            || self.writing.is_some()
            || self.naming.is_some()
    }

    /// A cell shows no picture any more.
    pub(super) fn forget(&mut self, cell: usize) {
        self.kept.remove(&cell);
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

/// The colour of a mark: that of its class where the label schema knows it.
fn color_of(mark: &Annotation, selected: bool, schema: &LabelSchema) -> Color32 {
    match (&mark.author, selected) {
        (Author::Model { .. }, _) => theme::AI,
        (_, true) => SELECTED,
        (Author::Person(_) | Author::Foreign(_), _) => {
            schema.label(&mark.label).map_or(MARK, |class| {
                let [r, g, b] = class.color;
                Color32::from_rgb(r, g, b)
            })
        }
    }
}

/// Viewport pixels to points of the window.
fn to_window(rect: Rect, scale: f32, at: DVec2) -> Pos2 {
    rect.min + vec2(at.x as f32, at.y as f32) / scale
}

/// Shows a field beside a place of a cell (viewport pixels), so far away from it and whole within the cell.
fn field_beside(
    ui: &Ui,
    name: &'static str,
    rect: Rect,
    (place, away): (DVec2, Vec2),
    size: Vec2,
    add: impl FnOnce(&mut Ui),
) {
    let last = (rect.max - size).max(rect.min);
    let at = to_window(rect, ui.ctx().pixels_per_point(), place) + away;
    egui::Area::new(egui::Id::unique(name))
        .fixed_pos(at.clamp(rect.min, last))
        .order(egui::Order::Foreground)
        .show(ui.ctx(), |ui| {
            let frame = egui::Frame::popup(ui.style()).inner_margin(FIELD_MARGIN_PT);
            frame.show(ui, add);
        });
}

/// Room between a field and the border of its frame.
const FIELD_MARGIN_PT: f32 = 5.0;

/// Draws the marks of a cell; their texts, for the accessibility tree, come back line by line. `corners` is where other
/// text stands.
pub(super) fn paint(
    context: &mut UiContext<'_>,
    painter: &Painter,
    cell: usize,
    (rect, room): (Rect, Rect),
    viewport: &Viewport,
    picture: &Picture,
    corners: Vec<Rect>,
) -> Option<String> {
    let site = viewport.mark_site(picture)?;
    let seen = kept::Seen::of(context, painter, site, (rect, room), corners);
    Some(kept::paint(context, painter, cell, seen))
}

/// Where the text of a mark stands.
#[derive(Clone, Copy, Debug)]
struct Stand {
    /// Number of the place.
    number: usize,
    rect: Rect,
    /// The place of its mark that it goes along with.
    anchor: Pos2,
    /// All of it is there.
    whole: bool,
}

/// What is known of the marks that were drawn at rest.
struct Rest {
    /// Their texts, a line each.
    texts: String,
    stands: HashMap<AnnotationId, Stand>,
    taken: Taken,
    /// Every text is one line.
    short: bool,
}

/// Draws the marks that lie as they are kept: all but the one in the hand, and none as the one under the pointer.
/// `before` is where their texts stood.
fn resting(
    context: &UiContext<'_>,
    pen: &Pen<'_>,
    seen: &kept::Seen,
    before: &HashMap<AnnotationId, Stand>,
) -> Rest {
    let workspace = context.workspace;
    let rect = seen.rect;
    let mut taken = Taken::new(rect);
    for corner in &seen.corners {
        taken.text(*corner);
    }
    let mut canvas = Canvas::new(pen, seen, taken);
    let mut texts = Vec::new();
    let mut labels = Vec::new();
    let mut lines = 0;
    let shown = workspace.open_marks().filter(|_| seen.shown);
    for mark in shown.filter(|mark| !mark.hidden) {
        let Some((lens, lies)) = seen.site.sees(mark) else {
            continue;
        };
        let selected = seen.selected.as_ref() == Some(&mark.id);
        let label = match lies {
            Lies::In => label_of(context, mark, workspace.measuring.of(mark), selected),
            Lies::Near | Lies::Off => None,
        };
        lines += label.as_ref().map_or(0, |label| label.lines.len());
        if seen.held.as_ref() == Some(&mark.id) {
            continue;
        }
        let points = canvas.mark(mark, lens, lies, selected, false);
        if let Some(mut label) = label {
            texts.push(label.lines.join("  "));
            label.points = points;
            labels.push(label);
        }
    }
    let share = lines as f32 * STEP_PT * LINE_WIDTH_PT / rect.area().max(1.0);
    let small = rect.width() < SMALL_CELL.x || rect.height() < SMALL_CELL.y;
    let short = small || share > CROWDED;
    if short {
        for label in &mut labels {
            label.shorten();
        }
    }
    let stands = canvas.texts(labels, before);
    Rest {
        texts: texts.join("\n"),
        stands,
        taken: canvas.taken,
        short,
    }
}

/// Draws over the marks at rest what the hand touches: the mark that is in it or is being drawn, and the one under the
/// pointer. The text of the one in the hand comes back. `drift` is how far those at rest went since they were drawn.
fn touched(
    context: &UiContext<'_>,
    painter: &Painter,
    cell: usize,
    (seen, drift): (&kept::Seen, Option<kept::Afloat>),
    rest: &mut Rest,
) -> Option<String> {
    let state = &context.state.marks;
    let held = state.held.as_ref().filter(|held| held.moved);
    let hover = state.hover.as_ref().map(|(_, id)| id);
    let hover = hover.filter(|id| seen.shown && held.is_none_or(|held| held.id != **id));
    let draft = state.draft.as_ref().filter(|drawing| drawing.cell == cell);
    if held.is_none() && hover.is_none() && draft.is_none() {
        return None;
    }
    let pen = Pen::new(painter);
    let mut canvas = Canvas::new(&pen, seen, rest.taken.clone());
    canvas.drift = drift;
    let workspace = context.workspace;
    if let Some(mark) = hover.and_then(|id| workspace.marks.set().get(id)) {
        let _ = canvas.touched(context, seen, rest, (mark, None));
    }
    let mut text = None;
    if let Some((held, mark)) = held
        .filter(|_| seen.shown)
        .and_then(|held| Some((held, workspace.marks.set().get(&held.id)?)))
    {
        text = canvas.touched(context, seen, rest, (mark, Some(held)));
    }
    if let Some(drawing) = draft {
        self::draft(context, &mut canvas, drawing, &seen.site);
    }
    text
}

/// What stands beside a mark, still without its points; nothing where it has no numbers and no name.
fn label_of(
    context: &UiContext<'_>,
    mark: &Annotation,
    found: Option<&Found>,
    selected: bool,
) -> Option<Label> {
    let lines = lines_of(context, mark, found);
    if lines.is_empty() {
        return None;
    }
    let model = matches!(mark.author, Author::Model { .. });
    Some(Label {
        id: mark.id.clone(),
        // Before the numbers stand what made it and what it is called.
        heads: usize::from(model) + usize::from(!mark.label.is_empty()),
        model,
        lines,
        color: color_of(mark, selected, &context.workspace.labelling.schema),
        points: Vec::new(),
        chosen: selected,
        held: false,
    })
}

/// A text that is to stand beside a mark.
struct Label {
    id: AnnotationId,
    lines: Vec<String>,
    /// Lines before the first number.
    heads: usize,
    /// A network made it.
    model: bool,
    color: Color32,
    /// Points of the mark's lines, in the window.
    points: Vec<Pos2>,
    /// It is selected, or under the pointer.
    chosen: bool,
    held: bool,
}

impl Label {
    /// One line: the number; of a network's mark also that it is one.
    fn shorten(&mut self) {
        let line = self.lines.get(self.heads).or(self.lines.last()).cloned();
        let line = line.unwrap_or_default();
        self.lines = vec![match self.model {
            true => format!("AI  {line}"),
            false => line,
        }];
        self.heads = 0;
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

fn draft(context: &UiContext<'_>, canvas: &mut Canvas<'_>, drawing: &Drawing, site: &Site) {
    let Some((_, lens)) = site.drawing() else {
        return;
    };
    let Some(shape) = drawing.draft.shape(lens) else {
        return;
    };
    let _ = canvas.shape(&shape, lens, SELECTED, Look::Drawn);
    let pointer = canvas.pen.painter().ctx().pointer_latest_pos();
    if let (Some(live), Some(pointer)) = (&drawing.live, pointer) {
        let found = better(context, live);
        let words = context.language();
        let lines = mark_text::short(words, live.mark.shape.kind, Some(found));
        let (size, galleys) = canvas.laid_out(&lines);
        let beside = Rect::from_min_size(pointer + vec2(18.0, 14.0), size);
        let rect = into_room(beside, canvas.room);
        canvas.draw_text(rect, galleys, theme::ACCENT, pointer);
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
    pen: &'a Pen<'a>,
    rect: Rect,
    /// Where texts may stand.
    room: Rect,
    scale: f32,
    /// What of the cell is taken.
    taken: Taken,
    /// The classes whose colours marks have.
    schema: Arc<LabelSchema>,
    /// How far texts that stand went since they were placed.
    drift: Option<kept::Afloat>,
}

impl<'a> Canvas<'a> {
    fn new(pen: &'a Pen<'a>, seen: &kept::Seen, taken: Taken) -> Self {
        Self {
            pen,
            rect: seen.rect,
            room: seen.room.shrink(ROOM_PT),
            scale: seen.scale,
            taken,
            schema: seen.schema().clone(),
            drift: None,
        }
    }

    fn at(&self, place: DVec2) -> Pos2 {
        to_window(self.rect, self.scale, place)
    }

    /// Draws a mark; the points of its lines come back.
    fn mark(
        &mut self,
        mark: &Annotation,
        lens: &Lens,
        lies: Lies,
        selected: bool,
        hovered: bool,
    ) -> Vec<Pos2> {
        let color = color_of(mark, selected, &self.schema);
        let look = match (lies, &mark.author) {
            (Lies::Near | Lies::Off, _) => Look::Near,
            (Lies::In, Author::Model { .. }) => Look::Model,
            (Lies::In, _) if hovered => Look::Hovered,
            (Lies::In, _) => Look::Drawn,
        };
        let points = self.shape(&mark.shape, lens, color, look);
        if selected && lies == Lies::In {
            for place in handles(&mark.shape, lens) {
                let at = self.at(place);
                let knob = Rect::from_center_size(at, vec2(7.0, 7.0));
                let shade = Color32::from_black_alpha(170);
                let inside = egui::StrokeKind::Inside;
                let knob = [
                    egui::Shape::rect_filled(knob.expand(1.0), 1.5, shade),
                    match mark.locked {
                        true => egui::Shape::rect_stroke(knob, 1.0, (1.0, color), inside),
                        false => egui::Shape::rect_filled(knob, 1.0, color),
                    },
                ];
                self.pen.extend(knob, Anchor::At(at));
            }
        }
        points
    }

    fn shape(&mut self, shape: &Shape, lens: &Lens, color: Color32, look: Look) -> Vec<Pos2> {
        let lines = strokes(shape, lens, f64::from(self.scale));
        let mut all: Vec<Pos2> = shape
            .points
            .iter()
            .map(|p| self.at(lens.screen(*p)))
            .collect();
        let edge = Stroke::new(EDGE_PT, Color32::from_black_alpha(150));
        let near = look == Look::Near;
        for pass in [true, false] {
            for line in &lines {
                let mut points: Vec<Pos2> = line.points.iter().map(|p| self.at(*p)).collect();
                if let &[only] = points.as_slice() {
                    let (radius, color) = match pass {
                        true => (2.4, Color32::from_black_alpha(150)),
                        false => (1.4, color),
                    };
                    let dot = egui::Shape::circle_filled(only, radius, color);
                    self.pen.add(dot, Anchor::At(only));
                    continue;
                }
                let of = line.at.map_or(Anchor::Along, |at| Anchor::At(self.at(at)));
                if line.closed {
                    points.extend(points.first().copied());
                }
                if pass {
                    for [from, to] in points.array_windows() {
                        self.taken.line(*from, *to);
                    }
                    all.extend_from_slice(&points);
                    if !near {
                        self.pen.add(egui::Shape::line(points, edge), of);
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
                    let dashes = egui::Shape::dashed_line(&points, stroke, dash, 3.5);
                    self.pen.extend(dashes, of);
                } else {
                    self.pen.add(egui::Shape::line(points, stroke), of);
                }
            }
        }
        if shape.kind == MarkKind::Text
            && let Some(place) = shape.points.first()
        {
            let at = self.at(lens.screen(*place));
            let dots = [
                egui::Shape::circle_filled(at, 2.6, Color32::from_black_alpha(150)),
                egui::Shape::circle_filled(at, 1.6, color),
            ];
            self.pen.extend(dots, Anchor::At(at));
        }
        all
    }

    /// Lines of text laid out, and the room that they take.
    fn laid_out(&self, lines: &[String]) -> (Vec2, Vec<Arc<Galley>>) {
        let lay_out = |line: &String| halo::line(self.pen.painter(), line.clone(), TEXT_PT);
        let galleys: Vec<_> = lines.iter().map(lay_out).collect();
        let width = galleys.iter().map(|g| g.size().x).fold(0.0, f32::max);
        (vec2(width, STEP_PT * lines.len() as f32), galleys)
    }

    /// Draws lines of text in a place; `of` is the place of the mark that they go along with.
    fn draw_text(&self, rect: Rect, lines: Vec<Arc<Galley>>, color: Color32, of: Pos2) {
        let lines = lines.into_iter().enumerate().map(|(i, line)| {
            let at = rect.min + vec2(0.0, i as f32 * STEP_PT);
            (at, line, color)
        });
        self.pen.text(lines.collect(), of);
    }

    /// Draws texts beside their marks, and where they stand apart the lines that tie them to these. Where they stand
    /// comes back.
    fn texts(
        &mut self,
        mut labels: Vec<Label>,
        before: &HashMap<AnnotationId, Stand>,
    ) -> HashMap<AnnotationId, Stand> {
        // What is chosen gets its place first.
        labels.sort_by_key(|label| !label.chosen);
        let mut now = HashMap::with_capacity(labels.len());
        let mut drawn = Vec::with_capacity(labels.len());
        for label in labels {
            let last = before.get(&label.id).map(|stand| stand.number);
            let Some((place, lines)) = self.text(&label, last) else {
                continue;
            };
            self.tied(place.rect, &label);
            let anchor = nearest(place.rect, &label.points);
            let stand = Stand {
                number: place.number,
                rect: place.rect,
                anchor,
                whole: lines.len() == label.lines.len() && !place.crowded,
            };
            now.insert(label.id, stand);
            drawn.push((place.rect, lines, label.color, anchor));
        }
        for (rect, lines, color, anchor) in drawn {
            self.draw_text(rect, lines, color, anchor);
        }
        now
    }

    /// Draws the line that ties a text to its mark, where it stands apart.
    fn tied(&self, rect: Rect, label: &Label) {
        if let Some([from, to]) = tie(rect, &label.points) {
            let lines = [
                Stroke::new(2.4, Color32::from_black_alpha(140)),
                Stroke::new(0.8, label.color.gamma_multiply(0.7)),
            ];
            let lines = lines.map(|stroke| egui::Shape::line_segment([from, to], stroke));
            self.pen.extend(lines, Anchor::At(to));
        }
    }

    /// Draws a mark that is under the pointer, or one in the hand as it would be kept. Its text comes back.
    fn touched(
        &mut self,
        context: &UiContext<'_>,
        seen: &kept::Seen,
        rest: &mut Rest,
        (mark, held): (&Annotation, Option<&Held>),
    ) -> Option<String> {
        if mark.hidden && held.is_none() {
            return None;
        }
        let live = held.and_then(|held| held.live.as_ref());
        let drawn = live.map_or(mark, |live| &live.mark);
        let (lens, lies) = seen.site.sees(drawn)?;
        let selected = seen.selected.as_ref() == Some(&mark.id);
        let points = self.mark(drawn, lens, lies, selected, true);
        if lies != Lies::In {
            return None;
        }
        let found = match live {
            Some(live) => Some(better(context, live)),
            None => context.workspace.measuring.of(mark),
        };
        let mut label = label_of(context, drawn, found, selected)?;
        let text = label.lines.join("  ");
        (label.points, label.chosen, label.held) = (points, true, held.is_some());
        if rest.short {
            label.shorten();
        }
        let stand = rest.stands.get(&label.id).copied();
        if let (None, Some(stand)) = (held, stand.filter(|stand| stand.whole)) {
            // The same text in the same place, over the lines.
            let (_, lines) = self.laid_out(&label.lines);
            let went = self
                .drift
                .map(|drift| drift.letters(stand.anchor, self.scale));
            let rect = stand.rect.translate(went.unwrap_or_default());
            self.draw_text(rect, lines, label.color, stand.anchor);
            return Some(text);
        }
        let (place, lines) = self.text(&label, stand.map(|stand| stand.number))?;
        self.tied(place.rect, &label);
        if place.crowded {
            // A text on a text is none, but for the one that is asked for.
            let plate = place.rect.expand2(vec2(4.0, 1.0));
            let shade = Color32::from_black_alpha(210);
            let plate = egui::Shape::rect_filled(plate, 3.0, shade);
            self.pen.add(plate, Anchor::Along);
        }
        let anchor = nearest(place.rect, &label.points);
        self.draw_text(place.rect, lines, label.color, anchor);
        if held.is_some() {
            // Where it stands when the hand lets go.
            let number = place.number;
            let rect = place.rect;
            let stand = Stand {
                number,
                rect,
                anchor,
                whole: false,
            };
            rest.stands.insert(label.id, stand);
        }
        Some(text)
    }

    /// The place of a mark's text, and its lines. Marks that are out of sight have none.
    fn text(&mut self, label: &Label, last: Option<usize>) -> Option<(Place, Vec<Arc<Galley>>)> {
        let mut bounds = Rect::NOTHING;
        for point in &label.points {
            bounds.extend_with(*point);
        }
        if !self.rect.intersects(bounds) {
            return None;
        }
        let ends = Ends::of(&label.points, self.rect)?;
        let (size, mut lines) = self.laid_out(&label.lines);
        let sized = (size, STEP_PT);
        let mut place = labels::place(&self.taken, self.room, &ends, sized, last, label.held);
        if place.crowded && lines.len() > 1 {
            // Where there is no room for all of it there may be for its number.
            let number = lines.get(label.heads).or(lines.last()).cloned();
            lines = number.into_iter().collect();
            let first = lines.first().map_or(0.0, |g| g.size().x);
            let sized = (vec2(first, STEP_PT), STEP_PT);
            place = labels::place(&self.taken, self.room, &ends, sized, None, false);
        }
        if place.crowded && !label.chosen && !label.held {
            // A text on a text is none: the pointer and the list have it.
            let (size, dots) = self.laid_out(&["…".to_owned()]);
            let beside = Rect::from_min_size(ends.right + vec2(4.0, -STEP_PT * 0.5), size);
            place.rect = into_room(beside, self.room);
            return Some((place, dots));
        }
        self.taken.text(place.rect);
        Some((place, lines))
    }
}
