//! `negatoscope evaluate`.

use super::{Common, Exit, Output};
use crate::imaging::metrics::{Confusion, auroc, mean_squared_error, surface_distances};
use clap::Args;
use image::ImageReader;
use serde::Serialize;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Pixels of a mask that are read.
const MAX_PIXELS: u64 = 1 << 27;

/// Arguments of `evaluate`.
#[derive(Debug, Args)]
pub struct EvaluateArgs {
    /// True mask, or a folder of them
    #[arg(long, value_name = "A")]
    truth: PathBuf,
    /// Predicted mask, or a folder with the same file names (extensions aside)
    #[arg(long, value_name = "B")]
    pred: PathBuf,
    /// Pixels above this value belong to the mask (default: half of the largest value the file's type can hold, or 0
    /// where no value exceeds 1)
    #[arg(long, value_name = "N")]
    threshold: Option<f64>,
    /// Compare each value above 0 as a segment of its own
    #[arg(long, conflicts_with = "threshold")]
    labels: bool,
    /// Distance of rows and columns in millimetres, for surface distances (default: 1,1, pixels)
    #[arg(long, value_name = "R,C", value_parser = parse_spacing, default_value = "1,1")]
    spacing: [f64; 2],
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

/// The figures of one comparison. Absent ones do not apply or do not exist.
#[derive(Debug, Clone, Serialize)]
struct Figures {
    dice: f64,
    iou: f64,
    precision: f64,
    recall: f64,
    f1: f64,
    accuracy: Option<f64>,
    hd95: Option<f64>,
    assd: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auroc: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mse: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Case {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<u32>,
    #[serde(flatten)]
    figures: Figures,
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

fn evaluate(args: &EvaluateArgs, common: &Common, out: &mut Output) -> Result<Exit, Refusal> {
    let many = args.truth.is_dir();
    if many != args.pred.is_dir() {
        return Err((
            Exit::Usage,
            "--truth and --pred are both files or both folders".into(),
        ));
    }
    let (pairs, missing) = if many {
        folder_pairs(&args.truth, &args.pred)?
    } else {
        let name = args
            .truth
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        (
            vec![(name, args.truth.clone(), args.pred.clone())],
            Vec::new(),
        )
    };
    let mut cases = Vec::new();
    let mut failed = missing.len();
    for name in &missing {
        out.error(format!("no prediction for {name}"));
    }
    for (name, truth, pred) in pairs {
        match compare(args, &truth, &pred) {
            Ok(found) => {
                for (label, figures) in found {
                    let case = Case {
                        name: name.clone(),
                        label,
                        figures,
                    };
                    show(&case, common, out);
                    cases.push(case);
                }
            }
            Err(refusal) if !many => return Err(refusal),
            Err((_, sentence)) => {
                failed += 1;
                out.error(format!("{name}: {sentence}"));
            }
        }
    }
    if many || args.labels {
        summary(&cases, failed, common, out);
    }
    Ok(if failed > 0 {
        Exit::Finding
    } else {
        Exit::Done
    })
}

fn by_stem(folder: &Path) -> Result<BTreeMap<String, PathBuf>, Refusal> {
    let listing = fs::read_dir(folder).map_err(|error| {
        (
            Exit::Io,
            format!("cannot list: {error}: {}", folder.display()),
        )
    })?;
    let pictures = listing.filter_map(|entry| {
        let path = entry.ok()?.path();
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        let name = path.file_stem()?.to_str()?.to_owned();
        ["png", "jpg", "jpeg"]
            .contains(&extension.as_str())
            .then_some((name, path))
    });
    Ok(pictures.collect())
}

type Pairs = Vec<(String, PathBuf, PathBuf)>;

fn folder_pairs(truth: &Path, pred: &Path) -> Result<(Pairs, Vec<String>), Refusal> {
    let mut predicted = by_stem(pred)?;
    let (mut pairs, mut missing) = (Vec::new(), Vec::new());
    for (name, truth) in by_stem(truth)? {
        match predicted.remove(&name) {
            Some(pred) => pairs.push((name, truth, pred)),
            None => missing.push(name),
        }
    }
    if pairs.is_empty() {
        return Err((Exit::Rejected, "no file name is in both folders".into()));
    }
    Ok((pairs, missing))
}

struct Picture {
    values: Vec<f64>,
    top: f64,
    size: [usize; 2],
}

fn read(path: &Path) -> Result<Picture, Refusal> {
    let io = |error: std::io::Error| {
        (
            Exit::Io,
            format!("cannot read: {error}: {}", path.display()),
        )
    };
    let reader = || {
        ImageReader::open(path)
            .and_then(ImageReader::with_guessed_format)
            .map_err(io)
    };
    let broken =
        |error: image::ImageError| (Exit::Rejected, format!("{error}: {}", path.display()));
    let (columns, rows) = reader()?.into_dimensions().map_err(broken)?;
    if u64::from(columns) * u64::from(rows) > MAX_PIXELS {
        return Err((
            Exit::Limit,
            format!("more than {MAX_PIXELS} pixels: {}", path.display()),
        ));
    }
    let picture = reader()?.decode().map_err(broken)?;
    let color = picture.color();
    let deep = color.bytes_per_pixel() > color.channel_count();
    let (values, top) = if deep {
        (
            picture
                .into_luma16()
                .into_raw()
                .into_iter()
                .map(f64::from)
                .collect(),
            65535.0,
        )
    } else {
        (
            picture
                .into_luma8()
                .into_raw()
                .into_iter()
                .map(f64::from)
                .collect(),
            255.0,
        )
    };
    Ok(Picture {
        values,
        top,
        size: [rows as usize, columns as usize],
    })
}

impl Picture {
    fn mask(&self, threshold: Option<f64>) -> Vec<bool> {
        let largest = self.values.iter().copied().fold(0.0, f64::max);
        let default = if largest <= 1.0 {
            0.0
        } else {
            (self.top / 2.0).floor()
        };
        let threshold = threshold.unwrap_or(default);
        self.values.iter().map(|&v| v > threshold).collect()
    }

    fn is_binary(&self) -> bool {
        let Some(&first) = self.values.iter().find(|v| **v > 0.0) else {
            return true;
        };
        self.values.iter().all(|&v| v == 0.0 || v == first)
    }
}

fn figures(
    truth: &[bool],
    predicted: &[bool],
    size: [usize; 2],
    spacing: [f64; 2],
) -> Option<Figures> {
    let counts = Confusion::of(truth, predicted)?;
    let distances = surface_distances(truth, predicted, &size, &spacing);
    Some(Figures {
        dice: counts.dice(),
        iou: counts.iou(),
        precision: counts.precision(),
        recall: counts.recall(),
        f1: counts.f1(),
        accuracy: counts.accuracy(),
        hd95: distances.map(|d| d.hd95),
        assd: distances.map(|d| d.assd),
        auroc: None,
        mse: None,
    })
}

fn compare(
    args: &EvaluateArgs,
    truth: &Path,
    pred: &Path,
) -> Result<Vec<(Option<u32>, Figures)>, Refusal> {
    let (truth, pred) = (read(truth)?, read(pred)?);
    if truth.size != pred.size {
        let [r, c] = truth.size;
        let [pr, pc] = pred.size;
        return Err((
            Exit::Rejected,
            format!("the sizes differ: {c} × {r} and {pc} × {pr}"),
        ));
    }
    let wrong = || {
        (
            Exit::Internal,
            "two masks of one size do not compare".to_owned(),
        )
    };
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
        return labels
            .into_iter()
            .map(|label| {
                let of = |p: &Picture| {
                    p.values
                        .iter()
                        .map(|&v| v as u32 == label)
                        .collect::<Vec<_>>()
                };
                let figures = figures(&of(&truth), &of(&pred), truth.size, args.spacing);
                Ok((Some(label), figures.ok_or_else(wrong)?))
            })
            .collect();
    }
    let (t, p) = (truth.mask(args.threshold), pred.mask(args.threshold));
    let mut figures = figures(&t, &p, truth.size, args.spacing).ok_or_else(wrong)?;
    if !pred.is_binary() {
        // Grey predictions are probabilities: ranks and squared errors say something beyond the mask.
        let scores: Vec<f64> = pred.values.iter().map(|v| v / pred.top).collect();
        let goal: Vec<f64> = t.iter().map(|&t| f64::from(u8::from(t))).collect();
        figures.auroc = auroc(&t, &scores);
        figures.mse = mean_squared_error(&goal, &scores);
    }
    Ok(vec![(None, figures)])
}

fn text(value: Option<f64>, digits: usize) -> String {
    value.map_or("-".into(), |v| format!("{v:.digits$}"))
}

fn show(case: &Case, common: &Common, out: &mut Output) {
    if common.json {
        out.json(case);
        return;
    }
    let f = &case.figures;
    let label = case
        .label
        .map_or(String::new(), |l| format!(" segment {l}"));
    out.line(format!(
        "{}{label}: Dice {:.4}  IoU {:.4}  precision {:.4}  recall {:.4}  HD95 {}  ASSD {}",
        case.name,
        f.dice,
        f.iou,
        f.precision,
        f.recall,
        text(f.hd95, 2),
        text(f.assd, 2)
    ));
}

/// Means over the cases for which a figure exists, and for how many it does not.
fn summary(cases: &[Case], failed: usize, common: &Common, out: &mut Output) {
    type Pick = fn(&Figures) -> Option<f64>;
    let picks: [(&str, Pick); 10] = [
        ("dice", |f| Some(f.dice)),
        ("iou", |f| Some(f.iou)),
        ("precision", |f| Some(f.precision)),
        ("recall", |f| Some(f.recall)),
        ("f1", |f| Some(f.f1)),
        ("accuracy", |f| f.accuracy),
        ("hd95", |f| f.hd95),
        ("assd", |f| f.assd),
        ("auroc", |f| f.auroc),
        ("mse", |f| f.mse),
    ];
    let mut means = serde_json::Map::new();
    for (name, pick) in picks {
        let values: Vec<f64> = cases
            .iter()
            .filter_map(|case| pick(&case.figures))
            .collect();
        if !values.is_empty() {
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            means.insert(name.into(), mean.into());
        }
    }
    let undefined = cases
        .iter()
        .filter(|case| case.figures.hd95.is_none())
        .count();
    if common.json {
        out.json(&serde_json::json!({ "summary": {
            "cases": cases.len(),
            "failed": failed,
            "hd95_undefined": undefined,
            "mean": means,
        }}));
    } else {
        let line: Vec<String> = means
            .iter()
            .map(|(name, value)| format!("{name} {:.4}", value.as_f64().unwrap_or(f64::NAN)))
            .collect();
        out.line(format!("mean of {}: {}", cases.len(), line.join("  ")));
    }
}
