//! Parts of a set to learn from, to choose by and to test with: by patient, the same each time for the same seed.
//!
//! Must stay true: no patient, no study and no picture is in two parts, also where two cases only share one of them.

use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// A part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// To learn from.
    Train,
    /// To choose by.
    Val,
    /// To test with.
    Test,
}

impl Part {
    /// Its word in names of files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Val => "val",
            Self::Test => "test",
        }
    }

    /// The part with this word.
    pub fn named(word: &str) -> Option<Self> {
        let all = [Self::Train, Self::Val, Self::Test];
        all.into_iter().find(|part| part.name() == word)
    }
}

/// Shares of the three parts; their sum is 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shares([f64; 3]);

impl Shares {
    /// Reads `70,15,15`.
    pub fn parse(text: &str) -> Option<Self> {
        let numbers: Option<Vec<f64>> = text.split(',').map(|t| t.trim().parse().ok()).collect();
        let shares = <[f64; 3]>::try_from(numbers?).ok()?;
        let sum: f64 = shares.iter().sum();
        let sane = shares.iter().all(|s| s.is_finite() && *s >= 0.0) && sum > 0.0;
        sane.then(|| Self(shares.map(|s| s / sum)))
    }
}

/// Cases that share a text are one patient's: gives each case the number of its patient.
fn patients(cases: &[Vec<String>]) -> Vec<usize> {
    let mut group: Vec<usize> = (0..cases.len()).collect();
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    for (at, texts) in cases.iter().enumerate() {
        for text in texts.iter().filter(|t| !t.is_empty()) {
            let with = *first.entry(text).or_insert(at);
            let (a, b) = (group.get(with).copied(), group.get(at).copied());
            if let (Some(a), Some(b)) = (a, b) {
                let (low, high) = (a.min(b), a.max(b));
                for member in group.iter_mut().filter(|m| **m == high) {
                    *member = low;
                }
            }
        }
    }
    group
}

/// Gives every case its part. A case is said by what it shares with others of its patient. Parts are filled patient by
/// patient, in an order that the seed and those texts alone decide.
pub fn split(cases: &[Vec<String>], Shares([train, val, _]): Shares, seed: u64) -> Vec<Part> {
    let group = patients(cases);
    // The smallest text of a patient stands for it, whatever the order of the cases.
    let mut names: BTreeMap<usize, &str> = BTreeMap::new();
    for (texts, of) in cases.iter().zip(&group) {
        let smallest = texts.iter().map(String::as_str).min().unwrap_or("");
        let name = names.entry(*of).or_insert(smallest);
        *name = (*name).min(smallest);
    }
    let mut order: Vec<([u8; 32], usize)> = names
        .iter()
        .map(|(of, name)| {
            let mut hash = Sha256::new();
            hash.update(seed.to_le_bytes());
            hash.update(name.as_bytes());
            (hash.finalize().into(), *of)
        })
        .collect();
    order.sort_unstable();
    let count = order.len() as f64;
    let (end, next) = ((train * count).round(), ((train + val) * count).round());
    let parts: BTreeMap<usize, Part> = (0..)
        .zip(&order)
        .map(|(at, (_, of))| {
            let at = f64::from(at);
            let part = match () {
                () if at < end => Part::Train,
                () if at < next => Part::Val,
                () => Part::Test,
            };
            (*of, part)
        })
        .collect();
    let part = |of: &usize| parts.get(of).copied().unwrap_or(Part::Train);
    group.iter().map(part).collect()
}

/// How many texts stand in two parts: none where nothing leaks.
pub fn leaks(cases: &[Vec<String>], parts: &[Part]) -> usize {
    let mut seen: BTreeMap<&str, Part> = BTreeMap::new();
    let mut leaks = 0;
    for (texts, part) in cases.iter().zip(parts) {
        for text in texts.iter().filter(|t| !t.is_empty()) {
            leaks += usize::from(*seen.entry(text).or_insert(*part) != *part);
        }
    }
    leaks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_patient_is_in_two_parts() {
        // Case n is of patient n / 3; every seventh shares a study with the patient before.
        let cases: Vec<Vec<String>> = (0..60)
            .map(|n| {
                let mut texts = vec![format!("patient {}", n / 3)];
                if n % 21 == 0 && n > 0 {
                    texts.push(format!("study {}", n / 3));
                }
                if n % 21 == 20 {
                    texts.push(format!("study {}", n / 3 + 1));
                }
                texts
            })
            .collect();
        for seed in 0..20 {
            let parts = split(&cases, Shares::parse("60,20,20").unwrap(), seed);
            assert_eq!(leaks(&cases, &parts), 0);
            assert!(parts.contains(&Part::Train) && parts.contains(&Part::Test));
            // The order of the cases changes nothing.
            let mut turned = cases.clone();
            turned.reverse();
            let mut again = split(&turned, Shares::parse("60,20,20").unwrap(), seed);
            again.reverse();
            assert_eq!(parts, again);
        }
        let one = vec![vec!["a".to_owned()], vec!["a".to_owned()]];
        assert_eq!(leaks(&one, &[Part::Train, Part::Test]), 1);
        assert_eq!(Shares::parse("1,2"), None);
        assert_eq!(Shares::parse("0,0,0"), None);
    }
}
