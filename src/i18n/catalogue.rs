//! The messages of one language.

use super::{Language, Value};
use fluent_bundle::{FluentArgs, FluentResource, concurrent::FluentBundle};
use rustc_hash::FxHashMap;
use std::{fmt, sync::LazyLock};
use unic_langid::LanguageIdentifier;

static ENGLISH: LazyLock<Catalogue> = LazyLock::new(|| {
    Catalogue::read(
        Language::English,
        include_str!("../../assets/i18n/en.ftl").to_owned(),
    )
});

static SIMPLIFIED_CHINESE: LazyLock<Catalogue> = LazyLock::new(|| {
    Catalogue::read(
        Language::SimplifiedChinese,
        include_str!("../../assets/i18n/zh-CN.ftl").to_owned(),
    )
});

/// The messages of one language; shared by all threads, read once.
pub struct Catalogue {
    language: Language,
    bundle: FluentBundle<FluentResource>,
    /// Messages without placeables, ready to show. A window asks for hundreds in a frame.
    words: FxHashMap<String, String>,
    defects: Vec<String>,
}

impl Catalogue {
    /// The catalogue that is part of the program.
    pub fn of(language: Language) -> &'static Self {
        match language {
            Language::English => &ENGLISH,
            Language::SimplifiedChinese => &SIMPLIFIED_CHINESE,
        }
    }

    /// Reads a catalogue. What does not parse, or is there twice, is left out and named in [`Catalogue::defects`].
    pub fn read(language: Language, source: String) -> Self {
        let (resource, mut defects) = match FluentResource::try_new(source) {
            Ok(resource) => (resource, Vec::new()),
            Err((resource, errors)) => (resource, errors.iter().map(ToString::to_string).collect()),
        };
        let keys = message_keys(resource.source());
        let locale: LanguageIdentifier = language.tag().parse().unwrap_or_default();
        let mut bundle = FluentBundle::new_concurrent(vec![locale]);
        // No direction marks around arguments: both languages run from left to right, and egui draws the marks.
        bundle.set_use_isolating(false);
        if let Err(errors) = bundle.add_resource(resource) {
            defects.extend(errors.iter().map(ToString::to_string));
        }
        let mut words = FxHashMap::with_capacity_and_hasher(keys.len(), Default::default());
        for key in keys {
            let Some(pattern) = bundle.get_message(&key).and_then(|m| m.value()) else {
                continue;
            };
            // A pattern that cannot do without arguments reports that as an error.
            let mut errors = Vec::new();
            let text = bundle
                .format_pattern(pattern, None, &mut errors)
                .into_owned();
            if errors.is_empty() {
                words.insert(key, text);
            }
        }
        Self {
            language,
            bundle,
            words,
            defects,
        }
    }

    /// Its language.
    pub const fn language(&self) -> Language {
        self.language
    }

    /// What was wrong with the source; empty for the shipped catalogues (a test sees to it).
    pub fn defects(&self) -> &[String] {
        &self.defects
    }

    /// A message that takes no arguments.
    pub fn word(&self, key: &str) -> Option<&str> {
        self.words.get(key).map(String::as_str)
    }

    /// A message with its arguments put in; `None` when there is none, or an argument is missing.
    pub fn format(&self, key: &str, args: &[(&str, Value<'_>)]) -> Option<String> {
        if let Some(word) = self.words.get(key) {
            return Some(word.clone());
        }
        let pattern = self.bundle.get_message(key)?.value()?;
        let mut fluent = FluentArgs::with_capacity(args.len());
        for (name, value) in args {
            fluent.set(*name, value.to_fluent());
        }
        let mut errors = Vec::new();
        let text = self
            .bundle
            .format_pattern(pattern, Some(&fluent), &mut errors);
        errors.is_empty().then(|| text.into_owned())
    }
}

impl fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Catalogue({})", self.language.tag())
    }
}

/// Keys in order of the source: a message starts in the first column, and nothing else there has a `=`.
fn message_keys(source: &str) -> Vec<String> {
    source
        .lines()
        .filter(|line| line.starts_with(|c: char| c.is_ascii_alphabetic()))
        .filter_map(|line| line.split_once('='))
        .map(|(key, _)| key.trim_end().to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_catalogues_have_no_defect() {
        for language in Language::ALL {
            let catalogue = Catalogue::of(language);
            assert_eq!(catalogue.defects(), [""; 0], "{language:?}");
            assert_eq!(catalogue.language(), language);
            assert!(catalogue.words.len() > 100, "{language:?}");
        }
    }

    #[test]
    fn defects_are_named_and_the_rest_is_kept() {
        let source = "a = one\nb = { $n\nc = three\na = twice\n";
        let catalogue = Catalogue::read(Language::English, source.to_owned());
        assert_eq!(catalogue.defects().len(), 2, "{:?}", catalogue.defects());
        assert_eq!(catalogue.word("a"), Some("one"));
        assert_eq!(catalogue.word("c"), Some("three"));
        assert_eq!(catalogue.word("b"), None);
    }

    fn sample() -> Catalogue {
        let source = "files = { $n ->\n    [one] { $n } file\n   *[other] { $n } files\n }\n\
                      size = { $mm } mm by { $who }\n";
        Catalogue::read(Language::English, source.to_owned())
    }

    #[test]
    fn numbers_choose_the_plural_and_are_rounded() {
        let files = |value: Value<'_>| sample().format("files", &[("n", value)]);
        assert_eq!(files(1usize.into()).as_deref(), Some("1 file"));
        assert_eq!(files(0usize.into()).as_deref(), Some("0 files"));
        assert_eq!(files(1234567usize.into()).as_deref(), Some("1234567 files"));
        assert_eq!(files(2.0f64.into()).as_deref(), Some("2 files"));
        assert_eq!(files(13.4567.into()).as_deref(), Some("13.5 files"));
        assert_eq!(files((-13.44).into()).as_deref(), Some("-13.4 files"));
        assert_eq!(files(0.625.into()).as_deref(), Some("0.625 files"));
        assert_eq!(files(9.99996.into()).as_deref(), Some("10 files"));
        assert_eq!(files((-0.0001).into()).as_deref(), Some("0 files"));
        assert_eq!(files((-1i32).into()).as_deref(), Some("-1 file"));
        assert_eq!(files(Value::Fixed(12.3, 2)).as_deref(), Some("12.30 files"));
        assert_eq!(files(Value::Fixed(7.0, 1)).as_deref(), Some("7.0 files"));
        assert_eq!(files(Value::Fixed(7.5, 0)).as_deref(), Some("8 files"));
        // Neither may end the thread: the plural rules of the crate below cannot take them.
        assert_eq!(files(f64::NAN.into()).as_deref(), Some("– files"));
        assert_eq!(files(f64::INFINITY.into()).as_deref(), Some("– files"));
        assert!(files(f64::MAX.into()).is_some());
        assert!(files(f64::MIN_POSITIVE.into()).is_some());
    }

    #[test]
    fn arguments_come_without_direction_marks_and_must_be_given() {
        let args = [("mm", Value::from(1.5)), ("who", Value::from("X"))];
        let catalogue = sample();
        assert_eq!(
            catalogue.format("size", &args).as_deref(),
            Some("1.5 mm by X")
        );
        assert_eq!(catalogue.format("size", &args[..1]), None);
        assert_eq!(catalogue.word("size"), None);
    }

    #[test]
    fn threads_share_a_catalogue() {
        let catalogue = sample();
        std::thread::scope(|scope| {
            for n in 2..10usize {
                let catalogue = &catalogue;
                scope.spawn(move || {
                    for _ in 0..100 {
                        assert_eq!(
                            catalogue.format("files", &[("n", n.into())]),
                            Some(format!("{n} files"))
                        );
                    }
                });
            }
        });
    }
}
