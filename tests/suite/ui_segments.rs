//! Segmentations in the real window: painted with the mouse, the same in every view, taken back, kept, found again.

use crate::{
    keeping::{child, kept, made, study, window as kept_window},
    ui_snapshots::{alone, ct, run, stage},
};
use egui::{Key, Modifiers, PointerButton};
use glam::DVec3;
use negatoscope::{
    app::{
        screen::{self, Script},
        stage::Stage,
    },
    console::Output,
    gpu::{Cargo, MaskBits, MaskVolume},
    model::{
        inference::{InferenceProvenance, ModelIdentity},
        labels::{Label, Meaning},
        segmentation::{SegmentOrigin, SegmentState, Segmentation},
    },
    store::{Store, codec::fingerprint},
    tools::{PaintTool, Tool, brush::BrushShape},
    workspace::{
        Action, Command,
        event::Event,
        segmenting::{
            BrushSettings, SegmentAction, SegmentChange,
            apply::SegmentTool,
            proposals::{FoundLesion, Proposed, of_lesions},
        },
        settings::SideTab,
        state::Workspace,
        volume_masks::{VolumeMaskDisplay, VolumeMaskNews},
    },
};
use std::{
    io,
    time::{Duration, Instant},
};

fn workspace(stage: &mut Stage) -> &mut Workspace {
    &mut stage.program_mut().workspace
}

fn all(stage: &Stage) -> Vec<Segmentation> {
    stage
        .program()
        .workspace
        .marks
        .segmentations()
        .cloned()
        .collect()
}

fn only(stage: &Stage) -> Segmentation {
    let mut all = all(stage);
    assert_eq!(all.len(), 1);
    all.remove(0)
}

fn drag(stage: &mut Stage, from: [f32; 2], to: [f32; 2], held: Modifiers) {
    stage.drag(from, to, PointerButton::Primary, held);
    stage.settle().unwrap();
}

fn voxels(whole: &Segmentation, number: u16) -> u64 {
    let layers = whole.layers().iter();
    layers
        .map(|l| l.counts().get(&number).copied().unwrap_or(0))
        .sum()
}

fn act(stage: &mut Stage, action: SegmentAction) {
    workspace(stage).act(Action::Segment(action));
    stage.settle().unwrap();
}

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
    let script = Script::read(include_str!("label_nodule.script"), &[]).unwrap();
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

/// What a network drew becomes proposals with its name, version and hash, each accepted, corrected or rejected by a key.
#[test]
fn a_mask_of_a_network_becomes_proposals() {
    let _one = alone();
    let mut stage = stage(vec![ct()], Vec::new());
    let gpu = stage.program().workspace.gpu.clone();
    let place = stage.program().workspace.segment_place(0).unwrap();
    let [columns, rows, slices] = place.grid.size;
    let label = |x: usize, y: usize, z: usize| match (x / 8 + y / 8, z == slices / 2) {
        (4, true) => 1_u8,
        (6, true) => 2,
        _ => 0,
    };
    let bytes: Vec<u8> = (0..slices)
        .flat_map(|z| (0..rows).flat_map(move |y| (0..columns).map(move |x| label(x, y, z))))
        .collect();
    let mask = MaskVolume::new(&gpu, place.grid.size, MaskBits::Eight).unwrap();
    mask.upload_rows(&gpu, 0, &bytes).unwrap();
    let model = ModelIdentity {
        id: "two-balls".into(),
        version: "1.2".into(),
        sha256: "ab".repeat(32),
        trained: "made up".into(),
    };
    let display = VolumeMaskDisplay {
        mask,
        grid: place.grid,
        meaning: Meaning::Labels,
        labels: [Label::new(1, "first"), Label::new(2, "second")].into(),
        provenance: InferenceProvenance {
            model,
            device: "CPU".into(),
            seconds: 1.0,
            finished: "2026-01-01T00:00:00Z".into(),
            input_uid: String::new(),
            mean_probability: None,
        },
        findings: Vec::new(),
        uploaded: true,
        windows: [1, 1],
    };
    let series = workspace(&mut stage).viewports[0]
        .display
        .as_ref()
        .unwrap()
        .key
        .clone();
    let job = workspace(&mut stage).jobs.start("job-segmentation").id;
    let news = VolumeMaskNews {
        job,
        series,
        result: Ok(display),
        ended: true,
    };
    workspace(&mut stage)
        .sender()
        .send(Event::VolumeMask(Box::new(news)))
        .unwrap();
    stage.settle().unwrap();
    run(&mut stage, Command::ProposeSegments);
    stage.settle().unwrap();
    let whole = only(&stage);
    assert!(
        workspace(&mut stage).active_volume_mask().is_none(),
        "it is the segments now"
    );
    for (number, name) in [(1, "first"), (2, "second")] {
        let segment = whole.segment(number).unwrap();
        assert_eq!(
            (segment.label.as_str(), segment.state),
            (name, SegmentState::Proposed)
        );
        let SegmentOrigin::Automatic {
            algorithm,
            version,
            sha256,
        } = &segment.origin
        else {
            panic!("a network made it");
        };
        assert_eq!(
            (algorithm.as_str(), version.as_str(), sha256.len()),
            ("two-balls", "1.2", 64)
        );
        let drawn = bytes.iter().filter(|b| u16::from(**b) == number).count() as u64;
        assert_eq!(voxels(&whole, number), drawn);
    }
    assert!(
        screen::describe(&mut stage)
            .to_string()
            .contains("AI, not for diagnostic use")
    );
    run(&mut stage, Command::ToolBrush);
    run(&mut stage, Command::Segment1);
    stage.key(Modifiers::NONE, Key::Enter);
    stage.settle().unwrap();
    run(&mut stage, Command::Segment2);
    stage.key(Modifiers::NONE, Key::Delete);
    stage.settle().unwrap();
    let states = |stage: &Stage| {
        let whole = only(stage);
        let states: Vec<_> = whole.segments().map(|s| s.state).collect();
        states
    };
    assert_eq!(
        states(&stage),
        [SegmentState::Accepted, SegmentState::Rejected]
    );
    // Whoever paints in one stands behind what it is then.
    run(&mut stage, Command::Segment1);
    drag(&mut stage, [440.0, 300.0], [470.0, 310.0], Modifiers::NONE);
    assert_eq!(states(&stage)[0], SegmentState::Edited);
    let origin = only(&stage).segment(1).unwrap().origin.clone();
    assert!(
        matches!(origin, SegmentOrigin::SemiAutomatic { algorithm, .. } if algorithm == "two-balls")
    );
}

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

/// Nodules that a network finds are proposals of their own: gone through by a key, each in its slice, and judged by a key.
#[test]
fn nodules_are_gone_through_one_by_one() {
    let _one = alone();
    let mut stage = stage(vec![ct()], Vec::new());
    let place = stage.program().workspace.segment_place(0).unwrap();
    let [columns, rows, slices] = place.grid.size;
    let model = ModelIdentity {
        id: "ct-lesions".into(),
        version: "1.0.0".into(),
        sha256: "ab".repeat(32),
        trained: "made up".into(),
    };
    let deep = slices - 2;
    let label = |x: usize, y: usize, z: usize| match (x / 8, y / 8) {
        (3, 3) if z == 1 => 1_u32,
        (5, 5) if z == deep || z + 1 == deep && x == 40 => 2,
        _ => 0,
    };
    let labels: Vec<u32> = (0..slices)
        .flat_map(|z| (0..rows).flat_map(move |y| (0..columns).map(move |x| label(x, y, z))))
        .collect();
    let lesion = |number, confidence| FoundLesion {
        number,
        diameter_mm: 6.25,
        confidence,
    };
    let found = [lesion(1, 0.9), lesion(2, 0.7)];
    let english = negatoscope::i18n::Language::English;
    let propose = |stage: &mut Stage, labels: &[u32], found: &[FoundLesion]| {
        let job = workspace(stage).jobs.start("job-finding-lesions").id;
        let whole = of_lesions(&place, labels, found, &model, english);
        let news = Proposed::of_lesions(job, whole, model.clone());
        let event = Event::Proposed(Box::new(news));
        workspace(stage).sender().send(event).unwrap();
        stage.settle().unwrap();
    };
    let told = |stage: &Stage| {
        let notices = &stage.program().workspace.notices;
        notices.last().map(|n| (n.key, n.count)).unwrap()
    };
    propose(&mut stage, &vec![0; labels.len()], &[]);
    assert_eq!(told(&stage).0, "notice-lesions-none");
    assert!(all(&stage).is_empty());
    propose(&mut stage, &labels, &found);
    assert_eq!(told(&stage), ("notice-lesions-found", 2));
    let whole = only(&stage);
    let second = whole.segment(2).unwrap();
    assert_eq!(second.state, SegmentState::Proposed);
    assert!(second.label.contains("0.70"), "{}", second.label);
    assert_eq!(second.property_type.as_ref().unwrap().value, "27925004");
    let SegmentOrigin::Automatic {
        algorithm, sha256, ..
    } = &second.origin
    else {
        panic!("a network made it");
    };
    assert_eq!((algorithm.as_str(), sha256.len()), ("ct-lesions", 64));
    let drawn = labels.iter().filter(|l| **l == 2).count() as u64;
    assert_eq!(voxels(&whole, 2), drawn);
    // That it never saw a patient is said where its segments are drawn.
    let said = screen::describe(&mut stage).to_string();
    assert!(said.contains("Synthetic training only"), "{said}");
    let at = |stage: &Stage| {
        let workspace = &stage.program().workspace;
        let slice = workspace.viewports[0].frame_shown();
        (workspace.segmenting.segment, slice)
    };
    assert_eq!(at(&stage), (1, 1));
    stage.key(Modifiers::ALT, Key::J);
    stage.settle().unwrap();
    assert_eq!(at(&stage), (2, deep));
    stage.key(Modifiers::ALT, Key::R);
    stage.key(Modifiers::ALT, Key::K);
    stage.settle().unwrap();
    assert_eq!(at(&stage), (1, 1));
    stage.key(Modifiers::ALT, Key::A);
    stage.key(Modifiers::ALT, Key::J);
    stage.settle().unwrap();
    assert_eq!(told(&stage).0, "notice-no-proposals");
    let states: Vec<_> = only(&stage).segments().map(|s| s.state).collect();
    assert_eq!(states, [SegmentState::Accepted, SegmentState::Rejected]);
}

/// The window finds what the command line finds.
#[test]
fn the_window_proposes_the_nodules_of_the_command_line() {
    let _one = alone();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("labels.nii.gz");
    let mut stage = stage(vec![ct()], Vec::new());
    run(&mut stage, Command::FindLesions);
    stage.settle().unwrap();
    let (path, to) = (ct(), out.to_str().unwrap().to_owned());
    let path = path.to_str().unwrap();
    let line = ["--json", "segment", path, "--model", "ct-lesions"];
    let said = crate::support::program(&[&line[..], &["--device", "cpu", "--out", &to]].concat());
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    let wanted: Vec<u64> = said["segments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["voxels"].as_u64().unwrap())
        .collect();
    if wanted.is_empty() {
        let keys: Vec<_> = workspace(&mut stage)
            .notices
            .iter()
            .map(|n| n.key)
            .collect();
        assert!(keys.contains(&"notice-lesions-none"), "{keys:?}");
        return;
    }
    let whole = only(&stage);
    let found: Vec<u64> = whole.segments().map(|s| voxels(&whole, s.number)).collect();
    assert_eq!(found, wanted);
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
