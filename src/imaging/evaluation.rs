//! An evaluation: the figures of many cases, what they come to together, and how sure that is.
//!
//! `evaluate` writes one as JSON, the window shows it; both make it here, from cases that were compared one by one
//! or from a table ([`table`]). Means are over the cases for which a figure exists, and say over how many.

mod markdown;
pub mod table;

pub use markdown::markdown;

use super::metrics::{
    self, Confusion, CurvePoint, Resampling, SurfaceDistances, auroc, average_precision, brier,
    expected_calibration_error, mean_squared_error,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Version of the file format that is written and read.
pub const FORMAT: u32 = 1;

/// Bytes of a file that is read.
pub const MAX_BYTES: u64 = 64 << 20;

/// Cases named as the worst.
const WORST: usize = 10;

/// Figures by name in the order of tables, and whether more is better.
pub const FIGURES: [(&str, bool); 14] = [
    ("dice", true),
    ("iou", true),
    ("hd95", false),
    ("assd", false),
    ("auroc", true),
    ("average_precision", true),
    ("precision", true),
    ("recall", true),
    ("specificity", true),
    ("f1", true),
    ("accuracy", true),
    ("brier", false),
    ("ece", false),
    ("mse", false),
];

/// Why there is no evaluation.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum EvaluationError {
    /// No case was given.
    #[error("there is no case to evaluate")]
    Empty,
    /// A line of a table says something else than it should; counted from 1, the header is the first.
    #[error("line {line}: {reason}")]
    Line {
        /// Which.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// The header of a table lacks what is needed.
    #[error("the table has no column {0}")]
    Column(&'static str),
    /// The file is no evaluation.
    #[error("this is no evaluation: {0}")]
    File(String),
}

/// What was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Masks.
    Segmentation,
    /// Scores against two classes.
    Classification,
}

/// How figures come about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// Scores at or above it are positive.
    pub threshold: f64,
    /// Bins of the reliability diagram and the calibration error.
    pub bins: usize,
    /// Level of intervals.
    pub level: f64,
    /// Draws of the bootstrap; 0 for no intervals.
    pub draws: usize,
    /// Its seed.
    pub seed: u64,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            threshold: 0.5,
            bins: 10,
            level: 0.95,
            draws: 1000,
            seed: 1,
        }
    }
}

/// One case: a mask, a segment of one, or a score.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// Name, as a rule that of its file.
    pub name: String,
    /// Whose; cases of one patient are drawn together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patient: Option<String>,
    /// Part of the data it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subset: Option<String>,
    /// Number of the segment, where each is compared for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<u32>,
    /// The true class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub positive: Option<bool>,
    /// The score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// Figures by name, those of [`FIGURES`].
    #[serde(default)]
    pub figures: BTreeMap<String, f64>,
    /// The picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The true mask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truth: Option<String>,
    /// The predicted mask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prediction: Option<String>,
}

/// A figure over all cases.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Its name.
    pub figure: String,
    /// The mean over cases, or the figure of all scores together.
    pub value: f64,
    /// Lower end of the interval.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
    /// Median over the cases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub median: Option<f64>,
    /// The twentieth part of the cases is worse than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worst_twentieth: Option<f64>,
    /// Cases that have the figure.
    pub cases: usize,
}

/// What intervals are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Intervals {
    /// `percentile bootstrap`.
    pub method: String,
    /// Level, 0 to 1.
    pub level: f64,
    /// Draws.
    pub draws: usize,
    /// Seed.
    pub seed: u64,
    /// `patient` or `case`: what is drawn.
    pub by: String,
    /// How many of them there are.
    pub groups: usize,
}

/// A point of a curve; the threshold is `None` where it is infinite.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// False positive rate, or recall.
    pub x: f64,
    /// True positive rate, or precision.
    pub y: f64,
    /// Scores at or above it are positive.
    pub threshold: Option<f64>,
}

/// A bar of the reliability diagram.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// Probabilities above this.
    pub low: f64,
    /// And up to this.
    pub high: f64,
    /// Cases.
    pub count: u64,
    /// Their mean probability.
    pub probability: f64,
    /// Their share of positives.
    pub share: f64,
}

/// A case that could not be compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// Its name.
    pub name: String,
    /// Why.
    pub reason: String,
}

/// An evaluation, as it is written and read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// [`FORMAT`].
    pub format: u32,
    /// What was judged.
    pub kind: Kind,
    /// When, ISO 8601; empty where a table does not say.
    #[serde(default)]
    pub made: String,
    /// Threshold of decisions.
    pub threshold: Option<f64>,
    /// Unit of distances: `mm`, `px`, or `mixed`, where no mean is made of them.
    pub length_unit: Option<String>,
    /// What the intervals are; `None` without any.
    pub intervals: Option<Intervals>,
    /// Figures over all cases, in the order of [`FIGURES`].
    pub summary: Vec<Summary>,
    /// The ROC curve.
    #[serde(default)]
    pub roc: Vec<Point>,
    /// Precision over recall.
    #[serde(default)]
    pub precision_recall: Vec<Point>,
    /// The reliability diagram.
    #[serde(default)]
    pub reliability: Vec<ReliabilityBin>,
    /// Names of the worst cases, the worst first.
    pub worst: Vec<String>,
    /// All cases.
    pub cases: Vec<Case>,
    /// Cases that could not be compared.
    #[serde(default)]
    pub failed: Vec<Failed>,
}

/// The figures of two masks of one size. `shape` and `spacing` are outermost first; without a spacing there are no
/// distances.
pub fn mask_figures(
    truth: &[bool],
    predicted: &[bool],
    shape: &[usize],
    spacing: Option<&[f64]>,
) -> Option<(Confusion, Option<SurfaceDistances>)> {
    let counts = Confusion::of(truth, predicted)?;
    let distances = spacing.and_then(|s| metrics::surface_distances(truth, predicted, shape, s));
    Some((counts, distances))
}

/// Figures of decisions at a threshold: precision, recall, specificity, F1, accuracy.
pub fn decided(counts: Confusion) -> [(&'static str, Option<f64>); 5] {
    [
        ("precision", Some(counts.precision())),
        ("recall", Some(counts.recall())),
        ("specificity", counts.specificity()),
        ("f1", Some(counts.f1())),
        ("accuracy", counts.accuracy()),
    ]
}

const SCORED: [&str; 10] = [
    "auroc",
    "average_precision",
    "precision",
    "recall",
    "specificity",
    "f1",
    "accuracy",
    "brier",
    "ece",
    "mse",
];

/// All figures of scores, in the order of [`SCORED`].
fn scored(positive: &[bool], scores: &[f64], rules: &Rules) -> [Option<f64>; 10] {
    let decisions = Confusion::at(positive, scores, rules.threshold).map(decided);
    let [precision, recall, specificity, f1, accuracy] =
        decisions.map_or([None; 5], |d| d.map(|(_, value)| value));
    let truth: Vec<f64> = positive.iter().map(|&p| f64::from(u8::from(p))).collect();
    [
        auroc(positive, scores),
        average_precision(positive, scores),
        precision,
        recall,
        specificity,
        f1,
        accuracy,
        brier(positive, scores),
        expected_calibration_error(positive, scores, rules.bins),
        mean_squared_error(&truth, scores),
    ]
}

fn resampling(cases: &[&Case], rules: &Rules) -> (Resampling, &'static str) {
    let patients: Option<Vec<String>> = cases.iter().map(|c| c.patient.clone()).collect();
    match patients {
        Some(patients) => {
            let all = Resampling::by_patient(&patients, rules.seed, rules.draws);
            (all, "patient")
        }
        None => (
            Resampling::by_case(cases.len(), rules.seed, rules.draws),
            "case",
        ),
    }
}

fn note(resampling: &Resampling, by: &str, rules: &Rules) -> Option<Intervals> {
    (rules.draws > 0).then(|| Intervals {
        method: "percentile bootstrap".into(),
        level: rules.level,
        draws: rules.draws,
        seed: rules.seed,
        by: by.into(),
        groups: resampling.groups(),
    })
}

fn points(curve: Option<Vec<CurvePoint>>) -> Vec<Point> {
    let point = |p: CurvePoint| Point {
        x: p.x,
        y: p.y,
        threshold: p.threshold.is_finite().then_some(p.threshold),
    };
    curve.unwrap_or_default().into_iter().map(point).collect()
}

impl Evaluation {
    /// Judges scores; every case has class and score.
    ///
    /// # Errors
    /// [`EvaluationError::Empty`] when none has.
    pub fn of_scores(cases: Vec<Case>, rules: &Rules) -> Result<Self, EvaluationError> {
        let pairs = |cases: &[Case]| -> (Vec<bool>, Vec<f64>) {
            let known = cases.iter().filter_map(|c| Some((c.positive?, c.score?)));
            known.unzip()
        };
        let cases: Vec<Case> = cases
            .into_iter()
            .filter(|c| c.positive.is_some() && c.score.is_some_and(f64::is_finite))
            .collect();
        if cases.is_empty() {
            return Err(EvaluationError::Empty);
        }
        let (positive, scores) = pairs(&cases);
        let (resampling, by) = resampling(&cases.iter().collect::<Vec<_>>(), rules);
        let values = scored(&positive, &scores, rules);
        let intervals = resampling.intervals(rules.level, |drawn| {
            let of = |i: &usize| Some((*positive.get(*i)?, *scores.get(*i)?));
            let (positive, scores): (Vec<bool>, Vec<f64>) = drawn.iter().filter_map(of).unzip();
            scored(&positive, &scores, rules)
        });
        let figures = SCORED.into_iter().zip(values).zip(intervals);
        let summary = figures.filter_map(|((name, value), interval)| {
            Some(Summary {
                figure: name.into(),
                value: value?,
                low: interval.map(|i| i.low),
                high: interval.map(|i| i.high),
                median: None,
                worst_twentieth: None,
                cases: cases.len(),
            })
        });
        let bins = metrics::reliability(&positive, &scores, rules.bins).unwrap_or_default();
        let bin = |b: metrics::Bin| ReliabilityBin {
            low: b.low,
            high: b.high,
            count: b.count,
            probability: b.probability,
            share: b.share,
        };
        // How far a score is on the wrong side of the threshold.
        let wrong = |c: &Case| {
            let margin = c.score.unwrap_or_default() - rules.threshold;
            if c.positive == Some(true) {
                -margin
            } else {
                margin
            }
        };
        let mut order: Vec<&Case> = cases.iter().filter(|c| wrong(c) >= 0.0).collect();
        order.retain(|c| wrong(c) > 0.0 || c.positive == Some(false));
        order.sort_by(|a, b| wrong(b).total_cmp(&wrong(a)));
        Ok(Self {
            format: FORMAT,
            kind: Kind::Classification,
            made: String::new(),
            threshold: Some(rules.threshold),
            length_unit: None,
            intervals: note(&resampling, by, rules),
            summary: summary.collect(),
            roc: points(metrics::roc_curve(&positive, &scores)),
            precision_recall: points(metrics::precision_recall_curve(&positive, &scores)),
            reliability: bins.into_iter().map(bin).collect(),
            worst: order.iter().take(WORST).map(|c| c.name.clone()).collect(),
            failed: Vec::new(),
            cases,
        })
    }

    /// Judges masks by the figures that each case has. `unit` is that of distances.
    ///
    /// # Errors
    /// [`EvaluationError::Empty`] without a case.
    pub fn of_masks(
        cases: Vec<Case>,
        unit: Option<&str>,
        rules: &Rules,
    ) -> Result<Self, EvaluationError> {
        if cases.is_empty() {
            return Err(EvaluationError::Empty);
        }
        let mut note_of = None;
        let summary = FIGURES.into_iter().filter_map(|(name, more_is_better)| {
            if unit == Some("mixed") && ["hd95", "assd"].contains(&name) {
                return None;
            }
            let having: Vec<&Case> = cases
                .iter()
                .filter(|c| c.figures.contains_key(name))
                .collect();
            let values: Vec<f64> = having
                .iter()
                .filter_map(|c| c.figures.get(name).copied())
                .collect();
            let mean = |values: &[f64]| {
                (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
            };
            let value = mean(&values)?;
            let (resampling, by) = resampling(&having, rules);
            let interval = resampling.interval(rules.level, |drawn| {
                let drawn: Vec<f64> = drawn
                    .iter()
                    .filter_map(|i| values.get(*i).copied())
                    .collect();
                mean(&drawn)
            });
            if note_of.is_none() {
                note_of = note(&resampling, by, rules);
            }
            let mut sorted = values.clone();
            sorted.sort_unstable_by(f64::total_cmp);
            let tail = if more_is_better { 0.05 } else { 0.95 };
            Some(Summary {
                figure: name.into(),
                value,
                low: interval.map(|i| i.low),
                high: interval.map(|i| i.high),
                median: metrics::distance::percentile(&sorted, 0.5),
                worst_twentieth: metrics::distance::percentile(&sorted, tail),
                cases: values.len(),
            })
        });
        let summary: Vec<Summary> = summary.collect();
        let dice = |c: &Case| c.figures.get("dice").copied().unwrap_or(f64::INFINITY);
        let mut order: Vec<&Case> = cases.iter().collect();
        order.sort_by(|a, b| dice(a).total_cmp(&dice(b)));
        Ok(Self {
            format: FORMAT,
            kind: Kind::Segmentation,
            made: String::new(),
            threshold: None,
            length_unit: unit.map(str::to_owned),
            intervals: note_of,
            summary,
            roc: Vec::new(),
            precision_recall: Vec::new(),
            reliability: Vec::new(),
            worst: order.iter().take(WORST).map(|c| c.name.clone()).collect(),
            failed: Vec::new(),
            cases,
        })
    }

    /// Reads a report of `evaluate` (JSON) or a table of cases (CSV).
    ///
    /// # Errors
    /// [`EvaluationError`] with what is wrong and where.
    pub fn read(text: &str, rules: &Rules) -> Result<Self, EvaluationError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if !text.trim_start().starts_with('{') {
            return table::evaluation(text, rules);
        }
        let found: Self =
            serde_json::from_str(text).map_err(|e| EvaluationError::File(e.to_string()))?;
        if found.format != FORMAT {
            let text = format!("format {} is not {FORMAT}", found.format);
            return Err(EvaluationError::File(text));
        }
        if found.cases.is_empty() {
            return Err(EvaluationError::Empty);
        }
        Ok(found)
    }

    /// The figure of all cases.
    pub fn summary_of(&self, figure: &str) -> Option<&Summary> {
        self.summary.iter().find(|s| s.figure == figure)
    }

    /// Classes and scores of all cases.
    pub fn scores(&self) -> (Vec<bool>, Vec<f64>) {
        let known = self
            .cases
            .iter()
            .filter_map(|c| Some((c.positive?, c.score?)));
        known.unzip()
    }

    /// Puts numbers in the place of what patients are called, in the order in which they first occur.
    pub fn number_patients(&mut self) {
        let mut known: BTreeMap<String, usize> = BTreeMap::new();
        for case in &mut self.cases {
            if let Some(patient) = &mut case.patient {
                let next = known.len() + 1;
                *patient = known.entry(patient.clone()).or_insert(next).to_string();
            }
        }
    }
}

#[cfg(test)]
mod tests;
