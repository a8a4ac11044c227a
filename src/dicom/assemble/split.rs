//! Why positions repeat in a series: the split into phases, b-values, echoes… that an attribute explains.
//!
//! Must stay true: every frame that was given is in exactly one part, and a series that repeats no position is never
//! split. An attribute explains a repetition when frames at one place differ in it and each of its values covers a run
//! of places. A value that changes with every slice (a time, mostly) covers none and explains nothing, unless its order at
//! each place tells the phase.

use super::{
    geometry::{Placed, by_number},
    terms::{Chosen, term},
};
use crate::model::{
    facts::{Axis, FactKey},
    layout::PartTerm,
};
use std::collections::{BTreeMap, BTreeSet};

/// Frames of one part, in order of their places, and what tells them from the others.
pub(super) struct Stack {
    pub(super) frames: Vec<Placed>,
    pub(super) terms: Vec<PartTerm>,
    /// By which attributes it was told apart.
    pub(super) axes: Vec<Axis>,
}

/// A frame and the index of its place.
struct Item {
    place: usize,
    frame: Placed,
}

struct Part {
    items: Vec<Item>,
    terms: Vec<PartTerm>,
    axes: Vec<Axis>,
}

/// Most part of the frames that may lie in values which cover no run of places: a phase that was cut short, a single
/// derived picture.
const STRAY: f64 = 0.2;

/// Splits frames that are gathered by place. One stack comes back when nothing explains the repetition.
pub(super) fn explain(places: Vec<Vec<Placed>>) -> Vec<Stack> {
    let items = places
        .into_iter()
        .enumerate()
        .flat_map(|(place, frames)| frames.into_iter().map(move |frame| Item { place, frame }));
    let mut parts = vec![Part {
        items: items.collect(),
        terms: Vec::new(),
        axes: Vec::new(),
    }];
    for axis in Axis::ALL {
        parts = parts.into_iter().flat_map(|p| by_value(p, axis)).collect();
    }
    for axis in Axis::RANKED {
        parts = parts.into_iter().flat_map(|p| by_rank(p, axis)).collect();
    }
    let stacks = parts.into_iter().map(|part| Stack {
        frames: part.items.into_iter().map(|i| i.frame).collect(),
        terms: part.terms,
        axes: part.axes,
    });
    stacks.collect()
}

/// How many frames lie where another one lies.
fn excess<'a>(items: impl Iterator<Item = &'a Item>) -> usize {
    let (mut places, mut count) = (BTreeSet::new(), 0);
    for item in items {
        places.insert(item.place);
        count += 1;
    }
    count - places.len()
}

/// Frames at each place.
fn multiplicity(items: &[Item]) -> BTreeMap<usize, usize> {
    let mut counts = BTreeMap::new();
    for item in items {
        *counts.entry(item.place).or_insert(0) += 1;
    }
    counts
}

/// Splits a part by the values of an attribute when they explain its repetition.
fn by_value(part: Part, axis: Axis) -> Vec<Part> {
    let before = excess(part.items.iter());
    if before == 0 {
        return vec![part];
    }
    let mut groups: BTreeMap<FactKey, Vec<usize>> = BTreeMap::new();
    for (i, item) in part.items.iter().enumerate() {
        let key = item.frame.facts().map_or(FactKey::Absent, |f| f.key(axis));
        groups.entry(key).or_default().push(i);
    }
    if groups.len() < 2 || groups.len() > part.items.len() / 2 + 1 {
        return vec![part];
    }
    let ranks: BTreeMap<usize, usize> = multiplicity(&part.items)
        .into_keys()
        .enumerate()
        .map(|(rank, place)| (place, rank))
        .collect();
    let (mut after, mut stray) = (0, 0);
    for members in groups.values() {
        let items = || members.iter().filter_map(|i| part.items.get(*i));
        after += excess(items());
        let covered: BTreeSet<usize> = items()
            .filter_map(|i| ranks.get(&i.place).copied())
            .collect();
        let span = covered
            .last()
            .zip(covered.first())
            .map_or(0, |(l, f)| l - f + 1);
        if covered.len() < 2 || covered.len() * 2 < span {
            stray += members.len();
        }
    }
    let most = multiplicity(&part.items).into_values().max().unwrap_or(0);
    let explains = if axis.weak() {
        after == 0 && stray == 0 && groups.len() <= most
    } else {
        after < before && (stray as f64) <= STRAY * part.items.len() as f64
    };
    if !explains {
        return vec![part];
    }
    let Part { items, terms, axes } = part;
    let mut groups: Vec<(FactKey, Vec<usize>)> = groups.into_iter().collect();
    if groups
        .iter()
        .any(|(key, _)| !matches!(key, FactKey::Absent | FactKey::Number(_)))
    {
        // Words and directions have no order of their own: the first image decides.
        let first = |members: &[usize]| {
            let numbers = members.iter().filter_map(|i| items.get(*i)?.frame.number);
            numbers.fold(f64::INFINITY, f64::min)
        };
        groups.sort_by(|a, b| first(&a.1).total_cmp(&first(&b.1)));
    }
    let values: Vec<FactKey> = groups.iter().map(|(key, _)| key.clone()).collect();
    let mut target = vec![0; items.len()];
    for (number, (_, members)) in groups.iter().enumerate() {
        for i in members {
            if let Some(slot) = target.get_mut(*i) {
                *slot = number;
            }
        }
    }
    let made: Vec<PartTerm> = (0..values.len())
        .map(|number| {
            let chosen = Chosen {
                axis,
                values: &values,
                number,
                ranked: false,
            };
            term(&chosen)
        })
        .collect();
    distribute(items, &target, &terms, &axes, axis, made)
}

/// Splits a part in which every place was imaged at several times, although these differ from place to place.
fn by_rank(part: Part, axis: Axis) -> Vec<Part> {
    let counts = multiplicity(&part.items);
    let most = counts.values().copied().max().unwrap_or(0);
    if most < 2 || counts.len() < 2 {
        return vec![part];
    }
    let value = |item: &Item| item.frame.facts()?.get(axis)?.number();
    let mut at: BTreeMap<usize, Vec<(f64, usize)>> = BTreeMap::new();
    for (i, item) in part.items.iter().enumerate() {
        let Some(value) = value(item) else {
            return vec![part];
        };
        at.entry(item.place).or_default().push((value, i));
    }
    for times in at.values_mut() {
        times.sort_by(|a, b| a.0.total_cmp(&b.0));
        if times
            .windows(2)
            .any(|w| matches!(w, [a, b] if b.0 - a.0 < 1e-4))
        {
            return vec![part];
        }
    }
    let Some(target) = ranks(&at, most, part.items.len()) else {
        return vec![part];
    };
    let Part { items, terms, axes } = part;
    let made = (0..most)
        .map(|number| {
            let chosen = Chosen {
                axis,
                values: &vec![FactKey::Absent; most],
                number,
                ranked: true,
            };
            term(&chosen)
        })
        .collect();
    distribute(items, &target, &terms, &axes, axis, made)
}

/// The phase of every frame. Where a place has fewer frames than others, each of them takes the phase whose time is
/// nearest; `None` when that is not plain.
fn ranks(
    at: &BTreeMap<usize, Vec<(f64, usize)>>,
    most: usize,
    frames: usize,
) -> Option<Vec<usize>> {
    let mut target = vec![0; frames];
    let full: Vec<&Vec<(f64, usize)>> = at.values().filter(|t| t.len() == most).collect();
    let even = full.len() == at.len();
    if full.len() * 2 < at.len() {
        return None;
    }
    let median = |rank: usize| {
        let mut times: Vec<f64> = full.iter().filter_map(|t| Some(t.get(rank)?.0)).collect();
        times.sort_by(f64::total_cmp);
        times.get(times.len() / 2).copied()
    };
    let medians: Vec<f64> = (0..most).filter_map(median).collect();
    let near = |time: f64| {
        let far = |m: f64| (m - time).abs();
        let all = medians.iter().copied().enumerate();
        all.min_by(|a, b| far(a.1).total_cmp(&far(b.1)))
            .map(|(k, _)| k)
    };
    for times in at.values() {
        let mut used = BTreeSet::new();
        for (rank, (time, i)) in times.iter().enumerate() {
            let phase = if even { rank } else { near(*time)? };
            let consistent = even || times.len() < most || phase == rank;
            if !consistent || !used.insert(phase) {
                return None;
            }
            *target.get_mut(*i)? = phase;
        }
    }
    Some(target)
}

/// Deals the items out to as many parts as there are terms.
fn distribute(
    items: Vec<Item>,
    target: &[usize],
    terms: &[PartTerm],
    axes: &[Axis],
    axis: Axis,
    made: Vec<PartTerm>,
) -> Vec<Part> {
    let mut parts: Vec<Part> = made
        .into_iter()
        .map(|term| Part {
            items: Vec::new(),
            terms: terms.iter().cloned().chain([term]).collect(),
            axes: axes.iter().copied().chain([axis]).collect(),
        })
        .collect();
    for (item, number) in items.into_iter().zip(target) {
        if let Some(part) = parts.get_mut(*number) {
            part.items.push(item);
        }
    }
    for part in &mut parts {
        // Frames of one place stay in the order of their numbers.
        let mut places: BTreeMap<usize, Vec<Placed>> = BTreeMap::new();
        for item in part.items.drain(..) {
            places.entry(item.place).or_default().push(item.frame);
        }
        for (place, mut frames) in places {
            by_number(&mut frames);
            let items = frames.into_iter().map(|frame| Item { place, frame });
            part.items.extend(items);
        }
    }
    parts.retain(|p| !p.items.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_are_told_by_order_or_by_the_nearest_time() {
        let check = |places: &[&[f64]], most: usize, expected: Option<&[usize]>| {
            let mut count = 0;
            let mut at = BTreeMap::new();
            for (place, times) in places.iter().enumerate() {
                let numbered = times.iter().map(|time| {
                    count += 1;
                    (*time, count - 1)
                });
                at.insert(place, numbered.collect());
            }
            let found = ranks(&at, most, count);
            assert_eq!(found.as_deref(), expected, "{places:?}");
        };
        check(&[&[1.0, 9.0], &[2.0, 8.0]], 2, Some(&[0, 1, 0, 1]));
        // Times that do not compare from place to place: the order alone counts.
        check(&[&[1.0, 2.0], &[11.0, 12.0]], 2, Some(&[0, 1, 0, 1]));
        // A place with one frame less takes the nearest phase.
        check(
            &[&[1.0, 9.0], &[8.0], &[2.0, 10.0]],
            2,
            Some(&[0, 1, 1, 0, 1]),
        );
        // Not plain: both are nearest to one phase.
        check(
            &[&[1.0, 9.0, 20.0], &[8.0, 9.5], &[1.0, 9.0, 20.0]],
            3,
            None,
        );
        // Most places lack frames.
        check(&[&[1.0, 9.0], &[1.0], &[9.0]], 2, None);
    }
}
