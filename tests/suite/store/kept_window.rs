//! Keeping copies from the window, and opening what is kept in it.

use super::{contents, made, pass};
use crate::{
    bad_input::build::Slice,
    ui_snapshots::{alone, run},
};
use egui_kittest::kittest::Queryable as _;
use negatoscope::{
    app::{Options, screen, stage::Stage},
    console::DeviceChoice,
    i18n::Language,
    store::{Passphrase, Store},
    workspace::{Command, marks::StorePlace, study_list::Held},
};
use std::{
    fs,
    path::{Path, PathBuf},
};

fn window(dir: &Path, paths: Vec<PathBuf>, passphrase: &str, language: Language) -> Stage {
    let options = Options {
        paths,
        language: Some(language),
        device: DeviceChoice::Cpu,
        threads: Some(2),
        store: Some(StorePlace {
            dir: dir.to_owned(),
            exists: true,
        }),
        store_passphrase: Some(Passphrase::new(passphrase)),
        ..Options::default()
    };
    let mut stage = Stage::open(options, [1000.0, 640.0]).unwrap();
    stage.settle().unwrap();
    stage
}

fn study(folder: &Path) {
    for number in 1..=3 {
        let slice = Slice {
            study: "1.2.3".into(),
            series: "1.2.3.1".into(),
            uid: format!("1.2.3.1.{number}"),
            number,
            position: Some([0.0, 0.0, 3.0 * f64::from(number)]),
            ..Slice::default()
        };
        slice.write(folder, &format!("{number}.dcm"));
    }
}

fn notices(stage: &Stage) -> Vec<&'static str> {
    let notices = stage.program().workspace.notices.iter();
    notices.map(|notice| notice.key).collect()
}

/// Where the files of the one listed study are.
fn held(stage: &Stage) -> Held {
    let index = stage.program().workspace.list.index().clone();
    let entries = index.entries();
    assert_eq!(entries.len(), 1);
    entries[0].held
}

/// The middle of the picture that is shown, as pixels of the frame that is read for it.
fn shows_picture(stage: &mut Stage) -> bool {
    let tree = screen::describe(stage).to_string();
    let workspace = &stage.program().workspace;
    workspace
        .active_viewport()
        .is_some_and(|v| v.display.is_some())
        && tree.contains("DOE")
        && workspace.library.rejected.is_empty()
}

#[test]
fn copies_are_kept_from_the_window_and_open_when_the_files_are_gone() {
    let _one = alone();
    let (folder, dir) = made();
    let files = folder.path().join("files");
    fs::create_dir(&files).unwrap();
    study(&files);
    let before = contents(&files);
    let mut stage = window(
        &dir,
        vec![files.clone()],
        "correct horse",
        Language::English,
    );
    run(&mut stage, Command::AddToLibrary);
    assert_eq!(held(&stage), Held::Referenced);
    run(&mut stage, Command::KeepCopies);
    assert_eq!(held(&stage), Held::Kept);
    assert!(notices(&stage).contains(&"notice-copies-kept"));
    assert!(stage.program().workspace.jobs.running().is_empty());
    // Again: nothing new, and nothing twice.
    run(&mut stage, Command::KeepCopies);
    assert_eq!(held(&stage), Held::Kept);
    drop(stage);
    assert!(contents(&files) == before, "the files stay as they are");
    fs::remove_dir_all(&files).unwrap();
    assert!(Store::verify_folder(&dir, &pass()).unwrap().is_sound());
    for (language, word) in [
        (Language::English, "kept"),
        (Language::SimplifiedChinese, "已保存"),
    ] {
        let mut stage = window(&dir, Vec::new(), "correct horse", language);
        assert!(stage.program().workspace.is_empty(), "nothing is read yet");
        run(&mut stage, Command::NextUnread);
        assert!(shows_picture(&mut stage), "{:?}", notices(&stage));
        let viewport = stage.program().workspace.active_viewport();
        let node = viewport.and_then(|v| v.node.clone()).unwrap();
        assert_eq!(node.layout.frames.len(), 3);
        assert!(
            node.layout
                .frames
                .iter()
                .all(|f| f.instance.source.is_kept())
        );
        assert_eq!(held(&stage), Held::Kept);
        let mut labels = stage.harness().query_all_by_label(word);
        assert!(labels.next().is_some(), "{word}");
    }
    // Files of the store that are opened before it is are read once it is open.
    let stage = window(
        &dir,
        vec![dir.join("blobs")],
        "correct horse",
        Language::English,
    );
    assert_eq!(stage.program().workspace.library.series().count(), 1);
    assert!(stage.program().workspace.library.rejected.is_empty());
    drop(stage);
    // Whoever does not know the passphrase sees none of it, and is not asked for that of an archive.
    let mut stage = window(&dir, vec![dir.join("blobs")], "wrong", Language::English);
    let workspace = &stage.program().workspace;
    assert_eq!(workspace.library.series().count(), 0);
    assert_eq!(workspace.library.rejected.len(), 3);
    assert!(workspace.passphrases.asking.is_none());
    assert!(!screen::describe(&mut stage).to_string().contains("DOE"));
}
