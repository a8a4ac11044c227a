//! A volume held for computing: frames in slice order on a regular grid.

use super::{
    geometry::GridGeometry,
    lut::{ModalityLut, ModalityUnit, PaddingRange},
    pixels::Frame,
};

/// A complete scalar volume. All frames have the same size, type and modality LUT.
#[derive(Clone, Debug)]
pub struct Volume {
    /// The grid; `grid.size[2] == frames.len()`.
    pub grid: GridGeometry,
    /// One frame a slice.
    pub frames: Vec<Frame>,
    /// Stored to modality value.
    pub modality_lut: ModalityLut,
    /// Unit of the modality value.
    pub unit: ModalityUnit,
    /// Values that carry no image.
    pub padding: Option<PaddingRange>,
}

impl Volume {
    /// Stored value at a voxel; `None` outside.
    pub fn stored(&self, column: usize, row: usize, slice: usize) -> Option<f64> {
        self.frames.get(slice)?.value(column, row, 0)
    }
}
