//! Work in progress that the user sees and can cancel.

use crate::task::{CancelToken, Progress};
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
