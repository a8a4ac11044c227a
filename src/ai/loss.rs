//! Losses for binary masks (each class on its own), from logits, stable for any finite logit.

use burn::tensor::{Tensor, activation::sigmoid};

/// Added to both sides of the Dice fraction, in pixels: keeps the gradient finite for empty masks.
const DICE_SMOOTH: f64 = 1.0;

/// Mean binary cross-entropy of logits `x` and targets `t` in `[0, 1]`, as
/// `max(x, 0) - x·t + ln(1 + e^-|x|)`, which never takes the exponential of a positive number.
pub fn bce_with_logits<const D: usize>(logits: Tensor<D>, targets: Tensor<D>) -> Tensor<1> {
    let log_term = logits.clone().abs().neg().exp().log1p();
    (logits.clone().clamp_min(0.0) - logits * targets + log_term).mean()
}

/// `1 - (2 Σ p·t + 1) / (Σ p + Σ t + 1)` with `p` the sigmoid of the logits, for each picture and class of
/// `[batch, classes, rows, columns]`, then the mean (Milletari et al. 2016 with plain sums).
pub fn soft_dice(logits: Tensor<4>, targets: Tensor<4>) -> Tensor<1> {
    let [batch, classes, rows, columns] = logits.dims();
    let flat = |x: Tensor<4>| x.reshape([batch * classes, rows * columns]);
    let (p, t) = (flat(sigmoid(logits)), flat(targets));
    let overlap = (p.clone() * t.clone()).sum_dim(1);
    let sizes = p.sum_dim(1) + t.sum_dim(1);
    let dice = (overlap * 2.0 + DICE_SMOOTH) / (sizes + DICE_SMOOTH);
    dice.neg().add_scalar(1.0).mean()
}

/// The training loss: cross-entropy plus Dice loss.
pub fn bce_dice(logits: Tensor<4>, targets: Tensor<4>) -> Tensor<1> {
    bce_with_logits(logits.clone(), targets.clone()) + soft_dice(logits, targets)
}
