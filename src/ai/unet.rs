//! The U-Net (Ronneberger, Fischer, Brox 2015) as this program builds it.
//!
//! Per level two 3×3 convolutions with ReLU, 2×2 maximum on the way down, a 1×1 convolution with pixel shuffle
//! on the way up (no transposed convolution: no chequerboard), skip connections by concatenation, and a 1×1
//! convolution to one logit per class. With `patch` > 1 the picture enters as patch×patch blocks folded into
//! channels and the logits leave unfolded, so that the first level works at 1/patch of the resolution.
//!
//! While training each convolution is followed by batch normalisation; [`Weights::folded`] turns that into
//! plain convolutions, and only those are shipped and run.

use super::{
    AiError,
    cpu::QuickUNet,
    network::{Ledger, PassMemory},
    random::Random,
    readback,
    weights::Weights,
};
use burn::{
    module::{Module, Param, RunningState},
    nn::{
        BatchNorm, BatchNormConfig, PaddingConfig2d,
        conv::{Conv2d, Conv2dConfig},
        pool::{MaxPool2d, MaxPool2dConfig},
    },
    tensor::{Device, Tensor, TensorData, activation::relu},
};
use serde::{Deserialize, Serialize};

/// Term added to the variance in batch normalisation.
pub(crate) const NORM_EPSILON: f64 = 1e-5;

/// Shape of a U-Net.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UNetConfig {
    /// Channels of the input picture.
    pub input_channels: usize,
    /// Output channels, one logit each.
    pub classes: usize,
    /// Levels, the lowest included.
    pub depth: usize,
    /// Channels of the first level; each further one doubles.
    pub width: usize,
    /// Side of the pixel blocks folded into channels at the entrance; 1 for none.
    pub patch: usize,
}

impl UNetConfig {
    /// Refuses shapes that make no network, or one too large to be meant.
    pub fn check(&self) -> Result<(), AiError> {
        let refuse = |what: &str| Err(AiError::Network(what.into()));
        if !(1..=16).contains(&self.input_channels) || !(1..=32).contains(&self.classes) {
            return refuse("input_channels must be 1 to 16 and classes 1 to 32");
        }
        if !(2..=6).contains(&self.depth) || !(2..=128).contains(&self.width) {
            return refuse("depth must be 2 to 6 and width 2 to 128");
        }
        if ![1, 2, 4].contains(&self.patch) {
            return refuse("patch must be 1, 2 or 4");
        }
        if self.channels(self.depth - 1) > 1024 {
            return refuse("the lowest level may have 1024 channels at most");
        }
        Ok(())
    }

    /// Sides of the input must be multiples of this.
    pub const fn multiple(&self) -> usize {
        self.patch << (self.depth - 1)
    }

    /// Channels of a level, counted from 0.
    const fn channels(&self, level: usize) -> usize {
        self.width << level
    }

    const fn folded_input(&self) -> usize {
        self.input_channels * self.patch * self.patch
    }

    /// Each convolution: name, input channels, output channels, kernel side, level, and whether a
    /// normalisation belongs to it. The order is that of the forward pass.
    fn convolutions(&self) -> Vec<Layer> {
        let mut layers = Vec::new();
        let mut block = |name: String, level: usize, input: usize| {
            let width = self.channels(level);
            layers.push(Layer::new(format!("{name}.first"), input, width, 3, level));
            layers.push(Layer::new(format!("{name}.second"), width, width, 3, level));
        };
        for level in 0..self.depth {
            let input = match level {
                0 => self.folded_input(),
                _ => self.channels(level - 1),
            };
            block(format!("encoder.{level}"), level, input);
        }
        for level in (0..self.depth.saturating_sub(1)).rev() {
            block(format!("decoder.{level}"), level, 2 * self.channels(level));
        }
        for level in (0..self.depth.saturating_sub(1)).rev() {
            let (input, output) = (self.channels(level + 1), self.channels(level));
            layers.push(Layer::new(
                format!("up.{level}"),
                input,
                4 * output,
                1,
                level + 1,
            ));
        }
        let head = self.classes * self.patch * self.patch;
        layers.push(Layer::new("head".into(), self.width, head, 1, 0));
        layers
    }

    /// Numbers in the shipped weights.
    pub fn parameters(&self) -> usize {
        self.convolutions()
            .iter()
            .map(|l| l.output * (l.input * l.kernel * l.kernel + 1))
            .sum()
    }

    /// Floating-point operations of the convolutions for one picture (a multiply and an add are two).
    pub fn operations(&self, rows: usize, columns: usize) -> u64 {
        self.convolutions()
            .iter()
            .map(|l| {
                let side = self.patch << l.level;
                let pixels = (rows / side) as u64 * (columns / side) as u64;
                2 * pixels * (l.input * l.output * l.kernel * l.kernel) as u64
            })
            .sum()
    }

    /// Pixels away at which an input can still change an output, at most. Each 3×3 convolution reaches one pixel of its
    /// level, each pooling one more of the level below; what enters in blocks leaves in blocks.
    pub const fn reach(&self) -> usize {
        let mut reach = self.patch - 1;
        let mut level = 0;
        while level < self.depth {
            // Two convolutions on the way down, and above the lowest level two on the way up.
            let blocks = if level + 1 < self.depth { 4 } else { 2 };
            let below = if level + 1 < self.depth { 1 } else { 0 };
            reach += (blocks + below) * (self.patch << level);
            level += 1;
        }
        reach
    }

    /// What a pass over some pictures takes.
    pub fn memory(&self, pictures: u64, rows: usize, columns: usize) -> PassMemory {
        let numbers = |channels: usize, level: usize| {
            let side = self.patch << level;
            pictures * (channels * (rows / side) * (columns / side)) as u64
        };
        let mut ledger = Ledger::default();
        let mut input = numbers(self.folded_input(), 0);
        // As it came and as it is folded.
        ledger.hold(input);
        if self.patch > 1 {
            ledger.borrow(input);
        }
        let block = |ledger: &mut Ledger, input: u64, width: u64| {
            ledger.layer(input, width);
            // The rectification makes a tensor of its own.
            ledger.layer(width, width);
            ledger.layer(width, width);
            ledger.layer(width, width);
            width
        };
        for level in 0..self.depth {
            if level > 0 {
                // What is pooled stays for the way up.
                input = numbers(self.channels(level - 1), level);
                ledger.hold(input);
            }
            input = block(&mut ledger, input, numbers(self.channels(level), level));
        }
        for level in (0..self.depth - 1).rev() {
            let width = numbers(self.channels(level), level);
            ledger.layer(input, width);
            // Shuffled, and joined with what was kept.
            ledger.layer(width, width);
            ledger.hold(2 * width);
            ledger.release(2 * width);
            ledger.hold(width);
            input = block(&mut ledger, 2 * width, width);
        }
        let output = numbers(self.classes * self.patch * self.patch, 0);
        ledger.layer(input, output);
        ledger.layer(output, output);
        ledger.memory(self.parameters())
    }

    /// Names and shapes of the tensors in a weights file: folded as shipped, or with normalisation as trained.
    pub fn tensors(&self, normalised: bool) -> Vec<(String, Vec<usize>)> {
        let mut out = Vec::new();
        for layer in self.convolutions() {
            let shape = vec![layer.output, layer.input, layer.kernel, layer.kernel];
            if normalised && layer.kernel == 3 {
                out.push((format!("{}.convolution.weight", layer.name), shape));
                for part in ["gamma", "beta", "running_mean", "running_var"] {
                    out.push((format!("{}.norm.{part}", layer.name), vec![layer.output]));
                }
            } else {
                let inner = if layer.kernel == 3 {
                    ".convolution"
                } else {
                    ""
                };
                out.push((format!("{}{inner}.weight", layer.name), shape));
                out.push((format!("{}{inner}.bias", layer.name), vec![layer.output]));
            }
        }
        out
    }

    /// Random weights to start from: convolutions after He et al. (2015), the head at zero bias.
    pub fn random_weights(&self, seed: u64) -> Weights {
        let mut weights = Weights::default();
        for (index, (name, shape)) in self.tensors(true).into_iter().enumerate() {
            let count: usize = shape.iter().product();
            let values = if name.ends_with(".weight") {
                let fan_in: usize = shape.iter().skip(1).product();
                let deviation = (2.0 / fan_in as f64).sqrt();
                let mut random =
                    Random::new(seed, &[u64::from_le_bytes(*b"weights\0"), index as u64]);
                (0..count)
                    .map(|_| (deviation * random.normal()) as f32)
                    .collect()
            } else if name.ends_with(".gamma") || name.ends_with(".running_var") {
                vec![1.0; count]
            } else {
                vec![0.0; count]
            };
            weights.insert(name, shape, values);
        }
        weights
    }
}

#[derive(Clone, Debug)]
struct Layer {
    name: String,
    input: usize,
    output: usize,
    kernel: usize,
    level: usize,
}

impl Layer {
    const fn new(name: String, input: usize, output: usize, kernel: usize, level: usize) -> Self {
        Self {
            name,
            input,
            output,
            kernel,
            level,
        }
    }
}

#[derive(Module, Debug)]
struct Step {
    convolution: Conv2d,
    norm: Option<BatchNorm>,
}

impl Step {
    fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let x = self.convolution.forward(input);
        relu(match &self.norm {
            Some(norm) => norm.forward(x),
            None => x,
        })
    }
}

#[derive(Module, Debug)]
struct Block {
    first: Step,
    second: Step,
}

impl Block {
    fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        self.second.forward(self.first.forward(input))
    }
}

/// The network on a device.
#[derive(Module, Debug)]
pub struct UNet {
    encoder: Vec<Block>,
    decoder: Vec<Block>,
    up: Vec<Conv2d>,
    head: Conv2d,
    pool: MaxPool2d,
    patch: usize,
    /// The same network in kernels of our own: folded weights on the CPU, nothing to be differentiated.
    #[module(skip)]
    quick: Option<QuickUNet>,
}

impl UNet {
    /// Builds the network with these weights: with batch normalisation when they have it, else folded.
    /// Missing, surplus and misshapen tensors are errors.
    pub fn new(config: &UNetConfig, weights: &Weights, device: &Device) -> Result<Self, AiError> {
        config.check()?;
        let normalised = weights.get("encoder.0.first.norm.gamma").is_some();
        weights.check_layout(&config.tensors(normalised))?;
        let source = Source {
            weights,
            device,
            normalised,
        };
        let block = |name: String, input: usize, width: usize| {
            Ok::<_, AiError>(Block {
                first: source.step(&format!("{name}.first"), input, width)?,
                second: source.step(&format!("{name}.second"), width, width)?,
            })
        };
        let mut encoder = Vec::new();
        for level in 0..config.depth {
            let input = match level {
                0 => config.folded_input(),
                _ => config.channels(level - 1),
            };
            let width = config.channels(level);
            encoder.push(block(format!("encoder.{level}"), input, width)?);
        }
        let (mut decoder, mut up) = (Vec::new(), Vec::new());
        for level in 0..config.depth - 1 {
            let width = config.channels(level);
            decoder.push(block(format!("decoder.{level}"), 2 * width, width)?);
            up.push(source.pointwise(&format!("up.{level}"), 2 * width, 4 * width)?);
        }
        let classes = config.classes * config.patch * config.patch;
        let head = source.pointwise("head", config.width, classes)?;
        let on_cpu = *device == Device::flex() && !device.is_autodiff();
        let quick = match normalised || !on_cpu {
            true => None,
            false => Some(QuickUNet::new(config, weights)?),
        };
        Ok(Self {
            encoder,
            decoder,
            up,
            head,
            pool: MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init(),
            patch: config.patch,
            quick,
        })
    }

    /// Logits `[batch, classes, rows, columns]` of `[batch, channels, rows, columns]`; the sides must be
    /// multiples of [`UNetConfig::multiple`].
    pub fn forward(&self, input: Tensor<4>) -> Result<Tensor<4>, AiError> {
        self.forward_while(input, &|| true)
    }

    /// As [`Self::forward`], asking before each block whether to go on.
    pub fn forward_while(
        &self,
        input: Tensor<4>,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Tensor<4>, AiError> {
        let [_, channels, rows, columns] = input.dims();
        let multiple = self.patch << (self.encoder.len() - 1);
        let expected = self.input_channels();
        if channels != expected
            || rows % multiple != 0
            || columns % multiple != 0
            || rows * columns == 0
        {
            return Err(AiError::Network(format!(
                "input {channels} × {rows} × {columns} is not {expected} channels with sides in multiples of {multiple}"
            )));
        }
        let check = || {
            if go_on() {
                Ok(())
            } else {
                Err(AiError::Cancelled)
            }
        };
        if let Some(quick) = self.quick.as_ref().filter(|_| !input.is_autodiff()) {
            let device = input.device();
            let values = readback::on_cpu(input)?;
            let classes = self.head_weights().dims()[0] / (self.patch * self.patch);
            let pictures = values.len() / (channels * rows * columns);
            let logits = quick.forward(&values, [rows, columns], go_on)?;
            let data = TensorData::new(logits, [pictures, classes, rows, columns]);
            return Ok(Tensor::from_data(data, &device));
        }
        let mut x = fold(input, self.patch);
        let mut skips = Vec::new();
        for (level, block) in self.encoder.iter().enumerate() {
            check()?;
            if level > 0 {
                x = self.pool.forward(x);
            }
            x = block.forward(x);
            skips.push(x.clone());
        }
        skips.pop();
        for ((block, up), skip) in self.decoder.iter().zip(&self.up).zip(skips).rev() {
            check()?;
            x = block.forward(Tensor::cat(vec![skip, unfold(up.forward(x), 2)], 1));
        }
        check()?;
        Ok(unfold(self.head.forward(x), self.patch))
    }

    /// Whether it runs in kernels of our own, which keep the weights twice more, in part transformed to four times the size.
    pub const fn is_quick(&self) -> bool {
        self.quick.is_some()
    }

    /// The weights of the last convolution.
    pub fn head_weights(&self) -> Tensor<4> {
        self.head.weight.val()
    }

    fn input_channels(&self) -> usize {
        let folded = self.encoder.first().map_or(0, |block| {
            let [_, input, _, _] = block.first.convolution.weight.dims();
            input
        });
        folded / (self.patch * self.patch)
    }
}

/// Blocks of `side` × `side` pixels become channels: `[n, c, h, w]` to `[n, c·side², h/side, w/side]`.
fn fold(x: Tensor<4>, side: usize) -> Tensor<4> {
    if side == 1 {
        return x;
    }
    let [n, c, h, w] = x.dims();
    x.reshape([n, c, h / side, side, w / side, side])
        .permute([0, 1, 3, 5, 2, 4])
        .reshape([n, c * side * side, h / side, w / side])
}

/// The inverse of [`fold`], known as pixel shuffle (Shi et al. 2016).
fn unfold(x: Tensor<4>, side: usize) -> Tensor<4> {
    if side == 1 {
        return x;
    }
    let [n, c, h, w] = x.dims();
    let channels = c / (side * side);
    x.reshape([n, channels, side, side, h, w])
        .permute([0, 1, 4, 2, 5, 3])
        .reshape([n, channels, h * side, w * side])
}

struct Source<'a> {
    weights: &'a Weights,
    device: &'a Device,
    normalised: bool,
}

impl Source<'_> {
    fn tensor<const D: usize>(&self, name: &str) -> Result<Tensor<D>, AiError> {
        let tensor = self
            .weights
            .get(name)
            .filter(|tensor| tensor.shape.len() == D)
            .ok_or_else(|| AiError::Weights(format!("tensor `{name}` is missing")))?;
        let data = TensorData::new(tensor.values.clone(), tensor.shape.clone());
        Ok(Tensor::from_data(data, self.device))
    }

    fn parameter<const D: usize>(&self, name: &str) -> Result<Param<Tensor<D>>, AiError> {
        Ok(Param::from_tensor(self.tensor::<D>(name)?))
    }

    fn step(&self, name: &str, input: usize, output: usize) -> Result<Step, AiError> {
        let mut convolution = Conv2dConfig::new([input, output], [3, 3])
            .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
            .with_bias(!self.normalised)
            .init(self.device);
        convolution.weight = self.parameter(&format!("{name}.convolution.weight"))?;
        if !self.normalised {
            convolution.bias = Some(self.parameter(&format!("{name}.convolution.bias"))?);
            return Ok(Step {
                convolution,
                norm: None,
            });
        }
        let mut norm = BatchNormConfig::new(output)
            .with_epsilon(NORM_EPSILON)
            .init(self.device);
        norm.gamma = self.parameter(&format!("{name}.norm.gamma"))?;
        norm.beta = self.parameter(&format!("{name}.norm.beta"))?;
        norm.running_mean = RunningState::new(self.tensor(&format!("{name}.norm.running_mean"))?);
        norm.running_var = RunningState::new(self.tensor(&format!("{name}.norm.running_var"))?);
        Ok(Step {
            convolution,
            norm: Some(norm),
        })
    }

    fn pointwise(&self, name: &str, input: usize, output: usize) -> Result<Conv2d, AiError> {
        let mut convolution = Conv2dConfig::new([input, output], [1, 1]).init(self.device);
        convolution.weight = self.parameter(&format!("{name}.weight"))?;
        convolution.bias = Some(self.parameter(&format!("{name}.bias"))?);
        Ok(convolution)
    }
}
