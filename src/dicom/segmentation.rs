//! Segmentation objects and structure sets read into voxels (PS3.3 A.51, C.8.20; A.19, C.8.8.6): where their frames lie, and what is in them.
//!
//! Must stay true: a mask lies on pictures only when study and frame of reference agree, or when the object names the
//! very pictures; nothing is resampled. Frames whose planes are those of the pictures come onto their grid, whatever
//! their order and whichever way their rows run; others keep a grid of their own. What does not fit is refused with the
//! reason.

mod any;
mod place;
mod structures;
mod voxels;

pub use any::{may_be_mask, read_mask};
pub use place::{grid_of, is_placed};
pub use structures::read_structures;
pub use voxels::{Wanted, read_segmentation};
