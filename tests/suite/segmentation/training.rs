//! Training runs on made-up pictures.

use super::tiny_task;
use burn::tensor::Device;
use negatoscope::{
    ai::{
        AiError, BurnDevice, checkpoint::Checkpoint, learning::TrainEvent, recipe::Recipe,
        registry, train::Trainer,
    },
    task::{CancelToken, Progress},
};
use std::{fs, path::Path};

fn run(
    recipe: &Recipe,
    data: &Path,
    out: &Path,
    resume: bool,
) -> negatoscope::ai::train::TrainReport {
    Trainer::new(recipe.clone(), data, out, &BurnDevice::flex())
        .run(
            resume,
            "2026-11-23T00:00:00Z",
            &CancelToken::default(),
            &Progress::default(),
            |_| (),
        )
        .unwrap()
}

/// All that a run computes, without the clock.
fn essence(out: &Path) -> (Vec<u8>, Vec<String>, Checkpoint) {
    let curve = fs::read_to_string(out.join("curve.csv")).unwrap();
    let curve = curve
        .lines()
        .map(|line| line.rsplit_once(',').unwrap().0.to_owned())
        .collect();
    let mut checkpoint = Checkpoint::load(&out.join("checkpoint.safetensors")).unwrap();
    for row in &mut checkpoint.curve {
        row.seconds = 0.0;
    }
    (
        fs::read(out.join("tiny.safetensors")).unwrap(),
        curve,
        checkpoint,
    )
}

fn same(a: &Checkpoint, b: &Checkpoint) {
    assert_eq!(a.learned, b.learned);
    assert_eq!(a.curve, b.curve);
}

#[test]
fn the_seed_decides_everything_and_a_resumed_run_ends_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let recipe = tiny_task(&at("data"), 4);
    let report = run(&recipe, &at("data"), &at("first"), false);
    assert_eq!(report.curve.len(), 4);
    assert!(
        report.curve[3].train_loss < 0.95 * report.curve[0].train_loss,
        "{:?}",
        report.curve
    );
    run(&recipe, &at("data"), &at("second"), false);
    let (first, second) = (essence(&at("first")), essence(&at("second")));
    assert_eq!(first.0, second.0);
    assert_eq!(first.1, second.1);
    same(&first.2, &second.2);
    let other = Recipe {
        seed: 12,
        ..recipe.clone()
    };
    run(&other, &at("data"), &at("other"), false);
    assert_ne!(essence(&at("other")).1, first.1);

    // Stopped in the third epoch, then resumed.
    let (cancel, progress) = (CancelToken::default(), Progress::default());
    let stopped = Trainer::new(
        recipe.clone(),
        &at("data"),
        &at("resumed"),
        &BurnDevice::flex(),
    )
    .run(false, "2026-11-23T00:00:00Z", &cancel, &progress, |event| {
        if matches!(event, TrainEvent::Epoch(record) if record.epoch == 2) {
            cancel.cancel();
        }
    });
    assert!(matches!(stopped, Err(AiError::Cancelled)));
    assert_eq!(progress.get(), (4, 8));
    run(&recipe, &at("data"), &at("resumed"), true);
    let resumed = essence(&at("resumed"));
    assert_eq!(resumed.0, first.0);
    same(&resumed.2, &first.2);
}

#[test]
fn a_finished_run_leaves_a_model_that_can_be_used() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let recipe = tiny_task(&at("data"), 1);
    let report = run(&recipe, &at("data"), &at("out"), false);
    let model = registry::load_file(&at("out").join("tiny.toml")).unwrap();
    assert_eq!(model.card, report.card);
    assert_eq!(model.card.trained, "2026-11-23");
    let t = &model.card.training;
    assert_eq!((t.train.len(), t.validation.len(), t.test.len()), (6, 2, 2));
    let mut names: Vec<&String> = t.train.iter().chain(&t.validation).chain(&t.test).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 10, "a picture is in two parts of the split");
    assert_eq!(model.card.metrics[0].cases, 2);
    let cases = fs::read_to_string(at("out").join("test.csv")).unwrap();
    assert_eq!(cases.lines().count(), 3);
    assert!(!Device::flex().is_autodiff());
}

#[test]
fn a_run_is_not_overwritten_or_mixed_up() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let recipe = tiny_task(&at("data"), 1);
    let try_run = |recipe: &Recipe, resume| {
        Trainer::new(recipe.clone(), &at("data"), &at("out"), &BurnDevice::flex())
            .run(
                resume,
                "2026-11-23",
                &CancelToken::default(),
                &Progress::default(),
                |_| (),
            )
            .map(|_| ())
    };
    assert!(matches!(try_run(&recipe, true), Err(AiError::Io { .. })));
    try_run(&recipe, false).unwrap();
    assert!(matches!(try_run(&recipe, false), Err(AiError::Task(_))));
    let other = Recipe { seed: 5, ..recipe };
    assert!(matches!(try_run(&other, true), Err(AiError::Task(_))));
}

#[test]
fn tasks_that_make_no_sense_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let text = tiny_task(folder.path(), 1).to_toml().unwrap();
    assert!(Recipe::parse(&text).is_ok());
    for (from, to, part) in [
        ("version = 1", "version = 2", "version"),
        ("side = 32", "side = 30", "side must be"),
        ("depth = 2", "depth = 9", "depth"),
        ("train = 0.6", "train = 0.9", "leave a share"),
        ("cycles = [1]", "cycles = [0]", "cycles"),
        (
            "learning_rate = 0.01",
            "learning_rate = nan",
            "learning_rate",
        ),
        ("flip = 0.5", "flip = 5.0", "augmentation"),
        ("batch = 3", "batch = 3\nsurprise = 1", "surprise"),
        ("masks = \"masks\"", "", "masks"),
        ("loss = [\"bce\", \"dice\"]", "loss = []", "loss"),
        ("loss = [\"bce\"", "loss = [\"hinge\"", "hinge"),
        (
            "loss = [\"bce\"",
            "loss = [\"cross-entropy\"",
            "exclude each other",
        ),
        ("average = 0.0", "average = 1.0", "average"),
    ] {
        assert!(text.contains(from), "{from}");
        let error = Recipe::parse(&text.replacen(from, to, 1))
            .unwrap_err()
            .to_string();
        assert!(error.contains(part), "`{error}` does not say `{part}`");
    }
}

#[test]
fn the_task_file_of_the_bundled_model_is_valid() {
    let recipe = Recipe::parse(include_str!(
        "../../../assets/models/lung-fields.train.toml"
    ))
    .unwrap();
    let registry = registry::Registry::default();
    let card = registry.load(registry::LUNG_FIELDS).unwrap().card;
    assert_eq!(
        (&recipe.model, recipe.network.unwrap(), recipe.seed),
        (&card.id, card.network, card.training.seed)
    );
    assert_eq!(recipe.about, card.about);
}
