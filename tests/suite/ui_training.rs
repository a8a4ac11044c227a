//! Training and classes in the window: what is chosen, what is drawn while a run goes on, what stops it.

use crate::ui_snapshots::{alone, run, small_film, stage};
use egui_kittest::kittest::Queryable as _;
use negatoscope::{
    app::{screen, stage::Stage},
    workspace::{
        Command,
        event::Event,
        training::{CurvePoint, RunState, TrainingNews},
    },
};
use serde_json::Value;

/// Everything that can be read on the screen.
fn text(stage: &mut Stage) -> String {
    let tree = screen::describe(stage);
    let nodes = tree["nodes"].as_array().unwrap().iter();
    let words = nodes.flat_map(|n| [&n["label"], &n["value"]]);
    words
        .filter_map(Value::as_str)
        .collect::<Vec<_>>()
        .join("\n")
}

fn tell(stage: &mut Stage, news: TrainingNews) {
    let sent = stage
        .program()
        .workspace
        .sender()
        .send(Event::Training(news));
    sent.unwrap();
    stage.settle().unwrap();
}

#[test]
fn a_task_is_chosen_and_needs_its_folder() {
    let _alone = alone();
    let mut stage = stage(vec![], vec![]);
    run(&mut stage, Command::Training);
    let said = text(&mut stage);
    assert!(
        said.contains("ct-lesions") && said.contains("generated people"),
        "{said}"
    );
    let enabled = |stage: &Stage, c| stage.program().workspace.is_enabled(c);
    assert!(enabled(&stage, Command::StartTraining));
    assert!(!enabled(&stage, Command::PauseTraining) && !enabled(&stage, Command::StopTraining));
    // A task on pictures cannot start before it has a folder.
    let tasks = &stage.program().workspace.training.tasks;
    let pictures = tasks.iter().position(|t| t.model == "chest-tb").unwrap();
    stage.program_mut().workspace.training.task = pictures;
    stage.settle().unwrap();
    assert!(text(&mut stage).contains("no folder chosen"));
    assert!(!enabled(&stage, Command::StartTraining));
    let folder = tempfile::tempdir().unwrap();
    let chosen = Event::ChosenTraining(folder.path().to_owned());
    stage.program().workspace.sender().send(chosen).unwrap();
    stage.settle().unwrap();
    assert!(enabled(&stage, Command::StartTraining));
    run(&mut stage, Command::Training);
    assert!(!text(&mut stage).contains("no folder chosen"));
}

#[test]
fn the_curves_grow_while_a_run_goes_on() {
    let _alone = alone();
    let mut stage = stage(vec![], vec![]);
    run(&mut stage, Command::Training);
    let workspace = &mut stage.program_mut().workspace;
    let job = workspace.jobs.start("job-training");
    workspace.training.begin(job.id, "out".into());
    tell(
        &mut stage,
        TrainingNews::Begun {
            epochs: 4,
            score: "Dice",
        },
    );
    assert!(text(&mut stage).contains("Reading or making"));
    for step in 1..=5 {
        let loss = 1.0 - 0.1 * step as f32;
        tell(
            &mut stage,
            TrainingNews::Step {
                at: [1, step, 5],
                loss,
            },
        );
    }
    assert!(text(&mut stage).contains("Epoch 1 of 4, step 5 of 5"));
    let before = stage.screenshot().unwrap();
    tell(
        &mut stage,
        TrainingNews::Epoch(CurvePoint {
            epoch: 1,
            train_loss: 0.7,
            validation_loss: 0.6,
            score: 0.8,
        }),
    );
    let after = stage.screenshot().unwrap();
    assert_ne!(before.as_raw(), after.as_raw(), "the curve did not grow");
    // Pause and stop are switches of the run.
    let pause = stage.program().workspace.training.pause.clone();
    stage.harness().get_by_label("Pause training").click();
    stage.settle().unwrap();
    assert!(pause.is_set() && text(&mut stage).contains("Paused in epoch 1 of 4"));
    run(&mut stage, Command::PauseTraining);
    assert!(!pause.is_set() && !job.cancel.is_cancelled());
    stage.harness().get_by_label("Stop training").click();
    stage.settle().unwrap();
    assert!(job.cancel.is_cancelled());
    tell(&mut stage, TrainingNews::Ended(Ok(None)));
    let workspace = &stage.program().workspace;
    assert_eq!(workspace.training.state, RunState::Stopped);
    assert!(workspace.jobs.running().is_empty());
    assert!(text(&mut stage).contains("Go on"));
}

#[cfg(feature = "ai")]
#[test]
fn the_class_of_a_radiograph_stands_beside_it() {
    let _alone = alone();
    let mut stage = stage(vec![small_film()], vec![]);
    run(&mut stage, Command::ClassifyTuberculosis);
    let said = text(&mut stage);
    for part in [
        "Probability of Tuberculosis",
        "chest-tb 1.0.0",
        "On patients it never saw: AUROC",
        "AI, not for diagnostic use",
    ] {
        assert!(said.contains(part), "`{part}` is missing in\n{said}");
    }
    let workspace = &stage.program().workspace;
    let key = workspace.frame_key(0).unwrap();
    let shown = workspace.classes.get(&key).unwrap();
    assert!((0.0..=1.0).contains(&shown.probability));
    assert_eq!(shown.provenance.device, "CPU (flex)");
    assert!(workspace.jobs.running().is_empty());
}
