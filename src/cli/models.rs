//! `negatoscope models`.

use super::{Common, Exit, Output, train::exit_of};
use crate::ai::{
    AiError,
    card::ModelCard,
    import::{self, ImportedCard, InputForm, Wishes},
    registry::{self, Entry, ImportedEntry, Origin, Registry},
};
use clap::{Args, Subcommand};
use std::path::{Path, PathBuf};

/// Arguments of `models`.
#[derive(Debug, Args)]
pub struct ModelsArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// The models that are known here
    List,
    /// A model's card: origin, terms, limits, quality
    Show {
        /// Id of the model
        id: String,
    },
    /// Compare the weights with the hash on the card and with the network
    Verify {
        /// Id of one model (default: all)
        id: Option<String>,
    },
    /// Learn from its own pictures what a model's inputs usually look like, and write it on its card: other pictures are
    /// flagged from then on
    Usual {
        /// The card; it is replaced
        card: PathBuf,
        /// Folder with the pictures that the card names, at any depth
        #[arg(long, value_name = "DIR")]
        images: PathBuf,
    },
    /// Take models in: a card (.toml) with its weights beside it, or the other way round; an nnU-Net v2 folder; a MONAI
    /// bundle; a TensorFlow.js layers model (folder or .json); an ONNX file of convolutions; weights (.pt, .pth, .safetensors) with NAME.import.toml
    /// beside them. Nothing of them is run; they are converted once and checked
    Import {
        /// Files or folders
        #[arg(required = true, value_name = "PATH")]
        files: Vec<PathBuf>,
        /// Id that the model gets (one path only)
        #[arg(long, value_name = "ID")]
        id: Option<String>,
        /// Its licence, where its files do not say it
        #[arg(long, value_name = "TEXT")]
        licence: Option<String>,
        /// SHA-256 that its main file must have (one path only)
        #[arg(long, value_name = "HEX")]
        sha256: Option<String>,
        /// Folds of an nnU-Net folder to take (default: all that there are)
        #[arg(long, value_name = "N", value_delimiter = ',')]
        folds: Vec<String>,
    },
    /// Remove imported models
    Remove {
        /// Ids of the models
        #[arg(required = true)]
        ids: Vec<String>,
    },
}

/// A model of the list, wherever it was made.
enum Listed {
    Ours(Entry),
    Imported(ImportedEntry),
}

/// The registry that goes with the command's store folder.
pub(crate) fn registry_of(common: &Common) -> Registry {
    Registry::new(common.models_folder())
}

/// Runs `models`.
pub fn run(args: &ModelsArgs, common: &Common, out: &mut Output) -> Exit {
    let registry = registry_of(common);
    match &args.action {
        Action::List => list(&registry, common, out),
        Action::Show { id } => show(&registry, id, common, out),
        Action::Verify { id } => verify(&registry, id.as_deref(), common, out),
        Action::Import {
            files,
            id,
            licence,
            sha256,
            folds,
        } => {
            if files.len() > 1 && (id.is_some() || sha256.is_some()) {
                out.error("--id and --sha256 are for one model");
                return Exit::Usage;
            }
            let wishes = Wishes {
                id: id.clone(),
                licence: licence.clone(),
                sha256: sha256.clone(),
                folds: folds.clone(),
                today: common.now().get(..10).unwrap_or_default().to_owned(),
            };
            import(&registry, files, &wishes, common, out)
        }
        Action::Remove { ids } => remove(&registry, ids, common, out),
        Action::Usual { card, images } => usual(card, images, common, out),
    }
}

impl Listed {
    fn id(&self) -> &str {
        match self {
            Self::Ours(entry) => &entry.card.id,
            Self::Imported(entry) => &entry.card.id,
        }
    }

    fn version(&self) -> &str {
        match self {
            Self::Ours(entry) => &entry.card.version,
            Self::Imported(entry) => &entry.card.version,
        }
    }

    fn sha256(&self) -> &str {
        match self {
            Self::Ours(entry) => &entry.card.weights.sha256,
            Self::Imported(entry) => sha256_of(&entry.card),
        }
    }

    fn origin(&self) -> &'static str {
        match self {
            Self::Ours(entry) if entry.origin == Origin::BuiltIn => "built-in",
            _ => "imported",
        }
    }

    fn brief(&self) -> serde_json::Value {
        match self {
            Self::Ours(entry) => brief(&entry.card, self.origin()),
            Self::Imported(entry) => brief_imported(&entry.card),
        }
    }

    fn line(&self) -> String {
        let (title, more) = match self {
            Self::Ours(entry) => {
                let dice = dice(&entry.card).map_or(String::new(), |d| format!(", Dice {d:.3}"));
                (&entry.card.about.title, dice)
            }
            Self::Imported(entry) => {
                let source = format!(", {}, quality not measured", entry.card.source.framework);
                (&entry.card.about.title, source)
            }
        };
        let (id, version, origin) = (self.id(), self.version(), self.origin());
        format!("{id} {version} ({origin}): {title}{more}")
    }

    /// Reads everything and compares it with the card.
    fn verify(&self) -> Result<(), AiError> {
        match self {
            Self::Ours(entry) => registry::load(entry).map(drop),
            Self::Imported(entry) => registry::load_imported(entry).map(drop),
        }
    }
}

/// The hash of the weights; of the first fold where there are several.
fn sha256_of(card: &ImportedCard) -> &str {
    card.weights.first().map_or("", |w| w.file.sha256.as_str())
}

fn dice(card: &ModelCard) -> Option<f64> {
    card.metrics.first().map(|m| m.dice_mean)
}

fn brief(card: &ModelCard, origin: &str) -> serde_json::Value {
    serde_json::json!({
        "id": card.id,
        "version": card.version,
        "origin": origin,
        "task": card.about.finds,
        "modalities": card.about.modalities,
        "input_size": [card.input.side, card.input.side],
        "input_spacing_mm": serde_json::Value::Null,
        "sha256": card.weights.sha256,
        "bytes": card.weights.bytes,
        "parameters": card.weights.parameters,
        "licence": card.about.licence,
        "training_data": card.about.data_owners,
        "synthetic_only": card.about.synthetic_only,
        "metrics": card.metrics,
    })
}

fn brief_imported(card: &ImportedCard) -> serde_json::Value {
    let (size, spacing) = match &card.input {
        InputForm::Conformed {
            side, spacing_mm, ..
        } => (vec![*side; 3], Some(vec![*spacing_mm; 3])),
        InputForm::Resampled {
            patch, spacing_mm, ..
        } => (patch.clone(), Some(spacing_mm.clone())),
        InputForm::Prepared { patch, .. } => (patch.clone(), None),
    };
    let files: Vec<_> = card
        .weights
        .iter()
        .map(|w| serde_json::json!({"fold": w.fold, "file": w.file.file, "sha256": w.file.sha256, "bytes": w.file.bytes}))
        .collect();
    serde_json::json!({
        "id": card.id,
        "version": card.version,
        "origin": "imported",
        "task": card.about.finds,
        "modalities": card.about.modalities,
        "input_size": size,
        "input_spacing_mm": spacing,
        "sha256": sha256_of(card),
        "bytes": card.weights.iter().map(|w| w.file.bytes).sum::<u64>(),
        "parameters": card.weights.first().map(|w| w.file.parameters),
        "licence": card.about.licence,
        "training_data": card.about.data_owners,
        "synthetic_only": card.about.synthetic_only,
        "metrics": [],
        "network": card.network.word(),
        "labels": card.output.labels,
        "folds": files,
        "source": card.source,
        "imported": card.imported,
    })
}

/// All models in the order of ids, and the card files that cannot be read.
fn all(registry: &Registry) -> (Vec<Listed>, Vec<(PathBuf, AiError)>) {
    let (ours, mut broken) = registry.list();
    let (imported, more) = registry.imported();
    broken.extend(more);
    let mut listed: Vec<Listed> = ours.into_iter().map(Listed::Ours).collect();
    listed.extend(imported.into_iter().map(Listed::Imported));
    listed.sort_by(|a, b| a.id().cmp(b.id()));
    (listed, broken)
}

fn list(registry: &Registry, common: &Common, out: &mut Output) -> Exit {
    let (models, broken) = all(registry);
    for model in &models {
        match common.json {
            true => out.json(&model.brief()),
            false => out.line(model.line()),
        }
    }
    if common.json {
        out.json(&serde_json::json!({
            "summary": { "models": models.len(), "unreadable": broken.len() }
        }));
    }
    for (path, error) in &broken {
        out.error(format!("{error}: {}", path.display()));
    }
    if broken.is_empty() {
        Exit::Done
    } else {
        Exit::Finding
    }
}

fn find(registry: &Registry, id: &str) -> Result<Listed, AiError> {
    let model = all(registry).0.into_iter().find(|model| model.id() == id);
    model.ok_or_else(|| AiError::UnknownModel(id.into()))
}

fn show(registry: &Registry, id: &str, common: &Common, out: &mut Output) -> Exit {
    let text = find(registry, id).and_then(|model| {
        let text = match &model {
            Listed::Ours(entry) => entry.card.to_toml(),
            Listed::Imported(entry) => entry.card.to_toml(),
        };
        Ok((text?, model))
    });
    match text {
        Ok((text, model)) => {
            match (common.json, &model) {
                (true, Listed::Ours(entry)) => out.json(&entry.card),
                (true, Listed::Imported(entry)) => out.json(&entry.card),
                (false, _) => out.line(text.trim_end()),
            }
            Exit::Done
        }
        Err(error) => {
            out.error(error.to_string());
            exit_of(&error)
        }
    }
}

fn verify(registry: &Registry, id: Option<&str>, common: &Common, out: &mut Output) -> Exit {
    let (models, broken) = match id {
        Some(id) => match find(registry, id) {
            Ok(model) => (vec![model], Vec::new()),
            Err(error) => {
                out.error(error.to_string());
                return exit_of(&error);
            }
        },
        None => all(registry),
    };
    let mut failed = broken.len();
    for (path, error) in &broken {
        out.error(format!("{error}: {}", path.display()));
    }
    for model in &models {
        let detail = model.verify().err().map(|error| error.to_string());
        failed += usize::from(detail.is_some());
        if common.json {
            out.json(&serde_json::json!({
                "id": model.id(),
                "version": model.version(),
                "sha256": model.sha256(),
                "ok": detail.is_none(),
                "detail": detail,
            }));
        } else {
            let word = detail.unwrap_or_else(|| "ok".into());
            out.line(format!("{} {}: {word}", model.id(), model.version()));
        }
    }
    if common.json {
        out.json(&serde_json::json!({
            "summary": { "models": models.len(), "failed": failed }
        }));
    }
    if failed == 0 {
        Exit::Done
    } else {
        Exit::Finding
    }
}

fn usual(card: &Path, images: &Path, common: &Common, out: &mut Output) -> Exit {
    match registry::learn_usual(card, images) {
        Ok(found) => {
            if common.json {
                out.json(&serde_json::json!({
                    "card": card.display().to_string(),
                    "pictures": found.pictures,
                    "held_out": found.held_out,
                    "limit": found.limit,
                }));
            } else {
                out.line(format!(
                    "usual inputs from {} pictures, limit {:.3} from {} others",
                    found.pictures, found.limit, found.held_out
                ));
            }
            Exit::Done
        }
        Err(error) => {
            out.error(error.to_string());
            exit_of(&error)
        }
    }
}

/// Id, version, hash and licence of a model that was taken in.
fn take_in(
    registry: &Registry,
    path: &Path,
    wishes: &Wishes,
) -> Result<(String, String, String, String), AiError> {
    if import::is_foreign(path) || registry::is_card_of_import(path) || path.is_dir() {
        let card = registry.take_in(path, wishes)?;
        let sha256 = sha256_of(&card).to_owned();
        return Ok((card.id, card.version, sha256, card.about.licence));
    }
    let card = registry.import(path)?;
    Ok((
        card.id,
        card.version,
        card.weights.sha256,
        card.about.licence,
    ))
}

fn import(
    registry: &Registry,
    files: &[PathBuf],
    wishes: &Wishes,
    common: &Common,
    out: &mut Output,
) -> Exit {
    let mut exit = Exit::Done;
    for file in files {
        match take_in(registry, file, wishes) {
            Ok((id, version, sha256, licence)) => {
                if common.json {
                    out.json(&serde_json::json!({
                        "path": file.display().to_string(),
                        "outcome": "ok",
                        "id": id,
                        "version": version,
                        "sha256": sha256,
                        "licence": licence,
                    }));
                } else {
                    out.line(format!("{id} {version} imported, licence: {licence}"));
                }
            }
            Err(error) => {
                if common.json {
                    out.json(&serde_json::json!({
                        "path": file.display().to_string(),
                        "outcome": "rejected",
                        "detail": error.to_string(),
                    }));
                }
                out.error(format!("{error}: {}", file.display()));
                exit = if files.len() == 1 {
                    exit_of(&error)
                } else {
                    Exit::Finding
                };
            }
        }
    }
    exit
}

fn remove(registry: &Registry, ids: &[String], common: &Common, out: &mut Output) -> Exit {
    let mut exit = Exit::Done;
    for id in ids {
        let result = registry.remove(id);
        if common.json {
            out.json(&serde_json::json!({
                "id": id,
                "outcome": if result.is_ok() { "ok" } else { "rejected" },
                "detail": result.as_ref().err().map(ToString::to_string),
            }));
        }
        match result {
            Ok(()) if common.json => {}
            Ok(()) => out.line(format!("{id} removed")),
            Err(error) => {
                out.error(error.to_string());
                exit = match ids.len() {
                    1 => exit_of(&error),
                    _ => Exit::Finding,
                };
            }
        }
    }
    exit
}
