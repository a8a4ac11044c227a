//! The JPEG 2000 codec of `dicom-rs`, one frame at a time. What it sees is an object that we wrote ourselves: only the
//! attributes they need, with values that were checked against the codestream's own header.

use super::{
    guard::{Fault, meta_header},
    syntax::Syntax,
};
use crate::model::study::RejectionKind;
use dicom_object::{OpenFileOptions, file::ReadPreamble};
use dicom_pixeldata::PixelDecoder as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a codestream's header says of its picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Coded {
    /// Rows.
    pub(super) rows: u16,
    /// Columns.
    pub(super) columns: u16,
    /// Components.
    pub(super) samples: u16,
    /// 8 or 16: bits of a value as it comes out.
    pub(super) bits: u16,
}

impl Coded {
    /// Bytes that come out.
    pub(super) const fn bytes(&self) -> usize {
        self.rows as usize
            * self.columns as usize
            * self.samples as usize
            * (self.bits as usize / 8)
    }
}

/// Decodes a codestream whose header was read as `coded`. Colour comes out as RGB where the codestream converts.
///
/// # Errors
/// `CODEC_REFUSED`, `CODEC_PANIC`, `DECODED_SIZE` (rejected), `FRAME_TOO_LARGE` (limit).
pub(super) fn decode(
    syntax: &Syntax,
    coded: Coded,
    mut codestream: Vec<u8>,
    limit: usize,
) -> Result<Vec<u8>, Fault> {
    if coded.bytes() > limit {
        return Err(Fault::new(
            RejectionKind::Limit,
            "FRAME_TOO_LARGE",
            "the decoded frame would be larger than is decoded",
        ));
    }
    // The adapters refuse large frames that shrank very much. The budget was checked above, so bytes behind
    // the end of the codestream make up for an almost empty picture.
    let smallest = coded.bytes() / 30;
    if codestream.len() < smallest {
        codestream.resize(smallest, 0);
    }
    let object = wrap(syntax.uid, coded, &codestream);
    drop(codestream);
    let run = || -> Result<Vec<u8>, ()> {
        let object = OpenFileOptions::new()
            .read_preamble(ReadPreamble::Never)
            .from_reader(object.as_slice())
            .map_err(|_| ())?;
        let decoded = object.decode_pixel_data_frame(0).map_err(|_| ())?;
        Ok(decoded.data().to_vec())
    };
    let refused = |code, what: &str| {
        let text = format!("{what} ({})", syntax.name);
        Err(Fault::rejected(code, text))
    };
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(bytes)) if bytes.len() == coded.bytes() => Ok(bytes),
        Ok(Ok(_)) => refused(
            "DECODED_SIZE",
            "the decoded frame has another size than declared",
        ),
        Ok(Err(())) => refused("CODEC_REFUSED", "the codestream cannot be decoded"),
        Err(_) => refused("CODEC_PANIC", "the decoder failed on the codestream"),
    }
}

/// A DICOM stream with one frame.
fn wrap(syntax: &str, coded: Coded, codestream: &[u8]) -> Vec<u8> {
    let mut stream = meta_header(syntax);
    stream.reserve(codestream.len() + 256);
    let mut put = |element: u16, vr: &[u8; 2], value: &[u8]| {
        stream.extend([0x28, 0x00]);
        stream.extend(element.to_le_bytes());
        stream.extend(vr);
        stream.extend((value.len() as u16).to_le_bytes());
        stream.extend(value);
    };
    let number = u16::to_le_bytes;
    put(0x0002, b"US", &number(coded.samples));
    let photometric: &[u8] = if coded.samples == 3 {
        b"RGB "
    } else {
        b"MONOCHROME2 "
    };
    put(0x0004, b"CS", photometric);
    if coded.samples == 3 {
        put(0x0006, b"US", &number(0));
    }
    put(0x0010, b"US", &number(coded.rows));
    put(0x0011, b"US", &number(coded.columns));
    put(0x0100, b"US", &number(coded.bits));
    put(0x0101, b"US", &number(coded.bits));
    put(0x0102, b"US", &number(coded.bits - 1));
    put(0x0103, b"US", &number(0));
    stream.extend([0xE0, 0x7F, 0x10, 0x00, b'O', b'B', 0, 0, 255, 255, 255, 255]);
    stream.extend([0xFE, 0xFF, 0x00, 0xE0, 0, 0, 0, 0]);
    let padded = codestream.len() + codestream.len() % 2;
    stream.extend([0xFE, 0xFF, 0x00, 0xE0]);
    stream.extend((padded as u32).to_le_bytes());
    stream.extend(codestream);
    stream.resize(stream.len() + codestream.len() % 2, 0);
    stream.extend([0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0]);
    stream
}
