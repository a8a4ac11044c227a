//! Whether a report refers to itself in a circle, which PS3.3 section C.17.3.2.5 forbids: an item by reference leads to
//! something that it belongs to, or that leads back to it.
//!
//! Must stay true: each item and each reference is looked at once, with a stack of its own; a reference is never followed
//! while anything else is read.

use super::tree::{Item, Tree};
use dicom_dictionary_std::tags;

/// An item of the report: the items below it lie one behind the other.
struct Place {
    below: std::ops::Range<usize>,
    /// Where it refers to.
    to: Option<usize>,
}

/// Most numbers of a path that leads to an item, as for the content itself.
const MOST_STEPS: usize = 256;

/// How many references of a report close a circle.
pub(super) fn closing_references(tree: &Tree<'_>) -> usize {
    let mut items = vec![tree.root()];
    let mut places: Vec<Place> = Vec::new();
    let mut references: Vec<(usize, Vec<f64>)> = Vec::new();
    while let Some(item) = items.get(places.len()).copied() {
        let at = places.len();
        let first = items.len();
        let path = tree.numbers(item, tags::REFERENCED_CONTENT_ITEM_IDENTIFIER, MOST_STEPS);
        if path.is_empty() || at == 0 {
            let below: Vec<Item> = tree.items(item, tags::CONTENT_SEQUENCE).collect();
            items.extend(below);
        } else {
            references.push((at, path));
        }
        places.push(Place {
            below: first..items.len(),
            to: None,
        });
    }
    if references.is_empty() {
        return 0;
    }
    for (from, path) in references {
        let to = found(&places, &path);
        if let Some(place) = places.get_mut(from) {
            place.to = to;
        }
    }
    closing(&places)
}

/// The item at a path: the root is 1, and its items count from 1.
fn found(places: &[Place], path: &[f64]) -> Option<usize> {
    let (root, steps) = path.split_first()?;
    let mut at = (*root == 1.0).then_some(0)?;
    for step in steps {
        let below = &places.get(at)?.below;
        // From 1 on, and beyond any item where the number is none.
        let number = (*step >= 1.0 && *step < 1e9).then_some(*step as usize)?;
        at = below.start + number - 1;
        if at >= below.end {
            return None;
        }
    }
    Some(at)
}

/// Goes down everything once; a reference closes a circle when it leads to what is open.
fn closing(places: &[Place]) -> usize {
    #[derive(Clone, Copy, PartialEq)]
    enum Seen {
        Not,
        Open,
        Done,
    }
    let mut seen = vec![Seen::Not; places.len()];
    let mut circles = 0;
    // An item, and how many of the ways that leave it are taken.
    let mut way: Vec<(usize, usize)> = vec![(0, 0)];
    while let Some((at, taken)) = way.last_mut() {
        let at = *at;
        let Some(place) = places.get(at) else {
            way.pop();
            continue;
        };
        if *taken == 0
            && let Some(state) = seen.get_mut(at)
        {
            *state = Seen::Open;
        }
        let below = place.below.start + *taken;
        let next = match below < place.below.end {
            true => Some(below),
            false => place.to.filter(|_| below == place.below.end),
        };
        *taken += 1;
        let Some(next) = next else {
            if let Some(state) = seen.get_mut(at) {
                *state = Seen::Done;
            }
            way.pop();
            continue;
        };
        match seen.get(next) {
            Some(Seen::Not) => way.push((next, 0)),
            Some(Seen::Open) => circles += 1,
            _ => {}
        }
    }
    circles
}
