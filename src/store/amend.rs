//! Resources of the record that are read otherwise than they came: corrections of data, and facts that were merged.
//!
//! Must stay true: a resource that came is never written over; what it is read as is an edit of the journal, so that
//! undo takes it back like any other.

use super::{Store, StoreError};
use crate::{
    clinical::{Resource, duplicates, quality},
    model::{
        edit::{Edit, FactPlace},
        identity::Phi,
    },
};
use rusqlite::{OptionalExtension as _, params};

/// A resource with the text that it is to be read as; an empty one is "as it came".
pub type Amendment = (FactPlace, Phi<String>);

/// Place of a resource of a patient.
pub fn place_of(patient: &str, kind: &str, id: &str) -> FactPlace {
    FactPlace {
        patient: Phi::new(patient.to_owned()),
        kind: kind.to_owned(),
        id: Phi::new(id.to_owned()),
    }
}

/// What merging two facts of a patient is, or parting them again.
pub fn merge_of(patient: &str, kind: &str, [keep, other]: [&str; 2], join: bool) -> Amendment {
    let linkage = duplicates::linkage(patient, kind, keep, other, join);
    let id = linkage
        .get("id")
        .and_then(serde_json::Value::as_str)
        .unwrap_or_default();
    let place = place_of(patient, "Linkage", id);
    (place, Phi::new(linkage.to_string()))
}

impl Store {
    /// Reads resources otherwise than they came, as one gesture. What is read so already is left out; `None` when
    /// that is all.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub fn amend(&mut self, changes: Vec<Amendment>) -> Result<Option<u64>, StoreError> {
        let edits: Vec<Edit> = changes
            .into_iter()
            .filter_map(|(place, to)| {
                let from = self.kept().amendments.get(&place).cloned();
                let from = from.unwrap_or_default();
                (from != to).then_some(Edit::Amend { place, from, to })
            })
            .collect();
        match edits.is_empty() {
            true => Ok(None),
            false => self.commit(&edits).map(Some),
        }
    }

    /// Keeps one resource of a patient and puts another behind it, by a Linkage; both stay. One gesture, which undo
    /// takes back.
    ///
    /// # Errors
    /// [`StoreError::UnknownPatient`] where one of them is not there.
    pub fn merge_resources(
        &mut self,
        patient: &str,
        kind: &str,
        keep: &str,
        other: &str,
    ) -> Result<(), StoreError> {
        self.link_resources(patient, kind, [keep, other], true)
    }

    /// Parts two resources that [`Store::merge_resources`] joined.
    ///
    /// # Errors
    /// [`StoreError::UnknownPatient`] where one of them is not there.
    pub fn part_resources(
        &mut self,
        patient: &str,
        kind: &str,
        keep: &str,
        other: &str,
    ) -> Result<(), StoreError> {
        self.link_resources(patient, kind, [keep, other], false)
    }

    fn link_resources(
        &mut self,
        patient: &str,
        kind: &str,
        both: [&str; 2],
        join: bool,
    ) -> Result<(), StoreError> {
        for id in both {
            let known: Option<i64> = self
                .connection
                .query_row(
                    "SELECT 1 FROM resource WHERE patient = ?1 AND type = ?2 AND id = ?3",
                    params![patient, kind, id],
                    |row| row.get(0),
                )
                .optional()?;
            if known.is_none() || both[0] == both[1] {
                return Err(StoreError::UnknownPatient);
            }
        }
        self.amend(vec![merge_of(patient, kind, both, join)])?;
        Ok(())
    }

    /// A resource as it is read.
    pub(super) fn as_read(&self, mut resource: Resource) -> Resource {
        if self.kept().amendments.is_empty() {
            return resource;
        }
        let patient = resource.patient.as_deref().unwrap_or_default();
        let place = place_of(patient, &resource.kind, &resource.id);
        let Some(text) = self.kept().amendments.get(&place) else {
            return resource;
        };
        // A correction of a text that came before another import is not read in the place of the newer one.
        let base = quality::amends(text.reveal());
        if base.is_none_or(|mark| mark == quality::text_mark(&resource.json)) {
            resource.json.clone_from(text.reveal());
        }
        resource
    }

    /// What was made of a patient's record and came in no file: the Linkages of merged facts.
    pub(super) fn made(&self, patient: &str, there: &[Resource]) -> Vec<Resource> {
        let amendments = self.kept().amendments.iter();
        let own = amendments
            .filter(|(place, _)| place.patient.reveal() == patient && place.kind == "Linkage");
        own.filter(|(place, _)| {
            let same = |r: &Resource| r.kind == place.kind && &r.id == place.id.reveal();
            !there.iter().any(same)
        })
        .map(|(place, text)| Resource {
            kind: place.kind.clone(),
            id: place.id.reveal().clone(),
            full_url: String::new(),
            patient: Some(patient.to_owned()),
            json: text.reveal().clone(),
        })
        .collect()
    }

    /// How many resources of a patient are read otherwise than they came.
    pub fn amended(&self, patient: &str) -> usize {
        let amendments = self.kept().amendments.keys();
        amendments
            .filter(|place| place.patient.reveal() == patient)
            .count()
    }

    /// A resource as it came, whatever it is read as.
    ///
    /// # Errors
    /// Those of the database.
    pub fn as_it_came(&self, place: &FactPlace) -> Result<Option<String>, StoreError> {
        let names = params![place.patient.reveal(), place.kind, place.id.reveal()];
        Ok(self
            .connection
            .query_row(
                "SELECT json FROM resource WHERE patient = ?1 AND type = ?2 AND id = ?3",
                names,
                |row| row.get(0),
            )
            .optional()?)
    }
}
