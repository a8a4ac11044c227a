//! The card of a model that was made elsewhere: what it is, what it is shown, what its answers mean, where it comes
//! from, and the hash of everything that was read and written when it was taken in.

use crate::ai::{
    AiError,
    card::{About, CardWeights},
    guidance::Guidance,
    network::{NetworkShape, OutputKind},
    networks::{Architecture, Plan},
};
use serde::{Deserialize, Serialize};

/// A card file (TOML) of format 2; format 1 are the cards of models that were trained here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportedCard {
    /// Version of this file format: 2.
    pub format: u32,
    /// Registry id.
    pub id: String,
    /// Version of the weights.
    pub version: String,
    /// Day it was taken in, ISO.
    pub imported: String,
    /// What the words of the card say.
    pub about: About,
    /// The network.
    pub network: Architecture,
    /// What it is shown.
    pub input: InputForm,
    /// What its answers mean.
    pub output: OutputForm,
    /// Weights files, one for each fold; several are run one after the other and their answers averaged.
    pub weights: Vec<FoldWeights>,
    /// Where it comes from.
    pub source: Source,
}

/// The weights of one fold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoldWeights {
    /// Name of the fold; empty where there is but one.
    #[serde(default)]
    pub fold: String,
    /// The file.
    #[serde(flatten)]
    pub file: CardWeights,
}

/// Where a model comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// What wrote the files, for example `nnU-Net v2`.
    pub framework: String,
    /// The files that were read.
    pub files: Vec<SourceFile>,
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceFile {
    /// Its name below the folder that was taken in.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256, lower-case hexadecimal.
    pub sha256: String,
}

/// What a network is shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum InputForm {
    /// A head brought to a cube of cubic voxels whose axes run to the left, to the feet and to the front.
    Conformed {
        /// Voxels a side.
        side: usize,
        /// Their size.
        spacing_mm: f64,
        /// How values become 0 to 1.
        scaling: UnitScaling,
    },
    /// A volume or its slices at a given spacing, cut to what is not empty, in windows.
    Resampled {
        /// Distance of voxels along the axes of the network; two numbers where it looks at slices.
        spacing_mm: Vec<f64>,
        /// Which axis of slices, rows and columns is the first, second and third of the network.
        transpose: Vec<usize>,
        /// Size of a window along the axes of the network.
        patch: Vec<usize>,
        /// One entry for each channel.
        channels: Vec<ChannelForm>,
        /// Axes of the network along which it may also look at the mirror image.
        mirror: Vec<usize>,
        /// How points of a reader are shown to it, in two channels after the others; `None` where it takes none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        guidance: Option<Guidance>,
    },
    /// As it comes, in windows: who uses the model prepares its input.
    Prepared {
        /// Size of a window along the axes of the network.
        patch: Vec<usize>,
        /// What is known of the preparation.
        words: String,
    },
}

/// How values become 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case", deny_unknown_fields)]
pub enum UnitScaling {
    /// The least becomes 0, the largest 1.
    Range,
    /// The values at two shares of the voxels in order become 0 and 1; what lies outside is clipped.
    Quantiles {
        /// The lower share.
        low: f64,
        /// The upper share.
        high: f64,
    },
}

/// A channel of the input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelForm {
    /// What it is, for example `CT`.
    pub name: String,
    /// How its values are brought to scale.
    pub scaling: ChannelScaling,
}

/// How values of a channel are brought to scale.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ChannelScaling {
    /// Clipped, then less the mean, divided by the deviation, all of the training set.
    Fixed {
        /// Lower bound.
        low: f64,
        /// Upper bound.
        high: f64,
        /// Subtracted.
        mean: f64,
        /// Divided by.
        deviation: f64,
    },
    /// Less the mean, divided by the deviation, both of the picture.
    Picture {
        /// Of what is not zero only, and zero stays zero.
        masked: bool,
    },
    /// The least becomes 0, the largest 1.
    Unit,
    /// Divided by 255.
    Bytes,
    /// Not at all.
    Kept,
}

/// What the answers mean.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputForm {
    /// Exactly one class holds at each place. Else each channel is a question of its own.
    pub exclusive: bool,
    /// One for each output channel.
    pub labels: Vec<Label>,
    /// Where channels are regions: the label that each region gives, in the order in which they are laid over
    /// each other.
    #[serde(default)]
    pub regions: Vec<u16>,
}

/// An output channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// The number in a label map.
    pub value: u16,
    /// Its name.
    pub name: String,
}

impl ImportedCard {
    /// Reads and checks a card.
    pub fn parse(text: &str) -> Result<Self, AiError> {
        let card: Self = toml::from_str(text).map_err(|e| AiError::Card(e.message().to_owned()))?;
        card.check()?;
        Ok(card)
    }

    /// Whether a card file is of this format, without looking further.
    pub fn is_one(text: &str) -> bool {
        #[derive(Deserialize)]
        struct Head {
            format: u32,
            // Cards of format 1 tell of a training instead.
            source: Option<toml::Table>,
        }
        toml::from_str::<Head>(text).is_ok_and(|head| head.format == 2 && head.source.is_some())
    }

    /// Refuses what does not fit together.
    pub fn check(&self) -> Result<Plan, AiError> {
        let refuse = |what: &str| Err(AiError::Card(what.into()));
        if self.format != 2 {
            return refuse("format must be 2");
        }
        let files = self.weights.iter().map(|w| &w.file.file);
        if ![&self.id, &self.version]
            .into_iter()
            .chain(files)
            .all(|t| is_plain(t))
        {
            return refuse("id, version and file are made of letters, digits, `-`, `_` and `.`");
        }
        if self.weights.is_empty() || self.weights.len() > 16 {
            return refuse("a model has weights for 1 to 16 folds");
        }
        let hash = |text: &str| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let sources = self.source.files.iter().map(|f| &f.sha256);
        let own = self.weights.iter().map(|w| &w.file.sha256);
        if !sources.chain(own).all(|text| hash(text)) {
            return refuse("sha256 must have 64 hexadecimal digits");
        }
        let plan = self.network.plan()?;
        if self.output.labels.len() != plan.classes() {
            return refuse("there is not one label for each output channel");
        }
        if self.output.exclusive && plan.classes() < 2 {
            return refuse("one class of several needs at least two");
        }
        let regions = self.output.regions.len();
        if regions != 0 && (self.output.exclusive || regions != plan.classes()) {
            return refuse(
                "regions name one label for each output channel that is its own question",
            );
        }
        self.input.check(&plan)?;
        Ok(plan)
    }

    /// The card file.
    pub fn to_toml(&self) -> Result<String, AiError> {
        toml::to_string(self).map_err(|error| AiError::Card(error.to_string()))
    }

    /// What the engine has to know of the network.
    pub fn shape(&self, plan: &Plan) -> Result<NetworkShape, AiError> {
        let wide = |sides: &[usize]| match *sides {
            [rows, columns] => Some([1, rows, columns]),
            [slices, rows, columns] => Some([slices, rows, columns]),
            _ => None,
        };
        let patch = match &self.input {
            InputForm::Conformed { side, .. } => Some([*side; 3]),
            InputForm::Resampled { patch, .. } | InputForm::Prepared { patch, .. } => wide(patch),
        };
        let shape = NetworkShape {
            input_channels: plan.input_channels(),
            classes: plan.classes(),
            output: match self.output.exclusive {
                true => OutputKind::Softmax,
                false => OutputKind::Sigmoid,
            },
            patch: patch.ok_or_else(|| AiError::Card("a window has 2 or 3 sides".into()))?,
            multiple: plan.multiple,
            reach: plan.reach(),
        };
        shape.check()?;
        Ok(shape)
    }
}

impl InputForm {
    /// How points of a reader are shown to the network.
    pub const fn guidance(&self) -> Option<Guidance> {
        match self {
            Self::Resampled { guidance, .. } => *guidance,
            Self::Conformed { .. } | Self::Prepared { .. } => None,
        }
    }

    fn check(&self, plan: &Plan) -> Result<(), AiError> {
        let refuse = |what: &str| Err(AiError::Card(what.into()));
        let dimensions = plan.dimensions;
        let window = |patch: &[usize]| {
            patch.len() == dimensions
                && patch.iter().all(|side| (1..=4096).contains(side))
                && patch
                    .iter()
                    .zip(plan.multiple.iter().skip(3 - dimensions))
                    .all(|(side, multiple)| side.is_multiple_of(*multiple))
        };
        let distance = |mm: &f64| (0.01..=100.0).contains(mm);
        match self {
            Self::Conformed {
                side,
                spacing_mm,
                scaling,
            } => {
                if dimensions != 3 || plan.input_channels() != 1 {
                    return refuse("a conformed head is a volume of one channel");
                }
                if !(16..=512).contains(side) || !distance(spacing_mm) || !window(&[*side; 3]) {
                    return refuse("side or spacing is out of range or does not fit the network");
                }
                if let UnitScaling::Quantiles { low, high } = scaling
                    && !(0.0 <= *low && low < high && *high <= 1.0)
                {
                    return refuse("quantiles lie between 0 and 1");
                }
            }
            Self::Resampled {
                spacing_mm,
                transpose,
                patch,
                channels,
                mirror,
                guidance,
            } => {
                let mut axes = transpose.clone();
                axes.sort_unstable();
                if axes != [0, 1, 2] {
                    return refuse("transpose names each of the axes 0, 1, 2 once");
                }
                if spacing_mm.len() != dimensions || !spacing_mm.iter().all(distance) {
                    return refuse("spacing has one number for each direction of the network");
                }
                let of_points = guidance.map_or(0, |_| Guidance::CHANNELS);
                if channels.len() + of_points != plan.input_channels() {
                    return refuse("there is not one entry for each input channel");
                }
                if let Some(guidance) = guidance {
                    guidance.check()?;
                }
                if mirror.iter().any(|axis| *axis >= dimensions) {
                    return refuse("the network has no such axis to mirror");
                }
                if !window(patch) {
                    return refuse("the window does not fit the network");
                }
                let numbers = channels.iter().all(|channel| match channel.scaling {
                    ChannelScaling::Fixed {
                        low,
                        high,
                        mean,
                        deviation,
                    } => {
                        [low, high, mean, deviation].iter().all(|v| v.is_finite())
                            && low < high
                            && deviation >= 0.0
                    }
                    _ => true,
                });
                if !numbers {
                    return refuse("the scaling of a channel makes no sense");
                }
            }
            Self::Prepared { patch, .. } => {
                if !window(patch) {
                    return refuse("the window does not fit the network");
                }
            }
        }
        Ok(())
    }
}

/// A name that is safe as a file name.
pub(super) fn is_plain(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && !text.starts_with('.')
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}
