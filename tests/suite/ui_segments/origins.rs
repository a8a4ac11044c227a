//! Where a voxel comes from, asked in the window: by the store, and by the history where nothing is kept.

use super::{act, only, workspace};
use crate::{
    keeping::{made, window as kept_window},
    ui_snapshots::{alone, ct, run, stage},
};
use egui::{Key, Modifiers, PointerButton};
use negatoscope::{
    app::{screen, stage::Stage},
    workspace::{
        Command,
        segmenting::{BrushSettings, SegmentAction, apply::SegmentTool},
    },
};

/// Paints, widens and asks: the tools of the changes of the voxel under the pointer, the first one first.
fn asked(stage: &mut Stage, at: [f32; 2]) -> Vec<(String, u16)> {
    // The panel is open before, so that the picture stays where it is.
    run(stage, Command::ShowSegments);
    run(stage, Command::ToolBrush);
    act(
        stage,
        SegmentAction::Brush(BrushSettings {
            radius: 3.0,
            ..BrushSettings::default()
        }),
    );
    stage.click(at, PointerButton::Primary, Modifiers::NONE);
    stage.settle().unwrap();
    run(stage, Command::NewSegment);
    stage.click(at, PointerButton::Primary, Modifiers::NONE);
    stage.settle().unwrap();
    act(stage, SegmentAction::Apply(SegmentTool::Margin(8.0)));
    stage.hover(at);
    stage.settle().unwrap();
    stage.key(Modifiers::ALT, Key::O);
    stage.settle().unwrap();
    let origins = &stage.program().workspace.segmenting.origins;
    let found = origins.found.as_ref().expect("an answer");
    found
        .iter()
        .map(|o| (o.source.tool.clone(), o.to))
        .collect()
}

#[test]
fn the_history_says_where_a_voxel_comes_from() {
    let _one = alone();
    let mut stage = stage(vec![ct()], Vec::new());
    let at = [450.0, 330.0];
    let found = asked(&mut stage, at);
    let brush = |to| ("brush".to_owned(), to);
    assert_eq!(found, [brush(1), brush(2)], "the margin did not change it");
    // The panel says it, the pointer names the segment.
    let said = screen::describe(&mut stage).to_string();
    assert!(said.contains("Where this voxel comes from"), "{said}");
    assert!(said.contains("disc 3"), "{said}");
    let whole = only(&stage);
    let name = whole.segment(2).unwrap().label.clone();
    stage.hover([at[0] + 1.0, at[1]]);
    stage.settle().unwrap();
    let said = screen::describe(&mut stage).to_string();
    assert!(said.contains(&format!("{name}  edited")), "{said}");
    // What is taken back is no origin any more.
    for _ in 0..3 {
        run(&mut stage, Command::Undo);
    }
    run(&mut stage, Command::VoxelOrigin);
    stage.settle().unwrap();
    let origins = &stage.program().workspace.segmenting.origins;
    assert_eq!(origins.found.as_ref().unwrap().len(), 1);
    act(&mut stage, SegmentAction::ForgetOrigin);
    assert!(workspace(&mut stage).segmenting.origins.asked.is_none());
}

#[test]
fn the_store_says_where_a_voxel_comes_from() {
    let _one = alone();
    let (_folder, dir) = made();
    let mut stage = kept_window(ct(), Some(&dir));
    let found = asked(&mut stage, [450.0, 330.0]);
    assert_eq!(found.len(), 2);
    assert_eq!((found[0].1, found[1].1), (1, 2));
}
