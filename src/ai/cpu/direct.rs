//! Convolutions as they are written: 3 × 3 with a border of zeros, and 1 × 1, with bias and rectifier in the same pass.

use super::{
    kernel::{self, Sums, TOGETHER, by_width, vectors_mut},
    plane::{Block, LANES, Plane, Strip},
};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// Weights and bias in the order in which the kernel reads them.
#[derive(Clone, Debug)]
pub struct Direct {
    /// For each group of two blocks of output channels (the last may have one): `[block of input][tap][channel][block]`.
    groups: Vec<Group>,
    side: usize,
    outputs: usize,
    /// Which input channels come in which block of which picture: channels of each block.
    inputs: Vec<usize>,
    rectified: bool,
}

#[derive(Clone, Debug)]
struct Group {
    weights: Vec<Block>,
    bias: Vec<Block>,
}

/// Channels of each block of the pictures that a convolution reads one behind the other.
pub fn blocks_of(inputs: &[usize]) -> Vec<usize> {
    let of = |channels: usize| {
        (0..channels.div_ceil(LANES)).map(move |block| LANES.min(channels - block * LANES))
    };
    inputs.iter().flat_map(|&channels| of(channels)).collect()
}

/// A convolution's weights `[outputs, inputs, side, side]` and bias.
#[derive(Clone, Copy, Debug)]
pub struct Kernel<'a> {
    /// Row-major.
    pub weights: &'a [f32],
    /// One number an output.
    pub bias: &'a [f32],
    /// Output channels.
    pub outputs: usize,
    /// Channels of the pictures that it reads one behind the other.
    pub inputs: &'a [usize],
    /// Rows and columns of the kernel: 1 or 3.
    pub side: usize,
}

impl Kernel<'_> {
    /// The weight of a tap; zero for channels that only fill up a block.
    pub fn weight(&self, output: usize, input: usize, tap: usize) -> f32 {
        let taps = self.side * self.side;
        let inputs: usize = self.inputs.iter().sum();
        let at = (output * inputs + input) * taps + tap;
        match output < self.outputs {
            true => self.weights.get(at).copied().unwrap_or(0.0),
            false => 0.0,
        }
    }

    /// Bias of the blocks of output channels.
    pub fn bias_blocks(&self) -> Vec<Block> {
        let blocks = (0..self.outputs.div_ceil(LANES)).map(|block| {
            let mut out = Block::default();
            let values = self.bias.iter().take(self.outputs).skip(block * LANES);
            for (to, from) in out.0.iter_mut().zip(values) {
                *to = *from;
            }
            out
        });
        blocks.collect()
    }

    /// Groups of at most two blocks of output channels: the first block and how many.
    pub fn groups(&self) -> Vec<(usize, usize)> {
        let blocks = self.outputs.div_ceil(LANES);
        (0..blocks)
            .step_by(TOGETHER)
            .map(|first| (first, TOGETHER.min(blocks - first)))
            .collect()
    }
}

impl Direct {
    /// Puts the weights in order.
    pub fn new(kernel: Kernel<'_>, rectified: bool) -> Self {
        let inputs = blocks_of(kernel.inputs);
        let taps = kernel.side * kernel.side;
        let bias = kernel.bias_blocks();
        let groups = kernel.groups().into_iter().map(|(first, blocks)| {
            let mut weights = Vec::new();
            let mut from = 0;
            for &channels in &inputs {
                for tap in 0..taps {
                    for channel in from..from + channels {
                        for block in first..first + blocks {
                            weights.push(Block(std::array::from_fn(|lane| {
                                kernel.weight(block * LANES + lane, channel, tap)
                            })));
                        }
                    }
                }
                from += channels;
            }
            let bias = bias.iter().skip(first).take(blocks).copied().collect();
            Group { weights, bias }
        });
        Self {
            groups: groups.collect(),
            side: kernel.side,
            outputs: kernel.outputs,
            inputs,
            rectified,
        }
    }

    /// Output channels.
    pub const fn outputs(&self) -> usize {
        self.outputs
    }

    /// Writes the convolution of the pictures, read one behind the other, into a picture of the same size.
    pub fn run(&self, inputs: &[&Plane], output: &mut Plane) {
        let threads = rayon::current_num_threads().max(1);
        let [rows, _] = output.size();
        // Few groups share the rows; many have all of them, so that weights are read once.
        let parts = (2 * threads).div_ceil(self.groups.len().max(1));
        let strips = output.strips(rows.div_ceil(parts).max(1));
        let tasks: Vec<(Strip<'_>, &Group)> = strips
            .into_iter()
            .flat_map(|strip| strip.by_depth(TOGETHER).into_iter().zip(&self.groups))
            .collect();
        let arch = Arch::new();
        tasks.into_par_iter().for_each(|(strip, group)| {
            arch.dispatch(Task {
                strip,
                group,
                inputs,
                of: self,
            });
        });
    }

    /// As [`Self::run`] with a 1 × 1 kernel whose outputs are pixels of a picture of twice the size: four for each of
    /// its channels, in the order of [`shuffled`].
    pub fn run_doubled(&self, input: &Plane, output: &mut Plane) {
        let threads = rayon::current_num_threads().max(1);
        let [rows, _] = input.size();
        let strips = output.strips(2 * rows.div_ceil(2 * threads).max(1));
        let arch = Arch::new();
        strips.into_par_iter().for_each(|strip| {
            arch.dispatch(Doubling {
                strip,
                input,
                of: self,
            });
        });
    }
}

/// Output channels of a 1 × 1 convolution in front of a pixel shuffle by two: those that become the same pixel of a
/// square stand together, and start a new block of channels. `None` fills a block up.
pub fn shuffled(channels: usize) -> Vec<Option<usize>> {
    let full = channels.next_multiple_of(LANES);
    (0..4)
        .flat_map(|place| {
            (0..full).map(move |channel| (channel < channels).then_some(4 * channel + place))
        })
        .collect()
}

struct Task<'a> {
    strip: Strip<'a>,
    group: &'a Group,
    inputs: &'a [&'a Plane],
    of: &'a Direct,
}

impl WithSimd for Task<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        by_width!(simd, S, strip_of, self);
    }
}

#[inline(always)]
fn strip_of<S: Simd, const V: usize, const P: usize, const Q: usize>(simd: S, task: Task<'_>) {
    match task.group.bias.len() {
        1 => strip::<S, V, 1, Q>(simd, task),
        _ => strip::<S, V, TOGETHER, P>(simd, task),
    }
}

#[inline(always)]
fn strip<S: Simd, const V: usize, const G: usize, const P: usize>(simd: S, mut task: Task<'_>) {
    let (side, first) = (task.of.side, task.strip.first);
    // A kernel of one tap looks at the pixel itself, which lies behind the border.
    let border = usize::from(side == 1);
    for row in 0..task.strip.rows() {
        let columns = task.strip.row(0, row).len();
        for column in (0..columns).step_by(P) {
            let mut sums = start::<S, V, G, P>(simd, &task.group.bias);
            let mut weights = task.group.weights.as_slice();
            let mut channels = task.of.inputs.iter();
            for input in task.inputs {
                for depth in 0..input.depth() {
                    let taken = channels.next().map_or(0, |channels| channels * G);
                    for tap_row in 0..side {
                        let line = input.row(depth, first + row + tap_row + border);
                        for tap in 0..side {
                            let at = column + tap + border;
                            let pixels = line.get(at..).and_then(|line| line.first_chunk());
                            let (now, rest) = weights.split_at(taken.min(weights.len()));
                            weights = rest;
                            if let Some(pixels) = pixels {
                                kernel::add(simd, &mut sums, pixels, now);
                            }
                        }
                    }
                }
            }
            for block in 0..G {
                let to = task.strip.row(block, row).get_mut(column..);
                let to = to.unwrap_or_default();
                finish(simd, &sums, block, task.of.rectified, to.iter_mut());
            }
        }
    }
}

/// Sums that begin with the bias.
#[inline(always)]
fn start<S: Simd, const V: usize, const G: usize, const P: usize>(
    simd: S,
    bias: &[Block],
) -> Sums<S, V, G, P> {
    let mut sums = [[[simd.splat_f32s(0.0); V]; G]; P];
    for sums in &mut sums {
        for (sum, bias) in sums.iter_mut().zip(bias) {
            *sum = kernel::load(simd, bias);
        }
    }
    sums
}

/// Writes the sums of a block of channels, rectified or not. What is not a number stays so.
#[inline(always)]
fn finish<'a, S: Simd, const V: usize, const G: usize, const P: usize>(
    simd: S,
    sums: &Sums<S, V, G, P>,
    block: usize,
    rectified: bool,
    to: impl Iterator<Item = &'a mut Block>,
) {
    let zero = simd.splat_f32s(0.0);
    for (to, sums) in to.zip(sums) {
        let Some(sums) = sums.get(block) else {
            continue;
        };
        for (to, sum) in vectors_mut::<S>(to).iter_mut().zip(sums) {
            *to = if rectified {
                simd.max_f32s(zero, *sum)
            } else {
                *sum
            };
        }
    }
}

struct Doubling<'a> {
    strip: Strip<'a>,
    input: &'a Plane,
    of: &'a Direct,
}

impl WithSimd for Doubling<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        by_width!(simd, S, doubled, self);
    }
}

#[inline(always)]
fn doubled<S: Simd, const V: usize, const P: usize, const Q: usize>(
    simd: S,
    mut task: Doubling<'_>,
) {
    // Blocks of channels of the output; four times as many leave the convolution.
    let blocks: usize = task.of.groups.iter().map(|group| group.bias.len()).sum();
    let blocks = (blocks / 4).max(1);
    let [_, columns] = task.input.size();
    for row in 0..task.strip.rows() / 2 {
        let from = task.strip.first / 2 + row + 1;
        let mut block = 0;
        for group in &task.of.groups {
            if group.bias.len() == TOGETHER {
                for column in (0..columns).step_by(P) {
                    let at = [from, row, column];
                    double::<S, V, TOGETHER, P>(simd, &mut task, group, at, (block, blocks));
                }
            } else {
                for column in (0..columns).step_by(Q) {
                    let at = [from, row, column];
                    double::<S, V, 1, Q>(simd, &mut task, group, at, (block, blocks));
                }
            }
            block += group.bias.len();
        }
    }
}

#[inline(always)]
fn double<S: Simd, const V: usize, const G: usize, const P: usize>(
    simd: S,
    task: &mut Doubling<'_>,
    group: &Group,
    [from, row, column]: [usize; 3],
    (block, blocks): (usize, usize),
) {
    let mut sums = start::<S, V, G, P>(simd, &group.bias);
    let mut weights = group.weights.as_slice();
    for (depth, channels) in task.of.inputs.iter().enumerate() {
        let (now, rest) = weights.split_at((channels * G).min(weights.len()));
        weights = rest;
        let line = task.input.row(depth, from).get(column + 1..);
        if let Some(pixels) = line.and_then(|line| line.first_chunk()) {
            kernel::add(simd, &mut sums, pixels, now);
        }
    }
    for part in 0..G {
        let (place, depth) = ((block + part) / blocks, (block + part) % blocks);
        let line = task.strip.row(depth, 2 * row + place / 2);
        let to = line.get_mut(2 * column + place % 2..).unwrap_or_default();
        finish(
            simd,
            &sums,
            part,
            task.of.rectified,
            to.iter_mut().step_by(2),
        );
    }
}
