//! Walking files and folders and reading headers only, many at a time.
//!
//! Every file gives one event: an instance, or a rejection with its reason. Nothing stops the scan but its cancel
//! token. Events come in path order whatever the number of threads.

use super::{
    archive::{Archives, Keyring, walk},
    bytes::ByteSource,
    directory::{self, Directory},
    guard::{Fault, Limits, Structure},
    header, raster,
    same_uid::Known,
    sealed, volume_file,
};
use crate::{
    formats,
    model::study::{Instance, Rejection},
    task::{CancelToken, Progress},
};
use rayon::prelude::*;
use std::{
    collections::HashMap,
    ffi::OsString,
    fs::{self, DirEntry},
    path::{Path, PathBuf},
    sync::Arc,
};

/// How to scan.
#[derive(Clone, Debug, Default)]
pub struct ScanOptions {
    /// What a file may cost.
    pub limits: Limits,
    /// Passphrases of encrypted archives.
    pub keys: Keyring,
}

/// What a file turned out to be.
#[derive(Clone, Debug)]
pub enum ScanEvent {
    /// An object that opens.
    Instance(Arc<Instance>),
    /// One that does not, and why.
    Rejected(Rejection),
}

/// Files read at once before their events are handed on; the first rounds are small so that something shows soon.
const LARGEST_ROUND: usize = 256;

/// Reads the headers of all files under `paths`. Named links are followed, links to files within folders too, links
/// to folders not, so there are no loops. An archive is read like a folder, and a path may lead into one, or to what a store
/// keeps. `progress`
/// counts files. `sink` is called once a file, in path order.
pub fn scan(
    paths: &[PathBuf],
    options: &ScanOptions,
    cancel: &CancelToken,
    progress: &Progress,
    sink: &(dyn Fn(ScanEvent) + Sync),
) {
    let mut found = Found {
        limits: options.limits,
        ..Found::default()
    };
    for path in paths {
        found.add(path, cancel);
    }
    let Found {
        files,
        rejected,
        listed,
        inside,
        ..
    } = found;
    progress.set_total((files.len() + rejected.len()) as u64);
    for (archive, wanted) in inside {
        walk::scan(&archive, Some(&wanted), options, cancel, progress, sink);
    }
    for rejection in rejected {
        progress.add(1);
        sink(ScanEvent::Rejected(rejection));
    }
    let mut known = Known::default();
    let mut rest = files.as_slice();
    let mut round = 16;
    while !rest.is_empty() && !cancel.is_cancelled() {
        let (now, later) = rest.split_at(round.min(rest.len()));
        rest = later;
        round = (round * 2).min(LARGEST_ROUND);
        let mut events: Vec<Option<ScanEvent>> = now
            .par_iter()
            .map(|path| {
                if cancel.is_cancelled() {
                    return None;
                }
                let event = match read_shared(path, options) {
                    Ok(mut instance) => {
                        let entry = listed.get(path);
                        let other = entry.and_then(|entry| entry.check(&instance));
                        instance.findings.extend(other);
                        ScanEvent::Instance(Arc::new(instance))
                    }
                    Err(rejection) => ScanEvent::Rejected(rejection),
                };
                progress.add(1);
                Some(event)
            })
            .collect();
        known.compare(&mut events, &options.limits);
        for event in events.into_iter().flatten() {
            match event {
                ScanEvent::Rejected(rejection) if may_be_archive(&rejection) => {
                    walk::scan(&rejection.path, None, options, cancel, progress, sink);
                }
                event => sink(event),
            }
        }
    }
}

/// Whether a file that is no DICOM is an archive.
fn may_be_archive(rejection: &Rejection) -> bool {
    rejection.code == "NOT_DICOM" && walk::is_archive(&rejection.path)
}

/// Files to read, and what is none.
#[derive(Default)]
struct Found {
    files: Vec<Arc<Path>>,
    rejected: Vec<Rejection>,
    /// What a directory says of files that it names.
    listed: HashMap<Arc<Path>, directory::Entry>,
    /// Archives, and what is named within.
    inside: Vec<(Arc<Path>, String)>,
    limits: Limits,
}

impl Found {
    fn reject(&mut self, path: &Path, fault: Fault) {
        self.rejected.push(fault.rejection(Arc::from(path)));
    }

    /// Adds a path that was named: a file, or a folder and all below it.
    fn add(&mut self, path: &Path, cancel: &CancelToken) {
        let mut folders = Vec::new();
        self.sort_out(path, &mut folders, true);
        while let Some(folder) = folders.pop() {
            if cancel.is_cancelled() {
                return;
            }
            let entries = match fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(error) => {
                    self.reject(&folder, error.into());
                    continue;
                }
            };
            let mut entries: Vec<(OsString, DirEntry)> =
                entries.flatten().map(|e| (e.file_name(), e)).collect();
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            let mut inner = Vec::new();
            for (_, entry) in entries {
                // The folder itself says what most entries are; links are looked at.
                let path = entry.path();
                match entry.file_type() {
                    Ok(kind) if kind.is_file() && !directory::is_named_so(&path) => {
                        self.files.push(Arc::from(path));
                    }
                    Ok(kind) if kind.is_dir() => inner.push(path),
                    _ => self.sort_out(&path, &mut inner, false),
                }
            }
            folders.extend(inner.into_iter().rev());
        }
    }

    /// The files that a DICOMDIR names; what is named and not there is rejected by name.
    fn follow(&mut self, path: &Path) {
        match directory::referenced_files(path, &self.limits) {
            Ok(found) => {
                let files = self.list(path, found);
                self.files.extend(files);
            }
            Err(fault) => self.reject(path, fault),
        }
    }

    /// Keeps what a directory says of its files, rejects what is not there, and gives those that are.
    fn list(&mut self, path: &Path, found: Directory) -> Vec<Arc<Path>> {
        if let Some(fault) = found.broken {
            self.reject(path, fault);
        }
        let mut files = Vec::new();
        for named in found.files {
            match named {
                Ok((file, entry)) => {
                    let file: Arc<Path> = Arc::from(file);
                    self.listed.insert(Arc::clone(&file), entry);
                    files.push(file);
                }
                Err((file, fault)) => self.reject(&file, fault),
            }
        }
        files
    }

    /// Keeps what a directory says of files that are met below its folder anyway, so that it is held against them. What is
    /// wrong with it becomes its own one line.
    fn hold(&mut self, found: Directory) -> Option<Fault> {
        let all = found.files.len();
        let mut missing = 0;
        for named in found.files {
            match named {
                Ok((file, entry)) => {
                    self.listed.insert(Arc::from(file), entry);
                }
                Err(_) => missing += 1,
            }
        }
        let text = || format!("{missing} of {all} files that this DICOMDIR names are not there");
        let gone = (missing > 0).then(|| Fault::rejected("DICOMDIR_MISSING", text()));
        found.broken.or(gone)
    }

    fn sort_out(&mut self, path: &Path, folders: &mut Vec<PathBuf>, named: bool) {
        let linked = fs::symlink_metadata(path).is_ok_and(|m| m.is_symlink());
        if named && sealed::leads_into(path).is_some() {
            // One object each, and there may be as many as there are files: they are read like these, many at a time.
            return self.files.push(Arc::from(path));
        }
        if named && let Some(inside) = leads_into_archive(path) {
            return self.inside.push(inside);
        }
        if named && directory::is_named_so(path) {
            return self.follow(path);
        }
        if directory::is_named_so(path) && !linked {
            let fault = match directory::referenced_files(path, &self.limits) {
                Ok(found) => self.hold(found),
                Err(fault) => (fault.code == "DICOMDIR_EMPTY").then_some(fault),
            };
            if let Some(fault) = fault {
                return self.reject(path, fault);
            }
        }
        match fs::metadata(path) {
            Ok(kind) if kind.is_file() => self.files.push(Arc::from(path)),
            Ok(kind) if kind.is_dir() && linked && !named => self.reject(
                path,
                Fault::rejected("LINKED_FOLDER", "a link to a folder is not followed"),
            ),
            Ok(kind) if kind.is_dir() => folders.push(path.to_path_buf()),
            Ok(_) => self.reject(path, Fault::rejected("NOT_A_FILE", "not a regular file")),
            Err(_) if linked => self.reject(
                path,
                Fault::rejected("BROKEN_LINK", "a link that leads nowhere"),
            ),
            Err(error) => self.reject(path, error.into()),
        }
    }
}

/// The files under `paths` in their order, what is none, and whether a directory (DICOMDIR) names some of them.
pub(super) fn list_files(
    paths: &[PathBuf],
    limits: &Limits,
    cancel: &CancelToken,
) -> (Vec<Arc<Path>>, Vec<Rejection>, bool) {
    let mut found = Found {
        limits: *limits,
        ..Found::default()
    };
    for path in paths {
        found.add(path, cancel);
    }
    for (archive, _) in std::mem::take(&mut found.inside) {
        let text = "an object within an archive; unpack it first";
        found.reject(&archive, Fault::unsupported("ARCHIVE_MEMBER", text));
    }
    let directory = !found.listed.is_empty();
    if directory {
        found.files.retain(|path| !directory::is_named_so(path));
    }
    (found.files, found.rejected, directory)
}

/// The archive that a path leads into, and the name within, where the path itself is nothing on the disk.
fn leads_into_archive(path: &Path) -> Option<(Arc<Path>, String)> {
    match fs::symlink_metadata(path) {
        Ok(_) => None,
        Err(_) => walk::split(path),
    }
}

/// Reads the header of one file, or of the one object in an archive.
///
/// # Errors
/// The rejection, with its class and code.
pub fn read_instance(path: &Path, options: &ScanOptions) -> Result<Instance, Rejection> {
    if let Some((archive, wanted)) = leads_into_archive(path) {
        return walk::only(&archive, Some(&wanted), options);
    }
    match read_shared(&Arc::from(path), options) {
        Err(rejection) if may_be_archive(&rejection) => walk::only(&rejection.path, None, options),
        other => other,
    }
}

/// The structure of one file, or of the one object in an archive.
///
/// # Errors
/// Those of the guard, and why the archive does not give it.
pub fn read_structure(path: &Path, options: &ScanOptions) -> Result<Structure, Fault> {
    let inside = leads_into_archive(path);
    if inside.is_none() && !walk::is_archive(path) {
        return Structure::of_file(path, &options.limits);
    }
    let instance = read_instance(path, options).map_err(|rejection| {
        let Rejection {
            outcome,
            code,
            detail,
            ..
        } = rejection;
        Fault::new(outcome, code, detail)
    })?;
    let Some(member) = &instance.source.member else {
        return Structure::of_file(path, &options.limits);
    };
    let archives = Archives::with_keys(options.keys.clone());
    let source = archives.open(member, &options.limits, false)?;
    Structure::of_source(source, &options.limits)
}

/// Reads the header of one DICOM file, or of what a store keeps under a path.
pub(super) fn read_object(path: &Arc<Path>, options: &ScanOptions) -> Result<Instance, Rejection> {
    match sealed::leads_into(path) {
        Some((blob, name)) => walk::read_kept(&blob, Some(&name), options),
        None => header::read_dicom(path, &options.limits)
            .map_err(|fault| fault.rejection(Arc::clone(path))),
    }
}

/// The structure of one file, or of what a store keeps under a path; nothing is looked for in archives.
///
/// # Errors
/// Those of the guard, and why what is kept does not open.
pub(super) fn structure_of(path: &Path, options: &ScanOptions) -> Result<Structure, Fault> {
    match sealed::leads_into(path) {
        Some((blob, _)) => {
            let (_, kept) = options.keys.open_kept(&blob)?;
            Structure::of_source(ByteSource::Sealed(kept), &options.limits)
        }
        None => Structure::of_file(path, &options.limits),
    }
}

fn read_shared(path: &Arc<Path>, options: &ScanOptions) -> Result<Instance, Rejection> {
    if let Some((blob, name)) = sealed::leads_into(path) {
        return walk::read_kept(&blob, Some(&name), options);
    }
    let read = || match header::read_dicom(path, &options.limits) {
        Err(fault) if matches!(fault.code, "NOT_DICOM") => {
            // Pictures are looked for only where no DICOM is, so DICOM costs one read.
            let source = ByteSource::open(path)?;
            match raster::sniff(&source) {
                Some(kind) => raster::read_picture(path, &source, kind, &options.limits),
                None => {
                    let head = source.len().min(formats::SNIFF_BYTES as u64);
                    if volume_file::sniff(&source.read_vec(0, head)?, path) {
                        volume_file::describe(path, source.len(), &options.limits)
                    } else {
                        Err(fault)
                    }
                }
            }
        }
        other => other,
    };
    read().map_err(|fault| fault.rejection(Arc::clone(path)))
}
