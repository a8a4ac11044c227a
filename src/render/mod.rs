//! Slice and overlay passes; offscreen targets.
//!
//! Must stay true: everything is drawn headless into a [`target::Target`]; a window only copies it. Display values are
//! code values: no pass converts them between colour spaces, save the copy into a target that stores linear light.

pub mod blit;
pub mod cover;
pub mod drift;
pub mod filter;
pub mod forest;
pub mod labels;
pub mod overlay;
mod reach;
pub mod segments;
pub mod slice;
pub mod slice_draw;
pub mod target;
pub mod walker;

pub use blit::{Blit, BlitBinding};
pub use cover::CoverScene;
pub use drift::{DriftBinding, Drifting};
pub use filter::FilterRenderer;
pub use labels::LabelScene;
pub use overlay::{OverlayScene, map_from_viewport, upload_probabilities};
pub use slice::{SliceRenderer, SliceScene};
pub use target::{Target, TargetKind};

use crate::{gpu::GpuContext, imaging::reslice::PixelGrid, model::view::SliceView};
use glam::{DAffine2, DMat2, DVec2};

/// Halves of a fixed-point triple for the shader, which has no 64-bit integers; the fourth component is unused.
fn halves(value: [i64; 3]) -> ([i32; 4], [u32; 4]) {
    let [x, y, z] = value;
    (
        [x, y, z, 0].map(|v| (v >> 32) as i32),
        [x, y, z, 0].map(|v| v as u32),
    )
}

/// Start and steps of a grid as the shader takes them: high and low halves of each.
#[derive(Clone, Copy)]
struct GridHalves {
    start: ([i32; 4], [u32; 4]),
    step_x: ([i32; 4], [u32; 4]),
    step_y: ([i32; 4], [u32; 4]),
}

impl From<PixelGrid> for GridHalves {
    fn from(grid: PixelGrid) -> Self {
        Self {
            start: halves(grid.start),
            step_x: halves(grid.step_x),
            step_y: halves(grid.step_y),
        }
    }
}

/// What the pipelines of this module differ in.
struct PassDescription<'a> {
    shader: &'a str,
    vertex: &'a str,
    entry: &'a str,
    constants: &'a [(&'a str, f64)],
    layouts: &'a [Option<&'a wgpu::BindGroupLayout>],
    format: wgpu::TextureFormat,
    blend: Option<wgpu::BlendState>,
}

/// The vertex stage that covers the viewport with one triangle.
const FULLSCREEN: &str = "vs_fullscreen";

/// A pipeline that draws triangles without vertex buffers.
fn pass_pipeline(
    device: &wgpu::Device,
    module: &wgpu::ShaderModule,
    pass: &PassDescription<'_>,
) -> wgpu::RenderPipeline {
    let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: Some(pass.shader),
        bind_group_layouts: pass.layouts,
        immediate_size: 0,
    });
    device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
        label: Some(pass.entry),
        layout: Some(&layout),
        vertex: wgpu::VertexState {
            module,
            entry_point: Some(pass.vertex),
            compilation_options: wgpu::PipelineCompilationOptions {
                constants: pass.constants,
                ..Default::default()
            },
            buffers: &[],
        },
        primitive: Default::default(),
        depth_stencil: None,
        multisample: Default::default(),
        fragment: Some(wgpu::FragmentState {
            module,
            entry_point: Some(pass.entry),
            compilation_options: wgpu::PipelineCompilationOptions {
                constants: pass.constants,
                ..Default::default()
            },
            targets: &[Some(wgpu::ColorTargetState {
                format: pass.format,
                blend: pass.blend,
                write_mask: wgpu::ColorWrites::ALL,
            })],
        }),
        multiview_mask: None,
        cache: None,
    })
}

/// An entry of a layout.
const fn entry_of(
    visibility: wgpu::ShaderStages,
    binding: u32,
    ty: wgpu::BindingType,
) -> wgpu::BindGroupLayoutEntry {
    wgpu::BindGroupLayoutEntry {
        binding,
        visibility,
        ty,
        count: None,
    }
}

/// An entry of a layout that only the fragment stage sees.
const fn fragment_entry(binding: u32, ty: wgpu::BindingType) -> wgpu::BindGroupLayoutEntry {
    entry_of(wgpu::ShaderStages::FRAGMENT, binding, ty)
}

/// A whole buffer of the given kind.
const fn buffer_of(ty: wgpu::BufferBindingType) -> wgpu::BindingType {
    wgpu::BindingType::Buffer {
        ty,
        has_dynamic_offset: false,
        min_binding_size: None,
    }
}

const UNIFORM: wgpu::BindingType = buffer_of(wgpu::BufferBindingType::Uniform);
const STORAGE: wgpu::BindingType = buffer_of(wgpu::BufferBindingType::Storage { read_only: true });

/// A buffer for the uniforms of type `T`.
fn uniform_buffer<T>(gpu: &GpuContext, label: &str) -> wgpu::Buffer {
    gpu.door.buffer(&wgpu::BufferDescriptor {
        label: Some(label),
        size: size_of::<T>() as u64,
        usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    })
}

/// Voxel indices (column, row) of viewport points, without the slice axis.
fn plane_from_viewport(view: &SliceView) -> DAffine2 {
    let m = view.voxel_from_viewport;
    DAffine2 {
        matrix2: DMat2::from_cols(m.matrix3.x_axis.truncate(), m.matrix3.y_axis.truncate()),
        translation: m.translation.truncate(),
    }
}

/// The part of a viewport (x, y, width, height) that a grid of columns and rows may reach, with some pixels around
/// it; `None` when it reaches none. All of the viewport, when the mapping has no inverse (planes across the slices).
fn covered(
    grid_from_viewport: &DAffine2,
    [columns, rows]: [usize; 2],
    size: [u32; 2],
    around: u32,
) -> Option<[u32; 4]> {
    let whole = [0, 0, size[0], size[1]];
    if !grid_from_viewport.is_finite() || grid_from_viewport.matrix2.determinant().abs() < 1e-12 {
        return Some(whole);
    }
    let inverse = grid_from_viewport.inverse();
    let (right, bottom) = (columns as f64 - 0.5, rows as f64 - 0.5);
    let corners = [(-0.5, -0.5), (right, -0.5), (-0.5, bottom), (right, bottom)]
        .map(|(x, y)| inverse.transform_point2(DVec2::new(x, y)));
    let mut low = corners[0];
    let mut high = corners[0];
    for corner in corners {
        low = low.min(corner);
        high = high.max(corner);
    }
    if !low.is_finite() || !high.is_finite() {
        return Some(whole);
    }
    // The casts saturate at the borders of the viewport.
    let from = |v: f64| (v - f64::from(around)).floor().max(0.0) as u32;
    let to = |v: f64, end: u32| ((v + f64::from(around)).ceil().max(0.0) as u32).min(end);
    let (x, y) = (from(low.x), from(low.y));
    let (end_x, end_y) = (to(high.x, size[0]), to(high.y, size[1]));
    (x < end_x && y < end_y).then(|| [x, y, end_x - x, end_y - y])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_reached_is_drawn() {
        // Two viewport pixels a voxel, the first voxel's border at pixel (10, 20).
        let mapping = DAffine2 {
            matrix2: DMat2::IDENTITY * 0.5,
            translation: DVec2::new(-5.5, -10.5),
        };
        let at = |size, around| covered(&mapping, [4, 3], size, around);
        assert_eq!(at([100, 100], 0), Some([10, 20, 8, 6]));
        assert_eq!(at([100, 100], 2), Some([8, 18, 12, 10]));
        assert_eq!(at([12, 22], 0), Some([10, 20, 2, 2]));
        assert_eq!(at([10, 100], 0), None);
        let flat = DAffine2::from_scale(DVec2::new(1.0, 0.0));
        assert_eq!(covered(&flat, [4, 3], [7, 8], 0), Some([0, 0, 7, 8]));
        let wild = DAffine2::from_scale(DVec2::splat(f64::NAN));
        assert_eq!(covered(&wild, [4, 3], [7, 8], 0), Some([0, 0, 7, 8]));
    }
}
