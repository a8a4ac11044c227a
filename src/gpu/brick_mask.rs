//! Masks of eight bits of which most is empty: bricks of 16 × 16 × 16 voxels side by side in one buffer, and a table that
//! says which of them a brick of the grid is. So the memory is that of what is in it, and a grid may be larger than one
//! binding.
//!
//! Must stay true: a brick that the table does not name is one of zeros; a slot that nobody uses is given away again, whatever
//! lies in it; of a brick goes up what changed, not the brick.

use super::{
    context::GpuContext,
    door::Cargo,
    error::GpuError,
    mask::MaskVolume,
    mask_box::{BoxWriter, BrickBoxes, MaskBox},
};

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

/// What changes in a brick.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrickChange {
    /// Its place in the grid, columns fastest.
    pub brick: usize,
    /// What it has from now on: `None` for zeros alone.
    pub part: Option<BrickPart>,
}

/// A box of a brick.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrickPart {
    /// Where in the brick; whole words, as [`MaskBox::around`] makes them.
    pub place: MaskBox,
    /// Its voxels, tightly packed, columns fastest.
    pub voxels: Vec<u8>,
}

impl BrickPart {
    /// Whether it lies in a brick and has its voxels.
    fn fits(&self) -> bool {
        let MaskBox { first, size } = self.place;
        let inside = (0..3).all(|axis| {
            let end = first[axis].checked_add(size[axis]);
            size[axis] > 0 && end.is_some_and(|end| end <= SIDE)
        });
        let words = first[0].is_multiple_of(4) && size[0].is_multiple_of(4);
        inside && words && size.iter().product::<usize>() == self.voxels.len()
    }
}

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

    /// Changes boxes of bricks, each brick once. Counted as [`Cargo::Mask`].
    ///
    /// # Errors
    /// [`GpuError::MaskTooLarge`] when there is no room for more bricks, [`GpuError::OutOfMemory`],
    /// [`GpuError::Mismatch`] for a brick that is none of the grid, or voxels that are not those of a box of one. Then the
    /// mask is not to be used any more.
    pub fn write(
        &mut self,
        gpu: &GpuContext,
        writer: &mut BoxWriter,
        changes: impl Iterator<Item = BrickChange>,
    ) -> Result<(), GpuError> {
        let mut waiting = BrickBoxes::default();
        let mut moved: Vec<usize> = Vec::new();
        for BrickChange { brick, part } in changes {
            let Some(entry) = self.table.get(brick).copied() else {
                return Err(GpuError::Mismatch("the brick is none of the mask"));
            };
            let slot = match part {
                None if entry == 0 => continue,
                None => {
                    // Nothing of this brick goes up, so whoever gets its slot is the only one that writes there.
                    self.free.push(entry);
                    0
                }
                Some(part) if !part.fits() => {
                    return Err(GpuError::Mismatch("the voxels are those of no brick"));
                }
                Some(part) => {
                    let slot = match entry {
                        0 => self.slot(gpu)?,
                        slot => slot,
                    };
                    let at = slot.saturating_sub(1);
                    waiting.push(at, entry == 0, &part.place, &part.voxels);
                    slot
                }
            };
            if slot != entry {
                if let Some(entry) = self.table.get_mut(brick) {
                    *entry = slot;
                }
                moved.push(brick);
            }
            if waiting.bytes() >= AT_ONCE {
                writer.write_bricks(gpu, &self.mask, &std::mem::take(&mut waiting))?;
            }
        }
        writer.write_bricks(gpu, &self.mask, &waiting)?;
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
