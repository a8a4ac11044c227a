//! Views that follow each other, the 3-D cursor, and scales that hold on the screen.

use super::{Viewport, Workspace};
use crate::{
    model::lut::ModalityUnit,
    tools::navigate::{SCALE_RANGE, ZOOM_RANGE},
    workspace::{
        command::Command,
        link::{Anchor, Way, nearest_slice},
        linking::{Cursor, LinkKind, Move, Tie, Tied},
        place::frame_plane,
        view::{Picture, ViewState, VoiChoice},
    },
};
use glam::DVec3;
use std::sync::Arc;

/// Farther than this from the shown slice a point of the 3-D cursor is said to be off it, millimetres.
pub const ON_PLANE_MM: f64 = 0.05;

impl Workspace {
    /// Whether views of two cells may move together: one patient, or two of whom somebody allowed it (safety S3).
    fn may_link(&self, a: &Viewport, b: &Viewport) -> bool {
        match (a.patient(), b.patient()) {
            (Some(a), Some(b)) => {
                let allowed = |patient| self.linking.allowed.contains(patient);
                a == b || (allowed(a) && allowed(b))
            }
            _ => false,
        }
    }

    /// By what two cells know the same slice; `None` when they do not, whatever is switched on.
    pub fn tie(&self, a: usize, b: usize) -> Option<Tie> {
        let (left, right) = (self.viewports.get(a)?, self.viewports.get(b)?);
        if a == b || !self.may_link(left, right) {
            return None;
        }
        let anchor = |cell: usize, viewport: &Viewport| {
            let anchor = self.linking.anchor_of(cell, viewport.series_key()?)?;
            Some(*anchor)
        };
        if let (Some(own), Some(other)) = (anchor(a, left), anchor(b, right)) {
            // Going through an axial stack says nothing about a coronal one.
            let across = match (own.plane, other.plane) {
                (Some(own), Some(other)) => !own.runs_with(&other),
                _ => false,
            };
            if !across {
                return Some(match self.linking.assumed {
                    true => Tie::Assumed,
                    false => Tie::Offset,
                });
            }
        }
        let runs_with = || Some(left.plane_shown()?.runs_with(&right.plane_shown()?));
        (left.shares_space_with(right) && runs_with()?).then_some(Tie::Place)
    }

    /// The best tie of a cell to any other on the screen, for the mark in it.
    pub fn tie_of(&self, cell: usize) -> Option<Tie> {
        let mut ties = self
            .visible_cells()
            .filter_map(|other| self.tie(cell, other));
        let first = ties.next()?;
        match first {
            Tie::Offset | Tie::Assumed => Some(first),
            Tie::Place => ties.find(|t| *t != Tie::Place).or(Some(first)),
        }
    }

    /// Whether a cell has another on the screen of which a kind is shared, so that the mark is drawn.
    pub fn is_linked(&self, cell: usize) -> bool {
        let linking = &self.linking;
        if linking.scroll && self.tie_of(cell).is_some() {
            return true;
        }
        let Some(own) = self.viewports.get(cell) else {
            return false;
        };
        (linking.pan || linking.zoom || linking.window)
            && self.visible_cells().any(|other| {
                let shown = self.viewports.get(other);
                other != cell && shown.is_some_and(|v| v.display.is_some() && self.may_link(own, v))
            })
    }

    /// How far the slice of the active view lies beyond the end of a stack that follows it by place, millimetres: what
    /// is shown there is the last slice and not the same place.
    pub fn beyond_end(&self, cell: usize) -> Option<f64> {
        if !self.linking.scroll || self.tie(self.active, cell)? != Tie::Place {
            return None;
        }
        let viewport = self.viewports.get(cell).filter(|v| !v.is_cut())?;
        let display = viewport.display.as_ref()?;
        let last = display.layout.frames.len().checked_sub(1)?;
        let beside = match viewport.slice {
            0 => 1,
            at if at == last => last - 1,
            _ => return None,
        };
        let own = viewport.plane_shown()?;
        let step = frame_plane(display, beside).map_or(0.0, |p| own.distance_mm(p.centre));
        let asked = own.distance_mm(self.active_viewport()?.plane_shown()?.centre);
        // On the side of the other slices the nearest one is shown, however far.
        let outside = asked * step <= 0.0 && asked.abs() > step.abs() / 2.0 + ON_PLANE_MM;
        outside.then_some(asked.abs())
    }

    /// The other views follow a cell that went to another slice.
    pub(super) fn follow_scroll(&mut self, leader: usize) {
        if !self.linking.scroll {
            return;
        }
        for cell in self.visible_cells() {
            if let Some(to) = self.followed(leader, cell) {
                self.move_cell(cell, to);
            }
        }
    }

    fn move_cell(&mut self, cell: usize, to: Move) {
        let Some(viewport) = self.viewports.get_mut(cell) else {
            return;
        };
        match to {
            Move::Slice(index) => viewport.slice = index,
            Move::Through(point, plane) => {
                let normal = plane.normal();
                let own = viewport.crosshair.unwrap_or(plane.centre);
                let moved = own + normal * (point - own).dot(normal);
                viewport.crosshair = Some(moved);
                self.share_crosshair(cell, Some(moved));
            }
        }
    }

    /// Where a cell has to go so that it shows what the leader shows.
    fn followed(&self, leader: usize, cell: usize) -> Option<Move> {
        let tie = self.tie(leader, cell)?;
        let (from, to) = (self.viewports.get(leader)?, self.viewports.get(cell)?);
        let one_volume = from.is_cut() && to.is_cut() && from.series_key() == to.series_key();
        if one_volume {
            // Cuts of one volume share their crosshair already.
            return None;
        }
        let shown = from.plane_shown();
        match tie {
            Tie::Place => {
                let plane = shown?;
                if to.is_cut() {
                    return Some(Move::Through(plane.centre, to.plane_shown()?));
                }
                let found = nearest_slice(to.frame_planes(), plane.centre, Some(&plane))?;
                Some(Move::Slice(found.index))
            }
            Tie::Offset | Tie::Assumed => {
                let lead = self.linking.anchor_of(leader, from.series_key()?)?;
                let follow = self.linking.anchor_of(cell, to.series_key()?)?;
                let way = lead.way(from.slice_index(), shown.as_ref(), follow);
                match (to.is_cut(), way, follow.plane) {
                    (true, Way::Millimetres(mm), Some(plane)) => {
                        let point = plane.centre + plane.normal() * mm;
                        Some(Move::Through(point, to.plane_shown()?))
                    }
                    (true, ..) => None,
                    (false, ..) => {
                        let found = follow.slice_after(way, to.slice_count(), to.frame_planes())?;
                        Some(Move::Slice(found.index))
                    }
                }
            }
        }
    }

    /// The present slices of all views correspond from now on. Different patients are asked about first.
    pub(super) fn link_here(&mut self) {
        let patients: Vec<_> = self
            .visible_cells()
            .filter_map(|cell| {
                let viewport = self.viewports.get(cell)?;
                viewport.display.as_ref().and(viewport.patient()).cloned()
            })
            .collect();
        let several = patients.iter().any(|p| Some(p) != patients.first());
        if several && !patients.iter().all(|p| self.linking.allowed.contains(p)) {
            self.linking.asking = true;
            return;
        }
        let mut tied = Vec::new();
        for cell in self.visible_cells() {
            if let Some(viewport) = self.viewports.get(cell)
                && let Some(node) = &viewport.node
            {
                let anchor = Anchor {
                    index: viewport.slice_index(),
                    plane: viewport.plane_shown(),
                };
                tied.push(Tied {
                    cell,
                    series: node.key.clone(),
                    anchor,
                });
            }
        }
        if tied.len() < 2 {
            return self.notify("notice-link-one-view", String::new());
        }
        self.linking.tied = tied;
        self.linking.assumed = false;
        self.linking.scroll = true;
    }

    /// Correspondences and permissions that were given go; views of one frame of reference stay linked.
    pub(super) fn unlink(&mut self) {
        self.linking.tied.clear();
        self.linking.allowed.clear();
    }

    /// The answer to whether views of different patients may be linked.
    pub(in crate::workspace) fn answer_link(&mut self, yes: bool) {
        self.linking.asking = false;
        if yes {
            let shown = self.visible_cells();
            self.linking.allowed = shown
                .filter_map(|c| self.viewports.get(c)?.patient().cloned())
                .collect();
            self.link_here();
        }
    }

    /// The other views follow a cell whose view was changed.
    pub(in crate::workspace) fn follow_view(&mut self, leader: usize, before: &ViewState) {
        let Some(after) = self.viewports.get(leader).map(|v| v.view.clone()) else {
            return;
        };
        let linking = &self.linking;
        let changed = [
            linking.pan && after.centre != before.centre,
            linking.zoom && after.zoom != before.zoom,
            linking.window && after.voi != before.voi,
        ];
        if changed == [false; 3] {
            return;
        }
        for cell in self.visible_cells() {
            let Some(view) = self.view_followed(leader, cell, before, changed) else {
                continue;
            };
            let known = self.linking.before.iter().any(|(c, _)| *c == cell);
            let Some(viewport) = self.viewports.get_mut(cell) else {
                continue;
            };
            let old = std::mem::replace(&mut viewport.view, view);
            if !known {
                self.linking.before.push((cell, old));
            }
        }
    }

    /// How a cell looks that follows: pan, zoom, window, as far as they changed.
    fn view_followed(
        &self,
        leader: usize,
        cell: usize,
        before: &ViewState,
        [pan, zoom, window]: [bool; 3],
    ) -> Option<ViewState> {
        let (from, to) = (self.viewports.get(leader)?, self.viewports.get(cell)?);
        if leader == cell || to.display.is_none() || !self.may_link(from, to) {
            return None;
        }
        let mut view = to.view.clone();
        let scales = self.scales(leader, cell);
        if zoom {
            view.zoom = match scales {
                // Millimetres a pixel become the same.
                Some(scales) if scales.in_mm => scales.follower_fit / scales.leader_unit,
                _ => to.view.zoom * from.view.zoom / before.zoom,
            }
            .clamp(ZOOM_RANGE.0, ZOOM_RANGE.1);
        }
        if pan {
            view.centre = self.centre_followed(leader, cell, scales);
        }
        if window && let Some(voi) = window_followed(from, to) {
            view.voi = voi;
        }
        (view != to.view).then_some(view)
    }

    fn scales(&self, leader: usize, cell: usize) -> Option<Scales> {
        let picture = |cell: usize| {
            let viewport = self.viewports.get(cell)?;
            let picture = viewport.picture(self.linking.size_of(cell)?)?;
            let unit = picture.unit_per_pixel;
            Some((unit, unit * viewport.view.zoom, picture.spacing.source()))
        };
        let (leader_unit, leader_fit, own) = picture(leader)?;
        let (_, follower_fit, other) = picture(cell)?;
        Some(Scales {
            leader_unit,
            leader_fit,
            follower_fit,
            in_mm: own.is_some() && other.is_some(),
        })
    }

    /// The middle of a view that follows: the same patient point where both share a space and look the same way, else
    /// as far beside the middle of its own picture.
    fn centre_followed(&self, leader: usize, cell: usize, scales: Option<Scales>) -> Option<DVec3> {
        let (from, to) = (self.viewports.get(leader)?, self.viewports.get(cell)?);
        let size = [64, 64];
        let centre_of = |viewport: &Viewport| {
            let picture = viewport.picture(size)?;
            Some((picture.patient_at(32.0, 32.0), picture))
        };
        let centred = |viewport: &Viewport| {
            let mut viewport = viewport.clone();
            viewport.view.centre = None;
            centre_of(&viewport)
        };
        from.view.centre?;
        let (centre, _) = centre_of(from)?;
        let same_way = || Some(from.plane_shown()?.runs_with(&to.plane_shown()?));
        if from.shares_space_with(to) && same_way() == Some(true) {
            return Some(centre);
        }
        let (own_middle, own) = centred(from)?;
        let (middle, other) = centred(to)?;
        let scale = match scales {
            Some(scales) if !scales.in_mm => scales.follower_fit / scales.leader_fit,
            _ => 1.0,
        };
        let beside = (centre - own_middle) * scale;
        Some(middle + other.right * beside.dot(own.right) + other.down * beside.dot(own.down))
    }

    /// What followed a gesture that ended: each view with its state before.
    pub(super) fn followers_before(&mut self) -> Vec<(usize, ViewState)> {
        std::mem::take(&mut self.linking.before)
    }

    /// Shows a patient point in every view that shares the space of a cell, and brings stacks to it.
    pub(super) fn place_cursor(&mut self, cell: usize, point: DVec3) {
        let Some(from) = self.viewports.get(cell) else {
            return;
        };
        if from.plane_shown().is_none() {
            return;
        }
        let moves: Vec<(usize, Move)> = self
            .visible_cells()
            .filter(|other| *other != cell)
            .filter_map(|other| {
                let viewport = self.viewports.get(other)?;
                if !viewport.shares_space_with(from) {
                    return None;
                }
                if viewport.is_cut() {
                    return Some((other, Move::Through(point, viewport.plane_shown()?)));
                }
                let found = nearest_slice(viewport.frame_planes(), point, None)?;
                Some((other, Move::Slice(found.index)))
            })
            .collect();
        for (other, to) in moves {
            self.move_cell(other, to);
        }
        self.linking.cursor = Some(Cursor { point, cell });
    }

    /// How far the 3-D cursor lies off what a cell shows, millimetres; `None` where it means nothing.
    pub fn cursor_in(&self, cell: usize) -> Option<(DVec3, f64)> {
        let cursor = self.linking.cursor.as_ref()?;
        let (own, viewport) = (self.viewports.get(cursor.cell)?, self.viewports.get(cell)?);
        let plane = viewport.plane_shown()?;
        (cell == cursor.cell || viewport.shares_space_with(own))
            .then(|| (cursor.point, plane.distance_mm(cursor.point)))
    }

    /// Enlarges the active view so that an image pixel is so many units of its grid wide on a device pixel.
    pub(super) fn scale_active(&mut self, scale: ScreenScale) {
        let cell = self.active;
        let Some(viewport) = self.viewports.get_mut(cell) else {
            return;
        };
        let Some(picture) = self
            .linking
            .size_of(cell)
            .and_then(|size| viewport.picture(size))
        else {
            return;
        };
        let fit = picture.unit_per_pixel * viewport.view.zoom;
        let unit = match scale {
            ScreenScale::OneToOne => picture.spacing.row_column().1,
            ScreenScale::Millimetres(pitch) => pitch,
        };
        let before = viewport.view.clone();
        viewport.view.zoom = (fit / unit).clamp(SCALE_RANGE.0, SCALE_RANGE.1);
        self.remember(cell, before);
    }

    /// Shows the active picture in its size on the body, where the size of the monitor and of the pixels is known.
    pub(super) fn life_size(&mut self) -> Option<super::Effect> {
        let spacing = self.active_viewport().and_then(Viewport::frame_description);
        if spacing.is_none_or(|d| d.spacing.source().is_none()) {
            self.notify("notice-life-size-uncalibrated", String::new());
            return None;
        }
        match self.settings.pixel_pitch_mm {
            Some(pitch) => {
                self.scale_active(ScreenScale::Millimetres(pitch));
                None
            }
            None => {
                self.notify("notice-monitor-unknown", String::new());
                Some(super::Effect::MonitorSize)
            }
        }
    }

    /// Whether a picture is as large on the screen as in the patient, within a thousandth.
    pub fn is_life_size(&self, picture: &Picture) -> bool {
        let pitch = self.settings.pixel_pitch_mm;
        picture.spacing.source().is_some()
            && pitch.is_some_and(|p| (picture.unit_per_pixel / p - 1.0).abs() < 1e-3)
    }

    /// What is opened starts with the scrolling tool where that is asked for.
    pub(super) fn start_tool(&mut self) {
        if self.settings.start_with_scroll {
            self.tool = crate::tools::Tool::Scroll;
        }
    }

    /// Whether a command that switches something is on, for the menu.
    pub fn is_on(&self, command: Command) -> bool {
        match command {
            Command::LinkScroll => self.linking.scroll,
            Command::LinkPan => self.linking.pan,
            Command::LinkZoom => self.linking.zoom,
            Command::LinkWindow => self.linking.window,
            Command::ReferenceLines => self.linking.lines,
            Command::StartWithScroll => self.settings.start_with_scroll,
            _ => false,
        }
    }

    /// Carries out what belongs to linking; whether it did.
    pub(super) fn link_command(&mut self, command: Command) -> bool {
        match command {
            Command::LinkHere => self.link_here(),
            Command::Unlink => self.unlink(),
            Command::LinkScroll => self.linking.toggle(LinkKind::Scroll),
            Command::LinkPan => self.linking.toggle(LinkKind::Pan),
            Command::LinkZoom => self.linking.toggle(LinkKind::Zoom),
            Command::LinkWindow => self.linking.toggle(LinkKind::Window),
            Command::ReferenceLines => self.linking.lines = !self.linking.lines,
            Command::StartWithScroll => {
                self.settings.start_with_scroll ^= true;
                self.start_tool();
            }
            Command::ActualSize => self.scale_active(ScreenScale::OneToOne),
            _ => return false,
        }
        true
    }
}

/// A scale that holds on the screen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum ScreenScale {
    /// One image column on one device pixel.
    OneToOne,
    /// So many millimetres of the image on one device pixel.
    Millimetres(f64),
}

/// Scales of two views.
#[derive(Clone, Copy, Debug)]
struct Scales {
    leader_unit: f64,
    leader_fit: f64,
    follower_fit: f64,
    /// Both are millimetres.
    in_mm: bool,
}

/// The window of a view that follows. Numbers are carried over only where they mean the same: one unit that both name
/// (HU and HU), or one series; choices (preset, automatic, of the file) are each view's own.
fn window_followed(from: &Viewport, to: &Viewport) -> Option<VoiChoice> {
    let unit = |v: &Viewport| v.frame_description().map(|d| d.unit.clone());
    let modality = |v: &Viewport| v.node.as_ref().map(|n| n.description.modality.clone());
    if modality(from)? != modality(to)? {
        return None;
    }
    let series = |v: &Viewport| v.node.as_ref().map(|n| Arc::clone(&n.description));
    let comparable = match (unit(from)?, unit(to)?) {
        (ModalityUnit::Hounsfield, ModalityUnit::Hounsfield) => true,
        _ => series(from)?.uid == series(to)?.uid,
    };
    match &from.view.voi {
        VoiChoice::Custom(_) if !comparable => None,
        // Of filters that the other has not.
        VoiChoice::Result { .. } => None,
        choice => Some(choice.clone()),
    }
}
