//! Masks of volumes, packed: one or eight bits a voxel.
//!
//! Rows begin with a word of 32 bits; within a word the voxel with the lower column has the lower bits. What the
//! numbers mean (labels, a probability from 0 to 255) is known to whoever owns the mask.

use super::{blend::compute, context::GpuContext, door::Cargo, error::GpuError, shader};

/// Bits of a voxel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MaskBits {
    /// In or out.
    One,
    /// A label, or a probability from 0 to 255.
    Eight,
}

impl MaskBits {
    /// How many.
    pub const fn count(self) -> usize {
        match self {
            Self::One => 1,
            Self::Eight => 8,
        }
    }

    /// Words of a row.
    pub const fn words(self, columns: usize) -> usize {
        columns.div_ceil(32 / self.count())
    }
}

/// A mask on the device. Clones share it.
#[derive(Clone, Debug, PartialEq)]
pub struct MaskVolume {
    buffer: wgpu::Buffer,
    /// Of a mask in bricks: which of the buffer's bricks, from 1, a brick of the grid is; 0 for one of zeros.
    table: Option<wgpu::Buffer>,
    size: [usize; 3],
    bits: MaskBits,
}

impl MaskVolume {
    /// An empty mask of columns, rows and slices.
    ///
    /// # Errors
    /// [`GpuError::MaskTooLarge`] when it does not fit one binding, [`GpuError::OutOfMemory`].
    pub fn new(gpu: &GpuContext, size: [usize; 3], bits: MaskBits) -> Result<Self, GpuError> {
        let bytes = Self::bytes_of(size, bits);
        let limit = Self::limit(gpu);
        if size.contains(&0) {
            return Err(GpuError::Mismatch("an empty mask cannot be drawn"));
        }
        if bytes > limit {
            return Err(GpuError::MaskTooLarge { bytes, limit });
        }
        let buffer = gpu.checked(bytes, || {
            gpu.door.buffer(&wgpu::BufferDescriptor {
                label: Some("mask"),
                size: bytes,
                usage: wgpu::BufferUsages::STORAGE
                    | wgpu::BufferUsages::COPY_DST
                    | wgpu::BufferUsages::COPY_SRC,
                mapped_at_creation: false,
            })
        })?;
        Ok(Self {
            buffer,
            table: None,
            size,
            bits,
        })
    }

    /// Most bytes of one binding.
    pub fn limit(gpu: &GpuContext) -> u64 {
        let limits = gpu.device.limits();
        limits
            .max_storage_buffer_binding_size
            .min(limits.max_buffer_size)
    }

    /// A mask of eight bits in bricks ([`super::BrickMask`]).
    pub(super) const fn of_bricks(
        buffer: wgpu::Buffer,
        table: wgpu::Buffer,
        size: [usize; 3],
    ) -> Self {
        Self {
            buffer,
            table: Some(table),
            size,
            bits: MaskBits::Eight,
        }
    }

    /// The same with its bricks in another buffer.
    pub(super) fn with_bricks(&self, buffer: wgpu::Buffer) -> Self {
        Self {
            buffer,
            ..self.clone()
        }
    }

    /// Of a mask in bricks the table; `None` where voxels lie in the order of the grid.
    pub const fn table(&self) -> Option<&wgpu::Buffer> {
        self.table.as_ref()
    }

    /// Bytes that such a mask takes.
    pub const fn bytes_of([columns, rows, slices]: [usize; 3], bits: MaskBits) -> u64 {
        4 * bits.words(columns) as u64 * rows as u64 * slices as u64
    }

    /// The packed words.
    pub const fn buffer(&self) -> &wgpu::Buffer {
        &self.buffer
    }

    /// Columns, rows and slices.
    pub const fn size(&self) -> [usize; 3] {
        self.size
    }

    /// Bits of a voxel.
    pub const fn bits(&self) -> MaskBits {
        self.bits
    }

    /// Words of a row.
    pub const fn words_a_row(&self) -> usize {
        self.bits.words(self.size[0])
    }

    /// Brings rows of bytes (tightly packed voxels of a mask of eight bits) to their place. Counted as
    /// [`Cargo::Mask`]. `first` is the number of the first row, slice by slice.
    ///
    /// # Errors
    /// [`GpuError::Mismatch`] when they do not fit.
    pub fn upload_rows(&self, gpu: &GpuContext, first: usize, rows: &[u8]) -> Result<(), GpuError> {
        let [columns, all_rows, slices] = self.size;
        let count = rows.len() / columns;
        if self.bits != MaskBits::Eight
            || self.table.is_some()
            || !rows.len().is_multiple_of(columns)
            || first + count > all_rows * slices
        {
            return Err(GpuError::Mismatch("the rows do not fit the mask"));
        }
        let pitch = 4 * self.words_a_row();
        let at = (first * pitch) as u64;
        if pitch == columns {
            return gpu.door.upload_buffer(Cargo::Mask, &self.buffer, at, rows);
        }
        let mut padded = vec![0; count * pitch];
        for (to, from) in padded
            .chunks_exact_mut(pitch)
            .zip(rows.chunks_exact(columns))
        {
            if let Some(to) = to.get_mut(..columns) {
                to.copy_from_slice(from);
            }
        }
        gpu.door
            .upload_buffer(Cargo::Mask, &self.buffer, at, &padded)
    }

    /// The voxels as bytes, tightly packed: labels or probabilities, 0 and 1 of a mask of one bit. Waits for the device,
    /// so it is for files and tests; counted as [`Cargo::Mask`].
    ///
    /// # Errors
    /// [`GpuError::ReadBack`]; [`GpuError::Mismatch`] for a mask in bricks.
    pub fn read_back(&self, gpu: &GpuContext) -> Result<Vec<u8>, GpuError> {
        if self.table.is_some() {
            return Err(GpuError::Mismatch("a mask in bricks is only drawn"));
        }
        let bytes = gpu
            .door
            .read_buffer(Cargo::Mask, &self.buffer, 0, self.buffer.size())?;
        Ok(unpacked(&bytes, self.size[0], self.bits))
    }

    /// The same mask with one bit a voxel: set where the byte is at or above `least`. Made on the device.
    ///
    /// # Errors
    /// [`GpuError::OutOfMemory`], [`GpuError::Refused`].
    pub fn to_bits(&self, gpu: &GpuContext, least: u8) -> Result<Self, GpuError> {
        if self.bits != MaskBits::Eight || self.table.is_some() {
            return Err(GpuError::Mismatch(
                "the mask has one bit already, or is in bricks",
            ));
        }
        let packed = Self::new(gpu, self.size, MaskBits::One)?;
        let module = shader::module(&gpu.device, "mask_bits.wgsl")?;
        let rows = (self.size[1] * self.size[2]) as u32;
        let draw = [
            self.words_a_row() as u32,
            packed.words_a_row() as u32,
            rows,
            u32::from(least),
        ];
        let uniforms = gpu.door.new_buffer(
            Cargo::Uniform,
            "bits",
            wgpu::BufferUsages::UNIFORM,
            bytemuck::bytes_of(&draw),
        )?;
        gpu.checked(0, || {
            let layout = shader::compute_layout(&gpu.device, "bits", &[false, true]);
            let pipeline = compute(gpu, &module, "cs_bits", &layout);
            let group = gpu.door.group(&wgpu::BindGroupDescriptor {
                label: Some("bits"),
                layout: &layout,
                entries: &[(0, &uniforms), (1, &self.buffer), (2, &packed.buffer)].map(
                    |(binding, buffer)| wgpu::BindGroupEntry {
                        binding,
                        resource: buffer.as_entire_binding(),
                    },
                ),
            });
            let mut encoder = gpu.device.create_command_encoder(&Default::default());
            {
                let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                    label: Some("bits"),
                    timestamp_writes: None,
                });
                pass.set_pipeline(&pipeline);
                pass.set_bind_group(0, &group, &[]);
                // A device takes 65535 groups along an axis.
                let across = (packed.words_a_row() as u32).div_ceil(8);
                let down = rows.div_ceil(8);
                let layers = down.div_ceil(MOST_GROUPS);
                pass.dispatch_workgroups(across, down.div_ceil(layers), layers);
            }
            gpu.door.submit(encoder.finish());
        })?;
        Ok(packed)
    }
}

/// Workgroups along an axis that every device takes.
const MOST_GROUPS: u32 = 65535;

/// Voxels of packed rows as bytes.
fn unpacked(words: &[u8], columns: usize, bits: MaskBits) -> Vec<u8> {
    let pitch = (4 * bits.words(columns)).max(1);
    let mut voxels = Vec::with_capacity(words.len() / pitch * columns);
    for row in words.chunks_exact(pitch) {
        match bits {
            MaskBits::Eight => voxels.extend_from_slice(row.get(..columns).unwrap_or_default()),
            MaskBits::One => {
                let bit = |column: usize| row.get(column / 8).map_or(0, |b| b >> (column % 8) & 1);
                voxels.extend((0..columns).map(bit));
            }
        }
    }
    voxels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_begin_with_a_word() {
        assert_eq!(MaskVolume::bytes_of([5, 3, 2], MaskBits::Eight), 48);
        assert_eq!(MaskVolume::bytes_of([33, 3, 2], MaskBits::One), 48);
        let eight = [1, 2, 3, 4, 5, 0, 0, 0, 6, 7, 8, 9, 10, 0, 0, 0];
        let voxels: Vec<u8> = (1..=10).collect();
        assert_eq!(unpacked(&eight, 5, MaskBits::Eight), voxels);
        assert_eq!(
            unpacked(&[0b101, 1, 0, 0], 10, MaskBits::One),
            [1, 0, 1, 0, 0, 0, 0, 0, 1, 0]
        );
    }
}
