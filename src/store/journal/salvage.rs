//! A journal with damaged records: all others are found again.
//!
//! Each record is sealed together with the chain value before it, and that value stands in the file right before the
//! record. So a record behind a damaged one can be found, and is proved to be the one that was written there. What is
//! lost is the damaged record itself, and what cannot be said without it.

use super::{
    CHAIN, Chain, HEAD, HEADER, MAGIC, NONCE, NewJournal, TAG, VERSION, associated, cipher, head,
    next_chain,
};
use crate::{
    model::edit::{Edit, EditConflict, Kept},
    store::{
        StoreError,
        codec::{self, Commit, Kind, MAX_PAYLOAD},
        key::StoreKey,
    },
};
use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};
use sha2::{Digest as _, Sha256};
use std::{collections::BTreeMap, fs, path::Path};

/// How many records may be missing one after the other: more is another file.
const MOST_MISSING: u64 = 1 << 20;

/// What a damaged journal still says.
#[derive(Default)]
pub(in crate::store) struct Salvaged {
    /// Which journal it is; nothing where the header does not say.
    id: Option<[u8; 16]>,
    /// Records that could be read, by number.
    commits: BTreeMap<u64, Commit>,
    /// Number of the last record of which the file tells.
    last: u64,
}

impl Salvaged {
    /// Adds what a copy of the same journal has beside.
    pub fn add_copy(&mut self, path: &Path, key: &StoreKey) {
        let Ok(bytes) = fs::read(path) else { return };
        let copy = salvage(&bytes, key);
        if self.id.is_none() || (self.commits.is_empty() && self.id != copy.id) {
            *self = copy;
        } else if self.id == copy.id {
            self.last = self.last.max(copy.last);
            for (number, commit) in copy.commits {
                self.commits.entry(number).or_insert(commit);
            }
        }
    }

    /// How many records are missing.
    pub fn missing(&self) -> u64 {
        self.last - self.commits.len() as u64
    }

    /// How many records there are.
    pub fn len(&self) -> u64 {
        self.commits.len() as u64
    }
}

/// Version, id and digest of a header of which at most one byte is not as it was written. The id is what every record is
/// bound to; the digest tells it.
fn header_of(bytes: &[u8]) -> Option<(u32, [u8; 16], Chain)> {
    let fields: [u8; 32] = bytes.get(..32)?.try_into().ok()?;
    let digest: Chain = bytes.get(32..HEADER)?.try_into().ok()?;
    let parts = |fields: &[u8; 32], chain: Chain| -> Option<(u32, [u8; 16], Chain)> {
        let version = u32::from_le_bytes(fields.get(8..12)?.try_into().ok()?);
        let id = fields.get(16..32)?.try_into().ok()?;
        let known = fields.get(..8)? == MAGIC.as_slice() && (1..=VERSION).contains(&version);
        known.then_some((version, id, chain))
    };
    let own: Chain = Sha256::digest(fields).into();
    if own == digest {
        return parts(&fields, own);
    }
    for at in 0..fields.len() {
        let mut tried = fields;
        for change in 1..=255 {
            if let (Some(byte), Some(was)) = (tried.get_mut(at), fields.get(at)) {
                *byte = was ^ change;
            }
            if Chain::from(Sha256::digest(tried)) == digest {
                return parts(&tried, digest);
            }
        }
    }
    // The digest itself is damaged, or more than one byte is; the first record tells which.
    parts(&fields, own)
}

/// A file in memory, and what opens its records.
struct Search<'a> {
    bytes: &'a [u8],
    cipher: XChaCha20Poly1305,
    version: u32,
    id: [u8; 16],
}

impl Search<'_> {
    /// The length of the body of a record with a number, where its head follows from a chain value.
    fn body_length(&self, at: usize, chain: &Chain, number: u64) -> Option<usize> {
        let found = self.bytes.get(at..at + HEAD)?;
        let length = u32::from_le_bytes(found.get(..4)?.try_into().ok()?);
        let possible = (NONCE + TAG..=NONCE + TAG + MAX_PAYLOAD).contains(&(length as usize));
        let whole = at + HEAD + length as usize + CHAIN <= self.bytes.len();
        (possible && whole && found == head(chain, length, number)).then_some(length as usize)
    }

    fn open(&self, body: &[u8], chain: &Chain, number: u64) -> Option<Commit> {
        let (nonce, sealed) = body.split_at_checked(NONCE)?;
        let payload = Payload {
            msg: sealed,
            aad: &associated(&self.id, self.version, number, chain),
        };
        let nonce = XNonce::try_from(nonce).ok()?;
        codec::decode(&self.cipher.decrypt(&nonce, payload).ok()?)
    }

    fn chain_before(&self, at: usize) -> Option<Chain> {
        self.bytes.get(at.checked_sub(CHAIN)?..at)?.try_into().ok()
    }

    /// The next place where a record begins, its number and the chain value before it.
    fn next(&self, from: usize, number: u64) -> Option<(usize, u64, Chain)> {
        (from..self.bytes.len().saturating_sub(HEAD)).find_map(|at| {
            let stored = self.bytes.get(at + 4..at + 12)?;
            let found = u64::from_le_bytes(stored.try_into().ok()?);
            // Cheap, before anything is hashed.
            let later = found.checked_sub(number)?;
            if later > MOST_MISSING {
                return None;
            }
            let chain = self.chain_before(at)?;
            self.body_length(at, &chain, found)?;
            Some((at, found, chain))
        })
    }
}

/// Reads every record that can be read, wherever damage is.
pub(in crate::store) fn salvage(bytes: &[u8], key: &StoreKey) -> Salvaged {
    let mut found = Salvaged::default();
    let Some((version, id, mut chain)) = header_of(bytes) else {
        return found;
    };
    found.id = Some(id);
    let search = Search {
        bytes,
        cipher: cipher(key),
        version,
        id,
    };
    let (mut at, mut number) = (HEADER, 1);
    while at < bytes.len() {
        let length = search.body_length(at, &chain, number);
        let body = length.and_then(|length| bytes.get(at + HEAD..at + HEAD + length));
        let commit = body.and_then(|body| search.open(body, &chain, number));
        if let (Some(body), Some(commit)) = (body, commit) {
            // What is stored as chain value behind it may be damaged; what it must be is known.
            let record_head = bytes.get(at..at + HEAD).unwrap_or_default();
            chain = next_chain(&chain, record_head, body);
            found.commits.insert(number, commit);
            found.last = number;
            at += HEAD + body.len() + CHAIN;
            number += 1;
            continue;
        }
        let Some((next, later, before)) = search.next(at + 1, number + 1) else {
            // The last record, or a record cut short: its head alone may be damaged.
            let body = bytes.len().checked_sub(CHAIN);
            let body = body.and_then(|end| bytes.get(at + HEAD..end));
            if let Some(commit) = body.and_then(|body| search.open(body, &chain, number)) {
                found.commits.insert(number, commit);
            }
            found.last = number;
            break;
        };
        // Where one record alone is in between, its head may be what is damaged.
        let between = bytes.get(at + HEAD..next - CHAIN);
        let between = between.filter(|_| later == number + 1);
        if let Some(commit) = between.and_then(|body| search.open(body, &chain, number)) {
            found.commits.insert(number, commit);
        }
        (at, number, chain) = (next, later, before);
    }
    found
}

/// The edit that brings about what another one wanted, where the state is not the one that it starts from.
fn adapted(edit: &Edit, kept: &Kept) -> Option<Edit> {
    let mut edit = edit.clone();
    match &mut edit {
        Edit::Revise { from, to } => match kept.marks.get(&to.id) {
            Some(now) => from.clone_from(&Box::new(now.clone())),
            None => return Some(Edit::Add((**to).clone())),
        },
        Edit::Remove(mark) => mark.clone_from(kept.marks.get(&mark.id)?),
        Edit::Relabel { id, from, .. } => from.clone_from(&kept.marks.get(id)?.label),
        Edit::Reshape { id, from, .. } => from.clone_from(&kept.marks.get(id)?.shape),
        Edit::Calibrate { target, from, .. } => {
            let now = kept
                .calibrations
                .get(&(target.instance_uid.clone(), target.frame));
            *from = now.cloned().map(Box::new);
        }
        Edit::ReadStatus {
            study_uid, from, ..
        } => *from = kept.read_status(study_uid),
        Edit::Report {
            study_uid, from, ..
        } => *from = kept.reports.get(study_uid).cloned().unwrap_or_default(),
        Edit::Say { question, from, .. } => *from = kept.answers.get(question).copied(),
        Edit::Amend { place, from, .. } => {
            *from = kept.amendments.get(place).cloned().unwrap_or_default();
        }
        _ => return None,
    }
    Some(edit)
}

/// Writes what was read into a new journal; how many edits had nothing left to be made on.
///
/// Where records are missing, what was done before can no longer be taken back step by step.
pub(in crate::store) fn write(
    found: &Salvaged,
    journal: &mut NewJournal,
) -> Result<u64, StoreError> {
    let journal = &mut journal.journal;
    let mut lost = 0;
    let complete = found.missing() == 0;
    for commit in found.commits.values() {
        let mut whole = commit.clone();
        if !complete {
            whole.kind = Kind::Noted;
        }
        match journal.append(whole) {
            Ok(_) => continue,
            Err(StoreError::Conflict(_)) => {}
            Err(error) => return Err(error),
        }
        for edit in &commit.edits {
            let mut tries = vec![edit.clone()];
            tries.extend(adapted(edit, journal.kept()));
            let mut outcome = Err(EditConflict::Missing);
            for edit in tries {
                match journal.note(&[edit], commit.time_ms) {
                    Ok(_) => outcome = Ok(()),
                    Err(StoreError::Conflict(conflict)) => {
                        outcome = Err(conflict);
                        continue;
                    }
                    Err(error) => return Err(error),
                }
                break;
            }
            lost += u64::from(outcome.is_err());
        }
    }
    Ok(lost)
}
