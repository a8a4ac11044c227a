//! A mask from a file of any kind: segmentation object, structure set, label volume, PNG.

use super::{Wanted, grid_of, is_placed, read_segmentation, read_structures};
use crate::{
    dicom::{
        assemble::lay_out,
        content::kind_of,
        frames::{FrameError, FrameSource},
        guard::Fault,
    },
    formats::labels,
    model::{
        content::ObjectKind,
        layout::SeriesLayout,
        segmentation::{
            Segmentation, SegmentationId,
            exchange::{Form, SegmentationRead},
        },
        study::{Instance, SourceKind},
        volume::Volume,
    },
    task::CancelToken,
};
use std::sync::Arc;

/// Whether an object is something that [`read_mask`] takes, by what its header says.
pub fn may_be_mask(instance: &Instance) -> bool {
    match instance.source.kind {
        SourceKind::Dicom => matches!(
            kind_of(&instance.sop_class_uid),
            ObjectKind::Segmentation | ObjectKind::StructureSet
        ),
        SourceKind::Volume | SourceKind::Png => true,
        SourceKind::Jpeg | SourceKind::Tiff => false,
    }
}

/// Reads a mask, onto pictures where they are given. Structure sets need them.
///
/// # Errors
/// Those of [`read_segmentation`] and [`read_structures`]; `NEEDS_PICTURES`, `NOT_LABELS`, `OTHER_GRID`, `OTHER_SIZE`.
pub fn read_mask(
    instance: &Arc<Instance>,
    frames: &dyn FrameSource,
    on: Option<&SeriesLayout>,
    wanted: Wanted,
    cancel: &CancelToken,
) -> Result<SegmentationRead, FrameError> {
    match instance.source.kind {
        SourceKind::Dicom => match (kind_of(&instance.sop_class_uid), on) {
            (ObjectKind::StructureSet, Some(on)) => read_structures(instance, frames, on, cancel),
            (ObjectKind::StructureSet, None) => {
                let text = "outlines need the pictures that they lie on";
                Err(Fault::rejected("NEEDS_PICTURES", text).into())
            }
            (ObjectKind::Segmentation, on) => {
                read_segmentation(instance, frames, on, wanted, cancel)
            }
            _ => {
                let text = "the object is neither a segmentation nor a structure set";
                Err(Fault::rejected("NOT_SEGMENTATION", text).into())
            }
        },
        SourceKind::Volume | SourceKind::Png => label_volume(instance, frames, on, cancel),
        SourceKind::Jpeg | SourceKind::Tiff => {
            let text = "a mask is no JPEG or TIFF picture: the first loses values";
            Err(Fault::unsupported("NOT_LABELS", text).into())
        }
    }
}

fn label_volume(
    instance: &Arc<Instance>,
    frames: &dyn FrameSource,
    on: Option<&SeriesLayout>,
    cancel: &CancelToken,
) -> Result<SegmentationRead, FrameError> {
    let layouts = lay_out(std::slice::from_ref(instance));
    let [layout] = layouts.as_slice() else {
        let text = "the file holds several volumes, and a mask is one";
        return Err(Fault::rejected("NOT_LABELS", text).into());
    };
    let Some(grid) = grid_of(layout) else {
        let text = "the slices of the mask form no regular grid";
        return Err(Fault::rejected("IRREGULAR", text).into());
    };
    let image = instance.image.as_ref().ok_or(FrameError::NoPicture)?;
    let mut slices = Vec::with_capacity(layout.frames.len());
    for frame in &layout.frames {
        if cancel.is_cancelled() {
            return Err(Fault::rejected("CANCELLED", "cancelled").into());
        }
        slices.push(frames.read_frame(&frame.instance, frame.frame)?);
    }
    let shared = image.frame(0);
    let volume = Volume {
        grid,
        frames: slices,
        modality_lut: shared.modality_lut.clone(),
        unit: shared.unit.clone(),
        padding: None,
    };
    let id = SegmentationId(instance.sop_instance_uid.clone());
    let mut seg = labels::from_volume(&volume, id).map_err(Fault::from)?;
    if let Some(on) = on {
        seg = laid(&seg, layout, on)?;
    }
    Ok(SegmentationRead {
        segmentation: seg,
        form: Form::LabelMap,
        fractions: None,
        instance_uid: String::new(),
        maker: String::new(),
        findings: Vec::new(),
    })
}

/// A label volume on pictures: voxels that fall together, or a single picture of the same size.
fn laid(
    seg: &Segmentation,
    own: &SeriesLayout,
    on: &SeriesLayout,
) -> Result<Segmentation, FrameError> {
    let Some(grid) = grid_of(on) else {
        let text = "the pictures form no regular grid";
        return Err(Fault::rejected("IRREGULAR", text).into());
    };
    let single = seg.grid.size[2] == 1 && grid.size[2] == 1;
    let mut laid = if single && !is_placed(own) {
        if seg.grid.size != grid.size {
            let text = format!(
                "the mask has {} columns and {} rows, the picture has {} and {}",
                seg.grid.size[0], seg.grid.size[1], grid.size[0], grid.size[1]
            );
            return Err(Fault::rejected("OTHER_SIZE", text).into());
        }
        let mut laid = seg.clone();
        laid.grid = grid;
        laid
    } else if is_placed(own) && is_placed(on) {
        labels::onto(seg, &grid).ok_or_else(|| {
            let text = "the voxels of the mask are not those of the pictures";
            Fault::rejected("OTHER_GRID", text)
        })?
    } else {
        let text = "the mask or the pictures do not say where they lie in the patient";
        return Err(Fault::rejected("UNPLACED", text).into());
    };
    if let Some(picture) = on.first_instance() {
        laid.study_uid.clone_from(&picture.study.uid);
        laid.series_uid.clone_from(&picture.series.uid);
        let uid = &picture.series.frame_of_reference_uid;
        laid.frame_of_reference_uid.clone_from(uid);
    }
    Ok(laid)
}
