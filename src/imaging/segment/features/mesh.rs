//! The surface of a set as triangles: marching cubes (Lorensen and Cline 1987) half-way between voxel centres.
//!
//! The triangles of each of the cube's cases are made from their rule, not from a table: where two corners that lie diagonally
//! on a face are in, they are parted, and where fewer corners are in than not, the case is that of the other corners turned
//! inside out (corner 7 out stands for it). A polygon is cut as the widely used tables do it: the cut of largest area on a
//! cube; and with seven corners the fan from the one that lies on its plane of symmetry.

use crate::imaging::segment::bits::{Bits, WORD};
use std::sync::LazyLock;

/// Corners of a cube: column, row, slice.
const CORNERS: [[usize; 3]; 8] = [
    [0, 0, 0],
    [1, 0, 0],
    [1, 1, 0],
    [0, 1, 0],
    [0, 0, 1],
    [1, 0, 1],
    [1, 1, 1],
    [0, 1, 1],
];

/// The two corners of each edge.
const EDGES: [[usize; 2]; 12] = [
    [0, 1],
    [1, 2],
    [2, 3],
    [3, 0],
    [4, 5],
    [5, 6],
    [6, 7],
    [7, 4],
    [0, 4],
    [1, 5],
    [2, 6],
    [3, 7],
];

/// The corners of each face in turn, seen from outside, all turning the same way.
const FACES: [[usize; 4]; 6] = [
    [0, 3, 2, 1],
    [4, 5, 6, 7],
    [0, 1, 5, 4],
    [1, 2, 6, 5],
    [2, 3, 7, 6],
    [3, 0, 4, 7],
];

type Triangle = [usize; 3];

/// Triangles of the cases in which corner 7 is out, as numbers of edges.
static CASES: LazyLock<Vec<Vec<Triangle>>> = LazyLock::new(|| (0..128).map(triangles).collect());

/// Middle of an edge, in half voxels.
fn middle(edge: usize) -> [usize; 3] {
    let [a, b] = EDGES[edge].map(|c| CORNERS[c]);
    [0, 1, 2].map(|axis| a[axis] + b[axis])
}

fn edge_of(a: usize, b: usize) -> usize {
    let found = EDGES.iter().position(|e| *e == [a, b] || *e == [b, a]);
    found.unwrap_or(0)
}

/// Polygons of a case: on each face, lines from where its border leaves the corners that are in to where it comes back.
fn polygons(case: usize) -> Vec<Vec<usize>> {
    let inside = |corner: usize| case >> corner & 1 == 1;
    let mut next = [usize::MAX; 12];
    for face in FACES {
        for i in 0..4 {
            let (a, b) = (face[i], face[(i + 1) % 4]);
            if inside(a) && !inside(b) {
                // Back over the corners that are in, to the edge where they begin.
                let mut j = i;
                while inside(face[(j + 3) % 4]) {
                    j = (j + 3) % 4;
                }
                next[edge_of(face[(j + 3) % 4], face[j])] = edge_of(a, b);
            }
        }
    }
    let mut found = Vec::new();
    let mut used = [false; 12];
    for start in 0..12 {
        if next[start] == usize::MAX || used[start] {
            continue;
        }
        let mut polygon = Vec::new();
        let mut at = start;
        while !used[at] {
            used[at] = true;
            polygon.push(at);
            at = next[at];
        }
        found.push(polygon);
    }
    found
}

fn cube_area(triangles: &[Triangle]) -> f64 {
    let point = |edge: usize| middle(edge).map(|v| v as f64 / 2.0);
    triangles.iter().map(|t| area(t.map(point))).sum()
}

/// Area of a triangle.
fn area([a, b, c]: [[f64; 3]; 3]) -> f64 {
    let n = cross(minus(b, a), minus(c, a));
    (n[0] * n[0] + n[1] * n[1] + n[2] * n[2]).sqrt() / 2.0
}

fn minus(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

fn cross(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ]
}

/// All ways to cut a polygon into triangles.
fn cuts(polygon: &[usize]) -> Vec<Vec<Triangle>> {
    let (Some(&first), Some(&last)) = (polygon.first(), polygon.last()) else {
        return vec![Vec::new()];
    };
    if polygon.len() < 3 {
        return vec![Vec::new()];
    }
    let mut found = Vec::new();
    for k in 1..polygon.len() - 1 {
        for left in cuts(&polygon[..=k]) {
            for right in cuts(&polygon[k..]) {
                let mut all = left.clone();
                all.extend(right);
                all.push([first, polygon[k], last]);
                found.push(all);
            }
        }
    }
    found
}

fn triangles(case: usize) -> Vec<Triangle> {
    let mut found = Vec::new();
    for polygon in polygons(case) {
        let n = polygon.len();
        let ways: Vec<Vec<Triangle>> = match n < 7 {
            true => cuts(&polygon),
            false => {
                let fan = |from: usize| -> Vec<Triangle> {
                    let at = |i: usize| polygon[(from + i) % n];
                    (1..n - 1).map(|i| [at(0), at(i), at(i + 1)]).collect()
                };
                let fans: Vec<Vec<Triangle>> = (0..n).map(fan).collect();
                let same = |a: f64, b: f64| (a - b).abs() < 1e-9;
                // Fans from mirrored corners have equal areas; the one on the plane has no partner.
                let alone = |fan: &Vec<Triangle>| {
                    let own = cube_area(fan);
                    fans.iter().filter(|f| same(cube_area(f), own)).count() == 1
                };
                fans.iter().filter(|f| alone(f)).cloned().collect()
            }
        };
        let mut best: Option<(f64, Vec<Triangle>)> = None;
        for way in ways {
            let area = cube_area(&way);
            if best.as_ref().is_none_or(|(most, _)| area > most + 1e-9) {
                best = Some((area, way));
            }
        }
        found.extend(best.map(|(_, way)| way).unwrap_or_default());
    }
    found
}

/// What a surface measures.
pub(super) struct Surface {
    /// Its area, mm².
    pub area: f64,
    /// What it shuts in, mm³.
    pub volume: f64,
    /// Its corners in half voxels, each once.
    pub corners: Vec<[usize; 3]>,
}

/// Whether a column of a row is in.
fn bit(row: &[u64], column: Option<usize>) -> bool {
    column.is_some_and(|c| {
        row.get(c / WORD)
            .is_some_and(|word| word >> (c % WORD) & 1 == 1)
    })
}

/// Cubes of a row of cubes that are neither all in nor all out: bits of their columns, of which there is one more than voxels. A
/// cube lies between its column and the one before.
fn mixed(rows: [&[u64]; 4], words: usize) -> Vec<u64> {
    let at = |row: &[u64], index: usize| row.get(index).copied().unwrap_or(0);
    let (mut any_before, mut all_before) = (0, 0);
    (0..words)
        .map(|index| {
            let [a, b, c, d] = rows.map(|row| at(row, index));
            let (any, all) = (a | b | c | d, a & b & c & d);
            let some = any | any << 1 | any_before >> (WORD - 1);
            let every = all & (all << 1 | all_before >> (WORD - 1));
            (any_before, all_before) = (any, all);
            some & !every
        })
        .collect()
}

/// The surface of a set; everything beyond the grid is out.
pub(super) fn surface(bits: &Bits, spacing: [f64; 3]) -> Surface {
    let mut found = Surface {
        area: 0.0,
        volume: 0.0,
        corners: Vec::new(),
    };
    let Some([low, high]) = bits.bounds() else {
        return found;
    };
    for z in low[2]..=high[2] + 1 {
        for y in low[1]..=high[1] + 1 {
            let row = |dy: usize, dz: usize| -> &[u64] {
                match ((y + dy).checked_sub(1), (z + dz).checked_sub(1)) {
                    (Some(y), Some(z)) => bits.row(y, z),
                    _ => &[],
                }
            };
            let rows = [row(0, 0), row(1, 0), row(0, 1), row(1, 1)];
            if rows.iter().all(|row| row.iter().all(|&word| word == 0)) {
                continue;
            }
            for (index, mut word) in mixed(rows, bits.stride() + 1).into_iter().enumerate() {
                while word != 0 {
                    let x = index * WORD + word.trailing_zeros() as usize;
                    word &= word - 1;
                    let mut case = 0;
                    for (corner, [dx, dy, dz]) in CORNERS.iter().enumerate() {
                        let inside = bit(rows[dy + 2 * dz], (x + dx).checked_sub(1));
                        case |= usize::from(inside) << corner;
                    }
                    found.add([x, y, z], low, case, spacing);
                }
            }
        }
    }
    found
}

impl Surface {
    /// What one cube holds of the surface.
    fn add(&mut self, at: [usize; 3], low: [usize; 3], case: usize, spacing: [f64; 3]) {
        // Each edge of the grid once: those at the cube's first corner, to the right, down, and deeper.
        for edge in [0, 3, 8] {
            let [a, b] = EDGES[edge];
            if (case >> a & 1) != (case >> b & 1) {
                let middle = middle(edge);
                self.corners.push([0, 1, 2].map(|i| 2 * at[i] + middle[i]));
            }
        }
        let (case, sign) = match case >= 128 {
            true => (255 - case, -1.0),
            false => (case, 1.0),
        };
        for triangle in CASES.get(case).into_iter().flatten() {
            // From the set's own corner on: far from 0, volumes would be differences of large numbers.
            let points = triangle.map(|edge| {
                let middle = middle(edge);
                [0, 1, 2].map(|i| ((at[i] - low[i]) as f64 + middle[i] as f64 / 2.0) * spacing[i])
            });
            self.area += area(points);
            let n = cross(points[1], points[2]);
            let [a, ..] = points;
            self.volume += sign * (a[0] * n[0] + a[1] * n[1] + a[2] * n[2]) / 6.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_voxel_is_an_octahedron() {
        let mut bits = Bits::new([3, 3, 3]);
        bits.set([1, 1, 1], true);
        let found = surface(&bits, [1.0; 3]);
        // Eight triangles with sides of half the root of two.
        let expected = 8.0 * 3.0f64.sqrt() / 4.0 * 0.5;
        assert!((found.area - expected).abs() < 1e-12);
        assert!((found.volume - 1.0 / 6.0).abs() < 1e-12);
        let mut corners = found.corners.clone();
        corners.sort_unstable();
        // Beyond the first voxel by one: places are those of a grid with one voxel more to each side.
        let middle = [4, 4, 4];
        assert_eq!(corners.len(), 6);
        for corner in corners {
            let away: usize = (0..3).map(|i| corner[i].abs_diff(middle[i])).sum();
            assert_eq!(away, 1);
        }
    }

    #[test]
    fn a_large_ball_has_the_surface_of_a_ball() {
        let radius = 20.0f64;
        let spacing = [0.8, 1.0, 1.25];
        let bits = Bits::from_fn([56, 46, 38], |at| {
            let d = |i: usize, c: f64| ((at[i] as f64 - c) * spacing[i]).powi(2);
            d(0, 27.5) + d(1, 22.5) + d(2, 18.5) <= radius * radius
        });
        let found = surface(&bits, spacing);
        let volume = 4.0 / 3.0 * std::f64::consts::PI * radius.powi(3);
        assert!(
            (found.volume / volume - 1.0).abs() < 0.01,
            "{}",
            found.volume
        );
        let area = 4.0 * std::f64::consts::PI * radius * radius;
        // Marching cubes of a mask overestimate a round surface by some percent.
        assert!(
            found.area > area && found.area < 1.12 * area,
            "{}",
            found.area / area
        );
    }

    #[test]
    fn all_cases_close() {
        // Noise holds every case; its surface shuts in between nothing and everything, and each side of a triangle is met by
        // another one exactly once the other way.
        for case in 1..128 {
            let edges: usize = polygons(case).iter().map(Vec::len).sum();
            let cut = EDGES
                .iter()
                .filter(|[a, b]| (case >> a & 1) != (case >> b & 1))
                .count();
            assert_eq!(edges, cut, "{case}");
            let made = CASES[case].len();
            assert_eq!(made, edges - 2 * polygons(case).len(), "{case}");
        }
    }
}
