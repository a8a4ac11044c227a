//! A picture through a network: prepared on the CPU, computed on the device, left there.

use super::{
    AiError, BurnDevice,
    card::ModelCard,
    device::Pace,
    preprocess::{self, FrameInput},
    readback::{self, ProbabilityMap},
    registry::Model,
    unet::UNet,
};
use crate::{
    gpu::{Cargo, SharedBuffer},
    model::{finding::Finding, inference::ModelIdentity},
    task::CancelToken,
};
use burn::tensor::{Tensor, TensorData, activation::sigmoid};
use burn_wgpu::{AutoCompiler, Wgpu};
use cubecl::wgpu::WgpuServer;
use glam::{DAffine2, DMat2, DVec2};

/// A model whose weights lie on a device, ready to run.
#[derive(Debug)]
pub struct Segmenter {
    card: ModelCard,
    network: UNet,
    device: BurnDevice,
}

/// Probabilities `[rows, columns]` on the device that made them.
#[derive(Clone, Debug)]
pub struct Probability {
    tensor: Tensor<2>,
    device: BurnDevice,
}

/// A result on its way to the screen.
#[derive(Clone, Debug)]
pub enum MaskOutput {
    /// The tensor's own buffer: contiguous f32 `[rows, columns]`, all kernels submitted.
    Gpu(SharedBuffer),
    /// Made on the CPU device.
    Cpu(ProbabilityMap),
}

/// What a run of the network gives.
#[derive(Clone, Debug)]
pub struct Segmented {
    /// Probability of each pixel of the network's grid.
    pub probability: Probability,
    /// Frame pixel (column, row) from pixel of the probability map (column, row); centres at whole numbers.
    pub frame_from_probability: DAffine2,
    /// What was noticed about the picture.
    pub findings: Vec<Finding>,
}

impl Segmenter {
    /// Puts the weights of a checked model on a device.
    ///
    /// # Errors
    /// A model that looks at volumes, or tells classes.
    pub fn new(model: &Model, device: &BurnDevice) -> Result<Self, AiError> {
        if model.card.input.volume.is_some() || model.card.classifier.is_some() {
            return Err(AiError::Card(format!(
                "`{}` draws no masks on single pictures",
                model.card.id
            )));
        }
        device.note_upload(Cargo::ModelState, model.weights.count());
        Ok(Self {
            network: UNet::new(&model.card.network, &model.weights, device.burn())?,
            card: model.card.clone(),
            device: device.clone(),
        })
    }

    /// The model's card.
    pub const fn card(&self) -> &ModelCard {
        &self.card
    }

    /// For provenance.
    pub fn identity(&self) -> ModelIdentity {
        self.card.identity()
    }

    /// Runs the network on one frame. It is cancelled between layers; the result is then thrown away.
    ///
    /// On a GPU each block is waited for before the next is submitted, so a cancelled run ends with the current
    /// block, and frames of the window are drawn in between.
    pub fn run(&self, input: FrameInput<'_>, cancel: &CancelToken) -> Result<Segmented, AiError> {
        let (logits, findings) = self.logits(input, self.card.input.mirrored, cancel)?;
        let logits = match logits.dims()[0] {
            2 => {
                let [straight, mirrored] = halves(logits);
                (straight + mirrored) * 0.5
            }
            _ => logits,
        };
        self.segmented(logits, findings, input, cancel)
    }

    /// The answers for the picture and for its mirror image, the latter mirrored back.
    ///
    /// # Errors
    /// As for [`Self::run`].
    pub fn run_both(
        &self,
        input: FrameInput<'_>,
        cancel: &CancelToken,
    ) -> Result<[Segmented; 2], AiError> {
        let (logits, findings) = self.logits(input, true, cancel)?;
        let [straight, mirrored] = halves(logits);
        Ok([
            self.segmented(straight, findings, input, cancel)?,
            self.segmented(mirrored, Vec::new(), input, cancel)?,
        ])
    }

    /// Logits of the picture, and of its mirror image behind it; and what was noticed about the picture.
    fn logits(
        &self,
        input: FrameInput<'_>,
        mirrored: bool,
        cancel: &CancelToken,
    ) -> Result<(Tensor<4>, Vec<Finding>), AiError> {
        let side = self.card.input.side;
        let (values, mut findings) = preprocess::prepare(input, side)?;
        if let Some(usual) = &self.card.usual {
            findings.extend(usual.finding(&values, side)?);
        }
        let device = self.device.burn();
        let values = if mirrored {
            with_mirror_image(values, side)
        } else {
            values
        };
        self.device.note_upload(Cargo::ModelInput, values.len());
        let pictures = values.len() / (side * side).max(1);
        let data = TensorData::new(values, [pictures, 1, side, side]);
        let tensor = Tensor::<4>::from_data(data, device);
        let pace = Pace::new(&self.device, cancel);
        let logits = self.network.forward_while(tensor, &|| pace.go_on());
        pace.check()?;
        Ok((logits?, findings))
    }

    fn segmented(
        &self,
        logits: Tensor<4>,
        findings: Vec<Finding>,
        input: FrameInput<'_>,
        cancel: &CancelToken,
    ) -> Result<Segmented, AiError> {
        let side = self.card.input.side;
        let pace = Pace::new(&self.device, cancel);
        let probability = sigmoid(logits).reshape([side, side]);
        self.device
            .burn()
            .sync()
            .map_err(|error| AiError::Compute(error.to_string()))?;
        pace.check()?;
        Ok(Segmented {
            probability: Probability::computed(probability, &self.device),
            frame_from_probability: frame_from_grid(
                [input.frame.rows, input.frame.columns],
                [side, side],
            ),
            findings,
        })
    }
}

/// Those of the picture, and those of its mirror image mirrored back.
fn halves(logits: Tensor<4>) -> [Tensor<4>; 2] {
    [
        logits.clone().narrow(0, 0, 1),
        logits.narrow(0, 1, 1).flip([3]),
    ]
}

/// The picture, and behind it its mirror image.
fn with_mirror_image(mut values: Vec<f32>, side: usize) -> Vec<f32> {
    let mirrored: Vec<f32> = values
        .chunks_exact(side.max(1))
        .flat_map(|row| row.iter().rev().copied())
        .collect();
    values.extend(mirrored);
    values
}

/// Maps pixels of a grid that covers the whole frame to pixels of the frame, outer edges on outer edges.
/// Both are (rows, columns); the points are (column, row).
pub fn frame_from_grid(frame: [usize; 2], grid: [usize; 2]) -> DAffine2 {
    let scale = DVec2::new(
        frame[1] as f64 / grid[1].max(1) as f64,
        frame[0] as f64 / grid[0].max(1) as f64,
    );
    DAffine2 {
        matrix2: DMat2::from_diagonal(scale),
        translation: 0.5 * scale - 0.5,
    }
}

impl Probability {
    /// A map that was computed on the device of a network.
    pub fn computed(tensor: Tensor<2>, device: &BurnDevice) -> Self {
        Self {
            tensor,
            device: device.clone(),
        }
    }

    /// Rows and columns.
    pub fn size(&self) -> [usize; 2] {
        self.tensor.dims()
    }

    /// The tensor and its device; for the read-back.
    pub(crate) fn parts(&self) -> (Tensor<2>, &BurnDevice) {
        (self.tensor.clone(), &self.device)
    }

    /// For the screen: on a GPU the tensor's own buffer, kept alive by the result; on the CPU its numbers.
    pub fn share(&self) -> Result<MaskOutput, AiError> {
        if !self.device.on_gpu() {
            return readback::read_back(self).map(MaskOutput::Cpu);
        }
        let shape = self.tensor.dims();
        let primitive = self
            .tensor
            .clone()
            .try_into_primitive::<Wgpu>()
            .map_err(|error| AiError::Compute(format!("{error:?}")))?;
        if !primitive.is_contiguous() {
            return Err(AiError::Compute("the result is not contiguous".into()));
        }
        let resource = primitive
            .client
            .get_resource::<WgpuServer<AutoCompiler>>(primitive.handle.clone())
            .map_err(|error| AiError::Compute(error.to_string()))?;
        let (buffer, offset, size) = {
            let r = resource.resource();
            (r.buffer.clone(), r.offset, r.size)
        };
        let bytes = 4 * (shape[0] * shape[1]) as u64;
        if size < bytes {
            return Err(AiError::Compute("the result's buffer is too short".into()));
        }
        // Submitted before anybody binds the buffer: there is one queue, so what is drawn after this sees it.
        self.device
            .burn()
            .flush()
            .map_err(|error| AiError::Compute(error.to_string()))?;
        // The primitive holds the handle, the resource pins the memory: both must outlive the drawing.
        Ok(MaskOutput::Gpu(SharedBuffer::new(
            buffer,
            offset,
            bytes,
            shape,
            Box::new((resource, primitive)),
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edges_of_grid_and_frame_meet() {
        // 3000 rows and 2000 columns over 256 × 256: the outer edge of the grid is the outer edge of the frame.
        let map = frame_from_grid([3000, 2000], [256, 256]);
        let at = |c: f64, r: f64| map.transform_point2(DVec2::new(c, r));
        assert!((at(-0.5, -0.5) - DVec2::new(-0.5, -0.5)).length() < 1e-9);
        assert!((at(255.5, 255.5) - DVec2::new(1999.5, 2999.5)).length() < 1e-9);
        assert_eq!(frame_from_grid([7, 9], [7, 9]), DAffine2::IDENTITY);
    }
}
