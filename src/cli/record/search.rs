//! `negatoscope record search`: words in all records and reports.

use crate::{
    cli::{Common, Exit, Output, store as store_cli},
    store::{Store, StoreError},
};
use clap::Args;
use serde_json::json;

/// Arguments of `record search`.
#[derive(Debug, Args)]
pub struct SearchArgs {
    /// Words that must all be there; the last one may be the beginning of a word
    #[arg(value_name = "WORDS", required = true)]
    pub words: Vec<String>,
    /// In the record of one patient alone: FHIR id of the Patient, or any identifier
    #[arg(long, value_name = "PATIENT")]
    pub patient: Option<String>,
    /// Most that are listed
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub most: usize,
}

/// Runs `record search`.
pub fn run(store: &Store, args: &SearchArgs, common: &Common, out: &mut Output) -> Exit {
    let patient = match &args.patient {
        None => Ok(None),
        Some(id) => store
            .patient_by_any_id(id)
            .and_then(|id| id.ok_or(StoreError::UnknownPatient))
            .map(Some),
    };
    let words = args.words.join(" ");
    let hits = patient.and_then(|id| store.search_records(&words, id.as_deref(), args.most));
    let hits = match hits {
        Ok(hits) => hits,
        Err(error) => return store_cli::report(&error, out),
    };
    for hit in &hits {
        let day = hit.day.map(|d| d.to_string());
        // Notes have titles that people wrote.
        let free = matches!(hit.kind.as_str(), "DocumentReference" | "DiagnosticReport");
        let title = match free {
            true => common.phi(hit.title.reveal()).to_string(),
            false => hit.title.reveal().clone(),
        };
        if common.json {
            out.json(&json!({
                "patient": common.phi(hit.patient.reveal()),
                "type": hit.kind,
                "id": common.phi(hit.resource.reveal()),
                "day": day,
                "title": title,
            }));
        } else {
            let patient = common.phi(hit.patient.reveal());
            let day = day.unwrap_or_default();
            out.line(format!("{day:10}  {:20} {title}  {patient}", hit.kind));
        }
    }
    if common.json {
        out.json(&json!({"summary": {"found": hits.len(), "most": args.most}}));
    }
    Exit::Done
}
