//! Bits of the input, and Huffman codes as tables (RFC 1951, 3.2.2).

use super::{Fault, RejectionKind, corrupt};

/// Bits of the input, least significant first.
#[derive(Clone, Copy)]
pub(super) struct Bits<'a> {
    /// What was not read yet.
    pub(super) rest: &'a [u8],
    pub(super) held: u64,
    /// Bits that are held; what lies above them in `held` is zero, or what will come next.
    pub(super) count: u32,
    pub(super) context: &'a str,
}

impl Bits<'_> {
    /// Holds 56 bits or more, or all that are left.
    pub(super) fn refill(&mut self) {
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
    pub(super) fn refill_word(&mut self) -> bool {
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

    pub(super) fn cut(&self) -> Fault {
        Fault::new(
            RejectionKind::Rejected,
            "INFLATE_CUT",
            format!("{} ends before its deflate stream does", self.context),
        )
    }

    /// Takes as many bits as the lowest six bits of `count` say, which are in hand.
    #[inline(always)]
    pub(super) fn skip(&mut self, count: u32) {
        self.held = self.held.wrapping_shr(count);
        self.count = self.count.wrapping_sub(count & 63);
    }

    pub(super) fn drop(&mut self, count: u32) -> Result<(), Fault> {
        if count > self.count {
            return Err(self.cut());
        }
        self.skip(count);
        Ok(())
    }

    /// Up to 16 bits as a number.
    pub(super) fn take(&mut self, count: u32) -> Result<usize, Fault> {
        self.refill();
        let value = self.low(count);
        self.drop(count)?;
        Ok(value)
    }

    /// The next bits as a number, not taken.
    #[inline(always)]
    pub(super) fn low(&self, count: u32) -> usize {
        (self.held & !u64::MAX.wrapping_shl(count)) as usize
    }
}

/// Entries of the first table of literals and lengths: 11 bits.
const LITERAL_ROOT: usize = 1 << 11;
/// And of distances: 8 bits. Both tables and what is copied share the nearest cache.
const DISTANCE_ROOT: usize = 1 << 8;

pub(super) type Literals = Codes<LITERAL_ROOT>;
pub(super) type Distances = Codes<DISTANCE_ROOT>;

/// What a look-up found, in one word:
/// bits 0 to 5 how many bits it takes, extra bits included; then flags; bits 8 to 11 how many of them are the code;
/// bits 16 to 31 a value: one or two literals, the base of a length or distance, or where a second table begins.
pub(super) type Entry = u32;

/// The value is a literal…
pub(super) const LITERAL: Entry = 1 << 6;
/// …or two of them.
const PAIR: Entry = 1 << 7;
/// Neither literal, length nor distance: one of the next two, or no code at all.
pub(super) const ODD: Entry = 1 << 12;
/// The code is longer: bits 8 to 11 tell how many bits a look-up in the second table takes.
const LONGER: Entry = 1 << 13;
/// End of the block.
pub(super) const END: Entry = 1 << 14;
/// A code to which RFC 1951 gives no meaning.
const UNKNOWN: Entry = 1 << 15;

const fn bits_of(entry: Entry) -> u32 {
    entry & 63
}

/// Literals that the value is, one or two, when it is some.
#[inline(always)]
pub(super) const fn literals_of(entry: Entry) -> usize {
    1 + (entry >> PAIR.trailing_zeros() & 1) as usize
}

const fn code_bits(entry: Entry) -> u32 {
    (entry >> 8) & 15
}

const fn value_of(entry: Entry) -> usize {
    (entry >> 16) as usize
}

/// What the symbols of a code mean.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Alphabet {
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
pub(super) struct Codes<const ROOT: usize> {
    root: Box<[Entry; ROOT]>,
    second: Vec<Entry>,
}

impl<const ROOT: usize> Codes<ROOT> {
    /// Bits that a first look-up takes.
    const ROOT_BITS: u32 = ROOT.ilog2();

    pub(super) fn new() -> Self {
        Self {
            root: Box::new([ODD; ROOT]),
            second: Vec::new(),
        }
    }

    /// Takes the code whose lengths these are.
    pub(super) fn fill(
        &mut self,
        lengths: &[u8],
        alphabet: Alphabet,
        context: &str,
    ) -> Result<(), Fault> {
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
    pub(super) fn look_up(&self, held: u64) -> Entry {
        self.root[held as usize & (ROOT - 1)]
    }

    /// The entry of a long code, or the odd entry itself.
    pub(super) fn resolve(&self, entry: Entry, held: u64) -> Entry {
        if entry & LONGER == 0 {
            return entry;
        }
        let more = (held >> Self::ROOT_BITS) as usize & ((1 << code_bits(entry)) - 1);
        let found = self.second.get(value_of(entry) + more);
        found.copied().unwrap_or(ODD)
    }

    /// The next symbol; its code and extra bits are all there and not taken yet. Of a pair, the first.
    pub(super) fn next(&self, bits: &mut Bits<'_>) -> Result<Entry, Fault> {
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
pub(super) fn meaningless(context: &str, entry: Entry) -> Fault {
    let what = match entry & UNKNOWN {
        0 => "a code without a symbol",
        _ => "an unknown length or distance",
    };
    corrupt(context, what)
}

/// Base and extra bits of a length or distance together.
#[inline(always)]
pub(super) fn with_extra(entry: Entry, bits: &Bits<'_>) -> usize {
    let extra = bits.low(bits_of(entry)).wrapping_shr(code_bits(entry));
    value_of(entry).wrapping_add(extra)
}

pub(super) fn dynamic_codes(
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
