//! Answers of a network for one window as a mask on the grid of a volume: what the device makes of logits is what they say.

use super::{Noise, bench};
use negatoscope::gpu::{
    Cargo, GpuError, MaskBits,
    answer_mask::{AnswerPlace, answer_mask},
    blend::Answers,
};

/// Slices, rows and columns of the window.
const WINDOW: [usize; 3] = [9, 14, 11];
/// Numbers before the first answer, as if a network had left them in the middle of a larger buffer.
const LEAD: usize = 77;

/// For each of so many voxels the nearest of so many places, turned over or not, and none at the ends.
fn nearest(voxels: usize, places: usize, turned: bool, step: usize) -> Vec<Option<usize>> {
    let of = |at: usize| {
        let at = if turned { voxels - 1 - at } else { at };
        let place = (at as f64 * 1.2 * places as f64 / voxels as f64 - 1.0).round();
        (place >= 0.0 && place < places as f64).then_some(place as usize * step)
    };
    (0..voxels).map(of).collect()
}

#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn a_mask_of_answers_is_what_they_say() {
    let bench = bench();
    let gpu = &bench.gpu;
    let mut noise = Noise(23);
    let count: usize = WINDOW.iter().product();
    let mut logits: Vec<f32> = (0..LEAD + 2 * count)
        .map(|_| (noise.unit() * 16.0 - 8.0) as f32)
        .collect();
    // On the line, and next to it.
    let least = 0.3f32;
    for (at, value) in [least, least.next_down(), least.next_up()]
        .into_iter()
        .enumerate()
    {
        logits[LEAD + 5 * at] = value;
    }
    let bytes: Vec<u8> = logits.iter().flat_map(|v| v.to_le_bytes()).collect();
    let usage = wgpu::BufferUsages::STORAGE;
    let made = gpu
        .door
        .new_buffer(Cargo::ModelState, "network", usage, &bytes);
    let buffer = made.unwrap();
    let [_, rows, columns] = WINDOW;
    let answers = Answers {
        buffer: &buffer,
        offset: 4 * LEAD as u64,
        size: 8 * count as u64,
        strides: [count, rows * columns, columns, 1],
    };
    // Columns that end within a word, at one, and behind several; the axes of the window exchanged, and turned over.
    for size in [[13, 9, 7], [32, 4, 3], [70, 21, 12]] {
        for (exchanged, turned) in [(false, false), (false, true), (true, true)] {
            let (along, down) = match exchanged {
                false => ((columns, 1), (rows, columns)),
                true => ((rows, columns), (columns, 1)),
            };
            let axes = [
                nearest(size[0], along.0, turned, along.1),
                nearest(size[1], down.0, false, down.1),
                nearest(size[2], WINDOW[0], turned, rows * columns),
            ];
            for other in [None, Some(count)] {
                let place = AnswerPlace {
                    nearest: [0, 1, 2].map(|axis| axes[axis].as_slice()),
                    other,
                    least,
                };
                let before = gpu.door.snapshot();
                let found = answer_mask(gpu, &answers, &place).unwrap();
                let copies = gpu.door.since(&before);
                assert_eq!(copies.uploaded(Cargo::Mask), 0);
                assert_eq!(copies.read_back_in_all(), 12);
                assert_eq!(
                    (found.mask.size(), found.mask.bits()),
                    (size, MaskBits::One)
                );
                let (mut wanted, mut sum) = (Vec::new(), 0.0);
                for z in &axes[2] {
                    for y in &axes[1] {
                        for x in &axes[0] {
                            let at = x.zip(*y).zip(*z).map(|((x, y), z)| LEAD + x + y + z);
                            let logit = at.map(|at| match other {
                                None => logits[at],
                                Some(other) => logits[at + other] - logits[at],
                            });
                            let inside = logit.filter(|logit| *logit >= least);
                            wanted.push(u8::from(inside.is_some()));
                            let chance = |x: f32| 1.0 / (1.0 + (-f64::from(x)).exp());
                            sum += inside.map_or(0.0, chance);
                        }
                    }
                }
                let voxels = wanted.iter().map(|w| u64::from(*w)).sum::<u64>();
                assert!(voxels > 10);
                assert!(found.mask.read_back(gpu).unwrap() == wanted, "{size:?}");
                assert_eq!(found.voxels, voxels);
                let mean = sum / voxels as f64;
                assert!((found.mean - mean).abs() < 1e-5, "{} {mean}", found.mean);
            }
        }
    }
    // Nothing is inside: no voxels, and no mean of none.
    let none = [vec![None; 5], vec![Some(0); 4], vec![Some(0); 3]];
    let place = AnswerPlace {
        nearest: [0, 1, 2].map(|axis| none[axis].as_slice()),
        other: None,
        least,
    };
    let found = answer_mask(gpu, &answers, &place).unwrap();
    assert_eq!((found.voxels, found.mean), (0, 0.0));
    // What lies behind the answers is not looked at.
    let beyond = [vec![Some(0)], vec![Some(count)], vec![Some(count)]];
    let place = AnswerPlace {
        nearest: [0, 1, 2].map(|axis| beyond[axis].as_slice()),
        other: None,
        least,
    };
    let refused = answer_mask(gpu, &answers, &place);
    assert!(matches!(refused, Err(GpuError::Mismatch(_))));
}

/// More voxels than 2³² steps of probability: the sum carries over.
#[test]
#[cfg_attr(no_gpu, ignore = "NEGATOSCOPE_NO_GPU was set")]
fn sums_of_probabilities_carry_over() {
    let bench = bench();
    let gpu = &bench.gpu;
    let bytes: Vec<u8> = [2.5f32; 4].iter().flat_map(|v| v.to_le_bytes()).collect();
    let usage = wgpu::BufferUsages::STORAGE;
    let made = gpu
        .door
        .new_buffer(Cargo::ModelState, "network", usage, &bytes);
    let buffer = made.unwrap();
    let answers = Answers {
        buffer: &buffer,
        offset: 0,
        size: 16,
        strides: [4, 4, 4, 1],
    };
    let (axis, one) = (vec![Some(1); 130], vec![Some(0); 90]);
    let place = AnswerPlace {
        nearest: [&axis, &one, &one],
        other: None,
        least: 0.0,
    };
    let found = answer_mask(gpu, &answers, &place).unwrap();
    assert_eq!(found.voxels, 130 * 90 * 90);
    // A million voxels of 0.92 are 2²⁰ · 0.92 steps each.
    assert!(found.voxels << 20 > 1 << 32);
    let chance = 1.0 / (1.0 + (-2.5f64).exp());
    assert!((found.mean - chance).abs() < 1e-5, "{}", found.mean);
}
