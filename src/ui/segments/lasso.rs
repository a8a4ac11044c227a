//! Scissors in the hand: the outline while it is drawn, and the cut when the button is up.

use crate::{
    tools::brush::BrushShape,
    ui::{context::UiContext, theme},
    workspace::{
        Action,
        segmenting::{SegmentAction, apply::SegmentTool, cut::Cut},
        view::Picture,
    },
};
use egui::{Color32, Painter, Pos2, Rect, Shape, Stroke, pos2};
use glam::DVec3;

/// Most corners of an outline.
const MOST: usize = 4096;

/// An outline that is being drawn: over which cell, on which plane, and its corners in the space of the grid.
pub(super) struct Lasso {
    pub(super) cell: usize,
    right: DVec3,
    down: DVec3,
    takes: bool,
    points: Vec<DVec3>,
}

impl Lasso {
    pub(super) fn begin(cell: usize, picture: &Picture, at: DVec3, takes: bool) -> Self {
        Self {
            cell,
            right: picture.right,
            down: picture.down,
            takes,
            points: vec![at],
        }
    }

    /// Another corner, where it is at least a pixel of the screen away.
    pub(super) fn add(&mut self, at: DVec3, picture: &Picture) {
        let last = self.points.last().copied().unwrap_or(at);
        let away = (at - last).length();
        if away >= picture.unit_per_pixel && self.points.len() < MOST {
            self.points.push(at);
        }
    }

    /// The button is up: what was drawn is cut.
    pub(super) fn finish(self, context: &mut UiContext<'_>) {
        let Some(&point) = self.points.first().filter(|_| self.points.len() >= 3) else {
            return;
        };
        let brush = &context.workspace.segmenting.brush;
        let seen = |p: &DVec3| [p.dot(self.right), p.dot(self.down)];
        let cut = Cut {
            outline: self.points.iter().map(seen).collect(),
            right: self.right,
            down: self.down,
            point,
            deep: brush.shape == BrushShape::Sphere,
            takes: self.takes,
            range: brush.range,
        };
        let tool = SegmentTool::Scissors(Box::new(cut));
        context
            .actions
            .push(Action::Segment(SegmentAction::Apply(tool)));
    }

    /// Draws it, and dashed the side that would close it.
    pub(super) fn paint(&self, painter: &Painter, rect: Rect, picture: &Picture, color: Color32) {
        let scale = painter.pixels_per_point();
        let on_screen = |p: &DVec3| -> Pos2 {
            let at = picture.viewport_of(*p);
            rect.min + pos2(at.x as f32 / scale, at.y as f32 / scale).to_vec2()
        };
        let points: Vec<Pos2> = self.points.iter().map(on_screen).collect();
        let color = if self.takes { Color32::WHITE } else { color };
        let (Some(&first), Some(&last)) = (points.first(), points.last()) else {
            return;
        };
        painter.add(Shape::line(
            points.clone(),
            Stroke::new(3.0, Color32::from_black_alpha(150)),
        ));
        painter.add(Shape::line(points, Stroke::new(1.4, color)));
        painter.extend(Shape::dashed_line(
            &[last, first],
            Stroke::new(1.0, theme::TEXT_DIM),
            4.0,
            4.0,
        ));
    }
}
