//! The words of many reports in the encrypted store: made, added, asked for (REC1M: a million reports of about 26 words).
//!
//! `gen` writes the reports as lines of JSON, so that another program can be given the very same; `insert` adds them to a
//! store in batches; `query` asks, and gives every time for itself. What runs is the store's own code. A script outside
//! (`scripts/bench-store`) runs a plain full-text table of SQLite beside it and prints ratios.

use super::{
    Cases, Failure,
    measure::{Case, Samples, quantile},
    people::dice,
};
use crate::{
    console::{Common, Exit},
    store::{KdfCost, Passphrase, Store, StoreError, derived::Document},
};
use clap::{Args, Subcommand};
use serde_json::json;
use std::{fmt::Write as _, io::Write as _, path::PathBuf};

/// Arguments of `bench store`.
#[derive(Clone, Debug, Args)]
pub struct StoreArgs {
    /// What is measured.
    #[command(subcommand)]
    pub what: StoreBench,
}

/// What `bench store` does.
#[derive(Clone, Debug, Subcommand)]
pub enum StoreBench {
    /// Write the reports as lines of JSON: `id`, `patient`, `day`, `body`
    Gen(RowsArgs),
    /// Add the reports to a store in batches; the store stays for `query`
    Insert(RowsArgs),
    /// Ask a store that `insert` made
    Query(QueryArgs),
}

/// How many reports, and where.
#[derive(Clone, Debug, Args)]
pub struct RowsArgs {
    /// The file of `gen`, the folder of `insert`
    #[arg(value_name = "PATH")]
    pub path: PathBuf,
    /// Reports
    #[arg(long, default_value_t = 1_000_000, value_name = "N")]
    pub rows: usize,
    /// Reports that are added together
    #[arg(long, default_value_t = 5000, value_name = "N")]
    pub batch: usize,
    /// Leave the parts of the index as they came
    #[arg(long)]
    pub unsettled: bool,
}

/// Arguments of `bench store query`.
#[derive(Clone, Debug, Args)]
pub struct QueryArgs {
    /// The folder of `insert`
    #[arg(value_name = "DIR")]
    pub path: PathBuf,
    /// How often each question is asked
    #[arg(long, default_value_t = 50, value_name = "N")]
    pub repeat: u32,
}

const PASSPHRASE: &str = "bench";
/// A page of a list.
const PAGE: usize = 50;

/// Words by how often they come: the first ones in most reports, the last ones in few.
const COMMON: [&str; 40] = [
    "no",
    "the",
    "lung",
    "right",
    "left",
    "of",
    "is",
    "acute",
    "normal",
    "heart",
    "chest",
    "seen",
    "lobe",
    "pleural",
    "effusion",
    "and",
    "with",
    "stable",
    "upper",
    "lower",
    "nodule",
    "size",
    "mild",
    "opacity",
    "consolidation",
    "pneumothorax",
    "degenerative",
    "changes",
    "spine",
    "unremarkable",
    "mediastinal",
    "contour",
    "vascular",
    "atelectasis",
    "bilateral",
    "basal",
    "unchanged",
    "prior",
    "comparison",
    "mm",
];
const STEMS: [&str; 24] = [
    "angio",
    "arthro",
    "broncho",
    "cardio",
    "cholecysto",
    "cysto",
    "derma",
    "endo",
    "entero",
    "fibro",
    "gastro",
    "hepato",
    "hyper",
    "hypo",
    "lympho",
    "myelo",
    "nephro",
    "neuro",
    "osteo",
    "pneumo",
    "splen",
    "thrombo",
    "vaso",
    "xantho",
];
const ENDINGS: [&str; 24] = [
    "pathy",
    "gram",
    "itis",
    "oma",
    "osis",
    "ectomy",
    "plasty",
    "scopy",
    "sclerosis",
    "megaly",
    "stenosis",
    "lysis",
    "malacia",
    "genic",
    "graphy",
    "spasm",
    "trophy",
    "plasia",
    "rrhage",
    "emia",
    "algia",
    "cele",
    "lithiasis",
    "ptosis",
];

/// The report with a number: the same for the same.
fn report(number: usize) -> (i32, String) {
    let mut next = dice(number as u64 * 2_654_435_761 + 17);
    // The generator needs a few rolls until neighbours differ.
    for _ in 0..4 {
        next(2);
    }
    let mut body = String::with_capacity(200);
    for word in 0..20 + next(13) {
        if word > 0 {
            body.push(' ');
        }
        match next(100) {
            // Zipf's law, roughly: a few words make most of a text.
            0..60 => {
                let place = next(COMMON.len()).min(next(COMMON.len()));
                body.push_str(COMMON.get(place).copied().unwrap_or("no"));
            }
            60..97 => {
                let (stem, ending) = (next(STEMS.len()), next(ENDINGS.len()));
                body.push_str(STEMS.get(stem).copied().unwrap_or_default());
                body.push_str(ENDINGS.get(ending).copied().unwrap_or_default());
            }
            _ => {
                let _ = write!(body, "acc{:07}", next(10_000_000));
            }
        }
    }
    if number % 20_011 == 7 {
        body.push_str(" psittacosis");
    }
    // Forty years of reports, in no order.
    (next(14_600) as i32 + 5000, body)
}

/// The identity of who a report is about.
fn patient(number: usize) -> String {
    format!("p{:06}", number % 50_000)
}

pub(super) fn run(args: &StoreArgs, common: &Common, cases: &mut Cases<'_>) -> Result<(), Failure> {
    match &args.what {
        StoreBench::Gen(args) => generate(args, cases),
        StoreBench::Insert(args) => insert(args, cases),
        StoreBench::Query(args) => query(args, common, cases),
    }
}

fn failed(error: StoreError) -> Failure {
    Failure::new(crate::cli::store::exit_of(&error), error)
}

fn generate(args: &RowsArgs, cases: &mut Cases<'_>) -> Result<(), Failure> {
    let io = |e: std::io::Error| Failure::new(Exit::Io, e);
    let mut out = std::io::BufWriter::new(std::fs::File::create(&args.path).map_err(io)?);
    let mut samples = Samples::default();
    let mut words = 0;
    samples.run(|| -> Result<(), Failure> {
        for number in 0..args.rows {
            let (day, body) = report(number);
            words += body.split(' ').count();
            let line = json!({"id": number, "patient": patient(number), "day": day, "body": body});
            writeln!(out, "{line}").map_err(io)?;
        }
        out.flush().map_err(io)
    })?;
    let case = Case::new("store-gen", format!("REC{}", args.rows), samples)
        .with("words_a_row", words as f64 / args.rows.max(1) as f64);
    cases.push(&case);
    Ok(())
}

fn insert(args: &RowsArgs, cases: &mut Cases<'_>) -> Result<(), Failure> {
    let pass = Passphrase::new(PASSPHRASE);
    let store = Store::create(&args.path, &pass, KdfCost::CHEAP).map_err(failed)?;
    let mut samples = Samples::default();
    let batch = args.batch.max(1);
    let mut begin = 0;
    while begin < args.rows {
        let end = (begin + batch).min(args.rows);
        // The reports are made before the clock runs.
        let reports: Vec<(String, i32, String)> = (begin..end)
            .map(|number| {
                let (day, body) = report(number);
                (patient(number), day, body)
            })
            .collect();
        let documents = reports.iter().map(|(patient, day, body)| Document {
            patient,
            kind: "DiagnosticReport",
            resource: "",
            day: Some(*day),
            title: "Chest radiograph",
            body,
        });
        samples
            .run(|| store.add_documents(documents))
            .map_err(failed)?;
        begin = end;
    }
    let total: f64 = samples.wall_ms.iter().sum();
    let mut settling = Samples::default();
    if !args.unsettled {
        settling.run(|| store.settle_documents()).map_err(failed)?;
    }
    let settle_ms: f64 = settling.wall_ms.iter().sum();
    let case = Case::new("store-insert", format!("REC{}", args.rows), samples)
        .with("rows", args.rows)
        .with("batch", batch)
        .with("total_ms", total)
        .with("rows_per_second", args.rows as f64 / (total / 1e3))
        .with("settle_ms", settle_ms)
        .with("bytes", size_of(&args.path));
    cases.push(&case);
    Ok(())
}

/// Bytes of the files of a folder.
fn size_of(dir: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .filter_map(|e| e.metadata().ok())
        .map(|m| m.len())
        .sum()
}

fn query(args: &QueryArgs, common: &Common, cases: &mut Cases<'_>) -> Result<(), Failure> {
    let pass = Passphrase::new(PASSPHRASE);
    let store = Store::open(&args.path, &pass).map_err(failed)?;
    let rows = store.documents().map_err(failed)?;
    let mut next = dice(common.seed.unwrap_or(7));
    // Numbers that exist, for single documents.
    let page = store.document_page(i64::MAX, 10_000).map_err(failed)?;
    let numbers: Vec<i64> = page.iter().map(|(id, _)| *id).collect();
    let questions: [(&str, &[&str]); 5] = [
        ("rare", &["psittacosis "]),
        (
            "common",
            &[
                "heart lung ",
                "pleural effusion ",
                "right nodule ",
                "no acute ",
            ],
        ),
        ("prefix", &["pn", "ca", "he", "ple", "nodu"]),
        ("word-prefix", &["lung no", "right up", "heart st"]),
        ("nothing", &["zebra "]),
    ];
    let mut ask = |name: &str, one: &mut dyn FnMut(usize) -> Result<usize, StoreError>| {
        // Once before the clock runs: pages that are in memory are so for the other program too.
        let mut found = one(0).map_err(failed)?;
        let mut samples = Samples::default();
        for turn in 0..args.repeat {
            found = samples.run(|| one(turn as usize)).map_err(failed)?;
        }
        let p95 = quantile(&samples.wall_ms, 0.95);
        let case = Case::new(format!("store-{name}"), format!("REC{rows}"), samples)
            .with("p95_ms", p95)
            .with("found", found);
        cases.push(&case);
        Ok::<(), Failure>(())
    };
    ask("point", &mut |_| {
        let id = numbers.get(next(numbers.len())).copied().unwrap_or(0);
        store.document(id).map(|d| usize::from(d.is_some()))
    })?;
    for (name, words) in questions {
        ask(name, &mut |turn| {
            let words = words.get(turn % words.len()).copied().unwrap_or_default();
            store.find_documents(words, PAGE).map(|hits| hits.len())
        })?;
    }
    ask("page", &mut |turn| {
        let before = numbers.get((turn * 97) % numbers.len().max(1)).copied();
        store
            .document_page(before.unwrap_or(i64::MAX), PAGE)
            .map(|rows| rows.len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_the_same_each_time_and_as_long_as_they_should_be() {
        let words: usize = (0..2000).map(|n| report(n).1.split(' ').count()).sum();
        let mean = words as f64 / 2000.0;
        assert!((25.0..27.0).contains(&mean), "{mean}");
        assert_eq!(report(77), report(77));
        assert_ne!(report(77).1, report(78).1);
        assert!(report(7).1.ends_with("psittacosis"));
    }
}
