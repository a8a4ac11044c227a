//! Samples as they leave: in their range, as little-endian values, components interleaved.

use super::header::{Area, Size};

/// The range of samples.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// The least signed value of the precision.
    low: i16,
    /// What unsigned samples are shifted by (G.1).
    shift: u16,
}

impl Limits {
    #[inline(always)]
    pub(super) fn whole(self, x: i32) -> u16 {
        // Limited in two steps, which processors have for many values at once.
        let x = x.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16;
        (x.clamp(self.low, !self.low) as u16).wrapping_add(self.shift)
    }

    #[inline(always)]
    pub(super) fn real(self, x: f32) -> u16 {
        // With this added a float has no room for fractions: its lowest bits are the rounded number.
        const ROUND: f32 = 12_582_912.0;
        let x = x.max(f32::from(self.low)).min(f32::from(!self.low)) + ROUND;
        (x.to_bits() as u16).wrapping_add(self.shift)
    }
}

/// Where samples go.
pub(super) struct Target<'a> {
    out: &'a mut [u8],
    pub(super) limits: Limits,
    bytes: usize,
    pixel: usize,
    line: usize,
    first: usize,
    /// A row of each component of narrow values.
    narrow: [Vec<u8>; 3],
}

impl<'a> Target<'a> {
    /// The place of a tile; a value has 1 or 2 `bytes`, and the precision fits into them.
    pub(super) fn new(size: &Size, tile: &Area, bytes: usize, out: &'a mut [u8]) -> Self {
        let pixel = usize::from(size.components) * bytes;
        let line = size.columns() as usize * pixel;
        let half = 1u16 << ((size.precision - 1) & 15);
        Self {
            out,
            limits: Limits {
                low: half.wrapping_neg() as i16,
                shift: if size.signed { 0 } else { half },
            },
            bytes,
            pixel,
            line,
            first: (tile.y0 - size.y0) as usize * line + (tile.x0 - size.x0) as usize * pixel,
            narrow: Default::default(),
        }
    }

    /// Writes a row of the first three components.
    #[inline(always)]
    pub(super) fn write_pixels<T: Copy>(
        &mut self,
        y: usize,
        rows: [&[T]; 3],
        sample: impl Fn(T) -> u16,
    ) {
        if self.pixel != 3 {
            for (component, row) in rows.into_iter().enumerate() {
                self.write(component, y, row, &sample);
            }
            return;
        }
        for (narrow, row) in self.narrow.iter_mut().zip(rows) {
            narrow.resize(row.len(), 0);
            for (x, to) in row.iter().zip(narrow) {
                *to = sample(*x) as u8;
            }
        }
        let first = self.first + y * self.line;
        let out = self.out.get_mut(first..).unwrap_or_default();
        let [one, two, three] = &self.narrow;
        let pixels = out.as_chunks_mut::<3>().0.iter_mut();
        for (to, ((a, b), c)) in pixels.zip(one.iter().zip(two).zip(three)) {
            *to = [*a, *b, *c];
        }
    }

    /// Writes a row of a component.
    #[inline(always)]
    pub(super) fn write<T: Copy>(
        &mut self,
        component: usize,
        y: usize,
        row: &[T],
        sample: impl Fn(T) -> u16,
    ) {
        let first = self.first + y * self.line + component * self.bytes;
        let out = self.out.get_mut(first..).unwrap_or_default();
        match (self.bytes, self.pixel) {
            (2, 2) => {
                for (x, to) in row.iter().zip(out.as_chunks_mut::<2>().0) {
                    *to = sample(*x).to_le_bytes();
                }
            }
            (1, 1) => {
                for (x, to) in row.iter().zip(out) {
                    *to = sample(*x) as u8;
                }
            }
            (2, _) => {
                for (x, to) in row.iter().zip(out.chunks_mut(self.pixel)) {
                    if let Some(to) = to.first_chunk_mut() {
                        *to = sample(*x).to_le_bytes();
                    }
                }
            }
            _ => {
                for (x, to) in row.iter().zip(out.chunks_mut(self.pixel)) {
                    if let Some(to) = to.first_mut() {
                        *to = sample(*x) as u8;
                    }
                }
            }
        }
    }
}
