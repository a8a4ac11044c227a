//! The parts of the record panel: considerations with their factors, the graph with why, genes; alerts in the banner.

use crate::ui_snapshots::{alone, ct, run, small_demo, stage};
use egui_kittest::kittest::Queryable as _;
use negatoscope::{
    app::stage::Stage,
    i18n::Language,
    workspace::{Action, Command, insight::RecordView, record_link::RecordState},
};

fn demo() -> Stage {
    let records = small_demo().1.bundles.clone();
    let mut stage = stage(vec![ct()], records);
    stage.settle().unwrap();
    assert!(matches!(
        stage.program().workspace.record.state().0,
        RecordState::Found { sure: true, .. }
    ));
    stage
}

fn count(stage: &mut Stage, label: &str) -> usize {
    stage.harness().query_all_by_label_contains(label).count()
}

fn click(stage: &mut Stage, label: &str) {
    stage
        .harness()
        .query_all_by_label_contains(label)
        .next()
        .unwrap_or_else(|| panic!("{label}"))
        .click();
    stage.settle().unwrap();
}

#[test]
fn considerations_show_alerts_and_every_factor() {
    let _one = alone();
    let mut stage = demo();
    // The banner: contrast allergy, kidneys, metformin; from the record alone, without opening a part.
    for label in [
        "Contrast allergy: Iohexol",
        "Renal function: eGFR",
        "Metformin",
    ] {
        assert!(count(&mut stage, label) >= 1, "{label}");
    }
    run(&mut stage, Command::ShowConsiderations);
    assert_eq!(
        stage.program().workspace.record.view,
        RecordView::Considerations
    );
    for label in [
        "Research and education. Not for diagnostic use",
        "Source: FDA safety communication, April 2016",
        "Heart failure",
        "× 1.7",
        "Wang 2005, JAMA 294:1944",
        "Not known:",
    ] {
        assert!(count(&mut stage, label) >= 1, "{label}");
    }
    stage.program_mut().workspace.settings.language = Language::SimplifiedChinese;
    stage.settle().unwrap();
    for label in [
        "心力衰竭",
        "对比剂过敏",
        "仅供研究和教学，不用于诊断",
        "来源：",
    ] {
        assert!(count(&mut stage, label) >= 1, "{label}");
    }
    // Identity hidden hides what follows from it as well.
    run(&mut stage, Command::HideIdentity);
    assert_eq!(count(&mut stage, "心力衰竭"), 0);
}

#[test]
fn the_graph_is_searched_and_says_why() {
    let _one = alone();
    let mut stage = demo();
    run(&mut stage, Command::ShowGraph);
    assert_eq!(count(&mut stage, "Knowledge graph, nodes:"), 1);
    assert_eq!(
        count(&mut stage, "Choose a node in the picture or search for one"),
        1
    );
    let field = stage
        .harness()
        .query_all_by_role(egui::accesskit::Role::TextInput)
        .last()
        .unwrap();
    field.focus();
    stage.settle().unwrap();
    stage
        .harness()
        .event(egui::Event::Text("right upper".into()));
    stage.settle().unwrap();
    // What is found are buttons, so that keys reach them; the path of facts ends in the report's sentence.
    click(&mut stage, "right upper lobe");
    assert_eq!(count(&mut stage, "Why this is shown"), 1);
    assert!(count(&mut stage, "Round shadow in the right upper field") >= 1);
    assert!(count(&mut stage, "Connected with") >= 1);
}

#[test]
fn genes_say_how_they_come_in_when_there_are_none() {
    let _one = alone();
    let mut stage = demo();
    run(&mut stage, Command::ShowGenes);
    assert_eq!(count(&mut stage, "No genes in the record"), 1);
    stage
        .program_mut()
        .workspace
        .act(Action::RecordView(RecordView::Chart));
    stage.settle().unwrap();
    assert!(count(&mut stage, "Conditions") >= 1);
}
