//! How far a deciding word reaches: denial, doubt, history, family, change.
//!
//! A word reaches forward or back to the next hard stop (`;`), to a word that ends scopes ("but", 但), to a comma
//! after which something new begins, and not past another deciding word once it has found something. Of several that
//! reach one finding the strongest counts; denied from both sides means that it is there.

use super::{
    Assertion, Change, EntityKind, SectionKind,
    lexicon::{CueClass, Way},
    mentions::{Cue, Line, Mention},
};
use std::ops::Range;

/// Of several assertions the one that counts.
fn strength(assertion: Assertion) -> u8 {
    match assertion {
        Assertion::Family => 5,
        Assertion::Conditional => 4,
        Assertion::Absent => 3,
        Assertion::Possible => 2,
        Assertion::History => 1,
        Assertion::Present => 0,
    }
}

const fn is_comma(c: char) -> bool {
    matches!(c, ',' | '，')
}

const fn is_hard(c: char) -> bool {
    matches!(c, ';' | '；' | '。' | ':' | '：')
}

/// Words that may stand in a list after a comma without beginning something new.
const LIST_WORDS: [&str; 37] = [
    "or",
    "and",
    "nor",
    "any",
    "other",
    "acute",
    "focal",
    "significant",
    "large",
    "definite",
    "suspicious",
    "obvious",
    "either",
    "the",
    "of",
    "in",
    "at",
    "seen",
    "identified",
    "noted",
    "is",
    "are",
    "was",
    "present",
    "evident",
    "new",
    "overt",
    "及",
    "或",
    "和",
    "与",
    "、",
    "以及",
    "明显",
    "等",
    "征象",
    "者",
];

/// Whether the text after a comma only goes on with a list of findings.
fn goes_on(line: &Line, span: Range<usize>, entities: &[Mention], cues: &[Cue]) -> bool {
    let mut any = false;
    let mut rest = String::new();
    let mut at = span.start;
    while at < span.end {
        if let Some(mention) = entities.iter().find(|m| m.span.start == at) {
            if mention.entity.kind == EntityKind::Size {
                return false;
            }
            any |= mention.entity.kind.is_stated();
            rest.push(' ');
            at = mention.span.end;
            continue;
        }
        rest.extend(line.part(at..at + 1));
        at += 1;
    }
    let quiet = cues.iter().all(|cue| {
        !span.contains(&cue.span.start)
            || matches!(
                cue.meaning.class,
                CueClass::Says(Assertion::Absent)
                    | CueClass::Nothing
                    | CueClass::Changes(Change::New)
                    | CueClass::Stop
            )
    });
    any && quiet
        && rest
            .split(|c: char| c.is_whitespace() || c == '.')
            .filter(|w| !w.is_empty())
            .all(|word| {
                LIST_WORDS.contains(&word)
                    || word
                        .chars()
                        .all(|c| LIST_WORDS.contains(&c.to_string().as_str()))
            })
}

struct Reach<'a> {
    line: &'a Line,
    entities: &'a [Mention],
    cues: &'a [Cue],
}

impl Reach<'_> {
    /// Whether a cue only repeats a denial ("does not show"), so that it begins nothing of its own.
    fn is_denied(&self, cue: &Cue) -> bool {
        self.cues.iter().any(|c| {
            c.meaning.class == CueClass::Says(Assertion::Absent)
                && c.span.end <= cue.span.start
                && cue.span.start - c.span.end <= 1
        })
    }

    fn stated_in(&self, span: Range<usize>) -> impl Iterator<Item = usize> {
        self.entities
            .iter()
            .enumerate()
            .filter(move |(_, m)| {
                m.entity.kind.is_stated() && m.span.start >= span.start && m.span.end <= span.end
            })
            .map(|(i, _)| i)
    }

    /// Characters that a cue reaches forward.
    fn forward(&self, cue: &Cue, across_commas: bool) -> Range<usize> {
        let begin = cue.span.end;
        let mut end = self.line.chars.len();
        for other in self.cues.iter().filter(|c| c.span.start >= begin) {
            let ends = match other.meaning.class {
                CueClass::Stop => true,
                CueClass::Says(_) => {
                    matches!(other.meaning.way, Way::After | Way::Around | Way::Either)
                        && !self.is_denied(other)
                        && self.stated_in(begin..other.span.start).next().is_some()
                        && (other.meaning.way != Way::Either
                            || self
                                .stated_in(other.span.end..self.comma_after(other.span.end))
                                .next()
                                .is_some())
                }
                _ => false,
            };
            if ends {
                end = end.min(other.span.start);
                break;
            }
        }
        let stop = self.first(begin..end, is_hard);
        end = end.min(stop);
        if across_commas {
            return begin..end;
        }
        let mut comma = self.first(begin..end, is_comma);
        while comma < end {
            let next = self.segment_end(comma + 1);
            if !goes_on(self.line, comma + 1..next, self.entities, self.cues) {
                return begin..comma;
            }
            comma = self.first(comma + 1..end, is_comma);
        }
        begin..end
    }

    /// Where the part of the sentence that begins after a comma ends: at the next comma, hard stop or ending word.
    fn segment_end(&self, at: usize) -> usize {
        let stop = self
            .cues
            .iter()
            .filter(|c| c.meaning.class == CueClass::Stop && c.span.start >= at)
            .map(|c| c.span.start)
            .min();
        self.comma_after(at).min(stop.unwrap_or(usize::MAX))
    }

    /// Characters that a cue reaches back.
    fn back(&self, cue: &Cue, across_commas: bool) -> Range<usize> {
        let end = cue.span.start;
        let mut begin = 0;
        for other in self.cues.iter().filter(|c| c.span.end <= end) {
            let ends = match other.meaning.class {
                CueClass::Stop => true,
                // What another word has found already, and what is introduced as present, stays apart.
                CueClass::Says(Assertion::Present) => !self.is_denied(other),
                CueClass::Says(_) => {
                    other.meaning.way == Way::Before
                        && self.stated_in(other.span.end..end).next().is_some()
                }
                _ => false,
            };
            if ends {
                begin = begin.max(other.span.end);
            }
        }
        let part = self.line.part(begin..end);
        let hard = part
            .iter()
            .rposition(|c| is_hard(*c))
            .map_or(begin, |i| begin + i + 1);
        begin = begin.max(hard);
        if across_commas {
            return begin..end;
        }
        // Past a comma only where a list ends here: "hydronephrosis, stones or masses are not seen".
        let part = self.line.part(begin..end);
        let Some(comma) = part.iter().rposition(|c| is_comma(*c)).map(|i| begin + i) else {
            return begin..end;
        };
        let words = self.line.words(comma + 1..end);
        let list = [" or ", " and ", "及", "或"]
            .iter()
            .any(|join| words.contains(join));
        match list && goes_on(self.line, comma + 1..end, self.entities, &[]) {
            true => begin..end,
            false => comma + 1..end,
        }
    }

    fn first(&self, span: Range<usize>, is: impl Fn(char) -> bool) -> usize {
        let part = self.line.part(span.clone());
        part.iter()
            .position(|c| is(*c))
            .map_or(span.end, |i| span.start + i)
    }

    fn comma_after(&self, at: usize) -> usize {
        let end = self.line.chars.len();
        self.first(at..end, |c| is_comma(c) || is_hard(c))
    }

    /// What a cue reaches: forward and back.
    fn reached(&self, cue: &Cue) -> (Vec<usize>, Vec<usize>) {
        let ahead = || self.stated_in(self.forward(cue, false)).collect::<Vec<_>>();
        let behind = || self.stated_in(self.back(cue, false)).collect::<Vec<_>>();
        match cue.meaning.way {
            Way::After => (ahead(), Vec::new()),
            Way::Before => (Vec::new(), behind()),
            Way::Around => (ahead(), behind()),
            Way::Either => {
                let close = self.comma_after(cue.span.end);
                let forward = ahead();
                if self
                    .stated_in(cue.span.end..close)
                    .any(|i| forward.contains(&i))
                {
                    (forward, Vec::new())
                } else {
                    (Vec::new(), behind())
                }
            }
        }
    }
}

#[derive(Clone, Default)]
struct Said {
    strongest: Option<(Assertion, usize)>,
    denied_ahead: bool,
    denied_behind: bool,
}

/// Sets assertions, changes and normal anatomy of one sentence.
pub fn assert(line: &Line, section: SectionKind, entities: &mut [Mention], cues: &[Cue]) {
    let mut said = vec![Said::default(); entities.len()];
    let mut changes: Vec<(usize, Change)> = Vec::new();
    let mut normal: Vec<usize> = Vec::new();
    let mut former: Vec<usize> = Vec::new();
    {
        let reach = Reach {
            line,
            entities,
            cues,
        };
        for (number, cue) in cues.iter().enumerate() {
            match cue.meaning.class {
                CueClass::Says(assertion) => {
                    let (ahead, behind) = reach.reached(cue);
                    for (list, is_ahead) in [(ahead, true), (behind, false)] {
                        for i in list {
                            if let Some(said) = said.get_mut(i) {
                                said.note(assertion, number, is_ahead);
                            }
                        }
                    }
                }
                CueClass::Changes(change) => {
                    if let Some(i) = changed(&reach, cue) {
                        changes.push((i, change));
                        if change == Change::Resolved
                            && let Some(said) = said.get_mut(i)
                        {
                            said.note(Assertion::Absent, number, true);
                        }
                    }
                }
                CueClass::Normal => normal.extend(normal_anatomy(&reach, cue)),
                CueClass::Former => former.extend(size_after(&reach, cue)),
                CueClass::Stop | CueClass::Nothing => {}
            }
        }
    }
    let asks = line
        .chars
        .iter()
        .rev()
        .find(|c| !c.is_whitespace())
        .is_some_and(|c| matches!(c, '?' | '？'));
    for (mention, said) in entities.iter_mut().zip(&said) {
        let entity = &mut mention.entity;
        if !entity.kind.is_stated() {
            continue;
        }
        if let Some((assertion, cue)) = said.strongest {
            entity.assertion = assertion;
            entity.cue = cues.get(cue).map(|c| line.bytes(&c.span));
        }
        if said.denied_ahead && said.denied_behind && entity.assertion == Assertion::Absent {
            entity.assertion = Assertion::Present;
        }
        if entity.assertion == Assertion::Present {
            entity.assertion = match section {
                _ if asks => Assertion::Possible,
                SectionKind::Family => Assertion::Family,
                SectionKind::History if entity.kind == EntityKind::Finding => Assertion::History,
                _ => Assertion::Present,
            };
        }
    }
    // "No abnormality" says that the anatomy before it is normal.
    for (i, mention) in entities.iter().enumerate() {
        let none = mention.entity.concept == "abnormality"
            && mention.entity.assertion == Assertion::Absent;
        let before = (0..i).rev().map_while(|k| entities.get(k).map(|m| (k, m)));
        if none {
            normal.extend(
                before
                    .take_while(|(_, m)| m.entity.kind == EntityKind::Anatomy)
                    .map(|(k, _)| k),
            );
        }
    }
    for (i, change) in changes {
        if let Some(mention) = entities.get_mut(i) {
            let denied =
                mention.entity.assertion == Assertion::Absent && change != Change::Resolved;
            let first = mention.entity.change.is_none();
            if first && !denied {
                mention.entity.change = Some(change);
            }
        }
    }
    for i in normal {
        if let Some(mention) = entities.get_mut(i) {
            mention.entity.normal = true;
        }
    }
    for i in former {
        if let Some(mention) = entities.get_mut(i) {
            mention.entity.former = true;
        }
    }
}

impl Said {
    fn note(&mut self, assertion: Assertion, cue: usize, ahead: bool) {
        if assertion == Assertion::Absent {
            self.denied_ahead |= ahead;
            self.denied_behind |= !ahead;
        }
        let stronger = self
            .strongest
            .is_none_or(|(known, _)| strength(assertion) > strength(known));
        if stronger {
            self.strongest = Some((assertion, cue));
        }
    }
}

/// The one finding whose change a word tells: the next or the nearest before.
fn changed(reach: &Reach<'_>, cue: &Cue) -> Option<usize> {
    let is_finding = |i: &usize| {
        reach
            .entities
            .get(*i)
            .is_some_and(|m| matches!(m.entity.kind, EntityKind::Finding | EntityKind::Symptom))
    };
    let ahead = |across| reach.stated_in(reach.forward(cue, across)).find(is_finding);
    let behind = || {
        let mut span = reach.back(cue, true);
        // Words of presence do not part a finding from its change: "见结节，较前增大".
        let hard = reach
            .line
            .part(0..span.end)
            .iter()
            .rposition(|c| is_hard(*c))
            .map_or(0, |i| i + 1);
        let stop = reach
            .cues
            .iter()
            .filter(|c| c.meaning.class == CueClass::Stop && c.span.end <= span.end)
            .map(|c| c.span.end)
            .max()
            .unwrap_or(0);
        span.start = hard.max(stop);
        reach.stated_in(span).filter(is_finding).last()
    };
    match cue.meaning.way {
        Way::After | Way::Around => ahead(true),
        Way::Before => behind(),
        Way::Either => {
            let close = reach.comma_after(cue.span.end);
            ahead(true)
                .filter(|i| reach.entities.get(*i).is_some_and(|m| m.span.end <= close))
                .or_else(behind)
        }
    }
}

/// Anatomy that a word calls normal: back to the comma or to the word that called the one before normal.
fn normal_anatomy(reach: &Reach<'_>, cue: &Cue) -> Vec<usize> {
    if reach.is_denied(cue) {
        return Vec::new();
    }
    let anatomy = |span: Range<usize>| {
        reach
            .entities
            .iter()
            .enumerate()
            .filter(move |(_, m)| {
                m.entity.kind == EntityKind::Anatomy
                    && m.span.start >= span.start
                    && m.span.end <= span.end
            })
            .map(|(i, _)| i)
    };
    let behind = || {
        let mut span = reach.back(cue, false);
        for other in reach.cues {
            let normal = other.meaning.class == CueClass::Normal;
            if normal && other.span.end <= cue.span.start {
                span.start = span.start.max(other.span.end);
            }
        }
        anatomy(span).collect::<Vec<_>>()
    };
    let ahead = || {
        let close = reach.comma_after(cue.span.end);
        anatomy(cue.span.end..close.min(cue.span.end + 24))
            .take(1)
            .collect::<Vec<_>>()
    };
    match cue.meaning.way {
        Way::Before => behind(),
        Way::After => ahead(),
        Way::Either | Way::Around => {
            let found = behind();
            if found.is_empty() { ahead() } else { found }
        }
    }
}

/// The size that a word says is of the past: right behind it.
fn size_after(reach: &Reach<'_>, cue: &Cue) -> Option<usize> {
    reach.entities.iter().position(|m| {
        m.entity.kind == EntityKind::Size
            && m.span.start >= cue.span.end
            && m.span.start - cue.span.end <= 4
    })
}
