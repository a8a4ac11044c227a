//! Triangles of the toolkit that lie on a picture, moved with it by the device: while a view is dragged or made larger
//! nothing is laid out, cut or brought there again but how far it went.
//!
//! Must stay true: with a drift of nothing the pixels are those that the toolkit draws of the same triangles, but for the
//! last level of soft edges, which the toolkit dithers.

use super::{UNIFORM, entry_of, uniform_buffer};
use crate::gpu::{Cargo, GpuContext, GpuError, shader};

/// Uniforms of the pass; the names are those of `shaders/drift.wgsl`.
pub mod gpu_data {
    use bytemuck::{Pod, Zeroable};

    /// `DriftDraw` of the shader.
    #[repr(C)]
    #[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
    pub struct DriftDraw {
        /// Width and height of the window, points.
        pub window: [f32; 2],
        /// Where the point (0, 0) of before is now, points.
        pub by: [f32; 2],
        /// How much farther places are apart.
        pub scale: f32,
        /// Pixels a point.
        pub pixels_per_point: f32,
        /// 1 when the target stores linear light.
        pub decode: u32,
        /// Nothing.
        pub unused: u32,
    }
}
use gpu_data::DriftDraw;

/// The pipeline for one target format.
#[derive(Debug)]
pub struct Drifting {
    layout: wgpu::BindGroupLayout,
    pipeline: wgpu::RenderPipeline,
    decode: u32,
}

/// How far one cell's triangles went.
#[derive(Debug)]
pub struct DriftBinding {
    group: wgpu::BindGroup,
    uniforms: wgpu::Buffer,
}

/// What a vertex has: the toolkit's place, place in the texture and colour in the first buffer, the anchor in the second.
const VERTICES: [wgpu::VertexAttribute; 3] =
    wgpu::vertex_attr_array![0 => Float32x2, 1 => Float32x2, 2 => Unorm8x4];
const ANCHORS: [wgpu::VertexAttribute; 1] = wgpu::vertex_attr_array![3 => Float32x3];
/// Bytes of both.
const VERTEX_BYTES: u64 = 20;
const ANCHOR_BYTES: u64 = 12;

/// The toolkit's bind group of a texture: layouts that are equal are one (egui-wgpu 0.37).
const TEXTURE: [wgpu::BindGroupLayoutEntry; 3] = [
    super::fragment_entry(
        0,
        wgpu::BindingType::Texture {
            sample_type: wgpu::TextureSampleType::Float { filterable: true },
            view_dimension: wgpu::TextureViewDimension::D2,
            multisampled: false,
        },
    ),
    super::fragment_entry(
        1,
        wgpu::BindingType::Sampler(wgpu::SamplerBindingType::Filtering),
    ),
    super::fragment_entry(
        2,
        wgpu::BindingType::Buffer {
            ty: wgpu::BufferBindingType::Uniform,
            has_dynamic_offset: false,
            min_binding_size: std::num::NonZeroU64::new(16),
        },
    ),
];

/// Colours are premultiplied; so the toolkit mixes them.
const OVER: wgpu::BlendState = wgpu::BlendState {
    color: wgpu::BlendComponent {
        src_factor: wgpu::BlendFactor::One,
        dst_factor: wgpu::BlendFactor::OneMinusSrcAlpha,
        operation: wgpu::BlendOperation::Add,
    },
    alpha: wgpu::BlendComponent {
        src_factor: wgpu::BlendFactor::OneMinusDstAlpha,
        dst_factor: wgpu::BlendFactor::One,
        operation: wgpu::BlendOperation::Add,
    },
};

impl Drifting {
    /// The pass into targets of a format, without depth and with one sample a pixel.
    ///
    /// # Errors
    /// [`GpuError::Refused`].
    pub fn new(gpu: &GpuContext, format: wgpu::TextureFormat) -> Result<Self, GpuError> {
        let module = shader::module(&gpu.device, "drift.wgsl")?;
        gpu.checked(0, || {
            let entries = [entry_of(wgpu::ShaderStages::VERTEX_FRAGMENT, 0, UNIFORM)];
            let group = |label, entries| {
                let label = Some(label);
                let described = wgpu::BindGroupLayoutDescriptor { label, entries };
                gpu.device.create_bind_group_layout(&described)
            };
            let (layout, texture) = (group("drift", &entries), group("letters", &TEXTURE));
            let groups = [Some(&layout), Some(&texture)];
            let described = wgpu::PipelineLayoutDescriptor {
                label: Some("drift"),
                bind_group_layouts: &groups,
                immediate_size: 0,
            };
            let pipeline_layout = gpu.device.create_pipeline_layout(&described);
            let buffer = |array_stride, attributes| {
                Some(wgpu::VertexBufferLayout {
                    array_stride,
                    step_mode: wgpu::VertexStepMode::Vertex,
                    attributes,
                })
            };
            let described = wgpu::RenderPipelineDescriptor {
                label: Some("drift"),
                layout: Some(&pipeline_layout),
                vertex: wgpu::VertexState {
                    module: &module,
                    entry_point: Some("vs_drift"),
                    compilation_options: Default::default(),
                    buffers: &[
                        buffer(VERTEX_BYTES, &VERTICES),
                        buffer(ANCHOR_BYTES, &ANCHORS),
                    ],
                },
                primitive: Default::default(),
                depth_stencil: None,
                multisample: Default::default(),
                fragment: Some(wgpu::FragmentState {
                    module: &module,
                    entry_point: Some("fs_drift"),
                    compilation_options: Default::default(),
                    targets: &[Some(wgpu::ColorTargetState {
                        format,
                        blend: Some(OVER),
                        write_mask: wgpu::ColorWrites::ALL,
                    })],
                }),
                multiview_mask: None,
                cache: None,
            };
            Self {
                pipeline: gpu.device.create_render_pipeline(&described),
                layout,
                decode: u32::from(format.is_srgb()),
            }
        })
    }

    /// Room for how far one cell's triangles went.
    pub fn bind(&self, gpu: &GpuContext) -> DriftBinding {
        let uniforms = uniform_buffer::<DriftDraw>(gpu, "drift");
        let group = gpu.door.group(&wgpu::BindGroupDescriptor {
            label: Some("drift"),
            layout: &self.layout,
            entries: &[wgpu::BindGroupEntry {
                binding: 0,
                resource: uniforms.as_entire_binding(),
            }],
        });
        DriftBinding { group, uniforms }
    }

    /// Says how far they went: `scale` times as far from each other, the point (0, 0) at `by`. `window` is the size of the
    /// window, all in points. To be called before the pass.
    ///
    /// # Errors
    /// None that can occur with a living device; see [`crate::gpu::CopyDoor::upload_buffer`].
    pub fn place(
        &self,
        gpu: &GpuContext,
        binding: &DriftBinding,
        (scale, by): (f32, [f32; 2]),
        window: [f32; 2],
        pixels_per_point: f32,
    ) -> Result<(), GpuError> {
        let data = DriftDraw {
            window,
            by,
            scale,
            pixels_per_point,
            decode: self.decode,
            unused: 0,
        };
        let bytes = bytemuck::bytes_of(&data);
        gpu.door
            .upload_buffer(Cargo::Uniform, &binding.uniforms, 0, bytes)
    }

    /// Makes a pass draw with this pipeline: vertices of the toolkit come first, anchors second, and the toolkit's bind
    /// group of the texture in the second place.
    pub fn begin(&self, pass: &mut wgpu::RenderPass<'_>, binding: &DriftBinding) {
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &binding.group, &[]);
    }
}
