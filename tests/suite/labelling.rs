//! Labels for learning in the real window: classes by keys, keypoints, tags and grades, taken back and done again.

use crate::ui_snapshots::{alone, ct, run, small_film, stage};
use egui::{Key, Modifiers, PointerButton};
use egui_kittest::kittest::Queryable as _;
use negatoscope::{
    app::stage::Stage,
    i18n::Language,
    model::{
        annotation::{Annotation, MarkKind},
        labelling::{Answer, Question},
    },
    workspace::{Action, Command, label_schema::Scope, settings::SideTab},
};

fn marks(stage: &Stage) -> Vec<Annotation> {
    let set = stage.program().workspace.marks.set();
    let mut marks: Vec<_> = set.iter().cloned().collect();
    marks.sort_by_key(|m| m.created_ms);
    marks
}

fn answers(stage: &Stage) -> Vec<(Question, Answer)> {
    let kept = stage.program().workspace.marks.kept();
    let answers = kept.answers.iter();
    answers.map(|(q, a)| (q.clone(), *a)).collect()
}

fn press(stage: &mut Stage, modifiers: Modifiers, key: Key) {
    stage.key(modifiers, key);
    stage.settle().unwrap();
}

const ALT: Modifiers = Modifiers::ALT;

fn ctrl_shift() -> Modifiers {
    Modifiers::COMMAND | Modifiers::SHIFT
}

#[test]
fn boxes_get_the_class_on_its_key_and_every_answer_is_one_step_of_undo() {
    let _one = alone();
    let mut stage = stage(vec![small_film()], Vec::new());
    press(&mut stage, ALT, Key::Num1);
    press(&mut stage, Modifiers::NONE, Key::U);
    stage.drag(
        [440.0, 300.0],
        [520.0, 360.0],
        PointerButton::Primary,
        Modifiers::NONE,
    );
    stage.settle().unwrap();
    let drawn = marks(&stage);
    assert_eq!(drawn.len(), 1);
    assert_eq!(
        (drawn[0].label.as_str(), drawn[0].shape.kind),
        ("Nodule", MarkKind::Rectangle)
    );
    assert_eq!(drawn[0].code.as_ref().unwrap().value, "27925004");
    // The mark is selected: the key names it.
    press(&mut stage, ALT, Key::Num2);
    assert_eq!(marks(&stage)[0].label, "Mass");
    press(&mut stage, ctrl_shift(), Key::Num2);
    press(&mut stage, ALT, Key::ArrowUp);
    press(&mut stage, ALT, Key::ArrowUp);
    let said = answers(&stage);
    let study = &drawn[0].target.study_uid;
    assert_eq!(said.len(), 2);
    assert!(
        said.iter()
            .all(|(q, _)| q.subject.study_uid == *study && q.reader.is_empty())
    );
    let find = |name: &str| said.iter().find(|(q, _)| q.name == name).unwrap();
    assert_eq!(find("BI-RADS").1, Answer::Grade(1));
    assert!(!find("BI-RADS").0.subject.is_image());
    assert_eq!(find("poor quality").1, Answer::Tag);
    assert_eq!(
        find("poor quality").0.subject.instance_uid,
        drawn[0].target.instance_uid
    );
    assert_eq!(stage.program().workspace.settings.side_tab, SideTab::Labels);
    // Grade 1, grade 0, tag, name, box.
    for (marks_left, answers_left) in [(1, 2), (1, 1), (1, 0), (1, 0), (0, 0)] {
        run(&mut stage, Command::Undo);
        assert_eq!(
            (marks(&stage).len(), answers(&stage).len()),
            (marks_left, answers_left)
        );
    }
    for _ in 0..5 {
        run(&mut stage, Command::Redo);
    }
    assert_eq!(answers(&stage), said);
    assert_eq!(marks(&stage)[0].label, "Mass");
    // Below the lowest grade there is none; the mouse does the same.
    press(&mut stage, ALT, Key::ArrowDown);
    press(&mut stage, ALT, Key::ArrowDown);
    assert_eq!(answers(&stage).len(), 1);
    stage.harness().get_by_label("BI-RADS 4").click();
    stage.settle().unwrap();
    assert_eq!(answers(&stage).len(), 2);
    stage.harness().get_by_label("BI-RADS 4").click();
    stage.settle().unwrap();
    assert_eq!(
        answers(&stage).len(),
        1,
        "the same grade again takes it away"
    );
    stage
        .program_mut()
        .workspace
        .act(Action::Speak(Language::SimplifiedChinese));
    stage.settle().unwrap();
    stage.harness().get_by_label("质量差").click();
    stage.settle().unwrap();
    assert!(answers(&stage).is_empty());
}

#[test]
fn keypoints_are_placed_one_after_the_other_and_the_next_set_begins() {
    let _one = alone();
    let mut stage = stage(vec![ct()], Vec::new());
    press(&mut stage, ctrl_shift(), Key::P);
    for at in 0..5u8 {
        let x = 430.0 + 25.0 * f32::from(at);
        stage.click([x, 300.0], PointerButton::Primary, Modifiers::NONE);
        stage.settle().unwrap();
    }
    let placed = marks(&stage);
    let said: Vec<_> = placed
        .iter()
        .map(|m| (m.label.as_str(), m.group.as_str()))
        .collect();
    let set = "Heart and thorax";
    let second = "Heart and thorax #2";
    assert_eq!(
        said,
        [
            ("heart right", set),
            ("heart left", set),
            ("thorax right", set),
            ("thorax left", set),
            ("heart right", second),
        ]
    );
    // One that is taken back is placed again.
    run(&mut stage, Command::Undo);
    run(&mut stage, Command::Undo);
    assert_eq!(marks(&stage).len(), 3);
    stage.click([600.0, 300.0], PointerButton::Primary, Modifiers::NONE);
    stage.settle().unwrap();
    let fourth = marks(&stage)[3].clone();
    assert_eq!(
        (fourth.label.as_str(), fourth.group.as_str()),
        ("thorax left", set)
    );
}

#[test]
fn a_schema_is_opened_like_a_picture_and_a_bad_one_is_refused() {
    let _one = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("breast.toml");
    std::fs::write(
        &path,
        "name = \"b\"\n[[label]]\nname = \"Lump\"\n[[tag]]\nname = \"dense\"\n",
    )
    .unwrap();
    let mut stage = stage(vec![small_film()], Vec::new());
    stage.program_mut().workspace.act(Action::Open(vec![path]));
    stage.settle().unwrap();
    let schema = stage.program().workspace.labelling.schema.clone();
    assert_eq!((schema.name.as_str(), schema.tags.len()), ("b", 1));
    let segmenting = &stage.program().workspace.segmenting;
    assert_eq!(
        segmenting.schema.as_deref(),
        Some("b"),
        "segments have the same classes"
    );
    assert!(
        segmenting
            .schemas
            .iter()
            .any(|s| s.name == "b" && s.labels.len() == 1)
    );
    stage.harness().get_by_label("dense").click();
    stage.settle().unwrap();
    let workspace = &stage.program().workspace;
    assert_eq!(workspace.answer("dense", Scope::Image), Some(Answer::Tag));
    let bad = folder.path().join("bad.toml");
    std::fs::write(&bad, "[[tag]]\nname = \"\"\n").unwrap();
    stage.program_mut().workspace.act(Action::Open(vec![bad]));
    stage.settle().unwrap();
    let workspace = &stage.program().workspace;
    assert_eq!(workspace.labelling.schema, schema, "what counted counts on");
    assert!(
        workspace
            .notices
            .iter()
            .any(|n| n.key == "notice-schema-failed")
    );
}
