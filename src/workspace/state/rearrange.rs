//! Cells that are split, joined, moved, detached; and layouts that were saved by name.
//!
//! Must stay true: what a cell shows goes with it. Windows of their own change nothing about what a cell is.

use super::{CellSet, Layout, Viewport, Workspace};
use crate::{
    model::arrangement::{Divider, Grid, Parting},
    workspace::command::Command,
};
use std::cmp::Ordering;

/// Tiles as the command makes them.
const TILES: Grid = Grid::new(4, 3);

impl Workspace {
    /// Carries out the commands of this module and of hanging. `false` when it is none of them.
    pub(super) fn execute_hanging(&mut self, command: Command) -> bool {
        let before = self.arrangement();
        let done = self.execute_arranging(command);
        if done {
            self.remember_layout(before);
        }
        done
    }

    fn execute_arranging(&mut self, command: Command) -> bool {
        let cell = self.active;
        match command {
            Command::SplitRight => {
                self.split_cell(cell, Parting::Upright, 0.5);
            }
            Command::SplitDown => {
                self.split_cell(cell, Parting::Level, 0.5);
            }
            Command::JoinCells => {
                self.join_active();
            }
            Command::Tiles => match self.layout {
                Layout::Tiles(_) => self.set_layout(Layout::ONE),
                _ => self.set_tiles(TILES),
            },
            Command::Detach => self.toggle_detached(cell),
            Command::Hang => {
                self.hang_again();
            }
            Command::StageNext => self.change_stage(true),
            Command::StagePrevious => self.change_stage(false),
            Command::WithPrior => {
                self.hang_with_prior();
            }
            Command::SaveProtocol => self.draft_protocol(""),
            Command::HangOnOpening => self.settings.hang = !self.settings.hang,
            _ => return false,
        }
        true
    }

    /// Parts a cell in two; the new one takes the next series of the patient.
    pub fn split_cell(&mut self, cell: usize, way: Parting, at: f64) -> bool {
        let parted = match self.layout {
            Layout::Mpr | Layout::Tiles(_) => return false,
            _ => self.layout.split(cell, way, at),
        };
        let Ok(layout) = parted else { return false };
        let new = self.layout.cells();
        self.layout = layout;
        self.hanging.changed = true;
        self.fit_viewports();
        if let Some(viewport) = self.viewports.get_mut(new) {
            viewport.clear();
        }
        self.maximised = false;
        self.fill_cells();
        self.request_frames();
        true
    }

    /// Makes one cell of two that have a whole side in common; `gone` and what it shows go.
    pub fn join_cells(&mut self, keep: usize, gone: usize) -> bool {
        if matches!(self.layout, Layout::Mpr | Layout::Tiles(_)) {
            return false;
        }
        let Ok(layout) = self.layout.join(keep, gone) else {
            return false;
        };
        self.layout = layout;
        self.hanging.changed = true;
        if gone < self.viewports.len() {
            self.viewports.remove(gone);
        }
        self.fit_viewports();
        let moved = |cell: usize| match cell.cmp(&gone) {
            Ordering::Less => Some(cell),
            Ordering::Equal => None,
            Ordering::Greater => Some(cell - 1),
        };
        self.active = moved(self.active).or(moved(keep)).unwrap_or_default();
        self.films.renumber(moved);
        self.linking.renumber(moved);
        self.windows.renumber(moved);
        self.detached = self.detached.filter_map(moved).collect();
        self.maximised = false;
        self.request_frames();
        true
    }

    /// Joins the active cell with its neighbour.
    pub fn join_active(&mut self) -> bool {
        let keep = self.active;
        match self.layout.partner(keep) {
            Some(gone) => self.join_cells(keep, gone),
            None => false,
        }
    }

    /// Moves a line between cells.
    pub fn move_divider(&mut self, divider: Divider, to: u16) {
        if !matches!(self.layout, Layout::Mpr | Layout::Tiles(_)) {
            self.layout = self.layout.with_moved(divider, to);
        }
    }

    /// Another layout whose cells are the same ones: a line is being moved; or any other one.
    pub fn set_shape(&mut self, layout: Layout) {
        if layout.cells() == self.layout.cells() && self.is_free() {
            self.layout = layout;
        } else {
            self.set_layout(layout);
        }
    }

    /// A line was moved; this is how the layout was before.
    pub fn layout_done(&mut self, before: Layout) {
        let now = std::mem::replace(&mut self.layout, before);
        let before = self.arrangement();
        self.layout = now;
        self.remember_layout(before);
        self.request_frames();
    }

    /// Gives the active cell a window of its own, or brings it back.
    pub fn toggle_detached(&mut self, cell: usize) {
        let one = CellSet::one(cell);
        self.detached = if self.detached.contains(cell) {
            self.detached.without(one)
        } else {
            self.detached.union(one)
        };
        self.maximised = false;
        self.request_frames();
    }

    /// The cells in windows of their own that the layout still has.
    pub fn detached_cells(&self) -> CellSet {
        let gone = CellSet::first(self.layout.cells());
        self.detached.without(self.detached.without(gone))
    }

    /// Saves the layout under a name; one of the same name is replaced.
    pub fn save_layout(&mut self, name: &str) {
        let name: String = name
            .trim()
            .chars()
            .filter(|c| !c.is_control())
            .take(60)
            .collect();
        if name.is_empty() {
            return;
        }
        let detached = self.detached_cells();
        let monitors = self.windows.monitors.key();
        let windows = self.windows.of_cells(detached);
        self.shelf
            .put_layout(&name, &self.layout, detached, (&monitors, windows));
        self.keep_shelf();
    }

    /// Arranges the cells as a saved layout says.
    pub fn recall_layout(&mut self, name: &str) {
        let Some((layout, detached)) = self.shelf.layout(name) else {
            return;
        };
        match layout {
            Layout::Tiles(grid) => self.set_tiles(grid),
            layout => self.set_layout(layout),
        }
        self.detached = detached;
        let monitors = self.windows.monitors.key();
        let places = self.shelf.places(name, &monitors).to_vec();
        self.windows.recall_views(&places);
        self.request_frames();
    }

    /// Forgets a saved layout.
    pub fn forget_layout(&mut self, name: &str) {
        self.shelf.remove_layout(name);
        self.keep_shelf();
    }

    /// Whether the cells can be split and joined: not those that stand together by what they show.
    pub fn is_free(&self) -> bool {
        !matches!(self.layout, Layout::Mpr | Layout::Tiles(_))
    }

    /// Whether a cell shows anything.
    pub fn shows(&self, cell: usize) -> bool {
        self.viewports
            .get(cell)
            .is_some_and(|v: &Viewport| v.patient().is_some())
    }
}
