//! Marks in the real window: drawn with the mouse, read as text, taken back, found again.

use crate::ui_snapshots::{alone, ct, run, stage, texts};
use egui::{Key, Modifiers, PointerButton};
use egui_kittest::kittest::Queryable as _;
use negatoscope::{
    app::{screen, stage::Stage},
    gpu::Cargo,
    i18n::Language,
    model::annotation::{Annotation, MarkKind, PointSpace},
    tools::Tool,
    workspace::{
        Action, Command,
        measuring::{MarkAction, MarkChange},
        settings::SideTab,
    },
};

fn marks(stage: &Stage) -> Vec<Annotation> {
    let mut marks: Vec<_> = stage
        .program()
        .workspace
        .marks
        .set()
        .iter()
        .cloned()
        .collect();
    marks.sort_by_key(|m| m.created_ms);
    marks
}

fn text(stage: &mut Stage) -> String {
    texts(&screen::describe(stage), 0)
}

fn drag(stage: &mut Stage, from: [f32; 2], to: [f32; 2]) {
    stage.drag(from, to, PointerButton::Primary, Modifiers::NONE);
    stage.settle().unwrap();
}

fn click(stage: &mut Stage, at: [f32; 2]) {
    stage.click(at, PointerButton::Primary, Modifiers::NONE);
    stage.settle().unwrap();
}

#[test]
fn a_length_is_drawn_taken_back_and_the_same_in_every_view() {
    let _one = alone();
    let mut stage = stage(vec![ct()], Vec::new());
    stage.key(Modifiers::NONE, Key::L);
    assert_eq!(stage.program().workspace.tool, Tool::Mark(MarkKind::Length));
    drag(&mut stage, [440.0, 300.0], [560.0, 340.0]);
    let drawn = marks(&stage);
    assert_eq!(drawn.len(), 1);
    let [a, b] = [drawn[0].shape.points[0], drawn[0].shape.points[1]];
    let said = format!("{:.1} mm (PS)", a.distance(b));
    assert!(
        text(&mut stage).contains(&said),
        "{said} in {}",
        text(&mut stage)
    );
    for command in [
        Command::RotateRight,
        Command::FlipHorizontal,
        Command::ZoomIn,
    ] {
        run(&mut stage, command);
        assert!(text(&mut stage).contains(&said), "{command:?}");
    }
    // On the next slice but one it is not to be seen.
    run(&mut stage, Command::NextImage10);
    assert!(!text(&mut stage).contains(&said));
    stage.key(Modifiers::NONE, Key::J);
    stage.settle().unwrap();
    assert!(
        text(&mut stage).contains(&said),
        "J brings it back into sight"
    );
    // Three views and the mark, one step each.
    for left in [1, 1, 1, 0] {
        assert_eq!(marks(&stage).len(), 1);
        run(&mut stage, Command::Undo);
        assert_eq!(marks(&stage).len(), left);
    }
    run(&mut stage, Command::Redo);
    assert_eq!(marks(&stage), drawn);
    run(&mut stage, Command::NextFinding);
    stage.key(Modifiers::NONE, Key::Delete);
    stage.settle().unwrap();
    assert!(marks(&stage).is_empty());
}

#[test]
fn every_kind_is_drawn_and_says_its_numbers_in_both_languages() {
    let _one = alone();
    let mut stage = stage(vec![ct()], Vec::new());
    let draw = |stage: &mut Stage, kind: MarkKind| {
        let command = Command::of_tool(Tool::Mark(kind)).unwrap();
        run(stage, command);
        let [a, b, c, d] = [
            [430.0, 250.0],
            [530.0, 260.0],
            [500.0, 350.0],
            [560.0, 390.0],
        ];
        match kind {
            MarkKind::Point | MarkKind::Text => click(stage, a),
            MarkKind::Length
            | MarkKind::Arrow
            | MarkKind::Ellipse
            | MarkKind::Rectangle
            | MarkKind::Box
            | MarkKind::Circle => drag(stage, b, c),
            MarkKind::Angle | MarkKind::Bidirectional | MarkKind::Perpendicular => {
                drag(stage, a, b);
                click(stage, c);
            }
            MarkKind::Cobb | MarkKind::CardiothoracicRatio => {
                drag(stage, a, b);
                drag(stage, c, d);
            }
            MarkKind::Polyline | MarkKind::Polygon | MarkKind::Spline => {
                for at in [a, b, c] {
                    click(stage, at);
                }
                stage.key(Modifiers::NONE, Key::Enter);
            }
            MarkKind::Freehand => {
                drag(stage, a, c);
            }
        }
        if kind == MarkKind::Text {
            stage.step();
            stage
                .harness()
                .event(egui::Event::Text("left hilum".into()));
            stage.step();
            stage.key(Modifiers::NONE, Key::Enter);
        }
        stage.settle().unwrap();
    };
    for kind in MarkKind::ALL {
        let before = marks(&stage).len();
        draw(&mut stage, kind);
        let now = marks(&stage);
        // A straight stroke of the free hand encloses nothing, and is said to.
        assert_eq!(now.len(), before + 1, "{kind:?}");
        let made = now.iter().find(|m| m.shape.kind == kind);
        assert!(made.is_some_and(|m| m.shape.check().is_ok()), "{kind:?}");
        let said = text(&mut stage);
        let part = match kind {
            MarkKind::Point => " HU",
            MarkKind::Length | MarkKind::Polyline | MarkKind::Perpendicular => " mm (PS)",
            MarkKind::Angle => "°",
            MarkKind::Cobb => "Cobb ",
            MarkKind::Bidirectional | MarkKind::Box => " × ",
            MarkKind::Freehand => "",
            MarkKind::Text => "left hilum",
            MarkKind::Arrow => "",
            MarkKind::CardiothoracicRatio => "CTR ",
            _ => " ± ",
        };
        assert!(said.contains(part), "{kind:?}: {said}");
        // Alone, so that the next one's text is its own.
        run(&mut stage, Command::Undo);
        assert_eq!(marks(&stage).len(), before, "{kind:?} is one step");
        run(&mut stage, Command::Redo);
        let id = marks(&stage).last().unwrap().id.clone();
        let hide = MarkAction::Change(id, MarkChange::Hide(true));
        stage.program_mut().workspace.act(Action::Mark(hide));
        stage.settle().unwrap();
    }
    for mark in marks(&stage) {
        let show = MarkAction::Change(mark.id.clone(), MarkChange::Hide(false));
        stage.program_mut().workspace.act(Action::Mark(show));
    }
    stage.program_mut().workspace.settings.show_side = true;
    stage.program_mut().workspace.settings.side_tab = SideTab::Findings;
    let speak = Action::Speak(Language::SimplifiedChinese);
    stage.program_mut().workspace.act(speak);
    stage.settle().unwrap();
    let said = text(&mut stage);
    assert!(said.contains("心胸比 ") && said.contains("(PS)"), "{said}");
    let named = stage.harness().query_all_by_label_contains("双径").count();
    assert!(named > 0);
}

/// Where a point of the patient is seen in a view, points of the window.
fn seen_at(stage: &mut Stage, cell: usize, point: glam::DVec3) -> [f32; 2] {
    let workspace = &stage.program().workspace;
    let size = workspace.linking.size_of(cell).unwrap();
    let picture = workspace.viewports[cell].picture(size).unwrap();
    let at = picture.viewport_of(point);
    let language = workspace.settings.language;
    let name = language.tr("viewport-name", &[("number", (cell + 1).into())]);
    let rect = stage.harness().query_by_label(&name).unwrap().rect();
    let scale = f64::from(rect.width()) / f64::from(size[0]);
    [
        rect.left() + (at.x * scale) as f32,
        rect.top() + (at.y * scale) as f32,
    ]
}

/// A box drawn in one plane gets its depth in another, is seen in all planes through it, and lies in the patient.
#[test]
fn a_box_in_space_gets_its_depth_in_another_plane() {
    use negatoscope::model::cuboid::Cuboid;
    let _one = alone();
    let mut stage = stage(vec![ct()], Vec::new());
    run(&mut stage, Command::LayoutMpr);
    run(&mut stage, Command::MarkBox);
    drag(&mut stage, [300.0, 190.0], [340.0, 215.0]);
    let drawn = marks(&stage).remove(0);
    assert_eq!(
        (drawn.shape.kind, drawn.space),
        (MarkKind::Box, PointSpace::Patient)
    );
    let of = |mark: &Annotation| Cuboid::from_points(&mark.shape.points).unwrap();
    let before = of(&drawn);
    let [width, height, depth] = before.sides();
    assert!(width > height && (depth - height).abs() < 1e-6);
    // The other planes go through its middle, and show it.
    let middle = before.corners().iter().sum::<glam::DVec3>() / 8.0;
    stage.program_mut().workspace.act(Action::Crosshair {
        cell: 0,
        point: middle,
    });
    stage.settle().unwrap();
    let seen = |stage: &mut Stage| {
        let tree = screen::describe(stage);
        (0..3)
            .filter(|view| texts(&tree, *view).contains(" × "))
            .count()
    };
    assert_eq!(seen(&mut stage), 3);
    // In the second view the lower edge goes down by 12 points, by one of its corners.
    run(&mut stage, Command::ToolWindowLevel);
    let workspace = &stage.program().workspace;
    assert_eq!(workspace.marks.selected.as_ref(), Some(&drawn.id));
    let size = workspace.linking.size_of(1).unwrap();
    let picture = workspace.viewports[1].picture(size).unwrap();
    let (right, down) = (picture.right, picture.down);
    let across = right.cross(down);
    let corner = before
        .corners()
        .into_iter()
        .map(|p| p - across * (p - middle).dot(across))
        .max_by(|a, b| (a.dot(right) + a.dot(down)).total_cmp(&(b.dot(right) + b.dot(down))))
        .unwrap();
    let from = seen_at(&mut stage, 1, corner);
    drag(&mut stage, from, [from[0], from[1] + 12.0]);
    let deeper = marks(&stage).remove(0);
    let after = of(&deeper);
    let mm = 12.0 * picture.unit_per_pixel;
    let added: Vec<f64> = after
        .sides()
        .iter()
        .zip(before.sides())
        .map(|(a, b)| a - b)
        .collect();
    let grown = added
        .iter()
        .filter(|by| (**by - mm).abs() < 0.51 * picture.unit_per_pixel);
    assert_eq!(grown.count(), 1, "{added:?} {mm}");
    assert_eq!(
        added.iter().filter(|by| by.abs() < 1e-6).count(),
        2,
        "{added:?}"
    );
    // One step; and what is kept comes back from a table bit for bit.
    run(&mut stage, Command::Undo);
    assert_eq!(marks(&stage)[0].shape, drawn.shape);
    run(&mut stage, Command::Redo);
    let none = std::iter::empty();
    let written = negatoscope::workspace::label_sets::table::write([&deeper].into_iter(), none);
    let read = negatoscope::workspace::label_sets::table::read(&written).unwrap();
    assert_eq!(read.marks, std::slice::from_ref(&deeper));
    // Far from it there is nothing of it.
    let away = middle + across * (after.sides().iter().sum::<f64>() + 20.0);
    stage.program_mut().workspace.act(Action::Crosshair {
        cell: 0,
        point: away,
    });
    stage.settle().unwrap();
    assert!(seen(&mut stage) < 3);
}

#[test]
fn a_box_needs_pictures_that_lie_in_the_patient() {
    let _one = alone();
    let mut stage = stage(vec![crate::ui_snapshots::small_film()], Vec::new());
    run(&mut stage, Command::MarkBox);
    drag(&mut stage, [440.0, 300.0], [500.0, 360.0]);
    assert!(marks(&stage).is_empty());
    let notices = &stage.program().workspace.notices;
    assert!(notices.iter().any(|n| n.key == "notice-mark-box-space"));
}

#[test]
fn a_selected_mark_is_moved_by_its_handle_and_a_locked_one_is_not() {
    let _one = alone();
    let mut stage = stage(vec![ct()], Vec::new());
    run(&mut stage, Command::MarkLength);
    drag(&mut stage, [440.0, 300.0], [540.0, 300.0]);
    let before = marks(&stage).remove(0);
    // The window tool does not move what is only passed over, but what is selected.
    run(&mut stage, Command::ToolWindowLevel);
    drag(&mut stage, [540.0, 300.0], [540.0, 380.0]);
    let after = marks(&stage).remove(0);
    assert_eq!(after.shape.points[0], before.shape.points[0]);
    assert_ne!(after.shape.points[1], before.shape.points[1]);
    run(&mut stage, Command::Undo);
    assert_eq!(marks(&stage), std::slice::from_ref(&before));
    run(&mut stage, Command::LockMark);
    drag(&mut stage, [540.0, 300.0], [540.0, 380.0]);
    assert_eq!(marks(&stage)[0].shape, before.shape);
    stage.key(Modifiers::NONE, Key::Delete);
    stage.settle().unwrap();
    assert_eq!(marks(&stage).len(), 1, "locked marks stay");
    click(&mut stage, [700.0, 500.0]);
    assert!(stage.program().workspace.marks.selected.is_none());
}

/// How often marks of a cell were drawn anew so far.
fn drawn(stage: &Stage) -> u64 {
    stage.program().state.marks.drawn
}

/// Frames, the last of them as a picture of the first cell's middle.
fn middle(stage: &mut Stage) -> image::RgbaImage {
    for _ in 0..3 {
        stage.step();
    }
    let picture = stage.screenshot().unwrap();
    image::imageops::crop_imm(&picture, 300, 200, 400, 300).to_image()
}

#[test]
fn marks_are_drawn_anew_when_they_change_and_only_then() {
    let _one = alone();
    let mut stage = stage(vec![ct()], Vec::new());
    run(&mut stage, Command::LayoutOne);
    for (from, to) in [
        ([340.0, 240.0], [440.0, 240.0]),
        ([340.0, 320.0], [440.0, 350.0]),
        ([520.0, 300.0], [560.0, 400.0]),
    ] {
        run(&mut stage, Command::MarkLength);
        drag(&mut stage, from, to);
    }
    run(&mut stage, Command::ToolWindowLevel);
    click(&mut stage, [640.0, 460.0]);
    assert_eq!(marks(&stage).len(), 3);
    let rest = middle(&mut stage);

    // From buffers of their own or among the toolkit's triangles: the same picture.
    let door = &stage.program().workspace.gpu.door;
    assert!(door.snapshot().uploaded(Cargo::Geometry) > 0);
    let toolkit = stage.program_mut().state.toolkit.take();
    assert!(middle(&mut stage) == rest, "among the toolkit's");
    stage.program_mut().state.toolkit = toolkit;
    assert!(middle(&mut stage) == rest, "from buffers");

    // Nothing happens; the pointer comes upon a line, and leaves it. Its numbers come up to the right of it.
    let before = drawn(&stage);
    stage.hover([540.0, 350.0]);
    let hovered = middle(&mut stage);
    assert!(hovered != rest, "a mark under the pointer is thicker");
    let left =
        |picture: &image::RgbaImage| image::imageops::crop_imm(picture, 0, 0, 200, 300).to_image();
    assert!(left(&hovered) == left(&rest), "and no other one");
    stage.hover([640.0, 460.0]);
    assert!(middle(&mut stage) == rest, "after the pointer left");
    assert_eq!(drawn(&stage), before, "the hand over marks draws none anew");

    // The light theme is about panels only.
    run(&mut stage, Command::LightTheme);
    assert!(middle(&mut stage) == rest, "in the light theme");
    run(&mut stage, Command::LightTheme);

    // Each of these draws them anew, and the way back brings the picture back.
    for there in [
        [Command::ZoomIn, Command::ResetView],
        [Command::HideIdentity, Command::HideIdentity],
        [Command::ToggleMarks, Command::ToggleMarks],
        [Command::NextImage, Command::PreviousImage],
        [Command::Language, Command::Language],
    ] {
        for command in there {
            let before = drawn(&stage);
            run(&mut stage, command);
            stage.hover([640.0, 460.0]);
            assert!(drawn(&stage) > before, "{command:?}");
        }
        assert!(middle(&mut stage) == rest, "{there:?}");
    }

    // Selected and taken by its handle: the others are drawn anew when it is taken up and when it is let go, but not
    // while it moves.
    let before = drawn(&stage);
    click(&mut stage, [390.0, 240.0]);
    assert!(drawn(&stage) > before, "the selection");
    let before = drawn(&stage);
    drag(&mut stage, [440.0, 240.0], [440.0, 280.0]);
    let moved = drawn(&stage) - before;
    // Once without it, once with it, and once more with its number.
    assert!((2..=4).contains(&moved), "{moved}");
    assert!(middle(&mut stage) != rest, "it was moved");
    run(&mut stage, Command::Undo);
    click(&mut stage, [640.0, 460.0]);
    assert!(middle(&mut stage) == rest, "taken back");

    // A short way of the window's drag changes the picture, and no mark, once its text has the room that it takes.
    drag(&mut stage, [620.0, 440.0], [626.0, 446.0]);
    let before = drawn(&stage);
    let other = middle(&mut stage);
    drag(&mut stage, [620.0, 440.0], [626.0, 446.0]);
    assert!(middle(&mut stage) != other, "another window");
    let anew = drawn(&stage) - before;
    assert!(anew <= 1, "{anew}");
}

/// The first cell's middle as the last frame had it.
fn last(stage: &mut Stage) -> image::RgbaImage {
    let picture = stage.screenshot().unwrap();
    image::imageops::crop_imm(&picture, 300, 200, 400, 300).to_image()
}

/// Pixels that differ by more than so many levels.
fn differ(one: &image::RgbaImage, other: &image::RgbaImage, by: u8) -> usize {
    let pairs = one.pixels().zip(other.pixels());
    let far = |(a, b): &(&image::Rgba<u8>, &image::Rgba<u8>)| {
        let mut levels = a.0.iter().zip(b.0);
        levels.any(|(a, b)| a.abs_diff(b) > by)
    };
    pairs.filter(far).count()
}

/// A view of three marks that is at rest.
fn three(tools: [Command; 3]) -> Stage {
    let mut stage = stage(vec![ct()], Vec::new());
    run(&mut stage, Command::LayoutOne);
    let ways = [
        ([390.0, 240.0], [470.0, 250.0]),
        ([380.0, 320.0], [430.0, 350.0]),
        ([540.0, 300.0], [560.0, 400.0]),
    ];
    for (tool, (from, to)) in tools.into_iter().zip(ways) {
        run(&mut stage, tool);
        drag(&mut stage, from, to);
    }
    run(&mut stage, Command::ToolWindowLevel);
    click(&mut stage, [640.0, 460.0]);
    assert_eq!(marks(&stage).len(), 3);
    let _ = middle(&mut stage);
    stage
}

/// Moves the view so many pixels to the right and down, and makes it so much larger, in one frame.
fn go(stage: &mut Stage, [x, y]: [f64; 2], larger: f64) {
    let workspace = &mut stage.program_mut().workspace;
    let cell = workspace.active;
    let size = workspace.linking.size_of(cell).unwrap();
    let viewport = workspace.viewports[cell].clone();
    let picture = viewport.picture(size).unwrap();
    let [width, height] = size.map(f64::from);
    let middle = glam::DVec3::new(width / 2.0 + x, height / 2.0 + y, 0.0);
    let mut view = viewport.view.clone();
    view.centre = Some(picture.patient_from_viewport.transform_point3(middle));
    view.zoom *= larger;
    workspace.act(Action::View { cell, view });
    stage.step();
}

/// The picture while it moves and when it rests, and that marks are drawn anew then and not before.
fn gone(stage: &mut Stage, way: [f64; 2], larger: f64) -> [image::RgbaImage; 2] {
    let (before, there) = (drawn(stage), last(stage));
    go(stage, way, larger);
    let adrift = last(stage);
    assert_eq!(drawn(stage), before, "{way:?} {larger}: none is drawn anew");
    stage.settle().unwrap();
    let still = middle(stage);
    assert!(drawn(stage) > before, "{way:?} {larger}: it rests");
    let moved = differ(&there, &still, 40);
    assert!(moved > 2000, "{way:?} {larger}: {moved}");
    [adrift, still]
}

#[test]
fn marks_go_along_with_a_picture_that_moves_and_are_drawn_anew_when_it_rests() {
    let _one = alone();
    let mut stage = three([
        Command::MarkLength,
        Command::MarkEllipse,
        Command::MarkArrow,
    ]);
    // Soft edges are dithered by the toolkit and not by us.
    let [adrift, still] = gone(&mut stage, [12.0, -9.0], 1.0);
    assert_eq!(differ(&adrift, &still, 2), 0);

    // On and on: nothing but how far it went is brought to the device.
    let geometry = |stage: &Stage| {
        let door = &stage.program().workspace.gpu.door;
        door.snapshot().uploaded(Cargo::Geometry)
    };
    go(&mut stage, [1.0, 1.0], 1.01);
    let before = (drawn(&stage), geometry(&stage));
    for _ in 0..6 {
        go(&mut stage, [1.0, -1.0], 1.01);
    }
    assert_eq!((drawn(&stage), geometry(&stage)), before);
    // Farther than its texts may go.
    for _ in 0..6 {
        go(&mut stage, [0.0, 0.0], 1.1);
    }
    assert!(drawn(&stage) > before.0);
}

#[test]
fn lines_stay_as_thin_and_heads_as_small_while_a_picture_is_made_larger() {
    let _one = alone();
    let mut stage = three([Command::MarkArrow; 3]);
    for (way, larger) in [([0.0, 0.0], 1.15), ([5.0, 3.0], 0.9)] {
        let [adrift, still] = gone(&mut stage, way, larger);
        let far = differ(&adrift, &still, 48);
        assert!(far < 40, "{way:?} {larger}: {far}");
    }
}
