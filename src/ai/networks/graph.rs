//! A network that belongs to no family: its steps one by one, as an exchange file gives them.
//!
//! The list is turned into a plan by the same builder that the families use, so it is checked in the same way.

use super::plan::{Activation, Between, Convolution, Plan, Sides, Transposed};
use crate::ai::AiError;
use serde::{Deserialize, Serialize};

/// Most steps of a list.
const MAX_STEPS: usize = 2048;

/// A network as a list of steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GraphConfig {
    /// 2 for pictures, 3 for volumes.
    pub dimensions: usize,
    /// Channels of the input.
    pub input_channels: usize,
    /// The steps in an order that can be run. Step 0 is the input and not in the list; the last gives the logits.
    pub steps: Vec<GraphStep>,
}

/// One step: what it is and the numbers of the steps that it reads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case", deny_unknown_fields)]
pub enum GraphStep {
    /// A convolution.
    Convolution {
        /// What it reads.
        from: usize,
        /// Name of its tensors.
        name: String,
        /// Channels of the result.
        channels: usize,
        /// Sides of the kernel.
        kernel: Vec<usize>,
        /// Steps between results.
        stride: Vec<usize>,
        /// Distance between the places that the kernel reads.
        dilation: Vec<usize>,
        /// Groups of channels that do not see each other.
        #[serde(default = "one")]
        groups: usize,
        /// With a bias.
        bias: bool,
    },
    /// A transposed convolution.
    Transposed {
        /// What it reads.
        from: usize,
        /// Name of its tensors.
        name: String,
        /// Channels of the result.
        channels: usize,
        /// Sides of the kernel.
        kernel: Vec<usize>,
        /// Pixels between patches.
        stride: Vec<usize>,
        /// The kernel lies around each pixel; else it begins there.
        centred: bool,
        /// With a bias.
        bias: bool,
    },
    /// Batch normalisation.
    BatchNorm {
        /// What it reads.
        from: usize,
        /// Name of its tensors.
        name: String,
        /// Added to the variance.
        epsilon: f64,
    },
    /// Normalisation of each channel of each picture.
    InstanceNorm {
        /// What it reads.
        from: usize,
        /// Name of its tensors.
        name: String,
        /// Added to the variance.
        epsilon: f64,
    },
    /// `max(x, 0)`.
    Relu {
        /// What it reads.
        from: usize,
    },
    /// `x` above zero, else `slope · x`.
    Leaky {
        /// What it reads.
        from: usize,
        /// Factor below zero.
        slope: f64,
    },
    /// As above with learned slopes: one, or one for each channel.
    Prelu {
        /// What it reads.
        from: usize,
        /// Name of its tensor.
        name: String,
        /// A slope for each channel.
        each: bool,
    },
    /// `x` above zero, else `exp(x) - 1`.
    Elu {
        /// What it reads.
        from: usize,
    },
    /// The largest of each window.
    MaxPool {
        /// What it reads.
        from: usize,
        /// Window.
        kernel: Vec<usize>,
        /// Steps between windows.
        stride: Vec<usize>,
        /// Pixels on either side that never are the largest.
        padding: Vec<usize>,
    },
    /// The mean of each window, windows side by side.
    MeanPool {
        /// What it reads.
        from: usize,
        /// Window.
        kernel: Vec<usize>,
    },
    /// The mean over all pixels.
    GlobalMean {
        /// What it reads.
        from: usize,
    },
    /// A linear layer on one pixel.
    Linear {
        /// What it reads.
        from: usize,
        /// Name of its tensors.
        name: String,
        /// Channels of the result.
        channels: usize,
    },
    /// A whole number of times as many pixels.
    Enlarge {
        /// What it reads.
        from: usize,
        /// How many times.
        factor: Vec<usize>,
        /// How pixels are made up.
        between: Made,
    },
    /// The sum of two.
    Add {
        /// What it reads.
        from: [usize; 2],
    },
    /// The channels of several.
    Concat {
        /// What it reads.
        from: Vec<usize>,
    },
}

/// How pixels are made up between others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Made {
    /// The nearest one is repeated.
    Nearest,
    /// On a line; outer edges meet.
    Linear,
    /// On a line; centres of the outermost pixels meet.
    Corners,
}

const fn one() -> usize {
    1
}

impl GraphConfig {
    /// The network as a plan.
    pub fn plan(&self) -> Result<Plan, AiError> {
        let mut plan = Plan::new(self.dimensions, self.input_channels);
        if self.steps.is_empty() || self.steps.len() > MAX_STEPS {
            plan.fail(format!("a list has 1 to {MAX_STEPS} steps"));
            return plan.finish();
        }
        // Number in the plan of each number in the list.
        let mut numbers = vec![0usize];
        for step in &self.steps {
            let Some(made) = add(&mut plan, step, &numbers) else {
                plan.fail("a step reads one that comes later");
                break;
            };
            numbers.push(made);
        }
        plan.finish()
    }
}

fn add(plan: &mut Plan, step: &GraphStep, numbers: &[usize]) -> Option<usize> {
    let at = |from: &usize| numbers.get(*from).copied();
    Some(match step {
        GraphStep::Convolution {
            from,
            name,
            channels,
            kernel,
            stride,
            dilation,
            groups,
            bias,
        } => {
            let shape = Convolution {
                kernel: plan.listed(kernel, 1),
                stride: plan.listed(stride, 1),
                dilation: plan.listed(dilation, 1),
                groups: *groups,
                bias: *bias,
            };
            plan.convolution(at(from)?, name, *channels, shape)
        }
        GraphStep::Transposed {
            from,
            name,
            channels,
            kernel,
            stride,
            centred,
            bias,
        } => {
            let shape = Transposed {
                kernel: plan.listed(kernel, 1),
                stride: plan.listed(stride, 1),
                centred: *centred,
                bias: *bias,
            };
            plan.transposed(at(from)?, name, *channels, shape)
        }
        GraphStep::BatchNorm {
            from,
            name,
            epsilon,
        } => plan.batch_norm(at(from)?, name, *epsilon),
        GraphStep::InstanceNorm {
            from,
            name,
            epsilon,
        } => {
            let from = at(from)?;
            let groups = plan.width(from);
            plan.group_norm(from, Some(name), groups, *epsilon)
        }
        GraphStep::Relu { from } => plan.activate(at(from)?, Activation::Relu),
        GraphStep::Leaky { from, slope } => {
            if !(0.0..1.0).contains(slope) {
                plan.fail("slope must be at least 0 and below 1");
            }
            plan.activate(at(from)?, Activation::LeakyRelu { slope: *slope })
        }
        GraphStep::Prelu { from, name, each } => plan.prelu(at(from)?, name, *each),
        GraphStep::Elu { from } => plan.activate(at(from)?, Activation::Elu),
        GraphStep::MaxPool {
            from,
            kernel,
            stride,
            padding,
        } => {
            let (kernel, stride) = (plan.listed(kernel, 1), plan.listed(stride, 1));
            let padding = plan.listed(padding, 0);
            let inside = |(p, k): (&usize, &usize)| 2 * p <= *k;
            if !padding.iter().zip(&kernel).all(inside) {
                plan.fail("a window reaches beyond the edge by half of its side at most");
            }
            plan.max_pool(at(from)?, kernel, stride, padding)
        }
        GraphStep::MeanPool { from, kernel } => {
            let kernel = plan.listed(kernel, 1);
            plan.mean_pool(at(from)?, kernel)
        }
        GraphStep::GlobalMean { from } => plan.global_mean(at(from)?),
        GraphStep::Linear {
            from,
            name,
            channels,
        } => plan.linear(at(from)?, name, *channels),
        GraphStep::Enlarge {
            from,
            factor,
            between,
        } => {
            let factor: Sides = plan.listed(factor, 1);
            let between = match between {
                Made::Nearest => Between::Nearest,
                Made::Linear => Between::Linear,
                Made::Corners => Between::LinearCorners,
            };
            plan.enlarge(at(from)?, factor, between)
        }
        GraphStep::Add { from: [one, other] } => {
            let (one, other) = (at(one)?, at(other)?);
            plan.add(one, other)
        }
        GraphStep::Concat { from } => {
            let inputs: Option<Vec<usize>> = from.iter().map(at).collect();
            let inputs = inputs?;
            if inputs.is_empty() {
                plan.fail("nothing is joined");
            }
            plan.concat(&inputs)
        }
    })
}
