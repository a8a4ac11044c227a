//! The encrypted local store: keys, database, journal of edits.
//!
//! A store is a folder with a key file in two copies, a SQLCipher database (patients, FHIR resources, the index of
//! studies) and a journal of edits. Images stay where they are, or are kept too, each sealed into a file of its own.
//!
//! Must stay true: nothing in the folder can be read without the passphrase; one process at a time has a store
//! open; an edit is acknowledged after it is on the disk; a wrong passphrase and damage are different errors;
//! whatever a later version wrote is refused untouched.

pub mod accounts;
pub mod amend;
pub mod audit;
pub mod audit_forms;
mod blobs;
pub mod codec;
mod cohort;
pub mod copies;
pub mod database;
pub mod derived;
mod error;
mod files;
pub mod found;
pub mod journal;
mod keeping;
pub mod key;
pub mod maintenance;
mod origins;
mod pages;
mod quality;
mod queue;
mod records;
pub mod remember;
mod salvage;
#[cfg(target_os = "linux")]
mod secret_service;
mod session;
mod studies;
mod tag_index;
mod vault;
mod verify;
mod worklists;

pub use crate::model::passphrase::Passphrase;
pub use accounts::Account;
pub use audit::{AuditEntry, AuditEvent, AuditReport, Head};
pub use blobs::{Keeping, NotKept, SealedObject};
pub use error::StoreError;
pub use journal::Tail;
pub use keeping::{KeptFile, WrittenOut};
pub use key::{CopyState, KdfCost, KeyStatus};
pub use maintenance::{EraseReport, RecoverReport};
pub use origins::{MOST as MOST_ORIGINS, VoxelOrigin};
pub use records::{ImportReport, PatientSummary, READING_BUNDLE, RecordMatch, today};
pub use remember::{Secrets, SecretsError, SystemKeyring};
pub use session::Unfinished;
pub use studies::{IndexReport, StudyRow};
pub use verify::{Check, VerifyReport};

use crate::model::{
    access::{AuditKind, Right},
    annotation::AnnotationId,
    edit::{AnnotationSet, Edit, Kept},
};
use accounts::Session;
use audit::Audit;
use journal::{Journal, Replay};
use key::StoreKey;
use rusqlite::Connection;
use std::{
    cell::RefCell,
    fs,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// Age at which a throw-away folder without an owner is swept.
const ABANDONED: std::time::Duration = std::time::Duration::from_secs(3600);

/// How folders of throw-away stores begin.
const THROW_AWAY: &str = "negatoscope-throw-away-";

/// An open store. Fields are dropped in order: the database closes before the lock is given back, the lock before
/// a throw-away folder goes.
pub struct Store {
    connection: Connection,
    journal: Writing,
    key: StoreKey,
    dir: PathBuf,
    session: Session,
    /// None where the log cannot be written.
    audit: RefCell<Option<Audit>>,
    copying: RefCell<Option<copies::Copying>>,
    /// What is made of it, once it is wanted.
    derived: RefCell<Option<derived::Derived>>,
    _lock: files::Lock,
    temporary: Option<TempDir>,
}

/// The journal, or what can be read of it.
enum Writing {
    Open(Box<Journal>),
    Damaged(Box<Replay>, String),
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Store({} commits)", self.commits())
    }
}

impl Store {
    /// Makes a store in a folder that does not exist or is empty, and opens it. The folder appears with everything
    /// in it or not at all.
    pub fn create(dir: &Path, passphrase: &Passphrase, cost: KdfCost) -> Result<Self, StoreError> {
        match fs::read_dir(dir) {
            Ok(mut entries) => {
                if dir.join(key::FILE).exists()
                    || dir.join(key::COPY).exists()
                    || dir.join(database::FILE).exists()
                {
                    return Err(StoreError::Exists(StoreError::name(dir)));
                }
                if entries.next().is_some() {
                    return Err(StoreError::NotEmpty(StoreError::name(dir)));
                }
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => return Err(StoreError::io("looking into the folder")(e)),
        }
        let parent = match dir.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        fs::create_dir_all(parent).map_err(StoreError::io("making the folder of the store"))?;
        let nursery = tempfile::Builder::new()
            .prefix(".negatoscope-new-store-")
            .tempdir_in(parent)
            .map_err(StoreError::io("making the folder of the store"))?;
        let inner = nursery.path().join("store");
        files::make_private(&inner)?;
        let key = key::create(&inner, passphrase, cost)?;
        journal::create(&inner.join(journal::FILE))?;
        drop(Self::open_with(&inner, key, true)?);
        if dir.exists() {
            // It was empty a moment ago; if it no longer is, this refuses.
            fs::remove_dir(dir).map_err(StoreError::io("taking the place of the empty folder"))?;
        }
        fs::rename(&inner, dir).map_err(StoreError::io("naming the folder of the store"))?;
        files::sync_folder(parent)?;
        Self::open(dir, passphrase)
    }

    /// Opens a store as its owner.
    pub fn open(dir: &Path, passphrase: &Passphrase) -> Result<Self, StoreError> {
        Self::open_as(dir, None, passphrase)
    }

    /// Opens a store as one of its accounts; nobody is the owner.
    ///
    /// # Errors
    /// As [`Store::open`]; an account that there is not is a wrong passphrase. [`StoreError::TooManyTries`].
    pub fn open_as(
        dir: &Path,
        user: Option<&str>,
        passphrase: &Passphrase,
    ) -> Result<Self, StoreError> {
        let key = accounts::open_key(dir, user, passphrase)?;
        let mut store = Self::open_with(dir, key, false)?;
        if let Some(name) = user.filter(|name| !name.eq_ignore_ascii_case(accounts::OWNER)) {
            let role = store.role_of(name)?.ok_or(StoreError::WrongPassphrase)?;
            store.session = Session {
                user: name.to_owned(),
                role,
                ..Session::owner()
            };
        }
        store.begin_log();
        Ok(store)
    }

    /// Writes into the log that the store was opened, and what happened since it was last.
    fn begin_log(&self) {
        let tries = accounts::take_tries(&self.dir);
        if tries > 0 {
            let detail = format!("{tries} wrong passphrases before this");
            self.log(AuditEvent::new(AuditKind::LoginFailed, detail).failed());
        }
        let how = match self.session.remembered {
            true => ", by the key that a computer remembers",
            false => "",
        };
        let detail = format!("{} commits{how}", self.commits());
        // Where the log cannot be written the store is still there to be read.
        let _ = self.log_now(AuditEvent::new(AuditKind::Opened, detail));
    }

    /// Writes something into the log, soon on the disk.
    pub fn log(&self, event: AuditEvent) {
        // What the disk refuses is said by whoever looks the store over.
        let _ = self.write_log(event, false);
    }

    /// Writes something into the log; when this returns, it is on the disk.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn log_now(&self, event: AuditEvent) -> Result<(), StoreError> {
        self.write_log(event, true)
    }

    fn write_log(&self, event: AuditEvent, now: bool) -> Result<(), StoreError> {
        let entry = AuditEntry {
            number: 0,
            time_ms: now_ms(),
            user: self.session.user.clone(),
            role: self.session.role,
            kind: event.kind,
            done: event.done,
            patient: self.reference(&event.patient),
            study: self.reference(&event.study),
            detail: event.detail,
        };
        match self.audit.borrow_mut().as_mut() {
            Some(audit) => audit.append(entry, now),
            None => Err(StoreError::damaged("log", "it cannot be written")),
        }
    }

    /// What stands in the log for a patient or a study: the same for the same, and nothing to read in it, so that the
    /// log can stay when somebody is taken out of the store.
    pub fn reference(&self, id: &str) -> String {
        let id = id.trim();
        if id.is_empty() {
            return String::new();
        }
        let key = self.key.derive("negatoscope audit reference 1");
        let mac = key::hmac_sha256(key.as_slice(), id.as_bytes());
        mac.iter().take(12).map(|b| format!("{b:02x}")).collect()
    }

    /// Where the log is: to be kept elsewhere, so that an older copy of the store is told from this one.
    pub fn audit_head(&self) -> Option<Head> {
        let mut audit = self.audit.borrow_mut();
        let audit = audit.as_mut()?;
        audit.sync().ok()?;
        Some(audit.head())
    }

    /// Reads the log; `sink` gets each entry.
    ///
    /// # Errors
    /// When the role does not allow it; those of the disk.
    pub fn read_audit(&self, sink: &mut dyn FnMut(AuditEntry)) -> Result<AuditReport, StoreError> {
        self.demand(Right::ReadAudit)?;
        self.log_now(AuditEvent::new(AuditKind::AuditRead, ""))?;
        audit::read(&self.dir, &self.key, None, sink)
    }

    /// Holds the log of a store against itself, and against a head that was written out; nothing is written.
    ///
    /// # Errors
    /// Those of the key and of the disk.
    pub fn verify_audit(
        dir: &Path,
        user: Option<&str>,
        passphrase: &Passphrase,
        expected: Option<&(u64, String)>,
    ) -> Result<AuditReport, StoreError> {
        let key = accounts::open_key(dir, user, passphrase)?;
        let _lock = files::lock(dir)?;
        audit::read(dir, &key, expected, &mut |_| {})
    }

    /// A store in a temporary folder under a random passphrase, gone when dropped. What a crash leaves behind
    /// cannot be read by anybody and is swept by the next call.
    pub fn throw_away() -> Result<Self, StoreError> {
        sweep();
        let temporary = tempfile::Builder::new()
            .prefix(THROW_AWAY)
            .tempdir()
            .map_err(StoreError::io("making a temporary folder"))?;
        let dir = temporary.path().join("store");
        let mut store = Self::create(&dir, &key::random_passphrase()?, KdfCost::CHEAP)?;
        store.temporary = Some(temporary);
        Ok(store)
    }

    fn open_with(dir: &Path, key: StoreKey, create: bool) -> Result<Self, StoreError> {
        let lock = files::lock(dir)?;
        if maintenance::is_rekeyed(dir) {
            // Another key took its place between the passphrase and the lock.
            return Err(StoreError::Busy);
        }
        copies::unshare(dir)?;
        blobs::sweep(dir);
        // The journal first: what a later version wrote is refused before the database is touched.
        let path = dir.join(journal::FILE);
        let replay = journal::read(&path, &key)?;
        let connection = database::connect(&dir.join(database::FILE), &key, create)?;
        let remembered = verify::remembered(&connection)?;
        let missing = remembered.and_then(|(count, _)| count.checked_sub(replay.commits));
        let problem = match (&replay.tail, missing) {
            (Tail::Damaged { number, detail, .. }, _) => Some(format!("record {number}: {detail}")),
            (_, Some(lost @ 1..)) => {
                Some(format!("its end is missing: {lost} acknowledged records"))
            }
            _ => None,
        };
        let journal = match problem {
            Some(problem) => Writing::Damaged(Box::new(replay), problem),
            None => {
                let journal = Journal::open(&path, replay, &key)?;
                match verify::remember(&connection, journal.commits(), journal.chain()) {
                    // With a full disk marks and records can still be read.
                    Ok(()) | Err(StoreError::Io { .. }) => {}
                    Err(error) => return Err(error),
                }
                Writing::Open(Box::new(journal))
            }
        };
        let audit = open_log(dir, &key, &connection)?;
        Ok(Self {
            connection,
            journal,
            key,
            dir: dir.to_owned(),
            session: Session::owner(),
            audit: RefCell::new(audit),
            copying: RefCell::default(),
            derived: RefCell::default(),
            _lock: lock,
            temporary: None,
        })
    }

    /// Its folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What can be said of a store without its passphrase.
    pub fn key_status(dir: &Path) -> Result<KeyStatus, StoreError> {
        key::status(dir)
    }

    /// Looks the open store over.
    pub fn verify(&self) -> Result<VerifyReport, StoreError> {
        verify::verify(&self.dir, &self.key, Ok(&self.connection))
    }

    /// Writes into the log that the store was looked over and is sound. Not part of [`Store::verify_folder`], which changes
    /// nothing, for the store may be damaged.
    pub fn log_verified(&self) {
        self.log(AuditEvent::new(AuditKind::Verified, ""));
    }

    /// Looks a store over that may be too damaged to open.
    pub fn verify_folder(dir: &Path, passphrase: &Passphrase) -> Result<VerifyReport, StoreError> {
        let key = accounts::open_key(dir, None, passphrase)?;
        let _lock = files::lock(dir)?;
        copies::unshare(dir)?;
        match database::connect(&dir.join(database::FILE), &key, false) {
            Ok(connection) => verify::verify(dir, &key, Ok(&connection)),
            Err(error @ StoreError::NewerVersion { .. }) => Err(error),
            Err(error) => verify::verify(dir, &key, Err(error)),
        }
    }

    /// The marks as they are now; of a damaged journal those that stand before the damage.
    pub fn marks(&self) -> &AnnotationSet {
        match &self.journal {
            Writing::Open(journal) => journal.marks(),
            Writing::Damaged(replay, _) => &replay.kept.marks,
        }
    }

    /// Everything that edits made, as it is now; of a damaged journal what stands before the damage.
    pub fn kept(&self) -> &Kept {
        match &self.journal {
            Writing::Open(journal) => journal.kept(),
            Writing::Damaged(replay, _) => &replay.kept,
        }
    }

    /// Commits of the journal.
    pub fn commits(&self) -> u64 {
        match &self.journal {
            Writing::Open(journal) => journal.commits(),
            Writing::Damaged(replay, _) => replay.commits,
        }
    }

    /// When the last edit was saved, milliseconds since 1970 UTC.
    pub fn last_saved_ms(&self) -> Option<i64> {
        match &self.journal {
            Writing::Open(journal) => journal.last_ms(),
            Writing::Damaged(replay, _) => replay.last_ms,
        }
    }

    /// What is wrong with the journal; marks can then be read but not changed.
    pub fn journal_damage(&self) -> Option<&str> {
        match &self.journal {
            Writing::Open(_) => None,
            Writing::Damaged(_, problem) => Some(problem),
        }
    }

    fn journal(&mut self) -> Result<&mut Journal, StoreError> {
        match &mut self.journal {
            Writing::Open(journal) => Ok(journal),
            Writing::Damaged(_, problem) => Err(StoreError::damaged("journal", problem.clone())),
        }
    }

    fn journal_ref(&self) -> Option<&Journal> {
        match &self.journal {
            Writing::Open(journal) => Some(journal),
            Writing::Damaged(..) => None,
        }
    }

    fn demand_all(&self, edits: &[Edit]) -> Result<(), StoreError> {
        let mut rights = edits.iter().map(accounts::right_of);
        rights.try_for_each(|right| self.demand(right))
    }

    /// Carries out one gesture: all its edits or none. When this returns, it is on the disk; the number of the
    /// commit comes back.
    pub fn commit(&mut self, edits: &[Edit]) -> Result<u64, StoreError> {
        self.demand_all(edits)?;
        let made = self.journal().and_then(|j| j.commit(edits, now_ms()));
        let number = self.noted("an edit", made)?;
        self.log_edit(AuditKind::Edited, number, edits.len());
        Ok(number)
    }

    /// Writes into the log that something failed.
    pub(super) fn noted<T>(
        &self,
        what: &'static str,
        outcome: Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if outcome.is_err() {
            self.log(AuditEvent::new(AuditKind::Failed, what).failed());
        }
        outcome
    }

    fn log_edit(&self, kind: AuditKind, number: u64, edits: usize) {
        let detail = format!("commit {number}: {edits} edits");
        self.log(AuditEvent::new(kind, detail));
    }

    /// Keeps how the window stands: no gesture, so nothing that undo takes back. Durable as [`Store::commit`].
    pub fn note(&mut self, edits: &[Edit]) -> Result<u64, StoreError> {
        self.journal()?.note(edits, now_ms())
    }

    /// Takes the last gesture back; `None` when there is none. Whoever may not make an edit may not take it back either,
    /// though somebody else made it.
    pub fn undo(&mut self) -> Result<Option<u64>, StoreError> {
        self.demand(Right::Annotate)?;
        self.demand_all(self.journal_ref().map_or(&[], Journal::next_undo))?;
        let number = self.journal()?.undo(now_ms())?;
        if let Some(number) = number {
            self.log_edit(AuditKind::Undone, number, 1);
        }
        Ok(number)
    }

    /// Does the last gesture that was taken back again; `None` when there is none.
    pub fn redo(&mut self) -> Result<Option<u64>, StoreError> {
        self.demand(Right::Annotate)?;
        self.demand_all(self.journal_ref().map_or(&[], Journal::next_redo))?;
        let number = self.journal()?.redo(now_ms())?;
        if let Some(number) = number {
            self.log_edit(AuditKind::Undone, number, 1);
        }
        Ok(number)
    }

    /// Whether there is something to take back, and something to do again.
    pub fn can_undo_redo(&self) -> (bool, bool) {
        match &self.journal {
            Writing::Open(journal) => (journal.can_undo(), journal.can_redo()),
            Writing::Damaged(..) => (false, false),
        }
    }

    /// An id that no mark has.
    pub fn new_mark_id() -> AnnotationId {
        AnnotationId(uuid::Uuid::new_v4().to_string())
    }

    /// Numbers of patients, resources, studies and files.
    pub fn sizes(&self) -> Result<Sizes, StoreError> {
        let count = |table: &str| -> Result<usize, StoreError> {
            let sql = format!("SELECT COUNT(*) FROM {table}");
            Ok(self
                .connection
                .query_row(&sql, [], |row| database::count(row, 0))?)
        };
        Ok(Sizes {
            patients: count("patient")?,
            resources: count("resource")?,
            studies: count("study")?,
            instances: count("instance")?,
        })
    }
}

/// How much is in a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Patients of the record.
    pub patients: usize,
    /// FHIR resources.
    pub resources: usize,
    /// Studies of the index.
    pub studies: usize,
    /// Files of the index.
    pub instances: usize,
}

/// Opens the log, makes it where a store of an earlier version has none, and begins a new one behind one that is damaged.
fn open_log(
    dir: &Path,
    key: &StoreKey,
    connection: &Connection,
) -> Result<Option<Audit>, StoreError> {
    const NOTE: &str = "audit";
    let known = database::meta(connection, NOTE)?.is_some();
    let begin = |event: AuditEvent| -> Result<Option<Audit>, StoreError> {
        Audit::create(dir, key)?;
        let mut audit = match Audit::open(dir, key)? {
            Ok(audit) => audit,
            Err(text) => return Err(StoreError::damaged("log", text)),
        };
        let entry = AuditEntry {
            number: 0,
            time_ms: now_ms(),
            user: accounts::OWNER.to_owned(),
            role: crate::model::access::Role::Admin,
            kind: event.kind,
            done: event.done,
            patient: String::new(),
            study: String::new(),
            detail: event.detail,
        };
        audit.append(entry, true)?;
        database::set_meta(connection, NOTE, &[1])?;
        Ok(Some(audit))
    };
    let opened = match known || dir.join(audit::FILE).exists() {
        false => begin(AuditEvent::new(AuditKind::Begun, "")),
        true => match Audit::open(dir, key)? {
            Ok(audit) => Ok(Some(audit)),
            Err(text) => {
                // What is left of it is kept for who wants to look at it.
                let aside = format!("{}.damaged-{}", audit::FILE, now_ms());
                match fs::rename(dir.join(audit::FILE), dir.join(aside)) {
                    Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                        Err(StoreError::io("keeping the damaged log")(e))
                    }
                    _ => begin(AuditEvent::new(AuditKind::AuditDamaged, text).failed()),
                }
            }
        },
    };
    match opened {
        // With a full disk marks and records can still be read.
        Err(StoreError::Io { .. }) => Ok(None),
        other => other,
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let _ = self.stop_copy();
        let detail = format!("{} commits", self.commits());
        self.log(AuditEvent::new(AuditKind::Closed, detail));
        if let Writing::Open(journal) = &self.journal {
            // A note for finding a cut journal; without it the next opening makes it.
            let _ = verify::remember(&self.connection, journal.commits(), journal.chain());
        }
    }
}

fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// Removes throw-away stores that no process has open any more.
fn sweep() {
    let Ok(entries) = fs::read_dir(std::env::temp_dir()) else {
        return;
    };
    for entry in entries.flatten() {
        let ours = entry
            .file_name()
            .to_str()
            .is_some_and(|name| name.starts_with(THROW_AWAY));
        // A young one may be in the making in another process, which holds no lock yet.
        let old = entry
            .metadata()
            .and_then(|data| data.modified())
            .is_ok_and(|time| time.elapsed().is_ok_and(|age| age > ABANDONED));
        let store = entry.path().join("store");
        // One whose owner was stopped while clearing up may lack any of its files.
        if ours && old && (!store.exists() || files::lock(&store).is_ok()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn contents(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
        let paths = fs::read_dir(dir).unwrap().map(|e| e.unwrap().path());
        paths.map(|p| (p.clone(), fs::read(p).unwrap())).collect()
    }

    #[test]
    fn a_database_of_a_later_version_is_refused_untouched() {
        let folder = tempfile::tempdir().unwrap();
        let (dir, pass) = (folder.path().join("s"), Passphrase::new("p"));
        let store = Store::create(&dir, &pass, KdfCost::CHEAP).unwrap();
        store
            .connection
            .execute_batch("PRAGMA user_version = 99")
            .unwrap();
        drop(store);
        let before = contents(&dir);
        for _ in 0..2 {
            assert!(matches!(
                Store::open(&dir, &pass),
                Err(StoreError::NewerVersion {
                    part: "database",
                    found: 99,
                    known: database::VERSION
                })
            ));
            assert!(matches!(
                Store::verify_folder(&dir, &pass),
                Err(StoreError::NewerVersion { .. })
            ));
            assert!(contents(&dir) == before, "{:?}", fs::read_dir(&dir));
        }
    }

    #[test]
    fn a_log_of_a_later_version_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let (dir, pass) = (folder.path().join("s"), Passphrase::new("p"));
        let store = Store::create(&dir, &pass, KdfCost::CHEAP).unwrap();
        store
            .connection
            .execute_batch("PRAGMA user_version = 99")
            .unwrap();
        // As a crash leaves it: the new version stands in the log only.
        let copy = folder.path().join("copy");
        fs::create_dir(&copy).unwrap();
        for (path, bytes) in contents(&dir) {
            fs::write(copy.join(path.file_name().unwrap()), bytes).unwrap();
        }
        let before = contents(&copy);
        assert!(before.keys().any(|p| p.ends_with("store.db-wal")));
        assert!(matches!(
            Store::open(&copy, &pass),
            Err(StoreError::NewerVersion { found: 99, .. })
        ));
        assert!(contents(&copy) == before);
    }

    #[test]
    fn a_crash_with_a_full_log_loses_no_import() {
        let folder = tempfile::tempdir().unwrap();
        let (dir, pass) = (folder.path().join("s"), Passphrase::new("p"));
        let store = Store::create(&dir, &pass, KdfCost::CHEAP).unwrap();
        database::set_meta(&store.connection, "probe", b"kept").unwrap();
        // The files as a crash leaves them: the log holds the last commit.
        let copy = folder.path().join("copy");
        fs::create_dir(&copy).unwrap();
        for (path, bytes) in contents(&dir) {
            fs::write(copy.join(path.file_name().unwrap()), bytes).unwrap();
        }
        assert!(fs::metadata(copy.join("store.db-wal")).unwrap().len() > 0);
        assert!(!copy.join("store.db-shm").exists(), "no shared index");
        let opened = Store::open(&copy, &pass).unwrap();
        assert_eq!(
            database::meta(&opened.connection, "probe").unwrap(),
            Some(b"kept".to_vec())
        );
        assert_eq!(fs::metadata(copy.join("store.db-wal")).unwrap().len(), 0);
    }

    #[test]
    fn a_store_may_live_on_a_thread_of_its_own() {
        fn moves<T: Send>() {}
        moves::<Store>();
    }

    #[test]
    fn the_settings_are_what_the_promises_need() {
        let store = Store::throw_away().unwrap();
        let setting = |name: &str| -> String {
            store
                .connection
                .query_row(&format!("PRAGMA {name}"), [], |row| {
                    row.get_ref(0).map(|value| match value {
                        rusqlite::types::ValueRef::Integer(n) => n.to_string(),
                        other => other.as_str().unwrap().to_owned(),
                    })
                })
                .unwrap()
        };
        assert_eq!(setting("journal_mode"), "wal");
        assert_eq!(setting("synchronous"), "2");
        assert_eq!(setting("foreign_keys"), "1");
        assert_eq!(setting("locking_mode"), "exclusive");
        assert_eq!(setting("temp_store"), "2");
        assert_eq!(setting("cipher_hmac_algorithm"), "HMAC_SHA512");
    }
}
