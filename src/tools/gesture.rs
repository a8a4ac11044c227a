//! Which gesture a button and its modifiers mean.

/// The tool under the left button.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Tool {
    /// Window width and level.
    #[default]
    WindowLevel,
    /// Zoom about the point where the drag began.
    Zoom,
    /// Pan.
    Pan,
    /// Scroll through the slices.
    Scroll,
    /// Place the crosshair.
    Crosshair,
}

/// A pointer button.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Button {
    /// Left.
    Primary,
    /// Right.
    Secondary,
    /// Wheel button.
    Middle,
}

/// Held keys that change a gesture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Modifiers {
    /// Shift.
    pub shift: bool,
    /// Ctrl, or Cmd on a Mac.
    pub ctrl: bool,
    /// Alt.
    pub alt: bool,
}

/// What a drag does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Gesture {
    /// A tool with its speed: 1, fine 0.25, coarse 4.
    Drag {
        /// The tool.
        tool: Tool,
        /// Factor on the movement.
        speed: f64,
    },
    /// Window from the values inside the drawn rectangle.
    WindowRegion,
}

/// The table of product section 6.2: left is the active tool (Shift fine, Ctrl+Shift coarse, Ctrl window from
/// the drawn region), middle pans, right zooms.
pub fn gesture_for(button: Button, modifiers: Modifiers, active: Tool) -> Gesture {
    let drag = |tool, speed| Gesture::Drag { tool, speed };
    match button {
        Button::Middle => drag(Tool::Pan, 1.0),
        Button::Secondary => drag(Tool::Zoom, 1.0),
        Button::Primary => match (modifiers.ctrl, modifiers.shift) {
            (true, true) => drag(active, 4.0),
            (true, false) => Gesture::WindowRegion,
            (false, true) => drag(active, 0.25),
            (false, false) => drag(active, 1.0),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buttons_mean_what_the_table_says() {
        let check = |button, shift, ctrl, expected: Gesture| {
            let modifiers = Modifiers {
                shift,
                ctrl,
                alt: false,
            };
            assert_eq!(gesture_for(button, modifiers, Tool::WindowLevel), expected);
        };
        let drag = |tool, speed| Gesture::Drag { tool, speed };
        check(Button::Primary, false, false, drag(Tool::WindowLevel, 1.0));
        check(Button::Primary, true, false, drag(Tool::WindowLevel, 0.25));
        check(Button::Primary, true, true, drag(Tool::WindowLevel, 4.0));
        check(Button::Primary, false, true, Gesture::WindowRegion);
        check(Button::Middle, false, false, drag(Tool::Pan, 1.0));
        check(Button::Secondary, false, false, drag(Tool::Zoom, 1.0));
    }
}
