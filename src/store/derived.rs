//! What is made of a store and can be made again: the facts of each record for counting over many, and the words of
//! records and reports for searching. A database of its own, encrypted under a key of its own, made when it is first
//! wanted.
//!
//! Must stay true: nothing is in it alone; when it cannot be read, or belongs to another state of the store, it is made
//! anew. Before it answers, whatever changed in the store is taken in.

use super::{AuditEvent, Store, StoreError, database, key::StoreKey};
use crate::{
    clinical::{
        Resource,
        cohort::{Person, day_of, facts},
        elements::is_ideographic,
        record::build_record,
    },
    model::{
        access::{AuditKind, Right},
        date::Date,
        identity::Phi,
        record::{Coding, PatientRecord},
    },
};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params};
use std::{collections::BTreeMap, fs, path::Path};

/// Name of the file.
pub const FILE: &str = "derived.db";
/// Format; another one is made anew.
const FORMAT: i64 = 2;

const SCHEMA: &str = "
CREATE TABLE digest (
    patient TEXT PRIMARY KEY,
    amended TEXT NOT NULL,
    sex TEXT NOT NULL,
    birth INTEGER,
    death INTEGER,
    facts TEXT NOT NULL
) WITHOUT ROWID;
-- One row a thing that can be found. The number grows with the day, so that the newest is found first.
CREATE TABLE document (
    id INTEGER PRIMARY KEY,
    patient TEXT NOT NULL,
    kind TEXT NOT NULL,
    resource TEXT NOT NULL,
    title TEXT NOT NULL
);
CREATE INDEX document_of_patient ON document (patient);
-- What headers say: one file of each series of the index of studies, and whether it could be read.
CREATE TABLE tagged (
    series INTEGER PRIMARY KEY,
    study INTEGER NOT NULL,
    path BLOB NOT NULL,
    bytes INTEGER NOT NULL,
    read INTEGER NOT NULL
);
CREATE TABLE tag (
    tag INTEGER NOT NULL,
    series INTEGER NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (tag, series, value)
) WITHOUT ROWID;
CREATE INDEX tag_of_series ON tag (series);
CREATE VIRTUAL TABLE word USING fts5(
    body, content='', contentless_delete=1, prefix='2 3', tokenize='unicode61 remove_diacritics 2'
);
";

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

/// The database of what is derived.
pub struct Derived {
    pub(super) connection: Connection,
}

impl Derived {
    /// Opens it, or makes it anew where it cannot be read; whether it is new comes back.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn open(path: &Path, key: &StoreKey) -> Result<(Self, bool), StoreError> {
        if path.exists() {
            match Self::connect(path, key) {
                Ok(derived) if derived.is_current() => return Ok((derived, false)),
                Err(error @ StoreError::Busy) => return Err(error),
                // Of another key, another format, or damaged: nothing is in it alone.
                _ => remove_file(path)?,
            }
        }
        let derived = Self::connect(path, key)?;
        derived.connection.execute_batch(&format!(
            "BEGIN IMMEDIATE; {SCHEMA}; PRAGMA user_version = {FORMAT}; COMMIT;"
        ))?;
        Ok((derived, true))
    }

    fn connect(path: &Path, key: &StoreKey) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.execute_batch("PRAGMA cipher_log_level = NONE")?;
        connection.execute_batch(&database::derived_key_statement(key))?;
        // What is freed is overwritten in no page: all of it is encrypted, and the whole file goes with a patient.
        connection.execute_batch(
            "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
             PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF; PRAGMA secure_delete = OFF;
             PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 8192;",
        )?;
        Ok(Self { connection })
    }

    fn is_current(&self) -> bool {
        let version = self
            .connection
            .query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0));
        matches!(version, Ok(FORMAT))
    }

    /// Adds documents, in one transaction.
    ///
    /// # Errors
    /// Those of the database.
    pub fn add<'a>(
        &mut self,
        documents: impl IntoIterator<Item = Document<'a>>,
    ) -> Result<usize, StoreError> {
        let transaction = self.connection.transaction()?;
        let count = add_documents(&transaction, documents)?;
        transaction.commit()?;
        Ok(count)
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
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let columns = "document.id, document.patient, kind, resource, title";
        let rows = match patient {
            None => {
                let mut statement = self.connection.prepare_cached(&format!(
                    "SELECT {columns} FROM word JOIN document ON document.id = word.rowid
                     WHERE word MATCH ?1 ORDER BY word.rowid DESC LIMIT ?2"
                ))?;
                statement
                    .query_map(params![query, most], hit)?
                    .collect::<Result<Vec<_>, _>>()?
            }
            Some(patient) => {
                let mut statement = self.connection.prepare_cached(&format!(
                    "SELECT {columns} FROM word JOIN document ON document.id = word.rowid
                     WHERE word MATCH ?1 AND document.patient = ?3
                     ORDER BY word.rowid DESC LIMIT ?2"
                ))?;
                statement
                    .query_map(params![query, most, patient], hit)?
                    .collect::<Result<Vec<_>, _>>()?
            }
        };
        Ok(rows)
    }

    /// The document with a number.
    ///
    /// # Errors
    /// Those of the database.
    pub fn document(&self, id: i64) -> Result<Option<Hit>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, patient, kind, resource, title FROM document WHERE id = ?1",
        )?;
        Ok(statement.query_row([id], hit).optional()?)
    }

    /// A page of the newest documents before a number; numbers come with them.
    ///
    /// # Errors
    /// Those of the database.
    pub fn page(&self, before: i64, most: usize) -> Result<Vec<(i64, Hit)>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, patient, kind, resource, title FROM document WHERE id < ?1
             ORDER BY id DESC LIMIT ?2",
        )?;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let rows = statement.query_map([before, most], |row| Ok((row.get(0)?, hit(row)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How many documents there are.
    ///
    /// # Errors
    /// Those of the database.
    pub fn documents(&self) -> Result<usize, StoreError> {
        let sql = "SELECT COUNT(*) FROM document";
        Ok(self
            .connection
            .query_row(sql, [], |row| database::count(row, 0))?)
    }

    /// Puts the parts of the index of words together, after much was added.
    ///
    /// # Errors
    /// Those of the database.
    pub fn settle(&self) -> Result<(), StoreError> {
        self.connection
            .execute_batch("INSERT INTO word(word) VALUES ('optimize')")?;
        database::checkpoint(&self.connection)
    }
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

fn add_documents<'a>(
    connection: &Connection,
    documents: impl IntoIterator<Item = Document<'a>>,
) -> Result<usize, StoreError> {
    let mut newest =
        connection.prepare_cached("SELECT MAX(id) FROM document WHERE id >= ?1 AND id < ?2")?;
    let mut keep = connection.prepare_cached(
        "INSERT INTO document (id, patient, kind, resource, title) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    let mut words = connection.prepare_cached("INSERT INTO word (rowid, body) VALUES (?1, ?2)")?;
    // The next number of each day that was seen.
    let mut next: BTreeMap<i64, i64> = BTreeMap::new();
    let mut numbered = Vec::new();
    for document in documents {
        let day = document
            .day
            .map_or(0, |day| (i64::from(day) - FIRST_DAY).max(0));
        let begin = day * A_DAY;
        let id = match next.get(&day) {
            Some(id) => *id,
            None => {
                let last: Option<i64> =
                    newest.query_row([begin, begin + A_DAY], |row| row.get(0))?;
                last.map_or(begin + 1, |last| last + 1)
            }
        };
        next.insert(day, id + 1);
        numbered.push((id, document));
    }
    // In order: the index of words writes out what it holds each time that a number is below the last one.
    numbered.sort_by_key(|(id, _)| *id);
    let count = numbered.len();
    for (id, document) in numbered {
        keep.execute(params![
            id,
            document.patient,
            document.kind,
            document.resource,
            document.title
        ])?;
        words.execute(params![id, spaced(document.body)])?;
    }
    Ok(count)
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

/// Removes what is derived: it would tell of what the store no longer has, or lies under another key.
///
/// # Errors
/// Those of the disk.
pub(super) fn remove(dir: &Path) -> Result<(), StoreError> {
    remove_file(&dir.join(FILE))
}

fn remove_file(path: &Path) -> Result<(), StoreError> {
    for ending in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        match fs::remove_file(&name) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(StoreError::io("removing what is derived")(e));
            }
            _ => {}
        }
    }
    Ok(())
}

impl Store {
    /// What is derived, with all changes of the store taken in.
    pub(super) fn derived(&self) -> Result<std::cell::RefMut<'_, Derived>, StoreError> {
        let mut slot = self.derived.borrow_mut();
        if slot.is_none() {
            let (derived, new) = Derived::open(&self.dir.join(FILE), &self.key)?;
            if new {
                self.connection.execute_batch(
                    "INSERT OR IGNORE INTO changed (patient) SELECT fhir_id FROM patient",
                )?;
            }
            *slot = Some(derived);
        }
        let mut derived = std::cell::RefMut::filter_map(slot, Option::as_mut)
            .map_err(|_| StoreError::damaged("database", "what is derived is closed"))?;
        self.take_in(&mut derived)?;
        Ok(derived)
    }

    /// What is read otherwise of each patient: a mark that changes with it.
    fn amended_marks(&self) -> BTreeMap<&str, String> {
        let mut marks: BTreeMap<&str, String> = BTreeMap::new();
        for (place, text) in &self.kept().amendments {
            let mark = marks.entry(place.patient.reveal().as_str()).or_default();
            let text = text.reveal();
            *mark = crate::clinical::quality::text_mark(&format!(
                "{mark} {} {} {text}",
                place.kind,
                place.id.reveal()
            ));
        }
        marks
    }

    fn take_in(&self, derived: &mut Derived) -> Result<(), StoreError> {
        let mut stale: Vec<String> = self
            .connection
            .prepare("SELECT patient FROM changed")?
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        let marks = self.amended_marks();
        {
            let mut statement = derived
                .connection
                .prepare("SELECT patient, amended FROM digest WHERE amended <> ''")?;
            let mut rows = statement.query([])?;
            let mut known: BTreeMap<String, String> = BTreeMap::new();
            while let Some(row) = rows.next()? {
                known.insert(row.get(0)?, row.get(1)?);
            }
            let other = marks.iter().filter(|(p, m)| known.get(**p) != Some(m));
            stale.extend(other.map(|(p, _)| (*p).to_owned()));
            let gone = known.keys().filter(|p| !marks.contains_key(p.as_str()));
            stale.extend(gone.cloned());
        }
        stale.sort_unstable();
        stale.dedup();
        if stale.is_empty() {
            return Ok(());
        }
        let common = self.resources("")?;
        // Parts, so that a crash loses little.
        for part in stale.chunks(64) {
            let transaction = derived.connection.transaction()?;
            for patient in part {
                let mark = marks.get(patient.as_str()).map_or("", String::as_str);
                self.take_in_one(&transaction, patient, mark, &common)?;
            }
            transaction.commit()?;
            let mut settled = self
                .connection
                .prepare_cached("DELETE FROM changed WHERE patient = ?1")?;
            for patient in part {
                settled.execute([patient])?;
            }
        }
        Ok(())
    }

    fn take_in_one(
        &self,
        derived: &Connection,
        patient: &str,
        mark: &str,
        common: &[Resource],
    ) -> Result<(), StoreError> {
        derived
            .prepare_cached(
                "DELETE FROM word WHERE rowid IN (SELECT id FROM document WHERE patient = ?1)",
            )?
            .execute([patient])?;
        for table in ["document", "digest"] {
            derived
                .prepare_cached(&format!("DELETE FROM {table} WHERE patient = ?1"))?
                .execute([patient])?;
        }
        let own = self.resources(patient)?;
        if own.is_empty() {
            return Ok(());
        }
        let mut all = own.clone();
        all.extend(common.iter().filter(|r| r.kind == "Medication").cloned());
        let record = build_record(&all);
        let facts = facts::encode(&facts::facts_of(&record));
        let identity = &record.identity;
        derived
            .prepare_cached(
                "INSERT INTO digest (patient, amended, sex, birth, death, facts)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                patient,
                mark,
                identity.sex.reveal().code(),
                day_of(*identity.birth_date.reveal()),
                day_of(record.deceased),
                facts
            ])?;
        let documents = documents_of(&own);
        let each = documents.iter().map(|d| Document {
            patient,
            kind: &d.kind,
            resource: &d.id,
            day: d.day,
            title: &d.title,
            body: &d.body,
        });
        add_documents(derived, each)?;
        Ok(())
    }

    /// Everybody of whom there is a record, with the facts of it.
    pub(super) fn digests(&self) -> Result<Vec<(Person, String)>, StoreError> {
        let derived = self.derived()?;
        let mut statement = derived
            .connection
            .prepare("SELECT patient, sex, birth, death, facts FROM digest ORDER BY patient")?;
        let rows = statement.query_map([], |row| {
            let sex: String = row.get(1)?;
            let person = Person {
                id: Phi::new(row.get(0)?),
                sex: crate::model::identity::Sex::parse(&sex),
                birth: row.get(2)?,
                death: row.get(3)?,
                record: true,
            };
            Ok((person, row.get(4)?))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

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

struct Made {
    kind: String,
    id: String,
    day: Option<i32>,
    title: String,
    body: String,
}

/// What can be found of a patient: each resource by its words, reports by their text.
fn documents_of(resources: &[Resource]) -> Vec<Made> {
    let mut out = Vec::new();
    for resource in resources {
        if resource.kind == "Linkage" || resource.kind == "Patient" {
            continue;
        }
        let record = build_record(std::slice::from_ref(resource));
        let Some((title, body, day)) = words_of(&record) else {
            continue;
        };
        if title.is_empty() && body.is_empty() {
            continue;
        }
        out.push(Made {
            kind: resource.kind.clone(),
            id: resource.id.clone(),
            day: day_of(day),
            body: format!("{title}\n{body}"),
            title,
        });
    }
    out
}

pub(super) fn words_of(record: &PatientRecord) -> Option<(String, String, Option<Date>)> {
    let name = |code: &Coding| match code.display.is_empty() {
        true => code.code.clone(),
        false => code.display.clone(),
    };
    let some = |code: &Coding, more: &str, day| Some((name(code), more.to_owned(), day));
    if let Some(r) = record.reports.first() {
        return some(&r.code, &r.text, r.date);
    }
    if let Some(c) = record.conditions.first() {
        return some(&c.code, &c.code.code, c.onset);
    }
    if let Some(m) = record.medications.first() {
        return some(&m.code, &m.dosage, m.authored);
    }
    if let Some(a) = record.allergies.first() {
        return some(&a.code, "", a.recorded);
    }
    if let Some(p) = record.procedures.first() {
        return some(&p.code, &p.reason, p.performed);
    }
    if let Some(s) = record.imaging_studies.first() {
        let words = format!("{} {}", s.modalities.join(" "), s.body_site);
        return Some((s.description.clone(), words, s.started));
    }
    if let Some(i) = record.immunizations.first() {
        return some(&i.code, "", i.date);
    }
    if let Some(c) = record.care_plans.first() {
        return some(&c.code, &c.activities.join(" "), c.start);
    }
    if let Some(r) = record.family.first() {
        let had = r.conditions.iter().map(|c| c.code.display.as_str());
        return some(
            &r.relationship,
            &had.collect::<Vec<_>>().join("\n"),
            r.noted,
        );
    }
    if let Some(e) = record.encounters.first() {
        return some(&e.code, &e.reason, e.start);
    }
    // A value says little by its number; its name and its words are found.
    let series = record.observations.first()?;
    let value = series.values.first()?;
    some(&series.code, &value.text, value.date)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn derived() -> (tempfile::TempDir, Derived) {
        let folder = tempfile::tempdir().unwrap();
        let key = StoreKey::random().unwrap();
        let (derived, new) = Derived::open(&folder.path().join(FILE), &key).unwrap();
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
        let path = folder.path().join(FILE);
        let key = StoreKey::random().unwrap();
        drop(Derived::open(&path, &key).unwrap());
        assert!(!Derived::open(&path, &key).unwrap().1);
        assert!(
            Derived::open(&path, &StoreKey::random().unwrap())
                .unwrap()
                .1
        );
        std::fs::write(&path, b"no database at all").unwrap();
        assert!(Derived::open(&path, &key).unwrap().1);
    }
}
