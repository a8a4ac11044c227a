//! Nodes from elements: how any attribute is shown, codes and references among them.

use super::tree::{Entry, Item, Tree};
use crate::dicom::elements::parse_decimal;
use crate::model::{
    content::{
        Code, ContentNode, MOST_NODES, MOST_POINTS, Name, Points, Reference, TreeBuilder, Value,
    },
    identity::Phi,
};
use dicom_core::dictionary::{DataDictionary as _, DataDictionaryEntry as _, UidDictionary as _};
use dicom_dictionary_std::{StandardDataDictionary, StandardSopClassDictionary, tags};
use dicom_object::Tag;

/// Longest text that a plain attribute shows, characters.
const LONGEST: usize = 1000;

/// Most values that a plain attribute shows.
const MOST_VALUES: usize = 12;

/// Most frames, segments or channels that a reference names.
const MOST_FRAMES: usize = 1000;

static CLASSES: StandardSopClassDictionary = StandardSopClassDictionary;

/// What an attribute is called: its keyword, in words; that a value is a sequence is nothing for people.
pub(super) fn attribute_name(tag: Tag) -> String {
    let known = StandardDataDictionary.by_tag(tag).map(|e| e.alias());
    match known {
        Some(keyword) if !keyword.is_empty() && tag.0.is_multiple_of(2) => {
            let keyword = keyword.strip_suffix("Sequence").unwrap_or(keyword);
            words_of(keyword.strip_suffix("Code").unwrap_or(keyword))
        }
        _ => format!("({:04X},{:04X})", tag.0, tag.1),
    }
}

/// A keyword with blanks: `ReferencedROINumber` becomes `Referenced ROI Number`.
fn words_of(keyword: &str) -> String {
    let letters: Vec<char> = keyword.chars().collect();
    let mut words = String::with_capacity(keyword.len() + 8);
    for (i, c) in letters.iter().enumerate() {
        let before = i.checked_sub(1).and_then(|i| letters.get(i));
        let after = letters.get(i + 1);
        let begins = c.is_uppercase()
            && before.is_some_and(|b| {
                // An abbreviation ends where a capital is followed by small letters; a plural s does not count.
                !b.is_uppercase() && !b.is_ascii_digit()
                    || b.is_uppercase()
                        && after.is_some_and(|a| a.is_lowercase())
                        && !(after == Some(&'s')
                            && letters.get(i + 2).is_none_or(|c| c.is_uppercase()))
            });
        if begins {
            words.push(' ');
        }
        words.push(*c);
    }
    words
        .replace("VOILUT", "VOI LUT")
        .replace("LUTID", "LUT ID")
        .replace("RTROI", "RT ROI")
        .replace("DVHROI", "DVH ROI")
        .replace(" Of ", " of ")
        .replace(" And ", " and ")
        .replace(" To ", " to ")
        .replace(" In ", " in ")
}

/// The name that the standard gives a class; empty when it gives none.
pub(super) fn class_name(uid: &str) -> &'static str {
    CLASSES.by_uid(uid).map_or("", |entry| entry.name)
}

/// A coded term from an item of a code sequence (PS3.3 table 8.8-1); `None` when the item holds none.
pub(super) fn code(tree: &Tree<'_>, item: Item) -> Option<Code> {
    let value = [
        tags::CODE_VALUE,
        tags::LONG_CODE_VALUE,
        tags::URN_CODE_VALUE,
    ];
    let value = value.into_iter().map(|tag| tree.text(item, tag));
    let code = Code {
        value: value
            .into_iter()
            .find(|v| !v.is_empty())
            .unwrap_or_default(),
        scheme: tree.text(item, tags::CODING_SCHEME_DESIGNATOR),
        version: tree.text(item, tags::CODING_SCHEME_VERSION),
        meaning: tree.text(item, tags::CODE_MEANING),
    };
    (!code.value.is_empty() || !code.meaning.is_empty()).then_some(code)
}

/// The first coded term of a sequence.
pub(super) fn code_in(tree: &Tree<'_>, item: Item, tag: Tag) -> Option<Code> {
    let first = tree.first(item, tag)?;
    code(tree, first)
}

/// An instance that an item refers to (PS3.3 table 10-11, 10-3).
pub(super) fn reference(tree: &Tree<'_>, item: Item) -> Reference {
    let class_uid = tree.text(item, tags::REFERENCED_SOP_CLASS_UID);
    let frames = tree.numbers(item, tags::REFERENCED_FRAME_NUMBER, MOST_FRAMES);
    let whole = |values: Vec<f64>| -> Vec<u32> {
        let fits = values.into_iter().filter(|v| *v >= 0.0 && *v < 4e9);
        fits.map(|v| v as u32).collect()
    };
    let segments = whole(tree.numbers(item, tags::REFERENCED_SEGMENT_NUMBER, MOST_FRAMES));
    let channels = whole(tree.numbers(item, tags::REFERENCED_WAVEFORM_CHANNELS, 2 * MOST_FRAMES));
    let (pairs, _) = channels.as_chunks::<2>();
    let pairs = pairs
        .iter()
        .map(|[group, channel]| format!("{group}.{channel}"));
    Reference {
        class_name: class_name(&class_uid),
        class_uid,
        instance_uid: tree.text(item, tags::REFERENCED_SOP_INSTANCE_UID),
        frames: whole(frames),
        parts: segments.iter().map(u32::to_string).chain(pairs).collect(),
    }
}

/// A date, a time or both, readable; what is none stays as it is.
pub(super) fn moment(text: &str, vr: [u8; 2]) -> String {
    let date = |digits: &str| {
        let part = |range: std::ops::Range<usize>| digits.get(range).unwrap_or_default();
        match digits.len() {
            8 => format!("{}-{}-{}", part(0..4), part(4..6), part(6..8)),
            6 => format!("{}-{}", part(0..4), part(4..6)),
            _ => digits.to_owned(),
        }
    };
    let time = |digits: &str| {
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let pairs = whole
            .as_bytes()
            .chunks(2)
            .map(|p| String::from_utf8_lossy(p).into_owned());
        let clock = pairs.collect::<Vec<_>>().join(":");
        match fraction.trim_end_matches('0') {
            "" => clock,
            fraction => format!("{clock}.{fraction}"),
        }
    };
    let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    match &vr {
        b"DA" if digits(text) && !text.contains('.') => date(text),
        b"TM" if digits(text) => time(text),
        b"DT" => {
            let zone = text.rfind(['+', '-']).unwrap_or(text.len());
            let (stamp, zone) = text.split_at(zone);
            if !digits(stamp) {
                return text.to_owned();
            }
            let (day, clock) = stamp.split_at(stamp.len().min(8));
            let clock = if clock.is_empty() {
                String::new()
            } else {
                format!(" {}", time(clock))
            };
            let zone = if zone.is_empty() {
                String::new()
            } else {
                format!(" {zone}")
            };
            format!("{}{clock}{zone}", date(day))
        }
        _ => text.to_owned(),
    }
}

/// A number with at most three digits after its point, and none that say nothing.
pub(super) fn figures(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-3..1e12).contains(&magnitude) {
        return format!("{value:e}");
    }
    let text = format!("{value:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" {
        "0".to_owned()
    } else {
        text.to_owned()
    }
}

/// Numbers in a row.
pub(super) fn rows(values: &[f64]) -> String {
    let texts: Vec<String> = values.iter().map(|v| figures(*v)).collect();
    texts.join(", ")
}

/// Whether what stands under this VR may say who somebody is: names, dates, and words that people wrote. Whatever stands
/// in the patient's group does too.
pub(super) fn is_personal(tag: Tag, vr: [u8; 2]) -> bool {
    let written = matches!(
        &vr,
        b"PN"
            | b"DA"
            | b"TM"
            | b"DT"
            | b"AS"
            | b"AE"
            | b"LO"
            | b"SH"
            | b"ST"
            | b"LT"
            | b"UT"
            | b"UC"
            | b"UR"
            | b"UN"
    );
    tag.0 == 0x0010 || (written && !TECHNICAL.contains(&tag))
}

/// Text attributes that say something of things, never of people (none of them is in PS3.15 table E.1-1).
const TECHNICAL: [Tag; 10] = [
    tags::MIME_TYPE_OF_ENCAPSULATED_DOCUMENT,
    tags::LIST_OF_MIME_TYPES,
    tags::MANUFACTURER,
    tags::MANUFACTURER_MODEL_NAME,
    tags::SOFTWARE_VERSIONS,
    tags::CODE_VALUE,
    tags::CODING_SCHEME_DESIGNATOR,
    tags::CODING_SCHEME_VERSION,
    tags::CODE_MEANING,
    tags::RESCALE_TYPE,
];

/// Builds the nodes of one object.
pub(super) struct Writer<'t, 'a> {
    pub(super) tree: &'t Tree<'a>,
    pub(super) out: TreeBuilder,
}

impl<'t, 'a> Writer<'t, 'a> {
    pub(super) fn new(tree: &'t Tree<'a>) -> Self {
        Self {
            tree,
            out: TreeBuilder::default(),
        }
    }

    /// A heading of ours, for one of several when it has a number.
    pub(super) fn heading(
        &mut self,
        depth: usize,
        (key, text): (&'static str, &'static str),
        number: Option<i64>,
        value: Value,
        personal: bool,
    ) {
        let name = Name {
            text: text.to_owned(),
            key: Some(key),
            number,
            ..Name::default()
        };
        self.out.push(
            depth,
            ContentNode {
                name,
                value,
                personal,
                ..ContentNode::default()
            },
        );
    }

    /// A value under the concept that the object names.
    pub(super) fn concept(&mut self, depth: usize, concept: Code, value: Value, personal: bool) {
        let name = Name {
            text: concept.display().to_owned(),
            code: Some(Box::new(concept)),
            ..Name::default()
        };
        self.out.push(
            depth,
            ContentNode {
                name,
                value,
                personal,
                ..ContentNode::default()
            },
        );
    }

    /// A value of ours.
    pub(super) fn fact(&mut self, depth: usize, name: (&'static str, &'static str), value: Value) {
        self.heading(depth, name, None, value, false);
    }

    /// A count of ours.
    pub(super) fn count(&mut self, depth: usize, name: (&'static str, &'static str), count: u64) {
        self.fact(depth, name, Value::Term(count.to_string()));
    }

    /// An attribute with a value that was made from it.
    pub(super) fn attribute(&mut self, depth: usize, tag: Tag, value: Value) {
        self.out.push(
            depth,
            ContentNode {
                name: Name {
                    text: attribute_name(tag),
                    tag: Some((tag.0, tag.1)),
                    ..Name::default()
                },
                value,
                ..ContentNode::default()
            },
        );
    }

    /// Those attributes that are there, with what they hold.
    pub(super) fn fields(&mut self, depth: usize, item: Item, wanted: &[Tag]) {
        for tag in wanted {
            self.field(depth, item, *tag);
        }
    }

    /// An attribute, when it is there and says something.
    pub(super) fn field(&mut self, depth: usize, item: Item, tag: Tag) {
        let Some((at, entry)) = self.tree.find(item, tag) else {
            return;
        };
        if entry.sequence || entry.length > 0 {
            self.element(depth, at, *entry);
        }
    }

    /// A number with the unit that the standard gives it.
    pub(super) fn quantity(&mut self, depth: usize, item: Item, tag: Tag, unit: &'static str) {
        if let Some(value) = self.tree.numbers(item, tag, 1).first() {
            self.attribute(depth, tag, Value::Quantity(*value, unit));
        }
    }

    /// How many items a sequence has, when it is there.
    pub(super) fn items(&mut self, depth: usize, item: Item, tag: Tag) {
        if self.tree.has(item, tag) {
            let count = self.tree.items(item, tag).count();
            self.attribute(depth, tag, Value::Term(count.to_string()));
        }
    }

    /// Everything in a data set.
    pub(super) fn generic(&mut self, depth: usize, item: Item) {
        let all: Vec<(usize, Entry)> = self.tree.elements(item).map(|(i, e)| (i, *e)).collect();
        for (at, entry) in all {
            self.element(depth, at, entry);
        }
    }

    /// One element with all that lies below it, with a stack of its own.
    fn element(&mut self, depth: usize, at: usize, entry: Entry) {
        enum Task {
            Element(usize, usize, Entry),
            Item(usize, Item, Option<i64>),
        }
        let mut tasks = vec![Task::Element(depth, at, entry)];
        while let Some(task) = tasks.pop() {
            if self.out.is_full() {
                let waiting = tasks.len() as u64 + 1;
                self.out.leave_out(waiting);
                return;
            }
            match task {
                Task::Element(depth, at, entry) if entry.sequence => {
                    if self.coded(depth, at, entry) {
                        continue;
                    }
                    self.plain(depth, entry, Value::None);
                    let items: Vec<Item> = self.tree.items_of(at).take(MOST_NODES).collect();
                    let several = items.len() > 1;
                    let numbered = (1i64..).zip(items).collect::<Vec<_>>().into_iter().rev();
                    tasks.extend(
                        numbered.map(|(n, item)| Task::Item(depth + 1, item, several.then_some(n))),
                    );
                }
                Task::Element(depth, _, entry) => {
                    let value = self.value(&entry);
                    self.plain(depth, entry, value);
                }
                Task::Item(depth, item, number) => {
                    let mut inner = depth;
                    if number.is_some() {
                        self.heading(depth, ("content-item", "Item"), number, Value::None, false);
                        inner += 1;
                    }
                    let below: Vec<(usize, Entry)> =
                        self.tree.elements(item).map(|(i, e)| (i, *e)).collect();
                    let below = below.into_iter().rev();
                    tasks.extend(below.map(|(at, entry)| Task::Element(inner, at, entry)));
                }
            }
        }
    }

    /// A sequence whose items are all codes, or all references: one node each.
    fn coded(&mut self, depth: usize, at: usize, entry: Entry) -> bool {
        let items: Vec<Item> = self.tree.items_of(at).take(MOST_NODES).collect();
        let Some(first) = items.first() else {
            return false;
        };
        let is_code = |item: &Item| {
            self.tree.has(*item, tags::CODE_MEANING)
                && self.tree.elements(*item).all(|(_, e)| !e.sequence)
        };
        if is_code(first) && items.iter().all(is_code) {
            for item in items {
                let value = code(self.tree, item).map_or(Value::None, |c| Value::Code(Box::new(c)));
                self.plain(depth, entry, value);
            }
            return true;
        }
        let is_reference = |item: &Item| {
            self.tree.has(*item, tags::REFERENCED_SOP_INSTANCE_UID)
                && self.tree.elements(*item).all(|(_, e)| {
                    matches!(
                        e.tag,
                        tags::REFERENCED_SOP_CLASS_UID
                            | tags::REFERENCED_SOP_INSTANCE_UID
                            | tags::REFERENCED_FRAME_NUMBER
                            | tags::REFERENCED_SEGMENT_NUMBER
                    )
                })
        };
        if is_reference(first) && items.iter().all(is_reference) {
            for item in items {
                let value = Value::Reference(Box::new(reference(self.tree, item)));
                self.plain(depth, entry, value);
            }
            return true;
        }
        false
    }

    /// A node of an element.
    fn plain(&mut self, depth: usize, entry: Entry, value: Value) {
        let personal = is_personal(entry.tag, entry.vr)
            && !matches!(value, Value::None | Value::Bytes(_) | Value::Code(_));
        self.out.push(
            depth,
            ContentNode {
                kind: String::from_utf8_lossy(&entry.vr).into_owned(),
                name: Name {
                    text: attribute_name(entry.tag),
                    tag: Some((entry.tag.0, entry.tag.1)),
                    ..Name::default()
                },
                value,
                personal,
                ..ContentNode::default()
            },
        );
    }

    /// What a plain element says.
    fn value(&self, entry: &Entry) -> Value {
        if entry.length == 0 {
            return Value::None;
        }
        match &entry.vr {
            b"PN" => Value::Person(Phi::new(self.tree.name_of(entry))),
            b"DA" | b"TM" | b"DT" => Value::Moment(moment(&self.tree.text_of(entry), entry.vr)),
            b"UI" => {
                let uid = self.tree.text_of(entry);
                let name = class_name(&uid);
                Value::Uid(shortened(&uid.replace('\\', ", ")), name)
            }
            b"CS" | b"AS" => Value::Term(shortened(&self.tree.text_of(entry).replace('\\', ", "))),
            b"IS" | b"DS" => self.figures_of(entry, || {
                let text = self.tree.text_of(entry);
                let values = text.split('\\').take(MOST_VALUES).map(decimal);
                values.collect::<Vec<_>>().join(", ")
            }),
            b"US" | b"SS" | b"UL" | b"SL" | b"FL" | b"FD" | b"UV" | b"SV" => {
                self.figures_of(entry, || rows(&self.tree.numbers_of(entry, MOST_VALUES)))
            }
            b"AT" => {
                let all = self.tree.tags_of(entry);
                let names = all.iter().take(MOST_VALUES).map(|t| attribute_name(*t));
                Value::Term(names.collect::<Vec<_>>().join(", "))
            }
            b"OB" | b"OW" | b"OF" | b"OD" | b"OL" | b"OV" | b"UN" => {
                Value::Bytes(u64::from(entry.length))
            }
            _ => Value::Text(shortened(&self.tree.text_of(entry))),
        }
    }

    fn figures_of(&self, entry: &Entry, text: impl Fn() -> String) -> Value {
        let count = self.tree.count_of(entry);
        let more = if count > MOST_VALUES as u64 {
            format!(", … ({count})")
        } else {
            String::new()
        };
        Value::Term(format!("{}{more}", shortened(&text())))
    }

    /// Coordinates of an attribute: how many, and the first.
    pub(super) fn points(&self, item: Item, tag: Tag, kind: String, dimensions: u8) -> Points {
        let per_point = usize::from(dimensions.max(1));
        let Some((_, entry)) = self.tree.find(item, tag) else {
            return Points {
                kind,
                dimensions,
                ..Points::default()
            };
        };
        Points {
            kind,
            count: self.tree.count_of(entry) / per_point as u64,
            dimensions,
            first: self.tree.numbers_of(entry, MOST_POINTS * per_point),
            frame_of_reference_uid: String::new(),
        }
    }
}

/// A decimal string without zeros that say nothing; anything else as it is.
fn decimal(text: &str) -> String {
    let text = text.trim();
    match parse_decimal(text) {
        Some(value) if value.abs() < 1e15 && (value == 0.0 || value.abs() >= 1e-4) => {
            (value + 0.0).to_string()
        }
        _ => text.to_owned(),
    }
}

/// Text of bearable length.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((cut, _)) => format!("{}…", text.get(..cut).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_become_words() {
        let check = |keyword: &str, words: &str| assert_eq!(words_of(keyword), words);
        check("PatientName", "Patient Name");
        check("ReferencedROINumber", "Referenced ROI Number");
        check("SOPInstanceUID", "SOP Instance UID");
        check("ROIDisplayColor", "ROI Display Color");
        check("VOILUTFunction", "VOI LUT Function");
        check("KVP", "KVP");
        check("NumberOfBeams", "Number of Beams");
        check("RTROIInterpretedType", "RT ROI Interpreted Type");
        check("RTPlanLabel", "RT Plan Label");
        check("XRayTubeCurrent", "X Ray Tube Current");
        assert_eq!(attribute_name(Tag(0x0029, 0x1010)), "(0029,1010)");
        assert_eq!(
            attribute_name(tags::SEGMENTED_PROPERTY_TYPE_CODE_SEQUENCE),
            "Segmented Property Type"
        );
        assert_eq!(
            attribute_name(tags::STRUCTURE_SET_LABEL),
            "Structure Set Label"
        );
    }

    #[test]
    fn decimals_lose_zeros_and_nothing_else() {
        let check = |text: &str, shown: &str| assert_eq!(decimal(text), shown);
        check("1.00000000000000", "1");
        check("116.003669700000", "116.0036697");
        check("-0.0", "0");
        check("1e-9", "1e-9");
        check("many", "many");
    }

    #[test]
    fn moments_are_readable() {
        let check = |text: &str, vr: &[u8; 2], shown: &str| assert_eq!(moment(text, *vr), shown);
        check("20240229", b"DA", "2024-02-29");
        check("142301.50", b"TM", "14:23:01.5");
        check("1423", b"TM", "14:23");
        check(
            "20240229142301.000+0100",
            b"DT",
            "2024-02-29 14:23:01 +0100",
        );
        check("202402", b"DT", "2024-02");
        check("yesterday", b"DA", "yesterday");
        check("äöü", b"DT", "äöü");
    }

    #[test]
    fn figures_say_no_more_than_they_know() {
        let check = |value: f64, text: &str| assert_eq!(figures(value), text);
        check(0.0, "0");
        check(-0.0, "0");
        check(2.5, "2.5");
        check(1e-9, "1e-9");
        check(12_000.0, "12000");
        check(1.0 / 3.0, "0.3333");
    }

    #[test]
    fn classes_have_their_names() {
        assert_eq!(
            class_name("1.2.840.10008.5.1.4.1.1.88.33"),
            "Comprehensive SR Storage"
        );
        assert_eq!(class_name("1.2.3"), "");
    }
}
