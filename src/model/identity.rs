//! Who a person is, wrapped so that it is never printed by accident.
//!
//! Must stay true: no `Debug` of this module reveals a name, a number or a date. Whoever needs the value
//! says so by calling [`Phi::reveal`]; the privacy tests look for that word.

use super::date::Date;
use std::fmt;

/// Protected health information: `Debug` prints `[redacted]`, there is no `Display`.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Phi<T>(T);

impl<T> Phi<T> {
    /// Wraps a value that identifies somebody.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself, for drawing on the screen or for an output the user asked for by name.
    pub const fn reveal(&self) -> &T {
        &self.0
    }

    /// The value itself, by move.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for Phi<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl<T> From<T> for Phi<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

/// A person name with its three component groups (PS3.5 section 6.2.1).
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct PersonName {
    /// Alphabetic group, `Family^Given^Middle^Prefix^Suffix`.
    pub alphabetic: String,
    /// Ideographic group.
    pub ideographic: String,
    /// Phonetic group.
    pub phonetic: String,
}

impl PersonName {
    /// Splits `Alphabetic=Ideographic=Phonetic`.
    pub fn parse(value: &str) -> Self {
        let mut groups = value
            .trim()
            .trim_end_matches('\0')
            .splitn(3, '=')
            .map(|g| g.trim().to_owned());
        Self {
            alphabetic: groups.next().unwrap_or_default(),
            ideographic: groups.next().unwrap_or_default(),
            phonetic: groups.next().unwrap_or_default(),
        }
    }

    /// For reading: `Family, Given Middle`, with the ideographic group behind it where there is one.
    pub fn display(&self) -> String {
        let mut parts = self.alphabetic.split('^').map(str::trim);
        let family = parts.next().unwrap_or_default();
        let given = parts
            .by_ref()
            .take(2)
            .filter(|p| !p.is_empty())
            .collect::<Vec<_>>()
            .join(" ");
        let ideographic = self.ideographic.replace('^', "");
        let mut text = match (family.is_empty(), given.is_empty()) {
            (false, false) => format!("{family}, {given}"),
            (false, true) => family.to_owned(),
            (true, _) => given,
        };
        if !ideographic.is_empty() {
            text = if text.is_empty() {
                ideographic
            } else {
                format!("{text} ({ideographic})")
            };
        }
        text
    }

    /// Upper-case letters and digits of family and first given name, for comparing two sources.
    pub fn comparison_key(&self) -> (String, String) {
        let fold = |s: &str| {
            s.chars()
                .filter(|c| c.is_alphanumeric())
                .flat_map(char::to_uppercase)
                .collect::<String>()
        };
        let source = if self.alphabetic.is_empty() {
            &self.ideographic
        } else {
            &self.alphabetic
        };
        let mut parts = source.split('^');
        let family = fold(parts.next().unwrap_or_default());
        let given = fold(
            parts
                .next()
                .unwrap_or_default()
                .split_whitespace()
                .next()
                .unwrap_or_default(),
        );
        (family, given)
    }

    /// Whether no group holds anything.
    pub fn is_empty(&self) -> bool {
        self.alphabetic.is_empty() && self.ideographic.is_empty() && self.phonetic.is_empty()
    }
}

impl fmt::Debug for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Patient's Sex (0010,0040) and FHIR administrative gender.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Sex {
    /// M, `male`.
    Male,
    /// F, `female`.
    Female,
    /// O, `other`.
    Other,
    /// Empty, absent or `unknown`.
    #[default]
    Unknown,
}

impl Sex {
    /// Reads the DICOM code or the FHIR word.
    pub fn parse(value: &str) -> Self {
        match value.trim().to_ascii_lowercase().as_str() {
            "m" | "male" => Self::Male,
            "f" | "female" => Self::Female,
            "o" | "other" => Self::Other,
            _ => Self::Unknown,
        }
    }

    /// The DICOM code, empty when unknown.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Male => "M",
            Self::Female => "F",
            Self::Other => "O",
            Self::Unknown => "",
        }
    }
}

/// Who the standard's Patient module says an object belongs to (PS3.3 C.7.1.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PatientIdentity {
    /// Patient's Name (0010,0010).
    pub name: Phi<PersonName>,
    /// Patient ID (0010,0020).
    pub id: Phi<String>,
    /// Issuer of Patient ID (0010,0021).
    pub issuer: Phi<String>,
    /// Patient's Birth Date (0010,0030).
    pub birth_date: Phi<Option<Date>>,
    /// Patient's Sex (0010,0040).
    pub sex: Phi<Sex>,
    /// Whether the object says it is made up (demo data), so the screen can say so.
    pub synthetic: bool,
}

/// How surely two descriptions mean one person (IHE PDQ thinking: never merge on a doubt).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentityMatch {
    /// Identifier equal, and every demographic known on both sides equal, at least name and birth date.
    Same,
    /// Nothing contradicts, but too little is known on one side to be sure.
    Unsure,
    /// An identifier, name, birth date or sex contradicts.
    Different,
}

impl PatientIdentity {
    /// Compares with another source's description of a person.
    pub fn compare(&self, other: &Self) -> IdentityMatch {
        let known = |a: bool, b: bool| a && b;
        let (id_a, id_b) = (self.id.reveal().trim(), other.id.reveal().trim());
        let id_known = known(!id_a.is_empty(), !id_b.is_empty());
        let (issuer_a, issuer_b) = (self.issuer.reveal().trim(), other.issuer.reveal().trim());
        let issuer_differs = !issuer_a.is_empty() && !issuer_b.is_empty() && issuer_a != issuer_b;
        let (name_a, name_b) = (self.name.reveal(), other.name.reveal());
        let name_known = known(!name_a.is_empty(), !name_b.is_empty());
        let birth = (*self.birth_date.reveal(), *other.birth_date.reveal());
        let sex = (*self.sex.reveal(), *other.sex.reveal());
        let sex_known = known(sex.0 != Sex::Unknown, sex.1 != Sex::Unknown);
        let contradicts = (id_known && (id_a != id_b || issuer_differs))
            || (name_known && name_a.comparison_key() != name_b.comparison_key())
            || matches!(birth, (Some(a), Some(b)) if a != b)
            || (sex_known && sex.0 != sex.1);
        if contradicts {
            IdentityMatch::Different
        } else if id_known && name_known && matches!(birth, (Some(_), Some(_))) {
            IdentityMatch::Same
        } else {
            IdentityMatch::Unsure
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(id: &str, name: &str, birth: &str, sex: &str) -> PatientIdentity {
        PatientIdentity {
            name: Phi::new(PersonName::parse(name)),
            id: Phi::new(id.to_owned()),
            issuer: Phi::default(),
            birth_date: Phi::new(Date::parse(birth)),
            sex: Phi::new(Sex::parse(sex)),
            synthetic: false,
        }
    }

    #[test]
    fn debug_never_reveals() {
        let text = format!("{:?}", person("P-77", "Zhang^San=张^三", "19800101", "M"));
        for secret in ["P-77", "Zhang", "张", "1980", "Male"] {
            assert!(!text.contains(secret), "{text}");
        }
    }

    #[test]
    fn names_are_shown_with_their_ideographs() {
        assert_eq!(
            PersonName::parse("Zhang^San=张^三").display(),
            "Zhang, San (张三)"
        );
        assert_eq!(PersonName::parse("=张^三").display(), "张三");
        assert_eq!(PersonName::parse("Doe").display(), "Doe");
    }

    #[test]
    fn a_doubt_is_not_a_match() {
        let check =
            |a: &PatientIdentity, b: &PatientIdentity, expected| assert_eq!(a.compare(b), expected);
        let base = person("1", "DOE^JANE", "19700102", "F");
        check(
            &base,
            &person("1", "Doe^Jane^Q", "19700102", "F"),
            IdentityMatch::Same,
        );
        check(
            &base,
            &person("1", "Doe^Jane", "", "F"),
            IdentityMatch::Unsure,
        );
        check(
            &base,
            &person("", "Doe^Jane", "19700102", ""),
            IdentityMatch::Unsure,
        );
        check(
            &base,
            &person("1", "Doe^John", "19700102", "F"),
            IdentityMatch::Different,
        );
        check(
            &base,
            &person("1", "Doe^Jane", "19700103", "F"),
            IdentityMatch::Different,
        );
        check(
            &base,
            &person("2", "Doe^Jane", "19700102", "F"),
            IdentityMatch::Different,
        );
        check(
            &base,
            &person("1", "Doe^Jane", "19700102", "M"),
            IdentityMatch::Different,
        );
    }
}
