//! The answer of a network for one window as a mask on the grid of a volume: made on the device, where it is drawn from.
//!
//! Must stay true: the mask is that of the twin, `ai/sliding/prompted.rs`, voxel for voxel: which answer is nearest to a voxel comes
//! from there, and so does the logit at which a voxel is inside. Nothing of it is read back but how many voxels it has and the sum
//! of their probabilities, twelve bytes.

use super::{
    blend::{Answers, compute},
    context::GpuContext,
    door::Cargo,
    error::GpuError,
    mask::{MaskBits, MaskVolume},
    shader,
};
use gpu_data::AnswerDraw;

/// What the pass is told; names as in `shaders/answer_mask.wgsl`.
pub mod gpu_data {
    use bytemuck::{Pod, Zeroable};

    /// `AnswerDraw` of the shader.
    #[repr(C)]
    #[derive(Clone, Copy, Debug, Pod, Zeroable)]
    pub struct AnswerDraw {
        /// Columns of the mask, its rows in all slices, rows of a slice, and words of a row.
        pub size: [u32; 4],
        /// Index of the first answer in the binding, from one class to the other (0 where there is one), and nothing twice.
        pub answer: [u32; 4],
        /// The least logit that is inside.
        pub least: [f32; 4],
    }
}

/// What lies outside of the window.
const NONE: u32 = u32::MAX;
/// Steps of a probability that the shader tells apart.
const STEPS: f64 = 1_048_576.0;
/// Workgroups along an axis that every device takes.
const MOST_GROUPS: u32 = 65535;

/// Which answers become which voxels.
#[derive(Clone, Debug)]
pub struct AnswerPlace<'a> {
    /// For each column, row and slice of the mask how far its answer lies from the first one, in numbers; `None` outside of the
    /// window.
    pub nearest: [&'a [Option<usize>]; 3],
    /// From the answer of the class that is not meant to that of the one that is, in numbers; `None` where there is one alone.
    pub other: Option<usize>,
    /// The least logit, or the least difference of both, that is inside.
    pub least: f32,
}

/// A mask that was made of answers.
#[derive(Clone, Debug)]
pub struct AnswerMask {
    /// One bit a voxel.
    pub mask: MaskVolume,
    /// How many are set.
    pub voxels: u64,
    /// Mean probability of them; 0 where there are none.
    pub mean: f64,
}

/// Makes the mask. Waits for the device: not for the window's thread.
///
/// # Errors
/// [`GpuError::Mismatch`] when a place lies outside of the answers, [`GpuError::OutOfMemory`], [`GpuError::ReadBack`].
pub fn answer_mask(
    gpu: &GpuContext,
    answers: &Answers<'_>,
    place: &AnswerPlace<'_>,
) -> Result<AnswerMask, GpuError> {
    use wgpu::BufferUsages as Usage;
    let limits = gpu.device.limits();
    let alignment = u64::from(limits.min_storage_buffer_offset_alignment.max(4));
    let lead = answers.offset % alignment;
    let bound = answers.size + lead;
    if bound > limits.max_storage_buffer_binding_size || !answers.offset.is_multiple_of(4) {
        return Err(GpuError::Mismatch("the answers do not fit a binding"));
    }
    let largest = |places: &[Option<usize>]| places.iter().flatten().max().copied().unwrap_or(0);
    let last: usize = place.nearest.map(largest).iter().sum();
    let last = last as u64 + place.other.unwrap_or(0) as u64;
    if (last + 1) * 4 > answers.size {
        return Err(GpuError::Mismatch("an answer lies outside"));
    }
    let size = place.nearest.map(<[_]>::len);
    let mask = MaskVolume::new(gpu, size, MaskBits::One)?;
    let rows = (size[1] * size[2]) as u32;
    let draw = AnswerDraw {
        size: [
            size[0] as u32,
            rows,
            size[1] as u32,
            mask.words_a_row() as u32,
        ],
        answer: [(lead / 4) as u32, place.other.unwrap_or(0) as u32, 0, 0],
        least: [place.least, 0.0, 0.0, 0.0],
    };
    let nearest: Vec<u32> = place
        .nearest
        .iter()
        .flat_map(|axis| axis.iter().map(|at| at.map_or(NONE, |at| at as u32)))
        .collect();
    let made = |cargo, usage, bytes: &[u8]| gpu.door.new_buffer(cargo, "answer", usage, bytes);
    let draw = made(Cargo::Uniform, Usage::UNIFORM, bytemuck::bytes_of(&draw))?;
    let nearest = made(Cargo::Lut, Usage::STORAGE, bytemuck::cast_slice(&nearest))?;
    let counted = Usage::STORAGE | Usage::COPY_SRC;
    let found = made(Cargo::Uniform, counted, &[0; 12])?;
    let module = shader::module(&gpu.device, "answer_mask.wgsl")?;
    gpu.checked(0, || {
        let writes = [false, false, true, true];
        let layout = shader::compute_layout(&gpu.device, "answer", &writes);
        let pipeline = compute(gpu, &module, "cs_answer", &layout);
        let entry = |binding, resource| wgpu::BindGroupEntry { binding, resource };
        let logits = wgpu::BindingResource::Buffer(wgpu::BufferBinding {
            buffer: answers.buffer,
            offset: answers.offset - lead,
            size: wgpu::BufferSize::new(bound),
        });
        let group = gpu.door.group(&wgpu::BindGroupDescriptor {
            label: Some("answer"),
            layout: &layout,
            entries: &[
                entry(0, draw.as_entire_binding()),
                entry(1, logits),
                entry(2, nearest.as_entire_binding()),
                entry(3, mask.buffer().as_entire_binding()),
                entry(4, found.as_entire_binding()),
            ],
        });
        let mut encoder = gpu.device.create_command_encoder(&Default::default());
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
            label: Some("answer"),
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
    let bytes = gpu.door.read_buffer(Cargo::Uniform, &found, 0, 12)?;
    let numbers = bytes.as_chunks::<4>().0;
    let number = |at: usize| {
        numbers
            .get(at)
            .map_or(0, |b| u64::from(u32::from_le_bytes(*b)))
    };
    let voxels = number(0);
    let sum = (number(2) << 32 | number(1)) as f64 / STEPS;
    Ok(AnswerMask {
        mask,
        voxels,
        mean: sum / voxels.max(1) as f64,
    })
}
