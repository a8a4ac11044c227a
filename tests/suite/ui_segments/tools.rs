//! Tools that are told a voxel, an outline, points.

use super::{act, all, drag, only, voxels, workspace};
use crate::ui_snapshots::{alone, ct, run, stage};
use egui::{Key, Modifiers, PointerButton};
use negatoscope::{
    app::stage::Stage,
    store::codec::fingerprint,
    tools::brush::BrushShape,
    workspace::Command,
    workspace::segmenting::apply::SegmentTool,
    workspace::segmenting::{BrushSettings, SegmentAction, SegmentChange},
};

#[test]
fn a_region_grows_from_a_click_and_tools_change_it() {
    let _one = alone();
    let mut stage = stage(vec![ct()], Vec::new());
    run(&mut stage, Command::ToolGrow);
    stage.click([450.0, 330.0], PointerButton::Primary, Modifiers::NONE);
    stage.settle().unwrap();
    let grown = only(&stage);
    let first = voxels(&grown, 1);
    assert!(first > 10, "{first}");
    assert_eq!(
        grown.layers()[0].bounds(None).unwrap().size()[2],
        1,
        "in its slice"
    );
    act(&mut stage, SegmentAction::Apply(SegmentTool::Margin(6.0)));
    let larger = voxels(&only(&stage), 1);
    assert!(larger > first, "{larger}");
    act(&mut stage, SegmentAction::Apply(SegmentTool::Margin(-6.0)));
    assert!(voxels(&only(&stage), 1) < larger);
    run(&mut stage, Command::Undo);
    run(&mut stage, Command::Undo);
    assert_eq!(fingerprint(&only(&stage)), fingerprint(&grown));
}

/// A closed way of the pointer with the left button down; the last corner is left open.
fn draw(stage: &mut Stage, corners: &[[f32; 2]], held: Modifiers) {
    let button = |pos, pressed| egui::Event::PointerButton {
        pos,
        button: PointerButton::Primary,
        pressed,
        modifiers: held,
    };
    for (i, corner) in corners.iter().enumerate() {
        let at = egui::pos2(corner[0], corner[1]);
        stage.harness().event(egui::Event::PointerMoved(at));
        stage.step();
        if i == 0 {
            stage.harness().event_modifiers(button(at, true), held);
            stage.step();
        }
        if i + 1 == corners.len() {
            stage.harness().event_modifiers(button(at, false), held);
            stage.step();
        }
    }
    stage.settle().unwrap();
}

#[test]
fn scissors_cut_in_a_slice_and_through_the_volume() {
    let _one = alone();
    let mut stage = stage(vec![ct()], Vec::new());
    run(&mut stage, Command::NewSegmentation);
    run(&mut stage, Command::NewSegment);
    run(&mut stage, Command::Segment1);
    run(&mut stage, Command::ToolScissors);
    let square =
        |[x, y]: [f32; 2], side: f32| [[x, y], [x + side, y], [x + side, y + side], [x, y + side]];
    let empty = only(&stage);
    draw(&mut stage, &square([420.0, 280.0], 100.0), Modifiers::NONE);
    let flat = only(&stage);
    let bounds = flat.layers()[0].bounds(Some(1)).unwrap();
    let (size, many) = (bounds.size(), voxels(&flat, 1));
    assert_eq!(size[2], 1, "in its slice");
    // A square of the screen is one of the picture: all of its box, whose sides are those that were drawn.
    assert_eq!(many as usize, size[0] * size[1]);
    let step = flat.grid.spacing_mm();
    let sides = [size[0] as f64 * step[0], size[1] as f64 * step[1]];
    assert!(
        (sides[0] - sides[1]).abs() <= step[0].max(step[1]),
        "{sides:?}"
    );
    // Half of it taken away again.
    draw(
        &mut stage,
        &[
            [400.0, 260.0],
            [470.0, 260.0],
            [470.0, 400.0],
            [400.0, 400.0],
        ],
        Modifiers::ALT,
    );
    let half = only(&stage);
    let left = voxels(&half, 1) as f64 / many as f64;
    assert!((left - 0.5).abs() < 0.1, "{left}");
    // Each is one step.
    run(&mut stage, Command::Undo);
    assert_eq!(fingerprint(&only(&stage)), fingerprint(&flat));
    run(&mut stage, Command::Undo);
    assert_eq!(fingerprint(&only(&stage)), fingerprint(&empty));
    run(&mut stage, Command::Redo);
    // Another segment through the volume: what is locked stays, all slices are the same elsewhere.
    act(
        &mut stage,
        SegmentAction::Change(1, SegmentChange::Lock(true)),
    );
    run(&mut stage, Command::Segment2);
    run(&mut stage, Command::BrushShape);
    draw(&mut stage, &square([420.0, 280.0], 100.0), Modifiers::NONE);
    let deep = only(&stage);
    let slices = deep.grid.size[2] as u64;
    assert_eq!(voxels(&deep, 1), many);
    assert_eq!(voxels(&deep, 2), many * (slices - 1));
    // Only values of a range.
    run(&mut stage, Command::Undo);
    let brush = BrushSettings {
        shape: BrushShape::Sphere,
        range: Some([-50.0, 150.0]),
        ..BrushSettings::default()
    };
    act(&mut stage, SegmentAction::Brush(brush));
    draw(&mut stage, &square([420.0, 280.0], 100.0), Modifiers::NONE);
    let whole = only(&stage);
    let id = whole.id.clone();
    let numbers = *workspace(&mut stage).segmenting.numbers.of(&id, 2).unwrap();
    let values = numbers.values.unwrap();
    assert!(values.min >= -50.0 && values.max <= 150.0, "{values:?}");
    assert!(numbers.voxels > 0 && numbers.voxels < many * slices);
    // Escape leaves an outline.
    let print = fingerprint(&whole);
    let at = egui::pos2(430.0, 300.0);
    stage.harness().event(egui::Event::PointerMoved(at));
    stage.harness().event(egui::Event::PointerButton {
        pos: at,
        button: PointerButton::Primary,
        pressed: true,
        modifiers: Modifiers::NONE,
    });
    stage.step();
    for at in [[500.0, 300.0], [500.0, 380.0]] {
        stage
            .harness()
            .event(egui::Event::PointerMoved(egui::pos2(at[0], at[1])));
        stage.step();
    }
    stage.key(Modifiers::NONE, Key::Escape);
    stage.harness().event(egui::Event::PointerButton {
        pos: egui::pos2(500.0, 380.0),
        button: PointerButton::Primary,
        pressed: false,
        modifiers: Modifiers::NONE,
    });
    stage.settle().unwrap();
    assert_eq!(fingerprint(&only(&stage)), print);
}

fn values(stage: &Stage, z: usize) -> impl Fn(usize, usize) -> f64 + use<> {
    let display = stage.program().workspace.viewports[0].display.clone();
    let display = display.unwrap();
    let negatoscope::workspace::display::FrameState::Loaded(frame) = display.frame(z) else {
        panic!("all frames are here");
    };
    let reference = &display.layout.frames[z];
    let image = reference.instance.image.as_ref().unwrap();
    let lut = image.frame(reference.frame).modality_lut.clone();
    move |x, y| {
        let stored = frame.value(x, y, 0).unwrap();
        negatoscope::imaging::window::modality_value(stored, &lut)
    }
}

#[test]
fn a_level_is_traced_where_the_pointer_is() {
    let _one = alone();
    let mut stage = stage(vec![ct()], Vec::new());
    run(&mut stage, Command::ToolTrace);
    stage.hover([450.0, 330.0]);
    stage.settle().unwrap();
    assert!(all(&stage).is_empty(), "pointing changes nothing");
    let found = |stage: &Stage| {
        let preview = &stage.program().workspace.segmenting.preview;
        preview.found().cloned()
    };
    let shown = found(&stage).expect("an outline");
    assert!(shown.voxels > 0 && shown.lines.iter().any(|line| line.len() >= 4));
    // The pointer rests, nothing is looked at again.
    stage.settle().unwrap();
    let again = found(&stage).unwrap();
    assert!(std::sync::Arc::ptr_eq(&shown.lines, &again.lines));
    stage.click([450.0, 330.0], PointerButton::Primary, Modifiers::NONE);
    stage.settle().unwrap();
    let whole = only(&stage);
    assert_eq!(voxels(&whole, 1), shown.voxels);
    let [x, y, z] = shown.wish.at;
    assert!(whole.contains(1, [x, y, z]));
    let value = values(&stage, z);
    let level = value(x, y);
    let bounds = whole.layers()[0].bounds(Some(1)).unwrap();
    assert_eq!(bounds.range(2), z..z + 1);
    let [columns, rows, _] = whole.grid.size;
    let mut rim = 0;
    for y in bounds.range(1) {
        for x in bounds.range(0) {
            let beside = [
                (x.wrapping_sub(1), y),
                (x + 1, y),
                (x, y.wrapping_sub(1)),
                (x, y + 1),
            ];
            for (a, b) in beside {
                let outside = a < columns && b < rows && !whole.contains(1, [a, b, z]);
                if whole.contains(1, [x, y, z]) && outside {
                    assert!(value(a, b) < level && value(x, y) >= level);
                    rim += 1;
                }
            }
        }
    }
    assert!(rim > 0);
    // Alt takes it away again, in one step; the tool put down takes the outline with it.
    stage.click([450.0, 330.0], PointerButton::Primary, Modifiers::ALT);
    stage.settle().unwrap();
    assert_eq!(voxels(&only(&stage), 1), 0);
    run(&mut stage, Command::Undo);
    assert_eq!(fingerprint(&only(&stage)), fingerprint(&whole));
    run(&mut stage, Command::ToolWindowLevel);
    stage.hover([452.0, 330.0]);
    stage.settle().unwrap();
    assert!(found(&stage).is_none());
}

#[test]
fn a_growing_region_follows_the_hand() {
    let _one = alone();
    let mut stage = stage(vec![ct()], Vec::new());
    run(&mut stage, Command::ToolGrow);
    let button = |pos, pressed| egui::Event::PointerButton {
        pos,
        button: PointerButton::Primary,
        pressed,
        modifiers: Modifiers::NONE,
    };
    let at = egui::pos2(450.0, 330.0);
    let found = |stage: &Stage| {
        let preview = &stage.program().workspace.segmenting.preview;
        preview.found().cloned()
    };
    let tolerance = |stage: &Stage| stage.program().workspace.segmenting.brush.tolerance;
    stage.hover([at.x, at.y]);
    stage.harness().event(button(at, true));
    stage.settle().unwrap();
    let first = found(&stage).expect("a region").voxels;
    let mut last = (at, first);
    for (up, more) in [(30.0, true), (64.0, true), (-200.0, false)] {
        let to = egui::pos2(at.x, at.y - up);
        stage.harness().event(egui::Event::PointerMoved(to));
        stage.settle().unwrap();
        let now = found(&stage).unwrap();
        assert!(now.voxels >= first && more || now.voxels < first && !more);
        assert_eq!(now.wish.at, found(&stage).unwrap().wish.at);
        last = (to, now.voxels);
    }
    assert!(
        all(&stage).is_empty(),
        "nothing is kept before the button is up"
    );
    stage.key(Modifiers::NONE, Key::Escape);
    stage.harness().event(button(last.0, false));
    stage.settle().unwrap();
    assert!(all(&stage).is_empty() && found(&stage).is_none());
    assert_eq!(tolerance(&stage), 80.0);
    // The same with the button let go.
    stage.hover([at.x, at.y]);
    stage.harness().event(button(at, true));
    stage.step();
    let to = egui::pos2(at.x, at.y - 64.0);
    stage.harness().event(egui::Event::PointerMoved(to));
    stage.settle().unwrap();
    let shown = found(&stage).unwrap().voxels;
    stage.harness().event(button(to, false));
    stage.settle().unwrap();
    assert_eq!(voxels(&only(&stage), 1), shown);
    assert!(found(&stage).is_none());
    assert_eq!(tolerance(&stage), 160.0);
}

#[test]
fn points_and_scribbles_propose_and_enter_takes() {
    let _one = alone();
    let mut stage = stage(vec![ct()], Vec::new());
    run(&mut stage, Command::ToolPrompt);
    let found = |stage: &Stage| {
        let preview = &stage.program().workspace.segmenting.preview;
        preview.found().cloned()
    };
    drag(&mut stage, [440.0, 330.0], [460.0, 330.0], Modifiers::NONE);
    let first = found(&stage).expect("a proposal");
    assert!(first.voxels > 0 && all(&stage).is_empty());
    // What is said not to belong makes it smaller there, and is not in it.
    drag(&mut stage, [440.0, 345.0], [460.0, 345.0], Modifiers::ALT);
    let second = found(&stage).unwrap();
    assert!(second.voxels > 0 && second.voxels != first.voxels);
    let SegmentTool::Prompts(prompts) = second.wish.tool.clone() else {
        panic!("of strokes");
    };
    assert!(prompts.plus.len() > 1 && prompts.minus.len() > 1);
    // Escape leaves it all.
    stage.key(Modifiers::NONE, Key::Escape);
    stage.settle().unwrap();
    assert!(found(&stage).is_none() && all(&stage).is_empty());
    drag(&mut stage, [440.0, 330.0], [460.0, 330.0], Modifiers::NONE);
    drag(&mut stage, [440.0, 345.0], [460.0, 345.0], Modifiers::ALT);
    assert_eq!(found(&stage).unwrap().voxels, second.voxels);
    stage.key(Modifiers::NONE, Key::Enter);
    stage.settle().unwrap();
    let whole = only(&stage);
    assert_eq!(voxels(&whole, 1), second.voxels);
    assert!(prompts.plus.iter().all(|at| whole.contains(1, *at)));
    assert!(!prompts.minus.iter().any(|at| whole.contains(1, *at)));
    assert!(found(&stage).is_none());
    assert_eq!(whole.layers()[0].bounds(None).unwrap().size()[2], 1);
}
