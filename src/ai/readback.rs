//! The only place where numbers of a network leave its device.
//!
//! Used for export, for acceptance of a mask, and by the test that forces a read-back to see that it is counted.
//! The path from the network to the screen does not come here: on a GPU the mask stays in the tensor's own buffer.

use super::{AiError, BurnDevice, infer::Probability};
use crate::gpu::Cargo;
use burn::tensor::{Device, Tensor};

/// Probabilities in CPU memory, before any threshold.
#[derive(Clone, Debug, PartialEq)]
pub struct ProbabilityMap {
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
    /// `rows * columns` probabilities, row by row.
    pub values: Vec<f32>,
}

impl ProbabilityMap {
    /// Mean probability of the pixels at or above the threshold; `None` when there are none. Not calibrated.
    pub fn mean_inside(&self, threshold: f32) -> Option<f32> {
        let (sum, count) = self
            .values
            .iter()
            .filter(|p| **p >= threshold)
            .fold((0.0f64, 0u64), |(sum, n), &p| (sum + f64::from(p), n + 1));
        (count > 0).then(|| (sum / count as f64) as f32)
    }
}

/// Waits for the network and copies its probabilities to the CPU. On a GPU the counted door is told.
pub fn read_back(probability: &Probability) -> Result<ProbabilityMap, AiError> {
    let (tensor, device) = probability.parts();
    let [rows, columns] = tensor.dims();
    let values = tensor
        .try_into_vec_as::<f32>()
        .map_err(|error| AiError::Compute(error.to_string()))?;
    device.note_readback(Cargo::Mask, values.len());
    Ok(ProbabilityMap {
        rows,
        columns,
        values,
    })
}

/// Numbers of a tensor that lies in the memory of the processor anyway: nothing crosses a bus, so nothing is counted.
///
/// # Errors
/// A tensor of another device.
pub(crate) fn on_cpu<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, AiError> {
    if tensor.device() != Device::flex() {
        return Err(AiError::Compute("the tensor is on another device".into()));
    }
    tensor
        .try_into_vec_as::<f32>()
        .map_err(|error| AiError::Compute(error.to_string()))
}

/// Waits for a network whose answer is judged on the CPU (lesions are cut out of a whole volume, classes are a few
/// numbers) and copies it there. On a GPU the counted door is told.
///
/// # Errors
/// A device that does not give its numbers.
pub(crate) fn numbers<const D: usize>(
    tensor: Tensor<D>,
    device: &BurnDevice,
) -> Result<Vec<f32>, AiError> {
    let values = tensor
        .try_into_vec_as::<f32>()
        .map_err(|error| AiError::Compute(error.to_string()))?;
    device.note_readback(Cargo::Mask, values.len());
    Ok(values)
}
