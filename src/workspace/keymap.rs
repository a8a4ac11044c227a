//! Which keys mean which command: the table's own keys, a profile of another viewer's habits, the user's changes.
//!
//! Must stay true: a chord means one command at most; what a profile or the user gives to one command is taken from
//! the other, and [`KeyMap::holder`] says from which before it happens. No toolkit is known here: keys have names.

use super::command::{Command, TABLE};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, HashMap},
    sync::LazyLock,
};

/// Keys by the names that stand in the table and in files. Letters and digits are themselves.
const NAMED: [&str; 43] = [
    "Down",
    "Up",
    "Left",
    "Right",
    "Home",
    "End",
    "PageUp",
    "PageDown",
    "Tab",
    "Enter",
    "Escape",
    "Space",
    "Delete",
    "Backspace",
    "Insert",
    "`",
    "+",
    "-",
    "=",
    "?",
    "[",
    "]",
    ",",
    ".",
    "/",
    "\\",
    ";",
    "'",
    ":",
    "F1",
    "F2",
    "F3",
    "F4",
    "F5",
    "F6",
    "F7",
    "F8",
    "F9",
    "F10",
    "F11",
    "F12",
    "F13",
    "F14",
];

/// A key with the modifiers that are held with it, for example `Ctrl+Shift+H`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Chord {
    /// Ctrl, or Cmd on a Mac.
    pub ctrl: bool,
    /// Shift.
    pub shift: bool,
    /// Alt.
    pub alt: bool,
    /// Name of the key.
    pub key: String,
}

impl Chord {
    /// Reads `Ctrl+Shift+H`; `None` when it names no key.
    pub fn parse(text: &str) -> Option<Self> {
        let (mut ctrl, mut shift, mut alt) = (false, false, false);
        let mut rest = text;
        loop {
            // The plus sign itself may be the key.
            let (flag, tail) = match rest.split_once('+') {
                Some(("Ctrl", tail)) => (&mut ctrl, tail),
                Some(("Shift", tail)) => (&mut shift, tail),
                Some(("Alt", tail)) => (&mut alt, tail),
                _ => break,
            };
            *flag = true;
            rest = tail;
        }
        let mut letters = rest.chars();
        let simple = matches!((letters.next(), letters.next()),
            (Some(c), None) if c.is_ascii_uppercase() || c.is_ascii_digit());
        (simple || NAMED.contains(&rest)).then(|| Self {
            ctrl,
            shift,
            alt,
            key: rest.to_owned(),
        })
    }

    /// Whether it acts while a text field has the focus: bare keys then belong to the text and the input method.
    pub fn acts_while_typing(&self) -> bool {
        let function = self.key.len() > 1
            && self.key.starts_with('F')
            && self.key.bytes().skip(1).all(|b| b.is_ascii_digit());
        self.ctrl || function || self.key == "Escape"
    }
}

impl std::fmt::Display for Chord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (held, name) in [
            (self.ctrl, "Ctrl+"),
            (self.shift, "Shift+"),
            (self.alt, "Alt+"),
        ] {
            if held {
                f.write_str(name)?;
            }
        }
        f.write_str(&self.key)
    }
}

/// Whose habits the keys follow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Profile {
    /// The program's own (the command table).
    #[default]
    Default,
    /// OHIF Viewer.
    Ohif,
    /// Horos and OsiriX.
    Horos,
    /// Weasis.
    Weasis,
    /// 3D Slicer.
    Slicer,
}

#[derive(Deserialize)]
struct ProfileFile {
    keys: BTreeMap<String, String>,
    #[serde(default)]
    up_raises_level: bool,
}

static PROFILES: LazyLock<HashMap<&'static str, ProfileFile>> = LazyLock::new(|| {
    [
        ("ohif", include_str!("../../assets/keymaps/ohif.toml")),
        ("horos", include_str!("../../assets/keymaps/horos.toml")),
        ("weasis", include_str!("../../assets/keymaps/weasis.toml")),
        ("slicer", include_str!("../../assets/keymaps/slicer.toml")),
    ]
    .into_iter()
    .filter_map(|(name, text)| Some((name, toml::from_str(text).ok()?)))
    .collect()
});

impl Profile {
    /// All, in the order of the menu.
    pub const ALL: [Self; 5] = [
        Self::Default,
        Self::Ohif,
        Self::Horos,
        Self::Weasis,
        Self::Slicer,
    ];

    /// Stable name for settings files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Ohif => "ohif",
            Self::Horos => "horos",
            Self::Weasis => "weasis",
            Self::Slicer => "slicer",
        }
    }

    /// As people call it.
    pub const fn own_name(self) -> &'static str {
        match self {
            Self::Default => "Negatoscope",
            Self::Ohif => "OHIF",
            Self::Horos => "Horos",
            Self::Weasis => "Weasis",
            Self::Slicer => "3D Slicer",
        }
    }

    /// The profile with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.name() == name)
    }

    fn file(self) -> Option<&'static ProfileFile> {
        PROFILES.get(self.name())
    }

    /// Whether an upward window drag raises the level (darker), as in Horos and 3D Slicer.
    pub fn up_raises_level(self) -> bool {
        self.file().is_some_and(|f| f.up_raises_level)
    }
}

/// What the keys mean now.
#[derive(Clone, Debug)]
pub struct KeyMap {
    profile: Profile,
    own: BTreeMap<String, String>,
    by_chord: HashMap<Chord, Command>,
    by_command: HashMap<Command, Vec<Chord>>,
}

impl Default for KeyMap {
    fn default() -> Self {
        Self::new(Profile::Default, BTreeMap::new())
    }
}

impl KeyMap {
    /// The keys of a profile with the user's own changes: names of commands to chords, several separated by blanks,
    /// none for no key. Unknown commands and keys are passed over, so a newer file does no harm.
    pub fn new(profile: Profile, own: BTreeMap<String, String>) -> Self {
        let mut map = Self {
            profile,
            own,
            by_chord: HashMap::new(),
            by_command: HashMap::new(),
        };
        for row in TABLE {
            for chord in row.shortcut.split_whitespace().filter_map(Chord::parse) {
                map.give(row.command, chord);
            }
        }
        let of_profile = profile.file().map(|f| f.keys.clone()).unwrap_or_default();
        let own = map.own.clone();
        for (name, chords) in of_profile.iter().chain(&own) {
            let Some(command) = Command::named(name) else {
                continue;
            };
            map.clear(command);
            for chord in chords.split_whitespace().filter_map(Chord::parse) {
                map.give(command, chord);
            }
        }
        map
    }

    fn clear(&mut self, command: Command) {
        for chord in self.by_command.remove(&command).unwrap_or_default() {
            self.by_chord.remove(&chord);
        }
    }

    fn give(&mut self, command: Command, chord: Chord) {
        if let Some(before) = self.by_chord.insert(chord.clone(), command)
            && let Some(chords) = self.by_command.get_mut(&before)
        {
            chords.retain(|c| c != &chord);
        }
        let chords = self.by_command.entry(command).or_default();
        if !chords.contains(&chord) {
            chords.push(chord);
        }
    }

    /// The profile.
    pub const fn profile(&self) -> Profile {
        self.profile
    }

    /// The user's own changes, as they are written to the settings file.
    pub const fn own(&self) -> &BTreeMap<String, String> {
        &self.own
    }

    /// The keys of a command, the one to show first.
    pub fn chords(&self, command: Command) -> &[Chord] {
        self.by_command.get(&command).map_or(&[], Vec::as_slice)
    }

    /// The command that a chord means.
    pub fn holder(&self, chord: &Chord) -> Option<Command> {
        self.by_chord.get(chord).copied()
    }

    /// The same keys with another profile.
    #[must_use]
    pub fn with_profile(&self, profile: Profile) -> Self {
        Self::new(profile, self.own.clone())
    }

    /// The keys with one command's chords replaced. Another command that had one of them loses it, and that is
    /// written down as a change of its own.
    #[must_use]
    pub fn with_chords(&self, command: Command, chords: &[Chord]) -> Self {
        let text = |chords: &[Chord]| {
            let texts: Vec<String> = chords.iter().map(Chord::to_string).collect();
            texts.join(" ")
        };
        let mut own = self.own.clone();
        for chord in chords {
            if let Some(before) = self.holder(chord).filter(|c| *c != command) {
                let left: Vec<Chord> = self.chords(before).to_vec();
                let left: Vec<Chord> = left.into_iter().filter(|c| !chords.contains(c)).collect();
                own.insert(before.name().to_owned(), text(&left));
            }
        }
        own.insert(command.name().to_owned(), text(chords));
        Self::new(self.profile, own)
    }

    /// The keys without the user's changes to a command.
    #[must_use]
    pub fn with_default(&self, command: Command) -> Self {
        let mut own = self.own.clone();
        own.remove(command.name());
        Self::new(self.profile, own)
    }

    /// The keys without any change of the user.
    #[must_use]
    pub fn with_defaults(&self) -> Self {
        Self::new(self.profile, BTreeMap::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chord(text: &str) -> Chord {
        Chord::parse(text).unwrap()
    }

    #[test]
    fn chords_are_read_as_they_are_written() {
        for text in [
            "Ctrl+Shift+H",
            "A",
            "7",
            "+",
            "Ctrl++",
            "Shift+[",
            "Alt+1",
            "PageDown",
            "F11",
        ] {
            assert_eq!(chord(text).to_string(), text);
        }
        for text in ["", "a", "Ctrl+", "Hyper+A", "AA", "é"] {
            assert_eq!(Chord::parse(text), None, "{text}");
        }
        assert!(chord("Ctrl+K").acts_while_typing() && chord("F1").acts_while_typing());
        assert!(!chord("F").acts_while_typing() && !chord("Shift+A").acts_while_typing());
    }

    #[test]
    fn every_key_of_the_table_and_of_every_profile_is_known_and_means_one_command() {
        for row in TABLE {
            for text in row.shortcut.split_whitespace() {
                assert!(Chord::parse(text).is_some(), "{text} of {:?}", row.command);
            }
        }
        for profile in Profile::ALL {
            assert_eq!(Profile::named(profile.name()), Some(profile));
            let Some(file) = profile.file() else {
                assert_eq!(profile, Profile::Default);
                continue;
            };
            let mut seen = BTreeMap::new();
            for (name, chords) in &file.keys {
                let command = Command::named(name);
                assert!(command.is_some(), "{name} in {}", profile.name());
                for text in chords.split_whitespace() {
                    let chord = chord(text);
                    assert_eq!(
                        seen.insert(chord, name),
                        None,
                        "{text} twice in {}",
                        profile.name()
                    );
                }
            }
            let map = KeyMap::new(profile, BTreeMap::new());
            for (name, chords) in &file.keys {
                for text in chords.split_whitespace() {
                    assert_eq!(map.holder(&chord(text)), Command::named(name));
                }
            }
        }
    }

    #[test]
    fn a_key_given_to_one_command_is_taken_from_the_other_and_comes_back() {
        let map = KeyMap::default();
        let h = chord("H");
        assert_eq!(map.holder(&h), Some(Command::FlipHorizontal));
        let changed = map.with_chords(Command::Invert, &[h.clone(), chord("I")]);
        assert_eq!(changed.holder(&h), Some(Command::Invert));
        assert_eq!(changed.chords(Command::Invert), [h.clone(), chord("I")]);
        assert!(changed.chords(Command::FlipHorizontal).is_empty());
        // What a settings file keeps gives the same keys.
        let again = KeyMap::new(Profile::Default, changed.own().clone());
        assert_eq!(again.holder(&h), Some(Command::Invert));
        assert!(again.chords(Command::FlipHorizontal).is_empty());
        let back = changed
            .with_default(Command::Invert)
            .with_default(Command::FlipHorizontal);
        assert_eq!(back.holder(&h), Some(Command::FlipHorizontal));
        assert!(back.own().is_empty() && changed.with_defaults().own().is_empty());
    }

    #[test]
    fn a_newer_file_does_no_harm() {
        let own = [("no-such-command", "J"), ("invert", "NoSuchKey Ctrl+I")];
        let own = own.map(|(a, b)| (a.to_owned(), b.to_owned())).into();
        let map = KeyMap::new(Profile::Default, own);
        assert_eq!(map.chords(Command::Invert), [chord("Ctrl+I")]);
    }
}
