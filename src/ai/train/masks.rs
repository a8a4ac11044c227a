//! Masks of pictures: pairs of picture and mask, varied copies, Dice at the masks' own size.

use crate::{
    ai::{
        AiError, augment,
        card::{self, CaseMetrics, SubsetMetrics},
        data::{self, Sample, Split},
        learning::{Lesson, Run, TrainEvent},
        loss, preprocess,
        random::Random,
        recipe::{DataRecipe, Recipe},
        train::TrainReport,
        unet::{UNet, UNetConfig},
        weights::{MAX_FILE_BYTES, Weights, read_bounded, write_atomic},
    },
    imaging::{
        metrics::{Confusion, surface_distances},
        resample,
    },
};
use burn::tensor::{Device, Tensor, TensorData, activation::sigmoid};
use std::path::Path;

struct Masks<'a> {
    recipe: &'a Recipe,
    network: &'a UNetConfig,
    train: Vec<Sample>,
    validation: Vec<Sample>,
    device: &'a Device,
}

/// A whole run.
pub(super) fn run(
    run: &Run<'_>,
    folder: &Path,
    (data, network): (&DataRecipe, &UNetConfig),
    resume: bool,
    now: &str,
    seen: &mut dyn FnMut(TrainEvent),
) -> Result<TrainReport, AiError> {
    let recipe = run.recipe;
    let checkpoint = run.begin(resume, |seed| network.random_weights(seed))?;
    let shares = [data.train, data.validation];
    let split = data::split(&data::pairs(folder, data)?, shares, recipe.seed)?;
    write_atomic(
        &run.file("split.json"),
        &card::split_json(&card::Parts::of(&split), recipe.seed)?,
    )?;
    let side = recipe.input.side;
    let lesson = Masks {
        recipe,
        network,
        train: data::load(&split.train, data, side)?,
        validation: data::load(&split.validation, data, side)?,
        device: run.device,
    };
    let checkpoint = run.learn(&lesson, checkpoint, seen)?;
    let weights_file = run.weights_file();
    let cases = lesson.test(run, &Weights::load(&weights_file)?, &split, data)?;
    let bytes = read_bounded(&weights_file, MAX_FILE_BYTES)?;
    let card = card::from_training(
        recipe,
        *network,
        &bytes,
        card::Parts::of(&split),
        SubsetMetrics::all(&cases),
        &checkpoint,
        now,
    );
    let name = format!("{}.toml", recipe.model);
    write_atomic(&run.file(&name), card.to_toml()?.as_bytes())?;
    write_atomic(&run.file("test.csv"), card::cases_csv(&cases).as_bytes())?;
    Ok(TrainReport {
        card,
        curve: checkpoint.curve,
        cases,
        weights: weights_file,
    })
}

impl Lesson for Masks<'_> {
    type Network = UNet;

    fn score(&self) -> &'static str {
        "Dice"
    }

    fn steps(&self) -> usize {
        self.train.len().div_ceil(self.recipe.training.batch)
    }

    fn build(&self, weights: &Weights, device: &Device) -> Result<UNet, AiError> {
        UNet::new(self.network, weights, device)
    }

    fn loss(
        &self,
        network: &UNet,
        device: &Device,
        (epoch, step): (usize, usize),
        go_on: &dyn Fn() -> bool,
    ) -> Result<(Tensor<1>, usize), AiError> {
        let (recipe, side) = (self.recipe, self.recipe.input.side);
        let mut order: Vec<(usize, &Sample)> = self.train.iter().enumerate().collect();
        let label = u64::from_le_bytes(*b"order\0\0\0");
        Random::new(recipe.seed, &[label, epoch as u64]).shuffle(&mut order);
        let size = recipe.training.batch;
        let batch: Vec<_> = order.into_iter().skip(step * size).take(size).collect();
        let (mut images, mut targets) = (Vec::new(), Vec::new());
        for (index, sample) in &batch {
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
        let shape = [batch.len(), 1, side, side];
        let tensor = |values| Tensor::<4>::from_data(TensorData::new(values, shape), device);
        let logits = network.forward_while(tensor(images), go_on)?;
        let loss = loss::total(&recipe.training.loss, &logits, &tensor(targets))?;
        Ok((loss, batch.len()))
    }

    /// Mean loss at the network's size and mean Dice at the masks' own size.
    fn validate(&self, network: &UNet, go_on: &dyn Fn() -> bool) -> Result<(f32, f32), AiError> {
        let (mut loss_sum, mut dice_sum) = (0.0f64, 0.0f64);
        for sample in &self.validation {
            let logits = self.logits(network, sample, go_on)?;
            let target = self.tensor(sample.target.clone());
            let loss = loss::total(&self.recipe.training.loss, &logits, &target)?;
            loss_sum += f64::from(loss.into_scalar::<f32>());
            let mask = self.mask(logits, sample)?;
            dice_sum += Confusion::of(&sample.truth, &mask).map_or(0.0, Confusion::dice);
        }
        let n = self.validation.len() as f64;
        Ok(((loss_sum / n) as f32, (dice_sum / n) as f32))
    }
}

impl Masks<'_> {
    fn tensor(&self, values: Vec<f32>) -> Tensor<4> {
        let side = self.recipe.input.side;
        Tensor::from_data(TensorData::new(values, [1, 1, side, side]), self.device)
    }

    fn logits(
        &self,
        network: &UNet,
        sample: &Sample,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Tensor<4>, AiError> {
        let mut image = sample.image.clone();
        preprocess::standardise(&mut image);
        network.forward_while(self.tensor(image), go_on)
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
        run: &Run<'_>,
        weights: &Weights,
        split: &Split,
        data: &DataRecipe,
    ) -> Result<Vec<CaseMetrics>, AiError> {
        let network = self.build(weights, self.device)?;
        let go_on = || !run.cancel.is_cancelled();
        let samples = data::load(&split.test, data, self.recipe.input.side)?;
        samples
            .iter()
            .map(|sample| {
                let mask = self.mask(self.logits(&network, sample, &go_on)?, sample)?;
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
}
