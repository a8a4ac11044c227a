//! How far a study has been read.

/// Read status of a study.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReadStatus {
    /// Nobody has looked at it.
    #[default]
    New,
    /// Somebody is reading it.
    InProgress,
    /// Somebody wants another look at it.
    Flagged,
    /// Read, to be confirmed.
    Preliminary,
    /// Read.
    Final,
}

impl ReadStatus {
    /// All, from unread to read.
    pub const ALL: [Self; 5] = [
        Self::New,
        Self::InProgress,
        Self::Flagged,
        Self::Preliminary,
        Self::Final,
    ];

    /// Stable name, as in files and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::InProgress => "in-progress",
            Self::Flagged => "flagged",
            Self::Preliminary => "preliminary",
            Self::Final => "final",
        }
    }

    /// The status with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}
