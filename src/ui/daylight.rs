//! The light theme: every colour of the night is exchanged for its counterpart when a frame is finished.
//!
//! Panels name the colours of [`super::theme`] and need not know which theme is on. Must stay true: what is drawn
//! between [`begin_pictures`] and [`end_pictures`] keeps its colours, since the image area is black in both themes,
//! and so do pictures in panels; in the dark theme nothing is done at all.

use super::theme;
use egui::{
    Color32, Context, FullOutput, LayerId, Plugin, Shape, TextureId, ViewportId,
    epaint::shape_transform::adjust_colors,
};
use std::{collections::HashMap, ops::Range};

/// A colour of the night and its counterpart.
const COUNTERPARTS: [(Color32, Color32); 16] = [
    (theme::APP, Color32::from_rgb(0xD5, 0xD9, 0xE0)),
    (theme::PANEL, Color32::from_rgb(0xF4, 0xF5, 0xF7)),
    (theme::RAISED, Color32::from_rgb(0xE4, 0xE7, 0xEC)),
    (theme::LINE, Color32::from_rgb(0xC3, 0xC9, 0xD2)),
    (theme::CONTROL, Color32::from_rgb(0xB2, 0xBA, 0xC6)),
    (theme::TEXT, Color32::from_rgb(0x14, 0x18, 0x1F)),
    (theme::TEXT_DIM, Color32::from_rgb(0x4A, 0x53, 0x61)),
    (theme::TEXT_FAINT, Color32::from_rgb(0x7C, 0x85, 0x94)),
    (theme::ACCENT, Color32::from_rgb(0x0A, 0x5D, 0xB8)),
    (theme::WARN, Color32::from_rgb(0x8A, 0x5A, 0x00)),
    (theme::ERROR, Color32::from_rgb(0xB3, 0x26, 0x1E)),
    (theme::OK, Color32::from_rgb(0x1E, 0x7A, 0x45)),
    (theme::AI, Color32::from_rgb(0x6B, 0x3F, 0xC4)),
    (theme::AXIAL, Color32::from_rgb(0xB3, 0x2F, 0x2F)),
    (theme::CORONAL, Color32::from_rgb(0x23, 0x80, 0x3A)),
    (theme::SAGITTAL, Color32::from_rgb(0x8A, 0x74, 0x00)),
];

/// The colour by day. Shades of a known colour (made fainter) become shades of its counterpart; greys are turned
/// over; other colours, as of patients and segments, are darkened so that they can be told on white.
pub fn by_day(color: Color32) -> Color32 {
    if color.a() == 0 || color == Color32::PLACEHOLDER {
        return color;
    }
    let [r, g, b, a] = color.to_srgba_unmultiplied();
    let near = |known: &(Color32, Color32)| {
        let (kr, kg, kb) = (known.0.r(), known.0.g(), known.0.b());
        // A faint colour was rounded: the fainter, the coarser.
        let slack = if a == 255 { 0 } else { 3 + (255 / a.max(1)) };
        r.abs_diff(kr) <= slack && g.abs_diff(kg) <= slack && b.abs_diff(kb) <= slack
    };
    if let Some((_, day)) = COUNTERPARTS.iter().find(|known| near(known)) {
        return Color32::from_rgba_unmultiplied(day.r(), day.g(), day.b(), a);
    }
    let (low, high) = (r.min(g).min(b), r.max(g).max(b));
    if high == 0 && a < 255 {
        // A shadow stays one.
        return color;
    }
    if high - low < 24 {
        let turned = [r, g, b].map(|v| 255 - v);
        return Color32::from_rgba_unmultiplied(turned[0], turned[1], turned[2], a);
    }
    let [r, g, b] = [r, g, b].map(|v| (u16::from(v) * 3 / 5) as u8);
    Color32::from_rgba_unmultiplied(r, g, b, a)
}

/// Exchanges the colours of finished frames.
#[derive(Default)]
struct Daylight {
    on: bool,
    pictures: HashMap<ViewportId, Range<usize>>,
}

impl Plugin for Daylight {
    fn debug_name(&self) -> &'static str {
        "daylight"
    }

    fn output_hook(&mut self, ctx: &Context, output: &mut FullOutput) {
        if !self.on {
            return;
        }
        let pictures = self.pictures.remove(&ctx.viewport_id()).unwrap_or(0..0);
        for (at, clipped) in output.shapes.iter_mut().enumerate() {
            if !pictures.contains(&at) {
                exchange(&mut clipped.shape);
            }
        }
    }
}

fn exchange(shape: &mut Shape) {
    match shape {
        Shape::Vec(shapes) => shapes.iter_mut().for_each(exchange),
        Shape::Rect(rect) if rect.brush.is_some() => {}
        Shape::Mesh(mesh) if mesh.texture_id != TextureId::default() => {}
        Shape::Callback(_) => {}
        shape => adjust_colors(shape, |color| *color = by_day(*color)),
    }
}

/// Switches the light theme on or off.
pub fn set(ctx: &Context, on: bool) {
    if on {
        ctx.add_plugin(Daylight::default());
    }
    ctx.with_plugin(|daylight: &mut Daylight| daylight.on = on);
}

/// A colour in the theme that is on.
pub fn shown(ctx: &Context, color: Color32) -> Color32 {
    let on = ctx.with_plugin(|daylight: &mut Daylight| daylight.on);
    if on == Some(true) {
        by_day(color)
    } else {
        color
    }
}

/// How many shapes the window's lowest layer holds so far. It is drawn first, so they are the first of a frame.
fn shapes_so_far(ctx: &Context) -> usize {
    ctx.graphics(|g| {
        g.get(LayerId::background())
            .map_or(0, |list| list.next_idx().0)
    })
}

/// Pictures are drawn from here on.
pub fn begin_pictures(ctx: &Context) {
    let from = shapes_so_far(ctx);
    let viewport = ctx.viewport_id();
    ctx.with_plugin(|daylight: &mut Daylight| daylight.pictures.insert(viewport, from..from));
}

/// No more pictures are drawn in this frame.
pub fn end_pictures(ctx: &Context) {
    let upto = shapes_so_far(ctx);
    let viewport = ctx.viewport_id();
    ctx.with_plugin(|daylight: &mut Daylight| {
        if let Some(range) = daylight.pictures.get_mut(&viewport) {
            range.end = upto;
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance and contrast as in WCAG 2.1.
    fn contrast(a: Color32, b: Color32) -> f64 {
        let luminance = |c: Color32| {
            let linear = |v: u8| {
                let v = f64::from(v) / 255.0;
                if v <= 0.04045 {
                    v / 12.92
                } else {
                    ((v + 0.055) / 1.055).powf(2.4)
                }
            };
            0.2126 * linear(c.r()) + 0.7152 * linear(c.g()) + 0.0722 * linear(c.b())
        };
        let (a, b) = (luminance(a) + 0.05, luminance(b) + 0.05);
        a.max(b) / a.min(b)
    }

    #[test]
    fn text_can_be_read_by_night_and_by_day() {
        for day in [false, true] {
            let seen = |color| if day { by_day(color) } else { color };
            let check = |color: Color32, at_least: f64| {
                for ground in [theme::PANEL, theme::APP, theme::RAISED] {
                    let found = contrast(seen(color), seen(ground));
                    assert!(
                        found >= at_least,
                        "{color:?} on {ground:?}: {found:.2}, day {day}"
                    );
                }
            };
            check(theme::TEXT, 7.0);
            check(theme::TEXT_DIM, 4.5);
            for meaning in [
                theme::ACCENT,
                theme::WARN,
                theme::ERROR,
                theme::OK,
                theme::AI,
            ] {
                check(meaning, 3.0);
            }
        }
    }

    #[test]
    fn shades_follow_their_colour_and_shadows_stay() {
        let day = by_day(theme::ACCENT.gamma_multiply(0.35)).to_srgba_unmultiplied();
        let full = by_day(theme::ACCENT);
        for (shade, of) in day.iter().zip([full.r(), full.g(), full.b()]) {
            assert!(shade.abs_diff(of) <= 4, "{day:?} is a shade of {full:?}");
        }
        let shadow = Color32::from_black_alpha(96);
        assert_eq!(by_day(shadow), shadow);
        assert_eq!(by_day(Color32::WHITE), Color32::BLACK);
        assert_eq!(by_day(Color32::TRANSPARENT), Color32::TRANSPARENT);
    }
}
