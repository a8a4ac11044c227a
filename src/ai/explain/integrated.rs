//! Integrated gradients (Sundararajan, Taly, Yan 2017): the gradients on the straight way from a baseline to the
//! picture, times the way. Their sum is the difference of the two logits ("completeness"), but for the finite number
//! of points.
//!
//! The baseline is the flat picture of mean grey: what a picture without contrast is to the network. A network that
//! normalises what it sees answers a picture a millionth as strong almost as the full one: what it says changes right
//! beside the baseline, at a distance that no fixed choice of points foresees. Completeness holds for every part of the
//! way too, and the logits at both ends of a part say what its gradients must add up to: the parts that miss most are
//! cut until the whole is within the tolerance. A map that stays without is not given.

use super::{Completeness, Explained, Explanation, Question};
use crate::{
    ai::{AiError, readback},
    model::explanation::Method,
};
use burn::tensor::{Tensor, TensorData};

/// Share of the difference that the sum may miss.
pub const TOLERANCE: f64 = 0.005;

/// What parts may miss in all without regard to sign, in tolerances: two wrong parts may not pass for a right whole.
const UNSIGNED: f64 = 4.0;

/// Where the way is cut first, as shares of the picture's contrast.
const FIRST: [f64; 7] = [0.0, 0.02, 0.1, 0.25, 0.5, 0.75, 1.0];

/// Points after which no further parts are cut.
const MOST: usize = 720;

/// Parts cut before all is added up again.
const CUTS: usize = 8;

/// A part that misses less than this share of what is allowed is not looked at again.
const SETTLED: f64 = 1.0 / 512.0;

/// Contrasts below which nothing is cut: their squares are still numbers of the network.
const LEAST: f64 = 1e-18;

/// Places and weights of Gauss and Legendre's rule of three points on 0 to 1.
const RULE: [(f64, f64); 3] = [
    (0.112_701_665_379_258_3, 5.0 / 18.0),
    (0.5, 8.0 / 18.0),
    (0.887_298_334_620_741_7, 5.0 / 18.0),
];

/// Parts whose points are computed in one go.
const BATCH: usize = 2;

/// Squares a side of the shown map, about: single pixels are specks that nobody sees and that outshine the rest.
const SHOWN: usize = 48;

/// Attributions with sign, summed over small squares of the network's input, which loses none.
///
/// # Errors
/// Those of the network, [`AiError::Cancelled`], [`AiError::Compute`] for attributions that do not add up.
pub fn explain<N: Explained>(network: &N, question: &Question<'_>) -> Result<Explanation, AiError> {
    let (attributions, completeness, logit) = attribute(network, question)?;
    let side = question.side;
    let square = (1..=(side / SHOWN).max(1))
        .rfind(|n| side.is_multiple_of(*n))
        .unwrap_or(1);
    let squares = attributions
        .reshape([side / square, square, side / square, square])
        .sum_dim(3)
        .sum_dim(1)
        .reshape([side / square, side / square]);
    let (map, scale) = question.signed(squares)?;
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
    let way = Way {
        network,
        question,
        picture: question.tensor()?,
    };
    let logits = way.logits(&FIRST)?;
    let edges: Vec<(f64, f64)> = FIRST.into_iter().zip(logits).collect();
    let (Some(flat), Some(full)) = (edges.first(), edges.last()) else {
        return Err(AiError::Compute("the way has no ends".into()));
    };
    let mut found = Completeness {
        sum: 0.0,
        difference: full.1 - flat.1,
        steps: 0,
    };
    let logit = full.1 as f32;
    let allowed = TOLERANCE * found.weight();
    let mut settled = way.picture.zeros_like();
    let mut settled_missed = [0.0, 0.0];
    let mut open: Vec<Part> = Vec::new();
    let mut new: Vec<[(f64, f64); 2]> = edges.windows(2).map(|pair| [pair[0], pair[1]]).collect();
    loop {
        found.steps += new.len() * RULE.len();
        for part in way.parts(&new)? {
            if part.missed.abs() <= allowed * SETTLED || part.cut().is_none() {
                settled = settled + part.share;
                settled_missed[0] += part.missed;
                settled_missed[1] += part.missed.abs();
            } else {
                open.push(part);
            }
        }
        let signed: f64 = open.iter().map(|p| p.missed).sum();
        let mut unsigned: f64 = open.iter().map(|p| p.missed.abs()).sum();
        let near = (signed + settled_missed[0]).abs() <= allowed
            && unsigned + settled_missed[1] <= UNSIGNED * allowed;
        if near || open.is_empty() || found.steps >= MOST {
            break;
        }
        open.sort_by(|a, b| b.missed.abs().total_cmp(&a.missed.abs()));
        let mut count = 0;
        while count < open.len().min(CUTS) && (count == 0 || unsigned > allowed) {
            unsigned -= open[count].missed.abs();
            count += 1;
        }
        let cut: Vec<Part> = open.drain(..count).collect();
        let places: Vec<f64> = cut.iter().filter_map(Part::cut).collect();
        let logits = way.logits(&places)?;
        new = cut
            .iter()
            .zip(places.into_iter().zip(logits))
            .flat_map(|(part, middle)| [[part.ends[0], middle], [middle, part.ends[1]]])
            .collect();
    }
    let all = open.into_iter().fold(settled, |sum, part| sum + part.share);
    found.sum = f64::from(question.number(all.clone().sum().reshape([1]))?);
    if found.error() > TOLERANCE {
        return Err(AiError::Compute(format!(
            "integrated gradients miss the answer by {:.1} % after {} points; a map that does not add up is not shown",
            found.error() * 100.0,
            found.steps,
        )));
    }
    Ok((all.reshape([side, side]), found, logit))
}

/// A piece of the way with what it adds to the attributions.
struct Part {
    /// Shares of the contrast and the logits there.
    ends: [(f64, f64); 2],
    /// `[1, 1, side, side]`.
    share: Tensor<4>,
    /// Sum of the attributions less the difference of the logits.
    missed: f64,
}

impl Part {
    /// Where it would be cut: by ratios beside the baseline, in the middle elsewhere.
    fn cut(&self) -> Option<f64> {
        let [(from, _), (to, _)] = self.ends;
        let at = match from {
            0.0 => to / 8.0,
            _ if to > 4.0 * from => (from * to).sqrt(),
            _ => 0.5 * (from + to),
        };
        // As the network gets it.
        let at = f64::from(at as f32);
        (at >= LEAST && from < at && at < to).then_some(at)
    }
}

struct Way<'a, N> {
    network: &'a N,
    question: &'a Question<'a>,
    /// `[1, 1, side, side]`; the baseline is 0 everywhere.
    picture: Tensor<4>,
}

impl<N: Explained> Way<'_, N> {
    /// The picture with shares of its contrast, `[places, 1, side, side]`.
    fn at(&self, places: &[f64]) -> Tensor<4> {
        self.picture.clone() * self.column(places)
    }

    fn column(&self, values: &[f64]) -> Tensor<4> {
        let narrow: Vec<f32> = values.iter().map(|v| *v as f32).collect();
        let data = TensorData::new(narrow, [values.len(), 1, 1, 1]);
        Tensor::from_data(data, self.question.device.burn())
    }

    fn logits(&self, places: &[f64]) -> Result<Vec<f64>, AiError> {
        let mut out = Vec::with_capacity(places.len());
        for places in places.chunks(BATCH * RULE.len()) {
            self.question.go_on()?;
            let found = self.question.class_logits(self.network, self.at(places))?;
            out.extend(finite(readback::numbers(found, self.question.device)?)?);
        }
        Ok(out)
    }

    fn parts(&self, all: &[[(f64, f64); 2]]) -> Result<Vec<Part>, AiError> {
        let side = self.question.side;
        let mut out = Vec::with_capacity(all.len());
        for some in all.chunks(BATCH) {
            self.question.go_on()?;
            let points = some.iter().flat_map(|[(from, _), (to, _)]| {
                RULE.map(|(at, weight)| (from + at * (to - from), weight * (to - from)))
            });
            let (places, weights): (Vec<f64>, Vec<f64>) = points.unzip();
            let pictures = Tensor::from_inner(self.at(&places)).require_grad();
            let logits = self
                .question
                .of_class(self.network.answer(pictures.clone())?)?;
            let mut found = logits.sum().backward();
            let gradient = pictures.grad_remove(&mut found).ok_or_else(|| {
                AiError::Compute("the logit does not depend on the picture".into())
            })?;
            let shares = (gradient * self.column(&weights) * self.picture.clone())
                .reshape([some.len(), RULE.len(), side, side])
                .sum_dim(1);
            let sums = shares.clone().sum_dim(2).sum_dim(3).reshape([some.len()]);
            let sums = finite(readback::numbers(sums, self.question.device)?)?;
            out.extend(
                some.iter()
                    .zip(sums)
                    .enumerate()
                    .map(|(i, (ends, sum))| Part {
                        ends: *ends,
                        share: shares.clone().narrow(0, i, 1),
                        missed: sum - (ends[1].1 - ends[0].1),
                    }),
            );
        }
        Ok(out)
    }
}

fn finite(values: Vec<f32>) -> Result<Vec<f64>, AiError> {
    match values.iter().all(|v| v.is_finite()) {
        true => Ok(values.into_iter().map(f64::from).collect()),
        false => Err(AiError::Compute(
            "the network gives no finite number".into(),
        )),
    }
}
