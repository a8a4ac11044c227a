//! All studies in memory, with the text that is searched. Built away from the window's thread, never written to a disk,
//! wiped when it goes.

use super::{
    fold::fold_into,
    query::Query,
    row::{Column, StudyEntry},
};
use crate::model::reading::ReadStatus;
use std::{
    collections::{BTreeSet, HashMap},
    sync::OnceLock,
};
use zeroize::Zeroizing;

/// Studies and what they are found by. Must stay true: one key a study; a key holds no line feed.
#[derive(Debug, Default)]
pub struct ListIndex {
    entries: Vec<StudyEntry>,
    keys: Keys,
    by_key: HashMap<u64, u32>,
    modalities: Vec<String>,
    orders: [OnceLock<Vec<u32>>; Column::ALL.len()],
}

/// Keys of all studies, one behind the other.
#[derive(Default)]
struct Keys {
    text: Zeroizing<String>,
    ends: Vec<usize>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{} keys]", self.ends.len())
    }
}

impl Keys {
    fn get(&self, row: u32) -> &str {
        let row = row as usize;
        let start = match row.checked_sub(1) {
            Some(before) => self.ends.get(before).copied().unwrap_or_default(),
            None => 0,
        };
        let end = self.ends.get(row).copied().unwrap_or(start);
        self.text.get(start..end).unwrap_or_default()
    }
}

impl ListIndex {
    /// Puts studies in the order of the list, newest first, and makes their keys. Of several with the same key the first
    /// one stays.
    pub fn build(entries: Vec<StudyEntry>) -> Self {
        let mut by_key = HashMap::with_capacity(entries.len());
        let mut entries: Vec<StudyEntry> = entries
            .into_iter()
            // Rows are numbered with 32 bits.
            .take(u32::MAX as usize)
            .filter(|entry| by_key.insert(entry.key, 0).is_none())
            .collect();
        entries.sort_by(|a, b| {
            (b.date, &b.time)
                .cmp(&(a.date, &a.time))
                .then_with(|| a.uid.cmp(&b.uid))
        });
        // Growing would leave copies behind that nobody wipes.
        let room: usize = entries.iter().map(StudyEntry::key_room).sum();
        let mut keys = Keys {
            text: Zeroizing::new(String::with_capacity(room)),
            ends: Vec::with_capacity(entries.len()),
        };
        for (row, entry) in entries.iter().enumerate() {
            write_key(entry, &mut keys.text);
            keys.ends.push(keys.text.len());
            by_key.insert(entry.key, row as u32);
        }
        let all: BTreeSet<&String> = entries.iter().flat_map(|e| &e.modalities).collect();
        let modalities = all.into_iter().cloned().collect();
        Self {
            entries,
            keys,
            by_key,
            modalities,
            orders: Default::default(),
        }
    }

    /// The studies, newest first.
    pub fn entries(&self) -> &[StudyEntry] {
        &self.entries
    }

    /// A row.
    pub fn get(&self, row: u32) -> Option<&StudyEntry> {
        self.entries.get(row as usize)
    }

    /// The row of a study.
    pub fn row_of(&self, key: u64) -> Option<u32> {
        self.by_key.get(&key).copied()
    }

    /// The modalities that there are, sorted.
    pub fn modalities(&self) -> &[String] {
        &self.modalities
    }

    /// Number of studies.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The rows that a query finds, in the order of the list. `within` are the rows to look at; all when absent.
    /// `status` says how far the reading of a row is.
    pub fn find(
        &self,
        query: &Query,
        within: Option<&[u32]>,
        status: &dyn Fn(&StudyEntry) -> ReadStatus,
    ) -> Vec<u32> {
        let fits = |row: &u32| {
            let Some(entry) = self.get(*row) else {
                return false;
            };
            narrowed(query, entry)
                && query.words.iter().all(|word| self.holds(*row, word))
                && (query.statuses.is_empty() || query.statuses.contains(&status(entry)))
        };
        match within {
            Some(rows) => rows.iter().copied().filter(fits).collect(),
            None => (0..self.entries.len() as u32).filter(fits).collect(),
        }
    }

    fn holds(&self, row: u32, word: &str) -> bool {
        self.keys.get(row).contains(word)
    }

    /// The place of every row when sorted by a column, upwards; equal ones in the order of the list. Made once.
    pub fn order(&self, column: Column) -> &[u32] {
        let Some(slot) = self.orders.get(column as usize) else {
            return &[];
        };
        slot.get_or_init(|| {
            let mut rows: Vec<u32> = (0..self.entries.len() as u32).collect();
            let value = |row: &u32| self.get(*row).map(|entry| column.sort_key(entry));
            rows.sort_by_cached_key(value);
            let mut places = vec![0; rows.len()];
            for (place, row) in rows.iter().enumerate() {
                if let Some(slot) = places.get_mut(*row as usize) {
                    *slot = place as u32;
                }
            }
            places
        })
    }
}

/// What needs no text.
fn narrowed(query: &Query, entry: &StudyEntry) -> bool {
    let date = |(first, last): (i64, i64)| {
        let day = entry.date.map(crate::model::date::Date::days_since_epoch);
        day.is_some_and(|day| first <= day && day <= last)
    };
    query.days.is_none_or(date)
        && (query.modalities.is_empty()
            || entry
                .modalities
                .iter()
                .any(|m| query.modalities.contains(m)))
        && (query.priorities.is_empty() || query.priorities.contains(&entry.priority))
}

/// Name, number, date and so on, as searching sees them, with a blank before each and a line feed at the end. Names
/// stand there a second time without blanks, so that `zhangsan` and `张三` are found too.
fn write_key(entry: &StudyEntry, out: &mut String) {
    let name = entry.patient.name.reveal();
    for group in [&name.alphabetic, &name.ideographic, &name.phonetic] {
        if group.is_empty() {
            continue;
        }
        let start = out.len();
        fold_into(group, out);
        out.push(' ');
        let end = out.len();
        // Byte by byte: copying the piece out would leave it behind in memory.
        let mut at = start;
        while at < end {
            let Some(c) = out.get(at..end).and_then(|rest| rest.chars().next()) else {
                break;
            };
            at += c.len_utf8();
            if c != ' ' {
                out.push(c);
            }
        }
        out.push(' ');
    }
    for text in [
        entry.patient.id.reveal(),
        entry.accession.reveal(),
        &entry.description,
    ] {
        fold_into(text, out);
        out.push(' ');
    }
    for modality in &entry.modalities {
        fold_into(modality, out);
        out.push(' ');
    }
    if let Some(date) = entry.date {
        use std::fmt::Write as _;
        // Writing to a String cannot fail.
        let _ = write!(
            out,
            "{date} {:04}{:02}{:02}",
            date.year, date.month, date.day
        );
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::{super::row::tests::entry, *};
    use crate::model::date::Date;

    fn index() -> ListIndex {
        ListIndex::build(vec![
            entry("1", "Zhang^San=张^三", "P-1", "20260316", "CT", "Chest"),
            entry(
                "2",
                "Müller^Jürgen",
                "0042",
                "20260101",
                "MR",
                "Knee, left ACC-7",
            ),
            entry("3", "Doe^Jane", "P-3", "", "DX", "胸部正位"),
            entry("4", "Doe^John", "P-4", "20251231", "CT", "Abdomen"),
        ])
    }

    fn found(text: &str) -> Vec<String> {
        let index = index();
        let query = Query::parse(text, Date::parse("20260316"));
        let rows = index.find(&query, None, &|e| match e.uid.as_str() {
            "4" => ReadStatus::Final,
            _ => ReadStatus::New,
        });
        let uid = |row: &u32| index.get(*row).unwrap().uid.clone();
        rows.iter().map(uid).collect()
    }

    #[test]
    fn studies_are_found_by_what_they_say() {
        for (text, expected) in [
            ("", &["1", "2", "4", "3"][..]),
            ("zhang", &["1"]),
            ("san zhang", &["1"]),
            ("ZHANGSAN", &["1"]),
            ("张三", &["1"]),
            ("三", &["1"]),
            ("muller", &["2"]),
            ("müll jür", &["2"]),
            ("0042", &["2"]),
            ("p-", &["1", "4", "3"]),
            ("acc-7", &["2"]),
            ("正位", &["3"]),
            ("2026-03", &["1"]),
            ("20251231", &["4"]),
            ("ct", &["1", "4"]),
            ("modality:CT", &["1", "4"]),
            ("modality:ct,dx doe", &["4", "3"]),
            ("date:2025..", &["1", "2", "4"]),
            ("date:today", &["1"]),
            ("status:final", &["4"]),
            ("status:new doe", &["3"]),
            ("doe jane john", &[]),
            // Words do not run from one field or study into the next.
            ("p-1acc", &[]),
            ("chestmuller", &[]),
        ] {
            assert_eq!(found(text), expected, "{text}");
        }
    }

    #[test]
    fn narrowing_finds_what_looking_at_all_finds() {
        let index = index();
        let status = |_: &StudyEntry| ReadStatus::New;
        let mut before: Option<(Query, Vec<u32>)> = None;
        for length in 0..=8 {
            let text: String = "doe jane".chars().take(length).collect();
            let query = Query::parse(&text, None);
            let all = index.find(&query, None, &status);
            if let Some((earlier, rows)) = before {
                assert!(query.narrows(&earlier), "{text}");
                assert_eq!(index.find(&query, Some(&rows), &status), all, "{text}");
            }
            before = Some((query, all));
        }
    }

    #[test]
    fn orders_are_of_all_rows_and_stable() {
        let index = index();
        for column in Column::ALL {
            let mut places = index.order(column).to_vec();
            places.sort_unstable();
            assert_eq!(places, [0, 1, 2, 3], "{column:?}");
        }
        // 3 (no date) is the last of the list and has the earliest date; the two CT keep their order.
        assert_eq!(index.order(Column::Date), [3, 2, 1, 0]);
        assert_eq!(index.order(Column::Modality), [0, 3, 1, 2]);
    }

    #[test]
    fn the_room_for_keys_suffices() {
        let index = index();
        assert!(index.keys.text.capacity() > 0);
        let room: usize = index.entries.iter().map(StudyEntry::key_room).sum();
        assert!(index.keys.text.len() <= room);
        assert_eq!(index.keys.text.matches('\n').count(), 4);
        let twice = ListIndex::build(vec![index.entries[0].clone(), index.entries[0].clone()]);
        assert_eq!(twice.len(), 1);
        assert_eq!(twice.row_of(index.entries[0].key), Some(0));
        assert_eq!(twice.row_of(1), None);
    }

    #[test]
    fn debug_never_reveals() {
        let text = format!("{:?}", index());
        for secret in ["Zhang", "zhang", "张", "P-1", "2026"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}
