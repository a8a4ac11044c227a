//! Rules for numbers and their units.

use super::{
    super::elements::{LOINC, UCUM, concept, list, text},
    Judge, Patch, Rule, Word, quantities,
    quantities::{Verdict, rounded},
    resources::is_void,
    ucum,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A number of the record.
struct Number {
    /// Number of its resource.
    resource: usize,
    /// Pointer to its Quantity.
    pointer: String,
    /// Its LOINC code; empty where it has none.
    loinc: String,
    value: f64,
    /// What the unit is: code of UCUM, else words.
    unit: String,
    /// The unit is given as code of UCUM.
    coded: bool,
    /// Day, as written.
    day: String,
}

/// Codes whose values are compared within a patient: height and weight.
const STEADY: [&str; 3] = ["8302-2", "29463-7", "3141-9"];
/// As many others an outlier needs.
const OTHERS: usize = 4;

impl Judge<'_> {
    /// All numbers of observations.
    pub(super) fn quantities(&mut self) {
        let mut numbers = Vec::new();
        for (at, (resource, value)) in self.resources.iter().zip(self.values).enumerate() {
            if resource.kind == "Observation" && !is_void(value) {
                numbers.extend(number(at, "", value, value));
                for (place, part) in list(value, "component").iter().enumerate() {
                    numbers.extend(number(at, &format!("/component/{place}"), part, value));
                }
            }
        }
        let mut by_code: BTreeMap<&str, Vec<&Number>> = BTreeMap::new();
        for number in numbers.iter().filter(|n| !n.loinc.is_empty()) {
            by_code.entry(&number.loinc).or_default().push(number);
        }
        for number in &numbers {
            let others = by_code.get(number.loinc.as_str());
            self.number(number, others.map_or(&[], Vec::as_slice));
        }
        for code in STEADY {
            if let Some(series) = by_code.get(code) {
                self.outliers(series);
            }
        }
    }

    fn number(&mut self, number: &Number, others: &[&Number]) {
        let at = number.resource;
        let stated = || format!("{} {}", number.value, number.unit);
        if number.unit.is_empty() {
            let word = Word::at("valueQuantity.unit").says(number.value.to_string());
            let word = match unit_of_others(number, others) {
                Some(unit) => word
                    .says(format!("{} → {} {unit}", number.value, number.value))
                    .mend(with_unit(&number.pointer, unit)),
                None => word,
            };
            self.hold(Rule::UnitMissing, at, Some(word));
            return;
        }
        self.hold(Rule::UnitMissing, at, None);
        // What the unit is, however it is written.
        let spelled = ucum::spelled(&number.unit).filter(|unit| {
            // `mg/dl` is UCUM as well where it is given as a code.
            !(number.coded && ucum::same(unit, &number.unit))
        });
        let sound = ucum::is_unit(&number.unit);
        let unit = match (spelled, sound) {
            (Some(unit), _) => {
                let word = Word::at("valueQuantity.unit")
                    .says(format!("{} → {unit}", number.unit))
                    .mend(with_unit(&number.pointer, unit));
                self.hold(Rule::UnitSpelling, at, Some(word));
                unit
            }
            (None, true) => {
                self.hold(Rule::UnitSpelling, at, None);
                self.hold(Rule::UnitUnknown, at, None);
                number.unit.as_str()
            }
            (None, false) => {
                let word = Word::at("valueQuantity.unit").says(number.unit.clone());
                self.hold(Rule::UnitUnknown, at, Some(word));
                return;
            }
        };
        let Some(quantity) = quantities::of(&number.loinc) else {
            self.mixed(number, unit, others);
            return;
        };
        let verdict = quantity.judge(number.value, unit);
        if verdict == Verdict::UnknownUnit {
            let word =
                Word::at("valueQuantity.unit").says(format!("{} ({})", stated(), quantity.unit));
            self.hold(Rule::UnitOfCode, at, Some(word));
            return;
        }
        self.hold(Rule::UnitOfCode, at, None);
        self.hold(
            Rule::Impossible,
            at,
            match verdict {
                Verdict::Impossible => Some(Word::at("valueQuantity").says(stated())),
                _ => None,
            },
        );
        self.hold(
            Rule::UnitSwapped,
            at,
            match verdict {
                Verdict::OtherUnit(value) => {
                    let value = rounded(value);
                    let patch = with_unit(&number.pointer, &quantity.unit)
                        .and(format!("{}/value", number.pointer), json!(value));
                    let says = format!("{} → {value} {}", stated(), quantity.unit);
                    Some(Word::at("valueQuantity").says(says).mend(patch))
                }
                _ => None,
            },
        );
    }

    /// A unit that most other values of one code do not have, where nothing converts one into the other.
    fn mixed(&mut self, number: &Number, unit: &str, others: &[&Number]) {
        if number.loinc.is_empty() || others.len() < 2 {
            return;
        }
        let same = others.iter().filter(|o| ucum::same(&o.unit, unit)).count();
        let wrong = (2 * same < others.len()).then(|| {
            Word::at("valueQuantity.unit").says(format!("{} {}", number.value, number.unit))
        });
        self.hold(Rule::UnitMixed, number.resource, wrong);
    }

    /// Height and weight of a grown person that lie far from all others; children grow.
    fn outliers(&mut self, series: &[&Number]) {
        let Some(birth) = self.birth else { return };
        let grown: Vec<(&Number, f64)> = series
            .iter()
            .filter(|n| {
                crate::model::date::Date::parse(&n.day)
                    .and_then(|day| birth.years_until(day))
                    .is_some_and(|age| age >= 20)
            })
            .filter_map(|n| {
                let quantity = quantities::of(&n.loinc)?;
                // What is impossible is told by another rule.
                let unit = ucum::spelled(&n.unit).unwrap_or(&n.unit);
                let possible = quantity.judge(n.value, unit) == Verdict::Possible;
                let value = quantity.usual_unit(n.value, unit).filter(|_| possible)?;
                Some((*n, value))
            })
            .collect();
        if grown.len() <= OTHERS {
            return;
        }
        let mut sorted: Vec<f64> = grown.iter().map(|(_, value)| *value).collect();
        sorted.sort_by(f64::total_cmp);
        let Some(median) = sorted.get(sorted.len() / 2).copied().filter(|m| *m > 0.0) else {
            return;
        };
        for (number, value) in grown {
            let (low, high) = match number.loinc.as_str() {
                "8302-2" => (0.8, 1.25),
                _ => (0.4, 2.5),
            };
            let ratio = value / median;
            let wrong = (!(low..=high).contains(&ratio)).then(|| {
                Word::at("valueQuantity").says(format!(
                    "{} {} ({})",
                    number.value,
                    number.unit,
                    rounded(median)
                ))
            });
            self.hold(Rule::Outlier, number.resource, wrong);
        }
    }
}

fn number(resource: usize, prefix: &str, part: &Value, whole: &Value) -> Option<Number> {
    let quantity = part.get("valueQuantity")?;
    let value = quantity.get("value").and_then(Value::as_f64)?;
    let (code, words) = (text(quantity, "code"), text(quantity, "unit"));
    let coded = text(quantity, "system") == UCUM && !code.is_empty();
    let what = concept(part.get("code"), LOINC);
    Some(Number {
        resource,
        pointer: format!("{prefix}/valueQuantity"),
        loinc: match what.system == LOINC {
            true => what.code,
            false => String::new(),
        },
        value,
        unit: match (coded, words.is_empty()) {
            (true, _) | (false, true) => code.to_owned(),
            (false, false) => words.to_owned(),
        },
        coded,
        day: text(whole, "effectiveDateTime").to_owned(),
    })
}

fn with_unit(pointer: &str, unit: &str) -> Patch {
    Patch::one(format!("{pointer}/unit"), json!(unit))
        .and(format!("{pointer}/system"), json!(UCUM))
        .and(format!("{pointer}/code"), json!(unit))
}

/// The one unit of all other values of the code, where the value lies among them.
fn unit_of_others<'a>(number: &Number, others: &[&'a Number]) -> Option<&'a str> {
    let mut known = others.iter().filter(|o| !o.unit.is_empty());
    let first = known.next()?;
    let mut values = vec![first.value];
    for other in known {
        if other.unit != first.unit {
            return None;
        }
        values.push(other.value);
    }
    values.sort_by(f64::total_cmp);
    let median = values.get(values.len() / 2).copied()?;
    let near = median > 0.0 && (median / 3.0..=median * 3.0).contains(&number.value);
    (near && values.len() >= 2).then_some(first.unit.as_str())
}
