//! The index of studies: what lies where. Files stay where they are, or are kept in the store too (`keeping`); the index
//! can be made anew.

use super::{
    AuditEvent, Store, StoreError,
    blobs::Facts,
    database,
    keeping::{self, KeptPath},
};
use crate::model::{
    access::{AuditKind, Right},
    date::Date,
    identity::{PatientIdentity, PersonName, Phi, Sex},
    study::{Instance, SeriesDescription, StudyDescription},
};
use rusqlite::{Connection, Transaction, params};
use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::Arc,
};

/// A study of the index.
#[derive(Clone, Debug)]
pub struct StudyRow {
    /// Number of the row in this index.
    pub row: i64,
    /// Whose.
    pub patient: PatientIdentity,
    /// Study Instance UID.
    pub uid: String,
    /// Study Date.
    pub date: Option<Date>,
    /// Study Time as `hh:mm:ss`, empty when absent.
    pub time: String,
    /// Study Description.
    pub description: String,
    /// Accession Number.
    pub accession: Phi<String>,
    /// Modalities, sorted.
    pub modalities: Vec<String>,
    /// Number of series.
    pub series: usize,
    /// Number of files.
    pub instances: usize,
    /// Number of pictures: frames of all files.
    pub images: usize,
    /// Bytes of the files.
    pub bytes: u64,
    /// How many of the files are kept in the store, so that they need not lie anywhere else.
    pub kept: usize,
}

/// What indexing did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IndexReport {
    /// Files that were not in the index.
    pub new: usize,
    /// Files that were, and whose row was written again.
    pub again: usize,
}

/// The subject of a row whose first columns are those of one: three forms of the name, identifier, issuer, birth date, sex,
/// and whether it is made up.
pub(super) fn identity_of(row: &rusqlite::Row<'_>) -> rusqlite::Result<PatientIdentity> {
    let text = |column: usize| row.get::<_, String>(column);
    Ok(PatientIdentity {
        name: Phi::new(PersonName {
            alphabetic: text(0)?,
            ideographic: text(1)?,
            phonetic: text(2)?,
        }),
        id: Phi::new(text(3)?),
        issuer: Phi::new(text(4)?),
        birth_date: Phi::new(Date::parse(&text(5)?)),
        sex: Phi::new(Sex::parse(&text(6)?)),
        synthetic: row.get(7)?,
    })
}

impl Store {
    /// Keeps where instances lie and what they are; all or, on an error, none.
    pub fn index_instances(
        &mut self,
        instances: &[Arc<Instance>],
    ) -> Result<IndexReport, StoreError> {
        self.demand(Right::ImportStudies)?;
        let dir = self.dir.clone();
        let transaction = self.connection.transaction()?;
        let mut report = IndexReport::default();
        for instance in instances {
            if keeping::stands_for(&transaction, &dir, instance)? {
                report.again += 1;
                continue;
            }
            let facts = Facts::of(instance);
            match write_row(&transaction, &facts.path, &facts)? {
                true => report.again += 1,
                false => report.new += 1,
            }
        }
        // A file that was replaced by one of another series leaves rows without files.
        sweep_rows(&transaction)?;
        transaction.commit()?;
        self.checkpoint()?;
        let detail = format!("{} new files, {} again", report.new, report.again);
        self.log(AuditEvent::new(AuditKind::StudiesImported, detail));
        Ok(report)
    }

    /// All studies, newest first. A Study Instance UID that came for two patients gives two rows.
    pub fn studies(&self) -> Result<Vec<StudyRow>, StoreError> {
        self.studies_under(None)
    }

    /// The studies under a Patient ID, newest first. Whose they are is for the caller to say: an ID alone is no patient.
    pub fn studies_with_id(&self, patient_id: &str) -> Result<Vec<StudyRow>, StoreError> {
        self.studies_under(Some(patient_id.trim()))
    }

    fn studies_under(&self, patient_id: Option<&str>) -> Result<Vec<StudyRow>, StoreError> {
        self.demand(Right::ViewStudies)?;
        let event = AuditEvent::new(AuditKind::Query, "studies");
        self.log(event.of_patient(patient_id.unwrap_or_default()));
        self.study_rows(patient_id)
    }

    /// The same without an entry in the log: part of something that has its own.
    pub(super) fn study_rows(&self, patient_id: Option<&str>) -> Result<Vec<StudyRow>, StoreError> {
        let mut statement = self.connection.prepare(
            "SELECT alphabetic, ideographic, phonetic, patient_id, issuer, birth_date, sex,
                    synthetic, study.uid, study.date, study.time, study.description, accession,
                    GROUP_CONCAT(DISTINCT modality), COUNT(DISTINCT series.id),
                    COUNT(instance.path), SUM(instance.bytes), SUM(instance.frames), study.id,
                    SUM(substr(instance.path, 1, 1) = X'00')
             FROM study JOIN subject ON subject.id = study.subject
                  JOIN series ON series.study = study.id
                  JOIN instance ON instance.series = series.id
             WHERE ?1 IS NULL OR TRIM(patient_id) = ?1
             GROUP BY study.id
             ORDER BY study.date DESC, study.time DESC, study.uid, study.id",
        )?;
        let rows = statement.query_map([patient_id], |row| {
            let text = |column: usize| row.get::<_, String>(column);
            let mut modalities: Vec<String> = text(13)?
                .split(',')
                .filter(|m| !m.is_empty())
                .map(str::to_owned)
                .collect();
            modalities.sort_unstable();
            Ok(StudyRow {
                row: row.get(18)?,
                patient: identity_of(row)?,
                uid: text(8)?,
                date: Date::parse(&text(9)?),
                time: text(10)?,
                description: text(11)?,
                accession: Phi::new(text(12)?),
                modalities,
                series: database::count(row, 14)?,
                instances: database::count(row, 15)?,
                bytes: u64::try_from(row.get::<_, i64>(16)?).unwrap_or_default(),
                images: database::count(row, 17)?,
                kept: database::count(row, 19)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How many patients have a study of this UID; more than one should not be.
    ///
    /// # Errors
    /// Those of the database.
    pub fn owners_of_study(&self, study_uid: &str) -> Result<usize, StoreError> {
        let sql = "SELECT COUNT(DISTINCT subject) FROM study WHERE uid = ?1";
        let count = self
            .connection
            .query_row(sql, [study_uid], |row| database::count(row, 0));
        Ok(count?)
    }

    /// Where the files of a study lie, by series and instance number. One that is kept lies in the store; its path leads
    /// there as one leads into an archive.
    pub fn study_files(&self, study_uid: &str) -> Result<Vec<PathBuf>, StoreError> {
        self.demand(Right::ViewStudies)?;
        self.log(AuditEvent::new(AuditKind::StudyViewed, "").of_study(study_uid));
        let mut statement = self.connection.prepare(
            "SELECT instance.path FROM instance
             JOIN series ON series.id = instance.series JOIN study ON study.id = series.study
             WHERE study.uid = ?1
             ORDER BY series.number, series.uid, instance.number, instance.path",
        )?;
        let rows = statement.query_map([study_uid], |row| row.get::<_, Vec<u8>>(0))?;
        let mut paths = Vec::new();
        // The same content from two places is kept once.
        let mut known = HashSet::new();
        for bytes in rows {
            let bytes = bytes?;
            if KeptPath::parse(&bytes).is_none_or(|kept| known.insert(kept.blob)) {
                paths.push(self.place(bytes));
            }
        }
        Ok(paths)
    }
}

/// Writes the row of one file; whether there was one of this path.
pub(super) fn write_row(
    transaction: &Transaction<'_>,
    path: &[u8],
    facts: &Facts,
) -> Result<bool, StoreError> {
    let subject = subject_row(transaction, &facts.patient)?;
    let study = study_row(transaction, subject, &facts.study)?;
    let series = series_row(transaction, study, &facts.series)?;
    let known = transaction
        .prepare_cached("SELECT 1 FROM instance WHERE path = ?1")?
        .exists([path])?;
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO instance
             (path, series, sop_class, uid, number, transfer_syntax, frames, bytes)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            path,
            series,
            facts.sop_class,
            facts.uid,
            facts.number,
            facts.transfer_syntax,
            facts.frames,
            facts.bytes,
        ])?;
    Ok(known)
}

/// Takes out series, studies and subjects without files.
pub(super) fn sweep_rows(connection: &Connection) -> Result<(), StoreError> {
    connection.execute_batch(
        "DELETE FROM series WHERE id NOT IN (SELECT series FROM instance);
         DELETE FROM study WHERE id NOT IN (SELECT study FROM series);
         DELETE FROM subject WHERE id NOT IN (SELECT subject FROM study);",
    )?;
    Ok(())
}

fn date_text(date: Option<Date>) -> String {
    date.map(|d| d.to_string()).unwrap_or_default()
}

fn subject_row(transaction: &Transaction<'_>, who: &PatientIdentity) -> Result<i64, StoreError> {
    let name = who.name.reveal();
    let values = params![
        name.alphabetic,
        name.ideographic,
        name.phonetic,
        who.id.reveal(),
        who.issuer.reveal(),
        date_text(*who.birth_date.reveal()),
        who.sex.reveal().code(),
        who.synthetic,
    ];
    transaction
        .prepare_cached(
            "INSERT OR IGNORE INTO subject (alphabetic, ideographic, phonetic, patient_id, issuer,
             birth_date, sex, synthetic) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(values)?;
    Ok(transaction
        .prepare_cached(
            "SELECT id FROM subject WHERE alphabetic = ?1 AND ideographic = ?2 AND phonetic = ?3
             AND patient_id = ?4 AND issuer = ?5 AND birth_date = ?6 AND sex = ?7
             AND synthetic = ?8",
        )?
        .query_row(values, |row| row.get(0))?)
}

fn study_row(
    transaction: &Transaction<'_>,
    subject: i64,
    study: &StudyDescription,
) -> Result<i64, StoreError> {
    Ok(transaction
        .prepare_cached(
            "INSERT INTO study (subject, uid, date, time, description, accession)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (uid, subject) DO UPDATE SET date = ?3, time = ?4, description = ?5,
             accession = ?6 RETURNING id",
        )?
        .query_row(
            params![
                subject,
                study.uid,
                date_text(study.date),
                study.time,
                study.description,
                study.accession_number.reveal(),
            ],
            |row| row.get(0),
        )?)
}

fn series_row(
    transaction: &Transaction<'_>,
    study: i64,
    series: &SeriesDescription,
) -> Result<i64, StoreError> {
    Ok(transaction
        .prepare_cached(
            "INSERT INTO series (study, uid, modality, number, description, body_part)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (uid, study) DO UPDATE SET modality = ?3, number = ?4, description = ?5,
             body_part = ?6 RETURNING id",
        )?
        .query_row(
            params![
                study,
                series.uid,
                series.modality,
                series.number,
                series.description,
                series.body_part,
            ],
            |row| row.get(0),
        )?)
}

/// The bytes of a path; names that are no UTF-8 survive on Unix.
pub(super) fn path_bytes(path: &Path) -> Vec<u8> {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt as _;
        path.as_os_str().as_bytes().to_vec()
    }
    #[cfg(not(unix))]
    path.to_string_lossy().into_owned().into_bytes()
}

pub(super) fn path_from(bytes: Vec<u8>) -> PathBuf {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStringExt as _;
        std::ffi::OsString::from_vec(bytes).into()
    }
    #[cfg(not(unix))]
    String::from_utf8_lossy(&bytes).into_owned().into()
}
