//! The one counted door between CPU memory and GPU memory, in both directions; what is made on the device is counted
//! with it.
//!
//! Nothing else in the program writes to a buffer or texture or maps one (a source test sees to it), except the
//! toolkit's own drawing and the network runtime; what the latter copies is reported with [`CopyDoor::note_upload`]
//! and [`CopyDoor::note_readback`]. So "zero bytes of mask" can be counted instead of believed.

use super::error::GpuError;
use staging::{Rows, Staging};
use std::{
    sync::{
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    time::Duration,
};

pub mod loss;
mod staging;

/// What is carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cargo {
    /// Parameters of a pass and flags of a few bytes.
    Uniform,
    /// Look-up tables.
    Lut,
    /// Image pixels on their way to a texture.
    Pixels,
    /// Masks and probabilities.
    Mask,
    /// Finished pictures.
    Picture,
    /// Inputs of a network.
    ModelInput,
    /// Weights, losses and scalars of a network.
    ModelState,
    /// Triangles of what people drew.
    Geometry,
}

impl Cargo {
    /// All kinds.
    pub const ALL: [Self; 8] = [
        Self::Uniform,
        Self::Lut,
        Self::Pixels,
        Self::Mask,
        Self::Picture,
        Self::ModelInput,
        Self::ModelState,
        Self::Geometry,
    ];

    /// Stable word for reports.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Lut => "lut",
            Self::Pixels => "pixels",
            Self::Mask => "mask",
            Self::Picture => "picture",
            Self::ModelInput => "model_input",
            Self::ModelState => "model_state",
            Self::Geometry => "geometry",
        }
    }
}

/// What the program makes on the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Made {
    /// Textures.
    Texture,
    /// Views of textures.
    View,
    /// Buffers.
    Buffer,
    /// Bindings of both to a pass.
    Group,
}

impl Made {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Texture, Self::View, Self::Buffer, Self::Group];

    /// Stable word for reports.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Texture => "textures",
            Self::View => "views",
            Self::Buffer => "buffers",
            Self::Group => "groups",
        }
    }
}

/// Bytes that went through the door, by cargo, and what was made on the device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CopyCounts {
    up: [u64; Cargo::ALL.len()],
    down: [u64; Cargo::ALL.len()],
    made: [u64; Made::ALL.len()],
}

impl CopyCounts {
    /// Bytes from CPU to GPU.
    pub const fn uploaded(&self, cargo: Cargo) -> u64 {
        self.up[cargo as usize]
    }

    /// Bytes from GPU to CPU.
    pub const fn read_back(&self, cargo: Cargo) -> u64 {
        self.down[cargo as usize]
    }

    /// How many things of a kind were made.
    pub const fn made(&self, kind: Made) -> u64 {
        self.made[kind as usize]
    }

    /// How many things of all kinds were made.
    pub fn made_in_all(&self) -> u64 {
        self.made.iter().sum()
    }

    /// Bytes of all cargo from CPU to GPU.
    pub fn uploaded_in_all(&self) -> u64 {
        self.up.iter().sum()
    }

    /// Bytes of all cargo from GPU to CPU.
    pub fn read_back_in_all(&self) -> u64 {
        self.down.iter().sum()
    }

    /// What was added since an earlier count.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut change = *self;
        for i in 0..Cargo::ALL.len() {
            change.up[i] = self.up[i].saturating_sub(earlier.up[i]);
            change.down[i] = self.down[i].saturating_sub(earlier.down[i]);
        }
        for (i, made) in change.made.iter_mut().enumerate() {
            *made = self.made[i].saturating_sub(earlier.made[i]);
        }
        change
    }
}

/// Bytes of staged uploads after which they are submitted: wgpu keeps a staging copy of every write until then.
const SLAB_BYTES: u64 = 16 << 20;

/// How long a read-back may take. A device that needs longer is lost.
const READ_BACK_TIMEOUT: Duration = Duration::from_secs(60);

/// The door of one device. All methods may be called from any thread.
pub struct CopyDoor {
    device: wgpu::Device,
    queue: wgpu::Queue,
    up: [AtomicU64; Cargo::ALL.len()],
    down: [AtomicU64; Cargo::ALL.len()],
    made: [AtomicU64; Made::ALL.len()],
    staged: AtomicU64,
    /// Texels go up through it, and all commands: `write_texture` and `submit` of wgpu 30 take the lock of a texture's
    /// initialisation and that of pending writes in opposite order, and two threads would wait for each other for ever
    /// (seen with two decode threads, and with one and the window's).
    staging: Staging,
}

impl CopyDoor {
    pub(super) fn new(device: wgpu::Device, queue: wgpu::Queue) -> Self {
        Self {
            staging: Staging::new(device.clone(), queue.clone()),
            device,
            queue,
            up: Default::default(),
            down: Default::default(),
            made: Default::default(),
            staged: AtomicU64::new(0),
        }
    }

    /// All counts so far.
    pub fn snapshot(&self) -> CopyCounts {
        CopyCounts {
            up: std::array::from_fn(|i| self.up[i].load(Ordering::Relaxed)),
            down: std::array::from_fn(|i| self.down[i].load(Ordering::Relaxed)),
            made: std::array::from_fn(|i| self.made[i].load(Ordering::Relaxed)),
        }
    }

    /// What was copied since an earlier count.
    pub fn since(&self, earlier: &CopyCounts) -> CopyCounts {
        self.snapshot().since(earlier)
    }

    /// Counts bytes that somebody else brought to the GPU.
    pub fn note_upload(&self, cargo: Cargo, bytes: u64) {
        self.up[cargo as usize].fetch_add(bytes, Ordering::Relaxed);
    }

    /// Counts bytes that somebody else brought back from the GPU.
    pub fn note_readback(&self, cargo: Cargo, bytes: u64) {
        self.down[cargo as usize].fetch_add(bytes, Ordering::Relaxed);
    }

    fn note_made(&self, kind: Made) {
        self.made[kind as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// A new texture, counted. Like the three below it is made nowhere else, so that "nothing is made while one
    /// scrolls" can be counted too.
    pub fn texture(&self, descriptor: &wgpu::TextureDescriptor<'_>) -> wgpu::Texture {
        self.note_made(Made::Texture);
        self.device.create_texture(descriptor)
    }

    /// A new view of a texture, counted.
    pub fn view(
        &self,
        texture: &wgpu::Texture,
        descriptor: &wgpu::TextureViewDescriptor<'_>,
    ) -> wgpu::TextureView {
        self.note_made(Made::View);
        texture.create_view(descriptor)
    }

    /// A new buffer, counted; zeros are in it.
    pub fn buffer(&self, descriptor: &wgpu::BufferDescriptor<'_>) -> wgpu::Buffer {
        self.note_made(Made::Buffer);
        self.device.create_buffer(descriptor)
    }

    /// A new binding, counted.
    pub fn group(&self, descriptor: &wgpu::BindGroupDescriptor<'_>) -> wgpu::BindGroup {
        self.note_made(Made::Group);
        self.device.create_bind_group(descriptor)
    }

    /// Writes into a buffer; offset and length are multiples of 4. It takes effect before the next submit.
    ///
    /// # Errors
    /// [`GpuError::Mismatch`] when the bytes do not fit the buffer.
    pub fn upload_buffer(
        &self,
        cargo: Cargo,
        buffer: &wgpu::Buffer,
        offset: u64,
        bytes: &[u8],
    ) -> Result<(), GpuError> {
        let end = offset.checked_add(bytes.len() as u64);
        if !offset.is_multiple_of(wgpu::COPY_BUFFER_ALIGNMENT)
            || !bytes
                .len()
                .is_multiple_of(wgpu::COPY_BUFFER_ALIGNMENT as usize)
            || end.is_none_or(|end| end > buffer.size())
        {
            return Err(GpuError::Mismatch("the bytes do not fit the buffer"));
        }
        self.queue.write_buffer(buffer, offset, bytes);
        self.staged(cargo, bytes.len() as u64);
        Ok(())
    }

    /// A new buffer that holds `bytes` (padded with zeros to a multiple of 4, at least 4 bytes).
    ///
    /// # Errors
    /// See [`Self::upload_buffer`].
    pub fn new_buffer(
        &self,
        cargo: Cargo,
        label: &str,
        usage: wgpu::BufferUsages,
        bytes: &[u8],
    ) -> Result<wgpu::Buffer, GpuError> {
        let whole = bytes.len() & !3;
        let buffer = self.buffer(&wgpu::BufferDescriptor {
            label: Some(label),
            size: (bytes.len().next_multiple_of(4) as u64).max(4),
            usage: usage | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let (body, rest) = bytes.split_at(whole);
        if !body.is_empty() {
            self.upload_buffer(cargo, &buffer, 0, body)?;
        }
        if !rest.is_empty() {
            let mut last = [0; 4];
            for (to, from) in last.iter_mut().zip(rest) {
                *to = *from;
            }
            self.upload_buffer(cargo, &buffer, whole as u64, &last)?;
        }
        Ok(buffer)
    }

    /// Takes the first `bytes` of a buffer over into another one of the device, behind what was written so far.
    pub fn take_over(&self, from: &wgpu::Buffer, to: &wgpu::Buffer, bytes: u64) {
        let mut encoder = self.device.create_command_encoder(&Default::default());
        encoder.copy_buffer_to_buffer(from, 0, to, 0, bytes);
        self.submit(encoder.finish());
    }

    /// Submits commands that use textures into which other threads may be writing, behind what was written so far. Waits
    /// for the write that is under way, which is one buffer's at most.
    pub fn submit(&self, commands: wgpu::CommandBuffer) {
        self.staging.submit([commands]);
    }

    /// Writes some rows of one layer of a 2-D (array) texture from tightly packed texels, through a bounded amount of
    /// staging memory. They are there for commands that are submitted later.
    ///
    /// # Errors
    /// [`GpuError::Mismatch`] when the bytes do not fit the rows, [`GpuError::Refused`] when the device is lost.
    pub fn upload_rows(
        &self,
        cargo: Cargo,
        texture: &wgpu::Texture,
        layer: u32,
        rows: std::ops::Range<u32>,
        texel_bytes: u32,
        bytes: &[u8],
    ) -> Result<(), GpuError> {
        let count = rows.end.saturating_sub(rows.start);
        let row_bytes = texture.width().saturating_mul(texel_bytes);
        if rows.end > texture.height()
            || layer >= texture.depth_or_array_layers()
            || u64::from(row_bytes) * u64::from(count) != bytes.len() as u64
        {
            return Err(GpuError::Mismatch("the pixels do not fit the texture"));
        }
        if count == 0 {
            return Ok(());
        }
        let to = Rows {
            texture,
            layer,
            first: rows.start,
            row_bytes,
        };
        self.staging.write(to, bytes)?;
        self.note_upload(cargo, bytes.len() as u64);
        Ok(())
    }

    /// Counts an upload, and submits the staged ones when a slab has come together.
    fn staged(&self, cargo: Cargo, bytes: u64) {
        self.note_upload(cargo, bytes);
        if self.staged.fetch_add(bytes, Ordering::Relaxed) + bytes >= SLAB_BYTES {
            self.flush();
        }
    }

    /// Submits the uploads that wait for a submit, and lets go of the staging memory of finished ones.
    pub fn flush(&self) {
        self.staged.store(0, Ordering::Relaxed);
        self.staging.submit([]);
        // A lost device is reported by its own callback.
        let _ = self.device.poll(wgpu::PollType::Poll);
    }

    /// Reads one layer of a texture, rows tightly packed. Waits for the GPU: not for the UI thread.
    ///
    /// # Errors
    /// [`GpuError::ReadBack`] when the device is lost or hangs.
    pub fn read_texture(
        &self,
        cargo: Cargo,
        texture: &wgpu::Texture,
        layer: u32,
        texel_bytes: u32,
    ) -> Result<Vec<u8>, GpuError> {
        let (width, height) = (texture.width(), texture.height());
        let row_bytes = width.saturating_mul(texel_bytes);
        // Rows of a buffer that takes part in a texture copy start at multiples of 256 bytes.
        let pitch = row_bytes.next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT);
        let buffer = self.read_buffer_of(u64::from(pitch) * u64::from(height));
        let mut encoder = self.device.create_command_encoder(&Default::default());
        encoder.copy_texture_to_buffer(
            wgpu::TexelCopyTextureInfo {
                texture,
                mip_level: 0,
                origin: wgpu::Origin3d {
                    x: 0,
                    y: 0,
                    z: layer,
                },
                aspect: wgpu::TextureAspect::All,
            },
            wgpu::TexelCopyBufferInfo {
                buffer: &buffer,
                layout: wgpu::TexelCopyBufferLayout {
                    offset: 0,
                    bytes_per_row: Some(pitch),
                    rows_per_image: Some(height),
                },
            },
            wgpu::Extent3d {
                width,
                height,
                depth_or_array_layers: 1,
            },
        );
        let padded = self.map_after(encoder, &buffer)?;
        let mut bytes = Vec::with_capacity(row_bytes as usize * height as usize);
        for row in padded.chunks_exact(pitch.max(1) as usize) {
            bytes.extend_from_slice(row.get(..row_bytes as usize).unwrap_or_default());
        }
        self.note_readback(cargo, bytes.len() as u64);
        Ok(bytes)
    }

    /// Reads a part of a buffer that has the usage `COPY_SRC`; offset and size are multiples of 4.
    ///
    /// # Errors
    /// [`GpuError::Mismatch`] outside the buffer, [`GpuError::ReadBack`] when the device is lost or hangs.
    pub fn read_buffer(
        &self,
        cargo: Cargo,
        buffer: &wgpu::Buffer,
        offset: u64,
        size: u64,
    ) -> Result<Vec<u8>, GpuError> {
        if offset
            .checked_add(size)
            .is_none_or(|end| end > buffer.size())
            || !offset.is_multiple_of(4)
            || !size.is_multiple_of(4)
            || !buffer.usage().contains(wgpu::BufferUsages::COPY_SRC)
        {
            return Err(GpuError::Mismatch("this part of the buffer cannot be read"));
        }
        let target = self.read_buffer_of(size.max(4));
        let mut encoder = self.device.create_command_encoder(&Default::default());
        encoder.copy_buffer_to_buffer(buffer, offset, &target, 0, Some(size));
        let mut bytes = self.map_after(encoder, &target)?;
        bytes.truncate(size as usize);
        self.note_readback(cargo, size);
        Ok(bytes)
    }

    fn read_buffer_of(&self, size: u64) -> wgpu::Buffer {
        self.buffer(&wgpu::BufferDescriptor {
            label: Some("read-back"),
            size,
            usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
            mapped_at_creation: false,
        })
    }

    fn map_after(
        &self,
        encoder: wgpu::CommandEncoder,
        buffer: &wgpu::Buffer,
    ) -> Result<Vec<u8>, GpuError> {
        let failed = |what: &dyn std::fmt::Display| GpuError::ReadBack(what.to_string());
        let submission = self.staging.submit([encoder.finish()]);
        let (sender, receiver) = mpsc::sync_channel(1);
        buffer
            .slice(..)
            .map_async(wgpu::MapMode::Read, move |result| {
                // The receiver is gone only after a timeout.
                let _ = sender.send(result);
            });
        self.device
            .poll(wgpu::PollType::Wait {
                submission_index: Some(submission),
                timeout: Some(READ_BACK_TIMEOUT),
            })
            .map_err(|error| failed(&error))?;
        receiver
            .recv_timeout(READ_BACK_TIMEOUT)
            .map_err(|error| failed(&error))?
            .map_err(|error| failed(&error))?;
        let bytes = {
            let view = buffer
                .slice(..)
                .get_mapped_range()
                .map_err(|error| failed(&error))?;
            view.to_vec()
        };
        buffer.unmap();
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_kept_apart() {
        let mut earlier = CopyCounts::default();
        earlier.up[Cargo::Mask as usize] = 5;
        let mut later = earlier;
        later.up[Cargo::Mask as usize] += 7;
        later.down[Cargo::Picture as usize] += 9;
        let change = later.since(&earlier);
        assert_eq!(change.uploaded(Cargo::Mask), 7);
        assert_eq!(change.read_back(Cargo::Mask), 0);
        assert_eq!(change.read_back(Cargo::Picture), 9);
        assert_eq!(change.uploaded_in_all(), 7);
        assert_eq!(change.read_back_in_all(), 9);
        for (i, cargo) in Cargo::ALL.into_iter().enumerate() {
            assert_eq!(cargo as usize, i, "{}", cargo.word());
        }
    }
}
