//! JPEG 2000 and HTJ2K as DICOM has them: what the codestream says of its picture must be what the header says.

use super::{
    guard::Fault,
    j2k::{self, Broken, Picture},
};
use crate::model::study::RejectionKind;

fn wrong(what: &str) -> Fault {
    Fault::rejected(
        "J2K_CORRUPT",
        format!("the JPEG 2000 codestream is wrong: {what}"),
    )
}

impl From<Broken> for Fault {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Corrupt(what) => wrong(what),
            Broken::Missing(missing, tiles) => {
                wrong(&format!("{missing} of {tiles} tiles are missing"))
            }
            Broken::Cut => Self::rejected(
                "J2K_NO_END",
                "the JPEG 2000 codestream ends before its end marker",
            ),
            Broken::Components => Self::unsupported(
                "J2K_COMPONENTS",
                "JPEG 2000 with components of different size or depth is not supported",
            ),
            Broken::Tiles => Self::new(
                RejectionKind::Limit,
                "J2K_TILES",
                "more tiles than a JPEG 2000 codestream can hold",
            ),
            Broken::Planes => Self::unsupported(
                "J2K_PRECISION",
                "JPEG 2000 with more than 30 bit planes is not supported",
            ),
            Broken::Unsupported(what) => {
                Self::unsupported("J2K_UNSUPPORTED", format!("{what} is not supported"))
            }
            Broken::Memory => Self::new(
                RejectionKind::Limit,
                "FRAME_TOO_LARGE",
                "the frame takes more memory than one may",
            ),
        }
    }
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes
        .get(at..at + 4)?
        .try_into()
        .ok()
        .map(u32::from_be_bytes)
}

/// The codestream within a JP2 file, which DICOM does not allow and some write; else the bytes themselves.
fn codestream_of(bytes: &[u8]) -> Option<&[u8]> {
    if !bytes.starts_with(b"\0\0\0\x0CjP  ") {
        return Some(bytes);
    }
    let mut at = 0usize;
    loop {
        let length = be32(bytes, at)? as usize;
        let kind = bytes.get(at + 4..at + 8)?;
        let (header, length) = match length {
            0 => (8, bytes.len() - at),
            1 => (16, usize::try_from(be32(bytes, at + 12)?).ok()?),
            n => (8, n),
        };
        let end = at.checked_add(length)?;
        if kind == b"jp2c" {
            return bytes.get(at + header..end);
        }
        if length < header {
            return None;
        }
        at = end;
    }
}

/// Whether samples are signed, from the beginning of a codestream alone.
pub(super) fn is_signed(beginning: &[u8]) -> Option<bool> {
    j2k::beginning(codestream_prefix(beginning)).signed
}

/// Whether the codestream uses the irreversible wavelet, from its beginning alone.
pub(super) fn is_irreversible(beginning: &[u8]) -> bool {
    j2k::beginning(codestream_prefix(beginning)).irreversible == Some(true)
}

/// Like [`codestream_of`], for a beginning that ends within the codestream.
fn codestream_prefix(bytes: &[u8]) -> &[u8] {
    if bytes.starts_with(&[0xFF, 0x4F]) {
        return bytes;
    }
    let mark = [0xFF, 0x4F, 0xFF, 0x51];
    let at = bytes.windows(4).position(|w| w == mark);
    at.and_then(|at| bytes.get(at..)).unwrap_or_default()
}

/// Decodes one frame to interleaved little-endian values of `bits` (8 or 16), the low bits of each sample. `limit` is
/// how many bytes that may take besides. Gives whether the codestream transforms to and from luma and chroma itself.
///
/// # Errors
/// `J2K_CORRUPT`, `J2K_NO_END`, `J2K_SIZE` (rejected), `J2K_TILES`, `FRAME_TOO_LARGE` (limit),
/// `J2K_COMPONENTS`, `J2K_PRECISION`, `J2K_UNSUPPORTED` (unsupported).
pub(super) fn decode(
    (rows, columns, samples): (usize, usize, usize),
    bits: u16,
    frame: &[u8],
    limit: usize,
    destination: &mut [u8],
) -> Result<bool, Fault> {
    let codestream = codestream_of(frame).ok_or_else(|| wrong("boxes without a codestream"))?;
    let picture = Picture::read(codestream)?;
    let header = picture.header();
    let size = (
        header.rows as usize,
        header.columns as usize,
        usize::from(header.components),
    );
    if size != (rows, columns, samples) {
        return Err(Fault::rejected(
            "J2K_SIZE",
            format!(
                "the codestream holds {} x {} with {} samples, the header says {columns} x {rows} with {samples}",
                size.1, size.0, size.2
            ),
        ));
    }
    if header.precision > 16 {
        return Err(Fault::unsupported(
            "J2K_PRECISION",
            format!("JPEG 2000 of {} bits is not supported", header.precision),
        ));
    }
    if u16::from(header.precision) > bits {
        return Err(Fault::rejected(
            "J2K_SIZE",
            format!(
                "samples of {} bits do not fit into {bits}",
                header.precision
            ),
        ));
    }
    picture.decode(usize::from(bits / 8), limit, destination)?;
    Ok(header.colour_transform)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture of 2 x 2 without a bit in it, in the middle of its range.
    fn stream(width: u32, wavelet: u8) -> Vec<u8> {
        let mut bytes = vec![0xFF, 0x4F, 0xFF, 0x51, 0, 41, 0, 0];
        for word in [width, 2, 0, 0, width, 2, 0, 0] {
            bytes.extend(word.to_be_bytes());
        }
        bytes.extend([0, 1, 0x8B, 1, 1]);
        bytes.extend([0xFF, 0x52, 0, 12, 0, 0, 0, 1, 0, 0, 4, 4, 0, wavelet]);
        bytes.extend([0xFF, 0x5C, 0, 4, 0x40, 0x60]);
        bytes.extend([0xFF, 0x90, 0, 10, 0, 0, 0, 0, 0, 15, 0, 1, 0xFF, 0x93, 0]);
        bytes.extend([0xFF, 0xD9]);
        bytes
    }

    #[test]
    fn the_beginning_tells_sign_and_wavelet() {
        assert_eq!(is_signed(&stream(2, 1)), Some(true));
        assert!(is_irreversible(&stream(2, 0)));
        assert!(!is_irreversible(&stream(2, 1)));
        // Any beginning of it will do that has the segment.
        assert!(is_irreversible(stream(2, 0).get(..60).unwrap()));
        assert_eq!(is_signed(stream(2, 0).get(..60).unwrap()), Some(true));
        assert_eq!(is_signed(&[0xFF, 0xD8, 0xFF, 0xE0]), None);
    }

    #[test]
    fn a_codestream_may_lie_in_boxes() {
        let bare = stream(2, 1);
        let mut boxed = b"\0\0\0\x0CjP  \r\n\x87\n".to_vec();
        boxed.extend((bare.len() as u32 + 8).to_be_bytes());
        boxed.extend(b"jp2c");
        boxed.extend(&bare);
        let mut out = [1; 8];
        assert_eq!(decode((2, 2, 1), 16, &bare, 1000, &mut out), Ok(false));
        assert_eq!(out, [0; 8]);
        out.fill(1);
        assert_eq!(decode((2, 2, 1), 16, &boxed, 1000, &mut out), Ok(false));
        assert_eq!(out, [0; 8]);
        assert_eq!(is_signed(&boxed), Some(true));
        let cut = boxed.get(..boxed.len() - 1).unwrap();
        let refused = decode((2, 2, 1), 16, cut, 1000, &mut out);
        assert_eq!(refused.unwrap_err().code, "J2K_CORRUPT");
    }

    #[test]
    fn what_the_header_does_not_say_is_refused() {
        let code = |size, bits, limit, bytes: &[u8]| {
            decode(size, bits, bytes, limit, &mut [0; 8]).map_err(|fault| fault.code)
        };
        let bytes = stream(2, 1);
        assert_eq!(code((2, 3, 1), 16, 1000, &bytes), Err("J2K_SIZE"));
        assert_eq!(code((2, 2, 3), 16, 1000, &bytes), Err("J2K_SIZE"));
        assert_eq!(code((2, 2, 1), 8, 1000, &bytes), Err("J2K_SIZE"));
        assert_eq!(code((2, 2, 1), 16, 7, &bytes), Err("FRAME_TOO_LARGE"));
        let mut deep = bytes;
        deep[42] = 16;
        assert_eq!(code((2, 2, 1), 16, 1000, &deep), Err("J2K_PRECISION"));
        assert_eq!(
            code((2, 2, 1), 16, 1000, &[0xFF, 0xD8, 0xFF, 0xE0]),
            Err("J2K_CORRUPT")
        );
    }
}
