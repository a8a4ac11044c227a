//! Values that tools look at: a volume of modality values, or numbers in memory, row by row.

use super::bits::{WORD, pack};
use crate::{
    imaging::{statistics::is_image, window::modality_value},
    model::{
        lut::ModalityLut,
        pixels::{Frame, StoredType, read_value},
        volume::Volume,
    },
};
use rayon::prelude::*;
use std::ops::Range;

/// A grid of numbers. What has no value (padding) is not a number, and lies in no range.
pub trait Image: Sync {
    /// Columns, rows and slices.
    fn size(&self) -> [usize; 3];

    /// Writes a row; what lies beyond it, or outside of the grid, is not a number.
    fn row(&self, y: usize, z: usize, out: &mut [f64]);

    /// A value; not a number outside.
    fn value(&self, at: [usize; 3]) -> f64;

    /// How often each whole number occurs, and the first of them, where the values are of 16 bits or less; `None` where that is not
    /// known without looking at each.
    fn whole_counts(&self) -> Option<(f64, Vec<u64>)> {
        None
    }

    /// Sets the bits of those voxels of a row whose value lies in a range, both ends included, and clears the others.
    fn in_range(&self, y: usize, z: usize, range: [f64; 2], out: &mut [u64]) {
        let mut row = vec![f64::NAN; self.size()[0]];
        self.row(y, z, &mut row);
        let fits = |value: &f64| *value >= range[0] && *value <= range[1];
        for (word, part) in out.iter_mut().zip(row.chunks(WORD)) {
            *word = pack(part, &fits);
        }
    }
}

/// A number of a plain array.
pub trait Sample: Copy + PartialOrd + Send + Sync {
    /// The number whose key is 0, for types of 16 bits or less.
    const FIRST: Option<f64>;

    /// As f64, exactly.
    fn number(self) -> f64;

    /// Place among the numbers of the type, where [`Self::FIRST`] says that there is one.
    fn key(self) -> u16;
}

macro_rules! samples {
    ($($kind:ty, $first:expr, $key:expr;)*) => {$(
        impl Sample for $kind {
            const FIRST: Option<f64> = $first;

            fn number(self) -> f64 {
                f64::from(self)
            }

            fn key(self) -> u16 {
                let key: fn($kind) -> u16 = $key;
                key(self)
            }
        }
    )*};
}
samples! {
    u8, Some(0.0), u16::from;
    u16, Some(0.0), |v| v;
    i8, Some(-32768.0), |v| i16::from(v) as u16 ^ 0x8000;
    i16, Some(-32768.0), |v| v as u16 ^ 0x8000;
    u32, None, |_| 0;
    i32, None, |_| 0;
    f32, None, |_| 0;
    f64, None, |_| 0;
}

/// How often each key occurs. Two tables in turn: the same value twice in a row does not wait for itself.
fn counted<T>(values: &[T], key: impl Fn(&T) -> u16) -> Vec<u64> {
    let mut tables = [vec![0u64; KEYS], vec![0u64; KEYS]];
    let [first, second] = &mut tables;
    let (pairs, rest) = values.as_chunks::<2>();
    for [a, b] in pairs {
        if let Some(count) = first.get_mut(usize::from(key(a))) {
            *count += 1;
        }
        if let Some(count) = second.get_mut(usize::from(key(b))) {
            *count += 1;
        }
    }
    for value in rest {
        if let Some(count) = first.get_mut(usize::from(key(value))) {
            *count += 1;
        }
    }
    let [first, second] = tables;
    added(first, &second)
}

fn added(mut a: Vec<u64>, b: &[u64]) -> Vec<u64> {
    a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
    a
}

/// Numbers of 16 bits.
const KEYS: usize = 1 << 16;
/// Values of an array that one thread counts at a time.
const COUNTED: usize = 1 << 22;

/// Numbers in memory, columns fastest.
#[derive(Clone, Copy, Debug)]
pub struct Values<'a, T> {
    values: &'a [T],
    size: [usize; 3],
}

impl<'a, T: Sample> Values<'a, T> {
    /// Numbers of a grid; `None` when they are not as many as it has voxels.
    pub fn new(values: &'a [T], size: [usize; 3]) -> Option<Self> {
        let count = size[0].checked_mul(size[1])?.checked_mul(size[2])?;
        (count == values.len()).then_some(Self { values, size })
    }

    fn line(&self, y: usize, z: usize) -> &'a [T] {
        if y >= self.size[1] || z >= self.size[2] {
            return &[];
        }
        let start = (z * self.size[1] + y) * self.size[0];
        self.values
            .get(start..start + self.size[0])
            .unwrap_or_default()
    }
}

impl<T: Sample> Image for Values<'_, T> {
    fn size(&self) -> [usize; 3] {
        self.size
    }

    fn row(&self, y: usize, z: usize, out: &mut [f64]) {
        out.fill(f64::NAN);
        for (out, value) in out.iter_mut().zip(self.line(y, z)) {
            *out = value.number();
        }
    }

    fn value(&self, [x, y, z]: [usize; 3]) -> f64 {
        self.line(y, z).get(x).map_or(f64::NAN, |v| v.number())
    }

    fn whole_counts(&self) -> Option<(f64, Vec<u64>)> {
        let first = T::FIRST?;
        let counts = self
            .values
            .par_chunks(COUNTED)
            .map(|part| counted(part, |v| v.key()))
            .reduce(|| vec![0; KEYS], |a, b| added(a, &b));
        Some((first, counts))
    }

    fn in_range(&self, y: usize, z: usize, range: [f64; 2], out: &mut [u64]) {
        let fits = |value: &T| {
            let value = value.number();
            value >= range[0] && value <= range[1]
        };
        out.fill(0);
        for (word, part) in out.iter_mut().zip(self.line(y, z).chunks(WORD)) {
            *word = pack(part, &fits);
        }
    }
}

/// Modality values of a volume; its padding has none.
#[derive(Clone, Copy, Debug)]
pub struct Modality<'a>(&'a Volume);

impl<'a> Modality<'a> {
    /// The values of a volume of grey frames; `None` where it has colours, or frames of another size than its grid.
    pub fn new(volume: &'a Volume) -> Option<Self> {
        let [columns, rows, slices] = volume.grid.size;
        let fits = |f: &Frame| f.samples == 1 && f.columns == columns && f.rows == rows;
        (volume.frames.len() == slices && volume.frames.iter().all(fits)).then_some(Self(volume))
    }

    fn modality(&self, kind: StoredType, stored: f64) -> f64 {
        if !is_image(stored, kind, self.0.padding) {
            return f64::NAN;
        }
        modality_value(stored, &self.0.modality_lut)
    }

    /// The stored values of 16-bit integers whose modality values lie in a range: both ends included; `None` where that
    /// cannot be said in stored values.
    fn stored_range(&self, kind: StoredType, range: [f64; 2]) -> Option<Range<i32>> {
        let ModalityLut::Rescale { slope, .. } = &self.0.modality_lut else {
            return None;
        };
        let (least, most) = match kind {
            StoredType::U16 => (0, i32::from(u16::MAX)),
            StoredType::I16 => (i32::from(i16::MIN), i32::from(i16::MAX)),
            _ => return None,
        };
        if self.0.padding.is_some() || *slope <= 0.0 {
            return None;
        }
        let lut = &self.0.modality_lut;
        let value = |stored: i32| modality_value(f64::from(stored), lut);
        // The first stored value at or above the lower end, and the first above the upper one, by halving: exact whatever
        // rounding the product has.
        let first = |reached: &dyn Fn(f64) -> bool| {
            let (mut low, mut high) = (least, most + 1);
            while low < high {
                let middle = (low + high).div_euclid(2);
                match reached(value(middle)) {
                    true => high = middle,
                    false => low = middle + 1,
                }
            }
            low
        };
        Some(first(&|v| v >= range[0])..first(&|v| v > range[1]))
    }
}

impl Image for Modality<'_> {
    fn size(&self) -> [usize; 3] {
        self.0.grid.size
    }

    fn row(&self, y: usize, z: usize, out: &mut [f64]) {
        out.fill(f64::NAN);
        let (Some(frame), [columns, rows, _]) = (self.0.frames.get(z), self.0.grid.size) else {
            return;
        };
        if y >= rows {
            return;
        }
        let bytes = frame.pixels.as_slice();
        for (x, out) in out.iter_mut().enumerate().take(columns) {
            if let Some(stored) = read_value(bytes, frame.stored_type, y * columns + x) {
                *out = self.modality(frame.stored_type, stored);
            }
        }
    }

    fn value(&self, [x, y, z]: [usize; 3]) -> f64 {
        let Some(frame) = self.0.frames.get(z) else {
            return f64::NAN;
        };
        frame
            .value(x, y, 0)
            .map_or(f64::NAN, |stored| self.modality(frame.stored_type, stored))
    }

    fn whole_counts(&self) -> Option<(f64, Vec<u64>)> {
        let ModalityLut::Rescale { slope, intercept } = &self.0.modality_lut else {
            return None;
        };
        let kind = self.0.frames.first()?.stored_type;
        let first = match kind {
            StoredType::U16 => 0.0,
            StoredType::I16 => -32768.0,
            _ => return None,
        };
        let alike = self.0.frames.iter().all(|f| f.stored_type == kind);
        // Whole numbers one apart, and none of them padding.
        if !alike || *slope != 1.0 || intercept.fract() != 0.0 || self.0.padding.is_some() {
            return None;
        }
        let turn = if kind == StoredType::I16 { 0x8000 } else { 0 };
        let counts = self
            .0
            .frames
            .par_iter()
            .with_min_len(16)
            .fold(
                || vec![0; KEYS],
                |sum, frame| {
                    let pairs = frame.pixels.as_slice().as_chunks::<2>().0;
                    added(sum, &counted(pairs, |b| u16::from_le_bytes(*b) ^ turn))
                },
            )
            .reduce(|| vec![0; KEYS], |a, b| added(a, &b));
        Some((first + intercept, counts))
    }

    fn in_range(&self, y: usize, z: usize, range: [f64; 2], out: &mut [u64]) {
        out.fill(0);
        let (Some(frame), [columns, rows, _]) = (self.0.frames.get(z), self.0.grid.size) else {
            return;
        };
        let stored = self.stored_range(frame.stored_type, range);
        let Some((stored, true)) = stored.map(|s| (s, y < rows)) else {
            let mut row = vec![f64::NAN; columns];
            self.row(y, z, &mut row);
            let fits = |value: &f64| *value >= range[0] && *value <= range[1];
            for (word, part) in out.iter_mut().zip(row.chunks(WORD)) {
                *word = pack(part, &fits);
            }
            return;
        };
        let start = y * columns * 2;
        let bytes = frame.pixels.as_slice().get(start..start + columns * 2);
        let pairs = bytes.unwrap_or_default().as_chunks::<2>().0;
        // One comparison without signs for both ends.
        let span = (stored.end - stored.start).max(0) as u32;
        for (word, part) in out.iter_mut().zip(pairs.chunks(WORD)) {
            *word = match frame.stored_type {
                StoredType::U16 => pack(part, &|pair: &[u8; 2]| {
                    let value = i32::from(u16::from_le_bytes(*pair));
                    (value.wrapping_sub(stored.start) as u32) < span
                }),
                _ => pack(part, &|pair: &[u8; 2]| {
                    let value = i32::from(i16::from_le_bytes(*pair));
                    (value.wrapping_sub(stored.start) as u32) < span
                }),
            };
        }
    }
}

/// The values of a box, both ends included, columns fastest, as `f32`; and its size. Empty where the box lies outside.
pub fn crop(image: &dyn Image, low: [usize; 3], high: [usize; 3]) -> (Vec<f32>, [usize; 3]) {
    let whole = image.size();
    let high = [0, 1, 2].map(|axis| (high[axis] + 1).min(whole[axis]));
    let size = [0, 1, 2].map(|axis| high[axis].saturating_sub(low[axis]));
    let mut values = vec![f32::NAN; size.iter().product()];
    if values.is_empty() {
        return (values, [0; 3]);
    }
    let slice = size[0] * size[1];
    values
        .par_chunks_mut(slice)
        .enumerate()
        .for_each(|(z, slice)| {
            let mut row = vec![f64::NAN; whole[0]];
            for (y, out) in slice.chunks_exact_mut(size[0]).enumerate() {
                image.row(y + low[1], z + low[2], &mut row);
                for (out, value) in out.iter_mut().zip(row.iter().skip(low[0])) {
                    *out = *value as f32;
                }
            }
        });
    (values, size)
}

/// A slice across an axis (0: across columns, seen with rows to the right and slices down; 1: columns to the right and slices
/// down; 2: columns to the right and rows down), and its width and height. Empty where there is none.
pub fn plane(image: &dyn Image, axis: usize, index: usize) -> (Vec<f32>, [usize; 2]) {
    let size = image.size();
    let (mut low, mut high) = ([0; 3], size.map(|side| side.saturating_sub(1)));
    if axis > 2 || index >= size[axis.min(2)] {
        return (Vec::new(), [0; 2]);
    }
    (low[axis], high[axis]) = (index, index);
    let (values, cut) = crop(image, low, high);
    // The axis that is cut is one voxel thick, so the others keep their order.
    let flat = match axis {
        0 => [cut[1], cut[2]],
        1 => [cut[0], cut[2]],
        _ => [cut[0], cut[1]],
    };
    (values, flat)
}

#[cfg(test)]
mod tests {
    use super::{super::noise::Noise, *};
    use crate::model::{
        geometry::GridGeometry,
        lut::{ModalityUnit, PaddingRange},
        pixels::PixelBytes,
    };
    use glam::DAffine3;

    fn volume(kind: StoredType, slope: f64, padding: Option<PaddingRange>) -> Volume {
        let size = [70, 3, 2];
        let mut noise = Noise::new(5);
        let frames = (0..2)
            .map(|_| {
                let bytes = (0..210)
                    .flat_map(|_| {
                        let value = noise.below(4000) as i64 - 1000;
                        match kind {
                            StoredType::U16 => (value.max(0) as u16).to_le_bytes().to_vec(),
                            StoredType::I16 => (value as i16).to_le_bytes().to_vec(),
                            _ => (value as f32).to_le_bytes().to_vec(),
                        }
                    })
                    .collect();
                Frame::new(3, 70, 1, kind, PixelBytes::from_vec(bytes)).unwrap()
            })
            .collect();
        Volume {
            grid: GridGeometry {
                size,
                patient_from_voxel: DAffine3::IDENTITY,
            },
            frames,
            modality_lut: ModalityLut::Rescale {
                slope,
                intercept: -1024.0,
            },
            unit: ModalityUnit::Unspecified,
            padding,
        }
    }

    #[test]
    fn ranges_are_those_of_the_modality_values() {
        let padding = Some(PaddingRange { low: 0, high: 500 });
        for kind in [StoredType::U16, StoredType::I16, StoredType::F32] {
            for (slope, padding) in [(1.0, None), (0.1, None), (-0.7, None), (1.0, padding)] {
                let volume = volume(kind, slope, padding);
                let image = Modality::new(&volume).unwrap();
                // Ends that are values themselves, and an empty range.
                let end = |x| image.value([x, 1, 1]);
                let (a, b) = (end(3), end(9));
                for range in [[a.min(b), a.max(b)], [-500.0, 300.0], [9.0, -9.0]] {
                    for (y, z) in [(0, 0), (2, 1), (3, 1), (0, 2)] {
                        let mut bits = [0u64; 2];
                        image.in_range(y, z, range, &mut bits);
                        let mut row = [0.0; 70];
                        image.row(y, z, &mut row);
                        for (x, &from_row) in row.iter().enumerate() {
                            let value = image.value([x, y, z]);
                            assert!(value == from_row || value.is_nan() && from_row.is_nan());
                            let expected = value >= range[0] && value <= range[1];
                            assert_eq!(bits[x / 64] >> (x % 64) & 1 == 1, expected);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn boxes_and_slices_hold_the_values() {
        let size = [5, 4, 3];
        let numbers: Vec<i16> = (0..60).collect();
        let image = Values::new(&numbers, size).unwrap();
        assert!(Values::new(&numbers, [5, 4, 2]).is_none());
        let (part, cut) = crop(&image, [1, 2, 1], [2, 9, 2]);
        assert_eq!(cut, [2, 2, 2]);
        assert_eq!(part, [31.0, 32.0, 36.0, 37.0, 51.0, 52.0, 56.0, 57.0]);
        assert_eq!(
            plane(&image, 0, 4),
            ((0..12).map(|i| (i * 5 + 4) as f32).collect(), [4, 3])
        );
        assert_eq!(
            plane(&image, 1, 3).0[..6],
            [15.0, 16.0, 17.0, 18.0, 19.0, 35.0]
        );
        assert_eq!(plane(&image, 2, 2).1, [5, 4]);
        assert!(plane(&image, 2, 3).0.is_empty());
        assert!(crop(&image, [7, 0, 0], [9, 0, 0]).0.is_empty());
    }
}
