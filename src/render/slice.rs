//! One plane through a texture of frames, with what lies over it: the frame's own cover, then a map.

use super::{
    PassDescription, STORAGE, Target, TargetKind, UNIFORM,
    cover::{CoverPass, CoverScene},
    entry_of, fragment_entry,
    labels::{LabelPass, LabelScene},
    overlay::{OverlayPass, OverlayScene},
    pass_pipeline,
    reach::reached,
    slice_draw::{
        Source, Variant, gpu_data::SliceDraw, modality_table, slab_of, slice_draw, voi_table,
    },
    uniform_buffer,
};
use crate::{
    gpu::{Bound, Bricks, Cargo, FrameTexture, GpuContext, GpuError, LayerState, shader},
    imaging::reslice::{PixelGrid, nearest, neighbours},
    model::{
        slab::SlabSteps,
        view::{GreyPipeline, Interpolation, SliceView},
    },
};
use glam::{DAffine3, DMat3, DVec3};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// What is drawn.
#[derive(Clone, Copy, Debug)]
pub struct SliceScene<'a> {
    /// Which plane, and how values become grey.
    pub view: &'a SliceView,
    /// The frames; their type and samples are those of the view.
    pub texture: &'a FrameTexture,
    /// Overlay planes and shutter of the one frame that is shown; not drawn into a target of values.
    pub cover: Option<CoverScene<'a>>,
    /// A probability map over it; not drawn into a target of values.
    pub overlay: Option<OverlayScene<'a>>,
    /// A mask of the volume over it; not drawn into a target of values.
    pub labels: Option<LabelScene<'a>>,
}

/// Look-up tables that are on the GPU already: the tables by identity, and the buffer with all.
struct LutBuffer {
    modality: Option<Arc<[u16]>>,
    voi: Option<Arc<[u16]>>,
    presentation: Option<Arc<[u16]>>,
    buffer: wgpu::Buffer,
}

/// Buffers that draws share; a draw holds the lock from its first write to its submit.
struct Work {
    uniforms: wgpu::Buffer,
    luts: Vec<LutBuffer>,
    cover: Option<CoverPass>,
}

/// How many sets of look-up tables are kept.
const LUTS_KEPT: usize = 8;

/// Draws slices of one device. May be shared between threads.
///
/// One shader and one layout draw everything; pipelines differ in constants only, and are made when they are first
/// needed. On a software device that takes a tenth of a second: [`SliceRenderer::warm`] makes the common ones ahead.
pub struct SliceRenderer {
    layout: wgpu::BindGroupLayout,
    sampler: wgpu::Sampler,
    module: wgpu::ShaderModule,
    pipelines: Mutex<HashMap<(TargetKind, Variant), wgpu::RenderPipeline>>,
    /// Made with the first map: a session may show none, and its pipelines take as long to make as the start.
    overlay: Mutex<Option<Arc<OverlayPass>>>,
    /// The same for masks of volumes.
    labels: Mutex<Option<Arc<LabelPass>>>,
    naive: bool,
    work: Mutex<Work>,
}

impl SliceRenderer {
    /// Compiles the shader.
    ///
    /// # Errors
    /// [`GpuError::Refused`] when the device refuses a shader.
    pub fn new(gpu: &GpuContext) -> Result<Self, GpuError> {
        let (module, layout, sampler) = gpu.checked(0, || {
            let frames = wgpu::BindingType::Texture {
                sample_type: wgpu::TextureSampleType::Uint,
                view_dimension: wgpu::TextureViewDimension::D2Array,
                multisampled: false,
            };
            let four = wgpu::BindingType::Sampler(wgpu::SamplerBindingType::NonFiltering);
            let layout = gpu
                .device
                .create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
                    label: Some("slice"),
                    entries: &[
                        entry_of(wgpu::ShaderStages::VERTEX_FRAGMENT, 0, UNIFORM),
                        fragment_entry(1, frames),
                        fragment_entry(2, STORAGE),
                        fragment_entry(3, STORAGE),
                        fragment_entry(4, STORAGE),
                        fragment_entry(5, four),
                    ],
                });
            let sampler = gpu.device.create_sampler(&wgpu::SamplerDescriptor {
                label: Some("four voxels"),
                ..Default::default()
            });
            (shader::module(&gpu.device, "slice.wgsl"), layout, sampler)
        })?;
        Ok(Self {
            layout,
            sampler,
            module: module?,
            pipelines: Mutex::default(),
            overlay: Mutex::default(),
            labels: Mutex::default(),
            naive: false,
            work: Mutex::new(Work {
                uniforms: uniform_buffer::<SliceDraw>(gpu, "slice"),
                luts: vec![],
                cover: None,
            }),
        })
    }

    /// One that draws the same in the plain way: voxel by voxel, and every point of a slab. What measurements compare
    /// with.
    ///
    /// # Errors
    /// As for [`Self::new`].
    pub fn naive(gpu: &GpuContext) -> Result<Self, GpuError> {
        Ok(Self {
            naive: true,
            ..Self::new(gpu)?
        })
    }

    /// Makes the pipelines that almost every session needs. For a worker thread; drawing goes on meanwhile.
    ///
    /// # Errors
    /// [`GpuError::Refused`].
    pub fn warm(&self, gpu: &GpuContext) -> Result<(), GpuError> {
        for variant in Variant::common() {
            self.pipeline(gpu, TargetKind::Picture, variant)?;
        }
        self.overlay(gpu).map(|_| ())
    }

    fn overlay(&self, gpu: &GpuContext) -> Result<Arc<OverlayPass>, GpuError> {
        let kept = || self.overlay.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = kept().as_ref() {
            return Ok(Arc::clone(made));
        }
        // Without the lock, as for pipelines below.
        let made = Arc::new(OverlayPass::new(gpu)?);
        Ok(Arc::clone(kept().get_or_insert(made)))
    }

    fn labels(&self, gpu: &GpuContext) -> Result<Arc<LabelPass>, GpuError> {
        let kept = || self.labels.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = kept().as_ref() {
            return Ok(Arc::clone(made));
        }
        let made = Arc::new(LabelPass::new(gpu)?);
        Ok(Arc::clone(kept().get_or_insert(made)))
    }

    /// Draws the scene over the whole target and submits it; does not wait.
    ///
    /// # Errors
    /// [`GpuError::Mismatch`] when view, texture and target do not fit each other.
    pub fn draw(
        &self,
        gpu: &GpuContext,
        target: &Target,
        scene: &SliceScene<'_>,
    ) -> Result<(), GpuError> {
        let SliceScene { view, texture, .. } = scene;
        if view.size != target.size() {
            return Err(GpuError::Mismatch("the view is not of the target's size"));
        }
        if view.grey.stored_type != texture.stored_type() || view.samples != texture.samples() {
            return Err(GpuError::Mismatch("the view is not of the frames' type"));
        }
        let mut variant = Variant::of(view, texture);
        // While a series loads and one loaded slice is all that is needed, only its layer is bound: memory of the
        // others, which may be larger than what was loaded so far, is not touched, and need not be cleared. Once all
        // are there one binding serves every slice, and paging through them makes nothing.
        let mut size = texture.size();
        let single = single_slice(view, size[2])
            .filter(|_| variant.check_states)
            .filter(|slice| texture.state(*slice) == Some(LayerState::Loaded))
            .map(|slice| slice / texture.stacked());
        let first = single.map_or(0, |layer| layer * texture.stacked());
        if single.is_some() {
            size[2] = texture.stacked().min(size[2] - first);
            variant.check_states = false;
        }
        if self.naive {
            (variant.skip, variant.quick, variant.four) = (false, false, false);
        }
        let pipeline = self.pipeline(gpu, target.kind(), variant)?;
        let mut work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        let luts = work.luts_of(gpu, &view.grey)?;
        let bricks = texture.bricks().filter(|_| variant.skip);
        let source = Source {
            size,
            stacked: texture.stacked(),
            bricks: bricks.map_or([0; 3], Bricks::size),
            values: target.kind() == TargetKind::Values,
        };
        let data = match (texture.reduced(), first) {
            (1, 0) => slice_draw(view, &source),
            (step, first) => slice_draw(&held(view, step, first), &source),
        };
        // Where there are none the binding is filled with what is at hand.
        let bricks = bricks.and_then(Bricks::buffer).unwrap_or(&luts);
        let bound = Bound {
            layer: single,
            uniforms: work.uniforms.clone(),
            luts: luts.clone(),
            bricks: bricks.clone(),
        };
        gpu.door
            .upload_buffer(Cargo::Uniform, &work.uniforms, 0, bytemuck::bytes_of(&data))?;
        let group = texture.group(bound, |frames, bound| {
            gpu.door.group(&wgpu::BindGroupDescriptor {
                label: Some("slice"),
                layout: &self.layout,
                entries: &[
                    entry(0, bound.uniforms.as_entire_binding()),
                    entry(1, wgpu::BindingResource::TextureView(frames)),
                    entry(2, texture.state_buffer().as_entire_binding()),
                    entry(3, bound.luts.as_entire_binding()),
                    entry(4, bound.bricks.as_entire_binding()),
                    entry(5, wgpu::BindingResource::Sampler(&self.sampler)),
                ],
            })
        });
        let [columns, rows] = texture.frame_size();
        let cover = match (&scene.cover, target.kind()) {
            (Some(cover), TargetKind::Picture) => {
                let pass = match &mut work.cover {
                    Some(pass) => pass,
                    none => none.insert(CoverPass::new(gpu)?),
                };
                pass.prepare(gpu, view, [columns, rows], cover)?
            }
            _ => None,
        };
        let mut encoder = gpu.device.create_command_encoder(&Default::default());
        let overlay = match (&scene.overlay, target.kind()) {
            (Some(overlay), TargetKind::Picture) => {
                let pass = self.overlay(gpu)?;
                let prepared = pass.prepare(gpu, target, overlay, &mut encoder)?;
                prepared.map(|prepared| (pass, prepared))
            }
            _ => None,
        };
        let labels = match (&scene.labels, target.kind()) {
            (Some(labels), TargetKind::Picture) => {
                let pass = self.labels(gpu)?;
                let groups = pass.prepare(gpu, target, labels, &mut encoder)?;
                Some((pass, groups))
            }
            _ => None,
        };
        {
            let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
                label: Some("slice"),
                color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                    view: target.view(),
                    depth_slice: None,
                    resolve_target: None,
                    ops: wgpu::Operations {
                        load: wgpu::LoadOp::Clear(target.kind().empty()),
                        store: wgpu::StoreOp::Store,
                    },
                })],
                ..Default::default()
            });
            let reached = reached(view, [columns, rows, texture.size()[2]]);
            if let Some([x, y, width, height]) = reached {
                pass.set_scissor_rect(x, y, width, height);
                pass.set_pipeline(&pipeline);
                pass.set_bind_group(0, &group, &[]);
                pass.draw(0..3, 0..1);
                if let (Some(group), Some(cover)) = (&cover, &work.cover) {
                    cover.paint(&mut pass, group);
                }
            }
            if let Some((overlay, prepared)) = &overlay {
                overlay.paint(&mut pass, prepared);
            }
            if let Some((labels, groups)) = &labels {
                labels.paint(&mut pass, view.size, groups);
            }
        }
        gpu.door.submit(encoder.finish());
        Ok(())
    }

    /// Lays a mask over a picture that was drawn before: several layers of one after the other.
    ///
    /// # Errors
    /// [`GpuError::Mismatch`] over a target of values, [`GpuError::Refused`].
    pub fn lay(
        &self,
        gpu: &GpuContext,
        target: &Target,
        scene: &LabelScene<'_>,
    ) -> Result<(), GpuError> {
        if target.kind() != TargetKind::Picture {
            return Err(GpuError::Mismatch("a mask lies over a picture"));
        }
        let labels = self.labels(gpu)?;
        let _work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        let mut encoder = gpu.device.create_command_encoder(&Default::default());
        let groups = labels.prepare(gpu, target, scene, &mut encoder)?;
        {
            let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
                label: Some("lay"),
                color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                    view: target.view(),
                    depth_slice: None,
                    resolve_target: None,
                    ops: wgpu::Operations {
                        load: wgpu::LoadOp::Load,
                        store: wgpu::StoreOp::Store,
                    },
                })],
                ..Default::default()
            });
            labels.paint(&mut pass, target.size(), &groups);
        }
        gpu.door.submit(encoder.finish());
        Ok(())
    }

    fn pipeline(
        &self,
        gpu: &GpuContext,
        kind: TargetKind,
        variant: Variant,
    ) -> Result<wgpu::RenderPipeline, GpuError> {
        let pipelines = || {
            self.pipelines
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        if let Some(found) = pipelines().get(&(kind, variant)) {
            return Ok(found.clone());
        }
        // Without the lock: another thread may draw with what is there.
        let made = gpu.checked(0, || {
            let pass = PassDescription {
                shader: "slice.wgsl",
                vertex: "vs_slice",
                entry: match kind {
                    TargetKind::Picture => "fs_picture",
                    TargetKind::Values => "fs_value",
                },
                constants: &variant.constants(),
                layouts: &[Some(&self.layout)],
                format: kind.format(),
                blend: None,
            };
            pass_pipeline(&gpu.device, &self.module, &pass)
        })?;
        pipelines().insert((kind, variant), made.clone());
        Ok(made)
    }
}

fn entry(binding: u32, resource: wgpu::BindingResource<'_>) -> wgpu::BindGroupEntry<'_> {
    wgpu::BindGroupEntry { binding, resource }
}

/// The slice that a view follows, when no other one has any weight in it.
fn single_slice(view: &SliceView, slices: usize) -> Option<usize> {
    let grid = PixelGrid::of(&view.voxel_from_viewport);
    if grid.step_x[2] != 0 || grid.step_y[2] != 0 || slab_of(view).is_some() {
        return None;
    }
    match view.interpolation {
        Interpolation::Nearest => nearest(grid.start[2], slices),
        Interpolation::Linear | Interpolation::Cubic => neighbours(grid.start[2], slices)
            .filter(|found| found.weight == 0.0)
            .map(|found| found.low),
    }
}

/// The view of a texture that holds every `step`-th pixel, from slice `first` on: a texel lies in the middle of the pixels
/// it stands for.
fn held(view: &SliceView, step: usize, first: usize) -> SliceView {
    let scale = 1.0 / step as f64;
    let shift = 0.5 * (scale - 1.0);
    let texel_from_voxel = DAffine3 {
        matrix3: DMat3::from_diagonal(DVec3::new(scale, scale, 1.0)),
        translation: DVec3::new(shift, shift, -(first as f64)),
    };
    SliceView {
        voxel_from_viewport: texel_from_voxel * view.voxel_from_viewport,
        slab: view.slab.map(|slab| SlabSteps {
            step: texel_from_voxel.matrix3 * slab.step,
            ..slab
        }),
        ..view.clone()
    }
}

impl std::fmt::Debug for SliceRenderer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SliceRenderer")
    }
}

impl Work {
    /// The buffer with the tables of a grey chain: modality LUT, VOI LUT, presentation LUT.
    fn luts_of(&mut self, gpu: &GpuContext, grey: &GreyPipeline) -> Result<wgpu::Buffer, GpuError> {
        let modality = modality_table(grey).map(|table| &table.entries);
        let voi = voi_table(grey).map(|table| &table.entries);
        let presentation = grey.presentation.as_ref().map(|table| &table.entries);
        let same = |a: &Option<Arc<[u16]>>, b: Option<&Arc<[u16]>>| match (a, b) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        };
        if let Some(found) = self.luts.iter().find(|luts| {
            same(&luts.modality, modality)
                && same(&luts.voi, voi)
                && same(&luts.presentation, presentation)
        }) {
            return Ok(found.buffer.clone());
        }
        let entries: Vec<f32> = [modality, voi, presentation]
            .into_iter()
            .flatten()
            .flat_map(|entries| entries.iter().map(|&entry| f32::from(entry)))
            .collect();
        let buffer = gpu.door.new_buffer(
            Cargo::Lut,
            "look-up tables",
            wgpu::BufferUsages::STORAGE,
            bytemuck::cast_slice(&entries),
        )?;
        if self.luts.len() >= LUTS_KEPT {
            self.luts.remove(0);
        }
        self.luts.push(LutBuffer {
            modality: modality.cloned(),
            voi: voi.cloned(),
            presentation: presentation.cloned(),
            buffer: buffer.clone(),
        });
        Ok(buffer)
    }
}
