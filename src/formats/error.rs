//! Why a file was refused, in the words of the rest of the program: a class, a stable code, one sentence.
//!
//! Must stay true: no sentence carries a path, a name from the file or a free text value of a header.

use crate::model::study::{Rejection, RejectionKind};
use std::{io, path::Path, sync::Arc};

/// A refusal. The sentence is English and free of identity; the path is added by whoever knows it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// Malformed, truncated, or not one of these formats.
    #[error("{detail}")]
    Rejected {
        /// Stable upper-case code, for example `DATA_CUT`.
        code: &'static str,
        /// One sentence.
        detail: String,
    },
    /// Would cost more than the budget.
    #[error("{detail}")]
    Limit {
        /// Stable upper-case code.
        code: &'static str,
        /// One sentence.
        detail: String,
    },
    /// Well formed, but not supported.
    #[error("{detail}")]
    Unsupported {
        /// Stable upper-case code.
        code: &'static str,
        /// One sentence.
        detail: String,
    },
    /// The disk did not give or take it.
    #[error("{detail}")]
    Io {
        /// Stable upper-case code.
        code: &'static str,
        /// One sentence.
        detail: String,
    },
}

impl FormatError {
    pub(super) fn rejected(code: &'static str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self::Rejected { code, detail }
    }

    pub(super) fn limit(code: &'static str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self::Limit { code, detail }
    }

    pub(super) fn unsupported(code: &'static str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self::Unsupported { code, detail }
    }

    /// Class of the refusal; decides the exit code.
    pub const fn kind(&self) -> RejectionKind {
        match self {
            Self::Rejected { .. } => RejectionKind::Rejected,
            Self::Limit { .. } => RejectionKind::Limit,
            Self::Unsupported { .. } => RejectionKind::Unsupported,
            Self::Io { .. } => RejectionKind::Io,
        }
    }

    /// Stable upper-case code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Rejected { code, .. }
            | Self::Limit { code, .. }
            | Self::Unsupported { code, .. }
            | Self::Io { code, .. } => code,
        }
    }

    /// With the file it is about.
    pub fn rejection(self, path: Arc<Path>) -> Rejection {
        Rejection {
            path,
            outcome: self.kind(),
            code: self.code(),
            detail: self.to_string(),
        }
    }
}

impl From<io::Error> for FormatError {
    fn from(error: io::Error) -> Self {
        // The kind only: the text of the system may name the file.
        Self::Io {
            code: "IO",
            detail: format!("the disk did not do it: {}", error.kind()),
        }
    }
}
