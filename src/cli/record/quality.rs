//! `negatoscope record quality`: what is wrong with the data, with a score, and corrections that undo takes back.

use crate::{
    cli::{Common, Exit, Output, store as store_cli},
    clinical::quality::{Class, Defect, Fix, Quality, Rule, Tally, total},
    model::{date::Date, identity::Phi},
    store::{
        Store, StoreError,
        amend::{Amendment, place_of},
    },
};
use clap::Args;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Arguments of `record quality`.
#[derive(Debug, Args)]
pub struct QualityArgs {
    /// FHIR id of the Patient, or any identifier (Patient ID)
    #[arg(value_name = "PATIENT", required_unless_present = "all")]
    pub patient: Option<String>,
    /// All patients of the store, one line each, and a summary
    #[arg(long, conflicts_with_all = ["patient", "fix", "fix_all", "as_it_came"])]
    pub all: bool,
    /// Correct the defect with this key; the resource itself stays, and undo takes it back
    #[arg(long = "fix", value_name = "KEY")]
    pub fix: Vec<String>,
    /// Correct all defects with a correction, or those of one rule
    #[arg(long, value_name = "RULE", num_args = 0..=1, default_missing_value = "")]
    pub fix_all: Option<String>,
    /// Read a resource as it came again: `Type/id`
    #[arg(long, value_name = "TYPE/ID")]
    pub as_it_came: Vec<String>,
}

/// Runs `record quality`.
pub fn run(store: &mut Store, args: &QualityArgs, common: &Common, out: &mut Output) -> Exit {
    let today = Date::parse(&common.now());
    let outcome = match &args.patient {
        Some(patient) => one(store, patient, args, today, common, out),
        None => all(store, today, common, out),
    };
    match outcome {
        Ok(exit) => exit,
        Err(error) => store_cli::report(&error, out),
    }
}

fn one(
    store: &mut Store,
    patient: &str,
    args: &QualityArgs,
    today: Option<Date>,
    common: &Common,
    out: &mut Output,
) -> Result<Exit, StoreError> {
    let id = store
        .patient_by_any_id(patient)?
        .ok_or(StoreError::UnknownPatient)?;
    let mut quality = store.quality(&id, today)?;
    let mut changes: Vec<Amendment> = Vec::new();
    for name in &args.as_it_came {
        let Some((kind, resource)) = name.split_once('/') else {
            out.error("a resource is written TYPE/ID");
            return Ok(Exit::Usage);
        };
        changes.push((place_of(&id, kind, resource), Phi::default()));
    }
    let mut chosen: Vec<&Defect> = Vec::new();
    for key in &args.fix {
        match quality.defects.iter().find(|d| d.key() == *key) {
            Some(defect) if defect.fix.is_some() => chosen.push(defect),
            Some(_) => {
                out.error("this defect has no correction: look at the resource");
                return Ok(Exit::Finding);
            }
            None => {
                out.error("there is no defect with this key");
                return Ok(Exit::Finding);
            }
        }
    }
    if let Some(rule) = &args.fix_all {
        if !rule.is_empty() && !Rule::ALL.iter().any(|r| r.code() == rule) {
            out.error(format!("there is no such rule: {rule}"));
            return Ok(Exit::Usage);
        }
        let wanted = |d: &&Defect| d.fix.is_some() && (rule.is_empty() || d.rule.code() == rule);
        chosen.extend(quality.defects.iter().filter(wanted));
    }
    let fixed = chosen.len();
    let mended = quality.mended(&chosen).into_iter();
    changes.extend(mended.map(|m| (place_of(&id, &m.kind, &m.id), Phi::new(m.json))));
    if !changes.is_empty() {
        store.amend(changes)?;
        quality = store.quality(&id, today)?;
    }
    let amended = store.amended(&id);
    if common.json {
        let mut value = quality_json(&id, &quality, common);
        value["amended"] = json!(amended);
        value["fixed"] = json!(fixed);
        out.json(&value);
    } else {
        print(&quality, common, out);
        if fixed > 0 {
            out.line(format!("{fixed} corrected; undo takes it back"));
        }
    }
    Ok(match quality.defects.is_empty() {
        true => Exit::Done,
        false => Exit::Finding,
    })
}

fn all(
    store: &Store,
    today: Option<Date>,
    common: &Common,
    out: &mut Output,
) -> Result<Exit, StoreError> {
    let mut tallies = [Tally::default(); 6];
    let mut rules: BTreeMap<&str, usize> = BTreeMap::new();
    let patients = store.patients()?;
    for patient in &patients {
        let id = patient.fhir_id.reveal();
        let quality = store.quality(id, today)?;
        for (sum, own) in tallies.iter_mut().zip(quality.tallies) {
            sum.add(own);
        }
        for defect in &quality.defects {
            *rules.entry(defect.rule.code()).or_default() += 1;
        }
        if common.json {
            out.json(&quality_json(id, &quality, common));
        } else {
            let name = common.phi(id);
            let (score, count) = (percent(quality.score()), quality.defects.len());
            out.line(format!("{score}  {count:5} defects  {name}"));
        }
    }
    // Patients who came twice are a defect of the store.
    let doubles = store.double_patients()?;
    let place = Class::ALL.iter().position(|c| *c == Class::Duplicates);
    if let Some(tally) = place.and_then(|p| tallies.get_mut(p)) {
        tally.add(Tally {
            looked: patients.len(),
            wrong: doubles.len(),
        });
    }
    if !doubles.is_empty() {
        rules.insert(Rule::DuplicatePatient.code(), doubles.len());
    }
    if common.json {
        let pairs: Vec<Value> = doubles
            .iter()
            .map(|d| json!({"first": common.phi(&d.first), "second": common.phi(&d.second)}))
            .collect();
        out.json(&json!({"summary": {
            "patients": patients.len(),
            "score": total(&tallies),
            "classes": classes_json(&tallies),
            "defects": rules.values().sum::<usize>(),
            "rules": rules,
            "double_patients": pairs,
        }}));
    } else {
        out.line(format!(
            "{} patients: {}, {} defects",
            patients.len(),
            percent(total(&tallies)),
            rules.values().sum::<usize>()
        ));
        for (rule, count) in &rules {
            out.line(format!("{count:7}  {rule}"));
        }
    }
    Ok(match rules.is_empty() {
        true => Exit::Done,
        false => Exit::Finding,
    })
}

fn percent(score: Option<f64>) -> String {
    score.map_or("    –  ".to_owned(), |s| format!("{s:5.1} %"))
}

fn classes_json(tallies: &[Tally; 6]) -> Value {
    let classes: Map<String, Value> = Class::ALL
        .iter()
        .zip(tallies)
        .map(|(class, tally)| {
            let value =
                json!({"score": tally.score(), "looked": tally.looked, "wrong": tally.wrong});
            (class.word().to_owned(), value)
        })
        .collect();
    Value::Object(classes)
}

fn quality_json(id: &str, quality: &Quality, common: &Common) -> Value {
    json!({
        "patient": common.phi(id),
        "score": quality.score(),
        "resources": quality.resources,
        "classes": classes_json(&quality.tallies),
        "defects": quality.defects.iter().map(|d| defect_json(d, common)).collect::<Vec<_>>(),
    })
}

fn defect_json(defect: &Defect, common: &Common) -> Value {
    // What stands in the Patient tells who it is, and so does its id.
    let person = defect.kind == "Patient";
    let hidden = |text: &str| match person {
        true => common.phi(text).to_string(),
        false => text.to_owned(),
    };
    json!({
        "key": hidden(&defect.key()),
        "rule": defect.rule.code(),
        "class": defect.rule.class().word(),
        "sentence": defect.rule.sentence(),
        "type": defect.kind,
        "id": hidden(&defect.id),
        "element": defect.element,
        "words": defect.words,
        "day": defect.day.map(|d| d.to_string()),
        "detail": hidden(&defect.detail),
        "correction": match &defect.fix {
            None => Value::Null,
            Some(Fix::Change(_)) => json!("change"),
            Some(Fix::Behind(_)) => json!("merge"),
        },
    })
}

fn print(quality: &Quality, common: &Common, out: &mut Output) {
    out.line(format!(
        "{}  of {} resources",
        percent(quality.score()),
        quality.resources
    ));
    for (class, tally) in Class::ALL.iter().zip(&quality.tallies) {
        out.line(format!(
            "  {}  {:12} {} of {} wrong",
            percent(tally.score()),
            class.word(),
            tally.wrong,
            tally.looked
        ));
    }
    for defect in &quality.defects {
        let shown = defect_json(defect, common);
        let text = |name: &str| shown[name].as_str().unwrap_or_default().to_owned();
        let mark = if defect.fix.is_some() { "*" } else { " " };
        out.line(format!(
            "{mark} {}  {}  {}  {}: {}",
            text("key"),
            text("day"),
            defect.words,
            defect.rule.sentence(),
            text("detail")
        ));
    }
}
