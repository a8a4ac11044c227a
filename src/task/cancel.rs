//! Cancelling, and saying how far a job is.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

/// A flag that a job looks at between its steps. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct CancelToken(Arc<AtomicBool>);

impl CancelToken {
    /// Asks the job to stop; its result will be thrown away.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether stopping was asked for.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// A switch that a job looks at between its steps, and waits while it is set. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Pause(Arc<AtomicBool>);

impl Pause {
    /// Pauses the job or lets it go on.
    pub fn set(&self, paused: bool) {
        self.0.store(paused, Ordering::Release);
    }

    /// Whether the job is to wait.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// How far a job is: parts done of parts in all (0 in all: not yet known). Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<(AtomicU64, AtomicU64)>);

impl Progress {
    /// Sets the number of parts.
    pub fn set_total(&self, total: u64) {
        self.0.1.store(total, Ordering::Relaxed);
    }

    /// Counts finished parts.
    pub fn add(&self, parts: u64) {
        self.0.0.fetch_add(parts, Ordering::Relaxed);
    }

    /// Sets the number of finished parts.
    pub fn set(&self, parts: u64) {
        self.0.0.store(parts, Ordering::Relaxed);
    }

    /// Parts done and parts in all.
    pub fn get(&self) -> (u64, u64) {
        (
            self.0.0.load(Ordering::Relaxed),
            self.0.1.load(Ordering::Relaxed),
        )
    }

    /// 0 to 1; `None` while the whole is unknown.
    pub fn fraction(&self) -> Option<f32> {
        let (done, total) = self.get();
        (total > 0).then(|| (done as f64 / total as f64).clamp(0.0, 1.0) as f32)
    }
}
