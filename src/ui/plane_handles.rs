//! The other cuts of a volume as lines in a cell: drawn in their colours with their slabs, and taken hold of.
//!
//! Must stay true: lines and handles follow from the planes that are drawn, so they cannot differ from them; a slab is
//! shown as thick as it is looked at.

use super::{
    context::UiContext,
    halo::{self, over_picture},
    overlay_text::plane_name,
    theme,
};
use crate::{
    model::geometry::BodyPlane,
    tools::plane_lines::{GAP_PT, LinePart, PlaneLine},
    workspace::{
        Action,
        settings::OverlayText,
        view::{Picture, ViewState, Viewport},
    },
};
use egui::{
    Align2, Color32, CursorIcon, Painter, PointerButton, Pos2, Rect, Response, Shape, Stroke,
    StrokeKind, Ui, Vec2, vec2,
};
use glam::{DVec2, DVec3};

/// A line that is dragged.
#[derive(Clone, Debug)]
pub struct PlaneDrag {
    /// The cell in which it is dragged.
    cell: usize,
    /// Which plane.
    plane: BodyPlane,
    /// What of it.
    part: LinePart,
    /// Where the pointer was last, points.
    last: Pos2,
    /// The cell whose slab is made thicker, as it was: one drag is one step of undo.
    before: (usize, ViewState),
}

/// A plane that crosses the one in a cell.
struct Crossing {
    plane: BodyPlane,
    /// The first cell that shows it.
    cell: usize,
    line: PlaneLine,
    /// The part of its unit normal that lies in the cell's plane.
    sine: f64,
}

/// What crosses a cell: the cuts of the same volume in other cells that are on the screen, each plane once.
fn crossings(
    context: &UiContext<'_>,
    rect: Rect,
    scale: f64,
    cell: usize,
    viewport: &Viewport,
    picture: &Picture,
) -> Vec<Crossing> {
    let (Some(own), Some(node)) = (viewport.kind.plane(), &viewport.node) else {
        return Vec::new();
    };
    let volume = viewport.display.as_ref().and_then(|d| d.layout.volume);
    let Some(crosshair) = viewport
        .crosshair
        .or_else(|| volume.map(|grid| grid.centre()))
    else {
        return Vec::new();
    };
    let centre = picture.viewport_of(crosshair);
    let arm = f64::from(rect.width().min(rect.height())) * 0.36 * scale;
    let mut found: Vec<Crossing> = Vec::new();
    for other in context.workspace.visible_cells().filter(|c| *c != cell) {
        let Some(shown) = context.workspace.viewports.get(other) else {
            continue;
        };
        let Some(plane) = shown.kind.plane() else {
            continue;
        };
        let known = plane == own || found.iter().any(|c| c.plane == plane);
        if known || shown.node.as_ref().is_none_or(|n| n.key != node.key) {
            continue;
        }
        let normal = shown.cuts.axes(plane).normal();
        let seen = picture.right.cross(picture.down);
        let along = normal.cross(seen);
        let sine = along.length();
        // Planes that are almost the same cross nowhere that can be shown.
        let direction = DVec2::new(along.dot(picture.right), along.dot(picture.down));
        let Some(direction) = direction.try_normalize().filter(|_| sine > 1e-3) else {
            continue;
        };
        let half_mm = shown.view.slab.map_or(0.0, |slab| slab.thickness_mm * 0.5);
        found.push(Crossing {
            plane,
            cell: other,
            line: PlaneLine {
                centre,
                direction,
                half_slab: half_mm / sine / picture.unit_per_pixel,
                arm,
            },
            sine,
        });
    }
    found
}

/// What is under the pointer.
fn part_under(crossings: &[Crossing], at: DVec2, scale: f64) -> Option<(&Crossing, LinePart)> {
    let part = |c| -> Option<(&Crossing, LinePart)> {
        let crossing: &Crossing = c;
        Some((crossing, crossing.line.part_at(at, scale)?))
    };
    crossings.iter().find_map(part)
}

/// Takes hold of lines and drags them. Returns the pointer's shape while it is over one, or drags one: then no other
/// gesture of the left button begins.
pub(super) fn gestures(
    context: &mut UiContext<'_>,
    ui: &Ui,
    response: &Response,
    cell: usize,
    rect: Rect,
    viewport: &Viewport,
    picture: &Picture,
) -> Option<CursorIcon> {
    if !viewport.kind.is_cut() {
        return None;
    }
    let scale = f64::from(ui.ctx().pixels_per_point());
    let pixels =
        |p: Pos2| DVec2::new(f64::from(p.x - rect.min.x), f64::from(p.y - rect.min.y)) * scale;
    let crossings = crossings(context, rect, scale, cell, viewport, picture);
    if let Some(drag) = context.state.plane_drag.take_if(|d| d.cell == cell) {
        let pointer = ui.ctx().pointer_latest_pos().unwrap_or(drag.last);
        let crossing = crossings.iter().find(|c| c.plane == drag.plane)?;
        dragged(
            context,
            cell,
            viewport,
            picture,
            crossing,
            &drag,
            pixels(drag.last),
            pixels(pointer),
        );
        let released = !ui.input(|i| i.pointer.any_down());
        let part = drag.part;
        let (viewed, before) = drag.before.clone();
        context.state.plane_drag = (!released).then_some(PlaneDrag {
            last: pointer,
            ..drag
        });
        if released {
            // The thickness is one view's, the lines are those of all cuts.
            let planes = context.state.planes_before.take();
            if part == LinePart::Thickness {
                let cell = viewed;
                context.actions.push(Action::Commit { cell, before });
            } else if let Some(before) = planes {
                context.actions.push(Action::CommitLayout(before));
            }
        }
        return Some(icon(part));
    }
    let origin = ui.input(|i| i.pointer.press_origin());
    if response.drag_started_by(PointerButton::Primary)
        && let Some(origin) = origin
        && let Some((crossing, part)) = part_under(&crossings, pixels(origin), scale)
    {
        let shown = context.workspace.viewports.get(crossing.cell);
        let before = shown.map(|v| v.view.clone());
        context.state.planes_before = Some(Box::new(context.workspace.arrangement()));
        context.state.plane_drag = Some(PlaneDrag {
            cell,
            plane: crossing.plane,
            part,
            last: origin,
            before: (crossing.cell, before.unwrap_or_default()),
        });
        return Some(icon(part));
    }
    let pointer = ui.ctx().pointer_latest_pos();
    let pointer = pointer.filter(|p| response.contains_pointer() && rect.contains(*p))?;
    let (_, part) = part_under(&crossings, pixels(pointer), scale)?;
    Some(icon(part))
}

const fn icon(part: LinePart) -> CursorIcon {
    match part {
        LinePart::Turn => CursorIcon::Alias,
        LinePart::Move => CursorIcon::Move,
        LinePart::Thickness => CursorIcon::ResizeColumn,
    }
}

fn dragged(
    context: &mut UiContext<'_>,
    cell: usize,
    viewport: &Viewport,
    picture: &Picture,
    crossing: &Crossing,
    drag: &PlaneDrag,
    from: DVec2,
    to: DVec2,
) {
    if from == to {
        return;
    }
    let line = &crossing.line;
    match drag.part {
        LinePart::Turn => {
            let angle = line.turned(from, to);
            if angle != 0.0 {
                context.actions.push(Action::TurnPlanes {
                    cell,
                    moved: crossing.plane,
                    axis: picture.right.cross(picture.down),
                    angle,
                });
            }
        }
        LinePart::Move => {
            // Across the line only: along it the plane stays the same.
            let across = line.direction.perp();
            let way = across * (to - from).dot(across) * picture.unit_per_pixel;
            let volume = viewport.display.as_ref().and_then(|d| d.layout.volume);
            if let Some(point) = viewport.crosshair.or_else(|| volume.map(|g| g.centre())) {
                let point: DVec3 = point + picture.right * way.x + picture.down * way.y;
                context.actions.push(Action::Crosshair { cell, point });
            }
        }
        LinePart::Thickness => {
            let half_mm = line.half_slab_at(to) * picture.unit_per_pixel * crossing.sine;
            let thickness_mm = (half_mm * 4.0).round().max(2.0) / 2.0;
            let shown = context.workspace.viewports.get(crossing.cell);
            if let Some(mut view) = shown.map(|v| v.view.clone())
                && let Some(slab) = &mut view.slab
                && slab.thickness_mm != thickness_mm
            {
                slab.thickness_mm = thickness_mm;
                let cell = crossing.cell;
                context.actions.push(Action::View { cell, view });
            }
        }
    }
}

/// Draws the lines, and what can be taken hold of while the pointer is in the cell. `taken` is where other text stands;
/// where their names do comes back.
pub(super) fn paint(
    context: &UiContext<'_>,
    painter: &Painter,
    (rect, taken): (Rect, &[Rect]),
    scale: f32,
    cell: usize,
    viewport: &Viewport,
    picture: &Picture,
    pointer: Option<Pos2>,
) -> Vec<Rect> {
    let mut names = Vec::new();
    let Some(own) = viewport.kind.plane() else {
        return names;
    };
    let crossings = crossings(context, rect, f64::from(scale), cell, viewport, picture);
    let point = |p: DVec2| rect.min + vec2(p.x as f32, p.y as f32) / scale;
    let drag = context.state.plane_drag.as_ref().filter(|d| d.cell == cell);
    let held = pointer.is_some_and(|p| rect.contains(p)) || drag.is_some();
    for crossing in &crossings {
        let line = &crossing.line;
        let color = theme::plane_color(crossing.plane).gamma_multiply(0.8);
        let centre = point(line.centre);
        let along = vec2(line.direction.x as f32, line.direction.y as f32);
        let reach = rect.width() + rect.height();
        for sign in [-1.0, 1.0] {
            let ends = [
                centre + along * (GAP_PT as f32 * sign),
                centre + along * (reach * sign),
            ];
            painter.line_segment(ends, Stroke::new(1.0, color));
        }
        if line.half_slab > 0.5 {
            let across = along.rot90() * (line.half_slab as f32 / scale);
            for side in [across, -across] {
                let ends = [centre + side - along * reach, centre + side + along * reach];
                let dashes = Shape::dashed_line(&ends, Stroke::new(1.0, color), 5.0, 5.0);
                painter.extend(dashes);
            }
        }
        if held {
            handles(painter, line, color, &point, scale);
        }
        if context.workspace.settings.overlay_text != OverlayText::None {
            // Safety S15: the lines say what they are.
            let name = plane_name(context.language(), crossing.plane);
            let size = halo::line(painter, name.to_owned(), theme::SMALL_PT).size();
            let ends = line.turn_handles().map(&point);
            let (at, anchor) = name_place(rect, taken, ends, along, size);
            let stands = over_picture(painter, at, anchor, name, theme::SMALL_PT, color);
            // Rounded, so that a line that moves by a pixel moves no text that keeps off it.
            names.push(Rect::from_min_max(
                (stands.min / 8.0).floor() * 8.0,
                (stands.max / 8.0).ceil() * 8.0,
            ));
        }
        if let Some(drag) = drag.filter(|d| d.plane == crossing.plane) {
            drag_label(context, painter, crossing, drag, color);
        }
    }
    if !crossings.is_empty() {
        let band = Rect::from_min_size(rect.min, vec2(rect.width(), 2.0));
        painter.rect_filled(band, 0.0, theme::plane_color(own));
    }
    names
}

/// Where the name of a line stands: beside one of its ends, on either side, in the cell and off other text where there is
/// such a place.
fn name_place(
    rect: Rect,
    taken: &[Rect],
    [first, last]: [Pos2; 2],
    along: Vec2,
    size: Vec2,
) -> (Pos2, Align2) {
    let across = along.rot90() * 9.0;
    let flat = along.x.abs() > along.y.abs();
    // Above a line that lies, to the right of one that stands; then the other side.
    let swap = if flat { across.y > 0.0 } else { across.x < 0.0 };
    let near = if swap { -across } else { across };
    let anchors = match flat {
        true => [Align2::CENTER_BOTTOM, Align2::CENTER_TOP],
        false => [Align2::LEFT_CENTER, Align2::RIGHT_CENTER],
    };
    let sides = [(near, anchors[0]), (-near, anchors[1])];
    let inside = rect.shrink(3.0);
    let mut places = [last, first]
        .into_iter()
        .flat_map(|end| sides.map(|(beside, anchor)| (end + beside, anchor)));
    let free = |&(at, anchor): &(Pos2, Align2)| {
        let stands = anchor.anchor_size(at, size);
        inside.contains_rect(stands) && !taken.iter().any(|other| other.intersects(stands))
    };
    places.find(free).unwrap_or_else(|| {
        let stands = sides[0].1.anchor_size(last + sides[0].0, size);
        let back =
            (inside.min - stands.min).max(Vec2::ZERO) + (inside.max - stands.max).min(Vec2::ZERO);
        (stands.min + back, Align2::LEFT_TOP)
    })
}

fn handles(
    painter: &Painter,
    line: &PlaneLine,
    color: Color32,
    point: &impl Fn(DVec2) -> Pos2,
    scale: f32,
) {
    for handle in line.turn_handles() {
        painter.circle(point(handle), 4.5, theme::IMAGE, Stroke::new(1.5, color));
    }
    if line.half_slab > f64::from(scale) * 6.0 {
        for handle in line.thickness_handles() {
            let square = Rect::from_center_size(point(handle), vec2(7.0, 7.0));
            painter.rect(
                square,
                0.0,
                theme::IMAGE,
                Stroke::new(1.5, color),
                StrokeKind::Middle,
            );
        }
    }
}

/// The number at the pointer: by how much the plane leans, or how thick its slab is.
fn drag_label(
    context: &UiContext<'_>,
    painter: &Painter,
    crossing: &Crossing,
    drag: &PlaneDrag,
    color: Color32,
) {
    let Some(shown) = context.workspace.viewports.get(crossing.cell) else {
        return;
    };
    let name = plane_name(context.language(), crossing.plane);
    let text = match drag.part {
        LinePart::Turn => format!("{name} {:.1}°", shown.cuts.tilt_degrees(crossing.plane)),
        LinePart::Thickness => {
            let thickness = shown.view.slab.map_or(0.0, |slab| slab.thickness_mm);
            format!("{name} {thickness:.1} mm")
        }
        LinePart::Move => name.to_owned(),
    };
    let at = drag.last + vec2(16.0, 16.0);
    over_picture(
        painter,
        at,
        Align2::LEFT_TOP,
        &text,
        theme::OVERLAY_PT,
        color,
    );
}
