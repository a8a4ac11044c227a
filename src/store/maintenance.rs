//! Copies of a store, putting one back, repairing, another key, and taking a patient out.
//!
//! Must stay true: a copy is whole or not there; whatever is replaced is kept until what replaces it is; repairing
//! never makes what can be read less; after a patient was taken out nothing of them is in the folder, copies included.

use super::{
    AuditEvent, KdfCost, Store, StoreError, Writing,
    accounts::{self, OWNER},
    audit::{self, Audit},
    blobs,
    copies::{self, Snapshot, backups, is_user_key, parts},
    database, derived, files,
    journal::{self, Journal, NewJournal, Tail},
    keeping,
    key::{self, StoreKey},
    now_ms, remember, salvage,
    studies::sweep_rows,
    vault, verify,
};
use crate::model::{
    access::{AuditKind, Right},
    edit::{Edit, Kept},
    identity::Phi,
    passphrase::Passphrase,
    segmentation::SegmentationEdit,
};
use crate::task::CancelToken;
use rusqlite::params;
use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

/// A store of another key that is whole and not yet in its place.
const REKEYED: &str = "rekeyed";

/// What repairing did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecoverReport {
    /// Key files that were written anew from their other copy.
    pub keys: bool,
    /// Commits that are there now.
    pub commits: u64,
    /// What was wrong with the journal; empty when nothing was.
    pub journal: String,
    /// Records of the journal that could not be read and that no copy had.
    pub missing: u64,
    /// Edits of other records that could not be made without those.
    pub unmade: u64,
    /// Whether the database was made anew.
    pub database: bool,
    /// Rows that were taken over into the new one, and of them how many from the last copy.
    pub rows: (u64, u64),
    /// Tables of which not every row could be read.
    pub lost: Vec<String>,
    /// Files of the index whose study or series was lost: reading them again brings them back.
    pub loose: Vec<Phi<PathBuf>>,
    /// Kept files that the index did not name and names again, from what they say of themselves.
    pub kept_taken: usize,
    /// Kept files that were damaged or missing and could be had again.
    pub kept_mended: usize,
    /// Kept files that were damaged or missing and are lost.
    pub kept_lost: usize,
}

/// What taking a patient out did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EraseReport {
    /// Resources of the record.
    pub resources: usize,
    /// Studies of the index.
    pub studies: usize,
    /// Files that the index named; they stay where they are.
    pub files: usize,
    /// Files that the store kept, and keeps no longer.
    pub kept: usize,
    /// Marks.
    pub marks: usize,
    /// Copies of the store that held the patient too.
    pub backups: usize,
}

impl Store {
    /// Copies the store into a new folder, or among its own copies, of which the newest are kept. The folder, and its
    /// bytes.
    ///
    /// # Errors
    /// When the role does not allow it, the folder is there already; those of the disk.
    pub fn backup(&self, target: Option<&Path>) -> Result<(PathBuf, u64), StoreError> {
        self.demand(Right::Backup)?;
        self.log_now(AuditEvent::new(AuditKind::BackedUp, ""))?;
        self.copy_now(target)
    }

    /// Puts a copy in the place of a store; what stood there becomes a copy itself. The log goes on, so that nobody
    /// loses what they did by going back.
    ///
    /// # Errors
    /// When the copy is not sound or does not open with the passphrase; those of the disk.
    pub fn restore(dir: &Path, from: &Path, passphrase: &Passphrase) -> Result<(), StoreError> {
        let report = Self::verify_folder(from, passphrase)?;
        if let Some(wrong) = report.checks.iter().find(|c| !c.sound) {
            let text = format!("the copy: {}: {}", wrong.part, wrong.detail);
            return Err(StoreError::damaged("copy", text));
        }
        let key = key::open(from, passphrase)?;
        files::make_private(dir).or_else(|error| match dir.is_dir() {
            true => Ok(()),
            false => Err(error),
        })?;
        let lock = files::lock(dir)?;
        let now = audit::read(dir, &key, None, &mut |_| {})?;
        let keep_log = now.problem.is_none();
        if !parts(dir)?.is_empty() {
            let aside = copies::next_name(dir);
            Snapshot::take(dir)?.write(&aside, None, &CancelToken::default())?;
        }
        for part in parts(dir)? {
            let name = part.file_name().unwrap_or_default();
            let log = name == audit::FILE || name == audit::HEAD_FILE;
            if !(log && keep_log) {
                fs::remove_file(&part).map_err(StoreError::io("replacing the store"))?;
            }
        }
        remove_logs(dir);
        for part in parts(from)? {
            let name = part.file_name().unwrap_or_default();
            let to = dir.join(name);
            if !to.exists() {
                let bytes = fs::read(&part).map_err(StoreError::io("reading the copy"))?;
                files::write_whole(&to, &bytes)?;
            }
        }
        keeping::replace_blobs(dir, from)?;
        drop(lock);
        let store = Self::open(dir, passphrase)?;
        store.log_now(AuditEvent::new(AuditKind::Restored, ""))
    }

    /// Repairs a store that may be too damaged to open: what can be read is kept, what is damaged is put aside, what is
    /// missing is taken from the last copy.
    ///
    /// # Errors
    /// Those of the key and of the disk.
    pub fn repair(dir: &Path, passphrase: &Passphrase) -> Result<RecoverReport, StoreError> {
        let key = accounts::open_key(dir, None, passphrase)?;
        let lock = files::lock(dir)?;
        let mut report = RecoverReport {
            keys: key::mend(dir, [key::FILE, key::COPY])?,
            ..RecoverReport::default()
        };
        let last = backups(dir).pop();
        let (commits, chain) = mend_journal(dir, last.as_deref(), &key, &mut report)?;
        salvage::mend_database(dir, last.as_deref(), &key, &mut report)?;
        if report.database {
            // It would tell of rows that are lost, and not of those that a copy gave back.
            derived::remove(dir)?;
        }
        if audit::read(dir, &key, None, &mut |_| {})?.problem.is_some() {
            // Opening begins a new one that says so; what is left of the old one stays for who wants to look at it.
            let aside = dir.join(format!("{}.damaged-{}", audit::FILE, now_ms()));
            match fs::rename(dir.join(audit::FILE), aside) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                    return Err(StoreError::io("keeping the damaged log")(e));
                }
                _ => {}
            }
        }
        // What the database remembers of the journal is that of before.
        let connection = database::connect(&dir.join(database::FILE), &key, false)?;
        verify::remember(&connection, commits, &chain)?;
        drop(connection);
        report.commits = commits;
        drop(lock);
        let mut store = Self::open(dir, passphrase)?;
        store.mend_kept(last.as_deref(), &mut report)?;
        let (rows, kept) = (report.rows.0, report.kept_taken + report.kept_mended);
        let detail = format!("{commits} commits, {rows} rows, {kept} kept files");
        store.log_now(AuditEvent::new(AuditKind::Recovered, detail))?;
        Ok(report)
    }

    /// Gives the store a new key under a passphrase. Other accounts need new passphrases, and copies of the store, which
    /// have the old key, are removed.
    ///
    /// # Errors
    /// When the role does not allow it; those of the disk. A crash leaves the old store or the new one.
    pub fn rekey(mut self, passphrase: &Passphrase, cost: KdfCost) -> Result<(), StoreError> {
        self.demand(Right::Rekey)?;
        if self.journal_damage().is_some() {
            return Err(StoreError::damaged("journal", "it must be repaired first"));
        }
        self.stop_copy()?;
        let head = self.audit_head();
        let dir = self.dir.clone();
        let key = StoreKey::random()?;
        let nursery = tempfile::Builder::new()
            .prefix(".negatoscope-rekey-")
            .tempdir_in(&dir)
            .map_err(StoreError::io("making a folder"))?;
        let inner = nursery.path().join("store");
        files::make_private(&inner)?;
        let store_id = key::status(&dir)?.store_id;
        key::wrap(
            &inner,
            [key::FILE, key::COPY],
            &key,
            store_id,
            passphrase,
            cost,
        )?;
        if let Some(kept) = self.vault()? {
            // What is kept stays as it is; the key that reads it is sealed anew.
            vault::write(&inner, &key, &kept)?;
        }
        let mut journal = NewJournal::create(&inner.join(journal::FILE), &key)?;
        journal.copy(&dir.join(journal::FILE), &self.key)?;
        let (commits, chain) = journal.finish()?;
        self.export_database(&inner.join(database::FILE), &key)?;
        let connection = database::connect(&inner.join(database::FILE), &key, false)?;
        verify::remember(&connection, commits, &chain)?;
        remember::forget_notes(&connection)?;
        database::checkpoint(&connection)?;
        drop(connection);
        remove_logs(&inner);
        Audit::create(&inner, &key)?;
        let mut log =
            Audit::open(&inner, &key)?.map_err(|text| StoreError::damaged("log", text))?;
        let mut failed = None;
        let found = audit::read(&dir, &self.key, None, &mut |entry| {
            if failed.is_none() {
                failed = log.append(entry, false).err();
            }
        })?;
        if let Some(error) = failed {
            return Err(error);
        }
        if let Some((number, text)) = found.problem {
            let text = format!("entry {number}: {text}");
            return Err(StoreError::damaged("log", text));
        }
        log.sync()?;
        // From here on the log says under the new key what the head was under the old one.
        *self.audit.get_mut() = Some(log);
        let before = head.map(|h| h.text()).unwrap_or_default();
        self.log_now(AuditEvent::new(
            AuditKind::Rekeyed,
            format!("head before: {before}"),
        ))?;
        *self.audit.get_mut() = None;
        files::sync_folder(&inner)?;
        // With the lock still held: whoever opens the store from here on opens the new one.
        fs::rename(&inner, dir.join(REKEYED)).map_err(StoreError::io("naming the new store"))?;
        files::sync_folder(&dir)?;
        drop(self);
        finish_rekey(&dir)
    }

    fn export_database(&self, target: &Path, key: &StoreKey) -> Result<(), StoreError> {
        database::checkpoint(&self.connection)?;
        // The connection makes no files; an empty one is an empty database.
        fs::File::create(target).map_err(StoreError::io("making the new database"))?;
        let statement = database::key_statement(key);
        // PRAGMA key = "x'…'" has the literal that ATTACH takes too.
        let literal = statement.trim_start_matches("PRAGMA key = ");
        let attach = zeroize::Zeroizing::new(format!("ATTACH DATABASE ?1 AS fresh KEY {literal}"));
        self.connection
            .execute(&attach, [target.to_string_lossy()])?;
        self.connection
            .query_row("SELECT sqlcipher_export('fresh')", [], |_| Ok(()))?;
        let version = database::VERSION;
        self.connection.execute_batch(&format!(
            "PRAGMA fresh.user_version = {version}; DETACH DATABASE fresh;"
        ))?;
        Ok(())
    }

    /// Takes everything about a patient out of the store: record, index, marks, reports, kept files, copies. Image files
    /// that are not kept stay where they are. What could be taken back until now no longer can.
    ///
    /// # Errors
    /// When the role does not allow it, or nobody has this ID; those of the disk.
    pub fn erase_patient(&mut self, id: &str) -> Result<EraseReport, StoreError> {
        self.demand(Right::ErasePatient)?;
        let id = id.trim();
        let record = self.patient_by_any_id(id)?;
        let studies = self.studies_with_id(id)?;
        let kept = self.blobs_with_id(id)?;
        if record.is_none() && studies.is_empty() && kept.is_empty() {
            return Err(StoreError::UnknownPatient);
        }
        self.stop_copy()?;
        let mut report = EraseReport {
            studies: studies.len(),
            files: studies
                .iter()
                .map(|s| s.instances.saturating_sub(s.kept))
                .sum(),
            kept: kept.len(),
            ..EraseReport::default()
        };
        // Before: who it was is no longer known afterwards.
        self.log_now(AuditEvent::new(AuditKind::Erased, "").of_patient(id))?;
        for name in &kept {
            blobs::remove(&self.dir, name)?;
        }
        blobs::remove_aside(&self.dir)?;
        blobs::sweep(&self.dir);
        blobs::sync(&self.dir)?;
        let uids = self.uids_of(id)?;
        let kept = without(self.kept(), &uids, record.as_deref(), &mut report);
        let names = self.names_of(id, record.as_deref())?;
        *self.derived.borrow_mut() = None;
        derived::remove(&self.dir)?;
        // The rows last: as long as they are there, asking again ends what a crash left half done.
        self.replace_journal(&kept)?;
        let transaction = self.connection.transaction()?;
        if let Some(record) = &record {
            report.resources =
                transaction.execute("DELETE FROM resource WHERE patient = ?1", [record])?;
            transaction.execute("DELETE FROM identifier WHERE patient = ?1", [record])?;
            transaction.execute("DELETE FROM patient WHERE fhir_id = ?1", [record])?;
            transaction.execute("DELETE FROM changed WHERE patient = ?1", [record])?;
        }
        transaction.execute(
            "DELETE FROM instance WHERE series IN (SELECT series.id FROM series
             JOIN study ON study.id = series.study JOIN subject ON subject.id = study.subject
             WHERE TRIM(subject.patient_id) = ?1)",
            params![id],
        )?;
        sweep_rows(&transaction)?;
        transaction.commit()?;
        let lists: Vec<_> = self
            .worklists()?
            .into_iter()
            .filter(|list| {
                let text = format!("{} {}", list.name, list.query).to_lowercase();
                !names.iter().any(|name| text.contains(name))
            })
            .collect();
        self.set_worklists(&lists)?;
        self.connection.execute_batch("VACUUM")?;
        database::checkpoint(&self.connection)?;
        report.backups = self.purge_copies()?;
        Ok(report)
    }

    /// UIDs of studies, series and instances under a Patient ID.
    fn uids_of(&self, id: &str) -> Result<HashSet<String>, StoreError> {
        let mut statement = self.connection.prepare(
            "SELECT study.uid, series.uid, instance.uid FROM instance
             JOIN series ON series.id = instance.series JOIN study ON study.id = series.study
             JOIN subject ON subject.id = study.subject WHERE TRIM(subject.patient_id) = ?1",
        )?;
        let rows = statement.query_map([id], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]))?;
        let mut uids = HashSet::new();
        for row in rows {
            let row: [String; 3] = row?;
            uids.extend(row.into_iter().filter(|uid| !uid.is_empty()));
        }
        Ok(uids)
    }

    /// What lists of studies may call the patient, in small letters.
    fn names_of(&self, id: &str, record: Option<&str>) -> Result<Vec<String>, StoreError> {
        let mut names = vec![id.to_lowercase()];
        let mut statement = self.connection.prepare(
            "SELECT alphabetic, ideographic FROM subject WHERE TRIM(patient_id) = ?1
             UNION SELECT family, given FROM patient WHERE fhir_id = ?2",
        )?;
        let rows = statement.query_map([id, record.unwrap_or_default()], |row| {
            Ok([row.get::<_, String>(0)?, row.get(1)?])
        })?;
        for row in rows {
            for text in row? {
                names.extend(text.split(['^', ' ', '=']).map(str::to_lowercase));
            }
        }
        names.retain(|name| name.chars().count() >= 2);
        Ok(names)
    }

    /// Makes the journal anew from what is kept.
    fn replace_journal(&mut self, kept: &Kept) -> Result<(), StoreError> {
        let path = self.dir.join(journal::FILE);
        let fresh = self.dir.join("edits.journal.new");
        let _ = fs::remove_file(&fresh);
        let mut journal = NewJournal::create(&fresh, &self.key)?;
        journal.put(&kept.as_edits(), now_ms())?;
        let (commits, chain) = journal.finish()?;
        // A crash between the two: the journal is shorter than remembered, and opening says so; so the note goes first.
        verify::remember(&self.connection, 0, &[0; 32])?;
        fs::rename(&fresh, &path).map_err(StoreError::io("replacing the journal"))?;
        files::sync_folder(&self.dir)?;
        let replay = journal::read(&path, &self.key)?;
        self.journal = Writing::Open(Box::new(Journal::open(&path, replay, &self.key)?));
        verify::remember(&self.connection, commits, &chain)?;
        database::checkpoint(&self.connection)
    }

    /// Removes copies and what repairs put aside, and makes one new copy where there were some.
    fn purge_copies(&mut self) -> Result<usize, StoreError> {
        let all = copies::remove_all(&self.dir)?;
        let entries = fs::read_dir(&self.dir).map_err(StoreError::io("reading the folder"))?;
        for entry in entries.flatten() {
            if entry.file_name().to_string_lossy().contains(".damaged-") {
                fs::remove_file(entry.path()).map_err(StoreError::io("removing a file"))?;
            }
        }
        if all > 0 {
            self.copy_now(None)?;
        }
        Ok(all)
    }
}

/// What is kept without what belongs to some studies and to a record.
fn without(
    kept: &Kept,
    uids: &HashSet<String>,
    record: Option<&str>,
    report: &mut EraseReport,
) -> Kept {
    let names = |text: &str| uids.iter().any(|uid| text.contains(uid.as_str()));
    let mut left = Kept::default();
    for edit in kept.as_edits() {
        let gone = match &edit {
            Edit::Add(mark) => {
                let gone = uids.contains(&mark.target.study_uid)
                    || uids.contains(&mark.target.series_uid)
                    || uids.contains(&mark.target.instance_uid);
                report.marks += usize::from(gone);
                gone
            }
            Edit::KeyImage { target, .. } | Edit::Calibrate { target, .. } => {
                uids.contains(&target.study_uid) || uids.contains(&target.instance_uid)
            }
            Edit::View { place, to, .. } => {
                uids.contains(&place.study_uid) || uids.contains(&place.series_uid) || names(to)
            }
            Edit::Layout { study_uid, to, .. } => uids.contains(study_uid) || names(to),
            Edit::ReadStatus { study_uid, .. } | Edit::Report { study_uid, .. } => {
                uids.contains(study_uid)
            }
            Edit::Say { question, .. } => {
                let subject = &question.subject;
                uids.contains(&subject.study_uid)
                    || uids.contains(&subject.series_uid)
                    || uids.contains(&subject.instance_uid)
            }
            Edit::Segmentation(edit) => {
                let gone = kept.segmentations.get(edit.of()).is_some_and(|s| {
                    let frame = s.frame.as_ref().is_some_and(|(uid, _)| uids.contains(uid));
                    uids.contains(&s.study_uid) || uids.contains(&s.series_uid) || frame
                });
                let whole = matches!(edit, SegmentationEdit::Put(_));
                report.marks += usize::from(gone && whole);
                gone
            }
            Edit::Amend { place, .. } => record == Some(place.patient.reveal().as_str()),
            _ => false,
        };
        if !gone {
            // Made from a state without conflicts, so it has none.
            let _ = left.apply(&edit);
        }
    }
    left
}

/// Write-ahead log and index of a database whose file was replaced, and what was derived of it.
fn remove_logs(dir: &Path) {
    let _ = derived::remove(dir);
    for ending in ["-wal", "-shm"] {
        let _ = fs::remove_file(dir.join(format!("{}{ending}", database::FILE)));
    }
}

/// Whether a store of a new key waits for being put into its place.
pub(super) fn is_rekeyed(dir: &Path) -> bool {
    dir.join(REKEYED).is_dir()
}

/// Puts a store of a new key into its place; a crash on the way is made good by the next opening.
///
/// # Errors
/// Those of the disk.
pub(super) fn finish_rekey(dir: &Path) -> Result<(), StoreError> {
    if !is_rekeyed(dir) {
        return Ok(());
    }
    let _lock = files::lock(dir)?;
    if !is_rekeyed(dir) {
        // Somebody else did it a moment ago.
        return Ok(());
    }
    let fresh = dir.join(REKEYED);
    copies::remove_all(dir)?;
    let doing = || StoreError::io("putting the new store into its place");
    for part in parts(dir)? {
        let name = part.file_name().unwrap_or_default().to_string_lossy();
        if is_user_key(&name) {
            fs::remove_file(&part).map_err(doing())?;
        }
    }
    // Under the old key nothing may stay.
    remember::remove_all(dir)?;
    derived::remove(dir)?;
    remove_logs(dir);
    for part in parts(&fresh)? {
        let to = dir.join(part.file_name().unwrap_or_default());
        fs::rename(&part, to).map_err(doing())?;
    }
    files::sync_folder(dir)?;
    fs::remove_dir_all(&fresh).map_err(doing())
}

/// Makes the journal one that can be written on; commits and chain value.
fn mend_journal(
    dir: &Path,
    last: Option<&Path>,
    key: &StoreKey,
    report: &mut RecoverReport,
) -> Result<(u64, [u8; 32]), StoreError> {
    let path = dir.join(journal::FILE);
    let copy = last
        .map(|copy| copy.join(journal::FILE))
        .filter(|p| p.exists());
    let (problem, commits) = match journal::read(&path, key) {
        Ok(replay) => match &replay.tail {
            Tail::Damaged { number, detail, .. } => (format!("record {number}: {detail}"), 0),
            _ => {
                let beyond = copy.as_deref().and_then(|p| journal::read(p, key).ok());
                let more = |r: &journal::Replay| r.is_sound() && r.commits > replay.commits;
                if !beyond.as_ref().is_some_and(more) {
                    return Ok((replay.commits, replay.chain));
                }
                let text = "its end is missing; it was taken from the last copy";
                (text.to_owned(), replay.commits)
            }
        },
        Err(StoreError::Damaged { detail, .. }) => (detail, 0),
        Err(error) => return Err(error),
    };
    report.journal = problem;
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(e) => return Err(StoreError::io("reading the journal")(e)),
    };
    let mut found = journal::salvage(&bytes, key);
    if let Some(copy) = &copy {
        found.add_copy(copy, key);
    }
    report.missing = found.missing();
    if found.len() < commits {
        return Err(StoreError::damaged(
            "journal",
            "less can be read than before",
        ));
    }
    let fresh = dir.join("edits.journal.new");
    let _ = fs::remove_file(&fresh);
    let mut journal = NewJournal::create(&fresh, key)?;
    report.unmade = journal::write_salvaged(&found, &mut journal)?;
    let (commits, chain) = journal.finish()?;
    if path.exists() {
        let aside = dir.join(format!("{}.damaged-{}", journal::FILE, now_ms()));
        fs::copy(&path, aside).map_err(StoreError::io("keeping the damaged journal"))?;
    }
    fs::rename(&fresh, &path).map_err(StoreError::io("replacing the journal"))?;
    files::sync_folder(dir)?;
    Ok((commits, chain))
}

impl Store {
    /// Whether the log can be written.
    pub fn has_log(&self) -> bool {
        self.audit.borrow().is_some()
    }

    /// The account that made the store.
    pub const fn owner() -> &'static str {
        OWNER
    }
}
