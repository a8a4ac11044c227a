//! The models the program knows: those built in, and those imported into a folder as weights with a card.
//!
//! A model is used only when its weights are the ones that its card describes (SHA-256) and fit its network.
//! Weights are data; nothing of them is ever run.

use super::{
    AiError, BurnDevice,
    card::{ModelCard, sha256_hex},
    classes::{self, LungLocator},
    data,
    import::{self, ImportedCard, Wishes},
    networks::Plan,
    preprocess,
    recipe::Crop,
    usual::UsualInputs,
    weights::{MAX_FILE_BYTES, Weights, read_bounded, write_atomic},
};
use crate::model::inference::ModelIdentity;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Id of the built-in lung-field model.
pub const LUNG_FIELDS: &str = "lung-fields";

/// A model in the program: id, card, weights.
type BuiltIn = (&'static str, &'static str, &'static [u8]);

/// The models that the program brings along.
const BUILT_IN: [BuiltIn; 3] = [
    (
        CHEST_TB,
        include_str!("../../assets/models/chest-tb.toml"),
        include_bytes!("../../assets/models/chest-tb.safetensors"),
    ),
    (
        "ct-lesions",
        include_str!("../../assets/models/ct-lesions.toml"),
        include_bytes!("../../assets/models/ct-lesions.safetensors"),
    ),
    (
        LUNG_FIELDS,
        include_str!("../../assets/models/lung-fields.toml"),
        include_bytes!("../../assets/models/lung-fields.safetensors"),
    ),
];

/// Id of the classifier for tuberculosis.
pub const CHEST_TB: &str = "chest-tb";

/// The training tasks of the models that the program brings along, by model.
pub const BUNDLED_TASKS: [(&str, &str); 4] = [
    (
        "ct-lesions",
        include_str!("../../assets/models/ct-lesions.train.toml"),
    ),
    (
        "chest-abnormal",
        include_str!("../../assets/models/chest-abnormal.train.toml"),
    ),
    (
        CHEST_TB,
        include_str!("../../assets/models/chest-tb.train.toml"),
    ),
    (
        LUNG_FIELDS,
        include_str!("../../assets/models/lung-fields.train.toml"),
    ),
];

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

/// A model that was made elsewhere, in the list, not yet checked.
#[derive(Clone, Debug)]
pub struct ImportedEntry {
    /// Its card.
    pub card: ImportedCard,
    /// The card file, the weights beside it.
    pub file: PathBuf,
}

/// A checked model that was made elsewhere.
#[derive(Clone, Debug)]
pub struct ImportedModel {
    /// Its card.
    pub card: ImportedCard,
    /// Its network.
    pub plan: Plan,
    /// Weights of each fold.
    pub folds: Vec<Weights>,
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
        for (id, card, _) in BUILT_IN {
            match ModelCard::parse(card) {
                Ok(card) => entries.push(Entry {
                    card,
                    origin: Origin::BuiltIn,
                }),
                Err(error) => broken.push((PathBuf::from(format!("{id}.toml")), error)),
            }
        }
        for file in self.card_files() {
            match card_text(&file).and_then(|text| match ImportedCard::is_one(&text) {
                true => Ok(None),
                false => ModelCard::parse(&text).map(Some),
            }) {
                // See [`Self::imported`].
                Ok(None) => {}
                Ok(Some(card)) => {
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

    fn card_files(&self) -> Vec<PathBuf> {
        let folder = self
            .folder
            .iter()
            .filter_map(|folder| fs::read_dir(folder).ok());
        let mut files: Vec<PathBuf> = folder
            .flat_map(|listing| listing.filter_map(|entry| Some(entry.ok()?.path())))
            .filter(|path| path.extension().is_some_and(|e| e == "toml"))
            .collect();
        files.sort();
        files
    }

    /// All models that were made elsewhere, in the order of ids, and their card files that cannot be read.
    pub fn imported(&self) -> (Vec<ImportedEntry>, Vec<(PathBuf, AiError)>) {
        let (mut entries, mut broken) = (Vec::new(), Vec::new());
        for file in self.card_files() {
            // What is no card of this kind is told by [`Self::list`].
            let Ok(text) = card_text(&file) else {
                continue;
            };
            if !ImportedCard::is_one(&text) {
                continue;
            }
            match ImportedCard::parse(&text) {
                Ok(card) => entries.push(ImportedEntry { card, file }),
                Err(error) => broken.push((file, error)),
            }
        }
        entries.sort_by(|a, b| a.card.id.cmp(&b.card.id));
        (entries, broken)
    }

    /// The model of an id that was made elsewhere, checked; `None` when there is none of this id.
    pub fn load_imported(&self, id: &str) -> Option<Result<ImportedModel, AiError>> {
        let entry = self.imported().0.into_iter().find(|e| e.card.id == id)?;
        Some(load_imported(&entry))
    }

    /// Takes in a model that was made elsewhere: a folder or file of another program, or weights with a card of ours.
    ///
    /// # Errors
    /// What is wrong with it; nothing is written then.
    pub fn take_in(&self, path: &Path, wishes: &Wishes) -> Result<ImportedCard, AiError> {
        let folder = self.folder_for_models()?;
        let mut wishes = wishes.clone();
        let own = BUILT_IN.iter().map(|(id, _, _)| (*id).to_owned());
        wishes.reserved.extend(own);
        let card = match is_card_of_import(path) {
            true => {
                let card = ImportedCard::parse(&card_text(path)?)?;
                wishes.allow(&card.id)?;
                self.copy_in(card, path)?
            }
            false => import::import(path, &wishes, folder)?,
        };
        self.drop_strays(&card);
        Ok(card)
    }

    /// Checks a model with a card of ours and copies its files.
    fn copy_in(&self, card: ImportedCard, file: &Path) -> Result<ImportedCard, AiError> {
        let folder = self.folder_for_models()?;
        let entry = ImportedEntry {
            card,
            file: file.to_owned(),
        };
        load_imported(&entry)?;
        fs::create_dir_all(folder).map_err(AiError::io("cannot make the folder", folder))?;
        for fold in &entry.card.weights {
            let name = &fold.file.file;
            let bytes = read_bounded(&file.with_file_name(name), MAX_FILE_BYTES)?;
            // Once more: the file may have been replaced in between.
            check_hash(&fold.file.sha256, &bytes)?;
            write_atomic(&folder.join(name), &bytes)?;
        }
        let text = entry.card.to_toml()?;
        write_atomic(
            &folder.join(format!("{}.toml", entry.card.id)),
            text.as_bytes(),
        )?;
        Ok(entry.card)
    }

    fn folder_for_models(&self) -> Result<&Path, AiError> {
        let none = || AiError::Card("there is no folder for models".into());
        self.folder.as_deref().ok_or_else(none)
    }

    /// Removes what an older model of the same id had and the new one does not.
    fn drop_strays(&self, card: &ImportedCard) {
        let Some(folder) = &self.folder else {
            return;
        };
        let kept = |name: &str| card.weights.iter().any(|w| w.file.file == name);
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let own = name
                .strip_prefix(&card.id)
                .is_some_and(|rest| rest.starts_with('.') && rest.ends_with(".safetensors"));
            if own && !kept(&name) {
                // What stays is not on the card and is never read.
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    /// Removes an imported model: its card first, then its weights.
    ///
    /// # Errors
    /// There is none of this id, it is built in, or the disk does not do it.
    pub fn remove(&self, id: &str) -> Result<(), AiError> {
        let own = self.list().0.into_iter().find(|e| e.card.id == id);
        let imported = self.imported().0.into_iter().find(|e| e.card.id == id);
        let (card, weights) = match (own, imported) {
            (_, Some(entry)) => {
                let files = entry.card.weights.iter().map(|w| w.file.file.clone());
                (entry.file, files.collect())
            }
            (Some(entry), None) => match entry.origin {
                Origin::File(file) => (file, vec![entry.card.weights.file]),
                Origin::BuiltIn => {
                    return Err(AiError::Card("this model is part of the program".into()));
                }
            },
            (None, None) => return Err(AiError::UnknownModel(id.into())),
        };
        fs::remove_file(&card).map_err(AiError::io("cannot remove", &card))?;
        for file in weights {
            // The name was checked to be plain: it cannot leave the folder.
            let path = card.with_file_name(file);
            fs::remove_file(&path).map_err(AiError::io("cannot remove", &path))?;
        }
        Ok(())
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

/// Reads and checks the weights of a model that was made elsewhere. The hashes first, as everywhere.
pub fn load_imported(entry: &ImportedEntry) -> Result<ImportedModel, AiError> {
    let plan = entry.card.check()?;
    let mut folds = Vec::new();
    for fold in &entry.card.weights {
        let bytes = read_bounded(&entry.file.with_file_name(&fold.file.file), MAX_FILE_BYTES)?;
        check_hash(&fold.file.sha256, &bytes)?;
        let weights = Weights::from_bytes(&bytes)?;
        weights.check_layout(&plan.tensors())?;
        folds.push(weights);
    }
    Ok(ImportedModel {
        card: entry.card.clone(),
        plan,
        folds,
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
    check_hash(&card.weights.sha256, bytes)?;
    let weights = Weights::from_bytes(bytes)?;
    weights.check_layout(&card.tensors()?)?;
    Ok(weights)
}

fn check_hash(expected: &str, bytes: &[u8]) -> Result<(), AiError> {
    let found = sha256_hex(bytes);
    if found.eq_ignore_ascii_case(expected) {
        return Ok(());
    }
    Err(AiError::Hash {
        found,
        expected: expected.to_owned(),
    })
}

fn weights_bytes(card: &ModelCard, origin: &Origin) -> Result<Vec<u8>, AiError> {
    match origin {
        Origin::BuiltIn => BUILT_IN
            .iter()
            .find(|(id, _, _)| *id == card.id)
            .map(|(_, _, weights)| weights.to_vec())
            .ok_or_else(|| AiError::UnknownModel(card.id.clone())),
        Origin::File(card_file) => {
            // The name was checked to be plain: it cannot leave the folder.
            let path = card_file.with_file_name(&card.weights.file);
            read_bounded(&path, MAX_FILE_BYTES)
        }
    }
}

/// Whether a file is a card of a model that was made elsewhere.
pub fn is_card_of_import(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "toml")
        && card_text(path).is_ok_and(|text| ImportedCard::is_one(&text))
}

fn card_text(path: &Path) -> Result<String, AiError> {
    let bytes = read_bounded(path, MAX_CARD_BYTES)?;
    String::from_utf8(bytes).map_err(|_| AiError::Card("the file is not text".into()))
}

fn read_card(path: &Path) -> Result<ModelCard, AiError> {
    ModelCard::parse(&card_text(path)?)
}

/// Learns from the pictures that a card names what its model's inputs usually look like, and puts it on the card: mean and
/// covariance from those that trained, the limit from those that did not.
///
/// # Errors
/// A card that cannot be read or written, pictures that are missing or too few.
pub fn learn_usual(card_file: &Path, images: &Path) -> Result<UsualInputs, AiError> {
    let mut card = read_card(card_file)?;
    let known = data::pictures_below(images)?;
    let side = card.input.side;
    let crop = card.classifier.as_ref().map(|c| c.crop);
    let lungs = match crop {
        Some(Crop::Lungs) => Some(LungLocator::new(&Registry::default(), &BurnDevice::flex())?),
        _ => None,
    };
    let inputs = |names: &[String]| -> Result<Vec<Vec<f32>>, AiError> {
        let of = |name: &String| {
            let missing = || AiError::Data(format!("the picture `{name}` is not there"));
            let path = known.get(name).ok_or_else(missing)?;
            let (values, size) = data::read_grey(path)?;
            let area = match &lungs {
                Some(lungs) => Some(lungs.locate(&values, size, &|| true)?.area),
                None => None,
            };
            let mut square = classes::shown(&values, size, area, side)?;
            preprocess::standardise(&mut square);
            Ok(square)
        };
        names.iter().map(of).collect()
    };
    let training = &card.training;
    let held_out = [training.validation.as_slice(), training.test.as_slice()].concat();
    let usual = UsualInputs::learn(&inputs(&training.train)?, &inputs(&held_out)?, side)?;
    card.usual = Some(usual.clone());
    write_atomic(card_file, card.to_toml()?.as_bytes())?;
    Ok(usual)
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
            "PyTorch checkpoints are pickles, which can contain code: import them with a description (NAME.import.toml), or convert them to safetensors"
                .into(),
        )),
        "onnx" => Err(AiError::Weights(
            "ONNX files are imported first, and then used by their id".into(),
        )),
        _ => Err(AiError::Card(
            "a model file is a card (.toml) or weights (.safetensors)".into(),
        )),
    }
}
