//! A packed mask of a volume over a plane or a slab, bound where it was computed.

use super::{
    FULLSCREEN, GridHalves, PassDescription, STORAGE, Target, TargetKind, UNIFORM, entry_of,
    fragment_entry, halves, pass_pipeline, target::LabelGroups, uniform_buffer,
};
use crate::{
    gpu::{Cargo, GpuContext, GpuError, MaskVolume, shader},
    imaging::{
        labels::{LabelPlane, MOST_OUTLINE, outline},
        reslice::{PixelGrid, slab::fixed_steps},
    },
    model::labels::{MaskLook, Meaning},
};
use gpu_data::LabelDraw;

/// A mask to draw over a slice.
#[derive(Clone, Copy, Debug)]
pub struct LabelScene<'a> {
    /// The mask, on the device.
    pub mask: &'a MaskVolume,
    /// How it looks.
    pub look: &'a MaskLook,
    /// Where the viewport and its slab lie in it.
    pub plane: LabelPlane,
}

/// Uniforms of the pass; the names are those of `shaders/labels.wgsl`.
pub mod gpu_data {
    use bytemuck::{Pod, Zeroable};

    /// `LabelDraw` of the shader.
    #[repr(C)]
    #[derive(Clone, Copy, Debug, Pod, Zeroable)]
    pub struct LabelDraw {
        /// Position of the first pixel of the texture of bytes, whole part.
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
        /// From one point of a slab to the next, whole part.
        pub depth_hi: [i32; 4],
        /// Its fraction.
        pub depth_lo: [u32; 4],
        /// Columns, rows, slices, and words of a row.
        pub size: [u32; 4],
        /// Bits a voxel, points of a slab, least byte that is drawn, 1 for probabilities.
        pub kind: [u32; 4],
        /// Pixels around the viewport that the texture of bytes has, width of the outline, 1 for a mask in bricks.
        pub edge: [u32; 4],
        /// Opacity of the fill.
        pub opacity: [f32; 4],
        /// Colour of each byte, and 1 where it is drawn, 2 with a dashed outline.
        pub colors: [[f32; 4]; 256],
    }
}

/// Pixels around the viewport whose bytes are known: as far as an outline looks.
const MARGIN: u32 = MOST_OUTLINE;

/// The pipelines of the pass.
#[derive(Debug)]
pub(super) struct LabelPass {
    mask_layout: wgpu::BindGroupLayout,
    bytes_layout: wgpu::BindGroupLayout,
    bytes: wgpu::RenderPipeline,
    labels: wgpu::RenderPipeline,
    uniforms: wgpu::Buffer,
}

/// Format of the bytes of a viewport.
pub(super) const BYTES: wgpu::TextureFormat = wgpu::TextureFormat::R8Uint;

impl LabelPass {
    pub(super) fn new(gpu: &GpuContext) -> Result<Self, GpuError> {
        let module = shader::module(&gpu.device, "labels.wgsl")?;
        gpu.checked(0, || {
            let layout = |label, entries: &[wgpu::BindGroupLayoutEntry]| {
                gpu.device
                    .create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
                        label: Some(label),
                        entries,
                    })
            };
            let texture = wgpu::BindingType::Texture {
                sample_type: wgpu::TextureSampleType::Uint,
                view_dimension: wgpu::TextureViewDimension::D2,
                multisampled: false,
            };
            let fragment = wgpu::ShaderStages::FRAGMENT;
            let mask_entries = [
                entry_of(fragment, 0, UNIFORM),
                entry_of(fragment, 1, STORAGE),
                entry_of(fragment, 2, STORAGE),
            ];
            let mask_layout = layout("labels", &mask_entries);
            let bytes_layout = layout("bytes", &[fragment_entry(0, texture)]);
            let pipeline = |entry, layouts: &[_], format, blend| {
                let pass = PassDescription {
                    shader: "labels.wgsl",
                    vertex: FULLSCREEN,
                    entry,
                    constants: &[],
                    layouts,
                    format,
                    blend,
                };
                pass_pipeline(&gpu.device, &module, &pass)
            };
            Self {
                bytes: pipeline("fs_byte", &[Some(&mask_layout)], BYTES, None),
                labels: pipeline(
                    "fs_labels",
                    &[Some(&mask_layout), Some(&bytes_layout)],
                    TargetKind::Picture.format(),
                    Some(wgpu::BlendState::ALPHA_BLENDING),
                ),
                mask_layout,
                bytes_layout,
                uniforms: uniform_buffer::<LabelDraw>(gpu, "labels"),
            }
        })
    }

    /// Writes the uniforms and records the look-up of the bytes. Nothing of the mask is copied.
    pub(super) fn prepare(
        &self,
        gpu: &GpuContext,
        target: &Target,
        scene: &LabelScene<'_>,
        encoder: &mut wgpu::CommandEncoder,
    ) -> Result<LabelGroups, GpuError> {
        let data = label_draw(scene);
        gpu.door
            .upload_buffer(Cargo::Uniform, &self.uniforms, 0, bytemuck::bytes_of(&data))?;
        let bytes = target.bytes(MARGIN)?;
        // A mask that is in no bricks has no table: any buffer stands in its place.
        let table = scene.mask.table().unwrap_or_else(|| scene.mask.buffer());
        let groups = target.label_groups((&self.uniforms, scene.mask.buffer()), || {
            let entry = |binding, resource| wgpu::BindGroupEntry { binding, resource };
            let mask = gpu.door.group(&wgpu::BindGroupDescriptor {
                label: Some("labels"),
                layout: &self.mask_layout,
                entries: &[
                    entry(0, self.uniforms.as_entire_binding()),
                    entry(1, scene.mask.buffer().as_entire_binding()),
                    entry(2, table.as_entire_binding()),
                ],
            });
            let bytes = gpu.door.group(&wgpu::BindGroupDescriptor {
                label: Some("bytes"),
                layout: &self.bytes_layout,
                entries: &[entry(0, wgpu::BindingResource::TextureView(bytes))],
            });
            [mask, bytes]
        });
        let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
            label: Some("bytes"),
            color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                view: bytes,
                depth_slice: None,
                resolve_target: None,
                ops: wgpu::Operations {
                    load: wgpu::LoadOp::Clear(wgpu::Color::TRANSPARENT),
                    store: wgpu::StoreOp::Store,
                },
            })],
            ..Default::default()
        });
        pass.set_pipeline(&self.bytes);
        pass.set_bind_group(0, &groups.mask, &[]);
        pass.draw(0..3, 0..1);
        drop(pass);
        Ok(groups)
    }

    /// Paints the labels into a pass over the picture.
    pub(super) fn paint(
        &self,
        pass: &mut wgpu::RenderPass<'_>,
        [width, height]: [u32; 2],
        groups: &LabelGroups,
    ) {
        pass.set_scissor_rect(0, 0, width, height);
        pass.set_pipeline(&self.labels);
        pass.set_bind_group(0, &groups.mask, &[]);
        pass.set_bind_group(1, &groups.bytes, &[]);
        pass.draw(0..3, 0..1);
    }
}

fn label_draw(scene: &LabelScene<'_>) -> LabelDraw {
    let LabelScene { mask, look, plane } = scene;
    let mut grid = PixelGrid::of(&plane.mask_from_viewport);
    let (mut depth, mut points) = ([0; 3], 1);
    let mut first = [0; 3];
    if let Some(slab) = &plane.slab {
        (depth, first) = fixed_steps(slab);
        points = slab.count;
    }
    for (axis, first) in first.into_iter().enumerate() {
        let margin = (grid.step_x[axis] + grid.step_y[axis]) * i64::from(MARGIN);
        grid.start[axis] += first - margin;
    }
    let grid = GridHalves::from(grid);
    let depth = halves(depth);
    let [columns, rows, slices] = mask.size().map(|n| n as u32);
    let mut colors = [[0.0; 4]; 256];
    for (byte, color) in (0..=u8::MAX).zip(&mut colors) {
        let [r, g, b] = look.color(byte);
        let drawn = match (look.is_drawn(byte), look.is_dashed(byte)) {
            (false, _) => 0.0,
            (true, false) => 1.0,
            (true, true) => 2.0,
        };
        *color = [r, g, b, drawn];
    }
    LabelDraw {
        start_hi: grid.start.0,
        start_lo: grid.start.1,
        step_x_hi: grid.step_x.0,
        step_x_lo: grid.step_x.1,
        step_y_hi: grid.step_y.0,
        step_y_lo: grid.step_y.1,
        depth_hi: depth.0,
        depth_lo: depth.1,
        size: [columns, rows, slices, mask.words_a_row() as u32],
        kind: [
            mask.bits().count() as u32,
            points,
            u32::from(look.least()),
            u32::from(look.meaning == Meaning::Probability),
        ],
        edge: [MARGIN, outline(look), u32::from(mask.table().is_some()), 0],
        opacity: [look.style.opacity, 0.0, 0.0, 0.0],
        colors,
    }
}
