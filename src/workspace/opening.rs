//! Opening files and folders: headers only, in parallel, with progress and cancel; the library grows as it goes.

use super::{event::Event, jobs::Job, library::Library, waker::Waker};
use crate::{
    dicom::scan::{ScanEvent, ScanOptions, scan},
    model::study::{Instance, Rejection},
    task::spawn_named,
};
use crossbeam_channel::Sender;
use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// What was found so far, over all openings of this session.
#[derive(Debug, Default)]
pub struct Found {
    instances: Vec<Arc<Instance>>,
    rejected: Vec<Rejection>,
    paths: HashSet<Arc<Path>>,
    published: usize,
}

/// Shared by the scans of a session, so that a second folder joins the first.
pub type SharedFound = Arc<Mutex<Found>>;

/// Scans in the background and publishes snapshots: when the number of files has doubled and at least
/// 300 ms have passed (so that publishing costs no more than scanning), and at the end.
pub fn open(
    paths: Vec<PathBuf>,
    found: SharedFound,
    job: Job,
    events: Sender<Event>,
    waker: Waker,
) {
    let body = move || {
        let last = Mutex::new(Instant::now());
        let sink = |event: ScanEvent| {
            let snapshot = {
                let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                found.add(event);
                let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
                let due = last.elapsed() > Duration::from_millis(300)
                    && found.count() >= found.published.saturating_mul(2).max(1);
                if due {
                    *last = Instant::now();
                    found.published = found.count();
                }
                due.then(|| (found.instances.clone(), found.rejected.clone()))
            };
            if let Some((instances, rejected)) = snapshot {
                let library = Arc::new(Library::build(&instances, rejected));
                let _ = events.send(Event::Library {
                    library,
                    done: None,
                });
                waker.wake("library");
            }
        };
        scan(
            &paths,
            &ScanOptions::default(),
            &job.cancel,
            &job.progress,
            &sink,
        );
        let (instances, rejected) = {
            let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
            found.sort();
            found.published = found.count();
            (found.instances.clone(), found.rejected.clone())
        };
        let library = Arc::new(Library::build(&instances, rejected));
        let _ = events.send(Event::Library {
            library,
            done: Some(job.id),
        });
        waker.wake("library");
    };
    // A thread that cannot be started leaves the job on the list, where it can be cancelled.
    let _ = spawn_named("scan", body);
}

impl Found {
    fn add(&mut self, event: ScanEvent) {
        match event {
            ScanEvent::Instance(instance) => {
                // The same file opened twice is one file.
                if self.paths.insert(instance.source.path.clone()) {
                    self.instances.push(instance);
                }
            }
            ScanEvent::Rejected(rejection) => {
                if self.paths.insert(rejection.path.clone()) {
                    self.rejected.push(rejection);
                }
            }
        }
    }

    fn count(&self) -> usize {
        self.instances.len() + self.rejected.len()
    }

    /// The order of files must not depend on which thread was faster.
    fn sort(&mut self) {
        self.instances
            .sort_by(|a, b| a.source.path.cmp(&b.source.path));
        self.rejected.sort_by(|a, b| a.path.cmp(&b.path));
    }

    /// Forgets everything (close all).
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}
