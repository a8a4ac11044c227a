//! Triangles that stay on the device while they are the same: the toolkit would copy them twice in every frame.
//!
//! They are drawn between the toolkit's own triangles, in its pass, with its pipeline and its textures, so that a mark
//! looks the same to the last bit whether it was just drawn or has been there for an hour. The toolkit sets its
//! pipeline and the size of the window before each call (`Renderer::render` of egui-wgpu 0.37); a test compares the
//! pixels of both ways.

use super::pen::Cut;
use crate::{
    gpu::{Cargo, GpuContext},
    render::{DriftBinding, Drifting},
};
use egui::{PaintCallbackInfo, Painter, Rect, Shape, TextureId, mutex::RwLock};
use egui_wgpu::{Callback, CallbackResources, CallbackTrait, Renderer};
use std::{
    ops::Range,
    sync::{Arc, OnceLock},
};

/// The toolkit's half that draws.
pub type Toolkit = Arc<RwLock<Renderer>>;

/// Triangles on the device.
pub(super) struct Buffer {
    vertices: wgpu::Buffer,
    indices: wgpu::Buffer,
    parts: Vec<Part>,
    /// What a drifting picture takes along; made when one does.
    adrift: OnceLock<Option<Adrift>>,
}

/// What triangles need that go with their picture.
struct Adrift {
    /// The place that each vertex belongs to.
    anchors: wgpu::Buffer,
    binding: DriftBinding,
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
    pub(super) fn new(gpu: &GpuContext, cut: &Cut) -> Option<Self> {
        let (mut vertices, mut indices, mut parts) = (Vec::new(), Vec::new(), Vec::new());
        for mesh in &cut.meshes {
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
        Some(Self {
            vertices: buffer(gpu, wgpu::BufferUsages::VERTEX, &vertices)?,
            indices: buffer(gpu, wgpu::BufferUsages::INDEX, &indices)?,
            parts,
            adrift: OnceLock::new(),
        })
    }

    /// Adds them to what is painted into a cell; `false` when the toolkit has not all of their textures.
    pub(super) fn draw(self: &Arc<Self>, painter: &Painter, rect: Rect, toolkit: &Toolkit) -> bool {
        self.add(painter, rect, toolkit, None)
    }

    /// The same where their picture went somewhere else since they were cut: `drift` is how much farther places are apart
    /// now, and where the point (0, 0) of the window is.
    pub(super) fn draw_adrift(
        self: &Arc<Self>,
        painter: &Painter,
        rect: Rect,
        device: &Device<'_>,
        cut: &Cut,
        drift: (f32, [f32; 2]),
    ) -> bool {
        let Device {
            gpu,
            toolkit,
            drifting,
        } = device;
        let made = self.adrift.get_or_init(|| {
            Some(Adrift {
                anchors: buffer(gpu, wgpu::BufferUsages::VERTEX, &cut.anchors())?,
                binding: drifting.bind(gpu),
            })
        });
        let Some(adrift) = made else { return false };
        let window = painter.ctx().viewport_rect().size().into();
        let scale = painter.pixels_per_point();
        let placed = drifting.place(gpu, &adrift.binding, drift, window, scale);
        placed.is_ok() && self.add(painter, rect, toolkit, Some(Arc::clone(drifting)))
    }

    fn add(
        self: &Arc<Self>,
        painter: &Painter,
        rect: Rect,
        toolkit: &Toolkit,
        drifting: Option<Arc<Drifting>>,
    ) -> bool {
        let renderer = toolkit.read();
        let group = |part: &Part| Some(renderer.texture(&part.texture)?.bind_group.clone());
        let Some(textures) = self.parts.iter().map(group).collect() else {
            return false;
        };
        let drawn = Drawn {
            buffer: Arc::clone(self),
            textures,
            drifting,
        };
        let callback = Callback::new_paint_callback(rect, drawn);
        painter.add(Shape::Callback(callback));
        true
    }
}

/// What is needed to draw from buffers.
pub(super) struct Device<'a> {
    pub(super) gpu: &'a GpuContext,
    pub(super) toolkit: Toolkit,
    pub(super) drifting: Arc<Drifting>,
}

fn buffer<T: bytemuck::NoUninit>(
    gpu: &GpuContext,
    usage: wgpu::BufferUsages,
    content: &[T],
) -> Option<wgpu::Buffer> {
    let bytes = bytemuck::cast_slice(content);
    let made = gpu.door.new_buffer(Cargo::Geometry, "marks", usage, bytes);
    made.ok()
}

/// Triangles in one frame.
struct Drawn {
    buffer: Arc<Buffer>,
    textures: Vec<wgpu::BindGroup>,
    /// Draws them where their picture is now.
    drifting: Option<Arc<Drifting>>,
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
            adrift,
        } = &*self.buffer;
        // Vertices are points of the window, not of the cell.
        let [width, height] = info.screen_size_px.map(|pixels| pixels as f32);
        pass.set_viewport(0.0, 0.0, width, height, 0.0, 1.0);
        if let Some(drifting) = &self.drifting
            && let Some(Some(Adrift { anchors, binding })) = adrift.get()
        {
            drifting.begin(pass, binding);
            pass.set_vertex_buffer(1, anchors.slice(..));
        }
        pass.set_vertex_buffer(0, vertices.slice(..));
        pass.set_index_buffer(indices.slice(..), wgpu::IndexFormat::Uint32);
        for (part, texture) in parts.iter().zip(&self.textures) {
            pass.set_bind_group(1, texture, &[]);
            pass.draw_indexed(part.indices.clone(), part.base, 0..1);
        }
    }
}
