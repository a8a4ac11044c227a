//! Files that are whole or not there.
//!
//! Must stay true: whatever happens while a file is written, under its name stands the old content or the new one. What
//! is no regular file (a pipe, a device) is written to as it is. Not here: what has to outlast a loss of power
//! ([`store`](crate::store) sees to its folders too).

use std::{
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU64, Ordering},
};

/// Writes a file whole or not at all; one of the same name is replaced.
///
/// # Errors
/// Those of the disk.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    put_whole(path, |file| file.write_all(bytes))
}

/// The same with what `write` writes; its error is given back.
///
/// # Errors
/// Those of the disk and of `write`.
pub fn put_whole<E: From<io::Error>>(
    path: &Path,
    write: impl FnOnce(&mut File) -> Result<(), E>,
) -> Result<(), E> {
    // Behind a link lies the file that is meant.
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
        return write(&mut File::options().write(true).open(path)?);
    }
    let beside = beside(path);
    let mut file = File::create_new(&beside)?;
    let written = write(&mut file).and_then(|()| {
        file.sync_all()?;
        drop(file);
        Ok(fs::rename(&beside, path)?)
    });
    if written.is_err() {
        // The first error is the one to tell; what stays behind has a name that nobody reads.
        let _ = fs::remove_file(&beside);
    }
    written
}

/// How a file that must not replace another came to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// It is new.
    New,
    /// One with the same bytes was there.
    Same,
}

/// Writes a new file, whole or not at all. Not for what has to outlast a loss of power: the system writes it to the disk
/// in its own time.
///
/// # Errors
/// `AlreadyExists` when another file has the name; those of the disk and of `write`.
pub fn put_new<E: From<io::Error>>(
    path: &Path,
    write: impl FnOnce(&mut File) -> Result<(), E>,
) -> Result<Put, E> {
    let beside = beside(path);
    let mut file = File::create_new(&beside)?;
    let put = write(&mut file).and_then(|()| {
        drop(file);
        // A link never takes the place of another file, whoever makes one at the same moment.
        let linked = fs::hard_link(&beside, path);
        let there = matches!(&linked, Err(e) if e.kind() == io::ErrorKind::AlreadyExists);
        if linked.is_err() && !there && !path.exists() {
            // Some file systems have no links.
            fs::rename(&beside, path)?;
            return Ok(Put::New);
        }
        let same = linked.is_ok() || same_bytes(&beside, path)?;
        fs::remove_file(&beside)?;
        if linked.is_ok() {
            return Ok(Put::New);
        }
        match same {
            true => Ok(Put::Same),
            false => Err(io::Error::from(io::ErrorKind::AlreadyExists).into()),
        }
    });
    if put.is_err() {
        let _ = fs::remove_file(&beside);
    }
    put
}

/// Whether two files hold the same.
fn same_bytes(a: &Path, b: &Path) -> io::Result<bool> {
    if fs::metadata(a)?.len() != fs::metadata(b)?.len() {
        return Ok(false);
    }
    let (mut a, mut b) = (File::open(a)?, File::open(b)?);
    let (mut left, mut right) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        let count = a.read(&mut left)?;
        let Some(right) = right.get_mut(..count).filter(|r| !r.is_empty()) else {
            return Ok(true);
        };
        b.read_exact(right)?;
        if left.get(..count) != Some(&*right) {
            return Ok(false);
        }
    }
}

/// A name in the same folder that is new.
fn beside(path: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}-{count}.part", process::id()));
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let name = |e: io::Result<fs::DirEntry>| e.unwrap().file_name().into_string().unwrap();
        entries.map(name).collect()
    }

    #[test]
    fn the_old_content_or_the_new_one_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        write_whole(&path, b"old").unwrap();
        let fails = |file: &mut File| -> io::Result<()> {
            file.write_all(b"half")?;
            Err(io::ErrorKind::StorageFull.into())
        };
        let error = put_whole(&path, fails).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        write_whole(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(folder.path()), ["a.txt"]);
        assert!(write_whole(&folder.path().join("no/folder"), b"x").is_err());
        assert!(write_whole(folder.path(), b"x").is_err());
        assert_eq!(names(folder.path()), ["a.txt"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("real"), folder.path().join("link"));
        fs::write(&path, b"old").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        write_whole(&link, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }
}
