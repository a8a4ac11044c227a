//! Quarter turns and mirrors of what a viewport shows.

use glam::DVec3;

/// Screen axes relative to the view's own: `right' = m[0]·(right, down)`, `down' = m[1]·(right, down)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScreenTurn([[i8; 2]; 2]);

impl Default for ScreenTurn {
    fn default() -> Self {
        Self([[1, 0], [0, 1]])
    }
}

impl ScreenTurn {
    /// A quarter turn of the picture to the right: what pointed right points down.
    #[must_use]
    pub const fn rotated_right(self) -> Self {
        let [r, d] = self.0;
        Self([[-d[0], -d[1]], r])
    }

    /// A quarter turn to the left.
    #[must_use]
    pub const fn rotated_left(self) -> Self {
        let [r, d] = self.0;
        Self([d, [-r[0], -r[1]]])
    }

    /// Left and right change places.
    #[must_use]
    pub const fn flipped_horizontally(self) -> Self {
        let [r, d] = self.0;
        Self([[-r[0], -r[1]], d])
    }

    /// Up and down change places.
    #[must_use]
    pub const fn flipped_vertically(self) -> Self {
        let [r, d] = self.0;
        Self([r, [-d[0], -d[1]]])
    }

    /// Whether the picture is mirrored.
    pub const fn is_mirrored(self) -> bool {
        let [r, d] = self.0;
        r[0] * d[1] - r[1] * d[0] < 0
    }

    /// Quarter turns to the right, after any mirroring left-right.
    pub const fn quarter_turns(self) -> u8 {
        // Where the view's own "down" axis went tells the turn; after mirroring it goes the other way round.
        let [_, d] = self.0;
        let sideways = if self.is_mirrored() { -d[0] } else { d[0] };
        match (sideways, d[1]) {
            (0, 1) => 0,
            (1, _) => 1,
            (0, _) => 2,
            _ => 3,
        }
    }

    /// The rows `right'` and `down'`.
    pub const fn matrix(self) -> [[i8; 2]; 2] {
        self.0
    }

    /// From those rows; `None` when they are no turn.
    pub fn of_matrix(rows: [[i8; 2]; 2]) -> Option<Self> {
        let turns = std::iter::successors(Some(Self::default()), |t| Some(t.rotated_right()));
        let both = turns.take(4).flat_map(|t| [t, t.flipped_horizontally()]);
        both.into_iter().find(|turn| turn.0 == rows)
    }

    /// Where the axes of the view lie after the turn, in patient space.
    pub(super) fn axes(self, right: DVec3, down: DVec3) -> (DVec3, DVec3) {
        let row = |m: [i8; 2]| right * f64::from(m[0]) + down * f64::from(m[1]);
        (row(self.0[0]), row(self.0[1]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::geometry::orientation_letters;

    #[test]
    fn turns_compose_and_cancel() {
        let start = ScreenTurn::default();
        let mut four = start;
        for _ in 0..4 {
            four = four.rotated_right();
        }
        assert_eq!(four, start);
        assert_eq!(start.rotated_right().rotated_left(), start);
        assert_eq!(start.flipped_horizontally().flipped_horizontally(), start);
        assert_eq!(
            start.flipped_horizontally().flipped_vertically(),
            start.rotated_right().rotated_right()
        );
        assert!(start.flipped_vertically().is_mirrored());
        assert!(!start.rotated_left().is_mirrored());
    }

    #[test]
    fn letters_follow_every_turn() {
        // An axial picture: L to the right of the screen, P down.
        let check = |turn: ScreenTurn, right: &str, down: &str| {
            let (r, d) = turn.axes(DVec3::X, DVec3::Y);
            assert_eq!(
                (
                    orientation_letters(r).as_str(),
                    orientation_letters(d).as_str()
                ),
                (right, down)
            );
        };
        let start = ScreenTurn::default();
        check(start, "L", "P");
        // A quarter turn to the right brings what was at the top (A) to the right, what was right (L) down.
        check(start.rotated_right(), "A", "L");
        check(start.rotated_left(), "P", "R");
        check(start.flipped_horizontally(), "R", "P");
        check(start.flipped_vertically(), "L", "A");
        check(start.flipped_horizontally().rotated_right(), "A", "R");
    }

    #[test]
    fn quarter_turns_are_counted() {
        let start = ScreenTurn::default();
        assert_eq!(start.quarter_turns(), 0);
        assert_eq!(start.rotated_right().quarter_turns(), 1);
        assert_eq!(start.rotated_right().rotated_right().quarter_turns(), 2);
        assert_eq!(start.rotated_left().quarter_turns(), 3);
        assert_eq!(start.flipped_horizontally().quarter_turns(), 0);
        assert_eq!(
            start.flipped_horizontally().rotated_right().quarter_turns(),
            1
        );
        assert_eq!(
            start.flipped_horizontally().rotated_left().quarter_turns(),
            3
        );
        assert_eq!(start.flipped_vertically().quarter_turns(), 2);
    }
}
