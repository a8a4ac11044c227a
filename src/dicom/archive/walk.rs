//! Reading what an archive holds: one event a member, in order of path, many members at a time.

use super::{
    Keyring, check_in_place, cost,
    listing::{self, Entry, MOST_MEMBERS},
    open_part,
};
use crate::{
    dicom::{
        bytes::ByteSource,
        directory,
        guard::{Fault, Limits, Structure},
        header, raster,
        scan::{ScanEvent, ScanOptions},
        sealed, volume_file,
    },
    formats,
    model::{
        archive::{Member, Packed},
        finding::{Finding, Severity},
        study::{Instance, Rejection, RejectionKind},
    },
    task::{CancelToken, Progress},
};
use rayon::prelude::*;
use std::{
    collections::VecDeque,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    vec,
};

/// Archives within archives.
const MOST_DEPTH: usize = 4;

/// Archives that are opened within one file.
const MOST_ARCHIVES: usize = 1000;

/// Members read at once before their events are handed on; the first rounds are small so that something shows soon.
const LARGEST_ROUND: usize = 256;

/// Files that only programs and documents have in their packages: Java, Office, OpenDocument and EPUB.
const PACKAGES: [&str; 3] = ["META-INF/MANIFEST.MF", "[Content_Types].xml", "mimetype"];

/// Whether a file is an archive by its first bytes.
pub(in crate::dicom) fn is_archive(path: &Path) -> bool {
    ByteSource::open(path).is_ok_and(|source| begins_like_one(&source))
}

fn begins_like_one(source: &ByteSource) -> bool {
    let mut head = [0; 4];
    let zip = source.read_exact_at(0, &mut head).is_ok() && listing::is_archive(&head);
    // Nothing that is kept lies within something else.
    zip || matches!(source, ByteSource::File(_)) && sealed::begins_like_one(source)
}

/// Splits a path that leads into an archive: the archive, and the name of a member or a folder within.
pub(in crate::dicom) fn split(path: &Path) -> Option<(Arc<Path>, String)> {
    let archive = path.ancestors().skip(1).find(|p| {
        // The first one that is there decides; nothing is below a file but in an archive.
        fs::metadata(p).is_ok()
    })?;
    if !archive.is_file() || !is_archive(archive) {
        return None;
    }
    let inside = path.strip_prefix(archive).ok()?;
    let components: Vec<_> = inside.iter().map(|c| c.to_string_lossy()).collect();
    Some((Arc::from(archive), components.join("/")))
}

/// What becomes of a member.
enum Outcome {
    Event(ScanEvent),
    /// It is an archive itself.
    Nested {
        name: String,
        part: Packed,
    },
}

/// An archive on the way down.
struct Level {
    source: ByteSource,
    /// How it lies in the archives around it.
    parts: Vec<Packed>,
    /// Its path as it is shown.
    shown: PathBuf,
    /// The path of its members within the outermost archive; empty for that one.
    inside: String,
    entries: vec::IntoIter<Entry>,
    done: VecDeque<Outcome>,
    /// Bytes of memory that it takes.
    held: u64,
    round: usize,
}

/// What of an archive is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    All,
    /// Nothing of it but what lies further inside.
    Within,
    Nothing,
}

/// Whether a member is asked for; both paths are those within the outermost archive.
fn asked(inside: &str, wanted: Option<&str>) -> Asked {
    let below = |path: &str, folder: &str| {
        let rest = path.strip_prefix(folder);
        rest.is_some_and(|rest| rest.starts_with('/'))
    };
    match wanted {
        None => Asked::All,
        Some(wanted) if inside == wanted || below(inside, wanted) => Asked::All,
        Some(wanted) if below(wanted, inside) => Asked::Within,
        Some(_) => Asked::Nothing,
    }
}

fn joined(folder: &str, name: &str) -> String {
    match folder {
        "" => name.to_owned(),
        folder => format!("{folder}/{name}"),
    }
}

/// A shown path: nothing in a name may lead elsewhere, so it is put behind and not joined.
fn below(archive: &Path, name: &str) -> PathBuf {
    let mut path = archive.as_os_str().to_owned();
    path.push("/");
    path.push(name);
    PathBuf::from(path)
}

/// Reads an archive, or what is `wanted` of it. One event a member that is no folder; at least one in all.
pub(in crate::dicom) fn scan(
    path: &Arc<Path>,
    wanted: Option<&str>,
    options: &ScanOptions,
    cancel: &CancelToken,
    progress: &Progress,
    sink: &(dyn Fn(ScanEvent) + Sync),
) {
    if ByteSource::open(path).is_ok_and(|source| sealed::begins_like_one(&source)) {
        let (_, total) = progress.get();
        progress.set_total(total + 1);
        progress.add(1);
        sink(match read_kept(path, wanted, options) {
            Ok(instance) => ScanEvent::Instance(Arc::new(instance)),
            Err(rejection) => ScanEvent::Rejected(rejection),
        });
        return;
    }
    let mut walk = Walk {
        archive: path,
        archive_bytes: 0,
        wanted,
        options,
        cancel,
        progress,
        sink,
        levels: Vec::new(),
        members: 0,
        archives: 0,
    };
    if let Err(fault) = walk.start() {
        sink(ScanEvent::Rejected(fault.rejection(Arc::clone(path))));
        return;
    }
    while !cancel.is_cancelled() && walk.step() {}
}

/// Reads the header of what a store keeps. It is shown under the name of the file that was kept; under another one there
/// is nothing.
pub(in crate::dicom) fn read_kept(
    path: &Arc<Path>,
    wanted: Option<&str>,
    options: &ScanOptions,
) -> Result<Instance, Rejection> {
    describe_kept(path, wanted, options).map_err(|fault| {
        let shown = wanted.map_or_else(|| Arc::clone(path), |name| Arc::from(below(path, name)));
        fault.rejection(shown)
    })
}

fn describe_kept(
    path: &Arc<Path>,
    wanted: Option<&str>,
    options: &ScanOptions,
) -> Result<Instance, Fault> {
    let (head, sealed) = options.keys.open_kept(path)?;
    if wanted.is_some_and(|wanted| wanted != head.name) {
        let text = "the kept file has another name";
        return Err(Fault::rejected("ARCHIVE_NO_MEMBER", text));
    }
    let shown: Arc<Path> = Arc::from(below(path, &head.name));
    let mut instance = describe(&shown, &ByteSource::Sealed(sealed), &options.limits)?;
    instance.source.member = Some(Arc::new(Member {
        archive: Arc::clone(path),
        archive_bytes: fs::metadata(path)?.len(),
        parts: Vec::new(),
    }));
    Ok(instance)
}

/// The one object of an archive, or of what is `wanted` of it.
///
/// # Errors
/// `ARCHIVE_SEVERAL` when there are several; when there is none, why the first member does not open.
pub(in crate::dicom) fn only(
    path: &Arc<Path>,
    wanted: Option<&str>,
    options: &ScanOptions,
) -> Result<Instance, Rejection> {
    let found = Mutex::new((Vec::new(), None::<Rejection>));
    let cancel = CancelToken::default();
    scan(
        path,
        wanted,
        options,
        &cancel,
        &Progress::default(),
        &|event| {
            let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
            match event {
                ScanEvent::Instance(instance) => found.0.push(instance),
                ScanEvent::Rejected(rejection) => {
                    let locked = |r: &Rejection| r.outcome == RejectionKind::Locked;
                    if found
                        .1
                        .as_ref()
                        .is_none_or(|kept| !locked(kept) && locked(&rejection))
                    {
                        found.1 = Some(rejection);
                    }
                }
            }
            if found.0.len() > 1 {
                cancel.cancel();
            }
        },
    );
    let (mut instances, rejection) = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    match (instances.len(), instances.pop(), rejection) {
        (1, Some(instance), _) => Ok(Arc::unwrap_or_clone(instance)),
        (0, _, Some(rejection)) => Err(rejection),
        _ => {
            let text =
                "the archive holds several objects; name one of them, as in archive.zip/NAME";
            Err(Fault::rejected("ARCHIVE_SEVERAL", text).rejection(Arc::clone(path)))
        }
    }
}

struct Walk<'a> {
    archive: &'a Arc<Path>,
    archive_bytes: u64,
    wanted: Option<&'a str>,
    options: &'a ScanOptions,
    cancel: &'a CancelToken,
    progress: &'a Progress,
    sink: &'a (dyn Fn(ScanEvent) + Sync),
    levels: Vec<Level>,
    members: usize,
    archives: usize,
}

impl Walk<'_> {
    /// What is left for further members.
    fn budget(&self) -> u64 {
        let held = self
            .levels
            .iter()
            .fold(0, |sum: u64, level| sum.saturating_add(level.held));
        (self.options.limits.inflated_bytes as u64).saturating_sub(held)
    }

    fn start(&mut self) -> Result<(), Fault> {
        let source = ByteSource::open(self.archive)?;
        self.archive_bytes = source.len();
        let shown = self.archive.to_path_buf();
        self.enter(source, Vec::new(), shown, String::new())
    }

    /// Lists an archive and goes on in it.
    fn enter(
        &mut self,
        source: ByteSource,
        parts: Vec<Packed>,
        shown: PathBuf,
        inside: String,
    ) -> Result<(), Fault> {
        let limit = |text: &str| Fault::new(RejectionKind::Limit, "ARCHIVE_NESTED", text);
        if self.levels.len() >= MOST_DEPTH {
            return Err(limit("an archive within an archive, deeper than is read"));
        }
        self.archives += 1;
        if self.archives > MOST_ARCHIVES {
            return Err(limit("more archives within one archive than are opened"));
        }
        let mut entries = listing::list(&source, MOST_MEMBERS.saturating_sub(self.members))?;
        self.members += entries.len();
        if entries.is_empty() {
            return Err(Fault::rejected(
                "ARCHIVE_EMPTY",
                "the archive holds no files",
            ));
        }
        let package = |entry: &Entry| PACKAGES.contains(&entry.name.as_str());
        if self.wanted.is_none() && entries.iter().any(package) {
            let text = "the file is a program or a document in a ZIP archive, not DICOM";
            return Err(Fault::rejected("NOT_DICOM", text));
        }
        let mut done = VecDeque::new();
        let index = |e: &Entry| {
            let path = joined(&inside, &e.name);
            self.wanted == Some(path.as_str()) && directory::is_named_so(Path::new(&path))
        };
        if let Some(at) = entries.iter().position(index) {
            entries = self.follow(&source, entries, at, &shown, &mut done)?;
        } else {
            entries.retain(|e| asked(&joined(&inside, &e.name), self.wanted) != Asked::Nothing);
            if entries.is_empty() {
                let text = "the archive holds no member or folder of that name";
                return Err(Fault::rejected("ARCHIVE_NO_MEMBER", text));
            }
        }
        let (_, total) = self.progress.get();
        self.progress
            .set_total(total + (entries.len() + done.len()) as u64);
        let held = match source.is_file() {
            true => 0,
            false => source.len(),
        };
        self.levels.push(Level {
            source,
            parts,
            shown,
            inside,
            entries: entries.into_iter(),
            done,
            held,
            round: 16,
        });
        Ok(())
    }

    /// The members that a DICOMDIR names, which was asked for by name; what is named and not there is rejected.
    fn follow(
        &self,
        source: &ByteSource,
        entries: Vec<Entry>,
        at: usize,
        shown: &Path,
        done: &mut VecDeque<Outcome>,
    ) -> Result<Vec<Entry>, Fault> {
        let Some(own) = entries.get(at) else {
            return Ok(Vec::new());
        };
        let part = own.locate(source)?;
        let bytes = open_part(source, &part, self.budget(), &self.options.keys)?;
        let structure = Structure::of_source(bytes, &self.options.limits)?;
        let folder = own.name.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut chosen = Vec::new();
        for id in directory::file_ids(&structure)? {
            let mut reject = |name: &str, fault: Fault| {
                let path = Arc::from(below(shown, name));
                done.push_back(Outcome::Event(ScanEvent::Rejected(fault.rejection(path))));
            };
            if let Err(fault) = directory::check_id(&id) {
                reject(&own.name, fault);
                continue;
            }
            let name = joined(folder, &id.join("/"));
            match entries
                .iter()
                .position(|e| e.name.eq_ignore_ascii_case(&name))
            {
                Some(found) => chosen.push(found),
                None => reject(&name, directory::missing()),
            }
        }
        chosen.sort_unstable();
        chosen.dedup();
        let named = entries.into_iter().enumerate();
        let named = named.filter(|(at, _)| chosen.binary_search(at).is_ok());
        Ok(named.map(|(_, entry)| entry).collect())
    }

    /// Hands on one event or reads one round; `false` at the end.
    fn step(&mut self) -> bool {
        let Some(level) = self.levels.last_mut() else {
            return false;
        };
        match level.done.pop_front() {
            Some(Outcome::Event(event)) => {
                self.progress.add(1);
                (self.sink)(event);
            }
            Some(Outcome::Nested { name, part }) => {
                self.progress.add(1);
                self.descend(&name, part);
            }
            None if level.entries.as_slice().is_empty() => {
                self.levels.pop();
            }
            None => self.read_round(),
        }
        true
    }

    fn descend(&mut self, name: &str, part: Packed) {
        let budget = self.budget();
        let Some(level) = self.levels.last() else {
            return;
        };
        let shown = below(&level.shown, name);
        let inside = joined(&level.inside, name);
        let mut parts = level.parts.clone();
        parts.push(part);
        let entered = open_part(&level.source, &part, budget, &self.options.keys)
            .and_then(|source| self.enter(source, parts, shown.clone(), inside));
        if let Err(fault) = entered {
            (self.sink)(ScanEvent::Rejected(fault.rejection(Arc::from(shown))));
        }
    }

    /// Reads the next members, as many as fit the budget at once.
    fn read_round(&mut self) {
        let budget = self.budget();
        let Some(level) = self.levels.last_mut() else {
            return;
        };
        let in_file = level.source.is_file();
        let (mut count, mut sum) = (0, 0u64);
        for entry in level.entries.as_slice().iter().take(level.round) {
            sum = sum.saturating_add(entry.most_cost(in_file));
            if count > 0 && sum > budget {
                break;
            }
            count += 1;
        }
        level.round = (level.round * 2).min(LARGEST_ROUND);
        let round: Vec<Entry> = level.entries.by_ref().take(count).collect();
        let level = &*level;
        let reader = Reader {
            archive: self.archive,
            archive_bytes: self.archive_bytes,
            level,
            budget,
            limits: &self.options.limits,
            keys: &self.options.keys,
            cancel: self.cancel,
        };
        let (wanted, cancel) = (self.wanted, self.cancel);
        let read: Vec<Option<Outcome>> = round
            .into_par_iter()
            .map(|entry| {
                if cancel.is_cancelled() {
                    return None;
                }
                let within = asked(&joined(&level.inside, &entry.name), wanted) == Asked::Within;
                Some(reader.read(&entry, within))
            })
            .collect();
        if let Some(level) = self.levels.last_mut() {
            level.done.extend(read.into_iter().flatten());
        }
    }
}

/// What reading a member needs.
struct Reader<'a> {
    archive: &'a Arc<Path>,
    archive_bytes: u64,
    level: &'a Level,
    budget: u64,
    limits: &'a Limits,
    keys: &'a Keyring,
    cancel: &'a CancelToken,
}

impl Reader<'_> {
    /// Reads one member. `within`: it is wanted as an archive only.
    fn read(&self, entry: &Entry, within: bool) -> Outcome {
        let shown: Arc<Path> = Arc::from(below(&self.level.shown, &entry.name));
        match self.try_read(entry, &shown, within) {
            Ok(outcome) => outcome,
            Err(fault) => Outcome::Event(ScanEvent::Rejected(fault.rejection(shown))),
        }
    }

    fn try_read(&self, entry: &Entry, shown: &Arc<Path>, within: bool) -> Result<Outcome, Fault> {
        let part = entry.locate(&self.level.source)?;
        let source = open_part(&self.level.source, &part, self.budget, self.keys)?;
        let taken = usize::try_from(cost(&self.level.source, &part)).unwrap_or(usize::MAX);
        let limits = Limits {
            inflated_bytes: self.limits.inflated_bytes.saturating_sub(taken),
            ..*self.limits
        };
        let described = match within {
            true => Err(Fault::rejected(
                "ARCHIVE_NO_MEMBER",
                "not a folder and not an archive",
            )),
            false => describe(shown, &source, &limits),
        };
        let mut instance = match described {
            Ok(instance) => instance,
            Err(fault) if matches!(fault.code, "NOT_DICOM" | "ARCHIVE_NO_MEMBER") => {
                if begins_like_one(&source) {
                    let name = entry.name.clone();
                    return Ok(Outcome::Nested { name, part });
                }
                return Err(fault);
            }
            Err(fault) => return Err(fault),
        };
        if source.is_file() {
            check_in_place(&source, &part, self.cancel)?;
        }
        let mut parts = self.level.parts.clone();
        parts.push(part);
        instance.source.member = Some(Arc::new(Member {
            archive: Arc::clone(self.archive),
            archive_bytes: self.archive_bytes,
            parts,
        }));
        if entry.odd {
            let text = "its name in the archive leads elsewhere, or is none on some systems; it is only shown";
            let finding = Finding::new("ARCHIVE_NAME", Severity::Warning, text);
            instance.findings.push(finding);
        }
        if entry.again {
            let text = "another member of the archive has the same name, or the same but for case";
            let finding = Finding::new("ARCHIVE_NAME_TWICE", Severity::Warning, text);
            instance.findings.push(finding);
        }
        Ok(Outcome::Event(ScanEvent::Instance(Arc::new(instance))))
    }
}

/// The header of an object from its bytes; as for files, pictures are looked for only where no DICOM is.
pub(super) fn describe(
    shown: &Arc<Path>,
    source: &ByteSource,
    limits: &Limits,
) -> Result<Instance, Fault> {
    let read = Structure::of_source(source.clone(), limits);
    match read.and_then(|structure| header::describe(shown, structure)) {
        Err(fault) if fault.code == "NOT_DICOM" => match raster::sniff(source) {
            Some(kind) => raster::read_picture(shown, source, kind, limits),
            None => {
                let head = source.len().min(formats::SNIFF_BYTES as u64);
                match volume_file::sniff(&source.read_vec(0, head)?, shown) {
                    true => volume_file::describe_member(shown, source, limits),
                    false => Err(fault),
                }
            }
        },
        Err(fault) if fault.code == "DICOMDIR" => {
            let text = "a directory of files (DICOMDIR); they are opened with the archive";
            Err(Fault::unsupported("DICOMDIR", text))
        }
        other => other,
    }
}
