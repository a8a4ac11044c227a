//! DICOMDIR (PS3.3 annex F, PS3.10 chapter 8): the files that a medium says it holds.
//!
//! Must stay true: a name from the file leads nowhere but below the folder of the DICOMDIR. Components are plain words,
//! links are not followed, and every file that is named gives a file or a reason.

use super::{
    elements::{items, read_data_set, texts},
    guard::{Fault, Limits, Structure, Want},
};
use dicom_dictionary_std::tags;
use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

/// Components of a File ID (PS3.10 section 8.2).
const MOST_COMPONENTS: usize = 8;

/// A component; the standard allows 8 characters, real media have longer ones.
const LONGEST_COMPONENT: usize = 64;

/// Whether a path is that of a directory by its name, which the standard fixes (PS3.10 section 8.6).
pub(super) fn is_named_so(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name.eq_ignore_ascii_case("DICOMDIR"))
}

/// The files that a DICOMDIR names, each once, in its order; or what is wrong with a name.
///
/// # Errors
/// Those of the guard, and `DICOMDIR` when it names no file.
pub(super) fn referenced_files(
    path: &Path,
    limits: &Limits,
) -> Result<Vec<Result<PathBuf, (PathBuf, Fault)>>, Fault> {
    let ids = file_ids(&Structure::of_file(path, limits)?)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let found = ids.into_iter().map(|components| {
        resolve(folder, &components).map_err(|fault| {
            let safe = components.iter().all(|c| is_plain(c));
            let named = safe.then(|| components.iter().fold(folder.to_owned(), |p, c| p.join(c)));
            (named.unwrap_or_else(|| path.to_owned()), fault)
        })
    });
    Ok(found.collect())
}

/// The components of the files that a DICOMDIR names, each once, in its order.
///
/// # Errors
/// Those of the header, and `DICOMDIR` when it names no file.
pub(super) fn file_ids(structure: &Structure) -> Result<Vec<Vec<String>>, Fault> {
    let data_set = read_data_set(structure, |tag| {
        if tag == tags::DIRECTORY_RECORD_SEQUENCE {
            Want::Large
        } else {
            Want::No
        }
    })?;
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for record in items(&data_set, tags::DIRECTORY_RECORD_SEQUENCE) {
        let components = texts(record, tags::REFERENCED_FILE_ID);
        if !components.is_empty() && seen.insert(components.clone()) {
            found.push(components);
        }
    }
    if found.is_empty() {
        let text = "a directory of files (DICOMDIR) that names none; open the folder instead";
        return Err(Fault::unsupported("DICOMDIR", text));
    }
    Ok(found)
}

/// Whether the components lead below the folder of the DICOMDIR.
///
/// # Errors
/// `DICOMDIR_NAME`.
pub(super) fn check_id(components: &[String]) -> Result<(), Fault> {
    if components.len() > MOST_COMPONENTS || !components.iter().all(|c| is_plain(c)) {
        let text = "a DICOMDIR names a file by something that is no plain name below its folder";
        return Err(Fault::rejected("DICOMDIR_NAME", text));
    }
    Ok(())
}

/// What is named is not there.
pub(super) fn missing() -> Fault {
    Fault::rejected("DICOMDIR_MISSING", "named by a DICOMDIR and not there")
}

/// A word that is a file name everywhere: no separators, drives, streams or dots alone.
fn is_plain(component: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let device = |name: &str| {
        let stem = name.split('.').next().unwrap_or_default();
        ["CON", "PRN", "AUX", "NUL"]
            .iter()
            .any(|d| stem.eq_ignore_ascii_case(d))
    };
    !component.is_empty()
        && component.len() <= LONGEST_COMPONENT
        && component.chars().all(allowed)
        && !component.starts_with('.')
        && !component.ends_with('.')
        && !device(component)
}

fn resolve(folder: &Path, components: &[String]) -> Result<PathBuf, Fault> {
    check_id(components)?;
    let mut path = folder.to_owned();
    for component in components {
        // Media are written in capitals and often read in small letters.
        let candidates = [component.clone(), component.to_ascii_lowercase()];
        let next = candidates
            .iter()
            .map(|name| path.join(name))
            .find_map(|p| fs::symlink_metadata(&p).ok().map(|kind| (p, kind)));
        let Some((next, kind)) = next else {
            return Err(missing());
        };
        if kind.is_symlink() {
            let text = "named by a DICOMDIR and a link, which is not followed";
            return Err(Fault::rejected("DICOMDIR_LINK", text));
        }
        path = next;
    }
    if path.is_file() {
        Ok(path)
    } else {
        let text = "named by a DICOMDIR and not a file";
        Err(Fault::rejected("DICOMDIR_MISSING", text))
    }
}
