//! Integrated gradients (Sundararajan, Taly, Yan 2017): the gradients on the straight way from a baseline to the
//! picture, times the way. Their sum is the difference of the two logits ("completeness"), but for the finite number
//! of points.
//!
//! The baseline is the flat picture of mean grey: what a picture without contrast is to the network. A network that
//! normalises what it sees answers the faintest picture almost as the full one, so it changes most right beside the
//! baseline: the way is walked as the cube of a number from 0 to 1, and points are the middles of equal parts of that.
//! Their number is tripled, which keeps those that are there, until the sum is within half of the tolerance, or the
//! most points are used up; what is missed is told either way.

use super::{Completeness, Explained, Explanation, Question};
use crate::{ai::AiError, model::explanation::Method};
use burn::tensor::{Tensor, TensorData};

/// Share of the difference that the sum may miss.
pub const TOLERANCE: f64 = 0.01;

/// Points of the first attempt, and how often they may be tripled.
const FIRST: usize = 20;
const TRIPLINGS: usize = 3;

/// Pictures in one go.
const BATCH: usize = 4;

/// Attributions with sign, one a pixel of the network's input.
///
/// # Errors
/// Those of the network, [`AiError::Cancelled`].
pub fn explain<N: Explained>(network: &N, question: &Question<'_>) -> Result<Explanation, AiError> {
    let (attributions, completeness, logit) = attribute(network, question)?;
    let (map, scale) = question.signed(attributions)?;
    Ok(Explanation {
        method: Method::IntegratedGradients,
        map,
        scale,
        logit,
        completeness: Some(completeness),
    })
}

/// The attributions themselves, how they add up, and the logit of the picture.
///
/// # Errors
/// As for [`explain`].
pub fn attribute<N: Explained>(
    network: &N,
    question: &Question<'_>,
) -> Result<(Tensor<2>, Completeness, f32), AiError> {
    let side = question.side;
    let picture = question.tensor()?;
    let baseline = picture.zeros_like();
    let ends = Tensor::cat(vec![picture.clone(), baseline.clone()], 0);
    let ends = question.class_logits(network, ends)?;
    let logit = question.number(ends.clone().narrow(0, 0, 1))?;
    let flat = question.number(ends.narrow(0, 1, 1))?;
    let difference = f64::from(logit) - f64::from(flat);
    let way = picture - baseline.clone();
    let mut sum = way.zeros_like();
    let mut steps = FIRST;
    let mut places: Vec<f32> = (0..steps).map(|i| middle(i, steps)).collect();
    for tripling in 0..=TRIPLINGS {
        for places in places.chunks(BATCH) {
            question.go_on()?;
            sum = sum + gradients(network, question, &way, &baseline, places)?;
        }
        let attributions = (sum.clone() * way.clone() / steps as f32).reshape([side, side]);
        let total = question.number(attributions.clone().sum().reshape([1]))?;
        let found = Completeness {
            sum: f64::from(total),
            difference,
            steps,
        };
        if found.error() <= TOLERANCE / 2.0 || tripling == TRIPLINGS {
            return Ok((attributions, found, logit));
        }
        // The middle of every third part of a finer division is the middle of a part of this one.
        steps *= 3;
        places = (0..steps)
            .filter(|i| i % 3 != 1)
            .map(|i| middle(i, steps))
            .collect();
    }
    Err(AiError::Compute("no attributions were made".into()))
}

fn middle(part: usize, parts: usize) -> f32 {
    ((part as f64 + 0.5) / parts as f64) as f32
}

/// The sum of the gradients at some places of the way.
fn gradients<N: Explained>(
    network: &N,
    question: &Question<'_>,
    way: &Tensor<4>,
    baseline: &Tensor<4>,
    places: &[f32],
) -> Result<Tensor<4>, AiError> {
    let shape = [places.len(), 1, 1, 1];
    let data = TensorData::new(places.to_vec(), shape);
    let cubes = Tensor::<4>::from_data(data, question.device.burn()).powf_scalar(3.0);
    // The step along the way at each place: the derivative of the cube.
    let count = places.len();
    let steps: Vec<f32> = places.iter().map(|t| 3.0 * t * t).collect();
    let steps = Tensor::<1>::from_data(TensorData::new(steps, [count]), question.device.burn());
    let pictures = baseline.clone() + way.clone() * cubes;
    let pictures = Tensor::from_inner(pictures).require_grad();
    let logits = question.of_class(network.answer(pictures.clone())?)?;
    let mut found = (logits * Tensor::from_inner(steps)).sum().backward();
    let gradient = pictures
        .grad_remove(&mut found)
        .ok_or_else(|| AiError::Compute("the logit does not depend on the picture".into()))?;
    Ok(gradient.sum_dim(0))
}
