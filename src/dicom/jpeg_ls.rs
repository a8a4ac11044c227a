//! JPEG-LS (ITU-T T.87, ISO/IEC 14495-1): lossless and near-lossless. Written here because it must be safe on hostile
//! files and as fast as the C++ decoders; clause numbers are those of T.87.
//!
//! What makes it fast: the codestream is freed of its stuffed bits in small portions, so that a look at the next 57
//! bits is one load (`bits`); a context is adapted without branches that depend on the picture, and its Golomb
//! parameter is ready before the next sample asks for it (`scan`). Where a branch is kept, it is one that a processor
//! foresees.
//!
//! Not done: mapping tables, point transforms, subsampled components, part 2 of the standard.

use super::guard::Fault;
use bits::has_ones;
use scan::{Coding, Scan, Steps};

mod bits;
mod scan;

const CORRUPT: &str = "JPEG_LS_CORRUPT";
const SHORT: &str = "JPEG_LS_SHORT";
const UNSUPPORTED: &str = "JPEG_LS_UNSUPPORTED";

fn wrong(what: &str) -> Fault {
    Fault::rejected(CORRUPT, format!("the JPEG-LS codestream is wrong: {what}"))
}

fn short() -> Fault {
    let text = "the JPEG-LS codestream ends before its picture does";
    Fault::rejected(SHORT, text)
}

fn foreign(what: &str) -> Fault {
    Fault::unsupported(UNSUPPORTED, format!("JPEG-LS with {what} is not supported"))
}

/// How the components of a scan follow each other (C.2.3, ILV).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Interleave {
    /// A scan for each component.
    #[default]
    None,
    /// A line of each component in turn.
    Line,
    /// A sample of each component in turn.
    Sample,
}

/// What the markers say of the picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Header {
    /// Lines of the picture.
    pub rows: u32,
    /// Samples of a line.
    pub columns: u32,
    /// Components of a pixel.
    pub components: u8,
    /// Bits of a sample, 2 to 16.
    pub precision: u8,
    /// Largest NEAR of the scans: 0 is lossless.
    pub near: u8,
    /// Interleaving of the first scan.
    pub interleave: Interleave,
    /// Colour transform of HP that decoding undoes, 0 to 3.
    pub transform: u8,
}

impl Header {
    /// Bytes of a decoded value.
    pub fn size(&self) -> usize {
        if self.precision <= 8 { 1 } else { 2 }
    }

    /// Bytes of the decoded picture; `None` when no memory could hold them.
    pub fn bytes(&self) -> Option<usize> {
        let pixels = u64::from(self.rows) * u64::from(self.columns);
        let bytes = pixels.checked_mul(u64::from(self.components) * self.size() as u64)?;
        usize::try_from(bytes).ok()
    }
}

/// Reads the markers of the whole codestream without decoding a sample.
///
/// # Errors
/// `JPEG_LS_CORRUPT`, `JPEG_LS_SHORT` (rejected), `JPEG_LS_UNSUPPORTED`.
pub(super) fn read_header(codestream: &[u8]) -> Result<Header, Fault> {
    let mut reader = Reader::new(codestream)?;
    while reader.next_scan()?.is_some() {
        reader.at = skip_entropy(codestream, reader.at);
    }
    Ok(reader.header)
}

/// Decodes the picture into `out`, which must have exactly [`Header::bytes`]: values interleaved by pixel, a byte each
/// up to a precision of 8, else two in little-endian order. After an error `out` holds nothing of use.
///
/// # Errors
/// `JPEG_LS_CORRUPT`, `JPEG_LS_SHORT`, `JPEG_LS_SIZE` (rejected), `JPEG_LS_UNSUPPORTED`.
pub(super) fn decode(codestream: &[u8], out: &mut [u8]) -> Result<Header, Fault> {
    let mut reader = Reader::new(codestream)?;
    let mut steps = Steps::new();
    while let Some(scan) = reader.next_scan()? {
        // The size is known from the first scan on, and this comes before any memory is taken for it.
        if reader.header.bytes() != Some(out.len()) {
            let text = "the JPEG-LS picture does not have the size that is declared";
            return Err(Fault::rejected("JPEG_LS_SIZE", text));
        }
        reader.at = scan.decode(&reader, &mut steps, out)?;
    }
    undo_transform(&reader.header, out);
    Ok(reader.header)
}

/// Offset of the marker that ends an entropy-coded segment, restart markers passed over; the end if there is none.
fn skip_entropy(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(rest) = bytes.get(at..) {
        let (words, _) = rest.as_chunks();
        let plain = |word: &&[u8; 8]| !has_ones(u64::from_be_bytes(**word));
        at += 8 * words.iter().take_while(plain).count();
        let rest = bytes.get(at..).unwrap_or_default();
        let Some(found) = rest.iter().position(|b| *b == 0xFF) else {
            break;
        };
        at += found;
        match bytes.get(at + 1) {
            Some(0xD0..=0xD7 | 0..=0x7F) => at += 2,
            _ => return at,
        }
    }
    bytes.len()
}

fn number(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |n, b| n << 8 | u32::from(*b))
}

/// Preset coding parameters (C.2.4.1.1); 0 stands for the default.
#[derive(Clone, Copy, Debug, Default)]
struct Preset {
    maxval: u32,
    thresholds: [u32; 3],
    reset: u32,
}

/// Walks the markers from scan to scan.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    header: Header,
    /// Identifier of each component, and whether a scan held it.
    components: Vec<(u8, bool)>,
    oversize: Option<(u32, u32)>,
    preset: Preset,
    /// Lines between restart markers, 0 for none.
    restart: u32,
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8]) -> Result<Self, Fault> {
        if !bytes.starts_with(&[0xFF, 0xD8]) {
            return Err(wrong("it does not begin with a start of image"));
        }
        Ok(Self {
            bytes,
            at: 2,
            header: Header::default(),
            components: Vec::new(),
            oversize: None,
            preset: Preset::default(),
            restart: 0,
        })
    }

    /// The marker at the place reached, and its segment if it has one. Fill bytes may precede it (T.81, B.1.1.2).
    fn segment(&mut self) -> Result<(u8, &'a [u8]), Fault> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let fill = rest.iter().take_while(|b| **b == 0xFF).count();
        let &code = rest.get(fill).ok_or_else(short)?;
        if fill == 0 || code < 0x80 {
            return Err(wrong("no marker where one must be"));
        }
        let rest = rest.get(fill + 1..).unwrap_or_default();
        self.at += fill + 1;
        if matches!(code, 0xD0..=0xD9) {
            return Ok((code, &[]));
        }
        let (&[high, low], body) = rest.split_first_chunk().ok_or_else(short)?;
        let length = usize::from(u16::from_be_bytes([high, low]));
        let length = length.checked_sub(2).ok_or_else(|| wrong("a length"))?;
        let body = body.get(..length).ok_or_else(short)?;
        self.at += 2 + length;
        Ok((code, body))
    }

    /// Goes on to the next scan, behind its header; `None` at the end of the image.
    fn next_scan(&mut self) -> Result<Option<Scan>, Fault> {
        loop {
            let (code, body) = self.segment()?;
            match code {
                0xF7 => self.frame(body)?,
                0xDA => return self.scan(body).map(Some),
                0xF8 => self.preset(body)?,
                0xDD if (2..=4).contains(&body.len()) => self.restart = number(body),
                0xDC => self.lines(body)?,
                0xE8 => self.transform(body)?,
                0xE0..=0xEF | 0xFE => {}
                0xD9 if self.components.is_empty() => return Err(wrong("no frame header")),
                0xD9 if self.components.iter().any(|c| !c.1) => {
                    return Err(wrong("a component without a scan"));
                }
                0xD9 => return Ok(None),
                0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => {
                    return Err(foreign("another JPEG process"));
                }
                0xF9 => return Err(foreign("the extensions of part 2")),
                _ => return Err(wrong("a marker out of place")),
            }
        }
    }

    /// Frame header (C.2.2).
    fn frame(&mut self, body: &[u8]) -> Result<(), Fault> {
        if !self.components.is_empty() {
            return Err(wrong("two frame headers"));
        }
        let &[precision, y0, y1, x0, x1, count, ref rest @ ..] = body else {
            return Err(wrong("a frame header that is too short"));
        };
        let (specified, left) = rest.as_chunks::<3>();
        if !(2..=16).contains(&precision) {
            return Err(wrong("a precision outside 2 to 16"));
        }
        if specified.len() != usize::from(count) || count == 0 || !left.is_empty() {
            return Err(wrong("a frame header whose length is not its own"));
        }
        for &[id, sampling, _] in specified {
            if sampling != 0x11 {
                return Err(foreign("subsampled components"));
            }
            if self.components.iter().any(|c| c.0 == id) {
                return Err(wrong("two components of one name"));
            }
            self.components.push((id, false));
        }
        self.header.precision = precision;
        self.header.rows = number(&[y0, y1]);
        self.header.columns = number(&[x0, x1]);
        self.header.components = count;
        Ok(())
    }

    /// JPEG-LS preset parameters (C.2.4).
    fn preset(&mut self, body: &[u8]) -> Result<(), Fault> {
        match body {
            [1, values @ ..] if values.len() == 10 => {
                let (values, _) = values.as_chunks::<2>();
                let mut value = values.iter().map(|v| number(v));
                let mut next = || value.next().unwrap_or_default();
                self.preset = Preset {
                    maxval: next(),
                    thresholds: [next(), next(), next()],
                    reset: next(),
                };
                Ok(())
            }
            // Mapping tables do no harm until a scan asks for one.
            [2 | 3, ..] => Ok(()),
            [4, width @ 2..=4, values @ ..] if values.len() == 2 * usize::from(*width) => {
                let (rows, columns) = values.split_at(values.len() / 2);
                self.oversize = Some((number(rows), number(columns)));
                Ok(())
            }
            [5..=13, ..] => Err(foreign("the extensions of part 2")),
            _ => Err(wrong("preset parameters of no known form")),
        }
    }

    /// Number of lines (C.2.6), which `scan` has looked up already if it was needed.
    fn lines(&self, body: &[u8]) -> Result<(), Fault> {
        if !(2..=4).contains(&body.len()) || number(body) != self.header.rows {
            return Err(wrong("a number of lines that is not the picture's"));
        }
        Ok(())
    }

    /// The colour transforms that HP's encoder and CharLS name in an application segment.
    fn transform(&mut self, body: &[u8]) -> Result<(), Fault> {
        if let &[b'm', b'r', b'f', b'x', transform] = body {
            if transform > 3 {
                return Err(foreign("this colour transform"));
            }
            self.header.transform = transform;
        }
        Ok(())
    }

    /// Settles the size of the picture before its first scan.
    fn settle(&mut self) -> Result<(), Fault> {
        if let Some((rows, columns)) = self.oversize.take() {
            let settle = |coded: &mut u32, over: u32| match (*coded, over) {
                (coded, over) if coded == over || over == 0 => Ok(()),
                (0, over) => {
                    *coded = over;
                    Ok(())
                }
                _ => Err(wrong("two sizes")),
            };
            settle(&mut self.header.rows, rows)?;
            settle(&mut self.header.columns, columns)?;
        }
        if self.header.rows == 0 {
            // The lines were not counted when the header was written: the count follows the first scan.
            let mut ahead = Reader::new(self.bytes)?;
            ahead.at = skip_entropy(self.bytes, self.at);
            match ahead.segment()? {
                (0xDC, body) if (2..=4).contains(&body.len()) => self.header.rows = number(body),
                _ => return Err(wrong("no number of lines")),
            }
        }
        if self.header.rows == 0 || self.header.columns == 0 {
            return Err(wrong("a picture without samples"));
        }
        let deep = self.header.precision == 8 || self.header.precision == 16;
        if self.header.transform != 0 && !(deep && self.header.components == 3) {
            return Err(foreign("a colour transform of such samples"));
        }
        Ok(())
    }

    /// Scan header (C.2.3).
    fn scan(&mut self, body: &[u8]) -> Result<Scan, Fault> {
        let first = self.components.iter().all(|c| !c.1);
        if self.components.is_empty() {
            return Err(wrong("a scan before the frame header"));
        }
        if first {
            self.settle()?;
        }
        let misfit = || wrong("a scan header that does not fit the frame");
        let (&count, rest) = body.split_first().ok_or_else(misfit)?;
        let named = rest.get(..2 * usize::from(count)).ok_or_else(misfit)?;
        let &[near, interleave, point] = rest.get(named.len()..).unwrap_or_default() else {
            return Err(misfit());
        };
        if !(1..=4).contains(&count) {
            return Err(misfit());
        }
        let mut components = Vec::new();
        for &[id, table] in named.as_chunks::<2>().0 {
            let place = self.components.iter().position(|c| c.0 == id);
            let place = place.ok_or_else(misfit)?;
            match self.components.get_mut(place) {
                Some((_, done)) if !*done => *done = true,
                _ => return Err(wrong("two scans of one component")),
            }
            if table != 0 {
                return Err(foreign("a mapping table"));
            }
            components.push(place);
        }
        if point & 15 != 0 {
            return Err(foreign("a point transform"));
        }
        let interleave = match interleave {
            // A component alone is not interleaved with anything.
            0..=2 if count == 1 => Interleave::None,
            1 => Interleave::Line,
            2 => Interleave::Sample,
            _ => return Err(wrong("an interleave mode that there is not")),
        };
        self.header.near = self.header.near.max(near);
        if first {
            self.header.interleave = interleave;
        }
        Ok(Scan {
            components,
            interleave,
            coding: Coding::new(self.header.precision, near, &self.preset)?,
        })
    }
}

/// Undoes the colour transform of HP, all sums modulo the range of the samples.
fn undo_transform(header: &Header, out: &mut [u8]) {
    let wide = header.size() == 2;
    let half = if wide { 0x8000 } else { 0x80 };
    let undo = |[x, y, z]: [i32; 3]| match header.transform {
        1 => [x + y - half, y, z + y - half],
        2 => {
            let red = (x + y - half) & (2 * half - 1);
            [red, y, z + ((red + y) >> 1) - half]
        }
        _ => {
            let green = x - ((z + y) >> 2) + half / 2;
            [z + green - half, green, y + green - half]
        }
    };
    match (header.transform, wide) {
        (0, _) => {}
        (_, false) => {
            for pixel in out.as_chunks_mut::<3>().0 {
                *pixel = undo(pixel.map(i32::from)).map(|v| v as u8);
            }
        }
        (_, true) => {
            for pixel in out.as_chunks_mut::<6>().0 {
                let [a, b, c, d, e, f] = *pixel;
                let values = [[a, b], [c, d], [e, f]].map(|v| i32::from(u16::from_le_bytes(v)));
                let values = undo(values).map(|v| (v as u16).to_le_bytes());
                pixel
                    .iter_mut()
                    .zip(values.as_flattened())
                    .for_each(|(o, v)| *o = *v);
            }
        }
    }
}

#[cfg(test)]
mod tests;
