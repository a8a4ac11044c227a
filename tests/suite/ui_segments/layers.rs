//! Layers, names, and what is one step.

use super::{act, all, only, voxels};
use crate::ui_snapshots::{alone, ct, run, stage};
use egui::{Key, Modifiers, PointerButton};
use negatoscope::{
    app::stage::Stage,
    store::codec::fingerprint,
    workspace::{
        Command,
        segmenting::{SegmentAction, SegmentChange, apply::SegmentTool},
    },
};

fn notices(stage: &Stage) -> Vec<(&'static str, String)> {
    let all = stage.program().workspace.notices.iter();
    all.map(|n| (n.key, n.detail.clone())).collect()
}

/// The first click of a tool makes a segmentation, and is one step with it.
#[test]
fn a_tool_that_begins_a_segmentation_is_one_step() {
    let _one = alone();
    let mut stage = stage(vec![ct()], Vec::new());
    for tool in [Command::ToolGrow, Command::ToolTrace] {
        run(&mut stage, tool);
        stage.hover([450.0, 330.0]);
        stage.settle().unwrap();
        let steps = stage.program().workspace.marks.history.available();
        assert!(!steps.0, "nothing can be taken back yet");
        stage.click([450.0, 330.0], PointerButton::Primary, Modifiers::NONE);
        stage.settle().unwrap();
        let whole = only(&stage);
        assert!(voxels(&whole, 1) > 0);
        run(&mut stage, Command::Undo);
        assert!(all(&stage).is_empty(), "{tool:?}");
        run(&mut stage, Command::Redo);
        assert_eq!(fingerprint(&only(&stage)), fingerprint(&whole));
        run(&mut stage, Command::Undo);
        run(&mut stage, Command::ToolWindowLevel);
        // What was taken back can be done again until something else is done: here by the next tool.
        stage.hover([700.0, 30.0]);
        stage.settle().unwrap();
    }
}

#[test]
fn a_segment_goes_to_another_layer_and_a_segmentation_gets_a_name() {
    let _one = alone();
    let mut stage = stage(vec![ct()], Vec::new());
    run(&mut stage, Command::NewSegmentation);
    run(&mut stage, Command::NewSegment);
    run(&mut stage, Command::ToolBrush);
    run(&mut stage, Command::Segment1);
    stage.click([430.0, 300.0], PointerButton::Primary, Modifiers::NONE);
    run(&mut stage, Command::Segment2);
    stage.click([470.0, 300.0], PointerButton::Primary, Modifiers::NONE);
    stage.settle().unwrap();
    let flat = only(&stage);
    // Alone in its layer afterwards: painting over the other one leaves both.
    stage.key(Modifiers::ALT, Key::L);
    stage.settle().unwrap();
    let moved = only(&stage);
    assert_eq!(moved.segment(2).unwrap().layer, 1);
    assert_eq!(
        (voxels(&moved, 1), voxels(&moved, 2)),
        (voxels(&flat, 1), voxels(&flat, 2))
    );
    assert_eq!(notices(&stage).last().unwrap().0, "notice-segment-moved");
    stage.click([430.0, 300.0], PointerButton::Primary, Modifiers::NONE);
    stage.settle().unwrap();
    let both = only(&stage);
    assert_eq!(voxels(&both, 1), voxels(&flat, 1));
    assert!(voxels(&both, 2) > voxels(&flat, 2));
    // Back it does not fit, and the reason names what is in the way.
    act(&mut stage, SegmentAction::Move(2, 0));
    assert_eq!(fingerprint(&only(&stage)), fingerprint(&both));
    let last = notices(&stage).pop().unwrap();
    let name = both.segment(1).unwrap().label.clone();
    assert_eq!(last.0, "notice-segment-overlaps");
    assert!(last.1.contains(&name), "{last:?}");
    stage.key(Modifiers::ALT, Key::L);
    stage.settle().unwrap();
    assert_eq!(fingerprint(&only(&stage)), fingerprint(&both));
    // A locked one stays.
    act(
        &mut stage,
        SegmentAction::Change(1, SegmentChange::Lock(true)),
    );
    act(&mut stage, SegmentAction::Move(1, 2));
    assert_eq!(only(&stage).segment(1).unwrap().layer, 0);
    assert_eq!(notices(&stage).last().unwrap().0, "notice-segment-locked");
    act(
        &mut stage,
        SegmentAction::Change(1, SegmentChange::Lock(false)),
    );
    // A name is one step, and so was the move.
    act(&mut stage, SegmentAction::Rename("Second look".into()));
    assert_eq!(only(&stage).title, "Second look");
    run(&mut stage, Command::Undo);
    assert_eq!(only(&stage).title, "");
    for _ in 0..3 {
        run(&mut stage, Command::Undo);
    }
    assert_eq!(fingerprint(&only(&stage)), fingerprint(&moved));
    run(&mut stage, Command::Undo);
    assert_eq!(fingerprint(&only(&stage)), fingerprint(&flat));
}

/// A layer in the middle loses its only segment, then the last one goes, and all of it comes back.
#[test]
fn layers_that_were_left_empty_come_back_by_undo() {
    let _one = alone();
    let mut stage = stage(vec![ct()], Vec::new());
    run(&mut stage, Command::NewSegmentation);
    run(&mut stage, Command::NewSegment);
    run(&mut stage, Command::NewSegment);
    act(&mut stage, SegmentAction::Move(2, 1));
    act(&mut stage, SegmentAction::Move(3, 2));
    run(&mut stage, Command::ToolBrush);
    for command in [Command::Segment1, Command::Segment2, Command::Segment3] {
        run(&mut stage, command);
        stage.click([430.0, 300.0], PointerButton::Primary, Modifiers::NONE);
        stage.settle().unwrap();
    }
    act(&mut stage, SegmentAction::Select(1));
    act(&mut stage, SegmentAction::Apply(SegmentTool::Margin(4.0)));
    let full = only(&stage);
    assert_eq!(full.layers().len(), 3);
    act(&mut stage, SegmentAction::Remove(2));
    act(&mut stage, SegmentAction::Remove(3));
    let bare = only(&stage);
    assert_eq!(bare.layers().len(), 1);
    run(&mut stage, Command::Undo);
    run(&mut stage, Command::Undo);
    assert_eq!(fingerprint(&only(&stage)), fingerprint(&full));
    run(&mut stage, Command::Redo);
    run(&mut stage, Command::Redo);
    assert_eq!(fingerprint(&only(&stage)), fingerprint(&bare));
    let skipped = notices(&stage)
        .into_iter()
        .any(|n| n.0 == "notice-undo-skipped");
    assert!(!skipped);
}
