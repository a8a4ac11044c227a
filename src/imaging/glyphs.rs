//! Finds text in pictures: rows of small, sharp, evenly bright shapes that stand on one line.
//!
//! Classic image processing, no network: a top-hat leaves strokes that are thinner than an anatomical edge is wide
//! (Serra 1982), connected shapes of the size of letters remain, and shapes of like height beside each other are text.
//! It is made to miss nothing that a person would read; what it finds is looked at by one.

/// A box of pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PixelBox {
    /// First column.
    pub x: usize,
    /// First row.
    pub y: usize,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

impl PixelBox {
    const fn right(&self) -> usize {
        self.x + self.width
    }

    const fn bottom(&self) -> usize {
        self.y + self.height
    }

    fn around(&self, other: &Self) -> Self {
        let (x, y) = (self.x.min(other.x), self.y.min(other.y));
        Self {
            x,
            y,
            width: self.right().max(other.right()) - x,
            height: self.bottom().max(other.bottom()) - y,
        }
    }
}

/// Half the widest stroke, pixels.
const STROKE: usize = 5;
/// How far a stroke stands out from what is beside it, of 255, where nothing else does.
const CONTRAST: u8 = 56;
/// How far it has to at most, however much the picture around it glitters.
const MOST_CONTRAST: u8 = 128;
/// Side of the squares in which that is measured, pixels: a line of text fills the smaller part of one.
const FIELD: usize = 64;
/// Heights of letters, pixels.
const HEIGHTS: std::ops::RangeInclusive<usize> = 5..=72;
/// Fewest shapes of a text.
const LETTERS: usize = 3;

/// Boxes of text in a picture of 8-bit grey values, row by row; each is one line, two pixels wider than its letters.
pub fn find_text(grey: &[u8], columns: usize, rows: usize) -> Vec<PixelBox> {
    if columns < 8 || rows < 8 || grey.len() < columns * rows {
        return Vec::new();
    }
    let grey = &grey[..columns * rows];
    let inverted: Vec<u8> = grey.iter().map(|v| 255 - v).collect();
    let mut found = lines_of(grey, columns, rows);
    found.extend(lines_of(&inverted, columns, rows));
    found.sort_by_key(|b| (b.y, b.x));
    let mut boxes: Vec<PixelBox> = Vec::new();
    for line in found {
        let grown = PixelBox {
            x: line.x.saturating_sub(2),
            y: line.y.saturating_sub(2),
            width: (line.right() + 2).min(columns) - line.x.saturating_sub(2),
            height: (line.bottom() + 2).min(rows) - line.y.saturating_sub(2),
        };
        // Dark and bright findings of one outlined text are one.
        let same = boxes.iter_mut().find(|b| {
            let wide = grown.x < b.right() && b.x < grown.right();
            wide && grown.y < b.bottom() && b.y < grown.bottom()
        });
        match same {
            Some(other) => *other = other.around(&grown),
            None => boxes.push(grown),
        }
    }
    boxes
}

/// The smallest or largest value within `radius` along rows, then along columns.
fn spread(source: &[u8], columns: usize, rows: usize, radius: usize, largest: bool) -> Vec<u8> {
    let pick = |a: u8, b: u8| if largest { a.max(b) } else { a.min(b) };
    let mut across = source.to_vec();
    for (line, out) in source
        .chunks_exact(columns)
        .zip(across.chunks_exact_mut(columns))
    {
        for (x, slot) in out.iter_mut().enumerate() {
            let from = x.saturating_sub(radius);
            let to = (x + radius + 1).min(columns);
            *slot = line[from..to].iter().copied().fold(line[x], pick);
        }
    }
    let mut out = across.clone();
    for y in 0..rows {
        let to = (y + radius + 1).min(rows);
        for other in y.saturating_sub(radius)..to {
            let line = &across[other * columns..(other + 1) * columns];
            let target = &mut out[y * columns..(y + 1) * columns];
            for (slot, value) in target.iter_mut().zip(line) {
                *slot = pick(*slot, *value);
            }
        }
    }
    out
}

/// A connected shape.
struct Shape {
    at: PixelBox,
    pixels: usize,
}

/// Bright text on something darker.
fn lines_of(grey: &[u8], columns: usize, rows: usize) -> Vec<PixelBox> {
    let eroded = spread(grey, columns, rows, STROKE, false);
    let opened = spread(&eroded, columns, rows, STROKE, true);
    let lifted: Vec<u8> = grey
        .iter()
        .zip(&opened)
        .map(|(value, under)| value.saturating_sub(*under))
        .collect();
    let stroke = strokes_of(&lifted, columns, rows);
    let shapes = shapes_of(&stroke, grey, columns, rows);
    rows_of(&shapes)
}

/// The pixels that stand out from their surroundings by more than these do from theirs.
///
/// In speckle and noise every second pixel stands out from the darkest beside it, so a fixed bound takes a good part of
/// them for strokes. Letters cover less than half of a field: what most of its pixels stay below is not theirs.
fn strokes_of(lifted: &[u8], columns: usize, rows: usize) -> Vec<bool> {
    let mut stroke = vec![false; lifted.len()];
    let (across, down) = ((columns / FIELD).max(1), (rows / FIELD).max(1));
    for row in 0..down {
        let (top, bottom) = (row * rows / down, (row + 1) * rows / down);
        for column in 0..across {
            let left = column * columns / across;
            let right = (column + 1) * columns / across;
            let spans = (top..bottom).map(|y| y * columns + left..y * columns + right);
            let mut counts = [0usize; 256];
            for value in spans.clone().flat_map(|span| &lifted[span]) {
                counts[usize::from(*value)] += 1;
            }
            let bound = bound_of(&counts);
            for at in spans.flatten() {
                stroke[at] = lifted[at] >= bound;
            }
        }
    }
    stroke
}

/// Twice what three of five pixels stay at or below, within limits.
fn bound_of(counts: &[usize; 256]) -> u8 {
    let all: usize = counts.iter().sum();
    let mut below = 0;
    let usual = (0..=u8::MAX).zip(counts).find(|(_, count)| {
        below += **count;
        below * 5 >= all * 3
    });
    let usual = usual.map_or(0, |(value, _)| value);
    usual.saturating_mul(2).clamp(CONTRAST, MOST_CONTRAST)
}

/// Connected shapes (8 neighbours) of the size, fill and evenness of letters.
fn shapes_of(stroke: &[bool], grey: &[u8], columns: usize, rows: usize) -> Vec<Shape> {
    let mut seen = vec![false; stroke.len()];
    let mut shapes = Vec::new();
    let mut stack = Vec::new();
    let mut members: Vec<usize> = Vec::new();
    for start in 0..stroke.len() {
        if !stroke[start] || seen[start] {
            continue;
        }
        seen[start] = true;
        stack.push(start);
        members.clear();
        let (mut left, mut right, mut top, mut bottom) = (columns, 0, rows, 0);
        while let Some(at) = stack.pop() {
            members.push(at);
            let (x, y) = (at % columns, at / columns);
            (left, right) = (left.min(x), right.max(x));
            (top, bottom) = (top.min(y), bottom.max(y));
            for ny in y.saturating_sub(1)..=(y + 1).min(rows - 1) {
                for nx in x.saturating_sub(1)..=(x + 1).min(columns - 1) {
                    let next = ny * columns + nx;
                    if stroke[next] && !seen[next] {
                        seen[next] = true;
                        stack.push(next);
                    }
                }
            }
        }
        let at = PixelBox {
            x: left,
            y: top,
            width: right + 1 - left,
            height: bottom + 1 - top,
        };
        let area = at.width * at.height;
        let right_size = HEIGHTS.contains(&at.height) && at.width <= at.height * 3;
        // A bar fills its box, a hair line hardly any of it.
        let right_fill = members.len() * 100 >= area * 12 && members.len() >= 5;
        if right_size && right_fill && is_even(&members, grey) {
            shapes.push(Shape {
                at,
                pixels: members.len(),
            });
        }
    }
    shapes
}

/// Letters are drawn in one brightness; speckle and bone are not. Soft edges may be darker.
fn is_even(members: &[usize], grey: &[u8]) -> bool {
    let mut values: Vec<u8> = members.iter().map(|at| grey[*at]).collect();
    values.sort_unstable();
    let at = |part: usize| values[(values.len() - 1) * part / 100];
    at(95) - at(50) <= 24
}

/// Shapes of like height on one line, close to each other.
fn rows_of(shapes: &[Shape]) -> Vec<PixelBox> {
    let mut order: Vec<&Shape> = shapes.iter().collect();
    order.sort_by_key(|s| (s.at.x, s.at.y));
    let mut owner: Vec<usize> = (0..order.len()).collect();
    let root = |owner: &mut Vec<usize>, mut at: usize| {
        while owner[at] != at {
            owner[at] = owner[owner[at]];
            at = owner[at];
        }
        at
    };
    let widest = order.iter().map(|s| s.at.width).max().unwrap_or(0);
    for (i, a) in order.iter().enumerate() {
        let reach = a.at.right() + a.at.height.max(8) * 2 + widest;
        for (j, b) in order.iter().enumerate().skip(i + 1) {
            if b.at.x > reach {
                break;
            }
            if are_neighbours(&a.at, &b.at) {
                let (a, b) = (root(&mut owner, i), root(&mut owner, j));
                owner[b] = a;
            }
        }
    }
    let mut lines: std::collections::BTreeMap<usize, (PixelBox, usize, usize)> =
        std::collections::BTreeMap::new();
    for (i, shape) in order.iter().enumerate() {
        let line = root(&mut owner, i);
        let entry = lines.entry(line).or_insert((shape.at, 0, 0));
        entry.0 = entry.0.around(&shape.at);
        entry.1 += 1;
        entry.2 += shape.pixels;
    }
    lines
        .into_values()
        .filter(|(at, count, _)| {
            *count >= LETTERS && at.width * 2 >= at.height * 3 && at.height <= 2 * HEIGHTS.end()
        })
        .map(|(at, ..)| at)
        .collect()
}

fn are_neighbours(a: &PixelBox, b: &PixelBox) -> bool {
    let (low, high) = (a.height.min(b.height), a.height.max(b.height));
    let overlap = a.bottom().min(b.bottom()).saturating_sub(a.y.max(b.y));
    let gap = b.x.saturating_sub(a.right());
    // Capitals and small letters differ by less than two; letters of one line share most of their rows.
    high * 10 <= low * 22 && overlap * 10 >= low * 6 && gap * 10 <= high * 13 + 20
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Letters and digits of five by seven dots, one byte a row.
    const GLYPHS: [(char, [u8; 7]); 16] = [
        ('A', [0x0E, 0x11, 0x11, 0x1F, 0x11, 0x11, 0x11]),
        ('D', [0x1E, 0x11, 0x11, 0x11, 0x11, 0x11, 0x1E]),
        ('E', [0x1F, 0x10, 0x10, 0x1E, 0x10, 0x10, 0x1F]),
        ('H', [0x11, 0x11, 0x11, 0x1F, 0x11, 0x11, 0x11]),
        ('J', [0x07, 0x02, 0x02, 0x02, 0x02, 0x12, 0x0C]),
        ('N', [0x11, 0x19, 0x15, 0x13, 0x11, 0x11, 0x11]),
        ('O', [0x0E, 0x11, 0x11, 0x11, 0x11, 0x11, 0x0E]),
        ('R', [0x1E, 0x11, 0x11, 0x1E, 0x14, 0x12, 0x11]),
        ('S', [0x0F, 0x10, 0x10, 0x0E, 0x01, 0x01, 0x1E]),
        ('T', [0x1F, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04]),
        ('1', [0x04, 0x0C, 0x04, 0x04, 0x04, 0x04, 0x0E]),
        ('2', [0x0E, 0x11, 0x01, 0x02, 0x04, 0x08, 0x1F]),
        ('4', [0x02, 0x06, 0x0A, 0x12, 0x1F, 0x02, 0x02]),
        ('5', [0x1F, 0x10, 0x1E, 0x01, 0x01, 0x11, 0x0E]),
        ('7', [0x1F, 0x01, 0x02, 0x04, 0x08, 0x08, 0x08]),
        ('9', [0x0E, 0x11, 0x11, 0x0F, 0x01, 0x02, 0x0C]),
    ];

    pub(crate) fn draw(
        grey: &mut [u8],
        columns: usize,
        at: (usize, usize),
        scale: usize,
        text: &str,
        ink: u8,
    ) -> PixelBox {
        let mut x = at.0;
        for letter in text.chars() {
            if let Some((_, dots)) = GLYPHS.iter().find(|(c, _)| *c == letter) {
                for (row, bits) in dots.iter().enumerate() {
                    for column in 0..5 {
                        if bits & (0x10 >> column) != 0 {
                            for dy in 0..scale {
                                for dx in 0..scale {
                                    let px = x + column * scale + dx;
                                    let py = at.1 + row * scale + dy;
                                    grey[py * columns + px] = ink;
                                }
                            }
                        }
                    }
                }
            }
            x += 6 * scale;
        }
        PixelBox {
            x: at.0,
            y: at.1,
            width: x - at.0 - scale,
            height: 7 * scale,
        }
    }

    fn noise(seed: u64, count: usize) -> impl Iterator<Item = u64> {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        std::iter::repeat_with(move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        })
        .take(count)
    }

    /// Speckle with soft blobs, like an ultrasound picture: brightness from many averaged random numbers.
    fn speckle(seed: u64, columns: usize, rows: usize) -> Vec<u8> {
        let raw: Vec<u8> = noise(seed, columns * rows)
            .map(|v| (v % 200) as u8)
            .collect();
        let mut out = raw.clone();
        for y in 1..rows - 1 {
            for x in 1..columns - 1 {
                let mut sum = 0u32;
                for dy in 0..3 {
                    for dx in 0..3 {
                        sum += u32::from(raw[(y + dy - 1) * columns + x + dx - 1]);
                    }
                }
                out[y * columns + x] = (sum / 9) as u8;
            }
        }
        out
    }

    #[test]
    fn text_is_found_wherever_it_stands_and_speckle_is_none() {
        const TEXTS: [&str; 6] = [
            "JOHN DOE",
            "1954-12-29",
            "ANNE 7421",
            "HOST 42",
            "DR SORENSEN",
            "291275",
        ];
        let (columns, rows) = (320, 240);
        let (mut wanted, mut met, mut alarms) = (0, 0, 0);
        for case in 0..60u64 {
            let clean = speckle(case, columns, rows);
            alarms += usize::from(!find_text(&clean, columns, rows).is_empty());
            let mut grey = match case % 3 {
                // On speckle, on black, on a bright field.
                0 => clean,
                1 => vec![8; columns * rows],
                _ => vec![235; columns * rows],
            };
            let ink = if case % 3 == 2 { 10 } else { 250 };
            let text = TEXTS[(case % 6) as usize];
            let scale = 1 + (case / 6 % 4) as usize;
            let wide = text.len() * 6 * scale;
            let place = (
                (case as usize * 37) % (columns - wide.min(columns - 4)),
                (case as usize * 53) % (rows - 7 * scale),
            );
            let at = draw(&mut grey, columns, place, scale, text, ink);
            wanted += 1;
            let boxes = find_text(&grey, columns, rows);
            let covered = boxes.iter().any(|b| {
                b.x <= at.x + at.width / 8
                    && b.right() + at.width / 8 >= at.right()
                    && b.y <= at.y + at.height / 4
                    && b.bottom() + at.height / 4 >= at.bottom()
            });
            met += usize::from(covered);
        }
        assert!(met * 100 >= wanted * 95, "{met} of {wanted} found");
        assert!(alarms * 100 <= 60 * 5, "{alarms} false alarms of 60");
    }

    #[test]
    fn a_single_marker_is_no_text_and_small_pictures_are_none() {
        let mut grey = vec![0; 100 * 100];
        draw(&mut grey, 100, (60, 20), 4, "R", 255);
        assert_eq!(find_text(&grey, 100, 100), []);
        assert_eq!(find_text(&[0; 16], 4, 4), []);
        assert_eq!(find_text(&[0; 16], 400, 4), []);
    }
}
