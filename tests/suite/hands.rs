//! Hands: keys that can be changed, keys that are held, colours and sizes, pictures that leave the window.

use crate::ui_snapshots::{alone, run, small_film, stage};
use egui::{Event, Key, Modifiers, accesskit::Role};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use negatoscope::{
    app::{picture_out::Destination, stage::Stage},
    i18n::Language,
    tools::Tool,
    ui::{
        keys,
        settings::{Page, SettingsView},
    },
    workspace::{
        Action, Command,
        command::TABLE,
        keymap::{Chord, KeyMap, Profile},
        picture_out::PictureWish,
        settings::{OverlayText, Theme},
    },
};
use std::{collections::BTreeMap, path::Path};

#[test]
fn every_command_has_words_in_both_languages_and_a_key_or_the_palette() {
    let palette = KeyMap::default().chords(Command::Palette).to_vec();
    assert!(!palette.is_empty(), "the palette itself has a key");
    for row in TABLE {
        for language in Language::ALL {
            let text = language.word(row.message_key);
            assert_ne!(text, row.message_key, "{:?} has no words", row.command);
        }
        // The palette lists every row but itself and the language, which its menu and a row of its own reach.
        let listed = !matches!(row.command, Command::Palette | Command::Language);
        let keyed = !row.shortcut.is_empty();
        assert!(listed || keyed || row.command == Command::Language);
    }
}

#[test]
fn no_profile_has_a_key_twice_or_one_that_systems_keep_for_themselves() {
    for profile in Profile::ALL {
        let map = KeyMap::new(profile, BTreeMap::new());
        let mut seen = BTreeMap::new();
        for row in TABLE {
            for chord in map.chords(row.command) {
                let before = seen.insert(chord.clone(), row.command);
                assert_eq!(before, None, "{chord} in {}", profile.name());
                // Input methods and desktops take these; what AltGr types cannot be pressed with Ctrl+Alt.
                let taken = ["Ctrl+Space", "Ctrl+H", "Alt+F4", "Alt+Tab", "Ctrl+Shift"];
                assert!(!taken.contains(&chord.to_string().as_str()), "{chord}");
                assert!(
                    !(chord.ctrl && chord.alt),
                    "{chord} is AltGr on many keyboards"
                );
                let shortcut = keys::parse(&chord.to_string());
                assert!(shortcut.is_some(), "{chord} is a key of the toolkit");
            }
        }
        assert!(seen.len() > 40, "{}", seen.len());
    }
}

fn key(stage: &mut Stage, key: Key, pressed: bool) {
    let event = Event::Key {
        key,
        physical_key: None,
        pressed,
        repeat: false,
        modifiers: Modifiers::NONE,
    };
    stage.harness().event(event);
    stage.step();
}

#[test]
fn a_tool_is_lent_while_its_key_is_held() {
    let _one = alone();
    let mut stage = stage(vec![small_film()], Vec::new());
    assert_eq!(stage.program().workspace.tool, Tool::WindowLevel);
    key(&mut stage, Key::M, true);
    stage.step();
    assert_eq!(stage.program().workspace.tool, Tool::Pan);
    std::thread::sleep(keys::HOLD + std::time::Duration::from_millis(20));
    key(&mut stage, Key::M, false);
    stage.step();
    assert_eq!(stage.program().workspace.tool, Tool::WindowLevel);
    // A tap keeps the tool.
    key(&mut stage, Key::M, true);
    key(&mut stage, Key::M, false);
    stage.step();
    assert_eq!(stage.program().workspace.tool, Tool::Pan);
}

#[test]
fn space_held_shows_the_bare_picture_and_tapped_changes_the_text() {
    let _one = alone();
    let mut stage = stage(vec![small_film()], Vec::new());
    key(&mut stage, Key::Space, true);
    std::thread::sleep(keys::HOLD + std::time::Duration::from_millis(20));
    stage.step();
    assert!(stage.program().state.hands.peek);
    assert_eq!(
        stage.program().workspace.settings.overlay_text,
        OverlayText::Full
    );
    key(&mut stage, Key::Space, false);
    stage.step();
    assert!(!stage.program().state.hands.peek);
    assert_eq!(
        stage.program().workspace.settings.overlay_text,
        OverlayText::Full
    );
    key(&mut stage, Key::Space, true);
    key(&mut stage, Key::Space, false);
    stage.step();
    assert_eq!(
        stage.program().workspace.settings.overlay_text,
        OverlayText::Minimal
    );
}

#[test]
fn a_key_is_given_to_another_command_in_the_window_after_a_warning() {
    let _one = alone();
    let mut stage = stage(vec![small_film()], Vec::new());
    // Only the rows that match are there to be clicked.
    let view = SettingsView::at(Page::Keys).searching("Invert");
    stage.program_mut().state.settings = Some(view);
    stage.settle().unwrap();
    stage.harness().get_by_label("Add a key for Invert").click();
    stage.step();
    stage.step();
    // H belongs to the horizontal flip.
    stage.key(Modifiers::NONE, Key::H);
    stage.step();
    let warning = "H belongs to “Flip horizontally”";
    assert!(stage.harness().query_by_label(warning).is_some());
    let map = &stage.program().workspace.settings.keys;
    let h = Chord::parse("H").unwrap();
    assert_eq!(
        map.holder(&h),
        Some(Command::FlipHorizontal),
        "only asked so far"
    );
    stage.harness().get_by_label("Take it away there").click();
    stage.settle().unwrap();
    let map = &stage.program().workspace.settings.keys;
    assert_eq!(map.holder(&h), Some(Command::Invert));
    stage.harness().get_by_label("Close").click();
    stage.settle().unwrap();
    let inverted = |stage: &Stage| stage.program().workspace.viewports[0].view.inverted;
    let before = inverted(&stage);
    stage.key(Modifiers::NONE, Key::H);
    stage.settle().unwrap();
    assert_ne!(inverted(&stage), before, "the new key works");
}

#[test]
fn the_palette_finds_a_command_by_what_it_is_for() {
    let _one = alone();
    let mut stage = stage(vec![small_film()], Vec::new());
    let first = |stage: &mut Stage, query: &str| {
        run(stage, Command::Palette);
        stage.harness().event(Event::Text(query.into()));
        stage.settle().unwrap();
        stage.key(Modifiers::NONE, Key::Enter);
        stage.settle().unwrap();
        stage.program().workspace.layout.clone()
    };
    // A name comes before an explanation.
    let before = stage.program().workspace.layout.clone();
    assert_ne!(first(&mut stage, "two views"), before);
    // Layouts are kept by name in the window that the command opens; only its explanation says so.
    first(&mut stage, "save layout");
    stage.harness().get_by_label("Name of this layout");
}

/// Everything that can be pressed or typed into has a name that a screen reader can say.
fn nameless(stage: &mut Stage) -> Vec<String> {
    let root = stage.harness().root();
    let mut found = Vec::new();
    let mut open = vec![root];
    while let Some(node) = open.pop() {
        let access = node.accesskit_node();
        let acts = matches!(
            access.role(),
            Role::Button
                | Role::CheckBox
                | Role::RadioButton
                | Role::ComboBox
                | Role::Slider
                | Role::SpinButton
                | Role::TextInput
                | Role::Link
                | Role::Canvas
        );
        let label = access.label().or(access.value()).unwrap_or_default();
        if acts && label.trim().is_empty() && access.labelled_by().next().is_none() {
            found.push(format!("{:?} at {:?}", access.role(), node.rect()));
        }
        open.extend(node.children());
    }
    found
}

#[test]
fn everything_that_can_be_pressed_has_a_name() {
    let _one = alone();
    let mut stage = stage(vec![small_film()], Vec::new());
    let none: Vec<String> = Vec::new();
    assert_eq!(nameless(&mut stage), none);
    for command in [
        Command::Settings,
        Command::Help,
        Command::Palette,
        Command::SavePicture,
        Command::ShowRecord,
        Command::ShowFindings,
        Command::ShowAi,
    ] {
        run(&mut stage, command);
        assert_eq!(nameless(&mut stage), none, "{command:?}");
        stage.key(Modifiers::NONE, Key::Escape);
        stage.settle().unwrap();
    }
}

fn picture(
    stage: &mut Stage,
    path: &Path,
    size: Option<[u32; 2]>,
    identity: bool,
) -> image::RgbaImage {
    let wish = PictureWish {
        all: false,
        identity,
        size,
        height_points: 600,
    };
    stage
        .program_mut()
        .picture_out(wish, Destination::File(path.to_owned()));
    stage.settle().unwrap();
    image::open(path).unwrap().to_rgba8()
}

#[test]
fn pictures_leave_at_any_size_and_without_identity_unless_asked() {
    let _one = alone();
    let dir = tempfile::tempdir().unwrap();
    let mut stage = stage(vec![small_film()], Vec::new());
    let size = Some([1600, 1200]);
    let with = picture(&mut stage, &dir.path().join("with.png"), size, true);
    let without = picture(&mut stage, &dir.path().join("without.png"), size, false);
    assert_eq!(with.dimensions(), (1600, 1200));
    assert!(
        !stage.program().workspace.settings.hide_identity,
        "the window stays as it was"
    );
    // They differ where the names stand, at the top left, and hardly anywhere below.
    let differ = |from: u32, to: u32| {
        let rows = (from..to).flat_map(|y| (0..1600).map(move |x| (x, y)));
        rows.filter(|(x, y)| with.get_pixel(*x, *y) != without.get_pixel(*x, *y))
            .count()
    };
    assert!(differ(0, 300) > 500, "{}", differ(0, 300));
    assert_eq!(differ(400, 1100), 0);
    // It is the picture, not black: the radiograph fills the middle.
    let middle = with.get_pixel(800, 600).0;
    let lit = with.pixels().filter(|p| p.0[0] > 60).count();
    assert!(lit > 200_000, "{lit} lit pixels, {middle:?} in the middle");
}

#[test]
fn the_light_theme_leaves_the_image_area_black() {
    let _one = alone();
    let mut stage = stage(vec![small_film()], Vec::new());
    let dark = stage.screenshot().unwrap();
    run(&mut stage, Command::LightTheme);
    stage.settle().unwrap();
    assert_eq!(stage.program().workspace.settings.theme, Theme::Light);
    let light = stage.screenshot().unwrap();
    // The menu row turns light; the cell does not change by a pixel.
    assert!(
        light.get_pixel(400, 4).0[0] > 200,
        "{:?}",
        light.get_pixel(400, 4)
    );
    assert!(dark.get_pixel(400, 4).0[0] < 60);
    let cell = stage.program().workspace.active;
    let label = format!("View {}", cell + 1);
    let rect = stage.harness().get_by_label(&label).rect();
    let inner = rect.shrink(3.0);
    let mut changed = 0;
    for y in inner.min.y as u32..inner.max.y as u32 {
        for x in inner.min.x as u32..inner.max.x as u32 {
            changed += u32::from(light.get_pixel(x, y) != dark.get_pixel(x, y));
        }
    }
    assert_eq!(changed, 0);
}

#[test]
fn larger_text_makes_everything_larger() {
    let _one = alone();
    let mut stage = stage(vec![small_film()], Vec::new());
    let scale = |stage: &mut Stage| stage.harness().ctx.pixels_per_point();
    let before = scale(&mut stage);
    stage.key(Modifiers::COMMAND, Key::Plus);
    stage.settle().unwrap();
    assert!(scale(&mut stage) > before);
    let ctx = stage.harness().ctx.clone();
    let settings = stage.program().workspace.settings.clone();
    let smallest = Action::Settings(Box::new(negatoscope::workspace::settings::Settings {
        scale_percent: 100,
        ..settings
    }));
    stage.program_mut().carry_out(&ctx, vec![smallest]);
    stage.settle().unwrap();
    assert_eq!(scale(&mut stage), before);
}
