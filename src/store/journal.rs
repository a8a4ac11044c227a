//! The journal of edits: append-only, encrypted, chained, durable before it is acknowledged.
//!
//! File, little-endian. Header of 64 bytes: `NEGAJRNL`, version (4), zero (4), random id (16), SHA-256 of those 32.
//! Record: head of 20 bytes — length of the body (4), number from 1 (8), first 8 bytes of SHA-256 over the chain so
//! far, length and number —, the body — nonce (24) and sealed commit (XChaCha20-Poly1305; associated data: id,
//! version, number, chain so far) —, and the chain value (32): SHA-256 over the chain so far, head and body.
//! The chain begins with the digest of the header.
//!
//! Must stay true: a record counts once it was written whole and `fdatasync` returned; a record cut short at the
//! end of the file was never acknowledged and is dropped; anything else that does not fit is damage, and what
//! stands before it is still read. The journal is never rewritten.

mod reading;
mod salvage;

pub use reading::replay;
pub(super) use reading::replay_each;
pub(super) use salvage::{salvage, write as write_salvaged};

use super::{
    StoreError,
    codec::{self, Commit, Kind, MAX_PAYLOAD},
    key::{self, StoreKey},
};
use crate::model::edit::{AnnotationSet, Edit, Kept};
use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead as _, KeyInit as _, Payload},
};
use sha2::{Digest as _, Sha256};
use std::{
    collections::VecDeque,
    fs::{File, OpenOptions},
    io::{self, BufReader, Seek as _, SeekFrom, Write as _},
    path::Path,
};

/// Version of the format that this program writes.
pub const VERSION: u32 = 2;
/// Name of the file.
pub const FILE: &str = "edits.journal";
/// How many commits can be taken back.
pub const UNDO_DEPTH: usize = 1000;
/// Memory that they may take, bytes; the newest stays in any case. More than any window's own history takes, so that
/// what it takes back is here as well. Changes of voxels are shared with it.
const UNDO_BYTES: usize = 256 << 20;

const MAGIC: [u8; 8] = *b"NEGAJRNL";
const HEADER: usize = 64;
const HEAD: usize = 20;
const CHAIN: usize = 32;
const NONCE: usize = 24;
const TAG: usize = 16;

type Chain = [u8; CHAIN];

/// Where a journal is written. A file, or what a test puts in its place.
pub trait Medium {
    /// Writes all bytes at a place.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Brings what was written to the disk.
    fn sync(&mut self) -> io::Result<()>;
    /// Cuts the file.
    fn cut(&mut self, length: u64) -> io::Result<()>;
}

impl Medium for File {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.seek(SeekFrom::Start(offset))?;
        self.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }
}

/// How the end of a journal looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tail {
    /// The file ends with a whole record.
    Clean,
    /// The file ends within a record that was never acknowledged; so many bytes are dropped.
    Torn(u64),
    /// Record `number` at byte `offset` is not as it was written; it and what follows are not read.
    Damaged {
        /// Number of the record, from 1; 0 for the header.
        number: u64,
        /// Where it begins.
        offset: u64,
        /// What does not fit.
        detail: &'static str,
    },
}

/// What a journal says.
#[derive(Clone, Debug)]
pub struct Replay {
    /// What is kept after all commits.
    pub kept: Kept,
    /// Commits read.
    pub commits: u64,
    /// Chain value after the last.
    pub chain: Chain,
    /// Bytes that hold them, with the header.
    pub bytes: u64,
    /// How the file ends.
    pub tail: Tail,
    /// Time of the last commit, milliseconds since 1970 UTC.
    pub last_ms: Option<i64>,
    /// Version that the file began with; records are bound to it.
    pub version: u32,
    id: [u8; 16],
    history: History,
}

/// What can be taken back and done again.
#[derive(Clone, Debug, Default)]
struct History {
    undo: VecDeque<(u64, Vec<Edit>)>,
    redo: Vec<(u64, Vec<Edit>)>,
    /// Memory that both take.
    held: usize,
}

fn held_bytes((_, edits): &(u64, Vec<Edit>)) -> usize {
    edits.iter().map(Edit::held_bytes).sum()
}

impl History {
    fn note(&mut self, number: u64, commit: &Commit) {
        match commit.kind {
            Kind::Done => {
                let gone = self.redo.drain(..).map(|step| held_bytes(&step));
                self.held -= gone.sum::<usize>();
                let step = (number, commit.edits.clone());
                self.held += held_bytes(&step);
                self.undo.push_back(step);
            }
            Kind::Undoes(_) => self.redo.extend(self.undo.pop_back()),
            Kind::Redoes(_) => self.undo.extend(self.redo.pop()),
            Kind::Noted => {}
        }
        while self.undo.len() > UNDO_DEPTH || (self.held > UNDO_BYTES && self.undo.len() > 1) {
            let oldest = self.undo.pop_front();
            self.held -= oldest.map_or(0, |step| held_bytes(&step));
        }
    }
}

/// A journal that is open for writing.
pub struct Journal<M: Medium = File> {
    medium: M,
    cipher: XChaCha20Poly1305,
    version: u32,
    id: [u8; 16],
    commits: u64,
    chain: Chain,
    end: u64,
    kept: Kept,
    history: History,
    last_ms: Option<i64>,
    poisoned: bool,
}

impl<M: Medium> std::fmt::Debug for Journal<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Journal({} commits)", self.commits)
    }
}

fn cipher(key: &StoreKey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new((&*key.derive("negatoscope journal 1")).into())
}

fn header(id: [u8; 16]) -> [u8; HEADER] {
    let mut bytes = [0; HEADER];
    let (fields, digest) = bytes.split_at_mut(32);
    let parts: [&[u8]; 4] = [&MAGIC, &VERSION.to_le_bytes(), &[0; 4], &id];
    for (slot, byte) in fields.iter_mut().zip(parts.concat()) {
        *slot = byte;
    }
    digest.copy_from_slice(&Sha256::digest(&*fields));
    bytes
}

fn head(chain: &Chain, length: u32, number: u64) -> [u8; HEAD] {
    let digest = Sha256::new()
        .chain_update(b"record head")
        .chain_update(chain)
        .chain_update(length.to_le_bytes())
        .chain_update(number.to_le_bytes())
        .finalize();
    let mut bytes = [0; HEAD];
    let parts = length
        .to_le_bytes()
        .into_iter()
        .chain(number.to_le_bytes())
        .chain(digest);
    for (slot, byte) in bytes.iter_mut().zip(parts) {
        *slot = byte;
    }
    bytes
}

fn next_chain(chain: &Chain, head: &[u8], body: &[u8]) -> Chain {
    Sha256::new()
        .chain_update(chain)
        .chain_update(head)
        .chain_update(body)
        .finalize()
        .into()
}

fn associated(id: &[u8; 16], version: u32, number: u64, chain: &Chain) -> Vec<u8> {
    [
        id.as_slice(),
        &version.to_le_bytes(),
        &number.to_le_bytes(),
        chain,
    ]
    .concat()
}

/// Makes an empty journal; the file must not exist.
pub fn create(path: &Path) -> Result<(), StoreError> {
    let mut id = [0; 16];
    key::fill_random(&mut id)?;
    super::files::write_whole(path, &header(id))
}

/// Reads a journal from its beginning, without changing it.
pub fn read(path: &Path, key: &StoreKey) -> Result<Replay, StoreError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            return Err(StoreError::damaged("journal", "the file is missing"));
        }
        Err(e) => return Err(StoreError::io("opening the journal")(e)),
    };
    let length = file
        .metadata()
        .map_err(StoreError::io("reading the journal"))?
        .len();
    replay(&mut BufReader::with_capacity(1 << 16, file), length, key)
}

/// A file that is brought to the disk once, at the end.
struct AtTheEnd(File);

impl Medium for AtTheEnd {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_at(offset, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.0.cut(length)
    }
}

/// A journal that is made whole before anybody opens it: of another key, or without somebody.
pub(super) struct NewJournal {
    journal: Journal<AtTheEnd>,
}

impl NewJournal {
    /// Makes the file, which must not exist.
    pub(super) fn create(path: &Path, key: &StoreKey) -> Result<Self, StoreError> {
        create(path)?;
        let replay = read(path, key)?;
        let file = OpenOptions::new()
            .write(true)
            .open(path)
            .map_err(StoreError::io("opening the journal for writing"))?;
        Ok(Self {
            journal: Journal::on(AtTheEnd(file), replay, key)?,
        })
    }

    /// All commits of another journal.
    pub(super) fn copy(&mut self, path: &Path, key: &StoreKey) -> Result<(), StoreError> {
        let file = File::open(path).map_err(StoreError::io("opening the journal"))?;
        let length = file
            .metadata()
            .map_err(StoreError::io("reading the journal"))?
            .len();
        let mut source = BufReader::with_capacity(1 << 16, file);
        let journal = &mut self.journal;
        reading::replay_each(&mut source, length, key, &mut |commit| {
            journal.append(commit).map(|_| ())
        })
        .map(|_| ())
    }

    /// A state, as if it had been noted at once.
    pub(super) fn put(&mut self, edits: &[Edit], time_ms: i64) -> Result<(), StoreError> {
        for part in codec::in_parts(edits, 1000) {
            self.journal.note(part, time_ms)?;
        }
        Ok(())
    }

    /// Brings it to the disk; commits and chain value.
    pub(super) fn finish(self) -> Result<(u64, Chain), StoreError> {
        let (commits, chain) = (self.journal.commits, self.journal.chain);
        let synced = self.journal.medium.0.sync_all();
        synced.map_err(StoreError::io("writing the journal"))?;
        Ok((commits, chain))
    }
}

impl Journal {
    /// Opens a journal for writing. A torn end is cut off; a damaged journal is not opened.
    pub fn open(path: &Path, replay: Replay, key: &StoreKey) -> Result<Self, StoreError> {
        let file = OpenOptions::new()
            .write(true)
            .open(path)
            .map_err(StoreError::io("opening the journal for writing"))?;
        Self::on(file, replay, key)
    }

    /// Takes a fresh look at the file after a write or a sync failed.
    pub fn reopen(&mut self, path: &Path, key: &StoreKey) -> Result<(), StoreError> {
        let file = OpenOptions::new()
            .write(true)
            .open(path)
            .map_err(StoreError::io("opening the journal for writing"))?;
        self.go_on(file, || read(path, key))
    }
}

impl<M: Medium> Journal<M> {
    /// Goes on behind what was replayed.
    pub fn on(mut medium: M, replay: Replay, key: &StoreKey) -> Result<Self, StoreError> {
        match replay.tail {
            Tail::Clean => {}
            Tail::Torn(_) => medium
                .cut(replay.bytes)
                .and_then(|()| medium.sync())
                .map_err(StoreError::io("cutting the end of the journal"))?,
            Tail::Damaged { detail, .. } => return Err(StoreError::damaged("journal", detail)),
        }
        Ok(Self {
            medium,
            cipher: cipher(key),
            version: replay.version,
            id: replay.id,
            commits: replay.commits,
            chain: replay.chain,
            end: replay.bytes,
            kept: replay.kept,
            history: replay.history,
            last_ms: replay.last_ms,
            poisoned: false,
        })
    }

    /// Goes on on a fresh medium after the old one failed: what was not acknowledged is cut off, what was must be
    /// there.
    pub fn go_on(
        &mut self,
        mut medium: M,
        look: impl Fn() -> Result<Replay, StoreError>,
    ) -> Result<(), StoreError> {
        let before = look()?;
        if before.bytes < self.end || before.commits < self.commits {
            return Err(StoreError::damaged("journal", "its end is missing"));
        }
        medium
            .cut(self.end)
            .and_then(|()| medium.sync())
            .map_err(StoreError::io("cutting the end of the journal"))?;
        let replay = look()?;
        if replay.tail != Tail::Clean || replay.chain != self.chain {
            let detail = "it is not what was acknowledged";
            return Err(StoreError::damaged("journal", detail));
        }
        self.medium = medium;
        self.poisoned = false;
        Ok(())
    }

    /// The marks as they are now.
    pub const fn marks(&self) -> &AnnotationSet {
        &self.kept.marks
    }

    /// Everything that is kept, as it is now.
    pub const fn kept(&self) -> &Kept {
        &self.kept
    }

    /// Commits so far.
    pub const fn commits(&self) -> u64 {
        self.commits
    }

    /// Chain value after the last commit.
    pub const fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Time of the last commit, milliseconds since 1970 UTC.
    pub const fn last_ms(&self) -> Option<i64> {
        self.last_ms
    }

    /// Whether it refuses until it is opened anew.
    pub const fn is_poisoned(&self) -> bool {
        self.poisoned
    }

    /// Edits of the gestures after a commit that are not taken back; of the latest [`UNDO_DEPTH`] gestures.
    pub fn edits_since(&self, number: u64) -> impl Iterator<Item = &Edit> {
        let gestures = self.history.undo.iter().filter(move |(n, _)| *n > number);
        gestures.flat_map(|(_, edits)| edits)
    }

    /// Whether there is something to take back.
    pub fn can_undo(&self) -> bool {
        !self.history.undo.is_empty()
    }

    /// The gesture that would be taken back.
    pub fn next_undo(&self) -> &[Edit] {
        self.history
            .undo
            .back()
            .map_or(&[], |(_, edits)| edits.as_slice())
    }

    /// The gesture that would be done again.
    pub fn next_redo(&self) -> &[Edit] {
        self.history
            .redo
            .last()
            .map_or(&[], |(_, edits)| edits.as_slice())
    }

    /// Whether there is something to do again.
    pub fn can_redo(&self) -> bool {
        !self.history.redo.is_empty()
    }

    /// Carries out one gesture. When this returns `Ok`, it is on the disk; the number of the commit comes back.
    pub fn commit(&mut self, edits: &[Edit], time_ms: i64) -> Result<u64, StoreError> {
        self.append(Commit {
            kind: Kind::Done,
            time_ms,
            edits: edits.to_vec(),
        })
    }

    /// Keeps how the window stands; no step of undo. Durable as [`Journal::commit`].
    pub fn note(&mut self, edits: &[Edit], time_ms: i64) -> Result<u64, StoreError> {
        self.append(Commit {
            kind: Kind::Noted,
            time_ms,
            edits: edits.to_vec(),
        })
    }

    /// Takes the last gesture back by its inverse; `None` when there is none.
    pub fn undo(&mut self, time_ms: i64) -> Result<Option<u64>, StoreError> {
        let Some((number, edits)) = self.history.undo.back() else {
            return Ok(None);
        };
        let commit = Commit {
            kind: Kind::Undoes(*number),
            time_ms,
            edits: edits.iter().rev().map(Edit::inverse).collect(),
        };
        self.append(commit).map(Some)
    }

    /// Does the last gesture that was taken back again; `None` when there is none.
    pub fn redo(&mut self, time_ms: i64) -> Result<Option<u64>, StoreError> {
        let Some((number, edits)) = self.history.redo.last() else {
            return Ok(None);
        };
        let commit = Commit {
            kind: Kind::Redoes(*number),
            time_ms,
            edits: edits.clone(),
        };
        self.append(commit).map(Some)
    }

    fn append(&mut self, commit: Commit) -> Result<u64, StoreError> {
        if self.poisoned {
            return Err(StoreError::Poisoned);
        }
        if commit.edits.is_empty() {
            return Err(StoreError::InvalidEdit("there is no edit in it"));
        }
        for edit in &commit.edits {
            codec::check_edit(edit).map_err(StoreError::InvalidEdit)?;
        }
        let number = self.commits + 1;
        let (record, chain) = self.seal(&commit, number)?;
        self.kept
            .apply_all(&commit.edits)
            .map_err(StoreError::Conflict)?;
        if let Err(source) = self.write(&record) {
            self.kept.take_back(&commit.edits);
            return Err(StoreError::Io {
                doing: "writing the journal; the edit is NOT saved",
                source,
            });
        }
        self.history.note(number, &commit);
        self.last_ms = Some(commit.time_ms);
        self.commits = number;
        self.chain = chain;
        self.end += record.len() as u64;
        Ok(number)
    }

    fn seal(&self, commit: &Commit, number: u64) -> Result<(Vec<u8>, Chain), StoreError> {
        let plain = codec::encode(commit);
        if plain.len() > MAX_PAYLOAD {
            return Err(StoreError::InvalidEdit("it is too large"));
        }
        let mut nonce = [0; NONCE];
        key::fill_random(&mut nonce)?;
        let payload = Payload {
            msg: &plain,
            aad: &associated(&self.id, self.version, number, &self.chain),
        };
        let sealed = self
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| StoreError::InvalidEdit("it cannot be sealed"))?;
        let body = [nonce.as_slice(), &sealed].concat();
        let length =
            u32::try_from(body.len()).map_err(|_| StoreError::InvalidEdit("it is too large"))?;
        let head = head(&self.chain, length, number);
        let chain = next_chain(&self.chain, &head, &body);
        Ok(([head.as_slice(), &body, &chain].concat(), chain))
    }

    /// Writes and syncs; on failure the file is cut back to what was acknowledged.
    fn write(&mut self, record: &[u8]) -> io::Result<()> {
        let written = self.medium.write_at(self.end, record);
        let failed_sync = match &written {
            Ok(()) => self.medium.sync().err(),
            Err(_) => None,
        };
        if written.is_ok() && failed_sync.is_none() {
            return Ok(());
        }
        // After a failed sync the kernel may have thrown the pages away and will say "synced" next time; only a
        // fresh look at the file tells what is there. A failed write can be cut back, and space may return.
        let cut = self.medium.cut(self.end);
        self.poisoned = failed_sync.is_some() || cut.is_err();
        written?;
        failed_sync.map_or(Ok(()), Err)
    }
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
