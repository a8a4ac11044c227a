//! Epochs of learning, whatever is learnt: steps, validation, the best weights, checkpoints, early stopping, a pause.
//!
//! A run is repeatable from its seed, and a resumed run computes what an uninterrupted one does, also when the process
//! was killed: the checkpoint of the last finished epoch is one file, replaced whole.

use super::{
    AiError, BurnDevice,
    checkpoint::{Checkpoint, EpochRecord},
    learner::{Learned, Learner, Named},
    loss::bce_dice,
    recipe::{Recipe, TrainingRecipe},
    unet::{UNet, UNetConfig},
    weights::{Weights, read_bounded, write_atomic},
};
use crate::task::{CancelToken, Pause, Progress};
use burn::tensor::{Device, Tensor, TensorData};
use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

/// How often a paused run looks whether it may go on.
const PAUSE_STEP: Duration = Duration::from_millis(50);

/// What a run tells while it goes on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TrainEvent {
    /// A step was taken.
    Step {
        /// Epoch, from 1.
        epoch: u32,
        /// Steps of the epoch that are done.
        done: u32,
        /// Steps of the epoch.
        of: u32,
        /// The loss before the step.
        loss: f32,
    },
    /// An epoch ended and its checkpoint is on the disk.
    Epoch(EpochRecord),
}

/// What is learnt: where batches come from, the loss, and how a network is judged.
pub(crate) trait Lesson {
    /// The network.
    type Network: Named;

    /// What the score is called, for people and for the curve's file.
    fn score(&self) -> &'static str;

    /// Steps of an epoch.
    fn steps(&self) -> usize;

    /// The network with these weights.
    fn build(&self, weights: &Weights, device: &Device) -> Result<Self::Network, AiError>;

    /// The weights as they are judged and shipped.
    fn finished(&self, weights: &Weights) -> Result<Weights, AiError> {
        weights.folded()
    }

    /// The loss of a step's batch, computed on `device`, and the number of its samples.
    fn loss(
        &self,
        network: &Self::Network,
        device: &Device,
        at: (usize, usize),
        go_on: &dyn Fn() -> bool,
    ) -> Result<(Tensor<1>, usize), AiError>;

    /// Mean loss and score of the validation part.
    fn validate(
        &self,
        network: &Self::Network,
        go_on: &dyn Fn() -> bool,
    ) -> Result<(f32, f32), AiError>;
}

/// What does not depend on what is learnt.
pub(crate) struct Run<'a> {
    pub(crate) recipe: &'a Recipe,
    pub(crate) out: &'a Path,
    pub(crate) device: &'a Device,
    pub(crate) cancel: &'a CancelToken,
    pub(crate) pause: &'a Pause,
    pub(crate) progress: &'a Progress,
}

impl Run<'_> {
    /// A file of the output folder.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.out.join(name)
    }

    /// Where the best weights are written.
    pub(crate) fn weights_file(&self) -> PathBuf {
        self.file(&format!("{}.safetensors", self.recipe.model))
    }

    /// Refuses a folder that holds another run. With `resume` its checkpoint, else what a new run starts from.
    pub(crate) fn begin(
        &self,
        resume: bool,
        start: impl FnOnce(u64) -> Weights,
    ) -> Result<Checkpoint, AiError> {
        fs::create_dir_all(self.out).map_err(AiError::io("cannot make the folder", self.out))?;
        let text = self.recipe.to_toml()?;
        let recipe_file = self.file("recipe.toml");
        let checkpoint = self.file("checkpoint.safetensors");
        if resume {
            let before = read_bounded(&recipe_file, 1 << 20)?;
            if before != text.as_bytes() {
                return Err(AiError::Task(
                    "the run in the output folder has another recipe or seed; resume it with its own".into(),
                ));
            }
            if checkpoint.exists() {
                return Checkpoint::load(&checkpoint);
            }
        } else if checkpoint.exists() {
            return Err(AiError::Task(
                "the output folder holds a run already; go on with --resume or choose another folder".into(),
            ));
        }
        write_atomic(&recipe_file, text.as_bytes())?;
        Ok(Checkpoint {
            learned: Learned {
                weights: start(self.recipe.seed),
                ..Learned::default()
            },
            ..Checkpoint::default()
        })
    }

    /// All epochs. The best weights, folded, lie in [`Self::weights_file`] at the end.
    pub(crate) fn learn<L: Lesson>(
        &self,
        lesson: &L,
        mut checkpoint: Checkpoint,
        seen: &mut dyn FnMut(TrainEvent),
    ) -> Result<Checkpoint, AiError> {
        let training = &self.recipe.training;
        let steps = lesson.steps();
        self.progress.set_total((training.epochs() * steps) as u64);
        let mut learner = Learner::new(
            training,
            &checkpoint.learned,
            self.device,
            |weights, device| lesson.build(weights, device),
        )?;
        let go_on = || !self.cancel.is_cancelled();
        let weights_file = self.weights_file();
        for epoch in checkpoint.curve.len()..training.epochs() {
            if self.is_enough(&checkpoint) {
                break;
            }
            let start = Instant::now();
            self.progress.set((epoch * steps) as u64);
            let (train_loss, rate) = self.epoch(lesson, &mut learner, epoch, seen)?;
            let learned = learner.state()?;
            let folded = lesson.finished(learned.best_guess())?;
            let network = lesson.build(&folded, self.device)?;
            let (validation_loss, validation_score) = lesson.validate(&network, &go_on)?;
            let record = EpochRecord {
                epoch: epoch as u32 + 1,
                learning_rate: rate as f32,
                train_loss,
                validation_loss,
                validation_score,
                seconds: start.elapsed().as_secs_f32(),
            };
            let improved = checkpoint
                .best()
                .is_none_or(|best| record.validation_score > best.validation_score);
            if improved {
                folded.save(&weights_file)?;
            }
            checkpoint.curve.push(record);
            checkpoint.learned = learned;
            checkpoint.save(&self.file("checkpoint.safetensors"))?;
            let csv = checkpoint.csv(lesson.score());
            write_atomic(&self.file("curve.csv"), csv.as_bytes())?;
            seen(TrainEvent::Epoch(record));
        }
        Ok(checkpoint)
    }

    /// Whether the score has not risen for as long as the recipe waits.
    fn is_enough(&self, checkpoint: &Checkpoint) -> bool {
        let patience = self.recipe.training.patience;
        let best = checkpoint.best().map_or(0, |best| best.epoch as usize);
        patience > 0 && checkpoint.curve.len() >= best + patience && best > 0
    }

    /// One pass; mean loss and the last step size.
    fn epoch<L: Lesson>(
        &self,
        lesson: &L,
        learner: &mut Learner<L::Network>,
        epoch: usize,
        seen: &mut dyn FnMut(TrainEvent),
    ) -> Result<(f32, f64), AiError> {
        let steps = lesson.steps();
        let device = self.device.clone().autodiff();
        let go_on = || !self.cancel.is_cancelled();
        let (mut sum, mut samples, mut rate) = (0.0f64, 0usize, 0.0);
        for step in 0..steps {
            while self.pause.is_set() && go_on() {
                thread::sleep(PAUSE_STEP);
            }
            if !go_on() {
                return Err(AiError::Cancelled);
            }
            rate = self
                .recipe
                .training
                .rate(epoch as f64 + step as f64 / steps as f64);
            let mut count = 0;
            let loss = learner.step(rate, &go_on, |network| {
                let (loss, samples) = lesson.loss(network, &device, (epoch, step), &go_on)?;
                count = samples;
                Ok(loss)
            })?;
            sum += f64::from(loss) * count as f64;
            samples += count;
            self.progress.add(1);
            seen(TrainEvent::Step {
                epoch: epoch as u32 + 1,
                done: step as u32 + 1,
                of: steps as u32,
                loss,
            });
        }
        Ok(((sum / samples.max(1) as f64) as f32, rate))
    }
}

/// Training steps on one batch again and again, to be measured.
pub struct TrainingSteps {
    learner: Learner<UNet>,
    pictures: Tensor<4>,
    masks: Tensor<4>,
    rate: f64,
}

impl TrainingSteps {
    /// A network with Adam and the usual loss; `pictures` and masks are square, `batch * side * side` values each.
    ///
    /// # Errors
    /// Weights that do not fit.
    pub fn new(
        network: &UNetConfig,
        weights: Weights,
        (pictures, masks): (Vec<f32>, Vec<f32>),
        (side, rate): (usize, f64),
        device: &BurnDevice,
    ) -> Result<Self, AiError> {
        let recipe = TrainingRecipe {
            batch: 1,
            learning_rate: rate,
            ..TrainingRecipe::default()
        };
        let learned = Learned {
            weights,
            ..Learned::default()
        };
        if side == 0 || !pictures.len().is_multiple_of(side * side) || masks.len() != pictures.len()
        {
            return Err(AiError::Data("the pictures are not square".into()));
        }
        let shape = [pictures.len() / (side * side), 1, side, side];
        let on = device.burn().clone().autodiff();
        let tensor = |values| Tensor::from_data(TensorData::new(values, shape), &on);
        Ok(Self {
            learner: Learner::new(&recipe, &learned, device.burn(), |weights, device| {
                UNet::new(network, weights, device)
            })?,
            pictures: tensor(pictures),
            masks: tensor(masks),
            rate,
        })
    }

    /// One step; the loss before it.
    ///
    /// # Errors
    /// A loss that is not finite.
    pub fn step(&mut self) -> Result<f32, AiError> {
        let (pictures, masks) = (self.pictures.clone(), self.masks.clone());
        self.learner.step(self.rate, &|| true, |network| {
            Ok(bce_dice(network.forward(pictures)?, masks))
        })
    }
}
