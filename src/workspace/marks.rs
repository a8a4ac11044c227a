//! What is worth keeping: marks, key images, views, layouts, read status and reports, with their history and the line
//! to the thread that saves them.
//!
//! Must stay true: everything goes through [`Workspace::commit`] and its two siblings for views and layouts; one
//! gesture is one step of undo and one commit of the journal; "saved" is shown only after the store said so.

use super::{
    keeper::{
        AT_THE_END, Ask, Gesture, Keeper, OpenFailure, Opened, Origin, Problem, StoreNews, Unkept,
    },
    state::Workspace,
    undo::{History, Step},
};
use crate::{
    model::{
        annotation::{Annotation, AnnotationId},
        edit::{AnnotationSet, Edit, EditConflict, FactPlace, Kept, KeyImages},
        identity::Phi,
        passphrase::Passphrase,
        reading::ReadStatus,
        segmentation::{Segmentation, SegmentationEdit, SegmentationId, VoxelSource},
    },
    store::codec::{check_edit, check_gesture, in_parts},
};
use crossbeam_channel::Sender;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    path::PathBuf,
};

/// Whether what was done is on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaveState {
    /// Nothing is kept: what is done lives in memory.
    NothingKept(Unkept),
    /// A store is being opened.
    Opening,
    /// All of it is; `None` when nothing was ever saved.
    Saved {
        /// When the last edit was, milliseconds since 1970 UTC.
        at_ms: Option<i64>,
    },
    /// It is on its way.
    Saving,
    /// The disk refuses; it is tried again.
    NotSaved {
        /// Why.
        reason: Problem,
    },
}

/// Where a store may be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorePlace {
    /// Its folder.
    pub dir: PathBuf,
    /// There is one.
    pub exists: bool,
}

/// The question for the passphrase of the store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asking {
    /// Why the last try failed.
    pub failed: Option<OpenFailure>,
}

/// Everything that edits made, and whether it is kept.
#[derive(Debug, Default)]
pub struct Marks {
    /// The mark that is selected.
    pub selected: Option<AnnotationId>,
    /// The question for the passphrase, while it is open.
    pub asking: Option<Asking>,
    /// The window was told to close while something was on no disk, and asks.
    pub closing: bool,
    /// Where a store may be opened; without it nobody is asked.
    pub place: Option<StorePlace>,
    /// The steps that can be taken back.
    pub history: History,
    kept: Kept,
    by_series: BTreeMap<String, BTreeSet<AnnotationId>>,
    revision: u64,
    /// Grows with every change of a calibration.
    calibrated: u64,
    /// Grows with every change of a segmentation.
    segmented: u64,
    /// The user wants nothing kept.
    declined: bool,
    /// A store is being opened.
    opening: bool,
    unkept: Unkept,
    /// What somebody found or wrote since the window opened that is on no disk.
    loose: BTreeSet<String>,
    /// What of it the store has given up: no later saving brings it to the disk.
    given_up: BTreeSet<String>,
    keeper: Option<Keeper>,
    /// What the store was opened with, for the process that takes the place of this one.
    pub(super) passphrase: Option<Passphrase>,
    /// Views were taken over from another process: they are brought back without a store.
    pub(super) taken_over: bool,
    /// The store takes edits.
    keeps: bool,
    outbox: VecDeque<(u64, Gesture)>,
    sent: u64,
    saved: u64,
    saved_ms: Option<i64>,
    problem: Option<Problem>,
}

impl Marks {
    /// All marks.
    pub const fn set(&self) -> &AnnotationSet {
        &self.kept.marks
    }

    /// All key images.
    pub const fn key_images(&self) -> &KeyImages {
        &self.kept.key_images
    }

    /// All segmentations, by id.
    pub fn segmentations(&self) -> impl Iterator<Item = &Segmentation> {
        self.kept.segmentations.values()
    }

    /// A segmentation.
    pub fn segmentation(&self, id: &SegmentationId) -> Option<&Segmentation> {
        self.kept.segmentations.get(id)
    }

    /// Everything that is kept, as it is now.
    pub const fn kept(&self) -> &Kept {
        &self.kept
    }

    /// The marks of a series, by id.
    pub fn of_series(&self, series_uid: &str) -> impl Iterator<Item = &Annotation> {
        let ids = self.by_series.get(series_uid).into_iter().flatten();
        ids.filter_map(|id| self.kept.marks.get(id))
    }

    /// How far a study has been read.
    pub fn read_status(&self, study_uid: &str) -> ReadStatus {
        self.kept.read_status(study_uid)
    }

    /// The report of a study; empty when there is none.
    pub fn report(&self, study_uid: &str) -> &str {
        let report = self.kept.reports.get(study_uid);
        report.map_or("", |text| text.reveal())
    }

    /// Grows with every change: who drew revision 3 need not look again while it is 3.
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// Grows with every change of a segmentation.
    pub const fn segmented(&self) -> u64 {
        self.segmented
    }

    /// Grows with every change of a calibration.
    pub(super) const fn calibrated(&self) -> u64 {
        self.calibrated
    }

    /// Whether what was done is on the disk.
    pub const fn state(&self) -> SaveState {
        match self.problem {
            _ if self.opening => SaveState::Opening,
            Some(reason @ Problem::Stopped) => SaveState::NotSaved { reason },
            _ if !self.keeps => SaveState::NothingKept(self.unkept),
            Some(reason) => SaveState::NotSaved { reason },
            None if self.saved < self.sent => SaveState::Saving,
            None => SaveState::Saved {
                at_ms: self.saved_ms,
            },
        }
    }

    /// Whether something is on its way to the disk, or a passphrase is being tried.
    pub fn is_busy(&self) -> bool {
        // One report that no journal takes holds up nothing that was sent since.
        let goes_on = matches!(self.problem, None | Some(Problem::Invalid));
        self.opening || self.keeps && goes_on && self.saved < self.sent
    }

    /// How many things that somebody found or wrote would be lost if the program ended now.
    pub fn unsaved(&self) -> usize {
        self.loose.len()
    }

    /// Whether a store is being opened.
    pub const fn is_opening(&self) -> bool {
        self.opening
    }

    /// Whether a store is open and takes edits.
    pub const fn is_kept(&self) -> bool {
        self.keeps
    }

    /// The line to the store's thread, where a store is open that takes what is added.
    pub(super) fn asks(&self) -> Option<&Sender<Ask>> {
        let asks = self.keeper.as_ref().and_then(Keeper::asks);
        asks.filter(|_| self.keeps)
    }

    /// Sends what could not be sent before: the line holds only so much.
    pub(super) fn flush(&mut self) {
        let Some(asks) = self.keeper.as_ref().and_then(Keeper::asks) else {
            return;
        };
        while let Some((number, gesture)) = self.outbox.pop_front() {
            let ask = Ask::Save { number, gesture };
            if let Err(error) = asks.try_send(ask) {
                if let Ask::Save { number, gesture } = error.into_inner() {
                    self.outbox.push_front((number, gesture));
                }
                return;
            }
        }
    }

    /// Sends all that is left, at the end of the program; the line's own end waits until it is written.
    pub(super) fn finish(&mut self) {
        let Some(asks) = self.keeper.as_ref().and_then(Keeper::asks) else {
            return;
        };
        for (number, gesture) in self.outbox.drain(..) {
            let ask = Ask::Save { number, gesture };
            if asks.send_timeout(ask, AT_THE_END).is_err() {
                return;
            }
        }
    }

    fn send(&mut self, gesture: Gesture) {
        if self.keeps {
            self.sent += 1;
            self.outbox.push_back((self.sent, gesture));
            self.flush();
        }
    }

    /// Keeps how the window stands: no step of undo. What no journal takes is left out.
    pub(super) fn note(&mut self, edit: Edit) {
        if check_edit(&edit).is_ok() && self.kept.apply(&edit).is_ok() {
            self.send(Gesture::Note(vec![edit]));
        }
    }

    fn apply(&mut self, edits: &[Edit]) -> Result<(), EditConflict> {
        self.kept.apply_all(edits)?;
        self.revision += 1;
        for edit in edits {
            self.note_loose(edit);
            self.calibrated += u64::from(matches!(edit, Edit::Calibrate { .. }));
            self.segmented += u64::from(matches!(edit, Edit::Segmentation(_)));
            let Some(id) = edit.mark_id() else { continue };
            match (edit, self.kept.marks.get(id)) {
                (_, Some(mark)) => {
                    let series = mark.target.series_uid.clone();
                    self.by_series.entry(series).or_default().insert(id.clone());
                }
                (Edit::Remove(mark), None) => {
                    if let Some(ids) = self.by_series.get_mut(&mark.target.series_uid) {
                        ids.remove(id);
                    }
                    if self.selected.as_ref() == Some(id) {
                        self.selected = None;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Takes over what another process held: it is as unsaved here as it was there, and no step of the history.
    pub(super) fn take_over(&mut self, edits: &[Edit]) {
        for edit in edits {
            // What does not fit is left out; the rest is worth having.
            let _ = self.apply(std::slice::from_ref(edit));
        }
        self.taken_over |= !edits.is_empty();
    }

    /// Remembers what would be lost. What was made and removed again would not.
    fn note_loose(&mut self, edit: &Edit) {
        let key = match edit {
            Edit::View { .. } | Edit::Layout { .. } => return,
            Edit::Segmentation(edit) => return self.note_loose_segments(edit),
            Edit::KeyImage { target, .. } => {
                format!("key {} {}", target.instance_uid, target.frame)
            }
            Edit::Calibrate { target, .. } => {
                format!("calibration {} {}", target.instance_uid, target.frame)
            }
            Edit::ReadStatus { study_uid, .. } => format!("status {study_uid}"),
            Edit::Report { study_uid, .. } => report_key(study_uid),
            Edit::Say { question, .. } => {
                let of = &question.subject;
                format!(
                    "say {} {} {} {}",
                    of.study_uid, of.instance_uid, of.frame, question.name
                )
            }
            Edit::Amend { place, .. } => amend_key(place),
            other => format!("mark {}", other.mark_id().map_or("", |id| &id.0)),
        };
        let removed = match edit {
            Edit::Remove(_) => !self.keeps || self.given_up.contains(&key),
            Edit::KeyImage { on, .. } => !on && (!self.keeps || self.given_up.contains(&key)),
            Edit::Calibrate { to, .. } => {
                to.is_none() && (!self.keeps || self.given_up.contains(&key))
            }
            Edit::Say { to, .. } => to.is_none() && (!self.keeps || self.given_up.contains(&key)),
            _ => false,
        };
        if matches!(edit, Edit::Report { .. }) {
            // The whole text is in the edit, also what could not be kept before.
            self.given_up.remove(&key);
        }
        self.note_key(key, removed);
    }

    fn note_key(&mut self, key: String, removed: bool) {
        if removed {
            self.loose.remove(&key);
            self.given_up.remove(&key);
        } else {
            self.loose.insert(key);
        }
    }

    /// Each segment is one thing, however often it was painted.
    fn note_loose_segments(&mut self, edit: &SegmentationEdit) {
        let of = edit.of();
        let key = |number: u16| format!("segment {} {number}", of.0);
        let (keys, gone) = match edit {
            SegmentationEdit::Put(_) | SegmentationEdit::Title { .. } => {
                (vec![format!("segmentation {}", of.0)], false)
            }
            SegmentationEdit::Drop(_) => (vec![format!("segmentation {}", of.0)], true),
            SegmentationEdit::Segment { from, to, .. } => {
                let number = from.as_ref().or(to.as_ref()).map_or(0, |s| s.number);
                (vec![key(number)], to.is_none())
            }
            SegmentationEdit::Voxels(change) => {
                (change.numbers().into_iter().map(key).collect(), false)
            }
        };
        for key in keys {
            let removed = gone && (!self.keeps || self.given_up.contains(&key));
            self.note_key(key, removed);
        }
    }

    /// A report is not kept, and will not be as it is.
    pub(super) fn report_refused(&mut self, study_uid: &str) {
        self.loose.insert(report_key(study_uid));
        self.given_up.insert(report_key(study_uid));
        self.problem = Some(Problem::Invalid);
    }

    fn index(&mut self) {
        self.by_series.clear();
        for mark in self.kept.marks.iter() {
            let ids = self.by_series.entry(mark.target.series_uid.clone());
            ids.or_default().insert(mark.id.clone());
        }
    }

    /// Takes a store's state in; what was made meanwhile in memory goes on top of it, and into it as one gesture.
    fn take_opened(&mut self, opened: Opened) {
        let mine = std::mem::replace(&mut self.kept, opened.kept);
        let edits = on_top(&self.kept, &mine);
        (self.asking, self.opening) = (None, false);
        self.keeps = opened.unkept.is_none();
        self.unkept = opened.unkept.unwrap_or_default();
        self.saved_ms = opened.last_ms;
        self.problem = None;
        self.given_up.clear();
        self.history.leave_journal();
        // It fits: it was made against this very state.
        let fits = self.kept.apply_all(&edits).is_ok();
        if !edits.is_empty() {
            if fits {
                // Masks of whole volumes may be more than one gesture takes.
                for part in in_parts(&edits, usize::MAX) {
                    self.send(Gesture::Commit(part.to_vec()));
                }
            }
        } else if self.keeps {
            self.loose.clear();
        }
        self.index();
        self.revision += 1;
        self.calibrated += 1;
        self.segmented += 1;
    }

    /// All edits up to this one are on the disk, but for those that were given up.
    fn take_saved(&mut self, number: u64, at_ms: Option<i64>) {
        (self.saved, self.saved_ms) = (number, at_ms);
        self.problem = (!self.given_up.is_empty()).then_some(Problem::Invalid);
        if self.saved == self.sent {
            self.loose.clone_from(&self.given_up);
        }
        self.flush();
    }

    fn take_not_saved(&mut self, problem: Problem, given_up: Option<u64>) {
        self.problem = Some(problem);
        if let Some(number) = given_up {
            self.saved = number;
            // Which of them it was only the store could say; none is called saved that might not be.
            self.given_up.clone_from(&self.loose);
            // The last step of the journal is no longer the last one here.
            self.history.leave_journal();
        }
    }

    /// Nothing is saved any more; all stays here, and goes into the store when it is opened again.
    fn take_stopped(&mut self) {
        (self.keeper, self.keeps, self.opening) = (None, false, false);
        self.problem = Some(Problem::Stopped);
        self.outbox.clear();
        self.saved = self.sent;
    }
}

fn report_key(study_uid: &str) -> String {
    format!("report {study_uid}")
}

fn amend_key(place: &FactPlace) -> String {
    let (patient, id) = (place.patient.reveal(), place.id.reveal());
    format!("resource {patient} {} {id}", place.kind)
}

/// The edits that bring a state to hold what another one does as well.
fn on_top(base: &Kept, mine: &Kept) -> Vec<Edit> {
    let mut edits = Vec::new();
    for mark in mine.marks.iter() {
        match base.marks.get(&mark.id) {
            None => edits.push(Edit::Add(mark.clone())),
            Some(found) if found != mark => edits.push(Edit::Revise {
                from: Box::new(found.clone()),
                to: Box::new(mark.clone()),
            }),
            Some(_) => {}
        }
    }
    for target in mine.key_images.iter() {
        if !base.key_images.contains(&target.instance_uid, target.frame) {
            let target = target.clone();
            edits.push(Edit::KeyImage { target, on: true });
        }
    }
    for (key, to) in &mine.calibrations {
        let from = base.calibrations.get(key);
        if from != Some(to) {
            edits.push(Edit::Calibrate {
                target: to.target.clone(),
                from: from.cloned().map(Box::new),
                to: Some(Box::new(to.clone())),
            });
        }
    }
    for (study_uid, to) in &mine.read_status {
        let from = base.read_status(study_uid);
        if from != *to {
            edits.push(Edit::ReadStatus {
                study_uid: study_uid.clone(),
                from,
                to: *to,
            });
        }
    }
    for (study_uid, to) in &mine.reports {
        let from = base.reports.get(study_uid).cloned().unwrap_or_default();
        if from != *to {
            edits.push(Edit::Report {
                study_uid: study_uid.clone(),
                from,
                to: to.clone(),
            });
        }
    }
    for (question, to) in &mine.answers {
        let from = base.answers.get(question).copied();
        if from != Some(*to) {
            edits.push(Edit::Say {
                question: question.clone(),
                from,
                to: Some(*to),
            });
        }
    }
    for (place, to) in &mine.amendments {
        let from = base.amendments.get(place).cloned().unwrap_or_default();
        if from != *to {
            edits.push(Edit::Amend {
                place: place.clone(),
                from,
                to: to.clone(),
            });
        }
    }
    for (place, to) in &mine.views {
        let from = base.views.get(place).cloned().unwrap_or_default();
        if from != *to {
            edits.push(Edit::View {
                place: place.clone(),
                from,
                to: to.clone(),
            });
        }
    }
    let source = VoxelSource::restored();
    for (id, to) in &mine.segmentations {
        let from = base.segmentations.get(id);
        if from != Some(to) {
            let changes = to.edits_from(from, &source);
            edits.extend(changes.into_iter().map(Edit::Segmentation));
        }
    }
    edits
}

impl Workspace {
    /// Changes what is worth keeping: applied at once, one step of the history, sent to the saving thread. One gesture
    /// is one call. Edits that do not fit the state, that change a locked mark, or that no journal takes, change nothing;
    /// then it says `false`.
    pub fn commit(&mut self, edits: Vec<Edit>) -> bool {
        self.commit_step(Step {
            edits,
            live: None,
            in_journal: false,
        })
    }

    pub(super) fn commit_step(&mut self, mut step: Step) -> bool {
        if !self.may_edit(&step.edits) {
            return false;
        }
        let marks = &mut self.marks;
        if check_gesture(&step.edits).is_err() {
            return false;
        }
        if marks.kept.guarded(&step.edits).is_some() {
            self.notify("notice-mark-locked", String::new());
            return false;
        }
        if marks.kept.guarded_segment(&step.edits).is_some() {
            self.notify("notice-segment-locked", String::new());
            return false;
        }
        if marks.apply(&step.edits).is_err() {
            return false;
        }
        step.in_journal = marks.keeps;
        marks.send(Gesture::Commit(step.edits.clone()));
        let worth = step.edits.iter().any(|edit| !edit.is_display_only());
        let edits = step.edits.clone();
        marks.history.push(step);
        self.follow_calibrations();
        self.follow_amendments(&edits);
        if worth {
            self.ask_for_store(false);
        }
        true
    }

    /// Changes the text of a report. Convenience over [`Workspace::commit`].
    pub fn set_report(&mut self, study_uid: &str, text: &str) -> bool {
        let from = self.marks.report(study_uid).to_owned();
        from != text
            && self.commit(vec![Edit::Report {
                study_uid: study_uid.to_owned(),
                from: Phi::new(from),
                to: Phi::new(text.to_owned()),
            }])
    }

    /// Changes how far a study has been read; refused, and told, where several people have a study of this UID.
    pub fn set_read_status(&mut self, study_uid: &str, to: ReadStatus) -> bool {
        if self.library.is_of_several(study_uid) {
            self.notify("notice-study-of-several", String::new());
            return false;
        }
        let from = self.marks.read_status(study_uid);
        from != to
            && self.commit(vec![Edit::ReadStatus {
                study_uid: study_uid.to_owned(),
                from,
                to,
            }])
    }

    /// Takes the last step back.
    pub(super) fn undo(&mut self) {
        let Some(step) = self.marks.history.undo().cloned() else {
            return;
        };
        let edits: Vec<Edit> = step.edits.iter().rev().map(Edit::inverse).collect();
        self.go(&step, edits, Gesture::Undo, true);
    }

    /// Does the last step again that was taken back.
    pub(super) fn redo(&mut self) {
        let Some(step) = self.marks.history.redo().cloned() else {
            return;
        };
        let edits = step.edits.clone();
        self.go(&step, edits, Gesture::Redo, false);
    }

    fn go(&mut self, step: &Step, edits: Vec<Edit>, gesture: Gesture, back: bool) {
        // What the history holds fits the state: nothing else changes it.
        if self.marks.apply(&edits).is_err() {
            self.notify("notice-undo-skipped", String::new());
            return;
        }
        if step.in_journal {
            self.marks.send(gesture);
        } else {
            self.marks.send(Gesture::Commit(edits.clone()));
            self.marks.history.leave_journal_undone();
        }
        self.follow_calibrations();
        self.follow_amendments(&edits);
        if let Some(live) = &step.live
            && !self.bring_back(live, back)
        {
            self.notify("notice-undo-skipped", String::new());
        }
    }

    /// Where a store may be opened. Nobody is asked without it.
    pub fn set_store_place(&mut self, place: StorePlace) {
        self.marks.place = Some(place);
    }

    /// Opens the question for the passphrase when nothing is kept; `again` also when the user wanted none.
    pub fn ask_for_store(&mut self, again: bool) {
        let marks = &mut self.marks;
        if marks.keeps || marks.place.is_none() || marks.opening || marks.asking.is_some() {
            return;
        }
        if again || (!marks.declined && marks.unkept == Unkept::NoStore) {
            marks.asking = Some(Asking::default());
        }
    }

    /// The user wants nothing kept.
    pub fn keep_nothing(&mut self) {
        self.marks.asking = None;
        self.marks.declined = true;
    }

    /// Opens the store at its place, away from the window's thread; made when there is none.
    pub fn open_store(&mut self, passphrase: Passphrase) {
        let Some(place) = self.marks.place.clone() else {
            return;
        };
        self.marks.passphrase = Some(passphrase.clone());
        let origin = Origin::Folder {
            dir: place.dir,
            user: self.access.account.clone(),
            passphrase,
            create: !place.exists,
            remember: self.access.remember.then(|| self.access.keyring.clone()),
        };
        self.start_keeper(origin);
    }

    /// Opens the store with the key that this computer remembers, where it remembers one. Nobody is asked for anything
    /// when it does not.
    pub fn open_remembered(&mut self) {
        let Some(place) = self.marks.place.clone() else {
            return;
        };
        if !place.exists || self.marks.keeps || self.marks.opening {
            return;
        }
        self.start_keeper(Origin::Remembered {
            dir: place.dir,
            user: self.access.account.clone(),
            keyring: self.access.keyring.clone(),
        });
    }

    fn start_keeper(&mut self, origin: Origin) {
        self.marks.opening = true;
        if let Some(asking) = &mut self.marks.asking {
            asking.failed = None;
        }
        let keys = self.passphrases.keys.clone();
        match Keeper::start(origin, keys, self.sender(), self.waker.clone()) {
            Ok(keeper) => self.marks.keeper = Some(keeper),
            Err(_) => self.take_store(StoreNews::Failed(OpenFailure::Refused)),
        }
    }

    /// Whether the window may close now. If not, the question before closing is open from now on.
    pub fn may_close(&mut self) -> bool {
        self.keep_reports(true);
        self.note_standing();
        self.keep_case_time();
        self.marks.closing = self.marks.unsaved() > 0;
        !self.marks.closing
    }

    pub(super) fn take_store(&mut self, news: StoreNews) {
        match news {
            StoreNews::Opened(opened) => {
                let unfinished = opened.unfinished;
                self.access.who = Some(opened.who.clone());
                self.access.remembered = opened.remembered;
                if let Some(unkept) = opened.unkept {
                    let key = match unkept {
                        Unkept::InUse => "notice-store-in-use",
                        _ => "notice-store-damaged",
                    };
                    self.notify(key, String::new());
                } else if let Some(place) = &mut self.marks.place {
                    place.exists = true;
                }
                self.marks.take_opened(*opened);
                // Only now does the store take what is to be written into its log.
                let cells: Vec<usize> = self.visible_cells().collect();
                for cell in cells {
                    self.log_viewed(cell);
                }
                if self.marks.unkept != Unkept::InUse
                    && let Some(asks) = self.marks.keeper.as_ref().and_then(Keeper::asks)
                {
                    self.record.connect(asks.clone());
                }
                self.known_opened();
                if let Some(left) = unfinished {
                    self.notify_restored(left.marks, left.at_ms);
                }
                self.restore_layout();
            }
            StoreNews::Failed(failure) => {
                (self.marks.keeper, self.marks.opening) = (None, false);
                match failure {
                    OpenFailure::NotRemembered => return,
                    OpenFailure::NoKeyring => {
                        self.notify("notice-no-keyring", String::new());
                        return;
                    }
                    _ => {}
                }
                self.marks.asking.get_or_insert_default().failed = Some(failure);
            }
            StoreNews::Saved { number, at_ms } => self.marks.take_saved(number, at_ms),
            StoreNews::NotSaved { problem, given_up } => {
                self.marks.take_not_saved(problem, given_up);
            }
            StoreNews::Stopped { keeps } => {
                self.record.disconnect(keeps);
                if keeps {
                    // Who works here stays: nobody gets more rights by a fault.
                    self.marks.take_stopped();
                } else {
                    self.notify("notice-record-stopped", String::new());
                }
            }
        }
    }

    fn notify_restored(&mut self, marks: usize, at_ms: i64) {
        let key = if marks == 0 {
            "notice-restored-views"
        } else {
            "notice-restored"
        };
        self.notify_count(key, marks, clock(at_ms));
    }
}

/// Time of day in the zone of the computer, `12:03`; `12:03:59` with seconds.
pub fn clock(at_ms: i64) -> String {
    clock_as(at_ms, "%H:%M")
}

/// Day and time with seconds.
pub fn moment(at_ms: i64) -> String {
    clock_as(at_ms, "%Y-%m-%d %H:%M:%S")
}

/// The same with seconds.
pub fn clock_seconds(at_ms: i64) -> String {
    clock_as(at_ms, "%H:%M:%S")
}

fn clock_as(at_ms: i64, form: &str) -> String {
    jiff::Timestamp::from_millisecond(at_ms).map_or_else(
        |_| String::new(),
        |time| {
            time.to_zoned(jiff::tz::TimeZone::system())
                .strftime(form)
                .to_string()
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::codec::tests::{mark, point};
    use glam::DVec3;

    fn add(id: &str) -> Edit {
        Edit::Add(mark(id, point(DVec3::ONE)))
    }

    fn opened(kept: Kept) -> Opened {
        Opened {
            kept,
            unkept: None,
            last_ms: None,
            unfinished: None,
            who: (String::new(), crate::model::access::Role::Admin),
            remembered: false,
        }
    }

    fn made(marks: &mut Marks, edit: &Edit) {
        marks.apply(std::slice::from_ref(edit)).unwrap();
        marks.send(Gesture::Commit(vec![edit.clone()]));
    }

    const INVALID: SaveState = SaveState::NotSaved {
        reason: Problem::Invalid,
    };

    #[test]
    fn what_the_store_gave_up_is_never_called_saved() {
        let mut marks = Marks::default();
        marks.take_opened(opened(Kept::default()));
        made(&mut marks, &add("a"));
        marks.take_not_saved(Problem::Invalid, Some(1));
        assert_eq!((marks.state(), marks.unsaved()), (INVALID, 1));
        made(&mut marks, &add("b"));
        assert_eq!(marks.unsaved(), 2);
        marks.take_saved(2, Some(5));
        assert_eq!((marks.state(), marks.unsaved()), (INVALID, 1));
        // Taken back it is not missed, and the store's refusal of that says nothing new.
        made(&mut marks, &add("a").inverse());
        marks.take_not_saved(Problem::Invalid, Some(3));
        assert_eq!(marks.unsaved(), 0);
        made(&mut marks, &add("a"));
        marks.take_saved(4, Some(9));
        let at_ms = Some(9);
        assert_eq!(
            (marks.state(), marks.unsaved()),
            (SaveState::Saved { at_ms }, 0)
        );
    }

    #[test]
    fn what_was_made_goes_into_the_store_again_after_saving_stopped() {
        let mut marks = Marks::default();
        marks.take_opened(opened(Kept::default()));
        made(&mut marks, &add("a"));
        marks.take_saved(1, Some(5));
        let kept = marks.kept().clone();
        made(&mut marks, &add("b"));
        marks.take_stopped();
        let reason = Problem::Stopped;
        assert_eq!(marks.state(), SaveState::NotSaved { reason });
        assert!(!marks.is_busy() && !marks.is_kept());
        made(&mut marks, &add("c"));
        assert_eq!((marks.unsaved(), marks.set().len()), (2, 3));
        assert!(marks.outbox.is_empty(), "there is nobody to send it to");
        marks.take_opened(opened(kept));
        assert_eq!((marks.state(), marks.unsaved()), (SaveState::Saving, 2));
        let (number, gesture) = marks.outbox.pop_front().unwrap();
        assert_eq!(gesture, Gesture::Commit(vec![add("b"), add("c")]));
        marks.take_saved(number, Some(9));
        assert_eq!(marks.unsaved(), 0);
    }
}
