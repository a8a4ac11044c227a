//! Plain weights, a PyTorch state dict or a safetensors file, with a description beside them that says what they
//! are: `NAME.import.toml` for `NAME.pt` or `NAME.safetensors`.

use super::{
    Foreign, InputForm, OutputForm, Wishes,
    fit::{self, Rename},
    pickle::TensorAt,
    plain_of,
    torch::Checkpoint,
};
use crate::ai::{
    AiError,
    card::About,
    networks::Architecture,
    weights::{MAX_FILE_BYTES, Weights, read_bounded},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// How the name of a description ends.
pub(super) const DESCRIPTION: &str = ".import.toml";
const MAX_DESCRIPTION_BYTES: u64 = 1 << 20;
/// Keys under which trainers keep a state dict.
pub(super) const NESTED: &[&str] = &[
    "state_dict",
    "model_state_dict",
    "network_weights",
    "model",
    "net",
];

/// What plain weights are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// The weights file beside the description.
    pub weights: String,
    /// SHA-256 that it must have.
    #[serde(default)]
    pub sha256: Option<String>,
    /// Registry id.
    #[serde(default)]
    pub id: Option<String>,
    /// Version of the weights.
    #[serde(default = "first")]
    pub version: String,
    /// What the names of tensors begin with, and what stands there instead.
    #[serde(default)]
    pub rename: Vec<Rename>,
    /// What the words of the card say.
    #[serde(default)]
    pub about: About,
    /// The network.
    pub network: Architecture,
    /// What it is shown.
    pub input: InputForm,
    /// What its answers mean.
    pub output: OutputForm,
}

fn first() -> String {
    "1".into()
}

/// Where the description of a weights file would be.
pub(super) fn description_of(weights: &Path) -> PathBuf {
    let mut name = weights.file_stem().unwrap_or_default().to_owned();
    name.push(DESCRIPTION);
    weights.with_file_name(name)
}

/// Reads weights by the description beside them, or a description and the weights that it names.
pub(super) fn read(path: &Path, wishes: &Wishes) -> Result<Foreign, AiError> {
    let is_description = path.to_string_lossy().ends_with(DESCRIPTION);
    let file = match is_description {
        true => path.to_owned(),
        false => description_of(path),
    };
    let bytes = read_bounded(&file, MAX_DESCRIPTION_BYTES)?;
    let text = String::from_utf8(bytes)
        .map_err(|_| AiError::Card("the description is not text".into()))?;
    let description: Description =
        toml::from_str(&text).map_err(|e| AiError::Card(e.message().to_owned()))?;
    if !super::card::is_plain(&description.weights) {
        return Err(AiError::Card(
            "the weights file of the description lies beside it".into(),
        ));
    }
    let weights_file = file.with_file_name(&description.weights);
    if !is_description && weights_file != path {
        return Err(AiError::Card(
            "the description beside these weights is of others".into(),
        ));
    }
    if let Some(expected) = &description.sha256 {
        let (_, found) = super::hash_of(&weights_file)?;
        if !found.eq_ignore_ascii_case(expected) {
            return Err(AiError::Hash {
                found,
                expected: expected.clone(),
            });
        }
    }
    let (weights, framework) = load(&weights_file, &description.network, &description.rename)?;
    let stem = weights_file
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy();
    let mut about = description.about;
    if let Some(licence) = &wishes.licence {
        about.licence.clone_from(licence);
    }
    if about.licence.is_empty() {
        about.licence = "not stated".into();
    }
    Ok(Foreign {
        id: description.id.unwrap_or_else(|| plain_of(&stem)),
        version: description.version,
        about,
        network: description.network,
        input: description.input,
        output: description.output,
        folds: vec![(String::new(), weights)],
        framework,
        root: file.parent().unwrap_or(Path::new("")).to_owned(),
        files: vec![weights_file, file],
    })
}

/// Weights of a network out of a PyTorch or safetensors file.
pub(super) fn load(
    file: &Path,
    network: &Architecture,
    rename: &[Rename],
) -> Result<(Weights, &'static str), AiError> {
    let safe = file
        .extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("safetensors"));
    if safe {
        let all = Weights::from_foreign_bytes(&read_bounded(file, MAX_FILE_BYTES)?)?;
        let shapes = all
            .iter()
            .map(|(name, a)| (name.to_owned(), a.shape.clone()));
        let mut weights = Weights::default();
        for (own, foreign) in fit::fit(network, &shapes.collect(), rename)? {
            if let Some(array) = all.get(&foreign) {
                weights.insert(own, array.shape.clone(), array.values.clone());
            }
        }
        return Ok((weights, "safetensors"));
    }
    let mut checkpoint = Checkpoint::open(file)?;
    let tensors = checkpoint.tensors_under(NESTED)?.0;
    let weights = taken(&mut checkpoint, &tensors, network, rename)?;
    Ok((weights, "PyTorch state dict"))
}

/// Reads those tensors of a checkpoint that are the network's, and makes sure that no others are left.
pub(super) fn taken(
    checkpoint: &mut Checkpoint,
    tensors: &BTreeMap<String, TensorAt>,
    network: &Architecture,
    rename: &[Rename],
) -> Result<Weights, AiError> {
    let shapes = tensors
        .iter()
        .map(|(name, at)| (name.clone(), at.shape.clone()));
    let mut weights = Weights::default();
    for (own, foreign) in fit::fit(network, &shapes.collect(), rename)? {
        if let Some(at) = tensors.get(&foreign) {
            let array = checkpoint.read(&foreign, at)?;
            weights.insert(own, array.shape, array.values);
        }
    }
    Ok(weights)
}
