//! Cuts and sampling: turning the planes of a volume, slabs, and how values between voxels are made.

use super::{
    Command, Workspace,
    view::{ViewKind, ViewState, Viewport},
};
use crate::model::{
    cuts::Cuts,
    geometry::BodyPlane,
    slab::{FIRST_THICKNESS_MM, Projection, Slab},
    view::Interpolation,
};
use glam::DVec3;

impl Workspace {
    /// Turns the plane `moved` about an axis (the normal of what is seen in a cell) by an angle in radians, in all cells
    /// that cut the same volume; the other plane turns with it where planes are kept at right angles.
    pub fn turn_planes(&mut self, cell: usize, moved: BodyPlane, axis: DVec3, angle: f64) {
        let Some(viewport) = self.viewports.get(cell) else {
            return;
        };
        let Some(seen_in) = viewport.kind.plane() else {
            return;
        };
        let locked = self.settings.lock_planes;
        let cuts = viewport.cuts.turned(seen_in, moved, axis, angle, locked);
        self.set_cuts(cell, cuts);
    }

    /// Gives all cells that cut the volume of a cell these directions.
    fn set_cuts(&mut self, cell: usize, cuts: Cuts) {
        let key = |v: &Viewport| v.node.as_ref().map(|n| n.key.clone());
        let Some(series) = self.viewports.get(cell).and_then(key) else {
            return;
        };
        for viewport in &mut self.viewports {
            let Some(plane) = viewport.kind.plane() else {
                continue;
            };
            if key(viewport).as_ref() == Some(&series) {
                viewport.cuts = cuts;
                viewport.kind = match cuts.is_body(plane) {
                    true => ViewKind::Plane(plane),
                    false => ViewKind::Oblique(plane),
                };
            }
        }
        self.request_frames();
    }

    /// Brings the planes of the active cell's volume back to the body's.
    pub(super) fn reset_planes(&mut self) {
        self.set_cuts(self.active, Cuts::default());
    }

    /// Makes the slab of a cell thicker, or thinner, by notches of the wheel. Returns whether the cell cuts a volume.
    pub fn thicken(&mut self, cell: usize, notches: i64) -> bool {
        let Some(viewport) = self.viewports.get_mut(cell).filter(|v| v.kind.is_cut()) else {
            return false;
        };
        let before = viewport.view.clone();
        viewport.view.slab = thickened(viewport.view.slab, notches);
        if viewport.view.slab != before.slab {
            self.remember(cell, before);
        }
        true
    }
}

/// A slab after notches of the wheel: without one the first notch makes it, and under a millimetre there is none.
fn thickened(slab: Option<Slab>, notches: i64) -> Option<Slab> {
    match slab {
        None if notches > 0 => Some(Slab {
            projection: Projection::Mip,
            thickness_mm: FIRST_THICKNESS_MM,
        }),
        Some(slab) if notches < 0 && slab.thickened(notches) == slab => None,
        slab => slab.map(|slab| slab.thickened(notches)),
    }
}

/// What a command does to the way in which a picture is sampled; nothing where it is none of these.
pub(super) fn change_sampling(view: &mut ViewState, command: Command) {
    let mut project = |projection| {
        let thickness_mm = view
            .slab
            .map_or(FIRST_THICKNESS_MM, |slab| slab.thickness_mm);
        view.slab = Some(Slab {
            projection,
            thickness_mm,
        });
    };
    match command {
        Command::SlabMip => project(Projection::Mip),
        Command::SlabMinip => project(Projection::MinIp),
        Command::SlabMean => project(Projection::Mean),
        Command::SlabOff => view.slab = None,
        Command::SlabThicker => view.slab = thickened(view.slab, 1),
        Command::SlabThinner => view.slab = thickened(view.slab, -1),
        Command::ToggleInterpolation => view.interpolation = view.interpolation.next(),
        Command::InterpolationNearest => view.interpolation = Interpolation::Nearest,
        Command::InterpolationLinear => view.interpolation = Interpolation::Linear,
        Command::InterpolationCubic => view.interpolation = Interpolation::Cubic,
        Command::ToggleArea => view.area = !view.area,
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_and_the_wheel_make_slabs_and_take_them_away() {
        let mut view = ViewState::default();
        let mut check = |command: Command, expected: Option<(Projection, f64)>| {
            change_sampling(&mut view, command);
            let slab = view.slab.map(|slab| (slab.projection, slab.thickness_mm));
            assert_eq!(slab, expected, "{command:?}");
        };
        check(Command::SlabThinner, None);
        check(Command::SlabThicker, Some((Projection::Mip, 10.0)));
        check(Command::SlabThicker, Some((Projection::Mip, 12.0)));
        check(Command::SlabMean, Some((Projection::Mean, 12.0)));
        check(Command::SlabMinip, Some((Projection::MinIp, 12.0)));
        check(Command::SlabOff, None);
        check(Command::SlabMean, Some((Projection::Mean, 10.0)));
        check(Command::ToggleArea, Some((Projection::Mean, 10.0)));
        assert!(!view.area);
        assert_eq!(
            thickened(view.slab, -100).map(|s| s.thickness_mm),
            Some(1.0)
        );
        assert_eq!(thickened(thickened(view.slab, -100), -1), None);
    }

    #[test]
    fn one_key_goes_through_all_interpolations() {
        let mut view = ViewState::default();
        let mut seen = vec![view.interpolation];
        for _ in 0..3 {
            change_sampling(&mut view, Command::ToggleInterpolation);
            seen.push(view.interpolation);
        }
        use Interpolation::{Cubic, Linear, Nearest};
        assert_eq!(seen, [Linear, Cubic, Nearest, Linear]);
    }
}
