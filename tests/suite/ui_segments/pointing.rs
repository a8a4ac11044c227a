//! Livewire, points in space and networks by points in the real window.

use super::{all, drag, only, voxels};
use crate::ui_snapshots::{alone, ct, run, stage};
use egui::{Key, Modifiers, PointerButton};
use negatoscope::{
    app::stage::Stage,
    gpu::Cargo,
    model::segmentation::Segmentation,
    store::codec::fingerprint,
    workspace::{Command, segmenting::preview::There},
};

#[test]
fn livewire_follows_edges_from_anchor_to_anchor() {
    let _one = alone();
    let mut stage = stage(vec![ct()], Vec::new());
    // The panel that a new segmentation opens would move the picture.
    run(&mut stage, Command::NewSegmentation);
    run(&mut stage, Command::ToolWire);
    let click = |stage: &mut Stage, at: [f32; 2]| {
        stage.click(at, PointerButton::Primary, Modifiers::NONE);
        stage.settle().unwrap();
    };
    let anchors = |stage: &Stage| {
        let wires = &stage.program().workspace.segmenting.wires;
        wires.open().map_or(0, |wire| wire.anchors().len())
    };
    let corners = [
        [400.0, 280.0],
        [480.0, 290.0],
        [490.0, 370.0],
        [410.0, 380.0],
    ];
    for corner in corners {
        click(&mut stage, corner);
    }
    let empty = fingerprint(&only(&stage));
    assert_eq!((anchors(&stage), voxels(&only(&stage), 1)), (4, 0));
    // The way to the pointer is there when the window has come to rest, and ends where the pointer is.
    let ends = |stage: &Stage| {
        let wire = stage.program().workspace.segmenting.wires.open().unwrap();
        let live = wire.lines().1.expect("a path to the pointer");
        (
            live[0],
            live[live.len() - 1],
            wire.anchors()[wire.anchors().len() - 1],
        )
    };
    let mut before = None;
    for at in [[400.0, 330.0], [440.0, 400.0]] {
        stage.hover(at);
        stage.settle().unwrap();
        let (first, last, anchor) = ends(&stage);
        assert!(first == anchor && before != Some(last));
        before = Some(last);
    }
    stage.key(Modifiers::NONE, Key::Backspace);
    assert_eq!(anchors(&stage), 3);
    click(&mut stage, corners[3]);
    // Another slice has no anchor of this outline.
    run(&mut stage, Command::NextImage);
    click(&mut stage, [440.0, 330.0]);
    assert_eq!(anchors(&stage), 4);
    run(&mut stage, Command::PreviousImage);
    stage.key(Modifiers::NONE, Key::Enter);
    stage.settle().unwrap();
    let whole = only(&stage);
    let bounds = whole.layers()[0].bounds(Some(1)).unwrap();
    assert_eq!((anchors(&stage), bounds.size()[2]), (0, 1));
    let many = voxels(&whole, 1);
    assert!(many > 50, "{many}");
    // One step; a click on the first anchor closes as Enter does; Alt takes it away again.
    run(&mut stage, Command::Undo);
    assert_eq!(fingerprint(&only(&stage)), empty);
    for corner in corners {
        click(&mut stage, corner);
    }
    click(&mut stage, corners[0]);
    assert_eq!(voxels(&only(&stage), 1), many);
    for corner in corners {
        click(&mut stage, corner);
    }
    stage.key(Modifiers::ALT, Key::Enter);
    stage.settle().unwrap();
    assert_eq!(voxels(&only(&stage), 1), 0);
    // Escape leaves it, and so does another tool.
    let print = fingerprint(&only(&stage));
    for corner in corners {
        click(&mut stage, corner);
    }
    stage.key(Modifiers::NONE, Key::Escape);
    stage.settle().unwrap();
    assert_eq!(anchors(&stage), 0);
    click(&mut stage, corners[0]);
    run(&mut stage, Command::ToolBrush);
    stage.hover([450.0, 330.0]);
    stage.settle().unwrap();
    assert_eq!((anchors(&stage), fingerprint(&only(&stage))), (0, print));
}

/// In space, what follows from points stays in the memory of the device: no voxel of it comes back on its way to all planes.
#[test]
fn what_follows_from_points_is_drawn_where_it_was_made() {
    let _one = alone();
    let mut stage = stage(vec![ct()], Vec::new());
    run(&mut stage, Command::LayoutMpr);
    run(&mut stage, Command::ToolPrompt);
    run(&mut stage, Command::BrushShape);
    let bare = stage.screenshot().unwrap();
    let door = stage.program().workspace.gpu.door.clone();
    let before = door.snapshot();
    drag(&mut stage, [330.0, 220.0], [340.0, 224.0], Modifiers::NONE);
    let back = door.since(&before).read_back(Cargo::Mask);
    assert_eq!(back, 0, "a mask was read back");
    let found = stage.program().workspace.segmenting.preview.found();
    let found = found.cloned().expect("a proposal");
    let there = found.there.expect("on the device");
    assert!(found.voxels > 20 && found.lines.is_empty() && all(&stage).is_empty());
    // All three planes show it.
    let shown = stage.screenshot().unwrap();
    let mut changed = [0_u32; 4];
    for (x, y, pixel) in shown.enumerate_pixels() {
        if pixel != bare.get_pixel(x, y) {
            let right = usize::from(x > shown.width() / 2);
            changed[right + 2 * usize::from(y > shown.height() / 2)] += 1;
        }
    }
    assert!(
        changed.iter().filter(|n| **n > 60).count() >= 3,
        "{changed:?}"
    );
    let whole = taken_as_drawn(&mut stage, &there);
    assert_eq!(voxels(&whole, 1), found.voxels);
}

/// Random walks in a slice are made there, too, and drawn from there.
#[test]
fn what_follows_in_a_slice_is_drawn_where_it_was_made() {
    let _one = alone();
    let mut stage = stage(vec![ct()], Vec::new());
    run(&mut stage, Command::LayoutOne);
    run(&mut stage, Command::ToolPrompt);
    let bare = stage.screenshot().unwrap();
    let door = stage.program().workspace.gpu.door.clone();
    let before = door.snapshot();
    drag(&mut stage, [450.0, 330.0], [466.0, 336.0], Modifiers::NONE);
    drag(&mut stage, [430.0, 310.0], [430.0, 350.0], Modifiers::ALT);
    let back = door.since(&before).read_back(Cargo::Mask);
    assert_eq!(back, 0, "a mask was read back");
    let found = stage.program().workspace.segmenting.preview.found();
    let found = found.cloned().expect("a proposal");
    let there = found.there.expect("on the device");
    assert!(found.voxels > 20 && found.lines.is_empty());
    assert!(there.grid.size.contains(&1), "one slice");
    let shown = stage.screenshot().unwrap();
    let pixels = shown.enumerate_pixels();
    let changed = pixels.filter(|(x, y, pixel)| *pixel != bare.get_pixel(*x, *y));
    assert!(changed.count() > 200);
    let whole = taken_as_drawn(&mut stage, &there);
    assert_eq!(voxels(&whole, 1), found.voxels);
    let bounds = whole.layers()[0].bounds(Some(1)).unwrap();
    assert!(bounds.size().contains(&1));
}

/// Enter takes the very voxels that were drawn.
fn taken_as_drawn(stage: &mut Stage, there: &There) -> Segmentation {
    let gpu = stage.program().workspace.gpu.clone();
    let drawn = there.mask.read_back(&gpu).unwrap();
    stage.key(Modifiers::NONE, Key::Enter);
    stage.settle().unwrap();
    let whole = only(stage);
    let offset = there.grid.patient_from_voxel.translation;
    let low = whole
        .grid
        .voxel_from_patient()
        .unwrap()
        .transform_point3(offset);
    let low = low.to_array().map(|v| v.round() as usize);
    let size = there.grid.size;
    for (i, bit) in drawn.iter().enumerate() {
        let at = [i % size[0], i / size[0] % size[1], i / (size[0] * size[1])];
        let at = std::array::from_fn(|axis| at[axis] + low[axis]);
        assert_eq!(whole.contains(1, at), *bit == 1, "{at:?}");
    }
    whole
}

/// An imported network by points is a choice of the tool; its answer is shown, and Enter makes it a proposal that says who made it.
#[test]
#[cfg(feature = "ai")]
fn a_network_answers_to_points_and_its_answer_is_a_proposal() {
    use super::{act, workspace};
    use negatoscope::{
        app::screen,
        model::segmentation::{SegmentOrigin, SegmentState},
        workspace::segmenting::SegmentAction,
    };
    let _one = alone();
    let models = tempfile::tempdir().unwrap();
    let id = crate::networks::guidance::taken_in(models.path()).unwrap();
    let options = negatoscope::app::Options {
        plain: true,
        paths: vec![ct()],
        language: Some(negatoscope::i18n::Language::English),
        device: negatoscope::console::DeviceChoice::Cpu,
        threads: Some(2),
        models_folder: Some(models.path().to_owned()),
        ..Default::default()
    };
    let mut stage = Stage::open(options, [1000.0, 640.0]).unwrap();
    stage.settle().unwrap();
    let ids: Vec<String> = workspace(&mut stage)
        .segmenting
        .point_models
        .iter()
        .map(|m| m.id.clone())
        .collect();
    assert_eq!(ids, std::slice::from_ref(&id));
    run(&mut stage, Command::ToolPrompt);
    act(
        &mut stage,
        SegmentAction::ByNetwork(Some("none such".into())),
    );
    assert_eq!(workspace(&mut stage).segmenting.by_network, None);
    act(&mut stage, SegmentAction::ByNetwork(Some(id.clone())));
    let click = |stage: &mut Stage, at: [f32; 2], held: Modifiers| {
        stage.click(at, PointerButton::Primary, held);
        stage.settle().unwrap();
    };
    click(&mut stage, [450.0, 330.0], Modifiers::NONE);
    let found = |stage: &Stage| {
        let preview = &stage.program().workspace.segmenting.preview;
        preview.found().cloned()
    };
    let first = found(&stage).expect("an answer");
    let answer = first.network.clone().expect("of the network");
    assert_eq!(
        (answer.model.id.as_str(), answer.model.version.as_str()),
        ("by-points", "3")
    );
    let inside = answer.inside.clone().expect("the processor has them");
    assert!(first.voxels > 0 && first.voxels == inside.count());
    assert!(
        (0.5..=1.0).contains(&answer.confidence),
        "{}",
        answer.confidence
    );
    assert!(all(&stage).is_empty(), "nothing is kept before it is taken");
    let said = |stage: &mut Stage| screen::describe(stage).to_string();
    let text = said(&mut stage);
    assert!(
        text.contains("AI, not for diagnostic use") && text.contains("Synthetic training only")
    );
    // Another point is another answer.
    click(&mut stage, [454.0, 336.0], Modifiers::ALT);
    let second = found(&stage).unwrap().network.unwrap();
    assert_ne!(second.confidence, answer.confidence);
    stage.key(Modifiers::NONE, Key::Escape);
    stage.settle().unwrap();
    assert!(found(&stage).is_none() && all(&stage).is_empty());
    click(&mut stage, [450.0, 330.0], Modifiers::NONE);
    stage.key(Modifiers::NONE, Key::Enter);
    stage.settle().unwrap();
    let whole = only(&stage);
    let segment = whole.segment(1).unwrap();
    assert_eq!(segment.state, SegmentState::Proposed);
    assert!(
        segment.changed_ms > 0 && segment.label.contains(", p "),
        "{}",
        segment.label
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
        ("by-points", "3", 64)
    );
    assert_eq!(voxels(&whole, 1), inside.count());
    assert!(
        inside.ones().all(|at| {
            whole.contains(1, std::array::from_fn(|axis| at[axis] + answer.low[axis]))
        })
    );
    assert!(said(&mut stage).contains("AI, not for diagnostic use"));
    run(&mut stage, Command::Undo);
    assert!(all(&stage).is_empty(), "one step");
    // Without the network the tools answer.
    run(&mut stage, Command::Redo);
    act(&mut stage, SegmentAction::ByNetwork(None));
    drag(&mut stage, [440.0, 330.0], [460.0, 330.0], Modifiers::NONE);
    assert!(found(&stage).unwrap().network.is_none());
}

/// Where the network runs on the device that draws, its answer stays in the memory of that device: between the answer and the frame
/// no byte of the mask moves, and what is taken, which is read once, is what was drawn.
#[test]
#[cfg(feature = "ai")]
#[cfg_attr(no_gpu, ignore = "needs a graphics adapter")]
fn an_answer_of_the_drawing_device_is_drawn_from_there_and_taken_as_it_was() {
    use super::act;
    use negatoscope::{
        gpu::MaskBits,
        workspace::segmenting::{SegmentAction, pointed::PointsFound},
    };
    let _one = alone();
    let models = tempfile::tempdir().unwrap();
    let id = crate::networks::guidance::taken_in(models.path()).unwrap();
    let ask = |device| {
        let options = negatoscope::app::Options {
            plain: true,
            paths: vec![ct()],
            language: Some(negatoscope::i18n::Language::English),
            device,
            threads: Some(2),
            models_folder: Some(models.path().to_owned()),
            ..Default::default()
        };
        let mut stage = Stage::open(options, [1000.0, 640.0]).unwrap();
        stage.settle().unwrap();
        run(&mut stage, Command::LayoutMpr);
        run(&mut stage, Command::ToolPrompt);
        act(&mut stage, SegmentAction::ByNetwork(Some(id.clone())));
        stage
    };
    let answer = |stage: &Stage| -> PointsFound {
        let preview = &stage.program().workspace.segmenting.preview;
        let found = preview.found().expect("an answer");
        let network = found.network.as_ref().expect("of the network");
        assert_eq!(found.voxels, network.voxels);
        PointsFound::clone(network)
    };
    let at = [330.0, 220.0];
    let mut stage = ask(negatoscope::console::DeviceChoice::Gpu);
    let bare = stage.screenshot().unwrap();
    let gpu = stage.program().workspace.gpu.clone();
    let before = gpu.door.snapshot();
    stage.click(at, PointerButton::Primary, Modifiers::NONE);
    stage.settle().unwrap();
    let shown = stage.screenshot().unwrap();
    let copies = gpu.door.since(&before);
    assert!(
        copies.uploaded(Cargo::ModelInput) > 0,
        "it ran on the device"
    );
    let of_mask = (copies.uploaded(Cargo::Mask), copies.read_back(Cargo::Mask));
    assert_eq!(of_mask, (0, 0));
    // How many voxels, and the sum of what they are worth.
    assert_eq!(copies.read_back(Cargo::Uniform), 12);
    let changed = shown.pixels().zip(bare.pixels()).filter(|(a, b)| a != b);
    assert!(changed.count() > 200, "it is not drawn");
    let there = answer(&stage);
    assert!(there.inside.is_none() && there.mask.bits() == MaskBits::One);
    assert!(there.voxels > 0 && (0.5..=1.0).contains(&there.confidence));
    // The processor says the same, but where two numbers that differ in their last digits lie on both sides of the line.
    let mut other = ask(negatoscope::console::DeviceChoice::Cpu);
    other.click(at, PointerButton::Primary, Modifiers::NONE);
    other.settle().unwrap();
    let here = answer(&other);
    assert_eq!((here.low, here.mask.size()), (there.low, there.mask.size()));
    assert!((here.confidence - there.confidence).abs() < 1e-3);
    let inside = here.inside.expect("the processor has them");
    let drawn = there.mask.read_back(&gpu).unwrap();
    let same = inside
        .to_bools()
        .into_iter()
        .zip(&drawn)
        .filter(|(here, there)| *here == (**there == 1))
        .count();
    assert!(same * 1000 >= drawn.len() * 999, "{same}");
    // Taken: read once, and voxel for voxel what was drawn.
    let before = gpu.door.snapshot();
    stage.key(Modifiers::NONE, Key::Enter);
    stage.settle().unwrap();
    let back = gpu.door.since(&before).read_back(Cargo::Mask);
    assert_eq!(back, there.mask.buffer().size());
    let whole = only(&stage);
    assert_eq!(voxels(&whole, 1), there.voxels);
    let [columns, rows, _] = there.mask.size();
    for (i, bit) in drawn.iter().enumerate() {
        let at = [i % columns, i / columns % rows, i / (columns * rows)];
        let at = std::array::from_fn(|axis| at[axis] + there.low[axis]);
        assert_eq!(whole.contains(1, at), *bit == 1, "{at:?}");
    }
    run(&mut stage, Command::Undo);
    assert!(all(&stage).is_empty(), "one step");
}
