//! The locked window, accounts at the window, and copies without identity from it.

use crate::{
    bad_input::build::Slice,
    keeping::{PASSPHRASE, kept, made, window},
    store::remembering::Pocket,
    ui_snapshots::{alone, run},
};
use egui_kittest::kittest::Queryable as _;
use negatoscope::{
    app::{screen, stage::Stage},
    model::{
        access::{AuditKind, Role},
        annotation::{Annotation, AnnotationId, AnnotationTarget, MarkKind, PointSpace, Shape},
        edit::Edit,
    },
    store::{KdfCost, Passphrase, Store},
    workspace::{
        Action, Command,
        access::{StaysLocked, WindowKeyring},
    },
};
use std::{fs, path::PathBuf, sync::Arc};
use tempfile::TempDir;

fn study() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for k in 0..3 {
        let slice = Slice {
            patient: ("CANARY^ANNA", "CANARY-7"),
            uid: format!("1.2.3.1.{k}"),
            study: "1.2.3".into(),
            series: "1.2.3.1".into(),
            number: k + 1,
            position: Some([0.0, 0.0, -3.0 * f64::from(k)]),
            ..Slice::default()
        };
        slice.write(folder.path(), &format!("{k}.dcm"));
    }
    folder
}

fn mark(id: &str) -> Edit {
    let target = AnnotationTarget {
        study_uid: "1.2.3".into(),
        series_uid: "1.2.3.1".into(),
        instance_uid: "1.2.3.1.0".into(),
        frame: 1,
        frame_of_reference_uid: String::new(),
    };
    let shape = Shape::new(MarkKind::Length, [glam::DVec3::X, glam::DVec3::Y / 3.0]);
    let id = AnnotationId(id.into());
    Edit::Add(Annotation::new(id, target, PointSpace::Patient, shape))
}

fn act(stage: &mut Stage, action: Action) {
    stage.program_mut().workspace.act(action);
    stage.settle().unwrap();
}

#[test]
fn a_locked_window_shows_nothing_and_keeps_everything() {
    let _alone = alone();
    let (study, (_folder, dir)) = (study(), made());
    let mut stage = window(&study, Some(&dir));
    run(&mut stage, Command::ShowRecord);
    assert!(screen::describe(&mut stage).to_string().contains("CANARY"));
    assert!(stage.program_mut().workspace.commit(vec![mark("a")]));
    stage.settle().unwrap();
    let views = stage.program().workspace.viewports[0].view.clone();
    run(&mut stage, Command::Lock);
    let said = screen::describe(&mut stage);
    assert_eq!(said["locked"], true);
    let said = said.to_string();
    for word in ["CANARY", "Canary", "1.2.3.1", "ANNA"] {
        assert!(!said.contains(word), "{word}: {said}");
    }
    // No command does anything, and no key.
    run(&mut stage, Command::Invert);
    stage.key(egui::Modifiers::NONE, egui::Key::I);
    stage.settle().unwrap();
    assert_eq!(stage.program().workspace.viewports[0].view, views);
    act(&mut stage, Action::TryUnlock(Passphrase::new("wrong")));
    let access = &stage.program().workspace.access;
    assert!(access.locked);
    assert_eq!(access.failed, Some(StaysLocked::WrongPassphrase));
    // By hand: the field has the keyboard.
    stage.settle().unwrap();
    for letter in PASSPHRASE.chars() {
        let event = egui::Event::Text(letter.to_string());
        stage.harness().event(event);
    }
    stage.settle().unwrap();
    stage.key(egui::Modifiers::NONE, egui::Key::Enter);
    stage.settle().unwrap();
    assert!(!stage.program().workspace.access.locked);
    assert!(screen::describe(&mut stage).to_string().contains("CANARY"));
    assert_eq!(stage.program().workspace.viewports[0].view, views);
    drop(stage);
    assert_eq!(kept(&dir).marks.len(), 1);
    let store = Store::open(&dir, &Passphrase::new(PASSPHRASE)).unwrap();
    let mut kinds = Vec::new();
    store.read_audit(&mut |e| kinds.push(e.kind)).unwrap();
    let at = |kind| kinds.iter().position(|k| *k == kind);
    assert!(at(AuditKind::StudyViewed) < at(AuditKind::Locked));
    assert!(at(AuditKind::Locked) < at(AuditKind::LoginFailed));
    assert!(at(AuditKind::LoginFailed) < at(AuditKind::Unlocked));
    assert!(at(AuditKind::StudyViewed).is_some());
}

#[test]
fn a_locked_window_takes_back_what_it_copied() {
    let _alone = alone();
    let (study, (_folder, dir)) = (study(), made());
    let mut stage = window(&study, Some(&dir));
    let mut copied_after = |act: &mut dyn FnMut(&mut Stage)| -> Vec<String> {
        act(&mut stage);
        let mut all = Vec::new();
        for _ in 0..4 {
            let harness = stage.harness();
            harness.step();
            let commands = &harness.output().platform_output.commands;
            all.extend(commands.iter().filter_map(|c| match c {
                egui::OutputCommand::CopyText(text) => Some(text.clone()),
                _ => None,
            }));
        }
        all
    };
    // Nothing was copied: what somebody else has there stays.
    let lock = &mut |stage: &mut Stage| stage.program_mut().workspace.lock();
    assert_eq!(copied_after(lock), Vec::<String>::new());
    let unlock = &mut |stage: &mut Stage| {
        act(stage, Action::TryUnlock(Passphrase::new(PASSPHRASE)));
        assert!(!stage.program().workspace.access.locked);
    };
    copied_after(unlock);
    let copy = &mut |stage: &mut Stage| {
        stage.program_mut().workspace.copied = Some("CANARY^ANNA".into());
    };
    assert_eq!(copied_after(copy), ["CANARY^ANNA"]);
    assert_eq!(copied_after(lock), [""]);
}

/// A window with an open study of somebody, locked, as a picture.
fn locked_picture(name: &'static str, id: &'static str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let slice = Slice {
        patient: (name, id),
        uid: "1.2.3.1.0".into(),
        study: "1.2.3".into(),
        series: "1.2.3.1".into(),
        number: 1,
        ..Slice::default()
    };
    slice.write(folder.path(), "0.dcm");
    let (_folder, dir) = made();
    let mut stage = window(&folder, Some(&dir));
    let open = stage.screenshot().unwrap().as_raw().clone();
    run(&mut stage, Command::Lock);
    stage.settle().unwrap();
    let locked = stage.screenshot().unwrap().as_raw().clone();
    assert_ne!(open, locked);
    locked
}

#[test]
fn a_locked_window_looks_the_same_whoever_is_open() {
    let _alone = alone();
    let first = locked_picture("CANARY^ANNA", "CANARY-7");
    let second = locked_picture("Wellensittich^Bertha^Maria", "0815-4711-999");
    assert!(
        first == second,
        "something of the patient is in the picture"
    );
}

#[test]
fn a_window_that_nobody_touches_locks_itself() {
    let _alone = alone();
    let (study, (_folder, dir)) = (study(), made());
    let mut stage = window(&study, Some(&dir));
    let patience = f64::from(stage.program().workspace.settings.lock_after_minutes) * 60.0;
    assert!(
        patience >= 60.0,
        "it does so unless somebody says otherwise"
    );
    let begun = stage.harness().ctx.input(|i| i.time);
    let wait = |stage: &mut Stage, until: f64| {
        stage.harness().input_mut().time = Some(begun + until);
        stage.settle().unwrap();
        stage.program().workspace.access.locked
    };
    stage.harness().input_mut().time = Some(begun);
    stage.key(egui::Modifiers::NONE, egui::Key::I);
    assert!(!wait(&mut stage, 1.0));
    assert!(!wait(&mut stage, patience - 1.0));
    // It looks again by itself when it may be time.
    let output = stage.harness().output();
    let delay = output.viewport_output[&egui::ViewportId::ROOT].repaint_delay;
    assert!(delay.as_secs_f64() <= patience, "{delay:?}");
    // A hand puts it off.
    stage.key(egui::Modifiers::NONE, egui::Key::I);
    assert!(!wait(&mut stage, patience + 60.0));
    assert!(!wait(&mut stage, 2.0 * patience - 2.0));
    // Nobody drew a frame meanwhile, and the first one is that of a hand.
    stage.harness().input_mut().time = Some(begun + 3.0 * patience);
    stage.key(egui::Modifiers::NONE, egui::Key::I);
    stage.settle().unwrap();
    assert!(stage.program().workspace.access.locked);
    let said = screen::describe(&mut stage).to_string();
    assert!(!said.contains("CANARY"), "{said}");
    act(&mut stage, Action::TryUnlock(Passphrase::new(PASSPHRASE)));
    assert!(!stage.program().workspace.access.locked);
    assert!(!wait(&mut stage, 4.0 * patience - 2.0), "counted anew");
    stage.program_mut().workspace.settings.lock_after_minutes = 0;
    assert!(
        !wait(&mut stage, 9.0 * patience),
        "never, where that is said"
    );
}

#[test]
fn without_a_store_there_is_nothing_to_unlock_with() {
    let _alone = alone();
    let study = study();
    let mut stage = window(&study, None);
    assert!(!stage.program().workspace.is_enabled(Command::Lock));
    run(&mut stage, Command::Lock);
    assert_eq!(screen::describe(&mut stage)["locked"], false);
}

#[test]
fn an_account_at_the_window_may_what_its_role_allows() {
    let _alone = alone();
    let (study, (_folder, dir)) = (study(), made());
    let mut owner = Store::open(&dir, &Passphrase::new(PASSPHRASE)).unwrap();
    let pass = Passphrase::new("viewer's own");
    owner
        .add_account("Lee", Role::Viewer, &pass, KdfCost::CHEAP)
        .unwrap();
    drop(owner);
    let mut stage = window(&study, None);
    let workspace = &mut stage.program_mut().workspace;
    workspace.set_store_place(negatoscope::workspace::marks::StorePlace {
        dir: dir.clone(),
        exists: true,
    });
    workspace.access.account = Some("Lee".into());
    act(&mut stage, Action::OpenStore(pass));
    let said = screen::describe(&mut stage);
    assert_eq!(
        (&said["user"], &said["role"]),
        (&"Lee".into(), &"viewer".into())
    );
    let workspace = &mut stage.program_mut().workspace;
    assert!(!workspace.commit(vec![mark("a")]));
    assert!(workspace.marks.set().is_empty());
    run(&mut stage, Command::Anonymize);
    assert!(stage.program().state.deid_dialog.is_none());
    let reason = Some("resuscitation".to_owned());
    act(&mut stage, Action::BreakGlass(reason));
    assert_eq!(screen::describe(&mut stage)["role"], "reader");
    assert!(stage.program_mut().workspace.commit(vec![mark("a")]));
    stage.settle().unwrap();
    // Beside a window that has the store open an account may no more than look, whatever it may elsewhere.
    let mut second = window(&study, None);
    let workspace = &mut second.program_mut().workspace;
    workspace.set_store_place(negatoscope::workspace::marks::StorePlace {
        dir: dir.clone(),
        exists: true,
    });
    workspace.access.account = Some("Lee".into());
    let pass = Passphrase::new("viewer's own");
    act(&mut second, Action::OpenStore(pass));
    assert_eq!(screen::describe(&mut second)["role"], "viewer");
    run(&mut second, Command::Anonymize);
    assert!(second.program().state.deid_dialog.is_none());
    drop(second);
    drop(stage);
    assert_eq!(kept(&dir).marks.len(), 1);
}

#[test]
fn a_window_remembers_the_key_when_it_is_told_to_and_forgets_it() {
    let _alone = alone();
    let (study, (_folder, dir)) = (study(), made());
    let pocket = Arc::new(Pocket::default());
    let place = negatoscope::workspace::marks::StorePlace {
        dir: dir.clone(),
        exists: true,
    };
    let begin = |study: &TempDir| {
        let mut stage = window(study, None);
        let workspace = &mut stage.program_mut().workspace;
        workspace.set_store_place(place.clone());
        workspace.access.keyring = WindowKeyring(pocket.clone());
        stage
    };
    let mut stage = begin(&study);
    let remembered = |stage: &mut Stage| screen::describe(stage)["keeping"]["remembered"].clone();
    // Nothing is remembered unless it is asked for.
    act(&mut stage, Action::OpenStore(Passphrase::new(PASSPHRASE)));
    assert_eq!((remembered(&mut stage), pocket.len()), (false.into(), 0));
    assert!(!stage.program().workspace.is_enabled(Command::ForgetKey));
    drop(stage);
    let mut stage = begin(&study);
    act(&mut stage, Action::AskStore);
    stage.settle().unwrap();
    for letter in PASSPHRASE.chars() {
        let event = egui::Event::Text(letter.to_string());
        stage.harness().event(event);
        stage.settle().unwrap();
    }
    let box_label = "Remember the key on this computer";
    stage.harness().get_by_label(box_label).click();
    stage.settle().unwrap();
    stage.harness().get_by_label("Keep").click();
    stage.settle().unwrap();
    assert_eq!((remembered(&mut stage), pocket.len()), (true.into(), 1));
    assert!(stage.program_mut().workspace.commit(vec![mark("a")]));
    stage.settle().unwrap();
    drop(stage);
    // The next window opens it by itself; a locked one still wants the passphrase.
    let mut stage = begin(&study);
    stage.program_mut().workspace.open_remembered();
    stage.settle().unwrap();
    assert!(stage.program().workspace.marks.is_kept());
    assert_eq!(stage.program().workspace.marks.set().len(), 1);
    run(&mut stage, Command::Lock);
    assert!(stage.program().workspace.access.locked);
    act(&mut stage, Action::TryUnlock(Passphrase::new("wrong")));
    assert!(stage.program().workspace.access.locked);
    act(&mut stage, Action::TryUnlock(Passphrase::new(PASSPHRASE)));
    assert!(!stage.program().workspace.access.locked);
    run(&mut stage, Command::ForgetKey);
    assert_eq!((remembered(&mut stage), pocket.len()), (false.into(), 0));
    drop(stage);
    let mut stage = begin(&study);
    stage.program_mut().workspace.open_remembered();
    stage.settle().unwrap();
    assert!(!stage.program().workspace.marks.is_kept());
    assert!(stage.program().workspace.marks.asking.is_none());
}

fn files(folder: PathBuf) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => found.push(path),
            }
        }
    }
    found
}

#[test]
fn copies_without_identity_leave_the_window() {
    let _alone = alone();
    let study = study();
    let mut stage = window(&study, None);
    run(&mut stage, Command::Anonymize);
    let said = screen::describe(&mut stage).to_string();
    for words in ["3 files of this study", "PatientName", "Write copies"] {
        assert!(said.contains(words), "{words}");
    }
    let out = tempfile::tempdir().unwrap();
    stage.harness().get_by_label("Folder").focus();
    stage.settle().unwrap();
    let path = out.path().join("copies");
    stage
        .harness()
        .event(egui::Event::Text(path.to_string_lossy().into_owned()));
    stage.settle().unwrap();
    stage.harness().get_by_label("Write copies").click();
    stage.settle().unwrap();
    assert!(stage.program().state.deid_dialog.is_none());
    let summary = stage.program().workspace.deid.last.unwrap();
    assert_eq!((summary.written, summary.rejected), (3, 0));
    let written = files(path);
    assert_eq!(written.len(), 3);
    for file in written {
        let bytes = fs::read(&file).unwrap();
        assert!(
            !bytes.windows(6).any(|w| w == b"CANARY"),
            "{}",
            file.display()
        );
    }
}
