//! Parts of a set to learn from, to choose by and to test with: by patient, and the same each time for the same seed.
//!
//! Must stay true: no patient has pictures in two parts, also where two descriptions only share a study.

use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// A part of a split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// To learn from.
    Train,
    /// To choose by.
    Val,
    /// To test with.
    Test,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Train, Self::Val, Self::Test];

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
        Self::ALL.into_iter().find(|part| part.name() == word)
    }
}

/// Shares of the three parts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shares([f64; 3]);

impl Shares {
    /// Reads `70,15,15`: three numbers that are not negative, and not all nothing.
    pub fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split(',').map(|t| t.trim().parse::<f64>().ok());
        let shares = [numbers.next()??, numbers.next()??, numbers.next()??];
        let sum: f64 = shares.iter().sum();
        let sane = shares.iter().all(|s| s.is_finite() && *s >= 0.0) && sum > 0.0;
        (numbers.next().is_none() && sane).then(|| Self(shares.map(|s| s / sum)))
    }
}

/// Gives every picture its part. A picture is said by what it shares with others of its patient: texts of which one that is
/// the same makes it the same patient. Parts are filled patient by patient, in an order that only the seed and those texts
/// decide.
pub fn split(pictures: &[Vec<String>], shares: Shares, seed: u64) -> Vec<Part> {
    let mut groups = Groups::new(pictures.len());
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    for (at, texts) in pictures.iter().enumerate() {
        for text in texts.iter().filter(|t| !t.is_empty()) {
            let with = *first.entry(text.as_str()).or_insert(at);
            groups.join(with, at);
        }
    }
    // The smallest of all texts of a patient stands for it, whatever the order of the pictures.
    let mut names: BTreeMap<usize, &str> = BTreeMap::new();
    for (at, texts) in pictures.iter().enumerate() {
        let root = groups.root(at);
        for text in texts {
            let name = names.entry(root).or_insert(text);
            *name = (*name).min(text);
        }
        names.entry(root).or_insert("");
    }
    let mut order: Vec<([u8; 32], usize)> = names
        .iter()
        .map(|(root, name)| {
            let mut hash = Sha256::new();
            hash.update(seed.to_le_bytes());
            hash.update(name.as_bytes());
            (hash.finalize().into(), *root)
        })
        .collect();
    order.sort_unstable();
    let count = order.len() as f64;
    let Shares([train, val, _]) = shares;
    let ends = [(train * count).round(), ((train + val) * count).round()];
    let parts: BTreeMap<usize, Part> = order
        .iter()
        .enumerate()
        .map(|(at, (_, root))| {
            let at = at as f64;
            let part = match ends {
                [end, _] if at < end => Part::Train,
                [_, end] if at < end => Part::Val,
                _ => Part::Test,
            };
            (*root, part)
        })
        .collect();
    (0..pictures.len())
        .map(|at| parts.get(&groups.root(at)).copied().unwrap_or(Part::Train))
        .collect()
}

/// Texts that stand in two parts: none where nothing leaks.
pub fn leaks(pictures: &[Vec<String>], parts: &[Part]) -> usize {
    let mut seen: BTreeMap<&str, Part> = BTreeMap::new();
    let mut leaks = 0;
    for (texts, part) in pictures.iter().zip(parts) {
        for text in texts.iter().filter(|t| !t.is_empty()) {
            let known = *seen.entry(text.as_str()).or_insert(*part);
            leaks += usize::from(known != *part);
        }
    }
    leaks
}

/// Which pictures belong together.
struct Groups(Vec<usize>);

impl Groups {
    fn new(count: usize) -> Self {
        Self((0..count).collect())
    }

    fn root(&mut self, mut at: usize) -> usize {
        while let Some(up) = self.0.get(at).copied().filter(|up| *up != at) {
            let over = self.0.get(up).copied().unwrap_or(up);
            if let Some(slot) = self.0.get_mut(at) {
                *slot = over;
            }
            at = up;
        }
        at
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        if let Some(slot) = self.0.get_mut(b) {
            *slot = a;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pictures of 100 patients, one to seven each; some patients have two names that share a study.
    fn pictures() -> Vec<Vec<String>> {
        let mut all = Vec::new();
        for patient in 0..100u32 {
            for picture in 0..patient % 7 + 1 {
                let name = match patient % 10 == 0 && picture % 2 == 1 {
                    true => format!("patient {patient} otherwise"),
                    false => format!("patient {patient}"),
                };
                all.push(vec![name, format!("study {patient}")]);
            }
        }
        all
    }

    #[test]
    fn no_patient_is_in_two_parts_and_the_shares_are_kept() {
        let pictures = pictures();
        let shares = Shares::parse("70, 15,15").unwrap();
        for seed in 0..20 {
            let parts = split(&pictures, shares, seed);
            assert_eq!(leaks(&pictures, &parts), 0);
            let mut by_patient: BTreeMap<&str, Part> = BTreeMap::new();
            for (texts, part) in pictures.iter().zip(&parts) {
                by_patient.insert(texts[1].as_str(), *part);
            }
            let count = |part: Part| by_patient.values().filter(|p| **p == part).count();
            assert_eq!(Part::ALL.map(count), [70, 15, 15]);
        }
        let parts = split(&pictures, shares, 1);
        assert_ne!(parts, split(&pictures, shares, 2), "the seed counts");
        let mut backwards = pictures.clone();
        backwards.reverse();
        let mut again = split(&backwards, shares, 1);
        again.reverse();
        assert_eq!(parts, again, "the order of the pictures does not");
    }

    #[test]
    fn a_leak_is_seen() {
        let pictures = [vec!["a".to_owned()], vec!["a".to_owned()]];
        assert_eq!(leaks(&pictures, &[Part::Train, Part::Test]), 1);
        assert_eq!(leaks(&pictures, &[Part::Val, Part::Val]), 0);
    }

    #[test]
    fn shares_are_three_numbers() {
        assert!(Shares::parse("1,0,0").is_some());
        for text in ["", "1,1", "0,0,0", "1,-1,1", "1,1,1,1", "a,b,c", "inf,1,1"] {
            assert_eq!(Shares::parse(text), None, "{text}");
        }
    }
}
