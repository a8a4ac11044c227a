//! Cutting with an outline: in a slice, or through the volume as one looks at it.

use super::{
    bits::{Bits, Combine},
    outline::{crossings, polygon},
};
use crate::model::geometry::GridGeometry;
use glam::DVec3;
use std::ops::Range;

/// Which part an outline stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Part {
    /// What lies inside.
    #[default]
    Inside,
    /// What lies outside.
    Outside,
}

/// Where the centre of a voxel is seen: the point of voxel 0, 0, 0, and the steps on the screen from column to column, row to row
/// and slice to slice.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    /// Point of the first voxel.
    pub origin: [f64; 2],
    /// Step of each axis.
    pub steps: [[f64; 2]; 3],
}

impl Look {
    /// How the centres of a grid are seen along a direction: places are millimetres along two axes of the screen.
    pub fn along(grid: &GridGeometry, right: DVec3, down: DVec3) -> Self {
        let seen = |v: DVec3| [v.dot(right), v.dot(down)];
        let steps = grid.patient_from_voxel.matrix3;
        Self {
            origin: seen(grid.patient_from_voxel.translation),
            steps: [steps.x_axis, steps.y_axis, steps.z_axis].map(seen),
        }
    }
}

/// A plane through a grid, as thick as a voxel is along its normal: what it goes through is what is drawn in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sheet {
    /// Distance of the first voxel.
    origin: f64,
    /// Its change with each axis.
    steps: [f64; 3],
    /// Half of the thickness.
    half: f64,
}

impl Sheet {
    /// The plane through a point with a unit normal.
    pub fn of(grid: &GridGeometry, point: DVec3, normal: DVec3) -> Self {
        let matrix = grid.patient_from_voxel.matrix3;
        let steps = [matrix.x_axis, matrix.y_axis, matrix.z_axis].map(|step| step.dot(normal));
        let most = steps.into_iter().max_by(|a, b| a.abs().total_cmp(&b.abs()));
        // A plane between two slices is in the one with the larger index, whichever way it is looked at.
        let sign = if most.is_some_and(|most| most < 0.0) {
            -1.0
        } else {
            1.0
        };
        Self {
            origin: sign * (grid.patient_from_voxel.translation - point).dot(normal),
            steps: steps.map(|step| sign * step),
            half: steps.iter().map(|step| step.abs()).sum::<f64>() / 2.0,
        }
    }

    fn holds(&self, [x, y, z]: [usize; 3]) -> bool {
        let [a, b, c] = self.steps;
        let away = self.origin + x as f64 * a + y as f64 * b + z as f64 * c;
        let rounding = self.half * 1e-9;
        -self.half + rounding < away && away <= self.half + rounding
    }

    /// Columns of a row that it goes through.
    fn columns(&self, y: usize, z: usize, count: usize) -> Range<usize> {
        let [by, b, c] = self.steps;
        let first = self.origin + y as f64 * b + z as f64 * c;
        if by.abs() < 1e-12 {
            return if self.holds([0, y, z]) {
                0..count
            } else {
                0..0
            };
        }
        let ends = [-self.half, self.half].map(|end| (end - first) / by);
        let low = ends[0].min(ends[1]).floor().max(0.0);
        let high = ends[0].max(ends[1]).ceil() + 1.0;
        // The ends are found by the very test: rounding decides nothing. The casts saturate.
        let mut range = (low as usize).min(count)..(high.max(0.0) as usize).min(count);
        while range.start < range.end && !self.holds([range.start, y, z]) {
            range.start += 1;
        }
        while range.end > range.start && !self.holds([range.end - 1, y, z]) {
            range.end -= 1;
        }
        range
    }
}

/// The voxels whose centres are seen inside of an outline and that a plane goes through.
pub fn on_sheet(size: [usize; 3], look: &Look, outline: &[[f64; 2]], sheet: &Sheet) -> Bits {
    seen(size, look, outline, |y, z| sheet.columns(y, z, size[0]))
}

/// The voxels of a slice across an axis (2: rows and columns) inside or outside of an outline. Its coordinates are those of pixel
/// centres of the slice: across columns they are row and slice, across rows column and slice, else column and row.
pub fn in_slice(
    size: [usize; 3],
    axis: usize,
    index: usize,
    outline: &[[f64; 2]],
    part: Part,
) -> Bits {
    let mut out = Bits::new(size);
    if axis > 2 || index >= size[axis] {
        return out;
    }
    let [wide, high] = match axis {
        0 => [1, 2],
        1 => [0, 2],
        _ => [0, 1],
    };
    let mut flat = polygon(outline, size[wide], size[high]);
    if part == Part::Outside {
        flat.invert();
    }
    for (row, _, run) in flat.runs() {
        match axis {
            0 => run.for_each(|y| out.set([index, y, row], true)),
            1 => out.set_run(index, row, run),
            _ => out.set_run(row, index, run),
        }
    }
    out
}

/// The voxels whose centres are seen inside or outside of an outline, however deep they lie; `slices` keeps it to some of them.
pub fn through(
    size: [usize; 3],
    look: &Look,
    outline: &[[f64; 2]],
    part: Part,
    slices: Option<std::ops::Range<usize>>,
) -> Bits {
    let inside = seen(size, look, outline, |_, z| {
        match slices.as_ref().is_some_and(|s| !s.contains(&z)) {
            true => 0..0,
            false => 0..size[0],
        }
    });
    let usable = outline.len() >= 3 && outline.iter().flatten().all(|v| v.is_finite());
    if part == Part::Inside || !usable {
        return inside;
    }
    let mut out = inside;
    out.invert();
    if let Some(slices) = slices {
        out.each_row_mut(|_, z, row| {
            if !slices.contains(&z) {
                row.fill(0);
            }
        });
    }
    out
}

/// What is seen inside of an outline, of those columns of each row that are asked for.
fn seen(
    size: [usize; 3],
    look: &Look,
    outline: &[[f64; 2]],
    columns: impl Fn(usize, usize) -> Range<usize> + Sync,
) -> Bits {
    let mut out = Bits::new(size);
    let usable = outline.len() >= 3 && outline.iter().flatten().all(|v| v.is_finite());
    if !usable {
        return out;
    }
    let step = look.steps[0];
    let length = step[0].hypot(step[1]);
    out.each_row_mut(|y, z, row| {
        let asked = columns(y, z);
        if asked.is_empty() {
            return;
        }
        let start = [0, 1]
            .map(|i| look.origin[i] + y as f64 * look.steps[1][i] + z as f64 * look.steps[2][i]);
        // Columns lie along a line on the screen: turned so that it is level, its crossings with the outline are columns.
        let unit = if length > 1e-12 {
            step.map(|s| s / length)
        } else {
            [1.0, 0.0]
        };
        let turned: Vec<[f64; 2]> = outline
            .iter()
            .map(|p| {
                let d = [p[0] - start[0], p[1] - start[1]];
                [
                    d[0] * unit[0] + d[1] * unit[1],
                    d[1] * unit[0] - d[0] * unit[1],
                ]
            })
            .collect();
        let cuts = crossings(&turned, 0.0);
        if length <= 1e-12 {
            // Looked at along the columns: all of them are one point.
            let before = cuts.iter().filter(|c| **c <= 0.0).count();
            if before % 2 == 1 {
                super::bits::fill(row, &asked, |word, mask| word | mask);
            }
            return;
        }
        for run in cuts.as_chunks::<2>().0 {
            let [first, last] = run.map(|c| (c / length).ceil().clamp(0.0, size[0] as f64));
            let run = asked.start.max(first as usize)..asked.end.min(last as usize);
            super::bits::fill(row, &run, |word, mask| word | mask);
        }
    });
    out
}

/// The set after a cut: the voxels that were cut out are gone (`erase`), or are all that was not there before too.
pub fn cut(bits: &Bits, voxels: &Bits, erase: bool) -> Bits {
    let mut out = bits.clone();
    out.combine(
        if erase {
            Combine::Subtract
        } else {
            Combine::Add
        },
        voxels,
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAR: [[f64; 2]; 5] = [
        [3.2, 2.1],
        [20.7, 4.4],
        [9.3, 9.9],
        [18.2, 19.6],
        [2.4, 15.3],
    ];

    /// Whether a point lies inside, by counting the sides above it.
    fn inside(p: [f64; 2]) -> bool {
        let mut odd = false;
        for (i, a) in STAR.iter().enumerate() {
            let b = STAR[(i + 1) % 5];
            if (a[0] <= p[0]) != (b[0] <= p[0]) {
                let y = a[1] + (p[0] - a[0]) / (b[0] - a[0]) * (b[1] - a[1]);
                odd ^= y < p[1];
            }
        }
        odd
    }

    #[test]
    fn slices_are_cut_across_each_axis() {
        let size = [22, 21, 23];
        for axis in 0..3 {
            for part in [Part::Inside, Part::Outside] {
                let found = in_slice(size, axis, 4, &STAR, part);
                let expected = Bits::from_fn(size, |[x, y, z]| {
                    let ([u, v], at) = match axis {
                        0 => ([y, z], x),
                        1 => ([x, z], y),
                        _ => ([x, y], z),
                    };
                    at == 4 && inside([u as f64, v as f64]) == (part == Part::Inside)
                });
                assert_eq!(found, expected, "{axis} {part:?}");
            }
        }
    }

    #[test]
    fn a_cut_goes_through_the_volume_as_it_is_seen() {
        let size = [17, 15, 13];
        let looks = [
            [[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]],
            [[0.9, 0.2], [-0.3, 1.1], [0.4, -0.2]],
            [[-0.7, 0.1], [0.0, 0.8], [0.9, 0.3]],
            [[0.0, 0.0], [1.2, 0.0], [0.0, 1.1]],
            [[0.0, -1.0], [1.0, 0.0], [0.2, 0.1]],
        ];
        for steps in looks {
            let look = Look {
                origin: [8.05, 9.03],
                steps,
            };
            let seen = |at: [usize; 3]| {
                [0, 1].map(|i| {
                    look.origin[i]
                        + (0..3)
                            .map(|axis| at[axis] as f64 * steps[axis][i])
                            .sum::<f64>()
                })
            };
            for part in [Part::Inside, Part::Outside] {
                for slices in [None, Some(3..7)] {
                    let found = through(size, &look, &STAR, part, slices.clone());
                    let expected = Bits::from_fn(size, |at| {
                        let kept = slices.as_ref().is_none_or(|s| s.contains(&at[2]));
                        kept && inside(seen(at)) == (part == Part::Inside)
                    });
                    assert_eq!(found, expected, "{steps:?} {part:?}");
                }
            }
        }
        let all = Bits::full(size);
        let hole = in_slice(size, 2, 0, &STAR, Part::Inside);
        assert_eq!(cut(&all, &hole, true).count() + hole.count(), all.count());
        assert_eq!(cut(&hole, &all, false), all);
    }
}
