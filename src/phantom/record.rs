//! The made-up patient's record: a FHIR R4 transaction Bundle that fits the made-up images.
//!
//! Every resource carries the security label HTEST (test health data) and the tag SYNTHETIC. Codes are those of
//! LOINC, SNOMED CT, ICD-10-CM and ATC. References are `urn:uuid:` full URLs of the same Bundle.

use super::{identifier::uuid, record_story as story};
use crate::model::{
    date::Date,
    identity::{PatientIdentity, Sex},
};
use serde_json::{Value, json};

/// A study that the record speaks of.
#[derive(Clone, Debug, Default)]
pub struct RecordStudy {
    /// Study Instance UID.
    pub uid: String,
    /// Series Instance UID.
    pub series_uid: String,
    /// Modality.
    pub modality: String,
    /// Day and time, `YYYY-MM-DDThh:mm:ssZ`.
    pub started: String,
    /// Study Description.
    pub description: String,
    /// Accession Number.
    pub accession: String,
    /// Instances in the series.
    pub instances: usize,
    /// SOP Class UID of the instances.
    pub sop_class_uid: String,
}

/// URI of the demo's patient identifiers.
pub const IDENTIFIER_SYSTEM: &str = "urn:negatoscope:demo:patient-id";
/// URI of the tag on every resource.
pub const TAG_SYSTEM: &str = "urn:negatoscope:demo:tag";

/// Gathers the resources of one person.
pub(super) struct Bundle {
    seed: u64,
    subject: String,
    entries: Vec<Value>,
}

impl Bundle {
    fn new(seed: u64, purpose: &str) -> Self {
        Self {
            seed,
            subject: format!("urn:uuid:{}", uuid(seed, &format!("{purpose} Patient"))),
            entries: Vec::new(),
        }
    }

    /// The reference that every clinical resource carries.
    pub(super) fn subject(&self) -> Value {
        json!({ "reference": self.subject })
    }

    /// Adds a resource; gives its full URL.
    pub(super) fn add(&mut self, kind: &str, mut resource: Value) -> String {
        let full_url = if kind == "Patient" {
            self.subject.clone()
        } else {
            let name = format!("{kind} {}", self.entries.len());
            format!("urn:uuid:{}", uuid(self.seed, &name))
        };
        let meta = json!({
            "security": [{
                "system": "http://terminology.hl7.org/CodeSystem/v3-ActReason",
                "code": "HTEST",
                "display": "test health data"
            }],
            "tag": [{ "system": TAG_SYSTEM, "code": "SYNTHETIC", "display": "Synthetic, no real person" }]
        });
        if let Some(map) = resource.as_object_mut() {
            map.shift_insert(0, "resourceType".into(), kind.into());
            map.shift_insert(1, "meta".into(), meta);
        }
        self.entries.push(json!({
            "fullUrl": full_url,
            "resource": resource,
            "request": { "method": "POST", "url": kind }
        }));
        full_url
    }

    fn finish(self) -> Value {
        json!({
            "resourceType": "Bundle",
            "type": "transaction",
            "entry": self.entries
        })
    }
}

fn patient(identity: &PatientIdentity) -> Value {
    let name = identity.name.reveal();
    let mut names = Vec::new();
    for (group, code) in [(&name.alphabetic, "ABC"), (&name.ideographic, "IDE")] {
        if group.is_empty() {
            continue;
        }
        let mut parts = group.split('^');
        let family = parts.next().unwrap_or_default();
        let given: Vec<&str> = parts.filter(|p| !p.is_empty()).collect();
        let text = if code == "IDE" {
            format!("{family}{}", given.concat())
        } else {
            format!("{family}, {}", given.join(" "))
        };
        names.push(json!({
            "extension": [{
                "url": "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation",
                "valueCode": code
            }],
            "use": "official",
            "text": text,
            "family": family,
            "given": given
        }));
    }
    let gender = match identity.sex.reveal() {
        Sex::Male => "male",
        Sex::Female => "female",
        Sex::Other => "other",
        Sex::Unknown => "unknown",
    };
    let mut value = json!({
        "identifier": [{
            "use": "usual",
            "type": {
                "coding": [{
                    "system": "http://terminology.hl7.org/CodeSystem/v2-0203",
                    "code": "MR",
                    "display": "Medical record number"
                }]
            },
            "system": IDENTIFIER_SYSTEM,
            "value": identity.id.reveal(),
            "assigner": { "display": identity.issuer.reveal() }
        }],
        "active": true,
        "name": names,
        "gender": gender,
        "communication": [{
            "language": {
                "coding": [{ "system": "urn:ietf:bcp:47", "code": "zh-CN", "display": "Chinese (China)" }]
            },
            "preferred": true
        }]
    });
    if let (Some(birth), Some(map)) = (identity.birth_date.reveal(), value.as_object_mut()) {
        map.insert("birthDate".into(), birth.to_string().into());
    }
    value
}

/// The record of the demo's patient; `day` is the day of the newest study, the history lies before it.
pub fn record(seed: u64, identity: &PatientIdentity, day: Date, studies: &[RecordStudy]) -> Value {
    let mut bundle = Bundle::new(seed, "demo");
    bundle.add("Patient", patient(identity));
    story::tell(&mut bundle, identity, day, studies);
    bundle.finish()
}

/// The record of somebody else who is easily taken for the patient: for the behaviour on a mismatch.
pub fn near_miss_record(seed: u64, identity: &PatientIdentity, day: Date) -> Value {
    let mut bundle = Bundle::new(seed, "near miss");
    bundle.add("Patient", patient(identity));
    story::tell_near_miss(&mut bundle, day);
    bundle.finish()
}
