//! Training from the window: a thread of its own with one core fewer than there are, the same run as on the command line.

use crate::{
    ai::{
        AiError, BurnDevice,
        card::ModelCard,
        device,
        learning::TrainEvent,
        recipe::{Recipe, Task},
        registry::BUNDLED_TASKS,
        train::Trainer,
    },
    task::spawn_named,
    workspace::{
        Waker, Workspace,
        event::Event,
        jobs::Job,
        training::{CurvePoint, TrainingNews, TrainingTask},
    },
};
use crossbeam_channel::Sender;
use std::{
    num::NonZero,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// News of steps come this often: the curve grows visibly, and the window is not kept busy.
const STEP_NEWS: Duration = Duration::from_millis(200);

/// What can be trained.
pub fn tasks() -> Vec<TrainingTask> {
    BUNDLED_TASKS
        .iter()
        .filter_map(|(model, text)| {
            let recipe = Recipe::parse(text).ok()?;
            let needs_data = !matches!(recipe.task(), Ok(Task::Lesions { .. }));
            Some(TrainingTask { model, needs_data })
        })
        .collect()
}

/// Starts the chosen run, or goes on with it where its folder holds one.
pub fn start(workspace: &mut Workspace, root: PathBuf) {
    let training = &workspace.training;
    let chosen = training.tasks.get(training.task).map(|t| t.model);
    let task = BUNDLED_TASKS
        .iter()
        .find(|(model, _)| Some(*model) == chosen);
    let Some((model, text)) = task else {
        return;
    };
    let out = root.join("training").join(model);
    let data = training.data.clone().unwrap_or_default();
    let job = workspace.jobs.start("job-training");
    workspace.training.begin(job.id, out.clone());
    let teller = Teller {
        events: workspace.sender(),
        waker: workspace.waker.clone(),
    };
    let (pause, ending) = (workspace.training.pause.clone(), workspace.ending(job.id));
    let body = move || {
        let result = learn(text, &data, &out, &job, &pause, &teller);
        teller.tell(TrainingNews::Ended(result));
        drop(ending);
    };
    if spawn_named("training", body).is_err() {
        let ended = TrainingNews::Ended(Err(String::new()));
        workspace.training.take(ended);
    }
}

struct Teller {
    events: Sender<Event>,
    waker: Waker,
}

impl Teller {
    fn tell(&self, news: TrainingNews) {
        let _ = self.events.send(Event::Training(news));
        self.waker.wake("training");
    }
}

/// The run on this thread's pool; the figures of its model, or nothing where it was stopped.
fn learn(
    text: &str,
    data: &Path,
    out: &Path,
    job: &Job,
    pause: &crate::task::Pause,
    teller: &Teller,
) -> Result<Option<Vec<String>>, String> {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let pool = device::pool(cores.saturating_sub(1).max(1)).map_err(|e| e.to_string())?;
    let recipe = Recipe::parse(text).map_err(|e| e.to_string())?;
    teller.tell(TrainingNews::Begun {
        epochs: recipe.training.epochs() as u32,
        score: recipe.score(),
    });
    let resume = out.join("recipe.toml").exists();
    for record in Trainer::curve_in(out, resume).map_err(|e| e.to_string())? {
        teller.tell(TrainingNews::Epoch(point(&record)));
    }
    let trainer = Trainer::new(recipe, data, out, &BurnDevice::flex()).pausable(pause);
    let now = jiff::Timestamp::now().to_string();
    let (mut told, mut sum, mut count) = (Instant::now(), 0.0f64, 0u32);
    let seen = |event: TrainEvent| match event {
        TrainEvent::Step {
            epoch,
            done,
            of,
            loss,
        } => {
            sum += f64::from(loss);
            count += 1;
            if told.elapsed() >= STEP_NEWS || done == of {
                let loss = (sum / f64::from(count)) as f32;
                teller.tell(TrainingNews::Step {
                    at: [epoch, done, of],
                    loss,
                });
                (told, sum, count) = (Instant::now(), 0.0, 0);
            }
        }
        TrainEvent::Epoch(record) => teller.tell(TrainingNews::Epoch(point(&record))),
    };
    match pool.install(|| trainer.run(resume, &now, &job.cancel, &job.progress, seen)) {
        Ok(report) => Ok(Some(figures(&report.card))),
        Err(AiError::Cancelled) => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

fn point(record: &crate::ai::checkpoint::EpochRecord) -> CurvePoint {
    CurvePoint {
        epoch: record.epoch,
        train_loss: record.train_loss,
        validation_loss: record.validation_loss,
        score: record.validation_score,
    }
}

/// The lines of the model's figures on cases that it has not seen.
fn figures(card: &ModelCard) -> Vec<String> {
    card.figure_lines()
}
