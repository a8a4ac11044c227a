//! What can go wrong with a store.

use crate::{
    clinical::FhirError,
    model::{access::Right, edit::EditConflict},
};
use std::{io, path::Path};

/// Why a store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No store in this folder.
    #[error("there is no store here: {0}")]
    Missing(String),
    /// A store is here already.
    #[error("there is a store here already: {0}")]
    Exists(String),
    /// The folder holds other things.
    #[error("the folder is not empty: {0}")]
    NotEmpty(String),
    /// The key file is sound and the passphrase does not open it.
    #[error("wrong passphrase")]
    WrongPassphrase,
    /// A part of the store is not as it was written.
    #[error("the store is damaged: {part}: {detail}")]
    Damaged {
        /// Which part: `key file`, `database`, `journal`.
        part: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// Written by a later version of the program; nothing was touched.
    #[error("the {part} has format {found}, this program reads up to {known}")]
    NewerVersion {
        /// Which part.
        part: &'static str,
        /// Its version.
        found: u32,
        /// The latest known here.
        known: u32,
    },
    /// Another process has the store open.
    #[error("the store is in use by another window or command")]
    Busy,
    /// The disk or the system refused.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The database refused; the words are those of SQLite's error code, without content.
    #[error("database: {0}")]
    Database(String),
    /// An edit does not fit the marks as they are.
    #[error("the edit does not fit: {0:?}")]
    Conflict(EditConflict),
    /// An edit that no journal takes.
    #[error("the edit is not valid: {0}")]
    InvalidEdit(&'static str),
    /// The journal refused earlier and must be opened anew.
    #[error("an earlier write failed; open the store again")]
    Poisoned,
    /// Not FHIR.
    #[error(transparent)]
    Fhir(#[from] FhirError),
    /// A Patient resource has the id of a stored patient who is another person.
    #[error(
        "a patient of the file has the id of another person in the store; nothing was imported"
    )]
    PatientConflict,
    /// The role of the account does not allow it; nothing was done.
    #[error("the account may not do this: {}", .0.name())]
    NotAllowed(Right),
    /// The role allows it, but the store was opened by what the computer remembers; nothing was done.
    #[error("this needs the passphrase itself: {}", .0.name())]
    NeedsPassphrase(Right),
    /// This computer remembers no key of the store for the account, or it was taken back.
    #[error("this computer remembers no key of the store")]
    NotRemembered,
    /// The keyring of the operating system.
    #[error(transparent)]
    Keyring(#[from] super::remember::SecretsError),
    /// Too many wrong passphrases.
    #[error("too many wrong passphrases; wait {seconds} seconds")]
    TooManyTries {
        /// How long.
        seconds: u64,
    },
    /// An account that cannot be made or changed like this.
    #[error("{0}")]
    InvalidAccount(&'static str),
    /// No such study.
    #[error("there is no such study in the store")]
    UnknownStudy,
    /// Its UID is that of a study of somebody else too.
    #[error("several patients have a study of this UID; nothing was written")]
    SharedStudy,
    /// No such patient.
    #[error("there is no such patient in the store")]
    UnknownPatient,
}

impl StoreError {
    /// An error of the system.
    pub(crate) fn io(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, source }
    }

    /// Damage of a part.
    pub(crate) fn damaged(part: &'static str, detail: impl Into<String>) -> Self {
        Self::Damaged {
            part,
            detail: detail.into(),
        }
    }

    /// The folder, named last.
    pub(crate) fn name(dir: &Path) -> String {
        dir.display().to_string()
    }

    /// Whether the system denied access or the medium is read-only.
    pub fn is_denied(&self) -> bool {
        matches!(self, Self::Io { source, .. } if matches!(
            source.kind(),
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
        ))
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        let doing = "writing the database";
        let io_error = |kind: io::ErrorKind| Self::Io {
            doing,
            source: kind.into(),
        };
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                Self::damaged("database", "a page is not as it was written")
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            Some(ErrorCode::DiskFull) => io_error(io::ErrorKind::StorageFull),
            Some(ErrorCode::ReadOnly) => io_error(io::ErrorKind::ReadOnlyFilesystem),
            Some(ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
                io_error(io::ErrorKind::PermissionDenied)
            }
            Some(ErrorCode::SystemIoFailure) => Self::Io {
                doing,
                source: io::Error::other("input/output error"),
            },
            // The text of the statement and its values stay out of the message.
            Some(code) => Self::Database(format!("{code:?}")),
            None => Self::Database("a row is not as expected".into()),
        }
    }
}
