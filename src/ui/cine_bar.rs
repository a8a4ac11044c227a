//! The slim bar of a film at the foot of its cell: play and pause, the range, rate, speed, way, and what was dropped.

use super::{
    context::UiContext,
    icons::{self, Icon},
    theme,
};
use crate::{
    i18n::Value,
    workspace::{
        Action,
        cine::{Player, TimeSource},
        state::FilmWish,
    },
};
use egui::{
    Align2, Color32, FontId, Rect, Response, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2,
};

/// Height of the bar, points.
const HEIGHT: f32 = 26.0;
/// Cells below this width have no bar, points.
const NARROW: f32 = 200.0;
/// Reach of a handle of the range, points.
const GRIP: f32 = 7.0;

/// What the bar of a cell leaves to the picture.
pub(super) fn rest(context: &UiContext<'_>, cell: usize, rect: Rect) -> Rect {
    match shown(context, cell, rect) {
        Some(_) => Rect::from_min_max(rect.min, pos2(rect.max.x, rect.max.y - HEIGHT)),
        None => rect,
    }
}

fn shown<'a>(context: &UiContext<'a>, cell: usize, rect: Rect) -> Option<&'a Player> {
    let room = rect.width() >= NARROW && rect.height() >= 4.0 * HEIGHT;
    let film = context.workspace.film(cell);
    // On a picture that leaves there is nothing to press.
    film.filter(|_| room && !context.state.leaving)
}

/// Draws the bar where the cell has a film.
pub(super) fn cine_bar_ui(
    context: &mut UiContext<'_>,
    ui: &Ui,
    cell: usize,
    rect: Rect,
    index: usize,
) {
    let Some(player) = shown(context, cell, rect) else {
        return;
    };
    let bar = Rect::from_min_max(pos2(rect.min.x, rect.max.y - HEIGHT), rect.max);
    let painter = ui.painter().with_clip_rect(rect);
    painter.rect_filled(bar, 0.0, theme::APP);
    painter.hline(bar.x_range(), bar.top(), Stroke::new(1.0, theme::LINE));
    // The bar is no part of the picture: presses between its buttons stay here.
    let blocker = ui.scope_id().with(("cine bar", cell));
    ui.interact(bar, blocker, Sense::click_and_drag());
    let mut left = bar.left() + 4.0;
    let mut right = bar.right() - 8.0;
    let wish = |context: &mut UiContext<'_>, wish: FilmWish| {
        context.actions.push(Action::Film { cell, wish });
    };
    let (icon, word) = match player.is_running() {
        true => (Icon::Pause, "cine-pause"),
        false => (Icon::Play, "cine-play"),
    };
    let place = button_at(&mut left, bar);
    if button(context, ui, cell, place, icon, word, theme::TEXT).clicked() {
        wish(context, FilmWish::Toggle);
    }
    let small = FontId::proportional(theme::SMALL_PT);
    if player.dropped > 0 && bar.width() > 320.0 {
        let text = context.tr("cine-dropped", &[("count", player.dropped.into())]);
        let at = pos2(right, bar.center().y);
        let drawn = painter.text(at, Align2::RIGHT_CENTER, text, small.clone(), theme::WARN);
        right = drawn.left() - 10.0;
    }
    let (icon, word) = match player.sweep {
        true => (Icon::Sweep, "cine-sweep"),
        false => (Icon::Loop, "cine-loop"),
    };
    right -= 22.0;
    let place = Rect::from_center_size(pos2(right + 11.0, bar.center().y), vec2(22.0, 22.0));
    if button(context, ui, cell, place, icon, word, theme::TEXT_DIM).clicked() {
        wish(context, FilmWish::Sweep(!player.sweep));
    }
    right -= 8.0;
    let digits = if player.rate() < 10.0 { 1 } else { 0 };
    let rate = context.tr(
        "cine-rate",
        &[("rate", Value::Fixed(player.rate(), digits))],
    );
    let text = match (player.speed - 1.0).abs() > 1e-9 {
        true => format!("{rate}  ×{}", player.speed),
        false => rate,
    };
    let at = pos2(right, bar.center().y);
    let color = theme::TEXT_DIM;
    let drawn = painter.text(at, Align2::RIGHT_CENTER, text, small, color);
    let id = ui.scope_id().with(("cine rate", cell));
    let response = ui.interact(drawn.expand(4.0), id, Sense::hover());
    if response.hovered() {
        let source = context.word(source_key(player.schedule.source));
        response.on_hover_text(source);
    }
    let track = Rect::from_min_max(
        pos2(left + 10.0, bar.top() + 4.0),
        pos2(drawn.left() - 16.0, bar.bottom() - 4.0),
    );
    if track.width() > 40.0 {
        track_ui(context, ui, cell, track, player, index);
    }
}

const fn source_key(source: TimeSource) -> &'static str {
    match source {
        TimeSource::FrameTimeVector => "cine-by-vector",
        TimeSource::FrameTime => "cine-by-frame-time",
        TimeSource::RecommendedRate => "cine-by-recommended-rate",
        TimeSource::TriggerTime => "cine-by-trigger-time",
        TimeSource::CineRate => "cine-by-cine-rate",
        TimeSource::Assumed => "cine-by-nothing",
    }
}

fn button_at(left: &mut f32, bar: Rect) -> Rect {
    let place = Rect::from_center_size(pos2(*left + 12.0, bar.center().y), vec2(24.0, 22.0));
    *left += 26.0;
    place
}

fn button(
    context: &UiContext<'_>,
    ui: &Ui,
    cell: usize,
    place: Rect,
    icon: Icon,
    word: &'static str,
    color: Color32,
) -> Response {
    let name = context.word(word);
    let id = ui.scope_id().with(("cine", cell, word));
    let response = ui.interact(place, id, Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, name));
    if response.hovered() {
        ui.painter().rect_filled(place, 4.0, theme::RAISED);
    }
    icons::paint(ui.painter(), place.shrink(4.0), icon, color);
    response.on_hover_text(name)
}

/// What a press on the track has taken hold of.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Hold {
    First,
    Last,
    Place,
}

fn track_ui(
    context: &mut UiContext<'_>,
    ui: &Ui,
    cell: usize,
    track: Rect,
    player: &Player,
    index: usize,
) {
    let last = player.schedule.frames().saturating_sub(1).max(1);
    let x_of = |frame: usize| track.left() + track.width() * (frame as f32 / last as f32);
    let [first, end] = player.range;
    let line = |from: f32, to: f32, color: Color32| {
        let y = track.center().y;
        let painter = ui.painter();
        painter.line_segment([pos2(from, y), pos2(to, y)], Stroke::new(3.0, color));
    };
    line(track.left(), track.right(), theme::LINE);
    line(x_of(first), x_of(end), theme::ACCENT.gamma_multiply(0.55));
    for frame in [first, end] {
        let grip = Rect::from_center_size(pos2(x_of(frame), track.center().y), vec2(3.0, 12.0));
        ui.painter().rect_filled(grip, 1.0, theme::ACCENT);
    }
    let head = pos2(x_of(index.min(last)), track.center().y);
    ui.painter().circle_filled(head, 4.5, theme::TEXT);
    let id = ui.scope_id().with(("cine track", cell));
    let response = ui.interact(track.expand2(vec2(GRIP, 0.0)), id, Sense::click_and_drag());
    let name = context.word("cine-range");
    response.widget_info(|| WidgetInfo::labeled(Role::Slider, true, name));
    let Some(pointer) = response.interact_pointer_pos() else {
        response.on_hover_text(name);
        return;
    };
    let share = ((pointer.x - track.left()) / track.width()).clamp(0.0, 1.0);
    let frame = (share * last as f32).round() as usize;
    let begun = response.drag_started() || response.clicked();
    let press = ui.input(|i| i.pointer.press_origin()).unwrap_or(pointer);
    let near = |frame: usize| (press.x - x_of(frame)).abs() <= GRIP;
    let hold = if begun {
        // The place is in front of a handle that it covers.
        let hold = match (near(index), near(first), near(end)) {
            (true, ..) => Hold::Place,
            (_, true, _) => Hold::First,
            (_, _, true) => Hold::Last,
            _ => Hold::Place,
        };
        ui.data_mut(|d| d.insert_temp(id, hold));
        hold
    } else {
        ui.data(|d| d.get_temp(id)).unwrap_or(Hold::Place)
    };
    let wish = match hold {
        Hold::First => FilmWish::Range([frame.min(end.saturating_sub(1)), end]),
        Hold::Last => FilmWish::Range([first, frame.max(first + 1)]),
        Hold::Place => {
            if frame != index {
                context.actions.push(Action::GoTo { cell, index: frame });
            }
            return;
        }
    };
    if wish != FilmWish::Range(player.range) {
        context.actions.push(Action::Film { cell, wish });
    }
}
