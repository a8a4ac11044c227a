//! IHE Basic Image Review, one test for each thing that the profile asks of a viewer, on made studies.
//! (wiki.ihe.net/index.php/Basic_Image_Review; the list is that of its supplement, revision 1.3.)

use crate::{
    bad_input::build::Slice,
    linked::{Made, film, side_by_side, slices},
    support,
    ui_snapshots::{alone, run, stage, texts},
};
use egui::{Modifiers, PointerButton};
use egui_kittest::kittest::Queryable as _;
use glam::DVec3;
use negatoscope::{
    app::{screen, stage::Stage},
    tools::Tool,
    workspace::{Action, Command, display::FrameState},
};

/// A made picture of some kind: class, modality, photometric interpretation, samples.
fn picture(kind: (&str, &str, &'static str, u16), number: usize) -> Slice {
    let (class, modality, photometric, samples) = kind;
    let bytes = 64 * usize::from(samples) * if samples == 3 { 1 } else { 2 };
    let pixels: Vec<u8> = (0..bytes).map(|i| (i * 3 % 256) as u8).collect();
    let bits = if samples == 3 { 8 } else { 16 };
    let slice = Slice {
        series: format!("1.2.3.7.{number}"),
        uid: format!("1.2.3.8.{number}"),
        samples,
        photometric,
        allocated: bits,
        stored: bits,
        high: bits - 1,
        signed: 0,
        position: None,
        rescale: None,
        ..Slice::default()
    };
    let slice = slice
        .text(8, 0x16, b"UI", class)
        .text(8, 0x60, b"CS", modality)
        .text(0x20, 0x11, b"IS", &number.to_string());
    let slice = match samples {
        3 => slice.with(0x28, 6, b"US", &0u16.to_le_bytes()),
        _ => slice,
    };
    slice.native(&pixels)
}

/// Classes of objects with their modalities.
const KINDS: [(&str, &str, &str, u16); 8] = [
    ("1.2.840.10008.5.1.4.1.1.1.1", "DX", "MONOCHROME2", 1),
    ("1.2.840.10008.5.1.4.1.1.1", "CR", "MONOCHROME1", 1),
    ("1.2.840.10008.5.1.4.1.1.1.2", "MG", "MONOCHROME2", 1),
    ("1.2.840.10008.5.1.4.1.1.4", "MR", "MONOCHROME2", 1),
    ("1.2.840.10008.5.1.4.1.1.6.1", "US", "RGB", 3),
    ("1.2.840.10008.5.1.4.1.1.12.1", "XA", "MONOCHROME2", 1),
    ("1.2.840.10008.5.1.4.1.1.20", "NM", "MONOCHROME2", 1),
    ("1.2.840.10008.5.1.4.1.1.7", "OT", "RGB", 3),
];

fn shown(stage: &Stage, cell: usize) -> bool {
    let viewport = &stage.program().workspace.viewports[cell];
    let display = viewport.display.as_ref().unwrap();
    matches!(display.frame(viewport.frame_shown()), FrameState::Loaded(_))
}

#[test]
fn grey_and_colour_pictures_of_any_modality_are_shown() {
    let _one = alone();
    let dir = tempfile::tempdir().unwrap();
    let paths = KINDS.into_iter().enumerate();
    let paths = paths.map(|(k, kind)| picture(kind, k + 1).write(dir.path(), &format!("{k}.dcm")));
    let mut stage = stage(paths.collect(), Vec::new());
    for (k, kind) in KINDS.iter().enumerate() {
        let uid = format!("1.2.3.7.{}", k + 1);
        let workspace = &mut stage.program_mut().workspace;
        let node = workspace
            .library
            .series()
            .find(|s| s.description.uid == uid);
        let series = node.unwrap().key.clone();
        workspace.act(Action::Show { cell: 0, series });
        stage.settle().unwrap();
        assert!(shown(&stage, 0), "{}", kind.1);
    }
}

#[test]
fn every_series_has_a_thumbnail_of_its_own() {
    let _one = alone();
    let series = [1, 2, 3].map(|n| Made::axial(n, "1.2.9", 5.0, 4));
    let (_dir, mut stage) = side_by_side(&series);
    let library = &stage.program().workspace.library;
    assert_eq!(library.series().count(), 3);
    for n in 1..=3 {
        stage
            .harness()
            .get_by_label_contains(&format!("series {n}"));
    }
    stage.settle().unwrap();
    for _ in 0..400 {
        let workspace = &stage.program().workspace;
        let small = |key: &str| workspace.small.get(key).is_some();
        if workspace.library.series().all(|s| small(&s.key)) {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
        stage.step();
    }
    panic!("thumbnails are missing");
}

#[test]
fn a_study_opens_on_its_first_image_fitted_windowed_and_named_with_the_scroll_tool() {
    let _one = alone();
    let dir = tempfile::tempdir().unwrap();
    let made = Made::axial(1, "1.2.9", 5.0, 4).write(dir.path());
    let mut stage = stage(Vec::new(), Vec::new());
    run(&mut stage, Command::StartWithScroll);
    stage.program_mut().workspace.open(vec![made]);
    stage.settle().unwrap();
    let workspace = &stage.program().workspace;
    let viewport = &workspace.viewports[0];
    assert_eq!((viewport.slice_index(), viewport.view.zoom), (0, 1.0));
    assert!(viewport.voi().level().is_some() && workspace.tool == Tool::Scroll);
    // All of it is inside, and one pair of edges touches.
    let size = workspace.linking.size_of(0).unwrap();
    let picture = viewport.picture(size).unwrap();
    let [width, height] = size.map(f64::from);
    let low = picture.voxel_at(0.0, 0.0);
    let high = picture.voxel_at(width, height);
    let over = [low.x + 0.5, low.y + 0.5, 7.5 - high.x, 7.5 - high.y];
    assert!(over.iter().all(|v| *v < 1e-9), "{over:?}");
    assert!(over.iter().any(|v| v.abs() < 1e-9), "{over:?}");
    let tree = screen::describe(&mut stage);
    assert!(texts(&tree, 0).contains("DOE, JANE"));
    stage.drag(
        [620.0, 200.0],
        [620.0, 420.0],
        PointerButton::Primary,
        Modifiers::NONE,
    );
    stage.settle().unwrap();
    assert!(stage.program().workspace.viewports[0].slice_index() > 0);
}

#[test]
fn two_sets_side_by_side_scroll_pan_and_zoom_together() {
    let _one = alone();
    let series = [1, 2].map(|n| Made::axial(n, "1.2.9", 5.0, 20));
    let (_dir, mut stage) = side_by_side(&series);
    for kind in [Command::LinkPan, Command::LinkZoom] {
        run(&mut stage, kind);
    }
    let left = [375.0, 300.0];
    stage.wheel(left, -3.0, Modifiers::NONE);
    stage.settle().unwrap();
    let at = slices(&stage.program().workspace);
    assert!(at[0] > 0 && at[0] == at[1], "{at:?}");
    let up = [left[0], 240.0];
    stage.drag(left, up, PointerButton::Secondary, Modifiers::NONE);
    stage.drag(left, [400.0, 280.0], PointerButton::Middle, Modifiers::NONE);
    let views = [0, 1].map(|c| stage.program().workspace.viewports[c].view.clone());
    assert!(views[0].zoom > 1.1 && views[0].centre.is_some());
    // As many millimetres a pixel in both; cells may differ by a pixel, and zooms with them.
    let scale = [0, 1].map(|c| {
        let workspace = &stage.program().workspace;
        let size = workspace.linking.size_of(c).unwrap();
        let picture = workspace.viewports[c].picture(size).unwrap();
        picture.unit_per_pixel
    });
    assert!((scale[0] / scale[1] - 1.0).abs() < 1e-9, "{scale:?}");
    let apart = views[0].centre.unwrap() - views[1].centre.unwrap();
    assert!(apart.length() < 1e-6, "{apart}");
}

#[test]
fn side_orientation_and_place_are_said() {
    let _one = alone();
    let coronal = Made {
        column: DVec3::NEG_Z,
        first: DVec3::new(-70.0, -70.0, 100.0),
        step: DVec3::Y * 10.0,
        ..Made::axial(2, "1.2.9", 1.0, 15)
    };
    let (_dir, mut stage) = side_by_side(&[Made::axial(1, "1.2.9", 5.0, 20), coronal]);
    let tree = screen::describe(&mut stage);
    assert!(texts(&tree, 0).starts_with("R L A P"));
    assert!(texts(&tree, 1).starts_with("R L H F"));
    // The line of the active view lies in the other one: rows of the picture differ when it is switched off.
    stage.settle().unwrap();
    let with = stage.screenshot().unwrap();
    run(&mut stage, Command::ReferenceLines);
    let without = stage.screenshot().unwrap();
    let changed = with.pixels().zip(without.pixels()).filter(|(a, b)| a != b);
    assert!(changed.count() > 100);
    drop(stage);
    let dir = tempfile::tempdir().unwrap();
    let film = picture(KINDS[2], 1)
        .text(0x20, 0x62, b"CS", "L")
        .text(0x18, 0x5101, b"CS", "MLO");
    let mut stage = crate::ui_snapshots::plain_stage(vec![film.write(dir.path(), "mg.dcm")]);
    let tree = screen::describe(&mut stage);
    assert!(texts(&tree, 0).contains("MLO  L"), "{}", texts(&tree, 0));
}

#[test]
fn demographics_management_and_technique_are_on_the_image() {
    let _one = alone();
    let dir = tempfile::tempdir().unwrap();
    let made = Made::axial(1, "1.2.9", 5.0, 1);
    let slice = made
        .slice(0)
        .text(0x10, 0x30, b"DA", "19580903")
        .text(0x10, 0x40, b"CS", "F")
        .text(8, 0x50, b"SH", "ACC-77")
        .text(8, 0x80, b"LO", "Lighthouse")
        .text(8, 0x1030, b"LO", "Thorax")
        .text(0x18, 0x60, b"DS", "120")
        .text(0x18, 0x1152, b"IS", "80")
        .text(0x18, 0x1210, b"SH", "B30f")
        .text(0x18, 0x50, b"DS", "5")
        .text(0x18, 0x5100, b"CS", "HFS");
    let mut stage = stage(vec![slice.write(dir.path(), "ct.dcm")], Vec::new());
    let tree = screen::describe(&mut stage);
    let text = texts(&tree, 0);
    for part in [
        "DOE, JANE",
        "ID P1",
        "1958-09-03",
        "ACC-77",
        "Lighthouse",
        "Thorax",
        "2024-09-17",
        "Series 1",
        "Image 1 of 1",
        "120 kV",
        "80 mAs",
        "B30f",
        "HFS",
        "Thickness 5 mm",
        "W ",
        "Zoom",
    ] {
        assert!(text.contains(part), "`{part}` is missing in\n{text}");
    }
}

#[test]
fn distances_and_angles_are_measured() {
    let dir = tempfile::tempdir().unwrap();
    let made = Made {
        spacing_mm: 0.5,
        ..Made::axial(1, "1.2.9", 5.0, 3)
    };
    let folder = made.write(dir.path());
    let list = dir.path().join("list.json");
    let json = r#"{"measurements": [
        {"type": "length", "space": "pixel", "image": 1, "points": [[1, 1], [4, 5]]},
        {"type": "angle", "space": "pixel", "image": 1, "points": [[6, 1], [1, 1], [1, 6]]}]}"#;
    std::fs::write(&list, json).unwrap();
    let paths = [&folder, &list].map(|p| p.to_string_lossy().into_owned());
    let out = support::program(&["measure", &paths[0], "--spec", &paths[1], "--json"]);
    let value: serde_json::Value = serde_json::from_str(&out).unwrap();
    let number = |entry: usize, name: &str| {
        let quantity = &value["measurements"][entry]["quantities"][name];
        quantity["value"].as_f64().unwrap()
    };
    assert!((number(0, "length") - 2.5).abs() < 1e-9);
    assert!((number(1, "angle") - 90.0).abs() < 1e-9);
}

#[test]
fn cine_plays_films_and_stacks() {
    let _one = alone();
    let dir = tempfile::tempdir().unwrap();
    let film = film(dir.path());
    let ct = Made::axial(5, "1.2.9", 5.0, 6).write(dir.path());
    for path in [film, ct] {
        let mut stage = stage(vec![path], Vec::new());
        run(&mut stage, Command::Cine);
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..20 {
            stage.step();
            seen.insert(stage.program().workspace.viewports[0].slice_index());
        }
        assert!(seen.len() >= 5, "{seen:?}");
    }
}

#[test]
fn the_tools_of_the_profile_are_buttons_with_names() {
    let _one = alone();
    let (_dir, mut stage) = side_by_side(&[1, 2].map(|n| Made::axial(n, "1.2.9", 5.0, 4)));
    // What a narrow window has no room for is in a menu at the end of the row.
    stage.harness().get_by_label("More tools").click();
    stage.settle().unwrap();
    for label in [
        "Scroll",
        "Pan",
        "Zoom",
        "Window and level",
        "Crosshair",
        "Fit to view",
        "Invert",
        "Rotate right",
        "Flip horizontally",
        "Flip vertically",
        "Reset view",
        "Two views",
    ] {
        let found = stage.harness().query_all_by_label_contains(label).count();
        assert!(found > 0, "`{label}` is no button");
    }
}

#[test]
fn it_says_that_it_is_no_reading_workstation() {
    let _one = alone();
    let (_dir, mut stage) = side_by_side(&[Made::axial(1, "1.2.9", 5.0, 4)]);
    let notice = "Research and education. Not for diagnostic use.";
    assert!(stage.harness().query_all_by_label(notice).count() > 0);
}
