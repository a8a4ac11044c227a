//! What is made of a store and can be made again: the facts of each record for counting over many, and the words of
//! records and reports for searching. Two databases of their own, encrypted under a key of their own, made when they are
//! first wanted. Documents lie in the one or the other by the last bit of their number, so that two cores can index what
//! was added; facts lie in the first.
//!
//! Must stay true: nothing is in them alone; when they cannot be read, or belong to another state of the store, they are
//! made anew. Before they answer, whatever changed in the store is taken in. What was taken in is settled after both
//! have it: a crash in between takes it in again.

mod digests;
mod documents;
mod words;

pub(super) use digests::Counted;
pub(super) use documents::words_of;
pub use words::{Document, Hit};

use super::{Store, StoreError, database, key::StoreKey};
use rusqlite::{Connection, OpenFlags};
use std::{collections::BTreeMap, fs, path::Path};

/// Name of the first file.
pub const FILE: &str = "derived.db";
/// Names of all files.
pub const FILES: [&str; 2] = [FILE, "derived-2.db"];
/// Format; another one is made anew.
const FORMAT: i64 = 5;
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
    facts BLOB NOT NULL
) WITHOUT ROWID;
-- What many facts have in common, named by a number in them. One that no fact names any more is no harm.
CREATE TABLE term (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
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
-- A part of the index must fit into a page of the database, of which SQLCipher has 48 bytes: else each takes two pages.
INSERT INTO word (word, rank) VALUES ('pgsz', 3982);
";

/// The databases of what is derived.
pub struct Derived {
    shards: [Connection; FILES.len()],
    /// The next number of a document of each day that was asked for.
    next: BTreeMap<i64, i64>,
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
            next: BTreeMap::new(),
        })
    }

    fn connect(path: &Path, key: &StoreKey) -> Result<Connection, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.execute_batch("PRAGMA cipher_log_level = NONE")?;
        connection.execute_batch(&database::derived_key_statement(key))?;
        // Processors have instructions for this hash, which takes a third of the time of SHA-512: sealing pages was a fifth of
        // what adding reports costs. To be said before the first page is read.
        connection.execute_batch("PRAGMA cipher_hmac_algorithm = HMAC_SHA256")?;
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
}
