//! Where the texts of marks stand in a cell: beside their marks, off the corners and off each other where there is room.
//!
//! Must stay true: no text leaves its cell; a text that has a place keeps it as long as it is free, so that nothing jumps
//! while the hand moves a mark; the text of the mark in the hand stays at its side of the mark whatever lies there, and
//! makes no other text move. The cost is the number of marks times a fixed number of places.

use egui::{Pos2, Rect, Vec2, pos2, vec2};

/// Side of the squares in which it is noted what is taken, points.
const TILE: f32 = 4.0;
/// Distance of a text from its mark, points.
const GAP: f32 = 9.0;
/// Distances of the places that are tried when all beside the mark are taken.
const RINGS: [f32; 5] = [24.0, 48.0, 80.0, 120.0, 170.0];
/// Directions of those places.
const AROUND: [Vec2; 8] = [
    vec2(1.0, 0.0),
    vec2(0.0, 1.0),
    vec2(-1.0, 0.0),
    vec2(0.0, -1.0),
    vec2(0.75, 0.75),
    vec2(-0.75, 0.75),
    vec2(-0.75, -0.75),
    vec2(0.75, -0.75),
];
/// Places right beside a mark.
const BESIDE: usize = 8;
/// Places that go along with the mark.
const AROUND_MARK: usize = BESIDE + RINGS.len() * AROUND.len();
/// Places anywhere in the cell, for the last texts of a crowd: so many to the right, and so many down.
const LATTICE: [usize; 2] = [7, 16];
/// All places.
const PLACES: usize = AROUND_MARK + LATTICE[0] * LATTICE[1];
/// A text farther from its mark than this is tied to it by a line, points.
const TIED: f32 = 16.0;

/// What of a cell is taken: by texts, and by lines, which a text rather does not cover.
#[derive(Clone)]
pub(super) struct Taken {
    origin: Pos2,
    columns: usize,
    rows: usize,
    /// Words of 64 squares in a row.
    words: usize,
    texts: Vec<u64>,
    lines: Vec<u64>,
}

impl Taken {
    /// Nothing of a cell.
    pub(super) fn new(cell: Rect) -> Self {
        let count = |length: f32| (length.max(0.0) / TILE).ceil() as usize + 1;
        let (columns, rows) = (count(cell.width()), count(cell.height()));
        let words = columns.div_ceil(64);
        Self {
            origin: cell.min,
            columns,
            rows,
            words,
            texts: vec![0; words * rows],
            lines: vec![0; words * rows],
        }
    }

    /// Columns and rows of squares that a rectangle touches; ends are not inside.
    fn squares(&self, rect: Rect) -> [usize; 4] {
        let place = |v: f32, most: usize| ((v.max(0.0)) as usize).min(most);
        let low = (rect.min - self.origin) / TILE;
        let high = (rect.max - self.origin) / TILE;
        [
            place(low.x.floor(), self.columns),
            place(high.x.ceil(), self.columns),
            place(low.y.floor(), self.rows),
            place(high.y.ceil(), self.rows),
        ]
    }

    /// The bits of columns `from..to` that lie in a word of a row.
    const fn mask(word: usize, from: usize, to: usize) -> u64 {
        let (low, high) = (word * 64, word * 64 + 64);
        let from = from.saturating_sub(low);
        let to = if to < high {
            to.saturating_sub(low)
        } else {
            64
        };
        if from >= to {
            return 0;
        }
        let ones = if to - from == 64 {
            u64::MAX
        } else {
            (1 << (to - from)) - 1
        };
        ones << from
    }

    fn each(&self, rect: Rect, mut visit: impl FnMut(usize, u64)) {
        let [left, right, top, bottom] = self.squares(rect);
        for row in top..bottom {
            for word in left / 64..right.div_ceil(64) {
                visit(row * self.words + word, Self::mask(word, left, right));
            }
        }
    }

    /// A text stands here.
    pub(super) fn text(&mut self, rect: Rect) {
        let mut texts = std::mem::take(&mut self.texts);
        self.each(rect, |at, mask| {
            if let Some(word) = texts.get_mut(at) {
                *word |= mask;
            }
        });
        self.texts = texts;
    }

    /// A line runs here; what lies outside of the cell is none.
    pub(super) fn line(&mut self, from: Pos2, to: Pos2) {
        let cell = Rect::from_min_size(
            self.origin,
            vec2(self.columns as f32, self.rows as f32) * TILE,
        );
        // Long lines are followed only as far as they can be seen.
        let steps = (from.distance(to) / TILE).min(4096.0).ceil().max(1.0);
        let mut lines = std::mem::take(&mut self.lines);
        for step in 0..=steps as usize {
            let at = from + (to - from) * (step as f32 / steps);
            if cell.contains(at) {
                let one = Rect::from_min_size(at, Vec2::splat(0.01));
                self.each(one, |at, mask| {
                    if let Some(word) = lines.get_mut(at) {
                        *word |= mask;
                    }
                });
            }
        }
        self.lines = lines;
    }

    fn count(&self, of: &[u64], rect: Rect) -> u32 {
        let mut count = 0;
        self.each(rect, |at, mask| {
            count += of.get(at).map_or(0, |word| (word & mask).count_ones());
        });
        count
    }
}

/// A mark as its text sees it: its outermost points that are on the screen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    /// Around all of them.
    pub bounds: Rect,
    /// The one farthest to the right, and so on.
    pub right: Pos2,
    pub left: Pos2,
    pub top: Pos2,
    pub bottom: Pos2,
}

impl Ends {
    /// Of points; those outside of the cell count only where none is inside.
    pub(super) fn of(points: &[Pos2], cell: Rect) -> Option<Self> {
        let inside: Vec<Pos2> = points
            .iter()
            .copied()
            .filter(|p| cell.contains(*p))
            .collect();
        let seen: &[Pos2] = if inside.is_empty() { points } else { &inside };
        let most = |key: &dyn Fn(Pos2) -> f32| {
            let seen = seen.iter().copied().filter(|p| p.is_finite());
            seen.max_by(|a, b| key(*a).total_cmp(&key(*b)))
        };
        let clamp = |p: Pos2| p.clamp(cell.min, cell.max);
        let [right, left, top, bottom] = [
            most(&|p| p.x)?,
            most(&|p| -p.x)?,
            most(&|p| -p.y)?,
            most(&|p| p.y)?,
        ]
        .map(clamp);
        let low = pos2(left.x, top.y);
        let bounds = Rect::from_two_pos(low, pos2(right.x, bottom.y));
        Some(Self {
            bounds,
            right,
            left,
            top,
            bottom,
        })
    }

    /// The place of a text of a size by its number; `line` is the height of its first line.
    fn place(&self, number: usize, size: Vec2, line: f32) -> Rect {
        let Self {
            bounds,
            right,
            left,
            top,
            bottom,
        } = *self;
        let middle = bounds.center();
        let min = match number {
            0 => pos2(right.x + GAP, right.y - line * 0.5),
            1 => pos2(left.x - GAP - size.x, left.y - line * 0.5),
            2 => pos2(bottom.x - size.x * 0.5, bounds.bottom() + GAP),
            3 => pos2(top.x - size.x * 0.5, bounds.top() - GAP - size.y),
            4 => pos2(right.x + GAP, right.y + GAP),
            5 => pos2(right.x + GAP, right.y - GAP - size.y),
            6 => pos2(left.x - GAP - size.x, left.y + GAP),
            7 => pos2(left.x - GAP - size.x, left.y - GAP - size.y),
            ring => {
                let ring = ring - BESIDE;
                let far = RINGS.get(ring / AROUND.len()).copied().unwrap_or(GAP);
                let way = AROUND.get(ring % AROUND.len()).copied();
                let half = bounds.size() * 0.5 + size * 0.5 + Vec2::splat(far);
                middle + way.unwrap_or_default() * half - size * 0.5
            }
        };
        Rect::from_min_size(min, size)
    }
}

/// Where a text stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Place {
    /// Its rectangle.
    pub rect: Rect,
    /// Number of the place, to be kept.
    pub number: usize,
    /// It lies on other text.
    pub crowded: bool,
}

/// Moves a rectangle into another one.
pub(super) fn into_room(rect: Rect, room: Rect) -> Rect {
    let most = (room.max - rect.size()).max(room.min);
    let min = rect.min.clamp(room.min, most);
    Rect::from_min_size(min, rect.size())
}

/// The place of a text. `last` is the number of its place in the picture before; `held` keeps it there in any case.
pub(super) fn place(
    taken: &Taken,
    room: Rect,
    ends: &Ends,
    (size, line): (Vec2, f32),
    last: Option<usize>,
    held: bool,
) -> Place {
    let texts = |rect: Rect| taken.count(&taken.texts, rect);
    let at = |number: usize| match number.checked_sub(AROUND_MARK) {
        None => ends.place(number, size, line),
        Some(of_lattice) => lattice(of_lattice, size, room),
    };
    let last = last.filter(|number| *number < PLACES);
    if let Some(number) = last {
        let rect = at(number);
        let free = room.contains_rect(rect) && texts(rect) == 0;
        if free || held {
            let rect = into_room(rect, room);
            return Place {
                rect,
                number,
                crowded: false,
            };
        }
    }
    let mut best: Option<(f32, Place)> = None;
    for number in 0..PLACES {
        if number == AROUND_MARK && best.is_some_and(|(_, place)| !place.crowded) {
            break;
        }
        let wanted = at(number);
        let rect = into_room(wanted, room);
        let (covered, crossed) = (texts(rect), taken.count(&taken.lines, rect));
        // Other text weighs most, then being pushed onto the mark by the border, then lines, then the way.
        let pushed = (wanted.min - rect.min).length();
        let way = match number < AROUND_MARK {
            true => number as f32 * 0.75,
            false => (rect.center() - ends.bounds.center()).length(),
        };
        let cost = covered as f32 * 25.0 + pushed * 2.0 + crossed as f32 * 0.75 + way;
        if best.as_ref().is_none_or(|(least, _)| cost < *least) {
            let crowded = covered > 0;
            let place = Place {
                rect,
                number,
                crowded,
            };
            best = Some((cost, place));
        }
        if number < AROUND_MARK && cost <= way {
            break;
        }
    }
    best.map_or(
        Place {
            rect: into_room(at(0), room),
            number: 0,
            crowded: true,
        },
        |(_, place)| place,
    )
}

/// A place of the cell by its number, whatever the mark.
fn lattice(number: usize, size: Vec2, room: Rect) -> Rect {
    let [across, down] = LATTICE;
    let part = |at: usize, of: usize| at as f32 / (of - 1) as f32;
    let shares = vec2(
        part(number % across, across),
        part(number / across % down, down),
    );
    let free = (room.size() - size).max(Vec2::ZERO);
    Rect::from_min_size(room.min + free * shares, size)
}

/// The point of a mark that is nearest to its text.
pub(super) fn nearest(rect: Rect, points: &[Pos2]) -> Pos2 {
    let far = |p: &Pos2| rect.distance_sq_to_pos(*p);
    let near = points.iter().min_by(|a, b| far(a).total_cmp(&far(b)));
    near.copied().unwrap_or_else(|| rect.center())
}

/// The line that ties a text to its mark, where it stands apart.
pub(super) fn tie(rect: Rect, points: &[Pos2]) -> Option<[Pos2; 2]> {
    let near = |p: Pos2| p.clamp(rect.min, rect.max);
    let ends = points.iter().map(|p| [near(*p), *p]);
    let [from, to] = ends.min_by(|a, b| {
        let length = |[from, to]: [Pos2; 2]| from.distance_sq(to);
        length(*a).total_cmp(&length(*b))
    })?;
    (from.distance(to) > TIED).then_some([from, to])
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: Rect = Rect::from_min_max(pos2(100.0, 50.0), pos2(500.0, 350.0));
    const SIZE: (Vec2, f32) = (vec2(90.0, 32.0), 16.0);

    fn ends(points: &[(f32, f32)]) -> Ends {
        let points: Vec<Pos2> = points.iter().map(|(x, y)| pos2(*x, *y)).collect();
        Ends::of(&points, ROOM).unwrap()
    }

    fn one(taken: &Taken, of: &Ends, last: Option<usize>, held: bool) -> Place {
        place(taken, ROOM, of, SIZE, last, held)
    }

    #[test]
    fn texts_take_the_right_side_first_and_stay_in_the_cell() {
        let taken = Taken::new(ROOM);
        let middle = one(
            &taken,
            &ends(&[(200.0, 200.0), (260.0, 180.0)]),
            None,
            false,
        );
        assert_eq!((middle.number, middle.crowded), (0, false));
        assert_eq!(middle.rect.left_center().x, 269.0);
        for corner in [(499.0, 51.0), (499.0, 349.0), (101.0, 51.0), (101.0, 349.0)] {
            let found = one(&taken, &ends(&[corner]), None, false);
            assert!(ROOM.contains_rect(found.rect), "{corner:?} {found:?}");
        }
        // Also marks that lie outside, and cells smaller than a text.
        let outside = one(&taken, &ends(&[(900.0, 900.0)]), None, false);
        assert!(ROOM.contains_rect(outside.rect));
        let small = Rect::from_min_size(ROOM.min, vec2(40.0, 20.0));
        let tight = place(&taken, small, &ends(&[(120.0, 60.0)]), SIZE, None, false);
        assert_eq!(tight.rect.min, small.min);
    }

    #[test]
    fn many_texts_cover_neither_corners_nor_each_other_while_there_is_room() {
        let mut taken = Taken::new(ROOM);
        let corner = Rect::from_min_size(ROOM.min, vec2(150.0, 60.0));
        taken.text(corner);
        let mut placed = vec![corner];
        for n in 0..16 {
            // All of them on one short line.
            let x = 280.0 + n as f32;
            let found = one(&taken, &ends(&[(x, 200.0), (x + 20.0, 205.0)]), None, false);
            assert!(!found.crowded, "{n}");
            assert!(ROOM.contains_rect(found.rect));
            assert!(placed.iter().all(|p| !p.intersects(found.rect)), "{n}");
            taken.text(found.rect);
            placed.push(found.rect);
        }
    }

    #[test]
    fn a_place_is_kept_while_it_is_free() {
        let mut taken = Taken::new(ROOM);
        let mark = ends(&[(300.0, 200.0)]);
        let first = one(&taken, &mark, None, false);
        taken.text(first.rect);
        let second = one(&taken, &mark, None, false);
        assert_ne!(second.number, first.number);
        // The first is gone: the second stays where it is.
        let empty = Taken::new(ROOM);
        assert_eq!(one(&empty, &mark, Some(second.number), false), second);
        // In the hand it moves with its mark, through other texts and along the border.
        for x in [300.0, 340.0, 480.0, 499.0] {
            let moved = ends(&[(x, 200.0)]);
            let found = one(&taken, &moved, Some(first.number), true);
            assert_eq!(found.number, first.number);
            assert!(ROOM.contains_rect(found.rect));
        }
    }

    #[test]
    fn a_text_rather_covers_no_line() {
        let mut taken = Taken::new(ROOM);
        taken.line(pos2(310.0, 190.0), pos2(450.0, 215.0));
        let found = one(&taken, &ends(&[(300.0, 200.0)]), None, false);
        assert_ne!(found.number, 0);
        assert!(found.number < BESIDE && !found.crowded);
    }

    #[test]
    fn what_stands_apart_is_tied() {
        let rect = Rect::from_min_size(pos2(0.0, 0.0), vec2(50.0, 20.0));
        assert_eq!(tie(rect, &[pos2(58.0, 10.0)]), None);
        let far = tie(rect, &[pos2(150.0, 10.0), pos2(50.0, 60.0)]);
        assert_eq!(far, Some([pos2(50.0, 20.0), pos2(50.0, 60.0)]));
        assert_eq!(tie(rect, &[]), None);
    }

    #[test]
    fn squares_of_wide_cells_are_counted_across_words() {
        let cell = Rect::from_min_size(pos2(0.0, 0.0), vec2(1600.0, 80.0));
        let mut taken = Taken::new(cell);
        let wide = Rect::from_min_max(pos2(480.0, 16.0), pos2(1056.0, 32.0));
        taken.text(wide);
        assert_eq!(taken.count(&taken.texts, wide), 144 * 4);
        let left = Rect::from_min_max(pos2(0.0, 0.0), pos2(480.0, 80.0));
        assert_eq!(taken.count(&taken.texts, left), 0);
        assert_eq!(taken.count(&taken.texts, cell), 576);
    }
}
