//! What is made of a store and can be made again: the facts of each record for counting over many, and the words of
//! records and reports for searching. Two databases of their own, encrypted under a key of their own, made when they are
//! first wanted. Documents lie in the one or the other by the last bit of their number, so that two cores can index what
//! was added; facts lie in the first.
//!
//! Must stay true: nothing is in them alone; when they cannot be read, or belong to another state of the store, they are
//! made anew. Before they answer, whatever changed in the store is taken in. What was taken in is settled after both
//! have it: a crash in between takes it in again.

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

/// Name of the first file.
pub const FILE: &str = "derived.db";
/// Names of all files.
pub const FILES: [&str; 2] = [FILE, "derived-2.db"];
/// Format; another one is made anew.
const FORMAT: i64 = 3;
/// Patients that are taken in at once while nobody waits.
const A_FEW: usize = 16;
/// Fewer documents than this are not worth a second thread.
const WORTH_A_THREAD: usize = 64;

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
-- What one transaction adds is written out once, and parts are put together in larger steps: a third less work.
INSERT INTO word (word, rank) VALUES ('hashsize', 33554432);
INSERT INTO word (word, rank) VALUES ('automerge', 16);
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

/// The databases of what is derived.
pub struct Derived {
    shards: [Connection; FILES.len()],
}

/// Which database has a document.
fn shard_of(id: i64) -> usize {
    usize::from(id & 1 == 1)
}

impl Derived {
    /// Opens them in a folder, or makes them anew where one cannot be read; whether they are new comes back.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn open(dir: &Path, key: &StoreKey) -> Result<(Self, bool), StoreError> {
        if FILES.iter().all(|file| dir.join(file).exists()) {
            match Self::connect_all(dir, key) {
                Ok(derived) if derived.shards.iter().all(is_current) => {
                    return Ok((derived, false));
                }
                Err(error @ StoreError::Busy) => return Err(error),
                // Of another key, another format, or damaged: nothing is in them alone.
                _ => {}
            }
        }
        remove(dir)?;
        let derived = Self::connect_all(dir, key)?;
        for shard in &derived.shards {
            shard.execute_batch(&format!(
                "BEGIN IMMEDIATE; {SCHEMA}; PRAGMA user_version = {FORMAT}; COMMIT;"
            ))?;
        }
        Ok((derived, true))
    }

    fn connect_all(dir: &Path, key: &StoreKey) -> Result<Self, StoreError> {
        let [first, second] = FILES.map(|file| Self::connect(&dir.join(file), key));
        Ok(Self {
            shards: [first?, second?],
        })
    }

    fn connect(path: &Path, key: &StoreKey) -> Result<Connection, StoreError> {
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
             PRAGMA cache_size = -32768; PRAGMA wal_autocheckpoint = 8192;",
        )?;
        Ok(connection)
    }

    /// The database with the facts, and with what headers say.
    pub(super) fn facts(&self) -> &Connection {
        let [first, _] = &self.shards;
        first
    }

    /// The same, to be written.
    pub(super) fn facts_mut(&mut self) -> &mut Connection {
        let [first, _] = &mut self.shards;
        first
    }

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
        &self,
        documents: impl IntoIterator<Item = Document<'a>>,
    ) -> Result<[Vec<(i64, Document<'a>)>; FILES.len()], StoreError> {
        let mut newest = Vec::new();
        for shard in &self.shards {
            let sql = "SELECT MAX(id) FROM document WHERE id >= ?1 AND id < ?2";
            newest.push(shard.prepare_cached(sql)?);
        }
        // The next number of each day that was seen.
        let mut next: BTreeMap<i64, i64> = BTreeMap::new();
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

fn is_current(shard: &Connection) -> bool {
    let version = shard.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0));
    matches!(version, Ok(FORMAT))
}

/// Does something in each database, on two threads where `count` things are worth it.
fn in_each<T: Send>(
    shards: &mut [Connection; FILES.len()],
    parts: [T; FILES.len()],
    count: usize,
    work: impl Fn(&mut Connection, T) -> Result<(), StoreError> + Sync,
) -> Result<(), StoreError> {
    let [first, second] = shards;
    let [part, other] = parts;
    if count < WORTH_A_THREAD {
        work(second, other)?;
        return work(first, part);
    }
    std::thread::scope(|scope| {
        let beside = scope.spawn(|| work(second, other));
        let here = work(first, part);
        let there = beside.join().unwrap_or_else(|_| {
            let text = "the words could not be taken in";
            Err(StoreError::damaged("database", text))
        });
        here.and(there)
    })
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

/// Removes what is derived: it would tell of what the store no longer has, or lies under another key.
///
/// # Errors
/// Those of the disk.
pub(super) fn remove(dir: &Path) -> Result<(), StoreError> {
    FILES
        .iter()
        .try_for_each(|file| remove_file(&dir.join(file)))
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
        let mut derived = self.derived_as_it_is()?;
        self.take_in(&mut derived, usize::MAX)?;
        Ok(derived)
    }

    /// Takes a few changed patients in, so that who searches later need not wait; whether more are left. For whoever
    /// owns the store and has nothing else to do.
    ///
    /// # Errors
    /// Those of the database.
    pub fn tend_derived(&self) -> Result<bool, StoreError> {
        if !self
            .connection
            .prepare_cached("SELECT 1 FROM patient")?
            .exists([])?
        {
            return Ok(false);
        }
        let mut derived = self.derived_as_it_is()?;
        self.take_in(&mut derived, A_FEW)
    }

    fn derived_as_it_is(&self) -> Result<std::cell::RefMut<'_, Derived>, StoreError> {
        let mut slot = self.derived.borrow_mut();
        if slot.is_none() {
            let (derived, new) = Derived::open(&self.dir, &self.key)?;
            if new {
                self.connection.execute_batch(
                    "INSERT OR IGNORE INTO changed (patient) SELECT fhir_id FROM patient",
                )?;
            }
            *slot = Some(derived);
        }
        std::cell::RefMut::filter_map(slot, Option::as_mut)
            .map_err(|_| StoreError::damaged("database", "what is derived is closed"))
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

    /// Takes changed patients in, not many more than `most`; whether some are left.
    fn take_in(&self, derived: &mut Derived, most: usize) -> Result<bool, StoreError> {
        let mut stale: Vec<String> = self
            .connection
            .prepare("SELECT patient FROM changed")?
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        let marks = self.amended_marks();
        {
            let mut statement = derived
                .facts()
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
        let left = stale.len() > most;
        stale.truncate(most);
        if stale.is_empty() {
            return Ok(false);
        }
        let common = self.resources("")?;
        // Parts, so that a crash loses little.
        for part in stale.chunks(64) {
            let mut made = Vec::with_capacity(part.len());
            for patient in part {
                let mark = marks.get(patient.as_str()).map_or("", String::as_str);
                made.push(self.made_of(patient, mark, &common)?);
            }
            derived.replace(&made)?;
            let settled = self.connection.unchecked_transaction()?;
            for patient in part {
                settled
                    .prepare_cached("DELETE FROM changed WHERE patient = ?1")?
                    .execute([patient])?;
            }
            settled.commit()?;
        }
        Ok(left)
    }

    fn made_of(
        &self,
        patient: &str,
        mark: &str,
        common: &[Resource],
    ) -> Result<Digested, StoreError> {
        let own = self.resources(patient)?;
        let mut digested = Digested {
            patient: patient.to_owned(),
            ..Digested::default()
        };
        if own.is_empty() {
            return Ok(digested);
        }
        digested.documents = documents_of(&own);
        let mut all = own;
        all.extend(common.iter().filter(|r| r.kind == "Medication").cloned());
        let record = build_record(&all);
        let identity = &record.identity;
        digested.digest = Some(Digest {
            amended: mark.to_owned(),
            sex: identity.sex.reveal().code().to_owned(),
            birth: day_of(*identity.birth_date.reveal()),
            death: day_of(record.deceased),
            facts: facts::encode(&facts::facts_of(&record)),
        });
        Ok(digested)
    }

    /// Everybody of whom there is a record, with the facts of it.
    pub(super) fn digests(&self) -> Result<Vec<(Person, String)>, StoreError> {
        let derived = self.derived()?;
        let mut statement = derived
            .facts()
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

/// What is made of the record of a patient; nothing where there is none any more.
#[derive(Default)]
struct Digested {
    patient: String,
    digest: Option<Digest>,
    documents: Vec<Made>,
}

struct Digest {
    amended: String,
    sex: String,
    birth: Option<i32>,
    death: Option<i32>,
    facts: String,
}

impl Derived {
    /// Puts what was made of some patients in the place of what was there of them.
    fn replace(&mut self, made: &[Digested]) -> Result<(), StoreError> {
        in_each(&mut self.shards, [(), ()], usize::MAX, |shard, ()| {
            let transaction = shard.transaction()?;
            for one in made {
                transaction
                    .prepare_cached(
                        "DELETE FROM word WHERE rowid IN
                         (SELECT id FROM document WHERE patient = ?1)",
                    )?
                    .execute([&one.patient])?;
                for table in ["document", "digest"] {
                    transaction
                        .prepare_cached(&format!("DELETE FROM {table} WHERE patient = ?1"))?
                        .execute([&one.patient])?;
                }
            }
            Ok(transaction.commit()?)
        })?;
        // Facts last: who has them has the words too.
        self.add(made.iter().flat_map(|one| {
            one.documents.iter().map(|d| Document {
                patient: &one.patient,
                kind: &d.kind,
                resource: &d.id,
                day: d.day,
                title: &d.title,
                body: &d.body,
            })
        }))?;
        let [first, _] = &mut self.shards;
        let transaction = first.transaction()?;
        for one in made {
            let Some(digest) = &one.digest else { continue };
            transaction
                .prepare_cached(
                    "INSERT INTO digest (patient, amended, sex, birth, death, facts)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                )?
                .execute(params![
                    one.patient,
                    digest.amended,
                    digest.sex,
                    digest.birth,
                    digest.death,
                    digest.facts
                ])?;
        }
        Ok(transaction.commit()?)
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
