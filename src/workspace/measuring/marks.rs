//! What the workspace does with marks: measure what is new, go from one to the next, change what is said of them.

use super::{Answer, Work, site::Site};
use crate::{
    model::{
        annotation::{
            Annotation, AnnotationId, AnnotationTarget, Code, MarkKind, PointSpace, Shape,
        },
        edit::Edit,
    },
    task::Class,
    workspace::{
        command::Command,
        library::SeriesNode,
        settings::SideTab,
        state::{Wanted, Workspace},
    },
};
use glam::DVec3;
use std::{
    collections::HashMap,
    hash::{BuildHasher as _, Hasher as _, RandomState},
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

/// A change to what is said of a mark.
#[derive(Clone, Debug, PartialEq)]
pub enum MarkChange {
    /// Its text, and what that means when it was chosen from a list.
    Label(String, Option<Code>),
    /// The group that it belongs to.
    Group(String),
    /// Guarded against the hand.
    Lock(bool),
    /// Not drawn.
    Hide(bool),
}

/// What the window asks of the marks.
#[derive(Clone, Debug)]
pub enum MarkAction {
    /// Keep a new mark, and select it.
    Add(Box<Annotation>),
    /// A mark got another shape.
    Reshape(AnnotationId, Shape),
    /// Say something else of a mark.
    Change(AnnotationId, MarkChange),
    /// Take a mark away.
    Remove(AnnotationId),
    /// Select a mark, or none.
    Select(Option<AnnotationId>),
    /// Bring a mark into sight and select it.
    GoTo(AnnotationId),
    /// Measure the mark that is being drawn.
    Draft(Box<Annotation>),
    /// Nothing is being drawn any more.
    NoDraft,
    /// A mark in space was begun on a picture that lies in none.
    NoSpace,
}

/// An identity that no other mark has.
fn new_id(now_ms: i64) -> AnnotationId {
    // Each state is seeded by the system; two make a number that does not come twice.
    let random = || RandomState::new().build_hasher().finish();
    AnnotationId(format!("{now_ms:012x}-{:016x}{:016x}", random(), random()))
}

/// A mark drawn in a view.
pub fn mark_at(site: &Site, space: PointSpace, shape: Shape) -> Annotation {
    mark_on(site.target.clone(), space, site.kept(shape))
}

/// A new mark on a frame.
pub fn mark_on(target: AnnotationTarget, space: PointSpace, shape: Shape) -> Annotation {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now_ms = now.map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(0));
    let mut mark = Annotation::new(new_id(now_ms), target, space, shape);
    mark.created_ms = now_ms;
    mark
}

/// Where more than one in so many marks of the store is on what is open, they are gone through side by side.
const NEARLY: usize = 8;

impl Workspace {
    /// Carries out what the window asks of the marks.
    pub fn act_on_mark(&mut self, action: MarkAction) {
        match action {
            MarkAction::Add(mut mark) => {
                self.dress(&mut mark);
                let id = mark.id.clone();
                if let Some(viewport) = self.viewports.get(self.active) {
                    let voi = viewport.view.voi.clone();
                    self.measuring.windows.insert(id.clone(), voi);
                }
                self.measuring.draft = None;
                self.line_was_drawn(&mark);
                self.commit(vec![Edit::Add(*mark)]);
                self.marks.selected = Some(id);
            }
            MarkAction::Reshape(id, to) => {
                let found = self.marks.set().get(&id);
                if let Some(from) = found.map(|m| m.shape.clone()).filter(|from| *from != to) {
                    self.commit(vec![Edit::Reshape { id, from, to }]);
                }
                self.measuring.draft = None;
            }
            MarkAction::Change(id, change) => self.change_mark(&id, change),
            MarkAction::Remove(id) => {
                let found = self.marks.set().get(&id).cloned();
                if let Some(mark) = found
                    && self.commit(vec![Edit::Remove(mark)])
                    && self.marks.selected.as_ref() == Some(&id)
                {
                    self.marks.selected = None;
                }
            }
            MarkAction::Select(id) => self.marks.selected = id,
            MarkAction::GoTo(id) => self.go_to_mark(&id),
            MarkAction::Draft(mark) => self.measure_draft(*mark),
            MarkAction::NoDraft => self.measuring.draft = None,
            MarkAction::NoSpace => self.notify("notice-mark-box-space", String::new()),
        }
        self.measuring.touch();
    }

    fn change_mark(&mut self, id: &AnnotationId, change: MarkChange) {
        let Some(from) = self.marks.set().get(id).cloned() else {
            return;
        };
        let mut to = from.clone();
        match change {
            MarkChange::Label(text, code) => {
                to.label = text;
                to.code = code;
            }
            MarkChange::Group(group) => to.group = group,
            MarkChange::Lock(on) => to.locked = on,
            MarkChange::Hide(on) => to.hidden = on,
        }
        if to != from {
            let (from, to) = (Box::new(from), Box::new(to));
            self.commit(vec![Edit::Revise { from, to }]);
        }
    }

    /// A command on the selected mark.
    pub(in crate::workspace) fn command_mark(&mut self, command: Command) {
        let Some(mark) = self.selected_mark() else {
            return;
        };
        let (id, locked, hidden) = (mark.id.clone(), mark.locked, mark.hidden);
        self.act_on_mark(match command {
            Command::LockMark => MarkAction::Change(id, MarkChange::Lock(!locked)),
            Command::HideMark => MarkAction::Change(id, MarkChange::Hide(!hidden)),
            _ => MarkAction::Remove(id),
        });
    }

    /// The marks on what is open, by id.
    pub fn open_marks(&self) -> impl Iterator<Item = &Annotation> {
        let (ids, set) = (&self.measuring.open, self.marks.set());
        // Both are in the order of ids: where nearly all are open they are gone through side by side.
        let side_by_side = ids.len() * NEARLY >= set.len();
        let mut marks = side_by_side.then(|| set.iter().peekable());
        ids.iter().filter_map(move |id| match &mut marks {
            Some(marks) => {
                while marks.next_if(|mark| mark.id < *id).is_some() {}
                marks.next_if(|mark| mark.id == *id)
            }
            None => set.get(id),
        })
    }

    /// The selected mark.
    pub fn selected_mark(&self) -> Option<&Annotation> {
        self.marks.set().get(self.marks.selected.as_ref()?)
    }

    /// Brings the selected mark into the active view where it is not there already; whether there is one.
    pub(in crate::workspace) fn show_selected_mark(&mut self) -> bool {
        let Some(mark) = self.selected_mark() else {
            return false;
        };
        let there = self.place_of_mark(mark).zip(self.active_viewport());
        let seen = there.is_some_and(|((node, frame), viewport)| {
            let same = viewport.node.as_ref().is_some_and(|n| n.key == node.key);
            same && viewport.frame_shown() == frame
        });
        let id = mark.id.clone();
        if !seen {
            self.act_on_mark(MarkAction::GoTo(id));
        }
        true
    }

    /// The series that shows a mark, and the index of its frame there.
    pub fn place_of_mark(&self, mark: &Annotation) -> Option<(Arc<SeriesNode>, usize)> {
        let (node, first) = self.library.place_of(&mark.target.instance_uid)?;
        let number = (mark.target.frame as usize).checked_sub(1)?;
        let same = |at: usize| {
            let frame = node.layout.frames.get(at);
            frame.is_some_and(|f| {
                f.frame == number && f.instance.sop_instance_uid == mark.target.instance_uid
            })
        };
        // The frames of an object mostly follow each other.
        let near = first.saturating_add(number);
        let at = match same(near) {
            true => near,
            false => (0..node.layout.frames.len()).find(|at| same(*at))?,
        };
        Some((node.clone(), at))
    }

    /// The marks on what is open, of the patient in the active cell: by group, then as the reader meets them.
    pub fn marks_in_order(&self) -> Vec<&Annotation> {
        let patient = self.active_viewport().and_then(|v| v.patient());
        let mut places: HashMap<&str, usize> = HashMap::new();
        for (at, node) in self.library.series().enumerate() {
            if patient.is_none_or(|p| **p == *node.patient)
                && let Some(first) = node.layout.first_instance()
            {
                places.entry(first.series.uid.as_str()).or_insert(at);
            }
        }
        let mut marks: Vec<_> = self
            .open_marks()
            .filter_map(|mark| {
                let series = *places.get(mark.target.series_uid.as_str())?;
                let (_, frame) = self.place_of_mark(mark)?;
                Some((
                    (&mark.group, series, frame, mark.created_ms, &mark.id),
                    mark,
                ))
            })
            .collect();
        marks.sort_by(|a, b| a.0.cmp(&b.0));
        marks.into_iter().map(|(_, mark)| mark).collect()
    }

    /// Goes to the next mark of the list, or back.
    pub fn step_mark(&mut self, by: isize) {
        let ids: Vec<AnnotationId> = self
            .marks_in_order()
            .iter()
            .filter(|m| !m.hidden)
            .map(|m| m.id.clone())
            .collect();
        if ids.is_empty() {
            return;
        }
        let selected = self.marks.selected.as_ref();
        let here = selected.and_then(|id| ids.iter().position(|i| i == id));
        let count = ids.len() as isize;
        let next = match here {
            Some(at) => (at as isize + by).rem_euclid(count),
            None if by > 0 => 0,
            None => count - 1,
        };
        if let Some(id) = usize::try_from(next).ok().and_then(|n| ids.get(n)) {
            self.go_to_mark(&id.clone());
        }
    }

    /// Brings a mark into sight: its series, its slice, the window it was drawn with, and its place into the cell.
    fn go_to_mark(&mut self, id: &AnnotationId) {
        let Some(mark) = self.marks.set().get(id).cloned() else {
            return;
        };
        let Some((node, frame)) = self.place_of_mark(&mark) else {
            self.notify("notice-mark-not-open", String::new());
            return;
        };
        let shows = |cell: usize| {
            let viewport = self.viewports.get(cell);
            viewport.is_some_and(|v| v.node.as_ref().is_some_and(|n| n.key == node.key))
        };
        let cell = match shows(self.active) {
            true => self.active,
            false => {
                let mut cells = self.visible_cells();
                cells.find(|c| shows(*c)).unwrap_or(self.active)
            }
        };
        if !shows(cell) {
            // Beside another patient it is asked first; then the mark can be gone to.
            self.show_or_ask(cell, Wanted::Series(node.key.clone()));
            if self.mixing.asking.is_some() {
                return;
            }
        }
        self.active = cell;
        let count = mark.shape.points.len().max(1) as f64;
        let middle = mark.shape.points.iter().sum::<DVec3>() / count;
        let cut = self.viewports.get(cell).is_some_and(|v| v.kind.is_cut());
        match (cut, mark.space) {
            (true, PointSpace::Patient) => self.set_crosshair(cell, middle),
            (true, PointSpace::Pixel) => {}
            (false, _) => self.go_to_slice(cell, frame),
        }
        let voi = self.measuring.windows.get(id).cloned();
        if let Some(viewport) = self.viewports.get_mut(cell) {
            if let Some(voi) = voi {
                viewport.view.voi = voi;
            }
            // Zoomed in, the mark comes to the middle; the whole picture stays as it is.
            if viewport.view.zoom > 1.0 && mark.space == PointSpace::Patient {
                viewport.view.centre = Some(middle);
            }
        }
        self.marks.selected = Some(id.clone());
        self.settings.side_tab = SideTab::Findings;
        self.request_frames();
    }

    /// Takes an answer of the measuring thread in.
    pub(in crate::workspace) fn take_measured(&mut self, answer: Answer) {
        self.measuring.take(answer);
    }

    fn work_on(&self, mark: Annotation) -> Option<(String, Work)> {
        let (node, _) = self.place_of_mark(&mark)?;
        let mut shown = self.viewports.iter().filter_map(|v| v.display.as_ref());
        let display = shown.find(|d| d.key == node.key).cloned();
        let work = Work {
            generation: self.measuring.generation,
            mark,
            layout: node.layout.clone(),
            display,
        };
        Some((node.key.clone(), work))
    }

    fn measure_draft(&mut self, mark: Annotation) {
        if let Some((_, work)) = self.work_on(mark) {
            self.measuring.ask_for_draft(work);
        }
    }

    /// Asks for the numbers of marks that are new, changed, or on other frames than before.
    pub(in crate::workspace) fn refresh_marks(&mut self) {
        let revision = self.marks.revision();
        if !std::mem::take(&mut self.measuring.dirty) && self.measuring.seen == revision {
            return;
        }
        self.measuring.seen = revision;
        let (mut wanted, mut open) = (Vec::new(), Vec::new());
        for mark in self.marks.set().iter() {
            let known = self.measuring.known.get(&mark.id);
            if self.hides(mark) {
                continue;
            }
            let Some((node, _)) = self.place_of_mark(mark) else {
                continue;
            };
            open.push(mark.id.clone());
            if matches!(mark.shape.kind, MarkKind::Arrow | MarkKind::Text) {
                continue;
            }
            let fresh = known.is_some_and(|k| k.shape == mark.shape && k.series == node.key);
            if !fresh && let Some(work) = self.work_on(mark.clone()) {
                wanted.push(work);
            }
        }
        let set = self.marks.set();
        self.measuring.known.retain(|id, _| set.get(id).is_some());
        self.measuring.open = open;
        self.measuring.changes += 1;
        let selected = self.marks.selected.clone();
        for (series, work) in wanted {
            let class = match selected.as_ref() == Some(&work.mark.id) {
                true => Class::Interaction,
                false => Class::Prefetch,
            };
            self.measuring.ask_for(&series, class, work);
        }
    }
}
