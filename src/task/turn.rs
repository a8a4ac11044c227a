//! One after the other: work that takes much memory waits for its turn, so that many threads together do not take
//! many times as much.

use std::sync::{Condvar, Mutex, PoisonError};

/// Who waits for one turn after another. One for each kind of work that is large.
#[derive(Debug, Default)]
pub struct Turns {
    taken: Mutex<bool>,
    free: Condvar,
}

/// The turn, given on when it is dropped.
#[derive(Debug)]
pub struct Turn(&'static Turns);

impl Turns {
    /// Nobody has the turn.
    pub const fn new() -> Self {
        Self {
            taken: Mutex::new(false),
            free: Condvar::new(),
        }
    }

    /// Waits for the turn. Who has it must not wait for it again, nor start parallel work whose threads may.
    pub fn wait(&'static self) -> Turn {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        while *taken {
            taken = self
                .free
                .wait(taken)
                .unwrap_or_else(PoisonError::into_inner);
        }
        *taken = true;
        Turn(self)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut taken = self.0.taken.lock().unwrap_or_else(PoisonError::into_inner);
        *taken = false;
        self.0.free.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        thread,
        time::Duration,
    };

    #[test]
    fn one_has_the_turn_and_all_come_to_it() {
        static TURNS: Turns = Turns::new();
        let (inside, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let turn = TURNS.wait();
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                    thread::sleep(Duration::from_millis(5));
                    inside.fetch_sub(1, Ordering::SeqCst);
                    done.fetch_add(1, Ordering::SeqCst);
                    drop(turn);
                });
            }
        });
        assert_eq!(done.into_inner(), 4);
        drop(TURNS.wait());
    }
}
