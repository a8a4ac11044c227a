//! Code blocks of T.800: bit planes in three coding passes each (annex D).
//!
//! Four rows of a column, a column of a stripe, share one word of flags. It holds what the contexts look at for all of
//! them: which samples of the three columns by six rows around are significant and what sign they have, and of the
//! four themselves which were decoded in this plane and which were refined before. Shifted by three bits a row, every
//! row finds its neighbours at the same place. What a pass has to do in a column is one word more, computed for all
//! four rows at once.

use super::{
    Broken,
    mq::{Context, Mq, Raw, context},
};
use std::hint::select_unpredictable;

/// Significance of the samples around: three a row, from the row above the stripe on.
const AROUND: u64 = (1 << 18) - 1;
/// The eight neighbours of a row.
const NEIGHBOURS: u64 = 0o757;
/// The sample itself.
const OWN: u32 = 4;
/// Signs stand this far above significance.
const SIGN: u32 = 32;
/// A row was decoded in the significance pass of this plane.
const VISITED: u32 = 18;
/// A row was refined before.
const REFINED: u32 = 19;
/// A bit for each of four rows.
const ROWS: u64 = 0o1111;

/// Contexts of table D.1 come first; then those of signs, of refinement, of runs, and the one that does not adapt.
const SIGNS: u8 = 9;
const REFINEMENT: usize = 14;
const RUN: usize = 17;
const UNIFORM: usize = 18;

/// Contexts at the beginning (table D.7).
const START: [Context; 32] = {
    let mut all = [context(0); 32];
    all[0] = context(4);
    all[RUN] = context(3);
    all[UNIFORM] = context(46);
    all
};

/// The sub-band a block is of, as far as its contexts tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// LL, or LH: high-pass vertically.
    Low,
    /// HL: high-pass horizontally.
    Horizontal,
    /// HH.
    Diagonal,
}

/// Context of significance by the neighbours, left column of a row first (table D.1).
static SIGNIFICANCE: [[u8; 512]; 3] = [
    significance(Kind::Low),
    significance(Kind::Horizontal),
    significance(Kind::Diagonal),
];

const fn significance(kind: Kind) -> [u8; 512] {
    let mut out = [0; 512];
    let mut i = 0;
    while i < 512 {
        let (mut h, mut v) = ((i >> 3 & 1) + (i >> 5 & 1), (i >> 1 & 1) + (i >> 7 & 1));
        let d = (i & 1) + (i >> 2 & 1) + (i >> 6 & 1) + (i >> 8 & 1);
        if matches!(kind, Kind::Horizontal) {
            (h, v) = (v, h);
        }
        out[i] = if matches!(kind, Kind::Diagonal) {
            match (d, h + v) {
                (3.., _) => 8,
                (2, 1..) => 7,
                (2, _) => 6,
                (1, 2..) => 5,
                (1, 1) => 4,
                (1, _) => 3,
                (_, 2..) => 2,
                (_, 1) => 1,
                _ => 0,
            }
        } else {
            match (h, v, d) {
                (2, _, _) => 8,
                (1, 1.., _) => 7,
                (1, _, 1..) => 6,
                (1, _, _) => 5,
                (_, 2, _) => 4,
                (_, 1, _) => 3,
                (_, _, 2..) => 2,
                (_, _, 1) => 1,
                _ => 0,
            }
        };
        i += 1;
    }
    out
}

/// Context of a sign by the four nearest neighbours, each with its sign in the bit below, and in the highest bit
/// whether the sign is turned (tables D.2 and D.3).
static SIGN_CONTEXT: [u8; 256] = {
    let mut out = [0; 256];
    let mut i = 0;
    while i < 256 {
        // Above, left, right, below.
        let (h, v) = (sign_of(i, 2) + sign_of(i, 4), sign_of(i, 0) + sign_of(i, 6));
        let (h, v) = (
            if h > 1 {
                1
            } else if h < -1 {
                -1
            } else {
                h
            },
            if v > 1 {
                1
            } else if v < -1 {
                -1
            } else {
                v
            },
        );
        let turned = h < 0 || h == 0 && v < 0;
        let (h, v) = if turned { (-h, -v) } else { (h, v) };
        out[i] = (SIGNS as i32 + 3 * h + v) as u8 | (turned as u8) << 7;
        i += 1;
    }
    out
};

const fn sign_of(around: usize, at: usize) -> i32 {
    match around >> at & 3 {
        2 => 1,
        3 => -1,
        _ => 0,
    }
}

/// How the passes of a block are coded (table A.19).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mode(pub(super) u8);

impl Mode {
    pub(super) const fn bypass(self) -> bool {
        self.0 & 1 != 0
    }
    pub(super) const fn reset(self) -> bool {
        self.0 & 2 != 0
    }
    pub(super) const fn terminate(self) -> bool {
        self.0 & 4 != 0
    }
    pub(super) const fn causal(self) -> bool {
        self.0 & 8 != 0
    }
    pub(super) const fn symbols(self) -> bool {
        self.0 & 32 != 0
    }
    /// Code blocks of T.814.
    pub(super) const fn high_throughput(self) -> bool {
        self.0 & 64 != 0
    }
}

/// A codeword segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) passes: u32,
    pub(super) bytes: u32,
}

/// A block and what the packets said of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Coded<'a> {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) kind: Kind,
    pub(super) mode: Mode,
    /// Magnitude bit planes of the sub-band.
    pub(super) planes: u32,
    /// Of these, the ones that are known to be empty.
    pub(super) empty: u32,
    pub(super) segments: &'a [Segment],
    /// Their bytes, one after the other.
    pub(super) data: &'a [u8],
}

/// A decoded block.
///
/// A sample is its sign in the highest bit and its magnitude below, doubled, so that the lowest bit is half a step: the
/// middle of what the planes that are missing can be.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    flags: Vec<u64>,
    /// Rows of a stripe by column; with a margin as the flags have one.
    values: Vec<[u32; 4]>,
    /// Samples of a stripe that are refined: their place, and in the lowest bits their context.
    due: Vec<u32>,
    stride: usize,
    width: usize,
    height: usize,
}

impl Blocks {
    /// The samples of a stripe: four rows a column.
    pub(super) fn stripe(&self, stripe: usize) -> &[[u32; 4]] {
        let from = (stripe + 1) * self.stride + 1;
        self.values.get(from..from + self.width).unwrap_or_default()
    }

    /// Decodes a block (D.4).
    pub(super) fn decode(&mut self, coded: &Coded<'_>) -> Result<(), Broken> {
        let planes = coded
            .planes
            .checked_sub(coded.empty)
            .filter(|planes| *planes > 0)
            .ok_or(Broken::Corrupt("a code block without bit planes"))?;
        if planes > 30 {
            return Err(Broken::Planes);
        }
        (self.width, self.height) = (coded.width, coded.height);
        self.stride = coded.width + 2;
        let words = self.stride * (coded.height.div_ceil(4) + 2);
        self.flags.clear();
        self.flags.resize(words, 0);
        self.values.clear();
        self.values.resize(words, [0; 4]);
        let zero = &SIGNIFICANCE[coded.kind as usize];
        let mut contexts = START;
        let mut data = coded.data;
        let mut pass = 0u32;
        for segment in coded.segments {
            let (bytes, rest) = data
                .split_at_checked(segment.bytes as usize)
                .ok_or(Broken::Corrupt("a code block without its bytes"))?;
            data = rest;
            let bypassed = coded.mode.bypass() && pass >= 10 && !pass.is_multiple_of(3);
            let mut mq = Mq::new(if bypassed { &[] } else { bytes });
            let mut raw = Raw::new(bytes);
            for _ in 0..segment.passes {
                let plane = (planes - 1)
                    .checked_sub(pass.div_ceil(3))
                    .ok_or(Broken::Corrupt("a code block with too many passes"))?;
                let causal = coded.mode.causal();
                match (pass % 3, bypassed) {
                    (1, false) => {
                        mq = self.significance::<false>(
                            zero,
                            mq,
                            &mut raw,
                            &mut contexts,
                            plane,
                            causal,
                        );
                    }
                    (1, true) => {
                        mq = self.significance::<true>(
                            zero,
                            mq,
                            &mut raw,
                            &mut contexts,
                            plane,
                            causal,
                        );
                    }
                    (2, false) => mq = self.refinement::<false>(mq, &mut raw, &mut contexts, plane),
                    (2, true) => mq = self.refinement::<true>(mq, &mut raw, &mut contexts, plane),
                    _ => {
                        mq = self.cleanup(zero, mq, &mut contexts, plane, causal);
                        if coded.mode.symbols() {
                            let context = &mut contexts[UNIFORM];
                            let symbol = (0..4).fold(0, |all, _| all << 1 | mq.decode(context));
                            if symbol != 0b1010 {
                                return Err(Broken::Corrupt("a segmentation symbol that is none"));
                            }
                        }
                    }
                }
                if coded.mode.reset() {
                    contexts = START;
                }
                pass += 1;
            }
        }
        Ok(())
    }

    /// The rows of a stripe that the block has.
    fn rows(&self, stripe: usize) -> u64 {
        let rows = (self.height - 4 * stripe).min(4);
        ROWS & ((1 << (3 * rows)) - 1)
    }

    /// Significance propagation (D.3.1).
    #[inline(never)]
    fn significance<'a, const RAW: bool>(
        &mut self,
        zero: &[u8; 512],
        mut mq: Mq<'a>,
        raw: &mut Raw<'a>,
        contexts: &mut [Context; 32],
        plane: u32,
        causal: bool,
    ) -> Mq<'a> {
        let stride = self.stride;
        for stripe in 0..self.height.div_ceil(4) {
            let rows = self.rows(stripe);
            let first = (stripe + 1) * stride + 1;
            for i in first..first + self.width {
                let mut flags = self.flags[i];
                let row = flags & AROUND;
                let row = row | row >> 1 | row >> 2;
                let mut todo = (row | row >> 3 | row >> 6) & !(flags >> OWN) & rows;
                if todo == 0 {
                    continue;
                }
                while todo != 0 {
                    let at = todo.trailing_zeros();
                    todo &= todo.wrapping_sub(1);
                    let here = flags >> at;
                    flags |= 1 << (VISITED + at);
                    let significant = if RAW {
                        raw.bit()
                    } else {
                        let context = zero[(here & NEIGHBOURS) as usize] & 31;
                        mq.decode_even(&mut contexts[context as usize])
                    };
                    if significant != 0 {
                        let sign = if RAW {
                            u64::from(raw.bit())
                        } else {
                            sign(&mut mq, contexts, here)
                        };
                        flags |= (1 | sign << SIGN) << (OWN + at);
                        let value = 3 << plane | (sign as u32) << 31;
                        self.values[i][row_of(at)] = value;
                        spread(&mut self.flags, stride, i, at, sign, causal);
                        todo |= 0o10 << at & !(flags >> OWN) & rows;
                    }
                }
                self.flags[i] = flags;
            }
        }
        mq
    }

    /// Magnitude refinement (D.3.3).
    #[inline(never)]
    fn refinement<'a, const RAW: bool>(
        &mut self,
        mut mq: Mq<'a>,
        raw: &mut Raw<'a>,
        contexts: &mut [Context; 32],
        plane: u32,
    ) -> Mq<'a> {
        self.due.resize(4 * self.width + 4, 0);
        // In registers, where they need no trip through memory from one sample to the next.
        let [mut first, mut second, mut third] = [0, 1, 2].map(|n| contexts[REFINEMENT + n]);
        for stripe in 0..self.height.div_ceil(4) {
            let rows = self.rows(stripe);
            let from = (stripe + 1) * self.stride + 1;
            let columns = from..from + self.width;
            // What is refined is known before the pass. Listed without a branch, it is decoded without one.
            let mut count = 0;
            for (column, word) in (0u32..).step_by(16).zip(&mut self.flags[columns.clone()]) {
                let flags = *word;
                let todo = flags >> OWN & !(flags >> VISITED) & rows;
                if todo == 0 {
                    continue;
                }
                let three = flags & AROUND;
                let three = three | three >> 1 | three >> 2;
                let around = three | flags >> 3 | flags >> 5 | three >> 6;
                let Some(room) = self
                    .due
                    .get_mut(count..)
                    .and_then(|d| d.first_chunk_mut::<4>())
                else {
                    break;
                };
                let mut here = 0;
                for row in 0..4u32 {
                    let refined = (flags >> (REFINED + 3 * row)) as u32 & 1;
                    let around = (around >> (3 * row)) as u32 & 1;
                    room[here & 3] = column | row << 2 | (around | refined << 1);
                    here += (todo >> (3 * row)) as usize & 1;
                }
                count += here;
                *word = flags | todo << REFINED;
            }
            let values = self.values[columns].as_flattened_mut();
            for due in self.due.iter().take(count) {
                let bit = if RAW {
                    raw.bit()
                } else {
                    let (again, around) = (due & 2 != 0, due & 1 != 0);
                    let mut own = select_unpredictable(around, second, first);
                    own = select_unpredictable(again, third, own);
                    let bit = mq.decode_even(&mut own);
                    third = select_unpredictable(again, own, third);
                    second = select_unpredictable(!again & around, own, second);
                    first = select_unpredictable(again | around, first, own);
                    bit
                };
                // The half step of the plane above becomes the bit, and this plane's half step follows.
                if let Some(value) = values.get_mut((due >> 2) as usize) {
                    *value = (*value ^ (bit ^ 1) << (plane + 1)) | 1 << plane;
                }
            }
        }
        for (n, context) in [first, second, third].into_iter().enumerate() {
            contexts[REFINEMENT + n] = context;
        }
        mq
    }

    /// Cleanup (D.3.4).
    #[inline(never)]
    fn cleanup<'a>(
        &mut self,
        zero: &[u8; 512],
        mut mq: Mq<'a>,
        contexts: &mut [Context; 32],
        plane: u32,
        causal: bool,
    ) -> Mq<'a> {
        const PASSED: u64 = ROWS << VISITED;
        let stride = self.stride;
        for stripe in 0..self.height.div_ceil(4) {
            let rows = self.rows(stripe);
            let first = (stripe + 1) * stride + 1;
            for i in first..first + self.width {
                let mut flags = self.flags[i];
                let mut todo = !(flags >> OWN | flags >> VISITED) & rows;
                let mut known = false;
                if flags == 0 && rows == ROWS {
                    if mq.decode(&mut contexts[RUN]) == 0 {
                        continue;
                    }
                    let uniform = &mut contexts[UNIFORM];
                    let run = mq.decode_even(uniform) << 1 | mq.decode_even(uniform);
                    todo = ROWS & u64::MAX << (3 * run);
                    known = true;
                }
                while todo != 0 {
                    let at = todo.trailing_zeros();
                    todo &= todo.wrapping_sub(1);
                    let here = flags >> at;
                    let context = zero[(here & NEIGHBOURS) as usize] & 31;
                    if known || mq.decode_even(&mut contexts[context as usize]) != 0 {
                        let sign = sign(&mut mq, contexts, here);
                        flags |= (1 | sign << SIGN) << (OWN + at);
                        let value = 3 << plane | (sign as u32) << 31;
                        self.values[i][row_of(at)] = value;
                        spread(&mut self.flags, stride, i, at, sign, causal);
                    }
                    known = false;
                }
                self.flags[i] = flags & !PASSED;
            }
        }
        mq
    }
}

/// The row whose flags are shifted by `at`.
#[inline(always)]
fn row_of(at: u32) -> usize {
    (at.wrapping_mul(11) >> 5 & 3) as usize
}

/// A sign (D.3.2), 1 for negative.
#[inline(always)]
fn sign(mq: &mut Mq<'_>, contexts: &mut [Context; 32], here: u64) -> u64 {
    let around = here & 0xAA | here >> (SIGN + 1) & 0x55;
    let context = SIGN_CONTEXT[around as usize];
    u64::from(mq.decode_even(&mut contexts[(context & 31) as usize]) ^ u32::from(context >> 7))
}

/// Tells the neighbouring columns and stripes that a sample became significant.
#[inline(always)]
fn spread(flags: &mut [u64], stride: usize, i: usize, at: u32, sign: u64, causal: bool) {
    let mark = 1 | sign << SIGN;
    flags[i - 1] |= mark << (OWN + 1 + at);
    flags[i + 1] |= mark << (OWN - 1 + at);
    // The row is that below the stripe above, unless blocks are vertically causal (D.7).
    if at == 0 && !causal {
        let above = i - stride;
        flags[above - 1] |= mark << 17;
        flags[above] |= mark << 16;
        flags[above + 1] |= mark << 15;
    }
    if at == 9 {
        let below = i + stride;
        flags[below - 1] |= mark << 2;
        flags[below] |= mark << 1;
        flags[below + 1] |= mark;
    }
}
