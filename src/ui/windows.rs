//! Views in windows of their own, for further monitors (product B11): whose picture it is above, the picture, what it is not
//! for below. They take keys and mouse as the main window does; closing one brings its view back.

use super::{banner, context::UiContext, daylight, root, screen_check, theme, viewport};
use crate::{
    render::blit::UNCORRECTED,
    workspace::{
        Action, Command,
        monitors::{Monitor, Place},
    },
};
use egui::{
    Rect, RichText, Sense, Ui, UiBuilder, ViewportBuilder, ViewportClass, ViewportCommand,
    ViewportId, pos2, vec2,
};
use std::collections::HashMap;

/// Height of the line above, and of the one below, points.
const HEAD: f32 = 28.0;
const FOOT: f32 = 22.0;
/// Room that a window leaves around itself on a monitor where it opens first, pixels.
const MARGIN: u32 = 48;

/// The windows of views that are open.
#[derive(Default)]
pub struct ViewWindows {
    /// How each was asked for: asking otherwise would move it.
    opened: HashMap<usize, (ViewportBuilder, u64)>,
    /// The one with the focus.
    focused: Option<usize>,
    /// On which of the monitors stands what is drawn now: 0 where nobody knows, else counted from 1.
    pub(super) screen: usize,
}

/// Where the window that is drawn stands; `None` while it is hidden or fills its monitor for a while.
pub fn place_of(ctx: &egui::Context) -> Option<Place> {
    let scale = ctx.pixels_per_point();
    let size = ctx.content_rect().size() * scale;
    ctx.input(|i| {
        let info = i.viewport();
        if info.minimized == Some(true) || info.fullscreen == Some(true) {
            return None;
        }
        let at = info.outer_rect.map(|r| [r.min.x, r.min.y]);
        Some(Place {
            at: at.map(|at| at.map(|v| (v * scale).round() as i32)),
            size: [size.x, size.y].map(|v| v.round().max(1.0) as u32),
            maximised: info.maximized == Some(true),
        })
    })
}

/// What brings a window to a place.
pub fn go_to(place: Place, scale: f32) -> Vec<ViewportCommand> {
    let mut commands = Vec::new();
    if let Some([x, y]) = place.at {
        let at = pos2(x as f32, y as f32) / scale;
        commands.push(ViewportCommand::OuterPosition(at));
    }
    let [width, height] = place.size.map(|side| side as f32 / scale);
    commands.push(ViewportCommand::InnerSize(vec2(width, height)));
    commands.push(ViewportCommand::Maximized(place.maximised));
    commands
}

/// Draws all cells in windows of their own.
pub(super) fn windows_ui(context: &mut UiContext<'_>, ui: &Ui) {
    let detached = context.workspace.detached_cells();
    let windows = &mut context.state.windows;
    windows.opened.retain(|cell, _| detached.contains(*cell));
    windows.focused = windows.focused.filter(|cell| detached.contains(*cell));
    for cell in detached {
        window_ui(context, ui, cell);
    }
}

fn window_ui(context: &mut UiContext<'_>, ui: &Ui, cell: usize) {
    let title = context.tr("viewport-window-title", &[("number", (cell + 1).into())]);
    let id = ViewportId::from_hash_of(("detached view", cell));
    let moved = context.workspace.windows.moved;
    let asked = context.state.windows.opened.get(&cell);
    let builder = match asked.filter(|(_, at)| *at == moved) {
        Some((builder, _)) => builder.clone(),
        None => {
            let builder = first_builder(context, cell, ui.ctx().pixels_per_point());
            let asked = (builder.clone(), moved);
            context.state.windows.opened.insert(cell, asked);
            builder
        }
    };
    let ctx = ui.ctx().clone();
    let closed = ctx.show_viewport_immediate(id, builder.with_title(title), |ui, class| {
        if class == ViewportClass::EmbeddedWindow {
            let size = vec2(420.0, 440.0).min(ui.ctx().content_rect().size() * 0.6);
            let area = ui.allocate_exact_size(size, Sense::hover()).0;
            contents_ui(context, ui, cell, area);
            return false;
        }
        let ctx = ui.ctx().clone();
        let outside = context.state.windows.screen;
        let place = place_of(&ctx);
        context.state.windows.screen = screen_of(context, &ctx);
        take_hands(context, ui, cell);
        let area = ui.available_rect_before_wrap();
        daylight::begin_pictures(&ctx);
        contents_ui(context, ui, cell, area);
        daylight::end_pictures(&ctx);
        context.state.windows.screen = outside;
        if let Some(place) = place
            && context.workspace.windows.views.get(&cell) != Some(&place)
        {
            let cell = Some(cell);
            context.actions.push(Action::WindowAt { cell, place });
        }
        ui.input(|i| i.viewport().close_requested())
    });
    if closed {
        context.actions.push(Action::Detach(cell));
    }
}

/// On which monitor the window that is drawn stands, as [`ViewWindows::screen`] counts.
pub(super) fn screen_of(context: &UiContext<'_>, ctx: &egui::Context) -> usize {
    let monitors = &context.workspace.windows.monitors;
    let placed = place_of(ctx).filter(|place| place.at.is_some());
    let monitor = monitors.of(placed).or_else(|| {
        // Where the system does not tell places it may tell the size of the monitor.
        let scale = ctx.pixels_per_point();
        let size = ctx.input(|i| i.viewport().monitor_size)?;
        monitors.of_size([size.x, size.y].map(|side| (side * scale).round() as u32))
    });
    let screen = monitor.map_or(0, |n| n + 1);
    if screen < UNCORRECTED { screen } else { 0 }
}

/// Where it stood last; else it fills a monitor beside that of the main window, if there is one.
fn first_builder(context: &UiContext<'_>, cell: usize, scale: f32) -> ViewportBuilder {
    let windows = &context.workspace.windows;
    let kept = windows.views.get(&cell).copied();
    let room = |monitor: &Monitor| Place {
        at: Some(monitor.at.map(|v| v + MARGIN as i32 / 2)),
        size: monitor
            .size
            .map(|side| side.saturating_sub(2 * MARGIN).max(240)),
        maximised: false,
    };
    let place = kept.or_else(|| windows.monitors.beside(windows.main).map(room));
    let builder = ViewportBuilder::default()
        .with_app_id("negatoscope")
        .with_min_inner_size([240.0, 240.0]);
    let Some(place) = place else {
        return builder.with_inner_size([720.0, 720.0]);
    };
    let builder = builder
        .with_inner_size(place.size.map(|side| side as f32 / scale))
        .with_maximized(place.maximised);
    match place.at {
        Some(at) => builder.with_position(at.map(|v| v as f32 / scale)),
        None => builder,
    }
}

/// Keys of this window: they mean its view.
fn take_hands(context: &mut UiContext<'_>, ui: &Ui, cell: usize) {
    let focused = ui.input(|i| i.viewport().focused) == Some(true);
    let windows = &mut context.state.windows;
    match (focused, windows.focused == Some(cell)) {
        (true, false) => {
            windows.focused = Some(cell);
            context.actions.push(Action::Activate(cell));
        }
        (false, true) => windows.focused = None,
        _ => {}
    }
    let before = context.actions.len();
    // Nothing here has the focus that Escape would give back.
    context.state.hands.escape_is_taken = false;
    root::take_keys(context, ui);
    // The one command that is about the window itself.
    let mut filled = false;
    let mut at = before;
    while let Some(action) = context.actions.get(at) {
        if matches!(action, Action::Run(Command::FullScreen)) {
            context.actions.remove(at);
            filled = true;
        } else {
            at += 1;
        }
    }
    if filled {
        let now = ui.input(|i| i.viewport().fullscreen) == Some(true);
        let ctx = ui.ctx();
        ctx.send_viewport_cmd(ViewportCommand::Fullscreen(!now));
    }
}

fn contents_ui(context: &mut UiContext<'_>, ui: &mut Ui, cell: usize, area: Rect) {
    let (head, rest) = area.split_top_bottom_at_y(area.top() + HEAD);
    let (picture, foot) = rest.split_top_bottom_at_y((rest.bottom() - FOOT).max(rest.top()));
    let mut line = |rect: Rect| {
        ui.painter().rect_filled(rect, 0.0, theme::APP);
        let inner = rect.shrink2(vec2(8.0, 2.0));
        let layout = egui::Layout::left_to_right(egui::Align::Center);
        let mut line = ui.new_child(UiBuilder::new().max_rect(inner).layout(layout));
        line.set_clip_rect(rect);
        line
    };
    let (mut above, mut below) = (line(head), line(foot));
    if let Some(viewport) = context.workspace.viewports.get(cell) {
        banner::who_ui(context, &mut above, viewport);
    }
    let notice = RichText::new(context.word("app-notice"))
        .size(theme::SMALL_PT)
        .color(theme::TEXT);
    below.add(egui::Label::new(notice).truncate());
    let right = egui::Layout::right_to_left(egui::Align::Center);
    below.with_layout(right, |ui| screen_check::note_ui(context, ui));
    viewport::viewport_ui(context, ui, cell, picture);
}
