//! Undo of what was done to the views: one gesture is one step.

use super::view::ViewState;

/// A viewport's state before and after a gesture or command.
#[derive(Clone, Debug, PartialEq)]
struct Step {
    viewport: usize,
    series: String,
    before: ViewState,
    after: ViewState,
}

/// Bounded history of view changes; the oldest falls off.
#[derive(Debug, Default)]
pub struct ViewHistory {
    done: Vec<Step>,
    undone: Vec<Step>,
}

const LIMIT: usize = 200;

impl ViewHistory {
    /// Remembers a change; nothing happens when nothing changed.
    pub fn push(&mut self, viewport: usize, series: &str, before: ViewState, after: ViewState) {
        if before == after {
            return;
        }
        self.undone.clear();
        self.done.push(Step {
            viewport,
            series: series.to_owned(),
            before,
            after,
        });
        if self.done.len() > LIMIT {
            self.done.remove(0);
        }
    }

    /// Takes the last step back: which viewport (still showing that series) gets which state.
    pub fn undo(&mut self) -> Option<(usize, String, ViewState)> {
        let step = self.done.pop()?;
        let result = (step.viewport, step.series.clone(), step.before.clone());
        self.undone.push(step);
        Some(result)
    }

    /// Does the last undone step again.
    pub fn redo(&mut self) -> Option<(usize, String, ViewState)> {
        let step = self.undone.pop()?;
        let result = (step.viewport, step.series.clone(), step.after.clone());
        self.done.push(step);
        Some(result)
    }

    /// Whether there is something to undo, and to redo.
    pub fn available(&self) -> (bool, bool) {
        (!self.done.is_empty(), !self.undone.is_empty())
    }
}
