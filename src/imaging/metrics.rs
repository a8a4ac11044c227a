//! How well a mask, a distance, a decision or a score agrees with the truth. All sums are `f64` and in order.
//!
//! What does not exist is `None`, never a number that looks like one: a class that no case has, an empty list, lists
//! of different lengths, and anything that is not a number. Each part says its own borders.

pub mod agreement;
pub mod bootstrap;
pub mod calibration;
pub mod classification;
pub mod distance;
pub mod overlap;
mod rank;

pub use bootstrap::{Interval, Resampling};
pub use calibration::{Bin, brier, expected_calibration_error, mean_squared_error, reliability};
pub use classification::{CurvePoint, auroc, average_precision, precision_recall_curve, roc_curve};
pub use distance::{SurfaceDistances, surface_distances};
pub use overlap::Confusion;
pub use rank::rank_correlation;
