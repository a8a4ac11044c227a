//! One step of learning, and the way of weights into and out of a network.

use super::{
    AiError,
    loss::bce_dice,
    unet::{UNet, UNetConfig},
    weights::Weights,
};
use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param},
    optim::{Adam, AdamConfig, AdamState, AdaptiveMomentumState, Optimizer as _},
    tensor::{Device, Gradients, Tensor, TensorData},
};
use std::collections::BTreeMap;

/// A network that learns by Adam.
///
/// Adam's own arithmetic is burn's. The book-keeping is ours: burn's restores optimiser states on its default
/// device, which may be a second GPU device that nobody asked for.
pub struct Learner {
    network: UNet,
    adam: Adam,
    moments: BTreeMap<String, AdamState<1>>,
    device: Device,
    steps: usize,
}

impl Learner {
    /// Starts from weights with normalisation, and from the moments of a checkpoint when there are some.
    pub fn new(
        config: &UNetConfig,
        weights: &Weights,
        (first, second, steps): (&Weights, &Weights, usize),
        device: &Device,
    ) -> Result<Self, AiError> {
        let mut moments = BTreeMap::new();
        for (name, moment) in first.iter() {
            let Some(other) = second
                .get(name)
                .filter(|o| o.values.len() == moment.values.len())
            else {
                return Err(AiError::Weights(format!(
                    "the moments of `{name}` do not fit"
                )));
            };
            let tensor = |values: &Vec<f32>| {
                Tensor::<1>::from_data(TensorData::new(values.clone(), [values.len()]), device)
            };
            let state =
                AdaptiveMomentumState::new(steps, tensor(&moment.values), tensor(&other.values));
            moments.insert(name.to_owned(), AdamState::new(state));
        }
        Ok(Self {
            network: UNet::new(config, weights, &device.clone().autodiff())?,
            adam: AdamConfig::new().with_epsilon(1e-8).build(),
            moments,
            device: device.clone(),
            steps,
        })
    }

    /// One step on a batch of square pictures and targets (`batch × side × side` values each); the loss before it.
    pub fn step(
        &mut self,
        images: Vec<f32>,
        targets: Vec<f32>,
        side: usize,
        rate: f64,
        go_on: &dyn Fn() -> bool,
    ) -> Result<f32, AiError> {
        let shape = [images.len() / (side * side), 1, side, side];
        let device = self.device.clone().autodiff();
        let tensor = |values| Tensor::<4>::from_data(TensorData::new(values, shape), &device);
        let logits = self.network.forward_while(tensor(images), go_on)?;
        let loss = bce_dice(logits, tensor(targets));
        let value: f32 = loss.clone().into_scalar();
        if !value.is_finite() {
            return Err(AiError::Compute("the loss is no longer finite".into()));
        }
        let mut gradients = loss.backward();
        if !go_on() {
            return Err(AiError::Cancelled);
        }
        self.network = self.network.clone().map(&mut AdamStep {
            adam: &self.adam,
            rate,
            gradients: &mut gradients,
            moments: &mut self.moments,
            path: Vec::new(),
        });
        self.steps += 1;
        Ok(value)
    }

    /// The weights with normalisation, the first and second moments, and the steps taken.
    pub fn state(&self) -> Result<(Weights, Weights, Weights, usize), AiError> {
        // `valid` also brings the running statistics up to date.
        let weights = weights_of(&self.network.valid())?;
        let (mut first, mut second) = (Weights::default(), Weights::default());
        for (name, state) in &self.moments {
            for (moments, tensor) in [
                (&mut first, &state.momentum.moment_1),
                (&mut second, &state.momentum.moment_2),
            ] {
                let values = values_of(tensor.clone())?;
                moments.insert(name.clone(), vec![values.len()], values);
            }
        }
        Ok((weights, first, second, self.steps))
    }
}

struct AdamStep<'a> {
    adam: &'a Adam,
    rate: f64,
    gradients: &'a mut Gradients,
    moments: &'a mut BTreeMap<String, AdamState<1>>,
    path: Vec<String>,
}

impl ModuleMapper for AdamStep<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, parameter: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, tensor, mapper) = parameter.consume();
        let Some(gradient) = tensor.grad_remove(self.gradients) else {
            return Param::from_mapped_value(id, tensor, mapper);
        };
        let name = self.path.join(".");
        let (shape, count) = (tensor.shape(), tensor.shape().num_elements());
        let (updated, state) = self.adam.step(
            self.rate,
            tensor.inner().reshape([count]),
            gradient.reshape([count]),
            self.moments.remove(&name),
        );
        if let Some(state) = state {
            self.moments.insert(name, state);
        }
        let value = Tensor::from_inner(updated.reshape(shape)).require_grad();
        Param::from_mapped_value(id, value, mapper)
    }
}

/// Reads the weights of a network on the CPU device.
pub fn weights_of(network: &UNet) -> Result<Weights, AiError> {
    let mut reader = Reader {
        path: Vec::new(),
        out: Ok(Weights::default()),
    };
    network.visit(&mut reader);
    reader.out
}

struct Reader {
    path: Vec<String>,
    out: Result<Weights, AiError>,
}

impl ModuleVisitor for Reader {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        let tensor = parameter.val();
        let shape = tensor.dims().to_vec();
        match (values_of(tensor), &mut self.out) {
            (Ok(values), Ok(out)) => out.insert(self.path.join("."), shape, values),
            (Err(error), Ok(_)) => self.out = Err(error),
            (_, Err(_)) => {}
        }
    }
}

fn values_of<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, AiError> {
    tensor
        .try_into_vec_as::<f32>()
        .map_err(|error| AiError::Compute(error.to_string()))
}
