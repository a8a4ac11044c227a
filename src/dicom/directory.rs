//! DICOMDIR (PS3.3 annex F, PS3.10 chapter 8): the files that a medium says it holds.
//!
//! Must stay true: a name from the file leads nowhere but below the folder of the DICOMDIR. Components are plain words,
//! links are not followed, and every file that is named gives a file or a reason.

use super::{
    elements::{DataSet, integer, items, read_data_set, text, texts},
    guard::{Fault, Limits, Structure, Want},
};
use crate::model::{
    finding::{Finding, Severity},
    identity::PersonName,
    study::Instance,
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

/// What a directory says of a file that it names; empty where it says nothing. It identifies a patient, so it has no
/// `Debug`.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Entry {
    patient_name: String,
    patient_id: String,
    study_uid: String,
    series_uid: String,
    instance_uid: String,
}

impl Entry {
    /// Names what the file says otherwise.
    pub(super) fn check(&self, instance: &Instance) -> Option<Finding> {
        let patient_id = instance.patient.id.reveal().as_str();
        let said = [
            ("Patient ID", &self.patient_id, patient_id),
            ("Study Instance UID", &self.study_uid, &instance.study.uid),
            (
                "Series Instance UID",
                &self.series_uid,
                &instance.series.uid,
            ),
            (
                "SOP Instance UID",
                &self.instance_uid,
                &instance.sop_instance_uid,
            ),
        ];
        let other = said
            .iter()
            .filter(|(_, listed, held)| !listed.is_empty() && listed != held);
        let mut names: Vec<&str> = other.map(|(name, ..)| *name).collect();
        // Other alphabets depend on character sets that the directory may declare in its own way.
        let held = instance.patient.name.reveal();
        let comparable = self.patient_name.is_ascii() && held.alphabetic.is_ascii();
        if comparable && !self.patient_name.is_empty() && !held.alphabetic.is_empty() {
            let listed = PersonName::parse(&self.patient_name);
            if listed.comparison_key() != held.comparison_key() {
                names.insert(0, "Patient's Name");
            }
        }
        if names.is_empty() {
            return None;
        }
        let names = names.join(", ");
        let text = format!("the DICOMDIR names another {names} than the file holds");
        let finding = Finding::new("DIRECTORY_MISMATCH", Severity::Warning, text);
        Some(finding.with_term("attributes", names))
    }
}

/// A file that a directory names, or what is wrong with its name.
pub(super) type Named = Result<(PathBuf, Entry), (PathBuf, Fault)>;

/// What a DICOMDIR holds.
pub(super) struct Directory {
    /// The files that it names, each once, in its order.
    pub(super) files: Vec<Named>,
    /// What is wrong with how its records hang together. The files are there nevertheless.
    pub(super) broken: Option<Fault>,
}

/// Offsets of the records of a directory, and which record each belongs to (PS3.3 F.2.2): offsets lead from record to
/// record, the first of the next level down included.
struct Links {
    /// The record above, by index.
    above: Vec<Option<usize>>,
    /// Why the links cannot be followed.
    broken: Option<Fault>,
}

impl Links {
    fn of(records: &[DataSet], offsets: &[u64], root: u64) -> Self {
        let mut links = Self {
            above: vec![None; records.len()],
            broken: None,
        };
        if records.len() != offsets.len() {
            links.fail("its records cannot be counted");
            return links;
        }
        let mut seen = vec![false; records.len()];
        let mut waiting = vec![(root, None)];
        while let Some((offset, above)) = waiting.pop() {
            if offset == 0 {
                continue;
            }
            let Ok(index) = offsets.binary_search(&offset) else {
                links.fail("an offset leads to no record");
                continue;
            };
            let (Some(record), Some(been)) = (records.get(index), seen.get_mut(index)) else {
                continue;
            };
            if std::mem::replace(been, true) {
                links.fail("its records lead to each other in a circle");
                continue;
            }
            if let Some(slot) = links.above.get_mut(index) {
                *slot = above;
            }
            let to = |tag| integer(record, tag).ok().flatten().unwrap_or(0) as u64;
            waiting.push((to(tags::OFFSET_OF_THE_NEXT_DIRECTORY_RECORD), above));
            let below = to(tags::OFFSET_OF_REFERENCED_LOWER_LEVEL_DIRECTORY_ENTITY);
            waiting.push((below, Some(index)));
        }
        links
    }

    fn fail(&mut self, what: &str) {
        let text = format!("a DICOMDIR whose records do not hang together: {what}");
        self.broken
            .get_or_insert_with(|| Fault::rejected("DICOMDIR_RECORDS", text));
    }

    /// What a record and those above it say. Nothing where the links are broken: a record may hang anywhere.
    fn entry(&self, records: &[DataSet], index: usize) -> Entry {
        let mut entry = Entry::default();
        if self.broken.is_some() {
            return entry;
        }
        let mut next = Some(index);
        // As many levels as there are kinds of records that matter, and some to spare.
        for _ in 0..16 {
            let Some((i, record)) = next.and_then(|i| Some((i, records.get(i)?))) else {
                break;
            };
            match text(record, tags::DIRECTORY_RECORD_TYPE).as_str() {
                "PATIENT" => {
                    entry.patient_name = text(record, tags::PATIENT_NAME);
                    entry.patient_id = text(record, tags::PATIENT_ID);
                }
                "STUDY" => entry.study_uid = text(record, tags::STUDY_INSTANCE_UID),
                "SERIES" => entry.series_uid = text(record, tags::SERIES_INSTANCE_UID),
                _ => {}
            }
            if i == index {
                entry.instance_uid = text(record, tags::REFERENCED_SOP_INSTANCE_UID_IN_FILE);
            }
            next = self.above.get(i).copied().flatten();
        }
        entry
    }
}

/// Reads a DICOMDIR.
///
/// # Errors
/// Those of the guard, and `DICOMDIR_EMPTY` when it names no file.
pub(super) fn referenced_files(path: &Path, limits: &Limits) -> Result<Directory, Fault> {
    let (listed, broken) = records(&Structure::of_file(path, limits)?)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let found = listed.into_iter().map(|(components, entry)| {
        let resolved = resolve(folder, &components);
        resolved.map(|path| (path, entry)).map_err(|fault| {
            let safe = components.iter().all(|c| is_plain(c));
            let named = safe.then(|| components.iter().fold(folder.to_owned(), |p, c| p.join(c)));
            (named.unwrap_or_else(|| path.to_owned()), fault)
        })
    });
    Ok(Directory {
        files: found.collect(),
        broken,
    })
}

/// The components of the files that a DICOMDIR names, each once, in its order.
///
/// # Errors
/// Those of the header, and `DICOMDIR_EMPTY` when it names no file.
pub(super) fn file_ids(structure: &Structure) -> Result<Vec<Vec<String>>, Fault> {
    let (listed, _) = records(structure)?;
    Ok(listed
        .into_iter()
        .map(|(components, _)| components)
        .collect())
}

/// The components of a file's name, and what the records say of it.
type Listed = (Vec<String>, Entry);

/// Each file once, in the order of the records, and what is wrong with how they hang together.
fn records(structure: &Structure) -> Result<(Vec<Listed>, Option<Fault>), Fault> {
    let data_set = read_data_set(structure, |tag| match tag {
        tags::DIRECTORY_RECORD_SEQUENCE => Want::Large,
        tags::OFFSET_OF_THE_FIRST_DIRECTORY_RECORD_OF_THE_ROOT_DIRECTORY_ENTITY => Want::Text,
        _ => Want::No,
    })?;
    let records = items(&data_set, tags::DIRECTORY_RECORD_SEQUENCE);
    let sequence = structure.element(tags::DIRECTORY_RECORD_SEQUENCE);
    let offsets = sequence.map(|s| structure.item_offsets(s)).transpose()?;
    let root = integer(
        &data_set,
        tags::OFFSET_OF_THE_FIRST_DIRECTORY_RECORD_OF_THE_ROOT_DIRECTORY_ENTITY,
    );
    let links = Links::of(
        records,
        &offsets.unwrap_or_default(),
        root.ok().flatten().unwrap_or(0) as u64,
    );
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for (index, record) in records.iter().enumerate() {
        let components = texts(record, tags::REFERENCED_FILE_ID);
        if !components.is_empty() && seen.insert(components.clone()) {
            found.push((components, links.entry(records, index)));
        }
    }
    if found.is_empty() {
        let text = "a directory of files (DICOMDIR) that names none; open the folder instead";
        return Err(Fault::unsupported("DICOMDIR_EMPTY", text));
    }
    Ok((found, links.broken))
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
