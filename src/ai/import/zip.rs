//! The members of a ZIP archive as PyTorch writes it: stored, never compressed.
//!
//! Only the directory at the end is believed, and everything in it is checked against the file's length before
//! memory is asked for. Compressed members are refused, so nothing here can grow beyond the size of the file.

use crate::ai::AiError;
use std::{
    collections::BTreeMap,
    fs::File,
    io::{Read as _, Seek as _, SeekFrom},
    path::Path,
};

/// Largest archive that is looked into.
const MAX_ARCHIVE_BYTES: u64 = 4 << 30;
/// Largest directory that is read.
const MAX_DIRECTORY_BYTES: u64 = 8 << 20;
/// Most members.
const MAX_MEMBERS: u64 = 50_000;
/// The end record without its comment, and the longest comment.
const END_BYTES: u64 = 22;
const MAX_COMMENT: u64 = 65_535;

#[derive(Clone, Copy, Debug)]
struct Member {
    header: u64,
    size: u64,
    check: u32,
}

/// An archive and its directory.
#[derive(Debug)]
pub(super) struct Archive {
    file: File,
    length: u64,
    members: BTreeMap<String, Member>,
}

fn refuse<T>(what: impl Into<String>) -> Result<T, AiError> {
    Err(AiError::Weights(what.into()))
}

fn short<T>() -> Result<T, AiError> {
    refuse("the archive ends before its directory does")
}

/// Little-endian numbers out of a record, in order.
struct Record<'a>(&'a [u8]);

impl<'a> Record<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(count)?;
        self.0 = tail;
        Some(head)
    }

    fn number(&mut self, bytes: usize) -> Option<u64> {
        let bytes = self.take(bytes)?;
        Some(bytes.iter().rev().fold(0, |n, &b| n << 8 | u64::from(b)))
    }
}

impl Archive {
    /// Reads the directory of an archive.
    pub(super) fn open(path: &Path) -> Result<Self, AiError> {
        let mut file = File::open(path).map_err(AiError::io("cannot open", path))?;
        let length = file
            .seek(SeekFrom::End(0))
            .map_err(AiError::io("cannot read", path))?;
        if length > MAX_ARCHIVE_BYTES {
            return refuse(format!(
                "the archive has more than {MAX_ARCHIVE_BYTES} bytes"
            ));
        }
        let mut archive = Self {
            file,
            length,
            members: BTreeMap::new(),
        };
        let (start, size, count) = archive.end_record()?;
        if size > MAX_DIRECTORY_BYTES || count > MAX_MEMBERS {
            return refuse(format!(
                "the archive's directory has {size} bytes and {count} members; {MAX_DIRECTORY_BYTES} and {MAX_MEMBERS} are allowed"
            ));
        }
        let directory = archive.bytes(start, size)?;
        archive.read_directory(&directory, count)?;
        Ok(archive)
    }

    fn bytes(&mut self, start: u64, count: u64) -> Result<Vec<u8>, AiError> {
        if start.checked_add(count).is_none_or(|end| end > self.length) {
            return short();
        }
        let broken = |error: std::io::Error| AiError::Weights(format!("cannot read: {error}"));
        self.file.seek(SeekFrom::Start(start)).map_err(broken)?;
        // Within the file, which is below 4 GiB.
        let mut bytes = vec![0; count as usize];
        self.file.read_exact(&mut bytes).map_err(broken)?;
        Ok(bytes)
    }

    /// Where the directory begins, its size, and the members it has.
    fn end_record(&mut self) -> Result<(u64, u64, u64), AiError> {
        let tail = self.length.min(END_BYTES + MAX_COMMENT);
        let from = self.length - tail;
        let bytes = self.bytes(from, tail)?;
        let found = bytes.windows(4).rposition(|w| w == b"PK\x05\x06");
        let Some(at) = found else {
            return refuse("the archive has no directory: it is cut off, or no archive");
        };
        let mut record = Record(bytes.get(at + 4..).unwrap_or_default());
        let numbers = (|| {
            record.take(4)?;
            record.number(2)?;
            Some((record.number(2)?, record.number(4)?, record.number(4)?))
        })();
        let Some((count, size, start)) = numbers else {
            return short();
        };
        if count != 0xFFFF && size != 0xFFFF_FFFF && start != 0xFFFF_FFFF {
            return Ok((start, size, count));
        }
        // The larger record stands at the place that the locator before this one names.
        let locator = (from + at as u64).checked_sub(20);
        let locator = locator.map_or_else(short, |at| self.bytes(at, 20))?;
        let mut record = Record(&locator);
        let place = record.number(4).and_then(|_| record.number(4));
        let Some(at) = place.and_then(|_| record.number(8)) else {
            return short();
        };
        let large = self.bytes(at, 56)?;
        if !locator.starts_with(b"PK\x06\x07") || !large.starts_with(b"PK\x06\x06") {
            return refuse("the archive's directory is damaged");
        }
        let mut record = Record(&large);
        let numbers = (|| {
            record.take(32)?;
            let count = record.number(8)?;
            Some((record.number(8)?, record.number(8)?, count))
        })();
        match numbers {
            Some((size, start, count)) => Ok((start, size, count)),
            None => short(),
        }
    }

    fn read_directory(&mut self, bytes: &[u8], count: u64) -> Result<(), AiError> {
        let mut record = Record(bytes);
        for _ in 0..count {
            let (name, member) = match entry(&mut record) {
                Some(found) => found?,
                None => return short(),
            };
            if self.members.insert(name.clone(), member).is_some() {
                return refuse(format!("the archive has two members called `{name}`"));
            }
        }
        Ok(())
    }

    /// Names of the members.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.members.keys().map(String::as_str)
    }

    /// Reads a member of at most `limit` bytes and holds it against its check sum.
    pub(super) fn read(&mut self, name: &str, limit: u64) -> Result<Vec<u8>, AiError> {
        let Some(member) = self.members.get(name).copied() else {
            return refuse(format!("the archive has no member `{name}`"));
        };
        if member.size > limit {
            return refuse(format!(
                "member `{name}` has {} bytes; {limit} are allowed",
                member.size
            ));
        }
        let header = self.bytes(member.header, 30)?;
        if !header.starts_with(b"PK\x03\x04") {
            return refuse(format!("member `{name}` is not where the directory says"));
        }
        let mut record = Record(header.get(26..).unwrap_or_default());
        let (Some(name_bytes), Some(extra)) = (record.number(2), record.number(2)) else {
            return short();
        };
        let start = member
            .header
            .checked_add(30 + name_bytes + extra)
            .map_or_else(short, Ok)?;
        let bytes = self.bytes(start, member.size)?;
        if crc32fast::hash(&bytes) != member.check {
            return refuse(format!(
                "member `{name}` is damaged: its check sum is another"
            ));
        }
        Ok(bytes)
    }
}

/// The next entry of the directory; `None` where it ends too early.
fn entry(record: &mut Record<'_>) -> Option<Result<(String, Member), AiError>> {
    if record.take(4)? != b"PK\x01\x02" {
        return Some(refuse("the archive's directory is damaged"));
    }
    record.take(4)?;
    let (flags, method) = (record.number(2)?, record.number(2)?);
    record.take(4)?;
    let check = record.number(4)? as u32;
    let (packed, mut size) = (record.number(4)?, record.number(4)?);
    let (name_bytes, extra_bytes, comment) =
        (record.number(2)?, record.number(2)?, record.number(2)?);
    record.take(8)?;
    let mut header = record.number(4)?;
    let name = record.take(name_bytes as usize)?;
    let mut extra = Record(record.take(extra_bytes as usize)?);
    record.take(comment as usize)?;
    let Ok(name) = std::str::from_utf8(name) else {
        return Some(refuse(
            "a member of the archive has a name that is not text",
        ));
    };
    if flags & 1 != 0 || method != 0 {
        return Some(refuse(format!(
            "member `{name}` is compressed or encrypted; PyTorch stores members as they are"
        )));
    }
    let mut packed = packed;
    while let (Some(id), Some(count)) = (extra.number(2), extra.number(2)) {
        let mut field = Record(extra.take(count as usize)?);
        if id != 1 {
            continue;
        }
        // Sizes and place beyond 32 bits, each only where the short field is full.
        for value in [&mut size, &mut packed, &mut header] {
            if *value == 0xFFFF_FFFF {
                *value = field.number(8)?;
            }
        }
    }
    if packed != size {
        return Some(refuse(format!("member `{name}` claims two sizes")));
    }
    let member = Member {
        header,
        size,
        check,
    };
    Some(Ok((name.to_owned(), member)))
}
