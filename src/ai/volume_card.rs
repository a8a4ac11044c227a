//! Models for volumes on a card of ours: what the network is shown of a volume, and what its classes are.

use super::{
    AiError, BurnDevice,
    network::{OutputKind, PlanarUNet},
    registry::Model,
    sliding::{VolumeModel, input::Preparation},
};
use crate::{
    gpu::Cargo,
    model::labels::{Label, color_of},
};
use serde::{Deserialize, Serialize};

/// The part of a card that makes its model one for volumes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VolumePart {
    /// Exactly one class holds at each voxel; channel 0 is the background then. Else each channel is a question of its own.
    #[serde(default)]
    pub exclusive: bool,
    /// What the network is shown.
    #[serde(default)]
    pub input: Preparation,
    /// One label for each output channel, in their order.
    pub labels: Vec<CardLabel>,
}

/// A label on a card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardLabel {
    /// The number in a mask; 0 for the background.
    pub value: u8,
    /// Its name.
    pub name: String,
    /// Its sRGB colour.
    #[serde(default)]
    pub color: Option<[u8; 3]>,
}

impl VolumePart {
    /// Refuses what does not fit a network of so many classes.
    pub fn check(&self, classes: usize) -> Result<(), AiError> {
        let refuse = |what: &str| Err(AiError::Card(what.into()));
        self.input.check()?;
        if self.labels.len() != classes {
            return refuse("there is not one label for each output channel");
        }
        let mut values: Vec<u8> = self.labels.iter().map(|label| label.value).collect();
        if self.exclusive && values.first() != Some(&0) {
            return refuse("the first of exclusive classes is the background, with the value 0");
        }
        if !self.exclusive && values.contains(&0) {
            return refuse("a label has a value above 0");
        }
        values.sort_unstable();
        values.dedup();
        if values.len() != classes {
            return refuse("two labels have one value");
        }
        Ok(())
    }
}

/// Puts a checked model for volumes on a device.
///
/// # Errors
/// [`AiError::Card`] when it is none.
pub fn volume_model(model: &Model, device: &BurnDevice) -> Result<VolumeModel, AiError> {
    let card = &model.card;
    let Some(volume) = &card.volume else {
        return Err(AiError::Card("this model is for single pictures".into()));
    };
    device.note_upload(Cargo::ModelState, model.weights.count());
    let output = match volume.exclusive {
        true => OutputKind::Softmax,
        false => OutputKind::Sigmoid,
    };
    let network = PlanarUNet::new(
        &card.network,
        card.input.side,
        output,
        &model.weights,
        device.burn(),
    )?;
    Ok(VolumeModel {
        identity: card.identity(),
        network: Box::new(network),
        preparation: volume.input,
        guidance: None,
        labels: volume
            .labels
            .iter()
            .map(|label| Label {
                value: label.value,
                name: label.name.clone(),
                color: label.color.unwrap_or_else(|| color_of(label.value)),
                hidden: false,
                dashed: false,
            })
            .collect(),
        threshold: card.input.threshold,
    })
}
