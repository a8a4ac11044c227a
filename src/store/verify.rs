//! Looking a store over: every page, row and record is read and held against what protects it.

use super::{
    StoreError, audit, database,
    journal::{self, Tail},
    keeping,
    key::{self, CopyState, StoreKey},
};
use rusqlite::Connection;
use std::path::Path;

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// `key file`, `database`, `journal`.
    pub part: &'static str,
    /// Whether it is as it was written.
    pub sound: bool,
    /// One sentence, free of identity.
    pub detail: String,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// In the order they were made.
    pub checks: Vec<Check>,
    /// Commits of the journal that can be read.
    pub commits: u64,
    /// Marks that they give.
    pub marks: usize,
}

impl VerifyReport {
    /// Whether everything is as it was written.
    pub fn is_sound(&self) -> bool {
        self.checks.iter().all(|check| check.sound)
    }

    pub(super) fn add(&mut self, part: &'static str, sound: bool, detail: impl Into<String>) {
        self.checks.push(Check {
            part,
            sound,
            detail: detail.into(),
        });
    }

    fn add_result(&mut self, part: &'static str, what: &str, result: Result<usize, StoreError>) {
        match result {
            Ok(0) => self.add(part, true, format!("{what}: sound")),
            Ok(count) => self.add(part, false, format!("{what}: {count} complaints")),
            Err(error) => self.add(part, false, format!("{what}: {error}")),
        }
    }
}

/// What the database remembers of the journal: commits and chain value when the store was last opened or closed.
pub(super) fn remembered(connection: &Connection) -> Result<Option<(u64, Vec<u8>)>, StoreError> {
    let Some(value) = database::meta(connection, "journal")? else {
        return Ok(None);
    };
    let Some((count, chain)) = value.split_at_checked(8) else {
        return Err(StoreError::damaged("database", "a note has a wrong length"));
    };
    let count = count.try_into().map_or(0, u64::from_le_bytes);
    Ok(Some((count, chain.to_vec())))
}

pub(super) fn remember(
    connection: &Connection,
    commits: u64,
    chain: &[u8],
) -> Result<(), StoreError> {
    let value = [commits.to_le_bytes().as_slice(), chain].concat();
    if database::meta(connection, "journal")?.as_deref() == Some(value.as_slice()) {
        return Ok(());
    }
    database::set_meta(connection, "journal", &value)
}

/// Looks at everything. `connection` is an error when the database does not open.
pub(super) fn verify(
    dir: &Path,
    key: &StoreKey,
    connection: Result<&Connection, StoreError>,
) -> Result<VerifyReport, StoreError> {
    let mut report = VerifyReport::default();
    let status = key::status(dir)?;
    for (name, copy) in [key::FILE, key::COPY].iter().zip(status.copies) {
        let words = match copy {
            CopyState::Sound => "sound",
            CopyState::Absent => "missing",
            CopyState::Damaged => "not as it was written",
        };
        let sound = copy == CopyState::Sound;
        report.add("key file", sound, format!("{name}: {words}"));
    }

    let path = dir.join(database::FILE);
    match database::salt_is_sound(&path, key) {
        Ok(true) => report.add("database", true, "first bytes: sound"),
        Ok(false) => report.add("database", false, "first bytes: not as they were written"),
        Err(error) => report.add("database", false, format!("first bytes: {error}")),
    }
    let mut known = None;
    let opened = connection.as_ref().ok().copied();
    match connection {
        Ok(connection) => {
            for (pragma, what) in [
                ("cipher_integrity_check", "authentication of every page"),
                ("integrity_check", "structure of tables and indexes"),
                ("foreign_key_check", "references between tables"),
            ] {
                let result = database::complaints(connection, pragma);
                report.add_result("database", what, result);
            }
            match remembered(connection) {
                Ok(found) => known = found,
                Err(error) => report.add("database", false, error.to_string()),
            }
        }
        Err(error) => report.add("database", false, format!("opening: {error}")),
    }

    match journal::read(&dir.join(journal::FILE), key) {
        Ok(replay) => {
            report.commits = replay.commits;
            report.marks = replay.kept.marks.len();
            match &replay.tail {
                Tail::Clean => report.add("journal", true, "every record: sound"),
                Tail::Torn(bytes) => report.add(
                    "journal",
                    true,
                    format!(
                        "every record: sound; {bytes} bytes of an edit that was never acknowledged"
                    ),
                ),
                Tail::Damaged {
                    number,
                    offset,
                    detail,
                } => report.add(
                    "journal",
                    false,
                    format!("record {number} at byte {offset}: {detail}"),
                ),
            }
            let lost = known.and_then(|(count, _)| count.checked_sub(replay.commits));
            if let Some(lost @ 1..) = lost.filter(|_| replay.is_sound()) {
                let sentence = format!("its end is missing: {lost} acknowledged records");
                report.add("journal", false, sentence);
            }
        }
        Err(error @ StoreError::NewerVersion { .. }) => return Err(error),
        Err(error) => report.add("journal", false, error.to_string()),
    }
    // A store of an earlier version has no log yet.
    if dir.join(audit::FILE).exists() || dir.join(audit::HEAD_FILE).exists() {
        let found = audit::read(dir, key, None, &mut |_| {})?;
        match found.problem {
            None => report.add("log", true, format!("{} entries: sound", found.entries)),
            Some((number, text)) => report.add("log", false, format!("entry {number}: {text}")),
        }
    }
    keeping::verify(dir, key, opened, &mut report)?;
    Ok(report)
}
