//! Draws the text of the corners of a cell, and says where it stands to whoever writes over the same picture.

use super::{
    corner_fit::{self, Shown},
    halo,
    overlay_text::{About, Corners},
};
use crate::i18n::Language;
use egui::{Align2, Galley, Id, Painter, Pos2, Rect, Sense, Ui, Vec2, vec2};
use std::{
    cell::{Cell, RefCell},
    sync::Arc,
};

/// Places of the four corners in a cell: where their first line is, how it is aligned, and which way the next one goes.
fn places(rect: Rect) -> [(Pos2, Align2, f32); 4] {
    let inner = rect.shrink2(MARGIN);
    [
        (inner.left_top(), Align2::LEFT_TOP, 1.0),
        (inner.right_top(), Align2::RIGHT_TOP, 1.0),
        (inner.left_bottom(), Align2::LEFT_BOTTOM, -1.0),
        (inner.right_bottom(), Align2::RIGHT_BOTTOM, -1.0),
    ]
}

/// Distance of the corners from the border of the cell.
const MARGIN: Vec2 = vec2(9.0, 6.0);

/// A line, and its letters.
struct Row {
    shown: Shown,
    letters: Arc<Galley>,
}

/// The lines of the corners that a cell has room for.
pub struct Fitted {
    /// How wide a line about what lies under the pointer was since it came into the cell.
    widest: f32,
    /// Size of the text, and the distance of the lines.
    size: f32,
    step: f32,
    rows: [Vec<Row>; 4],
    /// What each corner says, where all of it had room, for the accessibility tree.
    texts: [String; 4],
}

/// What lies under the pointer, as the third corner tells it.
#[derive(Clone, Copy, Default)]
struct Hover<'a> {
    text: &'a str,
    /// Its lines take the room of the widest that was there: numbers change under a hand that moves, and the corner beside
    /// them is not to make room and take it back with every digit.
    widest: f32,
}

/// Chooses the lines of all corners that a cell has room for. `before` are those of the frame before, if their letters are
/// still right: most lines stay what they were.
fn fitted(
    painter: &Painter,
    words: Language,
    rect: Rect,
    (corners, hover): (&Corners, Hover<'_>),
    before: Option<&Fitted>,
) -> Fitted {
    let inner = rect.shrink2(MARGIN);
    let (size, step) = corner_fit::text_size(rect.size());
    let before = before.filter(|before| before.size == size);
    let laid_out: RefCell<Vec<(String, Arc<Galley>)>> = RefCell::default();
    let letters = |text: &str| {
        let known = before.and_then(|before| {
            let mut rows = before.rows.iter().flatten();
            rows.find(|row| row.shown.text == text)
        });
        if let Some(row) = known {
            return row.letters.clone();
        }
        let mut laid_out = laid_out.borrow_mut();
        if let Some((_, letters)) = laid_out.iter().find(|(known, _)| known == text) {
            return letters.clone();
        }
        let letters = halo::line(painter, text.to_owned(), size);
        laid_out.push((text.to_owned(), letters.clone()));
        letters
    };
    let widest = Cell::new(hover.widest);
    let measure = |text: &str| {
        let width = letters(text).size().x;
        if !hover.text.lines().any(|line| line == text) {
            return width;
        }
        widest.set(widest.get().max(width));
        widest.get()
    };
    let folded = |count: usize| words.tr("badge-more-lines", &[("count", count.into())]);
    let room = corner_fit::room(inner.height(), step);
    // On a mark there is a line more about it: it takes no other line's room when the pointer comes upon one.
    let free = match told(corners, hover.text) {
        0 => 0,
        told => HOVER_LINES.saturating_sub(told),
    };
    let shown = corner_fit::fit(corners, inner.size(), (room, free), &measure, &folded);
    let row = |shown: Shown| Row {
        letters: letters(&shown.text),
        shown,
    };
    Fitted {
        widest: if hover.text.is_empty() {
            0.0
        } else {
            widest.get()
        },
        size,
        step,
        rows: shown.map(|lines| lines.into_iter().map(row).collect()),
        texts: corners.each_ref().map(|lines| {
            let texts: Vec<&str> = lines.iter().map(|l| l.text.as_str()).collect();
            texts.join("\n")
        }),
    }
}

/// The corners of a cell as they were drawn last: what says the same in the same room is not laid out again.
pub struct KeptCorners {
    epoch: halo::Epoch,
    words: Language,
    size: Vec2,
    corners: Corners,
    fitted: Arc<Fitted>,
}

impl KeptCorners {
    /// The lines that a cell has room for, from `kept` where nothing changed.
    pub fn fitted(
        kept: &mut Option<Self>,
        painter: &Painter,
        words: Language,
        rect: Rect,
        (corners, hover): (&Corners, &str),
    ) -> Arc<Fitted> {
        let (epoch, size) = (halo::Epoch::now(painter), rect.size());
        let before = kept.as_ref().filter(|kept| kept.epoch == epoch);
        if let Some(kept) = before
            && kept.words == words
            && kept.size == size
            && kept.corners == *corners
        {
            return kept.fitted.clone();
        }
        let before = before.map(|kept| kept.fitted.as_ref());
        let hover = Hover {
            text: hover,
            widest: before.map_or(0.0, |before| before.widest),
        };
        let fitted = Arc::new(fitted(painter, words, rect, (corners, hover), before));
        *kept = Some(Self {
            epoch,
            words,
            size,
            corners: corners.clone(),
            fitted: fitted.clone(),
        });
        fitted
    }
}

/// Which row, counted from the border of the picture, a line of a corner stands in.
fn row_of(index: usize, count: usize, direction: f32) -> usize {
    if direction > 0.0 {
        index
    } else {
        count - 1 - index
    }
}

/// How many lines tell what lies under the pointer: the third corner, below at the left, begins with them.
fn told(corners: &Corners, hover: &str) -> usize {
    let third = corners.get(2).into_iter().flatten();
    let told = third.zip(hover.lines()).filter(|(a, b)| a.text == *b);
    told.count()
}

/// Where the corners stand, for whoever writes over the same picture. What lies under the pointer (`hover`) comes and
/// goes: three lines have their place in any case, so that nothing moves when it does. Widths are rounded up, so that few
/// numbers change them.
pub fn occupied(rect: Rect, corners: &Corners, fitted: &Fitted, hover: &str) -> Vec<Rect> {
    let Fitted { step, rows, .. } = fitted;
    let mut found = Vec::new();
    let told = told(corners, hover);
    for ((number, (corner, anchor, direction)), lines) in
        places(rect).into_iter().enumerate().zip(rows)
    {
        let comes_and_goes = |row: &Row| number == 2 && row.shown.line.is_some_and(|at| at < told);
        for (index, line) in lines.iter().enumerate() {
            if line.shown.text.is_empty() || comes_and_goes(line) {
                continue;
            }
            let text = line.letters.size();
            let width = (text.x / WIDTHS_PT).ceil() * WIDTHS_PT;
            let row = row_of(index, lines.len(), direction);
            let at = corner + vec2(0.0, direction * row as f32 * step);
            found.push(anchor.anchor_size(at, vec2(width, text.y)));
        }
        if number == 2 && !lines.is_empty() {
            let others = lines.iter().filter(|line| !comes_and_goes(line)).count();
            for more in 0..told.max(HOVER_LINES) {
                let at = corner + vec2(0.0, direction * (others + more) as f32 * step);
                let room = vec2(HOVER_PT.min(rect.width() * 0.5), *step);
                found.push(anchor.anchor_size(at, room));
            }
        }
    }
    found
}

/// About how wide the lines about what lies under the pointer are.
const HOVER_PT: f32 = 260.0;
/// How many there may be: the value, the place, the label.
const HOVER_LINES: usize = 3;
/// Widths of what is occupied are multiples of this.
const WIDTHS_PT: f32 = 32.0;

/// Draws the corners; returns the text of each corner for the accessibility tree, and what was clicked.
pub fn paint(
    ui: &Ui,
    words: Language,
    id: Id,
    (painter, rect): (&Painter, Rect),
    corners: &Corners,
    fitted: &Fitted,
) -> ([String; 4], About) {
    let mut clicked = About::Nothing;
    let Fitted {
        step, rows, texts, ..
    } = fitted;
    let mut drawn = Vec::new();
    for ((corner, anchor, direction), (lines, rows)) in
        places(rect).into_iter().zip(corners.iter().zip(rows))
    {
        for (index, Row { shown, letters }) in rows.iter().enumerate() {
            if shown.text.is_empty() {
                continue;
            }
            let row = row_of(index, rows.len(), direction);
            let at = corner + vec2(0.0, direction * row as f32 * step);
            let place = anchor.anchor_size(at, letters.size());
            drawn.push((place.min, letters.clone(), shown.color));
            let line = shown.line.and_then(|at| lines.get(at));
            let about = line.map_or(About::Nothing, |line| line.about);
            let sense = match about {
                About::Nothing if shown.whole.is_empty() => continue,
                About::Nothing | About::Why(_) => Sense::hover(),
                About::Findings | About::Window => Sense::click(),
            };
            let number = (anchor.x() as u8, anchor.y() as u8, row);
            let response = ui.interact(place.intersect(rect), id.with(number), sense);
            if response.clicked() {
                clicked = about;
            }
            if response.hovered() {
                let why = match about {
                    About::Nothing => "",
                    About::Why(why) => words.word(why),
                    About::Window => words.word("why-window"),
                    About::Findings => words.word("why-finding"),
                };
                // What is cut short is whole here.
                let hint = [shown.whole.as_str(), why].join("\n");
                response.on_hover_text(hint.trim());
            }
        }
    }
    halo::draw_all(painter, drawn);
    (texts.clone(), clicked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::{overlay_text::Line, theme};
    use egui::{Context, RawInput};

    fn boxes(window: &str, hover: &str) -> Vec<Rect> {
        let cell = Rect::from_min_size(Pos2::ZERO, vec2(600.0, 500.0));
        let line = |text: &str, rank| Line {
            text: text.into(),
            color: theme::TEXT,
            about: About::Nothing,
            rank,
        };
        let below = hover.lines().chain([window]).map(|text| line(text, 0));
        let corners: Corners = [vec![line("Somebody", 0)], vec![], below.collect(), vec![]];
        let input = RawInput {
            screen_rect: Some(cell),
            ..Default::default()
        };
        let ctx = Context::default();
        let mut found = Vec::new();
        let _ = ctx.run_ui(input, |ui| {
            let painter = ui.painter();
            let told = (&corners, Hover::default());
            let fitted = fitted(painter, Language::English, cell, told, None);
            found = occupied(cell, &corners, &fitted, hover);
        });
        found
    }

    #[test]
    fn what_says_the_same_is_laid_out_once_and_what_changed_is_seen() {
        let cell = Rect::from_min_size(Pos2::ZERO, vec2(600.0, 500.0));
        let ctx = Context::default();
        let mut kept = None;
        let mut frame = |scale: f32, window: &str, cell: Rect| {
            let line = |text: &str| Line {
                text: text.into(),
                color: theme::TEXT,
                about: About::Nothing,
                rank: 0,
            };
            let corners: Corners = [vec![line("Somebody")], vec![], vec![line(window)], vec![]];
            let mut input = RawInput {
                screen_rect: Some(cell),
                ..Default::default()
            };
            let viewport = input.viewports.entry(input.viewport_id).or_default();
            viewport.native_pixels_per_point = Some(scale);
            let mut found = Vec::new();
            let _ = ctx.run_ui(input, |ui| {
                let painter = ui.painter();
                let english = Language::English;
                let told = (&corners, "");
                let fitted = KeptCorners::fitted(&mut kept, painter, english, cell, told);
                let told = (&corners, Hover::default());
                let fresh = super::fitted(painter, english, cell, told, None);
                for (a, b) in fitted
                    .rows
                    .iter()
                    .flatten()
                    .zip(fresh.rows.iter().flatten())
                {
                    assert_eq!(a.shown, b.shown);
                    assert_eq!(a.letters.size(), b.letters.size());
                    found.push(a.letters.clone());
                }
            });
            found
        };
        let same = |a: &[Arc<Galley>], b: &[Arc<Galley>]| -> Vec<bool> {
            a.iter().zip(b).map(|(a, b)| Arc::ptr_eq(a, b)).collect()
        };
        frame(1.0, "W 400", cell);
        let first = frame(1.0, "W 400", cell);
        assert_eq!(first.len(), 2);
        let second = frame(1.0, "W 400", cell);
        assert_eq!(same(&first, &second), [true, true]);
        let third = frame(1.0, "W 411", cell);
        assert_eq!(same(&second, &third), [true, false]);
        // Small cells have small letters, and another density of pixels has letters of its own.
        let small = Rect::from_min_size(Pos2::ZERO, vec2(300.0, 200.0));
        assert_eq!(same(&third, &frame(1.0, "W 411", small)), [false, false]);
        let dense = frame(2.0, "W 411", small);
        assert_eq!(dense.len(), 2);
        assert!(dense.iter().all(|letters| letters.pixels_per_point == 2.0));
    }

    #[test]
    fn a_corner_that_makes_room_for_what_lies_under_the_pointer_does_so_once() {
        let cell = Rect::from_min_size(Pos2::ZERO, vec2(420.0, 300.0));
        let ctx = Context::default();
        let mut kept = None;
        let mut frame = |hover: &str| {
            let line = |text: &str| Line {
                text: text.into(),
                color: theme::TEXT,
                about: About::Nothing,
                rank: 0,
            };
            let window = line("W 400  C 40  soft tissue of the body");
            let told = hover.lines().map(line).collect();
            let corners: Corners = [vec![], vec![], told, vec![window]];
            let input = RawInput {
                screen_rect: Some(cell),
                ..Default::default()
            };
            let mut rows = Vec::new();
            let _ = ctx.run_ui(input, |ui| {
                let words = Language::English;
                let told = (&corners, hover);
                let fitted = KeptCorners::fitted(&mut kept, ui.painter(), words, cell, told);
                rows = fitted.rows[3]
                    .iter()
                    .map(|row| row.shown.text.clone())
                    .collect();
            });
            rows
        };
        let (short, long) = ("8 HU", "-1024 HU  stored 2048  shown 0  and on");
        let beside = frame(short);
        let above = frame(long);
        assert_ne!(above, beside, "it makes room");
        assert_eq!(
            frame(short),
            above,
            "and stays there while the pointer does"
        );
        frame("");
        assert_eq!(frame(short), beside, "the pointer left");
    }

    #[test]
    fn a_line_about_a_mark_under_the_pointer_takes_no_other_lines_place() {
        let ctx = Context::default();
        let shown = |hover: &str, height: f32| {
            let cell = Rect::from_min_size(Pos2::ZERO, vec2(420.0, height));
            let line = |(text, rank): (&str, u8)| {
                let mut line = Line::dim(text);
                line.rank = rank;
                line
            };
            let others = [("Axial 60/120", 0), ("W 400  C 40", 0), ("115 %", 2)];
            let lines = hover.lines().map(|text| (text, 1)).chain(others);
            let corners: Corners = [vec![], vec![], lines.map(line).collect(), vec![]];
            let input = RawInput {
                screen_rect: Some(cell),
                ..Default::default()
            };
            let mut others = Vec::new();
            let _ = ctx.run_ui(input, |ui| {
                let text = hover;
                let told = (&corners, Hover { text, widest: 0.0 });
                let fitted = fitted(ui.painter(), Language::English, cell, told, None);
                let rows = fitted.rows[2].iter().map(|row| row.shown.text.clone());
                others = rows.filter(|text| !hover.contains(text.as_str())).collect();
            });
            others
        };
        let mut counts = Vec::new();
        for height in (60..600).step_by(4) {
            let height = height as f32;
            let (_, step) = corner_fit::text_size(vec2(420.0, height));
            if corner_fit::room(height - 2.0 * MARGIN.y, step) < 3 {
                // Nothing is told about the pointer.
                continue;
            }
            let (beside, on) = ("8 HU\nL 4 mm", "8 HU\nL 4 mm\nnodule");
            assert_eq!(shown(beside, height), shown(on, height), "{height}");
            counts.push(shown(on, height).len());
        }
        assert!(
            counts.contains(&3) && counts.iter().any(|n| *n < 3),
            "{counts:?}"
        );
    }

    #[test]
    fn what_is_occupied_follows_neither_every_number_nor_the_pointer() {
        let one = boxes("W 400  C 40", "");
        for rect in &one {
            assert!(rect.min.x == MARGIN.x, "{rect}");
        }
        // Whose picture it is, the window, and three lines for what comes and goes.
        assert_eq!(one.len(), 2 + HOVER_LINES);
        assert_eq!(one, boxes("W 411  C 41", ""));
        assert_eq!(one, boxes("W 400  C 40", "12 HU\nright lung"));
        assert_eq!(one, boxes("W 400  C 40", "-1024 HU\nnothing at all"));
        let long = boxes("W 400  C 40  a window with a very long name", "");
        assert!(long[1].width() > one[1].width());
        for rect in one.iter().chain(&long).take(2) {
            assert_eq!(rect.width() % WIDTHS_PT, 0.0, "{rect}");
        }
    }
}
