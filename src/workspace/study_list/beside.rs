//! The other studies of the patient who is read: where the store knows them, their headers are read when one of them opens,
//! so that a prior can stand beside it, and nobody overlooks that there is one.
//!
//! Must stay true: studies of one patient only, by everything that identifies; the study that was asked for is shown first.

use super::{StudyEntry, known::KnownAsk};
use crate::{
    model::date::Date,
    store::Store,
    workspace::{Workspace, library::same_patient},
};
use std::{cmp::Reverse, path::PathBuf, sync::Arc};

/// So many studies are read beside one, and so many of their pictures.
const MOST_STUDIES: usize = 48;
const MOST_IMAGES: usize = 30_000;

/// Of some studies of one patient those that are read beside another one: first what is of a modality of it, then the
/// nearest in time.
fn wanted<'a>(read: &StudyEntry, others: Vec<&'a StudyEntry>) -> Vec<&'a StudyEntry> {
    let days = |date: Option<Date>| date.map(Date::days_since_epoch);
    let here = days(read.date);
    let mut others = others;
    others.sort_by_cached_key(|other| {
        let alike = other.modalities.iter().any(|m| read.modalities.contains(m));
        let apart = here.zip(days(other.date)).map(|(a, b)| (a - b).abs());
        (Reverse(alike), apart.unwrap_or(i64::MAX), other.uid.clone())
    });
    let mut images = 0usize;
    others
        .into_iter()
        .take(MOST_STUDIES)
        .take_while(|other| {
            images = images.saturating_add(other.images);
            images <= MOST_IMAGES
        })
        .collect()
}

/// What the store has of the patient of a study beside it, each study with where its files lie. On the store's thread.
pub(super) fn find(store: &Store, read: &StudyEntry) -> Vec<(StudyEntry, Vec<PathBuf>)> {
    let rows = store.studies_with_id(read.patient.id.reveal());
    let entries: Vec<StudyEntry> = rows
        .unwrap_or_default()
        .into_iter()
        .map(StudyEntry::of_row)
        .filter(|other| other.key != read.key && same_patient(&other.patient, &read.patient))
        .collect();
    let chosen = wanted(read, entries.iter().collect());
    let with_files = |entry: &StudyEntry| {
        let files = store.study_files(&entry.uid).unwrap_or_default();
        (entry.clone(), files)
    };
    chosen.into_iter().map(with_files).collect()
}

impl Workspace {
    /// Has the store say where the other studies of the patient on the screen lie, once for each study that is shown.
    pub(super) fn fetch_beside(&mut self) {
        let index = Arc::clone(self.list.index());
        let shown = self.study_shown().and_then(|key| index.row_of(key));
        let Some(read) = shown.and_then(|row| index.get(row)) else {
            return;
        };
        // Who has no number cannot be told from others without one.
        if read.patient.id.reveal().trim().is_empty() || self.list.beside.contains(&read.key) {
            return;
        }
        let asked = self.ask_known(|answered| KnownAsk::Beside(Box::new(read.clone()), answered));
        if asked {
            self.list.beside.insert(read.key);
        }
    }

    /// Whether a study of a patient is among what is open.
    fn is_open(&self, entry: &StudyEntry) -> bool {
        let patients = self.library.patients.iter();
        let mut of_patient = patients.filter(|p| same_patient(&p.identity, &entry.patient));
        of_patient.any(|p| p.studies.iter().any(|s| s.description.uid == entry.uid))
    }

    /// Reads the others, unless the reader has gone on to somebody else.
    pub(super) fn take_beside(
        &mut self,
        read: &StudyEntry,
        others: Vec<(StudyEntry, Vec<PathBuf>)>,
    ) {
        let shown = self.active_viewport().and_then(|v| v.patient());
        if !shown.is_some_and(|shown| same_patient(&read.patient, shown)) {
            // Asked for again when it is shown.
            self.list.beside.remove(&read.key);
            return;
        }
        let closed = others.into_iter().filter(|(other, _)| !self.is_open(other));
        let paths = closed.flat_map(|(_, paths)| paths).collect();
        self.read(paths);
    }
}

#[cfg(test)]
mod tests {
    use super::{super::row::tests::entry, *};

    #[test]
    fn studies_of_the_same_kind_come_first_then_the_nearest_and_not_without_end() {
        let of = |uid: &str, date: &str, modality: &str, images: usize| StudyEntry {
            images,
            ..entry(uid, "Doe^Jane", "A", date, modality, "")
        };
        let read = of("0", "20260316", "CT", 1);
        let others = [
            of("1", "20260310", "DX", 1),
            of("2", "20200101", "CT", 1),
            of("3", "20250101", "CT", 1),
            of("4", "", "CT", 1),
        ];
        let uids =
            |found: Vec<&StudyEntry>| found.iter().map(|e| e.uid.clone()).collect::<Vec<_>>();
        assert_eq!(
            uids(wanted(&read, others.iter().collect())),
            ["3", "2", "4", "1"]
        );
        let large = [
            of("1", "20260101", "CT", MOST_IMAGES),
            of("2", "20250101", "CT", 1),
        ];
        assert_eq!(uids(wanted(&read, large.iter().collect())), ["1"]);
        let many: Vec<StudyEntry> = (0..100)
            .map(|n| of(&n.to_string(), "20250101", "CT", 1))
            .collect();
        assert_eq!(wanted(&read, many.iter().collect()).len(), MOST_STUDIES);
    }
}
