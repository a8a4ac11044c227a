//! The database of a store: SQLCipher with a raw key, write-ahead log, full sync, versioned schema.
//!
//! Must stay true: the key is set before anything else; a database of a later version is not touched, not even by
//! a checkpoint; temporary tables live in memory.

use super::{StoreError, key::StoreKey};
use rusqlite::{Connection, OpenFlags, config::DbConfig};
use std::{fmt::Write as _, fs::File, io::Read as _, path::Path};
use zeroize::Zeroizing;

/// Name of the file.
pub const FILE: &str = "store.db";

/// One step a version; a step is never changed once released.
const MIGRATIONS: [&str; 4] = ["
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;

-- Patients of the record. family and given are folded for comparing; the Patient resource has the truth.
CREATE TABLE patient (
    fhir_id TEXT PRIMARY KEY,
    family TEXT NOT NULL,
    given TEXT NOT NULL,
    birth_date TEXT NOT NULL,
    imported TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX patient_by_person ON patient (birth_date, family, given);
CREATE TABLE identifier (
    value TEXT NOT NULL,
    patient TEXT NOT NULL REFERENCES patient (fhir_id) ON DELETE CASCADE,
    PRIMARY KEY (value, patient)
) WITHOUT ROWID;
CREATE INDEX identifier_by_patient ON identifier (patient);

-- FHIR resources as they came. patient is empty for those that belong to nobody.
CREATE TABLE resource (
    patient TEXT NOT NULL,
    type TEXT NOT NULL,
    id TEXT NOT NULL,
    full_url TEXT NOT NULL,
    json TEXT NOT NULL,
    PRIMARY KEY (patient, type, id)
);

-- The index of studies, made anew from the files at any time.
CREATE TABLE subject (
    id INTEGER PRIMARY KEY,
    alphabetic TEXT NOT NULL,
    ideographic TEXT NOT NULL,
    phonetic TEXT NOT NULL,
    patient_id TEXT NOT NULL,
    issuer TEXT NOT NULL,
    birth_date TEXT NOT NULL,
    sex TEXT NOT NULL,
    synthetic INTEGER NOT NULL,
    UNIQUE (alphabetic, ideographic, phonetic, patient_id, issuer, birth_date, sex, synthetic)
);
CREATE TABLE study (
    id INTEGER PRIMARY KEY,
    subject INTEGER NOT NULL REFERENCES subject (id),
    uid TEXT NOT NULL,
    date TEXT NOT NULL,
    time TEXT NOT NULL,
    description TEXT NOT NULL,
    accession TEXT NOT NULL,
    UNIQUE (uid, subject)
);
CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    study INTEGER NOT NULL REFERENCES study (id),
    uid TEXT NOT NULL,
    modality TEXT NOT NULL,
    number INTEGER,
    description TEXT NOT NULL,
    body_part TEXT NOT NULL,
    UNIQUE (uid, study)
);
CREATE TABLE instance (
    path BLOB PRIMARY KEY,
    series INTEGER NOT NULL REFERENCES series (id),
    sop_class TEXT NOT NULL,
    uid TEXT NOT NULL,
    number INTEGER,
    transfer_syntax TEXT NOT NULL,
    frames INTEGER NOT NULL,
    bytes INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX instance_by_series ON instance (series);
CREATE INDEX instance_by_uid ON instance (uid);
", "
-- Accounts beside that of the owner, whose passphrase made the store.
CREATE TABLE account (
    name TEXT PRIMARY KEY,
    role TEXT NOT NULL,
    created TEXT NOT NULL
) WITHOUT ROWID;
", "
-- Patients whose record changed since what is derived of it was made.
CREATE TABLE changed (patient TEXT PRIMARY KEY) WITHOUT ROWID;
INSERT INTO changed (patient) SELECT fhir_id FROM patient;
", "
-- The path of an instance may be that of a file that the store keeps: a zero byte, the name of the blob, a slash, and
-- where the file lay. A program that does not know of them would leave their key behind with another key of the store,
-- and blobs behind a patient who is taken out; so it is to leave the store alone.
SELECT 1;
"];

/// Version of the schema that this program writes.
pub const VERSION: u32 = MIGRATIONS.len() as u32;

/// The first 16 bytes of the file, which SQLCipher calls salt. They come from the key, so that they are known
/// when they are damaged.
pub fn salt(key: &StoreKey) -> [u8; 16] {
    let derived = key.derive("negatoscope database salt 1");
    let mut salt = [0; 16];
    for (slot, byte) in salt.iter_mut().zip(derived.iter()) {
        *slot = *byte;
    }
    salt
}

/// Whether the file begins with its salt.
pub fn salt_is_sound(path: &Path, key: &StoreKey) -> Result<bool, StoreError> {
    let mut first = [0; 16];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut first));
    match read {
        Ok(()) => Ok(first == salt(key)),
        Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => Ok(false),
        Err(e) => Err(StoreError::io("reading the database")(e)),
    }
}

/// The key of the pages.
pub(super) fn raw_key(key: &StoreKey) -> Zeroizing<[u8; 32]> {
    key.derive("negatoscope database 1")
}

pub(super) fn key_statement(key: &StoreKey) -> Zeroizing<String> {
    let mut sql = Zeroizing::new(String::with_capacity(128));
    sql.push_str("PRAGMA key = \"x'");
    let raw = raw_key(key);
    for byte in raw.iter().chain(&salt(key)) {
        // Writing to a String cannot fail.
        let _ = write!(sql, "{byte:02x}");
    }
    sql.push_str("'\"");
    sql
}

/// The same for the database of what is derived, whose salt lies in its file.
pub(super) fn derived_key_statement(key: &StoreKey) -> Zeroizing<String> {
    let mut sql = Zeroizing::new(String::with_capacity(96));
    sql.push_str("PRAGMA key = \"x'");
    for byte in key.derive("negatoscope derived 1").iter() {
        // Writing to a String cannot fail.
        let _ = write!(sql, "{byte:02x}");
    }
    sql.push_str("'\"");
    sql
}

/// Opens the database; `create` makes a new one.
pub fn connect(path: &Path, key: &StoreKey, create: bool) -> Result<Connection, StoreError> {
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if create {
        flags |= OpenFlags::SQLITE_OPEN_CREATE;
    } else if !path.exists() {
        return Err(StoreError::damaged("database", "the file is missing"));
    }
    let connection = Connection::open_with_flags(path, flags)?;
    // SQLCipher would write its own messages to the standard error.
    connection.execute_batch("PRAGMA cipher_log_level = NONE")?;
    connection.execute_batch(&key_statement(key))?;
    // A log that a later version left behind stays as it is. Without one, closing removes the empty log that
    // reading the version makes.
    if path.with_extension("db-wal").exists() {
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    }
    connection.execute_batch("PRAGMA locking_mode = EXCLUSIVE")?;
    let version: u32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version > VERSION {
        return Err(StoreError::NewerVersion {
            part: "database",
            found: version,
            known: VERSION,
        });
    }
    if version == 0 && !create {
        return Err(StoreError::damaged("database", "it has no tables"));
    }
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
         PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF; PRAGMA secure_delete = ON;",
    )?;
    migrate(&connection, version)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    checkpoint(&connection)?;
    Ok(connection)
}

fn migrate(connection: &Connection, from: u32) -> Result<(), StoreError> {
    for (number, step) in (1u32..).zip(MIGRATIONS).skip(from as usize) {
        connection.execute_batch(&format!(
            "BEGIN IMMEDIATE; {step}; PRAGMA user_version = {number}; COMMIT;"
        ))?;
    }
    Ok(())
}

/// Moves the write-ahead log into the database and empties it, so that a damaged log loses nothing.
pub fn checkpoint(connection: &Connection) -> Result<(), StoreError> {
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
    Ok(())
}

/// Lines of a check that SQLite or SQLCipher makes; empty when sound (`ok` is left out).
pub fn complaints(connection: &Connection, pragma: &str) -> Result<usize, StoreError> {
    let mut statement = connection.prepare(&format!("PRAGMA {pragma}"))?;
    let mut rows = statement.query([])?;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        let sound = row
            .get_ref(0)?
            .as_str()
            .is_ok_and(|text| text.eq_ignore_ascii_case("ok"));
        count += usize::from(!sound);
    }
    Ok(count)
}

/// A number of things in a column.
pub fn count(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<usize> {
    let number: i64 = row.get(column)?;
    usize::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, number))
}

/// A small value kept beside the tables.
pub fn meta(connection: &Connection, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
    use rusqlite::OptionalExtension as _;
    Ok(connection
        .query_row("SELECT value FROM meta WHERE name = ?1", [name], |row| {
            row.get(0)
        })
        .optional()?)
}

/// Sets a small value.
pub fn set_meta(connection: &Connection, name: &str, value: &[u8]) -> Result<(), StoreError> {
    connection.execute(
        "INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)",
        rusqlite::params![name, value],
    )?;
    Ok(())
}
