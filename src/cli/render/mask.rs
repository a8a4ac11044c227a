//! The mask that is laid over a picture.

use crate::{
    cli::{Common, Exit, masks, series::Refusal},
    dicom::segmentation::{Wanted, is_placed},
    formats::labels::{counts, drawn},
    gpu::{GpuContext, MaskBits, MaskVolume},
    imaging::labels::{LabelMap, LabelPlane, draw_cpu},
    model::{
        geometry::GridGeometry,
        labels::{MaskLook, Meaning},
        layout::SeriesLayout,
        segmentation::exchange::SegmentationRead,
        slab::SlabSteps,
        view::{OverlayStyle, SliceView},
    },
};
use glam::{DAffine3, DVec3};
use serde_json::{Value, json};
use std::path::Path;

/// A mask, packed for drawing.
pub struct Mask {
    bytes: Vec<u8>,
    grid: GridGeometry,
    look: MaskLook,
    placed: bool,
    report: Value,
}

/// Reads a mask onto the pictures.
pub fn load(path: &Path, layout: &SeriesLayout, common: &Common) -> Result<Mask, Refusal> {
    let read = masks::read(path, Some(layout), Wanted::default(), common)?;
    let seg = &read.segmentation;
    let Some((bytes, labels)) = drawn(seg) else {
        let text = "the mask has more segments than are drawn at once: 255";
        return Err(Refusal::new(Exit::Limit, text));
    };
    Ok(Mask {
        bytes,
        grid: seg.grid,
        look: MaskLook {
            meaning: Meaning::Labels,
            style: OverlayStyle {
                dashed: false,
                ..OverlayStyle::AI
            },
            labels: labels.into(),
        },
        placed: is_placed(layout),
        report: report(&read),
    })
}

fn report(read: &SegmentationRead) -> Value {
    let counts = counts(&read.segmentation);
    let segments: Vec<Value> = read
        .segmentation
        .segments()
        .map(|segment| {
            json!({
                "number": segment.number,
                "label": segment.label,
                "color": segment.color,
                "voxels": counts.get(&segment.number).copied().unwrap_or(0),
            })
        })
        .collect();
    let findings: Vec<&str> = read.findings.iter().map(|f| f.code).collect();
    json!({"form": read.form.name(), "segments": segments, "findings": findings})
}

impl Mask {
    /// What is told of it.
    pub fn report(&self) -> &Value {
        &self.report
    }

    /// Where a view lies in it: `grid` is that of the view, `frame` the first picture of it.
    pub fn plane(&self, grid: &GridGeometry, frame: usize, view: &SliceView) -> Option<LabelPlane> {
        let mask_from_voxel = match self.placed {
            true => self.grid.voxel_from_patient()? * grid.patient_from_voxel,
            false => DAffine3::from_translation(DVec3::new(0.0, 0.0, frame as f64)),
        };
        Some(LabelPlane {
            mask_from_viewport: mask_from_voxel * view.voxel_from_viewport,
            slab: view.slab.map(|slab| SlabSteps {
                step: mask_from_voxel.matrix3 * slab.step,
                ..slab
            }),
        })
    }

    /// How it looks.
    pub const fn look(&self) -> &MaskLook {
        &self.look
    }

    /// Lays it over a picture.
    pub fn paint(&self, rgba: &mut [u8], size: [u32; 2], plane: &LabelPlane) {
        let map = LabelMap {
            size: self.grid.size,
            bytes: &self.bytes,
        };
        draw_cpu(rgba, size, &map, &self.look, plane);
    }

    /// The mask on a device.
    pub fn upload(&self, gpu: &GpuContext) -> Result<MaskVolume, Refusal> {
        let mask = MaskVolume::new(gpu, self.grid.size, MaskBits::Eight)?;
        mask.upload_rows(gpu, 0, &self.bytes)?;
        Ok(mask)
    }
}
