//! What the program noticed about its input: one data type for the banner, `inspect --check` and reports,
//! so what a test sees is what the user sees.

use std::fmt;

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// The picture or a number needs care.
    Warning,
    /// The input, or a part of it, cannot be used.
    Error,
}

impl Severity {
    /// Stable lower-case word for JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One thing noticed. The sentence is English and free of identity; the window translates by code.
#[derive(Clone, PartialEq)]
pub struct Finding {
    /// Stable upper-case code, for example `SLICE_GAP`. It is also the key of the message catalogue
    /// (`finding-slice-gap`), with [`Finding::numbers`] and [`Finding::terms`] as arguments.
    pub code: &'static str,
    /// Weight.
    pub severity: Severity,
    /// Named numbers, in the order of the sentence.
    pub numbers: Vec<(&'static str, f64)>,
    /// Named words that are the same in every language, as names of attributes are.
    pub terms: Vec<(&'static str, String)>,
    /// The whole sentence in English, no full stop.
    pub sentence: String,
}

impl Finding {
    /// A finding without numbers.
    pub fn new(code: &'static str, severity: Severity, sentence: impl Into<String>) -> Self {
        Self {
            code,
            severity,
            numbers: Vec::new(),
            terms: Vec::new(),
            sentence: sentence.into(),
        }
    }

    /// Adds a named number.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: f64) -> Self {
        self.numbers.push((name, value));
        self
    }

    /// Adds a named word.
    #[must_use]
    pub fn with_term(mut self, name: &'static str, term: impl Into<String>) -> Self {
        self.terms.push((name, term.into()));
        self
    }

    /// The key of the message catalogue.
    pub fn message_key(&self) -> String {
        format!(
            "finding-{}",
            self.code.to_ascii_lowercase().replace('_', "-")
        )
    }
}

impl fmt::Debug for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.sentence)
    }
}
