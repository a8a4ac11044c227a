//! Patients and their FHIR resources in the store.

use super::{AuditEvent, Store, StoreError, database};
use crate::clinical::fhir::{FhirError, MAX_BYTES};
use crate::{
    clinical::{
        Hints, ParsedBundle, Resource, build_record,
        loss::{LossReport, is_shown, shown_kinds},
        matching, read_record,
        record::patient_identity,
    },
    model::{
        access::{AuditKind, Right},
        date::Date,
        identity::{IdentityMatch, PatientIdentity, Phi},
        record::PatientRecord,
    },
};
use rusqlite::{Connection, OptionalExtension as _, params};
use std::{fs::File, io::Read as _, path::Path};

/// What was being done when the file of a bundle could not be read: the store itself is not to blame.
pub const READING_BUNDLE: &str = "reading the file";

/// What the log says of an import of records that failed.
const FAILED_IMPORT: &str = "import of records";

/// The bytes of a file, of which no more is read than a bundle may have.
fn bytes_of_record(path: &Path) -> Result<Vec<u8>, StoreError> {
    let reading = || StoreError::io(READING_BUNDLE);
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(reading())?;
    let size = file.metadata().map_err(reading())?.len();
    file.take(MAX_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(reading())?;
    if bytes.len() > MAX_BYTES {
        return Err(StoreError::Fhir(FhirError::TooLarge {
            bytes: usize::try_from(size).unwrap_or(usize::MAX),
            limit: MAX_BYTES,
        }));
    }
    Ok(bytes)
}

/// Today, UTC.
pub fn today() -> Option<Date> {
    Date::parse(&jiff::Timestamp::now().strftime("%Y%m%d").to_string())
}

/// What an import did.
#[derive(Clone, Debug, Default)]
pub struct ImportReport {
    /// Kind of the file, see [`ParsedBundle::kind`].
    pub kind: String,
    /// Logical ids of the patients it concerns.
    pub patients: Vec<Phi<String>>,
    /// Resources that were not in the store.
    pub new: usize,
    /// Resources that were in the store with the same text.
    pub unchanged: usize,
    /// Resources whose text took the place of another.
    pub replaced: usize,
    /// What came and what is not shown.
    pub report: LossReport,
}

/// A patient of the store, for lists.
#[derive(Clone, Debug)]
pub struct PatientSummary {
    /// Logical id of the FHIR Patient.
    pub fhir_id: Phi<String>,
    /// Who.
    pub identity: PatientIdentity,
    /// Resources of this patient.
    pub resources: usize,
    /// When the Patient was last imported, ISO 8601 UTC.
    pub imported: String,
}

/// What the store knows about the patient of an image.
#[derive(Clone, Debug)]
pub enum RecordMatch {
    /// The record of this patient.
    Same(Box<PatientRecord>),
    /// Perhaps; the user must confirm. The reason is free of identity.
    Unsure(Box<PatientRecord>, &'static str),
    /// An identifier is equal and something contradicts: the panel stays empty and says so.
    Mismatch(&'static str),
    /// No record.
    None,
}

impl Store {
    /// Reads a bundle, a resource or NDJSON and keeps everything, or nothing on an error. A birth date is held
    /// against today's date (UTC).
    pub fn import_bundle(&mut self, bytes: &[u8]) -> Result<ImportReport, StoreError> {
        self.import_bundle_on(bytes, today())
    }

    /// Keeps the bundle of a file, of which no more is read than a bundle may have.
    ///
    /// # Errors
    /// [`StoreError::Io`] with [`READING_BUNDLE`], [`FhirError::TooLarge`], and as [`Store::import_bundle`].
    pub fn import_bundle_file(
        &mut self,
        path: &Path,
        today: Option<Date>,
    ) -> Result<ImportReport, StoreError> {
        self.import_record_file(path, &Hints::default(), today)
    }

    /// The same with what the file does not say itself.
    ///
    /// # Errors
    /// As [`Store::import_bundle_file`].
    pub fn import_record_file(
        &mut self,
        path: &Path,
        hints: &Hints<'_>,
        today: Option<Date>,
    ) -> Result<ImportReport, StoreError> {
        let bytes = self.noted(FAILED_IMPORT, bytes_of_record(path))?;
        self.import_record_on(&bytes, hints, today)
    }

    /// The same with a given day.
    pub fn import_bundle_on(
        &mut self,
        bytes: &[u8],
        today: Option<Date>,
    ) -> Result<ImportReport, StoreError> {
        self.import_record_on(bytes, &Hints::default(), today)
    }

    /// The same for every form that [`read_record`] knows, with what the file does not say itself.
    ///
    /// # Errors
    /// As [`Store::import_bundle`].
    pub fn import_record_on(
        &mut self,
        bytes: &[u8],
        hints: &Hints<'_>,
        today: Option<Date>,
    ) -> Result<ImportReport, StoreError> {
        let read = read_record(bytes, hints).map_err(StoreError::from);
        let mut bundle = self.noted(FAILED_IMPORT, read)?;
        if let Some(today) = today {
            bundle.report.check_dates(&bundle.resources, today);
        }
        self.import_parsed(bundle)
    }

    /// Keeps a bundle that was read.
    pub fn import_parsed(&mut self, bundle: ParsedBundle) -> Result<ImportReport, StoreError> {
        self.demand(Right::ImportRecords)?;
        let kept = self.keep_parsed(bundle);
        self.noted(FAILED_IMPORT, kept)
    }

    fn keep_parsed(&mut self, bundle: ParsedBundle) -> Result<ImportReport, StoreError> {
        let mut report = ImportReport {
            kind: bundle.kind.clone(),
            patients: bundle
                .patients()
                .into_iter()
                .map(|id| Phi::new(id.to_owned()))
                .collect(),
            ..ImportReport::default()
        };
        let now = jiff::Timestamp::now()
            .strftime("%Y-%m-%dT%H:%M:%SZ")
            .to_string();
        let transaction = self.connection.transaction()?;
        for id in bundle.patients() {
            let resource = bundle
                .resources
                .iter()
                .rfind(|r| r.kind == "Patient" && r.id == id);
            keep_patient(&transaction, id, resource, &now)?;
        }
        {
            let mut find = transaction.prepare(
                "SELECT json FROM resource WHERE patient = ?1 AND type = ?2 AND id = ?3",
            )?;
            let mut keep = transaction.prepare(
                "INSERT OR REPLACE INTO resource (patient, type, id, full_url, json)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?;
            for resource in &bundle.resources {
                let patient = resource.patient.as_deref().unwrap_or_default();
                let stored: Option<String> = find
                    .query_row(params![patient, resource.kind, resource.id], |row| {
                        row.get(0)
                    })
                    .optional()?;
                match stored {
                    Some(text) if text == resource.json => {
                        report.unchanged += 1;
                        continue;
                    }
                    Some(_) => report.replaced += 1,
                    None => report.new += 1,
                }
                keep.execute(params![
                    patient,
                    resource.kind,
                    resource.id,
                    resource.full_url,
                    resource.json
                ])?;
            }
        }
        if report.new + report.replaced > 0 {
            let mut changed =
                transaction.prepare("INSERT OR IGNORE INTO changed (patient) VALUES (?1)")?;
            for id in bundle.patients() {
                changed.execute([id])?;
            }
            // A drug that belongs to nobody may be anybody's.
            let shared = |r: &Resource| r.patient.is_none() && r.kind == "Medication";
            if bundle.resources.iter().any(shared) {
                transaction.execute_batch(
                    "INSERT OR IGNORE INTO changed (patient) SELECT fhir_id FROM patient",
                )?;
            }
        }
        transaction.commit()?;
        self.checkpoint()?;
        report.report = bundle.report;
        let detail = format!("{} new, {} replaced", report.new, report.replaced);
        self.log(AuditEvent::new(AuditKind::RecordsImported, detail));
        Ok(report)
    }

    /// All patients of the record, by name.
    pub fn patients(&self) -> Result<Vec<PatientSummary>, StoreError> {
        self.demand(Right::ViewRecords)?;
        self.log(AuditEvent::new(AuditKind::Query, "records"));
        let mut statement = self.connection.prepare(
            "SELECT fhir_id, imported,
                    (SELECT COUNT(*) FROM resource WHERE resource.patient = fhir_id)
             FROM patient ORDER BY family, given, birth_date, fhir_id",
        )?;
        let rows: Vec<(String, String, usize)> = statement
            .query_map([], |row| {
                Ok((row.get(0)?, row.get(1)?, database::count(row, 2)?))
            })?
            .collect::<Result<_, _>>()?;
        rows.into_iter()
            .map(|(id, imported, resources)| {
                let identity = stored_patient(&self.connection, &id)?
                    .map(|r| patient_identity(&self.as_read(r)).identity)
                    .unwrap_or_default();
                Ok(PatientSummary {
                    fhir_id: Phi::new(id),
                    identity,
                    resources,
                    imported,
                })
            })
            .collect()
    }

    /// The record of a patient by the logical id of the FHIR Patient.
    pub fn record(&self, patient_id: &str) -> Result<PatientRecord, StoreError> {
        self.demand(Right::ViewRecords)?;
        self.log(AuditEvent::new(AuditKind::RecordViewed, "").of_patient(patient_id));
        let counts = self.counts(patient_id)?;
        if counts.is_empty() {
            return Err(StoreError::UnknownPatient);
        }
        let mut resources = Vec::new();
        let mut statement = self.connection.prepare(
            "SELECT patient, type, id, full_url, json FROM resource
             WHERE patient = ?1 AND type = ?2 ORDER BY id",
        )?;
        // Medications may belong to nobody; the references of requests lead to them.
        let wanted = shown_kinds()
            .map(|kind| (patient_id, kind))
            .chain([("", "Medication")]);
        for (patient, kind) in wanted {
            let rows = statement.query_map(params![patient, kind], read_resource)?;
            for row in rows {
                resources.push(self.as_read(row?));
            }
        }
        resources.extend(self.made(patient_id, &resources));
        let mut record = build_record(&resources);
        patient_id.clone_into(&mut record.fhir_id);
        record.counts = counts
            .into_iter()
            .map(|(kind, count)| {
                let shown = is_shown(&kind);
                (kind, count, shown)
            })
            .collect();
        Ok(record)
    }

    /// Resources of a patient by type, in order of the type.
    fn counts(&self, patient_id: &str) -> Result<Vec<(String, usize)>, StoreError> {
        let mut statement = self.connection.prepare(
            "SELECT type, COUNT(*) FROM resource WHERE patient = ?1 GROUP BY type ORDER BY type",
        )?;
        let rows = statement.query_map([patient_id], |row| {
            Ok((row.get(0)?, database::count(row, 1)?))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// All resources of a patient as they are read, by type and id. An empty id gives those that belong to nobody.
    pub fn resources(&self, patient_id: &str) -> Result<Vec<Resource>, StoreError> {
        let mut statement = self.connection.prepare(
            "SELECT patient, type, id, full_url, json FROM resource
             WHERE patient = ?1 ORDER BY type, id",
        )?;
        let rows = statement.query_map([patient_id], read_resource)?;
        let mut resources = Vec::new();
        for row in rows {
            resources.push(self.as_read(row?));
        }
        resources.extend(self.made(patient_id, &resources));
        Ok(resources)
    }

    /// All resources of a patient as they came, by type and id.
    ///
    /// # Errors
    /// When the role does not allow it; those of the database.
    pub fn resources_as_they_came(&self, patient_id: &str) -> Result<Vec<Resource>, StoreError> {
        self.demand(Right::ExportRecords)?;
        let mut statement = self.connection.prepare(
            "SELECT patient, type, id, full_url, json FROM resource
             WHERE patient = ?1 ORDER BY type, id",
        )?;
        let rows = statement.query_map([patient_id], read_resource)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The resources of one type of a patient as they are read, by id.
    pub(super) fn resource_of_type(
        &self,
        patient_id: &str,
        kind: &str,
    ) -> Result<Vec<Resource>, StoreError> {
        let mut statement = self.connection.prepare(
            "SELECT patient, type, id, full_url, json FROM resource
             WHERE patient = ?1 AND type = ?2 ORDER BY id",
        )?;
        let rows = statement.query_map([patient_id, kind], read_resource)?;
        rows.map(|row| Ok(self.as_read(row?))).collect()
    }

    /// One resource of a patient as it is read.
    pub(super) fn resource(
        &self,
        patient_id: &str,
        kind: &str,
        id: &str,
    ) -> Result<Option<Resource>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT patient, type, id, full_url, json FROM resource
             WHERE patient = ?1 AND type = ?2 AND id = ?3",
        )?;
        let found = statement
            .query_row([patient_id, kind, id], read_resource)
            .optional()?;
        Ok(found.map(|resource| self.as_read(resource)))
    }

    /// Logical id of the patient with this FHIR id or identifier; an identifier of several patients finds nobody.
    pub fn patient_by_any_id(&self, id: &str) -> Result<Option<String>, StoreError> {
        let known: Option<String> = self
            .connection
            .query_row(
                "SELECT fhir_id FROM patient WHERE fhir_id = ?1",
                [id],
                |r| r.get(0),
            )
            .optional()?;
        if known.is_some() {
            return Ok(known);
        }
        let mut found = self.with_identifier(id)?;
        Ok(if found.len() == 1 { found.pop() } else { None })
    }

    pub(super) fn with_identifier(&self, value: &str) -> Result<Vec<String>, StoreError> {
        let mut statement = self
            .connection
            .prepare("SELECT patient FROM identifier WHERE value = ?1 ORDER BY patient")?;
        let rows = statement.query_map([value.trim()], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The record that belongs to the patient of an image, never merged on a doubt.
    pub fn find_record(&self, dicom: &PatientIdentity) -> Result<RecordMatch, StoreError> {
        let id = dicom.id.reveal().trim();
        let mut candidates = if id.is_empty() {
            Vec::new()
        } else {
            self.with_identifier(id)?
        };
        let by_identifier = !candidates.is_empty();
        if !by_identifier {
            candidates = self.with_person(dicom)?;
        }
        let mut same = Vec::new();
        let mut unsure = Vec::new();
        let mut mismatch = None;
        for candidate in candidates {
            let Some(patient) = stored_patient(&self.connection, &candidate)? else {
                continue;
            };
            match matching::explain(dicom, &patient_identity(&self.as_read(patient))) {
                (IdentityMatch::Same, _) => same.push(candidate),
                (IdentityMatch::Unsure, reason) => unsure.push((candidate, reason)),
                (IdentityMatch::Different, reason) => mismatch = mismatch.or(Some(reason)),
            }
        }
        Ok(match (same.as_slice(), unsure.as_slice()) {
            ([one], _) => RecordMatch::Same(Box::new(self.record(one)?)),
            ([first, ..], _) => RecordMatch::Unsure(
                Box::new(self.record(first)?),
                "several records have this identifier, name and birth date",
            ),
            ([], [(one, reason)]) => RecordMatch::Unsure(Box::new(self.record(one)?), reason),
            ([], [(first, _), ..]) => RecordMatch::Unsure(
                Box::new(self.record(first)?),
                "several records could be meant",
            ),
            // Somebody else who happens to share name or birth date is no contradiction; a shared identifier is.
            ([], []) => match mismatch.filter(|_| by_identifier) {
                Some(reason) => RecordMatch::Mismatch(reason),
                None => RecordMatch::None,
            },
        })
    }

    /// Patients with the same birth date and folded name.
    fn with_person(&self, dicom: &PatientIdentity) -> Result<Vec<String>, StoreError> {
        let Some(birth) = *dicom.birth_date.reveal() else {
            return Ok(Vec::new());
        };
        let (family, given) = dicom.name.reveal().comparison_key();
        if family.is_empty() && given.is_empty() {
            return Ok(Vec::new());
        }
        let mut statement = self.connection.prepare(
            "SELECT fhir_id FROM patient WHERE birth_date = ?1 AND family = ?2 AND given = ?3
             ORDER BY fhir_id",
        )?;
        let rows =
            statement.query_map(params![birth.to_string(), family, given], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

fn read_resource(row: &rusqlite::Row<'_>) -> rusqlite::Result<Resource> {
    let patient: String = row.get(0)?;
    Ok(Resource {
        patient: (!patient.is_empty()).then_some(patient),
        kind: row.get(1)?,
        id: row.get(2)?,
        full_url: row.get(3)?,
        json: row.get(4)?,
    })
}

fn stored_patient(connection: &Connection, id: &str) -> Result<Option<Resource>, StoreError> {
    Ok(connection
        .query_row(
            "SELECT patient, type, id, full_url, json FROM resource
             WHERE patient = ?1 AND type = 'Patient' AND id = ?1",
            [id],
            read_resource,
        )
        .optional()?)
}

/// Makes rows of patients and identifiers that are missing again: from the Patient, or from what is there of somebody.
pub(super) fn restore_people(connection: &Connection) -> Result<(), StoreError> {
    let ids: Vec<(String, bool)> = connection
        .prepare(
            "SELECT DISTINCT patient, patient IN (SELECT fhir_id FROM patient) FROM resource
             WHERE patient <> '' ORDER BY patient",
        )?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let now = jiff::Timestamp::now()
        .strftime("%Y-%m-%dT%H:%M:%SZ")
        .to_string();
    let transaction = connection.unchecked_transaction()?;
    for (id, there) in ids {
        let resource = stored_patient(&transaction, &id)?;
        if !there {
            keep_patient(&transaction, &id, resource.as_ref(), &now)?;
        } else if let Some(resource) = resource {
            for (_, value) in &patient_identity(&resource).identifiers {
                transaction.execute(
                    "INSERT OR IGNORE INTO identifier (value, patient) VALUES (?1, ?2)",
                    params![value.reveal().trim(), id],
                )?;
            }
        }
    }
    Ok(transaction.commit()?)
}

/// Keeps the row of a patient; refuses when the id belongs to another person already.
fn keep_patient(
    connection: &Connection,
    id: &str,
    resource: Option<&Resource>,
    now: &str,
) -> Result<(), StoreError> {
    let Some(resource) = resource else {
        // Resources whose Patient has not come (yet).
        connection.execute(
            "INSERT OR IGNORE INTO patient (fhir_id, family, given, birth_date, imported)
             VALUES (?1, '', '', '', ?2)",
            params![id, now],
        )?;
        return Ok(());
    };
    let person = patient_identity(resource);
    if let Some(stored) = stored_patient(connection, id)? {
        let stored = patient_identity(&stored);
        if contradicts(&stored, &person) {
            return Err(StoreError::PatientConflict);
        }
    }
    let (family, given) = person.identity.name.reveal().comparison_key();
    let birth = person
        .identity
        .birth_date
        .reveal()
        .map(|d| d.to_string())
        .unwrap_or_default();
    connection.execute(
        "INSERT INTO patient (fhir_id, family, given, birth_date, imported)
         VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (fhir_id) DO UPDATE SET family = ?2, given = ?3, birth_date = ?4, imported = ?5",
        params![id, family, given, birth, now],
    )?;
    connection.execute("DELETE FROM identifier WHERE patient = ?1", [id])?;
    for (_, value) in &person.identifiers {
        connection.execute(
            "INSERT OR IGNORE INTO identifier (value, patient) VALUES (?1, ?2)",
            params![value.reveal().trim(), id],
        )?;
    }
    Ok(())
}

/// Whether two Patient resources with one logical id are two persons. One corrected element (a name after a
/// marriage, a birth date with a slip) is still the same person; two are not, nor is one without any common
/// identifier.
fn contradicts(stored: &PatientRecord, new: &PatientRecord) -> bool {
    let keys = [stored, new].map(|p| p.identity.name.reveal().comparison_key());
    let [name, other] = &keys;
    let empty = |key: &(String, String)| key.0.is_empty() && key.1.is_empty();
    let name_differs = !empty(name) && !empty(other) && name != other;
    let births = [stored, new].map(|p| *p.identity.birth_date.reveal());
    let birth_differs = matches!(births, [Some(a), Some(b)] if a != b);
    let both_identified = !stored.identifiers.is_empty() && !new.identifiers.is_empty();
    let shared = stored
        .identifiers
        .iter()
        .any(|(_, a)| new.identifiers.iter().any(|(_, b)| a == b));
    (name_differs && birth_differs)
        || ((name_differs || birth_differs) && both_identified && !shared)
}
