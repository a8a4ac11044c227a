//! `negatoscope list`: the studies of the store, searched as the window searches them.

use super::{
    Common, Exit, Output,
    store::{self, identity_json},
};
use crate::{
    model::{date::Date, reading::ReadStatus},
    store::{StudyRow, today},
    workspace::study_list::{ListIndex, Query, Statuses, StudyEntry, row::key_of, seek::status_of},
};
use clap::Args;
use serde_json::{Value, json};
use std::collections::HashMap;

/// Arguments of `list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// What is searched for, as in the window: words, and `modality:CT,MR`, `date:2026-01..2026-03`, `status:new`
    #[arg(long, value_name = "TEXT")]
    pub query: Option<String>,
    /// How far the reading is: new, in-progress, flagged, preliminary, final
    #[arg(long, value_name = "STATUS", value_delimiter = ',', value_parser = parse_status)]
    pub status: Vec<ReadStatus>,
}

fn parse_status(text: &str) -> Result<ReadStatus, String> {
    let names = ReadStatus::ALL.map(ReadStatus::name).join(", ");
    ReadStatus::named(text).ok_or_else(|| format!("a status is one of {names}"))
}

/// The query that the flags make, or why they make none.
fn query(args: &ListArgs, common: &Common, out: &mut Output) -> Result<Query, Exit> {
    let day = common.clock.as_deref().and_then(Date::parse).or_else(today);
    let mut query = Query::parse(args.query.as_deref().unwrap_or_default(), day);
    if let Some(part) = query.unread.first() {
        out.error(format!("`{part}` is not understood"));
        return Err(Exit::Usage);
    }
    query.statuses.extend(&args.status);
    Ok(query)
}

/// The studies that a query finds, in their order.
fn found(studies: Vec<StudyRow>, query: &Query, statuses: &Statuses) -> Vec<StudyRow> {
    let entries = studies.iter().cloned().map(StudyEntry::of_row).collect();
    let index = ListIndex::build(entries);
    let rows = index.find(query, None, &|entry| status_of(statuses, &entry.uid));
    let keys = studies.into_iter();
    let mut by_key: HashMap<u64, StudyRow> =
        keys.map(|s| (key_of(&s.uid, &s.patient), s)).collect();
    let entry = |row: u32| index.get(row);
    rows.into_iter()
        .filter_map(|row| by_key.remove(&entry(row)?.key))
        .collect()
}

/// The studies of a store that a search finds, each once, in the order of the list.
///
/// # Errors
/// How the command ends; why is said.
pub(super) fn studies_found(
    store: &crate::store::Store,
    text: &str,
    common: &Common,
    out: &mut Output,
) -> Result<Vec<String>, Exit> {
    let args = ListArgs {
        query: Some(text.to_owned()),
        status: Vec::new(),
    };
    let query = query(&args, common, out)?;
    let studies = store
        .studies()
        .map_err(|error| store::report(&error, out))?;
    let kept = store.kept();
    let statuses: Statuses = studies
        .iter()
        .map(|s| (s.uid.clone(), kept.read_status(&s.uid)))
        .collect();
    let studies = match query.is_empty() {
        true => studies,
        false => found(studies, &query, &statuses),
    };
    let mut uids: Vec<String> = Vec::new();
    let mut known = std::collections::BTreeSet::new();
    for study in studies {
        if known.insert(study.uid.clone()) {
            uids.push(study.uid);
        }
    }
    Ok(uids)
}

/// Runs `list`.
pub fn run(args: &ListArgs, common: &Common, out: &mut Output) -> Exit {
    let query = match query(args, common, out) {
        Ok(query) => query,
        Err(exit) => return exit,
    };
    let store = match store::open(common, out) {
        Ok(store) => store,
        Err(exit) => return exit,
    };
    let rows = store
        .studies()
        .and_then(|studies| Ok((studies, store.patients()?)));
    let (studies, mut patients) = match rows {
        Ok(rows) => rows,
        Err(error) => return store::report(&error, out),
    };
    let kept = store.kept();
    let statuses: Statuses = studies
        .iter()
        .map(|s| (s.uid.clone(), kept.read_status(&s.uid)))
        .collect();
    let all = studies.len();
    let studies = match query.is_empty() {
        true => studies,
        false => {
            // Who asks for studies does not ask for records.
            patients.clear();
            found(studies, &query, &statuses)
        }
    };
    let status = |uid: &str| status_of(&statuses, uid).name();
    if common.json {
        let studies: Vec<Value> = studies
            .iter()
            .map(|s| {
                json!({
                    "patient": identity_json(&s.patient, common),
                    "study_instance_uid": s.uid,
                    "date": s.date.map(|d| d.to_string()),
                    "time": s.time,
                    "description": s.description,
                    "accession_number": common.phi(s.accession.reveal()),
                    "modalities": s.modalities,
                    "status": status(&s.uid),
                    "series": s.series,
                    "files": s.instances,
                    "images": s.images,
                    "bytes": s.bytes,
                    "kept": s.kept,
                })
            })
            .collect();
        let records: Vec<Value> = patients
            .iter()
            .map(|p| {
                json!({
                    "patient": identity_json(&p.identity, common),
                    "fhir_id": common.phi(p.fhir_id.reveal()),
                    "resources": p.resources,
                    "imported": p.imported,
                })
            })
            .collect();
        out.json(&json!({"studies": studies, "records": records}));
        return Exit::Done;
    }
    for study in &studies {
        let date = study.date.map(|d| d.to_string()).unwrap_or_default();
        out.line(format!(
            "{date:10} {:8} {:11} {:4} series {:6} files  {:10}  {}  {}",
            study.modalities.join("/"),
            status(&study.uid),
            study.series,
            study.instances,
            match study.kept {
                0 => "referenced",
                all if all == study.instances => "kept",
                _ => "kept partly",
            },
            study.description,
            common.phi(&study.patient.name.reveal().display()),
        ));
    }
    for patient in &patients {
        out.line(format!(
            "record {:6} resources  {}",
            patient.resources,
            common.phi(&patient.identity.name.reveal().display()),
        ));
    }
    out.note(match query.is_empty() {
        true => format!("{all} studies, {} records", patients.len()),
        false => format!("{} of {all} studies", studies.len()),
    });
    Exit::Done
}
