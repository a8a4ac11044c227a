//! The inner loop that all convolutions of this folder share: pixels times weights, summed over up to sixteen channels.
//!
//! `pulp` gives it the widest vectors that the processor has (AVX-512, AVX2 with FMA, NEON), safely. Sums stay in
//! registers: eight pixels by two blocks of channels are sixteen vectors of AVX-512, enough to hide the latency of a
//! fused multiply and add.

use super::plane::{Block, LANES};
use pulp::Simd;

/// Blocks of output channels that a pass over the input makes together.
pub const TOGETHER: usize = 2;

/// Sums of `P` pixels, `G` blocks of channels, and `V` vectors a block.
pub type Sums<S, const V: usize, const G: usize, const P: usize> = [[[<S as Simd>::f32s; V]; G]; P];

/// A block as vectors of the processor.
#[inline(always)]
pub fn vectors<S: Simd>(block: &Block) -> &[S::f32s] {
    S::as_simd_f32s(&block.0).0
}

/// The same, to be written.
#[inline(always)]
pub fn vectors_mut<S: Simd>(block: &mut Block) -> &mut [S::f32s] {
    S::as_mut_simd_f32s(&mut block.0).0
}

/// Vectors of a block, all `V` of them.
#[inline(always)]
pub fn load<S: Simd, const V: usize>(simd: S, block: &Block) -> [S::f32s; V] {
    let mut out = [simd.splat_f32s(0.0); V];
    for (to, from) in out.iter_mut().zip(vectors::<S>(block)) {
        *to = *from;
    }
    out
}

/// Adds what the channels of `pixels` give: `weights` holds `G` blocks for each channel, at most sixteen times.
#[inline(always)]
pub fn add<S: Simd, const V: usize, const G: usize, const P: usize>(
    simd: S,
    sums: &mut Sums<S, V, G, P>,
    pixels: &[Block; P],
    weights: &[Block],
) {
    // A copy that only this loop knows stays in registers.
    let mut own = *sums;
    for (channel, weights) in weights.chunks_exact(G).enumerate() {
        let mut w = [[simd.splat_f32s(0.0); V]; G];
        for (to, from) in w.iter_mut().zip(weights) {
            *to = load(simd, from);
        }
        for (sums, pixel) in own.iter_mut().zip(pixels) {
            // There are sixteen at most: the mask only spares the check.
            let value = simd.splat_f32s(pixel.0[channel & (LANES - 1)]);
            for (sums, w) in sums.iter_mut().zip(&w) {
                for (sum, w) in sums.iter_mut().zip(w) {
                    *sum = simd.mul_add_f32s(value, *w, *sum);
                }
            }
        }
    }
    *sums = own;
}

/// Calls a generic function with what suits the processor: vectors a block, pixels at once for two blocks of output, and
/// pixels at once for one.
macro_rules! by_width {
    ($simd:ident, $S:ident, $function:ident $(, $argument:expr)*) => {
        match $S::F32_LANES {
            16 => $function::<$S, 1, 8, 16>($simd $(, $argument)*),
            8 => $function::<$S, 2, 2, 4>($simd $(, $argument)*),
            4 => $function::<$S, 4, 2, 4>($simd $(, $argument)*),
            2 => $function::<$S, 8, 1, 1>($simd $(, $argument)*),
            _ => $function::<$S, 16, 1, 1>($simd $(, $argument)*),
        }
    };
}
pub(super) use by_width;

/// Pixels that a kernel works on at once, at most.
pub const MOST_PIXELS: usize = 16;
