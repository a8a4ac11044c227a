//! Three planes through one point of a volume, each of which may be turned: axial, coronal and sagittal to begin with.
//!
//! Must stay true: the planes meet in the crosshair, since each is given by directions only and goes through that
//! point; a turn seen in one plane leaves that plane as it is.

use super::geometry::BodyPlane;
use glam::{DQuat, DVec3};

/// The directions of a plane on the screen, before the user turns or mirrors the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlaneAxes {
    /// To the right of the screen, patient space, unit length.
    pub right: DVec3,
    /// Down the screen, unit length, at a right angle to `right`.
    pub down: DVec3,
}

impl PlaneAxes {
    /// Those of a body plane.
    pub const fn body(plane: BodyPlane) -> Self {
        let (right, down) = plane.screen_axes();
        Self { right, down }
    }

    /// Away from the viewer, unit length.
    pub fn normal(&self) -> DVec3 {
        self.right.cross(self.down)
    }

    /// Turned about an axis by an angle in radians, to the right hand; stays square.
    fn turned(&self, axis: DVec3, angle: f64) -> Self {
        let turn = DQuat::from_axis_angle(axis, angle);
        let right = (turn * self.right).normalize_or(self.right);
        let down = turn * self.down;
        let down = (down - right * right.dot(down)).normalize_or(self.down);
        Self { right, down }
    }
}

/// The three planes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cuts {
    axes: [PlaneAxes; 3],
}

impl Default for Cuts {
    fn default() -> Self {
        Self {
            axes: BodyPlane::ALL.map(PlaneAxes::body),
        }
    }
}

/// The place of a plane among the three.
const fn place(plane: BodyPlane) -> usize {
    match plane {
        BodyPlane::Axial => 0,
        BodyPlane::Coronal => 1,
        BodyPlane::Sagittal => 2,
    }
}

impl Cuts {
    /// Directions to the right and down of the axial, coronal and sagittal plane, as 18 numbers.
    pub fn numbers(&self) -> [f64; 18] {
        let mut all = self.axes.iter().flat_map(|a| [a.right, a.down]);
        let mut numbers = [0.0; 18];
        for three in numbers.as_chunks_mut::<3>().0 {
            *three = all.next().unwrap_or_default().to_array();
        }
        numbers
    }

    /// From these numbers; `None` when a pair of directions is not of unit length and at a right angle.
    pub fn of_numbers(numbers: &[f64; 18]) -> Option<Self> {
        let mut vectors = numbers
            .as_chunks::<3>()
            .0
            .iter()
            .copied()
            .map(DVec3::from_array);
        let mut cuts = Self::default();
        for axes in &mut cuts.axes {
            let (right, down) = (vectors.next()?, vectors.next()?);
            let off = [right.length() - 1.0, down.length() - 1.0, right.dot(down)];
            // NaN is off as well.
            if !off.iter().all(|v| v.abs() < 1e-6) {
                return None;
            }
            *axes = PlaneAxes { right, down };
        }
        Some(cuts)
    }

    /// The directions of a plane, by the name with which it began.
    pub const fn axes(&self, plane: BodyPlane) -> PlaneAxes {
        self.axes[place(plane)]
    }

    /// Turns the plane `moved` about an axis, the normal of the plane in which the turn is seen, by an angle in radians.
    /// With `locked` the third plane turns with it, so that planes at right angles stay so.
    #[must_use]
    pub fn turned(
        &self,
        seen_in: BodyPlane,
        moved: BodyPlane,
        axis: DVec3,
        angle: f64,
        locked: bool,
    ) -> Self {
        let mut axes = self.axes;
        let Some(axis) = axis.try_normalize() else {
            return *self;
        };
        if !angle.is_finite() {
            return *self;
        }
        for plane in BodyPlane::ALL {
            if plane != seen_in && (plane == moved || locked) {
                axes[place(plane)] = self.axes(plane).turned(axis, angle);
            }
        }
        Self { axes }
    }

    /// How far a plane leans from the body plane whose name it bears: the angle of their normals, degrees.
    pub fn tilt_degrees(&self, plane: BodyPlane) -> f64 {
        let cosine = self
            .axes(plane)
            .normal()
            .dot(PlaneAxes::body(plane).normal());
        cosine.clamp(-1.0, 1.0).acos().to_degrees()
    }

    /// Whether a plane is its body plane, directions on the screen included.
    pub fn is_body(&self, plane: BodyPlane) -> bool {
        let (axes, body) = (self.axes(plane), PlaneAxes::body(plane));
        axes.right.distance(body.right) < 1e-9 && axes.down.distance(body.down) < 1e-9
    }

    /// The smallest angle between two of the planes, degrees: 90 when all are at right angles.
    pub fn smallest_angle_degrees(&self) -> f64 {
        let [a, b, c] = self.axes.map(|axes| axes.normal());
        let angle = |u: DVec3, v: DVec3| u.cross(v).length().clamp(0.0, 1.0).asin().to_degrees();
        angle(a, b).min(angle(b, c)).min(angle(c, a))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::geometry::orientation_letters;
    use std::f64::consts::{FRAC_PI_2, PI, TAU};

    const A: BodyPlane = BodyPlane::Axial;
    const C: BodyPlane = BodyPlane::Coronal;
    const S: BodyPlane = BodyPlane::Sagittal;

    #[test]
    fn a_turn_leaves_the_plane_in_which_it_is_seen() {
        let start = Cuts::default();
        for (seen, moved, other) in [(A, C, S), (A, S, C), (C, A, S), (S, A, C)] {
            let axis = start.axes(seen).normal();
            let angle = 0.3;
            let free = start.turned(seen, moved, axis, angle, false);
            assert_eq!(free.axes(seen), start.axes(seen));
            assert_eq!(free.axes(other), start.axes(other));
            assert!((free.tilt_degrees(moved) - angle.to_degrees()).abs() < 1e-9);
            assert!((free.smallest_angle_degrees() - (90.0 - angle.to_degrees())).abs() < 1e-9);
            let locked = start.turned(seen, moved, axis, angle, true);
            assert_eq!(locked.axes(seen), start.axes(seen));
            assert!((locked.tilt_degrees(other) - angle.to_degrees()).abs() < 1e-9);
            assert!((locked.smallest_angle_degrees() - 90.0).abs() < 1e-6);
        }
    }

    #[test]
    fn turns_are_to_the_right_hand_and_add_up() {
        let start = Cuts::default();
        // Seen in the axial plane (L to the right, P down), a quarter turn clockwise brings the coronal plane's right,
        // L, to P.
        let turned = start.turned(A, C, DVec3::Z, FRAC_PI_2, true);
        assert_eq!(orientation_letters(turned.axes(C).right), "P");
        assert_eq!(orientation_letters(turned.axes(C).down), "F");
        assert_eq!(orientation_letters(turned.axes(S).right), "R");
        let mut around = start;
        for _ in 0..1000 {
            around = around.turned(C, A, around.axes(C).normal(), TAU / 1000.0, true);
        }
        for plane in BodyPlane::ALL {
            assert!(around.is_body(plane), "{plane:?} {around:?}");
        }
        let half = start.turned(A, C, DVec3::Z, PI, false);
        assert!((half.tilt_degrees(C) - 180.0).abs() < 1e-6 && !half.is_body(C));
    }

    #[test]
    fn after_many_turns_directions_are_still_square() {
        let mut cuts = Cuts::default();
        for i in 0..10_000 {
            let (seen, moved) = [(A, C), (C, S), (S, A)][i % 3];
            let axis = cuts.axes(seen).normal();
            cuts = cuts.turned(seen, moved, axis, 0.01 + i as f64 * 1e-5, i % 2 == 0);
        }
        for plane in BodyPlane::ALL {
            let PlaneAxes { right, down } = cuts.axes(plane);
            assert!(right.dot(down).abs() < 1e-12);
            assert!((right.length() - 1.0).abs() < 1e-12 && (down.length() - 1.0).abs() < 1e-12);
        }
        let same = cuts.turned(A, C, DVec3::ZERO, 1.0, true);
        assert_eq!(same, cuts);
        assert_eq!(cuts.turned(A, C, DVec3::Z, f64::NAN, true), cuts);
    }
}
