//! What can be found of a patient: each resource by its words, reports by their text.

use crate::{
    clinical::{Resource, cohort::day_of, record::build_record},
    model::{
        date::Date,
        record::{Coding, PatientRecord},
    },
};

/// One document of a patient.
pub(super) struct Made {
    pub kind: String,
    pub id: String,
    pub day: Option<i32>,
    pub title: String,
    pub body: String,
}

/// The documents of a patient.
pub(super) fn documents_of(resources: &[Resource]) -> Vec<Made> {
    let mut out = Vec::new();
    for resource in resources {
        if resource.kind == "Linkage" || resource.kind == "Patient" {
            continue;
        }
        let record = build_record(std::slice::from_ref(resource));
        let Some((title, body, day)) = words_of(&record) else {
            continue;
        };
        if title.is_empty() && body.is_empty() {
            continue;
        }
        out.push(Made {
            kind: resource.kind.clone(),
            id: resource.id.clone(),
            day: day_of(day),
            body: format!("{title}\n{body}"),
            title,
        });
    }
    out
}

pub(in crate::store) fn words_of(record: &PatientRecord) -> Option<(String, String, Option<Date>)> {
    let name = |code: &Coding| match code.display.is_empty() {
        true => code.code.clone(),
        false => code.display.clone(),
    };
    let some = |code: &Coding, more: &str, day| Some((name(code), more.to_owned(), day));
    if let Some(r) = record.reports.first() {
        return some(&r.code, &r.text, r.date);
    }
    if let Some(c) = record.conditions.first() {
        return some(&c.code, &c.code.code, c.onset);
    }
    if let Some(m) = record.medications.first() {
        return some(&m.code, &m.dosage, m.authored);
    }
    if let Some(a) = record.allergies.first() {
        return some(&a.code, "", a.recorded);
    }
    if let Some(p) = record.procedures.first() {
        return some(&p.code, &p.reason, p.performed);
    }
    if let Some(s) = record.imaging_studies.first() {
        let words = format!("{} {}", s.modalities.join(" "), s.body_site);
        return Some((s.description.clone(), words, s.started));
    }
    if let Some(i) = record.immunizations.first() {
        return some(&i.code, "", i.date);
    }
    if let Some(c) = record.care_plans.first() {
        return some(&c.code, &c.activities.join(" "), c.start);
    }
    if let Some(r) = record.family.first() {
        let had = r.conditions.iter().map(|c| c.code.display.as_str());
        return some(
            &r.relationship,
            &had.collect::<Vec<_>>().join("\n"),
            r.noted,
        );
    }
    if let Some(e) = record.encounters.first() {
        return some(&e.code, &e.reason, e.start);
    }
    // A value says little by its number; its name and its words are found.
    let series = record.observations.first()?;
    let value = series.values.first()?;
    some(&series.code, &value.text, value.date)
}
