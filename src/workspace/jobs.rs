//! Work in progress that the user sees and can cancel.

use super::{event::Event, waker::Waker};
use crate::task::{CancelToken, Progress};
use crossbeam_channel::Sender;
use std::time::Instant;

/// Number of a job.
pub type JobId = u64;

/// One job on the list.
#[derive(Clone, Debug)]
pub struct Job {
    /// Number.
    pub id: JobId,
    /// Key of the message catalogue, for example `job-scan`.
    pub label: &'static str,
    /// How far it is.
    pub progress: Progress,
    /// To stop it.
    pub cancel: CancelToken,
    /// When it began; the bar appears after half a second.
    pub started: Instant,
}

/// Held by the work of a job: dropped, it tells that the job ended, however it did.
#[derive(Debug)]
pub struct Ending {
    id: JobId,
    events: Sender<Event>,
    waker: Waker,
}

impl Drop for Ending {
    fn drop(&mut self) {
        let _ = self.events.send(Event::JobEnded(self.id));
        self.waker.wake("job ended");
    }
}

impl super::Workspace {
    /// What the work of a job holds until it is done.
    pub fn ending(&self, id: JobId) -> Ending {
        Ending {
            id,
            events: self.sender(),
            waker: self.waker.clone(),
        }
    }
}

/// The running jobs.
#[derive(Debug, Default)]
pub struct Jobs {
    running: Vec<Job>,
    last: JobId,
}

impl Jobs {
    /// Puts a job on the list.
    pub fn start(&mut self, label: &'static str) -> Job {
        self.last += 1;
        let job = Job {
            id: self.last,
            label,
            progress: Progress::default(),
            cancel: CancelToken::default(),
            started: Instant::now(),
        };
        self.running.push(job.clone());
        job
    }

    /// Takes a finished job off.
    pub fn finish(&mut self, id: JobId) {
        self.running.retain(|job| job.id != id);
    }

    /// What runs, oldest first.
    pub fn running(&self) -> &[Job] {
        &self.running
    }

    /// Asks all jobs to stop.
    pub fn cancel_all(&self) {
        for job in &self.running {
            job.cancel.cancel();
        }
    }
}
