//! From proposal to proposal: each is shown where it lies, to be accepted, corrected or rejected by a key.

use crate::{
    model::segmentation::{SegmentState, Segmentation, VoxelBox},
    workspace::Workspace,
};
use glam::DVec3;

/// The middle of a segment in its fullest slice, in voxels; `None` where it has no voxel.
fn middle_of(whole: &Segmentation, number: u16) -> Option<[usize; 3]> {
    let layer = whole.layers().get(whole.segment(number)?.layer)?;
    let bounds = layer.bounds(Some(number))?;
    let in_slice = |z: usize| {
        let part = VoxelBox {
            first: [bounds.first[0], bounds.first[1], z],
            end: [bounds.end[0], bounds.end[1], z + 1],
        };
        let voxels = layer.read(&part).into_iter().enumerate();
        let own = voxels.filter(|v| v.1 == number).map(|v| v.0);
        own.collect::<Vec<usize>>()
    };
    // What is large is no lesion: its middle slice tells as much as its fullest, and costs less.
    let middle = bounds.first[2] + bounds.size()[2] / 2;
    let slices = match bounds.voxels() > 1 << 20 {
        true => middle..middle + 1,
        false => bounds.range(2),
    };
    let (own, z) = slices
        .map(|z| (in_slice(z), z))
        .max_by_key(|(own, _)| own.len())?;
    let width = bounds.size()[0].max(1);
    let at = *own.get(own.len() / 2)?;
    Some([
        bounds.first[0] + at % width,
        bounds.first[1] + at / width,
        z,
    ])
}

impl Workspace {
    /// Chooses the next proposal of the segmentation in the active cell, or the one before, and shows its slice; from the
    /// last to the first.
    pub(in crate::workspace) fn step_proposal(&mut self, by: isize) {
        let Some(whole) = self.active_segmentation() else {
            return;
        };
        let id = whole.id.clone();
        let chosen = self.segment_of(whole).map_or(0, |s| s.number);
        let open: Vec<u16> = whole
            .segments()
            .filter(|s| s.state == SegmentState::Proposed)
            .map(|s| s.number)
            .collect();
        let next = match by > 0 {
            true => open.iter().find(|n| **n > chosen).or(open.first()),
            false => open.iter().rev().find(|n| **n < chosen).or(open.last()),
        };
        match next.copied() {
            Some(number) => {
                self.segmenting.active = Some(id);
                self.go_to_segment(number);
            }
            None => self.notify("notice-no-proposals", String::new()),
        }
    }

    /// Whether the segmentation in the active cell has a segment that nobody has judged yet.
    pub fn has_proposals(&self) -> bool {
        let whole = self.active_segmentation();
        whole.is_some_and(|s| s.segments().any(|s| s.state == SegmentState::Proposed))
    }

    /// Shows the first segment of the segmentation in the active cell.
    pub(in crate::workspace) fn show_first_segment(&mut self) {
        let whole = self.active_segmentation();
        if let Some(number) = whole.and_then(|s| s.segments().next()).map(|s| s.number) {
            self.go_to_segment(number);
        }
    }

    /// Chooses a segment of the segmentation in the active cell and shows where it lies.
    pub(in crate::workspace) fn go_to_segment(&mut self, number: u16) {
        self.segmenting.segment = number;
        let cell = self.active;
        let found = self
            .active_segmentation()
            .and_then(|whole| Some((whole.grid, middle_of(whole, number)?)));
        let (Some((grid, at)), Some(place)) = (found, self.segment_place(cell)) else {
            return;
        };
        let voxel = DVec3::from_array(at.map(|n| n as f64));
        let point = grid.patient_from_voxel.transform_point3(voxel);
        if self.viewports.get(cell).is_some_and(|v| v.is_cut()) {
            self.set_crosshair(cell, point);
        } else if place.frame.is_none()
            && let Some(inverse) = place.grid.voxel_from_patient()
        {
            let slice = inverse.transform_point3(point).z.round();
            self.go_to_slice(cell, slice.max(0.0) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        geometry::GridGeometry,
        segmentation::{Painter, Segment, SegmentationId},
    };
    use glam::DAffine3;

    #[test]
    fn a_segment_is_shown_in_its_fullest_slice() {
        let grid = GridGeometry {
            size: [20, 20, 9],
            patient_from_voxel: DAffine3::IDENTITY,
        };
        let mut whole = Segmentation::new(SegmentationId("2.25.1".into()), grid);
        whole.put_segment(Segment::new(1, "a"));
        whole.put_segment(Segment::new(2, "empty"));
        let mut painter = Painter::new(whole.layer_mut(0).unwrap());
        painter.map_row([3, 2], 4..5, |_, _| 1);
        painter.map_row([7, 6], 4..13, |_, _| 1);
        drop(painter);
        assert_eq!(middle_of(&whole, 1), Some([8, 7, 6]));
        assert_eq!(middle_of(&whole, 2), None);
    }
}
