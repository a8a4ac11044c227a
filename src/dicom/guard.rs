//! The structure guard: walks a DICOM file with a stack of its own before any other parser sees a byte.
//!
//! Every length is checked against the bytes that are there, nesting and counts keep to budgets, and the walk
//! ends at Pixel Data. The result is an index of the top-level elements and the place of the pixels, from
//! which headers are put together anew and frames are read directly. Rules: PS3.5 chapter 7 and annex A,
//! PS3.10 chapter 7.

use super::{
    bytes::{ByteSource, Window},
    encapsulated::{Fragments, walk_fragments},
    inflate::inflate_counted,
    sealed::SealError,
    syntax::{self, Encoding, Packing, Syntax},
};
use crate::{
    model::{
        finding::{Finding, Severity},
        study::{Rejection, RejectionKind},
    },
    task::{Turn, Turns},
};
use dicom_dictionary_std::tags;
use dicom_object::Tag;
use std::{collections::HashSet, io, path::Path, sync::Arc};

mod walk;

use walk::{Walk, known_vr};
pub(super) use walk::{dictionary_vr, items_of, long_form, read_header, tag_of};

/// Why something was refused, without a path. The text names tag and offset and never a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Fault {
    /// Class of the refusal.
    pub kind: RejectionKind,
    /// Stable upper-case code.
    pub code: &'static str,
    /// One sentence in English, free of identity.
    pub detail: String,
}

impl Fault {
    /// A refusal.
    pub fn new(kind: RejectionKind, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind,
            code,
            detail: detail.into(),
        }
    }

    /// A refusal as malformed.
    pub fn rejected(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(RejectionKind::Rejected, code, detail)
    }

    /// A refusal as well formed but not supported.
    pub fn unsupported(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(RejectionKind::Unsupported, code, detail)
    }

    fn at(code: &'static str, tag: Tag, offset: u64, what: &str) -> Self {
        Self::rejected(code, format!("{what}, at {tag}, byte {offset}"))
    }

    pub(super) fn limit(code: &'static str, tag: Tag, offset: u64, what: &str) -> Self {
        let text = format!("{what}, at {tag}, byte {offset}");
        Self::new(RejectionKind::Limit, code, text)
    }

    /// With the file it is about.
    pub fn rejection(self, path: Arc<Path>) -> Rejection {
        Rejection {
            path,
            outcome: self.kind,
            code: self.code,
            detail: self.detail,
        }
    }
}

impl From<SealError> for Fault {
    fn from(error: SealError) -> Self {
        let (outcome, code) = match error {
            SealError::Io(error) => return error.into(),
            SealError::NotSealed => (RejectionKind::Rejected, "NOT_DICOM"),
            SealError::Newer(_) => (RejectionKind::Unsupported, "BLOB_NEWER"),
            SealError::Locked => (RejectionKind::Locked, "BLOB_LOCKED"),
            SealError::Damaged(_) => (RejectionKind::Rejected, "BLOB_DAMAGED"),
        };
        Self::new(outcome, code, format!("a kept file: {error}"))
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return Self::rejected("FILE_CUT", "the file ends before its data does");
        }
        if SealError::of(&error).is_some() {
            return Self::rejected("BLOB_DAMAGED", "a kept file is not as it was written");
        }
        Self::new(
            RejectionKind::Io,
            "IO",
            format!("cannot be read: {}", error.kind()),
        )
    }
}

/// Item (FFFE,E000).
pub(super) const ITEM: Tag = Tag(0xFFFE, 0xE000);

/// What a file may cost. The defaults are far above real files and far below what hurts.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Sequences within sequences.
    pub nesting: usize,
    /// Elements of one data set (an item or the whole).
    pub elements_per_data_set: u32,
    /// Items of all sequences together.
    pub items: u32,
    /// Elements of all data sets together.
    pub elements: u32,
    /// Fragments of Pixel Data.
    pub fragments: usize,
    /// Bytes of the header elements that are kept.
    pub header_bytes: u64,
    /// Bytes of one text value that is kept.
    pub text_bytes: u64,
    /// Bytes that a deflated data set may inflate to.
    pub inflated_bytes: usize,
    /// Bytes of one decoded frame.
    pub frame_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            nesting: 64,
            elements_per_data_set: 65_536,
            items: 500_000,
            elements: 2_000_000,
            fragments: 1_000_000,
            header_bytes: 64 << 20,
            text_bytes: 64 << 10,
            inflated_bytes: 384 << 20,
            frame_bytes: 512 << 20,
        }
    }
}

/// A tag as one number, which compares at once.
pub(super) const fn key(tag: Tag) -> u32 {
    (tag.0 as u32) << 16 | tag.1 as u32
}

/// The length that means "until a delimiter".
pub(super) const UNDEFINED: u32 = 0xFFFF_FFFF;

/// A top-level element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element {
    /// Its tag.
    pub tag: Tag,
    /// Its VR, `UN` for implicit data sets.
    pub vr: [u8; 2],
    /// How its items are written, when it is a sequence.
    pub sequence: Option<Encoding>,
    /// Offset of its header.
    pub start: u64,
    /// Offset of its value.
    pub value: u64,
    /// Offset behind it, delimiter included.
    pub end: u64,
}

/// Where the pixels are.
#[derive(Clone, Debug)]
pub enum PixelPlace {
    /// One run of native values.
    Native {
        /// Offset of the first byte.
        offset: u64,
        /// Bytes.
        length: u64,
    },
    /// Fragments.
    Encapsulated(Fragments),
}

/// Pixel Data, Float Pixel Data or Double Float Pixel Data.
#[derive(Clone, Debug)]
pub struct PixelElement {
    /// Which of the three.
    pub tag: Tag,
    /// Its VR: bytes written as OW in big endian are swapped in pairs.
    pub vr: [u8; 2],
    /// Where its values are.
    pub place: PixelPlace,
}

/// What the guard found: enough to read headers and frames without walking again.
#[derive(Debug)]
pub struct Structure {
    /// The transfer syntax as declared, or as recognised when nothing is declared.
    pub syntax: &'static Syntax,
    /// How the elements really are written.
    pub encoding: Encoding,
    /// Media Storage SOP Class UID (0002,0002), empty without meta header.
    pub media_class: String,
    /// Bytes of the file.
    pub file_bytes: u64,
    /// The bytes that all offsets count in: the file, or the inflated data set.
    pub source: ByteSource,
    /// Top-level elements before Pixel Data, the first of each tag, in order of tags.
    pub elements: Vec<Element>,
    /// The pixels, when there are any.
    pub pixels: Option<PixelElement>,
    /// What was noticed and does not forbid reading.
    pub findings: Vec<Finding>,
    /// The budgets it was walked with.
    pub limits: Limits,
    /// Held as long as a large inflated data set is in memory for one frame or one header.
    pub(super) turn: Option<Turn>,
}

/// A deflated data set of more bytes waits until no other one of this kind is in memory.
const LARGE_INFLATED: usize = 16 << 20;

static LARGE_DATA_SETS: Turns = Turns::new();

/// Inflates a data set; names the bytes behind its stream. A deflated data set may be followed by one zero byte
/// (PS3.5 section A.5).
fn inflate_data_set(
    packed: &[u8],
    limit: usize,
    findings: &mut Vec<Finding>,
) -> Result<(Vec<u8>, Option<Turn>), Fault> {
    let what = "the deflated data set";
    let (found, turn) = match inflate_counted(packed, limit.min(LARGE_INFLATED), what) {
        Err(fault) if fault.kind == RejectionKind::Limit && limit > LARGE_INFLATED => {
            let turn = LARGE_DATA_SETS.wait();
            (inflate_counted(packed, limit, what), Some(turn))
        }
        found => (found, None),
    };
    let (data, used) = found?;
    let rest = packed.get(used..).unwrap_or_default();
    if !matches!(rest, [] | [0]) {
        let bytes = rest.len();
        let text = format!("{bytes} bytes follow the last element and are not read");
        // Some writers end the stream as gzip does: a checksum, and the length (RFC 1952, 2.3.1).
        let length = (data.len() as u32).to_le_bytes();
        let severity = match bytes == 8 && rest.ends_with(&length) {
            true => Severity::Info,
            false => Severity::Warning,
        };
        let finding = Finding::new("TRAILING_BYTES", severity, text);
        findings.push(finding.with("bytes", bytes as f64));
    }
    Ok((data, turn))
}

impl Structure {
    /// Walks a file.
    pub fn of_file(path: &Path, limits: &Limits) -> Result<Self, Fault> {
        let source = ByteSource::open(path).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidInput => Fault::rejected("NOT_A_FILE", "not a regular file"),
            _ => Fault::from(error),
        })?;
        Self::of_source(source, limits)
    }

    /// Walks bytes.
    pub fn of_source(source: ByteSource, limits: &Limits) -> Result<Self, Fault> {
        let mut findings = Vec::new();
        let file_bytes = source.len();
        let start = read_start(&source, &mut findings)?;
        let mut syntax = start.syntax;
        let (source, at, turn) = if syntax.deflated {
            let packed = source.read_vec(start.data_set, source.len() - start.data_set)?;
            let (data, turn) = inflate_data_set(&packed, limits.inflated_bytes, &mut findings)?;
            (ByteSource::Memory(Arc::new(data)), 0, turn)
        } else {
            (source, start.data_set, None)
        };
        let mut encoding = syntax.encoding;
        if let Some(found) = recognise(&source, at)?
            && found != encoding
        {
            if start.declared {
                let text = format!(
                    "the data set is not written as its transfer syntax {} says; read as {}",
                    syntax.uid,
                    found.uid()
                );
                findings.push(Finding::new("SYNTAX_MISMATCH", Severity::Warning, text));
            } else {
                syntax = syntax::find(found.uid()).unwrap_or(syntax);
            }
            encoding = found;
        }
        let mut walk = Walk::new(&source, encoding, limits);
        walk.findings = findings;
        walk.run(at, syntax.packing)?;
        let Walk {
            mut elements,
            pixels,
            findings,
            ..
        } = walk;
        if !elements.is_sorted_by_key(|e| key(e.tag)) {
            elements.sort_by_key(|e| key(e.tag));
        }
        Ok(Self {
            syntax,
            encoding,
            media_class: start.media_class,
            file_bytes,
            source,
            elements,
            pixels,
            findings,
            limits: *limits,
            turn,
        })
    }

    /// Where the items of a sequence begin.
    ///
    /// # Errors
    /// Those of the walk, which were met before if at all.
    pub(super) fn item_offsets(&self, sequence: &Element) -> Result<Vec<u64>, Fault> {
        let mut walk = Walk::new(&self.source, self.encoding, &self.limits);
        walk.marks = Some(Vec::new());
        walk.sequence(sequence)?;
        Ok(walk.marks.unwrap_or_default())
    }

    /// The element with this tag.
    pub fn element(&self, tag: Tag) -> Option<&Element> {
        let place = self
            .elements
            .binary_search_by_key(&key(tag), |e| key(e.tag));
        self.elements.get(place.ok()?)
    }

    /// The value of a short element as ASCII text, trimmed; empty when absent or long.
    pub fn ascii(&self, tag: Tag) -> String {
        let Some(element) = self.element(tag) else {
            return String::new();
        };
        let length = element.end - element.value;
        if length > 4096 {
            return String::new();
        }
        let bytes = self.source.read_vec(element.value, length);
        ascii_text(&bytes.unwrap_or_default())
    }
}

/// Whether an element belongs into the header that is read, and what it may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// It is left out.
    No,
    /// A short value.
    Text,
    /// A sequence or a table.
    Large,
}

fn ascii_text(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.trim_matches(|c: char| c == '\0' || c.is_whitespace())
        .to_owned()
}

/// What stands before the data set.
struct Start {
    syntax: &'static Syntax,
    declared: bool,
    media_class: String,
    data_set: u64,
}

fn read_start(source: &ByteSource, findings: &mut Vec<Finding>) -> Result<Start, Fault> {
    let mut window = Window::new(source);
    if source.is_empty() {
        return Err(Fault::rejected("EMPTY_FILE", "the file is empty"));
    }
    let marked = window.array::<4>(128)? == Some(*b"DICM");
    let at = if marked {
        check_preamble(&mut window, findings)?;
        132
    } else if window.array::<4>(0)? == Some(*b"DICM") {
        findings.push(Finding::new(
            "NO_PREAMBLE",
            Severity::Warning,
            "the 128-byte preamble is missing",
        ));
        4
    } else {
        0
    };
    let first = window.array::<6>(at)?;
    if let Some([2, 0, _, 0, a, b]) = first
        && a.is_ascii_uppercase()
        && b.is_ascii_uppercase()
    {
        return read_meta(&mut window, at, at == 0, findings);
    }
    if recognise(source, at)?.is_none() {
        return Err(not_dicom(&mut window, at)?);
    }
    findings.push(Finding::new(
        "NO_META_HEADER",
        Severity::Warning,
        "the file has no meta header; the transfer syntax was recognised from the data",
    ));
    Ok(Start {
        syntax: &syntax::IMPLICIT_LITTLE_ENDIAN,
        declared: false,
        media_class: String::new(),
        data_set: at,
    })
}

/// A preamble is zero or a TIFF header; anything else may be a program (CVE-2019-11687).
fn check_preamble(window: &mut Window<'_>, findings: &mut Vec<Finding>) -> Result<(), Fault> {
    let preamble = window.get(0, 128)?.unwrap_or_default();
    let tiff = preamble.starts_with(b"II*\0") || preamble.starts_with(b"MM\0*");
    if preamble.iter().any(|b| *b != 0) {
        let text = if tiff {
            "the file is a TIFF picture as well"
        } else {
            "the preamble is not empty; it is ignored and never kept"
        };
        let severity = if tiff {
            Severity::Info
        } else {
            Severity::Warning
        };
        findings.push(Finding::new("PREAMBLE_CONTENT", severity, text));
    }
    Ok(())
}

fn not_dicom(window: &mut Window<'_>, at: u64) -> Result<Fault, Fault> {
    if at > 0 {
        return Ok(Fault::rejected(
            "NO_DATA_SET",
            format!("no DICOM element follows the mark, at byte {at}"),
        ));
    }
    let head = window.get(0, 8)?.unwrap_or_default();
    let kind = if head.starts_with(b"%PDF") {
        "a PDF document"
    } else if head.starts_with(b"PK") {
        "a ZIP archive"
    } else if head.starts_with(&[0x1F, 0x8B]) {
        "a gzip archive"
    } else if !head.is_empty()
        && head
            .iter()
            .all(|b| b.is_ascii_graphic() || b.is_ascii_whitespace())
    {
        "text"
    } else {
        "not DICOM"
    };
    let text = if kind == "not DICOM" {
        "neither a DICOM mark nor a DICOM element at its beginning".to_owned()
    } else {
        format!("the file is {kind}, not DICOM")
    };
    Ok(Fault::rejected("NOT_DICOM", text))
}

/// The meta header (PS3.10 section 7.1): explicit little endian, group 0002.
fn read_meta(
    window: &mut Window<'_>,
    start: u64,
    bare: bool,
    findings: &mut Vec<Finding>,
) -> Result<Start, Fault> {
    if bare {
        findings.push(Finding::new(
            "NO_PREAMBLE",
            Severity::Warning,
            "the 128-byte preamble is missing",
        ));
    }
    let mut at = start;
    let (mut uid, mut media_class) = (None, String::new());
    let mut declared_end = None;
    let mut count = 0;
    while let Some([2, 0, e0, e1]) = window.array::<4>(at)? {
        let tag = Tag(2, u16::from_le_bytes([e0, e1]));
        count += 1;
        if count > 256 {
            return Err(Fault::limit(
                "ELEMENTS",
                tag,
                at,
                "more elements than are read",
            ));
        }
        let header = read_header(window, Encoding::EXPLICIT, at, tag)?;
        if header.length == UNDEFINED {
            return Err(Fault::at(
                "LEN_UNDEFINED",
                tag,
                at,
                "a meta element of undefined length",
            ));
        }
        let length = usize::try_from(header.length).unwrap_or(usize::MAX);
        let end = header.value + u64::from(header.length);
        let short = length <= 4096;
        let value = match short {
            true => window.get(header.value, length)?,
            false => window.get(end.saturating_sub(1), 1)?,
        };
        let Some(value) = value else {
            return Err(Fault::at(
                "LEN_PAST_END",
                tag,
                at,
                "a length past the end of the file",
            ));
        };
        match tag.1 {
            0x0000 => {
                if let Ok(bytes) = <[u8; 4]>::try_from(value) {
                    declared_end = Some(end + u64::from(u32::from_le_bytes(bytes)));
                }
            }
            0x0002 => media_class = ascii_text(value),
            0x0010 if short => uid = Some(ascii_text(value)),
            _ => {}
        }
        at = end;
    }
    if declared_end.is_some_and(|end| end != at) {
        findings.push(Finding::new(
            "META_LENGTH",
            Severity::Warning,
            "the length of the meta header is wrong; its elements were counted instead",
        ));
    }
    let Some(uid) = uid.filter(|u| !u.is_empty()) else {
        return Err(Fault::rejected(
            "NO_TRANSFER_SYNTAX",
            "the meta header names no transfer syntax (0002,0010)",
        ));
    };
    let well_formed = uid.len() <= 64 && uid.chars().all(|c| c.is_ascii_digit() || c == '.');
    if !well_formed {
        return Err(Fault::rejected(
            "BAD_UID",
            "the transfer syntax (0002,0010) is not a UID",
        ));
    }
    let Some(syntax) = syntax::find(&uid) else {
        return Err(Fault::unsupported(
            "UNKNOWN_SYNTAX",
            format!("the transfer syntax {uid} is not known"),
        ));
    };
    Ok(Start {
        syntax,
        declared: true,
        media_class,
        data_set: at,
    })
}

/// Recognises how a data set is written from its first element; `None` when it does not look like one.
///
/// The first element of a real data set lies in a low group, so its first bytes tell the byte order.
fn recognise(source: &ByteSource, at: u64) -> Result<Option<Encoding>, Fault> {
    let mut window = Window::new(source);
    let Some([g0, g1, e0, e1, a, b, c, d]) = window.array::<8>(at)? else {
        return Ok(None);
    };
    // Groups of first elements: 0000 to 0028. One of the two bytes is zero, which tells the byte order.
    let low = |byte: u8| (1..=0x28).contains(&byte);
    let vr = known_vr([a, b]);
    if g0 == 0 && low(g1) {
        return Ok(vr.then_some(Encoding::BIG_ENDIAN));
    }
    let zero_element = g0 == 0 && [e0, e1] == [0, 0] && [a, b, c, d] == [0; 4];
    if g1 != 0 || !(low(g0) || g0 == 0) || zero_element {
        return Ok(None);
    }
    if vr {
        return Ok(Some(Encoding::EXPLICIT));
    }
    let length = u64::from(u32::from_le_bytes([a, b, c, d]));
    let fits = length == u64::from(UNDEFINED) || at + 8 + length <= source.len();
    Ok(fits.then_some(Encoding::IMPLICIT))
}
