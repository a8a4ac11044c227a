//! The models the program knows: those built in, and those imported into a folder as weights with a card.
//!
//! A model is used only when its weights are the ones that its card describes (SHA-256) and fit its network.
//! Weights are data; nothing of them is ever run.

use super::{
    AiError,
    card::{ModelCard, sha256_hex},
    weights::{MAX_FILE_BYTES, Weights, read_bounded, write_atomic},
};
use crate::model::inference::ModelIdentity;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Id of the built-in lung-field model.
pub const LUNG_FIELDS: &str = "lung-fields";

const LUNG_FIELDS_CARD: &str = include_str!("../../assets/models/lung-fields.toml");
const LUNG_FIELDS_WEIGHTS: &[u8] = include_bytes!("../../assets/models/lung-fields.safetensors");

const MAX_CARD_BYTES: u64 = 1 << 20;

/// Where a model lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// In the program.
    BuiltIn,
    /// This card file, the weights beside it.
    File(PathBuf),
}

/// A model in the list, not yet checked.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its card.
    pub card: ModelCard,
    /// Where it lies.
    pub origin: Origin,
}

/// A checked model.
#[derive(Clone, Debug)]
pub struct Model {
    /// Its card.
    pub card: ModelCard,
    /// Its weights.
    pub weights: Weights,
}

/// Built-in models and a folder of imported ones.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    folder: Option<PathBuf>,
}

impl ModelCard {
    /// For provenance.
    pub fn identity(&self) -> ModelIdentity {
        ModelIdentity {
            id: self.id.clone(),
            version: self.version.clone(),
            sha256: self.weights.sha256.clone(),
            trained: self.trained.clone(),
        }
    }
}

impl Registry {
    /// The built-in models and those of a folder, which need not exist.
    pub const fn new(folder: Option<PathBuf>) -> Self {
        Self { folder }
    }

    /// All models in the order of ids, and the card files that cannot be read with the reason. An imported model
    /// replaces a built-in one of the same id.
    pub fn list(&self) -> (Vec<Entry>, Vec<(PathBuf, AiError)>) {
        let mut entries = Vec::new();
        let mut broken = Vec::new();
        match ModelCard::parse(LUNG_FIELDS_CARD) {
            Ok(card) => entries.push(Entry {
                card,
                origin: Origin::BuiltIn,
            }),
            Err(error) => broken.push((PathBuf::from("lung-fields.toml"), error)),
        }
        let folder = self
            .folder
            .iter()
            .filter_map(|folder| fs::read_dir(folder).ok());
        let mut files: Vec<PathBuf> = folder
            .flat_map(|listing| listing.filter_map(|entry| Some(entry.ok()?.path())))
            .filter(|path| path.extension().is_some_and(|e| e == "toml"))
            .collect();
        files.sort();
        for file in files {
            match read_card(&file) {
                Ok(card) => {
                    entries.retain(|entry| entry.card.id != card.id);
                    entries.push(Entry {
                        card,
                        origin: Origin::File(file),
                    });
                }
                Err(error) => broken.push((file, error)),
            }
        }
        entries.sort_by(|a, b| a.card.id.cmp(&b.card.id));
        (entries, broken)
    }

    /// The model of an id, checked.
    pub fn load(&self, id: &str) -> Result<Model, AiError> {
        let entry = self.list().0.into_iter().find(|entry| entry.card.id == id);
        load(&entry.ok_or_else(|| AiError::UnknownModel(id.into()))?)
    }

    /// Checks a model file and takes it into the folder. `file` is the card or the weights; the other one lies
    /// beside it.
    pub fn import(&self, file: &Path) -> Result<ModelCard, AiError> {
        let Some(folder) = &self.folder else {
            return Err(AiError::Card("there is no folder for models".into()));
        };
        let card_file = card_beside(file)?;
        let card = read_card(&card_file)?;
        let bytes = weights_bytes(&card, &Origin::File(card_file))?;
        check(&card, &bytes)?;
        fs::create_dir_all(folder).map_err(AiError::io("cannot make the folder", folder))?;
        let stored = ModelCard {
            weights: super::card::CardWeights {
                file: format!("{}.safetensors", card.id),
                ..card.weights.clone()
            },
            ..card
        };
        // The card last: without it the weights are not listed.
        write_atomic(&folder.join(&stored.weights.file), &bytes)?;
        write_atomic(
            &folder.join(format!("{}.toml", stored.id)),
            stored.to_toml()?.as_bytes(),
        )?;
        Ok(stored)
    }
}

/// Reads and checks the weights of a model.
pub fn load(entry: &Entry) -> Result<Model, AiError> {
    let bytes = weights_bytes(&entry.card, &entry.origin)?;
    Ok(Model {
        weights: check(&entry.card, &bytes)?,
        card: entry.card.clone(),
    })
}

/// Reads and checks a model from its card or weights file, without importing it.
pub fn load_file(file: &Path) -> Result<Model, AiError> {
    let card_file = card_beside(file)?;
    load(&Entry {
        card: read_card(&card_file)?,
        origin: Origin::File(card_file),
    })
}

/// The hash first: a file that is not the expected one is not looked into.
fn check(card: &ModelCard, bytes: &[u8]) -> Result<Weights, AiError> {
    let found = sha256_hex(bytes);
    if !found.eq_ignore_ascii_case(&card.weights.sha256) {
        return Err(AiError::Hash {
            found,
            expected: card.weights.sha256.clone(),
        });
    }
    let weights = Weights::from_bytes(bytes)?;
    weights.check_layout(&card.tensors()?)?;
    Ok(weights)
}

fn weights_bytes(card: &ModelCard, origin: &Origin) -> Result<Vec<u8>, AiError> {
    match origin {
        Origin::BuiltIn => Ok(LUNG_FIELDS_WEIGHTS.to_vec()),
        Origin::File(card_file) => {
            // The name was checked to be plain: it cannot leave the folder.
            let path = card_file.with_file_name(&card.weights.file);
            read_bounded(&path, MAX_FILE_BYTES)
        }
    }
}

fn read_card(path: &Path) -> Result<ModelCard, AiError> {
    let bytes = read_bounded(path, MAX_CARD_BYTES)?;
    let text =
        String::from_utf8(bytes).map_err(|_| AiError::Card("the file is not text".into()))?;
    ModelCard::parse(&text)
}

fn card_beside(file: &Path) -> Result<PathBuf, AiError> {
    let extension = file
        .extension()
        .and_then(|e| e.to_str())
        .unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "toml" => Ok(file.to_owned()),
        "safetensors" => {
            let card = file.with_extension("toml");
            if card.is_file() {
                Ok(card)
            } else {
                Err(AiError::Card(
                    "weights need their card, a TOML file of the same name beside them".into(),
                ))
            }
        }
        "pt" | "pth" | "ckpt" | "bin" | "pkl" => Err(AiError::Weights(
            "PyTorch checkpoints are pickles, which can contain code; convert them to safetensors"
                .into(),
        )),
        "onnx" => Err(AiError::Weights(
            "ONNX files are not read; convert to safetensors".into(),
        )),
        _ => Err(AiError::Card(
            "a model file is a card (.toml) or weights (.safetensors)".into(),
        )),
    }
}
