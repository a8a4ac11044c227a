//! The hand on the marks of a cell: beginning one, going on with it, taking one that is there.
//!
//! A press with a measuring tool draws; on the selected mark it takes the handle or the line. With another tool a
//! click on a line selects its mark, and only a selected mark moves: windowing across a measurement must not move it.

use super::{Drawing, Held, Live, writing::Writing};
use crate::{
    imaging::measure::{MarkMeasure, MeasureError, ValuesState, measure_mark},
    model::{
        annotation::{Annotation, AnnotationId, MarkKind, PointSpace, Shape},
        pixels::Frame,
    },
    tools::{
        Tool,
        mark::{Draft, Grip, Lens, Lies, Part, Progress, hit},
    },
    ui::context::UiContext,
    workspace::{
        Action,
        display::FrameState,
        measuring::{Found, MarkAction, ask, mark_at, site::Site},
        view::{Picture, Viewport},
    },
};
use egui::{CursorIcon, Key, Modifiers, PointerButton, Response, Ui};
use glam::DVec2;

/// Movement that makes a drag of a press, points.
const DRAG_PT: f64 = 3.0;
/// Largest region whose values are looked at while the hand waits: about a millisecond. Larger ones come from the
/// measuring thread.
const AT_ONCE: f64 = 60_000.0;
/// Outlines of more points are measured by their thread only: whether they cross themselves takes its time.
const POINTS_AT_ONCE: usize = 300;

/// What the pointer did.
struct Pointer {
    /// Where it is, viewport pixels.
    at: DVec2,
    /// Where the button went down.
    origin: DVec2,
    pressed: bool,
    released: bool,
    double: bool,
    inside: bool,
    shift: bool,
    /// A button is held down since before this frame.
    drags: bool,
    /// Viewport pixels a point.
    scale: f64,
}

/// Carries out what the pointer does to marks; `true` when the left button is theirs.
pub(in crate::ui) fn hand(
    context: &mut UiContext<'_>,
    ui: &Ui,
    response: &Response,
    cell: usize,
    viewport: &Viewport,
    picture: &Picture,
) -> bool {
    let Some(site) = viewport.mark_site(picture) else {
        return false;
    };
    let scale = f64::from(ui.ctx().pixels_per_point());
    let rect = response.rect;
    let pixels = |p: egui::Pos2| {
        DVec2::new(f64::from(p.x - rect.min.x), f64::from(p.y - rect.min.y)) * scale
    };
    let Some(latest) = ui.ctx().pointer_latest_pos() else {
        return context
            .state
            .marks
            .draft
            .as_ref()
            .is_some_and(|d| d.cell == cell);
    };
    let pointer = ui.input(|i| Pointer {
        at: pixels(latest),
        origin: pixels(i.pointer.press_origin().unwrap_or(latest)),
        pressed: i.pointer.primary_pressed(),
        released: i.pointer.primary_released(),
        double: i.pointer.button_double_clicked(PointerButton::Primary),
        inside: response.contains_pointer(),
        shift: i.modifiers.shift,
        scale,
        // Of another gesture: a hand that drags a window looks for no mark.
        drags: i.pointer.any_down() && !i.pointer.any_pressed(),
    });
    if context
        .state
        .marks
        .held
        .as_ref()
        .is_some_and(|h| h.cell == cell)
    {
        hold(context, &site, viewport, picture, &pointer);
        return true;
    }
    if context
        .state
        .marks
        .draft
        .as_ref()
        .is_some_and(|d| d.cell == cell)
    {
        draw(context, &site, viewport, picture, &pointer);
        return true;
    }
    let under = (pointer.inside && !pointer.drags)
        .then(|| under(context, &site, &pointer))
        .flatten();
    let hovered = under.as_ref().map(|(id, _)| (cell, id.clone()));
    if pointer.inside
        || context
            .state
            .marks
            .hover
            .as_ref()
            .is_some_and(|h| h.0 == cell)
    {
        context.state.marks.hover = hovered;
    }
    if let Some((id, part)) = &under {
        let selected = context.workspace.marks.selected.as_ref() == Some(id);
        ui.ctx().set_cursor_icon(match part {
            Part::Handle(_) => CursorIcon::Crosshair,
            Part::Whole if selected => CursorIcon::Move,
            Part::Whole => CursorIcon::PointingHand,
        });
    }
    if !pointer.pressed || !pointer.inside || context.state.marks.writing.is_some() {
        // A click beside all marks lets the selected one go.
        if response.clicked() && !matches!(context.workspace.tool, Tool::Mark(_)) {
            let select = under.map(|(id, _)| id);
            if context.workspace.marks.selected != select {
                act(context, MarkAction::Select(select));
            }
        }
        return false;
    }
    context.actions.push(Action::Activate(cell));
    let selected = context.workspace.marks.selected.clone();
    if let Some((id, part)) = under.filter(|(id, _)| selected.as_ref() == Some(id))
        && let Some(mark) = context.workspace.marks.set().get(&id)
    {
        if !mark.locked {
            let grip = Grip::new(mark.shape.clone(), part, pointer.origin);
            context.state.marks.held = Some(Held {
                cell,
                id,
                grip,
                from: pointer.origin,
                moved: false,
                live: None,
            });
            // The whole click may have come between two frames.
            hold(
                context,
                &site,
                viewport,
                picture,
                &Pointer {
                    pressed: false,
                    ..pointer
                },
            );
        }
        return true;
    }
    let Tool::Mark(kind) = context.workspace.tool else {
        return false;
    };
    let Some((space, lens)) = site.drawing() else {
        return false;
    };
    if kind == MarkKind::Box && space != PointSpace::Patient {
        act(context, MarkAction::NoSpace);
        return true;
    }
    let draft = Draft::begin(kind, lens, pointer.origin, scale);
    context.state.marks.draft = Some(Drawing {
        cell,
        draft,
        live: None,
    });
    draw(
        context,
        &site,
        viewport,
        picture,
        &Pointer {
            pressed: false,
            ..pointer
        },
    );
    true
}

fn act(context: &mut UiContext<'_>, action: MarkAction) {
    context.actions.push(Action::Mark(action));
}

/// The mark under the pointer: the selected one first, its handles before its lines.
fn under(context: &UiContext<'_>, site: &Site, pointer: &Pointer) -> Option<(AnnotationId, Part)> {
    let workspace = context.workspace;
    if !workspace.measuring.shown {
        return None;
    }
    let seen = |mark: &Annotation, handles: bool| -> Option<Part> {
        let (lens, lies) = site.sees(mark)?;
        let near = lies == Lies::In && !mark.hidden;
        let place = match mark.shape.kind {
            // A text is taken at its place.
            MarkKind::Text => {
                let at = lens.screen(*mark.shape.points.first()?);
                return (near && at.distance(pointer.at) <= 9.0 * pointer.scale)
                    .then_some(Part::Whole);
            }
            _ => hit(&mark.shape, lens, pointer.at, pointer.scale, handles),
        };
        place.filter(|_| near)
    };
    if let Some(mark) = workspace.selected_mark()
        && let Some(part) = seen(mark, true)
    {
        return Some((mark.id.clone(), part));
    }
    workspace
        .open_marks()
        .find_map(|mark| Some((mark.id.clone(), seen(mark, false)?)))
}

/// Goes on with the mark that is being drawn.
fn draw(
    context: &mut UiContext<'_>,
    site: &Site,
    viewport: &Viewport,
    picture: &Picture,
    pointer: &Pointer,
) {
    let Some((space, lens)) = site.drawing() else {
        return;
    };
    let Some(mut drawing) = context.state.marks.draft.take() else {
        return;
    };
    // Another tool was chosen: what was begun with the old one is gone.
    if context.workspace.tool != Tool::Mark(drawing.draft.kind()) {
        act(context, MarkAction::NoDraft);
        return;
    }
    let mut progress = Progress::Going;
    if pointer.pressed && pointer.inside {
        drawing.draft.press(lens, pointer.origin, pointer.shift);
    } else {
        drawing.draft.moved(lens, pointer.at, pointer.shift);
    }
    if pointer.released {
        let first = drawing.draft.settled().len() <= 1;
        progress = drawing.draft.release(lens, pointer.at, pointer.shift);
        // A click on a line that is there selects it; it is no first point of another.
        let clicked = first && progress == Progress::Going && !drawing.draft.is_open_ended();
        if clicked && let Some((id, _)) = under(context, site, pointer) {
            act(context, MarkAction::Select(Some(id)));
            return;
        }
    }
    if pointer.double && progress == Progress::Going {
        progress = drawing.draft.finish(lens);
    }
    match progress {
        Progress::Going => {
            let shape = drawing.draft.shape(lens);
            drawing.live = shape.and_then(|shape| {
                live(
                    context,
                    site,
                    space,
                    viewport,
                    picture,
                    drawing.live.take(),
                    shape,
                    None,
                )
            });
            context.state.marks.draft = Some(drawing);
        }
        Progress::Dropped => act(context, MarkAction::NoDraft),
        Progress::Done(shape) => done(context, site, space, drawing.cell, shape),
    }
}

fn done(context: &mut UiContext<'_>, site: &Site, space: PointSpace, cell: usize, shape: Shape) {
    let text = shape.kind == MarkKind::Text;
    let mark = mark_at(site, space, shape);
    if text {
        context.state.marks.writing = Some(Writing::new(cell, mark));
    } else {
        act(context, MarkAction::Add(Box::new(mark)));
    }
}

/// Goes on with the mark that is in the hand.
fn hold(
    context: &mut UiContext<'_>,
    site: &Site,
    viewport: &Viewport,
    picture: &Picture,
    pointer: &Pointer,
) {
    let Some(mut held) = context.state.marks.held.take() else {
        return;
    };
    let Some(mark) = context.workspace.marks.set().get(&held.id).cloned() else {
        return;
    };
    let Some((lens, _)) = site.sees(&mark) else {
        return;
    };
    held.moved |= held.from.distance(pointer.at) >= DRAG_PT * pointer.scale;
    if held.moved {
        let shape = held.grip.moved(lens, pointer.at, pointer.shift);
        let space = mark.space;
        held.live = live(
            context,
            site,
            space,
            viewport,
            picture,
            held.live.take(),
            shape,
            Some(&mark),
        );
    }
    if pointer.released {
        if let Some(live) = held.live {
            act(context, MarkAction::Reshape(held.id, live.mark.shape));
        }
    } else {
        context.state.marks.held = Some(held);
    }
}

/// A changing mark with its numbers; measured again only when its shape is another one.
fn live(
    context: &mut UiContext<'_>,
    site: &Site,
    space: PointSpace,
    viewport: &Viewport,
    picture: &Picture,
    before: Option<Live>,
    shape: Shape,
    of: Option<&Annotation>,
) -> Option<Live> {
    let (kept, before) = match (of, before) {
        (Some(_), before) => (shape, before),
        (None, before) => (site.kept(shape), before),
    };
    if let Some(before) = before.filter(|b| b.mark.shape == kept) {
        return Some(before);
    }
    let mark = match of {
        Some(mark) => Annotation {
            shape: kept,
            ..mark.clone()
        },
        None => mark_at(site, space, kept),
    };
    let (found, whole) = measure(context, site, viewport, picture, &mark);
    if !whole {
        act(context, MarkAction::Draft(Box::new(mark.clone())));
    }
    Some(Live { mark, found })
}

/// What can be said at once, and whether that is all.
fn measure(
    context: &UiContext<'_>,
    site: &Site,
    viewport: &Viewport,
    picture: &Picture,
    mark: &Annotation,
) -> (Found, bool) {
    let shown = viewport.display.as_ref();
    let here = shown.filter(|d| {
        let first = d.layout.first_instance();
        first.is_some_and(|i| i.series.uid == mark.target.series_uid)
    });
    let Some(display) = here else {
        // A mark of another series that shares the space: its own thread knows its frames.
        let known = context.workspace.measuring.of(mark).cloned();
        let found = known.unwrap_or(Err(MeasureError::NoImage));
        return (found, false);
    };
    let frame = |index: usize| match display.frame(index) {
        FrameState::Loaded(frame) => Some(frame),
        FrameState::Waiting | FrameState::Failed(_) => None,
    };
    let lens = site
        .sees(mark)
        .map(|(lens, _)| lens)
        .or(site.drawing().map(|d| d.1));
    let quick = mark.shape.points.len() <= POINTS_AT_ONCE
        && lens.is_some_and(|lens| samples(&mark.shape, lens, picture) <= AT_ONCE);
    let frames: Option<&dyn Fn(usize) -> Option<Frame>> = match quick {
        true => Some(&frame),
        false => None,
    };
    if mark.shape.points.len() > POINTS_AT_ONCE {
        let nothing = MarkMeasure::waiting(picture.spacing);
        return (Ok(nothing), false);
    }
    let found = measure_mark(
        mark.space,
        &mark.target,
        &mark.shape,
        &display.layout,
        frames,
        &ask(),
    );
    let whole = !matches!(
        &found,
        Ok(measure) if measure.values == ValuesState::Waiting
    );
    (found, whole)
}

/// About how many pixels lie under a shape.
fn samples(shape: &Shape, lens: &Lens, picture: &Picture) -> f64 {
    let (mut low, mut high) = (DVec2::INFINITY, DVec2::NEG_INFINITY);
    for point in &shape.points {
        let at = lens.screen(*point);
        (low, high) = (low.min(at), high.max(at));
    }
    if shape.kind == MarkKind::Point {
        return 1.0;
    }
    // The points of an ellipse span a quarter of it, those of a circle its half.
    let span = (high - low).max_element().max(0.0) * 2.0;
    let pixels = span * picture.magnification.max(1e-9).recip();
    pixels * pixels
}

/// Keys that belong to a mark which is being drawn; taken before the commands see them.
pub(in crate::ui) fn keys(context: &mut UiContext<'_>, ui: &Ui) {
    let marks = &context.state.marks;
    if marks.draft.is_none() && marks.held.is_none() {
        return;
    }
    let pressed = |key| ui.ctx().input_mut(|i| i.consume_key(Modifiers::NONE, key));
    if pressed(Key::Escape) {
        context.state.marks.draft = None;
        context.state.marks.held = None;
        act(context, MarkAction::NoDraft);
        return;
    }
    if pressed(Key::Backspace) || pressed(Key::Delete) {
        let gone = context
            .state
            .marks
            .draft
            .as_mut()
            .is_some_and(|d| !d.draft.step_back());
        if gone {
            context.state.marks.draft = None;
            act(context, MarkAction::NoDraft);
        }
        return;
    }
    if pressed(Key::Enter) {
        finish(context);
    }
}

/// Enter: it is enough.
fn finish(context: &mut UiContext<'_>) {
    let Some(mut drawing) = context.state.marks.draft.take() else {
        return;
    };
    // The lens of the last frame is gone; the kept points of the live mark are those of the last picture.
    let Some(live) = drawing.live.take() else {
        return;
    };
    let mut mark = live.mark;
    let stops = drawing.draft.settled();
    let enough = stops.len() >= *mark.shape.kind.point_count().start();
    if !drawing.draft.is_open_ended() || !enough {
        context.state.marks.draft = Some(drawing);
        return;
    }
    mark.shape.points = stops.to_vec();
    act(context, MarkAction::Add(Box::new(mark)));
}
