//! The pen that draws marks: onto the window at once, or aside, where it is noted to which place of the picture each
//! shape belongs.
//!
//! Must stay true: what was drawn aside is cut into triangles in the order in which it was drawn, and every corner of
//! them has its anchor: the nearest place of the line, the end that a bar crosses, the point that a text stands beside.
//! A picture that drifts takes the anchors with it, and the rest keeps its distance from them.

use crate::ui::halo;
use egui::{
    Color32, Galley, Mesh, Painter, Pos2, Rect, Shape, TextureId,
    epaint::{PathShape, Tessellator},
};
use std::{cell::RefCell, sync::Arc};

/// What a shape belongs to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Anchor {
    /// To the places that it goes through itself.
    Along,
    /// To a place, from which all of it keeps its distance.
    At(Pos2),
    /// The same for letters, which stand on whole pixels.
    Letters(Pos2),
}

/// Shapes and what they belong to, in their order.
pub(super) type Drawn = Vec<(Shape, Anchor)>;

/// Draws marks.
pub(super) struct Pen<'a> {
    painter: &'a Painter,
    aside: Option<RefCell<Drawn>>,
}

impl<'a> Pen<'a> {
    /// A pen that draws at once.
    pub(super) const fn new(painter: &'a Painter) -> Self {
        let aside = None;
        Self { painter, aside }
    }

    /// A pen that draws aside.
    pub(super) const fn aside(painter: &'a Painter) -> Self {
        let aside = Some(RefCell::new(Vec::new()));
        Self { painter, aside }
    }

    /// What was drawn aside.
    pub(super) fn into_drawn(self) -> Drawn {
        self.aside.map(RefCell::into_inner).unwrap_or_default()
    }

    pub(super) const fn painter(&self) -> &'a Painter {
        self.painter
    }

    pub(super) fn add(&self, shape: Shape, anchor: Anchor) {
        match &self.aside {
            Some(aside) => aside.borrow_mut().push((shape, anchor)),
            None => {
                self.painter.add(shape);
            }
        }
    }

    pub(super) fn extend(&self, shapes: impl IntoIterator<Item = Shape>, anchor: Anchor) {
        match &self.aside {
            Some(aside) => {
                let shapes = shapes.into_iter().map(|shape| (shape, anchor));
                aside.borrow_mut().extend(shapes);
            }
            None => self.painter.extend(shapes),
        }
    }

    /// Draws lines of text with a dark halo, which belong to a place.
    pub(super) fn text(&self, lines: Vec<(Pos2, Arc<Galley>, Color32)>, of: Pos2) {
        self.extend(halo::shapes(self.painter, lines), Anchor::Letters(of));
    }
}

/// What corners of triangles belong to.
#[derive(Clone, Debug, PartialEq)]
enum Belongs {
    Place(Pos2),
    Letters(Pos2),
    Segment([Pos2; 2]),
    Path(Vec<Pos2>),
}

impl Belongs {
    fn of(shape: &Shape, anchor: Anchor) -> Self {
        match (anchor, shape) {
            (Anchor::At(place), _) => Self::Place(place),
            (Anchor::Letters(place), _) => Self::Letters(place),
            (Anchor::Along, Shape::LineSegment { points, .. }) => Self::Segment(*points),
            (Anchor::Along, Shape::Path(PathShape { points, .. })) if points.len() > 1 => {
                Self::Path(points.clone())
            }
            (Anchor::Along, shape) => Self::Place(shape.visual_bounding_rect().center()),
        }
    }
}

/// Triangles, and what their corners belong to.
#[derive(Default)]
pub(super) struct Cut {
    /// One for each change of the texture.
    pub(super) meshes: Vec<Arc<Mesh>>,
    /// What the corners up to a number, counted through all meshes, belong to.
    belongs: Vec<(usize, Belongs)>,
}

impl Cut {
    /// Cuts shapes into triangles; what is far from `sight` is left out.
    pub(super) fn new(painter: &Painter, drawn: Drawn, sight: Rect) -> Self {
        let options = painter.ctx().tessellation_options(|options| *options);
        let letters = painter.fonts_mut(|fonts| fonts.font_image_size());
        // Circles are cut too: the toolkit's picture of one does not keep its distance from anything.
        let discs = Vec::new();
        let scale = painter.pixels_per_point();
        let mut tessellator = Tessellator::new(scale, options, letters, discs);
        tessellator.set_clip_rect(sight);
        let mut meshes: Vec<Mesh> = Vec::new();
        let (mut belongs, mut before) = (Vec::with_capacity(drawn.len()), 0);
        for (shape, anchor) in drawn {
            let texture = match &shape {
                Shape::Mesh(mesh) => mesh.texture_id,
                _ => TextureId::default(),
            };
            if meshes.last().is_none_or(|mesh| mesh.texture_id != texture) {
                before += meshes.last().map_or(0, |mesh| mesh.vertices.len());
                meshes.push(Mesh::with_texture(texture));
            }
            let Some(mesh) = meshes.last_mut() else { break };
            let of = Belongs::of(&shape, anchor);
            tessellator.tessellate_shape(shape, mesh);
            belongs.push((before + mesh.vertices.len(), of));
        }
        meshes.retain(|mesh| !mesh.is_empty());
        Self {
            meshes: meshes.into_iter().map(Arc::new).collect(),
            belongs,
        }
    }

    /// The anchor of every corner, in their order: its place in points, and 1 where it moves by whole pixels only.
    pub(super) fn anchors(&self) -> Vec<[f32; 3]> {
        let corners = self.meshes.iter().flat_map(|mesh| &mesh.vertices);
        let mut anchors = Vec::with_capacity(corners.clone().count());
        let mut corners = corners.map(|corner| corner.pos);
        for (end, of) in &self.belongs {
            let mut at = 0;
            let some = end.saturating_sub(anchors.len());
            for corner in corners.by_ref().take(some) {
                let (place, whole) = match of {
                    Belongs::Place(place) => (*place, 0.0),
                    Belongs::Letters(place) => (*place, 1.0),
                    Belongs::Segment([from, to]) => (on_segment(corner, *from, *to), 0.0),
                    Belongs::Path(points) => (on_path(corner, points, &mut at), 0.0),
                };
                anchors.push([place.x, place.y, whole]);
            }
        }
        anchors
    }
}

/// The nearest place of a segment.
fn on_segment(at: Pos2, from: Pos2, to: Pos2) -> Pos2 {
    let step = to - from;
    let t = (at - from).dot(step) / step.length_sq().max(f32::MIN_POSITIVE);
    from + step * t.clamp(0.0, 1.0)
}

/// Corners come in the order of the points of their path: the place is looked for so many segments around the last one. At
/// the tip of a sharp bend one farther away may be half a point nearer, which is no matter.
const NEAR: usize = 3;

/// The nearest place of a path; `last` is the segment of the one before.
fn on_path(at: Pos2, points: &[Pos2], last: &mut usize) -> Pos2 {
    let from = last.saturating_sub(NEAR);
    let near = points.windows(2).enumerate().skip(from).take(2 * NEAR + 1);
    let places = near.filter_map(|(number, pair)| match pair {
        &[from, to] => Some((number, on_segment(at, from, to))),
        _ => None,
    });
    let nearest = places.min_by(|a, b| at.distance_sq(a.1).total_cmp(&at.distance_sq(b.1)));
    let (number, place) = nearest.unwrap_or((0, at));
    *last = number;
    place
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::{Context, RawInput, Stroke, pos2, vec2};

    /// Cuts what `draw` draws.
    fn cut(draw: impl Fn(&Pen<'_>)) -> Cut {
        let ctx = Context::default();
        let mut found = None;
        for _ in 0..2 {
            let _ = ctx.run_ui(RawInput::default(), |ui| {
                let pen = Pen::aside(ui.painter());
                draw(&pen);
                found = Some(Cut::new(ui.painter(), pen.into_drawn(), Rect::EVERYTHING));
            });
        }
        found.unwrap()
    }

    #[test]
    fn every_corner_belongs_to_the_line_that_it_is_cut_of() {
        let circle: Vec<Pos2> = (0..=64)
            .map(|i| {
                pos2(200.0, 200.0)
                    + egui::Vec2::angled(i as f32 / 64.0 * std::f32::consts::TAU) * 90.0
            })
            .collect();
        // A star has sharp corners, of which the toolkit makes two.
        let star: Vec<Pos2> = (0..=10)
            .map(|i| {
                pos2(500.0, 200.0) + egui::Vec2::angled(i as f32 * 0.628) * [80.0, 20.0][i % 2]
            })
            .collect();
        for path in [circle, star] {
            for width in [0.8, 1.5, 3.6] {
                let stroke = Stroke::new(width, Color32::WHITE);
                let cut = cut(|pen| pen.add(Shape::line(path.clone(), stroke), Anchor::Along));
                let anchors = cut.anchors();
                let corners = &cut.meshes[0].vertices;
                assert_eq!(anchors.len(), corners.len());
                for (corner, anchor) in corners.iter().zip(&anchors) {
                    let place = pos2(anchor[0], anchor[1]);
                    let nearest = path
                        .array_windows()
                        .map(|[a, b]| on_segment(corner.pos, *a, *b));
                    let least = nearest
                        .map(|p| p.distance(corner.pos))
                        .fold(f32::MAX, f32::min);
                    let far = place.distance(corner.pos);
                    assert!(far <= least + 0.5, "{far} {least}");
                    assert_eq!(anchor[2], 0.0);
                }
            }
        }
    }

    #[test]
    fn texts_and_bars_belong_to_their_place_whatever_comes_between() {
        let (one, other) = (pos2(40.0, 50.0), pos2(300.0, 60.0));
        let cut = cut(|pen| {
            let stroke = Stroke::new(1.5, Color32::WHITE);
            let bar = Shape::line_segment([one - vec2(0.0, 4.0), one + vec2(0.0, 4.0)], stroke);
            pen.add(bar, Anchor::At(one));
            let line = halo::line(pen.painter(), "12.3 mm".to_owned(), 13.0);
            pen.text(vec![(other + vec2(9.0, -8.0), line, Color32::WHITE)], other);
            pen.add(
                Shape::circle_filled(other, 2.0, Color32::RED),
                Anchor::Along,
            );
        });
        let anchors = cut.anchors();
        let count: usize = cut.meshes.iter().map(|mesh| mesh.vertices.len()).sum();
        assert_eq!(
            (anchors.len(), cut.meshes.len()),
            (count, 3),
            "letters have a texture of their own"
        );
        let of = |place: Pos2, whole: f32| {
            let same = |a: &&[f32; 3]| **a == [place.x, place.y, whole];
            anchors.iter().filter(same).count()
        };
        let [bar, text, dot] = [0, 1, 2].map(|at| cut.meshes[at].vertices.len());
        assert_eq!(
            [of(one, 0.0), of(other, 1.0), of(other, 0.0)],
            [bar, text, dot]
        );
        assert!(text >= 2 * 4 * 6);
    }
}
