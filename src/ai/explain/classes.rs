//! What a model that tells classes decided by, on a picture as it is.

use super::{Explained, Explanation, Question, explain};
use crate::{
    ai::{
        AiError, BurnDevice,
        card::CardClassifier,
        classes::{LungLocator, PictureBox, evidence, shown},
        infer::frame_from_grid,
        networks::Net,
        preprocess::{self, FrameInput},
        recipe::Crop,
        registry::{Model, Registry},
        weights::Weights,
    },
    model::{explanation::Method, finding::Finding, inference::ModelIdentity},
    task::CancelToken,
};
use burn::{module::Module as _, tensor::Tensor};
use glam::{DAffine2, DVec2};

/// A classifier on a device with automatic differentiation.
pub struct ClassExplainer {
    what: CardClassifier,
    identity: ModelIdentity,
    side: usize,
    network: Net,
    lungs: Option<LungLocator>,
    device: BurnDevice,
}

/// A map of a class, and the answer that it is about.
#[derive(Clone, Debug)]
pub struct ClassExplanation {
    /// The map.
    pub explanation: Explanation,
    /// What the positive class is called: the map speaks for it.
    pub class: String,
    /// Its calibrated probability.
    pub probability: f64,
    /// Frame pixel (column, row) from pixel of the map.
    pub frame_from_map: DAffine2,
    /// What was noticed about the picture.
    pub findings: Vec<Finding>,
}

/// The network with its answer as the model gives it: the mean of the evidence of picture and mirror image.
struct Evidence<'a>(&'a Net);

impl Explained for Evidence<'_> {
    fn features(&self, pictures: Tensor<4>) -> Result<Tensor<4>, AiError> {
        self.0.features(pictures, &|| true)
    }

    fn logits(&self, features: Tensor<4>) -> Result<Tensor<2>, AiError> {
        Ok(evidence(self.0.classify_features(features)?))
    }

    fn answer(&self, pictures: Tensor<4>) -> Result<Tensor<2>, AiError> {
        let mirrored = pictures.clone().flip([3]);
        let straight = self.logits(self.features(pictures)?)?;
        let mirrored = self.logits(self.features(mirrored)?)?;
        Ok((straight + mirrored) * 0.5)
    }
}

impl ClassExplainer {
    /// Puts the weights of a checked model on a device; the registry has the model that finds the lungs.
    ///
    /// # Errors
    /// A model that tells no classes.
    pub fn new(model: &Model, registry: &Registry, device: &BurnDevice) -> Result<Self, AiError> {
        Self::with_weights(model, &model.weights, registry, device)
    }

    /// The same network with other weights; what a check with random weights needs.
    ///
    /// # Errors
    /// As for [`Self::new`], and weights that do not fit.
    pub fn with_weights(
        model: &Model,
        weights: &Weights,
        registry: &Registry,
        device: &BurnDevice,
    ) -> Result<Self, AiError> {
        let Some(what) = &model.card.classifier else {
            return Err(AiError::Card(format!(
                "`{}` draws masks and tells no classes",
                model.card.id
            )));
        };
        let plan = what.network.plan()?;
        let network = Net::new(&plan, weights, &device.burn().clone().autodiff())?;
        let lungs = match what.crop {
            Crop::Whole => None,
            Crop::Lungs => Some(LungLocator::new(registry, device)?),
        };
        Ok(Self {
            what: what.clone(),
            identity: model.card.identity(),
            side: model.card.input.side,
            // Gradients are asked for of pictures and features; those of the weights would double the work.
            network: network.no_grad(),
            lungs,
            device: device.clone(),
        })
    }

    /// For provenance.
    pub const fn identity(&self) -> &ModelIdentity {
        &self.identity
    }

    /// Explains what the model says of a frame.
    ///
    /// # Errors
    /// Those of the picture, of the network, and [`AiError::Cancelled`].
    pub fn run(
        &self,
        input: FrameInput<'_>,
        method: Method,
        cancel: &CancelToken,
    ) -> Result<ClassExplanation, AiError> {
        let (values, mut findings) = preprocess::grey(input)?;
        let size = [input.frame.rows, input.frame.columns];
        let area = match &self.lungs {
            None => None,
            Some(lungs) => {
                let found = lungs.locate(&values, size, &|| !cancel.is_cancelled())?;
                findings.extend(found.findings);
                Some(found.area)
            }
        };
        let mut picture = shown(&values, size, area, self.side)?;
        preprocess::standardise(&mut picture);
        let question = Question {
            picture: &picture,
            side: self.side,
            class: 0,
            device: &self.device,
            cancel,
        };
        let network = Evidence(&self.network);
        let explanation = explain(&network, &question, method)?;
        let evidence = question.class_logits(&network, question.tensor()?)?;
        let evidence = f64::from(question.number(evidence)?);
        Ok(ClassExplanation {
            class: self.what.positive.clone(),
            probability: self.what.calibration.probability(evidence),
            frame_from_map: frame_from_part(size, area, explanation.map.size()),
            explanation,
            findings,
        })
    }
}

/// Maps pixels of a grid that covers a part of a frame to pixels of the frame.
fn frame_from_part(frame: [usize; 2], area: Option<PictureBox>, grid: [usize; 2]) -> DAffine2 {
    let Some(area) = area else {
        return frame_from_grid(frame, grid);
    };
    let sides = [area.rows, area.columns].map(|[low, high]| high - low);
    let corner = DVec2::new(area.columns[0] as f64, area.rows[0] as f64);
    DAffine2::from_translation(corner) * frame_from_grid(sides, grid)
}
