//! What one view shows of the others: lines of the active view's slices, the 3-D cursor, the chain of linked views.
//!
//! Must stay true: all places are worked out in f64 in the patient and become points of the screen at the very end.

use super::{
    context::UiContext,
    halo::over_picture,
    icons::{self, Icon},
    theme,
};
use crate::{
    i18n::Value,
    model::geometry::BodyPlane,
    tools::Tool,
    workspace::{
        Command,
        link::{SlicePlane, crossing},
        linking::Tie,
        place::frame_plane,
        settings::OverlayText,
        state::ON_PLANE_MM,
        view::{Picture, Viewport},
    },
};
use egui::{Align2, Color32, Painter, Pos2, Rect, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};
use glam::DVec3;

/// Height that a cell needs for the chain, points.
const ROOM_PT: f32 = 120.0;

/// Draws the lines, the cursor and the chain of a cell.
pub(super) fn paint(
    context: &mut UiContext<'_>,
    ui: &Ui,
    cell: usize,
    rect: Rect,
    viewport: &Viewport,
    picture: &Picture,
) {
    let painter = ui.painter().with_clip_rect(rect);
    let scale = ui.ctx().pixels_per_point();
    if context.workspace.linking.lines {
        lines(context, &painter, cell, rect, scale, viewport, picture);
    }
    let shift = ui.input(|i| i.modifiers.shift);
    if context.workspace.tool == Tool::Crosshair || (shift && context.state.drag.is_none()) {
        cursor(context, &painter, cell, rect, scale, viewport, picture);
    }
    if context.workspace.settings.overlay_text != OverlayText::None && rect.height() > ROOM_PT {
        chain(context, ui, cell, rect);
    }
}

/// First, last and present slice of the active view, where they cross this one.
fn lines(
    context: &UiContext<'_>,
    painter: &Painter,
    cell: usize,
    rect: Rect,
    scale: f32,
    viewport: &Viewport,
    picture: &Picture,
) {
    let workspace = context.workspace;
    if workspace.active == cell {
        return;
    }
    let Some(active) = workspace.active_viewport() else {
        return;
    };
    // The cuts of one volume have lines of their own, through the crosshair.
    let one_series = active.series_key() == viewport.series_key();
    let one_volume = active.is_cut() && viewport.is_cut() && one_series;
    if one_volume || !active.shares_space_with(viewport) {
        return;
    }
    let Some(present) = active.plane_shown() else {
        return;
    };
    let color = theme::plane_color(BodyPlane::of_normal(present.normal()));
    let screen = Screen {
        painter,
        rect,
        scale,
        picture,
    };
    if !active.is_cut()
        && let Some(display) = &active.display
    {
        let count = display.layout.frames.len();
        for end in [0, count.saturating_sub(1)] {
            let parallel = |p: &SlicePlane| p.normal().dot(present.normal()).abs() > 0.999;
            if end != active.slice
                && let Some(plane) = frame_plane(display, end).filter(parallel)
            {
                screen.line(&plane, color.gamma_multiply(0.45), None);
            }
        }
    }
    let (index, count) = (active.slice_index() + 1, active.slice_count());
    let label = format!("{index} / {count}");
    screen.line(&present, color, Some(&label));
}

/// Where points of the patient come to lie in a cell.
struct Screen<'a> {
    painter: &'a Painter,
    rect: Rect,
    scale: f32,
    picture: &'a Picture,
}

impl Screen<'_> {
    fn at(&self, point: DVec3) -> Pos2 {
        let at = self.picture.viewport_of(point) / f64::from(self.scale);
        self.rect.min + vec2(at.x as f32, at.y as f32)
    }

    fn line(&self, plane: &SlicePlane, color: Color32, label: Option<&str>) {
        let normal = self.picture.right.cross(self.picture.down);
        let through = self.picture.patient_from_viewport.translation;
        let Some(ends) = crossing(plane, through, normal) else {
            return;
        };
        let [from, to] = ends.map(|end| self.at(end));
        if label.is_some() {
            let edge = Stroke::new(3.0, Color32::from_black_alpha(150));
            self.painter.line_segment([from, to], edge);
        }
        self.painter
            .line_segment([from, to], Stroke::new(1.0, color));
        let Some(label) = label else { return };
        // Beside the end that lies more to the right, inside of the cell.
        let end = if from.x > to.x { from } else { to };
        let inner = self.rect.shrink2(vec2(34.0, 26.0));
        let at = pos2(
            end.x.clamp(inner.left(), inner.right()),
            end.y.clamp(inner.top(), inner.bottom()),
        );
        over_picture(
            self.painter,
            at - vec2(4.0, 3.0),
            Align2::RIGHT_BOTTOM,
            label,
            theme::SMALL_PT,
            color,
        );
    }
}

/// The 3-D cursor: a small cross, and how far off the shown slice its point lies.
fn cursor(
    context: &UiContext<'_>,
    painter: &Painter,
    cell: usize,
    rect: Rect,
    scale: f32,
    viewport: &Viewport,
    picture: &Picture,
) {
    let Some((point, off_mm)) = context.workspace.cursor_in(cell) else {
        return;
    };
    let screen = Screen {
        painter,
        rect,
        scale,
        picture,
    };
    let on_plane = off_mm.abs() <= ON_PLANE_MM;
    if viewport.is_cut() && on_plane {
        // Its crosshair stands there.
        return;
    }
    let at = screen.at(point);
    let color = if on_plane {
        theme::ACCENT
    } else {
        theme::TEXT_DIM
    };
    for direction in [
        vec2(1.0, 0.0),
        vec2(-1.0, 0.0),
        vec2(0.0, 1.0),
        vec2(0.0, -1.0),
    ] {
        let arm = [at + direction * 4.0, at + direction * 13.0];
        painter.line_segment(arm, Stroke::new(3.0, Color32::from_black_alpha(180)));
        painter.line_segment(arm, Stroke::new(1.4, color));
    }
    if !on_plane {
        let text = context.tr(
            "overlay-cursor-off",
            &[("mm", Value::Fixed(off_mm.abs(), 1))],
        );
        over_picture(
            painter,
            at + vec2(8.0, 8.0),
            Align2::LEFT_TOP,
            &text,
            theme::SMALL_PT,
            color,
        );
    }
}

/// A small chain in a linked view; it says on hover by what it is linked, and opens the choice of kinds.
fn chain(context: &mut UiContext<'_>, ui: &Ui, cell: usize, rect: Rect) {
    let workspace = context.workspace;
    if workspace.visible_cells().len() < 2 || !workspace.is_linked(cell) {
        return;
    }
    let square = Rect::from_center_size(
        pos2(rect.center().x + 34.0, rect.top() + 15.0),
        vec2(20.0, 20.0),
    );
    let id = ui.scope_id().with(("chain", cell));
    let response = ui.interact(square, id, Sense::click());
    let name = context.word("badge-linked");
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, name));
    let painter = ui.painter().with_clip_rect(rect);
    let tie = workspace.tie_of(cell);
    let color = match tie {
        _ if response.hovered() => theme::TEXT,
        Some(Tie::Offset | Tie::Assumed) => theme::WARN,
        _ => theme::ACCENT,
    };
    painter.circle_filled(square.center(), 10.0, Color32::from_black_alpha(140));
    icons::paint(&painter, square.shrink(3.0), Icon::Chain, color);
    if response.hovered() {
        response.clone().on_hover_text(reason(context, tie));
    }
    if let Some(mm) = context.workspace.beyond_end(cell) {
        let text = context.tr("overlay-beyond-end", &[("mm", Value::Fixed(mm, 1))]);
        over_picture(
            &painter,
            square.center_bottom() + vec2(0.0, 2.0),
            Align2::CENTER_TOP,
            &text,
            theme::SMALL_PT,
            theme::WARN,
        );
    }
    let kinds = [
        Command::LinkScroll,
        Command::LinkPan,
        Command::LinkZoom,
        Command::LinkWindow,
    ];
    egui::Popup::menu(&response).show(|ui| {
        ui.set_min_width(180.0);
        for kind in kinds {
            let mut on = context.workspace.is_on(kind);
            let word = context.word(kind.row().message_key);
            if ui.checkbox(&mut on, word).clicked() {
                context.run(kind);
            }
        }
        ui.separator();
        for command in [Command::LinkHere, Command::Unlink] {
            let button = egui::Button::new(context.word(command.row().message_key));
            let enabled = context.workspace.is_enabled(command);
            if ui.add_enabled(enabled, button).clicked() {
                context.run(command);
                ui.close();
            }
        }
    });
}

fn reason(context: &UiContext<'_>, tie: Option<Tie>) -> String {
    let linking = &context.workspace.linking;
    let mut lines = Vec::new();
    if linking.scroll {
        match tie {
            Some(Tie::Place) => lines.push(context.word("link-by-place")),
            Some(Tie::Offset) => lines.push(context.word("link-by-offset")),
            Some(Tie::Assumed) => lines.push(context.word("link-by-assumption")),
            None => {}
        }
    }
    let kinds = [
        (linking.pan, Command::LinkPan),
        (linking.zoom, Command::LinkZoom),
        (linking.window, Command::LinkWindow),
    ];
    for (on, command) in kinds {
        if on {
            lines.push(context.word(command.row().message_key));
        }
    }
    lines.join("\n")
}
