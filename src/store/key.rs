//! The key of a store: 32 random bytes, wrapped by Argon2id and XChaCha20-Poly1305 under the passphrase.
//!
//! The key file (two copies, each written whole and synced before it gets its name), little-endian:
//!
//! | bytes | content |
//! |---|---|
//! | 8 | `NEGAKEY` and a zero byte |
//! | 4 | version, 1 |
//! | 4 | key derivation, 1 = Argon2id version 0x13 |
//! | 4+4+4 | memory in KiB, passes, lanes |
//! | 16 | salt |
//! | 16 | id of the store |
//! | 24 | nonce |
//! | 48 | wrapped key with its tag; all bytes before the nonce are associated data |
//! | 32 | SHA-256 of everything before |
//!
//! Must stay true: the digest tells damage, the tag tells a wrong passphrase; they are never the same error.

use super::{StoreError, files};
use crate::model::passphrase::Passphrase;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead as _, KeyInit as _, Payload},
};
use sha2::{Digest as _, Sha256};
use std::{fmt, fs, path::Path};
use zeroize::{Zeroize as _, Zeroizing};

/// Version of the key file that this program writes.
pub const VERSION: u32 = 1;
/// First copy.
pub const FILE: &str = "store.key";
/// Second copy.
pub const COPY: &str = "store.key.copy";

const MAGIC: [u8; 8] = *b"NEGAKEY\0";
const LENGTH: usize = 8 + 4 * 5 + 16 + 16 + 24 + 48 + 32;
const NONCE_AT: usize = 8 + 4 * 5 + 16 + 16;
const DIGEST_AT: usize = LENGTH - 32;

/// 32 random bytes, for a store that nobody opens again.
pub(super) fn random_passphrase() -> Result<Passphrase, StoreError> {
    let mut bytes = Zeroizing::new(vec![0; 32]);
    fill_random(&mut bytes)?;
    Ok(Passphrase::new(std::mem::take(&mut *bytes)))
}

/// What trying one passphrase costs (RFC 9106 section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KdfCost {
    /// Memory, KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Default for KdfCost {
    /// The second recommended option of RFC 9106 section 4: 64 MiB, 3 passes; with one lane.
    fn default() -> Self {
        Self {
            memory_kib: 64 << 10,
            passes: 3,
            lanes: 1,
        }
    }
}

impl KdfCost {
    /// As cheap as the algorithm goes: for tests and for throw-away stores, whose passphrase is random.
    pub const CHEAP: Self = Self {
        memory_kib: 32,
        passes: 1,
        lanes: 1,
    };

    /// A damaged or hostile key file must not ask for the whole memory.
    const fn is_sane(self) -> bool {
        self.memory_kib >= 8
            && self.memory_kib <= 2 << 20
            && self.passes >= 1
            && self.passes <= 64
            && self.lanes >= 1
            && self.lanes <= 16
    }
}

/// The unwrapped key of a store.
pub struct StoreKey(Zeroizing<[u8; 32]>);

impl StoreKey {
    pub(super) fn random() -> Result<Self, StoreError> {
        let mut key = Zeroizing::new([0; 32]);
        fill_random(&mut *key)?;
        Ok(Self(key))
    }

    /// A key for one purpose: HKDF-Expand of RFC 5869 with SHA-256, one block (the store key is uniform).
    pub fn derive(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        let mut info = purpose.as_bytes().to_vec();
        info.push(1);
        hmac_sha256(self.0.as_slice(), &info)
    }

    #[cfg(test)]
    pub(super) fn for_test(byte: u8) -> Self {
        Self(Zeroizing::new([byte; 32]))
    }
}

impl fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// HMAC (RFC 2104) with SHA-256, for keys of up to 64 bytes.
pub(super) fn hmac_sha256(key: &[u8], message: &[u8]) -> Zeroizing<[u8; 32]> {
    let pad = |byte: u8| {
        let mut block = Zeroizing::new([byte; 64]);
        for (slot, key_byte) in block.iter_mut().zip(key) {
            *slot ^= key_byte;
        }
        block
    };
    let inner = Sha256::new()
        .chain_update(pad(0x36).as_slice())
        .chain_update(message)
        .finalize();
    let outer = Sha256::new()
        .chain_update(pad(0x5C).as_slice())
        .chain_update(inner)
        .finalize();
    Zeroizing::new(outer.into())
}

/// Random bytes of the operating system.
pub fn fill_random(bytes: &mut [u8]) -> Result<(), StoreError> {
    getrandom::fill(bytes).map_err(|_| StoreError::Io {
        doing: "asking the system for random numbers",
        source: std::io::Error::other("refused"),
    })
}

/// What one copy of the key file says, its digest checked.
struct KeyFile {
    bytes: [u8; LENGTH],
}

/// How a copy looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyState {
    /// As it was written.
    Sound,
    /// Not there.
    Absent,
    /// There, and not as it was written.
    Damaged,
}

impl KeyFile {
    fn u32_at(&self, at: usize) -> u32 {
        self.bytes
            .get(at..at + 4)
            .and_then(|b| b.try_into().ok())
            .map_or(0, u32::from_le_bytes)
    }

    fn part(&self, at: usize, length: usize) -> &[u8] {
        self.bytes.get(at..at + length).unwrap_or_default()
    }

    fn cost(&self) -> KdfCost {
        KdfCost {
            memory_kib: self.u32_at(16),
            passes: self.u32_at(20),
            lanes: self.u32_at(24),
        }
    }

    fn store_id(&self) -> [u8; 16] {
        self.part(44, 16).try_into().unwrap_or_default()
    }

    fn read(path: &Path) -> Result<Result<Self, CopyState>, StoreError> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Err(CopyState::Absent));
            }
            Err(e) => return Err(StoreError::io("reading the key file")(e)),
        };
        // The version counts before the length: a later format may be longer.
        if bytes.get(..8) == Some(&MAGIC)
            && let Some(version) = bytes.get(8..12).and_then(|b| b.try_into().ok())
            && u32::from_le_bytes(version) > VERSION
            && digest_holds(&bytes)
        {
            return Err(StoreError::NewerVersion {
                part: "key file",
                found: u32::from_le_bytes(version),
                known: VERSION,
            });
        }
        let sound = digest_holds(&bytes) && bytes.get(..8) == Some(&MAGIC);
        let Ok(bytes) = <[u8; LENGTH]>::try_from(bytes) else {
            return Ok(Err(CopyState::Damaged));
        };
        let file = Self { bytes };
        let known = file.u32_at(8) == VERSION && file.u32_at(12) == 1 && file.cost().is_sane();
        Ok(if sound && known {
            Ok(file)
        } else {
            Err(CopyState::Damaged)
        })
    }

    fn unwrap(&self, passphrase: &Passphrase) -> Result<StoreKey, StoreError> {
        let wrapping = stretch(passphrase, self.part(28, 16), self.cost())?;
        let nonce = XNonce::try_from(self.part(NONCE_AT, 24))
            .map_err(|_| StoreError::damaged("key file", "no nonce"))?;
        let payload = Payload {
            msg: self.part(NONCE_AT + 24, 48),
            aad: self.part(0, NONCE_AT),
        };
        let plain = Zeroizing::new(
            XChaCha20Poly1305::new((&*wrapping).into())
                .decrypt(&nonce, payload)
                .map_err(|_| StoreError::WrongPassphrase)?,
        );
        let mut key = Zeroizing::new([0; 32]);
        if plain.len() != key.len() {
            return Err(StoreError::damaged(
                "key file",
                "the key has a wrong length",
            ));
        }
        key.copy_from_slice(&plain);
        Ok(StoreKey(key))
    }
}

/// The last 32 bytes are the digest of those before; so it stays in every later version of the file.
fn digest_holds(bytes: &[u8]) -> bool {
    bytes
        .len()
        .checked_sub(32)
        .map(|at| bytes.split_at(at))
        .is_some_and(|(content, digest)| Sha256::digest(content).as_slice() == digest)
}

/// Argon2id; its memory is wiped afterwards.
fn stretch(
    passphrase: &Passphrase,
    salt: &[u8],
    cost: KdfCost,
) -> Result<Zeroizing<[u8; 32]>, StoreError> {
    let refused =
        |_| StoreError::damaged("key file", "the cost of the key derivation is not valid");
    let params =
        Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(32)).map_err(refused)?;
    let mut memory: Vec<Block> = Vec::new();
    let blocks = params.block_count();
    memory
        .try_reserve_exact(blocks)
        .map_err(|_| StoreError::Io {
            doing: "stretching the passphrase",
            source: std::io::ErrorKind::OutOfMemory.into(),
        })?;
    memory.resize(blocks, Block::new());
    let mut key = Zeroizing::new([0; 32]);
    let outcome = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(passphrase.bytes(), salt, &mut *key, &mut memory[..]);
    for block in &mut memory {
        block.as_mut().zeroize();
    }
    outcome.map_err(refused)?;
    Ok(key)
}

/// What the key files say without a passphrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyStatus {
    /// Cost of trying a passphrase.
    pub cost: KdfCost,
    /// State of the two copies.
    pub copies: [CopyState; 2],
    /// Random id of the store.
    pub store_id: [u8; 16],
}

/// Makes a key and writes both copies.
pub fn create(dir: &Path, passphrase: &Passphrase, cost: KdfCost) -> Result<StoreKey, StoreError> {
    let key = StoreKey::random()?;
    let mut store_id = [0; 16];
    fill_random(&mut store_id)?;
    wrap(dir, [FILE, COPY], &key, store_id, passphrase, cost)?;
    Ok(key)
}

/// Writes both copies of a file that gives the key for a passphrase.
pub(super) fn wrap(
    dir: &Path,
    names: [&str; 2],
    key: &StoreKey,
    store_id: [u8; 16],
    passphrase: &Passphrase,
    cost: KdfCost,
) -> Result<(), StoreError> {
    let mut bytes = Vec::with_capacity(LENGTH);
    bytes.extend(MAGIC);
    for number in [VERSION, 1, cost.memory_kib, cost.passes, cost.lanes] {
        bytes.extend(number.to_le_bytes());
    }
    let mut random = [0; 16 + 24];
    fill_random(&mut random)?;
    let (salt, nonce) = random.split_at(16);
    bytes.extend(salt);
    bytes.extend(store_id);
    let wrapping = stretch(passphrase, salt, cost)?;
    let sealed = XNonce::try_from(nonce)
        .ok()
        .and_then(|nonce| {
            let payload = Payload {
                msg: key.0.as_slice(),
                aad: &bytes,
            };
            XChaCha20Poly1305::new((&*wrapping).into())
                .encrypt(&nonce, payload)
                .ok()
        })
        .ok_or_else(|| StoreError::damaged("key file", "the key could not be wrapped"))?;
    bytes.extend(nonce);
    bytes.extend(sealed);
    let digest = Sha256::digest(&bytes);
    bytes.extend(digest);
    debug_assert_eq!(bytes.len(), DIGEST_AT + 32);
    for name in names.into_iter().rev() {
        files::write_whole(&dir.join(name), &bytes)?;
    }
    Ok(())
}

/// Writes the copy that is missing or damaged anew from the one that is sound; whether there was something to do.
pub(super) fn mend(dir: &Path, names: [&str; 2]) -> Result<bool, StoreError> {
    let (states, sound) = read_both(dir, names)?;
    let Some(file) = sound.first() else {
        return Err(none_sound(dir, states));
    };
    let mut mended = false;
    for (state, name) in states.into_iter().zip(names) {
        if state != CopyState::Sound {
            files::write_whole(&dir.join(name), &file.bytes)?;
            mended = true;
        }
    }
    Ok(mended)
}

fn read_both(dir: &Path, names: [&str; 2]) -> Result<([CopyState; 2], Vec<KeyFile>), StoreError> {
    let mut states = [CopyState::Sound; 2];
    let mut sound = Vec::new();
    for (state, name) in states.iter_mut().zip(names) {
        match KeyFile::read(&dir.join(name))? {
            Ok(file) => sound.push(file),
            Err(found) => *state = found,
        }
    }
    Ok((states, sound))
}

fn none_sound(dir: &Path, states: [CopyState; 2]) -> StoreError {
    if states == [CopyState::Absent; 2] && !dir.join(super::database::FILE).exists() {
        StoreError::Missing(StoreError::name(dir))
    } else {
        StoreError::damaged("key file", "neither copy is as it was written")
    }
}

/// What can be said without a passphrase.
pub fn status(dir: &Path) -> Result<KeyStatus, StoreError> {
    let (copies, sound) = read_both(dir, [FILE, COPY])?;
    let file = sound.first().ok_or_else(|| none_sound(dir, copies))?;
    Ok(KeyStatus {
        cost: file.cost(),
        copies,
        store_id: file.store_id(),
    })
}

/// Unwraps the key with either copy.
pub fn open(dir: &Path, passphrase: &Passphrase) -> Result<StoreKey, StoreError> {
    open_named(dir, [FILE, COPY], passphrase)
}

/// Unwraps the key with either copy of an account's file.
pub(super) fn open_named(
    dir: &Path,
    names: [&str; 2],
    passphrase: &Passphrase,
) -> Result<StoreKey, StoreError> {
    let (states, sound) = read_both(dir, names)?;
    let mut outcome = Err(none_sound(dir, states));
    let mut tried: Option<&KeyFile> = None;
    for file in &sound {
        if tried.is_some_and(|t| t.bytes == file.bytes) {
            continue;
        }
        tried = Some(file);
        outcome = file.unwrap(passphrase);
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hmac_gives_the_values_of_rfc_4231() {
        let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        assert_eq!(
            hex(&*hmac_sha256(&[0x0B; 20], b"Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        );
        assert_eq!(
            hex(&*hmac_sha256(b"Jefe", b"what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn argon2id_gives_the_value_of_another_implementation() {
        // Truth from OpenSSL 4.0 (Python cryptography 48, Argon2id), 64 KiB, 3 passes, 1 lane.
        let key = stretch(
            &Passphrase::new("password"),
            b"somesaltsomesalt",
            KdfCost {
                memory_kib: 64,
                passes: 3,
                lanes: 1,
            },
        )
        .unwrap();
        let hex: String = key.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, ARGON2_TRUTH);
    }

    const ARGON2_TRUTH: &str = "6164c739a04e17de34a80bee65c6a58f4b8a240cbf5652f4a79e35ae02b7c616";

    #[test]
    fn a_wrong_passphrase_and_damage_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let right = Passphrase::new("right");
        let key = create(dir.path(), &right, KdfCost::CHEAP).unwrap();
        let opened = open(dir.path(), &right).unwrap();
        assert_eq!(*key.0, *opened.0);
        assert_ne!(*key.derive("a"), *key.derive("b"));
        assert!(matches!(
            open(dir.path(), &Passphrase::new("Right")),
            Err(StoreError::WrongPassphrase)
        ));
        let sound = fs::read(dir.path().join(FILE)).unwrap();
        assert_eq!(sound.len(), LENGTH);
        for place in 0..sound.len() {
            let mut bytes = sound.clone();
            bytes[place] ^= 0x10;
            fs::write(dir.path().join(FILE), &bytes).unwrap();
            // One copy is enough, and its state is reported.
            assert!(open(dir.path(), &right).is_ok(), "byte {place}");
            assert_eq!(
                status(dir.path()).unwrap().copies,
                [CopyState::Damaged, CopyState::Sound]
            );
            if place % 16 == 0 {
                fs::write(dir.path().join(COPY), &bytes).unwrap();
                for passphrase in [&right, &Passphrase::new("wrong")] {
                    assert!(
                        matches!(
                            open(dir.path(), passphrase),
                            Err(StoreError::Damaged {
                                part: "key file",
                                ..
                            })
                        ),
                        "byte {place}"
                    );
                }
                fs::write(dir.path().join(COPY), &sound).unwrap();
            }
        }
        for length in [0, 7, 100, LENGTH - 1] {
            fs::write(dir.path().join(FILE), &sound[..length]).unwrap();
            assert!(open(dir.path(), &right).is_ok(), "{length} bytes");
        }
    }

    #[test]
    fn a_later_version_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let pass = Passphrase::new("p");
        create(dir.path(), &pass, KdfCost::CHEAP).unwrap();
        let mut bytes = fs::read(dir.path().join(FILE)).unwrap();
        bytes.truncate(DIGEST_AT);
        bytes[8] = 2;
        bytes.extend([0; 40]);
        let digest = Sha256::digest(&bytes);
        bytes.extend(digest);
        fs::write(dir.path().join(FILE), &bytes).unwrap();
        assert!(matches!(
            open(dir.path(), &pass),
            Err(StoreError::NewerVersion { found: 2, .. })
        ));
    }

    #[test]
    fn nothing_is_printed() {
        let text = format!(
            "{:?} {:?}",
            Passphrase::new("hunter2"),
            StoreKey::for_test(7)
        );
        assert_eq!(text, "[redacted] [redacted]");
    }
}
