//! Who sits at the keyboard is never stuck: keys act whatever has the focus, and the way back to the pictures is one key.

use crate::ui_snapshots::{alone, ct, run, small_film, stage};
use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use negatoscope::{
    app::stage::Stage,
    model::annotation::MarkKind,
    tools::Tool,
    workspace::{Command, settings::OverlayText},
};

fn focused(stage: &mut Stage) -> bool {
    stage.harness().ctx.memory(|m| m.focused().is_some())
}

fn press(stage: &mut Stage, key: Key) {
    stage.key(Modifiers::NONE, key);
    stage.settle().unwrap();
}

#[test]
fn tab_goes_from_view_to_view_and_takes_the_focus_nowhere() {
    let _one = alone();
    let mut stage = stage(vec![ct()], Vec::new());
    run(&mut stage, Command::LayoutTwo);
    for expected in [1, 0, 1] {
        press(&mut stage, Key::Tab);
        assert_eq!(stage.program().workspace.active, expected);
        assert!(!focused(&mut stage));
    }
    stage.key(Modifiers::SHIFT, Key::Tab);
    stage.settle().unwrap();
    assert_eq!(stage.program().workspace.active, 0);
    assert!(!focused(&mut stage));
    press(&mut stage, Key::L);
    assert_eq!(stage.program().workspace.tool, Tool::Mark(MarkKind::Length));
}

#[test]
fn keys_act_while_a_button_has_the_focus_but_those_that_it_uses() {
    let _one = alone();
    let mut stage = stage(vec![small_film()], Vec::new());
    press(&mut stage, Key::F6);
    assert!(focused(&mut stage), "the first menu has it");
    press(&mut stage, Key::Z);
    assert_eq!(stage.program().workspace.tool, Tool::Zoom);
    let inverted = |stage: &Stage| stage.program().workspace.viewports[0].view.inverted;
    press(&mut stage, Key::I);
    assert!(inverted(&stage) && focused(&mut stage));
    // Space is the button's: it opens the menu, and the text over the picture stays as it is.
    let overlay = |stage: &Stage| stage.program().workspace.settings.overlay_text;
    assert!(stage.harness().query_by_label("Open files…").is_none());
    press(&mut stage, Key::Space);
    assert!(
        stage
            .harness()
            .query_by_label_contains("Open files…")
            .is_some()
    );
    assert_eq!(overlay(&stage), OverlayText::Full);
    press(&mut stage, Key::Escape);
    press(&mut stage, Key::Escape);
    assert!(!focused(&mut stage));
    press(&mut stage, Key::Space);
    assert_eq!(
        overlay(&stage),
        OverlayText::Minimal,
        "now it is the picture's"
    );
}

#[test]
fn one_key_walks_through_the_panels_and_escape_goes_back_without_more() {
    let _one = alone();
    let mut stage = stage(vec![ct()], Vec::new());
    run(&mut stage, Command::LayoutTwo);
    run(&mut stage, Command::Maximise);
    assert!(stage.program().workspace.maximised);
    let mut seen = Vec::new();
    for _ in 0..8 {
        press(&mut stage, Key::F6);
        let id = stage.harness().ctx.memory(|m| m.focused());
        match id {
            Some(id) => seen.push(id),
            None => break,
        }
    }
    // Menus, studies, status line; then the pictures.
    let distinct: std::collections::BTreeSet<_> = seen.iter().map(|id| id.value()).collect();
    assert!(seen.len() >= 3 && distinct.len() == seen.len(), "{seen:?}");
    assert!(!focused(&mut stage));
    press(&mut stage, Key::F6);
    press(&mut stage, Key::Escape);
    assert!(!focused(&mut stage));
    assert!(
        stage.program().workspace.maximised,
        "Escape gave the keyboard back, and nothing else"
    );
    press(&mut stage, Key::Escape);
    assert!(!stage.program().workspace.maximised);
}

#[test]
fn a_mark_is_named_where_it_stands() {
    let _one = alone();
    let mut stage = stage(vec![ct()], Vec::new());
    press(&mut stage, Key::L);
    stage.drag(
        [440.0, 300.0],
        [560.0, 340.0],
        egui::PointerButton::Primary,
        Modifiers::NONE,
    );
    stage.settle().unwrap();
    let mark = |stage: &Stage| {
        let marks = stage.program().workspace.marks.set();
        marks.iter().next().unwrap().clone()
    };
    let typed = |stage: &mut Stage, text: &str| {
        stage.harness().event(egui::Event::Text(text.to_owned()));
        stage.settle().unwrap();
    };
    // Escape drops what was typed; letters in the field are no commands.
    press(&mut stage, Key::F2);
    typed(&mut stage, "lz");
    assert_eq!(stage.program().workspace.tool, Tool::Mark(MarkKind::Length));
    press(&mut stage, Key::Escape);
    assert_eq!(mark(&stage).label, "");
    // An arrow chooses of what fits, Enter takes it.
    press(&mut stage, Key::F2);
    typed(&mut stage, "nod");
    press(&mut stage, Key::ArrowDown);
    press(&mut stage, Key::ArrowDown);
    press(&mut stage, Key::Enter);
    assert_eq!(mark(&stage).label, "Lymph node");
    assert!(mark(&stage).code.is_some());
    // Any text will do, and has no code.
    press(&mut stage, Key::F2);
    stage.key(Modifiers::COMMAND, Key::A);
    typed(&mut stage, "rather odd");
    press(&mut stage, Key::Enter);
    assert_eq!(
        (mark(&stage).label.as_str(), &mark(&stage).code),
        ("rather odd", &None)
    );
    // One step each.
    for label in ["Lymph node", ""] {
        run(&mut stage, Command::Undo);
        assert_eq!(mark(&stage).label, label);
    }
}
