//! Typical adult reference ranges for laboratory values whose resource gives none.
//!
//! Must stay true: a range is offered only when the unit is exactly the table's, the patient was at least 18 on
//! the day, and the sex is known where the table tells the sexes apart. It is shown as "typical adult range".

use crate::model::{date::Date, identity::Sex, record::TypicalRange};
use serde::Deserialize;
use std::{collections::HashMap, sync::OnceLock};

const TABLE: &str = include_str!("../../assets/reference_ranges.toml");

/// Age in years from which the table counts.
pub const ADULT_YEARS: u16 = 18;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    sources: HashMap<String, String>,
    range: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// Words for the reader of the table; the code decides.
    #[serde(rename = "name")]
    _name: String,
    loinc: String,
    unit: String,
    source: String,
    sex: Option<String>,
    low: Option<f64>,
    high: Option<f64>,
}

struct Range {
    unit: String,
    sex: Option<Sex>,
    range: TypicalRange,
}

fn table() -> &'static HashMap<String, Vec<Range>> {
    static PARSED: OnceLock<HashMap<String, Vec<Range>>> = OnceLock::new();
    // The text is part of the program and a test reads it; an unreadable table offers nothing.
    PARSED.get_or_init(|| parse(TABLE).unwrap_or_default())
}

fn parse(text: &str) -> Option<HashMap<String, Vec<Range>>> {
    let table: Table = toml::from_str(text).ok()?;
    // The few words of the sources live as long as the program, so that a record can name them freely.
    let sources: HashMap<String, &'static str> = table
        .sources
        .into_iter()
        .map(|(key, words)| (key, &*words.leak()))
        .collect();
    let mut found: HashMap<String, Vec<Range>> = HashMap::new();
    for entry in table.range {
        let sex = match entry.sex.as_deref() {
            None => None,
            Some(word) => Some(Sex::parse(word)).filter(|s| *s != Sex::Unknown),
        };
        if entry.sex.is_some() && sex.is_none() {
            return None;
        }
        found.entry(entry.loinc).or_default().push(Range {
            unit: entry.unit,
            sex,
            range: TypicalRange {
                low: entry.low,
                high: entry.high,
                source: sources.get(&entry.source)?,
            },
        });
    }
    Some(found)
}

/// Whether the table has this LOINC code. None of its quantities can be negative.
pub fn is_known(loinc: &str) -> bool {
    table().contains_key(loinc)
}

/// The range for a value of this code and unit, taken on `day` from a person born on `birth`.
pub fn typical(
    loinc: &str,
    unit: &str,
    sex: Sex,
    birth: Option<Date>,
    day: Option<Date>,
) -> Option<TypicalRange> {
    let age = birth?.years_until(day?)?;
    if age < ADULT_YEARS {
        return None;
    }
    table()
        .get(loinc)?
        .iter()
        .find(|r| r.unit == unit && r.sex.is_none_or(|wanted| wanted == sex))
        .map(|r| r.range.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_readable_and_sane() {
        let table = parse(TABLE).unwrap();
        assert!(table.len() >= 20);
        for (loinc, ranges) in &table {
            // The last character of a LOINC code is a check digit (mod 10, Luhn).
            let (stem, check) = loinc.split_once('-').unwrap();
            let sum: u32 = stem
                .chars()
                .rev()
                .enumerate()
                .map(|(place, digit)| {
                    let digit = digit.to_digit(10).unwrap();
                    let doubled = if place % 2 == 0 { digit * 2 } else { digit };
                    doubled / 10 + doubled % 10
                })
                .sum();
            assert_eq!(((10 - sum % 10) % 10).to_string(), check, "{loinc}");
            for range in ranges {
                assert!(range.range.low.is_some() || range.range.high.is_some());
                if let (Some(low), Some(high)) = (range.range.low, range.range.high) {
                    assert!(low < high && low >= 0.0, "{loinc}");
                }
            }
        }
    }

    #[test]
    fn offered_only_where_it_fits() {
        let day = Date::parse;
        let sodium = |unit, birth, on| typical("2947-0", unit, Sex::Unknown, day(birth), day(on));
        let found = sodium("mmol/L", "1980-05-05", "2020-01-01").unwrap();
        assert_eq!((found.low, found.high), (Some(136.0), Some(145.0)));
        assert_eq!(sodium("mg/dL", "1980-05-05", "2020-01-01"), None);
        assert_eq!(
            sodium("mmol/L", "2002-01-02", "2020-01-01"),
            None,
            "a child"
        );
        assert!(sodium("mmol/L", "2002-01-01", "2020-01-01").is_some());
        assert_eq!(sodium("mmol/L", "", "2020-01-01"), None, "age unknown");
        assert_eq!(sodium("mmol/L", "1980-05-05", ""), None, "day unknown");
        let haemoglobin = |sex| {
            typical("718-7", "g/dL", sex, day("1980-05-05"), day("2020-01-01")).map(|r| r.low)
        };
        assert_eq!(haemoglobin(Sex::Male), Some(Some(13.0)));
        assert_eq!(haemoglobin(Sex::Female), Some(Some(12.3)));
        assert_eq!(haemoglobin(Sex::Unknown), None);
    }
}
