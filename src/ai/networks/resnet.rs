//! Residual networks that classify (He et al. 2016), with the names of torchvision, so that its state dicts fit.
//!
//! A stem, stages of blocks with a way around each, the mean over the picture, a linear layer. `resnet18` is
//! `blocks = [2, 2, 2, 2]`, `width = 64`; `resnet50` is `[3, 4, 6, 3]` with `bottleneck`. Smaller widths and
//! group normalisation make the classifiers that are trained here: group normalisation does not depend on the
//! batch, so what was trained is what is run.

use super::plan::{Activation, Convolution, Plan};
use crate::ai::AiError;
use serde::{Deserialize, Serialize};

/// Shape of a residual network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResNetConfig {
    /// 2 for pictures, 3 for volumes.
    #[serde(default = "two")]
    pub dimensions: usize,
    /// Channels of the input.
    pub input_channels: usize,
    /// One logit each.
    pub classes: usize,
    /// Channels of the first stage; each further one doubles.
    pub width: usize,
    /// Blocks of each stage.
    pub blocks: Vec<usize>,
    /// Blocks of three convolutions, the middle one with a quarter of the channels.
    #[serde(default)]
    pub bottleneck: bool,
    /// Side of the first kernel: 7 in the original, 3 for small pictures.
    #[serde(default = "seven")]
    pub stem: usize,
    /// Groups of group normalisation; 0 for batch normalisation.
    #[serde(default)]
    pub groups: usize,
}

const fn two() -> usize {
    2
}

const fn seven() -> usize {
    7
}

const EPSILON: f64 = 1e-5;

impl ResNetConfig {
    /// The network as data.
    pub fn plan(&self) -> Result<Plan, AiError> {
        let mut plan = Plan::new(self.dimensions, self.input_channels);
        if !(1..=6).contains(&self.blocks.len())
            || self.blocks.iter().any(|b| !(1..=64).contains(b))
        {
            plan.fail("a residual network has 1 to 6 stages of 1 to 64 blocks");
            return plan.finish();
        }
        if !(1..=512).contains(&self.width) {
            plan.fail("width must be 1 to 512");
            return plan.finish();
        }
        let stem = plan.sides(self.stem, 1);
        let halve = plan.sides(2, 1);
        let shape = Convolution::plain(stem, false).with_stride(halve);
        let mut x = plan.convolution(0, "conv1", self.width, shape);
        x = self.norm(&mut plan, x, "bn1");
        x = plan.activate(x, Activation::Relu);
        let (window, edge) = (plan.sides(3, 1), plan.sides(1, 0));
        x = plan.max_pool(x, window, halve, edge);
        for (stage, &blocks) in self.blocks.iter().enumerate() {
            for block in 0..blocks {
                let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                let name = format!("layer{}.{block}", stage + 1);
                x = self.block(&mut plan, x, &name, self.width << stage, stride);
            }
        }
        x = plan.global_mean(x);
        plan.linear(x, "fc", self.classes);
        plan.finish()
    }

    fn norm(&self, plan: &mut Plan, x: usize, name: &str) -> usize {
        match self.groups {
            0 => plan.batch_norm(x, name, EPSILON),
            groups => plan.group_norm(x, Some(name), groups, EPSILON),
        }
    }

    fn block(
        &self,
        plan: &mut Plan,
        input: usize,
        name: &str,
        width: usize,
        stride: usize,
    ) -> usize {
        let out = if self.bottleneck { 4 * width } else { width };
        let (point, window, step) = (plan.sides(1, 1), plan.sides(3, 1), plan.sides(stride, 1));
        let strided = Convolution::plain(window, false).with_stride(step);
        let layers = if self.bottleneck {
            // torchvision strides in the middle convolution.
            vec![
                (width, Convolution::plain(point, false)),
                (width, strided),
                (out, Convolution::plain(point, false)),
            ]
        } else {
            vec![(width, strided), (out, Convolution::plain(window, false))]
        };
        let mut x = input;
        let count = layers.len();
        for (index, (channels, shape)) in layers.into_iter().enumerate() {
            x = plan.convolution(x, &format!("{name}.conv{}", index + 1), channels, shape);
            x = self.norm(plan, x, &format!("{name}.bn{}", index + 1));
            if index + 1 < count {
                x = plan.activate(x, Activation::Relu);
            }
        }
        let mut around = input;
        if stride != 1 || plan.width(input) != out {
            let shape = Convolution::plain(point, false).with_stride(step);
            around = plan.convolution(input, &format!("{name}.downsample.0"), out, shape);
            around = self.norm(plan, around, &format!("{name}.downsample.1"));
        }
        let sum = plan.add(x, around);
        plan.activate(sum, Activation::Relu)
    }
}
