//! Components brought to full size, line by line.
//!
//! T.81 says where samples lie (A.1.1) and leaves the filter open. Halved directions are interpolated with weights
//! 3/4 and 1/4, rounded as libjpeg-turbo rounds by default, so that the values are the same; other ratios, and
//! components of at most two columns that are halved horizontally, repeat the sample they fall into, as there.

use super::idct::Sample;

/// The samples of one component. Rows are longer than the component: blocks are whole.
#[derive(Debug)]
pub(super) struct Plane<S> {
    pub(super) samples: Vec<S>,
    pub(super) stride: usize,
    /// Columns and rows that belong to the picture (A.1.1).
    pub(super) columns: usize,
    pub(super) rows: usize,
    /// Sampling factors.
    pub(super) horizontal: usize,
    pub(super) vertical: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Filter {
    Same,
    Columns,
    Rows,
    Both,
    Repeat,
}

/// Gives the lines of a plane at full size.
#[derive(Debug)]
pub(super) struct Upsampler<'a, S> {
    plane: &'a Plane<S>,
    filter: Filter,
    /// The largest factors of the frame.
    most: (usize, usize),
    line: Vec<S>,
    sums: Vec<u32>,
}

impl<'a, S: Sample> Upsampler<'a, S> {
    pub(super) fn new(plane: &'a Plane<S>, most: (usize, usize), columns: usize) -> Self {
        let half_columns = plane.horizontal * 2 == most.0;
        let half_rows = plane.vertical * 2 == most.1;
        let (full_columns, full_rows) = (plane.horizontal == most.0, plane.vertical == most.1);
        let filter = if full_columns && full_rows {
            Filter::Same
        } else if full_columns && half_rows {
            Filter::Rows
        } else if half_columns && full_rows && plane.columns > 2 {
            Filter::Columns
        } else if half_columns && half_rows && plane.columns > 2 {
            Filter::Both
        } else {
            Filter::Repeat
        };
        let own = match filter {
            Filter::Same => 0,
            _ => columns.next_multiple_of(2).max(plane.columns * 2),
        };
        Self {
            plane,
            filter,
            most,
            line: vec![S::default(); own],
            sums: Vec::new(),
        }
    }

    fn source(&self, y: usize) -> &'a [S] {
        let from = y.min(self.plane.rows.saturating_sub(1)) * self.plane.stride;
        let rest = self.plane.samples.get(from..).unwrap_or_default();
        rest.get(..self.plane.columns).unwrap_or_default()
    }

    /// The line of the picture with this index; at least as long as the picture is wide.
    pub(super) fn line(&mut self, y: usize) -> &[S] {
        if self.filter == Filter::Same {
            return self.source(y);
        }
        // The line itself, and its neighbour on the side that line y lies on.
        let near = self.source(y / 2);
        let far = match y % 2 {
            0 => self.source((y / 2).saturating_sub(1)),
            _ => self.source(y / 2 + 1),
        };
        match self.filter {
            Filter::Same => {}
            Filter::Columns => {
                let wide = self.source(y).iter().map(|v| (*v).into());
                self.sums.clear();
                self.sums.extend(wide);
                spread(&self.sums, &mut self.line, 2, 1);
            }
            Filter::Rows => {
                let bias = 1 + (y as u32 & 1);
                for ((to, a), b) in self.line.iter_mut().zip(near).zip(far) {
                    let (a, b): (u32, u32) = ((*a).into(), (*b).into());
                    *to = S::of(((a.wrapping_mul(3) + b + bias) >> 2) as i32);
                }
            }
            Filter::Both => {
                self.sums.clear();
                let columns = near.iter().zip(far).map(|(a, b)| {
                    let (a, b): (u32, u32) = ((*a).into(), (*b).into());
                    a.wrapping_mul(3).wrapping_add(b)
                });
                self.sums.extend(columns);
                spread(&self.sums, &mut self.line, 4, 7);
            }
            Filter::Repeat => {
                let (h, v) = (self.plane.horizontal, self.plane.vertical);
                let source = self.source(y * v / self.most.1);
                for (x, to) in self.line.iter_mut().enumerate() {
                    if let Some(value) = source.get(x * h / self.most.0) {
                        *to = *value;
                    }
                }
            }
        }
        &self.line
    }
}

/// Two values for each, three parts of it and one of its neighbour on that side; the outermost have themselves as
/// neighbours. Rounding alternates so that it does not add up to a shift: down on the left for two bits, and up for
/// four.
fn spread<S: Sample>(values: &[u32], line: &mut [S], bits: u32, right: u32) {
    let left = if bits == 2 { 1 } else { 8 };
    let right = if bits == 2 { right + 1 } else { right };
    let (pairs, _) = line.as_chunks_mut::<2>();
    let mix = |a: u32, b: u32, round: u32| {
        S::of((a.wrapping_mul(3).wrapping_add(b).wrapping_add(round) >> bits) as i32)
    };
    if let (Some(first), Some([a, b])) = (pairs.first_mut(), values.first_chunk()) {
        *first = [mix(*a, *a, left), mix(*a, *b, right)];
    }
    let inner = pairs.iter_mut().skip(1).zip(values.array_windows::<3>());
    for (to, [a, b, c]) in inner {
        *to = [mix(*b, *a, left), mix(*b, *c, right)];
    }
    let last = values.len().wrapping_sub(1);
    if let (Some(to), Some([a, b])) = (pairs.get_mut(last), values.last_chunk()) {
        *to = [mix(*b, *a, left), mix(*b, *b, right)];
    }
}
