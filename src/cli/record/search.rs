//! `negatoscope record search`: words in all records and reports.

use crate::{
    cli::{Common, Exit, Output, store as store_cli},
    clinical::passage::{Passage, passage},
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
    /// With the passage about the first of the words; only beside --show-phi, for people wrote it
    #[arg(long)]
    pub context: bool,
}

/// Characters of a passage.
const PASSAGE: usize = 140;

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
    // What people wrote may say who somebody is.
    let context = args.context && common.show_phi;
    let texts = match context {
        true => match store.with_texts(hits.clone(), &words) {
            Ok(found) => found,
            Err(error) => return store_cli::report(&error, out),
        },
        false => Vec::new(),
    };
    for (number, hit) in hits.iter().enumerate() {
        let found = texts.get(number).map(|found| {
            let text = found.text.reveal();
            (passage(text, &found.marks, PASSAGE), found.marks.len())
        });
        let day = hit.day.map(|d| d.to_string());
        // Notes have titles that people wrote.
        let free = matches!(hit.kind.as_str(), "DocumentReference" | "DiagnosticReport");
        let title = match free {
            true => common.phi(hit.title.reveal()).to_string(),
            false => hit.title.reveal().clone(),
        };
        if common.json {
            let mut line = json!({
                "patient": common.phi(hit.patient.reveal()),
                "type": hit.kind,
                "id": common.phi(hit.resource.reveal()),
                "day": day,
                "title": title,
            });
            if let Some((passage, places)) = found {
                let marks = passage.marks.iter().map(|m| json!([m.start, m.end]));
                line["passage"] = json!(passage.text);
                line["marks"] = marks.collect();
                line["places"] = json!(places);
            }
            out.json(&line);
        } else {
            let patient = common.phi(hit.patient.reveal());
            let day = day.unwrap_or_default();
            out.line(format!("{day:10}  {:20} {title}  {patient}", hit.kind));
            if let Some((passage, _)) = found {
                out.line(format!("            {}", marked(&passage)));
            }
        }
    }
    if common.json {
        out.json(&json!({"summary": {"found": hits.len(), "most": args.most}}));
    }
    Exit::Done
}

/// A passage with its words in brackets.
fn marked(passage: &Passage) -> String {
    let mut out = String::with_capacity(passage.text.len() + 4 * passage.marks.len());
    let mut at = 0;
    let part = |from: usize, to: usize| passage.text.get(from..to).unwrap_or_default();
    for mark in &passage.marks {
        out.push_str(part(at, mark.start));
        out.push('[');
        out.push_str(part(mark.start, mark.end));
        out.push(']');
        at = mark.end;
    }
    out.push_str(part(at, passage.text.len()));
    out
}
