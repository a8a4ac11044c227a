//! Masks of two readers side by side: segment by segment, how much they share, where they differ, and which of them counts.
//!
//! Must stay true: what readers painted is never changed. What is taken goes into a segmentation of the adjudicator's own,
//! under the name of the segment, in the place of what he took of it before: one step of undo, whose voxels say `reviewer`
//! and what was taken of whom. Both are computed by a thread of its own.

use super::{new_uid_of, now_ms, readers};
use crate::{
    diary,
    model::{
        access::Right,
        annotation::Author,
        edit::Edit,
        labels::voxel_ml,
        segmentation::{
            Segment, SegmentOrigin, SegmentState, Segmentation, SegmentationEdit, SegmentationId,
            VoxelBox, VoxelSource, Voxels, change::MAX_LAYERS,
        },
    },
    task::spawn_named,
    workspace::{Workspace, event::Event},
};
use std::{panic::AssertUnwindSafe, sync::Arc};

/// Name of the tool in voxels that an adjudicator took.
pub const REVIEWER: &str = "reviewer";

/// Numbers of the layer that shows where two readers differ: what the left one has alone, and the right one.
pub const ALONE: [u16; 2] = [1, 2];

/// What is taken of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// As the left reader has it.
    Left,
    /// As the right one has it.
    Right,
    /// What either has.
    Union,
    /// What both have.
    Shared,
}

impl Taken {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Left, Self::Right, Self::Union, Self::Shared];

    /// Stable name, as voxels remember it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Right => "right",
            Self::Union => "union",
            Self::Shared => "intersection",
        }
    }

    const fn has(self, left: bool, right: bool) -> bool {
        match self {
            Self::Left => left,
            Self::Right => right,
            Self::Union => left || right,
            Self::Shared => left && right,
        }
    }
}

/// A segment of two readers, or of one of them.
#[derive(Clone, Debug, PartialEq)]
pub struct JudgedSegment {
    /// Its name.
    pub label: String,
    /// The segmentation and the number that the left and the right reader have it in.
    pub of: [Option<(SegmentationId, u16)>; 2],
    /// How many voxels each has.
    pub voxels: [u64; 2],
    /// How many both have.
    pub shared: u64,
    /// What one voxel takes, millilitres.
    pub voxel_ml: f64,
}

impl JudgedSegment {
    /// Twice what both have by what each has (Dice 1945), as `agreement --masks` computes it; `None` where neither has a
    /// voxel.
    pub fn dice(&self) -> Option<f64> {
        let both = self.voxels[0] + self.voxels[1];
        (both > 0).then(|| 2.0 * self.shared as f64 / both as f64)
    }
}

/// What was compared: which state of the store, and who over which series and frame.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Of {
    revision: u64,
    readers: [String; 2],
    series: String,
    frame: Option<(String, u32)>,
}

/// Masks of two readers, compared.
#[derive(Debug)]
pub struct JudgedMasks {
    of: Of,
    /// Their segments.
    pub rows: Vec<JudgedSegment>,
    /// Where they differ, with the numbers of [`ALONE`], and the segmentation whose grid it has; `None` where they do not,
    /// or have no grid in common.
    pub difference: Option<(Voxels, crate::model::geometry::GridGeometry)>,
}

/// What is known of the two readers who are compared.
#[derive(Debug)]
pub struct Judging {
    found: Option<JudgedMasks>,
    running: bool,
    /// Where they differ is drawn.
    pub shows_difference: bool,
    /// What the adjudicator took is drawn, too.
    pub shows_taken: bool,
}

impl Default for Judging {
    fn default() -> Self {
        Self {
            found: None,
            running: false,
            shows_difference: true,
            shows_taken: false,
        }
    }
}

impl Judging {
    /// The masks as they were compared last.
    pub const fn found(&self) -> Option<&JudgedMasks> {
        self.found.as_ref()
    }

    /// Whether a comparison is on its way.
    pub const fn is_busy(&self) -> bool {
        self.running
    }
}

/// What is taken of which segments, ready to be one step.
#[derive(Debug)]
pub struct TakenMasks {
    revision: u64,
    job: crate::workspace::jobs::JobId,
    edits: Option<Vec<SegmentationEdit>>,
    count: usize,
}

/// The segments of two readers over one place: those of one name together, else those of one code.
fn paired(left: &[Segmentation], right: &[Segmentation]) -> Vec<JudgedSegment> {
    let all = |side: &[Segmentation]| -> Vec<(SegmentationId, Segment)> {
        let of = side.iter();
        of.flat_map(|whole| {
            let drawn = whole.segments();
            let kept = drawn.filter(|s| s.state != SegmentState::Rejected);
            kept.map(|s| (whole.id.clone(), s.clone()))
        })
        .collect()
    };
    let mut theirs = all(right);
    let mut pairs: Vec<[Option<(SegmentationId, Segment)>; 2]> = Vec::new();
    let mut alone = Vec::new();
    let name = |s: &Segment| s.label.trim().to_lowercase();
    for mine in all(left) {
        match theirs.iter().position(|t| name(&t.1) == name(&mine.1)) {
            Some(at) => pairs.push([Some(mine), Some(theirs.remove(at))]),
            None => alone.push(mine),
        }
    }
    for mine in alone {
        let code = |s: &Segment| {
            s.property_type
                .as_ref()
                .map(|c| (c.scheme.clone(), c.value.clone()))
        };
        let wanted = code(&mine.1);
        let at = theirs
            .iter()
            .position(|t| wanted.is_some() && code(&t.1) == wanted);
        let other = at.map(|at| theirs.remove(at));
        pairs.push([Some(mine), other]);
    }
    pairs.extend(theirs.into_iter().map(|theirs| [None, Some(theirs)]));
    pairs
        .into_iter()
        .map(|pair| {
            let label = pair.iter().flatten().next();
            JudgedSegment {
                label: label.map_or_else(String::new, |(_, s)| s.label.clone()),
                of: pair.map(|one| one.map(|(id, s)| (id, s.number))),
                voxels: [0; 2],
                shared: 0,
                voxel_ml: 0.0,
            }
        })
        .collect()
}

/// A segment where its voxels are.
struct Side<'a> {
    whole: &'a Segmentation,
    layer: &'a Voxels,
    number: u16,
}

impl<'a> Side<'a> {
    fn of(all: &'a [Segmentation], at: Option<&(SegmentationId, u16)>) -> Option<Self> {
        let (id, number) = at?;
        let whole = all.iter().find(|whole| whole.id == *id)?;
        let segment = whole.segment(*number)?;
        Some(Self {
            whole,
            layer: whole.layers().get(segment.layer)?,
            number: *number,
        })
    }

    fn row(&self, part: &VoxelBox, y: usize, z: usize) -> Vec<bool> {
        let row = self.layer.read(&VoxelBox {
            first: [part.first[0], y, z],
            end: [part.end[0], y + 1, z + 1],
        });
        row.into_iter().map(|n| n == self.number).collect()
    }
}

/// Calls with each voxel that either has, row by row: where it is, and whether the left and the right one have it.
fn walk(sides: &[Option<Side<'_>>; 2], mut found: impl FnMut([usize; 3], bool, bool)) {
    let bounds = sides.iter().flatten();
    let bounds = bounds.filter_map(|side| side.layer.bounds(Some(side.number)));
    let Some(part) = bounds.reduce(|a, b| a.union(&b)) else {
        return;
    };
    let none = vec![false; part.size()[0]];
    for z in part.range(2) {
        for y in part.range(1) {
            let [left, right] = [0, 1].map(|side: usize| {
                let side = sides.get(side).and_then(Option::as_ref);
                side.map_or_else(|| none.clone(), |side| side.row(&part, y, z))
            });
            for (x, (left, right)) in part.range(0).zip(left.into_iter().zip(right)) {
                if left || right {
                    found([x, y, z], left, right);
                }
            }
        }
    }
}

/// Compares the masks of two readers.
fn judged(of: Of, all: &[Vec<Segmentation>; 2]) -> JudgedMasks {
    let mut rows = paired(&all[0], &all[1]);
    let mut difference: Option<(Voxels, crate::model::geometry::GridGeometry)> = None;
    let mut same_grid = true;
    for row in &mut rows {
        let sides = [0, 1].map(|side: usize| {
            let of = row.of.get(side).and_then(Option::as_ref);
            all.get(side).and_then(|all| Side::of(all, of))
        });
        let grids: Vec<_> = sides.iter().flatten().map(|side| side.whole.grid).collect();
        let Some(grid) = grids.first().copied() else {
            continue;
        };
        row.voxel_ml = voxel_ml(&grid);
        if grids.iter().any(|other| *other != grid) {
            // Voxels of two grids are not the same ones: nothing is shared, and nobody knows where they differ.
            let counted = |side: &Side<'_>| side.layer.counts().get(&side.number).copied();
            row.voxels = sides
                .each_ref()
                .map(|side| side.as_ref().and_then(counted).unwrap_or(0));
            same_grid = false;
            continue;
        }
        let shown = difference.get_or_insert_with(|| (Voxels::new(grid.size), grid));
        let fits = shown.1 == grid;
        same_grid &= fits;
        walk(&sides, |[x, y, z], left, right| {
            row.voxels[0] += u64::from(left);
            row.voxels[1] += u64::from(right);
            row.shared += u64::from(left && right);
            if left != right && fits {
                let number = if left { ALONE[0] } else { ALONE[1] };
                shown.0.map_row([y, z], x..x + 1, |_, _| number);
            }
        });
    }
    let difference = difference.filter(|(voxels, _)| same_grid && !voxels.is_blank());
    JudgedMasks {
        of,
        rows,
        difference,
    }
}

/// The own segmentation with a segment taken into it: without what was taken of it before, in the first layer with room.
/// `None` where the grids differ, or no layer has room.
fn with_taken(
    own: &Segmentation,
    row: &JudgedSegment,
    all: &[Vec<Segmentation>; 2],
    taken: Taken,
    by: &str,
) -> Option<Vec<SegmentationEdit>> {
    let sides = [0, 1].map(|side: usize| {
        let of = row.of.get(side).and_then(Option::as_ref);
        all.get(side).and_then(|all| Side::of(all, of))
    });
    if sides
        .iter()
        .flatten()
        .any(|side| side.whole.grid != own.grid)
    {
        return None;
    }
    let said: Vec<String> = row
        .of
        .iter()
        .flatten()
        .map(|(id, number)| format!("{} {number}", id.0))
        .collect();
    let source = Arc::new(VoxelSource {
        tool: REVIEWER.to_owned(),
        prompt: format!("{} of {}", taken.name(), said.join(" and ")),
        by: Author::Person(by.to_owned()),
        at_ms: now_ms(),
    });
    let mut new = Voxels::new(own.grid.size);
    walk(&sides, |[x, y, z], left, right| {
        if taken.has(left, right) {
            new.map_row([y, z], x..x + 1, |_, _| 1);
        }
    });
    let name = row.label.trim().to_lowercase();
    let before = own
        .segments()
        .find(|s| s.label.trim().to_lowercase() == name);
    let mut edits = Vec::new();
    // What was taken before goes first, so that it is in nobody's way.
    let mut bare = own.clone();
    if let Some(before) = before {
        if let Some((layer, delta)) = own.cleared(before.number) {
            bare.apply(layer, &delta).ok()?;
        }
        bare.remove_segment(before.number);
        edits.extend(bare.edits_from(Some(own), &source));
        // As the edits leave it: without layers that nobody is in.
        let mut kept = Segmentation::clone(own);
        kept.clear();
        for segment in bare.segments() {
            kept.put_segment(segment.clone());
        }
        for (layer, voxels) in bare.layers().iter().enumerate().take(kept.layers().len()) {
            kept.set_layer(layer, voxels.clone());
        }
        bare = kept;
    }
    let number = before.map(|s| s.number).or_else(|| bare.free_number())?;
    let room = |layer: &Voxels| {
        let mut clash = false;
        for part in new.occupied() {
            for z in part.range(2) {
                for y in part.range(1) {
                    let row = VoxelBox {
                        first: [part.first[0], y, z],
                        end: [part.end[0], y + 1, z + 1],
                    };
                    let mut both = new.read(&row).into_iter().zip(layer.read(&row));
                    clash |= both.any(|(new, there)| new != 0 && there != 0);
                }
            }
        }
        !clash
    };
    let first = before
        .map(|s| s.layer)
        .filter(|l| bare.layers().get(*l).is_some_and(room));
    let layer = first
        .or_else(|| bare.layers().iter().position(room))
        .or_else(|| Some(bare.layers().len()).filter(|l| *l < MAX_LAYERS))?;
    let mut after = bare.clone();
    let model = match taken {
        Taken::Right => sides[1].as_ref().or(sides[0].as_ref()),
        _ => sides[0].as_ref().or(sides[1].as_ref()),
    }?;
    let mut segment = model.whole.segment(model.number)?.clone();
    // What two made together no network made alone, and none said how sure it was of that.
    if matches!(taken, Taken::Union | Taken::Shared) {
        if let SegmentOrigin::Automatic {
            algorithm, version, ..
        } = &segment.origin
        {
            let (algorithm, version) = (algorithm.clone(), version.clone());
            segment.origin = SegmentOrigin::SemiAutomatic { algorithm, version };
        }
        segment.probability = None;
    }
    row.label.clone_into(&mut segment.label);
    (segment.number, segment.layer) = (number, layer);
    (segment.locked, segment.hidden) = (false, false);
    segment.state = SegmentState::Accepted;
    by.clone_into(&mut segment.by);
    segment.changed_ms = now_ms();
    after.put_segment(segment);
    let voxels = after.layer_mut(layer)?;
    for part in new.occupied() {
        for z in part.range(2) {
            for y in part.range(1) {
                voxels.map_row([y, z], part.range(0), |x, now| match new.get([x, y, z]) {
                    0 => now,
                    _ => number,
                });
            }
        }
    }
    edits.extend(after.edits_from(Some(&bare), &source));
    Some(edits)
}

impl Workspace {
    /// What is compared now.
    fn judged_now(&self) -> Option<(Of, [Vec<Segmentation>; 2])> {
        let readers = self.adjudicating.readers.clone()?;
        let place = self.segment_place(self.active)?;
        let of = |reader: &String| -> Vec<Segmentation> {
            let all = self.marks.segmentations().filter(|s| place.takes(s));
            all.filter(|s| readers::is_of(s, reader)).cloned().collect()
        };
        let all = readers.each_ref().map(of);
        let of = Of {
            revision: self.marks.segmented(),
            readers,
            series: place.series_uid,
            frame: place.frame,
        };
        Some((of, all))
    }

    /// Has the masks of the two readers compared, where they are not those that were.
    pub(in crate::workspace) fn refresh_judging(&mut self) {
        if self.segmenting.judging.running {
            return;
        }
        if self.adjudicating.readers.is_none() {
            self.segmenting.judging.found = None;
            return;
        }
        let known = self.segmenting.judging.found.as_ref().map(|f| f.of.clone());
        let Some((of, all)) = self.judged_now() else {
            return;
        };
        if known.as_ref() == Some(&of) {
            return;
        }
        let (events, waker) = (self.sender(), self.waker.clone());
        let body = move || {
            let nothing = of.clone();
            let compared = || judged(of, &all);
            let found = diary::contain(AssertUnwindSafe(compared)).unwrap_or(JudgedMasks {
                of: nothing,
                rows: Vec::new(),
                difference: None,
            });
            let _ = events.send(Event::MasksJudged(Box::new(found)));
            waker.wake("masks compared");
        };
        self.segmenting.judging.running = spawn_named("compare masks", body).is_ok();
    }

    pub(in crate::workspace) fn take_judged(&mut self, found: JudgedMasks) {
        self.segmenting.judging.running = false;
        self.segmenting.judging.found = Some(found);
    }

    /// The id of what the adjudicator takes over a place.
    fn judged_id(&self, of: &Of) -> SegmentationId {
        let frame = of
            .frame
            .as_ref()
            .map_or_else(String::new, |(uid, n)| format!("{uid} {n}"));
        SegmentationId(new_uid_of(&[
            &of.series,
            &frame,
            "adjudicated",
            self.reader(),
        ]))
    }

    /// Takes segments of the two readers over, by their places in the list.
    pub(super) fn take_masks(&mut self, rows: &[usize], taken: Taken) {
        if !self.allowed(Right::ReadStatus) {
            return;
        }
        let Some((of, all)) = self.judged_now() else {
            return;
        };
        let found = self.segmenting.judging.found.as_ref();
        let Some(found) = found.filter(|found| found.of == of) else {
            return self.notify("notice-segment-changed", String::new());
        };
        let chosen: Vec<JudgedSegment> = rows
            .iter()
            .filter_map(|at| found.rows.get(*at).cloned())
            .collect();
        let Some(place) = self.segment_place(self.active) else {
            return;
        };
        let id = self.judged_id(&of);
        let title = self.settings.language.word("segmentation-adjudicated");
        let own = self.marks.segmentation(&id).cloned();
        let fresh = own.is_none();
        let own = own.unwrap_or_else(|| {
            let mut bare = place.bare(id);
            let grid = all.iter().flatten().next().map(|whole| whole.grid);
            bare.grid = grid.unwrap_or(bare.grid);
            title.clone_into(&mut bare.title);
            bare.clear();
            bare
        });
        let by = self.segmenter();
        let revision = of.revision;
        let job = self.jobs.start("job-adjudicating");
        let ending = self.ending(job.id);
        let (events, waker) = (self.sender(), self.waker.clone());
        let body = move || {
            let count = chosen.len();
            let made = || {
                let mut edits = Vec::new();
                let mut kept = crate::model::edit::Kept::default();
                if fresh {
                    edits.push(SegmentationEdit::Put(Arc::new(own.clone())));
                }
                kept.segmentations.insert(own.id.clone(), own.clone());
                for row in &chosen {
                    let now = kept.segmentations.get(&own.id)?;
                    let more = with_taken(now, row, &all, taken, &by)?;
                    let all: Vec<Edit> = more.iter().cloned().map(Edit::Segmentation).collect();
                    kept.apply_all(&all).ok()?;
                    edits.extend(more);
                }
                Some(edits)
            };
            let edits = diary::contain(AssertUnwindSafe(made)).unwrap_or_default();
            let _ = events.send(Event::MasksTaken(Box::new(TakenMasks {
                revision,
                job: job.id,
                edits,
                count,
            })));
            waker.wake("masks taken");
            drop(ending);
        };
        if spawn_named("take masks", body).is_err() {
            self.notify("notice-segment-tool-failed", String::new());
        }
    }

    pub(in crate::workspace) fn take_taken(&mut self, taken: TakenMasks) {
        self.jobs.finish(taken.job);
        if self.marks.segmented() != taken.revision {
            return self.notify("notice-segment-changed", String::new());
        }
        let Some(edits) = taken.edits else {
            return self.notify("notice-masks-not-taken", String::new());
        };
        let id = edits.first().map(|edit| edit.of().clone());
        if edits.is_empty() {
            return self.notify("notice-nothing-taken", String::new());
        }
        if self.commit(edits.into_iter().map(Edit::Segmentation).collect()) {
            self.segmenting.active = id;
            self.notify_count("notice-masks-taken", taken.count, String::new());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{edit::Kept, geometry::GridGeometry};
    use glam::DAffine3;

    fn mask(id: &str, label: &str, columns: std::ops::Range<usize>) -> Segmentation {
        let grid = GridGeometry {
            size: [40, 20, 10],
            patient_from_voxel: DAffine3::IDENTITY,
        };
        let mut whole = Segmentation::new(SegmentationId(id.into()), grid);
        whole.put_segment(Segment::new(3, label));
        whole
            .layer_mut(0)
            .unwrap()
            .map_row([5, 4], columns, |_, _| 3);
        whole
    }

    fn of() -> Of {
        Of {
            revision: 0,
            readers: ["a".into(), "b".into()],
            series: String::new(),
            frame: None,
        }
    }

    #[test]
    fn what_two_readers_share_is_counted_and_shown() {
        let all = [
            vec![mask("2.25.1", "Nodule", 2..12)],
            vec![
                mask("2.25.2", " nodule", 8..20),
                mask("2.25.3", "Other", 30..32),
            ],
        ];
        let found = judged(of(), &all);
        assert_eq!(found.rows.len(), 2);
        let row = &found.rows[0];
        assert_eq!((row.voxels, row.shared), ([10, 12], 4));
        assert_eq!(row.dice(), Some(8.0 / 22.0));
        assert_eq!(found.rows[1].dice(), Some(0.0));
        let (difference, _) = found.difference.unwrap();
        let counts = difference.counts();
        assert_eq!((counts[&ALONE[0]], counts[&ALONE[1]]), (6, 8 + 2));
        // On another grid nothing is shared, and nothing is shown.
        let mut other = mask("2.25.2", "Nodule", 2..12);
        other.grid.patient_from_voxel.translation.x = 1.0;
        let found = judged(of(), &[all[0].clone(), vec![other]]);
        assert_eq!(found.rows[0].dice(), Some(0.0));
        assert_eq!(found.rows[0].voxels, [10, 10]);
        assert!(found.difference.is_none());
    }

    #[test]
    fn what_is_taken_comes_in_the_place_of_what_was_taken() {
        let all = [
            vec![mask("2.25.1", "Nodule", 2..12)],
            vec![
                mask("2.25.2", "Nodule", 8..20),
                mask("2.25.3", "Other", 10..16),
            ],
        ];
        let rows = judged(of(), &all).rows;
        let own = Segmentation::new(SegmentationId("2.25.9".into()), all[0][0].grid);
        let mut kept = Kept::default();
        kept.segmentations.insert(own.id.clone(), own.clone());
        let mut take = |row: usize, taken| {
            let now = &kept.segmentations[&own.id];
            let edits = with_taken(now, &rows[row], &all, taken, "eve").unwrap();
            let edits: Vec<Edit> = edits.into_iter().map(Edit::Segmentation).collect();
            let before = kept.clone();
            kept.apply_all(&edits).unwrap();
            let mut back = kept.clone();
            back.take_back(&edits);
            assert_eq!(back, before);
            let now = kept.segmentations[&own.id].clone();
            let voxels: u64 = now
                .layers()
                .iter()
                .flat_map(|l| l.counts().into_values())
                .sum();
            (now, voxels)
        };
        for (taken, wanted) in [
            (Taken::Left, 10),
            (Taken::Right, 12),
            (Taken::Union, 18),
            (Taken::Shared, 4),
        ] {
            let (now, voxels) = take(0, taken);
            assert_eq!((now.len(), voxels), (1, wanted), "{taken:?}");
            let segment = now.segments().next().unwrap();
            assert_eq!(
                (segment.label.as_str(), segment.by.as_str()),
                ("Nodule", "eve")
            );
            assert_eq!(segment.state, SegmentState::Accepted);
        }
        // Two that overlap go into two layers.
        let (now, voxels) = take(1, Taken::Right);
        assert_eq!((now.len(), now.layers().len(), voxels), (2, 2, 10));
        let (now, voxels) = take(0, Taken::Right);
        assert_eq!((now.len(), now.layers().len(), voxels), (2, 2, 18));
    }
}
