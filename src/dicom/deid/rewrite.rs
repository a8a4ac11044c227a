//! One data set anew: every element of it, at any depth, is decided by the table, the options and what it holds.
//!
//! Must stay true: nothing goes out that was not decided; no recursion follows the depth of the input; an element that
//! stays is copied to the byte; what is larger than a page of values is copied from file to file and never held.

use super::{
    Change, Deidentifier, Detail,
    emit::{Sink, Writer},
    options::{DeidOption, DeidOptions},
    stand_in,
    table::{Basic, Mark, Need, Row},
    value::{self, Identity, REMOVED},
};
use crate::dicom::{
    bytes::{ByteSource, Window},
    guard::{Element, Fault, Structure, dictionary_vr, items_of, key},
    syntax::Encoding,
};
use dicom_object::Tag;
use std::{collections::BTreeMap, vec::IntoIter};

/// Values up to this length are held, and can be cleaned.
const HELD: u64 = 256 << 10;

/// What the sequence around asks of what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// The table alone.
    Plain,
    /// Descriptions are cleaned.
    Descriptions,
    /// A tree of content: texts are cleaned, codes stay.
    Content,
    /// References to other objects: their UIDs and numbers, and nothing that was written about them.
    References,
}

/// Where an element is.
#[derive(Clone, Copy)]
struct Inside {
    /// The sequence around it, 0 at the top.
    above: u32,
    mode: Mode,
}

/// What happens to an element.
enum Act {
    Keep,
    /// It goes; how, and why.
    Drop(&'static str, &'static str),
    /// Another value.
    Put(Vec<u8>, &'static str, &'static str),
    /// A sequence goes on with its items.
    Into(Mode),
    /// A sequence with an item that says nothing.
    StandIn(&'static str),
}

enum Frame {
    Item {
        elements: IntoIter<Element>,
        writer: Writer,
        inside: Inside,
        /// Blocks of private elements of which something stays, and who reserved them.
        blocks: BTreeMap<(u16, u8), String>,
        /// Its place among its siblings; none at the top.
        number: Option<usize>,
    },
    Sequence {
        items: IntoIter<Vec<Element>>,
        writer: Writer,
        inside: Inside,
        tag: Tag,
        next: usize,
    },
}

/// One object that is being written anew.
pub(super) struct Rewrite<'a> {
    pub(super) job: &'a Deidentifier,
    pub(super) structure: &'a Structure,
    pub(super) source: &'a ByteSource,
    pub(super) window: Window<'a>,
    pub(super) class: String,
    pub(super) pseudonym: String,
    pub(super) days: i64,
    pub(super) who: Identity,
    pub(super) sink: Sink,
    pub(super) changes: Vec<Change>,
    /// Whole elements of the top level that take the place of what is there, or are added.
    pub(super) set: BTreeMap<u32, Vec<u8>>,
    path: Vec<(Tag, usize)>,
}

impl<'a> Rewrite<'a> {
    pub(super) fn new(job: &'a Deidentifier, structure: &'a Structure) -> Self {
        Self {
            job,
            structure,
            source: &structure.source,
            window: Window::new(&structure.source),
            class: String::new(),
            pseudonym: String::new(),
            days: 0,
            who: Identity::default(),
            sink: Sink::default(),
            changes: Vec::new(),
            set: BTreeMap::new(),
            path: Vec::new(),
        }
    }

    /// Writes all elements before the pixels.
    pub(super) fn run(&mut self) -> Result<(), Fault> {
        let top = Inside {
            above: 0,
            mode: Mode::Plain,
        };
        let writer = Writer(self.structure.encoding);
        let mut stack = vec![self.item(self.structure.elements.clone(), writer, top, None)?];
        let mut waiting = std::mem::take(&mut self.set).into_iter().peekable();
        while let Some(frame) = stack.last_mut() {
            match frame {
                Frame::Item {
                    elements,
                    writer,
                    inside,
                    blocks,
                    number,
                } => {
                    let (writer, inside, at_top) = (*writer, *inside, number.is_none());
                    let Some(element) = elements.next() else {
                        if !at_top {
                            writer.close_item(&mut self.sink.open);
                            self.path.pop();
                        }
                        stack.pop();
                        continue;
                    };
                    if at_top {
                        let tag = key(element.tag);
                        while let Some((_, bytes)) = waiting.next_if(|(other, _)| *other < tag) {
                            self.sink.open.extend(bytes);
                        }
                        if let Some((_, bytes)) = waiting.next_if(|(other, _)| *other == tag) {
                            self.note(&element, "D", "profile")?;
                            self.sink.open.extend(bytes);
                            continue;
                        }
                    }
                    let vr = self.vr(&element);
                    let act = self.decide(&element, vr, inside, blocks)?;
                    if let Some(next) = self.carry_out(&element, vr, writer, inside, act)? {
                        stack.push(next);
                    }
                }
                Frame::Sequence {
                    items,
                    writer,
                    inside,
                    tag,
                    next,
                } => {
                    let (writer, inside, tag) = (*writer, *inside, *tag);
                    let Some(elements) = items.next() else {
                        writer.close_sequence(&mut self.sink.open);
                        stack.pop();
                        continue;
                    };
                    let number = *next;
                    *next += 1;
                    self.path.push((tag, number));
                    writer.open_item(&mut self.sink.open);
                    let item = self.item(elements, writer, inside, Some(number))?;
                    stack.push(item);
                }
            }
        }
        for (_, bytes) in waiting {
            self.sink.open.extend(bytes);
        }
        Ok(())
    }

    fn item(
        &mut self,
        elements: Vec<Element>,
        writer: Writer,
        inside: Inside,
        number: Option<usize>,
    ) -> Result<Frame, Fault> {
        let blocks = match self.job.options.has(DeidOption::RetainSafePrivate) {
            true => self.safe_blocks(&elements)?,
            false => BTreeMap::new(),
        };
        Ok(Frame::Item {
            elements: elements.into_iter(),
            writer,
            inside,
            blocks,
            number,
        })
    }

    /// Blocks that hold something that is known to be safe (PS3.15 E.3.10).
    fn safe_blocks(&mut self, elements: &[Element]) -> Result<BTreeMap<(u16, u8), String>, Fault> {
        let mut creators = BTreeMap::new();
        let mut kept = BTreeMap::new();
        for element in elements.iter().filter(|e| e.tag.0 % 2 == 1) {
            let Tag(group, number) = element.tag;
            let [block, low] = number.to_be_bytes();
            if block == 0 && low >= 0x10 {
                let value = self.held(element)?.unwrap_or_default();
                let name = String::from_utf8_lossy(&value).trim().to_owned();
                creators.insert((group, low), name);
            } else if let Some(name) = creators.get(&(group, block))
                && self.job.table.is_safe(name, group, low)
            {
                kept.insert((group, block), name.clone());
            }
        }
        Ok(kept)
    }

    /// The VR that counts: as written, else by the dictionary, else by the table.
    fn vr(&self, element: &Element) -> [u8; 2] {
        if &element.vr != b"UN" {
            return element.vr;
        }
        if element.sequence.is_some() {
            return *b"SQ";
        }
        match &dictionary_vr(element.tag) {
            b"UN" => self
                .job
                .table
                .row(key(element.tag))
                .map_or(*b"UN", |r| r.vr),
            known => *known,
        }
    }

    /// The value of an element that is short enough to be held.
    fn held(&mut self, element: &Element) -> Result<Option<Vec<u8>>, Fault> {
        let length = element.end - element.value;
        if length > HELD {
            return Ok(None);
        }
        if length <= 4096 {
            let bytes = self.window.get(element.value, length as usize)?;
            return Ok(bytes.map(<[u8]>::to_vec));
        }
        Ok(Some(self.source.read_vec(element.value, length)?))
    }

    fn decide(
        &mut self,
        element: &Element,
        vr: [u8; 2],
        inside: Inside,
        blocks: &BTreeMap<(u16, u8), String>,
    ) -> Result<Act, Fault> {
        let Tag(group, number) = element.tag;
        let options = self.job.options;
        // Group lengths are not written any more (PS3.5 section 7.2); group 0000 is for messages.
        if number == 0 || group == 0 {
            return Ok(Act::Drop("", ""));
        }
        if group % 2 == 1 {
            return self.private(element, vr, inside, blocks);
        }
        if matches!(group >> 8, 0x50 | 0x60) {
            return self.drawn(element, vr);
        }
        if let Some(row) = self.job.table.row(key(element.tag)).copied() {
            return self.listed(element, vr, inside, &row, options);
        }
        self.unlisted(element, vr, inside, options)
    }

    fn private(
        &mut self,
        element: &Element,
        vr: [u8; 2],
        inside: Inside,
        blocks: &BTreeMap<(u16, u8), String>,
    ) -> Result<Act, Fault> {
        let Tag(group, number) = element.tag;
        let [block, low] = number.to_be_bytes();
        if block == 0 && blocks.contains_key(&(group, low)) {
            return Ok(Act::Keep);
        }
        let safe = blocks
            .get(&(group, block))
            .is_some_and(|creator| self.job.table.is_safe(creator, group, low));
        if !safe {
            return Ok(Act::Drop("X", "private"));
        }
        if element.sequence.is_some() {
            return Ok(Act::Into(inside.mode));
        }
        let names = match self.held(element)? {
            // Where the VR is not known the value may be text.
            Some(bytes) if value::is_text(vr) || matches!(&vr, b"CS" | b"UN") => {
                self.who.is_in(&bytes)
            }
            Some(_) => false,
            None => true,
        };
        Ok(match names {
            true => Act::Drop("X", "identity"),
            false => Act::Keep,
        })
    }

    /// Curves and overlays (PS3.15 E.3.3). Without its data an overlay says nothing, so all of it goes.
    fn drawn(&mut self, element: &Element, vr: [u8; 2]) -> Result<Act, Fault> {
        let embedded = element.tag.0 >> 8 == 0x60
            && self.structure.element(Tag(element.tag.0, 0x3000)).is_none();
        if !self.job.options.has(DeidOption::CleanGraphics)
            || embedded
            || self.written_overlay(element.tag.0)?
            || &vr == b"SQ"
        {
            return Ok(Act::Drop("X", "profile"));
        }
        if value::is_text(vr) {
            return self.cleaned(element, vr, Act::Drop("X", "clean-graphics"));
        }
        Ok(Act::Keep)
    }

    /// Whether the picture of an overlay holds text, or cannot be looked at.
    fn written_overlay(&mut self, group: u16) -> Result<bool, Fault> {
        let number = |tag: Tag| {
            let element = self.structure.element(tag)?;
            let bytes = self.source.read_vec(element.value, 2).ok()?;
            Some(usize::from(
                self.structure.encoding.u16(bytes.try_into().ok()?),
            ))
        };
        let size = (number(Tag(group, 0x0010)), number(Tag(group, 0x0011)));
        let data = self.structure.element(Tag(group, 0x3000)).copied();
        let (Some(data), (Some(rows), Some(columns))) = (data, size) else {
            return Ok(group >> 8 == 0x60);
        };
        let Some(bits) = self.held(&data)?.filter(|b| b.len() * 8 >= rows * columns) else {
            return Ok(true);
        };
        let bit = |i: usize| bits.get(i / 8).is_some_and(|b| b >> (i % 8) & 1 == 1);
        let grey: Vec<u8> = (0..rows * columns)
            .map(|i| u8::from(bit(i)) * 255)
            .collect();
        Ok(!crate::imaging::glyphs::find_text(&grey, columns, rows).is_empty())
    }

    fn listed(
        &mut self,
        element: &Element,
        vr: [u8; 2],
        inside: Inside,
        row: &Row,
        options: DeidOptions,
    ) -> Result<Act, Fault> {
        if matches!(element.tag, Tag(0x0010, 0x0010) | Tag(0x0010, 0x0020)) {
            let pseudonym = self.pseudonym.clone().into_bytes();
            return Ok(Act::Put(pseudonym, "D", "profile"));
        }
        let Some((mark, option)) = options.of_row(row) else {
            return self.basic(element, vr, inside, row.basic);
        };
        let why = option.word();
        match mark {
            Mark::Keep if &vr == b"SQ" => Ok(Act::Into(inside.mode)),
            Mark::Keep if &vr == b"AS" => Ok(match self.held(element)? {
                Some(old) => {
                    let new = value::age(&old);
                    match new == old {
                        true => Act::Keep,
                        false => Act::Put(new, "C", why),
                    }
                }
                None => Act::Drop("X", "profile"),
            }),
            Mark::Keep => Ok(Act::Keep),
            Mark::Clean if &vr == b"SQ" => Ok(Act::Into(match option {
                DeidOption::CleanStructuredContent => Mode::Content,
                _ => Mode::Descriptions,
            })),
            Mark::Clean => {
                let else_ = self.basic(element, vr, inside, row.basic)?;
                if option == DeidOption::RetainModifiedDates {
                    return self.shifted(element, vr, else_);
                }
                match &vr {
                    b"CS" | b"DS" | b"IS" | b"US" | b"SS" | b"UL" | b"SL" | b"FL" | b"FD" => {
                        Ok(Act::Keep)
                    }
                    _ if value::is_text(vr) => self.cleaned(element, vr, else_),
                    _ => Ok(else_),
                }
            }
        }
    }

    fn basic(
        &mut self,
        element: &Element,
        vr: [u8; 2],
        inside: Inside,
        basic: Basic,
    ) -> Result<Act, Fault> {
        let need = || {
            let table = &self.job.table;
            table.need(key(element.tag), inside.above, &self.class)
        };
        let simple = match basic {
            Basic::Remove | Basic::Empty | Basic::Dummy | Basic::Uid => basic,
            Basic::RemoveOrEmpty => match need() {
                Need::None => Basic::Remove,
                _ => Basic::Empty,
            },
            Basic::RemoveOrDummy => match need() {
                Need::None => Basic::Remove,
                _ => Basic::Dummy,
            },
            Basic::EmptyOrDummy => match need() {
                Need::Value | Need::Unknown => Basic::Dummy,
                _ => Basic::Empty,
            },
            Basic::RemoveEmptyOrDummy => match need() {
                Need::None => Basic::Remove,
                Need::Element => Basic::Empty,
                _ => Basic::Dummy,
            },
            Basic::RemoveEmptyOrUids => match need() {
                Need::None => Basic::Remove,
                Need::Element => Basic::Empty,
                _ => Basic::Uid,
            },
        };
        Ok(match simple {
            Basic::Remove => Act::Drop("X", "profile"),
            Basic::Empty => Act::Put(Vec::new(), "Z", "profile"),
            Basic::Uid if &vr == b"SQ" => Act::Into(Mode::References),
            Basic::Uid => self.uids(element)?,
            // A dummy of a UID is a UID in the place of another.
            _ if &vr == b"UI" => self.uids(element)?,
            _ if element.tag == Tag(0x0042, 0x0011) => {
                let kind = self.text_of(Tag(0x0042, 0x0012));
                Act::Put(stand_in::document(&kind), "D", "profile")
            }
            _ => match value::dummy(vr) {
                Some(value) => Act::Put(value, "D", "profile"),
                None => Act::StandIn("profile"),
            },
        })
    }

    /// UIDs of instances in the place of others; those of the standard itself stay.
    fn uids(&mut self, element: &Element) -> Result<Act, Fault> {
        let Some(bytes) = self.held(element)? else {
            return Ok(Act::Put(Vec::new(), "Z", "profile"));
        };
        let text = String::from_utf8_lossy(&bytes);
        let new: Vec<String> = text.split('\\').map(|uid| self.job.uid(uid)).collect();
        Ok(Act::Put(new.join("\\").into_bytes(), "U", "profile"))
    }

    fn shifted(&mut self, element: &Element, vr: [u8; 2], else_: Act) -> Result<Act, Fault> {
        let why = DeidOption::RetainModifiedDates.word();
        let date = matches!(&vr, b"DA" | b"DT" | b"TM");
        let held = self.held(element)?.filter(|_| date);
        let moved = held.and_then(|bytes| value::shift(vr, &bytes, self.days));
        Ok(match moved {
            Some(value) => Act::Put(value, "C", why),
            None => else_,
        })
    }

    /// What may stay of a text; what happens to the element when nothing may.
    fn cleaned(&mut self, element: &Element, vr: [u8; 2], else_: Act) -> Result<Act, Fault> {
        let Some(bytes) = self.held(element)?.filter(|_| &vr != b"PN") else {
            return Ok(else_);
        };
        let text = self.job.words.clean(&bytes, &self.who);
        let text = match value::is_several(vr) {
            true => text,
            false => text.replace('\\', "/"),
        };
        Ok(match text.is_empty() {
            true => else_,
            false => Act::Put(text.into_bytes(), "C", "clean"),
        })
    }

    /// An attribute that the table does not name stays, unless it holds what the table takes elsewhere.
    fn unlisted(
        &mut self,
        element: &Element,
        vr: [u8; 2],
        inside: Inside,
        options: DeidOptions,
    ) -> Result<Act, Fault> {
        if inside.mode == Mode::References {
            let purpose = element.tag == Tag(0x0040, 0xA170);
            return Ok(match &vr {
                b"SQ" if purpose => Act::Into(Mode::Plain),
                b"UI" | b"IS" | b"US" | b"UL" => Act::Keep,
                _ => Act::Drop("X", "profile"),
            });
        }
        // What the dictionary does not know nobody has judged, nor a text where the standard has none.
        let known = dictionary_vr(element.tag);
        if &known == b"UN" || value::is_text(vr) && !value::is_text(known) {
            return Ok(Act::Drop("X", "unknown"));
        }
        match &vr {
            b"SQ" => return Ok(Act::Into(inside.mode)),
            b"PN" => return Ok(Act::Drop("X", "name")),
            b"DA" | b"DT" if !options.has(DeidOption::RetainFullDates) => {
                let dummy = value::dummy(vr).unwrap_or_default();
                let else_ = Act::Put(dummy, "D", "date");
                return match options.has(DeidOption::RetainModifiedDates) {
                    true => self.shifted(element, vr, else_),
                    false => Ok(else_),
                };
            }
            _ => {}
        }
        if !value::is_text(vr) {
            return Ok(Act::Keep);
        }
        let code = matches!(
            element.tag,
            Tag(0x0008, 0x0100 | 0x0102 | 0x0103 | 0x0104 | 0x0119 | 0x0120)
        );
        if inside.mode != Mode::Plain && !code {
            let else_ = Act::Put(REMOVED.as_bytes().to_vec(), "D", "clean");
            return self.cleaned(element, vr, else_);
        }
        let names = match self.held(element)? {
            Some(bytes) => self.who.is_in(&bytes),
            None => self.is_in_long(element)?,
        };
        Ok(match names {
            true => Act::Put(REMOVED.as_bytes().to_vec(), "D", "identity"),
            false => Act::Keep,
        })
    }

    /// Looks through a long text stretch by stretch.
    fn is_in_long(&mut self, element: &Element) -> Result<bool, Fault> {
        const STRETCH: u64 = 64 << 10;
        // Words that lie over the edge of two stretches are seen by their overlap.
        const OVERLAP: u64 = 256;
        let mut at = element.value;
        while at < element.end {
            let length = STRETCH.min(element.end - at);
            if self.who.is_in(&self.source.read_vec(at, length)?) {
                return Ok(true);
            }
            at += if length > OVERLAP {
                length - OVERLAP
            } else {
                length
            };
            if length < STRETCH {
                break;
            }
        }
        Ok(false)
    }

    /// Carries out what was decided; a sequence gives the next frame.
    fn carry_out(
        &mut self,
        element: &Element,
        vr: [u8; 2],
        writer: Writer,
        inside: Inside,
        act: Act,
    ) -> Result<Option<Frame>, Fault> {
        match act {
            Act::Keep => self.keep(element)?,
            Act::Drop(code, why) => {
                if !code.is_empty() {
                    self.note(element, code, why)?;
                }
            }
            Act::Put(value, code, why) => {
                if !self.is_same(element, &value)? {
                    self.note(element, code, why)?;
                }
                writer.put(&mut self.sink.open, element.tag, vr, &value);
            }
            Act::StandIn(why) => {
                self.note(element, "D", why)?;
                let uid = self.job.secret.uid("stand-in");
                stand_in::sequence(writer, &mut self.sink.open, element.tag, &uid);
            }
            Act::Into(mode) => {
                // Unknown values are implicit little endian (PS3.5 section 6.2.2).
                let encoding = element.sequence.unwrap_or(Encoding::IMPLICIT);
                let limits = &self.structure.limits;
                let range = element.value..element.end;
                let items = items_of(self.source, encoding, limits, range);
                if items.is_empty() && element.end - element.value > 8 {
                    self.note(element, "X", "unreadable")?;
                    return Ok(None);
                }
                writer.open_sequence(&mut self.sink.open, element.tag, element.vr);
                return Ok(Some(Frame::Sequence {
                    items: items.into_iter(),
                    writer: Writer(encoding),
                    inside: Inside {
                        above: key(element.tag),
                        mode: match inside.mode {
                            Mode::Plain | Mode::References => mode,
                            kept => kept,
                        },
                    },
                    tag: element.tag,
                    next: 0,
                }));
            }
        }
        Ok(None)
    }

    fn keep(&mut self, element: &Element) -> Result<(), Fault> {
        let length = element.end - element.start;
        if length <= 4096 {
            let bytes = self.window.get(element.start, length as usize)?;
            let bytes = bytes.ok_or_else(|| {
                Fault::from(std::io::Error::from(std::io::ErrorKind::UnexpectedEof))
            })?;
            self.sink.open.extend_from_slice(bytes);
        } else if length <= HELD {
            let bytes = self.source.read_vec(element.start, length)?;
            self.sink.open.extend(bytes);
        } else {
            self.sink.copy(element.start, length);
        }
        Ok(())
    }

    fn is_same(&mut self, element: &Element, value: &[u8]) -> Result<bool, Fault> {
        let length = element.end - element.value;
        if length > value.len() as u64 + 1 {
            return Ok(false);
        }
        let old = self.held(element)?.unwrap_or_default();
        let trim = |bytes: &[u8]| {
            let end = bytes.iter().rposition(|b| !matches!(b, 0 | b' '));
            bytes.get(..end.map_or(0, |e| e + 1)).map(<[u8]>::to_vec)
        };
        Ok(trim(&old) == trim(value))
    }

    /// Notes a change, where a report is asked for.
    fn note(
        &mut self,
        element: &Element,
        code: &'static str,
        why: &'static str,
    ) -> Result<(), Fault> {
        if self.job.detail == Detail::None {
            return Ok(());
        }
        let old = match self.job.detail {
            Detail::Values if element.sequence.is_none() => self.held(element)?,
            _ => None,
        };
        self.changes.push(Change {
            path: self.path.clone(),
            tag: element.tag,
            code,
            why,
            old: old.map(|bytes| {
                let text = String::from_utf8_lossy(&bytes);
                text.trim_end_matches(['\0', ' '])
                    .chars()
                    .take(1024)
                    .collect()
            }),
        });
        Ok(())
    }

    /// A short text of the top level.
    pub(super) fn text_of(&mut self, tag: Tag) -> String {
        let element = self.structure.element(tag).copied();
        let bytes = element.and_then(|e| self.held(&e).ok().flatten());
        let text = String::from_utf8_lossy(bytes.as_deref().unwrap_or_default()).into_owned();
        text.trim_matches(['\0', ' ']).to_owned()
    }

    /// The bytes of a short value of the top level.
    pub(super) fn bytes_of(&mut self, tag: Tag) -> Vec<u8> {
        let element = self.structure.element(tag).copied();
        let bytes = element.and_then(|e| self.held(&e).ok().flatten());
        bytes.unwrap_or_default()
    }
}
