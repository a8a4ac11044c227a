//! Everything of the record on one line of time: lanes by kind, zoom by wheel, a brush that filters the chart.
//!
//! Must stay true: the cost of a frame does not grow with the events. What stands in the lanes is merged by columns of
//! the screen into one mesh, which is kept until the view or the record changes.

use super::{context::UiContext, theme, widgets};
use crate::{
    clinical::timeline::{Event, Lane, Leads, Timeline},
    i18n::Value,
    model::{
        date::Date,
        record::{ObservationSeries, PatientRecord},
    },
    workspace::{Action, insight::Insight},
};
use egui::{
    Align2, Color32, FontId, Key, Mesh, PointerButton, Pos2, Rect, Response, RichText, Sense,
    Shape, Stroke, Ui, pos2, vec2,
};
use std::sync::Arc;

/// Width of the names of the lanes, points.
const NAMES: f32 = 84.0;
/// Height of a lane, points.
const LANE: f32 = 24.0;
/// Height of the axis, points.
const AXIS: f32 = 20.0;
/// Width of a column, points: events that fall into one are drawn as one.
const COLUMN: f32 = 3.0;
/// How far from an event a click still means it, points.
const REACH: f32 = 4.0;
/// Height of the plot of values, points.
const PLOT: f32 = 96.0;
/// Most rows of the list below.
const ROWS: usize = 40;
/// Most events of a text on hover.
const HOVERED: usize = 8;
/// Fewest days a point.
const CLOSEST: f64 = 0.02;

/// How the line is looked at.
#[derive(Clone, Default)]
struct Look {
    /// Of which answer of the record.
    generation: u64,
    /// Day at the left end.
    first: f64,
    /// Days a point; 0 until it was fitted.
    scale: f64,
    /// Where the brush was put down, days.
    brush: Option<f64>,
    /// What was clicked: lane, and from which day to which.
    picked: Option<(Lane, i64, i64)>,
    /// The values that are plotted.
    plotted: Option<usize>,
    kept: Option<Arc<Kept>>,
    /// The line with the marks of pictures, and of which revision of them.
    line: Option<(u64, Arc<(Timeline, Vec<Lane>)>)>,
}

/// What the keyboard does while the line has it.
#[derive(Clone, Copy, Default)]
struct Keys {
    /// Which widget it is.
    line: Option<egui::Id>,
    /// Tenths of the width, to the right.
    pan: f64,
    /// Steps closer.
    zoom: i32,
    /// Everything is to be seen.
    all: bool,
}

fn keys_id() -> egui::Id {
    egui::Id::unique("timeline keys")
}

/// Takes the keys of the line while it has the keyboard: arrows move it, plus and minus zoom, Home shows all.
pub fn take_keys(ui: &Ui) {
    let mut keys: Keys = ui.data(|d| d.get_temp(keys_id())).unwrap_or_default();
    if keys.line.is_none() || ui.memory(egui::Memory::focused) != keys.line {
        return;
    }
    ui.input_mut(|input| {
        input.events.retain(|event| {
            let egui::Event::Key {
                key,
                pressed: true,
                modifiers,
                ..
            } = event
            else {
                return true;
            };
            if modifiers.ctrl || modifiers.command || modifiers.alt {
                return true;
            }
            match key {
                Key::ArrowLeft => keys.pan -= 1.0,
                Key::ArrowRight => keys.pan += 1.0,
                Key::Plus | Key::Equals => keys.zoom += 1,
                Key::Minus => keys.zoom -= 1,
                Key::Home => keys.all = true,
                _ => return true,
            }
            false
        });
    });
    ui.data_mut(|d| d.insert_temp(keys_id(), keys));
}

/// The lanes as triangles, and of what.
struct Kept {
    of: (u64, [u64; 2], [u32; 4]),
    mesh: Arc<Mesh>,
}

fn color(lane: Lane) -> Color32 {
    match lane {
        Lane::Imaging => theme::ACCENT,
        Lane::Conditions => theme::SAGITTAL,
        Lane::Marks => theme::AXIAL,
        Lane::Networks => theme::AI,
        Lane::Medications => theme::OK,
        Lane::Labs | Lane::Vitals => theme::PRIOR,
        Lane::Procedures => theme::CORONAL,
        Lane::Reports | Lane::Encounters => theme::TEXT_DIM,
        Lane::Others | Lane::Claims => theme::TEXT_FAINT,
    }
}

fn lane_key(lane: Lane) -> &'static str {
    match lane {
        Lane::Imaging => "panel-lane-imaging",
        Lane::Reports => "panel-lane-reports",
        Lane::Marks => "panel-lane-marks",
        Lane::Networks => "panel-lane-networks",
        Lane::Conditions => "panel-lane-conditions",
        Lane::Medications => "panel-lane-medications",
        Lane::Labs => "panel-lane-labs",
        Lane::Vitals => "panel-lane-vitals",
        Lane::Others => "panel-lane-others",
        Lane::Procedures => "panel-lane-procedures",
        Lane::Encounters => "panel-lane-encounters",
        Lane::Claims => "panel-lane-claims",
    }
}

/// A day as people write it.
pub(super) fn day_text(day: i64) -> String {
    Date::of_ms(day.saturating_mul(86_400_000))
        .map(|d| d.to_string())
        .unwrap_or_default()
}

/// The place of days on the screen.
#[derive(Clone, Copy)]
struct Axis {
    area: Rect,
    first: f64,
    scale: f64,
}

impl Axis {
    fn x(&self, day: f64) -> f32 {
        self.area.left() + ((day - self.first) / self.scale) as f32
    }

    fn day(&self, x: f32) -> f64 {
        self.first + f64::from(x - self.area.left()) * self.scale
    }
}

/// Draws the line, the plot of values and the list of what was chosen.
pub fn timeline_ui(
    context: &mut UiContext<'_>,
    ui: &mut Ui,
    record: &PatientRecord,
    insight: &Insight,
) {
    ui.add_space(6.0);
    let id = ui.scope_id().with("record timeline");
    let generation = context.workspace.record.generation();
    let mut look: Look = ui.data(|d| d.get_temp(id)).unwrap_or_default();
    if look.generation != generation {
        look = Look {
            generation,
            ..Look::default()
        };
    }
    let revision = context.workspace.marks.revision();
    let both = match look.line.take().filter(|(of, _)| *of == revision) {
        Some((_, both)) => both,
        None => {
            let marks = context.workspace.marks_on_line(record);
            let line = insight.timeline.with_marks(marks);
            let lanes = line.lanes();
            look.kept = None;
            Arc::new((line, lanes))
        }
    };
    look.line = Some((revision, Arc::clone(&both)));
    let (line, lanes) = (&both.0, both.1.clone());
    let Some((first, last)) = line.span() else {
        widgets::dim(ui, context.word("panel-timeline-none"));
        return;
    };
    let size = vec2(ui.available_width(), LANE * lanes.len() as f32 + AXIS);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click_and_drag());
    response.widget_info(|| {
        let name = context.tr(
            "panel-timeline-area",
            &[("events", line.events.len().into())],
        );
        egui::WidgetInfo::labeled(egui::Role::Image, true, name)
    });
    let mut area = rect;
    area.set_left(rect.left() + NAMES);
    area.set_bottom(rect.bottom() - AXIS);
    let whole = ((last - first) as f64 * 1.04).max(2.0) / f64::from(area.width().max(1.0));
    if look.scale <= 0.0 {
        look.scale = whole;
        look.first = first as f64 - (last - first) as f64 * 0.02;
    }
    move_view(ui, &response, area, &mut look, whole, first);
    keyboard(ui, &response, area, &mut look, whole, first);
    let axis = Axis {
        area,
        first: look.first,
        scale: look.scale,
    };
    let span = context.workspace.record.span();
    paint(context, ui, rect, axis, line, &lanes, &mut look);
    brush(context, ui, &response, axis, &mut look, span);
    hand(context, &response, axis, record, line, &lanes, &mut look);
    tools(context, ui, &mut look, span);
    if let Some(series) = look.plotted.and_then(|n| record.observations.get(n)) {
        plot(context, ui, axis, series);
    }
    list(context, ui, record, line, &mut look, span);
    if line.undated > 0 {
        ui.add_space(4.0);
        let count = [("count", line.undated.into())];
        widgets::dim(ui, context.tr("panel-timeline-undated", &count));
    }
    ui.data_mut(|d| d.insert_temp(id, look));
}

/// The wheel zooms about the pointer, sideways it moves, as does the right button; a double click shows all.
fn move_view(ui: &Ui, response: &Response, area: Rect, look: &mut Look, whole: f64, first: i64) {
    if response.double_clicked() {
        look.scale = 0.0;
        look.picked = None;
    }
    if response.dragged_by(PointerButton::Secondary) {
        look.first -= f64::from(response.drag_delta().x) * look.scale;
    }
    if let Some(at) = response.hover_pos().filter(|at| area.contains(*at)) {
        let (wheel, zoom) = ui.input(|i| (i.smooth_scroll_delta(), i.zoom_delta()));
        let factor = f64::from((wheel.y * 0.006).exp() * zoom);
        if wheel.x.abs() > 0.0 {
            look.first -= f64::from(wheel.x) * look.scale;
        }
        if (factor - 1.0).abs() > f64::EPSILON {
            let under = f64::from(at.x - area.left());
            let day = look.first + under * look.scale;
            look.scale = (look.scale / factor).clamp(CLOSEST, whole.max(CLOSEST));
            look.first = day - under * look.scale;
        }
        // The panel around does not scroll meanwhile.
        ui.input_mut(|i| i.smooth_scroll_delta = egui::Vec2::ZERO);
    }
    if look.scale <= 0.0 {
        look.scale = whole;
        look.first = f64::NEG_INFINITY;
    }
    // Something of the record stays in sight.
    let width = f64::from(area.width());
    let least = first as f64 - whole * width * 0.02;
    let most = first as f64 + whole * width * 0.98 - look.scale * width;
    look.first = look.first.clamp(least, most.max(least));
}

/// What the keys do that [`take_keys`] took.
fn keyboard(ui: &Ui, response: &Response, area: Rect, look: &mut Look, whole: f64, first: i64) {
    if !response.has_focus() {
        return;
    }
    let own = egui::EventFilter {
        horizontal_arrows: true,
        ..egui::EventFilter::default()
    };
    ui.memory_mut(|m| m.set_focus_lock_filter(response.id, own));
    let keys: Keys = ui.data(|d| d.get_temp(keys_id())).unwrap_or_default();
    let line = Some(response.id);
    let none = Keys {
        line,
        ..Keys::default()
    };
    ui.data_mut(|d| d.insert_temp(keys_id(), none));
    let outline = Stroke::new(1.0, theme::ACCENT);
    ui.painter()
        .rect_stroke(area, 3.0, outline, egui::StrokeKind::Outside);
    if keys.line != line {
        return;
    }
    let width = f64::from(area.width());
    look.first += keys.pan * 0.1 * width * look.scale;
    if keys.zoom != 0 {
        let middle = look.first + width / 2.0 * look.scale;
        let factor = 1.4_f64.powi(keys.zoom);
        look.scale = (look.scale / factor).clamp(CLOSEST, whole.max(CLOSEST));
        look.first = middle - width / 2.0 * look.scale;
    }
    if keys.all {
        (look.scale, look.first) = (whole, f64::NEG_INFINITY);
        look.picked = None;
    }
    let least = first as f64 - whole * width * 0.02;
    let most = first as f64 + whole * width * 0.98 - look.scale * width;
    look.first = look.first.clamp(least, most.max(least));
}

/// The lanes, from what was kept where that is still right, their names, and the axis.
fn paint(
    context: &UiContext<'_>,
    ui: &Ui,
    rect: Rect,
    axis: Axis,
    line: &Timeline,
    lanes: &[Lane],
    look: &mut Look,
) {
    let painter = ui.painter_at(rect);
    let area = axis.area;
    painter.rect_filled(area, 3.0, theme::APP);
    for (number, lane) in lanes.iter().enumerate() {
        let y = area.top() + LANE * number as f32;
        if number > 0 {
            painter.hline(rect.x_range(), y, Stroke::new(1.0, theme::LINE));
        }
        painter.text(
            pos2(rect.left(), y + LANE / 2.0),
            Align2::LEFT_CENTER,
            context.word(lane_key(*lane)),
            FontId::proportional(theme::SMALL_PT),
            theme::TEXT_DIM,
        );
    }
    ticks(&painter, axis, rect);
    let corners = [area.left(), area.top(), area.right(), area.bottom()];
    let of = (
        look.generation,
        [axis.first, axis.scale].map(f64::to_bits),
        corners.map(f32::to_bits),
    );
    let kept = match look.kept.take().filter(|kept| kept.of == of) {
        Some(kept) => kept,
        None => Arc::new(Kept {
            of,
            mesh: Arc::new(lanes_mesh(line, lanes, axis)),
        }),
    };
    painter
        .with_clip_rect(area)
        .add(Shape::Mesh(Arc::clone(&kept.mesh)));
    look.kept = Some(kept);
}

/// What stands in one column of one lane.
#[derive(Clone, Copy, Default)]
struct Column {
    count: u32,
    marked: u32,
    /// How many lasting events begin here less those that end.
    lasting: i32,
}

fn lanes_mesh(line: &Timeline, lanes: &[Lane], axis: Axis) -> Mesh {
    let columns = (axis.area.width() / COLUMN).ceil().max(1.0) as usize;
    let mut rows = vec![vec![Column::default(); columns + 1]; lanes.len()];
    let column = |day: i64| ((day as f64 - axis.first) / axis.scale / f64::from(COLUMN)).floor();
    for event in &line.events {
        let row = lanes.iter().position(|lane| *lane == event.lane);
        let Some(row) = row.and_then(|n| rows.get_mut(n)) else {
            continue;
        };
        let at = column(event.day);
        if at >= 0.0
            && let Some(cell) = row.get_mut(at as usize).filter(|_| at < columns as f64)
        {
            cell.count += 1;
            cell.marked += u32::from(event.marked);
        }
        if let Some(end) = event.end {
            let until = column(end);
            if until >= 0.0 && at < columns as f64 {
                let inside = |x: f64| x.clamp(0.0, columns as f64) as usize;
                if let Some(cell) = row.get_mut(inside(at)) {
                    cell.lasting += 1;
                }
                if let Some(cell) = row.get_mut(inside(until)) {
                    cell.lasting -= 1;
                }
            }
        }
    }
    let mut mesh = Mesh::default();
    for (number, (lane, row)) in lanes.iter().zip(&rows).enumerate() {
        let top = axis.area.top() + LANE * number as f32;
        let ink = color(*lane);
        let x = |at: usize| axis.area.left() + at as f32 * COLUMN;
        let mut lasting = 0;
        let mut since = None;
        for (at, cell) in row.iter().enumerate() {
            lasting += cell.lasting;
            match (since, lasting > 0) {
                (None, true) => since = Some(at),
                (Some(from), false) => {
                    let bar = Rect::from_min_max(
                        pos2(x(from), top + LANE - 7.0),
                        pos2(x(at), top + LANE - 4.0),
                    );
                    mesh.add_colored_rect(bar, ink.gamma_multiply(0.45));
                    since = None;
                }
                _ => {}
            }
        }
        if let Some(from) = since {
            let bar = Rect::from_min_max(
                pos2(x(from), top + LANE - 7.0),
                pos2(axis.area.right(), top + LANE - 4.0),
            );
            mesh.add_colored_rect(bar, ink.gamma_multiply(0.45));
        }
        for (at, cell) in row.iter().enumerate().filter(|(_, c)| c.count > 0) {
            // One event is a short tick, many are a tall one; the share of marked values is its lower part.
            let height = (8.0 + 3.0 * (cell.count as f32).ln()).min(LANE - 6.0);
            let bottom = top + LANE - 4.0;
            let marked = height * cell.marked as f32 / cell.count as f32;
            let upright = |from: f32, to: f32| {
                Rect::from_min_max(pos2(x(at), from), pos2(x(at) + COLUMN - 0.5, to))
            };
            mesh.add_colored_rect(upright(bottom - height, bottom - marked), ink);
            if cell.marked > 0 {
                mesh.add_colored_rect(upright(bottom - marked, bottom), theme::WARN);
            }
        }
    }
    mesh
}

/// Years, months or days, as close as their words have room.
fn ticks(painter: &egui::Painter, axis: Axis, rect: Rect) {
    /// Months a step, points a word, characters of a date that it shows.
    const STEPS: [(i64, f64, usize); 8] = [
        (1, 60.0, 7),
        (3, 60.0, 7),
        (6, 60.0, 7),
        (12, 44.0, 4),
        (24, 44.0, 4),
        (60, 44.0, 4),
        (120, 44.0, 4),
        (600, 44.0, 4),
    ];
    let a_month = 30.4 / axis.scale;
    let put = |day: i64, text: &str| {
        let x = axis.x(day as f64);
        if x < axis.area.left() - 0.5 || x > axis.area.right() {
            return;
        }
        painter.vline(x, axis.area.y_range(), Stroke::new(1.0, theme::LINE));
        let words = painter.layout_no_wrap(
            text.to_owned(),
            FontId::proportional(theme::SMALL_PT),
            theme::TEXT_DIM,
        );
        let width = words.size().x;
        let left = (x - width / 2.0).clamp(axis.area.left(), axis.area.right() - width);
        painter.galley(
            pos2(left, rect.bottom() - AXIS + 3.0),
            words,
            theme::TEXT_DIM,
        );
    };
    let left = axis.first.ceil() as i64;
    let right = axis.day(axis.area.right()) as i64;
    if a_month > 200.0 {
        // Closer than that, days: a word each 84 points.
        let step = (84.0 * axis.scale).ceil().max(1.0) as i64;
        let mut day = left.div_euclid(step) * step;
        while day <= right {
            put(day, &day_text(day));
            day += step;
        }
        return;
    }
    let fits = STEPS
        .iter()
        .find(|(months, points, _)| *months as f64 * a_month >= *points);
    let Some((months, _, length)) = fits.or(STEPS.last()) else {
        return;
    };
    let Some(year) = day_text(left).get(..4).and_then(|y| y.parse::<i64>().ok()) else {
        return;
    };
    let mut month = (year * 12).div_euclid(*months) * months;
    loop {
        let text = format!("{:04}-{:02}-01", month / 12, month % 12 + 1);
        let Some(day) = Date::parse(&text).map(Date::days_since_epoch) else {
            return;
        };
        if day > right {
            return;
        }
        put(day, text.get(..*length).unwrap_or_default());
        month += months;
    }
}

/// Dragging chooses a span; what is chosen is seen.
fn brush(
    context: &mut UiContext<'_>,
    ui: &Ui,
    response: &Response,
    axis: Axis,
    look: &mut Look,
    span: Option<(i64, i64)>,
) {
    let here = response
        .interact_pointer_pos()
        .map(|at| axis.day(at.x.clamp(axis.area.left(), axis.area.right())));
    if response.drag_started_by(PointerButton::Primary) {
        let began = ui.input(|i| i.pointer.press_origin());
        look.brush = began
            .filter(|at| axis.area.contains(*at))
            .map(|at| axis.day(at.x));
    }
    let mut shown = span.map(|(from, to)| (from as f64, to as f64 + 1.0));
    if let Some((from, to)) = look.brush.zip(here) {
        let (from, to) = (from.min(to), from.max(to));
        shown = Some((from, to));
        if response.drag_stopped_by(PointerButton::Primary) {
            let days = (from.floor() as i64, to.floor() as i64);
            context.actions.push(Action::RecordSpan(Some(days)));
            look.picked = None;
        }
    }
    if response.drag_stopped() {
        look.brush = None;
    }
    if let Some((from, to)) = shown {
        let band = Rect::from_min_max(
            pos2(axis.x(from), axis.area.top()),
            pos2(axis.x(to), axis.area.bottom()),
        )
        .intersect(axis.area);
        if band.is_positive() {
            let painter = ui.painter_at(axis.area);
            painter.rect_filled(band, 0.0, theme::ACCENT.gamma_multiply(0.14));
            for x in [band.left(), band.right()] {
                painter.vline(x, band.y_range(), Stroke::new(1.0, theme::ACCENT));
            }
        }
    }
}

/// Events near a place, in their order.
fn near<'a>(
    line: &'a Timeline,
    lanes: &[Lane],
    axis: Axis,
    at: Pos2,
) -> Option<(Lane, i64, i64, Vec<&'a Event>)> {
    if !axis.area.contains(at) {
        return None;
    }
    let lane = *lanes.get(((at.y - axis.area.top()) / LANE) as usize)?;
    // A tick stands on the column its day falls into.
    let from = axis.day(at.x - REACH).floor() as i64;
    let to = axis.day(at.x + REACH).ceil() as i64;
    let found: Vec<&Event> = line
        .events
        .get(line.begun(from, to))
        .unwrap_or_default()
        .iter()
        .filter(|event| event.lane == lane)
        .collect();
    (!found.is_empty()).then_some((lane, from, to, found))
}

/// What is under the pointer on hover, and what a click does.
fn hand(
    context: &mut UiContext<'_>,
    response: &Response,
    axis: Axis,
    record: &PatientRecord,
    line: &Timeline,
    lanes: &[Lane],
    look: &mut Look,
) {
    let Some(at) = response.hover_pos().filter(|_| look.brush.is_none()) else {
        return;
    };
    let found = near(line, lanes, axis, at);
    if response.clicked() {
        look.picked = found
            .as_ref()
            .map(|(lane, from, to, _)| (*lane, *from, *to));
        // One event is meant; of several the list below lets choose.
        if let Some((.., events)) = &found
            && let [one] = events.as_slice()
        {
            follow(context, one, record, look);
        }
    }
    if let Some((.., events)) = found {
        response.clone().on_hover_ui_at_pointer(|ui| {
            for event in events.iter().take(HOVERED) {
                ui.label(format!("{}  {}", day_text(event.day), event.words));
            }
            if events.len() > HOVERED {
                let more = [("count", (events.len() - HOVERED).into())];
                widgets::dim(ui, context.tr("panel-more", &more));
            }
        });
    }
}

/// Hangs a study, plots values.
fn follow(context: &mut UiContext<'_>, event: &Event, record: &PatientRecord, look: &mut Look) {
    match &event.leads {
        Leads::Nowhere => {}
        Leads::Values(number) => look.plotted = Some(*number),
        Leads::Study(uid) => {
            let open = context
                .workspace
                .library
                .series()
                .find(|node| node.study.uid == *uid);
            // A study of somebody else with the same number is none of this record's.
            let shown = context.workspace.record.state().1;
            if let Some(node) = open
                && shown.is_some_and(|who| who.id == node.patient.id)
                && record.imaging_studies.iter().any(|s| s.study_uid == *uid)
            {
                context.actions.push(Action::HangStudy {
                    patient: node.patient.clone(),
                    study: uid.clone(),
                });
            } else {
                context.actions.push(Action::StudyNotOpen);
            }
        }
    }
}

fn tools(context: &mut UiContext<'_>, ui: &mut Ui, look: &mut Look, span: Option<(i64, i64)>) {
    ui.add_space(4.0);
    ui.horizontal_wrapped(|ui| {
        let word = RichText::new(context.word("panel-timeline-fit")).size(theme::SMALL_PT);
        if ui.button(word).clicked() {
            look.scale = 0.0;
        }
        if span.is_some() {
            span_ui(context, ui);
        }
    });
    if span.is_none() && look.picked.is_none() {
        widgets::dim(ui, context.word("panel-timeline-hint"));
    }
}

/// Which days the panels show, and a button that shows all again.
pub(super) fn span_ui(context: &mut UiContext<'_>, ui: &mut Ui) {
    let Some((from, to)) = context.workspace.record.span() else {
        return;
    };
    let (from, to) = (day_text(from), day_text(to));
    let days = [("from", from.as_str().into()), ("to", to.as_str().into())];
    ui.label(
        RichText::new(context.tr("panel-timeline-span", &days))
            .size(theme::SMALL_PT)
            .color(theme::ACCENT),
    );
    let word = RichText::new(context.word("panel-timeline-all")).size(theme::SMALL_PT);
    if ui.button(word).clicked() {
        context.actions.push(Action::RecordSpan(None));
    }
}

/// The events that were clicked, or those of the brush, as rows for the keyboard.
fn list(
    context: &mut UiContext<'_>,
    ui: &mut Ui,
    record: &PatientRecord,
    line: &Timeline,
    look: &mut Look,
    span: Option<(i64, i64)>,
) {
    let (lane, from, to) = match (look.picked, span) {
        (Some((lane, from, to)), _) => (Some(lane), from, to),
        (None, Some((from, to))) => (None, from, to),
        (None, None) => return,
    };
    let range = line.begun(from, to);
    let events = line.events.get(range).unwrap_or_default();
    let wanted = |event: &&Event| lane.is_none_or(|lane| lane == event.lane);
    let count = events.iter().filter(wanted).count();
    widgets::section(ui, context.word("panel-timeline-events"), Some(count));
    let mut chosen = None;
    for event in events.iter().rev().filter(wanted).take(ROWS) {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            let (rect, _) = ui.allocate_exact_size(vec2(82.0, 18.0), Sense::hover());
            ui.painter().circle_filled(
                rect.left_center() + vec2(4.0, 0.0),
                3.0,
                if event.marked {
                    theme::WARN
                } else {
                    color(event.lane)
                },
            );
            ui.painter().text(
                rect.left_center() + vec2(12.0, 0.0),
                Align2::LEFT_CENTER,
                day_text(event.day),
                FontId::proportional(theme::SMALL_PT),
                theme::TEXT_DIM,
            );
            let ink = match event.leads {
                Leads::Nowhere => theme::TEXT,
                Leads::Study(_) | Leads::Values(_) => theme::ACCENT,
            };
            let words = RichText::new(&event.words).color(ink);
            if event.leads == Leads::Nowhere {
                widgets::line(ui, words);
            } else if ui
                .add(egui::Button::new(words).frame(false).truncate())
                .clicked()
            {
                chosen = Some(event);
            }
        });
    }
    if count > ROWS {
        let more = [("count", (count - ROWS).into())];
        widgets::dim(ui, context.tr("panel-more", &more));
    }
    if let Some(event) = chosen {
        follow(context, event, record, look);
    }
}

/// Values over the same days as the lanes, with the range of the last one; other units are left out and counted.
fn plot(context: &UiContext<'_>, ui: &mut Ui, axis: Axis, series: &ObservationSeries) {
    let Some(last) = series.values.iter().rev().find(|v| v.value.is_some()) else {
        return;
    };
    let points: Vec<(f64, f64, bool)> = series
        .values
        .iter()
        .filter(|v| v.unit == last.unit)
        .filter_map(|v| {
            let day = v.date?.days_since_epoch() as f64;
            Some((day, v.value?, v.flag.is_abnormal()))
        })
        .collect();
    let others = series.values.iter().filter(|v| v.value.is_some()).count() - points.len();
    ui.add_space(6.0);
    widgets::line(ui, RichText::new(&series.code.display).strong());
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), PLOT), Sense::hover());
    response.widget_info(|| {
        let name = context.tr(
            "panel-timeline-plot",
            &[
                ("name", series.code.display.as_str().into()),
                ("count", points.len().into()),
            ],
        );
        egui::WidgetInfo::labeled(egui::Role::Image, true, name)
    });
    let mut area = rect;
    area.set_left(axis.area.left());
    let range = match last.reference {
        (None, None) => last
            .typical
            .as_ref()
            .map_or((None, None), |t| (t.low, t.high)),
        own => own,
    };
    let ends = [range.0, range.1].into_iter().flatten();
    let (low, high) = points
        .iter()
        .map(|p| p.1)
        .chain(ends)
        .fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(v), h.max(v)));
    let inner = area.shrink2(vec2(0.0, 8.0));
    let y = |v: f64| inner.bottom() - ((v - low) / (high - low).max(1e-9)) as f32 * inner.height();
    let painter = ui.painter_at(rect);
    painter.rect_filled(area, 3.0, theme::APP);
    if range.0.is_some() || range.1.is_some() {
        let band = Rect::from_min_max(
            pos2(area.left(), range.1.map_or(area.top(), y)),
            pos2(area.right(), range.0.map_or(area.bottom(), y)),
        );
        painter.rect_filled(band, 0.0, theme::OK.gamma_multiply(0.10));
    }
    for (value, at) in [(high, Align2::RIGHT_TOP), (low, Align2::RIGHT_BOTTOM)] {
        painter.text(
            pos2(
                area.left() - 6.0,
                y(value).clamp(rect.top() + 2.0, rect.bottom() - 2.0),
            ),
            at,
            super::record_panel::short(value),
            FontId::proportional(theme::SMALL_PT),
            theme::TEXT_DIM,
        );
    }
    painter.text(
        pos2(rect.left(), rect.center().y),
        Align2::LEFT_CENTER,
        super::record_panel::unit_text(&last.unit),
        FontId::proportional(theme::SMALL_PT),
        theme::TEXT_FAINT,
    );
    let inside = painter.with_clip_rect(area);
    let line: Vec<Pos2> = points.iter().map(|p| pos2(axis.x(p.0), y(p.1))).collect();
    if line.len() > 1 {
        inside.add(Shape::line(line.clone(), Stroke::new(1.2, theme::TEXT_DIM)));
    }
    for (at, point) in line.iter().zip(&points) {
        let ink = if point.2 { theme::WARN } else { theme::TEXT };
        inside.circle_filled(*at, 2.5, ink);
    }
    if let Some(pointer) = response.hover_pos() {
        let closest = line
            .iter()
            .zip(&points)
            .min_by(|a, b| {
                let far = |at: &Pos2| (at.x - pointer.x).abs();
                far(a.0).total_cmp(&far(b.0))
            })
            .map(|(_, point)| *point);
        if let Some((day, value, _)) = closest {
            let unit = super::record_panel::unit_text(&last.unit);
            response.on_hover_text(format!("{}  {value} {unit}", day_text(day as i64)));
        }
    }
    if others > 0 {
        let count = [("count", Value::from(others))];
        widgets::dim(ui, context.tr("panel-timeline-other-units", &count));
    }
}
