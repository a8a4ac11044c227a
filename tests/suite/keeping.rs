//! The window and its store: marks, views and layout come back, two windows do not harm each other, and what the
//! status line says of saving is true.

use crate::{
    bad_input::build::Slice,
    support::in_namespace,
    ui_snapshots::{alone, run},
};
use egui::{Modifiers, PointerButton};
use negatoscope::{
    app::{Options, screen, stage::Stage},
    console::DeviceChoice,
    i18n::Language,
    model::{
        annotation::{Annotation, AnnotationId, AnnotationTarget, MarkKind, PointSpace, Shape},
        edit::{Edit, Kept},
        reading::ReadStatus,
        report::{Report, Section},
    },
    store::{KdfCost, Passphrase, Store},
    workspace::{
        Action, Command,
        event::Event,
        keeper::{Problem, StoreNews, Unkept},
        marks::{SaveState, StorePlace},
        state::{Layout, Workspace},
        study_list::ListAction,
        view::VoiChoice,
    },
};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process,
    time::{Duration, Instant},
};
use tempfile::TempDir;

pub const PASSPHRASE: &str = "观片 keep";

/// Two series of three slices each, of one study.
pub fn study() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for series in 1..=2 {
        for k in 0..3 {
            let slice = Slice {
                uid: format!("1.2.3.{series}.{k}"),
                study: "1.2.3".into(),
                series: format!("1.2.3.{series}"),
                number: k + 1,
                position: Some([0.0, 0.0, -3.0 * f64::from(k)]),
                ..Slice::default()
            };
            slice.write(folder.path(), &format!("{series}-{k}.dcm"));
        }
    }
    folder
}

pub fn made() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("store");
    drop(Store::create(&dir, &Passphrase::new(PASSPHRASE), KdfCost::CHEAP).unwrap());
    (folder, dir)
}

/// A window on a study, with a store or without.
pub fn window(study: impl AsRef<Path>, store: Option<&Path>) -> Stage {
    let options = Options {
        paths: vec![study.as_ref().to_owned()],
        language: Some(Language::English),
        device: DeviceChoice::Cpu,
        threads: Some(2),
        plain: true,
        store: store.map(|dir| StorePlace {
            dir: dir.to_owned(),
            exists: true,
        }),
        store_passphrase: store.map(|_| Passphrase::new(PASSPHRASE)),
        ..Options::default()
    };
    let mut stage = Stage::open(options, [1000.0, 640.0]).unwrap();
    stage.settle().unwrap();
    stage
}

fn workspace(stage: &mut Stage) -> &mut Workspace {
    &mut stage.program_mut().workspace
}

fn target(instance: &str) -> AnnotationTarget {
    AnnotationTarget {
        study_uid: "1.2.3".into(),
        series_uid: "1.2.3.1".into(),
        instance_uid: instance.into(),
        frame: 1,
        frame_of_reference_uid: String::new(),
    }
}

fn mark(id: &str) -> Annotation {
    let shape = Shape::new(MarkKind::Length, [glam::DVec3::X, glam::DVec3::Y / 3.0]);
    let id = AnnotationId(id.into());
    Annotation::new(id, target("1.2.3.1.0"), PointSpace::Patient, shape)
}

fn keeping(stage: &mut Stage) -> Value {
    screen::describe(stage)["keeping"].clone()
}

/// What was kept, as the store itself says.
pub fn kept(dir: &Path) -> Kept {
    let store = Store::open(dir, &Passphrase::new(PASSPHRASE)).unwrap();
    store.kept().clone()
}

#[test]
fn marks_views_and_the_layout_come_back() {
    let _alone = alone();
    let (study, (_folder, dir)) = (study(), made());
    let mut stage = window(&study, Some(&dir));
    assert_eq!(keeping(&mut stage)["state"], "saved");
    run(&mut stage, Command::LayoutTwo);
    stage.drag(
        [400.0, 300.0],
        [437.0, 311.0],
        PointerButton::Primary,
        Modifiers::NONE,
    );
    run(&mut stage, Command::Invert);
    run(&mut stage, Command::NextImage);
    let workspace_ = workspace(&mut stage);
    assert!(workspace_.commit(vec![Edit::Add(mark("a"))]));
    assert!(workspace_.commit(vec![Edit::KeyImage {
        target: target("1.2.3.1.1"),
        on: true
    }]));
    assert!(workspace_.set_read_status("1.2.3", ReadStatus::Preliminary));
    assert!(workspace_.set_report("1.2.3", "Nodule"));
    stage.settle().unwrap();
    let said = keeping(&mut stage);
    assert_eq!(
        (&said["state"], &said["marks"]),
        (&"saved".into(), &1.into())
    );
    assert_eq!(said["unsaved"], 0);
    let before = screen::describe(&mut stage);
    let states: Vec<_> = workspace(&mut stage)
        .viewports
        .iter()
        .map(|v| v.state())
        .collect();
    assert!(workspace(&mut stage).may_close());
    drop(stage);

    let mut stage = window(&study, Some(&dir));
    let after = screen::describe(&mut stage);
    assert_eq!(workspace(&mut stage).layout, Layout::TWO);
    let again: Vec<_> = workspace(&mut stage)
        .viewports
        .iter()
        .map(|v| v.state())
        .collect();
    assert_eq!(again[..2], states[..2], "bit for bit");
    for field in ["series_uid", "slice", "window", "zoom", "inverted"] {
        for cell in 0..2 {
            assert_eq!(
                before["viewports"][cell][field], after["viewports"][cell][field],
                "{field} of cell {cell}"
            );
        }
    }
    let marks = &workspace(&mut stage).marks;
    assert_eq!(marks.set().iter().collect::<Vec<_>>(), [&mark("a")]);
    assert_eq!(marks.of_series("1.2.3.1").count(), 1);
    assert!(marks.key_images().contains("1.2.3.1.1", 1));
    assert_eq!(marks.read_status("1.2.3"), ReadStatus::Preliminary);
    assert_eq!(marks.report("1.2.3"), "Nodule");
    assert!(
        workspace(&mut stage).notices.is_empty(),
        "nothing was cut short"
    );
}

#[test]
fn how_the_window_stood_last_comes_back_whatever_was_noted_between() {
    let _alone = alone();
    let (study, (_folder, dir)) = (study(), made());
    let slice = |stage: &mut Stage| workspace(stage).viewports[0].slice_index();
    let mut stage = window(&study, Some(&dir));
    let first = slice(&mut stage);
    workspace(&mut stage).note_standing();
    run(&mut stage, Command::NextImage);
    assert_ne!(slice(&mut stage), first);
    workspace(&mut stage).note_standing();
    run(&mut stage, Command::PreviousImage);
    workspace(&mut stage).note_standing();
    stage.settle().unwrap();
    drop(stage);
    let mut stage = window(&study, Some(&dir));
    assert_eq!(slice(&mut stage), first);
    // What is noted does not draw the window back when more is opened.
    workspace(&mut stage).note_standing();
    run(&mut stage, Command::NextImage);
    let here = slice(&mut stage);
    let more = self::study();
    workspace(&mut stage).open(vec![more.path().to_owned()]);
    stage.settle().unwrap();
    assert_eq!(slice(&mut stage), here);
}

#[test]
fn one_history_for_all_in_the_order_in_which_it_happened() {
    let _alone = alone();
    let (study, (_folder, dir)) = (study(), made());
    let mut stage = window(&study, Some(&dir));
    let level = |stage: &mut Stage| workspace(stage).viewports[0].view.voi.clone();
    let marks = |stage: &mut Stage| workspace(stage).marks.set().len();
    workspace(&mut stage).commit(vec![Edit::Add(mark("a"))]);
    run(&mut stage, Command::LayoutTwo);
    workspace(&mut stage).act(Action::Activate(0));
    workspace(&mut stage).act(Action::Window(VoiChoice::Auto));
    workspace(&mut stage).commit(vec![Edit::Add(mark("b"))]);
    stage.settle().unwrap();
    run(&mut stage, Command::Undo);
    assert_eq!((marks(&mut stage), level(&mut stage)), (1, VoiChoice::Auto));
    run(&mut stage, Command::Undo);
    assert_eq!(level(&mut stage), VoiChoice::File);
    assert_eq!(workspace(&mut stage).layout, Layout::TWO);
    run(&mut stage, Command::Undo);
    assert_eq!(workspace(&mut stage).layout, Layout::ONE);
    assert_eq!(marks(&mut stage), 1);
    run(&mut stage, Command::Undo);
    assert_eq!(marks(&mut stage), 0);
    assert!(!workspace(&mut stage).is_enabled(Command::Undo));
    for _ in 0..4 {
        run(&mut stage, Command::Redo);
    }
    assert!(!workspace(&mut stage).is_enabled(Command::Redo));
    assert_eq!((marks(&mut stage), level(&mut stage)), (2, VoiChoice::Auto));
    assert_eq!(workspace(&mut stage).layout, Layout::TWO);
    run(&mut stage, Command::Undo);
    stage.settle().unwrap();
    drop(stage);
    // The journal has the same history.
    let mut store = Store::open(&dir, &Passphrase::new(PASSPHRASE)).unwrap();
    assert_eq!(store.marks().len(), 1);
    store.redo().unwrap().unwrap();
    assert_eq!(store.marks().len(), 2);
}

#[test]
fn a_step_whose_series_is_gone_is_skipped_and_said() {
    let _alone = alone();
    let study = study();
    let mut stage = window(&study, None);
    let workspace = workspace(&mut stage);
    workspace.act(Action::Window(VoiChoice::Auto));
    workspace.viewports[0].clear();
    workspace.execute(Command::Undo);
    let notice = workspace.notices.last().map(|n| n.key);
    assert_eq!(notice, Some("notice-undo-skipped"));
}

#[test]
fn a_report_that_cannot_be_kept_stays_in_the_window() {
    let _alone = alone();
    let (study, (_folder, dir)) = (study(), made());
    let mut stage = window(&study, Some(&dir));
    let workspace = workspace(&mut stage);
    let write = |workspace: &mut Workspace, text: String| {
        let title = "Findings".to_owned();
        let sections = vec![Section { title, text }];
        workspace.write_report("1.2.3", Report { sections });
        workspace.keep_reports(true);
    };
    // Longer than the journal takes.
    write(workspace, "x".repeat(5 << 20));
    let written = workspace.report_of("1.2.3").sections[0].text.len();
    assert_eq!((written, workspace.marks.report("1.2.3")), (5 << 20, ""));
    assert!(workspace.is_report_open("1.2.3"));
    let reason = Problem::Invalid;
    assert_eq!(workspace.marks.state(), SaveState::NotSaved { reason });
    assert!(!workspace.may_close(), "it would be lost");
    write(workspace, "short".into());
    assert!(!workspace.is_report_open("1.2.3"));
    stage.settle().unwrap();
    assert_eq!(keeping(&mut stage)["state"], "saved");
    drop(stage);
    assert_eq!(kept(&dir).reports["1.2.3"].reveal(), "## Findings\nshort");
}

#[test]
fn after_a_fault_of_the_saving_thread_the_store_is_opened_again() {
    let _alone = alone();
    let (study, (_folder, dir)) = (study(), made());
    let mut stage = window(&study, Some(&dir));
    assert!(workspace(&mut stage).commit(vec![Edit::Add(mark("a"))]));
    stage.settle().unwrap();
    let stopped = StoreNews::Stopped { keeps: true };
    let events = workspace(&mut stage).sender();
    events.send(Event::Store(stopped)).unwrap();
    stage.settle().unwrap();
    let said = keeping(&mut stage);
    assert_eq!(
        (&said["state"], &said["reason"]),
        (&"not-saved".into(), &"stopped".into())
    );
    let tree = screen::describe(&mut stage).to_string();
    assert!(tree.contains("NOT SAVED: the saving part of the program stopped"));
    assert!(workspace(&mut stage).commit(vec![Edit::Add(mark("b"))]));
    assert_eq!(workspace(&mut stage).marks.unsaved(), 1);
    assert!(!workspace(&mut stage).may_close());
    workspace(&mut stage).act(Action::OpenStore(Passphrase::new(PASSPHRASE)));
    stage.settle().unwrap();
    assert_eq!(keeping(&mut stage)["state"], "saved");
    drop(stage);
    assert_eq!(kept(&dir).marks.len(), 2);
}

#[test]
fn lists_named_before_there_was_a_store_go_into_it() {
    let _alone = alone();
    let (study, (_folder, dir)) = (study(), made());
    let mut stage = window(&study, None);
    let keep = |name: &str| Action::Studies(ListAction::Keep(name.into()));
    workspace(&mut stage).act(keep("mine"));
    stage.settle().unwrap();
    workspace(&mut stage).set_store_place(StorePlace {
        dir: dir.clone(),
        exists: true,
    });
    workspace(&mut stage).act(Action::OpenStore(Passphrase::new(PASSPHRASE)));
    stage.settle().unwrap();
    drop(stage);
    let store = Store::open(&dir, &Passphrase::new(PASSPHRASE)).unwrap();
    let names: Vec<String> = store
        .worklists()
        .unwrap()
        .into_iter()
        .map(|w| w.name)
        .collect();
    assert_eq!(names, ["mine"]);
}

#[test]
fn two_windows_on_one_store_do_not_harm_each_other() {
    let _alone = alone();
    let (study, (_folder, dir)) = (study(), made());
    let mut first = window(&study, Some(&dir));
    workspace(&mut first).commit(vec![Edit::Add(mark("a"))]);
    first.settle().unwrap();
    let journal = dir.join("edits.journal");
    let before = fs::read(&journal).unwrap();
    let mut second = window(&study, Some(&dir));
    let said = keeping(&mut second);
    assert_eq!(
        (&said["state"], &said["reason"]),
        (&"nothing-kept".into(), &"in-use".into())
    );
    assert_eq!(said["marks"], 1, "what the first kept is shown");
    let notice = workspace(&mut second).notices.last().map(|n| n.key);
    assert_eq!(notice, Some("notice-store-in-use"));
    assert!(workspace(&mut second).commit(vec![Edit::Add(mark("b"))]));
    second.settle().unwrap();
    assert_eq!(
        workspace(&mut second).marks.state(),
        SaveState::NothingKept(Unkept::InUse)
    );
    assert!(
        !workspace(&mut second).may_close(),
        "asks before it loses b"
    );
    drop(second);
    assert_eq!(fs::read(&journal).unwrap(), before);
    workspace(&mut first).commit(vec![Edit::Add(mark("c"))]);
    first.settle().unwrap();
    drop(first);
    assert_eq!(kept(&dir).marks.len(), 2);
}

#[test]
fn the_first_mark_asks_for_the_store_and_goes_into_it() {
    let _alone = alone();
    let (study, (_folder, dir)) = (study(), made());
    let mut stage = window(&study, None);
    assert_eq!(keeping(&mut stage)["state"], "nothing-kept");
    workspace(&mut stage).commit(vec![Edit::Add(mark("early"))]);
    assert!(
        workspace(&mut stage).marks.asking.is_none(),
        "nowhere to keep it"
    );
    workspace(&mut stage).set_store_place(StorePlace {
        dir: dir.clone(),
        exists: true,
    });
    workspace(&mut stage).commit(vec![Edit::Add(mark("a"))]);
    assert!(workspace(&mut stage).marks.asking.is_some());
    workspace(&mut stage).act(Action::OpenStore(Passphrase::new("wrong")));
    stage.settle().unwrap();
    let failed = workspace(&mut stage).marks.asking.clone().unwrap().failed;
    assert!(failed.is_some());
    assert_eq!(workspace(&mut stage).marks.unsaved(), 2);
    workspace(&mut stage).act(Action::OpenStore(Passphrase::new(PASSPHRASE)));
    stage.settle().unwrap();
    assert!(workspace(&mut stage).marks.asking.is_none());
    assert_eq!(keeping(&mut stage)["state"], "saved");
    assert_eq!(workspace(&mut stage).marks.unsaved(), 0);
    // Undo of what was made before the store opened is kept too.
    run(&mut stage, Command::Undo);
    stage.settle().unwrap();
    drop(stage);
    assert_eq!(kept(&dir).marks.len(), 1);
    // Whoever wants nothing kept is not asked again, but before the window closes.
    let mut stage = window(&study, None);
    workspace(&mut stage).set_store_place(StorePlace { dir, exists: true });
    workspace(&mut stage).act(Action::KeepNothing);
    workspace(&mut stage).commit(vec![Edit::Add(mark("a"))]);
    assert!(workspace(&mut stage).marks.asking.is_none());
    assert!(!workspace(&mut stage).may_close());
    workspace(&mut stage).act(Action::StayOpen);
    run(&mut stage, Command::Undo);
    assert!(
        workspace(&mut stage).may_close(),
        "nothing is lost any more"
    );
}

/// A window in a process of its own; it goes on until it is killed or its script ends.
pub fn child(study: &TempDir, dir: &Path, script: &str) -> process::Child {
    let path = dir.with_file_name("script");
    fs::write(&path, script).unwrap();
    let mut child = process::Command::new(env!("CARGO_BIN_EXE_negatoscope"))
        .args([
            "screen",
            "--device",
            "cpu",
            "--passphrase-fd",
            "0",
            "--script",
        ])
        .arg(&path)
        .arg("--store")
        .arg(dir)
        .current_dir(study.path())
        .stdin(process::Stdio::piped())
        .stdout(process::Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut stdin, format!("{PASSPHRASE}\n").as_bytes()).unwrap();
    child
}

#[test]
fn a_killed_window_says_what_it_restored() {
    let _alone = alone();
    let (study, (_folder, dir)) = (study(), made());
    let empty = fs::metadata(dir.join("edits.journal")).unwrap().len();
    let mut child = child(&study, &dir, "open .\ncommand invert\nwait 10000\n");
    let begin = Instant::now();
    while fs::metadata(dir.join("edits.journal")).unwrap().len() == empty {
        assert!(
            begin.elapsed() < Duration::from_secs(120),
            "nothing was kept"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let mut stage = window(&study, Some(&dir));
    let keys: Vec<_> = workspace(&mut stage)
        .notices
        .iter()
        .map(|n| n.key)
        .collect();
    assert_eq!(keys, ["notice-restored-views"]);
    assert_eq!(keeping(&mut stage)["state"], "saved");
    drop(stage);
    let mut stage = window(&study, Some(&dir));
    assert!(workspace(&mut stage).notices.is_empty(), "once");
}

/// A window on a study whose store lies on a full disk of its own, run by a shell in a mount namespace. `$1` is the
/// store, `$2` the study, `$3` a folder for what comes out; `$0` the program.
const FULL_DISK: &str = "set -e; mount -t tmpfs -o size=4m none /mnt; cp -a \"$1\" /mnt/store; \
    cat /dev/zero >/mnt/filler 2>/dev/null || true; cd \"$2\"; size() { wc -c </mnt/store/edits.journal; }; \
    await() { tries=0; until eval \"$1\"; do sleep 0.1; tries=$((tries+1)); test $tries -lt 900; done; }; \
    set -- \"$3\" \"$0\" screen --device cpu --store /mnt/store --passphrase-fd 0; out=$1; shift; ";

#[test]
fn a_full_disk_is_said_and_all_is_saved_when_there_is_room_again() {
    let _alone = alone();
    let (study, (folder, dir)) = (study(), made());
    let out = folder.path().join("out");
    fs::create_dir(&out).unwrap();
    fs::write(out.join("passphrase"), PASSPHRASE).unwrap();
    let picture = out.join("seen.png").display().to_string();
    // More than what is left of the journal's last page, which a full disk still takes.
    let edits = format!("open .\n{}", "command invert\n".repeat(41));
    let waits = format!("{edits}screenshot {picture}\nwait 10000\n");
    fs::write(out.join("full"), edits).unwrap();
    fs::write(out.join("waits"), waits).unwrap();
    let script = format!(
        "{FULL_DISK} \"$@\" --script \"$out/full\" --tree \"$out/tree\" <\"$out/passphrase\"; \
        \"$@\" --script \"$out/waits\" <\"$out/passphrase\" & child=$!; \
        await 'test -s \"$out/seen.png\"'; before=$(size); rm /mnt/filler; \
        await 'test $(size) != $before'; kill -9 $child; cp /mnt/store/edits.journal \"$out/kept.journal\""
    );
    let Some(output) = in_namespace(&script, &[&dir, study.path(), &out]) else {
        println!("skipped: no mount namespaces here");
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let tree: Value = serde_json::from_slice(&fs::read(out.join("tree")).unwrap()).unwrap();
    let keeping = &tree["keeping"];
    assert_eq!(
        (&keeping["state"], &keeping["reason"]),
        (&"not-saved".into(), &"disk-full".into())
    );
    let texts: Vec<&str> = tree["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|n| n["value"].as_str())
        .collect();
    assert!(texts.contains(&"NOT SAVED: disk full"));
    assert!(
        !texts.iter().any(|l| l.starts_with("Saved")),
        "nothing false is said"
    );
    fs::copy(out.join("kept.journal"), dir.join("edits.journal")).unwrap();
    assert_eq!(kept(&dir).views.len(), 1, "the view is in the journal");
}
