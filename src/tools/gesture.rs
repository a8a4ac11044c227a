//! Tools, buttons, and what a drag does with them.

use crate::model::annotation::MarkKind;

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
    /// Draw a mark.
    Mark(MarkKind),
    /// Change voxels of a segment.
    Paint(PaintTool),
}

/// What changes voxels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PaintTool {
    /// Gives them to the segment.
    Brush,
    /// Takes them from it.
    Eraser,
    /// Gives it what hangs together with a voxel and has values like it.
    Grow,
    /// Gives it what lies inside of a drawn outline, or takes that from it.
    Scissors,
    /// Gives it what the line at the level of a pixel shuts in.
    Trace,
    /// Gives it what an outline shuts in that follows edges from anchor to anchor.
    Wire,
    /// Gives it what strokes say yes to and not no, after it was looked at.
    Prompt,
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
