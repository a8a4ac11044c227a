//! The network itself: shapes, losses, gradients, folding.

use super::{TINY, lively_weights};
use burn::tensor::{Device, Tensor, TensorData};
use negatoscope::ai::{
    AiError,
    learner::{Learned, Learner, weights_of},
    loss::{batch_dice, bce_dice, bce_with_logits, cross_entropy, focal, soft_dice},
    random::Random,
    recipe::{Loss, Optimiser, TrainingRecipe},
    unet::{UNet, UNetConfig},
    weights::Weights,
};
use std::cell::Cell;

fn noise(shape: [usize; 4], seed: u64, device: &Device) -> Tensor<4> {
    let mut random = Random::new(seed, &[]);
    let values: Vec<f32> = (0..shape.iter().product())
        .map(|_| random.normal() as f32)
        .collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

#[test]
fn logits_have_the_size_of_the_input() {
    let device = Device::flex();
    for (input_channels, classes, depth, width, patch) in [
        (1, 1, 2, 4, 1),
        (1, 1, 3, 4, 2),
        (3, 2, 2, 6, 4),
        (2, 5, 4, 2, 1),
    ] {
        let config = UNetConfig {
            input_channels,
            classes,
            depth,
            width,
            patch,
        };
        let weights = lively_weights(&config, 1).folded().unwrap();
        let network = UNet::new(&config, &weights, &device).unwrap();
        let side = config.multiple();
        let out = network
            .forward(noise([2, input_channels, side, 3 * side], 2, &device))
            .unwrap();
        assert_eq!(out.dims(), [2, classes, side, 3 * side]);
        assert_eq!(weights.count(), config.parameters());
        let wrong = network.forward(noise([1, input_channels, side, side + 1], 2, &device));
        assert!(matches!(wrong, Err(AiError::Network(_))));
    }
}

#[test]
fn operations_are_those_of_the_convolutions() {
    // One level above the lowest, by hand for 4 × 4 pixels, width 2: 3×3 convolutions 1→2 and 2→2 on 16 pixels,
    // 2→4 and 4→4 on 4 pixels, up 4→8 on 4, 4→2 and 2→2 on 16, head 2→1 on 16.
    let config = UNetConfig {
        input_channels: 1,
        classes: 1,
        depth: 2,
        width: 2,
        patch: 1,
    };
    let multiplications = 16 * 9 * (2 + 4) + 4 * 9 * (8 + 16) + 4 * 32 + 16 * 9 * (8 + 4) + 16 * 2;
    assert_eq!(config.operations(4, 4), 2 * multiplications);
}

#[test]
fn nonsense_networks_are_refused() {
    let ok = TINY;
    for wrong in [
        UNetConfig { depth: 1, ..ok },
        UNetConfig { depth: 60, ..ok },
        UNetConfig { width: 0, ..ok },
        UNetConfig {
            width: 128,
            depth: 6,
            ..ok
        },
        UNetConfig { patch: 3, ..ok },
        UNetConfig { classes: 0, ..ok },
        UNetConfig {
            input_channels: 1000,
            ..ok
        },
    ] {
        assert!(
            matches!(wrong.check(), Err(AiError::Network(_))),
            "{wrong:?}"
        );
    }
    assert!(ok.check().is_ok());
}

/// The loss again, in f64 from its definition.
fn expected_loss(logits: &[f32], targets: &[f32], pictures: usize) -> (f64, f64) {
    let pairs = || {
        logits
            .iter()
            .zip(targets)
            .map(|(&x, &t)| (f64::from(x), f64::from(t)))
    };
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let softplus = |x: f64| x.max(0.0) + (-x.abs()).exp().ln_1p();
    // -t ln σ(x) - (1 - t) ln (1 - σ(x))
    let bce = pairs()
        .map(|(x, t)| t * softplus(-x) + (1.0 - t) * softplus(x))
        .sum::<f64>();
    let size = logits.len() / pictures;
    let dice = (0..pictures).map(|k| {
        let part = || pairs().skip(k * size).take(size);
        let overlap: f64 = part().map(|(x, t)| sigmoid(x) * t).sum();
        let sum: f64 = part().map(|(x, t)| sigmoid(x) + t).sum();
        1.0 - (2.0 * overlap + 1.0) / (sum + 1.0)
    });
    (
        bce / logits.len() as f64,
        dice.sum::<f64>() / pictures as f64,
    )
}

#[test]
fn losses_agree_with_their_definition() {
    let device = Device::flex();
    let mut random = Random::new(9, &[]);
    let logits: Vec<f32> = (0..2 * 64).map(|_| 4.0 * random.normal() as f32).collect();
    let targets: Vec<f32> = (0..2 * 64).map(|i| [0.0, 1.0, 0.25][i % 3]).collect();
    let tensor =
        |v: &[f32]| Tensor::<4>::from_data(TensorData::new(v.to_vec(), [2, 1, 8, 8]), &device);
    let (bce, dice) = expected_loss(&logits, &targets, 2);
    let near = |t: Tensor<1>, expected: f64| {
        let found = f64::from(numbers(t)[0]);
        assert!((found - expected).abs() < 1e-5, "{found} is not {expected}");
    };
    near(bce_with_logits(tensor(&logits), tensor(&targets)), bce);
    near(soft_dice(tensor(&logits), tensor(&targets)), dice);
    near(bce_dice(tensor(&logits), tensor(&targets)), bce + dice);
    // By hand: logit 0 costs ln 2; two pixels, one true: Dice = 1 - (2·0.5 + 1) / (1 + 1 + 1) = 1/3.
    let pair =
        |v: [f32; 2]| Tensor::<4>::from_data(TensorData::new(v.to_vec(), [1, 1, 1, 2]), &device);
    near(
        bce_with_logits(pair([0.0; 2]), pair([1.0, 0.0])),
        std::f64::consts::LN_2,
    );
    near(soft_dice(pair([0.0; 2]), pair([1.0, 0.0])), 1.0 / 3.0);
    // Far out it is the distance, and stays finite.
    near(
        bce_with_logits(pair([-1000.0, 1000.0]), pair([1.0, 1.0])),
        500.0,
    );
    near(soft_dice(pair([-1000.0; 2]), pair([0.0; 2])), 0.0);
}

#[test]
fn gradients_are_those_of_finite_differences() {
    let device = Device::flex().autodiff();
    let mut random = Random::new(4, &[]);
    let logits: Vec<f32> = (0..16).map(|_| random.normal() as f32).collect();
    let targets: Vec<f32> = (0..16).map(|i| (i % 2) as f32).collect();
    let tensor =
        |v: &[f32]| Tensor::<4>::from_data(TensorData::new(v.to_vec(), [1, 1, 4, 4]), &device);
    let x = tensor(&logits).require_grad();
    let gradients = bce_dice(x.clone(), tensor(&targets)).backward();
    let found = numbers(x.grad(&gradients).unwrap());
    let loss = |v: &[f32]| {
        let (bce, dice) = expected_loss(v, &targets, 1);
        bce + dice
    };
    for (i, &gradient) in found.iter().enumerate() {
        let moved = |by: f32| {
            let mut v = logits.clone();
            v[i] += by;
            (loss(&v), f64::from(v[i]))
        };
        let ((high, to), (low, from)) = (moved(1e-2), moved(-1e-2));
        let slope = (high - low) / (to - from);
        assert!(
            (f64::from(gradient) - slope).abs() < 1e-5,
            "{gradient} is not {slope}"
        );
    }
}

fn training(optimiser: Optimiser) -> TrainingRecipe {
    TrainingRecipe {
        cycles: vec![1],
        restart: 1.0,
        batch: 2,
        learning_rate: 0.02,
        final_share: 1.0,
        warm_up: 0.0,
        loss: vec![Loss::Bce, Loss::Dice],
        optimiser,
        momentum: 0.9,
        weight_decay: 1e-4,
        average: 0.9,
        patience: 0,
    }
}

#[test]
fn learning_lowers_the_loss_by_either_rule() {
    let start = Learned {
        weights: TINY.random_weights(3),
        ..Learned::default()
    };
    let side = 16;
    let target: Vec<f32> = (0..side * side)
        .map(|i| f32::from(u8::from(i % side > 5)))
        .collect();
    let picture: Vec<f32> = target.iter().map(|t| 2.0 * t - 1.0).collect();
    let (pictures, targets) = (picture.repeat(2), target.repeat(2));
    let device = Device::flex();
    let tensor = |values: &[f32], device: &Device| {
        let data = TensorData::new(values.to_vec(), [2, 1, side, side]);
        Tensor::<4>::from_data(data, device)
    };
    let loss_of = |network: &UNet, device: &Device| {
        let logits = network.forward(tensor(&pictures, device)).unwrap();
        bce_dice(logits, tensor(&targets, device))
    };
    for (optimiser, rate) in [(Optimiser::Adam, 0.02), (Optimiser::Sgd, 0.06)] {
        let mut learner = Learner::new(&training(optimiser), &start, &device, |weights, device| {
            UNet::new(&TINY, weights, device)
        })
        .unwrap();
        let learning = device.clone().autodiff();
        let losses: Vec<f32> = (0..40)
            .map(|_| {
                learner
                    .step(rate, &|| true, |network| Ok(loss_of(network, &learning)))
                    .unwrap()
            })
            .collect();
        // One step lowers it, forty more than halve it.
        assert!(losses[1] < losses[0], "{optimiser:?} {losses:?}");
        assert!(losses[39] < 0.5 * losses[0], "{optimiser:?} {losses:?}");
        let learned = learner.state().unwrap();
        assert_eq!(learned.steps, 40);
        // Adam keeps two moments of each weight, descent one velocity.
        let memory = (
            learned.first_moments.count(),
            learned.second_moments.count(),
        );
        assert_eq!(
            memory.1,
            if optimiser == Optimiser::Adam {
                memory.0
            } else {
                0
            }
        );
        assert!(memory.0 > 0);
        // The mean of the weights is neither the start nor the end, and is as good as what came last but a few steps.
        assert_ne!(learned.average, learned.weights);
        assert_ne!(learned.average, start.weights);
        let mean = UNet::new(&TINY, learned.best_guess(), &device).unwrap();
        let loss: f32 = loss_of(&mean, &device).into_scalar();
        assert!(loss < losses[20], "{optimiser:?} {loss} {losses:?}");
    }
}

#[test]
fn descent_with_momentum_is_what_the_book_says() {
    // v = 0.9 v + g, w = w - rate v, with weights that shrink by rate times decay first.
    let start = Learned {
        weights: TINY.random_weights(4),
        ..Learned::default()
    };
    let device = Device::flex();
    let recipe = TrainingRecipe {
        average: 0.0,
        weight_decay: 0.5,
        ..training(Optimiser::Sgd)
    };
    let mut learner = Learner::new(&recipe, &start, &device, |weights, device| {
        UNet::new(&TINY, weights, device)
    })
    .unwrap();
    // The loss is the sum of the head's weights: each gradient is 1.
    let head = |network: &UNet| network.head_weights().sum();
    for _ in 0..2 {
        learner
            .step(0.1, &|| true, |network| Ok(head(network)))
            .unwrap();
    }
    let after = learner.state().unwrap().weights;
    let before = &start.weights.get("head.weight").unwrap().values;
    for (old, new) in before.iter().zip(&after.get("head.weight").unwrap().values) {
        let first = old * (1.0 - 0.05) - 0.1;
        let second = first * (1.0 - 0.05) - 0.1 * 1.9;
        assert!((second - new).abs() < 1e-6, "{second} {new}");
    }
}

#[test]
fn the_other_losses_are_what_their_papers_say() {
    let device = Device::flex();
    let (logits, targets) = ([1.5f32, -0.5, 0.3, -2.0], [1.0f32, 0.0, 1.0, 0.0]);
    let tensor = |values: &[f32], shape: [usize; 4]| {
        Tensor::<4>::from_data(TensorData::new(values.to_vec(), shape), &device)
    };
    let p = logits.map(|x| 1.0 / (1.0 + f64::from(-x).exp()));
    let right = |i: usize| if targets[i] > 0.5 { p[i] } else { 1.0 - p[i] };
    let expected = (0..4)
        .map(|i| -(1.0 - right(i)).powi(2) * right(i).ln())
        .sum::<f64>()
        / 4.0;
    let (x, t) = (
        tensor(&logits, [2, 1, 1, 2]),
        tensor(&targets, [2, 1, 1, 2]),
    );
    let found = f64::from(focal(x.clone(), t.clone()).into_scalar::<f32>());
    assert!((found - expected).abs() < 1e-6, "{found} {expected}");
    // Dice over the whole batch.
    let overlap = p[0] + p[2];
    let dice = (2.0 * overlap + 1.0) / (p.iter().sum::<f64>() + 2.0 + 1.0);
    let found = f64::from(batch_dice(x, t).into_scalar::<f32>());
    assert!((found - (1.0 - dice)).abs() < 1e-6, "{found} {dice}");
    // Two classes in two pixels: the true one is the first, then the second.
    let (x, t) = (
        tensor(&logits, [1, 2, 1, 2]),
        tensor(&[1.0, 0.0, 0.0, 1.0], [1, 2, 1, 2]),
    );
    let log_share = |a: f32, b: f32| f64::from(a) - (f64::from(a).exp() + f64::from(b).exp()).ln();
    let expected = -(log_share(logits[0], logits[2]) + log_share(logits[3], logits[1])) / 2.0;
    let found = f64::from(cross_entropy(x, t).into_scalar::<f32>());
    assert!((found - expected).abs() < 1e-6, "{found} {expected}");
}

#[test]
fn folding_changes_no_result() {
    let device = Device::flex();
    let weights = lively_weights(&TINY, 5);
    let folded = weights.folded().unwrap();
    assert_eq!(folded.count(), TINY.parameters());
    let run = |weights: &Weights| {
        let network = UNet::new(&TINY, weights, &device).unwrap();
        numbers(network.forward(noise([1, 1, 32, 32], 6, &device)).unwrap())
    };
    let (with, without) = (run(&weights), run(&folded));
    let largest = with.iter().fold(0.0f32, |m, v| m.max(v.abs()));
    assert!(largest > 0.1, "the comparison has nothing to compare");
    for (a, b) in with.iter().zip(&without) {
        assert!((a - b).abs() < 1e-5 * largest.max(1.0), "{a} {b}");
    }
}

#[test]
fn weights_go_in_and_come_out_unchanged() {
    for weights in [
        lively_weights(&TINY, 7),
        lively_weights(&TINY, 7).folded().unwrap(),
    ] {
        let network = UNet::new(&TINY, &weights, &Device::flex()).unwrap();
        assert_eq!(weights_of(&network).unwrap(), weights);
    }
}

#[test]
fn a_run_stops_between_blocks() {
    let device = Device::flex();
    let network = UNet::new(&TINY, &lively_weights(&TINY, 8), &device).unwrap();
    let asked = Cell::new(0);
    let stop = || {
        asked.set(asked.get() + 1);
        asked.get() < 3
    };
    let result = network.forward_while(noise([1, 1, 16, 16], 1, &device), &stop);
    assert!(matches!(result, Err(AiError::Cancelled)));
    assert_eq!(asked.get(), 3);
}
