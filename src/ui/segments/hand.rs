//! The hand with a brush: from the press to the release, every stamp on a copy of the layer.

use super::{lasso::Lasso, pointing, wire};
use crate::{
    imaging::{statistics, window},
    model::{
        geometry::GridGeometry,
        lut::{ModalityLut, PaddingRange},
        pixels::Frame,
        segmentation::{SegmentState, SegmentationId, VoxelBox, Voxels},
    },
    tools::{
        PaintTool, Tool,
        brush::{self, BrushShape, Stamp},
    },
    ui::{context::UiContext, halo::over_picture, theme},
    workspace::{
        Action,
        display::{FrameState, SeriesDisplay},
        segmenting::{SegmentAction, SegmentChange, SegmentPlace, Stroke},
        view::{Picture, Viewport},
    },
};
use egui::{Align2, Color32, Key, Modifiers, Painter, Pos2, Rect, Response, Ui, vec2};
use glam::DVec3;
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

/// A stroke that is being painted.
pub(super) struct Painting {
    cell: usize,
    place: SegmentPlace,
    /// The grid that is painted: that of the segmentation.
    grid: GridGeometry,
    into: Option<(SegmentationId, u16)>,
    layer: usize,
    number: u16,
    erases: bool,
    after: Voxels,
    dirty: Option<VoxelBox>,
    last: Option<DVec3>,
    locked: BTreeSet<u16>,
    shape: BrushShape,
    radius: f64,
    range: Option<Range>,
    over: bool,
    /// The frame in which the button went up: until the next one, which has the edit, it is drawn.
    ended: Option<u64>,
}

/// Only values of a range are painted.
struct Range {
    low: f64,
    high: f64,
    display: Arc<SeriesDisplay>,
    /// The slice of a volume is its frame; a frame of a stack is the only slice.
    only: Option<usize>,
    slices: HashMap<usize, Option<Slice>>,
}

struct Slice {
    frame: Frame,
    padding: Option<PaddingRange>,
    lut: ModalityLut,
}

impl Range {
    fn contains(&mut self, [x, y, z]: [usize; 3]) -> bool {
        let index = self.only.unwrap_or(z);
        let display = &self.display;
        let slice = self
            .slices
            .entry(index)
            .or_insert_with(|| slice_of(display, index));
        let Some(slice) = slice else { return false };
        let Some(stored) = slice.frame.value(x, y, 0) else {
            return false;
        };
        let value = window::modality_value(stored, &slice.lut);
        statistics::is_image(stored, slice.frame.stored_type, slice.padding)
            && self.low <= value
            && value <= self.high
    }
}

fn slice_of(display: &SeriesDisplay, index: usize) -> Option<Slice> {
    let reference = display.layout.frames.get(index)?;
    let image = reference.instance.image.as_ref()?;
    let FrameState::Loaded(frame) = display.frame(index) else {
        return None;
    };
    if frame.samples != 1 || image.palette.is_some() {
        return None;
    }
    let lut = image.frame(reference.frame).modality_lut.clone();
    let padding = image.padding;
    Some(Slice {
        frame,
        padding,
        lut,
    })
}

impl Painting {
    /// The layer as it is painted now, when it is this one.
    pub(super) fn layer(&self, id: &SegmentationId, layer: usize) -> Option<&Voxels> {
        let here = self.into.as_ref().is_some_and(|(of, _)| of == id);
        (here && self.layer == layer).then_some(&self.after)
    }

    /// The layer of a segmentation that the stroke begins.
    pub(super) fn new_layer(&self) -> Option<(&SegmentPlace, &Voxels)> {
        self.into.is_none().then_some((&self.place, &self.after))
    }

    fn stamp(&mut self, centre: DVec3, normal: DVec3) {
        let finest = self
            .grid
            .spacing_mm()
            .into_iter()
            .fold(f64::INFINITY, f64::min);
        let path = match self.last {
            None => vec![centre],
            Some(last) => brush::along(last, centre, self.radius, finest),
        };
        self.last = Some(centre);
        let (number, erases, over) = (self.number, self.erases, self.over);
        for centre in path {
            let stamp = Stamp {
                centre,
                normal,
                radius: self.radius,
                shape: self.shape,
            };
            let (locked, range) = (&self.locked, &mut self.range);
            let changed = brush::stamp(&mut self.after, &self.grid, &stamp, |at, now| {
                let stays = match erases {
                    true => now != number,
                    false => now == number || now != 0 && (!over || locked.contains(&now)),
                };
                if stays || range.as_mut().is_some_and(|range| !range.contains(at)) {
                    return now;
                }
                if erases { 0 } else { number }
            });
            if let Some(part) = changed {
                self.dirty = Some(self.dirty.map_or(part, |all| all.union(&part)));
            }
        }
    }
}

fn act(context: &mut UiContext<'_>, action: SegmentAction) {
    context.actions.push(Action::Segment(action));
}

/// Carries out what the pointer does with a brush; `true` when the left button is its.
pub(in crate::ui) fn hand(
    context: &mut UiContext<'_>,
    ui: &Ui,
    response: &Response,
    cell: usize,
    viewport: &Viewport,
    picture: &Picture,
) -> bool {
    let Tool::Paint(tool) = context.workspace.tool else {
        context.state.segments.painting = None;
        context.state.segments.lasso = None;
        pointing::leave(context);
        wire::leave(context);
        return false;
    };
    if tool == PaintTool::Wire {
        context.state.segments.painting = None;
        context.state.segments.lasso = None;
        pointing::leave(context);
        return wire::hand(context, ui, response, cell, viewport, picture);
    }
    wire::leave(context);
    if pointing::hand(context, ui, response, cell, tool, viewport, picture) {
        return true;
    }
    if matches!(tool, PaintTool::Grow | PaintTool::Trace | PaintTool::Prompt) {
        context.state.segments.painting = None;
        context.state.segments.lasso = None;
        return false;
    }
    let Some(latest) = ui.ctx().pointer_latest_pos() else {
        return false;
    };
    let scale = f64::from(ui.ctx().pixels_per_point());
    let rect = response.rect;
    let at = |p: Pos2| {
        let x = f64::from(p.x - rect.min.x) * scale;
        let y = f64::from(p.y - rect.min.y) * scale;
        picture.patient_at(x, y)
    };
    let normal = picture.right.cross(picture.down).normalize_or(DVec3::Z);
    let (pressed, released, down, held) = ui.input(|i| {
        let pointer = &i.pointer;
        (
            pointer.primary_pressed(),
            pointer.primary_released(),
            pointer.primary_down(),
            i.modifiers,
        )
    });
    if let Some(mut lasso) = context.state.segments.lasso.take() {
        if lasso.cell != cell {
            context.state.segments.lasso = Some(lasso);
            return false;
        }
        lasso.add(at(latest), picture);
        match released || !down {
            true => lasso.finish(context),
            false => context.state.segments.lasso = Some(lasso),
        }
        return true;
    }
    let frame = ui.ctx().cumulative_frame_nr();
    let over = |p: &Painting| p.ended.is_some_and(|ended| ended < frame);
    if context.state.segments.painting.as_ref().is_some_and(over) {
        context.state.segments.painting = None;
    }
    let here = |p: &Painting| p.cell == cell;
    if !context.state.segments.painting.as_ref().is_some_and(here) {
        let free = context.state.segments.painting.is_none();
        if !pressed || held.command || !free || !response.contains_pointer() {
            return false;
        }
        context.actions.push(Action::Activate(cell));
        if tool == PaintTool::Scissors {
            let origin = ui.input(|i| i.pointer.press_origin()).unwrap_or(latest);
            let mut lasso = Lasso::begin(cell, picture, at(origin), held.alt);
            lasso.add(at(latest), picture);
            context.state.segments.lasso = viewport.segment_place().map(|_| lasso);
            return true;
        }
        let erases = (tool == PaintTool::Eraser) != held.alt;
        let Some(painting) = begin(context, cell, viewport, picture, erases) else {
            return true;
        };
        context.state.segments.painting = Some(painting);
        let origin = ui.input(|i| i.pointer.press_origin()).unwrap_or(latest);
        if let Some(painting) = &mut context.state.segments.painting {
            painting.stamp(at(origin), normal);
        }
    }
    let Some(painting) = &mut context.state.segments.painting else {
        return false;
    };
    if painting.ended.is_some() {
        return true;
    }
    let centre = at(latest);
    if painting.last != Some(centre) {
        painting.stamp(centre, normal);
    }
    if released || !down {
        painting.ended = Some(frame);
        finish(context);
    }
    true
}

/// A stroke of the brush on what a cell shows; `None` where nothing can be painted.
fn begin(
    context: &UiContext<'_>,
    cell: usize,
    viewport: &Viewport,
    picture: &Picture,
    erases: bool,
) -> Option<Painting> {
    let workspace = context.workspace;
    let place = viewport.segment_place()?;
    let settings = &workspace.segmenting.brush;
    let whole = workspace.segmentation_at(&place);
    let segment = whole.and_then(|whole| workspace.segment_of(whole));
    let (grid, into, layer, number, after) = match (whole, segment) {
        (Some(whole), Some(segment)) => {
            if segment.locked {
                return None;
            }
            let layer = whole.layers().get(segment.layer)?.clone();
            let into = Some((whole.id.clone(), segment.number));
            (whole.grid, into, segment.layer, segment.number, layer)
        }
        // Where there is a segmentation without a segment somebody has to say first what is painted.
        (Some(_), None) => return None,
        (None, _)
            if erases || !crate::model::segmentation::change::is_possible(place.grid.size) =>
        {
            return None;
        }
        (None, _) => (place.grid, None, 0, 1, Voxels::new(place.grid.size)),
    };
    let locked = whole.into_iter().flat_map(|w| w.segments());
    let locked = locked.filter(|s| s.locked).map(|s| s.number).collect();
    let range = match (settings.range, &viewport.display) {
        (Some([low, high]), Some(display)) if place.is_grid(&grid) => Some(Range {
            low,
            high,
            display: Arc::clone(display),
            only: place.frame.is_some().then_some(picture.frame),
            slices: HashMap::new(),
        }),
        // Values of another grid are not those of its voxels.
        (Some(_), _) => return None,
        (None, _) => None,
    };
    Some(Painting {
        cell,
        place,
        grid,
        into,
        layer,
        number,
        erases,
        after,
        dirty: None,
        last: None,
        locked,
        shape: settings.shape,
        radius: settings.radius,
        range,
        over: settings.over,
        ended: None,
    })
}

/// The button is up: the stroke becomes an edit.
fn finish(context: &mut UiContext<'_>) {
    let Some(painting) = &mut context.state.segments.painting else {
        return;
    };
    let Some(dirty) = painting.dirty else { return };
    painting.after.tidy(&dirty);
    let shape = match painting.shape {
        BrushShape::Disc => "disc",
        BrushShape::Sphere => "sphere",
    };
    let mut prompt = format!("{shape} {}", painting.radius);
    if let Some(range) = &painting.range {
        prompt.push_str(&format!(" range {} {}", range.low, range.high));
    }
    let stroke = Stroke {
        place: painting.place.clone(),
        into: painting.into.clone(),
        after: painting.after.clone(),
        tool: if painting.erases { "eraser" } else { "brush" },
        prompt,
    };
    act(context, SegmentAction::Stroke(Box::new(stroke)));
}

/// Keys that belong to a stroke or to what is proposed; taken before the commands see them.
pub(in crate::ui) fn keys(context: &mut UiContext<'_>, ui: &Ui) {
    if context.workspace.segmenting.origins.wanted {
        // Under the pointer; beside the pictures at the crosshair.
        let hover = context.state.hover.as_ref();
        let (cell, point) = hover.map_or((context.workspace.active, None), |hover| {
            (hover.cell, Some(hover.point))
        });
        act(context, SegmentAction::Origin { cell, point });
    }
    let pressed = |key| ui.ctx().input_mut(|i| i.consume_key(Modifiers::NONE, key));
    if wire::open(context).is_some() {
        let alt = |key| ui.ctx().input_mut(|i| i.consume_key(Modifiers::ALT, key));
        match () {
            () if ui.ctx().egui_wants_keyboard_input() => {}
            () if pressed(Key::Escape) => wire::leave(context),
            () if pressed(Key::Backspace) => wire::back(context),
            // A key without modifiers is also one with Alt to the toolkit.
            () if alt(Key::Enter) => wire::close(context, true),
            () if pressed(Key::Enter) => wire::close(context, false),
            () => {}
        }
        return;
    }
    let waits = context.state.segments.pointing.waits();
    if waits && ui.ctx().egui_wants_keyboard_input() {
        return;
    }
    if context.state.segments.pointing.is_busy() {
        if pressed(Key::Escape) {
            pointing::leave(context);
        } else if waits && pressed(Key::Enter) {
            pointing::accept(context);
        }
        return;
    }
    if context.state.segments.lasso.is_some() {
        if pressed(Key::Escape) {
            context.state.segments.lasso = None;
        }
        return;
    }
    if context.state.segments.painting.is_some() {
        if pressed(Key::Escape) {
            context.state.segments.painting = None;
        }
        return;
    }
    let typing = ui.ctx().egui_wants_keyboard_input();
    if typing || !matches!(context.workspace.tool, Tool::Paint(_)) {
        return;
    }
    let proposed = context.workspace.active_segment();
    let proposed = proposed.filter(|(_, s)| s.state == SegmentState::Proposed);
    if let Some(number) = proposed.map(|(_, s)| s.number) {
        let state = match () {
            () if pressed(Key::Enter) => SegmentState::Accepted,
            () if pressed(Key::Delete) || pressed(Key::Backspace) => SegmentState::Rejected,
            () => return,
        };
        act(
            context,
            SegmentAction::Change(number, SegmentChange::State(state)),
        );
    }
}

/// Shift and the wheel change the radius; `true` when the wheel is the brush's.
pub(in crate::ui) fn wheel(context: &mut UiContext<'_>, ui: &Ui) -> bool {
    if !matches!(context.workspace.tool, Tool::Paint(_)) {
        return false;
    }
    // With Shift the toolkit turns the wheel to the side.
    let scrolled = ui.input(|i| i.smooth_scroll_delta().x + i.smooth_scroll_delta().y);
    if scrolled != 0.0 {
        let state = &mut context.state.segments;
        state.wheel += f64::from(scrolled) / 40.0;
        let steps = state.wheel.trunc();
        state.wheel -= steps;
        if steps != 0.0 {
            let mut settings = context.workspace.segmenting.brush.clone();
            settings.radius = brush::radius_stepped(settings.radius, steps);
            act(context, SegmentAction::Brush(settings));
        }
    }
    true
}

/// The ring of the brush at the pointer, and why nothing can be painted where nothing can.
pub(in crate::ui) fn ring(
    context: &UiContext<'_>,
    ui: &Ui,
    painter: &Painter,
    cell: usize,
    rect: Rect,
    picture: &Picture,
) {
    let workspace = context.workspace;
    let Tool::Paint(tool) = workspace.tool else {
        return;
    };
    let settings = &workspace.segmenting.brush;
    let place = workspace.segment_place(cell);
    let whole = place
        .as_ref()
        .and_then(|place| workspace.segmentation_at(place));
    let segment = whole.and_then(|whole| workspace.segment_of(whole));
    let [r, g, b] = segment.map_or_else(|| crate::model::labels::color_of(1), |s| s.color);
    let erases = (tool == PaintTool::Eraser) != ui.input(|i| i.modifiers.alt);
    let color = match erases {
        true => Color32::WHITE,
        false => Color32::from_rgb(r, g, b),
    };
    let lasso = context.state.segments.lasso.as_ref();
    if let Some(lasso) = lasso.filter(|lasso| lasso.cell == cell) {
        lasso.paint(painter, rect, picture, color);
    }
    pointing::paint(context, painter, cell, rect, picture, color);
    wire::paint(context, painter, cell, rect, picture, color);
    let Some(pointer) = ui.ctx().pointer_latest_pos().filter(|p| rect.contains(*p)) else {
        return;
    };
    let scale = ui.ctx().pixels_per_point();
    let radius = (settings.radius / picture.unit_per_pixel) as f32 / scale;
    let radius = match tool {
        PaintTool::Brush | PaintTool::Eraser => radius.max(1.5),
        _ => 4.0,
    };
    painter.circle_stroke(pointer, radius, (3.0, Color32::from_black_alpha(150)));
    painter.circle_stroke(pointer, radius, (1.2, color));
    painter.circle_filled(pointer, 1.2, color);
    let problem = match (whole, segment) {
        (Some(_), None) => Some("segment-no-segment"),
        (_, Some(segment)) if segment.locked => Some("notice-segment-locked"),
        (_, Some(segment)) if !segment.is_drawn() => Some("segment-is-hidden"),
        (Some(whole), _)
            if settings.range.is_some() && place.is_none_or(|p| !p.is_grid(&whole.grid)) =>
        {
            Some("segment-range-other-grid")
        }
        _ => None,
    };
    let unit = match picture.spacing.source() {
        Some(_) => "mm",
        None => "px",
    };
    let (text, color) = match problem {
        Some(key) => (context.word(key).to_owned(), theme::WARN),
        None if tool == PaintTool::Grow => {
            let text = settings.range.map_or_else(
                || {
                    let dragged = context.state.segments.pointing.tolerance();
                    format!("± {:.0}", dragged.unwrap_or(settings.tolerance))
                },
                |[low, high]| format!("{low:.0} – {high:.0}"),
            );
            (text, theme::TEXT_DIM)
        }
        None if tool == PaintTool::Prompt => {
            let waits = context.state.segments.pointing.waits();
            let preview = &workspace.segmenting.preview;
            let answer = preview.found().and_then(|found| found.network.as_ref());
            let key = match (waits, ui.input(|i| i.modifiers.alt)) {
                (true, false) => "brush-prompt-accept",
                (_, true) => "brush-prompt-minus",
                (false, false) => "brush-prompt-plus",
            };
            let text = match answer.filter(|_| waits) {
                Some(answer) => {
                    let p = crate::i18n::Value::Fixed(answer.confidence, 2);
                    context.tr("brush-points-answer", &[("confidence", p)])
                }
                None if waits && preview.is_busy() => context.word("brush-points-asked").to_owned(),
                None => context.word(key).to_owned(),
            };
            (text, theme::TEXT_DIM)
        }
        None if tool == PaintTool::Trace => {
            let key = match ui.input(|i| i.modifiers.shift) {
                false => "brush-trace-bright",
                true => "brush-trace-dark",
            };
            (context.word(key).to_owned(), theme::TEXT_DIM)
        }
        None if tool == PaintTool::Wire => {
            let key = wire::word(context, ui, cell, rect, picture);
            (context.word(key).to_owned(), theme::TEXT_DIM)
        }
        None if tool == PaintTool::Scissors => {
            let key = match settings.shape {
                BrushShape::Disc => "brush-scissors-slice",
                BrushShape::Sphere => "brush-scissors-through",
            };
            (context.word(key).to_owned(), theme::TEXT_DIM)
        }
        None => (format!("{:.1} {unit}", settings.radius), theme::TEXT_DIM),
    };
    over_picture(
        painter,
        pointer + vec2(radius.min(60.0) * 0.75 + 6.0, radius.min(60.0) * 0.75 + 6.0),
        Align2::LEFT_TOP,
        &text,
        theme::SMALL_PT,
        color,
    );
}
