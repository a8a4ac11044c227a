//! From the toolkit's key events to commands: which chord was pressed, what the key map says of it, and what holding
//! a key means (a tool for as long as the key is down; the bare picture while Space is down).
//!
//! Digits, brackets, comma, period and the backtick count by their place on the keyboard, since their characters
//! need Shift or AltGr on many layouts; letters count by their character. Bare keys act only when no text field has
//! the focus, so that an input method gets them, and not where another focused widget uses them itself.

use super::focus::Keyboard;
use crate::{
    tools::Tool,
    workspace::{
        Command,
        keymap::{Chord, KeyMap},
    },
};
use egui::{Event, FocusDirection, Key, KeyboardShortcut, Modifiers};
use std::time::{Duration, Instant};

/// Held this long, a key is held and not tapped.
pub const HOLD: Duration = Duration::from_millis(250);

/// Keys whose name in the table is not the toolkit's.
const KEYS: [(&str, Key); 17] = [
    ("Down", Key::ArrowDown),
    ("Up", Key::ArrowUp),
    ("Left", Key::ArrowLeft),
    ("Right", Key::ArrowRight),
    ("`", Key::Backtick),
    ("+", Key::Plus),
    ("-", Key::Minus),
    ("=", Key::Equals),
    ("?", Key::Questionmark),
    ("[", Key::OpenBracket),
    ("]", Key::CloseBracket),
    (",", Key::Comma),
    (".", Key::Period),
    ("/", Key::Slash),
    ("\\", Key::Backslash),
    (";", Key::Semicolon),
    (":", Key::Colon),
];

fn egui_key(name: &str) -> Option<Key> {
    if name == "'" {
        return Some(Key::Quote);
    }
    let row = KEYS.iter().find(|(n, _)| *n == name);
    row.map(|(_, key)| *key).or_else(|| Key::from_name(name))
}

fn name_of(key: Key) -> &'static str {
    if key == Key::Quote {
        return "'";
    }
    let row = KEYS.iter().find(|(_, k)| *k == key);
    row.map_or_else(|| key.name(), |(name, _)| name)
}

/// Reads `Ctrl+Shift+H`; `None` when it names no key.
pub fn parse(text: &str) -> Option<KeyboardShortcut> {
    let chord = Chord::parse(text)?;
    let mut modifiers = Modifiers::NONE;
    if chord.ctrl {
        modifiers = modifiers.plus(Modifiers::COMMAND);
    }
    if chord.shift {
        modifiers = modifiers.plus(Modifiers::SHIFT);
    }
    if chord.alt {
        modifiers = modifiers.plus(Modifiers::ALT);
    }
    Some(KeyboardShortcut::new(modifiers, egui_key(&chord.key)?))
}

/// As the user reads it.
pub fn display(text: &str) -> String {
    match text.rsplit_once("Page") {
        Some((held, "Up")) => return format!("{held}Page up"),
        Some((held, "Down")) => return format!("{held}Page down"),
        _ => {}
    }
    let arrows = [("Down", "↓"), ("Up", "↑"), ("Left", "←"), ("Right", "→")];
    for (name, arrow) in arrows {
        if let Some(held) = text.strip_suffix(name) {
            return format!("{held}{arrow}");
        }
    }
    text.to_owned()
}

/// The chords that an event may mean, the likeliest first.
fn chords(key: Key, physical: Option<Key>, held: Modifiers) -> Vec<Chord> {
    let chord = |key: Key, shift: bool| Chord {
        ctrl: held.command,
        shift,
        alt: held.alt,
        key: name_of(key).to_owned(),
    };
    let placed = physical.filter(|p| {
        matches!(
            name_of(*p).as_bytes(),
            [b'0'..=b'9' | b'[' | b']' | b',' | b'.' | b'`']
        )
    });
    let mut found: Vec<Chord> = placed.map(|p| chord(p, held.shift)).into_iter().collect();
    found.push(chord(key, held.shift));
    // A symbol that is typed with Shift is still that symbol.
    if held.shift && !name_of(key).bytes().all(|b| b.is_ascii_alphanumeric()) {
        found.push(chord(key, false));
    }
    found
}

/// The chord of a press, for binding a key to a command.
pub fn chord_of(event: &Event) -> Option<Chord> {
    match event {
        Event::Key {
            key,
            physical_key,
            pressed: true,
            modifiers,
            ..
        } => chords(*key, *physical_key, *modifiers)
            .into_iter()
            .find(|chord| Chord::parse(&chord.to_string()).is_some()),
        // The toolkit turns these three into events of their own.
        Event::Copy => Chord::parse("Ctrl+C"),
        Event::Cut => Chord::parse("Ctrl+X"),
        Event::Paste(_) => Chord::parse("Ctrl+V"),
        _ => None,
    }
}

/// A key that is down.
#[derive(Clone, Debug)]
struct Held {
    key: Key,
    command: Command,
    since: Instant,
    tool: Tool,
    /// Frames since then.
    frames: u32,
}

impl Held {
    /// Whether it is held and not tapped. A press and a release that only one slow frame lies between say nothing of time.
    fn is_long(&self, now: Instant) -> bool {
        self.frames > 1 && now.saturating_duration_since(self.since) >= HOLD
    }
}

/// What the hands do between frames.
#[derive(Clone, Debug, Default)]
pub struct Holding {
    held: Option<Held>,
    /// The bare picture is shown: no text over it.
    pub peek: bool,
    /// Escape is for a field or a button that had the focus, and no command.
    pub escape_is_taken: bool,
}

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wish {
    /// Carry a command out.
    Run(Command),
    /// Back to the tool before.
    Tool(Tool),
}

/// Takes the key events that mean something and gives the wishes in their order. `tool` is the tool in the hand;
/// `now` the moment; `enabled` says which commands are of use.
pub fn pressed(
    ctx: &egui::Context,
    map: &KeyMap,
    holding: &mut Holding,
    tool: Tool,
    now: Instant,
    enabled: impl Fn(Command) -> bool,
) -> Vec<Wish> {
    let keyboard = Keyboard::of(ctx);
    let typing = keyboard == Keyboard::Text;
    let mut wishes = Vec::new();
    let mut views = false;
    if let Some(held) = &mut holding.held {
        held.frames = held.frames.saturating_add(1);
    }
    ctx.input_mut(|input| {
        input.events.retain(|event| {
            let (chords, key, down, repeat) = match event {
                Event::Key {
                    key,
                    pressed: true,
                    modifiers,
                    ..
                } if keyboard.uses(*key, *modifiers)
                    || *key == Key::Escape && holding.escape_is_taken =>
                {
                    return true;
                }
                Event::Key {
                    key,
                    physical_key,
                    pressed,
                    repeat,
                    modifiers,
                } => (
                    chords(*key, *physical_key, *modifiers),
                    Some(*key),
                    *pressed,
                    *repeat,
                ),
                Event::Copy | Event::Cut if !typing => {
                    (chord_of(event).into_iter().collect(), None, true, false)
                }
                _ => return true,
            };
            if !down {
                if let Some(key) = key {
                    release(holding, key, now, &mut wishes);
                }
                return true;
            }
            let known = chords
                .iter()
                .find_map(|chord| Some((chord, map.holder(chord)?)));
            let Some((chord, command)) = known else {
                return true;
            };
            if typing && !chord.acts_while_typing() {
                return true;
            }
            // Where there is no view to go to, Tab goes through the widgets.
            if key == Some(Key::Tab) && !enabled(command) {
                return true;
            }
            if repeat && !command.row().repeats() {
                return false;
            }
            views |= key == Some(Key::Tab);
            let bare = !chord.ctrl && !chord.alt;
            if let Some(key) = key
                && bare
                && (command.tool().is_some() || command == Command::OverlayText)
            {
                holding.held = Some(Held {
                    key,
                    command,
                    since: now,
                    tool,
                    frames: 0,
                });
            }
            // A tap of Space acts when it is let go: until then it may be a look at the bare picture.
            if command != Command::OverlayText || !bare || key.is_none() {
                wishes.push(Wish::Run(command));
            }
            false
        });
    });
    if views {
        // The toolkit would go to the first widget, too.
        ctx.memory_mut(|memory| memory.move_focus(FocusDirection::None));
    }
    if let Some(held) = &holding.held
        && held.command == Command::OverlayText
    {
        let left = HOLD.saturating_sub(now.saturating_duration_since(held.since));
        holding.peek = left.is_zero();
        if !holding.peek {
            ctx.request_repaint_after(left);
        }
    }
    wishes
}

fn release(holding: &mut Holding, key: Key, now: Instant, wishes: &mut Vec<Wish>) {
    let Some(held) = holding.held.take_if(|h| h.key == key) else {
        return;
    };
    match (held.command, held.is_long(now)) {
        (Command::OverlayText, true) => holding.peek = false,
        (Command::OverlayText, false) => {
            holding.peek = false;
            wishes.push(Wish::Run(Command::OverlayText));
        }
        (_, true) => wishes.push(Wish::Tool(held.tool)),
        (_, false) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::command::TABLE;

    #[test]
    fn every_shortcut_of_the_table_names_a_key() {
        for row in TABLE {
            for shortcut in row.shortcut.split_whitespace() {
                let parsed = parse(shortcut);
                assert!(parsed.is_some(), "{shortcut} of {:?}", row.command);
                let key = parsed.map(|p| p.logical_key);
                let name = shortcut.rsplit_once('+').map_or(shortcut, |(_, n)| n);
                let name = if name.is_empty() { "+" } else { name };
                assert_eq!(key.map(name_of), Some(name));
            }
        }
    }

    fn press(key: Key, physical: Option<Key>, modifiers: Modifiers) -> Event {
        Event::Key {
            key,
            physical_key: physical,
            pressed: true,
            repeat: false,
            modifiers,
        }
    }

    fn meant(events: Vec<Event>, holding: &mut Holding, time: f64) -> Vec<Wish> {
        static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
        let now = *START.get_or_init(Instant::now) + Duration::from_secs_f64(time);
        let ctx = egui::Context::default();
        let input = egui::RawInput {
            events,
            ..Default::default()
        };
        let mut wishes = Vec::new();
        let _ = ctx.run_ui(input, |ui| {
            let (map, all) = (KeyMap::default(), |_| true);
            wishes = pressed(ui.ctx(), &map, holding, Tool::Zoom, now, all);
        });
        wishes
    }

    #[test]
    fn keys_count_by_place_where_their_characters_need_shift() {
        let none = Modifiers::NONE;
        let check = |key, physical, held, expected: &[Wish]| {
            let got = meant(
                vec![press(key, physical, held)],
                &mut Holding::default(),
                0.0,
            );
            assert_eq!(got, expected);
        };
        // The key with 1 on it, on a French keyboard: no Shift gives `&`, which the toolkit reports otherwise.
        check(
            Key::Num1,
            Some(Key::Num1),
            none,
            &[Wish::Run(Command::Preset1)],
        );
        check(
            Key::Exclamationmark,
            Some(Key::Num1),
            none,
            &[Wish::Run(Command::Preset1)],
        );
        // A plus is a plus, with Shift or without.
        check(
            Key::Plus,
            None,
            Modifiers::SHIFT,
            &[Wish::Run(Command::ZoomIn)],
        );
        // The narrower chord wins.
        let both = Modifiers::COMMAND | Modifiers::SHIFT;
        check(Key::Z, None, both, &[Wish::Run(Command::Redo)]);
        check(
            Key::Z,
            None,
            Modifiers::COMMAND,
            &[Wish::Run(Command::Undo)],
        );
        check(Key::F35, None, none, &[]);
    }

    #[test]
    fn a_held_tool_key_lends_the_tool() {
        let up = |key| Event::Key {
            key,
            physical_key: None,
            pressed: false,
            repeat: false,
            modifiers: Modifiers::NONE,
        };
        let mut holding = Holding::default();
        let down = vec![press(Key::M, None, Modifiers::NONE)];
        assert_eq!(
            meant(down.clone(), &mut holding, 1.0),
            [Wish::Run(Command::ToolPan)]
        );
        meant(Vec::new(), &mut holding, 1.1);
        assert_eq!(
            meant(vec![up(Key::M)], &mut holding, 1.5),
            [Wish::Tool(Tool::Zoom)]
        );
        // A tap keeps it, also one that a slow frame makes long.
        for released in [2.1, 2.9] {
            meant(down.clone(), &mut holding, 2.0);
            assert_eq!(meant(vec![up(Key::M)], &mut holding, released), []);
        }
    }

    #[test]
    fn space_tapped_changes_the_text_and_held_shows_the_bare_picture() {
        let up = Event::Key {
            key: Key::Space,
            physical_key: None,
            pressed: false,
            repeat: false,
            modifiers: Modifiers::NONE,
        };
        let mut holding = Holding::default();
        let down = || vec![press(Key::Space, None, Modifiers::NONE)];
        assert_eq!(meant(down(), &mut holding, 1.0), []);
        let tapped = meant(vec![up.clone()], &mut holding, 1.1);
        assert_eq!(tapped, [Wish::Run(Command::OverlayText)]);
        meant(down(), &mut holding, 2.0);
        assert!(!holding.peek);
        meant(Vec::new(), &mut holding, 2.3);
        assert!(holding.peek);
        assert_eq!(meant(vec![up], &mut holding, 2.4), []);
        assert!(!holding.peek);
    }

    #[test]
    fn keys_are_shown_as_people_know_them() {
        for (text, shown) in [
            ("Down", "↓"),
            ("Shift+Up", "Shift+↑"),
            ("PageUp", "Page up"),
            ("PageDown", "Page down"),
            ("Ctrl+Left", "Ctrl+←"),
            ("Ctrl+K", "Ctrl+K"),
        ] {
            assert_eq!(display(text), shown);
        }
    }
}
