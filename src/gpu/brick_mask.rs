//! Masks of eight bits of which most is empty: bricks of 16 × 16 × 16 voxels side by side in one buffer, and a table that
//! says which of them a brick of the grid is. So the memory is that of what is in it, and a grid may be larger than one
//! binding.
//!
//! Must stay true: a brick that the table does not name is one of zeros; a slot that nobody uses is given away again.

use super::{context::GpuContext, door::Cargo, error::GpuError, mask::MaskVolume};
use std::collections::BTreeMap;

/// Voxels along an edge of a brick.
pub const SIDE: usize = 16;

/// Voxels of a brick, and its bytes.
pub const VOLUME: usize = SIDE * SIDE * SIDE;

/// Bricks of a mask that is made; then twice as many, as long as there is room.
const FIRST: usize = 256;

/// Bytes that go up at once.
const AT_ONCE: usize = 4 << 20;

/// Entries of the table that lie no farther apart go up at once.
const CLOSE: usize = 64;

/// A mask in bricks, to be written.
#[derive(Debug)]
pub struct BrickMask {
    mask: MaskVolume,
    /// As on the device: 0 for zeros, else the slot from 1.
    table: Vec<u32>,
    /// Slots that were given back.
    free: Vec<u32>,
    used: u32,
    /// Slots that there is room for.
    room: u32,
    /// Most slots.
    most: u32,
}

impl BrickMask {
    /// An empty mask of columns, rows and slices, with at most so many bytes of bricks.
    ///
    /// # Errors
    /// [`GpuError::MaskTooLarge`] when not even the table fits one binding, [`GpuError::OutOfMemory`].
    pub fn new(gpu: &GpuContext, size: [usize; 3], most_bytes: u64) -> Result<Self, GpuError> {
        let bricks: usize = size.iter().map(|n| n.div_ceil(SIDE)).product();
        let limit = MaskVolume::limit(gpu);
        let bytes = 4 * bricks as u64;
        if bricks == 0 {
            return Err(GpuError::Mismatch("an empty mask cannot be drawn"));
        }
        if bytes > limit {
            return Err(GpuError::MaskTooLarge { bytes, limit });
        }
        let most = (most_bytes.min(limit) / VOLUME as u64).clamp(1, u64::from(u32::MAX / 1024));
        let room = (FIRST as u64).min(most) as u32;
        let table = buffer(gpu, "brick table", bytes)?;
        let pool = buffer(gpu, "bricks of a mask", u64::from(room) * VOLUME as u64)?;
        Ok(Self {
            mask: MaskVolume::of_bricks(pool, table, size),
            table: vec![0; bricks],
            free: Vec::new(),
            used: 0,
            room,
            most: most as u32,
        })
    }

    /// The mask, as it is drawn. Its buffer is another one when it grew.
    pub const fn mask(&self) -> &MaskVolume {
        &self.mask
    }

    /// Memory on the device, bytes.
    pub fn held_bytes(&self) -> u64 {
        u64::from(self.room) * VOLUME as u64 + 4 * self.table.len() as u64
    }

    /// Gives bricks other voxels, each its number in the grid, columns fastest, and its bytes, `None` for zeros. Counted as
    /// [`Cargo::Mask`].
    ///
    /// # Errors
    /// [`GpuError::MaskTooLarge`] when there is no room for more bricks, [`GpuError::OutOfMemory`],
    /// [`GpuError::Mismatch`] for a brick that is none of the grid. Then the mask is not to be used any more.
    pub fn write(
        &mut self,
        gpu: &GpuContext,
        changes: impl Iterator<Item = (usize, Option<Box<[u8; VOLUME]>>)>,
    ) -> Result<(), GpuError> {
        let mut waiting: BTreeMap<u32, Box<[u8; VOLUME]>> = BTreeMap::new();
        let mut moved: Vec<usize> = Vec::new();
        for (brick, voxels) in changes {
            let Some(entry) = self.table.get(brick).copied() else {
                return Err(GpuError::Mismatch("the brick is none of the mask"));
            };
            let slot = match (voxels, entry) {
                (None, 0) => continue,
                (None, slot) => {
                    waiting.remove(&slot);
                    self.free.push(slot);
                    0
                }
                (Some(voxels), 0) => {
                    let slot = self.slot(gpu)?;
                    waiting.insert(slot, voxels);
                    slot
                }
                (Some(voxels), slot) => {
                    waiting.insert(slot, voxels);
                    slot
                }
            };
            if slot != entry {
                if let Some(entry) = self.table.get_mut(brick) {
                    *entry = slot;
                }
                moved.push(brick);
            }
            if waiting.len() * VOLUME >= AT_ONCE {
                self.send(gpu, std::mem::take(&mut waiting))?;
            }
        }
        self.send(gpu, waiting)?;
        // Bricks of one ball lie far apart in the table: only what is another one goes up, and what lies close between.
        moved.sort_unstable();
        for run in moved.chunk_by(|a, b| b - a <= CLOSE) {
            let ends = run.first().copied().zip(run.last().copied());
            let (Some((first, last)), Some(table)) = (ends, self.mask.table()) else {
                continue;
            };
            if let Some(part) = self.table.get(first..=last) {
                let bytes = bytemuck::cast_slice(part);
                gpu.door
                    .upload_buffer(Cargo::Mask, table, 4 * first as u64, bytes)?;
            }
        }
        Ok(())
    }

    /// A slot that nobody uses; the buffer grows where there is none.
    fn slot(&mut self, gpu: &GpuContext) -> Result<u32, GpuError> {
        if let Some(slot) = self.free.pop() {
            return Ok(slot);
        }
        if self.used == self.room {
            let room = self.room.saturating_mul(2).min(self.most);
            let volume = VOLUME as u64;
            if room == self.room {
                return Err(GpuError::MaskTooLarge {
                    bytes: (u64::from(room) + 1) * volume,
                    limit: u64::from(self.most) * volume,
                });
            }
            let larger = buffer(gpu, "bricks of a mask", u64::from(room) * volume)?;
            let held = u64::from(self.room) * volume;
            gpu.door.take_over(self.mask.buffer(), &larger, held);
            self.mask = self.mask.with_bricks(larger);
            self.room = room;
        }
        self.used += 1;
        Ok(self.used)
    }

    /// Brings bricks to their slots, those side by side at once.
    fn send(
        &self,
        gpu: &GpuContext,
        bricks: BTreeMap<u32, Box<[u8; VOLUME]>>,
    ) -> Result<(), GpuError> {
        let mut run: Option<(u32, Vec<u8>)> = None;
        let put = |first: u32, bytes: &[u8]| {
            let at = u64::from(first.saturating_sub(1)) * VOLUME as u64;
            gpu.door
                .upload_buffer(Cargo::Mask, self.mask.buffer(), at, bytes)
        };
        for (slot, voxels) in bricks {
            match &mut run {
                Some((first, bytes)) if *first as usize + bytes.len() / VOLUME == slot as usize => {
                    bytes.extend_from_slice(voxels.as_slice());
                }
                other => {
                    if let Some((first, bytes)) = other.replace((slot, voxels.to_vec())) {
                        put(first, &bytes)?;
                    }
                }
            }
        }
        run.map_or(Ok(()), |(first, bytes)| put(first, &bytes))
    }
}

fn buffer(gpu: &GpuContext, label: &'static str, size: u64) -> Result<wgpu::Buffer, GpuError> {
    gpu.checked(size, || {
        gpu.door.buffer(&wgpu::BufferDescriptor {
            label: Some(label),
            size,
            usage: wgpu::BufferUsages::STORAGE
                | wgpu::BufferUsages::COPY_DST
                | wgpu::BufferUsages::COPY_SRC,
            mapped_at_creation: false,
        })
    })
}
