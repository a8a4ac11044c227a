//! Figures of a classifier with intervals by resampling patients.

use super::pictures::Entry;
use crate::{
    ai::{card::ClassFigure, random::Random},
    imaging::metrics::{Confusion, auroc},
};
use std::collections::{BTreeMap, BTreeSet};

/// Resamplings of the patients.
const DRAWS: usize = 1000;
/// Share of the resamplings outside of the interval, on each side.
const TAIL: f64 = 0.025;
/// Bins of the calibration error.
const BINS: usize = 10;
/// Probability from which on the answer is positive.
const HALF: f64 = 0.5;

/// A held-out picture and what the model said.
#[derive(Clone, Copy)]
pub(super) struct Judged<'a> {
    pub(super) entry: &'a Entry,
    pub(super) probability: f64,
    pub(super) answered: bool,
}

/// The names of the figures, in the order of [`of`].
const NAMES: [&str; 9] = [
    "auroc",
    "precision",
    "recall",
    "f1",
    "accuracy",
    "brier",
    "ece",
    "answered",
    "accuracy-answered",
];

fn of(cases: &[Judged<'_>]) -> [Option<f64>; 9] {
    let truth: Vec<bool> = cases.iter().map(|c| c.entry.positive).collect();
    let scores: Vec<f64> = cases.iter().map(|c| c.probability).collect();
    let said: Vec<bool> = scores.iter().map(|&p| p >= HALF).collect();
    let counts = Confusion::of(&truth, &said).unwrap_or_default();
    let n = cases.len() as f64;
    let some = |value: f64| (n > 0.0).then_some(value);
    let error = |c: &Judged<'_>| c.probability - f64::from(u8::from(c.entry.positive));
    let brier = cases.iter().map(|c| error(c).powi(2)).sum::<f64>() / n;
    let answered: Vec<&Judged<'_>> = cases.iter().filter(|c| c.answered).collect();
    let right = answered
        .iter()
        .filter(|c| (c.probability >= HALF) == c.entry.positive)
        .count();
    let of_answered = right as f64 / answered.len() as f64;
    [
        auroc(&truth, &scores),
        some(counts.precision()),
        some(counts.recall()),
        some(counts.f1()),
        counts.accuracy(),
        some(brier),
        some(calibration_error(cases)),
        some(answered.len() as f64 / n),
        (!answered.is_empty()).then_some(of_answered),
    ]
}

/// Expected calibration error: in each bin of probability how far its mean is from the share of positives.
fn calibration_error(cases: &[Judged<'_>]) -> f64 {
    let mut bins = [(0.0f64, 0.0f64); BINS];
    for case in cases {
        let bin = ((case.probability * BINS as f64) as usize).min(BINS - 1);
        if let Some((probability, positive)) = bins.get_mut(bin) {
            *probability += case.probability;
            *positive += f64::from(u8::from(case.entry.positive));
        }
    }
    let apart: f64 = bins.iter().map(|(p, t)| (p - t).abs()).sum();
    apart / cases.len().max(1) as f64
}

/// Figures of all cases with intervals, then of each stratum's source without.
pub(super) fn all(cases: &[Judged<'_>], seed: u64) -> Vec<ClassFigure> {
    let mut by_patient: BTreeMap<&str, Vec<Judged<'_>>> = BTreeMap::new();
    for case in cases {
        by_patient
            .entry(&case.entry.patient)
            .or_default()
            .push(*case);
    }
    let patients: Vec<&Vec<Judged<'_>>> = by_patient.values().collect();
    let mut drawn: [Vec<f64>; 9] = Default::default();
    let mut random = Random::new(seed, &[u64::from_le_bytes(*b"resample")]);
    for _ in 0..DRAWS {
        let sample: Vec<Judged<'_>> = (0..patients.len())
            .filter_map(|_| patients.get(random.range(0.0, patients.len() as f64) as usize))
            .flat_map(|cases| cases.iter().copied())
            .collect();
        for (list, value) in drawn.iter_mut().zip(of(&sample)) {
            list.extend(value);
        }
    }
    let round = |v: f64| (v * 1e4).round() / 1e4;
    let mut out: Vec<ClassFigure> = NAMES
        .iter()
        .zip(of(cases))
        .zip(&mut drawn)
        .filter_map(|((name, value), drawn)| {
            drawn.sort_unstable_by(f64::total_cmp);
            Some(ClassFigure {
                subset: "all".into(),
                figure: (*name).to_owned(),
                cases: cases.len(),
                value: round(value?),
                low: quantile(drawn, TAIL).map(round),
                high: quantile(drawn, 1.0 - TAIL).map(round),
            })
        })
        .collect();
    let sources: BTreeSet<&str> = cases.iter().map(|c| source(c.entry)).collect();
    for name in sources.iter().filter(|_| sources.len() > 1) {
        let part: Vec<Judged<'_>> = cases
            .iter()
            .filter(|c| source(c.entry) == *name)
            .copied()
            .collect();
        for (figure, value) in NAMES.iter().zip(of(&part)) {
            out.extend(value.map(|value| ClassFigure {
                subset: (*name).to_owned(),
                figure: (*figure).to_owned(),
                cases: part.len(),
                value: round(value),
                low: None,
                high: None,
            }));
        }
    }
    out
}

/// The stratum without its last field, which is the class.
fn source(entry: &Entry) -> &str {
    let end = entry
        .stratum
        .find(['_', '-'])
        .unwrap_or(entry.stratum.len());
    entry.stratum.get(..end).unwrap_or_default()
}

/// Linear between the sorted values, as most programs do it.
fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let at = share * (sorted.len().checked_sub(1)?) as f64;
    let (low, part) = (at.floor() as usize, at.fract());
    let first = *sorted.get(low)?;
    let second = *sorted.get(low + 1).unwrap_or(&first);
    Some(first + (second - first) * part)
}

/// One line a picture.
pub(super) fn csv(cases: &[Judged<'_>]) -> String {
    let mut text = String::from("name,patient,subset,positive,probability,answered\n");
    for case in cases {
        text.push_str(&format!(
            "{},{},{},{},{:.5},{}\n",
            case.entry.name,
            case.entry.patient,
            case.entry.stratum,
            u8::from(case.entry.positive),
            case.probability,
            u8::from(case.answered)
        ));
    }
    text
}
