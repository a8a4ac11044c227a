//! Which lines of the corner text a cell has room for.
//!
//! Must stay true: text never gets smaller than can be read; what matters least goes first, and what safety asks for (whose
//! picture, of when, which of how many, what may be wrong with it) goes last; what is cut short or folded together says all
//! of it on hover. The two corners of an edge never write over each other.

use super::{
    overlay_text::{Corners, Line},
    theme,
};
use egui::{Color32, Vec2};

/// Share of a cell's height that a corner may take.
const SHARE: f32 = 0.2;
/// Room between the corners of an edge, points.
const GAP: f32 = 14.0;
/// Cells below this width or height have the small text, points.
const SMALL: [f32; 2] = [320.0, 260.0];
/// A line is not cut shorter than this, points.
const SHORTEST: f32 = 36.0;

/// Size of the text and distance of its lines in a cell of this size.
pub fn text_size(cell: Vec2) -> (f32, f32) {
    let small = cell.x < SMALL[0] || cell.y < SMALL[1];
    let size = if small {
        theme::SMALL_PT
    } else {
        theme::OVERLAY_PT
    };
    (size, size + if small { 3.0 } else { 4.0 })
}

/// How many lines a corner may have.
pub fn room(height: f32, step: f32) -> usize {
    ((height * SHARE) / step).floor().max(2.0) as usize
}

/// A line as it is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// Which line of its corner; `None` where several are folded together.
    pub line: Option<usize>,
    /// What is written.
    pub text: String,
    /// Its colour.
    pub color: Color32,
    /// All of it, where it is cut short or folded together.
    pub whole: String,
}

impl Shown {
    /// A line without anything.
    const fn nothing() -> Self {
        Self {
            line: None,
            text: String::new(),
            color: Color32::TRANSPARENT,
            whole: String::new(),
        }
    }

    fn of(at: usize, line: &Line) -> Self {
        Self {
            line: Some(at),
            text: line.text.clone(),
            color: line.color,
            whole: String::new(),
        }
    }
}

/// Chooses the lines of all corners for a cell. `inner` is the room between its margins, `measure` gives the width of a
/// text, `folded` the words for so many lines more. Of the lines that there is `room` for, `free` of the third corner are
/// kept for what may come.
pub fn fit(
    corners: &Corners,
    inner: Vec2,
    (room, free): (usize, usize),
    measure: &dyn Fn(&str) -> f32,
    folded: &dyn Fn(usize) -> String,
) -> [Vec<Shown>; 4] {
    let mut at = 0;
    let mut shown = corners.each_ref().map(|lines| {
        let from_below = at >= 2;
        let room = if at == 2 {
            room.saturating_sub(free)
        } else {
            room
        };
        at += 1;
        chosen(lines, room, from_below, folded)
    });
    let [top_left, top_right, bottom_left, bottom_right] = &mut shown;
    let [a, b, c, d] = corners;
    let size = (inner.x, room);
    apart((a, b), (top_left, top_right), false, size, measure);
    apart((c, d), (bottom_left, bottom_right), true, size, measure);
    shown
}

/// The lines of one corner that matter most. The outermost of equals stays.
fn chosen(
    lines: &[Line],
    room: usize,
    from_below: bool,
    folded: &dyn Fn(usize) -> String,
) -> Vec<Shown> {
    let mut kept: Vec<usize> = (0..lines.len()).collect();
    let mut hidden: Vec<usize> = Vec::new();
    let rank = |at: usize| lines.get(at).map_or(0, |l| l.rank);
    let least = |kept: &[usize]| {
        // Towards the middle of the picture.
        let inwards = |at: usize| if from_below { lines.len() - at } else { at };
        kept.iter()
            .copied()
            .max_by_key(|at| (rank(*at), inwards(*at)))
    };
    while kept.len() + usize::from(!hidden.is_empty()) > room {
        let Some(gone) = least(&kept) else { break };
        kept.retain(|at| *at != gone);
        if rank(gone) == 0 {
            hidden.push(gone);
        }
    }
    let mut shown: Vec<Shown> = kept
        .iter()
        .filter_map(|at| Some(Shown::of(*at, lines.get(*at)?)))
        .collect();
    hidden.sort_unstable();
    let of = |at: &usize| lines.get(*at);
    if let Some(first) = hidden.iter().find_map(of) {
        let texts: Vec<&str> = hidden
            .iter()
            .filter_map(of)
            .map(|l| l.text.as_str())
            .collect();
        let more = Shown {
            line: None,
            text: folded(hidden.len()),
            color: first.color,
            whole: texts.join("\n"),
        };
        // Innermost: towards the middle of the picture.
        shown.insert(if from_below { 0 } else { shown.len() }, more);
    }
    shown
}

/// Takes lines away, or cuts them short, until no two of a row touch.
fn apart(
    (left_lines, right_lines): (&[Line], &[Line]),
    (left, right): (&mut Vec<Shown>, &mut Vec<Shown>),
    from_below: bool,
    (width, room): (f32, usize),
    measure: &dyn Fn(&str) -> f32,
) {
    let index = |list: &[Shown], row: usize| match from_below {
        false => (row < list.len()).then_some(row),
        true => list.len().checked_sub(row + 1),
    };
    let rank = |lines: &[Line], shown: &Shown| {
        let line = shown.line.and_then(|at| lines.get(at));
        line.map_or(0, |line| line.rank)
    };
    let mut row = 0;
    while row < left.len().max(right.len()) {
        let (l, r) = (index(left, row), index(right, row));
        let size = |list: &[Shown], at: Option<usize>| {
            at.and_then(|at| list.get(at))
                .map_or(0.0, |s| measure(&s.text))
        };
        let (lw, rw) = (size(left, l), size(right, r));
        if lw + rw + GAP <= width || (lw == 0.0 || rw == 0.0) && lw + rw <= width {
            row += 1;
            continue;
        }
        let ranks = (
            l.and_then(|at| left.get(at))
                .map_or(0, |s| rank(left_lines, s)),
            r.and_then(|at| right.get(at))
                .map_or(0, |s| rank(right_lines, s)),
        );
        match (l, r, ranks) {
            // Alone in its row.
            _ if lw == 0.0 || rw == 0.0 => {
                let both = [
                    l.and_then(|at| left.get_mut(at)),
                    r.and_then(|at| right.get_mut(at)),
                ];
                for one in both.into_iter().flatten() {
                    shorten(one, width, measure);
                }
                row += 1;
            }
            // The row is looked at again with what moved up into it.
            (Some(at), _, (a, b)) if a > b || a == b && a > 0 && lw > rw => {
                left.remove(at);
            }
            (_, Some(at), (_, b)) if b > 0 => {
                right.remove(at);
            }
            // Both must stay: the right one gives way towards the middle, while there is room.
            (Some(_), Some(at), _) if right.len() <= room => {
                right.insert(if from_below { at + 1 } else { at }, Shown::nothing());
            }
            _ => {
                // The longer gives way.
                let half = (width - GAP) / 2.0;
                let for_left = if lw <= half {
                    lw
                } else if rw <= half {
                    width - GAP - rw
                } else {
                    half
                };
                let for_right = width - GAP - for_left;
                if let Some(one) = l.and_then(|at| left.get_mut(at)) {
                    shorten(one, for_left, measure);
                }
                if let Some(one) = r.and_then(|at| right.get_mut(at)) {
                    shorten(one, for_right, measure);
                }
                row += 1;
            }
        }
    }
}

fn shorten(shown: &mut Shown, width: f32, measure: &dyn Fn(&str) -> f32) {
    let width = width.max(SHORTEST);
    if measure(&shown.text) <= width {
        return;
    }
    if shown.whole.is_empty() {
        shown.whole.clone_from(&shown.text);
    }
    let characters: Vec<char> = shown.text.chars().collect();
    let cut = |n: usize| {
        let text: String = characters.iter().take(n).collect();
        format!("{}…", text.trim_end())
    };
    let (mut low, mut high) = (0, characters.len());
    while low < high {
        let middle = (low + high).div_ceil(2);
        if measure(&cut(middle)) <= width {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    shown.text = cut(low);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str, rank: u8) -> Line {
        let mut line = Line::dim(text);
        line.rank = rank;
        line
    }

    /// Seven points a character.
    fn measure(text: &str) -> f32 {
        7.0 * text.chars().count() as f32
    }

    fn texts(shown: &[Shown]) -> Vec<&str> {
        shown.iter().map(|s| s.text.as_str()).collect()
    }

    fn fitted(corners: &Corners, width: f32, room: usize) -> [Vec<Shown>; 4] {
        let folded = |n| format!("+{n}");
        let room = (room, 0);
        fit(corners, Vec2::new(width, 400.0), room, &measure, &folded)
    }

    #[test]
    fn fewer_lines_in_smaller_cells_and_what_matters_least_goes_first() {
        assert_eq!(text_size(Vec2::new(900.0, 700.0)), (13.0, 17.0));
        assert_eq!(text_size(Vec2::new(300.0, 700.0)), (12.0, 15.0));
        assert_eq!(room(900.0, 17.0), 10);
        assert_eq!(room(300.0, 17.0), 3);
        assert_eq!(room(100.0, 15.0), 2);
        let top = vec![
            line("name", 0),
            line("id", 1),
            line("born", 1),
            line("accession", 3),
        ];
        let bottom = vec![
            line("hover", 1),
            line("place", 2),
            line("3 / 9", 0),
            line("W L", 0),
        ];
        let corners: Corners = [top, vec![], bottom, vec![]];
        for (room, above, below) in [
            (
                4,
                vec!["name", "id", "born", "accession"],
                vec!["hover", "place", "3 / 9", "W L"],
            ),
            (3, vec!["name", "id", "born"], vec!["hover", "3 / 9", "W L"]),
            (2, vec!["name", "id"], vec!["3 / 9", "W L"]),
        ] {
            let [top, _, bottom, _] = fitted(&corners, 400.0, room);
            assert_eq!(texts(&top), above);
            assert_eq!(texts(&bottom), below);
        }
    }

    #[test]
    fn what_may_be_wrong_is_folded_and_never_lost() {
        let badges = vec![
            line("kV", 2),
            line("LOSSY", 0),
            line("FLIPPED", 0),
            line("INVERTED", 0),
        ];
        let corners: Corners = [vec![], vec![], vec![], badges];
        let [.., shown] = fitted(&corners, 400.0, 3);
        assert_eq!(texts(&shown), ["LOSSY", "FLIPPED", "INVERTED"]);
        let [.., shown] = fitted(&corners, 400.0, 2);
        assert_eq!(texts(&shown), ["+2", "INVERTED"]);
        assert_eq!(shown[0].whole, "LOSSY\nFLIPPED");
    }

    #[test]
    fn corners_of_an_edge_do_not_write_over_each_other() {
        let left = vec![line("Anna Maria Longname", 0), line("ID 123456", 1)];
        let right = vec![
            line("Institution of somewhere", 3),
            line("2024-01-02", 0),
            line("CC R", 1),
        ];
        let corners: Corners = [left, right, vec![], vec![]];
        for width in (60..500).step_by(7) {
            let width = width as f32;
            let [left, right, ..] = fitted(&corners, width, 4);
            for row in 0..left.len().max(right.len()) {
                let of = |list: &[Shown]| list.get(row).map_or(0.0, |s| measure(&s.text));
                let taken = of(&left) + of(&right);
                assert!(
                    taken <= width.max(2.0 * SHORTEST),
                    "{width}: {left:?} {right:?}"
                );
            }
            // Who and when stay, if need be cut short.
            assert_eq!(left[0].line, Some(0));
            assert!(right.iter().any(|s| s.line == Some(1)));
            let cut = left[0].text.ends_with('…');
            assert_eq!(left[0].whole.is_empty(), !cut);
        }
        let [left, right, ..] = fitted(&corners, 230.0, 4);
        assert_eq!(texts(&left), ["Anna Maria Longname", "ID 123456"]);
        assert_eq!(texts(&right), ["2024-01-02", "CC R"]);
        // Where name and day have no room beside each other, the day stands below.
        let [left, right, ..] = fitted(&corners, 160.0, 4);
        assert_eq!(texts(&left), ["Anna Maria Longname", "ID 123456"]);
        assert_eq!(texts(&right), ["", "2024-01-02", "CC R"]);
    }
}
