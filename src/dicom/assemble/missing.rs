//! Images that are not there, where positions cannot tell: by what the objects say of their acquisition, and by their
//! numbers.
//!
//! Must stay true: no alarm where a number has another reason. Numbers count only where images follow each other in
//! time or order without places of their own, and only when they mostly run in one step; radiographs are taken one by
//! one, and a number between them may never have been an image.

use crate::model::{
    facts::Axis,
    finding::{Finding, Severity},
    layout::{FrameRef, SeriesLayout},
    study::Instance,
};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// Modalities whose images follow each other.
const SEQUENCES: &[&str] = &["CT", "MR", "PT", "NM"];

/// Images that numbers are believed for.
const FEWEST: usize = 4;

fn instances<'a>(frames: impl Iterator<Item = &'a FrameRef>) -> Vec<&'a Arc<Instance>> {
    let mut seen = HashSet::new();
    frames
        .map(|f| &f.instance)
        .filter(|i| seen.insert(Arc::as_ptr(i)))
        .collect()
}

/// What objects of a study say of one acquisition.
#[derive(Default)]
struct Acquisition<'a> {
    objects: HashSet<&'a str>,
    images: usize,
    declared: HashSet<Option<u32>>,
}

impl Acquisition<'_> {
    /// How many images are missing of how many. Objects that contradict each other say nothing.
    fn missing(&self) -> Option<(usize, usize)> {
        let mut declared = self.declared.iter();
        let (Some(Some(declared)), None) = (declared.next(), declared.next()) else {
            return None;
        };
        let declared = *declared as usize;
        (self.images < declared).then(|| (declared - self.images, declared))
    }
}

/// Study and Acquisition Number (0020,0012).
type Key<'a> = (&'a str, Option<i64>);

fn key(instance: &Instance) -> Key<'_> {
    let facts = instance.image.as_ref().and_then(|i| i.facts(0));
    let number = facts.and_then(|f| f.get(Axis::AcquisitionNumber)?.number());
    (&instance.study.uid, number.map(|n| n as i64))
}

/// Fewer images of an acquisition than Images in Acquisition (0020,1002) says that it gave, counted over all series of
/// the study, since an acquisition may give several. Nothing is said where gaps between positions say it already.
pub(super) fn by_acquisition(layouts: &mut [SeriesLayout]) {
    let mut acquisitions: HashMap<Key<'_>, Acquisition<'_>> = HashMap::new();
    let all = layouts
        .iter()
        .flat_map(|l| l.frames.iter().chain(&l.duplicates));
    for instance in instances(all) {
        let acquisition = acquisitions.entry(key(instance)).or_default();
        acquisition
            .declared
            .insert(instance.technique.images_in_acquisition);
        if acquisition.objects.insert(&instance.sop_instance_uid) {
            acquisition.images += instance.image.as_ref().map_or(0, |i| i.frames);
        }
    }
    let missing_of = |layout: &SeriesLayout| {
        let keys: HashSet<Key<'_>> = instances(layout.frames.iter())
            .iter()
            .map(|i| key(i))
            .collect();
        let found = keys
            .iter()
            .filter_map(|key| acquisitions.get(key)?.missing());
        found.fold((0, 0), |sum, (count, total)| (sum.0 + count, sum.1 + total))
    };
    let found: Vec<(usize, usize)> = layouts.iter().map(missing_of).collect();
    for (layout, (missing, total)) in layouts.iter_mut().zip(found) {
        let gaps: f64 = layout
            .findings
            .iter()
            .filter(|f| f.code == "SLICE_GAP")
            .filter_map(|f| Some(f.numbers.iter().find(|(name, _)| *name == "count")?.1))
            .sum();
        if missing == 0 || gaps >= missing as f64 {
            continue;
        }
        let text = format!("{missing} of {total} images of the acquisition are missing");
        let finding = Finding::new("IMAGES_MISSING", Severity::Warning, text)
            .with("count", missing as f64)
            .with("total", total as f64);
        // In the order of weight: before what is only worth knowing.
        let place = layout
            .findings
            .partition_point(|f| f.severity >= Severity::Warning);
        layout.findings.insert(place, finding);
    }
}

/// Holes in the numbers of images that have no places of their own.
pub(super) fn by_number(layout: &mut SeriesLayout, one_object: bool) {
    let placeless = |code: &str| {
        matches!(
            code,
            "NO_GEOMETRY" | "SINGLE_POSITION" | "SINGLE_POSITION_PHASES"
        )
    };
    let sequence = layout
        .first_instance()
        .is_some_and(|i| SEQUENCES.contains(&i.series.modality.as_str()));
    if one_object || !sequence || !layout.findings.iter().any(|f| placeless(f.code)) {
        return;
    }
    let numbers: Option<Vec<i64>> = instances(layout.frames.iter().chain(&layout.duplicates))
        .into_iter()
        .map(|i| i.instance_number.map(i64::from))
        .collect();
    let Some(hole) = numbers.and_then(|numbers| holes(&numbers)) else {
        return;
    };
    let text = format!(
        "{} of {} images missing by their numbers (the first between {} and {})",
        hole.count, hole.total, hole.after, hole.before
    );
    layout.findings.push(
        Finding::new("NUMBERS_MISSING", Severity::Warning, text)
            .with("count", hole.count as f64)
            .with("total", hole.total as f64)
            .with("after", hole.after as f64)
            .with("before", hole.before as f64),
    );
}

#[derive(Debug, PartialEq, Eq)]
struct Hole {
    count: i64,
    total: i64,
    /// The numbers beside the first hole.
    after: i64,
    before: i64,
}

/// Holes between numbers that mostly run in one step.
fn holes(numbers: &[i64]) -> Option<Hole> {
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    if sorted.len() < FEWEST || sorted.len() != numbers.len() {
        return None;
    }
    let steps: Vec<i64> = sorted
        .windows(2)
        .filter_map(|w| w.last()?.checked_sub(*w.first()?))
        .collect();
    let step = *steps.iter().min()?;
    let regular = steps.iter().filter(|s| **s == step).count();
    if regular * 3 < steps.len() * 2 || steps.iter().any(|s| s % step != 0) {
        return None;
    }
    let count: i64 = steps.iter().map(|s| s / step - 1).sum();
    let first = steps.iter().position(|s| *s > step)?;
    if count > numbers.len() as i64 {
        return None;
    }
    Some(Hole {
        count,
        total: count + numbers.len() as i64,
        after: *sorted.get(first)?,
        before: *sorted.get(first + 1)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_seen_where_numbers_run_in_one_step() {
        let found = |numbers: &[i64]| holes(numbers).map(|h| (h.count, h.total, h.after, h.before));
        assert_eq!(found(&[1, 2, 3, 4, 5]), None);
        assert_eq!(found(&[5, 1, 2, 4]), Some((1, 5, 2, 4)));
        assert_eq!(found(&[1, 2, 3, 7, 8, 9]), Some((3, 9, 3, 7)));
        assert_eq!(found(&[10, 20, 30, 50]), Some((1, 5, 30, 50)));
        // Too few, doubled, or no step that most of them keep.
        assert_eq!(found(&[1, 3, 4]), None);
        assert_eq!(found(&[1, 1, 2, 3, 5]), None);
        assert_eq!(found(&[1, 5, 6, 11, 17]), None);
        assert_eq!(found(&[1, 2, 3, 1000]), None);
    }
}
