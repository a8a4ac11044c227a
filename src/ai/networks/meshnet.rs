//! MeshNet (Fedorov et al. 2017): 3-D convolutions one after the other whose kernels reach further and further and
//! back again, at full resolution from end to end, and a 1×1×1 convolution to the classes.

use super::plan::{Activation, Convolution, Plan};
use crate::ai::AiError;
use serde::{Deserialize, Serialize};

/// What follows each convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rectifier {
    /// `max(x, 0)`.
    Relu,
    /// `x` above zero, else `exp(x) - 1`.
    Elu,
    /// `x · Φ(x)`.
    Gelu,
}

/// Shape of a MeshNet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeshNetConfig {
    /// Channels of the input.
    pub input_channels: usize,
    /// One logit each.
    pub classes: usize,
    /// Channels of the layers between.
    pub width: usize,
    /// Distance between the places that each 3×3×3 kernel reads.
    pub dilations: Vec<usize>,
    /// What follows each convolution.
    pub rectifier: Rectifier,
    /// Each channel is normalised over the volume, without factor and term, and convolutions have no bias.
    #[serde(default)]
    pub normalised: bool,
}

const EPSILON: f64 = 1e-5;

impl MeshNetConfig {
    /// The network as data. Tensors are `layers.N` from 0 and `output`.
    pub fn plan(&self) -> Result<Plan, AiError> {
        let mut plan = Plan::new(3, self.input_channels);
        if !(1..=64).contains(&self.dilations.len()) {
            plan.fail("a MeshNet has 1 to 64 layers");
            return plan.finish();
        }
        let mut x = 0;
        for (index, &dilation) in self.dilations.iter().enumerate() {
            let shape = Convolution::plain([3; 3], !self.normalised).with_dilation([dilation; 3]);
            x = plan.convolution(x, &format!("layers.{index}"), self.width, shape);
            if self.normalised {
                x = plan.group_norm(x, None, self.width, EPSILON);
            }
            let activation = match self.rectifier {
                Rectifier::Relu => Activation::Relu,
                Rectifier::Elu => Activation::Elu,
                Rectifier::Gelu => Activation::Gelu,
            };
            x = plan.activate(x, activation);
        }
        plan.convolution(x, "output", self.classes, Convolution::plain([1; 3], true));
        plan.finish()
    }
}
