//! `negatoscope evaluate`.

pub(super) mod grid;

use super::{Common, Exit, Output};
use crate::{
    files::write_whole,
    imaging::{
        evaluation::{
            self, Case, Evaluation, EvaluationError, FIGURES, Failed, MAX_BYTES, Rules, decided,
            mask_figures,
            table::{self, stem},
        },
        metrics::{auroc, mean_squared_error},
    },
};
use clap::Args;
use grid::Grid;
use std::{
    collections::BTreeMap,
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

/// Arguments of `evaluate`.
#[derive(Debug, Args)]
pub struct EvaluateArgs {
    /// True mask, or a folder of them
    #[arg(long, value_name = "A", requires = "pred", required_unless_present_any = ["pairs", "scores"])]
    truth: Option<PathBuf>,
    /// Predicted mask, or a folder with the same file names (extensions aside)
    #[arg(long, value_name = "B", requires = "truth")]
    pred: Option<PathBuf>,
    /// Pairs of masks as CSV: columns truth and pred (paths, from the table's folder on), and where there are some name,
    /// patient, image
    #[arg(long, value_name = "FILE.csv", conflicts_with_all = ["truth", "scores"])]
    pairs: Option<PathBuf>,
    /// Scores as CSV: columns label (0 or 1) and score, and where there are some name, patient, image
    #[arg(long, value_name = "FILE.csv", conflicts_with = "truth")]
    scores: Option<PathBuf>,
    /// Folder of the pictures, with the same file names; the report names them, so that the window opens a case
    #[arg(long, value_name = "DIR")]
    images: Option<PathBuf>,
    /// Pixels above this value belong to the mask (default: half of the largest value the file's type can hold, or 0
    /// where no value exceeds 1); with --scores, scores at or above it are positive (default: 0.5)
    #[arg(long, value_name = "N")]
    threshold: Option<f64>,
    /// Compare each value above 0 as a segment of its own
    #[arg(long, conflicts_with_all = ["threshold", "scores"])]
    labels: bool,
    /// Distance of rows and columns of PNG and JPEG masks in millimetres, for surface distances (default: pixels)
    #[arg(long, value_name = "R,C", value_parser = parse_spacing)]
    spacing: Option<[f64; 2]>,
    /// Where the report goes: JSON, and Markdown beside it
    #[arg(long, value_name = "FILE.json")]
    report: Option<PathBuf>,
    /// Draws of the bootstrap for intervals; 0 for none
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    draws: u32,
    /// Level of the intervals
    #[arg(long, value_name = "P", default_value_t = 0.95, value_parser = parse_level)]
    level: f64,
}

fn parse_level(text: &str) -> Result<f64, String> {
    let level = text.parse::<f64>().ok();
    level
        .filter(|l| *l > 0.0 && *l < 1.0)
        .ok_or_else(|| format!("`{text}` does not lie between 0 and 1"))
}

fn parse_spacing(text: &str) -> Result<[f64; 2], String> {
    let numbers: Option<Vec<f64>> = text
        .split(',')
        .map(|part| part.trim().parse().ok())
        .collect();
    match numbers.as_deref() {
        Some(&[row, column])
            if row > 0.0 && column > 0.0 && row.is_finite() && column.is_finite() =>
        {
            Ok([row, column])
        }
        _ => Err(format!("`{text}` is not two positive numbers")),
    }
}

/// Runs `evaluate`.
pub fn run(args: &EvaluateArgs, common: &Common, out: &mut Output) -> Exit {
    match evaluate(args, common, out) {
        Ok(exit) => exit,
        Err((exit, sentence)) => {
            out.error(sentence);
            exit
        }
    }
}

type Refusal = (Exit, String);

fn refused(error: EvaluationError) -> Refusal {
    (Exit::Rejected, error.to_string())
}

fn rules(args: &EvaluateArgs, common: &Common) -> Rules {
    Rules {
        threshold: args.threshold.unwrap_or(Rules::default().threshold),
        level: args.level,
        draws: args.draws as usize,
        seed: common.seed.unwrap_or(Rules::default().seed),
        ..Rules::default()
    }
}

fn evaluate(args: &EvaluateArgs, common: &Common, out: &mut Output) -> Result<Exit, Refusal> {
    if let Some(path) = &args.report
        && path
            .extension()
            .is_none_or(|e| !e.eq_ignore_ascii_case("json"))
    {
        return Err((Exit::Usage, "the report is a .json file".into()));
    }
    let rules = rules(args, common);
    let (mut evaluation, alone) = match (&args.scores, &args.pairs) {
        (Some(scores), _) => (of_scores(scores, &rules)?, false),
        (None, pairs) => of_masks(args, pairs.as_deref(), common, &rules, out)?,
    };
    evaluation.made = common.now();
    if !common.show_phi {
        evaluation.number_patients();
    }
    if let Some(images) = &args.images {
        name_images(&mut evaluation, images)?;
    }
    if evaluation.kind == evaluation::Kind::Classification {
        show_scores(&evaluation, common, out);
    } else if !alone {
        show_masks(&evaluation, common, out);
    }
    if let Some(path) = &args.report {
        write(path, &evaluation)?;
    }
    Ok(if evaluation.failed.is_empty() {
        Exit::Done
    } else {
        Exit::Finding
    })
}

/// A text of bounded size.
fn text_of(path: &Path) -> Result<String, Refusal> {
    let io = |error: std::io::Error| {
        let text = format!("cannot read: {error}: {}", path.display());
        (Exit::Io, text)
    };
    let mut text = Vec::new();
    let file = fs::File::open(path).map_err(io)?;
    file.take(MAX_BYTES + 1)
        .read_to_end(&mut text)
        .map_err(io)?;
    if text.len() as u64 > MAX_BYTES {
        let text = format!("more than {MAX_BYTES} bytes: {}", path.display());
        return Err((Exit::Limit, text));
    }
    String::from_utf8(text).map_err(|_| {
        let text = format!("the table is not UTF-8: {}", path.display());
        (Exit::Rejected, text)
    })
}

fn of_scores(path: &Path, rules: &Rules) -> Result<Evaluation, Refusal> {
    let cases = table::scored_cases(&text_of(path)?).map_err(refused)?;
    let folder = path.parent();
    let cases = cases.into_iter().map(|mut case| {
        case.image = case.image.map(|image| placed(folder, &image));
        case
    });
    Evaluation::of_scores(cases.collect(), rules).map_err(refused)
}

/// A path of a table, from its folder on.
fn placed(folder: Option<&Path>, path: &str) -> String {
    let path = Path::new(path);
    folder
        .map_or_else(|| path.to_owned(), |f| f.join(path))
        .display()
        .to_string()
}

/// Gives each case the picture of its name.
fn name_images(evaluation: &mut Evaluation, folder: &Path) -> Result<(), Refusal> {
    let pictures = by_stem(folder)?;
    for case in &mut evaluation.cases {
        if let Some(path) = pictures.get(stem(&case.name)) {
            case.image = Some(path.display().to_string());
        }
    }
    Ok(())
}

/// Files of a folder by name without endings; whether they open shows when they are read.
fn by_stem(folder: &Path) -> Result<BTreeMap<String, PathBuf>, Refusal> {
    let listing = fs::read_dir(folder).map_err(|error| {
        let text = format!("cannot list: {error}: {}", folder.display());
        (Exit::Io, text)
    })?;
    let files = listing.filter_map(|entry| {
        let path = entry.ok()?.path();
        let name = path.file_name()?.to_str()?;
        let hidden = name.starts_with('.');
        let known = [
            ".png", ".jpg", ".jpeg", ".nii", ".nii.gz", ".hdr", ".nrrd", ".nhdr", ".mha", ".mhd",
            ".dcm",
        ];
        let lower = name.to_ascii_lowercase();
        // DICOM files often have no ending.
        let fits = known.iter().any(|e| lower.ends_with(e)) || !name.contains('.');
        (fits && !hidden && path.is_file()).then(|| (stem(name).to_owned(), path.clone()))
    });
    Ok(files.collect())
}

/// The cases to compare, and those that lack a prediction. `true` when there is one pair of files and no more.
fn cases_of(
    args: &EvaluateArgs,
    pairs: Option<&Path>,
) -> Result<(Vec<Case>, Vec<Failed>, bool), Refusal> {
    let text = |path: &Path| Some(path.display().to_string());
    if let Some(path) = pairs {
        let mut cases = table::pairs(&text_of(path)?).map_err(refused)?;
        let folder = path.parent();
        for case in &mut cases {
            for place in [&mut case.truth, &mut case.prediction, &mut case.image] {
                *place = place.take().map(|p| placed(folder, &p));
            }
        }
        return Ok((cases, Vec::new(), false));
    }
    let (Some(truth), Some(pred)) = (&args.truth, &args.pred) else {
        return Err((Exit::Usage, "--truth goes with --pred".into()));
    };
    if truth.is_dir() != pred.is_dir() {
        let text = "--truth and --pred are both files or both folders";
        return Err((Exit::Usage, text.into()));
    }
    if !truth.is_dir() {
        let name = truth.file_name().unwrap_or_default().to_string_lossy();
        let case = Case {
            name: stem(&name).to_owned(),
            truth: text(truth),
            prediction: text(pred),
            ..Case::default()
        };
        return Ok((vec![case], Vec::new(), true));
    }
    let mut predicted = by_stem(pred)?;
    let (mut cases, mut missing) = (Vec::new(), Vec::new());
    for (name, truth) in by_stem(truth)? {
        match predicted.remove(&name) {
            Some(pred) => cases.push(Case {
                name,
                truth: text(&truth),
                prediction: text(&pred),
                ..Case::default()
            }),
            None => missing.push(Failed {
                name,
                reason: "there is no prediction".into(),
            }),
        }
    }
    if cases.is_empty() {
        return Err((Exit::Rejected, "no file name is in both folders".into()));
    }
    Ok((cases, missing, false))
}

fn of_masks(
    args: &EvaluateArgs,
    pairs: Option<&Path>,
    common: &Common,
    rules: &Rules,
    out: &mut Output,
) -> Result<(Evaluation, bool), Refusal> {
    let (cases, mut failed, alone) = cases_of(args, pairs)?;
    for missing in &failed {
        out.error(format!("no prediction for {}", missing.name));
    }
    let mut compared = Vec::new();
    let mut units = Vec::new();
    for case in cases {
        match compare(args, common, &case) {
            Ok((found, unit)) => {
                units.extend(unit);
                for case in &found {
                    show(case, common, out);
                }
                compared.extend(found);
            }
            Err(refusal) if alone => return Err(refusal),
            Err((_, reason)) => {
                out.error(format!("{}: {reason}", case.name));
                let name = case.name;
                failed.push(Failed { name, reason });
            }
        }
    }
    if compared.is_empty() {
        return Err((Exit::Rejected, "no pair of masks could be compared".into()));
    }
    units.sort_unstable();
    units.dedup();
    let unit = match units.as_slice() {
        [] => None,
        [unit] => Some(*unit),
        _ => Some("mixed"),
    };
    let mut evaluation = Evaluation::of_masks(compared, unit, rules).map_err(refused)?;
    evaluation.failed = failed;
    Ok((evaluation, alone && !args.labels))
}

fn figures(
    truth: &[bool],
    predicted: &[bool],
    grid: &Grid,
) -> Result<BTreeMap<String, f64>, Refusal> {
    let spacing = grid.spacing.as_ref().map(|(spacing, _)| spacing.as_slice());
    let wrong = || {
        let text = "two masks of one size do not compare";
        (Exit::Internal, text.to_owned())
    };
    let (counts, distances) =
        mask_figures(truth, predicted, &grid.shape, spacing).ok_or_else(wrong)?;
    let found = [
        ("dice", Some(counts.dice())),
        ("iou", Some(counts.iou())),
        ("hd95", distances.map(|d| d.hd95)),
        ("assd", distances.map(|d| d.assd)),
    ];
    let all = found.into_iter().chain(decided(counts));
    Ok(all
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect())
}

/// The figures of a pair: one case, or one of each segment; and the unit of distances.
fn compare(
    args: &EvaluateArgs,
    common: &Common,
    case: &Case,
) -> Result<(Vec<Case>, Option<&'static str>), Refusal> {
    let read = |path: &Option<String>| {
        let path = path.as_deref().unwrap_or_default();
        Grid::read(Path::new(path), args.spacing, common)
    };
    let (truth, pred) = (read(&case.truth)?, read(&case.prediction)?);
    truth.fits(&pred)?;
    let unit = truth.spacing.as_ref().map(|(_, unit)| *unit);
    if args.labels {
        let mut labels: Vec<u32> = truth
            .values
            .iter()
            .chain(&pred.values)
            .filter(|v| **v > 0.0)
            .map(|&v| v as u32)
            .collect();
        labels.sort_unstable();
        labels.dedup();
        let of = |grid: &Grid, label: u32| -> Vec<bool> {
            grid.values.iter().map(|&v| v as u32 == label).collect()
        };
        let segment = |label| {
            let figures = figures(&of(&truth, label), &of(&pred, label), &truth)?;
            Ok(Case {
                segment: Some(label),
                figures,
                ..case.clone()
            })
        };
        let cases: Result<Vec<Case>, Refusal> = labels.into_iter().map(segment).collect();
        return Ok((cases?, unit));
    }
    let (t, p) = (truth.mask(args.threshold), pred.mask(args.threshold));
    let mut figures = figures(&t, &p, &truth)?;
    if let Some(top) = pred.top.filter(|_| !pred.is_binary()) {
        // Grey predictions are probabilities: ranks and squared errors say something beyond the mask.
        let scores: Vec<f64> = pred.values.iter().map(|v| f64::from(*v) / top).collect();
        let goal: Vec<f64> = t.iter().map(|&t| f64::from(u8::from(t))).collect();
        figures.extend(auroc(&t, &scores).map(|v| ("auroc".into(), v)));
        figures.extend(mean_squared_error(&goal, &scores).map(|v| ("mse".into(), v)));
    }
    let case = Case {
        figures,
        ..case.clone()
    };
    Ok((vec![case], unit))
}

fn text(value: Option<f64>, digits: usize) -> String {
    value.map_or("-".into(), |v| format!("{v:.digits$}"))
}

/// A case as `--json` prints it: distances that do not exist are null, figures that do not apply are left out.
fn case_json(case: &Case) -> serde_json::Value {
    let mut out = serde_json::Map::new();
    out.insert("name".into(), case.name.as_str().into());
    if let Some(segment) = case.segment {
        out.insert("label".into(), segment.into());
    }
    for (name, _) in FIGURES {
        let value = case.figures.get(name);
        if value.is_some() || ["hd95", "assd", "accuracy"].contains(&name) {
            out.insert(name.into(), value.copied().into());
        }
    }
    out.into()
}

fn show(case: &Case, common: &Common, out: &mut Output) {
    if common.json {
        out.json(&case_json(case));
        return;
    }
    let figure = |name| case.figures.get(name).copied();
    let label = case
        .segment
        .map_or(String::new(), |l| format!(" segment {l}"));
    out.line(format!(
        "{}{label}: Dice {}  IoU {}  precision {}  recall {}  HD95 {}  ASSD {}",
        case.name,
        text(figure("dice"), 4),
        text(figure("iou"), 4),
        text(figure("precision"), 4),
        text(figure("recall"), 4),
        text(figure("hd95"), 2),
        text(figure("assd"), 2)
    ));
}

fn intervals_json(e: &Evaluation) -> serde_json::Value {
    let ends = e.summary.iter().filter_map(|s| {
        let ends = serde_json::json!([s.low?, s.high?]);
        Some((s.figure.clone(), ends))
    });
    serde_json::Value::Object(ends.collect())
}

/// Means over the cases for which a figure exists, and for how many it does not.
fn show_masks(e: &Evaluation, common: &Common, out: &mut Output) {
    if common.json {
        let means: serde_json::Map<String, serde_json::Value> = e
            .summary
            .iter()
            .map(|s| (s.figure.clone(), s.value.into()))
            .collect();
        let undefined = e.cases.iter().filter(|c| !c.figures.contains_key("hd95"));
        out.json(&serde_json::json!({ "summary": {
            "cases": e.cases.len(),
            "failed": e.failed.len(),
            "hd95_undefined": undefined.count(),
            "length_unit": e.length_unit,
            "mean": means,
            "interval": intervals_json(e),
            "intervals": e.intervals,
            "worst": e.worst,
        }}));
        return;
    }
    let line: Vec<String> = e
        .summary
        .iter()
        .map(|s| format!("{} {:.4}{}", s.figure, s.value, ends(s)))
        .collect();
    out.line(format!("mean of {}: {}", e.cases.len(), line.join("  ")));
}

fn ends(s: &evaluation::Summary) -> String {
    match (s.low, s.high) {
        (Some(low), Some(high)) => format!(" ({low:.4} to {high:.4})"),
        _ => String::new(),
    }
}

fn show_scores(e: &Evaluation, common: &Common, out: &mut Output) {
    if common.json {
        let values: serde_json::Map<String, serde_json::Value> = e
            .summary
            .iter()
            .map(|s| (s.figure.clone(), s.value.into()))
            .collect();
        out.json(&serde_json::json!({ "summary": {
            "cases": e.cases.len(),
            "threshold": e.threshold,
            "value": values,
            "interval": intervals_json(e),
            "intervals": e.intervals,
            "worst": e.worst,
        }}));
        return;
    }
    for s in &e.summary {
        out.line(format!("{} {:.4}{}", s.figure, s.value, ends(s)));
    }
    let threshold = e.threshold.unwrap_or_default();
    out.line(format!("{} cases, decisions at {threshold}", e.cases.len()));
}

fn write(path: &Path, evaluation: &Evaluation) -> Result<(), Refusal> {
    let io = |error: std::io::Error| {
        let text = format!("cannot write: {error}: {}", path.display());
        (Exit::Io, text)
    };
    let json = serde_json::to_vec_pretty(evaluation).map_err(|e| io(e.into()))?;
    write_whole(path, &json).map_err(io)?;
    let text = evaluation::markdown(evaluation);
    write_whole(&path.with_extension("md"), text.as_bytes()).map_err(io)
}
