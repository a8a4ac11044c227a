//! A layer of a segmentation on the device that draws: held with the state that it shows. What differs from now goes up,
//! box by box, whatever changed it: a stamp, undo, an import.
//!
//! A voxel has eight bits there. Segments of a layer get numbers of their own for that; beyond 255 in one layer they
//! share them, and so their colours.

use crate::{
    gpu::{BoxWriter, GpuContext, GpuError, MaskBits, MaskBox, MaskVolume},
    model::segmentation::{VoxelBox, Voxels},
};
use std::collections::BTreeMap;

/// A layer on the device.
#[derive(Debug)]
pub struct DeviceLayer {
    mask: MaskVolume,
    shown: Voxels,
    views: BTreeMap<u16, u8>,
}

impl DeviceLayer {
    /// An empty layer of columns, rows and slices.
    ///
    /// # Errors
    /// [`GpuError::MaskTooLarge`], [`GpuError::OutOfMemory`].
    pub fn new(gpu: &GpuContext, size: [usize; 3]) -> Result<Self, GpuError> {
        Ok(Self {
            mask: MaskVolume::new(gpu, size, MaskBits::Eight)?,
            shown: Voxels::new(size),
            views: BTreeMap::new(),
        })
    }

    /// The numbers, as they are drawn.
    pub const fn mask(&self) -> &MaskVolume {
        &self.mask
    }

    /// The number that stands for a segment on the device.
    pub fn view(&mut self, number: u16) -> u8 {
        if number == 0 {
            return 0;
        }
        if let Some(view) = self.views.get(&number) {
            return *view;
        }
        let free = (1..=u8::MAX).find(|view| !self.views.values().any(|taken| taken == view));
        let view = free.unwrap_or((number.saturating_sub(1) % 255 + 1) as u8);
        self.views.insert(number, view);
        view
    }

    /// Brings it to a state; whether something went up.
    ///
    /// # Errors
    /// [`GpuError::Mismatch`] when the size is another one, [`GpuError::OutOfMemory`].
    pub fn follow(
        &mut self,
        gpu: &GpuContext,
        writer: &mut BoxWriter,
        voxels: &Voxels,
    ) -> Result<bool, GpuError> {
        if voxels.size() != self.mask.size() {
            return Err(GpuError::Mismatch("the layer is not of the mask's size"));
        }
        let boxes = voxels.changed_boxes(&self.shown);
        for part in &boxes {
            let words = MaskBox::around(part.first, part.size(), voxels.size()[0]);
            let numbers = voxels.read(&VoxelBox {
                first: words.first,
                end: std::array::from_fn(|axis| words.first[axis] + words.size[axis]),
            });
            let mut bytes = Vec::with_capacity(numbers.len());
            for run in numbers.chunk_by(|a, b| a == b) {
                let view = self.view(run.first().copied().unwrap_or(0));
                bytes.resize(bytes.len() + run.len(), view);
            }
            writer.write(gpu, &self.mask, &words, &bytes)?;
        }
        if !boxes.is_empty() {
            self.shown = voxels.clone();
        }
        Ok(!boxes.is_empty())
    }
}
