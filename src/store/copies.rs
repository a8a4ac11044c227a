//! Copies of a store, made without anybody waiting for them.
//!
//! A copy is what the store was at one moment. The database stands still while it is read: what is written meanwhile
//! stays in its write-ahead log. Journal and log of the doings only grow, and are copied to where they ended. A file that
//! did not change since the copy before is one file on the disk under two names. What is kept never changes, so each of
//! these files has one name more in each of the store's own copies.
//!
//! Must stay true: a copy is whole or not there; it is made under a name that no copy has; who opens a copy as a store
//! changes no other copy.

use super::{Store, StoreError, audit, blobs, database, files, journal, key, vault};
use crate::{
    dicom::sealed::{BlobName, FOLDER},
    task::{CancelToken, spawn_named},
};
use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    thread::JoinHandle,
    time::{Duration, SystemTime},
};

/// Folder of the copies within a store.
pub const BACKUPS: &str = "backups";
/// Copies that are kept.
pub const KEPT_BACKUPS: usize = 5;
/// How folders of copies in the making begin.
const NURSERY: &str = ".negatoscope-copy-";
/// The write-ahead log of the database.
const WAL: &str = "store.db-wal";
/// A file that changed a moment ago may change again without its time saying so.
const MOMENT: Duration = Duration::from_secs(3);

pub(super) fn is_user_key(name: &str) -> bool {
    name.starts_with("user-") && (name.ends_with(".key") || name.ends_with(".key.copy"))
}

/// Files that make a store.
pub(super) fn parts(dir: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let entries = fs::read_dir(dir).map_err(StoreError::io("reading the folder of the store"))?;
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .map(|e| e.path())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let fixed = [
                key::FILE,
                key::COPY,
                database::FILE,
                journal::FILE,
                audit::FILE,
                audit::HEAD_FILE,
                vault::FILE,
                vault::COPY,
            ];
            // A crash may have left in it what is not in the database yet.
            let full_log = name == WAL && path.metadata().is_ok_and(|data| data.len() > 0);
            path.is_file() && (fixed.contains(&&*name) || is_user_key(&name) || full_log)
        })
        .collect();
    found.sort();
    Ok(found)
}

/// The copies within a store, the oldest first.
pub fn backups(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir.join(BACKUPS)) else {
        return Vec::new();
    };
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .map(|e| e.path())
        .filter(|p| !is_nursery(p) && p.join(key::FILE).exists() && p.join(database::FILE).exists())
        .collect();
    found.sort();
    found
}

fn is_nursery(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().starts_with(NURSERY)
}

/// A name for the next copy within a store.
pub(super) fn next_name(dir: &Path) -> PathBuf {
    // With milliseconds, so that two copies of one second have their names.
    let stamp = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%S%3fZ");
    dir.join(BACKUPS).join(stamp.to_string())
}

/// Removes what was being made when a process ended.
fn sweep(dir: &Path) {
    let entries = fs::read_dir(dir.join(BACKUPS));
    for entry in entries.into_iter().flatten().flatten() {
        if is_nursery(&entry.path()) {
            // What cannot be removed now is tried again with the next copy.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Removes all copies within a store; how many there were.
pub(super) fn remove_all(dir: &Path) -> Result<usize, StoreError> {
    let count = backups(dir).len();
    match fs::remove_dir_all(dir.join(BACKUPS)) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(StoreError::io("removing copies")(e)),
        _ => Ok(count),
    }
}

/// Removes the oldest copies within a store.
fn prune(dir: &Path) -> Result<(), StoreError> {
    let all = backups(dir);
    let old = all.len().saturating_sub(KEPT_BACKUPS);
    for folder in all.iter().take(old) {
        fs::remove_dir_all(folder).map_err(StoreError::io("removing an old copy"))?;
    }
    Ok(())
}

/// Gives a store that is a copy files of its own, so that writing on it changes no other copy.
///
/// # Errors
/// Those of the disk.
pub(super) fn unshare(dir: &Path) -> Result<(), StoreError> {
    for part in parts(dir)? {
        if names_of(&part) > 1 {
            let own = part.with_extension("own");
            fs::copy(&part, &own)
                .and_then(|_| File::open(&own)?.sync_all())
                .and_then(|()| fs::rename(&own, &part))
                .map_err(StoreError::io("copying a file of a copy"))?;
        }
    }
    Ok(())
}

/// Under how many names a file is on the disk.
#[cfg(unix)]
fn names_of(path: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    path.metadata().map_or(1, |data| data.nlink())
}

/// Files have one name here: see [`link`].
#[cfg(not(unix))]
const fn names_of(_: &Path) -> u64 {
    1
}

/// Gives a file another name, where it can be told later that it has two.
fn link(from: &Path, to: &Path) -> bool {
    cfg!(unix) && fs::hard_link(from, to).is_ok()
}

/// One file as it was at a moment.
struct Piece {
    name: OsString,
    content: Content,
}

enum Content {
    Bytes(Vec<u8>),
    /// The beginning of an open file, and when it was changed last.
    File(File, u64, Option<SystemTime>),
}

/// A store as it was at a moment.
pub(super) struct Snapshot {
    pieces: Vec<Piece>,
    /// What is kept, and where it lies.
    kept: Vec<BlobName>,
    dir: PathBuf,
    at: SystemTime,
}

impl Snapshot {
    /// Takes hold of the files of a store. Whoever does holds its lock, and sees to it that the database stands still.
    pub(super) fn take(dir: &Path) -> Result<Self, StoreError> {
        let reading = || StoreError::io("reading the store");
        let mut pieces = Vec::new();
        for part in parts(dir)? {
            let name = part.file_name().unwrap_or_default().to_owned();
            let small = name == key::FILE
                || name == key::COPY
                || name == audit::HEAD_FILE
                || name == vault::FILE
                || name == vault::COPY
                || is_user_key(&name.to_string_lossy());
            let content = match small {
                true => Content::Bytes(fs::read(&part).map_err(reading())?),
                false => {
                    let file = File::open(&part).map_err(reading())?;
                    let data = file.metadata().map_err(reading())?;
                    Content::File(file, data.len(), data.modified().ok())
                }
            };
            pieces.push(Piece { name, content });
        }
        Ok(Self {
            pieces,
            kept: blobs::names(dir)?,
            dir: dir.to_owned(),
            at: SystemTime::now(),
        })
    }

    /// Writes it into a new folder that gets its name when it is whole; bytes of its files. What did not change since
    /// the copy `before` is linked from there.
    pub(super) fn write(
        self,
        target: &Path,
        before: Option<&Path>,
        cancel: &CancelToken,
    ) -> Result<u64, StoreError> {
        let parent = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        fs::create_dir_all(parent).map_err(StoreError::io("making the folder of copies"))?;
        if target.exists() {
            return Err(StoreError::Exists(StoreError::name(target)));
        }
        let nursery = tempfile::Builder::new()
            .prefix(NURSERY)
            .tempdir_in(parent)
            .map_err(StoreError::io("making the folder of the copy"))?;
        let inner = nursery.path().join("store");
        files::make_private(&inner)?;
        let at = self.at;
        let mut bytes = 0;
        for piece in self.pieces {
            let to = inner.join(&piece.name);
            let before = before.map(|folder| folder.join(&piece.name));
            bytes += piece
                .write(&to, before.as_deref(), at, cancel)
                .map_err(StoreError::io("copying the store"))?;
        }
        // A copy among the store's own may share with it what never changes; one that lies elsewhere is there to outlast
        // the disk.
        let own = target.starts_with(&self.dir);
        bytes += copy_kept(&self.dir, &inner, &self.kept, own, cancel)
            .map_err(StoreError::io("copying the store"))?;
        blobs::sync(&inner)?;
        files::sync_folder(&inner)?;
        fs::rename(&inner, target).map_err(StoreError::io("naming the copy"))?;
        files::sync_folder(parent)?;
        Ok(bytes)
    }
}

/// Copies what is kept; its bytes.
fn copy_kept(
    dir: &Path,
    to: &Path,
    names: &[BlobName],
    own: bool,
    cancel: &CancelToken,
) -> io::Result<u64> {
    if names.is_empty() {
        return Ok(0);
    }
    fs::create_dir(to.join(FOLDER))?;
    let mut bytes = 0;
    for name in names {
        if cancel.is_cancelled() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let from = blobs::path_of(dir, name);
        let to = blobs::path_of(to, name);
        bytes += match own && fs::hard_link(&from, &to).is_ok() {
            true => to.metadata()?.len(),
            false => {
                let copied = fs::copy(&from, &to)?;
                File::open(&to)?.sync_all()?;
                copied
            }
        };
    }
    Ok(bytes)
}

impl Piece {
    fn write(
        self,
        to: &Path,
        before: Option<&Path>,
        at: SystemTime,
        cancel: &CancelToken,
    ) -> io::Result<u64> {
        let (mut source, length, modified) = match self.content {
            Content::Bytes(bytes) => {
                let mut file = File::create_new(to)?;
                file.write_all(&bytes)?;
                file.sync_all()?;
                return Ok(bytes.len() as u64);
            }
            Content::File(file, length, modified) => (file, length, modified),
        };
        let same = before
            .and_then(|path| path.metadata().ok())
            .is_some_and(|data| {
                data.len() == length && modified.is_some() && data.modified().ok() == modified
            });
        if same && before.is_some_and(|before| link(before, to)) {
            return Ok(length);
        }
        let mut file = File::create_new(to)?;
        let mut buffer = vec![0; 1 << 20];
        let mut left = length;
        while left > 0 {
            if cancel.is_cancelled() {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let most = buffer
                .len()
                .min(usize::try_from(left).unwrap_or(usize::MAX));
            let part = buffer.get_mut(..most).unwrap_or_default();
            source.read_exact(part)?;
            file.write_all(part)?;
            left -= part.len() as u64;
        }
        // The time says later whether the file is still this one.
        let settled = modified.filter(|time| at.duration_since(*time).is_ok_and(|d| d > MOMENT));
        file.set_modified(settled.unwrap_or(SystemTime::UNIX_EPOCH))?;
        file.sync_all()?;
        Ok(length)
    }
}

/// A copy in the making.
pub(super) struct Copying {
    cancel: CancelToken,
    thread: JoinHandle<Result<(), StoreError>>,
}

impl Store {
    /// Begins a copy when the last one is older than a day; whether it did. It is made on a thread of its own, and
    /// nobody waits for it: who closes the store before leaves it for the next time.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn backup_daily(&self) -> Result<bool, StoreError> {
        const DAY: Duration = Duration::from_secs(24 * 3600);
        let newest = backups(&self.dir).pop();
        let age = newest
            .as_deref()
            .and_then(|p| p.metadata().ok()?.modified().ok()?.elapsed().ok());
        let young = age.is_some_and(|age| age < DAY);
        if young || self.copying.borrow().is_some() || self.journal_damage().is_some() {
            return Ok(false);
        }
        sweep(&self.dir);
        self.sync_for_copy()?;
        // Until the copy is there the database file is read only.
        self.connection
            .execute_batch("PRAGMA wal_autocheckpoint = 0")?;
        let cancel = CancelToken::default();
        let begun = Snapshot::take(&self.dir).and_then(|snapshot| {
            let (dir, cancel) = (self.dir.clone(), cancel.clone());
            let body = move || {
                let to = next_name(&dir);
                snapshot.write(&to, newest.as_deref(), &cancel)?;
                prune(&dir)
            };
            spawn_named("backup", body).map_err(StoreError::io("starting a thread"))
        });
        match begun {
            Ok(thread) => {
                self.copying.replace(Some(Copying { cancel, thread }));
                Ok(true)
            }
            Err(error) => {
                self.checkpoint_by_itself()?;
                Err(error)
            }
        }
    }

    /// Copies now, and waits for it.
    pub(super) fn copy_now(&self, target: Option<&Path>) -> Result<(PathBuf, u64), StoreError> {
        self.stop_copy()?;
        self.sync_for_copy()?;
        let before = backups(&self.dir).pop();
        let to = target.map_or_else(|| next_name(&self.dir), Path::to_owned);
        // Names on another disk cannot be shared, and who copies elsewhere wants a copy of everything.
        let before = before.filter(|_| target.is_none());
        if target.is_none() {
            sweep(&self.dir);
        }
        let snapshot = Snapshot::take(&self.dir)?;
        let bytes = snapshot.write(&to, before.as_deref(), &CancelToken::default())?;
        if target.is_none() {
            prune(&self.dir)?;
        }
        Ok((to, bytes))
    }

    fn sync_for_copy(&self) -> Result<(), StoreError> {
        database::checkpoint(&self.connection)?;
        match self.audit.borrow_mut().as_mut() {
            Some(audit) => audit.sync(),
            None => Ok(()),
        }
    }

    fn checkpoint_by_itself(&self) -> Result<(), StoreError> {
        self.connection
            .execute_batch("PRAGMA wal_autocheckpoint = 1000")?;
        database::checkpoint(&self.connection)
    }

    /// Moves the write-ahead log into the database, but while that is being copied.
    pub(super) fn checkpoint(&self) -> Result<(), StoreError> {
        self.tend_copy()?;
        match self.copying.borrow().is_some() {
            true => Ok(()),
            false => database::checkpoint(&self.connection),
        }
    }

    /// Looks whether a copy that was in the making is there.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn tend_copy(&self) -> Result<(), StoreError> {
        let ended = |copying: &Copying| copying.thread.is_finished();
        let ended = self.copying.borrow().as_ref().is_some_and(ended);
        if ended {
            self.end_copy()?;
        }
        Ok(())
    }

    /// Waits for a copy that is in the making, if one is.
    ///
    /// # Errors
    /// Those of the disk, also of the copy's own.
    pub fn end_copy(&self) -> Result<(), StoreError> {
        let Some(copying) = self.copying.take() else {
            return Ok(());
        };
        let copied = copying.thread.join();
        self.checkpoint_by_itself()?;
        copied.unwrap_or_else(|_| {
            let source = io::Error::other("its thread ended");
            Err(StoreError::io("copying the store")(source))
        })
    }

    /// Gives up a copy that is in the making.
    pub(super) fn stop_copy(&self) -> Result<(), StoreError> {
        let Some(copying) = self.copying.take() else {
            return Ok(());
        };
        copying.cancel.cancel();
        // What it did not do is no error of what comes now.
        let _ = copying.thread.join();
        self.checkpoint_by_itself()
    }
}
