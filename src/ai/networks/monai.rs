//! Networks of MONAI (Cardoso et al. 2022) with its names: UNet, BasicUNet, SegResNet.

use super::{
    plan::{Activation, Between, Convolution, Plan, Transposed},
    unet::Norm,
};
use crate::ai::AiError;
use serde::{Deserialize, Serialize};

/// What follows a normalisation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Act {
    /// `max(x, 0)`.
    Relu,
    /// `x` above zero, else `slope · x`.
    Leaky {
        /// Factor below zero.
        slope: f64,
    },
    /// As above with one learned slope.
    Prelu,
    /// `x` above zero, else `exp(x) - 1`.
    Elu,
    /// `x · Φ(x)`.
    Gelu,
}

impl Act {
    fn add(self, plan: &mut Plan, x: usize, name: &str) -> usize {
        match self {
            Self::Relu => plan.activate(x, Activation::Relu),
            Self::Leaky { slope } => plan.activate(x, Activation::LeakyRelu { slope }),
            Self::Prelu => plan.prelu(x, name, false),
            Self::Elu => plan.activate(x, Activation::Elu),
            Self::Gelu => plan.activate(x, Activation::Gelu),
        }
    }

    fn check(self, plan: &mut Plan) {
        if let Self::Leaky { slope } = self
            && !(0.0..1.0).contains(&slope)
        {
            plan.fail("slope must be at least 0 and below 1");
        }
    }
}

/// How a decoder makes a picture larger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Upsample {
    /// By a transposed convolution.
    Deconv,
    /// On a line between pixels.
    #[default]
    Nontrainable,
}

/// Shape of MONAI's UNet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MonaiUNetConfig {
    /// 2 for pictures, 3 for volumes.
    pub dimensions: usize,
    /// Channels of the input.
    pub input_channels: usize,
    /// One logit each.
    pub classes: usize,
    /// Channels of each level.
    pub channels: Vec<usize>,
    /// Stride of each level but the lowest.
    pub strides: Vec<usize>,
    /// Side of the kernels.
    pub kernel: usize,
    /// Side of the kernels on the way up.
    pub up_kernel: usize,
    /// Convolutions of each residual unit; 0 for plain convolutions.
    pub units: usize,
    /// Normalisation.
    pub norm: Norm,
    /// Rectifier.
    pub act: Act,
    /// Convolutions have a bias.
    pub bias: bool,
    /// The rectifier comes before the normalisation.
    pub act_first: bool,
}

impl MonaiUNetConfig {
    /// The network as data.
    pub fn plan(&self) -> Result<Plan, AiError> {
        let mut plan = Plan::new(self.dimensions, self.input_channels);
        let levels = self.channels.len();
        if !(2..=10).contains(&levels) || self.strides.len() + 1 != levels || self.units > 16 {
            plan.fail("channels has one entry for each of 2 to 10 levels, strides one less");
            return plan.finish();
        }
        self.act.check(&mut plan);
        // Down: the top level is `model`, each lower one `submodule` of the one above.
        let mut prefix = String::from("model");
        let mut x = 0;
        let mut skips = Vec::new();
        for (&channels, &stride) in self.channels.iter().zip(&self.strides) {
            x = self.down(&mut plan, x, &format!("{prefix}.0"), channels, stride);
            skips.push((x, stride, prefix.clone()));
            prefix.push_str(".1.submodule");
        }
        let lowest = self.channels.last().copied().unwrap_or(1);
        x = self.down(&mut plan, x, &prefix, lowest, 1);
        while let Some((skip, stride, prefix)) = skips.pop() {
            let (top, above) = (
                skips.is_empty(),
                self.channels.get(skips.len().wrapping_sub(1)),
            );
            let channels = above.copied().unwrap_or(self.classes);
            let joined = plan.concat(&[skip, x]);
            x = self.up(
                &mut plan,
                joined,
                &format!("{prefix}.2"),
                channels,
                stride,
                top,
            );
        }
        plan.finish()
    }

    fn adn(&self, plan: &mut Plan, x: usize, name: &str) -> usize {
        let (norm, act) = (format!("{name}.adn.N"), format!("{name}.adn.A"));
        if self.act_first {
            let x = self.act.add(plan, x, &act);
            return self.norm.add(plan, x, &norm);
        }
        let x = self.norm.add(plan, x, &norm);
        self.act.add(plan, x, &act)
    }

    fn down(&self, plan: &mut Plan, x: usize, name: &str, channels: usize, stride: usize) -> usize {
        if self.units > 0 {
            return self.residual(plan, x, name, channels, (stride, self.units), false);
        }
        let shape = Convolution::plain(plan.sides(self.kernel, 1), self.bias)
            .with_stride(plan.sides(stride, 1));
        let x = plan.convolution(x, &format!("{name}.conv"), channels, shape);
        self.adn(plan, x, name)
    }

    fn up(
        &self,
        plan: &mut Plan,
        x: usize,
        name: &str,
        channels: usize,
        stride: usize,
        top: bool,
    ) -> usize {
        let residual = self.units > 0;
        let first = if residual {
            format!("{name}.0")
        } else {
            name.to_owned()
        };
        let shape = Transposed {
            kernel: plan.sides(self.up_kernel, 1),
            stride: plan.sides(stride, 1),
            centred: true,
            bias: self.bias,
        };
        let mut x = plan.transposed(x, &format!("{first}.conv"), channels, shape);
        if residual || !top {
            x = self.adn(plan, x, &first);
        }
        if residual {
            x = self.residual(plan, x, &format!("{name}.1"), channels, (1, 1), top);
        }
        x
    }

    /// Convolutions with a way around that is a convolution, too, where stride or channels change.
    fn residual(
        &self,
        plan: &mut Plan,
        input: usize,
        name: &str,
        channels: usize,
        (stride, units): (usize, usize),
        last_is_bare: bool,
    ) -> usize {
        let (kernel, step) = (plan.sides(self.kernel, 1), plan.sides(stride, 1));
        let mut x = input;
        for unit in 0..units {
            let unit_name = format!("{name}.conv.unit{unit}");
            let mut shape = Convolution::plain(kernel, self.bias);
            if unit == 0 {
                shape = shape.with_stride(step);
            }
            x = plan.convolution(x, &format!("{unit_name}.conv"), channels, shape);
            if !(last_is_bare && unit + 1 == units) {
                x = self.adn(plan, x, &unit_name);
            }
        }
        let mut around = input;
        if stride != 1 || plan.width(input) != channels {
            let kernel = if stride == 1 {
                plan.sides(1, 1)
            } else {
                kernel
            };
            let shape = Convolution::plain(kernel, self.bias).with_stride(step);
            around = plan.convolution(input, &format!("{name}.residual"), channels, shape);
        }
        plan.add(x, around)
    }
}

/// Shape of MONAI's BasicUNet: four halvings by the largest of each window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BasicUNetConfig {
    /// 2 for pictures, 3 for volumes.
    pub dimensions: usize,
    /// Channels of the input.
    pub input_channels: usize,
    /// One logit each.
    pub classes: usize,
    /// Channels of the five levels, and of the last convolutions.
    pub features: Vec<usize>,
    /// Normalisation.
    pub norm: Norm,
    /// Rectifier.
    pub act: Act,
    /// Convolutions have a bias.
    pub bias: bool,
    /// How pictures get larger.
    pub upsample: Upsample,
}

impl BasicUNetConfig {
    /// The network as data.
    pub fn plan(&self) -> Result<Plan, AiError> {
        let mut plan = Plan::new(self.dimensions, self.input_channels);
        let [f0, f1, f2, f3, f4, f5] = match *self.features.as_slice() {
            [a, b, c, d, e, f] => [a, b, c, d, e, f],
            _ => {
                plan.fail("features has six entries");
                return plan.finish();
            }
        };
        self.act.check(&mut plan);
        let mut x = self.two(&mut plan, 0, "conv_0", f0);
        let mut skips = vec![x];
        for (level, width) in [f1, f2, f3, f4].into_iter().enumerate() {
            let halve = plan.sides(2, 1);
            x = plan.max_pool(x, halve, halve, [0; 3]);
            x = self.two(&mut plan, x, &format!("down_{}.convs", level + 1), width);
            skips.push(x);
        }
        skips.pop();
        for (level, width) in [(4, f3), (3, f2), (2, f1), (1, f5)] {
            let Some(skip) = skips.pop() else {
                break;
            };
            let name = format!("upcat_{level}");
            // The uppermost keeps its channels on the way up.
            let wide = plan.width(x);
            let channels = if level == 1 { wide } else { wide / 2 };
            x = self.upsampled(&mut plan, x, &format!("{name}.upsample"), channels);
            x = plan.concat(&[skip, x]);
            x = self.two(&mut plan, x, &format!("{name}.convs"), width);
        }
        let point = Convolution::plain(plan.sides(1, 1), true);
        plan.convolution(x, "final_conv", self.classes, point);
        plan.finish()
    }

    fn two(&self, plan: &mut Plan, mut x: usize, name: &str, width: usize) -> usize {
        for index in 0..2 {
            let name = format!("{name}.conv_{index}");
            let shape = Convolution::plain(plan.sides(3, 1), self.bias);
            x = plan.convolution(x, &format!("{name}.conv"), width, shape);
            x = self.norm.add(plan, x, &format!("{name}.adn.N"));
            x = self.act.add(plan, x, &format!("{name}.adn.A"));
        }
        x
    }

    fn upsampled(&self, plan: &mut Plan, x: usize, name: &str, channels: usize) -> usize {
        let double = plan.sides(2, 1);
        match self.upsample {
            Upsample::Deconv => {
                let shape = Transposed::patches(double, true);
                plan.transposed(x, &format!("{name}.deconv"), channels, shape)
            }
            Upsample::Nontrainable => {
                let point = Convolution::plain(plan.sides(1, 1), true);
                let mixed = match plan.width(x) == channels {
                    true => x,
                    false => plan.convolution(x, &format!("{name}.preconv"), channels, point),
                };
                plan.enlarge(mixed, double, Between::LinearCorners)
            }
        }
    }
}

/// Shape of MONAI's SegResNet (Myronenko 2018, without its variational part).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SegResNetConfig {
    /// 2 for pictures, 3 for volumes.
    pub dimensions: usize,
    /// Channels of the input.
    pub input_channels: usize,
    /// One logit each.
    pub classes: usize,
    /// Channels of the first level; each further one doubles.
    pub filters: usize,
    /// Blocks of each level on the way down.
    pub down: Vec<usize>,
    /// Blocks of each level on the way up, the lowest first.
    pub up: Vec<usize>,
    /// Normalisation.
    pub norm: Norm,
    /// Rectifier.
    pub act: Act,
    /// How pictures get larger.
    pub upsample: Upsample,
}

impl SegResNetConfig {
    /// The network as data.
    pub fn plan(&self) -> Result<Plan, AiError> {
        let mut plan = Plan::new(self.dimensions, self.input_channels);
        let blocks = self.down.iter().chain(&self.up);
        if !(2..=8).contains(&self.down.len())
            || self.up.len() + 1 != self.down.len()
            || blocks.into_iter().any(|b| !(1..=32).contains(b))
            || !(1..=256).contains(&self.filters)
        {
            plan.fail("down has 2 to 8 entries of 1 to 32 blocks, up one less, filters 1 to 256");
            return plan.finish();
        }
        if self.act == Act::Prelu {
            plan.fail("a SegResNet has no learned rectifier");
        }
        self.act.check(&mut plan);
        let window = plan.sides(3, 1);
        let shape = Convolution::plain(window, false);
        let mut x = plan.convolution(0, "convInit.conv", self.filters, shape);
        let mut skips = Vec::new();
        for (level, &blocks) in self.down.iter().enumerate() {
            if level > 0 {
                let name = format!("down_layers.{level}.0.conv");
                let strided = shape.with_stride(plan.sides(2, 1));
                x = plan.convolution(x, &name, self.filters << level, strided);
            }
            for block in 1..=blocks {
                x = self.block(&mut plan, x, &format!("down_layers.{level}.{block}"));
            }
            skips.push(x);
        }
        skips.pop();
        for (index, &blocks) in self.up.iter().enumerate() {
            let Some(skip) = skips.pop() else {
                break;
            };
            let half = plan.width(x) / 2;
            let point = Convolution::plain(plan.sides(1, 1), false);
            x = plan.convolution(x, &format!("up_samples.{index}.0.conv"), half, point);
            let double = plan.sides(2, 1);
            x = match self.upsample {
                Upsample::Deconv => {
                    let name = format!("up_samples.{index}.1.deconv");
                    plan.transposed(x, &name, half, Transposed::patches(double, true))
                }
                Upsample::Nontrainable => plan.enlarge(x, double, Between::Linear),
            };
            x = plan.add(x, skip);
            for block in 0..blocks {
                x = self.block(&mut plan, x, &format!("up_layers.{index}.{block}"));
            }
        }
        x = self.norm.add(&mut plan, x, "conv_final.0");
        x = self.act.add(&mut plan, x, "");
        let point = Convolution::plain(plan.sides(1, 1), true);
        plan.convolution(x, "conv_final.2.conv", self.classes, point);
        plan.finish()
    }

    /// Twice normalisation, rectifier and convolution, with a way around.
    fn block(&self, plan: &mut Plan, input: usize, name: &str) -> usize {
        let mut x = input;
        for index in 1..=2 {
            x = self.norm.add(plan, x, &format!("{name}.norm{index}"));
            x = self.act.add(plan, x, "");
            let shape = Convolution::plain(plan.sides(3, 1), false);
            let width = plan.width(input);
            x = plan.convolution(x, &format!("{name}.conv{index}.conv"), width, shape);
        }
        plan.add(x, input)
    }
}
