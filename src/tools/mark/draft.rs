//! A mark that is being drawn: what presses, moves, clicks and keys do to it.
//!
//! Two points are drawn by press, drag and release as well as by two clicks. Marks of as many points as the reader
//! likes take a click each and end by a double click, Enter, or a click on the first point.

use super::lens::Lens;
use crate::model::annotation::{MarkKind, Shape};
use glam::{DVec2, DVec3};

/// Movement that makes a drag of a press, viewport pixels at one pixel a point.
const DRAG: f64 = 4.0;
/// Distance within which a click means the first point.
const NEAR: f64 = 9.0;
/// Steps of a freehand outline.
const FREEHAND_STEP: f64 = 2.0;
/// Places nearer than this in depth are on the same slice, millimetres.
const SAME_DEPTH: f64 = 1e-3;
/// Most points of one mark that is drawn by hand; a freehand outline stops growing there.
pub const MAX_DRAWN: usize = 10_000;

/// Where a draft stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    /// More is to come.
    Going,
    /// This is the mark.
    Done(Shape),
    /// Nothing came of it.
    Dropped,
}

/// A mark that is being drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    kind: MarkKind,
    /// Places that are settled, in the order of drawing.
    stops: Vec<DVec3>,
    /// Where the pointer is.
    live: DVec3,
    /// Where the button went down, while it is down; and whether that settled a place.
    pressed: Option<(DVec2, bool)>,
    /// Viewport pixels of a point of the user interface.
    scale: f64,
}

/// How many places a kind takes; `None` for as many as the reader likes.
const fn needed(kind: MarkKind) -> Option<usize> {
    Some(match kind {
        MarkKind::Point | MarkKind::Text => 1,
        MarkKind::Length
        | MarkKind::Arrow
        | MarkKind::Ellipse
        | MarkKind::Rectangle
        | MarkKind::Box
        | MarkKind::Circle => 2,
        MarkKind::Angle | MarkKind::Bidirectional | MarkKind::Perpendicular => 3,
        MarkKind::Cobb | MarkKind::CardiothoracicRatio => 4,
        MarkKind::Polyline | MarkKind::Polygon | MarkKind::Freehand | MarkKind::Spline => {
            return None;
        }
    })
}

/// Whether a press settles a place, from which a drag goes on; else it waits for the release.
const fn begins(kind: MarkKind, stop: usize) -> bool {
    match kind {
        MarkKind::Cobb | MarkKind::CardiothoracicRatio => stop == 0 || stop == 2,
        MarkKind::Point | MarkKind::Text => false,
        _ => stop == 0,
    }
}

impl Draft {
    /// Begins a mark with the button going down at a viewport pixel. `scale` is how many viewport pixels make a point
    /// of the user interface: distances of the hand are counted in those.
    pub fn begin(kind: MarkKind, lens: &Lens, at: DVec2, scale: f64) -> Self {
        let mut draft = Self {
            kind,
            stops: Vec::new(),
            live: lens.point(at),
            pressed: None,
            scale,
        };
        draft.press(lens, at, false);
        draft
    }

    /// What is drawn.
    pub const fn kind(&self) -> MarkKind {
        self.kind
    }

    /// The places that are settled, in the order of drawing: the points of what takes as many as the reader likes.
    pub fn settled(&self) -> &[DVec3] {
        &self.stops
    }

    /// Whether it grows by clicks until the reader says that it is enough.
    pub const fn is_open_ended(&self) -> bool {
        needed(self.kind).is_none()
    }

    /// The button went down.
    pub fn press(&mut self, lens: &Lens, at: DVec2, constrain: bool) {
        self.live = self.constrained(lens, at, constrain);
        let settles = begins(self.kind, self.stops.len());
        if settles {
            self.stops.push(self.live);
        }
        self.pressed = Some((at, settles));
    }

    /// The pointer moved, with the button down or up.
    pub fn moved(&mut self, lens: &Lens, at: DVec2, constrain: bool) {
        self.live = self.constrained(lens, at, constrain);
        if self.kind == MarkKind::Freehand
            && self.pressed.is_some()
            && self.stops.len() < MAX_DRAWN
            && self.last_is_off(lens, self.live, FREEHAND_STEP)
        {
            self.stops.push(self.live);
        }
    }

    /// The button went up.
    pub fn release(&mut self, lens: &Lens, at: DVec2, constrain: bool) -> Progress {
        let Some((from, settled)) = self.pressed.take() else {
            return Progress::Going;
        };
        self.moved(lens, at, constrain);
        let dragged = from.distance(at) >= DRAG * self.scale;
        if self.kind == MarkKind::Freehand {
            return self.finish(lens);
        }
        if needed(self.kind).is_none() && !settled && self.closes(lens, at) {
            return self.finish(lens);
        }
        if (dragged || !settled)
            && self.last_is_off(lens, self.live, 1.0)
            && self.stops.len() < MAX_DRAWN
        {
            self.stops.push(self.live);
        }
        if needed(self.kind) == Some(self.stops.len()) {
            return self.finish(lens);
        }
        Progress::Going
    }

    /// Enter or a double click: it is enough.
    pub fn finish(&mut self, lens: &Lens) -> Progress {
        let enough = match self.kind {
            MarkKind::Polyline => 2,
            MarkKind::Polygon | MarkKind::Spline => 3,
            MarkKind::Freehand => 3,
            kind => needed(kind).unwrap_or(1),
        };
        let first = self.stops.first().copied().unwrap_or(self.live);
        let far = self.stops.iter().any(|p| {
            let seen = lens.screen(*p).distance(lens.screen(first));
            seen >= DRAG * self.scale || (lens.depth(*p) - lens.depth(first)).abs() > SAME_DEPTH
        });
        if self.stops.len() < enough {
            // A double click with one point is how a hand slips; a stroke that is none leaves nothing behind.
            return match self.kind {
                MarkKind::Freehand => Progress::Dropped,
                _ => Progress::Going,
            };
        }
        if enough > 1 && !far {
            return Progress::Dropped;
        }
        match self.shape_of(lens, &self.stops) {
            Some(shape) => Progress::Done(shape),
            None => Progress::Dropped,
        }
    }

    /// Takes the last place back; `false` when none is left.
    pub fn step_back(&mut self) -> bool {
        self.stops.pop();
        !self.stops.is_empty()
    }

    /// What the mark would be if the pointer's place were settled now; `None` while that is no shape yet.
    pub fn shape(&self, lens: &Lens) -> Option<Shape> {
        let mut stops = self.stops.clone();
        let full = needed(self.kind).is_some_and(|n| stops.len() >= n);
        if !full && self.last_is_off(lens, self.live, 1.0) && self.kind != MarkKind::Freehand {
            stops.push(self.live);
        }
        self.shape_of(lens, &stops)
    }

    /// The points of a kind from the places where the hand was.
    fn shape_of(&self, lens: &Lens, stops: &[DVec3]) -> Option<Shape> {
        let kind = self.kind;
        let points = match (kind, stops) {
            (MarkKind::Ellipse, &[a, b]) => {
                let [a, b] = [lens.screen(a), lens.screen(b)];
                let centre = (a + b) * 0.5;
                vec![
                    lens.point(centre),
                    lens.point(DVec2::new(a.x.max(b.x), centre.y)),
                    lens.point(DVec2::new(centre.x, a.y.max(b.y))),
                ]
            }
            (MarkKind::Rectangle, &[a, b]) => {
                let [from, to] = [lens.screen(a), lens.screen(b)];
                vec![a, lens.point(DVec2::new(to.x, from.y)), b]
            }
            (MarkKind::Box, &[a, b]) => return super::cuboid::drawn(lens, a, b),
            (MarkKind::Bidirectional, &[a, b]) => vec![a, b],
            (MarkKind::Bidirectional, &[a, b, c]) => {
                let [sa, sb, sc] = [a, b, c].map(|p| lens.screen(p));
                let along = (sb - sa).try_normalize()?;
                let foot = sa + along * (sc - sa).dot(along);
                let arm = sc - foot;
                let plane = |at: DVec2| lens.moved_to(a, at);
                vec![a, b, plane(foot - arm), plane(foot + arm)]
            }
            // Drawn line first, kept point first.
            (MarkKind::Perpendicular, &[a, b, p]) => vec![p, a, b],
            (MarkKind::CardiothoracicRatio, all @ (&[_, _] | &[_, _, _, _])) => {
                let mut all = all.to_vec();
                // The right side of the patient has the smaller coordinate, in LPS and in the columns of a frontal film.
                for pair in all.chunks_exact_mut(2) {
                    pair.sort_by(|p, q| p.x.total_cmp(&q.x));
                }
                all
            }
            (_, all) => all.to_vec(),
        };
        let least = match kind {
            MarkKind::Point | MarkKind::Text => 1,
            _ => 2,
        };
        (points.len() >= least).then_some(Shape { kind, points })
    }

    /// The pointer's place, held to what Shift asks for: lines to multiples of 45°, boxes to equal sides.
    fn constrained(&self, lens: &Lens, at: DVec2, constrain: bool) -> DVec3 {
        let last = self.stops.last().map(|p| lens.screen(*p));
        let free = |at: DVec2| lens.point(at);
        let (Some(from), true) = (last, constrain) else {
            return free(at);
        };
        let by = at - from;
        let begun = begins(self.kind, self.stops.len());
        match self.kind {
            MarkKind::Freehand | MarkKind::Point | MarkKind::Text | MarkKind::Circle => free(at),
            MarkKind::Ellipse | MarkKind::Rectangle | MarkKind::Box => {
                let side = by.abs().max_element();
                free(from + DVec2::new(side.copysign(by.x), side.copysign(by.y)))
            }
            MarkKind::Bidirectional | MarkKind::Perpendicular if self.stops.len() > 1 => free(at),
            _ if begun => free(at),
            _ => {
                let step = std::f64::consts::FRAC_PI_4;
                let angle = (by.y.atan2(by.x) / step).round() * step;
                let along = DVec2::from_angle(angle);
                free(from + along * by.dot(along))
            }
        }
    }

    fn last_is_off(&self, lens: &Lens, point: DVec3, by: f64) -> bool {
        self.stops.last().is_none_or(|last| {
            let far = lens.screen(*last).distance(lens.screen(point)) >= by * self.scale;
            // The same place on another slice is another place.
            far || (lens.depth(*last) - lens.depth(point)).abs() > SAME_DEPTH
        })
    }

    /// Whether a click there means that the outline is closed.
    fn closes(&self, lens: &Lens, at: DVec2) -> bool {
        let outline = matches!(self.kind, MarkKind::Polygon | MarkKind::Spline);
        outline
            && self.stops.len() >= 3
            && self
                .stops
                .first()
                .is_some_and(|first| lens.screen(*first).distance(at) <= NEAR * self.scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::mark::lens::tests::axial;

    fn at(x: f64, y: f64) -> DVec2 {
        DVec2::new(x, y)
    }

    /// Presses, moves and releases; a pair of equal places is a click.
    fn draw(kind: MarkKind, strokes: &[[DVec2; 2]]) -> (Draft, Progress) {
        let lens = axial();
        let mut draft = Draft::begin(kind, &lens, strokes[0][0], 1.0);
        let mut progress = Progress::Going;
        for (i, [from, to]) in strokes.iter().enumerate() {
            if i > 0 {
                draft.moved(&lens, *from, false);
                draft.press(&lens, *from, false);
            }
            draft.moved(&lens, *to, false);
            progress = draft.release(&lens, *to, false);
        }
        (draft, progress)
    }

    fn points(progress: Progress) -> Vec<DVec2> {
        let Progress::Done(shape) = progress else {
            panic!("{progress:?}")
        };
        shape.points.iter().map(|p| axial().screen(*p)).collect()
    }

    fn same(found: Vec<DVec2>, expected: &[DVec2]) {
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (a, b) in found.iter().zip(expected) {
            assert!(a.distance(*b) < 1e-9, "{found:?} is not {expected:?}");
        }
    }

    #[test]
    fn a_drag_and_two_clicks_are_the_same_line() {
        let (a, b) = (at(10.0, 20.0), at(60.0, 25.0));
        same(points(draw(MarkKind::Length, &[[a, b]]).1), &[a, b]);
        same(points(draw(MarkKind::Length, &[[a, a], [b, b]]).1), &[a, b]);
        // A hand that trembles under the click is no drag, and a second click on the same place no line.
        let (_, going) = draw(MarkKind::Length, &[[a, a + at(2.0, 1.0)]]);
        assert_eq!(going, Progress::Going);
        let (_, going) = draw(MarkKind::Length, &[[a, a], [a, a]]);
        assert_eq!(going, Progress::Going);
    }

    #[test]
    fn every_kind_keeps_its_points_in_their_order() {
        let [a, b, c, d] = [
            at(10.0, 10.0),
            at(70.0, 10.0),
            at(40.0, 50.0),
            at(90.0, 90.0),
        ];
        let check = |kind, strokes: &[[DVec2; 2]], expected: &[DVec2]| {
            same(points(draw(kind, strokes).1), expected);
        };
        check(MarkKind::Point, &[[a, a]], &[a]);
        check(MarkKind::Text, &[[a, a]], &[a]);
        check(MarkKind::Arrow, &[[a, b]], &[a, b]);
        check(MarkKind::Angle, &[[a, b], [c, c]], &[a, b, c]);
        check(MarkKind::Angle, &[[a, a], [b, b], [c, c]], &[a, b, c]);
        check(MarkKind::Cobb, &[[a, b], [c, d]], &[a, b, c, d]);
        check(
            MarkKind::Cobb,
            &[[a, a], [b, b], [c, c], [d, d]],
            &[a, b, c, d],
        );
        check(MarkKind::Perpendicular, &[[a, b], [c, c]], &[c, a, b]);
        let across = [a, b, at(40.0, -30.0), at(40.0, 50.0)];
        check(MarkKind::Bidirectional, &[[a, b], [c, c]], &across);
        check(MarkKind::Rectangle, &[[a, c]], &[a, at(40.0, 10.0), c]);
        let ellipse = [at(25.0, 30.0), at(40.0, 30.0), at(25.0, 50.0)];
        check(MarkKind::Ellipse, &[[a, c]], &ellipse);
        check(MarkKind::Ellipse, &[[c, a]], &ellipse);
        check(MarkKind::Circle, &[[a, c]], &[a, c]);
        // Drawn from left to right or not: the patient's right side comes first.
        check(
            MarkKind::CardiothoracicRatio,
            &[[b, a], [a, d]],
            &[a, b, a, d],
        );
    }

    #[test]
    fn outlines_end_where_they_began_or_when_told() {
        let [a, b, c] = [at(10.0, 10.0), at(70.0, 10.0), at(40.0, 50.0)];
        let corners = [[a, a], [b, b], [c, c]];
        let (mut draft, going) = draw(MarkKind::Polygon, &corners);
        assert_eq!(going, Progress::Going);
        same(points(draft.finish(&axial())), &[a, b, c]);
        let back = [[a, a], [b, b], [c, c], [a + at(3.0, 3.0); 2]];
        same(points(draw(MarkKind::Spline, &back).1), &[a, b, c]);
        // The second press of a double click adds nothing.
        let (mut draft, _) = draw(MarkKind::Polyline, &[[a, a], [b, b], [b, b]]);
        same(points(draft.finish(&axial())), &[a, b]);
        // Two points are no polygon.
        let (mut draft, _) = draw(MarkKind::Polygon, &[[a, a], [b, b]]);
        assert_eq!(draft.finish(&axial()), Progress::Going);
        assert!(draft.step_back());
        assert!(!draft.step_back());
    }

    #[test]
    fn freehand_is_one_stroke() {
        let lens = axial();
        let mut draft = Draft::begin(MarkKind::Freehand, &lens, at(0.0, 0.0), 1.0);
        for i in 1..200 {
            let angle = f64::from(i) * 0.03;
            draft.moved(
                &lens,
                at(40.0 * angle.sin(), 40.0 - 40.0 * angle.cos()),
                false,
            );
        }
        let found = points(draft.release(&lens, at(0.0, 1.0), false));
        // The steps are 1.2 pixels; no two of the kept ones are nearer than 2.
        assert!((90..=110).contains(&found.len()), "{}", found.len());
        let mut none = Draft::begin(MarkKind::Freehand, &lens, at(0.0, 0.0), 1.0);
        assert_eq!(none.release(&lens, at(1.0, 0.0), false), Progress::Dropped);
    }

    #[test]
    fn shift_holds_lines_and_boxes() {
        let lens = axial();
        let check = |kind, to: DVec2, expected: DVec2| {
            let mut draft = Draft::begin(kind, &lens, at(0.0, 0.0), 1.0);
            let progress = draft.release(&lens, to, true);
            let last = *points(progress).last().unwrap();
            assert!(last.distance(expected) < 1e-9, "{last}");
        };
        check(MarkKind::Length, at(50.0, 4.0), at(50.0, 0.0));
        check(MarkKind::Length, at(50.0, 46.0), at(48.0, 48.0));
        check(MarkKind::Rectangle, at(50.0, -20.0), at(50.0, -50.0));
    }

    #[test]
    fn scrolling_while_drawing_makes_a_line_through_the_body() {
        let lens = axial();
        let mut draft = Draft::begin(MarkKind::Length, &lens, at(10.0, 10.0), 1.0);
        assert_eq!(draft.release(&lens, at(10.0, 10.0), false), Progress::Going);
        let deeper = Lens::new(glam::DAffine3 {
            matrix3: glam::DMat3::from_cols(DVec3::X * 0.5, DVec3::Y * 0.5, DVec3::Z),
            translation: DVec3::new(-100.0, -80.0, 52.0),
        })
        .unwrap();
        draft.moved(&deeper, at(10.0, 10.0), false);
        draft.press(&deeper, at(10.0, 10.0), false);
        let Progress::Done(shape) = draft.release(&deeper, at(10.0, 10.0), false) else {
            panic!("straight through the slices: one place on the screen, but 12 mm apart")
        };
        assert!((shape.points[0].distance(shape.points[1]) - 12.0).abs() < 1e-9);
    }
}
