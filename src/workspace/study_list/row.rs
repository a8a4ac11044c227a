//! A row of the list: one study of one patient, from what is open or from the store's index.

use crate::{
    model::{
        date::Date,
        identity::{PatientIdentity, Phi},
        worklist::Priority,
    },
    store::StudyRow,
    workspace::library::{PatientKey, PatientNode, StudyNode},
};
use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
};

/// Where the files of a study are, as far as the store says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Held {
    /// The store does not know of them.
    #[default]
    Unknown,
    /// It knows where they lie.
    Referenced,
    /// It keeps some of them.
    Partly,
    /// It keeps all.
    Kept,
}

impl Held {
    /// How many of how many files the store keeps.
    const fn of(kept: usize, files: usize) -> Self {
        match (kept, files) {
            (0, _) => Self::Referenced,
            (kept, files) if kept >= files => Self::Kept,
            _ => Self::Partly,
        }
    }

    /// Key of the message catalogue; none where the store does not know of them.
    pub const fn message_key(self) -> Option<&'static str> {
        match self {
            Self::Unknown => None,
            Self::Referenced => Some("list-files-referenced"),
            Self::Partly => Some("list-files-partly"),
            Self::Kept => Some("list-files-kept"),
        }
    }
}

/// One study of one patient.
#[derive(Clone, Debug)]
pub struct StudyEntry {
    /// Identity of the row: of the study's UID and of everything that identifies the patient. The same in every run of
    /// one build, and in no file.
    pub key: u64,
    /// Whose.
    pub patient: Arc<PatientIdentity>,
    /// Study Instance UID.
    pub uid: String,
    /// Study Date.
    pub date: Option<Date>,
    /// Study Time as `hh:mm:ss`, empty when absent.
    pub time: String,
    /// Study Description.
    pub description: String,
    /// Accession Number.
    pub accession: Phi<String>,
    /// Modalities, sorted.
    pub modalities: Vec<String>,
    /// Number of pictures.
    pub images: usize,
    /// How soon it is wanted.
    pub priority: Priority,
    /// It is open; else its files are known to the store only.
    pub open: bool,
    /// Where its files are.
    pub held: Held,
}

impl StudyEntry {
    /// A study that is open.
    pub fn of_node(patient: &PatientNode, study: &StudyNode) -> Self {
        let described = study.description.as_ref();
        let series = study.series.iter().map(|s| &s.description.modality);
        let objects = study.objects.iter().map(|o| &o.instance.series.modality);
        let mut modalities: Vec<String> = series
            .chain(objects)
            .filter(|m| !m.is_empty())
            .cloned()
            .collect();
        modalities.sort_unstable();
        modalities.dedup();
        Self {
            key: key_of(&described.uid, &patient.identity),
            patient: Arc::clone(&patient.identity),
            uid: described.uid.clone(),
            date: described.date,
            time: described.time.clone(),
            description: described.description.clone(),
            accession: described.accession_number.clone(),
            modalities,
            images: study.series.iter().map(|s| s.layout.frames.len()).sum(),
            priority: described.priority,
            open: true,
            held: Held::Unknown,
        }
    }

    /// A study of the store's index.
    pub fn of_row(row: StudyRow) -> Self {
        Self {
            key: key_of(&row.uid, &row.patient),
            patient: Arc::new(row.patient),
            uid: row.uid,
            date: row.date,
            time: row.time,
            description: row.description,
            accession: row.accession,
            modalities: row.modalities,
            images: row.images,
            priority: Priority::Unknown,
            open: false,
            held: Held::of(row.kept, row.instances),
        }
    }

    /// Bytes that suffice for the row's key: folding never makes a text longer than three times, names stand there twice.
    pub(super) fn key_room(&self) -> usize {
        let name = self.patient.name.reveal();
        let names = name.alphabetic.len() + name.ideographic.len() + name.phonetic.len();
        let others = self.patient.id.reveal().len()
            + self.accession.reveal().len()
            + self.description.len()
            + self.modalities.iter().map(|m| m.len() + 1).sum::<usize>();
        6 * names + 3 * others + 40
    }
}

/// Identity of a row: patients are told apart as in the library.
pub fn key_of(study_uid: &str, patient: &PatientIdentity) -> u64 {
    let mut hasher = DefaultHasher::new();
    study_uid.hash(&mut hasher);
    PatientKey::of(patient).hash(&mut hasher);
    hasher.finish()
}

/// A column of the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Column {
    /// Patient's name.
    Patient,
    /// Patient ID.
    Id,
    /// Study date and time.
    #[default]
    Date,
    /// Modalities.
    Modality,
    /// Study description.
    Description,
    /// Number of pictures.
    Images,
    /// How far the reading is. Sorted by the list, which knows.
    Status,
    /// How soon it is wanted.
    Priority,
}

impl Column {
    /// All, from left to right.
    pub const ALL: [Self; 8] = [
        Self::Patient,
        Self::Id,
        Self::Date,
        Self::Modality,
        Self::Description,
        Self::Images,
        Self::Status,
        Self::Priority,
    ];

    /// Key of the message catalogue.
    pub const fn message_key(self) -> &'static str {
        match self {
            Self::Patient => "list-column-patient",
            Self::Id => "list-column-id",
            Self::Date => "list-column-date",
            Self::Modality => "list-column-modality",
            Self::Description => "list-column-description",
            Self::Images => "list-column-images",
            Self::Status => "list-column-status",
            Self::Priority => "list-column-priority",
        }
    }

    /// What rows are compared by; never printed.
    pub(super) fn sort_key(self, entry: &StudyEntry) -> SortKey {
        let name = || entry.patient.name.reveal();
        match self {
            Self::Patient => {
                let (family, given) = name().comparison_key();
                SortKey::Text(family, given)
            }
            Self::Id => SortKey::Text(entry.patient.id.reveal().to_lowercase(), String::new()),
            Self::Date => SortKey::When(entry.date, entry.time.clone()),
            Self::Modality => SortKey::Text(entry.modalities.join("/"), String::new()),
            Self::Description => SortKey::Text(entry.description.to_lowercase(), String::new()),
            Self::Images => SortKey::Number(entry.images),
            Self::Priority => SortKey::Number(entry.priority as usize),
            Self::Status => SortKey::Number(0),
        }
    }
}

/// What rows are compared by.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum SortKey {
    Text(String, String),
    When(Option<Date>, String),
    Number(usize),
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::model::identity::PersonName;

    /// A row for tests.
    pub fn entry(
        uid: &str,
        name: &str,
        id: &str,
        date: &str,
        modality: &str,
        description: &str,
    ) -> StudyEntry {
        let patient = PatientIdentity {
            name: Phi::new(PersonName::parse(name)),
            id: Phi::new(id.to_owned()),
            ..PatientIdentity::default()
        };
        StudyEntry {
            key: key_of(uid, &patient),
            patient: Arc::new(patient),
            uid: uid.to_owned(),
            date: Date::parse(date),
            time: String::new(),
            description: description.to_owned(),
            accession: Phi::default(),
            modalities: vec![modality.to_owned()],
            images: 1,
            priority: Priority::Unknown,
            open: false,
            held: Held::Unknown,
        }
    }

    #[test]
    fn what_is_said_of_files_follows_from_their_numbers() {
        for (kept, files, held) in [
            (0, 3, Held::Referenced),
            (1, 3, Held::Partly),
            (3, 3, Held::Kept),
        ] {
            assert_eq!(Held::of(kept, files), held);
            assert!(held.message_key().is_some());
        }
        assert_eq!(Held::Unknown.message_key(), None);
    }

    #[test]
    fn one_study_of_two_patients_is_two_rows() {
        let one = entry("1", "Doe^Jane", "A", "", "CT", "");
        let other = entry("1", "Doe^Jane", "B", "", "CT", "");
        assert_ne!(one.key, other.key);
        assert_eq!(
            one.key,
            entry("1", "Doe^Jane", "A", "20200101", "MR", "x").key
        );
    }
}
