//! Frames in GPU memory, as stored: one layer a frame or slice, never converted to display values.
//!
//! One kind of texture serves volumes, stacks, large single frames and colour: a 2-D array of unsigned integers.
//! So one shader samples them all, and sides of 16384 pixels (no 3-D texture has them) pose no problem. Devices have few
//! layers (2048), so where there are more frames a layer holds several, one below the other.

use super::{bricks::Bricks, context::GpuContext, door::Cargo, error::GpuError};
use crate::model::pixels::{Frame, StoredType};
use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU8, Ordering},
};

/// Whether a layer may be sampled; the numbers are those of the shader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum LayerState {
    /// Not loaded yet.
    Waiting = 0,
    /// Holds its frame.
    Loaded = 1,
    /// Will not come: it could not be decoded.
    Failed = 2,
}

/// Rows are converted (where they are) and uploaded in runs of at most this many bytes.
const RUN_BYTES: usize = 4 << 20;

/// What a pass binds beside a texture of frames and its states: equal ones need not be bound anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The layer, where only one is bound.
    pub layer: Option<usize>,
    /// The numbers of the draw.
    pub uniforms: wgpu::Buffer,
    /// Look-up tables.
    pub luts: wgpu::Buffer,
    /// Bricks, or what fills their place.
    pub bricks: wgpu::Buffer,
}

/// Most bindings of a texture that are kept.
const MOST_BOUND: usize = 64;

/// The frames of a volume, a stack or one image.
pub struct FrameTexture {
    gpu: GpuContext,
    texture: wgpu::Texture,
    view: wgpu::TextureView,
    states: Vec<AtomicU8>,
    state_buffer: wgpu::Buffer,
    bricks: Option<Bricks>,
    size: [usize; 3],
    /// Columns and rows of the frames, of which every `reduced`-th is held.
    frame: [usize; 2],
    reduced: usize,
    /// Frames of a layer.
    stacked: usize,
    stored_type: StoredType,
    samples: usize,
    texel_bytes: u32,
    /// A pass may write it.
    writable: bool,
    /// Bindings, the oldest first. They go with the texture, which they would keep alive elsewhere.
    bound: Mutex<Vec<(Bound, wgpu::BindGroup)>>,
}

impl std::fmt::Debug for FrameTexture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "FrameTexture({:?}, {:?}, {} samples, {} loaded)",
            self.size,
            self.stored_type,
            self.samples,
            self.loaded_layers()
        )
    }
}

impl FrameTexture {
    /// Memory for `layers` frames, none loaded, of which [`Self::most_frames`] are the limit. Grey of any type, or RGB of 8 or 16 bits.
    /// [`StoredType::F64`] is kept as 32-bit floats, that is with 24 significant bits.
    ///
    /// # Errors
    /// [`GpuError::FrameTooLarge`], [`GpuError::TooManyLayers`] (the caller then shows single frames),
    /// [`GpuError::OutOfMemory`], [`GpuError::Mismatch`] for kinds of pixels that are not drawn.
    pub fn new(
        gpu: &GpuContext,
        columns: usize,
        rows: usize,
        layers: usize,
        stored_type: StoredType,
        samples: usize,
    ) -> Result<Self, GpuError> {
        Self::with_usage(gpu, [columns, rows, layers], stored_type, samples, false)
    }

    /// A single layer of 32-bit floats that a pass writes on the device; it counts as loaded. Bits of no number are no
    /// image.
    ///
    /// # Errors
    /// As for [`Self::new`].
    pub fn computed(gpu: &GpuContext, columns: usize, rows: usize) -> Result<Self, GpuError> {
        let made = Self::with_usage(gpu, [columns, rows, 1], StoredType::F32, 1, true)?;
        made.set_state(0, LayerState::Loaded)?;
        Ok(made)
    }

    fn with_usage(
        gpu: &GpuContext,
        [columns, rows, layers]: [usize; 3],
        stored_type: StoredType,
        samples: usize,
        writable: bool,
    ) -> Result<Self, GpuError> {
        let (format, texel_bytes) = match (samples, stored_type) {
            (1, StoredType::U8 | StoredType::I8) => (wgpu::TextureFormat::R8Uint, 1),
            (1, StoredType::U16 | StoredType::I16) => (wgpu::TextureFormat::R16Uint, 2),
            (1, _) => (wgpu::TextureFormat::R32Uint, 4),
            (3, StoredType::U8) => (wgpu::TextureFormat::Rgba8Uint, 4),
            (3, StoredType::U16) => (wgpu::TextureFormat::Rgba16Uint, 8),
            _ => {
                return Err(GpuError::Mismatch(
                    "only grey, and RGB of 8 or 16 bits, can be drawn",
                ));
            }
        };
        if columns == 0 || rows == 0 || layers == 0 {
            return Err(GpuError::Mismatch("an empty image cannot be drawn"));
        }
        let limits = gpu.device.limits();
        let side = limits.max_texture_dimension_2d;
        if columns > side as usize || rows > side as usize {
            return Err(GpuError::FrameTooLarge {
                columns,
                rows,
                limit: side,
            });
        }
        let most = Self::most_frames(gpu, rows);
        if layers > most {
            return Err(GpuError::TooManyLayers {
                layers,
                limit: u32::try_from(most).unwrap_or(u32::MAX),
            });
        }
        let stacked = layers.div_ceil(limits.max_texture_array_layers.max(1) as usize);
        let extent = wgpu::Extent3d {
            width: columns as u32,
            height: (rows * stacked) as u32,
            depth_or_array_layers: layers.div_ceil(stacked) as u32,
        };
        // Sides and layers are within the limits above, so this cannot overflow.
        let bytes = columns as u64 * rows as u64 * layers as u64 * u64::from(texel_bytes);
        let mut usage = wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST;
        if writable {
            usage |= wgpu::TextureUsages::STORAGE_BINDING;
        }
        let (texture, view, state_buffer) = gpu.checked(bytes, || {
            let texture = gpu.door.texture(&wgpu::TextureDescriptor {
                label: Some("frames"),
                size: extent,
                mip_level_count: 1,
                sample_count: 1,
                dimension: wgpu::TextureDimension::D2,
                format,
                usage,
                view_formats: &[],
            });
            let array = wgpu::TextureViewDescriptor {
                dimension: Some(wgpu::TextureViewDimension::D2Array),
                ..Default::default()
            };
            let view = gpu.door.view(&texture, &array);
            let states = gpu.door.buffer(&wgpu::BufferDescriptor {
                label: Some("slice states"),
                size: layers as u64 * 4,
                usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST,
                // wgpu fills new buffers with zeros: every layer waits.
                mapped_at_creation: false,
            });
            (texture, view, states)
        })?;
        Ok(Self {
            gpu: gpu.clone(),
            texture,
            view,
            states: (0..layers)
                .map(|_| AtomicU8::new(LayerState::Waiting as u8))
                .collect(),
            state_buffer,
            bricks: Bricks::of([columns, rows, layers], stored_type).filter(|_| samples == 1),
            size: [columns, rows, layers],
            frame: [columns, rows],
            reduced: 1,
            stacked,
            stored_type,
            samples,
            texel_bytes,
            writable,
            bound: Mutex::default(),
        })
    }

    /// The same for frames whose sides may be longer than the device's textures: of those every second (third, …) pixel
    /// of every second row is held, see [`Self::reduced`].
    ///
    /// # Errors
    /// As for [`Self::new`], without [`GpuError::FrameTooLarge`].
    pub fn fitting(
        gpu: &GpuContext,
        columns: usize,
        rows: usize,
        layers: usize,
        stored_type: StoredType,
        samples: usize,
    ) -> Result<Self, GpuError> {
        let reduced = Self::reduction(gpu, columns, rows);
        let held = [columns, rows].map(|n| n.div_ceil(reduced));
        let made = Self::new(gpu, held[0], held[1], layers, stored_type, samples)?;
        let bricks = made.bricks.filter(|_| reduced == 1);
        Ok(Self {
            frame: [columns, rows],
            reduced,
            bricks,
            ..made
        })
    }

    /// The step at which pixels of such frames are held by a device; 1 where all of them are.
    pub fn reduction(gpu: &GpuContext, columns: usize, rows: usize) -> usize {
        let side = gpu.device.limits().max_texture_dimension_2d.max(1) as usize;
        columns.max(rows).div_ceil(side).max(1)
    }

    /// Frames of so many rows that one texture of a device holds.
    pub fn most_frames(gpu: &GpuContext, rows: usize) -> usize {
        let limits = gpu.device.limits();
        let below = limits.max_texture_dimension_2d as usize / rows.max(1);
        below * limits.max_texture_array_layers as usize
    }

    /// Brings a frame into its layer; may be called from loader threads. Whoever draws next sees it.
    ///
    /// # Errors
    /// [`GpuError::Mismatch`] when the frame is of another size or type.
    pub fn upload(&self, layer: usize, frame: &Frame) -> Result<(), GpuError> {
        if [frame.columns, frame.rows] != self.frame
            || frame.samples != self.samples
            || frame.stored_type != self.stored_type
            || layer >= self.size[2]
        {
            return Err(GpuError::Mismatch("the frame does not fit its series"));
        }
        let thinned = (self.reduced > 1).then(|| frame.thinned(self.reduced));
        let bytes = thinned.as_ref().unwrap_or(frame).pixels.as_slice();
        let [columns, held_rows, _] = self.size;
        let row_bytes = columns * frame.samples * frame.stored_type.bytes();
        let rows_a_run = (RUN_BYTES / row_bytes.max(1)).max(1);
        for (run, chunk) in bytes.chunks(row_bytes * rows_a_run).enumerate() {
            let first = (layer % self.stacked * held_rows + run * rows_a_run) as u32;
            let rows = first..first + (chunk.len() / row_bytes) as u32;
            let converted = self.converted(chunk);
            self.gpu.door.upload_rows(
                Cargo::Pixels,
                &self.texture,
                (layer / self.stacked) as u32,
                rows,
                self.texel_bytes,
                converted.as_deref().unwrap_or(chunk),
            )?;
        }
        self.set_state(layer, LayerState::Loaded)
    }

    /// Notes which values a slice holds, so that projections need not look where nothing can change them; for volumes,
    /// beside [`Self::upload`]. May be called from loader threads.
    ///
    /// # Errors
    /// As for [`Bricks::note`].
    pub fn note_values(&self, layer: usize, frame: &Frame) -> Result<(), GpuError> {
        match &self.bricks {
            Some(bricks) => bricks.note(&self.gpu, layer, frame),
            None => Ok(()),
        }
    }

    /// What was noted.
    pub const fn bricks(&self) -> Option<&Bricks> {
        self.bricks.as_ref()
    }

    /// What the texture wants instead of the stored bytes; `None` where they go in unchanged.
    fn converted(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let expanded = |sample: usize| {
            let mut out = Vec::with_capacity(bytes.len() / 3 * 4);
            for pixel in bytes.chunks_exact(3 * sample) {
                out.extend_from_slice(pixel);
                out.extend(std::iter::repeat_n(u8::MAX, sample));
            }
            out
        };
        match (self.samples, self.stored_type) {
            (3, kind) => Some(expanded(kind.bytes())),
            (_, StoredType::F64) => Some(
                bytes
                    .as_chunks::<8>()
                    .0
                    .iter()
                    .flat_map(|v| (f64::from_le_bytes(*v) as f32).to_le_bytes())
                    .collect(),
            ),
            _ => None,
        }
    }

    /// Says that a frame will not come; it is drawn as a hatch of its own.
    ///
    /// # Errors
    /// [`GpuError::Mismatch`] when there is no such layer.
    pub fn mark_failed(&self, layer: usize) -> Result<(), GpuError> {
        self.set_state(layer, LayerState::Failed)
    }

    fn set_state(&self, layer: usize, state: LayerState) -> Result<(), GpuError> {
        let slot = self
            .states
            .get(layer)
            .ok_or(GpuError::Mismatch("there is no such slice"))?;
        self.gpu.door.upload_buffer(
            Cargo::Uniform,
            &self.state_buffer,
            layer as u64 * 4,
            &u32::from(state as u8).to_le_bytes(),
        )?;
        slot.store(state as u8, Ordering::Release);
        Ok(())
    }

    /// The state of a layer; `None` when there is no such layer.
    pub fn state(&self, layer: usize) -> Option<LayerState> {
        self.states
            .get(layer)
            .map(|state| match state.load(Ordering::Acquire) {
                0 => LayerState::Waiting,
                1 => LayerState::Loaded,
                _ => LayerState::Failed,
            })
    }

    /// How many layers hold their frame.
    pub fn loaded_layers(&self) -> usize {
        self.states
            .iter()
            .filter(|state| state.load(Ordering::Acquire) == LayerState::Loaded as u8)
            .count()
    }

    /// Columns and rows of the frames, all of them.
    pub const fn frame_size(&self) -> [usize; 2] {
        self.frame
    }

    /// 1 where every pixel is held; 2 where every second pixel of every second row is, and so on. Texel `t` stands for
    /// the pixels `reduced * t` to `reduced * (t + 1) - 1`.
    pub const fn reduced(&self) -> usize {
        self.reduced
    }

    /// Columns, rows, frames as they are held.
    pub const fn size(&self) -> [usize; 3] {
        self.size
    }

    /// Frames of a layer: frame `n` lies in layer `n / stacked`, its first row at `n % stacked * rows`.
    pub const fn stacked(&self) -> usize {
        self.stacked
    }

    /// Type of the stored values.
    pub const fn stored_type(&self) -> StoredType {
        self.stored_type
    }

    /// Samples per pixel: 1 or 3.
    pub const fn samples(&self) -> usize {
        self.samples
    }

    /// GPU memory of the texture, in bytes.
    pub fn memory_bytes(&self) -> u64 {
        self.size.iter().map(|&n| n as u64).product::<u64>() * u64::from(self.texel_bytes)
    }

    /// For binding: an array of unsigned integers.
    pub const fn view(&self) -> &wgpu::TextureView {
        &self.view
    }

    /// The binding of this texture with something beside it: what was kept, or what `make` makes of the view.
    pub fn group(
        &self,
        bound: Bound,
        make: impl FnOnce(&wgpu::TextureView, &Bound) -> wgpu::BindGroup,
    ) -> wgpu::BindGroup {
        let mut kept = self.bound.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, found)) = kept.iter().rev().find(|(of, _)| *of == bound) {
            return found.clone();
        }
        let made = match bound.layer {
            Some(layer) => make(&self.layer_view(layer), &bound),
            None => make(&self.view, &bound),
        };
        if kept.len() >= MOST_BOUND {
            kept.remove(0);
        }
        kept.push((bound, made.clone()));
        made
    }

    /// For binding: one layer as an array of one.
    pub fn layer_view(&self, layer: usize) -> wgpu::TextureView {
        let one = wgpu::TextureViewDescriptor {
            dimension: Some(wgpu::TextureViewDimension::D2Array),
            base_array_layer: u32::try_from(layer).unwrap_or(u32::MAX),
            array_layer_count: Some(1),
            ..Default::default()
        };
        self.gpu.door.view(&self.texture, &one)
    }

    /// For writing, where the texture is [`Self::computed`].
    pub fn storage_view(&self) -> Option<wgpu::TextureView> {
        self.writable.then(|| {
            let flat = wgpu::TextureViewDescriptor {
                dimension: Some(wgpu::TextureViewDimension::D2),
                ..Default::default()
            };
            self.gpu.door.view(&self.texture, &flat)
        })
    }

    /// For binding: one `u32` a layer, see [`LayerState`].
    pub const fn state_buffer(&self) -> &wgpu::Buffer {
        &self.state_buffer
    }
}
