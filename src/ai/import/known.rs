//! What is known of the MeshNet models of Brainchop beside what their files say: which scaling they were trained
//! with. They are recognised by the SHA-256 of their weights.

use super::{UnitScaling, Wishes};
use crate::ai::{AiError, card::About, weights::read_bounded};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A model that is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    sha256: &'static str,
    pub id: &'static str,
    title: &'static str,
    finds: &'static str,
    pub scaling: UnitScaling,
}

const RANGE: UnitScaling = UnitScaling::Range;
const QUANTILES: UnitScaling = UnitScaling::Quantiles {
    low: 0.05,
    high: 0.95,
};

const KNOWN: &[Known] = &[
    Known {
        sha256: "ca0d1b8ff72f8719d9525acaf9a1f1cb66dbb173b4ee1d7540f99e022cf4bfd8",
        id: "brain-meshnet-tissue-5",
        title: "White and grey matter, MeshNet of 5 channels",
        finds: "white and grey matter",
        scaling: RANGE,
    },
    Known {
        sha256: "7f93edb82252cdc59e3faf3ae5a27622bc748d02db64df2cf429ad807891c261",
        id: "brain-meshnet-tissue-11",
        title: "White and grey matter, MeshNet of 11 channels",
        finds: "white and grey matter",
        scaling: RANGE,
    },
    Known {
        sha256: "aecc03e3db596bfffab0ea1143f0848dbf4da4e317e04ef202986c6888cd467f",
        id: "brain-meshnet-tissue-20",
        title: "White and grey matter, MeshNet of 20 channels",
        finds: "white and grey matter",
        scaling: QUANTILES,
    },
    Known {
        sha256: "725096439f64ece1ca45ec3c5115c9fa6004f6538cac3032b85966d3772b605e",
        id: "brain-meshnet-subcortical-21",
        title: "Cortex and deep structures, MeshNet of 21 channels",
        finds: "cortex and deep structures of the brain",
        scaling: RANGE,
    },
    Known {
        sha256: "7039651d91c4cee0b7b1ddfe93fe2f5cb9b71d99f5a126fdef407e2a36bb52d4",
        id: "brain-meshnet-subcortical-30",
        title: "Cortex and deep structures, MeshNet of 30 channels",
        finds: "cortex and deep structures of the brain",
        scaling: RANGE,
    },
    Known {
        sha256: "a7e597568dc7750c64cce8c64c4ca3ec7215716949efd741f19904da1baffa81",
        id: "brain-meshnet-cortical-30",
        title: "Parcels of the cortex and deep structures, MeshNet of 30 channels",
        finds: "parcels of the cortex and deep structures",
        scaling: QUANTILES,
    },
    Known {
        sha256: "8a0aa1e2d94e5edc94c54aed900da978d2a1388bee4621cee05e473db64b84af",
        id: "brain-meshnet-cortical-21",
        title: "Parcels of the cortex of both sides, MeshNet of 21 channels",
        finds: "parcels of the cortex and deep structures",
        scaling: RANGE,
    },
    Known {
        sha256: "c9a01490fe2d13acc1515fd019b69db176ebe6f40c9b84aeb77f25acbc2ee0f3",
        id: "brain-meshnet-mindgrab",
        title: "The brain without the skull, MeshNet of 15 channels",
        finds: "brain",
        scaling: RANGE,
    },
];

/// The model whose weights have this hash.
pub(super) fn model(sha256: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.sha256 == sha256)
}

/// The words of the card.
pub(super) fn about(known: Option<&Known>, licence: Option<String>, wishes: &Wishes) -> About {
    let cited = match known {
        Some(_) => vec![
            "Fedorov et al. 2017, End-to-end learning of brain tissue segmentation from imperfect labeling".into(),
            "Masoud, Hu, Plis 2023, Brainchop: in-browser MRI volumetric segmentation and rendering".into(),
        ],
        None => Vec::new(),
    };
    let stated = wishes.licence.clone().or(licence);
    About {
        title: known.map_or("MeshNet", |k| k.title).into(),
        finds: known.map_or("classes of a head", |k| k.finds).into(),
        modalities: vec!["MR".into()],
        licence: stated.unwrap_or_else(|| "not stated".into()),
        terms: "not stated".into(),
        data_owners: Vec::new(),
        citations: cited,
        intended_use: "research and education".into(),
        limits: vec![
            "made for T1-weighted heads of adults; nothing is known of its quality elsewhere"
                .into(),
            "quality was not measured here".into(),
        ],
        synthetic_only: false,
    }
}

/// Names of the classes from `labels.json` or `colormap.json` beside the model, and the file that was read; numbers
/// where neither fits.
pub(super) fn labels(
    root: &Path,
    classes: usize,
) -> Result<(Vec<String>, Option<PathBuf>), AiError> {
    let fits = |names: &[String]| {
        names.len() == classes && names.iter().all(|n| !n.is_empty() && n.len() <= 120)
    };
    for file in ["labels.json", "colormap.json"] {
        let path = root.join(file);
        let Ok(bytes) = read_bounded(&path, 1 << 20) else {
            continue;
        };
        let Ok(value) = serde_json::from_slice::<Value>(&bytes) else {
            continue;
        };
        let text = |value: Option<&Value>| {
            let text = value.and_then(Value::as_str).unwrap_or_default();
            text.trim().to_owned()
        };
        let names: Vec<String> = match value.get("labels").and_then(Value::as_array) {
            Some(list) => list.iter().map(|v| text(Some(v))).collect(),
            None => (0..classes)
                .map(|i| text(value.get(i.to_string())))
                .collect(),
        };
        if fits(&names) {
            return Ok((names, Some(path)));
        }
    }
    let numbered = (0..classes).map(|i| match i {
        0 => "background".to_owned(),
        i => format!("class {i}"),
    });
    Ok((numbered.collect(), None))
}
