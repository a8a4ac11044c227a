//! The quality of the data of one patient, and of all.

use super::{AuditEvent, Store, StoreError};
use crate::{
    clinical::{
        Resource,
        quality::{Beside, Double, Picture, Quality, double_patients},
        record::patient_identity,
    },
    model::{
        access::{AuditKind, Right},
        date::Date,
        identity::Phi,
        record::PatientRecord,
    },
};

impl Store {
    /// The quality of the record of a patient, by the logical id of the FHIR Patient.
    ///
    /// # Errors
    /// [`StoreError::UnknownPatient`]; when the role does not allow it; those of the database.
    pub fn quality(&self, patient: &str, today: Option<Date>) -> Result<Quality, StoreError> {
        self.demand(Right::ViewRecords)?;
        self.log(AuditEvent::new(AuditKind::RecordViewed, "quality").of_patient(patient));
        let resources = self.resources(patient)?;
        if resources.is_empty() {
            return Err(StoreError::UnknownPatient);
        }
        let person = resources.iter().find(|r| r.kind == "Patient");
        let pictures = match person {
            Some(person) => self.pictures_of(&patient_identity(person))?,
            None => Vec::new(),
        };
        let beside = Beside {
            today,
            pictures: &pictures,
            common: &self.resources("")?,
        };
        Ok(Quality::of(patient, &resources, &beside))
    }

    /// Studies under any identifier of a patient.
    ///
    /// # Errors
    /// When the role does not allow it; those of the database.
    pub fn pictures_of(&self, person: &PatientRecord) -> Result<Vec<Picture>, StoreError> {
        self.demand(Right::ViewStudies)?;
        let mut ids: Vec<&str> = person
            .identifiers
            .iter()
            .map(|(_, value)| value.reveal().trim())
            .filter(|id| !id.is_empty())
            .collect();
        ids.sort_unstable();
        ids.dedup();
        let mut pictures = Vec::new();
        for id in ids {
            pictures.extend(self.study_rows(Some(id))?.into_iter().map(|row| Picture {
                patient: row.patient,
                study_uid: row.uid,
                date: row.date,
                modalities: row.modalities,
            }));
        }
        Ok(pictures)
    }

    /// Patients who look like one.
    ///
    /// # Errors
    /// When the role does not allow it; those of the database.
    pub fn double_patients(&self) -> Result<Vec<Double>, StoreError> {
        let mut people: Vec<Resource> = Vec::new();
        for patient in self.patients()? {
            let id: &Phi<String> = &patient.fhir_id;
            let resources = self.resource_of_type(id.reveal(), "Patient")?;
            people.extend(resources);
        }
        Ok(double_patients(&people))
    }
}
