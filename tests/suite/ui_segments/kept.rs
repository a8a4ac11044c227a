//! What was painted is kept, and found again.

use super::{act, drag, only, voxels, workspace};
use crate::keeping::{child, kept, made, study, window as kept_window};
use crate::ui_snapshots::{alone, ct, run, stage};
use egui::Modifiers;
use negatoscope::{
    app::screen::{self, Script},
    console::Output,
    model::segmentation::SegmentState,
    store::Store,
    store::codec::fingerprint,
    workspace::Command,
    workspace::segmenting::SegmentAction,
};
use std::io;
use std::time::{Duration, Instant};

#[test]
fn what_was_painted_is_kept_and_comes_back() {
    let _one = alone();
    let (_folder, dir) = made();
    let open = || kept_window(ct(), Some(&dir));
    let mut stage = open();
    run(&mut stage, Command::ToolBrush);
    drag(&mut stage, [440.0, 300.0], [520.0, 330.0], Modifiers::NONE);
    drag(&mut stage, [460.0, 340.0], [520.0, 350.0], Modifiers::NONE);
    let tree = screen::describe(&mut stage);
    assert_eq!(tree["keeping"]["state"], "saved");
    let print = fingerprint(&only(&stage));
    drop(stage);
    let mut stage = open();
    assert_eq!(fingerprint(&only(&stage)), print);
    assert_eq!(screen::describe(&mut stage)["keeping"]["unsaved"], 0);
}

/// What the window called saved is there after `kill -9`, in the middle of whatever.
#[test]
fn a_killed_window_loses_no_stroke_that_it_called_saved() {
    let _one = alone();
    let (study, (folder, dir)) = (study(), made());
    let seen = folder.path().join("seen.png");
    let script = format!(
        "open .\ncommand tool-brush\ndrag 500,300 560,320\ndrag 520,400 600,420\nscreenshot {}\n\
        drag 480,350 620,380\ndrag 480,380 620,400\nwait 10000\n",
        seen.display()
    );
    let mut child = child(&study, &dir, &script);
    let begin = Instant::now();
    while !seen.exists() {
        assert!(
            begin.elapsed() < Duration::from_secs(200),
            "no stroke was kept"
        );
        assert!(child.try_wait().unwrap().is_none(), "the window ended");
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let kept = kept(&dir);
    let (_, whole) = kept.segmentations.first_key_value().expect("it is kept");
    let painted = voxels(whole, 1);
    assert!(painted > 0);
    let mut stage = kept_window(&study, Some(&dir));
    assert_eq!(fingerprint(&only(&stage)), fingerprint(whole));
    let keys: Vec<_> = workspace(&mut stage)
        .notices
        .iter()
        .map(|n| n.key)
        .collect();
    assert_eq!(keys, ["notice-restored"]);
    // Replaying what is kept on an empty store gives the same fingerprint.
    let mut store = Store::throw_away().unwrap();
    store.commit(&kept.as_edits()).unwrap();
    let again = &store.kept().segmentations[&whole.id];
    assert_eq!(fingerprint(again), fingerprint(whole));
}

/// A labelling task from the first stroke to the last word, by a script as anybody may write it.
#[test]
fn a_nodule_is_labelled_by_a_script() {
    let _one = alone();
    let mut stage = stage(vec![ct()], Vec::new());
    act(&mut stage, SegmentAction::Schema(Some("chest-ct".into())));
    let script = Script::read(include_str!("../label_nodule.script"), &[]).unwrap();
    let mut out = Output::to(Box::new(io::sink()), Box::new(io::sink()));
    script
        .play(&mut stage, &mut out, &mut |_, _| Ok(()))
        .unwrap();
    let whole = only(&stage);
    let nodule = whole.segment(1).unwrap();
    assert_eq!(nodule.label, "Nodule");
    assert_eq!(nodule.property_type.as_ref().unwrap().value, "27925004");
    assert_eq!(nodule.state, SegmentState::Accepted);
    assert!(voxels(&whole, 1) > 0 && nodule.changed_ms > 0);
}
