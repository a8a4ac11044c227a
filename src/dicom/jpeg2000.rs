//! JPEG 2000 (ITU-T T.800) before its decoder: the main header and the chain of tile-parts are checked to the end of the
//! codestream, since the decoder shows a cut picture as if it were whole.

use super::{
    codec::{self, Coded},
    guard::Fault,
    syntax::Syntax,
};
use crate::model::study::RejectionKind;

/// What the main header says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct MainHeader {
    rows: u32,
    columns: u32,
    components: u16,
    /// Bits of a sample, the same for all components.
    precision: u8,
    signed: bool,
    tiles: u64,
    /// The components are transformed (RCT or ICT) and come out as colour.
    colour_transform: bool,
    /// The 9-7 wavelet, which loses information.
    irreversible: bool,
    /// Decomposition levels.
    levels: u8,
    /// Sub-bands that the quantisation default has a step for; all of them when it derives them from one.
    steps: Option<usize>,
    /// Offset of the first tile-part.
    first_tile: usize,
}

fn wrong(what: &str) -> Fault {
    Fault::rejected(
        "J2K_CORRUPT",
        format!("the JPEG 2000 codestream is wrong: {what}"),
    )
}

fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    bytes
        .get(at..at + 2)?
        .try_into()
        .ok()
        .map(u16::from_be_bytes)
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

impl MainHeader {
    fn read(bytes: &[u8]) -> Result<Self, Fault> {
        if !bytes.starts_with(&[0xFF, 0x4F, 0xFF, 0x51]) {
            return Err(wrong("it does not begin with its size"));
        }
        let mut header = Self::default();
        let mut at = 2;
        let mut coding_style = false;
        loop {
            let (Some(marker), Some(length)) = (be16(bytes, at), be16(bytes, at + 2)) else {
                return Err(wrong("the main header ends early"));
            };
            if marker == 0xFF90 {
                header.first_tile = at;
                if !coding_style {
                    return Err(wrong("no coding style"));
                }
                // One step a sub-band: three a level, and the lowest (A.6.4).
                let bands = 3 * usize::from(header.levels) + 1;
                if header.steps.is_some_and(|steps| steps < bands) {
                    return Err(wrong("fewer quantisation steps than sub-bands"));
                }
                return Ok(header);
            }
            let length = usize::from(length);
            let Some(body) = bytes
                .get(at + 4..at + 2 + length.max(2))
                .filter(|_| length >= 2)
            else {
                return Err(wrong("a marker segment past the end"));
            };
            match marker {
                0xFF51 => header.size(body)?,
                0xFF52 => {
                    header.coding(body)?;
                    coding_style = true;
                }
                0xFF5C => {
                    header.steps = match body.first().map(|style| style & 0x1F) {
                        Some(0) => Some(body.len() - 1),
                        Some(2) => Some((body.len() - 1) / 2),
                        Some(1) => None,
                        _ => return Err(wrong("an unknown quantisation")),
                    };
                }
                0xFF30..=0xFF3F => return Err(wrong("a marker out of place")),
                0xFF00.. => {}
                _ => return Err(wrong("no marker where one must be")),
            }
            at += 2 + length;
        }
    }

    /// Image and tile size (A.5.1).
    fn size(&mut self, body: &[u8]) -> Result<(), Fault> {
        let word = |i: usize| be32(body, 2 + 4 * i).ok_or_else(|| wrong("a short size segment"));
        let (x, y, x0, y0) = (word(0)?, word(1)?, word(2)?, word(3)?);
        let (tile_x, tile_y, tile_x0, tile_y0) = (word(4)?, word(5)?, word(6)?, word(7)?);
        let components = be16(body, 34).ok_or_else(|| wrong("a short size segment"))?;
        if x <= x0 || y <= y0 || tile_x == 0 || tile_y == 0 || tile_x0 > x0 || tile_y0 > y0 {
            return Err(wrong("an impossible size"));
        }
        let details = body.get(36..).unwrap_or_default();
        let (details, _) = details.as_chunks::<3>();
        if details.len() < usize::from(components) || components == 0 {
            return Err(wrong("a short size segment"));
        }
        let first = details.first().copied().unwrap_or_default();
        let all = details.iter().take(usize::from(components));
        if all.clone().any(|d| *d != [first[0], 1, 1]) {
            return Err(Fault::unsupported(
                "J2K_COMPONENTS",
                "JPEG 2000 with components of different size or depth is not supported",
            ));
        }
        let tiles = |size: u32, origin: u32, step: u32| u64::from((size - origin).div_ceil(step));
        self.tiles = tiles(x, tile_x0, tile_x) * tiles(y, tile_y0, tile_y);
        if self.tiles > 65_535 {
            return Err(Fault::new(
                RejectionKind::Limit,
                "J2K_TILES",
                "more tiles than a JPEG 2000 codestream can hold",
            ));
        }
        (self.rows, self.columns, self.components) = (y - y0, x - x0, components);
        self.precision = (first[0] & 0x7F) + 1;
        self.signed = first[0] & 0x80 != 0;
        Ok(())
    }

    /// Default coding style (A.6.1).
    fn coding(&mut self, body: &[u8]) -> Result<(), Fault> {
        let &[
            _,
            _,
            layers0,
            layers1,
            transform,
            levels,
            width,
            height,
            _,
            wavelet,
            ..,
        ] = body
        else {
            return Err(wrong("a short coding style"));
        };
        let layers = u16::from_be_bytes([layers0, layers1]);
        // Code blocks: exponents are offset by 2, at most 10 each and 12 together (table A.18).
        let blocks = width <= 8 && height <= 8 && width + height <= 8;
        if levels > 32 || layers == 0 || !blocks {
            return Err(wrong("an impossible coding style"));
        }
        self.levels = levels;
        self.colour_transform = transform == 1;
        self.irreversible = wavelet == 0;
        Ok(())
    }
}

/// Whether samples are signed, from the beginning of a codestream alone.
pub(super) fn is_signed(beginning: &[u8]) -> Option<bool> {
    let codestream = codestream_prefix(beginning);
    if !codestream.starts_with(&[0xFF, 0x4F, 0xFF, 0x51]) {
        return None;
    }
    codestream.get(42).map(|depth| depth & 0x80 != 0)
}

/// Whether the codestream uses the irreversible wavelet, from its beginning alone.
pub(super) fn is_irreversible(beginning: &[u8]) -> bool {
    let codestream = codestream_prefix(beginning);
    let mut at = 2;
    while let (Some(marker), Some(length)) = (be16(codestream, at), be16(codestream, at + 2)) {
        match marker {
            0xFF52 => return codestream.get(at + 13) == Some(&0),
            0xFF90 => return false,
            _ => at += 2 + usize::from(length),
        }
    }
    false
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

/// Follows the tile-parts (A.4.2) and gives the offset behind the end of codestream.
fn check_whole(bytes: &[u8], header: &MainHeader) -> Result<usize, Fault> {
    let cut = || {
        Fault::rejected(
            "J2K_NO_END",
            "the JPEG 2000 codestream ends before its end marker",
        )
    };
    // At most 65,535 tiles: the main header was refused otherwise.
    let mut there = vec![false; usize::try_from(header.tiles).unwrap_or(0)];
    let all = |there: &[bool]| {
        let missing = there.iter().filter(|t| !**t).count();
        if missing == 0 {
            return Ok(());
        }
        Err(wrong(&format!(
            "{missing} of {} tiles are missing",
            there.len()
        )))
    };
    let mut at = header.first_tile;
    loop {
        match be16(bytes, at) {
            Some(0xFFD9) => return all(&there).map(|()| at + 2),
            Some(0xFF90) => {}
            _ => return Err(cut()),
        }
        let tile = be16(bytes, at + 4).ok_or_else(cut)?;
        if u64::from(tile) >= header.tiles {
            return Err(wrong("a tile that is not part of the picture"));
        }
        if let Some(place) = there.get_mut(usize::from(tile)) {
            *place = true;
        }
        let length = be32(bytes, at + 6).ok_or_else(cut)? as usize;
        if length == 0 {
            // The last tile-part runs to the end of codestream.
            let used = bytes.iter().rposition(|b| *b != 0).map_or(0, |i| i + 1);
            let tail = used.checked_sub(2).and_then(|s| bytes.get(s..used));
            return if tail == Some(&[0xFF, 0xD9]) {
                all(&there).map(|()| used)
            } else {
                Err(cut())
            };
        }
        if length < 14 {
            return Err(wrong("a tile-part that is too short"));
        }
        at = at.checked_add(length).ok_or_else(cut)?;
    }
}

/// What a decoded frame is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decoded {
    /// Interleaved little-endian values, the low bits of each sample.
    pub(super) bytes: Vec<u8>,
    /// The codestream was transformed to and from luma and chroma by itself.
    pub(super) colour_transform: bool,
}

/// Decodes one frame; `bits` (8 or 16) is the width of a value that is wanted.
///
/// # Errors
/// `J2K_CORRUPT`, `J2K_NO_END`, `J2K_SIZE` (rejected), `J2K_TILES`, `FRAME_TOO_LARGE` (limit),
/// `J2K_COMPONENTS`, `J2K_PRECISION` (unsupported), and those of the codec.
pub(super) fn decode(
    syntax: &Syntax,
    (rows, columns, samples): (usize, usize, usize),
    bits: u16,
    frame: &[u8],
    limit: usize,
) -> Result<Decoded, Fault> {
    let codestream = codestream_of(frame).ok_or_else(|| wrong("boxes without a codestream"))?;
    let header = MainHeader::read(codestream)?;
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
    let end = check_whole(codestream, &header)?;
    let whole = codestream.get(..end).unwrap_or_default().to_vec();
    let narrow = |n: u32| u16::try_from(n).map_err(|_| wrong("an impossible size"));
    let coded = Coded {
        rows: narrow(header.rows)?,
        columns: narrow(header.columns)?,
        samples: header.components,
        bits,
    };
    // The decoder holds every sample in 32 bits, more than once.
    Ok(Decoded {
        bytes: codec::decode(syntax, coded, whole, limit / 4)?,
        colour_transform: header.colour_transform,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(tile: u32, precision: u8, levels: u8, wavelet: u8) -> Vec<u8> {
        let mut bytes = vec![0xFF, 0x4F, 0xFF, 0x51, 0, 41, 0, 0];
        for word in [64u32, 32, 0, 0, tile, tile, 0, 0] {
            bytes.extend(word.to_be_bytes());
        }
        bytes.extend([0, 1, precision - 1, 1, 1]);
        bytes.extend([0xFF, 0x52, 0, 12, 0, 0, 0, 1, 0, levels, 4, 4, 0, wavelet]);
        bytes.extend([0xFF, 0x90, 0, 10, 0, 0, 0, 0, 0, 16, 0, 1, 0xFF, 0x93, 7, 7]);
        bytes.extend([0xFF, 0xD9]);
        bytes
    }

    #[test]
    fn the_header_is_read() {
        let bytes = stream(64, 12, 5, 1);
        let header = MainHeader::read(&bytes).unwrap();
        assert_eq!(
            (header.rows, header.columns, header.precision),
            (32, 64, 12)
        );
        assert_eq!((header.tiles, header.irreversible), (1, false));
        assert_eq!(check_whole(&bytes, &header), Ok(bytes.len()));
        assert!(is_irreversible(&stream(64, 12, 5, 0)));
        assert!(!is_irreversible(&bytes));
    }

    #[test]
    fn every_cut_is_noticed() {
        let bytes = stream(64, 12, 5, 1);
        for end in 0..bytes.len() {
            let cut = MainHeader::read(&bytes[..end]).and_then(|h| check_whole(&bytes[..end], &h));
            assert!(cut.is_err(), "{end}");
        }
    }

    #[test]
    fn lies_are_refused() {
        let code = |bytes: Vec<u8>| MainHeader::read(&bytes).map(|_| ()).map_err(|f| f.code);
        assert_eq!(code(stream(64, 12, 33, 1)), Err("J2K_CORRUPT"));
        assert_eq!(code(stream(0, 12, 5, 1)), Err("J2K_CORRUPT"));
        let mut tiles = stream(1, 12, 5, 1);
        tiles[8..12].copy_from_slice(&65_535u32.to_be_bytes());
        tiles[12..16].copy_from_slice(&65_535u32.to_be_bytes());
        assert_eq!(code(tiles), Err("J2K_TILES"));
        assert_eq!(code(vec![0xFF, 0xD8, 0xFF, 0xE0]), Err("J2K_CORRUPT"));
    }
}
