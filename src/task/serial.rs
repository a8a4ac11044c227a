//! Jobs on one thread, one behind the other, for what must happen in the order in which it was asked for.

use super::spawn_named;
use crossbeam_channel::{Receiver, Sender, bounded};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

/// Most jobs that wait.
const MOST: usize = 64;

/// How long the end waits for what is still to be done: a disk that answers takes far less.
const LAST: Duration = Duration::from_secs(2);

type Job = Box<dyn FnOnce() + Send>;

/// A named thread that starts with its first job. Dropped, it finishes what waits.
#[derive(Debug)]
pub struct Serial {
    name: &'static str,
    running: Option<(Sender<Job>, Receiver<()>)>,
}

impl Serial {
    /// Nothing runs yet.
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            running: None,
        }
    }

    /// Puts a job behind those that wait; `false`, and nothing is done, when there is no thread or no room.
    pub fn run(&mut self, job: impl FnOnce() + Send + 'static) -> bool {
        if self.running.is_none() {
            let (sender, jobs) = bounded::<Job>(MOST);
            let (ended, end) = bounded::<()>(0);
            let body = move || {
                let _ended = ended;
                for job in jobs {
                    // What waits behind a job that panics is done all the same.
                    let _ = catch_unwind(AssertUnwindSafe(job));
                }
            };
            if spawn_named(self.name, body).is_ok() {
                self.running = Some((sender, end));
            }
        }
        self.running
            .as_ref()
            .is_some_and(|(jobs, _)| jobs.try_send(Box::new(job)).is_ok())
    }
}

impl Drop for Serial {
    fn drop(&mut self) {
        if let Some((jobs, end)) = self.running.take() {
            drop(jobs);
            let _ = end.recv_timeout(LAST);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[test]
    fn jobs_are_done_in_their_order_and_all_of_them() {
        let done = Arc::new(Mutex::new(Vec::new()));
        let mut serial = Serial::new("serial-test");
        for number in 0..20u64 {
            let done = Arc::clone(&done);
            assert!(serial.run(move || {
                std::thread::sleep(Duration::from_millis(20 - number));
                done.lock().unwrap().push(number);
            }));
        }
        drop(serial);
        assert_eq!(*done.lock().unwrap(), (0..20).collect::<Vec<_>>());
    }

    #[test]
    fn a_panic_ends_its_own_job_only() {
        let mut serial = Serial::new("serial-test");
        let (ran, runs) = bounded::<()>(1);
        let probe = ran.clone();
        assert!(serial.run(move || assert!(probe.is_full(), "nothing ran before")));
        assert!(serial.run(move || assert_eq!(ran.send(()), Ok(()))));
        drop(serial);
        assert_eq!(runs.try_recv(), Ok(()));
    }

    #[test]
    fn too_many_jobs_are_refused() {
        let (open, gate) = bounded::<()>(1);
        let mut serial = Serial::new("serial-test");
        let first = gate.clone();
        assert!(serial.run(move || assert!(first.recv().is_err())));
        let taken = (0..MOST + 2).filter(|_| serial.run(|| {})).count();
        assert!((MOST - 1..=MOST).contains(&taken), "{taken}");
        drop(open);
    }
}
