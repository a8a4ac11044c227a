//! Studies hang by their protocols in the real window: mammograms with their chest walls together, priors at the right,
//! stages, tiles, split cells, views in windows of their own, two patients, protocols by example.

use crate::{
    bad_input::build::{Bytes, Slice},
    ui_snapshots::{alone, run, stage, texts},
};
use egui::Modifiers;
use egui_kittest::kittest::Queryable as _;
use negatoscope::{
    app::{screen, stage::Stage},
    i18n::Language,
    model::{
        arrangement::{Grid, Parting},
        reading::ReadStatus,
    },
    phantom,
    workspace::{
        Action, Command,
        hanging::protocol::Protocol,
        state::Layout,
        study_list::{ListAction, row::key_of},
        view::ViewKind,
    },
};
use std::path::Path;

const MG: &str = "1.2.840.10008.5.1.4.1.1.1.2";
const CR: &str = "1.2.840.10008.5.1.4.1.1.1";
const MR: &str = "1.2.840.10008.5.1.4.1.1.4";
const US: &str = "1.2.840.10008.5.1.4.1.1.6.1";

/// A file of a study: number of the study and of the series, day, and what else the header says.
struct Film<'a> {
    patient: (&'static str, &'static str),
    study: u32,
    series: u32,
    class: &'a str,
    modality: &'a str,
    day: &'a str,
    more: &'a [(u16, u16, &'a [u8; 2], &'a str)],
}

impl Film<'_> {
    fn slice(&self) -> Slice {
        let mut slice = Slice {
            patient: self.patient,
            study: format!("1.2.7.{}", self.study),
            series: format!("1.2.7.{}.{}", self.study, self.series),
            uid: format!("1.2.7.{}.{}.1", self.study, self.series),
            position: None,
            rescale: None,
            signed: 0,
            image_type: "ORIGINAL\\PRIMARY",
            ..Slice::default()
        }
        .text(8, 0x16, b"UI", self.class)
        .text(8, 0x20, b"DA", self.day)
        .text(8, 0x30, b"TM", "080000")
        .text(8, 0x60, b"CS", self.modality)
        .text(0x20, 0x11, b"IS", &self.series.to_string());
        for (group, element, vr, value) in self.more {
            slice = slice.text(*group, *element, vr, value);
        }
        slice
    }

    fn write(&self, folder: &Path, values: Option<(u16, u16, &[u8])>) {
        let mut slice = self.slice();
        if let Some((rows, columns, bytes)) = values {
            (slice.rows, slice.columns) = (rows, columns);
            slice.spacing = None;
            slice.pixels = Bytes::default().put(0x7FE0, 0x10, b"OW", bytes).0;
        }
        slice.write(folder, &format!("{}-{}.dcm", self.study, self.series));
    }
}

const COLUMNS: usize = 160;

/// Four generated mammograms. The chest wall of the phantom is its left border; right breasts are mirrored, so that theirs
/// is the last column. The left MLO was written the wrong way round, and says so.
fn mammograms(folder: &Path, study: u32, day: &str) {
    for (series, side, view, lead) in [
        (1, "L", "MLO", "P"),
        (2, "R", "CC", "P"),
        (3, "L", "CC", "A"),
        (4, "R", "MLO", "P"),
    ] {
        // Another size for each view: one scale must hold all.
        let rows = if view == "CC" { 200 } else { 240 };
        let breast = phantom::mammogram(u64::from(series), COLUMNS, rows).unwrap();
        let mut values: Vec<Vec<u16>> = (0..rows)
            .map(|y| {
                (0..COLUMNS)
                    .map(|x| breast.frame.value(x, y, 0).unwrap() as u16)
                    .collect()
            })
            .collect();
        if lead == "P" {
            values.iter_mut().for_each(|row| row.reverse());
        }
        let bytes: Vec<u8> = values
            .iter()
            .flatten()
            .flat_map(|v| v.to_le_bytes())
            .collect();
        let spacing = format!("{0}\\{0}", breast.pixel_mm);
        let lead = format!("{lead}\\F");
        Film {
            patient: ("SYNTHETIC^MAMMO", "M1"),
            study,
            series,
            class: MG,
            modality: "MG",
            day,
            more: &[
                (8, 0x103E, b"LO", "screening"),
                (0x18, 0x15, b"CS", "BREAST"),
                (0x18, 0x1164, b"DS", &spacing),
                (0x18, 0x5101, b"CS", view),
                (0x20, 0x20, b"CS", &lead),
                (0x20, 0x62, b"CS", side),
                (0x28, 0x1050, b"DS", "2000"),
                (0x28, 0x1051, b"DS", "4000"),
            ],
        }
        .write(folder, Some((rows as u16, COLUMNS as u16, &bytes)));
    }
}

/// The word of each visible cell: view and side, `-` where it is empty.
fn shown(stage: &Stage) -> Vec<String> {
    let workspace = &stage.program().workspace;
    let cells = workspace.visible_cells().map(|cell| {
        let viewport = &workspace.viewports[cell];
        match &viewport.node {
            None => "-".to_owned(),
            Some(node) => {
                let series = &node.description;
                format!(
                    "{}{}{}",
                    series.laterality, series.view_position, series.description
                )
            }
        }
    });
    cells.collect()
}

#[test]
fn mammograms_hang_with_their_chest_walls_together() {
    let _one = alone();
    let dir = tempfile::tempdir().unwrap();
    mammograms(dir.path(), 1, "20240102");
    let mut stage = stage(vec![dir.path().to_owned()], Vec::new());
    let workspace = &stage.program().workspace;
    assert_eq!(workspace.layout, Layout::FOUR);
    assert_eq!(
        shown(&stage),
        [
            "RCCscreening",
            "LCCscreening",
            "RMLOscreening",
            "LMLOscreening"
        ]
    );
    let size = [300, 310];
    let mut scales = Vec::new();
    for cell in 0..4 {
        let viewport = &workspace.viewports[cell];
        let picture = viewport.picture(size).unwrap();
        scales.push(picture.unit_per_pixel);
        // Columns at the left and right border of the cell; -0.5 and 159.5 are the borders of the image.
        let [left, right] = [0.0, f64::from(size[0])].map(|x| picture.voxel_at(x, 155.0).x);
        let (wall, other) = if cell % 2 == 0 {
            (right, left)
        } else {
            (left, right)
        };
        // The phantom's wall: the last column of those that lead to P, the first of the one that leads to A.
        let expected = if cell == 1 {
            -0.5
        } else {
            COLUMNS as f64 - 0.5
        };
        assert!((wall - expected).abs() < 1e-6, "cell {cell}: {wall}");
        // Beyond the other end there is room: all fit one scale, the higher ones decide.
        assert!(!(-0.5..=159.5).contains(&other), "cell {cell}: {other}");
        // Only the one that was written the wrong way round is mirrored.
        assert_eq!(viewport.view.turn.is_mirrored(), cell == 3, "cell {cell}");
    }
    assert!(
        scales.iter().all(|s| (s - scales[0]).abs() < 1e-12),
        "{scales:?}"
    );
    // On the screen: tissue on both sides of the line between R and L, air at the outer borders.
    let places: Vec<egui::Rect> = (1..=4)
        .map(|n| stage.harness().get_by_label(&format!("View {n}")).rect())
        .collect();
    let picture = stage.screenshot().unwrap();
    let grey = |x: f32, y: f32| picture.get_pixel(x as u32, y as u32).0[1];
    for pair in [0, 2] {
        let (right, left) = (places[pair], places[pair + 1]);
        let y = right.center().y + 20.0;
        let bright = [grey(right.right() - 6.0, y), grey(left.left() + 6.0, y)];
        assert!(bright.iter().all(|v| *v > 60), "{bright:?}");
        let dark = [grey(right.left() + 20.0, y), grey(left.right() - 20.0, y)];
        assert!(dark.iter().all(|v| *v < 40), "{dark:?}");
    }
    // Flipping takes a picture to the side where its chest wall then is; resetting brings it back.
    stage.program_mut().workspace.active = 0;
    run(&mut stage, Command::FlipHorizontal);
    let wall = |stage: &Stage, x: f64| {
        let viewport = &stage.program().workspace.viewports[0];
        viewport.picture(size).unwrap().voxel_at(x, 155.0).x
    };
    assert!((wall(&stage, 0.0) - 159.5).abs() < 1e-6);
    run(&mut stage, Command::ResetView);
    assert!((wall(&stage, 300.0) - 159.5).abs() < 1e-6);
    // The next stage shows single views at one pixel a pixel.
    run(&mut stage, Command::StageNext);
    let viewport = &stage.program().workspace.viewports[0];
    let picture = viewport.picture(size).unwrap();
    assert!((picture.magnification - 1.0).abs() < 1e-9);
    assert_eq!(shown(&stage), ["RCCscreening"]);
    run(&mut stage, Command::StagePrevious);
    assert_eq!(stage.program().workspace.layout, Layout::FOUR);
}

#[test]
fn mammograms_hang_beside_their_prior() {
    let _one = alone();
    let dir = tempfile::tempdir().unwrap();
    mammograms(dir.path(), 1, "20240102");
    mammograms(dir.path(), 2, "20211230");
    let mut stage = stage(vec![dir.path().to_owned()], Vec::new());
    run(&mut stage, Command::WithPrior);
    let workspace = &stage.program().workspace;
    assert_eq!(workspace.layout, Layout::grid(4, 2));
    let days: Vec<Option<i64>> = (0..8).map(|c| workspace.days_before(c)).collect();
    let old = Some(733);
    assert_eq!(days, [None, None, old, old, None, None, old, old]);
    let views = ["RCC", "LCC", "RCC", "LCC", "RMLO", "LMLO", "RMLO", "LMLO"];
    assert_eq!(shown(&stage), views.map(|v| format!("{v}screening")));
    let tree = screen::describe(&mut stage);
    let texts: Vec<String> = (0..8).map(|cell| texts(&tree, cell)).collect();
    assert!(texts[0].contains("2024-01-02") && !texts[0].contains("Prior"));
    assert!(texts[2].contains("2021-12-30"), "{}", texts[2]);
    assert!(
        texts[2]
            .replace(['\u{2068}', '\u{2069}'], "")
            .contains("Prior, 2 years earlier")
    );
}

/// A chest film, frontal or lateral.
fn chest(
    folder: &Path,
    patient: (&'static str, &'static str),
    study: u32,
    series: u32,
    view: &str,
    day: &str,
) {
    Film {
        patient,
        study,
        series,
        class: CR,
        modality: "CR",
        day,
        more: &[
            (8, 0x103E, b"LO", "Chest"),
            (0x18, 0x15, b"CS", "CHEST"),
            (0x18, 0x5101, b"CS", view),
        ],
    }
    .write(folder, None);
}

const ANNA: (&str, &str) = ("SYNTHETIC^ANNA", "A1");
const BERTA: (&str, &str) = ("SYNTHETIC^BERTA", "B1");
const CLARA: (&str, &str) = ("SYNTHETIC^CLARA", "C1");

#[test]
fn films_go_through_their_stages_by_key() {
    let _one = alone();
    let dir = tempfile::tempdir().unwrap();
    chest(dir.path(), ANNA, 1, 1, "LL", "20240102");
    chest(dir.path(), ANNA, 1, 2, "PA", "20240102");
    chest(dir.path(), ANNA, 2, 1, "PA", "20230102");
    let mut stage = stage(vec![dir.path().to_owned()], Vec::new());
    assert_eq!(shown(&stage), ["PAChest", "LLChest"]);
    stage.key(Modifiers::NONE, egui::Key::Period);
    stage.settle().unwrap();
    assert_eq!(shown(&stage), ["PAChest", "PAChest"]);
    let workspace = &stage.program().workspace;
    assert_eq!(workspace.days_before(1), Some(365));
    assert_eq!(workspace.days_before(0), None);
    // At the end nothing goes on; and back.
    stage.key(Modifiers::NONE, egui::Key::Period);
    stage.key(Modifiers::NONE, egui::Key::Period);
    stage.key(Modifiers::NONE, egui::Key::Comma);
    stage.settle().unwrap();
    let hung = stage.program().workspace.hanging.now.clone().unwrap();
    assert!(hung.stage < 3);
    // The study before: the prior alone.
    stage.key(Modifiers::COMMAND, egui::Key::ArrowRight);
    stage.settle().unwrap();
    let study = stage.program().workspace.study_read().unwrap();
    assert_eq!(study.uid, "1.2.7.2");
    stage.key(Modifiers::COMMAND, egui::Key::ArrowLeft);
    stage.settle().unwrap();
    assert_eq!(
        stage.program().workspace.study_read().unwrap().uid,
        "1.2.7.1"
    );
}

#[test]
fn what_the_reader_arranged_is_not_touched() {
    let _one = alone();
    let dir = tempfile::tempdir().unwrap();
    chest(dir.path(), ANNA, 1, 1, "LL", "20240102");
    chest(dir.path(), ANNA, 1, 2, "PA", "20240102");
    let mut stage = stage(Vec::new(), Vec::new());
    stage.program_mut().workspace.settings.hang = false;
    stage
        .program_mut()
        .workspace
        .open(vec![dir.path().to_owned()]);
    stage.settle().unwrap();
    assert_eq!(stage.program().workspace.layout, Layout::ONE);
    assert!(stage.program().workspace.hanging.now.is_none());
    // By command it hangs all the same.
    run(&mut stage, Command::Hang);
    assert_eq!(stage.program().workspace.layout, Layout::TWO);
    // What was arranged by hand stays when more is opened.
    stage.program_mut().workspace.settings.hang = true;
    run(&mut stage, Command::LayoutOne);
    let more = tempfile::tempdir().unwrap();
    chest(more.path(), ANNA, 3, 1, "PA", "20250102");
    stage
        .program_mut()
        .workspace
        .open(vec![more.path().to_owned()]);
    stage.settle().unwrap();
    assert_eq!(stage.program().workspace.layout, Layout::ONE);
}

#[test]
fn two_patients_stand_side_by_side_only_when_somebody_says_so() {
    let _one = alone();
    let dir = tempfile::tempdir().unwrap();
    chest(dir.path(), ANNA, 1, 1, "PA", "20240102");
    chest(dir.path(), BERTA, 2, 1, "PA", "20240101");
    chest(dir.path(), CLARA, 3, 1, "PA", "20230101");
    let mut stage = stage(vec![dir.path().to_owned()], Vec::new());
    run(&mut stage, Command::LayoutTwo);
    let key = |stage: &Stage, id: &str| {
        let library = &stage.program().workspace.library;
        let mut series = library.series();
        series
            .find(|s| s.patient.id.reveal() == id)
            .unwrap()
            .key
            .clone()
    };
    let other = key(&stage, "B1");
    let show = |stage: &mut Stage| {
        let series = other.clone();
        stage
            .program_mut()
            .workspace
            .act(Action::Show { cell: 1, series });
        stage.settle().unwrap();
    };
    show(&mut stage);
    assert!(stage.program().workspace.viewports[1].node.is_none());
    // Both are named; with identity hidden neither is.
    let tree = screen::describe(&mut stage).to_string();
    for words in ["Different patients", "ANNA", "BERTA", "Show both"] {
        assert!(tree.contains(words), "{words}");
    }
    run(&mut stage, Command::HideIdentity);
    let tree = screen::describe(&mut stage).to_string();
    assert!(!tree.contains("ANNA") && !tree.contains("BERTA"));
    stage.harness().get_by_label("Leave it").click();
    stage.settle().unwrap();
    assert!(stage.program().workspace.mixing.asking.is_none());
    assert!(!stage.program().workspace.several_patients());
    show(&mut stage);
    stage.harness().get_by_label("Show both").click();
    stage.settle().unwrap();
    assert!(stage.program().workspace.several_patients());
    // Said once, it holds while both are there, and no longer.
    show(&mut stage);
    assert!(stage.program().workspace.mixing.asking.is_none());
    let own = key(&stage, "A1");
    stage.program_mut().workspace.act(Action::Show {
        cell: 1,
        series: own,
    });
    show(&mut stage);
    assert!(stage.program().workspace.mixing.asking.is_some());
    let both = |stage: &mut Stage| {
        stage.harness().get_by_label("Show both").click();
        stage.settle().unwrap();
        assert!(stage.program().workspace.several_patients());
    };
    both(&mut stage);
    // A view that fills all hides the other one; it is no other layout.
    stage.program_mut().workspace.active = 0;
    run(&mut stage, Command::Maximise);
    run(&mut stage, Command::Maximise);
    show(&mut stage);
    assert!(stage.program().workspace.mixing.asking.is_none());
    // Hanging leaves one patient alone, and then it is asked again.
    stage.program_mut().workspace.active = 0;
    run(&mut stage, Command::Hang);
    assert!(!stage.program().workspace.several_patients());
    run(&mut stage, Command::LayoutTwo);
    show(&mut stage);
    assert!(stage.program().workspace.mixing.asking.is_some());
    both(&mut stage);
    // What a smaller layout kept aside does not come back beside somebody else.
    run(&mut stage, Command::LayoutOne);
    let third = key(&stage, "C1");
    stage.program_mut().workspace.act(Action::Show {
        cell: 0,
        series: third,
    });
    run(&mut stage, Command::LayoutTwo);
    assert!(!stage.program().workspace.several_patients());
}

#[test]
fn one_study_uid_of_two_people_shows_the_one_who_is_meant() {
    let _one = alone();
    let dir = tempfile::tempdir().unwrap();
    chest(dir.path(), ANNA, 1, 1, "PA", "20240102");
    chest(dir.path(), BERTA, 1, 2, "PA", "20240102");
    let mut stage = stage(vec![dir.path().to_owned()], Vec::new());
    let study = "1.2.7.1";
    let whose = |stage: &Stage| {
        let workspace = &stage.program().workspace;
        assert!(!workspace.several_patients());
        let patient = workspace.viewports[0].patient().unwrap();
        patient.id.reveal().clone()
    };
    for hang in [true, false] {
        for who in ["A1", "B1", "A1"] {
            let workspace = &mut stage.program_mut().workspace;
            workspace.settings.hang = hang;
            let mut patients = workspace.library.patients.iter();
            let patient = patients.find(|p| p.identity.id.reveal() == who);
            let patient = patient.unwrap().identity.clone();
            let key = key_of(study, &patient);
            let study = study.to_owned();
            workspace.act(Action::HangStudy { patient, study });
            stage.settle().unwrap();
            assert_eq!(whose(&stage), who, "by its title, hanging {hang}");
            run(&mut stage, Command::NextPatient);
            let workspace = &mut stage.program_mut().workspace;
            workspace.act(Action::Studies(ListAction::Open(key)));
            stage.settle().unwrap();
            assert_eq!(whose(&stage), who, "from the list, hanging {hang}");
            let hung = &stage.program().workspace.hanging.now;
            assert_eq!(hung.is_some(), hang, "what hangs is what is shown");
        }
    }
    // What is kept by the study's UID alone would be one person's under the other's name.
    let workspace = &mut stage.program_mut().workspace;
    assert_eq!(workspace.report_study(), None);
    assert!(workspace.is_report_ambiguous());
    assert!(!workspace.set_read_status(study, ReadStatus::Final));
    assert_eq!(workspace.marks.read_status(study), ReadStatus::New);
}

/// A brain: localizer, T1, T2 and FLAIR of so many slices.
fn brain(folder: &Path, study: u32, patient: (&'static str, &'static str), slices: i32) {
    for (series, description) in [
        (1, "localizer"),
        (2, "AX T2 FLAIR"),
        (3, "AX T1"),
        (4, "AX T2"),
    ] {
        for n in 0..slices {
            let film = Film {
                patient,
                study,
                series,
                class: MR,
                modality: "MR",
                day: "20240102",
                more: &[
                    (8, 0x103E, b"LO", description),
                    (0x18, 0x15, b"CS", "BRAIN"),
                ],
            };
            let mut slice = film.slice();
            slice.uid = format!("{}.{n}", slice.uid);
            slice.number = n + 1;
            slice.position = Some([0.0, 0.0, f64::from(n) * 5.0]);
            slice.write(folder, &format!("{study}-{series}-{n}.dcm"));
        }
    }
}

#[test]
fn sequences_hang_by_their_names_and_a_protocol_by_example_hangs_the_next_one() {
    let _one = alone();
    let dir = tempfile::tempdir().unwrap();
    let settings = tempfile::tempdir().unwrap();
    brain(dir.path(), 1, ANNA, 3);
    let mut stage = stage(vec![dir.path().to_owned()], Vec::new());
    stage
        .program_mut()
        .workspace
        .open_shelf(settings.path().to_owned());
    stage.settle().unwrap();
    let names = ["AX T1", "AX T2", "AX T2 FLAIR", "localizer"];
    assert_eq!(shown(&stage), names);
    // Two views, FLAIR and T1, become a protocol.
    run(&mut stage, Command::LayoutTwo);
    for (cell, name) in [(0, "AX T2 FLAIR"), (1, "AX T1")] {
        let workspace = &mut stage.program_mut().workspace;
        let series = workspace
            .library
            .series()
            .find(|s| s.description.description == name)
            .unwrap()
            .key
            .clone();
        workspace.act(Action::Show { cell, series });
    }
    run(&mut stage, Command::SaveProtocol);
    let draft = stage.program().workspace.hanging.draft.clone().unwrap();
    assert_eq!((draft.matches.len(), draft.series), (1, 2));
    let tree = screen::describe(&mut stage).to_string();
    assert!(tree.contains("Protocol from these views"), "{tree}");
    let mut protocol: Protocol = draft.protocol;
    protocol.name = "Flair first".into();
    stage
        .program_mut()
        .workspace
        .act(Action::Draft(Some(Box::new(protocol))));
    stage.settle().unwrap();
    stage.program_mut().workspace.act(Action::SaveDraft);
    // The worker writes it.
    let file = settings.path().join("hanging_protocols/flair-first.toml");
    for _ in 0..200 {
        if file.is_file() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(Protocol::parse("flair-first", &text).is_ok(), "{text}");
    drop(stage);
    // Another patient on another day, in another window.
    let next = tempfile::tempdir().unwrap();
    brain(next.path(), 5, BERTA, 4);
    let mut stage = crate::ui_snapshots::stage(Vec::new(), Vec::new());
    stage
        .program_mut()
        .workspace
        .open_shelf(settings.path().to_owned());
    for _ in 0..200 {
        stage.settle().unwrap();
        if !stage.program().workspace.hanging.own.is_empty() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    stage
        .program_mut()
        .workspace
        .open(vec![next.path().to_owned()]);
    stage.settle().unwrap();
    assert_eq!(shown(&stage), ["AX T2 FLAIR", "AX T1"]);
    let hung = stage.program().workspace.hanging.now.clone().unwrap();
    assert!(hung.own && hung.protocol == "flair-first");
}

#[test]
fn layouts_are_saved_beside_a_file_that_was_damaged() {
    let _one = alone();
    let settings = tempfile::tempdir().unwrap();
    let file = settings.path().join("layouts.toml");
    std::fs::write(&file, "nonsense [").unwrap();
    let save = |name: &str| {
        let mut stage = crate::ui_snapshots::stage(Vec::new(), Vec::new());
        let workspace = &mut stage.program_mut().workspace;
        workspace.open_shelf(settings.path().to_owned());
        // Before the worker has read what is there.
        workspace.act(Action::SaveLayout(name.into()));
        for _ in 0..200 {
            stage.settle().unwrap();
            if std::fs::read_to_string(&file).is_ok_and(|text| text.contains(name)) {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    };
    save("first");
    let damaged = settings.path().join("layouts.damaged.toml");
    assert_eq!(std::fs::read_to_string(damaged).unwrap(), "nonsense [");
    save("second");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("first") && text.contains("second"), "{text}");
}

#[test]
fn clips_stand_alone_and_then_side_by_side() {
    let _one = alone();
    let dir = tempfile::tempdir().unwrap();
    for series in 1..=3 {
        Film {
            patient: ANNA,
            study: 1,
            series,
            class: US,
            modality: "US",
            day: "20240102",
            more: &[(8, 0x103E, b"LO", "Abdomen")],
        }
        .write(dir.path(), None);
    }
    let mut stage = stage(vec![dir.path().to_owned()], Vec::new());
    assert_eq!(stage.program().workspace.layout, Layout::ONE);
    run(&mut stage, Command::StageNext);
    assert_eq!(stage.program().workspace.layout, Layout::FOUR);
    assert_eq!(shown(&stage), ["Abdomen", "Abdomen", "Abdomen", "-"]);
}

#[test]
fn one_series_fills_all_tiles_and_pages_turn() {
    let _one = alone();
    let dir = tempfile::tempdir().unwrap();
    brain(dir.path(), 1, ANNA, 11);
    let mut stage = stage(vec![dir.path().to_owned()], Vec::new());
    run(&mut stage, Command::LayoutOne);
    stage
        .program_mut()
        .workspace
        .act(Action::Tiles(Grid::new(2, 2)));
    stage.settle().unwrap();
    let slices = |stage: &Stage| -> Vec<Option<usize>> {
        let workspace = &stage.program().workspace;
        let cells = workspace.visible_cells();
        cells
            .map(|c| {
                workspace.viewports[c]
                    .node
                    .as_ref()
                    .map(|_| workspace.viewports[c].slice)
            })
            .collect()
    };
    assert_eq!(slices(&stage), [Some(0), Some(1), Some(2), Some(3)]);
    run(&mut stage, Command::NextImage);
    assert_eq!(slices(&stage), [Some(4), Some(5), Some(6), Some(7)]);
    run(&mut stage, Command::LastImage);
    assert_eq!(slices(&stage), [Some(8), Some(9), Some(10), None]);
    // One view for all.
    let mut view = stage.program().workspace.viewports[1].view.clone();
    view.zoom = 2.0;
    stage
        .program_mut()
        .workspace
        .act(Action::View { cell: 1, view });
    assert!((0..3).all(|c| stage.program().workspace.viewports[c].view.zoom == 2.0));
    // A command means all of them, and so does taking it back.
    for (command, inverted) in [
        (Command::Invert, true),
        (Command::Undo, false),
        (Command::Redo, true),
    ] {
        run(&mut stage, command);
        let workspace = &stage.program().workspace;
        assert!(
            (0..3).all(|c| workspace.viewports[c].view.inverted == inverted),
            "{command:?}"
        );
    }
    run(&mut stage, Command::FirstImage);
    run(&mut stage, Command::Tiles);
    assert_eq!(stage.program().workspace.layout, Layout::ONE);
    assert_eq!(slices(&stage), [Some(0)]);
}

#[test]
fn cells_are_split_joined_moved_and_come_back_by_name() {
    let _one = alone();
    let dir = tempfile::tempdir().unwrap();
    brain(dir.path(), 1, ANNA, 3);
    let mut stage = stage(vec![dir.path().to_owned()], Vec::new());
    run(&mut stage, Command::LayoutOne);
    let first = shown(&stage)[0].clone();
    run(&mut stage, Command::SplitRight);
    run(&mut stage, Command::SplitDown);
    let layout = stage.program().workspace.layout.clone();
    assert_eq!(layout.cells(), 3);
    assert_eq!(shown(&stage)[0], first);
    assert!(
        shown(&stage).iter().all(|s| s != "-"),
        "new cells take series of the patient"
    );
    // The line between left and right is dragged.
    let place =
        |stage: &mut Stage, n: usize| stage.harness().get_by_label(&format!("View {n}")).rect();
    let right = place(&mut stage, 1).right();
    let y = place(&mut stage, 1).center().y;
    stage.drag(
        [right + 0.5, y],
        [right - 119.5, y],
        egui::PointerButton::Primary,
        Modifiers::NONE,
    );
    stage.settle().unwrap();
    let moved = place(&mut stage, 1).right();
    assert!((right - moved - 120.0).abs() < 2.0, "{right} {moved}");
    stage
        .program_mut()
        .workspace
        .act(Action::SaveLayout("mine".into()));
    let mine = stage.program().workspace.layout.clone();
    // From the outer border a drag parts the cell that it goes into; beside a panel with Ctrl.
    let left = place(&mut stage, 1).left();
    stage.drag(
        [left + 1.0, y],
        [left + 100.0, y],
        egui::PointerButton::Primary,
        Modifiers::COMMAND,
    );
    stage.settle().unwrap();
    assert_eq!(stage.program().workspace.layout.cells(), 4);
    stage.program_mut().workspace.active = 0;
    run(&mut stage, Command::JoinCells);
    assert_eq!(stage.program().workspace.layout.cells(), 3);
    run(&mut stage, Command::LayoutFour);
    stage
        .program_mut()
        .workspace
        .act(Action::RecallLayout("mine".into()));
    assert_eq!(stage.program().workspace.layout, mine);
    assert!(
        stage
            .program_mut()
            .workspace
            .split_cell(0, Parting::Level, 0.5)
    );
    // Cuts of a volume stand together.
    run(&mut stage, Command::LayoutMpr);
    if stage.program().workspace.layout == Layout::Mpr {
        assert!(!stage.program().workspace.is_enabled(Command::SplitRight));
    }
}

#[test]
fn the_choice_of_layouts_is_made_by_a_click_on_a_square() {
    let _one = alone();
    let dir = tempfile::tempdir().unwrap();
    brain(dir.path(), 1, ANNA, 3);
    let mut stage = stage(vec![dir.path().to_owned()], Vec::new());
    stage.key(Modifiers::COMMAND, egui::Key::Num5);
    stage.settle().unwrap();
    stage.harness().get_by_label("3 × 2").click();
    stage.settle().unwrap();
    assert_eq!(stage.program().workspace.layout, Layout::grid(3, 2));
    assert!(!stage.program().state.picker.open);
    assert_eq!(stage.program().workspace.visible_cells().len(), 6);
    stage
        .program_mut()
        .workspace
        .act(Action::Speak(Language::SimplifiedChinese));
    stage.key(Modifiers::COMMAND, egui::Key::Num5);
    stage.settle().unwrap();
    let tree = screen::describe(&mut stage).to_string();
    for words in ["布局", "挂片方案", "已存布局"] {
        assert!(tree.contains(words), "{words}");
    }
}

/// In memory the window of a detached view is drawn inside of the one window.
#[test]
fn a_view_in_its_own_window_is_drawn_and_comes_back() {
    let _one = alone();
    let dir = tempfile::tempdir().unwrap();
    brain(dir.path(), 1, ANNA, 3);
    let mut stage = stage(vec![dir.path().to_owned()], Vec::new());
    run(&mut stage, Command::LayoutTwo);
    let whole = stage.harness().get_by_label("View 1").rect();
    stage.program_mut().workspace.active = 1;
    run(&mut stage, Command::Detach);
    let workspace = &stage.program().workspace;
    assert_eq!(workspace.detached_cells().collect::<Vec<_>>(), [1]);
    assert_eq!(workspace.visible_cells().len(), 2);
    // Its neighbour takes the room, and the view itself is still drawn.
    let wide = stage.harness().get_by_label("View 1").rect();
    assert!(wide.width() > whole.width() * 1.9, "{wide} {whole}");
    let own = stage.harness().get_by_label("View 2").rect();
    assert!(own.width() > 100.0);
    // A saved layout remembers it.
    stage
        .program_mut()
        .workspace
        .act(Action::SaveLayout("two screens".into()));
    run(&mut stage, Command::Detach);
    let back = stage.harness().get_by_label("View 1").rect();
    assert!((back.width() - whole.width()).abs() < 1.0);
    stage
        .program_mut()
        .workspace
        .act(Action::RecallLayout("two screens".into()));
    assert_eq!(stage.program().workspace.detached_cells().len(), 1);
}

#[test]
fn ct_hangs_axial_in_soft_tissue_and_then_in_planes() {
    let _one = alone();
    let dir = tempfile::tempdir().unwrap();
    for n in 0..6 {
        let mut slice = Slice::default()
            .text(8, 0x20, b"DA", "20240102")
            .text(8, 0x103E, b"LO", "Abdomen soft")
            .text(0x28, 0x1054, b"LO", "HU");
        slice.uid = format!("1.2.3.4.{n}");
        slice.number = n + 1;
        slice.position = Some([0.0, 0.0, f64::from(n)]);
        slice.write(dir.path(), &format!("{n}.dcm"));
    }
    let mut stage = stage(vec![dir.path().to_owned()], Vec::new());
    let tree = screen::describe(&mut stage);
    assert_eq!(
        tree["viewports"][0]["window"],
        serde_json::json!([40.0, 400.0])
    );
    assert_eq!(stage.program().workspace.viewports[0].slice_index(), 0);
    run(&mut stage, Command::StageNext);
    assert_eq!(stage.program().workspace.layout, Layout::Mpr);
    assert!(
        stage
            .program()
            .workspace
            .viewports
            .iter()
            .all(|v| v.kind != ViewKind::Stack)
    );
    run(&mut stage, Command::StageNext);
    assert_eq!(stage.program().workspace.layout, Layout::TWO);
    run(&mut stage, Command::StageNext);
    assert_eq!(stage.program().workspace.layout, Layout::grid(3, 1));
}
