//! Views that move together, films, the magnifier and scales that hold: the real window on small made series.

use crate::{
    bad_input::build::Slice,
    ui_snapshots::{alone, run, stage, texts},
};
use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use glam::{DVec2, DVec3};
use negatoscope::{
    app::{screen, stage::Stage},
    model::{
        annotation::{Annotation, AnnotationId, AnnotationTarget, MarkKind, PointSpace, Shape},
        edit::Edit,
        lut::WindowLevel,
    },
    workspace::{
        Action, Command, Workspace,
        library::SeriesNode,
        link::crossing,
        linking::Tie,
        measuring::MarkAction,
        settings::SideTab,
        state::Layout,
        tags::TagsShown,
        view::{Picture, VoiChoice},
    },
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// A made series: number, frame of reference, directions, where the first pixel of its first slice lies, step.
pub struct Made {
    pub number: usize,
    pub patient: (&'static str, &'static str),
    pub study: usize,
    pub frame_of_reference: &'static str,
    pub row: DVec3,
    pub column: DVec3,
    pub first: DVec3,
    pub step: DVec3,
    pub slices: usize,
    pub spacing_mm: f64,
}

impl Made {
    /// Eight by eight pixels of 20 mm about the z axis.
    pub fn axial(
        number: usize,
        frame_of_reference: &'static str,
        step_mm: f64,
        slices: usize,
    ) -> Self {
        Self {
            number,
            patient: ("DOE^JANE", "P1"),
            study: 1,
            frame_of_reference,
            row: DVec3::X,
            column: DVec3::Y,
            first: DVec3::new(-70.0, -70.0, 0.0),
            step: DVec3::Z * step_mm,
            slices,
            spacing_mm: 20.0,
        }
    }

    pub fn slice(&self, k: usize) -> Slice {
        let at = self.first + self.step * k as f64;
        let [row, column] = [self.row, self.column].map(|v| v.to_array());
        let mut slice = Slice {
            patient: self.patient,
            study: format!("1.2.3.1.{}", self.study),
            series: format!("1.2.3.2.{}", self.number),
            uid: format!("1.2.3.4.{}.{}", self.number, k + 1),
            number: k as i32 + 1,
            position: Some(at.to_array()),
            orientation: [row[0], row[1], row[2], column[0], column[1], column[2]],
            spacing: Some(format!("{0}\\{0}", self.spacing_mm)),
            ..Slice::default()
        };
        if !self.frame_of_reference.is_empty() {
            slice = slice.text(0x20, 0x52, b"UI", self.frame_of_reference);
        }
        slice
            .text(0x20, 0x11, b"IS", &self.number.to_string())
            .text(8, 0x103E, b"LO", &format!("series {}", self.number))
            .text(8, 0x20, b"DA", "20240917")
    }

    pub fn write(&self, folder: &Path) -> PathBuf {
        let folder = folder.join(format!("series-{}", self.number));
        std::fs::create_dir_all(&folder).unwrap();
        for k in 0..self.slices {
            self.slice(k).write(&folder, &format!("{k:03}.dcm"));
        }
        folder
    }
}

/// The window with the series, one in each cell in the order of their numbers.
pub fn side_by_side(series: &[Made]) -> (tempfile::TempDir, Stage) {
    let dir = tempfile::tempdir().unwrap();
    let paths = series.iter().map(|s| s.write(dir.path())).collect();
    let mut stage = crate::ui_snapshots::plain_stage(paths);
    let layout = if series.len() > 2 {
        Layout::FOUR
    } else {
        Layout::TWO
    };
    stage.program_mut().workspace.set_layout(layout);
    for (cell, made) in series.iter().enumerate() {
        let uid = format!("1.2.3.2.{}", made.number);
        let workspace = &mut stage.program_mut().workspace;
        let node = workspace
            .library
            .series()
            .find(|s| s.description.uid == uid);
        let series = node.unwrap().key.clone();
        workspace.act(Action::Show { cell, series });
        // Two patients side by side are what some of these tests are about.
        workspace.act(Action::AnswerMixing(true));
    }
    stage.program_mut().workspace.act(Action::Activate(0));
    stage.settle().unwrap();
    (dir, stage)
}

pub fn slices(workspace: &Workspace) -> Vec<usize> {
    let cells = workspace.visible_cells();
    cells
        .map(|c| workspace.viewports[c].slice_index())
        .collect()
}

fn picture(stage: &Stage, cell: usize) -> Picture {
    let workspace = &stage.program().workspace;
    let size = workspace.linking.size_of(cell).unwrap();
    workspace.viewports[cell].picture(size).unwrap()
}

#[test]
fn one_frame_of_reference_scrolls_by_millimetres() {
    let _one = alone();
    let tilt = 20f64.to_radians();
    let oblique = Made {
        number: 3,
        column: DVec3::new(0.0, tilt.cos(), tilt.sin()),
        first: DVec3::new(-70.0, -70.0 * tilt.cos(), -70.0 * tilt.sin()),
        step: DVec3::new(0.0, -tilt.sin(), tilt.cos()) * 4.0,
        ..Made::axial(3, "1.2.9", 4.0, 30)
    };
    let coronal = Made {
        number: 4,
        column: DVec3::NEG_Z,
        first: DVec3::new(-70.0, -70.0, 140.0),
        step: DVec3::Y * 10.0,
        ..Made::axial(4, "1.2.9", 1.0, 15)
    };
    let (_dir, mut stage) = side_by_side(&[
        Made::axial(1, "1.2.9", 5.0, 20),
        Made::axial(2, "1.2.9", 2.0, 60),
        oblique,
        coronal,
    ]);
    let workspace = &mut stage.program_mut().workspace;
    assert_eq!(
        [1, 2, 3].map(|c| workspace.tie(0, c)),
        [Some(Tie::Place), Some(Tie::Place), None]
    );
    // 50 mm up: 25 slices of 2 mm; along the oblique normal 50·cos 20° = 46.98 mm, 12 slices of 4 mm are nearest.
    workspace.act(Action::GoTo { cell: 0, index: 10 });
    assert_eq!(slices(workspace), [10, 25, 12, 0]);
    workspace.act(Action::GoTo { cell: 1, index: 7 });
    assert_eq!(slices(workspace), [3, 7, 3, 0]);
    // Scrolling alone, when that is asked for.
    workspace.act(Action::Run(Command::LinkScroll));
    workspace.act(Action::GoTo { cell: 0, index: 0 });
    assert_eq!(slices(workspace), [0, 7, 3, 0]);
    workspace.act(Action::Run(Command::LinkScroll));
    // The chain is in the views that are linked, and says why.
    stage.settle().unwrap();
    let chains = stage.harness().query_all_by_label("Linked").count();
    assert_eq!(chains, 3);
}

#[test]
fn a_view_says_when_the_place_lies_beyond_its_end() {
    let _one = alone();
    let short = Made {
        first: DVec3::new(-70.0, -70.0, 30.0),
        ..Made::axial(2, "1.2.9", 2.0, 6)
    };
    let (_dir, mut stage) = side_by_side(&[Made::axial(1, "1.2.9", 5.0, 20), short]);
    let workspace = &mut stage.program_mut().workspace;
    let mut check = |index: usize, shown: usize, beyond: Option<f64>| {
        workspace.act(Action::GoTo { cell: 0, index });
        assert_eq!(slices(workspace), [index, shown]);
        assert_eq!(workspace.beyond_end(1), beyond, "{index}");
    };
    // It covers 30 to 40 mm in steps of 2 mm.
    check(5, 0, Some(5.0));
    check(6, 0, None);
    check(7, 2, None);
    check(8, 5, None);
    check(12, 5, Some(20.0));
}

#[test]
fn link_here_ties_studies_and_asks_about_patients() {
    let _one = alone();
    let prior = Made {
        study: 2,
        first: DVec3::new(-70.0, -70.0, -300.0),
        ..Made::axial(2, "1.2.8", 2.5, 40)
    };
    let (_dir, mut stage) = side_by_side(&[Made::axial(1, "1.2.9", 5.0, 20), prior]);
    let workspace = &mut stage.program_mut().workspace;
    workspace.act(Action::GoTo { cell: 0, index: 4 });
    workspace.act(Action::GoTo { cell: 1, index: 20 });
    assert_eq!(
        (workspace.tie(0, 1), slices(workspace)),
        (None, vec![4, 20])
    );
    assert!(!workspace.is_enabled(Command::Unlink));
    workspace.act(Action::Run(Command::LinkHere));
    assert_eq!(workspace.tie(0, 1), Some(Tie::Offset));
    workspace.act(Action::GoTo { cell: 0, index: 7 });
    assert_eq!(slices(workspace), [7, 26]);
    workspace.act(Action::GoTo { cell: 1, index: 16 });
    assert_eq!(slices(workspace), [2, 16]);
    workspace.act(Action::Run(Command::Unlink));
    workspace.act(Action::GoTo { cell: 0, index: 9 });
    assert_eq!(slices(workspace), [9, 16]);
    drop(stage);
    // Two patients are linked only after the question, with both names on it (safety S3).
    let other = Made {
        patient: ("ROE^RICHARD", "P2"),
        study: 3,
        ..Made::axial(2, "1.2.9", 5.0, 20)
    };
    let (_dir, mut stage) = side_by_side(&[Made::axial(1, "1.2.9", 5.0, 20), other]);
    let workspace = &mut stage.program_mut().workspace;
    workspace.act(Action::GoTo { cell: 0, index: 5 });
    assert_eq!((workspace.tie(0, 1), slices(workspace)), (None, vec![5, 0]));
    for kind in [Command::LinkPan, Command::LinkZoom, Command::LinkWindow] {
        workspace.act(Action::Run(kind));
    }
    run(&mut stage, Command::ZoomIn);
    assert_eq!(stage.program().workspace.viewports[1].view.zoom, 1.0);
    stage.key(Modifiers::SHIFT, Key::L);
    stage.settle().unwrap();
    let harness = stage.harness();
    harness.get_by_label_contains("View 1  DOE, JANE");
    harness.get_by_label_contains("View 2  ROE, RICHARD");
    harness.get_by_label("Leave it").click();
    stage.settle().unwrap();
    assert_eq!(stage.program().workspace.tie(0, 1), None);
    run(&mut stage, Command::LinkHere);
    stage.harness().get_by_label("Link them").click();
    stage.settle().unwrap();
    let workspace = &mut stage.program_mut().workspace;
    assert_eq!(workspace.tie(0, 1), Some(Tie::Offset));
    workspace.act(Action::GoTo { cell: 0, index: 8 });
    assert_eq!(slices(workspace), [8, 3]);
}

#[test]
fn what_was_closed_does_not_come_back_when_its_reading_ends() {
    let _one = alone();
    let dir = tempfile::tempdir().unwrap();
    let own = Made::axial(1, "1.2.9", 5.0, 4).write(dir.path());
    let other = Made {
        patient: ("ROE^RICHARD", "P2"),
        study: 3,
        ..Made::axial(2, "1.2.8", 5.0, 4)
    };
    let other = other.write(dir.path());
    let mut stage = crate::ui_snapshots::plain_stage(vec![own.clone()]);
    let workspace = &mut stage.program_mut().workspace;
    assert_eq!(workspace.library.patients.len(), 1);
    workspace.open(vec![other]);
    // It is read while nobody looks at what came of it.
    std::thread::sleep(std::time::Duration::from_secs(1));
    workspace.act(Action::Run(Command::CloseAll));
    stage.settle().unwrap();
    let workspace = &mut stage.program_mut().workspace;
    assert!(workspace.library.patients.is_empty());
    assert!(workspace.viewports.iter().all(|v| v.node.is_none()));
    workspace.open(vec![own]);
    stage.settle().unwrap();
    assert_eq!(stage.program().workspace.library.patients.len(), 1);
}

#[test]
fn pictures_and_elements_are_those_of_the_one_who_is_meant_also_where_all_uids_are_the_same() {
    let _one = alone();
    let dir = tempfile::tempdir().unwrap();
    let people = [("DOE^JANE", "P1"), ("ROE^RICHARD", "P2")];
    let paths = people.map(|patient| {
        let made = Made {
            patient,
            ..Made::axial(1, "1.2.9", 5.0, 4)
        };
        made.write(&dir.path().join(patient.1))
    });
    let mut stage = crate::ui_snapshots::plain_stage(paths.to_vec());
    run(&mut stage, Command::Tags);
    let mut frames = Vec::new();
    for (name, id) in people.into_iter().chain(people) {
        let workspace = &mut stage.program_mut().workspace;
        let own = |s: &&Arc<SeriesNode>| s.patient.id.reveal() == id;
        let series = workspace.library.series().find(own);
        let series = series.unwrap().key.clone();
        workspace.act(Action::Show { cell: 0, series });
        stage.settle().unwrap();
        let shown = &stage.program().workspace.viewports[0];
        assert_eq!(shown.patient().unwrap().id.reveal(), id);
        let display = shown.display.as_ref().unwrap();
        let drawn = display.layout.first_instance().unwrap();
        assert_eq!(drawn.patient.id.reveal(), id, "nobody else's pictures");
        let TagsShown::One(table) = &stage.program().workspace.tags.shown else {
            panic!("the elements of {id}");
        };
        let mut texts = table.rows.iter().filter_map(|row| row.text());
        let family = name.split('^').next().unwrap();
        assert!(texts.any(|text| text.contains(family)), "{id}");
        frames.extend(stage.program().workspace.frame_key(0));
    }
    // Nor does a mask over the one lie over the other.
    let [first, second, again, _] = &frames[..] else {
        panic!("four pictures were shown");
    };
    assert_ne!(first, second);
    assert_eq!(first, again);
}

#[test]
fn going_to_another_patients_mark_asks_first() {
    let _one = alone();
    let other = Made {
        patient: ("ROE^RICHARD", "P2"),
        study: 3,
        ..Made::axial(3, "1.2.8", 5.0, 20)
    };
    let own = [1, 2].map(|number| Made::axial(number, "1.2.9", 5.0, 20));
    let target = AnnotationTarget {
        study_uid: "1.2.3.1.3".into(),
        series_uid: "1.2.3.2.3".into(),
        instance_uid: "1.2.3.4.3.8".into(),
        frame: 1,
        frame_of_reference_uid: "1.2.8".into(),
    };
    let [first, second] = own;
    let (_dir, mut stage) = side_by_side(&[first, second, other]);
    run(&mut stage, Command::LayoutTwo);
    let workspace = &mut stage.program_mut().workspace;
    let id = AnnotationId("his".into());
    let shape = Shape::new(MarkKind::Point, [DVec3::ONE]);
    let mark = Annotation::new(id.clone(), target, PointSpace::Pixel, shape);
    assert!(workspace.commit(vec![Edit::Add(mark)]));
    let go = || Action::Mark(MarkAction::GoTo(id.clone()));
    // What a document points to is no different.
    workspace.show_reference(0, "1.2.3.4.3.8", Some(1));
    assert!(workspace.mixing.asking.is_some() && !workspace.several_patients());
    workspace.act(Action::AnswerMixing(false));
    workspace.act(go());
    assert!(workspace.mixing.asking.is_some() && !workspace.several_patients());
    assert_eq!(workspace.marks.selected, None);
    workspace.act(Action::AnswerMixing(true));
    workspace.act(go());
    assert!(workspace.several_patients());
    assert_eq!(workspace.marks.selected.as_ref(), Some(&id));
    assert_eq!(slices(workspace)[0], 7);
}

#[test]
fn pan_zoom_and_window_go_together_when_asked() {
    let _one = alone();
    let fine = Made {
        spacing_mm: 10.0,
        first: DVec3::new(-35.0, -35.0, 0.0),
        ..Made::axial(2, "1.2.9", 5.0, 20)
    };
    let (_dir, mut stage) = side_by_side(&[Made::axial(1, "1.2.9", 5.0, 20), fine]);
    run(&mut stage, Command::ZoomIn);
    assert_eq!(stage.program().workspace.viewports[1].view.zoom, 1.0);
    for kind in [Command::LinkPan, Command::LinkZoom, Command::LinkWindow] {
        run(&mut stage, kind);
    }
    run(&mut stage, Command::ZoomIn);
    run(&mut stage, Command::Preset2);
    // As large in millimetres, although the pictures differ in size.
    let [left, right] = [0, 1].map(|cell| picture(&stage, cell));
    let ratio = left.unit_per_pixel / right.unit_per_pixel;
    assert!((ratio - 1.0).abs() < 1e-9, "{ratio}");
    let voi =
        |stage: &Stage, cell: usize| stage.program().workspace.viewports[cell].view.voi.clone();
    assert_eq!(voi(&stage, 1), VoiChoice::Preset("lung".into()));
    // A pan brings the same patient point to the middle.
    let middle = [375.0, 300.0];
    let to = [415.0, 270.0];
    stage.drag(middle, to, egui::PointerButton::Middle, Modifiers::NONE);
    stage.settle().unwrap();
    let points = [0, 1].map(|cell| {
        let picture = picture(&stage, cell);
        let [x, y] = picture.view.size.map(|s| f64::from(s) / 2.0);
        picture.patient_at(x, y)
    });
    assert!((points[0] - points[1]).length() < 1e-9, "{points:?}");
    assert!(points[0].truncate().length() > 1.0);
    let typed = WindowLevel {
        center: 33.0,
        width: 222.0,
    };
    stage
        .program_mut()
        .workspace
        .act(Action::Window(VoiChoice::Custom(typed)));
    assert_eq!(voi(&stage, 1), VoiChoice::Custom(typed));
    // What followed is taken back with what it followed, in one step.
    run(&mut stage, Command::Undo);
    let lung = VoiChoice::Preset("lung".into());
    assert_eq!([0, 1].map(|cell| voi(&stage, cell)), [lung.clone(), lung]);
}

#[test]
fn reference_lines_are_where_the_pixels_meet() {
    let _one = alone();
    let (sin, cos) = 35f64.to_radians().sin_cos();
    let oblique = Made {
        column: DVec3::new(0.0, sin, -cos),
        first: DVec3::new(-70.0, -70.0 * sin, 50.0 + 70.0 * cos),
        step: DVec3::new(0.0, cos, sin) * 8.0,
        ..Made::axial(2, "1.2.9", 1.0, 9)
    };
    let (_dir, stage) = side_by_side(&[Made::axial(1, "1.2.9", 5.0, 20), oblique]);
    let workspace = &stage.program().workspace;
    let view = picture(&stage, 1);
    let normal = view.right.cross(view.down);
    let mut checked = 0;
    for k in 0..20 {
        let plane = workspace.viewports[0]
            .frame_planes()
            .nth(k)
            .flatten()
            .unwrap();
        let through = view.patient_from_viewport.translation;
        let Some(ends) = crossing(&plane, through, normal) else {
            continue;
        };
        // The oracle asks each pixel of the oblique view for its height: along a column of the screen it falls by
        // cos 35° a millimetre, and meets the slice where it is that of the slice.
        for end in ends {
            let at = view.viewport_of(end);
            let column = at.x;
            let height = |y: f64| view.patient_at(column, y).z;
            let per_pixel = height(1.0) - height(0.0);
            let row = (5.0 * k as f64 - height(0.0)) / per_pixel;
            let error = DVec2::new(0.0, at.y - row).length();
            // Half a pixel is asked for; sums in f64 give this.
            assert!(error < 1e-6, "{k} {error}");
            checked += 1;
        }
    }
    assert!(checked > 20, "{checked}");
}

#[test]
fn the_crosshair_marks_one_point_everywhere() {
    let _one = alone();
    let coronal = Made {
        column: DVec3::NEG_Z,
        first: DVec3::new(-70.0, -70.0, 100.0),
        step: DVec3::Y * 10.0,
        ..Made::axial(2, "1.2.9", 1.0, 15)
    };
    let elsewhere = Made::axial(3, "1.2.7", 5.0, 20);
    let (_dir, mut stage) = side_by_side(&[Made::axial(1, "1.2.9", 5.0, 20), coronal, elsewhere]);
    let workspace = &mut stage.program_mut().workspace;
    workspace.act(Action::GoTo { cell: 0, index: 10 });
    let point = DVec3::new(12.0, 23.0, 50.0);
    workspace.act(Action::Crosshair { cell: 0, point });
    // 23 mm from the front lies between the slices at 20 and 30; the third series lies in another space.
    assert_eq!(slices(workspace), [10, 9, 0, 0]);
    let off = |cell| {
        workspace
            .cursor_in(cell)
            .map(|(_, off)| (off * 1e6).round() / 1e6)
    };
    assert_eq!([0, 1, 2].map(off), [Some(0.0), Some(3.0), None]);
    run(&mut stage, Command::ToolCrosshair);
    let marked = picture(&stage, 1).viewport_of(point);
    assert!(
        (picture(&stage, 1).patient_at(marked.x, marked.y) - DVec3::new(12.0, 20.0, 50.0)).length()
            < 1e-9
    );
}

/// A film of eight frames with uneven times.
pub fn film(folder: &Path) -> PathBuf {
    let pixels: Vec<u8> = (0..8u16)
        .flat_map(|frame| (0..64u16).flat_map(move |v| (v * 8 + frame * 40).to_le_bytes()))
        .collect();
    let slice = Slice {
        frames: Some("8"),
        signed: 0,
        position: None,
        rescale: None,
        ..Slice::default()
    };
    slice
        .text(8, 0x16, b"UI", "1.2.840.10008.5.1.4.1.1.3.1")
        .text(8, 0x60, b"CS", "US")
        .text(0x18, 0x1065, b"DS", "0\\500\\500\\1000\\250\\250\\250\\250")
        .native(&pixels)
        .write(folder, "film.dcm")
}

#[test]
fn a_film_keeps_its_own_time_and_stops_at_a_touch() {
    let _one = alone();
    let dir = tempfile::tempdir().unwrap();
    let mut stage = stage(vec![film(dir.path())], Vec::new());
    let index = |stage: &Stage| stage.program().workspace.viewports[0].slice_index();
    // Ready, not running; the bar is there.
    stage.harness().get_by_label("Play");
    for _ in 0..8 {
        stage.step();
    }
    assert_eq!(index(&stage), 0);
    stage.key(Modifiers::NONE, Key::C);
    // A step of the stage is a quarter of a second: which frame is due follows from the vector alone.
    let player = |stage: &Stage| stage.program().workspace.film(0).unwrap().clone();
    assert!(player(&stage).is_running());
    let mut seen = Vec::new();
    for _ in 0..13 {
        stage.step();
        seen.push(index(&stage));
    }
    let changes = |seen: &[usize]| seen.windows(2).filter(|w| w[0] != w[1]).count();
    assert!(
        seen.iter().all(|i| *i < 8) && changes(&seen) >= 6,
        "{seen:?}"
    );
    let stays = |frame: usize| seen.iter().filter(|i| **i == frame).count();
    // Frame 2 stays a second, frame 4 a quarter.
    assert_eq!((stays(2), stays(4)), (4, 1), "{seen:?}");
    assert_eq!(player(&stage).dropped, 0);
    // Faster, and forth and back.
    stage.key(Modifiers::SHIFT, Key::CloseBracket);
    assert_eq!(player(&stage).speed, 1.5);
    stage.wheel([620.0, 300.0], -1.0, Modifiers::NONE);
    assert!(!player(&stage).is_running());
    let rest = index(&stage);
    for _ in 0..8 {
        stage.step();
    }
    assert_eq!(index(&stage), rest);
    assert_eq!(stage.program().workspace.films.wait_secs(), None);
}

#[test]
fn ties_and_films_stay_with_their_series_when_cells_are_joined() {
    let _one = alone();
    let spaces = ["1.2.9", "1.2.8", "1.2.7", "1.2.6"];
    let series: Vec<Made> = (1..)
        .zip(spaces)
        .map(|(number, space)| Made::axial(number, space, 5.0, 20))
        .collect();
    let (_dir, mut stage) = side_by_side(&series);
    let workspace = &mut stage.program_mut().workspace;
    workspace.act(Action::Run(Command::LinkHere));
    let tied = |w: &Workspace, a, b| w.tie(a, b) == Some(Tie::Offset);
    assert!(tied(workspace, 0, 2) && tied(workspace, 2, 3));
    workspace.act(Action::Activate(2));
    run(&mut stage, Command::Cine);
    let workspace = &mut stage.program_mut().workspace;
    let runs = |w: &Workspace, cell| w.film(cell).is_some_and(|film| film.is_running());
    assert!(runs(workspace, 2));
    assert!(workspace.join_cells(0, 1));
    assert_eq!((workspace.layout.cells(), workspace.active), (3, 1));
    assert!(tied(workspace, 0, 1) && tied(workspace, 1, 2));
    assert_eq!(
        [0, 1, 2].map(|cell| runs(workspace, cell)),
        [false, true, false]
    );
}

#[test]
fn windows_are_typed_and_scales_hold() {
    let _one = alone();
    let (_dir, mut stage) = side_by_side(&[Made {
        spacing_mm: 0.5,
        ..Made::axial(1, "1.2.9", 5.0, 4)
    }]);
    run(&mut stage, Command::LayoutOne);
    stage.key(Modifiers::SHIFT, Key::W);
    stage.settle().unwrap();
    for text in ["1500", "-600"] {
        stage.key(Modifiers::COMMAND, Key::A);
        stage.harness().event(egui::Event::Text(text.into()));
        stage.step();
        if text == "1500" {
            stage.key(Modifiers::NONE, Key::Tab);
        }
    }
    stage.key(Modifiers::NONE, Key::Enter);
    stage.settle().unwrap();
    let level = stage.program().workspace.viewports[0]
        .voi()
        .level()
        .unwrap();
    assert_eq!((level.width, level.center), (1500.0, -600.0));
    run(&mut stage, Command::Undo);
    assert_ne!(
        stage.program().workspace.viewports[0].voi().level(),
        Some(level)
    );
    // One image pixel on one of the screen.
    run(&mut stage, Command::ActualSize);
    assert!((picture(&stage, 0).magnification - 1.0).abs() < 1e-9);
    // Life size is said to be unknown until somebody says how large the monitor is.
    run(&mut stage, Command::LifeSize);
    assert!((picture(&stage, 0).magnification - 1.0).abs() < 1e-9);
    stage
        .harness()
        .get_by_label_contains("Size of the monitor unknown");
    let fields: Vec<_> = stage
        .harness()
        .get_all_by_label("Close")
        .map(|n| n.rect())
        .collect();
    for field in fields {
        let at = field.center();
        stage.click([at.x, at.y], egui::PointerButton::Primary, Modifiers::NONE);
    }
    stage.settle().unwrap();
    stage.program_mut().workspace.act(Action::PixelPitch(0.25));
    run(&mut stage, Command::LifeSize);
    assert!((picture(&stage, 0).unit_per_pixel - 0.25).abs() < 1e-9);
    let tree = screen::describe(&mut stage);
    assert!(texts(&tree, 0).contains("Life size"));
}

#[test]
fn the_magnifier_is_drawn_from_voxels() {
    let _one = alone();
    let (_dir, mut stage) = side_by_side(&[Made::axial(1, "1.2.9", 5.0, 4)]);
    run(&mut stage, Command::LayoutOne);
    let at = [620.0, 330.0];
    stage.hover(at);
    stage.settle().unwrap();
    let before = stage.screenshot().unwrap();
    stage.key(Modifiers::SHIFT, Key::Z);
    stage.settle().unwrap();
    let drawn = stage.program().state.loupe.on;
    assert!(drawn);
    let after = stage.screenshot().unwrap();
    // The middle is what lies under the pointer, and a point at some distance shows what lies at a third of it.
    let factor = stage.program().state.loupe.factor;
    let away = 60.0;
    let [x, y] = at.map(|v| v as u32);
    let middle = [&before, &after].map(|p| p.get_pixel(x, y).0[0]);
    assert!(middle[0].abs_diff(middle[1]) <= 1, "{middle:?}");
    let near = before.get_pixel(x + (away / factor) as u32, y).0[0];
    let shown = after.get_pixel(x + away as u32, y).0[0];
    // Half a pixel of the screen beside it: a grey level or two of a smooth picture.
    assert!(near.abs_diff(shown) <= 2, "{near} {shown}");
    let pictures = stage.program().state.drawn;
    for _ in 0..4 {
        stage.step();
    }
    assert_eq!(stage.program().state.drawn, pictures);
    stage.key(Modifiers::SHIFT, Key::Z);
    assert!(!stage.program().state.loupe.on);
}

#[test]
fn badges_have_reasons_and_lead_to_the_list() {
    let _one = alone();
    let (_dir, mut stage) = side_by_side(&[Made::axial(1, "", 5.0, 4)]);
    run(&mut stage, Command::LayoutOne);
    let tree = screen::describe(&mut stage);
    let text = texts(&tree, 0);
    for part in [
        "seen from the feet",
        "No frame of reference",
        "mm (Pixel Spacing)",
    ] {
        assert!(text.contains(part), "`{part}` is missing in\n{text}");
    }
    stage.program_mut().workspace.act(Action::List);
    stage.settle().unwrap();
    assert_eq!(
        stage.program().workspace.settings.side_tab,
        SideTab::Findings
    );
}
