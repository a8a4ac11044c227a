//! Inflating deflated data sets and frames (RFC 1951) as a stream with a budget on what comes out.
//!
//! The budget counts bytes as they are made, not as declared, so a bomb ends early.

use super::guard::Fault;
use crate::model::study::RejectionKind;

/// A ratio above this is suspicious…
const RATIO_ALARM: usize = 200;
/// …once this much has come out.
const RATIO_FLOOR: usize = 16 << 20;

/// Inflates a raw deflate stream. `limit` is the most bytes that may come out; `context` names the stream.
///
/// # Errors
/// `INFLATE_LIMIT` and `INFLATE_RATIO` (limit), `INFLATE_CUT` and `INFLATE_CORRUPT` (rejected).
pub(super) fn inflate(input: &[u8], limit: usize, context: &str) -> Result<Vec<u8>, Fault> {
    inflate_counted(input, limit, context).map(|(bytes, _)| bytes)
}

/// Inflates, and counts the bytes of the input that the stream takes.
///
/// # Errors
/// See [`inflate`].
pub(super) fn inflate_counted(
    input: &[u8],
    limit: usize,
    context: &str,
) -> Result<(Vec<u8>, usize), Fault> {
    let mut out = Output {
        bytes: Vec::new(),
        limit,
        input: input.len(),
        context,
    };
    let mut bits = Bits {
        input,
        position: 0,
        held: 0,
        count: 0,
        context,
    };
    loop {
        let last = bits.take(1)? == 1;
        match bits.take(2)? {
            0 => stored(&mut bits, &mut out)?,
            1 => {
                let mut lengths = [8u8; 288];
                lengths.iter_mut().skip(144).take(112).for_each(|l| *l = 9);
                lengths.iter_mut().skip(256).take(24).for_each(|l| *l = 7);
                let literals = Codes::new(&lengths, context)?;
                let distances = Codes::new(&[5; 30], context)?;
                coded(&mut bits, &mut out, &literals, &distances)?;
            }
            2 => {
                let (literals, distances) = dynamic_codes(&mut bits)?;
                coded(&mut bits, &mut out, &literals, &distances)?;
            }
            _ => return Err(corrupt(context, "a block of the reserved type")),
        }
        if last {
            // Bits of a byte that was begun belong to the stream; whole bytes that were read ahead do not.
            return Ok((out.bytes, bits.position - (bits.count / 8) as usize));
        }
    }
}

fn corrupt(context: &str, what: &str) -> Fault {
    Fault::new(
        RejectionKind::Rejected,
        "INFLATE_CORRUPT",
        format!("{context} is not a deflate stream: {what}"),
    )
}

struct Output<'a> {
    bytes: Vec<u8>,
    limit: usize,
    input: usize,
    context: &'a str,
}

impl Output<'_> {
    /// Whether `count` more bytes are allowed.
    fn check(&self, count: usize) -> Result<(), Fault> {
        let size = self.bytes.len().saturating_add(count);
        let fault = |code, why: String| {
            let text = format!("{} inflates to more than {why}", self.context);
            Err(Fault::new(RejectionKind::Limit, code, text))
        };
        if size > self.limit {
            return fault("INFLATE_LIMIT", format!("{} bytes", self.limit));
        }
        if size > RATIO_FLOOR && size / RATIO_ALARM > self.input {
            return fault("INFLATE_RATIO", format!("{RATIO_ALARM} times its size"));
        }
        Ok(())
    }

    fn push(&mut self, byte: u8) -> Result<(), Fault> {
        self.check(1)?;
        self.bytes.push(byte);
        Ok(())
    }

    fn repeat(&mut self, distance: usize, count: usize) -> Result<(), Fault> {
        self.check(count)?;
        let Some(start) = self.bytes.len().checked_sub(distance) else {
            return Err(corrupt(self.context, "a reference before the beginning"));
        };
        if distance >= count {
            self.bytes.extend_from_within(start..start + count);
        } else {
            // The run overlaps what it makes: double it until it is long enough.
            let mut left = count;
            while left > 0 {
                let step = (self.bytes.len() - start).min(left);
                self.bytes.extend_from_within(start..start + step);
                left -= step;
            }
        }
        Ok(())
    }
}

/// Bits of the input, least significant first.
struct Bits<'a> {
    input: &'a [u8],
    position: usize,
    held: u64,
    count: u32,
    context: &'a str,
}

impl Bits<'_> {
    fn refill(&mut self) {
        while self.count <= 56 {
            let Some(&byte) = self.input.get(self.position) else {
                return;
            };
            self.held |= u64::from(byte) << self.count;
            self.position += 1;
            self.count += 8;
        }
    }

    fn cut(&self) -> Fault {
        Fault::new(
            RejectionKind::Rejected,
            "INFLATE_CUT",
            format!("{} ends before its deflate stream does", self.context),
        )
    }

    fn drop(&mut self, count: u32) -> Result<(), Fault> {
        if count > self.count {
            return Err(self.cut());
        }
        self.held >>= count;
        self.count -= count;
        Ok(())
    }

    /// Up to 16 bits as a number.
    fn take(&mut self, count: u32) -> Result<usize, Fault> {
        self.refill();
        let value = (self.held & ((1 << count) - 1)) as usize;
        self.drop(count)?;
        Ok(value)
    }
}

/// Bits that a first look-up decodes.
const FAST_BITS: u32 = 10;

/// A canonical Huffman code: a table for short codes, counting for long ones (RFC 1951, 3.2.2).
struct Codes {
    /// Symbol and length by the next [`FAST_BITS`] bits; length 0: longer, or no such code.
    fast: Vec<(u16, u8)>,
    /// Number of codes of each length.
    counts: [u16; 16],
    /// Symbols in order of their codes.
    symbols: Vec<u16>,
}

impl Codes {
    fn new(lengths: &[u8], context: &str) -> Result<Self, Fault> {
        let mut counts = [0u16; 16];
        for &length in lengths {
            if let Some(count) = counts.get_mut(usize::from(length)) {
                *count += 1;
            }
        }
        counts[0] = 0;
        let mut left = 1i32;
        let mut next = [0u16; 16];
        let mut code = 0u32;
        for (length, &count) in counts.iter().enumerate().skip(1) {
            left = (left << 1) - i32::from(count);
            if left < 0 {
                return Err(corrupt(context, "an over-full Huffman code"));
            }
            code <<= 1;
            if let Some(first) = next.get_mut(length) {
                *first = code as u16;
            }
            code += u32::from(count);
        }
        let mut symbols = Vec::with_capacity(lengths.len());
        for length in 1..=15u8 {
            let of_length = lengths.iter().enumerate().filter(|(_, l)| **l == length);
            symbols.extend(of_length.map(|(symbol, _)| symbol as u16));
        }
        let mut fast = vec![(0u16, 0u8); 1 << FAST_BITS];
        for (symbol, &length) in lengths.iter().enumerate() {
            if length == 0 {
                continue;
            }
            let Some(slot) = next.get_mut(usize::from(length)) else {
                continue;
            };
            let code = u32::from(*slot);
            *slot = slot.wrapping_add(1);
            if u32::from(length) <= FAST_BITS {
                let reversed = code.reverse_bits() >> (32 - u32::from(length));
                let step = 1usize << length;
                for entry in fast.iter_mut().skip(reversed as usize).step_by(step) {
                    *entry = (symbol as u16, length);
                }
            }
        }
        Ok(Self {
            fast,
            counts,
            symbols,
        })
    }

    fn decode(&self, bits: &mut Bits<'_>) -> Result<usize, Fault> {
        bits.refill();
        let look = (bits.held & ((1 << FAST_BITS) - 1)) as usize;
        if let Some(&(symbol, length)) = self.fast.get(look)
            && length > 0
        {
            bits.drop(u32::from(length))?;
            return Ok(usize::from(symbol));
        }
        let (mut code, mut first, mut index) = (0i32, 0i32, 0i32);
        for (length, &count) in self.counts.iter().enumerate().skip(1) {
            code |= ((bits.held >> (length - 1)) & 1) as i32;
            let count = i32::from(count);
            if code - count < first {
                bits.drop(length as u32)?;
                let symbol = self.symbols.get((index + code - first) as usize);
                return symbol
                    .map(|s| usize::from(*s))
                    .ok_or_else(|| corrupt(bits.context, "a code without a symbol"));
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        if bits.count < 15 {
            return Err(bits.cut());
        }
        Err(corrupt(bits.context, "a code without a symbol"))
    }
}

fn stored(bits: &mut Bits<'_>, out: &mut Output<'_>) -> Result<(), Fault> {
    let odd = bits.count % 8;
    bits.drop(odd)?;
    let length = bits.take(16)?;
    let complement = bits.take(16)?;
    if length != (!complement & 0xFFFF) {
        return Err(corrupt(
            bits.context,
            "a stored block whose length is wrong",
        ));
    }
    out.check(length)?;
    // Give back whole bytes that were read ahead, then copy straight.
    let start = bits.position - (bits.count / 8) as usize;
    bits.held = 0;
    bits.count = 0;
    let Some(run) = bits.input.get(start..start + length) else {
        return Err(bits.cut());
    };
    out.bytes.extend_from_slice(run);
    bits.position = start + length;
    Ok(())
}

fn dynamic_codes(bits: &mut Bits<'_>) -> Result<(Codes, Codes), Fault> {
    const ORDER: [usize; 19] = [
        16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
    ];
    let literals = bits.take(5)? + 257;
    let distances = bits.take(5)? + 1;
    let used = bits.take(4)? + 4;
    if literals > 286 || distances > 30 {
        return Err(corrupt(bits.context, "too many Huffman codes"));
    }
    let mut meta = [0u8; 19];
    for &place in ORDER.iter().take(used) {
        let length = bits.take(3)? as u8;
        if let Some(slot) = meta.get_mut(place) {
            *slot = length;
        }
    }
    let meta = Codes::new(&meta, bits.context)?;
    let mut lengths: Vec<u8> = Vec::with_capacity(literals + distances);
    while lengths.len() < literals + distances {
        let symbol = meta.decode(bits)?;
        let (value, count) = match symbol {
            0..=15 => (symbol as u8, 1),
            16 => {
                let Some(&previous) = lengths.last() else {
                    return Err(corrupt(bits.context, "a repeat of nothing"));
                };
                (previous, 3 + bits.take(2)?)
            }
            17 => (0, 3 + bits.take(3)?),
            _ => (0, 11 + bits.take(7)?),
        };
        lengths.resize(lengths.len() + count, value);
    }
    if lengths.len() != literals + distances {
        return Err(corrupt(bits.context, "code lengths that run over"));
    }
    let (literals, distances) = lengths.split_at(literals);
    Ok((
        Codes::new(literals, bits.context)?,
        Codes::new(distances, bits.context)?,
    ))
}

/// Base and extra bits of length symbols 257 to 285 (RFC 1951, 3.2.5).
const LENGTHS: [(u16, u8); 29] = [
    (3, 0),
    (4, 0),
    (5, 0),
    (6, 0),
    (7, 0),
    (8, 0),
    (9, 0),
    (10, 0),
    (11, 1),
    (13, 1),
    (15, 1),
    (17, 1),
    (19, 2),
    (23, 2),
    (27, 2),
    (31, 2),
    (35, 3),
    (43, 3),
    (51, 3),
    (59, 3),
    (67, 4),
    (83, 4),
    (99, 4),
    (115, 4),
    (131, 5),
    (163, 5),
    (195, 5),
    (227, 5),
    (258, 0),
];

/// Base and extra bits of distance symbols 0 to 29.
const DISTANCES: [(u16, u8); 30] = [
    (1, 0),
    (2, 0),
    (3, 0),
    (4, 0),
    (5, 1),
    (7, 1),
    (9, 2),
    (13, 2),
    (17, 3),
    (25, 3),
    (33, 4),
    (49, 4),
    (65, 5),
    (97, 5),
    (129, 6),
    (193, 6),
    (257, 7),
    (385, 7),
    (513, 8),
    (769, 8),
    (1025, 9),
    (1537, 9),
    (2049, 10),
    (3073, 10),
    (4097, 11),
    (6145, 11),
    (8193, 12),
    (12289, 12),
    (16385, 13),
    (24577, 13),
];

fn coded(
    bits: &mut Bits<'_>,
    out: &mut Output<'_>,
    literals: &Codes,
    distances: &Codes,
) -> Result<(), Fault> {
    loop {
        let symbol = literals.decode(bits)?;
        if symbol < 256 {
            out.push(symbol as u8)?;
            continue;
        }
        if symbol == 256 {
            return Ok(());
        }
        let Some(&(base, extra)) = LENGTHS.get(symbol - 257) else {
            return Err(corrupt(bits.context, "an unknown length"));
        };
        let length = usize::from(base) + bits.take(u32::from(extra))?;
        let symbol = distances.decode(bits)?;
        let Some(&(base, extra)) = DISTANCES.get(symbol) else {
            return Err(corrupt(bits.context, "an unknown distance"));
        };
        let distance = usize::from(base) + bits.take(u32::from(extra))?;
        out.repeat(distance, length)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `zlib.compressobj(9, zlib.DEFLATED, -15)` of `b"negatoscope " * 20`, made with Python.
    const TEXT: &[u8] = &[
        203, 75, 77, 79, 44, 201, 47, 78, 206, 47, 72, 85, 200, 27, 1, 108, 0,
    ];

    #[test]
    fn inflates_what_zlib_deflated() {
        let text = inflate(TEXT, 1 << 20, "test").unwrap();
        assert_eq!(text, b"negatoscope ".repeat(20));
        // A stored block.
        let stored = [1, 3, 0, 252, 255, 7, 8, 9];
        assert_eq!(inflate(&stored, 10, "test").unwrap(), [7, 8, 9]);
    }

    #[test]
    fn every_cut_is_noticed_and_the_limit_holds() {
        for end in 0..TEXT.len() {
            assert!(inflate(&TEXT[..end], 1 << 20, "test").is_err(), "{end}");
        }
        assert_eq!(
            inflate(TEXT, 239, "test").unwrap_err().code,
            "INFLATE_LIMIT"
        );
        assert!(inflate(TEXT, 240, "test").is_ok());
        assert_eq!(
            inflate(&[7, 0, 0], 10, "test").unwrap_err().code,
            "INFLATE_CORRUPT"
        );
    }
}
