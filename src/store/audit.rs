//! The log of who did what: append-only, encrypted, each entry chained to all before it.
//!
//! `audit.log`, little-endian. Header of 64 bytes: `NEGAAUDT`, version (4), zero (4), random id (16), SHA-256 of those 32.
//! Entry: length of the body (4), number from 1 (8), the body — nonce (24) and sealed text (XChaCha20-Poly1305;
//! associated data: id, number, chain so far) —, and the chain value (32): SHA-256 over the chain so far, length, number
//! and body. `audit.head` says under an HMAC how many entries are on the disk, where they end and the last chain value.
//!
//! Must stay true: without the key no entry can be changed, taken out, put elsewhere or cut off unseen, for the head
//! says how many there were; who also puts back an older head is caught by one that was written out
//! ([`Head::text`]). Entries of edits go to the disk with the next entry that is not one, or at the end: an edit is
//! acknowledged by its journal.

use super::{
    StoreError, files,
    key::{self, StoreKey, hmac_sha256},
};
use crate::model::access::{AuditKind, Role};
use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead as _, KeyInit as _, Payload},
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufReader, Read, Seek as _, SeekFrom, Write as _},
    path::Path,
};
use zeroize::Zeroizing;

/// Name of the log.
pub const FILE: &str = "audit.log";
/// Name of its head.
pub const HEAD_FILE: &str = "audit.head";
/// Version of the format.
pub const VERSION: u32 = 1;

const MAGIC: [u8; 8] = *b"NEGAAUDT";
const HEADER: usize = 64;
const PREFIX: usize = 12;
const NONCE: usize = 24;
const CHAIN: usize = 32;
/// Longest body: a sentence and its names.
const MOST: usize = 64 << 10;

type Chain = [u8; CHAIN];

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// From 1.
    pub number: u64,
    /// Milliseconds since 1970 UTC.
    pub time_ms: i64,
    /// Account.
    pub user: String,
    /// What it may.
    pub role: Role,
    /// What happened.
    pub kind: AuditKind,
    /// Whether it was done.
    pub done: bool,
    /// What stands for the patient ([`Store::reference`](super::Store::reference)); empty when it concerns none.
    pub patient: String,
    /// What stands for the study; empty when it concerns none.
    pub study: String,
    /// One sentence in English, free of identity.
    pub detail: String,
}

/// What happened, without who and when.
#[derive(Clone, Debug)]
pub struct AuditEvent {
    /// What happened.
    pub kind: AuditKind,
    /// Whether it was done.
    pub done: bool,
    /// Patient ID or id of the record; empty when it concerns none.
    pub patient: String,
    /// Study Instance UID, or empty.
    pub study: String,
    /// One sentence in English, free of identity.
    pub detail: String,
}

impl AuditEvent {
    /// Something that was done.
    pub fn new(kind: AuditKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            done: true,
            patient: String::new(),
            study: String::new(),
            detail: detail.into(),
        }
    }

    /// With whom it concerns.
    #[must_use]
    pub fn of_patient(mut self, patient: &str) -> Self {
        patient.clone_into(&mut self.patient);
        self
    }

    /// With the study that it concerns.
    #[must_use]
    pub fn of_study(mut self, study: &str) -> Self {
        study.clone_into(&mut self.study);
        self
    }

    /// It was tried, and was not done.
    #[must_use]
    pub const fn failed(mut self) -> Self {
        self.done = false;
        self
    }
}

fn encode(entry: &AuditEntry) -> Vec<u8> {
    json!([
        entry.time_ms,
        entry.user,
        entry.role.name(),
        entry.kind.name(),
        entry.done,
        entry.patient,
        entry.study,
        entry.detail
    ])
    .to_string()
    .into_bytes()
}

fn decode(number: u64, bytes: &[u8]) -> Option<AuditEntry> {
    let value: Value = serde_json::from_slice(bytes).ok()?;
    let text = |at: usize| Some(value.get(at)?.as_str()?.to_owned());
    Some(AuditEntry {
        number,
        time_ms: value.get(0)?.as_i64()?,
        user: text(1)?,
        role: Role::named(&text(2)?)?,
        kind: AuditKind::named(&text(3)?)?,
        done: value.get(4)?.as_bool()?,
        patient: text(5)?,
        study: text(6)?,
        detail: text(7)?,
    })
}

/// How far the log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Entries.
    pub count: u64,
    /// Where they end in the file.
    end: u64,
    /// Chain value after the last.
    chain: Chain,
}

impl Head {
    /// The head as one word to be kept elsewhere: number of entries and chain value.
    pub fn text(&self) -> String {
        let digits: String = self.chain.iter().map(|b| format!("{b:02x}")).collect();
        format!("{}:{digits}", self.count)
    }

    /// Reads such a word: the number and the digits.
    pub fn parse(text: &str) -> Option<(u64, String)> {
        let (count, digits) = text.trim().split_once(':')?;
        let right = digits.len() == 2 * CHAIN && digits.bytes().all(|b| b.is_ascii_hexdigit());
        right.then_some((count.parse().ok()?, digits.to_ascii_lowercase()))
    }

    fn bytes(&self, key: &StoreKey) -> Vec<u8> {
        let mut bytes = b"NEGAHEAD".to_vec();
        bytes.extend(self.count.to_le_bytes());
        bytes.extend(self.end.to_le_bytes());
        bytes.extend(self.chain);
        let mac = hmac_sha256(key.derive("negatoscope audit head 1").as_slice(), &bytes);
        bytes.extend(*mac);
        bytes
    }

    fn read(path: &Path, key: &StoreKey) -> Result<Result<Self, &'static str>, StoreError> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                return Ok(Err("the head of the log is missing"));
            }
            Err(e) => return Err(StoreError::io("reading the head of the log")(e)),
        };
        let number = |at: usize| {
            let part = bytes.get(at..at + 8)?;
            Some(u64::from_le_bytes(part.try_into().ok()?))
        };
        let head = (|| {
            Some(Self {
                count: number(8)?,
                end: number(16)?,
                chain: bytes.get(24..56)?.try_into().ok()?,
            })
        })();
        Ok(head
            .filter(|head| head.bytes(key) == bytes)
            .ok_or("the head of the log is not as it was written"))
    }
}

fn cipher(key: &StoreKey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new((&*key.derive("negatoscope audit 1")).into())
}

fn header(id: [u8; 16]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend(id);
    let digest = Sha256::digest(&bytes);
    bytes.extend(digest);
    bytes
}

fn associated(id: &[u8; 16], number: u64, chain: &Chain) -> Vec<u8> {
    [id.as_slice(), &number.to_le_bytes(), chain].concat()
}

fn next_chain(chain: &Chain, prefix: &[u8], body: &[u8]) -> Chain {
    let hash = Sha256::new().chain_update(chain).chain_update(prefix);
    hash.chain_update(body).finalize().into()
}

/// What a walk over the log found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditReport {
    /// Entries that are as they were written.
    pub entries: u64,
    /// The first one that is not (one more than the last where it is missing), and what is wrong.
    pub problem: Option<(u64, String)>,
    /// How far the log is, when it is sound.
    pub head: Option<Head>,
    /// Whether entries say that an earlier log was found damaged.
    pub damaged_before: bool,
}

/// Bytes of the log from somewhere on.
struct Walk<R> {
    source: R,
    left: u64,
    at: u64,
    id: [u8; 16],
    count: u64,
    chain: Chain,
    cipher: XChaCha20Poly1305,
}

impl<R: Read> Walk<R> {
    /// The next entry; `Ok(None)` at the end, and an error with what is wrong.
    fn next(&mut self) -> Result<Option<AuditEntry>, &'static str> {
        if self.left == 0 {
            return Ok(None);
        }
        let mut prefix = [0; PREFIX];
        self.take(&mut prefix)?;
        let length = u32::from_le_bytes([prefix[0], prefix[1], prefix[2], prefix[3]]) as usize;
        let [_, _, _, _, number @ ..] = prefix;
        let number = u64::from_le_bytes(number);
        if number != self.count + 1 {
            return Err("another entry stands in its place");
        }
        if !(NONCE + 16..=MOST).contains(&length) || length as u64 + CHAIN as u64 > self.left {
            return Err("it is not as it was written, or cut");
        }
        let mut body = vec![0; length];
        self.take(&mut body)?;
        let mut chain = [0; CHAIN];
        self.take(&mut chain)?;
        let (nonce, sealed) = body.split_at(NONCE);
        let nonce = XNonce::try_from(nonce).map_err(|_| "it has no nonce")?;
        let payload = Payload {
            msg: sealed,
            aad: &associated(&self.id, number, &self.chain),
        };
        let plain = self
            .cipher
            .decrypt(&nonce, payload)
            .map_err(|_| "it is not as it was written, or stood elsewhere")?;
        if next_chain(&self.chain, &prefix, &body) != chain {
            return Err("its chain value is not as it was written");
        }
        let entry = decode(number, &plain).ok_or("it cannot be read")?;
        self.count = number;
        self.chain = chain;
        self.at += (PREFIX + length + CHAIN) as u64;
        Ok(Some(entry))
    }

    fn take(&mut self, buffer: &mut [u8]) -> Result<(), &'static str> {
        if buffer.len() as u64 > self.left {
            return Err("it is cut");
        }
        self.source
            .read_exact(buffer)
            .map_err(|_| "it cannot be read from the disk")?;
        self.left -= buffer.len() as u64;
        Ok(())
    }
}

/// Begins a walk at the first entry.
fn walk(path: &Path, key: &StoreKey) -> Result<Result<Walk<BufReader<File>>, String>, StoreError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            return Ok(Err("the log is missing".into()));
        }
        Err(e) => return Err(StoreError::io("opening the log")(e)),
    };
    let length = file
        .metadata()
        .map_err(StoreError::io("reading the log"))?
        .len();
    let mut source = BufReader::with_capacity(1 << 16, file);
    let mut head = [0; HEADER];
    if source.read_exact(&mut head).is_err() {
        return Ok(Err("the log is cut".into()));
    }
    let version = u32::from_le_bytes([head[8], head[9], head[10], head[11]]);
    let id: [u8; 16] = head
        .get(16..32)
        .and_then(|b| b.try_into().ok())
        .unwrap_or_default();
    let sound = Sha256::digest(&head[..32]).as_slice() == &head[32..] && head[..8] == MAGIC;
    if sound && version > VERSION {
        return Err(StoreError::NewerVersion {
            part: "log",
            found: version,
            known: VERSION,
        });
    }
    if !sound || header(id) != head {
        return Ok(Err("its beginning is not as it was written".into()));
    }
    Ok(Ok(Walk {
        source,
        left: length - HEADER as u64,
        at: HEADER as u64,
        id,
        count: 0,
        chain: Sha256::digest(head).into(),
        cipher: cipher(key),
    }))
}

/// Reads the whole log and holds it against its head; `sink` gets every sound entry.
///
/// # Errors
/// Those of the disk, and a later version.
pub fn read(
    dir: &Path,
    key: &StoreKey,
    expected: Option<&(u64, String)>,
    sink: &mut dyn FnMut(AuditEntry),
) -> Result<AuditReport, StoreError> {
    let mut report = AuditReport {
        entries: 0,
        problem: None,
        head: None,
        damaged_before: false,
    };
    let mut walk = match walk(&dir.join(FILE), key)? {
        Ok(walk) => walk,
        Err(text) => {
            report.problem = Some((1, text));
            return Ok(report);
        }
    };
    let head = Head::read(&dir.join(HEAD_FILE), key)?;
    let mut at_head = head.is_ok_and(|h| h.count == 0 && h.chain == walk.chain);
    let mut at_expected = expected.is_none_or(|(count, _)| *count == 0);
    let problem = loop {
        match walk.next() {
            Ok(Some(entry)) => {
                let now = Head {
                    count: walk.count,
                    end: walk.at,
                    chain: walk.chain,
                };
                at_head |= head == Ok(now);
                if let Some((count, digits)) = expected
                    && *count == walk.count
                {
                    at_expected = now.text() == format!("{count}:{digits}");
                }
                report.damaged_before |= entry.kind == AuditKind::AuditDamaged;
                report.entries = walk.count;
                sink(entry);
            }
            Ok(None) => break None,
            Err(text) => break Some((walk.count + 1, text.to_owned())),
        }
    };
    report.problem = problem
        .filter(|(number, _)| head.is_err() || head.is_ok_and(|h| *number <= h.count))
        .or_else(|| match head {
            Err(text) => Some((walk.count + 1, text.to_owned())),
            Ok(h) if h.count > walk.count => {
                let lost = h.count - walk.count;
                Some((
                    walk.count + 1,
                    format!("the end is missing: {lost} entries"),
                ))
            }
            Ok(h) if !at_head => Some((h.count, "another log stands in its place".into())),
            Ok(_) => None,
        })
        .or_else(|| {
            let (count, _) = expected.filter(|_| !at_expected)?;
            let text = match *count > walk.count {
                true => "the log is older than the head that was written out",
                false => "the log is not the one of which the head was written out",
            };
            Some(((*count).min(walk.count + 1), text.to_owned()))
        });
    report.head = report.problem.is_none().then_some(Head {
        count: walk.count,
        end: walk.at,
        chain: walk.chain,
    });
    Ok(report)
}

/// The log, open for writing.
pub(super) struct Audit {
    file: File,
    head_file: File,
    id: [u8; 16],
    head: Head,
    /// Entries that the head does not count yet.
    waiting: u32,
    head_key: Zeroizing<[u8; 32]>,
    cipher: XChaCha20Poly1305,
}

/// Entries of edits that may wait for the disk.
const MOST_WAITING: u32 = 64;

impl Audit {
    /// Makes an empty log.
    pub(super) fn create(dir: &Path, key: &StoreKey) -> Result<(), StoreError> {
        let mut id = [0; 16];
        key::fill_random(&mut id)?;
        let header = header(id);
        files::write_whole(&dir.join(FILE), &header)?;
        let head = Head {
            count: 0,
            end: HEADER as u64,
            chain: Sha256::digest(&header).into(),
        };
        files::write_whole(&dir.join(HEAD_FILE), &head.bytes(key))
    }

    /// Goes on behind the last entry. The inner error says that the log is not as it was left.
    pub(super) fn open(dir: &Path, key: &StoreKey) -> Result<Result<Self, String>, StoreError> {
        let mut walk = match walk(&dir.join(FILE), key)? {
            Ok(walk) => walk,
            Err(text) => return Ok(Err(text)),
        };
        let head = match Head::read(&dir.join(HEAD_FILE), key)? {
            Ok(head) => head,
            Err(text) => return Ok(Err(text.to_owned())),
        };
        // What the head counts is only held against its last value here; looking at every entry is for who verifies.
        let length = walk.left + HEADER as u64;
        if length < head.end {
            return Ok(Err("the end is missing".into()));
        }
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(dir.join(FILE))
            .map_err(StoreError::io("opening the log for writing"))?;
        let failed = || StoreError::io("reading the log");
        if head.count > 0 {
            let mut chain = [0; CHAIN];
            file.seek(SeekFrom::Start(head.end - CHAIN as u64))
                .and_then(|_| file.read_exact(&mut chain))
                .map_err(failed())?;
            if chain != head.chain {
                return Ok(Err("another log stands in its place".into()));
            }
        }
        walk.source
            .seek(SeekFrom::Start(head.end))
            .map_err(failed())?;
        walk.left = length - head.end;
        (walk.at, walk.count, walk.chain) = (head.end, head.count, head.chain);
        // Entries of edits that the head did not count yet; one that a crash cut was never on the disk.
        while let Ok(Some(_)) = walk.next() {}
        let head_file = OpenOptions::new()
            .write(true)
            .open(dir.join(HEAD_FILE))
            .map_err(StoreError::io("opening the head of the log"))?;
        file.set_len(walk.at)
            .map_err(StoreError::io("cutting the end of the log"))?;
        Ok(Ok(Self {
            file,
            head_file,
            id: walk.id,
            head: Head {
                count: walk.count,
                end: walk.at,
                chain: walk.chain,
            },
            waiting: 0,
            head_key: key.derive("negatoscope audit head 1"),
            cipher: walk.cipher,
        }))
    }

    /// Adds an entry; `now` brings it to the disk, with all that wait.
    pub(super) fn append(&mut self, mut entry: AuditEntry, now: bool) -> Result<(), StoreError> {
        entry.number = self.head.count + 1;
        entry.detail = entry.detail.chars().take(2048).collect();
        let mut nonce = [0; NONCE];
        key::fill_random(&mut nonce)?;
        let plain = encode(&entry);
        let payload = Payload {
            msg: &plain,
            aad: &associated(&self.id, entry.number, &self.head.chain),
        };
        let sealed = self
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| StoreError::InvalidEdit("it cannot be sealed"))?;
        let body = [nonce.as_slice(), &sealed].concat();
        if body.len() > MOST {
            return Err(StoreError::InvalidEdit("it is too large"));
        }
        let mut record = (body.len() as u32).to_le_bytes().to_vec();
        record.extend(entry.number.to_le_bytes());
        let chain = next_chain(&self.head.chain, &record, &body);
        record.extend(body);
        record.extend(chain);
        let written = self
            .file
            .seek(SeekFrom::Start(self.head.end))
            .and_then(|_| self.file.write_all(&record));
        if let Err(error) = written {
            // Half an entry would look like a damaged one.
            let _ = self.file.set_len(self.head.end);
            return Err(StoreError::io("writing the log")(error));
        }
        self.head.count = entry.number;
        self.head.end += record.len() as u64;
        self.head.chain = chain;
        self.waiting += 1;
        if now || self.waiting >= MOST_WAITING {
            return self.sync();
        }
        Ok(())
    }

    /// Brings all entries to the disk, then the head that counts them.
    pub(super) fn sync(&mut self) -> Result<(), StoreError> {
        if self.waiting == 0 {
            return Ok(());
        }
        let mut bytes = b"NEGAHEAD".to_vec();
        bytes.extend(self.head.count.to_le_bytes());
        bytes.extend(self.head.end.to_le_bytes());
        bytes.extend(self.head.chain);
        let mac = hmac_sha256(self.head_key.as_slice(), &bytes);
        bytes.extend(*mac);
        self.file
            .sync_data()
            .and_then(|()| self.head_file.seek(SeekFrom::Start(0)))
            .and_then(|_| self.head_file.write_all(&bytes))
            .map_err(StoreError::io("writing the log"))?;
        self.waiting = 0;
        Ok(())
    }

    pub(super) const fn head(&self) -> Head {
        self.head
    }
}

impl Drop for Audit {
    fn drop(&mut self) {
        // What a full disk refuses here was an edit's entry; the journal has the edit.
        let _ = self.sync();
    }
}
