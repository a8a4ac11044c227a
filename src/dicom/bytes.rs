//! Bytes by position: a file read with `pread`, one that a store keeps, or a block of memory, behind one door.
//!
//! No memory maps: a mapped file that shrinks ends the process with a signal.

use super::sealed::SealedFile;
use std::{fs::File, io, path::Path, sync::Arc};

/// Bytes that are read at once when a file is opened: the whole header of most objects.
const HEAD: u64 = 8 << 10;

/// Bytes of a kept file that are copied at once.
const COPIED: u64 = 256 << 10;

/// An open file, or a stretch of one, with its first bytes.
#[derive(Clone, Debug)]
pub struct OpenFile {
    file: Arc<File>,
    /// Where it begins in the file.
    start: u64,
    /// Length when it was opened.
    length: u64,
    /// Its beginning, so that a header costs one read however many of its elements are asked for.
    head: Vec<u8>,
}

/// Where the bytes of one object come from.
#[derive(Clone, Debug)]
pub enum ByteSource {
    /// A regular file, or a stretch of one.
    File(OpenFile),
    /// A file that a store keeps, decrypted where it is read.
    Sealed(SealedFile),
    /// Memory, for inflated data sets and for tests.
    Memory(Arc<Vec<u8>>),
}

impl ByteSource {
    /// Opens a regular file (links are followed); everything else is refused, and waits for nobody.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = open_at_once(path)?;
        let kind = file.metadata()?;
        if !kind.is_file() {
            return Err(not_a_file());
        }
        Self::stretch(Arc::new(file), 0, kind.len())
    }

    fn stretch(file: Arc<File>, start: u64, length: u64) -> io::Result<Self> {
        let mut head = vec![0; length.min(HEAD) as usize];
        read_file_at(&file, start, &mut head)?;
        Ok(Self::File(OpenFile {
            file,
            start,
            length,
            head,
        }))
    }

    /// `length` bytes from `offset` on as a source of their own: read where they lie in a file, copied from memory.
    pub fn part(&self, offset: u64, length: u64) -> io::Result<Self> {
        let end = offset.checked_add(length);
        if end.is_none_or(|end| end > self.len()) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match self {
            Self::File(open) => Self::stretch(Arc::clone(&open.file), open.start + offset, length),
            Self::Sealed(sealed) => Ok(Self::Sealed(sealed.part(offset, length)?)),
            Self::Memory(_) => Ok(Self::Memory(Arc::new(self.read_vec(offset, length)?))),
        }
    }

    /// Whether its bytes are on the disk, and take no memory.
    pub const fn is_file(&self) -> bool {
        matches!(self, Self::File(_) | Self::Sealed(_))
    }

    /// Bytes in all.
    pub fn len(&self) -> u64 {
        match self {
            Self::File(open) => open.length,
            Self::Sealed(sealed) => sealed.len(),
            Self::Memory(bytes) => bytes.len() as u64,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// `count` bytes at `offset` that are in memory already.
    #[inline]
    fn held(&self, offset: u64, count: usize) -> Option<&[u8]> {
        let bytes: &[u8] = match self {
            Self::File(open) => &open.head,
            Self::Sealed(sealed) => sealed.at_hand(),
            Self::Memory(bytes) => bytes,
        };
        let start = usize::try_from(offset).ok()?;
        bytes.get(start..start.checked_add(count)?)
    }

    /// Fills `buffer` from `offset` on; an error when the bytes end before.
    pub fn read_exact_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        if let Some(held) = self.held(offset, buffer.len()) {
            buffer.copy_from_slice(held);
            return Ok(());
        }
        match self {
            Self::File(open) => {
                // Behind a stretch the file goes on.
                let end = offset.checked_add(buffer.len() as u64);
                if end.is_none_or(|end| end > open.length) {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                read_file_at(&open.file, open.start + offset, buffer)
            }
            Self::Sealed(sealed) => sealed.read_exact_at(offset, buffer),
            Self::Memory(_) => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// Copies `length` bytes from `offset` on to the end of a file, within the kernel where it can. What a store keeps is
    /// decrypted a part at a time.
    pub fn copy_to(&self, offset: u64, length: u64, out: &mut File) -> io::Result<()> {
        use io::{Read as _, Seek as _, Write as _};
        let end = offset.checked_add(length);
        if end.is_none_or(|end| end > self.len()) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match self {
            Self::File(open) => {
                let mut file: &File = &open.file;
                file.seek(io::SeekFrom::Start(open.start + offset))?;
                let copied = io::copy(&mut file.take(length), out)?;
                if copied == length {
                    Ok(())
                } else {
                    Err(io::ErrorKind::UnexpectedEof.into())
                }
            }
            Self::Sealed(_) => {
                let mut part = vec![0; length.min(COPIED) as usize];
                let mut done = 0;
                while done < length {
                    let step = (length - done).min(COPIED);
                    let now = part.get_mut(..step as usize).unwrap_or_default();
                    self.read_exact_at(offset + done, now)?;
                    out.write_all(now)?;
                    done += step;
                }
                Ok(())
            }
            Self::Memory(bytes) => {
                let (start, end) = (offset as usize, (offset + length) as usize);
                out.write_all(bytes.get(start..end).unwrap_or_default())
            }
        }
    }

    /// A new vector with `length` bytes from `offset` on. The caller has checked the length against
    /// [`ByteSource::len`], so nothing larger than the source is ever allocated; it is checked again here.
    pub fn read_vec(&self, offset: u64, length: u64) -> io::Result<Vec<u8>> {
        let end = offset.checked_add(length);
        if end.is_none_or(|end| end > self.len()) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let length = usize::try_from(length).map_err(|_| io::ErrorKind::OutOfMemory)?;
        let mut bytes = vec![0; length];
        self.read_exact_at(offset, &mut bytes)?;
        Ok(bytes)
    }
}

fn not_a_file() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")
}

/// Opens without waiting for the other end of a pipe; what was opened is looked at then, so that it is asked for once.
#[cfg(target_os = "linux")]
pub(super) fn open_at_once(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
    std::fs::OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn open_at_once(path: &Path) -> io::Result<File> {
    if std::fs::metadata(path)?.is_file() {
        File::open(path)
    } else {
        Err(not_a_file())
    }
}

#[cfg(unix)]
pub(super) fn read_file_at(file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
    use std::os::unix::fs::FileExt as _;
    file.read_exact_at(buffer, offset)
}

#[cfg(windows)]
pub(super) fn read_file_at(file: &File, mut offset: u64, mut buffer: &mut [u8]) -> io::Result<()> {
    use std::os::windows::fs::FileExt as _;
    while !buffer.is_empty() {
        let read = file.seek_read(buffer, offset)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        buffer = buffer.split_at_mut(read).1;
        offset += read as u64;
    }
    Ok(())
}

/// How much is read at once while walking.
const WINDOW: u64 = 16 << 10;

/// A window over a source that moves along with the walk, so that a header costs one read.
#[derive(Debug)]
pub struct Window<'a> {
    source: &'a ByteSource,
    start: u64,
    held: Vec<u8>,
}

impl<'a> Window<'a> {
    /// A window that has read nothing yet.
    pub const fn new(source: &'a ByteSource) -> Self {
        Self {
            source,
            start: 0,
            held: Vec::new(),
        }
    }

    /// `count` bytes at `offset`, or `None` when the source ends before. Small counts only.
    #[inline]
    pub fn get(&mut self, offset: u64, count: usize) -> io::Result<Option<&[u8]>> {
        if let Some(held) = self.source.held(offset, count) {
            return Ok(Some(held));
        }
        self.get_far(offset, count)
    }

    /// What is not held by the source.
    fn get_far(&mut self, offset: u64, count: usize) -> io::Result<Option<&[u8]>> {
        let Some(end) = offset.checked_add(count as u64) else {
            return Ok(None);
        };
        if end > self.source.len() {
            return Ok(None);
        }
        let inside = offset >= self.start && end <= self.start + self.held.len() as u64;
        if !inside {
            let length = WINDOW.max(count as u64).min(self.source.len() - offset);
            self.held.clear();
            self.held.resize(usize::try_from(length).unwrap_or(0), 0);
            self.start = offset;
            if let Err(error) = self.source.read_exact_at(offset, &mut self.held) {
                self.held.clear();
                return Err(error);
            }
        }
        let from = usize::try_from(offset - self.start).unwrap_or(usize::MAX);
        Ok(self.held.get(from..from.saturating_add(count)))
    }

    /// An array of bytes at `offset`, or `None` when the source ends before.
    #[inline]
    pub fn array<const N: usize>(&mut self, offset: u64) -> io::Result<Option<[u8; N]>> {
        Ok(self.get(offset, N)?.and_then(|b| b.try_into().ok()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_moves_and_ends_where_the_bytes_end() {
        let bytes: Vec<u8> = (0..40_000u32).map(|i| (i % 251) as u8).collect();
        let source = ByteSource::Memory(Arc::new(bytes.clone()));
        let mut window = Window::new(&source);
        for offset in [0u64, 16_380, 16_384, 39_996, 5] {
            let start = offset as usize;
            assert_eq!(
                window.array::<4>(offset).unwrap().unwrap(),
                bytes[start..start + 4]
            );
        }
        assert!(window.array::<4>(39_997).unwrap().is_none());
        assert!(window.get(u64::MAX, 4).unwrap().is_none());
        assert!(source.read_vec(39_999, 2).is_err());
        assert!(source.read_vec(0, u64::MAX).is_err());
    }
}
