//! A network as plain data: steps in order, each with the steps it reads, and the tensors it needs.
//!
//! An architecture is turned into a plan once. From the plan follow the names and shapes of the weights file, the
//! running of the network, its cost, the memory that it needs at its widest place, and how far a result looks.

use crate::ai::{AiError, random::Random, weights::Weights};
use std::collections::BTreeSet;

/// Sides along slices, rows and columns. Networks on pictures have 1 (strides, kernels) or 0 (paddings) first.
pub type Sides = [usize; 3];

/// Steps that a plan may have.
const MAX_STEPS: usize = 4096;
/// Numbers that the weights of a plan may have: the file must stay below the largest that is read.
const MAX_PARAMETERS: usize = 120_000_000;

/// What kind of number a tensor holds; decides how it starts before training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Weights of a convolution or a linear layer.
    Kernel,
    /// Added after a convolution, a linear layer or a normalisation.
    Bias,
    /// Multiplied after a normalisation.
    Gain,
    /// Running mean of batch normalisation.
    Mean,
    /// Running variance of batch normalisation.
    Variance,
    /// Slope of a rectifier below zero.
    Slope,
}

/// A tensor of the weights file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name there.
    pub name: String,
    /// Its sides.
    pub shape: Vec<usize>,
    /// What it holds.
    pub kind: Kind,
}

/// Number of a [`Parameter`] in [`Plan::parameters`].
pub type Slot = usize;

/// What is applied to each number on its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// `max(x, 0)`.
    Relu,
    /// `x` above zero, else `slope · x`.
    LeakyRelu {
        /// Factor below zero.
        slope: f64,
    },
    /// As above with a learned slope.
    Prelu {
        /// The slope: one number, or one for each channel.
        slope: Slot,
    },
    /// `x` above zero, else `exp(x) - 1`.
    Elu,
    /// `x · Φ(x)` with the normal distribution's Φ.
    Gelu,
    /// `x / (1 + exp(-x))`.
    Silu,
}

/// How pixels are made up between others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Between {
    /// The nearest one is repeated.
    Nearest,
    /// On a line between two in each direction; outer edges meet.
    Linear,
    /// On a line between two in each direction; centres of the outermost pixels meet.
    LinearCorners,
}

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// The picture.
    Input,
    /// A convolution with zeros outside.
    Convolution {
        /// `[out, in, kernel…]`.
        weight: Slot,
        /// `[out]`.
        bias: Option<Slot>,
        /// Steps between results.
        stride: Sides,
        /// Zeros on either side.
        padding: Sides,
        /// Distance between the places that the kernel reads.
        dilation: Sides,
        /// Groups of channels that do not see each other.
        groups: usize,
    },
    /// A transposed convolution: each pixel becomes a patch of the kernel's size. Stride and kernel are the same,
    /// or the patches overlap and add up.
    Transposed {
        /// `[in, out, kernel…]`.
        weight: Slot,
        /// `[out]`.
        bias: Option<Slot>,
        /// Pixels between patches.
        stride: Sides,
        /// Pixels cut from either side.
        padding: Sides,
        /// Pixels kept at the far side although cut.
        extra: Sides,
    },
    /// Batch normalisation.
    BatchNorm {
        /// Factor.
        gain: Slot,
        /// Term.
        bias: Slot,
        /// Running mean.
        mean: Slot,
        /// Running variance.
        variance: Slot,
        /// Added to the variance.
        epsilon: f64,
    },
    /// Normalisation over groups of channels and all pixels; as many groups as channels make it instance
    /// normalisation.
    GroupNorm {
        /// Groups of channels.
        groups: usize,
        /// Factor and term by channel.
        affine: Option<(Slot, Slot)>,
        /// Added to the variance.
        epsilon: f64,
    },
    /// Number by number.
    Activate(Activation),
    /// The largest of each window.
    MaxPool {
        /// Window.
        kernel: Sides,
        /// Steps between windows.
        stride: Sides,
        /// Pixels on either side that never are the largest.
        padding: Sides,
    },
    /// The mean of each window.
    MeanPool {
        /// Window.
        kernel: Sides,
        /// Steps between windows.
        stride: Sides,
    },
    /// The mean over all pixels, one pixel remains.
    GlobalMean,
    /// A linear layer on one pixel.
    Linear {
        /// `[out, in]`.
        weight: Slot,
        /// `[out]`.
        bias: Option<Slot>,
    },
    /// A whole number of times as many pixels.
    Enlarge {
        /// How many times.
        factor: Sides,
        /// How pixels are made up.
        between: Between,
    },
    /// The sum of two.
    Add,
    /// The channels of all, one after the other.
    Concat,
    /// What goes in: a step that has become part of another.
    Keep,
}

impl Op {
    /// The tensors that the step reads.
    pub(super) fn slots(&mut self) -> Vec<&mut Slot> {
        match self {
            Self::Convolution { weight, bias, .. }
            | Self::Transposed { weight, bias, .. }
            | Self::Linear { weight, bias } => std::iter::once(weight).chain(bias).collect(),
            Self::BatchNorm {
                gain,
                bias,
                mean,
                variance,
                ..
            } => vec![gain, bias, mean, variance],
            Self::GroupNorm {
                affine: Some((gain, bias)),
                ..
            } => vec![gain, bias],
            Self::Activate(Activation::Prelu { slope }) => vec![slope],
            _ => Vec::new(),
        }
    }
}

/// A step with what it reads.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What is done.
    pub op: Op,
    /// Numbers of the steps whose results are read.
    pub inputs: Vec<usize>,
    /// Channels of the result.
    pub channels: usize,
    /// How often the picture's side has been halved so far, as a factor in each direction.
    pub reduction: Sides,
    /// One pixel remains: the mean was taken.
    pub flat: bool,
}

/// A network as data.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// Directions of a picture (2) or a volume (3).
    pub dimensions: usize,
    /// Tensors of the weights file.
    pub parameters: Vec<Parameter>,
    /// Steps in an order that can be run. The first is the input, the last gives the logits.
    pub steps: Vec<Step>,
    /// The step whose result is the last with places in it: the maps that a classifier averages.
    pub features: Option<usize>,
    /// The largest divisor that sides of the input must have, along slices, rows and columns.
    pub multiple: Sides,
    error: Option<String>,
}

/// What a plan costs for one picture of a size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Floating-point operations of convolutions and linear layers; a multiply and an add are two.
    pub operations: u64,
    /// Numbers of the result.
    pub output: u64,
}

impl Plan {
    /// Starts a plan for pictures (2) or volumes (3).
    pub(super) fn new(dimensions: usize, channels: usize) -> Self {
        let mut plan = Self {
            dimensions,
            multiple: [1; 3],
            ..Self::default()
        };
        if !(2..=3).contains(&dimensions) {
            plan.fail("a network has 2 or 3 dimensions");
        }
        if !(1..=64).contains(&channels) {
            plan.fail("a network has 1 to 64 input channels");
        }
        plan.steps.push(Step {
            op: Op::Input,
            inputs: Vec::new(),
            channels,
            reduction: [1; 3],
            flat: false,
        });
        plan
    }

    /// The same number in all directions that there are, `other` in the one that pictures lack.
    pub(super) fn sides(&self, value: usize, other: usize) -> Sides {
        match self.dimensions {
            3 => [value; 3],
            _ => [other, value, value],
        }
    }

    /// Sides as a configuration lists them: one number for each direction.
    pub(super) fn listed(&mut self, values: &[usize], other: usize) -> Sides {
        match *values {
            [a, b] if self.dimensions == 2 => [other, a, b],
            [a, b, c] if self.dimensions == 3 => [a, b, c],
            _ => {
                self.fail("a kernel or stride does not have one number for each direction");
                [1; 3]
            }
        }
    }

    /// Notes the first thing that is wrong; [`Self::finish`] tells it.
    pub(super) fn fail(&mut self, what: impl Into<String>) {
        self.error.get_or_insert_with(|| what.into());
    }

    pub(super) fn parameter(&mut self, name: String, shape: Vec<usize>, kind: Kind) -> Slot {
        self.parameters.push(Parameter { name, shape, kind });
        self.parameters.len() - 1
    }

    fn channels_of(&self, step: usize) -> usize {
        self.steps.get(step).map_or(0, |step| step.channels)
    }

    pub(super) fn reduction_of(&self, step: usize) -> Sides {
        self.steps.get(step).map_or([1; 3], |step| step.reduction)
    }

    fn is_flat(&self, step: usize) -> bool {
        self.steps.get(step).is_some_and(|step| step.flat)
    }

    /// Channels of a step's result.
    pub(super) fn width(&self, step: usize) -> usize {
        self.channels_of(step)
    }

    fn push(&mut self, op: Op, inputs: Vec<usize>, channels: usize, reduction: Sides) -> usize {
        if self.steps.len() >= MAX_STEPS {
            self.fail("the network has too many steps");
            return 0;
        }
        let flat = op == Op::GlobalMean || inputs.iter().any(|&i| self.is_flat(i));
        self.steps.push(Step {
            op,
            inputs,
            channels,
            reduction,
            flat,
        });
        self.steps.len() - 1
    }

    fn kernel_shape(&self, outer: usize, inner: usize, kernel: Sides) -> Vec<usize> {
        let mut shape = vec![outer, inner];
        let from = if self.dimensions == 3 { 0 } else { 1 };
        shape.extend(kernel.iter().skip(from));
        shape
    }

    fn check_sides(&mut self, kernel: Sides, stride: Sides, dilation: Sides) {
        let fits = |sides: Sides, most: usize| sides.iter().all(|s| (1..=most).contains(s));
        if !fits(kernel, 15) || !fits(stride, 8) || !fits(dilation, 64) {
            self.fail("a kernel has 1 to 15 places a side, strides 1 to 8, distances 1 to 64");
        }
    }

    fn check_channels(&mut self, channels: usize) {
        if !(1..=4096).contains(&channels) {
            self.fail("a step has 1 to 4096 channels");
        }
    }

    /// A convolution whose result has the size of the input divided by the stride (odd kernels).
    pub(super) fn convolution(
        &mut self,
        input: usize,
        name: &str,
        channels: usize,
        shape: Convolution,
    ) -> usize {
        let Convolution {
            kernel,
            stride,
            dilation,
            groups,
            bias,
        } = shape;
        self.check_sides(kernel, stride, dilation);
        self.check_channels(channels);
        // Odd kernels lie around their place; others are side by side, and nothing lies beyond the edge.
        let sides = kernel.iter().zip(stride);
        if sides
            .into_iter()
            .any(|(k, s)| k.is_multiple_of(2) && *k != s)
        {
            self.fail("kernels of convolutions have odd sides, or those of their stride");
        }
        let inputs = self.channels_of(input);
        let divides = |channels: usize| groups > 0 && channels.is_multiple_of(groups);
        if !divides(inputs) || !divides(channels) {
            self.fail("groups of a convolution divide its channels");
        }
        let weight_shape = self.kernel_shape(channels, inputs / groups.max(1), kernel);
        let weight = self.parameter(format!("{name}.weight"), weight_shape, Kind::Kernel);
        let bias = bias.then(|| self.parameter(format!("{name}.bias"), vec![channels], Kind::Bias));
        let padding = std::array::from_fn(|i| {
            let (k, d) = (kernel.get(i).unwrap_or(&1), dilation.get(i).unwrap_or(&1));
            match k.is_multiple_of(2) {
                true => 0,
                false => (k.saturating_sub(1) / 2) * d,
            }
        });
        let reduction = times(self.reduction_of(input), stride);
        self.multiple = larger(self.multiple, reduction);
        let op = Op::Convolution {
            weight,
            bias,
            stride,
            padding,
            dilation,
            groups,
        };
        self.push(op, vec![input], channels, reduction)
    }

    /// A transposed convolution that enlarges by the stride.
    pub(super) fn transposed(
        &mut self,
        input: usize,
        name: &str,
        channels: usize,
        shape: Transposed,
    ) -> usize {
        let Transposed {
            kernel,
            stride,
            centred,
            bias,
        } = shape;
        self.check_sides(kernel, stride, [1; 3]);
        self.check_channels(channels);
        // The result has (n - 1) · stride - 2 · padding + kernel + extra = n · stride pixels a side.
        let mut padding = [0; 3];
        let mut extra = [0; 3];
        for (((p, e), k), s) in padding.iter_mut().zip(&mut extra).zip(kernel).zip(stride) {
            *p = if centred { k.saturating_sub(1) / 2 } else { 0 };
            let cut = s + 2 * *p;
            if cut < k {
                self.fail("the kernel of a transposed convolution does not fit its stride");
            }
            *e = cut.saturating_sub(k);
        }
        let weight_shape = self.kernel_shape(self.channels_of(input), channels, kernel);
        let weight = self.parameter(format!("{name}.weight"), weight_shape, Kind::Kernel);
        let bias = bias.then(|| self.parameter(format!("{name}.bias"), vec![channels], Kind::Bias));
        let op = Op::Transposed {
            weight,
            bias,
            stride,
            padding,
            extra,
        };
        let reduction = self.divided(self.reduction_of(input), stride);
        self.push(op, vec![input], channels, reduction)
    }

    /// Batch normalisation.
    pub(super) fn batch_norm(&mut self, input: usize, name: &str, epsilon: f64) -> usize {
        let channels = self.channels_of(input);
        let mut part = |part: &str, kind| {
            self.parameters.push(Parameter {
                name: format!("{name}.{part}"),
                shape: vec![channels],
                kind,
            });
            self.parameters.len() - 1
        };
        let op = Op::BatchNorm {
            gain: part("weight", Kind::Gain),
            bias: part("bias", Kind::Bias),
            mean: part("running_mean", Kind::Mean),
            variance: part("running_var", Kind::Variance),
            epsilon,
        };
        self.check_epsilon(epsilon);
        let reduction = self.reduction_of(input);
        self.push(op, vec![input], channels, reduction)
    }

    fn check_epsilon(&mut self, epsilon: f64) {
        if !(epsilon > 0.0 && epsilon < 1.0) {
            self.fail("the term of a normalisation lies between 0 and 1");
        }
    }

    /// Normalisation by groups of channels; with a name it has factor and term.
    pub(super) fn group_norm(
        &mut self,
        input: usize,
        name: Option<&str>,
        groups: usize,
        epsilon: f64,
    ) -> usize {
        let channels = self.channels_of(input);
        if groups == 0 || !channels.is_multiple_of(groups) {
            self.fail("groups of a normalisation divide its channels");
        }
        self.check_epsilon(epsilon);
        let affine = name.map(|name| {
            (
                self.parameter(format!("{name}.weight"), vec![channels], Kind::Gain),
                self.parameter(format!("{name}.bias"), vec![channels], Kind::Bias),
            )
        });
        let op = Op::GroupNorm {
            groups,
            affine,
            epsilon,
        };
        let reduction = self.reduction_of(input);
        self.push(op, vec![input], channels, reduction)
    }

    /// One number at a time.
    pub(super) fn activate(&mut self, input: usize, activation: Activation) -> usize {
        let (channels, reduction) = (self.channels_of(input), self.reduction_of(input));
        self.push(Op::Activate(activation), vec![input], channels, reduction)
    }

    /// A rectifier with a learned slope, one for all channels or one for each.
    pub(super) fn prelu(&mut self, input: usize, name: &str, each: bool) -> usize {
        let count = if each { self.channels_of(input) } else { 1 };
        let slope = self.parameter(format!("{name}.weight"), vec![count], Kind::Slope);
        self.activate(input, Activation::Prelu { slope })
    }

    /// The largest of each window.
    pub(super) fn max_pool(
        &mut self,
        input: usize,
        kernel: Sides,
        stride: Sides,
        padding: Sides,
    ) -> usize {
        self.check_sides(kernel, stride, [1; 3]);
        let (channels, reduction) = (
            self.channels_of(input),
            times(self.reduction_of(input), stride),
        );
        self.multiple = larger(self.multiple, reduction);
        let op = Op::MaxPool {
            kernel,
            stride,
            padding,
        };
        self.push(op, vec![input], channels, reduction)
    }

    /// The mean of each window.
    pub(super) fn mean_pool(&mut self, input: usize, kernel: Sides) -> usize {
        self.check_sides(kernel, kernel, [1; 3]);
        let (channels, reduction) = (
            self.channels_of(input),
            times(self.reduction_of(input), kernel),
        );
        self.multiple = larger(self.multiple, reduction);
        let op = Op::MeanPool {
            kernel,
            stride: kernel,
        };
        self.push(op, vec![input], channels, reduction)
    }

    /// The mean over all pixels; what goes in are the features.
    pub(super) fn global_mean(&mut self, input: usize) -> usize {
        self.features.get_or_insert(input);
        let (channels, reduction) = (self.channels_of(input), self.reduction_of(input));
        self.push(Op::GlobalMean, vec![input], channels, reduction)
    }

    /// A linear layer on one pixel.
    pub(super) fn linear(&mut self, input: usize, name: &str, channels: usize) -> usize {
        self.check_channels(channels);
        if !self.is_flat(input) {
            self.fail("a linear layer comes after the mean over the picture");
        }
        let shape = vec![channels, self.channels_of(input)];
        let weight = self.parameter(format!("{name}.weight"), shape, Kind::Kernel);
        let bias = self.parameter(format!("{name}.bias"), vec![channels], Kind::Bias);
        let reduction = self.reduction_of(input);
        let op = Op::Linear {
            weight,
            bias: Some(bias),
        };
        self.push(op, vec![input], channels, reduction)
    }

    /// More pixels, made up between those that there are.
    pub(super) fn enlarge(&mut self, input: usize, factor: Sides, between: Between) -> usize {
        self.check_sides([1; 3], factor, [1; 3]);
        if self.is_flat(input) {
            self.fail("what was averaged over the picture is not enlarged");
        }
        let reduction = self.divided(self.reduction_of(input), factor);
        let channels = self.channels_of(input);
        self.push(
            Op::Enlarge { factor, between },
            vec![input],
            channels,
            reduction,
        )
    }

    /// The sum of two results of the same shape.
    pub(super) fn add(&mut self, one: usize, other: usize) -> usize {
        let (channels, reduction) = (self.channels_of(one), self.reduction_of(one));
        if channels != self.channels_of(other)
            || reduction != self.reduction_of(other)
            || self.is_flat(one) != self.is_flat(other)
        {
            self.fail("two results that are added differ in shape");
        }
        self.push(Op::Add, vec![one, other], channels, reduction)
    }

    /// Channels of several results of the same size.
    pub(super) fn concat(&mut self, inputs: &[usize]) -> usize {
        let reduction = inputs.first().map_or([1; 3], |&i| self.reduction_of(i));
        let flat = inputs.first().is_some_and(|&i| self.is_flat(i));
        let other = |i: usize| self.reduction_of(i) != reduction || self.is_flat(i) != flat;
        if inputs.iter().any(|&i| other(i)) {
            self.fail("results that are joined differ in size");
        }
        let channels = inputs.iter().map(|&i| self.channels_of(i)).sum();
        self.push(Op::Concat, inputs.to_vec(), channels, reduction)
    }

    fn divided(&mut self, reduction: Sides, by: Sides) -> Sides {
        if reduction.iter().zip(by).any(|(r, b)| !r.is_multiple_of(b)) {
            self.fail("the network gives more pixels than it takes");
        }
        std::array::from_fn(|i| {
            let (r, b) = (reduction.get(i).unwrap_or(&1), by.get(i).unwrap_or(&1));
            r / (*b).max(1)
        })
    }

    /// The finished plan, or what is wrong with the description.
    pub(super) fn finish(self) -> Result<Self, AiError> {
        if let Some(error) = self.error {
            return Err(AiError::Network(error));
        }
        let mut names = BTreeSet::new();
        if let Some(twice) = self.parameters.iter().find(|p| !names.insert(&p.name)) {
            let text = format!("two tensors are called `{}`", twice.name);
            return Err(AiError::Network(text));
        }
        let count = self
            .parameters
            .iter()
            .try_fold(0usize, |sum, p| sum.checked_add(p.count()?));
        if count.is_none_or(|count| count > MAX_PARAMETERS) {
            let text = format!("the network has more than {MAX_PARAMETERS} numbers");
            return Err(AiError::Network(text));
        }
        Ok(self)
    }

    /// Channels of the input.
    pub fn input_channels(&self) -> usize {
        self.channels_of(0)
    }

    /// Channels of the logits.
    pub fn classes(&self) -> usize {
        self.steps.last().map_or(0, |step| step.channels)
    }

    /// Names and shapes of the tensors of the weights file.
    pub fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        self.parameters
            .iter()
            .map(|p| (p.name.clone(), p.shape.clone()))
            .collect()
    }

    /// Numbers in the weights.
    pub fn parameter_count(&self) -> usize {
        self.parameters.iter().filter_map(Parameter::count).sum()
    }

    /// Random weights to start from: kernels after He et al. (2015) by what goes in, the last layer small.
    pub fn random_weights(&self, seed: u64) -> Weights {
        let mut weights = Weights::default();
        let last = self.parameters.iter().rposition(|p| p.kind == Kind::Kernel);
        for (index, parameter) in self.parameters.iter().enumerate() {
            let count = parameter.count().unwrap_or(0);
            let constant = |value: f32| vec![value; count];
            let values = match parameter.kind {
                Kind::Kernel => {
                    let fan_in: usize = parameter.shape.iter().skip(1).product();
                    let gain = if Some(index) == last { 0.1 } else { 2.0 };
                    let deviation = (gain / fan_in.max(1) as f64).sqrt();
                    let mut random =
                        Random::new(seed, &[u64::from_le_bytes(*b"weights\0"), index as u64]);
                    (0..count)
                        .map(|_| (deviation * random.normal()) as f32)
                        .collect()
                }
                Kind::Gain | Kind::Variance => constant(1.0),
                Kind::Bias | Kind::Mean => constant(0.0),
                Kind::Slope => constant(0.25),
            };
            weights.insert(parameter.name.clone(), parameter.shape.clone(), values);
        }
        weights
    }
}

impl Parameter {
    /// Numbers in it; `None` when there are too many to count.
    pub fn count(&self) -> Option<usize> {
        self.shape
            .iter()
            .try_fold(1usize, |product, &side| product.checked_mul(side))
    }
}

/// Shape of a convolution.
#[derive(Clone, Copy, Debug)]
pub(super) struct Convolution {
    pub kernel: Sides,
    pub stride: Sides,
    pub dilation: Sides,
    pub groups: usize,
    pub bias: bool,
}

impl Convolution {
    /// Stride and distances of 1.
    pub(super) const fn plain(kernel: Sides, bias: bool) -> Self {
        Self {
            kernel,
            stride: [1; 3],
            dilation: [1; 3],
            groups: 1,
            bias,
        }
    }

    pub(super) const fn with_stride(self, stride: Sides) -> Self {
        Self { stride, ..self }
    }

    pub(super) const fn with_dilation(self, dilation: Sides) -> Self {
        Self { dilation, ..self }
    }
}

/// Shape of a transposed convolution.
#[derive(Clone, Copy, Debug)]
pub(super) struct Transposed {
    pub kernel: Sides,
    pub stride: Sides,
    /// The kernel lies around each pixel; else it begins there.
    pub centred: bool,
    pub bias: bool,
}

impl Transposed {
    /// Each pixel becomes a patch of the stride's size.
    pub(super) const fn patches(stride: Sides, bias: bool) -> Self {
        Self {
            kernel: stride,
            stride,
            centred: false,
            bias,
        }
    }
}

fn times(a: Sides, b: Sides) -> Sides {
    std::array::from_fn(|i| {
        let (a, b) = (a.get(i).unwrap_or(&1), b.get(i).unwrap_or(&1));
        a.saturating_mul(*b).min(1 << 20)
    })
}

pub(super) fn larger(a: Sides, b: Sides) -> Sides {
    std::array::from_fn(|i| *a.get(i).unwrap_or(&1).max(b.get(i).unwrap_or(&1)))
}
