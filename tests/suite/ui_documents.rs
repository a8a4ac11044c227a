//! Objects without a picture in the window: listed under their study, read as documents, and the way from them to pictures.

use crate::{
    bad_input::build::{Bytes, EXPLICIT, Slice, file},
    content::{code, header, heading, item, reference, refers, report},
    ui_snapshots::{alone, run, stage, texts},
};
use egui::{Key, Modifiers, PointerButton};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use negatoscope::{
    app::{screen, stage::Stage},
    i18n::Language,
    workspace::{Action, Command, state::Layout},
};
use serde_json::Value;
use std::path::{Path, PathBuf};

const CT: &str = "1.2.840.10008.5.1.4.1.1.2";

fn write(folder: &Path, name: &str, data_set: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, file(EXPLICIT, data_set)).unwrap();
    path
}

fn measured() -> Bytes {
    let number = Bytes::default()
        .sequence(0x40, 0x8EA, &[code("mm", "UCUM", "millimeter")])
        .text(0x40, 0xA30A, b"DS", "8.2");
    item("CONTAINS", "NUM", "Width").sequence(0x40, 0xA300, &[number])
}

/// Two slices and a report that points to the second.
fn study() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for k in 0..2 {
        let slice = Slice {
            uid: format!("1.2.3.4.{k}"),
            number: k + 1,
            position: Some([0.0, 0.0, -3.0 * f64::from(k)]),
            ..Slice::default()
        };
        slice.write(folder.path(), &format!("{k}.dcm"));
    }
    let group = item("CONTAINS", "CONTAINER", "Findings").sequence(
        0x40,
        0xA730,
        &[
            item("CONTAINS", "TEXT", "Finding").text(0x40, 0xA160, b"UT", "A small nodule"),
            measured(),
        ],
    );
    let items = [
        item("HAS OBS CONTEXT", "PNAME", "Observer").text(0x40, 0xA123, b"PN", "Roe^Richard"),
        group,
        item("CONTAINS", "IMAGE", "Source").sequence(8, 0x1199, &[reference(CT, "1.2.3.4.1")]),
        item("CONTAINS", "IMAGE", "Elsewhere").sequence(8, 0x1199, &[reference(CT, "1.9.9")]),
    ];
    write(folder.path(), "report.dcm", &report(&items));
    folder
}

fn click(stage: &mut Stage, label: &str) {
    let at = {
        let harness = stage.harness();
        let node = harness
            .query_all_by_label_contains(label)
            .last()
            .unwrap_or_else(|| panic!("nothing is labelled `{label}`"));
        node.rect().center()
    };
    stage.click([at.x, at.y], PointerButton::Primary, Modifiers::NONE);
    stage.settle().unwrap();
}

fn cell<'a>(tree: &'a Value, index: usize, field: &str) -> &'a Value {
    &tree["viewports"][index][field]
}

#[test]
fn a_report_is_listed_under_its_study_and_read_in_a_cell() {
    let _one = alone();
    let folder = study();
    let mut stage = stage(vec![folder.path().to_owned()], Vec::new());
    // The picture opens; the report waits in the list beside it.
    let tree = screen::describe(&mut stage);
    assert_eq!(cell(&tree, 0, "kind"), "stack");
    click(&mut stage, "CT Report");
    let tree = screen::describe(&mut stage);
    assert_eq!(cell(&tree, 0, "kind"), "document");
    assert_eq!(cell(&tree, 0, "document")["object"], "report");
    assert_eq!(cell(&tree, 0, "document")["items"], 7);
    let text = texts(&tree, 0);
    for part in [
        "DOE, JANE",
        "ID P1",
        "2024-02-29",
        "Structured report",
        "CT Report",
        "Completion Flag COMPLETE",
        "Observer Roe, Richard",
        "Finding A small nodule",
        "Width 8.2 mm",
    ] {
        assert!(text.contains(part), "`{part}` is missing in\n{text}");
    }
    // Commands of pictures have nothing to act on.
    let workspace = &stage.program().workspace;
    assert!(!workspace.is_enabled(Command::Invert));
    assert!(workspace.is_enabled(Command::Maximise));

    // A heading closes what lies below it.
    click(&mut stage, "Findings");
    let text = texts(&screen::describe(&mut stage), 0);
    assert!(
        text.contains("Findings") && !text.contains("Width"),
        "{text}"
    );
    click(&mut stage, "Findings");
    let text = texts(&screen::describe(&mut stage), 0);
    assert!(text.contains("Width 8.2 mm"), "{text}");

    // Nothing of who it is while identity is hidden.
    run(&mut stage, Command::HideIdentity);
    let text = texts(&screen::describe(&mut stage), 0);
    for secret in ["DOE", "P1", "Roe", "nodule"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    assert!(text.contains("Width 8.2 mm"), "{text}");
    run(&mut stage, Command::HideIdentity);
    let chinese = Action::Speak(Language::SimplifiedChinese);
    stage.program_mut().workspace.act(chinese);
    stage.settle().unwrap();
    let text = texts(&screen::describe(&mut stage), 0);
    assert!(
        text.contains("结构化报告") && text.contains("7 项"),
        "{text}"
    );
}

#[test]
fn a_reference_leads_to_the_image_beside_the_report() {
    let _one = alone();
    let folder = study();
    let mut stage = stage(vec![folder.path().to_owned()], Vec::new());
    click(&mut stage, "CT Report");
    // What is not open cannot be gone to.
    click(&mut stage, "Elsewhere");
    assert_eq!(stage.program().workspace.layout, Layout::ONE);
    click(&mut stage, "Source");
    let tree = screen::describe(&mut stage);
    assert_eq!(stage.program().workspace.layout, Layout::TWO);
    assert_eq!(cell(&tree, 0, "kind"), "document");
    assert_eq!(cell(&tree, 1, "kind"), "stack");
    // Sorted from the head: the second file lies lower and is the second image.
    assert_eq!(cell(&tree, 1, "slice"), 2);
    assert_eq!(tree["active"], 1);
}

#[test]
fn content_of_a_picture_and_back() {
    let _one = alone();
    let folder = study();
    let mut stage = stage(vec![folder.path().to_owned()], Vec::new());
    stage.key(Modifiers::NONE, Key::ArrowDown);
    stage.key(Modifiers::SHIFT, Key::T);
    stage.settle().unwrap();
    let tree = screen::describe(&mut stage);
    assert_eq!(cell(&tree, 0, "document")["object"], "picture");
    assert_eq!(cell(&tree, 0, "document")["sop_instance_uid"], "1.2.3.4.1");
    let text = texts(&tree, 0);
    assert!(
        text.contains("Modality CT") && text.contains("DOE, JANE"),
        "{text}"
    );
    stage.key(Modifiers::SHIFT, Key::T);
    stage.settle().unwrap();
    let tree = screen::describe(&mut stage);
    assert_eq!(cell(&tree, 0, "kind"), "stack");
    assert_eq!(cell(&tree, 0, "slice"), 2);
    // The keys that go through series go through objects as well.
    stage.key(Modifiers::NONE, Key::PageDown);
    stage.settle().unwrap();
    let tree = screen::describe(&mut stage);
    assert_eq!(cell(&tree, 0, "document")["object"], "report");
    stage.key(Modifiers::NONE, Key::PageUp);
    stage.settle().unwrap();
    assert_eq!(cell(&screen::describe(&mut stage), 0, "kind"), "stack");
}

#[test]
fn where_there_is_no_picture_the_document_opens() {
    let _one = alone();
    let folder = tempfile::tempdir().unwrap();
    let pdf = header("1.2.840.10008.5.1.4.1.1.104.1", "DOC")
        .text(0x42, 0x10, b"ST", "Lung function")
        .put(0x42, 0x11, b"OB", b"%PDF-1.4")
        .text(0x42, 0x12, b"LO", "application/pdf");
    write(folder.path(), "pdf.dcm", &pdf.0);
    let mut stage = stage(vec![folder.path().to_owned()], Vec::new());
    let tree = screen::describe(&mut stage);
    assert_eq!(cell(&tree, 0, "document")["object"], "document");
    let text = texts(&tree, 0);
    for part in ["Lung function", "application/pdf", "8 bytes", "DOE, JANE"] {
        assert!(text.contains(part), "`{part}` is missing in\n{text}");
    }
    stage
        .harness()
        .get_by_label("Research and education. Not for diagnostic use.");
}

#[test]
fn of_ten_thousand_items_only_those_on_the_screen_are_drawn() {
    let _one = alone();
    let folder = tempfile::tempdir().unwrap();
    let items: Vec<Bytes> = (0..10_000)
        .map(|n| item("CONTAINS", "TEXT", &format!("Item {n}")).text(0x40, 0xA160, b"UT", "a line"))
        .collect();
    write(folder.path(), "long.dcm", &report(&items));
    let mut stage = stage(vec![folder.path().to_owned()], Vec::new());
    let rows = |stage: &mut Stage| -> Vec<String> {
        let root = stage.harness().root();
        root.children_recursive()
            .filter_map(|node| node.accesskit_node().label())
            .filter(|label| label.starts_with("Item "))
            .collect()
    };
    let first = rows(&mut stage);
    assert!(first.contains(&"Item 0 a line".to_owned()), "{first:?}");
    assert!(first.len() < 60, "{} rows", first.len());
    stage.key(Modifiers::NONE, Key::End);
    stage.settle().unwrap();
    let last = rows(&mut stage);
    assert!(last.contains(&"Item 9999 a line".to_owned()), "{last:?}");
    assert!(last.len() < 60, "{} rows", last.len());
    stage.key(Modifiers::NONE, Key::Home);
    stage.settle().unwrap();
    assert_eq!(rows(&mut stage), first);
}

#[test]
fn a_report_is_dropped_into_a_cell() {
    let _one = alone();
    let folder = study();
    let mut stage = stage(vec![folder.path().to_owned()], Vec::new());
    run(&mut stage, Command::LayoutTwo);
    let centre = |stage: &mut Stage, label: &str| {
        let harness = stage.harness();
        let node = harness.query_all_by_label_contains(label).last();
        let at = node.unwrap().rect().center();
        [at.x, at.y]
    };
    let (from, to) = (
        centre(&mut stage, "CT Report"),
        centre(&mut stage, "View 2"),
    );
    stage.drag(from, to, PointerButton::Primary, Modifiers::NONE);
    stage.settle().unwrap();
    let tree = screen::describe(&mut stage);
    assert_eq!(cell(&tree, 0, "kind"), "stack");
    assert_eq!(cell(&tree, 1, "document")["object"], "report");
    // A series is dropped the same way.
    let (from, to) = (centre(&mut stage, "Axial"), centre(&mut stage, "View 2"));
    stage.drag(from, to, PointerButton::Primary, Modifiers::NONE);
    stage.settle().unwrap();
    assert_eq!(cell(&screen::describe(&mut stage), 1, "kind"), "stack");
    // The volume's cuts stand alone: a document goes beside the volume, not among them.
    stage.program_mut().workspace.active = 0;
    let report = stage
        .program()
        .workspace
        .library
        .objects()
        .next()
        .unwrap()
        .key
        .clone();
    assert!(stage.program().workspace.is_enabled(Command::LayoutMpr));
    run(&mut stage, Command::LayoutMpr);
    let action = Action::ShowObject {
        cell: 3,
        object: report,
    };
    stage.program_mut().workspace.act(action);
    stage.settle().unwrap();
    let tree = screen::describe(&mut stage);
    assert_eq!(stage.program().workspace.layout, Layout::TWO);
    assert_eq!(cell(&tree, 0, "kind"), "stack");
    assert_eq!(cell(&tree, 1, "kind"), "document");
}

#[test]
fn a_report_that_runs_in_a_circle_is_read_and_gives_no_marks() {
    let _one = alone();
    let folder = study();
    let items = [heading(&[heading(&[refers(&[1, 1])])])];
    write(folder.path(), "report.dcm", &report(&items));
    let mut stage = stage(vec![folder.path().to_owned()], Vec::new());
    click(&mut stage, "CT Report");
    let said = screen::describe(&mut stage)["nodes"].to_string();
    assert!(said.contains("refers in a circle"), "{said}");
    run(&mut stage, Command::ShowMarks);
    let workspace = &stage.program().workspace;
    assert!(workspace.marks.set().iter().next().is_none());
    let mut notices = workspace.notices.iter();
    assert!(notices.any(|notice| notice.key == "notice-marks-circle"));
}
