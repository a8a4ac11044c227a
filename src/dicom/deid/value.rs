//! Values in the place of others: dummies by VR, dates that were moved, descriptions that were cleaned.

use crate::model::date::Date;
use std::collections::HashSet;

const WORDS: &str = include_str!("../../../assets/deid/words.txt");

/// The word that stands for a text that was removed.
pub(super) const REMOVED: &str = "REMOVED";

/// A value that says nothing and is valid for its VR (PS3.5 table 6.2-1). `None` for sequences.
pub(super) fn dummy(vr: [u8; 2]) -> Option<Vec<u8>> {
    Some(match &vr {
        b"SQ" => return None,
        b"DA" => b"20000101".to_vec(),
        b"TM" => b"000000".to_vec(),
        b"DT" => b"20000101000000".to_vec(),
        b"AS" => b"000Y".to_vec(),
        b"DS" | b"IS" => b"0".to_vec(),
        b"UR" => b"urn:removed".to_vec(),
        b"US" | b"SS" | b"OB" | b"OW" | b"UN" => vec![0; 2],
        b"AT" | b"FL" | b"SL" | b"UL" | b"OF" | b"OL" => vec![0; 4],
        b"FD" | b"SV" | b"UV" | b"OD" | b"OV" => vec![0; 8],
        _ => REMOVED.as_bytes().to_vec(),
    })
}

/// Whether values of this VR are free text.
pub(super) const fn is_text(vr: [u8; 2]) -> bool {
    matches!(
        &vr,
        b"LO" | b"SH" | b"ST" | b"LT" | b"UT" | b"UC" | b"PN" | b"UR" | b"AE"
    )
}

/// Whether values of this VR are text that is divided by backslashes.
pub(super) const fn is_several(vr: [u8; 2]) -> bool {
    !matches!(&vr, b"ST" | b"LT" | b"UT" | b"UR")
}

/// Moves dates and the dates of times back by whole days, so that intervals and times of day stay. `None` when one of
/// the values is no whole date.
pub(super) fn shift(vr: [u8; 2], value: &[u8], days: i64) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(value).ok()?;
    let text = text.trim_end_matches(['\0', ' ']);
    if &vr == b"TM" || text.is_empty() {
        return Some(value.to_vec());
    }
    let moved: Option<Vec<String>> = text
        .split('\\')
        .map(|one| {
            let one = one.trim();
            // As ACR-NEMA wrote it (PS3.5 table 6.2-1).
            let old = one.len() == 10 && one.as_bytes().get(4) == Some(&b'.');
            let joined: String = match old {
                true => one.split('.').collect(),
                false => one.to_owned(),
            };
            let whole = joined.is_char_boundary(8) && joined.len() >= 8;
            let (date, rest) = joined.split_at_checked(8).filter(|_| whole)?;
            if &vr == b"DA" && !rest.is_empty() {
                return None;
            }
            let date = Date::parse(date).filter(|d| d.day > 0)?;
            let date = Date::of_ms((date.days_since_epoch() - days) * 86_400_000)?;
            let digits: String = date.to_string().chars().filter(|c| *c != '-').collect();
            Some(format!("{digits}{rest}"))
        })
        .collect();
    Some(moved?.join("\\").into_bytes())
}

/// Ages above 89 years become 90, as rare ages identify (45 CFR 164.514(b)(2)(i)(C)).
pub(super) fn age(value: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(value);
    let years = text.trim().strip_suffix('Y').map(str::parse::<u32>);
    match years {
        Some(Ok(years)) if years > 89 => b"090Y".to_vec(),
        _ => value.to_vec(),
    }
}

/// The words that a cleaned description may hold.
pub(super) struct Vocabulary(HashSet<&'static str>);

impl Vocabulary {
    pub(super) fn new() -> Self {
        let lines = WORDS.lines().filter(|l| !l.starts_with('#'));
        Self(lines.flat_map(|l| l.split(' ')).collect())
    }

    /// What may stay of a description: known words and short numbers, with one space or the sign that stood between them.
    /// Nothing that is no ASCII stays.
    pub(super) fn clean(&self, value: &[u8], who: &Identity) -> String {
        let mut kept = String::new();
        let mut word = String::new();
        let mut between = String::new();
        let text = String::from_utf8_lossy(value);
        for c in text.chars().chain([' ']) {
            if c.is_alphanumeric() {
                word.push(c);
                continue;
            }
            if !word.is_empty() {
                if self.may_stay(&word) && !who.has_word(&word) {
                    if !kept.is_empty() {
                        kept.push_str(if between.is_empty() { " " } else { &between });
                    }
                    kept.push_str(&word);
                    between.clear();
                }
                word.clear();
            }
            let sign = matches!(c, '+' | '-' | '/' | '.' | ',' | '\\');
            between = match sign {
                true => c.to_string(),
                false => " ".to_owned(),
            };
        }
        kept
    }

    fn may_stay(&self, word: &str) -> bool {
        let lower = word.to_ascii_lowercase();
        let digits = lower.bytes().all(|b| b.is_ascii_digit());
        // Longer numbers are dates, years and identifiers.
        (digits && lower.len() <= 3)
            || self.0.contains(lower.as_str())
            || (lower.len() <= 5
                && ["mm", "cm", "mt", "kv", "s", "ms"].iter().any(|unit| {
                    let number = lower.strip_suffix(unit);
                    number.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
                }))
    }
}

/// Words that name the person of a file, for finding them where they should not be.
#[derive(Default)]
pub(super) struct Identity {
    words: HashSet<String>,
    /// In other alphabets words have no spaces between them, so their bytes are looked for.
    bytes: Vec<Vec<u8>>,
}

impl Identity {
    /// Takes the parts of a name, or an identifier.
    pub(super) fn add(&mut self, value: &[u8]) {
        let separators = |b: &u8| matches!(b, b'^' | b'=' | b'\\' | b' ' | b',' | 0);
        for part in value.split(separators) {
            if part.is_ascii() {
                let lower = String::from_utf8_lossy(part).to_ascii_lowercase();
                for word in lower.split(|c: char| !c.is_ascii_alphanumeric()) {
                    if word.len() >= 3 {
                        self.words.insert(word.to_owned());
                    }
                }
            } else if part.len() >= 3 && !part.contains(&0x1B) {
                self.bytes.push(part.to_vec());
            }
        }
    }

    fn has_word(&self, word: &str) -> bool {
        self.words.contains(&word.to_ascii_lowercase())
    }

    /// Whether a text names the person.
    pub(super) fn is_in(&self, value: &[u8]) -> bool {
        let has = |needle: &Vec<u8>| value.windows(needle.len()).any(|w| w == needle.as_slice());
        if self.bytes.iter().any(has) {
            return true;
        }
        if self.words.is_empty() {
            return false;
        }
        let mut words = value.split(|b| !b.is_ascii_alphanumeric());
        words.any(|word| {
            word.len() >= 3 && {
                let text = String::from_utf8_lossy(word);
                self.has_word(&text)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_move_by_days_and_times_stay() {
        let moved = |vr: &[u8; 2], text: &str, days| {
            shift(*vr, text.as_bytes(), days).map(|v| String::from_utf8(v).unwrap())
        };
        assert_eq!(moved(b"DA", "20240301", 1).unwrap(), "20240229");
        assert_eq!(moved(b"DA", "2024.03.01", 1).unwrap(), "20240229");
        assert_eq!(
            moved(b"DA", "20240301\\20240101 ", 1).unwrap(),
            "20240229\\20231231"
        );
        assert_eq!(
            moved(b"DT", "20240101235959.5+0100", 31).unwrap(),
            "20231201235959.5+0100"
        );
        assert_eq!(moved(b"TM", "120000", 9).unwrap(), "120000");
        assert_eq!(moved(b"DA", "", 9).unwrap(), "");
        for text in ["2024", "20241399", "yesterday", "20240101x"] {
            assert_eq!(moved(b"DA", text, 1), None, "{text}");
        }
    }

    #[test]
    fn descriptions_keep_words_of_the_trade_only() {
        let words = Vocabulary::new();
        let mut who = Identity::default();
        who.add(b"Head^Peter");
        let clean = |text: &str, who: &Identity| words.clean(text.as_bytes(), who);
        let nobody = Identity::default();
        assert_eq!(
            clean("CT Chest w/o contrast 5mm, Dr. Miller", &nobody),
            "Chest contrast 5mm"
        );
        assert_eq!(
            clean("MR-Head T1/T2 1987-05-04", &nobody),
            "MR-Head T1/T2-05-04"
        );
        assert_eq!(clean("Head axial", &who), "axial");
        assert_eq!(clean("王小明 头部", &nobody), "");
        assert_eq!(clean("MRN 1234567", &nobody), "");
    }

    #[test]
    fn a_person_is_found_in_any_alphabet() {
        let mut who = Identity::default();
        who.add("Wang^XiaoDong=王^小东".as_bytes());
        who.add(b"MRN-00417");
        assert!(who.is_in(b"seen by WANG, 3 Jan"));
        assert!(who.is_in(b"id 00417"));
        assert!(who.is_in("病人小东。".as_bytes()));
        assert!(!who.is_in(b"swanging"));
        assert!(!Identity::default().is_in(b"anything"));
    }

    #[test]
    fn rare_ages_are_made_common() {
        assert_eq!(age(b"093Y"), b"090Y");
        assert_eq!(age(b"045Y"), b"045Y");
        assert_eq!(age(b"011M"), b"011M");
    }
}
