//! Columns of wide tables: which measure a column is by its name, and in which unit its values stand.
//!
//! Must stay true: a unit is never taken for granted. It stands in the name of the column, or the measure has only one,
//! or the values are usual in one unit of the quantity alone; else it is asked for.

use super::quality::{
    quantities::{self, Quantity},
    ucum,
};
use serde::Deserialize;
use std::sync::OnceLock;

const TABLE: &str = include_str!("../../assets/measures.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    measure: Vec<Known>,
}

/// A measure that the table of measures knows.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    loinc: String,
    display: String,
    unit: String,
    /// No other unit is used.
    #[serde(default)]
    fixed: bool,
    category: String,
    names: Vec<String>,
}

/// Where a unit comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnitFrom {
    /// Nothing says it: it is asked for.
    #[default]
    Unknown,
    /// The name of the column.
    Name,
    /// The measure has no other one.
    Measure,
    /// The values are usual in this unit alone.
    Values,
    /// Somebody said it.
    Said,
}

impl UnitFrom {
    /// Stable word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Name => "name",
            Self::Measure => "measure",
            Self::Values => "values",
            Self::Said => "said",
        }
    }
}

/// What a column of a wide table is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MeasureDraft {
    /// LOINC code; empty where it has none.
    pub loinc: String,
    /// Its name.
    pub display: String,
    /// UCUM unit; empty while it is not known.
    pub unit: String,
    /// Where the unit comes from.
    pub from: UnitFrom,
    /// Category of the observations.
    pub category: String,
}

fn table() -> &'static [Known] {
    static PARSED: OnceLock<Vec<Known>> = OnceLock::new();
    PARSED.get_or_init(|| {
        // The text is part of the program and a test reads it; an unreadable table knows nothing.
        let table: Option<Table> = toml::from_str(TABLE).ok();
        table.map_or_else(Vec::new, |table| table.measure)
    })
}

fn of_loinc(loinc: &str) -> Option<&'static Known> {
    table().iter().find(|known| known.loinc == loinc)
}

/// A name in small letters, words parted by one blank.
fn plain(name: &str) -> String {
    let parted = name.to_lowercase().replace(['_', '-', '.', ':', '：'], " ");
    parted.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn named(name: &str) -> Option<&'static Known> {
    let name = plain(name);
    let mut all = table().iter();
    all.find(|known| known.names.iter().any(|one| plain(one) == name))
}

/// A unit as somebody writes it, in UCUM; of a quantity only one that it is given in.
fn unit_of(text: &str, quantity: Option<&Quantity>) -> Option<String> {
    let text = text.trim();
    let unit = match ucum::spelled(text) {
        Some(unit) => unit,
        None => {
            let of_temperature = quantity.is_some_and(|q| q.units().any(|unit| unit == "Cel"));
            match text {
                "c" | "C" if of_temperature => "Cel",
                "f" | "F" if of_temperature => "[degF]",
                text if ucum::is_unit(text) => text,
                _ => return None,
            }
        }
    };
    match quantity {
        Some(quantity) => {
            let mut units = quantity.units();
            units
                .find(|known| ucum::same(known, unit))
                .map(str::to_owned)
        }
        None => Some(unit.to_owned()),
    }
}

/// The parts of a name: what it is called, and what may be its unit.
fn parts(header: &str) -> Vec<(String, String)> {
    let header = header.trim();
    let mut out = Vec::new();
    let open = header.find(['(', '[', '（', '/', ',']);
    if let Some(at) = open {
        let (name, rest) = header.split_at(at);
        let rest = match rest.starts_with('/') {
            // `heart rate /min`
            true => rest,
            false => rest
                .trim_start_matches(['(', '[', '（', ','])
                .trim_end_matches([')', ']', '）']),
        };
        out.push((name.to_owned(), rest.to_owned()));
    }
    // `glucose_mg_dl`, `weight kg`: what stands last, alone or as a quotient of two.
    let words: Vec<&str> = header
        .split(['_', ' ', '-'])
        .filter(|word| !word.is_empty())
        .collect();
    if let Some((last, rest)) = words.split_last() {
        if let Some((before, first)) = rest.split_last() {
            out.push((first.join(" "), format!("{before}/{last}")));
        }
        out.push((rest.join(" "), (*last).to_owned()));
    }
    out
}

/// What a column is by its name, with the unit that the name or the values tell; `None` where the table of measures does
/// not know it.
pub fn of_column<'a>(
    header: &str,
    values: impl Iterator<Item = &'a str> + Clone,
) -> Option<MeasureDraft> {
    let whole = named(header).map(|known| (known, None));
    let in_parts = || {
        parts(header).into_iter().find_map(|(name, unit)| {
            let known = named(&name)?;
            let unit = unit_of(&unit, quantities::of(&known.loinc))?;
            Some((known, Some(unit)))
        })
    };
    // `temperature (measured)`: the name stands, the brackets are no unit.
    let without = || {
        let at = header.find(['(', '[', '（'])?;
        Some((named(header.get(..at)?)?, None))
    };
    let (known, unit) = whole.or_else(in_parts).or_else(without)?;
    let mut draft = MeasureDraft {
        loinc: known.loinc.clone(),
        display: known.display.clone(),
        category: known.category.clone(),
        ..MeasureDraft::default()
    };
    match unit {
        Some(unit) => (draft.unit, draft.from) = (unit, UnitFrom::Name),
        None => draft.find_unit(values),
    }
    Some(draft)
}

impl MeasureDraft {
    /// A column that the table does not know: a measure under the name of the column, whose unit is asked for.
    pub fn unknown(header: &str) -> Self {
        Self {
            display: header.trim().to_owned(),
            category: "laboratory".to_owned(),
            ..Self::default()
        }
    }

    /// Another code: what is known of it comes with it.
    pub fn set_loinc<'a>(&mut self, loinc: &str, values: impl Iterator<Item = &'a str> + Clone) {
        loinc.trim().clone_into(&mut self.loinc);
        if let Some(known) = of_loinc(&self.loinc) {
            self.display.clone_from(&known.display);
            self.category.clone_from(&known.category);
        }
        let kept = quantities::of(&self.loinc)
            .is_none_or(|quantity| quantity.usual_unit(1.0, &self.unit).is_some());
        if !kept || self.unit.is_empty() {
            self.find_unit(values);
        }
    }

    /// A unit that somebody says.
    pub fn set_unit(&mut self, unit: &str) {
        let quantity = quantities::of(&self.loinc);
        self.unit = unit_of(unit, quantity).unwrap_or_else(|| unit.trim().to_owned());
        self.from = match self.unit.is_empty() {
            true => UnitFrom::Unknown,
            false => UnitFrom::Said,
        };
    }

    /// Whether the unit is one that the measure can have.
    pub fn is_ready(&self) -> bool {
        let sound = self.unit == "1" || ucum::is_unit(&self.unit);
        let quantity = quantities::of(&self.loinc);
        sound && quantity.is_none_or(|q| q.usual_unit(1.0, &self.unit).is_some())
    }

    /// Units that can be meant, the usual one first.
    pub fn units(&self) -> Vec<&'static str> {
        match quantities::of(&self.loinc) {
            Some(quantity) => quantity.units().collect(),
            None => of_loinc(&self.loinc)
                .map(|known| known.unit.as_str())
                .into_iter()
                .collect(),
        }
    }

    fn find_unit<'a>(&mut self, values: impl Iterator<Item = &'a str> + Clone) {
        (self.unit, self.from) = (String::new(), UnitFrom::Unknown);
        if let Some(known) = of_loinc(&self.loinc).filter(|known| known.fixed) {
            (self.unit, self.from) = (known.unit.clone(), UnitFrom::Measure);
            return;
        }
        let numbers = values.filter_map(|text| text.trim().parse::<f64>().ok());
        if let Some(quantity) = quantities::of(&self.loinc)
            && let Some(unit) = only_unit(quantity, numbers)
        {
            (self.unit, self.from) = (unit.to_owned(), UnitFrom::Values);
        }
    }
}

/// The one unit in which all values are usual; units of one size (mmol and meq of one charge) are one.
fn only_unit(quantity: &Quantity, numbers: impl Iterator<Item = f64> + Clone) -> Option<&str> {
    numbers.clone().next()?;
    let mut fits = quantity
        .units()
        .filter(|unit| numbers.clone().all(|n| quantity.is_usual(n, unit)));
    let first = fits.next()?;
    let size = |unit: &str| {
        (
            quantity.usual_unit(0.0, unit),
            quantity.usual_unit(1.0, unit),
        )
    };
    fits.all(|other| size(other) == size(first))
        .then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clinical::quality::codes::is_loinc;

    #[test]
    fn the_table_is_readable_and_no_name_stands_twice() {
        let table: Table = toml::from_str(TABLE).unwrap();
        let mut names = std::collections::BTreeSet::new();
        for known in &table.measure {
            assert!(is_loinc(&known.loinc), "{}", known.loinc);
            assert!(
                known.unit == "1" || ucum::is_unit(&known.unit),
                "{}",
                known.unit
            );
            assert!(names.insert(known.loinc.clone()));
            for name in &known.names {
                assert!(names.insert(plain(name)), "{name}");
            }
            if let Some(quantity) = quantities::of(&known.loinc) {
                assert!(
                    quantity.usual_unit(1.0, &known.unit).is_some(),
                    "{}",
                    known.loinc
                );
            }
        }
    }

    fn seen(header: &str, values: &[&str]) -> (String, String, &'static str) {
        let draft = of_column(header, values.iter().copied()).unwrap_or_default();
        (draft.loinc, draft.unit, draft.from.word())
    }

    fn check(header: &str, values: &[&str], expected: [&str; 3]) {
        let (loinc, unit, from) = seen(header, values);
        assert_eq!([loinc.as_str(), unit.as_str(), from], expected, "{header}");
    }

    #[test]
    fn names_of_columns_say_the_measure_and_often_the_unit() {
        check("Heart rate", &["61"], ["8867-4", "/min", "measure"]);
        check("HR_bpm", &["61"], ["8867-4", "/min", "name"]);
        check("收缩压(mmHg)", &["120"], ["8480-6", "mm[Hg]", "name"]);
        check("体重（kg）", &[], ["29463-7", "kg", "name"]);
        check("glucose_mmol_l", &["5.5"], ["2339-0", "mmol/L", "name"]);
        check("Glucose [mg/dL]", &["99"], ["2339-0", "mg/dL", "name"]);
        check("temp_f", &["98.6"], ["8310-5", "[degF]", "name"]);
        check("Temperature °C", &["37"], ["8310-5", "Cel", "name"]);
        check("temperature (ear)", &["37"], ["8310-5", "Cel", "values"]);
        check("colour", &["1"], ["", "", "unknown"]);
    }

    #[test]
    fn values_say_the_unit_only_where_no_other_one_is_usual() {
        check(
            "systolic",
            &["120", "", "131"],
            ["8480-6", "mm[Hg]", "values"],
        );
        check("systolic", &["16.0"], ["8480-6", "kPa", "values"]);
        check("glucose", &["5.5", "6.1"], ["2339-0", "mmol/L", "values"]);
        // 70 may be kilograms or pounds, and no values say nothing.
        check("weight", &["70", "71"], ["29463-7", "", "unknown"]);
        check("systolic", &["", "none"], ["8480-6", "", "unknown"]);
        // mmol/L and meq/L of potassium are one size.
        check("potassium", &["4.1"], ["2823-3", "mmol/L", "values"]);
        // Nobody knows the usual values of CRP here.
        check("CRP", &["3"], ["1988-5", "", "unknown"]);
    }

    #[test]
    fn what_somebody_says_is_held_against_the_quantity() {
        let mut draft = MeasureDraft::unknown(" Stuff ");
        assert_eq!((draft.display.as_str(), draft.is_ready()), ("Stuff", false));
        draft.set_unit("mmHg");
        assert_eq!((draft.unit.as_str(), draft.is_ready()), ("mm[Hg]", true));
        draft.set_loinc("2160-0", ["97"].into_iter());
        // Pressure is no unit of creatinine; 97 is usual in µmol/L alone.
        assert_eq!(
            (draft.unit.as_str(), draft.from),
            ("umol/L", UnitFrom::Values)
        );
        assert_eq!(draft.units(), ["mg/dL", "umol/L"]);
        draft.set_unit("kg");
        assert!(!draft.is_ready());
        draft.set_unit("");
        assert_eq!((draft.from, draft.is_ready()), (UnitFrom::Unknown, false));
        draft.set_unit("no unit at all");
        assert!(!draft.is_ready());
    }
}
