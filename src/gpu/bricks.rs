//! The smallest and the largest stored value of each brick of 8 × 8 × 8 voxels, so that a projection need not look
//! where nothing can change it.
//!
//! Must stay true: a brick answers for every voxel that a point in it may be interpolated from, that is, its own and the
//! next ones (9 × 9 × 9); and bricks are used only when all slices are there.

use super::{context::GpuContext, door::Cargo, error::GpuError};
use crate::model::pixels::{Frame, StoredType};
use std::sync::{Mutex, OnceLock, PoisonError};

/// Voxels along the side of a brick.
pub const BRICK: usize = 8;

/// Smallest and largest value, as ranks: 0 for the lowest value that the type can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Extremes {
    low: u16,
    high: u16,
}

impl Extremes {
    #[cfg(test)]
    const NONE: Self = Self {
        low: u16::MAX,
        high: 0,
    };

    fn and(self, other: Self) -> Self {
        Self {
            low: self.low.min(other.low),
            high: self.high.max(other.high),
        }
    }

    fn packed(self) -> u32 {
        u32::from(self.low) | u32::from(self.high) << 16
    }
}

/// The bricks of a volume.
pub struct Bricks {
    /// Bricks along columns, rows and slices.
    size: [usize; 3],
    /// What is known while slices arrive: tiles of 9 × 9 pixels of each slice.
    tiles: Mutex<Vec<Option<Vec<Extremes>>>>,
    buffer: OnceLock<wgpu::Buffer>,
}

impl Bricks {
    /// Room for a volume; `None` for types whose values have more than 16 bits, or are no integers.
    pub fn of([columns, rows, slices]: [usize; 3], kind: StoredType) -> Option<Self> {
        rank_offset(kind)?;
        Some(Self {
            size: [columns, rows, slices].map(|n| n.div_ceil(BRICK)),
            tiles: Mutex::new(vec![None; slices]),
            buffer: OnceLock::new(),
        })
    }

    /// Takes in a slice. When it was the last one the bricks are made.
    ///
    /// # Errors
    /// [`GpuError::OutOfMemory`] when the device has no room for them; it draws without.
    pub fn note(&self, gpu: &GpuContext, slice: usize, frame: &Frame) -> Result<(), GpuError> {
        if self.buffer.get().is_some() {
            return Ok(());
        }
        let found = tiles_of(frame, self.size);
        let whole = {
            let mut tiles = self.tiles.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(slot) = tiles.get_mut(slice) {
                *slot = found;
            }
            match tiles.iter().all(Option::is_some) {
                true => std::mem::take(&mut *tiles),
                false => return Ok(()),
            }
        };
        let bytes: Vec<u32> = joined(&whole, self.size[2])
            .into_iter()
            .map(Extremes::packed)
            .collect();
        let buffer = gpu.door.new_buffer(
            Cargo::Lut,
            "bricks",
            wgpu::BufferUsages::STORAGE,
            bytemuck::cast_slice(&bytes),
        )?;
        let _ = self.buffer.set(buffer);
        Ok(())
    }

    /// Bricks along columns, rows and slices.
    pub const fn size(&self) -> [usize; 3] {
        self.size
    }

    /// Smallest rank in the low and largest in the high half of a word for each brick, columns first; once all slices
    /// were noted.
    pub fn buffer(&self) -> Option<&wgpu::Buffer> {
        self.buffer.get()
    }
}

impl std::fmt::Debug for Bricks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Bricks({:?})", self.size)
    }
}

/// What is added to a stored value to give its rank.
pub const fn rank_offset(kind: StoredType) -> Option<i32> {
    match kind {
        StoredType::U8 | StoredType::U16 => Some(0),
        StoredType::I8 => Some(128),
        StoredType::I16 => Some(32768),
        _ => None,
    }
}

/// Smallest and largest value of each tile of a slice, with the next row and column; `None` for other kinds of frames.
fn tiles_of(frame: &Frame, [across, down, _]: [usize; 3]) -> Option<Vec<Extremes>> {
    let bytes = frame.pixels.as_slice();
    if frame.samples != 1 || frame.columns.div_ceil(BRICK) != across {
        return None;
    }
    match frame.stored_type {
        StoredType::U8 => tiles(bytes.chunks_exact(frame.columns), down, |v: &u8| {
            u16::from(*v)
        }),
        StoredType::I8 => tiles(bytes.chunks_exact(frame.columns), down, |v: &u8| {
            u16::from(*v ^ 0x80)
        }),
        StoredType::U16 => tiles(
            bytes.as_chunks::<2>().0.chunks_exact(frame.columns),
            down,
            |v: &[u8; 2]| u16::from_le_bytes(*v),
        ),
        StoredType::I16 => tiles(
            bytes.as_chunks::<2>().0.chunks_exact(frame.columns),
            down,
            |v: &[u8; 2]| u16::from_le_bytes(*v) ^ 0x8000,
        ),
        _ => None,
    }
}

fn tiles<'a, T: 'a>(
    rows: impl Iterator<Item = &'a [T]>,
    down: usize,
    rank: impl Fn(&T) -> u16,
) -> Option<Vec<Extremes>> {
    let rows: Vec<&[T]> = rows.collect();
    let columns = rows.first()?.len();
    let mut found = Vec::with_capacity(columns.div_ceil(BRICK) * down);
    let (mut low, mut high) = (vec![u16::MAX; columns], vec![0; columns]);
    for tile in 0..down {
        low.fill(u16::MAX);
        high.fill(0);
        for row in rows.iter().skip(tile * BRICK).take(BRICK + 1) {
            for ((low, high), value) in low.iter_mut().zip(&mut high).zip(*row) {
                let value = rank(value);
                *low = value.min(*low);
                *high = value.max(*high);
            }
        }
        for first in (0..columns).step_by(BRICK) {
            let reach = first..(first + BRICK + 1).min(columns);
            let low = low.get(reach.clone())?.iter().min()?;
            let high = high.get(reach)?.iter().max()?;
            found.push(Extremes {
                low: *low,
                high: *high,
            });
        }
    }
    Some(found)
}

/// Tiles joined along the slices, each brick with the next slice.
fn joined(slices: &[Option<Vec<Extremes>>], deep: usize) -> Vec<Extremes> {
    let mut bricks = vec![];
    for brick in 0..deep {
        let mut layers = slices.iter().skip(brick * BRICK).take(BRICK + 1).flatten();
        let Some(first) = layers.next() else { continue };
        let mut layer = first.clone();
        for next in layers {
            for (kept, more) in layer.iter_mut().zip(next) {
                *kept = kept.and(*more);
            }
        }
        bricks.extend(layer);
    }
    bricks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::pixels::PixelBytes;

    /// A slice of 17 × 10 zeros with one other value.
    fn slice(column: usize, row: usize, value: i16) -> Frame {
        let mut values = vec![0i16; 170];
        values[row * 17 + column] = value;
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        Frame::new(10, 17, 1, StoredType::I16, PixelBytes::from_vec(bytes)).unwrap()
    }

    #[test]
    fn a_brick_answers_for_its_voxels_and_the_next_ones() {
        let size = [17usize, 10, 2].map(|n| n.div_ceil(BRICK));
        assert_eq!(size, [3, 2, 1]);
        let changed = |column, row, value: i16| -> Vec<usize> {
            let found = tiles_of(&slice(column, row, value), size).unwrap();
            assert_eq!(found.len(), 6);
            let zero = Extremes {
                low: 0x8000,
                high: 0x8000,
            };
            let differ = found.iter().enumerate().filter(|(_, e)| **e != zero);
            differ
                .map(|(i, e)| {
                    let rank = value.cast_unsigned() ^ 0x8000;
                    assert_eq!(
                        *e,
                        zero.and(Extremes {
                            low: rank,
                            high: rank
                        })
                    );
                    i
                })
                .collect()
        };
        assert_eq!(changed(0, 0, 7), [0]);
        // The first voxel of the second brick is the next one of the first.
        assert_eq!(changed(8, 0, -7), [0, 1]);
        assert_eq!(changed(9, 0, -7), [1]);
        assert_eq!(changed(16, 8, i16::MAX), [1, 2, 4, 5]);
        assert_eq!(changed(16, 9, i16::MIN), [4, 5]);
    }

    #[test]
    fn slices_are_joined_with_the_next_one() {
        let tile = |rank: u16| {
            Some(vec![Extremes {
                low: rank,
                high: rank,
            }])
        };
        let slices: Vec<_> = (0..17).map(tile).collect();
        let ranks: Vec<_> = joined(&slices, 3).iter().map(|e| (e.low, e.high)).collect();
        assert_eq!(ranks, [(0, 8), (8, 16), (16, 16)]);
        assert_eq!(
            Extremes::NONE.and(Extremes { low: 3, high: 5 }).packed(),
            0x5_0003
        );
    }
}
