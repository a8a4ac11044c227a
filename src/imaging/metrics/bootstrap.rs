//! How far a figure may lie off because these and no other cases were looked at: percentile intervals by drawing
//! with replacement (Efron and Tibshirani 1993, chapter 13).
//!
//! Two pictures of one patient are no two opinions: where patients are known they are drawn, each with all cases.
//! The same seed gives the same interval everywhere. A draw for which the figure does not exist (a class is missing in
//! it) is left out and counted; with fewer than half of the draws there is no interval.

use super::distance::percentile;
use std::collections::BTreeMap;

/// What is drawn, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resampling {
    /// Cases of each patient, in the order in which patients first occur.
    groups: Vec<Vec<usize>>,
    /// Where the sequence of draws begins.
    seed: u64,
    /// Draws.
    draws: usize,
}

/// A percentile interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Draws for which the figure exists.
    pub draws: usize,
}

impl Resampling {
    /// Every case is drawn for itself.
    pub fn by_case(cases: usize, seed: u64, draws: usize) -> Self {
        Self {
            groups: (0..cases).map(|i| vec![i]).collect(),
            seed,
            draws,
        }
    }

    /// Patients are drawn with all of their cases; `patients` names that of each case.
    pub fn by_patient(patients: &[String], seed: u64, draws: usize) -> Self {
        let mut groups: Vec<Vec<usize>> = Vec::new();
        let mut known: BTreeMap<&str, usize> = BTreeMap::new();
        for (case, patient) in patients.iter().enumerate() {
            let place = *known.entry(patient).or_insert_with(|| {
                groups.push(Vec::new());
                groups.len() - 1
            });
            if let Some(group) = groups.get_mut(place) {
                group.push(case);
            }
        }
        Self {
            groups,
            seed,
            draws,
        }
    }

    /// What is drawn: patients, or cases where each stands for itself.
    pub const fn groups(&self) -> usize {
        self.groups.len()
    }

    /// The central interval of a figure at a level such as 0.95. The figure is asked with the indices of the cases
    /// that a draw holds, repetitions included. `None` without cases, at a level that is no share, or where fewer than
    /// half of the draws have the figure.
    pub fn interval(
        &self,
        level: f64,
        mut figure: impl FnMut(&[usize]) -> Option<f64>,
    ) -> Option<Interval> {
        let [found] = self.intervals(level, |drawn| [figure(drawn)]);
        found
    }

    /// The intervals of several figures over the same draws; each as [`Self::interval`] gives it.
    pub fn intervals<const N: usize>(
        &self,
        level: f64,
        mut figures: impl FnMut(&[usize]) -> [Option<f64>; N],
    ) -> [Option<Interval>; N] {
        let mut found: [Vec<f64>; N] = std::array::from_fn(|_| Vec::new());
        if self.groups.is_empty() || !(level > 0.0 && level < 1.0) {
            return [None; N];
        }
        let mut state = self.seed;
        let mut drawn = Vec::new();
        for _ in 0..self.draws {
            drawn.clear();
            for _ in 0..self.groups.len() {
                if let Some(group) = self.groups.get(below(&mut state, self.groups.len())) {
                    drawn.extend_from_slice(group);
                }
            }
            for (found, value) in found.iter_mut().zip(figures(&drawn)) {
                found.extend(value.filter(|v| v.is_finite()));
            }
        }
        found.map(|values| self.central(level, values))
    }

    fn central(&self, level: f64, mut found: Vec<f64>) -> Option<Interval> {
        if found.is_empty() || 2 * found.len() < self.draws {
            return None;
        }
        found.sort_unstable_by(f64::total_cmp);
        let tail = (1.0 - level) / 2.0;
        Some(Interval {
            low: percentile(&found, tail)?,
            high: percentile(&found, 1.0 - tail)?,
            draws: found.len(),
        })
    }
}

/// A number below `count` from the next 64 bits of SplitMix64 (Steele, Lea, Flood 2014): the upper half of the product,
/// whose bias is below 2⁻³² for any number of cases that fits the memory.
fn below(state: &mut u64, count: usize) -> usize {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^= z >> 31;
    ((u128::from(z) * count as u128) >> 64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patients_are_drawn_with_all_of_their_cases() {
        let patients: Vec<String> = ["a", "b", "a", "c"].map(str::to_owned).into();
        let by_patient = Resampling::by_patient(&patients, 1, 200);
        assert_eq!(by_patient.groups(), 3);
        by_patient.interval(0.9, |drawn| {
            let of = |case| drawn.iter().filter(|d| **d == case).count();
            assert_eq!(of(0), of(2));
            assert_eq!(of(0) + of(1) + of(3), 3);
            Some(0.0)
        });
        // Copies of one case know no more than one: by patient the interval stays as wide, by case it shrinks.
        let values: Vec<f64> = (0..40).map(|i| f64::from(i / 10)).collect();
        let who: Vec<String> = (0..40).map(|i| (i / 10).to_string()).collect();
        let mean = |drawn: &[usize]| {
            Some(drawn.iter().map(|&i| values[i]).sum::<f64>() / drawn.len() as f64)
        };
        let width = |r: Resampling| r.interval(0.95, mean).map(|i| i.high - i.low).unwrap();
        let (patients, cases) = (
            width(Resampling::by_patient(&who, 7, 1000)),
            width(Resampling::by_case(40, 7, 1000)),
        );
        assert!(patients > 2.0 * cases, "{patients} {cases}");
    }

    #[test]
    fn what_does_not_exist_has_no_interval() {
        let of = |level, figure: fn(&[usize]) -> Option<f64>| {
            Resampling::by_case(4, 1, 50).interval(level, figure)
        };
        assert_eq!(of(0.95, |_| None), None);
        assert_eq!(of(0.95, |_| Some(f64::NAN)), None);
        assert_eq!(of(1.0, |_| Some(1.0)), None);
        assert_eq!(
            Resampling::by_case(0, 1, 50).interval(0.9, |_| Some(1.0)),
            None
        );
        let found = of(0.95, |_| Some(2.0)).unwrap();
        assert_eq!((found.low, found.high, found.draws), (2.0, 2.0, 50));
    }
}
