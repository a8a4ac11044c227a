//! Random walks to strokes on the device: `shaders/walker.wgsl`, whose twin `imaging::segment::walker` solves the same system in
//! `f64`; labels differ only where two are as probable as each other to a few millionths.
//!
//! The weights of the system are the twin's. Of the answer nothing is read back on the way but whether it is there, four bytes a
//! round of passes. Waits for the device: not for the UI thread.

use super::forest::{Spread, bound, pipeline};
use crate::{
    gpu::{Cargo, GpuContext, GpuError, shader},
    imaging::segment::walker::{System, Walk},
    task::CancelToken,
};

/// What the pass is told; names as in `shaders/walker.wgsl`.
pub mod gpu_data {
    use bytemuck::{Pod, Zeroable};

    /// `WalkDraw` of the shader.
    #[repr(C)]
    #[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
    pub struct WalkDraw {
        /// Columns of the grid.
        pub columns: u32,
        /// Rows.
        pub rows: u32,
        /// Voxels.
        pub count: u32,
        /// Groups that they take.
        pub groups: u32,
        /// The label.
        pub label: u32,
        /// 1 for the first label.
        pub first: u32,
        /// 1 for the last label, which gets what the others have left.
        pub last: u32,
        /// Residual at which solving ends, relative to the right-hand side.
        pub tolerance: f32,
    }
}

/// Rounds of solving between two looks whether it is solved.
const ROUNDS: usize = 32;
/// Voxels of a group of the shader.
const GROUP: usize = 256;
/// Groups along an axis that every device takes.
const MOST_GROUPS: usize = 65535;
/// Bytes of a voxel in the largest buffer.
const BYTES: u64 = 16;
/// Voxels beyond which an adapter that computes on the CPU is slower than the twin.
const SOFTWARE_MOST: usize = 1 << 12;
/// The cost of what no stroke reaches.
const NEVER: u32 = u32::MAX;

/// The passes, in the order of [`ENTRIES`].
const ENTRIES: [&str; 8] = [
    "cs_begin",
    "cs_start",
    "cs_times",
    "cs_length",
    "cs_step",
    "cs_turn",
    "cs_follow",
    "cs_name",
];
/// Those of one round.
const ROUND: std::ops::Range<usize> = 2..7;
/// The last one.
const NAME: usize = 7;

/// The largest number of voxels that a device takes.
pub fn most_voxels(gpu: &GpuContext) -> u64 {
    let limits = gpu.device.limits();
    let bytes = limits
        .max_storage_buffer_binding_size
        .min(limits.max_buffer_size);
    (bytes / BYTES).min((MOST_GROUPS * GROUP) as u64)
}

/// Whether a device is the place for so many voxels: it takes them, and the adapter does not compute on the CPU, which the twin
/// does faster, but for what is small.
pub fn suits(gpu: &GpuContext, voxels: usize) -> bool {
    let small = !gpu.is_software() || voxels <= SOFTWARE_MOST;
    small && voxels > 0 && voxels as u64 <= most_voxels(gpu)
}

/// Labels of all voxels, 0 where no stroke reaches, as `imaging::segment::walker::random_walker` has them; the answer stays on the
/// device. `None` once cancelled.
///
/// # Errors
/// [`GpuError::MaskTooLarge`] where the device cannot hold it, and those of a device that is lost.
pub fn walk_there(
    gpu: &GpuContext,
    system: &System<'_>,
    walk: Walk,
    cancel: &CancelToken,
) -> Result<Option<Spread>, GpuError> {
    let seeds = system.seeds();
    let (count, most) = (seeds.len() as u64, most_voxels(gpu));
    if count > most {
        let (bytes, limit) = (BYTES * count, BYTES * most);
        return Err(GpuError::MaskTooLarge { bytes, limit });
    }
    let work = Work::new(gpu, system)?;
    let names = system.names();
    for (index, &label) in names.iter().enumerate() {
        let last = index + 1 == names.len();
        let [columns, rows, _] = system.size();
        let draw = gpu_data::WalkDraw {
            columns: columns as u32,
            rows: rows as u32,
            count: count as u32,
            groups: work.groups,
            label: u32::from(label),
            first: u32::from(index == 0),
            last: u32::from(last),
            tolerance: walk.tolerance as f32,
        };
        let group = work.bound(gpu, &draw)?;
        work.passes(gpu, &group, [0, 1])?;
        // The probabilities of all labels add up to 1, so the last one needs no solving.
        let rounds = if last { 0 } else { walk.rounds };
        for _ in 0..rounds.div_ceil(ROUNDS) {
            if cancel.is_cancelled() {
                return Ok(None);
            }
            work.passes(gpu, &group, (0..ROUNDS).flat_map(|_| ROUND))?;
            let done = gpu.door.read_buffer(Cargo::Uniform, &work.scalars, 0, 4)?;
            if done.iter().any(|&byte| byte != 0) {
                break;
            }
        }
        work.passes(gpu, &group, [NAME])?;
    }
    if cancel.is_cancelled() {
        return Ok(None);
    }
    Ok(Some(Spread::of(work.keys, system.size())))
}

/// Buffers and pipelines of one system.
struct Work {
    groups: u32,
    system: wgpu::Buffer,
    keys: wgpu::Buffer,
    /// Probabilities, residual, direction, its image, and sums of groups.
    others: [wgpu::Buffer; 5],
    scalars: wgpu::Buffer,
    layout: wgpu::BindGroupLayout,
    pipelines: [wgpu::ComputePipeline; 8],
}

impl Work {
    fn new(gpu: &GpuContext, system: &System<'_>) -> Result<Self, GpuError> {
        use wgpu::BufferUsages as Usage;
        let rows = system.rows();
        let count = rows.len();
        let groups = count.div_ceil(GROUP);
        let keys: Vec<[u32; 2]> = system
            .seeds()
            .iter()
            .zip(&rows)
            .map(|(&seed, &[.., degree])| match (seed, degree > 0.0) {
                (0, false) => [NEVER, NEVER],
                // Not yet named.
                (0, true) => [0, 0],
                (seed, _) => [0, u32::from(seed)],
            })
            .collect();
        let storage = Usage::STORAGE | Usage::COPY_DST | Usage::COPY_SRC;
        let made = |cargo, name, bytes: &[u8]| gpu.door.new_buffer(cargo, name, storage, bytes);
        let system = made(Cargo::Mask, "walker system", bytemuck::cast_slice(&rows))?;
        let keys = made(Cargo::Mask, "walker keys", bytemuck::cast_slice(&keys))?;
        let scalars = made(Cargo::Uniform, "walker scalars", &[0; 20])?;
        let (voxels, sums) = (4 * count as u64, 8 * groups as u64);
        let sizes = [2 * voxels, voxels, voxels, voxels, sums];
        let module = shader::module(&gpu.device, "walker.wgsl")?;
        gpu.checked(sizes.iter().sum(), || {
            let others = sizes.map(|size| {
                gpu.door.buffer(&wgpu::BufferDescriptor {
                    label: Some("walker"),
                    size,
                    usage: storage,
                    mapped_at_creation: false,
                })
            });
            let mut writes = [true; 8];
            writes[0] = false;
            let layout = shader::compute_layout(&gpu.device, "walker", &writes);
            let pipelines = ENTRIES.map(|entry| pipeline(gpu, &module, &layout, entry));
            Self {
                groups: groups as u32,
                system,
                keys,
                others,
                scalars,
                layout,
                pipelines,
            }
        })
    }

    /// All buffers, with what one label is told.
    fn bound(
        &self,
        gpu: &GpuContext,
        draw: &gpu_data::WalkDraw,
    ) -> Result<wgpu::BindGroup, GpuError> {
        let usage = wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST;
        let bytes = bytemuck::bytes_of(draw);
        let draw = gpu
            .door
            .new_buffer(Cargo::Uniform, "walker", usage, bytes)?;
        let mut buffers = vec![&draw, &self.system, &self.keys];
        buffers.extend(&self.others);
        buffers.push(&self.scalars);
        gpu.checked(0, || bound(gpu, &self.layout, &buffers))
    }

    /// Passes by their places among the entries.
    fn passes(
        &self,
        gpu: &GpuContext,
        group: &wgpu::BindGroup,
        which: impl IntoIterator<Item = usize>,
    ) -> Result<(), GpuError> {
        gpu.checked(0, || {
            let mut encoder = gpu.device.create_command_encoder(&Default::default());
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                label: Some("walker"),
                timestamp_writes: None,
            });
            pass.set_bind_group(0, group, &[]);
            for at in which {
                let (Some(pipeline), Some(entry)) = (self.pipelines.get(at), ENTRIES.get(at))
                else {
                    continue;
                };
                // One group takes the sums of all.
                let alone = ["cs_start", "cs_length", "cs_turn"].contains(entry);
                pass.set_pipeline(pipeline);
                pass.dispatch_workgroups(if alone { 1 } else { self.groups }, 1, 1);
            }
            drop(pass);
            gpu.door.submit(encoder.finish());
        })
    }
}
