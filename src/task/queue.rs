//! A queue whose jobs are taken by class and then by nearness, and whose order may be changed while it waits.

use std::{
    collections::BTreeMap,
    sync::{Condvar, Mutex, PoisonError},
};

/// Class of a request; the first is served first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Somebody looks at it now.
    Interaction,
    /// A small picture in a list.
    Thumbnail,
    /// Will be looked at soon.
    Prefetch,
    /// Everything else.
    Compute,
}

/// Jobs keyed by identity, each with a priority `(class, distance)`; smaller is served first, equal ones in the
/// order they came. Pushing a key again changes its priority.
#[derive(Debug)]
pub struct PriorityQueue<K: Ord + Clone, J> {
    state: Mutex<State<K, J>>,
    ready: Condvar,
}

#[derive(Debug)]
struct State<K: Ord + Clone, J> {
    order: BTreeMap<(Class, u64, u64), K>,
    jobs: BTreeMap<K, ((Class, u64, u64), J)>,
    arrivals: u64,
    closed: bool,
}

impl<K: Ord + Clone, J> Default for PriorityQueue<K, J> {
    fn default() -> Self {
        let state = State {
            order: BTreeMap::new(),
            jobs: BTreeMap::new(),
            arrivals: 0,
            closed: false,
        };
        Self {
            state: Mutex::new(state),
            ready: Condvar::new(),
        }
    }
}

impl<K: Ord + Clone, J> PriorityQueue<K, J> {
    fn lock(&self) -> std::sync::MutexGuard<'_, State<K, J>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a job, or replaces the waiting one with the same key.
    pub fn push(&self, key: K, class: Class, distance: u64, job: J) {
        let mut state = self.lock();
        state.arrivals += 1;
        let place = (class, distance, state.arrivals);
        if let Some((old, _)) = state.jobs.insert(key.clone(), (place, job)) {
            state.order.remove(&old);
        }
        state.order.insert(place, key);
        self.ready.notify_one();
    }

    /// Gives waiting jobs a new priority; jobs for which the function returns `None` are dropped.
    pub fn reprioritize(&self, mut priority: impl FnMut(&K) -> Option<(Class, u64)>) {
        let mut state = self.lock();
        let jobs = std::mem::take(&mut state.jobs);
        state.order.clear();
        for (key, ((_, _, arrival), job)) in jobs {
            if let Some((class, distance)) = priority(&key) {
                let place = (class, distance, arrival);
                state.order.insert(place, key.clone());
                state.jobs.insert(key, (place, job));
            }
        }
    }

    /// The next job, waiting for one; `None` once closed.
    pub fn pop(&self) -> Option<(K, J)> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            if let Some((_, key)) = state.order.pop_first()
                && let Some((_, job)) = state.jobs.remove(&key)
            {
                return Some((key, job));
            }
            state = self
                .ready
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// How many jobs wait.
    pub fn len(&self) -> usize {
        self.lock().jobs.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Drops what waits and lets the workers end.
    pub fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.order.clear();
        state.jobs.clear();
        self.ready.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_first_and_order_may_change() {
        let queue = PriorityQueue::default();
        for k in 0..5u64 {
            queue.push(k, Class::Prefetch, k, ());
        }
        queue.push(9, Class::Interaction, 50, ());
        assert_eq!(queue.pop().map(|j| j.0), Some(9));
        queue.reprioritize(|&k| (k != 2).then_some((Class::Prefetch, k.abs_diff(3))));
        let rest: Vec<u64> =
            std::iter::from_fn(|| if queue.is_empty() { None } else { queue.pop() })
                .map(|j| j.0)
                .collect();
        assert_eq!(rest, [3, 4, 1, 0]);
        queue.close();
        assert!(queue.pop().is_none());
    }
}
