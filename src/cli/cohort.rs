//! `negatoscope cohort`: many patients at once: found, counted, written out without identity.

use super::{Common, Exit, Output, store as store_cli};
use crate::{
    clinical::cohort::{
        Cohort, Kind,
        query::Query,
        statistics::{AGE_BAR, Spread, Summary, spread, summary},
    },
    dicom::element_with_keyword,
    model::date::Date,
    store::Store,
};
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};
use std::{path::PathBuf, time::Instant};

/// Arguments of `cohort`.
#[derive(Debug, Args)]
pub struct CohortArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: CohortAction,
}

/// What `cohort` does.
#[derive(Debug, Subcommand)]
pub enum CohortAction {
    /// The patients that a query means, with counts over them
    Find(FindArgs),
    /// Patients and facts as Parquet tables without identity
    Export(ExportArgs),
}

/// Arguments of `cohort find`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
A query is words that must all hold; `or` parts lines of which one must hold; `-` turns a word round (a query that\nbegins with one stands in one pair of quotes behind `--`):
  condition:diabetes   drug!:metformin   value:2160-0>1.5mg/dL   value*:glucose>300   finding:nodule=6..8@2y
  picture:CT   study#>=2@1y   mark:length>=10   ai:nodule   age>=60   born<1950   sex:F   dead   -allergy:iodine
  tag:KVP>=100   tag:ConvolutionKernel=B30f&SliceThickness<=1.5@2y   tag:(0018,0087)=3   tag:Manufacturer:siemens
Kinds: condition, drug, allergy, value, procedure, vaccine, encounter, study, report, finding, gene, picture, mark,
network. `KIND!` what lasts, `KIND*` any value instead of the newest, `#` how many, `@` when: 30d, 6m, 2y, 2019..2021.")]
pub struct FindArgs {
    /// The query; all patients without one
    #[arg(value_name = "QUERY")]
    pub query: Vec<String>,
    /// List the patients (`--show-phi` for their ids)
    #[arg(long)]
    pub list: bool,
    /// The spread of the newest value with this LOINC code or name
    #[arg(long = "spread", value_name = "CODE")]
    pub spreads: Vec<String>,
}

/// Arguments of `cohort export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Folder of the tables; it must not exist, or be empty
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// The query; all patients without one
    #[arg(value_name = "QUERY")]
    pub query: Vec<String>,
}

/// Runs `cohort`.
pub fn run(args: &CohortArgs, common: &Common, out: &mut Output) -> Exit {
    let Some(today) = Date::parse(&common.now()) else {
        out.error("--clock gives no day");
        return Exit::Usage;
    };
    let (CohortAction::Find(FindArgs { query, .. })
    | CohortAction::Export(ExportArgs { query, .. })) = &args.action;
    let query = match Query::parse(&query.join(" "), today, element_with_keyword) {
        Ok(query) => query,
        Err(error) => {
            out.error(error.to_string());
            return Exit::Usage;
        }
    };
    let store = match store_cli::open(common, out) {
        Ok(store) => store,
        Err(exit) => return exit,
    };
    let begin = Instant::now();
    let cohort = match store.cohort_with(&query.tags()) {
        Ok(cohort) => cohort,
        Err(error) => return store_cli::report(&error, out),
    };
    let loaded = begin.elapsed();
    let begin = Instant::now();
    let chosen = query.find(&cohort, today);
    let found = begin.elapsed();
    match &args.action {
        CohortAction::Find(find) => {
            let times = [loaded, found].map(|t| t.as_secs_f64() * 1e3);
            show(&cohort, &chosen, find, today, times, common, out);
            Exit::Done
        }
        CohortAction::Export(export) => write(&store, &cohort, &chosen, export, today, common, out),
    }
}

fn show(
    cohort: &Cohort,
    chosen: &[usize],
    args: &FindArgs,
    today: Date,
    times: [f64; 2],
    common: &Common,
    out: &mut Output,
) {
    let summary = summary(cohort, chosen, today);
    let spreads: Vec<(&String, Option<Spread>)> = args
        .spreads
        .iter()
        .map(|code| (code, spread(cohort, chosen, code)))
        .collect();
    let people = || chosen.iter().filter_map(|n| cohort.person(*n));
    let age = |p: &crate::clinical::cohort::Person| {
        p.age(i32::try_from(today.days_since_epoch()).unwrap_or_default())
    };
    if common.json {
        let mut value = summary_json(&summary);
        value["of"] = json!(cohort.len());
        value["series_not_read"] = json!(cohort.unread);
        value["load_ms"] = json!(times[0]);
        value["query_ms"] = json!(times[1]);
        if args.list {
            value["list"] = people()
                .map(|p| json!({"id": common.phi(p.id.reveal()), "sex": p.sex.code(), "age": age(p)}))
                .collect();
        }
        let spreads: Map<String, Value> = spreads
            .iter()
            .map(|(code, spread)| {
                (
                    (*code).clone(),
                    spread.as_ref().map_or(Value::Null, spread_json),
                )
            })
            .collect();
        if !spreads.is_empty() {
            value["spreads"] = Value::Object(spreads);
        }
        out.json(&value);
        return;
    }
    out.line(format!(
        "{} of {} patients, {} facts ({:.0} ms to load, {:.1} ms to find)",
        chosen.len(),
        cohort.len(),
        summary.facts,
        times[0],
        times[1]
    ));
    let [women, men, others, unknown] = summary.sexes;
    out.line(format!(
        "{women} women, {men} men, {} others or unknown; {} died",
        others + unknown,
        summary.dead
    ));
    for (bar, count) in summary.ages.iter().enumerate().filter(|(_, c)| **c > 0) {
        let from = bar * usize::from(AGE_BAR);
        let to = from + usize::from(AGE_BAR) - 1;
        out.line(format!("  {from:3}–{to:<3} years {count:6}"));
    }
    for (kind, list) in &summary.common {
        out.line(kind.word());
        for common in list {
            out.line(format!(
                "  {:6}  {}  {}",
                common.patients, common.code, common.words
            ));
        }
    }
    for (code, spread) in spreads {
        match spread {
            Some(s) => out.line(format!(
                "{code}: {} patients, mean {:.4} ± {:.4} {}, quartiles {:.4} {:.4} {:.4} {:.4} {:.4}, {} in other units",
                s.patients, s.mean, s.deviation, s.unit, s.quartiles[0], s.quartiles[1],
                s.quartiles[2], s.quartiles[3], s.quartiles[4], s.left_out
            )),
            None => out.line(format!("{code}: no values")),
        }
    }
    if args.list {
        for person in people() {
            let age = age(person).map(|a| a.to_string()).unwrap_or_default();
            out.line(format!(
                "{}  {}  {age}",
                common.phi(person.id.reveal()),
                person.sex.code()
            ));
        }
    }
}

fn summary_json(summary: &Summary) -> Value {
    let [women, men, others, unknown] = summary.sexes;
    let common: Map<String, Value> = summary
        .common
        .iter()
        // Labels of marks, titles of reports and descriptions of studies are free text.
        .filter(|(kind, _)| !matches!(kind, Kind::Mark | Kind::Report))
        .map(|(kind, list)| {
            let list: Vec<Value> = list
                .iter()
                .map(|c| json!({"code": c.code, "words": c.words, "patients": c.patients}))
                .collect();
            (kind.word().to_owned(), json!(list))
        })
        .collect();
    json!({
        "patients": summary.patients,
        "facts": summary.facts,
        "sex": {"F": women, "M": men, "O": others, "": unknown},
        "dead": summary.dead,
        "ages": {"years": AGE_BAR, "patients": summary.ages, "unknown": summary.no_age},
        "studies_by_year": summary.years.iter().map(|(y, n)| (y.to_string(), json!(n))).collect::<Map<_, _>>(),
        "common": common,
    })
}

fn spread_json(spread: &Spread) -> Value {
    json!({
        "patients": spread.patients,
        "left_out": spread.left_out,
        "unit": spread.unit,
        "mean": spread.mean,
        "deviation": spread.deviation,
        "quartiles": spread.quartiles,
        "bars": spread.bars,
    })
}

fn write(
    store: &Store,
    cohort: &Cohort,
    chosen: &[usize],
    args: &ExportArgs,
    today: Date,
    common: &Common,
    out: &mut Output,
) -> Exit {
    let occupied = std::fs::read_dir(&args.dir).is_ok_and(|mut entries| entries.next().is_some());
    if occupied {
        out.error(format!("the folder is not empty: {}", args.dir.display()));
        return Exit::Usage;
    }
    match store.export_cohort(cohort, chosen, today, &args.dir) {
        Ok(written) if common.json => {
            out.json(&json!({
                "files": written.files.len(),
                "patients": written.patients,
                "facts": written.facts,
                "words_left_out": written.words_left_out,
            }));
            Exit::Done
        }
        Ok(written) => {
            out.line(format!(
                "{} files: {} patients, {} facts; words of {} facts without a code left out",
                written.files.len(),
                written.patients,
                written.facts,
                written.words_left_out
            ));
            Exit::Done
        }
        Err(error) => store_cli::report(&error, out),
    }
}
