//! The bits of an entropy-coded segment of JPEG-LS, and the codes in them.

use super::{Fault, short, wrong};

/// What went wrong between two samples; made into a [`Fault`] once, outside the loops.
#[derive(Clone, Copy, Debug)]
pub(super) enum Broken {
    Short,
    Code,
    Run,
}

impl From<Broken> for Fault {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Short => short(),
            Broken::Code => wrong("a code that no sample can have"),
            Broken::Run => wrong("a run past the end of its line"),
        }
    }
}

/// Whether one of eight bytes is 0xFF.
pub(super) fn has_ones(word: u64) -> bool {
    let low = 0x7F7F_7F7F_7F7F_7F7F;
    // The highest bit of a byte is set, and would be carried into if it were not.
    (word & low).wrapping_add(!low >> 7) & word & !low != 0
}

/// Unstuffed bytes that are held at a time; a power of two, so that a mask keeps an index within.
const PORTION: usize = 4096;

/// The bits of an entropy-coded segment, freed of stuffing: a zero bit after each byte of all ones.
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    /// Offset of what is not unstuffed yet; the marker once `ended`.
    at: usize,
    buffer: [u8; PORTION + 8],
    /// The next bit of `buffer`.
    pub(super) bit: usize,
    /// Bits of `buffer` that are data; those behind them in the same byte are zero.
    filled: usize,
    /// Where `bit` needs `refill`. Up to here 64 bits can be taken.
    limit: usize,
    ended: bool,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Result<Self, Broken> {
        let mut bits = Self {
            bytes,
            at,
            buffer: [0; PORTION + 8],
            bit: 0,
            filled: 0,
            limit: 0,
            ended: false,
        };
        bits.restart(at)?;
        Ok(bits)
    }

    /// Begins again with the segment at an offset.
    pub(super) fn restart(&mut self, at: usize) -> Result<(), Broken> {
        (self.at, self.bit, self.filled, self.ended) = (at, 0, 0, false);
        self.buffer[0] = 0;
        self.refill()
    }

    /// The bits from `bit` on, topmost first; at least 57 of them are true.
    #[inline(always)]
    pub(super) fn window(&self, bit: usize) -> u64 {
        let first = (bit >> 3) & (PORTION - 1);
        // The mask keeps eight bytes within the buffer, which the compiler sees: no check is left.
        let bytes = self.buffer.get(first..).and_then(<[u8]>::first_chunk);
        bytes.map_or(0, |b| u64::from_be_bytes(*b)) << (bit & 7)
    }

    /// `count` bits, at most 32, from `bit` on.
    #[inline(always)]
    pub(super) fn take(&self, bit: usize, count: u32) -> u32 {
        ((self.window(bit) >> 1) >> (63 - count)) as u32
    }

    fn put(&mut self, byte: u8, width: usize) {
        let place = self.filled >> 3;
        let spread = u16::from(byte) << (16 - width - (self.filled & 7));
        if let Some([high, low]) = self.buffer.get_mut(place..place + 2) {
            *high |= (spread >> 8) as u8;
            *low = spread as u8;
        }
        self.filled += width;
    }

    /// Drops what was read and unstuffs more; [`Broken::Short`] when more was read than there is.
    #[cold]
    #[inline(never)]
    fn refill(&mut self) -> Result<(), Broken> {
        if self.ended {
            return if self.bit > self.filled {
                Err(Broken::Short)
            } else {
                Ok(())
            };
        }
        let (read, last) = (self.bit >> 3, self.filled >> 3);
        self.buffer.copy_within(read..=last, 0);
        self.bit -= read << 3;
        self.filled -= read << 3;
        while self.filled >> 3 < PORTION - 64 {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            if let Some(next) = rest.first_chunk::<8>() {
                let word = u64::from_be_bytes(*next);
                let place = self.filled >> 3;
                if !has_ones(word)
                    && let Some(bytes) = self.buffer.get_mut(place..place + 9)
                    && let [first, .., last] = bytes
                {
                    // The bits that the place holds already, then the word; its end goes into the ninth byte.
                    let shift = self.filled & 7;
                    let joined = u64::from(*first) << 56 | word >> shift;
                    *last = (word << (8 - shift)) as u8;
                    if let Some(eight) = bytes.first_chunk_mut() {
                        *eight = joined.to_be_bytes();
                    }
                    self.at += 8;
                    self.filled += 64;
                    continue;
                }
            }
            match *rest {
                [0xFF, next @ 0..=0x7F, ..] => {
                    self.put(0xFF, 8);
                    self.put(next, 7);
                    self.at += 2;
                }
                [0xFF, ..] | [] => {
                    self.ended = true;
                    // As far as windows may look past the end; the room is kept by the condition of the loop.
                    let from = (self.filled + 7) >> 3;
                    if let Some(past) = self.buffer.get_mut(from..from + 32) {
                        past.fill(0);
                    }
                    break;
                }
                [byte, ..] => {
                    self.put(byte, 8);
                    self.at += 1;
                }
            }
        }
        self.limit = if self.ended {
            self.filled + 1
        } else {
            self.filled - 64
        };
        Ok(())
    }

    /// Refills where needed, so that a code of up to 64 bits can be taken, and returns where `bit` is then.
    #[inline(always)]
    pub(super) fn ready(&mut self, bit: usize) -> Result<usize, Broken> {
        if bit < self.limit {
            return Ok(bit);
        }
        self.bit = bit;
        self.refill()?;
        Ok(self.bit)
    }

    /// A limited-length Golomb code (A.5.3) with `escape` zeros before a value in full, and the bit behind it.
    #[inline(never)]
    pub(super) fn golomb(
        &self,
        bit: usize,
        k: u32,
        escape: u32,
        qbpp: u32,
    ) -> Result<(u32, usize), Broken> {
        let zeros = (self.window(bit) | 1).leading_zeros();
        let (width, base) = if zeros < escape {
            (k, zeros.wrapping_shl(k))
        } else if zeros == escape {
            (qbpp, 1)
        } else {
            return Err(Broken::Code);
        };
        let from = bit + zeros as usize + 1;
        let value = base.wrapping_add(self.take(from, width));
        Ok((value, from + width as usize))
    }

    /// The offset of the marker behind the data, which must be used up but for padding.
    pub(super) fn finish(&mut self) -> Result<usize, Fault> {
        // Not at the end yet: it must be within the next portion.
        if !self.ended {
            self.refill()?;
        }
        let left = self.filled.checked_sub(self.bit).ok_or_else(short)?;
        // Up to 7 bits of padding, and a whole byte more where the last one was all ones.
        if !self.ended || left >= 16 {
            return Err(wrong("data left over behind a scan"));
        }
        Ok(self.at)
    }
}
