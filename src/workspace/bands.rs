//! Which band marks which patient (safety S3, product A9): dealt one after the other in the order of the library.
//!
//! Must stay true: no two patients who are open have the same band, and a patient keeps theirs for as long as anything of
//! them is open, from when all that was opened with them is read: until then the order is not known. A band is a colour, a pattern once all colours are given away, and a letter that is theirs alone; the
//! name stands beside it.

use super::library::{Library, PatientKey};
use crate::model::identity::PatientIdentity;
use std::collections::{HashMap, HashSet};

/// So many colours there are; behind them the pattern changes.
pub const COLORS: usize = 7;

/// The band of a patient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Band(usize);

impl Band {
    /// Which of the colours, below [`COLORS`].
    pub const fn color(self) -> usize {
        self.0 % COLORS
    }

    /// Into how many pieces it is cut: 1 is whole.
    pub const fn pieces(self) -> usize {
        self.0 / COLORS + 1
    }

    /// `A` for the first patient, `B` for the second; `AA` behind `Z`.
    pub fn letter(self) -> String {
        let mut rest = self.0 + 1;
        let mut letters = Vec::new();
        while rest > 0 {
            rest -= 1;
            letters.push(char::from(
                b'A' + u8::try_from(rest % 26).unwrap_or_default(),
            ));
            rest /= 26;
        }
        letters.iter().rev().collect()
    }
}

/// Who has which band.
#[derive(Default)]
pub struct Bands {
    dealt: HashMap<PatientKey, usize>,
    /// Who keeps theirs.
    settled: HashSet<PatientKey>,
}

impl Bands {
    /// The band of a patient of whom something is open.
    pub fn of(&self, patient: &PatientIdentity) -> Option<Band> {
        self.dealt.get(&PatientKey::of(patient)).copied().map(Band)
    }

    /// How many patients have one.
    pub fn len(&self) -> usize {
        self.dealt.len()
    }

    /// Whether nobody has one.
    pub fn is_empty(&self) -> bool {
        self.dealt.is_empty()
    }

    /// Takes bands from who is gone and deals those that are free to who came, in the order of the library. `done` when all
    /// that was opened is read.
    pub fn follow(&mut self, library: &Library, done: bool) {
        let keys = library.patients.iter().map(|p| PatientKey::of(&p.identity));
        let keys: Vec<PatientKey> = keys.collect();
        self.deal(&keys);
        if done {
            self.settled = keys.into_iter().collect();
        }
    }

    fn deal(&mut self, open: &[PatientKey]) {
        let still: HashSet<&PatientKey> = open.iter().collect();
        let settled = &self.settled;
        self.dealt
            .retain(|key, _| settled.contains(key) && still.contains(key));
        let mut taken: HashSet<usize> = self.dealt.values().copied().collect();
        let mut next = 0;
        for key in open {
            if self.dealt.contains_key(key) {
                continue;
            }
            while taken.contains(&next) {
                next += 1;
            }
            taken.insert(next);
            self.dealt.insert(key.clone(), next);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: usize) -> PatientKey {
        PatientKey::of(&PatientIdentity {
            id: format!("P{n}").into(),
            ..PatientIdentity::default()
        })
    }

    fn numbers(bands: &Bands, keys: &[PatientKey]) -> Vec<usize> {
        keys.iter().map(|k| bands.dealt[k]).collect()
    }

    #[test]
    fn every_patient_has_a_band_of_their_own_and_keeps_it() {
        let people: Vec<_> = (0..60).map(key).collect();
        let mut bands = Bands::default();
        let read = |bands: &mut Bands, open: &[PatientKey], done: bool| {
            bands.deal(open);
            if done {
                bands.settled = open.iter().cloned().collect();
            }
        };
        // While files are read the order is not known yet.
        read(&mut bands, &people[3..5], false);
        assert_eq!(numbers(&bands, &people[3..5]), [0, 1]);
        read(&mut bands, &people[2..5], true);
        assert_eq!(numbers(&bands, &people[2..5]), [0, 1, 2]);
        // Who comes later takes nothing from them, wherever they stand in the library.
        read(&mut bands, &people[..6], true);
        assert_eq!(numbers(&bands, &people[..6]), [3, 4, 0, 1, 2, 5]);
        // One goes: another takes the place, nobody else moves.
        let left = [people[0].clone(), people[4].clone(), people[9].clone()];
        read(&mut bands, &left, true);
        assert_eq!(numbers(&bands, &left), [3, 2, 0]);
        read(&mut bands, &people, true);
        let given: HashSet<usize> = numbers(&bands, &people).into_iter().collect();
        assert_eq!(given.len(), people.len());
        let seen: HashSet<_> = given
            .iter()
            .map(|n| (Band(*n).color(), Band(*n).pieces()))
            .collect();
        assert_eq!(seen.len(), people.len(), "colour and pattern tell them");
        let letters: HashSet<_> = given.iter().map(|n| Band(*n).letter()).collect();
        assert_eq!(letters.len(), people.len());
    }

    #[test]
    fn letters_go_on_behind_z() {
        for (number, letter) in [
            (0, "A"),
            (25, "Z"),
            (26, "AA"),
            (51, "AZ"),
            (52, "BA"),
            (701, "ZZ"),
            (702, "AAA"),
        ] {
            assert_eq!(Band(number).letter(), letter);
        }
    }
}
