//! Triangles that stay on the device while they are the same: the toolkit would copy them twice in every frame.
//!
//! They are drawn between the toolkit's own triangles, in its pass, with its pipeline and its textures, so that a mark
//! looks the same to the last bit whether it was just drawn or has been there for an hour. The toolkit sets its
//! pipeline and the size of the window before each call (`Renderer::render` of egui-wgpu 0.37); a test compares the
//! pixels of both ways.

use crate::gpu::{Cargo, GpuContext};
use egui::{Mesh, PaintCallbackInfo, Painter, Rect, Shape, TextureId, mutex::RwLock};
use egui_wgpu::{Callback, CallbackResources, CallbackTrait, Renderer};
use std::{ops::Range, sync::Arc};

/// The toolkit's half that draws.
pub type Toolkit = Arc<RwLock<Renderer>>;

/// Triangles on the device.
pub(super) struct Buffer {
    vertices: wgpu::Buffer,
    indices: wgpu::Buffer,
    parts: Vec<Part>,
}

/// Triangles with one texture.
struct Part {
    texture: TextureId,
    indices: Range<u32>,
    /// The vertex that their indices count from.
    base: i32,
}

impl Buffer {
    /// Brings triangles to the device; `None` when there are none, or the device does not take them.
    pub(super) fn new(gpu: &GpuContext, meshes: &[Arc<Mesh>]) -> Option<Self> {
        let (mut vertices, mut indices, mut parts) = (Vec::new(), Vec::new(), Vec::new());
        for mesh in meshes {
            let first = u32::try_from(indices.len()).ok()?;
            indices.extend_from_slice(&mesh.indices);
            parts.push(Part {
                texture: mesh.texture_id,
                indices: first..u32::try_from(indices.len()).ok()?,
                base: i32::try_from(vertices.len()).ok()?,
            });
            vertices.extend_from_slice(&mesh.vertices);
        }
        if indices.is_empty() {
            return None;
        }
        let buffer = |usage, bytes: &[u8]| {
            let made = gpu.door.new_buffer(Cargo::Geometry, "marks", usage, bytes);
            made.ok()
        };
        Some(Self {
            vertices: buffer(wgpu::BufferUsages::VERTEX, bytemuck::cast_slice(&vertices))?,
            indices: buffer(wgpu::BufferUsages::INDEX, bytemuck::cast_slice(&indices))?,
            parts,
        })
    }

    /// Adds them to what is painted into a cell; `false` when the toolkit has not all of their textures.
    pub(super) fn draw(self: &Arc<Self>, painter: &Painter, rect: Rect, toolkit: &Toolkit) -> bool {
        let renderer = toolkit.read();
        let group = |part: &Part| Some(renderer.texture(&part.texture)?.bind_group.clone());
        let Some(textures) = self.parts.iter().map(group).collect() else {
            return false;
        };
        let drawn = Drawn {
            buffer: Arc::clone(self),
            textures,
        };
        let callback = Callback::new_paint_callback(rect, drawn);
        painter.add(Shape::Callback(callback));
        true
    }
}

/// Triangles in one frame.
struct Drawn {
    buffer: Arc<Buffer>,
    textures: Vec<wgpu::BindGroup>,
}

impl CallbackTrait for Drawn {
    fn paint(
        &self,
        info: PaintCallbackInfo,
        pass: &mut wgpu::RenderPass<'static>,
        _resources: &CallbackResources,
    ) {
        let Buffer {
            vertices,
            indices,
            parts,
        } = &*self.buffer;
        // Vertices are points of the window, not of the cell.
        let [width, height] = info.screen_size_px.map(|pixels| pixels as f32);
        pass.set_viewport(0.0, 0.0, width, height, 0.0, 1.0);
        pass.set_vertex_buffer(0, vertices.slice(..));
        pass.set_index_buffer(indices.slice(..), wgpu::IndexFormat::Uint32);
        for (part, texture) in parts.iter().zip(&self.textures) {
            pass.set_bind_group(1, texture, &[]);
            pass.draw_indexed(part.indices.clone(), part.base, 0..1);
        }
    }
}
