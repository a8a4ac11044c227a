//! Where the keyboard goes: to the pictures, or to the widgets of a panel.
//!
//! While pictures are shown Tab goes from view to view and takes the focus nowhere. One key (F6) walks from panel to panel,
//! Tab then from widget to widget, and Escape gives the keyboard back to the pictures. Keys that a focused widget does not
//! use act as always, so that nobody is stuck on a button.

use egui::{Context, FocusDirection, Key, Modifiers};

/// A panel with widgets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Menus and tool buttons.
    Menu,
    /// Studies and series.
    Browser,
    /// Record, findings, report.
    Side,
    /// The line at the bottom.
    Status,
}

/// Which panel the walk is in.
#[derive(Clone, Copy, Debug, Default)]
pub struct FocusWalk {
    at: Option<Part>,
    wish: bool,
    begin: Option<Part>,
    /// Something had the focus when the last frame ended.
    held: bool,
}

/// Whose a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keyboard {
    /// Nothing has the focus.
    Pictures,
    /// A text field has it: bare keys are letters.
    Text,
    /// Something else has it: it uses a few keys.
    Widget,
}

impl Keyboard {
    /// Who has the keyboard now.
    pub fn of(ctx: &Context) -> Self {
        match ctx.memory(egui::Memory::focused) {
            None => Self::Pictures,
            Some(_) if ctx.text_edit_focused() => Self::Text,
            Some(_) => Self::Widget,
        }
    }

    /// Whether it uses a key itself. A button is pressed with Space and Enter, a slider moved with arrows; Tab and arrows
    /// go on to other widgets.
    pub fn uses(self, key: Key, held: Modifiers) -> bool {
        let plain = !held.ctrl && !held.command && !held.alt;
        let moves = matches!(
            key,
            Key::ArrowUp | Key::ArrowDown | Key::ArrowLeft | Key::ArrowRight
        );
        match self {
            Self::Widget if plain => {
                matches!(key, Key::Tab | Key::Space | Key::Enter) || moves && !held.shift
            }
            _ => false,
        }
    }
}

impl FocusWalk {
    /// On to the next panel, please.
    pub const fn step(&mut self) {
        self.wish = true;
    }

    /// Carries the wish out; `shown` are the panels on the screen, in their order. After the last one the pictures have the
    /// keyboard again.
    pub fn settle(&mut self, ctx: &Context, shown: &[Part]) {
        if !std::mem::take(&mut self.wish) {
            return;
        }
        let at = self.at.filter(|_| Keyboard::of(ctx) != Keyboard::Pictures);
        let next = match at.and_then(|at| shown.iter().position(|part| *part == at)) {
            Some(nth) => shown.get(nth + 1),
            None => shown.first(),
        };
        self.at = next.copied();
        self.begin = self.at;
        if self.at.is_none() {
            ctx.memory_mut(egui::Memory::stop_text_input);
        }
    }

    /// A panel begins: its first widget gets the focus where that is wished.
    pub fn enter(&mut self, ctx: &Context, part: Part) {
        if self.begin.take_if(|begin| *begin == part).is_some() {
            ctx.memory_mut(|memory| {
                memory.stop_text_input();
                memory.move_focus(FocusDirection::Next);
            });
        }
    }

    /// Whether Escape gives the keyboard back to the pictures, and means nothing else to them. The toolkit took the focus
    /// away before this is asked.
    pub fn gives_back(&self, ctx: &Context) -> bool {
        self.held && ctx.memory(egui::Memory::focused).is_none()
    }

    /// Remembers at the end of a frame whether something has the focus.
    pub fn remember(&mut self, ctx: &Context) {
        self.held = ctx.memory(egui::Memory::focused).is_some();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_focused_button_uses_few_keys() {
        let none = Modifiers::NONE;
        for key in [Key::Space, Key::Enter, Key::Tab, Key::ArrowDown] {
            assert!(Keyboard::Widget.uses(key, none), "{key:?}");
            assert!(!Keyboard::Pictures.uses(key, none), "{key:?}");
        }
        for key in [Key::L, Key::Num1, Key::PageDown, Key::K] {
            assert!(!Keyboard::Widget.uses(key, none), "{key:?}");
        }
        assert!(!Keyboard::Widget.uses(Key::ArrowDown, Modifiers::SHIFT));
        assert!(!Keyboard::Widget.uses(Key::Enter, Modifiers::COMMAND));
    }
}
