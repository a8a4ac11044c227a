//! What the engine knows of a network: what goes in, what comes out, how far it looks, how much memory it takes.
//!
//! Every network that gives an answer for each voxel is used through [`Network`], whatever it is made of. Pictures are
//! volumes of one slice: sizes are `[slices, rows, columns]`, tensors `[batch, channels, slices, rows, columns]`.

use super::{
    AiError,
    unet::{UNet, UNetConfig},
    weights::Weights,
};
use burn::tensor::{Device, Tensor};
use std::fmt::Debug;

/// What the output channels are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputKind {
    /// Each channel is a question of its own (logits; several may hold at one place).
    Sigmoid,
    /// Exactly one channel holds at each place (logits); channel 0 is the background.
    Softmax,
}

/// What a network is, beside its numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkShape {
    /// Channels that go in.
    pub input_channels: usize,
    /// Channels that come out.
    pub classes: usize,
    /// What they are.
    pub output: OutputKind,
    /// The size it was trained on, which is what a window takes when memory allows. One slice: the network is planar,
    /// and each slice of a volume is a picture.
    pub patch: [usize; 3],
    /// Every input side is a multiple of this.
    pub multiple: [usize; 3],
    /// How many voxels away an input can still change an output, along each axis; `None` where all of the input always
    /// counts (normalisation over the instance).
    pub reach: Option<[usize; 3]>,
}

impl NetworkShape {
    /// Whether slices are looked at one by one.
    pub const fn is_planar(&self) -> bool {
        self.patch[0] == 1
    }

    /// Refuses what makes no network.
    pub fn check(&self) -> Result<(), AiError> {
        let refuse = |what: &str| Err(AiError::Network(what.into()));
        if self.input_channels == 0 || self.classes == 0 {
            return refuse("there are no channels");
        }
        if self.output == OutputKind::Softmax && self.classes < 2 {
            return refuse("one class of several needs at least two");
        }
        // A label is one byte; that of "none" is among them.
        if self.classes > 255 {
            return refuse("there may be 255 classes at most");
        }
        let fits = |(&patch, &multiple): (&usize, &usize)| {
            multiple > 0 && patch > 0 && patch.is_multiple_of(multiple)
        };
        if !self.patch.iter().zip(&self.multiple).all(fits) {
            return refuse("the patch does not fit the network");
        }
        Ok(())
    }
}

/// Bytes that one pass takes on the device, as far as the network's shape tells. Allocators round up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PassMemory {
    /// The weights; they stay between passes.
    pub weights: u64,
    /// The most that is alive at one moment: input, what is between the layers, work space of the layers, output.
    pub activations: u64,
    /// The largest single tensor: devices limit what one binding may hold.
    pub largest: u64,
}

impl PassMemory {
    /// Both.
    pub const fn total(self) -> u64 {
        self.weights.saturating_add(self.activations)
    }
}

/// A network whose weights lie on a device.
pub trait Network: Debug + Send + Sync {
    /// What it is.
    fn shape(&self) -> &NetworkShape;

    /// What a pass over `batch` inputs of `[slices, rows, columns]` takes.
    fn memory(&self, batch: usize, input: [usize; 3]) -> PassMemory;

    /// Floating-point operations of such a pass (a multiply and an add are two).
    fn operations(&self, batch: usize, input: [usize; 3]) -> u64;

    /// Logits `[batch, classes, slices, rows, columns]` of `[batch, channels, slices, rows, columns]`.
    ///
    /// `go_on` is asked before each block of layers; the pass ends with [`AiError::Cancelled`] when it says no. Blocks
    /// are to be small: frames of the window are drawn between them.
    fn forward(&self, input: Tensor<5>, go_on: &dyn Fn() -> bool) -> Result<Tensor<5>, AiError>;
}

/// Adds up what is alive in the course of a pass, in numbers of 32 bits, and remembers the most.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ledger {
    alive: u64,
    most: u64,
    largest: u64,
}

impl Ledger {
    /// Something is made and stays.
    pub const fn hold(&mut self, numbers: u64) {
        if numbers > self.largest {
            self.largest = numbers;
        }
        self.alive = self.alive.saturating_add(numbers);
        self.borrow(0);
    }

    /// Something is needed for a moment, beside what is alive.
    pub const fn borrow(&mut self, numbers: u64) {
        let now = self.alive.saturating_add(numbers);
        if now > self.most {
            self.most = now;
        }
    }

    /// Something is let go.
    pub const fn release(&mut self, numbers: u64) {
        self.alive = self.alive.saturating_sub(numbers);
    }

    /// A layer: its input is alive and goes, its output stays. Convolutions bring their input into another order
    /// first, so for a moment the input is there twice.
    pub const fn layer(&mut self, input: u64, output: u64) {
        self.hold(output);
        self.borrow(input);
        self.release(input);
    }

    /// What the pass took, for a network of so many parameters.
    pub const fn memory(self, parameters: usize) -> PassMemory {
        PassMemory {
            weights: 4 * parameters as u64,
            activations: self.most.saturating_mul(4),
            largest: self.largest.saturating_mul(4),
        }
    }
}

/// The planar U-Net of [`super::unet`] as a network of the engine.
#[derive(Debug)]
pub struct PlanarUNet {
    network: UNet,
    config: UNetConfig,
    shape: NetworkShape,
}

impl PlanarUNet {
    /// The network with these weights, for pictures of `side` × `side`.
    pub fn new(
        config: &UNetConfig,
        side: usize,
        output: OutputKind,
        weights: &Weights,
        device: &Device,
    ) -> Result<Self, AiError> {
        let network = UNet::new(config, weights, device)?;
        let multiple = config.multiple();
        let reach = config.reach();
        let shape = NetworkShape {
            input_channels: config.input_channels,
            classes: config.classes,
            output,
            patch: [1, side, side],
            multiple: [1, multiple, multiple],
            reach: Some([0, reach, reach]),
        };
        shape.check()?;
        Ok(Self {
            network,
            config: *config,
            shape,
        })
    }
}

impl Network for PlanarUNet {
    fn shape(&self) -> &NetworkShape {
        &self.shape
    }

    fn memory(&self, batch: usize, [slices, rows, columns]: [usize; 3]) -> PassMemory {
        let pictures = (batch * slices) as u64;
        let mut memory = self.config.memory(pictures, rows, columns);
        if self.network.is_quick() {
            memory.weights = memory.weights.saturating_mul(6);
        }
        memory
    }

    fn operations(&self, batch: usize, [slices, rows, columns]: [usize; 3]) -> u64 {
        (batch * slices) as u64 * self.config.operations(rows, columns)
    }

    fn forward(&self, input: Tensor<5>, go_on: &dyn Fn() -> bool) -> Result<Tensor<5>, AiError> {
        slice_by_slice(input, self.shape.classes, |pictures| {
            self.network.forward_while(pictures, go_on)
        })
    }
}

/// The answer of a network for pictures to all slices of a batch: each slice is a picture of its own.
pub(super) fn slice_by_slice(
    input: Tensor<5>,
    classes: usize,
    forward: impl FnOnce(Tensor<4>) -> Result<Tensor<4>, AiError>,
) -> Result<Tensor<5>, AiError> {
    let [batch, channels, slices, rows, columns] = input.dims();
    // With one slice nothing moves.
    let pictures = match slices {
        1 => input,
        _ => input.swap_dims(1, 2),
    };
    let logits = forward(pictures.reshape([batch * slices, channels, rows, columns]))?;
    Ok(match slices {
        1 => logits.reshape([batch, classes, 1, rows, columns]),
        _ => logits
            .reshape([batch, slices, classes, rows, columns])
            .swap_dims(1, 2),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_is_remembered() {
        let mut ledger = Ledger::default();
        ledger.hold(10);
        ledger.layer(10, 20);
        assert_eq!(ledger.memory(7).activations, 4 * 40);
        ledger.layer(20, 5);
        assert_eq!(ledger.memory(7).activations, 4 * 45);
        ledger.layer(5, 1);
        let memory = ledger.memory(7);
        assert_eq!((memory.activations, memory.largest), (4 * 45, 4 * 20));
        assert_eq!(memory.total(), 4 * 52);
    }

    #[test]
    fn shapes_that_make_no_network_are_refused() {
        let good = NetworkShape {
            input_channels: 1,
            classes: 2,
            output: OutputKind::Softmax,
            patch: [32, 64, 64],
            multiple: [8, 8, 8],
            reach: None,
        };
        assert!(good.check().is_ok() && !good.is_planar());
        for wrong in [
            NetworkShape {
                classes: 1,
                ..good.clone()
            },
            NetworkShape {
                classes: 256,
                ..good.clone()
            },
            NetworkShape {
                input_channels: 0,
                ..good.clone()
            },
            NetworkShape {
                patch: [30, 64, 64],
                ..good.clone()
            },
            NetworkShape {
                multiple: [0, 8, 8],
                ..good.clone()
            },
        ] {
            assert!(wrong.check().is_err(), "{wrong:?}");
        }
    }
}
