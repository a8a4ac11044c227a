//! Outlines of masks along the edges of their pixels, and masks of outlines: lossless both ways.
//!
//! Corners of pixels have whole coordinates: pixel (c, r) covers c to c + 1 and r to r + 1, its centre is at c + ½, r + ½.

use super::bits::Bits;
use std::collections::HashMap;

/// A closed line through corners of pixels, without the first one again at the end, and only where it turns. Seen with rows
/// downwards, the mask lies to its right: outer lines run clockwise, those of holes counter-clockwise.
pub type Loop = Vec<[u32; 2]>;

/// Steps by direction: right, down, left, up.
const STEPS: [[i64; 2]; 4] = [[1, 0], [0, 1], [-1, 0], [0, -1]];

/// The outlines of a slice of a set (rows and columns). Pixels that touch at a corner only have outlines of their own.
pub fn outlines(bits: &Bits, slice: usize) -> Vec<Loop> {
    let [columns, rows, slices] = bits.size();
    if slice >= slices {
        return Vec::new();
    }
    let inside = |x: i64, y: i64| {
        let at = usize::try_from(x).ok().zip(usize::try_from(y).ok());
        at.is_some_and(|(x, y)| bits.get([x, y, slice]))
    };
    // Edges along the tops of pixels, run to the right, and along their bottoms, run to the left; where each begins.
    let mut open: HashMap<([i64; 2], usize), bool> = HashMap::new();
    for y in 0..=rows as i64 {
        for x in 0..columns as i64 {
            match (inside(x, y - 1), inside(x, y)) {
                (false, true) => open.insert(([x, y], 0), true),
                (true, false) => open.insert(([x + 1, y], 2), true),
                _ => None,
            };
        }
    }
    let mut starts: Vec<([i64; 2], usize)> = open.keys().copied().collect();
    starts.sort_unstable_by_key(|([x, y], direction)| (*y, *x, *direction));
    let mut found = Vec::new();
    for start in starts {
        if open.get(&start) != Some(&true) {
            continue;
        }
        let mut line: Loop = Vec::new();
        let (mut at, mut direction) = start;
        loop {
            if let Some(waiting) = open.get_mut(&(at, direction)) {
                *waiting = false;
            }
            at = [0, 1].map(|i| at[i] + STEPS[direction][i]);
            // The pixels ahead, to the left and to the right of the way.
            let [x, y] = at;
            let (left, right) = match direction {
                0 => (inside(x, y - 1), inside(x, y)),
                1 => (inside(x, y), inside(x - 1, y)),
                2 => (inside(x - 1, y), inside(x - 1, y - 1)),
                _ => (inside(x - 1, y - 1), inside(x, y - 1)),
            };
            // Right about its own pixel first: what touches at a corner only is not part of it.
            let next = match (left, right) {
                (_, false) => (direction + 1) % 4,
                (false, true) => direction,
                (true, true) => (direction + 3) % 4,
            };
            if next != direction {
                line.push(at.map(|v| v as u32));
            }
            direction = next;
            if (at, direction) == start {
                break;
            }
        }
        // The first corner last is the first corner.
        line.rotate_right(1);
        found.push(line);
    }
    found
}

/// The pixels that outlines shut in, by the even-odd rule: those of [`outlines`] give the mask that they came from. Corners
/// beyond the grid are taken at its edge.
pub fn filled(loops: &[Loop], columns: usize, rows: usize) -> Bits {
    let mut bits = Bits::new([columns, rows, 1]);
    for line in loops {
        let next = line.iter().cycle().skip(1);
        for (a, b) in line.iter().zip(next) {
            if a[0] != b[0] {
                continue;
            }
            let (top, bottom) = (a[1].min(b[1]) as usize, a[1].max(b[1]) as usize);
            for y in top..bottom.min(rows) {
                bits.flip_run(y, 0, a[0] as usize..columns);
            }
        }
    }
    bits
}

/// The pixels whose centres lie inside a polygon, by the even-odd rule; coordinates are those of pixel centres (the first one is
/// 0, 0). Of centres on the polygon, those on left and upper sides are in, so that polygons that share a side share no pixel.
pub fn polygon(points: &[[f64; 2]], columns: usize, rows: usize) -> Bits {
    let mut bits = Bits::new([columns, rows, 1]);
    let finite = points.iter().flatten().all(|v| v.is_finite());
    if points.len() < 3 || !finite {
        return bits;
    }
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for point in points {
        low = low.min(point[1]);
        high = high.max(point[1]);
    }
    let first = low.ceil().max(0.0) as usize;
    let last = high.floor();
    if last < 0.0 {
        return bits;
    }
    for y in first..rows.min(last as usize + 1) {
        for run in crossings(points, y as f64).as_chunks::<2>().0 {
            let (start, end) = (run[0].ceil().max(0.0), run[1].ceil());
            if end > start {
                bits.set_run(y, 0, start as usize..end as usize);
            }
        }
    }
    bits
}

/// Where a polygon crosses a level, from left to right. Each corner belongs to the side below it.
pub(super) fn crossings(points: &[[f64; 2]], level: f64) -> Vec<f64> {
    let next = points.iter().cycle().skip(1);
    let mut found: Vec<f64> = points
        .iter()
        .zip(next)
        .filter(|(a, b)| (a[1] <= level) != (b[1] <= level))
        .map(|(a, b)| a[0] + (level - a[1]) / (b[1] - a[1]) * (b[0] - a[0]))
        .collect();
    found.sort_by(f64::total_cmp);
    found
}

#[cfg(test)]
mod tests {
    use super::{super::noise::Noise, *};

    #[test]
    fn outlines_give_their_mask_back() {
        for share in [0.1, 0.5, 0.8, 1.0] {
            let size = [67, 23, 2];
            let mut noise = Noise::new(6);
            let mask: Vec<bool> = (0..67 * 23 * 2).map(|_| noise.unit() < share).collect();
            let bits = Bits::from_bools(&mask, size).unwrap();
            for z in 0..2 {
                let loops = outlines(&bits, z);
                let whole = filled(&loops, 67, 23);
                assert_eq!(whole, bits.cropped([0, 0, z], [66, 22, z]));
                // Turns only, signed areas that add up to the pixels, edges that add up to the border.
                let mut area = 0i64;
                let mut length = 0u64;
                for line in &loops {
                    for i in 0..line.len() {
                        let [a, b] =
                            [line[i], line[(i + 1) % line.len()]].map(|p| p.map(i64::from));
                        let c = line[(i + 2) % line.len()].map(i64::from);
                        area += a[0] * b[1] - b[0] * a[1];
                        length += a[0].abs_diff(b[0]) + a[1].abs_diff(b[1]);
                        assert!((a[0] == b[0]) != (a[1] == b[1]));
                        assert!((a[0] == b[0]) != (b[0] == c[0]));
                    }
                }
                assert_eq!(area / 2, whole.count() as i64);
                let at =
                    |x: i64, y: i64| x >= 0 && y >= 0 && whole.get([x as usize, y as usize, 0]);
                let mut border = 0;
                for y in 0..=23 {
                    for x in 0..=67 {
                        border += u64::from(at(x, y) != at(x - 1, y))
                            + u64::from(at(x, y) != at(x, y - 1));
                    }
                }
                assert_eq!(length, border);
            }
        }
    }

    #[test]
    fn lines_turn_right_about_what_touches_at_a_corner() {
        let mut bits = Bits::new([4, 4, 1]);
        bits.set([1, 1, 0], true);
        bits.set([2, 2, 0], true);
        let loops = outlines(&bits, 0);
        assert_eq!(loops.len(), 2);
        assert_eq!(loops[0], [[1, 1], [2, 1], [2, 2], [1, 2]]);
        assert!(outlines(&bits, 1).is_empty());
    }

    #[test]
    fn polygons_hold_centres() {
        let square = [[1.0, 1.0], [4.0, 1.0], [4.0, 3.0], [1.0, 3.0]];
        let bits = polygon(&square, 8, 8);
        // Left and upper sides are in: columns 1 to 3, rows 1 and 2.
        assert_eq!(bits.count(), 6);
        assert!(bits.get([1, 1, 0]) && bits.get([3, 2, 0]) && !bits.get([4, 1, 0]));
        let beside = polygon(&square.map(|[x, y]| [x + 3.0, y]), 8, 8);
        assert_eq!(bits.shared(&beside), 0);
        // A bow tie, and one that reaches over the edge.
        let bow = [[-9.5, 0.0], [9.5, 10.0], [9.5, 0.0], [-9.5, 10.0]];
        let mut count = 0;
        let found = polygon(&bow, 10, 10);
        for y in 0..10 {
            for x in 0..10 {
                let half = (y as f64 - 5.0).abs() * 1.9;
                let (x, cut) = (x as f64, half);
                let inside = x >= cut && x < 9.5 || x < -cut;
                assert_eq!(found.get([x as usize, y, 0]), inside, "{x} {y}");
                count += u64::from(inside);
            }
        }
        assert_eq!(found.count(), count);
        assert!(polygon(&[[0.0, 0.0], [1.0, f64::NAN], [2.0, 0.0]], 4, 4).is_empty());
    }
}
