//! Text that is read on any picture: with a dark edge around it.
//!
//! Letters lie in a texture of their own, each with its edge: so a line takes two rectangles a letter, where drawing it
//! again and again, shifted to all sides, takes five. Hundreds of marks have many letters.
//!
//! Must stay true: both ways give the same picture. What finds no room in the texture is drawn in the plain way.

use egui::{
    Align2, Color32, ColorImage, Context, FontId, Galley, Id, Mesh, Painter, Pos2, Rect, Shape,
    TextureHandle, TextureOptions, Vec2, ViewportId, epaint::text::PlacedRow, pos2, vec2,
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Opacity of each of the four copies that make the edge.
const EDGE: u8 = 220;
/// Where they are drawn, points. All around: amber on a light radiograph is read by its dark edge. Four copies across the
/// corners are as dark as eight.
const AROUND: [(f32, f32); 4] = [(-1.0, -1.0), (1.0, -1.0), (-1.0, 1.0), (1.0, 1.0)];
/// Side of the texture at one pixel a point.
const SIDE: usize = 512;

/// A line of text as [`draw`] takes it.
pub fn line(painter: &Painter, text: String, size: f32) -> Arc<Galley> {
    painter.layout_no_wrap(text, FontId::proportional(size), Color32::PLACEHOLDER)
}

/// Draws a line of text with a dark halo over a picture.
pub fn draw(painter: &Painter, at: Pos2, line: Arc<Galley>, color: Color32) {
    draw_all(painter, vec![(at, line, color)]);
}

/// Draws lines of text with a dark halo over a picture, all at once: the toolkit then has one shape to look at.
pub fn draw_all(painter: &Painter, lines: Vec<(Pos2, Arc<Galley>, Color32)>) {
    painter.extend(shapes(painter, lines));
}

/// The shapes of such lines.
pub fn shapes(painter: &Painter, lines: Vec<(Pos2, Arc<Galley>, Color32)>) -> Vec<Shape> {
    let mut mesh = Mesh::default();
    let glyphs = |line: &Galley| line.rows.iter().map(|row| row.glyphs.len()).sum::<usize>();
    let count: usize = lines.iter().map(|(_, line, _)| glyphs(line)).sum();
    mesh.reserve_triangles(count * 4);
    mesh.reserve_vertices(count * 8);
    let mut plain = Vec::new();
    letters(painter, |letters, ctx| {
        for (at, line, color) in lines {
            if !letters.line(&mut mesh, at, &line, color, ctx) {
                plain.push((at, line, color));
            }
        }
    });
    let mut shapes = Vec::with_capacity(1 + plain.len() * 5);
    if !mesh.is_empty() {
        shapes.push(Shape::mesh(mesh));
    }
    for (at, line, color) in plain {
        shapes.extend(plain_shapes(at, line, color));
    }
    shapes
}

/// What is another one when lines that were laid out before are not what the toolkit would lay out now: its texture of
/// letters began anew, or the density of pixels is another one.
#[derive(Clone)]
pub struct Epoch(Arc<Galley>);

impl Epoch {
    /// That of now.
    pub fn now(painter: &Painter) -> Self {
        Self(first_line(painter))
    }
}

impl PartialEq for Epoch {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// What every frame lays out that has text over a picture.
fn first_line(painter: &Painter) -> Arc<Galley> {
    line(painter, "…".to_owned(), 13.0)
}

/// The same, letter by letter from the toolkit's texture.
fn plain_shapes(at: Pos2, line: Arc<Galley>, color: Color32) -> impl Iterator<Item = Shape> {
    let edge = Color32::from_black_alpha(EDGE);
    let around = AROUND.map(|(x, y)| Shape::galley(at + vec2(x, y), line.clone(), edge));
    around.into_iter().chain([Shape::galley(at, line, color)])
}

fn draw_plain(painter: &Painter, at: Pos2, line: Arc<Galley>, color: Color32) {
    painter.extend(plain_shapes(at, line, color));
}

/// Lays a text out and draws it with a dark halo; where it stands comes back. Anywhere in the window: its colours are
/// those of the theme.
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
    draw_plain(painter, rect.min, line, color);
    rect
}

/// The same over a picture.
pub fn over_picture(
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

/// The toolkit's texture of letters, looked at once for many.
#[derive(Default)]
struct Font {
    image: Option<ColorImage>,
}

impl Font {
    /// The coverage of a letter, row by row. A copy that was made before the letter was drawn has nothing in its place.
    fn letter(&mut self, ctx: &Context, [min, max]: [[u16; 2]; 2]) -> Vec<u8> {
        if let Some(image) = &self.image {
            let found = cut(image, min, max);
            if found.iter().any(|covered| *covered > 0) {
                return found;
            }
        }
        let image = self.image.insert(ctx.fonts(|fonts| fonts.image()));
        cut(image, min, max)
    }
}

fn cut(image: &ColorImage, min: [u16; 2], max: [u16; 2]) -> Vec<u8> {
    let [left, top] = min.map(usize::from);
    let [right, bottom] = max.map(usize::from);
    let width = image.size[0];
    let places = (top..bottom).flat_map(|y| (left..right).map(move |x| y * width + x));
    places
        .map(|at| image.pixels.get(at).map_or(0, Color32::a))
        .collect()
}

/// Where a letter and its edge lie in the texture, texels.
#[derive(Clone, Copy)]
struct Letter {
    body: [usize; 2],
    edge: [usize; 2],
}

/// A letter of a line, counted from where the line begins: places in points, and in the texture.
struct Placed {
    body: [Rect; 2],
    edge: [Rect; 2],
}

/// A line that was drawn before. It is kept alive, so that no other one comes to lie where it does.
struct KeptLine {
    _line: Arc<Galley>,
    letters: Vec<Placed>,
}

/// Lines of this frame and of those before it are found again; after so many others they are forgotten.
const LINES: usize = 512;

/// The letters of one window at one density of pixels.
struct Letters {
    texture: TextureHandle,
    side: usize,
    /// What the toolkit lays out anew when its texture begins anew: what is known of that is wrong then.
    first: Arc<Galley>,
    /// Pixels from a letter to each copy of it.
    reach: usize,
    known: HashMap<[[u16; 2]; 2], Option<Letter>>,
    /// Lines by their address, those that were drawn lately and those of the time before.
    lines: [HashMap<usize, KeptLine>; 2],
    /// Where the next one comes, and how high the row is.
    next: [usize; 2],
    height: usize,
    font: Font,
}

/// Each window lays its own lines out. Were the letters of several in one place, each would take those of the others for
/// old ones and throw them away before they are on the screen.
type AllLetters = Arc<Mutex<HashMap<(ViewportId, u32), Letters>>>;

/// Calls `run` with the letters of a painter's density of pixels.
fn letters(painter: &Painter, run: impl FnOnce(&mut Letters, &Context)) {
    let ctx = painter.ctx();
    let id = Id::unique("letters with edges");
    let all = ctx.data_mut(|data| data.get_temp_mut_or_default::<AllLetters>(id).clone());
    let scale = painter.pixels_per_point();
    let first = first_line(painter);
    let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
    let key = (ctx.viewport_id(), scale.to_bits());
    let still = |letters: &Letters| Arc::ptr_eq(&letters.first, &first);
    if !all.get(&key).is_some_and(still) {
        all.insert(key, Letters::new(ctx, scale, first));
    }
    let Some(letters) = all.get_mut(&key) else {
        return;
    };
    let before = letters.known.len();
    run(letters, ctx);
    if letters.known.len() == before {
        // A copy of the toolkit's texture is large: it is kept while texts bring new letters, and no longer.
        letters.font.image = None;
    }
}

impl Letters {
    fn new(ctx: &Context, scale: f32, first: Arc<Galley>) -> Self {
        let side = SIDE * (scale.ceil() as usize).clamp(1, 4);
        let empty = ColorImage::filled([side; 2], Color32::TRANSPARENT);
        let texture = ctx.load_texture("letters with edges", empty, TextureOptions::LINEAR);
        Self {
            texture,
            side,
            first,
            reach: (scale.round() as usize).max(1),
            known: HashMap::new(),
            lines: Default::default(),
            next: [0, 0],
            height: 0,
            font: Font::default(),
        }
    }

    /// Adds a line of text to a mesh; `false` when not all of its letters are in the texture.
    fn line(
        &mut self,
        mesh: &mut Mesh,
        at: Pos2,
        line: &Arc<Galley>,
        color: Color32,
        ctx: &Context,
    ) -> bool {
        let scale = line.pixels_per_point;
        // As the toolkit does: a line begins on a whole pixel.
        let at = vec2(
            (at.x * scale).round() / scale,
            (at.y * scale).round() / scale,
        );
        let key = Arc::as_ptr(line).addr();
        let [lately, before] = &mut self.lines;
        if !lately.contains_key(&key) {
            let kept = before.remove(&key).or_else(|| {
                let letters = self.placed(line, ctx)?;
                let line = line.clone();
                Some(KeptLine {
                    _line: line,
                    letters,
                })
            });
            let Some(kept) = kept else { return false };
            let [lately, before] = &mut self.lines;
            if lately.len() >= LINES {
                *before = std::mem::take(lately);
            }
            lately.insert(key, kept);
        }
        let Some(kept) = self.lines[0].get(&key) else {
            return false;
        };
        mesh.texture_id = self.texture.id();
        for letter in &kept.letters {
            let [place, uv] = letter.edge;
            mesh.add_rect_with_uv(place.translate(at), uv, Color32::WHITE);
        }
        // Over the edges of their neighbours.
        for letter in &kept.letters {
            let [place, uv] = letter.body;
            mesh.add_rect_with_uv(place.translate(at), uv, color);
        }
        true
    }

    /// The letters of a line; `None` when not all of them are in the texture.
    fn placed(&mut self, line: &Galley, ctx: &Context) -> Option<Vec<Placed>> {
        let scale = line.pixels_per_point;
        let side = self.side as f32;
        let reach = self.reach as f32 / scale;
        let mut placed = Vec::new();
        for row in &line.rows {
            for (place, of, same) in letters_of(row, scale) {
                if !same {
                    return None;
                }
                let known = self.known.get(&of).copied();
                let letter = known.unwrap_or_else(|| self.add(ctx, of))?;
                let [min, max] = of.map(|at| vec2(f32::from(at[0]), f32::from(at[1])));
                let texels = max - min;
                let uv = |[x, y]: [usize; 2], size: Vec2| {
                    let min = pos2(x as f32, y as f32);
                    Rect::from_min_max(
                        (min.to_vec2() / side).to_pos2(),
                        ((min + size).to_vec2() / side).to_pos2(),
                    )
                };
                let place = Rect::from_min_size(place, texels / scale);
                let around = texels + Vec2::splat(2.0 * self.reach as f32);
                placed.push(Placed {
                    body: [place, uv(letter.body, texels)],
                    edge: [place.expand(reach), uv(letter.edge, around)],
                });
            }
        }
        Some(placed)
    }

    /// Brings a letter of the toolkit's texture into this one, where there is room.
    fn add(&mut self, ctx: &Context, of: [[u16; 2]; 2]) -> Option<Letter> {
        let [min, max] = of;
        let [width, height] = [0, 1].map(|i| usize::from(max[i].saturating_sub(min[i])));
        let covered = self.font.letter(ctx, of);
        let reach = self.reach;
        let [wide, high] = [width + 2 * reach, height + 2 * reach];
        let body = covered.iter().map(|a| Color32::from_white_alpha(*a));
        let body = ColorImage::new([width, height], body.collect());
        let places = (0..high).flat_map(|y| (0..wide).map(move |x| (x, y)));
        let edge = places.map(|(x, y)| edge_at(&covered, [width, height], reach, [x, y]));
        let edge = ColorImage::new([wide, high], edge.collect());
        let room = self.room(wide, high).and_then(|edge| {
            let body = self.room(width, height)?;
            Some(Letter { body, edge })
        });
        if let Some(letter) = room {
            for (place, image) in [(letter.body, body), (letter.edge, edge)] {
                self.texture
                    .set_partial(place, image, TextureOptions::LINEAR);
            }
        }
        self.known.insert(of, room);
        room
    }

    /// Room in the texture, with nothing around it that filters could mix in.
    fn room(&mut self, width: usize, height: usize) -> Option<[usize; 2]> {
        if self.next[0] + width + 1 > self.side {
            self.next = [0, self.next[1] + self.height];
            self.height = 0;
        }
        let [x, y] = self.next;
        if x + width + 1 > self.side || y + height + 1 > self.side {
            return None;
        }
        self.next[0] += width + 1;
        self.height = self.height.max(height + 1);
        Some([x, y])
    }
}

/// The letters of a row: where each stands in its line, where it lies in the toolkit's texture, and whether it is drawn
/// texel by pixel in the colour of the text.
fn letters_of(row: &PlacedRow, scale: f32) -> impl Iterator<Item = (Pos2, [[u16; 2]; 2], bool)> {
    let letters = row
        .glyphs
        .iter()
        .filter(|glyph| !glyph.uv_rect.is_nothing());
    letters.filter_map(move |glyph| {
        let corner = row.visuals.mesh.vertices.get(glyph.first_vertex as usize)?;
        let of = [glyph.uv_rect.min, glyph.uv_rect.max];
        let [min, max] = of.map(|at| vec2(f32::from(at[0]), f32::from(at[1])));
        let same = (glyph.uv_rect.size * scale - (max - min)).length() < 0.01;
        let at = row.pos + corner.pos.to_vec2();
        Some((at, of, same && !glyph.is_color))
    })
}

/// The edge of a letter at a texel: four copies of it over each other, all black.
fn edge_at(
    covered: &[u8],
    [width, height]: [usize; 2],
    reach: usize,
    [x, y]: [usize; 2],
) -> Color32 {
    let mut light = 1.0;
    for (across, down) in [(0, 0), (2, 0), (0, 2), (2, 2)] {
        let column = x.checked_sub(across * reach).filter(|x| *x < width);
        let row = y.checked_sub(down * reach).filter(|y| *y < height);
        let at = column.zip(row).map(|(column, row)| row * width + column);
        let covered = at.and_then(|at| covered.get(at)).copied().unwrap_or(0);
        light *= 1.0 - f32::from(EDGE) / 255.0 * f32::from(covered) / 255.0;
    }
    Color32::from_black_alpha(((1.0 - light) * 255.0 + 0.5) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::{RawInput, Ui};
    use std::{cell::RefCell, rc::Rc};

    /// What a frame draws, and the textures it brings.
    fn frame(ctx: &Context, scale: f32, run: impl Fn(&Painter)) -> egui::FullOutput {
        frame_of(ctx, ViewportId::ROOT, scale, |ui| run(ui.painter()))
    }

    fn frame_of(
        ctx: &Context,
        viewport_id: ViewportId,
        scale: f32,
        run: impl FnMut(&mut Ui),
    ) -> egui::FullOutput {
        let mut input = RawInput {
            viewport_id,
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, vec2(300.0, 200.0))),
            ..Default::default()
        };
        let viewport = input.viewports.entry(viewport_id).or_default();
        viewport.native_pixels_per_point = Some(scale);
        ctx.run_ui(input, run)
    }

    fn text(painter: &Painter, text: &str) {
        let line = line(painter, text.into(), 13.0);
        draw(painter, pos2(20.3, 30.6), line, Color32::YELLOW);
    }

    #[test]
    fn a_line_takes_two_rectangles_a_letter_and_is_one_mesh() {
        let ctx = Context::default();
        frame(&ctx, 1.0, |_| ());
        let output = frame(&ctx, 1.0, |painter| text(painter, "12.3 mm"));
        let [shape] = output.shapes.as_slice() else {
            panic!("{} shapes", output.shapes.len());
        };
        let Shape::Mesh(mesh) = &shape.shape else {
            panic!("{:?}", shape.shape);
        };
        assert_eq!(mesh.vertices.len(), 6 * 2 * 4);
        assert!(mesh.is_valid());
        // Edges first; every rectangle lies on whole pixels and has as many texels as pixels.
        let side = SIDE as f32;
        for (n, corners) in mesh.vertices.chunks(4).enumerate() {
            let (a, b) = (corners[0], corners[3]);
            assert_eq!(
                corners[0].color,
                [Color32::YELLOW, Color32::WHITE][usize::from(n < 6)]
            );
            assert_eq!(a.pos, a.pos.round());
            let texels = (b.uv - a.uv) * side;
            assert!((texels - (b.pos - a.pos)).length() < 1e-3, "{texels}");
        }
        // The second time everything is there already.
        let again = frame(&ctx, 1.0, |painter| text(painter, "12.3 mm"));
        assert!(again.textures_delta.set.is_empty());
    }

    #[test]
    fn the_edge_is_four_copies_of_the_letter_over_each_other() {
        let at = |covered: &[u8; 4], x, y| edge_at(covered, [2, 2], 1, [x, y]).a();
        // One texel, half covered: one copy in each corner, 220/255 * 128/255 of the light gone.
        let half = [128, 0, 0, 0];
        let found: Vec<u8> = (0..16).map(|n| at(&half, n % 4, n / 4)).collect();
        assert_eq!(
            found,
            [110, 0, 110, 0, 0, 0, 0, 0, 110, 0, 110, 0, 0, 0, 0, 0]
        );
        // Where two copies lie over each other the second takes its share of what the first let through: the left end of a
        // line of three texels, shifted to the right, and its right end, shifted to the left.
        let line: Vec<u8> = (0..5)
            .map(|x| edge_at(&[255, 0, 255], [3, 1], 1, [x, 0]).a())
            .collect();
        let one = 1.0 - 220.0 / 255.0;
        let both = ((1.0 - one * one) * 255.0_f64).round() as u8;
        assert_eq!(line, [220, 0, both, 0, 220]);
    }

    #[test]
    fn where_there_is_no_room_letters_are_drawn_in_the_plain_way() {
        let ctx = Context::default();
        frame(&ctx, 1.0, |_| ());
        let output = frame(&ctx, 1.0, |painter| {
            for size in [13.0, 40.0, 90.0, 150.0, 200.0] {
                for letter in ["A", "B", "C", "D", "E", "F", "G", "H", "W", "M"] {
                    let line = line(painter, letter.into(), size);
                    draw(painter, pos2(10.0, 10.0), line, Color32::WHITE);
                }
            }
        });
        let plain = |shape: &egui::epaint::ClippedShape| matches!(shape.shape, Shape::Text(_));
        let count = output.shapes.iter().filter(|shape| plain(shape)).count();
        assert!(count > 0 && count.is_multiple_of(5), "{count}");
        assert!(output.shapes.len() > count, "the first ones had room");
    }

    #[test]
    fn a_second_window_leaves_the_letters_of_the_first_alone() {
        let ctx = Context::default();
        ctx.set_embed_viewports(false);
        // What the second window draws while the first one does, in the order of the toolkit.
        let seconds = Rc::new(RefCell::new(Vec::new()));
        let into = seconds.clone();
        Context::set_immediate_viewport_renderer(move |ctx, mut window| {
            let output = frame_of(ctx, window.ids.this, 1.0, |ui| (window.viewport_ui_cb)(ui));
            into.borrow_mut().push(output);
        });
        let words = |ui: &Ui| text(ui.painter(), "R 12.3 mm");
        let firsts: Vec<egui::FullOutput> = (0..4)
            .map(|_| {
                frame_of(&ctx, ViewportId::ROOT, 1.0, |ui| {
                    words(ui);
                    let id = ViewportId::from_hash_of("a view of its own");
                    let window = egui::ViewportBuilder::default();
                    ctx.show_viewport_immediate(id, window, |ui, _| words(ui));
                })
            })
            .collect();
        let seconds = seconds.borrow();
        assert_eq!(seconds.len(), firsts.len());
        for outputs in [&firsts, &*seconds] {
            let mut textures = Vec::new();
            for output in outputs {
                assert!(output.textures_delta.free.is_empty());
                assert_eq!(output.shapes.len(), 1);
                textures.push(output.shapes[0].shape.texture_id());
            }
            textures.dedup();
            assert_eq!(textures.len(), 1);
        }
    }

    #[test]
    fn another_density_has_letters_of_its_own() {
        let ctx = Context::default();
        for scale in [1.0, 1.5, 2.0, 1.0] {
            frame(&ctx, scale, |_| ());
            let output = frame(&ctx, scale, |painter| text(painter, "AI 7"));
            assert_eq!(output.shapes.len(), 1, "{scale}");
            let bounds = output.shapes[0].shape.visual_bounding_rect();
            // From the place of the line, less the edge.
            assert!(bounds.min.x > 18.0 && bounds.max.x < 60.0, "{bounds}");
        }
    }
}
