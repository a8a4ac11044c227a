//! The key of what a store keeps: 32 random bytes, made when the first file is kept, sealed under the key of the store.
//!
//! It is a key of its own so that another key of the store ([`Store::rekey`](super::Store::rekey)) seals these 32 bytes
//! anew and not every file. What that does not do: whoever had this key has it still, and can read with it what is kept
//! later, where they get at it.
//!
//! Two files of the same content, little-endian: `NEGAVLT` and a zero byte (8), version 1 (4), nonce (24), sealed key
//! (48, XChaCha20-Poly1305; associated data: everything before the nonce), SHA-256 of everything before (32). A third
//! copy is a value of the database.

use super::{
    StoreError, database, files,
    key::{CopyState, StoreKey, fill_random},
};
use crate::dicom::sealed::VaultKey;
use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead as _, KeyInit as _, Payload},
};
use rusqlite::Connection;
use sha2::{Digest as _, Sha256};
use std::{fs, path::Path};
use zeroize::Zeroizing;

/// First copy.
pub const FILE: &str = "blobs.key";
/// Second copy.
pub const COPY: &str = "blobs.key.copy";
/// Version that this program writes.
const VERSION: u32 = 1;

const MAGIC: [u8; 8] = *b"NEGAVLT\0";
const NONCE_AT: usize = 8 + 4;
const DIGEST_AT: usize = NONCE_AT + 24 + 48;
/// Name of the copy in the database.
const META: &str = "vault";

fn cipher(key: &StoreKey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new((&*key.derive("negatoscope vault 1")).into())
}

/// One copy; `Ok(Err)` says how it looks.
fn read_one(path: &Path, key: &StoreKey) -> Result<Result<VaultKey, CopyState>, StoreError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Err(CopyState::Absent)),
        Err(e) => return Err(StoreError::io("reading the key of kept files")(e)),
    };
    let opened = || {
        let (content, digest) = bytes.split_at_checked(DIGEST_AT)?;
        let whole = Sha256::digest(content).as_slice() == digest && content.starts_with(&MAGIC);
        let (head, sealed) = content.split_at_checked(NONCE_AT).filter(|_| whole)?;
        let (nonce, sealed) = sealed.split_at_checked(24)?;
        let payload = Payload {
            msg: sealed,
            aad: head,
        };
        let nonce = XNonce::try_from(nonce).ok()?;
        let plain = Zeroizing::new(cipher(key).decrypt(&nonce, payload).ok()?);
        let mut own = Zeroizing::new([0; 32]);
        (plain.len() == own.len()).then(|| own.copy_from_slice(&plain))?;
        Some(VaultKey::new(own))
    };
    Ok(opened().ok_or(CopyState::Damaged))
}

/// How both copies look.
pub(super) fn states(dir: &Path, key: &StoreKey) -> Result<[CopyState; 2], StoreError> {
    let state = |name: &str| -> Result<CopyState, StoreError> {
        Ok(read_one(&dir.join(name), key)?
            .err()
            .unwrap_or(CopyState::Sound))
    };
    Ok([state(FILE)?, state(COPY)?])
}

/// The key, from either file; `None` where there is none yet.
///
/// # Errors
/// When there are files and neither is as it was written; those of the disk.
pub(super) fn read(dir: &Path, key: &StoreKey) -> Result<Option<VaultKey>, StoreError> {
    let mut damaged = false;
    for name in [FILE, COPY] {
        match read_one(&dir.join(name), key)? {
            Ok(vault) => return Ok(Some(vault)),
            Err(state) => damaged |= state == CopyState::Damaged,
        }
    }
    match damaged {
        true => Err(StoreError::damaged(
            "key of kept files",
            "neither copy is as it was written",
        )),
        false => Ok(None),
    }
}

/// The copy in the database.
pub(super) fn remembered(connection: &Connection) -> Result<Option<VaultKey>, StoreError> {
    let value = database::meta(connection, META)?.map(Zeroizing::new);
    let bytes = value.and_then(|value| <[u8; 32]>::try_from(value.as_slice()).ok());
    Ok(bytes.map(|bytes| VaultKey::new(Zeroizing::new(bytes))))
}

/// Writes all copies.
pub(super) fn write_all(
    dir: &Path,
    key: &StoreKey,
    connection: &Connection,
    vault: &VaultKey,
) -> Result<(), StoreError> {
    write(dir, key, vault)?;
    match remembered(connection)?.as_ref() == Some(vault) {
        true => Ok(()),
        false => database::set_meta(connection, META, vault.reveal()),
    }
}

/// Writes both files.
pub(super) fn write(dir: &Path, key: &StoreKey, vault: &VaultKey) -> Result<(), StoreError> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(VERSION.to_le_bytes());
    let mut nonce = [0; 24];
    fill_random(&mut nonce)?;
    let payload = Payload {
        msg: vault.reveal(),
        aad: &bytes,
    };
    let sealed = cipher(key).encrypt(&XNonce::from(nonce), payload);
    let sealed = sealed
        .map_err(|_| StoreError::damaged("key of kept files", "the key could not be sealed"))?;
    bytes.extend(nonce);
    bytes.extend(sealed);
    let digest = Sha256::digest(&bytes);
    bytes.extend(digest);
    for name in [COPY, FILE] {
        files::write_whole(&dir.join(name), &bytes)?;
    }
    Ok(())
}

/// A new key.
pub(super) fn random() -> Result<VaultKey, StoreError> {
    let mut bytes = Zeroizing::new([0; 32]);
    fill_random(&mut *bytes)?;
    Ok(VaultKey::new(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_sound_copy_is_enough_and_another_store_has_no_use_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let (key, dir) = (StoreKey::for_test(1), folder.path());
        assert_eq!(read(dir, &key).unwrap(), None);
        let vault = random().unwrap();
        write(dir, &key, &vault).unwrap();
        assert_eq!(read(dir, &key).unwrap(), Some(vault.clone()));
        assert!(read(dir, &StoreKey::for_test(2)).is_err());
        let sound = fs::read(dir.join(FILE)).unwrap();
        assert_eq!(sound.len(), DIGEST_AT + 32);
        for place in 0..sound.len() {
            let mut bytes = sound.clone();
            bytes[place] ^= 4;
            fs::write(dir.join(FILE), &bytes).unwrap();
            assert_eq!(
                read(dir, &key).unwrap(),
                Some(vault.clone()),
                "byte {place}"
            );
            let states = states(dir, &key).unwrap();
            assert_eq!(states, [CopyState::Damaged, CopyState::Sound]);
        }
        fs::write(dir.join(COPY), &sound[..80]).unwrap();
        assert!(read(dir, &key).is_err());
        fs::remove_file(dir.join(FILE)).unwrap();
        fs::write(dir.join(COPY), &sound).unwrap();
        assert_eq!(read(dir, &key).unwrap(), Some(vault));
    }
}
