//! The log for other programs: FHIR R4 AuditEvent, and comma-separated values.

use super::AuditEntry;
use crate::model::access::AuditKind;
use serde_json::{Value, json};

/// The line of names of [`csv`].
pub const CSV_NAMES: &str = "number,time,user,role,kind,done,patient,study,detail";

/// A moment as ISO 8601 UTC; empty where it is none.
pub fn iso(milliseconds: i64) -> String {
    jiff::Timestamp::from_millisecond(milliseconds)
        .map(|time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
        .unwrap_or_default()
}

/// An entry as comma-separated values (RFC 4180); `name` says what stands for a reference.
pub fn csv(entry: &AuditEntry, name: &dyn Fn(&str) -> String) -> String {
    let fields = [
        entry.number.to_string(),
        iso(entry.time_ms),
        entry.user.clone(),
        entry.role.name().to_owned(),
        entry.kind.name().to_owned(),
        entry.done.to_string(),
        name(&entry.patient),
        name(&entry.study),
        entry.detail.clone(),
    ];
    fields.map(|field| csv_field(&field)).join(",")
}

/// A field in quotes where it needs them; what a table would take for a formula begins with an apostrophe.
fn csv_field(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = match formula {
        true => format!("'{text}"),
        false => text.to_owned(),
    };
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    }
}

/// The type of an event (DICOM PS3.16 CID 400, as FHIR has it), and what it does (C, R, U, D or E).
const fn fhir_type(kind: AuditKind) -> (&'static str, &'static str, &'static str) {
    match kind {
        AuditKind::Opened
        | AuditKind::Locked
        | AuditKind::Unlocked
        | AuditKind::LoginFailed
        | AuditKind::Closed => ("110114", "User Authentication", "E"),
        AuditKind::Query => ("110112", "Query", "E"),
        AuditKind::StudyViewed => ("110103", "DICOM Instances Accessed", "R"),
        AuditKind::Edited | AuditKind::Undone => ("110103", "DICOM Instances Accessed", "U"),
        AuditKind::RecordViewed => ("110110", "Patient Record", "R"),
        AuditKind::RecordsImported => ("110107", "Import", "C"),
        AuditKind::StudiesImported | AuditKind::ImagesKept => ("110107", "Import", "C"),
        AuditKind::Exported | AuditKind::Anonymized | AuditKind::BackedUp => {
            ("110106", "Export", "R")
        }
        AuditKind::Erased => ("110110", "Patient Record", "D"),
        AuditKind::AuditRead => ("110101", "Audit Log Used", "R"),
        AuditKind::BreakGlass
        | AuditKind::Denied
        | AuditKind::UserAdded
        | AuditKind::UserRemoved
        | AuditKind::RoleChanged
        | AuditKind::PassphraseChanged
        | AuditKind::KeyRemembered
        | AuditKind::KeyForgotten
        | AuditKind::Rekeyed
        | AuditKind::AuditDamaged => ("110113", "Security Alert", "E"),
        AuditKind::Begun
        | AuditKind::Verified
        | AuditKind::Restored
        | AuditKind::Recovered
        | AuditKind::Failed => ("110100", "Application Activity", "E"),
    }
}

/// An AuditEvent resource (FHIR R4).
pub fn fhir(entry: &AuditEntry, name: &dyn Fn(&str) -> String) -> Value {
    let (code, display, action) = fhir_type(entry.kind);
    let mut entities = Vec::new();
    for (reference, role, label) in [
        (&entry.patient, "1", "Patient"),
        (&entry.study, "3", "Report"),
    ] {
        if !reference.is_empty() {
            entities.push(json!({
                "what": {"identifier": {"value": name(reference)}},
                "role": {
                    "system": "http://terminology.hl7.org/CodeSystem/object-role",
                    "code": role,
                    "display": label,
                },
            }));
        }
    }
    let mut event = json!({
        "resourceType": "AuditEvent",
        "id": format!("negatoscope-{}", entry.number),
        "type": {
            "system": "http://dicom.nema.org/resources/ontology/DCM",
            "code": code,
            "display": display,
        },
        "subtype": [{
            "system": "urn:negatoscope:audit",
            "code": entry.kind.name(),
        }],
        "action": action,
        "recorded": iso(entry.time_ms),
        "outcome": if entry.done { "0" } else { "4" },
        "agent": [{
            "type": {"text": entry.role.name()},
            "who": {"identifier": {"value": entry.user}},
            "requestor": true,
        }],
        "source": {"observer": {"display": "negatoscope"}},
    });
    if !entry.detail.is_empty() {
        event["outcomeDesc"] = json!(entry.detail);
    }
    if !entities.is_empty() {
        event["entity"] = json!(entities);
    }
    event
}
