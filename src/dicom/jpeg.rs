//! JPEG (ITU-T T.81) before its decoder: the marker structure is walked to the end, so that size, precision, process
//! and wholeness are known; and the colour behind it, as the codestream or DICOM declares it.

use super::{guard::Fault, t81, unpack::fit};
use crate::model::{lut::Photometric, study::RejectionKind};

/// Scans of one picture; progressive ones have about ten.
const MOST_SCANS: usize = 200;

/// What the markers say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct JpegHeader {
    /// Code of the start-of-frame marker, 0xC0 to 0xCF.
    process: u8,
    /// Bits of a sample.
    precision: u8,
    rows: u16,
    columns: u16,
    /// Identifier of each component.
    components: Vec<u8>,
    /// Colour transform of an Adobe marker.
    adobe: Option<u8>,
    jfif: bool,
    scans: usize,
    /// Offset behind the end of image; `None` when it is missing.
    end: Option<usize>,
}

fn wrong(what: impl Into<String>) -> Fault {
    Fault::rejected(
        "JPEG_CORRUPT",
        format!("the JPEG codestream is wrong: {}", what.into()),
    )
}

impl JpegHeader {
    /// Walks the markers up to the first scan, or through all scans.
    fn read(bytes: &[u8], to_end: bool) -> Result<Self, Fault> {
        if !bytes.starts_with(&[0xFF, 0xD8]) {
            return Err(wrong("it does not begin with a start of image"));
        }
        let mut header = Self::default();
        let mut at = 2;
        loop {
            // Fill bytes may precede a marker (B.1.1.2).
            while bytes.get(at) == Some(&0xFF) && bytes.get(at + 1) == Some(&0xFF) {
                at += 1;
            }
            let Some(&[0xFF, marker]) = bytes.get(at..at + 2) else {
                if header.scans > 0 {
                    return Ok(header);
                }
                return Err(wrong("no marker where one must be"));
            };
            at += 2;
            match marker {
                0xD9 => {
                    header.end = Some(at);
                    return Ok(header);
                }
                0x01 | 0xD0..=0xD7 => continue,
                0x00 | 0xD8 => return Err(wrong("a marker out of place")),
                _ => {}
            }
            let Some(&[high, low]) = bytes.get(at..at + 2) else {
                return Err(wrong("a marker without a length"));
            };
            let length = usize::from(u16::from_be_bytes([high, low]));
            let Some(body) = bytes
                .get(at + 2..at + length.max(2))
                .filter(|_| length >= 2)
            else {
                return Err(wrong("a marker segment past the end"));
            };
            match marker {
                0xC4 | 0xC8 | 0xCC => {}
                0xC0..=0xCF => header.frame(marker, body)?,
                0xE0 if body.starts_with(b"JFIF\0") => header.jfif = true,
                0xEE if body.starts_with(b"Adobe") => header.adobe = body.get(11).copied(),
                0xDA => {
                    header.scan(body)?;
                    if !to_end {
                        return Ok(header);
                    }
                    at = skip_entropy(bytes, at + length);
                    continue;
                }
                _ => {}
            }
            at += length;
        }
    }

    fn frame(&mut self, marker: u8, body: &[u8]) -> Result<(), Fault> {
        if !self.components.is_empty() {
            return Err(wrong("two frame headers"));
        }
        let &[precision, y0, y1, x0, x1, count, ref rest @ ..] = body else {
            return Err(wrong("a frame header that is too short"));
        };
        if rest.len() < usize::from(count) * 3 || count == 0 {
            return Err(wrong("a frame header that is too short"));
        }
        self.process = marker;
        self.precision = precision;
        self.rows = u16::from_be_bytes([y0, y1]);
        self.columns = u16::from_be_bytes([x0, x1]);
        let identifiers = rest.iter().step_by(3).take(usize::from(count));
        self.components = identifiers.copied().collect();
        Ok(())
    }

    fn scan(&mut self, body: &[u8]) -> Result<(), Fault> {
        if self.components.is_empty() {
            return Err(wrong("a scan before the frame header"));
        }
        self.scans += 1;
        if self.scans > MOST_SCANS {
            return Err(Fault::new(
                RejectionKind::Limit,
                "JPEG_SCANS",
                format!("more than {MOST_SCANS} scans in one JPEG picture"),
            ));
        }
        let count = usize::from(body.first().copied().unwrap_or_default());
        if body.len() < 1 + 2 * count + 3 || count == 0 || count > self.components.len() {
            return Err(wrong("a scan header that does not fit the frame"));
        }
        Ok(())
    }

    /// Whether the decoder knows the process and precision.
    fn supported(&self) -> Result<(), Fault> {
        let refuse = |code, what: String| Err(Fault::unsupported(code, what));
        match self.process {
            0xC0..=0xC2 if self.precision == 8 => Ok(()),
            0xC1 | 0xC2 if self.precision == 12 => Ok(()),
            0xC3 if (2..=16).contains(&self.precision) => Ok(()),
            0 => Err(wrong("no frame header")),
            0xC0..=0xC3 => Err(wrong(format!("{} bits of precision", self.precision))),
            0xC9..=0xCB | 0xCD..=0xCF => refuse(
                "JPEG_ARITHMETIC",
                "arithmetic JPEG coding is not supported".to_owned(),
            ),
            _ => refuse(
                "JPEG_HIERARCHICAL",
                "hierarchical JPEG is not supported".to_owned(),
            ),
        }
    }

    /// Bytes of a value as it comes out.
    const fn value_bytes(&self) -> usize {
        if self.precision <= 8 { 1 } else { 2 }
    }

    /// Whether three components are luma and chroma. What the codestream itself says counts over the attribute:
    /// letters as identifiers, an Adobe marker, a JFIF marker; without any, Photometric Interpretation.
    fn is_ycc(&self, photometric: Photometric) -> bool {
        if matches!(self.components.as_slice(), b"RGB" | b"rgb") {
            return false;
        }
        match self.adobe {
            Some(0) => false,
            Some(_) => true,
            None => self.jfif || photometric != Photometric::Rgb,
        }
    }
}

/// Offset of the next marker behind entropy-coded data: FF that is neither stuffed nor a restart (B.1.1.5).
fn skip_entropy(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(next) = bytes
        .get(at..)
        .and_then(|b| b.iter().position(|b| *b == 0xFF))
    {
        at += next;
        match bytes.get(at + 1) {
            Some(0x00 | 0xD0..=0xD7) => at += 2,
            Some(0xFF) => at += 1,
            Some(_) => return at,
            None => return bytes.len(),
        }
    }
    bytes.len()
}

/// Whether the process loses information, from the beginning of a codestream alone; `None` where it does not say.
pub(super) fn is_lossy(beginning: &[u8]) -> Option<bool> {
    let header = JpegHeader::read(beginning, false).ok()?;
    (header.process != 0).then_some(header.process & 3 != 3)
}

/// Refuses what the decoder does not know, from the beginning of a codestream alone. A beginning that ends
/// before the first scan says nothing.
///
/// # Errors
/// `JPEG_ARITHMETIC`, `JPEG_HIERARCHICAL` (unsupported).
pub(super) fn check_supported(beginning: &[u8]) -> Result<(), Fault> {
    match JpegHeader::read(beginning, false) {
        Ok(header) => header.supported(),
        Err(_) => Ok(()),
    }
}

/// What a frame must be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected {
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) samples: usize,
    pub(super) photometric: Photometric,
    /// Bits Allocated: no value of the codestream may need more.
    pub(super) bits_allocated: u16,
}

impl Expected {
    const fn values(&self) -> usize {
        self.rows * self.columns * self.samples
    }
}

/// Memory for planes that any picture may take.
const LEAST_ROOM: usize = 64 << 20;

/// Reads and checks the markers of a frame; gives the whole codestream too, without what lies behind its end.
fn checked<'a>(
    expected: &Expected,
    codestream: &'a [u8],
    limit: usize,
) -> Result<(JpegHeader, &'a [u8]), Fault> {
    let header = JpegHeader::read(codestream, true)?;
    header.supported()?;
    let Some(end) = header.end else {
        return Err(Fault::rejected(
            "JPEG_NO_END",
            "the JPEG codestream ends before its end of image",
        ));
    };
    if header.scans == 0 {
        return Err(wrong("no scan"));
    }
    let size = (
        usize::from(header.rows),
        usize::from(header.columns),
        header.components.len(),
    );
    if size != (expected.rows, expected.columns, expected.samples) {
        return Err(Fault::rejected(
            "JPEG_SIZE",
            format!(
                "the codestream holds {} x {} with {} samples, the header says {} x {} with {}",
                size.1, size.0, size.2, expected.columns, expected.rows, expected.samples
            ),
        ));
    }
    if u16::from(header.precision) > expected.bits_allocated {
        return Err(Fault::rejected(
            "JPEG_SIZE",
            format!(
                "the codestream holds values of {} bits, the header has room for {}",
                header.precision, expected.bits_allocated
            ),
        ));
    }
    if expected.values().saturating_mul(header.value_bytes()) > limit {
        return Err(Fault::new(
            RejectionKind::Limit,
            "FRAME_TOO_LARGE",
            "the decoded frame would be larger than is decoded",
        ));
    }
    Ok((header, codestream.get(..end).unwrap_or(codestream)))
}

/// Decodes a checked codestream into values of the width that it has.
fn decode_checked(
    expected: &Expected,
    (header, whole): &(JpegHeader, &[u8]),
    limit: usize,
    out: &mut [u8],
) -> Result<(), Fault> {
    // The frame and the planes that it is made of are in memory together.
    let room = limit.saturating_sub(out.len()).max(LEAST_ROOM);
    t81::decode(whole, out, room)?;
    // Of a lossless frame the attribute counts: nothing in it says that values were transformed.
    let lossless = header.process == 0xC3;
    let ycc = expected.samples == 3 && header.is_ycc(expected.photometric);
    if ycc && (!lossless || expected.photometric != Photometric::Rgb) {
        let (size, precision) = (header.value_bytes(), u16::from(header.precision));
        super::colour::rgb_from_ybr(out, size, precision);
    }
    Ok(())
}

/// Decodes one JPEG frame: interleaved little-endian values and the bits of each (8 or 16). Colour is RGB.
///
/// # Errors
/// See [`JpegHeader`] and [`t81::decode`]; `JPEG_SIZE`, `JPEG_NO_END`.
pub(super) fn decode(
    expected: &Expected,
    codestream: &[u8],
    limit: usize,
) -> Result<(Vec<u8>, u16), Fault> {
    let read = checked(expected, codestream, limit)?;
    let size = read.0.value_bytes();
    let mut bytes = vec![0; expected.values() * size];
    decode_checked(expected, &read, limit, &mut bytes)?;
    Ok((bytes, 8 * size as u16))
}

/// Decodes one JPEG frame to where it belongs, into values of `size` bytes.
///
/// # Errors
/// See [`decode`].
pub(super) fn decode_into(
    expected: &Expected,
    codestream: &[u8],
    limit: usize,
    size: usize,
    destination: &mut [u8],
) -> Result<(), Fault> {
    let read = checked(expected, codestream, limit)?;
    if read.0.value_bytes() == size && destination.len() == expected.values() * size {
        return decode_checked(expected, &read, limit, destination);
    }
    let (bytes, bits) = decode(expected, codestream, limit)?;
    fit(&bytes, usize::from(bits / 8), size, destination)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(process: u8, precision: u8, extra: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0xFF, 0xD8];
        bytes.extend(extra);
        bytes.extend([0xFF, process, 0, 17, precision, 0, 2, 0, 3, 3]);
        bytes.extend([1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0]);
        bytes.extend([0xFF, 0xDA, 0, 12, 3, 1, 0, 2, 0, 3, 0, 0, 63, 0]);
        bytes.extend([1, 0xFF, 0, 2, 0xFF, 0xD0, 3, 0xFF, 0xD9]);
        bytes
    }

    #[test]
    fn the_markers_are_walked_to_the_end() {
        let bytes = stream(0xC0, 8, &[]);
        let header = JpegHeader::read(&bytes, true).unwrap();
        assert_eq!((header.rows, header.columns), (2, 3));
        assert_eq!(header.end, Some(bytes.len()));
        assert_eq!(header.scans, 1);
        for end in 2..bytes.len() {
            let cut = JpegHeader::read(&bytes[..end], true);
            assert!(cut.is_err() || cut.unwrap().end.is_none(), "{end}");
        }
    }

    #[test]
    fn what_the_decoder_does_not_know_is_named() {
        let code = |process, precision| {
            check_supported(&stream(process, precision, &[])).map_err(|f| f.code)
        };
        assert_eq!(code(0xC0, 8), Ok(()));
        assert_eq!(code(0xC1, 12), Ok(()));
        assert_eq!(code(0xC0, 12), Err("JPEG_CORRUPT"));
        assert_eq!(code(0xC3, 16), Ok(()));
        assert_eq!(code(0xC9, 8), Err("JPEG_ARITHMETIC"));
        assert_eq!(code(0xC5, 8), Err("JPEG_HIERARCHICAL"));
        assert_eq!(code(0xC0, 9), Err("JPEG_CORRUPT"));
    }

    #[test]
    fn the_codestream_says_its_colour_first() {
        let ycc = |extra: &[u8], photometric| {
            JpegHeader::read(&stream(0xC0, 8, extra), true)
                .unwrap()
                .is_ycc(photometric)
        };
        let adobe = |t| [b"\xFF\xEE\0\x0EAdobe\0\x64\0\0\0\0".as_slice(), &[t]].concat();
        let jfif = b"\xFF\xE0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0";
        assert!(ycc(&[], Photometric::YbrFull422));
        assert!(!ycc(&[], Photometric::Rgb));
        assert!(!ycc(&adobe(0), Photometric::YbrFull));
        assert!(ycc(&adobe(1), Photometric::Rgb));
        assert!(ycc(jfif, Photometric::Rgb));
    }
}
