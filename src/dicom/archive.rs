//! ZIP archives read in place, like folders: nothing is unpacked to the disk.
//!
//! A member that is stored as it is becomes a stretch of the archive's file, read with `pread`. A compressed or encrypted
//! one is unpacked into memory, under a budget and held against its declared size and check sum. `listing` says what
//! there is, `walk` reads it, and what an instance keeps ([`Member`]) suffices to open it again.
//!
//! What a store keeps is read in the same way: an archive of one member, which is decrypted where it is read (`sealed`).
//!
//! Must stay true: names are shown and never opened; no recursion follows archives within archives; what all archives
//! on one way hold in memory stays within [`Limits::inflated_bytes`]; passphrases are in the [`Keyring`] only.
//! Not here: other archives than ZIP, other methods than deflate, writing.

mod crypt;
mod keyring;
mod listing;
mod name;
pub(super) mod walk;

pub use keyring::Keyring;

use super::{
    bytes::ByteSource,
    guard::{Fault, Limits},
    inflate::{RATIO_ALARM, RATIO_FLOOR, inflate},
    sealed,
};
use crate::{
    model::{
        archive::{Lock, Member, Packed},
        study::{Instance, RejectionKind},
    },
    task::CancelToken,
};
use crypt::Closed;
use std::{
    collections::VecDeque,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The archive on the disk that a shown path leads into; none for what a store keeps, whose passphrase is that of the
/// store.
pub fn archive_of(shown: &Path) -> Option<Arc<Path>> {
    let (archive, _) = walk::split(shown)?;
    let sealed = ByteSource::open(&archive).is_ok_and(|source| sealed::begins_like_one(&source));
    (!sealed).then_some(archive)
}

/// The bytes of an object, in a file, an archive or a store.
///
/// # Errors
/// `FILE_CHANGED`, and why it does not open.
pub fn open_object(
    instance: &Instance,
    limits: &Limits,
    keys: &Keyring,
) -> Result<ByteSource, Fault> {
    let source = match &instance.source.member {
        Some(member) => Archives::with_keys(keys.clone()).open(member, limits, false)?,
        None => ByteSource::open(&instance.source.path)?,
    };
    match source.len() == instance.source.bytes {
        true => Ok(source),
        false => Err(changed()),
    }
}

/// Reads the header of an object from its bytes alone, as that of a member of an archive is read.
///
/// # Errors
/// Those of reading; `DETACHED_DATA` where a part of it is in another file.
pub fn describe_bytes(
    shown: &Arc<Path>,
    source: &ByteSource,
    limits: &Limits,
) -> Result<Instance, Fault> {
    walk::describe(shown, source, limits)
}

/// Bytes of unpacked members that are kept for the next frame.
const KEPT_BYTES: usize = 256 << 20;

/// Members above this size are unpacked one after another, not one a thread.
const LARGE: u64 = 32 << 20;

/// Bytes that are read at once to check a sum.
const STEP: usize = 256 << 10;

/// Which unpacked member: the archive, and where it lies in each archive down to it.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    archive: Arc<Path>,
    archive_bytes: u64,
    offsets: Vec<u64>,
}

/// Opens members again for their frames. Archives within archives are unpacked once, not once a member.
#[derive(Debug, Default)]
pub(super) struct Archives {
    pub(super) keys: Keyring,
    kept: Mutex<VecDeque<(Place, Arc<Vec<u8>>)>>,
    large: Mutex<()>,
}

impl Archives {
    /// Opens encrypted members with the passphrases of a ring.
    pub(super) fn with_keys(keys: Keyring) -> Self {
        Self {
            keys,
            ..Self::default()
        }
    }

    /// The bytes of a member. `again` says that they will be asked for more than once.
    ///
    /// # Errors
    /// `FILE_CHANGED`, and why a member does not open.
    pub(super) fn open(
        &self,
        member: &Member,
        limits: &Limits,
        again: bool,
    ) -> Result<ByteSource, Fault> {
        let mut source = ByteSource::open(&member.archive)?;
        if source.len() != member.archive_bytes {
            return Err(changed());
        }
        if member.is_kept() {
            let (_, sealed) = self.keys.open_kept(&member.archive)?;
            return Ok(ByteSource::Sealed(sealed));
        }
        let mut left = limits.inflated_bytes as u64;
        for (depth, part) in member.parts.iter().enumerate() {
            if part.is_plain() && source.is_file() {
                source = source.part(part.offset, part.bytes)?;
                continue;
            }
            let place = || Place {
                archive: Arc::clone(&member.archive),
                archive_bytes: member.archive_bytes,
                offsets: member
                    .parts
                    .iter()
                    .take(depth + 1)
                    .map(|p| p.offset)
                    .collect(),
            };
            // Held while unpacking, so that threads that want frames of one large member unpack it once.
            let large = (part.bytes > LARGE).then(|| lock(&self.large));
            let keep = again || depth + 1 < member.parts.len();
            let bytes = match self.kept(&place()) {
                Some(bytes) => bytes,
                None => {
                    let unpacked = open_part(&source, part, left, &self.keys)?;
                    let ByteSource::Memory(bytes) = unpacked else {
                        return Err(changed());
                    };
                    if keep {
                        self.keep(place(), &bytes);
                    }
                    bytes
                }
            };
            drop(large);
            left = left.saturating_sub(bytes.len() as u64);
            source = ByteSource::Memory(bytes);
        }
        Ok(source)
    }

    fn kept(&self, place: &Place) -> Option<Arc<Vec<u8>>> {
        let mut kept = lock(&self.kept);
        let at = kept.iter().position(|(known, _)| known == place)?;
        // The one that was used last goes last.
        let found = kept.remove(at)?;
        let bytes = Arc::clone(&found.1);
        kept.push_back(found);
        Some(bytes)
    }

    fn keep(&self, place: Place, bytes: &Arc<Vec<u8>>) {
        let mut kept = lock(&self.kept);
        kept.push_back((place, Arc::clone(bytes)));
        let held = |kept: &VecDeque<(Place, Arc<Vec<u8>>)>| -> usize {
            kept.iter().map(|(_, bytes)| bytes.len()).sum()
        };
        while kept.len() > 1 && held(&kept) > KEPT_BYTES {
            kept.pop_front();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn changed() -> Fault {
    let text = "the file changed since it was scanned";
    Fault::new(RejectionKind::Io, "FILE_CHANGED", text)
}

/// Bytes of memory that a part takes while it is open.
fn cost(source: &ByteSource, part: &Packed) -> u64 {
    match (part.is_plain(), source.is_file()) {
        (true, true) => 0,
        (true, false) => part.bytes,
        (false, _) => part.bytes.saturating_add(part.packed),
    }
}

/// The bytes of a member of an open archive, in at most `budget` bytes of memory.
///
/// # Errors
/// `ARCHIVE_LIMIT` (limit), `ARCHIVE_LOCKED`, `ARCHIVE_PASSPHRASE` (locked), `ARCHIVE_SIZE`, `ARCHIVE_CRC` and those of
/// the compression (rejected).
fn open_part(
    source: &ByteSource,
    part: &Packed,
    budget: u64,
    keys: &Keyring,
) -> Result<ByteSource, Fault> {
    let cost = cost(source, part);
    if cost > budget {
        let text = format!(
            "a member of {} bytes, more than the archive may take in memory",
            part.bytes
        );
        return Err(Fault::new(RejectionKind::Limit, "ARCHIVE_LIMIT", text));
    }
    if part.is_plain() && source.is_file() {
        return Ok(source.part(part.offset, part.bytes)?);
    }
    let mut bytes = source.read_vec(part.offset, part.packed)?;
    let unpacked = match part.lock {
        _ if part.is_plain() => {
            check_sum(part, &bytes)?;
            bytes
        }
        None => unpack(part, &bytes)?,
        Some(lock) => {
            let again = || source.read_vec(part.offset, part.packed);
            unlock(part, lock, &mut bytes, keys, again)?
        }
    };
    Ok(ByteSource::Memory(Arc::new(unpacked)))
}

/// Tries the passphrases there are.
fn unlock(
    part: &Packed,
    lock: Lock,
    bytes: &mut Vec<u8>,
    keys: &Keyring,
    again: impl Fn() -> std::io::Result<Vec<u8>>,
) -> Result<Vec<u8>, Fault> {
    let locked = |code, text: &str| Fault::new(RejectionKind::Locked, code, text);
    let keys = keys.all();
    if keys.is_empty() {
        return Err(locked(
            "ARCHIVE_LOCKED",
            "encrypted, and no passphrase was given",
        ));
    }
    let mut damage = None;
    for key in &keys {
        match crypt::open(lock, bytes, &key.passphrase) {
            Err(Closed::Wrong) => {}
            Err(Closed::Damaged) => {
                let text = "an encrypted member does not agree with its authentication code";
                damage = Some(Fault::rejected("ARCHIVE_CRC", text));
            }
            Ok(data) => match unpack(part, data) {
                Ok(unpacked) => {
                    key.prove();
                    return Ok(unpacked);
                }
                // One byte tells a wrong passphrase of the traditional cipher: one in 256 passes it.
                Err(fault) if matches!(lock, Lock::Aes { .. }) || key.is_proven() => {
                    damage = Some(fault);
                    *bytes = again()?;
                }
                Err(_) => *bytes = again()?,
            },
        }
    }
    Err(damage.unwrap_or_else(|| {
        let text = "encrypted, and not under the passphrase that was given";
        locked("ARCHIVE_PASSPHRASE", text)
    }))
}

/// Decompresses a member, or takes it as it is, and holds it against what the archive says of it.
fn unpack(part: &Packed, data: &[u8]) -> Result<Vec<u8>, Fault> {
    let size = |what: &str| {
        let text = format!(
            "a member unpacks to {what} than the {} bytes it should have",
            part.bytes
        );
        Fault::rejected("ARCHIVE_SIZE", text)
    };
    let limit = usize::try_from(part.bytes).unwrap_or(usize::MAX);
    if part.deflated && limit > RATIO_FLOOR && limit / RATIO_ALARM > data.len() {
        // It would end there after the work; either it is true and too much, or it is not true.
        let text =
            format!("a member of the archive inflates to more than {RATIO_ALARM} times its size");
        return Err(Fault::new(RejectionKind::Limit, "INFLATE_RATIO", text));
    }
    let bytes = match part.deflated {
        true => {
            inflate(data, limit, "a member of the archive").map_err(|fault| match fault.code {
                "INFLATE_LIMIT" => size("more"),
                _ => fault,
            })?
        }
        false => data.to_vec(),
    };
    if bytes.len() < limit {
        return Err(size("less"));
    }
    check_sum(part, &bytes)?;
    Ok(bytes)
}

fn wrong_sum() -> Fault {
    let text = "a member does not agree with its check sum: the archive is damaged";
    Fault::rejected("ARCHIVE_CRC", text)
}

fn check_sum(part: &Packed, bytes: &[u8]) -> Result<(), Fault> {
    match part.crc {
        Some(sum) if crc32fast::hash(bytes) != sum => Err(wrong_sum()),
        _ => Ok(()),
    }
}

/// Reads a member where it lies to hold it against its check sum, unless that is cancelled.
fn check_in_place(source: &ByteSource, part: &Packed, cancel: &CancelToken) -> Result<(), Fault> {
    let Some(sum) = part.crc else {
        return Ok(());
    };
    let mut hasher = crc32fast::Hasher::new();
    let mut buffer = vec![0; STEP.min(usize::try_from(source.len()).unwrap_or(STEP))];
    let mut at = 0;
    while at < source.len() {
        if cancel.is_cancelled() {
            return Ok(());
        }
        let step = (source.len() - at).min(buffer.len() as u64);
        let room = buffer.get_mut(..usize::try_from(step).unwrap_or(0));
        let room = room.unwrap_or_default();
        source.read_exact_at(at, room)?;
        hasher.update(room);
        at += step;
    }
    match hasher.finalize() == sum {
        true => Ok(()),
        false => Err(wrong_sum()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An archive as far as reading it again needs one: a member in a stored block, within another one.
    fn nested() -> (tempfile::NamedTempFile, Member) {
        let wrap = |data: &[u8]| {
            let length = data.len() as u16;
            let mut block = vec![1];
            block.extend(length.to_le_bytes());
            block.extend((!length).to_le_bytes());
            block.extend(data);
            block
        };
        let part = |data: &[u8], offset| Packed {
            offset,
            packed: data.len() as u64 + 5,
            bytes: data.len() as u64,
            deflated: true,
            crc: Some(crc32fast::hash(data)),
            lock: None,
        };
        let object = b"an object".as_slice();
        let inner = [b"??".as_slice(), &wrap(object)].concat();
        let outer = [b"???".as_slice(), &wrap(&inner)].concat();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &outer).unwrap();
        let member = Member {
            archive: Arc::from(file.path()),
            archive_bytes: outer.len() as u64,
            parts: vec![part(&inner, 3), part(object, 2)],
        };
        (file, member)
    }

    fn memory(source: ByteSource) -> Arc<Vec<u8>> {
        match source {
            ByteSource::Memory(bytes) => bytes,
            _ => panic!("unpacked"),
        }
    }

    #[test]
    fn what_is_asked_for_again_is_unpacked_once() {
        let (_file, member) = nested();
        let archives = Archives::default();
        let open = |again| memory(archives.open(&member, &Limits::default(), again).unwrap());
        let once = open(false);
        assert_eq!(once.as_slice(), b"an object");
        // The archive around it is kept, the object itself is not.
        assert_eq!(lock(&archives.kept).len(), 1);
        assert!(!Arc::ptr_eq(&once, &open(false)));
        assert!(Arc::ptr_eq(&open(true), &open(true)));
        assert_eq!(lock(&archives.kept).len(), 2);
    }

    #[test]
    fn all_archives_on_the_way_share_one_budget() {
        let (_file, member) = nested();
        let whole: u64 = member.parts.iter().map(|p| p.bytes + p.packed).sum();
        let with = |bytes: u64| {
            let limits = Limits {
                inflated_bytes: bytes as usize,
                ..Limits::default()
            };
            Archives::default()
                .open(&member, &limits, false)
                .map(memory)
        };
        assert!(with(whole).is_ok());
        let refused = with(member.parts[0].bytes + member.parts[0].packed);
        assert_eq!(refused.unwrap_err().code, "ARCHIVE_LIMIT");
    }
}
