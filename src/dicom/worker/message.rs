//! What goes between the program and a process that decodes. Both ends are the same executable, so nothing here is
//! versioned; every number is little-endian, and every length is checked before memory is taken for it.

use crate::{
    dicom::{
        guard::Fault,
        syntax::{self, Syntax},
        unpack::Coding,
    },
    model::{lut::Photometric, pixels::StoredType, study::RejectionKind},
};
use std::io::{self, Read, Write};

/// Photometric interpretations by number.
const PHOTOMETRICS: [Photometric; 6] = [
    Photometric::Monochrome1,
    Photometric::Monochrome2,
    Photometric::PaletteColor,
    Photometric::Rgb,
    Photometric::YbrFull,
    Photometric::YbrFull422,
];

/// Types of stored values by number.
const STORED_TYPES: [StoredType; 8] = [
    StoredType::U8,
    StoredType::I8,
    StoredType::U16,
    StoredType::I16,
    StoredType::U32,
    StoredType::I32,
    StoredType::F32,
    StoredType::F64,
];

/// Codes that codecs refuse with; a code is `'static`, so it travels by its place here.
const CODES: [&str; 35] = [
    "DECODED_SIZE",
    "FRAME_TOO_LARGE",
    "INFLATE_CORRUPT",
    "INFLATE_CUT",
    "INFLATE_LIMIT",
    "INFLATE_RATIO",
    "J2K_COMPONENTS",
    "J2K_CORRUPT",
    "J2K_NO_END",
    "J2K_PRECISION",
    "J2K_SIZE",
    "J2K_TILES",
    "J2K_UNSUPPORTED",
    "JPEG_ARITHMETIC",
    "JPEG_CORRUPT",
    "JPEG_HIERARCHICAL",
    "JPEG_LS_CORRUPT",
    "JPEG_LS_SHORT",
    "JPEG_LS_SIZE",
    "JPEG_LS_UNSUPPORTED",
    "JPEG_NO_END",
    "JPEG_SCANS",
    "JPEG_SHORT",
    "JPEG_SIZE",
    "JPEG_UNSUPPORTED",
    "JXL_CORRUPT",
    "JXL_SHORT",
    "JXL_SIZE",
    "JXL_UNSUPPORTED",
    "PICTURE_CORRUPT",
    "PIXEL_DATA_SHORT",
    "RLE_HEADER",
    "RLE_OVERRUN",
    "RLE_SHORT",
    "UNSUPPORTED_SYNTAX",
];

/// Kinds of refusals by number.
const KINDS: [RejectionKind; 4] = [
    RejectionKind::Rejected,
    RejectionKind::Limit,
    RejectionKind::Unsupported,
    RejectionKind::Io,
];

/// The longest sentence of a refusal.
const LONGEST_DETAIL: usize = 4096;

fn place<T: PartialEq>(list: &[T], value: &T) -> u32 {
    list.iter().position(|v| v == value).unwrap_or(0) as u32
}

fn bad() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

fn read_u32(from: &mut impl Read) -> io::Result<u32> {
    let mut bytes = [0; 4];
    from.read_exact(&mut bytes)?;
    Ok(u32::from_le_bytes(bytes))
}

fn read_u64(from: &mut impl Read) -> io::Result<u64> {
    let mut bytes = [0; 8];
    from.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

/// Exactly `length` bytes; memory grows with what really comes.
fn read_bytes(from: &mut impl Read, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = from.take(length).read_to_end(&mut bytes)?;
    if read as u64 == length {
        Ok(bytes)
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

/// Whether a file of several pages stays with the process that decodes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    /// One codestream, one frame.
    No,
    /// The file comes along and is kept for the next page.
    File,
    /// The file that was kept last; none comes along.
    Again,
}

/// The same by number.
const KEEPS: [Keep; 3] = [Keep::No, Keep::File, Keep::Again];

/// A frame to decode.
pub(super) struct Request<'a> {
    pub(super) coding: Coding,
    pub(super) keep: Keep,
    pub(super) syntax: &'a Syntax,
    pub(super) frame_limit: usize,
    pub(super) codestream: &'a [u8],
}

/// A request as it arrives.
pub(super) struct Arrived {
    pub(super) coding: Coding,
    pub(super) keep: Keep,
    pub(super) syntax: &'static Syntax,
    pub(super) frame_limit: usize,
    pub(super) destination: usize,
    pub(super) codestream: Vec<u8>,
}

impl Request<'_> {
    pub(super) fn write(&self, to: &mut impl Write, destination: usize) -> io::Result<()> {
        let Coding {
            page,
            rows,
            columns,
            samples,
            bits_allocated,
            bits_stored,
            high_bit,
            stored_type,
            photometric,
            planar,
        } = self.coding;
        let mut head = Vec::with_capacity(160);
        let numbers = [
            page as u32,
            rows as u32,
            columns as u32,
            samples as u32,
            u32::from(bits_allocated),
            u32::from(bits_stored),
            u32::from(high_bit),
            place(&STORED_TYPES, &stored_type),
            place(&PHOTOMETRICS, &photometric),
            u32::from(planar),
            place(&KEEPS, &self.keep),
            self.syntax.uid.len() as u32,
        ];
        for number in numbers {
            head.extend(number.to_le_bytes());
        }
        head.extend(self.syntax.uid.as_bytes());
        for number in [self.frame_limit, destination, self.codestream.len()] {
            head.extend((number as u64).to_le_bytes());
        }
        to.write_all(&head)?;
        to.write_all(self.codestream)?;
        to.flush()
    }
}

impl Arrived {
    pub(super) fn read(from: &mut impl Read) -> io::Result<Self> {
        let mut numbers = [0; 12];
        for number in &mut numbers {
            *number = read_u32(from)?;
        }
        let [
            page,
            rows,
            columns,
            samples,
            allocated,
            stored,
            high,
            stored_type,
            photometric,
            planar,
            keep,
            uid,
        ] = numbers;
        let uid = read_bytes(from, u64::from(uid.min(64)))?;
        let uid = String::from_utf8(uid).map_err(|_| bad())?;
        let frame_limit = usize::try_from(read_u64(from)?).map_err(|_| bad())?;
        let destination = usize::try_from(read_u64(from)?).map_err(|_| bad())?;
        let length = read_u64(from)?;
        let small = |n: u32| u16::try_from(n).map_err(|_| bad());
        Ok(Self {
            coding: Coding {
                page: page as usize,
                rows: rows as usize,
                columns: columns as usize,
                samples: samples as usize,
                bits_allocated: small(allocated)?,
                bits_stored: small(stored)?,
                high_bit: small(high)?,
                stored_type: *STORED_TYPES.get(stored_type as usize).ok_or_else(bad)?,
                photometric: *PHOTOMETRICS.get(photometric as usize).ok_or_else(bad)?,
                planar: planar != 0,
            },
            keep: *KEEPS.get(keep as usize).ok_or_else(bad)?,
            syntax: syntax::find_packing(&uid).ok_or_else(bad)?,
            frame_limit,
            destination,
            codestream: read_bytes(from, length)?,
        })
    }
}

/// What comes back.
#[derive(Debug)]
pub(super) enum Answer {
    /// The process is there; the number of its memory file, where it has one.
    Ready { shared: Option<u32> },
    /// The frame lies in the memory that both have open.
    Shared,
    /// The frame itself.
    Inline(Vec<u8>),
    /// The codec refused it.
    Refused(Fault),
}

impl Answer {
    pub(super) fn write(&self, to: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Ready { shared } => {
                to.write_all(&[0])?;
                to.write_all(&shared.unwrap_or(u32::MAX).to_le_bytes())?;
            }
            Self::Shared => to.write_all(&[1])?,
            Self::Inline(bytes) => {
                to.write_all(&[2])?;
                to.write_all(&(bytes.len() as u64).to_le_bytes())?;
                to.write_all(bytes)?;
            }
            Self::Refused(fault) => {
                let mut detail = fault.detail.as_str();
                while detail.len() > LONGEST_DETAIL {
                    let mut shorter = detail.chars();
                    shorter.next_back();
                    detail = shorter.as_str();
                }
                to.write_all(&[3])?;
                to.write_all(&place(&KINDS, &fault.kind).to_le_bytes())?;
                to.write_all(&place(&CODES, &fault.code).to_le_bytes())?;
                to.write_all(&(detail.len() as u32).to_le_bytes())?;
                to.write_all(detail.as_bytes())?;
            }
        }
        to.flush()
    }

    pub(super) fn read(from: &mut impl Read) -> io::Result<Self> {
        let mut kind = [0];
        from.read_exact(&mut kind)?;
        match kind {
            [0] => {
                let shared = read_u32(from)?;
                Ok(Self::Ready {
                    shared: (shared != u32::MAX).then_some(shared),
                })
            }
            [1] => Ok(Self::Shared),
            [2] => {
                let length = read_u64(from)?;
                Ok(Self::Inline(read_bytes(from, length)?))
            }
            [3] => {
                let kind = *KINDS.get(read_u32(from)? as usize).ok_or_else(bad)?;
                let code = CODES.get(read_u32(from)? as usize).ok_or_else(bad)?;
                let length = u64::from(read_u32(from)?);
                if length > LONGEST_DETAIL as u64 {
                    return Err(bad());
                }
                let detail = String::from_utf8(read_bytes(from, length)?).map_err(|_| bad())?;
                Ok(Self::Refused(Fault::new(kind, code, detail)))
            }
            _ => Err(bad()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_answers_come_back_as_they_were() {
        let coding = Coding {
            page: 4,
            rows: 3,
            columns: 5,
            samples: 1,
            bits_allocated: 16,
            bits_stored: 12,
            high_bit: 11,
            stored_type: StoredType::I16,
            photometric: Photometric::Monochrome1,
            planar: true,
        };
        let syntax = syntax::find("1.2.840.10008.1.2.5").unwrap();
        let request = Request {
            coding,
            keep: Keep::File,
            syntax,
            frame_limit: 1000,
            codestream: &[1, 2, 3],
        };
        let mut bytes = Vec::new();
        request.write(&mut bytes, 30).unwrap();
        let arrived = Arrived::read(&mut bytes.as_slice()).unwrap();
        assert_eq!((arrived.coding, arrived.keep), (coding, Keep::File));
        assert_eq!((arrived.syntax.uid, arrived.destination), (syntax.uid, 30));
        assert_eq!(arrived.codestream, [1, 2, 3]);
        assert!(Arrived::read(&mut bytes.get(..bytes.len() - 1).unwrap()).is_err());

        let fault = Fault::new(RejectionKind::Limit, "FRAME_TOO_LARGE", "too large");
        let mut bytes = Vec::new();
        Answer::Refused(fault.clone()).write(&mut bytes).unwrap();
        assert!(
            matches!(Answer::read(&mut bytes.as_slice()), Ok(Answer::Refused(f)) if f == fault)
        );
        // A length that is a lie takes no memory for it.
        let mut lie = vec![2];
        lie.extend(u64::MAX.to_le_bytes());
        assert!(Answer::read(&mut lie.as_slice()).is_err());
    }

    /// Every code in the sources of the codecs is in the list.
    #[test]
    fn every_code_travels() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/dicom");
        let mut found = 0;
        for name in [
            "unpack",
            "rle",
            "inflate",
            "jpeg",
            "jpeg_ls",
            "jpeg2000",
            "raster/decode",
        ] {
            let text = std::fs::read_to_string(folder.join(format!("{name}.rs"))).unwrap();
            let code = |word: &&str| {
                word.contains('_')
                    && word.starts_with(|c: char| c.is_ascii_uppercase())
                    && word
                        .chars()
                        .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
            };
            for word in text.split('"').filter(code) {
                assert!(CODES.contains(&word), "{word} of {name}.rs");
                found += 1;
            }
        }
        assert!(found > 20);
    }
}
