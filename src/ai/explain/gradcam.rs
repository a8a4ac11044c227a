//! Grad-CAM (Selvaraju et al. 2017): the last features, each weighted by how much the class' logit rises with it, and
//! of their sum what speaks for the class.

use super::{Explained, Explanation, Question};
use crate::{ai::AiError, model::explanation::Method};
use burn::tensor::activation::relu;

/// The map has the grid of the network's last features; the largest value is 1.
///
/// # Errors
/// Those of the network, [`AiError::Cancelled`].
pub fn explain<N: Explained>(network: &N, question: &Question<'_>) -> Result<Explanation, AiError> {
    question.go_on()?;
    let picture = burn::tensor::Tensor::from_inner(question.tensor()?);
    let features = network.features(picture)?.detach().require_grad();
    question.go_on()?;
    let logit = question.of_class(network.logits(features.clone())?)?;
    let value = question.number(logit.clone().inner())?;
    let mut gradients = logit.sum().backward();
    let gradient = features
        .grad_remove(&mut gradients)
        .ok_or_else(|| AiError::Compute("the logit does not depend on the features".into()))?;
    let weights = gradient.mean_dim(2).mean_dim(3);
    let features = features.inner();
    let [_, _, rows, columns] = features.dims();
    let map = relu((features * weights).sum_dim(1)).reshape([rows, columns]);
    let (map, scale) = question.unsigned(map)?;
    Ok(Explanation {
        method: Method::GradCam,
        map,
        scale,
        logit: value,
        completeness: None,
    })
}
