//! What an import brought and what of it the panels do not show: counts, references without an answer,
//! fields that no panel reads, and doubts. Nothing is silently lost; this is where one sees it.

use super::{
    elements::{self, Target, list, target, text},
    fhir::{ReferenceIndex, Resource},
};
use crate::model::{
    date::Date,
    finding::{Finding, Severity},
};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

/// The types that the panels show, with the top-level elements that the mapping reads.
const SHOWN: [(&str, &[&str]); 18] = [
    (
        "Patient",
        &[
            "identifier",
            "name",
            "birthDate",
            "gender",
            "deceasedDateTime",
            "deceasedBoolean",
            "meta",
        ],
    ),
    (
        "AllergyIntolerance",
        &[
            "code",
            "clinicalStatus",
            "verificationStatus",
            "criticality",
            "recordedDate",
            "onsetDateTime",
            "patient",
        ],
    ),
    (
        "Condition",
        &[
            "code",
            "clinicalStatus",
            "verificationStatus",
            "onsetDateTime",
            "onsetPeriod",
            "onsetString",
            "recordedDate",
            "abatementDateTime",
            "abatementPeriod",
            "subject",
        ],
    ),
    (
        "MedicationRequest",
        &[
            "status",
            "medicationCodeableConcept",
            "medicationReference",
            "authoredOn",
            "dosageInstruction",
            "subject",
        ],
    ),
    (
        "MedicationStatement",
        &[
            "status",
            "medicationCodeableConcept",
            "medicationReference",
            "dateAsserted",
            "effectiveDateTime",
            "effectivePeriod",
            "dosage",
            "subject",
        ],
    ),
    (
        "Observation",
        &[
            "status",
            "category",
            "code",
            "effectiveDateTime",
            "effectivePeriod",
            "effectiveInstant",
            "valueQuantity",
            "valueCodeableConcept",
            "valueString",
            "valueBoolean",
            "valueInteger",
            "valueRange",
            "valueRatio",
            "valueSampledData",
            "valueTime",
            "valueDateTime",
            "valuePeriod",
            "dataAbsentReason",
            "interpretation",
            "referenceRange",
            "component",
            "subject",
        ],
    ),
    (
        "Procedure",
        &[
            "status",
            "code",
            "performedDateTime",
            "performedPeriod",
            "performedString",
            "reasonCode",
            "reasonReference",
            "subject",
        ],
    ),
    (
        "Encounter",
        &[
            "status",
            "class",
            "type",
            "period",
            "reasonCode",
            "reasonReference",
            "subject",
        ],
    ),
    (
        "ImagingStudy",
        &[
            "status",
            "identifier",
            "started",
            "modality",
            "series",
            "description",
            "procedureCode",
            "subject",
        ],
    ),
    ("Medication", &["code"]),
    (
        "DiagnosticReport",
        &[
            "status",
            "code",
            "effectiveDateTime",
            "effectivePeriod",
            "issued",
            "result",
            "conclusion",
            "presentedForm",
            "subject",
        ],
    ),
    (
        "DocumentReference",
        &["status", "type", "date", "content", "subject"],
    ),
    (
        "Immunization",
        &["status", "vaccineCode", "occurrenceDateTime", "patient"],
    ),
    (
        "CarePlan",
        &[
            "status",
            "title",
            "category",
            "period",
            "activity",
            "addresses",
            "subject",
        ],
    ),
    (
        "FamilyMemberHistory",
        &[
            "status",
            "patient",
            "date",
            "relationship",
            "deceasedBoolean",
            "deceasedAge",
            "deceasedRange",
            "deceasedDate",
            "deceasedString",
            "condition",
        ],
    ),
    (
        "Claim",
        &[
            "status",
            "item",
            "billablePeriod",
            "created",
            "total",
            "patient",
        ],
    ),
    (
        "ExplanationOfBenefit",
        &[
            "status",
            "item",
            "billablePeriod",
            "created",
            "total",
            "payment",
            "patient",
        ],
    ),
    ("Linkage", &["active", "item"]),
];

/// Whether the panels show resources of this type.
pub fn is_shown(kind: &str) -> bool {
    SHOWN.iter().any(|(shown, _)| *shown == kind)
}

/// The types that the panels show.
pub fn shown_kinds() -> impl Iterator<Item = &'static str> {
    SHOWN.iter().map(|(kind, _)| *kind)
}

/// A doubt about one resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Doubt {
    /// Number of the resource in the file, from 1.
    pub number: usize,
    /// Its type.
    pub kind: String,
    /// What is doubtful.
    pub finding: Finding,
}

/// What came and what of it is not shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LossReport {
    /// Resources by type.
    pub counts: BTreeMap<String, usize>,
    /// Bundle entries that held no resource.
    pub entries_without_resource: usize,
    /// References whose target is not in the file: (type of the resource, type of the target or `?`), how many.
    pub unresolved: BTreeMap<(String, String), usize>,
    /// References in all.
    pub references: usize,
    /// Elements that are kept but that no panel reads: (type, element), how many resources have it. Of types that
    /// are shown only; other types are not shown as a whole.
    pub unread: BTreeMap<(String, String), usize>,
    /// Doubts, at most [`MAX_DOUBTS`] of each code.
    pub doubts: Vec<Doubt>,
    /// Doubts by code, all of them.
    pub doubt_counts: BTreeMap<&'static str, usize>,
}

/// Most doubts of one code that are listed one by one.
pub const MAX_DOUBTS: usize = 100;

impl LossReport {
    /// Resources in all.
    pub fn received(&self) -> usize {
        self.counts.values().sum()
    }

    /// Resources of types that no panel shows, kept as they came.
    pub fn not_shown(&self) -> usize {
        self.counts
            .iter()
            .filter(|(kind, _)| !is_shown(kind))
            .map(|(_, n)| n)
            .sum()
    }

    /// Adds the doubts that need to know today's date: a birth in the future.
    pub fn check_dates(&mut self, resources: &[Resource], today: Date) {
        for (number, resource) in resources.iter().enumerate() {
            if resource.kind != "Patient" {
                continue;
            }
            let birth = elements::date(&resource.value(), "birthDate");
            if birth.is_some_and(|b| b.days_since_epoch() > today.days_since_epoch()) {
                self.doubt(
                    number,
                    &resource.kind,
                    "BIRTH_DATE_IN_FUTURE",
                    "The birth date lies in the future",
                );
            }
        }
    }

    /// Adds what is wrong with a row of a table; how often each is, whoever reads the table counts.
    pub(super) fn row_fault(&mut self, row: usize, code: &'static str, sentence: &str) {
        self.doubts.push(Doubt {
            number: row,
            kind: "row".to_owned(),
            finding: Finding::new(code, Severity::Warning, sentence),
        });
    }

    fn doubt(&mut self, number: usize, kind: &str, code: &'static str, sentence: &str) {
        let count = self.doubt_counts.entry(code).or_default();
        *count += 1;
        if *count <= MAX_DOUBTS {
            self.doubts.push(Doubt {
                number: number + 1,
                kind: kind.to_owned(),
                finding: Finding::new(code, Severity::Warning, sentence),
            });
        }
    }

    /// Counts and examines resources with their parsed texts.
    pub(super) fn examine(
        &mut self,
        resources: &[Resource],
        values: &[Value],
        index: &ReferenceIndex<'_>,
    ) {
        let mut seen: HashMap<(&str, &str), &str> = HashMap::with_capacity(resources.len());
        for (number, (resource, value)) in resources.iter().zip(values).enumerate() {
            *self.counts.entry(resource.kind.clone()).or_default() += 1;
            if let Some(earlier) = seen.insert((&resource.kind, &resource.id), &resource.json)
                && earlier != resource.json
            {
                self.doubt(
                    number,
                    &resource.kind,
                    "RESOURCE_TWICE",
                    "Two different resources of one type have one id; the later one is kept",
                );
            }
            self.count_references(resource, value, index);
            self.count_unread(resource, value);
            match resource.kind.as_str() {
                "Patient" => self.examine_patient(number, value),
                "Observation" => self.examine_observation(number, value),
                _ => {}
            }
        }
    }

    fn count_references(&mut self, resource: &Resource, value: &Value, index: &ReferenceIndex<'_>) {
        // A list instead of recursion; the nesting is limited, the habit stays.
        let mut waiting = vec![value];
        while let Some(part) = waiting.pop() {
            match part {
                Value::Array(items) => waiting.extend(items),
                Value::Object(members) => {
                    waiting.extend(members.values());
                    let Some(reference) = members.get("reference").and_then(Value::as_str) else {
                        continue;
                    };
                    self.references += 1;
                    let wanted = match target(reference) {
                        Target::Contained(id) => list(value, "contained")
                            .iter()
                            .all(|inner| text(inner, "id") != id)
                            .then_some("contained"),
                        _ if index.find(reference).is_some() => None,
                        Target::Typed(kind, _) => Some(kind),
                        Target::Conditional(kind) if kind.chars().all(char::is_alphabetic) => {
                            Some(kind)
                        }
                        Target::Conditional(_) | Target::Uri(_) => Some("?"),
                    };
                    if let Some(wanted) = wanted {
                        let key = (resource.kind.clone(), wanted.to_owned());
                        *self.unresolved.entry(key).or_default() += 1;
                    }
                }
                _ => {}
            }
        }
    }

    fn count_unread(&mut self, resource: &Resource, value: &Value) {
        let Some((_, read)) = SHOWN.iter().find(|(kind, _)| *kind == resource.kind) else {
            return;
        };
        for name in value.as_object().into_iter().flat_map(|o| o.keys()) {
            if name != "resourceType" && name != "id" && !read.contains(&name.as_str()) {
                // A hostile file may name its elements as it likes; only element-like names are repeated.
                let name = if name.len() <= 64 && name.chars().all(|c| c.is_ascii_alphanumeric()) {
                    name.as_str()
                } else {
                    "?"
                };
                let key = (resource.kind.clone(), name.to_owned());
                *self.unread.entry(key).or_default() += 1;
            }
        }
    }

    fn examine_patient(&mut self, number: usize, value: &Value) {
        let birth = text(value, "birthDate");
        if !birth.is_empty() && Date::parse(birth).is_none() {
            let sentence = "The birth date cannot be read";
            self.doubt(number, "Patient", "BIRTH_DATE_UNREADABLE", sentence);
        }
        if value.get("deceasedBoolean").and_then(Value::as_bool) == Some(true) {
            let sentence = "The patient is deceased, the day is not recorded";
            self.doubt(number, "Patient", "DECEASED_WITHOUT_DATE", sentence);
        }
        let died = elements::date(value, "deceasedDateTime");
        let born = Date::parse(birth);
        if matches!((born, died), (Some(b), Some(d)) if d.days_since_epoch() < b.days_since_epoch())
        {
            let sentence = "The day of death lies before the birth date";
            self.doubt(number, "Patient", "DEATH_BEFORE_BIRTH", sentence);
        }
    }

    fn examine_observation(&mut self, number: usize, value: &Value) {
        let parts = std::iter::once(value).chain(list(value, "component"));
        for part in parts {
            let Some(quantity) = part.get("valueQuantity") else {
                continue;
            };
            if elements::unit(quantity).is_empty() {
                let sentence = "A quantity has no unit";
                self.doubt(number, "Observation", "UNIT_MISSING", sentence);
            }
            let amount = quantity.get("value").and_then(Value::as_f64);
            let code = elements::concept(part.get("code"), elements::LOINC);
            if amount.is_some_and(|a| a < 0.0) && super::ranges::is_known(&code.code) {
                let sentence = "A laboratory value that cannot be negative is negative";
                self.doubt(number, "Observation", "NEGATIVE_VALUE", sentence);
            }
        }
    }
}
