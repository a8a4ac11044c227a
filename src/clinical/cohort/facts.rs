//! The facts of a record, and their text: one a line, parts parted by U+001F.

use super::{Fact, Kind, day_of};
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

/// Facts as text.
pub fn encode(facts: &[Fact]) -> String {
    let mut out = String::new();
    let plain = |text: &str| text.replace(['\n', '\r', PART], " ");
    let number = |n: Option<i32>| n.map(|n| n.to_string()).unwrap_or_default();
    for fact in facts {
        let parts = [
            fact.kind.word().to_owned(),
            plain(&fact.system),
            plain(&fact.code),
            plain(&fact.words),
            plain(&fact.place),
            number(fact.day),
            number(fact.end),
            if fact.active { "1" } else { "" }.to_owned(),
            fact.value.map(|v| v.to_string()).unwrap_or_default(),
            plain(&fact.unit),
        ];
        for (place, part) in parts.iter().enumerate() {
            if place > 0 {
                out.push(PART);
            }
            out.push_str(part);
        }
        out.push('\n');
    }
    out
}

/// Text as facts; lines that are none are left out.
pub fn decode(text: &str) -> impl Iterator<Item = Fact> {
    text.lines().filter_map(|line| {
        let mut parts = line.split(PART);
        let mut next = || parts.next();
        Some(Fact {
            kind: Kind::named(next()?)?,
            system: next()?.to_owned(),
            code: next()?.to_owned(),
            words: next()?.to_owned(),
            place: next()?.to_owned(),
            day: next()?.parse().ok(),
            end: next()?.parse().ok(),
            active: next()? == "1",
            value: next()?.parse().ok(),
            unit: next()?.to_owned(),
        })
    })
}
