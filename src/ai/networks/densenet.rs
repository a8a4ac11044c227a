//! Densely connected networks that classify (Huang et al. 2017): each layer sees the channels of all before it.
//!
//! `densenet121` is `blocks = [6, 12, 24, 16]`, `growth = 32`, `width = 64`. Names are those of torchvision or
//! of MONAI, so that the state dicts of either fit.

use super::plan::{Activation, Convolution, Plan};
use crate::ai::AiError;
use serde::{Deserialize, Serialize};

/// Whose names the tensors have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Naming {
    /// torchvision's.
    #[default]
    Torchvision,
    /// MONAI's.
    Monai,
}

/// Shape of a densely connected network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DenseNetConfig {
    /// 2 for pictures, 3 for volumes.
    #[serde(default = "two")]
    pub dimensions: usize,
    /// Channels of the input.
    pub input_channels: usize,
    /// One logit each.
    pub classes: usize,
    /// Channels of the stem.
    pub width: usize,
    /// Channels that each layer adds.
    pub growth: usize,
    /// Layers of each block.
    pub blocks: Vec<usize>,
    /// Channels between the two convolutions of a layer, in growths.
    #[serde(default = "four")]
    pub bottleneck: usize,
    /// Whose names the tensors have.
    #[serde(default)]
    pub naming: Naming,
}

const fn two() -> usize {
    2
}

const fn four() -> usize {
    4
}

const EPSILON: f64 = 1e-5;

impl DenseNetConfig {
    /// The network as data.
    pub fn plan(&self) -> Result<Plan, AiError> {
        let mut plan = Plan::new(self.dimensions, self.input_channels);
        if !(1..=6).contains(&self.blocks.len())
            || self.blocks.iter().any(|b| !(1..=64).contains(b))
        {
            plan.fail("a densely connected network has 1 to 6 blocks of 1 to 64 layers");
            return plan.finish();
        }
        if [self.width, self.growth]
            .iter()
            .any(|w| !(1..=256).contains(w))
            || !(1..=8).contains(&self.bottleneck)
        {
            plan.fail("width and growth must be 1 to 256, bottleneck 1 to 8");
            return plan.finish();
        }
        let (seven, three, halve, edge) = (
            plan.sides(7, 1),
            plan.sides(3, 1),
            plan.sides(2, 1),
            plan.sides(1, 0),
        );
        let shape = Convolution::plain(seven, false).with_stride(halve);
        let mut x = plan.convolution(0, "features.conv0", self.width, shape);
        x = norm_relu(&mut plan, x, "features.norm0");
        x = plan.max_pool(x, three, halve, edge);
        for (index, &layers) in self.blocks.iter().enumerate() {
            x = self.block(&mut plan, x, index + 1, layers);
            if index + 1 < self.blocks.len() {
                let name = format!("features.transition{}", index + 1);
                x = norm_relu(&mut plan, x, &format!("{name}.norm"));
                let (point, half) = (plan.sides(1, 1), plan.width(x) / 2);
                let shape = Convolution::plain(point, false);
                x = plan.convolution(x, &format!("{name}.conv"), half, shape);
                x = plan.mean_pool(x, halve);
            }
        }
        x = plan.batch_norm(x, "features.norm5", EPSILON);
        x = plan.activate(x, Activation::Relu);
        x = plan.global_mean(x);
        let last = match self.naming {
            Naming::Torchvision => "classifier",
            Naming::Monai => "class_layers.out",
        };
        plan.linear(x, last, self.classes);
        plan.finish()
    }

    fn block(&self, plan: &mut Plan, input: usize, number: usize, layers: usize) -> usize {
        let inner = match self.naming {
            Naming::Torchvision => "",
            Naming::Monai => "layers.",
        };
        let (point, window) = (plan.sides(1, 1), plan.sides(3, 1));
        let mut x = input;
        for layer in 1..=layers {
            let name = format!("features.denseblock{number}.denselayer{layer}.{inner}");
            let mut y = norm_relu(plan, x, &format!("{name}norm1"));
            let (between, shape) = (
                self.bottleneck * self.growth,
                Convolution::plain(point, false),
            );
            y = plan.convolution(y, &format!("{name}conv1"), between, shape);
            y = norm_relu(plan, y, &format!("{name}norm2"));
            let shape = Convolution::plain(window, false);
            y = plan.convolution(y, &format!("{name}conv2"), self.growth, shape);
            x = plan.concat(&[x, y]);
        }
        x
    }
}

fn norm_relu(plan: &mut Plan, x: usize, name: &str) -> usize {
    let x = plan.batch_norm(x, name, EPSILON);
    plan.activate(x, Activation::Relu)
}
