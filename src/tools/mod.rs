//! Pointer gestures to changes of the view, free of any toolkit.
//!
//! Must stay true: nothing here knows a widget or a GPU; every law is a function of numbers with a test.

pub mod brush;
pub mod gesture;
pub mod mark;
pub mod mouse;
pub mod navigate;
pub mod plane_lines;
pub mod window_level;

pub use gesture::{Button, Gesture, Modifiers, PaintTool, Tool};
pub use mouse::{MouseMap, MouseUse, Press};
