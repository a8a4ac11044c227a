//! A protocol by example: from what stands on the screen to the rules that would put it there again.
//!
//! Must stay true: hung over the very study it was made from, a protocol shows what it was made from. A rule asks for what
//! tells a series from its neighbours, and for no more: an attribute that a series lacks is not asked for, and words only
//! where attributes do not suffice.

use super::{
    item::{Item, StudyItems},
    matching::{self, is_for},
    priors::Ranked,
    protocol::{
        CellRule, Image, Justify, Linked, Plane, Protocol, Rule, Show, Stage, Which, layout_words,
    },
};
use crate::model::arrangement::Layout;

/// Words that name no kind of picture.
const EMPTY_WORDS: &[&str] = &[
    "the", "and", "of", "with", "series", "image", "images", "se", "mm", "new", "rpt", "repeat",
];

/// What a cell shows now.
#[derive(Clone, Debug, Default)]
pub struct Shown<'a> {
    /// The series or image; `None` for an empty cell.
    pub item: Option<&'a Item>,
    /// It is of an earlier study.
    pub prior: bool,
    /// What is shown of it.
    pub show: Show,
    /// Name of the preset that is on, empty when it is none.
    pub window: String,
    /// Pushed to the chest wall's side.
    pub chest_wall: bool,
}

/// Infers a protocol of one stage from what stands on the screen. `None` when nothing of the study stands there.
pub fn infer(
    name: &str,
    layout: &Layout,
    cells: &[Shown<'_>],
    link: &[Linked],
    study: &StudyItems,
) -> Option<Protocol> {
    let own: Vec<&Item> = cells
        .iter()
        .filter(|c| !c.prior)
        .filter_map(|c| c.item)
        .collect();
    if own.is_empty() {
        return None;
    }
    let mut rules: Vec<CellRule> = Vec::new();
    for (n, cell) in cells.iter().enumerate() {
        rules.push(cell_rule(n, cell, cells, study));
    }
    // What nobody asks for needs no rule at the end.
    while rules.last().is_some_and(|r| r.empty) {
        rules.pop();
    }
    let (layout_text, rects) = layout_words(layout);
    let rules = match layout {
        // The cuts stand as they stand; only the volume is asked for.
        Layout::Mpr | Layout::Tiles(_) => rules
            .into_iter()
            .take(1)
            .map(|mut rule| {
                rule.show = Show::Stack;
                rule
            })
            .collect(),
        _ => rules,
    };
    Some(Protocol {
        name: name.to_owned(),
        study: study_rule(&own, study),
        stages: vec![Stage {
            name: name.to_owned(),
            layout: layout_text,
            rects,
            link: link.to_vec(),
            same_scale: cells.iter().any(|c| c.chest_wall),
            cells: rules,
            ..Stage::default()
        }],
        own: true,
        ..Protocol::default()
    })
}

/// For which studies: the modality, and the region that all of its shown series have.
fn study_rule(own: &[&Item], study: &StudyItems) -> Rule {
    let modality = study.modality();
    let first_region = own.first().and_then(|i| i.part).map(|p| p.region);
    let region =
        first_region.filter(|r| own.iter().all(|i| i.part.is_some_and(|p| p.region == *r)));
    // A study of one side is hung as one of the other is, so the side is not asked.
    Rule {
        modality: Some(modality.to_owned())
            .filter(|m| !m.is_empty())
            .into_iter()
            .collect(),
        region: region.into_iter().collect(),
        ..Rule::default()
    }
}

fn cell_rule(at: usize, cell: &Shown<'_>, cells: &[Shown<'_>], study: &StudyItems) -> CellRule {
    let Some(item) = cell.item else {
        return CellRule {
            empty: true,
            ..CellRule::default()
        };
    };
    let base = CellRule {
        study: if cell.prior {
            Which::Prior
        } else {
            Which::Current
        },
        show: cell.show,
        window: cell.window.clone(),
        justify: if cell.chest_wall {
            Justify::ChestWall
        } else {
            Justify::Middle
        },
        image: Image::First,
        required: cell.prior,
        ..CellRule::default()
    };
    let before = cells.get(..at).unwrap_or_default();
    let same = before.iter().position(|c| {
        c.item
            .is_some_and(|i| i.series == item.series && i.image == item.image)
    });
    if let Some(same) = same {
        return CellRule {
            same_as: Some(same + 1),
            ..base
        };
    }
    if cell.prior {
        // A prior stands for what it resembles most among what is read.
        let pairs = before.iter().enumerate().filter(|(_, c)| !c.prior);
        let like = pairs
            .filter_map(|(n, c)| Some((n, c.item?)))
            .filter(|(_, i)| super::priors::may_stand_beside(i, item))
            .max_by_key(|(n, i)| (super::priors::resemblance(i, item), std::cmp::Reverse(*n)));
        if let Some((n, _)) = like {
            return CellRule {
                like: Some(n + 1),
                ..base
            };
        }
    }
    let (series, prefer) = series_rule(item, study);
    CellRule {
        series,
        prefer,
        ..base
    }
}

/// What tells a series from the others of its study, in the order in which hospitals agree: modality, view, side, sequence,
/// plane, then words that stand in no other description.
fn series_rule(item: &Item, study: &StudyItems) -> (Rule, Vec<String>) {
    let mut rule = Rule {
        modality: vec![item.modality.clone()],
        ..Rule::default()
    };
    let is_other = |i: &&Item| !(i.series == item.series && i.image == item.image);
    let rivals = |rule: &Rule| {
        study
            .items
            .iter()
            .filter(is_other)
            .filter(|i| rule.fits(i))
            .count()
    };
    // Views, sides and sequences say what is meant, even where nothing else could be meant today.
    if !item.view.is_empty() {
        rule.view = vec![item.view.to_owned()];
    }
    if item.modality == "MG" {
        rule.side = item.side;
    } else if rivals(&rule) > 0
        && let Some(side) = item.side
    {
        let mut with = rule.clone();
        with.side = Some(side);
        if rivals(&with) < rivals(&rule) {
            rule = with;
        }
    }
    if let Some(sequence) = item.sequence {
        rule.sequence = vec![sequence];
    }
    if rivals(&rule) > 0
        && let Some(plane) = item.plane
    {
        let mut with = rule.clone();
        with.plane = Some(Plane::of_body(plane));
        if rivals(&with) < rivals(&rule) {
            rule = with;
        }
    }
    // Words, the one first that leaves the fewest rivals; at most three.
    for _ in 0..3 {
        let now = rivals(&rule);
        if now == 0 {
            break;
        }
        let best = item
            .words
            .tokens()
            .iter()
            .filter(|t| is_telling(t) && !rule.words.contains(t))
            .map(|t| {
                let mut with = rule.clone();
                with.words.push(t.clone());
                (rivals(&with), t)
            })
            .min_by_key(|(left, _)| *left);
        match best {
            Some((left, word)) if left < now => rule.words.push(word.clone()),
            _ => break,
        }
    }
    // A longer name may hold all words of this one: what it has beside them must not stand there.
    if rivals(&rule) > 0 {
        let others = study.items.iter().filter(is_other);
        let extra: Vec<String> = others
            .filter(|i| rule.fits(i))
            .flat_map(|i| i.words.tokens().iter())
            .filter(|t| is_telling(t) && !item.words.has(t))
            .cloned()
            .collect();
        for word in extra {
            let mut with = rule.clone();
            with.without.push(word);
            if rule.without.len() < 3 && rivals(&with) < rivals(&rule) {
                rule = with;
            }
        }
    }
    (rule, Vec::new())
}

/// Numbers of one study mean nothing in the next.
fn is_telling(token: &str) -> bool {
    token.len() >= 2 && !EMPTY_WORDS.contains(&token) && !token.chars().all(|c| c.is_ascii_digit())
}

/// What a protocol would hang in a library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// Study Instance UID.
    pub study: String,
    /// Keys of the series, cell by cell; `None` for a cell that stays empty.
    pub cells: Vec<Option<String>>,
}

/// Over which studies a protocol hangs, and what stands where. `studies` are those of one patient, priors among them.
pub fn preview(
    protocol: &Protocol,
    studies: &[StudyItems],
    priors_of: impl Fn(usize) -> Vec<usize>,
) -> Vec<Match> {
    let mut found = Vec::new();
    for (at, study) in studies.iter().enumerate() {
        if !is_for(protocol, study) {
            continue;
        }
        let others: Vec<StudyItems> = priors_of(at)
            .into_iter()
            .filter_map(|n| studies.get(n).cloned())
            .collect();
        let ranked: Vec<Ranked<'_>> = super::priors::rank(study, &others);
        let Some(hung) = matching::next_stage(protocol, None, true, study, &ranked) else {
            continue;
        };
        found.push(Match {
            study: study.uid.clone(),
            cells: hung
                .cells
                .iter()
                .map(|c| c.as_ref().map(|c| c.item.series.clone()))
                .collect(),
        });
    }
    found
}
