//! Encapsulated Pixel Data (PS3.5 annex A.4): fragments, offset tables, and which fragments make a frame.

use super::{bytes::ByteSource, guard::Fault};
use std::ops::Range;

/// One fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// Offset of its first byte in the source.
    pub offset: u64,
    /// Its bytes.
    pub length: u32,
}

/// All fragments of Pixel Data, and the raw Basic Offset Table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fragments {
    /// Offset of the item tag of the first fragment: zero of both offset tables.
    pub base: u64,
    /// Fragments in file order, empty ones included.
    pub list: Vec<Fragment>,
    /// Basic Offset Table, empty when it says nothing.
    pub basic_table: Vec<u32>,
    /// Whether a delimiter ends them.
    pub delimited: bool,
}

/// Steps from item to item without reading the fragments themselves.
///
/// # Errors
/// `LEN_PAST_END`, `BAD_ITEM`, `LEN_UNDEFINED`, `OFFSET_TABLE` (rejected), `FRAGMENTS` (limit).
pub fn walk_fragments(
    source: &ByteSource,
    start: u64,
    limit: usize,
) -> Result<(Fragments, u64), Fault> {
    let mut found = Fragments::default();
    let mut at = start;
    let mut first = true;
    let end = source.len();
    loop {
        let mut head = [0u8; 8];
        if end.saturating_sub(at) < 8 {
            if found.list.is_empty() {
                return Err(Fault::rejected(
                    "FRAGMENTS_CUT",
                    format!("Pixel Data end before the first fragment, at byte {at}"),
                ));
            }
            return Ok((found, end));
        }
        source.read_exact_at(at, &mut head)?;
        let [g0, g1, e0, e1, a, b, c, d] = head;
        let tag = (u16::from_le_bytes([g0, g1]), u16::from_le_bytes([e0, e1]));
        let length = u32::from_le_bytes([a, b, c, d]);
        if tag == (0xFFFE, 0xE0DD) {
            found.delimited = true;
            return Ok((found, at + 8));
        }
        let fault = |code, what: &str| Err(Fault::rejected(code, format!("{what}, at byte {at}")));
        if tag != (0xFFFE, 0xE000) {
            return fault("BAD_ITEM", "no item where a fragment of Pixel Data must be");
        }
        if length == 0xFFFF_FFFF {
            return fault("LEN_UNDEFINED", "a fragment of undefined length");
        }
        let next = at + 8 + u64::from(length);
        if next > end {
            return fault("LEN_PAST_END", "a fragment longer than the file");
        }
        if first {
            first = false;
            if length % 4 != 0 || length as usize / 4 > limit {
                return fault(
                    "OFFSET_TABLE",
                    "a Basic Offset Table of an impossible length",
                );
            }
            let table = source.read_vec(at + 8, u64::from(length))?;
            let entries = table.chunks_exact(4).filter_map(|c| c.try_into().ok());
            found.basic_table = entries.map(u32::from_le_bytes).collect();
            found.base = next;
        } else {
            if found.list.len() >= limit {
                return Err(Fault::new(
                    crate::model::study::RejectionKind::Limit,
                    "FRAGMENTS",
                    format!("more fragments than are read, at byte {at}"),
                ));
            }
            found.list.push(Fragment {
                offset: at + 8,
                length,
            });
        }
        at = next;
    }
}

/// Which fragments make each frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FrameTable {
    /// Ranges into [`Fragments::list`], one a frame.
    pub frames: Vec<Range<usize>>,
    /// Bytes of each frame when the Extended Offset Table says so, else empty.
    pub lengths: Vec<u64>,
    /// Frames were found by their first bytes, since no table says where they begin.
    pub guessed: bool,
}

/// The Extended Offset Table (7FE0,0001) and its lengths (7FE0,0002).
#[derive(Clone, Debug, Default)]
pub struct ExtendedTable {
    /// Offsets from [`Fragments::base`].
    pub offsets: Vec<u64>,
    /// Bytes of each frame.
    pub lengths: Vec<u64>,
}

impl FrameTable {
    /// Assigns fragments to `frames` frames.
    ///
    /// # Errors
    /// `OFFSET_TABLE`, `OFFSET_TABLES_DIFFER`, `FRAMES_EXCEED_DATA`, `FRAMES_UNKNOWN` (rejected).
    pub fn build(
        source: &ByteSource,
        fragments: &Fragments,
        extended: &ExtendedTable,
        frames: usize,
    ) -> Result<Self, Fault> {
        let basic: Vec<u64> = fragments
            .basic_table
            .iter()
            .copied()
            .map(u64::from)
            .collect();
        if !extended.offsets.is_empty() {
            if !basic.is_empty() && basic != extended.offsets {
                return Err(Fault::rejected(
                    "OFFSET_TABLES_DIFFER",
                    "the basic and the extended offset table contradict each other",
                ));
            }
            let ranges = from_offsets(fragments, &extended.offsets, frames)?;
            let lengths = check_lengths(fragments, &ranges, &extended.lengths)?;
            return Ok(Self {
                frames: ranges,
                lengths,
                guessed: false,
            });
        }
        if !basic.is_empty() {
            return Ok(Self {
                frames: from_offsets(fragments, &basic, frames)?,
                ..Self::default()
            });
        }
        let filled: Vec<usize> = (0..fragments.list.len())
            .filter(|i| fragments.list.get(*i).is_some_and(|f| f.length > 0))
            .collect();
        if filled.len() < frames {
            return Err(Fault::rejected(
                "FRAMES_EXCEED_DATA",
                format!(
                    "{frames} frames are declared and {} fragments are there",
                    filled.len()
                ),
            ));
        }
        if frames == 1 {
            return Ok(Self {
                frames: vec![0..fragments.list.len()],
                ..Self::default()
            });
        }
        if filled.len() == frames {
            return Ok(Self {
                frames: filled.into_iter().map(|i| i..i + 1).collect(),
                ..Self::default()
            });
        }
        let starts = codestream_starts(source, fragments, &filled)?;
        if starts.len() != frames || starts.first() != Some(&0) {
            return Err(Fault::rejected(
                "FRAMES_UNKNOWN",
                format!(
                    "{frames} frames lie in {} fragments and no offset table says where they begin",
                    filled.len()
                ),
            ));
        }
        Ok(Self {
            frames: ranges_between(&starts, fragments.list.len()),
            lengths: Vec::new(),
            guessed: true,
        })
    }
}

fn ranges_between(starts: &[usize], end: usize) -> Vec<Range<usize>> {
    let next = starts.iter().skip(1).copied().chain([end]);
    starts
        .iter()
        .copied()
        .zip(next)
        .map(|(a, b)| a..b)
        .collect()
}

/// Every offset must meet the item tag of a fragment, each further on than the one before.
fn from_offsets(
    fragments: &Fragments,
    offsets: &[u64],
    frames: usize,
) -> Result<Vec<Range<usize>>, Fault> {
    let wrong = |what: &str| Err(Fault::rejected("OFFSET_TABLE", what.to_owned()));
    if offsets.len() != frames {
        return wrong("the offset table and the number of frames differ");
    }
    let mut starts = Vec::with_capacity(offsets.len());
    let mut next = 0;
    for &offset in offsets {
        let Some(target) = fragments.base.checked_add(offset) else {
            return wrong("an offset past the end");
        };
        let rest = fragments.list.iter().enumerate().skip(next);
        let Some((index, _)) = rest.into_iter().find(|(_, f)| f.offset - 8 >= target) else {
            return wrong("an offset past the end, or one that goes back");
        };
        if fragments
            .list
            .get(index)
            .is_none_or(|f| f.offset - 8 != target)
        {
            return wrong("an offset that meets no fragment, or one that goes back");
        }
        starts.push(index);
        next = index + 1;
    }
    if starts.first() != Some(&0) {
        return wrong("the first frame does not begin with the first fragment");
    }
    Ok(ranges_between(&starts, fragments.list.len()))
}

fn check_lengths(
    fragments: &Fragments,
    ranges: &[Range<usize>],
    lengths: &[u64],
) -> Result<Vec<u64>, Fault> {
    if lengths.is_empty() {
        return Ok(Vec::new());
    }
    let fits = lengths.len() == ranges.len()
        && ranges.iter().zip(lengths).all(|(range, length)| {
            let parts = fragments.list.get(range.clone()).unwrap_or_default();
            parts.iter().map(|f| u64::from(f.length)).sum::<u64>() >= *length
        });
    if !fits {
        return Err(Fault::rejected(
            "OFFSET_TABLE",
            "the lengths of the extended offset table do not fit the fragments",
        ));
    }
    Ok(lengths.to_vec())
}

/// Fragments that begin with the first bytes of a JPEG or JPEG 2000 codestream.
pub(super) fn codestream_starts(
    source: &ByteSource,
    fragments: &Fragments,
    filled: &[usize],
) -> Result<Vec<usize>, Fault> {
    let mut starts = Vec::new();
    for &index in filled {
        let Some(fragment) = fragments.list.get(index) else {
            continue;
        };
        let mut mark = [0u8; 4];
        if fragment.length >= 4 {
            source.read_exact_at(fragment.offset, &mut mark)?;
        }
        if matches!(mark, [0xFF, 0xD8, 0xFF, _] | [0xFF, 0x4F, 0xFF, 0x51]) {
            starts.push(index);
        }
    }
    Ok(starts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn item(bytes: &[u8]) -> Vec<u8> {
        let mut item = vec![0xFE, 0xFF, 0x00, 0xE0];
        item.extend((bytes.len() as u32).to_le_bytes());
        item.extend(bytes);
        item
    }

    fn walk(table: &[u32], fragments: &[&[u8]], delimiter: bool) -> (ByteSource, Fragments) {
        let table: Vec<u8> = table.iter().flat_map(|t| t.to_le_bytes()).collect();
        let mut bytes = item(&table);
        for fragment in fragments {
            bytes.extend(item(fragment));
        }
        if delimiter {
            bytes.extend([0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0]);
        }
        let source = ByteSource::Memory(Arc::new(bytes));
        let (found, _) = walk_fragments(&source, 0, 1000).unwrap();
        assert_eq!(found.delimited, delimiter);
        (source, found)
    }

    fn frames(
        table: &[u32],
        fragments: &[&[u8]],
        extended: &[u64],
        count: usize,
    ) -> Result<Vec<Range<usize>>, &'static str> {
        let (source, found) = walk(table, fragments, true);
        let extended = ExtendedTable {
            offsets: extended.to_vec(),
            lengths: Vec::new(),
        };
        FrameTable::build(&source, &found, &extended, count)
            .map(|t| t.frames)
            .map_err(|f| f.code)
    }

    #[test]
    fn tables_decide_and_lies_are_refused() {
        let two: &[&[u8]] = &[&[1, 2], &[3, 4]];
        assert_eq!(frames(&[], two, &[], 1), Ok(vec![0..2]));
        assert_eq!(frames(&[], two, &[], 2), Ok(vec![0..1, 1..2]));
        assert_eq!(frames(&[0, 10], two, &[], 2), Ok(vec![0..1, 1..2]));
        assert_eq!(frames(&[], two, &[0, 10], 2), Ok(vec![0..1, 1..2]));
        assert_eq!(frames(&[0, 12], two, &[], 2), Err("OFFSET_TABLE"));
        assert_eq!(frames(&[10, 0], two, &[], 2), Err("OFFSET_TABLE"));
        assert_eq!(frames(&[0, 0], two, &[], 2), Err("OFFSET_TABLE"));
        assert_eq!(frames(&[0, 4000], two, &[], 2), Err("OFFSET_TABLE"));
        assert_eq!(frames(&[0], two, &[], 2), Err("OFFSET_TABLE"));
        assert_eq!(
            frames(&[0, 10], two, &[0, 12], 2),
            Err("OFFSET_TABLES_DIFFER")
        );
        assert_eq!(frames(&[], two, &[], 3), Err("FRAMES_EXCEED_DATA"));
        assert_eq!(frames(&[], two, &[0, u64::MAX], 2), Err("OFFSET_TABLE"));
    }

    #[test]
    fn frames_without_a_table_begin_with_a_codestream() {
        let soi: &[u8] = &[0xFF, 0xD8, 0xFF, 0xC0];
        let more: &[u8] = &[1, 2];
        assert_eq!(
            frames(&[], &[soi, more, more, soi, more], &[], 2),
            Ok(vec![0..3, 3..5])
        );
        assert_eq!(
            frames(&[], &[soi, more, more], &[], 2),
            Err("FRAMES_UNKNOWN")
        );
        assert_eq!(
            frames(&[], &[more, soi, soi], &[], 2),
            Err("FRAMES_UNKNOWN")
        );
    }

    #[test]
    fn a_missing_delimiter_is_seen() {
        let (_, found) = walk(&[], &[&[1, 2]], false);
        assert_eq!(found.list.len(), 1);
    }
}
