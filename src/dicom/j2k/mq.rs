//! The MQ decoder (T.800 annex C) and the reader of bits that bypass it.
//!
//! The decoder keeps what is left of the interval above the code value instead of the code value itself. The more
//! probable symbol takes the upper part of the interval, so choosing it leaves that distance alone, and as long as the
//! interval stays above one bound a symbol costs a subtraction and a comparison. Symbols that are about as probable as
//! not are decoded without branches, which a processor could not foretell.

use std::hint::select_unpredictable;

/// Probability estimation (table C.2): Qe, next state after the more and the less probable symbol, and whether the
/// sense of the more probable symbol turns then.
const STATES: [(u16, u8, u8, bool); 47] = [
    (0x5601, 1, 1, true),
    (0x3401, 2, 6, false),
    (0x1801, 3, 9, false),
    (0x0AC1, 4, 12, false),
    (0x0521, 5, 29, false),
    (0x0221, 38, 33, false),
    (0x5601, 7, 6, true),
    (0x5401, 8, 14, false),
    (0x4801, 9, 14, false),
    (0x3801, 10, 14, false),
    (0x3001, 11, 17, false),
    (0x2401, 12, 18, false),
    (0x1C01, 13, 20, false),
    (0x1601, 29, 21, false),
    (0x5601, 15, 14, true),
    (0x5401, 16, 14, false),
    (0x5101, 17, 15, false),
    (0x4801, 18, 16, false),
    (0x3801, 19, 17, false),
    (0x3401, 20, 18, false),
    (0x3001, 21, 19, false),
    (0x2801, 22, 19, false),
    (0x2401, 23, 20, false),
    (0x2201, 24, 21, false),
    (0x1C01, 25, 22, false),
    (0x1801, 26, 23, false),
    (0x1601, 27, 24, false),
    (0x1401, 28, 25, false),
    (0x1201, 29, 26, false),
    (0x1101, 30, 27, false),
    (0x0AC1, 31, 28, false),
    (0x09C1, 32, 29, false),
    (0x08A1, 33, 30, false),
    (0x0521, 34, 31, false),
    (0x0441, 35, 32, false),
    (0x02A1, 36, 33, false),
    (0x0221, 37, 34, false),
    (0x0141, 38, 35, false),
    (0x0111, 39, 36, false),
    (0x0085, 40, 37, false),
    (0x0049, 41, 38, false),
    (0x0025, 42, 39, false),
    (0x0015, 43, 40, false),
    (0x0009, 44, 41, false),
    (0x0005, 45, 42, false),
    (0x0001, 45, 43, false),
    (0x5601, 46, 46, false),
];

/// The bits of a context that are Qe; it stands where the interval stands in its register.
const QE: u64 = 0xFFFF << 48;

/// Half of the full interval, below which it is doubled.
const HALF: u64 = 0x8000 << 48;

/// A context: Qe, how far the interval is shifted after a symbol of that size, the two states that can follow, and the
/// more probable symbol in the lowest bit.
pub(super) type Context = u64;

/// Every context by its number: twice the state and the more probable symbol.
static CONTEXTS: [Context; 128] = contexts();

const fn contexts() -> [Context; 128] {
    let mut out = [0; 128];
    let mut i = 0;
    while i < 94 {
        let (qe, more, less, turns) = STATES[i / 2];
        let symbol = i as u64 & 1;
        let more = 2 * more as u64 + symbol;
        let less = 2 * less as u64 + (symbol ^ turns as u64);
        out[i] =
            (qe as u64) << 48 | (qe.leading_zeros() as u64) << 24 | less << 16 | more << 8 | symbol;
        i += 1;
    }
    out
}

/// The context of a state whose more probable symbol is 0.
pub(super) const fn context(state: usize) -> Context {
    contexts()[2 * state]
}

/// Decodes one codeword segment.
///
/// Hot loops work on a copy and never lend it: what no pointer leads to stays in registers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mq<'a> {
    data: &'a [u8],
    at: usize,
    /// The interval, in the upper 16 bits.
    interval: u64,
    /// From the code value to the upper end of the interval.
    above: u64,
    /// Bits of the code value below the 16 that are compared.
    count: i32,
}

impl<'a> Mq<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        let mut mq = Self {
            data,
            at: 0,
            interval: HALF,
            above: HALF,
            // One bit of the compared ones stays zero (C.3.5).
            count: -15,
        };
        (mq.above, mq.at, mq.count) = refill(data, 0, mq.above, mq.count);
        mq
    }

    /// A symbol that is probably the more probable one.
    #[inline(always)]
    pub(super) fn decode(&mut self, context: &mut Context) -> u32 {
        let own = *context;
        let rest = self.interval.wrapping_sub(own & QE);
        if rest >= self.above.max(HALF) {
            self.interval = rest;
            return own as u32 & 1;
        }
        self.settle(context, rest)
    }

    /// A symbol that can as well be one as the other.
    #[inline(always)]
    pub(super) fn decode_even(&mut self, context: &mut Context) -> u32 {
        let rest = self.interval.wrapping_sub(*context & QE);
        self.settle(context, rest)
    }

    /// The choice between the two parts of the interval, whose upper one is `rest` (C.3.2).
    #[inline(always)]
    fn settle(&mut self, context: &mut Context, rest: u64) -> u32 {
        let own = *context;
        let qe = own & QE;
        let lower = self.above > rest;
        // The smaller part is that of the less probable symbol.
        let less = lower ^ (rest < qe);
        let interval = select_unpredictable(lower, qe, rest);
        let above = self
            .above
            .wrapping_sub(select_unpredictable(lower, rest, 0));
        // The upper part is more than an eighth of the full interval, so two shifts do.
        let upper_shift = (!rest >> 63) + u64::from(rest >> 62 == 0);
        let shift = select_unpredictable(lower, own >> 24 & 15, upper_shift);
        // Both are looked up before it is known which one it will be.
        let more = CONTEXTS[(own >> 8 & 127) as usize];
        let other = CONTEXTS[(own >> 16 & 127) as usize];
        let more = select_unpredictable(shift == 0, own, more);
        *context = select_unpredictable(less, other, more);
        self.interval = interval << shift;
        self.above = above << shift;
        self.count -= shift as i32;
        if self.count < 0 {
            (self.above, self.at, self.count) = refill(self.data, self.at, self.above, self.count);
        }
        (own as u32 ^ u32::from(less)) & 1
    }
}

/// Brings more bits of the code value in (C.3.4). Behind the end of the segment, and behind a marker, all bits are one.
#[inline(never)]
fn refill(data: &[u8], mut at: usize, mut above: u64, mut count: i32) -> (u64, usize, i32) {
    let mut last = match at.checked_sub(1) {
        Some(before) => data.get(before).copied().unwrap_or(0xFF),
        None => 0,
    };
    if let Some(word) = data.get(at..).and_then(|rest| rest.first_chunk::<4>()) {
        let word = u32::from_be_bytes(*word);
        let full = word & (word & 0x7F7F_7F7F).wrapping_add(0x0101_0101) & 0x8080_8080;
        if full == 0 && last != 0xFF {
            above = above.wrapping_sub(u64::from(word) << (16 - count));
            return (above, at + 4, count + 32);
        }
    }
    while count <= 24 {
        let byte = data.get(at).copied().unwrap_or(0xFF);
        let (bits, taken) = match (last, byte) {
            // A marker: it stays where it is.
            (0xFF, 0x90..) => (u64::from(0xFFu8) << (40 - count), false),
            // Behind FF a bit was stuffed in, into which the encoder may have carried.
            (0xFF, _) => {
                count -= 1;
                (u64::from(byte) << (40 - count), true)
            }
            _ => (u64::from(byte) << (40 - count), true),
        };
        above = above.wrapping_sub(bits);
        count += 8;
        if taken {
            at += 1;
            last = byte;
        }
    }
    (above, at, count)
}

/// Bits that were written as they are (D.6).
#[derive(Clone, Copy, Debug)]
pub(super) struct Raw<'a> {
    data: &'a [u8],
    at: usize,
    byte: u8,
    left: u32,
}

impl<'a> Raw<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self {
            data,
            at: 0,
            byte: 0,
            left: 0,
        }
    }

    /// One bit; behind the end of the segment they are one.
    #[inline(always)]
    pub(super) fn bit(&mut self) -> u32 {
        if self.left == 0 {
            // Behind FF a bit was stuffed in.
            self.left = if self.byte == 0xFF { 7 } else { 8 };
            self.byte = self.data.get(self.at).copied().unwrap_or(0xFF);
            self.at += 1;
        }
        self.left -= 1;
        u32::from(self.byte >> self.left) & 1
    }
}
