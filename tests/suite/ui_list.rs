//! The list of studies in the window: searching, going through it, saying how far reading is, and hiding who is meant.

use crate::ui_snapshots::{alone, run, stage, texts};
use egui::{Key, Modifiers};
use glam::{DAffine3, DMat3, DVec3};
use negatoscope::{
    app::{Options, screen, stage::Stage},
    console::DeviceChoice,
    dicom::{
        scan::{ScanEvent, ScanOptions, scan},
        write::{SeriesIdentity, write_ct_series},
    },
    i18n::Language,
    model::{
        date::Date,
        geometry::GridGeometry,
        identity::{PatientIdentity, PersonName, Phi, Sex},
        lut::{ModalityLut, ModalityUnit},
        pixels::{Frame, PixelBytes, StoredType},
        reading::ReadStatus,
        study::{Instance, SeriesDescription, StudyDescription},
        volume::Volume,
    },
    store::{KdfCost, Passphrase, Store},
    task::{CancelToken, Progress},
    workspace::{
        Action, Command,
        marks::StorePlace,
        study_list::{Column, ListAction},
    },
};
use std::{
    path::Path,
    sync::{Arc, Mutex},
};

/// What one study says of its patient and itself; every word of it identifies.
pub struct Said {
    name: &'static str,
    id: &'static str,
    born: &'static str,
    date: &'static str,
    accession: &'static str,
    institution: &'static str,
}

const CANARY: Said = Said {
    name: "Kanarienvogel^Tweety=金丝雀^小",
    id: "CANARY-4711",
    born: "1887-06-05",
    date: "2019-04-23",
    accession: "ACC-CANARY-1",
    institution: "Voliere Nord",
};

pub const OTHER: Said = Said {
    name: "Doe^Jane",
    id: "D-2",
    born: "1970-01-02",
    date: "2020-02-03",
    accession: "ACC-2",
    institution: "",
};

/// Writes a study of two slices, described so.
pub fn write(folder: &Path, said: &Said, number: u32, described: &str) {
    let frame = || {
        let bytes = (0..256u16).flat_map(u16::to_le_bytes).collect();
        Frame::new(16, 16, 1, StoredType::U16, PixelBytes::from_vec(bytes)).unwrap()
    };
    let volume = Volume {
        grid: GridGeometry {
            size: [16, 16, 2],
            patient_from_voxel: DAffine3::from_mat3(DMat3::from_diagonal(DVec3::new(
                20.0, 20.0, 5.0,
            ))),
        },
        frames: vec![frame(), frame()],
        modality_lut: ModalityLut::Rescale {
            slope: 1.0,
            intercept: 0.0,
        },
        unit: ModalityUnit::Hounsfield,
        padding: None,
    };
    let identity = SeriesIdentity {
        patient: PatientIdentity {
            name: Phi::new(PersonName::parse(said.name)),
            id: Phi::new(said.id.into()),
            birth_date: Phi::new(Date::parse(said.born)),
            sex: Phi::new(Sex::Female),
            ..PatientIdentity::default()
        },
        study: StudyDescription {
            uid: format!("1.2.{number}"),
            date: Date::parse(said.date),
            time: "10:11:12".into(),
            description: described.into(),
            accession_number: Phi::new(said.accession.into()),
            institution: Phi::new(said.institution.into()),
            ..StudyDescription::default()
        },
        series: SeriesDescription {
            uid: format!("1.2.{number}.1"),
            number: Some(3),
            ..SeriesDescription::default()
        },
        ..SeriesIdentity::default()
    };
    write_ct_series(&folder.join(number.to_string()), &volume, &identity).unwrap();
}

/// Three studies of two patients, the newest is Jane Doe's.
fn three() -> (tempfile::TempDir, Stage) {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &CANARY, 1, "Chest");
    let earlier = Said {
        date: "2018-04-23",
        accession: "ACC-CANARY-0",
        ..CANARY
    };
    write(folder.path(), &earlier, 2, "Knee");
    write(folder.path(), &OTHER, 3, "Abdomen");
    let stage = stage(vec![folder.path().to_owned()], Vec::new());
    (folder, stage)
}

pub fn shown(stage: &Stage) -> &str {
    let viewport = &stage.program().workspace.viewports[0];
    viewport.study().map_or("", |study| study.uid.as_str())
}

/// UIDs of the rows.
fn rows(stage: &Stage) -> Vec<String> {
    let list = &stage.program().workspace.list;
    let uid = |row: &u32| list.index().get(*row).unwrap().uid.clone();
    list.rows().iter().map(uid).collect()
}

fn act(stage: &mut Stage, action: ListAction) {
    stage.program_mut().workspace.act(Action::Studies(action));
    stage.settle().unwrap();
}

fn typed(stage: &mut Stage, text: &str) {
    stage.harness().event(egui::Event::Text(text.to_owned()));
    stage.settle().unwrap();
}

/// Everything that can be read on the screen, and the window's title; no counters, which may hold any digits.
fn tree(stage: &mut Stage) -> String {
    let described = screen::describe(stage);
    let nodes = described["nodes"].as_array().unwrap().iter();
    let words = nodes.flat_map(|n| [&n["label"], &n["value"]]);
    let words: Vec<&str> = words.filter_map(|w| w.as_str()).collect();
    let texts = described["viewports"].to_string();
    format!(
        "{}\n{}\n{texts}",
        described["title"].as_str().unwrap(),
        words.join("\n")
    )
}

#[test]
fn studies_are_searched_and_opened_by_keys_alone() {
    let _one = alone();
    let (_folder, mut stage) = three();
    assert_eq!(rows(&stage), ["1.2.3", "1.2.1", "1.2.2"]);
    stage.key(Modifiers::COMMAND, Key::F);
    stage.settle().unwrap();
    let seen = tree(&mut stage);
    for words in [
        "3 of 3",
        "Kanarienvogel, Tweety (金丝雀小)",
        "D-2",
        "Abdomen",
    ] {
        assert!(seen.contains(words), "{words}: {seen}");
    }
    typed(&mut stage, "金丝雀");
    assert_eq!(rows(&stage), ["1.2.1", "1.2.2"]);
    assert!(tree(&mut stage).contains("2 of 3"));
    typed(&mut stage, " knee");
    assert_eq!(rows(&stage), ["1.2.2"]);
    stage.key(Modifiers::NONE, Key::Enter);
    stage.settle().unwrap();
    assert_eq!(shown(&stage), "1.2.2");
    assert!(!stage.program().workspace.list.shown);
    // The same study when the list comes again; Escape goes back to the picture.
    stage.key(Modifiers::COMMAND, Key::F);
    stage.key(Modifiers::NONE, Key::Escape);
    stage.settle().unwrap();
    assert!(!stage.program().workspace.list.shown);
    assert_eq!(rows(&stage), ["1.2.2"]);
    act(&mut stage, ListAction::Search("status:red".into()));
    stage.key(Modifiers::COMMAND, Key::F);
    stage.settle().unwrap();
    assert!(tree(&mut stage).contains("“status:red” is not understood"));
    act(&mut stage, ListAction::Search("nobody".into()));
    assert!(rows(&stage).is_empty());
    act(&mut stage, ListAction::Search(String::new()));
    act(&mut stage, ListAction::Sort(Column::Description));
    assert_eq!(rows(&stage), ["1.2.3", "1.2.1", "1.2.2"]);
    act(&mut stage, ListAction::Sort(Column::Description));
    assert_eq!(rows(&stage), ["1.2.2", "1.2.1", "1.2.3"]);
    stage.key(Modifiers::NONE, Key::ArrowDown);
    stage.key(Modifiers::NONE, Key::ArrowDown);
    stage.key(Modifiers::NONE, Key::Enter);
    stage.settle().unwrap();
    assert!(["1.2.1", "1.2.3"].contains(&shown(&stage)));
}

#[test]
fn what_stands_over_the_list_gets_the_keys() {
    let _one = alone();
    let (_folder, mut stage) = three();
    let before = shown(&stage).to_owned();
    stage.key(Modifiers::COMMAND, Key::F);
    stage.settle().unwrap();
    stage.key(Modifiers::NONE, Key::ArrowDown);
    stage.settle().unwrap();
    let selected = stage.program().workspace.list.selected;
    assert!(selected.is_some());
    stage.key(Modifiers::COMMAND, Key::Comma);
    stage.settle().unwrap();
    for key in [Key::ArrowDown, Key::Enter] {
        stage.key(Modifiers::NONE, key);
        stage.settle().unwrap();
    }
    let workspace = &stage.program().workspace;
    assert_eq!(workspace.list.selected, selected);
    assert!(workspace.list.shown);
    assert_eq!(shown(&stage), before);
    // The same keys are the list's again once it is alone.
    stage.key(Modifiers::NONE, Key::Escape);
    stage.settle().unwrap();
    stage.key(Modifiers::NONE, Key::Enter);
    stage.settle().unwrap();
    assert!(!stage.program().workspace.list.shown);
}

#[test]
fn a_list_is_read_from_unread_to_final() {
    let _one = alone();
    let (_folder, mut stage) = three();
    let status = |stage: &Stage, uid: &str| stage.program().workspace.marks.read_status(uid);
    assert_eq!(shown(&stage), "1.2.3");
    // The next unread study, with its first picture read before anybody asks.
    let ahead = stage.program().workspace.list.ahead().to_vec();
    assert_eq!(ahead.len(), 1);
    stage.key(Modifiers::NONE, Key::N);
    stage.settle().unwrap();
    assert_eq!(shown(&stage), "1.2.1");
    let node = stage.program().workspace.viewports[0].node.clone().unwrap();
    assert_eq!(ahead, std::slice::from_ref(&node.key));
    stage.key(Modifiers::SHIFT, Key::N);
    stage.settle().unwrap();
    assert_eq!(shown(&stage), "1.2.3");
    run(&mut stage, Command::MarkFlagged);
    assert_eq!(status(&stage, "1.2.3"), ReadStatus::Flagged);
    assert!(tree(&mut stage).contains("Flagged"));
    stage.key(Modifiers::NONE, Key::N);
    stage.settle().unwrap();
    assert_eq!(shown(&stage), "1.2.1");
    // Finalising goes on to what is unread; at the end of it, it says so.
    stage.key(Modifiers::COMMAND, Key::Enter);
    stage.settle().unwrap();
    assert_eq!(status(&stage, "1.2.1"), ReadStatus::Final);
    assert_eq!(shown(&stage), "1.2.2");
    stage.key(Modifiers::COMMAND, Key::Enter);
    stage.settle().unwrap();
    assert_eq!(shown(&stage), "1.2.2");
    let notices = &stage.program().workspace.notices;
    assert!(notices.iter().any(|n| n.key == "notice-none-unread"));
    // The present list decides what comes next.
    act(&mut stage, ListAction::Search("status:flagged".into()));
    assert_eq!(rows(&stage), ["1.2.3"]);
    act(&mut stage, ListAction::Search(String::new()));
    for (command, expected) in [
        (Command::PreviousStudy, "1.2.1"),
        (Command::PreviousPatient, "1.2.3"),
        (Command::NextPatient, "1.2.1"),
        (Command::NextStudy, "1.2.2"),
        (Command::NextStudy, "1.2.2"),
    ] {
        run(&mut stage, command);
        assert_eq!(shown(&stage), expected, "{command:?}");
        assert!(!stage.program().workspace.several_patients());
    }
    // Lists are kept under a name.
    act(&mut stage, ListAction::Search("status:final".into()));
    act(&mut stage, ListAction::Keep(" Done ".into()));
    run(&mut stage, Command::ShowList);
    assert!(tree(&mut stage).contains("Done"));
    assert_eq!(rows(&stage), ["1.2.1", "1.2.2"]);
}

/// The headers of all files of a folder.
pub fn headers(folder: &Path) -> Vec<Arc<Instance>> {
    let found = Mutex::new(Vec::new());
    scan(
        &[folder.to_owned()],
        &ScanOptions::default(),
        &CancelToken::default(),
        &Progress::default(),
        &|event| {
            if let ScanEvent::Instance(instance) = event {
                found.lock().unwrap().push(instance);
            }
        },
    );
    found.into_inner().unwrap()
}

/// A window with nothing but the store of a folder.
fn on_store(dir: &Path) -> Stage {
    let options = Options {
        language: Some(Language::English),
        device: DeviceChoice::Cpu,
        threads: Some(2),
        store: Some(StorePlace {
            dir: dir.to_owned(),
            exists: true,
        }),
        store_passphrase: Some(Passphrase::new("p")),
        ..Options::default()
    };
    let mut stage = Stage::open(options, [1000.0, 640.0]).unwrap();
    stage.settle().unwrap();
    stage
}

#[test]
fn the_library_of_a_store_is_read_without_opening_a_folder() {
    let _one = alone();
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("files");
    write(&files, &CANARY, 1, "Chest");
    write(&files, &OTHER, 3, "Abdomen");
    let dir = folder.path().join("store");
    let mut store = Store::create(&dir, &Passphrase::new("p"), KdfCost::CHEAP).unwrap();
    store.index_instances(&headers(&files)).unwrap();
    drop(store);

    let mut stage = on_store(&dir);
    assert_eq!(rows(&stage), ["1.2.3", "1.2.1"]);
    assert!(stage.program().workspace.is_empty(), "nothing is read yet");
    // The first screen shows what is known; the first unread study opens from where its files lie.
    assert!(tree(&mut stage).contains("Recent studies"));
    stage.key(Modifiers::NONE, Key::N);
    stage.settle().unwrap();
    assert_eq!(shown(&stage), "1.2.3");
    // The next one has been read ahead, and is not on the screen.
    assert_eq!(stage.program().workspace.list.ahead().len(), 1);
    assert_eq!(stage.program().workspace.library.series().count(), 2);
    stage.key(Modifiers::COMMAND, Key::Enter);
    stage.settle().unwrap();
    assert_eq!(shown(&stage), "1.2.1");
    act(&mut stage, ListAction::Search("status:new".into()));
    act(&mut stage, ListAction::Keep("Mine".into()));
    drop(stage);

    // Read status and lists are kept.
    let mut stage = on_store(&dir);
    let status = |stage: &Stage, uid: &str| stage.program().workspace.marks.read_status(uid);
    assert_eq!(status(&stage, "1.2.3"), ReadStatus::Final);
    assert_eq!(status(&stage, "1.2.1"), ReadStatus::New);
    let lists = &stage.program().workspace.list.worklists;
    assert_eq!(
        (lists[0].name.as_str(), lists[0].query.as_str()),
        ("Mine", "status:new")
    );
    act(&mut stage, ListAction::Search("status:new".into()));
    assert_eq!(rows(&stage), ["1.2.1"]);
    // Files that are gone are said to be.
    std::fs::remove_dir_all(&files).unwrap();
    stage.key(Modifiers::NONE, Key::N);
    stage.settle().unwrap();
    let notices = &stage.program().workspace.notices;
    assert!(notices.iter().any(|n| n.key == "notice-files-gone"));
}

#[test]
fn what_is_open_joins_the_library() {
    let _one = alone();
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("files");
    write(&files, &OTHER, 3, "Abdomen");
    let dir = folder.path().join("store");
    drop(Store::create(&dir, &Passphrase::new("p"), KdfCost::CHEAP).unwrap());
    let mut stage = on_store(&dir);
    stage.program_mut().workspace.open(vec![files]);
    stage.settle().unwrap();
    run(&mut stage, Command::AddToLibrary);
    drop(stage);
    let store = Store::open(&dir, &Passphrase::new("p")).unwrap();
    let studies = store.studies().unwrap();
    assert_eq!(studies.len(), 1);
    assert_eq!((studies[0].uid.as_str(), studies[0].images), ("1.2.3", 2));
}

/// Every word that identifies, in the spellings that the screen has.
const SECRETS: [&str; 14] = [
    "Kanarienvogel",
    "Tweety",
    "金丝雀",
    "CANARY-4711",
    "1887",
    "2019-04-23",
    "20190423",
    "2018-04-23",
    "10:11",
    "ACC-CANARY",
    "Voliere",
    "Doe",
    "D-2",
    "2020-02-03",
];

#[test]
fn nothing_identifies_once_identity_is_hidden() {
    let _one = alone();
    let (_folder, mut stage) = three();
    run(&mut stage, Command::LayoutTwo);
    let before = tree(&mut stage);
    assert!(before.contains("Kanarienvogel") || before.contains("Doe"));
    act(&mut stage, ListAction::Search("kanarien 1887".into()));
    act(&mut stage, ListAction::Search("Kanarienvogel".into()));
    stage.key(Modifiers::COMMAND.plus(Modifiers::SHIFT), Key::H);
    stage.settle().unwrap();
    let mut looked = 0;
    for language in Language::ALL {
        stage.program_mut().workspace.act(Action::Speak(language));
        for listed in [false, true] {
            act(&mut stage, ListAction::Show(listed));
            // Every place where a tooltip may be, a row of points after the other.
            let mut at = [12.0f32, 14.0f32];
            while at[1] < 630.0 {
                stage.hover(at);
                for _ in 0..3 {
                    stage.step();
                }
                let seen = tree(&mut stage);
                for secret in SECRETS {
                    assert!(!seen.contains(secret), "{secret} at {at:?}: {seen}");
                }
                looked += 1;
                at[0] += 190.0;
                if at[0] > 990.0 {
                    at = [12.0, at[1] + 40.0];
                }
            }
        }
    }
    assert!(looked > 250, "{looked} places");
    // And it comes back.
    stage.key(Modifiers::COMMAND.plus(Modifiers::SHIFT), Key::H);
    act(&mut stage, ListAction::Show(false));
    let tree = screen::describe(&mut stage);
    let text = texts(&tree, 0);
    assert!(
        text.contains("Doe") || text.contains("Kanarienvogel"),
        "{text}"
    );
}
