//! The words of records and reports: documents with a number that grows with their day, in both databases, and what
//! finds them.

use super::{Derived, FILES, in_each};
use crate::{
    clinical::elements::is_ideographic,
    model::{
        access::{AuditKind, Right},
        date::Date,
        identity::Phi,
    },
    store::{AuditEvent, Store, StoreError, database},
};
use rusqlite::{Connection, OptionalExtension as _, params};
/// Days are counted from here in numbers of documents, so that none is negative: 1 January 1600.
const FIRST_DAY: i64 = -135_140;
/// Documents of one day.
const A_DAY: i64 = 1 << 24;

/// One document to be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document<'a> {
    /// Whose.
    pub patient: &'a str,
    /// Type of the resource.
    pub kind: &'a str,
    /// Its id.
    pub resource: &'a str,
    /// Days since 1970-01-01.
    pub day: Option<i32>,
    /// A line that says what it is.
    pub title: &'a str,
    /// What is searched.
    pub body: &'a str,
}

/// Something that was found.
#[derive(Clone, PartialEq, Eq)]
pub struct Hit {
    /// Whose: logical id of the FHIR Patient.
    pub patient: Phi<String>,
    /// Type of the resource.
    pub kind: String,
    /// Its id.
    pub resource: Phi<String>,
    /// Its day.
    pub day: Option<Date>,
    /// A line that says what it is.
    pub title: Phi<String>,
}

/// The type alone.
impl std::fmt::Debug for Hit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Hit({})", self.kind)
    }
}

/// Which database has a document.
fn shard_of(id: i64) -> usize {
    usize::from(id & 1 == 1)
}

impl Derived {
    /// Adds documents, in one transaction of each database.
    ///
    /// # Errors
    /// Those of the database.
    pub fn add<'a>(
        &mut self,
        documents: impl IntoIterator<Item = Document<'a>>,
    ) -> Result<usize, StoreError> {
        let parts = self.numbered(documents)?;
        let count = parts.iter().map(Vec::len).sum();
        in_each(&mut self.shards, parts, count, |shard, part| {
            let transaction = shard.transaction()?;
            add_documents(&transaction, &part)?;
            Ok(transaction.commit()?)
        })?;
        Ok(count)
    }

    /// Gives documents their numbers: for each database those that belong into it, in order.
    fn numbered<'a>(
        &mut self,
        documents: impl IntoIterator<Item = Document<'a>>,
    ) -> Result<[Vec<(i64, Document<'a>)>; FILES.len()], StoreError> {
        let mut newest = Vec::new();
        for shard in &self.shards {
            let sql = "SELECT MAX(id) FROM document WHERE id >= ?1 AND id < ?2";
            newest.push(shard.prepare_cached(sql)?);
        }
        let next = &mut self.next;
        let mut parts = [Vec::new(), Vec::new()];
        for document in documents {
            let day = document
                .day
                .map_or(0, |day| (i64::from(day) - FIRST_DAY).max(0));
            let begin = day * A_DAY;
            let id = match next.get(&day) {
                Some(id) => *id,
                None => {
                    let mut last = begin;
                    for statement in &mut newest {
                        let found: Option<i64> =
                            statement.query_row([begin, begin + A_DAY], |row| row.get(0))?;
                        last = last.max(found.unwrap_or(begin));
                    }
                    last + 1
                }
            };
            // Kept as long as the databases are open: nobody else writes them, and a day is asked for once.
            next.insert(day, id + 1);
            if let Some(part) = parts.get_mut(shard_of(id)) {
                part.push((id, document));
            }
        }
        // In order: the index of words writes out what it holds each time that a number is below the last one.
        for part in &mut parts {
            part.sort_by_key(|(id, _)| *id);
        }
        Ok(parts)
    }

    /// Documents with all these words, the newest first; the last word may be the beginning of one.
    ///
    /// # Errors
    /// Those of the database.
    pub fn search(
        &self,
        words: &str,
        patient: Option<&str>,
        most: usize,
    ) -> Result<Vec<Hit>, StoreError> {
        let Some(query) = match_of(words) else {
            return Ok(Vec::new());
        };
        let limit = i64::try_from(most).unwrap_or(i64::MAX);
        let columns = "document.id, document.patient, kind, resource, title";
        let mut found = Vec::new();
        for shard in &self.shards {
            match patient {
                None => {
                    let mut statement = shard.prepare_cached(&format!(
                        "SELECT {columns} FROM word JOIN document ON document.id = word.rowid
                         WHERE word MATCH ?1 ORDER BY word.rowid DESC LIMIT ?2"
                    ))?;
                    let rows = statement.query_map(params![query, limit], numbered_hit)?;
                    found.push(rows.collect::<Result<Vec<_>, _>>()?);
                }
                Some(patient) => {
                    let mut statement = shard.prepare_cached(&format!(
                        "SELECT {columns} FROM word JOIN document ON document.id = word.rowid
                         WHERE word MATCH ?1 AND document.patient = ?3
                         ORDER BY word.rowid DESC LIMIT ?2"
                    ))?;
                    let rows = statement.query_map(params![query, limit, patient], numbered_hit)?;
                    found.push(rows.collect::<Result<Vec<_>, _>>()?);
                }
            }
        }
        let newest = newest_first(found, most);
        Ok(newest.into_iter().map(|(_, hit)| hit).collect())
    }

    /// The document with a number.
    ///
    /// # Errors
    /// Those of the database.
    pub fn document(&self, id: i64) -> Result<Option<Hit>, StoreError> {
        let Some(shard) = self.shards.get(shard_of(id)) else {
            return Ok(None);
        };
        let mut statement = shard.prepare_cached(
            "SELECT id, patient, kind, resource, title FROM document WHERE id = ?1",
        )?;
        Ok(statement.query_row([id], hit).optional()?)
    }

    /// A page of the newest documents before a number; numbers come with them.
    ///
    /// # Errors
    /// Those of the database.
    pub fn page(&self, before: i64, most: usize) -> Result<Vec<(i64, Hit)>, StoreError> {
        let limit = i64::try_from(most).unwrap_or(i64::MAX);
        let mut found = Vec::new();
        for shard in &self.shards {
            let mut statement = shard.prepare_cached(
                "SELECT id, patient, kind, resource, title FROM document WHERE id < ?1
                 ORDER BY id DESC LIMIT ?2",
            )?;
            let rows = statement.query_map([before, limit], numbered_hit)?;
            found.push(rows.collect::<Result<Vec<_>, _>>()?);
        }
        Ok(newest_first(found, most))
    }

    /// How many documents there are.
    ///
    /// # Errors
    /// Those of the database.
    pub fn documents(&self) -> Result<usize, StoreError> {
        let mut count = 0;
        for shard in &self.shards {
            let sql = "SELECT COUNT(*) FROM document";
            count += shard.query_row(sql, [], |row| database::count(row, 0))?;
        }
        Ok(count)
    }

    /// Puts the parts of the index of words together, after much was added.
    ///
    /// # Errors
    /// Those of the database.
    pub fn settle(&mut self) -> Result<(), StoreError> {
        in_each(&mut self.shards, [(), ()], usize::MAX, |shard, ()| {
            shard.execute_batch("INSERT INTO word(word) VALUES ('optimize')")?;
            database::checkpoint(shard)
        })
    }
}

/// Puts what the databases found, each the newest first, together.
fn newest_first(found: Vec<Vec<(i64, Hit)>>, most: usize) -> Vec<(i64, Hit)> {
    let mut all: Vec<_> = found.into_iter().flatten().collect();
    all.sort_by_key(|(id, _)| std::cmp::Reverse(*id));
    all.truncate(most);
    all
}

fn numbered_hit(row: &rusqlite::Row<'_>) -> rusqlite::Result<(i64, Hit)> {
    Ok((row.get(0)?, hit(row)?))
}

fn hit(row: &rusqlite::Row<'_>) -> rusqlite::Result<Hit> {
    let day = row.get::<_, i64>(0)?.div_euclid(A_DAY);
    let date = (day > 0).then(|| Date::of_ms((day + FIRST_DAY) * 86_400_000));
    Ok(Hit {
        day: date.flatten(),
        patient: Phi::new(row.get(1)?),
        kind: row.get(2)?,
        resource: Phi::new(row.get(3)?),
        title: Phi::new(row.get(4)?),
    })
}

fn add_documents(
    connection: &Connection,
    documents: &[(i64, Document<'_>)],
) -> Result<(), StoreError> {
    let mut keep = connection.prepare_cached(
        "INSERT INTO document (id, patient, kind, resource, title) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for (id, document) in documents {
        keep.execute(params![
            id,
            document.patient,
            document.kind,
            document.resource,
            document.title
        ])?;
    }
    let mut words = connection.prepare_cached("INSERT INTO word (rowid, body) VALUES (?1, ?2)")?;
    for (id, document) in documents {
        words.execute(params![id, spaced(document.body)])?;
    }
    Ok(())
}

/// A text whose Han characters, kana and hangul stand alone, for they have no blanks between words.
fn spaced(text: &str) -> std::borrow::Cow<'_, str> {
    if text.is_ascii() || !is_ideographic(text) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len() * 2);
    let mut buffer = [0; 4];
    for c in text.chars() {
        if is_ideographic(c.encode_utf8(&mut buffer)) {
            out.push(' ');
            out.push(c);
            out.push(' ');
        } else {
            out.push(c);
        }
    }
    out.into()
}

/// What words ask the index for: each as a phrase, so that no sign of its language is read as one; the last one as the
/// beginning of a word where it is of letters. `None` without a word.
fn match_of(words: &str) -> Option<String> {
    let parts: Vec<String> = words
        .split_whitespace()
        .map(|word| word.replace('"', " "))
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .collect();
    let last = parts.len().checked_sub(1)?;
    let open = !words.ends_with(char::is_whitespace);
    let each = parts.iter().enumerate().map(|(place, word)| {
        let phrase = spaced(word);
        let begins = place == last && open && !is_ideographic(word);
        match begins {
            true => format!("\"{}\" *", phrase.trim()),
            false => format!("\"{}\"", phrase.trim()),
        }
    });
    Some(each.collect::<Vec<_>>().join(" "))
}

impl Store {
    /// Adds documents that no record has, for measuring; they stay until what is derived is made anew.
    ///
    /// # Errors
    /// When the role does not allow it; those of the database.
    pub fn add_documents<'a>(
        &self,
        documents: impl IntoIterator<Item = Document<'a>>,
    ) -> Result<usize, StoreError> {
        self.demand(Right::ImportRecords)?;
        self.derived()?.add(documents)
    }

    /// Puts the index of words together.
    ///
    /// # Errors
    /// Those of the database.
    pub fn settle_documents(&self) -> Result<(), StoreError> {
        self.derived()?.settle()
    }

    /// Searches all documents; no entry in the log, for a window asks with every letter.
    ///
    /// # Errors
    /// When the role does not allow it; those of the database.
    pub fn find_documents(&self, words: &str, most: usize) -> Result<Vec<Hit>, StoreError> {
        self.demand(Right::Search)?;
        self.derived()?.search(words, None, most)
    }

    /// A document by its number.
    ///
    /// # Errors
    /// When the role does not allow it; those of the database.
    pub fn document(&self, id: i64) -> Result<Option<Hit>, StoreError> {
        self.demand(Right::ViewRecords)?;
        self.derived()?.document(id)
    }

    /// The newest documents before a number.
    ///
    /// # Errors
    /// When the role does not allow it; those of the database.
    pub fn document_page(&self, before: i64, most: usize) -> Result<Vec<(i64, Hit)>, StoreError> {
        self.demand(Right::ViewRecords)?;
        self.derived()?.page(before, most)
    }

    /// How many documents there are.
    ///
    /// # Errors
    /// Those of the database.
    pub fn documents(&self) -> Result<usize, StoreError> {
        self.derived()?.documents()
    }

    /// Searches the words of all records, or of one patient's; the newest first.
    ///
    /// # Errors
    /// When the role does not allow it; those of the database.
    pub fn search_records(
        &self,
        words: &str,
        patient: Option<&str>,
        most: usize,
    ) -> Result<Vec<Hit>, StoreError> {
        self.demand(Right::Search)?;
        self.demand(Right::ViewRecords)?;
        let event = AuditEvent::new(AuditKind::Query, "words of records");
        self.log(event.of_patient(patient.unwrap_or_default()));
        self.derived()?.search(words, patient, most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreKey;
    use std::fs;

    fn derived() -> (tempfile::TempDir, Derived) {
        let folder = tempfile::tempdir().unwrap();
        let key = StoreKey::random().unwrap();
        let (derived, new) = Derived::open(folder.path(), &key).unwrap();
        assert!(new);
        (folder, derived)
    }

    #[test]
    fn words_are_found_in_both_languages_newest_first() {
        let (_folder, mut derived) = derived();
        let bodies = [
            "Solid nodule in the right upper lobe",
            "右肺上叶实性结节，约 6 mm",
            "No nodule. Cardiomégalie",
            "胸腔积液",
        ];
        let documents = bodies.iter().enumerate().map(|(n, body)| Document {
            patient: if n < 2 { "a" } else { "b" },
            kind: "DiagnosticReport",
            resource: "r",
            day: Some(n as i32 * 10 - 400),
            title: body,
            body,
        });
        assert_eq!(derived.add(documents).unwrap(), 4);
        let found = |words: &str, patient| -> Vec<usize> {
            let hits = derived.search(words, patient, 10).unwrap();
            hits.iter()
                .map(|h| bodies.iter().position(|b| b == h.title.reveal()).unwrap())
                .collect()
        };
        assert_eq!(found("nodule", None), [2, 0]);
        assert_eq!(found("nodu", None), [2, 0]);
        assert_eq!(found("nodu ", None), Vec::<usize>::new());
        assert_eq!(found("nodule", Some("a")), [0]);
        assert_eq!(found("结节", None), [1]);
        assert_eq!(found("节结", None), Vec::<usize>::new());
        assert_eq!(found("上叶 结节", None), [1]);
        assert_eq!(found("积液", None), [3]);
        assert_eq!(found("cardiomegalie", None), [2]);
        // Signs of the index's own language are words like any other.
        for words in ["\"", "nodule OR", "* -x", "NEAR(", "body:nodule", "  ", ""] {
            let _ = derived.search(words, None, 10).unwrap();
        }
        assert_eq!(found("nodule AND lobe", None), Vec::<usize>::new());
        let hit = &derived.search("积液", None, 1).unwrap()[0];
        assert_eq!(
            hit.day.map(|d| d.to_string()).as_deref(),
            Some("1968-12-27")
        );
    }

    #[test]
    fn what_cannot_be_read_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path();
        let key = StoreKey::random().unwrap();
        drop(Derived::open(dir, &key).unwrap());
        assert!(!Derived::open(dir, &key).unwrap().1);
        assert!(Derived::open(dir, &StoreKey::random().unwrap()).unwrap().1);
        for file in FILES {
            drop(Derived::open(dir, &key).unwrap());
            fs::write(dir.join(file), b"no database at all").unwrap();
            assert!(Derived::open(dir, &key).unwrap().1);
            fs::remove_file(dir.join(file)).unwrap();
            assert!(Derived::open(dir, &key).unwrap().1, "one is not enough");
        }
    }

    #[test]
    fn pages_are_sealed_by_the_quicker_hash_and_those_of_before_are_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let key = StoreKey::random().unwrap();
        let (derived, _) = Derived::open(folder.path(), &key).unwrap();
        let seal = "PRAGMA cipher_hmac_algorithm";
        let seal: String = derived
            .facts()
            .query_row(seal, [], |row| row.get(0))
            .unwrap();
        assert_eq!(seal, "HMAC_SHA256");
        drop(derived);
        for file in FILES {
            let path = folder.path().join(file);
            fs::remove_file(&path).unwrap();
            // As the program made them before.
            let before = rusqlite::Connection::open(path).unwrap();
            let statement = crate::store::database::derived_key_statement(&key);
            before.execute_batch(&statement).unwrap();
            before
                .execute_batch("PRAGMA user_version = 4; CREATE TABLE word (body)")
                .unwrap();
        }
        assert!(Derived::open(folder.path(), &key).unwrap().1);
    }

    #[test]
    fn both_databases_answer_as_one() {
        let (_folder, mut derived) = derived();
        let many: Vec<String> = (0..300).map(|n| format!("word{n} common")).collect();
        // All of one day, and some in two steps: numbers go on where they ended.
        for half in many.chunks(150) {
            let documents = half.iter().map(|body| Document {
                patient: "a",
                kind: "Basic",
                resource: body,
                day: Some(1000),
                title: body,
                body,
            });
            assert_eq!(derived.add(documents).unwrap(), 150);
        }
        assert_eq!(derived.documents().unwrap(), 300);
        for shard in &derived.shards {
            let sql = "SELECT COUNT(*) FROM document";
            let count: i64 = shard.query_row(sql, [], |row| row.get(0)).unwrap();
            assert_eq!(count, 150);
        }
        let titles = |hits: Vec<Hit>| -> Vec<String> {
            hits.into_iter().map(|h| h.title.reveal().clone()).collect()
        };
        let newest: Vec<String> = many.iter().rev().take(50).cloned().collect();
        for patient in [None, Some("a")] {
            assert_eq!(
                titles(derived.search("common", patient, 50).unwrap()),
                newest
            );
        }
        assert_eq!(
            titles(derived.search("word17 ", None, 9).unwrap()),
            ["word17 common"]
        );
        let page = derived.page(i64::MAX, 50).unwrap();
        assert_eq!(
            titles(page.iter().map(|(_, h)| h.clone()).collect()),
            newest
        );
        let (last, hit) = page.last().unwrap();
        assert_eq!(derived.document(*last).unwrap().as_ref(), Some(hit));
        let next = derived.page(*last, 1).unwrap();
        assert_eq!(next[0].1.title.reveal(), &many[249]);
        derived.settle().unwrap();
        assert_eq!(titles(derived.search("comm", None, 50).unwrap()), newest);
    }
}
