//! Damaged copies of files, made from one seed, read and decoded on the way that `inspect --decode` takes: what dies,
//! what takes long, what takes memory.
//!
//! Half of the changes keep the structure of DICOM, so that they reach the decoders; half are blind. The same files and
//! the same seed give the same list of outcomes, whatever the number of threads; `digest` is its hash.

mod base;
mod operations;

use super::{
    Cases, Failure,
    measure::{Case, Samples},
    process,
};
use crate::{
    console::{Common, Exit},
    diary,
    dicom::{
        frames::{FileFrames, FrameSource as _},
        guard::Limits,
        scan::{ScanOptions, read_instance},
    },
    model::{finding::Severity, study::RejectionKind},
};
use base::Base;
use clap::Args;
use operations::Dice;
use rayon::prelude::*;
use serde_json::{Map, Value, json};
use std::{
    collections::BTreeMap,
    fs,
    panic::AssertUnwindSafe,
    path::{Path, PathBuf},
    time::Instant,
};

/// Arguments of `bench mutants`.
#[derive(Clone, Debug, Args)]
pub struct MutantsArgs {
    /// Files and folders to take files from; without any, files that the program makes
    pub paths: Vec<PathBuf>,
    /// Mutants in all
    #[arg(long, default_value_t = 50_000, value_name = "N")]
    pub count: u64,
    /// Larger files are not taken
    #[arg(long, default_value_t = 256, value_name = "KIB")]
    pub most_kib: u64,
    /// Only the mutant with this number
    #[arg(long, value_name = "N")]
    pub only: Option<u64>,
    /// Folder for the mutants that a process died or panicked on, and the slowest
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
}

/// Mutants named in the result.
const NAMED: usize = 12;

/// Milliseconds that one may take (R1 of the safety table).
const PATIENCE_MS: f64 = 2000.0;

/// What became of one mutant.
struct Fate {
    number: u64,
    base: usize,
    outcome: &'static str,
    code: String,
    ms: f64,
}

impl Fate {
    /// A panic, a process that died, or one that had to be ended.
    fn is_bad(&self) -> bool {
        matches!(
            self.code.as_str(),
            "PANIC" | "PARSER_PANIC" | "CODEC_PANIC" | "CODEC_DIED" | "CODEC_TIME"
        )
    }
}

/// Runs `bench mutants`.
pub(super) fn run(
    args: &MutantsArgs,
    common: &Common,
    cases: &mut Cases<'_>,
) -> Result<(), Failure> {
    let seed = common.seed.unwrap_or(1);
    let bases = base::all(&args.paths, args.most_kib << 10)
        .map_err(|error| Failure::new(Exit::Io, error))?;
    if bases.is_empty() {
        let text = "no file that is small enough";
        return Err(Failure::new(Exit::Rejected, text));
    }
    let folder = tempfile::tempdir().map_err(|error| Failure::new(Exit::Io, error))?;
    let source = common.frame_source(Limits::default());
    process::forget_peak();
    let numbers: Vec<u64> = match args.only {
        Some(number) => vec![number],
        None => (0..args.count).collect(),
    };
    let mut samples = Samples::default();
    let fates: Result<Vec<Fate>, Failure> = samples.run(|| {
        let one = |number: &u64| {
            let fate = try_one(&bases, seed, *number, folder.path(), &source)?;
            if let Some(keep) = &args.keep
                && (fate.is_bad() || fate.ms > PATIENCE_MS || args.only.is_some())
            {
                keep_one(keep, &bases, seed, *number)?;
            }
            Ok(fate)
        };
        numbers.par_iter().map(one).collect()
    });
    let fates = fates?;
    let bad = fates.iter().filter(|f| f.is_bad()).count();
    let mut case = report(&fates, samples, seed, bases.len());
    let workers = common.workers.iter().flat_map(|w| w.idle_processes());
    let peak = workers.filter_map(process::peak_rss_of).max();
    case = case.with("peak_rss_worker", peak);
    cases.push(&case);
    if bad > 0 {
        let text = format!("{bad} mutants ended a process, panicked or had to be stopped");
        return Err(Failure::new(Exit::Internal, text));
    }
    Ok(())
}

fn mutant(bases: &[Base], seed: u64, number: u64) -> (usize, Vec<u8>) {
    let mut dice = Dice::new(seed, number);
    let base = dice.below(bases.len());
    (base, operations::mutate(bases, base, &mut dice))
}

fn keep_one(keep: &Path, bases: &[Base], seed: u64, number: u64) -> Result<(), Failure> {
    let write = || {
        fs::create_dir_all(keep)?;
        let (_, bytes) = mutant(bases, seed, number);
        fs::write(keep.join(format!("mutant-{seed}-{number}.dcm")), bytes)
    };
    write().map_err(|error: std::io::Error| Failure::new(Exit::Io, error))
}

fn try_one(
    bases: &[Base],
    seed: u64,
    number: u64,
    folder: &Path,
    source: &FileFrames,
) -> Result<Fate, Failure> {
    let (base, bytes) = mutant(bases, seed, number);
    // One name a thread: names have no part in the outcome.
    let thread = rayon::current_thread_index().unwrap_or_default();
    let path = folder.join(format!("mutant-{thread}"));
    fs::write(&path, bytes).map_err(|error| Failure::new(Exit::Io, error))?;
    let start = Instant::now();
    let found = diary::contain(AssertUnwindSafe(|| outcome(&path, source)));
    let ms = start.elapsed().as_secs_f64() * 1e3;
    let (outcome, code) = found.unwrap_or_else(|_| ("panic", "PANIC".to_owned()));
    Ok(Fate {
        number,
        base,
        outcome,
        code,
        ms,
    })
}

/// Class and code, as `inspect --decode` gives them.
fn outcome(path: &Path, source: &FileFrames) -> (&'static str, String) {
    let word = |kind| match kind {
        RejectionKind::Rejected | RejectionKind::Locked | RejectionKind::Io => "rejected",
        RejectionKind::Limit => "limit",
        RejectionKind::Unsupported => "unsupported",
    };
    let instance = match read_instance(path, &ScanOptions::default()) {
        Ok(instance) => instance,
        Err(rejection) => return (word(rejection.outcome), rejection.code.to_owned()),
    };
    if let Some(image) = &instance.image {
        let mut buffer = vec![0; image.frame_bytes()];
        for frame in 0..image.frames {
            if let Err(error) = source.read_frame_into(&instance, frame, &mut buffer) {
                return (word(error.kind()), error.code().to_owned());
            }
            // What cannot be laid over a frame does not refuse it; it must not end anything either.
            let _ = source.read_cover(&instance, frame);
        }
    }
    let weighty = |f: &&crate::model::finding::Finding| f.severity >= Severity::Warning;
    match instance.findings.iter().find(weighty) {
        Some(finding) => ("warn", finding.code.to_owned()),
        None => ("ok", String::new()),
    }
}

fn report(fates: &[Fate], samples: Samples, seed: u64, bases: usize) -> Case {
    let mut outcomes = BTreeMap::from(
        ["ok", "warn", "rejected", "limit", "unsupported", "panic"].map(|word| (word, 0u64)),
    );
    let mut codes: BTreeMap<&str, u64> = BTreeMap::new();
    let mut digest = operations::Digest::default();
    for fate in fates {
        *outcomes.entry(fate.outcome).or_default() += 1;
        *codes.entry(fate.code.as_str()).or_default() += 1;
        digest.add(fate.outcome.as_bytes());
        digest.add(fate.code.as_bytes());
    }
    codes.remove("");
    let count = |wanted: &[&str]| {
        let all = fates.iter().filter(|f| wanted.contains(&f.code.as_str()));
        all.count()
    };
    let one = |f: &&Fate| {
        json!({"number": f.number, "base": f.base, "outcome": f.outcome, "code": f.code,
            "ms": (f.ms * 10.0).round() / 10.0})
    };
    let mut slow: Vec<&Fate> = fates.iter().collect();
    slow.sort_by(|a, b| b.ms.total_cmp(&a.ms));
    let bad: Vec<Value> = fates
        .iter()
        .filter(|f| f.is_bad())
        .take(NAMED)
        .map(|f| one(&f))
        .collect();
    let slowest: Vec<Value> = slow.iter().take(NAMED).map(one).collect();
    let words = |map: BTreeMap<&str, u64>| -> Map<String, Value> {
        map.into_iter()
            .map(|(word, count)| (word.to_owned(), json!(count)))
            .collect()
    };
    let mut case = Case::new("mutants", format!("{bases} files"), samples)
        .with("count", fates.len())
        .with("seed", seed)
        .with("outcomes", words(outcomes))
        .with("codes", words(codes))
        .with("panics", count(&["PANIC", "PARSER_PANIC", "CODEC_PANIC"]))
        .with("died", count(&["CODEC_DIED"]))
        .with("stopped", count(&["CODEC_TIME"]))
        .with("slowest_ms", slow.first().map(|f| f.ms))
        .with(
            "slower_than_2_s",
            fates.iter().filter(|f| f.ms > PATIENCE_MS).count(),
        )
        .with("bad", bad)
        .with("slowest", slowest)
        .with("digest", digest.text());
    case.frames = Some(fates.len() as u64);
    case
}
