//! What somebody could think of: alerts, interactions, follow-up intervals, response, growth, and diseases by Bayes.
//!
//! Must stay true: every suggestion lists its factors, each with a weight, the fact it comes from and where the weight
//! is published; nothing is hidden behind a score. Research only: nothing here decides, and what is not known is said,
//! not assumed.

pub mod bayes;
pub mod course;
pub mod facts;
pub mod followup;
pub mod growth;
pub mod renal;
pub mod response;
pub mod safety;

pub use facts::{Facts, facts_of};

/// Words in both languages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// English.
    pub english: String,
    /// Chinese.
    pub chinese: String,
}

impl Words {
    /// From two texts.
    pub fn new(english: impl Into<String>, chinese: impl Into<String>) -> Self {
        Self {
            english: english.into(),
            chinese: chinese.into(),
        }
    }

    /// The text in Chinese or English.
    pub fn get(&self, chinese: bool) -> &str {
        if chinese {
            &self.chinese
        } else {
            &self.english
        }
    }
}
