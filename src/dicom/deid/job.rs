//! A run over files and folders: many threads, one order, constant memory.

use super::{Change, Deidentifier, Plan, Settings, dicomdir};
use crate::{
    dicom::{
        deid::pixel_text::BurnedText,
        guard::{Fault, Limits},
        scan,
    },
    files::Put,
    model::study::Rejection,
    task::{CancelToken, Progress},
};
use std::{
    collections::{BTreeMap, HashSet},
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

/// What became of one file.
#[derive(Debug)]
pub enum DeidEvent {
    /// It was written, or would have been.
    Written {
        /// Where it was read.
        path: Arc<Path>,
        /// Where it was written.
        output: PathBuf,
        /// SOP Class UID.
        class: String,
        /// What is otherwise than in the source.
        changes: Vec<Change>,
        /// Text in its pixels.
        text: BurnedText,
        /// Whether the same was there already.
        again: bool,
    },
    /// It was not.
    Rejected(Rejection),
}

/// What became of all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Files that were looked at.
    pub received: usize,
    /// New files.
    pub written: usize,
    /// Files that were there already, bit for bit.
    pub again: usize,
    /// Files that gave none.
    pub rejected: usize,
    /// Objects with text in their pixels that was not covered.
    pub with_text: usize,
    /// Objects whose pixels ought to be looked at by a person.
    pub to_review: usize,
    /// Whether a DICOMDIR was written.
    pub directory: bool,
    /// Whether the run was cancelled.
    pub cancelled: bool,
}

/// Names within a run.
struct Places<'a> {
    out: &'a Path,
    /// One file to one file.
    exact: bool,
    /// Names that a DICOMDIR may hold (PS3.10 section 8.2).
    media: bool,
    made: Mutex<HashSet<PathBuf>>,
}

impl Places<'_> {
    /// The place of an object below the folder. Names follow from the new identity, so nothing of the old one is in them.
    fn of(&self, job: &Deidentifier, plan: &Plan) -> PathBuf {
        let letters =
            |purpose, what: &str, count| job.secret.letters(purpose, what.as_bytes(), count);
        let short = if self.media { 8 } else { 10 };
        let mut place: PathBuf = [
            letters("patient folder", &plan.patient, short),
            letters("study folder", &plan.study, short),
            letters("series folder", &plan.series, short),
        ]
        .iter()
        .collect();
        match self.media {
            true => place.push(letters("file", &plan.instance, 8)),
            false => place.push(letters("file", &plan.instance, 16) + ".dcm"),
        }
        place
    }

    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        let known = |made: &HashSet<PathBuf>| made.contains(folder);
        if known(&self.made.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(());
        }
        fs::create_dir_all(folder)?;
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.insert(folder.to_owned());
        Ok(())
    }
}

/// De-identifies the files under `paths` into `out`: one file into a file or a folder, else a folder. `sink` is called
/// once a file, in the order of the files. Without `write` everything is decided and nothing is written.
///
/// # Errors
/// Those of making the folder and of writing the DICOMDIR; what is wrong with a file is an event.
pub fn anonymize(
    paths: &[PathBuf],
    out: &Path,
    settings: Settings,
    write: bool,
    cancel: &CancelToken,
    progress: &Progress,
    sink: &mut dyn FnMut(DeidEvent),
) -> io::Result<Summary> {
    let limits: Limits = settings.limits;
    let jobs = settings.jobs.max(1);
    let (files, rejected, directory) = scan::list_files(paths, &limits, cancel);
    let mut job = Deidentifier::new(settings);
    // A face is found in a volume, so all files are looked at together before one is written.
    job.find_faces(&files, cancel);
    let exact = matches!(paths, [one] if one.is_file()) && !out.is_dir() && !directory;
    let places = Places {
        out,
        exact,
        media: directory,
        made: Mutex::default(),
    };
    progress.set_total((files.len() + rejected.len()) as u64);
    let mut summary = Summary {
        received: files.len() + rejected.len(),
        ..Summary::default()
    };
    for rejection in rejected {
        summary.rejected += 1;
        progress.add(1);
        sink(DeidEvent::Rejected(rejection));
    }
    let mut written = Vec::new();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let (sender, receiver) = crossbeam_channel::bounded(2 * jobs);
        for _ in 0..jobs.min(files.len()) {
            let sender = sender.clone();
            let (job, places, files, next) = (&job, &places, &files, &next);
            scope.spawn(move || {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(path) = files.get(number).filter(|_| !cancel.is_cancelled()) else {
                        break;
                    };
                    let done = one(job, path, places, write);
                    if sender.send((number, done)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        // Events wait for those before them; never more than the threads are apart.
        let mut waiting = BTreeMap::new();
        let mut turn = 0;
        for (number, done) in &receiver {
            waiting.insert(number, done);
            while let Some((event, entry)) = waiting.remove(&turn) {
                turn += 1;
                progress.add(1);
                count(&event, &mut summary);
                written.extend(entry);
                sink(event);
            }
        }
    });
    summary.cancelled = cancel.is_cancelled();
    if directory && write && !written.is_empty() && !summary.cancelled {
        dicomdir::write(out, written)?;
        summary.directory = true;
    }
    Ok(summary)
}

fn count(event: &DeidEvent, summary: &mut Summary) {
    match event {
        DeidEvent::Written { text, again, .. } => {
            summary.written += usize::from(!again);
            summary.again += usize::from(*again);
            summary.with_text += usize::from(!text.boxes.is_empty() && !text.covered);
            summary.to_review += usize::from(!text.risk.is_empty() && !text.covered);
        }
        DeidEvent::Rejected(_) => summary.rejected += 1,
    }
}

/// What became of a file, and what a directory says of it where one is written.
fn one(
    job: &Deidentifier,
    path: &Arc<Path>,
    places: &Places<'_>,
    write: bool,
) -> (DeidEvent, Option<dicomdir::Entry>) {
    let reject = |fault: Fault| {
        let rejection = fault.rejection(Arc::clone(path));
        (DeidEvent::Rejected(rejection), None)
    };
    let plan = match job.plan(path) {
        Ok(plan) => plan,
        Err(fault) => return reject(fault),
    };
    let place = places.of(job, &plan);
    let target = match places.exact {
        true => places.out.to_owned(),
        false => places.out.join(&place),
    };
    let mut again = false;
    if write {
        let folder = target.parent().filter(|f| !f.as_os_str().is_empty());
        let put = folder
            .map_or(Ok(()), |folder| places.make_folder(folder))
            .and_then(|()| plan.write(&target));
        match put {
            Ok(put) => again = put == Put::Same,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let text =
                    "another file has the name of what would be written; nothing is replaced";
                return reject(Fault::rejected("EXISTS", text));
            }
            Err(error) => return reject(error.into()),
        }
    }
    let entry = places.media.then(|| plan.entry_at(&place));
    let event = DeidEvent::Written {
        path: Arc::clone(path),
        output: if places.exact { target } else { place },
        class: plan.class,
        changes: plan.changes,
        text: plan.text,
        again,
    };
    (event, entry)
}
