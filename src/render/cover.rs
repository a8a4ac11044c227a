//! Overlay planes and display shutters over the picture of one frame.
//!
//! The bits go up once for each cover, packed as they are kept; showing, hiding, turning and zooming change uniforms
//! only. The pass is made when the first cover is drawn: most series have none.

use super::{
    FULLSCREEN, GridHalves, PassDescription, STORAGE, TargetKind, UNIFORM, fragment_entry,
    pass_pipeline, uniform_buffer,
};
use crate::{
    gpu::{Cargo, GpuContext, GpuError, shader},
    imaging::{cover::codes, reslice::PixelGrid},
    model::{
        cover::{CoverShown, FrameCover, MOST_LAYERS},
        view::SliceView,
    },
};
use gpu_data::CoverDraw;
use std::sync::Arc;

/// A cover to draw over a frame.
#[derive(Clone, Copy, Debug)]
pub struct CoverScene<'a> {
    /// Its layers, of the frame's size.
    pub cover: &'a Arc<FrameCover>,
    /// Which of them are drawn.
    pub shown: CoverShown,
}

/// Uniforms of the pass; the names are those of `shaders/cover.wgsl`.
pub mod gpu_data {
    use bytemuck::{Pod, Zeroable};

    /// `CoverDraw` of the shader.
    #[repr(C)]
    #[derive(Clone, Copy, Debug, Pod, Zeroable)]
    pub struct CoverDraw {
        /// Position of the first pixel, whole part.
        pub start_hi: [i32; 4],
        /// Its fraction.
        pub start_lo: [u32; 4],
        /// Step to the right, whole part.
        pub step_x_hi: [i32; 4],
        /// Its fraction.
        pub step_x_lo: [u32; 4],
        /// Step down, whole part.
        pub step_y_hi: [i32; 4],
        /// Its fraction.
        pub step_y_lo: [u32; 4],
        /// Colour of every layer, opaque.
        pub colors: [[f32; 4]; super::MOST_LAYERS],
        /// Columns of the frame.
        pub columns: u32,
        /// Rows of the frame.
        pub rows: u32,
        /// How many layers there are.
        pub layers: u32,
        /// One bit a layer: whether it is drawn.
        pub shown: u32,
    }
}

/// Bytes of covers that stay on the GPU; the newest stays in any case.
const KEPT_BYTES: u64 = 32 << 20;

/// The pipeline that draws covers, and the covers that are on the GPU already.
#[derive(Debug)]
pub(super) struct CoverPass {
    layout: wgpu::BindGroupLayout,
    pipeline: wgpu::RenderPipeline,
    uniforms: wgpu::Buffer,
    /// Oldest first. A cover is held so that its address stays its own.
    kept: Vec<(Arc<FrameCover>, wgpu::Buffer, wgpu::BindGroup)>,
}

impl CoverPass {
    pub(super) fn new(gpu: &GpuContext) -> Result<Self, GpuError> {
        let module = shader::module(&gpu.device, "cover.wgsl")?;
        gpu.checked(0, || {
            let layout = gpu
                .device
                .create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
                    label: Some("cover"),
                    entries: &[fragment_entry(0, UNIFORM), fragment_entry(1, STORAGE)],
                });
            let pass = PassDescription {
                shader: "cover.wgsl",
                vertex: FULLSCREEN,
                entry: "fs_cover",
                constants: &[],
                layouts: &[Some(&layout)],
                format: TargetKind::Picture.format(),
                blend: Some(wgpu::BlendState::ALPHA_BLENDING),
            };
            Self {
                pipeline: pass_pipeline(&gpu.device, &module, &pass),
                layout,
                uniforms: uniform_buffer::<CoverDraw>(gpu, "cover"),
                kept: vec![],
            }
        })
    }

    /// Writes the uniforms, and the bits where they are new. `None` when nothing is to be drawn.
    pub(super) fn prepare(
        &mut self,
        gpu: &GpuContext,
        view: &SliceView,
        frame: [usize; 2],
        scene: &CoverScene<'_>,
    ) -> Result<Option<wgpu::BindGroup>, GpuError> {
        let layers = &scene.cover.layers;
        let shown = shown_bits(scene);
        if shown == 0 {
            return Ok(None);
        }
        let fits = layers.len() <= MOST_LAYERS && layers.iter().all(|l| l.bits.size() == frame);
        if !fits {
            return Err(GpuError::Mismatch("the cover is not of the frame's size"));
        }
        let group = self.group_of(gpu, scene.cover)?;
        let data = cover_draw(view, frame, scene, shown);
        gpu.door
            .upload_buffer(Cargo::Uniform, &self.uniforms, 0, bytemuck::bytes_of(&data))?;
        Ok(Some(group))
    }

    /// Paints into a pass whose scissor is set already.
    pub(super) fn paint(&self, pass: &mut wgpu::RenderPass<'_>, group: &wgpu::BindGroup) {
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, group, &[]);
        pass.draw(0..3, 0..1);
    }

    /// The bits of a cover on the device, bound.
    fn group_of(
        &mut self,
        gpu: &GpuContext,
        cover: &Arc<FrameCover>,
    ) -> Result<wgpu::BindGroup, GpuError> {
        if let Some((.., found)) = self.kept.iter().find(|kept| Arc::ptr_eq(&kept.0, cover)) {
            return Ok(found.clone());
        }
        let layers = cover.layers.iter().map(|layer| layer.bits.words());
        let words: Vec<u32> = layers.flatten().copied().collect();
        let bytes: &[u8] = bytemuck::cast_slice(&words);
        if bytes.len() as u64 > gpu.device.limits().max_storage_buffer_binding_size {
            return Err(GpuError::Mismatch("the cover does not fit a buffer"));
        }
        let usage = wgpu::BufferUsages::STORAGE;
        let buffer = gpu.door.new_buffer(Cargo::Pixels, "cover", usage, bytes)?;
        let group = gpu.door.group(&wgpu::BindGroupDescriptor {
            label: Some("cover"),
            layout: &self.layout,
            entries: &[
                wgpu::BindGroupEntry {
                    binding: 0,
                    resource: self.uniforms.as_entire_binding(),
                },
                wgpu::BindGroupEntry {
                    binding: 1,
                    resource: buffer.as_entire_binding(),
                },
            ],
        });
        self.kept.push((cover.clone(), buffer, group.clone()));
        let held = |kept: &[(_, wgpu::Buffer, _)]| kept.iter().map(|k| k.1.size()).sum::<u64>();
        while self.kept.len() > 1 && held(&self.kept) > KEPT_BYTES {
            self.kept.remove(0);
        }
        Ok(group)
    }
}

fn shown_bits(scene: &CoverScene<'_>) -> u32 {
    let layers = scene.cover.layers.iter().take(MOST_LAYERS).enumerate();
    layers
        .filter(|(_, layer)| scene.shown.shows(layer))
        .fold(0, |bits, (i, _)| bits | 1 << i)
}

fn cover_draw(
    view: &SliceView,
    [columns, rows]: [usize; 2],
    scene: &CoverScene<'_>,
    shown: u32,
) -> CoverDraw {
    let grid = GridHalves::from(PixelGrid::of(&view.voxel_from_viewport));
    let mut colors = [[0.0; 4]; MOST_LAYERS];
    for (room, layer) in colors.iter_mut().zip(&scene.cover.layers) {
        let [r, g, b] = codes(layer.color).map(|v| f32::from(v) / 255.0);
        *room = [r, g, b, 1.0];
    }
    CoverDraw {
        start_hi: grid.start.0,
        start_lo: grid.start.1,
        step_x_hi: grid.step_x.0,
        step_x_lo: grid.step_x.1,
        step_y_hi: grid.step_y.0,
        step_y_lo: grid.step_y.1,
        colors,
        columns: columns as u32,
        rows: rows as u32,
        layers: scene.cover.layers.len() as u32,
        shown,
    }
}
