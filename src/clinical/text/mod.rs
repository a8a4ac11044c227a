//! What a report or note says: sections, sentences, findings with where, how large, whether they are there and how
//! they changed. English and Chinese, by dictionary and rules, on this computer.
//!
//! Must stay true: every statement points at the words it was read from, and at the words that decided it; the text
//! is never changed. Nothing here is a diagnosis: it says what somebody wrote.

pub mod lexicon;
mod mentions;
mod relate;
mod scope;
mod split;

use std::{collections::BTreeMap, ops::Range};

/// Longest text that is read, bytes; a report has a few thousand.
pub const MAX_BYTES: usize = 4 << 20;

/// What kind of thing a stretch of text names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EntityKind {
    /// A finding, disease or operation.
    Finding,
    /// A part of the body.
    Anatomy,
    /// Left, right, both.
    Side,
    /// A size with its unit.
    Size,
    /// A drug, by its ingredient.
    Drug,
    /// What the patient feels or shows.
    Symptom,
    /// A tube, line, implant.
    Device,
}

impl EntityKind {
    /// Word in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Finding => "finding",
            Self::Anatomy => "anatomy",
            Self::Side => "side",
            Self::Size => "size",
            Self::Drug => "drug",
            Self::Symptom => "symptom",
            Self::Device => "device",
        }
    }

    /// Whether it is something that can be there or not.
    pub const fn is_stated(self) -> bool {
        matches!(self, Self::Finding | Self::Symptom | Self::Device)
    }
}

/// What the text says of something that can be there or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Assertion {
    /// It is there.
    #[default]
    Present,
    /// It is not there.
    Absent,
    /// It may be there.
    Possible,
    /// It was there, or was done.
    History,
    /// A relative has or had it.
    Family,
    /// Only if something happens.
    Conditional,
}

impl Assertion {
    /// Word in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Absent => "absent",
            Self::Possible => "possible",
            Self::History => "history",
            Self::Family => "family",
            Self::Conditional => "conditional",
        }
    }
}

/// How something changed since an earlier examination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// Not there before.
    New,
    /// Larger or worse.
    Larger,
    /// Smaller or better.
    Smaller,
    /// The same.
    Stable,
    /// Gone.
    Resolved,
}

impl Change {
    /// Word in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Larger => "larger",
            Self::Smaller => "smaller",
            Self::Stable => "stable",
            Self::Resolved => "resolved",
        }
    }
}

/// A side of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The patient's left.
    Left,
    /// The patient's right.
    Right,
    /// Both.
    Both,
}

impl Side {
    /// Word in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Right => "right",
            Self::Both => "both",
        }
    }
}

/// What a part of the text is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SectionKind {
    /// Before any heading.
    #[default]
    Body,
    /// Why the examination was asked for, with the history.
    Indication,
    /// Earlier diseases and operations.
    History,
    /// Diseases of relatives.
    Family,
    /// How it was done.
    Technique,
    /// What it is compared with.
    Comparison,
    /// What is seen.
    Findings,
    /// What it means.
    Impression,
    /// Drugs.
    Medications,
    /// Allergies.
    Allergies,
    /// What to do next.
    Recommendation,
}

impl SectionKind {
    /// Word in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Body => "body",
            Self::Indication => "indication",
            Self::History => "history",
            Self::Family => "family",
            Self::Technique => "technique",
            Self::Comparison => "comparison",
            Self::Findings => "findings",
            Self::Impression => "impression",
            Self::Medications => "medications",
            Self::Allergies => "allergies",
            Self::Recommendation => "recommendation",
        }
    }
}

/// A part of the text under one heading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// What it is about.
    pub kind: SectionKind,
    /// Bytes of the text, the heading left out.
    pub span: Range<usize>,
}

/// One sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// Bytes of the text.
    pub span: Range<usize>,
    /// Number of its section.
    pub section: usize,
}

/// Something that is named.
#[derive(Clone, Debug, PartialEq)]
pub struct Entity {
    /// What kind.
    pub kind: EntityKind,
    /// Id of the concept in the dictionary; empty for sides and sizes.
    pub concept: &'static str,
    /// Bytes of the text.
    pub span: Range<usize>,
    /// Number of its sentence.
    pub sentence: usize,
    /// What the text says of it.
    pub assertion: Assertion,
    /// Bytes of the words that decided the assertion; none where nothing did.
    pub cue: Option<Range<usize>>,
    /// How it changed, where the text says so.
    pub change: Option<Change>,
    /// The side, of sides and of anatomy whose name has one in it.
    pub side: Option<Side>,
    /// Extents in millimetres, of sizes.
    pub extents_mm: Vec<f64>,
    /// Of anatomy: the text calls it normal.
    pub normal: bool,
    /// Of sizes: that of an earlier examination.
    pub former: bool,
}

/// How two entities belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RelationKind {
    /// The finding is at this anatomy.
    At,
    /// The finding is on this side.
    OnSide,
    /// The finding has this size.
    HasSize,
}

impl RelationKind {
    /// Word in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::At => "at",
            Self::OnSide => "side",
            Self::HasSize => "size",
        }
    }
}

/// Two entities that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relation {
    /// Number of the finding.
    pub finding: usize,
    /// How.
    pub kind: RelationKind,
    /// Number of the other entity.
    pub other: usize,
}

/// What a text says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Understanding {
    /// Sections in order.
    pub sections: Vec<Section>,
    /// Sentences in order.
    pub sentences: Vec<Sentence>,
    /// Entities in order of the text.
    pub entities: Vec<Entity>,
    /// What belongs together.
    pub relations: Vec<Relation>,
    /// Whether the text was longer than [`MAX_BYTES`] and the rest was left out.
    pub cut: bool,
}

impl Understanding {
    /// Anatomy, side and size (mm) that belong to a finding; side also where the name of the anatomy has one.
    pub fn place(&self, finding: usize) -> (Option<&Entity>, Option<Side>, Option<&Entity>) {
        let find = |kind| {
            self.relations
                .iter()
                .find(|r| r.finding == finding && r.kind == kind)
                .and_then(|r| self.entities.get(r.other))
        };
        let anatomy = find(RelationKind::At);
        let side = find(RelationKind::OnSide)
            .and_then(|e| e.side)
            .or_else(|| anatomy.and_then(|a| a.side));
        (anatomy, side, find(RelationKind::HasSize))
    }

    /// The observations of the CheXpert labeller: 1 stated, 0 denied, -1 uncertain; those not spoken of are absent.
    pub fn chexpert(&self) -> BTreeMap<&'static str, i8> {
        let mut labels: BTreeMap<&'static str, i8> = BTreeMap::new();
        // A statement wins over doubt, doubt over denial.
        let rank = |label: i8| match label {
            1 => 2,
            -1 => 1,
            _ => 0,
        };
        let mut note = |group: &'static str, label: i8| {
            let kept = labels.entry(group).or_insert(label);
            if rank(label) > rank(*kept) {
                *kept = label;
            }
        };
        for entity in &self.entities {
            if let Some(group) = lexicon::concept(entity.concept).map(|c| c.group) {
                let label = match entity.assertion {
                    Assertion::Present => Some(1),
                    Assertion::Absent => Some(0),
                    Assertion::Possible => Some(-1),
                    _ => None,
                };
                if let Some(label) = label
                    && entity.kind.is_stated()
                    && !group.is_empty()
                {
                    note(group, label);
                }
            }
            if entity.normal {
                match entity.concept {
                    "heart" => note("Cardiomegaly", 0),
                    "mediastinum" => note("Enlarged Cardiomediastinum", 0),
                    _ => {}
                }
            }
        }
        // Anything else that is found also speaks against "no finding".
        let other = self.entities.iter().any(|e| {
            e.kind == EntityKind::Finding
                && matches!(e.assertion, Assertion::Present | Assertion::Possible)
        });
        let quiet = labels
            .iter()
            .all(|(group, label)| *label == 0 || *group == "Support Devices");
        if quiet
            && !other
            && self
                .entities
                .iter()
                .any(|e| e.kind == EntityKind::Finding || e.normal)
        {
            labels.insert("No Finding", 1);
        }
        labels
    }
}

/// Reads a text.
pub fn understand(text: &str) -> Understanding {
    let mut end = text.len().min(MAX_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let read = text.get(..end).unwrap_or_default();
    let sections = split::sections(read);
    let sentences = split::sentences(read, &sections);
    let mut found = Understanding {
        cut: end < text.len(),
        ..Understanding::default()
    };
    for (number, sentence) in sentences.iter().enumerate() {
        let words = read.get(sentence.span.clone()).unwrap_or_default();
        let section = sections
            .get(sentence.section)
            .map(|s| s.kind)
            .unwrap_or_default();
        let line = mentions::Line::new(words);
        let mut entities = mentions::entities(&line);
        let cues = mentions::cues(&line, &entities);
        scope::assert(&line, section, &mut entities, &cues);
        let relations = relate::relations(&line, &entities);
        let first = found.entities.len();
        for mention in entities {
            let mut entity = mention.entity;
            entity.span = moved(&entity.span, sentence.span.start);
            entity.cue = entity.cue.map(|cue| moved(&cue, sentence.span.start));
            entity.sentence = number;
            found.entities.push(entity);
        }
        found
            .relations
            .extend(relations.into_iter().map(|r| Relation {
                finding: r.finding + first,
                other: r.other + first,
                ..r
            }));
    }
    found.sections = sections;
    found.sentences = sentences;
    found
}
/// A part of a sentence as a part of the text.
const fn moved(span: &Range<usize>, by: usize) -> Range<usize> {
    span.start + by..span.end + by
}
