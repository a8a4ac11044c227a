//! Pixels as stored: typed bytes that may be shared, sliced and sent between threads without a copy.

use std::{fmt, ops::Range, sync::Arc};

/// Number type of a stored value, little-endian in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StoredType {
    /// Unsigned 8 bit.
    U8,
    /// Signed 8 bit.
    I8,
    /// Unsigned 16 bit.
    U16,
    /// Signed 16 bit.
    I16,
    /// Unsigned 32 bit.
    U32,
    /// Signed 32 bit.
    I32,
    /// Float Pixel Data.
    F32,
    /// Double Float Pixel Data.
    F64,
}

impl StoredType {
    /// Bytes of one value.
    pub const fn bytes(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// NumPy type string, as in a `.npy` header.
    pub const fn numpy(self) -> &'static str {
        match self {
            Self::U8 => "|u1",
            Self::I8 => "|i1",
            Self::U16 => "<u2",
            Self::I16 => "<i2",
            Self::U32 => "<u4",
            Self::I32 => "<i4",
            Self::F32 => "<f4",
            Self::F64 => "<f8",
        }
    }

    /// Whether negative values can occur.
    pub const fn signed(self) -> bool {
        !matches!(self, Self::U8 | Self::U16 | Self::U32)
    }
}

/// Owner of bytes: a vector, a page mapping, later the shared memory of a decode worker.
pub type BytesOwner = Arc<dyn AsRef<[u8]> + Send + Sync>;

/// A cheap handle to a run of bytes.
#[derive(Clone)]
pub struct PixelBytes {
    owner: BytesOwner,
    range: Range<usize>,
}

impl PixelBytes {
    /// All bytes of a vector.
    pub fn from_vec(bytes: Vec<u8>) -> Self {
        let range = 0..bytes.len();
        Self {
            owner: Arc::new(bytes),
            range,
        }
    }

    /// A part of shared bytes; `None` when the range lies outside.
    pub fn slice_of(owner: BytesOwner, range: Range<usize>) -> Option<Self> {
        owner.as_ref().as_ref().get(range.clone())?;
        Some(Self { owner, range })
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        // The range was checked when the handle was made, and owners do not shrink.
        self.owner
            .as_ref()
            .as_ref()
            .get(self.range.clone())
            .unwrap_or_default()
    }
}

impl fmt::Debug for PixelBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PixelBytes({} bytes)", self.range.len())
    }
}

/// One decoded frame of stored values, rows top to bottom, samples interleaved.
///
/// Invariant: `pixels` holds exactly `rows * columns * samples * stored_type.bytes()` bytes. For integers
/// the sign is extended and unused high bits are cleared. Colour is RGB, palette images hold indices.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
    /// 1 for grey and palette, 3 for RGB.
    pub samples: usize,
    /// Type of each value.
    pub stored_type: StoredType,
    /// The values.
    pub pixels: PixelBytes,
}

impl Frame {
    /// A frame, when the bytes fit the description.
    pub fn new(
        rows: usize,
        columns: usize,
        samples: usize,
        stored_type: StoredType,
        pixels: PixelBytes,
    ) -> Option<Self> {
        let expected = rows
            .checked_mul(columns)?
            .checked_mul(samples)?
            .checked_mul(stored_type.bytes())?;
        (pixels.range.len() == expected).then_some(Self {
            rows,
            columns,
            samples,
            stored_type,
            pixels,
        })
    }

    /// Stored value as f64; `None` outside the frame.
    pub fn value(&self, column: usize, row: usize, sample: usize) -> Option<f64> {
        if column >= self.columns || row >= self.rows || sample >= self.samples {
            return None;
        }
        read_value(
            self.pixels.as_slice(),
            self.stored_type,
            (row * self.columns + column) * self.samples + sample,
        )
    }

    /// Every `step`-th pixel of every `step`-th row: the one in the middle of those that it stands for. Values stay what
    /// they were; a mean would mix padding, edges and palette indices.
    #[must_use]
    pub fn thinned(&self, step: usize) -> Self {
        let step = step.max(1);
        let pixel = self.samples * self.stored_type.bytes();
        let row_bytes = self.columns * pixel;
        let middles =
            |n: usize| (0..n.div_ceil(step)).map(move |t| (t * step + step / 2).min(n - 1));
        let (rows, columns) = (self.rows.div_ceil(step), self.columns.div_ceil(step));
        let mut out = Vec::with_capacity(rows * columns * pixel);
        let bytes = self.pixels.as_slice();
        for row in middles(self.rows) {
            let row = bytes.get(row * row_bytes..(row + 1) * row_bytes);
            let row = row.unwrap_or_default();
            for column in middles(self.columns) {
                let found = row.get(column * pixel..(column + 1) * pixel);
                out.extend_from_slice(found.unwrap_or_default());
            }
        }
        Self {
            rows,
            columns,
            samples: self.samples,
            stored_type: self.stored_type,
            pixels: PixelBytes::from_vec(out),
        }
    }

    /// All values in memory order as f64.
    pub fn values(&self) -> impl Iterator<Item = f64> + '_ {
        let bytes = self.pixels.as_slice();
        (0..self.rows * self.columns * self.samples)
            .filter_map(move |i| read_value(bytes, self.stored_type, i))
    }
}

/// The `index`-th little-endian value of a byte run; `None` past its end.
pub fn read_value(bytes: &[u8], stored_type: StoredType, index: usize) -> Option<f64> {
    let size = stored_type.bytes();
    let start = index.checked_mul(size)?;
    let b = bytes.get(start..start.checked_add(size)?)?;
    Some(match (stored_type, b) {
        (StoredType::U8, &[v]) => f64::from(v),
        (StoredType::I8, &[v]) => f64::from(v as i8),
        (StoredType::U16, &[a, b]) => f64::from(u16::from_le_bytes([a, b])),
        (StoredType::I16, &[a, b]) => f64::from(i16::from_le_bytes([a, b])),
        (StoredType::U32, &[a, b, c, d]) => f64::from(u32::from_le_bytes([a, b, c, d])),
        (StoredType::I32, &[a, b, c, d]) => f64::from(i32::from_le_bytes([a, b, c, d])),
        (StoredType::F32, &[a, b, c, d]) => f64::from(f32::from_le_bytes([a, b, c, d])),
        (StoredType::F64, &[a, b, c, d, e, f, g, h]) => {
            f64::from_le_bytes([a, b, c, d, e, f, g, h])
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_sign_and_place() {
        let bytes: Vec<u8> = [-2000i16, 4095, 0, -1, 7, 8]
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect();
        let frame = Frame::new(2, 3, 1, StoredType::I16, PixelBytes::from_vec(bytes)).unwrap();
        assert_eq!(frame.value(0, 0, 0), Some(-2000.0));
        assert_eq!(frame.value(0, 1, 0), Some(-1.0));
        assert_eq!(frame.value(3, 0, 0), None);
        assert_eq!(
            frame.values().collect::<Vec<_>>(),
            [-2000.0, 4095.0, 0.0, -1.0, 7.0, 8.0]
        );
    }

    #[test]
    fn a_thinned_frame_holds_pixels_of_the_whole_one() {
        let bytes: Vec<u8> = (0..5 * 7 * 3).collect();
        let frame = Frame::new(5, 7, 3, StoredType::U8, PixelBytes::from_vec(bytes)).unwrap();
        let thin = frame.thinned(3);
        assert_eq!((thin.rows, thin.columns), (2, 3));
        for (y, row) in [1, 4].into_iter().enumerate() {
            for (x, column) in [1, 4, 6].into_iter().enumerate() {
                for sample in 0..3 {
                    assert_eq!(thin.value(x, y, sample), frame.value(column, row, sample));
                }
            }
        }
        assert_eq!(frame.thinned(1).pixels.as_slice(), frame.pixels.as_slice());
    }

    #[test]
    fn a_frame_with_missing_bytes_is_not_a_frame() {
        assert!(Frame::new(2, 3, 1, StoredType::U8, PixelBytes::from_vec(vec![0; 5])).is_none());
        assert!(
            Frame::new(
                usize::MAX,
                3,
                1,
                StoredType::U8,
                PixelBytes::from_vec(vec![])
            )
            .is_none()
        );
    }
}
