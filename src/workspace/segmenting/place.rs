//! Where segmentations lie that are painted over what a cell shows, and where a view lies in them.

use crate::{
    imaging::labels::LabelPlane,
    model::{
        geometry::GridGeometry,
        segmentation::{Segmentation, SegmentationId},
        slab::SlabSteps,
    },
    workspace::view::{Picture, Viewport, frame_grid},
};

/// The grid of what a cell shows: that of the volume, or of the one frame where the series is none.
#[derive(Clone, Debug, PartialEq)]
pub struct SegmentPlace {
    /// Study Instance UID.
    pub study_uid: String,
    /// Series Instance UID.
    pub series_uid: String,
    /// Frame of Reference UID; empty when the pictures name none.
    pub frame_of_reference_uid: String,
    /// The one frame: SOP Instance UID, and number from 1; `None` for a volume.
    pub frame: Option<(String, u32)>,
    /// The grid.
    pub grid: GridGeometry,
    /// It lies in the patient.
    oriented: bool,
}

impl Viewport {
    /// Where segmentations of what is shown lie; `None` while nothing is.
    pub fn segment_place(&self) -> Option<SegmentPlace> {
        let display = self.display.as_ref()?;
        let index = self.frame_shown();
        let reference = display.layout.frames.get(index)?;
        let instance = &reference.instance;
        let image = instance.image.as_ref()?;
        let description = image.frame(reference.frame);
        let number = u32::try_from(reference.frame + 1).ok()?;
        let (grid, frame) = match display.layout.volume {
            Some(grid) => (grid, None),
            None => (
                frame_grid(image, description),
                Some((instance.sop_instance_uid.clone(), number)),
            ),
        };
        Some(SegmentPlace {
            study_uid: instance.study.uid.clone(),
            series_uid: instance.series.uid.clone(),
            frame_of_reference_uid: instance.series.frame_of_reference_uid.clone(),
            frame,
            oriented: display.layout.volume.is_some() || description.plane.is_some(),
            grid,
        })
    }
}

impl SegmentPlace {
    /// A grid alone.
    #[cfg(test)]
    pub(super) const fn of_grid(grid: GridGeometry) -> Self {
        Self {
            study_uid: String::new(),
            series_uid: String::new(),
            frame_of_reference_uid: String::new(),
            frame: None,
            grid,
            oriented: true,
        }
    }

    /// A segmentation here without anything in it.
    pub fn bare(&self, id: SegmentationId) -> Segmentation {
        let mut bare = Segmentation::new(id, self.grid);
        bare.study_uid.clone_from(&self.study_uid);
        bare.series_uid.clone_from(&self.series_uid);
        bare.frame_of_reference_uid
            .clone_from(&self.frame_of_reference_uid);
        bare.frame.clone_from(&self.frame);
        bare
    }

    /// Whether a segmentation is to be seen here: of this very frame, or in the same space (one frame of reference, or
    /// one series where none is named; PS3.3 C.7.4.1).
    pub fn sees(&self, whole: &Segmentation) -> bool {
        if whole.frame.is_some() {
            return whole.frame == self.frame && whole.series_uid == self.series_uid;
        }
        let same = match whole.frame_of_reference_uid.is_empty() {
            true => whole.series_uid == self.series_uid,
            false => whole.frame_of_reference_uid == self.frame_of_reference_uid,
        };
        same && self.oriented
    }

    /// Whether a segmentation is painted here: it is to be seen, and belongs to this series.
    pub fn takes(&self, whole: &Segmentation) -> bool {
        self.sees(whole) && whole.series_uid == self.series_uid
    }

    /// Whether voxels of a grid are the pixels of this series: then their values can be looked at.
    pub fn is_grid(&self, grid: &GridGeometry) -> bool {
        self.grid == *grid
    }
}

/// Where a picture lies in a grid that shares its space, with the slab of a view.
pub fn plane(grid: &GridGeometry, viewport: &Viewport, picture: &Picture) -> Option<LabelPlane> {
    let grid_from_space = grid.voxel_from_patient()?;
    let volume = viewport.display.as_ref().and_then(|d| d.layout.volume);
    let slab = picture
        .view
        .slab
        .zip(volume)
        .map(|(slab, volume)| SlabSteps {
            step: grid_from_space.matrix3 * volume.patient_from_voxel.matrix3 * slab.step,
            ..slab
        });
    Some(LabelPlane {
        mask_from_viewport: grid_from_space * picture.patient_from_viewport,
        slab,
    })
}
