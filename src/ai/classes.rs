//! Classes of a picture: a calibrated probability, or no answer where it is near one half.
//!
//! The network sees the whole picture, or the box around the lung fields that the bundled model finds: a picture in
//! which there are no lungs is then refused, whatever it shows.

use super::{
    AiError, BurnDevice,
    card::{CardClassifier, ModelCard},
    networks::Net,
    preprocess::{self, FrameInput},
    readback::{self, ProbabilityMap},
    recipe::Crop,
    registry::{LUNG_FIELDS, Model, Registry},
    scope,
    unet::UNet,
};
use crate::{
    gpu::Cargo,
    imaging::components::components,
    model::{
        finding::{Finding, Severity},
        inference::ModelIdentity,
    },
    task::CancelToken,
};
use burn::tensor::{Tensor, TensorData, activation::sigmoid};

/// Parts of the lungs' mask smaller than this share of the picture do not widen the box.
const SPECK: f64 = 0.01;
/// Room around the lungs, as a share of the box.
const ROOM: f64 = 0.05;

/// Columns and rows of a part of a picture, the upper ends excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PictureBox {
    /// First column and the one behind the last.
    pub columns: [usize; 2],
    /// First row and the one behind the last.
    pub rows: [usize; 2],
}

/// Finds the lungs of a picture, to know where to look.
pub(crate) struct LungLocator {
    network: UNet,
    side: usize,
    threshold: f32,
    device: BurnDevice,
}

/// Where the lungs are, and what is odd about them.
pub(crate) struct Located {
    pub(crate) area: PictureBox,
    pub(crate) map: ProbabilityMap,
    pub(crate) findings: Vec<Finding>,
}

impl LungLocator {
    /// The bundled model on a device.
    pub(crate) fn new(registry: &Registry, device: &BurnDevice) -> Result<Self, AiError> {
        let model = registry.load(LUNG_FIELDS)?;
        device.note_upload(Cargo::ModelState, model.weights.count());
        Ok(Self {
            network: UNet::new(&model.card.network, &model.weights, device.burn())?,
            side: model.card.input.side,
            threshold: model.card.input.threshold,
            device: device.clone(),
        })
    }

    /// The box around the lungs of a grey picture (rows, columns).
    ///
    /// # Errors
    /// A picture without lungs.
    pub(crate) fn locate(
        &self,
        values: &[f32],
        [rows, columns]: [usize; 2],
        go_on: &dyn Fn() -> bool,
    ) -> Result<Located, AiError> {
        let side = self.side;
        let mut square = preprocess::unit_square(values, [rows, columns], side)?;
        preprocess::standardise(&mut square);
        self.device.note_upload(Cargo::ModelInput, square.len());
        let data = TensorData::new(square, [1, 1, side, side]);
        let input = Tensor::<4>::from_data(data, self.device.burn());
        let logits = self.network.forward_while(input, go_on)?;
        let map = ProbabilityMap {
            rows: side,
            columns: side,
            values: readback::numbers(sigmoid(logits), &self.device)?,
        };
        let mask: Vec<bool> = map.values.iter().map(|&p| p >= self.threshold).collect();
        let parts = components(&mask, [side, side, 1]).1;
        let large = parts
            .iter()
            .filter(|part| part.voxels as f64 >= SPECK * (side * side) as f64);
        let (mut low, mut high) = ([usize::MAX; 2], [0usize; 2]);
        for part in large {
            for axis in 0..2 {
                low[axis] = low[axis].min(part.low[axis]);
                high[axis] = high[axis].max(part.high[axis] + 1);
            }
        }
        if low[0] == usize::MAX {
            return Err(AiError::Input(Finding::new(
                "NO_LUNG",
                Severity::Error,
                "No lungs were found in the picture; the model is for frontal chest radiographs",
            )));
        }
        let along = |axis: usize, whole: usize| {
            let room = (high[axis] - low[axis]) as f64 * ROOM;
            let scale = whole as f64 / side as f64;
            let begin = ((low[axis] as f64 - room) * scale).floor().max(0.0) as usize;
            let end = ((high[axis] as f64 + room) * scale).ceil() as usize;
            [begin, end.clamp(begin + 1, whole.max(begin + 1))]
        };
        Ok(Located {
            area: PictureBox {
                columns: along(0, columns),
                rows: along(1, rows),
            },
            findings: scope::plausibility(&map, self.threshold),
            map,
        })
    }
}

/// The values of a part of a picture and its rows and columns.
pub(crate) fn cut_out(values: &[f32], columns: usize, area: PictureBox) -> (Vec<f32>, [usize; 2]) {
    let cut = (area.rows[0]..area.rows[1])
        .flat_map(|row| {
            let line = row * columns;
            values
                .get(line + area.columns[0]..line + area.columns[1])
                .unwrap_or_default()
                .iter()
                .copied()
        })
        .collect();
    let size = [
        area.rows[1] - area.rows[0],
        area.columns[1] - area.columns[0],
    ];
    (cut, size)
}

/// What the network is shown of a grey picture: the part that its card names, squeezed to a square, 0 to 1.
pub(crate) fn shown(
    values: &[f32],
    size: [usize; 2],
    area: Option<PictureBox>,
    side: usize,
) -> Result<Vec<f32>, AiError> {
    match area {
        None => preprocess::unit_square(values, size, side),
        Some(area) => {
            let (cut, size) = cut_out(values, size[1], area);
            preprocess::unit_square(&cut, size, side)
        }
    }
}

/// Evidence for the positive class from a network's logits `[batch, classes]`: the logit, or the difference of two.
pub(crate) fn evidence(logits: Tensor<2>) -> Tensor<2> {
    let [_, classes] = logits.dims();
    if classes < 2 {
        return logits;
    }
    logits.clone().narrow(1, 1, 1) - logits.narrow(1, 0, 1)
}

/// Mean evidence of each picture and of its mirror image.
pub(crate) fn evidence_of(
    network: &Net,
    pictures: &[Vec<f32>],
    side: usize,
    device: &BurnDevice,
    go_on: &dyn Fn() -> bool,
) -> Result<Vec<f64>, AiError> {
    let mut values = Vec::with_capacity(2 * pictures.len() * side * side);
    for picture in pictures {
        let mut picture = picture.clone();
        preprocess::standardise(&mut picture);
        values.extend_from_slice(&picture);
        let mirrored = picture.chunks_exact(side.max(1));
        values.extend(mirrored.flat_map(|row| row.iter().rev().copied()));
    }
    device.note_upload(Cargo::ModelInput, values.len());
    let data = TensorData::new(values, [2 * pictures.len(), 1, side, side]);
    let input = Tensor::<4>::from_data(data, device.burn());
    let logits = network.classify(input, go_on)?;
    let numbers = readback::numbers(evidence(logits), device)?;
    Ok(numbers
        .as_chunks::<2>()
        .0
        .iter()
        .map(|&[a, b]| (f64::from(a) + f64::from(b)) / 2.0)
        .collect())
}

/// A model for classes on a device.
pub struct Classifier {
    card: ModelCard,
    what: CardClassifier,
    network: Net,
    lungs: Option<LungLocator>,
    device: BurnDevice,
}

/// What a classifier says of a picture.
#[derive(Clone, Debug)]
pub struct Classified {
    /// Calibrated probability of the positive class.
    pub probability: f64,
    /// The probability is too near one half for an answer.
    pub abstained: bool,
    /// Evidence before calibration.
    pub evidence: f64,
    /// Which part of the picture was looked at, where it is not all of it.
    pub area: Option<PictureBox>,
    /// What was noticed.
    pub findings: Vec<Finding>,
}

impl Classified {
    /// The positive class, the negative one, or no answer.
    pub fn answer<'a>(&self, card: &'a CardClassifier) -> Option<&'a str> {
        match (self.abstained, self.probability >= 0.5) {
            (true, _) => None,
            (false, true) => Some(&card.positive),
            (false, false) => Some(&card.negative),
        }
    }
}

impl Classifier {
    /// Puts the weights of a checked model on a device; the registry has the model that finds the lungs.
    ///
    /// # Errors
    /// A model that tells no classes.
    pub fn new(model: &Model, registry: &Registry, device: &BurnDevice) -> Result<Self, AiError> {
        let Some(what) = &model.card.classifier else {
            return Err(AiError::Card(format!(
                "`{}` draws masks and tells no classes",
                model.card.id
            )));
        };
        device.note_upload(Cargo::ModelState, model.weights.count());
        let network = Net::new(&what.network.plan()?, &model.weights, device.burn())?;
        let lungs = match what.crop {
            Crop::Whole => None,
            Crop::Lungs => Some(LungLocator::new(registry, device)?),
        };
        Ok(Self {
            what: what.clone(),
            card: model.card.clone(),
            network,
            lungs,
            device: device.clone(),
        })
    }

    /// The model's card.
    pub const fn card(&self) -> &ModelCard {
        &self.card
    }

    /// What the card says of the classes.
    pub const fn classes(&self) -> &CardClassifier {
        &self.what
    }

    /// For provenance.
    pub fn identity(&self) -> ModelIdentity {
        self.card.identity()
    }

    /// Looks at one frame; cancelled between layers.
    ///
    /// # Errors
    /// A colour picture, one without lungs where they are looked for, a stop on request, a device that fails.
    pub fn run(&self, input: FrameInput<'_>, cancel: &CancelToken) -> Result<Classified, AiError> {
        let (values, mut findings) = preprocess::grey(input)?;
        let size = [input.frame.rows, input.frame.columns];
        let go_on = || !cancel.is_cancelled();
        let area = match &self.lungs {
            None => None,
            Some(lungs) => {
                let found = lungs.locate(&values, size, &go_on)?;
                findings.extend(found.findings);
                Some(found.area)
            }
        };
        let side = self.card.input.side;
        let picture = shown(&values, size, area, side)?;
        if picture.iter().all(|&v| v == 0.0) {
            findings.push(Finding::new(
                "NO_CONTRAST",
                Severity::Warning,
                "The picture has no contrast, so the network has nothing to go by",
            ));
        }
        if size[0].min(size[1]) < side {
            findings.push(Finding::new(
                "FEW_PIXELS",
                Severity::Warning,
                "The picture has fewer pixels than the network looks at",
            ));
        }
        if let Some(usual) = &self.card.usual {
            let mut seen = picture.clone();
            preprocess::standardise(&mut seen);
            findings.extend(usual.finding(&seen, side)?);
        }
        let evidence = evidence_of(&self.network, &[picture], side, &self.device, &go_on)?;
        if cancel.is_cancelled() {
            return Err(AiError::Cancelled);
        }
        let evidence = evidence.first().copied().unwrap_or(f64::NAN);
        if !evidence.is_finite() {
            return Err(AiError::Compute("the answer is not a number".into()));
        }
        let probability = self.what.calibration.probability(evidence);
        Ok(Classified {
            abstained: self.what.abstains(probability),
            probability,
            evidence,
            area,
            findings,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_cut_out_row_by_row() {
        let values: Vec<f32> = (0..20).map(|v| v as f32).collect();
        let area = PictureBox {
            columns: [1, 3],
            rows: [2, 4],
        };
        // Five columns: row 2 begins at 10.
        let (cut, size) = cut_out(&values, 5, area);
        assert_eq!((cut, size), (vec![11.0, 12.0, 16.0, 17.0], [2, 2]));
    }
}
