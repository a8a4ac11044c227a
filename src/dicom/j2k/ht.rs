//! Code blocks of T.814: a cleanup pass that codes quads of samples with short codes, and two passes that refine it.
//!
//! The three streams of a cleanup pass are freed of stuffing before they are read. Then any place in them is a load
//! and a shift away, and no reader has to look for stuffed bits.

use super::{
    Broken,
    block::Coded,
    ht_tables::{BOUNDS, Bounds, Codes, FIRST, LONG, MASKS, OTHERS, SPREAD, bounds},
};

fn corrupt(what: &'static str) -> Broken {
    Broken::Corrupt(what)
}

/// A decoded block; samples are as those of [`super::block::Blocks`], by quads of two by two and there by columns.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    samples: Vec<[u32; 4]>,
    /// Quads in a row of them.
    quads: usize,
    width: usize,
    height: usize,
    /// Signs and magnitudes, free of stuffing.
    magnitudes: Vec<u8>,
    /// Codes of quads, free of stuffing and turned round.
    codes: Vec<u8>,
    /// Significance patterns of the row of quads above, with a margin.
    patterns: Vec<u8>,
    /// A row of quads, taken apart.
    row: Vec<Quad>,
    /// For the row of quads above, with a margin: magnitudes less one with the sign below; 0 for insignificant samples.
    above: Vec<[u32; 4]>,
    /// Significance with a margin, while a block is refined: 1 from the cleanup pass, 2 since then.
    significant: Vec<u8>,
}

/// Bytes behind a stream of which any load begins before its end.
const MARGIN: usize = 16;

/// The adaptive run-length code (7.3.3): most significant bit first, behind FF a bit is stuffed in.
#[derive(Clone, Copy, Debug)]
struct Runs<'a> {
    data: &'a [u8],
    at: usize,
    byte: u8,
    left: u32,
    state: usize,
    zeros: u32,
    one: bool,
}

/// Exponents of the runs (table 2).
const EXPONENTS: [u32; 13] = [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5];

impl<'a> Runs<'a> {
    fn new(data: &'a [u8]) -> Self {
        Self {
            data,
            at: 0,
            byte: 0,
            left: 0,
            state: 0,
            zeros: 0,
            one: false,
        }
    }

    fn bit(&mut self) -> u32 {
        if self.left == 0 {
            self.left = if self.byte == 0xFF { 7 } else { 8 };
            self.byte = match self.data.get(self.at) {
                // The last byte is shared: its lower half belongs to the codes of quads.
                Some(byte) if self.at + 1 == self.data.len() => byte | 0xF,
                Some(byte) => *byte,
                None => 0xFF,
            };
            self.at += 1;
        }
        self.left -= 1;
        u32::from(self.byte >> self.left) & 1
    }

    #[inline(always)]
    fn event(&mut self) -> bool {
        if self.zeros > 0 {
            self.zeros -= 1;
            return false;
        }
        if self.one {
            self.one = false;
            return true;
        }
        self.next()
    }

    #[inline(never)]
    fn next(&mut self) -> bool {
        let exponent = EXPONENTS.get(self.state).copied().unwrap_or(5);
        if self.bit() == 1 {
            self.state = (self.state + 1).min(12);
            self.zeros = (1 << exponent) - 1;
            return false;
        }
        self.state = self.state.saturating_sub(1);
        let run = (0..exponent).fold(0, |run, _| run << 1 | self.bit());
        if run == 0 {
            return true;
        }
        self.zeros = run - 1;
        self.one = true;
        false
    }
}

/// The codes of quads: the next bits are the lowest of `bits`, and `left` of them are there.
#[derive(Clone, Copy, Debug)]
struct Window<'a> {
    data: &'a [u8],
    at: usize,
    bits: u64,
    left: u32,
}

impl Window<'_> {
    #[inline(always)]
    fn skip(&mut self, count: u32) {
        self.bits >>= count & 63;
        self.left = self.left.wrapping_sub(count);
    }

    /// Has at least 56 bits afterwards.
    #[inline(always)]
    fn refill(&mut self) {
        let more = load(self.data, self.at);
        self.bits |= more << (self.left & 63);
        self.at += (63 - (self.left & 63)) as usize / 8;
        self.left |= 56;
    }
}

/// Eight bytes from `at` on; there are none behind the end.
#[inline(always)]
fn load(data: &[u8], at: usize) -> u64 {
    match data.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => 0,
    }
}

/// Collects bits, the first one lowest.
struct Packer<'a> {
    out: &'a mut Vec<u8>,
    bits: u64,
    count: u32,
}

impl Packer<'_> {
    fn put(&mut self, bits: u8, count: u32) {
        self.bits |= u64::from(bits) << self.count;
        self.count += count;
        if self.count >= 8 {
            self.out.push(self.bits as u8);
            self.bits >>= 8;
            self.count -= 8;
        }
    }

    /// A byte of a stream that runs backward.
    fn put_backward(&mut self, byte: u8, large: &mut bool) {
        let full = *large && byte & 0x7F == 0x7F;
        self.put(if full { 0x7F } else { byte }, if full { 7 } else { 8 });
        *large = byte > 0x8F;
    }

    #[inline(always)]
    fn put_eight(&mut self, bytes: u64) {
        let all = self.bits | bytes << self.count;
        self.out.extend_from_slice(&all.to_le_bytes());
        // Two shifts, since one by 64 is none.
        self.bits = bytes >> 1 >> (63 - self.count);
    }

    /// Fills up with bits; gives how many bits there were before.
    fn end(self, fill: u8) -> usize {
        let bits = self.out.len() * 8 + self.count as usize;
        let fill = [fill; MARGIN];
        self.out.push(self.bits as u8 | fill[0] << self.count);
        self.out.extend_from_slice(&fill);
        bits
    }
}

/// Frees a stream that runs forward: the byte behind FF has seven bits. Gives the number of bits.
fn forward(data: &[u8], fill: u8, out: &mut Vec<u8>) -> usize {
    out.clear();
    out.reserve(data.len() + MARGIN + 8);
    let mut packer = Packer {
        out,
        bits: 0,
        count: 0,
    };
    let mut full = false;
    let (chunks, rest) = data.as_chunks::<8>();
    for chunk in chunks {
        let bytes = u64::from_le_bytes(*chunk);
        let low = (bytes & 0x7F7F_7F7F_7F7F_7F7F) + 0x0101_0101_0101_0101;
        if !full && bytes & low & 0x8080_8080_8080_8080 == 0 {
            packer.put_eight(bytes);
        } else {
            for byte in chunk {
                let count = if full { 7 } else { 8 };
                packer.put(if full { byte & 0x7F } else { *byte }, count);
                full = *byte == 0xFF;
            }
        }
    }
    for byte in rest {
        let count = if full { 7 } else { 8 };
        packer.put(if full { byte & 0x7F } else { *byte }, count);
        full = *byte == 0xFF;
    }
    packer.end(fill)
}

/// Frees a stream that runs backward from the end of `data`: of a byte behind one above 8F, seven bits that are all one
/// are all of it. `head` is what lies before it: bits, how many, and whether they were of a byte above 8F.
fn backward(data: &[u8], head: (u8, u32, bool), out: &mut Vec<u8>) -> usize {
    out.clear();
    out.reserve(data.len() + MARGIN + 8);
    let mut packer = Packer {
        out,
        bits: 0,
        count: 0,
    };
    packer.put(head.0, head.1);
    let mut large = head.2;
    let (rest, chunks) = data.as_rchunks::<8>();
    for chunk in chunks.iter().rev() {
        let bytes = u64::from_be_bytes(*chunk);
        let low = (bytes & 0x7F7F_7F7F_7F7F_7F7F) + 0x0101_0101_0101_0101;
        if low & 0x8080_8080_8080_8080 == 0 {
            packer.put_eight(bytes);
            large = bytes >> 56 > 0x8F;
        } else {
            for byte in chunk.iter().rev() {
                packer.put_backward(*byte, &mut large);
            }
        }
    }
    for byte in rest.iter().rev() {
        packer.put_backward(*byte, &mut large);
    }
    packer.end(0)
}

impl Blocks {
    /// Gives the block's lines, two at a time.
    pub(super) fn lines(&self) -> impl Iterator<Item = &[[u32; 4]]> {
        self.samples.chunks_exact(self.quads.max(1))
    }

    /// Decodes a block.
    pub(super) fn decode(&mut self, coded: &Coded<'_>, placeholders: u32) -> Result<(), Broken> {
        if coded.planes > 30 {
            return Err(Broken::Planes);
        }
        let plane = coded
            .planes
            .checked_sub(coded.empty + 1)
            .ok_or(Broken::Corrupt("a code block without bit planes"))?;
        let (cleanup, refining) = match coded.segments {
            [cleanup] => (cleanup, None),
            [cleanup, refining] => (cleanup, Some(refining)),
            _ => return Err(corrupt("a code block with too many passes")),
        };
        if cleanup.passes != 1 + 3 * placeholders {
            return Err(corrupt("a code block with too many passes"));
        }
        let (data, rest) = coded
            .data
            .split_at_checked(cleanup.bytes as usize)
            .ok_or(Broken::Corrupt("a code block without its bytes"))?;
        (self.width, self.height) = (coded.width, coded.height);
        let quads = coded.width.div_ceil(2);
        self.quads = quads;
        // What was there is written over.
        self.samples
            .resize(quads * coded.height.div_ceil(2), [0; 4]);
        self.row.resize(quads.next_multiple_of(2), Quad::default());
        self.cleanup(data, quads, plane, coded.empty + 2)?;
        let Some(refining) = refining else {
            return Ok(());
        };
        let data = rest
            .get(..refining.bytes as usize)
            .ok_or(Broken::Corrupt("a code block without its bytes"))?;
        if plane == 0 || refining.passes > 2 {
            return Err(corrupt("a code block with too many passes"));
        }
        self.refine(data, plane - 1, refining.passes == 2, coded.mode.causal());
        Ok(())
    }

    /// The cleanup pass (7.3). Its magnitudes end at `plane`; `most` is what exponents can be.
    fn cleanup(&mut self, data: &[u8], quads: usize, plane: u32, most: u32) -> Result<(), Broken> {
        // The last two bytes tell where the magnitudes end.
        let split = data.split_last_chunk::<2>().and_then(|(rest, tail)| {
            let length = usize::from(tail[1]) << 4 | usize::from(tail[0] & 15);
            let codes = length.checked_sub(2).filter(|_| length <= 4079)?;
            let (magnitudes, codes) = rest.split_at_checked(rest.len().checked_sub(codes)?)?;
            let runs = data.get(magnitudes.len()..data.len() - 1)?;
            Some((magnitudes, codes, runs, tail[0]))
        });
        let (magnitudes, codes, runs, shared) =
            split.ok_or(Broken::Corrupt("a code block whose streams overlap"))?;
        let magnitude_bits = forward(magnitudes, 0xFF, &mut self.magnitudes);
        let head = shared >> 4;
        let count = if head & 7 == 7 { 3 } else { 4 };
        let head = (head & ((1 << count) - 1), count, shared | 0xF > 0x8F);
        let code_bits = backward(codes, head, &mut self.codes);
        let mut runs = Runs::new(runs);
        let mut window = Window {
            data: &self.codes,
            at: 0,
            bits: 0,
            left: 0,
        };
        window.refill();
        self.patterns.clear();
        self.patterns.resize(quads + 4, 0);
        self.above.clear();
        self.above.resize(quads + 2, [0; 4]);
        let mut line = Line {
            magnitudes: &self.magnitudes,
            at: 0,
            most,
            exceeded: false,
        };
        for (n, samples) in self.samples.chunks_exact_mut(quads).enumerate() {
            let (patterns, above) = (&mut self.patterns[..], &mut self.above[..]);
            let read = if n == 0 {
                Line::read::<true>
            } else {
                Line::read::<false>
            };
            let row = &mut self.row;
            if read(
                &mut line,
                row,
                quads,
                patterns,
                above,
                &mut window,
                &mut runs,
            ) {
                settle(row, plane, above, samples);
            } else {
                above.fill([0; 4]);
                samples.fill([0; 4]);
            }
        }
        let used = (window.at * 8).saturating_sub(window.left as usize);
        if line.exceeded || used > code_bits || line.at > magnitude_bits + 8 * MARGIN / 2 {
            return Err(corrupt("a code block whose codes do not fit"));
        }
        Ok(())
    }
}

/// A quad whose samples still lie among the bits that follow them.
#[derive(Clone, Copy, Debug, Default)]
struct Quad {
    bits: [u32; 4],
    code: u32,
    /// The largest exponent that a sample has.
    exponent: u32,
}

/// Samples of a row of quads (7.3.8), column by column.
#[inline(never)]
fn settle(row: &[Quad], plane: u32, above: &mut [[u32; 4]], samples: &mut [[u32; 4]]) {
    let plane = plane & 31;
    for (quad, (less, sample)) in row.iter().zip(above.iter_mut().zip(samples)) {
        let top = 1u32 << (quad.exponent & 31) >> 1;
        let own = &MASKS[(quad.code >> 4 & 15) as usize];
        let known = &MASKS[(quad.code >> 12 & 15) as usize];
        let value = &MASKS[(quad.code >> 8 & 15) as usize];
        let mut out = [0; 4];
        let mut next = [0; 4];
        for n in 0..4 {
            let mask = (top.wrapping_sub(1) | top & !known[n]) & own[n];
            // Twice the magnitude less one, and the sign below.
            let v = quad.bits[n] & mask | top & value[n];
            next[n] = v;
            let v = v.wrapping_add(2);
            out[n] = ((v | 1) << plane | v << 31) & own[n];
        }
        *less = next;
        *sample = out;
    }
}

/// Reads rows of quads.
struct Line<'a> {
    magnitudes: &'a [u8],
    /// Bit at which the next magnitude begins.
    at: usize,
    most: u32,
    /// An exponent was larger than it can be.
    exceeded: bool,
}

impl Line<'_> {
    /// A row of quads (7.3.5): patterns and exponent bounds of a pair, then its magnitudes. Gives whether any sample is
    /// significant.
    #[inline(never)]
    fn read<const FIRST_ROW: bool>(
        &mut self,
        row: &mut [Quad],
        quads: usize,
        patterns: &mut [u8],
        above: &[[u32; 4]],
        window: &mut Window<'_>,
        runs: &mut Runs<'_>,
    ) -> bool {
        let table: &Codes = if FIRST_ROW { &FIRST } else { &OTHERS };
        let mut codes = *window;
        let (magnitudes, most) = (self.magnitudes, self.most);
        let (mut at, mut exceeded) = (self.at, self.exceeded);
        // Significance of the quad to the left, and of that to the left above.
        let mut left = 0u32;
        let mut left_above = 0u32;
        // The last magnitude of the quad to the left above.
        let mut corner = 0u32;
        let mut quads_left = quads;
        let mut any = false;
        let row = row.as_chunks_mut::<2>().0;
        for (pair, place) in row.iter_mut().enumerate() {
            let Some([own_one, own_two, after]) = patterns
                .get_mut(2 * pair..)
                .and_then(|all| all.first_chunk_mut::<3>())
            else {
                break;
            };
            let old = [u32::from(*own_one), u32::from(*own_two), u32::from(*after)];
            if runs.zeros > 1 && quads_left > 1 && left | left_above | old[0] | old[1] | old[2] == 0
            {
                // Dark on all sides, and two quads more of it.
                runs.zeros -= 2;
                quads_left -= 2;
                corner = 0;
                *place = [Quad::default(); 2];
                continue;
            }
            // First quad.
            let context = if FIRST_ROW {
                (left | left >> 1) & 1 | left >> 1 & 6
            } else {
                surrounding(left_above, old[0], old[1], left)
            };
            let mut one =
                u32::from(table[(context << 7 | codes.bits as u32 & 127) as usize & 1023]);
            if context == 0 && !runs.event() {
                one = 0;
            }
            codes.skip(one & 7);
            codes.refill();
            let pattern = one >> 4 & 15;
            // Second quad.
            let context = if FIRST_ROW {
                (pattern | pattern >> 1) & 1 | pattern >> 1 & 6
            } else {
                surrounding(old[0], old[1], old[2], pattern)
            };
            let mut two = 0;
            if quads_left > 1 {
                two = u32::from(table[(context << 7 | codes.bits as u32 & 127) as usize & 1023]);
                if context == 0 && !runs.event() {
                    two = 0;
                }
                codes.skip(two & 7);
            }
            quads_left = quads_left.saturating_sub(2);
            left = two >> 4 & 15;
            left_above = old[1];
            (*own_one, *own_two) = (pattern as u8, left as u8);
            if one | two == 0 {
                // Nothing is significant, which is most of a picture's dark.
                *place = [Quad::default(); 2];
                corner = above.get(2 * pair + 1).map_or(0, |above| above[3]);
                continue;
            }
            any = true;
            // Exponent bounds.
            let mut kind = one >> 3 & 1 | two >> 2 & 2;
            if FIRST_ROW && kind == 3 {
                kind = if runs.event() { 5 } else { 4 };
            }
            let index = (kind << 8 | codes.bits as u32 & 255) as usize;
            let known = u32::from(BOUNDS[index & 2047]);
            let (mut bound_one, mut bound_two) = (known >> 12, known >> 8 & 15);
            let mut used = known & 15;
            if known == LONG {
                (bound_one, bound_two, used) = long_bounds(kind, codes.bits);
            }
            codes.skip(used);
            // Magnitudes; the exponents above foretell them (7.3.7).
            let predicted = |pattern: u32, around: u32| {
                let several = u32::from(pattern & pattern.wrapping_sub(1) != 0);
                31 - (around & several.wrapping_neg() | 2).leading_zeros()
            };
            let (mut around_one, mut around_two) = (0, 0);
            if !FIRST_ROW
                && let Some([one, two, three]) =
                    above.get(2 * pair..).and_then(|all| all.first_chunk::<3>())
            {
                around_one = corner | one[1] | one[3] | two[1];
                around_two = one[3] | two[1] | two[3] | three[1];
                corner = two[3];
            }
            let exponent_one = bound_one + predicted(pattern, around_one);
            let exponent_two = bound_two + predicted(left, around_two);
            exceeded |= exponent_one.max(exponent_two) > most;
            let [first, second] = place;
            at += take(magnitudes, at, one, exponent_one & 31, first);
            at += take(magnitudes, at, two, exponent_two & 31, second);
        }
        *window = codes;
        (self.at, self.exceeded) = (at, exceeded);
        any
    }
}

#[inline(never)]
fn long_bounds(kind: u32, bits: u64) -> (u32, u32, u32) {
    let kind = match kind {
        1 => Bounds::First,
        2 => Bounds::Second,
        3 => Bounds::Both,
        4 => Bounds::BothSmall,
        _ => Bounds::BothLarge,
    };
    bounds(kind, bits)
}

/// Takes the bits of a quad's samples; gives how many they are.
#[inline(always)]
fn take(magnitudes: &[u8], at: usize, code: u32, exponent: u32, quad: &mut Quad) -> usize {
    let (pattern, known) = ((code >> 4 & 15) as usize, (code >> 12 & 15) as usize);
    // Bits of each, one byte each.
    let bits = SPREAD[pattern]
        .wrapping_mul(exponent)
        .wrapping_sub(SPREAD[known]);
    let ends = bits.wrapping_mul(0x0101_0101);
    let all = ends >> 24;
    if all <= 56 {
        let window = load(magnitudes, at >> 3) >> (at & 7);
        quad.bits = [
            window as u32,
            (window >> (ends & 63)) as u32,
            (window >> (ends >> 8 & 63)) as u32,
            (window >> (ends >> 16 & 63)) as u32,
        ];
    } else {
        let starts = [0, ends & 255, ends >> 8 & 255, ends >> 16 & 255];
        for (bits, start) in quad.bits.iter_mut().zip(starts) {
            let at = at + start as usize;
            *bits = (load(magnitudes, at >> 3) >> (at & 7)) as u32;
        }
    }
    (quad.code, quad.exponent) = (code, exponent);
    all as usize
}

/// The context of a quad by what was decoded around it: quads to the left above, above, to the right above and to the
/// left (7.3.4).
#[inline(always)]
fn surrounding(left_above: u32, above: u32, right_above: u32, left: u32) -> u32 {
    (left_above >> 3 | above >> 1) & 1
        | (left >> 2 | left >> 3) << 1 & 2
        | (above >> 3 | right_above >> 1) << 2 & 4
}

/// A sample by its place.
fn sample(samples: &mut [[u32; 4]], quads: usize, x: usize, y: usize) -> Option<&mut u32> {
    let quad = samples.get_mut(y / 2 * quads + x / 2)?;
    quad.get_mut(x % 2 * 2 + y % 2)
}

/// Bits one by one, in a stream that is free of stuffing; behind its end they are zero.
struct Single<'a> {
    data: &'a [u8],
    at: usize,
}

impl Single<'_> {
    fn bit(&mut self) -> u32 {
        let byte = self.data.get(self.at >> 3).copied().unwrap_or(0);
        let bit = byte >> (self.at & 7) & 1;
        self.at += 1;
        u32::from(bit)
    }
}

impl Blocks {
    /// The passes that refine (7.4, 7.5): significance in the plane below those of the cleanup pass, whose bits run
    /// forward, and magnitudes, whose bits run backward.
    fn refine(&mut self, data: &[u8], plane: u32, magnitudes: bool, causal: bool) {
        let (width, height) = (self.width, self.height);
        let across = width + 2;
        self.significant.clear();
        self.significant.resize(across * (height + 2), 0);
        for y in 0..height {
            for x in 0..width {
                let significant =
                    sample(&mut self.samples, self.quads, x, y).is_some_and(|sample| *sample != 0);
                if let Some(mark) = self.significant.get_mut((y + 1) * across + x + 1) {
                    *mark = u8::from(significant);
                }
            }
        }
        forward(data, 0, &mut self.magnitudes);
        let mut bits = Single {
            data: &self.magnitudes,
            at: 0,
        };
        for top in (0..height).step_by(4) {
            let bottom = (top + 4).min(height);
            for first in (0..width).step_by(4) {
                let columns = first..(first + 4).min(width);
                // Four columns of a stripe, then the signs of those that became significant.
                let mut fresh = [(0, 0); 16];
                let mut count = 0;
                for x in columns {
                    for y in top..bottom {
                        let here = (y + 1) * across + x + 1;
                        let marks = &self.significant;
                        let three = |at: usize| {
                            let all = marks.get(at - 1..at + 2).unwrap_or_default();
                            all.iter().any(|m| *m != 0)
                        };
                        if marks.get(here).is_none_or(|m| *m != 0) {
                            continue;
                        }
                        let below =
                            (!causal || y + 1 < bottom || y % 4 != 3) && three(here + across);
                        if !(three(here - across) || three(here) || below) || bits.bit() == 0 {
                            continue;
                        }
                        if let (Some(mark), Some(place)) =
                            (self.significant.get_mut(here), fresh.get_mut(count))
                        {
                            (*mark, *place) = (2, (x, y));
                            count += 1;
                        }
                    }
                }
                for (x, y) in fresh.into_iter().take(count) {
                    if let Some(sample) = sample(&mut self.samples, self.quads, x, y) {
                        *sample = 3 << plane | bits.bit() << 31;
                    }
                }
            }
        }
        if !magnitudes {
            return;
        }
        backward(data, (0, 0, true), &mut self.codes);
        let mut bits = Single {
            data: &self.codes,
            at: 0,
        };
        for top in (0..height).step_by(4) {
            for x in 0..width {
                for y in top..(top + 4).min(height) {
                    if self.significant.get((y + 1) * across + x + 1) != Some(&1) {
                        continue;
                    }
                    if let Some(sample) = sample(&mut self.samples, self.quads, x, y) {
                        // The half step of the plane above becomes the bit.
                        *sample = (*sample ^ (bits.bit() ^ 1) << (plane + 1)) | 1 << plane;
                    }
                }
            }
        }
    }
}
