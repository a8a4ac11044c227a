//! Copies without identity: what is asked for, what would change, and writing them away from the window's thread.

use super::{Workspace, event::Event, state::Effect};
use crate::{
    dicom::{
        archive::Keyring,
        deid::{
            BurnedIn, Change, DeidEvent, DeidOption, DeidOptions, Detail, Secret, Settings,
            Summary, anonymize,
        },
    },
    model::access::{AuditKind, Right},
    store::AuditEvent,
    task::{CancelToken, Progress, spawn_named},
};
use std::path::{Path, PathBuf};

/// What the user asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeidWish {
    /// Options of the profile.
    pub options: DeidOptions,
    /// What is done about text in the pixels.
    pub burned: BurnedIn,
    /// Pseudonyms and UIDs are to be the same the next time: their key is kept beside the settings.
    pub keep_key: bool,
    /// The folder that is written to.
    pub out: PathBuf,
}

/// One element that would be otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviewLine {
    /// The element, with the sequences around it.
    pub at: String,
    /// Its keyword.
    pub name: &'static str,
    /// X, Z, D, U or C.
    pub action: &'static str,
}

/// What would change in one object of the study.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preview {
    /// Every element that would be otherwise.
    pub lines: Vec<PreviewLine>,
    /// Lines of text that were seen in its pixels.
    pub text: usize,
    /// Why its pixels may hold text; empty when there is no reason to think so.
    pub risk: &'static str,
    /// Of how many objects no copy would be written, where all were looked at.
    pub refused: usize,
    /// Why not, of one of them.
    pub reason: String,
}

/// What is known of copies without identity.
#[derive(Debug, Default)]
pub struct Deid {
    /// What would change; the error is a sentence without identity.
    pub preview: Option<Result<Preview, String>>,
    /// A preview is being made.
    pub looking: bool,
    /// A folder that was chosen in a dialog and that the question has not taken yet.
    pub chosen: Option<PathBuf>,
    /// What the last run did.
    pub last: Option<Summary>,
}

/// What the question asks for.
#[derive(Clone, Debug)]
pub enum DeidAction {
    /// Choose the folder in a dialog.
    Choose,
    /// Show what would change.
    Look(DeidOptions),
    /// Write the copies.
    Write(Box<DeidWish>),
    /// The question was closed.
    Close,
}

/// What workers have to tell about it.
#[derive(Debug)]
pub enum DeidNews {
    /// A folder was chosen.
    Chosen(PathBuf),
    /// What would change.
    Preview(Result<Preview, String>),
    /// A run ended; the error is a sentence without identity.
    Done(Result<Summary, String>),
}

/// The study's own key file, in the folder of the settings.
const KEY: &str = "deidentification.key";

fn secret(keep: bool, folder: Option<&Path>) -> std::io::Result<Secret> {
    match folder.filter(|_| keep) {
        Some(folder) => {
            std::fs::create_dir_all(folder)?;
            Secret::of_file(&folder.join(KEY))
        }
        None => Secret::random(),
    }
}

impl Workspace {
    /// Files of the study in the active view.
    pub fn study_files(&self) -> Vec<PathBuf> {
        let study = self.active_viewport().and_then(|v| v.study());
        let Some(uid) = study.map(|s| s.uid.clone()) else {
            return Vec::new();
        };
        let studies = self.library.patients.iter().flat_map(|p| &p.studies);
        let mut files: Vec<PathBuf> = Vec::new();
        for study in studies.filter(|s| s.description.uid == uid) {
            let frames = study.series.iter().flat_map(|s| &s.layout.frames);
            files.extend(frames.map(|f| f.instance.source.path.to_path_buf()));
            let objects = study.objects.iter();
            files.extend(objects.map(|o| o.instance.source.path.to_path_buf()));
        }
        files.sort();
        files.dedup();
        files
    }

    pub(super) fn act_on_deid(&mut self, action: DeidAction) -> Option<Effect> {
        match action {
            DeidAction::Choose => return Some(Effect::ChooseDeid),
            DeidAction::Close => self.deid.preview = None,
            DeidAction::Look(options) => self.look_at_deid(options),
            DeidAction::Write(wish) => self.write_deid(*wish),
        }
        None
    }

    /// Decides about the first object of the study, and writes nothing.
    fn look_at_deid(&mut self, options: DeidOptions) {
        let mut files = self.study_files();
        if files.is_empty() {
            return;
        }
        // A face is found in a volume, not in one of its slices.
        if !options.has(DeidOption::CleanFaces) {
            files.truncate(1);
        }
        let (events, waker) = (self.sender(), self.waker.clone());
        self.deid.looking = true;
        let keys = self.passphrases.keys.clone();
        let body = move || {
            let answer = preview(&files, options, keys);
            let _ = events.send(Event::Deid(DeidNews::Preview(answer)));
            waker.wake("deid");
        };
        if spawn_named("deid", body).is_err() {
            self.deid.looking = false;
        }
    }

    fn write_deid(&mut self, wish: DeidWish) {
        if !self.allowed(Right::Anonymize) {
            return;
        }
        let files = self.study_files();
        let job = self.jobs.start("job-deid");
        let ending = self.ending(job.id);
        let (events, waker) = (self.sender(), self.waker.clone());
        let folder = self.shelf.folder.clone();
        let keys = self.passphrases.keys.clone();
        let body = move || {
            let _ending = ending;
            let done = run(
                &files,
                &wish,
                folder.as_deref(),
                keys,
                &job.cancel,
                &job.progress,
            );
            let _ = events.send(Event::Deid(DeidNews::Done(done)));
            waker.wake("deid");
        };
        if let Err(error) = spawn_named("deid", body) {
            self.notify("notice-deid-failed", error.kind().to_string());
        }
    }

    pub(super) fn take_deid(&mut self, news: DeidNews) {
        match news {
            DeidNews::Chosen(folder) => self.deid.chosen = Some(folder),
            DeidNews::Preview(answer) => {
                self.deid.looking = false;
                self.deid.preview = Some(answer);
            }
            DeidNews::Done(Ok(summary)) => {
                self.deid.last = Some(summary);
                let count = summary.written + summary.again;
                let event = AuditEvent::new(AuditKind::Anonymized, format!("{count} objects"));
                self.log(event);
                match (summary.cancelled, summary.rejected) {
                    (true, _) => self.notify_count("notice-deid-cancelled", count, String::new()),
                    (_, 0) => self.notify_count("notice-deid-done", count, String::new()),
                    (_, rejected) => {
                        let detail = rejected.to_string();
                        self.notify_count("notice-deid-some", count, detail);
                    }
                }
                if summary.to_review > 0 {
                    self.notify_count("notice-deid-review", summary.to_review, String::new());
                }
            }
            DeidNews::Done(Err(reason)) => {
                let event = AuditEvent::new(AuditKind::Anonymized, reason.clone());
                self.log(event.failed());
                self.notify("notice-deid-failed", reason);
            }
        }
    }
}

fn preview(files: &[PathBuf], options: DeidOptions, keys: Keyring) -> Result<Preview, String> {
    let secret = Secret::random().map_err(|e| e.kind().to_string())?;
    let mut settings = Settings::new(secret);
    settings.options = options;
    settings.keys = keys;
    settings.detail = Detail::Changes;
    settings.jobs = 1;
    let mut found = Preview::default();
    let mut failed = None;
    let done = anonymize(
        files,
        Path::new(""),
        settings,
        false,
        &CancelToken::default(),
        &Progress::default(),
        &mut |event| match event {
            DeidEvent::Written { changes, text, .. } => {
                if found.lines.is_empty() {
                    found.lines = changes.iter().map(line).collect();
                }
                found.text += text.boxes.len();
                if !text.risk.is_empty() {
                    found.risk = text.risk;
                }
            }
            DeidEvent::Rejected(rejection) => {
                found.refused += 1;
                failed.get_or_insert(rejection.detail);
            }
        },
    );
    done.map_err(|e| e.kind().to_string())?;
    match failed {
        Some(reason) if found.refused == files.len() => Err(reason),
        failed => {
            found.reason = failed.unwrap_or_default();
            Ok(found)
        }
    }
}

fn line(change: &Change) -> PreviewLine {
    PreviewLine {
        at: change.place(),
        name: change.name(),
        action: change.code,
    }
}

fn run(
    files: &[PathBuf],
    wish: &DeidWish,
    folder: Option<&Path>,
    keys: Keyring,
    cancel: &CancelToken,
    progress: &Progress,
) -> Result<Summary, String> {
    let words = |error: std::io::Error| error.kind().to_string();
    let mut settings = Settings::new(secret(wish.keep_key, folder).map_err(words)?);
    settings.options = wish.options;
    settings.keys = keys;
    settings.burned.clone_from(&wish.burned);
    if matches!(wish.burned, BurnedIn::Mask(_)) {
        settings.options = settings.options.with(DeidOption::CleanPixels);
    }
    // One core is left to the window.
    settings.jobs = settings.jobs.saturating_sub(1).max(1);
    std::fs::create_dir_all(&wish.out).map_err(words)?;
    anonymize(
        files,
        &wish.out,
        settings,
        true,
        cancel,
        progress,
        &mut |_| {},
    )
    .map_err(words)
}
