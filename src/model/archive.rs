//! Where an object lies that is a member of an archive, or kept in a store: enough to read it again without listing the
//! archive anew.

use std::{path::Path, sync::Arc};

/// A member of an archive, or of an archive within an archive; or what a store keeps in a file of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The file on the disk. Never written.
    pub archive: Arc<Path>,
    /// Its bytes when it was listed.
    pub archive_bytes: u64,
    /// From the outermost archive to the object; at least one of an archive, none of what a store keeps.
    pub parts: Vec<Packed>,
}

impl Member {
    /// Whether it is kept in a store, encrypted.
    pub const fn is_kept(&self) -> bool {
        self.parts.is_empty()
    }
}

/// How one member lies in its archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Packed {
    /// Offset of its first byte.
    pub offset: u64,
    /// Bytes as they lie there.
    pub packed: u64,
    /// Bytes of the member itself.
    pub bytes: u64,
    /// Compressed by deflate (RFC 1951); else as it is.
    pub deflated: bool,
    /// Check sum of the member; `None` where another code stands for it.
    pub crc: Option<u32>,
    /// How it is encrypted.
    pub lock: Option<Lock>,
}

impl Packed {
    /// Whether its bytes can be read where they lie.
    pub const fn is_plain(&self) -> bool {
        !self.deflated && self.lock.is_none()
    }
}

/// How a member is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lock {
    /// The traditional cipher of PKZIP.
    Traditional {
        /// The byte by which a passphrase is recognised.
        check: u8,
    },
    /// AES in counter mode as WinZip writes it.
    Aes {
        /// Bytes of its key: 16, 24 or 32.
        key_bytes: u8,
    },
}
