//! Reading a journal from its beginning: every record is held against the chain before it counts.

use super::{
    CHAIN, HEAD, HEADER, History, MAGIC, NONCE, Replay, TAG, Tail, VERSION, associated, cipher,
    head, next_chain,
};
use crate::{
    model::edit::Kept,
    store::{
        StoreError,
        codec::{self, Commit, MAX_PAYLOAD},
        key::StoreKey,
    },
};
use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};
use sha2::{Digest as _, Sha256};
use std::io::{self, Read};

/// Reads as many bytes as there are, up to the length of the buffer.
fn read_up_to(source: &mut impl Read, buffer: &mut [u8]) -> Result<usize, StoreError> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|r| !r.is_empty()) {
        match source.read(rest) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(StoreError::io("reading the journal")(e)),
        }
    }
    Ok(filled)
}

/// Whether nothing but zero bytes follows.
fn only_zeros(source: &mut impl Read) -> Result<bool, StoreError> {
    let mut block = [0; 4096];
    loop {
        let count = read_up_to(source, &mut block)?;
        if count == 0 {
            return Ok(true);
        }
        if block.iter().take(count).any(|&b| b != 0) {
            return Ok(false);
        }
    }
}

/// Replays the `length` bytes of a journal.
pub fn replay(source: &mut impl Read, length: u64, key: &StoreKey) -> Result<Replay, StoreError> {
    replay_each(source, length, key, &mut |_| Ok(()))
}

/// The same; `sink` gets every commit.
pub(in crate::store) fn replay_each(
    source: &mut impl Read,
    length: u64,
    key: &StoreKey,
    sink: &mut dyn FnMut(Commit) -> Result<(), StoreError>,
) -> Result<Replay, StoreError> {
    let mut bytes = [0; HEADER];
    let got = read_up_to(source, &mut bytes)?;
    let (fields, digest) = bytes.split_at(32);
    let whole = got == HEADER && Sha256::digest(fields).as_slice() == digest;
    let version = fields
        .get(8..12)
        .and_then(|b| b.try_into().ok())
        .map_or(0, u32::from_le_bytes);
    if fields.get(..8) == Some(&MAGIC) && whole && version > VERSION {
        return Err(StoreError::NewerVersion {
            part: "journal",
            found: version,
            known: VERSION,
        });
    }
    let id = fields
        .get(16..32)
        .and_then(|b| b.try_into().ok())
        .unwrap_or_default();
    let mut replay = Replay {
        kept: Kept::default(),
        commits: 0,
        chain: digest.try_into().unwrap_or_default(),
        bytes: HEADER as u64,
        tail: Tail::Clean,
        last_ms: None,
        version,
        id,
        history: History::default(),
    };
    if !whole || fields.get(..8) != Some(&MAGIC) || version == 0 {
        replay.tail = Tail::Damaged {
            number: 0,
            offset: 0,
            detail: "the header is not as it was written",
        };
        return Ok(replay);
    }
    let cipher = cipher(key);
    while replay.tail == Tail::Clean && replay.bytes < length {
        replay.step(source, length, &cipher, sink)?;
    }
    Ok(replay)
}

impl Replay {
    /// Reads one record, or sets the tail.
    fn step(
        &mut self,
        source: &mut impl Read,
        length: u64,
        cipher: &XChaCha20Poly1305,
        sink: &mut dyn FnMut(Commit) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let number = self.commits + 1;
        let left = length - self.bytes;
        let torn = Tail::Torn(left);
        let offset = self.bytes;
        let damaged = |detail| Tail::Damaged {
            number,
            offset,
            detail,
        };
        let mut record_head = [0; HEAD];
        if read_up_to(source, &mut record_head)? < HEAD {
            self.tail = torn;
            return Ok(());
        }
        let body_length = record_head
            .get(..4)
            .and_then(|b| b.try_into().ok())
            .map_or(0, u32::from_le_bytes);
        if record_head != head(&self.chain, body_length, number) {
            // Space that was given to the file but never written reads as zeros after a power loss.
            self.tail = if only_zeros(source)? {
                torn
            } else {
                damaged("the head of a record is not as it was written")
            };
            return Ok(());
        }
        let body_length = body_length as usize;
        if !(NONCE + TAG..=NONCE + TAG + MAX_PAYLOAD).contains(&body_length) {
            self.tail = damaged("the length of a record is not possible");
            return Ok(());
        }
        if left < (HEAD + body_length + CHAIN) as u64 {
            self.tail = torn;
            return Ok(());
        }
        let mut body = vec![0; body_length];
        let mut stored = [0; CHAIN];
        let whole = read_up_to(source, &mut body)? == body_length
            && read_up_to(source, &mut stored)? == CHAIN;
        if !whole {
            self.tail = torn;
            return Ok(());
        }
        let chain = next_chain(&self.chain, &record_head, &body);
        if chain != stored {
            // The same within the chain value: right up to some byte, then zeros to the end of the file.
            let right = stored.iter().zip(&chain).take_while(|(a, b)| a == b);
            let right = right.count();
            let rest = stored.get(right..).unwrap_or_default();
            let unwritten = right <= CHAIN - 8 && rest.iter().all(|&b| b == 0);
            self.tail = if unwritten && only_zeros(source)? {
                torn
            } else {
                damaged("a record is not as it was written")
            };
            return Ok(());
        }
        let Some(commit) = self.open_body(cipher, &body, number) else {
            self.tail = damaged("a record does not open with the key of the store");
            return Ok(());
        };
        if self.kept.apply_all(&commit.edits).is_err() {
            self.tail = damaged("a record does not fit the marks before it");
            return Ok(());
        }
        self.history.note(number, &commit);
        self.last_ms = Some(commit.time_ms);
        self.commits = number;
        self.chain = chain;
        self.bytes += (HEAD + body_length + CHAIN) as u64;
        sink(commit)
    }

    fn open_body(&self, cipher: &XChaCha20Poly1305, body: &[u8], number: u64) -> Option<Commit> {
        let (nonce, sealed) = body.split_at_checked(NONCE)?;
        let payload = Payload {
            msg: sealed,
            aad: &associated(&self.id, self.version, number, &self.chain),
        };
        let plain = cipher
            .decrypt(&XNonce::try_from(nonce).ok()?, payload)
            .ok()?;
        codec::decode(&plain)
    }

    /// Whether the journal can be written on: its end is whole, or was never acknowledged.
    pub fn is_sound(&self) -> bool {
        !matches!(self.tail, Tail::Damaged { .. })
    }
}
