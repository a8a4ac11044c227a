//! Entropy-coded segments and Huffman codes (T.81 annex C, F.2.2, B.1.1.5).
//!
//! A scan's data is freed of stuffing first, in one pass that copies whole runs between two FF bytes. The bit reader
//! then never looks for markers: it loads eight bytes at once and finds out at the end of an interval whether it
//! took more bits than there were.

use super::{corrupt, short};
use crate::dicom::guard::Fault;

/// Bits that the first look-up sees. Codes that are longer are rare and searched by length.
const LOOKUP: u32 = 12;

/// What can go wrong inside of a scan; small, so that hot loops can return it in a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// Bits that are no code of the table.
    Code,
    /// A run of coefficients past the end of its band.
    Run,
    /// The interval ended before its last MCU.
    Short,
    /// A value that the precision cannot hold.
    Range,
}

impl From<Broken> for Fault {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Code => corrupt("bits that are no Huffman code"),
            Broken::Run => corrupt("a run of coefficients past the end of its block"),
            Broken::Short => short("a scan ends before its last MCU"),
            Broken::Range => corrupt("a value larger than the precision allows"),
        }
    }
}

/// Place of the first FF.
pub(super) fn find_ff(bytes: &[u8]) -> Option<usize> {
    let (chunks, rest) = bytes.as_chunks::<32>();
    let whole = chunks
        .iter()
        .position(|chunk| chunk.iter().fold(false, |any, b| any | (*b == 0xFF)));
    let from = whole.unwrap_or(chunks.len()) * 32;
    let tail = if whole.is_some() {
        bytes.get(from..)?
    } else {
        rest
    };
    Some(from + tail.iter().position(|b| *b == 0xFF)?)
}

/// The data of one scan without stuffing, cut into restart intervals.
#[derive(Debug, Default)]
pub(super) struct Entropy {
    data: Vec<u8>,
    /// Where each interval ends in `data`.
    ends: Vec<usize>,
}

impl Entropy {
    /// Reads the data that starts at `from`; returns the offset of the marker behind it, or of the end.
    ///
    /// Restart markers have to count modulo 8 (B.2.1), so a lost interval is found here.
    pub(super) fn read(
        &mut self,
        bytes: &[u8],
        from: usize,
        restarts: bool,
    ) -> Result<usize, Fault> {
        self.data.clear();
        self.ends.clear();
        let mut at = from;
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            let Some(place) = find_ff(rest) else {
                self.data.extend_from_slice(rest);
                at = bytes.len();
                break;
            };
            self.data
                .extend_from_slice(rest.get(..place).unwrap_or_default());
            at += place;
            // FF bytes before a marker are fill (B.1.1.2).
            let fill = bytes.get(at + 1..).unwrap_or_default();
            let fill = fill.iter().take_while(|b| **b == 0xFF).count();
            match bytes.get(at + 1 + fill) {
                Some(0) if fill == 0 => {
                    self.data.push(0xFF);
                    at += 2;
                }
                Some(&marker @ 0xD0..=0xD7) => {
                    if !restarts {
                        return Err(corrupt("a restart marker where no interval is defined"));
                    }
                    if usize::from(marker & 7) != self.ends.len() % 8 {
                        return Err(corrupt("restart markers out of order"));
                    }
                    self.ends.push(self.data.len());
                    at += 2 + fill;
                }
                Some(_) => break,
                // An FF as the last byte: its second half was cut off.
                None => {
                    at = bytes.len();
                    break;
                }
            }
        }
        self.ends.push(self.data.len());
        Ok(at)
    }

    /// Bytes of the scan.
    pub(super) fn len(&self) -> usize {
        self.data.len()
    }

    /// Bits of the interval with this index.
    pub(super) fn interval(&self, index: usize) -> Result<Bits<'_>, Fault> {
        let start = match index.checked_sub(1) {
            Some(before) => self.ends.get(before).copied(),
            None => Some(0),
        };
        match (start, self.ends.get(index)) {
            (Some(start), Some(&end)) => Ok(Bits {
                data: &self.data,
                at: start,
                end,
                bits: 0,
                count: 0,
            }),
            _ => Err(short("a scan has too few restart intervals")),
        }
    }
}

/// Bits of one interval, most significant first.
///
/// `bits` holds the next `count` bits at its top. Below them may lie more bits of the same byte: the next refill
/// puts the same bits there again.
///
/// Hot loops work on a copy and never lend it: what no pointer leads to stays in registers. So even the rare paths
/// take the bits by value and give them back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bits<'a> {
    data: &'a [u8],
    at: usize,
    end: usize,
    bits: u64,
    count: u32,
}

impl<'a> Bits<'a> {
    /// At least 56 bits after this, zeros past the end of the scan.
    #[inline(always)]
    pub(super) fn refill(&mut self) {
        let ahead = self.data.get(self.at..).unwrap_or_default();
        let word = match ahead.first_chunk() {
            Some(bytes) => u64::from_be_bytes(*bytes),
            None => last_word(ahead),
        };
        self.bits |= word.wrapping_shr(self.count);
        self.at = self.at.wrapping_add((63 ^ self.count) as usize >> 3);
        self.count |= 56;
    }

    /// At least 32 bits after this.
    #[inline(always)]
    pub(super) fn need(&mut self) {
        if self.count < 32 {
            self.refill();
        }
    }

    #[inline(always)]
    fn skip(&mut self, count: u32) {
        self.bits = self.bits.wrapping_shl(count);
        self.count = self.count.wrapping_sub(count);
    }

    /// The next `count` bits, at most 16.
    #[inline(always)]
    pub(super) fn take(&mut self, count: u32) -> u32 {
        self.need();
        let value = (self.bits >> 1).wrapping_shr(63 - count) as u32;
        self.skip(count);
        value
    }

    /// Whether the next bit is set.
    #[inline(always)]
    pub(super) fn bit(&mut self) -> bool {
        if self.count == 0 {
            self.refill();
        }
        let set = self.bits >> 63 != 0;
        self.skip(1);
        set
    }

    /// Whether all bits taken so far were there.
    #[inline]
    pub(super) fn check(&self) -> Result<(), Broken> {
        let taken = (self.at as u64 * 8).wrapping_sub(u64::from(self.count));
        if taken > self.end as u64 * 8 {
            return Err(Broken::Short);
        }
        Ok(())
    }

    /// The next code and the bits behind it. Two of them fit into one refill: a code of [`LOOKUP`] bits and 15 more
    /// make 27, and longer ones refill for themselves.
    #[inline(always)]
    pub(super) fn symbol(&mut self, table: &Table) -> Result<Symbol, Broken> {
        let entry = table.entry(self.bits);
        if entry == 0 {
            let (symbol, after) = self.rare_symbol(table)?;
            *self = after;
            return Ok(symbol);
        }
        Ok(self.finish(entry))
    }

    /// A long code.
    #[cold]
    #[inline(never)]
    fn rare_symbol(mut self, table: &Table) -> Result<(Symbol, Bits<'a>), Broken> {
        self.refill();
        let entry = table.search(self.bits)?;
        let symbol = self.finish(entry);
        self.refill();
        Ok((symbol, self))
    }

    /// A difference of the lossless process (H.1.2.2), modulo 65536. Two fit into one refill.
    #[inline(always)]
    pub(super) fn difference(&mut self, table: &Table) -> Result<u16, Broken> {
        let entry = table.entry(self.bits);
        if entry == 0 {
            let (symbol, after) = self.rare_symbol(table)?;
            *self = after;
            // Category 16 is a difference of 32768 without further bits; as RRRRSSSS it reads 1 and 0.
            let most = symbol.run() != 0;
            return Ok(if most { 0x8000 } else { symbol.value() as u16 });
        }
        Ok(self.finish(entry).value() as u16)
    }

    /// Fills `row` with differences, two at a time where two codes with their bits fit into one look-up.
    pub(super) fn differences(
        mut self,
        table: &Table,
        pairs: &Pairs,
        row: &mut [u16],
    ) -> Result<Self, Broken> {
        let mut at = 0;
        // Four look-ups to a refill bring up to eight differences.
        while at + 8 <= row.len() {
            self.refill();
            for _ in 0..4 {
                let entry = pairs.0[(self.bits >> (64 - LOOKUP)) as usize];
                let Some([first, second]) = row.get_mut(at..at + 2) else {
                    return Err(Broken::Range);
                };
                if entry == 0 {
                    self.refill();
                    *first = self.difference(table)?;
                    self.refill();
                    at += 1;
                } else {
                    // Where the look-up holds one difference only, the next one overwrites the second.
                    *first = ((entry << 12) as i32 >> 20) as u16;
                    *second = (entry as i32 >> 20) as u16;
                    at += (entry >> 4 & 15) as usize;
                    self.skip(entry & 15);
                }
            }
        }
        for place in row.iter_mut().skip(at) {
            self.refill();
            *place = self.difference(table)?;
        }
        Ok(self)
    }

    #[inline(always)]
    fn finish(&mut self, entry: u32) -> Symbol {
        let rest = self.bits.wrapping_shl(entry >> 16 & 0xFF);
        self.skip(entry & 0xFF);
        Symbol { entry, rest }
    }
}

/// What is left of the data, and zeros.
#[cold]
#[inline(never)]
fn last_word(ahead: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    bytes.iter_mut().zip(ahead).for_each(|(to, b)| *to = *b);
    u64::from_be_bytes(bytes)
}

/// A decoded symbol RRRRSSSS with the SSSS bits that follow it (F.1.2.2.1).
#[derive(Clone, Copy, Debug)]
pub(super) struct Symbol {
    entry: u32,
    /// The bits behind the code, from the top.
    rest: u64,
}

impl Symbol {
    /// RRRR: the zeros before the value.
    #[inline(always)]
    pub(super) fn run(self) -> u32 {
        self.entry >> 8 & 0xFF
    }

    /// Whether SSSS is zero.
    #[inline(always)]
    pub(super) fn is_zero(self) -> bool {
        self.entry < 1 << 24
    }

    /// SSSS.
    #[inline(always)]
    pub(super) fn category(self) -> u32 {
        self.entry >> 24
    }

    /// The bits that follow as a signed value: EXTEND of F.2.2.1.
    ///
    /// Bits that begin with 1 stand for themselves; others are the inverse of a number that is taken as negative.
    /// Both are done with a mask, not a condition: that would be guessed wrong half of the time.
    #[inline(always)]
    pub(super) fn value(self) -> i32 {
        let negative = !(self.rest as i64 >> 63);
        let size = (self.rest ^ negative as u64) >> 1;
        let size = size.wrapping_shr(63 ^ self.category()) as i32;
        (size ^ negative as i32).wrapping_sub(negative as i32)
    }
}

/// A code as a DHT segment gives it (B.2.4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Codes {
    /// Codes of length 1 to 16.
    pub(super) counts: [u8; 16],
    /// Their symbols in the order of the codes.
    pub(super) symbols: Vec<u8>,
}

/// A code made ready for one scan.
///
/// An entry holds, from its low byte: the length of code and further bits together, RRRR, the length of the code,
/// SSSS. 0 stands for "not here".
#[derive(Debug)]
pub(super) struct Table {
    fast: Box<[u32; 1 << LOOKUP]>,
    symbols: [u8; 256],
    /// For each length: the first 16 bits behind its last code, its first code, and that code's index.
    lengths: [(u32, u32, u32); 17],
}

/// What the symbols of a code stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Categories of DC differences.
    Dc,
    /// Runs and categories of AC coefficients.
    Ac,
    /// Categories of lossless differences; here 16 is one of them.
    Lossless,
}

impl Table {
    /// Builds the code words (annex C).
    pub(super) fn new(codes: &Codes, meaning: Meaning) -> Result<Self, Fault> {
        let most = match meaning {
            Meaning::Dc => 15,
            Meaning::Ac => 255,
            Meaning::Lossless => 16,
        };
        if codes.symbols.iter().any(|s| *s > most) {
            return Err(corrupt("a Huffman table with an unknown category"));
        }
        let mut table = Self {
            fast: Box::new([0; 1 << LOOKUP]),
            symbols: [0; 256],
            lengths: [(0, 0, 0); 17],
        };
        for (to, symbol) in table.symbols.iter_mut().zip(&codes.symbols) {
            *to = *symbol;
        }
        // Codes are counted as 16 bits from the left, so the next length goes on where the last one ended.
        let mut next = 0u32;
        let mut symbols = codes.symbols.iter();
        let mut index = 0;
        for (length, &count) in (1u32..).zip(&codes.counts) {
            let first = next;
            for &symbol in symbols.by_ref().take(usize::from(count)) {
                if length <= LOOKUP && (meaning, symbol) != (Meaning::Lossless, 16) {
                    let from = (next >> (16 - LOOKUP)) as usize;
                    let places = table.fast.iter_mut().skip(from);
                    let entry = entry_of(symbol, length);
                    places.take(1 << (LOOKUP - length)).for_each(|e| *e = entry);
                }
                next += 1 << (16 - length);
            }
            if next > 1 << 16 {
                return Err(corrupt("a Huffman table with more codes than bits allow"));
            }
            if let Some(place) = table.lengths.get_mut(length as usize) {
                *place = (next, first, index);
            }
            index += u32::from(count);
        }
        Ok(table)
    }

    #[inline(always)]
    fn entry(&self, bits: u64) -> u32 {
        // The index has LOOKUP bits, so the bound is known to hold.
        self.fast[(bits >> (64 - LOOKUP)) as usize]
    }

    /// The entry of a code of any length.
    #[cold]
    #[inline(never)]
    fn search(&self, bits: u64) -> Result<u32, Broken> {
        let code = (bits >> 48) as u32;
        for (length, &(limit, first, index)) in (0u32..).zip(&self.lengths).skip(1) {
            if code < limit {
                let place = index + ((code - first) >> (16 - length));
                let symbol = self.symbols.get(place as usize).ok_or(Broken::Code)?;
                return Ok(entry_of(*symbol, length));
            }
        }
        Err(Broken::Code)
    }
}

/// Whole differences by the bits they begin with: in the low half byte the bits of all, in the next one how many there
/// are, above these two of 12 bits each. 0 where not even one fits.
#[derive(Debug)]
pub(super) struct Pairs(Box<[u32; 1 << LOOKUP]>);

impl Pairs {
    pub(super) fn new(table: &Table) -> Self {
        let mut pairs = Box::new([0; 1 << LOOKUP]);
        let one = |bits: u64| {
            let entry = table.entry(bits);
            let total = entry & 0xFF;
            let rest = bits.wrapping_shl(entry >> 16 & 0xFF);
            let value = Symbol { entry, rest }.value() as u32 & 0xFFF;
            (1..=LOOKUP).contains(&total).then_some((total, value))
        };
        for (bits, pair) in (0u64..).zip(pairs.iter_mut()) {
            let bits = bits << (64 - LOOKUP);
            let Some((total, first)) = one(bits) else {
                continue;
            };
            *pair = match one(bits << total) {
                Some((more, second)) if total + more <= LOOKUP => {
                    second << 20 | first << 8 | 2 << 4 | (total + more)
                }
                _ => first << 8 | 1 << 4 | total,
            };
        }
        Self(pairs)
    }
}

fn entry_of(symbol: u8, length: u32) -> u32 {
    let category = u32::from(symbol & 15);
    category << 24 | length << 16 | u32::from(symbol >> 4) << 8 | (length + category)
}
