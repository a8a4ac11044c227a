//! The window asks for the passphrase of an encrypted archive.

use super::PASSPHRASE;
use crate::ui_snapshots::alone;
use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use negatoscope::{
    app::{Options, screen, stage::Stage},
    console::DeviceChoice,
    i18n::Language,
};
use std::path::{Path, PathBuf};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/archives")
        .join(name)
}

fn stage(path: PathBuf, language: Language) -> Stage {
    let options = Options {
        paths: vec![path],
        language: Some(language),
        device: DeviceChoice::Cpu,
        threads: Some(2),
        ..Options::default()
    };
    let mut stage = Stage::open(options, [1000.0, 640.0]).unwrap();
    stage.settle().unwrap();
    stage
}

fn type_in(stage: &mut Stage, text: &str) {
    stage.harness().event(egui::Event::Text(text.to_owned()));
    stage.step();
    stage.key(Modifiers::NONE, Key::Enter);
    stage.settle().unwrap();
}

fn says(stage: &mut Stage, text: &str) -> bool {
    let found = stage.harness().query_all_by_label_contains(text).next();
    found.is_some()
}

/// Series, and files that did not open.
fn counts(stage: &Stage) -> (usize, usize) {
    let library = &stage.program().workspace.library;
    (library.series().count(), library.rejected.len())
}

#[test]
fn the_window_asks_until_the_passphrase_is_right() {
    let _one = alone();
    let mut stage = stage(fixture("7z-aes256.zip"), Language::English);
    assert!(says(&mut stage, "This archive is encrypted"));
    assert!(says(&mut stage, "2 files in it are locked"));
    assert_eq!(counts(&stage), (0, 2));
    type_in(&mut stage, "wrong horse");
    assert!(says(&mut stage, "This passphrase does not open it"));
    // What is typed does not show.
    stage
        .harness()
        .event(egui::Event::Text(PASSPHRASE.to_owned()));
    stage.step();
    let tree = screen::describe(&mut stage).to_string();
    assert!(!tree.contains("horse"), "{tree}");
    stage.harness().get_by_label("Unlock").click();
    stage.settle().unwrap();
    assert!(!says(&mut stage, "This archive is encrypted"));
    assert_eq!(counts(&stage), (1, 0));
    let frames = &stage.program().workspace.viewports[0];
    assert_eq!(frames.slice_count(), 2);
    assert!(frames.display.as_ref().unwrap().progress().loaded > 0);
}

#[test]
fn what_is_left_locked_is_listed_and_can_be_unlocked_later() {
    let _one = alone();
    let mut stage = stage(fixture("mixed.zip"), Language::SimplifiedChinese);
    assert!(says(&mut stage, "此压缩包已加密"));
    stage.key(Modifiers::NONE, Key::Escape);
    stage.settle().unwrap();
    assert!(!says(&mut stage, "此压缩包已加密"));
    // The plain part is open, the locked one is named.
    assert_eq!(counts(&stage), (1, 1));
    assert!(says(&mut stage, "IM2: ARCHIVE_LOCKED"));
    stage.harness().get_by_label("输入密码…").click();
    stage.settle().unwrap();
    type_in(&mut stage, PASSPHRASE);
    assert!(!says(&mut stage, "此压缩包已加密"));
    assert_eq!(counts(&stage), (1, 0));
    assert_eq!(stage.program().workspace.viewports[0].slice_count(), 2);
}
