//! A plan as a network of the engine.

use super::{Grid, Net, Plan, Sides};
use crate::ai::{
    AiError,
    network::{Network, NetworkShape, PassMemory, slice_by_slice},
    weights::Weights,
};
use burn::tensor::{Device, Tensor};

/// A network that answers for each voxel, from a plan and its weights.
#[derive(Debug)]
pub struct PlannedNetwork {
    net: Net,
    shape: NetworkShape,
}

impl PlannedNetwork {
    /// Puts weights on a device. `shape` says what the card knows beside the plan: window and kind of answer.
    ///
    /// # Errors
    /// A plan that classifies whole pictures, a shape that is not the plan's, weights that do not fit.
    pub fn new(
        plan: &Plan,
        shape: NetworkShape,
        weights: &Weights,
        device: &Device,
    ) -> Result<Self, AiError> {
        shape.check()?;
        let fits = shape.input_channels == plan.input_channels()
            && shape.classes == plan.classes()
            && shape.multiple == plan.multiple
            && shape.is_planar() == (plan.dimensions == 2);
        if plan.features.is_some() || !fits {
            return Err(AiError::Network(
                "the network does not answer for each voxel in the way its card says".into(),
            ));
        }
        let (plan, weights) = plan.folded(weights)?;
        Ok(Self {
            net: Net::new(&plan, &weights, device)?,
            shape,
        })
    }
}

impl Network for PlannedNetwork {
    fn shape(&self) -> &NetworkShape {
        &self.shape
    }

    fn memory(&self, batch: usize, input: Sides) -> PassMemory {
        self.net.plan().memory(batch, input)
    }

    fn operations(&self, batch: usize, input: Sides) -> u64 {
        let [slices, rows, columns] = input;
        match self.net.plan().dimensions {
            3 => batch as u64 * self.net.plan().cost(input).operations,
            _ => (batch * slices) as u64 * self.net.plan().cost([1, rows, columns]).operations,
        }
    }

    fn forward(&self, input: Tensor<5>, go_on: &dyn Fn() -> bool) -> Result<Tensor<5>, AiError> {
        if self.net.plan().dimensions == <Tensor<5> as Grid>::DIMENSIONS {
            return self.net.forward_while(input, go_on);
        }
        slice_by_slice(input, self.shape.classes, |pictures| {
            self.net.forward_while(pictures, go_on)
        })
    }
}
