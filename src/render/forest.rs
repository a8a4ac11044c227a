//! Grow-cut, geodesic growing and watershed on the device: `shaders/forest_spread.wgsl`, whose twin
//! `imaging::segment::forest` comes to the same labels, bit for bit.
//!
//! Each pass takes every voxel one step further; the work ends when a round of passes has changed nothing. Only that is read
//! back on the way, four bytes a round. Waits for the device: not for the UI thread.

use crate::{
    gpu::{Cargo, GpuContext, GpuError, shader},
    imaging::segment::forest::{Costs, Ground, LEVELS, WALL},
    task::CancelToken,
};

/// What the pass is told; names as in `shaders/forest_spread.wgsl`.
pub mod gpu_data {
    use bytemuck::{Pod, Zeroable};

    /// `ForestDraw` of the shader.
    #[repr(C)]
    #[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
    pub struct ForestDraw {
        /// Columns of the grid.
        pub columns: u32,
        /// Rows.
        pub rows: u32,
        /// Slices.
        pub slices: u32,
        /// 1 for [`super::Costs::Highest`], else 0.
        pub highest: u32,
    }
}

/// Passes between two looks whether anything changes.
const ROUND: usize = 16;
/// Workgroups along an axis that every device takes.
const MOST_GROUPS: u32 = 65535;
/// Invocations of a workgroup along a row.
const GROUP: u32 = 64;
/// The cost of what no seed has reached.
const NEVER: u32 = u32::MAX;

/// The largest number of voxels that a device takes: what is known of all of them is one binding.
pub fn most_voxels(gpu: &GpuContext) -> u64 {
    let limits = gpu.device.limits();
    let bytes = limits
        .max_storage_buffer_binding_size
        .min(limits.max_buffer_size);
    bytes / 8
}

/// Labels spread from seeds over the ground, as `imaging::segment::forest::spread` does it. `None` once cancelled, or where there
/// are not as many seeds as voxels.
///
/// # Errors
/// [`GpuError::MaskTooLarge`] where the device cannot hold it, and those of a device that is lost.
pub fn spread(
    gpu: &GpuContext,
    ground: &Ground,
    seeds: &[u16],
    costs: &Costs,
    cancel: &CancelToken,
) -> Result<Option<Vec<u16>>, GpuError> {
    let [columns, rows, slices] = ground.size();
    let count = ground.levels().len();
    if seeds.len() != count || count == 0 {
        return Ok(None);
    }
    let (bytes, limit) = (8 * count as u64, 8 * most_voxels(gpu));
    if bytes > limit {
        return Err(GpuError::MaskTooLarge { bytes, limit });
    }
    let highest = matches!(costs, Costs::Highest);
    let level = |at: usize| u32::from(ground.levels().get(at).copied().unwrap_or(WALL));
    let keys: Vec<[u32; 2]> = seeds
        .iter()
        .enumerate()
        .map(|(at, &seed)| match (seed, highest) {
            (0, _) => [NEVER, NEVER],
            (_, true) => [0, level(at) << 16 | u32::from(seed)],
            (_, false) => [0, u32::from(seed)],
        })
        .collect();
    let levels: Vec<u32> = ground
        .levels()
        .chunks(2)
        .map(|pair| {
            let of = |i: usize| u32::from(pair.get(i).copied().unwrap_or(WALL));
            of(0) | of(1) << 16
        })
        .collect();
    let table: Vec<u32> = match costs {
        Costs::Sum(tables) => tables
            .iter()
            .flat_map(|axis| {
                axis.iter()
                    .copied()
                    .chain(std::iter::repeat(1))
                    .take(LEVELS)
            })
            .collect(),
        Costs::Highest => vec![0; LEVELS],
    };
    let draw = gpu_data::ForestDraw {
        columns: columns as u32,
        rows: rows as u32,
        slices: slices as u32,
        highest: u32::from(highest),
    };
    let work = Work::new(gpu, &draw, &keys, &levels, &table)?;
    let groups = {
        let lines = (rows * slices) as u32;
        let layers = lines.div_ceil(MOST_GROUPS);
        [
            (columns as u32).div_ceil(GROUP),
            lines.div_ceil(layers),
            layers,
        ]
    };
    // Sums settle costs and labels at once; where the highest level counts, labels follow.
    for pipeline in work.pipelines.iter().take(if highest { 2 } else { 1 }) {
        // A path visits no voxel twice, so there is an end, whatever the device says.
        for _ in 0..count.div_ceil(ROUND) + 1 {
            if cancel.is_cancelled() {
                return Ok(None);
            }
            if !work.round(gpu, pipeline, groups)? {
                break;
            }
        }
    }
    let bytes = gpu
        .door
        .read_buffer(Cargo::Mask, &work.keys[0], 0, 8 * count as u64)?;
    let labels = bytes.chunks_exact(8).map(|key| match key {
        [0xff, 0xff, 0xff, 0xff, ..] => 0,
        [_, _, _, _, low, high, ..] => u16::from_le_bytes([*low, *high]),
        _ => 0,
    });
    Ok(Some(labels.collect()))
}

/// Buffers, bindings and the pipeline of one spreading.
struct Work {
    keys: [wgpu::Buffer; 2],
    changed: wgpu::Buffer,
    groups: [wgpu::BindGroup; 2],
    pipelines: [wgpu::ComputePipeline; 2],
}

impl Work {
    fn new(
        gpu: &GpuContext,
        draw: &gpu_data::ForestDraw,
        keys: &[[u32; 2]],
        levels: &[u32],
        table: &[u32],
    ) -> Result<Self, GpuError> {
        use wgpu::BufferUsages as Usage;
        let storage = Usage::STORAGE | Usage::COPY_DST | Usage::COPY_SRC;
        let made = |cargo, name, bytes: &[u8]| gpu.door.new_buffer(cargo, name, storage, bytes);
        let uniform = Usage::UNIFORM | Usage::COPY_DST;
        let draw =
            gpu.door
                .new_buffer(Cargo::Uniform, "forest", uniform, bytemuck::bytes_of(draw))?;
        let levels = made(Cargo::Mask, "forest levels", bytemuck::cast_slice(levels))?;
        let table = made(Cargo::Lut, "forest costs", bytemuck::cast_slice(table))?;
        let changed = made(Cargo::Uniform, "forest changed", &[0; 4])?;
        let first = made(Cargo::Mask, "forest keys", bytemuck::cast_slice(keys))?;
        let size = first.size();
        let second = gpu.checked(size, || {
            gpu.door.buffer(&wgpu::BufferDescriptor {
                label: Some("forest keys"),
                size,
                usage: storage,
                mapped_at_creation: false,
            })
        })?;
        let keys = [first, second];
        let module = shader::module(&gpu.device, "forest_spread.wgsl")?;
        gpu.checked(0, || {
            let layout =
                shader::compute_layout(&gpu.device, "forest", &[false, false, false, true, true]);
            let group = |from: usize| {
                let buffers = [
                    &draw,
                    &levels,
                    &table,
                    &keys[from],
                    &keys[1 - from],
                    &changed,
                ];
                let entries: Vec<wgpu::BindGroupEntry<'_>> = buffers
                    .into_iter()
                    .enumerate()
                    .map(|(binding, buffer)| wgpu::BindGroupEntry {
                        binding: binding as u32,
                        resource: buffer.as_entire_binding(),
                    })
                    .collect();
                gpu.door.group(&wgpu::BindGroupDescriptor {
                    label: Some("forest"),
                    layout: &layout,
                    entries: &entries,
                })
            };
            let groups = [group(0), group(1)];
            let pipeline_layout =
                gpu.device
                    .create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
                        label: Some("forest"),
                        bind_group_layouts: &[Some(&layout)],
                        immediate_size: 0,
                    });
            let pipelines = ["cs_spread", "cs_name"].map(|entry| {
                gpu.device
                    .create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                        label: Some(entry),
                        layout: Some(&pipeline_layout),
                        module: &module,
                        entry_point: Some(entry),
                        compilation_options: Default::default(),
                        cache: None,
                    })
            });
            (groups, pipelines)
        })
        .map(|(groups, pipelines)| Self {
            keys,
            changed,
            groups,
            pipelines,
        })
    }

    /// Some passes, an even number, so that the keys are where they were; whether they changed anything.
    fn round(
        &self,
        gpu: &GpuContext,
        pipeline: &wgpu::ComputePipeline,
        size: [u32; 3],
    ) -> Result<bool, GpuError> {
        gpu.door
            .upload_buffer(Cargo::Uniform, &self.changed, 0, &[0; 4])?;
        gpu.checked(0, || {
            let mut encoder = gpu.device.create_command_encoder(&Default::default());
            for pass in 0..ROUND {
                let mut pass_encoder = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                    label: Some("forest"),
                    timestamp_writes: None,
                });
                pass_encoder.set_pipeline(pipeline);
                pass_encoder.set_bind_group(0, &self.groups[pass % 2], &[]);
                pass_encoder.dispatch_workgroups(size[0], size[1], size[2]);
            }
            gpu.door.submit(encoder.finish());
        })?;
        let flag = gpu.door.read_buffer(Cargo::Uniform, &self.changed, 0, 4)?;
        Ok(flag.iter().any(|&byte| byte != 0))
    }
}
