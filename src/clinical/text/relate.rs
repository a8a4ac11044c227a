//! Which anatomy, side and size belong to a finding.

use super::{
    EntityKind, Relation, RelationKind,
    mentions::{Line, Mention},
};
use std::ops::Range;

/// Words between a finding and the anatomy that follows it.
const INTO: &[&str] = &[
    " in ",
    " of ",
    " at ",
    " along ",
    " within ",
    " on ",
    " involving ",
    " near ",
    " over ",
    " throughout ",
    " from ",
    " to ",
    " involve ",
    " involves ",
    " projecting ",
    "位于",
    "在",
    "于",
    "s in ",
    "s of ",
];

struct Sight<'a> {
    line: &'a Line,
    entities: &'a [Mention],
}

impl Sight<'_> {
    fn kind(&self, i: usize) -> Option<EntityKind> {
        self.entities.get(i).map(|m| m.entity.kind)
    }

    fn span(&self, i: usize) -> Range<usize> {
        self.entities.get(i).map_or(0..0, |m| m.span.clone())
    }

    /// Text between two entities, earlier first.
    fn gap(&self, a: usize, b: usize) -> String {
        self.line.words(self.span(a).end..self.span(b).start)
    }

    /// Whether another finding lies between.
    fn is_parted(&self, a: usize, b: usize) -> bool {
        (a + 1..b).any(|i| self.kind(i) == Some(EntityKind::Finding))
    }

    fn anatomy_after(&self, finding: usize) -> Option<usize> {
        let next = (finding + 1..self.entities.len())
            .find(|i| self.kind(*i) == Some(EntityKind::Anatomy))?;
        let gap = self.gap(finding, next);
        let into = INTO.iter().any(|word| gap.contains(word));
        (into && !self.is_parted(finding, next) && !parts(&gap)).then_some(next)
    }

    /// Anatomy that follows without any word: "nodule RUL", 结节 右肺上叶.
    fn anatomy_beside(&self, finding: usize) -> Option<usize> {
        let next = finding + 1;
        (self.kind(next) == Some(EntityKind::Anatomy) && self.gap(finding, next).trim().is_empty())
            .then_some(next)
    }

    fn anatomy_before(&self, finding: usize) -> Option<usize> {
        let last = (0..finding)
            .rev()
            .find(|i| self.kind(*i) == Some(EntityKind::Anatomy))?;
        let gap = self.gap(last, finding);
        if parts(&gap) || gap.contains([',', '，']) || gap.contains(" and ") {
            return None;
        }
        // "甲状腺左叶": the organ, not its unnamed lobe.
        let lobe = self
            .entities
            .get(last)
            .is_some_and(|m| m.entity.concept == "lobe");
        let whole = last.checked_sub(1).filter(|i| {
            lobe && self.kind(*i) == Some(EntityKind::Anatomy)
                && self.gap(*i, last).trim().is_empty()
        });
        let chosen = whole.unwrap_or(last);
        let coordinated = self.is_parted(last, finding);
        // "肝见囊肿及血管瘤": a list shares the anatomy before it; a sentence of two findings does not.
        let listed = (last + 1..finding)
            .rev()
            .find(|i| self.kind(*i) == Some(EntityKind::Finding))
            .is_none_or(|i| {
                matches!(
                    self.gap(i, finding).trim(),
                    "及" | "和" | "与" | "、" | "伴" | "and" | "or" | "with"
                )
            });
        (!coordinated || listed).then_some(chosen)
    }

    /// Anatomy joined to one that was found: "L4 and L5".
    fn joined(&self, anatomy: usize) -> Option<usize> {
        let next = anatomy + 1;
        let joins = matches!(
            self.gap(anatomy, next).trim(),
            "and" | "及" | "、" | "和" | "/" | "与"
        );
        (self.kind(next) == Some(EntityKind::Anatomy) && joins).then_some(next)
    }

    fn side(&self, finding: usize, anatomy: Option<usize>) -> Option<usize> {
        let is_side = |i: usize| self.kind(i) == Some(EntityKind::Side);
        if let Some(anatomy) = anatomy {
            let before = anatomy.checked_sub(1).filter(|i| is_side(*i));
            if let Some(side) = before.filter(|i| self.gap(*i, anatomy).trim().is_empty()) {
                return Some(side);
            }
        }
        let before = (0..finding).rev().find(|i| is_side(*i));
        let near = before.filter(|i| {
            let gap = self.gap(*i, finding);
            !self.is_parted(*i, finding)
                && (*i + 1..finding).all(|k| self.kind(k) != Some(EntityKind::Anatomy))
                && gap.chars().count() <= 24
                && !gap.contains([',', '，', '.'])
                && !INTO.iter().any(|word| gap.contains(word))
        });
        near.or_else(|| {
            let next = (finding + 1..self.entities.len()).find(|i| is_side(*i))?;
            let gap = self.gap(finding, next);
            let own = !(self.kind(next + 1) == Some(EntityKind::Anatomy)
                && self.gap(next, next + 1).trim().is_empty());
            let on = gap.ends_with("on the ") || gap.ends_with("at the ");
            (on && own && !self.is_parted(finding, next) && !parts(&gap)).then_some(next)
        })
    }

    /// The finding of a size.
    fn finding_of_size(&self, size: usize) -> Option<usize> {
        let is_finding = |i: &usize| self.kind(*i) == Some(EntityKind::Finding);
        let next = (size + 1..self.entities.len()).find(is_finding);
        let right_behind = next.filter(|i| {
            let gap = self.gap(size, *i);
            gap.chars().count() <= 20
                && !gap.contains([',', '，', ';', '；', '.'])
                && !INTO.iter().any(|word| gap.contains(word))
                && !gap.contains(" with ")
        });
        right_behind.or_else(|| {
            let last = (0..size).rev().find(is_finding)?;
            (!parts(&self.gap(last, size))).then_some(last)
        })
    }
}

/// Whether a gap holds the end of a clause.
fn parts(gap: &str) -> bool {
    gap.contains([';', '；', '。', ':', '：']) || gap.contains(". ")
}

/// Finds what belongs together. Drugs and symptoms stand alone.
pub fn relations(line: &Line, entities: &[Mention]) -> Vec<Relation> {
    let sight = Sight { line, entities };
    let mut found = Vec::new();
    for finding in 0..sight.entities.len() {
        if !matches!(sight.kind(finding), Some(EntityKind::Finding)) {
            continue;
        }
        let anatomy = sight
            .anatomy_after(finding)
            .or_else(|| sight.anatomy_before(finding))
            .or_else(|| sight.anatomy_beside(finding));
        let relation = |kind, other| Relation {
            finding,
            kind,
            other,
        };
        if let Some(anatomy) = anatomy {
            found.push(relation(RelationKind::At, anatomy));
            if let Some(also) = sight.joined(anatomy) {
                found.push(relation(RelationKind::At, also));
            }
        }
        if let Some(side) = sight.side(finding, anatomy) {
            found.push(relation(RelationKind::OnSide, side));
        }
    }
    for size in 0..sight.entities.len() {
        let former = sight.entities.get(size).is_some_and(|m| m.entity.former);
        if sight.kind(size) != Some(EntityKind::Size) || former {
            continue;
        }
        if let Some(finding) = sight.finding_of_size(size) {
            let taken = found
                .iter()
                .any(|r| r.finding == finding && r.kind == RelationKind::HasSize);
            if !taken {
                found.push(Relation {
                    finding,
                    kind: RelationKind::HasSize,
                    other: size,
                });
            }
        }
    }
    found.sort_by_key(|r| (r.finding, r.kind, r.other));
    found
}
