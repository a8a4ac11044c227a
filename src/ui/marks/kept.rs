//! The drawn marks of a cell, kept as triangles while nothing changes that they depend on.
//!
//! Hundreds of marks with their texts are most of what a frame has to lay out and to cut into triangles; in nearly all
//! frames they look as they did in the one before. What the hand touches (the mark under the pointer, the one in the
//! hand, the one that is being drawn) is drawn over them in each frame and throws nothing away. What looks the same for a
//! second frame goes into buffers of its own. While a view is dragged or made larger the device moves what was drawn
//! ([`Afloat`]), for as far as it went not too far; in the first frame that it rests it is drawn anew.
//!
//! Must stay true: what was kept is drawn for what [`Kept::fits`] and for the same letters in the font texture only.

use super::{
    Rest, Stand, TEXT_PT,
    buffer::{Buffer, Device},
    pen::{Cut, Pen},
    resting, touched,
};
use crate::{
    i18n::Language,
    model::annotation::AnnotationId,
    render::Drifting,
    ui::context::UiContext,
    workspace::{label_schema::LabelSchema, measuring::site::Site},
};
use egui::{Color32, FontId, Galley, Painter, Pos2, Rect, Shape, Vec2};
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

    /// Whether marks that were drawn for this are right for `now`, but for the texts of corners and where the view looks.
    fn same_marks(&self, now: &Self) -> bool {
        // All of it, so that a field that is new is not forgotten here.
        let Self {
            revisions,
            shown,
            site: _,
            rect,
            room,
            clip,
            scale,
            selected,
            held,
            language,
            schema,
            hide_identity,
            corners: _,
        } = self;
        *revisions == now.revisions
            && *shown == now.shown
            && *rect == now.rect
            && *room == now.room
            && *clip == now.clip
            && *scale == now.scale
            && *selected == now.selected
            && *held == now.held
            && *language == now.language
            && Arc::ptr_eq(schema, &now.schema)
            && *hide_identity == now.hide_identity
    }

    /// Whether texts of marks that were placed for this stand right beside the corners of `now`: none of them lies under
    /// one, and where some found no room there is not much more of it now. The numbers of a window come and go while it
    /// is dragged, and what lies under the pointer does; no text of a mark is to jump for them.
    fn corners_allow(&self, now: &Self, rest: &Rest) -> bool {
        let area = |corners: &[Rect]| corners.iter().map(|rect| rect.area()).sum::<f32>();
        let known = |text: &Rect| self.corners.iter().any(|kept| kept.contains_rect(*text));
        let free = |text: &Rect| {
            let mut stands = rest.stands.values();
            !stands.any(|stand| stand.rect.intersects(*text))
        };
        let fits = now.corners.iter().all(|text| known(text) || free(text));
        let more = area(&self.corners) - area(&now.corners) > SPARE;
        fits && !(more && rest.stands.values().any(|stand| !stand.whole))
    }
}

/// How far what was drawn went with its picture, points of the window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Afloat {
    /// How much farther places are apart.
    scale: f32,
    /// Where the point (0, 0) is.
    by: Vec2,
}

/// Lines are as smooth, and texts as near to where they would be placed, as is worth while: up to so much larger or smaller.
const LARGER: f32 = 1.25;
/// And up to this part of the cell to each side: what comes into sight has no text yet.
const ASIDE: f32 = 0.25;

impl Afloat {
    /// Where a place is now.
    fn at(&self, before: Pos2) -> Pos2 {
        (before.to_vec2() * self.scale + self.by).to_pos2()
    }

    /// How far letters went that belong to a place: whole pixels, as `shaders/drift.wgsl` has it.
    pub(super) fn letters(&self, anchor: Pos2, pixels_per_point: f32) -> Vec2 {
        ((self.at(anchor) - anchor) * pixels_per_point).round() / pixels_per_point
    }

    /// From one view of a cell to another; `None` where that is no drift, or too far.
    fn from(before: &Seen, now: &Seen) -> Option<Self> {
        let drift = now.site.drift(&before.site)?;
        let origin = now.rect.min.to_vec2();
        let scale = drift.scale as f32;
        let by = Vec2::new(drift.by.x as f32, drift.by.y as f32) / now.scale;
        let afloat = Self {
            scale,
            by: origin * (1.0 - scale) + by,
        };
        let middle = now.rect.center();
        let went = (afloat.at(middle) - middle).abs();
        let most = now.rect.size() * ASIDE;
        let near = went.x <= most.x && went.y <= most.y;
        (near && (1.0 / LARGER..=LARGER).contains(&scale)).then_some(afloat)
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
    cut: Cut,
    /// The same on the device, once they were drawn a second time.
    buffer: Option<Arc<Buffer>>,
    /// Where the view looked when they were drawn adrift last.
    adrift: Option<Site>,
    pub(super) rest: Rest,
}

/// Around a cell so many times as much is kept of what is out of its sight as it may drift.
const AROUND: f32 = 2.0;

impl Kept {
    /// Draws marks with `draw`, aside.
    fn new(painter: &Painter, seen: Seen, draw: impl FnOnce(&Pen<'_>, &Seen) -> Rest) -> Self {
        let pen = Pen::aside(painter);
        let rest = draw(&pen, &seen);
        let sight = seen.clip.expand2(seen.rect.size() * ASIDE * AROUND);
        Self {
            cut: Cut::new(painter, pen.into_drawn(), sight),
            buffer: None,
            adrift: None,
            seen,
            // New letters may have made the texture grow.
            letters: Letters::now(painter),
            rest,
        }
    }

    /// Whether the triangles are still right.
    fn fits(&self, painter: &Painter, now: &Seen) -> bool {
        self.seen.site.is_same_sight(&now.site)
            && self.seen.same_marks(now)
            && self.seen.corners_allow(now, &self.rest)
            && self.letters.are(&Letters::now(painter))
    }

    /// How far the triangles went, where that is all that happened and they move on. When the view rests they are to be
    /// drawn anew: texts may stand where they should not.
    fn drift(&self, painter: &Painter, now: &Seen) -> Option<Afloat> {
        let is_here = |site: &Site| site.is_same_sight(&now.site);
        let rests = self.adrift.as_ref().is_some_and(is_here) || is_here(&self.seen.site);
        let same = !rests && self.seen.same_marks(now);
        let afloat = Afloat::from(&self.seen, now).filter(|_| same)?;
        self.letters.are(&Letters::now(painter)).then_some(afloat)
    }

    /// The buffers, which are made now if there are none.
    fn buffer(&mut self, device: &Device<'_>) -> Option<&Arc<Buffer>> {
        if self.buffer.is_none() {
            self.buffer = Buffer::new(device.gpu, &self.cut).map(Arc::new);
        }
        self.buffer.as_ref()
    }

    /// Draws them from buffers of their own.
    fn draw_kept(&mut self, painter: &Painter, device: Option<&Device<'_>>) {
        self.adrift = None;
        let rect = self.seen.rect;
        let drawn = device.is_some_and(|device| {
            let buffer = self.buffer(device);
            buffer.is_some_and(|buffer| buffer.draw(painter, rect, &device.toolkit))
        });
        if !drawn {
            self.draw(painter);
        }
    }

    /// Draws them where their picture is now; `false` when that cannot be.
    fn draw_adrift(
        &mut self,
        painter: &Painter,
        device: &Device<'_>,
        now: &Seen,
        afloat: Afloat,
    ) -> bool {
        let drift = (afloat.scale, afloat.by.into());
        let Some(buffer) = self.buffer(device).cloned() else {
            return false;
        };
        let drawn = buffer.draw_adrift(painter, now.rect, device, &self.cut, drift);
        if drawn {
            self.adrift = Some(now.site.clone());
            // Whether it rests is known in the next frame.
            painter.ctx().request_repaint();
        }
        drawn
    }

    fn draw(&self, painter: &Painter) {
        for mesh in &self.cut.meshes {
            painter.add(Shape::Mesh(Arc::clone(mesh)));
        }
    }
}

/// What draws from buffers; nothing where a picture leaves, which is drawn with textures of its own.
fn device<'a>(context: &mut UiContext<'a>) -> Option<Device<'a>> {
    let gpu = &context.workspace.gpu;
    let state = &mut *context.state;
    let toolkit = state.toolkit.clone().filter(|_| !state.leaving)?;
    if state.marks.drifting.is_none() {
        let drifting = Drifting::new(gpu, state.blit.format()).ok()?;
        state.marks.drifting = Some(Arc::new(drifting));
    }
    let drifting = state.marks.drifting.clone()?;
    Some(Device {
        gpu,
        toolkit,
        drifting,
    })
}

/// Draws the marks of a cell, those at rest from what was kept where that is still right; their texts come back.
pub(super) fn paint(
    context: &mut UiContext<'_>,
    painter: &Painter,
    cell: usize,
    seen: Seen,
) -> String {
    let before = context.state.marks.kept.remove(&cell);
    let mut drift = None;
    let mut kept = match before {
        Some(mut kept) if kept.fits(painter, &seen) => {
            kept.draw_kept(painter, device(context).as_ref());
            kept
        }
        Some(mut kept) => {
            drift = kept.drift(painter, &seen).filter(|afloat| {
                let device = device(context);
                device.is_some_and(|device| kept.draw_adrift(painter, &device, &seen, *afloat))
            });
            match drift {
                Some(_) => kept,
                None => anew(context, painter, seen.clone(), kept.rest.stands),
            }
        }
        None => anew(context, painter, seen.clone(), HashMap::new()),
    };
    let drawn = (&seen, drift);
    let touched = touched(context, painter, cell, drawn, &mut kept.rest);
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

/// Draws the marks of a cell anew; `stands` is where their texts stood.
fn anew(
    context: &mut UiContext<'_>,
    painter: &Painter,
    seen: Seen,
    stands: HashMap<AnnotationId, Stand>,
) -> Kept {
    context.state.marks.drawn += 1;
    let kept = Kept::new(painter, seen, |pen, seen| {
        resting(context, pen, seen, &stands)
    });
    kept.draw(painter);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::{halo, marks::labels::Taken};
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
    fn write(pen: &Pen<'_>, _: &Seen) -> Rest {
        let line = halo::line(pen.painter(), "12.3 mm".into(), TEXT_PT);
        let at = pos2(20.0, 20.0);
        pen.text(vec![(at, line, Color32::WHITE)], at);
        rest(Vec::new())
    }

    /// Marks whose texts stand there, all of them or a part.
    fn rest(stands: Vec<(Rect, bool)>) -> Rest {
        let stands = stands.into_iter().enumerate().map(|(at, (rect, whole))| {
            let stand = Stand {
                number: 0,
                rect,
                anchor: rect.min,
                whole,
            };
            (AnnotationId(format!("{at}")), stand)
        });
        Rest {
            texts: "12.3 mm".into(),
            stands: stands.collect(),
            taken: Taken::new(CELL),
            short: false,
        }
    }

    /// A lens that looks from there, so many millimetres a pixel.
    fn looks(at: (f64, f64), mm: f64) -> Site {
        let map = glam::DAffine3 {
            matrix3: glam::DMat3::from_diagonal(glam::DVec3::new(mm, mm, 1.0)),
            translation: glam::DVec3::new(at.0, at.1, 7.0),
        };
        let mut site = seen().site;
        site.patient = crate::tools::mark::Lens::new(map);
        site
    }

    #[test]
    fn marks_are_drawn_anew_for_all_that_they_depend_on() {
        let changes: [(&str, fn(&mut Seen)); 11] = [
            ("a mark", |s| s.revisions[0] += 1),
            ("a number", |s| s.revisions[1] += 1),
            ("shown", |s| s.shown = false),
            ("the cell", |s| s.rect.max.x += 1.0),
            ("the room", |s| s.room.max.x += 1.0),
            ("what is seen of it", |s| s.clip.max.x += 1.0),
            ("scale", |s| s.scale = 1.25),
            ("the selection", |s| s.selected = id("b")),
            ("the hand", |s| s.held = id("a")),
            ("language", |s| s.language = Language::SimplifiedChinese),
            ("identity", |s| s.hide_identity = true),
        ];
        assert!(seen().same_marks(&seen()));
        for (what, change) in changes {
            let mut now = seen();
            change(&mut now);
            assert!(!seen().same_marks(&now), "{what}");
            assert!(!now.same_marks(&seen()), "{what}, back");
        }
    }

    #[test]
    fn a_view_that_moves_takes_its_marks_along_until_it_rests_or_went_too_far() {
        let ctx = Context::default();
        frame(&ctx, |_| ());
        let at = |place: (f64, f64), mm: f64| Seen {
            site: looks(place, mm),
            ..seen()
        };
        let (mut kept, _) = frame(&ctx, |painter| {
            Kept::new(painter, at((0.0, 0.0), 0.5), write)
        });
        let (mut drift, _) = frame(&ctx, |painter| {
            let before = kept.adrift.clone();
            let drift = |now: &Seen| kept.drift(painter, now);
            assert_eq!(drift(&at((0.0, 0.0), 0.5)), None, "it is where it was");
            for (what, now) in [
                ("too large", at((0.0, 0.0), 0.3)),
                ("too small", at((0.0, 0.0), 0.7)),
                ("too far", at((60.0, 0.0), 0.5)),
                ("too far down", at((0.0, -45.0), 0.5)),
            ] {
                assert_eq!(drift(&now), None, "{what}");
            }
            let other: [(&str, fn(&mut Seen)); 4] = [
                ("another series", |s| s.site.target.series_uid += "1"),
                ("thickness", |s| s.site.half_mm += 1.0),
                ("no lens", |s| s.site.patient = None),
                ("another mark", |s| s.selected = id("b")),
            ];
            for (what, change) in other {
                let mut now = at((3.0, 2.0), 0.5);
                change(&mut now);
                assert_eq!(drift(&now), None, "{what}");
            }
            assert_eq!(before, None);
            // Which frame is the nearest to a cut is nothing that is seen of marks.
            let mut other_frame = at((3.0, 2.0), 0.5);
            other_frame.site.target.frame += 1;
            assert!(drift(&other_frame).is_some());
            other_frame.site.pixel = other_frame.site.patient;
            assert_eq!(
                drift(&other_frame),
                None,
                "marks in pixels are of one frame"
            );
            drift(&at((3.0, 2.0), 0.5)).unwrap()
        });
        // Six and four pixels to the left and up.
        assert_eq!((drift.scale, drift.by), (1.0, vec2(-6.0, -4.0)));
        assert_eq!(drift.at(pos2(10.0, 10.0)), pos2(4.0, 6.0));
        drift.by.x -= 0.4;
        assert_eq!(
            drift.letters(CELL.min, 1.0),
            vec2(-6.0, -4.0),
            "whole pixels"
        );
        assert_eq!(drift.letters(CELL.min, 2.5), vec2(-6.4, -4.0));
        // The same place in the frame after: it rests.
        let now = at((3.0, 2.0), 0.5);
        kept.adrift = Some(now.site.clone());
        frame(&ctx, |painter| {
            assert_eq!(kept.drift(painter, &now), None);
            assert!(
                kept.drift(painter, &at((3.0, 3.0), 0.5)).is_some(),
                "it moves on"
            );
        });
    }

    #[test]
    fn what_drifts_lies_where_the_lens_sees_it() {
        // In a cell that does not begin in the corner of the window, with pixels smaller than points.
        let place = Rect::from_min_size(pos2(300.0, 40.0), vec2(640.0, 480.0));
        let at = |site: Site| Seen {
            rect: place,
            scale: 1.5,
            site,
            ..seen()
        };
        let (before, now) = (at(looks((10.0, -4.0), 0.5)), at(looks((14.0, 3.0), 0.45)));
        let afloat = Afloat::from(&before, &now).unwrap();
        let lens = |seen: &Seen| seen.site.patient.unwrap();
        for point in [(20.0, 30.0), (150.0, 60.0), (90.5, 11.25)] {
            let point = glam::DVec3::new(point.0, point.1, 7.0);
            let window =
                |seen: &Seen| crate::ui::marks::to_window(place, 1.5, lens(seen).screen(point));
            let (expected, found) = (window(&now), afloat.at(window(&before)));
            assert!(expected.distance(found) < 1e-3, "{expected} {found}");
        }
    }

    #[test]
    fn texts_of_marks_stay_where_they_are_while_no_corner_comes_over_them() {
        let beside = Rect::from_min_size(pos2(180.0, 6.0), vec2(60.0, 16.0));
        let [whole, part] = [true, false].map(|whole| rest(vec![(beside, whole)]));
        let longer = |by: f32| {
            let mut now = seen();
            now.corners[0].max.x += by;
            now
        };
        // The corner ends at 137.
        for (by, allowed) in [(0.0, true), (-96.0, true), (32.0, true), (64.0, false)] {
            assert_eq!(seen().corners_allow(&longer(by), &whole), allowed, "{by}");
        }
        // Where a text found no room it gets some when there is more of it.
        let line = |n: f32| seen().corners[0].translate(vec2(0.0, 17.0 * n));
        let mut kept = seen();
        kept.corners.extend([line(1.0), line(2.0)]);
        assert!(kept.corners_allow(&seen(), &part), "hardly more");
        kept.corners.push(line(3.0));
        assert!(!kept.corners_allow(&seen(), &part));
        assert!(kept.corners_allow(&seen(), &whole), "all of them have room");
    }

    #[test]
    fn what_did_not_change_is_the_same_mesh() {
        let ctx = Context::default();
        // The first frame makes the font texture.
        frame(&ctx, |_| ());
        let (kept, shapes) = frame(&ctx, |painter| Kept::new(painter, seen(), write));
        assert_eq!(shapes, 0, "what was drawn aside is not in the frame");
        assert_eq!(kept.cut.meshes.len(), 1);
        let corners = kept.cut.meshes[0].vertices.len();
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
            assert!(Arc::ptr_eq(&mesh, &kept.cut.meshes[0]));
        }
        // The same view with letters of another size in the texture.
        ctx.set_zoom_factor(2.0);
        frame(&ctx, |_| ());
        frame(&ctx, |painter| assert!(!kept.fits(painter, &seen())));
    }
}
