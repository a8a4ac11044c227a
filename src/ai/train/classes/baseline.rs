//! Classical baselines on the same pictures, the same split and with the same figures as the networks: a support vector
//! machine on oriented gradients, a forest on radiomic features of the lung fields.

use super::{
    calibrate,
    figures::{self, Judged},
    pictures::{self, Entry, Loader},
};
use crate::{
    ai::{
        AiError, BurnDevice,
        card::ClassFigure,
        classical::{Forest, Growth, Scaling, support_vectors},
        recipe::{Baseline, LabelRecipe, Recipe},
        weights::write_atomic,
    },
    imaging::{
        metrics::auroc,
        texture::{CO_OCCURRENCE, FIRST_ORDER, co_occurrence, first_order, oriented_gradients},
    },
    task::CancelToken,
};
use std::{fs, path::Path};

/// Distances of the co-occurrence matrix, pixels of the 256 × 256 picture.
const DISTANCES: [usize; 2] = [1, 4];
/// Fewest pixels of a part of the lungs that is described.
const FEWEST: usize = 64;

/// Fits the baseline and judges it. Writes `figures.json` and `test.csv` into `out`.
///
/// # Errors
/// Data that do not fit, a disk that refuses, a stop on request.
pub fn run(
    recipe: &Recipe,
    (labels, baseline): (&LabelRecipe, &Baseline),
    folder: &Path,
    out: &Path,
    device: &BurnDevice,
    cancel: &CancelToken,
) -> Result<Vec<ClassFigure>, AiError> {
    fs::create_dir_all(out).map_err(AiError::io("cannot make the folder", out))?;
    let split = pictures::listed(folder, labels, recipe.seed)?;
    let loader = Loader::new(labels, recipe.input.side, device, cancel)?;
    let describe = |part: &[Entry]| -> Result<Vec<Vec<f64>>, AiError> {
        part.iter()
            .map(|e| features(&loader, e, baseline))
            .collect()
    };
    let truth = |part: &[Entry]| part.iter().map(|e| e.positive).collect::<Vec<bool>>();
    let [train, validation, test] = &split;
    let x = describe(train)?;
    let scaling = Scaling::of(&x);
    let scaled =
        |x: Vec<Vec<f64>>| -> Vec<Vec<f64>> { x.iter().map(|x| scaling.apply(x)).collect() };
    let (x, chosen_on, unseen) = (
        scaled(x),
        scaled(describe(validation)?),
        scaled(describe(test)?),
    );
    let evidence = fitted(
        (&x, &truth(train)),
        (&chosen_on, &truth(validation)),
        baseline,
        recipe.seed,
    );
    let of = |x: &[Vec<f64>]| x.iter().map(|x| evidence(x)).collect::<Vec<f64>>();
    let calibration = calibrate(&of(&chosen_on), &truth(validation));
    let [low, high] = labels.abstain;
    let judged: Vec<Judged<'_>> = test
        .iter()
        .zip(of(&unseen))
        .map(|(entry, evidence)| {
            let probability = calibration.probability(evidence);
            Judged {
                entry,
                probability,
                answered: probability <= low || probability >= high,
            }
        })
        .collect();
    let found = figures::all(&judged, recipe.seed);
    let json = serde_json::to_vec_pretty(&found).map_err(|e| AiError::Data(e.to_string()))?;
    write_atomic(&out.join("figures.json"), &json)?;
    write_atomic(&out.join("test.csv"), figures::csv(&judged).as_bytes())?;
    Ok(found)
}

type Evidence = Box<dyn Fn(&[f64]) -> f64>;

/// What was learnt: evidence of the features of a picture.
fn fitted(
    (x, truth): (&[Vec<f64>], &[bool]),
    (chosen_on, chosen_truth): (&[Vec<f64>], &[bool]),
    baseline: &Baseline,
    seed: u64,
) -> Evidence {
    match baseline {
        Baseline::OrientedGradients { costs, .. } => {
            // The cost by the validation part, the smaller of equals.
            let mut best = None;
            for &cost in costs {
                let model = support_vectors(x, truth, cost, seed);
                let scores: Vec<f64> = chosen_on.iter().map(|x| model.evidence(x)).collect();
                let score = auroc(chosen_truth, &scores).unwrap_or(0.0);
                if best.as_ref().is_none_or(|(other, _)| score > *other) {
                    best = Some((score, model));
                }
            }
            match best {
                Some((_, model)) => Box::new(move |x| model.evidence(x)),
                None => Box::new(|_| 0.0),
            }
        }
        Baseline::Radiomics { trees, depth, leaf } => {
            let growth = Growth {
                trees: *trees,
                depth: *depth,
                leaf: *leaf,
            };
            let forest = Forest::grow(x, truth, growth, seed);
            let bound = 0.5 / *trees as f64;
            Box::new(move |x| {
                let p = forest.probability(x).clamp(bound, 1.0 - bound);
                (p / (1.0 - p)).ln()
            })
        }
    }
}

fn features(loader: &Loader<'_>, entry: &Entry, baseline: &Baseline) -> Result<Vec<f64>, AiError> {
    match baseline {
        Baseline::OrientedGradients { cell, .. } => {
            let (image, side) = loader.image(entry)?;
            Ok(oriented_gradients(&image, side, *cell))
        }
        Baseline::Radiomics { .. } => {
            let (image, mask, side) = loader.lung_field(entry)?;
            Ok(radiomics(&image, &mask, side))
        }
    }
}

/// First-order statistics and co-occurrence of the lung field: of all of it, of its left and right and of its upper and
/// lower half.
fn radiomics(image: &[f32], mask: &[bool], side: usize) -> Vec<f64> {
    let (mut low, mut high) = (side, 0usize);
    for (index, _) in mask.iter().enumerate().filter(|(_, m)| **m) {
        low = low.min(index / side);
        high = high.max(index / side);
    }
    let middle = (low + high) / 2;
    let parts: [fn(usize, usize, usize, usize) -> bool; 5] = [
        |_, _, _, _| true,
        |_, column, _, side| column < side / 2,
        |_, column, _, side| column >= side / 2,
        |row, _, middle, _| row <= middle,
        |row, _, middle, _| row > middle,
    ];
    let mut out = Vec::new();
    for part in parts {
        let own: Vec<bool> = mask
            .iter()
            .enumerate()
            .map(|(i, &m)| m && part(i / side, i % side, middle, side))
            .collect();
        let values: Vec<f32> = image
            .iter()
            .zip(&own)
            .filter(|(_, m)| **m)
            .map(|(v, _)| *v)
            .collect();
        if values.len() < FEWEST {
            out.extend([0.0; FIRST_ORDER.len() + DISTANCES.len() * CO_OCCURRENCE.len()]);
            continue;
        }
        out.extend(first_order(&values));
        for distance in DISTANCES {
            out.extend(co_occurrence(image, &own, [side, side], distance));
        }
    }
    let share = mask.iter().filter(|m| **m).count() as f64 / mask.len().max(1) as f64;
    out.push(share);
    out
}
