//! Calibration by a known length: in the window with its question, its history and its store, and by the command line.

use crate::{
    bad_input::build::Slice,
    keeping,
    store::run as run_program,
    ui_snapshots::{alone, run, texts},
};
use egui::{Key, Modifiers, PointerButton};
use egui_kittest::kittest::Queryable as _;
use negatoscope::{
    app::{screen, stage::Stage},
    i18n::Language,
    model::annotation::MarkKind,
    workspace::{Action, Command, calibrating::Asked},
};
use serde_json::{Value, json};
use std::{fs, path::Path, process};

/// Two radiographs of one series without any spacing, and one at the detector.
fn films(folder: &Path) {
    for (number, spacing) in [(1, ""), (2, ""), (3, r"0.2\0.2")] {
        let mut film = Slice {
            uid: format!("1.2.3.1.{number}"),
            study: "1.2.3".into(),
            series: "1.2.3.1".into(),
            number,
            rows: 400,
            columns: 300,
            spacing: None,
            position: None,
            ..Slice::default()
        }
        .native(&[7; 2 * 400 * 300])
        .text(8, 0x60, b"CS", "DX");
        if !spacing.is_empty() {
            film = film.text(0x18, 0x1164, b"DS", spacing);
        }
        film.write(folder, &format!("{number}.dcm"));
    }
}

fn said(stage: &mut Stage) -> String {
    texts(&screen::describe(stage), 0)
}

fn drag(stage: &mut Stage, from: [f32; 2], to: [f32; 2]) {
    stage.drag(from, to, PointerButton::Primary, Modifiers::NONE);
    stage.settle().unwrap();
}

fn typed(stage: &mut Stage, label: &str, text: &str) {
    stage.harness().get_by_label(label).focus();
    stage.step();
    stage.harness().event(egui::Event::Text(text.into()));
    stage.step();
}

fn press(stage: &mut Stage, label: &str) {
    stage.harness().get_by_label(label).click();
    stage.settle().unwrap();
}

/// The day that the program signs with.
fn today() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%d").to_string()
}

fn length_of_the_mark(stage: &Stage) -> f64 {
    let marks = stage.program().workspace.marks.set();
    let line = marks.iter().find(|m| m.shape.kind == MarkKind::Length);
    let points = &line.unwrap().shape.points;
    points[0].distance(points[1])
}

#[test]
fn a_line_is_drawn_its_length_said_and_all_like_frames_have_millimetres() {
    let _alone = alone();
    let (study, (_folder, dir)) = (tempfile::tempdir().unwrap(), keeping::made());
    films(study.path());
    let mut stage = keeping::window(study.path(), Some(&dir));
    assert!(said(&mut stage).contains("px (uncalibrated)"));
    // Nothing is selected: a line is to be drawn first.
    run(&mut stage, Command::Calibrate);
    assert_eq!(stage.program().workspace.calibrating.asked, Asked::ToDraw);
    drag(&mut stage, [440.0, 300.0], [560.0, 340.0]);
    let px = length_of_the_mark(&stage);
    assert!(said(&mut stage).contains(&format!("{px:.1} px (uncalibrated)")));
    // Zoomed and moved, so that the picture has a place on the screen to keep.
    typed(&mut stage, "True length", "2.5");
    press(&mut stage, "cm");
    // Nobody signs yet.
    press(&mut stage, "Calibrate");
    assert!(
        stage
            .program()
            .workspace
            .marks
            .kept()
            .calibrations
            .is_empty()
    );
    typed(&mut stage, "Calibrated by", "A. Reader");
    press(&mut stage, "Calibrate");
    let by = format!("cal. A. Reader {}", today());
    let text = said(&mut stage);
    assert!(text.contains(&format!("25.0 mm ({by})")), "{text}");
    let badge = format!("mm (user calibration by A. Reader, {})", today());
    assert!(text.contains(&badge), "{text}");
    // The second frame is of the same geometry, the third is not.
    run(&mut stage, Command::NextImage);
    assert!(said(&mut stage).contains(&badge));
    run(&mut stage, Command::NextImage);
    assert!(said(&mut stage).contains("mm at detector (not corrected)"));
    run(&mut stage, Command::FirstImage);
    let speak = Action::Speak(Language::SimplifiedChinese);
    stage.program_mut().workspace.act(speak);
    stage.settle().unwrap();
    let text = said(&mut stage);
    assert!(
        text.contains(&format!("A. Reader 于 {} 校准", today())),
        "{text}"
    );
    stage
        .program_mut()
        .workspace
        .act(Action::Speak(Language::English));
    stage.settle().unwrap();
    // One step of the one history.
    run(&mut stage, Command::Undo);
    assert!(said(&mut stage).contains(&format!("{px:.1} px (uncalibrated)")));
    run(&mut stage, Command::Redo);
    assert!(said(&mut stage).contains(&format!("25.0 mm ({by})")));
    drop(stage);
    // It is durable, and comes back with the study.
    let kept = keeping::kept(&dir);
    let calibration = kept.calibrations.values().next().unwrap();
    assert_eq!(calibration.true_mm, 25.0);
    assert_eq!(calibration.by.text(), "A. Reader");
    let mut stage = keeping::window(study.path(), Some(&dir));
    assert!(said(&mut stage).contains(&format!("25.0 mm ({by})")));
    run(&mut stage, Command::RemoveCalibration);
    assert!(said(&mut stage).contains(&format!("{px:.1} px (uncalibrated)")));
    assert!(
        !stage
            .program()
            .workspace
            .is_enabled(Command::RemoveCalibration)
    );
    run(&mut stage, Command::Undo);
    assert!(said(&mut stage).contains(&format!("25.0 mm ({by})")));
}

#[test]
fn a_picture_keeps_its_place_on_the_screen_when_its_millimetres_change() {
    let _alone = alone();
    let study = tempfile::tempdir().unwrap();
    films(study.path());
    let mut stage = keeping::window(study.path(), None);
    run(&mut stage, Command::ZoomIn);
    let view = |stage: &Stage| stage.program().workspace.viewports[0].view.clone();
    // Off the middle.
    stage.drag(
        [500.0, 300.0],
        [560.0, 330.0],
        PointerButton::Middle,
        Modifiers::NONE,
    );
    stage.settle().unwrap();
    let under = |stage: &Stage| {
        let picture = stage.program().workspace.viewports[0].picture([640, 480]);
        picture.unwrap().voxel_at(100.0, 70.0)
    };
    run(&mut stage, Command::MarkLength);
    drag(&mut stage, [440.0, 300.0], [560.0, 340.0]);
    let (before, place) = (view(&stage), under(&stage));
    assert!(before.centre.is_some());
    run(&mut stage, Command::Calibrate);
    typed(&mut stage, "True length", "61,5");
    typed(&mut stage, "Calibrated by", "B");
    stage.key(Modifiers::NONE, Key::Enter);
    stage.settle().unwrap();
    assert!(said(&mut stage).contains("61.5 mm (cal. B"));
    assert_ne!(view(&stage).centre, before.centre);
    assert!(under(&stage).distance(place) < 1e-9);
    run(&mut stage, Command::Undo);
    assert_eq!(view(&stage), before, "bit for bit");
    run(&mut stage, Command::Redo);
    assert!(under(&stage).distance(place) < 1e-9);
}

#[test]
fn what_is_true_by_the_header_is_replaced_only_when_that_is_confirmed() {
    let _alone = alone();
    let study = tempfile::tempdir().unwrap();
    let film = Slice {
        uid: "1.2.3.1.1".into(),
        study: "1.2.3".into(),
        series: "1.2.3.1".into(),
        rows: 400,
        columns: 300,
        spacing: Some(r"0.15\0.15".into()),
        position: None,
        ..Slice::default()
    }
    .native(&[7; 2 * 400 * 300])
    .text(8, 0x60, b"CS", "DX")
    .text(0x18, 0x1164, b"DS", r"0.2\0.2")
    .text(0x28, 0x0A02, b"CS", "GEOMETRY");
    film.write(study.path(), "1.dcm");
    let mut stage = keeping::window(study.path(), None);
    assert!(said(&mut stage).contains("mm (geometry corrected)"));
    run(&mut stage, Command::MarkLength);
    drag(&mut stage, [440.0, 300.0], [560.0, 340.0]);
    run(&mut stage, Command::Calibrate);
    typed(&mut stage, "True length", "30");
    typed(&mut stage, "Calibrated by", "C");
    press(&mut stage, "Calibrate");
    assert!(said(&mut stage).contains("mm (geometry corrected)"));
    press(&mut stage, "Replace it all the same");
    press(&mut stage, "Calibrate");
    assert!(said(&mut stage).contains("30.0 mm (cal. C"));
}

#[test]
fn a_slice_in_the_patient_keeps_its_geometry() {
    let _alone = alone();
    let mut stage = crate::ui_snapshots::stage(vec![crate::ui_snapshots::ct()], Vec::new());
    run(&mut stage, Command::MarkLength);
    drag(&mut stage, [440.0, 300.0], [560.0, 340.0]);
    run(&mut stage, Command::Calibrate);
    let workspace = &stage.program().workspace;
    assert_eq!(workspace.calibrating.asked, Asked::Nothing);
    let told = workspace.notices.last().map(|n| n.key);
    assert_eq!(told, Some("notice-calibration-placed"));
}

/// What `measure` says to a list.
fn measured(study: &Path, list: &Value, store: Option<&Path>) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let spec = folder.path().join("spec.json");
    fs::write(&spec, list.to_string()).unwrap();
    let mut arguments = vec!["measure", study.to_str().unwrap(), "--json"];
    arguments.extend(["--spec", spec.to_str().unwrap()]);
    let output = match store {
        Some(dir) => run_program(dir, keeping::PASSPHRASE, &arguments, ""),
        None => process::Command::new(env!("CARGO_BIN_EXE_negatoscope"))
            .args(&arguments)
            .output()
            .unwrap(),
    };
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What a command with a store prints.
fn with_store(dir: &Path, arguments: &[&str], input: &str) -> String {
    let output = run_program(dir, keeping::PASSPHRASE, arguments, input);
    String::from_utf8(output.stdout).unwrap()
}

/// The answers to lines of `edit`, each its first words.
fn edit(dir: &Path, lines: &[&str]) -> Vec<String> {
    let said = with_store(dir, &["edit", "--stdin"], &lines.join("\n"));
    let words = |line: &str| {
        let all: Vec<&str> = line.split(' ').collect();
        let count = if all[0] == "ERR" { 3 } else { 2 };
        all[..count].join(" ")
    };
    said.lines().map(words).collect()
}

#[test]
fn a_list_may_calibrate_before_it_measures() {
    let study = tempfile::tempdir().unwrap();
    films(study.path());
    let line = json!([[10, 20], [10, 120]]);
    let measurements = json!([
        {"type": "length", "space": "pixel", "image": 1, "points": [[0, 0], [30, 40]]},
        {"type": "rectangle", "space": "pixel", "image": 2, "points": [[0, 0], [10, 20]], "statistics": false},
        {"type": "length", "space": "pixel", "image": 3, "points": [[0, 0], [30, 40]]},
    ]);
    let list = json!({
        "calibrations": [
            {"image": 1, "points": line, "true_mm": 25, "by": "D. Reader", "on": "2024-02-29"},
            {"image": 9, "points": line, "true_mm": 25, "by": "D. Reader"},
            {"image": 1, "points": [[0, 0], [3, 4]], "true_mm": 25, "by": "D. Reader"},
        ],
        "measurements": measurements,
    });
    let said = measured(study.path(), &list, None);
    let by = "mm (user calibration by D. Reader, 2024-02-29)";
    assert_eq!(said["calibrations"][0]["column_mm"], 0.25);
    assert_eq!(said["calibrations"][0]["source"], by);
    let code = |n: usize| &said["calibrations"][n]["refused"]["code"];
    assert_eq!(
        (code(1), code(2)),
        (&json!("NO_FRAME"), &json!("TOO_SHORT"))
    );
    let number = |n: usize, name: &str| said["measurements"][n]["quantities"][name].clone();
    assert_eq!(number(0, "length")["value"], 12.5);
    assert_eq!(number(0, "length")["source"], by);
    assert_eq!(number(1, "area")["value"], 12.5);
    assert_eq!(
        number(1, "area")["label"],
        "mm² (user calibration by D. Reader, 2024-02-29)"
    );
    assert_eq!(number(2, "length")["value"], 10.0);
    assert_eq!(
        number(2, "length")["source"],
        "mm at detector (not corrected)"
    );
}

#[test]
fn a_store_calibrates_exports_and_lists() {
    let (study, (_folder, dir)) = (tempfile::tempdir().unwrap(), keeping::made());
    films(study.path());
    let lines = [
        r#"{"op":"calibrate","study":"1.2.3","series":"1.2.3.1","instance":"1.2.3.1.1","points":[[10,20],[10,120]],"true_mm":25,"by":"E","created_ms":1709164800000}"#,
        r#"{"op":"add","id":"m","study":"1.2.3","series":"1.2.3.1","instance":"1.2.3.1.2","space":"pixel","shape":"length","points":[[0,0],[30,40]]}"#,
        r#"{"op":"calibrate","series":"1.2.3.1","instance":"1.2.3.1.1","points":[[10,20],[10,21]],"true_mm":25,"by":"E"}"#,
        r#"{"op":"calibrate","series":"1.2.3.1","instance":"1.2.3.1.1","points":[[10,20],[10,120]],"true_mm":25,"by":""}"#,
        r#"{"op":"uncalibrate","instance":"1.2.3.1.3"}"#,
    ];
    let answers = edit(&dir, &lines);
    assert_eq!(
        answers,
        [
            "ACK 1",
            "ACK 2",
            "ERR 3 INVALID",
            "ERR 4 INVALID",
            "ERR 5 MISSING"
        ]
    );
    let by = "mm (user calibration by E, 2024-02-29)";
    let out = tempfile::tempdir().unwrap();
    with_store(
        &dir,
        &[
            "annotations",
            "export",
            study.path().to_str().unwrap(),
            "--out",
            out.path().to_str().unwrap(),
            "--format=csv",
            "--format=json",
            "--format=sr",
        ],
        "",
    );
    let table = fs::read_to_string(out.path().join("marks.csv")).unwrap();
    assert!(
        table.contains(&format!("length,12.5,mm,\"{by}\"")),
        "{table}"
    );
    let text = fs::read_to_string(out.path().join("marks.json")).unwrap();
    let marks: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(marks["marks"][0]["quantities"]["length"]["value"], 12.5);
    assert_eq!(marks["marks"][0]["quantities"]["length"]["source"], by);
    let report = fs::read(out.path().join("sr-1.dcm")).unwrap();
    let holds = |text: &str| report.windows(text.len()).any(|w| w == text.as_bytes());
    assert!(holds(by) && holds("12.5"));
    // The list of points is measured by what the store keeps, when it is named.
    let list = json!({"measurements": [
        {"type": "length", "space": "pixel", "image": 2, "points": [[0, 0], [30, 40]]},
    ]});
    let length = |store| {
        let said = measured(study.path(), &list, store);
        said["measurements"][0]["quantities"]["length"]["source"].clone()
    };
    assert_eq!(length(Some(dir.as_path())), by);
    assert_eq!(length(None), "px (uncalibrated)");
    // Undo is the store's, too; and what is listed brings it back.
    let listed = with_store(&dir, &["edit", "--list"], "");
    let line = listed.lines().find(|l| l.contains("calibrate")).unwrap();
    let value: Value = serde_json::from_str(line).unwrap();
    assert_eq!(
        (&value["true_mm"], &value["by"]),
        (&json!(25.0), &json!("E"))
    );
    let answers = edit(&dir, &[r#"{"op":"uncalibrate","instance":"1.2.3.1.1"}"#]);
    assert_eq!(answers, ["ACK 1"]);
    assert!(keeping::kept(&dir).calibrations.is_empty());
    assert_eq!(edit(&dir, &[r#"{"op":"undo"}"#]), ["ACK 1"]);
    assert_eq!(keeping::kept(&dir).calibrations.len(), 1);
    assert_eq!(edit(&dir, &[r#"{"op":"undo"}"#, line]), ["ACK 1", "ACK 2"]);
    assert_eq!(keeping::kept(&dir).calibrations.len(), 1);
}
