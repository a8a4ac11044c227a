//! Text that is read on any picture: with a dark edge around it.

use egui::{Align2, Color32, FontId, Galley, Painter, Pos2, Rect, vec2};
use std::sync::Arc;

/// A line of text as [`draw`] takes it.
pub fn line(painter: &Painter, text: String, size: f32) -> Arc<Galley> {
    painter.layout_no_wrap(text, FontId::proportional(size), Color32::PLACEHOLDER)
}

/// Draws a line of text with a dark halo.
pub fn draw(painter: &Painter, at: Pos2, line: Arc<Galley>, color: Color32) {
    // All around: amber on a light radiograph is read by its dark edge. Four copies across the corners are as dark as
    // eight and one below the text, and half as many triangles, of which two hundred marks have many.
    for (x, y) in [(-1.0, -1.0), (1.0, -1.0), (-1.0, 1.0), (1.0, 1.0)] {
        let edge = Color32::from_black_alpha(220);
        painter.galley(at + vec2(x, y), line.clone(), edge);
    }
    painter.galley(at, line, color);
}

/// Lays a text out and draws it with a dark halo; where it stands comes back.
pub fn haloed(
    painter: &Painter,
    at: Pos2,
    anchor: Align2,
    text: &str,
    size: f32,
    color: Color32,
) -> Rect {
    let line = line(painter, text.to_owned(), size);
    let rect = anchor.anchor_size(at, line.size());
    draw(painter, rect.min, line, color);
    rect
}
