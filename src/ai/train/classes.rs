//! Classes of pictures: varied copies, a network with one logit or two, calibration on the part that chose the epoch,
//! figures with intervals on patients that neither trained nor chose.

pub mod baseline;
mod figures;
mod pictures;

use crate::{
    ai::{
        AiError, BurnDevice, augment,
        card::{self, Calibration, CardClassifier, Parts},
        classes,
        learning::{Lesson, Run, TrainEvent},
        loss,
        networks::{Architecture, Net, Plan},
        preprocess,
        random::Random,
        recipe::{LabelRecipe, Recipe},
        train::TrainReport,
        weights::{MAX_FILE_BYTES, Weights, read_bounded, write_atomic},
    },
    task::CancelToken,
};
use burn::tensor::{Device, Tensor, TensorData};
use figures::Judged;
use pictures::Picture;
use std::path::Path;

/// Passes of Newton's method for the calibration; it converges in a few.
const NEWTON: usize = 50;
/// Pulls the slope towards 1 and the offset towards 0, in units of pictures: the validation part is small.
const PRIOR: f64 = 1.0;

struct Classes<'a> {
    recipe: &'a Recipe,
    plan: Plan,
    train: Vec<Picture>,
    validation: Vec<Picture>,
    device: &'a Device,
}

/// A whole run.
pub(super) fn run(
    run: &Run<'_>,
    folder: &Path,
    (labels, network): (&LabelRecipe, &Architecture),
    resume: bool,
    now: &str,
    seen: &mut dyn FnMut(TrainEvent),
) -> Result<TrainReport, AiError> {
    let recipe = run.recipe;
    let plan = network.plan()?;
    let checkpoint = run.begin(resume, |seed| plan.random_weights(seed))?;
    let [train, validation, test] = pictures::listed(folder, labels, recipe.seed)?;
    let names = |part: &[pictures::Entry]| part.iter().map(|e| e.name.clone()).collect();
    let parts = Parts {
        train: names(&train),
        validation: names(&validation),
        test: names(&test),
    };
    write_atomic(
        &run.file("split.json"),
        &card::split_json(&parts, recipe.seed)?,
    )?;
    let device = BurnDevice::of(run.device);
    let loader = pictures::Loader::new(labels, recipe.input.side, &device, run.cancel)?;
    let lesson = Classes {
        recipe,
        plan,
        train: loader.load(&train)?,
        validation: loader.load(&validation)?,
        device: run.device,
    };
    let checkpoint = run.learn(&lesson, checkpoint, seen)?;
    let weights_file = run.weights_file();
    let bytes = read_bounded(&weights_file, MAX_FILE_BYTES)?;
    let net = Net::new(&lesson.plan, &Weights::load(&weights_file)?, run.device)?;
    let chosen = lesson.evidence(&net, &lesson.validation, run.cancel)?;
    let truth: Vec<bool> = lesson.validation.iter().map(|p| p.entry.positive).collect();
    let positives = lesson.train.iter().filter(|p| p.entry.positive).count();
    let mut what = CardClassifier {
        network: network.clone(),
        crop: labels.crop,
        positive: labels.positive.clone(),
        negative: labels.negative.clone(),
        calibration: calibrate(&chosen, &truth),
        abstain: labels.abstain,
        prevalence: positives as f64 / lesson.train.len().max(1) as f64,
        figures: Vec::new(),
    };
    let held_out = loader.load(&test)?;
    let evidence = lesson.evidence(&net, &held_out, run.cancel)?;
    let judged: Vec<Judged<'_>> = held_out
        .iter()
        .zip(&evidence)
        .map(|(picture, &evidence)| {
            let probability = what.calibration.probability(evidence);
            Judged {
                entry: &picture.entry,
                probability,
                answered: !what.abstains(probability),
            }
        })
        .collect();
    what.figures = figures::all(&judged, recipe.seed);
    let rows = figures::csv(&judged);
    let mut card = card::from_training(
        recipe,
        card::no_unet(),
        &bytes,
        parts,
        Vec::new(),
        &checkpoint,
        now,
    );
    card.weights.parameters = lesson.plan.parameter_count();
    card.input.mirrored = true;
    card.classifier = Some(what);
    let name = format!("{}.toml", recipe.model);
    write_atomic(&run.file(&name), card.to_toml()?.as_bytes())?;
    write_atomic(&run.file("test.csv"), rows.as_bytes())?;
    Ok(TrainReport {
        card,
        curve: checkpoint.curve,
        cases: Vec::new(),
        weights: weights_file,
    })
}

impl Lesson for Classes<'_> {
    type Network = Net;

    fn score(&self) -> &'static str {
        self.recipe.score()
    }

    fn steps(&self) -> usize {
        self.train.len().div_ceil(self.recipe.training.batch)
    }

    fn build(&self, weights: &Weights, device: &Device) -> Result<Net, AiError> {
        if device.is_autodiff() {
            Net::to_train(&self.plan, weights, device)
        } else {
            Net::new(&self.plan, weights, device)
        }
    }

    fn finished(&self, weights: &Weights) -> Result<Weights, AiError> {
        Ok(weights.clone())
    }

    fn loss(
        &self,
        network: &Net,
        device: &Device,
        (epoch, step): (usize, usize),
        go_on: &dyn Fn() -> bool,
    ) -> Result<(Tensor<1>, usize), AiError> {
        let (recipe, side) = (self.recipe, self.recipe.input.side);
        let mut order: Vec<(usize, &Picture)> = self.train.iter().enumerate().collect();
        let label = u64::from_le_bytes(*b"order\0\0\0");
        Random::new(recipe.seed, &[label, epoch as u64]).shuffle(&mut order);
        let size = recipe.training.batch;
        let batch: Vec<_> = order.into_iter().skip(step * size).take(size).collect();
        let (mut images, mut positive) = (Vec::new(), Vec::new());
        for (index, picture) in &batch {
            let label = u64::from_le_bytes(*b"vary\0\0\0\0");
            let mut random = Random::new(recipe.seed, &[label, epoch as u64, *index as u64]);
            let (mut image, _) =
                augment::vary(&picture.image, &[], side, &recipe.augmentation, &mut random);
            preprocess::standardise(&mut image);
            images.extend(image);
            positive.push(picture.entry.positive);
        }
        let data = TensorData::new(images, [batch.len(), 1, side, side]);
        let logits = network.classify(Tensor::<4>::from_data(data, device), go_on)?;
        Ok((self.judge(logits, &positive)?, batch.len()))
    }

    /// Mean loss, and the likelihood of the truth.
    fn validate(&self, network: &Net, go_on: &dyn Fn() -> bool) -> Result<(f32, f32), AiError> {
        let side = self.recipe.input.side;
        let batch = self.recipe.training.batch;
        let (mut loss_sum, mut entropy) = (0.0f64, 0.0f64);
        let device = BurnDevice::of(self.device);
        for part in self.validation.chunks(batch) {
            let positive: Vec<bool> = part.iter().map(|p| p.entry.positive).collect();
            let mut images = Vec::new();
            for picture in part {
                let mut image = picture.image.clone();
                preprocess::standardise(&mut image);
                images.extend(image);
            }
            let data = TensorData::new(images, [part.len(), 1, side, side]);
            let logits = network.classify(Tensor::<4>::from_data(data, self.device), go_on)?;
            let loss = self.judge(logits, &positive)?;
            loss_sum += f64::from(loss.into_scalar::<f32>()) * part.len() as f64;
            let pictures: Vec<Vec<f32>> = part.iter().map(|p| p.image.clone()).collect();
            let evidence = classes::evidence_of(network, &pictures, side, &device, go_on)?;
            entropy += evidence
                .iter()
                .zip(&positive)
                .map(|(&x, &t)| soft_plus(if t { -x } else { x }))
                .sum::<f64>();
        }
        let n = self.validation.len() as f64;
        Ok(((loss_sum / n) as f32, (-entropy / n).exp() as f32))
    }
}

impl Classes<'_> {
    /// The loss of logits `[batch, 1]` or `[batch, 2]`.
    fn judge(&self, logits: Tensor<2>, positive: &[bool]) -> Result<Tensor<1>, AiError> {
        let [batch, classes] = logits.dims();
        let device = logits.device();
        let truth: Vec<f32> = positive
            .iter()
            .flat_map(|&t| match (classes, t) {
                (1, true) => vec![1.0],
                (1, false) => vec![0.0],
                (_, true) => vec![0.0, 1.0],
                (_, false) => vec![1.0, 0.0],
            })
            .collect();
        let shape = [batch, classes, 1, 1];
        let truth = Tensor::<4>::from_data(TensorData::new(truth, shape), &device);
        loss::total(&self.recipe.training.loss, &logits.reshape(shape), &truth)
    }

    fn evidence(
        &self,
        network: &Net,
        pictures: &[Picture],
        cancel: &CancelToken,
    ) -> Result<Vec<f64>, AiError> {
        let go_on = || !cancel.is_cancelled();
        let device = BurnDevice::of(self.device);
        let mut out = Vec::new();
        for part in pictures.chunks(16) {
            let images: Vec<Vec<f32>> = part.iter().map(|p| p.image.clone()).collect();
            let side = self.recipe.input.side;
            out.extend(classes::evidence_of(
                network, &images, side, &device, &go_on,
            )?);
        }
        Ok(out)
    }
}

/// ln(1 + eˣ).
fn soft_plus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// Slope and offset that make the probabilities most likely, by Newton's method; a weak prior keeps them finite where
/// the classes are wholly apart.
fn calibrate(evidence: &[f64], truth: &[bool]) -> Calibration {
    let mut now = Calibration {
        slope: 1.0,
        offset: 0.0,
    };
    for _ in 0..NEWTON {
        let (mut g, mut h) = (
            [PRIOR * (now.slope - 1.0), PRIOR * now.offset],
            [PRIOR, 0.0, PRIOR],
        );
        for (&x, &t) in evidence.iter().zip(truth) {
            let p = now.probability(x);
            let error = p - f64::from(u8::from(t));
            let weight = (p * (1.0 - p)).max(1e-9);
            g[0] += error * x;
            g[1] += error;
            h[0] += weight * x * x;
            h[1] += weight * x;
            h[2] += weight;
        }
        let determinant = h[0] * h[2] - h[1] * h[1];
        let step = [
            (h[2] * g[0] - h[1] * g[1]) / determinant,
            (h[0] * g[1] - h[1] * g[0]) / determinant,
        ];
        // Half steps where a whole one would turn the order of the pictures round.
        let slope = now.slope - step[0];
        now.slope = if slope > 0.0 { slope } else { now.slope / 2.0 };
        now.offset -= step[1];
        if step[0].abs() + step[1].abs() < 1e-10 {
            break;
        }
    }
    now
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calibration_finds_what_the_evidence_was_scaled_by() {
        // Evidence three times too sure and shifted by one.
        let mut random = Random::new(5, &[]);
        let (mut evidence, mut truth) = (Vec::new(), Vec::new());
        for _ in 0..20_000 {
            let x = 2.0 * random.normal();
            truth.push(random.unit() < 1.0 / (1.0 + (-x).exp()));
            evidence.push(3.0 * x + 1.0);
        }
        let found = calibrate(&evidence, &truth);
        assert!((found.slope - 1.0 / 3.0).abs() < 0.02, "{found:?}");
        assert!((found.offset + 1.0 / 3.0).abs() < 0.05, "{found:?}");
    }

    #[test]
    fn classes_that_are_wholly_apart_give_a_finite_calibration() {
        let evidence = [-4.0, -3.0, -2.0, 2.0, 3.0, 4.0];
        let truth = [false, false, false, true, true, true];
        let found = calibrate(&evidence, &truth);
        assert!(found.slope > 0.5 && found.slope < 10.0, "{found:?}");
        assert!(found.offset.abs() < 1e-6, "{found:?}");
        // The wrong way round: the slope stays above 0, and nothing is sure.
        let found = calibrate(&evidence, &truth.map(|t| !t));
        assert!(
            found.slope > 0.0 && found.probability(4.0) < 0.9,
            "{found:?}"
        );
    }
}
