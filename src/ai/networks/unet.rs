//! The U-Nets of nnU-Net (Isensee et al. 2021, 2024) in two and three dimensions, plain and with residual blocks in
//! the encoder. Names are those of its PlainConvUNet and ResidualEncoderUNet, so that its checkpoints fit.
//!
//! A stage halves the picture by a stride of its first convolution or by pooling; on the way up a transposed
//! convolution doubles it, or pixels are made up between others and mixed by a 1×1 convolution. Kernels and strides
//! may differ by direction, as they do for thick slices.

use super::plan::{Activation, Between, Convolution, Plan, Sides, Transposed};
use crate::ai::AiError;
use serde::{Deserialize, Serialize};

/// How results are brought to a common scale.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Norm {
    /// Not at all.
    None,
    /// By batch normalisation with running statistics.
    Batch {
        /// Added to the variance.
        #[serde(default = "epsilon")]
        epsilon: f64,
    },
    /// Each channel of each picture on its own.
    Instance {
        /// Added to the variance.
        #[serde(default = "epsilon")]
        epsilon: f64,
        /// With a learned factor and term.
        #[serde(default = "yes")]
        affine: bool,
    },
    /// Groups of channels of each picture, with a learned factor and term.
    Group {
        /// How many groups.
        groups: usize,
        /// Added to the variance.
        #[serde(default = "epsilon")]
        epsilon: f64,
    },
}

const fn epsilon() -> f64 {
    1e-5
}

const fn yes() -> bool {
    true
}

impl Norm {
    /// Adds it to a plan.
    pub(super) fn add(self, plan: &mut Plan, x: usize, name: &str) -> usize {
        match self {
            Self::None => x,
            Self::Batch { epsilon } => plan.batch_norm(x, name, epsilon),
            Self::Instance { epsilon, affine } => {
                let groups = plan.width(x);
                plan.group_norm(x, affine.then_some(name), groups, epsilon)
            }
            Self::Group { groups, epsilon } => plan.group_norm(x, Some(name), groups, epsilon),
        }
    }
}

/// How the encoder makes a picture smaller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Down {
    /// The first convolution of a stage skips pixels.
    #[default]
    Stride,
    /// The largest of each window goes on.
    Max,
    /// The mean of each window goes on.
    Mean,
}

/// How the decoder makes a picture larger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Up {
    /// By a transposed convolution.
    #[default]
    Transposed,
    /// On a line between pixels, then a 1×1 convolution.
    Linear,
}

/// Shape of a U-Net.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StagedUNetConfig {
    /// 2 for pictures, 3 for volumes.
    pub dimensions: usize,
    /// Channels of the input.
    pub input_channels: usize,
    /// One logit each.
    pub classes: usize,
    /// The encoder's blocks have a way around them.
    #[serde(default)]
    pub residual: bool,
    /// Channels of each stage.
    pub features: Vec<usize>,
    /// Kernel of each stage, one number for each direction.
    pub kernels: Vec<Vec<usize>>,
    /// Stride of each stage, one number for each direction.
    pub strides: Vec<Vec<usize>>,
    /// Convolutions (plain) or blocks (residual) of each stage of the encoder.
    pub encoder: Vec<usize>,
    /// Convolutions of each stage of the decoder, the lowest first.
    pub decoder: Vec<usize>,
    /// Convolutions have a bias although a normalisation follows.
    #[serde(default = "yes")]
    pub bias: bool,
    /// Normalisation.
    pub norm: Norm,
    /// Slope of the rectifiers below zero.
    #[serde(default = "slope")]
    pub slope: f64,
    /// The rectifier comes before the normalisation.
    #[serde(default)]
    pub rectify_first: bool,
    /// How pictures get smaller.
    #[serde(default)]
    pub down: Down,
    /// How they get larger.
    #[serde(default)]
    pub up: Up,
}

const fn slope() -> f64 {
    0.01
}

impl StagedUNetConfig {
    /// The network as data.
    pub fn plan(&self) -> Result<Plan, AiError> {
        let mut plan = Plan::new(self.dimensions, self.input_channels);
        let stages = self.features.len();
        if !(2..=10).contains(&stages)
            || [self.kernels.len(), self.strides.len(), self.encoder.len()] != [stages; 3]
            || self.decoder.len() + 1 != stages
        {
            plan.fail(
                "features, kernels, strides and encoder have one entry for each of 2 to 10 stages, decoder one less",
            );
            return plan.finish();
        }
        let depths = self.encoder.iter().chain(&self.decoder);
        if depths.into_iter().any(|d| !(1..=32).contains(d)) {
            plan.fail("a stage has 1 to 32 convolutions");
            return plan.finish();
        }
        if !(0.0..1.0).contains(&self.slope) {
            plan.fail("slope must be at least 0 and below 1");
            return plan.finish();
        }
        if self.residual && (self.down != Down::Stride || self.rectify_first) {
            plan.fail("residual encoders have strides, and rectifiers after normalisation");
            return plan.finish();
        }
        let kernels: Vec<Sides> = self.kernels.iter().map(|k| plan.listed(k, 1)).collect();
        let strides: Vec<Sides> = self.strides.iter().map(|s| plan.listed(s, 1)).collect();
        let mut skips = Vec::new();
        let mut x = 0;
        if self.residual {
            let (width, kernel) = (self.features.first(), kernels.first());
            let (width, kernel) = (
                width.copied().unwrap_or(1),
                kernel.copied().unwrap_or([1; 3]),
            );
            let shape = Convolution::plain(kernel, self.bias);
            x = self.layer(&mut plan, x, "encoder.stem.convs.0", width, shape);
        }
        let shapes = self
            .features
            .iter()
            .zip(&kernels)
            .zip(&strides)
            .zip(&self.encoder);
        for (stage, (((&width, &kernel), &stride), &depth)) in shapes.enumerate() {
            x = if self.residual {
                self.residual_stage(&mut plan, x, stage, width, (kernel, stride), depth)
            } else {
                self.plain_stage(&mut plan, x, stage, width, (kernel, stride), depth)
            };
            skips.push(x);
        }
        skips.pop();
        let below = strides.iter().rev();
        let shapes = self.features.iter().zip(&kernels).rev().skip(1);
        let levels = shapes
            .zip(below)
            .zip(&self.decoder)
            .zip(skips.into_iter().rev());
        for (index, ((((&width, &kernel), &stride), &depth), skip)) in levels.enumerate() {
            let name = format!("decoder.transpconvs.{index}");
            x = match self.up {
                Up::Transposed => {
                    plan.transposed(x, &name, width, Transposed::patches(stride, self.bias))
                }
                Up::Linear => {
                    let point = plan.sides(1, 1);
                    // The 1×1 convolution first: the result is the same and the picture smaller.
                    x = plan.convolution(x, &name, width, Convolution::plain(point, self.bias));
                    plan.enlarge(x, stride, Between::Linear)
                }
            };
            x = plan.concat(&[x, skip]);
            for convolution in 0..depth {
                let name = format!("decoder.stages.{index}.convs.{convolution}");
                x = self.layer(
                    &mut plan,
                    x,
                    &name,
                    width,
                    Convolution::plain(kernel, self.bias),
                );
            }
        }
        let point = plan.sides(1, 1);
        let head = format!("decoder.seg_layers.{}", stages - 2);
        plan.convolution(x, &head, self.classes, Convolution::plain(point, true));
        plan.finish()
    }

    /// Convolution, normalisation, rectifier.
    fn layer(
        &self,
        plan: &mut Plan,
        x: usize,
        name: &str,
        width: usize,
        shape: Convolution,
    ) -> usize {
        let mut x = plan.convolution(x, &format!("{name}.conv"), width, shape);
        let norm = format!("{name}.norm");
        if self.rectify_first {
            x = self.rectify(plan, x);
            return self.norm.add(plan, x, &norm);
        }
        x = self.norm.add(plan, x, &norm);
        self.rectify(plan, x)
    }

    fn rectify(&self, plan: &mut Plan, x: usize) -> usize {
        let activation = match self.slope {
            0.0 => Activation::Relu,
            slope => Activation::LeakyRelu { slope },
        };
        plan.activate(x, activation)
    }

    fn plain_stage(
        &self,
        plan: &mut Plan,
        input: usize,
        stage: usize,
        width: usize,
        (kernel, stride): (Sides, Sides),
        depth: usize,
    ) -> usize {
        let pooled = self.down != Down::Stride && stride != [1; 3];
        let mut x = match self.down {
            Down::Max if pooled => plan.max_pool(input, stride, stride, [0; 3]),
            Down::Mean if pooled => plan.mean_pool(input, stride),
            _ => input,
        };
        for convolution in 0..depth {
            let name = format!(
                "encoder.stages.{stage}.{}.convs.{convolution}",
                usize::from(pooled)
            );
            let mut shape = Convolution::plain(kernel, self.bias);
            if convolution == 0 && self.down == Down::Stride {
                shape = shape.with_stride(stride);
            }
            x = self.layer(plan, x, &name, width, shape);
        }
        x
    }

    /// Blocks of ResNet-D: the way around averages where the block strides, and a 1×1 convolution fits channels.
    fn residual_stage(
        &self,
        plan: &mut Plan,
        input: usize,
        stage: usize,
        width: usize,
        (kernel, stride): (Sides, Sides),
        depth: usize,
    ) -> usize {
        let mut x = input;
        for block in 0..depth {
            let name = format!("encoder.stages.{stage}.blocks.{block}");
            let step = if block == 0 { stride } else { [1; 3] };
            let shape = Convolution::plain(kernel, self.bias);
            let first = shape.with_stride(step);
            let mut y = self.layer(plan, x, &format!("{name}.conv1"), width, first);
            y = plan.convolution(y, &format!("{name}.conv2.conv"), width, shape);
            y = self.norm.add(plan, y, &format!("{name}.conv2.norm"));
            let mut around = x;
            let strided = step != [1; 3];
            if strided {
                around = plan.mean_pool(around, step);
            }
            if plan.width(around) != width {
                let name = format!("{name}.skip.{}", usize::from(strided));
                let point = Convolution::plain(plan.sides(1, 1), false);
                around = plan.convolution(around, &format!("{name}.conv"), width, point);
                around = self.norm.add(plan, around, &format!("{name}.norm"));
            }
            let sum = plan.add(y, around);
            x = self.rectify(plan, sum);
        }
        x
    }
}
