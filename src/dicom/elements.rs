//! Values of a header, taken out strictly: a number is a number or it is refused.
//!
//! A [`DataSet`] holds the bytes of the elements that were asked for and an index of them, both made from what the guard
//! has walked. A value is decoded when it is asked for, and the items of a sequence are indexed when they are.
//!
//! Must stay true: no length counts here that the guard did not check, and values are those that `dicom-object` reads
//! (`elements/oracle.rs` compares them).

use super::{
    bytes::{ByteSource, Window},
    charset::{CharacterSets, TextKind},
    guard::{Element, Fault, Limits, Structure, Want, dictionary_vr, items_of, key},
    syntax::Encoding,
};
use dicom_dictionary_std::tags;
use dicom_object::Tag;
use std::{borrow::Cow, cell::OnceCell, ops::Range, sync::Arc};

#[cfg(test)]
mod oracle;

/// Values up to this length are read together with their neighbours.
const SHORT: u64 = 4096;

/// One data set: the whole, or an item of a sequence.
#[derive(Debug, Default)]
pub(super) struct DataSet {
    /// What all values lie in, those of items too.
    bytes: Arc<Vec<u8>>,
    encoding: Encoding,
    limits: Limits,
    /// In order of tags, each once.
    entries: Vec<Entry>,
    /// Specific Character Set (0008,0005) that counts here, as it is written.
    declared: Range<usize>,
    sets: OnceCell<Box<CharacterSets>>,
}

/// An element of a data set.
#[derive(Debug)]
struct Entry {
    tag: Tag,
    /// As written; `UN` where the data set has no VRs.
    vr: [u8; 2],
    value: Range<usize>,
    /// How the items are written, when it is a sequence.
    sequence: Option<Encoding>,
    items: OnceCell<Vec<DataSet>>,
}

impl Entry {
    fn new(element: &Element, value: Range<usize>) -> Self {
        Self {
            tag: element.tag,
            vr: element.vr,
            value,
            sequence: element.sequence,
            items: OnceCell::new(),
        }
    }
}

/// Reads the wanted elements of a structure.
///
/// # Errors
/// `VALUE_TOO_LONG` and `HEADER_TOO_LONG` when budgets are exceeded, and those of reading.
pub(super) fn read_data_set(
    structure: &Structure,
    wanted: impl Fn(Tag) -> Want,
) -> Result<DataSet, Fault> {
    let limits = structure.limits;
    let mut entries = Vec::with_capacity(structure.elements.len().min(128));
    let mut places = Vec::with_capacity(structure.elements.len().min(128));
    let mut total = 0;
    for element in &structure.elements {
        let limit = match wanted(element.tag) {
            Want::No => continue,
            Want::Text => limits.text_bytes,
            Want::Large => limits.header_bytes,
        };
        let length = element.end - element.value;
        if length > limit {
            let what = format!("a value of {length} bytes");
            let (tag, at) = (element.tag, element.start);
            return Err(Fault::limit("VALUE_TOO_LONG", tag, at, &what));
        }
        let end = total + length;
        if end > limits.header_bytes {
            let what = "more header than is read";
            let (tag, at) = (element.tag, element.start);
            return Err(Fault::limit("HEADER_TOO_LONG", tag, at, what));
        }
        entries.push(Entry::new(element, total as usize..end as usize));
        places.push((element.value, length));
        total = end;
    }
    let mut bytes = Vec::with_capacity(usize::try_from(total).unwrap_or(0));
    let mut window = Window::new(&structure.source);
    for (at, length) in places {
        if length <= SHORT {
            let value = window.get(at, length as usize)?;
            bytes.extend_from_slice(value.ok_or_else(cut)?);
        } else {
            let start = bytes.len();
            bytes.resize(start + usize::try_from(length).unwrap_or(0), 0);
            let room = bytes.get_mut(start..).unwrap_or_default();
            structure.source.read_exact_at(at, room)?;
        }
    }
    Ok(DataSet {
        declared: 0..0,
        bytes: Arc::new(bytes),
        encoding: structure.encoding,
        limits,
        entries,
        sets: OnceCell::new(),
    }
    .ordered())
}

fn cut() -> Fault {
    Fault::from(std::io::Error::from(std::io::ErrorKind::UnexpectedEof))
}

impl DataSet {
    /// Brings the entries in order, the first of each tag, and looks for a character set of its own.
    fn ordered(mut self) -> Self {
        let (of, entries) = (|e: &Entry| key(e.tag), &mut self.entries);
        if !entries.is_sorted_by(|a, b| of(a) < of(b)) {
            entries.sort_by_key(of);
            entries.dedup_by_key(|e| key(e.tag));
        }
        if let Some(entry) = self.entry(tags::SPECIFIC_CHARACTER_SET) {
            self.declared = entry.value.clone();
        }
        self
    }

    fn entry(&self, tag: Tag) -> Option<&Entry> {
        let place = self.entries.binary_search_by_key(&key(tag), |e| key(e.tag));
        self.entries.get(place.ok()?)
    }

    /// The value of an element that is there.
    pub(super) fn get(&self, tag: Tag) -> Option<Value<'_>> {
        let entry = self.entry(tag)?;
        let mut vr = entry.vr;
        // Where no VR is written, or a copy on the way did not know it, the dictionary has it (PS3.5 section 6.2.2).
        let unknown = &vr == b"UN" && entry.sequence.is_none();
        if unknown {
            vr = dictionary_vr(tag);
        }
        Some(Value {
            vr,
            bytes: self.bytes.get(entry.value.clone()).unwrap_or_default(),
            // Unknown values are little endian (PS3.5 section 6.2.2, note 2).
            big_endian: self.encoding.big_endian && !unknown,
            set: self,
            sequence: entry.sequence.is_some() || &vr == b"SQ",
        })
    }

    /// What Specific Character Set declares here, and what is wrong with it.
    pub(super) fn character_sets(&self) -> (CharacterSets, Vec<super::charset::Problem>) {
        let declared = self.bytes.get(self.declared.clone());
        CharacterSets::parse(declared.unwrap_or_default())
    }

    fn sets(&self) -> &CharacterSets {
        self.sets.get_or_init(|| Box::new(self.character_sets().0))
    }

    fn index_items(&self, entry: &Entry, encoding: Encoding) -> Vec<Self> {
        let source = ByteSource::Memory(Arc::clone(&self.bytes));
        let range = entry.value.start as u64..entry.value.end as u64;
        let found = items_of(&source, encoding, &self.limits, range);
        let place = |e: &Element| e.value as usize..e.end as usize;
        let data_set = |elements: Vec<Element>| {
            let entries = elements.iter().map(|e| Entry::new(e, place(e))).collect();
            Self {
                bytes: Arc::clone(&self.bytes),
                encoding,
                limits: self.limits,
                entries,
                declared: self.declared.clone(),
                sets: OnceCell::new(),
            }
            .ordered()
        };
        found.into_iter().map(data_set).collect()
    }
}

/// The value of an element.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value<'a> {
    /// Its VR, by the dictionary where none is written.
    pub(super) vr: [u8; 2],
    /// As it is written.
    pub(super) bytes: &'a [u8],
    big_endian: bool,
    set: &'a DataSet,
    sequence: bool,
}

impl<'a> Value<'a> {
    /// Binary values as numbers; `None` for all others.
    fn binary(&self) -> Option<Vec<f64>> {
        Some(match &self.vr {
            b"OB" => self.bytes.iter().copied().map(f64::from).collect(),
            b"US" | b"OW" => self.each(|b| f64::from(u16::from_le_bytes(b))),
            b"SS" => self.each(|b| f64::from(i16::from_le_bytes(b))),
            b"UL" | b"OL" => self.each(|b| f64::from(u32::from_le_bytes(b))),
            b"SL" => self.each(|b| f64::from(i32::from_le_bytes(b))),
            b"UV" | b"OV" => self.each(|b| u64::from_le_bytes(b) as f64),
            b"SV" => self.each(|b| i64::from_le_bytes(b) as f64),
            b"FL" | b"OF" => self.each(|b| f64::from(f32::from_le_bytes(b))),
            b"FD" | b"OD" => self.each(f64::from_le_bytes),
            _ => return None,
        })
    }

    /// Each whole value, given with its least significant byte first.
    fn each<T, const N: usize>(&self, value: impl Fn([u8; N]) -> T) -> Vec<T> {
        let (chunks, _) = self.bytes.as_chunks::<N>();
        let in_order = chunks.iter().map(|chunk| {
            let mut chunk = *chunk;
            if self.big_endian {
                chunk.reverse();
            }
            value(chunk)
        });
        in_order.collect()
    }

    /// The 16-bit words of a table, whatever its VR.
    pub(super) fn words(&self) -> Vec<u16> {
        match &self.vr {
            // Bytes have no order of their own.
            b"OB" | b"UN" => {
                let (pairs, _) = self.bytes.as_chunks::<2>();
                pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect()
            }
            b"US" | b"SS" | b"OW" => self.each(u16::from_le_bytes),
            _ => {
                let values = numbers_of(*self).values();
                values.into_iter().map(|v| v as i32 as u16).collect()
            }
        }
    }

    /// A tag as value (AT), the first.
    pub(super) fn tag(&self) -> Option<Tag> {
        let (halves, _) = self.bytes.as_chunks::<2>();
        let encoding = Encoding {
            big_endian: self.big_endian,
            ..Encoding::EXPLICIT
        };
        match (&self.vr, halves) {
            (b"AT", [group, element, ..]) => {
                Some(Tag(encoding.u16(*group), encoding.u16(*element)))
            }
            _ => None,
        }
    }

    /// How the bytes of text in a character set are divided; `None` for VRs that are always ASCII and for binary ones.
    const fn text_kind(&self) -> Option<TextKind> {
        match &self.vr {
            b"LO" | b"SH" | b"UC" => Some(TextKind::Short),
            b"LT" | b"ST" | b"UT" => Some(TextKind::Long),
            b"PN" => Some(TextKind::PersonName),
            _ => None,
        }
    }

    /// Whether `\` is a character like others.
    const fn is_one_text(&self) -> bool {
        matches!(&self.vr, b"LT" | b"ST" | b"UT" | b"UR")
    }

    /// The text as it is written, controls and padding included.
    fn raw_text(&self) -> Cow<'a, str> {
        if self.sequence {
            return Cow::Borrowed("");
        }
        if let Some(values) = self.binary() {
            // The shortest digits of a 32-bit number are not those of the same number in 64 bits.
            let short = matches!(&self.vr, b"FL" | b"OF");
            let word = |v: &f64| match short {
                true => (*v as f32).to_string(),
                false => v.to_string(),
            };
            let words: Vec<String> = values.iter().map(word).collect();
            return Cow::Owned(words.join("\\"));
        }
        match (self.text_kind(), std::str::from_utf8(self.bytes)) {
            // Every declared set has ASCII where a value begins; escape sequences are not read over.
            (_, Ok(text)) if text.is_ascii() && !text.contains('\u{1B}') => Cow::Borrowed(text),
            (Some(kind), _) => Cow::Owned(self.set.sets().decode(self.bytes, kind).text),
            // ISO 8859-1 holds more than may be there, and never fails.
            (None, _) => Cow::Owned(self.bytes.iter().copied().map(char::from).collect()),
        }
    }
}

/// What an attribute of numbers says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Numbers {
    /// Not there, or there without a value.
    Absent,
    /// A value is not a finite number.
    Bad,
    /// Its values, at least one.
    Values(Vec<f64>),
}

impl Numbers {
    /// The values, empty when absent or bad.
    pub(super) fn values(self) -> Vec<f64> {
        match self {
            Self::Values(values) => values,
            Self::Absent | Self::Bad => Vec::new(),
        }
    }

    /// The first value, when all are numbers.
    pub(super) fn first(self) -> Option<f64> {
        self.values().first().copied()
    }
}

/// A decimal or integer string as PS3.5 section 6.2 writes it; never `NaN`, `inf` or a number out of range.
pub(super) fn parse_decimal(text: &str) -> Option<f64> {
    let text = trim_padding(text);
    let allowed = |c: u8| c.is_ascii_digit() || matches!(c, b'+' | b'-' | b'.' | b'e' | b'E');
    if text.is_empty() || !text.bytes().all(allowed) {
        return None;
    }
    text.parse::<f64>().ok().filter(|v| v.is_finite())
}

/// Values of an element that is at hand.
pub(super) fn numbers_of(value: Value<'_>) -> Numbers {
    if value.sequence {
        return Numbers::Bad;
    }
    let values = match value.binary() {
        Some(values) => values,
        None => {
            let Ok(text) = std::str::from_utf8(value.bytes) else {
                return Numbers::Bad;
            };
            let most = if value.is_one_text() { 1 } else { usize::MAX };
            let values = text.splitn(most, '\\');
            if values.clone().all(|t| trim_padding(t).is_empty()) {
                return Numbers::Absent;
            }
            let parsed: Option<Vec<f64>> = values.map(parse_decimal).collect();
            return parsed.map_or(Numbers::Bad, Numbers::Values);
        }
    };
    if values.is_empty() {
        Numbers::Absent
    } else if values.iter().all(|v| v.is_finite()) {
        Numbers::Values(values)
    } else {
        Numbers::Bad
    }
}

/// Values of an attribute.
pub(super) fn numbers(data_set: &DataSet, tag: Tag) -> Numbers {
    data_set.get(tag).map_or(Numbers::Absent, numbers_of)
}

/// A whole number; `Err` when it is there and is none.
pub(super) fn integer(data_set: &DataSet, tag: Tag) -> Result<Option<i64>, ()> {
    match numbers(data_set, tag) {
        Numbers::Absent => Ok(None),
        Numbers::Bad => Err(()),
        Numbers::Values(values) => {
            let value = values.first().copied().unwrap_or_default();
            let whole = value.fract() == 0.0 && value.abs() < 9e15;
            whole.then_some(Some(value as i64)).ok_or(())
        }
    }
}

/// Trimmed text without control characters and escape sequences; empty when absent. Values stay joined by `\`.
pub(super) fn text(data_set: &DataSet, tag: Tag) -> String {
    let value = data_set.get(tag);
    value.map_or_else(String::new, |v| clean(&v.raw_text()))
}

/// Text as it is written, without the padding around it.
pub(super) fn raw_text(data_set: &DataSet, tag: Tag) -> String {
    let value = data_set.get(tag);
    value.map_or_else(String::new, |v| trim_padding(&v.raw_text()).to_owned())
}

/// Text of all values.
pub(super) fn texts(data_set: &DataSet, tag: Tag) -> Vec<String> {
    let Some(value) = data_set.get(tag) else {
        return Vec::new();
    };
    let text = value.raw_text();
    if value.bytes.is_empty() || value.sequence {
        Vec::new()
    } else if value.is_one_text() {
        vec![clean(&text)]
    } else {
        text.split('\\').map(clean).collect()
    }
}

/// An ASCII text as it is, trimmed; empty when absent or long.
pub(super) fn ascii(data_set: &DataSet, tag: Tag) -> String {
    let value = data_set
        .get(tag)
        .filter(|v| v.bytes.len() <= SHORT as usize);
    value.map_or_else(String::new, |v| {
        trim_padding(&String::from_utf8_lossy(v.bytes)).to_owned()
    })
}

fn trim_padding(text: &str) -> &str {
    text.trim_matches(|c: char| c == '\0' || c.is_whitespace())
}

/// Drops code extension sequences (ESC, PS3.5 section 6.1.2.5.3) and control characters, and trims.
fn clean(text: &str) -> String {
    // Padding of UIDs, and nothing that is kept.
    let text = text.trim_end_matches('\0');
    let plain = |b: u8| (b' '..=b'~').contains(&b);
    if text.bytes().all(plain) {
        return text.trim_matches(' ').to_owned();
    }
    let mut kept = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c == '\u{1B}' {
            // ESC, intermediates 0x20 to 0x2F, one final byte.
            for c in rest.by_ref() {
                if !('\u{20}'..='\u{2F}').contains(&c) {
                    break;
                }
            }
        } else if !c.is_control() || matches!(c, '\n' | '\t') {
            kept.push(c);
        }
    }
    kept.trim().to_owned()
}

/// The first item of a sequence.
pub(super) fn first_item(data_set: &DataSet, tag: Tag) -> Option<&DataSet> {
    items(data_set, tag).first()
}

/// All items of a sequence.
pub(super) fn items(data_set: &DataSet, tag: Tag) -> &[DataSet] {
    let Some(entry) = data_set.entry(tag) else {
        return &[];
    };
    let Some(encoding) = entry.sequence else {
        return &[];
    };
    entry
        .items
        .get_or_init(|| data_set.index_items(entry, encoding))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_finite_decimals_are_numbers() {
        let check = |text: &str, expected: Option<f64>| {
            assert_eq!(parse_decimal(text), expected, "{text}");
        };
        check(" 1.5 ", Some(1.5));
        check("-1024\0", Some(-1024.0));
        check("+2E-1", Some(0.2));
        check("abc", None);
        check("NaN", None);
        check("inf", None);
        check("1e400", None);
        check("", None);
        check("1,5", None);
        check("0x10", None);
    }

    #[test]
    fn escape_sequences_do_not_stay_in_names() {
        assert_eq!(clean("\u{1B}$)CHong^Gildong \0"), "Hong^Gildong");
        assert_eq!(clean("A\u{7}B"), "AB");
    }
}
