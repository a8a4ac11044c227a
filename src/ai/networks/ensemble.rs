//! Several networks that answer together, shown also mirror images, on axes of their own.

use super::PlannedNetwork;
use crate::ai::{
    AiError,
    network::{Network, NetworkShape, PassMemory},
};
use burn::tensor::Tensor;

/// How the axes of a network follow those of a volume (slices, rows, columns).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The axis of the volume that each axis of the network follows.
    pub order: [usize; 3],
    /// Whether it follows it backwards.
    pub backwards: [bool; 3],
}

impl Turn {
    /// As they are.
    pub const NONE: Self = Self {
        order: [0, 1, 2],
        backwards: [false; 3],
    };

    /// Each axis of the volume once.
    pub fn is_sound(&self) -> bool {
        let mut order = self.order;
        order.sort_unstable();
        order == [0, 1, 2]
    }

    /// Numbers by axis of the network as numbers by axis of the volume.
    pub fn by_volume_axis<T: Copy>(&self, by_network_axis: [T; 3]) -> [T; 3] {
        let mut out = by_network_axis;
        for (&to, &value) in self.order.iter().zip(&by_network_axis) {
            if let Some(place) = out.get_mut(to) {
                *place = value;
            }
        }
        out
    }

    /// Numbers by axis of the volume as numbers by axis of the network.
    pub fn by_network_axis<T: Copy>(&self, by_volume_axis: [T; 3]) -> [T; 3] {
        self.order
            .map(|from| *by_volume_axis.get(from).unwrap_or(&by_volume_axis[0]))
    }

    fn flips(&self) -> Vec<isize> {
        let backwards = self.backwards.iter().zip(2..);
        backwards
            .filter(|(b, _)| **b)
            .map(|(_, axis)| axis)
            .collect()
    }

    /// A volume's window as the network sees it.
    fn forth(&self, x: Tensor<5>) -> Tensor<5> {
        if *self == Self::NONE {
            return x;
        }
        let [a, b, c] = self.order.map(|axis| axis as isize + 2);
        flipped(x.permute([0, 1, a, b, c]), &self.flips())
    }

    /// The network's answer along the axes of the volume.
    fn back(&self, y: Tensor<5>) -> Tensor<5> {
        if *self == Self::NONE {
            return y;
        }
        let mut places = [0, 1, 0, 0, 0];
        for (of_network, &of_volume) in self.order.iter().enumerate() {
            if let Some(place) = places.get_mut(of_volume + 2) {
                *place = of_network as isize + 2;
            }
        }
        flipped(y, &self.flips()).permute(places)
    }
}

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
    turn: Turn,
    /// Sets of axes of the network along which it sees the window mirrored; the first is empty.
    mirrored: Vec<Vec<isize>>,
    shape: NetworkShape,
}

impl Ensemble {
    /// Networks that answer together. `mirror` are axes of the networks (0 to 2): each of the networks also sees the
    /// window mirrored along every choice of them.
    ///
    /// # Errors
    /// No network, networks of different shapes, axes that are none, or slices that a turn would cut otherwise.
    pub fn new(
        networks: Vec<PlannedNetwork>,
        turn: Turn,
        mirror: &[usize],
    ) -> Result<Self, AiError> {
        let refuse = |what: &str| Err(AiError::Network(what.into()));
        let Some(first) = networks.first() else {
            return refuse("there is no network");
        };
        let shape = first.shape().clone();
        if networks.iter().any(|network| *network.shape() != shape) {
            return refuse("the networks of an ensemble differ in shape");
        }
        let planar = |axis: usize| shape.is_planar() && axis == 0;
        if !turn.is_sound() || shape.is_planar() && turn.order.first() != Some(&0) {
            return refuse("the axes of the network do not follow those of a volume");
        }
        if mirror.iter().any(|&axis| axis > 2 || planar(axis)) {
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
        let shape = NetworkShape {
            patch: turn.by_volume_axis(shape.patch),
            multiple: turn.by_volume_axis(shape.multiple),
            reach: shape.reach.map(|reach| turn.by_volume_axis(reach)),
            ..shape
        };
        Ok(Self {
            networks,
            turn,
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
        let turned = self.turn.by_network_axis(input);
        let each = self.networks.iter().map(|n| n.memory(batch, turned));
        let voxels: u64 = input.iter().map(|&side| side as u64).product();
        let output = 4 * voxels * (batch * self.shape.classes) as u64;
        let image = 4 * voxels * (batch * self.shape.input_channels) as u64;
        // Beside a pass: the window, its mirror image, the sum, and an answer turned back.
        let beside = match self.passes() == 1 && self.turn == Turn::NONE {
            true => 0,
            false => 2 * image + 2 * output,
        };
        let mut all = PassMemory::default();
        for one in each {
            all.weights = all.weights.saturating_add(one.weights);
            all.activations = all.activations.max(one.activations);
            all.largest = all.largest.max(one.largest);
        }
        all.activations = all.activations.saturating_add(beside);
        all
    }

    fn operations(&self, batch: usize, input: [usize; 3]) -> u64 {
        let turned = self.turn.by_network_axis(input);
        let each = self.networks.iter().map(|n| n.operations(batch, turned));
        each.sum::<u64>() * self.mirrored.len() as u64
    }

    fn forward(&self, input: Tensor<5>, go_on: &dyn Fn() -> bool) -> Result<Tensor<5>, AiError> {
        let seen = self.turn.forth(input);
        let mut sum: Option<Tensor<5>> = None;
        for network in &self.networks {
            for axes in &self.mirrored {
                let answer = network.forward(flipped(seen.clone(), axes), go_on)?;
                let answer = flipped(answer, axes);
                sum = Some(match sum {
                    Some(sum) => sum + answer,
                    None => answer,
                });
            }
        }
        let none = || AiError::Network("there is no network".into());
        let sum = sum.ok_or_else(none)?;
        let mean = match self.passes() {
            1 => sum,
            passes => sum / passes as f64,
        };
        Ok(self.turn.back(mean))
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

    fn window() -> Tensor<5> {
        let values: Vec<f32> = (0..6 * 7 * 8).map(|i| (i as f32 * 0.61).sin()).collect();
        Tensor::from_data(TensorData::new(values, [1, 1, 6, 7, 8]), &Device::flex())
    }

    fn far(a: Tensor<5>, b: Tensor<5>) -> f32 {
        (a - b).abs().max().into_scalar()
    }

    fn run(network: &dyn Network, x: Tensor<5>) -> Tensor<5> {
        network.forward(x, &|| true).unwrap()
    }

    #[test]
    fn a_turned_network_answers_on_the_axes_of_the_volume() {
        // Columns, slices from the far end, rows from the far end: how heads are shown to MeshNets.
        let turn = Turn {
            order: [2, 0, 1],
            backwards: [false, true, true],
        };
        assert_eq!(turn.by_volume_axis(['a', 'b', 'c']), ['b', 'c', 'a']);
        assert_eq!(turn.by_network_axis(['s', 'r', 'c']), ['c', 's', 'r']);
        let turned = Ensemble::new(vec![network(1)], turn, &[]).unwrap();
        let x = window();
        let seen = x.clone().permute([0, 1, 4, 2, 3]).flip([3, 4]);
        let answer = run(&network(1), seen).flip([3, 4]).permute([0, 1, 3, 4, 2]);
        let found = run(&turned, x);
        assert_eq!(found.dims(), [1, 2, 6, 7, 8]);
        assert!(far(found, answer) < 1e-6);
    }

    #[test]
    fn folds_and_mirror_images_are_averaged() {
        let both = Ensemble::new(vec![network(1), network(2)], Turn::NONE, &[0, 2]).unwrap();
        let x = window();
        let mut sum = Tensor::zeros([1, 2, 6, 7, 8], &Device::flex());
        for seed in [1, 2] {
            let one = network(seed);
            for axes in [&[][..], &[2], &[4], &[2, 4]] {
                let answer = run(&one, flipped(x.clone(), axes));
                sum = sum + flipped(answer, axes) / 8.0;
            }
        }
        assert!(far(run(&both, x), sum) < 1e-6);
        let one = network(1).operations(1, [6, 7, 8]);
        assert_eq!(both.operations(1, [6, 7, 8]), 8 * one);
        assert!(Ensemble::new(vec![], Turn::NONE, &[]).is_err());
        assert!(Ensemble::new(vec![network(1)], Turn::NONE, &[3]).is_err());
    }
}
