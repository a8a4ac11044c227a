//! Codes: check digits, forms, systems, and the values that required bindings of FHIR R4 allow.

use crate::clinical::elements::LOINC;

/// SNOMED CT.
pub const SNOMED: &str = "http://snomed.info/sct";
/// RxNorm.
pub const RXNORM: &str = "http://www.nlm.nih.gov/research/umls/rxnorm";
/// ICD-10-CM.
pub const ICD10CM: &str = "http://hl7.org/fhir/sid/icd-10-cm";
/// ICD-10.
pub const ICD10: &str = "http://hl7.org/fhir/sid/icd-10";
/// Vaccines.
pub const CVX: &str = "http://hl7.org/fhir/sid/cvx";

/// Whether a text is a LOINC code: digits, a hyphen, a check digit (mod 10, Luhn).
pub fn is_loinc(code: &str) -> bool {
    let Some((stem, check)) = code.split_once('-') else {
        return false;
    };
    // Answer lists and parts (LL…, LA…, LP…, LG…) have a form of their own, of which the digit is not judged.
    if let Some(digits) = ["LL", "LA", "LP", "LG"]
        .iter()
        .find_map(|prefix| stem.strip_prefix(prefix))
    {
        let numeric = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
        return numeric(digits) && digits.len() <= 8 && numeric(check) && check.len() == 1;
    }
    let digits = stem;
    let numbers: Option<Vec<u32>> = digits.chars().map(|c| c.to_digit(10)).collect();
    let Some(numbers) = numbers.filter(|n| (1..=8).contains(&n.len())) else {
        return false;
    };
    let sum: u32 = numbers
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let doubled = if place % 2 == 0 { digit * 2 } else { *digit };
            doubled / 10 + doubled % 10
        })
        .sum();
    check.len() == 1 && check.parse() == Ok((10 - sum % 10) % 10)
}

/// Rows of the multiplication table of the dihedral group of order 10, from 5 on they turn back.
const fn times(a: u8, b: u8) -> u8 {
    match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => (a + b - 5) % 5 + 5,
        (false, true) => (a + 5 - b) % 5 + 5,
        (false, false) => (a + 5 - b) % 5,
    }
}

/// Permutation of Verhoeff's scheme.
const PERMUTED: [u8; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];

/// Whether a text is an identifier of SNOMED CT: 6 to 18 digits whose last is Verhoeff's check digit.
pub fn is_snomed(code: &str) -> bool {
    if !(6..=18).contains(&code.len()) || code.starts_with('0') {
        return false;
    }
    let mut check = 0;
    for (place, c) in code.chars().rev().enumerate() {
        let Some(digit) = c.to_digit(10).and_then(|d| u8::try_from(d).ok()) else {
            return false;
        };
        let mut digit = digit;
        for _ in 0..place % 8 {
            digit = PERMUTED.get(usize::from(digit)).copied().unwrap_or(digit);
        }
        check = times(check, digit);
    }
    check == 0
}

/// Whether a code has the form of its system; systems that are not known are not judged.
pub fn fits(system: &str, code: &str) -> bool {
    match system {
        LOINC => is_loinc(code),
        SNOMED => is_snomed(code),
        RXNORM => (1..=8).contains(&code.len()) && code.chars().all(|c| c.is_ascii_digit()),
        CVX => (1..=3).contains(&code.len()) && code.chars().all(|c| c.is_ascii_digit()),
        ICD10 | ICD10CM => is_icd10(code),
        _ => true,
    }
}

fn is_icd10(code: &str) -> bool {
    let (stem, rest) = code.split_once('.').unwrap_or((code, ""));
    let mut letters = stem.chars();
    letters.next().is_some_and(|c| c.is_ascii_uppercase())
        && letters.next().is_some_and(|c| c.is_ascii_digit())
        && letters
            .next()
            .is_some_and(|c| c.is_ascii_digit() || c.is_ascii_uppercase())
        && letters.next().is_none()
        && rest.len() <= 4
        && rest
            .chars()
            .all(|c| c.is_ascii_digit() || c.is_ascii_uppercase())
        && (rest.is_empty() != code.contains('.'))
}

/// The system of a code that names none, where only one fits: LOINC has a hyphen and a check digit.
pub fn system_of(code: &str) -> Option<&'static str> {
    if is_loinc(code) {
        return Some(LOINC);
    }
    // Short numbers could be of any system; six and more digits that pass Verhoeff's check by chance are one in ten.
    (is_snomed(code) && code.len() >= 8).then_some(SNOMED)
}

/// Values that a required binding allows for `status` of a type; `None` where it is not judged.
pub fn states(kind: &str) -> Option<&'static [&'static str]> {
    const EVENT: &[&str] = &[
        "preparation",
        "in-progress",
        "not-done",
        "on-hold",
        "stopped",
        "completed",
        "entered-in-error",
        "unknown",
    ];
    Some(match kind {
        "Observation" => &[
            "registered",
            "preliminary",
            "final",
            "amended",
            "corrected",
            "cancelled",
            "entered-in-error",
            "unknown",
        ],
        "DiagnosticReport" => &[
            "registered",
            "partial",
            "preliminary",
            "final",
            "amended",
            "corrected",
            "appended",
            "cancelled",
            "entered-in-error",
            "unknown",
        ],
        "MedicationRequest" => &[
            "active",
            "on-hold",
            "cancelled",
            "completed",
            "entered-in-error",
            "stopped",
            "draft",
            "unknown",
        ],
        "MedicationStatement" => &[
            "active",
            "completed",
            "entered-in-error",
            "intended",
            "stopped",
            "on-hold",
            "unknown",
            "not-taken",
        ],
        "Procedure" => EVENT,
        "Immunization" => &["completed", "entered-in-error", "not-done"],
        "Encounter" => &[
            "planned",
            "arrived",
            "triaged",
            "in-progress",
            "onleave",
            "finished",
            "cancelled",
            "entered-in-error",
            "unknown",
        ],
        "ImagingStudy" => &[
            "registered",
            "available",
            "cancelled",
            "entered-in-error",
            "unknown",
        ],
        _ => return None,
    })
}

/// Values of `gender`.
pub const GENDERS: [&str; 4] = ["male", "female", "other", "unknown"];

/// The value that a word for a sex means.
pub fn gender_of(word: &str) -> Option<&'static str> {
    Some(match word.trim().to_lowercase().as_str() {
        "m" | "male" | "man" | "男" | "男性" => "male",
        "f" | "female" | "woman" | "女" | "女性" => "female",
        "o" | "other" => "other",
        "u" | "unknown" => "unknown",
        _ => return None,
    })
}

/// The allowed value that a word stands for, but for its letters' size, blanks and hyphens.
pub fn state_of(kind: &str, word: &str) -> Option<&'static str> {
    let plain = word.trim().to_lowercase().replace([' ', '_'], "-");
    let states = states(kind)?;
    let known = states.iter().find(|s| **s == plain);
    let meant = match plain.as_str() {
        "f" => "final",
        "p" => "preliminary",
        "c" => "corrected",
        "complete" | "done" => "completed",
        other => other,
    };
    known
        .or_else(|| states.iter().find(|s| **s == meant))
        .copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_are_those_of_the_systems() {
        for code in ["2160-0", "8302-2", "718-7", "33914-3", "8867-4", "LA6576-8"] {
            assert!(is_loinc(code), "{code}");
        }
        for code in ["2160-1", "8302", "8302-22", "abc-1", "-1", ""] {
            assert!(!is_loinc(code), "{code}");
        }
        // Clinical finding, diabetes type 2, hypertension, nodule, appendectomy.
        for code in [
            "404684003",
            "44054006",
            "38341003",
            "27925004",
            "80146002",
            "59621000",
        ] {
            assert!(is_snomed(code), "{code}");
            // One digit exchanged for another is always found.
            for place in 1..code.len() - 1 {
                let mut other: Vec<u8> = code.bytes().collect();
                other[place] = b'0' + (other[place] - b'0' + 1) % 10;
                assert!(
                    !is_snomed(&String::from_utf8(other).unwrap()),
                    "{code} {place}"
                );
            }
        }
        assert!(!is_snomed("12345") && !is_snomed("0404684003"));
    }

    #[test]
    fn forms_and_words() {
        assert!(fits(ICD10CM, "J93.9") && fits(ICD10CM, "I10") && fits(ICD10, "C34"));
        assert!(!fits(ICD10CM, "J93.") && !fits(ICD10CM, "93.9") && !fits(ICD10CM, "j93.9"));
        assert!(fits(RXNORM, "860975") && !fits(RXNORM, "metformin"));
        assert!(fits("urn:oid:1.2.3", "anything"));
        assert_eq!(system_of("2160-0"), Some(LOINC));
        assert_eq!(system_of("44054006"), Some(SNOMED));
        assert_eq!(system_of("1234"), None);
        assert_eq!(state_of("Observation", "Final"), Some("final"));
        assert_eq!(state_of("Procedure", "done"), Some("completed"));
        assert_eq!(state_of("Observation", "cooked"), None);
        assert_eq!(gender_of("M"), Some("male"));
        assert_eq!(gender_of("女"), Some("female"));
    }
}
