//! Many patients at once: what records, pictures, marks and networks say of them as facts of one form, filtered by one
//! line of text, counted, and written out without identity.
//!
//! Must stay true: a fact is what a panel shows of the record, or what the index of pictures and the marks say; nothing
//! is guessed. A value is compared in one unit, or not at all.

pub mod export;
pub mod facts;
pub mod query;
pub mod statistics;
pub mod tags;

use crate::model::{
    date::Date,
    identity::{Phi, Sex},
};
use std::{collections::HashMap, ops::Range};
use tags::{Said, Tagged};

/// What kind of thing a fact says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A condition, from its onset to its end.
    Condition,
    /// A drug.
    Drug,
    /// An allergy.
    Allergy,
    /// A value of an observation.
    Value,
    /// A procedure.
    Procedure,
    /// An immunisation.
    Vaccine,
    /// An encounter.
    Encounter,
    /// An imaging study that the record tells of: its modalities are the code.
    Study,
    /// A report or note.
    Report,
    /// What a report says is there: the concept is the code, a size in millimetres the value.
    Finding,
    /// A gene: the diplotype is the code.
    Gene,
    /// A study of the index of pictures: a modality is the code, the number of images the value, the part of the body
    /// the place.
    Picture,
    /// A mark that a person made: its kind is the code, its label the words, millimetres the value.
    Mark,
    /// A mark that a network made, in the same form; the network is the system.
    Network,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Condition,
        Self::Drug,
        Self::Allergy,
        Self::Value,
        Self::Procedure,
        Self::Vaccine,
        Self::Encounter,
        Self::Study,
        Self::Report,
        Self::Finding,
        Self::Gene,
        Self::Picture,
        Self::Mark,
        Self::Network,
    ];

    /// Word in queries and files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Condition => "condition",
            Self::Drug => "drug",
            Self::Allergy => "allergy",
            Self::Value => "value",
            Self::Procedure => "procedure",
            Self::Vaccine => "vaccine",
            Self::Encounter => "encounter",
            Self::Study => "study",
            Self::Report => "report",
            Self::Finding => "finding",
            Self::Gene => "gene",
            Self::Picture => "picture",
            Self::Mark => "mark",
            Self::Network => "network",
        }
    }

    /// The kind of a word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// One fact about a patient.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    /// What kind of thing.
    pub kind: Kind,
    /// System of the code; of a network its id.
    pub system: String,
    /// Code.
    pub code: String,
    /// Words.
    pub words: String,
    /// Where: part of the body, side; of a value its category.
    pub place: String,
    /// First day, days since 1970-01-01.
    pub day: Option<i32>,
    /// Last day, where it lasted and ended.
    pub end: Option<i32>,
    /// It lasts: a condition or drug that is active.
    pub active: bool,
    /// Number.
    pub value: Option<f64>,
    /// Its unit.
    pub unit: String,
}

impl Fact {
    /// A fact that says no more than its kind.
    pub const fn new(kind: Kind) -> Self {
        Self {
            kind,
            system: String::new(),
            code: String::new(),
            words: String::new(),
            place: String::new(),
            day: None,
            end: None,
            active: false,
            value: None,
            unit: String::new(),
        }
    }
}

/// One patient.
#[derive(Clone, Default)]
pub struct Person {
    /// Logical id of the FHIR Patient; of somebody of whom there are pictures only, `dicom:` and a number.
    pub id: Phi<String>,
    /// Sex.
    pub sex: Sex,
    /// Day of birth, days since 1970-01-01.
    pub birth: Option<i32>,
    /// Day of death.
    pub death: Option<i32>,
    /// There is a record, not pictures alone.
    pub record: bool,
}

/// The sex alone.
impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Person({:?})", self.sex)
    }
}

impl Person {
    /// Full years on a day, or at the death where that was before.
    pub fn age(&self, today: i32) -> Option<u16> {
        let last = self.death.unwrap_or(today).min(today);
        let day = |d: i32| Date::of_ms(i64::from(d) * 86_400_000);
        day(self.birth?)?.years_until(day(last)?)
    }
}

/// What many facts have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Term {
    /// Kind.
    pub kind: Kind,
    /// System.
    pub system: String,
    /// Code.
    pub code: String,
    /// Words.
    pub words: String,
    /// Place.
    pub place: String,
    /// Unit.
    pub unit: String,
}

/// A fact with its term by number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Packed {
    /// Number of its term.
    pub term: u32,
    /// First day.
    pub day: Option<i32>,
    /// Last day.
    pub end: Option<i32>,
    /// It lasts.
    pub active: bool,
    /// Number.
    pub value: Option<f64>,
}

/// Patients with all their facts.
#[derive(Clone, Default)]
pub struct Cohort {
    people: Vec<Person>,
    ranges: Vec<Range<usize>>,
    facts: Vec<Packed>,
    terms: Vec<Term>,
    numbers: HashMap<Term, u32>,
    /// What headers say, by patient; the elements that were asked for alone.
    tagged: Vec<Vec<Tagged>>,
    said: Vec<Said>,
    said_numbers: HashMap<Said, u32>,
    /// Series whose files could not be read, where elements were asked for.
    pub unread: usize,
}

/// Counts alone.
impl std::fmt::Debug for Cohort {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (people, facts) = (self.people.len(), self.facts.len());
        write!(f, "Cohort({people} patients, {facts} facts)")
    }
}

impl Cohort {
    /// Nobody yet; of so many series it is not known what their headers say.
    pub fn without(unread: usize) -> Self {
        Self {
            unread,
            ..Self::default()
        }
    }

    /// Adds a patient.
    pub fn add(&mut self, person: Person, facts: impl IntoIterator<Item = Fact>) {
        self.add_with(person, Vec::new(), facts);
    }

    /// Adds a patient some of whose facts name terms that are known here already.
    pub fn add_with(
        &mut self,
        person: Person,
        packed: Vec<Packed>,
        facts: impl IntoIterator<Item = Fact>,
    ) {
        let begin = self.facts.len();
        self.facts.extend(packed);
        for fact in facts {
            let term = self.know(Term {
                kind: fact.kind,
                system: fact.system,
                code: fact.code,
                words: fact.words,
                place: fact.place,
                unit: fact.unit,
            });
            self.facts.push(Packed {
                term,
                day: fact.day,
                end: fact.end,
                active: fact.active,
                value: fact.value,
            });
        }
        self.people.push(person);
        self.ranges.push(begin..self.facts.len());
    }

    /// The number of a term.
    pub fn know(&mut self, term: Term) -> u32 {
        match self.numbers.get(&term) {
            Some(number) => *number,
            None => {
                let number = u32::try_from(self.terms.len()).unwrap_or(u32::MAX);
                self.terms.push(term.clone());
                self.numbers.insert(term, number);
                number
            }
        }
    }

    /// Adds what a series of the patient who was added last says of an element.
    pub fn tag(&mut self, series: u32, day: Option<i32>, said: Said) {
        let number = match self.said_numbers.get(&said) {
            Some(number) => *number,
            None => {
                let number = u32::try_from(self.said.len()).unwrap_or(u32::MAX);
                self.said.push(said.clone());
                self.said_numbers.insert(said, number);
                number
            }
        };
        self.tagged.resize(self.people.len(), Vec::new());
        if let Some(of_patient) = self.tagged.last_mut() {
            of_patient.push(Tagged {
                series,
                day,
                said: number,
            });
        }
    }

    /// What headers of a patient's series say, each series by itself.
    pub fn tagged_of(&self, number: usize) -> &[Tagged] {
        self.tagged.get(number).map_or(&[], Vec::as_slice)
    }

    /// All that headers say.
    pub fn said(&self) -> &[Said] {
        &self.said
    }

    /// How many patients.
    pub const fn len(&self) -> usize {
        self.people.len()
    }

    /// Whether there is nobody.
    pub const fn is_empty(&self) -> bool {
        self.people.is_empty()
    }

    /// How many facts.
    pub const fn facts(&self) -> usize {
        self.facts.len()
    }

    /// A patient.
    pub fn person(&self, number: usize) -> Option<&Person> {
        self.people.get(number)
    }

    /// The facts of a patient.
    pub fn facts_of(&self, number: usize) -> &[Packed] {
        let range = self.ranges.get(number).cloned().unwrap_or_default();
        self.facts.get(range).unwrap_or_default()
    }

    /// All terms.
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// What a fact says.
    pub fn term(&self, fact: &Packed) -> Option<&Term> {
        self.terms.get(fact.term as usize)
    }
}

/// Days since 1970 of a date.
pub fn day_of(date: Option<Date>) -> Option<i32> {
    i32::try_from(date?.days_since_epoch()).ok()
}

#[cfg(test)]
mod tests;
