//! Asking for a new frame, with the reason counted: idle must cost nothing, and `bench idle` names who wakes.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

type Wake = dyn Fn() + Send + Sync;

/// Wakes the window and counts why. Clones share the counters.
#[derive(Clone)]
pub struct Waker {
    wake: Arc<Wake>,
    causes: Arc<Mutex<BTreeMap<&'static str, u64>>>,
}

impl Waker {
    /// Calls `wake` whenever something changed that the screen shows.
    pub fn new(wake: impl Fn() + Send + Sync + 'static) -> Self {
        Self {
            wake: Arc::new(wake),
            causes: Arc::default(),
        }
    }

    /// A waker for headless use: only counts.
    pub fn silent() -> Self {
        Self::new(|| {})
    }

    /// Something changed.
    pub fn wake(&self, cause: &'static str) {
        *self
            .causes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(cause)
            .or_default() += 1;
        (self.wake)();
    }

    /// How often each cause has woken the window.
    pub fn causes(&self) -> BTreeMap<&'static str, u64> {
        self.causes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl std::fmt::Debug for Waker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Waker({:?})", self.causes())
    }
}
