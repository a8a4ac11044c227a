//! The facts of a record, and how they are kept: what many have in common as a text (parts parted by U+001F) with a
//! number, the rest as bytes.

use super::{Fact, Kind, Packed, Term, day_of};
use crate::{
    clinical::text::{Assertion, EntityKind, lexicon, understand},
    model::record::{Coding, PatientRecord},
};

/// Longest words of a fact, characters.
const MOST_WORDS: usize = 120;

/// What a record says, as facts.
pub fn facts_of(record: &PatientRecord) -> Vec<Fact> {
    let mut facts = Vec::new();
    let coded = |kind, code: &Coding| Fact {
        system: code.system.clone(),
        code: code.code.clone(),
        words: code.display.clone(),
        ..Fact::new(kind)
    };
    let lasts = |status: &str| matches!(status, "active" | "recurrence" | "relapse");
    for c in &record.conditions {
        facts.push(Fact {
            day: day_of(c.onset),
            end: day_of(c.abated),
            active: lasts(&c.clinical_status),
            ..coded(Kind::Condition, &c.code)
        });
    }
    for m in &record.medications {
        facts.push(Fact {
            day: day_of(m.authored),
            active: m.status == "active",
            ..coded(Kind::Drug, &m.code)
        });
    }
    for a in &record.allergies {
        facts.push(Fact {
            day: day_of(a.recorded),
            active: a.status.is_empty() || lasts(&a.status),
            ..coded(Kind::Allergy, &a.code)
        });
    }
    for series in &record.observations {
        for value in &series.values {
            facts.push(Fact {
                day: day_of(value.date),
                value: value.value,
                unit: value.unit.clone(),
                place: series.category.clone(),
                ..coded(Kind::Value, &series.code)
            });
        }
    }
    for p in &record.procedures {
        facts.push(Fact {
            day: day_of(p.performed),
            ..coded(Kind::Procedure, &p.code)
        });
    }
    for i in &record.immunizations {
        facts.push(Fact {
            day: day_of(i.date),
            ..coded(Kind::Vaccine, &i.code)
        });
    }
    for e in &record.encounters {
        facts.push(Fact {
            day: day_of(e.start),
            place: e.class.clone(),
            ..coded(Kind::Encounter, &e.code)
        });
    }
    for s in &record.imaging_studies {
        facts.push(Fact {
            code: s.modalities.join("/"),
            words: s.description.clone(),
            place: s.body_site.clone(),
            day: day_of(s.started),
            ..Fact::new(Kind::Study)
        });
    }
    for g in &record.genes {
        facts.push(Fact {
            code: g.diplotype.clone(),
            words: g.gene.clone(),
            place: g.phenotype.clone(),
            ..Fact::new(Kind::Gene)
        });
    }
    for r in &record.reports {
        facts.push(Fact {
            day: day_of(r.date),
            ..coded(Kind::Report, &r.code)
        });
        if !r.text.is_empty() {
            findings(&r.text, day_of(r.date), &mut facts);
        }
    }
    for fact in &mut facts {
        for text in [&mut fact.words, &mut fact.place] {
            if text.chars().count() > MOST_WORDS {
                *text = text.chars().take(MOST_WORDS).collect();
            }
        }
    }
    facts
}

/// What a text says is there.
fn findings(text: &str, day: Option<i32>, facts: &mut Vec<Fact>) {
    let read = understand(text);
    for (number, entity) in read.entities.iter().enumerate() {
        let stated = entity.kind.is_stated() && entity.assertion == Assertion::Present;
        let Some(concept) = lexicon::concept(entity.concept).filter(|_| stated) else {
            continue;
        };
        let (place, side, size) = read.place(number);
        let place = place
            .and_then(|p| lexicon::concept(p.concept))
            .map(|c| c.english);
        let side = side.map(crate::clinical::text::Side::word);
        let extent = size
            .filter(|s| s.kind == EntityKind::Size && !s.former)
            .and_then(|s| s.extents_mm.iter().copied().reduce(f64::max));
        let words: Vec<&str> = [side, place].into_iter().flatten().collect();
        facts.push(Fact {
            code: concept.id.to_owned(),
            words: concept.english.to_owned(),
            place: words.join(" "),
            day,
            value: extent,
            unit: if extent.is_some() { "mm" } else { "" }.to_owned(),
            ..Fact::new(Kind::Finding)
        });
    }
}

const PART: char = '\u{1F}';

/// What a fact has in common with many others, as text.
pub fn term_text(fact: &Fact) -> String {
    let mut out = fact.kind.word().to_owned();
    for part in [
        &fact.system,
        &fact.code,
        &fact.words,
        &fact.place,
        &fact.unit,
    ] {
        out.push(PART);
        out.extend(part.chars().map(|c| match c {
            '\n' | '\r' | PART => ' ',
            c => c,
        }));
    }
    out
}

/// The same of the text; nothing where it is none.
pub fn read_term(text: &str) -> Option<Term> {
    let mut parts = text.split(PART);
    let kind = Kind::named(parts.next()?)?;
    let mut next = || parts.next().map(str::to_owned);
    let term = Term {
        kind,
        system: next()?,
        code: next()?,
        words: next()?,
        place: next()?,
        unit: next()?,
    };
    parts.next().is_none().then_some(term)
}

const HAS_DAY: u8 = 1;
const HAS_END: u8 = 2;
const ACTIVE: u8 = 4;
const HAS_VALUE: u8 = 8;

/// Appends a fact whose term has a number: flags (1), the number (4), and what it has of day (4), end (4) and value (8
/// bytes, little-endian).
pub fn pack(term: u32, fact: &Fact, out: &mut Vec<u8>) {
    let flag = |on: bool, flag: u8| if on { flag } else { 0 };
    out.push(
        flag(fact.day.is_some(), HAS_DAY)
            | flag(fact.end.is_some(), HAS_END)
            | flag(fact.active, ACTIVE)
            | flag(fact.value.is_some(), HAS_VALUE),
    );
    out.extend(term.to_le_bytes());
    for day in [fact.day, fact.end].into_iter().flatten() {
        out.extend(day.to_le_bytes());
    }
    if let Some(value) = fact.value {
        out.extend(value.to_le_bytes());
    }
}

/// Facts of bytes; they end where the bytes have another form.
pub fn unpack(bytes: &[u8]) -> impl Iterator<Item = Packed> {
    fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
        let (first, after) = rest.split_first_chunk()?;
        *rest = after;
        Some(*first)
    }
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let [flags] = take(&mut rest)?;
        let term = u32::from_le_bytes(take(&mut rest)?);
        let mut day = |flag| match flags & flag {
            0 => Some(None),
            _ => take(&mut rest).map(|b| Some(i32::from_le_bytes(b))),
        };
        let (day, end) = (day(HAS_DAY)?, day(HAS_END)?);
        let value = match flags & HAS_VALUE {
            0 => None,
            _ => Some(f64::from_le_bytes(take(&mut rest)?)),
        };
        Some(Packed {
            term,
            day,
            end,
            active: flags & ACTIVE != 0,
            value,
        })
    })
}
