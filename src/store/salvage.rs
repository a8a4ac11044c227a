//! A database of which pages are damaged: every row that can still be read goes into a new one.
//!
//! A damaged page ends the reading of a table at that page. So each table is read from its beginning and from its end,
//! and what lies between two damaged pages is looked for page by page (`pages`); what a damaged page held is lost, and
//! the last copy of the store gives that back.

use super::{
    StoreError, database, files, keeping::KeptPath, key::StoreKey, maintenance::RecoverReport,
    now_ms, pages, records, studies::path_from,
};
use crate::model::identity::Phi;
use rusqlite::{Connection, OpenFlags, types::Value};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Tables, those first to which others refer, with what orders their rows.
const TABLES: [(&str, &str); 9] = [
    ("meta", "name"),
    ("patient", "fhir_id"),
    ("identifier", "value, patient"),
    ("resource", "rowid"),
    ("subject", "id"),
    ("study", "id"),
    ("series", "id"),
    ("instance", "path"),
    ("account", "name"),
];

/// Makes the database anew when it is not sound.
pub(super) fn mend_database(
    dir: &Path,
    last: Option<&Path>,
    key: &StoreKey,
    report: &mut RecoverReport,
) -> Result<(), StoreError> {
    let path = dir.join(database::FILE);
    if is_sound(&path, key)? {
        return Ok(());
    }
    let aside = dir.join(format!("{}.damaged-{}", database::FILE, now_ms()));
    let ending = |path: &Path, ending: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        std::path::PathBuf::from(name)
    };
    for part in ["", "-wal", "-shm"] {
        match fs::rename(ending(&path, part), ending(&aside, part)) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(StoreError::io("keeping the damaged database")(e));
            }
            _ => {}
        }
    }
    let fresh = database::connect(&path, key, true)?;
    fresh.execute_batch("PRAGMA foreign_keys = OFF")?;
    report.database = true;
    mend_first_bytes(&aside, key);
    let mut complete = take_over(&aside, key, &fresh, report, false)?;
    // What a log has beside the pages counts more than they do; SQLite puts it into them where it can read at all.
    let has_log = fs::metadata(ending(&aside, "-wal")).is_ok_and(|m| m.len() > 0);
    if !complete && !has_log {
        report.rows.0 += pages::take_over(&aside, key, &fresh)?;
    }
    if !complete && let Some(copy) = last.map(|l| l.join(database::FILE)) {
        let lost = std::mem::take(&mut report.lost);
        complete = take_over(&copy, key, &fresh, report, true)?;
        report.lost = if complete { Vec::new() } else { lost };
    }
    if !complete && report.lost.is_empty() {
        report.lost.push("all".into());
    }
    // What follows from resources is made again from them.
    records::restore_people(&fresh)?;
    // What refers to a row that is lost cannot be shown. Where files lie that were so lost is known, and they say the rest.
    fresh.execute_batch(
        "DELETE FROM identifier WHERE patient NOT IN (SELECT fhir_id FROM patient);
         DELETE FROM study WHERE subject NOT IN (SELECT id FROM subject);
         DELETE FROM series WHERE study NOT IN (SELECT id FROM study);
         DELETE FROM meta WHERE name IN ('journal', 'session');",
    )?;
    report.loose = loose_files(&fresh)?;
    fresh.execute_batch("DELETE FROM instance WHERE series NOT IN (SELECT id FROM series)")?;
    database::checkpoint(&fresh)?;
    drop(fresh);
    files::sync_folder(dir)
}

/// Files of which the index does not say of what series they are; not those that are kept, which say it themselves.
fn loose_files(connection: &Connection) -> Result<Vec<Phi<PathBuf>>, StoreError> {
    let mut statement = connection.prepare(
        "SELECT path FROM instance WHERE series NOT IN (SELECT id FROM series) ORDER BY path",
    )?;
    let rows = statement.query_map([], |row| row.get::<_, Vec<u8>>(0))?;
    let mut loose = Vec::new();
    for row in rows {
        let row = row?;
        if KeptPath::parse(&row).is_none() {
            loose.push(Phi::new(path_from(row)));
        }
    }
    Ok(loose)
}

fn is_sound(path: &Path, key: &StoreKey) -> Result<bool, StoreError> {
    if !path.exists() || !database::salt_is_sound(path, key)? {
        return Ok(false);
    }
    let connection = match database::connect(path, key, false) {
        Ok(connection) => connection,
        Err(error @ StoreError::NewerVersion { .. }) => return Err(error),
        Err(_) => return Ok(false),
    };
    for pragma in [
        "cipher_integrity_check",
        "integrity_check",
        "foreign_key_check",
    ] {
        if !matches!(database::complaints(&connection, pragma), Ok(0)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The first bytes are known: they come from the key.
fn mend_first_bytes(path: &Path, key: &StoreKey) {
    use std::io::{Seek as _, SeekFrom, Write as _};
    let file = fs::OpenOptions::new().write(true).open(path);
    if let Ok(mut file) = file {
        // What cannot be written is read as it is.
        let _ = file
            .seek(SeekFrom::Start(0))
            .and_then(|_| file.write_all(&database::salt(key)));
    }
}

/// Opens a database as far as it goes; nothing is written to it.
fn open_damaged(path: &Path, key: &StoreKey) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.execute_batch("PRAGMA cipher_log_level = NONE")?;
    connection.execute_batch(&database::key_statement(key))?;
    let _: i64 = connection.query_row("SELECT COUNT(*) FROM sqlite_master", [], |r| r.get(0))?;
    Ok(connection)
}

/// Copies all rows that can be read; whether those were all.
///
/// After a page that is not as it was written a connection reads nothing any more, so each reading has its own.
fn take_over(
    path: &Path,
    key: &StoreKey,
    fresh: &Connection,
    report: &mut RecoverReport,
    copy: bool,
) -> Result<bool, StoreError> {
    let mut complete = true;
    for (table, order) in TABLES {
        let Ok(old) = open_damaged(path, key) else {
            return Ok(false);
        };
        if !has_table(&old, table) {
            // One that came with a later version.
            continue;
        }
        let forward = rows(&old, fresh, table, order, false);
        let both = match forward {
            Ok((count, true)) => (count, true),
            Ok((count, false)) => {
                let Ok(old) = open_damaged(path, key) else {
                    return Ok(false);
                };
                let (more, _) = rows(&old, fresh, table, order, true)?;
                (count + more, false)
            }
            Err(error) => return Err(error),
        };
        report.rows.0 += both.0;
        report.rows.1 += if copy { both.0 } else { 0 };
        if !both.1 {
            complete = false;
            report.lost.push(table.to_owned());
        }
    }
    Ok(complete)
}

fn has_table(connection: &Connection, table: &str) -> bool {
    let sql = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?1";
    let found = connection.prepare(sql).and_then(|mut s| s.exists([table]));
    // Where even that cannot be read, reading the table says so.
    found.unwrap_or(true)
}

/// Copies rows from one end of a table until one cannot be read: how many were new, and whether that was all.
fn rows(
    old: &Connection,
    fresh: &Connection,
    table: &str,
    order: &str,
    backward: bool,
) -> Result<(u64, bool), StoreError> {
    let order = match backward {
        true => order.replace(',', " DESC,") + " DESC",
        false => order.to_owned(),
    };
    let extra = if table == "resource" { "rowid, " } else { "" };
    let sql = format!("SELECT {extra}* FROM {table} NOT INDEXED ORDER BY {order}");
    let Ok(mut statement) = old.prepare(&sql) else {
        return Ok((0, false));
    };
    let skip = usize::from(!extra.is_empty());
    let names: Vec<String> = statement
        .column_names()
        .into_iter()
        .skip(skip)
        .map(str::to_owned)
        .collect();
    let places: Vec<String> = (1..=names.len()).map(|n| format!("?{n}")).collect();
    let insert = format!(
        "INSERT OR IGNORE INTO {table} ({}) VALUES ({})",
        names.join(", "),
        places.join(", ")
    );
    let transaction = fresh.unchecked_transaction()?;
    let mut count = 0;
    let mut whole = true;
    {
        let mut insert = transaction.prepare(&insert)?;
        let Ok(mut found) = statement.query([]) else {
            return Ok((0, false));
        };
        loop {
            match found.next() {
                Ok(Some(row)) => {
                    let values: Result<Vec<Value>, _> =
                        (skip..skip + names.len()).map(|c| row.get(c)).collect();
                    let Ok(values) = values else {
                        whole = false;
                        continue;
                    };
                    count += insert.execute(rusqlite::params_from_iter(values))? as u64;
                }
                Ok(None) => break,
                Err(_) => {
                    whole = false;
                    break;
                }
            }
        }
    }
    transaction.commit()?;
    Ok((count, whole))
}
