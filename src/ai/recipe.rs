//! The training task file (`train --task FILE.toml`). `assets/models/lung-fields.train.toml` is the documented
//! example and the recipe of the bundled model.

use super::{AiError, card::About, networks::Architecture, unet::UNetConfig};
use serde::{Deserialize, Serialize};

/// The score of masks and lesions.
pub const DICE: &str = "Dice";
/// The score of classes: e to the minus cross-entropy, the geometric mean of the probabilities given to what is true.
pub const LIKELIHOOD: &str = "likelihood";

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
    /// Pictures and masks to learn masks from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<DataRecipe>,
    /// Made-up people to learn lesions from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phantom: Option<PhantomRecipe>,
    /// Pictures with a class each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<LabelRecipe>,
    /// A classical method that tells classes, to compare with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Baseline>,
    /// The network that tells classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classifier: Option<Architecture>,
    /// The network that draws masks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<UNetConfig>,
    /// What the network is shown.
    pub input: InputRecipe,
    /// How it learns; a classical method needs none of it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub training: TrainingRecipe,
    /// How pictures are varied.
    #[serde(default, skip_serializing_if = "is_default")]
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

/// Pictures with one of two classes, by folder or by a field of the file name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelRecipe {
    /// Folders of pictures (PNG or JPEG) inside the data folder.
    pub folders: Vec<LabelFolder>,
    /// Splits a file name (without extension) into fields.
    pub separator: String,
    /// Numbers of the fields, from 0, that name the patient; no patient is in two parts of the split.
    pub patient_fields: Vec<usize>,
    /// Numbers of the fields that name the stratum; the class is always part of it.
    pub stratum_fields: Vec<usize>,
    /// The field that tells the class, and what it says for the positive one; folders with a class of their own need none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_field: Option<ClassField>,
    /// What the positive class is called.
    pub positive: String,
    /// What the negative class is called.
    pub negative: String,
    /// Share of patients to train with.
    pub train: f64,
    /// Share of patients to choose the best epoch and to calibrate with; the rest is for the final test.
    pub validation: f64,
    /// Which part of the picture the network is shown.
    #[serde(default)]
    pub crop: Crop,
    /// Calibrated probabilities between these two are no answer.
    pub abstain: [f64; 2],
}

/// A classical method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Baseline {
    /// A linear support vector machine on histograms of oriented gradients.
    OrientedGradients {
        /// Side of a cell in pixels.
        cell: usize,
        /// Costs to choose from by the validation part.
        costs: Vec<f64>,
    },
    /// A random forest on first-order statistics and co-occurrence of the lung fields.
    Radiomics {
        /// Trees.
        trees: usize,
        /// Questions from root to leaf at most.
        depth: usize,
        /// Samples of a leaf at least.
        leaf: usize,
    },
}

impl Baseline {
    fn check(&self) -> Result<(), AiError> {
        let sane = match self {
            Self::OrientedGradients { cell, costs } => {
                (2..=128).contains(cell)
                    && (1..=32).contains(&costs.len())
                    && costs.iter().all(|c| (1e-9..=1e9).contains(c))
            }
            Self::Radiomics { trees, depth, leaf } => {
                (1..=10_000).contains(trees)
                    && (1..=64).contains(depth)
                    && (1..=1000).contains(leaf)
            }
        };
        if sane {
            Ok(())
        } else {
            refuse("the numbers of the baseline are out of range")
        }
    }
}

/// A folder of pictures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelFolder {
    /// Inside the data folder.
    pub path: String,
    /// The class of all its pictures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub positive: Option<bool>,
}

/// A field of the file name that tells the class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassField {
    /// Its number, from 0.
    pub field: usize,
    /// What it says for the positive class.
    pub positive: String,
}

/// Which part of a picture is shown to a network that tells classes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Crop {
    /// All of it.
    #[default]
    Whole,
    /// The box around the lung fields that the bundled model finds.
    Lungs,
}

/// Made-up people (CT phantom) with planted nodules; seeds instead of files. Each person is made anew from its seed, so
/// nothing has to lie on the disk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PhantomRecipe {
    /// Columns, rows, slices.
    pub size: [usize; 3],
    /// Distance of columns, rows, slices.
    pub spacing_mm: [f64; 3],
    /// Standard deviation of the noise.
    pub noise_hu: f64,
    /// First seed and number of people to train with.
    pub train: [u64; 2],
    /// First seed and number of people to choose the best epoch with.
    pub validation: [u64; 2],
    /// First seed and number of people for the final test.
    pub test: [u64; 2],
    /// Fewest and most nodules planted in a person.
    pub nodules: [usize; 2],
    /// Smallest and largest diameter.
    pub diameter_mm: [f64; 2],
    /// Hounsfield units that become -1 and 1; beyond them values are clipped.
    pub window_hu: [f64; 2],
    /// Patches of an epoch.
    pub patches: usize,
    /// Share of the patches that are laid around a nodule; the others lie anywhere in the lungs.
    pub lesion_share: f64,
    /// Lesions smaller than this are left out of what the model reports.
    pub smallest_mm3: f64,
}

/// A term of the loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// Binary cross-entropy.
    Bce,
    /// Dice, picture by picture.
    Dice,
    /// Dice over the pictures of a batch together.
    BatchDice,
    /// Cross-entropy of classes that exclude each other.
    CrossEntropy,
    /// Binary cross-entropy that plays down what is right already.
    Focal,
}

/// The rule of the steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Optimiser {
    /// Adam.
    #[default]
    Adam,
    /// Stochastic gradient descent with momentum.
    Sgd,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn bce_and_dice() -> Vec<Loss> {
    vec![Loss::Bce, Loss::Dice]
}

const fn usual_momentum() -> f64 {
    0.9
}

/// How the network learns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
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
    /// Terms of the loss; they are added.
    #[serde(default = "bce_and_dice")]
    pub loss: Vec<Loss>,
    /// The rule of the steps.
    #[serde(default)]
    pub optimiser: Optimiser,
    /// Share of the last step that stochastic gradient descent keeps.
    #[serde(default = "usual_momentum")]
    pub momentum: f64,
    /// Share of each weight that is taken away in a step, times the step size.
    #[serde(default)]
    pub weight_decay: f64,
    /// Share that the running mean of the weights keeps at each step; the mean is what is judged and shipped. 0: the
    /// weights themselves are.
    #[serde(default)]
    pub average: f64,
    /// Epochs without a better score after which the run ends early; 0 for never.
    #[serde(default)]
    pub patience: usize,
}

/// How pictures are varied while training.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
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

    /// What the score of the learning curve is called.
    pub const fn score(&self) -> &'static str {
        match self.labels {
            Some(_) => LIKELIHOOD,
            None => DICE,
        }
    }

    /// What is to be learnt.
    ///
    /// # Errors
    /// Sections that make no task together.
    pub fn task(&self) -> Result<Task<'_>, AiError> {
        match (&self.data, &self.phantom, &self.labels) {
            (Some(data), None, None) => Ok(Task::Masks {
                data,
                network: self.unet()?,
            }),
            (None, Some(phantom), None) => Ok(Task::Lesions {
                phantom,
                network: self.unet()?,
            }),
            (None, None, Some(labels)) => match (&self.classifier, &self.baseline, &self.network) {
                (Some(network), None, None) => Ok(Task::Classes { labels, network }),
                (None, Some(baseline), None) => Ok(Task::Baseline { labels, baseline }),
                _ => refuse("[labels] go with one of [classifier] and [baseline]"),
            },
            _ => refuse("a task has one of [data], [phantom] and [labels]"),
        }
    }

    fn unet(&self) -> Result<&UNetConfig, AiError> {
        match (&self.network, &self.classifier, &self.baseline) {
            (Some(network), None, None) => Ok(network),
            _ => refuse("[data] and [phantom] go with [network]"),
        }
    }

    fn check(&self) -> Result<(), AiError> {
        if self.version != 1 {
            return refuse("version must be 1");
        }
        let mut exclusive = false;
        match self.task()? {
            Task::Masks { data, network } => {
                self.check_network(network)?;
                if network.input_channels != 1 {
                    return refuse("masks are learnt from pictures of one channel");
                }
                data.check()?;
            }
            Task::Lesions { phantom, network } => {
                self.check_network(network)?;
                if network.input_channels.is_multiple_of(2) {
                    return refuse("input_channels is an odd number of slices");
                }
                phantom.check()?;
            }
            Task::Classes { labels, network } => {
                let plan = network.plan()?;
                let side = self.input.side;
                if !(16..=1024).contains(&side) {
                    return refuse("side must be 16 to 1024");
                }
                if plan.input_channels() != 1 || !(1..=2).contains(&plan.classes()) {
                    return refuse("classes are learnt from one channel, with one logit or two");
                }
                exclusive = plan.classes() == 2;
                labels.check()?;
            }
            Task::Baseline { labels, baseline } => {
                if !(16..=1024).contains(&self.input.side) {
                    return refuse("side must be 16 to 1024");
                }
                baseline.check()?;
                return labels.check();
            }
        }
        self.training.check()?;
        if exclusive != self.training.loss.contains(&Loss::CrossEntropy) {
            return refuse(
                "cross-entropy is for classes that exclude each other (two logits), bce and focal for one",
            );
        }
        self.augmentation.check()
    }

    fn check_network(&self, network: &UNetConfig) -> Result<(), AiError> {
        network.check()?;
        if network.classes != 1 {
            return refuse("training knows one class");
        }
        let side = self.input.side;
        if side == 0 || side > 2048 || !side.is_multiple_of(network.multiple()) {
            return Err(AiError::Task(format!(
                "side must be a multiple of {} and 2048 at most",
                network.multiple()
            )));
        }
        Ok(())
    }
}

/// What a task file asks for.
#[derive(Clone, Copy, Debug)]
pub enum Task<'a> {
    /// Masks of pictures.
    Masks {
        /// Pictures and masks.
        data: &'a DataRecipe,
        /// The network.
        network: &'a UNetConfig,
    },
    /// Lesions in volumes.
    Lesions {
        /// The people.
        phantom: &'a PhantomRecipe,
        /// The network; its channels are neighbouring slices.
        network: &'a UNetConfig,
    },
    /// Classes of pictures by a classical method.
    Baseline {
        /// The pictures.
        labels: &'a LabelRecipe,
        /// The method.
        baseline: &'a Baseline,
    },
    /// Classes of pictures.
    Classes {
        /// The pictures.
        labels: &'a LabelRecipe,
        /// The network.
        network: &'a Architecture,
    },
}

fn refuse<T>(what: &str) -> Result<T, AiError> {
    Err(AiError::Task(what.into()))
}

fn check_shares(train: f64, validation: f64) -> Result<(), AiError> {
    let share = |v: f64| v > 0.0 && v < 1.0;
    if !share(train) || !share(validation) || train + validation >= 1.0 {
        return refuse("train and validation must be above 0 and leave a share for the test");
    }
    Ok(())
}

impl DataRecipe {
    fn check(&self) -> Result<(), AiError> {
        if self.separator.is_empty() || self.patient_fields.is_empty() {
            return refuse("separator and patient_fields must not be empty");
        }
        check_shares(self.train, self.validation)
    }
}

impl LabelRecipe {
    fn check(&self) -> Result<(), AiError> {
        if self.separator.is_empty() || self.patient_fields.is_empty() {
            return refuse("separator and patient_fields must not be empty");
        }
        if self.folders.is_empty() || self.folders.len() > 100 {
            return refuse("folders must name 1 to 100 folders");
        }
        if self.class_field.is_none() && self.folders.iter().any(|f| f.positive.is_none()) {
            return refuse("a folder has neither a class nor a field that tells it");
        }
        let [low, high] = self.abstain;
        if !(0.0..=0.5).contains(&low) || !(0.5..=1.0).contains(&high) {
            return refuse("abstain must lie around one half");
        }
        check_shares(self.train, self.validation)
    }
}

impl PhantomRecipe {
    fn check(&self) -> Result<(), AiError> {
        let parts = [self.train, self.validation, self.test];
        if parts
            .iter()
            .any(|[_, people]| !(1..=10_000).contains(people))
        {
            return refuse("train, validation and test each need 1 to 10000 people");
        }
        let apart = |a: [u64; 2], b: [u64; 2]| {
            a[0].saturating_add(a[1]) <= b[0] || b[0].saturating_add(b[1]) <= a[0]
        };
        let [train, validation, test] = parts;
        if !apart(train, validation) || !apart(train, test) || !apart(validation, test) {
            return refuse("no seed may be in two of train, validation and test");
        }
        let ordered = |[low, high]: [f64; 2]| low.is_finite() && high.is_finite() && low < high;
        if self.nodules[0] == 0
            || self.nodules[0] > self.nodules[1]
            || self.nodules[1] > 100
            || self.diameter_mm[0] < 1.0
            || self.diameter_mm[0] > self.diameter_mm[1]
            || self.diameter_mm[1] > 60.0
        {
            return refuse("nodules must be 1 to 100, diameter_mm 1 to 60, the smaller first");
        }
        if !ordered(self.window_hu) || !(0.0..=1000.0).contains(&self.smallest_mm3) {
            return refuse("window_hu or smallest_mm3 is out of range");
        }
        if !(1..=1_000_000).contains(&self.patches) || !(0.0..=1.0).contains(&self.lesion_share) {
            return refuse("patches must be 1 to 1000000, lesion_share 0 to 1");
        }
        Ok(())
    }
}

impl TrainingRecipe {
    fn check(&self) -> Result<(), AiError> {
        if self.cycles.is_empty()
            || self.cycles.iter().any(|&n| n == 0 || n > 10_000)
            || self.cycles.len() > 100
        {
            return refuse("cycles must be numbers of epochs, 1 to 10000 each");
        }
        if self.batch == 0 || self.batch > 256 {
            return refuse("batch must be 1 to 256");
        }
        let learns = self.learning_rate > 0.0 && self.learning_rate <= 1.0;
        if !learns
            || !(0.0..=1.0).contains(&self.final_share)
            || !(0.0..=1.0).contains(&self.restart)
            || !(0.0..=1000.0).contains(&self.warm_up)
        {
            return refuse("learning_rate, restart, final_share or warm_up is out of range");
        }
        if self.loss.is_empty() || self.loss.len() > 8 {
            return refuse("loss must name 1 to 8 terms");
        }
        if !(0.0..1.0).contains(&self.momentum)
            || !(0.0..=1.0).contains(&self.weight_decay)
            || !(0.0..1.0).contains(&self.average)
        {
            return refuse("momentum, weight_decay or average is out of range");
        }
        Ok(())
    }
}

impl AugmentationRecipe {
    fn check(&self) -> Result<(), AiError> {
        let unit = [
            self.flip,
            self.shift,
            self.scale,
            self.contrast,
            self.brightness,
            self.noise,
        ];
        if unit.iter().any(|v| !(0.0..=1.0).contains(v)) || self.scale > 0.9 {
            return refuse("augmentation shares must be 0 to 1, scale 0.9 at most");
        }
        if !(0.0..=180.0).contains(&self.rotation_degrees) || !(0.0..=4.0).contains(&self.gamma) {
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
            loss: bce_and_dice(),
            optimiser: Optimiser::Adam,
            momentum: 0.9,
            weight_decay: 0.0,
            average: 0.0,
            patience: 0,
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
