//! Exact Euclidean distances in millimetres, on grids whose steps differ from axis to axis.
//!
//! Source: Felzenszwalb and Huttenlocher (2012), one axis after the other, each linear in its length.

use super::bits::Bits;
use rayon::prelude::*;

/// Squared distance from each voxel's centre to the nearest centre of a voxel of the set, columns fastest; infinite where the
/// set is empty. `spacing` is millimetres from column to column, row to row, slice to slice.
pub fn squared(bits: &Bits, spacing: [f64; 3]) -> Vec<f64> {
    let [columns, rows, slices] = bits.size();
    let mut field = vec![f64::INFINITY; columns * rows * slices];
    if field.is_empty() {
        return field;
    }
    let slice = columns * rows;
    field
        .par_chunks_mut(slice)
        .enumerate()
        .for_each(|(z, field)| {
            for (y, row) in field.chunks_exact_mut(columns).enumerate() {
                along_row(bits, y, z, spacing[0], row);
            }
            let mut line = Line::new(rows);
            across(field, columns, rows, spacing[1], &mut line);
        });
    if slices > 1 {
        // Columns of a row lie together, so a row of all slices is a block to work on.
        let mut planes: Vec<Vec<&mut [f64]>> = (0..rows).map(|_| Vec::new()).collect();
        for (index, row) in field.chunks_exact_mut(columns).enumerate() {
            if let Some(plane) = planes.get_mut(index % rows) {
                plane.push(row);
            }
        }
        planes.par_iter_mut().for_each(|plane| {
            let mut line = Line::new(slices);
            for x in 0..columns {
                for (value, row) in line.values.iter_mut().zip(plane.iter()) {
                    *value = row.get(x).copied().unwrap_or(f64::INFINITY);
                }
                if line.lower(spacing[2]) {
                    for (value, row) in line.lowered.iter().zip(plane.iter_mut()) {
                        if let Some(out) = row.get_mut(x) {
                            *out = *value;
                        }
                    }
                }
            }
        });
    }
    field
}

/// Distance with a sign: positive outside of the set, to its nearest voxel; negative inside, to the nearest voxel that is not in
/// it. Never 0. Infinite where there is none.
pub fn signed(bits: &Bits, spacing: [f64; 3]) -> Vec<f64> {
    let outside = squared(bits, spacing);
    let mut rest = bits.clone();
    rest.invert();
    let inside = squared(&rest, spacing);
    outside
        .into_par_iter()
        .zip(inside)
        .map(|(out, inside)| match out > 0.0 {
            true => out.sqrt(),
            false => -inside.sqrt(),
        })
        .collect()
}

/// Squared distances within a row, from its runs.
fn along_row(bits: &Bits, y: usize, z: usize, step: f64, row: &mut [f64]) {
    let mut last: Option<usize> = None;
    let count = row.len();
    let mut gap = |from: Option<usize>, to: Option<usize>, start: usize, end: usize| {
        for (x, value) in row.iter_mut().enumerate().take(end).skip(start) {
            let before = from.map_or(f64::INFINITY, |f| (x - f) as f64);
            let after = to.map_or(f64::INFINITY, |t| (t - x) as f64);
            let near = before.min(after) * step;
            *value = near * near;
        }
    };
    for run in bits.runs_of(y, z) {
        let free = last.map_or(0, |l| l + 1);
        gap(last, Some(run.start), free, run.start);
        for x in run.clone() {
            gap(Some(x), None, x, x + 1);
        }
        last = Some(run.end - 1);
    }
    if let Some(last) = last {
        gap(Some(last), None, last + 1, count);
    }
}

/// The second axis of a slice: each column in turn.
fn across(field: &mut [f64], columns: usize, rows: usize, step: f64, line: &mut Line) {
    if rows < 2 {
        return;
    }
    for x in 0..columns {
        for (value, from) in line
            .values
            .iter_mut()
            .zip(field.iter().skip(x).step_by(columns))
        {
            *value = *from;
        }
        if line.lower(step) {
            for (to, value) in field.iter_mut().skip(x).step_by(columns).zip(&line.lowered) {
                *to = *value;
            }
        }
    }
}

/// Room for the lower envelope of parabolas along a line.
struct Line {
    values: Vec<f64>,
    lowered: Vec<f64>,
    /// Places of the parabolas of the envelope, and from where on each is the lowest.
    places: Vec<usize>,
    from: Vec<f64>,
}

impl Line {
    fn new(length: usize) -> Self {
        Self {
            values: vec![f64::INFINITY; length],
            lowered: vec![f64::INFINITY; length],
            places: Vec::with_capacity(length),
            from: Vec::with_capacity(length),
        }
    }

    /// The least of value + (distance × step)² over the line, at each place of it; `false` when nothing changes.
    fn lower(&mut self, step: f64) -> bool {
        self.places.clear();
        self.from.clear();
        let square = step * step;
        for (place, &value) in self.values.iter().enumerate() {
            if value == f64::INFINITY {
                continue;
            }
            let mut start = f64::NEG_INFINITY;
            while let (Some(&before), Some(&from)) = (self.places.last(), self.from.last()) {
                let (p, b) = (place as f64, before as f64);
                let other = self.values.get(before).copied().unwrap_or(f64::INFINITY);
                // Where the two parabolas meet, in places.
                start = ((value - other) / square + p * p - b * b) / (2.0 * (p - b));
                if start > from {
                    break;
                }
                self.places.pop();
                self.from.pop();
                start = f64::NEG_INFINITY;
            }
            self.places.push(place);
            self.from.push(start);
        }
        if self.places.is_empty() {
            return false;
        }
        let mut at = 0;
        for (place, out) in self.lowered.iter_mut().enumerate() {
            while self.from.get(at + 1).is_some_and(|&f| f < place as f64) {
                at += 1;
            }
            let source = self.places.get(at).copied().unwrap_or(0);
            let value = self.values.get(source).copied().unwrap_or(f64::INFINITY);
            let away = source.abs_diff(place) as f64;
            *out = value + away * away * square;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::{super::noise::Noise, *};

    #[test]
    fn distances_are_the_least_of_all() {
        let spacing = [0.78125, 0.9, 2.5];
        for share in [0.01, 0.2] {
            let size = [23, 17, 11];
            let mut noise = Noise::new(8);
            let mask: Vec<bool> = (0..23 * 17 * 11).map(|_| noise.unit() < share).collect();
            let bits = Bits::from_bools(&mask, size).unwrap();
            let found = squared(&bits, spacing);
            let with_sign = signed(&bits, spacing);
            let all: Vec<[usize; 3]> = Bits::full(size).ones().collect();
            for (index, at) in all.iter().enumerate() {
                let least = |inside: bool| {
                    all.iter()
                        .filter(|v| bits.get(**v) == inside)
                        .map(|v| {
                            (0..3)
                                .map(|i| (v[i].abs_diff(at[i]) as f64 * spacing[i]).powi(2))
                                .sum::<f64>()
                        })
                        .fold(f64::INFINITY, f64::min)
                };
                let expected = least(true);
                assert!((found[index] - expected).abs() < 1e-9);
                let expected = match bits.get(*at) {
                    true => -least(false).sqrt(),
                    false => expected.sqrt(),
                };
                assert!((with_sign[index] - expected).abs() < 1e-9);
            }
        }
        let nothing = squared(&Bits::new([3, 3, 3]), spacing);
        assert!(nothing.iter().all(|d| *d == f64::INFINITY));
    }
}
