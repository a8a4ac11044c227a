//! Boxes of a mask of eight bits, brought to their place: what a stroke changed, and nothing else.
//!
//! A box has many short rows; each as a write of its own would cost more than the box. So its rows go up packed, in one
//! write, and the device puts them where they belong. So it is with boxes of many bricks ([`super::BrickMask`]).

use super::{
    blend::compute,
    brick_mask::SIDE,
    context::GpuContext,
    door::Cargo,
    error::GpuError,
    mask::{MaskBits, MaskVolume},
    shader,
};
use bytemuck::{Pod, Zeroable};

/// Voxels of a word.
const LANES: usize = 4;

/// Words that go up at once: more goes in parts.
const MOST_WORDS: usize = 1 << 20;

/// Words of a row and of the whole of a brick.
const BRICK_ROW: usize = SIDE / LANES;
const BRICK_WORDS: usize = BRICK_ROW * SIDE * SIDE;

/// Words that say where the box of a brick belongs.
const HEAD: usize = 4;

/// `BoxDraw` of `shaders/mask_box.wgsl`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct BoxDraw {
    /// First word of a row, first row, first slice, and rows of a slice of the mask.
    pub first: [u32; 4],
    /// Words, rows and slices of the box, and words of a row of the mask; of bricks how many there are, and words of one.
    pub size: [u32; 4],
}

/// Brings boxes into masks. One serves all masks of a device.
#[derive(Debug)]
pub struct BoxWriter {
    layout: wgpu::BindGroupLayout,
    pipeline: wgpu::ComputePipeline,
    bricks: wgpu::ComputePipeline,
    uniforms: wgpu::Buffer,
    words: Option<wgpu::Buffer>,
}

/// A box, as wide as whole words: the first column is a multiple of 4, and so is the number of columns, but where the
/// rows of the mask end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaskBox {
    /// First column, row, slice.
    pub first: [usize; 3],
    /// Columns, rows, slices.
    pub size: [usize; 3],
}

impl MaskBox {
    /// The least such box around another, within rows of so many columns.
    #[must_use]
    pub fn around(first: [usize; 3], size: [usize; 3], columns: usize) -> Self {
        let from = first[0] / LANES * LANES;
        let end = (first[0] + size[0]).next_multiple_of(LANES).min(columns);
        Self {
            first: [from, first[1], first[2]],
            size: [end.saturating_sub(from), size[1], size[2]],
        }
    }

    /// Bytes that go up for it.
    pub const fn bytes(&self) -> usize {
        LANES * self.size[0].div_ceil(LANES) * self.size[1] * self.size[2]
    }
}

/// Boxes of bricks on their way to their slots.
#[derive(Debug, Default)]
pub(super) struct BrickBoxes {
    /// Of each brick the slot from 0; first word, row, slice, and whether the rest of it is zeros; words, rows, slices; and the
    /// first word of its voxels among those of all.
    heads: Vec<[u32; HEAD]>,
    voxels: Vec<u8>,
}

impl BrickBoxes {
    /// Bytes that go up for them.
    pub(super) const fn bytes(&self) -> usize {
        self.heads.len() * HEAD * LANES + self.voxels.len()
    }

    /// One more. `fresh` says that the slot was given away anew: what the box leaves out becomes zeros, without coming up.
    pub(super) fn push(&mut self, slot: u32, fresh: bool, part: &MaskBox, voxels: &[u8]) {
        let bytes = |n: [usize; 3]| (n[0] | n[1] << 8 | n[2] << 16) as u32;
        let [x, y, z] = part.first;
        self.heads.push([
            slot,
            bytes([x / LANES, y, z]) | u32::from(fresh) << 24,
            bytes([part.size[0] / LANES, part.size[1], part.size[2]]),
            (self.voxels.len() / LANES) as u32,
        ]);
        self.voxels.extend_from_slice(voxels);
    }
}

impl BoxWriter {
    /// Compiles the shader.
    ///
    /// # Errors
    /// [`GpuError::Refused`].
    pub fn new(gpu: &GpuContext) -> Result<Self, GpuError> {
        let module = shader::module(&gpu.device, "mask_box.wgsl")?;
        gpu.checked(0, || {
            let layout = shader::compute_layout(&gpu.device, "box", &[false, true]);
            Self {
                pipeline: compute(gpu, &module, "cs_box", &layout),
                bricks: compute(gpu, &module, "cs_bricks", &layout),
                layout,
                uniforms: gpu.door.buffer(&wgpu::BufferDescriptor {
                    label: Some("box"),
                    size: size_of::<BoxDraw>() as u64,
                    usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
                    mapped_at_creation: false,
                }),
                words: None,
            }
        })
    }

    /// Writes a box. `bytes` are its voxels, tightly packed, columns fastest. Counted as [`Cargo::Mask`].
    ///
    /// # Errors
    /// [`GpuError::Mismatch`] when they do not fit the mask, or the columns are no whole words;
    /// [`GpuError::OutOfMemory`].
    pub fn write(
        &mut self,
        gpu: &GpuContext,
        mask: &MaskVolume,
        part: &MaskBox,
        bytes: &[u8],
    ) -> Result<(), GpuError> {
        let whole = mask.size();
        let inside = (0..3).all(|axis| {
            let end = part.first[axis].checked_add(part.size[axis]);
            end.is_some_and(|end| end <= whole[axis])
        });
        let last = part.first[0] + part.size[0];
        let words =
            part.first[0].is_multiple_of(LANES) && (last.is_multiple_of(LANES) || last == whole[0]);
        let count: usize = part.size.iter().product();
        if mask.bits() != MaskBits::Eight
            || mask.table().is_some()
            || !inside
            || !words
            || count != bytes.len()
        {
            return Err(GpuError::Mismatch("the box does not fit the mask"));
        }
        if count == 0 {
            return Ok(());
        }
        let (columns, rows) = (part.size[0], part.size[1]);
        let across = columns.div_ceil(LANES);
        // Whole slices as far as they fit, else rows of a slice.
        let slices = (MOST_WORDS / (across * rows)).clamp(1, MOST_GROUPS);
        let high = (MOST_WORDS / across).clamp(1, rows);
        let mut slice = 0;
        while slice < part.size[2] {
            let deep = slices.min(part.size[2] - slice);
            let mut row = 0;
            while row < rows {
                let tall = high.min(rows - row);
                let mut packed = Vec::with_capacity(across * LANES * tall * deep);
                for z in slice..slice + deep {
                    for y in row..row + tall {
                        let from = (z * rows + y) * columns;
                        packed.extend_from_slice(bytes.get(from..from + columns).unwrap_or(&[]));
                        packed.resize(packed.len().next_multiple_of(LANES), 0);
                    }
                }
                let first = [part.first[0], part.first[1] + row, part.first[2] + slice];
                self.put(gpu, mask, first, [across, tall, deep], &packed)?;
                row += tall;
            }
            slice += deep;
        }
        Ok(())
    }

    fn put(
        &mut self,
        gpu: &GpuContext,
        mask: &MaskVolume,
        first: [usize; 3],
        size: [usize; 3],
        packed: &[u8],
    ) -> Result<(), GpuError> {
        let [x, y, z] = first.map(|n| n as u32);
        let [across, tall, deep] = size.map(|n| n as u32);
        let draw = BoxDraw {
            first: [x / LANES as u32, y, z, mask.size()[1] as u32],
            size: [across, tall, deep, mask.words_a_row() as u32],
        };
        let groups = [across.div_ceil(8), tall.div_ceil(8), deep];
        self.carry_out(gpu, &draw, packed, mask, groups)
    }

    /// Brings boxes of bricks to their slots in the buffer of a mask in bricks, all at once. Counted as [`Cargo::Mask`], with
    /// the words that say where they belong.
    pub(super) fn write_bricks(
        &mut self,
        gpu: &GpuContext,
        mask: &MaskVolume,
        boxes: &BrickBoxes,
    ) -> Result<(), GpuError> {
        let count = boxes.heads.len();
        if count == 0 {
            return Ok(());
        }
        let draw = BoxDraw {
            first: [0; 4],
            size: [count as u32, BRICK_WORDS as u32, 0, 0],
        };
        let mut packed = Vec::with_capacity(boxes.bytes());
        packed.extend_from_slice(bytemuck::cast_slice(&boxes.heads));
        packed.extend_from_slice(&boxes.voxels);
        let (across, down) = match count <= MOST_GROUPS {
            true => (count, 1),
            false => (MOST_GROUPS, count.div_ceil(MOST_GROUPS)),
        };
        self.carry_out(gpu, &draw, &packed, mask, [across as u32, down as u32, 1])
    }

    /// Brings words up and has the device put them where they belong.
    fn carry_out(
        &mut self,
        gpu: &GpuContext,
        draw: &BoxDraw,
        packed: &[u8],
        mask: &MaskVolume,
        [across, down, deep]: [u32; 3],
    ) -> Result<(), GpuError> {
        let needed = packed.len() as u64;
        if self
            .words
            .as_ref()
            .is_none_or(|words| words.size() < needed)
        {
            let size = needed.next_power_of_two().max(1 << 16);
            let made = gpu.checked(size, || {
                gpu.door.buffer(&wgpu::BufferDescriptor {
                    label: Some("box words"),
                    size,
                    usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST,
                    mapped_at_creation: false,
                })
            })?;
            self.words = Some(made);
        }
        let Some(words) = &self.words else {
            return Ok(());
        };
        gpu.door
            .upload_buffer(Cargo::Uniform, &self.uniforms, 0, bytemuck::bytes_of(draw))?;
        gpu.door.upload_buffer(Cargo::Mask, words, 0, packed)?;
        let group = gpu.door.group(&wgpu::BindGroupDescriptor {
            label: Some("box"),
            layout: &self.layout,
            entries: &[(0, &self.uniforms), (1, words), (2, mask.buffer())].map(
                |(binding, buffer)| wgpu::BindGroupEntry {
                    binding,
                    resource: buffer.as_entire_binding(),
                },
            ),
        });
        let mut encoder = gpu.device.create_command_encoder(&Default::default());
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                label: Some("box"),
                timestamp_writes: None,
            });
            pass.set_pipeline(match mask.table() {
                Some(_) => &self.bricks,
                None => &self.pipeline,
            });
            pass.set_bind_group(0, &group, &[]);
            pass.dispatch_workgroups(across, down, deep);
        }
        gpu.door.submit(encoder.finish());
        Ok(())
    }
}

/// Workgroups along an axis that every device takes.
const MOST_GROUPS: usize = 65535;
