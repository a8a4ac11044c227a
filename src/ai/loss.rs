//! Losses, from logits, stable for any finite logit.

use super::{AiError, recipe::Loss};
use burn::tensor::{
    Tensor,
    activation::{log_softmax, sigmoid},
};

/// Added to both sides of the Dice fraction, in pixels: keeps the gradient finite for empty masks.
const DICE_SMOOTH: f64 = 1.0;

/// Binary cross-entropy of each logit `x` and target `t` in `[0, 1]`, as `max(x, 0) - x·t + ln(1 + e^-|x|)`, which never
/// takes the exponential of a positive number.
fn bce_each<const D: usize>(logits: Tensor<D>, targets: Tensor<D>) -> Tensor<D> {
    let log_term = logits.clone().abs().neg().exp().log1p();
    logits.clone().clamp_min(0.0) - logits * targets + log_term
}

/// Mean binary cross-entropy of logits and targets in `[0, 1]`.
pub fn bce_with_logits<const D: usize>(logits: Tensor<D>, targets: Tensor<D>) -> Tensor<1> {
    bce_each(logits, targets).mean()
}

/// Mean focal loss: cross-entropy times `(1 - p)²`, with `p` the probability given to what is true.
pub fn focal<const D: usize>(logits: Tensor<D>, targets: Tensor<D>) -> Tensor<1> {
    let p = sigmoid(logits.clone());
    let wrong = p.clone() + targets.clone() - p * targets.clone() * 2.0;
    (bce_each(logits, targets) * wrong.clone() * wrong).mean()
}

/// Mean cross-entropy over the classes of `[batch, classes, rows, columns]`: one of them is true in each pixel, or each
/// has its share of it.
pub fn cross_entropy(logits: Tensor<4>, targets: Tensor<4>) -> Tensor<1> {
    let [batch, _, rows, columns] = logits.dims();
    let pixels = (batch * rows * columns).max(1) as f64;
    (log_softmax(logits, 1) * targets).sum() * (-1.0 / pixels)
}

/// `1 - (2 Σ p·t + 1) / (Σ p + Σ t + 1)` with `p` the sigmoid of the logits, for each picture and class of
/// `[batch, classes, rows, columns]`, then the mean (Milletari et al. 2016 with plain sums).
pub fn soft_dice(logits: Tensor<4>, targets: Tensor<4>) -> Tensor<1> {
    let [batch, classes, rows, columns] = logits.dims();
    let flat = |x: Tensor<4>| x.reshape([batch * classes, rows * columns]);
    dice_of_rows(flat(sigmoid(logits)), flat(targets))
}

/// The same over all pictures of a batch together: for objects that most pictures lack.
pub fn batch_dice(logits: Tensor<4>, targets: Tensor<4>) -> Tensor<1> {
    let [batch, classes, rows, columns] = logits.dims();
    let flat = |x: Tensor<4>| x.swap_dims(0, 1).reshape([classes, batch * rows * columns]);
    dice_of_rows(flat(sigmoid(logits)), flat(targets))
}

fn dice_of_rows(p: Tensor<2>, t: Tensor<2>) -> Tensor<1> {
    let overlap = (p.clone() * t.clone()).sum_dim(1);
    let sizes = p.sum_dim(1) + t.sum_dim(1);
    let dice = (overlap * 2.0 + DICE_SMOOTH) / (sizes + DICE_SMOOTH);
    dice.neg().add_scalar(1.0).mean()
}

/// Cross-entropy plus Dice loss.
pub fn bce_dice(logits: Tensor<4>, targets: Tensor<4>) -> Tensor<1> {
    bce_with_logits(logits.clone(), targets.clone()) + soft_dice(logits, targets)
}

/// The sum of the terms of a recipe, of logits and targets `[batch, classes, rows, columns]`.
///
/// # Errors
/// A recipe without terms.
pub fn total(
    terms: &[Loss],
    logits: &Tensor<4>,
    targets: &Tensor<4>,
) -> Result<Tensor<1>, AiError> {
    terms
        .iter()
        .map(|term| {
            let (x, t) = (logits.clone(), targets.clone());
            match term {
                Loss::Bce => bce_with_logits(x, t),
                Loss::Dice => soft_dice(x, t),
                Loss::BatchDice => batch_dice(x, t),
                Loss::CrossEntropy => cross_entropy(x, t),
                Loss::Focal => focal(x, t),
            }
        })
        .reduce(|sum, term| sum + term)
        .ok_or_else(|| AiError::Task("loss must name at least one term".into()))
}
