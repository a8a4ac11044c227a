//! All elements of an object as a table, meta header and Pixel Data included, for people who want to see them all.
//!
//! Must stay true: short values are held, long ones are named with their length; what is held is bounded in all; the
//! bytes of pixels are read only to tell whether two objects differ, a piece at a time.

use super::{
    tree::{Entry, Tree},
    writer::is_personal,
};
use crate::{
    dicom::{
        bytes::Window,
        guard::{Fault, ITEM, PixelPlace, Structure, dictionary_vr, read_header, tag_of},
        header::safe_uid,
        syntax::Encoding,
    },
    model::elements::{ElementRow, ElementTable, Held, MOST_ROWS},
};
use dicom_core::dictionary::DataDictionary as _;
use dicom_dictionary_std::{StandardDataDictionary, tags};
use dicom_object::Tag;
use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hasher as _},
};

/// Most bytes of all values that are held of one object.
const MOST_TEXT: usize = 64 << 20;

/// Most numbers of one value that are written out.
const MOST_NUMBERS: usize = 4096;

/// Binary values up to this length are held.
const SHORT_BYTES: u32 = 64;

/// Most bytes of a meta header, and most of its elements, that are looked at.
const META_BYTES: u64 = 64 << 10;
const META_ELEMENTS: usize = 256;

static DICTIONARY: StandardDataDictionary = StandardDataDictionary;

/// Reads all elements. With `digests` what is too long to be held is read once, so that it can be compared.
///
/// # Errors
/// As [`read`](super::read).
pub fn elements(structure: &Structure, digests: bool) -> Result<ElementTable, Fault> {
    let tree = Tree::read(structure, |_| true)?;
    let mut table = Table {
        structure,
        tree: &tree,
        digests,
        signed_pixels: tree.whole(tree.root(), tags::PIXEL_REPRESENTATION) == Some(1),
        held: 0,
        keywords: HashMap::new(),
        counts: Vec::new(),
        out: ElementTable {
            instance_uid: safe_uid(&tree.text(tree.root(), tags::SOP_INSTANCE_UID)),
            ..ElementTable::default()
        },
    };
    table.meta();
    let before = table.out.rows.len();
    for (depth, end, entry) in tree.rows() {
        if table.out.rows.len() >= MOST_ROWS {
            table.out.left_out += 1;
            continue;
        }
        let row = table.row(depth, end + before, entry);
        table.out.rows.push(row);
    }
    table.pixels();
    // Ends of what was cut off.
    let last = u32::try_from(table.out.rows.len()).unwrap_or(u32::MAX);
    for row in &mut table.out.rows {
        row.end = row.end.min(last);
    }
    Ok(table.out)
}

struct Table<'a, 's> {
    structure: &'s Structure,
    tree: &'a Tree<'s>,
    digests: bool,
    signed_pixels: bool,
    /// Bytes of values that are held so far.
    held: usize,
    keywords: HashMap<Tag, &'static str>,
    /// Items so far of each open sequence, by depth of the items.
    counts: Vec<u32>,
    out: ElementTable,
}

impl Table<'_, '_> {
    fn keyword(&mut self, tag: Tag) -> &'static str {
        if let Some(known) = self.keywords.get(&tag) {
            return known;
        }
        // Private elements have no keyword, whatever the dictionary says of their numbers.
        let keyword = match DICTIONARY.by_tag(tag) {
            Some(entry) if tag.0.is_multiple_of(2) => entry.alias,
            _ => "",
        };
        self.keywords.insert(tag, keyword);
        keyword
    }

    fn row(&mut self, depth: usize, end: usize, entry: &Entry) -> ElementRow {
        self.counts.resize(depth + 1, 0);
        let is_item = entry.tag == ITEM;
        let mut item = 0;
        match self.counts.last_mut() {
            Some(count) if is_item => {
                *count += 1;
                item = *count;
            }
            Some(count) => *count = 0,
            None => {}
        }
        let entry = &self.as_read(entry);
        let (offset, length) = self.tree.place_of(entry);
        let held = if entry.sequence || is_item {
            Held::Nothing
        } else {
            self.hold(entry)
        };
        let away = matches!(held, Held::Cut(_) | Held::Away);
        let digest = if away && self.digests {
            self.digest(offset, length)
        } else {
            0
        };
        ElementRow {
            tag: (entry.tag.0, entry.tag.1),
            vr: entry.vr,
            keyword: if is_item { "" } else { self.keyword(entry.tag) },
            depth: u16::try_from(depth).unwrap_or(u16::MAX),
            end: u32::try_from(end).unwrap_or(u32::MAX),
            item,
            length,
            offset,
            digest,
            held,
            personal: !entry.sequence && !is_item && may_name(entry.tag, entry.vr),
        }
    }

    /// Where no VR is written, values of pixels are signed when the pixels are (PS3.5 section A.1 a, PS3.6: "US or SS").
    fn as_read(&self, entry: &Entry) -> Entry {
        let mut entry = *entry;
        let of_pixels =
            entry.tag.0 == 0x0028 && matches!(entry.tag.1, 0x0104..=0x0111 | 0x0120 | 0x0121);
        if of_pixels && self.structure.encoding.implicit && self.signed_pixels {
            entry.vr = *b"SS";
        }
        // A sequence under an unknown VR with its length written is bytes to whoever walks it.
        if &entry.vr == b"SQ" && !entry.sequence && entry.length > 0 {
            entry.vr = *b"UN";
        }
        entry
    }

    /// What is held of a value.
    fn hold(&mut self, entry: &Entry) -> Held {
        if entry.length == 0 {
            return Held::Nothing;
        }
        if self.held >= MOST_TEXT {
            return Held::Away;
        }
        let held = match &entry.vr {
            b"OB" | b"OW" | b"OF" | b"OD" | b"OL" | b"OV" | b"UN" => {
                if entry.length > SHORT_BYTES {
                    return Held::Away;
                }
                let (bytes, _) = self.tree.bytes(entry);
                self.held += bytes.len();
                return Held::Bytes(bytes.into());
            }
            b"US" | b"SS" | b"UL" | b"SL" | b"FL" | b"FD" | b"UV" | b"SV" => {
                let values = self.tree.numbers_of(entry, MOST_NUMBERS);
                let text = match &entry.vr {
                    // As short as it can be while it still reads back as the same single float.
                    b"FL" => joined(values.iter().map(|v| (*v as f32).to_string())),
                    _ => joined(values.iter().map(f64::to_string)),
                };
                let whole = self.tree.count_of(entry) <= MOST_NUMBERS as u64;
                (text, whole)
            }
            b"AT" => {
                let all = self.tree.tags_of(entry);
                let text = all.iter().map(|t| format!("{:04X}{:04X}", t.0, t.1));
                (joined(text), true)
            }
            _ => {
                let whole = u64::from(entry.length) <= self.structure.limits.text_bytes;
                (self.tree.text_of(entry), whole)
            }
        };
        self.held += held.0.len();
        match held {
            (text, true) => Held::Text(text.into()),
            (text, false) => Held::Cut(text.into()),
        }
    }

    /// A hash of a value; 0 when it cannot be read.
    fn digest(&self, mut at: u64, length: u64) -> u64 {
        let mut hasher = DefaultHasher::new();
        let mut buffer = vec![0; 256 << 10];
        let end = at + length;
        while at < end {
            let step = (end - at).min(buffer.len() as u64) as usize;
            let Some(piece) = buffer.get_mut(..step) else {
                return 0;
            };
            if self.structure.source.read_exact_at(at, piece).is_err() {
                return 0;
            }
            hasher.write(piece);
            at += step as u64;
        }
        hasher.finish().max(1)
    }

    /// The meta header, where the bytes that are at hand begin with one: it is always explicit little endian
    /// (PS3.10 section 7.1). Of an inflated data set there is none any more.
    fn meta(&mut self) {
        let source = &self.structure.source;
        let begins = source.read_vec(128, 4);
        if begins.ok().as_deref() != Some(b"DICM") {
            return;
        }
        let mut window = Window::new(source);
        let mut at = 132;
        for _ in 0..META_ELEMENTS {
            let Ok(Some(bytes)) = window.array::<4>(at) else {
                return;
            };
            let tag = tag_of(Encoding::EXPLICIT, bytes);
            if tag.0 != 2 || at > META_BYTES {
                return;
            }
            let Ok(header) = read_header(&mut window, Encoding::EXPLICIT, at, tag) else {
                return;
            };
            let length = u64::from(header.length);
            if length > META_BYTES || header.value + length > source.len() {
                return;
            }
            let Ok(bytes) = source.read_vec(header.value, length) else {
                return;
            };
            let text = |bytes: &[u8]| {
                let text = String::from_utf8_lossy(bytes).into_owned();
                text.trim_matches(|c: char| c == '\0' || c == ' ')
                    .to_owned()
            };
            let held = match (&header.vr, bytes.as_slice()) {
                (_, []) => Held::Nothing,
                (b"UL", [a, b, c, d]) => {
                    let value = u32::from_le_bytes([*a, *b, *c, *d]);
                    Held::Text(value.to_string().into())
                }
                (b"OB" | b"UN", bytes) if length <= u64::from(SHORT_BYTES) => {
                    Held::Bytes(bytes.into())
                }
                (b"OB" | b"UN", _) => Held::Away,
                (_, bytes) => Held::Text(text(bytes).into()),
            };
            let row = ElementRow {
                tag: (tag.0, tag.1),
                vr: header.vr,
                keyword: self.keyword(tag),
                end: u32::try_from(self.out.rows.len() + 1).unwrap_or(u32::MAX),
                length,
                offset: header.value,
                held,
                personal: may_name(tag, header.vr),
                ..ElementRow::default()
            };
            self.out.rows.push(row);
            at = header.value + length;
        }
    }

    /// Pixel Data, where the walk of the guard ends.
    fn pixels(&mut self) {
        let Some(pixels) = &self.structure.pixels else {
            return;
        };
        let (offset, length, digest) = match &pixels.place {
            PixelPlace::Native { offset, length } => {
                let digest = if self.digests {
                    self.digest(*offset, *length)
                } else {
                    0
                };
                (*offset, *length, digest)
            }
            PixelPlace::Encapsulated(fragments) => {
                let mut hasher = DefaultHasher::new();
                let mut length = 0;
                for fragment in &fragments.list {
                    length += u64::from(fragment.length);
                    if self.digests {
                        hasher.write_u64(self.digest(fragment.offset, fragment.length.into()));
                    }
                }
                let offset = fragments.list.first().map_or(0, |f| f.offset);
                let digest = if self.digests {
                    hasher.finish().max(1)
                } else {
                    0
                };
                (offset, length, digest)
            }
        };
        let vr = match &pixels.vr {
            b"UN" => dictionary_vr(pixels.tag),
            vr => *vr,
        };
        let row = ElementRow {
            tag: (pixels.tag.0, pixels.tag.1),
            vr,
            keyword: self.keyword(pixels.tag),
            end: u32::try_from(self.out.rows.len() + 1).unwrap_or(u32::MAX),
            length,
            offset,
            digest,
            held: if length > 0 {
                Held::Away
            } else {
                Held::Nothing
            },
            ..ElementRow::default()
        };
        self.out.rows.push(row);
    }
}

fn joined(values: impl Iterator<Item = String>) -> String {
    values.collect::<Vec<_>>().join("\\")
}

/// Whether a value may say who somebody is: as for a document, and whatever private bytes may hold.
fn may_name(tag: Tag, vr: [u8; 2]) -> bool {
    let private = !tag.0.is_multiple_of(2);
    // Titles of the station that sent or made the file (PS3.10 table 7.1-1) name a department at most.
    is_personal(tag, vr) || private && matches!(&vr, b"OB" | b"OW")
}
