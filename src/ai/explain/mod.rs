//! Why a network answers as it does, as maps over the picture.
//!
//! Four questions, each answered on the network's device, where its map also stays: what of the last features speaks
//! for a class ([`gradcam`]), what each pixel adds on the way from a flat picture ([`integrated`]), what the answer
//! loses when a part is covered ([`occlusion`]), and where a mask is in doubt ([`uncertainty`]).
//!
//! A map shows what the network used, not where a disease is. Each says the method with its settings, and one that
//! should add up to the answer says by how much it misses.

pub(in crate::ai) mod answer;
pub mod classes;
pub mod gradcam;
pub mod integrated;
pub mod occlusion;
pub mod uncertainty;

use super::{AiError, BurnDevice, infer::Probability, readback};
use crate::{model::explanation::Method, task::CancelToken};
use burn::tensor::{Tensor, TensorData};

/// A classifier that can be explained. Its parameters lie on a device with automatic differentiation and do not ask for
/// gradients of their own.
pub trait Explained {
    /// The last features that still have a place, `[batch, channels, rows, columns]`, of pictures
    /// `[batch, 1, side, side]`.
    ///
    /// # Errors
    /// Those of the network.
    fn features(&self, pictures: Tensor<4>) -> Result<Tensor<4>, AiError>;

    /// Logits `[batch, classes]` of such features.
    ///
    /// # Errors
    /// Those of the network.
    fn logits(&self, features: Tensor<4>) -> Result<Tensor<2>, AiError>;

    /// Logits of pictures.
    ///
    /// # Errors
    /// Those of the network.
    fn answer(&self, pictures: Tensor<4>) -> Result<Tensor<2>, AiError> {
        self.logits(self.features(pictures)?)
    }
}

/// What is explained: a picture as the network sees it, and one of its classes.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// `side * side` prepared values, row by row.
    pub picture: &'a [f32],
    /// Side of the square.
    pub side: usize,
    /// Which logit.
    pub class: usize,
    /// Where the network runs.
    pub device: &'a BurnDevice,
    /// Asked between batches.
    pub cancel: &'a CancelToken,
}

/// A map over the picture, on the network's device.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// How it was made.
    pub method: Method,
    /// Values to be shown, 0 to 1: without sign 0 is none and 1 is `scale`; with sign 0.5 is none, 1 is `scale` for
    /// the class and 0 as much against it.
    pub map: Probability,
    /// What the largest shown value stands for, in logits (in bits for entropy, in probability for disagreement).
    pub scale: f32,
    /// The logit of the class.
    pub logit: f32,
    /// For methods whose values must add up to the answer: how they do.
    pub completeness: Option<Completeness>,
}

/// Whether attributions add up to what they explain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Completeness {
    /// Sum of all attributions.
    pub sum: f64,
    /// Difference of the logits of picture and baseline, which it should be.
    pub difference: f64,
    /// Points on the way from one to the other.
    pub steps: usize,
}

impl Completeness {
    /// How far the sum misses, as a share of the difference; of a tenth of a logit where the difference is smaller,
    /// since nothing is a hundredth of nothing.
    pub fn error(&self) -> f64 {
        (self.sum - self.difference).abs() / self.weight()
    }

    /// What shares are of.
    fn weight(&self) -> f64 {
        self.difference.abs().max(0.1)
    }
}

impl Question<'_> {
    /// The picture on the device, without differentiation.
    fn tensor(&self) -> Result<Tensor<4>, AiError> {
        if self.side == 0 || self.picture.len() != self.side * self.side {
            let text = "the picture is not of the network's size";
            return Err(AiError::Network(text.into()));
        }
        let data = TensorData::new(self.picture.to_vec(), [1, 1, self.side, self.side]);
        Ok(Tensor::from_data(data, self.device.burn()))
    }

    fn go_on(&self) -> Result<(), AiError> {
        match self.cancel.is_cancelled() {
            true => Err(AiError::Cancelled),
            false => Ok(()),
        }
    }

    /// The logits of the class for pictures that need no gradient, `[batch]`.
    fn class_logits<N: Explained>(
        &self,
        network: &N,
        pictures: Tensor<4>,
    ) -> Result<Tensor<1>, AiError> {
        let logits = network.answer(Tensor::from_inner(pictures))?;
        Ok(self.of_class(logits)?.inner())
    }

    /// The column of the class, `[batch]`.
    fn of_class(&self, logits: Tensor<2>) -> Result<Tensor<1>, AiError> {
        let [batch, classes] = logits.dims();
        if self.class >= classes {
            let text = format!("the network has {classes} classes");
            return Err(AiError::Network(text));
        }
        Ok(logits.narrow(1, self.class, 1).reshape([batch]))
    }

    /// One number of the device.
    fn number(&self, tensor: Tensor<1>) -> Result<f32, AiError> {
        let numbers = readback::numbers(tensor, self.device)?;
        let first = numbers.first().copied();
        first
            .filter(|v| v.is_finite())
            .ok_or_else(|| AiError::Compute("the network gives no finite number".into()))
    }

    /// A map without sign, scaled by its largest value, which comes back too.
    fn unsigned(&self, map: Tensor<2>) -> Result<(Probability, f32), AiError> {
        let scale = self.number(map.clone().max().reshape([1]))?.max(0.0);
        let map = map * (1.0 / scale.max(f32::MIN_POSITIVE.sqrt()));
        Ok((
            Probability::computed(map.clamp(0.0, 1.0), self.device),
            scale,
        ))
    }

    /// A map with sign, scaled by the largest of its absolute values, which comes back too.
    fn signed(&self, map: Tensor<2>) -> Result<(Probability, f32), AiError> {
        let scale = self.number(map.clone().abs().max().reshape([1]))?;
        let map = map * (0.5 / scale.max(f32::MIN_POSITIVE.sqrt())) + 0.5;
        Ok((
            Probability::computed(map.clamp(0.0, 1.0), self.device),
            scale,
        ))
    }
}

/// Explains by a method that is about a class.
///
/// # Errors
/// Those of the network, [`AiError::Cancelled`], [`AiError::Compute`] for a method that is about masks.
pub fn explain<N: Explained>(
    network: &N,
    question: &Question<'_>,
    method: Method,
) -> Result<Explanation, AiError> {
    match method {
        Method::GradCam => gradcam::explain(network, question),
        Method::IntegratedGradients => integrated::explain(network, question),
        Method::Occlusion => occlusion::explain(network, question),
        Method::Entropy | Method::Disagreement => {
            Err(AiError::Compute("this method is about masks".into()))
        }
    }
}
