//! 3 × 3 convolutions by minimal filtering: F(4 × 4, 3 × 3) of Winograd, as Lavin and Gray (2016) apply it.
//!
//! Tiles of 4 × 4 pixels of the output need 6 × 6 of the input. Tiles and kernels are transformed, multiplied number by
//! number and summed over the channels, and transformed back: 36 multiplications a channel where the plain way has 144.
//! A strip of tiles goes through all three steps before the next begins, so that what lies between stays in the cache.

use super::{
    direct::{Kernel, blocks_of},
    kernel::{self, MOST_PIXELS, TOGETHER, by_width, load, vectors_mut},
    plane::{Block, LANES, Plane, Strip},
};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// Rows and columns of a tile of the output.
pub const TILE: usize = 4;
const SIDE: usize = TILE + 2;
const POINTS: usize = SIDE * SIDE;

/// The kernel's way into the transformed space (points 0, ±1, ±2 and infinity).
const KERNEL: [[f64; 3]; SIDE] = [
    [1.0 / 4.0, 0.0, 0.0],
    [-1.0 / 6.0, -1.0 / 6.0, -1.0 / 6.0],
    [-1.0 / 6.0, 1.0 / 6.0, -1.0 / 6.0],
    [1.0 / 24.0, 1.0 / 12.0, 1.0 / 6.0],
    [1.0 / 24.0, -1.0 / 12.0, 1.0 / 6.0],
    [0.0, 0.0, 1.0],
];

/// Transformed weights, and bias.
#[derive(Clone, Debug)]
pub struct Winograd {
    /// For each of the 36 points and each group of two blocks of output channels: `[channel of input][block]`.
    weights: Vec<Vec<Vec<Block>>>,
    bias: Vec<Block>,
    /// Channels of each block of input.
    inputs: Vec<usize>,
    rectified: bool,
}

/// The transformed weights of a group of blocks of output channels, for each of the 36 points `[channel of input][block]`.
fn transformed(
    kernel: Kernel<'_>,
    inputs: usize,
    (first, blocks): (usize, usize),
) -> Vec<Vec<Block>> {
    let mut out: Vec<Vec<Block>> = (0..POINTS)
        .map(|_| Vec::with_capacity(inputs * blocks))
        .collect();
    for input in 0..inputs {
        for block in first..first + blocks {
            let mut points = [Block::default(); POINTS];
            for lane in 0..LANES {
                let taps: [f64; 9] = std::array::from_fn(|tap| {
                    f64::from(kernel.weight(block * LANES + lane, input, tap))
                });
                let half = KERNEL.map(|by| {
                    [0, 1, 2].map(|column| {
                        by[0] * taps[column] + by[1] * taps[3 + column] + by[2] * taps[6 + column]
                    })
                });
                for (point, to) in points.iter_mut().enumerate() {
                    let (row, by) = (&half[point / SIDE], &KERNEL[point % SIDE]);
                    to.0[lane] = (row[0] * by[0] + row[1] * by[1] + row[2] * by[2]) as f32;
                }
            }
            for (to, point) in out.iter_mut().zip(points) {
                to.push(point);
            }
        }
    }
    out
}

impl Winograd {
    /// Transforms the weights of a 3 × 3 kernel.
    pub fn new(kernel: Kernel<'_>, rectified: bool) -> Self {
        let inputs: usize = kernel.inputs.iter().sum();
        let groups: Vec<Vec<Vec<Block>>> = kernel
            .groups()
            .into_par_iter()
            .map(|which| transformed(kernel, inputs, which))
            .collect();
        // From `[group][point]` to `[point][group]`.
        let mut weights: Vec<Vec<Vec<Block>>> = (0..POINTS).map(|_| Vec::new()).collect();
        for group in groups {
            for (to, point) in weights.iter_mut().zip(group) {
                to.push(point);
            }
        }
        Self {
            weights,
            bias: kernel.bias_blocks(),
            inputs: blocks_of(kernel.inputs),
            rectified,
        }
    }

    /// Whether pictures of this size are made of whole tiles.
    pub const fn fits([rows, columns]: [usize; 2]) -> bool {
        rows.is_multiple_of(TILE) && columns.is_multiple_of(TILE)
    }

    /// Writes the convolution of the pictures, read one behind the other, into a picture of the same size.
    pub fn run(&self, inputs: &[&Plane], output: &mut Plane) {
        let [rows, columns] = output.size();
        let (across, down) = ((columns / TILE).max(1), rows / TILE);
        let lines = self.lines(across, down, rayon::current_num_threads().max(1));
        let arch = Arch::new();
        output.strips(TILE * lines).into_par_iter().for_each_init(
            Scratch::default,
            |scratch, strip| {
                arch.dispatch(Task {
                    strip,
                    scratch,
                    inputs,
                    of: self,
                    across,
                });
            },
        );
    }

    /// Lines of tiles a strip. What is read for a strip are its tiles and all weights: with few tiles the weights come
    /// again and again, with many the tiles leave the cache. Both are alike where the number of tiles is that of
    /// input channels times output channels over their sum.
    fn lines(&self, across: usize, down: usize, threads: usize) -> usize {
        let inputs: usize = self.inputs.iter().sum();
        let outputs = self.bias.len() * LANES;
        let tiles = (inputs * outputs / (inputs + outputs).max(1)).max(32);
        let fair = down.div_ceil(threads).max(1);
        let lines = (tiles / across).clamp(1, fair);
        // Strips of one size each, as many as threads or some times as many.
        let strips = down.div_ceil(lines).next_multiple_of(threads);
        down.div_ceil(strips.max(1)).max(1)
    }
}

/// What a thread needs between the steps, kept from strip to strip.
#[derive(Debug, Default)]
struct Scratch {
    /// Transformed tiles: `[point][block of input][tile]`.
    tiles: Vec<Block>,
    /// Their sums: `[point][block of output][tile]`.
    sums: Vec<Block>,
}

struct Task<'a> {
    strip: Strip<'a>,
    scratch: &'a mut Scratch,
    inputs: &'a [&'a Plane],
    of: &'a Winograd,
    across: usize,
}

impl WithSimd for Task<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        by_width!(simd, S, strip, self);
    }
}

#[inline(always)]
fn strip<S: Simd, const V: usize, const P: usize, const Q: usize>(simd: S, mut task: Task<'_>) {
    let (depth_in, depth_out) = (task.of.inputs.len(), task.of.bias.len());
    let tiles = (task.strip.rows() / TILE) * task.across;
    let padded = tiles.next_multiple_of(MOST_PIXELS);
    // One block more: a power of two between the points would put all 36 into the same set of the cache.
    let (step_in, step_out) = (depth_in * padded + 1, depth_out * padded + 1);
    let scratch = std::mem::take(task.scratch);
    let Scratch {
        tiles: mut all,
        mut sums,
    } = scratch;
    all.resize(POINTS * step_in, Block::default());
    sums.resize(POINTS * step_out, Block::default());

    let mut depth = 0;
    for input in task.inputs {
        for block in 0..input.depth() {
            let mut tile = depth * padded;
            for line in 0..task.strip.rows() / TILE {
                let first = task.strip.first + TILE * line;
                let lines = [0, 1, 2, 3, 4, 5].map(|row| input.row(block, first + row));
                for column in 0..task.across {
                    let to = all.get_mut(tile..).unwrap_or_default();
                    into::<S, V>(simd, &window(&lines, TILE * column), to, step_in);
                    tile += 1;
                }
            }
            depth += 1;
        }
    }

    let points = all.chunks(step_in).zip(sums.chunks_mut(step_out));
    for (weights, (tiles, sums)) in task.of.weights.iter().zip(points) {
        let mut block = 0;
        for weights in weights {
            let to = sums.get_mut(block * padded..).unwrap_or_default();
            if depth_out - block >= TOGETHER {
                multiply::<S, V, TOGETHER, P>(simd, tiles, weights, to, (&task.of.inputs, padded));
            } else {
                multiply::<S, V, 1, Q>(simd, tiles, weights, to, (&task.of.inputs, padded));
            }
            block += TOGETHER;
        }
    }

    for (block, bias) in task.of.bias.iter().enumerate() {
        let mut tile = block * padded;
        for line in 0..task.strip.rows() / TILE {
            for column in 0..task.across {
                let from = sums.get(tile..).unwrap_or_default();
                out_of::<S, V>(
                    simd,
                    from,
                    step_out,
                    bias,
                    task.of.rectified,
                    &mut task.strip,
                    [block, TILE * line, TILE * column],
                );
                tile += 1;
            }
        }
    }
    *task.scratch = Scratch { tiles: all, sums };
}

/// Six pixels of each of six rows.
#[inline(always)]
fn window<'a>(lines: &[&'a [Block]; SIDE], column: usize) -> [&'a [Block; SIDE]; SIDE] {
    let [a, b, c, d, e, f] = lines;
    [
        six(a, column),
        six(b, column),
        six(c, column),
        six(d, column),
        six(e, column),
        six(f, column),
    ]
}

#[inline(always)]
fn six(line: &[Block], column: usize) -> &[Block; SIDE] {
    const NOTHING: &[Block; SIDE] = &[Block([0.0; LANES]); SIDE];
    let line = line.get(column..).and_then(|line| line.first_chunk());
    line.unwrap_or(NOTHING)
}

/// Transforms a tile of the input; its 36 points go `step` blocks apart.
#[inline(always)]
fn into<S: Simd, const V: usize>(
    simd: S,
    rows: &[&[Block; SIDE]; SIDE],
    to: &mut [Block],
    step: usize,
) {
    for vector in 0..V {
        // Written out: a loop would keep these in memory.
        let half = [
            line_into(simd, rows[0], vector),
            line_into(simd, rows[1], vector),
            line_into(simd, rows[2], vector),
            line_into(simd, rows[3], vector),
            line_into(simd, rows[4], vector),
            line_into(simd, rows[5], vector),
        ];
        column_into(simd, &half, 0, to, (step, vector));
        column_into(simd, &half, 1, to, (step, vector));
        column_into(simd, &half, 2, to, (step, vector));
        column_into(simd, &half, 3, to, (step, vector));
        column_into(simd, &half, 4, to, (step, vector));
        column_into(simd, &half, 5, to, (step, vector));
    }
}

#[inline(always)]
fn line_into<S: Simd>(simd: S, row: &[Block; SIDE], vector: usize) -> [S::f32s; SIDE] {
    let [a, b, c, d, e, f] = row;
    let at = [
        kernel::vectors::<S>(a)[vector],
        kernel::vectors::<S>(b)[vector],
        kernel::vectors::<S>(c)[vector],
        kernel::vectors::<S>(d)[vector],
        kernel::vectors::<S>(e)[vector],
        kernel::vectors::<S>(f)[vector],
    ];
    transform(simd, at)
}

#[inline(always)]
fn column_into<S: Simd>(
    simd: S,
    half: &[[S::f32s; SIDE]; SIDE],
    column: usize,
    to: &mut [Block],
    (step, vector): (usize, usize),
) {
    let [a, b, c, d, e, f] = half;
    let at = [
        a[column], b[column], c[column], d[column], e[column], f[column],
    ];
    let [a, b, c, d, e, f] = transform(simd, at);
    put::<S>(to, column * step, vector, a);
    put::<S>(to, (SIDE + column) * step, vector, b);
    put::<S>(to, (2 * SIDE + column) * step, vector, c);
    put::<S>(to, (3 * SIDE + column) * step, vector, d);
    put::<S>(to, (4 * SIDE + column) * step, vector, e);
    put::<S>(to, (5 * SIDE + column) * step, vector, f);
}

#[inline(always)]
fn put<S: Simd>(to: &mut [Block], at: usize, vector: usize, value: S::f32s) {
    if let Some(block) = to.get_mut(at) {
        vectors_mut::<S>(block)[vector] = value;
    }
}

/// Six numbers of the input into the transformed space.
#[inline(always)]
fn transform<S: Simd>(simd: S, d: [S::f32s; SIDE]) -> [S::f32s; SIDE] {
    let [two, four, five] = [2.0, 4.0, 5.0].map(|v| simd.splat_f32s(v));
    let fma = |a, b, c| simd.mul_add_f32s(a, b, c);
    let less = |a, b, c| simd.negate_mul_add_f32s(a, b, c);
    // d4 - 4 d2, d3 - 4 d1, d4 - d2, d3 - d1
    let a = less(four, d[2], d[4]);
    let b = less(four, d[1], d[3]);
    let c = simd.sub_f32s(d[4], d[2]);
    let e = simd.sub_f32s(d[3], d[1]);
    [
        fma(four, d[0], less(five, d[2], d[4])),
        simd.add_f32s(a, b),
        simd.sub_f32s(a, b),
        fma(two, e, c),
        less(two, e, c),
        fma(four, d[1], less(five, d[3], d[5])),
    ]
}

/// One point of all tiles: sums over the channels, for `G` blocks of output.
#[inline(always)]
fn multiply<S: Simd, const V: usize, const G: usize, const P: usize>(
    simd: S,
    tiles: &[Block],
    weights: &[Block],
    to: &mut [Block],
    (inputs, padded): (&[usize], usize),
) {
    for tile in (0..padded).step_by(P) {
        let mut sums = [[[simd.splat_f32s(0.0); V]; G]; P];
        let mut weights = weights;
        for (depth, channels) in inputs.iter().enumerate() {
            let (now, rest) = weights.split_at((channels * G).min(weights.len()));
            weights = rest;
            let pixels = tiles.get(depth * padded + tile..);
            if let Some(pixels) = pixels.and_then(|pixels| pixels.first_chunk()) {
                kernel::add(simd, &mut sums, pixels, now);
            }
        }
        for block in 0..G {
            let to = to.get_mut(block * padded + tile..).unwrap_or_default();
            for (to, sums) in to.iter_mut().zip(&sums) {
                for (to, sum) in vectors_mut::<S>(to).iter_mut().zip(&sums[block]) {
                    *to = *sum;
                }
            }
        }
    }
}

/// Transforms the sums of a tile back, adds the bias, rectifies, and writes 4 × 4 pixels.
#[inline(always)]
fn out_of<S: Simd, const V: usize>(
    simd: S,
    from: &[Block],
    step: usize,
    bias: &Block,
    rectified: bool,
    strip: &mut Strip<'_>,
    [depth, row, column]: [usize; 3],
) {
    let bias = load::<S, V>(simd, bias);
    for (vector, bias) in bias.into_iter().enumerate() {
        let half = [
            line_out_of(simd, from, 0, (step, vector)),
            line_out_of(simd, from, 1, (step, vector)),
            line_out_of(simd, from, 2, (step, vector)),
            line_out_of(simd, from, 3, (step, vector)),
            line_out_of(simd, from, 4, (step, vector)),
            line_out_of(simd, from, 5, (step, vector)),
        ];
        let pixels = [
            column_out_of(simd, &half, 0),
            column_out_of(simd, &half, 1),
            column_out_of(simd, &half, 2),
            column_out_of(simd, &half, 3),
        ];
        let how = (bias, rectified, vector);
        finish(simd, &pixels, 0, strip.row(depth, row), column, how);
        finish(simd, &pixels, 1, strip.row(depth, row + 1), column, how);
        finish(simd, &pixels, 2, strip.row(depth, row + 2), column, how);
        finish(simd, &pixels, 3, strip.row(depth, row + 3), column, how);
    }
}

#[inline(always)]
fn line_out_of<S: Simd>(
    simd: S,
    from: &[Block],
    line: usize,
    (step, vector): (usize, usize),
) -> [S::f32s; TILE] {
    let first = line * SIDE;
    let at = [
        take::<S>(simd, from, first * step, vector),
        take::<S>(simd, from, (first + 1) * step, vector),
        take::<S>(simd, from, (first + 2) * step, vector),
        take::<S>(simd, from, (first + 3) * step, vector),
        take::<S>(simd, from, (first + 4) * step, vector),
        take::<S>(simd, from, (first + 5) * step, vector),
    ];
    back(simd, at)
}

#[inline(always)]
fn take<S: Simd>(simd: S, from: &[Block], at: usize, vector: usize) -> S::f32s {
    match from.get(at) {
        Some(block) => kernel::vectors::<S>(block)[vector],
        None => simd.splat_f32s(0.0),
    }
}

#[inline(always)]
fn column_out_of<S: Simd>(
    simd: S,
    half: &[[S::f32s; TILE]; SIDE],
    column: usize,
) -> [S::f32s; TILE] {
    let [a, b, c, d, e, f] = half;
    let at = [
        a[column], b[column], c[column], d[column], e[column], f[column],
    ];
    back(simd, at)
}

/// Writes a line of a tile.
#[inline(always)]
fn finish<S: Simd>(
    simd: S,
    [a, b, c, d]: &[[S::f32s; TILE]; TILE],
    line: usize,
    to: &mut [Block],
    column: usize,
    (bias, rectified, vector): (S::f32s, bool, usize),
) {
    let zero = simd.splat_f32s(0.0);
    let to = to.get_mut(column..column + TILE).unwrap_or_default();
    for (to, pixel) in to.iter_mut().zip([a[line], b[line], c[line], d[line]]) {
        let value = simd.add_f32s(pixel, bias);
        vectors_mut::<S>(to)[vector] = if rectified {
            simd.max_f32s(zero, value)
        } else {
            value
        };
    }
}

/// Six sums out of the transformed space: four numbers of the output.
#[inline(always)]
fn back<S: Simd>(simd: S, m: [S::f32s; SIDE]) -> [S::f32s; TILE] {
    let [two, four, eight] = [2.0, 4.0, 8.0].map(|v| simd.splat_f32s(v));
    let (s, d) = (simd.add_f32s(m[1], m[2]), simd.sub_f32s(m[1], m[2]));
    let (p, q) = (simd.add_f32s(m[3], m[4]), simd.sub_f32s(m[3], m[4]));
    [
        simd.add_f32s(m[0], simd.add_f32s(s, p)),
        simd.mul_add_f32s(two, q, d),
        simd.mul_add_f32s(four, p, s),
        simd.add_f32s(simd.mul_add_f32s(eight, q, d), m[5]),
    ]
}
