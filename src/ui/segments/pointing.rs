//! Tools that are told a voxel: level tracing outlines what a click would take, growing follows the hand while the button
//! is down.

use crate::{
    tools::{
        PaintTool,
        brush::{BrushShape, tolerance_dragged},
    },
    ui::{context::UiContext, probe::value_at, theme},
    workspace::{
        Action,
        segmenting::{
            SegmentAction, SegmentPlace,
            apply::{SegmentTool, flat_of},
            preview::Wish,
            prompts::Prompts,
            wire::{Pixel, WirePlace},
        },
        view::{Picture, Viewport},
    },
};
use egui::{Color32, Painter, Pos2, Rect, Response, Shape, Stroke, Ui};
use glam::DVec3;

/// What is pointed at.
#[derive(Default)]
pub(super) struct Pointing {
    /// The wish that was told last.
    wish: Option<Wish>,
    growing: Option<Growing>,
    prompting: Option<Prompting>,
}

/// Points and scribbles that wait for Enter.
struct Prompting {
    cell: usize,
    /// Where the last one is.
    seed: Seed,
    prompts: Prompts,
    /// The stroke that is being drawn says no, or yes.
    drawing: Option<bool>,
}

impl Prompting {
    /// Adds the voxels from the last one to another one.
    fn add(&mut self, to: [usize; 3], begins: bool, minus: bool) {
        let list = match minus {
            true => &mut self.prompts.minus,
            false => &mut self.prompts.plus,
        };
        let from = if begins { to } else { self.seed.at };
        let steps = (0..3).map(|axis| from[axis].abs_diff(to[axis])).max();
        let steps = steps.unwrap_or(0).max(1);
        for step in 0..=steps {
            let part = step as f64 / steps as f64;
            let at = std::array::from_fn(|axis| {
                let (a, b) = (from[axis] as f64, to[axis] as f64);
                (a + (b - a) * part).round() as usize
            });
            if list.len() < MOST_PROMPTS && !list.contains(&at) {
                list.push(at);
            }
        }
        self.seed.at = to;
    }
}

/// Voxels of strokes that say yes, and of those that say no.
const MOST_PROMPTS: usize = 4096;

/// A region that grows while the button is down.
struct Growing {
    cell: usize,
    origin: Pos2,
    seed: Seed,
    slice: Option<usize>,
    /// The range that was given, else it is that of the tolerance.
    range: Option<[f64; 2]>,
    base: f64,
    tolerance: f64,
}

/// A voxel with its value, and the axis that the shown plane lies across, nearly.
pub(super) struct Seed {
    place: SegmentPlace,
    at: [usize; 3],
    value: f64,
    axis: usize,
}

impl Seed {
    pub(super) fn at(viewport: &Viewport, picture: &Picture, at: [f64; 2]) -> Option<Self> {
        let place = viewport.segment_place()?;
        let probe = value_at(viewport, picture, at)?;
        let index = place.grid.voxel_from_patient()?;
        let value = probe.modality()?;
        let mut voxel = probe.voxel;
        if place.frame.is_some() {
            voxel[2] = 0;
        }
        let normal = index.matrix3 * picture.right.cross(picture.down);
        let steps = normal.abs().to_array();
        let axis = (0..3).max_by(|a, b| steps[*a].total_cmp(&steps[*b]))?;
        Some(Self {
            place,
            at: voxel,
            value,
            axis,
        })
    }

    /// The slice of the voxel, and its place in it.
    pub(super) fn in_slice(self, cell: usize) -> (WirePlace, Pixel) {
        let Self {
            place, at, axis, ..
        } = self;
        let index = at.get(axis).copied().unwrap_or(0);
        let place = WirePlace {
            cell,
            place,
            axis,
            index,
        };
        (place, flat_of(axis, at))
    }

    fn wish(&self, cell: usize, tool: SegmentTool) -> Wish {
        Wish {
            cell,
            place: self.place.clone(),
            tool,
            at: self.at,
            axis: self.axis,
        }
    }
}

impl Growing {
    fn tool(&self) -> SegmentTool {
        let (value, by) = (self.seed.value, self.tolerance);
        SegmentTool::Grow {
            seed: self.seed.at,
            range: self.range.unwrap_or([value - by, value + by]),
            slice: self.slice,
        }
    }
}

impl Pointing {
    pub(super) const fn is_busy(&self) -> bool {
        self.growing.is_some() || self.prompting.is_some()
    }

    /// Whether points and scribbles wait for Enter.
    pub(super) const fn waits(&self) -> bool {
        self.prompting.is_some()
    }

    /// The tolerance that the hand has come to.
    pub(super) fn tolerance(&self) -> Option<f64> {
        let growing = self.growing.as_ref().filter(|g| g.range.is_none());
        growing.map(|g| g.tolerance)
    }
}

fn act(context: &mut UiContext<'_>, action: SegmentAction) {
    context.actions.push(Action::Segment(action));
}

/// Tells a wish, where it is another one.
fn tell(context: &mut UiContext<'_>, wish: Option<Wish>) {
    if context.state.segments.pointing.wish != wish {
        context.state.segments.pointing.wish.clone_from(&wish);
        act(context, SegmentAction::Preview(wish));
    }
}

/// Leaves what is pointed at; nothing of it stays.
pub(super) fn leave(context: &mut UiContext<'_>) {
    context.state.segments.pointing.growing = None;
    context.state.segments.pointing.prompting = None;
    tell(context, None);
}

/// Takes what follows from points and scribbles.
pub(super) fn accept(context: &mut UiContext<'_>) {
    if let Some(prompting) = context.state.segments.pointing.prompting.take() {
        let tool = SegmentTool::Prompts(Box::new(prompting.prompts));
        context.actions.push(Action::Activate(prompting.cell));
        act(context, SegmentAction::Apply(tool));
    }
    tell(context, None);
}

/// Points and scribbles: left says yes, Alt and left no. What follows is outlined when the button goes up.
fn prompt(
    context: &mut UiContext<'_>,
    cell: usize,
    seed: Option<Seed>,
    [pressed, down, minus]: [bool; 3],
) -> bool {
    let mut prompting = context.state.segments.pointing.prompting.take();
    if pressed && let Some(seed) = seed {
        context.actions.push(Action::Activate(cell));
        let brush = &context.workspace.segmenting.brush;
        let slice = (brush.shape == BrushShape::Disc).then_some(seed.axis);
        // What was drawn elsewhere, or in another slice, is left.
        let goes_on = |p: &Prompting| {
            let same = p.cell == cell && p.seed.place == seed.place && p.prompts.slice == slice;
            same && slice.is_none_or(|axis| p.seed.at.get(axis) == seed.at.get(axis))
        };
        let at = seed.at;
        let mut now = match prompting.take().filter(goes_on) {
            Some(before) => before,
            None => Prompting {
                cell,
                seed,
                prompts: Prompts {
                    plus: Vec::new(),
                    minus: Vec::new(),
                    slice,
                    range: brush.range,
                },
                drawing: None,
            },
        };
        now.prompts.range = brush.range;
        now.drawing = Some(minus);
        now.add(at, true, minus);
        prompting = Some(now);
    } else if let (Some(now), Some(seed)) = (&mut prompting, seed)
        && let Some(minus) = now.drawing
        && now.cell == cell
        && now.seed.place == seed.place
        && now
            .prompts
            .slice
            .is_none_or(|axis| now.seed.at.get(axis) == seed.at.get(axis))
    {
        now.add(seed.at, false, minus);
    }
    let mut wish = None;
    let mut taken = false;
    if let Some(now) = &mut prompting
        && now.cell == cell
        && now.drawing.is_some()
    {
        taken = true;
        if !down {
            now.drawing = None;
            let tool = SegmentTool::Prompts(Box::new(now.prompts.clone()));
            wish = Some(now.seed.wish(cell, tool));
        }
    }
    context.state.segments.pointing.prompting = prompting;
    if wish.is_some() {
        tell(context, wish);
    }
    taken
}

/// Carries out what the pointer does with such a tool; `true` when the left button is its.
pub(super) fn hand(
    context: &mut UiContext<'_>,
    ui: &Ui,
    response: &Response,
    cell: usize,
    tool: PaintTool,
    viewport: &Viewport,
    picture: &Picture,
) -> bool {
    let Some(latest) = ui.ctx().pointer_latest_pos() else {
        return false;
    };
    let (pressed, down, held) = ui.input(|i| {
        let pointer = &i.pointer;
        (
            pointer.primary_pressed() && !i.modifiers.command,
            pointer.primary_down() && !pointer.primary_released(),
            i.modifiers,
        )
    });
    let scale = f64::from(ui.ctx().pixels_per_point());
    let rect = response.rect;
    let at = [latest.x - rect.min.x, latest.y - rect.min.y].map(|v| f64::from(v) * scale);
    let brush = context.workspace.segmenting.brush.clone();
    if let Some(mut growing) = context.state.segments.pointing.growing.take() {
        if growing.cell != cell {
            context.state.segments.pointing.growing = Some(growing);
            return false;
        }
        let up = f64::from(growing.origin.y - latest.y);
        growing.tolerance = tolerance_dragged(growing.base, up);
        let tool = growing.tool();
        if down {
            tell(context, Some(growing.seed.wish(cell, tool)));
            context.state.segments.pointing.growing = Some(growing);
            return true;
        }
        if growing.range.is_none() && growing.tolerance != brush.tolerance {
            // The next click begins with what this one came to.
            let tolerance = growing.tolerance;
            act(
                context,
                SegmentAction::Brush(crate::workspace::segmenting::BrushSettings {
                    tolerance,
                    ..brush
                }),
            );
        }
        act(context, SegmentAction::Apply(tool));
        tell(context, None);
        return true;
    }
    let over = response.contains_pointer();
    if tool != PaintTool::Prompt {
        context.state.segments.pointing.prompting = None;
    }
    match tool {
        PaintTool::Prompt => {
            let seed = over.then(|| Seed::at(viewport, picture, at)).flatten();
            prompt(context, cell, seed, [pressed && over, down, held.alt])
        }
        PaintTool::Grow if pressed && over => {
            context.actions.push(Action::Activate(cell));
            let Some(seed) = Seed::at(viewport, picture, at) else {
                return true;
            };
            let growing = Growing {
                cell,
                origin: latest,
                // The slice lies across the axis of the grid that the plane is looked at along.
                slice: (brush.shape == BrushShape::Disc).then_some(seed.axis),
                seed,
                range: brush.range,
                base: brush.tolerance,
                tolerance: brush.tolerance,
            };
            if down {
                tell(context, Some(growing.seed.wish(cell, growing.tool())));
                context.state.segments.pointing.growing = Some(growing);
            } else {
                act(context, SegmentAction::Apply(growing.tool()));
            }
            true
        }
        PaintTool::Trace if over => {
            let seed = Seed::at(viewport, picture, at);
            let wish = seed.map(|seed| {
                let tool = SegmentTool::Trace {
                    at: seed.at,
                    axis: seed.axis,
                    dark: held.shift,
                    takes: held.alt,
                    range: brush.range,
                };
                seed.wish(cell, tool)
            });
            if pressed {
                context.actions.push(Action::Activate(cell));
                if let Some(wish) = &wish {
                    act(context, SegmentAction::Apply(wish.tool.clone()));
                }
            }
            tell(context, wish);
            pressed
        }
        _ => {
            let here = |wish: &Wish| wish.cell == cell;
            if context
                .state
                .segments
                .pointing
                .wish
                .as_ref()
                .is_some_and(here)
            {
                tell(context, None);
            }
            false
        }
    }
}

/// Whether the shown plane goes through a voxel.
pub(super) fn shown_at(place: &SegmentPlace, at: [usize; 3], picture: &Picture) -> bool {
    let normal = picture.right.cross(picture.down).normalize_or(DVec3::Z);
    let from_voxel = place.grid.patient_from_voxel;
    let middle = from_voxel.transform_point3(DVec3::from_array(at.map(|v| v as f64)));
    let steps = from_voxel.matrix3;
    let half = [steps.x_axis, steps.y_axis, steps.z_axis]
        .map(|step| step.dot(normal).abs())
        .iter()
        .sum::<f64>()
        / 2.0;
    let depth = (middle - picture.patient_at(0.0, 0.0)).dot(normal).abs();
    depth <= half * (1.0 + 1e-9)
}

/// Draws what would be taken, and the strokes that say so.
pub(super) fn paint(
    context: &UiContext<'_>,
    painter: &Painter,
    cell: usize,
    rect: Rect,
    picture: &Picture,
    color: Color32,
) {
    let scale = painter.pixels_per_point();
    let on_screen = |p: DVec3| {
        let at = picture.viewport_of(p);
        rect.min + egui::vec2(at.x as f32, at.y as f32) / scale
    };
    let pointing = &context.state.segments.pointing;
    if let Some(now) = pointing.prompting.as_ref().filter(|p| p.cell == cell) {
        let here = shown_at(&now.seed.place, now.seed.at, picture);
        let from_voxel = now.seed.place.grid.patient_from_voxel;
        for (list, color) in [
            (&now.prompts.plus, color),
            (&now.prompts.minus, theme::WARN),
        ] {
            for at in list.iter().filter(|_| here) {
                let place = from_voxel.transform_point3(DVec3::from_array(at.map(|v| v as f64)));
                let place = on_screen(place);
                painter.circle_filled(place, 2.6, Color32::from_black_alpha(150));
                painter.circle_filled(place, 1.8, color);
            }
        }
    }
    let preview = &context.workspace.segmenting.preview;
    let Some(found) = preview.found().filter(|found| found.wish.cell == cell) else {
        return;
    };
    // Only in the slice that was looked at.
    if !shown_at(&found.wish.place, found.wish.at, picture) {
        return;
    }
    for line in found.lines.iter() {
        let points: Vec<Pos2> = line.iter().map(|p| on_screen(*p)).collect();
        let dark = Stroke::new(2.6, Color32::from_black_alpha(150));
        painter.add(Shape::closed_line(points.clone(), dark));
        painter.add(Shape::closed_line(points, Stroke::new(1.3, color)));
    }
}
