//! The labels that are offered for marks, with their codes (`assets/mark_labels.toml`). Any other text may be a label,
//! too; it then has no code.

use crate::{i18n::Language, model::annotation::Code};
use serde::Deserialize;
use std::sync::LazyLock;

/// A label with its code.
#[derive(Clone, Debug, Deserialize)]
pub struct MarkLabel {
    /// `label-NAME` is its message.
    name: String,
    value: String,
    scheme: String,
    meaning: String,
}

#[derive(Deserialize)]
struct LabelFile {
    #[serde(default)]
    label: Vec<MarkLabel>,
}

static LABELS: LazyLock<Vec<MarkLabel>> = LazyLock::new(|| {
    toml::from_str::<LabelFile>(include_str!("../../../assets/mark_labels.toml"))
        .map(|file| file.label)
        .unwrap_or_default()
});

/// All labels, in the order in which they are offered.
pub fn labels() -> &'static [MarkLabel] {
    &LABELS
}

/// The labels whose word in the reader's language holds a text, those that begin with it first; all where it is empty.
pub fn matching(language: Language, text: &str) -> impl Iterator<Item = &'static MarkLabel> {
    let text = text.trim().to_lowercase();
    let word = |label: &MarkLabel| label.word(language).to_lowercase();
    let mut found: Vec<(bool, &'static MarkLabel)> = labels()
        .iter()
        .map(|label| (word(label), label))
        .filter(|(word, _)| word.contains(&text))
        .map(|(word, label)| (!word.starts_with(&text), label))
        .collect();
    found.sort_by_key(|(later, _)| *later);
    found.into_iter().map(|(_, label)| label)
}

/// The label that a text is the word of, in the reader's language, in any case.
pub fn exact(language: Language, text: &str) -> Option<&'static MarkLabel> {
    let text = text.trim().to_lowercase();
    labels()
        .iter()
        .find(|label| label.word(language).to_lowercase() == text)
}

impl MarkLabel {
    /// In the reader's language.
    pub fn word(&self, language: Language) -> String {
        let key = format!("label-{}", self.name);
        let word = language.find(&key, &[]);
        word.unwrap_or_else(|| self.meaning.clone())
    }

    /// The code that files get.
    pub fn code(&self) -> Code {
        Code {
            value: self.value.clone(),
            scheme: self.scheme.clone(),
            meaning: self.meaning.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn what_is_typed_finds_the_words_that_hold_it() {
        let words = |language, text: &str| {
            let found = matching(language, text).map(|l| l.word(language));
            found.collect::<Vec<_>>()
        };
        let found = words(Language::English, " NOD");
        assert_eq!(found, ["Nodule", "Lymph node"]);
        assert_eq!(words(Language::SimplifiedChinese, "结节")[0], "结节");
        assert_eq!(words(Language::English, "").len(), labels().len());
        let code = |text| exact(Language::English, text).map(|l| l.code().value);
        assert_eq!(code("cyst ").as_deref(), Some("367643001"));
        assert_eq!(code("cys"), None);
    }

    #[test]
    fn every_label_has_its_word_in_both_languages_and_a_code_of_its_own() {
        assert!(labels().len() >= 20, "the table was read");
        let mut codes = BTreeSet::new();
        for label in labels() {
            for language in Language::ALL {
                let word = language.find(&format!("label-{}", label.name), &[]);
                assert!(word.is_some(), "{} in {language:?}", label.name);
            }
            assert!(
                codes.insert((&label.scheme, &label.value)),
                "{}",
                label.name
            );
            assert!(matches!(label.scheme.as_str(), "SCT" | "DCM" | "RADLEX"));
            assert!(!label.meaning.is_empty() && label.meaning.len() <= 64);
        }
    }
}
