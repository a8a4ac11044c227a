//! The forward pass of a folded U-Net.

use super::{
    direct::{Direct, Kernel, shuffled},
    plane::{Block, Plane},
    winograd::Winograd,
};
use crate::ai::{AiError, unet::UNetConfig, weights::Weights};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;
use std::sync::{Arc, OnceLock};

/// Below this many tiles the transformed weights, four times as large, take longer to read than they spare.
const FEWEST_TILES: usize = 32;
/// Below this many input channels the transforms take longer than they spare.
const FEWEST_CHANNELS: usize = 8;

/// A folded U-Net in the memory of the processor. Clones share the weights.
#[derive(Clone, Debug)]
pub struct QuickUNet(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    encoder: Vec<[Layer; 2]>,
    decoder: Vec<[Layer; 2]>,
    up: Vec<Direct>,
    head: Direct,
    width: usize,
    patch: usize,
    input_channels: usize,
}

/// A 3 × 3 convolution with bias and rectifier. Its weights are put in order when a picture of that size first comes.
#[derive(Debug)]
struct Layer {
    weights: Vec<f32>,
    bias: Vec<f32>,
    inputs: Vec<usize>,
    direct: OnceLock<Direct>,
    winograd: OnceLock<Winograd>,
}

impl Layer {
    fn run(&self, inputs: &[&Plane], memory: &mut Memory) -> Plane {
        let size = inputs.first().map_or([0; 2], |plane| plane.size());
        let kernel = Kernel {
            weights: &self.weights,
            bias: &self.bias,
            outputs: self.bias.len(),
            inputs: &self.inputs,
            side: 3,
        };
        let mut output = memory.plane(self.bias.len(), size);
        let channels: usize = self.inputs.iter().sum();
        let tiles = size[0] * size[1] / 16;
        if Winograd::fits(size) && tiles >= FEWEST_TILES && channels >= FEWEST_CHANNELS {
            self.winograd
                .get_or_init(|| Winograd::new(kernel, true))
                .run(inputs, &mut output);
        } else {
            self.direct
                .get_or_init(|| Direct::new(kernel, true))
                .run(inputs, &mut output);
        }
        output
    }
}

/// Memory of pictures that are not needed any more.
#[derive(Debug, Default)]
struct Memory(Vec<Vec<Block>>);

impl Memory {
    /// A picture in the smallest memory that holds it, or in memory of its own.
    fn plane(&mut self, channels: usize, [rows, columns]: [usize; 2]) -> Plane {
        let need = channels.div_ceil(16) * (rows + 2) * (columns + 2);
        let fitting = self.0.iter().enumerate();
        let fitting = fitting.filter(|(_, blocks)| blocks.len() >= need);
        let place = fitting.min_by_key(|(_, blocks)| blocks.len());
        let place = place.map(|(index, _)| index);
        let blocks = place.map(|index| self.0.swap_remove(index));
        Plane::new(channels, [rows, columns], blocks.unwrap_or_default())
    }

    fn back(&mut self, plane: Plane) {
        self.0.push(plane.into_blocks());
    }
}

impl QuickUNet {
    /// Takes the weights of a folded network.
    ///
    /// # Errors
    /// Weights that are missing or have another shape.
    pub fn new(config: &UNetConfig, weights: &Weights) -> Result<Self, AiError> {
        weights.check_layout(&config.tensors(false))?;
        let values = |name: String| -> Result<Vec<f32>, AiError> {
            let found = weights.get(&name).map(|array| array.values.clone());
            found.ok_or_else(|| AiError::Weights(format!("tensor `{name}` is missing")))
        };
        let layer = |name: String, inputs: Vec<usize>| {
            Ok::<_, AiError>(Layer {
                weights: values(format!("{name}.convolution.weight"))?,
                bias: values(format!("{name}.convolution.bias"))?,
                inputs,
                direct: OnceLock::new(),
                winograd: OnceLock::new(),
            })
        };
        let block = |name: &str, inputs: Vec<usize>, width: usize| {
            Ok::<_, AiError>([
                layer(format!("{name}.first"), inputs)?,
                layer(format!("{name}.second"), vec![width])?,
            ])
        };
        let width = |level: usize| config.width << level;
        let folded = config.input_channels * config.patch * config.patch;
        let (mut encoder, mut decoder, mut up) = (Vec::new(), Vec::new(), Vec::new());
        for level in 0..config.depth {
            let before = match level {
                0 => folded,
                _ => width(level - 1),
            };
            encoder.push(block(
                &format!("encoder.{level}"),
                vec![before],
                width(level),
            )?);
        }
        for level in 0..config.depth - 1 {
            let both = vec![width(level); 2];
            decoder.push(block(&format!("decoder.{level}"), both, width(level))?);
            let (weights, bias) = (
                values(format!("up.{level}.weight"))?,
                values(format!("up.{level}.bias"))?,
            );
            up.push(doubling(&weights, &bias, width(level + 1), width(level)));
        }
        let (weights, bias) = (values("head.weight".into())?, values("head.bias".into())?);
        let head = Kernel {
            weights: &weights,
            bias: &bias,
            outputs: bias.len(),
            inputs: &[config.width],
            side: 1,
        };
        Ok(Self(Arc::new(Parts {
            encoder,
            decoder,
            up,
            head: Direct::new(head, false),
            width: config.width,
            patch: config.patch,
            input_channels: config.input_channels,
        })))
    }

    /// Logits `[pictures, classes, rows, columns]` of `[pictures, channels, rows, columns]`, whose sides are multiples
    /// of [`UNetConfig::multiple`]. `go_on` is asked before each block.
    ///
    /// # Errors
    /// [`AiError::Cancelled`] when it says no.
    pub fn forward(
        &self,
        values: &[f32],
        [rows, columns]: [usize; 2],
        go_on: &dyn Fn() -> bool,
    ) -> Result<Vec<f32>, AiError> {
        let each = self.0.input_channels * rows * columns;
        let mut memory = Memory::default();
        let mut out = Vec::new();
        for picture in values.chunks_exact(each.max(1)) {
            out.extend(self.picture(picture, [rows, columns], &mut memory, go_on)?);
        }
        Ok(out)
    }

    fn picture(
        &self,
        values: &[f32],
        [rows, columns]: [usize; 2],
        memory: &mut Memory,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Vec<f32>, AiError> {
        let parts = &*self.0;
        let check = || match go_on() {
            true => Ok(()),
            false => Err(AiError::Cancelled),
        };
        let side = parts.patch;
        let small = [rows / side, columns / side];
        let folded = fold(values, [rows, columns], side);
        let mut x = Plane::from_values(&folded, parts.input_channels * side * side, small);
        let mut skips = Vec::new();
        for (level, [first, second]) in parts.encoder.iter().enumerate() {
            check()?;
            if level > 0 {
                let pooled = pool(&x, memory);
                skips.push(std::mem::replace(&mut x, pooled));
            }
            let y = first.run(&[&x], memory);
            memory.back(std::mem::replace(&mut x, y));
            let y = second.run(&[&x], memory);
            memory.back(std::mem::replace(&mut x, y));
        }
        let levels = parts.decoder.iter().zip(&parts.up).enumerate().rev();
        for (level, ([first, second], up)) in levels {
            check()?;
            let skip = skips.pop().unwrap_or_default();
            let mut larger = memory.plane(parts.width << level, skip.size());
            up.run_doubled(&x, &mut larger);
            memory.back(std::mem::take(&mut x));
            let y = first.run(&[&skip, &larger], memory);
            memory.back(skip);
            memory.back(larger);
            x = second.run(&[&y], memory);
            memory.back(y);
        }
        check()?;
        let mut logits = memory.plane(parts.head.outputs(), small);
        parts.head.run(&[&x], &mut logits);
        let out = unfold(&logits.values(), [rows, columns], side);
        memory.back(logits);
        memory.back(x);
        Ok(out)
    }
}

/// The 1 × 1 convolution in front of a pixel shuffle, its outputs in the order of [`shuffled`].
fn doubling(weights: &[f32], bias: &[f32], inputs: usize, outputs: usize) -> Direct {
    let order = shuffled(outputs);
    let row = |output: usize| weights.chunks_exact(inputs.max(1)).nth(output);
    let mut ordered = Vec::with_capacity(order.len() * inputs);
    for output in &order {
        match output.and_then(row) {
            Some(row) => ordered.extend_from_slice(row),
            None => ordered.resize(ordered.len() + inputs, 0.0),
        }
    }
    let at = |output: &Option<usize>| output.and_then(|i| bias.get(i)).copied();
    let bias: Vec<f32> = order.iter().map(|o| at(o).unwrap_or(0.0)).collect();
    let kernel = Kernel {
        weights: &ordered,
        bias: &bias,
        outputs: bias.len(),
        inputs: &[inputs],
        side: 1,
    };
    Direct::new(kernel, false)
}

/// Squares of `side` × `side` pixels become channels, as in [`crate::ai::unet`].
fn fold(values: &[f32], [rows, columns]: [usize; 2], side: usize) -> Vec<f32> {
    if side == 1 {
        return values.to_vec();
    }
    let mut out = Vec::with_capacity(values.len());
    for picture in values.chunks_exact((rows * columns).max(1)) {
        for place in 0..side * side {
            let lines = picture.chunks_exact(columns).skip(place / side);
            for line in lines.step_by(side) {
                out.extend(line.iter().skip(place % side).step_by(side));
            }
        }
    }
    out
}

/// The inverse.
fn unfold(values: &[f32], [rows, columns]: [usize; 2], side: usize) -> Vec<f32> {
    if side == 1 {
        return values.to_vec();
    }
    let mut out = vec![0.0; values.len()];
    let (pixels, squares) = (rows * columns, side * side);
    let pictures = out.chunks_exact_mut(pixels.max(1));
    for (picture, channels) in pictures.zip(values.chunks_exact(pixels.max(1))) {
        let channels = channels.chunks_exact((pixels / squares).max(1));
        for (place, channel) in channels.enumerate() {
            let lines = picture.chunks_exact_mut(columns).skip(place / side);
            let small = channel.chunks_exact((columns / side).max(1));
            for (line, from) in lines.step_by(side).zip(small) {
                let to = line.iter_mut().skip(place % side).step_by(side);
                for (to, from) in to.zip(from) {
                    *to = *from;
                }
            }
        }
    }
    out
}

/// The largest of each 2 × 2 pixels. What is not a number stays one.
fn pool(input: &Plane, memory: &mut Memory) -> Plane {
    let [rows, columns] = input.size();
    let mut output = memory.plane(input.channels(), [rows / 2, columns / 2]);
    let arch = Arch::new();
    let threads = rayon::current_num_threads().max(1);
    let strips = output.strips((rows / 2).div_ceil(2 * threads));
    strips.into_par_iter().for_each(|mut strip| {
        for depth in 0..input.depth() {
            for row in 0..strip.rows() {
                let above = 2 * (strip.first + row) + 1;
                arch.dispatch(Pooling {
                    from: [input.row(depth, above), input.row(depth, above + 1)],
                    to: strip.row(depth, row),
                });
            }
        }
    });
    output
}

struct Pooling<'a> {
    from: [&'a [Block]; 2],
    to: &'a mut [Block],
}

impl WithSimd for Pooling<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let larger = |a: f32, b: f32| if b <= a || a.is_nan() { a } else { b };
        let [above, below] = self.from.map(|line| line.get(1..).unwrap_or_default());
        let pairs = above.chunks_exact(2).zip(below.chunks_exact(2));
        for (to, (above, below)) in self.to.iter_mut().zip(pairs) {
            let ([a, b], [c, d]) = (above, below) else {
                continue;
            };
            for (lane, to) in to.0.iter_mut().enumerate() {
                let top = larger(a.0[lane], b.0[lane]);
                *to = larger(top, larger(c.0[lane], d.0[lane]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ai::{device, random::Random, unet::UNet};
    use burn::tensor::{Device, Tensor, TensorData};

    /// A folded network whose biases are not zero.
    fn weights(config: &UNetConfig) -> Weights {
        let mut weights = config.random_weights(11);
        for (name, shape) in config.tensors(true) {
            if name.ends_with(".beta") || name.ends_with(".bias") {
                let mut random = Random::new(5, &[name.len() as u64]);
                let values = (0..shape[0]).map(|_| 0.1 * random.normal() as f32);
                weights.insert(name, shape.clone(), values.collect());
            }
        }
        weights.folded().unwrap()
    }

    fn picture(count: usize) -> Vec<f32> {
        (0..count)
            .map(|i| (i as f32 * 0.11).sin() + (i as f32 * 0.003).cos())
            .collect()
    }

    #[test]
    fn it_gives_what_the_plain_network_gives() {
        for (input_channels, classes, depth, width, patch, size) in [
            (1, 1, 3, 4, 1, [16, 24]),
            (1, 1, 5, 12, 2, [128, 96]),
            (7, 2, 3, 16, 2, [48, 48]),
            (2, 3, 2, 40, 1, [24, 32]),
        ] {
            let config = UNetConfig {
                input_channels,
                classes,
                depth,
                width,
                patch,
            };
            let weights = weights(&config);
            let [rows, columns] = size;
            let shape = [2, input_channels, rows, columns];
            let values = picture(shape.iter().product());
            let run = |device: &Device| {
                let network = UNet::new(&config, &weights, device).unwrap();
                let data = TensorData::new(values.clone(), shape);
                network.forward(Tensor::from_data(data, device)).unwrap()
            };
            // With gradients wanted, burn computes.
            let plain = run(&Device::flex().autodiff()).inner();
            let quick = run(&Device::flex());
            assert_eq!(quick.dims(), [2, classes, rows, columns]);
            let apart: f32 = (quick.clone() - plain.clone()).abs().max().into_scalar();
            assert!(apart < 1e-3 && apart > 0.0, "{config:?}: {apart}");
            let (a, b) = (quick.greater_elem(0.0).int(), plain.greater_elem(0.0).int());
            let both: i64 = (a.clone() * b.clone()).sum().into_scalar();
            let sum: i64 = (a + b).sum().into_scalar();
            let dice = 2.0 * both as f64 / sum as f64;
            assert!(sum > 0 && dice >= 0.999, "{config:?}: {dice}");
        }
    }

    #[test]
    fn neither_threads_nor_company_change_a_picture() {
        let config = UNetConfig {
            input_channels: 1,
            classes: 1,
            depth: 3,
            width: 16,
            patch: 1,
        };
        let network = QuickUNet::new(&config, &weights(&config)).unwrap();
        let size = [32, 32];
        let values = picture(3 * 32 * 32);
        let one = device::pool(1).unwrap();
        let many = device::pool(5).unwrap();
        let all = one.install(|| network.forward(&values, size, &|| true).unwrap());
        assert_eq!(
            all,
            many.install(|| network.forward(&values, size, &|| true).unwrap())
        );
        let last = &values[2 * 32 * 32..];
        assert_eq!(
            all[2 * 32 * 32..],
            network.forward(last, size, &|| true).unwrap()
        );
        let stopped = network.forward(last, size, &|| false);
        assert!(matches!(stopped, Err(AiError::Cancelled)));
    }

    #[test]
    fn folding_is_undone() {
        let values: Vec<f32> = (0..2 * 4 * 8).map(|i| i as f32).collect();
        let folded = fold(&values, [4, 8], 2);
        assert_eq!(folded[..4], [0.0, 2.0, 4.0, 6.0]);
        assert_eq!(folded[8..12], [1.0, 3.0, 5.0, 7.0]);
        assert_eq!(unfold(&folded, [4, 8], 2), values);
    }

    #[test]
    fn the_largest_goes_on_and_what_is_no_number_stays() {
        for place in 0..4 {
            let mut values = [1.0, 2.0, -3.0, -4.0, 0.5, 4.0, -1.0, -2.0];
            values[[2, 3, 6, 7][place]] = f32::NAN;
            let plane = Plane::from_values(&values, 1, [2, 4]);
            let pooled = pool(&plane, &mut Memory::default()).values();
            assert_eq!(pooled[0], 4.0);
            assert!(pooled[1].is_nan(), "{place}");
        }
    }
}
