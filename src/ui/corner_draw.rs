//! Draws the text of the corners of a cell, and says where it stands to whoever writes over the same picture.

use super::{
    corner_fit::{self, Shown},
    halo,
    overlay_text::{About, Corners},
};
use crate::i18n::Language;
use egui::{Align2, Id, Painter, Pos2, Rect, Sense, Ui, Vec2, vec2};

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

/// The lines of the corners that a cell has room for.
pub struct Fitted {
    /// Size of the text, and the distance of its lines.
    size: f32,
    step: f32,
    shown: [Vec<Shown>; 4],
}

/// Chooses the lines of all corners that a cell has room for.
pub fn fitted(painter: &Painter, words: Language, rect: Rect, corners: &Corners) -> Fitted {
    let inner = rect.shrink2(MARGIN);
    let (size, step) = corner_fit::text_size(rect.size());
    let measure = |text: &str| halo::line(painter, text.to_owned(), size).size().x;
    let folded = |count: usize| words.tr("badge-more-lines", &[("count", count.into())]);
    let room = corner_fit::room(inner.height(), step);
    let shown = corner_fit::fit(corners, inner.size(), room, &measure, &folded);
    Fitted { size, step, shown }
}

/// Which row, counted from the border of the picture, a line of a corner stands in.
fn row_of(index: usize, count: usize, direction: f32) -> usize {
    if direction > 0.0 {
        index
    } else {
        count - 1 - index
    }
}

/// Where the corners stand, for whoever writes over the same picture. What lies under the pointer (`hover`) comes and
/// goes: three lines have their place in any case, so that nothing moves when it does. Widths are rounded up, so that few
/// numbers change them.
pub fn occupied(
    painter: &Painter,
    rect: Rect,
    corners: &Corners,
    fitted: &Fitted,
    hover: &str,
) -> Vec<Rect> {
    let Fitted { size, step, shown } = fitted;
    let mut found = Vec::new();
    // The third corner, below at the left, begins with what lies under the pointer.
    let third = corners.get(2).into_iter().flatten();
    let told = third.zip(hover.lines()).filter(|(a, b)| a.text == *b);
    let told = told.count();
    for ((number, (corner, anchor, direction)), lines) in
        places(rect).into_iter().enumerate().zip(shown)
    {
        let comes_and_goes = |line: &Shown| number == 2 && line.line.is_some_and(|at| at < told);
        for (index, line) in lines.iter().enumerate() {
            if line.text.is_empty() || comes_and_goes(line) {
                continue;
            }
            let text = halo::line(painter, line.text.clone(), *size).size();
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
    let Fitted { size, step, shown } = fitted;
    let mut texts: [String; 4] = Default::default();
    let corners = corners.iter().zip(shown);
    for (((corner, anchor, direction), (lines, shown)), text) in
        places(rect).into_iter().zip(corners).zip(&mut texts)
    {
        for (index, one) in shown.iter().enumerate() {
            if one.text.is_empty() {
                continue;
            }
            let row = row_of(index, shown.len(), direction);
            let at = corner + vec2(0.0, direction * row as f32 * step);
            let drawn = halo::over_picture(painter, at, anchor, &one.text, *size, one.color);
            let line = one.line.and_then(|at| lines.get(at));
            let about = line.map_or(About::Nothing, |line| line.about);
            let sense = match about {
                About::Nothing if one.whole.is_empty() => continue,
                About::Nothing | About::Why(_) => Sense::hover(),
                About::Findings | About::Window => Sense::click(),
            };
            let place = (anchor.x() as u8, anchor.y() as u8, row);
            let response = ui.interact(drawn.intersect(rect), id.with(place), sense);
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
                let hint = [one.whole.as_str(), why].join("\n");
                response.on_hover_text(hint.trim());
            }
        }
        *text = lines
            .iter()
            .map(|l| l.text.as_str())
            .collect::<Vec<_>>()
            .join("\n");
    }
    (texts, clicked)
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
            let fitted = fitted(painter, Language::English, cell, &corners);
            found = occupied(painter, cell, &corners, &fitted, hover);
        });
        found
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
