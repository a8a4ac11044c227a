//! Several networks that answer together, and are shown mirror images too.

use super::PlannedNetwork;
use crate::ai::{
    AiError,
    network::{Network, NetworkShape, PassMemory},
};
use burn::tensor::Tensor;

fn flipped(x: Tensor<5>, axes: &[isize]) -> Tensor<5> {
    match *axes {
        [] => x,
        [a] => x.flip([a]),
        [a, b] => x.flip([a, b]),
        [a, b, c, ..] => x.flip([a, b, c]),
    }
}

/// Networks of one shape whose logits are averaged.
#[derive(Debug)]
pub struct Ensemble {
    networks: Vec<PlannedNetwork>,
    /// Sets of axes of the tensor along which they see the window mirrored; the first is empty.
    mirrored: Vec<Vec<isize>>,
    shape: NetworkShape,
}

impl Ensemble {
    /// Networks that answer together. `mirror` are axes of a window (slices 0, rows 1, columns 2): each of the networks
    /// also sees the window mirrored along every choice of them.
    ///
    /// # Errors
    /// No network, networks of different shapes, axes that are none.
    pub fn new(networks: Vec<PlannedNetwork>, mirror: &[usize]) -> Result<Self, AiError> {
        let refuse = |what: &str| Err(AiError::Network(what.into()));
        let Some(first) = networks.first() else {
            return refuse("there is no network");
        };
        let shape = first.shape().clone();
        if networks.iter().any(|network| *network.shape() != shape) {
            return refuse("the networks of an ensemble differ in shape");
        }
        let planar = |axis: usize| shape.is_planar() && axis == 0;
        let twice = |at: usize| {
            mirror
                .iter()
                .skip(at + 1)
                .any(|m| mirror.get(at) == Some(m))
        };
        if (0..mirror.len()).any(twice) || mirror.iter().any(|&axis| axis > 2 || planar(axis)) {
            return refuse("the network has no such axis to mirror");
        }
        let mut mirrored = vec![Vec::new()];
        for &axis in mirror {
            let more = mirrored.iter().map(|set: &Vec<isize>| {
                let mut set = set.clone();
                set.push(axis as isize + 2);
                set
            });
            let more: Vec<Vec<isize>> = more.collect();
            mirrored.extend(more);
        }
        Ok(Self {
            networks,
            mirrored,
            shape,
        })
    }

    fn passes(&self) -> usize {
        self.networks.len() * self.mirrored.len()
    }
}

impl Network for Ensemble {
    fn shape(&self) -> &NetworkShape {
        &self.shape
    }

    fn memory(&self, batch: usize, input: [usize; 3]) -> PassMemory {
        let voxels: u64 = input.iter().map(|&side| side as u64).product();
        let numbers = |channels: usize| 4 * voxels * (batch * channels) as u64;
        // Beside a pass: the mirror image, the sum, and an answer turned back.
        let beside = match self.passes() {
            1 => 0,
            _ => numbers(self.shape.input_channels) + 2 * numbers(self.shape.classes),
        };
        let mut all = PassMemory::default();
        for network in &self.networks {
            let one = network.memory(batch, input);
            all.weights = all.weights.saturating_add(one.weights);
            all.activations = all.activations.max(one.activations);
            all.largest = all.largest.max(one.largest);
        }
        all.activations = all.activations.saturating_add(beside);
        all
    }

    fn operations(&self, batch: usize, input: [usize; 3]) -> u64 {
        let each = self.networks.iter().map(|n| n.operations(batch, input));
        each.sum::<u64>() * self.mirrored.len() as u64
    }

    fn forward(&self, input: Tensor<5>, go_on: &dyn Fn() -> bool) -> Result<Tensor<5>, AiError> {
        let mut sum: Option<Tensor<5>> = None;
        for network in &self.networks {
            for axes in &self.mirrored {
                let answer = network.forward(flipped(input.clone(), axes), go_on)?;
                let answer = flipped(answer, axes);
                sum = Some(match sum {
                    Some(sum) => sum + answer,
                    None => answer,
                });
            }
        }
        let none = || AiError::Network("there is no network".into());
        let sum = sum.ok_or_else(none)?;
        Ok(match self.passes() {
            1 => sum,
            passes => sum / passes as f64,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ai::{
        network::OutputKind,
        networks::{MeshNetConfig, Rectifier},
    };
    use burn::tensor::{Device, TensorData};

    fn network(seed: u64) -> PlannedNetwork {
        let config = MeshNetConfig {
            input_channels: 1,
            classes: 2,
            width: 3,
            dilations: vec![1, 2],
            rectifier: Rectifier::Relu,
            normalised: false,
        };
        let plan = config.plan().unwrap();
        let shape = NetworkShape {
            input_channels: 1,
            classes: 2,
            output: OutputKind::Softmax,
            patch: [8, 8, 8],
            multiple: [1; 3],
            reach: plan.reach(),
        };
        PlannedNetwork::new(&plan, shape, &plan.random_weights(seed), &Device::flex()).unwrap()
    }

    fn run(network: &dyn Network, x: Tensor<5>) -> Tensor<5> {
        network.forward(x, &|| true).unwrap()
    }

    #[test]
    fn folds_and_mirror_images_are_averaged() {
        let both = Ensemble::new(vec![network(1), network(2)], &[0, 2]).unwrap();
        let values: Vec<f32> = (0..6 * 7 * 8).map(|i| (i as f32 * 0.61).sin()).collect();
        let x = Tensor::from_data(TensorData::new(values, [1, 1, 6, 7, 8]), &Device::flex());
        let mut sum = Tensor::zeros([1, 2, 6, 7, 8], &Device::flex());
        for seed in [1, 2] {
            let one = network(seed);
            for axes in [&[][..], &[2], &[4], &[2, 4]] {
                let answer = run(&one, flipped(x.clone(), axes));
                sum = sum + flipped(answer, axes) / 8.0;
            }
        }
        let far: f32 = (run(&both, x) - sum).abs().max().into_scalar();
        assert!(far < 1e-6, "{far}");
        let one = network(1).operations(1, [6, 7, 8]);
        assert_eq!(both.operations(1, [6, 7, 8]), 8 * one);
        assert!(both.memory(1, [6, 7, 8]).total() > network(1).memory(1, [6, 7, 8]).total());
        assert!(Ensemble::new(vec![], &[]).is_err());
        assert!(Ensemble::new(vec![network(1)], &[3]).is_err());
        assert!(Ensemble::new(vec![network(1)], &[1, 1]).is_err());
    }
}
