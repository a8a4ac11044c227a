//! Edits as invertible values: what the journal keeps and undo replays backwards.
//!
//! Must stay true: every edit holds what its inverse needs; one that does not fit the state changes nothing.
//! How a view or a layout is written down is the window's affair: here it is a short text that is kept and given
//! back as it was.

use super::{
    annotation::{Annotation, AnnotationId, AnnotationTarget, Shape},
    calibration::Calibration,
    identity::Phi,
    labelling::{Answer, Question},
    reading::ReadStatus,
    segmentation::{Segmentation, SegmentationEdit, SegmentationId, VoxelSource},
};
use std::collections::BTreeMap;

/// Which view of what was changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ViewPlace {
    /// Study Instance UID.
    pub study_uid: String,
    /// Series Instance UID.
    pub series_uid: String,
    /// SOP Instance UID of the first frame: a series may lie in several stacks.
    pub first_instance_uid: String,
    /// Cell of the layout, from 0.
    pub cell: u32,
}

/// Where a resource of the record stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FactPlace {
    /// Logical id of the Patient; empty for what belongs to nobody.
    pub patient: Phi<String>,
    /// Type of the resource.
    pub kind: String,
    /// Logical id of the resource.
    pub id: Phi<String>,
}

/// One change to what a store keeps. Every variant holds what its inverse needs.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// A new mark.
    Add(Annotation),
    /// A mark is gone; the whole mark, so it can come back.
    Remove(Annotation),
    /// A mark was moved or reshaped.
    Reshape {
        /// Which.
        id: AnnotationId,
        /// Before.
        from: Shape,
        /// After.
        to: Shape,
    },
    /// A mark's label changed.
    Relabel {
        /// Which.
        id: AnnotationId,
        /// Before.
        from: String,
        /// After.
        to: String,
    },
    /// Anything else of a mark changed (code, group, lock, hidden…). Both have the same id.
    Revise {
        /// Before.
        from: Box<Annotation>,
        /// After.
        to: Box<Annotation>,
    },
    /// A frame became a key image, or no longer is one.
    KeyImage {
        /// Which frame.
        target: AnnotationTarget,
        /// Whether it is one afterwards.
        on: bool,
    },
    /// A frame, and those of the same geometry, were calibrated by a known length, or no longer are.
    Calibrate {
        /// Which frame.
        target: AnnotationTarget,
        /// Before.
        from: Option<Box<Calibration>>,
        /// After; on the same frame.
        to: Option<Box<Calibration>>,
    },
    /// How a view shows its series. The texts are the window's; an empty one is "as it opens".
    View {
        /// Which view.
        place: ViewPlace,
        /// Before.
        from: String,
        /// After.
        to: String,
    },
    /// Which cells there are and what stands in them. The texts are the window's; an empty one is "as it opens".
    Layout {
        /// Study that was active: reopening it brings the layout back.
        study_uid: String,
        /// Before.
        from: String,
        /// After.
        to: String,
    },
    /// How far a study has been read.
    ReadStatus {
        /// Study Instance UID.
        study_uid: String,
        /// Before.
        from: ReadStatus,
        /// After.
        to: ReadStatus,
    },
    /// The text of a study's report; an empty one is none.
    Report {
        /// Study Instance UID.
        study_uid: String,
        /// Before.
        from: Phi<String>,
        /// After.
        to: Phi<String>,
    },
    /// What a reader says of an image or a study: a tag, or the grade of a score; `None` is nothing.
    Say {
        /// Of what, which, and who.
        question: Question,
        /// Before.
        from: Option<Answer>,
        /// After.
        to: Option<Answer>,
    },
    /// A segmentation, one of its segments or its voxels changed.
    Segmentation(SegmentationEdit),
    /// A resource of the record is read otherwise than it came. The texts are JSON; an empty one is "as it came", and
    /// what came stays.
    Amend {
        /// Which.
        place: FactPlace,
        /// Before.
        from: Phi<String>,
        /// After.
        to: Phi<String>,
    },
}

/// Why an edit does not fit the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EditConflict {
    /// A mark with this id exists already, or the frame is a key image already.
    Exists,
    /// No mark with this id, or the frame is no key image.
    Missing,
    /// The state is not the one that the edit starts from.
    Stale,
}

impl Edit {
    /// The edit that takes this one back.
    #[must_use]
    pub fn inverse(&self) -> Self {
        match self.clone() {
            Self::Add(mark) => Self::Remove(mark),
            Self::Remove(mark) => Self::Add(mark),
            Self::Reshape { id, from, to } => Self::Reshape {
                id,
                from: to,
                to: from,
            },
            Self::Relabel { id, from, to } => Self::Relabel {
                id,
                from: to,
                to: from,
            },
            Self::Revise { from, to } => Self::Revise { from: to, to: from },
            Self::KeyImage { target, on } => Self::KeyImage { target, on: !on },
            Self::Calibrate { target, from, to } => Self::Calibrate {
                target,
                from: to,
                to: from,
            },
            Self::View { place, from, to } => Self::View {
                place,
                from: to,
                to: from,
            },
            Self::Layout {
                study_uid,
                from,
                to,
            } => Self::Layout {
                study_uid,
                from: to,
                to: from,
            },
            Self::ReadStatus {
                study_uid,
                from,
                to,
            } => Self::ReadStatus {
                study_uid,
                from: to,
                to: from,
            },
            Self::Report {
                study_uid,
                from,
                to,
            } => Self::Report {
                study_uid,
                from: to,
                to: from,
            },
            Self::Say { question, from, to } => Self::Say {
                question,
                from: to,
                to: from,
            },
            Self::Segmentation(edit) => Self::Segmentation(edit.inverse()),
            Self::Amend { place, from, to } => Self::Amend {
                place,
                from: to,
                to: from,
            },
        }
    }

    /// Memory that it takes, bytes: itself and all that it owns.
    pub fn held_bytes(&self) -> usize {
        let owned = match self {
            Self::Add(mark) | Self::Remove(mark) => mark.held_bytes() - size_of::<Annotation>(),
            Self::Reshape { id, from, to } => id.0.capacity() + from.held_bytes() + to.held_bytes(),
            Self::Relabel { id, from, to } => id.0.capacity() + from.capacity() + to.capacity(),
            Self::Revise { from, to } => from.held_bytes() + to.held_bytes(),
            Self::KeyImage { target, .. } => target.held_bytes(),
            Self::View { place, from, to } => {
                place.study_uid.capacity()
                    + place.series_uid.capacity()
                    + place.first_instance_uid.capacity()
                    + from.capacity()
                    + to.capacity()
            }
            Self::Layout {
                study_uid,
                from,
                to,
            } => study_uid.capacity() + from.capacity() + to.capacity(),
            Self::ReadStatus { study_uid, .. } => study_uid.capacity(),
            Self::Say { question, .. } => question.held_bytes(),
            Self::Report {
                study_uid,
                from,
                to,
            } => study_uid.capacity() + from.reveal().capacity() + to.reveal().capacity(),
            Self::Segmentation(edit) => edit.held_bytes(),
            Self::Amend { place, from, to } => {
                place.patient.reveal().capacity()
                    + place.kind.capacity()
                    + place.id.reveal().capacity()
                    + from.reveal().capacity()
                    + to.reveal().capacity()
            }
            Self::Calibrate { target, from, to } => {
                let both = [from, to].into_iter().flatten();
                let held = both.map(|c| size_of::<Calibration>() + c.target.held_bytes());
                target.held_bytes() + held.sum::<usize>()
            }
        };
        size_of::<Self>() + owned
    }

    /// The mark it concerns; `None` when it concerns something else.
    pub const fn mark_id(&self) -> Option<&AnnotationId> {
        match self {
            Self::Add(mark) | Self::Remove(mark) => Some(&mark.id),
            Self::Reshape { id, .. } | Self::Relabel { id, .. } => Some(id),
            Self::Revise { to, .. } => Some(&to.id),
            Self::KeyImage { .. }
            | Self::Calibrate { .. }
            | Self::View { .. }
            | Self::Layout { .. }
            | Self::ReadStatus { .. }
            | Self::Report { .. }
            | Self::Say { .. }
            | Self::Segmentation(_)
            | Self::Amend { .. } => None,
        }
    }

    /// Whether it changes only how something is shown: nothing that somebody found or wrote.
    pub const fn is_display_only(&self) -> bool {
        matches!(self, Self::View { .. } | Self::Layout { .. })
    }
}

/// All marks, by id.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AnnotationSet {
    marks: BTreeMap<AnnotationId, Annotation>,
}

impl AnnotationSet {
    /// Carries an edit of a mark out, or says why it does not fit; then nothing changed. Edits of anything else
    /// change no mark.
    ///
    /// # Errors
    /// Why it does not fit.
    pub fn apply(&mut self, edit: &Edit) -> Result<(), EditConflict> {
        match edit {
            Edit::Add(mark) => {
                if self.marks.contains_key(&mark.id) {
                    return Err(EditConflict::Exists);
                }
                self.marks.insert(mark.id.clone(), mark.clone());
            }
            Edit::Remove(mark) => {
                let found = self.marks.get(&mark.id).ok_or(EditConflict::Missing)?;
                if found != mark {
                    return Err(EditConflict::Stale);
                }
                self.marks.remove(&mark.id);
            }
            Edit::Reshape { id, from, to } => {
                let found = self.marks.get_mut(id).ok_or(EditConflict::Missing)?;
                if &found.shape != from {
                    return Err(EditConflict::Stale);
                }
                found.shape = to.clone();
            }
            Edit::Relabel { id, from, to } => {
                let found = self.marks.get_mut(id).ok_or(EditConflict::Missing)?;
                if &found.label != from {
                    return Err(EditConflict::Stale);
                }
                found.label.clone_from(to);
            }
            Edit::Revise { from, to } => {
                let found = self.marks.get_mut(&from.id).ok_or(EditConflict::Missing)?;
                if found != &**from || from.id != to.id {
                    return Err(EditConflict::Stale);
                }
                *found = (**to).clone();
            }
            Edit::KeyImage { .. }
            | Edit::Calibrate { .. }
            | Edit::View { .. }
            | Edit::Layout { .. }
            | Edit::ReadStatus { .. }
            | Edit::Report { .. }
            | Edit::Say { .. }
            | Edit::Segmentation(_)
            | Edit::Amend { .. } => {}
        }
        Ok(())
    }

    /// The mark with this id.
    pub fn get(&self, id: &AnnotationId) -> Option<&Annotation> {
        self.marks.get(id)
    }

    /// All marks, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Annotation> {
        self.marks.values()
    }

    /// How many marks there are.
    pub fn len(&self) -> usize {
        self.marks.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.marks.is_empty()
    }
}

/// Key images, by object and frame.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeyImages {
    frames: BTreeMap<String, BTreeMap<u32, AnnotationTarget>>,
}

impl KeyImages {
    /// The key image of a frame, counted from 1.
    pub fn get(&self, instance_uid: &str, frame: u32) -> Option<&AnnotationTarget> {
        self.frames.get(instance_uid)?.get(&frame)
    }

    /// Whether a frame is one.
    pub fn contains(&self, instance_uid: &str, frame: u32) -> bool {
        self.get(instance_uid, frame).is_some()
    }

    /// All, by object and frame.
    pub fn iter(&self) -> impl Iterator<Item = &AnnotationTarget> {
        self.frames.values().flat_map(BTreeMap::values)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.frames.values().map(BTreeMap::len).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    fn apply(&mut self, target: &AnnotationTarget, on: bool) -> Result<(), EditConflict> {
        let AnnotationTarget {
            instance_uid,
            frame,
            ..
        } = target;
        match (self.get(instance_uid, *frame), on) {
            (Some(_), true) => Err(EditConflict::Exists),
            (None, false) => Err(EditConflict::Missing),
            (Some(found), false) if found != target => Err(EditConflict::Stale),
            (Some(_), false) => {
                if let Some(frames) = self.frames.get_mut(instance_uid) {
                    frames.remove(frame);
                    if frames.is_empty() {
                        self.frames.remove(instance_uid);
                    }
                }
                Ok(())
            }
            (None, true) => {
                let frames = self.frames.entry(instance_uid.clone()).or_default();
                frames.insert(*frame, target.clone());
                Ok(())
            }
        }
    }
}

/// Everything that edits made: the state that replaying a journal gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kept {
    /// Marks.
    pub marks: AnnotationSet,
    /// Key images.
    pub key_images: KeyImages,
    /// Calibrations by SOP Instance UID and frame.
    pub calibrations: BTreeMap<(String, u32), Calibration>,
    /// How views show their series.
    pub views: BTreeMap<ViewPlace, String>,
    /// Layout by study.
    pub layouts: BTreeMap<String, String>,
    /// Read status by study; a study that is not in it is new.
    pub read_status: BTreeMap<String, ReadStatus>,
    /// Report by study.
    pub reports: BTreeMap<String, Phi<String>>,
    /// Tags and grades of scores, by what they are about, name and reader.
    pub answers: BTreeMap<Question, Answer>,
    /// Segmentations.
    pub segmentations: BTreeMap<SegmentationId, Segmentation>,
    /// What resources of the record are read as instead of how they came.
    pub amendments: BTreeMap<FactPlace, Phi<String>>,
}

impl Kept {
    /// The edits that make it of an empty state.
    pub fn as_edits(&self) -> Vec<Edit> {
        let marks = self.marks.iter().cloned().map(Edit::Add);
        let keys = self.key_images.iter().map(|target| Edit::KeyImage {
            target: target.clone(),
            on: true,
        });
        let calibrations = self
            .calibrations
            .values()
            .map(|calibration| Edit::Calibrate {
                target: calibration.target.clone(),
                from: None,
                to: Some(Box::new(calibration.clone())),
            });
        let views = self.views.iter().map(|(place, text)| Edit::View {
            place: place.clone(),
            from: String::new(),
            to: text.clone(),
        });
        let layouts = self.layouts.iter().map(|(study, text)| Edit::Layout {
            study_uid: study.clone(),
            from: String::new(),
            to: text.clone(),
        });
        let statuses = self
            .read_status
            .iter()
            .map(|(study, status)| Edit::ReadStatus {
                study_uid: study.clone(),
                from: ReadStatus::default(),
                to: *status,
            });
        let reports = self.reports.iter().map(|(study, text)| Edit::Report {
            study_uid: study.clone(),
            from: Phi::default(),
            to: text.clone(),
        });
        let answers = self.answers.iter().map(|(question, answer)| Edit::Say {
            question: question.clone(),
            from: None,
            to: Some(*answer),
        });
        let segmentations = self.segmentations.values();
        let segmentations =
            segmentations.flat_map(|s| s.edits_from(None, &VoxelSource::restored()));
        let amendments = self.amendments.iter().map(|(place, text)| Edit::Amend {
            place: place.clone(),
            from: Phi::default(),
            to: text.clone(),
        });
        marks
            .chain(keys)
            .chain(calibrations)
            .chain(views)
            .chain(layouts)
            .chain(statuses)
            .chain(reports)
            .chain(answers)
            .chain(segmentations.map(Edit::Segmentation))
            .chain(amendments)
            .collect()
    }

    /// Carries an edit out, or says why it does not fit; then nothing changed. How things were shown is no ground
    /// for a conflict: the latest view and the latest layout count.
    ///
    /// # Errors
    /// Why it does not fit.
    pub fn apply(&mut self, edit: &Edit) -> Result<(), EditConflict> {
        match edit {
            Edit::KeyImage { target, on } => self.key_images.apply(target, *on)?,
            Edit::Calibrate { target, from, to } => {
                let key = (target.instance_uid.clone(), target.frame);
                if self.calibrations.get(&key) != from.as_deref() {
                    return Err(EditConflict::Stale);
                }
                match to {
                    Some(to) => self.calibrations.insert(key, (**to).clone()),
                    None => self.calibrations.remove(&key),
                };
            }
            Edit::View { place, to, .. } => put(&mut self.views, place, to, String::is_empty),
            Edit::Layout { study_uid, to, .. } => {
                put(&mut self.layouts, study_uid, to, String::is_empty);
            }
            Edit::ReadStatus {
                study_uid,
                from,
                to,
            } => {
                if self.read_status(study_uid) != *from {
                    return Err(EditConflict::Stale);
                }
                let is_new = |status: &ReadStatus| *status == ReadStatus::New;
                put(&mut self.read_status, study_uid, to, is_new);
            }
            Edit::Report {
                study_uid,
                from,
                to,
            } => {
                let found = self.reports.get(study_uid);
                if found.map_or("", |text| text.reveal()) != from.reveal() {
                    return Err(EditConflict::Stale);
                }
                put(&mut self.reports, study_uid, to, |t| t.reveal().is_empty());
            }
            Edit::Say { question, from, to } => {
                if self.answers.get(question) != from.as_ref() {
                    return Err(EditConflict::Stale);
                }
                match to {
                    Some(to) => self.answers.insert(question.clone(), *to),
                    None => self.answers.remove(question),
                };
            }
            Edit::Segmentation(edit) => self.apply_segmentation(edit)?,
            Edit::Amend { place, from, to } => {
                let found = self.amendments.get(place);
                if found.map_or("", |text| text.reveal()) != from.reveal() {
                    return Err(EditConflict::Stale);
                }
                let as_it_came = |text: &Phi<String>| text.reveal().is_empty();
                put(&mut self.amendments, place, to, as_it_came);
            }
            _ => self.marks.apply(edit)?,
        }
        Ok(())
    }

    fn apply_segmentation(&mut self, edit: &SegmentationEdit) -> Result<(), EditConflict> {
        use SegmentationEdit as Change;
        let found = self.segmentations.get_mut(edit.of());
        match (edit, found) {
            (Change::Put(_), Some(_)) => return Err(EditConflict::Exists),
            (Change::Put(whole), None) => {
                if !whole.is_bare() {
                    return Err(EditConflict::Stale);
                }
                let whole = Segmentation::clone(whole);
                self.segmentations.insert(whole.id.clone(), whole);
            }
            (_, None) => return Err(EditConflict::Missing),
            (Change::Drop(whole), Some(found)) => {
                if found != &**whole {
                    return Err(EditConflict::Stale);
                }
                self.segmentations.remove(&whole.id);
            }
            (Change::Segment { from, to, .. }, Some(found)) => {
                found.change_segment(from.as_deref(), to.as_deref())?;
            }
            (Change::Voxels(change), Some(found)) => found.change_voxels(change)?,
            (Change::Title { from, to, .. }, Some(found)) => found.change_title(from, to)?,
        }
        Ok(())
    }

    /// Carries all edits out or none.
    ///
    /// # Errors
    /// Why the first that does not fit does not.
    pub fn apply_all(&mut self, edits: &[Edit]) -> Result<(), EditConflict> {
        for (done, edit) in edits.iter().enumerate() {
            if let Err(conflict) = self.apply(edit) {
                self.take_back(edits.get(..done).unwrap_or_default());
                return Err(conflict);
            }
        }
        Ok(())
    }

    /// The first mark that is locked and would be changed by a gesture, beside being unlocked, hidden or shown. Undo asks
    /// nobody: it goes back through the unlocking first.
    pub fn guarded<'a>(&self, edits: &'a [Edit]) -> Option<&'a AnnotationId> {
        let mut now: BTreeMap<&AnnotationId, bool> = BTreeMap::new();
        for edit in edits {
            let Some(id) = edit.mark_id() else { continue };
            let known = now.get(id).copied();
            let locked = known.unwrap_or_else(|| self.marks.get(id).is_some_and(|m| m.locked));
            let (allowed, after) = match edit {
                Edit::Add(mark) => (true, mark.locked),
                Edit::Revise { from, to } => (from.same_but_for_flags(to), to.locked),
                _ => (false, locked),
            };
            if locked && !allowed {
                return Some(id);
            }
            now.insert(id, after);
        }
        None
    }

    /// The first segment that is locked and would be changed by a gesture, beside being unlocked, hidden or shown. Undo
    /// asks nobody, as with marks.
    pub fn guarded_segment(&self, edits: &[Edit]) -> Option<(SegmentationId, u16)> {
        use SegmentationEdit as Change;
        let mut now: BTreeMap<(&SegmentationId, u16), bool> = BTreeMap::new();
        for edit in edits {
            let Edit::Segmentation(edit) = edit else {
                continue;
            };
            let of = edit.of();
            let kept = |n: u16| {
                let segment = self.segmentations.get(of).and_then(|s| s.segment(n));
                segment.is_some_and(|s| s.locked)
            };
            let mut locked = |n: u16| *now.entry((of, n)).or_insert_with(|| kept(n));
            let found = match edit {
                Change::Put(_) | Change::Title { .. } => None,
                Change::Drop(whole) => whole
                    .segments()
                    .find(|s| locked(s.number))
                    .map(|s| s.number),
                Change::Voxels(change) => change.numbers().into_iter().find(|n| locked(*n)),
                Change::Segment { from, to, .. } => {
                    let number = from.as_ref().or(to.as_ref()).map_or(0, |s| s.number);
                    let flags = from.as_ref().zip(to.as_ref());
                    let flags = flags.is_some_and(|(a, b)| a.same_but_for_flags(b));
                    let refused = locked(number) && !flags;
                    now.insert((of, number), to.as_ref().is_some_and(|s| s.locked));
                    refused.then_some(number)
                }
            };
            if let Some(number) = found {
                return Some((of.clone(), number));
            }
        }
        None
    }

    /// Takes edits back that were just carried out.
    pub fn take_back(&mut self, edits: &[Edit]) {
        for edit in edits.iter().rev() {
            // The inverse of an edit that was just carried out always fits.
            let _ = self.apply(&edit.inverse());
        }
    }

    /// How far a study has been read.
    pub fn read_status(&self, study_uid: &str) -> ReadStatus {
        self.read_status.get(study_uid).copied().unwrap_or_default()
    }
}

/// Keeps a value, or forgets the key when the value says nothing.
fn put<K: Ord + Clone, V: Clone>(
    map: &mut BTreeMap<K, V>,
    key: &K,
    value: &V,
    says_nothing: impl Fn(&V) -> bool,
) {
    if says_nothing(value) {
        map.remove(key);
    } else {
        map.insert(key.clone(), value.clone());
    }
}

#[cfg(test)]
#[path = "edit_tests.rs"]
mod tests;
