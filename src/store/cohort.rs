//! All patients of a store with everything that is known of them: records, pictures, marks, what networks said.

use super::{AuditEvent, Store, StoreError, derived::Counted};
use crate::{
    clinical::{
        cohort::{
            Cohort, Fact, Kind, Person, day_of,
            export::{ExportKey, Written, export},
            tags::{Said, Wished},
        },
        matching,
        record::patient_identity,
    },
    model::{
        access::{AuditKind, Right},
        annotation::Author,
        date::Date,
        identity::{IdentityMatch, PatientIdentity, Phi},
    },
};
use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

/// What a series says of an element: its number, the day of the study.
type OfSeries = (u32, Option<i32>, Said);

impl Store {
    /// Everybody, with all facts. What of the records is known from before is not read again.
    ///
    /// A picture belongs to a record where identifier and demographics agree; else its patient stands alone.
    ///
    /// # Errors
    /// When the role does not allow it; those of the database.
    pub fn cohort(&self) -> Result<Cohort, StoreError> {
        self.cohort_with(&Wished::new())
    }

    /// The same with what headers say of these elements.
    ///
    /// # Errors
    /// As [`Store::cohort`].
    pub fn cohort_with(&self, tags: &Wished) -> Result<Cohort, StoreError> {
        self.demand(Right::Search)?;
        self.demand(Right::ViewRecords)?;
        self.demand(Right::ViewStudies)?;
        self.log(AuditEvent::new(AuditKind::Query, "cohort"));
        let mut elements = self.elements_of(tags)?;
        let mut cohort = Cohort::without(elements.unread);
        let digests = self.digests(&mut cohort)?;
        let studies = self.study_rows(None)?;
        let bodies = self.body_parts()?;
        // Whose the pictures are, each patient of the index looked up once.
        let mut owners: HashMap<&PatientIdentity, Option<String>> = HashMap::new();
        let mut of_record: BTreeMap<String, Vec<Fact>> = BTreeMap::new();
        let mut alone: Vec<(&PatientIdentity, Vec<Fact>)> = Vec::new();
        // What headers say, of records and of those who stand alone.
        let mut said_of_record: BTreeMap<String, Vec<OfSeries>> = BTreeMap::new();
        let mut said_alone: Vec<Vec<OfSeries>> = Vec::new();
        let mut places: HashMap<&PatientIdentity, usize> = HashMap::new();
        let marks = self.mark_facts();
        for study in &studies {
            let mut found = Vec::new();
            for modality in &study.modalities {
                found.push(Fact {
                    code: modality.clone(),
                    words: study.description.clone(),
                    place: bodies.get(&study.uid).cloned().unwrap_or_default(),
                    day: day_of(study.date),
                    value: Some(study.images as f64),
                    ..Fact::new(Kind::Picture)
                });
            }
            if let Some(of_study) = marks.get(study.uid.as_str()) {
                let day = day_of(study.date);
                found.extend(of_study.iter().map(|fact| Fact {
                    day,
                    ..fact.clone()
                }));
            }
            let owner = match owners.get(&study.patient) {
                Some(owner) => owner.clone(),
                None => {
                    let owner = self.owner_of(&study.patient)?;
                    owners.insert(&study.patient, owner.clone());
                    owner
                }
            };
            let said = elements.by_study.remove(&study.row).unwrap_or_default();
            let day = day_of(study.date);
            let said = said.into_iter().map(|(series, said)| (series, day, said));
            match owner {
                Some(owner) => {
                    if said.len() > 0 {
                        let all = said_of_record.entry(owner.clone()).or_default();
                        all.extend(said);
                    }
                    of_record.entry(owner).or_default().extend(found);
                }
                None => {
                    let next = alone.len();
                    let place = *places.entry(&study.patient).or_insert(next);
                    said_alone.resize(said_alone.len().max(place + 1), Vec::new());
                    if let Some(all) = said_alone.get_mut(place) {
                        all.extend(said);
                    }
                    match alone.get_mut(place) {
                        Some((_, facts)) => facts.extend(found),
                        None => alone.push((&study.patient, found)),
                    }
                }
            }
        }
        for Counted { person, facts } in digests {
            let pictures = of_record.remove(person.id.reveal()).unwrap_or_default();
            let said = said_of_record
                .remove(person.id.reveal())
                .unwrap_or_default();
            cohort.add_with(person, facts, pictures);
            for (series, day, said) in said {
                cohort.tag(series, day, said);
            }
        }
        for (number, (identity, found)) in alone.into_iter().enumerate() {
            let person = Person {
                id: Phi::new(format!("dicom:{}", number + 1)),
                sex: *identity.sex.reveal(),
                birth: day_of(*identity.birth_date.reveal()),
                death: None,
                record: false,
            };
            cohort.add(person, found);
            let said = said_alone.get_mut(number).map(std::mem::take);
            for (series, day, said) in said.unwrap_or_default() {
                cohort.tag(series, day, said);
            }
        }
        Ok(cohort)
    }

    /// The record that surely belongs to the patient of pictures.
    fn owner_of(&self, dicom: &PatientIdentity) -> Result<Option<String>, StoreError> {
        let id = dicom.id.reveal().trim();
        if id.is_empty() {
            return Ok(None);
        }
        let mut sure = Vec::new();
        for candidate in self.with_identifier(id)? {
            let people = self.resource_of_type(&candidate, "Patient")?;
            let same = people.iter().any(|person| {
                let record = patient_identity(person);
                matching::match_record(dicom, &record) == IdentityMatch::Same
            });
            if same {
                sure.push(candidate);
            }
        }
        Ok(match sure.len() {
            1 => sure.pop(),
            _ => None,
        })
    }

    /// Parts of the body by study.
    fn body_parts(&self) -> Result<HashMap<String, String>, StoreError> {
        let mut statement = self.connection.prepare(
            "SELECT study.uid, GROUP_CONCAT(DISTINCT series.body_part) FROM series
             JOIN study ON study.id = series.study WHERE series.body_part <> '' GROUP BY study.uid",
        )?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Marks as facts, by study.
    fn mark_facts(&self) -> HashMap<&str, Vec<Fact>> {
        let mut found: HashMap<&str, Vec<Fact>> = HashMap::new();
        for mark in self.kept().marks.iter() {
            let (kind, system) = match &mark.author {
                Author::Model { id, .. } => (Kind::Network, id.clone()),
                Author::Person(_) | Author::Foreign(_) => (Kind::Mark, String::new()),
            };
            let value = mark.extent_mm();
            let fact = Fact {
                system,
                code: mark.shape.kind.name().to_owned(),
                words: mark.label.clone(),
                place: mark.group.clone(),
                value,
                unit: if value.is_some() { "mm" } else { "" }.to_owned(),
                ..Fact::new(kind)
            };
            found.entry(&mark.target.study_uid).or_default().push(fact);
        }
        found
    }

    /// Writes patients out without identity: names them by pseudonyms of this store.
    ///
    /// # Errors
    /// When the role does not allow it; those of the disk. What exists is not written over.
    pub fn export_cohort(
        &self,
        cohort: &Cohort,
        chosen: &[usize],
        today: Date,
        folder: &Path,
    ) -> Result<Written, StoreError> {
        self.demand(Right::Anonymize)?;
        self.demand(Right::ExportRecords)?;
        let key = ExportKey::new(*self.key.derive("negatoscope cohort export 1"));
        let written = export(cohort, chosen, &key, today, folder)
            .map_err(StoreError::io("writing the tables"));
        let written = self.noted("export of tables", written)?;
        let detail = format!(
            "cohort: {} patients, {} facts",
            written.patients, written.facts
        );
        self.log_now(AuditEvent::new(AuditKind::Exported, detail))?;
        Ok(written)
    }
}
