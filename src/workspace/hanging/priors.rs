//! Which earlier studies of a patient are worth standing beside the one that is read, in order, and why.
//!
//! Must stay true: candidates are studies of the same patient; the caller sees to that. A study whose day is unknown, or
//! that is not older, is listed but never hung as a prior.

use super::item::{Item, StudyItems};

/// How an earlier study resembles the one that is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Likeness {
    /// The same modality.
    pub modality: bool,
    /// The same part of the body.
    pub part: bool,
    /// The same region of the body.
    pub region: bool,
    /// A near region: chest and abdomen, head and neck.
    pub near: bool,
    /// The same view of a projection, and the same side where both have one.
    pub view: bool,
    /// Another side than the one that is read.
    pub other_side: bool,
    /// Days before it; `None` when one of the days is unknown.
    pub days: Option<i64>,
}

/// A candidate in its place.
#[derive(Clone, Debug)]
pub struct Ranked<'a> {
    /// The study.
    pub study: &'a StudyItems,
    /// Why it stands there.
    pub likeness: Likeness,
}

impl Ranked<'_> {
    /// Whether it can stand beside the current study as its prior: it is older, and shows something of the same region.
    pub fn hangable(&self) -> bool {
        self.likeness.days.is_some_and(|d| d >= 0)
            && (self.likeness.region || self.likeness.near)
            && !self.likeness.other_side
    }

    /// Codes of why, for reports and messages.
    pub fn reasons(&self) -> Vec<&'static str> {
        let l = self.likeness;
        [
            (l.modality, "modality"),
            (l.part, "body-part"),
            (l.region && !l.part, "region"),
            (l.near && !l.region, "near-region"),
            (l.view, "view"),
            (l.other_side, "other-side"),
            (l.days.is_none(), "date-unknown"),
        ]
        .into_iter()
        .filter(|(on, _)| *on)
        .map(|(_, word)| word)
        .collect()
    }
}

/// Ranks the other studies of a patient: the same modality and part of the body first, then the same view, then the same
/// modality and region, then the region alone, then the nearest day.
pub fn rank<'a>(current: &StudyItems, others: &'a [StudyItems]) -> Vec<Ranked<'a>> {
    let mut ranked: Vec<Ranked<'a>> = others
        .iter()
        .filter(|other| other.uid != current.uid || other.uid.is_empty())
        .map(|study| Ranked {
            study,
            likeness: likeness(current, study),
        })
        // What came later is not a prior.
        .filter(|r| r.likeness.days.is_none_or(|d| d >= 0))
        .collect();
    ranked.sort_by_key(|r| {
        let l = r.likeness;
        let class = match (l.modality, l.part, l.region, l.near) {
            (true, true, ..) => 0,
            (true, _, true, _) => 1,
            (_, true, ..) => 2,
            (_, _, true, _) => 3,
            (true, _, _, true) => 4,
            (_, _, _, true) => 5,
            (true, ..) => 6,
            _ => 7,
        };
        (
            l.days.is_none(),
            l.other_side,
            class,
            !l.view,
            l.days.unwrap_or(i64::MAX),
            std::cmp::Reverse(r.study.time.clone()),
            r.study.uid.clone(),
        )
    });
    ranked
}

fn likeness(current: &StudyItems, other: &StudyItems) -> Likeness {
    let main = current.modality();
    let own: Vec<&Item> = current
        .items
        .iter()
        .filter(|i| i.modality == main)
        .collect();
    let pairs = || {
        own.iter()
            .flat_map(|a| other.items.iter().map(move |b| (*a, b)))
    };
    let parts = |test: &dyn Fn(&Item, &Item) -> bool| pairs().any(|(a, b)| test(a, b));
    let part = |a: &Item, b: &Item| a.part.zip(b.part).is_some_and(|(a, b)| a == b);
    let region = |a: &Item, b: &Item| {
        a.part
            .zip(b.part)
            .is_some_and(|(a, b)| a.region == b.region)
    };
    let sides = |items: &[&Item]| {
        let has = |side| items.iter().any(|i| i.side == Some(side));
        [has(super::words::Side::R), has(super::words::Side::L)]
    };
    let of_main: Vec<&Item> = other.items.iter().collect();
    let (mine, theirs) = (sides(&own), sides(&of_main));
    let opposite = mine != [false, false]
        && theirs != [false, false]
        && !(mine[0] && theirs[0])
        && !(mine[1] && theirs[1]);
    Likeness {
        modality: other.items.iter().any(|i| i.modality == main),
        part: parts(&part),
        region: parts(&region),
        near: parts(&|a, b| {
            a.part
                .zip(b.part)
                .is_some_and(|(a, b)| a.region.is_near(b.region))
        }),
        view: parts(&|a, b| {
            a.modality == b.modality
                && !a.view.is_empty()
                && a.view == b.view
                && (a.side == b.side || a.side.is_none() || b.side.is_none())
        }),
        other_side: opposite,
        days: days_between(current, other),
    }
}

/// Days from the other to the current one; negative when the other is later, also by the time of the same day.
fn days_between(current: &StudyItems, other: &StudyItems) -> Option<i64> {
    let whole = |s: &StudyItems| s.date.filter(|d| d.month > 0 && d.day > 0);
    let days = whole(current)?.days_since_epoch() - whole(other)?.days_since_epoch();
    // On one day the time decides; without it nobody knows which was first.
    match days {
        0 if current.time.is_empty() || other.time.is_empty() => None,
        0 if other.time >= current.time => Some(-1),
        days => Some(days),
    }
}

/// Whether a series may stand beside another as its prior at all: the same kind of picture of the same view and side.
pub fn may_stand_beside(current: &Item, prior: &Item) -> bool {
    let films = ["CR", "DX", "RF"];
    let kind = |m: &str| films.contains(&m);
    let modality =
        current.modality == prior.modality || kind(&current.modality) && kind(&prior.modality);
    let sides = current.side.zip(prior.side).is_none_or(|(a, b)| a == b);
    // PA and AP of one chest are compared; a lateral is not compared with them.
    let view = |v: &'static str| if v == "AP" { "PA" } else { v };
    let views =
        current.view.is_empty() || prior.view.is_empty() || view(current.view) == view(prior.view);
    let region = current
        .part
        .zip(prior.part)
        .is_none_or(|(a, b)| a.region.is_near(b.region));
    modality && sides && views && region
}

/// How much a prior's series resembles the one beside it; the more, the better.
pub fn resemblance(current: &Item, prior: &Item) -> i64 {
    let same = |on: bool, points: i64| if on { points } else { 0 };
    let words = current
        .words
        .tokens()
        .iter()
        .filter(|t| prior.words.tokens().contains(t))
        .count() as i64;
    same(current.modality == prior.modality, 100)
        + same(!current.view.is_empty() && current.view == prior.view, 80)
        + same(current.side.is_some() && current.side == prior.side, 80)
        + same(
            current.sequence.is_some() && current.sequence == prior.sequence,
            60,
        )
        + same(current.plane.is_some() && current.plane == prior.plane, 40)
        + same(current.part.is_some() && current.part == prior.part, 30)
        + same(current.volume == prior.volume, 10)
        - same(prior.scout != current.scout, 50)
        + words.min(9)
}
