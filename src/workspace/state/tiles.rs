//! One series as tiles: consecutive images over all cells, by pages.
//!
//! Must stay true: all tiles are of one series and have one view; the last page may leave cells empty.

use super::{Layout, ViewKind, Workspace};
use crate::model::arrangement::Grid;

impl Workspace {
    /// Shows the active series as tiles, from its shown image on.
    pub fn set_tiles(&mut self, grid: Grid) {
        let active = self.active;
        if active != 0
            && let Some(viewport) = self.viewports.get(active).cloned()
            && let Some(first) = self.viewports.first_mut()
        {
            *first = viewport;
        }
        self.layout = Layout::Tiles(grid);
        self.hanging.changed = true;
        self.fit_viewports();
        self.maximised = false;
        self.active = 0;
        self.begin_tiles();
        self.request_frames();
    }

    /// Fills the tiles with the series of the active cell.
    pub(super) fn begin_tiles(&mut self) {
        let Some(source) = self.active_viewport().cloned() else {
            return;
        };
        if source.display.is_none() {
            return;
        }
        let at = source.frame_shown();
        if let Some(first) = self.viewports.first_mut() {
            *first = source;
            first.kind = ViewKind::Stack;
            first.crosshair = None;
        }
        self.active = 0;
        self.turn_to(at);
    }

    /// Turns to the page with an image.
    pub(super) fn turn_to(&mut self, index: usize) {
        let cells = self.layout.cells().max(1);
        let Some(model) = self.viewports.first().cloned() else {
            return;
        };
        let count = model.slice_count();
        let begin = index.min(count.saturating_sub(1)) / cells * cells;
        for (cell, viewport) in self.viewports.iter_mut().take(cells).enumerate() {
            if begin + cell >= count {
                viewport.clear();
                continue;
            }
            viewport.clone_from(&model);
            viewport.slice = begin + cell;
        }
        // Beyond the end there is nothing to be active.
        let shown = count.saturating_sub(begin).clamp(1, cells);
        self.active = self.active.min(shown - 1);
        self.request_frames();
    }

    /// Turns by pages.
    pub(super) fn turn_pages(&mut self, by: i64) {
        let cells = self.layout.cells().max(1);
        let (at, count) = self
            .viewports
            .first()
            .map_or((0, 0), |v| (v.slice, v.slice_count()));
        let last = count.saturating_sub(1) / cells;
        let page = (at / cells) as i64;
        let target = page.saturating_add(by).clamp(0, last as i64);
        self.turn_to(target as usize * cells);
    }

    /// Gives all tiles the view of one; says whether the cells are tiles.
    pub(in crate::workspace) fn share_tile_view(&mut self, cell: usize) -> bool {
        if !matches!(self.layout, Layout::Tiles(_)) {
            return false;
        }
        if let Some(view) = self.viewports.get(cell).map(|v| v.view.clone()) {
            let cells = self.layout.cells();
            for viewport in self.viewports.iter_mut().take(cells) {
                if viewport.node.is_some() && viewport.view != view {
                    viewport.view.clone_from(&view);
                }
            }
        }
        true
    }
}
