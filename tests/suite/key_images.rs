//! Key images in the window, and the marks of a report on its images.

use crate::{
    bad_input::build::{EXPLICIT, Slice, file},
    content::{item, reference, report},
    ui_snapshots::{alone, run, stage, texts},
};
use negatoscope::{
    app::{screen, stage::Stage},
    model::{
        annotation::{
            Annotation, AnnotationId, AnnotationTarget, Author, MarkKind, PointSpace, Shape,
        },
        exchange::MarksRead,
    },
    workspace::{Action, Command, event::Event},
};

const CT: &str = "1.2.840.10008.5.1.4.1.1.2";

/// Three slices, and a report with a line on the last.
fn study() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for k in 0..3 {
        let slice = Slice {
            uid: format!("1.2.3.4.{k}"),
            number: k + 1,
            position: Some([0.0, 0.0, -3.0 * f64::from(k)]),
            ..Slice::default()
        };
        slice.write(folder.path(), &format!("{k}.dcm"));
    }
    let image =
        item("SELECTED FROM", "IMAGE", "").sequence(8, 0x1199, &[reference(CT, "1.2.3.4.2")]);
    let values: Vec<u8> = [1.5f32, 2.5, 4.5, 6.5]
        .iter()
        .flat_map(|v| v.to_le_bytes())
        .collect();
    let line = item("CONTAINS", "SCOORD", "Length")
        .put(0x70, 0x22, b"FL", &values)
        .text(0x70, 0x23, b"CS", "POLYLINE")
        .sequence(0x40, 0xA730, &[image]);
    std::fs::write(
        folder.path().join("report.dcm"),
        file(EXPLICIT, &report(&[line])),
    )
    .unwrap();
    folder
}

fn says(stage: &mut Stage, text: &str) -> bool {
    let tree = screen::describe(stage);
    texts(&tree, 0).contains(text)
}

#[test]
fn a_key_image_is_marked_found_again_and_taken_back() {
    let _one = alone();
    let folder = study();
    let mut stage = stage(vec![folder.path().to_owned()], Vec::new());
    run(&mut stage, Command::FirstImage);
    assert!(!says(&mut stage, "Key image"));
    run(&mut stage, Command::KeyImage);
    assert!(says(&mut stage, "Key image"));
    run(&mut stage, Command::LastImage);
    assert!(!says(&mut stage, "Key image"));
    run(&mut stage, Command::NextKeyImage);
    assert!(says(&mut stage, "Key image"));
    assert_eq!(stage.program().workspace.viewports[0].slice_index(), 0);
    run(&mut stage, Command::KeyImage);
    assert!(!says(&mut stage, "Key image"));
    assert!(stage.program().workspace.marks.key_images().is_empty());
}

#[test]
fn marks_that_no_journal_takes_keep_none_of_the_others_out() {
    let _one = alone();
    let folder = study();
    let mut stage = stage(vec![folder.path().to_owned()], Vec::new());
    let workspace = &mut stage.program_mut().workspace;
    let mark = |id: &str, label: usize| {
        let target = AnnotationTarget {
            instance_uid: "1.2.3.4.1".into(),
            frame: 1,
            ..AnnotationTarget::default()
        };
        let shape = Shape::new(MarkKind::Point, [glam::DVec3::ONE]);
        let id = AnnotationId(id.into());
        let mut mark = Annotation::new(id, target, PointSpace::Pixel, shape);
        mark.label = "x".repeat(label);
        mark
    };
    let read = MarksRead {
        marks: vec![mark("long", 1 << 20), mark("short", 10)],
        ..MarksRead::default()
    };
    let news = Event::MarksRead(Ok(Box::new(read)));
    workspace.sender().send(news).unwrap();
    workspace.poll();
    assert_eq!(workspace.marks.set().len(), 1);
    let said = workspace.notices.iter().rev();
    let mut said = said.filter(|n| n.key == "notice-marks-imported");
    assert!(said.next().is_some_and(|n| n.detail == "1 + 1"));
}

#[test]
fn the_marks_of_a_report_come_onto_its_images_once() {
    let _one = alone();
    let folder = study();
    let mut stage = stage(vec![folder.path().to_owned()], Vec::new());
    let workspace = &mut stage.program_mut().workspace;
    let object = workspace.library.objects().next().unwrap().key.clone();
    workspace.act(Action::ShowObject { cell: 0, object });
    stage.settle().unwrap();
    for _ in 0..2 {
        run(&mut stage, Command::ShowMarks);
        stage.settle().unwrap();
        let marks = &stage.program().workspace.marks;
        assert_eq!(marks.set().len(), 1);
        let mark = marks.set().iter().next().unwrap();
        assert_eq!(mark.shape.kind, MarkKind::Length);
        assert_eq!(mark.target.instance_uid, "1.2.3.4.2");
        assert_eq!(
            mark.target.series_uid,
            stage.program().workspace.viewports[1]
                .node
                .as_ref()
                .unwrap()
                .description
                .uid
        );
        assert!(matches!(mark.author, Author::Foreign(_)));
        // Its image stands beside the report, which is the active one again for the second time.
        stage.program_mut().workspace.act(Action::Activate(0));
    }
    run(&mut stage, Command::Undo);
    assert!(stage.program().workspace.marks.set().is_empty());
}
