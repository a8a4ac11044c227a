//! Which button, with which held keys, does what: the table of product section 6.2, and the user's changes to it.
//!
//! Must stay true: every press has a meaning or none, never two; a right click without movement stays the menu,
//! whatever dragging with it does.

use super::gesture::{Button, Gesture, Modifiers, Tool};
use std::collections::BTreeMap;

/// A button with the keys held while it is pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Press {
    /// Which button: 0 left, 1 middle, 2 right.
    button: u8,
    ctrl: bool,
    shift: bool,
    alt: bool,
}

const BUTTONS: [(&str, Button); 3] = [
    ("left", Button::Primary),
    ("middle", Button::Middle),
    ("right", Button::Secondary),
];

impl Press {
    /// A press.
    pub fn new(button: Button, held: Modifiers) -> Self {
        let at = BUTTONS.iter().position(|(_, b)| *b == button);
        Self {
            button: at.unwrap_or(0) as u8,
            ctrl: held.ctrl,
            shift: held.shift,
            alt: held.alt,
        }
    }

    /// Every press that can have a meaning, buttons in the order of the hand. Alt with a button moves windows on
    /// many desktops, so it is not offered.
    pub fn all() -> impl Iterator<Item = Self> {
        let held = [(false, false), (false, true), (true, false), (true, true)];
        (0..BUTTONS.len() as u8).flat_map(move |button| {
            held.into_iter().map(move |(ctrl, shift)| Self {
                button,
                ctrl,
                shift,
                alt: false,
            })
        })
    }

    /// Stable name, for example `ctrl+left`.
    pub fn name(self) -> String {
        let mut name = String::new();
        for (held, word) in [
            (self.ctrl, "ctrl+"),
            (self.shift, "shift+"),
            (self.alt, "alt+"),
        ] {
            if held {
                name.push_str(word);
            }
        }
        let button = BUTTONS.get(usize::from(self.button));
        name + button.map_or("left", |(word, _)| word)
    }

    /// The press with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|press| press.name() == name)
    }

    /// Which button, and whether Ctrl and Shift are held, for words on the screen.
    pub fn parts(self) -> (&'static str, bool, bool) {
        let button = BUTTONS.get(usize::from(self.button));
        (
            button.map_or("left", |(word, _)| word),
            self.ctrl,
            self.shift,
        )
    }
}

/// What dragging does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MouseUse {
    /// The active tool.
    Active,
    /// The active tool at a quarter of its speed.
    ActiveFine,
    /// The active tool at four times its speed.
    ActiveCoarse,
    /// Window from the values in the drawn rectangle.
    WindowRegion,
    /// Window and level.
    WindowLevel,
    /// Zoom.
    Zoom,
    /// Pan.
    Pan,
    /// Scroll.
    Scroll,
    /// Crosshair.
    Crosshair,
    /// Nothing.
    Nothing,
}

impl MouseUse {
    /// All, in the order of the menu.
    pub const ALL: [Self; 10] = [
        Self::Active,
        Self::ActiveFine,
        Self::ActiveCoarse,
        Self::WindowRegion,
        Self::WindowLevel,
        Self::Zoom,
        Self::Pan,
        Self::Scroll,
        Self::Crosshair,
        Self::Nothing,
    ];

    /// Stable name; `mouse-use-<name>` is its message.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::ActiveFine => "active-fine",
            Self::ActiveCoarse => "active-coarse",
            Self::WindowRegion => "window-region",
            Self::WindowLevel => "window-level",
            Self::Zoom => "zoom",
            Self::Pan => "pan",
            Self::Scroll => "scroll",
            Self::Crosshair => "crosshair",
            Self::Nothing => "nothing",
        }
    }

    /// Key of its message.
    pub const fn message_key(self) -> &'static str {
        match self {
            Self::Active => "mouse-use-active",
            Self::ActiveFine => "mouse-use-active-fine",
            Self::ActiveCoarse => "mouse-use-active-coarse",
            Self::WindowRegion => "mouse-use-window-region",
            Self::WindowLevel => "cmd-tool-window-level",
            Self::Zoom => "cmd-tool-zoom",
            Self::Pan => "cmd-tool-pan",
            Self::Scroll => "cmd-tool-scroll",
            Self::Crosshair => "cmd-tool-crosshair",
            Self::Nothing => "mouse-use-nothing",
        }
    }

    /// The use with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|u| u.name() == name)
    }

    /// As a gesture; `None` for nothing.
    pub const fn gesture(self, active: Tool) -> Option<Gesture> {
        let (tool, speed) = match self {
            Self::Active => (active, 1.0),
            Self::ActiveFine => (active, 0.25),
            Self::ActiveCoarse => (active, 4.0),
            Self::WindowRegion => return Some(Gesture::WindowRegion),
            Self::WindowLevel => (Tool::WindowLevel, 1.0),
            Self::Zoom => (Tool::Zoom, 1.0),
            Self::Pan => (Tool::Pan, 1.0),
            Self::Scroll => (Tool::Scroll, 1.0),
            Self::Crosshair => (Tool::Crosshair, 1.0),
            Self::Nothing => return None,
        };
        Some(Gesture::Drag { tool, speed })
    }
}

/// What each press means: the defaults, and what the user changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MouseMap {
    own: BTreeMap<Press, MouseUse>,
}

impl MouseMap {
    /// What a press means without any change: left is the active tool (Shift fine, Ctrl+Shift coarse, Ctrl window
    /// from the drawn region), middle pans, right zooms.
    pub const fn default_use(press: Press) -> MouseUse {
        match (press.button, press.ctrl, press.shift) {
            (1, ..) => MouseUse::Pan,
            (2, ..) => MouseUse::Zoom,
            (_, true, true) => MouseUse::ActiveCoarse,
            (_, true, false) => MouseUse::WindowRegion,
            (_, false, true) => MouseUse::ActiveFine,
            (_, false, false) => MouseUse::Active,
        }
    }

    /// What a press means.
    pub fn meaning(&self, press: Press) -> MouseUse {
        let own = self.own.get(&press).copied();
        own.unwrap_or_else(|| Self::default_use(press))
    }

    /// Gives a press a meaning.
    pub fn set(&mut self, press: Press, meaning: MouseUse) {
        if meaning == Self::default_use(press) {
            self.own.remove(&press);
        } else {
            self.own.insert(press, meaning);
        }
    }

    /// The user's changes, as names.
    pub fn own(&self) -> BTreeMap<String, String> {
        let name =
            |(press, meaning): (&Press, &MouseUse)| (press.name(), meaning.name().to_owned());
        self.own.iter().map(name).collect()
    }

    /// The map with these changes; names that nobody knows are passed over.
    pub fn of(own: &BTreeMap<String, String>) -> Self {
        let mut map = Self::default();
        for (press, meaning) in own {
            if let (Some(press), Some(meaning)) = (Press::named(press), MouseUse::named(meaning)) {
                map.set(press, meaning);
            }
        }
        map
    }

    /// The gesture of a press.
    pub fn gesture(&self, button: Button, held: Modifiers, active: Tool) -> Option<Gesture> {
        self.meaning(Press::new(button, held)).gesture(active)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(shift: bool, ctrl: bool) -> Modifiers {
        Modifiers {
            shift,
            ctrl,
            alt: false,
        }
    }

    #[test]
    fn buttons_mean_what_the_table_says() {
        let map = MouseMap::default();
        let check = |button, shift, ctrl, expected: Gesture| {
            let gesture = map.gesture(button, held(shift, ctrl), Tool::WindowLevel);
            assert_eq!(gesture, Some(expected));
        };
        let drag = |tool, speed| Gesture::Drag { tool, speed };
        check(Button::Primary, false, false, drag(Tool::WindowLevel, 1.0));
        check(Button::Primary, true, false, drag(Tool::WindowLevel, 0.25));
        check(Button::Primary, true, true, drag(Tool::WindowLevel, 4.0));
        check(Button::Primary, false, true, Gesture::WindowRegion);
        check(Button::Middle, false, false, drag(Tool::Pan, 1.0));
        check(Button::Secondary, false, false, drag(Tool::Zoom, 1.0));
    }

    #[test]
    fn changes_are_kept_by_name_and_a_default_is_no_change() {
        let mut map = MouseMap::default();
        let press = Press::new(Button::Middle, held(false, true));
        map.set(press, MouseUse::Scroll);
        let kept = map.own();
        assert_eq!(kept.get("ctrl+middle").map(String::as_str), Some("scroll"));
        assert_eq!(MouseMap::of(&kept), map);
        map.set(press, MouseUse::Pan);
        assert!(map.own().is_empty());
        for press in Press::all() {
            assert_eq!(Press::named(&press.name()), Some(press));
        }
        for meaning in MouseUse::ALL {
            assert_eq!(MouseUse::named(meaning.name()), Some(meaning));
        }
        let strange = [("hat+left", "zoom"), ("left", "fly")];
        let strange = strange.map(|(a, b)| (a.to_owned(), b.to_owned())).into();
        assert_eq!(MouseMap::of(&strange), MouseMap::default());
    }
}
