//! Where a picture is drawn: a texture of the viewport's size that a window copies and a test reads.

use crate::gpu::{Cargo, GpuContext, GpuError};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// What the pixels of a target are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TargetKind {
    /// RGBA code values of 8 bits, not converted between colour spaces.
    #[default]
    Picture,
    /// One 32-bit float a pixel: modality values, for exact comparison.
    Values,
}

impl TargetKind {
    /// The texture format behind it.
    pub const fn format(self) -> wgpu::TextureFormat {
        match self {
            Self::Picture => wgpu::TextureFormat::Rgba8Unorm,
            Self::Values => wgpu::TextureFormat::R32Float,
        }
    }

    /// What stands where nothing is drawn: black, or no number.
    pub(super) const fn empty(self) -> wgpu::Color {
        match self {
            Self::Picture => wgpu::Color::BLACK,
            Self::Values => wgpu::Color {
                r: f64::NAN,
                g: 0.0,
                b: 0.0,
                a: 1.0,
            },
        }
    }
}

/// An offscreen picture.
#[derive(Clone, Debug)]
pub struct Target {
    gpu: GpuContext,
    texture: wgpu::Texture,
    view: wgpu::TextureView,
    kind: TargetKind,
    /// Probabilities of the viewport's pixels and of some around it, once an overlay was drawn.
    probabilities: Arc<OnceLock<wgpu::TextureView>>,
    overlay: Arc<Mutex<Option<OverlayGroups>>>,
    /// Bytes of masks at the viewport's pixels and at some around it, once a mask was drawn.
    bytes: Arc<OnceLock<wgpu::TextureView>>,
    labels: Arc<Mutex<Vec<LabelGroups>>>,
}

/// How many masks a target remembers its bindings for.
const LABELS_KEPT: usize = 8;

/// What the label pass binds for a target: the mask, and the bytes of the pixels.
#[derive(Clone, Debug)]
pub(super) struct LabelGroups {
    /// Uniforms and mask: whether they are those of a scene.
    pub of: (wgpu::Buffer, wgpu::Buffer),
    /// Both of them.
    pub mask: wgpu::BindGroup,
    /// The bytes.
    pub bytes: wgpu::BindGroup,
}

/// What the overlay pass binds for a target: the map, and the probabilities of the pixels.
#[derive(Clone, Debug)]
pub(super) struct OverlayGroups {
    /// Uniforms and map, and the part of the map: whether they are those of a scene.
    pub of: (wgpu::Buffer, wgpu::Buffer, [u64; 2]),
    /// Both of them.
    pub map: wgpu::BindGroup,
    /// The probabilities.
    pub pixels: wgpu::BindGroup,
}

impl Target {
    /// A target of the given width and height.
    ///
    /// # Errors
    /// [`GpuError::FrameTooLarge`] beyond the device's textures, [`GpuError::Mismatch`] for an empty size,
    /// [`GpuError::OutOfMemory`].
    pub fn new(gpu: &GpuContext, size: [u32; 2], kind: TargetKind) -> Result<Self, GpuError> {
        let (texture, view) = texture(gpu, "target", size, kind.format())?;
        Ok(Self {
            gpu: gpu.clone(),
            texture,
            view,
            kind,
            probabilities: Arc::default(),
            overlay: Arc::default(),
            bytes: Arc::default(),
            labels: Arc::default(),
        })
    }

    /// Where the overlay pass keeps the probabilities of the pixels: `margin` pixels larger on every side.
    pub(super) fn probabilities(&self, margin: u32) -> Result<&wgpu::TextureView, GpuError> {
        if let Some(view) = self.probabilities.get() {
            return Ok(view);
        }
        let size = self.size().map(|n| n.saturating_add(2 * margin));
        let format = wgpu::TextureFormat::R32Float;
        let (_, view) = texture(&self.gpu, "probabilities", size, format)?;
        Ok(self.probabilities.get_or_init(|| view))
    }

    /// What the overlay pass bound last, when it is still that; else what is made now.
    pub(super) fn overlay_groups(
        &self,
        of: (&wgpu::Buffer, &wgpu::Buffer, [u64; 2]),
        make: impl FnOnce() -> [wgpu::BindGroup; 2],
    ) -> OverlayGroups {
        let mut kept = self.overlay.lock().unwrap_or_else(PoisonError::into_inner);
        match &*kept {
            Some(found) if (&found.of.0, &found.of.1, found.of.2) == of => found.clone(),
            _ => {
                let [map, pixels] = make();
                let of = (of.0.clone(), of.1.clone(), of.2);
                kept.insert(OverlayGroups { of, map, pixels }).clone()
            }
        }
    }

    /// Where the label pass keeps the bytes of the pixels: `margin` pixels larger on every side.
    pub(super) fn bytes(&self, margin: u32) -> Result<&wgpu::TextureView, GpuError> {
        if let Some(view) = self.bytes.get() {
            return Ok(view);
        }
        let size = self.size().map(|n| n.saturating_add(2 * margin));
        let (_, view) = texture(&self.gpu, "bytes", size, super::labels::BYTES)?;
        Ok(self.bytes.get_or_init(|| view))
    }

    /// What the label pass bound last, when it is still that; else what is made now.
    pub(super) fn label_groups(
        &self,
        of: (&wgpu::Buffer, &wgpu::Buffer),
        make: impl FnOnce() -> [wgpu::BindGroup; 2],
    ) -> LabelGroups {
        let mut kept = self.labels.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter().position(|g| (&g.of.0, &g.of.1) == of);
        // The latest stand last; masks that are long gone fall out at the front.
        let groups = match found {
            Some(at) => kept.remove(at),
            None => {
                let [mask, bytes] = make();
                let of = (of.0.clone(), of.1.clone());
                LabelGroups { of, mask, bytes }
            }
        };
        if kept.len() >= LABELS_KEPT {
            kept.remove(0);
        }
        kept.push(groups.clone());
        groups
    }

    /// Width and height.
    pub fn size(&self) -> [u32; 2] {
        [self.texture.width(), self.texture.height()]
    }

    /// What its pixels are.
    pub const fn kind(&self) -> TargetKind {
        self.kind
    }

    /// For binding and drawing.
    pub const fn view(&self) -> &wgpu::TextureView {
        &self.view
    }

    /// The pixels, rows top to bottom and tightly packed: RGBA bytes, or little-endian floats. Waits for the GPU, so
    /// it is for files and tests, not for the UI thread. Counted as [`Cargo::Picture`].
    ///
    /// # Errors
    /// [`GpuError::ReadBack`].
    pub fn read_back(&self) -> Result<Vec<u8>, GpuError> {
        self.gpu
            .door
            .read_texture(Cargo::Picture, &self.texture, 0, 4)
    }

    /// The pixels of a [`TargetKind::Values`] target.
    ///
    /// # Errors
    /// [`GpuError::ReadBack`], [`GpuError::Mismatch`] for a picture.
    pub fn read_values(&self) -> Result<Vec<f32>, GpuError> {
        if self.kind != TargetKind::Values {
            return Err(GpuError::Mismatch("this target holds a picture"));
        }
        let bytes = self.read_back()?;
        let values = bytes.as_chunks::<4>().0;
        Ok(values.iter().map(|v| f32::from_le_bytes(*v)).collect())
    }
}

/// A texture of one layer to draw into, to bind and to read.
fn texture(
    gpu: &GpuContext,
    label: &str,
    [width, height]: [u32; 2],
    format: wgpu::TextureFormat,
) -> Result<(wgpu::Texture, wgpu::TextureView), GpuError> {
    let limit = gpu.device.limits().max_texture_dimension_2d;
    if width == 0 || height == 0 {
        return Err(GpuError::Mismatch("an empty viewport cannot be drawn"));
    }
    if width > limit || height > limit {
        return Err(GpuError::FrameTooLarge {
            columns: width as usize,
            rows: height as usize,
            limit,
        });
    }
    gpu.checked(u64::from(width) * u64::from(height) * 4, || {
        let texture = gpu.door.texture(&wgpu::TextureDescriptor {
            label: Some(label),
            size: wgpu::Extent3d {
                width,
                height,
                depth_or_array_layers: 1,
            },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format,
            usage: wgpu::TextureUsages::RENDER_ATTACHMENT
                | wgpu::TextureUsages::TEXTURE_BINDING
                | wgpu::TextureUsages::COPY_SRC,
            view_formats: &[],
        });
        let view = gpu.door.view(&texture, &Default::default());
        (texture, view)
    })
}
