//! Shortcuts as text, and which command the pressed keys mean.

use crate::workspace::command::{Command, TABLE};
use egui::{Key, KeyboardShortcut, Modifiers};

/// Reads `Ctrl+Shift+H`; `None` when it names no key.
pub fn parse(text: &str) -> Option<KeyboardShortcut> {
    let mut modifiers = Modifiers::NONE;
    let mut rest = text;
    loop {
        // The plus sign itself may be the key.
        match rest.split_once('+') {
            Some(("Ctrl", tail)) => {
                modifiers = modifiers.plus(Modifiers::COMMAND);
                rest = tail;
            }
            Some(("Shift", tail)) => {
                modifiers = modifiers.plus(Modifiers::SHIFT);
                rest = tail;
            }
            _ => break,
        }
    }
    let key = match rest {
        "Down" => Key::ArrowDown,
        "Up" => Key::ArrowUp,
        "Left" => Key::ArrowLeft,
        "Right" => Key::ArrowRight,
        "`" => Key::Backtick,
        "+" => Key::Plus,
        "-" => Key::Minus,
        "=" => Key::Equals,
        "?" => Key::Questionmark,
        name => Key::from_name(name)?,
    };
    Some(KeyboardShortcut::new(modifiers, key))
}

/// As the user reads it.
pub fn display(text: &str) -> String {
    text.replace("Down", "↓")
        .replace("Up", "↑")
        .replace("PageUp", "Page up")
        .replace("Page↑", "Page up")
        .replace("Page↓", "Page down")
}

/// Commands whose shortcut was pressed, and takes the keys. Letters and bare keys act only when no text field has
/// the focus (so that an input method gets them). `Space` is left to the caller, which tells a tap from a hold.
pub fn pressed(ctx: &egui::Context) -> Vec<Command> {
    let typing = ctx.egui_wants_keyboard_input();
    let mut commands = Vec::new();
    // Shortcuts with more modifiers first: egui's logical matching would let `Ctrl+Z` take `Ctrl+Shift+Z`.
    let mut rows: Vec<(KeyboardShortcut, Command)> = TABLE
        .iter()
        .flat_map(|row| {
            row.shortcut
                .split_whitespace()
                .map(move |s| (s, row.command))
        })
        .filter_map(|(s, command)| Some((parse(s)?, command)))
        .collect();
    rows.sort_by_key(|(s, _)| {
        std::cmp::Reverse(u8::from(s.modifiers.shift) + u8::from(s.modifiers.command))
    });
    ctx.input_mut(|input| {
        for (shortcut, command) in rows {
            let function_key = matches!(
                shortcut.logical_key,
                Key::F1 | Key::F8 | Key::F9 | Key::F10 | Key::F11 | Key::Escape
            );
            let bare = !shortcut.modifiers.command && !function_key;
            if typing && bare {
                continue;
            }
            while input.consume_shortcut(&shortcut) {
                commands.push(command);
            }
        }
    });
    commands
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shortcut_of_the_table_names_a_key() {
        for row in TABLE {
            for shortcut in row.shortcut.split_whitespace() {
                assert!(parse(shortcut).is_some(), "{shortcut} of {:?}", row.command);
            }
        }
    }

    #[test]
    fn modifiers_are_read() {
        let check = |text: &str, ctrl: bool, shift: bool, key: Key| {
            let shortcut = parse(text).unwrap();
            assert_eq!(
                (
                    shortcut.modifiers.command,
                    shortcut.modifiers.shift,
                    shortcut.logical_key
                ),
                (ctrl, shift, key)
            );
        };
        check("Ctrl+Shift+H", true, true, Key::H);
        check("+", false, false, Key::Plus);
        check("Shift+Tab", false, true, Key::Tab);
        check("PageDown", false, false, Key::PageDown);
    }
}
