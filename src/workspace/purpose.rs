//! What files are for that are opened or dropped and are no pictures: a patient's record, an evaluation, a schema of
//! labels.
//!
//! Must stay true: nothing is read on the window's thread, and of each file its beginning alone.

use super::{event::Event, keeper::Answered, settings::SideTab, state::Workspace};
use crate::{imaging::evaluation::table::is_table, model::access::Right, task::spawn_named};
use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

/// Bytes of the beginning of a file that say what it is for.
const HEAD: u64 = 64 << 10;

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Record,
    Evaluation,
    /// A schema of labels, or what the columns of a table of a record mean.
    Rules,
}

/// Files by what they are for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Sorted {
    /// Of records, with the mapping of a table.
    records: Vec<PathBuf>,
    /// An evaluation.
    evaluation: Option<PathBuf>,
    /// A schema of labels.
    schema: Option<PathBuf>,
    /// More than one page can show.
    others: Vec<PathBuf>,
}

fn ends_with(path: &Path, endings: &[&str]) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.to_ascii_lowercase();
    endings.iter().any(|ending| name.ends_with(ending))
}

/// Files of records alone.
const RECORDS: &[&str] = &[".ndjson", ".hl7", ".vcf", ".vcf.gz"];
/// Files of which their beginning says it.
const EITHER: &[&str] = &[".json", ".csv"];

/// Members of objects of a record: of FHIR, and of what PharmCAT reports.
const RECORD_MEMBERS: &[&str] = &["\"resourceType\"", "\"pharmcatVersion\""];

/// Whether a file is no picture by its name.
pub(super) fn is_known(path: &Path) -> bool {
    ends_with(path, RECORDS) || ends_with(path, EITHER) || super::labelling::may_be(path)
}

/// What a file is for; one that cannot be read is an evaluation, whose page says why.
fn purpose(path: &Path) -> Purpose {
    if ends_with(path, RECORDS) {
        return Purpose::Record;
    }
    if super::labelling::may_be(path) {
        return Purpose::Rules;
    }
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(HEAD).read_to_end(&mut head));
    match read {
        Ok(_) if is_record(&head) => Purpose::Record,
        _ => Purpose::Evaluation,
    }
}

/// Whether the beginning of an object or a table is one of a record: every resource of FHIR R4 names its type (section
/// 2.6.2), and a table that has no column of an evaluation is one of a record.
fn is_record(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(head);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    match text.chars().next() {
        None => false,
        Some('{' | '[') => RECORD_MEMBERS.iter().any(|member| text.contains(member)),
        Some(_) => text.lines().next().is_some_and(|header| !is_table(header)),
    }
}

impl Sorted {
    /// Reads the beginnings.
    fn of(paths: Vec<PathBuf>) -> Self {
        let mut sorted = Self::default();
        let mut rules = Vec::new();
        for path in paths {
            match purpose(&path) {
                Purpose::Record => sorted.records.push(path),
                Purpose::Rules => rules.push(path),
                Purpose::Evaluation if sorted.evaluation.is_none() => {
                    sorted.evaluation = Some(path);
                }
                Purpose::Evaluation => sorted.others.push(path),
            }
        }
        if sorted.records.iter().any(|path| ends_with(path, &[".csv"])) {
            sorted.records.append(&mut rules);
        }
        let mut rules = rules.into_iter();
        sorted.schema = rules.next();
        sorted.others.extend(rules);
        sorted
    }
}

impl Workspace {
    /// Finds out in the background what files are for that are no pictures by their names.
    pub(super) fn sort_out(&mut self, paths: Vec<PathBuf>) {
        let (events, waker) = (self.sender(), self.waker.clone());
        let answered = Answered::new(&self.checking);
        let sort = move || {
            let _ = events.send(Event::SortedOut(Box::new(Sorted::of(paths))));
            drop(answered);
            waker.wake("sorted");
        };
        if spawn_named("sort", sort).is_err() {
            self.notify("notice-scan-failed", String::new());
        }
    }

    /// Does with files what they are for.
    pub(super) fn take_sorted(&mut self, sorted: Sorted) {
        let Sorted {
            records,
            evaluation,
            schema,
            others,
        } = sorted;
        if !records.is_empty() && self.allowed(Right::ImportRecords) {
            self.import_records(records);
            self.settings.side_tab = SideTab::Record;
        }
        if let Some(path) = evaluation {
            self.open_evaluation(path);
        }
        if let Some(path) = schema {
            self.open_schema(path, true);
        }
        // They are told of among what could not be opened.
        self.read(others);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn files_are_for_what_they_say_of_themselves() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let bundle = file("a.json", "\u{feff} {\"resourceType\": \"Bundle\"}");
        let judged = file("b.JSON", "{\"format\": 1, \"cases\": []}");
        let scores = file("c.csv", "Name,Score,Label\n1,0.5,1\n");
        let dice = file("d.csv", "case,dice,hd95_mm\n1,0.5,3\n");
        let labs = file("e.csv", "MRN,Date,Hemoglobin\n1,2024-01-02,12.4\n");
        let variants = file("f.vcf.gz", "");
        let lines = file("g.ndjson", "");
        let rules = file("h.toml", "");
        let empty = file("i.json", "");
        let genes = file(
            "l.json",
            "{\"title\": \"x\", \"pharmcatVersion\": \"3.0.1\"}",
        );
        let gone = folder.path().join("j.csv");
        for path in [
            &bundle, &judged, &scores, &dice, &labs, &variants, &lines, &rules, &gone,
        ] {
            assert!(is_known(path), "{path:?}");
        }
        assert!(!is_known(Path::new("k.dcm")) && !is_known(Path::new("json")));
        let of = |paths: &[&PathBuf]| Sorted::of(paths.iter().map(|p| (*p).clone()).collect());
        assert_eq!(
            of(&[&bundle, &judged, &scores, &variants, &lines, &rules]),
            Sorted {
                records: vec![bundle.clone(), variants, lines],
                evaluation: Some(judged),
                schema: Some(rules.clone()),
                others: vec![scores],
            }
        );
        // What the columns of a table mean comes with the table.
        assert_eq!(of(&[&rules, &labs]).records, [labs, rules]);
        assert_eq!(of(&[&genes]).records, [genes]);
        for page in [dice, empty, gone] {
            assert_eq!(of(&[&page]).evaluation, Some(page));
        }
    }
}
