//! Bytes from the disk, with a budget, and the data file that a detached header may name.
//!
//! Must stay true: a header can only make us open a regular file that lies in its own folder under the plain
//! name it gives. A link is not followed there, because it is a way out of the folder.

use super::{FormatError, Limits};
use std::{
    fs::{self, File, Metadata},
    io::Read,
    path::Path,
};

/// A file opened for reading whole; its first bytes can be looked at before the rest is paid for.
pub(super) struct Opened {
    file: File,
    length: u64,
    /// What has been read.
    pub(super) bytes: Vec<u8>,
}

impl Opened {
    /// Opens a regular file and reads its first bytes.
    pub(super) fn start(path: &Path, head: u64) -> Result<Self, FormatError> {
        let length = regular(&fs::metadata(path)?)?;
        let file = File::open(path)?;
        let mut bytes = Vec::new();
        (&file).take(head).read_to_end(&mut bytes)?;
        Ok(Self {
            file,
            length,
            bytes,
        })
    }

    /// Reads the rest. A file that grew meanwhile is read up to the length it had.
    pub(super) fn finish(mut self, limits: &Limits) -> Result<Vec<u8>, FormatError> {
        if self.length > limits.file_bytes {
            let text = format!(
                "the file has {} bytes, more than the {} that are read",
                self.length, limits.file_bytes
            );
            return Err(FormatError::limit("FILE_TOO_LARGE", text));
        }
        let rest = self.length.saturating_sub(self.bytes.len() as u64);
        let room = usize::try_from(rest).unwrap_or(usize::MAX);
        reserve(&mut self.bytes, room)?;
        (&self.file).take(rest).read_to_end(&mut self.bytes)?;
        Ok(self.bytes)
    }
}

fn regular(metadata: &Metadata) -> Result<u64, FormatError> {
    // Opening a pipe or a device would wait, or never end.
    match metadata.is_file() {
        true => Ok(metadata.len()),
        false => Err(FormatError::rejected("NOT_A_FILE", "not a regular file")),
    }
}

/// Makes room, or says that there is none, instead of ending the process.
pub(super) fn reserve(bytes: &mut Vec<u8>, more: usize) -> Result<(), FormatError> {
    bytes
        .try_reserve_exact(more)
        .map_err(|_| FormatError::limit("MEMORY", "there is not enough memory for the file"))
}

/// Where a header came from, and so where its data file may be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Folder<'a> {
    /// From memory: there is no folder.
    None,
    /// The path of the header's own file.
    Beside(&'a Path),
}

impl Folder<'_> {
    /// Reads the data file that a header names.
    pub(super) fn data_file(self, name: &str, limits: &Limits) -> Result<Vec<u8>, FormatError> {
        let name = plain_name(name)?;
        let Self::Beside(header) = self else {
            let text = "the header keeps its data in another file, which was not given";
            return Err(FormatError::unsupported("DETACHED_DATA", text));
        };
        read_linkless(&header.with_file_name(name), limits)
    }

    /// Reads the `.img` that belongs to a NIfTI `.hdr`.
    pub(super) fn image_of_pair(self, limits: &Limits) -> Result<Vec<u8>, FormatError> {
        let Self::Beside(header) = self else {
            let text = "the header keeps its data in an .img file, which was not given";
            return Err(FormatError::unsupported("DETACHED_DATA", text));
        };
        let upper = header.extension().is_some_and(|e| e == "HDR");
        let path = header.with_extension(if upper { "IMG" } else { "img" });
        read_linkless(&path, limits)
    }
}

fn read_linkless(path: &Path, limits: &Limits) -> Result<Vec<u8>, FormatError> {
    let missing = |_| FormatError::rejected("DATA_FILE_MISSING", "the data file is not there");
    let metadata = fs::symlink_metadata(path).map_err(missing)?;
    if metadata.is_symlink() {
        let text = "the data file is a link, which may lead out of the folder";
        return Err(FormatError::rejected("DATA_FILE_NAME", text));
    }
    Opened::start(path, 0)?.finish(limits)
}

/// A name without any path in it, for every system at once: what is harmless here may not be elsewhere.
fn plain_name(name: &str) -> Result<&str, FormatError> {
    // Some writers put this before the name; it says the same folder.
    let name = name.strip_prefix("./").unwrap_or(name);
    let odd = |c: char| c.is_control() || matches!(c, '/' | '\\' | ':' | '%' | '*' | '?');
    let bad = name.is_empty()
        || name.len() > 255
        || name.chars().all(|c| c == '.' || c == ' ')
        || name.contains(odd);
    match bad {
        false => Ok(name),
        true => Err(FormatError::rejected(
            "DATA_FILE_NAME",
            "the data file is not given as a plain name in the same folder",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_pass() {
        for good in ["a.raw", "./a.raw", "my data.img.gz", "..a", "a..b"] {
            assert!(plain_name(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            ".",
            "..",
            "../a",
            "/etc/passwd",
            "a/b",
            "a\\b",
            "C:a",
            "a%03d.raw",
            "a\0b",
            "././a",
        ] {
            assert_eq!(
                plain_name(bad).unwrap_err().code(),
                "DATA_FILE_NAME",
                "{bad:?}"
            );
        }
    }
}
