//! Brush and eraser, with the mouse, in every view.

use super::{act, all, drag, only, voxels, workspace};
use crate::ui_snapshots::{alone, ct, run, stage};
use egui::{Key, Modifiers, PointerButton};
use glam::DVec3;
use negatoscope::{
    gpu::Cargo,
    model::segmentation::SegmentState,
    store::codec::fingerprint,
    tools::brush::BrushShape,
    tools::{PaintTool, Tool},
    workspace::segmenting::{BrushSettings, SegmentAction, SegmentChange},
    workspace::settings::SideTab,
    workspace::{Action, Command},
};

#[test]
fn a_stroke_is_one_step_and_goes_back_and_forth_to_the_bit() {
    let _one = alone();
    let mut stage = stage(vec![ct()], Vec::new());
    stage.key(Modifiers::NONE, Key::B);
    assert_eq!(
        stage.program().workspace.tool,
        Tool::Paint(PaintTool::Brush)
    );
    drag(&mut stage, [440.0, 300.0], [520.0, 330.0], Modifiers::NONE);
    let first = only(&stage);
    assert_eq!(first.len(), 1);
    let painted = voxels(&first, 1);
    assert!(painted > 20, "{painted}");
    let bounds = first.layers()[0].bounds(Some(1)).unwrap();
    assert_eq!(bounds.size()[2], 1, "a disc stays in its slice");
    assert!(
        stage
            .program()
            .workspace
            .segmenting
            .numbers
            .of(&first.id, 1)
            .unwrap()
            .voxels
            == painted
    );
    drag(&mut stage, [520.0, 330.0], [540.0, 380.0], Modifiers::NONE);
    let second = only(&stage);
    assert!(voxels(&second, 1) > painted);
    // Alt takes away what the brush gave, and only what is under it.
    drag(&mut stage, [440.0, 300.0], [460.0, 310.0], Modifiers::ALT);
    let third = only(&stage);
    assert!(voxels(&third, 1) < voxels(&second, 1));
    let prints = [&first, &second, &third].map(fingerprint);
    for print in [prints[1], prints[0]] {
        run(&mut stage, Command::Undo);
        assert_eq!(fingerprint(&only(&stage)), print);
    }
    // The first stroke made the segmentation, too: one step.
    run(&mut stage, Command::Undo);
    assert!(all(&stage).is_empty());
    for print in prints {
        run(&mut stage, Command::Redo);
        assert_eq!(fingerprint(&only(&stage)), print);
    }
    // Escape leaves a stroke, and nothing of it stays.
    let at = egui::pos2(450.0, 380.0);
    let harness = stage.harness();
    harness.event(egui::Event::PointerMoved(at));
    harness.event(egui::Event::PointerButton {
        pos: at,
        button: PointerButton::Primary,
        pressed: true,
        modifiers: Modifiers::NONE,
    });
    stage.step();
    stage.key(Modifiers::NONE, Key::Escape);
    stage.harness().event(egui::Event::PointerButton {
        pos: at,
        button: PointerButton::Primary,
        pressed: false,
        modifiers: Modifiers::NONE,
    });
    stage.settle().unwrap();
    assert_eq!(fingerprint(&only(&stage)), prints[2]);
}

/// Rows 13 and E1: a sphere is exact in millimetres, one stamp uploads about its box, and the next frame shows it in all
/// three planes.
#[test]
fn a_sphere_is_exact_and_uploads_its_box() {
    let _one = alone();
    let mut stage = stage(vec![ct()], Vec::new());
    run(&mut stage, Command::LayoutMpr);
    run(&mut stage, Command::ToolBrush);
    act(
        &mut stage,
        SegmentAction::Brush(BrushSettings {
            shape: BrushShape::Sphere,
            radius: 14.0,
            ..BrushSettings::default()
        }),
    );
    // The first stamp makes the layer on the device.
    stage.click([330.0, 200.0], PointerButton::Primary, Modifiers::NONE);
    stage.settle().unwrap();
    let before = only(&stage);
    let door = stage.program().workspace.gpu.door.clone();
    let counts = door.snapshot();
    stage.click([430.0, 230.0], PointerButton::Primary, Modifiers::NONE);
    stage.settle().unwrap();
    let whole = only(&stage);
    let up = door.since(&counts).uploaded(Cargo::Mask);
    let part = whole.layers()[0].changed_boxes(&before.layers()[0]);
    assert_eq!(part.len(), 1, "{part:?}");
    let bytes = part[0].voxels() as u64;
    assert!(up >= bytes && up <= 2 * bytes, "{up} for a box of {bytes}");
    // Exactly the voxels whose centres lie within the radius of the middle of what was painted.
    let step = whole.grid.spacing_mm();
    let (low, high) = (part[0].first, part[0].end);
    let middle = DVec3::from_array(std::array::from_fn(|a| (low[a] + high[a] - 1) as f64 / 2.0));
    let mut nearest = f64::INFINITY;
    let (mut inside, mut farthest) = (0_u64, 0.0_f64);
    for z in 0..whole.grid.size[2] {
        for y in 0..whole.grid.size[1] {
            for x in 0..whole.grid.size[0] {
                let new = whole.contains(1, [x, y, z]) && !before.contains(1, [x, y, z]);
                let away =
                    (DVec3::new(x as f64, y as f64, z as f64) - middle) * DVec3::from_array(step);
                match new {
                    true => {
                        inside += 1;
                        farthest = farthest.max(away.length());
                    }
                    false => nearest = nearest.min(away.length()),
                }
            }
        }
    }
    // The pointer need not be on a voxel: its place is known to half of one.
    let slack = DVec3::from_array(step).length() / 2.0;
    assert!(
        farthest <= 14.0 + slack && nearest >= 14.0 - slack,
        "{farthest} {nearest}"
    );
    let ball = 4.0 / 3.0 * std::f64::consts::PI * 14.0_f64.powi(3);
    let volume = inside as f64 * step.iter().product::<f64>();
    assert!((volume / ball - 1.0).abs() < 0.05, "{volume} {ball}");
    // All cells draw it: hiding it changes each of the three planes.
    let center = whole.grid.patient_from_voxel.transform_point3(middle);
    workspace(&mut stage).act(Action::Crosshair {
        cell: 0,
        point: center,
    });
    stage.settle().unwrap();
    let shown = stage.screenshot().unwrap();
    run(&mut stage, Command::ToggleMasks);
    let hidden = stage.screenshot().unwrap();
    let size = [shown.width(), shown.height()];
    let mut changed = [0_u32; 4];
    for (x, y, pixel) in shown.enumerate_pixels() {
        if pixel != hidden.get_pixel(x, y) {
            let quarter = usize::from(x > size[0] / 2) + 2 * usize::from(y > size[1] / 2);
            changed[quarter] += 1;
        }
    }
    assert!(
        changed.iter().filter(|n| **n > 200).count() >= 3,
        "{changed:?}"
    );
}

#[test]
fn values_locks_and_other_segments_are_respected() {
    let _one = alone();
    let mut stage = stage(vec![ct()], Vec::new());
    run(&mut stage, Command::NewSegmentation);
    assert_eq!(
        stage.program().workspace.settings.side_tab,
        SideTab::Segments
    );
    run(&mut stage, Command::NewSegment);
    let whole = only(&stage);
    assert_eq!(whole.len(), 2);
    run(&mut stage, Command::ToolBrush);
    run(&mut stage, Command::Segment1);
    drag(&mut stage, [420.0, 300.0], [440.0, 300.0], Modifiers::NONE);
    let first = voxels(&only(&stage), 1);
    act(
        &mut stage,
        SegmentAction::Change(1, SegmentChange::Lock(true)),
    );
    run(&mut stage, Command::Segment2);
    drag(&mut stage, [400.0, 300.0], [480.0, 300.0], Modifiers::NONE);
    let whole = only(&stage);
    assert_eq!(
        voxels(&whole, 1),
        first,
        "a locked segment keeps its voxels"
    );
    assert!(voxels(&whole, 2) > 0);
    let print = fingerprint(&whole);
    run(&mut stage, Command::Segment1);
    drag(&mut stage, [400.0, 340.0], [480.0, 340.0], Modifiers::NONE);
    assert_eq!(fingerprint(&only(&stage)), print, "and gets none");
    // Only values of a range.
    run(&mut stage, Command::Segment2);
    act(
        &mut stage,
        SegmentAction::Brush(BrushSettings {
            radius: 30.0,
            range: Some([-50.0, 150.0]),
            ..BrushSettings::default()
        }),
    );
    let before = only(&stage);
    drag(&mut stage, [430.0, 260.0], [520.0, 320.0], Modifiers::NONE);
    let whole = only(&stage);
    let display = stage.program().workspace.viewports[0]
        .display
        .clone()
        .unwrap();
    let bounds = whole.layers()[0].bounds(Some(2)).unwrap();
    let mut new = 0;
    for z in bounds.range(2) {
        let negatoscope::workspace::display::FrameState::Loaded(frame) = display.frame(z) else {
            panic!("all frames are here");
        };
        let reference = &display.layout.frames[z];
        let image = reference.instance.image.as_ref().unwrap();
        let lut = &image.frame(reference.frame).modality_lut;
        for y in bounds.range(1) {
            for x in bounds.range(0) {
                if whole.contains(2, [x, y, z]) && !before.contains(2, [x, y, z]) {
                    let stored = frame.value(x, y, 0).unwrap();
                    let value = negatoscope::imaging::window::modality_value(stored, lut);
                    assert!((-50.0..=150.0).contains(&value), "{value}");
                    new += 1;
                }
            }
        }
    }
    assert!(new > 50, "{new}");
    let numbers = *stage
        .program()
        .workspace
        .segmenting
        .numbers
        .of(&whole.id, 2)
        .unwrap();
    assert_eq!(numbers.voxels, voxels(&whole, 2));
    let values = numbers.values.unwrap();
    assert_eq!(values.count, numbers.voxels);
    let ml = whole.grid.spacing_mm().iter().product::<f64>() * numbers.voxels as f64 / 1000.0;
    assert!((numbers.ml.unwrap() - ml).abs() < 1e-9 * ml);
    // Removing a segment takes its voxels, and undo brings both back.
    let print = fingerprint(&whole);
    run(&mut stage, Command::DeleteSegment);
    assert_eq!(only(&stage).len(), 1);
    run(&mut stage, Command::Undo);
    assert_eq!(fingerprint(&only(&stage)), print);
    act(
        &mut stage,
        SegmentAction::Change(1, SegmentChange::Lock(false)),
    );
    run(&mut stage, Command::DeleteSegmentation);
    assert!(all(&stage).is_empty());
    run(&mut stage, Command::Undo);
    assert_eq!(only(&stage).len(), 2);
}

#[test]
fn a_single_radiograph_is_labelled_with_a_list() {
    let _one = alone();
    let mut stage = stage(vec![crate::ui_snapshots::small_film()], Vec::new());
    act(&mut stage, SegmentAction::Schema(Some("chest-film".into())));
    run(&mut stage, Command::NewSegmentation);
    let whole = only(&stage);
    assert!(whole.len() >= 7);
    assert_eq!(whole.grid.size[2], 1);
    assert!(whole.frame.is_some());
    stage.key(Modifiers::ALT, Key::Num2);
    stage.settle().unwrap();
    assert_eq!(stage.program().workspace.segmenting.segment, 2);
    stage.key(Modifiers::NONE, Key::B);
    drag(&mut stage, [500.0, 300.0], [560.0, 340.0], Modifiers::NONE);
    let whole = only(&stage);
    assert!(voxels(&whole, 2) > 20 && voxels(&whole, 1) == 0);
    act(
        &mut stage,
        SegmentAction::Change(2, SegmentChange::State(SegmentState::Rejected)),
    );
    let rejected = only(&stage);
    assert!(!rejected.segment(2).unwrap().is_drawn() && voxels(&rejected, 2) > 20);
}
