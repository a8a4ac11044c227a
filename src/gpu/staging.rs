//! Pixels on their way to textures: a few buffers that the CPU sees, written, copied from by the device, and used again.
//!
//! A new buffer for every write costs more than the copies themselves: its pages are made and cleared by the system and
//! given back behind it. Must stay true: copies reach the device before the commands that are submitted after them, since
//! everybody submits here; and so many buffers are in use at most, whatever is uploaded.

use super::error::GpuError;
use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        mpsc::{self, Receiver, Sender},
    },
    time::Duration,
};

/// Bytes of one buffer.
const SLOT_BYTES: u64 = 2 << 20;

/// Most buffers: some are read by the device while others are written.
const MOST_SLOTS: usize = 4;

/// How long the device may take to give a buffer back; one that needs longer is lost.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Where texels go: rows of one layer of a 2-D (array) texture.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    pub(super) texture: &'a wgpu::Texture,
    pub(super) layer: u32,
    pub(super) first: u32,
    /// Bytes of one row, tightly packed.
    pub(super) row_bytes: u32,
}

/// The buffers of one device, and the one way to submit commands that use its textures.
pub(super) struct Staging {
    device: wgpu::Device,
    queue: wgpu::Queue,
    /// One writer at a time, and none while somebody submits.
    ring: Mutex<Ring>,
}

struct Ring {
    /// The buffer that is being filled, and up to where.
    filling: Option<(wgpu::Buffer, u64)>,
    /// Copies that were not submitted yet.
    copies: Option<wgpu::CommandEncoder>,
    /// Buffers that the device is done with come back here, mapped; nothing for one that is lost.
    back: Receiver<Option<wgpu::Buffer>>,
    give_back: Sender<Option<wgpu::Buffer>>,
    made: usize,
}

impl Staging {
    pub(super) fn new(device: wgpu::Device, queue: wgpu::Queue) -> Self {
        let (give_back, back) = mpsc::channel();
        Self {
            device,
            queue,
            ring: Mutex::new(Ring {
                filling: None,
                copies: None,
                back,
                give_back,
                made: 0,
            }),
        }
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Copies rows of texels into a texture. What is drawn by commands submitted later sees them.
    pub(super) fn write(&self, to: Rows<'_>, bytes: &[u8]) -> Result<(), GpuError> {
        let row_bytes = (to.row_bytes as usize).max(1);
        // Rows of a buffer that takes part in a texture copy start at multiples of 256 bytes.
        let pitch = to
            .row_bytes
            .next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT);
        if u64::from(pitch) > SLOT_BYTES {
            return Err(GpuError::Mismatch("a row is longer than is staged"));
        }
        let (mut rest, mut first) = (bytes, to.first);
        while !rest.is_empty() {
            let mut ring = self.ring();
            let Some((buffer, at)) = ring.buffer(&self.device, &self.queue, u64::from(pitch))
            else {
                // All are in use: the others may go on while this one waits for the device.
                drop(ring);
                self.wait()?;
                continue;
            };
            let fit = (buffer.size() - at) / u64::from(pitch).max(1);
            let rows = (rest.len() / row_bytes).min(fit as usize).max(1);
            let (chunk, behind) = rest.split_at((rows * row_bytes).min(rest.len()));
            let end = at + u64::from(pitch) * rows as u64;
            if let Err(error) = fill(&buffer, at..end, pitch as usize, row_bytes, chunk) {
                ring.made -= 1;
                return Err(error);
            }
            let copies = ring.copies.get_or_insert_with(|| {
                let label = Some("uploads");
                let descriptor = wgpu::CommandEncoderDescriptor { label };
                self.device.create_command_encoder(&descriptor)
            });
            copies.copy_buffer_to_texture(
                wgpu::TexelCopyBufferInfo {
                    buffer: &buffer,
                    layout: wgpu::TexelCopyBufferLayout {
                        offset: at,
                        bytes_per_row: Some(pitch),
                        rows_per_image: Some(rows as u32),
                    },
                },
                wgpu::TexelCopyTextureInfo {
                    texture: to.texture,
                    mip_level: 0,
                    origin: wgpu::Origin3d {
                        x: 0,
                        y: first,
                        z: to.layer,
                    },
                    aspect: wgpu::TextureAspect::All,
                },
                wgpu::Extent3d {
                    width: to.texture.width(),
                    height: rows as u32,
                    depth_or_array_layers: 1,
                },
            );
            ring.filling = Some((buffer, end));
            first = first.saturating_add(rows as u32);
            rest = behind;
        }
        Ok(())
    }

    /// Waits until the device has done what it was given, so that buffers come back.
    fn wait(&self) -> Result<(), GpuError> {
        let wait = wgpu::PollType::Wait {
            submission_index: None,
            timeout: Some(TIMEOUT),
        };
        let done = self.device.poll(wait);
        done.map_err(|error| GpuError::Refused(error.to_string()))?;
        Ok(())
    }

    /// Submits what waits, and then `commands`.
    pub(super) fn submit(
        &self,
        commands: impl IntoIterator<Item = wgpu::CommandBuffer>,
    ) -> wgpu::SubmissionIndex {
        self.ring().submit(&self.queue, commands)
    }
}

impl Ring {
    /// A buffer with room for a row, and where; `None` while all are in use.
    fn buffer(
        &mut self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        row: u64,
    ) -> Option<(wgpu::Buffer, u64)> {
        if let Some((buffer, at)) = self.filling.take() {
            if buffer.size() - at >= row {
                return Some((buffer, at));
            }
            // Full: the device copies from it while the next one is written.
            self.filling = Some((buffer, at));
            self.submit(queue, []);
        }
        if let Some(buffer) = self.given_back() {
            return Some((buffer, 0));
        }
        // What is done is noticed when somebody asks.
        let _ = device.poll(wgpu::PollType::Poll);
        if let Some(buffer) = self.given_back() {
            return Some((buffer, 0));
        }
        if self.made >= MOST_SLOTS {
            return None;
        }
        self.made += 1;
        let buffer = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("staging"),
            size: SLOT_BYTES,
            usage: wgpu::BufferUsages::MAP_WRITE | wgpu::BufferUsages::COPY_SRC,
            mapped_at_creation: true,
        });
        Some((buffer, 0))
    }

    fn given_back(&mut self) -> Option<wgpu::Buffer> {
        while let Ok(buffer) = self.back.try_recv() {
            if buffer.is_some() {
                return buffer;
            }
            self.made -= 1;
        }
        None
    }

    fn submit(
        &mut self,
        queue: &wgpu::Queue,
        commands: impl IntoIterator<Item = wgpu::CommandBuffer>,
    ) -> wgpu::SubmissionIndex {
        let used = self.filling.take();
        if let Some((buffer, _)) = &used {
            buffer.unmap();
        }
        let copies = self.copies.take().map(wgpu::CommandEncoder::finish);
        let index = queue.submit(copies.into_iter().chain(commands));
        if let Some((buffer, _)) = used {
            let (give_back, again) = (self.give_back.clone(), buffer.clone());
            buffer.map_async(wgpu::MapMode::Write, .., move |mapped| {
                // Nobody waits when the ring is gone.
                let _ = give_back.send(mapped.is_ok().then_some(again));
            });
        }
        index
    }
}

/// Writes tightly packed rows at their pitch.
fn fill(
    buffer: &wgpu::Buffer,
    range: std::ops::Range<u64>,
    pitch: usize,
    row_bytes: usize,
    rows: &[u8],
) -> Result<(), GpuError> {
    let mapped = buffer.get_mapped_range_mut(range);
    let mut view = mapped.map_err(|error| GpuError::Refused(error.to_string()))?;
    if pitch == row_bytes {
        view.copy_from_slice(rows);
        return Ok(());
    }
    for (number, row) in rows.chunks(row_bytes).enumerate() {
        let start = number * pitch;
        view.slice(start..start + row.len()).copy_from_slice(row);
    }
    Ok(())
}
