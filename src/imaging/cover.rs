//! The twin of the cover pass, and the pixels that a display shutter hides.
//!
//! Both sides choose the frame's pixel under a viewport pixel by the same fixed-point arithmetic
//! ([`super::reslice::PixelGrid`]) and take the nearest one, however the picture below is interpolated: a bit has no
//! half. So they agree everywhere, not just within a bound.

use super::{
    reslice::{PixelGrid, nearest},
    window::code_value,
};
use crate::model::{
    cover::{Bits, CoverShown, FrameCover, Shutter, ShutterShape},
    view::SliceView,
};

/// Code values of a layer's colour.
pub fn codes(color: [f32; 3]) -> [u8; 3] {
    color.map(|v| code_value(f64::from(v)))
}

/// Paints a cover over a picture of RGBA code values that shows the frame as `view` says.
pub fn paint_cpu(view: &SliceView, cover: &FrameCover, shown: CoverShown, picture: &mut [u8]) {
    let grid = PixelGrid::of(&view.voxel_from_viewport);
    let layers: Vec<_> = cover.layers.iter().filter(|l| shown.shows(l)).collect();
    let Some([columns, rows]) = layers.first().map(|layer| layer.bits.size()) else {
        return;
    };
    let lines = picture.chunks_exact_mut(view.size[0].max(1) as usize * 4);
    for (y, line) in lines.enumerate() {
        for (x, pixel) in line.as_chunks_mut::<4>().0.iter_mut().enumerate() {
            let at = grid.at(x as u32, y as u32);
            let (Some(column), Some(row)) = (nearest(at[0], columns), nearest(at[1], rows)) else {
                continue;
            };
            let on_top = layers.iter().rev().find(|l| l.bits.get(column, row));
            if let Some(layer) = on_top {
                let [r, g, b] = codes(layer.color);
                *pixel = [r, g, b, 255];
            }
        }
    }
}

/// The pixels that a shutter hides: all that do not lie within every shape, and those that its bitmap marks
/// (PS3.3 C.7.6.11: "the least amount of image remaining shall be visible"; C.7.6.15).
pub fn shutter_bits(
    shutter: &Shutter,
    columns: usize,
    rows: usize,
    bitmap: Option<&Bits>,
) -> Option<Bits> {
    let across = Bits::words_per_row(columns);
    let mut words = Vec::with_capacity(across.checked_mul(rows)?);
    let mut seen = vec![0u32; across];
    let mut within = vec![0u32; across];
    for row in 0..rows {
        seen.fill(u32::MAX);
        for shape in &shutter.shapes {
            within.fill(0);
            // Rows and columns of shutters are counted from 1.
            spans(shape, row as i64 + 1, |first, last| {
                mark(&mut within, first - 1, last - 1, columns);
            });
            for (all, one) in seen.iter_mut().zip(&within) {
                *all &= one;
            }
        }
        for (i, seen) in seen.iter().enumerate() {
            let hidden = bitmap
                .and_then(|bits| bits.words().get(row * across + i))
                .copied()
                .unwrap_or_default();
            let used = (columns - i * 32).min(32);
            let valid = u32::MAX >> (32 - used);
            words.push((!seen | hidden) & valid);
        }
    }
    Bits::new(columns, rows, words)
}

/// Sets the bits of columns (from 0) `first` to `last`, as far as they are there.
fn mark(words: &mut [u32], first: i64, last: i64, columns: usize) {
    let first = first.max(0);
    let last = last.min(columns as i64 - 1);
    if first > last {
        return;
    }
    let (first, last) = (first as usize, last as usize);
    for (i, word) in words
        .iter_mut()
        .enumerate()
        .take(last / 32 + 1)
        .skip(first / 32)
    {
        let low = first.saturating_sub(i * 32);
        let high = (last - i * 32).min(31);
        *word |= (u32::MAX << low) & (u32::MAX >> (31 - high));
    }
}

/// Gives the columns of a row (both from 1) that a shape shows, as spans with both ends.
fn spans(shape: &ShutterShape, row: i64, mut span: impl FnMut(i64, i64)) {
    match shape {
        ShutterShape::Rectangle {
            left,
            right,
            upper,
            lower,
        } => {
            if (i64::from(*upper)..=i64::from(*lower)).contains(&row) {
                span(i64::from(*left), i64::from(*right));
            }
        }
        ShutterShape::Circle {
            row: middle,
            column,
            radius,
            row_step,
        } => {
            let (radius, up) = (f64::from(*radius), (row - i64::from(*middle)) as f64);
            let rest = radius * radius - (up * row_step) * (up * row_step);
            if rest >= 0.0 {
                let half = rest.sqrt().floor() as i64;
                span(i64::from(*column) - half, i64::from(*column) + half);
            }
        }
        ShutterShape::Polygon(vertices) => polygon_spans(vertices, row, span),
    }
}

/// Inside by the even-odd rule, the outline included. Vertices are whole numbers below 2^20 ([`ShutterShape`] is made
/// so), so every product is exact and no whole crossing is missed.
fn polygon_spans(vertices: &[[i32; 2]], row: i64, mut span: impl FnMut(i64, i64)) {
    let mut crossings: Vec<f64> = Vec::new();
    let ends = vertices.iter().skip(1).chain(vertices.first());
    for (from, to) in vertices.iter().zip(ends) {
        let [y0, x0] = from.map(i64::from);
        let [y1, x1] = to.map(i64::from);
        if row < y0.min(y1) || row > y0.max(y1) {
            continue;
        }
        if y0 == y1 {
            span(x0.min(x1), x0.max(x1));
            continue;
        }
        let x = x0 as f64 + ((row - y0) * (x1 - x0)) as f64 / (y1 - y0) as f64;
        if x.fract() == 0.0 {
            span(x as i64, x as i64);
        }
        if (y0 <= row) != (y1 <= row) {
            crossings.push(x);
        }
    }
    crossings.sort_unstable_by(f64::total_cmp);
    for pair in crossings.as_chunks::<2>().0 {
        span(pair[0].ceil() as i64, pair[1].floor() as i64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn shutter(shapes: Vec<ShutterShape>) -> Shutter {
        Shutter {
            shapes,
            bitmap_group: None,
            color: [0.0; 3],
        }
    }

    /// What is seen, `#`, and what is hidden, `.`.
    fn picture(shapes: Vec<ShutterShape>, columns: usize, rows: usize) -> Vec<String> {
        let bits = shutter_bits(&shutter(shapes), columns, rows, None).unwrap();
        let sign = |column, row| if bits.get(column, row) { '.' } else { '#' };
        (0..rows)
            .map(|row| (0..columns).map(|column| sign(column, row)).collect())
            .collect()
    }

    fn rectangle(left: i32, right: i32, upper: i32, lower: i32) -> ShutterShape {
        ShutterShape::Rectangle {
            left,
            right,
            upper,
            lower,
        }
    }

    #[test]
    fn edges_are_seen() {
        let seen = picture(vec![rectangle(2, 4, 1, 2)], 5, 3);
        assert_eq!(seen, [".###.", ".###.", "....."]);
        let all = picture(vec![rectangle(0, 99, -5, 99)], 5, 1);
        assert_eq!(all, ["#####"]);
        let none = picture(vec![rectangle(4, 2, 1, 2)], 5, 1);
        assert_eq!(none, ["....."]);
    }

    #[test]
    fn circles_follow_the_aspect_of_pixels() {
        let circle = |row_step| ShutterShape::Circle {
            row: 3,
            column: 4,
            radius: 2,
            row_step,
        };
        let round = ["...#...", "..###..", ".#####.", "..###..", "...#..."];
        assert_eq!(picture(vec![circle(1.0)], 7, 5), round);
        // Rows twice as far apart: half as many of them.
        let flat = [".......", "...#...", ".#####.", "...#...", "......."];
        assert_eq!(picture(vec![circle(2.0)], 7, 5), flat);
    }

    #[test]
    fn polygons_show_their_outline_and_combine_with_others() {
        let triangle = ShutterShape::Polygon(Arc::from([[1, 3], [4, 6], [4, 1]]));
        let seen = ["..#...", "..##..", ".####.", "######", "......"];
        // From (1,3) to (4,1) the edge is at columns 3, 2 1/3, 1 2/3, 1.
        assert_eq!(picture(vec![triangle.clone()], 6, 5), seen);
        let cut = picture(vec![triangle, rectangle(3, 5, 2, 9)], 6, 5);
        assert_eq!(cut, ["......", "..##..", "..###.", "..###.", "......"]);
        // A frame whose outline crosses itself: the middle is outside by the even-odd rule.
        let twice = [
            [1, 1],
            [1, 5],
            [5, 5],
            [5, 1],
            [1, 1],
            [2, 2],
            [2, 4],
            [4, 4],
            [4, 2],
            [2, 2],
        ];
        let ring = picture(vec![ShutterShape::Polygon(Arc::from(twice))], 5, 5);
        assert_eq!(ring, ["#####", "#####", "##.##", "#####", "#####"]);
    }

    #[test]
    fn polygons_agree_with_the_crossing_number_of_every_point() {
        let vertices: [[i32; 2]; 7] = [
            [2, 3],
            [9, 40],
            [30, 33],
            [21, 18],
            [38, 6],
            [17, 1],
            [12, 14],
        ];
        let bits = shutter_bits(
            &shutter(vec![ShutterShape::Polygon(Arc::from(vertices))]),
            45,
            40,
            None,
        );
        let bits = bits.unwrap();
        let mut counts = [0; 2];
        for row in 1..=40 {
            for column in 1..=45 {
                let (mut inside, mut on_edge) = (false, false);
                for i in 0..7 {
                    let ([y0, x0], [y1, x1]) = (vertices[i], vertices[(i + 1) % 7]);
                    let cross = (x1 - x0) * (row - y0) - (y1 - y0) * (column - x0);
                    on_edge |= cross == 0
                        && (y0.min(y1)..=y0.max(y1)).contains(&row)
                        && (x0.min(x1)..=x0.max(x1)).contains(&column);
                    let upward = y1 > y0;
                    if (y0 > row) != (y1 > row) && (cross < 0) == upward {
                        inside = !inside;
                    }
                }
                let seen = !bits.get(column as usize - 1, row as usize - 1);
                assert_eq!(seen, inside || on_edge, "row {row}, column {column}");
                counts[usize::from(seen)] += 1;
            }
        }
        assert!(counts[0] > 300 && counts[1] > 300, "{counts:?}");
    }

    #[test]
    fn a_bitmap_hides_what_it_marks() {
        let bitmap = Bits::new(40, 1, vec![5, 1 << 7]).unwrap();
        let bits = shutter_bits(&shutter(vec![rectangle(1, 39, 1, 1)]), 40, 1, Some(&bitmap));
        assert_eq!(bits.unwrap().words(), [5, 1 << 7]);
        let bits = shutter_bits(&shutter(vec![rectangle(1, 39, 1, 1)]), 40, 1, None);
        assert_eq!(bits.unwrap().words(), [0, 1 << 7]);
    }
}
