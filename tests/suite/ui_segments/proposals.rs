//! Proposals of networks, gone through one by one.

use super::{all, drag, only, voxels, workspace};
use crate::ui_snapshots::{alone, ct, run, stage};
use egui::{Key, Modifiers};
use negatoscope::{
    app::screen,
    app::stage::Stage,
    gpu::{MaskBits, MaskVolume},
    model::inference::{InferenceProvenance, ModelIdentity},
    model::labels::{Label, Meaning},
    model::segmentation::{SegmentOrigin, SegmentState},
    workspace::Command,
    workspace::event::Event,
    workspace::segmenting::proposals::{FoundLesion, Proposed, of_lesions},
    workspace::volume_masks::{VolumeMaskDisplay, VolumeMaskNews},
};

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
    assert!(!second.label.contains("0.70"), "{}", second.label);
    assert_eq!(second.probability, Some(0.7));
    let list = screen::describe(&mut stage).to_string();
    assert!(list.contains("p 0.90") && list.contains("p 0.70"), "{list}");
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
