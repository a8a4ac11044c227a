//! `negatoscope models`.

use super::{Common, Exit, Output, train::exit_of};
use crate::ai::{
    AiError,
    card::ModelCard,
    registry::{self, Entry, Origin, Registry},
};
use clap::{Args, Subcommand};
use std::path::PathBuf;

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
    /// Take a model in: a card (.toml) with its weights (.safetensors) beside it, or the other way round
    Import {
        /// Card or weights
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

/// The registry that goes with the command's store folder.
pub(crate) fn registry_of(common: &Common) -> Registry {
    let platform = || {
        directories::ProjectDirs::from("", "", "negatoscope").map(|dirs| dirs.data_dir().to_owned())
    };
    let root = common.store.clone().or_else(platform);
    Registry::new(root.map(|root| root.join("models")))
}

/// Runs `models`.
pub fn run(args: &ModelsArgs, common: &Common, out: &mut Output) -> Exit {
    let registry = registry_of(common);
    match &args.action {
        Action::List => list(&registry, common, out),
        Action::Show { id } => show(&registry, id, common, out),
        Action::Verify { id } => verify(&registry, id.as_deref(), common, out),
        Action::Import { files } => import(&registry, files, common, out),
    }
}

fn origin_word(entry: &Entry) -> &'static str {
    match entry.origin {
        Origin::BuiltIn => "built-in",
        Origin::File(_) => "imported",
    }
}

fn dice(card: &ModelCard) -> Option<f64> {
    card.metrics.first().map(|m| m.dice_mean)
}

fn brief(entry: &Entry) -> serde_json::Value {
    let card = &entry.card;
    serde_json::json!({
        "id": card.id,
        "version": card.version,
        "origin": origin_word(entry),
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

fn list(registry: &Registry, common: &Common, out: &mut Output) -> Exit {
    let (entries, broken) = registry.list();
    for entry in &entries {
        if common.json {
            out.json(&brief(entry));
        } else {
            let card = &entry.card;
            let dice = dice(card).map_or(String::new(), |d| format!(", Dice {d:.3}"));
            out.line(format!(
                "{} {} ({}): {}{dice}",
                card.id,
                card.version,
                origin_word(entry),
                card.about.title
            ));
        }
    }
    if common.json {
        out.json(&serde_json::json!({
            "summary": { "models": entries.len(), "unreadable": broken.len() }
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

fn find(registry: &Registry, id: &str) -> Result<Entry, AiError> {
    let entry = registry.list().0.into_iter().find(|e| e.card.id == id);
    entry.ok_or_else(|| AiError::UnknownModel(id.into()))
}

fn show(registry: &Registry, id: &str, common: &Common, out: &mut Output) -> Exit {
    let text = find(registry, id).and_then(|entry| Ok((entry.card.to_toml()?, entry)));
    match text {
        Ok((text, entry)) => {
            if common.json {
                out.json(&entry.card);
            } else {
                out.line(text.trim_end());
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
    let entries = match id {
        Some(id) => find(registry, id).map(|entry| vec![entry]),
        None => Ok(registry.list().0),
    };
    let entries = match entries {
        Ok(entries) => entries,
        Err(error) => {
            out.error(error.to_string());
            return exit_of(&error);
        }
    };
    let mut failed = 0;
    for entry in &entries {
        let result = registry::load(entry);
        let detail = result.as_ref().err().map(ToString::to_string);
        failed += usize::from(detail.is_some());
        if common.json {
            out.json(&serde_json::json!({
                "id": entry.card.id,
                "version": entry.card.version,
                "sha256": entry.card.weights.sha256,
                "ok": detail.is_none(),
                "detail": detail,
            }));
        } else {
            let word = detail.unwrap_or_else(|| "ok".into());
            out.line(format!("{} {}: {word}", entry.card.id, entry.card.version));
        }
    }
    if common.json {
        out.json(&serde_json::json!({
            "summary": { "models": entries.len(), "failed": failed }
        }));
    }
    if failed == 0 {
        Exit::Done
    } else {
        Exit::Finding
    }
}

fn import(registry: &Registry, files: &[PathBuf], common: &Common, out: &mut Output) -> Exit {
    let mut exit = Exit::Done;
    for file in files {
        match registry.import(file) {
            Ok(card) => {
                if common.json {
                    out.json(&serde_json::json!({
                        "path": file.display().to_string(),
                        "outcome": "ok",
                        "id": card.id,
                        "version": card.version,
                        "sha256": card.weights.sha256,
                    }));
                } else {
                    out.line(format!("{} {} imported", card.id, card.version));
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
