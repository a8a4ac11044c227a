//! Which patients are meant, as one line of text: the same in the window and on the command line.
//!
//! `condition:diabetes value:2160-0>1.5mg/dL finding:nodule>=6@2y age>=60 -drug:metformin or sex:F picture:MG`
//!
//! Words parted by blanks must all hold; `or` parts whole lines, one of which must hold; `-` before a word turns it round.
//! A word is `KIND:TEXT`, for a fact of that kind whose code is the text or whose words, place or system have it, in
//! English or Chinese. Behind it may stand a comparison with the newest value (`<`, `<=`, `>`, `>=`, `=`, `=5..8`; with
//! `*` behind the kind any value), a unit, and `@` with a span back from today (`30d`, `6m`, `2y`) or days or years
//! (`2019`, `2019-03..2020`). `KIND!` means what lasts, `KIND#>=2` compares how many such facts there are. `sex:F`, `age>=60`, `born<1950`, `dead`,
//! `alive`, `record` speak of the patient. `tag:KVP>=100` asks about elements of headers (`tags`).

use super::{
    Cohort, Kind, Packed, Person, Term,
    tags::{Keywords, TagTest, Wished},
};
use crate::{
    clinical::{
        quality::{quantities, ucum},
        text::lexicon,
    },
    model::{date::Date, identity::Sex},
};

/// A query, taken apart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    /// One of these lines must hold.
    any: Vec<Vec<Part>>,
}

#[derive(Clone, Debug, PartialEq)]
struct Part {
    not: bool,
    test: Test,
}

#[derive(Clone, Debug, PartialEq)]
enum Test {
    Sex(Sex),
    Age(Range),
    Born(Range),
    Dead(bool),
    Record,
    Fact(FactTest),
    Tag(TagTest),
}

#[derive(Clone, Debug, PartialEq)]
struct FactTest {
    kind: Kind,
    /// Small; empty for any.
    words: Vec<String>,
    /// Only what lasts.
    active: bool,
    days: Option<(i32, i32)>,
    value: Option<ValueTest>,
    count: Option<Range>,
}

#[derive(Clone, Debug, PartialEq)]
struct ValueTest {
    range: Range,
    unit: String,
    any: bool,
}

/// Numbers between two, with or without the ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Range {
    low: f64,
    with_low: bool,
    high: f64,
    with_high: bool,
}

impl Range {
    const ALL: Self = Self {
        low: f64::NEG_INFINITY,
        with_low: true,
        high: f64::INFINITY,
        with_high: true,
    };

    pub fn holds(&self, value: f64) -> bool {
        let low = value > self.low || (self.with_low && value == self.low);
        let high = value < self.high || (self.with_high && value == self.high);
        low && high
    }

    /// `>=5`, `<3`, `=4`, `=5..8`; the rest of the text comes back.
    pub fn read(text: &str) -> Option<(Self, &str)> {
        let (sign, rest) = ["<=", ">=", "<", ">", "="]
            .iter()
            .find_map(|sign| Some((*sign, text.strip_prefix(sign)?)))?;
        let (number, mut rest) = number(rest)?;
        let mut range = Self::ALL;
        match sign {
            "<=" => range.high = number,
            "<" => (range.high, range.with_high) = (number, false),
            ">=" => range.low = number,
            ">" => (range.low, range.with_low) = (number, false),
            _ => {
                (range.low, range.high) = (number, number);
                if let Some(after) = rest.strip_prefix("..") {
                    (range.high, rest) = self::number(after)?;
                }
            }
        }
        Some((range, rest))
    }
}

/// The number that a text begins with.
fn number(text: &str) -> Option<(f64, &str)> {
    let mut end = 0;
    for (at, c) in text.char_indices() {
        let dot = c == '.' && !text.get(at..).is_some_and(|t| t.starts_with(".."));
        if c.is_ascii_digit() || dot || (c == '-' && at == 0) {
            end = at + c.len_utf8();
        } else {
            break;
        }
    }
    let (digits, rest) = text.split_at_checked(end)?;
    Some((digits.parse().ok()?, rest))
}

/// Why a line is no query: the word.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not understood: {0}")]
pub struct NotUnderstood(pub String);

impl Query {
    /// Takes a line apart; `today` is where spans end, `keywords` knows elements of headers by their names.
    ///
    /// # Errors
    /// The first word that says nothing that is known.
    pub fn parse(text: &str, today: Date, keywords: Keywords) -> Result<Self, NotUnderstood> {
        let today = i32::try_from(today.days_since_epoch()).unwrap_or_default();
        let mut any = Vec::new();
        let mut line = Vec::new();
        for word in words(&text.replace('：', ":")) {
            if word.eq_ignore_ascii_case("or") {
                any.push(std::mem::take(&mut line));
                continue;
            }
            let (not, bare) = match word.strip_prefix('-') {
                Some(rest) => (true, rest),
                None => (false, word.as_str()),
            };
            let test = test(bare, today, keywords).ok_or_else(|| NotUnderstood(word.clone()))?;
            line.push(Part { not, test });
        }
        any.push(line);
        if any.len() > 1 && any.iter().any(Vec::is_empty) {
            return Err(NotUnderstood("or".into()));
        }
        Ok(Self { any })
    }

    /// The elements of headers that it asks about.
    pub fn tags(&self) -> Wished {
        let parts = self.any.iter().flatten();
        let tests = parts.filter_map(|part| match &part.test {
            Test::Tag(test) => Some(test.tags()),
            _ => None,
        });
        tests.flatten().collect()
    }

    /// Numbers of the patients that are meant, in order. `today` tells ages.
    pub fn find(&self, cohort: &Cohort, today: Date) -> Vec<usize> {
        let today = i32::try_from(today.days_since_epoch()).unwrap_or_default();
        // Which terms a word means is worked out once, not for each fact.
        let lines: Vec<Vec<(&Part, Meant)>> = self
            .any
            .iter()
            .map(|line| {
                line.iter()
                    .map(|part| (part, meant(part, cohort)))
                    .collect()
            })
            .collect();
        let holds = |number: usize, person: &Person| {
            lines.iter().any(|line| {
                line.iter().all(|(part, terms)| {
                    part.not != part.test.holds(cohort, number, person, terms, today)
                })
            })
        };
        let people = (0..cohort.len()).filter_map(|n| Some((n, cohort.person(n)?)));
        people
            .filter(|(number, person)| holds(*number, person))
            .map(|(number, _)| number)
            .collect()
    }
}

/// Words of a line; what stands between quotation marks is one.
fn words(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut word = String::new();
    let mut quoted = false;
    for c in text.chars() {
        match c {
            '"' | '“' | '”' => quoted = !quoted,
            c if c.is_whitespace() && !quoted => {
                if !word.is_empty() {
                    out.push(std::mem::take(&mut word));
                }
            }
            c => word.push(c),
        }
    }
    if !word.is_empty() {
        out.push(word);
    }
    out
}

fn test(word: &str, today: i32, keywords: Keywords) -> Option<Test> {
    let small = word.to_lowercase();
    match small.as_str() {
        "dead" => return Some(Test::Dead(true)),
        "alive" => return Some(Test::Dead(false)),
        "record" => return Some(Test::Record),
        _ => {}
    }
    if let Some(sex) = small.strip_prefix("sex:") {
        let sex = Sex::parse(crate::clinical::quality::codes::gender_of(sex)?);
        return Some(Test::Sex(sex));
    }
    for (name, make) in [
        ("age", Test::Age as fn(Range) -> Test),
        ("born", Test::Born as fn(Range) -> Test),
    ] {
        if let Some(rest) = small.strip_prefix(name)
            && let Some((range, "")) = Range::read(rest)
        {
            return Some(make(range));
        }
    }
    if small.starts_with("tag:") {
        let (head, days) = when(word, today)?;
        return TagTest::read(head.get(4..)?, days, keywords).map(Test::Tag);
    }
    fact_test(word, today).map(Test::Fact)
}

/// A word without the span behind its `@`, and the span.
fn when(word: &str, today: i32) -> Option<(&str, Option<(i32, i32)>)> {
    Some(match word.rsplit_once('@') {
        Some((head, span)) => (head, Some(span_of(span, today)?)),
        None => (word, None),
    })
}

fn fact_test(word: &str, today: i32) -> Option<FactTest> {
    let (head, days) = when(word, today)?;
    let end = head.find([':', '#']).unwrap_or(head.len());
    let (name, rest) = head.split_at_checked(end)?;
    let bare = name.trim_end_matches(['!', '*']);
    let flags = name.get(bare.len()..).unwrap_or_default();
    let (name, active, any) = (bare, flags.contains('!'), flags.contains('*'));
    let kind = match name.to_lowercase().as_str() {
        // The words that people use.
        "lab" | "vital" => Kind::Value,
        "medication" => Kind::Drug,
        "modality" | "image" => Kind::Picture,
        "ai" => Kind::Network,
        other => Kind::named(other)?,
    };
    let mut test = FactTest {
        kind,
        words: Vec::new(),
        active,
        days,
        value: None,
        count: None,
    };
    let mut rest = match rest.strip_prefix(':') {
        None => rest,
        Some(text) => {
            let end = text.find(['<', '>', '=', '#']).unwrap_or(text.len());
            let (words, rest) = text.split_at_checked(end)?;
            test.words = spelled(words);
            if let Some((range, unit)) = Range::read(rest) {
                let (unit, count) = unit
                    .split_once('#')
                    .map_or((unit, None), |(u, c)| (u, Some(c)));
                test.value = Some(ValueTest {
                    range,
                    unit: ucum::spelled(unit).unwrap_or(unit).to_owned(),
                    any,
                });
                match count {
                    Some(count) => count,
                    None => return Some(test),
                }
            } else if rest.is_empty() || rest.starts_with('#') {
                rest
            } else {
                return None;
            }
        }
    };
    rest = rest.strip_prefix('#').unwrap_or(rest);
    if !rest.is_empty() {
        match Range::read(rest)? {
            (range, "") => test.count = Some(range),
            _ => return None,
        }
    }
    Some(test)
}

/// What a word may be called: itself, and the names of its concept in both languages.
fn spelled(text: &str) -> Vec<String> {
    let small = text.trim().to_lowercase();
    if small.is_empty() {
        return Vec::new();
    }
    let mut all = vec![small.clone()];
    let folded: Vec<char> = small.chars().map(lexicon::fold).collect();
    let lexicon = lexicon::lexicon();
    if let Some((number, end)) = lexicon.names.longest(&folded, 0)
        && end == folded.len()
        && let Some(concept) = lexicon.concept(number)
    {
        all.extend([concept.english, concept.chinese, concept.code].map(str::to_lowercase));
    }
    all.retain(|word| !word.is_empty());
    all.sort_unstable();
    all.dedup();
    all
}

/// `30d`, `6m`, `2y` back from today; `2019`, `2019-03`, `2019..2021`.
fn span_of(text: &str, today: i32) -> Option<(i32, i32)> {
    if let Some(unit) = text.chars().last().filter(|c| c.is_ascii_alphabetic()) {
        let count: f64 = text.get(..text.len() - 1)?.parse().ok()?;
        let days = match unit {
            'd' => count,
            'w' => count * 7.0,
            'm' => count * 30.4375,
            'y' => count * 365.25,
            _ => return None,
        };
        return (0.0..100_000.0)
            .contains(&days)
            .then_some((today - days.round() as i32, today));
    }
    let (from, to) = text.split_once("..").unwrap_or((text, text));
    let first = |text: &str| super::day_of(Date::parse(text));
    let last = |text: &str| {
        let date = Date::parse(text)?;
        let next = match (date.month, date.day) {
            (0, _) => Date {
                year: date.year + 1,
                ..date
            },
            (12, 0) => Date {
                year: date.year + 1,
                month: 1,
                day: 0,
            },
            (month, 0) => Date {
                month: month + 1,
                ..date
            },
            _ => return super::day_of(Some(date)),
        };
        super::day_of(Some(next)).map(|day| day - 1)
    };
    let span = (first(from)?, last(to)?);
    (span.0 <= span.1).then_some(span)
}

/// Which terms a word means, by their numbers; nothing for words about the patient.
#[derive(Default)]
struct Meant {
    terms: Vec<bool>,
    /// Which conditions of a word about elements each value meets.
    said: Vec<u64>,
}

fn meant(part: &Part, cohort: &Cohort) -> Meant {
    match &part.test {
        Test::Fact(test) => Meant {
            terms: cohort.terms().iter().map(|term| test.means(term)).collect(),
            said: Vec::new(),
        },
        Test::Tag(test) => Meant {
            terms: Vec::new(),
            said: test.met_by(cohort.said()),
        },
        _ => Meant::default(),
    }
}

impl Test {
    fn holds(
        &self,
        cohort: &Cohort,
        number: usize,
        person: &Person,
        meant: &Meant,
        today: i32,
    ) -> bool {
        match self {
            Self::Sex(sex) => person.sex == *sex,
            Self::Age(range) => person
                .age(today)
                .is_some_and(|age| range.holds(f64::from(age))),
            Self::Born(range) => {
                let day = |d: i32| Date::of_ms(i64::from(d) * 86_400_000);
                let year = person.birth.and_then(day).map(|d| f64::from(d.year));
                year.is_some_and(|year| range.holds(year))
            }
            Self::Dead(dead) => person.death.is_some() == *dead,
            Self::Record => person.record,
            Self::Fact(test) => test.holds(cohort, cohort.facts_of(number), &meant.terms),
            Self::Tag(test) => test.holds(cohort.tagged_of(number), &meant.said),
        }
    }
}

impl FactTest {
    fn means(&self, term: &Term) -> bool {
        if term.kind != self.kind {
            return false;
        }
        if self.words.is_empty() {
            return true;
        }
        // Codes are whole; a study has several modalities.
        let code = term.code.to_lowercase();
        let texts = [&term.words, &term.place, &term.system].map(|text| text.to_lowercase());
        self.words.iter().any(|word| {
            code.split('/').any(|c| c == word)
                || code == *word
                || texts.iter().any(|text| text.contains(word.as_str()))
        })
    }

    fn holds(&self, cohort: &Cohort, facts: &[Packed], terms: &[bool]) -> bool {
        let meant = |fact: &&Packed| {
            terms.get(fact.term as usize).copied().unwrap_or(false)
                && (!self.active || fact.active)
                && self.days.is_none_or(|(from, to)| {
                    fact.day.is_some_and(|day| {
                        // What lasts has no end yet.
                        let open = if fact.active { i32::MAX } else { day };
                        day <= to && fact.end.unwrap_or(open).max(day) >= from
                    })
                })
        };
        let found = facts.iter().filter(meant);
        let Some(value) = &self.value else {
            let count = found.count();
            return match self.count {
                Some(range) => range.holds(count as f64),
                None => count > 0,
            };
        };
        let fits = |fact: &&Packed| value.fits(cohort, fact);
        if value.any || self.count.is_some() {
            let count = found.filter(fits).count();
            return match self.count {
                Some(range) => range.holds(count as f64),
                None => count > 0,
            };
        }
        // The newest that has a number; of one day the last.
        let known = found.filter(|fact| fact.value.is_some());
        let newest = known.max_by_key(|fact| fact.day);
        newest.as_ref().is_some_and(fits)
    }
}

impl ValueTest {
    /// Whether the value lies in the range, in the unit of the query, else in the usual one of its code.
    fn fits(&self, cohort: &Cohort, fact: &Packed) -> bool {
        let (Some(value), Some(term)) = (fact.value, cohort.term(fact)) else {
            return false;
        };
        comparable(term, value, &self.unit).is_some_and(|v| self.range.holds(v))
    }
}

/// A value in a unit; an empty one is the usual unit of its code. `None` where nothing leads there.
pub fn comparable(term: &Term, value: f64, unit: &str) -> Option<f64> {
    let own = ucum::spelled(&term.unit).unwrap_or(&term.unit);
    let quantity = quantities::of(&term.code);
    if unit.is_empty() {
        return match quantity {
            Some(quantity) => quantity.usual_unit(value, own),
            None => Some(value),
        };
    }
    if ucum::same(own, unit) {
        return Some(value);
    }
    quantity?.from_usual(quantity?.usual_unit(value, own)?, unit)
}
