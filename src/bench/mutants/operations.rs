//! What is done to a file: changes that keep the structure of DICOM, and blind ones.

use super::base::{Base, Kind, Part, deflated};
use crate::dicom::syntax::SYNTAXES;

/// Numbers that repeat: SplitMix64.
pub(super) struct Dice(u64);

impl Dice {
    /// The dice of one mutant.
    pub(super) fn new(seed: u64, number: u64) -> Self {
        let mut dice = Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ number);
        dice.next();
        dice
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `end`; 0 where there is none.
    pub(super) fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    fn byte(&mut self) -> u8 {
        self.next() as u8
    }

    fn one_of<'a, T>(&mut self, list: &'a [T]) -> Option<&'a T> {
        list.get(self.below(list.len()))
    }
}

/// A hash of what is added, in its order (FNV-1a).
pub(super) struct Digest(u64);

impl Default for Digest {
    fn default() -> Self {
        Self(0xCBF2_9CE4_8422_2325)
    }
}

impl Digest {
    pub(super) fn add(&mut self, bytes: &[u8]) {
        for byte in bytes.iter().chain(&[0xFF]) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
        }
    }

    pub(super) fn text(&self) -> String {
        format!("{:016x}", self.0)
    }
}

/// Numbers that mean something to somebody.
const INTERESTING: [u32; 16] = [
    0,
    1,
    2,
    3,
    7,
    8,
    16,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0x8000,
    0xFFFF,
    0x7FFF_FFFE,
    0xFFFF_FFFE,
    0xFFFF_FFFF,
];

/// The same as people write them.
const INTERESTING_TEXTS: [&str; 14] = [
    "0",
    "-1",
    "1",
    "1e400",
    "NaN",
    "-0.0",
    "1e-300",
    "2147483647",
    "99999999999",
    "abc",
    "1\\2\\3",
    "\\",
    " ",
    "0.0000001",
];

/// Value representations, one of which is none.
const VRS: [&[u8; 2]; 14] = [
    b"OB", b"OW", b"UN", b"SQ", b"US", b"UL", b"SS", b"DS", b"IS", b"LO", b"UI", b"PN", b"OF",
    b"??",
];

/// No mutant grows beyond the file by more.
const MOST_GROWTH: usize = 1 << 20;

/// One to eight changes of a file.
pub(super) fn mutate(bases: &[Base], base: usize, dice: &mut Dice) -> Vec<u8> {
    let Some(chosen) = bases.get(base) else {
        return Vec::new();
    };
    let count = 1 + dice.below(8);
    let most = chosen.bytes.len() + MOST_GROWTH;
    if chosen.parts.is_empty() || dice.below(2) == 0 {
        let mut bytes = chosen.bytes.clone();
        for _ in 0..count {
            blind(&mut bytes, dice);
            bytes.truncate(most);
        }
        return bytes;
    }
    let mut parts = chosen.parts.clone();
    let coded = parts
        .iter_mut()
        .find(|p| matches!(p.kind, Kind::Pixels { encapsulated, .. } if encapsulated));
    match coded {
        // Every second of them leaves the data set alone, so that a decoder sees it for sure.
        Some(pixels) if dice.below(2) == 0 => {
            for _ in 0..count {
                change_pixels(pixels, dice);
            }
        }
        _ => {
            for _ in 0..count {
                structured(&mut parts, chosen, bases, dice);
            }
        }
    }
    let mut bytes: Vec<u8> = Vec::new();
    let mut rest = parts.into_iter();
    if chosen.deflated {
        bytes.extend(rest.next().map(|p| p.bytes).unwrap_or_default());
        let data_set: Vec<u8> = rest.flat_map(|p| p.bytes).collect();
        bytes.extend(deflated(&data_set));
    } else {
        bytes.extend(rest.flat_map(|p| p.bytes));
    }
    bytes.truncate(most);
    bytes
}

/// A place behind the preamble, in which little happens.
fn place(bytes: &[u8], dice: &mut Dice) -> usize {
    let from = if bytes.len() > 128 { 128 } else { 0 };
    from + dice.below(bytes.len() - from)
}

/// Writes over what is there, as far as it goes.
fn write_over(bytes: &mut [u8], at: usize, new: &[u8]) {
    for (byte, value) in bytes.iter_mut().skip(at).zip(new) {
        *byte = *value;
    }
}

/// An interesting number of two or four bytes, in either order.
fn number(dice: &mut Dice) -> Vec<u8> {
    let value = dice.one_of(&INTERESTING).copied().unwrap_or_default();
    match dice.below(4) {
        0 => (value as u16).to_be_bytes().to_vec(),
        1 => value.to_be_bytes().to_vec(),
        2 => (value as u16).to_le_bytes().to_vec(),
        _ => value.to_le_bytes().to_vec(),
    }
}

/// A change that knows nothing of the format.
fn blind(bytes: &mut Vec<u8>, dice: &mut Dice) {
    let at = place(bytes, dice);
    let end = (at + 1 + dice.below(64)).min(bytes.len());
    match dice.below(9) {
        0 => {
            let bit = 1u8 << dice.below(8);
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= bit;
            }
        }
        1 => {
            let value = dice.byte();
            write_over(bytes, at, &[value]);
        }
        2 | 3 => {
            let value = number(dice);
            write_over(bytes, at, &value);
        }
        4 => {
            bytes.drain(at.min(end)..end);
        }
        5 => {
            let run = bytes.get(at..end).unwrap_or_default().to_vec();
            let to = place(bytes, dice).min(bytes.len());
            bytes.splice(to..to, run);
        }
        6 => {
            let noise: Vec<u8> = (at..end).map(|_| dice.byte()).collect();
            write_over(bytes, at, &noise);
        }
        7 if dice.below(4) == 0 => bytes.truncate(at),
        _ => {
            let noise: Vec<u8> = (0..dice.below(32)).map(|_| dice.byte()).collect();
            if dice.below(3) == 0 {
                bytes.extend(noise);
            } else {
                write_over(bytes, at, &noise);
            }
        }
    }
}

/// A change of elements, values, fragments or codestreams.
fn structured(parts: &mut Vec<Part>, base: &Base, bases: &[Base], dice: &mut Dice) {
    let index = dice.below(parts.len());
    let pixels = parts
        .iter()
        .position(|p| matches!(p.kind, Kind::Pixels { .. }));
    match dice.below(16) {
        0 if index > 0 => {
            parts.remove(index);
        }
        1 => {
            if let Some(part) = parts.get(index).cloned() {
                parts.insert(index, part);
            }
        }
        2 if index > 0 => {
            let other = 1 + dice.below(parts.len() - 1);
            parts.swap(index, other);
        }
        3 => {
            let vr = dice.one_of(&VRS).copied().unwrap_or(b"UN");
            if let Some(part) = parts.get_mut(index).filter(|p| is_element(p)) {
                write_over(&mut part.bytes, 4, vr);
            }
        }
        4 => {
            if let Some(part) = parts.get_mut(index) {
                change_length(part, base, dice);
            }
        }
        5 | 6 => {
            if let Some(part) = parts.get_mut(index) {
                change_value(part, dice);
            }
        }
        7 => {
            // The description of the picture decides most: group 0028.
            let of_picture = |p: &Part| is_element(p) && group(p, base) == Some(0x0028);
            let described: Vec<usize> = (0..parts.len())
                .filter(|i| parts.get(*i).is_some_and(of_picture))
                .collect();
            let chosen = dice.one_of(&described).copied();
            if let Some(part) = chosen.and_then(|i| parts.get_mut(i)) {
                change_value(part, dice);
            }
        }
        8 => {
            let other = bases.get(dice.below(bases.len()));
            if let Some(other) = other.filter(|o| !o.parts.is_empty()) {
                parts.truncate(index.max(1));
                let from = 1 + dice.below(other.parts.len());
                parts.extend(other.parts.iter().skip(from).cloned());
            }
        }
        9 if dice.below(3) == 0 => parts.truncate(index.max(1)),
        10 => {
            let uid = dice.one_of(SYNTAXES).map(|s| s.uid).unwrap_or_default();
            if let Some(start) = parts.first_mut()
                && let Some(changed) = with_syntax(&start.bytes, uid)
            {
                start.bytes = changed;
            }
        }
        11 if dice.below(3) == 0 => {
            let noise: Vec<u8> = (0..dice.below(64)).map(|_| dice.byte()).collect();
            parts.push(Part {
                kind: Kind::Rest,
                bytes: noise,
            });
        }
        _ => {
            if let Some(part) = pixels.and_then(|i| parts.get_mut(i)) {
                change_pixels(part, dice);
            }
        }
    }
    if parts.is_empty() {
        parts.push(Part {
            kind: Kind::Start,
            bytes: Vec::new(),
        });
    }
}

const fn is_element(part: &Part) -> bool {
    matches!(part.kind, Kind::Element(_) | Kind::Pixels { .. })
}

fn group(part: &Part, base: &Base) -> Option<u16> {
    let bytes = part.bytes.first_chunk::<2>()?;
    Some(base.encoding.u16(*bytes))
}

/// Another length than the value has.
fn change_length(part: &mut Part, base: &Base, dice: &mut Dice) {
    let (Kind::Element(header) | Kind::Pixels { header, .. }) = part.kind else {
        return;
    };
    let big = base.encoding.big_endian;
    let length = part.bytes.len().saturating_sub(header) as u32;
    let new = match dice.below(7) {
        0 => length.wrapping_add(1),
        1 => length.wrapping_sub(1),
        2 => length.wrapping_mul(2),
        3 => u32::MAX,
        4 => length.wrapping_add(2),
        5 => 0,
        _ => dice.one_of(&INTERESTING).copied().unwrap_or_default(),
    };
    let short = header == 8 && !base.encoding.implicit;
    let (at, bytes) = match (short, big) {
        (true, false) => (6, (new as u16).to_le_bytes().to_vec()),
        (true, true) => (6, (new as u16).to_be_bytes().to_vec()),
        (false, false) => (header.saturating_sub(4), new.to_le_bytes().to_vec()),
        (false, true) => (header.saturating_sub(4), new.to_be_bytes().to_vec()),
    };
    write_over(&mut part.bytes, at, &bytes);
}

/// Another value of the same length.
fn change_value(part: &mut Part, dice: &mut Dice) {
    let Kind::Element(header) = part.kind else {
        return;
    };
    let length = part.bytes.len().saturating_sub(header);
    let text = part.bytes.get(4..6).is_some_and(|vr| {
        matches!(
            vr,
            b"DS" | b"IS" | b"CS" | b"LO" | b"SH" | b"PN" | b"UI" | b"DA" | b"TM" | b"UT" | b"LT"
        )
    });
    if text && dice.below(3) > 0 {
        let new = dice.one_of(&INTERESTING_TEXTS).copied().unwrap_or_default();
        let mut new = new.as_bytes().to_vec();
        new.resize(length.max(new.len()), b' ');
        new.truncate(length);
        write_over(&mut part.bytes, header, &new);
        return;
    }
    let at = header + dice.below(length);
    let new = match dice.below(3) {
        0 => vec![dice.byte()],
        _ => number(dice),
    };
    // Numbers mostly stand where values begin.
    let at = if length <= 8 { header } else { at };
    write_over(&mut part.bytes, at, &new);
}

/// Offsets and lengths of the items of encapsulated Pixel Data, the offset table first.
fn items(bytes: &[u8], header: usize) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut at = header;
    while let Some(&[0xFE, 0xFF, 0x00, 0xE0, a, b, c, d]) =
        bytes.get(at..).and_then(|b| b.first_chunk::<8>())
    {
        let length = u32::from_le_bytes([a, b, c, d]) as usize;
        found.push((at + 8, length));
        match at.checked_add(8).and_then(|at| at.checked_add(length)) {
            Some(next) if next <= bytes.len() => at = next,
            _ => break,
        }
    }
    found
}

/// Changes fragments and codestreams, or native values.
fn change_pixels(part: &mut Part, dice: &mut Dice) {
    let Kind::Pixels {
        header,
        encapsulated,
    } = part.kind
    else {
        return;
    };
    let bytes = &mut part.bytes;
    if !encapsulated {
        match dice.below(3) {
            0 => bytes.truncate(header + dice.below(bytes.len().saturating_sub(header))),
            1 => bytes.extend([0; 3].iter().take(1 + dice.below(3))),
            _ => {
                let at = header + dice.below(bytes.len().saturating_sub(header));
                let value = dice.byte();
                write_over(bytes, at, &[value]);
            }
        }
        return;
    }
    let items = items(bytes, header);
    let table = items.first().copied();
    let fragments = items.get(1..).unwrap_or_default();
    let Some(&(at, length)) = dice.one_of(fragments) else {
        return;
    };
    match dice.below(8) {
        // The header of the codestream: sizes, tables, markers.
        0..=2 => {
            let at = at + dice.below(length.min(96));
            let new = number(dice);
            write_over(bytes, at, &new);
        }
        3 => {
            let bit = 1u8 << dice.below(8);
            let at = at + dice.below(length.min(256));
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= bit;
            }
        }
        4 => {
            let at = at + dice.below(length);
            let noise: Vec<u8> = (0..1 + dice.below(8)).map(|_| dice.byte()).collect();
            write_over(bytes, at, &noise);
        }
        5 => {
            // A shorter fragment, its length still right.
            let kept = dice.below(length) & !1;
            let end = (at + length).min(bytes.len());
            bytes.drain((at + kept).min(end)..end);
            write_over(bytes, at - 4, &(kept as u32).to_le_bytes());
        }
        6 => {
            let new = number(dice);
            write_over(bytes, at - 4, &new);
        }
        _ => {
            if let Some((at, length)) = table.filter(|t| t.1 > 0) {
                let at = at + (dice.below(length) & !3);
                let new = dice.one_of(&INTERESTING).copied().unwrap_or_default();
                write_over(bytes, at, &new.to_le_bytes());
            } else {
                let again = bytes.get(at - 8..at + length).unwrap_or_default().to_vec();
                bytes.splice(at - 8..at - 8, again);
            }
        }
    }
}

/// The start of a file with another Transfer Syntax UID (0002,0010), its group length still right.
pub(super) fn with_syntax(start: &[u8], uid: &str) -> Option<Vec<u8>> {
    let head = [0x02, 0x00, 0x10, 0x00, b'U', b'I'];
    let at = start.windows(head.len()).position(|w| w == head)?;
    let length = start.get(at + 6..at + 8)?;
    let length = usize::from(u16::from_le_bytes(length.try_into().ok()?));
    let end = at.checked_add(8)?.checked_add(length)?;
    let mut value = uid.as_bytes().to_vec();
    value.resize(value.len() + value.len() % 2, 0);
    let mut out = start.get(..at + 6)?.to_vec();
    out.extend((value.len() as u16).to_le_bytes());
    out.extend(&value);
    out.extend(start.get(end..)?);
    if let Some(group) = out.get(140..144) {
        let group = u32::from_le_bytes(group.try_into().ok()?);
        let group = group
            .wrapping_add(value.len() as u32)
            .wrapping_sub(length as u32);
        write_over(&mut out, 140, &group.to_le_bytes());
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_number_is_the_same_mutant() {
        let bases = crate::bench::mutants::base::all(&[], 0).unwrap();
        let mut same = 0;
        for number in 0..300 {
            let make = || {
                let mut dice = Dice::new(7, number);
                let base = dice.below(bases.len());
                (base, mutate(&bases, base, &mut dice))
            };
            let (base, bytes) = make();
            assert!(bytes == make().1, "{number}");
            same += usize::from(bytes == bases[base].bytes);
        }
        // A change may change nothing, but seldom all of them do.
        assert!(same < 30, "{same}");
    }

    #[test]
    fn the_syntax_is_exchanged_and_the_length_follows() {
        let mut start = vec![0; 128];
        start.extend(b"DICM\x02\0\0\0UL\x04\0");
        start.extend(28u32.to_le_bytes());
        start.extend(b"\x02\0\x10\0UI\x14\x001.2.840.10008.1.2.1\0");
        let changed = with_syntax(&start, "1.2.840.10008.1.2").unwrap();
        assert_eq!(changed.len(), start.len() - 2);
        assert_eq!(&changed[140..144], 26u32.to_le_bytes());
        assert!(changed.ends_with(b"UI\x12\x001.2.840.10008.1.2\0"));
        assert_eq!(with_syntax(b"nothing", "1.2"), None);
    }
}
