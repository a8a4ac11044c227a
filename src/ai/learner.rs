//! One step of learning, and the way of weights into and out of a network.

use super::{
    AiError,
    networks::Net,
    recipe::{Optimiser, TrainingRecipe},
    unet::UNet,
    weights::Weights,
};
use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param},
    optim::{Adam, AdamConfig, AdamState, AdaptiveMomentumState, Optimizer as _},
    tensor::{Device, Gradients, Tensor, TensorData},
};
use std::collections::BTreeMap;

/// What a run needs to go on, beside the network's shape: weights with normalisation, the optimiser's memory, the
/// running mean of the weights.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Learned {
    /// Weights with their normalisation.
    pub weights: Weights,
    /// First moments of Adam, or the velocities of gradient descent.
    pub first_moments: Weights,
    /// Second moments of Adam.
    pub second_moments: Weights,
    /// Running mean of the weights over the steps; empty without averaging.
    pub average: Weights,
    /// Steps taken.
    pub steps: usize,
}

/// A network that learns.
///
/// Adam's own arithmetic is burn's. The book-keeping is ours: burn's restores optimiser states on its default
/// device, which may be a second GPU device that nobody asked for.
pub struct Learner<N> {
    network: N,
    rule: Rule,
    memory: Memory,
    weight_decay: f64,
    average: Option<(f64, Weights)>,
    steps: usize,
}

enum Rule {
    Adam(Box<Adam>),
    Descent { momentum: f64 },
}

#[derive(Default)]
struct Memory {
    moments: BTreeMap<String, AdamState<1>>,
    velocities: BTreeMap<String, Tensor<1>>,
}

/// A network whose parameters have names in weights files.
pub trait Named: Module {
    /// The name of the parameter that a visitor meets at `path`.
    fn tensor_name(&self, path: &str) -> String {
        path.to_owned()
    }
}

impl Named for UNet {}

impl Named for Net {
    fn tensor_name(&self, path: &str) -> String {
        self.name_of(path).unwrap_or(path).to_owned()
    }
}

impl<N: Named> Learner<N> {
    /// Starts from weights with normalisation, and from the optimiser's memory of a checkpoint when there is one.
    /// `build` makes the network on the device that keeps gradients.
    ///
    /// # Errors
    /// A memory that does not fit the weights, and whatever `build` says.
    pub fn new(
        recipe: &TrainingRecipe,
        from: &Learned,
        device: &Device,
        build: impl FnOnce(&Weights, &Device) -> Result<N, AiError>,
    ) -> Result<Self, AiError> {
        let mut memory = Memory::default();
        let tensor = |values: &Vec<f32>| {
            Tensor::<1>::from_data(TensorData::new(values.clone(), [values.len()]), device)
        };
        for (name, moment) in from.first_moments.iter() {
            if recipe.optimiser == Optimiser::Sgd {
                let velocity = tensor(&moment.values);
                memory.velocities.insert(name.to_owned(), velocity);
                continue;
            }
            let Some(other) = from
                .second_moments
                .get(name)
                .filter(|o| o.values.len() == moment.values.len())
            else {
                return Err(AiError::Weights(format!(
                    "the moments of `{name}` do not fit"
                )));
            };
            let state = AdaptiveMomentumState::new(
                from.steps,
                tensor(&moment.values),
                tensor(&other.values),
            );
            memory
                .moments
                .insert(name.to_owned(), AdamState::new(state));
        }
        let rule = match recipe.optimiser {
            Optimiser::Adam => Rule::Adam(Box::new(AdamConfig::new().with_epsilon(1e-8).build())),
            Optimiser::Sgd => Rule::Descent {
                momentum: recipe.momentum,
            },
        };
        let average = (recipe.average > 0.0).then(|| {
            let known = from.average.iter().next().is_some();
            let start = if known { &from.average } else { &from.weights };
            (recipe.average, start.clone())
        });
        Ok(Self {
            network: build(&from.weights, &device.clone().autodiff())?,
            rule,
            memory,
            weight_decay: recipe.weight_decay,
            average,
            steps: from.steps,
        })
    }

    /// One step: the loss that `loss` computes with the network, before the step.
    ///
    /// # Errors
    /// A loss that is not finite, a stop between forward and backward pass, and whatever `loss` says.
    pub fn step(
        &mut self,
        rate: f64,
        go_on: &dyn Fn() -> bool,
        loss: impl FnOnce(&N) -> Result<Tensor<1>, AiError>,
    ) -> Result<f32, AiError> {
        let loss = loss(&self.network)?;
        let value: f32 = loss.clone().into_scalar();
        if !value.is_finite() {
            return Err(AiError::Compute("the loss is no longer finite".into()));
        }
        let mut gradients = loss.backward();
        if !go_on() {
            return Err(AiError::Cancelled);
        }
        self.network = self.network.clone().map(&mut OptimiserStep {
            rule: &self.rule,
            rate,
            weight_decay: self.weight_decay,
            gradients: &mut gradients,
            memory: &mut self.memory,
            path: Vec::new(),
        });
        self.steps += 1;
        if let Some((decay, average)) = &mut self.average {
            let now = weights_of(&self.network.valid())?;
            // Early on the past counts less: it is a few steps of hardly trained weights.
            let steps = self.steps as f64;
            let keep = decay.min((1.0 + steps) / (10.0 + steps));
            average.blend(&now, keep as f32);
        }
        Ok(value)
    }

    /// The weights with normalisation and what else a checkpoint holds.
    ///
    /// # Errors
    /// Numbers that do not come back from the device.
    pub fn state(&self) -> Result<Learned, AiError> {
        let mut out = Learned {
            // `valid` also brings the running statistics up to date.
            weights: weights_of(&self.network.valid())?,
            average: self
                .average
                .as_ref()
                .map(|(_, weights)| weights.clone())
                .unwrap_or_default(),
            steps: self.steps,
            ..Learned::default()
        };
        for (name, state) in &self.memory.moments {
            for (moments, tensor) in [
                (&mut out.first_moments, &state.momentum.moment_1),
                (&mut out.second_moments, &state.momentum.moment_2),
            ] {
                let values = values_of(tensor.clone())?;
                moments.insert(name.clone(), vec![values.len()], values);
            }
        }
        for (name, velocity) in &self.memory.velocities {
            let values = values_of(velocity.clone())?;
            out.first_moments
                .insert(name.clone(), vec![values.len()], values);
        }
        Ok(out)
    }
}

impl Learned {
    /// The weights that are judged and shipped: their running mean where there is one.
    pub fn best_guess(&self) -> &Weights {
        match self.average.iter().next() {
            Some(_) => &self.average,
            None => &self.weights,
        }
    }
}

struct OptimiserStep<'a> {
    rule: &'a Rule,
    rate: f64,
    weight_decay: f64,
    gradients: &'a mut Gradients,
    memory: &'a mut Memory,
    path: Vec<String>,
}

impl ModuleMapper for OptimiserStep<'_> {
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
        let (mut now, gradient) = (tensor.inner().reshape([count]), gradient.reshape([count]));
        // Decoupled from the gradient (Loshchilov and Hutter 2019); biases and normalisation are left alone.
        if self.weight_decay > 0.0 && D > 1 {
            now = now * (1.0 - self.rate * self.weight_decay);
        }
        let updated = match self.rule {
            Rule::Adam(adam) => {
                let before = self.memory.moments.remove(&name);
                let (updated, state) = adam.step(self.rate, now, gradient, before);
                if let Some(state) = state {
                    self.memory.moments.insert(name, state);
                }
                updated
            }
            Rule::Descent { momentum } => {
                let velocity = match self.memory.velocities.remove(&name) {
                    Some(before) => before * *momentum + gradient,
                    None => gradient,
                };
                self.memory.velocities.insert(name, velocity.clone());
                now - velocity * self.rate
            }
        };
        let value = Tensor::from_inner(updated.reshape(shape)).require_grad();
        Param::from_mapped_value(id, value, mapper)
    }
}

/// Reads the weights of a network on the CPU device.
///
/// # Errors
/// Numbers that do not come back from the device.
pub fn weights_of<N: Named>(network: &N) -> Result<Weights, AiError> {
    let mut reader = Reader {
        path: Vec::new(),
        out: Ok(Weights::default()),
    };
    network.visit(&mut reader);
    let mut out = Weights::default();
    for (path, array) in reader.out?.iter() {
        let name = network.tensor_name(path);
        out.insert(name, array.shape.clone(), array.values.clone());
    }
    Ok(out)
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
