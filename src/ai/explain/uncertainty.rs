//! Where a mask is in doubt: the entropy of its probability, and how far the picture and its mirror image disagree.

use super::Explanation;
use crate::{ai::infer::Probability, model::explanation::Method};
use burn::tensor::Tensor;

/// Below this a probability counts as 0, and above one less this as 1: there the logarithm ends.
const LEAST: f32 = 1e-7;

/// Entropy in bits: 0 where the network is sure, 1 at a probability of one half.
pub fn entropy(probability: &Probability) -> Explanation {
    let (p, device) = probability.parts();
    let p = p.clamp(LEAST, 1.0 - LEAST);
    let bits = |p: Tensor<2>| p.clone() * p.log() * -std::f32::consts::LOG2_E;
    let map = bits(p.clone()) + bits(p.neg() + 1.0);
    Explanation {
        method: Method::Entropy,
        map: Probability::computed(map.clamp(0.0, 1.0), device),
        scale: 1.0,
        logit: 0.0,
        completeness: None,
    }
}

/// The difference of the probabilities of a picture and of its mirror image, mirrored back.
pub fn disagreement(straight: &Probability, mirrored: &Probability) -> Explanation {
    let ((a, device), (b, _)) = (straight.parts(), mirrored.parts());
    Explanation {
        method: Method::Disagreement,
        map: Probability::computed((a - b).abs().clamp(0.0, 1.0), device),
        scale: 1.0,
        logit: 0.0,
        completeness: None,
    }
}
