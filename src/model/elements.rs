//! Every element of an object as a flat table in reading order: what a tag browser shows, searches and compares.
//!
//! Like a content tree a row knows its depth and where what lies below it ends, so nothing here needs a recursion.
//! Must stay true: a value that may say who somebody is carries a mark, and no search finds it while identity is hidden.
//! Not here: how elements are read, and any file format.

use std::cmp::Ordering;

/// Most rows of a table; what lies behind them is counted and left out.
pub const MOST_ROWS: usize = 1_000_000;

/// What is held of a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Held {
    /// There is no value, or this is a sequence or an item.
    #[default]
    Nothing,
    /// The whole value as text; several values stand joined by `\`.
    Text(Box<str>),
    /// The beginning of a value that is too long to be held.
    Cut(Box<str>),
    /// All bytes of a short binary value.
    Bytes(Box<[u8]>),
    /// A binary value that is too long to be held.
    Away,
}

/// One element, or one item of a sequence.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ElementRow {
    /// Group and element; `(FFFE,E000)` for an item.
    pub tag: (u16, u16),
    /// VR; that of the dictionary where none is written, blank for an item.
    pub vr: [u8; 2],
    /// Keyword of the standard, empty where it has none.
    pub keyword: &'static str,
    /// How deep it lies; 0 at the top.
    pub depth: u16,
    /// Behind the last row that lies below it.
    pub end: u32,
    /// Number of an item, from 1; 0 for an element.
    pub item: u32,
    /// Bytes of the value; 0 for sequences and items.
    pub length: u64,
    /// Where the value begins in the object's bytes.
    pub offset: u64,
    /// Hash of the value's bytes, where it is not held whole and one was asked for; else 0.
    pub digest: u64,
    /// What is held of the value.
    pub held: Held,
    /// Whether it may say who somebody is.
    pub personal: bool,
}

impl ElementRow {
    /// Whether rows lie below it, seen from its own place.
    pub fn holds(&self, at: usize) -> bool {
        self.end as usize > at + 1
    }

    /// Whether it is an item of a sequence.
    pub const fn is_item(&self) -> bool {
        self.item > 0
    }

    /// `(0010,0010)`.
    pub fn tag_text(&self) -> String {
        format!("({:04X},{:04X})", self.tag.0, self.tag.1)
    }

    /// `PN`; blank for an item.
    pub fn vr_text(&self) -> &str {
        std::str::from_utf8(&self.vr).unwrap_or_default().trim()
    }

    /// The value as far as it is text.
    pub fn text(&self) -> Option<&str> {
        match &self.held {
            Held::Text(text) | Held::Cut(text) => Some(text),
            _ => None,
        }
    }

    /// Whether the values are the same, as far as they are known; what is away differs when nothing is known of it.
    fn equals(&self, other: &Self) -> bool {
        let known = match (&self.held, &other.held) {
            (Held::Cut(_) | Held::Away, Held::Cut(_) | Held::Away) => {
                self.digest != 0 && self.digest == other.digest
            }
            (a, b) => a == b,
        };
        self.vr == other.vr && self.length == other.length && known
    }
}

/// The elements of an object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ElementTable {
    /// SOP Instance UID.
    pub instance_uid: String,
    /// The rows.
    pub rows: Vec<ElementRow>,
    /// Rows that are left out because there are too many.
    pub left_out: u64,
}

/// What is looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    words: String,
    /// Without blanks, brackets and commas: for keywords and tags.
    compact: String,
}

impl Query {
    /// From what somebody typed: a part of a keyword or its words, a tag in any usual form, or a part of a value.
    pub fn new(text: &str) -> Self {
        let words = text.trim().to_lowercase();
        let compact = words
            .chars()
            .filter(|c| !matches!(c, ' ' | '(' | ')' | ','))
            .collect();
        Self { words, compact }
    }

    /// Whether nothing is looked for.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Whether a row is meant. Values of people are not looked at when `hide` is set.
    pub fn finds(&self, row: &ElementRow, hide: bool) -> bool {
        if row.is_item() || self.is_empty() {
            return false;
        }
        let tag = format!("{:04x}{:04x}", row.tag.0, row.tag.1);
        if !self.compact.is_empty()
            && (tag.contains(&self.compact) || holds_folded(row.keyword, &self.compact))
        {
            return true;
        }
        let text = row.text().filter(|_| !(hide && row.personal));
        text.is_some_and(|text| holds_folded(text, &self.words))
    }
}

/// How far a search is.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// Rows that were looked at.
    at: usize,
    /// Rows that the next one lies in.
    above: Vec<u32>,
    /// Rows that are meant, and what they lie in.
    pub found: Vec<u32>,
    /// How many are meant.
    pub hits: usize,
}

/// Whether a text holds another, which is in small letters, whatever the case.
fn holds_folded(text: &str, small: &str) -> bool {
    if text.is_ascii() {
        let (text, small) = (text.as_bytes(), small.as_bytes());
        return small.len() <= text.len()
            && text
                .windows(small.len().max(1))
                .any(|part| part.eq_ignore_ascii_case(small));
    }
    text.to_lowercase().contains(small)
}

impl ElementTable {
    /// Rows that are meant, in order, with those that they lie in.
    pub fn search(&self, query: &Query, hide: bool) -> Vec<u32> {
        let mut search = Search::default();
        self.search_on(query, hide, &mut search, usize::MAX);
        search.found
    }

    /// Goes on with a search over so many rows more; `true` when it is at the end.
    pub fn search_on(&self, query: &Query, hide: bool, search: &mut Search, rows: usize) -> bool {
        let end = search.at.saturating_add(rows).min(self.rows.len());
        for row in self.rows.get(search.at..end).unwrap_or_default() {
            search.above.truncate(usize::from(row.depth));
            search
                .above
                .push(u32::try_from(search.at).unwrap_or(u32::MAX));
            if query.finds(row, hide) {
                search.hits += 1;
                let last = search.found.last().copied();
                let new = |outer: &&u32| last.is_none_or(|last| **outer > last);
                search.found.extend(search.above.iter().filter(new));
            }
            search.at += 1;
        }
        search.at >= self.rows.len()
    }

    /// Where each row lies: `(0008,1140)[2](0008,1155)`.
    pub fn paths(&self) -> impl Iterator<Item = String> {
        let mut path = String::new();
        // How long the path was around each level.
        let mut outer: Vec<usize> = Vec::new();
        self.rows.iter().map(move |row| {
            outer.truncate(usize::from(row.depth) + 1);
            match outer.get(usize::from(row.depth)) {
                Some(length) => path.truncate(*length),
                None => outer.push(path.len()),
            }
            match row.item {
                0 => path.push_str(&row.tag_text()),
                number => path.push_str(&format!("[{number}]")),
            }
            path.clone()
        })
    }

    /// Rows directly within `from..to`.
    fn children(&self, from: usize, to: usize) -> Vec<u32> {
        let mut all = Vec::new();
        let mut at = from;
        while at < to {
            let Some(row) = self.rows.get(at) else { break };
            all.push(u32::try_from(at).unwrap_or(u32::MAX));
            at = (row.end as usize).max(at + 1);
        }
        all
    }

    /// Rows directly below a row.
    pub fn below(&self, at: usize) -> Vec<u32> {
        let end = self.rows.get(at).map_or(0, |row| row.end as usize);
        self.children(at + 1, end)
    }

    /// Rows of the top level.
    pub fn top(&self) -> Vec<u32> {
        self.children(0, self.rows.len())
    }

    /// The functional groups of a frame, counted from 1: their item in Per-Frame Functional Groups Sequence (5200,9230).
    pub fn frame_groups(&self, frame: u32) -> Option<usize> {
        let sequence = self.top().into_iter().find(|at| {
            self.rows
                .get(*at as usize)
                .is_some_and(|r| r.tag == (0x5200, 0x9230))
        })?;
        let items = self.below(sequence as usize);
        let index = usize::try_from(frame).ok()?.checked_sub(1)?;
        items.get(index).map(|at| *at as usize)
    }
}

/// How a row of one table stands to that of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The same on both sides, with all that lies below.
    Same,
    /// Different values, or something below it differs.
    Changed,
    /// Only in the first.
    First,
    /// Only in the second.
    Second,
}

/// One row of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiffRow {
    /// Its row in the first table.
    pub first: Option<u32>,
    /// Its row in the second table.
    pub second: Option<u32>,
    /// How deep it lies in the comparison.
    pub depth: u16,
    /// Behind the last row of the comparison that lies below it.
    pub end: u32,
    /// What is different.
    pub change: Change,
}

/// Two lists that stand beside each other, and how far they were walked.
struct Level {
    first: Vec<u32>,
    second: Vec<u32>,
    at: (usize, usize),
    parent: Option<usize>,
}

/// Compares two objects: elements by tag, items of a sequence by number.
pub fn compare(first: &ElementTable, second: &ElementTable) -> Vec<DiffRow> {
    walk(first, second, first.top(), second.top())
}

/// Compares what lies below one row of each table, as the functional groups of two frames.
pub fn compare_below(
    (first, a): (&ElementTable, usize),
    (second, b): (&ElementTable, usize),
) -> Vec<DiffRow> {
    walk(first, second, first.below(a), second.below(b))
}

fn row_of(table: &ElementTable, at: Option<u32>) -> Option<&ElementRow> {
    table.rows.get(at? as usize)
}

fn walk(
    first: &ElementTable,
    second: &ElementTable,
    mut a: Vec<u32>,
    mut b: Vec<u32>,
) -> Vec<DiffRow> {
    // Elements stand in order of tags (PS3.5 section 7.1), which nobody needs to believe.
    let key = |table: &ElementTable, at: u32| {
        let row = table.rows.get(at as usize);
        row.map_or(((0, 0), 0), |row| (row.tag, row.item))
    };
    a.sort_by_key(|at| key(first, *at));
    b.sort_by_key(|at| key(second, *at));
    let mut rows: Vec<DiffRow> = Vec::new();
    let mut parents: Vec<Option<usize>> = Vec::new();
    let mut stack = vec![Level {
        first: a,
        second: b,
        at: (0, 0),
        parent: None,
    }];
    while let Some(level) = stack.last_mut() {
        let left = level.first.get(level.at.0).copied();
        let right = level.second.get(level.at.1).copied();
        let order = match (left, right) {
            (None, None) => {
                let parent = level.parent;
                stack.pop();
                let end = u32::try_from(rows.len()).unwrap_or(u32::MAX);
                if let Some(row) = parent.and_then(|at| rows.get_mut(at)) {
                    row.end = end;
                }
                continue;
            }
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(a), Some(b)) => key(first, a).cmp(&key(second, b)),
        };
        let (left, right) = match order {
            Ordering::Less => (left, None),
            Ordering::Greater => (None, right),
            Ordering::Equal => (left, right),
        };
        level.at.0 += usize::from(left.is_some());
        level.at.1 += usize::from(right.is_some());
        let parent = level.parent;
        let depth = u16::try_from(stack.len() - 1).unwrap_or(u16::MAX);
        let change = match (row_of(first, left), row_of(second, right)) {
            (Some(a), Some(b)) if a.equals(b) => Change::Same,
            (Some(_), Some(_)) => Change::Changed,
            (Some(_), None) => Change::First,
            _ => Change::Second,
        };
        let at = rows.len();
        rows.push(DiffRow {
            first: left,
            second: right,
            depth,
            end: u32::try_from(at + 1).unwrap_or(u32::MAX),
            change,
        });
        parents.push(parent);
        let below = |table: &ElementTable, at: Option<u32>| {
            let mut below = at.map_or_else(Vec::new, |at| table.below(at as usize));
            below.sort_by_key(|at| key(table, *at));
            below
        };
        let (a, b) = (below(first, left), below(second, right));
        if !a.is_empty() || !b.is_empty() {
            stack.push(Level {
                first: a,
                second: b,
                at: (0, 0),
                parent: Some(at),
            });
        }
    }
    // A difference shows on all that it lies in.
    for at in (0..rows.len()).rev() {
        let differs = rows.get(at).is_some_and(|row| row.change != Change::Same);
        let parent = parents.get(at).copied().flatten();
        if differs
            && let Some(outer) = parent.and_then(|parent| rows.get_mut(parent))
            && outer.change == Change::Same
        {
            outer.change = Change::Changed;
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows from `(depth, tag, item, value)`, ends put in.
    fn table(rows: &[(u16, u32, u32, &str)]) -> ElementTable {
        let mut built: Vec<ElementRow> = rows
            .iter()
            .map(|(depth, tag, item, value)| ElementRow {
                tag: ((tag >> 16) as u16, *tag as u16),
                vr: if *item > 0 { *b"  " } else { *b"LO" },
                keyword: if *tag == 0x0010_0010 {
                    "PatientName"
                } else {
                    ""
                },
                depth: *depth,
                item: *item,
                length: value.len() as u64,
                held: if value.is_empty() {
                    Held::Nothing
                } else {
                    Held::Text((*value).into())
                },
                personal: *tag == 0x0010_0010,
                ..ElementRow::default()
            })
            .collect();
        for at in 0..built.len() {
            let end = (at + 1..built.len())
                .find(|i| built[*i].depth <= built[at].depth)
                .unwrap_or(built.len());
            built[at].end = end as u32;
        }
        ElementTable {
            rows: built,
            ..ElementTable::default()
        }
    }

    const ITEM: u32 = 0xFFFE_E000;

    fn nested() -> ElementTable {
        table(&[
            (0, 0x0008_0060, 0, "CT"),
            (0, 0x0008_1140, 0, ""),
            (1, ITEM, 1, ""),
            (2, 0x0008_1155, 0, "1.2"),
            (1, ITEM, 2, ""),
            (2, 0x0008_1155, 0, "1.3"),
            (0, 0x0010_0010, 0, "Doe^Jane"),
        ])
    }

    #[test]
    fn searches_look_at_names_tags_and_values_wherever_they_lie() {
        let table = nested();
        let check = |text: &str, hide: bool, rows: &[u32]| {
            assert_eq!(table.search(&Query::new(text), hide), rows, "{text}");
        };
        check("ct", false, &[0]);
        check("1.3", false, &[1, 4, 5]);
        check("(0008,1155)", false, &[1, 2, 3, 4, 5]);
        check("0008115", false, &[1, 2, 3, 4, 5]);
        check("patient name", false, &[6]);
        check("PATIENTN", true, &[6]);
        check("jane", false, &[6]);
        check("jane", true, &[]);
        check("", false, &[]);
        check("nothing like it", false, &[]);
    }

    #[test]
    fn a_place_is_written_as_tags_and_items() {
        let table = nested();
        let paths: Vec<String> = table.paths().collect();
        assert_eq!(paths[3], "(0008,1140)[1](0008,1155)");
        assert_eq!(paths[5], "(0008,1140)[2](0008,1155)");
        assert_eq!(paths[6], "(0010,0010)");
        assert_eq!(table.below(1), [2, 4]);
        assert_eq!(table.top(), [0, 1, 6]);
    }

    #[test]
    fn differences_show_where_they_lie_and_on_all_around_them() {
        let first = nested();
        let second = table(&[
            (0, 0x0008_0060, 0, "CT"),
            (0, 0x0008_1140, 0, ""),
            (1, ITEM, 1, ""),
            (2, 0x0008_1150, 0, "9"),
            (2, 0x0008_1155, 0, "1.2"),
            (0, 0x0020_000D, 0, "7"),
        ]);
        let rows = compare(&first, &second);
        let shape: Vec<(u16, Option<u32>, Option<u32>, Change)> = rows
            .iter()
            .map(|r| (r.depth, r.first, r.second, r.change))
            .collect();
        assert_eq!(
            shape,
            [
                (0, Some(0), Some(0), Change::Same),
                (0, Some(1), Some(1), Change::Changed),
                (1, Some(2), Some(2), Change::Changed),
                (2, None, Some(3), Change::Second),
                (2, Some(3), Some(4), Change::Same),
                (1, Some(4), None, Change::First),
                (2, Some(5), None, Change::First),
                (0, Some(6), None, Change::First),
                (0, None, Some(5), Change::Second),
            ]
        );
        assert_eq!(rows[1].end, 7);
        assert!(
            compare(&first, &first)
                .iter()
                .all(|r| r.change == Change::Same)
        );
    }

    #[test]
    fn what_is_not_held_is_the_same_only_when_it_is_known() {
        let away = |digest| ElementRow {
            length: 9,
            digest,
            held: Held::Away,
            ..ElementRow::default()
        };
        assert!(!away(0).equals(&away(0)));
        assert!(away(5).equals(&away(5)));
        assert!(!away(5).equals(&away(6)));
    }

    #[test]
    fn frames_have_their_groups() {
        let table = table(&[
            (0, 0x5200_9230, 0, ""),
            (1, ITEM, 1, ""),
            (2, 0x0018_0050, 0, "1"),
            (1, ITEM, 2, ""),
            (2, 0x0018_0050, 0, "2"),
        ]);
        let (a, b) = (
            table.frame_groups(1).unwrap(),
            table.frame_groups(2).unwrap(),
        );
        assert_eq!(
            (a, b, table.frame_groups(3), table.frame_groups(0)),
            (1, 3, None, None)
        );
        let rows = compare_below((&table, a), (&table, b));
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].change, Change::Changed);
    }
}
