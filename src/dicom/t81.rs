//! JPEG (ITU-T T.81): the Huffman processes that DICOM knows. Baseline and extended sequential DCT (8 and 12 bits),
//! progressive DCT (8 and 12 bits), lossless (2 to 16 bits, all predictors).
//!
//! Written here because the codecs of `dicom-rs` know no lossy 12 bits and are slow at the lossless process. The
//! picture comes out as coded: components interleaved by pixel, subsampled ones brought to full size, no change of
//! colour. A codestream that ends early is refused and never gives a part of a picture; only a missing end of image
//! behind the last value is let pass. Work and memory keep to the size of the picture and a bounded number of scans.

use super::guard::Fault;
use crate::model::study::RejectionKind;
use huffman::{Codes, Entropy, Meaning, Table};

mod block;
mod dct;
mod huffman;
mod idct;
mod lossless;
#[cfg(test)]
mod tests;
mod upsample;

/// Scans of one picture; progressive ones have about ten.
const MOST_SCANS: usize = 200;

fn corrupt(what: impl AsRef<str>) -> Fault {
    let text = format!("the JPEG codestream is wrong: {}", what.as_ref());
    Fault::rejected("JPEG_CORRUPT", text)
}

fn short(what: &str) -> Fault {
    let text = format!("the JPEG codestream ends early: {what}");
    Fault::rejected("JPEG_SHORT", text)
}

fn unsupported(what: &str) -> Fault {
    Fault::unsupported("JPEG_UNSUPPORTED", format!("{what} is not supported"))
}

/// A component as the frame header names it (B.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Component {
    pub(super) identifier: u8,
    /// Horizontal sampling factor, 1 to 4.
    pub(super) horizontal: u8,
    /// Vertical sampling factor, 1 to 4.
    pub(super) vertical: u8,
    /// Quantization table, 0 to 3.
    pub(super) quantization: u8,
}

/// The frame header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Code of the start-of-frame marker: 0xC0 to 0xC3.
    pub(super) process: u8,
    /// Bits of a sample.
    pub(super) precision: u8,
    pub(super) rows: u16,
    pub(super) columns: u16,
    /// One to four.
    pub(super) components: Vec<Component>,
}

impl Header {
    /// Bytes of a value as it comes out.
    pub(super) fn value_bytes(&self) -> usize {
        if self.precision <= 8 { 1 } else { 2 }
    }

    /// Bytes of the decoded picture.
    pub(super) fn bytes(&self) -> usize {
        usize::from(self.rows)
            * usize::from(self.columns)
            * self.components.len()
            * self.value_bytes()
    }

    /// The largest sampling factors.
    fn sampling(&self) -> (usize, usize) {
        let most = |of: fn(&Component) -> u8| self.components.iter().map(of).max().unwrap_or(1);
        (
            usize::from(most(|c| c.horizontal)),
            usize::from(most(|c| c.vertical)),
        )
    }

    fn read(process: u8, body: &[u8]) -> Result<Self, Fault> {
        let &[precision, y0, y1, x0, x1, count, ref list @ ..] = body else {
            return Err(corrupt("a frame header that is too short"));
        };
        let (list, over) = list.as_chunks::<3>();
        if list.len() != usize::from(count) || !over.is_empty() {
            return Err(corrupt("a frame header whose length is not its own"));
        }
        match (process, precision) {
            (0xC0..=0xC2, 8 | 12) | (0xC3, 2..=16) => {}
            (0xC0..=0xC3, _) => return Err(corrupt(format!("{precision} bits of precision"))),
            (0xC9..=0xCB | 0xCD..=0xCF, _) => return Err(unsupported("arithmetic JPEG coding")),
            _ => return Err(unsupported("hierarchical JPEG")),
        }
        if list.is_empty() || list.len() > 4 {
            return Err(unsupported(
                "a JPEG picture of no or more than four components",
            ));
        }
        let components: Vec<Component> = list
            .iter()
            .map(|&[identifier, factors, quantization]| Component {
                identifier,
                horizontal: factors >> 4,
                vertical: factors & 15,
                quantization,
            })
            .collect();
        for (place, c) in components.iter().enumerate() {
            if !(1..=4).contains(&c.horizontal) || !(1..=4).contains(&c.vertical) {
                return Err(corrupt("a sampling factor outside of 1 to 4"));
            }
            if c.quantization > 3 {
                return Err(corrupt("a quantization table past the fourth"));
            }
            let before = components.get(..place).unwrap_or_default();
            if before.iter().any(|b| b.identifier == c.identifier) {
                return Err(corrupt("two components of one name"));
            }
        }
        let columns = u16::from_be_bytes([x0, x1]);
        if columns == 0 {
            return Err(corrupt("no columns"));
        }
        Ok(Self {
            process,
            precision,
            rows: u16::from_be_bytes([y0, y1]),
            columns,
            components,
        })
    }
}

/// A scan header (B.2.3).
#[derive(Clone, Debug)]
struct Scan {
    /// For each component of the scan: its place in the frame, its DC and its AC table.
    components: Vec<(usize, usize, usize)>,
    /// Ss: start of the band, or the predictor.
    start: u8,
    /// Se: end of the band.
    end: u8,
    /// Ah: bit that came last, 0 for a first scan.
    high: u8,
    /// Al: lowest bit that comes now, or the point transform.
    low: u8,
}

impl Scan {
    fn read(body: &[u8], header: &Header) -> Result<Self, Fault> {
        let wrong = || corrupt("a scan header that does not fit the frame");
        let (&count, rest) = body.split_first().ok_or_else(wrong)?;
        let (list, tail) = rest
            .split_at_checked(2 * usize::from(count))
            .ok_or_else(wrong)?;
        let &[start, end, bits] = tail else {
            return Err(wrong());
        };
        let mut components: Vec<(usize, usize, usize)> = Vec::new();
        for &[selector, tables] in list.as_chunks::<2>().0 {
            let place = header
                .components
                .iter()
                .position(|c| c.identifier == selector)
                .ok_or_else(wrong)?;
            // Components of a scan keep the order of the frame (B.2.3), so none comes twice.
            if components.last().is_some_and(|last| last.0 >= place) {
                return Err(wrong());
            }
            let (dc, ac) = (usize::from(tables >> 4), usize::from(tables & 15));
            if dc > 3 || ac > 3 {
                return Err(corrupt("a Huffman table past the fourth"));
            }
            components.push((place, dc, ac));
        }
        if components.is_empty() {
            return Err(wrong());
        }
        Ok(Self {
            components,
            start,
            end,
            high: bits >> 4,
            low: bits & 15,
        })
    }
}

/// Tables and the restart interval, as far as the markers have defined them.
#[derive(Debug, Default)]
struct Tables {
    /// In zigzag order, as they are coded.
    quantization: [Option<[u16; 64]>; 4],
    dc: [Option<Codes>; 4],
    ac: [Option<Codes>; 4],
    /// MCUs between two restart markers, 0 for none.
    restart: usize,
}

impl Tables {
    /// DQT (B.2.4.1).
    fn quantization(&mut self, mut body: &[u8]) -> Result<(), Fault> {
        while let Some((&which, rest)) = body.split_first() {
            let size = match which >> 4 {
                0 => 1,
                1 => 2,
                _ => return Err(corrupt("a quantization table of unknown precision")),
            };
            let place = self.quantization.get_mut(usize::from(which & 15));
            let (Some(place), Some((values, next))) = (place, rest.split_at_checked(64 * size))
            else {
                return Err(corrupt(
                    "a quantization table that is cut or past the fourth",
                ));
            };
            let mut table = [0u16; 64];
            for (to, value) in table.iter_mut().zip(values.chunks(size)) {
                *to = value.iter().fold(0, |sum, b| sum << 8 | u16::from(*b));
            }
            if table.contains(&0) {
                return Err(corrupt("a quantization step of zero"));
            }
            *place = Some(table);
            body = next;
        }
        Ok(())
    }

    /// DHT (B.2.4.2). The code words are built when a scan uses them.
    fn huffman(&mut self, mut body: &[u8]) -> Result<(), Fault> {
        let wrong = || corrupt("a Huffman table that is cut or past the fourth");
        while let Some((&which, rest)) = body.split_first() {
            let (counts, rest) = rest.split_first_chunk::<16>().ok_or_else(wrong)?;
            let sum: usize = counts.iter().map(|c| usize::from(*c)).sum();
            let (symbols, next) = rest.split_at_checked(sum).ok_or_else(wrong)?;
            if sum > 256 {
                return Err(corrupt("a Huffman table of more than 256 codes"));
            }
            let class = match which >> 4 {
                0 => &mut self.dc,
                1 => &mut self.ac,
                _ => return Err(corrupt("a Huffman table of unknown class")),
            };
            let place = class.get_mut(usize::from(which & 15)).ok_or_else(wrong)?;
            *place = Some(Codes {
                counts: *counts,
                symbols: symbols.to_vec(),
            });
            body = next;
        }
        Ok(())
    }

    fn table(&self, place: usize, meaning: Meaning) -> Result<Table, Fault> {
        let class = match meaning {
            Meaning::Ac => &self.ac,
            Meaning::Dc | Meaning::Lossless => &self.dc,
        };
        match class.get(place) {
            Some(Some(codes)) => Table::new(codes, meaning),
            _ => Err(corrupt("a scan without its Huffman table")),
        }
    }
}

/// What the walk through the markers comes to.
enum Stop<'a> {
    /// A frame header.
    Frame(Header),
    /// The body of a scan header; the walk stands at the entropy-coded data.
    Scan(&'a [u8]),
    /// DNL: the number of lines (B.2.5).
    Lines(u16),
    /// End of image, or of the bytes: whether it is the former.
    End(bool),
}

/// A walk through the marker segments (B.1.1).
struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    tables: Tables,
}

impl<'a> Walk<'a> {
    fn new(bytes: &'a [u8]) -> Result<Self, Fault> {
        if !bytes.starts_with(&[0xFF, 0xD8]) {
            return Err(corrupt("it does not begin with a start of image"));
        }
        Ok(Self {
            bytes,
            at: 2,
            tables: Tables::default(),
        })
    }

    /// Goes to the next segment that is not a table.
    fn next(&mut self) -> Result<Stop<'a>, Fault> {
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            if rest.is_empty() {
                return Ok(Stop::End(false));
            }
            let fill = rest.iter().take_while(|b| **b == 0xFF).count();
            if fill == 0 {
                return Err(corrupt("no marker where one must be"));
            }
            let Some(&marker) = rest.get(fill) else {
                return Ok(Stop::End(false));
            };
            self.at += fill + 1;
            match marker {
                0xD9 => return Ok(Stop::End(true)),
                0x01 => continue,
                0x00 | 0xD0..=0xD8 => return Err(corrupt("a marker out of place")),
                _ => {}
            }
            let body = self.segment()?;
            match marker {
                0xC4 => self.tables.huffman(body)?,
                0xDB => self.tables.quantization(body)?,
                0xC8 => return Err(unsupported("a reserved JPEG process")),
                0xCC => return Err(unsupported("arithmetic JPEG coding")),
                0xDE | 0xDF => return Err(unsupported("hierarchical JPEG")),
                0xC0..=0xCF => return Header::read(marker, body).map(Stop::Frame),
                0xDA => return Ok(Stop::Scan(body)),
                0xDC => match *body {
                    [high, low] => return Ok(Stop::Lines(u16::from_be_bytes([high, low]))),
                    _ => return Err(corrupt("a number of lines of another length")),
                },
                0xDD => match *body {
                    [high, low] => {
                        self.tables.restart = usize::from(u16::from_be_bytes([high, low]));
                    }
                    _ => return Err(corrupt("a restart interval of another length")),
                },
                _ => {}
            }
        }
    }

    /// The body of the segment here.
    fn segment(&mut self) -> Result<&'a [u8], Fault> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let Some((length, body)) = rest.split_first_chunk::<2>() else {
            return Err(short("a marker without a length"));
        };
        let length = usize::from(u16::from_be_bytes(*length));
        let Some(size) = length.checked_sub(2) else {
            return Err(corrupt("a marker segment shorter than its length"));
        };
        self.at += length;
        body.get(..size)
            .ok_or_else(|| short("a marker segment past the end"))
    }

    /// The number of lines behind the first scan, for a frame header that leaves it open (B.2.5).
    fn lines(&self) -> Result<u16, Fault> {
        let mut at = self.at;
        while let Some(place) = huffman::find_ff(self.bytes.get(at..).unwrap_or_default()) {
            at += place;
            match self.bytes.get(at + 1) {
                Some(0xFF) => at += 1,
                Some(0 | 0xD0..=0xD7) => at += 2,
                _ => break,
            }
        }
        match self.bytes.get(at..at + 6) {
            Some(&[0xFF, 0xDC, 0, 4, high, low]) if (high, low) != (0, 0) => {
                Ok(u16::from_be_bytes([high, low]))
            }
            _ => Err(corrupt("no number of lines")),
        }
    }

    /// The frame header with its number of lines; the walk stands behind the header of the first scan, whose body
    /// comes along.
    fn begin(&mut self) -> Result<(Header, &'a [u8]), Fault> {
        let mut header = match self.next()? {
            Stop::Frame(header) => header,
            Stop::End(false) => return Err(short("no frame header")),
            _ => return Err(corrupt("no frame header before the first scan")),
        };
        match self.next()? {
            Stop::Scan(body) => {
                if header.rows == 0 {
                    header.rows = self.lines()?;
                }
                Ok((header, body))
            }
            Stop::End(false) => Err(short("no scan")),
            _ => Err(corrupt("no scan behind the frame header")),
        }
    }
}

/// The frame header alone.
///
/// # Errors
/// As [`decode`].
#[cfg(test)]
pub(super) fn header(codestream: &[u8]) -> Result<Header, Fault> {
    Ok(Walk::new(codestream)?.begin()?.0)
}

/// A picture being decoded.
enum Picture {
    Eight(dct::Frame<u8>),
    Twelve(dct::Frame<u16>),
    Lossless(lossless::Frame),
}

/// Decodes a codestream into `out`, which has exactly [`Header::bytes`] bytes: values interleaved by pixel, one byte
/// each up to 8 bits of precision and two, little-endian, above. `most` bounds what is held besides `out`.
///
/// # Errors
/// `JPEG_CORRUPT`, `JPEG_SHORT`, `JPEG_SIZE` (rejected), `JPEG_UNSUPPORTED` (unsupported), `JPEG_SCANS`,
/// `FRAME_TOO_LARGE` (limit).
pub(super) fn decode(codestream: &[u8], out: &mut [u8], most: usize) -> Result<Header, Fault> {
    let mut walk = Walk::new(codestream)?;
    let (header, mut body) = walk.begin()?;
    if header.bytes() != out.len() {
        return Err(Fault::rejected(
            "JPEG_SIZE",
            format!(
                "the codestream holds {} x {} with {} components of {} bits, not what was expected",
                header.columns,
                header.rows,
                header.components.len(),
                header.precision
            ),
        ));
    }
    let mut picture = match (header.process, header.precision) {
        (0xC3, _) => Picture::Lossless(lossless::Frame::new(&header)?),
        (_, 8) => Picture::Eight(dct::Frame::new(&header, most)?),
        _ => Picture::Twelve(dct::Frame::new(&header, most)?),
    };
    let mut entropy = Entropy::default();
    for _ in 0..MOST_SCANS {
        let scan = Scan::read(body, &header)?;
        walk.at = entropy.read(codestream, walk.at, walk.tables.restart > 0)?;
        let whole = match &mut picture {
            Picture::Eight(frame) => frame.scan(&scan, &walk.tables, &entropy, out)?,
            Picture::Twelve(frame) => frame.scan(&scan, &walk.tables, &entropy, out)?,
            Picture::Lossless(frame) => frame.scan(&scan, &walk.tables, &entropy, out)?,
        };
        let end = loop {
            // What stands behind the last value cannot change the picture any more.
            if whole {
                break Some(true);
            }
            match walk.next()? {
                Stop::Scan(next) => {
                    body = next;
                    break None;
                }
                Stop::Lines(lines) if lines == header.rows => {}
                Stop::Lines(_) => return Err(corrupt("two different numbers of lines")),
                Stop::Frame(_) => return Err(corrupt("two frame headers")),
                Stop::End(marked) => break Some(marked),
            }
        };
        if let Some(marked) = end {
            match picture {
                Picture::Eight(frame) => frame.finish(whole, marked, out)?,
                Picture::Twelve(frame) => frame.finish(whole, marked, out)?,
                Picture::Lossless(_) if !whole => return Err(short("a component is missing")),
                Picture::Lossless(_) => {}
            }
            return Ok(header);
        }
    }
    Err(Fault::new(
        RejectionKind::Limit,
        "JPEG_SCANS",
        format!("more than {MOST_SCANS} scans in one JPEG picture"),
    ))
}
