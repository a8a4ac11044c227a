//! The drawn marks of a cell, kept as triangles while nothing changes that they depend on.
//!
//! Hundreds of marks with their texts are most of what a frame has to lay out and to cut into triangles; in nearly all
//! frames they look as they did in the one before. What the hand touches (the mark under the pointer, the one in the
//! hand, the one that is being drawn) is drawn over them in each frame and throws nothing away. What looks the same for a
//! second frame goes into buffers of its own.
//!
//! Must stay true: what was kept is drawn for what [`Seen::allows`] and for the same letters in the font texture only.

use super::{
    Rest, TEXT_PT,
    buffer::{Buffer, Toolkit},
    resting, touched,
};
use crate::{
    gpu::GpuContext,
    i18n::Language,
    model::annotation::AnnotationId,
    ui::context::UiContext,
    workspace::{label_schema::LabelSchema, measuring::site::Site},
};
use egui::{
    Color32, FontId, Galley, Id, LayerId, Mesh, Order, Painter, Rect, Shape, epaint::Primitive,
};
use std::{collections::HashMap, sync::Arc};

/// How much more room than the texts of the corners take may be kept free for them, square points: three short lines.
const SPARE: f32 = 4500.0;

/// All that the drawing of the marks of a cell at rest depends on.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Seen {
    /// Revision of the marks, and how often their numbers changed.
    revisions: [u64; 2],
    /// Marks are drawn at all.
    pub(super) shown: bool,
    /// The view.
    pub(super) site: Site,
    /// The cell, where texts may stand in it, and what of it is seen, points.
    pub(super) rect: Rect,
    pub(super) room: Rect,
    clip: Rect,
    /// Pixels per point.
    pub(super) scale: f32,
    /// The mark that is drawn otherwise, and the one in the hand, which is not among those at rest.
    pub(super) selected: Option<AnnotationId>,
    pub(super) held: Option<AnnotationId>,
    language: Language,
    /// The classes whose colours marks have.
    schema: Arc<LabelSchema>,
    /// Names are hidden.
    hide_identity: bool,
    /// Where other text stands.
    pub(super) corners: Vec<Rect>,
}

impl Seen {
    /// The classes whose colours marks have.
    pub(super) const fn schema(&self) -> &Arc<LabelSchema> {
        &self.schema
    }

    /// A cell as it is now. `corners` is where other text stands.
    pub(super) fn of(
        context: &UiContext<'_>,
        painter: &Painter,
        site: Site,
        (rect, room): (Rect, Rect),
        corners: Vec<Rect>,
    ) -> Self {
        let workspace = context.workspace;
        let held = context.state.marks.held.as_ref();
        Self {
            revisions: [workspace.marks.revision(), workspace.measuring.changes()],
            shown: workspace.measuring.shown,
            site,
            rect,
            room,
            clip: painter.clip_rect(),
            scale: painter.pixels_per_point(),
            selected: workspace.marks.selected.clone(),
            held: held.filter(|held| held.moved).map(|held| held.id.clone()),
            language: context.language(),
            schema: workspace.labelling.schema.clone(),
            hide_identity: workspace.settings.hide_identity,
            corners,
        }
    }

    /// Whether marks that were drawn for this are right for `now`: all is the same, but for texts of corners that take
    /// somewhat less than the room that is free for them. The numbers of a window do so while it is dragged.
    fn allows(&self, now: &Self) -> bool {
        // All of it, so that a field that is new is not forgotten here.
        let Self {
            revisions,
            shown,
            site,
            rect,
            room,
            clip,
            scale,
            selected,
            held,
            language,
            schema,
            hide_identity,
            corners,
        } = self;
        let area = |corners: &[Rect]| corners.iter().map(|rect| rect.area()).sum::<f32>();
        let free = |text: &Rect| corners.iter().any(|kept| kept.contains_rect(*text));
        *revisions == now.revisions
            && *shown == now.shown
            && *site == now.site
            && *rect == now.rect
            && *room == now.room
            && *clip == now.clip
            && *scale == now.scale
            && *selected == now.selected
            && *held == now.held
            && *language == now.language
            && Arc::ptr_eq(schema, &now.schema)
            && *hide_identity == now.hide_identity
            && now.corners.iter().all(free)
            && area(corners) - area(&now.corners) <= SPARE
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

/// The marks of a cell at rest, as triangles.
pub(super) struct Kept {
    seen: Seen,
    letters: Letters,
    meshes: Vec<Arc<Mesh>>,
    /// The same on the device, once they were drawn a second time.
    buffer: Option<Arc<Buffer>>,
    pub(super) rest: Rest,
}

impl Kept {
    /// Draws marks with `draw` on a layer of their own, out of which they are taken again at once.
    fn new(
        painter: &Painter,
        cell: usize,
        seen: Seen,
        draw: impl FnOnce(&Painter, &Seen) -> Rest,
    ) -> Self {
        let layer = LayerId::new(Order::Background, Id::unique(("marks to be kept", cell)));
        let mut aside = painter.clone();
        aside.set_layer_id(layer);
        let rest = draw(&aside, &seen);
        let ctx = painter.ctx();
        let list = ctx.graphics_mut(|layers| std::mem::take(layers.entry(layer)));
        let shapes = list.all_entries().cloned().collect();
        let triangles = ctx.tessellate(shapes, seen.scale);
        let meshes = triangles.into_iter().filter_map(|one| match one.primitive {
            Primitive::Mesh(mesh) => Some(Arc::new(mesh)),
            Primitive::Callback(_) => None,
        });
        Self {
            meshes: meshes.collect(),
            buffer: None,
            seen,
            // New letters may have made the texture grow.
            letters: Letters::now(painter),
            rest,
        }
    }

    /// Whether the triangles are still right.
    fn fits(&self, painter: &Painter, now: &Seen) -> bool {
        self.seen.allows(now) && self.letters.are(&Letters::now(painter))
    }

    /// Draws them from buffers of their own, which are made now if there are none.
    fn draw_kept(&mut self, painter: &Painter, gpu: &GpuContext, toolkit: Option<&Toolkit>) {
        let Some(toolkit) = toolkit else {
            return self.draw(painter);
        };
        if self.buffer.is_none() {
            self.buffer = Buffer::new(gpu, &self.meshes).map(Arc::new);
        }
        let rect = self.seen.rect;
        let drawn = self.buffer.as_ref();
        if !drawn.is_some_and(|buffer| buffer.draw(painter, rect, toolkit)) {
            self.draw(painter);
        }
    }

    fn draw(&self, painter: &Painter) {
        for mesh in &self.meshes {
            painter.add(Shape::Mesh(Arc::clone(mesh)));
        }
    }
}

/// Draws the marks of a cell, those at rest from what was kept where that is still right; their texts come back.
pub(super) fn paint(
    context: &mut UiContext<'_>,
    painter: &Painter,
    cell: usize,
    seen: Seen,
) -> String {
    let before = context.state.marks.kept.remove(&cell);
    // A picture that leaves is drawn with textures of its own.
    let leaving = context.state.leaving;
    let toolkit = context.state.toolkit.clone().filter(|_| !leaving);
    let mut kept = match before {
        Some(mut kept) if kept.fits(painter, &seen) => {
            kept.draw_kept(painter, &context.workspace.gpu, toolkit.as_ref());
            kept
        }
        before => {
            context.state.marks.drawn += 1;
            let stands = before.map_or_else(HashMap::new, |kept| kept.rest.stands);
            let kept = Kept::new(painter, cell, seen, |aside, seen| {
                resting(context, aside, seen, &stands)
            });
            kept.draw(painter);
            kept
        }
    };
    let touched = touched(context, painter, cell, &kept.seen, &mut kept.rest);
    let mut texts = kept.rest.texts.clone();
    if let Some(text) = touched {
        if !texts.is_empty() {
            texts.push('\n');
        }
        texts.push_str(&text);
    }
    context.state.marks.kept.insert(cell, kept);
    texts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::marks::labels::Taken;
    use egui::{Context, RawInput, pos2, vec2};

    const CELL: Rect = Rect::from_min_max(pos2(0.0, 0.0), pos2(400.0, 300.0));

    fn id(name: &str) -> Option<AnnotationId> {
        Some(AnnotationId(name.to_owned()))
    }

    static SCHEMA: std::sync::LazyLock<Arc<LabelSchema>> = std::sync::LazyLock::new(Arc::default);

    fn seen() -> Seen {
        Seen {
            revisions: [3, 5],
            shown: true,
            site: Site::default(),
            rect: CELL,
            room: CELL.shrink(8.0),
            clip: CELL,
            scale: 1.0,
            selected: id("a"),
            held: None,
            language: Language::English,
            schema: SCHEMA.clone(),
            hide_identity: false,
            corners: vec![Rect::from_min_size(pos2(9.0, 6.0), vec2(128.0, 17.0))],
        }
    }

    /// Runs a frame with a painter.
    fn frame<T>(ctx: &Context, mut run: impl FnMut(&Painter) -> T) -> (T, usize) {
        let input = RawInput {
            screen_rect: Some(CELL),
            ..Default::default()
        };
        let mut result = None;
        let output = ctx.run_ui(input, |ui| result = Some(run(ui.painter())));
        (result.unwrap(), output.shapes.len())
    }

    /// Draws a text, as marks do.
    fn write(painter: &Painter, _: &Seen) -> Rest {
        let line = painter.layout_no_wrap(
            "12.3 mm".into(),
            FontId::proportional(TEXT_PT),
            Color32::WHITE,
        );
        painter.galley(pos2(20.0, 20.0), line, Color32::WHITE);
        Rest {
            texts: "12.3 mm".into(),
            stands: HashMap::new(),
            taken: Taken::new(CELL),
            short: false,
        }
    }

    #[test]
    fn marks_are_drawn_anew_for_all_that_they_depend_on() {
        let changes: [(&str, fn(&mut Seen)); 14] = [
            ("a mark", |s| s.revisions[0] += 1),
            ("a number", |s| s.revisions[1] += 1),
            ("shown", |s| s.shown = false),
            ("another frame", |s| s.site.target.frame += 1),
            ("thickness", |s| s.site.half_mm += 1.0),
            ("the cell", |s| s.rect.max.x += 1.0),
            ("the room", |s| s.room.max.x += 1.0),
            ("what is seen of it", |s| s.clip.max.x += 1.0),
            ("scale", |s| s.scale = 1.25),
            ("the selection", |s| s.selected = id("b")),
            ("the hand", |s| s.held = id("a")),
            ("language", |s| s.language = Language::SimplifiedChinese),
            ("identity", |s| s.hide_identity = true),
            ("corners", |s| s.corners.push(CELL)),
        ];
        assert!(seen().allows(&seen()));
        for (what, change) in changes {
            let mut now = seen();
            change(&mut now);
            assert!(!seen().allows(&now), "{what}");
            assert!(!now.allows(&seen()), "{what}, back");
        }
    }

    #[test]
    fn a_corner_text_may_become_somewhat_shorter_but_never_longer() {
        for (by, allowed) in [(0.0, true), (-32.0, true), (-96.0, true), (32.0, false)] {
            let mut now = seen();
            now.corners[0].max.x += by;
            assert_eq!(seen().allows(&now), allowed, "{by}");
        }
        // Lines that come and go, up to some.
        let line = |n: f32| seen().corners[0].translate(vec2(0.0, 17.0 * n));
        let mut kept = seen();
        kept.corners.extend([line(1.0), line(2.0)]);
        assert!(kept.allows(&seen()));
        kept.corners.push(line(3.0));
        assert!(!kept.allows(&seen()), "too much is kept free");
        let mut now = seen();
        now.corners[0] = now.corners[0].translate(vec2(0.0, 17.0));
        assert!(!seen().allows(&now), "another line");
    }

    #[test]
    fn what_did_not_change_is_the_same_mesh() {
        let ctx = Context::default();
        // The first frame makes the font texture.
        frame(&ctx, |_| ());
        let (kept, shapes) = frame(&ctx, |painter| Kept::new(painter, 0, seen(), write));
        assert_eq!(shapes, 0, "what was drawn aside is not in the frame");
        assert_eq!(kept.meshes.len(), 1);
        let corners = kept.meshes[0].vertices.len();
        assert!(corners >= 6 * 4, "{corners}");
        for _ in 0..3 {
            let (drawn, shapes) = frame(&ctx, |painter| {
                assert!(kept.fits(painter, &seen()));
                kept.draw(painter);
                painter.ctx().graphics(|layers| {
                    let list = layers.get(painter.layer_id()).unwrap();
                    list.all_entries().last().cloned().unwrap().shape
                })
            });
            assert_eq!(shapes, 1);
            let Shape::Mesh(mesh) = drawn else {
                panic!("no mesh: {drawn:?}");
            };
            assert!(Arc::ptr_eq(&mesh, &kept.meshes[0]));
        }
        // The same view with letters of another size in the texture.
        ctx.set_zoom_factor(2.0);
        frame(&ctx, |_| ());
        frame(&ctx, |painter| assert!(!kept.fits(painter, &seen())));
    }
}
