//! `negatoscope train`.

use super::{Common, Exit, Output, inspect::in_pool};
use crate::{
    ai::{
        AiError, BurnDevice,
        learning::TrainEvent,
        recipe::{Recipe, Task},
        train::{Trainer, classes::baseline},
    },
    task::{CancelToken, Progress},
};
use clap::Args;
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

/// Lines about steps come this often, so that an epoch of minutes does not look like a standstill.
const STEP_LINES: Duration = Duration::from_secs(10);

/// Arguments of `train`.
#[derive(Debug, Args)]
pub struct TrainArgs {
    /// The training task (TOML); assets/models/lung-fields.train.toml is a documented example
    #[arg(long, value_name = "FILE")]
    task: PathBuf,
    /// Folder of the pictures that the task names; a task on made-up people needs none
    #[arg(long, value_name = "DIR", default_value = ".")]
    data: PathBuf,
    /// Folder for checkpoints, learning curve, weights and card
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Go on with the run in the output folder
    #[arg(long)]
    resume: bool,
}

/// Runs `train`.
pub fn run(args: &TrainArgs, common: &Common, out: &mut Output) -> Exit {
    match in_pool(common, || train(args, common, out)) {
        Ok(()) => Exit::Done,
        Err(error) => {
            out.error(error.to_string());
            exit_of(&error)
        }
    }
}

/// The exit code of an error.
pub(crate) fn exit_of(error: &AiError) -> Exit {
    match error {
        AiError::Io { .. } => Exit::Io,
        AiError::UnknownModel(_) => Exit::Usage,
        AiError::Device(_) => Exit::Unsupported,
        AiError::Memory(_) => Exit::Limit,
        AiError::Compute(_) => Exit::Internal,
        _ => Exit::Rejected,
    }
}

fn train(args: &TrainArgs, common: &Common, out: &mut Output) -> Result<(), AiError> {
    let text =
        std::fs::read_to_string(&args.task).map_err(AiError::io("cannot read", &args.task))?;
    let mut recipe = Recipe::parse(&text)?;
    if let Some(seed) = common.seed {
        recipe.seed = seed;
    }
    let device = BurnDevice::flex();
    if let Some(network) = &recipe.network {
        out.note(format!(
            "{}: {} parameters, {:.2} GFLOP a picture",
            recipe.model,
            network.parameters(),
            network.operations(recipe.input.side, recipe.input.side) as f64 / 1e9
        ));
    }
    if let Task::Baseline { labels, baseline } = recipe.task()? {
        let found = baseline::run(
            &recipe,
            (labels, baseline),
            &args.data,
            &args.out,
            &device,
            &CancelToken::default(),
        )?;
        if common.json {
            out.json(&serde_json::json!({"summary": {"model": recipe.model, "figures": found}}));
        }
        for figure in found.iter().filter(|_| !common.json) {
            out.line(figure.line());
        }
        return Ok(());
    }
    let epochs = recipe.training.epochs();
    let score = recipe.score();
    let trainer = Trainer::new(recipe, &args.data, &args.out, &device);
    let mut told = Instant::now();
    let report = trainer.run(
        args.resume,
        &common.now(),
        &CancelToken::default(),
        &Progress::default(),
        |event| match event {
            TrainEvent::Step { .. } if told.elapsed() < STEP_LINES => {}
            TrainEvent::Step { epoch, done, of, loss } => {
                told = Instant::now();
                if common.json {
                    out.json(&serde_json::json!({"epoch": epoch, "step": done, "steps": of, "loss": loss}));
                } else {
                    out.note(format!("epoch {epoch}/{epochs}  step {done}/{of}  loss {loss:.4}"));
                }
                out.flush();
            }
            TrainEvent::Epoch(r) => {
                told = Instant::now();
                if common.json {
                    let mut line = serde_json::json!(r);
                    line["score"] = score.into();
                    out.json(&line);
                } else {
                    out.line(format!(
                        "epoch {}/{epochs}  rate {:.2e}  train loss {:.4}  validation loss {:.4}  {score} {:.4}  {:.0} s",
                        r.epoch, r.learning_rate, r.train_loss, r.validation_loss, r.validation_score, r.seconds
                    ));
                }
                out.flush();
            }
        },
    )?;
    if common.json {
        out.json(&serde_json::json!({ "summary": {
            "model": report.card.id,
            "version": report.card.version,
            "sha256": report.card.weights.sha256,
            "weights": report.weights.display().to_string(),
            "best_epoch": report.card.training.best_epoch,
            "metrics": report.card.metrics,
            "lesions": report.card.lesions,
            "figures": report.card.classifier.as_ref().map(|c| &c.figures),
        }}));
    } else {
        for line in report.card.figure_lines() {
            out.line(line);
        }
    }
    Ok(())
}
