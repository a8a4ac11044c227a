//! The one history of everything that can be taken back: marks, windows and views, layouts, key images, read status,
//! reports, in the order in which they happened. A gesture is one step.
//!
//! A step holds its edits as the journal keeps them, and for a view or a layout also the very state that was on the
//! screen, so that taking back restores every bit of it.

use super::{presentation::CellState, state::Arrangement};
use crate::model::edit::Edit;
use std::collections::VecDeque;

/// How many steps can be taken back.
pub const LIMIT: usize = 1000;

/// Memory that all steps may take, bytes; the newest one stays in any case. Outlines have up to a million points.
pub const MOST_BYTES: usize = 64 << 20;

/// A view before and after a step.
#[derive(Clone, Debug)]
pub struct ViewChange {
    /// Cell, from 0.
    pub cell: usize,
    /// Key of the series that was in it.
    pub series: String,
    /// Before.
    pub before: CellState,
    /// After.
    pub after: CellState,
}

/// What was on the screen before and after a step.
#[derive(Clone, Debug)]
pub enum Live {
    /// Views: that of the gesture last, before it those that are linked to it.
    Views(Vec<ViewChange>),
    /// The layout and what stood in its cells.
    Layout {
        /// Before.
        before: Box<Arrangement>,
        /// After.
        after: Box<Arrangement>,
    },
}

/// One gesture.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its edits, in order.
    pub edits: Vec<Edit>,
    /// What it did to the screen.
    pub live: Option<Live>,
    /// The journal of the open store has it as a gesture that can be taken back.
    pub in_journal: bool,
}

impl Step {
    /// Memory that it takes, bytes: itself and all that it owns.
    pub fn held_bytes(&self) -> usize {
        let live = match &self.live {
            None => 0,
            Some(Live::Views(views)) => {
                let owned = views.iter().map(|view| {
                    size_of::<ViewChange>() - 2 * size_of::<CellState>()
                        + view.series.capacity()
                        + view.before.held_bytes()
                        + view.after.held_bytes()
                });
                owned.sum()
            }
            Some(Live::Layout { before, after }) => before.held_bytes() + after.held_bytes(),
        };
        let edits = self.edits.iter().map(Edit::held_bytes);
        size_of::<Self>() + edits.sum::<usize>() + live
    }
}

/// The steps.
#[derive(Debug, Default)]
pub struct History {
    done: VecDeque<Step>,
    undone: Vec<Step>,
    /// Memory that all of them take.
    held: usize,
}

impl History {
    /// Remembers a step; what was taken back can no longer be done again.
    pub fn push(&mut self, step: Step) {
        let gone = self.undone.drain(..).map(|step| step.held_bytes());
        self.held -= gone.sum::<usize>();
        self.held += step.held_bytes();
        self.done.push_back(step);
        while self.done.len() > LIMIT || (self.held > MOST_BYTES && self.done.len() > 1) {
            let oldest = self.done.pop_front();
            self.held -= oldest.map_or(0, |step| step.held_bytes());
        }
    }

    /// Memory that all steps take, bytes, done and undone ones.
    pub const fn held_bytes(&self) -> usize {
        self.held
    }

    /// Takes the last step out of the done ones; it becomes the next that can be done again.
    pub fn undo(&mut self) -> Option<&mut Step> {
        self.undone.push(self.done.pop_back()?);
        self.undone.last_mut()
    }

    /// Takes the last undone step; it becomes the last that was done.
    pub fn redo(&mut self) -> Option<&mut Step> {
        self.done.push_back(self.undone.pop()?);
        self.done.back_mut()
    }

    /// The steps that are done, the first one first.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.done.iter()
    }

    /// Whether there is something to undo, and to redo.
    pub fn available(&self) -> (bool, bool) {
        (!self.done.is_empty(), !self.undone.is_empty())
    }

    /// The journal knows none of the steps: another store, or a new gesture in it since.
    pub fn leave_journal(&mut self) {
        for step in self.done.iter_mut().chain(&mut self.undone) {
            step.in_journal = false;
        }
    }

    /// The journal no longer has what was taken back.
    pub fn leave_journal_undone(&mut self) {
        for step in &mut self.undone {
            step.in_journal = false;
        }
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        annotation::{Annotation, AnnotationId, AnnotationTarget, MarkKind, PointSpace, Shape},
        identity::Phi,
    };
    use glam::DVec3;

    fn outline(number: usize, points: usize) -> Step {
        let shape = Shape::new(MarkKind::Freehand, vec![DVec3::ONE; points]);
        let target = AnnotationTarget {
            series_uid: "1.2.826.0.1.3680043.8.498.1".into(),
            ..AnnotationTarget::default()
        };
        let id = AnnotationId(format!("{number:08}"));
        Step {
            edits: vec![Edit::Add(Annotation::new(
                id,
                target,
                PointSpace::Patient,
                shape,
            ))],
            live: None,
            in_journal: false,
        }
    }

    /// Row 15 of the goals: 200 outlines as the hand draws them take less than 5 MB.
    #[test]
    fn two_hundred_outlines_take_little_memory() {
        let mut history = History::default();
        (0..200).for_each(|number| history.push(outline(number, 600)));
        let points = 200 * 600 * size_of::<DVec3>();
        let held = history.held_bytes();
        assert!((points..points + 200 * 1000).contains(&held), "{held}");
        assert!(held <= 5_000_000, "{held}");
    }

    #[test]
    fn memory_is_counted_back_to_nothing_and_bounded() {
        let mut history = History::default();
        let report = |text: &str| Step {
            edits: vec![Edit::Report {
                study_uid: "1.2".into(),
                from: Phi::new(String::new()),
                to: Phi::new(text.to_owned()),
            }],
            live: None,
            in_journal: false,
        };
        history.push(outline(0, 10));
        let one = history.held_bytes();
        assert!(one >= 240 + size_of::<Step>());
        history.push(report("finding"));
        // Taking back keeps the step, a new one in its place lets it go.
        let both = history.held_bytes();
        history.undo().unwrap();
        assert_eq!(history.held_bytes(), both);
        history.push(outline(1, 10));
        assert_eq!(history.held_bytes(), 2 * one);
        for _ in 0..2 {
            history.undo().unwrap();
        }
        history.push(outline(2, 10));
        assert_eq!(history.held_bytes(), one);
        // The oldest go when there is too much; one step stays, however large it is.
        let large = MOST_BYTES / size_of::<DVec3>() / 3;
        (0..5).for_each(|number| history.push(outline(number, large)));
        assert!(history.held_bytes() <= MOST_BYTES);
        assert_eq!(history.done.len(), 2);
        history.push(outline(9, 4 * large));
        assert_eq!(history.done.len(), 1);
        history.clear();
        assert_eq!(history.held_bytes(), 0);
    }
}
