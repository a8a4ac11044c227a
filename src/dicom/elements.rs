//! Values of a header that `dicom-object` read, taken out strictly: a number is a number or it is refused.

use dicom_core::header::HasLength as _;
use dicom_object::{InMemDicomObject, Tag, mem::InMemElement};

/// One data set.
pub(super) type DataSet = InMemDicomObject;

/// What an attribute of numbers says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Numbers {
    /// Not there, or there without a value.
    Absent,
    /// A value is not a finite number.
    Bad,
    /// Its values, at least one.
    Values(Vec<f64>),
}

impl Numbers {
    /// The values, empty when absent or bad.
    pub(super) fn values(self) -> Vec<f64> {
        match self {
            Self::Values(values) => values,
            Self::Absent | Self::Bad => Vec::new(),
        }
    }

    /// The first value, when all are numbers.
    pub(super) fn first(self) -> Option<f64> {
        self.values().first().copied()
    }
}

/// A decimal or integer string as PS3.5 section 6.2 writes it; never `NaN`, `inf` or a number out of range.
pub(super) fn parse_decimal(text: &str) -> Option<f64> {
    let text = text.trim_matches(|c: char| c == '\0' || c.is_whitespace());
    let allowed = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E');
    if text.is_empty() || !text.chars().all(allowed) {
        return None;
    }
    text.parse::<f64>().ok().filter(|v| v.is_finite())
}

/// Values of an element that is at hand.
pub(super) fn numbers_of(element: &InMemElement) -> Numbers {
    if element.is_empty() {
        return Numbers::Absent;
    }
    match element.vr().to_string() {
        "DS" | "IS" | "LO" | "SH" | "CS" | "UN" | "UT" | "ST" | "LT" => {
            let Ok(texts) = element.to_multi_str() else {
                return Numbers::Bad;
            };
            let blank = |t: &String| {
                t.trim_matches(|c: char| c == '\0' || c.is_whitespace())
                    .is_empty()
            };
            if texts.iter().all(blank) {
                return Numbers::Absent;
            }
            let parsed: Option<Vec<f64>> = texts.iter().map(|t| parse_decimal(t)).collect();
            parsed.map_or(Numbers::Bad, Numbers::Values)
        }
        _ => match element.to_multi_float64() {
            Ok(values) if values.is_empty() => Numbers::Absent,
            Ok(values) if values.iter().all(|v| v.is_finite()) => Numbers::Values(values),
            _ => Numbers::Bad,
        },
    }
}

/// Values of an attribute.
pub(super) fn numbers(data_set: &DataSet, tag: Tag) -> Numbers {
    data_set.get(tag).map_or(Numbers::Absent, numbers_of)
}

/// A whole number; `Err` when it is there and is none.
pub(super) fn integer(data_set: &DataSet, tag: Tag) -> Result<Option<i64>, ()> {
    match numbers(data_set, tag) {
        Numbers::Absent => Ok(None),
        Numbers::Bad => Err(()),
        Numbers::Values(values) => {
            let value = values.first().copied().unwrap_or_default();
            let whole = value.fract() == 0.0 && value.abs() < 9e15;
            whole.then_some(Some(value as i64)).ok_or(())
        }
    }
}

/// Trimmed text without control characters and escape sequences; empty when absent. Values stay joined by `\`.
pub(super) fn text(data_set: &DataSet, tag: Tag) -> String {
    let Some(element) = data_set.get(tag) else {
        return String::new();
    };
    element
        .to_raw_str()
        .map_or_else(|_| String::new(), |t| clean(&t))
}

/// Text as it is written, without the padding around it.
pub(super) fn raw_text(data_set: &DataSet, tag: Tag) -> String {
    let value = data_set.get(tag).and_then(|e| e.to_raw_str().ok());
    let value = value.as_deref().unwrap_or_default();
    value
        .trim_matches(|c: char| c == '\0' || c.is_whitespace())
        .to_owned()
}

/// Text of all values.
pub(super) fn texts(data_set: &DataSet, tag: Tag) -> Vec<String> {
    let Some(element) = data_set.get(tag) else {
        return Vec::new();
    };
    let values = element.to_multi_str();
    values.map_or_else(|_| Vec::new(), |t| t.iter().map(|t| clean(t)).collect())
}

/// Drops code extension sequences (ESC, PS3.5 section 6.1.2.5.3) and control characters, and trims.
fn clean(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c == '\u{1B}' {
            // ESC, intermediates 0x20 to 0x2F, one final byte.
            for c in rest.by_ref() {
                if !('\u{20}'..='\u{2F}').contains(&c) {
                    break;
                }
            }
        } else if !c.is_control() || matches!(c, '\n' | '\t') {
            kept.push(c);
        }
    }
    kept.trim().to_owned()
}

/// The first item of a sequence.
pub(super) fn first_item(data_set: &DataSet, tag: Tag) -> Option<&DataSet> {
    data_set.get(tag)?.items()?.first()
}

/// All items of a sequence.
pub(super) fn items(data_set: &DataSet, tag: Tag) -> &[DataSet] {
    data_set
        .get(tag)
        .and_then(|e| e.items())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_finite_decimals_are_numbers() {
        let check = |text: &str, expected: Option<f64>| {
            assert_eq!(parse_decimal(text), expected, "{text}");
        };
        check(" 1.5 ", Some(1.5));
        check("-1024\0", Some(-1024.0));
        check("+2E-1", Some(0.2));
        check("abc", None);
        check("NaN", None);
        check("inf", None);
        check("1e400", None);
        check("", None);
        check("1,5", None);
        check("0x10", None);
    }

    #[test]
    fn escape_sequences_do_not_stay_in_names() {
        assert_eq!(clean("\u{1B}$)CHong^Gildong \0"), "Hong^Gildong");
        assert_eq!(clean("A\u{7}B"), "AB");
    }
}
