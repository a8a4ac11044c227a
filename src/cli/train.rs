//! `negatoscope train`.

use super::{Common, Exit, Output, inspect::in_pool};
use crate::{
    ai::{AiError, BurnDevice, recipe::Recipe, train::Trainer},
    task::{CancelToken, Progress},
};
use clap::Args;
use std::path::PathBuf;

/// Arguments of `train`.
#[derive(Debug, Args)]
pub struct TrainArgs {
    /// The training task (TOML); assets/models/lung-fields.train.toml is a documented example
    #[arg(long, value_name = "FILE")]
    task: PathBuf,
    /// Folder of pictures and masks
    #[arg(long, value_name = "DIR")]
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
    out.note(format!(
        "{}: {} parameters, {:.2} GFLOP a picture",
        recipe.model,
        recipe.network.parameters(),
        recipe
            .network
            .operations(recipe.input.side, recipe.input.side) as f64
            / 1e9
    ));
    let epochs = recipe.training.epochs();
    let trainer = Trainer::new(recipe, &args.data, &args.out, &device);
    let report = trainer.run(
        args.resume,
        &common.now(),
        &CancelToken::default(),
        &Progress::default(),
        |r| {
            if common.json {
                out.json(r);
                out.flush();
            } else {
                out.line(format!(
                    "epoch {}/{epochs}  rate {:.2e}  train loss {:.4}  validation loss {:.4}  Dice {:.4}  {:.0} s",
                    r.epoch, r.learning_rate, r.train_loss, r.validation_loss, r.validation_dice, r.seconds
                ));
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
        }}));
    } else {
        for m in &report.card.metrics {
            out.line(format!(
                "{:<12} {:>3} pictures  Dice {:.4} (lowest {:.4})  IoU {:.4}  HD95 {:.2} px",
                m.subset, m.cases, m.dice_mean, m.dice_min, m.iou_mean, m.hd95_px_mean
            ));
        }
    }
    Ok(())
}
