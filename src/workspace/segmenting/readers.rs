//! Whose a segmentation is, and what blind readers see of those of others: nothing.
//!
//! Must stay true: while reading is blind nobody sees a segmentation in which another reader stands behind a segment, in
//! views, lists, numbers, exports and texts at the pointer, and nobody changes one that is for all: the first change of
//! what a network or a file brought makes a copy of one's own, so that the next reader finds it as it came.

use super::{SegmentPlace, new_uid_of};
use crate::{
    model::{
        annotation::Author,
        edit::Edit,
        segmentation::{
            Segment, SegmentOrigin, SegmentState, Segmentation, SegmentationEdit, SegmentationId,
            VoxelChange, VoxelSource,
        },
    },
    store::accounts::OWNER,
    workspace::{Workspace, view::Viewport},
};
use std::sync::Arc;

/// The reader who stands behind a segment, as [`Workspace::reader`] names readers (empty for the owner of the store);
/// `None` where a network made it, or it came in a file, and nobody judged it.
pub fn reader_of(segment: &Segment) -> Option<&str> {
    if segment.by.eq_ignore_ascii_case(OWNER) {
        return Some("");
    }
    if !segment.by.is_empty() {
        return Some(&segment.by);
    }
    // What came in a file has no time; what was done before there was an account is the owner's.
    let nobodys = segment.state == SegmentState::Proposed || segment.changed_ms == 0;
    (!nobodys).then_some("")
}

/// Whether a reader stands behind a segment of it.
pub fn is_of(whole: &Segmentation, reader: &str) -> bool {
    whole.segments().any(|s| reader_of(s) == Some(reader))
}

/// Whether nobody stands behind any segment of it.
fn is_nobodys(whole: &Segmentation) -> bool {
    whole.segments().all(|s| reader_of(s).is_none())
}

impl Workspace {
    /// Whether readers do not see each other now.
    fn is_blind(&self) -> bool {
        self.cases.queue().blind && self.adjudicating.readers.is_none()
    }

    /// Whether another reader stands behind a segment of it.
    fn is_anothers(&self, whole: &Segmentation) -> bool {
        let me = self.reader();
        whole
            .segments()
            .filter_map(reader_of)
            .any(|reader| reader != me)
    }

    /// Whether a segmentation is not to be seen while reading is blind: another reader's, or one of which there is a copy
    /// of one's own.
    pub(in crate::workspace) fn hides_segmentation(&self, whole: &Segmentation) -> bool {
        self.is_blind()
            && (self.is_anothers(whole)
                || is_nobodys(whole) && self.marks.segmentation(&self.own_id(whole)).is_some())
    }

    /// Whether a segmentation may be changed in the window: while reading is blind, and while readers are compared, that
    /// of another reader stays as it is.
    pub fn may_change(&self, whole: &Segmentation) -> bool {
        let apart = self.cases.queue().blind || self.adjudicating.readers.is_some();
        !apart || !self.is_anothers(whole)
    }

    /// All segmentations that may be seen.
    pub fn seen_segmentations(&self) -> impl Iterator<Item = &Segmentation> {
        let all = self.marks.segmentations();
        all.filter(|whole| !self.hides_segmentation(whole))
    }

    /// The segmentations that a cell shows: of two that are compared those of its reader.
    pub fn segmentations_in(
        &self,
        viewport: &Viewport,
        place: &SegmentPlace,
    ) -> Vec<&Segmentation> {
        let mut seen = self.segmentations_over(place);
        if let Some(reader) = &viewport.reader_only {
            let taken = self.segmenting.judging.shows_taken;
            let me = self.reader();
            seen.retain(|whole| is_of(whole, reader) || taken && is_of(whole, me));
        }
        seen
    }

    /// Whether something over a place is not shown because it is another reader's.
    pub fn hides_some(&self, place: &SegmentPlace) -> bool {
        let all = self.marks.segmentations();
        self.is_blind()
            && all
                .filter(|whole| place.sees(whole))
                .any(|whole| self.is_anothers(whole))
    }

    /// The id that the own copy of a segmentation for all has.
    fn own_id(&self, whole: &Segmentation) -> SegmentationId {
        SegmentationId(new_uid_of(&[&whole.id.0, "copy", self.reader()]))
    }

    /// Whether a change of it goes into a copy of one's own.
    pub(super) fn is_for_all(&self, whole: &Segmentation) -> bool {
        self.is_blind() && !whole.is_empty() && is_nobodys(whole)
    }

    /// Carries edits of a segmentation out as one step; where it is for all and reading is blind they go into a copy of
    /// it, which is made with them. The segmentation that was changed; `None` where nothing was.
    pub(super) fn commit_to(
        &mut self,
        id: &SegmentationId,
        edits: Vec<Edit>,
    ) -> Option<SegmentationId> {
        let whole = self.marks.segmentation(id);
        let Some(whole) = whole.filter(|whole| self.is_for_all(whole)) else {
            return self.commit(edits).then(|| id.clone());
        };
        let (copy, mut all) = self.copied(whole);
        let me = self.segmenter();
        all.extend(edits.into_iter().map(|edit| match edit {
            Edit::Segmentation(edit) => Edit::Segmentation(to_copy(edit, &copy, &me)),
            other => other,
        }));
        self.commit(all).then_some(copy)
    }

    /// A copy under the own name, and the edits that make it.
    fn copied(&self, whole: &Segmentation) -> (SegmentationId, Vec<Edit>) {
        let id = self.own_id(whole);
        let mut copy = whole.clone();
        copy.id = id.clone();
        let me = self.segmenter();
        let mut locks = Vec::new();
        let segments: Vec<Segment> = whole.segments().cloned().collect();
        for mut segment in segments {
            segment.by.clone_from(&me);
            if segment.locked {
                // Nothing is painted into a locked one: it is locked when its voxels are there.
                let mut free = segment.clone();
                free.locked = false;
                locks.push(Edit::Segmentation(SegmentationEdit::Segment {
                    of: id.clone(),
                    from: Some(Box::new(free.clone())),
                    to: Some(Box::new(segment)),
                }));
                segment = free;
            }
            copy.put_segment(segment);
        }
        let source = Arc::new(VoxelSource {
            prompt: whole.id.0.clone(),
            by: maker_of(whole).unwrap_or(Author::Person(me)),
            ..VoxelSource::clone(&self.source("copy", String::new()))
        });
        let edits = copy.edits_from(None, &source);
        let edits = edits.into_iter().map(Edit::Segmentation);
        (id, edits.chain(locks).collect())
    }
}

/// The network that made all of it.
fn maker_of(whole: &Segmentation) -> Option<Author> {
    let mut makers = whole.segments().map(|s| match &s.origin {
        SegmentOrigin::Automatic {
            algorithm, version, ..
        } => Some((algorithm.clone(), version.clone())),
        _ => None,
    });
    let first = makers.next()??;
    makers
        .all(|other| other.as_ref() == Some(&first))
        .then_some(Author::Model {
            id: first.0,
            version: first.1,
        })
}

/// An edit of a segmentation as one of the copy that a reader has of it.
fn to_copy(edit: SegmentationEdit, copy: &SegmentationId, me: &str) -> SegmentationEdit {
    let of = copy.clone();
    match edit {
        SegmentationEdit::Segment { from, to, .. } => SegmentationEdit::Segment {
            of,
            from: from.map(|mut segment| {
                me.clone_into(&mut segment.by);
                segment
            }),
            to: to.map(|mut segment| {
                if segment.by.is_empty() {
                    me.clone_into(&mut segment.by);
                }
                segment
            }),
        },
        SegmentationEdit::Voxels(change) => SegmentationEdit::Voxels(Arc::new(VoxelChange {
            of,
            ..VoxelChange::clone(&change)
        })),
        SegmentationEdit::Title { from, to, .. } => SegmentationEdit::Title { of, from, to },
        whole @ (SegmentationEdit::Put(_) | SegmentationEdit::Drop(_)) => whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_is_that_of_who_stands_behind_it() {
        let mut segment = Segment::new(1, "s");
        assert_eq!(reader_of(&segment), None, "it came in a file");
        segment.changed_ms = 5;
        assert_eq!(reader_of(&segment), Some(""));
        segment.state = SegmentState::Proposed;
        assert_eq!(reader_of(&segment), None, "a network proposed it");
        for (by, reader) in [("ann", "ann"), ("owner", ""), ("Owner", "")] {
            segment.by = by.into();
            assert_eq!(reader_of(&segment), Some(reader));
        }
    }
}
