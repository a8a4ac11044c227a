//! Who may do what: roles, and the rights that they have.

/// What an account of a store may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Looks.
    Viewer,
    /// Looks and marks.
    Annotator,
    /// Reads: marks, reports, states.
    Reader,
    /// Everything, and the accounts.
    Admin,
}

impl Role {
    /// All of them, the least first.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Annotator, Self::Reader, Self::Admin];

    /// Its word on the command line and in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Annotator => "annotator",
            Self::Reader => "reader",
            Self::Admin => "admin",
        }
    }

    /// The role of a word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == word)
    }

    /// Whether it has a right.
    pub fn may(self, right: Right) -> bool {
        self >= right.least()
    }
}

/// One thing that may be allowed or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Right {
    /// See the studies of the store.
    ViewStudies,
    /// See records of patients.
    ViewRecords,
    /// Search the store.
    Search,
    /// Arrange the window, which is kept.
    Arrange,
    /// Change the own passphrase.
    ChangeOwnPassphrase,
    /// Use what the role does not allow, with a reason that is written down.
    BreakGlass,
    /// Look the store over.
    VerifyStore,
    /// Draw and change marks.
    Annotate,
    /// Choose key images.
    KeyImages,
    /// Give pictures a scale.
    Calibrate,
    /// Let networks draw masks.
    Segment,
    /// Write marks out as objects.
    ExportMarks,
    /// Say how far the reading is.
    ReadStatus,
    /// Write reports.
    Report,
    /// Write pictures out.
    ExportImages,
    /// Write reports out.
    ExportReports,
    /// Write records out.
    ExportRecords,
    /// Write copies without identity.
    Anonymize,
    /// Take studies into the store.
    ImportStudies,
    /// Take records into the store.
    ImportRecords,
    /// Say that two records are of one person, or that a record belongs to a study.
    LinkRecords,
    /// Take everything about a patient out of the store.
    ErasePatient,
    /// Copy the store.
    Backup,
    /// Put a copy in the place of the store.
    Restore,
    /// Repair the store.
    Recover,
    /// Give the store another key.
    Rekey,
    /// Add, change and remove accounts.
    ManageUsers,
    /// Read the log of who did what.
    ReadAudit,
    /// Write that log out.
    ExportAudit,
}

impl Right {
    /// All of them.
    pub const ALL: [Self; 29] = [
        Self::ViewStudies,
        Self::ViewRecords,
        Self::Search,
        Self::Arrange,
        Self::ChangeOwnPassphrase,
        Self::BreakGlass,
        Self::VerifyStore,
        Self::Annotate,
        Self::KeyImages,
        Self::Calibrate,
        Self::Segment,
        Self::ExportMarks,
        Self::ReadStatus,
        Self::Report,
        Self::ExportImages,
        Self::ExportReports,
        Self::ExportRecords,
        Self::Anonymize,
        Self::ImportStudies,
        Self::ImportRecords,
        Self::LinkRecords,
        Self::ErasePatient,
        Self::Backup,
        Self::Restore,
        Self::Recover,
        Self::Rekey,
        Self::ManageUsers,
        Self::ReadAudit,
        Self::ExportAudit,
    ];

    /// Its word on the command line and in the log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ViewStudies => "view-studies",
            Self::ViewRecords => "view-records",
            Self::Search => "search",
            Self::Arrange => "arrange",
            Self::ChangeOwnPassphrase => "change-own-passphrase",
            Self::BreakGlass => "break-glass",
            Self::VerifyStore => "verify-store",
            Self::Annotate => "annotate",
            Self::KeyImages => "key-images",
            Self::Calibrate => "calibrate",
            Self::Segment => "segment",
            Self::ExportMarks => "export-marks",
            Self::ReadStatus => "read-status",
            Self::Report => "report",
            Self::ExportImages => "export-images",
            Self::ExportReports => "export-reports",
            Self::ExportRecords => "export-records",
            Self::Anonymize => "anonymize",
            Self::ImportStudies => "import-studies",
            Self::ImportRecords => "import-records",
            Self::LinkRecords => "link-records",
            Self::ErasePatient => "erase-patient",
            Self::Backup => "backup",
            Self::Restore => "restore",
            Self::Recover => "recover",
            Self::Rekey => "rekey",
            Self::ManageUsers => "manage-users",
            Self::ReadAudit => "read-audit",
            Self::ExportAudit => "export-audit",
        }
    }

    /// The right of a word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|right| right.name() == word)
    }

    /// The least role that has it.
    const fn least(self) -> Role {
        match self {
            Self::ViewStudies
            | Self::ViewRecords
            | Self::Search
            | Self::Arrange
            | Self::ChangeOwnPassphrase
            | Self::BreakGlass
            | Self::VerifyStore => Role::Viewer,
            Self::Annotate
            | Self::KeyImages
            | Self::Calibrate
            | Self::Segment
            | Self::ExportMarks => Role::Annotator,
            Self::ReadStatus
            | Self::Report
            | Self::ExportImages
            | Self::ExportReports
            | Self::ExportRecords
            | Self::Anonymize
            | Self::ImportStudies
            | Self::ImportRecords
            | Self::LinkRecords => Role::Reader,
            Self::ErasePatient
            | Self::Backup
            | Self::Restore
            | Self::Recover
            | Self::Rekey
            | Self::ManageUsers
            | Self::ReadAudit
            | Self::ExportAudit => Role::Admin,
        }
    }
}

/// Something that the log of a store keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AuditKind {
    /// The store was made, and the log with it.
    Begun,
    /// The store was opened.
    Opened,
    /// It was closed.
    Closed,
    /// Passphrases were tried in vain.
    LoginFailed,
    /// The window was locked.
    Locked,
    /// It was unlocked.
    Unlocked,
    /// More was allowed than the role allows.
    BreakGlass,
    /// Something was refused, because the role does not allow it.
    Denied,
    /// The store was searched or listed.
    Query,
    /// A study was opened.
    StudyViewed,
    /// The record of a patient was looked at.
    RecordViewed,
    /// Marks, states, reports or views were changed.
    Edited,
    /// A change was taken back or done again.
    Undone,
    /// Files of a study were kept in the store.
    ImagesKept,
    /// Studies were taken in.
    StudiesImported,
    /// Records were taken in.
    RecordsImported,
    /// Something was written out.
    Exported,
    /// Copies without identity were written.
    Anonymized,
    /// A patient was taken out.
    Erased,
    /// The store was looked over.
    Verified,
    /// The store was copied.
    BackedUp,
    /// A copy took the place of the store.
    Restored,
    /// The store was repaired.
    Recovered,
    /// The store was given another key.
    Rekeyed,
    /// An account was added.
    UserAdded,
    /// An account was removed.
    UserRemoved,
    /// An account has another role.
    RoleChanged,
    /// A passphrase was changed.
    PassphraseChanged,
    /// A computer was let remember the key.
    KeyRemembered,
    /// What a computer remembered was taken back.
    KeyForgotten,
    /// The log was read or written out.
    AuditRead,
    /// The log was found damaged; a new one began.
    AuditDamaged,
    /// Something failed.
    Failed,
}

impl AuditKind {
    /// All of them.
    pub const ALL: [Self; 33] = [
        Self::Begun,
        Self::Opened,
        Self::Closed,
        Self::LoginFailed,
        Self::Locked,
        Self::Unlocked,
        Self::BreakGlass,
        Self::Denied,
        Self::Query,
        Self::StudyViewed,
        Self::RecordViewed,
        Self::Edited,
        Self::Undone,
        Self::StudiesImported,
        Self::ImagesKept,
        Self::RecordsImported,
        Self::Exported,
        Self::Anonymized,
        Self::Erased,
        Self::Verified,
        Self::BackedUp,
        Self::Restored,
        Self::Recovered,
        Self::Rekeyed,
        Self::UserAdded,
        Self::UserRemoved,
        Self::RoleChanged,
        Self::PassphraseChanged,
        Self::KeyRemembered,
        Self::KeyForgotten,
        Self::AuditRead,
        Self::AuditDamaged,
        Self::Failed,
    ];

    /// Its word in the log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Opened => "opened",
            Self::Closed => "closed",
            Self::LoginFailed => "login-failed",
            Self::Locked => "locked",
            Self::Unlocked => "unlocked",
            Self::BreakGlass => "break-glass",
            Self::Denied => "denied",
            Self::Query => "query",
            Self::StudyViewed => "study-viewed",
            Self::RecordViewed => "record-viewed",
            Self::Edited => "edited",
            Self::Undone => "undone",
            Self::ImagesKept => "images-kept",
            Self::StudiesImported => "studies-imported",
            Self::RecordsImported => "records-imported",
            Self::Exported => "exported",
            Self::Anonymized => "anonymized",
            Self::Erased => "erased",
            Self::Verified => "verified",
            Self::BackedUp => "backed-up",
            Self::Restored => "restored",
            Self::Recovered => "recovered",
            Self::Rekeyed => "rekeyed",
            Self::UserAdded => "user-added",
            Self::UserRemoved => "user-removed",
            Self::RoleChanged => "role-changed",
            Self::PassphraseChanged => "passphrase-changed",
            Self::KeyRemembered => "key-remembered",
            Self::KeyForgotten => "key-forgotten",
            Self::AuditRead => "audit-read",
            Self::AuditDamaged => "audit-damaged",
            Self::Failed => "failed",
        }
    }

    /// The kind of a word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lead_back_and_rights_grow_with_roles() {
        for role in Role::ALL {
            assert_eq!(Role::named(role.name()), Some(role));
        }
        for right in Right::ALL {
            assert_eq!(Right::named(right.name()), Some(right));
            let may: Vec<bool> = Role::ALL.iter().map(|r| r.may(right)).collect();
            assert!(may.is_sorted() && may[3], "{right:?}: {may:?}");
        }
        for kind in AuditKind::ALL {
            assert_eq!(AuditKind::named(kind.name()), Some(kind));
        }
        assert!(Role::Viewer.may(Right::ViewStudies) && !Role::Viewer.may(Right::Annotate));
        assert!(Role::Annotator.may(Right::Annotate) && !Role::Annotator.may(Right::Report));
        assert!(Role::Reader.may(Right::Report) && !Role::Reader.may(Right::ManageUsers));
    }
}
