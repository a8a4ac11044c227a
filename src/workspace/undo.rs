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

/// The steps.
#[derive(Debug, Default)]
pub struct History {
    done: VecDeque<Step>,
    undone: Vec<Step>,
}

impl History {
    /// Remembers a step; what was taken back can no longer be done again.
    pub fn push(&mut self, step: Step) {
        self.undone.clear();
        self.done.push_back(step);
        if self.done.len() > LIMIT {
            self.done.pop_front();
        }
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
