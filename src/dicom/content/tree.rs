//! A data set as a flat list of its elements, sequences included, over bytes that the guard has walked.
//!
//! Must stay true: one loop with a stack of its own, never a recursion; an entry costs a few bytes and no value is read
//! before it is asked for; every length is checked again, since a file may change between two looks. Text is decoded by
//! the character sets of the item it stands in (PS3.5 section 7.5.3).

use crate::dicom::{
    bytes::Window,
    charset::{CharacterSets, Problem, TextKind},
    elements::parse_decimal,
    guard::{Element, Fault, ITEM, Structure, UNDEFINED, dictionary_vr, read_header, tag_of},
    syntax::Encoding,
};
use crate::model::identity::PersonName;
use dicom_dictionary_std::tags;
use dicom_object::Tag;
use std::cell::RefCell;

/// Most character sets that the items of one object may declare; those behind follow what is around them.
const MOST_SETS: usize = 64;

/// Values up to so many bytes are read together with their neighbours.
const SHORT: u64 = 4096;

/// One element, or one item of a sequence (then its tag is that of an item).
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) tag: Tag,
    /// Its VR; that of the dictionary where none is written.
    pub(super) vr: [u8; 2],
    /// Character sets in force.
    sets: u8,
    big_endian: bool,
    /// Whether it is a sequence.
    pub(super) sequence: bool,
    value: u64,
    /// Bytes of the value; those of a sequence do not count.
    pub(super) length: u32,
    /// Behind the last entry below it.
    next: u32,
}

/// A data set within the tree: the whole object, or an item.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    from: usize,
    to: usize,
}

/// The elements of an object.
pub(super) struct Tree<'a> {
    structure: &'a Structure,
    entries: Vec<Entry>,
    sets: Vec<CharacterSets>,
    problems: RefCell<Vec<Problem>>,
    /// Short values are read a window at a time.
    window: RefCell<Window<'a>>,
}

/// What an open sequence or item waits for.
struct Open {
    entry: usize,
    end: Option<u64>,
    encoding: Encoding,
    sequence: bool,
    sets: u8,
}

impl<'a> Tree<'a> {
    /// Walks those top-level elements that are wanted.
    ///
    /// # Errors
    /// The file is not any more what the guard has walked.
    pub(super) fn read(
        structure: &'a Structure,
        wanted: impl Fn(&Element) -> bool,
    ) -> Result<Self, Fault> {
        let declared = structure.element(tags::SPECIFIC_CHARACTER_SET);
        let declared = declared.map(|e| (e.value, e.end - e.value));
        let declared = match declared {
            Some((at, length)) if length <= structure.limits.text_bytes => {
                structure.source.read_vec(at, length)?
            }
            _ => Vec::new(),
        };
        let (sets, problems) = CharacterSets::parse(&declared);
        let mut tree = Self {
            structure,
            entries: Vec::new(),
            sets: vec![sets],
            problems: RefCell::new(problems),
            window: RefCell::new(Window::new(&structure.source)),
        };
        let mut window = Window::new(&structure.source);
        for element in structure.elements.iter().filter(|e| wanted(e)) {
            tree.walk(&mut window, element)?;
        }
        Ok(tree)
    }

    fn changed() -> Fault {
        Fault::rejected("FILE_CHANGED", "the file changed while it was read")
    }

    /// Adds one top-level element with all that lies within it.
    fn walk(&mut self, window: &mut Window<'_>, element: &Element) -> Result<(), Fault> {
        let mut at = element.start;
        let mut stack: Vec<Open> = Vec::new();
        loop {
            while stack.last().is_some_and(|open| open.end == Some(at)) {
                self.close(&mut stack);
            }
            if at >= element.end {
                break;
            }
            let (encoding, in_sequence, sets) = match stack.last() {
                Some(open) => (open.encoding, open.sequence, open.sets),
                None => (self.structure.encoding, false, 0),
            };
            let bytes = window.array::<4>(at)?.ok_or_else(Self::changed)?;
            let tag = tag_of(encoding, bytes);
            if tag.0 == 0xFFFE {
                let length = window.array::<4>(at + 4)?.ok_or_else(Self::changed)?;
                let length = encoding.u32(length);
                if tag == ITEM && in_sequence {
                    let end = (length != UNDEFINED).then(|| at + 8 + u64::from(length));
                    if end.is_some_and(|end| end > element.end) {
                        return Err(Self::changed());
                    }
                    let entry = self.add(tag, *b"  ", sets, encoding, at + 8, 0, false)?;
                    stack.push(Open {
                        entry,
                        end,
                        encoding,
                        sequence: false,
                        sets,
                    });
                } else if self.close(&mut stack).is_none() {
                    return Err(Self::changed());
                }
                at += 8;
                continue;
            }
            if in_sequence {
                return Err(Self::changed());
            }
            at = self.element(window, &mut stack, tag, at, element.end, encoding, sets)?;
        }
        // A last sequence without its delimiter ends with the data.
        while self.close(&mut stack).is_some() {}
        Ok(())
    }

    fn close(&mut self, stack: &mut Vec<Open>) -> Option<()> {
        let open = stack.pop()?;
        let next = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        if let Some(entry) = self.entries.get_mut(open.entry) {
            entry.next = next;
        }
        Some(())
    }

    fn element(
        &mut self,
        window: &mut Window<'_>,
        stack: &mut Vec<Open>,
        tag: Tag,
        at: u64,
        stop: u64,
        encoding: Encoding,
        sets: u8,
    ) -> Result<u64, Fault> {
        let header = read_header(window, encoding, at, tag)?;
        let undefined = header.length == UNDEFINED;
        let end = header.value + u64::from(header.length);
        if !undefined && end > stop {
            return Err(Self::changed());
        }
        if undefined && tag == tags::PIXEL_DATA {
            return self.icon(window, tag, header.value, stop, encoding);
        }
        // As the guard tells a sequence: by its VR, by undefined length, and in implicit data sets by its first item.
        let marked = encoding.implicit
            && header.length >= 8
            && tag.0 != 0x7FE0
            && window.array::<4>(header.value)? == Some([0xFE, 0xFF, 0x00, 0xE0]);
        let unknown = &header.vr == b"UN";
        let sequence = &header.vr == b"SQ" || (undefined && unknown) || marked;
        let vr = match (sequence, unknown) {
            (true, _) => *b"SQ",
            (false, true) => dictionary_vr(tag),
            (false, false) => header.vr,
        };
        // The bytes of an unknown value are little endian (PS3.5 section 6.2.2).
        let plain = if unknown && !encoding.implicit {
            Encoding::IMPLICIT
        } else {
            encoding
        };
        let sequence = sequence || &vr == b"SQ" && header.length == 0;
        let length = if sequence { 0 } else { header.length };
        let entry = self.add(tag, vr, sets, plain, header.value, length, sequence)?;
        if sequence && header.length > 0 {
            if stack.len() > 2 * self.structure.limits.nesting {
                return Err(Self::changed());
            }
            stack.push(Open {
                entry,
                end: (!undefined).then_some(end),
                encoding: plain,
                sequence: true,
                sets,
            });
            return Ok(header.value);
        }
        if tag == tags::SPECIFIC_CHARACTER_SET
            && let Some(item) = stack.last_mut()
        {
            item.sets = self.declare(header.value, header.length, item.sets)?;
        }
        Ok(end)
    }

    /// Fragments of a picture within an item are stepped over.
    fn icon(
        &mut self,
        window: &mut Window<'_>,
        tag: Tag,
        mut at: u64,
        stop: u64,
        encoding: Encoding,
    ) -> Result<u64, Fault> {
        self.add(tag, *b"OB", 0, encoding, at, 0, false)?;
        while at < stop {
            let bytes = window.array::<8>(at)?.ok_or_else(Self::changed)?;
            let [a, b, c, d, e, f, g, h] = bytes;
            if tag_of(encoding, [a, b, c, d]) != ITEM {
                return Ok(at + 8);
            }
            at += 8 + u64::from(encoding.u32([e, f, g, h]));
        }
        Err(Self::changed())
    }

    /// The character sets that an item declares.
    fn declare(&mut self, at: u64, length: u32, around: u8) -> Result<u8, Fault> {
        if u64::from(length) > self.structure.limits.text_bytes {
            return Ok(around);
        }
        let value = self.structure.source.read_vec(at, u64::from(length))?;
        let (sets, problems) = CharacterSets::parse(&value);
        self.note(problems);
        let known = self.sets.iter().position(|s| *s == sets);
        let place = known.unwrap_or_else(|| {
            if self.sets.len() < MOST_SETS {
                self.sets.push(sets);
                self.sets.len() - 1
            } else {
                usize::from(around)
            }
        });
        Ok(u8::try_from(place).unwrap_or(around))
    }

    fn add(
        &mut self,
        tag: Tag,
        vr: [u8; 2],
        sets: u8,
        encoding: Encoding,
        value: u64,
        length: u32,
        sequence: bool,
    ) -> Result<usize, Fault> {
        let limits = &self.structure.limits;
        let most = limits.elements as usize + limits.items as usize;
        if self.entries.len() >= most {
            return Err(Self::changed());
        }
        let at = self.entries.len();
        self.entries.push(Entry {
            tag,
            vr,
            sets,
            big_endian: encoding.big_endian,
            sequence,
            value,
            length,
            next: u32::try_from(at + 1).unwrap_or(u32::MAX),
        });
        Ok(at)
    }

    fn note(&self, problems: Vec<Problem>) {
        let mut all = self.problems.borrow_mut();
        for problem in problems {
            if all.len() < 64 && !all.contains(&problem) {
                all.push(problem);
            }
        }
    }

    /// What was wrong with texts so far.
    pub(super) fn problems(&self) -> Vec<Problem> {
        self.problems.borrow().clone()
    }

    /// The whole object.
    pub(super) fn root(&self) -> Item {
        Item {
            from: 0,
            to: self.entries.len(),
        }
    }

    /// The elements of a data set.
    pub(super) fn elements(&self, item: Item) -> impl Iterator<Item = (usize, &Entry)> {
        let mut at = item.from;
        std::iter::from_fn(move || {
            if at >= item.to {
                return None;
            }
            let entry = self.entries.get(at)?;
            let here = at;
            at = (entry.next as usize).max(at + 1);
            Some((here, entry))
        })
    }

    /// All entries in reading order, each with its depth and the place behind what lies below it.
    pub(super) fn rows(&self) -> impl Iterator<Item = (usize, usize, &Entry)> {
        let mut open: Vec<usize> = Vec::new();
        self.entries.iter().enumerate().map(move |(at, entry)| {
            while open.last().is_some_and(|end| *end <= at) {
                open.pop();
            }
            let depth = open.len();
            let end = (entry.next as usize).max(at + 1);
            open.push(end);
            (depth, end, entry)
        })
    }

    /// The first element with this tag.
    pub(super) fn find(&self, item: Item, tag: Tag) -> Option<(usize, &Entry)> {
        self.elements(item).find(|(_, e)| e.tag == tag)
    }

    /// Whether an element is there, with or without a value.
    pub(super) fn has(&self, item: Item, tag: Tag) -> bool {
        self.find(item, tag).is_some()
    }

    /// The items of a sequence that is an entry.
    pub(super) fn items_of(&self, at: usize) -> impl Iterator<Item = Item> {
        let entry = self.entries.get(at);
        let end = match entry {
            Some(entry) if entry.sequence => entry.next as usize,
            _ => at + 1,
        };
        let inside = Item {
            from: at + 1,
            to: end,
        };
        self.elements(inside).map(|(at, entry)| Item {
            from: at + 1,
            to: entry.next as usize,
        })
    }

    /// The items of a sequence.
    pub(super) fn items(&self, item: Item, tag: Tag) -> impl Iterator<Item = Item> {
        let found = self.find(item, tag).map(|(at, _)| at);
        found.into_iter().flat_map(|at| self.items_of(at))
    }

    /// The first item of a sequence.
    pub(super) fn first(&self, item: Item, tag: Tag) -> Option<Item> {
        self.items(item, tag).next()
    }

    /// The value of an element, as far as texts may be long; and whether that is all of it.
    pub(super) fn bytes(&self, entry: &Entry) -> (Vec<u8>, bool) {
        let whole = u64::from(entry.length);
        let length = whole.min(self.structure.limits.text_bytes);
        if length <= SHORT {
            let mut window = self.window.borrow_mut();
            let held = window.get(entry.value, length as usize);
            let held = held.ok().flatten().map(<[u8]>::to_vec);
            return (held.unwrap_or_default(), length == whole);
        }
        let read = self.structure.source.read_vec(entry.value, length);
        (read.unwrap_or_default(), length == whole)
    }

    /// Text of an element in Unicode; what is too long ends with an ellipsis.
    pub(super) fn text_of(&self, entry: &Entry) -> String {
        let kind = match &entry.vr {
            b"PN" => TextKind::PersonName,
            b"ST" | b"LT" | b"UT" => TextKind::Long,
            b"SH" | b"LO" | b"UC" => TextKind::Short,
            _ => {
                let (bytes, _) = self.bytes(entry);
                return plain(&bytes);
            }
        };
        let (bytes, all) = self.bytes(entry);
        let sets = self.sets.get(usize::from(entry.sets));
        let Some(sets) = sets.or(self.sets.first()) else {
            return String::new();
        };
        let decoded = sets.decode(&bytes, kind);
        // Lines end with CR LF in the standard (PS3.5 section 6.2), and with either in objects.
        let text = decoded.text.replace("\r\n", "\n").replace('\r', "\n");
        if all {
            self.note(decoded.problems);
            return text.trim().to_owned();
        }
        // The cut may lie within a character.
        let kept = text.trim_end_matches('\u{FFFD}');
        format!("{}…", kept.trim())
    }

    /// Text of an attribute; empty when it is not there.
    pub(super) fn text(&self, item: Item, tag: Tag) -> String {
        self.find(item, tag)
            .map_or_else(String::new, |(_, e)| self.text_of(e))
    }

    /// The first name of an element.
    pub(super) fn name_of(&self, entry: &Entry) -> PersonName {
        let (bytes, _) = self.bytes(entry);
        let sets = self.sets.get(usize::from(entry.sets));
        let Some(sets) = sets.or(self.sets.first()) else {
            return PersonName::default();
        };
        let mut names = sets.decode_names(&bytes);
        if names.is_empty() {
            return PersonName::default();
        }
        let name = names.swap_remove(0);
        let parsed = name.groups_by_name();
        self.note(name.problems);
        parsed
    }

    /// Finite numbers of an element, at most so many; none when one of them is no number.
    pub(super) fn numbers_of(&self, entry: &Entry, most: usize) -> Vec<f64> {
        let (bytes, _) = self.bytes(entry);
        let big = entry.big_endian;
        let values: Vec<f64> = match &entry.vr {
            b"US" | b"OW" => each(&bytes, big, most, |b| f64::from(u16::from_le_bytes(b))),
            b"SS" => each(&bytes, big, most, |b| f64::from(i16::from_le_bytes(b))),
            b"UL" | b"OL" => each(&bytes, big, most, |b| f64::from(u32::from_le_bytes(b))),
            b"SL" => each(&bytes, big, most, |b| f64::from(i32::from_le_bytes(b))),
            b"FL" | b"OF" => each(&bytes, big, most, |b| f64::from(f32::from_le_bytes(b))),
            b"FD" | b"OD" => each(&bytes, big, most, f64::from_le_bytes),
            b"UV" | b"OV" => each(&bytes, big, most, |b| u64::from_le_bytes(b) as f64),
            b"SV" => each(&bytes, big, most, |b| i64::from_le_bytes(b) as f64),
            b"DS" | b"IS" | b"LO" | b"SH" | b"UT" | b"LT" | b"ST" | b"CS" => {
                let text = plain(&bytes);
                let parts = text.split('\\').take(most);
                let parsed: Option<Vec<f64>> = parts.map(parse_decimal).collect();
                parsed.unwrap_or_default()
            }
            _ => Vec::new(),
        };
        if values.iter().all(|v| v.is_finite()) {
            values
        } else {
            Vec::new()
        }
    }

    /// Finite floats of an element, also where its value is longer than a text may be; whoever asks has counted them.
    pub(super) fn all_numbers_of(&self, entry: &Entry) -> Vec<f64> {
        let length = u64::from(entry.length);
        if length <= self.structure.limits.text_bytes {
            return self.numbers_of(entry, usize::MAX);
        }
        let read = self.structure.source.read_vec(entry.value, length);
        let bytes = read.unwrap_or_default();
        let big = entry.big_endian;
        let values = match &entry.vr {
            b"FL" | b"OF" => each(&bytes, big, usize::MAX, |b| {
                f64::from(f32::from_le_bytes(b))
            }),
            b"FD" | b"OD" => each(&bytes, big, usize::MAX, f64::from_le_bytes),
            _ => Vec::new(),
        };
        match values.iter().all(|v| v.is_finite()) {
            true => values,
            false => Vec::new(),
        }
    }

    /// Text of a VR that is always ASCII, of more bytes than a text may have else; `None` when it is longer still.
    pub(super) fn plain_of(&self, entry: &Entry, most: u64) -> Option<String> {
        let length = u64::from(entry.length);
        if length > most {
            return None;
        }
        let bytes = self.structure.source.read_vec(entry.value, length).ok()?;
        Some(plain(&bytes))
    }

    /// Finite numbers of an attribute.
    pub(super) fn numbers(&self, item: Item, tag: Tag, most: usize) -> Vec<f64> {
        self.find(item, tag)
            .map_or_else(Vec::new, |(_, e)| self.numbers_of(e, most))
    }

    /// A whole number.
    pub(super) fn whole(&self, item: Item, tag: Tag) -> Option<i64> {
        let value = self.numbers(item, tag, 1).first().copied()?;
        (value.fract() == 0.0 && value.abs() < 9e15).then_some(value as i64)
    }

    /// Attribute tags of an AT element.
    pub(super) fn tags_of(&self, entry: &Entry) -> Vec<Tag> {
        let (bytes, _) = self.bytes(entry);
        let (pairs, _) = bytes.as_chunks::<4>();
        let pairs = pairs.iter().map(|[a, b, c, d]| {
            let word = |pair: [u8; 2]| match entry.big_endian {
                true => u16::from_be_bytes(pair),
                false => u16::from_le_bytes(pair),
            };
            Tag(word([*a, *b]), word([*c, *d]))
        });
        pairs.collect()
    }

    /// How many values an element has: of text by its separators, read piece by piece; of numbers by its length.
    pub(super) fn count_of(&self, entry: &Entry) -> u64 {
        let length = u64::from(entry.length);
        let size = match &entry.vr {
            b"US" | b"SS" | b"OW" => 2,
            b"FL" | b"UL" | b"SL" | b"OF" | b"OL" | b"AT" => 4,
            b"FD" | b"OD" | b"OV" | b"UV" | b"SV" => 8,
            b"OB" | b"UN" => 1,
            _ => return self.separated(entry),
        };
        length / size
    }

    fn separated(&self, entry: &Entry) -> u64 {
        let (mut at, end) = (entry.value, entry.value + u64::from(entry.length));
        let mut buffer = vec![0; 64 << 10];
        let (mut separators, mut filled) = (0, false);
        while at < end {
            let step = (end - at).min(buffer.len() as u64) as usize;
            let Some(piece) = buffer.get_mut(..step) else {
                break;
            };
            if self.structure.source.read_exact_at(at, piece).is_err() {
                break;
            }
            separators += piece.iter().filter(|b| **b == b'\\').count() as u64;
            filled |= piece.iter().any(|b| !matches!(b, 0 | b' '));
            at += step as u64;
        }
        if filled { separators + 1 } else { 0 }
    }

    /// Where the value of an element lies in the bytes of the object.
    pub(super) const fn place_of(&self, entry: &Entry) -> (u64, u64) {
        (entry.value, entry.length as u64)
    }
}

/// Text of a VR that is always ASCII (PS3.5 section 6.1.2.2); anything else in it is marked.
fn plain(bytes: &[u8]) -> String {
    let kept = bytes.iter().map(|b| match b {
        0x20..0x7F => char::from(*b),
        0 => ' ',
        _ => '\u{FFFD}',
    });
    kept.collect::<String>().trim().to_owned()
}

fn each<const N: usize>(
    bytes: &[u8],
    big: bool,
    most: usize,
    value: impl Fn([u8; N]) -> f64,
) -> Vec<f64> {
    let (chunks, _) = bytes.as_chunks::<N>();
    let in_order = chunks.iter().take(most).map(|chunk| {
        let mut chunk = *chunk;
        if big {
            chunk.reverse();
        }
        value(chunk)
    });
    in_order.collect()
}
