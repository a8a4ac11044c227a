//! Grow-cut, geodesic growing and watershed on the device: `shaders/forest_spread.wgsl`, whose twin
//! `imaging::segment::forest` comes to the same labels, bit for bit.
//!
//! Each pass settles the tiles that changed, or lie beside one that did; the work ends when a round of passes has changed nothing.
//! Only that is read back on the way, four bytes a round: what is drawn of the answer is made of it on the device. Waits for the
//! device: not for the UI thread.

use crate::{
    gpu::{Cargo, GpuContext, GpuError, MaskBits, MaskVolume, shader},
    imaging::segment::{
        Bits,
        forest::{Costs, Ground, LEVELS, WALL},
    },
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

    /// `MaskDraw` of `shaders/forest_mask.wgsl`.
    #[repr(C)]
    #[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
    pub struct MaskDraw {
        /// Columns of the grid.
        pub columns: u32,
        /// Rows of all slices.
        pub rows: u32,
        /// The label.
        pub label: u32,
        /// 1 where only some voxels are allowed.
        pub limited: u32,
    }
}

/// Passes between two looks whether anything changes.
const ROUND: usize = 8;
/// Workgroups along an axis that every device takes.
const MOST_GROUPS: u32 = 65535;
/// Voxels of a tile: what a workgroup of the shader looks at.
const TILE: [u32; 3] = [8, 8, 4];
/// Voxels beyond which an adapter that computes on the CPU is slower than the twin.
const SOFTWARE_MOST: usize = 1 << 18;
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

/// Whether a device is the place for a grid of so many voxels: there is room in a binding, and the adapter does not compute on the
/// CPU, which the twin does faster, but for what is small.
pub fn suits(gpu: &GpuContext, voxels: usize) -> bool {
    let small = !gpu.is_software() || voxels <= SOFTWARE_MOST;
    small && voxels > 0 && voxels as u64 <= most_voxels(gpu)
}

/// What spread over a grid, on the device.
#[derive(Debug)]
pub struct Spread {
    keys: wgpu::Buffer,
    size: [usize; 3],
}

impl Spread {
    /// Of keys as `shaders/forest_mask.wgsl` reads them, two words a voxel.
    pub(super) const fn of(keys: wgpu::Buffer, size: [usize; 3]) -> Self {
        Self { keys, size }
    }

    /// The label of each voxel, 0 where no seed reached it. Waits for the device; counted as [`Cargo::Mask`].
    ///
    /// # Errors
    /// [`GpuError::ReadBack`].
    pub fn labels(&self, gpu: &GpuContext) -> Result<Vec<u16>, GpuError> {
        let count = self.size.iter().product::<usize>() as u64;
        let bytes = gpu
            .door
            .read_buffer(Cargo::Mask, &self.keys, 0, 8 * count)?;
        let labels = bytes.chunks_exact(8).map(|key| match key {
            [0xff, 0xff, 0xff, 0xff, ..] => 0,
            [_, _, _, _, low, high, ..] => u16::from_le_bytes([*low, *high]),
            _ => 0,
        });
        Ok(labels.collect())
    }

    /// One label as a mask on the device, of the voxels that are allowed (all where `None`), and how many those are. Of the answer
    /// nothing is read back but their number, four bytes.
    ///
    /// # Errors
    /// [`GpuError::Mismatch`] where `allowed` has another size, [`GpuError::OutOfMemory`], [`GpuError::ReadBack`].
    pub fn mask(
        &self,
        gpu: &GpuContext,
        label: u16,
        allowed: Option<&Bits>,
    ) -> Result<(MaskVolume, u64), GpuError> {
        use wgpu::BufferUsages as Usage;
        if allowed.is_some_and(|bits| bits.size() != self.size) {
            return Err(GpuError::Mismatch("what is allowed is of another size"));
        }
        let mask = MaskVolume::new(gpu, self.size, MaskBits::One)?;
        let rows = (self.size[1] * self.size[2]) as u32;
        let draw = gpu_data::MaskDraw {
            columns: self.size[0] as u32,
            rows,
            label: u32::from(label),
            limited: u32::from(allowed.is_some()),
        };
        let made = |cargo, name, usage, bytes: &[u8]| {
            gpu.door
                .new_buffer(cargo, name, usage | Usage::COPY_DST, bytes)
        };
        let draw = made(
            Cargo::Uniform,
            "forest mask",
            Usage::UNIFORM,
            bytemuck::bytes_of(&draw),
        )?;
        let words = match allowed {
            Some(bits) => packed(bits, mask.words_a_row()),
            None => vec![0],
        };
        let words = bytemuck::cast_slice(&words);
        let allowed = made(Cargo::Mask, "forest allowed", Usage::STORAGE, words)?;
        let counted = Usage::STORAGE | Usage::COPY_SRC;
        let count = made(Cargo::Uniform, "forest count", counted, &[0; 4])?;
        let module = shader::module(&gpu.device, "forest_mask.wgsl")?;
        gpu.checked(0, || {
            let layout =
                shader::compute_layout(&gpu.device, "forest mask", &[false, false, true, true]);
            let buffers = [&draw, &self.keys, &allowed, mask.buffer(), &count];
            let group = bound(gpu, &layout, &buffers);
            let pipeline = pipeline(gpu, &module, &layout, "cs_mask");
            let mut encoder = gpu.device.create_command_encoder(&Default::default());
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                label: Some("forest mask"),
                timestamp_writes: None,
            });
            pass.set_pipeline(&pipeline);
            pass.set_bind_group(0, &group, &[]);
            let across = (mask.words_a_row() as u32).div_ceil(8);
            let down = rows.div_ceil(8);
            let layers = down.div_ceil(MOST_GROUPS);
            pass.dispatch_workgroups(across, down.div_ceil(layers), layers);
            drop(pass);
            gpu.door.submit(encoder.finish());
        })?;
        let bytes = gpu.door.read_buffer(Cargo::Uniform, &count, 0, 4)?;
        let count = bytes.first_chunk().map_or(0, |b| u32::from_le_bytes(*b));
        Ok((mask, u64::from(count)))
    }
}

/// Rows of bits as words of 32, as a mask on the device has them.
fn packed(bits: &Bits, words: usize) -> Vec<u32> {
    let [_, rows, slices] = bits.size();
    let mut packed = vec![0u32; words * rows * slices];
    for (y, z, run) in bits.runs() {
        let start = (z * rows + y) * words;
        for x in run {
            if let Some(word) = packed.get_mut(start + x / 32) {
                *word |= 1 << (x % 32);
            }
        }
    }
    packed
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
    match spread_there(gpu, ground, seeds, costs, cancel)? {
        Some(found) => found.labels(gpu).map(Some),
        None => Ok(None),
    }
}

/// The same, and the answer stays on the device.
///
/// # Errors
/// Those of [`spread`].
pub fn spread_there(
    gpu: &GpuContext,
    ground: &Ground,
    seeds: &[u16],
    costs: &Costs,
    cancel: &CancelToken,
) -> Result<Option<Spread>, GpuError> {
    let [columns, rows, slices] = ground.size();
    let count = ground.levels().len();
    if seeds.len() != count || count == 0 {
        return Ok(None);
    }
    let (bytes, limit) = (8 * count as u64, 8 * most_voxels(gpu));
    let sides = [columns as u32, rows as u32, slices as u32];
    let groups: [u32; 3] = std::array::from_fn(|axis| sides[axis].div_ceil(TILE[axis]));
    if bytes > limit || groups.iter().any(|&n| n > MOST_GROUPS) {
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
    let tiles = groups.iter().map(|&n| n as usize).product();
    let work = Work::new(gpu, &draw, &keys, &levels, &table, tiles)?;
    // Sums settle costs and labels at once; where the highest level counts, labels follow.
    for pipeline in work.pipelines.iter().take(if highest { 2 } else { 1 }) {
        work.wake(gpu, tiles)?;
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
    let [keys, _] = work.keys;
    let size = ground.size();
    Ok(Some(Spread { keys, size }))
}

/// Buffers bound in their order.
pub(super) fn bound(
    gpu: &GpuContext,
    layout: &wgpu::BindGroupLayout,
    buffers: &[&wgpu::Buffer],
) -> wgpu::BindGroup {
    let entries: Vec<wgpu::BindGroupEntry<'_>> = (0..)
        .zip(buffers)
        .map(|(binding, buffer)| wgpu::BindGroupEntry {
            binding,
            resource: buffer.as_entire_binding(),
        })
        .collect();
    gpu.door.group(&wgpu::BindGroupDescriptor {
        label: Some("forest"),
        layout,
        entries: &entries,
    })
}

/// One entry of a module that computes.
pub(super) fn pipeline(
    gpu: &GpuContext,
    module: &wgpu::ShaderModule,
    layout: &wgpu::BindGroupLayout,
    entry: &str,
) -> wgpu::ComputePipeline {
    let layout = gpu
        .device
        .create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some("forest"),
            bind_group_layouts: &[Some(layout)],
            immediate_size: 0,
        });
    gpu.device
        .create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(entry),
            layout: Some(&layout),
            module,
            entry_point: Some(entry),
            compilation_options: Default::default(),
            cache: None,
        })
}

/// Buffers, bindings and the pipeline of one spreading.
struct Work {
    keys: [wgpu::Buffer; 2],
    changed: wgpu::Buffer,
    moved: [wgpu::Buffer; 2],
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
        tiles: usize,
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
        let still = vec![0u8; 4 * tiles];
        let moved = [
            made(Cargo::Mask, "forest moved", &still)?,
            made(Cargo::Mask, "forest moved", &still)?,
        ];
        let module = shader::module(&gpu.device, "forest_spread.wgsl")?;
        gpu.checked(0, || {
            let writes = [false, false, false, true, true, false, true];
            let layout = shader::compute_layout(&gpu.device, "forest", &writes);
            let group = |from: usize| {
                let buffers = [
                    &draw,
                    &levels,
                    &table,
                    &keys[from],
                    &keys[1 - from],
                    &changed,
                    &moved[from],
                    &moved[1 - from],
                ];
                bound(gpu, &layout, &buffers)
            };
            let groups = [group(0), group(1)];
            let pipelines =
                ["cs_spread", "cs_name"].map(|entry| pipeline(gpu, &module, &layout, entry));
            (groups, pipelines)
        })
        .map(|(groups, pipelines)| Self {
            keys,
            changed,
            moved,
            groups,
            pipelines,
        })
    }

    /// All tiles are looked at in the next pass.
    fn wake(&self, gpu: &GpuContext, tiles: usize) -> Result<(), GpuError> {
        let all = vec![1u32; tiles];
        let bytes = bytemuck::cast_slice(&all);
        gpu.door
            .upload_buffer(Cargo::Mask, &self.moved[0], 0, bytes)
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
