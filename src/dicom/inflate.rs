//! Inflating deflated data sets and frames (RFC 1951) with a budget on what comes out.
//!
//! The budget counts bytes as they are made, not as declared, so a bomb ends early. Most of a stream goes through
//! [`Inflater::quick`], which knows that neither input nor room nor budget can end within one of its rounds; what lies near
//! such an end is taken code by code.

use super::guard::Fault;
use crate::model::study::RejectionKind;

/// A ratio above this is suspicious…
const RATIO_ALARM: usize = 200;
/// …once this much has come out.
const RATIO_FLOOR: usize = 16 << 20;

/// Bytes behind the last one of the output that copies by words may write over: the longest run and a word.
const SLACK: usize = 258 + 32;

/// Inflates a raw deflate stream. `limit` is the most bytes that may come out; `context` names the stream.
///
/// # Errors
/// `INFLATE_LIMIT` and `INFLATE_RATIO` (limit), `INFLATE_CUT` and `INFLATE_CORRUPT` (rejected).
pub(super) fn inflate(input: &[u8], limit: usize, context: &str) -> Result<Vec<u8>, Fault> {
    let by_ratio = input.len().saturating_mul(RATIO_ALARM) + RATIO_ALARM - 1;
    let most = limit.min(by_ratio.max(RATIO_FLOOR));
    let guess = input.len().saturating_mul(4).min(most) + SLACK;
    let mut inflater = Inflater {
        bits: Bits {
            rest: input,
            held: 0,
            count: 0,
            context,
        },
        out: vec![0; guess],
        at: 0,
        limit,
        most,
    };
    let mut literals = Literals::new();
    let mut distances = Distances::new();
    loop {
        let bits = &mut inflater.bits;
        let last = bits.take(1)? == 1;
        match bits.take(2)? {
            0 => inflater.stored()?,
            1 => {
                let mut lengths = [8u8; 288];
                lengths.iter_mut().skip(144).take(112).for_each(|l| *l = 9);
                lengths.iter_mut().skip(256).take(24).for_each(|l| *l = 7);
                literals.fill(&lengths, Alphabet::Literals, context)?;
                distances.fill(&[5; 30], Alphabet::Distances, context)?;
                inflater.coded(&literals, &distances)?;
            }
            2 => {
                dynamic_codes(bits, &mut literals, &mut distances)?;
                inflater.coded(&literals, &distances)?;
            }
            _ => return Err(corrupt(context, "a block of the reserved type")),
        }
        if last {
            inflater.out.truncate(inflater.at);
            return Ok(inflater.out);
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

fn before_the_beginning(context: &str) -> Fault {
    corrupt(context, "a reference before the beginning")
}

/// Bits of the input, least significant first.
#[derive(Clone, Copy)]
struct Bits<'a> {
    /// What was not read yet.
    rest: &'a [u8],
    held: u64,
    /// Bits that are held; what lies above them in `held` is zero, or what will come next.
    count: u32,
    context: &'a str,
}

impl Bits<'_> {
    /// Holds 56 bits or more, or all that are left.
    fn refill(&mut self) {
        while self.count < 56 {
            let Some((&byte, rest)) = self.rest.split_first() else {
                return;
            };
            self.held |= u64::from(byte) << self.count;
            self.rest = rest;
            self.count += 8;
        }
    }

    /// The same where eight bytes are left: one read. Bits above `count` are those that the next read gives again.
    #[inline(always)]
    fn refill_word(&mut self) -> bool {
        let Some(word) = self.rest.first_chunk::<8>() else {
            return false;
        };
        self.held |= u64::from_le_bytes(*word).wrapping_shl(self.count);
        // Whole bytes that fit above the bits that are held: (63 - count) / 8.
        let whole = (self.count ^ 63) >> 3 & 7;
        self.rest = self.rest.get(whole as usize..).unwrap_or_default();
        self.count |= 56;
        true
    }

    fn cut(&self) -> Fault {
        Fault::new(
            RejectionKind::Rejected,
            "INFLATE_CUT",
            format!("{} ends before its deflate stream does", self.context),
        )
    }

    /// Takes as many bits as the lowest six bits of `count` say, which are in hand.
    #[inline(always)]
    fn skip(&mut self, count: u32) {
        self.held = self.held.wrapping_shr(count);
        self.count = self.count.wrapping_sub(count & 63);
    }

    fn drop(&mut self, count: u32) -> Result<(), Fault> {
        if count > self.count {
            return Err(self.cut());
        }
        self.skip(count);
        Ok(())
    }

    /// Up to 16 bits as a number.
    fn take(&mut self, count: u32) -> Result<usize, Fault> {
        self.refill();
        let value = self.low(count);
        self.drop(count)?;
        Ok(value)
    }

    /// The next bits as a number, not taken.
    #[inline(always)]
    fn low(&self, count: u32) -> usize {
        (self.held & !u64::MAX.wrapping_shl(count)) as usize
    }
}

/// Entries of the first table of literals and lengths: 11 bits.
const LITERAL_ROOT: usize = 1 << 11;
/// And of distances: 8 bits. Both tables and what is copied share the nearest cache.
const DISTANCE_ROOT: usize = 1 << 8;

type Literals = Codes<LITERAL_ROOT>;
type Distances = Codes<DISTANCE_ROOT>;

/// What a look-up found, in one word:
/// bits 0 to 5 how many bits it takes, extra bits included; then flags; bits 8 to 11 how many of them are the code;
/// bits 16 to 31 a value: one or two literals, the base of a length or distance, or where a second table begins.
type Entry = u32;

/// The value is a literal…
const LITERAL: Entry = 1 << 6;
/// …or two of them.
const PAIR: Entry = 1 << 7;
/// Neither literal, length nor distance: one of the next two, or no code at all.
const ODD: Entry = 1 << 12;
/// The code is longer: bits 8 to 11 tell how many bits a look-up in the second table takes.
const LONGER: Entry = 1 << 13;
/// End of the block.
const END: Entry = 1 << 14;
/// A code to which RFC 1951 gives no meaning.
const UNKNOWN: Entry = 1 << 15;

const fn bits_of(entry: Entry) -> u32 {
    entry & 63
}

const fn code_bits(entry: Entry) -> u32 {
    (entry >> 8) & 15
}

const fn value_of(entry: Entry) -> usize {
    (entry >> 16) as usize
}

/// What the symbols of a code mean.
#[derive(Clone, Copy, PartialEq)]
enum Alphabet {
    /// Literals, lengths and the end.
    Literals,
    /// Distances.
    Distances,
    /// Lengths of codes.
    Meta,
}

impl Alphabet {
    /// The entry of a symbol whose code takes no bits yet.
    fn entry(self, symbol: usize) -> Entry {
        let based = |table: &[(u16, u8)], index: usize| match table.get(index) {
            Some(&(base, extra)) => (Entry::from(base) << 16) | Entry::from(extra),
            None => ODD | UNKNOWN,
        };
        match (self, symbol) {
            (Self::Meta, _) | (Self::Literals, 0..=255) => ((symbol as Entry) << 16) | LITERAL,
            (Self::Literals, 256) => ODD | END,
            (Self::Literals, _) => based(&LENGTHS, symbol - 257),
            (Self::Distances, _) => based(&DISTANCES, symbol),
        }
    }
}

/// A canonical Huffman code (RFC 1951, 3.2.2) as tables: the first of `ROOT` entries, second ones for longer codes.
struct Codes<const ROOT: usize> {
    root: Box<[Entry; ROOT]>,
    second: Vec<Entry>,
}

impl<const ROOT: usize> Codes<ROOT> {
    /// Bits that a first look-up takes.
    const ROOT_BITS: u32 = ROOT.ilog2();

    fn new() -> Self {
        Self {
            root: Box::new([ODD; ROOT]),
            second: Vec::new(),
        }
    }

    /// Takes the code whose lengths these are.
    fn fill(&mut self, lengths: &[u8], alphabet: Alphabet, context: &str) -> Result<(), Fault> {
        let mut counts = [0u16; 16];
        for &length in lengths {
            counts[usize::from(length & 15)] += 1;
        }
        counts[0] = 0;
        let mut left = 1i32;
        let mut next = [0u32; 16];
        let mut code = 0u32;
        for length in 1..16 {
            left = (left << 1) - i32::from(counts[length]);
            if left < 0 {
                return Err(corrupt(context, "an over-full Huffman code"));
            }
            code <<= 1;
            next[length] = code;
            code += u32::from(counts[length]);
        }
        self.root.fill(ODD);
        self.second.clear();
        for (symbol, &length) in lengths.iter().enumerate() {
            if length == 0 {
                continue;
            }
            let length = u32::from(length & 15);
            let code = next[length as usize];
            next[length as usize] += 1;
            let reversed = (code.reverse_bits() >> (32 - length)) as usize;
            // The code's bits are added to those that the symbol takes itself.
            let entry = (alphabet.entry(symbol) + length) | (length << 8);
            if length <= Self::ROOT_BITS {
                let mut place = reversed;
                while place < ROOT {
                    self.root[place] = entry;
                    place += 1 << length;
                }
            } else {
                self.fill_second(reversed, length, entry);
            }
        }
        if alphabet == Alphabet::Literals {
            self.pair();
        }
        Ok(())
    }

    /// A code that is longer than the first look-up: all second tables take as many bits as the longest codes have more.
    fn fill_second(&mut self, reversed: usize, length: u32, entry: Entry) {
        let more = 15 - Self::ROOT_BITS;
        let first = reversed & (ROOT - 1);
        let held = self.root[first];
        let start = if held & LONGER != 0 {
            value_of(held)
        } else {
            let start = self.second.len();
            self.second.resize(start + (1 << more), ODD);
            self.root[first] =
                ((start as Entry) << 16) | ODD | LONGER | (more << 8) | Self::ROOT_BITS;
            start
        };
        let table = self.second.get_mut(start..start + (1 << more));
        let places = table
            .into_iter()
            .flatten()
            .skip(reversed >> Self::ROOT_BITS);
        for room in places.step_by(1 << (length - Self::ROOT_BITS)) {
            *room = entry;
        }
    }

    /// Joins two literals where the codes of both fit into one look-up.
    fn pair(&mut self) {
        // Downwards, so that the second one, at a lower place, is still alone.
        for place in (0..ROOT).rev() {
            let first = self.root[place];
            if first & LITERAL == 0 {
                continue;
            }
            let taken = bits_of(first);
            let second = self.root[place >> taken];
            if second & LITERAL != 0 && taken + bits_of(second) <= Self::ROOT_BITS {
                let both = (first & 0x00FF_0000) | ((second & 0x00FF_0000) << 8);
                self.root[place] = both | LITERAL | PAIR | (taken << 8) | (taken + bits_of(second));
            }
        }
    }

    #[inline(always)]
    fn look_up(&self, held: u64) -> Entry {
        self.root[held as usize & (ROOT - 1)]
    }

    /// The entry of a long code, or the odd entry itself.
    fn resolve(&self, entry: Entry, held: u64) -> Entry {
        if entry & LONGER == 0 {
            return entry;
        }
        let more = (held >> Self::ROOT_BITS) as usize & ((1 << code_bits(entry)) - 1);
        let found = self.second.get(value_of(entry) + more);
        found.copied().unwrap_or(ODD)
    }

    /// The next symbol; its code and extra bits are all there and not taken yet. Of a pair, the first.
    fn next(&self, bits: &mut Bits<'_>) -> Result<Entry, Fault> {
        bits.refill();
        let mut entry = self.resolve(self.look_up(bits.held), bits.held);
        if entry & PAIR != 0 {
            entry = (entry & 0x00FF_0000) | LITERAL | code_bits(entry);
        }
        if bits_of(entry) > bits.count || (bits_of(entry) == 0 && bits.count < 15) {
            return Err(bits.cut());
        }
        if entry & ODD != 0 && entry & END == 0 {
            return Err(meaningless(bits.context, entry));
        }
        Ok(entry)
    }
}

/// Why an odd entry, which is not the end, is none.
fn meaningless(context: &str, entry: Entry) -> Fault {
    let what = match entry & UNKNOWN {
        0 => "a code without a symbol",
        _ => "an unknown length or distance",
    };
    corrupt(context, what)
}

/// Base and extra bits of a length or distance together.
#[inline(always)]
fn with_extra(entry: Entry, bits: &Bits<'_>) -> usize {
    let extra = bits.low(bits_of(entry)).wrapping_shr(code_bits(entry));
    value_of(entry).wrapping_add(extra)
}

struct Inflater<'a> {
    bits: Bits<'a>,
    /// What came out up to `at`, and room.
    out: Vec<u8>,
    at: usize,
    limit: usize,
    /// What may come out by the limit and by the ratio.
    most: usize,
}

impl Inflater<'_> {
    /// Checks that `count` more bytes are allowed and makes room for them.
    fn room(&mut self, count: usize) -> Result<(), Fault> {
        let size = self.at.saturating_add(count);
        if size > self.most {
            let (code, why) = if size > self.limit {
                ("INFLATE_LIMIT", format!("{} bytes", self.limit))
            } else {
                ("INFLATE_RATIO", format!("{RATIO_ALARM} times its size"))
            };
            let text = format!("{} inflates to more than {why}", self.bits.context);
            return Err(Fault::new(RejectionKind::Limit, code, text));
        }
        let needed = size.saturating_add(SLACK);
        if needed > self.out.len() {
            let twice = self.out.len().saturating_mul(2);
            let most = self.most.saturating_add(SLACK);
            self.out.resize(needed.max(twice).min(most), 0);
        }
        Ok(())
    }

    fn stored(&mut self) -> Result<(), Fault> {
        let bits = &mut self.bits;
        bits.drop(bits.count % 8)?;
        let length = bits.take(16)?;
        let complement = bits.take(16)?;
        if length != (!complement & 0xFFFF) {
            let what = "a stored block whose length is wrong";
            return Err(corrupt(bits.context, what));
        }
        self.room(length)?;
        let bits = &mut self.bits;
        // First the whole bytes that were read ahead, then straight from the input.
        let ahead = length.min((bits.count / 8) as usize);
        let Some((run, rest)) = bits.rest.split_at_checked(length - ahead) else {
            return Err(bits.cut());
        };
        let room = self.out.get_mut(self.at..self.at + length);
        if let Some((first, behind)) = room.and_then(|r| r.split_at_mut_checked(ahead)) {
            for byte in first {
                *byte = bits.held as u8;
                bits.skip(8);
            }
            behind.copy_from_slice(run);
        }
        bits.rest = rest;
        if bits.count == 0 {
            // What may lie above the bits that count was of the run.
            bits.held = 0;
        }
        self.at += length;
        Ok(())
    }

    /// The symbols of a block.
    fn coded(&mut self, literals: &Literals, distances: &Distances) -> Result<(), Fault> {
        loop {
            if self.quick(literals, distances)? || self.careful(literals, distances)? {
                return Ok(());
            }
        }
    }

    /// One symbol; gives whether it was the end of the block.
    fn careful(&mut self, literals: &Literals, distances: &Distances) -> Result<bool, Fault> {
        let bits = &mut self.bits;
        let entry = literals.next(bits)?;
        let length = with_extra(entry, bits);
        bits.skip(entry);
        if entry & END != 0 {
            return Ok(true);
        }
        if entry & LITERAL != 0 {
            self.room(1)?;
            put(&mut self.out, self.at, entry);
            self.at += 1;
            return Ok(false);
        }
        let entry = distances.next(bits)?;
        let distance = with_extra(entry, bits);
        bits.skip(entry);
        let from = self.at.checked_sub(distance);
        let from = from.ok_or_else(|| before_the_beginning(bits.context))?;
        self.room(length)?;
        repeat(&mut self.out, from, self.at, length);
        self.at += length;
        Ok(false)
    }

    /// Symbols as long as neither input, room nor budget can end within a round; gives whether the block ended.
    fn quick(&mut self, literals: &Literals, distances: &Distances) -> Result<bool, Fault> {
        // A round makes four pairs of literals or one run at most, behind up to three pairs.
        const ROUND: usize = 8 + 258;
        let mut bits = self.bits;
        let mut at = self.at;
        let end = self.out.len().saturating_sub(SLACK);
        let end = end.min(self.most.saturating_sub(ROUND));
        let out = self.out.as_mut_slice();
        let mut ended = false;
        while at < end {
            // 56 bits: four look-ups, or a length of 20 and a distance of 28.
            if !bits.refill_word() {
                break;
            }
            let mut entry = literals.look_up(bits.held);
            if entry & LITERAL != 0 {
                at = take_literals(out, at, entry, &mut bits);
                entry = literals.look_up(bits.held);
                if entry & LITERAL != 0 {
                    at = take_literals(out, at, entry, &mut bits);
                    entry = literals.look_up(bits.held);
                    if entry & LITERAL != 0 {
                        at = take_literals(out, at, entry, &mut bits);
                        entry = literals.look_up(bits.held);
                        if entry & LITERAL != 0 {
                            at = take_literals(out, at, entry, &mut bits);
                            continue;
                        }
                    }
                }
                if !bits.refill_word() {
                    break;
                }
            }
            if entry & ODD != 0 {
                entry = literals.resolve(entry, bits.held);
                if entry & LITERAL != 0 {
                    at = take_literals(out, at, entry, &mut bits);
                    continue;
                }
                if entry & END != 0 {
                    bits.skip(entry);
                    ended = true;
                    break;
                }
                if entry & ODD != 0 {
                    return Err(meaningless(bits.context, entry));
                }
            }
            let length = with_extra(entry, &bits);
            bits.skip(entry);
            let mut entry = distances.look_up(bits.held);
            if entry & ODD != 0 {
                entry = distances.resolve(entry, bits.held);
                if entry & ODD != 0 {
                    return Err(meaningless(bits.context, entry));
                }
            }
            let distance = with_extra(entry, &bits);
            bits.skip(entry);
            let Some(from) = at.checked_sub(distance) else {
                return Err(before_the_beginning(bits.context));
            };
            repeat(out, from, at, length);
            at += length;
        }
        self.bits = bits;
        self.at = at;
        Ok(ended)
    }
}

/// Writes one literal, and behind it what would be the second one.
#[inline(always)]
fn put(out: &mut [u8], at: usize, entry: Entry) {
    let two = ((entry >> 16) as u16).to_le_bytes();
    if let Some(room) = out.get_mut(at..).and_then(|o| o.first_chunk_mut()) {
        *room = two;
    }
}

/// Writes one literal or two and takes their bits; gives the place behind them.
#[inline(always)]
fn take_literals(out: &mut [u8], at: usize, entry: Entry, bits: &mut Bits<'_>) -> usize {
    put(out, at, entry);
    bits.skip(entry);
    at.wrapping_add(1 + (entry >> 7 & 1) as usize)
}

/// Repeats `length` bytes from `from` on at `at`, by words that may write over [`SLACK`] bytes behind.
#[inline(always)]
fn repeat(out: &mut [u8], from: usize, at: usize, length: usize) {
    let distance = at.wrapping_sub(from);
    if distance >= 16 {
        // Most runs are shorter than one word.
        copy_word(out, from, at);
        let mut done = 16;
        while done < length {
            copy_word(out, from.wrapping_add(done), at.wrapping_add(done));
            done += 16;
        }
    } else {
        repeat_near(out, from, at, length);
    }
}

#[inline(always)]
fn copy_word(out: &mut [u8], from: usize, at: usize) {
    if let Some((before, behind)) = out.split_at_mut_checked(at)
        && let Some(word) = before.get(from..).and_then(|b| b.first_chunk::<16>())
        && let Some(room) = behind.first_chunk_mut()
    {
        *room = *word;
    }
}

/// Bytes of the whole patterns of each length that fit into a word of 16.
const WHOLE: [usize; 16] = [
    16, 16, 16, 15, 16, 15, 12, 14, 16, 9, 10, 11, 12, 13, 14, 15,
];

/// The same for a pattern that is shorter than a word: by words of as many whole patterns as fit.
fn repeat_near(out: &mut [u8], from: usize, at: usize, length: usize) {
    let distance = at.saturating_sub(from).clamp(1, 15);
    let word = out.get(from..).and_then(|o| o.first_chunk::<16>());
    let mut bits = 8 * distance as u32;
    let mut word = u128::from_le_bytes(word.copied().unwrap_or_default()) & ((1 << bits) - 1);
    while bits < 128 {
        word |= word << bits;
        bits *= 2;
    }
    for place in (at..at + length).step_by(WHOLE[distance & 15]) {
        if let Some(room) = out.get_mut(place..).and_then(|o| o.first_chunk_mut()) {
            *room = word.to_le_bytes();
        }
    }
}

fn dynamic_codes(
    bits: &mut Bits<'_>,
    of_literals: &mut Literals,
    of_distances: &mut Distances,
) -> Result<(), Fault> {
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
    // The first of the two codes serves until its own lengths are known.
    of_literals.fill(&meta, Alphabet::Meta, bits.context)?;
    let mut lengths: Vec<u8> = Vec::with_capacity(literals + distances);
    while lengths.len() < literals + distances {
        let entry = of_literals.next(bits)?;
        bits.skip(entry);
        let symbol = value_of(entry);
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
    of_literals.fill(literals, Alphabet::Literals, bits.context)?;
    of_distances.fill(distances, Alphabet::Distances, bits.context)
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};

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

    /// What `flate2` makes of bytes at a level; 0 stores.
    fn deflate(bytes: &[u8], level: u32) -> Vec<u8> {
        let level = flate2::Compression::new(level);
        let mut packer = flate2::write::DeflateEncoder::new(Vec::new(), level);
        packer.write_all(bytes).unwrap();
        packer.finish().unwrap()
    }

    /// Bytes of many kinds: patterns of every short distance, long runs, words like pixels, noise.
    fn inputs() -> Vec<Vec<u8>> {
        let mut state = 1u32;
        let mut random = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 16
        };
        let mut all = vec![Vec::new(), vec![7], vec![0; 300_000]];
        for distance in 1..=40usize {
            let pattern: Vec<u8> = (0..distance).map(|_| random() as u8).collect();
            let lengths = [3, 7, 8, 9, 15, 16, 17, 31, 33, 257, 258, 259, 600];
            let runs = lengths.map(|length| pattern.iter().copied().cycle().take(length));
            all.push(runs.into_iter().flatten().collect());
        }
        let mut level = 1000u32;
        let pixel = |_| {
            level = (level + random() % 9 - 4).clamp(100, 4000);
            (level as u16).to_le_bytes()
        };
        all.push((0..60_000).flat_map(pixel).collect());
        // Few literals of short codes and many of long ones.
        let skewed = |_| (random() as u16).leading_zeros() as u8 * 13 + (random() % 3) as u8;
        all.push((0..100_000).map(skewed).collect());
        all.push((0..50_000).map(|_| random() as u8).collect());
        all
    }

    #[test]
    fn inflates_what_another_library_deflated() {
        for (number, bytes) in inputs().iter().enumerate() {
            for level in [0, 1, 6, 9] {
                let packed = deflate(bytes, level);
                let what = format!("input {number}, level {level}");
                let found = inflate(&packed, bytes.len(), &what).unwrap();
                assert!(found == *bytes, "{what}");
                if !bytes.is_empty() {
                    let fault = inflate(&packed, bytes.len() - 1, "test").unwrap_err();
                    assert_eq!(fault.code, "INFLATE_LIMIT", "{what}");
                }
                for cut in [1, 2, 7, 8, 9, packed.len() / 2] {
                    if let Some(kept) = packed.len().checked_sub(cut) {
                        let fault = inflate(&packed[..kept], bytes.len(), "test").unwrap_err();
                        assert_eq!(fault.code, "INFLATE_CUT", "{what}, {cut} bytes less");
                    }
                }
                // What follows the stream is not looked at.
                let longer = [packed.as_slice(), &[0xA5; 20]].concat();
                assert!(inflate(&longer, bytes.len(), "test").unwrap() == *bytes);
            }
        }
    }

    #[test]
    fn flipped_bits_give_an_error_or_what_another_library_makes_of_them() {
        let bytes = &inputs()[43];
        let packed = deflate(bytes, 6);
        for number in 0..2000usize {
            let mut wrong = packed.clone();
            let place = number * 7919 % wrong.len();
            wrong[place] ^= 1 << (number % 8);
            let mut theirs = Vec::new();
            let read = flate2::read::DeflateDecoder::new(wrong.as_slice())
                .take(1 << 22)
                .read_to_end(&mut theirs);
            match inflate(&wrong, 1 << 22, "test") {
                // They refuse codes that leave room even where nothing uses it.
                Ok(ours) => assert!(read.is_err() || ours == theirs, "bit {number}"),
                // They take what lies before the beginning as zeros.
                Err(fault) if fault.detail.contains("before the beginning") => {}
                Err(fault) => {
                    let all = theirs.len() == 1 << 22;
                    assert!(read.is_err() || all, "bit {number}: {fault}");
                }
            }
        }
    }
}
