//! The table of quantities: units that go with a code, and what no living person has.

use super::ucum;
use serde::Deserialize;
use std::{collections::HashMap, sync::OnceLock};

const TABLE: &str = include_str!("../../../assets/quantities.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    quantity: Vec<Quantity>,
}

/// A quantity.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quantity {
    loinc: Vec<String>,
    /// Its usual UCUM unit.
    pub unit: String,
    low: f64,
    high: f64,
    usual: [f64; 2],
    #[serde(default)]
    other: Vec<Other>,
}

/// Another unit of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Other {
    unit: String,
    factor: f64,
    #[serde(default)]
    offset: f64,
}

/// What a value with a unit is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    /// It may be so.
    Possible,
    /// No living person has it, and no other unit makes it usual.
    Impossible,
    /// It is usual in another unit: this is it in the usual one.
    OtherUnit(f64),
    /// The unit is not one of the quantity.
    UnknownUnit,
}

fn table() -> &'static HashMap<&'static str, &'static Quantity> {
    static PARSED: OnceLock<HashMap<&'static str, &'static Quantity>> = OnceLock::new();
    PARSED.get_or_init(|| {
        // The text is part of the program and a test reads it; an unreadable table knows nothing.
        let table: Option<Table> = toml::from_str(TABLE).ok();
        let quantities: &'static [Quantity] = table.map_or(&[], |table| &*table.quantity.leak());
        quantities
            .iter()
            .flat_map(|q| q.loinc.iter().map(move |code| (code.as_str(), q)))
            .collect()
    })
}

/// The quantity of a LOINC code.
pub fn of(loinc: &str) -> Option<&'static Quantity> {
    table().get(loinc).copied()
}

impl Quantity {
    /// Its units, the usual one first.
    pub fn units(&self) -> impl Iterator<Item = &str> {
        let others = self.other.iter().map(|other| other.unit.as_str());
        std::iter::once(self.unit.as_str()).chain(others)
    }

    /// Whether a value in a unit lies where most values lie.
    pub fn is_usual(&self, value: f64, unit: &str) -> bool {
        let [low, high] = self.usual;
        self.usual_unit(value, unit)
            .is_some_and(|value| (low..=high).contains(&value))
    }

    /// A value in the usual unit.
    pub fn usual_unit(&self, value: f64, unit: &str) -> Option<f64> {
        if ucum::same(unit, &self.unit) {
            return Some(value);
        }
        let other = self.other.iter().find(|o| ucum::same(&o.unit, unit))?;
        Some(value * other.factor + other.offset)
    }

    /// A value in the usual unit in another one.
    pub fn from_usual(&self, value: f64, unit: &str) -> Option<f64> {
        if ucum::same(unit, &self.unit) {
            return Some(value);
        }
        let other = self.other.iter().find(|o| ucum::same(&o.unit, unit))?;
        Some((value - other.offset) / other.factor)
    }

    /// What a value with a UCUM unit is.
    pub fn judge(&self, value: f64, unit: &str) -> Verdict {
        let Some(stated) = self.usual_unit(value, unit) else {
            return Verdict::UnknownUnit;
        };
        if (self.low..=self.high).contains(&stated) {
            return Verdict::Possible;
        }
        let units = std::iter::once((self.unit.as_str(), value)).chain(
            self.other
                .iter()
                .map(|o| (o.unit.as_str(), value * o.factor + o.offset)),
        );
        // Units of one size (mmol and meq of one charge) make one candidate.
        let mut usual: Vec<f64> = units
            .filter(|(other, _)| !ucum::same(other, unit))
            .map(|(_, value)| value)
            .filter(|value| (self.usual[0]..=self.usual[1]).contains(value))
            .collect();
        usual.dedup();
        match usual.as_slice() {
            [one] => Verdict::OtherUnit(*one),
            _ => Verdict::Impossible,
        }
    }
}

/// A value with four digits that count.
pub fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let digits = (3 - value.abs().log10().floor() as i32).clamp(0, 12);
    let scale = 10f64.powi(digits);
    (value * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_readable_and_sane() {
        let table: Table = toml::from_str(TABLE).unwrap();
        for q in &table.quantity {
            assert!(ucum::is_unit(&q.unit), "{}", q.unit);
            assert!(q.low <= q.usual[0] && q.usual[0] < q.usual[1] && q.usual[1] <= q.high);
            for other in &q.other {
                assert!(ucum::is_unit(&other.unit), "{}", other.unit);
            }
            assert!(
                q.loinc
                    .iter()
                    .all(|c| crate::clinical::quality::codes::is_loinc(c)),
                "{:?}",
                q.loinc
            );
        }
    }

    #[test]
    fn units_that_were_mistaken_are_told() {
        let creatinine = of("2160-0").unwrap();
        assert_eq!(creatinine.judge(1.1, "mg/dL"), Verdict::Possible);
        assert_eq!(creatinine.judge(97.0, "umol/L"), Verdict::Possible);
        let Verdict::OtherUnit(value) = creatinine.judge(97.0, "mg/dL") else {
            panic!("97 mg/dL is 97 µmol/L");
        };
        assert_eq!(rounded(value), 1.097);
        assert!(matches!(creatinine.judge(0.9, "umol/L"), Verdict::OtherUnit(v) if v == 0.9));
        assert_eq!(creatinine.judge(-3.0, "mg/dL"), Verdict::Impossible);
        assert_eq!(creatinine.judge(3.0, "kg"), Verdict::UnknownUnit);
        let temperature = of("8310-5").unwrap();
        let Verdict::OtherUnit(value) = temperature.judge(98.6, "Cel") else {
            panic!("98.6 °C is 98.6 °F");
        };
        assert!((value - 37.0).abs() < 1e-9);
    }
}
