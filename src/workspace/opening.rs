//! Opening files and folders: headers only, in parallel, with progress and cancel; the library grows as it goes.

use super::{
    event::Event,
    jobs::{Job, JobId},
    library::{Library, LockedArchive},
    state::Workspace,
    waker::Waker,
};
use crate::{
    dicom::{
        archive::{Keyring, archive_of},
        scan::{ScanEvent, ScanOptions, scan},
    },
    model::study::{Instance, Rejection, RejectionKind},
    task::spawn_named,
};
use crossbeam_channel::Sender;
use std::{
    collections::{BTreeMap, HashSet},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// What was found so far, over all openings of this session.
#[derive(Debug, Default)]
pub struct Found {
    instances: Vec<Arc<Instance>>,
    rejected: Vec<Rejection>,
    /// What a passphrase may open yet.
    locked: BTreeMap<Arc<Path>, Rejection>,
    paths: HashSet<Arc<Path>>,
    published: usize,
}

/// Shared by the scans of a session, so that a second folder joins the first.
pub type SharedFound = Arc<Mutex<Found>>;

/// Scans in the background and publishes snapshots: when the number of files has doubled and at least
/// 300 ms have passed (so that publishing costs no more than scanning), and at the end.
///
/// # Errors
/// When the system gives no thread.
pub fn open(
    paths: Vec<PathBuf>,
    found: SharedFound,
    keys: Keyring,
    job: Job,
    events: Sender<Event>,
    waker: Waker,
) -> io::Result<()> {
    let (id, told, woken) = (job.id, events.clone(), waker.clone());
    let read = move || {
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
                due.then(|| found.snapshot())
            };
            if let Some((instances, rejected)) = snapshot {
                let library = Arc::new(Library::build(&instances, rejected));
                let _ = events.send(Event::Library {
                    library,
                    done: None,
                    found: Arc::clone(&found),
                });
                waker.wake("library");
            }
        };
        let options = ScanOptions {
            keys,
            ..ScanOptions::default()
        };
        scan(&paths, &options, &job.cancel, &job.progress, &sink);
        let ((instances, rejected), locked) = {
            let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
            found.sort();
            found.published = found.count();
            let locked: Vec<Arc<Path>> = found.locked.keys().cloned().collect();
            (found.snapshot(), locked)
        };
        let mut library = Library::build(&instances, rejected);
        library.locked = archives_of(&locked);
        let library = Arc::new(library);
        let _ = events.send(Event::Library {
            library,
            done: Some(job.id),
            found: Arc::clone(&found),
        });
        waker.wake("library");
    };
    spawn_named("scan", move || {
        if catch_unwind(AssertUnwindSafe(read)).is_err() {
            let _ = told.send(Event::ScanFailed(id));
            woken.wake("library");
        }
    })
    .map(drop)
}

/// The archives that locked members lie in; the members are in order of their paths.
fn archives_of(locked: &[Arc<Path>]) -> Vec<LockedArchive> {
    let mut archives: Vec<LockedArchive> = Vec::new();
    for member in locked {
        let known = archives.iter_mut().find(|a| member.starts_with(&a.path));
        match known {
            Some(archive) => archive.members += 1,
            None => {
                archives.extend(archive_of(member).map(|path| LockedArchive { path, members: 1 }))
            }
        }
    }
    archives
}

impl Workspace {
    /// Opens files and folders in the background.
    pub fn open(&mut self, mut paths: Vec<PathBuf>) {
        let known: Vec<PathBuf> = paths
            .extract_if(.., |p| super::purpose::is_known(p))
            .collect();
        if !known.is_empty() {
            self.sort_out(known);
            if paths.is_empty() {
                return;
            }
        }
        // What somebody opens himself may be of anybody, and is listed beside the pictures.
        self.list.show_fetched();
        for path in &paths {
            if !self.opened.contains(path) {
                self.opened.push(path.clone());
            }
        }
        self.read(paths);
    }

    /// Reads files in the background that nobody chose one by one: those of a study of the list.
    pub(super) fn read(&mut self, paths: Vec<PathBuf>) {
        if paths.is_empty() {
            return;
        }
        self.note_standing();
        let job = self.jobs.start("job-reading");
        self.passphrases.opening(&paths);
        self.begin_scan(job, paths);
    }

    /// Reads what lies below some paths as a job.
    pub(super) fn begin_scan(&mut self, job: Job, paths: Vec<PathBuf>) {
        let id = job.id;
        self.scanning += 1;
        let begun = open(
            paths,
            self.found.clone(),
            self.passphrases.keys.clone(),
            job,
            self.sender(),
            self.waker.clone(),
        );
        if begun.is_err() {
            self.scan_failed(id);
        }
    }

    /// A store opened: what it keeps and was locked before is read again.
    pub(super) fn read_kept_again(&mut self) {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = found.locked.values().filter(|r| r.code == "BLOB_LOCKED");
        let paths: Vec<PathBuf> = kept.map(|r| r.path.to_path_buf()).collect();
        drop(found);
        self.read(paths);
    }

    /// A scan gave nothing more: what it found until then stays.
    pub(super) fn scan_failed(&mut self, job: JobId) {
        self.scanning = self.scanning.saturating_sub(1);
        self.jobs.finish(job);
        self.passphrases.after(job, &self.library.locked);
        self.notify("notice-scan-failed", String::new());
    }
}

impl Workspace {
    /// All objects that are open.
    pub(super) fn open_instances(&self) -> Vec<Arc<Instance>> {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.instances.clone()
    }
}

impl Found {
    fn add(&mut self, event: ScanEvent) {
        let path = match &event {
            ScanEvent::Instance(instance) => &instance.source.path,
            ScanEvent::Rejected(rejection) => &rejection.path,
        };
        if !self.locked.is_empty() {
            // What was locked is read again: the member itself, or what is in an archive that it was.
            for known in path.ancestors() {
                self.locked.remove(known);
            }
        }
        match event {
            ScanEvent::Rejected(rejection) if rejection.outcome == RejectionKind::Locked => {
                if !self.paths.contains(&rejection.path) {
                    self.locked.insert(Arc::clone(&rejection.path), rejection);
                }
            }
            ScanEvent::Instance(instance) => {
                // The same file opened twice is one file.
                if self.paths.insert(instance.source.path.clone()) {
                    self.instances.push(instance);
                }
            }
            // It says where files are, which are met anyway.
            ScanEvent::Rejected(found) if found.is_directory() => {}
            ScanEvent::Rejected(rejection) => {
                if self.paths.insert(rejection.path.clone()) {
                    self.rejected.push(rejection);
                }
            }
        }
    }

    fn count(&self) -> usize {
        self.instances.len() + self.rejected.len() + self.locked.len()
    }

    fn snapshot(&self) -> (Vec<Arc<Instance>>, Vec<Rejection>) {
        let rejected = self.rejected.iter().chain(self.locked.values());
        (self.instances.clone(), rejected.cloned().collect())
    }

    /// The order of files must not depend on which thread was faster.
    fn sort(&mut self) {
        self.instances
            .sort_by(|a, b| a.source.path.cmp(&b.source.path));
        self.rejected.sort_by(|a, b| a.path.cmp(&b.path));
    }
}
