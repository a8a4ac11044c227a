//! `negatoscope audit`: who did what, whether the log of it is whole, and the log for other programs.

use super::{
    Common, Exit, Output,
    store::{existing_folder, open, passphrase, report},
};
use crate::{
    model::access::AuditKind,
    store::{
        AuditEntry, AuditReport, Head, Store, StoreError,
        audit_forms::{CSV_NAMES, csv, fhir, iso},
    },
};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use std::collections::HashMap;

/// Arguments of `audit`.
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: AuditAction,
}

/// What `audit` does.
#[derive(Debug, Subcommand)]
pub enum AuditAction {
    /// All entries, the oldest first
    List(ListArgs),
    /// Hold every entry against those before it, and the log against its head
    Verify(VerifyArgs),
    /// Print the head: kept elsewhere, it tells an older copy of the store from this one
    ExportHead,
    /// The log for other programs
    Export(ExportArgs),
}

/// Arguments of `audit list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Only this account
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
    /// Only these kinds of entries
    #[arg(long, value_name = "KIND", value_delimiter = ',', value_parser = parse_kind)]
    pub kind: Vec<AuditKind>,
    /// Only what concerns this patient
    #[arg(long, value_name = "ID")]
    pub patient: Option<String>,
}

/// Arguments of `audit verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// A head that was printed earlier
    #[arg(long, value_name = "HEAD", value_parser = parse_head)]
    pub head: Option<(u64, String)>,
}

/// Forms of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// FHIR R4 AuditEvent, one resource a line.
    Fhir,
    /// Comma-separated values with a line of names.
    Csv,
}

/// Arguments of `audit export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The form
    #[arg(long, value_enum)]
    pub format: Form,
}

fn parse_kind(word: &str) -> Result<AuditKind, String> {
    let names = AuditKind::ALL.map(AuditKind::name).join(", ");
    AuditKind::named(word).ok_or_else(|| format!("a kind is one of {names}"))
}

fn parse_head(text: &str) -> Result<(u64, String), String> {
    Head::parse(text).ok_or_else(|| "a head is a number, a colon and 64 digits".into())
}

/// Runs `audit`.
pub fn run(args: &AuditArgs, common: &Common, out: &mut Output) -> Exit {
    let outcome = match &args.action {
        AuditAction::Verify(args) => verify(args, common, out),
        AuditAction::ExportHead => export_head(common, out),
        AuditAction::List(args) => list(args, common, out),
        AuditAction::Export(args) => export(args, common, out),
    };
    outcome.unwrap_or_else(|exit| exit)
}

fn verify(args: &VerifyArgs, common: &Common, out: &mut Output) -> Result<Exit, Exit> {
    let dir = existing_folder(common, out)?;
    let passphrase = passphrase(common, out)?;
    let user = common.user.as_deref();
    let found = Store::verify_audit(&dir, user, &passphrase, args.head.as_ref());
    let found = found.map_err(|error| report(&error, out))?;
    if common.json {
        out.json(&json!({
            "sound": found.problem.is_none() && !found.damaged_before,
            "entries": found.entries,
            "first_bad": found.problem.as_ref().map(|(number, _)| number),
            "problem": found.problem.as_ref().map(|(_, text)| text),
            "damaged_before": found.damaged_before,
            "head": found.head.map(|h| h.text()),
        }));
    } else {
        match &found.problem {
            None => out.line(format!("{} entries: sound", found.entries)),
            Some((number, text)) => out.line(format!("entry {number}: {text}")),
        }
        if found.damaged_before {
            out.line("an earlier log was found damaged; what was left of it lies beside this one");
        }
    }
    Ok(verdict(&found))
}

fn verdict(report: &AuditReport) -> Exit {
    match report.problem.is_none() && !report.damaged_before {
        true => Exit::Done,
        false => Exit::Finding,
    }
}

fn export_head(common: &Common, out: &mut Output) -> Result<Exit, Exit> {
    let store = open(common, out)?;
    let Some(head) = store.audit_head() else {
        out.error("the log cannot be written");
        return Err(Exit::Io);
    };
    match common.json {
        true => out.json(&json!({"head": head.text()})),
        false => out.line(head.text()),
    }
    Ok(Exit::Done)
}

/// Patients and studies by what stands for them in the log, as far as they still are in the store.
fn names(store: &Store) -> Result<HashMap<String, String>, StoreError> {
    let mut names = HashMap::new();
    for study in store.studies()? {
        for id in [study.patient.id.reveal(), &study.uid] {
            names.insert(store.reference(id), id.clone());
        }
    }
    for patient in store.patients()? {
        let id = patient.fhir_id.reveal();
        names.insert(store.reference(id), id.clone());
    }
    Ok(names)
}

/// Reads the log; the head of it goes to who asks.
fn entries(
    common: &Common,
    out: &mut Output,
    sink: &mut dyn FnMut(&AuditEntry, &dyn Fn(&str) -> String, &mut Output),
) -> Result<Exit, Exit> {
    let store = open(common, out)?;
    // Before the names are looked up, which the log would keep even where nobody may read it.
    let mut all = Vec::new();
    let found = store
        .read_audit(&mut |entry| all.push(entry))
        .map_err(|error| report(&error, out))?;
    let known = match common.show_phi {
        true => names(&store).map_err(|error| report(&error, out))?,
        false => HashMap::new(),
    };
    let name = |reference: &str| {
        known
            .get(reference)
            .cloned()
            .unwrap_or_else(|| reference.into())
    };
    for entry in &all {
        sink(entry, &name, out);
    }
    if let Some((number, text)) = &found.problem {
        out.note(format!("entry {number}: {text}"));
    }
    Ok(verdict(&found))
}

fn list(args: &ListArgs, common: &Common, out: &mut Output) -> Result<Exit, Exit> {
    let patient = match &args.patient {
        Some(id) => Some(open(common, out)?.reference(id)),
        None => None,
    };
    entries(common, out, &mut |entry, name, out| {
        let asked = args.by.as_ref().is_none_or(|by| *by == entry.user)
            && (args.kind.is_empty() || args.kind.contains(&entry.kind))
            && patient.as_ref().is_none_or(|p| *p == entry.patient);
        if !asked {
            return;
        }
        let time = iso(entry.time_ms);
        if common.json {
            out.json(&json!({
                "number": entry.number,
                "time": time,
                "user": entry.user,
                "role": entry.role.name(),
                "kind": entry.kind.name(),
                "done": entry.done,
                "patient": name(&entry.patient),
                "study": name(&entry.study),
                "detail": entry.detail,
            }));
        } else {
            let refused = if entry.done { "" } else { "  NOT DONE" };
            let whom = match entry.patient.as_str() {
                "" => String::new(),
                reference => format!("  patient {}", name(reference)),
            };
            out.line(format!(
                "{:6} {time} {:12} {:18} {}{whom}{refused}",
                entry.number,
                entry.user,
                entry.kind.name(),
                entry.detail
            ));
        }
    })
}

fn export(args: &ExportArgs, common: &Common, out: &mut Output) -> Result<Exit, Exit> {
    if args.format == Form::Csv {
        out.line(CSV_NAMES);
    }
    entries(common, out, &mut |entry, name, out| match args.format {
        Form::Fhir => out.json(&fhir(entry, name)),
        Form::Csv => out.line(csv(entry, name)),
    })
}
