//! A finished picture into somebody else's render pass, one to one.

use super::{
    FULLSCREEN, PassDescription, Target, UNIFORM, fragment_entry, pass_pipeline, uniform_buffer,
};
use crate::gpu::{Cargo, GpuContext, GpuError, shader};
use std::sync::{Mutex, PoisonError};

/// Uniforms of the copy; the names are those of `shaders/blit.wgsl`.
pub mod gpu_data {
    use bytemuck::{Pod, Zeroable};

    /// `BlitDraw` of the shader.
    #[repr(C)]
    #[derive(Clone, Copy, Debug, Pod, Zeroable)]
    pub struct BlitDraw {
        /// Where the picture's first pixel lies in the window.
        pub origin: [i32; 2],
        /// 1 when the target stores linear light.
        pub decode: u32,
        /// The screen that it is drawn for, below [`super::SCREENS`].
        pub screen: u32,
    }
}
use gpu_data::BlitDraw;

/// So many screens have a table of their own.
pub const SCREENS: usize = 8;
/// The one that is never corrected: for pictures that leave.
pub const UNCORRECTED: usize = SCREENS - 1;

/// The pipeline of the copy for one target format.
#[derive(Debug)]
pub struct Blit {
    layout: wgpu::BindGroupLayout,
    pipeline: wgpu::RenderPipeline,
    format: wgpu::TextureFormat,
    decode: u32,
    levels: wgpu::Buffer,
    tables: Mutex<[Option<[u8; 256]>; SCREENS]>,
}

/// A picture ready to be copied.
#[derive(Debug)]
pub struct BlitBinding {
    group: wgpu::BindGroup,
    uniforms: wgpu::Buffer,
    placed: Mutex<Option<([i32; 2], usize)>>,
    decode: u32,
}

/// Driving levels from 0 to 1, as the shader takes them; those of the code values themselves without a table.
fn level_bytes(table: Option<&[u8; 256]>) -> Vec<u8> {
    let level = |code: u8| {
        table
            .and_then(|t| t.get(usize::from(code)).copied())
            .unwrap_or(code)
    };
    let levels = (0..=u8::MAX).map(|code| f32::from(level(code)) / 255.0);
    levels.flat_map(f32::to_le_bytes).collect()
}

impl Blit {
    /// The format it copies into.
    pub const fn format(&self) -> wgpu::TextureFormat {
        self.format
    }

    /// The copy into targets of a format, without depth and with one sample a pixel.
    ///
    /// # Errors
    /// [`GpuError::Refused`].
    pub fn new(gpu: &GpuContext, target_format: wgpu::TextureFormat) -> Result<Self, GpuError> {
        let module = shader::module(&gpu.device, "blit.wgsl")?;
        let usage = wgpu::BufferUsages::UNIFORM;
        let bytes = level_bytes(None).repeat(SCREENS);
        let levels = gpu.door.new_buffer(Cargo::Lut, "levels", usage, &bytes)?;
        gpu.checked(0, || {
            let picture = wgpu::BindingType::Texture {
                sample_type: wgpu::TextureSampleType::Float { filterable: false },
                view_dimension: wgpu::TextureViewDimension::D2,
                multisampled: false,
            };
            let layout = gpu
                .device
                .create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
                    label: Some("blit"),
                    entries: &[
                        fragment_entry(0, UNIFORM),
                        fragment_entry(1, picture),
                        fragment_entry(2, UNIFORM),
                    ],
                });
            let pass = PassDescription {
                shader: "blit.wgsl",
                vertex: FULLSCREEN,
                entry: "fs_blit",
                constants: &[],
                layouts: &[Some(&layout)],
                format: target_format,
                blend: None,
            };
            Self {
                pipeline: pass_pipeline(&gpu.device, &module, &pass),
                layout,
                format: target_format,
                decode: u32::from(target_format.is_srgb()),
                levels,
                tables: Mutex::new([None; SCREENS]),
            }
        })
    }

    /// Binds a picture; needed once for every target.
    pub fn bind(&self, gpu: &GpuContext, picture: &Target) -> BlitBinding {
        let uniforms = uniform_buffer::<BlitDraw>(gpu, "blit");
        let group = gpu.door.group(&wgpu::BindGroupDescriptor {
            label: Some("blit"),
            layout: &self.layout,
            entries: &[
                wgpu::BindGroupEntry {
                    binding: 0,
                    resource: uniforms.as_entire_binding(),
                },
                wgpu::BindGroupEntry {
                    binding: 1,
                    resource: wgpu::BindingResource::TextureView(picture.view()),
                },
                wgpu::BindGroupEntry {
                    binding: 2,
                    resource: self.levels.as_entire_binding(),
                },
            ],
        });
        BlitBinding {
            group,
            uniforms,
            placed: Mutex::new(None),
            decode: self.decode,
        }
    }

    /// Corrects everything that is copied for a screen from now on: the driving level of each code value, or none. Costs
    /// nothing when nothing changed; [`UNCORRECTED`] and what is beyond stays as it is.
    pub fn correct(&self, gpu: &GpuContext, screen: usize, table: Option<&[u8; 256]>) {
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(now) = tables.get_mut(screen).filter(|_| screen != UNCORRECTED) else {
            return;
        };
        if now.as_ref() != table {
            let bytes = level_bytes(table);
            // The buffer has room for every screen, so the door takes it.
            let at = (screen * bytes.len()) as u64;
            let done = gpu.door.upload_buffer(Cargo::Lut, &self.levels, at, &bytes);
            if done.is_ok() {
                *now = table.copied();
            }
        }
    }

    /// Draws the picture inside the pass's current viewport; what the picture does not cover there becomes black.
    pub fn paint(&self, pass: &mut wgpu::RenderPass<'_>, binding: &BlitBinding) {
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &binding.group, &[]);
        pass.draw(0..3, 0..1);
    }
}

impl BlitBinding {
    /// Says where in the window, in its pixels, the picture's first pixel goes, and on which screen the window stands; one
    /// beyond [`SCREENS`] is not corrected. To be called before the pass; costs nothing when nothing changed.
    ///
    /// # Errors
    /// None that can occur with a living device; see [`crate::gpu::CopyDoor::upload_buffer`].
    pub fn place(&self, gpu: &GpuContext, origin: [i32; 2], screen: usize) -> Result<(), GpuError> {
        let mut placed = self.placed.lock().unwrap_or_else(PoisonError::into_inner);
        let screen = screen.min(UNCORRECTED);
        if *placed != Some((origin, screen)) {
            let data = BlitDraw {
                origin,
                decode: self.decode,
                screen: screen as u32,
            };
            let bytes = bytemuck::bytes_of(&data);
            gpu.door
                .upload_buffer(Cargo::Uniform, &self.uniforms, 0, bytes)?;
            *placed = Some((origin, screen));
        }
        Ok(())
    }
}
