//! Drawing marks: from presses on the screen to points in the patient (or in the pixels of one frame), and back.
//!
//! Must stay true: nothing here knows a toolkit. A [`Lens`] says where the screen lies; a [`Draft`] is a mark that is
//! being drawn, a [`Grip`] one that is being changed, [`strokes()`] is what of it is to be seen. Points are kept in
//! the space of the mark, so scrolling and zooming while a mark is drawn move the view and never the mark, and no
//! number of a mark depends on how it is looked at.
//!
//! Deliberately not here: what a mark measures ([`crate::imaging::measure`]) and where it is kept.

pub mod cuboid;
mod draft;
pub mod grip;
pub mod lens;
pub mod strokes;

pub use draft::{Draft, Progress};
pub use grip::{Grip, Part, handles, hit};
pub use lens::{Drift, Lens, Lies};
pub use strokes::{Stroke, strokes};
