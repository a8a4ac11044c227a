//! Turning, moving and thickening the planes of a volume by hand, and what the window says of it.

use crate::{
    keeping,
    ui_snapshots::{alone, run, stage, texts},
};
use egui::{Modifiers, PointerButton};
use negatoscope::{
    app::{screen, stage::Stage},
    model::{geometry::BodyPlane, slab::Projection, view::Interpolation},
    workspace::{Command, view::ViewKind},
};
use serde_json::Value;

/// The rectangle of a cell: left, top, width, height.
fn cell(tree: &Value, number: usize) -> [f32; 4] {
    let name = format!("View {number}");
    let nodes = tree["nodes"].as_array().unwrap();
    let node = nodes.iter().find(|n| n["label"] == name.as_str()).unwrap();
    let [l, t, r, b] = std::array::from_fn(|i| node["rect"][i].as_f64().unwrap() as f32);
    [l, t, r - l, b - t]
}

/// A point of a cell: from its middle, in parts of its shorter side.
fn at(rect: [f32; 4], x: f32, y: f32) -> [f32; 2] {
    let [left, top, width, height] = rect;
    let side = width.min(height);
    [left + width * 0.5 + side * x, top + height * 0.5 + side * y]
}

fn four_views() -> Stage {
    let mut stage = stage(vec![crate::ui_snapshots::ct()], Vec::new());
    run(&mut stage, Command::LayoutMpr);
    stage
}

fn kinds(stage: &Stage) -> Vec<ViewKind> {
    let cells = stage.program().workspace.viewports.iter();
    cells.take(4).map(|v| v.kind).collect()
}

#[test]
fn planes_are_turned_at_the_ends_of_their_lines() {
    let _one = alone();
    let mut stage = four_views();
    let rect = cell(&screen::describe(&mut stage), 3);
    // In the coronal cell the sagittal plane is the upright line; its upper end is turned clockwise by 20 degrees.
    let (sine, cosine) = 20f32.to_radians().sin_cos();
    let (from, to) = (at(rect, 0.0, -0.36), at(rect, 0.36 * sine, -0.36 * cosine));
    stage.drag(from, to, PointerButton::Primary, Modifiers::NONE);
    stage.settle().unwrap();
    let (axial, coronal, sagittal) = (BodyPlane::Axial, BodyPlane::Coronal, BodyPlane::Sagittal);
    let oblique = [
        ViewKind::Oblique(axial),
        ViewKind::Oblique(axial),
        ViewKind::Plane(coronal),
        ViewKind::Oblique(sagittal),
    ];
    assert_eq!(kinds(&stage), oblique);
    // A cut is no frame, however it leans: no key image, and nothing of it goes into a presentation state.
    for cell in 0..4 {
        assert_eq!(stage.program().workspace.shown_target(cell), None);
        stage.program_mut().workspace.active = cell;
        let key_image = Command::KeyImage;
        assert!(!stage.program().workspace.is_enabled(key_image));
    }
    stage.program_mut().workspace.active = 0;
    let cuts = stage.program().workspace.viewports[0].cuts;
    for plane in [axial, sagittal] {
        let tilt = cuts.tilt_degrees(plane);
        assert!((tilt - 20.0).abs() < 0.5, "{plane:?} {tilt}");
    }
    assert!((cuts.smallest_angle_degrees() - 90.0).abs() < 1e-6);
    let tree = screen::describe(&mut stage);
    let text = texts(&tree, 0);
    assert!(
        text.contains("Axial oblique 20.") || text.contains("Axial oblique 19."),
        "{text}"
    );
    // Letters name both directions where the screen leans: right of the axial picture is left, and up or down.
    let first = text.lines().next().unwrap().to_owned();
    assert!(
        first.split(' ').any(|letters| letters.len() == 2),
        "{first}"
    );
    assert_eq!(tree["viewports"][0]["kind"], "oblique");
    // All planes still go through one point.
    let views = &stage.program().workspace.viewports;
    let point = views[0].crosshair.unwrap();
    assert!(views.iter().take(4).all(|v| v.crosshair == Some(point)));
    // Paging goes along the leaning normal.
    let normal = cuts.axes(axial).normal();
    stage.program_mut().workspace.step(0, 3);
    let moved = stage.program().workspace.viewports[0].crosshair.unwrap() - point;
    assert!(moved.length() > 1.0 && moved.cross(normal).length() < 1e-9);
    run(&mut stage, Command::ResetPlanes);
    assert!(
        kinds(&stage)
            .iter()
            .all(|kind| matches!(kind, ViewKind::Plane(_)))
    );
}

#[test]
fn what_the_hand_does_to_planes_is_one_step_of_the_one_history_and_durable() {
    let _one = alone();
    let (_folder, dir) = keeping::made();
    let ct = crate::ui_snapshots::ct();
    let mut stage = keeping::window(&ct, Some(&dir));
    run(&mut stage, Command::LayoutMpr);
    let rect = cell(&screen::describe(&mut stage), 3);
    let states = |stage: &Stage| -> Vec<_> {
        let cells = stage.program().workspace.viewports.iter();
        cells.take(4).map(|v| v.state()).collect()
    };
    let drag = |stage: &mut Stage, from: [f32; 2], to: [f32; 2]| {
        stage.drag(from, to, PointerButton::Primary, Modifiers::NONE);
        stage.settle().unwrap();
    };
    let mut seen = vec![states(&stage)];
    // Turned at an end, moved beside the middle, then the crosshair dragged and put by a click.
    drag(&mut stage, at(rect, 0.0, -0.36), at(rect, 0.12, -0.34));
    seen.push(states(&stage));
    drag(&mut stage, at(rect, -0.2, 0.02), at(rect, -0.2, 0.1));
    seen.push(states(&stage));
    run(&mut stage, Command::ToolCrosshair);
    let axial = cell(&screen::describe(&mut stage), 1);
    drag(&mut stage, at(axial, 0.21, 0.25), at(axial, 0.24, 0.28));
    seen.push(states(&stage));
    stage.click(
        at(axial, -0.25, 0.3),
        PointerButton::Primary,
        Modifiers::NONE,
    );
    stage.settle().unwrap();
    seen.push(states(&stage));
    for [a, b] in seen.array_windows() {
        assert_ne!(a, b, "each did something");
    }
    for expected in seen.iter().rev().skip(1) {
        run(&mut stage, Command::Undo);
        assert_eq!(&states(&stage), expected, "bit for bit");
    }
    for expected in seen.iter().skip(1) {
        run(&mut stage, Command::Redo);
        assert_eq!(&states(&stage), expected, "bit for bit");
    }
    drop(stage);
    let kept = keeping::kept(&dir);
    let text = kept.layouts.values().next().unwrap();
    assert!(
        text.contains("kind oblique") && text.contains("cuts "),
        "{text}"
    );
    let stage = keeping::window(&ct, Some(&dir));
    assert_eq!(Some(&states(&stage)), seen.last());
}

#[test]
fn only_the_planes_that_move_are_drawn_again() {
    let _one = alone();
    let mut stage = four_views();
    let axis = BodyPlane::Coronal.screen_axes();
    let axis = axis.0.cross(axis.1);
    stage
        .program_mut()
        .workspace
        .turn_planes(2, BodyPlane::Axial, axis, 0.3);
    stage.settle().unwrap();
    let drawn = |stage: &Stage| stage.program().pictures_drawn();
    let before = drawn(&stage);
    // Within the leaning sagittal plane: that plane stays, the two axial ones and the coronal one move.
    let point = stage.program().workspace.viewports[3].crosshair.unwrap();
    let axes = stage.program().workspace.viewports[3]
        .cuts
        .axes(BodyPlane::Sagittal);
    let moved = point + axes.right * 7.3 + axes.down * 3.1;
    stage.program_mut().workspace.set_crosshair(3, moved);
    stage.settle().unwrap();
    assert_eq!(drawn(&stage) - before, 3);
    // One by one: with the lock off only the plane whose line is turned.
    run(&mut stage, Command::LockPlanes);
    let before = drawn(&stage);
    stage
        .program_mut()
        .workspace
        .turn_planes(2, BodyPlane::Sagittal, axis, 0.1);
    stage.settle().unwrap();
    assert_eq!(drawn(&stage) - before, 1);
}

#[test]
fn slabs_are_made_by_the_wheel_and_by_command_and_taken_back() {
    let _one = alone();
    let mut stage = four_views();
    let tree = screen::describe(&mut stage);
    let middle = at(cell(&tree, 1), 0.2, 0.2);
    stage.wheel(middle, 1.0, Modifiers::ALT);
    stage.settle().unwrap();
    let slab = stage.program().workspace.viewports[0].view.slab.unwrap();
    assert_eq!(slab.projection, Projection::Mip);
    assert!(slab.thickness_mm >= 10.0);
    let text = texts(&screen::describe(&mut stage), 0);
    assert!(
        text.contains(&format!("MIP {:.0} mm", slab.thickness_mm)),
        "{text}"
    );
    run(&mut stage, Command::SlabMean);
    let text = texts(&screen::describe(&mut stage), 0);
    assert!(text.contains("Mean "), "{text}");
    run(&mut stage, Command::Undo);
    let kept = stage.program().workspace.viewports[0].view.slab.unwrap();
    assert_eq!(kept, slab);
    run(&mut stage, Command::SlabOff);
    assert!(stage.program().workspace.viewports[0].view.slab.is_none());
    // A stack has no slab: nothing to make thicker.
    run(&mut stage, Command::LayoutOne);
    assert!(!stage.program().workspace.is_enabled(Command::SlabMip));
}

#[test]
fn the_corner_says_how_values_between_voxels_are_made() {
    let _one = alone();
    let mut stage = stage(vec![crate::ui_snapshots::ct()], Vec::new());
    let mut said = |command: Command, word: &str| {
        run(&mut stage, command);
        let text = texts(&screen::describe(&mut stage), 0);
        assert!(text.contains(word), "{command:?}: {text}");
        stage.program().workspace.viewports[0].view.interpolation
    };
    assert_eq!(
        said(Command::InterpolationCubic, "%  Cubic"),
        Interpolation::Cubic
    );
    assert_eq!(
        said(Command::InterpolationNearest, "%  Nearest"),
        Interpolation::Nearest
    );
    assert_eq!(
        said(Command::InterpolationLinear, "%  Linear"),
        Interpolation::Linear
    );
}
