//! Which language, and the calls that the window makes.

use super::{Catalogue, Value, kept};

/// A language the program speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// 简体中文.
    SimplifiedChinese,
}

impl Language {
    /// All, in the order of the menu.
    pub const ALL: [Self; 2] = [Self::English, Self::SimplifiedChinese];

    /// BCP 47 tag, stable, for settings and the command line.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::SimplifiedChinese => "zh-CN",
        }
    }

    /// Its own name, the same in every language.
    pub const fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::SimplifiedChinese => "简体中文",
        }
    }

    /// The language of a BCP 47 or POSIX tag (`zh-Hans-CN`, `zh_CN.UTF-8`, `en`); `None` for others.
    /// Traditional Chinese gets 简体中文, which its readers know better than English menus.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_', '.', '@']).next().unwrap_or_default();
        match primary.to_ascii_lowercase().as_str() {
            "en" => Some(Self::English),
            "zh" => Some(Self::SimplifiedChinese),
            _ => None,
        }
    }

    /// The system's language: the first of its preferred ones that the program speaks, else English.
    pub fn of_system() -> Self {
        Self::first_of(sys_locale::get_locales())
    }

    fn first_of(tags: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        tags.into_iter()
            .find_map(|tag| Self::from_tag(tag.as_ref()))
            .unwrap_or_default()
    }

    /// A message without arguments. It is made once; asking for it every frame costs one hash lookup.
    /// A message that has placeables, or does not exist, gives its key.
    pub fn word(self, key: &'static str) -> &'static str {
        Catalogue::of(self)
            .word(key)
            .or_else(|| Catalogue::of(Self::English).word(key))
            .unwrap_or(key)
    }

    /// A message with arguments, in this language, else in English, else the key.
    pub fn tr(self, key: &str, args: &[(&str, Value<'_>)]) -> String {
        self.find(key, args).unwrap_or_else(|| key.to_owned())
    }

    /// As [`Language::tr`], but `None` where no catalogue has the message: for keys made of codes, such as those of
    /// findings, that have a sentence of their own. Where an argument is missing, the message `KEY-bare` is taken
    /// if there is one.
    pub fn find(self, key: &str, args: &[(&str, Value<'_>)]) -> Option<String> {
        kept::or_made(self, key, args, || {
            [self, Self::English].into_iter().find_map(|language| {
                let catalogue = Catalogue::of(language);
                catalogue
                    .format(key, args)
                    .or_else(|| catalogue.format(&format!("{key}-bare"), args))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_of_many_systems() {
        let chinese = Some(Language::SimplifiedChinese);
        for (tag, expected) in [
            ("en", Some(Language::English)),
            ("en_GB.UTF-8", Some(Language::English)),
            ("zh-CN", chinese),
            ("zh_CN.GB18030", chinese),
            ("zh-Hans-SG", chinese),
            ("ZH", chinese),
            ("C", None),
            ("POSIX", None),
            ("de-DE", None),
            ("", None),
        ] {
            assert_eq!(Language::from_tag(tag), expected, "{tag}");
        }
        assert_eq!(
            Language::first_of(["fr-FR", "zh-CN", "en-US"]),
            Language::SimplifiedChinese
        );
        assert_eq!(Language::first_of(["C", "fr"]), Language::English);
        assert_eq!(Language::first_of([""; 0]), Language::English);
        for language in Language::ALL {
            assert_eq!(Language::from_tag(language.tag()), Some(language));
        }
    }

    #[test]
    fn a_finding_may_come_without_its_numbers() {
        let numbers = [("ratio", Value::Fixed(12.0, 1))];
        let english = |args| Language::English.find("finding-lossy", args);
        assert_eq!(
            english(&numbers).as_deref(),
            Some("Lossy compression 12.0:1")
        );
        assert_eq!(
            english(&[]).as_deref(),
            Some("Lossy compression, ratio unknown")
        );
        let chinese = Language::SimplifiedChinese.find("finding-lossy", &[]);
        assert_eq!(chinese.as_deref(), Some("有损压缩，压缩比未知"));
        let without = Language::English.find("finding-gantry-tilt", &[]);
        assert_eq!(without, None, "there is no such message without its number");
    }

    #[test]
    fn a_missing_message_shows_its_key() {
        for language in Language::ALL {
            assert_eq!(language.word("no-such-message"), "no-such-message");
            assert_eq!(language.tr("no-such-message", &[]), "no-such-message");
            assert_eq!(language.find("no-such-message", &[]), None);
        }
    }
}
