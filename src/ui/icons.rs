//! Small line icons, drawn as shapes: crisp at every scale, one weight, no font needed.

use crate::model::content::ObjectKind;
use egui::{
    Color32, Id, LayerId, Mesh, Order, Painter, Pos2, Rect, Shape, Stroke, Vec2,
    epaint::Tessellator, pos2, vec2,
};
use rustc_hash::FxHashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// An icon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say what is drawn")]
pub enum Icon {
    Folder,
    Window,
    Zoom,
    Pan,
    Scroll,
    Crosshair,
    One,
    Two,
    Four,
    Mpr,
    Grid,
    Invert,
    RotateRight,
    FlipHorizontal,
    FlipVertical,
    Fit,
    Reset,
    Lungs,
    Eye,
    Text,
    Left,
    Right,
    Search,
    Close,
    Warning,
    Undo,
    Lock,
    Unfold,
    Fold,
    Report,
    Key,
    Page,
    Brush,
    Segments,
    Surface,
    Outline,
    Beam,
    Wave,
    Register,
    Chart,
    Palette,
    Tree,
    Chain,
    Play,
    Pause,
    Loop,
    Sweep,
    Ruler,
    Angle,
    Ellipse,
    Box,
    Polygon,
    Arrow,
    Letter,
    Down,
    Bin,
    EyeShut,
    Paint,
    Eraser,
    Grow,
    Scissors,
    Trace,
    Wire,
    Prompt,
}

/// All that the triangles of an icon depend on, but for the whole pixel on which it begins.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Look {
    icon: Icon,
    color: Color32,
    /// Bits of the size, of the part of a pixel by which it is off a whole one, and of the pixels a point.
    bits: [u32; 5],
}

/// Icons that were cut into triangles before. There are some dozens of them at a time; a window that is dragged through
/// many sizes and scales begins anew after so many.
type Known = Arc<Mutex<FxHashMap<Look, Arc<Mesh>>>>;
const KNOWN: usize = 512;

/// Draws an icon into a square.
pub fn paint(painter: &Painter, rect: Rect, icon: Icon, color: Color32) {
    let scale = painter.pixels_per_point();
    let whole = ((rect.min.to_vec2() * scale).floor() / scale).to_pos2();
    let off = rect.min - whole;
    let bits = [rect.width(), rect.height(), off.x, off.y, scale].map(f32::to_bits);
    let look = Look { icon, color, bits };
    let ctx = painter.ctx();
    let id = Id::unique("icons cut into triangles");
    let known = ctx.data_mut(|data| data.get_temp_mut_or_default::<Known>(id).clone());
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    if known.len() >= KNOWN {
        known.clear();
    }
    let mesh = known.entry(look).or_insert_with(|| {
        let square = Rect::from_min_size(off.to_pos2(), rect.size());
        Arc::new(cut(painter, square, icon, color))
    });
    let mut mesh = Mesh::clone(mesh);
    mesh.translate(whole.to_vec2());
    painter.add(Shape::mesh(mesh));
}

/// An icon as triangles: it is drawn on a layer of its own, out of which it is taken again at once.
fn cut(painter: &Painter, square: Rect, icon: Icon, color: Color32) -> Mesh {
    let ctx = painter.ctx();
    let layer = LayerId::new(Order::Background, Id::unique("icons aside"));
    draw(
        &Painter::new(ctx.clone(), layer, Rect::EVERYTHING),
        square,
        icon,
        color,
    );
    let list = ctx.graphics_mut(|layers| std::mem::take(layers.entry(layer)));
    let options = ctx.tessellation_options(|options| *options);
    // Circles are cut as well: the toolkit's picture of one lies elsewhere when its texture grows.
    let (letters, discs) = ([1, 1], Vec::new());
    let scale = painter.pixels_per_point();
    let mut tessellator = Tessellator::new(scale, options, letters, discs);
    let mut mesh = Mesh::default();
    for shape in list.all_entries() {
        tessellator.tessellate_shape(shape.shape.clone(), &mut mesh);
    }
    mesh
}

/// Draws an icon line by line.
fn draw(painter: &Painter, rect: Rect, icon: Icon, color: Color32) {
    let stroke = Stroke::new(1.4, color);
    let thin = Stroke::new(1.0, color);
    let size = rect.width().min(rect.height());
    let square = Rect::from_center_size(rect.center(), Vec2::splat(size));
    // Coordinates of a 16-unit square.
    let at = |x: f32, y: f32| -> Pos2 { square.min + vec2(x, y) * (size / 16.0) };
    let unit = size / 16.0;
    let line = |points: &[(f32, f32)]| {
        painter.add(Shape::line(
            points.iter().map(|&(x, y)| at(x, y)).collect(),
            stroke,
        ));
    };
    let boxed = |x: f32, y: f32, w: f32, h: f32| {
        let r = Rect::from_min_size(at(x, y), vec2(w, h) * unit);
        painter.rect_stroke(r, 1.0, stroke, egui::StrokeKind::Middle);
    };
    let arc = |cx: f32, cy: f32, radius: f32, from: f32, to: f32| {
        let points = (0..=20)
            .map(|i| {
                let a = (from + (to - from) * i as f32 / 20.0).to_radians();
                at(cx + radius * a.cos(), cy + radius * a.sin())
            })
            .collect();
        painter.add(Shape::line(points, stroke));
    };
    match icon {
        Icon::Folder => line(&[
            (2.0, 13.0),
            (2.0, 3.5),
            (6.0, 3.5),
            (7.5, 5.5),
            (14.0, 5.5),
            (14.0, 13.0),
            (2.0, 13.0),
        ]),
        Icon::Window => {
            painter.circle_stroke(at(8.0, 8.0), 6.0 * unit, stroke);
            half_disc(painter, at(8.0, 8.0), 6.0 * unit, color);
        }
        Icon::Invert => {
            boxed(2.5, 2.5, 11.0, 11.0);
            painter.rect_filled(Rect::from_min_max(at(8.0, 2.5), at(13.5, 13.5)), 0.0, color);
        }
        Icon::Zoom | Icon::Search => {
            painter.circle_stroke(at(6.8, 6.8), 4.3 * unit, stroke);
            line(&[(10.0, 10.0), (14.0, 14.0)]);
            if icon == Icon::Zoom {
                painter.line_segment([at(4.8, 6.8), at(8.8, 6.8)], thin);
                painter.line_segment([at(6.8, 4.8), at(6.8, 8.8)], thin);
            }
        }
        Icon::Pan => {
            line(&[(8.0, 1.8), (8.0, 14.2)]);
            line(&[(1.8, 8.0), (14.2, 8.0)]);
            line(&[(6.2, 3.6), (8.0, 1.8), (9.8, 3.6)]);
            line(&[(6.2, 12.4), (8.0, 14.2), (9.8, 12.4)]);
            line(&[(3.6, 6.2), (1.8, 8.0), (3.6, 9.8)]);
            line(&[(12.4, 6.2), (14.2, 8.0), (12.4, 9.8)]);
        }
        Icon::Scroll => {
            boxed(2.5, 5.0, 8.0, 6.0);
            line(&[(13.0, 2.5), (13.0, 13.5)]);
            line(&[(11.4, 4.2), (13.0, 2.5), (14.6, 4.2)]);
            line(&[(11.4, 11.8), (13.0, 13.5), (14.6, 11.8)]);
        }
        Icon::Crosshair => {
            line(&[(8.0, 1.5), (8.0, 6.0)]);
            line(&[(8.0, 10.0), (8.0, 14.5)]);
            line(&[(1.5, 8.0), (6.0, 8.0)]);
            line(&[(10.0, 8.0), (14.5, 8.0)]);
            painter.circle_filled(at(8.0, 8.0), 1.1 * unit, color);
        }
        Icon::One => boxed(2.5, 3.0, 11.0, 10.0),
        Icon::Two => {
            boxed(2.0, 3.0, 12.0, 10.0);
            line(&[(8.0, 3.0), (8.0, 13.0)]);
        }
        Icon::Four => {
            boxed(2.0, 3.0, 12.0, 10.0);
            line(&[(8.0, 3.0), (8.0, 13.0)]);
            line(&[(2.0, 8.0), (14.0, 8.0)]);
        }
        Icon::Grid => {
            for row in 0..3u8 {
                for column in 0..3u8 {
                    let (x, y) = (f32::from(column) * 4.5 + 2.0, f32::from(row) * 4.5 + 2.0);
                    boxed(x, y, 3.0, 3.0);
                }
            }
        }
        Icon::Mpr => {
            line(&[
                (8.0, 1.8),
                (14.0, 4.8),
                (14.0, 11.2),
                (8.0, 14.2),
                (2.0, 11.2),
                (2.0, 4.8),
                (8.0, 1.8),
            ]);
            line(&[(2.0, 4.8), (8.0, 7.8), (14.0, 4.8)]);
            line(&[(8.0, 7.8), (8.0, 14.2)]);
        }
        Icon::RotateRight => {
            arc(8.0, 8.6, 5.2, -200.0, 60.0);
            line(&[(13.6, 10.2), (10.6, 13.1), (9.2, 9.6)]);
        }
        Icon::FlipHorizontal => {
            painter.extend(Shape::dashed_line(
                &[at(8.0, 2.0), at(8.0, 14.0)],
                thin,
                2.0,
                1.6,
            ));
            line(&[(6.0, 4.0), (6.0, 12.0), (1.8, 12.0), (6.0, 4.0)]);
            line(&[(10.0, 4.0), (10.0, 12.0), (14.2, 12.0), (10.0, 4.0)]);
        }
        Icon::FlipVertical => {
            painter.extend(Shape::dashed_line(
                &[at(2.0, 8.0), at(14.0, 8.0)],
                thin,
                2.0,
                1.6,
            ));
            line(&[(4.0, 6.0), (12.0, 6.0), (12.0, 1.8), (4.0, 6.0)]);
            line(&[(4.0, 10.0), (12.0, 10.0), (12.0, 14.2), (4.0, 10.0)]);
        }
        Icon::Fit => {
            line(&[(2.5, 6.0), (2.5, 2.5), (6.0, 2.5)]);
            line(&[(10.0, 2.5), (13.5, 2.5), (13.5, 6.0)]);
            line(&[(13.5, 10.0), (13.5, 13.5), (10.0, 13.5)]);
            line(&[(6.0, 13.5), (2.5, 13.5), (2.5, 10.0)]);
            boxed(5.5, 5.5, 5.0, 5.0);
        }
        Icon::Reset => {
            arc(8.0, 8.6, 5.2, -30.0, 240.0);
            line(&[(10.2, 2.6), (13.0, 5.6), (9.2, 6.8)]);
        }
        Icon::Undo => {
            line(&[(5.5, 3.0), (2.5, 6.0), (5.5, 9.0)]);
            line(&[(2.5, 6.0), (9.5, 6.0)]);
            arc(9.5, 9.5, 3.5, -90.0, 90.0);
            line(&[(9.5, 13.0), (6.0, 13.0)]);
        }
        Icon::Lock => {
            boxed(3.5, 7.0, 9.0, 6.5);
            arc(8.0, 5.5, 2.8, 180.0, 360.0);
            line(&[(5.2, 5.5), (5.2, 7.0)]);
            line(&[(10.8, 5.5), (10.8, 7.0)]);
            line(&[(8.0, 9.4), (8.0, 11.2)]);
        }
        Icon::Lungs => {
            line(&[(8.0, 1.5), (8.0, 6.0)]);
            line(&[(8.0, 6.0), (6.6, 7.4)]);
            line(&[(8.0, 6.0), (9.4, 7.4)]);
            line(&[
                (6.6, 5.0),
                (5.4, 3.6),
                (3.8, 5.6),
                (2.2, 10.0),
                (2.2, 13.6),
                (4.2, 14.0),
                (6.6, 12.6),
                (6.6, 5.0),
            ]);
            line(&[
                (9.4, 5.0),
                (10.6, 3.6),
                (12.2, 5.6),
                (13.8, 10.0),
                (13.8, 13.6),
                (11.8, 14.0),
                (9.4, 12.6),
                (9.4, 5.0),
            ]);
        }
        Icon::Eye => {
            line(&[
                (1.5, 8.0),
                (4.0, 5.0),
                (8.0, 3.8),
                (12.0, 5.0),
                (14.5, 8.0),
                (12.0, 11.0),
                (8.0, 12.2),
                (4.0, 11.0),
                (1.5, 8.0),
            ]);
            painter.circle_stroke(at(8.0, 8.0), 2.2 * unit, stroke);
        }
        Icon::Text => {
            line(&[(3.0, 4.5), (3.0, 3.0), (13.0, 3.0), (13.0, 4.5)]);
            line(&[(8.0, 3.0), (8.0, 13.0)]);
            line(&[(6.0, 13.0), (10.0, 13.0)]);
        }
        Icon::Left | Icon::Right => {
            boxed(2.0, 3.0, 12.0, 10.0);
            let x = if icon == Icon::Left { 6.0 } else { 10.0 };
            line(&[(x, 3.0), (x, 13.0)]);
            let (from, to) = if icon == Icon::Left {
                (2.0, 6.0)
            } else {
                (10.0, 14.0)
            };
            painter.rect_filled(
                Rect::from_min_max(at(from, 3.0), at(to, 13.0)),
                0.0,
                color.gamma_multiply(0.35),
            );
        }
        Icon::Unfold => {
            line(&[(4.5, 6.0), (8.0, 2.5), (11.5, 6.0)]);
            line(&[(4.5, 10.0), (8.0, 13.5), (11.5, 10.0)]);
        }
        Icon::Fold => {
            line(&[(4.5, 2.5), (8.0, 6.0), (11.5, 2.5)]);
            line(&[(4.5, 13.5), (8.0, 10.0), (11.5, 13.5)]);
        }
        Icon::Report => {
            boxed(3.0, 1.5, 10.0, 13.0);
            line(&[(5.5, 5.0), (10.5, 5.0)]);
            line(&[(5.5, 8.0), (10.5, 8.0)]);
            line(&[(5.5, 11.0), (8.5, 11.0)]);
        }
        Icon::Page => {
            line(&[
                (9.5, 1.5),
                (3.0, 1.5),
                (3.0, 14.5),
                (13.0, 14.5),
                (13.0, 5.0),
                (9.5, 1.5),
                (9.5, 5.0),
                (13.0, 5.0),
            ]);
        }
        Icon::Key => {
            painter.circle_stroke(at(5.0, 8.0), 3.2 * unit, stroke);
            line(&[(8.2, 8.0), (14.5, 8.0), (14.5, 11.0)]);
            line(&[(11.5, 8.0), (11.5, 10.5)]);
        }
        Icon::Brush => {
            boxed(2.0, 2.5, 12.0, 11.0);
            line(&[(4.5, 10.5), (9.5, 5.5)]);
            line(&[(9.5, 8.0), (9.5, 5.5), (7.0, 5.5)]);
            line(&[(10.0, 11.0), (12.0, 11.0)]);
        }
        Icon::Segments => {
            painter.circle_stroke(at(6.3, 6.5), 4.3 * unit, stroke);
            painter.circle_stroke(at(9.7, 9.5), 4.3 * unit, stroke);
        }
        Icon::Surface => {
            line(&[(8.0, 1.8), (14.2, 13.0), (1.8, 13.0), (8.0, 1.8)]);
            line(&[(4.9, 7.4), (11.1, 7.4), (8.0, 13.0), (4.9, 7.4)]);
        }
        Icon::Outline => {
            let dashes = [
                at(3.0, 6.0),
                at(6.0, 2.5),
                at(11.0, 3.0),
                at(13.5, 8.0),
                at(10.5, 13.0),
                at(5.0, 12.5),
                at(3.0, 6.0),
            ];
            painter.extend(Shape::dashed_line(&dashes, stroke, 2.4 * unit, 1.4 * unit));
            painter.circle_filled(at(8.2, 7.8), 1.2 * unit, color);
        }
        Icon::Beam => {
            line(&[(8.0, 1.5), (2.5, 13.5)]);
            line(&[(8.0, 1.5), (13.5, 13.5)]);
            arc(8.0, 1.5, 13.2, 65.5, 114.5);
            painter.circle_stroke(at(8.0, 9.6), 2.0 * unit, stroke);
        }
        Icon::Wave => line(&[
            (1.5, 8.5),
            (4.5, 8.5),
            (5.5, 6.5),
            (6.5, 8.5),
            (7.5, 13.5),
            (8.8, 2.5),
            (10.0, 8.5),
            (14.5, 8.5),
        ]),
        Icon::Register => {
            boxed(2.0, 2.0, 8.0, 8.0);
            boxed(6.0, 6.0, 8.0, 8.0);
            painter.circle_filled(at(8.0, 8.0), 1.1 * unit, color);
        }
        Icon::Chart => {
            line(&[(2.5, 2.0), (2.5, 13.5), (14.0, 13.5)]);
            line(&[(4.5, 11.0), (7.5, 7.0), (9.5, 9.0), (13.5, 3.5)]);
        }
        Icon::Palette => {
            for (x, strength) in [(2.0, 0.25), (6.0, 0.5), (10.0, 0.9)] {
                let swatch = Rect::from_min_size(at(x, 4.0), vec2(4.0, 8.0) * unit);
                painter.rect_filled(swatch, 0.0, color.gamma_multiply(strength));
            }
            boxed(2.0, 4.0, 12.0, 8.0);
        }
        Icon::Tree => {
            line(&[(4.0, 2.5), (4.0, 12.5), (7.0, 12.5)]);
            line(&[(4.0, 7.0), (7.0, 7.0)]);
            line(&[(9.0, 7.0), (14.0, 7.0)]);
            line(&[(9.0, 12.5), (14.0, 12.5)]);
            line(&[(6.0, 2.5), (14.0, 2.5)]);
        }
        Icon::Chain => {
            for x in [1.0, 7.0] {
                let link = Rect::from_min_size(at(x, 5.0), vec2(8.0, 6.0) * unit);
                painter.rect_stroke(link, 3.0 * unit, stroke, egui::StrokeKind::Middle);
            }
        }
        Icon::Play => {
            let points = vec![at(4.5, 2.5), at(13.5, 8.0), at(4.5, 13.5)];
            painter.add(Shape::convex_polygon(points, color, Stroke::NONE));
        }
        Icon::Pause => {
            for x in [4.0, 9.5] {
                let bar = Rect::from_min_size(at(x, 3.0), vec2(2.8, 10.0) * unit);
                painter.rect_filled(bar, 0.5 * unit, color);
            }
        }
        Icon::Loop => {
            line(&[(11.0, 3.5), (3.0, 3.5), (3.0, 9.5)]);
            line(&[(5.0, 12.5), (13.0, 12.5), (13.0, 6.5)]);
            line(&[(9.0, 1.2), (11.5, 3.5), (9.0, 5.8)]);
            line(&[(7.0, 10.2), (4.5, 12.5), (7.0, 14.8)]);
        }
        Icon::Sweep => {
            line(&[(2.0, 8.0), (14.0, 8.0)]);
            line(&[(5.0, 5.0), (2.0, 8.0), (5.0, 11.0)]);
            line(&[(11.0, 5.0), (14.0, 8.0), (11.0, 11.0)]);
        }
        Icon::Ruler => {
            line(&[(3.0, 13.0), (13.0, 3.0)]);
            line(&[(1.4, 11.4), (4.6, 14.6)]);
            line(&[(11.4, 1.4), (14.6, 4.6)]);
        }
        Icon::Angle => {
            line(&[(13.5, 3.0), (2.5, 13.0), (14.0, 13.0)]);
            arc(2.5, 13.0, 6.5, -42.0, 0.0);
        }
        Icon::Ellipse => {
            let points = (0..=32)
                .map(|i| {
                    let (sin, cos) = (i as f32 / 32.0 * std::f32::consts::TAU).sin_cos();
                    at(8.0 + 6.2 * cos, 8.0 + 4.2 * sin)
                })
                .collect();
            painter.add(Shape::line(points, stroke));
        }
        Icon::Box => boxed(2.5, 4.0, 11.0, 8.0),
        Icon::Polygon => line(&[
            (3.0, 6.0),
            (8.5, 2.5),
            (13.5, 6.5),
            (11.0, 13.0),
            (4.5, 12.0),
            (3.0, 6.0),
        ]),
        Icon::Arrow => {
            line(&[(13.5, 2.5), (3.0, 13.0)]);
            line(&[(3.0, 7.5), (3.0, 13.0), (8.5, 13.0)]);
        }
        Icon::Letter => {
            line(&[(3.5, 3.5), (12.5, 3.5)]);
            line(&[(8.0, 3.5), (8.0, 13.0)]);
        }
        Icon::Down => line(&[(3.0, 5.5), (8.0, 10.5), (13.0, 5.5)]),
        Icon::Bin => {
            line(&[(2.5, 4.5), (13.5, 4.5)]);
            line(&[(6.0, 4.5), (6.0, 2.5), (10.0, 2.5), (10.0, 4.5)]);
            line(&[(4.0, 4.5), (4.8, 13.8), (11.2, 13.8), (12.0, 4.5)]);
        }
        Icon::Paint => {
            line(&[(13.8, 2.2), (7.2, 8.8)]);
            line(&[
                (7.2, 8.8),
                (4.6, 9.2),
                (3.6, 11.6),
                (2.0, 13.2),
                (5.6, 13.4),
                (7.6, 12.0),
                (7.2, 8.8),
            ]);
        }
        Icon::Grow => {
            painter.circle_filled(at(8.0, 8.0), 1.6 * unit, color);
            painter.circle_stroke(at(8.0, 8.0), 5.8 * unit, stroke);
            line(&[(8.0, 4.6), (8.0, 2.2)]);
            line(&[(8.0, 11.4), (8.0, 13.8)]);
            line(&[(4.6, 8.0), (2.2, 8.0)]);
            line(&[(11.4, 8.0), (13.8, 8.0)]);
        }
        Icon::Prompt => {
            line(&[(5.0, 2.2), (5.0, 8.8)]);
            line(&[(1.7, 5.5), (8.3, 5.5)]);
            line(&[(8.2, 11.6), (14.4, 11.6)]);
        }
        Icon::Trace => {
            line(&[
                (3.0, 9.0),
                (4.2, 4.6),
                (8.4, 2.6),
                (12.6, 5.0),
                (13.2, 9.4),
                (9.6, 13.2),
                (5.0, 12.4),
                (3.0, 9.0),
            ]);
            painter.circle_filled(at(13.0, 8.2), 1.8 * unit, color);
        }
        Icon::Wire => {
            line(&[
                (3.0, 12.6),
                (3.6, 8.6),
                (5.4, 6.6),
                (7.2, 6.8),
                (8.8, 5.6),
                (9.6, 3.4),
                (12.8, 3.0),
            ]);
            for (x, y) in [(3.0, 12.6), (7.2, 6.8), (12.8, 3.0)] {
                painter.circle_filled(at(x, y), 1.8 * unit, color);
            }
        }
        Icon::Scissors => {
            painter.circle_stroke(at(4.2, 12.0), 1.9 * unit, stroke);
            painter.circle_stroke(at(11.8, 12.0), 1.9 * unit, stroke);
            line(&[(5.2, 10.4), (11.0, 2.2)]);
            line(&[(10.8, 10.4), (5.0, 2.2)]);
        }
        Icon::Eraser => {
            line(&[
                (9.2, 2.6),
                (13.6, 7.0),
                (7.6, 13.0),
                (5.4, 13.0),
                (2.4, 10.0),
                (9.2, 2.6),
            ]);
            line(&[(5.6, 6.4), (10.0, 10.8)]);
            line(&[(5.4, 13.4), (13.6, 13.4)]);
        }
        Icon::EyeShut => {
            line(&[
                (1.8, 7.0),
                (4.8, 9.8),
                (8.0, 10.6),
                (11.2, 9.8),
                (14.2, 7.0),
            ]);
            line(&[(8.0, 10.6), (8.0, 13.0)]);
            line(&[(4.4, 9.6), (3.0, 11.6)]);
            line(&[(11.6, 9.6), (13.0, 11.6)]);
        }
        Icon::Close => {
            line(&[(4.0, 4.0), (12.0, 12.0)]);
            line(&[(12.0, 4.0), (4.0, 12.0)]);
        }
        Icon::Warning => {
            line(&[(8.0, 2.0), (14.5, 13.5), (1.5, 13.5), (8.0, 2.0)]);
            line(&[(8.0, 6.0), (8.0, 9.8)]);
            painter.circle_filled(at(8.0, 11.6), 0.9 * unit, color);
        }
    }
}

/// The icon of a kind of object.
pub const fn of_object(kind: ObjectKind) -> Icon {
    match kind {
        ObjectKind::Report => Icon::Report,
        ObjectKind::KeyObjects => Icon::Key,
        ObjectKind::Document => Icon::Page,
        ObjectKind::PresentationState => Icon::Brush,
        ObjectKind::Segmentation => Icon::Segments,
        ObjectKind::Surface | ObjectKind::Tractography => Icon::Surface,
        ObjectKind::StructureSet => Icon::Outline,
        ObjectKind::Plan
        | ObjectKind::Dose
        | ObjectKind::TreatmentRecord
        | ObjectKind::Radiotherapy => Icon::Beam,
        ObjectKind::Waveform => Icon::Wave,
        ObjectKind::Registration => Icon::Register,
        ObjectKind::ValueMapping | ObjectKind::Measurements => Icon::Chart,
        ObjectKind::HangingProtocol | ObjectKind::Picture => Icon::Four,
        ObjectKind::ColorPalette => Icon::Palette,
        ObjectKind::RawData | ObjectKind::Other => Icon::Tree,
    }
}

fn half_disc(painter: &Painter, centre: Pos2, radius: f32, color: Color32) {
    let points: Vec<Pos2> = (0..=16)
        .map(|i| {
            let a = (-90.0 + 180.0 * i as f32 / 16.0f32).to_radians();
            pos2(centre.x + radius * a.cos(), centre.y + radius * a.sin())
        })
        .collect();
    painter.add(Shape::convex_polygon(points, color, Stroke::NONE));
}
