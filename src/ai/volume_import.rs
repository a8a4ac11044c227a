//! Models of others as models for volumes: what their cards say in the words of the engine.

use super::{
    AiError, BurnDevice,
    card::{About, sha256_hex},
    import::{ChannelScaling, ImportedCard, InputForm, UnitScaling},
    networks::{Ensemble, PlannedNetwork},
    registry::{ImportedModel, Model, Registry},
    sliding::{
        VolumeModel,
        input::{Axes, Intensity, Preparation},
    },
    volume_card::volume_model,
};
use crate::{
    gpu::Cargo,
    model::{
        inference::ModelIdentity,
        labels::{Label, color_of},
    },
};

/// A checked model that takes volumes.
#[derive(Clone, Debug)]
pub enum ForVolumes {
    /// Trained here.
    Own(Box<Model>),
    /// Made elsewhere.
    Imported(Box<ImportedModel>),
}

impl ForVolumes {
    /// The model of an id when it takes volumes; `None` when there is none of this id, or when it is for pictures.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn find(registry: &Registry, id: &str) -> Option<Result<Self, AiError>> {
        if let Some(model) = registry.load_imported(id) {
            return Some(model.map(|model| Self::Imported(Box::new(model))));
        }
        let entry = registry.list().0.into_iter().find(|e| e.card.id == id)?;
        entry.card.volume.as_ref()?;
        let model = super::registry::load(&entry);
        Some(model.map(|model| Self::Own(Box::new(model))))
    }

    /// What the words of its card say.
    pub fn about(&self) -> &About {
        match self {
            Self::Own(model) => &model.card.about,
            Self::Imported(model) => &model.card.about,
        }
    }

    /// Puts it on a device. With `mirror` it is also shown the mirror images that its card allows, which takes as many
    /// passes more.
    ///
    /// # Errors
    /// A card that asks for what the engine does not do, or that allows no mirror images.
    pub fn load(&self, device: &BurnDevice, mirror: bool) -> Result<VolumeModel, AiError> {
        let axes = match self {
            Self::Imported(model) if mirror => mirrored(&model.card),
            _ => Vec::new(),
        };
        if mirror && axes.is_empty() {
            return Err(AiError::Card("it allows no mirror images".into()));
        }
        match self {
            Self::Own(model) => volume_model(model, device),
            Self::Imported(model) => imported(model, device, &axes),
        }
    }
}

/// Whether the engine runs a model of others: it looks at one series, and says something of each voxel.
pub fn is_for_volumes(card: &ImportedCard) -> bool {
    card.input.guidance().is_none() && is_run(card)
}

/// Whether it answers to points of a reader: one picture, two channels of points, one class.
pub fn is_for_points(card: &ImportedCard) -> bool {
    let classes = card.output.labels.len();
    let one = classes == if card.output.exclusive { 2 } else { 1 };
    card.input.guidance().is_some() && one && is_run(card)
}

fn is_run(card: &ImportedCard) -> bool {
    prepared(&card.input).is_ok()
        && labels(card).is_ok()
        && card.check().is_ok_and(|plan| plan.features.is_none())
}

/// As how many images a model may see a window, turned over in every way that its card allows; 1 where it allows none.
pub fn mirror_images(card: &ImportedCard) -> usize {
    1 << mirrored(card).len()
}

/// The axes of a window (slices, rows, columns) along which a model may see mirror images.
fn mirrored(card: &ImportedCard) -> Vec<usize> {
    match &card.input {
        // A network that looks at slices counts from their rows.
        InputForm::Resampled {
            mirror, spacing_mm, ..
        } => mirror.iter().map(|a| a + 3 - spacing_mm.len()).collect(),
        _ => Vec::new(),
    }
}

fn imported(
    model: &ImportedModel,
    device: &BurnDevice,
    mirror: &[usize],
) -> Result<VolumeModel, AiError> {
    let card = &model.card;
    let shape = card.shape(&model.plan)?;
    let mut folds = Vec::new();
    for weights in &model.folds {
        device.note_upload(Cargo::ModelState, weights.count());
        folds.push(PlannedNetwork::new(
            &model.plan,
            shape.clone(),
            weights,
            device.burn(),
        )?);
    }
    // What runs is all folds: the hash of several is that of their hashes, in their order.
    let sha256 = match card.weights.as_slice() {
        [one] => one.file.sha256.clone(),
        all => {
            let hashes: String = all.iter().map(|w| w.file.sha256.as_str()).collect();
            sha256_hex(hashes.as_bytes())
        }
    };
    Ok(VolumeModel {
        identity: ModelIdentity {
            id: card.id.clone(),
            version: card.version.clone(),
            sha256,
            // Nobody says when.
            trained: "—".into(),
        },
        network: Box::new(Ensemble::new(folds, mirror)?),
        preparation: prepared(&card.input)?,
        guidance: card.input.guidance(),
        labels: labels(card)?,
        threshold: 0.5,
    })
}

fn prepared(input: &InputForm) -> Result<Preparation, AiError> {
    let refuse = |what: &str| Err(AiError::Card(what.into()));
    match input {
        InputForm::Conformed {
            spacing_mm,
            scaling,
            ..
        } => Ok(Preparation {
            spacing_mm: Some([*spacing_mm; 3]),
            axes: Axes::Lia,
            intensity: match scaling {
                UnitScaling::Range => Intensity::Quantiles {
                    low: 0.0,
                    high: 1.0,
                },
                UnitScaling::Quantiles { low, high } => Intensity::Quantiles {
                    low: *low,
                    high: *high,
                },
            },
        }),
        InputForm::Resampled {
            spacing_mm,
            transpose,
            channels,
            ..
        } => {
            let [channel] = channels.as_slice() else {
                return refuse("it wants several series at once");
            };
            let &[a, b, c] = transpose.as_slice() else {
                return refuse("transpose names three axes");
            };
            Ok(Preparation {
                // Slices that are looked at one by one keep their distance.
                spacing_mm: match *spacing_mm.as_slice() {
                    [slices, rows, columns] => Some([slices, rows, columns]),
                    [rows, columns] => Some([Preparation::AS_IT_IS, rows, columns]),
                    _ => return refuse("spacing has two or three numbers"),
                },
                axes: match [a, b, c] {
                    [0, 1, 2] => Axes::Stored,
                    order => Axes::Exchanged(order),
                },
                intensity: match channel.scaling {
                    ChannelScaling::Fixed {
                        low,
                        high,
                        mean,
                        deviation,
                    } => Intensity::Fixed {
                        low,
                        high,
                        mean,
                        deviation,
                    },
                    ChannelScaling::Picture { masked: false } => Intensity::Standardised,
                    ChannelScaling::Picture { masked: true } => Intensity::StandardisedInside,
                    ChannelScaling::Unit => Intensity::Quantiles {
                        low: 0.0,
                        high: 1.0,
                    },
                    ChannelScaling::Bytes => Intensity::Range {
                        low: 0.0,
                        high: 255.0,
                    },
                    ChannelScaling::Kept => Intensity::Unchanged,
                },
            })
        }
        InputForm::Prepared { .. } => refuse("its input has to be prepared by whoever uses it"),
    }
}

fn labels(card: &ImportedCard) -> Result<Vec<Label>, AiError> {
    let output = &card.output;
    let byte = |value: u16| {
        u8::try_from(value)
            .map_err(|_| AiError::Card(format!("label {value} does not fit a mask of 8 bits")))
    };
    let regions = output.regions.iter().copied().map(Some);
    let values = regions.chain(std::iter::repeat(None));
    output
        .labels
        .iter()
        .zip(values)
        .map(|(label, region)| {
            let value = byte(region.unwrap_or(label.value))?;
            Ok(Label {
                value,
                name: label.name.clone(),
                color: color_of(value),
                hidden: false,
                dashed: false,
            })
        })
        .collect()
}
