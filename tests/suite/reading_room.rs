//! What a reader's hands meet around the pictures: bands of patients, windows on several monitors, parts of mammograms,
//! films, the tag browser, the windows of filtered pictures.

use crate::{
    bad_input::build::{Bytes, Slice},
    ui_snapshots::{alone, run, stage, texts},
};
use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use negatoscope::{
    app::{screen, stage::Stage},
    workspace::{
        Action, Command,
        monitors::{Monitor, Monitors, Place},
        view::VoiChoice,
    },
};
use std::path::Path;

fn text(stage: &mut Stage, cell: usize) -> String {
    stage.settle().unwrap();
    texts(&screen::describe(stage), cell)
}

fn holds(stage: &mut Stage, label: &str) -> bool {
    stage.settle().unwrap();
    let mut found = stage.harness().query_all_by_label_contains(label);
    found.next().is_some()
}

/// One picture of each of these people, the first one's the newest.
fn people(folder: &Path, names: &[(&'static str, &'static str)]) {
    for (n, patient) in names.iter().enumerate() {
        let slice = Slice {
            patient: *patient,
            study: format!("1.2.9.{n}"),
            series: format!("1.2.9.{n}.1"),
            uid: format!("1.2.9.{n}.1.1"),
            ..Slice::default()
        };
        slice
            .text(8, 0x20, b"DA", &format!("20240{}01", 9 - n))
            .write(folder, &format!("{}.dcm", names.len() - n));
    }
}

#[test]
fn every_patient_has_a_letter_of_their_own_and_keeps_it() {
    let _one = alone();
    let folder = tempfile::tempdir().unwrap();
    people(folder.path(), &[("FIRST^A", "1"), ("SECOND^B", "2")]);
    let mut stage = stage(vec![folder.path().to_owned()], Vec::new());
    let letters = |stage: &Stage| -> Vec<String> {
        let workspace = &stage.program().workspace;
        let patients = workspace.library.patients.iter();
        let band =
            |p: &negatoscope::workspace::library::PatientNode| workspace.bands.of(&p.identity);
        patients.map(|p| band(p).unwrap().letter()).collect()
    };
    assert_eq!(letters(&stage), ["A", "B"]);
    // A patient who comes later and stands first in the library takes nobody's.
    let later = tempfile::tempdir().unwrap();
    people(later.path(), &[("NEWEST^N", "3")]);
    stage
        .program_mut()
        .workspace
        .act(Action::Open(vec![later.path().to_owned()]));
    stage.settle().unwrap();
    let mut now = letters(&stage);
    now.sort();
    assert_eq!(now, ["A", "B", "C"]);
    let workspace = &mut stage.program_mut().workspace;
    let of = |name: &str| {
        let patient = workspace.library.patients.iter().find(|p| {
            let shown = p.identity.name.reveal().display();
            shown.contains(name)
        });
        workspace
            .bands
            .of(&patient.unwrap().identity)
            .unwrap()
            .letter()
    };
    assert_eq!(
        (of("FIRST"), of("SECOND"), of("NEWEST")),
        ("A".into(), "B".into(), "C".into())
    );
    // Side by side each picture says whose it is, in every state of the text (safety S3).
    workspace.set_layout(negatoscope::model::arrangement::Layout::TWO);
    let key = |name: &str| {
        let series = workspace.library.series().find(|s| {
            let shown = s.patient.name.reveal().display();
            shown.contains(name)
        });
        series.unwrap().key.clone()
    };
    let [first, second] = [key("FIRST"), key("SECOND")];
    workspace.show_key(0, &first);
    workspace.show_key(1, &second);
    for _ in 0..3 {
        let shown = [text(&mut stage, 0), text(&mut stage, 1)];
        assert!(shown[0].contains("A  FIRST"), "{}", shown[0]);
        assert!(shown[1].contains("B  SECOND"), "{}", shown[1]);
        run(&mut stage, Command::OverlayText);
    }
    run(&mut stage, Command::HideIdentity);
    assert!(text(&mut stage, 1).contains("B  Identity hidden"));
}

fn two_monitors() -> Monitors {
    let monitor = |name: &str, at, size| Monitor {
        at,
        size,
        name: name.to_owned(),
    };
    Monitors::new(vec![
        monitor("DP-1", [0, 0], [1920, 1080]),
        monitor("DP-2", [1920, 0], [2048, 2560]),
    ])
}

#[test]
fn windows_come_back_on_the_monitors_they_stood_on() {
    let _one = alone();
    let (folder, kept) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    people(folder.path(), &[("FIRST^A", "1")]);
    let begin = || {
        let mut stage = stage(vec![folder.path().to_owned()], Vec::new());
        let workspace = &mut stage.program_mut().workspace;
        workspace.open_windows(kept.path());
        workspace.open_shelf(kept.path().to_owned());
        stage.settle().unwrap();
        stage
    };
    let place = |at, size| Place {
        at: Some(at),
        size,
        maximised: false,
    };
    let (main, view) = (
        place([40, 60], [1500, 900]),
        place([2000, 100], [1900, 2300]),
    );
    let moved = place([2300, 400], [800, 800]);
    {
        let mut stage = begin();
        let workspace = &mut stage.program_mut().workspace;
        assert_eq!(workspace.take_monitors(two_monitors()), None);
        run(&mut stage, Command::LayoutTwo);
        let workspace = &mut stage.program_mut().workspace;
        workspace.toggle_detached(1);
        workspace.window_at(None, main);
        workspace.window_at(Some(1), view);
        workspace.act(Action::SaveLayout("two screens".into()));
        workspace.window_at(Some(1), moved);
        workspace.note_windows();
    }
    let mut stage = begin();
    // Layouts are read by a thread of their own.
    let mut steps = 0;
    while stage.program().workspace.shelf.names().next().is_none() {
        stage.step();
        std::thread::sleep(std::time::Duration::from_millis(5));
        steps += 1;
        assert!(steps < 2000, "no layout was read");
    }
    let workspace = &mut stage.program_mut().workspace;
    assert_eq!(workspace.take_monitors(two_monitors()), Some(main));
    assert_eq!(workspace.detached.collect::<Vec<_>>(), [1]);
    assert_eq!(workspace.windows.views.get(&1), Some(&moved));
    // Told again, nothing moves.
    assert_eq!(workspace.take_monitors(two_monitors()), None);
    // The saved layout brings its own place along, and says so to the window that is open.
    let before = workspace.windows.moved;
    workspace.act(Action::RecallLayout("two screens".into()));
    assert_eq!(workspace.windows.views.get(&1), Some(&view));
    assert!(workspace.windows.moved > before);
    // One monitor, never seen before: what stood on the other comes back into the main window.
    let one = Monitors::new(vec![two_monitors().list()[0].clone()]);
    assert_eq!(workspace.take_monitors(one), None);
    assert!(workspace.detached.is_empty());
    // Both again: as they stood, apart from what happened on the one.
    workspace.take_monitors(two_monitors());
    assert_eq!(workspace.detached.collect::<Vec<_>>(), [1]);
    let text = std::fs::read_to_string(kept.path().join("windows.toml")).unwrap();
    assert!(
        !text.contains("FIRST") && text.contains("1920x1080+0+0 2048x2560+1920+0"),
        "{text}"
    );
}

#[test]
fn a_mammogram_is_gone_through_part_by_part() {
    let _one = alone();
    let folder = tempfile::tempdir().unwrap();
    let (rows, columns) = (2000u16, 1500u16);
    let values: Vec<u8> = (0..u32::from(rows) * u32::from(columns))
        .flat_map(|i| ((i % 4000) as u16).to_le_bytes())
        .collect();
    let mut slice = Slice {
        position: None,
        rescale: None,
        signed: 0,
        spacing: None,
        ..Slice::default()
    }
    .text(8, 0x16, b"UI", "1.2.840.10008.5.1.4.1.1.1.2")
    .text(8, 0x60, b"CS", "MG")
    .text(0x18, 0x1164, b"DS", "0.07\\0.07")
    .text(0x18, 0x5101, b"CS", "CC")
    .text(0x20, 0x62, b"CS", "R");
    (slice.rows, slice.columns) = (rows, columns);
    slice.pixels = Bytes::default().put(0x7FE0, 0x10, b"OW", &values).0;
    slice.write(folder.path(), "cc.dcm");
    let mut stage = stage(vec![folder.path().to_owned()], Vec::new());
    run(&mut stage, Command::StageNext);
    stage.settle().unwrap();
    let corner = |stage: &Stage| {
        let workspace = &stage.program().workspace;
        let size = workspace.linking.size_of(0).unwrap();
        let picture = workspace.viewports[0].picture(size).unwrap();
        let part = workspace.viewports[0].part(size).unwrap();
        assert!(
            (picture.magnification - 1.0).abs() < 1e-9,
            "{}",
            picture.magnification
        );
        let [low, high] = [[0.0, 0.0], size.map(f64::from)].map(|[x, y]| picture.voxel_at(x, y));
        (part, [low.x, low.y, high.x, high.y])
    };
    let ((part, count), [left, top, ..]) = corner(&stage);
    assert_eq!(part, 0);
    assert!(count >= 4, "{count}");
    assert!(
        (left + 0.5).abs() < 1e-6 && (top + 0.5).abs() < 1e-6,
        "{left} {top}"
    );
    assert!(text(&mut stage, 0).contains(&format!("Part 1 of {count}")));
    for number in 1..count {
        stage.key(Modifiers::NONE, Key::Period);
        assert_eq!(corner(&stage).0, (number, count));
    }
    let (_, [.., right, bottom]) = corner(&stage);
    let (columns, rows) = (f64::from(columns), f64::from(rows));
    assert!((right - (columns - 0.5)).abs() < 1e-6, "{right}");
    assert!((bottom - (rows - 0.5)).abs() < 1e-6, "{bottom}");
    // Behind the last part comes the next stage, and back again the last part.
    stage.key(Modifiers::NONE, Key::Period);
    stage.settle().unwrap();
    assert_eq!(
        stage.program().workspace.viewports[0].view.framing.part,
        None
    );
    stage.key(Modifiers::NONE, Key::Comma);
    stage.settle().unwrap();
    assert_eq!(corner(&stage).0, (count - 1, count));
    stage.key(Modifiers::NONE, Key::Comma);
    assert_eq!(corner(&stage).0, (count - 2, count));
}

#[test]
fn a_film_leaves_its_picture_whole() {
    let _one = alone();
    let folder = tempfile::tempdir().unwrap();
    // A beating heart: one slice, the images numbered against the time.
    for n in 0..6 {
        let slice = Slice {
            uid: format!("1.2.3.4.{n}"),
            number: n + 1,
            position: Some([0.0; 3]),
            ..Slice::default()
        };
        let after_beat = format!("{}", 200 - 40 * n);
        slice
            .text(0x18, 0x1060, b"DS", &after_beat)
            .write(folder.path(), &format!("{n}.dcm"));
    }
    let mut stage = stage(vec![folder.path().to_owned()], Vec::new());
    stage.settle().unwrap();
    assert!(
        text(&mut stage, 0).contains("phase at 0 ms"),
        "{}",
        text(&mut stage, 0)
    );
    run(&mut stage, Command::NextImage);
    assert!(text(&mut stage, 0).contains("phase at 40 ms"));
    let workspace = &stage.program().workspace;
    let film = workspace.film(0).expect("frames of a beat are a film");
    // 40 ms from frame to frame.
    assert!((film.rate() - 25.0).abs() < 1e-6, "{}", film.rate());
    let cell = stage.harness().get_by_label("View 1").rect();
    let bar = stage.harness().get_by_label("Play").rect();
    assert!(bar.top() >= cell.bottom(), "{bar} lies over {cell}");
    let size = stage.program().workspace.linking.size_of(0).unwrap();
    assert_eq!(size[1], cell.height().round() as u32);
}

#[test]
fn the_tag_browser_is_walked_by_keys_and_keeps_what_is_open() {
    let _one = alone();
    let folder = tempfile::tempdir().unwrap();
    for n in 0..2 {
        let slice = Slice {
            uid: format!("1.2.3.4.{n}"),
            number: n + 1,
            position: Some([0.0, 0.0, 3.0 * f64::from(n)]),
            ..Slice::default()
        };
        let item = Bytes::default().put(8, 0x1155, b"UI", b"1.2.3.99");
        let sequence = Bytes::default().sequence(8, 0x1140, &[item]);
        let mut slice = slice;
        slice.more.push((8, 0x1140, sequence.0));
        slice.write(folder.path(), &format!("{n}.dcm"));
    }
    let mut stage = stage(vec![folder.path().to_owned()], Vec::new());
    run(&mut stage, Command::Tags);
    assert!(
        holds(&mut stage, "ReferencedSOPInstanceUID"),
        "short sequences are open"
    );
    // Down to the sequence, and close it with the arrow to the left.
    let chosen = |stage: &Stage| stage.program().state.tags.chosen().to_owned();
    let mut steps = 0;
    while chosen(&stage) != "(0008,1140)" {
        stage.key(Modifiers::NONE, Key::ArrowDown);
        steps += 1;
        assert!(steps < 200, "{}", chosen(&stage));
    }
    stage.key(Modifiers::NONE, Key::ArrowLeft);
    assert!(!holds(&mut stage, "ReferencedSOPInstanceUID"));
    // The same in the next image: what is closed stays closed, and the row stays chosen.
    run(&mut stage, Command::NextImage);
    stage.settle().unwrap();
    assert!(!holds(&mut stage, "ReferencedSOPInstanceUID"));
    assert_eq!(chosen(&stage), "(0008,1140)");
    for (key, open) in [
        (Key::Enter, true),
        (Key::Enter, false),
        (Key::ArrowRight, true),
    ] {
        stage.key(Modifiers::NONE, key);
        assert_eq!(
            holds(&mut stage, "ReferencedSOPInstanceUID"),
            open,
            "{key:?}"
        );
    }
    stage.key(Modifiers::NONE, Key::ArrowRight);
    stage.key(Modifiers::NONE, Key::ArrowRight);
    stage.settle().unwrap();
    assert_eq!(chosen(&stage), "(0008,1140)[1](0008,1155)");
    stage.key(Modifiers::NONE, Key::ArrowLeft);
    stage.settle().unwrap();
    assert_eq!(chosen(&stage), "(0008,1140)[1]");
    // The image did not move under the keys; Escape closes.
    assert_eq!(stage.program().workspace.viewports[0].slice_index(), 1);
    stage.key(Modifiers::NONE, Key::Escape);
    assert!(!stage.program().workspace.tags.open);
    stage.key(Modifiers::NONE, Key::ArrowUp);
    assert_eq!(stage.program().workspace.viewports[0].slice_index(), 0);
}

#[test]
fn slopes_are_windowed_by_what_they_are() {
    let _one = alone();
    let folder = tempfile::tempdir().unwrap();
    let (rows, columns) = (64usize, 64usize);
    // A ramp: its slope is 10 everywhere but at the borders.
    let values: Vec<u8> = (0..rows * columns)
        .flat_map(|i| ((i % columns * 10) as i16).to_le_bytes())
        .collect();
    let slice = Slice {
        rows: rows as u16,
        columns: columns as u16,
        rescale: Some(("0", "1")),
        ..Slice::default()
    };
    let path = slice.native(&values).write(folder.path(), "ramp.dcm");
    let mut stage = stage(vec![path], vec![]);
    let before = stage.program().workspace.viewports[0].view.voi.clone();
    let set = |stage: &mut Stage, filters: &[&str]| {
        let filters: Vec<String> = filters.iter().map(|f| (*f).to_owned()).collect();
        let workspace = &mut stage.program_mut().workspace;
        workspace.set_filters(0, &filters).unwrap();
        stage.settle().unwrap();
    };
    set(&mut stage, &["gaussian"]);
    assert_eq!(stage.program().workspace.viewports[0].view.voi, before);
    set(&mut stage, &["sobel"]);
    let viewport = &stage.program().workspace.viewports[0];
    assert!(matches!(
        viewport.view.voi,
        VoiChoice::Result {
            percent: [5, 95],
            ..
        }
    ));
    let level = viewport.result_window.expect("the window of the result");
    // A ramp of ten a pixel has 20 between neighbours of a pixel, in one of two directions; half of it at the borders.
    let inner = 20.0 / 2f64.sqrt();
    let (low, high) = (
        level.center - level.width / 2.0,
        level.center + level.width / 2.0,
    );
    assert!(
        low >= inner / 2.0 - 1e-3 && high <= inner + 1e-3,
        "{low} {high}"
    );
    assert_eq!(viewport.voi().level(), Some(level));
    assert!(text(&mut stage, 0).contains("filtered, 5 to 95 %"));
    // The original is shown as before, and so is the picture without the filter.
    run(&mut stage, Command::ShowOriginal);
    assert!(text(&mut stage, 0).contains("Original"));
    run(&mut stage, Command::ShowOriginal);
    set(&mut stage, &[]);
    assert_eq!(stage.program().workspace.viewports[0].view.voi, before);
    run(&mut stage, Command::Undo);
    assert!(text(&mut stage, 0).contains("filtered, 5 to 95 %"));
    // The window of the hand counts over it.
    let level = negatoscope::model::lut::WindowLevel {
        center: 5.0,
        width: 10.0,
    };
    let workspace = &mut stage.program_mut().workspace;
    workspace.act(Action::Window(VoiChoice::Custom(level)));
    assert!(text(&mut stage, 0).contains("by hand"));
}
