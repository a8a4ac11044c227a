//! Look-up tables of the standard: modality and VOI LUT sequences, palettes plain and segmented
//! (PS3.3 C.11.1, C.11.2, C.7.6.3.1.5, C.7.9.2).

use super::{
    elements::{DataSet, numbers, text},
    guard::Fault,
};
use crate::model::lut::LookupTable;
use dicom_dictionary_std::tags;
use dicom_object::Tag;

/// Reads descriptor and data of a LUT item. `signed_input`: what is mapped may be negative.
pub(super) fn lut_item(item: &DataSet, signed_input: bool) -> Option<LookupTable> {
    let descriptor = descriptor(item, tags::LUT_DESCRIPTOR, signed_input)?;
    let entries = words(item, tags::LUT_DATA, &descriptor)?;
    table(descriptor, entries, text(item, tags::LUT_EXPLANATION))
}

/// Number of entries, first value mapped, bits (PS3.3 C.11.1.1.1).
struct Descriptor {
    count: usize,
    first: i32,
    bits: u8,
}

fn descriptor(item: &DataSet, tag: Tag, signed_input: bool) -> Option<Descriptor> {
    let values = numbers(item, tag).values();
    let values: Vec<i32> = values.into_iter().map(|v| v as i32).collect();
    let &[count, first, bits] = values.as_slice() else {
        return None;
    };
    // Read as SS a count above 32767 is negative; read as US a negative first value is above 32767.
    let count = match count & 0xFFFF {
        0 => 65_536,
        count => count as usize,
    };
    let first = if signed_input {
        i32::from(first as i16)
    } else {
        first & 0xFFFF
    };
    let bits = u8::try_from(bits).ok().filter(|b| (8..=16).contains(b))?;
    Some(Descriptor { count, first, bits })
}

/// Entries as numbers: 16-bit words, or packed bytes where the descriptor says 8 bits and the length agrees.
fn words(item: &DataSet, tag: Tag, descriptor: &Descriptor) -> Option<Vec<u16>> {
    let words = item.get(tag)?.words();
    let packed = descriptor.bits == 8 && words.len() < descriptor.count;
    Some(if packed {
        words
            .iter()
            .flat_map(|w| w.to_le_bytes())
            .map(u16::from)
            .collect()
    } else {
        words
    })
}

fn table(
    descriptor: Descriptor,
    mut entries: Vec<u16>,
    explanation: String,
) -> Option<LookupTable> {
    if entries.len() < descriptor.count || descriptor.count < 2 {
        return None;
    }
    entries.truncate(descriptor.count);
    // Writers that left-align 8-bit tables in 16 bits show in the entries themselves.
    let largest = entries.iter().copied().max().unwrap_or_default();
    let needed = 16 - largest.leading_zeros() as u8;
    Some(LookupTable {
        first_mapped: descriptor.first,
        entries: entries.into(),
        bits: descriptor.bits.max(needed),
        explanation,
    })
}

/// Red, green and blue palettes, plain or segmented.
///
/// # Errors
/// `BAD_PALETTE` when one is missing, shorter than stated or does not unfold.
pub(super) fn palettes(data_set: &DataSet, signed_input: bool) -> Result<[LookupTable; 3], Fault> {
    const CHANNELS: [(Tag, Tag, Tag); 3] = [
        (
            tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
            tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DATA,
            tags::SEGMENTED_RED_PALETTE_COLOR_LOOKUP_TABLE_DATA,
        ),
        (
            tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
            tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA,
            tags::SEGMENTED_GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA,
        ),
        (
            tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
            tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA,
            tags::SEGMENTED_BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA,
        ),
    ];
    let channel = |(describing, plain, segmented): (Tag, Tag, Tag)| {
        let descriptor = descriptor(data_set, describing, signed_input)?;
        let entries = match words(data_set, plain, &descriptor) {
            Some(entries) => entries,
            None => {
                let mut raw = Descriptor {
                    count: 0,
                    ..descriptor
                };
                raw.bits = 16;
                let words = words(data_set, segmented, &raw)?;
                unfold(&words, descriptor.count)?
            }
        };
        table(descriptor, entries, String::new())
    };
    let [red, green, blue] = CHANNELS.map(channel);
    match (red, green, blue) {
        (Some(red), Some(green), Some(blue)) => Ok([red, green, blue]),
        _ => Err(Fault::rejected(
            "BAD_PALETTE",
            "a palette is missing, or shorter than its descriptor says",
        )),
    }
}

/// Unfolds a segmented palette (PS3.3 C.7.9.2): discrete, linear and indirect segments of 16-bit words.
fn unfold(words: &[u16], count: usize) -> Option<Vec<u16>> {
    let mut entries: Vec<u16> = Vec::with_capacity(count);
    let mut at = 0;
    while at < words.len() && entries.len() < count {
        let (opcode, length) = (*words.get(at)?, usize::from(*words.get(at + 1)?));
        at += 2;
        if opcode == 2 {
            if length == 0 {
                return None;
            }
            // Repeats `length` segments from a byte offset on; segments repeated so are never indirect.
            let (low, high) = (*words.get(at)?, *words.get(at + 1)?);
            at += 2;
            let mut from = ((usize::from(high) << 16) | usize::from(low)) / 2;
            for _ in 0..length {
                let (opcode, length) = (*words.get(from)?, usize::from(*words.get(from + 1)?));
                from = segment(words, from + 2, opcode, length, count, &mut entries)?;
            }
        } else {
            at = segment(words, at, opcode, length, count, &mut entries)?;
        }
    }
    Some(entries)
}

fn segment(
    words: &[u16],
    at: usize,
    opcode: u16,
    length: usize,
    count: usize,
    entries: &mut Vec<u16>,
) -> Option<usize> {
    // A segment without entries would let a table go on for ever.
    if length == 0 || entries.len() + length > count {
        return None;
    }
    match opcode {
        0 => {
            entries.extend(words.get(at..at + length)?);
            Some(at + length)
        }
        1 => {
            let from = f64::from(*entries.last()?);
            let to = f64::from(*words.get(at)?);
            let steps = (1..=length).map(|i| from + (to - from) * i as f64 / length as f64);
            entries.extend(steps.map(|v| v.round() as u16));
            Some(at + 1)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_unfold() {
        // Three discrete values, a ramp of four from 30 to 70, and the first segment once more.
        let words = [0, 3, 10, 20, 30, 1, 4, 70, 2, 1, 0, 0];
        assert_eq!(
            unfold(&words, 10).unwrap(),
            [10, 20, 30, 40, 50, 60, 70, 10, 20, 30]
        );
        assert_eq!(unfold(&words, 5), None);
        assert_eq!(unfold(&[1, 4, 70], 10), None);
        assert_eq!(unfold(&[2, 1, 0, 0], 10), None);
        assert_eq!(unfold(&[7, 1, 0, 0], 10), None);
    }
}
