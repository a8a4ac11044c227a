//! Files that a store keeps, each sealed into a file of its own (a blob) and read in place at any offset.
//!
//! Numbers are little-endian:
//!
//! | bytes | content |
//! |---|---|
//! | 8 | `NEGABLOB` |
//! | 4 | version, 1 |
//! | 4 | length of the sealed head, its tag included |
//! | 8 | mark of the key: equal for all blobs of a store, and nothing about what is in them |
//! | 24 | random bytes |
//! | as said | head: bytes of the content (8), length of the shown name (4), shown name, facts for the index |
//! | the rest | content in chunks of 64 KiB, the last one shorter, each with its tag (16) |
//!
//! Head and chunks are ChaCha20-Poly1305 (RFC 8439) under a key of this one blob, which is the HMAC-SHA256 of everything
//! before the head and of the blob's name under the key of the vault. The nonce is what it is (4 bytes: 0 head, 1 chunk)
//! and the number of the chunk (8). So no byte can be changed, no chunk moved within a blob or into another one, and no
//! blob put in another's place without that being noticed; the length follows from the head, so nothing can be cut off
//! or put behind.
//!
//! The name of a blob is the HMAC-SHA256 of the SHA-256 of its content under another key of the vault: the same content
//! has one name, and who has no key cannot ask whether a known file is there. What a blob does not hide is how large its
//! content is, and when it was kept.
//!
//! Must stay true: content is decrypted into memory, a chunk at a time, and never to the disk; memory does not grow with
//! the content; what does not agree with its tag is an error and gives no bytes.

use super::bytes::{ByteSource, open_at_once, read_file_at};
use chacha20poly1305::{
    AeadInOut as _, ChaCha20Poly1305, KeyInit as _, Nonce, Tag, aead::inout::InOutBuf,
};
use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};
use std::{
    fmt,
    fs::File,
    io::{self, Write},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};
use zeroize::Zeroizing;

/// Folder of the blobs within a store.
pub const FOLDER: &str = "blobs";
/// Version that this program writes.
pub const VERSION: u32 = 1;
/// Bytes of content in a chunk.
pub const CHUNK: u64 = 64 << 10;

const MAGIC: [u8; 8] = *b"NEGABLOB";
const MARK: usize = 8;
const SALT: usize = 24;
const PREFIX: usize = 8 + 4 + 4 + MARK + SALT;
const TAG: usize = 16;
/// Longest sealed head: names of a few hundred bytes, and what the index says of one object.
const MOST_HEAD: usize = 1 << 20;
/// First bytes that are kept at hand, as for other files.
const AT_HAND: u64 = 8 << 10;

/// Why a blob gives nothing.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The disk.
    #[error("cannot be read: {}", .0.kind())]
    Io(#[from] io::Error),
    /// It does not begin like one, or its name is none.
    #[error("it is none of the files that a store keeps")]
    NotSealed,
    /// Written by a later version of the program.
    #[error("it has format {0}, this program reads up to {VERSION}")]
    Newer(u32),
    /// It belongs to another store, or to this one and its key is not there.
    #[error("it is kept in a store that is locked")]
    Locked,
    /// It is not as it was written.
    #[error("it is not as it was written: {0}")]
    Damaged(&'static str),
}

impl SealError {
    /// The same as an error of reading, which names no file.
    fn into_io(self) -> io::Error {
        match self {
            Self::Io(error) => error,
            other => io::Error::new(io::ErrorKind::InvalidData, other),
        }
    }

    /// What an error of reading comes from, where that is a blob.
    pub(super) fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

/// The key of all blobs of a store. Clones share it; it is wiped when the last one goes.
#[derive(Clone)]
pub struct VaultKey(Arc<Zeroizing<[u8; 32]>>);

impl fmt::Debug for VaultKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl PartialEq for VaultKey {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl VaultKey {
    /// The key of these bytes, which are random.
    pub fn new(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self(Arc::new(bytes))
    }

    /// Its bytes, to be wrapped.
    pub fn reveal(&self) -> &[u8; 32] {
        &self.0
    }

    /// HKDF-Expand of RFC 5869 with SHA-256, one block (the key is uniform).
    fn derive(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        hmac(&self.0, &[purpose.as_bytes(), &[1]])
    }

    fn mark(&self) -> [u8; MARK] {
        let derived = self.derive("negatoscope blob mark 1");
        let mut mark = [0; MARK];
        mark.iter_mut()
            .zip(derived.iter())
            .for_each(|(m, d)| *m = *d);
        mark
    }

    fn cipher(&self, prefix: &[u8; PREFIX], name: &BlobName) -> ChaCha20Poly1305 {
        let vault = self.derive("negatoscope blob content 1");
        let own = hmac(&vault, &[prefix, &name.0]);
        ChaCha20Poly1305::new((&*own).into())
    }

    fn name(&self, digest: &[u8], bytes: u64) -> BlobName {
        let key = self.derive("negatoscope blob name 1");
        BlobName(*hmac(&key, &[digest, &bytes.to_le_bytes()]))
    }

    /// The name that content has; it is read through once.
    ///
    /// # Errors
    /// Those of reading.
    pub fn name_of(&self, source: &ByteSource) -> io::Result<BlobName> {
        let mut digest = Sha256::new();
        in_chunks(source, |chunk| {
            digest.update(&*chunk);
            Ok(())
        })?;
        Ok(self.name(&digest.finalize(), source.len()))
    }
}

/// HMAC (RFC 2104) with SHA-256.
fn hmac(key: &[u8; 32], parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    // A key is filled up with zeros to a block of the hash.
    let mut block = Zeroizing::new([0; 64]);
    block.iter_mut().zip(key).for_each(|(b, k)| *b = *k);
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new((&*block).into());
    for part in parts {
        mac.update(part);
    }
    Zeroizing::new(mac.finalize().into_bytes().into())
}

/// What a blob is called.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlobName([u8; 32]);

impl fmt::Display for BlobName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for BlobName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl BlobName {
    /// The name that 64 small hexadecimal digits are.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        let small = |b: &u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        if digits.len() != 64 || !digits.iter().all(small) {
            return None;
        }
        let mut name = [0; 32];
        for (at, slot) in name.iter_mut().enumerate() {
            *slot = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
        }
        Some(Self(name))
    }

    /// The name of a file that is a blob by its name.
    pub fn of_path(path: &Path) -> Option<Self> {
        Self::parse(path.file_name()?.to_str()?)
    }
}

/// What a blob says of its content.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedHead {
    /// Bytes of the content.
    pub bytes: u64,
    /// The name that is shown for it: that of the file that was kept.
    pub name: String,
    /// What the index of studies needs, as the store writes it.
    pub facts: Vec<u8>,
}

impl SealedHead {
    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(12 + self.name.len() + self.facts.len());
        out.extend(self.bytes.to_le_bytes());
        out.extend((self.name.len() as u32).to_le_bytes());
        out.extend(self.name.as_bytes());
        out.extend(&self.facts);
        out
    }

    fn decode(plain: &[u8]) -> Option<Self> {
        let (bytes, rest) = plain.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let (name, facts) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        Some(Self {
            bytes: u64::from_le_bytes(*bytes),
            name: String::from_utf8(name.to_vec()).ok()?,
            facts: facts.to_vec(),
        })
    }
}

/// Hands the bytes of a source on in chunks, in order.
fn in_chunks(
    source: &ByteSource,
    mut each: impl FnMut(&mut [u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut buffer = Zeroizing::new(vec![0; CHUNK as usize]);
    let mut at = 0;
    while at < source.len() {
        let step = (source.len() - at).min(CHUNK);
        let chunk = buffer.get_mut(..step as usize).unwrap_or_default();
        source.read_exact_at(at, chunk)?;
        each(chunk)?;
        at += step;
    }
    Ok(())
}

fn nonce(kind: u32, number: u64) -> Nonce {
    let mut bytes = [0; 12];
    let (first, rest) = bytes.split_at_mut(4);
    first.copy_from_slice(&kind.to_le_bytes());
    rest.copy_from_slice(&number.to_le_bytes());
    bytes.into()
}

fn seal(cipher: &ChaCha20Poly1305, nonce: &Nonce, bytes: &mut [u8]) -> io::Result<Tag> {
    let sealed = cipher.encrypt_inout_detached(nonce, &[], InOutBuf::from(bytes));
    sealed.map_err(|_| io::Error::other("the bytes could not be sealed"))
}

fn unseal(cipher: &ChaCha20Poly1305, nonce: &Nonce, bytes: &mut [u8], tag: &[u8; TAG]) -> bool {
    let opened = cipher.decrypt_inout_detached(nonce, &[], InOutBuf::from(bytes), &(*tag).into());
    opened.is_ok()
}

/// Seals content into a file; `salt` is random and used once. The name is that of the content: when the source has other
/// bytes than it had when it was named, that is an error.
///
/// # Errors
/// Those of reading and writing.
pub fn write(
    key: &VaultKey,
    name: &BlobName,
    head: &SealedHead,
    salt: &[u8; SALT],
    source: &ByteSource,
    out: &mut impl Write,
) -> io::Result<()> {
    let changed = || io::Error::other("the file changed while it was read");
    if source.len() != head.bytes {
        return Err(changed());
    }
    let mut sealed = head.encode();
    let length = sealed.len() + TAG;
    if length > MOST_HEAD {
        return Err(io::Error::other("the names in it are too long"));
    }
    let mut prefix = [0; PREFIX];
    let parts: [&[u8]; 5] = [
        &MAGIC,
        &VERSION.to_le_bytes(),
        &(length as u32).to_le_bytes(),
        &key.mark(),
        salt,
    ];
    let bytes = parts.into_iter().flatten();
    prefix.iter_mut().zip(bytes).for_each(|(p, b)| *p = *b);
    let cipher = key.cipher(&prefix, name);
    let tag = seal(&cipher, &nonce(0, 0), &mut sealed)?;
    out.write_all(&prefix)?;
    out.write_all(&sealed)?;
    out.write_all(&tag)?;
    let mut digest = Sha256::new();
    let mut number = 0;
    in_chunks(source, |chunk| {
        digest.update(&*chunk);
        let tag = seal(&cipher, &nonce(1, number), chunk)?;
        number += 1;
        out.write_all(chunk)?;
        out.write_all(&tag)
    })?;
    match key.name(&digest.finalize(), head.bytes) == *name {
        true => Ok(()),
        false => Err(changed()),
    }
}

/// The blob that a path leads into, and the name behind it. The names are looked at first, so that other paths cost
/// nothing.
pub(super) fn leads_into(path: &Path) -> Option<(Arc<Path>, String)> {
    let (blob, name) = (path.parent()?, path.file_name()?);
    BlobName::of_path(blob).filter(|_| blob.is_file())?;
    Some((Arc::from(blob), name.to_string_lossy().into_owned()))
}

/// Whether bytes begin like a blob.
pub(super) fn begins_like_one(source: &ByteSource) -> bool {
    let mut first = [0; 8];
    source.read_exact_at(0, &mut first).is_ok() && first == MAGIC
}

/// The content of a blob, or a stretch of it.
#[derive(Clone)]
pub struct SealedFile {
    opened: Arc<Opened>,
    start: u64,
    length: u64,
    /// Its first bytes, so that a header costs one chunk however many of its elements are asked for.
    at_hand: Vec<u8>,
}

struct Opened {
    file: File,
    cipher: ChaCha20Poly1305,
    /// Where the first chunk begins.
    body: u64,
    /// Bytes of the content.
    bytes: u64,
    /// The chunk that was wanted in part last, and its number.
    last: Mutex<Option<(u64, Zeroizing<Vec<u8>>)>>,
}

impl fmt::Debug for SealedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedFile({} bytes)", self.length)
    }
}

impl Opened {
    /// Fills `out` with a whole chunk.
    fn chunk(&self, number: u64, out: &mut [u8]) -> Result<(), SealError> {
        let at = self.body + number * (CHUNK + TAG as u64);
        let mut tag = [0; TAG];
        read_file_at(&self.file, at, out)?;
        read_file_at(&self.file, at + out.len() as u64, &mut tag)?;
        match unseal(&self.cipher, &nonce(1, number), out, &tag) {
            true => Ok(()),
            false => {
                out.fill(0);
                Err(SealError::Damaged("its content"))
            }
        }
    }

    /// Bytes of a chunk.
    fn size(&self, number: u64) -> usize {
        // Fits: a chunk is small.
        self.bytes.saturating_sub(number * CHUNK).min(CHUNK) as usize
    }
}

impl SealedFile {
    /// Opens a blob under its name, and says what its head says.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn open(path: &Path, key: &VaultKey) -> Result<(SealedHead, Self), SealError> {
        let name = BlobName::of_path(path).ok_or(SealError::NotSealed)?;
        let file = open_at_once(path)?;
        let kind = file.metadata()?;
        if !kind.is_file() || kind.len() < PREFIX as u64 {
            return Err(SealError::NotSealed);
        }
        let mut prefix = [0; PREFIX];
        read_file_at(&file, 0, &mut prefix)?;
        let number = |at: usize| {
            let four = prefix.get(at..at + 4).and_then(|b| b.try_into().ok());
            four.map_or(0, u32::from_le_bytes)
        };
        if prefix.get(..8) != Some(&MAGIC) {
            return Err(SealError::NotSealed);
        }
        if number(8) > VERSION {
            return Err(SealError::Newer(number(8)));
        }
        if prefix.get(16..16 + MARK) != Some(&key.mark()) {
            return Err(SealError::Locked);
        }
        let length = number(12) as usize;
        let body = (PREFIX + length) as u64;
        if !(TAG..=MOST_HEAD).contains(&length) || body > kind.len() {
            return Err(SealError::Damaged("its beginning"));
        }
        let cipher = key.cipher(&prefix, &name);
        let mut head = vec![0; length - TAG];
        let mut tag = [0; TAG];
        read_file_at(&file, PREFIX as u64, &mut head)?;
        read_file_at(&file, body - TAG as u64, &mut tag)?;
        if !unseal(&cipher, &nonce(0, 0), &mut head, &tag) {
            return Err(SealError::Damaged("its beginning"));
        }
        let head = SealedHead::decode(&head).ok_or(SealError::Damaged("its beginning"))?;
        let tags = head.bytes.div_ceil(CHUNK).checked_mul(TAG as u64);
        let whole = tags.and_then(|tags| body.checked_add(head.bytes)?.checked_add(tags));
        if whole != Some(kind.len()) {
            return Err(SealError::Damaged("its length"));
        }
        let opened = Arc::new(Opened {
            file,
            cipher,
            body,
            bytes: head.bytes,
            last: Mutex::default(),
        });
        let source = Self::stretch(opened, 0, head.bytes)?;
        Ok((head, source))
    }

    fn stretch(opened: Arc<Opened>, start: u64, length: u64) -> Result<Self, SealError> {
        let mut source = Self {
            opened,
            start,
            length,
            at_hand: Vec::new(),
        };
        let mut first = vec![0; length.min(AT_HAND) as usize];
        source.read(0, &mut first)?;
        source.at_hand = first;
        Ok(source)
    }

    /// A stretch of it as a source of its own.
    ///
    /// # Errors
    /// `UnexpectedEof`, and those of reading.
    pub(super) fn part(&self, offset: u64, length: u64) -> io::Result<Self> {
        let opened = Arc::clone(&self.opened);
        Self::stretch(opened, self.start + offset, length).map_err(SealError::into_io)
    }

    /// Bytes of the content.
    pub const fn len(&self) -> u64 {
        self.length
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Its first bytes.
    pub(super) fn at_hand(&self) -> &[u8] {
        &self.at_hand
    }

    /// Fills `buffer` from `offset` on.
    ///
    /// # Errors
    /// `UnexpectedEof` where the content ends before; those of reading, of damage too.
    pub fn read_exact_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.read(offset, buffer).map_err(SealError::into_io)
    }

    fn read(&self, offset: u64, buffer: &mut [u8]) -> Result<(), SealError> {
        let end = offset.checked_add(buffer.len() as u64);
        if end.is_none_or(|end| end > self.length) {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        let mut at = self.start + offset;
        let mut rest = buffer;
        while !rest.is_empty() {
            let number = at / CHUNK;
            let within = (at % CHUNK) as usize;
            let size = self.opened.size(number);
            let take = size.saturating_sub(within).min(rest.len());
            if take == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
            let (now, later) = rest.split_at_mut(take);
            if take == size {
                self.opened.chunk(number, now)?;
            } else {
                self.part_of_chunk(number, size, within, now)?;
            }
            at += take as u64;
            rest = later;
        }
        Ok(())
    }

    /// A part of a chunk; the chunk stays at hand for the next part.
    fn part_of_chunk(
        &self,
        number: u64,
        size: usize,
        within: usize,
        out: &mut [u8],
    ) -> Result<(), SealError> {
        let mut last = self
            .opened
            .last
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if last.as_ref().is_none_or(|(held, _)| *held != number) {
            let mut chunk = Zeroizing::new(vec![0; size]);
            self.opened.chunk(number, &mut chunk)?;
            *last = Some((number, chunk));
        }
        let held = last
            .as_ref()
            .and_then(|(_, c)| c.get(within..within + out.len()));
        out.copy_from_slice(held.ok_or(SealError::Damaged("its content"))?);
        Ok(())
    }
}

/// Reads a blob through: whether every byte of it is as it was written and its content is what its name says.
///
/// # Errors
/// [`SealError`].
pub fn check(path: &Path, key: &VaultKey) -> Result<SealedHead, SealError> {
    let (head, file) = SealedFile::open(path, key)?;
    let named =
        key.name_of(&ByteSource::Sealed(file))
            .map_err(|error| match SealError::of(&error) {
                Some(_) => SealError::Damaged("its content"),
                None => SealError::Io(error),
            })?;
    match BlobName::of_path(path) == Some(named) {
        true => Ok(head),
        false => Err(SealError::Damaged("its content is another")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, path::PathBuf};

    fn key(byte: u8) -> VaultKey {
        VaultKey::new(Zeroizing::new([byte; 32]))
    }

    fn memory(bytes: &[u8]) -> ByteSource {
        ByteSource::Memory(Arc::new(bytes.to_vec()))
    }

    /// A blob in a folder.
    fn kept(folder: &Path, key: &VaultKey, content: &[u8]) -> (PathBuf, SealedHead) {
        let source = memory(content);
        let name = key.name_of(&source).unwrap();
        let head = SealedHead {
            bytes: content.len() as u64,
            name: "张三.dcm".into(),
            facts: b"facts".to_vec(),
        };
        let path = folder.join(name.to_string());
        let mut file = File::create(&path).unwrap();
        write(key, &name, &head, &[7; SALT], &source, &mut file).unwrap();
        (path, head)
    }

    fn content(length: usize) -> Vec<u8> {
        (0..length).map(|i| (i * 7 % 251) as u8).collect()
    }

    #[test]
    fn content_comes_back_at_any_offset() {
        let folder = tempfile::tempdir().unwrap();
        let chunk = CHUNK as usize;
        for length in [0, 1, 100, chunk - 1, chunk, chunk + 1, 3 * chunk + 17] {
            let content = content(length);
            let (path, head) = kept(folder.path(), &key(1), &content);
            let (read, file) = SealedFile::open(&path, &key(1)).unwrap();
            assert!(read == head && file.len() == length as u64);
            let source = ByteSource::Sealed(file);
            assert_eq!(source.read_vec(0, length as u64).unwrap(), content);
            for (at, count) in [
                (0, 9),
                (chunk - 3, 7),
                (chunk, chunk),
                (2 * chunk - 1, chunk),
            ] {
                let found = source.read_vec(at as u64, count as u64);
                match content.get(at..at + count) {
                    Some(wanted) => {
                        assert_eq!(found.unwrap(), wanted);
                        let part = source.part(at as u64, count as u64).unwrap();
                        assert_eq!(part.read_vec(1, count as u64 - 1).unwrap(), wanted[1..]);
                        assert!(part.read_vec(1, count as u64).is_err());
                    }
                    None => assert!(found.is_err()),
                }
            }
            assert!(check(&path, &key(1)).unwrap() == head);
        }
    }

    #[test]
    fn the_same_content_has_one_name_and_another_key_another() {
        let (one, other) = (memory(b"one"), memory(b"other"));
        assert_eq!(
            key(1).name_of(&one).unwrap(),
            key(1).name_of(&memory(b"one")).unwrap()
        );
        assert_ne!(
            key(1).name_of(&one).unwrap(),
            key(1).name_of(&other).unwrap()
        );
        assert_ne!(key(1).name_of(&one).unwrap(), key(2).name_of(&one).unwrap());
        let name = key(1).name_of(&one).unwrap();
        assert_eq!(BlobName::parse(&name.to_string()), Some(name));
        for wrong in [
            "",
            "00",
            &name.to_string().to_uppercase(),
            &format!("{name}0"),
        ] {
            assert_eq!(BlobName::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn every_bit_counts_and_so_does_the_length() {
        let folder = tempfile::tempdir().unwrap();
        let (path, _) = kept(folder.path(), &key(1), &content(CHUNK as usize + 900));
        let sound = fs::read(&path).unwrap();
        // The beginning, the head, both chunks and their tags.
        let all = (0..200)
            .chain((200..sound.len()).step_by(97))
            .chain(sound.len() - 40..sound.len());
        for place in all {
            let mut bytes = sound.clone();
            bytes[place] ^= 1 << (place % 8);
            fs::write(&path, &bytes).unwrap();
            assert!(check(&path, &key(1)).is_err(), "byte {place}");
        }
        for length in [
            0,
            7,
            PREFIX - 1,
            PREFIX,
            100,
            sound.len() / 2,
            sound.len() - 1,
        ] {
            fs::write(&path, &sound[..length]).unwrap();
            assert!(SealedFile::open(&path, &key(1)).is_err(), "{length} bytes");
        }
        fs::write(&path, [sound.clone(), vec![0]].concat()).unwrap();
        assert!(SealedFile::open(&path, &key(1)).is_err(), "a byte more");
        fs::write(&path, &sound).unwrap();
        check(&path, &key(1)).unwrap();
        assert!(matches!(
            SealedFile::open(&path, &key(2)),
            Err(SealError::Locked)
        ));
    }

    #[test]
    fn nothing_is_read_in_the_place_of_another() {
        let folder = tempfile::tempdir().unwrap();
        let (one, _) = kept(folder.path(), &key(1), &content(300_000));
        let (other, _) = kept(folder.path(), &key(1), &content(299_999));
        let (a, b) = (fs::read(&one).unwrap(), fs::read(&other).unwrap());
        // The whole blob.
        fs::write(&one, &b).unwrap();
        assert!(matches!(
            SealedFile::open(&one, &key(1)),
            Err(SealError::Damaged(_))
        ));
        // A chunk of one blob in the other, and two chunks of one exchanged.
        let body = a.len() - 300_000 - 5 * TAG;
        let chunk =
            |n: usize| body + n * (CHUNK as usize + TAG)..body + (n + 1) * (CHUNK as usize + TAG);
        let mut mixed = a.clone();
        mixed[chunk(1)].copy_from_slice(&b[chunk(1)]);
        fs::write(&one, &mixed).unwrap();
        assert!(check(&one, &key(1)).is_err());
        let mut swapped = a.clone();
        swapped[chunk(1)].copy_from_slice(&a[chunk(2)]);
        swapped[chunk(2)].copy_from_slice(&a[chunk(1)]);
        fs::write(&one, &swapped).unwrap();
        assert!(check(&one, &key(1)).is_err());
        fs::write(&one, &a).unwrap();
        check(&one, &key(1)).unwrap();
    }

    #[test]
    fn a_file_that_changes_while_it_is_kept_is_not() {
        let name = key(1).name_of(&memory(b"before")).unwrap();
        let head = SealedHead {
            bytes: 6,
            name: String::new(),
            facts: Vec::new(),
        };
        let mut out = Vec::new();
        let write = |text: &[u8], out: &mut Vec<u8>| {
            write(&key(1), &name, &head, &[0; SALT], &memory(text), out)
        };
        assert!(write(b"before", &mut out).is_ok());
        assert!(write(b"behind", &mut out).is_err());
        assert!(write(b"longer!", &mut out).is_err());
    }

    #[test]
    fn a_blob_tells_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (path, _) = kept(folder.path(), &key(1), &b"Doe^Jane".repeat(40_000));
        let bytes = fs::read(&path).unwrap();
        for text in ["Doe^Jane", "张三", "facts"] {
            assert!(
                !bytes.windows(text.len()).any(|w| w == text.as_bytes()),
                "{text}"
            );
        }
        assert_eq!(format!("{:?}", key(1)), "[redacted]");
    }
}
