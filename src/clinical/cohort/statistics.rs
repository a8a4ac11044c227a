//! What many patients have in common: counts, and the spread of a value.

use super::{Cohort, Kind, query::comparable};
use crate::model::{date::Date, identity::Sex};
use std::collections::{BTreeMap, HashMap};

/// Years of a bar of the ages.
pub const AGE_BAR: u16 = 10;
/// Bars of a spread.
pub const BARS: usize = 20;

/// Something that several patients have.
#[derive(Clone, Debug, PartialEq)]
pub struct Common {
    /// Code.
    pub code: String,
    /// Words.
    pub words: String,
    /// How many patients have it.
    pub patients: usize,
}

/// Counts over patients.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// Patients.
    pub patients: usize,
    /// Facts about them.
    pub facts: usize,
    /// Women, men, others, unknown.
    pub sexes: [usize; 4],
    /// Who died.
    pub dead: usize,
    /// Patients by age, [`AGE_BAR`] years a bar.
    pub ages: Vec<usize>,
    /// Patients whose age is not known.
    pub no_age: usize,
    /// What most have, by kind, the commonest first.
    pub common: BTreeMap<Kind, Vec<Common>>,
    /// Studies of records and pictures by year.
    pub years: BTreeMap<u16, usize>,
}

/// How many of a kind are listed.
const MOST: usize = 12;

/// Counts over some patients of a cohort.
pub fn summary(cohort: &Cohort, chosen: &[usize], today: Date) -> Summary {
    let day = i32::try_from(today.days_since_epoch()).unwrap_or_default();
    let mut out = Summary {
        patients: chosen.len(),
        ..Summary::default()
    };
    // Terms that differ in unit or place alone are one thing, and count once a patient.
    let mut names: HashMap<(Kind, &str), usize> = HashMap::new();
    let mut things: Vec<(Kind, &str, &str)> = Vec::new();
    let groups: Vec<Option<usize>> = cohort
        .terms()
        .iter()
        .map(|term| {
            let name = match term.code.is_empty() {
                true => term.words.as_str(),
                false => term.code.as_str(),
            };
            (!name.is_empty()).then(|| {
                *names.entry((term.kind, name)).or_insert_with(|| {
                    things.push((term.kind, name, &term.words));
                    things.len() - 1
                })
            })
        })
        .collect();
    let mut having = vec![0_usize; things.len()];
    // Who had it last, so that a patient counts once.
    let mut last = vec![usize::MAX; things.len()];
    for number in chosen {
        let Some(person) = cohort.person(*number) else {
            continue;
        };
        let slot = match person.sex {
            Sex::Female => 0,
            Sex::Male => 1,
            Sex::Other => 2,
            Sex::Unknown => 3,
        };
        if let Some(count) = out.sexes.get_mut(slot) {
            *count += 1;
        }
        out.dead += usize::from(person.death.is_some());
        match person.age(day) {
            Some(age) => {
                let bar = usize::from(age / AGE_BAR);
                if out.ages.len() <= bar {
                    out.ages.resize(bar + 1, 0);
                }
                if let Some(count) = out.ages.get_mut(bar) {
                    *count += 1;
                }
            }
            None => out.no_age += 1,
        }
        let facts = cohort.facts_of(*number);
        out.facts += facts.len();
        for fact in facts {
            let Some(term) = cohort.term(fact) else {
                continue;
            };
            if matches!(term.kind, Kind::Study | Kind::Picture)
                && let Some(date) = fact
                    .day
                    .and_then(|d| Date::of_ms(i64::from(d) * 86_400_000))
            {
                *out.years.entry(date.year).or_default() += 1;
            }
            let group = groups.get(fact.term as usize).copied().flatten();
            if let Some(group) = group
                && let (Some(count), Some(last)) = (having.get_mut(group), last.get_mut(group))
                && *last != *number
            {
                *last = *number;
                *count += 1;
            }
        }
    }
    for ((kind, code, words), patients) in things.into_iter().zip(having) {
        if patients == 0 {
            continue;
        }
        let list = out.common.entry(kind).or_default();
        list.push(Common {
            code: code.to_owned(),
            words: words.to_owned(),
            patients,
        });
    }
    for list in out.common.values_mut() {
        list.sort_by(|a, b| {
            b.patients
                .cmp(&a.patients)
                .then_with(|| a.code.cmp(&b.code))
        });
        list.truncate(MOST);
    }
    out
}

/// The spread of the newest value of each patient.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spread {
    /// Unit of all figures.
    pub unit: String,
    /// Patients with a value.
    pub patients: usize,
    /// Patients whose value is in a unit that nothing converts.
    pub left_out: usize,
    /// Mean.
    pub mean: f64,
    /// Standard deviation of the sample.
    pub deviation: f64,
    /// Least, first quartile, median, third quartile, greatest.
    pub quartiles: [f64; 5],
    /// Patients in [`BARS`] bars of equal width from the least to the greatest.
    pub bars: Vec<usize>,
}

/// The spread of the newest value with a LOINC code, or with these words, over some patients; `None` where nobody has it.
pub fn spread(cohort: &Cohort, chosen: &[usize], code: &str) -> Option<Spread> {
    let small = code.to_lowercase();
    let meant: Vec<bool> = cohort
        .terms()
        .iter()
        .map(|t| {
            t.kind == Kind::Value
                && (t.code.to_lowercase() == small || t.words.to_lowercase().contains(&small))
        })
        .collect();
    let mut unit: Option<String> = None;
    let mut values = Vec::new();
    let mut left_out = 0;
    for number in chosen {
        let facts = cohort.facts_of(*number).iter();
        let known = facts
            .filter(|f| f.value.is_some() && meant.get(f.term as usize).copied().unwrap_or(false));
        let Some(newest) = known.max_by_key(|f| f.day) else {
            continue;
        };
        let (Some(value), Some(term)) = (newest.value, cohort.term(newest)) else {
            continue;
        };
        let usual = crate::clinical::quality::quantities::of(&term.code);
        let wanted =
            unit.get_or_insert_with(|| usual.map_or_else(|| term.unit.clone(), |q| q.unit.clone()));
        match comparable(term, value, wanted) {
            Some(value) => values.push(value),
            None => left_out += 1,
        }
    }
    values.sort_by(f64::total_cmp);
    let (least, greatest) = (*values.first()?, *values.last()?);
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    let mut bars = vec![0; BARS];
    for value in &values {
        let share = match greatest > least {
            true => (value - least) / (greatest - least),
            false => 0.0,
        };
        let bar = ((share * BARS as f64) as usize).min(BARS - 1);
        if let Some(count) = bars.get_mut(bar) {
            *count += 1;
        }
    }
    Some(Spread {
        unit: unit.unwrap_or_default(),
        patients: values.len(),
        left_out,
        mean,
        deviation: match values.len() {
            1 => 0.0,
            n => (squares / (n - 1) as f64).sqrt(),
        },
        quartiles: [0.0, 0.25, 0.5, 0.75, 1.0].map(|share| quantile(&values, share)),
        bars,
    })
}

/// A quantile of sorted values, linear between neighbours (type 7 of Hyndman and Fan, that of NumPy and R).
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len().saturating_sub(1)) as f64;
    let below = place.floor() as usize;
    let at = |n: usize| sorted.get(n).or(sorted.last()).copied().unwrap_or(f64::NAN);
    at(below) + (place - below as f64) * (at(below + 1) - at(below))
}
