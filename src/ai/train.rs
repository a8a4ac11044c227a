//! The training run: epochs over varied pictures, validation, checkpoints, and the final test.
//!
//! A run is repeatable from its seed: weights, split, order and variation come from it, and no sum depends on
//! which thread came first. A resumed run computes what an uninterrupted one does.

use super::{
    AiError, BurnDevice, augment,
    card::{self, CaseMetrics, ModelCard, SubsetMetrics},
    checkpoint::{Checkpoint, EpochRecord},
    data::{self, Sample},
    learner::Learner,
    loss::bce_dice,
    preprocess,
    random::Random,
    recipe::Recipe,
    unet::UNet,
    weights::{Weights, read_bounded, write_atomic},
};
use crate::{
    imaging::{
        metrics::{Confusion, surface_distances},
        resample,
    },
    task::{CancelToken, Progress},
};
use burn::tensor::{Device, Tensor, TensorData, activation::sigmoid};
use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

/// A training run.
pub struct Trainer {
    recipe: Recipe,
    data: PathBuf,
    out: PathBuf,
    device: Device,
}

/// What a finished run says.
#[derive(Debug)]
pub struct TrainReport {
    /// The card of the new model.
    pub card: ModelCard,
    /// The learning curve.
    pub curve: Vec<EpochRecord>,
    /// Each test picture.
    pub cases: Vec<CaseMetrics>,
    /// Where the weights lie.
    pub weights: PathBuf,
}

impl Trainer {
    /// A run of `recipe` on `data`, writing into `out` (made when missing), computing on `device`.
    pub fn new(recipe: Recipe, data: &Path, out: &Path, device: &BurnDevice) -> Self {
        Self {
            recipe,
            data: data.into(),
            out: out.into(),
            device: device.burn().clone(),
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.out.join(name)
    }

    /// Runs all epochs and the final test. `now` is the day for the card (ISO). `seen` is called after each epoch.
    ///
    /// Files in the output folder: `recipe.toml`, `split.json`, `curve.csv`, `checkpoint.safetensors`,
    /// `<model>.safetensors` (best epoch, folded), `<model>.toml` (its card) and `test.csv`.
    pub fn run(
        &self,
        resume: bool,
        now: &str,
        cancel: &CancelToken,
        progress: &Progress,
        mut seen: impl FnMut(&EpochRecord),
    ) -> Result<TrainReport, AiError> {
        fs::create_dir_all(&self.out).map_err(AiError::io("cannot make the folder", &self.out))?;
        let recipe = &self.recipe;
        let recipe_text = recipe.to_toml()?;
        let mut checkpoint = self.start(resume, &recipe_text)?;
        let split = data::split(&data::pairs(&self.data, recipe)?, recipe, recipe.seed)?;
        write_atomic(
            &self.file("split.json"),
            &card::split_json(&split, recipe.seed)?,
        )?;
        let train = data::load(&split.train, recipe)?;
        let validation = data::load(&split.validation, recipe)?;
        let steps_an_epoch = train.len().div_ceil(recipe.training.batch);
        progress.set_total((recipe.training.epochs() * steps_an_epoch) as u64);
        let moments = (
            &checkpoint.first_moments,
            &checkpoint.second_moments,
            checkpoint.steps,
        );
        let mut learner =
            Learner::new(&recipe.network, &checkpoint.weights, moments, &self.device)?;
        let weights_file = self.file(&format!("{}.safetensors", recipe.model));
        for epoch in checkpoint.curve.len()..recipe.training.epochs() {
            let start = Instant::now();
            progress.set((epoch * steps_an_epoch) as u64);
            let (train_loss, rate) = self.epoch(&mut learner, &train, epoch, cancel, progress)?;
            let (weights, first, second, steps) = learner.state()?;
            let folded = weights.folded()?;
            let network = UNet::new(&recipe.network, &folded, &self.device)?;
            let (validation_loss, validation_dice) =
                self.validate(&network, &validation, cancel)?;
            let record = EpochRecord {
                epoch: epoch as u32 + 1,
                learning_rate: rate as f32,
                train_loss,
                validation_loss,
                validation_dice,
                seconds: start.elapsed().as_secs_f32(),
            };
            let improved = checkpoint
                .best()
                .is_none_or(|best| record.validation_dice > best.validation_dice);
            if improved {
                folded.save(&weights_file)?;
            }
            checkpoint.curve.push(record);
            checkpoint = Checkpoint {
                weights,
                first_moments: first,
                second_moments: second,
                steps,
                curve: checkpoint.curve,
            };
            checkpoint.save(&self.file("checkpoint.safetensors"))?;
            write_atomic(&self.file("curve.csv"), checkpoint.csv().as_bytes())?;
            seen(&record);
        }
        let cases = self.test(&weights_file, &split.test, cancel)?;
        let card = self.finish(&weights_file, &split, &cases, &checkpoint, now)?;
        Ok(TrainReport {
            card,
            curve: checkpoint.curve,
            cases,
            weights: weights_file,
        })
    }

    /// A new start, or the checkpoint of a run with the same recipe.
    fn start(&self, resume: bool, recipe_text: &str) -> Result<Checkpoint, AiError> {
        let recipe_file = self.file("recipe.toml");
        if resume {
            let before = read_bounded(&recipe_file, 1 << 20)?;
            if before != recipe_text.as_bytes() {
                return Err(AiError::Task(
                    "the run in the output folder has another recipe or seed; resume it with its own".into(),
                ));
            }
            return Checkpoint::load(&self.file("checkpoint.safetensors"));
        }
        if self.file("checkpoint.safetensors").exists() {
            return Err(AiError::Task(
                "the output folder holds a run already; go on with --resume or choose another folder".into(),
            ));
        }
        write_atomic(&recipe_file, recipe_text.as_bytes())?;
        Ok(Checkpoint {
            weights: self.recipe.network.random_weights(self.recipe.seed),
            ..Checkpoint::default()
        })
    }

    /// One pass over the training pictures; mean loss and the last step size.
    fn epoch(
        &self,
        learner: &mut Learner,
        train: &[Sample],
        epoch: usize,
        cancel: &CancelToken,
        progress: &Progress,
    ) -> Result<(f32, f64), AiError> {
        let recipe = &self.recipe;
        let side = recipe.input.side;
        let mut order: Vec<(usize, &Sample)> = train.iter().enumerate().collect();
        let label = u64::from_le_bytes(*b"order\0\0\0");
        Random::new(recipe.seed, &[label, epoch as u64]).shuffle(&mut order);
        let batches = order.len().div_ceil(recipe.training.batch);
        let (mut sum, mut rate) = (0.0f64, 0.0);
        for (step, batch) in order.chunks(recipe.training.batch).enumerate() {
            if cancel.is_cancelled() {
                return Err(AiError::Cancelled);
            }
            let (mut images, mut targets) = (Vec::new(), Vec::new());
            for (index, sample) in batch {
                let label = u64::from_le_bytes(*b"vary\0\0\0\0");
                let mut random = Random::new(recipe.seed, &[label, epoch as u64, *index as u64]);
                let (mut image, target) = augment::vary(
                    &sample.image,
                    &sample.target,
                    side,
                    &recipe.augmentation,
                    &mut random,
                );
                preprocess::standardise(&mut image);
                images.extend(image);
                targets.extend(target);
            }
            rate = recipe
                .training
                .rate(epoch as f64 + step as f64 / batches as f64);
            let go_on = || !cancel.is_cancelled();
            let loss = learner.step(images, targets, side, rate, &go_on)?;
            sum += f64::from(loss) * batch.len() as f64;
            progress.add(1);
        }
        Ok(((sum / train.len() as f64) as f32, rate))
    }

    /// Mean loss at the network's size and mean Dice at the masks' own size.
    fn validate(
        &self,
        network: &UNet,
        samples: &[Sample],
        cancel: &CancelToken,
    ) -> Result<(f32, f32), AiError> {
        let (mut loss_sum, mut dice_sum) = (0.0f64, 0.0f64);
        for sample in samples {
            let logits = self.logits(network, sample, cancel)?;
            let target = self.tensor(sample.target.clone());
            loss_sum += f64::from(bce_dice(logits.clone(), target).into_scalar::<f32>());
            let mask = self.mask(logits, sample)?;
            dice_sum += Confusion::of(&sample.truth, &mask).map_or(0.0, Confusion::dice);
        }
        let n = samples.len() as f64;
        Ok(((loss_sum / n) as f32, (dice_sum / n) as f32))
    }

    fn tensor(&self, values: Vec<f32>) -> Tensor<4> {
        let side = self.recipe.input.side;
        Tensor::from_data(TensorData::new(values, [1, 1, side, side]), &self.device)
    }

    fn logits(
        &self,
        network: &UNet,
        sample: &Sample,
        cancel: &CancelToken,
    ) -> Result<Tensor<4>, AiError> {
        let mut image = sample.image.clone();
        preprocess::standardise(&mut image);
        network.forward_while(self.tensor(image), &|| !cancel.is_cancelled())
    }

    /// The mask at the size of the truth: probability, linear between pixels, at least one half.
    fn mask(&self, logits: Tensor<4>, sample: &Sample) -> Result<Vec<bool>, AiError> {
        let side = self.recipe.input.side;
        let probability: Vec<f32> = sigmoid(logits)
            .try_into_vec_as()
            .map_err(|error| AiError::Compute(error.to_string()))?;
        let full = resample::bilinear(&probability, [side, side], sample.truth_size)
            .map_err(|error| AiError::Compute(error.to_string()))?;
        Ok(full.iter().map(|&p| p >= 0.5).collect())
    }

    /// Measures the chosen weights on pictures that neither trained nor chose.
    fn test(
        &self,
        weights: &Path,
        pairs: &[data::Pair],
        cancel: &CancelToken,
    ) -> Result<Vec<CaseMetrics>, AiError> {
        let network = UNet::new(&self.recipe.network, &Weights::load(weights)?, &self.device)?;
        let samples = data::load(pairs, &self.recipe)?;
        samples
            .iter()
            .map(|sample| {
                let mask = self.mask(self.logits(&network, sample, cancel)?, sample)?;
                let counts = Confusion::of(&sample.truth, &mask).unwrap_or_default();
                let [rows, columns] = sample.truth_size;
                let distances =
                    surface_distances(&sample.truth, &mask, &[rows, columns], &[1.0, 1.0]);
                Ok(CaseMetrics {
                    name: sample.pair.name.clone(),
                    subset: sample.pair.stratum.clone(),
                    dice: counts.dice(),
                    iou: counts.iou(),
                    precision: counts.precision(),
                    recall: counts.recall(),
                    hd95_px: distances.map(|d| d.hd95),
                    assd_px: distances.map(|d| d.assd),
                })
            })
            .collect()
    }

    fn finish(
        &self,
        weights: &Path,
        split: &data::Split,
        cases: &[CaseMetrics],
        checkpoint: &Checkpoint,
        now: &str,
    ) -> Result<ModelCard, AiError> {
        let bytes = read_bounded(weights, super::weights::MAX_FILE_BYTES)?;
        let best = checkpoint.best().map_or(0, |record| record.epoch);
        let card = card::from_training(
            &self.recipe,
            &bytes,
            split,
            SubsetMetrics::all(cases),
            best,
            now,
        )?;
        let name = format!("{}.toml", self.recipe.model);
        write_atomic(&self.file(&name), card.to_toml()?.as_bytes())?;
        write_atomic(&self.file("test.csv"), card::cases_csv(cases).as_bytes())?;
        Ok(card)
    }
}
