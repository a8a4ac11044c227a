//! The drawn marks of a cell, kept as triangles while nothing changes that they depend on.
//!
//! Hundreds of marks with their texts are most of what a frame has to lay out and to cut into triangles; in nearly all
//! frames they look as they did in the one before.
//!
//! Must stay true: what was kept is drawn for the very same [`Seen`] and the same letters in the font texture only. While
//! a hand draws or moves a mark nothing is kept.

use super::{TEXT_PT, paint_to};
use crate::{
    i18n::Language, model::annotation::AnnotationId, ui::context::UiContext,
    workspace::measuring::site::Site,
};
use egui::{
    Color32, FontId, Galley, Id, LayerId, Mesh, Order, Painter, Rect, Shape, epaint::Primitive,
};
use std::sync::Arc;

/// All that the drawing of the marks of a cell depends on.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Seen {
    /// Revision of the marks, and how often their numbers changed.
    revisions: [u64; 2],
    /// Marks are drawn at all.
    shown: bool,
    /// The view.
    pub(super) site: Site,
    /// The cell, where texts may stand in it, and what of it is seen, points.
    pub(super) rect: Rect,
    pub(super) room: Rect,
    clip: Rect,
    /// Pixels per point.
    pub(super) scale: f32,
    /// The marks that are drawn otherwise.
    chosen: [Option<AnnotationId>; 2],
    language: Language,
    /// Where other text stands.
    pub(super) corners: Vec<Rect>,
}

impl Seen {
    /// A cell as it is now. `corners` is where other text stands.
    pub(super) fn of(
        context: &UiContext<'_>,
        painter: &Painter,
        site: Site,
        (rect, room): (Rect, Rect),
        corners: Vec<Rect>,
    ) -> Self {
        let workspace = context.workspace;
        let hover = context.state.marks.hover.as_ref();
        Self {
            revisions: [workspace.marks.revision(), workspace.measuring.changes()],
            shown: workspace.measuring.shown,
            site,
            rect,
            room,
            clip: painter.clip_rect(),
            scale: painter.pixels_per_point(),
            chosen: [
                workspace.marks.selected.clone(),
                hover.map(|(_, id)| id.clone()),
            ],
            language: context.language(),
            corners,
        }
    }
}

/// Which letters stand where in the font texture: where that was begun anew, triangles of before show other letters.
struct Letters {
    size: [usize; 2],
    one: Arc<Galley>,
}

impl Letters {
    fn now(painter: &Painter) -> Self {
        let font = FontId::proportional(TEXT_PT);
        Self {
            size: painter.fonts_mut(|fonts| fonts.font_image_size()),
            // The toolkit keeps what is laid out in every frame, and forgets all of it with the texture.
            one: painter.layout_no_wrap("…".to_owned(), font, Color32::PLACEHOLDER),
        }
    }

    fn are(&self, other: &Self) -> bool {
        self.size == other.size && Arc::ptr_eq(&self.one, &other.one)
    }
}

/// The marks of a cell as triangles.
pub(super) struct Kept {
    seen: Seen,
    letters: Letters,
    meshes: Vec<Arc<Mesh>>,
    texts: Vec<String>,
}

/// Draws the marks of a cell, from what was kept where that is still right; their texts come back.
pub(super) fn paint(
    context: &mut UiContext<'_>,
    painter: &Painter,
    cell: usize,
    seen: Seen,
) -> Vec<String> {
    let marks = &context.state.marks;
    if marks.draft.is_some() || marks.held.is_some() {
        context.state.marks.kept.remove(&cell);
        return paint_to(context, painter, cell, &seen);
    }
    let letters = Letters::now(painter);
    if let Some(kept) = marks.kept.get(&cell)
        && kept.seen == seen
        && kept.letters.are(&letters)
    {
        draw(painter, &kept.meshes);
        return kept.texts.clone();
    }
    // On a layer of their own, out of which they are taken again at once.
    let layer = LayerId::new(Order::Background, Id::unique(("marks to be kept", cell)));
    let mut aside = painter.clone();
    aside.set_layer_id(layer);
    let texts = paint_to(context, &aside, cell, &seen);
    let ctx = painter.ctx();
    let list = ctx.graphics_mut(|layers| std::mem::take(layers.entry(layer)));
    let shapes = list.all_entries().cloned().collect();
    let triangles = ctx.tessellate(shapes, seen.scale);
    let meshes = triangles.into_iter().filter_map(|one| match one.primitive {
        Primitive::Mesh(mesh) => Some(Arc::new(mesh)),
        Primitive::Callback(_) => None,
    });
    let kept = Kept {
        seen,
        // New letters may have made the texture grow.
        letters: Letters::now(painter),
        meshes: meshes.collect(),
        texts,
    };
    draw(painter, &kept.meshes);
    let texts = kept.texts.clone();
    context.state.marks.kept.insert(cell, kept);
    texts
}

fn draw(painter: &Painter, meshes: &[Arc<Mesh>]) {
    for mesh in meshes {
        painter.add(Shape::Mesh(Arc::clone(mesh)));
    }
}
