//! Where a voxel comes from, asked in the window: every change of it that was not taken back, from the store, or from the
//! history of the window where nothing is kept.

use crate::{
    model::{
        edit::Edit,
        segmentation::{Segmentation, SegmentationEdit, SegmentationId, delta},
    },
    store::{MOST_ORIGINS as MOST, VoxelOrigin},
    workspace::{
        Workspace,
        keeper::{Answered, Ask},
    },
};
use glam::DVec3;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Which voxel is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedVoxel {
    /// Of which segmentation.
    pub of: SegmentationId,
    /// Column, row, slice of its grid.
    pub at: [usize; 3],
}

/// What the store says.
#[derive(Debug)]
pub struct OriginsFound {
    pub(in crate::workspace) asked: AskedVoxel,
    /// `None` where the journal could not be read.
    pub(in crate::workspace) found: Option<Vec<VoxelOrigin>>,
}

/// The voxel that was asked about last.
#[derive(Debug, Default)]
pub struct Origins {
    /// Somebody asks about what is under the pointer, or at the crosshair.
    pub wanted: bool,
    /// The voxel.
    pub asked: Option<AskedVoxel>,
    /// Its changes, the first one first; `None` until they are here.
    pub found: Option<Vec<VoxelOrigin>>,
    open: Arc<AtomicUsize>,
}

impl Origins {
    /// Whether an answer is still to come.
    pub fn is_busy(&self) -> bool {
        self.wanted || self.open.load(Ordering::Acquire) > 0
    }
}

/// The voxel of a segmentation at a point of its space.
pub fn voxel_at(whole: &Segmentation, point: DVec3) -> Option<[usize; 3]> {
    let voxel = whole.grid.voxel_from_patient()?.transform_point3(point);
    let voxel = voxel.round().to_array();
    let size = whole.grid.size;
    let inside = voxel
        .iter()
        .zip(size)
        .all(|(v, n)| *v >= 0.0 && *v < n as f64);
    inside.then(|| voxel.map(|v| v as usize))
}

impl Workspace {
    /// Asks where the voxel at a point of a cell comes from: that of a segmentation which has a segment there, else of the
    /// one that is worked on.
    pub(super) fn ask_origin(&mut self, cell: usize, point: Option<DVec3>) {
        self.segmenting.origins.wanted = false;
        let viewport = self.viewports.get(cell);
        let point = point.or_else(|| viewport.and_then(|v| v.crosshair));
        let found = viewport.zip(point).and_then(|(viewport, point)| {
            let place = viewport.segment_place()?;
            let at = |whole: &Segmentation| {
                let at = voxel_at(whole, point)?;
                let of = whole.id.clone();
                Some(AskedVoxel { of, at })
            };
            let seen = self.segmentations_in(viewport, &place);
            let filled = seen.iter().find_map(|whole| {
                let asked = at(whole)?;
                let filled = whole.layers().iter().any(|layer| layer.get(asked.at) != 0);
                filled.then_some(asked)
            });
            filled.or_else(|| at(self.segmentation_at(&place)?))
        });
        let Some(asked) = found else {
            return self.notify("notice-no-voxel", String::new());
        };
        self.show_segments();
        self.segmenting.origins.asked = Some(asked.clone());
        self.segmenting.origins.found = None;
        match self.marks.asks() {
            Some(asks) => {
                let answered = Answered::new(&self.segmenting.origins.open);
                let ask = Ask::Origins { asked, answered };
                if asks.try_send(ask).is_err() {
                    self.segmenting.origins.asked = None;
                    self.notify("notice-no-origins", String::new());
                }
            }
            None => {
                let found = self.remembered(&asked);
                self.segmenting.origins.found = Some(found);
            }
        }
    }

    /// What the history of the window knows of a voxel.
    fn remembered(&self, asked: &AskedVoxel) -> Vec<VoxelOrigin> {
        let mut found = Vec::new();
        for (number, step) in (1..).zip(self.marks.history.steps()) {
            for edit in &step.edits {
                let Edit::Segmentation(edit) = edit else {
                    continue;
                };
                match edit {
                    _ if *edit.of() != asked.of => {}
                    SegmentationEdit::Voxels(change) => {
                        let Some((from, to)) = delta::change_at(&change.delta, asked.at) else {
                            continue;
                        };
                        found.push(VoxelOrigin {
                            commit: number,
                            layer: change.layer,
                            from,
                            to,
                            source: Arc::clone(&change.source),
                        });
                    }
                    SegmentationEdit::Put(_) | SegmentationEdit::Drop(_) => found.clear(),
                    SegmentationEdit::Segment { .. } | SegmentationEdit::Title { .. } => {}
                }
            }
        }
        let first = found.len().saturating_sub(MOST);
        found.split_off(first)
    }

    pub(in crate::workspace) fn take_origins(&mut self, news: OriginsFound) {
        // Of several questions the last one counts.
        if self.segmenting.origins.asked.as_ref() != Some(&news.asked) {
            return;
        }
        if news.found.is_none() {
            self.segmenting.origins.asked = None;
            self.notify("notice-no-origins", String::new());
        }
        self.segmenting.origins.found = news.found;
    }

    /// Nothing is asked any more.
    pub(super) fn forget_origin(&mut self) {
        self.segmenting.origins.asked = None;
        self.segmenting.origins.found = None;
    }
}
