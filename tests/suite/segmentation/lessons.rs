//! Runs of each kind to their end, and one that is killed.

use super::tiny_task;
use negatoscope::{
    ai::{
        BurnDevice,
        lesions::{HounsfieldGrid, LesionFinder},
        recipe::{Recipe, Task},
        registry::{self, BUNDLED_TASKS},
        train::{TrainReport, Trainer, classes::baseline},
    },
    phantom::{CtSpec, ct_with, scattered_nodules},
    task::{CancelToken, Progress},
};
use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
};

fn run(recipe: &Recipe, data: &Path, out: &Path) -> TrainReport {
    Trainer::new(recipe.clone(), data, out, &BurnDevice::flex())
        .run(
            false,
            "2026-11-30T00:00:00Z",
            &CancelToken::default(),
            &Progress::default(),
            |_| (),
        )
        .unwrap()
}

/// The task of ellipses with other sections, and other words in the rest.
fn changed(folder: &Path, remove: &[&str], sections: &str) -> Recipe {
    let text = tiny_task(folder, 3).to_toml().unwrap();
    let mut kept = String::new();
    let mut keep = true;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('[') {
            keep = !remove.contains(&name.trim_end_matches(']'));
        }
        if keep {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    Recipe::parse(&format!("{kept}\n{sections}")).unwrap()
}

#[test]
fn a_killed_run_goes_on_as_if_nothing_had_been() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let recipe = tiny_task(&at("data"), 40);
    fs::write(at("task.toml"), recipe.to_toml().unwrap()).unwrap();
    let command = |out: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_negatoscope"));
        command
            .args(["train", "--json", "--jobs", "1", "--task"])
            .arg(at("task.toml"))
            .arg("--data")
            .arg(at("data"))
            .arg("--out")
            .arg(at(out))
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        command
    };
    let whole = command("whole").output().unwrap();
    assert!(whole.status.success());
    // Killed after its third epoch: SIGKILL, which nothing in the program sees.
    let mut child = command("killed").spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let third = lines
        .map_while(Result::ok)
        .find(|line| line.contains("\"epoch\":3,"));
    child.kill().unwrap();
    let status = child.wait().unwrap();
    assert!(third.is_some() && !status.success());
    assert!(
        !at("killed").join("tiny.toml").exists(),
        "it was killed too late"
    );
    let epochs = fs::read_to_string(at("killed").join("curve.csv"))
        .unwrap()
        .lines()
        .count()
        - 1;
    assert!((3..40).contains(&epochs), "{epochs}");
    let resumed = command("killed").arg("--resume").output().unwrap();
    assert!(resumed.status.success());
    let bytes = |out: &str, file: &str| fs::read(at(out).join(file)).unwrap();
    assert_eq!(
        bytes("whole", "tiny.safetensors"),
        bytes("killed", "tiny.safetensors")
    );
    assert_eq!(bytes("whole", "test.csv"), bytes("killed", "test.csv"));
}

#[test]
fn a_run_ends_early_when_nothing_gets_better() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let mut recipe = tiny_task(&at("data"), 50);
    // Steps too small to change anything.
    recipe.training.learning_rate = 1e-12;
    recipe.training.patience = 3;
    let report = run(&recipe, &at("data"), &at("out"));
    assert!(report.curve.len() < 12, "{}", report.curve.len());
    assert_eq!(report.card.training.epochs, report.curve.len());
}

#[test]
fn classes_are_learnt_calibrated_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    // Two kinds of pictures: a bright disc, and a ring. The class is the last field of the name.
    fs::create_dir_all(at("data/pictures")).unwrap();
    for patient in 0..30u32 {
        let ring = patient % 2 == 1;
        let mut picture = image::GrayImage::new(32, 32);
        for (x, y, pixel) in picture.enumerate_pixels_mut() {
            let (dx, dy) = (
                f64::from(x) - 13.0 - f64::from(patient % 5),
                f64::from(y) - 15.0,
            );
            let r = dx.hypot(dy);
            let inside = if ring {
                (5.0..8.0).contains(&r)
            } else {
                r < 7.0
            };
            pixel.0 = [if inside { 170 } else { 60 } + ((x * 7 + y * 13 + patient) % 23) as u8];
        }
        let name = format!("data/pictures/p_{patient:02}_{}.png", u8::from(ring));
        picture.save(at(&name)).unwrap();
    }
    let labels = r#"
        [labels]
        folders = [{ path = "pictures" }]
        separator = "_"
        patient_fields = [1]
        stratum_fields = [0]
        class_field = { field = 2, positive = "1" }
        positive = "ring"
        negative = "disc"
        train = 0.6
        validation = 0.2
        abstain = [0.4, 0.6]
    "#;
    let network = r#"
        [classifier]
        family = "resnet"
        input_channels = 1
        classes = 1
        width = 8
        blocks = [1, 1]
        stem = 3
        groups = 2
    "#;
    let mut recipe = changed(
        &at("unused"),
        &["data", "network"],
        &format!("{labels}{network}"),
    );
    recipe.training.cycles = vec![12];
    recipe.training.loss = vec![negatoscope::ai::recipe::Loss::Bce];
    let report = run(&recipe, &at("data"), &at("out"));
    let card = report.card.classifier.as_ref().unwrap();
    let figure = |name: &str| card.figures.iter().find(|f| f.figure == name).unwrap();
    assert!(figure("auroc").value > 0.8, "{:?}", card.figures);
    assert!(figure("auroc").low.is_some());
    assert!(card.calibration.slope > 0.0);
    let model = registry::load_file(&at("out/tiny.toml")).unwrap();
    assert_eq!(model.card, report.card);
    // No patient is in two parts.
    let t = &report.card.training;
    assert_eq!(
        (t.train.len(), t.validation.len(), t.test.len()),
        (18, 6, 6)
    );

    // The classical method on the same pictures, with the same figures.
    let classical = r#"
        [baseline]
        method = "oriented-gradients"
        cell = 8
        costs = [0.01, 1.0]
    "#;
    let recipe = changed(
        &at("unused"),
        &["data", "network", "training", "augmentation"],
        &format!("{labels}{classical}"),
    );
    let Ok(Task::Baseline {
        labels,
        baseline: method,
    }) = recipe.task()
    else {
        panic!("another task");
    };
    let found = baseline::run(
        &recipe,
        (labels, method),
        &at("data"),
        &at("classical"),
        &BurnDevice::flex(),
        &CancelToken::default(),
    )
    .unwrap();
    let auroc = found.iter().find(|f| f.figure == "auroc").unwrap();
    assert!(auroc.value > 0.8, "{found:?}");
    let csv = |out: &str| fs::read_to_string(at(out).join("test.csv")).unwrap();
    let names = |text: &str| -> Vec<String> {
        text.lines()
            .map(|l| l.split(',').next().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names(&csv("out")), names(&csv("classical")));
}

#[test]
fn lesions_are_learnt_from_seeds_alone() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let phantom = r#"
        [phantom]
        size = [48, 48, 24]
        spacing_mm = [7.0, 7.0, 10.0]
        noise_hu = 8.0
        train = [100, 2]
        validation = [200, 1]
        test = [300, 1]
        nodules = [2, 3]
        diameter_mm = [24.0, 30.0]
        window_hu = [-1000.0, 400.0]
        patches = 9
        lesion_share = 0.8
        smallest_mm3 = 100.0
        [network]
        input_channels = 3
        classes = 1
        depth = 2
        width = 4
        patch = 1
    "#;
    let mut recipe = changed(&at("unused"), &["data", "network"], phantom);
    recipe.input.side = 24;
    let report = run(&recipe, Path::new("."), &at("out"));
    assert_eq!(report.curve.len(), 3);
    let lesions = report.card.lesions.unwrap();
    assert_eq!((lesions.cases, lesions.planted_smaller), (1, 0));
    assert!((1..=3).contains(&lesions.planted));
    let model = registry::load_file(&at("out/tiny.toml")).unwrap();
    assert!(model.card.about.synthetic_only);
    // The model runs on a volume of another spacing, and what it says lies on that volume's grid.
    let spec = CtSpec {
        seed: 9,
        size: [40, 40, 20],
        spacing_mm: [9.0, 9.0, 12.0],
        noise_hu: 8.0,
        labels: false,
    };
    let nodules = scattered_nodules(9, [2, 2], [24.0, 30.0]);
    let made = ct_with(
        &spec,
        nodules,
        &Progress::default(),
        &CancelToken::default(),
    )
    .unwrap();
    let grid = HounsfieldGrid::of(&made.volume).unwrap();
    let finder = LesionFinder::new(&model, &BurnDevice::flex()).unwrap();
    let found = finder
        .find(&grid, &CancelToken::default(), &Progress::default())
        .unwrap();
    assert_eq!(found.labels.len(), 40 * 40 * 20);
    let most = found.labels.iter().copied().max().unwrap();
    assert_eq!(most as usize, found.list.len());
    for lesion in &found.list {
        let voxels = found
            .labels
            .iter()
            .filter(|&&l| l == lesion.part.label)
            .count();
        assert_eq!(voxels, lesion.part.voxels);
    }
}

#[test]
fn planted_nodules_lie_in_the_lungs_and_apart() {
    let nodules = scattered_nodules(42, [10, 10], [4.0, 20.0]);
    assert!(nodules.len() > 6, "{}", nodules.len());
    for (index, a) in nodules.iter().enumerate() {
        assert!((4.0..=20.0).contains(&a.diameter_mm));
        for b in nodules.iter().skip(index + 1) {
            let apart: f64 = (0..3)
                .map(|i| (a.centre_lps[i] - b.centre_lps[i]).powi(2))
                .sum::<f64>()
                .sqrt();
            assert!(apart - 0.5 * (a.diameter_mm + b.diameter_mm) >= 5.0);
        }
    }
    assert_eq!(nodules, scattered_nodules(42, [10, 10], [4.0, 20.0]));
}

#[test]
fn all_bundled_tasks_are_valid() {
    for (model, text) in BUNDLED_TASKS {
        let recipe = Recipe::parse(text).unwrap_or_else(|e| panic!("{model}: {e}"));
        assert_eq!(recipe.model, model);
    }
    for text in [
        include_str!("../../../assets/models/chest-tb.gradients.toml"),
        include_str!("../../../assets/models/chest-tb.radiomics.toml"),
    ] {
        let recipe = Recipe::parse(text).unwrap();
        assert!(matches!(recipe.task(), Ok(Task::Baseline { .. })));
        // The same pictures, split and band as those of the network.
        let network = BUNDLED_TASKS
            .iter()
            .find(|(model, _)| *model == "chest-tb")
            .unwrap();
        let network = Recipe::parse(network.1).unwrap();
        assert_eq!((recipe.seed, recipe.labels), (network.seed, network.labels));
    }
}
