//! Work away from the UI thread: cancel, progress, priority queue, latest-wins slot, jobs in their order,
//! turns, named workers.
//!
//! Must stay true: every thread has a name; channels are bounded; a panic of a job ends that job only.

pub mod cancel;
pub mod latest;
pub mod queue;
pub mod serial;
pub mod turn;
pub mod worker;

pub use cancel::{CancelToken, Pause, Progress};
pub use latest::Latest;
pub use queue::{Class, PriorityQueue};
pub use serial::Serial;
pub use turn::{Turn, Turns};
pub use worker::{spawn_named, stand_back};
