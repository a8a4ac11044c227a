//! Facts that came twice under different ids: found, shown for review, merged by a FHIR Linkage, never deleted.

use super::{
    elements::{Target, choice_date, code, concept, list, target, text},
    fhir::Resource,
};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};

/// Two resources that look like one fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Type of both.
    pub kind: String,
    /// Id of the first.
    pub first: String,
    /// Id of the second.
    pub second: String,
    /// Whether everything but the id is equal.
    pub exact: bool,
}

/// Types that are compared, with the element of their code.
const COMPARED: [(&str, &str); 8] = [
    ("Observation", "code"),
    ("Condition", "code"),
    ("MedicationRequest", "medicationCodeableConcept"),
    ("MedicationStatement", "medicationCodeableConcept"),
    ("AllergyIntolerance", "code"),
    ("Procedure", "code"),
    ("Immunization", "vaccineCode"),
    ("DiagnosticReport", "code"),
];

/// Types whose resources are compared.
pub fn compared() -> [&'static str; 8] {
    COMPARED.map(|(kind, _)| kind)
}

/// What makes two resources look like one fact: type, code, moment, value.
fn key(kind: &str, element: &str, value: &Value) -> Option<String> {
    let what = concept(value.get(element), "");
    let name = if what.code.is_empty() {
        what.display
    } else {
        what.code
    };
    if name.is_empty() {
        return None;
    }
    let moment = ["effective", "onset", "performed", "occurrence"]
        .iter()
        .find_map(|stem| {
            let written = text(value, &format!("{stem}DateTime"));
            match written.is_empty() {
                true => choice_date(value, stem).map(|d| d.to_string()),
                false => Some(written.to_owned()),
            }
        })
        .or_else(|| {
            ["authoredOn", "recordedDate", "issued"]
                .iter()
                .map(|name| text(value, name))
                .find(|t| !t.is_empty())
                .map(str::to_owned)
        });
    // Without a day two prescriptions of one drug are two; two allergies to one substance are one.
    let moment = match (moment, kind) {
        (Some(moment), _) => moment,
        (None, "AllergyIntolerance") => String::new(),
        (None, _) => return None,
    };
    let given = value
        .as_object()?
        .iter()
        .filter(|(name, _)| {
            name.starts_with("value") || *name == "component" || *name == "conclusion"
        })
        .map(|(name, value)| format!("{name}={value}"))
        .collect::<Vec<_>>()
        .join("|");
    Some(format!("{kind}|{name}|{moment}|{given}"))
}

/// Pairs of resources of one patient that look like one fact, in order. Those that a Linkage joins already are left out.
pub fn find(resources: &[Resource]) -> Vec<Pair> {
    let values: Vec<Value> = resources.iter().map(Resource::value).collect();
    let merged = merged(resources, &values);
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut pairs = Vec::new();
    for (number, (resource, value)) in resources.iter().zip(&values).enumerate() {
        let Some((_, element)) = COMPARED.iter().find(|(kind, _)| *kind == resource.kind) else {
            continue;
        };
        let void = matches!(text(value, "status"), "entered-in-error" | "cancelled")
            || code(value.get("verificationStatus")) == "entered-in-error";
        if void || merged.contains(&(resource.kind.as_str(), resource.id.as_str())) {
            continue;
        }
        let Some(key) = key(&resource.kind, element, value) else {
            continue;
        };
        match seen.get(&key) {
            Some(&first) => {
                if let (Some(one), Some(other)) = (resources.get(first), values.get(first)) {
                    pairs.push(Pair {
                        kind: resource.kind.clone(),
                        first: one.id.clone(),
                        second: resource.id.clone(),
                        exact: bare(other) == bare(value),
                    });
                }
            }
            None => {
                seen.insert(key, number);
            }
        }
    }
    pairs
}

/// A resource without what only tells it from its twin.
fn bare(value: &Value) -> Value {
    let mut value = value.clone();
    if let Some(members) = value.as_object_mut() {
        for name in ["id", "meta", "identifier", "text"] {
            members.shift_remove(name);
        }
    }
    value
}

/// A Linkage (FHIR R4 Linkage) that keeps `keep` and puts `other` behind it.
///
/// Not active it parts them again: the same Linkage in the place of the active one.
pub fn linkage(patient: &str, kind: &str, keep: &str, other: &str, active: bool) -> Value {
    json!({
        "resourceType": "Linkage",
        "id": super::import::id_of(&["linkage", patient, kind, keep, other]),
        "extension": [{"url": super::fhir::PATIENT_EXTENSION, "valueString": patient}],
        "active": active,
        "item": [
            {"type": "source", "resource": {"reference": format!("{kind}/{keep}")}},
            {"type": "alternate", "resource": {"reference": format!("{kind}/{other}")}},
        ],
    })
}

/// A pair with the words that somebody needs to judge it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The two.
    pub pair: Pair,
    /// What it says.
    pub words: String,
    /// Its day, as written; empty where there is none.
    pub day: String,
}

/// What somebody has to look at, and what somebody merged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Review {
    /// Pairs that look like one fact.
    pub pairs: Vec<Candidate>,
    /// Pairs that a Linkage of this program joins: the first is shown, the second is behind it.
    pub merged: Vec<Candidate>,
}

/// Pairs of one patient for review, with words.
pub fn review(resources: &[Resource]) -> Review {
    let by_id: HashMap<(&str, &str), &Resource> = resources
        .iter()
        .map(|r| ((r.kind.as_str(), r.id.as_str()), r))
        .collect();
    let told = |pair: Pair| -> Option<Candidate> {
        let first = by_id.get(&(pair.kind.as_str(), pair.first.as_str()))?;
        let value = first.value();
        let element = COMPARED.iter().find(|(kind, _)| *kind == pair.kind)?.1;
        let what = concept(value.get(element), "");
        let words = match what.display.is_empty() {
            true => what.code,
            false => what.display,
        };
        let stems = ["effective", "onset", "performed", "occurrence"];
        let day = stems
            .iter()
            .find_map(|stem| choice_date(&value, stem))
            .map(|d| d.to_string())
            .or_else(|| {
                let names = ["authoredOn", "recordedDate", "issued"];
                let written = names.iter().map(|name| text(&value, name));
                written
                    .filter_map(|t| t.get(..t.len().min(10)))
                    .find(|t| !t.is_empty())
                    .map(str::to_owned)
            })
            .unwrap_or_default();
        Some(Candidate { pair, words, day })
    };
    let mut out = Review {
        pairs: find(resources).into_iter().filter_map(told).collect(),
        merged: Vec::new(),
    };
    for linkage_of in resources.iter().filter(|r| r.kind == "Linkage") {
        let value = linkage_of.value();
        if value.get("active") == Some(&Value::Bool(false)) {
            continue;
        }
        let ends: Vec<(String, String)> = list(&value, "item")
            .iter()
            .filter_map(|item| item.get("resource"))
            .filter_map(|r| match target(text(r, "reference")) {
                Target::Typed(kind, id) => Some((kind.to_owned(), id.to_owned())),
                _ => None,
            })
            .collect();
        let [(kind, keep), (same, other)] = ends.as_slice() else {
            continue;
        };
        let patient = linkage_of.patient.as_deref().unwrap_or_default();
        // Only what this program made can be taken back by it.
        let own = linkage(patient, kind, keep, other, true);
        if kind == same && text(&own, "id") == linkage_of.id {
            let pair = Pair {
                kind: kind.clone(),
                first: keep.clone(),
                second: other.clone(),
                exact: false,
            };
            out.merged.extend(told(pair));
        }
    }
    out
}

/// Types and ids of what active Linkages put behind another resource that is there.
pub fn merged<'a>(resources: &'a [Resource], values: &'a [Value]) -> HashSet<(&'a str, &'a str)> {
    let mut found = HashSet::new();
    let known: HashSet<(&str, &str)> = resources
        .iter()
        .map(|r| (r.kind.as_str(), r.id.as_str()))
        .collect();
    for (resource, value) in resources.iter().zip(values) {
        if resource.kind != "Linkage" || value.get("active") == Some(&Value::Bool(false)) {
            continue;
        }
        let of = |wanted: &str| -> Vec<(&'a str, &'a str)> {
            list(value, "item")
                .iter()
                .filter(|item| text(item, "type") == wanted)
                .filter_map(|item| item.get("resource"))
                .filter_map(|r| match target(text(r, "reference")) {
                    Target::Typed(kind, id) => Some((kind, id)),
                    _ => None,
                })
                .collect()
        };
        // Without its source an alternate is all there is.
        if of("source").iter().any(|source| known.contains(source)) {
            found.extend(of("alternate"));
        }
    }
    found
}
