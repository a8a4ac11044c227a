//! JPEG 2000 (ITU-T T.800) and its high-throughput code blocks (T.814).
//!
//! Written here because what `dicom-rs` wraps was slower than the codecs of others and showed cut pictures as whole.
//! A codestream is decoded to its end or refused: nothing is shown of one that is cut or contradicts itself. Every
//! count is checked against the bytes that must be there for it, and memory against what the caller allows, before
//! anything is made that large.

use header::Codestream;

mod block;
mod header;
mod ht;
mod ht_tables;
mod mq;
mod packets;
mod plan;
mod samples;
#[cfg(test)]
mod tests;
mod tile;
mod wavelet;

/// Why a codestream is not decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// It is wrong.
    Corrupt(&'static str),
    /// It ends before its end marker.
    Cut,
    /// Tiles that are missing, of how many.
    Missing(usize, usize),
    /// Components that differ.
    Components,
    /// More tiles than can be numbered.
    Tiles,
    /// More bit planes than are decoded.
    Planes,
    /// Well formed, but not decoded.
    Unsupported(&'static str),
    /// More memory than is allowed.
    Memory,
}

/// What the main header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) rows: u32,
    pub(super) columns: u32,
    pub(super) components: u16,
    /// Bits of a sample.
    pub(super) precision: u8,
    pub(super) signed: bool,
    /// Components are transformed to and from luma and chroma.
    pub(super) colour_transform: bool,
    /// The 9-7 wavelet, which loses information.
    pub(super) irreversible: bool,
}

/// A codestream whose headers were read to its end.
#[derive(Clone, Debug)]
pub(super) struct Picture<'a>(Codestream<'a>);

impl<'a> Picture<'a> {
    /// Reads all headers but those of packets.
    pub(super) fn read(codestream: &'a [u8]) -> Result<Self, Broken> {
        Codestream::read(codestream).map(Self)
    }

    pub(super) fn header(&self) -> Header {
        summary(&self.0.size, self.0.coding())
    }

    /// Decodes to values of `bytes` (1 or 2) bytes, little-endian, components interleaved: the low bits of each sample.
    /// Takes no more than about `memory` bytes besides `out`, whose length must fit.
    pub(super) fn decode(&self, bytes: usize, memory: usize, out: &mut [u8]) -> Result<(), Broken> {
        let header = self.header();
        let size = (header.rows as usize).checked_mul(header.columns as usize);
        let size =
            size.and_then(|pixels| pixels.checked_mul(usize::from(header.components) * bytes));
        if size != Some(out.len()) {
            return Err(Broken::Memory);
        }
        tile::decode(&self.0, bytes, memory, out)
    }
}

/// What the beginning of a codestream says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Beginning {
    /// Samples are signed.
    pub(super) signed: Option<bool>,
    /// The default wavelet is the 9-7 one.
    pub(super) irreversible: Option<bool>,
}

/// Reads a codestream that may end anywhere.
pub(super) fn beginning(bytes: &[u8]) -> Beginning {
    header::beginning(bytes)
}

fn summary(size: &header::Size, coding: &header::Coding) -> Header {
    let styles = coding.components.iter().filter_map(|c| c.style);
    Header {
        rows: size.rows(),
        columns: size.columns(),
        components: size.components,
        precision: size.precision,
        signed: size.signed,
        colour_transform: coding.colour_transform,
        irreversible: styles.into_iter().any(|style| !style.reversible),
    }
}
