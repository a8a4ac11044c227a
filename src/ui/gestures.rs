//! Gestures on a cell: presses, drags, the wheel, and the value under the pointer.

use super::{
    context::{Drag, UiContext},
    marks, plane_handles,
    probe::{hover, value_at},
    segments,
};
use crate::{
    model::lut::WindowLevel,
    tools::{Button, Gesture, Modifiers, Tool, navigate, window_level},
    workspace::{
        Action,
        state::Arrangement,
        view::{Picture, Viewport, VoiChoice},
    },
};
use egui::{CursorIcon, PointerButton, Pos2, Rect, Response, Ui};

/// Presses, drags, wheel and hover of a cell.
pub(super) fn gestures(
    context: &mut UiContext<'_>,
    ui: &Ui,
    response: &Response,
    cell: usize,
    rect: Rect,
    viewport: &mut Viewport,
    picture: &Picture,
) {
    let scale = f64::from(ui.ctx().pixels_per_point());
    let to_pixels = |p: Pos2| {
        [
            f64::from(p.x - rect.min.x) * scale,
            f64::from(p.y - rect.min.y) * scale,
        ]
    };
    let modifiers = ui.input(|i| Modifiers {
        shift: i.modifiers.shift,
        ctrl: i.modifiers.command,
        alt: i.modifiers.alt,
    });
    if response.clicked() || response.drag_started() || response.secondary_clicked() {
        context.actions.push(Action::Activate(cell));
    }
    if response.clicked()
        && context.workspace.tool == Tool::Crosshair
        && let Some(pointer) = response.interact_pointer_pos()
    {
        let before = planes_before(context, viewport);
        place_crosshair(context, cell, viewport, picture, to_pixels(pointer));
        context.actions.extend(before.map(Action::CommitLayout));
    }
    let painted = segments::hand(context, ui, response, cell, viewport, picture);
    let marked = painted || marks::hand(context, ui, response, cell, viewport, picture);
    let marking = matches!(context.workspace.tool, Tool::Mark(_) | Tool::Paint(_));
    let plane_icon = match marked || marking {
        true => None,
        false => plane_handles::gestures(context, ui, response, cell, rect, viewport, picture),
    };
    // While a mark is drawn click by click, the other buttons go on moving the picture.
    let taken = marked && response.drag_started_by(PointerButton::Primary);
    if !taken && context.state.plane_drag.is_none() {
        begin_drag(context, ui, response, cell, viewport, modifiers);
    }
    continue_drag(
        context, ui, response, cell, rect, viewport, picture, modifiers,
    );
    if response.hovered() {
        wheel(context, ui, cell, viewport, picture, &to_pixels, modifiers);
    }
    let pointer = ui
        .ctx()
        .pointer_latest_pos()
        .filter(|p| response.contains_pointer() && rect.contains(*p));
    match pointer {
        Some(pointer) => {
            let at = to_pixels(pointer);
            context.state.hover = hover(context, cell, viewport, picture, at);
            if modifiers.shift
                && !marking
                && context.state.drag.is_none()
                && ui.input(|i| i.pointer.is_moving())
            {
                place_crosshair(context, cell, viewport, picture, at);
            }
            let icon = match context.workspace.tool {
                Tool::WindowLevel => CursorIcon::Default,
                Tool::Zoom => CursorIcon::ZoomIn,
                Tool::Pan => CursorIcon::Grab,
                Tool::Scroll => CursorIcon::ResizeVertical,
                Tool::Crosshair | Tool::Mark(_) => CursorIcon::Crosshair,
                // The ring is the cursor.
                Tool::Paint(_) => CursorIcon::None,
            };
            if context.state.marks.hover.is_none() {
                ui.ctx().set_cursor_icon(plane_icon.unwrap_or(icon));
            }
        }
        None => {
            if context.state.hover.as_ref().is_some_and(|h| h.cell == cell) {
                context.state.hover = None;
            }
        }
    }
}

fn begin_drag(
    context: &mut UiContext<'_>,
    ui: &Ui,
    response: &Response,
    cell: usize,
    viewport: &Viewport,
    modifiers: Modifiers,
) {
    if !response.drag_started() {
        return;
    }
    let button = [
        (PointerButton::Primary, Button::Primary),
        (PointerButton::Secondary, Button::Secondary),
        (PointerButton::Middle, Button::Middle),
    ]
    .into_iter()
    .find(|(b, _)| response.drag_started_by(*b));
    let Some((_, button)) = button else { return };
    let start = ui
        .input(|i| i.pointer.press_origin())
        .unwrap_or_else(|| response.rect.center());
    let settings = &context.workspace.settings;
    let gesture = settings
        .mouse
        .gesture(button, modifiers, context.workspace.tool);
    let Some(gesture) = gesture else { return };
    let window = viewport.voi().level().map(|level| {
        let (range, float_data) = value_range(viewport);
        let drag = window_level::WindowDrag::begin(level, range, float_data, viewport.inverted());
        if settings.keys.profile().up_raises_level() {
            drag.upside_down()
        } else {
            drag
        }
    });
    let moves_planes = matches!(
        gesture,
        Gesture::Drag {
            tool: Tool::Crosshair,
            ..
        }
    );
    if moves_planes {
        context.state.planes_before = planes_before(context, viewport);
    }
    context.state.drag = Some(Drag {
        cell,
        before: viewport.view.clone(),
        start,
        last: start,
        start_slice: viewport.slice_index(),
        gesture,
        window,
        moved: egui::Vec2::ZERO,
    });
}

/// Span of the modality values that the stored bits can hold; that of the window for floats.
fn value_range(viewport: &Viewport) -> (f64, bool) {
    use crate::model::{
        lut::{ModalityLut, ModalityUnit},
        pixels::StoredType,
    };
    let Some(image) = viewport.image() else {
        return (4096.0, false);
    };
    if matches!(image.stored_type, StoredType::F32 | StoredType::F64) {
        let width = viewport.voi().level().map_or(1.0, |l| l.width);
        return (width.max(1e-12) * 4.0, true);
    }
    let slope = match viewport.frame_description().map(|d| &d.modality_lut) {
        Some(ModalityLut::Rescale { slope, .. }) => slope.abs(),
        _ => 1.0,
    };
    let range = 2f64.powi(i32::from(image.bits_stored.min(32))) * slope;
    // Hounsfield values fill twelve bits, however many are stored; more would make narrow windows jump.
    let hounsfield = viewport
        .frame_description()
        .is_some_and(|d| d.unit == ModalityUnit::Hounsfield);
    (if hounsfield { range.min(4096.0) } else { range }, false)
}

fn continue_drag(
    context: &mut UiContext<'_>,
    ui: &Ui,
    response: &Response,
    cell: usize,
    rect: Rect,
    viewport: &mut Viewport,
    picture: &Picture,
    modifiers: Modifiers,
) {
    let Some(mut drag) = context.state.drag.take_if(|d| d.cell == cell) else {
        return;
    };
    let scale = f64::from(ui.ctx().pixels_per_point());
    if let Gesture::Drag { tool, speed } = drag.gesture {
        // Shift and Ctrl+Shift change the speed while the drag runs, too.
        let live = match (modifiers.ctrl, modifiers.shift) {
            (true, true) => 4.0,
            (false, true) => 0.25,
            _ if (speed - 1.0).abs() < f64::EPSILON => 1.0,
            _ => speed.min(1.0),
        };
        // Both buttons move the picture: for mice of two buttons and touch pads.
        let both = ui.input(|i| i.pointer.primary_down() && i.pointer.secondary_down());
        let tool = if both { Tool::Pan } else { tool };
        // From the press on, not from where the toolkit is sure that it is a drag: nothing of the way is lost.
        let pointer = ui.ctx().pointer_latest_pos().unwrap_or(drag.last);
        let delta = pointer - drag.last;
        drag.last = pointer;
        drag.moved += delta * live as f32;
        let (dx, dy) = (f64::from(drag.moved.x), f64::from(drag.moved.y));
        match tool {
            Tool::WindowLevel => {
                if let Some(window) = &drag.window
                    && drag.moved != egui::Vec2::ZERO
                {
                    viewport.view.voi = VoiChoice::Custom(window.moved(dx, dy, 1.0));
                }
            }
            Tool::Zoom => {
                let start = drag.start - rect.min;
                let zoom = navigate::zoom_dragged(drag.before.zoom, dy, 1.0);
                viewport.zoom_at(
                    picture,
                    f64::from(start.x) * scale,
                    f64::from(start.y) * scale,
                    zoom,
                );
            }
            Tool::Pan => {
                viewport.pan(
                    picture,
                    f64::from(delta.x) * scale * live,
                    f64::from(delta.y) * scale * live,
                );
            }
            Tool::Scroll => {
                let steps =
                    navigate::scroll_dragged(dy, picture.position.1, f64::from(rect.height()));
                let last = picture.position.1.saturating_sub(1) as f64;
                let target = (drag.start_slice as f64 + steps).round().clamp(0.0, last) as usize;
                if target != picture.position.0 {
                    context.actions.push(Action::GoTo {
                        cell,
                        index: target,
                    });
                }
            }
            // Marks have a hand of their own.
            Tool::Mark(_) | Tool::Paint(_) => {}
            Tool::Crosshair => {
                if let Some(pointer) = response.interact_pointer_pos() {
                    let at = (pointer - rect.min) * scale as f32;
                    place_crosshair(
                        context,
                        cell,
                        viewport,
                        picture,
                        [f64::from(at.x), f64::from(at.y)],
                    );
                }
            }
        }
    }
    if response.drag_stopped() || !ui.input(|i| i.pointer.any_down()) {
        if drag.gesture == Gesture::WindowRegion
            && let Some(pointer) = ui.ctx().pointer_latest_pos()
        {
            window_from_region(viewport, picture, rect, scale, drag.start, pointer);
            context.actions.push(Action::View {
                cell,
                view: viewport.view.clone(),
            });
        }
        context.actions.push(Action::View {
            cell,
            view: viewport.view.clone(),
        });
        context.actions.push(Action::Commit {
            cell,
            before: drag.before,
        });
        // All cuts through the volume went along with the crosshair.
        let before = context.state.planes_before.take();
        context.actions.extend(before.map(Action::CommitLayout));
    } else {
        context.state.drag = Some(drag);
    }
}

/// Ctrl and drag: the window becomes the 5th to the 95th percentile of the values in the rectangle.
fn window_from_region(
    viewport: &mut Viewport,
    picture: &Picture,
    rect: Rect,
    scale: f64,
    from: Pos2,
    to: Pos2,
) {
    let region = Rect::from_two_pos(from, to).intersect(rect);
    if region.width() < 4.0 || region.height() < 4.0 {
        return;
    }
    let pixel = |p: Pos2| {
        [
            f64::from(p.x - rect.min.x) * scale,
            f64::from(p.y - rect.min.y) * scale,
        ]
    };
    let level = window_of_region(viewport, picture, pixel(region.min), pixel(region.max));
    if let Some(level) = level {
        viewport.view.voi = VoiChoice::Custom(level);
    }
}

/// The 5th to the 95th percentile of the values in a rectangle of viewport pixels, as a window.
pub(super) fn window_of_region(
    viewport: &Viewport,
    picture: &Picture,
    low: [f64; 2],
    high: [f64; 2],
) -> Option<WindowLevel> {
    let mut values = Vec::new();
    // 64 by 64 samples are enough for two percentiles and bound the work on the UI thread.
    for iy in 0..64 {
        for ix in 0..64 {
            let [x, y] = [ix, iy].map(|i| (f64::from(i) + 0.5) / 64.0);
            let at = [
                low[0] + (high[0] - low[0]) * x,
                low[1] + (high[1] - low[1]) * y,
            ];
            values.extend(value_at(viewport, picture, at).and_then(|v| v.modality()));
        }
    }
    if values.len() < 16 {
        return None;
    }
    values.sort_by(f64::total_cmp);
    let at = |q: f64| {
        values
            .get((q * (values.len() - 1) as f64) as usize)
            .copied()
    };
    Some(window_level::window_from_range(at(0.05)?, at(0.95)?, 1.0))
}

fn wheel(
    context: &mut UiContext<'_>,
    ui: &Ui,
    cell: usize,
    viewport: &mut Viewport,
    picture: &Picture,
    to_pixels: &dyn Fn(Pos2) -> [f64; 2],
    modifiers: Modifiers,
) {
    if modifiers.shift && segments::wheel(context, ui) {
        return;
    }
    let (scrolled, zoomed) = ui.input(|i| {
        (
            f64::from(i.smooth_scroll_delta().y),
            f64::from(i.zoom_delta()),
        )
    });
    if (zoomed - 1.0).abs() > 1e-4
        && let Some(pointer) = ui.ctx().pointer_latest_pos()
    {
        let [x, y] = to_pixels(pointer);
        if context.state.loupe.on {
            return context.state.loupe.scale(zoomed);
        }
        let before = viewport.view.clone();
        viewport.zoom_at(picture, x, y, viewport.view.zoom * zoomed);
        context.actions.push(Action::View {
            cell,
            view: viewport.view.clone(),
        });
        context.actions.push(Action::Commit { cell, before });
    } else if scrolled != 0.0 && !modifiers.ctrl {
        // Product section 6.2: Alt and the wheel change the thickness of a slab.
        if modifiers.alt && viewport.kind.is_cut() {
            let notches = context.state.scroll.add(scrolled / 40.0);
            if notches != 0 {
                context.actions.push(Action::Thicken { cell, notches });
            }
            return;
        }
        // One notch of a wheel is 40 to 50 points; one notch is one image.
        let steps = context.state.scroll.add(-scrolled / 40.0);
        if steps != 0 {
            context.actions.push(Action::Step { cell, by: steps });
        }
    }
}

/// How all cells stand before the planes of a volume are moved by its crosshair; nothing in a stack, where that only
/// scrolls.
fn planes_before(context: &UiContext<'_>, viewport: &Viewport) -> Option<Box<Arrangement>> {
    let cut = viewport.is_cut();
    cut.then(|| Box::new(context.workspace.arrangement()))
}

fn place_crosshair(
    context: &mut UiContext<'_>,
    cell: usize,
    viewport: &Viewport,
    picture: &Picture,
    at: [f64; 2],
) {
    // Also on frames of a stack: the same point is shown in every view that shares their space.
    if viewport.plane_shown().is_some() {
        let point = picture.patient_at(at[0], at[1]);
        context.actions.push(Action::Crosshair { cell, point });
    }
}
