//! `negatoscope record timeline`: everything of a record by its day, as the line in the window has it.

use crate::{
    cli::{Common, Exit, Output, store as store_cli},
    clinical::timeline::{Lane, Leads, Timeline},
    model::date::Date,
    store::{Store, StoreError},
};
use clap::Args;
use serde_json::json;

/// Arguments of `record timeline`.
#[derive(Debug, Args)]
pub struct TimelineArgs {
    /// FHIR id of the Patient, or any identifier (Patient ID)
    #[arg(value_name = "PATIENT")]
    pub patient: String,
    /// Only what began on this day or later
    #[arg(long, value_name = "DATE", value_parser = day)]
    pub from: Option<Date>,
    /// Only what began on this day or earlier
    #[arg(long, value_name = "DATE", value_parser = day)]
    pub to: Option<Date>,
}

fn day(text: &str) -> Result<Date, String> {
    let date = Date::parse(text).filter(|date| date.day > 0);
    date.ok_or_else(|| "a day is 2024-06-01".to_owned())
}

const fn word(lane: Lane) -> &'static str {
    match lane {
        Lane::Imaging => "imaging",
        Lane::Reports => "reports",
        Lane::Marks => "marks",
        Lane::Networks => "networks",
        Lane::Conditions => "conditions",
        Lane::Medications => "medications",
        Lane::Labs => "labs",
        Lane::Vitals => "vitals",
        Lane::Others => "others",
        Lane::Procedures => "procedures",
        Lane::Encounters => "encounters",
        Lane::Claims => "claims",
    }
}

/// Runs `record timeline`.
pub(super) fn run(store: &Store, args: &TimelineArgs, common: &Common, out: &mut Output) -> Exit {
    let record = store
        .patient_by_any_id(&args.patient)
        .and_then(|id| store.record(&id.ok_or(StoreError::UnknownPatient)?));
    let record = match record {
        Ok(record) => record,
        Err(error) => return store_cli::report(&error, out),
    };
    let line = Timeline::of(&record);
    let days = |date: Option<Date>| date.map(Date::days_since_epoch);
    let span = line.begun(
        days(args.from).unwrap_or(i64::MIN),
        days(args.to).unwrap_or(i64::MAX),
    );
    let text = |day: i64| {
        let date = Date::of_ms(day.saturating_mul(86_400_000));
        date.map(|date| date.to_string()).unwrap_or_default()
    };
    let events = line.events.get(span).unwrap_or_default();
    if common.json {
        let events: Vec<_> = events
            .iter()
            .map(|event| {
                json!({
                    "lane": word(event.lane),
                    "day": text(event.day),
                    "end": event.end.map(text),
                    "words": event.words,
                    "marked": event.marked,
                    "study": match &event.leads {
                        Leads::Study(uid) => Some(uid),
                        Leads::Nowhere | Leads::Values(_) => None,
                    },
                })
            })
            .collect();
        out.json(&json!({
            "patient": store_cli::identity_json(&record.identity, common),
            "events": events,
            "without_a_day": line.undated,
        }));
        return Exit::Done;
    }
    for event in events {
        let end = event.end.map(|end| format!(" to {}", text(end)));
        out.line(format!(
            "{}{}  {:11}  {}{}",
            text(event.day),
            end.unwrap_or_default(),
            word(event.lane),
            event.words,
            if event.marked { "  !" } else { "" }
        ));
    }
    out.note(format!(
        "{} events, {} more have no day",
        events.len(),
        line.undated
    ));
    Exit::Done
}
