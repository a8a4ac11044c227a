//! The training run of a task file: what is learnt decides which lesson it is, the rest is common.

pub mod classes;
mod lesions;
mod masks;

use super::{
    AiError, BurnDevice,
    card::{CaseMetrics, ModelCard},
    checkpoint::{Checkpoint, EpochRecord},
    learning::{Run, TrainEvent},
    recipe::{Recipe, Task},
};
use crate::task::{CancelToken, Pause, Progress};
use burn::tensor::Device;
use std::path::{Path, PathBuf};

/// A training run.
pub struct Trainer {
    recipe: Recipe,
    data: PathBuf,
    out: PathBuf,
    device: Device,
    pause: Pause,
}

/// What a finished run says.
#[derive(Debug)]
pub struct TrainReport {
    /// The card of the new model.
    pub card: ModelCard,
    /// The learning curve.
    pub curve: Vec<EpochRecord>,
    /// Each test case.
    pub cases: Vec<CaseMetrics>,
    /// Where the weights lie.
    pub weights: PathBuf,
}

impl Trainer {
    /// A run of `recipe` on `data`, writing into `out` (made when missing), computing on `device`.
    pub fn new(recipe: Recipe, data: &Path, out: &Path, device: &BurnDevice) -> Self {
        Self {
            recipe,
            data: data.into(),
            out: out.into(),
            device: device.burn().clone(),
            pause: Pause::default(),
        }
    }

    /// The same run, with a switch to pause it.
    #[must_use]
    pub fn pausable(mut self, pause: &Pause) -> Self {
        self.pause = pause.clone();
        self
    }

    /// The learning curve of the run in a folder that will be resumed; empty for a new one.
    ///
    /// # Errors
    /// A checkpoint that cannot be read.
    pub fn curve_in(out: &Path, resume: bool) -> Result<Vec<EpochRecord>, AiError> {
        let file = out.join("checkpoint.safetensors");
        match resume && file.exists() {
            true => Ok(Checkpoint::load(&file)?.curve),
            false => Ok(Vec::new()),
        }
    }

    /// Runs all epochs and the final test. `now` is the day for the card (ISO). `seen` is called after each step and
    /// each epoch.
    ///
    /// Files in the output folder: `recipe.toml`, `split.json`, `curve.csv`, `checkpoint.safetensors`,
    /// `<model>.safetensors` (best epoch, folded), `<model>.toml` (its card) and `test.csv`.
    ///
    /// # Errors
    /// A task or data that do not fit, a folder that holds another run, a disk that refuses, a stop on request.
    pub fn run(
        &self,
        resume: bool,
        now: &str,
        cancel: &CancelToken,
        progress: &Progress,
        mut seen: impl FnMut(TrainEvent),
    ) -> Result<TrainReport, AiError> {
        let run = Run {
            recipe: &self.recipe,
            out: &self.out,
            device: &self.device,
            cancel,
            pause: &self.pause,
            progress,
        };
        match self.recipe.task()? {
            Task::Masks { data, network } => {
                masks::run(&run, &self.data, (data, network), resume, now, &mut seen)
            }
            Task::Classes { labels, network } => {
                classes::run(&run, &self.data, (labels, network), resume, now, &mut seen)
            }
            Task::Baseline { .. } => Err(AiError::Task(
                "a classical method makes no model; it is judged only".into(),
            )),
            Task::Lesions { phantom, network } => {
                lesions::run(&run, (phantom, network), resume, now, &mut seen)
            }
        }
    }
}
