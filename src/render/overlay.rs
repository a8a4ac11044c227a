//! A probability map over the picture, bound where the network left it.

use super::{
    GridHalves, PassDescription, STORAGE, Target, TargetKind, UNIFORM, buffer_of, covered,
    entry_of, fragment_entry, pass_pipeline, plane_from_viewport, target::OverlayGroups,
    uniform_buffer,
};
use crate::{
    gpu::{Cargo, GpuContext, GpuError, SharedBuffer, shader},
    imaging::{overlay, reslice::PixelGrid},
    model::{
        explanation::{MapPalette, STOPS},
        view::{OverlayStyle, SliceView},
    },
};
use glam::{DAffine2, DMat2, DVec2};

/// A map to draw over a slice.
#[derive(Clone, Copy, Debug)]
pub struct OverlayScene<'a> {
    /// Probabilities, f32, `shape` rows and columns, contiguous.
    pub buffer: &'a SharedBuffer,
    /// How it looks.
    pub style: OverlayStyle,
    /// Map pixel indices (column, row; the first pixel's centre is at 0) of viewport points (pixel centres at
    /// half-integers).
    pub map_from_viewport: DAffine2,
}

/// Uniforms of the pass; the names are those of `shaders/overlay.wgsl`.
pub mod gpu_data {
    use bytemuck::{Pod, Zeroable};

    /// `OverlayDraw` of the shader.
    #[repr(C)]
    #[derive(Clone, Copy, Debug, Pod, Zeroable)]
    pub struct OverlayDraw {
        /// Position of the first pixel of the texture of probabilities, whole part.
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
        /// Colour, code values from 0 to 1.
        pub color: [f32; 4],
        /// Colours of an explanation, at equal distances from 0 to 1.
        pub stops: [[f32; 4]; 9],
        /// Columns of the map.
        pub columns: u32,
        /// Rows of the map.
        pub rows: u32,
        /// Index of the first element in the bound part of the buffer.
        pub first: u32,
        /// Distance of the neighbours that are compared, in viewport pixels.
        pub reach: u32,
        /// Threshold.
        pub threshold: f32,
        /// Opacity of the fill.
        pub opacity: f32,
        /// Width of the outline in viewport pixels.
        pub outline_px: f32,
        /// 1 for a dashed outline.
        pub dashed: u32,
        /// Pixels around the viewport that the texture of probabilities has.
        pub margin: u32,
        /// Side of a tile in viewport pixels.
        pub tile_px: u32,
        /// Tiles in a row of them.
        pub tiles_across: u32,
        /// 1 to leave out tiles in which nothing shows.
        pub skip_empty: u32,
        /// Part of the viewport that the map may reach: x, y, width, height.
        pub reached: [u32; 4],
        /// Width of the viewport.
        pub viewport_width: u32,
        /// Height of the viewport.
        pub viewport_height: u32,
        /// 1 for the colours of an explanation.
        pub coloured: u32,
        /// Unused.
        pub spare: u32,
    }
}
use gpu_data::OverlayDraw;

/// Pixels around the viewport whose probabilities are known: as far as differences reach.
const MARGIN: u32 = 16;

/// Side of a tile in viewport pixels: small enough to follow a mask, large enough that tiles cost nothing.
const TILE_PX: u32 = 64;

/// Tiles that have a mark; a viewport with more is drawn whole.
const MOST_TILES: u32 = 1 << 16;

/// The pipelines that lay a map over a picture.
#[derive(Debug)]
pub(super) struct OverlayPass {
    map_layout: wgpu::BindGroupLayout,
    pixels_layout: wgpu::BindGroupLayout,
    tiles: wgpu::ComputePipeline,
    probability: wgpu::RenderPipeline,
    overlay: wgpu::RenderPipeline,
    uniforms: wgpu::Buffer,
    /// The marks of the tiles, to be written and to be read.
    marks: wgpu::BindGroup,
    shown: wgpu::BindGroup,
}

/// A map whose probabilities are being interpolated, ready to be painted.
pub(super) struct PreparedOverlay {
    groups: OverlayGroups,
    tiles: Tiles,
}

/// How the reached part of a viewport is laid out in tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tiles {
    /// Part of the viewport that the map may reach: x, y, width, height.
    reached: [u32; 4],
    side: u32,
    across: u32,
    down: u32,
    /// Tiles in which nothing shows are looked for. Not worth it where the map is shown smaller than it is: there
    /// looking at all of it costs more than interpolating at the pixels.
    skip_empty: bool,
}

impl Tiles {
    fn of(reached: [u32; 4], map_from_viewport: &DAffine2) -> Self {
        let [_, _, width, height] = reached;
        let (across, down) = (width.div_ceil(TILE_PX), height.div_ceil(TILE_PX));
        let step = map_from_viewport.matrix2;
        let enlarged = step.x_axis.length() <= 1.0 && step.y_axis.length() <= 1.0;
        if enlarged && across.saturating_mul(down) <= MOST_TILES {
            return Self {
                reached,
                side: TILE_PX,
                across,
                down,
                skip_empty: true,
            };
        }
        Self::whole(reached)
    }

    /// One tile that holds all.
    const fn whole(reached: [u32; 4]) -> Self {
        let [_, _, width, height] = reached;
        Self {
            reached,
            side: if width > height { width } else { height },
            across: 1,
            down: 1,
            skip_empty: false,
        }
    }

    const fn count(self) -> u32 {
        self.across * self.down
    }
}

impl OverlayPass {
    pub(super) fn new(gpu: &GpuContext) -> Result<Self, GpuError> {
        let module = shader::module(&gpu.device, "overlay.wgsl")?;
        gpu.checked(0, || {
            let layout = |label, entries: &[wgpu::BindGroupLayoutEntry]| {
                gpu.device
                    .create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
                        label: Some(label),
                        entries,
                    })
            };
            let pixels = wgpu::BindingType::Texture {
                sample_type: wgpu::TextureSampleType::Float { filterable: false },
                view_dimension: wgpu::TextureViewDimension::D2,
                multisampled: false,
            };
            let all = wgpu::ShaderStages::VERTEX_FRAGMENT | wgpu::ShaderStages::COMPUTE;
            let map_entries = [entry_of(all, 0, UNIFORM), entry_of(all, 1, STORAGE)];
            let map_layout = layout("map", &map_entries);
            let written = buffer_of(wgpu::BufferBindingType::Storage { read_only: false });
            let marks_entry = entry_of(wgpu::ShaderStages::COMPUTE, 0, written);
            let marks_layout = layout("marks", &[marks_entry]);
            let shown_entry = entry_of(wgpu::ShaderStages::VERTEX, 0, STORAGE);
            let shown_layout = layout("shown", &[shown_entry]);
            let pixels_layout = layout("probabilities", &[fragment_entry(0, pixels)]);
            let pipeline = |entry, constants: &[_], layouts: &[_], format, blend| {
                let pass = PassDescription {
                    shader: "overlay.wgsl",
                    vertex: "vs_tile",
                    entry,
                    constants,
                    layouts,
                    format,
                    blend,
                };
                pass_pipeline(&gpu.device, &module, &pass)
            };
            let tiles_layout = wgpu::PipelineLayoutDescriptor {
                label: Some("tiles"),
                bind_group_layouts: &[Some(&map_layout), Some(&marks_layout)],
                immediate_size: 0,
            };
            let tiles = gpu
                .device
                .create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                    label: Some("tiles"),
                    layout: Some(&gpu.device.create_pipeline_layout(&tiles_layout)),
                    module: &module,
                    entry_point: Some("cs_tiles"),
                    compilation_options: Default::default(),
                    cache: None,
                });
            let buffer = gpu.door.buffer(&wgpu::BufferDescriptor {
                label: Some("tiles"),
                size: u64::from(MOST_TILES) * 4,
                usage: wgpu::BufferUsages::STORAGE,
                mapped_at_creation: false,
            });
            let group = |layout| {
                gpu.door.group(&wgpu::BindGroupDescriptor {
                    label: Some("tiles"),
                    layout,
                    entries: &[wgpu::BindGroupEntry {
                        binding: 0,
                        resource: buffer.as_entire_binding(),
                    }],
                })
            };
            Self {
                tiles,
                probability: pipeline(
                    "fs_probability",
                    &[("AROUND", 1.0)],
                    &[Some(&map_layout), Some(&shown_layout)],
                    wgpu::TextureFormat::R32Float,
                    None,
                ),
                overlay: pipeline(
                    "fs_overlay",
                    &[],
                    &[Some(&map_layout), Some(&shown_layout), Some(&pixels_layout)],
                    TargetKind::Picture.format(),
                    Some(wgpu::BlendState::ALPHA_BLENDING),
                ),
                marks: group(&marks_layout),
                shown: group(&shown_layout),
                map_layout,
                pixels_layout,
                uniforms: uniform_buffer::<OverlayDraw>(gpu, "overlay"),
            }
        })
    }

    /// Writes the uniforms, binds the map in place and records the interpolation of its probabilities. Nothing of the
    /// map is copied. `None` when the map lies beside the viewport.
    pub(super) fn prepare(
        &self,
        gpu: &GpuContext,
        target: &Target,
        scene: &OverlayScene<'_>,
        encoder: &mut wgpu::CommandEncoder,
    ) -> Result<Option<PreparedOverlay>, GpuError> {
        let (binding, first) = map_binding(gpu, scene.buffer)?;
        let [rows, columns] = scene.buffer.shape;
        let reach = overlay::reach(&scene.style).min(MARGIN);
        let size = target.size();
        let Some(reached) = covered(&scene.map_from_viewport, [columns, rows], size, 1) else {
            return Ok(None);
        };
        let tiles = match scene.style.palette {
            // Every value may show.
            Some(_) => Tiles::whole(reached),
            None => Tiles::of(reached, &scene.map_from_viewport),
        };
        let data = overlay_draw(scene, first, reach, size, &tiles);
        gpu.door
            .upload_buffer(Cargo::Uniform, &self.uniforms, 0, bytemuck::bytes_of(&data))?;
        let probabilities = target.probabilities(MARGIN)?;
        let part = [binding.offset, binding.size.map_or(0, u64::from)];
        let of = (&self.uniforms, &scene.buffer.buffer, part);
        let groups = target.overlay_groups(of, || {
            let map = gpu.door.group(&wgpu::BindGroupDescriptor {
                label: Some("map"),
                layout: &self.map_layout,
                entries: &[
                    wgpu::BindGroupEntry {
                        binding: 0,
                        resource: self.uniforms.as_entire_binding(),
                    },
                    wgpu::BindGroupEntry {
                        binding: 1,
                        resource: wgpu::BindingResource::Buffer(binding),
                    },
                ],
            });
            let pixels = gpu.door.group(&wgpu::BindGroupDescriptor {
                label: Some("probabilities"),
                layout: &self.pixels_layout,
                entries: &[wgpu::BindGroupEntry {
                    binding: 0,
                    resource: wgpu::BindingResource::TextureView(probabilities),
                }],
            });
            [map, pixels]
        });
        if tiles.skip_empty {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                label: Some("tiles"),
                timestamp_writes: None,
            });
            pass.set_pipeline(&self.tiles);
            pass.set_bind_group(0, &groups.map, &[]);
            pass.set_bind_group(1, &self.marks, &[]);
            pass.dispatch_workgroups(tiles.across, tiles.down, 1);
        }
        // Pixels of tiles that are left out keep what an earlier picture put there: nobody reads them.
        let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
            label: Some("probabilities"),
            color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                view: probabilities,
                depth_slice: None,
                resolve_target: None,
                ops: wgpu::Operations {
                    load: wgpu::LoadOp::Load,
                    store: wgpu::StoreOp::Store,
                },
            })],
            ..Default::default()
        });
        let [x, y, width, height] = reached;
        // The texture is larger than the viewport by the margin, and the margin holds the reach.
        let (left, top) = (x + MARGIN - reach, y + MARGIN - reach);
        pass.set_scissor_rect(left, top, width + 2 * reach, height + 2 * reach);
        pass.set_pipeline(&self.probability);
        pass.set_bind_group(0, &groups.map, &[]);
        pass.set_bind_group(1, &self.shown, &[]);
        pass.draw(0..6, 0..tiles.count());
        drop(pass);
        Ok(Some(PreparedOverlay { groups, tiles }))
    }

    /// Paints the mask into a pass over the picture.
    pub(super) fn paint(&self, pass: &mut wgpu::RenderPass<'_>, prepared: &PreparedOverlay) {
        let [x, y, width, height] = prepared.tiles.reached;
        pass.set_scissor_rect(x, y, width, height);
        pass.set_pipeline(&self.overlay);
        pass.set_bind_group(0, &prepared.groups.map, &[]);
        pass.set_bind_group(1, &self.shown, &[]);
        pass.set_bind_group(2, &prepared.groups.pixels, &[]);
        pass.draw(0..6, 0..prepared.tiles.count());
    }
}

/// The part of the buffer to bind, and the index of the map's first element in it: the start of a binding is aligned,
/// what is left over goes into the index.
fn map_binding<'a>(
    gpu: &GpuContext,
    map: &'a SharedBuffer,
) -> Result<(wgpu::BufferBinding<'a>, u32), GpuError> {
    let [rows, columns] = map.shape;
    let limits = gpu.device.limits();
    let alignment = u64::from(limits.min_storage_buffer_offset_alignment.max(4));
    let lead = map.offset % alignment;
    let start = map.offset - lead;
    let bound = (rows as u64)
        .checked_mul(columns as u64)
        .and_then(|count| count.checked_mul(4))
        .filter(|bytes| *bytes > 0 && *bytes <= map.size && map.offset.is_multiple_of(4))
        .and_then(|bytes| bytes.checked_add(lead))
        .filter(|bound| *bound <= limits.max_storage_buffer_binding_size)
        .filter(|bound| {
            let end = start.checked_add(*bound);
            end.is_some_and(|end| end <= map.buffer.size())
        });
    match bound {
        Some(bound) if map.buffer.usage().contains(wgpu::BufferUsages::STORAGE) => Ok((
            wgpu::BufferBinding {
                buffer: &map.buffer,
                offset: start,
                size: wgpu::BufferSize::new(bound),
            },
            (lead / 4) as u32,
        )),
        _ => Err(GpuError::Mismatch("the mask does not fit its buffer")),
    }
}

fn overlay_draw(
    scene: &OverlayScene<'_>,
    first: u32,
    reach: u32,
    viewport: [u32; 2],
    tiles: &Tiles,
) -> OverlayDraw {
    let mut grid = PixelGrid::of(&overlay::lifted(&scene.map_from_viewport));
    for axis in 0..3 {
        grid.start[axis] -= (grid.step_x[axis] + grid.step_y[axis]) * i64::from(MARGIN);
    }
    let grid = GridHalves::from(grid);
    let style = &scene.style;
    let [r, g, b] = style.color;
    let [rows, columns] = scene.buffer.shape;
    OverlayDraw {
        start_hi: grid.start.0,
        start_lo: grid.start.1,
        step_x_hi: grid.step_x.0,
        step_x_lo: grid.step_x.1,
        step_y_hi: grid.step_y.0,
        step_y_lo: grid.step_y.1,
        color: [r, g, b, 1.0],
        // The binding is at most 2^32 bytes, so both numbers are small.
        columns: columns as u32,
        rows: rows as u32,
        first,
        reach,
        threshold: style.threshold,
        opacity: style.opacity,
        outline_px: style.outline_px,
        dashed: u32::from(style.dashed),
        margin: MARGIN,
        tile_px: tiles.side,
        tiles_across: tiles.across,
        skip_empty: u32::from(tiles.skip_empty),
        reached: tiles.reached,
        viewport_width: viewport[0],
        viewport_height: viewport[1],
        coloured: u32::from(style.palette.is_some()),
        spare: 0,
        stops: style.palette.map_or([[0.0; 4]; STOPS], MapPalette::stops),
    }
}

/// Where a map that covers a whole frame lies in the viewport. `frame` and `map` are rows and columns; the map is the
/// frame resampled from border to border.
pub fn map_from_viewport(view: &SliceView, frame: [usize; 2], map: [usize; 2]) -> DAffine2 {
    let voxel = plane_from_viewport(view);
    let ratio = |axis: usize| map[axis] as f64 / frame[axis].max(1) as f64;
    let scale = DVec2::new(ratio(1), ratio(0));
    // Index + 1/2 counts from the border of the first pixel.
    DAffine2 {
        matrix2: DMat2::from_diagonal(scale),
        translation: scale * 0.5 - 0.5,
    } * voxel
}

/// Probabilities that were computed on the CPU, brought to the GPU once. Counted as [`Cargo::Mask`].
///
/// # Errors
/// [`GpuError::Mismatch`] when there are not `rows * columns` values, or too many for one binding.
pub fn upload_probabilities(
    gpu: &GpuContext,
    [rows, columns]: [usize; 2],
    values: &[f32],
) -> Result<SharedBuffer, GpuError> {
    let bytes: &[u8] = bytemuck::cast_slice(values);
    let size = bytes.len() as u64;
    if values.is_empty()
        || rows.checked_mul(columns) != Some(values.len())
        || size > gpu.device.limits().max_storage_buffer_binding_size
    {
        return Err(GpuError::Mismatch("the mask does not fit a buffer"));
    }
    let buffer = gpu.door.new_buffer(
        Cargo::Mask,
        "probabilities",
        wgpu::BufferUsages::STORAGE,
        bytes,
    )?;
    Ok(SharedBuffer::new(
        buffer,
        0,
        size,
        [rows, columns],
        Box::new(()),
    ))
}
