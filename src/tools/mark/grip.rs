//! Changing a mark that is there: its handles, what the hand meant, and what moving that does to the points.
//!
//! Must stay true: the movement is counted from the mark as it was when the hand took it, so that nothing adds up over
//! the frames of a drag; what makes a kind (right angles of boxes and diameters, parallel axes) stays true.

use super::{
    lens::Lens,
    strokes::{Stroke, strokes},
};
use crate::model::annotation::{MarkKind, Shape};
use glam::DVec2;

/// How near the hand must be to a handle and to a line, points of the user interface.
const HANDLE: f64 = 9.0;
const LINE: f64 = 6.0;
/// A mark of more points has no handles: they would lie upon each other.
const MOST_HANDLES: usize = 48;

/// What of a mark the hand has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The handle with this index.
    Handle(usize),
    /// All of it.
    Whole,
}

/// Where the handles are, viewport pixels.
pub fn handles(shape: &Shape, lens: &Lens) -> Vec<DVec2> {
    let at: Vec<DVec2> = shape.points.iter().map(|p| lens.screen(*p)).collect();
    match (shape.kind, at.as_slice()) {
        (MarkKind::Ellipse, &[centre, a, b]) => {
            vec![a, b, centre * 2.0 - a, centre * 2.0 - b]
        }
        (MarkKind::Rectangle, &[a, b, c]) => vec![a, b, c, a + c - b],
        (MarkKind::Box, _) => super::cuboid::handles(&shape.points, lens),
        (MarkKind::Circle, &[centre, rim]) => {
            let arm = rim - centre;
            [arm, arm.perp(), -arm, -arm.perp()]
                .map(|d| centre + d)
                .into()
        }
        (MarkKind::Freehand, _) => Vec::new(),
        (_, all) if all.len() > MOST_HANDLES => Vec::new(),
        _ => at,
    }
}

/// What of a mark lies under the hand. `with_handles` for a mark whose handles are to be seen.
pub fn hit(shape: &Shape, lens: &Lens, at: DVec2, scale: f64, with_handles: bool) -> Option<Part> {
    if with_handles {
        let places = handles(shape, lens);
        let near = places
            .iter()
            .enumerate()
            .map(|(i, p)| (i, p.distance(at)))
            .min_by(|a, b| a.1.total_cmp(&b.1));
        if let Some((index, _)) = near.filter(|(_, d)| *d <= HANDLE * scale) {
            return Some(Part::Handle(index));
        }
    }
    if is_far(shape, lens, at, scale) {
        return None;
    }
    let lines = strokes(shape, lens, scale);
    let near = |s: &Stroke| !s.aid && s.distance(at) <= LINE * scale;
    lines.iter().any(near).then_some(Part::Whole)
}

/// Around a mark so many points of the user interface may belong to it: bars, heads of arrows, the reach of the hand.
const AROUND: f64 = 24.0;
/// No line of a mark is farther from its first point than so many times as far as its farthest point: the fourth corner of
/// a rectangle and the sides of an ellipse are twice as far at most, and splines swing out less.
const REACH: f64 = 2.5;

/// Whether a place is certainly off a mark. Nearly all of hundreds are, and their lines need not be laid out to know it.
fn is_far(shape: &Shape, lens: &Lens, at: DVec2, scale: f64) -> bool {
    let mut places = shape.points.iter().map(|p| lens.screen(*p));
    let (Some(first), false) = (places.next(), shape.kind == MarkKind::Box) else {
        return false;
    };
    let reach = places
        .map(|p| p.distance_squared(first))
        .fold(0.0, f64::max);
    first.distance(at) > REACH * reach.sqrt() + AROUND * scale
}

/// A mark in the hand.
#[derive(Clone, Debug, PartialEq)]
pub struct Grip {
    /// As it was when it was taken.
    pub before: Shape,
    /// What of it is held.
    pub part: Part,
    /// Where it was taken.
    from: DVec2,
}

impl Grip {
    /// Takes a mark.
    pub const fn new(before: Shape, part: Part, from: DVec2) -> Self {
        Self { before, part, from }
    }

    /// The mark with the hand at another place.
    pub fn moved(&self, lens: &Lens, at: DVec2, constrain: bool) -> Shape {
        let by = at - self.from;
        match self.part {
            Part::Whole => {
                // Shift moves along rows or columns of the screen only.
                let by = match constrain {
                    true if by.x.abs() >= by.y.abs() => DVec2::new(by.x, 0.0),
                    true => DVec2::new(0.0, by.y),
                    false => by,
                };
                let step = lens.step(by);
                let points = self.before.points.iter().map(|p| *p + step).collect();
                Shape {
                    kind: self.before.kind,
                    points,
                }
            }
            Part::Handle(index) => {
                // The handle goes by what the hand went by: it was not taken exactly in its middle.
                let place = handles(&self.before, lens).get(index).copied();
                let to = place.map_or(at, |p| p + by);
                self.reshaped(lens, index, to, constrain)
                    .unwrap_or_else(|| self.before.clone())
            }
        }
    }

    fn reshaped(&self, lens: &Lens, index: usize, to: DVec2, constrain: bool) -> Option<Shape> {
        let shape = &self.before;
        if shape.kind == MarkKind::Box {
            return super::cuboid::reshaped(&shape.points, lens, index, to, constrain);
        }
        let seen: Vec<DVec2> = shape.points.iter().map(|p| lens.screen(*p)).collect();
        let moved = match (shape.kind, seen.as_slice()) {
            (MarkKind::Ellipse, &[centre, a, b]) => {
                let mut arms = [a - centre, b - centre];
                let which = index % 2;
                let sign = if index < 2 { 1.0 } else { -1.0 };
                let old = *arms.get(which)?;
                let mut new = (to - centre) * sign;
                if constrain {
                    // The axis keeps its direction; only its length changes.
                    let along = old.try_normalize()?;
                    new = along * new.dot(along);
                }
                let turn = DVec2::from_angle(old.angle_to(new));
                let other = arms.get_mut(1 - which)?;
                *other = turn.rotate(*other);
                *arms.get_mut(which)? = new;
                let [a, b] = arms;
                vec![centre, centre + a, centre + b]
            }
            (MarkKind::Rectangle, &[a, b, c]) => {
                let corners = [a, b, c, a + c - b];
                let fixed = *corners.get((index + 2) % 4)?;
                let (u, v) = ((b - a).try_normalize()?, (c - b).try_normalize()?);
                let mut by = to - fixed;
                if constrain {
                    let (x, y) = (by.dot(u), by.dot(v));
                    let side = x.abs().max(y.abs());
                    by = u * side.copysign(x) + v * side.copysign(y);
                }
                let (along_u, along_v) = (u * by.dot(u), v * by.dot(v));
                let mut new = [DVec2::ZERO; 4];
                *new.get_mut(index)? = fixed + by;
                *new.get_mut((index + 2) % 4)? = fixed;
                // Corners 0-1 and 2-3 differ along u, 1-2 and 3-0 along v.
                let beside_u = if index.is_multiple_of(2) {
                    (index + 3) % 4
                } else {
                    (index + 1) % 4
                };
                *new.get_mut(beside_u)? = fixed + along_u;
                *new.get_mut((beside_u + 2) % 4)? = fixed + along_v;
                let [a, b, c, _] = new;
                vec![a, b, c]
            }
            (MarkKind::Circle, &[centre, rim]) => {
                let back = [DVec2::X, DVec2::NEG_Y, DVec2::NEG_X, DVec2::Y];
                let arm = back.get(index)?.rotate(to - centre);
                let _ = rim;
                vec![centre, centre + arm]
            }
            (MarkKind::Bidirectional, &[a, b, c, d]) => bidirectional([a, b, c, d], index, to)?,
            (MarkKind::Angle | MarkKind::Length | MarkKind::Arrow | MarkKind::Cobb, all)
            | (MarkKind::CardiothoracicRatio, all)
                if constrain =>
            {
                let mut all = all.to_vec();
                let partner = match shape.kind {
                    MarkKind::Angle => 1,
                    _ => index ^ 1,
                };
                let from = *all.get(partner)?;
                let step = std::f64::consts::FRAC_PI_4;
                let by = to - from;
                let along = DVec2::from_angle((by.y.atan2(by.x) / step).round() * step);
                let to = match partner == index {
                    true => to,
                    false => from + along * by.dot(along),
                };
                *all.get_mut(index)? = to;
                all
            }
            (_, all) => {
                let mut all = all.to_vec();
                *all.get_mut(index)? = to;
                all
            }
        };
        // Each point keeps its depth, and what did not move on the screen stays the very same number.
        let points = shape
            .points
            .iter()
            .zip(seen)
            .zip(moved)
            .map(|((p, was), is)| match was.distance(is) > 1e-9 {
                true => lens.moved_to(*p, is),
                false => *p,
            })
            .collect();
        Some(Shape {
            kind: shape.kind,
            points,
        })
    }
}

/// Two diameters with one end moved: the short one stays across the long one.
fn bidirectional([a, b, c, d]: [DVec2; 4], index: usize, to: DVec2) -> Option<Vec<DVec2>> {
    let along = (b - a).try_normalize()?;
    let across = along.perp();
    // Where the short one crosses, as a share of the long one, and its two signed arms.
    let length = a.distance(b);
    let share = ((c + d) * 0.5 - a).dot(along) / length;
    let arms = [(c - a).dot(across), (d - a).dot(across)];
    Some(match index {
        0 | 1 => {
            let (na, nb) = if index == 0 { (to, b) } else { (a, to) };
            let new = (nb - na).try_normalize()?;
            let foot = na + new * (share * na.distance(nb));
            let [p, q] = arms.map(|arm| foot + new.perp() * arm);
            vec![na, nb, p, q]
        }
        _ => {
            let foot = a + along * (to - a).dot(along).clamp(0.0, length);
            let mut arms = arms;
            *arms.get_mut(index.checked_sub(2)?)? = (to - a).dot(across);
            let [p, q] = arms.map(|arm| foot + across * arm);
            vec![a, b, p, q]
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::mark::lens::tests::axial;

    fn at(x: f64, y: f64) -> DVec2 {
        DVec2::new(x, y)
    }

    fn shape(kind: MarkKind, places: &[DVec2]) -> Shape {
        let points = places.iter().map(|p| axial().point(*p)).collect();
        Shape { kind, points }
    }

    #[test]
    fn no_line_of_a_mark_is_too_far_from_it_for_the_hand() {
        let mut state = 7u64;
        let mut next = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1);
            (state >> 33) as f64 / f64::from(1u32 << 31) * 400.0
        };
        let lens = axial();
        for (kind, count) in [
            (MarkKind::Point, 1),
            (MarkKind::Length, 2),
            (MarkKind::Polyline, 5),
            (MarkKind::Angle, 3),
            (MarkKind::Cobb, 4),
            (MarkKind::Bidirectional, 4),
            (MarkKind::Perpendicular, 3),
            (MarkKind::Ellipse, 3),
            (MarkKind::Rectangle, 2),
            (MarkKind::Rectangle, 3),
            (MarkKind::Circle, 2),
            (MarkKind::Polygon, 6),
            (MarkKind::Freehand, 9),
            (MarkKind::Spline, 3),
            (MarkKind::Spline, 7),
            (MarkKind::Arrow, 2),
            (MarkKind::CardiothoracicRatio, 4),
        ] {
            for _ in 0..40 {
                let places: Vec<DVec2> = (0..count).map(|_| at(next(), next())).collect();
                let mark = shape(kind, &places);
                for line in strokes(&mark, &lens, 1.0).iter().filter(|line| !line.aid) {
                    for place in &line.points {
                        let beside = *place + at(LINE * 0.7, LINE * 0.7);
                        let found = hit(&mark, &lens, beside, 1.0, false);
                        assert_eq!(found, Some(Part::Whole), "{kind:?} {places:?} {place}");
                    }
                }
                let far = hit(&mark, &lens, at(9e4, -9e4), 1.0, false);
                assert_eq!(far, None, "{kind:?}");
            }
        }
    }

    fn check(kind: MarkKind, before: &[DVec2], index: usize, to: DVec2, expected: &[DVec2]) {
        let lens = axial();
        let before = shape(kind, before);
        let from = handles(&before, &lens)[index];
        // Taken a little beside its middle.
        let beside = at(2.0, -1.0);
        let grip = Grip::new(before, Part::Handle(index), from + beside);
        let after = grip.moved(&lens, to + beside, false);
        for (found, expected) in after.points.iter().zip(expected) {
            let found = lens.screen(*found);
            assert!(
                found.distance(*expected) < 1e-9,
                "{kind:?} {index}: {found}"
            );
        }
        assert_eq!(after.points.len(), expected.len());
    }

    #[test]
    fn handles_do_what_they_look_like() {
        let [o, a, b] = [at(50.0, 50.0), at(70.0, 50.0), at(50.0, 60.0)];
        let line = [o, a];
        check(
            MarkKind::Length,
            &line,
            1,
            at(80.0, 90.0),
            &[o, at(80.0, 90.0)],
        );
        // A turned axis takes the other with it; the opposite end turns it as well.
        let turned = [o, at(50.0, 80.0), at(40.0, 50.0)];
        check(MarkKind::Ellipse, &[o, a, b], 0, at(50.0, 80.0), &turned);
        check(MarkKind::Ellipse, &[o, a, b], 2, at(50.0, 20.0), &turned);
        check(
            MarkKind::Ellipse,
            &[o, a, b],
            1,
            at(50.0, 90.0),
            &[o, a, at(50.0, 90.0)],
        );
        let r = [at(10.0, 10.0), at(50.0, 10.0), at(50.0, 40.0)];
        check(
            MarkKind::Rectangle,
            &r,
            2,
            at(70.0, 30.0),
            &[r[0], at(70.0, 10.0), at(70.0, 30.0)],
        );
        check(
            MarkKind::Rectangle,
            &r,
            0,
            at(20.0, 20.0),
            &[at(20.0, 20.0), at(50.0, 20.0), r[2]],
        );
        check(
            MarkKind::Rectangle,
            &r,
            1,
            at(60.0, 0.0),
            &[at(10.0, 0.0), at(60.0, 0.0), at(60.0, 40.0)],
        );
        check(
            MarkKind::Rectangle,
            &r,
            3,
            at(0.0, 60.0),
            &[at(0.0, 10.0), at(50.0, 10.0), at(50.0, 60.0)],
        );
        for index in 0..4 {
            let to = o + [DVec2::X, DVec2::Y, DVec2::NEG_X, DVec2::NEG_Y][index] * 7.0;
            check(MarkKind::Circle, &[o, a], index, to, &[o, at(57.0, 50.0)]);
        }
        let p = [o, a, b];
        check(
            MarkKind::Polygon,
            &p,
            2,
            at(1.0, 2.0),
            &[o, a, at(1.0, 2.0)],
        );
    }

    #[test]
    fn diameters_stay_across_each_other() {
        let d = [at(0.0, 0.0), at(40.0, 0.0), at(10.0, -8.0), at(10.0, 6.0)];
        // The long one turned by a right angle and made twice as long.
        let turned = [d[0], at(0.0, 80.0), at(8.0, 20.0), at(-6.0, 20.0)];
        check(MarkKind::Bidirectional, &d, 1, at(0.0, 80.0), &turned);
        let arm = [d[0], d[1], at(20.0, -12.0), at(20.0, 6.0)];
        check(MarkKind::Bidirectional, &d, 2, at(20.0, -12.0), &arm);
        let end = [d[0], d[1], at(40.0, -8.0), at(40.0, 3.0)];
        check(MarkKind::Bidirectional, &d, 3, at(55.0, 3.0), &end);
    }

    #[test]
    fn all_of_a_mark_moves_as_one() {
        let lens = axial();
        let mut before = shape(MarkKind::Angle, &[at(1.0, 2.0), at(9.0, 2.0), at(9.0, 9.0)]);
        before.points[2].z = 55.0;
        let grip = Grip::new(before.clone(), Part::Whole, at(5.0, 2.0));
        let after = grip.moved(&lens, at(25.0, -8.0), false);
        for (was, is) in before.points.iter().zip(&after.points) {
            assert!((*is - *was).distance(glam::DVec3::new(10.0, -5.0, 0.0)) < 1e-12);
        }
        let along = grip.moved(&lens, at(25.0, -8.0), true);
        assert_eq!(along.points[0].y, before.points[0].y);
        assert_eq!(grip.moved(&lens, at(5.0, 2.0), false), before);
    }

    #[test]
    fn the_hand_takes_handles_first_and_the_inside_not_at_all() {
        let lens = axial();
        let r = [at(10.0, 10.0), at(90.0, 10.0), at(90.0, 70.0)];
        let r = shape(MarkKind::Rectangle, &r);
        assert_eq!(
            hit(&r, &lens, at(14.0, 12.0), 1.0, true),
            Some(Part::Handle(0))
        );
        assert_eq!(
            hit(&r, &lens, at(14.0, 12.0), 1.0, false),
            Some(Part::Whole)
        );
        assert_eq!(
            hit(&r, &lens, at(12.0, 68.0), 1.0, true),
            Some(Part::Handle(3))
        );
        assert_eq!(hit(&r, &lens, at(50.0, 40.0), 1.0, true), None);
        // At two pixels a point the hand is twice as wide.
        assert_eq!(hit(&r, &lens, at(50.0, 20.0), 1.0, true), None);
        assert_eq!(hit(&r, &lens, at(50.0, 20.0), 2.0, true), Some(Part::Whole));
    }
}
