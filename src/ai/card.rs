//! The model card: what a model is, what it was trained on and under which terms, and how good it is.
//! The registry shows it, `segment` quotes it, and training writes it.

use super::{
    AiError,
    checkpoint::Checkpoint,
    data::{Pair, Split},
    networks::Architecture,
    recipe::{Crop, Recipe},
    scope::Scope,
    unet::UNetConfig,
    usual::UsualInputs,
    volume_card::VolumePart,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// A model card file (TOML).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelCard {
    /// Version of this file format: 1.
    pub format: u32,
    /// Registry id.
    pub id: String,
    /// Version of the weights.
    pub version: String,
    /// Day the training ended, ISO.
    pub trained: String,
    /// What the words of the card say.
    pub about: About,
    /// Shape of the network that draws masks; a model that tells classes has its own in [`Self::classifier`].
    #[serde(default = "no_unet", skip_serializing_if = "is_no_unet")]
    pub network: UNetConfig,
    /// For models that tell classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classifier: Option<CardClassifier>,
    /// What the network is shown.
    pub input: CardInput,
    /// What makes it a model for volumes; without it the model is for single pictures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<VolumePart>,
    /// The weights file.
    pub weights: CardWeights,
    /// How the model came about.
    pub training: CardTraining,
    /// Quality on held-out pictures: all of them first, then by subset.
    #[serde(default)]
    pub metrics: Vec<SubsetMetrics>,
    /// How many lesions of held-out cases are found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lesions: Option<LesionMetrics>,
    /// What it is for, as far as a header tells; without it that of frontal chest radiographs of adults.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// What its inputs usually look like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usual: Option<UsualInputs>,
}

pub(crate) const fn no_unet() -> UNetConfig {
    UNetConfig {
        input_channels: 0,
        classes: 0,
        depth: 0,
        width: 0,
        patch: 0,
    }
}

fn is_no_unet(network: &UNetConfig) -> bool {
    *network == no_unet()
}

/// A model that tells two classes apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardClassifier {
    /// Shape of the network.
    pub network: Architecture,
    /// Which part of the picture it is shown.
    #[serde(default)]
    pub crop: Crop,
    /// What the positive class is called.
    pub positive: String,
    /// What the negative class is called.
    pub negative: String,
    /// From evidence to probability.
    pub calibration: Calibration,
    /// Probabilities between these two are no answer.
    pub abstain: [f64; 2],
    /// Share of the positive class in the training data; where it is another, the probabilities are not calibrated.
    pub prevalence: f64,
    /// Quality on held-out patients.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub figures: Vec<ClassFigure>,
}

/// From evidence `x` to the probability `1 / (1 + e^-(slope·x + offset))` (Platt 1999), fitted on the part of the data
/// that chose the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// Above 0.
    pub slope: f64,
    /// 0 where the network is not biased.
    pub offset: f64,
}

impl Calibration {
    /// Calibrated probability of the positive class.
    pub fn probability(&self, evidence: f64) -> f64 {
        let x = self.slope * evidence + self.offset;
        // Never the exponential of a large number.
        if x >= 0.0 {
            1.0 / (1.0 + (-x).exp())
        } else {
            let e = x.exp();
            e / (1.0 + e)
        }
    }
}

impl CardClassifier {
    /// Whether a probability is no answer.
    pub fn abstains(&self, probability: f64) -> bool {
        probability > self.abstain[0] && probability < self.abstain[1]
    }

    fn check(&self) -> Result<(), AiError> {
        let plan = self.network.plan()?;
        let [low, high] = self.abstain;
        let sane = plan.input_channels() == 1
            && (1..=2).contains(&plan.classes())
            && self.calibration.slope > 0.0
            && self.calibration.slope.is_finite()
            && self.calibration.offset.is_finite()
            && (0.0..=0.5).contains(&low)
            && (0.5..=1.0).contains(&high)
            && (0.0..=1.0).contains(&self.prevalence);
        if sane {
            Ok(())
        } else {
            Err(AiError::Card(
                "network, calibration or abstention of the classifier is out of range".into(),
            ))
        }
    }
}

/// A figure of a classifier on held-out patients, with the interval that 95 % of resamplings of the patients give.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassFigure {
    /// Subset, `all` for all.
    pub subset: String,
    /// Its name: `auroc`, `precision`, `recall`, `f1`, `accuracy`, `brier`, `ece`, `answered`, `accuracy-answered`.
    pub figure: String,
    /// Pictures.
    pub cases: usize,
    /// The figure.
    pub value: f64,
    /// Lower end of the interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<f64>,
    /// Upper end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
}

impl ClassFigure {
    /// One line for people.
    pub fn line(&self) -> String {
        let interval = match (self.low, self.high) {
            (Some(low), Some(high)) => format!("  95 % {low:.3} to {high:.3}"),
            _ => String::new(),
        };
        format!(
            "{:<12} {:>3} cases  {:<18} {:.3}{interval}",
            self.subset, self.cases, self.figure, self.value
        )
    }
}

/// Lesions found and not found in held-out cases. A lesion counts as found when a reported one touches it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LesionMetrics {
    /// Cases.
    pub cases: usize,
    /// Diameter from which on lesions are counted.
    pub counted_from_mm: f64,
    /// Lesions of that size that there are.
    pub planted: usize,
    /// Those found.
    pub found: usize,
    /// Smaller lesions that there are.
    pub planted_smaller: usize,
    /// Those found.
    pub found_smaller: usize,
    /// Reported lesions that touch none.
    pub false_positives: usize,
    /// Most of them in one case.
    pub false_positives_most: usize,
}

/// The part of a card that a person writes; a training task carries it along.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// One line.
    pub title: String,
    /// What it finds, for example `lung fields`.
    pub finds: String,
    /// Modalities (0008,0060) it was made for.
    pub modalities: Vec<String>,
    /// Licence of the weights.
    pub licence: String,
    /// Terms of the training data.
    pub terms: String,
    /// Who made the training data.
    pub data_owners: Vec<String>,
    /// What to cite.
    pub citations: Vec<String>,
    /// What it is for.
    pub intended_use: String,
    /// Where it does not hold.
    pub limits: Vec<String>,
    /// Trained on generated pictures alone: never proposes on real patients unless asked.
    pub synthetic_only: bool,
}

/// What the network is shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardInput {
    /// Side of the square input in pixels.
    pub side: usize,
    /// The words for resizing and normalisation; this version knows `area-square, percentile 1-99, standardised`.
    pub preprocessing: String,
    /// Probability at which a pixel belongs to the mask.
    pub threshold: f32,
    /// The network sees the picture and its mirror image, and the two answers are averaged before the sigmoid.
    #[serde(default)]
    pub mirrored: bool,
    /// For networks that look at the slices of a volume; `side` is then that of the training patches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<CardVolume>,
}

/// What a network that looks at the slices of a volume is shown.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardVolume {
    /// Distance of columns, rows, slices that it was trained at; others are resampled to it.
    pub spacing_mm: [f64; 3],
    /// Hounsfield units that become -1 and 1.
    pub window_hu: [f64; 2],
    /// Lesions smaller than this are not reported.
    pub smallest_mm3: f64,
    /// Lesions whose highest probability is below this are not reported; chosen on the validation part.
    #[serde(default)]
    pub least_peak: f64,
}

/// The preprocessing of pictures that this version knows.
pub const PREPROCESSING: &str = "area-square, percentile 1-99, standardised";
/// The preprocessing of volumes that this version knows.
pub const SLICES: &str = "neighbouring slices, clipped to a window, -1 to 1";

/// The weights file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardWeights {
    /// File name beside the card.
    pub file: String,
    /// SHA-256, lower-case hexadecimal.
    pub sha256: String,
    /// Size of the file.
    pub bytes: u64,
    /// Numbers in it.
    pub parameters: usize,
}

/// How the model came about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardTraining {
    /// Seed of everything random.
    pub seed: u64,
    /// Epochs run.
    pub epochs: usize,
    /// The epoch whose weights these are, from 1.
    pub best_epoch: u32,
    /// Names of pictures that trained.
    pub train: Vec<String>,
    /// Names of pictures that chose the epoch.
    pub validation: Vec<String>,
    /// Names of pictures that the figures were measured on.
    pub test: Vec<String>,
}

/// Quality on one picture, at the size of its mask.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CaseMetrics {
    /// Name of the picture.
    pub name: String,
    /// Its subset.
    pub subset: String,
    /// Dice coefficient.
    pub dice: f64,
    /// Jaccard index.
    pub iou: f64,
    /// Share of the predicted mask that is right.
    pub precision: f64,
    /// Share of the true mask that was found.
    pub recall: f64,
    /// 95th percentile of surface distances, pixels; none when exactly one mask is empty.
    pub hd95_px: Option<f64>,
    /// Average symmetric surface distance, pixels.
    pub assd_px: Option<f64>,
}

/// Quality on a subset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubsetMetrics {
    /// Name of the subset, `all` for all.
    pub subset: String,
    /// Pictures.
    pub cases: usize,
    /// Mean Dice.
    pub dice_mean: f64,
    /// Median Dice (the lower middle of an even number).
    pub dice_median: f64,
    /// Worst Dice.
    pub dice_min: f64,
    /// Mean IoU.
    pub iou_mean: f64,
    /// Mean precision.
    pub precision_mean: f64,
    /// Mean recall.
    pub recall_mean: f64,
    /// Mean of the 95th percentile of surface distances, pixels, where it exists.
    pub hd95_px_mean: f64,
    /// Mean of the average symmetric surface distance, pixels, where it exists.
    pub assd_px_mean: f64,
}

impl SubsetMetrics {
    /// All cases, then each subset in the order of names.
    pub fn all(cases: &[CaseMetrics]) -> Vec<Self> {
        let mut by_subset: BTreeMap<&str, Vec<&CaseMetrics>> = BTreeMap::new();
        for case in cases {
            by_subset.entry(&case.subset).or_default().push(case);
        }
        std::iter::once(Self::of("all", cases.iter().collect()))
            .chain(
                by_subset
                    .into_iter()
                    .map(|(name, cases)| Self::of(name, cases)),
            )
            .collect()
    }

    fn of(subset: &str, cases: Vec<&CaseMetrics>) -> Self {
        let mean = |values: Vec<f64>| {
            let rounded = values.iter().sum::<f64>() / values.len().max(1) as f64;
            (rounded * 1e5).round() / 1e5
        };
        let each =
            |pick: fn(&CaseMetrics) -> f64| cases.iter().map(|c| pick(c)).collect::<Vec<_>>();
        let some =
            |pick: fn(&CaseMetrics) -> Option<f64>| cases.iter().filter_map(|c| pick(c)).collect();
        let mut dice = each(|c| c.dice);
        dice.sort_unstable_by(f64::total_cmp);
        let one = |value: Option<&f64>| mean(value.copied().into_iter().collect());
        Self {
            subset: subset.into(),
            cases: cases.len(),
            dice_mean: mean(dice.clone()),
            dice_median: one(dice.get(dice.len().saturating_sub(1) / 2)),
            dice_min: one(dice.first()),
            iou_mean: mean(each(|c| c.iou)),
            precision_mean: mean(each(|c| c.precision)),
            recall_mean: mean(each(|c| c.recall)),
            hd95_px_mean: mean(some(|c| c.hd95_px)),
            assd_px_mean: mean(some(|c| c.assd_px)),
        }
    }
}

impl ModelCard {
    /// Reads and checks a card.
    pub fn parse(text: &str) -> Result<Self, AiError> {
        let card: Self = toml::from_str(text).map_err(|e| AiError::Card(e.message().to_owned()))?;
        let refuse = |what: &str| Err(AiError::Card(what.into()));
        if card.format != 1 {
            return refuse("format must be 1");
        }
        let plain = |text: &str| {
            !text.is_empty()
                && text.len() <= 64
                && text
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
                && !text.starts_with('.')
        };
        if !plain(&card.id) || !plain(&card.version) || !plain(&card.weights.file) {
            return refuse("id, version and file are made of letters, digits, `-`, `_` and `.`");
        }
        if card.weights.sha256.len() != 64
            || !card.weights.sha256.bytes().all(|b| b.is_ascii_hexdigit())
        {
            return refuse("sha256 must have 64 hexadecimal digits");
        }
        let side = card.input.side;
        if let Some(classifier) = &card.classifier {
            classifier.check()?;
            if card.input.volume.is_some() || card.input.preprocessing != PREPROCESSING {
                return refuse("this version does not know the preprocessing");
            }
            if !(16..=1024).contains(&side) {
                return refuse("the input side must be 16 to 1024");
            }
            return Ok(card);
        }
        card.network.check()?;
        match &card.input.volume {
            None if card.input.preprocessing == PREPROCESSING => {}
            Some(volume) if card.input.preprocessing == SLICES => volume.check()?,
            _ => return refuse("this version does not know the preprocessing"),
        }
        if side == 0 || side > 2048 || !side.is_multiple_of(card.network.multiple()) {
            return refuse("the input side does not fit the network");
        }
        if let Some(volume) = &card.volume {
            volume.check(card.network.classes)?;
        }
        if !(card.input.threshold > 0.0 && card.input.threshold < 1.0) {
            return refuse("threshold must lie between 0 and 1");
        }
        if let Some(usual) = &card.usual {
            usual.check()?;
        }
        Ok(card)
    }

    /// Names and shapes of the tensors in the weights file.
    ///
    /// # Errors
    /// A description that makes no network.
    pub fn tensors(&self) -> Result<Vec<(String, Vec<usize>)>, AiError> {
        match &self.classifier {
            Some(classifier) => Ok(classifier.network.plan()?.tensors()),
            None => Ok(self.network.tensors(false)),
        }
    }

    /// What the model is for.
    pub fn scope(&self) -> Scope {
        self.scope.clone().unwrap_or_else(Scope::chest_radiographs)
    }

    /// What the model does on held-out cases, one line a figure, for people.
    pub fn figure_lines(&self) -> Vec<String> {
        let unit = match self.input.volume {
            Some(_) => "mm",
            None => "px",
        };
        let mut lines: Vec<String> = self
            .metrics
            .iter()
            .map(|m| {
                format!(
                    "{:<12} {:>3} cases  Dice {:.4} (lowest {:.4})  IoU {:.4}  HD95 {:.2} {unit}",
                    m.subset, m.cases, m.dice_mean, m.dice_min, m.iou_mean, m.hd95_px_mean
                )
            })
            .collect();
        if let Some(l) = &self.lesions {
            lines.push(format!(
                "{} of {} lesions of {} mm and more found, {} of {} smaller ones; {} false ones in {} cases, {} in one at most",
                l.found,
                l.planted,
                l.counted_from_mm,
                l.found_smaller,
                l.planted_smaller,
                l.false_positives,
                l.cases,
                l.false_positives_most
            ));
        }
        for f in self.classifier.iter().flat_map(|c| &c.figures) {
            lines.push(f.line());
        }
        lines
    }

    /// The card file.
    pub fn to_toml(&self) -> Result<String, AiError> {
        toml::to_string(self).map_err(|error| AiError::Card(error.to_string()))
    }
}

impl CardVolume {
    fn check(&self) -> Result<(), AiError> {
        let [low, high] = self.window_hu;
        let sane = self.spacing_mm.iter().all(|s| (0.1..=20.0).contains(s))
            && (-5000.0..=30_000.0).contains(&low)
            && (-5000.0..=30_000.0).contains(&high)
            && low < high
            && (0.0..=1e6).contains(&self.smallest_mm3)
            && (0.0..=1.0).contains(&self.least_peak);
        if sane {
            Ok(())
        } else {
            Err(AiError::Card(
                "spacing, window or size is out of range".into(),
            ))
        }
    }
}

/// SHA-256 as lower-case hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}

fn names(pairs: &[Pair]) -> Vec<String> {
    pairs.iter().map(|pair| pair.name.clone()).collect()
}

/// Names of the cases by part of the split.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) train: Vec<String>,
    pub(crate) validation: Vec<String>,
    pub(crate) test: Vec<String>,
}

impl Parts {
    pub(crate) fn of(split: &Split) -> Self {
        Self {
            train: names(&split.train),
            validation: names(&split.validation),
            test: names(&split.test),
        }
    }
}

/// The card of a model that was just trained on pictures; other lessons change what is different for them.
pub(crate) fn from_training(
    recipe: &Recipe,
    network: UNetConfig,
    weights: &[u8],
    parts: Parts,
    metrics: Vec<SubsetMetrics>,
    checkpoint: &Checkpoint,
    now: &str,
) -> ModelCard {
    ModelCard {
        format: 1,
        id: recipe.model.clone(),
        version: recipe.model_version.clone(),
        trained: now.get(..10).unwrap_or(now).to_owned(),
        about: recipe.about.clone(),
        input: CardInput {
            side: recipe.input.side,
            preprocessing: PREPROCESSING.into(),
            threshold: 0.5,
            mirrored: false,
            volume: None,
        },
        volume: None,
        weights: CardWeights {
            file: format!("{}.safetensors", recipe.model),
            sha256: sha256_hex(weights),
            bytes: weights.len() as u64,
            parameters: network.parameters(),
        },
        network,
        classifier: None,
        training: CardTraining {
            seed: recipe.seed,
            epochs: checkpoint.curve.len(),
            best_epoch: checkpoint.best().map_or(0, |record| record.epoch),
            train: parts.train,
            validation: parts.validation,
            test: parts.test,
        },
        metrics,
        lesions: None,
        scope: None,
        usual: None,
    }
}

pub(crate) fn split_json(parts: &Parts, seed: u64) -> Result<Vec<u8>, AiError> {
    let value = serde_json::json!({
        "seed": seed,
        "train": parts.train,
        "validation": parts.validation,
        "test": parts.test,
    });
    serde_json::to_vec_pretty(&value).map_err(|error| AiError::Data(error.to_string()))
}

pub(crate) fn cases_csv(cases: &[CaseMetrics]) -> String {
    let mut text = String::from("name,subset,dice,iou,precision,recall,hd95_px,assd_px\n");
    let optional = |value: Option<f64>| value.map_or(String::new(), |v| format!("{v:.3}"));
    for c in cases {
        text.push_str(&format!(
            "{},{},{:.5},{:.5},{:.5},{:.5},{},{}\n",
            c.name,
            c.subset,
            c.dice,
            c.iou,
            c.precision,
            c.recall,
            optional(c.hd95_px),
            optional(c.assd_px)
        ));
    }
    text
}
