//! Whether a DICOM patient and a FHIR patient are one person (IHE PDQ thinking: never merge on a doubt).
//!
//! The comparison is [`PatientIdentity::compare`]; this module makes the two sides comparable: any identifier of
//! the record may be the Patient ID, name groups are compared script by script, and issuers are left out, because
//! Issuer of Patient ID is free text and the FHIR system a URI.

use super::elements::is_ideographic;
use crate::model::{
    identity::{IdentityMatch, PatientIdentity, PersonName, Phi},
    record::PatientRecord,
};

/// Compares a DICOM patient with a record.
pub fn match_record(dicom: &PatientIdentity, record: &PatientRecord) -> IdentityMatch {
    explain(dicom, record).0
}

/// Compares, and says in one sentence without identity what decided.
pub fn explain(dicom: &PatientIdentity, record: &PatientRecord) -> (IdentityMatch, &'static str) {
    let (mut left, mut right) = (dicom.clone(), record.identity.clone());
    let id = dicom.id.reveal().trim();
    let known: Vec<&str> = record
        .identifiers
        .iter()
        .map(|(_, value)| value.reveal().trim())
        .chain([record.identity.id.reveal().trim()])
        .filter(|value| !value.is_empty())
        .collect();
    let id_equal = !id.is_empty() && known.contains(&id);
    if !id.is_empty() && !known.is_empty() && !id_equal {
        return (
            IdentityMatch::Different,
            "the Patient ID is none of the record's identifiers",
        );
    }
    right.id = Phi::new(if id_equal {
        id.to_owned()
    } else {
        String::new()
    });
    left.issuer = Phi::default();
    right.issuer = Phi::default();

    let (own, of_record) = (dicom.name.reveal(), record.identity.name.reveal());
    let mut doubt = None;
    match compare_names(own, of_record) {
        Names::Equal => align(&mut left, &mut right),
        Names::Unknown => {
            left.name = Phi::default();
            doubt = Some("the names cannot be compared");
        }
        Names::Doubtful => {
            align(&mut left, &mut right);
            doubt = Some("the names are written differently");
        }
        Names::Different => {
            let other = record.other_names.iter().any(|name| {
                matches!(
                    compare_names(own, name.reveal()),
                    Names::Equal | Names::Doubtful
                )
            });
            if !other {
                return (IdentityMatch::Different, "the names differ");
            }
            align(&mut left, &mut right);
            doubt = Some("the name is another or former name of the patient");
        }
    }
    let births = (
        dicom.birth_date.reveal(),
        record.identity.birth_date.reveal(),
    );
    match left.compare(&right) {
        IdentityMatch::Different if matches!(births, (Some(a), Some(b)) if a != b) => {
            (IdentityMatch::Different, "the birth dates differ")
        }
        IdentityMatch::Different => (IdentityMatch::Different, "the sexes differ"),
        result => match (result, doubt) {
            (_, Some(reason)) => (IdentityMatch::Unsure, reason),
            (IdentityMatch::Same, None) => (
                IdentityMatch::Same,
                "identifier, name and birth date are equal",
            ),
            _ if !id_equal => (IdentityMatch::Unsure, "no identifier confirms the match"),
            _ => (IdentityMatch::Unsure, "name or birth date is missing"),
        },
    }
}

/// The names were compared here; `compare` shall not see them as different.
fn align(left: &mut PatientIdentity, right: &mut PatientIdentity) {
    right.name = left.name.clone();
    if right.name.reveal().is_empty() {
        left.name = right.name.clone();
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Names {
    Equal,
    /// Probably equal: another division into parts, or another romanisation.
    Doubtful,
    Different,
    /// No script in common, or one side empty.
    Unknown,
}

/// Alphabetic and ideographic group; Han characters in the first group count as ideographic, as many Chinese
/// modalities write them there.
fn scripts(name: &PersonName) -> (PersonName, String) {
    let squeeze = |text: &str| {
        text.chars()
            .filter(|c| c.is_alphanumeric())
            .collect::<String>()
    };
    if is_ideographic(&name.alphabetic) {
        return (PersonName::default(), squeeze(&name.alphabetic));
    }
    let alphabetic = PersonName {
        alphabetic: name.alphabetic.clone(),
        ..PersonName::default()
    };
    (alphabetic, squeeze(&name.ideographic))
}

fn compare_names(a: &PersonName, b: &PersonName) -> Names {
    let ((latin_a, han_a), (latin_b, han_b)) = (scripts(a), scripts(b));
    let han = (!han_a.is_empty() && !han_b.is_empty()).then(|| han_a == han_b);
    let (key_a, key_b) = (latin_a.comparison_key(), latin_b.comparison_key());
    let written = |key: &(String, String)| !(key.0.is_empty() && key.1.is_empty());
    let latin = (written(&key_a) && written(&key_b)).then(|| {
        let joined = |key: &(String, String)| format!("{}{}", key.0, key.1);
        if key_a == key_b {
            Names::Equal
        } else if joined(&key_a) == joined(&key_b) {
            Names::Doubtful
        } else {
            Names::Different
        }
    });
    match (han, latin) {
        // Many characters share one sound: equal letters say nothing when the characters differ.
        (Some(false), _) => Names::Different,
        (Some(true), Some(Names::Different)) => Names::Doubtful,
        (Some(true), _) => Names::Equal,
        (None, Some(result)) => result,
        (None, None) => Names::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{date::Date, identity::Sex};

    fn person(id: &str, name: &str, birth: &str, sex: &str) -> PatientIdentity {
        PatientIdentity {
            name: Phi::new(PersonName::parse(name)),
            id: Phi::new(id.to_owned()),
            issuer: Phi::new("ANY ISSUER".to_owned()),
            birth_date: Phi::new(Date::parse(birth)),
            sex: Phi::new(Sex::parse(sex)),
            synthetic: false,
        }
    }

    fn record(ids: &[&str], name: &str, birth: &str, sex: &str, other: &[&str]) -> PatientRecord {
        PatientRecord {
            identity: PatientIdentity {
                issuer: Phi::new("http://hospital.example".to_owned()),
                ..person(ids.first().unwrap_or(&""), name, birth, sex)
            },
            identifiers: ids
                .iter()
                .map(|id| ("MR".to_owned(), Phi::new((*id).to_owned())))
                .collect(),
            other_names: other
                .iter()
                .map(|n| Phi::new(PersonName::parse(n)))
                .collect(),
            ..PatientRecord::default()
        }
    }

    #[test]
    fn the_table_of_matches() {
        use IdentityMatch::{Different, Same, Unsure};
        let base = record(
            &["77", "P-1"],
            "Doe^Jane",
            "19700102",
            "female",
            &["Roe^Jane"],
        );
        let chinese = record(&["9"], "Zhang^San=张^三", "19800101", "M", &[]);
        let han_only = record(&["9"], "=张^三", "19800101", "M", &[]);
        let nameless = record(&["9"], "", "19800101", "M", &[]);
        let no_ids = record(&[], "Doe^Jane", "19700102", "F", &[]);
        let cases = [
            (&base, person("77", "DOE^JANE", "19700102", "F"), Same),
            (&base, person("P-1 ", "Doe^Jane^Q", "19700102", ""), Same),
            // The near misses: one thing differs.
            (&base, person("78", "DOE^JANE", "19700102", "F"), Different),
            (&base, person("77", "DOE^JOAN", "19700102", "F"), Different),
            (&base, person("77", "DOE^JANE", "19700103", "F"), Different),
            (&base, person("77", "DOE^JANE", "19700102", "M"), Different),
            (&base, person("077", "DOE^JANE", "19700102", "F"), Different),
            // Too little, or written otherwise.
            (&base, person("77", "DOE^JANE", "", "F"), Unsure),
            (&base, person("77", "", "19700102", "F"), Unsure),
            (&base, person("", "DOE^JANE", "19700102", "F"), Unsure),
            (&base, person("77", "Doe Jane", "19700102", "F"), Unsure),
            (&base, person("77", "Roe^Jane", "19700102", "F"), Unsure),
            (&base, person("77", "Roe^Jane", "19700103", "F"), Different),
            (&base, person("", "", "", ""), Unsure),
            (&no_ids, person("5", "Doe^Jane", "19700102", "F"), Unsure),
            (&no_ids, person("5", "Doe^Jim", "19700102", ""), Different),
            // Two scripts.
            (
                &chinese,
                person("9", "ZHANG^SAN=张^三", "19800101", "M"),
                Same,
            ),
            (&chinese, person("9", "张三", "19800101", "M"), Same),
            (&chinese, person("9", "Zhang^San", "19800101", "M"), Same),
            (
                &chinese,
                person("9", "Chang^San=张^三", "19800101", "M"),
                Unsure,
            ),
            (
                &chinese,
                person("9", "Zhang^San=章^三", "19800101", "M"),
                Different,
            ),
            (&han_only, person("9", "Zhang^San", "19800101", "M"), Unsure),
            (&han_only, person("9", "张^三", "19800101", "M"), Same),
            (&nameless, person("9", "Zhang^San", "19800101", "M"), Unsure),
        ];
        for (number, (record, dicom, expected)) in cases.iter().enumerate() {
            let (result, reason) = explain(dicom, record);
            assert_eq!(result, *expected, "case {number}: {reason}");
            assert_eq!(match_record(dicom, record), *expected);
        }
    }

    #[test]
    fn the_reason_names_what_decided() {
        let base = record(&["77"], "Doe^Jane", "19700102", "female", &[]);
        let reason = |id, name, birth, sex| explain(&person(id, name, birth, sex), &base).1;
        assert_eq!(
            reason("77", "Doe^Jane", "19700103", "F"),
            "the birth dates differ"
        );
        assert_eq!(
            reason("77", "Doe^Jane", "19700102", "M"),
            "the sexes differ"
        );
        assert_eq!(reason("77", "Doe^Jim", "19700102", "F"), "the names differ");
        assert_eq!(
            reason("78", "Doe^Jane", "19700102", "F"),
            "the Patient ID is none of the record's identifiers"
        );
    }
}
