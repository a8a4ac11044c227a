//! A small writer of ZIP archives for tests: right by default, wrong on request.

use flate2::{Compression, Crc, write::DeflateEncoder};
use std::io::Write as _;

/// One member; every number that is written can be a lie.
#[derive(Clone)]
pub struct Member {
    pub name: Vec<u8>,
    /// What lies in the archive.
    pub data: Vec<u8>,
    pub method: u16,
    pub flags: u16,
    pub crc: u32,
    /// Bytes as declared.
    pub packed: u64,
    pub bytes: u64,
    /// Host system and external attributes.
    pub host: u8,
    pub attributes: u32,
    /// Sizes and offset in the ZIP64 extra field.
    pub wide: bool,
    /// Sizes behind the data, zeros before it.
    pub descriptor: bool,
    /// More extra fields of the directory.
    pub extra: Vec<u8>,
    /// Offset of the header, when it is not where it was written.
    pub offset: Option<u64>,
}

pub fn crc(bytes: &[u8]) -> u32 {
    let mut sum = Crc::new();
    sum.update(bytes);
    sum.sum()
}

pub fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

impl Member {
    /// A member as it is.
    pub fn stored(name: &str, bytes: &[u8]) -> Self {
        Self {
            name: name.as_bytes().to_vec(),
            data: bytes.to_vec(),
            method: 0,
            flags: 0,
            crc: crc(bytes),
            packed: bytes.len() as u64,
            bytes: bytes.len() as u64,
            host: 0,
            attributes: 0,
            wide: false,
            descriptor: false,
            extra: Vec::new(),
            offset: None,
        }
    }

    /// A compressed member.
    pub fn deflated(name: &str, bytes: &[u8]) -> Self {
        let data = deflate(bytes);
        Self {
            method: 8,
            packed: data.len() as u64,
            data,
            ..Self {
                bytes: bytes.len() as u64,
                ..Self::stored(name, bytes)
            }
        }
    }

    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// Unix permissions and kind.
    pub fn unix(self, mode: u32) -> Self {
        self.with(|m| (m.host, m.attributes) = (3, mode << 16))
    }

    fn narrow(&self, value: u64) -> u32 {
        match self.wide {
            true => u32::MAX,
            false => u32::try_from(value).unwrap_or(u32::MAX),
        }
    }

    fn header(&self) -> Vec<u8> {
        let (crc, packed, bytes) = match self.descriptor {
            true => (0, 0, 0),
            false => (self.crc, self.narrow(self.packed), self.narrow(self.bytes)),
        };
        let mut extra = Vec::new();
        if self.wide {
            extra.extend([1, 0, 16, 0]);
            extra.extend(self.bytes.to_le_bytes());
            extra.extend(self.packed.to_le_bytes());
        }
        let mut out = b"PK\x03\x04\x2D\0".to_vec();
        out.extend((self.flags | (u16::from(self.descriptor) * 8)).to_le_bytes());
        out.extend(self.method.to_le_bytes());
        out.extend([0; 4]);
        out.extend(crc.to_le_bytes());
        out.extend(packed.to_le_bytes());
        out.extend(bytes.to_le_bytes());
        out.extend((self.name.len() as u16).to_le_bytes());
        out.extend((extra.len() as u16).to_le_bytes());
        out.extend(&self.name);
        out.extend(extra);
        out
    }

    /// The entry of the directory.
    pub fn entry(&self, offset: u64) -> Vec<u8> {
        let offset = self.offset.unwrap_or(offset);
        let mut extra = self.extra.clone();
        if self.wide {
            extra.extend([1, 0, 24, 0]);
            for value in [self.bytes, self.packed, offset] {
                extra.extend(value.to_le_bytes());
            }
        }
        let mut out = b"PK\x01\x02\x2D".to_vec();
        out.push(self.host);
        out.extend([0x2D, 0]);
        out.extend((self.flags | (u16::from(self.descriptor) * 8)).to_le_bytes());
        out.extend(self.method.to_le_bytes());
        out.extend([0; 4]);
        out.extend(self.crc.to_le_bytes());
        out.extend(self.narrow(self.packed).to_le_bytes());
        out.extend(self.narrow(self.bytes).to_le_bytes());
        out.extend((self.name.len() as u16).to_le_bytes());
        out.extend((extra.len() as u16).to_le_bytes());
        out.extend([0; 6]);
        out.extend(self.attributes.to_le_bytes());
        out.extend(self.narrow(offset).to_le_bytes());
        out.extend(&self.name);
        out.extend(extra);
        out
    }
}

/// An archive of members.
pub fn archive(members: &[Member]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut directory = Vec::new();
    for member in members {
        directory.extend(member.entry(out.len() as u64));
        out.extend(member.header());
        out.extend(&member.data);
        if member.descriptor {
            out.extend(b"PK\x07\x08");
            out.extend(member.crc.to_le_bytes());
            out.extend((member.packed as u32).to_le_bytes());
            out.extend((member.bytes as u32).to_le_bytes());
        }
    }
    end(
        out,
        &directory,
        members.len() as u64,
        members.iter().any(|m| m.wide),
    )
}

/// Puts a directory and the end behind members.
pub fn end(mut out: Vec<u8>, directory: &[u8], count: u64, wide: bool) -> Vec<u8> {
    let start = out.len() as u64;
    out.extend(directory);
    if wide {
        let place = out.len() as u64;
        out.extend(b"PK\x06\x06");
        out.extend(44u64.to_le_bytes());
        out.extend([0x2D, 0, 0x2D, 0]);
        out.extend([0; 8]);
        for value in [count, count, directory.len() as u64, start] {
            out.extend(value.to_le_bytes());
        }
        out.extend(b"PK\x06\x07\0\0\0\0");
        out.extend(place.to_le_bytes());
        out.extend(1u32.to_le_bytes());
    }
    let narrow = |value: u64| if wide { u32::MAX } else { value as u32 };
    let counted = if wide { u16::MAX } else { count as u16 };
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend(counted.to_le_bytes());
    out.extend(counted.to_le_bytes());
    out.extend(narrow(directory.len() as u64).to_le_bytes());
    out.extend(narrow(start).to_le_bytes());
    out.extend([0, 0]);
    out
}
