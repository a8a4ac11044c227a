//! A plan with its weights on a device.

use super::{
    grid::{self, ConvolveBy, Grid, TransposeBy},
    plan::{Activation, Kind, Op, Plan, Slot},
};
use crate::ai::{AiError, weights::Weights};
use burn::{
    module::{Module, Param, RunningState},
    tensor::{
        Device, Tensor, TensorData, activation,
        module::{batch_norm, batch_norm_train},
    },
};
use std::sync::Arc;

/// Share of the newest batch in running statistics, as everywhere.
const MOMENTUM: f64 = 0.1;

/// Where a parameter of the plan lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Vector(usize),
    Matrix(usize),
    Kernel2(usize),
    Kernel3(usize),
    Statistic(usize),
}

/// A network on a device. As a burn module it can be trained; [`Net::name_of`] gives the name that a parameter
/// has in the weights file.
#[derive(Module, Debug)]
pub struct Net {
    vectors: Vec<Param<Tensor<1>>>,
    matrices: Vec<Param<Tensor<2>>>,
    kernels2: Vec<Param<Tensor<4>>>,
    kernels3: Vec<Param<Tensor<5>>>,
    statistics: Vec<RunningState<Tensor<1>>>,
    training: bool,
    #[module(skip)]
    plan: Arc<Plan>,
    #[module(skip)]
    places: Arc<Vec<Place>>,
}

impl Net {
    /// Puts weights on a device, to be run. Missing, surplus and misshapen tensors are errors.
    pub fn new(plan: &Plan, weights: &Weights, device: &Device) -> Result<Self, AiError> {
        Self::with(plan, weights, device, false)
    }

    /// As [`Self::new`]; on a device with autodiff, batch normalisation takes the statistics of the batch and
    /// keeps the running ones.
    pub fn to_train(plan: &Plan, weights: &Weights, device: &Device) -> Result<Self, AiError> {
        Self::with(plan, weights, device, true)
    }

    fn with(
        plan: &Plan,
        weights: &Weights,
        device: &Device,
        training: bool,
    ) -> Result<Self, AiError> {
        weights.check_layout(&plan.tensors())?;
        let mut net = Self {
            vectors: Vec::new(),
            matrices: Vec::new(),
            kernels2: Vec::new(),
            kernels3: Vec::new(),
            statistics: Vec::new(),
            training,
            plan: Arc::new(plan.clone()),
            places: Arc::default(),
        };
        let mut places = Vec::new();
        for parameter in &plan.parameters {
            let Some(array) = weights.get(&parameter.name) else {
                let text = format!("tensor `{}` is missing", parameter.name);
                return Err(AiError::Weights(text));
            };
            let data = TensorData::new(array.values.clone(), array.shape.clone());
            let statistic = matches!(parameter.kind, Kind::Mean | Kind::Variance);
            places.push(match array.shape.len() {
                1 if statistic => {
                    let tensor = Tensor::from_data(data, device);
                    net.statistics.push(RunningState::new(tensor));
                    Place::Statistic(net.statistics.len() - 1)
                }
                1 => {
                    let tensor = Tensor::from_data(data, device);
                    net.vectors.push(Param::from_tensor(tensor));
                    Place::Vector(net.vectors.len() - 1)
                }
                2 => {
                    let tensor = Tensor::from_data(data, device);
                    net.matrices.push(Param::from_tensor(tensor));
                    Place::Matrix(net.matrices.len() - 1)
                }
                4 => {
                    let tensor = Tensor::from_data(data, device);
                    net.kernels2.push(Param::from_tensor(tensor));
                    Place::Kernel2(net.kernels2.len() - 1)
                }
                5 => {
                    let tensor = Tensor::from_data(data, device);
                    net.kernels3.push(Param::from_tensor(tensor));
                    Place::Kernel3(net.kernels3.len() - 1)
                }
                rank => {
                    let text = format!("tensor `{}` has {rank} sides", parameter.name);
                    return Err(AiError::Weights(text));
                }
            });
        }
        net.places = Arc::new(places);
        Ok(net)
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The name in the weights file of a parameter that a visitor of the module meets as `path`, for example
    /// `kernels2.3`.
    pub fn name_of(&self, path: &str) -> Option<&str> {
        let (list, number) = path.split_once('.')?;
        let number = number.parse().ok()?;
        let place = match list {
            "vectors" => Place::Vector(number),
            "matrices" => Place::Matrix(number),
            "kernels2" => Place::Kernel2(number),
            "kernels3" => Place::Kernel3(number),
            "statistics" => Place::Statistic(number),
            _ => return None,
        };
        let slot = self.places.iter().position(|other| *other == place)?;
        self.plan.parameters.get(slot).map(|p| p.name.as_str())
    }

    /// Logits of a batch: `[batch, classes, …]`, one pixel where the network classifies pictures.
    /// `go_on` is asked before each step.
    pub fn forward_while<const D: usize>(
        &self,
        input: Tensor<D>,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Tensor<D>, AiError>
    where
        Tensor<D>: Grid,
    {
        self.check_input(&input)?;
        self.run(0, input, self.plan.steps.len().saturating_sub(1), go_on)
    }

    /// As [`Self::forward_while`], to the end.
    pub fn forward<const D: usize>(&self, input: Tensor<D>) -> Result<Tensor<D>, AiError>
    where
        Tensor<D>: Grid,
    {
        self.forward_while(input, &|| true)
    }

    /// Logits `[batch, classes]` of a network that classifies.
    pub fn classify<const D: usize>(
        &self,
        input: Tensor<D>,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Tensor<2>, AiError>
    where
        Tensor<D>: Grid,
    {
        Self::flat(self.forward_while(input, go_on)?)
    }

    /// The maps before a classifier's mean over the picture: `[batch, channels, …]`.
    pub fn features<const D: usize>(
        &self,
        input: Tensor<D>,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Tensor<D>, AiError>
    where
        Tensor<D>: Grid,
    {
        self.check_input(&input)?;
        self.run(0, input, self.features_step()?, go_on)
    }

    /// Logits `[batch, classes]` from what [`Self::features`] gives.
    pub fn classify_features<const D: usize>(
        &self,
        features: Tensor<D>,
    ) -> Result<Tensor<2>, AiError>
    where
        Tensor<D>: Grid,
    {
        let last = self.plan.steps.len().saturating_sub(1);
        Self::flat(self.run(self.features_step()?, features, last, &|| true)?)
    }

    fn features_step(&self) -> Result<usize, AiError> {
        let none = || AiError::Network("the network does not classify pictures".into());
        self.plan.features.ok_or_else(none)
    }

    fn flat<const D: usize>(logits: Tensor<D>) -> Result<Tensor<2>, AiError> {
        let dims = logits.dims();
        let [batch, classes] = [dims[0], dims[1]];
        if dims.iter().skip(2).any(|&side| side != 1) {
            let text = "the network gives a mask, not a class";
            return Err(AiError::Network(text.into()));
        }
        Ok(logits.reshape([batch, classes]))
    }

    fn check_input<const D: usize>(&self, input: &Tensor<D>) -> Result<(), AiError>
    where
        Tensor<D>: Grid,
    {
        let dims = input.dims();
        let expected = self.plan.input_channels();
        let dimensions = <Tensor<D> as Grid>::DIMENSIONS;
        if self.plan.dimensions != dimensions || dims[1] != expected {
            return Err(AiError::Network(format!(
                "the input has {dimensions} dimensions and {} channels; the network takes {} and {expected}",
                dims[1], self.plan.dimensions
            )));
        }
        let multiple = self.plan.multiple.iter().skip(3 - dimensions);
        let sides = dims.iter().skip(2);
        if sides.clone().any(|&side| side == 0) {
            return Err(AiError::Network("the input is empty".into()));
        }
        let masks = self.plan.features.is_none();
        if masks
            && sides
                .zip(multiple)
                .any(|(side, m)| !side.is_multiple_of(*m))
        {
            let text = format!(
                "sides of the input must be multiples of {:?}",
                self.plan.multiple
            );
            return Err(AiError::Network(text));
        }
        Ok(())
    }

    /// Runs the steps behind `from`, whose result is given, until `to`. A result is let go of after its last use.
    fn run<const D: usize>(
        &self,
        from: usize,
        start: Tensor<D>,
        to: usize,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Tensor<D>, AiError>
    where
        Tensor<D>: Grid,
    {
        let last = self.plan.last_uses();
        let lost = || AiError::Network("a step reads a result that is not there".into());
        let mut results: Vec<Option<Tensor<D>>> = vec![None; self.plan.steps.len()];
        *results.get_mut(from).ok_or_else(lost)? = Some(start);
        for (index, step) in self
            .plan
            .steps
            .iter()
            .enumerate()
            .take(to + 1)
            .skip(from + 1)
        {
            if !go_on() {
                return Err(AiError::Cancelled);
            }
            let mut inputs = Vec::with_capacity(step.inputs.len());
            for (place, &input) in step.inputs.iter().enumerate() {
                let slot = results.get_mut(input).ok_or_else(lost)?;
                // Read for the last time: moved, so that the device may write in place.
                let repeated = step.inputs.iter().skip(place + 1).any(|&i| i == input);
                let done = last.get(input) == Some(&index) && !repeated;
                let value = if done { slot.take() } else { slot.clone() };
                inputs.push(value.ok_or_else(lost)?);
            }
            let value = self.apply(&step.op, inputs)?;
            *results.get_mut(index).ok_or_else(lost)? = Some(value);
        }
        results.get_mut(to).and_then(Option::take).ok_or_else(lost)
    }

    fn apply<const D: usize>(
        &self,
        op: &Op,
        mut inputs: Vec<Tensor<D>>,
    ) -> Result<Tensor<D>, AiError>
    where
        Tensor<D>: Grid,
    {
        if *op == Op::Concat {
            return Ok(Tensor::cat(inputs, 1));
        }
        let few = || AiError::Network("a step reads too few results".into());
        if *op == Op::Add {
            let (b, a) = (inputs.pop(), inputs.pop());
            return Ok(a.ok_or_else(few)? + b.ok_or_else(few)?);
        }
        let x = inputs.pop().ok_or_else(few)?;
        Ok(match op {
            Op::Input | Op::Add | Op::Concat | Op::Keep => x,
            Op::Convolution {
                weight,
                bias,
                stride,
                padding,
                dilation,
                groups,
            } => {
                let how = ConvolveBy {
                    stride: *stride,
                    padding: *padding,
                    dilation: *dilation,
                    groups: *groups,
                };
                x.convolve(self.kernel(*weight)?, self.optional(*bias)?, how)
            }
            Op::Transposed {
                weight,
                bias,
                stride,
                padding,
                extra,
            } => {
                let how = TransposeBy {
                    stride: *stride,
                    padding: *padding,
                    extra: *extra,
                };
                x.transposed(self.kernel(*weight)?, self.optional(*bias)?, how)
            }
            Op::BatchNorm {
                gain,
                bias,
                mean,
                variance,
                epsilon,
            } => self.batch_norm(x, [*gain, *bias, *mean, *variance], *epsilon)?,
            Op::GroupNorm {
                groups,
                affine,
                epsilon,
            } => {
                let affine = match affine {
                    Some((gain, bias)) => Some((self.vector(*gain)?, self.vector(*bias)?)),
                    None => None,
                };
                group_norm(x, *groups, affine, *epsilon)
            }
            Op::Activate(activation) => self.activate(x, *activation)?,
            Op::MaxPool {
                kernel,
                stride,
                padding,
            } => x.max_pool(*kernel, *stride, *padding),
            Op::MeanPool { kernel, stride } => x.mean_pool(*kernel, *stride),
            Op::GlobalMean => {
                let dims = x.dims();
                let mut small = [1; D];
                small[0] = dims[0];
                small[1] = dims[1];
                let pixels: usize = dims.iter().skip(2).product();
                x.reshape([dims[0], dims[1], pixels])
                    .mean_dim(2)
                    .reshape(small)
            }
            Op::Linear { weight, bias } => {
                let dims = x.dims();
                let flat = x.reshape([dims[0], dims[1]]);
                let mut y = flat.matmul(self.matrix(*weight)?.transpose());
                if let Some(bias) = self.optional(*bias)? {
                    let [classes] = bias.dims();
                    y = y + bias.reshape([1, classes]);
                }
                let [batch, classes] = y.dims();
                let mut small = [1; D];
                small[0] = batch;
                small[1] = classes;
                y.reshape(small)
            }
            Op::Enlarge { factor, between } => grid::enlarge(x, *factor, *between),
        })
    }

    fn activate<const D: usize>(
        &self,
        x: Tensor<D>,
        activation: Activation,
    ) -> Result<Tensor<D>, AiError> {
        Ok(match activation {
            Activation::Relu => activation::relu(x),
            Activation::LeakyRelu { slope } => activation::leaky_relu(x, slope),
            Activation::Prelu { slope } => activation::prelu(x, self.vector(slope)?),
            Activation::Elu => activation::elu(x, 1.0),
            Activation::Gelu => activation::gelu(x),
            Activation::Silu => activation::silu(x),
        })
    }

    fn batch_norm<const D: usize>(
        &self,
        x: Tensor<D>,
        [gain, bias, mean, variance]: [Slot; 4],
        epsilon: f64,
    ) -> Result<Tensor<D>, AiError> {
        let (gain, bias) = (self.vector(gain)?, self.vector(bias)?);
        let (mean, variance) = (self.statistic(mean)?, self.statistic(variance)?);
        if !(self.training && x.device().is_autodiff()) {
            let device = x.device();
            let (mean, variance) = (
                mean.value().to_device(&device),
                variance.value().to_device(&device),
            );
            return Ok(batch_norm(x, gain, bias, mean, variance, epsilon));
        }
        let result = batch_norm_train(x, gain, bias, epsilon);
        for (state, newest) in [(mean, result.mean), (variance, result.variance)] {
            let old = state.value_sync().to_device(&newest.device());
            let new = old * (1.0 - MOMENTUM) + newest.detach() * MOMENTUM;
            state.update(new.detach());
        }
        Ok(result.output)
    }

    fn place(&self, slot: Slot) -> Option<Place> {
        self.places.get(slot).copied()
    }

    fn vector(&self, slot: Slot) -> Result<Tensor<1>, AiError> {
        match self.place(slot) {
            Some(Place::Vector(i)) => self.vectors.get(i).map(Param::val),
            _ => None,
        }
        .ok_or_else(|| AiError::Network("a step needs a row of numbers".into()))
    }

    fn optional(&self, slot: Option<Slot>) -> Result<Option<Tensor<1>>, AiError> {
        slot.map(|slot| self.vector(slot)).transpose()
    }

    fn matrix(&self, slot: Slot) -> Result<Tensor<2>, AiError> {
        match self.place(slot) {
            Some(Place::Matrix(i)) => self.matrices.get(i).map(Param::val),
            _ => None,
        }
        .ok_or_else(|| AiError::Network("a step needs a table of numbers".into()))
    }

    fn statistic(&self, slot: Slot) -> Result<&RunningState<Tensor<1>>, AiError> {
        match self.place(slot) {
            Some(Place::Statistic(i)) => self.statistics.get(i),
            _ => None,
        }
        .ok_or_else(|| AiError::Network("a step needs a running statistic".into()))
    }

    fn kernel<const D: usize>(&self, slot: Slot) -> Result<Tensor<D>, AiError>
    where
        Tensor<D>: Grid,
    {
        let (two, three) = match self.place(slot) {
            Some(Place::Kernel2(i)) => (self.kernels2.get(i).map(Param::val), None),
            Some(Place::Kernel3(i)) => (None, self.kernels3.get(i).map(Param::val)),
            _ => (None, None),
        };
        <Tensor<D> as Grid>::one_of(two, three)
            .ok_or_else(|| AiError::Network("a step needs a kernel of another rank".into()))
    }
}

/// Over each group of channels and all pixels: less the mean, divided by the root of the variance.
///
/// With one channel in a group factor and term are put together, so that the pixels are gone through once less.
fn group_norm<const D: usize>(
    x: Tensor<D>,
    groups: usize,
    affine: Option<(Tensor<1>, Tensor<1>)>,
    epsilon: f64,
) -> Tensor<D> {
    let dims = x.dims();
    let (batch, channels) = (dims[0], dims[1]);
    let pixels: usize = dims.iter().skip(2).product();
    let each = channels / groups.max(1);
    let lines = x.reshape([batch, groups, each * pixels]);
    let centred = lines.clone() - lines.mean_dim(2);
    let variance = centred.clone().square().mean_dim(2);
    let scale = variance.add_scalar(epsilon).sqrt().recip();
    let Some((gain, bias)) = affine else {
        return (centred * scale).reshape(dims);
    };
    let scale = scale
        .expand([batch, groups, each])
        .reshape([batch, channels, 1]);
    let scale = scale * gain.reshape([1, channels, 1]);
    let scaled = centred.reshape([batch, channels, pixels]) * scale;
    (scaled + bias.reshape([1, channels, 1])).reshape(dims)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ai::networks::{DenseNetConfig, Naming, ResNetConfig};

    fn small() -> ResNetConfig {
        ResNetConfig {
            dimensions: 2,
            input_channels: 1,
            classes: 2,
            width: 8,
            blocks: vec![1, 1],
            bottleneck: false,
            stem: 3,
            groups: 4,
        }
    }

    fn picture(side: usize, device: &Device) -> Tensor<4> {
        let values: Vec<f32> = (0..side * side).map(|i| (i as f32 * 0.37).sin()).collect();
        Tensor::from_data(TensorData::new(values, [1, 1, side, side]), device)
    }

    #[test]
    fn known_classifiers_have_their_known_sizes() {
        let resnet = |blocks: &[usize], bottleneck| ResNetConfig {
            input_channels: 3,
            classes: 1000,
            width: 64,
            blocks: blocks.to_vec(),
            bottleneck,
            stem: 7,
            groups: 0,
            ..small()
        };
        // What torchvision counts, and beside it the running statistics, which it counts apart.
        let statistics = |plan: &Plan| -> usize {
            let kinds = plan.parameters.iter();
            kinds
                .filter(|p| matches!(p.kind, Kind::Mean | Kind::Variance))
                .filter_map(|p| p.count())
                .sum()
        };
        for (plan, count, operations) in [
            (
                resnet(&[2, 2, 2, 2], false).plan().unwrap(),
                11_689_512,
                1.814e9,
            ),
            (
                resnet(&[3, 4, 6, 3], true).plan().unwrap(),
                25_557_032,
                4.089e9,
            ),
        ] {
            assert_eq!(plan.parameter_count() - statistics(&plan), count);
            let cost = plan.cost([1, 224, 224]);
            let found = cost.operations as f64 / 2.0;
            assert!((found / operations - 1.0).abs() < 0.001, "{found}");
            assert_eq!(cost.output, 1000);
            assert_eq!(plan.reach(), None);
        }
        let dense = DenseNetConfig {
            dimensions: 2,
            input_channels: 3,
            classes: 1000,
            width: 64,
            growth: 32,
            blocks: vec![6, 12, 24, 16],
            bottleneck: 4,
            naming: Naming::Torchvision,
        };
        let plan = dense.plan().unwrap();
        assert_eq!(plan.parameter_count() - statistics(&plan), 7_978_856);
    }

    #[test]
    fn features_and_the_rest_make_the_whole() {
        let device = Device::flex();
        let plan = small().plan().unwrap();
        let net = Net::new(&plan, &plan.random_weights(3), &device).unwrap();
        let x = picture(32, &device);
        let features = net.features(x.clone(), &|| true).unwrap();
        assert_eq!(features.dims(), [1, 16, 4, 4]);
        let parts = net.classify_features(features).unwrap();
        let whole = net.classify(x, &|| true).unwrap();
        assert_eq!(parts.dims(), [1, 2]);
        let difference: f32 = (parts - whole).abs().max().into_scalar();
        assert!(difference < 1e-6);
    }

    #[test]
    fn it_stops_when_it_is_told_to_and_refuses_other_inputs() {
        let device = Device::flex();
        let plan = small().plan().unwrap();
        let net = Net::new(&plan, &plan.random_weights(3), &device).unwrap();
        let x = picture(16, &device);
        let stopped = net.classify(x.clone(), &|| false);
        assert!(matches!(stopped, Err(AiError::Cancelled)));
        let colour = Tensor::cat(vec![x.clone(), x.clone(), x.clone()], 1);
        assert!(matches!(net.forward(colour), Err(AiError::Network(_))));
        let volume = x.reshape([1, 1, 1, 16, 16]);
        assert!(matches!(net.forward(volume), Err(AiError::Network(_))));
        let mut weights = plan.random_weights(3);
        weights.insert("more".into(), vec![1], vec![0.0]);
        assert!(matches!(
            Net::new(&plan, &weights, &device),
            Err(AiError::Weights(_))
        ));
    }

    #[test]
    fn every_parameter_learns_and_has_its_name() {
        use burn::module::ModuleVisitor;
        struct Names(Vec<String>, Vec<String>);
        impl ModuleVisitor for Names {
            fn enter_module(&mut self, name: &str, _: &str) {
                self.0.push(name.into());
            }
            fn exit_module(&mut self, _: &str, _: &str) {
                self.0.pop();
            }
            fn visit_float<const D: usize>(&mut self, _: &Param<Tensor<D>>) {
                self.1.push(self.0.join("."));
            }
        }
        for groups in [0, 4] {
            let config = ResNetConfig { groups, ..small() };
            let plan = config.plan().unwrap();
            let device = Device::flex().autodiff();
            let net = Net::to_train(&plan, &plan.random_weights(3), &device).unwrap();
            let mut names = Names(Vec::new(), Vec::new());
            net.visit(&mut names);
            let mut found: Vec<&str> = names.1.iter().filter_map(|p| net.name_of(p)).collect();
            found.sort_unstable();
            let mut expected: Vec<&str> = plan.parameters.iter().map(|p| p.name.as_str()).collect();
            expected.sort_unstable();
            assert_eq!(found, expected);
            let two = Tensor::cat(
                vec![picture(32, &device), picture(32, &device) * 2.0 + 0.1],
                0,
            );
            let gradients = net
                .classify(two, &|| true)
                .unwrap()
                .square()
                .sum()
                .backward();
            for kernel in &net.kernels2 {
                let gradient = kernel.val().grad(&gradients).unwrap();
                assert!(gradient.abs().max().into_scalar::<f32>() > 0.0);
            }
        }
    }
}
