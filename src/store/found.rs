//! What a search of words shows: each document with whose it is, its text, and where the words stand in it.

use super::{
    Store, StoreError,
    derived::{Hit, words_of},
};
use crate::{
    clinical::{build_record, passage::places, record::patient_identity},
    model::{
        access::Right,
        identity::{PatientIdentity, Phi},
        record::PatientRecord,
    },
};
use std::{collections::BTreeMap, ops::Range, sync::Arc};

/// Characters of a text that are shown; what is longer is cut.
pub const SHOWN: usize = 20_000;

/// One document that was found. `Debug` says its type alone.
#[derive(Clone, PartialEq)]
pub struct Found {
    /// The document.
    pub hit: Hit,
    /// Whose.
    pub person: Arc<PatientIdentity>,
    /// Its text, at most [`SHOWN`] characters.
    pub text: Phi<String>,
    /// The text is longer.
    pub cut: bool,
    /// Where the words stand in the text: bytes, in order, none over another.
    pub marks: Vec<Range<usize>>,
}

impl std::fmt::Debug for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Found({:?})", self.hit)
    }
}

impl Store {
    /// Documents with all these words, the newest first, with their texts. No entry in the log, for a window asks with
    /// every letter; it writes one when somebody begins to search.
    ///
    /// # Errors
    /// When the role does not allow it; those of the database.
    pub fn find_passages(
        &self,
        words: &str,
        patient: Option<&str>,
        most: usize,
    ) -> Result<Vec<Found>, StoreError> {
        self.demand(Right::Search)?;
        self.demand(Right::ViewRecords)?;
        let hits = self.derived()?.search(words, patient, most)?;
        self.with_texts(hits, words)
    }

    /// Texts of what was found.
    ///
    /// # Errors
    /// Those of the database.
    pub fn with_texts(&self, hits: Vec<Hit>, words: &str) -> Result<Vec<Found>, StoreError> {
        self.demand(Right::ViewRecords)?;
        let mut people: BTreeMap<String, Arc<PatientIdentity>> = BTreeMap::new();
        let mut out = Vec::with_capacity(hits.len());
        for hit in hits {
            let id = hit.patient.reveal();
            let person = match people.get(id) {
                Some(person) => Arc::clone(person),
                None => {
                    let person = Arc::new(self.person(id)?.identity);
                    people.insert(id.clone(), Arc::clone(&person));
                    person
                }
            };
            let resource = self.resource(id, &hit.kind, hit.resource.reveal())?;
            let record = resource.map(|one| build_record(&[one]));
            let body = record.as_ref().and_then(words_of);
            let mut text = match body {
                Some((title, body, _)) => format!("{title}\n{body}"),
                None => hit.title.reveal().clone(),
            };
            let end = text.char_indices().nth(SHOWN).map(|(at, _)| at);
            let cut = end.is_some();
            text.truncate(end.unwrap_or(text.len()));
            out.push(Found {
                marks: places(&text, words),
                hit,
                person,
                text: Phi::new(text),
                cut,
            });
        }
        Ok(out)
    }

    /// Who a patient is, by the logical id of the FHIR Patient: identity and identifiers, no facts.
    ///
    /// # Errors
    /// When the role does not allow it; those of the database.
    pub fn person(&self, patient: &str) -> Result<PatientRecord, StoreError> {
        self.demand(Right::ViewRecords)?;
        let person = self.resource(patient, "Patient", patient)?;
        Ok(person.map(|p| patient_identity(&p)).unwrap_or_default())
    }
}
