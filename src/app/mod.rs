//! The window: eframe wiring, command execution, dialogs, and the same window without a display.
//!
//! eframe's two entry points have a file each: [`logic`] receives and executes, [`draw`] draws.

pub mod demo;
pub mod dialogs;
pub mod draw;
pub mod error;
#[cfg(feature = "screen")]
pub mod frames;
#[cfg(feature = "ai")]
mod lesion_networks;
pub mod logic;
pub mod minimal;
#[cfg(feature = "ai")]
pub mod networks;
pub mod picture_out;
#[cfg(feature = "ai")]
mod point_networks;
pub mod program;
pub mod report_out;
pub mod restart;
mod saving;
#[cfg(feature = "screen")]
pub mod screen;
#[cfg(feature = "screen")]
pub mod stage;
#[cfg(feature = "ai")]
mod training;
#[cfg(feature = "ai")]
mod volume_networks;
pub mod watch;
pub mod window;
mod windows;

pub use error::AppError;
pub use program::{Options, Program};
