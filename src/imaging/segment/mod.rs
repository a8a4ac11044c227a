//! Tools of the annotator's bench: from seeds, strokes, outlines and sets to sets, over slices and volumes.
//!
//! Sets are [`Bits`]: one bit a voxel, columns fastest, of a grid of columns, rows and slices; a picture is a grid of one
//! slice. Distances are in millimetres, with the grid's spacing (column to column, row to row, slice to slice); what looks at
//! values takes an [`Image`]. What takes long looks at a token and gives `None` once it is cancelled. Each function is held
//! against another way to the same answer in its tests, and against scikit-image and SimpleITK by `benches/peers/labels`.
//!
//! Deliberately absent: what the sets mean (`model::segmentation`), and drawing.

pub mod between;
pub mod bits;
pub mod distance;
pub mod features;
pub mod forest;
pub mod grow;
pub mod image;

pub mod islands;
pub mod livewire;
pub mod margin;
#[cfg(test)]
mod noise;
pub mod outline;
pub mod scissors;
pub mod smooth;
pub mod threshold;
pub mod trace;
pub mod walker;

pub use bits::{Bits, Combine};
pub use image::{Image, Modality, Values};
