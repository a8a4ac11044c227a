//! Names of the dictionary, sides, sizes and deciding words in one sentence.

use super::{
    Assertion, Entity, EntityKind, Side,
    lexicon::{CueMeaning, Lexicon, fold, is_word, lexicon},
};
use std::ops::Range;

/// A sentence as characters: folded for matching, with the byte where each begins.
pub struct Line {
    /// Folded characters.
    pub chars: Vec<char>,
    bytes: Vec<usize>,
}

impl Line {
    /// Folds a sentence.
    pub fn new(text: &str) -> Self {
        let mut line = Self {
            chars: Vec::with_capacity(text.len()),
            bytes: Vec::with_capacity(text.len() + 1),
        };
        for (at, c) in text.char_indices() {
            line.chars.push(fold(c));
            line.bytes.push(at);
        }
        line.bytes.push(text.len());
        line
    }

    /// Bytes of a range of characters.
    pub fn bytes(&self, span: &Range<usize>) -> Range<usize> {
        let at = |i: usize| self.bytes.get(i).copied().unwrap_or_default();
        at(span.start)..at(span.end)
    }

    /// Characters of a range, nothing where it is none.
    pub fn part(&self, span: Range<usize>) -> &[char] {
        self.chars.get(span).unwrap_or_default()
    }

    /// The same as text.
    pub fn words(&self, span: Range<usize>) -> String {
        self.part(span).iter().collect()
    }

    fn at(&self, i: usize) -> Option<char> {
        self.chars.get(i).copied()
    }

    fn starts_with(&self, at: usize, words: &str) -> bool {
        words
            .chars()
            .enumerate()
            .all(|(i, c)| self.at(at + i) == Some(c))
    }
}

/// An entity with its place in characters.
pub struct Mention {
    /// Characters.
    pub span: Range<usize>,
    /// The entity; its bytes count from the sentence.
    pub entity: Entity,
}

/// A deciding word with its place in characters.
#[derive(Clone, Debug)]
pub struct Cue {
    /// Characters.
    pub span: Range<usize>,
    /// What it says.
    pub meaning: CueMeaning,
}

fn entity(line: &Line, kind: EntityKind, concept: &'static str, span: Range<usize>) -> Mention {
    Mention {
        entity: Entity {
            kind,
            concept,
            span: line.bytes(&span),
            sentence: 0,
            assertion: Assertion::Present,
            cue: None,
            change: None,
            side: None,
            extents_mm: Vec::new(),
            normal: false,
            former: false,
        },
        span,
    }
}

/// All entities of a sentence, in order.
pub fn entities(line: &Line) -> Vec<Mention> {
    let lexicon = lexicon();
    let mut found = Vec::new();
    let mut at = 0;
    while at < line.chars.len() {
        if let Some((extents, end)) = size(line, at) {
            if !is_distance(line, at, end) {
                let mut mention = entity(line, EntityKind::Size, "", at..end);
                mention.entity.extents_mm = extents;
                found.push(mention);
            }
            at = end;
        } else if let Some(end) = vertebra(line, at) {
            found.push(entity(line, EntityKind::Anatomy, "spine", at..end));
            at = end;
        } else if let Some(mention) = named(line, lexicon, at) {
            at = mention.span.end;
            found.push(mention);
        } else if let Some((side, end)) = side(line, at) {
            let mut mention = entity(line, EntityKind::Side, "", at..end);
            mention.entity.side = Some(side);
            found.push(mention);
            at = end;
        } else {
            at += 1;
        }
    }
    drop_lone_sides(line, &mut found);
    found
}

fn named(line: &Line, lexicon: &'static Lexicon, at: usize) -> Option<Mention> {
    let (number, end) = lexicon.names.longest(&line.chars, at)?;
    let concept = lexicon.concept(number)?;
    // 心 in 心电图, 手 in 手术: one hanzi of anatomy counts only where a word of anatomy can end.
    if end - at == 1 && concept.kind == EntityKind::Anatomy && !single_may_stand(line, at) {
        return None;
    }
    let mut mention = entity(line, concept.kind, concept.id, at..end);
    if concept.kind == EntityKind::Anatomy {
        mention.entity.side = group_side(concept.group);
    }
    Some(mention)
}

/// Left or right, where the name of anatomy has it.
pub fn group_side(group: &str) -> Option<Side> {
    match group.split(':').nth(1) {
        Some("left") => Some(Side::Left),
        Some("right") => Some(Side::Right),
        _ => None,
    }
}

/// Hanzi before and after which a single hanzi is part of another word.
fn single_may_stand(line: &Line, at: usize) -> bool {
    let Some(c) = line.at(at) else {
        return false;
    };
    let next = line.at(at + 1);
    let previous = at.checked_sub(1).and_then(|i| line.at(i));
    match c {
        '心' => {
            !matches!(next, Some('电' | '率' | '律' | '悸' | '理' | '慌' | '脏'))
                && previous != Some('中')
        }
        '手' => !matches!(next, Some('术' | '法' | '段')),
        '足' => {
            !matches!(previous, Some('不' | '充' | '满')) && !matches!(next, Some('够' | '月'))
        }
        '骨' => !matches!(next, Some('折')),
        '胃' => !matches!(next, Some('管' | '癌' | '镜')),
        '脑' => !matches!(next, Some('血' | '梗')),
        '肺' => !matches!(next, Some('功' | '纹')),
        '肾' => !matches!(next, Some('功')),
        '肝' => !matches!(next, Some('功')),
        _ => true,
    }
}

const SIDES: [(&str, Side); 14] = [
    ("bilaterally", Side::Both),
    ("bilateral", Side::Both),
    ("bibasilar", Side::Both),
    ("both", Side::Both),
    ("left sided", Side::Left),
    ("right sided", Side::Right),
    ("left", Side::Left),
    ("right", Side::Right),
    ("左侧", Side::Left),
    ("右侧", Side::Right),
    ("双侧", Side::Both),
    ("两侧", Side::Both),
    ("左", Side::Left),
    ("右", Side::Right),
];

fn side(line: &Line, at: usize) -> Option<(Side, usize)> {
    let first = line.at(at)?;
    if is_word(first)
        && at
            .checked_sub(1)
            .and_then(|i| line.at(i))
            .is_some_and(is_word)
    {
        return None;
    }
    SIDES.iter().find_map(|(word, side)| {
        let end = at + word.chars().count();
        let whole = !is_word(first) || !line.at(end).is_some_and(is_word);
        (whole && line.starts_with(at, word)).then_some((*side, end))
    })
}

/// A single 左 or 右 counts only right before anatomy or a finding: 左右, 右上 and the like are other words.
fn drop_lone_sides(line: &Line, found: &mut Vec<Mention>) {
    let starts: Vec<usize> = found
        .iter()
        .filter(|m| m.entity.kind != EntityKind::Side)
        .map(|m| m.span.start)
        .collect();
    found.retain(|m| {
        let single = m.entity.kind == EntityKind::Side
            && m.span.len() == 1
            && line
                .at(m.span.start)
                .is_some_and(|c| matches!(c, '左' | '右'));
        !single || starts.contains(&m.span.end)
    });
}

/// `L4`, `L4/5`, `C5-6`, `Th12`: where the name of a vertebra or disc ends.
fn vertebra(line: &Line, at: usize) -> Option<usize> {
    let first = line.at(at)?;
    if at
        .checked_sub(1)
        .and_then(|i| line.at(i))
        .is_some_and(is_word)
    {
        return None;
    }
    let most = match first {
        'c' => 7,
        't' => 12,
        'l' => 5,
        's' => 5,
        _ => return None,
    };
    let digits = |from: usize| {
        let end = (from..from + 2)
            .take_while(|i| line.at(*i).is_some_and(|c| c.is_ascii_digit()))
            .count()
            + from;
        let value: u32 = line.words(from..end).parse().ok()?;
        (value >= 1 && value <= most).then_some(end)
    };
    let begin = if line.starts_with(at, "th") {
        at + 2
    } else {
        at + 1
    };
    let mut end = digits(begin)?;
    // A hyphen is folded to a space: `l4 5` is one disc, `l4 5 mm` is not.
    if let Some('/' | ' ') = line.at(end)
        && let Some(second) = digits(end + 1)
        && unit(line, skip(line, second)).is_none()
    {
        end = second;
    }
    (!line.at(end).is_some_and(|c| is_word(c) || c == '.')).then_some(end)
}

/// `4.2 x 3.1 cm`, `约6mm`: extents in millimetres, and where the size ends.
fn size(line: &Line, at: usize) -> Option<(Vec<f64>, usize)> {
    let previous = at.checked_sub(1).and_then(|i| line.at(i));
    if previous.is_some_and(|c| is_word(c) || c == '.') {
        return None;
    }
    let mut numbers = Vec::new();
    let mut own: Vec<Option<f64>> = Vec::new();
    let mut i = at;
    loop {
        let (value, end) = number(line, i)?;
        let mut after = skip(line, end);
        let unit = unit(line, after);
        if let Some((_, unit_end)) = unit {
            after = unit_end;
        }
        numbers.push(value);
        own.push(unit.map(|(scale, _)| scale));
        let joint = skip(line, after);
        let next = match line.at(joint) {
            Some('x' | '×' | '*' | '＊') if numbers.len() < 3 => Some(skip(line, joint + 1)),
            Some('b') if numbers.len() < 3 && line.starts_with(joint, "by ") => {
                Some(skip(line, joint + 3))
            }
            _ => None,
        };
        let more = next.filter(|next| number(line, *next).is_some());
        match more {
            Some(next) => i = next,
            None => {
                // The last unit counts for those that have none.
                let last = own.last().copied().flatten()?;
                let extents = numbers
                    .iter()
                    .zip(&own)
                    .map(|(value, scale)| value * scale.unwrap_or(last))
                    .collect();
                return Some((extents, after));
            }
        }
    }
}

fn skip(line: &Line, mut at: usize) -> usize {
    while line.at(at) == Some(' ') {
        at += 1;
    }
    at
}

fn number(line: &Line, at: usize) -> Option<(f64, usize)> {
    let mut end = at;
    while line.at(end).is_some_and(|c| c.is_ascii_digit()) {
        end += 1;
    }
    if end == at || end - at > 4 {
        return None;
    }
    if line.at(end) == Some('.') && line.at(end + 1).is_some_and(|c| c.is_ascii_digit()) {
        end += 1;
        while line.at(end).is_some_and(|c| c.is_ascii_digit()) {
            end += 1;
        }
    }
    line.words(at..end).parse().ok().map(|value| (value, end))
}

const UNITS: [(&str, f64); 8] = [
    ("millimeters", 1.0),
    ("millimeter", 1.0),
    ("centimeters", 10.0),
    ("centimeter", 10.0),
    ("mm", 1.0),
    ("cm", 10.0),
    ("毫米", 1.0),
    ("厘米", 10.0),
];

fn unit(line: &Line, at: usize) -> Option<(f64, usize)> {
    UNITS.iter().find_map(|(word, scale)| {
        let end = at + word.chars().count();
        // `mm x`, `mm×` go on; `mmHg` and `cm2` are other units.
        let next = line.at(end);
        let whole = match next {
            Some(c) if word.is_ascii() => {
                !is_word(c) || (c == 'x' && !line.at(end + 1).is_some_and(char::is_alphabetic))
            }
            _ => true,
        };
        (whole && line.starts_with(at, word)).then_some((*scale, end))
    })
}

/// A length that says how far something lies from something else is no size.
fn is_distance(line: &Line, start: usize, end: usize) -> bool {
    let after = line.words(end..(end + 14).min(line.chars.len()));
    let after = after.trim_start();
    let away = [
        "above",
        "below",
        "from",
        "proximal",
        "distal",
        "away",
        "inferior",
        "superior",
        "thick slice",
        "slice",
        "层厚",
    ];
    let before = line.words(start.saturating_sub(3)..start);
    away.iter().any(|word| after.starts_with(word))
        || before.contains('距')
        || before.contains("层厚")
}

/// Deciding words of a sentence, in order; those within an entity are none.
pub fn cues(line: &Line, entities: &[Mention]) -> Vec<Cue> {
    let lexicon = lexicon();
    let mut found = Vec::new();
    let mut at = 0;
    while at < line.chars.len() {
        let inside = entities
            .iter()
            .find(|m| m.span.start <= at && at < m.span.end && m.entity.kind != EntityKind::Size);
        match lexicon.cues.longest(&line.chars, at) {
            // A cue may reach over an entity ("normal heart size" does not), never begin in one.
            Some((meaning, end)) if inside.is_none() => {
                let crossing = entities
                    .iter()
                    .find(|m| m.span.start < end && m.span.start > at);
                match crossing {
                    Some(m) if m.span.end > end => at += 1,
                    _ => {
                        found.push(Cue {
                            span: at..end,
                            meaning,
                        });
                        at = end;
                    }
                }
            }
            _ => at = inside.map_or(at + 1, |m| m.span.end),
        }
    }
    found
}
