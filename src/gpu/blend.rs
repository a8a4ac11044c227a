//! The compute passes that turn the answers of a network, window by window, into a packed mask: what overlaps is
//! averaged with weights, the class is decided, and the byte goes to its place. Nothing leaves the device.
//!
//! Must stay true: sums are whole numbers, so they do not depend on the order in which windows come; its twin on the
//! CPU is `ai/sliding/blend.rs`, bit for bit.

use super::{
    context::GpuContext,
    door::Cargo,
    error::GpuError,
    mask::{MaskBits, MaskVolume},
    shader,
};
use gpu_data::BlendDraw;

/// What the pass is told; names as in `shaders/blend_window.wgsl`.
pub mod gpu_data {
    use bytemuck::{Pod, Zeroable};

    /// `BlendDraw` of the shader.
    #[repr(C)]
    #[derive(Clone, Copy, Debug, Pod, Zeroable)]
    pub struct BlendDraw {
        /// First column, row and slice of the part within its window, and how many classes.
        pub in_window: [u32; 4],
        /// Columns, rows and slices of the window, and the index of its first answer in the binding.
        pub window: [u32; 4],
        /// Columns, rows and slices of the part, and how its answers become bytes: see [`super::Decision`].
        pub part: [u32; 4],
        /// First column, row and slice of the part within its cell, and how many positions the cell has.
        pub in_cell: [u32; 4],
        /// Columns, rows and slices of the cell.
        pub cell: [u32; 4],
        /// First column, row and slice of the part within the mask.
        pub in_mask: [u32; 4],
        /// Words of a row of the mask, its rows, and nothing twice.
        pub mask: [u32; 4],
        /// From one answer to the next along columns, rows, slices and classes.
        pub strides: [u32; 4],
        /// The byte of each class, four a word.
        pub values: [[u32; 4]; 16],
    }
}

/// How sums become a byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Decision {
    /// The class with the largest sum; of equal ones the first.
    Largest = 0,
    /// The last class whose logit is not below zero; 0 where there is none.
    Last = 1,
    /// The probability of the only class, 0 to 255.
    Probability = 2,
}

/// Answers of a network in a buffer of the device, for one window.
#[derive(Clone, Copy, Debug)]
pub struct Answers<'a> {
    /// 32-bit floats.
    pub buffer: &'a wgpu::Buffer,
    /// Byte offset of the first one.
    pub offset: u64,
    /// Bytes from there on.
    pub size: u64,
    /// From one answer to the next along classes, slices, rows and columns, in numbers.
    pub strides: [usize; 4],
}

/// Sums of a cell on the device: for each class and then for the weights as many 32-bit integers as there are
/// positions.
#[derive(Debug)]
pub struct Sums {
    buffer: wgpu::Buffer,
    bytes: u64,
}

impl Sums {
    /// Bytes that it takes.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// A part of a window, all positions as `[slice, row, column]`.
#[derive(Clone, Copy, Debug)]
pub struct WindowPart {
    /// How many positions.
    pub size: [usize; 3],
    /// Where it begins in its window.
    pub in_window: [usize; 3],
    /// Where it begins in its cell.
    pub in_cell: [usize; 3],
    /// The cell's size.
    pub cell: [usize; 3],
    /// Where it begins in the mask.
    pub in_mask: [usize; 3],
}

/// The pipelines, and what all windows of one job share.
#[derive(Debug)]
pub struct BlendPass {
    gpu: GpuContext,
    layout: wgpu::BindGroupLayout,
    pipeline: wgpu::ComputePipeline,
    weights: wgpu::Buffer,
    window: [usize; 3],
    classes: usize,
    decision: Decision,
    values: [[u32; 4]; 16],
    /// Sums of cells that are done, to be used again.
    spare: Vec<Sums>,
}

const STORAGE: fn(bool) -> wgpu::BindingType = |read_only| wgpu::BindingType::Buffer {
    ty: wgpu::BufferBindingType::Storage { read_only },
    has_dynamic_offset: false,
    min_binding_size: None,
};

impl BlendPass {
    /// Compiles the pass and brings the weights of a window's positions (`[slice, row, column]`, as many as it has) to
    /// the device. `values` is the byte of each class.
    ///
    /// # Errors
    /// [`GpuError::Mismatch`] when the numbers do not fit each other, [`GpuError::Refused`], [`GpuError::OutOfMemory`].
    pub fn new(
        gpu: &GpuContext,
        window: [usize; 3],
        weights: &[u32],
        values: &[u8],
        decision: Decision,
    ) -> Result<Self, GpuError> {
        if weights.len() != window.iter().product::<usize>() || values.len() > 256 {
            return Err(GpuError::Mismatch("the weights do not fit the window"));
        }
        let module = shader::module(&gpu.device, "blend_window.wgsl")?;
        let (layout, pipeline) = gpu.checked(0, || {
            let entry = |binding, ty| wgpu::BindGroupLayoutEntry {
                binding,
                visibility: wgpu::ShaderStages::COMPUTE,
                ty,
                count: None,
            };
            let uniform = wgpu::BindingType::Buffer {
                ty: wgpu::BufferBindingType::Uniform,
                has_dynamic_offset: false,
                min_binding_size: None,
            };
            let layout = gpu
                .device
                .create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
                    label: Some("blend"),
                    entries: &[
                        entry(0, uniform),
                        entry(1, STORAGE(true)),
                        entry(2, STORAGE(true)),
                        entry(3, STORAGE(false)),
                        entry(4, STORAGE(false)),
                    ],
                });
            let pipeline = compute(gpu, &module, "cs_blend", &layout);
            (layout, pipeline)
        })?;
        let weights = gpu.door.new_buffer(
            Cargo::ModelState,
            "weights of a window",
            wgpu::BufferUsages::STORAGE,
            bytemuck::cast_slice(weights),
        )?;
        let mut packed = [[0u32; 4]; 16];
        for (index, value) in values.iter().enumerate() {
            packed[index / 16][index / 4 % 4] |= u32::from(*value) << (8 * (index % 4));
        }
        Ok(Self {
            gpu: gpu.clone(),
            layout,
            pipeline,
            weights,
            window,
            classes: values.len(),
            decision,
            values: packed,
            spare: Vec::new(),
        })
    }

    /// Zeroed sums for a cell.
    ///
    /// # Errors
    /// [`GpuError::OutOfMemory`].
    pub fn sums(&mut self, positions: usize) -> Result<Sums, GpuError> {
        let bytes = 4 * positions as u64 * (self.classes as u64 + 1);
        let fits = self.spare.iter().position(|s| s.bytes == bytes);
        if let Some(found) = fits.map(|index| self.spare.swap_remove(index)) {
            let mut encoder = self.gpu.device.create_command_encoder(&Default::default());
            encoder.clear_buffer(&found.buffer, 0, None);
            self.gpu.door.submit(encoder.finish());
            return Ok(found);
        }
        let buffer = self.gpu.checked(bytes, || {
            self.gpu.door.buffer(&wgpu::BufferDescriptor {
                label: Some("sums"),
                size: bytes.max(4),
                usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            })
        })?;
        Ok(Sums { buffer, bytes })
    }

    /// Takes the sums of a finished cell back.
    pub fn give_back(&mut self, sums: Sums) {
        // A few of each size are enough; the others are let go.
        if self.spare.len() < 32 {
            self.spare.push(sums);
        }
    }

    /// Adds the answers of a part of a window to its sums, and writes what the sums say now into the mask, which has
    /// eight bits a voxel. Submitted before this returns.
    ///
    /// # Errors
    /// [`GpuError::Mismatch`] when something does not fit.
    pub fn add(
        &self,
        answers: &Answers<'_>,
        parts: &[(WindowPart, &Sums)],
        mask: &MaskVolume,
    ) -> Result<(), GpuError> {
        if mask.bits() != MaskBits::Eight {
            return Err(GpuError::Mismatch("windows are blended into bytes"));
        }
        let limits = self.gpu.device.limits();
        let alignment = u64::from(limits.min_storage_buffer_offset_alignment.max(4));
        let lead = answers.offset % alignment;
        let bound = answers.size + lead;
        if bound > limits.max_storage_buffer_binding_size || !answers.offset.is_multiple_of(4) {
            return Err(GpuError::Mismatch("the answers do not fit a binding"));
        }
        let mut encoder = self.gpu.device.create_command_encoder(&Default::default());
        for (part, sums) in parts {
            let data = self.draw_of(part, lead / 4, answers, mask)?;
            let uniforms = self.gpu.door.new_buffer(
                Cargo::Uniform,
                "blend",
                wgpu::BufferUsages::UNIFORM,
                bytemuck::bytes_of(&data),
            )?;
            let entry = |binding, resource| wgpu::BindGroupEntry { binding, resource };
            let group = self.gpu.door.group(&wgpu::BindGroupDescriptor {
                label: Some("blend"),
                layout: &self.layout,
                entries: &[
                    entry(0, uniforms.as_entire_binding()),
                    entry(
                        1,
                        wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                            buffer: answers.buffer,
                            offset: answers.offset - lead,
                            size: wgpu::BufferSize::new(bound),
                        }),
                    ),
                    entry(2, self.weights.as_entire_binding()),
                    entry(3, sums.buffer.as_entire_binding()),
                    entry(4, mask.buffer().as_entire_binding()),
                ],
            });
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                label: Some("blend"),
                timestamp_writes: None,
            });
            pass.set_pipeline(&self.pipeline);
            pass.set_bind_group(0, &group, &[]);
            // A word of the mask for each invocation: a part may begin and end within one.
            let [slices, rows, columns] = part.size.map(|n| n as u32);
            let first = part.in_mask[2] as u32 % 4;
            let words = (first + columns).div_ceil(4);
            pass.dispatch_workgroups(words.div_ceil(8), rows.div_ceil(8), slices);
        }
        self.gpu.door.submit(encoder.finish());
        Ok(())
    }

    fn draw_of(
        &self,
        part: &WindowPart,
        first: u64,
        answers: &Answers<'_>,
        mask: &MaskVolume,
    ) -> Result<BlendDraw, GpuError> {
        let within = |start: [usize; 3], size: [usize; 3]| {
            (0..3).all(|axis| start[axis] + part.size[axis] <= size[axis])
        };
        let [columns, rows, slices] = mask.size();
        let last: u64 = answers
            .strides
            .iter()
            .zip([self.classes, self.window[0], self.window[1], self.window[2]])
            .map(|(stride, count)| *stride as u64 * (count as u64 - 1))
            .sum();
        if !within(part.in_window, self.window)
            || !within(part.in_cell, part.cell)
            || !within(part.in_mask, [slices, rows, columns])
            || (last + 1) * 4 > answers.size
        {
            return Err(GpuError::Mismatch("a part of a window lies outside"));
        }
        let turned =
            |[z, y, x]: [usize; 3], more: usize| [x as u32, y as u32, z as u32, more as u32];
        let [by_class, by_slice, by_row, by_column] = answers.strides;
        Ok(BlendDraw {
            in_window: turned(part.in_window, self.classes),
            window: turned(self.window, first as usize),
            part: turned(part.size, self.decision as usize),
            in_cell: turned(part.in_cell, part.cell.iter().product()),
            cell: turned(part.cell, 0),
            in_mask: turned(part.in_mask, 0),
            mask: [mask.words_a_row() as u32, rows as u32, 0, 0],
            strides: [by_column, by_row, by_slice, by_class].map(|n| n as u32),
            values: self.values,
        })
    }
}

/// A compute pipeline of one group.
pub(super) fn compute(
    gpu: &GpuContext,
    module: &wgpu::ShaderModule,
    entry: &str,
    layout: &wgpu::BindGroupLayout,
) -> wgpu::ComputePipeline {
    let layout = gpu
        .device
        .create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some(entry),
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
