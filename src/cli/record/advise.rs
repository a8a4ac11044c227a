//! `negatoscope record consider`, `graph`, `genes`, `duplicates`: what follows from a record.

use crate::{
    cli::{Common, Exit, Output, store as store_cli},
    clinical::{
        advice::{
            Words,
            bayes::{self, Suggestion},
            facts::{Facts, Origin, facts_of},
            safety::{self, Alert},
        },
        duplicates,
        genes::{self, Diplotype, call::outside_call},
        graph::{self, Graph},
        text::lexicon,
    },
    model::{
        date::Date,
        record::{GeneCall, PatientRecord},
    },
    store::{Store, StoreError},
};
use clap::Args;
use serde_json::{Value, json};
use std::{fs, path::PathBuf};

/// Arguments of `record consider`.
#[derive(Debug, Args)]
pub struct ConsiderArgs {
    /// FHIR id of the Patient, or any identifier (Patient ID)
    #[arg(value_name = "PATIENT")]
    pub patient: String,
    /// A drug that is thought of, such as `iodinated contrast`; checked like those that are taken
    #[arg(long = "drug", value_name = "NAME")]
    pub drugs: Vec<String>,
    /// A report or note that counts beside the record, UTF-8
    #[arg(long = "text", value_name = "FILE")]
    pub texts: Vec<PathBuf>,
}

/// Arguments of `record graph`.
#[derive(Debug, Args)]
pub struct GraphArgs {
    /// FHIR id of the Patient, or any identifier (Patient ID)
    #[arg(value_name = "PATIENT")]
    pub patient: String,
    /// Only nodes whose words hold these, in either language
    #[arg(long, value_name = "WORDS")]
    pub find: Option<String>,
    /// Why the node with this key is shown: the facts from the patient to it
    #[arg(long, value_name = "KEY")]
    pub why: Option<String>,
}

/// Arguments of `record genes`.
#[derive(Debug, Args)]
pub struct GenesArgs {
    /// FHIR id of the Patient, or any identifier; not with `--vcf`
    #[arg(
        value_name = "PATIENT",
        required_unless_present = "vcf",
        conflicts_with = "vcf"
    )]
    pub patient: Option<String>,
    /// A call set (VCF) instead of a patient of the store
    #[arg(long, value_name = "FILE")]
    pub vcf: Option<PathBuf>,
    /// Diplotypes that were called elsewhere: gene, tab, diplotype, and perhaps tab and phenotype
    #[arg(long, value_name = "FILE", requires = "vcf")]
    pub calls: Option<PathBuf>,
}

/// Arguments of `record duplicates`.
#[derive(Debug, Args)]
pub struct DuplicatesArgs {
    /// FHIR id of the Patient, or any identifier (Patient ID)
    #[arg(value_name = "PATIENT")]
    pub patient: String,
    /// Keep one resource and put another behind it: `Type/keep=other`; nothing is deleted
    #[arg(long = "merge", value_name = "TYPE/KEEP=OTHER")]
    pub merges: Vec<String>,
    /// Part two resources that were merged
    #[arg(long = "part", value_name = "TYPE/KEEP=OTHER")]
    pub parts: Vec<String>,
}

fn load(store: &Store, patient: &str) -> Result<PatientRecord, StoreError> {
    store
        .patient_by_any_id(patient)
        .and_then(|id| store.record(&id.ok_or(StoreError::UnknownPatient)?))
}

fn words(words: &Words) -> Value {
    json!({"en": words.english, "zh": words.chinese})
}

/// Sentences that people wrote may name them; codes and their words do not.
fn origin(origin: &Origin, common: &Common) -> Value {
    let free = matches!(origin.kind, "text" | "DiagnosticReport");
    let words = if free {
        common.phi(&origin.words).to_string()
    } else {
        origin.words.clone()
    };
    json!({"kind": origin.kind, "words": words, "date": origin.date.map(|d| d.to_string())})
}

fn alert_json(alert: &Alert, common: &Common) -> Value {
    json!({
        "kind": alert.kind.word(),
        "severity": alert.severity.word(),
        "subject": words(&alert.subject),
        "words": words(&alert.words),
        "because": alert.because.iter().map(|o| origin(o, common)).collect::<Vec<_>>(),
        "source": alert.source,
    })
}

fn suggestion_json(suggestion: &Suggestion, common: &Common) -> Value {
    json!({
        "id": suggestion.id,
        "name": words(&suggestion.name),
        "prior": suggestion.prior,
        "prior_source": suggestion.prior_source,
        "prior_checked": suggestion.prior_checked,
        "posterior": suggestion.posterior,
        "known": suggestion.known,
        "factors": suggestion.factors.iter().map(|f| json!({
            "name": words(&f.name),
            "ratio": f.ratio,
            "present": f.present,
            "origin": origin(&f.origin, common),
            "source": f.source,
            "checked": f.checked,
        })).collect::<Vec<_>>(),
        "unknown": suggestion.unknown.iter().map(words).collect::<Vec<_>>(),
    })
}

/// What stands behind the source of a figure that nobody held against it.
const fn unchecked(checked: bool) -> &'static str {
    match checked {
        true => "",
        false => " (not checked against it)",
    }
}

/// Alerts and suggestions as JSON.
pub fn consider_json(
    record: &PatientRecord,
    facts: &Facts,
    drugs: &[&'static str],
    common: &Common,
) -> Value {
    let renal = facts.renal.as_ref().map(|r| {
        json!({"egfr": r.egfr, "computed": r.computed, "date": r.lab.date.map(|d| d.to_string())})
    });
    json!({
        "label": "research",
        "age": facts.age,
        "renal": renal,
        "alerts": safety::alerts(record, facts, drugs).iter().map(|a| alert_json(a, common)).collect::<Vec<_>>(),
        "suggestions": bayes::suggest(facts).iter().map(|s| suggestion_json(s, common)).collect::<Vec<_>>(),
    })
}

/// Runs `record consider`.
pub fn consider(store: &Store, args: &ConsiderArgs, common: &Common, out: &mut Output) -> Exit {
    let mut drugs = Vec::new();
    for name in &args.drugs {
        match lexicon::drugs_in(name).first() {
            Some(drug) => drugs.push(drug.id),
            None => {
                out.error(format!("no such drug in the dictionary: {name}"));
                return Exit::Usage;
            }
        }
    }
    let record = match load(store, &args.patient) {
        Ok(record) => record,
        Err(error) => return store_cli::report(&error, out),
    };
    let mut facts = facts_of(&record, Date::parse(&common.now()));
    for path in &args.texts {
        match fs::read_to_string(path) {
            Ok(text) => facts.note_text(&text, "text", None),
            Err(error) => {
                out.error(format!("{}: {}", error.kind(), path.display()));
                return Exit::Io;
            }
        }
    }
    if common.json {
        out.json(&consider_json(&record, &facts, &drugs, common));
        return Exit::Done;
    }
    out.line("Research and education. Not for diagnostic use.");
    for alert in safety::alerts(&record, &facts, &drugs) {
        out.line(format!(
            "{:15} {}: {}",
            alert.severity.word(),
            alert.subject.english,
            alert.words.english
        ));
        if !alert.source.is_empty() {
            out.line(format!("{:15} {}", "", alert.source));
        }
    }
    for suggestion in bayes::suggest(&facts) {
        out.line(format!(
            "{:5.1} %  {}{}",
            suggestion.posterior * 100.0,
            suggestion.name.english,
            if suggestion.known {
                " (in the record)"
            } else {
                ""
            }
        ));
        out.line(format!(
            "   prior {:.0} %: {}{}",
            suggestion.prior * 100.0,
            suggestion.prior_source,
            unchecked(suggestion.prior_checked)
        ));
        for factor in &suggestion.factors {
            let sign = if factor.present { "+" } else { "−" };
            out.line(format!(
                "   × {:<5} {sign} {}: {}{}",
                factor.ratio,
                factor.name.english,
                factor.source,
                unchecked(factor.checked)
            ));
        }
    }
    Exit::Done
}

/// The graph, or a part of it, as JSON.
pub fn graph_json(graph: &Graph, shown: &[usize], common: &Common) -> Value {
    let key = |n: usize| {
        graph
            .nodes
            .get(n)
            .map(|n| n.key.as_str())
            .unwrap_or_default()
    };
    json!({
        "nodes": shown.iter().filter_map(|n| graph.nodes.get(*n)).map(|n| json!({
            "key": n.key,
            "kind": n.kind.word(),
            "words": words(&n.words),
            "assertion": n.assertion.word(),
        })).collect::<Vec<_>>(),
        "edges": graph.edges.iter().filter(|e| shown.contains(&e.from) && shown.contains(&e.to)).map(|e| json!({
            "from": key(e.from),
            "to": key(e.to),
            "kind": e.kind.word(),
            "origin": origin(&e.origin, common),
        })).collect::<Vec<_>>(),
        "left_out": graph.left_out,
    })
}

/// Runs `record graph`.
pub fn graph(store: &Store, args: &GraphArgs, common: &Common, out: &mut Output) -> Exit {
    let record = match load(store, &args.patient) {
        Ok(record) => record,
        Err(error) => return store_cli::report(&error, out),
    };
    let facts = facts_of(&record, Date::parse(&common.now()));
    let graph = graph::build(&record, &facts);
    if let Some(key) = &args.why {
        let Some(node) = graph.find(key) else {
            out.error("no node has this key");
            return Exit::Finding;
        };
        let path: Vec<&graph::Edge> = graph
            .why(node)
            .iter()
            .filter_map(|e| graph.edges.get(*e))
            .collect();
        let name = |n: usize| {
            graph
                .nodes
                .get(n)
                .map(|n| n.key.as_str())
                .unwrap_or_default()
        };
        if common.json {
            let steps: Vec<Value> = path
                .iter()
                .map(|e| json!({"from": name(e.from), "to": name(e.to), "kind": e.kind.word(), "origin": origin(&e.origin, common)}))
                .collect();
            out.json(&json!({"key": key, "path": steps}));
        } else {
            for edge in path {
                out.line(format!(
                    "{} {} {}",
                    name(edge.from),
                    edge.kind.word(),
                    name(edge.to)
                ));
            }
        }
        return Exit::Done;
    }
    let shown: Vec<usize> = match &args.find {
        Some(query) => graph.search(query),
        None => (0..graph.nodes.len()).collect(),
    };
    if common.json {
        out.json(&graph_json(&graph, &shown, common));
    } else {
        for node in shown.iter().filter_map(|n| graph.nodes.get(*n)) {
            out.line(format!(
                "{:13} {}  ({})",
                node.kind.word(),
                node.words.english,
                node.key
            ));
        }
        out.line(format!(
            "{} nodes, {} edges",
            graph.nodes.len(),
            graph.edges.len()
        ));
    }
    Exit::Done
}

fn gene_json(call: &GeneCall) -> Value {
    json!({
        "gene": call.gene, "diplotype": call.diplotype, "phenotype": call.phenotype,
        "activity": call.activity, "method": call.method, "note": call.note,
    })
}

fn hints_json(calls: &[GeneCall]) -> Vec<Value> {
    let mut hints = Vec::new();
    for call in calls {
        let Some(gene) = genes::table::gene(&call.gene) else {
            continue;
        };
        for hint in &gene.hints {
            if call
                .phenotype
                .split("; ")
                .any(|p| hint.phenotypes.contains(&p))
            {
                hints.push(json!({
                    "gene": call.gene, "drug": hint.drug, "strength": hint.strength,
                    "words": {"en": hint.english, "zh": hint.chinese}, "source": hint.source,
                }));
            }
        }
    }
    hints
}

fn print_genes(
    calls: &[GeneCall],
    record: Option<&PatientRecord>,
    common: &Common,
    out: &mut Output,
) {
    if common.json {
        let mut value = json!({
            "label": "research",
            "genes": calls.iter().map(gene_json).collect::<Vec<_>>(),
            "hints": hints_json(calls),
        });
        if let Some(record) = record {
            value["variants"] = json!(record.variants.iter().map(|v| json!({
                "name": v.name, "genes": v.genes, "ids": v.ids, "genotype": v.genotype, "significance": v.significance,
            })).collect::<Vec<_>>());
            value["guidance"] = json!(record.guidance.iter().map(|g| json!({
                "drug": g.drug, "genes": g.genes, "recommendation": g.recommendation, "strength": g.strength,
                "population": g.population, "implication": g.implication, "source": g.source, "link": g.link,
            })).collect::<Vec<_>>());
        }
        out.json(&value);
        return;
    }
    for call in calls {
        out.line(format!(
            "{:9} {:40} {}",
            call.gene, call.diplotype, call.phenotype
        ));
        if !call.note.is_empty() {
            out.line(format!("{:9} {}", "", call.note));
        }
    }
}

fn of_diplotype(found: Diplotype, method: &str) -> GeneCall {
    let mut notes = Vec::new();
    if !found.missing.is_empty() {
        notes.push(format!(
            "{} of {} positions not called",
            found.missing.len(),
            found.positions
        ));
    }
    if !found.also.is_empty() {
        notes.push(format!("also possible: {}", found.also.join(", ")));
    }
    GeneCall {
        gene: found.gene,
        diplotype: found.label,
        phenotype: found.phenotype,
        activity: found.activity,
        method: method.to_owned(),
        note: notes.join("; "),
    }
}

/// Calls from a file alone; needs no store.
pub fn genes_of_file(args: &GenesArgs, common: &Common, out: &mut Output) -> Option<Exit> {
    let path = args.vcf.as_ref()?;
    let read = |path: &PathBuf| {
        fs::read_to_string(path).map_err(|e| format!("{}: {}", e.kind(), path.display()))
    };
    let mut calls: Vec<GeneCall> = match read(path).map(|text| genes::read_vcf(&text)) {
        Ok(Ok(set)) => genes::call_genes(&set)
            .into_iter()
            .map(|d| of_diplotype(d, "core alleles of the table"))
            .collect(),
        Ok(Err(error)) => {
            out.error(format!("{error}: {}", path.display()));
            return Some(Exit::Rejected);
        }
        Err(message) => {
            out.error(message);
            return Some(Exit::Io);
        }
    };
    if let Some(path) = &args.calls {
        let text = match read(path) {
            Ok(text) => text,
            Err(message) => {
                out.error(message);
                return Some(Exit::Io);
            }
        };
        for line in text
            .lines()
            .filter(|l| !l.trim().is_empty() && !l.starts_with('#'))
        {
            let fields: Vec<&str> = line.split('\t').map(str::trim).collect();
            let [gene, label, ..] = *fields.as_slice() else {
                out.error(format!(
                    "a line without gene and diplotype: {}",
                    path.display()
                ));
                return Some(Exit::Rejected);
            };
            let (phenotype, activity) = outside_call(gene, label).unwrap_or_default();
            let given = fields.get(2).copied().unwrap_or_default();
            calls.push(GeneCall {
                gene: gene.to_owned(),
                diplotype: label.to_owned(),
                phenotype: if given.is_empty() {
                    phenotype
                } else {
                    given.to_owned()
                },
                activity,
                method: "called elsewhere".to_owned(),
                note: String::new(),
            });
        }
        calls.sort_by(|a, b| a.gene.cmp(&b.gene));
    }
    print_genes(&calls, None, common, out);
    Some(Exit::Done)
}

/// Runs `record genes` for a patient of the store.
pub fn genes_of_patient(store: &Store, patient: &str, common: &Common, out: &mut Output) -> Exit {
    match load(store, patient) {
        Ok(record) => print_genes(&record.genes, Some(&record), common, out),
        Err(error) => return store_cli::report(&error, out),
    }
    Exit::Done
}

/// Runs `record duplicates`.
pub fn duplicates(
    store: &mut Store,
    args: &DuplicatesArgs,
    common: &Common,
    out: &mut Output,
) -> Exit {
    let patient = match store
        .patient_by_any_id(&args.patient)
        .and_then(|id| id.ok_or(StoreError::UnknownPatient))
    {
        Ok(id) => id,
        Err(error) => return store_cli::report(&error, out),
    };
    let joined = args.merges.iter().map(|merge| (merge, true));
    let parted = args.parts.iter().map(|part| (part, false));
    for (merge, join) in joined.chain(parted) {
        let parts = merge.split_once('/').and_then(|(kind, rest)| {
            let (keep, other) = rest.split_once('=')?;
            Some((kind, keep, other))
        });
        let Some((kind, keep, other)) = parts else {
            out.error("two facts are written TYPE/KEEP=OTHER");
            return Exit::Usage;
        };
        let done = match join {
            true => store.merge_resources(&patient, kind, keep, other),
            false => store.part_resources(&patient, kind, keep, other),
        };
        if let Err(error) = done {
            return store_cli::report(&error, out);
        }
    }
    let resources = match store.resources(&patient) {
        Ok(resources) => resources,
        Err(error) => return store_cli::report(&error, out),
    };
    let pairs = duplicates::find(&resources);
    if common.json {
        out.json(&json!({
            "pairs": pairs.iter().map(|p| json!({
                "type": p.kind, "first": p.first, "second": p.second, "exact": p.exact,
            })).collect::<Vec<_>>(),
            "merged": args.merges.len(),
            "parted": args.parts.len(),
        }));
    } else {
        for pair in &pairs {
            let how = if pair.exact { "equal" } else { "alike" };
            out.line(format!(
                "{how}  {}/{}={}",
                pair.kind, pair.first, pair.second
            ));
        }
        out.line(format!("{} pairs that look like one fact", pairs.len()));
    }
    if pairs.is_empty() {
        Exit::Done
    } else {
        Exit::Finding
    }
}
