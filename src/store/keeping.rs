//! Files that are kept in the store: which rows of the index they have, and what becomes of them when a store is looked
//! over, repaired, or rid of a patient. How they lie on the disk is in `blobs`.
//!
//! A row of the index whose file is kept has, instead of the path of the file, a zero byte, the name of the blob, `/` and
//! the path that the file had. No path has a zero byte, so the two are never mixed up. Each blob says of itself what its
//! row says, so the rows can be made again from the blobs alone.
//!
//! Must stay true: a row says that a file is kept after the blob is on the disk under its name; a patient is taken out
//! blobs first, so that asking again ends what a crash left half done.

use super::{
    AuditEvent, IndexReport, Store, StoreError,
    blobs::{self, Facts, Keeping, SealedObject},
    copies, database,
    key::{CopyState, StoreKey},
    maintenance::RecoverReport,
    studies::{identity_of, path_bytes, path_from, sweep_rows, write_row},
    vault,
    verify::VerifyReport,
};
use crate::{
    dicom::{
        bytes::ByteSource,
        sealed::{self, BlobName, FOLDER, SealedFile, VaultKey},
    },
    model::{
        access::{AuditKind, Right},
        identity::Phi,
        study::Instance,
    },
};
use rusqlite::{Connection, params};
use std::{
    collections::{BTreeMap, HashSet},
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

/// Digits of a blob's name in a row.
const DIGITS: usize = 64;
/// Damaged blobs that are named one by one.
const NAMED: usize = 20;

/// The path of a row whose file is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeptPath {
    /// The blob.
    pub blob: BlobName,
    /// Where the file lay.
    pub original: Vec<u8>,
}

impl KeptPath {
    pub(super) fn parse(row: &[u8]) -> Option<Self> {
        let (digits, rest) = row.strip_prefix(b"\0")?.split_at_checked(DIGITS)?;
        Some(Self {
            blob: BlobName::parse(std::str::from_utf8(digits).ok()?)?,
            original: rest.strip_prefix(b"/")?.to_vec(),
        })
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let name = self.blob.to_string();
        [b"\0", name.as_bytes(), b"/", &self.original].concat()
    }
}

/// Something that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptFile {
    /// The name of its blob, which says nothing.
    pub blob: String,
    /// The path under which it is opened.
    pub place: PathBuf,
    /// Where the file lay that was kept.
    pub original: Phi<PathBuf>,
    /// Study Instance UID.
    pub study_uid: String,
    /// Series Instance UID.
    pub series_uid: String,
    /// SOP Instance UID.
    pub instance_uid: String,
    /// Bytes of its content.
    pub bytes: u64,
}

/// What writing the files of a study out did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WrittenOut {
    /// Files that were written.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Files of the index that could not be read.
    pub missing: usize,
}

/// Whether what is kept stands for the file of an instance: it is that itself, or the same file at the same place.
pub(super) fn stands_for(
    connection: &Connection,
    dir: &Path,
    instance: &Instance,
) -> Result<bool, StoreError> {
    if let Some(member) = instance.source.member.as_ref().filter(|m| m.is_kept()) {
        let name = BlobName::of_path(&member.archive);
        let own = member.archive.starts_with(dir.join(FOLDER));
        return match name.filter(|_| own) {
            Some(name) => has_row(connection, &name),
            None => Ok(false),
        };
    }
    let sql = "SELECT 1 FROM instance WHERE uid = ?1 AND substr(path, 1, 1) = X'00'
               AND substr(path, 67) = ?2 AND bytes = ?3";
    let bytes = i64::try_from(instance.source.bytes).unwrap_or(i64::MAX);
    let path = path_bytes(&instance.source.path);
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.exists(params![instance.sop_instance_uid, path, bytes])?)
}

fn has_row(connection: &Connection, name: &BlobName) -> Result<bool, StoreError> {
    let (first, behind) = range_of(name);
    let sql = "SELECT 1 FROM instance WHERE path >= ?1 AND path < ?2";
    Ok(connection.prepare_cached(sql)?.exists([first, behind])?)
}

/// Between which paths the rows of a blob lie.
fn range_of(name: &BlobName) -> (Vec<u8>, Vec<u8>) {
    let with = |end: u8| [b"\0", name.to_string().as_bytes(), &[end]].concat();
    // The sign behind `/` is `0`.
    (with(b'/'), with(b'0'))
}

/// The rows whose files are kept.
fn rows(connection: &Connection) -> Result<Vec<KeptPath>, StoreError> {
    let sql = "SELECT path FROM instance WHERE path >= X'00' AND path < X'01' ORDER BY path";
    let mut statement = connection.prepare(sql)?;
    let found = statement.query_map([], |row| row.get::<_, Vec<u8>>(0))?;
    let mut paths = Vec::new();
    for row in found {
        paths.extend(KeptPath::parse(&row?));
    }
    Ok(paths)
}

/// What the index says of the file of a row.
fn facts_of_row(connection: &Connection, path: &KeptPath) -> Result<Facts, StoreError> {
    use crate::model::{
        date::Date,
        study::{SeriesDescription, StudyDescription},
    };
    let sql =
        "SELECT alphabetic, ideographic, phonetic, patient_id, issuer, birth_date, sex, synthetic,
                      study.uid, study.date, study.time, study.description, accession,
                      series.uid, modality, series.number, series.description, body_part,
                      sop_class, instance.uid, instance.number, transfer_syntax, frames, bytes
               FROM instance JOIN series ON series.id = instance.series
               JOIN study ON study.id = series.study JOIN subject ON subject.id = study.subject
               WHERE path = ?1";
    Ok(connection.query_row(sql, [path.bytes()], |row| {
        let text = |column: usize| row.get::<_, String>(column);
        Ok(Facts {
            path: path.original.clone(),
            patient: std::sync::Arc::new(identity_of(row)?),
            study: std::sync::Arc::new(StudyDescription {
                uid: text(8)?,
                date: Date::parse(&text(9)?),
                time: text(10)?,
                description: text(11)?,
                accession_number: Phi::new(text(12)?),
                ..StudyDescription::default()
            }),
            series: std::sync::Arc::new(SeriesDescription {
                uid: text(13)?,
                modality: text(14)?,
                number: row.get(15)?,
                description: text(16)?,
                body_part: text(17)?,
                ..SeriesDescription::default()
            }),
            sop_class: text(18)?,
            uid: text(19)?,
            number: row.get(20)?,
            transfer_syntax: text(21)?,
            frames: row.get(22)?,
            bytes: row.get(23)?,
        })
    })?)
}

/// Looks over what is kept: the key, every blob from its first byte to its last, and whether the index names what is
/// there. `connection` is none where the database does not open.
pub(super) fn verify(
    dir: &Path,
    key: &StoreKey,
    connection: Option<&Connection>,
    report: &mut VerifyReport,
) -> Result<(), StoreError> {
    const PART: &str = "kept files";
    let names = blobs::names(dir)?;
    // What the index does not say for damage is said elsewhere.
    let rows = connection.and_then(|c| rows(c).ok()).unwrap_or_default();
    let states = vault::states(dir, key)?;
    if names.is_empty() && rows.is_empty() && states == [CopyState::Absent; 2] {
        return Ok(());
    }
    for (name, state) in [vault::FILE, vault::COPY].into_iter().zip(states) {
        let words = match state {
            CopyState::Sound => "sound",
            CopyState::Absent => "missing",
            CopyState::Damaged => "not as it was written",
        };
        let sound = state == CopyState::Sound;
        report.add(PART, sound, format!("{name}: {words}"));
    }
    let remembered = || connection.and_then(|c| vault::remembered(c).ok().flatten());
    match vault::read(dir, key).ok().flatten().or_else(remembered) {
        None if names.is_empty() => {}
        None => {
            let text = format!("{} files, and no key that opens them", names.len());
            report.add(PART, false, text);
        }
        Some(vault) => {
            let (bytes, wrong) = blobs::check_all(dir, &vault, &names);
            let sound = names.len() - wrong.len();
            report.add(PART, true, format!("{sound} files of {bytes} bytes: sound"));
            for (name, text) in wrong.iter().take(NAMED) {
                report.add(PART, false, format!("{name}: {text}"));
            }
            if let Some(more @ 1..) = wrong.len().checked_sub(NAMED) {
                report.add(PART, false, format!("{more} further files are damaged"));
            }
        }
    }
    if connection.is_none() {
        return Ok(());
    }
    let there: HashSet<&BlobName> = names.iter().collect();
    let named: HashSet<&BlobName> = rows.iter().map(|row| &row.blob).collect();
    let missing = named.difference(&there).count();
    if missing > 0 {
        report.add(PART, false, format!("{missing} files are missing"));
    }
    let unknown = there.difference(&named).count();
    if unknown > 0 {
        // A crash between sealing and indexing leaves that, and the index is what repairing makes anew.
        let text = format!("{unknown} files that the index does not name; repairing takes them in");
        report.add(PART, true, text);
    }
    Ok(())
}

impl Store {
    /// The key that reads what is kept; none where nothing was kept yet.
    ///
    /// # Errors
    /// When there is one and no copy of it can be read; those of the disk.
    pub fn vault(&self) -> Result<Option<VaultKey>, StoreError> {
        match vault::read(&self.dir, &self.key) {
            Ok(Some(vault)) => Ok(Some(vault)),
            other => match vault::remembered(&self.connection)? {
                Some(vault) => Ok(Some(vault)),
                None => other,
            },
        }
    }

    /// What seals files for this store. They are on the disk then, and not yet in the index.
    ///
    /// # Errors
    /// When the role does not allow it; those of the disk.
    pub fn keeping(&self) -> Result<Keeping, StoreError> {
        self.demand(Right::ImportStudies)?;
        let vault = match self.vault()? {
            Some(vault) => vault,
            None => vault::random()?,
        };
        if vault::states(&self.dir, &self.key)? != [CopyState::Sound; 2]
            || vault::remembered(&self.connection)?.as_ref() != Some(&vault)
        {
            // Before anything is sealed under it.
            vault::write_all(&self.dir, &self.key, &self.connection, &vault)?;
        }
        Ok(Keeping {
            dir: self.dir.clone(),
            vault,
        })
    }

    /// Puts files that were sealed into the index, in the place of those at their old paths; all or, on an error, none.
    ///
    /// # Errors
    /// When the role does not allow it; those of the disk.
    pub fn settle_kept(&mut self, sealed: &[SealedObject]) -> Result<IndexReport, StoreError> {
        self.demand(Right::ImportStudies)?;
        blobs::sync(&self.dir)?;
        let mut report = IndexReport::default();
        let mut studies: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        let transaction = self.connection.transaction()?;
        for object in sealed {
            let facts = &object.facts;
            match write_kept(&transaction, &object.name, facts)? {
                true => report.again += 1,
                false => report.new += 1,
            }
            transaction
                .prepare_cached("DELETE FROM instance WHERE path = ?1")?
                .execute([&facts.path])?;
            let of = (facts.study.uid.as_str(), facts.patient.id.reveal().as_str());
            *studies.entry(of).or_default() += 1;
        }
        sweep_rows(&transaction)?;
        transaction.commit()?;
        self.checkpoint()?;
        for ((study, patient), files) in studies {
            let event = AuditEvent::new(AuditKind::ImagesKept, format!("{files} files"));
            self.log(event.of_study(study).of_patient(patient));
        }
        Ok(report)
    }

    /// Where the file of a row is opened.
    pub(super) fn place(&self, row: Vec<u8>) -> PathBuf {
        place_in(&self.dir, row)
    }

    /// Everything that is kept, or what is kept of a study, by study, series and number.
    ///
    /// # Errors
    /// When the role does not allow it; those of the database.
    pub fn kept_files(&self, study_uid: Option<&str>) -> Result<Vec<KeptFile>, StoreError> {
        self.demand(Right::ViewStudies)?;
        let event = AuditEvent::new(AuditKind::Query, "kept files");
        self.log(event.of_study(study_uid.unwrap_or_default()));
        let sql = "SELECT path, study.uid, series.uid, instance.uid, bytes
                   FROM instance JOIN series ON series.id = instance.series
                   JOIN study ON study.id = series.study
                   WHERE path >= X'00' AND path < X'01' AND (?1 IS NULL OR study.uid = ?1)
                   ORDER BY study.uid, series.number, series.uid, instance.number, path";
        let mut statement = self.connection.prepare(sql)?;
        let mut found = statement.query([study_uid])?;
        let mut files = Vec::new();
        while let Some(row) = found.next()? {
            let path: Vec<u8> = row.get(0)?;
            let Some(kept) = KeptPath::parse(&path) else {
                continue;
            };
            files.push(KeptFile {
                blob: kept.blob.to_string(),
                place: self.place(path),
                original: Phi::new(path_from(kept.original)),
                study_uid: row.get(1)?,
                series_uid: row.get(2)?,
                instance_uid: row.get(3)?,
                bytes: u64::try_from(row.get::<_, i64>(4)?).unwrap_or_default(),
            });
        }
        Ok(files)
    }

    /// Blobs that are there, and their bytes on the disk.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn kept_size(&self) -> Result<(usize, u64), StoreError> {
        let names = blobs::names(&self.dir)?;
        let size = |name: &BlobName| blobs::path_of(&self.dir, name).metadata();
        let bytes = names.iter().filter_map(|n| size(n).ok()).map(|m| m.len());
        Ok((names.len(), bytes.sum()))
    }

    /// Writes the file of a path of [`study_files`](Store::study_files) out, byte for byte what it was; its bytes.
    ///
    /// # Errors
    /// Those of the disk; `InvalidData` where what is kept is not as it was written.
    pub fn write_out(&self, path: &Path, to: &Path) -> io::Result<u64> {
        let blob = path
            .parent()
            .filter(|p| p.starts_with(self.dir.join(FOLDER)));
        let Some(blob) = blob.filter(|blob| BlobName::of_path(blob).is_some()) else {
            return fs::copy(path, to);
        };
        let vault = self.vault().ok().flatten();
        let vault = vault.ok_or(io::ErrorKind::PermissionDenied)?;
        let (_, sealed) = SealedFile::open(blob, &vault)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        let source = ByteSource::Sealed(sealed);
        let mut out = File::create_new(to)?;
        let written = source.copy_to(0, source.len(), &mut out);
        if written.is_err() {
            // Half a file is none.
            drop(out);
            let _ = fs::remove_file(to);
        }
        written.map(|()| source.len())
    }

    /// Writes the files of a study into a folder that is empty or not there, each byte for byte what it was. Their names
    /// are numbers, in the order of the study: what they were called may name somebody.
    ///
    /// # Errors
    /// When the role does not allow it, no study has this UID ([`StoreError::UnknownStudy`]) or those of several patients
    /// have ([`StoreError::SharedStudy`]); those of the disk.
    pub fn export_images(&self, study_uid: &str, dir: &Path) -> Result<WrittenOut, StoreError> {
        self.demand(Right::ExportImages)?;
        match self.owners_of_study(study_uid)? {
            0 => return Err(StoreError::UnknownStudy),
            1 => {}
            _ => return Err(StoreError::SharedStudy),
        }
        if fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(StoreError::NotEmpty(StoreError::name(dir)));
        }
        // Before anything leaves.
        let event = AuditEvent::new(AuditKind::Exported, "the files of a study");
        self.log_now(event.of_study(study_uid))?;
        fs::create_dir_all(dir).map_err(StoreError::io("making the folder"))?;
        let mut written = WrittenOut::default();
        for (number, path) in (1..).zip(self.study_files(study_uid)?) {
            let to = dir.join(format!("{number:06}{}", ending(&path)));
            match self.write_out(&path, &to) {
                Ok(bytes) => {
                    written.files += 1;
                    written.bytes += bytes;
                }
                Err(error) if error.kind() == io::ErrorKind::StorageFull => {
                    return Err(StoreError::io("writing the files")(error));
                }
                Err(_) => written.missing += 1,
            }
        }
        Ok(written)
    }

    /// Repairs what is kept: damaged or missing blobs are taken from the last copy or from where the file lay, if it is
    /// still the same; what cannot be had again is put aside and the index names the old place. What the index does not
    /// name is taken in.
    pub(super) fn mend_kept(
        &mut self,
        last: Option<&Path>,
        report: &mut RecoverReport,
    ) -> Result<(), StoreError> {
        let names = blobs::names(&self.dir)?;
        let known = rows(&self.connection)?;
        let mut vault = self.vault().unwrap_or_default();
        if vault.is_none() {
            vault = last.and_then(|last| vault::read(last, &self.key).ok().flatten());
        }
        let Some(vault) = vault else {
            report.kept_lost = names.len();
            return Ok(());
        };
        if names.is_empty() && known.is_empty() {
            return Ok(());
        }
        report.keys |= vault::states(&self.dir, &self.key)? != [CopyState::Sound; 2];
        vault::write_all(&self.dir, &self.key, &self.connection, &vault)?;
        let keeping = Keeping {
            dir: self.dir.clone(),
            vault: vault.clone(),
        };
        let (_, wrong) = blobs::check_all(&self.dir, &vault, &names);
        let there: HashSet<&BlobName> = names.iter().collect();
        let damaged: HashSet<BlobName> = wrong.into_iter().map(|(name, _)| name).collect();
        let mut gone: Vec<BlobName> = damaged.iter().copied().collect();
        let missing = known.iter().map(|row| row.blob);
        gone.extend(missing.filter(|name| !there.contains(name)));
        gone.sort_unstable();
        gone.dedup();
        for name in gone {
            let of: Vec<&KeptPath> = known.iter().filter(|row| row.blob == name).collect();
            if self.had_again(&keeping, &name, &of, last)? {
                report.kept_mended += 1;
                continue;
            }
            report.kept_lost += 1;
            if damaged.contains(&name) {
                blobs::put_aside(&self.dir, &name)?;
            }
            for row in of {
                // The library goes on knowing of it; whether the file is still there is seen when it is opened.
                let sql = "UPDATE OR REPLACE instance SET path = ?2 WHERE path = ?1";
                self.connection
                    .execute(sql, params![row.bytes(), row.original])?;
            }
        }
        report.kept_taken = self.take_in_blobs(&vault)?;
        Ok(())
    }

    /// Gets a blob again from a copy of the store, or from a file that has the same content; whether it could.
    fn had_again(
        &self,
        keeping: &Keeping,
        name: &BlobName,
        of: &[&KeptPath],
        last: Option<&Path>,
    ) -> Result<bool, StoreError> {
        if let Some(copy) = last.map(|last| blobs::path_of(last, name))
            && sealed::check(&copy, &keeping.vault).is_ok()
        {
            blobs::put(&self.dir, name, &copy, true)?;
            return Ok(true);
        }
        for row in of {
            let Ok(source) = ByteSource::open(&path_from(row.original.clone())) else {
                continue;
            };
            let same = keeping.vault.name_of(&source).is_ok_and(|n| n == *name);
            if same {
                let facts = facts_of_row(&self.connection, row)?;
                keeping.put(name, &facts, &source)?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Makes rows for blobs that have none, from what they say of themselves; how many.
    fn take_in_blobs(&mut self, vault: &VaultKey) -> Result<usize, StoreError> {
        let known: HashSet<BlobName> = rows(&self.connection)?.iter().map(|r| r.blob).collect();
        let mut taken = 0;
        let names = blobs::names(&self.dir)?;
        let transaction = self.connection.transaction()?;
        for name in names.iter().filter(|name| !known.contains(name)) {
            // One that says nothing was put aside, or is put aside by the next repair.
            if let Ok(facts) = blobs::facts_of(&self.dir, name, vault) {
                write_kept(&transaction, name, &facts)?;
                // A row that repairing found again under the old path is the same file.
                transaction.execute(
                    "DELETE FROM instance WHERE path = ?1 AND uid = ?2 AND bytes = ?3",
                    params![facts.path, facts.uid, facts.bytes],
                )?;
                taken += 1;
            }
        }
        sweep_rows(&transaction)?;
        transaction.commit()?;
        database::checkpoint(&self.connection)?;
        Ok(taken)
    }

    /// The blobs of a patient, those among them that the index does not name; not those that are another patient's too.
    pub(super) fn blobs_with_id(&self, id: &str) -> Result<Vec<BlobName>, StoreError> {
        let sql = "SELECT path, TRIM(subject.patient_id) = ?1 FROM instance
                   JOIN series ON series.id = instance.series JOIN study ON study.id = series.study
                   JOIN subject ON subject.id = study.subject
                   WHERE path >= X'00' AND path < X'01'";
        let mut statement = self.connection.prepare(sql)?;
        let mut found = statement.query([id])?;
        let (mut own, mut others) = (HashSet::new(), HashSet::new());
        while let Some(row) = found.next()? {
            if let Some(kept) = KeptPath::parse(&row.get::<_, Vec<u8>>(0)?) {
                match row.get(1)? {
                    true => own.insert(kept.blob),
                    false => others.insert(kept.blob),
                };
            }
        }
        if let Some(vault) = self.vault()? {
            for name in blobs::names(&self.dir)? {
                let unnamed = !own.contains(&name) && !others.contains(&name);
                if unnamed
                    && let Ok(facts) = blobs::facts_of(&self.dir, &name, &vault)
                    && facts.patient.id.reveal().trim() == id
                {
                    own.insert(name);
                }
            }
        }
        let mut blobs: Vec<BlobName> = own.difference(&others).copied().collect();
        blobs.sort_unstable();
        Ok(blobs)
    }
}

/// Writes the row of a blob; whether there was one.
fn write_kept(
    transaction: &rusqlite::Transaction<'_>,
    name: &BlobName,
    facts: &Facts,
) -> Result<bool, StoreError> {
    let path = KeptPath {
        blob: *name,
        original: facts.path.clone(),
    };
    write_row(transaction, &path.bytes(), facts)
}

/// Where the file of a row of the store in a folder is opened.
pub(super) fn place_in(dir: &Path, row: Vec<u8>) -> PathBuf {
    match KeptPath::parse(&row) {
        Some(kept) => {
            let name = blobs::shown_name(&path_from(kept.original));
            blobs::path_of(dir, &kept.blob).join(name)
        }
        None => path_from(row),
    }
}

/// The ending that a file of this name gets when it is written out: its own where it says a format, else that of DICOM.
fn ending(path: &Path) -> &'static str {
    const KNOWN: [&str; 10] = [
        ".nii.gz", ".nii", ".nrrd", ".mha", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".dcm",
    ];
    let name = blobs::shown_name(path).to_ascii_lowercase();
    let known = KNOWN.into_iter().find(|ending| name.ends_with(ending));
    known.unwrap_or(".dcm")
}

/// Puts what a copy of the store keeps into the place of what the store keeps.
///
/// # Errors
/// Those of the disk.
pub(super) fn replace_blobs(dir: &Path, from: &Path) -> Result<(), StoreError> {
    let wanted: HashSet<BlobName> = blobs::names(from)?.into_iter().collect();
    for name in blobs::names(dir)? {
        if !wanted.contains(&name) {
            blobs::remove(dir, &name)?;
        }
    }
    // A copy that lies elsewhere keeps files of its own.
    let own = from.starts_with(dir.join(copies::BACKUPS));
    for name in &wanted {
        blobs::put(dir, name, &blobs::path_of(from, name), own)?;
    }
    blobs::sync(dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_kept_files_are_told_from_paths() {
        let name = BlobName::parse(&"0f".repeat(32)).unwrap();
        let kept = KeptPath {
            blob: name,
            original: b"/data/a b/\xFFx.dcm".to_vec(),
        };
        let row = kept.bytes();
        assert_eq!(KeptPath::parse(&row), Some(kept));
        let (first, behind) = range_of(&name);
        assert!(first < row && row < behind);
        for wrong in [
            b"/data/a.dcm".as_slice(),
            b"",
            b"\0",
            b"\0short/",
            &row[1..],
            &row[..65],
        ] {
            assert_eq!(KeptPath::parse(wrong), None);
        }
        let place = place_in(Path::new("/s"), row);
        assert!(place.starts_with(format!("/s/{FOLDER}/{name}")));
        assert_eq!(
            place_in(Path::new("/s"), b"/a/b".to_vec()),
            Path::new("/a/b")
        );
    }

    #[test]
    fn only_known_endings_are_taken_over() {
        for (name, wanted) in [
            ("a.NII.GZ", ".nii.gz"),
            ("x.nii", ".nii"),
            ("IM0001", ".dcm"),
            ("Doe.Jane", ".dcm"),
            ("s.png", ".png"),
        ] {
            assert_eq!(ending(Path::new(name)), wanted, "{name}");
        }
    }
}
