//! Two readers side by side: what each drew and said of a study, taking one of them over, or both together.
//!
//! Must stay true: while reading is blind nobody sees what another account drew, unless he adjudicates, which takes the right to
//! say how far the reading is; what readers did is never changed: what is taken over is a copy under the adjudicator's name.

use super::{Workspace, segmenting::readers::reader_of, state::Layout};
use crate::model::{
    access::Right,
    annotation::{Annotation, AnnotationId, Author},
    edit::Edit,
    labelling::{Answer, Question},
    segmentation::Segmentation,
};
use glam::DVec3;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{SystemTime, UNIX_EPOCH},
};

/// Ids of marks that were taken over begin so.
const TAKEN: &str = "adj-";
/// Boxes around marks of one name that share more than this of both are one thing.
const SAME: f64 = 0.5;

/// Who is compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Adjudicating {
    /// The two readers, left and right; `None` while nobody adjudicates.
    pub readers: Option<[String; 2]>,
}

/// What the window asks of adjudication.
#[derive(Clone, Debug)]
pub enum AdjudicateAction {
    /// These two readers side by side.
    Compare([String; 2]),
    /// Take over what one of the two did: 0 is the left one.
    Take(usize),
    /// Take over what both did, once where they did the same.
    Merge,
    /// One picture with the own marks again.
    End,
}

/// A tag or score, and what two readers and the adjudicator said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Name of the tag or score.
    pub name: String,
    /// It is about a frame, and not the study.
    pub image: bool,
    /// What the left and the right reader said.
    pub said: [Option<Answer>; 2],
    /// What the adjudicator said.
    pub taken: Option<Answer>,
}

impl Workspace {
    /// Whether a mark is another reader's while reading is blind.
    pub(super) fn hides(&self, mark: &Annotation) -> bool {
        let blind = self.cases.queue().blind && self.adjudicating.readers.is_none();
        blind && matches!(&mark.author, Author::Person(name) if name != self.reader())
    }

    /// Whether the user may compare readers.
    pub fn may_adjudicate(&self) -> bool {
        self.role().may(Right::ReadStatus)
    }

    /// Everybody but the user who drew, painted or said something of the study that is shown.
    pub fn other_readers(&self) -> Vec<String> {
        let Some(study) = self.active_viewport().and_then(|v| v.study().cloned()) else {
            return Vec::new();
        };
        let marks = self
            .marks
            .set()
            .iter()
            .filter_map(|mark| match &mark.author {
                Author::Person(name) if mark.target.study_uid == study.uid => Some(name),
                _ => None,
            });
        let kept = self.marks.kept();
        let questions = kept.answers.keys();
        let said = questions.filter(|q| q.subject.study_uid == study.uid);
        let drawn = self.marks.segmentations();
        let drawn = drawn.filter(|whole| whole.study_uid == study.uid);
        let painted = drawn.flat_map(Segmentation::segments).filter_map(reader_of);
        let names: BTreeSet<&str> = marks
            .chain(said.map(|q| &q.reader))
            .map(String::as_str)
            .chain(painted)
            .collect();
        let others = names.into_iter().filter(|name| *name != self.reader());
        others.map(str::to_owned).collect()
    }

    /// What two readers said of the study and the frame that are shown.
    pub fn compared(&self) -> Vec<Row> {
        let Some(readers) = &self.adjudicating.readers else {
            return Vec::new();
        };
        let frame = self.frame_target();
        let kept = self.marks.kept();
        let here = |question: &&Question| {
            let subject = &question.subject;
            frame.as_ref().is_some_and(|frame| {
                subject.study_uid == frame.study_uid
                    && (!subject.is_image()
                        || (subject.instance_uid == frame.instance_uid
                            && subject.frame == frame.frame))
            })
        };
        let mut rows: BTreeMap<(bool, &str), Row> = BTreeMap::new();
        for question in kept.answers.keys().filter(here) {
            let answer = kept.answers.get(question).copied();
            let image = question.subject.is_image();
            let row = rows.entry((image, &question.name)).or_insert_with(|| Row {
                name: question.name.clone(),
                image,
                said: [None; 2],
                taken: None,
            });
            for (said, reader) in row.said.iter_mut().zip(readers) {
                if question.reader == *reader {
                    *said = answer;
                }
            }
            if question.reader == self.reader() {
                row.taken = answer;
            }
        }
        rows.into_values().collect()
    }

    /// Carries out what the window asks of adjudication.
    pub(super) fn adjudicate(&mut self, action: AdjudicateAction) {
        if !self.allowed(Right::ReadStatus) {
            return;
        }
        match action {
            AdjudicateAction::Compare(readers) => self.compare(readers),
            AdjudicateAction::Take(at) => {
                let readers = self.adjudicating.readers.clone();
                if let Some(reader) = readers.as_ref().and_then(|r| r.get(at)) {
                    let (marks, answers) = self.work_of(reader);
                    self.take_over_work(marks, answers);
                }
            }
            AdjudicateAction::Merge => {
                let Some([left, right]) = self.adjudicating.readers.clone() else {
                    return;
                };
                let (mut marks, mut answers) = self.work_of(&left);
                let (more, others) = self.work_of(&right);
                let first = marks.len();
                for mark in more {
                    let known = marks.iter().take(first).any(|m| same_thing(m, &mark));
                    if !known {
                        marks.push(mark);
                    }
                }
                let mut differ = 0;
                for (question, answer) in others {
                    match answers.get(&question) {
                        Some(known) if *known != answer => {
                            // Nobody's word counts more: it is left to be said.
                            answers.remove(&question);
                            differ += 1;
                        }
                        Some(_) => {}
                        None => {
                            answers.insert(question, answer);
                        }
                    }
                }
                self.take_over_work(marks, answers);
                if differ > 0 {
                    self.notify_count("notice-answers-differ", differ, String::new());
                }
            }
            AdjudicateAction::End => {
                self.adjudicating.readers = None;
                for viewport in &mut self.viewports {
                    viewport.reader_only = None;
                }
                self.with_layout(|w| w.set_layout(Layout::ONE));
                self.measuring.touch();
            }
        }
    }

    /// The picture that is shown twice, each with the marks of one reader.
    fn compare(&mut self, readers: [String; 2]) {
        let Some(viewport) = self.active_viewport() else {
            return;
        };
        let (Some(node), slice) = (viewport.node.clone(), viewport.slice) else {
            return;
        };
        self.with_layout(|w| {
            w.set_layout(Layout::TWO);
            for cell in [1, 0] {
                w.show(cell, &node);
                w.go_to_slice(cell, slice);
            }
        });
        for (viewport, reader) in self.viewports.iter_mut().zip(&readers) {
            viewport.reader_only = Some(reader.clone());
        }
        self.adjudicating.readers = Some(readers);
        self.measuring.touch();
    }

    /// What a reader drew and said of the study that is shown; of answers the question without the reader.
    fn work_of(&self, reader: &str) -> (Vec<Annotation>, BTreeMap<Question, Answer>) {
        let Some(study) = self.active_viewport().and_then(|v| v.study().cloned()) else {
            return Default::default();
        };
        let by = Author::Person(reader.to_owned());
        let marks = self.marks.set().iter();
        let marks = marks.filter(|m| m.author == by && m.target.study_uid == study.uid);
        let answers = self.marks.kept().answers.iter();
        let answers = answers
            .filter(|(q, _)| q.reader == reader && q.subject.study_uid == study.uid)
            .map(|(question, answer)| {
                let reader = String::new();
                let subject = question.subject.clone();
                let name = question.name.clone();
                let question = Question {
                    subject,
                    name,
                    reader,
                };
                (question, *answer)
            });
        (marks.cloned().collect(), answers.collect())
    }

    /// Makes copies of marks and answers the adjudicator's, in the place of what he took over of the study before: one step
    /// of undo.
    fn take_over_work(&mut self, marks: Vec<Annotation>, answers: BTreeMap<Question, Answer>) {
        let Some(study) = self.active_viewport().and_then(|v| v.study().cloned()) else {
            return;
        };
        let me = self.reader().to_owned();
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now_ms = now.map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(0));
        let mut edits: Vec<Edit> = self
            .marks
            .set()
            .iter()
            .filter(|m| m.id.0.starts_with(TAKEN) && m.target.study_uid == study.uid)
            .cloned()
            .map(Edit::Remove)
            .collect();
        for mark in marks {
            let mut copy = mark;
            copy.id = AnnotationId(format!("{TAKEN}{}", copy.id.0));
            copy.author = Author::Person(me.clone());
            (copy.created_ms, copy.locked) = (now_ms, false);
            edits.push(Edit::Add(copy));
        }
        for (mut question, to) in answers {
            question.reader.clone_from(&me);
            let from = self.marks.kept().answers.get(&question).copied();
            let to = Some(to);
            if from != to {
                edits.push(Edit::Say { question, from, to });
            }
        }
        if edits.is_empty() {
            self.notify("notice-nothing-taken", String::new());
            return;
        }
        let count = edits.len();
        if self.commit(edits) {
            self.notify_count("notice-taken", count, String::new());
        }
        self.measuring.touch();
    }
}

/// Whether two marks are of one thing: of one kind, name and frame, and the boxes around them share more than half.
fn same_thing(a: &Annotation, b: &Annotation) -> bool {
    let place = |m: &Annotation| (m.target.instance_uid.clone(), m.target.frame);
    if place(a) != place(b) || a.space != b.space || a.label != b.label {
        return false;
    }
    if a.shape.kind != b.shape.kind {
        return false;
    }
    let bounds = |m: &Annotation| {
        let points = &m.shape.points;
        let low = points.iter().fold(DVec3::INFINITY, |l, p| l.min(*p));
        let high = points.iter().fold(DVec3::NEG_INFINITY, |h, p| h.max(*p));
        (low, high)
    };
    let ((low_a, high_a), (low_b, high_b)) = (bounds(a), bounds(b));
    let (mut shared, mut first, mut second) = (1.0, 1.0, 1.0);
    for axis in 0..3 {
        let [la, ha, lb, hb] =
            [low_a, high_a, low_b, high_b].map(|p| p.to_array().get(axis).copied().unwrap_or(0.0));
        // Flat in this direction: the plane of the picture.
        if (ha - la).max(hb - lb) < 1e-6 {
            continue;
        }
        shared *= (ha.min(hb) - la.max(lb)).max(0.0);
        first *= ha - la;
        second *= hb - lb;
    }
    let whole = first + second - shared;
    whole > 0.0 && shared / whole > SAME
}
