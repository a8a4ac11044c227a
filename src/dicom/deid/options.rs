//! What is asked of a de-identification: the Basic Profile and its options (PS3.15 annex E).

use super::table::{COLUMNS, Mark, Row};

/// An option of the Basic Application Level Confidentiality Profile (PS3.15 E.3), in the order of the table's columns
/// where it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DeidOption {
    /// UIDs stay.
    RetainUids,
    /// Identity of devices stays.
    RetainDevice,
    /// Identity of institutions stays.
    RetainInstitution,
    /// Age, size, weight and the like stay.
    RetainPatient,
    /// Dates and times stay.
    RetainFullDates,
    /// Dates are moved by a number of days that is the patient's own.
    RetainModifiedDates,
    /// Descriptions stay as far as their words are known to be harmless.
    CleanDescriptors,
    /// Contents of reports stay as far as they are codes, numbers and places.
    CleanStructuredContent,
    /// Drawn marks and overlays stay.
    CleanGraphics,
    /// Private attributes stay that are known to be safe.
    RetainSafePrivate,
    /// Text in the pixels is covered.
    CleanPixels,
    /// Faces are taken out of pictures of the head.
    CleanFaces,
}

impl DeidOption {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::RetainUids,
        Self::RetainDevice,
        Self::RetainInstitution,
        Self::RetainPatient,
        Self::RetainFullDates,
        Self::RetainModifiedDates,
        Self::CleanDescriptors,
        Self::CleanStructuredContent,
        Self::CleanGraphics,
        Self::RetainSafePrivate,
        Self::CleanPixels,
        Self::CleanFaces,
    ];

    /// Its word on the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::RetainUids => "retain-uids",
            Self::RetainDevice => "retain-device",
            Self::RetainInstitution => "retain-institution",
            Self::RetainPatient => "retain-patient-characteristics",
            Self::RetainFullDates => "retain-full-dates",
            Self::RetainModifiedDates => "retain-modified-dates",
            Self::CleanDescriptors => "clean-descriptors",
            Self::CleanStructuredContent => "clean-structured-content",
            Self::CleanGraphics => "clean-graphics",
            Self::RetainSafePrivate => "retain-safe-private",
            Self::CleanPixels => "clean-pixels",
            Self::CleanFaces => "clean-faces",
        }
    }

    /// The option of a word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|option| option.word() == word)
    }

    /// Its code and meaning in the De-identification Method Code Sequence (PS3.16 CID 7050).
    pub(super) const fn code(self) -> (&'static str, &'static str) {
        match self {
            Self::RetainUids => ("113110", "Retain UIDs Option"),
            Self::RetainDevice => ("113109", "Retain Device Identity Option"),
            Self::RetainInstitution => ("113112", "Retain Institution Identity Option"),
            Self::RetainPatient => ("113108", "Retain Patient Characteristics Option"),
            Self::RetainFullDates => (
                "113106",
                "Retain Longitudinal Temporal Information Full Dates Option",
            ),
            Self::RetainModifiedDates => (
                "113107",
                "Retain Longitudinal Temporal Information Modified Dates Option",
            ),
            Self::CleanDescriptors => ("113105", "Clean Descriptors Option"),
            Self::CleanStructuredContent => ("113104", "Clean Structured Content Option"),
            Self::CleanGraphics => ("113103", "Clean Graphics Option"),
            Self::RetainSafePrivate => ("113111", "Retain Safe Private Option"),
            Self::CleanPixels => ("113101", "Clean Pixel Data Option"),
            Self::CleanFaces => ("113102", "Clean Recognizable Visual Features Option"),
        }
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// Which options are on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeidOptions(u16);

impl DeidOptions {
    /// With one more.
    #[must_use]
    pub const fn with(self, option: DeidOption) -> Self {
        Self(self.0 | option.bit())
    }

    /// Without one.
    #[must_use]
    pub const fn without(self, option: DeidOption) -> Self {
        Self(self.0 & !option.bit())
    }

    /// Whether one is on.
    pub const fn has(self, option: DeidOption) -> bool {
        self.0 & option.bit() != 0
    }

    /// Those that are on.
    pub fn iter(self) -> impl Iterator<Item = DeidOption> {
        DeidOption::ALL
            .into_iter()
            .filter(move |option| self.has(*option))
    }

    /// Whether two of them exclude each other: dates stay, or they are moved.
    pub const fn contradict(self) -> bool {
        self.has(DeidOption::RetainFullDates) && self.has(DeidOption::RetainModifiedDates)
    }

    /// What the options that are on say of a row. To keep counts over to clean.
    pub(super) fn of_row(self, row: &Row) -> Option<(Mark, DeidOption)> {
        let columns = DeidOption::ALL.iter().take(COLUMNS);
        let marks = row.options.iter().zip(columns);
        let mut found = None;
        for (mark, option) in marks.filter(|(_, option)| self.has(**option)) {
            match mark {
                Some(Mark::Keep) => return Some((Mark::Keep, *option)),
                Some(Mark::Clean) if found.is_none() => found = Some((Mark::Clean, *option)),
                _ => {}
            }
        }
        found
    }
}

impl FromIterator<DeidOption> for DeidOptions {
    fn from_iter<I: IntoIterator<Item = DeidOption>>(options: I) -> Self {
        options.into_iter().fold(Self::default(), Self::with)
    }
}
