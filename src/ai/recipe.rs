//! The training task file (`train --task FILE.toml`). `assets/models/lung-fields.train.toml` is the documented
//! example and the recipe of the bundled model.

use super::{AiError, card::About, unet::UNetConfig};
use serde::{Deserialize, Serialize};

/// Everything that decides what a training run computes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Version of this file format: 1.
    pub version: u32,
    /// Id of the model that comes out.
    pub model: String,
    /// Version of the model that comes out.
    pub model_version: String,
    /// Seed of weights, split, order and augmentation; `--seed` overrides it.
    pub seed: u64,
    /// Pictures and masks.
    pub data: DataRecipe,
    /// The network.
    pub network: UNetConfig,
    /// What the network is shown.
    pub input: InputRecipe,
    /// How it learns.
    pub training: TrainingRecipe,
    /// How pictures are varied.
    pub augmentation: AugmentationRecipe,
    /// What the card of the new model says.
    pub about: About,
}

/// Where pairs of picture and mask come from; the same file name in two folders makes a pair.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataRecipe {
    /// Folder of pictures (PNG or JPEG) inside the data folder.
    pub images: String,
    /// Folder of masks inside the data folder.
    pub masks: String,
    /// Mask pixels above this 8-bit value belong to the object.
    pub mask_threshold: u8,
    /// Splits a file name (without extension) into fields.
    pub separator: String,
    /// Numbers of the fields, from 0, that name the patient; no patient is in two parts of the split.
    pub patient_fields: Vec<usize>,
    /// Numbers of the fields that name the stratum; each stratum is split by the same shares.
    pub stratum_fields: Vec<usize>,
    /// Share of patients to train with.
    pub train: f64,
    /// Share of patients to choose the best epoch with; the rest is for the final test.
    pub validation: f64,
}

/// What the network is shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputRecipe {
    /// Side of the square input in pixels.
    pub side: usize,
}

/// How the network learns: Adam, cross-entropy plus Dice loss.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingRecipe {
    /// Passes over the training pictures, one number for each fall of the step size from its top to its end.
    pub cycles: Vec<usize>,
    /// What the top of the step size is multiplied with from cycle to cycle.
    pub restart: f64,
    /// Pictures of a step.
    pub batch: usize,
    /// Largest step size of the first cycle.
    pub learning_rate: f64,
    /// Share of the top at the end of each cycle's cosine.
    pub final_share: f64,
    /// Epochs over which the step size grows from zero in the first cycle.
    pub warm_up: f64,
}

/// How pictures are varied while training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AugmentationRecipe {
    /// Probability of a left-right flip.
    pub flip: f64,
    /// Largest rotation either way.
    pub rotation_degrees: f64,
    /// Largest shift either way, as a share of the side.
    pub shift: f64,
    /// Largest zoom either way, as a share; columns and rows are drawn one by one.
    pub scale: f64,
    /// Largest |log₂| of the gamma exponent.
    pub gamma: f64,
    /// Largest relative change of contrast.
    pub contrast: f64,
    /// Largest change of brightness; the picture's range is 1.
    pub brightness: f64,
    /// Largest standard deviation of added noise.
    pub noise: f64,
}

impl TrainingRecipe {
    /// Epochs of all cycles.
    pub fn epochs(&self) -> usize {
        self.cycles.iter().sum()
    }

    /// Step size at a point in time counted in epochs: linear growth, then half a cosine down to the final share,
    /// and again from a lower top in each further cycle (Loshchilov and Hutter 2017).
    pub fn rate(&self, epoch: f64) -> f64 {
        let (mut top, mut begin, mut warm_up) = (self.learning_rate, 0.0, self.warm_up);
        let mut length = 0.0;
        for (index, &cycle) in self.cycles.iter().enumerate() {
            if index > 0 && epoch < begin + length {
                break;
            }
            if index > 0 {
                begin += length;
                top *= self.restart;
                warm_up = 0.0;
            }
            length = cycle as f64;
        }
        let epoch = epoch - begin;
        if epoch < warm_up {
            return top * (epoch + 0.02).min(warm_up) / warm_up;
        }
        let left = (length - warm_up).max(1e-9);
        let done = ((epoch - warm_up) / left).clamp(0.0, 1.0);
        let cosine = 0.5 * (1.0 + (std::f64::consts::PI * done).cos());
        top * (self.final_share + (1.0 - self.final_share) * cosine)
    }
}

impl Recipe {
    /// Reads and checks a task file.
    pub fn parse(text: &str) -> Result<Self, AiError> {
        let recipe: Self =
            toml::from_str(text).map_err(|e| AiError::Task(e.message().to_owned()))?;
        recipe.check()?;
        Ok(recipe)
    }

    /// The task file.
    pub fn to_toml(&self) -> Result<String, AiError> {
        toml::to_string(self).map_err(|error| AiError::Task(error.to_string()))
    }

    fn check(&self) -> Result<(), AiError> {
        let refuse = |what: &str| Err(AiError::Task(what.into()));
        self.network.check()?;
        if self.version != 1 {
            return refuse("version must be 1");
        }
        if self.network.input_channels != 1 || self.network.classes != 1 {
            return refuse("training knows one input channel and one class");
        }
        let side = self.input.side;
        if side == 0 || side > 2048 || !side.is_multiple_of(self.network.multiple()) {
            return Err(AiError::Task(format!(
                "side must be a multiple of {} and 2048 at most",
                self.network.multiple()
            )));
        }
        let data = &self.data;
        if data.separator.is_empty() || data.patient_fields.is_empty() {
            return refuse("separator and patient_fields must not be empty");
        }
        let share = |v: f64| v > 0.0 && v < 1.0;
        if !share(data.train) || !share(data.validation) || data.train + data.validation >= 1.0 {
            return refuse("train and validation must be above 0 and leave a share for the test");
        }
        let t = &self.training;
        if t.cycles.is_empty()
            || t.cycles.iter().any(|&n| n == 0 || n > 10_000)
            || t.cycles.len() > 100
        {
            return refuse("cycles must be numbers of epochs, 1 to 10000 each");
        }
        if t.batch == 0 || t.batch > 256 {
            return refuse("batch must be 1 to 256");
        }
        let learns = t.learning_rate > 0.0 && t.learning_rate <= 1.0;
        if !learns
            || !(0.0..=1.0).contains(&t.final_share)
            || !(0.0..=1.0).contains(&t.restart)
            || !(0.0..=1000.0).contains(&t.warm_up)
        {
            return refuse("learning_rate, restart, final_share or warm_up is out of range");
        }
        let a = &self.augmentation;
        let unit = [a.flip, a.shift, a.scale, a.contrast, a.brightness, a.noise];
        if unit.iter().any(|v| !(0.0..=1.0).contains(v)) || a.scale > 0.9 {
            return refuse("augmentation shares must be 0 to 1, scale 0.9 at most");
        }
        if !(0.0..=180.0).contains(&a.rotation_degrees) || !(0.0..=4.0).contains(&a.gamma) {
            return refuse("rotation_degrees or gamma is out of range");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_step_size_grows_falls_and_starts_again_lower() {
        let t = TrainingRecipe {
            cycles: vec![10, 4],
            restart: 0.5,
            batch: 1,
            learning_rate: 0.01,
            final_share: 0.1,
            warm_up: 2.0,
        };
        let near = |epoch: f64, expected: f64| {
            let found = t.rate(epoch);
            assert!(
                (found - expected).abs() < 1e-9,
                "at {epoch}: {found} is not {expected}"
            );
        };
        near(1.0, 0.0051);
        near(2.0, 0.01);
        // Half way down from 0.01 to 0.001.
        near(6.0, 0.0055);
        near(10.0, 0.005);
        near(12.0, 0.00275);
        near(14.0, 0.0005);
        assert!(t.rate(9.999) < 0.00101 && t.rate(0.0) < 0.0002);
        assert_eq!(t.epochs(), 14);
    }
}
