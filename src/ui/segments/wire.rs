//! Livewire in the hand: a click sets an anchor, the way to the pointer follows edges, Enter or a click on the first anchor
//! closes it.

use super::pointing::{Seed, shown_at};
use crate::{
    ui::{context::UiContext, theme},
    workspace::{
        Action,
        segmenting::{
            SegmentAction,
            wire::{Leg, Pixel, Wire, WireAction, WirePlace},
        },
        view::{Picture, Viewport},
    },
};
use egui::{Color32, Painter, Pos2, Rect, Response, Shape, Stroke, Ui};
use glam::DVec3;

/// How near a click is on the first anchor, points.
const NEAR: f32 = 7.0;

fn act(context: &mut UiContext<'_>, action: WireAction) {
    context
        .actions
        .push(Action::Segment(SegmentAction::Wire(action)));
}

/// The outline that is being drawn, while its cell shows what it was drawn on.
pub(super) fn open<'a>(context: &UiContext<'a>) -> Option<&'a Wire> {
    let workspace = context.workspace;
    let wire = workspace.segmenting.wires.open()?;
    let at = wire.at();
    (workspace.segment_place(at.cell).as_ref() == Some(&at.place)).then_some(wire)
}

/// Leaves the outline; nothing of it stays.
pub(super) fn leave(context: &mut UiContext<'_>) {
    if context.workspace.segmenting.wires.open().is_some() {
        act(context, WireAction::Leave);
    }
}

/// Takes the last anchor away.
pub(super) fn back(context: &mut UiContext<'_>) {
    act(context, WireAction::Back);
}

/// Closes the outline.
pub(super) fn close(context: &mut UiContext<'_>, takes: bool) {
    if let Some(wire) = open(context) {
        context.actions.push(Action::Activate(wire.at().cell));
        act(context, WireAction::Close { takes });
    }
}

/// Where a pixel of the slice lies in the space of the grid.
fn place_of(at: &WirePlace, [u, v]: Pixel) -> DVec3 {
    let voxel = match at.axis {
        0 => [at.index, u, v],
        1 => [u, at.index, v],
        _ => [u, v, at.index],
    };
    let middle = DVec3::from_array(voxel.map(|n| n as f64));
    at.place.grid.patient_from_voxel.transform_point3(middle)
}

fn on_screen(rect: Rect, scale: f32, picture: &Picture, p: DVec3) -> Pos2 {
    let at = picture.viewport_of(p);
    rect.min + egui::vec2(at.x as f32, at.y as f32) / scale
}

/// Whether a view shows the slice of an outline.
fn is_here(wire: &Wire, cell: usize, picture: &Picture) -> bool {
    let at = wire.at();
    let Some(&[u, v]) = wire.anchors().first() else {
        return false;
    };
    let voxel = match at.axis {
        0 => [at.index, u, v],
        1 => [u, at.index, v],
        _ => [u, v, at.index],
    };
    at.cell == cell && shown_at(&at.place, voxel, picture)
}

/// Whether the pointer is on the first anchor of an outline that can be closed.
fn on_first(wire: &Wire, cell: usize, rect: Rect, scale: f32, picture: &Picture, at: Pos2) -> bool {
    let first = wire.anchors().first().filter(|_| wire.anchors().len() > 2);
    is_here(wire, cell, picture)
        && first.is_some_and(|first| {
            let place = on_screen(rect, scale, picture, place_of(wire.at(), *first));
            place.distance(at) <= NEAR
        })
}

/// Carries out what the pointer does; `true` when the left button is its.
pub(super) fn hand(
    context: &mut UiContext<'_>,
    ui: &Ui,
    response: &Response,
    cell: usize,
    viewport: &Viewport,
    picture: &Picture,
) -> bool {
    let Some(latest) = ui.ctx().pointer_latest_pos() else {
        return false;
    };
    let (pressed, alt) = ui.input(|i| {
        let pressed = i.pointer.primary_pressed() && !i.modifiers.command;
        (pressed, i.modifiers.alt)
    });
    let wire = open(context);
    if wire.is_some_and(|wire| wire.at().cell != cell) || !response.contains_pointer() {
        return false;
    }
    let scale = ui.ctx().pixels_per_point();
    let offset = (latest - response.rect.min) * scale;
    let seed = Seed::at(viewport, picture, [offset.x, offset.y].map(f64::from));
    // Where the picture has no value nothing is outlined.
    let Some(seed) = seed else { return pressed };
    let (place, flat) = seed.in_slice(cell);
    let here = wire.is_some_and(|wire| wire.at() == &place);
    if pressed {
        context.actions.push(Action::Activate(cell));
        match wire {
            Some(wire) if on_first(wire, cell, response.rect, scale, picture, latest) => {
                act(context, WireAction::Close { takes: alt });
            }
            Some(_) if !here => {}
            _ => act(context, WireAction::Anchor(Box::new(place), flat)),
        }
    }
    let told = &mut context.state.segments.wired;
    let pointer = here.then_some(flat);
    if here && *told != pointer || !here && wire.is_some() && told.is_some() {
        *told = pointer;
        act(context, WireAction::Point(pointer));
    }
    pressed
}

/// What the hand is told beside the pointer.
pub(super) fn word(
    context: &UiContext<'_>,
    ui: &Ui,
    cell: usize,
    rect: Rect,
    picture: &Picture,
) -> &'static str {
    let Some(wire) = open(context) else {
        return "brush-wire-begin";
    };
    let scale = ui.ctx().pixels_per_point();
    let near = ui
        .ctx()
        .pointer_latest_pos()
        .is_some_and(|at| on_first(wire, cell, rect, scale, picture, at));
    match () {
        () if !is_here(wire, cell, picture) => "brush-wire-elsewhere",
        () if near => "brush-wire-close",
        () if wire.anchors().len() > 2 => "brush-wire-enter",
        () => "brush-wire-go-on",
    }
}

/// Draws the outline: what stands, the way to the pointer, the anchors.
pub(super) fn paint(
    context: &UiContext<'_>,
    painter: &Painter,
    cell: usize,
    rect: Rect,
    picture: &Picture,
    color: Color32,
) {
    let Some(wire) = open(context).filter(|wire| is_here(wire, cell, picture)) else {
        return;
    };
    let scale = painter.pixels_per_point();
    let place = |pixel: &Pixel| on_screen(rect, scale, picture, place_of(wire.at(), *pixel));
    let points = |leg: &Leg| -> Vec<Pos2> { leg.iter().map(place).collect() };
    let dark = Color32::from_black_alpha(150);
    let (legs, live) = wire.lines();
    for leg in legs {
        let points = points(leg);
        painter.add(Shape::line(points.clone(), Stroke::new(3.2, dark)));
        painter.add(Shape::line(points, Stroke::new(1.6, color)));
    }
    if let Some(leg) = live {
        let points = points(leg);
        painter.add(Shape::line(points.clone(), Stroke::new(2.4, dark)));
        painter.add(Shape::line(points, Stroke::new(1.2, theme::TEXT)));
    }
    for (index, anchor) in wire.anchors().iter().enumerate() {
        let radius = if index == 0 { 3.6 } else { 2.6 };
        painter.circle_filled(place(anchor), radius + 1.0, dark);
        painter.circle_filled(place(anchor), radius, color);
        if index == 0 && wire.anchors().len() > 2 {
            painter.circle_stroke(place(anchor), NEAR, Stroke::new(1.0, color));
        }
    }
}
