//! Rules across patients, and between the record and the pictures.

use super::{
    super::{
        fhir::Resource,
        record::{build_record, patient_identity},
    },
    Judge, Rule, Word,
};
use crate::model::identity::{PersonName, Sex};
use std::collections::BTreeMap;

/// Two patients who look like one.
#[derive(Clone, PartialEq, Eq)]
pub struct Double {
    /// Id of the first.
    pub first: String,
    /// Id of the second.
    pub second: String,
}

/// Patients with the same name, birth date and sex under different ids; each with the first of its kind.
pub fn double_patients(people: &[Resource]) -> Vec<Double> {
    let mut seen: BTreeMap<(String, String, String, &'static str), String> = BTreeMap::new();
    let mut out = Vec::new();
    for person in people.iter().filter(|r| r.kind == "Patient") {
        let identity = patient_identity(person).identity;
        let (family, given) = identity.name.reveal().comparison_key();
        let Some(birth) = *identity.birth_date.reveal() else {
            continue;
        };
        if family.is_empty() && given.is_empty() {
            continue;
        }
        let key = (
            family,
            given,
            birth.to_string(),
            identity.sex.reveal().code(),
        );
        match seen.get(&key) {
            Some(first) => out.push(Double {
                first: first.clone(),
                second: person.id.clone(),
            }),
            None => {
                seen.insert(key, person.id.clone());
            }
        }
    }
    out
}

impl Judge<'_> {
    /// Pictures under identifiers of the patient, and studies that both the record and the index know.
    pub(super) fn pictures(&mut self) {
        if self.beside.pictures.is_empty() {
            return;
        }
        let people = self.resources.iter().enumerate();
        let person = people
            .filter(|(_, r)| r.kind == "Patient")
            .map(|(n, _)| n)
            .next();
        let Some(number) = person else { return };
        let record = build_record(self.resources);
        let own = &record.identity;
        for picture in self.beside.pictures {
            let other = &picture.patient;
            let sexes = [*own.sex.reveal(), *other.sex.reveal()];
            let births = [*own.birth_date.reveal(), *other.birth_date.reveal()];
            let mut wrong = Vec::new();
            if sexes[0] != sexes[1] && !sexes.contains(&Sex::Unknown) {
                wrong.push("sex");
            }
            if matches!(births, [Some(one), Some(other)] if one != other) {
                wrong.push("birth date");
            }
            if names_differ(own.name.reveal(), other.name.reveal()) {
                wrong.push("name");
            }
            let word = (!wrong.is_empty())
                .then(|| Word::at(picture.study_uid.clone()).says(wrong.join(", ")));
            self.hold(Rule::PictureOfAnother, number, word);
        }
        for (number, resource) in self.resources.iter().enumerate() {
            if resource.kind != "ImagingStudy" {
                continue;
            }
            let told = build_record(std::slice::from_ref(resource)).imaging_studies;
            let Some(told) = told.first().filter(|s| !s.study_uid.is_empty()) else {
                continue;
            };
            let pictures = self.beside.pictures;
            let Some(shown) = pictures.iter().find(|p| p.study_uid == told.study_uid) else {
                continue;
            };
            let mut wrong = Vec::new();
            if matches!((told.started, shown.date), (Some(one), Some(other)) if one.to_string() != other.to_string())
            {
                wrong.push("started".to_owned());
            }
            let strange = |m: &&String| !shown.modalities.contains(m);
            if !told.modalities.is_empty() && told.modalities.iter().filter(strange).count() > 0 {
                let (one, other) = (told.modalities.join("/"), shown.modalities.join("/"));
                wrong.push(format!("modality {one}, {other}"));
            }
            let word = (!wrong.is_empty()).then(|| Word::at("").says(wrong.join(", ")));
            self.hold(Rule::StudyDiffers, number, word);
        }
    }
}

/// Whether two names have nothing in common: no group of one equals the same group of the other, and both say something.
fn names_differ(one: &PersonName, other: &PersonName) -> bool {
    let (a, b) = (one.comparison_key(), other.comparison_key());
    let said = |key: &(String, String)| !key.0.is_empty() || !key.1.is_empty();
    let groups = [
        (&one.ideographic, &other.ideographic),
        (&one.alphabetic, &other.alphabetic),
    ];
    // Names in different scripts cannot be compared.
    let comparable = groups.iter().any(|(a, b)| !a.is_empty() && !b.is_empty());
    comparable && said(&a) && said(&b) && a != b
}
