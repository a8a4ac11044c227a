//! Inflating deflated data sets and frames (RFC 1951) with a budget on what comes out.
//!
//! The budget counts bytes as they are made, not as declared, so a bomb ends early. Most of a stream goes through
//! [`Inflater::quick`], which knows that neither input nor room nor budget can end within one of its rounds; what lies near
//! such an end is taken code by code.

use super::guard::Fault;
use crate::model::study::RejectionKind;
use codes::{
    Alphabet, Bits, Distances, END, Entry, LITERAL, Literals, ODD, dynamic_codes, literals_of,
    meaningless, with_extra,
};

mod codes;
#[cfg(test)]
mod tests;

/// A ratio above this is suspicious…
pub(super) const RATIO_ALARM: usize = 200;
/// …once this much has come out.
pub(super) const RATIO_FLOOR: usize = 16 << 20;

/// Bytes behind the last one of the output that copies by words may write over: the longest run and a word.
const SLACK: usize = 258 + 32;

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
            // Bits of a byte that was begun belong to the stream; whole bytes that were read ahead do not.
            let bits = &inflater.bits;
            let used = input.len() - bits.rest.len() - (bits.count / 8) as usize;
            return Ok((inflater.out, used));
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
    at.wrapping_add(literals_of(entry))
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
