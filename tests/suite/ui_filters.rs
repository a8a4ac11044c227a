//! Filters and the screen in the window: what is said of a filtered picture, and that numbers do not see filters.

use crate::{
    bad_input::build::Slice,
    ui_snapshots::{alone, run, stage, texts},
};
use egui::{Key, Modifiers, PointerButton};
use egui_kittest::kittest::Queryable as _;
use negatoscope::{
    app::{screen, stage::Stage},
    imaging::pattern::Pattern,
    workspace::{Action, Command, screen_setting::ScreenSetting},
};

/// A slice with a bright square in the middle of a dark one.
fn opened(folder: &tempfile::TempDir) -> Stage {
    let (rows, columns) = (64, 64);
    let values: Vec<u8> = (0..rows * columns)
        .flat_map(|i| {
            let inside = |n: usize| (24..40).contains(&n);
            let bright = inside(i % columns) && inside(i / columns);
            let value: i16 = if bright { 900 } else { 100 };
            value.to_le_bytes()
        })
        .collect();
    let slice = Slice {
        rows: rows as u16,
        columns: columns as u16,
        rescale: Some(("0", "1")),
        ..Slice::default()
    };
    let path = slice.native(&values).write(folder.path(), "square.dcm");
    stage(vec![path], vec![])
}

fn text(stage: &mut Stage) -> String {
    texts(&screen::describe(stage), 0)
}

fn set(stage: &mut Stage, filters: &[&str]) {
    let filters: Vec<String> = filters.iter().map(|f| (*f).to_owned()).collect();
    stage
        .program_mut()
        .workspace
        .set_filters(0, &filters)
        .unwrap();
    stage.settle().unwrap();
}

#[test]
fn a_filtered_picture_says_so_and_numbers_do_not_see_it() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let mut stage = opened(&folder);
    let middle = {
        let view = stage.harness().get_by_label("View 1");
        let centre = view.rect().center();
        [centre.x, centre.y]
    };
    stage.hover(middle);
    stage.step();
    let before = text(&mut stage);
    assert!(!before.contains("PROCESSED"), "{before}");
    let plain = stage.screenshot().unwrap();
    // A filter that turns the bright square into nothing.
    set(
        &mut stage,
        &["erode radius=10", "unsharp radius=2 amount=1.5"],
    );
    let filtered = text(&mut stage);
    assert!(
        filtered.contains("PROCESSED: Erode 10, Unsharp mask 2/1.5"),
        "{filtered}"
    );
    let picture = stage.screenshot().unwrap();
    assert_ne!(plain.as_raw(), picture.as_raw());
    // The value under the pointer is the stored one; what filters made of it is not told.
    let value = |text: &str| text.lines().find(|l| l.contains("900")).map(str::to_owned);
    let plainly = "900 HU  stored 900";
    let shown = format!("{plainly}  shown 255");
    assert_eq!(value(&before), Some(shown), "{before}");
    assert_eq!(value(&filtered), Some(plainly.to_owned()), "{filtered}");
    let drawn = stage.program().pictures_drawn();
    for _ in 0..5 {
        stage.step();
    }
    assert_eq!(stage.program().pictures_drawn(), drawn);
    // One key to the original, and back.
    run(&mut stage, Command::ShowOriginal);
    let original = text(&mut stage);
    assert!(original.contains("Original, filters off") && !original.contains("PROCESSED"));
    run(&mut stage, Command::ShowOriginal);
    assert_eq!(text(&mut stage), filtered);
    run(&mut stage, Command::Undo);
    assert!(!text(&mut stage).contains("PROCESSED"));
    run(&mut stage, Command::Redo);
    assert_eq!(text(&mut stage), filtered);
}

#[test]
fn what_takes_long_comes_from_the_worker() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let mut stage = opened(&folder);
    // 64² pixels × 441 places × 81 pixels of a patch: more than a software device does in a frame.
    set(&mut stage, &["nlm strength=50 patch=9 distance=10"]);
    assert!(text(&mut stage).contains("PROCESSED: Non-local means 50/9/10"));
    assert!(!stage.program().workspace.filtering.is_busy());
}

#[test]
fn the_panel_adds_orders_and_removes() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let mut stage = opened(&folder);
    run(&mut stage, Command::Filters);
    for name in ["Median", "Sobel"] {
        stage.harness().get_by_label("Add a filter").click();
        stage.settle().unwrap();
        stage.harness().get_by_label(name).click();
        stage.settle().unwrap();
    }
    let kinds = |stage: &Stage| {
        let steps = stage.program().workspace.viewports[0].view.filters.steps();
        steps.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(kinds(&stage), ["median radius=1", "sobel"]);
    stage.harness().get_by_label("Earlier 2").click();
    stage.settle().unwrap();
    assert_eq!(kinds(&stage), ["sobel", "median radius=1"]);
    stage.harness().get_by_label("Remove filter 1").click();
    stage.settle().unwrap();
    assert_eq!(kinds(&stage), ["median radius=1"]);
    for expected in [2, 2, 1, 0] {
        run(&mut stage, Command::Undo);
        assert_eq!(kinds(&stage).len(), expected);
    }
}

#[test]
fn the_screen_is_not_calibrated_until_it_is() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let mut stage = opened(&folder);
    let note = "Display not calibrated to the standard grey-scale function";
    let plain = stage.screenshot().unwrap();
    // One click shows a test picture; the arrows leaf, Escape closes.
    stage.harness().get_by_label(note).click();
    stage.settle().unwrap();
    assert_eq!(
        stage.program().state.screen_check.pattern,
        Some(Pattern::Steps)
    );
    let steps = stage.screenshot().unwrap();
    let expected = Pattern::Steps.draw([steps.width(), steps.height()]);
    // All but the caption at the lower edge, pixel by pixel.
    for y in 0..steps.height() - 60 {
        for x in 0..steps.width() {
            assert_eq!(steps.get_pixel(x, y).0[0], expected.level(x, y), "{x} {y}");
        }
    }
    stage.key(Modifiers::NONE, Key::ArrowRight);
    assert_eq!(
        stage.program().state.screen_check.pattern,
        Some(Pattern::Ramps)
    );
    stage.key(Modifiers::NONE, Key::Escape);
    assert_eq!(stage.program().state.screen_check.pattern, None);
    let setting = ScreenSetting {
        on: true,
        ..ScreenSetting::default()
    };
    let table = setting.correction().unwrap().table;
    let monitor = String::new();
    stage
        .program_mut()
        .workspace
        .act(Action::Screen { monitor, setting });
    stage.settle().unwrap();
    assert!(stage.harness().query_by_label(note).is_none());
    let corrected = stage.screenshot().unwrap();
    // In the middle of the cell, away from text: each grey became what the table says.
    let (width, height) = plain.dimensions();
    let mut changed = 0;
    for y in height / 2 - 40..height / 2 + 40 {
        for x in width / 2 - 40..width / 2 + 40 {
            let [r, g, b, _] = plain.get_pixel(x, y).0;
            if r == g && g == b {
                assert_eq!(
                    corrected.get_pixel(x, y).0[0],
                    table[usize::from(r)],
                    "{x} {y}"
                );
                changed += u32::from(table[usize::from(r)] != r);
            }
        }
    }
    assert!(changed > 100);
    stage.click([500.0, 300.0], PointerButton::Primary, Modifiers::NONE);
}
