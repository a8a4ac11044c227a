//! A training run as the window shows it: what is trained, how far it is, its curves. The run itself is elsewhere; here is
//! what it tells, and the switches that stop it.

use super::{Workspace, jobs::JobId};
use crate::task::Pause;
use std::path::PathBuf;

/// Points of the loss of single steps that are kept; then every second one goes.
const MOST_POINTS: usize = 4000;

/// A training task that the program brings along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrainingTask {
    /// Id of the model that comes out.
    pub model: &'static str,
    /// Whether it needs a folder of pictures.
    pub needs_data: bool,
}

/// One epoch of the curves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CurvePoint {
    /// From 1.
    pub epoch: u32,
    /// Mean loss of the training steps.
    pub train_loss: f32,
    /// Mean loss of the validation part.
    pub validation_loss: f32,
    /// Score of the validation part.
    pub score: f32,
}

/// How a run stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RunState {
    /// None was started.
    #[default]
    None,
    /// Its data are read or made.
    Preparing,
    /// It goes on.
    Running,
    /// It was stopped; its last epoch is on the disk and it can go on.
    Stopped,
    /// It ended with a model.
    Done,
    /// It ended without: one sentence.
    Failed(String),
}

/// What a run tells.
#[derive(Clone, Debug, PartialEq)]
pub enum TrainingNews {
    /// What the curve begins with: epochs of an earlier start, epochs in all, what the score is called.
    Begun {
        /// Epochs in all.
        epochs: u32,
        /// What the score is called.
        score: &'static str,
    },
    /// Steps were taken.
    Step {
        /// Epoch from 1, steps done in it, steps of an epoch.
        at: [u32; 3],
        /// Mean loss of the steps since the last news.
        loss: f32,
    },
    /// An epoch ended.
    Epoch(CurvePoint),
    /// It ended: with the lines of its figures, stopped (`None`), or failed.
    Ended(Result<Option<Vec<String>>, String>),
}

/// The panel and the run of this session.
#[derive(Clone, Debug, Default)]
pub struct Training {
    /// The panel is open.
    pub open: bool,
    /// What can be trained; nothing where networks were left out of the program.
    pub tasks: Vec<TrainingTask>,
    /// The chosen one.
    pub task: usize,
    /// Folder of pictures for tasks that need one.
    pub data: Option<PathBuf>,
    /// Where the run writes.
    pub out: Option<PathBuf>,
    /// How it stands.
    pub state: RunState,
    /// What the score is called.
    pub score: &'static str,
    /// Epoch from 1, steps done in it, steps of an epoch.
    pub at: [u32; 3],
    /// Epochs in all.
    pub epochs: u32,
    /// Loss of single steps: time in epochs, loss.
    pub steps: Vec<[f32; 2]>,
    /// Finished epochs.
    pub curve: Vec<CurvePoint>,
    /// Figures of the finished model.
    pub figures: Vec<String>,
    /// The switch that pauses it.
    pub pause: Pause,
    /// Its job.
    pub job: Option<JobId>,
}

impl Training {
    /// Whether a run is under way, paused or not.
    pub const fn runs(&self) -> bool {
        matches!(self.state, RunState::Preparing | RunState::Running)
    }

    /// Whether the chosen task can be started.
    pub fn can_start(&self) -> bool {
        let task = self.tasks.get(self.task);
        !self.runs() && task.is_some_and(|t| !t.needs_data || self.data.is_some())
    }

    /// A run begins.
    pub fn begin(&mut self, job: JobId, out: PathBuf) {
        self.job = Some(job);
        self.out = Some(out);
        self.state = RunState::Preparing;
        self.at = [0; 3];
        self.steps.clear();
        self.curve.clear();
        self.figures.clear();
        self.pause.set(false);
    }

    /// Takes what the run tells.
    pub fn take(&mut self, news: TrainingNews) {
        match news {
            TrainingNews::Begun { epochs, score } => {
                self.epochs = epochs;
                self.score = score;
            }
            TrainingNews::Step { at, loss } => {
                self.state = RunState::Running;
                self.at = at;
                let [epoch, done, of] = at.map(|n| n as f32);
                self.steps.push([epoch - 1.0 + done / of.max(1.0), loss]);
                if self.steps.len() > MOST_POINTS {
                    let mut index = 0;
                    self.steps.retain(|_| {
                        index += 1;
                        index % 2 == 0
                    });
                }
            }
            TrainingNews::Epoch(point) => self.curve.push(point),
            TrainingNews::Ended(result) => {
                self.job = None;
                self.pause.set(false);
                self.state = match result {
                    Ok(Some(figures)) => {
                        self.figures = figures;
                        RunState::Done
                    }
                    Ok(None) => RunState::Stopped,
                    Err(sentence) => RunState::Failed(sentence),
                };
            }
        }
    }
}

impl Workspace {
    /// Takes news of the run; its job goes with its end.
    pub(super) fn take_training(&mut self, news: TrainingNews) {
        if let (TrainingNews::Ended(_), Some(job)) = (&news, self.training.job) {
            self.jobs.finish(job);
        }
        self.training.take(news);
    }

    /// Stops the run after its current step.
    pub(super) fn stop_training(&self) {
        let jobs = self.jobs.running().iter();
        for job in jobs.filter(|job| Some(job.id) == self.training.job) {
            job.cancel.cancel();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_told_from_its_beginning_to_its_end() {
        let mut training = Training {
            tasks: vec![
                TrainingTask {
                    model: "made-up",
                    needs_data: false,
                },
                TrainingTask {
                    model: "pictures",
                    needs_data: true,
                },
            ],
            ..Training::default()
        };
        assert!(training.can_start());
        training.task = 1;
        assert!(!training.can_start(), "there is no folder");
        training.data = Some("x".into());
        assert!(training.can_start());
        training.begin(7, "out".into());
        assert!(training.runs() && !training.can_start());
        training.take(TrainingNews::Begun {
            epochs: 3,
            score: "Dice",
        });
        training.take(TrainingNews::Step {
            at: [2, 5, 10],
            loss: 0.25,
        });
        assert_eq!(
            (training.steps.as_slice(), training.at),
            ([[1.5, 0.25]].as_slice(), [2, 5, 10])
        );
        training.take(TrainingNews::Ended(Ok(None)));
        assert_eq!((&training.state, training.job), (&RunState::Stopped, None));
        assert!(training.can_start(), "it can go on");
    }

    #[test]
    fn a_long_run_keeps_a_bounded_number_of_points() {
        let mut training = Training::default();
        for step in 0..3 * MOST_POINTS as u32 {
            training.take(TrainingNews::Step {
                at: [1, step, 1],
                loss: step as f32,
            });
        }
        assert!(training.steps.len() <= MOST_POINTS);
        assert_eq!(
            training.steps.last().map(|p| p[1]),
            Some(3.0 * MOST_POINTS as f32 - 1.0)
        );
    }
}
