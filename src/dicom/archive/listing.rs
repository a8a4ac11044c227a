//! The directory of a ZIP archive (APPNOTE 4.3 to 4.5): which members there are, and where each lies.
//!
//! Own code, because the crate for it keeps one of several members with the same name, has no limits, and wants a
//! reader of its own for each thread; what is needed here is a list and a place to read at.
//!
//! Must stay true: only the directory says what there is, every number in it is held against the bytes that are
//! there, and no byte of the archive belongs to two members.
//! Not here: archives in several parts, directories that are encrypted or compressed, other methods than deflate.

use super::{
    crypt,
    name::{self, Names},
};
use crate::{
    dicom::{bytes::ByteSource, guard::Fault},
    model::{
        archive::{Lock, Packed},
        study::RejectionKind,
    },
};

/// Members that are listed at most, over all archives within one file.
pub(super) const MOST_MEMBERS: usize = 200_000;

/// Bytes of a directory that is read.
const MOST_BYTES: u64 = 64 << 20;

/// Bytes of the record at the end, without its comment.
const END: usize = 22;

/// Bytes of a directory entry and of a member's own header, without what varies.
const ENTRY: usize = 46;
const HEADER: usize = 30;

/// Deflate makes at most 258 bytes of two bits.
const DEFLATE_RATIO: u64 = 1032;

/// What a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    File,
    Link,
    Special,
}

/// One member as the directory has it; folders are not among them.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Its name, which no other member of the archive has.
    pub(super) name: String,
    /// The name would lead out of a folder, or is none everywhere.
    pub(super) odd: bool,
    /// Another member's name is equal, or equal but for case.
    pub(super) again: bool,
    kind: Kind,
    flags: u16,
    method: u16,
    time: u16,
    crc: u32,
    packed: u64,
    /// Bytes of the member itself.
    pub(super) bytes: u64,
    /// Offset of its own header.
    header: u64,
    /// Offset of what follows it.
    end: u64,
    aes: Option<Aes>,
    /// An extra field that is needed is missing.
    incomplete: bool,
}

/// The extra field of AES.
#[derive(Clone, Copy, Debug)]
struct Aes {
    version: u16,
    strength: u8,
    method: u16,
}

/// Whether a file begins like an archive: with a member, with the end of an empty one, or with the mark of several parts.
pub(super) fn is_archive(head: &[u8]) -> bool {
    [b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"]
        .iter()
        .any(|mark| head.starts_with(*mark))
}

fn directory(text: &str) -> Fault {
    Fault::rejected("ARCHIVE_DIRECTORY", text)
}

/// Little-endian numbers; zero past the end, which callers have checked.
fn u16_at(bytes: &[u8], at: usize) -> u16 {
    let pair = bytes.get(at..).and_then(<[u8]>::first_chunk::<2>);
    pair.map_or(0, |b| u16::from_le_bytes(*b))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let four = bytes.get(at..).and_then(<[u8]>::first_chunk::<4>);
    four.map_or(0, |b| u32::from_le_bytes(*b))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let eight = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>);
    eight.map_or(0, |b| u64::from_le_bytes(*b))
}

/// Where the directory lies.
struct Place {
    start: u64,
    length: u64,
    /// What is added to every offset: archives may stand behind other data.
    base: u64,
    count: u64,
    /// The count has 16 bits only.
    narrow: bool,
}

fn find(source: &ByteSource) -> Result<Place, Fault> {
    let length = source.len();
    let tail_length = length.min((END + usize::from(u16::MAX)) as u64);
    let tail_start = length - tail_length;
    let tail = source.read_vec(tail_start, tail_length)?;
    let fits = |at: usize| {
        let record = tail.get(at..at + END)?;
        let comment = usize::from(u16_at(record, 20));
        (record.starts_with(b"PK\x05\x06") && at + END + comment <= tail.len()).then_some(at)
    };
    let last = tail.len().checked_sub(END);
    let found = last.and_then(|last| (0..=last).rev().find_map(fits));
    let Some(at) = found else {
        let text = "the ZIP archive ends before its directory does: it was cut off";
        return Err(Fault::rejected("ARCHIVE_CUT", text));
    };
    let record = tail.get(at..at + END).unwrap_or_default();
    let mut end = tail_start + at as u64;
    let mut part = u32::from(u16_at(record, 4));
    let mut count = u64::from(u16_at(record, 10));
    let mut size = u64::from(u32_at(record, 12));
    let mut offset = u64::from(u32_at(record, 16));
    let mut narrow = true;
    let full = part == 0xFFFF || count == 0xFFFF || size == 0xFFFF_FFFF || offset == 0xFFFF_FFFF;
    let locator = match end.checked_sub(20) {
        Some(at) => source.read_vec(at, 20)?,
        None => Vec::new(),
    };
    if full && locator.starts_with(b"PK\x06\x07") {
        let place = u64_at(&locator, 8);
        let wide = place.checked_add(56).filter(|end| *end <= length);
        let record = match wide {
            Some(_) => source.read_vec(place, 56)?,
            None => Vec::new(),
        };
        if !record.starts_with(b"PK\x06\x06") {
            let text = "the ZIP64 record is not where the archive says it is";
            return Err(directory(text));
        }
        end = place;
        part = u32_at(&record, 16);
        count = u64_at(&record, 32);
        size = u64_at(&record, 40);
        offset = u64_at(&record, 48);
        narrow = false;
    }
    if part != 0 {
        let text = "a part of a ZIP archive in several files; join them first";
        return Err(Fault::unsupported("ARCHIVE_SPLIT", text));
    }
    let outside = || directory("the directory lies outside of the archive");
    let start = end.checked_sub(size).ok_or_else(outside)?;
    // The directory lies where it says, or just before the end of an archive that was put behind something else.
    let said = offset.checked_add(size).is_some_and(|said| said <= end);
    let base = match said && begins_with(source, offset, b"PK\x01\x02")? {
        true => 0,
        false => start.checked_sub(offset).ok_or_else(outside)?,
    };
    Ok(Place {
        start: offset + base,
        length: size,
        base,
        count,
        narrow,
    })
}

fn begins_with(source: &ByteSource, at: u64, mark: &[u8; 4]) -> Result<bool, Fault> {
    if at.checked_add(4).is_none_or(|end| end > source.len()) {
        return Ok(false);
    }
    let mut head = [0; 4];
    source.read_exact_at(at, &mut head)?;
    Ok(head == *mark)
}

/// The members of an archive in order of their names, at most `most` of them.
///
/// # Errors
/// `ARCHIVE_CUT`, `ARCHIVE_DIRECTORY` (rejected), `ARCHIVE_SPLIT` (unsupported), `ARCHIVE_MEMBERS` (limit).
pub(super) fn list(source: &ByteSource, most: usize) -> Result<Vec<Entry>, Fault> {
    let place = find(source)?;
    let too_many = || {
        let text =
            format!("the archive holds more than the {MOST_MEMBERS} members that are listed");
        Fault::new(RejectionKind::Limit, "ARCHIVE_MEMBERS", text)
    };
    if place.length > MOST_BYTES {
        return Err(too_many());
    }
    let bytes = source.read_vec(place.start, place.length)?;
    let mut entries = Vec::new();
    let mut names = Names::default();
    let mut headers = Vec::new();
    let mut rest = bytes.as_slice();
    let mut count = 0u64;
    while rest.starts_with(b"PK\x01\x02") {
        count += 1;
        if count > most as u64 {
            return Err(too_many());
        }
        let cut = || directory("an entry of the directory is cut off");
        let (fixed, behind) = rest.split_at_checked(ENTRY).ok_or_else(cut)?;
        let (raw, behind) = behind
            .split_at_checked(usize::from(u16_at(fixed, 28)))
            .ok_or_else(cut)?;
        let (extra, behind) = behind
            .split_at_checked(usize::from(u16_at(fixed, 30)))
            .ok_or_else(cut)?;
        let (_, behind) = behind
            .split_at_checked(usize::from(u16_at(fixed, 32)))
            .ok_or_else(cut)?;
        rest = behind;
        let (entry, folder) = entry(fixed, raw, extra, place.base);
        headers.push(entry.header);
        if !folder {
            entries.push(entry);
        }
    }
    let said = match place.narrow {
        true => place.count == count & 0xFFFF,
        false => place.count == count,
    };
    if !said {
        let text = format!(
            "the directory names {count} members and is said to name {}",
            place.count
        );
        return Err(directory(&text));
    }
    headers.sort_unstable();
    for entry in &mut entries {
        let next = headers.partition_point(|at| *at <= entry.header);
        entry.end = headers.get(next).copied().unwrap_or(place.start);
        // Two entries for one place: neither has it to itself.
        let twin = next >= 2 && headers.get(next - 2) == Some(&entry.header);
        if twin {
            entry.end = entry.header;
        }
    }
    entries.sort_by(|a, b| a.name.split('/').cmp(b.name.split('/')));
    for entry in &mut entries {
        (entry.name, entry.again) = names.unique(std::mem::take(&mut entry.name));
    }
    Ok(entries)
}

/// One entry, and whether it is a folder.
fn entry(fixed: &[u8], raw: &[u8], extra: &[u8], base: u64) -> (Entry, bool) {
    let flags = u16_at(fixed, 8);
    let (mut packed, mut bytes) = (u64::from(u32_at(fixed, 20)), u64::from(u32_at(fixed, 24)));
    let mut offset = u64::from(u32_at(fixed, 42));
    let fields = Fields::of(extra, raw);
    let mut wide = fields.wide.chunks_exact(8);
    let mut incomplete = false;
    for value in [&mut bytes, &mut packed, &mut offset] {
        if *value == 0xFFFF_FFFF {
            match wide.next() {
                Some(eight) => *value = u64_at(eight, 0),
                None => incomplete = true,
            }
        }
    }
    let name = name::show(&name::decode(raw, flags & 0x800 != 0, fields.unicode));
    // Systems whose attributes hold a file's type in their upper half: Unix, and OS X.
    let unix = matches!(fixed.get(5), Some(3 | 19));
    let mode = match unix {
        true => (u32_at(fixed, 38) >> 16) & 0xF000,
        false => 0,
    };
    let kind = match mode {
        0xA000 => Kind::Link,
        // One with bytes was made from a pipe, and is as good as a file.
        0x1000 | 0x2000 | 0x6000 | 0xC000 if bytes == 0 => Kind::Special,
        _ => Kind::File,
    };
    let marked = name.folder || mode == 0x4000 || (!unix && u32_at(fixed, 38) & 0x10 != 0);
    let header = offset.saturating_add(base);
    let entry = Entry {
        name: name.shown,
        odd: name.odd,
        again: false,
        kind,
        flags,
        method: u16_at(fixed, 10),
        time: u16_at(fixed, 12),
        crc: u32_at(fixed, 16),
        packed,
        bytes,
        header,
        end: header,
        aes: fields.aes,
        incomplete,
    };
    (entry, marked && bytes == 0)
}

/// Extra fields that are read (APPNOTE 4.5, 4.6.9 and WinZip's 0x9901).
#[derive(Default)]
struct Fields<'a> {
    wide: &'a [u8],
    unicode: Option<&'a str>,
    aes: Option<Aes>,
}

impl<'a> Fields<'a> {
    fn of(mut extra: &'a [u8], name: &[u8]) -> Self {
        let mut fields = Self::default();
        while let Some((head, rest)) = extra.split_at_checked(4) {
            let length = usize::from(u16_at(head, 2));
            let Some((value, rest)) = rest.split_at_checked(length) else {
                break;
            };
            extra = rest;
            match u16_at(head, 0) {
                0x0001 => fields.wide = value,
                // It counts only while the name is the one that it was made for.
                0x7075
                    if value.first() == Some(&1) && u32_at(value, 1) == crc32fast::hash(name) =>
                {
                    let text = value.get(5..).unwrap_or_default();
                    fields.unicode = std::str::from_utf8(text).ok();
                }
                0x9901 if value.len() >= 7 && value.get(2..4) == Some(b"AE") => {
                    fields.aes = Some(Aes {
                        version: u16_at(value, 0),
                        strength: value.get(4).copied().unwrap_or(0),
                        method: u16_at(value, 5),
                    });
                }
                _ => {}
            }
        }
        fields
    }
}

impl Entry {
    /// Bytes of memory that it takes at most while it is open.
    pub(super) const fn most_cost(&self, in_file: bool) -> u64 {
        match self.method == 0 && self.flags & 1 == 0 {
            true if in_file => 0,
            true => self.bytes,
            false => self.bytes.saturating_add(self.packed),
        }
    }

    /// Where the member's bytes are, once its own header was found to agree with the directory.
    ///
    /// # Errors
    /// `ARCHIVE_LINK`, `NOT_A_FILE`, `ARCHIVE_RANGE`, `ARCHIVE_OVERLAP`, `ARCHIVE_SIZE`, `ARCHIVE_DIRECTORY` (rejected),
    /// `ARCHIVE_METHOD`, `ARCHIVE_ENCRYPTION` (unsupported).
    pub(super) fn locate(&self, source: &ByteSource) -> Result<Packed, Fault> {
        match self.kind {
            Kind::Link => {
                let text = "a link in an archive, which is not followed";
                return Err(Fault::rejected("ARCHIVE_LINK", text));
            }
            Kind::Special => return Err(Fault::rejected("NOT_A_FILE", "not a regular file")),
            Kind::File => {}
        }
        let range = |text: &str| Fault::rejected("ARCHIVE_RANGE", text);
        if self.incomplete {
            return Err(range("a member's size or place is not given"));
        }
        let end_of_header = self.header.checked_add(HEADER as u64);
        if end_of_header.is_none_or(|end| end > source.len()) {
            return Err(range("a member lies outside of the archive"));
        }
        let header = source.read_vec(self.header, HEADER as u64)?;
        if !header.starts_with(b"PK\x03\x04") {
            return Err(range("no member begins where the directory says"));
        }
        let locked = self.flags & 1 != 0;
        let agrees = u16_at(&header, 8) == self.method && (u16_at(&header, 6) & 1 != 0) == locked;
        if !agrees {
            let text = "a member's own header says otherwise than the directory";
            return Err(directory(text));
        }
        let varying = u64::from(u16_at(&header, 26)) + u64::from(u16_at(&header, 28));
        let offset = self.header + HEADER as u64 + varying;
        let end = offset.checked_add(self.packed);
        if end.is_none_or(|end| end > source.len()) {
            return Err(range("a member lies outside of the archive"));
        }
        if end.is_none_or(|end| end > self.end) {
            let text = "a member overlaps with another, or with the directory";
            return Err(Fault::rejected("ARCHIVE_OVERLAP", text));
        }
        self.packed_at(offset)
    }

    fn packed_at(&self, offset: u64) -> Result<Packed, Fault> {
        const STRONG: u16 = 0x40;
        const HIDDEN: u16 = 0x2000;
        let encryption = |text: &str| Fault::unsupported("ARCHIVE_ENCRYPTION", text);
        if self.flags & (STRONG | HIDDEN) != 0 {
            return Err(encryption("encrypted by a method that is not supported"));
        }
        let (method, lock) = match (self.method, self.aes, self.flags & 1) {
            (99, Some(aes), 1) => {
                let key_bytes = match aes.strength {
                    1 => 16,
                    2 => 24,
                    3 => 32,
                    _ => return Err(encryption("encrypted by AES of an unknown strength")),
                };
                (aes.method, Some(Lock::Aes { key_bytes }))
            }
            (99, ..) => return Err(encryption("encrypted by AES, and not said how")),
            (method, _, 1) => {
                // A writer that did not know the check sum yet used the time instead (APPNOTE 6.1.6).
                let check = match self.flags & 8 {
                    0 => (self.crc >> 24) as u8,
                    _ => (self.time >> 8) as u8,
                };
                (method, Some(Lock::Traditional { check }))
            }
            (method, ..) => (method, None),
        };
        if method != 0 && method != 8 {
            let name = match method {
                9 => "Deflate64".to_owned(),
                12 => "bzip2".to_owned(),
                14 => "LZMA".to_owned(),
                93 | 20 => "Zstandard".to_owned(),
                95 => "xz".to_owned(),
                98 => "PPMd".to_owned(),
                other => format!("method {other}"),
            };
            let text = format!("compressed by {name}, which is not supported");
            return Err(Fault::unsupported("ARCHIVE_METHOD", text));
        }
        let added = lock.map_or(0, |lock| crypt::overhead(lock) as u64);
        let data = self.packed.checked_sub(added);
        let possible = data.is_some_and(|data| match method {
            0 => data == self.bytes,
            _ => self.bytes <= data.saturating_mul(DEFLATE_RATIO),
        });
        if !possible {
            let text = format!(
                "a member of {} bytes cannot hold the {} that the archive says",
                self.packed, self.bytes
            );
            return Err(Fault::rejected("ARCHIVE_SIZE", text));
        }
        // The second version of AES leaves the check sum out: its code stands for it.
        let summed = self.aes.is_none_or(|aes| aes.version != 2) || self.method != 99;
        Ok(Packed {
            offset,
            packed: self.packed,
            bytes: self.bytes,
            deflated: method == 8,
            crc: summed.then_some(self.crc),
            lock,
        })
    }
}
