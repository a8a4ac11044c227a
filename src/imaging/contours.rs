//! Masks as outlines and outlines as masks, slice by slice.
//!
//! Outlines run on the edges of pixels, in pixels of the slice with a pixel's centre at whole numbers: the corner of the
//! first pixel is (-0.5, -0.5). A hole is joined to what is around it by a channel of no width (a keyhole), so that one
//! outline is one part of the mask; a channel crosses no pixel's centre.
//!
//! Back, a pixel belongs to the mask when its centre lies inside an odd number of the slice's outlines (even-odd over all
//! of them); a centre on an edge belongs to what lies to its right, or below. So a mask that went out comes back to the
//! voxel.

use std::{collections::BTreeMap, ops::Range};

/// A closed outline: columns and rows of its corners, the last joined to the first.
pub type Outline = Vec<[f64; 2]>;

/// Corners of pixels, (0, 0) being the first corner of the first pixel.
type Corner = [i32; 2];

/// The outlines of a mask of rows; keyholes included. Parts that touch at a corner alone are parts of their own.
pub fn outlines(mask: &[bool], columns: usize) -> Vec<Outline> {
    let rows = mask.len().checked_div(columns).unwrap_or(0);
    let (mut outer, mut holes) = (Vec::new(), Vec::new());
    for corners in loops(mask, columns, rows) {
        match doubled_area(&corners) > 0 {
            true => outer.push(
                corners
                    .iter()
                    .map(|c| c.map(f64::from))
                    .collect::<Outline>(),
            ),
            false => holes.push(corners),
        }
    }
    // From left to right: whatever lies to the left of a hole is joined already.
    let left = |corners: &Vec<Corner>| corners.iter().map(|c| c[0]).min();
    holes.sort_by_key(left);
    for hole in &holes {
        join(&mut outer, hole);
    }
    for outline in &mut outer {
        for point in outline.iter_mut() {
            *point = point.map(|v| v - 0.5);
        }
    }
    outer
}

/// All closed ways along edges between inside and outside, the inside to the right of each, corners where they turn.
fn loops(mask: &[bool], columns: usize, rows: usize) -> Vec<Vec<Corner>> {
    let inside = |x: usize, y: usize| {
        x < columns && y < rows && mask.get(y * columns + x).copied().unwrap_or(false)
    };
    // Ways that leave a corner: at most two, where pixels touch at it alone.
    let mut ways: BTreeMap<Corner, Vec<Corner>> = BTreeMap::new();
    let mut add = |from: [usize; 2], to: [usize; 2]| {
        let [from, to] = [from, to].map(|c| c.map(|v| v as i32));
        ways.entry(from).or_default().push(to);
    };
    for y in 0..rows {
        for x in (0..columns).filter(|x| inside(*x, y)) {
            if y == 0 || !inside(x, y - 1) {
                add([x, y], [x + 1, y]);
            }
            if !inside(x + 1, y) {
                add([x + 1, y], [x + 1, y + 1]);
            }
            if !inside(x, y + 1) {
                add([x + 1, y + 1], [x, y + 1]);
            }
            if x == 0 || !inside(x - 1, y) {
                add([x, y + 1], [x, y]);
            }
        }
    }
    let mut all = Vec::new();
    while let Some(start) = ways.keys().next().copied() {
        let (mut corners, mut at): (Vec<Corner>, Corner) = (Vec::new(), start);
        let mut heading: Option<Corner> = None;
        while let Some(next) = take(&mut ways, at, heading) {
            let step = [next[0] - at[0], next[1] - at[1]];
            if heading != Some(step) {
                corners.push(at);
            }
            heading = Some(step);
            at = next;
            // The first corner of all is the leftmost of its loop, where no two ways meet.
            if at == start {
                break;
            }
        }
        // The first corner is one only when the last way turns there.
        if let (Some(first), Some(second), Some(last)) = (corners.first(), corners.get(1), heading)
        {
            let out = [
                (second[0] - first[0]).signum(),
                (second[1] - first[1]).signum(),
            ];
            if out == last {
                corners.remove(0);
            }
        }
        all.push(corners);
    }
    all
}

/// The next corner, taken out; of two the one to the right, so that parts that touch at a corner stay apart.
fn take(
    ways: &mut BTreeMap<Corner, Vec<Corner>>,
    at: Corner,
    heading: Option<Corner>,
) -> Option<Corner> {
    let list = ways.get_mut(&at)?;
    let right = |to: &Corner| {
        let step = [to[0] - at[0], to[1] - at[1]];
        // Rows run down: a right turn from (dx, dy) heads for (-dy, dx).
        heading.is_some_and(|[dx, dy]| step == [-dy, dx])
    };
    let place = list.iter().position(right).unwrap_or(0);
    let next = list.swap_remove(place);
    if list.is_empty() {
        ways.remove(&at);
    }
    Some(next)
}

/// Twice the area, positive when the inside is to the right of the way.
fn doubled_area(corners: &[Corner]) -> i64 {
    let next = corners.iter().cycle().skip(1);
    corners
        .iter()
        .zip(next)
        .map(|(a, b)| i64::from(a[0]) * i64::from(b[1]) - i64::from(b[0]) * i64::from(a[1]))
        .sum()
}

/// Joins a hole to the outline at its left.
fn join(outer: &mut [Outline], hole: &[Corner]) {
    let edges = || {
        (0..hole.len()).filter_map(|i| Some((i, *hole.get(i)?, *hole.get((i + 1) % hole.len())?)))
    };
    let upright = edges().filter(|(_, a, b)| a[0] == b[0]);
    let Some((place, from, to)) = upright.min_by_key(|(_, a, b)| (a[0], a[1].min(b[1]))) else {
        return;
    };
    let x = f64::from(from[0]);
    // Between a row's first edge and its centres.
    let y = f64::from(from[1].min(to[1])) + 0.25;
    let mut best: Option<(f64, usize, usize)> = None;
    for (number, outline) in outer.iter().enumerate() {
        for (edge, a) in outline.iter().enumerate() {
            let Some(b) = outline.get((edge + 1) % outline.len()) else {
                continue;
            };
            let crosses = a[0] == b[0] && a[0] < x && a[1].min(b[1]) < y && y < a[1].max(b[1]);
            if crosses && best.is_none_or(|(nearest, ..)| a[0] > nearest) {
                best = Some((a[0], number, edge));
            }
        }
    }
    let Some((wall, number, edge)) = best else {
        return;
    };
    let Some(outline) = outer.get_mut(number) else {
        return;
    };
    let around = (1..=hole.len()).filter_map(|k| hole.get((place + k) % hole.len()));
    let channel = [[wall, y], [x, y]]
        .into_iter()
        .chain(around.map(|c| c.map(f64::from)))
        .chain([[x, y], [wall, y]]);
    let channel: Vec<[f64; 2]> = channel.collect();
    outline.splice(edge + 1..edge + 1, channel);
}

/// The pixels whose centres lie inside an odd number of outlines: columns by row, rows in order.
pub fn filled(outlines: &[Outline], columns: usize, rows: usize) -> Vec<(usize, Range<usize>)> {
    // Where outlines cross the line through the centres of each row.
    let mut crossings: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for outline in outlines {
        for (place, a) in outline.iter().enumerate() {
            let Some(b) = outline.get((place + 1) % outline.len()) else {
                continue;
            };
            let (low, high) = if a[1] <= b[1] { (a, b) } else { (b, a) };
            // A centre on the upper end counts, one on the lower end does not.
            let first = low[1].ceil().max(0.0);
            let end = high[1].ceil().min(rows as f64);
            if !(first < end && low[0].is_finite() && high[0].is_finite()) {
                continue;
            }
            let slope = (high[0] - low[0]) / (high[1] - low[1]);
            for row in first as usize..end as usize {
                let x = low[0] + slope * (row as f64 - low[1]);
                crossings.entry(row).or_default().push(x);
            }
        }
    }
    let mut runs = Vec::new();
    for (row, mut places) in crossings {
        places.sort_by(f64::total_cmp);
        for pair in places.chunks_exact(2) {
            let [from, to] = *pair else { continue };
            let column = |x: f64| x.ceil().clamp(0.0, columns as f64) as usize;
            let run = column(from)..column(to);
            if !run.is_empty() {
                runs.push((row, run));
            }
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn back(outlines: &[Outline], columns: usize, rows: usize) -> Vec<bool> {
        let mut mask = vec![false; columns * rows];
        for (row, run) in filled(outlines, columns, rows) {
            mask[row * columns + run.start..row * columns + run.end].fill(true);
        }
        mask
    }

    fn noise(seed: u64) -> impl FnMut(usize) -> usize {
        let mut state = seed;
        move |below| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        }
    }

    #[test]
    fn a_square_has_four_corners_on_the_edges_of_its_pixels() {
        let mut mask = vec![false; 20];
        for at in [6, 7, 11, 12] {
            mask[at] = true;
        }
        let found = outlines(&mask, 5);
        assert_eq!(
            found,
            [vec![[0.5, 0.5], [2.5, 0.5], [2.5, 2.5], [0.5, 2.5]]]
        );
    }

    #[test]
    fn any_mask_comes_back_pixel_for_pixel() {
        let mut next = noise(1);
        for round in 0..400 {
            let (columns, rows) = (1 + next(17), 1 + next(13));
            let density = 1 + round % 9;
            let mask: Vec<bool> = (0..columns * rows).map(|_| next(10) < density).collect();
            let found = outlines(&mask, columns);
            assert_eq!(
                back(&found, columns, rows),
                mask,
                "{columns} {rows} {round}"
            );
        }
    }

    #[test]
    fn rings_in_rings_are_one_outline_each() {
        // A ring with an island in its hole, which has a hole of its own.
        let (columns, rows) = (15, 15);
        let ring = |x: usize, y: usize| x.abs_diff(7).max(y.abs_diff(7));
        let mask: Vec<bool> = (0..columns * rows)
            .map(|at| matches!(ring(at % columns, at / columns), 5 | 6 | 1 | 2))
            .collect();
        let found = outlines(&mask, columns);
        assert_eq!(found.len(), 2);
        assert_eq!(back(&found, columns, rows), mask);
        // Each outline alone is its part: what a program that knows no even-odd rule across outlines sees as well.
        let parts: usize = found
            .iter()
            .map(|o| {
                back(std::slice::from_ref(o), columns, rows)
                    .iter()
                    .filter(|v| **v)
                    .count()
            })
            .sum();
        assert_eq!(parts, mask.iter().filter(|v| **v).count());
    }

    #[test]
    fn centres_on_edges_belong_to_the_right_and_below() {
        let square = vec![[1.0, 1.0], [3.0, 1.0], [3.0, 3.0], [1.0, 3.0]];
        let runs = filled(&[square], 6, 6);
        assert_eq!(runs, [(1, 1..3), (2, 1..3)]);
    }

    #[test]
    fn what_is_no_number_or_far_away_fills_nothing() {
        let odd = vec![[f64::NAN, 0.0], [2.0, f64::INFINITY], [1e300, -1e300]];
        assert_eq!(filled(&[odd], 4, 4), []);
    }
}
