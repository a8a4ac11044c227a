//! Models made elsewhere, taken in once: their files are read as data, checked, and written again as weights
//! (safetensors) with a card. After that the originals are not needed.
//!
//! Must stay true: nothing of a foreign file is run. A pickle is read by a reader of plain values, a configuration's
//! expressions are not evaluated, and what is not on a list is refused with its name. Every file that was read is
//! named on the card with its SHA-256.

mod bundle;
mod card;
mod fit;
mod known;
mod nnunet;
mod onnx;
mod pickle;
mod protobuf;
mod statedict;
mod tfjs;
mod torch;
mod zip;

pub use card::{
    ChannelForm, ChannelScaling, FoldWeights, ImportedCard, InputForm, Label, OutputForm, Source,
    SourceFile, UnitScaling,
};
pub use fit::Rename;
pub use statedict::Description;

use super::{
    AiError,
    card::{About, CardWeights},
    networks::Architecture,
    weights::{Array, Weights, write_atomic},
};
use sha2::{Digest as _, Sha256};
use std::{
    fs::{self, File},
    io::Read as _,
    path::{Path, PathBuf},
};

/// What whoever imports a model says about it.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// Registry id; else one is made from the name of the folder.
    pub id: Option<String>,
    /// Licence, where the files do not say it.
    pub licence: Option<String>,
    /// SHA-256 that the main file must have.
    pub sha256: Option<String>,
    /// Folds to take; all that there are when empty.
    pub folds: Vec<String>,
    /// Today, ISO.
    pub today: String,
    /// Ids that are taken by models of the program.
    pub reserved: Vec<String>,
}

impl Wishes {
    /// Refuses ids that are taken.
    pub(super) fn allow(&self, id: &str) -> Result<(), AiError> {
        match self.reserved.iter().any(|own| own == id) {
            true => Err(AiError::Card(format!("`{id}` is part of the program"))),
            false => Ok(()),
        }
    }
}

/// A model as its importer understands it, before it is written.
#[derive(Debug)]
struct Foreign {
    id: String,
    version: String,
    about: About,
    network: Architecture,
    input: InputForm,
    output: OutputForm,
    /// Fold and weights.
    folds: Vec<(String, Weights)>,
    framework: &'static str,
    /// Files that were read. The first is the main one.
    files: Vec<PathBuf>,
    /// What all files lie below.
    root: PathBuf,
}

/// Kinds of foreign models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    TensorFlowJs,
    NnUnet,
    MonaiBundle,
    StateDict,
    Onnx,
}

/// What a path is, from the files that lie there; `None` where it is nothing that is taken in here.
fn recognise(path: &Path) -> Option<Kind> {
    let ends = |end: &str| {
        path.file_name()
            .is_some_and(|name| name.to_string_lossy().to_ascii_lowercase().ends_with(end))
    };
    if path.is_dir() {
        let has = |name: &str| path.join(name).is_file();
        return if has("plans.json") && has("dataset.json") {
            Some(Kind::NnUnet)
        } else if has("configs/metadata.json") {
            Some(Kind::MonaiBundle)
        } else if has("model.json") {
            Some(Kind::TensorFlowJs)
        } else {
            None
        };
    }
    if ends(statedict::DESCRIPTION) {
        Some(Kind::StateDict)
    } else if ends(".json") {
        Some(Kind::TensorFlowJs)
    } else if ends(".onnx") {
        Some(Kind::Onnx)
    } else if [".pt", ".pth", ".ckpt", ".bin", ".safetensors"]
        .iter()
        .any(|end| ends(end))
    {
        statedict::description_of(path)
            .is_file()
            .then_some(Kind::StateDict)
    } else {
        None
    }
}

/// Whether a path is a foreign model, a folder or a file.
pub fn is_foreign(path: &Path) -> bool {
    recognise(path).is_some()
}

/// Takes a model in: reads it, checks it, writes weights and card into `folder`.
///
/// # Errors
/// Whatever is wrong with the files, by name; nothing is written then.
pub fn import(path: &Path, wishes: &Wishes, folder: &Path) -> Result<ImportedCard, AiError> {
    let foreign = match recognise(path) {
        Some(Kind::TensorFlowJs) => brain(path, wishes)?,
        Some(Kind::NnUnet) => nnunet::read(path, wishes)?,
        Some(Kind::MonaiBundle) => bundle::read(path, wishes)?,
        Some(Kind::StateDict) => statedict::read(path, wishes)?,
        Some(Kind::Onnx) => exchanged(path, wishes)?,
        None => {
            let text = "this is none of: a card with weights, an nnU-Net folder, a MONAI bundle, a TensorFlow.js \
                        model, an ONNX file, weights with a description";
            return Err(AiError::Card(text.into()));
        }
    };
    write(foreign, wishes, folder)
}

/// Weights of a network out of a PyTorch or safetensors file, with names changed by rules.
///
/// # Errors
/// Damaged files, files with code, tensors that are missing, too many or of another shape.
pub fn load_weights(
    file: &Path,
    network: &Architecture,
    rename: &[Rename],
) -> Result<Weights, AiError> {
    statedict::load(file, network, rename).map(|(weights, _)| weights)
}

/// The network that an nnU-Net folder describes.
///
/// # Errors
/// Plans or a dataset that are not valid, or of a kind that is not read.
pub fn read_plans(folder: &Path) -> Result<Architecture, AiError> {
    nnunet::planned(folder)
}

/// One tensor of a PyTorch file.
///
/// # Errors
/// As for [`load_weights`].
pub fn read_tensor(file: &Path, name: &str) -> Result<Array, AiError> {
    let mut checkpoint = torch::Checkpoint::open(file)?;
    let tensors = checkpoint.tensors_under(statedict::NESTED)?.0;
    let missing = || AiError::Weights(format!("tensor `{name}` is missing"));
    let at = tensors.get(name).ok_or_else(missing)?;
    checkpoint.read(name, at)
}

/// A TensorFlow.js model, which is a MeshNet for heads.
fn brain(path: &Path, wishes: &Wishes) -> Result<Foreign, AiError> {
    let file = match path.is_dir() {
        true => path.join("model.json"),
        false => path.to_owned(),
    };
    let model = tfjs::read(&file)?;
    let [side, ..] = model.sides;
    if model.sides != [side; 3] {
        return Err(AiError::Network("the input of the model is no cube".into()));
    }
    let root = file.parent().unwrap_or(Path::new("")).to_owned();
    let mut files = model.files;
    // The weights are the main file: one shard in all models that are known.
    if let [_, weights] = files.as_slice() {
        files = vec![weights.clone(), file];
    }
    let main = files
        .first()
        .map_or_else(String::new, |f| hash_of(f).unwrap_or_default().1);
    let known = known::model(&main);
    let plan = model.architecture.plan()?;
    let (names, noted) = known::labels(&root, plan.classes())?;
    files.extend(noted);
    let fallback = root.file_name().map_or_else(
        || "model".into(),
        |name| name.to_string_lossy().into_owned(),
    );
    let id = known.map_or_else(
        || format!("brain-meshnet-{}", plain_of(&fallback)),
        |known| known.id.to_owned(),
    );
    let labels = names.into_iter().enumerate();
    let licence = licence_beside(&root, &mut files);
    Ok(Foreign {
        id,
        version: "1".into(),
        about: known::about(known, licence, wishes),
        network: model.architecture,
        input: InputForm::Conformed {
            side,
            spacing_mm: 1.0,
            scaling: known.map_or(UnitScaling::Range, |known| known.scaling),
        },
        output: OutputForm {
            exclusive: true,
            labels: labels
                .map(|(value, name)| Label {
                    value: value as u16,
                    name,
                })
                .collect(),
            regions: Vec::new(),
        },
        folds: vec![(String::new(), model.weights)],
        framework: "TensorFlow.js layers model",
        files,
        root,
    })
}

/// An ONNX file. It says nothing of labels and preparation: labels are numbers, and who uses it prepares its input.
fn exchanged(path: &Path, wishes: &Wishes) -> Result<Foreign, AiError> {
    let model = onnx::read(path)?;
    let plan = model.architecture.plan()?;
    let classes = plan.classes();
    let exclusive = match model.ending {
        onnx::Ending::Logits => classes > 1,
        onnx::Ending::Softmax => true,
        onnx::Ending::Sigmoid => false,
    };
    // Without a size of its own a window of a usual one.
    let usual = if plan.dimensions == 3 { 96 } else { 256 };
    let patch = model
        .sides
        .iter()
        .zip(plan.multiple.iter().skip(3 - plan.dimensions))
        .map(|(side, multiple)| side.unwrap_or(usual).next_multiple_of(*multiple))
        .collect();
    let stem = path
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let root = path.parent().unwrap_or(Path::new("")).to_owned();
    let mut files = vec![path.to_owned()];
    let licence = licence_beside(&root, &mut files);
    let first = usize::from(!exclusive);
    let labels = (0..classes).map(|index| Label {
        value: (index + first) as u16,
        name: match index + first {
            0 => "background".into(),
            number => format!("class {number}"),
        },
    });
    Ok(Foreign {
        id: plain_of(&stem),
        version: "1".into(),
        about: About {
            title: stem.clone(),
            finds: "classes without names".into(),
            licence: wishes
                .licence
                .clone()
                .or(licence)
                .unwrap_or_else(|| "not stated".into()),
            terms: "not stated".into(),
            intended_use: "research and education".into(),
            limits: vec![
                format!(
                    "an exchange file of `{}`; what it was made for is not known",
                    model.producer
                ),
                "quality was not measured here".into(),
            ],
            ..About::default()
        },
        network: model.architecture,
        input: InputForm::Prepared {
            patch,
            words: "not stated".into(),
        },
        output: OutputForm {
            exclusive,
            labels: labels.collect(),
            regions: Vec::new(),
        },
        folds: vec![(String::new(), model.weights)],
        framework: "ONNX",
        files,
        root,
    })
}

/// Weights and steps of an ONNX file.
///
/// # Errors
/// Damaged files, operators and properties that are not read.
pub fn read_onnx(path: &Path) -> Result<(Architecture, Weights), AiError> {
    onnx::read(path).map(|model| (model.architecture, model.weights))
}

/// The words for a licence that a file LICENSE beside or above a model has, in a line.
fn licence_beside(root: &Path, files: &mut Vec<PathBuf>) -> Option<String> {
    let places = [Some(root), root.parent()].into_iter().flatten();
    for place in places {
        for name in ["LICENSE", "LICENSE.txt", "LICENSE.md"] {
            let file = place.join(name);
            let Ok(bytes) = super::weights::read_bounded(&file, 1 << 20) else {
                continue;
            };
            let text = String::from_utf8_lossy(&bytes);
            let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            let title = lines.next().unwrap_or_default().to_owned();
            let holder = lines
                .find(|line| line.starts_with("Copyright"))
                .unwrap_or_default();
            files.push(file);
            let words: String = format!("{title} {holder}")
                .trim()
                .chars()
                .take(200)
                .collect();
            return Some(words);
        }
    }
    None
}

/// Letters, digits and dashes of a name, in lower case.
fn plain_of(name: &str) -> String {
    let kept: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .take(48)
        .collect();
    kept.trim_matches('-').to_owned()
}

/// Size and SHA-256 of a file, read in pieces.
fn hash_of(path: &Path) -> Result<(u64, String), AiError> {
    let mut file = File::open(path).map_err(AiError::io("cannot open", path))?;
    let mut hash = Sha256::new();
    let mut piece = vec![0u8; 1 << 20];
    let mut bytes = 0u64;
    loop {
        let got = file
            .read(&mut piece)
            .map_err(AiError::io("cannot read", path))?;
        if got == 0 {
            break;
        }
        bytes += got as u64;
        hash.update(piece.get(..got).unwrap_or_default());
    }
    let digits = hash.finalize().iter().map(|b| format!("{b:02x}")).collect();
    Ok((bytes, digits))
}

/// Checks everything once more as it will be read later, then writes weights, and the card last.
fn write(foreign: Foreign, wishes: &Wishes, folder: &Path) -> Result<ImportedCard, AiError> {
    let id = wishes.id.clone().unwrap_or(foreign.id);
    if !card::is_plain(&id) {
        return Err(AiError::Card(
            "the id is made of letters, digits, `-`, `_` and `.`".into(),
        ));
    }
    wishes.allow(&id)?;
    let mut files = Vec::new();
    for path in &foreign.files {
        let (bytes, sha256) = hash_of(path)?;
        let name = path.strip_prefix(&foreign.root).unwrap_or(path);
        let last = || path.file_name().map(|n| n.to_string_lossy().into_owned());
        let name = match name.is_absolute() {
            true => last().unwrap_or_default(),
            false => name.to_string_lossy().into_owned(),
        };
        files.push(SourceFile {
            name,
            bytes,
            sha256,
        });
    }
    if let (Some(expected), Some(main)) = (&wishes.sha256, files.first())
        && !main.sha256.eq_ignore_ascii_case(expected)
    {
        return Err(AiError::Hash {
            found: main.sha256.clone(),
            expected: expected.clone(),
        });
    }
    let plan = foreign.network.plan()?;
    let mut weights = Vec::new();
    let mut contents = Vec::new();
    for (fold, values) in &foreign.folds {
        values.check_layout(&plan.tensors())?;
        if let Some((name, _)) = values
            .iter()
            .find(|(_, array)| array.values.iter().any(|v| !v.is_finite()))
        {
            return Err(AiError::Weights(format!(
                "tensor `{name}` has numbers that are not finite"
            )));
        }
        let bytes = values.to_bytes()?;
        let file = match fold.as_str() {
            "" => format!("{id}.safetensors"),
            fold => format!("{id}.{}.safetensors", plain_of(fold)),
        };
        weights.push(FoldWeights {
            fold: fold.clone(),
            file: CardWeights {
                file: file.clone(),
                sha256: super::card::sha256_hex(&bytes),
                bytes: bytes.len() as u64,
                parameters: values.count(),
            },
        });
        contents.push((file, bytes));
    }
    let card = ImportedCard {
        format: 2,
        id,
        version: foreign.version,
        imported: wishes.today.clone(),
        about: foreign.about,
        network: foreign.network,
        input: foreign.input,
        output: foreign.output,
        weights,
        source: Source {
            framework: foreign.framework.into(),
            files,
        },
    };
    let plan = card.check()?;
    card.shape(&plan)?;
    let text = card.to_toml()?;
    fs::create_dir_all(folder).map_err(AiError::io("cannot make the folder", folder))?;
    for (file, bytes) in &contents {
        write_atomic(&folder.join(file), bytes)?;
    }
    write_atomic(&folder.join(format!("{}.toml", card.id)), text.as_bytes())?;
    Ok(card)
}
