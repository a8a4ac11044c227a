//! Resizing of 2-D grids of `f32`, with the centres of pixels aligned.
//!
//! Output pixel `o` of `n` covers the input interval `[o, o + 1] * m / n` when the input has `m` pixels, so the
//! outer edges of both grids coincide and the centre of `o` lies at `(o + 0.5) * m / n - 0.5` in input indices.
//! A value that is not a number spreads to every output pixel that it touches.

/// Why a grid cannot be resized.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResampleError {
    /// The number of values is not rows times columns.
    #[error("{values} values do not make {rows} rows of {columns}")]
    Shape {
        /// Values given.
        values: usize,
        /// Rows said.
        rows: usize,
        /// Columns said.
        columns: usize,
    },
    /// A side of the input or output is zero.
    #[error("a side is zero")]
    Empty,
    /// The output would not fit into memory that can be addressed.
    #[error("the output is too large")]
    TooLarge,
}

/// One output pixel along an axis: first input pixel and the weights from there on, which add up to 1.
struct Taps {
    first: usize,
    weights: Vec<f32>,
}

/// Mean over the area that an output pixel covers (box filter, weights by overlap). Shrinking this way keeps
/// the mean of the grid; growing repeats pixels.
///
/// `from` and `to` are rows and columns.
pub fn area(values: &[f32], from: [usize; 2], to: [usize; 2]) -> Result<Vec<f32>, ResampleError> {
    separable(values, from, to, area_taps)
}

/// Linear between the two nearest pixel centres along each axis; beyond the outermost centres the edge pixel.
/// Meant for growing and for moderate shrinking: it does not smooth.
///
/// `from` and `to` are rows and columns.
pub fn bilinear(
    values: &[f32],
    from: [usize; 2],
    to: [usize; 2],
) -> Result<Vec<f32>, ResampleError> {
    separable(values, from, to, linear_taps)
}

fn area_taps(input: usize, output: usize) -> Vec<Taps> {
    let scale = input as f64 / output as f64;
    (0..output)
        .map(|o| {
            let (start, end) = (o as f64 * scale, (o + 1) as f64 * scale);
            let first = (start.floor() as usize).min(input - 1);
            let last = (end.ceil() as usize).clamp(first + 1, input);
            let mut weights: Vec<f64> = (first..last)
                .map(|i| (end.min((i + 1) as f64) - start.max(i as f64)).max(0.0))
                .collect();
            // Rounding at a pixel border may leave a sliver that does not belong.
            let sum: f64 = weights.iter().sum();
            if sum > 0.0 {
                weights.iter_mut().for_each(|w| *w /= sum);
            }
            Taps {
                first,
                weights: weights.iter().map(|&w| w as f32).collect(),
            }
        })
        .collect()
}

fn linear_taps(input: usize, output: usize) -> Vec<Taps> {
    let scale = input as f64 / output as f64;
    (0..output)
        .map(|o| {
            let centre = ((o as f64 + 0.5) * scale - 0.5).clamp(0.0, (input - 1) as f64);
            let first = (centre.floor() as usize).min(input - 1);
            let fraction = (centre - first as f64) as f32;
            let weights = if first + 1 < input {
                vec![1.0 - fraction, fraction]
            } else {
                vec![1.0]
            };
            Taps { first, weights }
        })
        .collect()
}

fn separable(
    values: &[f32],
    [rows, columns]: [usize; 2],
    [out_rows, out_columns]: [usize; 2],
    taps: fn(usize, usize) -> Vec<Taps>,
) -> Result<Vec<f32>, ResampleError> {
    if rows.checked_mul(columns) != Some(values.len()) {
        return Err(ResampleError::Shape {
            values: values.len(),
            rows,
            columns,
        });
    }
    if rows == 0 || columns == 0 || out_rows == 0 || out_columns == 0 {
        return Err(ResampleError::Empty);
    }
    let total = out_rows
        .checked_mul(out_columns)
        .filter(|n| n.checked_mul(4).is_some_and(|b| b <= isize::MAX as usize))
        .ok_or(ResampleError::TooLarge)?;
    let row_taps = taps(rows, out_rows);
    let column_taps = taps(columns, out_columns);
    let mut out = Vec::with_capacity(total);
    let mut line = vec![0.0f32; columns];
    for row in &row_taps {
        line.fill(0.0);
        let source = values
            .chunks_exact(columns)
            .skip(row.first)
            .zip(&row.weights);
        for (source, &weight) in source {
            // A weight of zero must not carry a NaN of a pixel that is not covered.
            if weight != 0.0 {
                line.iter_mut()
                    .zip(source)
                    .for_each(|(sum, &value)| *sum += weight * value);
            }
        }
        out.extend(column_taps.iter().map(|column| {
            line.iter()
                .skip(column.first)
                .zip(&column.weights)
                .filter(|(_, weight)| **weight != 0.0)
                .map(|(value, weight)| value * weight)
                .sum::<f32>()
        }));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: &[f32], expected: &[f32]) {
        assert_eq!(found.len(), expected.len());
        for (f, e) in found.iter().zip(expected) {
            assert!((f - e).abs() < 1e-6, "{found:?} is not {expected:?}");
        }
    }

    #[test]
    fn area_is_the_mean_of_what_is_covered() {
        let grid = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        close(&area(&grid, [2, 3], [1, 3]).unwrap(), &[2.5, 3.5, 4.5]);
        // Three pixels into two: each takes one and a half.
        close(
            &area(&grid, [2, 3], [2, 2]).unwrap(),
            &[4.0 / 3.0, 8.0 / 3.0, 13.0 / 3.0, 17.0 / 3.0],
        );
        close(
            &area(&[1.0, 3.0], [1, 2], [2, 4]).unwrap(),
            &[1.0, 1.0, 3.0, 3.0, 1.0, 1.0, 3.0, 3.0],
        );
    }

    #[test]
    fn area_keeps_the_mean() {
        let grid: Vec<f32> = (0..37 * 53).map(|i| ((i * 7919) % 251) as f32).collect();
        let mean = |v: &[f32]| v.iter().map(|&x| f64::from(x)).sum::<f64>() / v.len() as f64;
        let small = area(&grid, [37, 53], [16, 16]).unwrap();
        assert!((mean(&small) - mean(&grid)).abs() < 1e-4);
    }

    #[test]
    fn bilinear_reproduces_a_plane_inside() {
        // value = 2 * column + 10 * row, sampled at aligned centres, is exact away from the edge.
        let (rows, columns) = (8usize, 6usize);
        let grid: Vec<f32> = (0..rows * columns)
            .map(|i| 2.0 * (i % columns) as f32 + 10.0 * (i / columns) as f32)
            .collect();
        let out = bilinear(&grid, [rows, columns], [16, 18]).unwrap();
        for r in 2..14 {
            for c in 3..15 {
                let expected =
                    2.0 * ((c as f32 + 0.5) / 3.0 - 0.5) + 10.0 * ((r as f32 + 0.5) / 2.0 - 0.5);
                assert!((out[r * 18 + c] - expected).abs() < 1e-4);
            }
        }
    }

    #[test]
    fn same_size_is_the_same_picture() {
        let grid: Vec<f32> = (0..35).map(|i| (i as f32).sin()).collect();
        assert_eq!(area(&grid, [5, 7], [5, 7]).unwrap(), grid);
        assert_eq!(bilinear(&grid, [5, 7], [5, 7]).unwrap(), grid);
    }

    #[test]
    fn wrong_shapes_are_errors() {
        assert_eq!(
            area(&[0.0; 5], [2, 3], [1, 1]),
            Err(ResampleError::Shape {
                values: 5,
                rows: 2,
                columns: 3
            })
        );
        assert_eq!(bilinear(&[], [0, 3], [1, 1]), Err(ResampleError::Empty));
        assert_eq!(
            area(&[1.0], [1, 1], [usize::MAX, 2]),
            Err(ResampleError::TooLarge)
        );
    }

    #[test]
    fn a_missing_value_stays_where_it_is() {
        let mut grid = vec![1.0f32; 16];
        grid[0] = f32::NAN;
        let out = area(&grid, [4, 4], [2, 2]).unwrap();
        assert!(out[0].is_nan());
        assert_eq!(&out[1..], [1.0, 1.0, 1.0]);
    }
}
