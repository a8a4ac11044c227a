//! The lines of the other planes in a cut, as things to take hold of: turned at their ends, moved in the middle, and
//! with a slab's thickness as lines beside them. Viewport pixels, x to the right, y down.

use glam::DVec2;

/// A plane that crosses the one on the screen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlaneLine {
    /// The crosshair.
    pub centre: DVec2,
    /// Along the line, unit length.
    pub direction: DVec2,
    /// Half of the thickness of its slab; 0 where it has none.
    pub half_slab: f64,
    /// From the crosshair to the handles that turn it.
    pub arm: f64,
}

/// What was taken hold of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinePart {
    /// A handle at an end.
    Turn,
    /// The line.
    Move,
    /// A border of the slab.
    Thickness,
}

/// How near the pointer must be, in points of the screen.
pub const REACH_PT: f64 = 6.0;

/// So near to the crosshair nothing is taken hold of: there the lines cross.
pub const GAP_PT: f64 = 14.0;

impl PlaneLine {
    /// Where the line is turned.
    pub fn turn_handles(&self) -> [DVec2; 2] {
        [-1.0, 1.0].map(|side| self.centre + self.direction * (self.arm * side))
    }

    /// Where the slab is made thicker: beside the line, halfway to the handles, on both sides.
    pub fn thickness_handles(&self) -> [DVec2; 4] {
        let across = self.direction.perp() * self.half_slab;
        let along = self.direction * (self.arm * 0.5);
        let c = self.centre;
        [
            c + along + across,
            c + along - across,
            c - along + across,
            c - along - across,
        ]
    }

    /// What is at a point, where a point of the screen is `scale` pixels.
    pub fn part_at(&self, at: DVec2, scale: f64) -> Option<LinePart> {
        let reach = REACH_PT * scale;
        let near = |handle: &DVec2| handle.distance(at) <= reach;
        if self.turn_handles().iter().any(near) {
            return Some(LinePart::Turn);
        }
        let offset = at - self.centre;
        let along = offset.dot(self.direction);
        let beside = offset.perp_dot(self.direction).abs();
        if self.half_slab > reach && self.thickness_handles().iter().any(near) {
            return Some(LinePart::Thickness);
        }
        let on_line = beside <= reach * 0.75 && along.abs() > GAP_PT * scale;
        (on_line && along.abs() < self.arm).then_some(LinePart::Move)
    }

    /// The angle by which a drag from one point to another turns the line, radians from x to y.
    pub fn turned(&self, from: DVec2, to: DVec2) -> f64 {
        let (a, b) = (from - self.centre, to - self.centre);
        if a.length_squared() < 1e-12 || b.length_squared() < 1e-12 {
            return 0.0;
        }
        a.perp_dot(b).atan2(a.dot(b))
    }

    /// Half of the thickness that a border dragged to a point gives.
    pub fn half_slab_at(&self, at: DVec2) -> f64 {
        (at - self.centre).perp_dot(self.direction).abs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::{FRAC_PI_2, FRAC_PI_4};

    const LINE: PlaneLine = PlaneLine {
        centre: DVec2::new(100.0, 80.0),
        direction: DVec2::X,
        half_slab: 20.0,
        arm: 60.0,
    };

    #[test]
    fn a_line_is_turned_at_its_ends_and_moved_in_the_middle() {
        let check = |x: f64, y: f64, expected: Option<LinePart>| {
            assert_eq!(LINE.part_at(DVec2::new(x, y), 1.0), expected, "({x}, {y})");
        };
        check(160.0, 80.0, Some(LinePart::Turn));
        check(40.0, 84.0, Some(LinePart::Turn));
        check(130.0, 82.0, Some(LinePart::Move));
        check(80.0, 80.0, Some(LinePart::Move));
        // At the crosshair, beyond the handles, beside the line.
        check(108.0, 80.0, None);
        check(180.0, 80.0, None);
        check(115.0, 90.0, None);
        check(130.0, 100.0, Some(LinePart::Thickness));
        check(70.0, 60.0, Some(LinePart::Thickness));
        let thin = PlaneLine {
            half_slab: 0.0,
            ..LINE
        };
        assert_eq!(
            thin.part_at(DVec2::new(130.0, 80.0), 1.0),
            Some(LinePart::Move)
        );
        // On a screen with twice the pixels the same distance in points counts.
        assert_eq!(
            LINE.part_at(DVec2::new(160.0, 91.0), 2.0),
            Some(LinePart::Turn)
        );
    }

    #[test]
    fn drags_give_angles_and_thicknesses() {
        let at = |x: f64, y: f64| DVec2::new(100.0 + x, 80.0 + y);
        let turned = |from, to| LINE.turned(from, to);
        assert!((turned(at(60.0, 0.0), at(60.0, 60.0)) - FRAC_PI_4).abs() < 1e-12);
        assert!((turned(at(0.0, 5.0), at(9.0, 0.0)) + FRAC_PI_2).abs() < 1e-12);
        assert_eq!(turned(at(0.0, 0.0), at(9.0, 0.0)), 0.0);
        assert_eq!(LINE.half_slab_at(at(13.0, -7.0)), 7.0);
    }
}
