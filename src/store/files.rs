//! Files written so that a crash leaves the old or the new content, and the lock that keeps a store to one owner.

use super::StoreError;
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::Write as _,
    path::Path,
};

/// Name of the lock file.
pub const LOCK: &str = "lock";

/// Writes a file as a whole: a new file, synced, takes the name; then the folder is synced.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let temporary = path.with_extension("new");
    let mut file = File::create(&temporary).map_err(StoreError::io("creating a file"))?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .map_err(StoreError::io("writing a file"))?;
    drop(file);
    fs::rename(&temporary, path).map_err(StoreError::io("naming a file"))?;
    sync_folder(path.parent().unwrap_or(Path::new(".")))
}

/// Makes names in a folder durable, where the system can (a no-op on Windows, which journals them).
pub fn sync_folder(dir: &Path) -> Result<(), StoreError> {
    if cfg!(unix) {
        let dir = if dir.as_os_str().is_empty() {
            Path::new(".")
        } else {
            dir
        };
        File::open(dir)
            .and_then(|folder| folder.sync_all())
            .map_err(StoreError::io("syncing a folder"))?;
    }
    Ok(())
}

/// Makes a folder that only its owner may enter.
pub fn make_private(dir: &Path) -> Result<(), StoreError> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(dir)
        .map_err(StoreError::io("making the folder of the store"))
}

/// The lock of a store; given back when dropped, also by a crash.
pub struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing alone would not do while a child process that was just forked still holds a copy.
        let _ = self.0.unlock();
    }
}

/// Takes the lock.
pub fn lock(dir: &Path) -> Result<Lock, StoreError> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(dir.join(LOCK))
        .map_err(StoreError::io("opening the lock of the store"))?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => Err(StoreError::Busy),
        Err(TryLockError::Error(e)) => Err(StoreError::io("locking the store")(e)),
    }
}
