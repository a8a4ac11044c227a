//! `negatoscope record`.

pub mod advise;
pub mod calc;
pub mod course;
pub mod mapping;
pub mod quality;
pub mod search;
pub mod text;
pub mod timeline;

use super::{Common, Exit, Output, store as store_cli};
use crate::{
    clinical::Hints,
    model::{
        date::Date,
        record::{Coding, ObservationValue, PatientRecord},
    },
    store::{ImportReport, READING_BUNDLE, Store, StoreError},
};
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Arguments of `record`.
#[derive(Debug, Args)]
pub struct RecordArgs {
    /// What to do with the record.
    #[command(subcommand)]
    pub action: RecordAction,
}

/// What `record` does.
#[derive(Debug, Subcommand)]
pub enum RecordAction {
    /// Take FHIR R4, HL7 v2, tables and call sets into the store
    Import(RecordImportArgs),
    /// What the columns of a table mean, long or wide, and what is wrong with its rows; needs no store
    Mapping(mapping::MappingArgs),
    /// Show one patient's record
    Show(RecordShowArgs),
    /// Everything of a record by its day
    Timeline(timeline::TimelineArgs),
    /// What reports and notes say: findings, where, how large, denied or doubtful, English and Chinese
    Text(text::RecordTextArgs),
    /// What to think of: alerts, interactions, diseases with every factor; research only
    Consider(advise::ConsiderArgs),
    /// Genes, diplotypes, phenotypes, and hints for drugs
    Genes(advise::GenesArgs),
    /// What hangs together: patient, conditions, drugs, genes, findings, anatomy, pictures
    Graph(advise::GraphArgs),
    /// Facts that came twice, for review; merging keeps both
    Duplicates(advise::DuplicatesArgs),
    /// How good the data are: what is missing, contradicts itself, cannot be, came twice; and corrections
    Quality(quality::QualityArgs),
    /// Words in all records and reports, English and Chinese, the newest first
    Search(search::SearchArgs),
    /// Published rules for given figures
    Calc(calc::CalcArgs),
}

/// Arguments of `record import`.
#[derive(Debug, Args)]
pub struct RecordImportArgs {
    /// FHIR R4 (Bundle, single resource, NDJSON), HL7 v2 messages, tables with a mapping, VCF, PharmCAT reports
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Whose a table or call set is: FHIR id of the Patient, or any identifier
    #[arg(long, value_name = "PATIENT")]
    pub patient: Option<String>,
    /// What the columns of a table mean (TOML)
    #[arg(long, value_name = "FILE")]
    pub mapping: Option<PathBuf>,
}

/// Arguments of `record show`.
#[derive(Debug, Args)]
pub struct RecordShowArgs {
    /// FHIR id of the Patient, or any identifier (Patient ID)
    #[arg(value_name = "PATIENT")]
    pub patient: String,
}

/// Runs `record`.
pub fn run(args: &RecordArgs, common: &Common, out: &mut Output) -> Exit {
    let without_store = match &args.action {
        RecordAction::Text(args) => Some(text::run(args, common, out)),
        RecordAction::Calc(args) => Some(calc::run(args, common, out)),
        RecordAction::Mapping(args) => Some(mapping::run(args, common, out)),
        RecordAction::Genes(args) => advise::genes_of_file(args, common, out),
        _ => None,
    };
    if let Some(exit) = without_store {
        return exit;
    }
    let mut store = match store_cli::open(common, out) {
        Ok(store) => store,
        Err(exit) => return exit,
    };
    match &args.action {
        RecordAction::Import(import) => import_files(&mut store, import, common, out),
        RecordAction::Show(show) => show_record(&store, &show.patient, common, out),
        RecordAction::Timeline(args) => timeline::run(&store, args, common, out),
        RecordAction::Consider(args) => advise::consider(&store, args, common, out),
        RecordAction::Genes(args) => {
            let patient = args.patient.as_deref().unwrap_or_default();
            advise::genes_of_patient(&store, patient, common, out)
        }
        RecordAction::Graph(args) => advise::graph(&store, args, common, out),
        RecordAction::Duplicates(args) => advise::duplicates(&mut store, args, common, out),
        RecordAction::Search(args) => search::run(&store, args, common, out),
        RecordAction::Quality(args) => quality::run(&mut store, args, common, out),
        // Carried out above.
        RecordAction::Text(_) | RecordAction::Calc(_) | RecordAction::Mapping(_) => Exit::Done,
    }
}

#[derive(Default)]
struct Totals {
    counts: BTreeMap<String, usize>,
    new: usize,
    unchanged: usize,
    replaced: usize,
    not_shown: usize,
    unresolved: usize,
    rejected: usize,
}

fn import_files(
    store: &mut Store,
    args: &RecordImportArgs,
    common: &Common,
    out: &mut Output,
) -> Exit {
    let files = &args.files;
    let patient = match &args.patient {
        None => None,
        Some(id) => match store
            .patient_by_any_id(id)
            .and_then(|id| id.ok_or(StoreError::UnknownPatient))
        {
            Ok(id) => Some(id),
            Err(error) => return store_cli::report(&error, out),
        },
    };
    let mapping = match args.mapping.as_ref().map(std::fs::read_to_string) {
        None => None,
        Some(Ok(text)) => Some(text),
        Some(Err(error)) => {
            out.error(format!("the mapping file: {}", error.kind()));
            return Exit::Io;
        }
    };
    let hints = Hints {
        patient: patient.as_deref(),
        mapping: mapping.as_deref(),
    };
    let today = Date::parse(&common.now());
    let mut totals = Totals::default();
    let mut worst = Exit::Done;
    for path in files {
        match store.import_record_file(path, &hints, today) {
            Ok(report) => {
                print_file(path, &report, common, out);
                totals.add(&report);
            }
            Err(error) => {
                worst = store_cli::exit_of(&error);
                totals.rejected += 1;
                print_failure(path, &error, common, out);
                // The file is not to blame; the next would fare the same.
                let of_store = matches!(
                    worst,
                    Exit::StoreDamaged | Exit::Denied | Exit::Io if !of_file(&error)
                );
                if of_store {
                    return worst;
                }
            }
        }
    }
    if common.json {
        out.json(&json!({"summary": {
            "files": files.len(),
            "imported": files.len() - totals.rejected,
            "rejected": totals.rejected,
            "resources": totals.counts.values().sum::<usize>(),
            "new": totals.new,
            "unchanged": totals.unchanged,
            "replaced": totals.replaced,
            "not_shown": totals.not_shown,
            "unresolved_references": totals.unresolved,
            "counts": totals.counts,
        }}));
    } else {
        out.line(format!(
            "{} files: {} imported, {} rejected; {} resources: {} new, {} unchanged, {} replaced",
            files.len(),
            files.len() - totals.rejected,
            totals.rejected,
            totals.counts.values().sum::<usize>(),
            totals.new,
            totals.unchanged,
            totals.replaced,
        ));
    }
    match (worst, files.len()) {
        (Exit::Done, _) | (_, 1) => worst,
        _ => Exit::Finding,
    }
}

/// Reading the file failed, not the store.
fn of_file(error: &StoreError) -> bool {
    matches!(error, StoreError::Io { doing, .. } if *doing == READING_BUNDLE)
}

impl Totals {
    fn add(&mut self, report: &ImportReport) {
        for (kind, count) in &report.report.counts {
            *self.counts.entry(kind.clone()).or_default() += count;
        }
        self.new += report.new;
        self.unchanged += report.unchanged;
        self.replaced += report.replaced;
        self.not_shown += report.report.not_shown();
        self.unresolved += report.report.unresolved.values().sum::<usize>();
    }
}

fn print_failure(path: &Path, error: &StoreError, common: &Common, out: &mut Output) {
    let (outcome, code) = match error {
        StoreError::Fhir(fhir) if fhir.is_limit() => ("limit", fhir.code()),
        StoreError::Fhir(fhir) => ("rejected", fhir.code()),
        StoreError::PatientConflict => ("rejected", "PATIENT_CONFLICT"),
        _ => ("io", "NOT_SAVED"),
    };
    if common.json {
        out.json(&json!({
            "path": path.to_string_lossy(),
            "outcome": outcome,
            "code": code,
            "detail": error.to_string(),
        }));
    }
    out.error(format!("{error}: {}", path.display()));
}

/// `{"a": {"b": n}}` of counts by pairs.
fn nested(pairs: &BTreeMap<(String, String), usize>) -> Value {
    let mut outer = Map::new();
    for ((kind, name), count) in pairs {
        if let Some(inner) = outer
            .entry(kind.clone())
            .or_insert_with(|| json!({}))
            .as_object_mut()
        {
            inner.insert(name.clone(), json!(count));
        }
    }
    Value::Object(outer)
}

fn print_file(path: &Path, import: &ImportReport, common: &Common, out: &mut Output) {
    let report = &import.report;
    let not_shown: BTreeMap<&String, &usize> = report
        .counts
        .iter()
        .filter(|(kind, _)| !crate::clinical::loss::is_shown(kind))
        .collect();
    if common.json {
        let findings: Vec<Value> = report
            .doubts
            .iter()
            .map(|d| {
                json!({
                    "code": d.finding.code,
                    "severity": d.finding.severity.word(),
                    "resource": d.number,
                    "type": d.kind,
                    "detail": d.finding.sentence,
                })
            })
            .collect();
        let outcome = if findings.is_empty() { "ok" } else { "warn" };
        out.json(&json!({
            "path": path.to_string_lossy(),
            "outcome": outcome,
            "kind": import.kind,
            "patients": import.patients.len(),
            "resources": report.received(),
            "new": import.new,
            "unchanged": import.unchanged,
            "replaced": import.replaced,
            "counts": report.counts,
            "not_shown": not_shown,
            "entries_without_resource": report.entries_without_resource,
            "references": report.references,
            "unresolved_references": nested(&report.unresolved),
            "elements_not_shown": nested(&report.unread),
            "findings": findings,
            "finding_counts": report.doubt_counts,
        }));
        return;
    }
    out.line(format!(
        "{} patients, {} resources ({} new, {} unchanged, {} replaced), {} kept but not shown, {} of {} references lead outside: {}",
        import.patients.len(),
        report.received(),
        import.new,
        import.unchanged,
        import.replaced,
        report.not_shown(),
        report.unresolved.values().sum::<usize>(),
        report.references,
        path.display()
    ));
    for doubt in &report.doubts {
        out.note(format!(
            "  {}: {} (resource {}, {})",
            doubt.finding.code, doubt.finding.sentence, doubt.number, doubt.kind
        ));
    }
}

fn show_record(store: &Store, patient: &str, common: &Common, out: &mut Output) -> Exit {
    let record = store
        .patient_by_any_id(patient)
        .and_then(|id| store.record(&id.ok_or(StoreError::UnknownPatient)?));
    match record {
        Ok(record) if common.json => out.json(&record_json(&record, common)),
        Ok(record) => print_record(&record, common, out),
        Err(error) => return store_cli::report(&error, out),
    }
    Exit::Done
}

fn date(date: Option<Date>) -> Option<String> {
    date.map(|d| d.to_string())
}

fn coding(code: &Coding) -> Value {
    json!({"system": code.system, "code": code.code, "display": code.display})
}

fn value_json(value: &ObservationValue) -> Value {
    let mut out = json!({
        "date": date(value.date),
        "value": value.value,
        "unit": value.unit,
        "text": value.text,
        "reference": {"low": value.reference.0, "high": value.reference.1},
        "interpretation": value.interpretation,
        "flag": value.flag.code(),
    });
    if let Some(typical) = &value.typical {
        out["typical"] =
            json!({"low": typical.low, "high": typical.high, "source": typical.source});
    }
    out
}

/// The record as JSON; identity redacted unless asked for.
pub fn record_json(record: &PatientRecord, common: &Common) -> Value {
    let mut patient = store_cli::identity_json(&record.identity, common);
    let identifiers: Vec<Value> = record
        .identifiers
        .iter()
        .map(|(kind, value)| json!({"type": kind, "value": common.phi(value.reveal())}))
        .collect();
    patient["fhir_id"] = json!(common.phi(&record.fhir_id));
    patient["identifiers"] = json!(identifiers);
    patient["deceased"] = json!(date(record.deceased).map(|d| common.phi(&d).to_owned()));
    let counts: Map<String, Value> = record
        .counts
        .iter()
        .map(|(kind, count, _)| (kind.clone(), json!(count)))
        .collect();
    let shown: Vec<&str> = record
        .counts
        .iter()
        .filter(|(.., shown)| *shown)
        .map(|(kind, ..)| kind.as_str())
        .collect();
    json!({
        "patient": patient,
        "counts": counts,
        "shown": shown,
        "allergies": record.allergies.iter().map(|a| json!({
            "code": coding(&a.code), "status": a.status, "criticality": a.criticality,
            "recorded": date(a.recorded),
        })).collect::<Vec<_>>(),
        "conditions": record.conditions.iter().map(|c| json!({
            "code": coding(&c.code), "status": c.clinical_status, "onset": date(c.onset),
            "abated": date(c.abated),
        })).collect::<Vec<_>>(),
        "medications": record.medications.iter().map(|m| json!({
            "code": coding(&m.code), "status": m.status, "authored": date(m.authored),
            "dosage": m.dosage,
        })).collect::<Vec<_>>(),
        "observations": record.observations.iter().map(|s| json!({
            "code": coding(&s.code), "category": s.category,
            "values": s.values.iter().map(value_json).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "procedures": record.procedures.iter().map(|p| json!({
            "code": coding(&p.code), "performed": date(p.performed), "reason": p.reason,
        })).collect::<Vec<_>>(),
        "encounters": record.encounters.iter().map(|e| json!({
            "code": coding(&e.code), "class": e.class, "start": date(e.start), "reason": e.reason,
        })).collect::<Vec<_>>(),
        "reports": record.reports.iter().map(|r| json!({
            "code": coding(&r.code), "date": date(r.date), "status": r.status, "results": r.results,
            "text": (!r.text.is_empty()).then(|| common.phi(&r.text)),
        })).collect::<Vec<_>>(),
        "immunizations": record.immunizations.iter().map(|i| json!({
            "code": coding(&i.code), "date": date(i.date),
        })).collect::<Vec<_>>(),
        "care_plans": record.care_plans.iter().map(|p| json!({
            "code": coding(&p.code), "status": p.status, "start": date(p.start),
            "activities": p.activities, "addresses": p.addresses,
        })).collect::<Vec<_>>(),
        "family": record.family.iter().map(|r| json!({
            "relationship": coding(&r.relationship), "noted": date(r.noted), "deceased": r.deceased,
            "conditions": r.conditions.iter().map(|c| json!({
                "code": coding(&c.code), "onset": c.onset, "fatal": c.fatal,
            })).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "claims": record.claims.iter().map(|c| json!({
            "code": coding(&c.code), "benefit": c.is_benefit, "date": date(c.date), "total": c.total,
            "paid": c.paid, "currency": c.currency,
        })).collect::<Vec<_>>(),
        "genes": record.genes.len(),
        "variants": record.variants.len(),
        "merged": record.merged,
        "imaging_studies": record.imaging_studies.iter().map(|s| json!({
            "study_instance_uid": s.study_uid, "started": date(s.started),
            "modalities": s.modalities, "description": s.description, "body_site": s.body_site,
        })).collect::<Vec<_>>(),
    })
}

fn print_record(record: &PatientRecord, common: &Common, out: &mut Output) {
    let who = &record.identity;
    let birth = date(*who.birth_date.reveal()).unwrap_or_default();
    out.line(format!(
        "{}  {}  {}",
        common.phi(&who.name.reveal().display()),
        common.phi(&birth),
        common.phi(who.id.reveal())
    ));
    let day = |d: Option<Date>| format!("{:10}", date(d).unwrap_or_default());
    let section = |title: &str, lines: Vec<String>, out: &mut Output| {
        if !lines.is_empty() {
            out.line(format!("\n{title} ({})", lines.len()));
            lines
                .iter()
                .for_each(|line| out.line(format!("  {}", line.trim_end())));
        }
    };
    let allergies = record.allergies.iter().map(|a| {
        let (status, criticality) = (&a.status, &a.criticality);
        format!(
            "{} {status:10} {criticality:8} {}",
            day(a.recorded),
            a.code.display
        )
    });
    section("Allergies", allergies.collect(), out);
    let conditions = record.conditions.iter().map(|c| {
        format!(
            "{} {:10} {}",
            day(c.onset),
            c.clinical_status,
            c.code.display
        )
    });
    section("Conditions", conditions.collect(), out);
    let medications = record.medications.iter().map(|m| {
        let (status, name) = (&m.status, &m.code.display);
        format!("{} {status:10} {name}  {}", day(m.authored), m.dosage)
    });
    section("Medications", medications.collect(), out);
    let observations = record.observations.iter().map(|s| {
        let last = s.values.last().cloned().unwrap_or_default();
        let words = match last.value {
            Some(number) => format!("{number} {}", last.unit),
            None => last.text.clone(),
        };
        format!(
            "{} {:3} {words:24} {}  ({} values)",
            day(last.date),
            last.flag.code(),
            s.code.display,
            s.values.len()
        )
    });
    section("Observations, last value", observations.collect(), out);
    let procedures = record
        .procedures
        .iter()
        .map(|p| format!("{} {}  {}", day(p.performed), p.code.display, p.reason));
    section("Procedures", procedures.collect(), out);
    let encounters = record.encounters.iter().map(|e| {
        let (class, name) = (&e.class, &e.code.display);
        format!("{} {class:6} {name}  {}", day(e.start), e.reason)
    });
    section("Encounters", encounters.collect(), out);
    let family = record.family.iter().map(|r| {
        let had: Vec<String> = r
            .conditions
            .iter()
            .map(|c| format!("{} {}", c.code.display, c.onset).trim().to_owned())
            .collect();
        format!(
            "{} {}: {}",
            day(r.noted),
            r.relationship.display,
            had.join(", ")
        )
    });
    section("Family history", family.collect(), out);
    let studies = record.imaging_studies.iter().map(|s| {
        let modalities = s.modalities.join("/");
        format!(
            "{} {modalities:6} {}  {}",
            day(s.started),
            s.description,
            s.body_site
        )
    });
    section("Imaging studies", studies.collect(), out);
    let counts = record.counts.iter().map(|(kind, count, shown)| {
        let note = if *shown { "" } else { "  kept, not shown" };
        format!("{kind:24} {count:6}{note}")
    });
    section("Resources", counts.collect(), out);
}
