//! The U-Net on processors: convolutions of our own where burn's CPU backend spends its time.
//!
//! burn's backend copies every 3 × 3 window into a matrix, multiplies, and goes over the result again for the bias and
//! once more for the rectifier. Here pictures keep sixteen channels of a pixel side by side ([`plane`]), a 3 × 3
//! convolution is done by minimal filtering ([`winograd`]) or in place ([`direct`]), and bias and rectifier happen before
//! a sum leaves its register. Joining with what was kept on the way down and enlarging cost no pass of their own.
//!
//! The numbers of a pixel do not depend on how many threads there are, nor on the other pictures of a batch. Training,
//! gradients and graphics devices stay with burn.

mod direct;
mod kernel;
mod plane;
mod unet;
mod winograd;

pub use unet::QuickUNet;

#[cfg(test)]
mod tests {
    use super::{
        direct::{Direct, Kernel},
        plane::Plane,
        winograd::Winograd,
    };
    use crate::ai::random::Random;

    fn numbers(count: usize, seed: u64) -> Vec<f32> {
        let mut random = Random::new(seed, &[7]);
        (0..count).map(|_| random.normal() as f32).collect()
    }

    /// The definition: every output a sum over channels and taps, with zeros outside, in double precision.
    fn definition(kernel: Kernel<'_>, values: &[f32], [rows, columns]: [usize; 2]) -> Vec<f64> {
        let inputs: usize = kernel.inputs.iter().sum();
        let (side, border) = (kernel.side, kernel.side / 2);
        let mut out = Vec::new();
        for output in 0..kernel.outputs {
            for place in 0..rows * columns {
                let mut sum = f64::from(kernel.bias[output]);
                for input in 0..inputs {
                    for tap in 0..side * side {
                        let row = (place / columns + tap / side).checked_sub(border);
                        let column = (place % columns + tap % side).checked_sub(border);
                        if let (Some(row), Some(column)) = (row, column)
                            && row < rows
                            && column < columns
                        {
                            let value = values[(input * rows + row) * columns + column];
                            let weight = kernel.weight(output, input, tap);
                            sum += f64::from(value) * f64::from(weight);
                        }
                    }
                }
                out.push(sum);
            }
        }
        out
    }

    fn furthest(found: &[f32], expected: &[f64], rectified: bool) -> f64 {
        assert_eq!(found.len(), expected.len());
        let pairs = found.iter().zip(expected);
        let apart = pairs.map(|(a, b)| {
            let b = if rectified { b.max(0.0) } else { *b };
            (f64::from(*a) - b).abs()
        });
        apart.fold(0.0, f64::max)
    }

    #[test]
    fn convolutions_are_what_their_definition_says() {
        // Channels of one or two pictures, outputs, rows, columns: full and part-filled blocks, one group and several,
        // pictures narrower than a vector and such that end within one.
        for (inputs, outputs, size) in [
            (vec![1], 16, [8, 8]),
            (vec![12], 12, [8, 12]),
            (vec![12, 12], 20, [4, 8]),
            (vec![24], 40, [8, 4]),
            (vec![5, 19], 50, [12, 36]),
        ] {
            let channels: usize = inputs.iter().sum();
            let pixels = size[0] * size[1];
            let values = numbers(channels * pixels, 1);
            let (bias, deviation) = (numbers(outputs, 2), 1.0 / (9.0 * channels as f32).sqrt());
            let mut planes = Vec::new();
            let mut first = 0;
            for &count in &inputs {
                let part = &values[first * pixels..(first + count) * pixels];
                planes.push(Plane::from_values(part, count, size));
                first += count;
            }
            let planes: Vec<&Plane> = planes.iter().collect();
            for side in [1, 3] {
                let weights = numbers(outputs * channels * side * side, 3);
                let weights: Vec<f32> = weights.iter().map(|w| w * deviation).collect();
                let kernel = Kernel {
                    weights: &weights,
                    bias: &bias,
                    outputs,
                    inputs: &inputs,
                    side,
                };
                let expected = definition(kernel, &values, size);
                let mut out = Plane::new(outputs, size, Vec::new());
                for rectified in [false, true] {
                    Direct::new(kernel, rectified).run(&planes, &mut out);
                    let apart = furthest(&out.values(), &expected, rectified);
                    assert!(apart < 5e-6, "{inputs:?} {side} {apart}");
                    if side == 3 {
                        Winograd::new(kernel, rectified).run(&planes, &mut out);
                        let apart = furthest(&out.values(), &expected, rectified);
                        assert!(apart < 3e-5, "{inputs:?} by tiles {apart}");
                    }
                }
            }
        }
    }
}
