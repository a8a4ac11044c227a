//! What of the views moves together, and the correspondences that somebody stated.

use super::{
    link::{Anchor, SlicePlane},
    view::ViewState,
};
use crate::model::identity::PatientIdentity;
use glam::DVec3;
use std::sync::Arc;

/// Something that views can share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkKind {
    /// Going through the slices.
    Scroll,
    /// The place in the middle.
    Pan,
    /// Millimetres a pixel.
    Zoom,
    /// Window and level.
    Window,
}

/// By what two views know the same slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tie {
    /// Patient millimetres of one frame of reference.
    Place,
    /// A correspondence that somebody stated.
    Offset,
    /// A correspondence that was taken for a prior that hangs beside.
    Assumed,
}

/// A view that was anchored.
#[derive(Clone, Debug)]
pub(super) struct Tied {
    pub cell: usize,
    pub series: String,
    pub anchor: Anchor,
}

/// A patient point that is shown in every view that shares its space.
#[derive(Clone, Debug)]
pub struct Cursor {
    /// Patient millimetres.
    pub point: DVec3,
    /// The cell that it was set in.
    pub cell: usize,
}

/// The state of linking.
#[derive(Debug)]
pub struct Linking {
    /// Slices are gone through together.
    pub scroll: bool,
    /// Pictures are moved together.
    pub pan: bool,
    /// Pictures are enlarged together.
    pub zoom: bool,
    /// Windows are changed together.
    pub window: bool,
    /// Lines of the active view are drawn over the others.
    pub lines: bool,
    /// Different patients are about to be linked: the user is asked.
    pub asking: bool,
    /// The point of the 3-D cursor.
    pub cursor: Option<Cursor>,
    pub(super) tied: Vec<Tied>,
    /// Nobody stated what is tied.
    pub(super) assumed: bool,
    /// Patients of whom somebody said that their views may be linked.
    pub(super) allowed: Vec<Arc<PatientIdentity>>,
    /// Pixels of each cell on the screen.
    pub(super) sizes: Vec<[u32; 2]>,
    /// Views that follow a gesture which is under way, as they were before.
    pub(super) before: Vec<(usize, ViewState)>,
}

impl Default for Linking {
    fn default() -> Self {
        Self {
            scroll: true,
            pan: false,
            zoom: false,
            window: false,
            lines: true,
            asking: false,
            cursor: None,
            tied: Vec::new(),
            assumed: false,
            allowed: Vec::new(),
            sizes: Vec::new(),
            before: Vec::new(),
        }
    }
}

impl Linking {
    /// Whether a kind is on.
    pub const fn is_on(&self, kind: LinkKind) -> bool {
        match kind {
            LinkKind::Scroll => self.scroll,
            LinkKind::Pan => self.pan,
            LinkKind::Zoom => self.zoom,
            LinkKind::Window => self.window,
        }
    }

    /// Switches a kind on or off.
    pub const fn toggle(&mut self, kind: LinkKind) {
        let flag = match kind {
            LinkKind::Scroll => &mut self.scroll,
            LinkKind::Pan => &mut self.pan,
            LinkKind::Zoom => &mut self.zoom,
            LinkKind::Window => &mut self.window,
        };
        *flag = !*flag;
    }

    /// Forgets what was said of views that are closed; what is switched on stays.
    pub(super) fn forget(&mut self) {
        self.asking = false;
        self.cursor = None;
        self.tied.clear();
        self.allowed.clear();
        self.before.clear();
    }

    /// The cells have other numbers now, or are gone.
    pub(super) fn renumber(&mut self, moved: impl Fn(usize) -> Option<usize>) {
        let tied = std::mem::take(&mut self.tied).into_iter();
        self.tied = tied
            .filter_map(|t| {
                Some(Tied {
                    cell: moved(t.cell)?,
                    ..t
                })
            })
            .collect();
        let cursor = self.cursor.take();
        self.cursor = cursor.and_then(|c| {
            Some(Cursor {
                cell: moved(c.cell)?,
                ..c
            })
        });
        // Sizes come with the next frame, and no gesture is under way.
        self.sizes.clear();
        self.before.clear();
    }

    /// Whether views are tied by a stated correspondence.
    pub const fn has_ties(&self) -> bool {
        !self.tied.is_empty()
    }

    /// Pixels of a cell on the screen, once it was drawn.
    pub fn size_of(&self, cell: usize) -> Option<[u32; 2]> {
        self.sizes.get(cell).copied().filter(|s| *s != [0, 0])
    }

    pub(super) fn set_size(&mut self, cell: usize, size: [u32; 2]) {
        if self.sizes.len() <= cell {
            self.sizes.resize(cell + 1, [0, 0]);
        }
        if let Some(slot) = self.sizes.get_mut(cell) {
            *slot = size;
        }
    }

    pub(super) fn anchor_of(&self, cell: usize, series: &str) -> Option<&Anchor> {
        let tied = self.tied.iter().find(|t| t.cell == cell)?;
        (tied.series == series).then_some(&tied.anchor)
    }
}

/// Where a view goes that follows another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Move {
    /// A stack: to a frame.
    Slice(usize),
    /// A cut: so that it goes through a point, in the direction of its own normal only.
    Through(DVec3, SlicePlane),
}
