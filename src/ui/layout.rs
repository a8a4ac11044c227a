//! The cells of the layout in the window: their places, and the lines between them that can be dragged.
//!
//! A line moves when it is dragged. With Ctrl, or from the outer border where no panel stands, a drag parts the cell that it
//! goes into.

use super::{context::UiContext, halo::haloed, theme, viewport, windows};
use crate::{
    model::arrangement::{CellRect, Divider, Layout, Parting, SIDE},
    workspace::{Action, Workspace},
};
use egui::{Align2, CursorIcon, Rect, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

/// Points between two cells.
pub const GAP: f32 = 1.0;

/// So wide is the strip in which a line can be taken hold of, points.
const GRIP: f32 = 7.0;

/// A line that is being dragged, or a cell that is being parted.
#[derive(Clone, Debug)]
pub enum LineDrag {
    /// This line moves; the layout when the drag began.
    Move(Divider, Layout),
    /// A new line, for the cell under the pointer.
    Part(Parting),
}

/// The place of a cell in the area of all cells: cells stand one point apart, and the outer ones reach the border.
pub fn cell_rect(area: Rect, cell: CellRect) -> Rect {
    let edge = |at: u16, low: f32, length: f32, far: bool| {
        let whole = low + length * f32::from(at) / f32::from(SIDE);
        match (at, far) {
            (0, _) | (SIDE, _) => whole,
            (_, false) => whole + GAP / 2.0,
            (_, true) => whole - GAP / 2.0,
        }
    };
    let x = |at: u16, far: bool| edge(at, area.left(), area.width(), far);
    let y = |at: u16, far: bool| edge(at, area.top(), area.height(), far);
    Rect::from_min_max(
        pos2(x(cell.left, false), y(cell.top, false)),
        pos2(x(cell.right, true), y(cell.bottom, true)),
    )
}

/// One picture and one document a cell, made when the layout first has so many.
pub fn make_room(context: &mut UiContext<'_>) {
    let cells = context.workspace.viewports.len();
    let state = &mut *context.state;
    if state.pictures.len() < cells {
        state.pictures.resize_with(cells, Default::default);
    }
    if state.documents.len() < cells {
        state.documents.resize_with(cells, Default::default);
    }
}

/// Draws all cells as they stand in the layout, without what can be taken hold of: for pictures that leave.
pub fn plain_cells_ui(context: &mut UiContext<'_>, ui: &mut Ui, area: Rect) {
    let workspace = context.workspace;
    make_room(context);
    if workspace.maximised {
        viewport::viewport_ui(context, ui, workspace.active, area);
        return;
    }
    for cell in 0..workspace.layout.cells() {
        if let Some(place) = workspace.layout.rect(cell) {
            viewport::viewport_ui(context, ui, cell, cell_rect(area, place));
        }
    }
}

/// Draws all cells.
pub fn cells_ui(context: &mut UiContext<'_>, ui: &mut Ui, area: Rect) {
    let workspace = context.workspace;
    make_room(context);
    let detached = workspace.detached_cells();
    if workspace.maximised && !detached.contains(workspace.active) {
        viewport::viewport_ui(context, ui, workspace.active, area);
    } else if detached.is_empty() {
        for cell in 0..workspace.layout.cells() {
            if let Some(place) = workspace.layout.rect(cell) {
                viewport::viewport_ui(context, ui, cell, cell_rect(area, place));
            }
        }
        lines(context, ui, area);
    } else {
        let places = workspace
            .layout
            .rects_without(|cell| detached.contains(cell));
        for (cell, place) in places.into_iter().enumerate() {
            let Some(place) = place else { continue };
            let rect = cell_rect(area, place);
            if detached.contains(cell) {
                away(context, ui, cell, rect);
            } else {
                viewport::viewport_ui(context, ui, cell, rect);
            }
        }
    }
    windows::windows_ui(context, ui);
}

/// Fills what lies between the cells.
pub fn gaps_ui(workspace: &Workspace, ui: &Ui, area: Rect) {
    let painter = ui.painter().with_clip_rect(area);
    if !workspace.detached_cells().is_empty() {
        painter.rect_filled(area, 0.0, theme::APP);
    } else if !workspace.maximised {
        // A pixel more: cells are moved to whole ones.
        let stroke = Stroke::new(GAP + 1.0, theme::APP);
        for cell in 0..workspace.layout.cells() {
            if let Some(place) = workspace.layout.rect(cell) {
                let rect = cell_rect(area, place);
                painter.rect_stroke(rect, 0.0, stroke, StrokeKind::Outside);
            }
        }
    }
}

/// The room of a cell that is in a window of its own, where no neighbour could fill it.
fn away(context: &mut UiContext<'_>, ui: &Ui, cell: usize, rect: Rect) {
    ui.painter().rect_filled(rect, 0.0, theme::IMAGE);
    let id = ui.scope_id().with(("away", cell));
    let response = ui.interact(rect, id, Sense::click());
    let name = context.word("viewport-bring-back");
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, name));
    haloed(
        ui.painter(),
        rect.center() + vec2(0.0, 22.0),
        Align2::CENTER_CENTER,
        name,
        theme::SMALL_PT,
        match response.hovered() {
            true => theme::TEXT,
            false => theme::TEXT_FAINT,
        },
    );
    if response.clicked() {
        context.actions.push(Action::Detach(cell));
    }
    haloed(
        ui.painter(),
        rect.center(),
        Align2::CENTER_CENTER,
        context.word("viewport-elsewhere"),
        theme::BODY_PT,
        theme::TEXT_DIM,
    );
}

/// Lines that can be dragged, and the outer border from which a cell is parted.
fn lines(context: &mut UiContext<'_>, ui: &Ui, area: Rect) {
    if !context.workspace.is_free() {
        return;
    }
    let layout = context.workspace.layout.clone();
    let borders = [
        (
            Parting::Upright,
            Rect::from_min_max(area.min, pos2(area.left() + GRIP / 2.0, area.bottom())),
        ),
        (
            Parting::Upright,
            Rect::from_min_max(pos2(area.right() - GRIP / 2.0, area.top()), area.max),
        ),
        (
            Parting::Level,
            Rect::from_min_max(area.min, pos2(area.right(), area.top() + GRIP / 2.0)),
        ),
        (
            Parting::Level,
            Rect::from_min_max(pos2(area.left(), area.bottom() - GRIP / 2.0), area.max),
        ),
    ];
    // Beside a panel the border is the panel's, to make it wider.
    let settings = &context.workspace.settings;
    let held = ui.input(|i| i.modifiers.command);
    let taken = [
        settings.show_browser && !held,
        settings.show_side && !held,
        false,
        false,
    ];
    for (n, ((way, strip), taken)) in borders.into_iter().zip(taken).enumerate() {
        if taken {
            continue;
        }
        let id = ui.scope_id().with(("border", n));
        let response = ui.interact(strip, id, Sense::drag());
        hint(context, ui, &response, way);
        if response.drag_started() {
            context.state.line = Some(LineDrag::Part(way));
        }
    }
    for divider in layout.dividers() {
        grip(context, ui, area, divider, &layout);
    }
    follow(context, ui, area);
}

/// The strip over one line.
fn grip(context: &mut UiContext<'_>, ui: &Ui, area: Rect, divider: Divider, layout: &Layout) {
    let part = |at: u16| f32::from(at) / f32::from(SIDE);
    let strip = match divider.way {
        Parting::Upright => {
            let x = area.left() + area.width() * part(divider.at);
            let y = |at: u16| area.top() + area.height() * part(at);
            Rect::from_min_max(
                pos2(x - GRIP / 2.0, y(divider.from)),
                pos2(x + GRIP / 2.0, y(divider.to)),
            )
        }
        Parting::Level => {
            let y = area.top() + area.height() * part(divider.at);
            let x = |at: u16| area.left() + area.width() * part(at);
            Rect::from_min_max(
                pos2(x(divider.from), y - GRIP / 2.0),
                pos2(x(divider.to), y + GRIP / 2.0),
            )
        }
    };
    // Named by what stays while it moves, so that the drag goes on.
    let id = ui.scope_id().with((
        "line",
        divider.way,
        divider.from,
        divider.to,
        index_of(layout, divider),
    ));
    let response = ui.interact(strip, id, Sense::drag());
    let name = context.word("viewport-line");
    response.widget_info(|| WidgetInfo::labeled(Role::Splitter, true, name));
    hint(context, ui, &response, divider.way);
    if response.drag_started() {
        let parts = ui.input(|i| i.modifiers.command);
        context.state.line = Some(if parts {
            LineDrag::Part(divider.way)
        } else {
            LineDrag::Move(divider, layout.clone())
        });
    }
}

/// Which of the lines of its way it is.
fn index_of(layout: &Layout, divider: Divider) -> usize {
    layout
        .dividers()
        .iter()
        .position(|d| *d == divider)
        .unwrap_or_default()
}

fn hint(context: &UiContext<'_>, ui: &Ui, response: &egui::Response, way: Parting) {
    if response.hovered() && context.state.drag.is_none() && context.state.line.is_none() {
        ui.ctx().set_cursor_icon(cursor(way));
    }
}

const fn cursor(way: Parting) -> CursorIcon {
    match way {
        Parting::Upright => CursorIcon::ResizeHorizontal,
        Parting::Level => CursorIcon::ResizeVertical,
    }
}

/// Carries the running drag on.
fn follow(context: &mut UiContext<'_>, ui: &Ui, area: Rect) {
    let Some(drag) = context.state.line.clone() else {
        return;
    };
    let pointer = ui.ctx().pointer_latest_pos().unwrap_or(area.center());
    let inside = pos2(
        pointer.x.clamp(area.left(), area.right()),
        pointer.y.clamp(area.top(), area.bottom()),
    );
    let share = |way: Parting| match way {
        Parting::Upright => (inside.x - area.left()) / area.width().max(1.0),
        Parting::Level => (inside.y - area.top()) / area.height().max(1.0),
    };
    let released = ui.input(|i| !i.pointer.any_down());
    match drag {
        LineDrag::Move(divider, before) => {
            ui.ctx().set_cursor_icon(cursor(divider.way));
            let to = (share(divider.way) * f32::from(SIDE)).round() as u16;
            let moved = before.with_moved(divider, to);
            if moved != context.workspace.layout {
                context.actions.push(Action::Layout(moved));
            }
            if released {
                context.actions.push(Action::LayoutDone(before));
            }
        }
        LineDrag::Part(way) => {
            ui.ctx().set_cursor_icon(cursor(way));
            part(context, ui, area, way, inside, released);
        }
    }
    if released {
        context.state.line = None;
    }
}

/// Shows where the cell under the pointer would be parted, and parts it on release.
fn part(
    context: &mut UiContext<'_>,
    ui: &Ui,
    area: Rect,
    way: Parting,
    at: egui::Pos2,
    released: bool,
) {
    let layout = &context.workspace.layout;
    let cells = (0..layout.cells()).filter_map(|c| Some((c, cell_rect(area, layout.rect(c)?))));
    let Some((cell, rect)) = cells.into_iter().find(|(_, r)| r.expand(GAP).contains(at)) else {
        return;
    };
    let share = match way {
        Parting::Upright => (at.x - rect.left()) / rect.width().max(1.0),
        Parting::Level => (at.y - rect.top()) / rect.height().max(1.0),
    };
    let share = f64::from(share);
    if layout.split(cell, way, share).is_err() {
        return;
    }
    let stroke = Stroke::new(2.0, theme::ACCENT);
    match way {
        Parting::Upright => ui.painter().vline(at.x, rect.y_range(), stroke),
        Parting::Level => ui.painter().hline(rect.x_range(), at.y, stroke),
    };
    if released {
        context.actions.push(Action::Split {
            cell,
            way,
            at: share,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_stand_one_point_apart_and_fill_the_area() {
        let area = Rect::from_min_max(pos2(10.0, 20.0), pos2(811.0, 621.0));
        let place = |cell| cell_rect(area, Layout::FOUR.rect(cell).unwrap());
        assert_eq!(place(0).min, area.min);
        assert_eq!(place(3).max, area.max);
        assert!((place(1).left() - place(0).right() - GAP).abs() < 1e-3);
        assert!((place(2).top() - place(0).bottom() - GAP).abs() < 1e-3);
        assert!((place(0).width() - place(1).width()).abs() < 1e-3);
    }
}
