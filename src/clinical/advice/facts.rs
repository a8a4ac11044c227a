//! The facts that suggestions are made from, each with where it stands.

use super::renal;
use crate::{
    clinical::text::{Assertion, EntityKind, lexicon, understand},
    model::{
        date::Date,
        identity::Sex,
        record::{Coding, PatientRecord},
    },
};
use std::collections::BTreeMap;

/// Where a fact comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// FHIR type, or `text`.
    pub kind: &'static str,
    /// Words of the record.
    pub words: String,
    /// When.
    pub date: Option<Date>,
}

/// A concept of the dictionary that is there or denied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Whether it is there; false where it is denied.
    pub present: bool,
    /// Where that is said.
    pub origin: Origin,
}

/// A number of a laboratory.
#[derive(Clone, Debug, PartialEq)]
pub struct Lab {
    /// Value.
    pub value: f64,
    /// UCUM unit.
    pub unit: String,
    /// When.
    pub date: Option<Date>,
    /// Words of the record.
    pub words: String,
}

/// A drug that is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The drug.
    pub drug: &'static str,
    /// Where it stands.
    pub origin: Origin,
}

/// Renal function.
#[derive(Clone, Debug, PartialEq)]
pub struct Renal {
    /// mL/min/1.73 m².
    pub egfr: f64,
    /// Whether it was computed here from creatinine; else the laboratory said so.
    pub computed: bool,
    /// The value that it comes from.
    pub lab: Lab,
}

/// What is known of a patient.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Age in years on the day.
    pub age: Option<u16>,
    /// Sex.
    pub sex: Sex,
    /// Concepts of the dictionary by id.
    pub concepts: BTreeMap<&'static str, Known>,
    /// Latest number by LOINC code.
    pub labs: BTreeMap<String, Lab>,
    /// Drugs that are taken now.
    pub drugs: Vec<Taken>,
    /// Allergies that are active: words, drugs that they name.
    pub allergies: Vec<(Origin, Vec<&'static str>)>,
    /// Renal function, the newest.
    pub renal: Option<Renal>,
    /// Pregnancy, where it is recorded as being there.
    pub pregnancy: Option<Origin>,
    /// Devices that matter in a magnet.
    pub implants: Vec<Origin>,
}

/// LOINC codes of creatinine in serum, plasma or blood.
const CREATININE: [&str; 3] = ["2160-0", "14682-9", "38483-4"];
/// LOINC codes of an estimated glomerular filtration rate.
const EGFR: [&str; 5] = ["33914-3", "48642-3", "62238-1", "98979-8", "88293-6"];
/// Pregnancy status.
const PREGNANCY: &str = "82810-3";

fn origin(kind: &'static str, code: &Coding, date: Option<Date>) -> Origin {
    let words = if code.display.is_empty() {
        &code.code
    } else {
        &code.display
    };
    Origin {
        kind,
        words: words.clone(),
        date,
    }
}

impl Facts {
    /// Notes what a text says, such as a report: findings and symptoms that are there or denied. Something that is
    /// there in one place is not undone by a denial in another.
    pub fn note_text(&mut self, text: &str, kind: &'static str, date: Option<Date>) {
        for entity in understand(text).entities {
            let present = match entity.assertion {
                Assertion::Present => true,
                Assertion::Absent => false,
                _ => continue,
            };
            if !matches!(entity.kind, EntityKind::Finding | EntityKind::Symptom) {
                continue;
            }
            let words = text.get(entity.span.clone()).unwrap_or_default().to_owned();
            self.know(entity.concept, present, Origin { kind, words, date });
        }
    }

    fn know(&mut self, id: &'static str, present: bool, origin: Origin) {
        let known = self.concepts.get(id).is_some_and(|k| k.present || !present);
        if !known {
            self.concepts.insert(id, Known { present, origin });
        }
    }

    /// Whether a drug, or one of a class (`class:nsaid`), is among these.
    pub fn is_of(drug: &str, wanted: &str) -> bool {
        match wanted.strip_prefix("class:") {
            Some(class) => lexicon::concept(drug).is_some_and(|c| c.classes.contains(&class)),
            None => drug == wanted,
        }
    }
}

/// Gathers the facts of a record on a day.
pub fn facts_of(record: &PatientRecord, today: Option<Date>) -> Facts {
    let birth = *record.identity.birth_date.reveal();
    let until = record.deceased.or(today);
    let mut facts = Facts {
        age: birth
            .zip(until)
            .and_then(|(birth, day)| birth.years_until(day)),
        sex: *record.identity.sex.reveal(),
        ..Facts::default()
    };
    for condition in &record.conditions {
        let active = matches!(
            condition.clinical_status.as_str(),
            "active" | "recurrence" | "relapse" | ""
        );
        if !active {
            continue;
        }
        let from = origin("Condition", &condition.code, condition.onset);
        let words = condition.code.display.to_lowercase();
        let before = ["not pregnant", "postpartum", "history of"];
        if (words.contains("pregnan") || words.contains("妊娠"))
            && !before.iter().any(|b| words.contains(b))
        {
            facts.pregnancy.get_or_insert_with(|| from.clone());
        }
        for entity in understand(&condition.code.display).entities {
            if entity.kind.is_stated() && entity.assertion == Assertion::Present {
                facts.know(entity.concept, true, from.clone());
            }
        }
    }
    labs(record, until.zip(birth), &mut facts);
    for medication in record.medications.iter().filter(|m| m.status == "active") {
        let from = origin("MedicationRequest", &medication.code, medication.authored);
        for drug in lexicon::drugs_in(&medication.code.display) {
            if facts.drugs.iter().all(|d| d.drug != drug.id) {
                facts.drugs.push(Taken {
                    drug: drug.id,
                    origin: from.clone(),
                });
            }
        }
    }
    for allergy in &record.allergies {
        // "No known allergy" is coded as an allergy too (FHIR R4 AllergyIntolerance, section 9.1.3.3).
        let words = allergy.code.display.to_lowercase();
        let none = words.starts_with("no ") || words.starts_with("无") || words.contains("未发现");
        if none || matches!(allergy.status.as_str(), "resolved" | "inactive") {
            continue;
        }
        let drugs = lexicon::drugs_in(&allergy.code.display);
        let ids = drugs.iter().map(|d| d.id).collect();
        facts.allergies.push((
            origin("AllergyIntolerance", &allergy.code, allergy.recorded),
            ids,
        ));
    }
    for procedure in &record.procedures {
        implant(
            &mut facts,
            origin("Procedure", &procedure.code, procedure.performed),
        );
    }
    for condition in &record.conditions {
        implant(
            &mut facts,
            origin("Condition", &condition.code, condition.onset),
        );
    }
    for report in record.reports.iter().rev() {
        facts.note_text(&report.text, "DiagnosticReport", report.date);
    }
    facts
}

/// Words of devices that matter in a magnet.
const MAGNET: [&str; 8] = [
    "pacemaker",
    "defibrillator",
    "cochlear implant",
    "neurostimulator",
    "aneurysm clip",
    "起搏器",
    "除颤器",
    "人工耳蜗",
];

fn implant(facts: &mut Facts, from: Origin) {
    let words = from.words.to_lowercase();
    let removed = words.contains("removal") || words.contains("取出");
    let known = facts.implants.iter().any(|i| i.words == from.words);
    if !removed && !known && MAGNET.iter().any(|m| words.contains(m)) {
        facts.implants.push(from);
    }
}

fn labs(record: &PatientRecord, days: Option<(Date, Date)>, facts: &mut Facts) {
    for series in &record.observations {
        if series.code.code == PREGNANCY
            && let Some(last) = series.values.last()
            && last.text.to_lowercase().starts_with("pregnant")
        {
            facts.pregnancy = Some(origin("Observation", &series.code, last.date));
        }
        let Some((last, value)) = series
            .values
            .iter()
            .rev()
            .find_map(|v| v.value.map(|n| (v, n)))
        else {
            continue;
        };
        facts.labs.insert(
            series.code.code.clone(),
            Lab {
                value,
                unit: last.unit.clone(),
                date: last.date,
                words: series.code.display.clone(),
            },
        );
    }
    let newest = |codes: &[&str]| {
        codes
            .iter()
            .filter_map(|c| facts.labs.get(*c))
            .max_by_key(|l| l.date.map(Date::days_since_epoch))
            .cloned()
    };
    let computed = newest(&CREATININE).and_then(|lab| {
        let creatinine = renal::creatinine_mg_dl(lab.value, &lab.unit)?;
        let (today, birth) = days?;
        let age = birth.years_until(lab.date.unwrap_or(today))?;
        let egfr = renal::egfr(creatinine, age, facts.sex)?;
        Some(Renal {
            egfr,
            computed: true,
            lab,
        })
    });
    let said = newest(&EGFR).map(|lab| Renal {
        egfr: lab.value,
        computed: false,
        lab,
    });
    // The newer of both; of one day that of the laboratory.
    let day = |r: &Renal| r.lab.date.map(Date::days_since_epoch);
    facts.renal = match (computed, said) {
        (Some(c), Some(s)) => Some(if day(&c) > day(&s) { c } else { s }),
        (c, s) => c.or(s),
    };
}
