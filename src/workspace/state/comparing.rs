//! A prior that hangs beside a study goes along with it by millimetres, although nothing says how the two lie to each other.
//!
//! Must stay true: it is said to be assumed, it gives way to what somebody states, and it holds for nothing but one patient's
//! stacks of one direction that a protocol hangs to be scrolled together.

use super::{Viewport, Workspace};
use crate::workspace::{
    link::{Anchor, SlicePlane, nearest_slice},
    linking::Tied,
    place::frame_plane,
};

/// Two stacks lie so far over each other, as a share of the shorter one, that their scanners' positions are taken.
const OVERLAP: f64 = 0.8;

/// The stack of a view along a normal: its middle slice, and from where to where it reaches.
struct Reach {
    middle: (usize, SlicePlane),
    from: f64,
    to: f64,
}

fn reach(viewport: &Viewport, along: &SlicePlane) -> Option<Reach> {
    let display = viewport.display.as_ref()?;
    let last = display.layout.frames.len().checked_sub(1)?;
    let at = |index: usize| Some(along.distance_mm(frame_plane(display, index)?.centre));
    let (a, b) = (at(0)?, at(last)?);
    Some(Reach {
        middle: (last / 2, frame_plane(display, last / 2)?),
        from: a.min(b),
        to: a.max(b),
    })
}

/// The slices of two views that are taken for the same place: that at the same position where both stacks lie over each
/// other, as two chests in one scanner do, else their middles.
fn counterparts(own: &Viewport, other: &Viewport) -> Option<(Anchor, Anchor)> {
    let plane = own.frame_planes().next()??;
    let (here, there) = (reach(own, &plane)?, reach(other, &plane)?);
    if !here.middle.1.runs_with(&there.middle.1) {
        return None;
    }
    let shorter = (here.to - here.from).min(there.to - there.from);
    let over = here.to.min(there.to) - here.from.max(there.from);
    let (index, middle) = here.middle;
    let mut found = there.middle;
    if over >= OVERLAP * shorter {
        let nearest = nearest_slice(other.frame_planes(), middle.centre, Some(&middle))?;
        found = (nearest.index, other.frame_planes().nth(nearest.index)??);
    }
    let anchor = |(index, plane): (usize, SlicePlane)| Anchor {
        index,
        plane: Some(plane),
    };
    Some((anchor((index, middle)), anchor(found)))
}

impl Workspace {
    /// Ties the views of a prior to those of the study that is read, where nothing else does.
    pub(super) fn tie_prior(&mut self, study: &str, prior: &str) {
        let of = |uid: &str| {
            let mut cells = self.visible_cells();
            cells.find(|cell| {
                let shown = self.viewports.get(*cell).and_then(Viewport::study);
                shown.is_some_and(|s| s.uid == uid)
            })
        };
        let Some((own, other)) = of(study).zip(of(prior)) else {
            return;
        };
        if self.tie(own, other).is_some() {
            self.follow_scroll(own);
            return;
        }
        let views = self.viewports.get(own).zip(self.viewports.get(other));
        let Some((left, right)) = views else { return };
        let Some((here, there)) = counterparts(left, right) else {
            return;
        };
        let tied = [(own, left, here), (other, right, there)];
        let tied = tied.into_iter().filter_map(|(cell, viewport, anchor)| {
            Some(Tied {
                cell,
                series: viewport.series_key()?.to_owned(),
                anchor,
            })
        });
        let tied: Vec<Tied> = tied.collect();
        self.linking.tied = tied;
        self.linking.assumed = true;
        self.follow_scroll(own);
    }
}
